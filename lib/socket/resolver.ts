// Name resolution: hosts, addresses, services, protocols, and the name of this host.
//
// Blocking forms of lib/calls/lookup.ts. A lookup runs on a native thread while the caller waits, so signals,
// termination and deadlines end the wait. Its memory is freed when the C library returns.
import { hostname } from 'node:os';
import * as lookup from '../calls/lookup.js';
import * as c from '../constants.js';
import { raise } from '../errors/raise.js';
import { addon } from '../native/addon.js';
import { data } from '../util/validate.js';

export type { AddressInfoRow, Host, HostEntry } from '../calls/lookup.js';

/**
 * getaddrinfo(host, port, family = 0, type = 0, proto = 0, flags = 0) -> [[family, type, proto, canonname, sockaddr], …].
 * See getaddrinfo(3).
 *
 * @param host a name, a numeric address, or null for this host
 * @param port a number, a service's name, or null
 * @param family AF_INET or AF_INET6; 0 for both
 * @param type SOCK_STREAM, …; 0 for all
 * @param proto IPPROTO_TCP, …; 0 for all
 * @param flags AI_CANONNAME, …
 * @throws gaierror; TypeError; RangeError for a port, or a name that IDNA cannot encode
 */
export function getaddrinfo(
  host: lookup.Host | null,
  port: string | number | bigint | Uint8Array | null,
  family?: number | null,
  type?: number | null,
  proto?: number | null,
  flags?: number | null,
): lookup.AddressInfoRow[] {
  return lookup.run(lookup.getaddrinfo(host, port, family, type, proto, flags), {
    syscall: 'getaddrinfo',
    name: host,
  });
}

/** The same for streams, by a deadline: how create_connection finds its addresses. @throws TimeoutError; as above */
export function stream_addresses(
  host: lookup.Host | null,
  port: string | number,
  timeout_ms: number,
): lookup.AddressInfoRow[] {
  // A socket that never waits resolves all the same, as Python's.
  const limit_ms = timeout_ms === 0 ? -1 : timeout_ms;
  return lookup.run(
    lookup.getaddrinfo(host, port, 0, c.SOCK_STREAM),
    { syscall: 'getaddrinfo', name: host },
    limit_ms,
  );
}

/**
 * getnameinfo(sockaddr, flags) -> [host, port], both as text: names if they can be found. See getnameinfo(3).
 *
 * @param sockaddr [host, port] or [host, port, flowinfo, scope_id] with a numeric host
 * @param flags NI_NUMERICHOST, …; 0 for none
 * @throws gaierror; OSError; TypeError, RangeError
 */
export function getnameinfo(
  sockaddr: readonly [host: string, port: number, flowinfo?: number, scope_id?: number],
  flags: number,
): [host: string, port: string] {
  return lookup.run(lookup.getnameinfo(sockaddr, flags), { syscall: 'getnameinfo', name: sockaddr });
}

/** gethostbyname(hostname) -> its first IPv4 address. @throws gaierror; TypeError, RangeError */
export function gethostbyname(hostname: lookup.Host): string {
  return lookup.run(lookup.gethostbyname(hostname), { syscall: 'gethostbyname', name: hostname });
}

/**
 * gethostbyname_ex(hostname) -> [name, aliases, addresses], IPv4. See gethostbyname(3).
 *
 * @throws gaierror; herror; TypeError, RangeError
 */
export function gethostbyname_ex(hostname: lookup.Host): lookup.HostEntry {
  return lookup.run(lookup.gethostbyname_ex(hostname), { syscall: 'gethostbyname', name: hostname });
}

/**
 * gethostbyaddr(ip_address) -> [name, aliases, addresses]. See gethostbyaddr(3).
 *
 * @param ip_address IPv4 or IPv6, or a name that is resolved to one
 * @throws gaierror; herror; TypeError, RangeError
 */
export function gethostbyaddr(ip_address: lookup.Host): lookup.HostEntry {
  return lookup.run(lookup.gethostbyaddr(ip_address), { syscall: 'gethostbyaddr', name: ip_address });
}

/** getfqdn(name = '') -> the first name with a dot among those of a host, by default this one; else `name`. */
export function getfqdn(name = ''): string {
  return lookup.run(lookup.getfqdn(name), { syscall: 'gethostbyaddr', name });
}

/**
 * getservbyname(servicename, protocolname = null) -> the port, of any protocol if none is given. See getservbyname(3).
 *
 * @throws OSError if there is none; TypeError, RangeError
 */
export function getservbyname(servicename: string, protocolname?: string | null): number {
  return lookup.run(lookup.getservbyname(servicename, protocolname), {
    syscall: 'getservbyname',
    name: servicename,
  });
}

/**
 * getservbyport(port, protocolname = null) -> the service's name. See getservbyport(3).
 *
 * @throws OSError if there is none; TypeError, RangeError
 */
export function getservbyport(port: number, protocolname?: string | null): string {
  return lookup.run(lookup.getservbyport(port, protocolname), { syscall: 'getservbyport', name: port });
}

/** getprotobyname(protocolname) -> the number of a protocol. See getprotobyname(3). @throws OSError if there is none */
export function getprotobyname(protocolname: string): number {
  return lookup.run(lookup.getprotobyname(protocolname), { syscall: 'getprotobyname', name: protocolname });
}

/** gethostname() -> the name of this host. See gethostname(2). */
export function gethostname(): string {
  return hostname();
}

/** sethostname(name). Needs CAP_SYS_ADMIN. See sethostname(2). @throws OSError; TypeError */
export function sethostname(name: string | Uint8Array): void {
  const result = addon.sethostname(data(name, 'name'));
  if (result < 0) raise(result, { syscall: 'sethostname', args: { hostname: name } });
}
