// The PROXY header that create_connection() sends first.
import { encode_proxy_header, type ProxyAddressInit, type ProxyHeaderInit } from './header.js';

/** True for the connection's own addresses, or a header; one without `source` and `destination` has the connection's own. */
export type OwnProxyHeader = true | ProxyHeaderInit;

/** A connected socket. */
interface Connected {
  getsockname(): unknown;
  getpeername(): unknown;
}

/** Checks the option before there is a connection. @throws TypeError, RangeError */
export function check_proxy_header(option: OwnProxyHeader | undefined): void {
  if (option !== undefined && option !== true) encode_proxy_header(option);
}

/** Returns the bytes of the header for a connection. @throws OSError, TypeError, RangeError */
export function proxy_header_bytes(sock: Connected, option: OwnProxyHeader): Buffer {
  const given = option === true ? {} : option;
  if (given.local === true || given.source !== undefined) return encode_proxy_header(given);
  const source = sock.getsockname() as ProxyAddressInit;
  return encode_proxy_header({ ...given, source, destination: sock.getpeername() as ProxyAddressInit });
}
