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
 * @returns a row for each address and type, the best address first; `sockaddr` is what connect() takes
 * @throws gaierror EAI_NONAME if there is no such host, EAI_AGAIN if no server answers; RangeError for a port, or a name that IDNA cannot
 *   encode
 * @example
 * const [row] = getaddrinfo('127.0.0.1', 80, AF_INET, SOCK_STREAM);
 * console.log(row?.[4]); // [ '127.0.0.1', 80 ]
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
 * @returns the name or the number of the host, and of the service
 * @throws gaierror EAI_NONAME with NI_NAMEREQD and no name
 * @example
 * console.log(getnameinfo(['127.0.0.1', 80], NI_NUMERICHOST | NI_NUMERICSERV)); // [ '127.0.0.1', '80' ]
 */
export function getnameinfo(
  sockaddr: readonly [
    host: string,
    port: number,
    flowinfo?: number | undefined,
    scope_id?: number | undefined,
  ],
  flags: number,
): [host: string, port: string] {
  return lookup.run(lookup.getnameinfo(sockaddr, flags), { syscall: 'getnameinfo', name: sockaddr });
}

/**
 * gethostbyname(hostname) -> its first IPv4 address. getaddrinfo knows IPv6, too. See gethostbyname(3).
 *
 * @param hostname a name, or a numeric address, which is returned
 * @returns the address as text
 * @throws gaierror if there is none
 * @example
 * console.log(gethostbyname('127.0.0.1')); // 127.0.0.1
 */
export function gethostbyname(hostname: lookup.Host): string {
  return lookup.run(lookup.gethostbyname(hostname), { syscall: 'gethostbyname', name: hostname });
}

/**
 * gethostbyname_ex(hostname) -> [name, aliases, addresses], IPv4. See gethostbyname(3).
 *
 * @param hostname a name, or a numeric address
 * @returns the true name, the other names, and all IPv4 addresses
 * @throws gaierror; herror HOST_NOT_FOUND
 * @example
 * console.log(gethostbyname_ex('127.0.0.1')); // [ '127.0.0.1', [], [ '127.0.0.1' ] ]
 */
export function gethostbyname_ex(hostname: lookup.Host): lookup.HostEntry {
  return lookup.run(lookup.gethostbyname_ex(hostname), { syscall: 'gethostbyname', name: hostname });
}

/**
 * gethostbyaddr(ip_address) -> [name, aliases, addresses]. See gethostbyaddr(3).
 *
 * @param ip_address IPv4 or IPv6, or a name that is resolved to one
 * @returns the name of the host, its other names, and the addresses
 * @throws herror if the address has no name; gaierror for a name that does not resolve
 * @example
 * const [name] = gethostbyaddr('127.0.0.1');
 * console.log(name); // for example localhost
 */
export function gethostbyaddr(ip_address: lookup.Host): lookup.HostEntry {
  return lookup.run(lookup.gethostbyaddr(ip_address), { syscall: 'gethostbyaddr', name: ip_address });
}

/**
 * getfqdn(name = '') -> the first name with a dot among those of a host; else `name`. See Python's socket.getfqdn.
 *
 * @param name of the host; '' or '0.0.0.0' for this one
 * @returns the name; the given one also if the host does not resolve
 * @example
 * console.log(getfqdn('no-such-host.invalid')); // no-such-host.invalid
 */
export function getfqdn(name = ''): string {
  return lookup.run(lookup.getfqdn(name), { syscall: 'gethostbyaddr', name });
}

/**
 * getservbyname(servicename, protocolname = null) -> the port, of any protocol if none is given. See getservbyname(3).
 *
 * @param servicename as in /etc/services
 * @param protocolname 'tcp' or 'udp'; null for any
 * @returns the port, in host byte order
 * @throws OSError "service/proto not found" if there is none
 * @example
 * console.log(getservbyname('http', 'tcp')); // 80
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
 * @param port 0 to 65,535, in host byte order
 * @param protocolname 'tcp' or 'udp'; null for any
 * @returns the name, as in /etc/services
 * @throws OSError "port/proto not found" if there is none
 * @example
 * console.log(getservbyport(80, 'tcp')); // http
 */
export function getservbyport(port: number, protocolname?: string | null): string {
  return lookup.run(lookup.getservbyport(port, protocolname), { syscall: 'getservbyport', name: port });
}

/**
 * getprotobyname(protocolname) -> the number of a protocol. See getprotobyname(3).
 *
 * @param protocolname as in /etc/protocols
 * @returns the number of the protocol, IPPROTO_*
 * @throws OSError "protocol not found" if there is none
 * @example
 * console.log(getprotobyname('icmp') === IPPROTO_ICMP); // true
 */
export function getprotobyname(protocolname: string): number {
  return lookup.run(lookup.getprotobyname(protocolname), { syscall: 'getprotobyname', name: protocolname });
}

/**
 * gethostname() -> the name of this host, which may lack the domain. See gethostname(2).
 *
 * @returns the name
 * @example
 * console.log(gethostname().length > 0); // true
 */
export function gethostname(): string {
  return hostname();
}

/**
 * sethostname(name). Sets the name of this host, or of the UTS namespace of the process. See sethostname(2).
 *
 * @param name at most 64 bytes
 * @throws PermissionError without CAP_SYS_ADMIN; OSError EINVAL for a name that is too long
 * @example
 * sethostname('gateway-1');
 */
export function sethostname(name: string | Uint8Array): void {
  const result = addon.sethostname(data(name, 'name'));
  if (result < 0) raise(result, { syscall: 'sethostname', args: { hostname: name } });
}
