// Addresses of this machine: the link-layer address of an interface, and the IP address that packets to a destination leave
// from. The kernel answers both by getsockname(2) of a socket that is bound or connected for the question; nothing is sent.
import * as c from '../constants.js';
import type { Inet6Address, InetAddress } from './address.js';
import { resolve_host_blocking } from './lookup.js';
import { SocketBase } from './socket_base.js';
import { connect } from './transfer.js';

/** The link layer of an interface: its type, ARPHRD_*, and the bytes of its address. */
export interface LinkLayer {
  readonly type: number;
  readonly address: Uint8Array;
}

/** link_layer(interface_name) -> its type and address. @throws PermissionError without CAP_NET_RAW; OSError ENODEV */
export function link_layer(interface_name: string): LinkLayer {
  // Protocol 0 receives no packets.
  using sock = new SocketBase(c.AF_PACKET, c.SOCK_RAW, 0, null, false);
  sock._bind([interface_name, 0], resolve_host_blocking);
  const [, , , type, address] = sock.getsockname();
  return { type, address };
}

/** Returns a link-layer address as text, aa:bb:cc:dd:ee:ff. */
export function hardware_text(address: Uint8Array): string {
  return Array.from(address, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/**
 * source_address(family, destination, interface_name) -> the IP address that packets to the destination leave from.
 *
 * @param destination the port only appears in errors
 * @param interface_name the only interface to leave by
 * @throws OSError if there is no route
 */
export function source_address(
  family: typeof c.AF_INET | typeof c.AF_INET6,
  destination: InetAddress | Inet6Address,
  interface_name?: string,
): string {
  using sock = new SocketBase(family, c.SOCK_DGRAM, 0, null, false);
  if (interface_name !== undefined) sock.setsockopt(c.SOL_SOCKET, c.SO_BINDTODEVICE, interface_name);
  // Without SO_BROADCAST, connect(2) refuses broadcast addresses.
  sock.setsockopt(c.SOL_SOCKET, c.SO_BROADCAST, 1);
  const result = connect(sock, destination, resolve_host_blocking, -1);
  if (result < 0) sock._raise(result, 'connect', destination);
  return sock.getsockname()[0];
}
