// Name resolution that returns promises: the lookups of lib/calls/lookup.ts, each on a thread of its own. A time-out or
// signal abandons the lookup; its thread ends when the C library returns.
import { constants } from 'node:os';
import * as lookup from '../calls/lookup.js';
import { finish_lookup } from '../calls/waiting/async_lookup.js';
import { raise } from '../errors/raise.js';
import { TIMED_OUT } from '../native/addon.js';
import { Timeout } from '../util/deadline.js';
import {
  check_options,
  type Rest1,
  signal_of,
  take_options,
  timeout_ms_of,
  type WaitOptions,
} from '../util/wait_options.js';

const { EAGAIN } = constants.errno;

/**
 * Runs a lookup without blocking.
 *
 * @param options `{ signal, timeout }`: without a time-out it takes as long as the resolver does
 * @throws what the lookup throws; TimeoutError; BlockingIOError for a time-out of 0; the signal's reason
 */
export async function run<T>(
  steps: lookup.Lookup<T>,
  call: lookup.LookupCall,
  options?: WaitOptions,
): Promise<T> {
  const given = options === undefined ? {} : check_options(options);
  const signal = signal_of(given);
  const limit_ms = timeout_ms_of(given, -1);
  signal?.throwIfAborted();
  const step = steps.next();
  if (step.done) return step.value;
  if (limit_ms < 0 && signal === undefined) return finish_lookup(steps, step.value);
  const limit = new Timeout(signal, limit_ms);
  try {
    return await finish_lookup(steps, step.value, limit.signal);
  } catch (error) {
    if (limit.expired && error === limit.signal.reason)
      raise(limit_ms === 0 ? -EAGAIN : TIMED_OUT, lookup.failed_lookup(call, limit_ms), run);
    throw error;
  } finally {
    limit.end();
  }
}

/**
 * getaddrinfo(host, port, family = 0, type = 0, proto = 0, flags = 0, { signal, timeout }) -> [[family, type, proto, canonname, sockaddr],
 * …], without blocking. See getaddrinfo(3).
 *
 * @param host a name, a numeric address, or null for this host
 * @param port a number, a service's name, or null
 * @param rest family, AF_* or 0 for both; type, SOCK_* or 0 for all; proto, IPPROTO_* or 0; flags, AI_*; `{ signal, timeout }`
 * @returns a row for each address and type, the best address first; `sockaddr` is what connect() takes
 * @throws gaierror EAI_NONAME if there is no such host, EAI_AGAIN if no server answers; TimeoutError; the signal's reason
 * @example
 * const [row] = await getaddrinfo('127.0.0.1', 80, AF_INET, SOCK_STREAM, { timeout: 5 });
 * console.log(row?.[4]); // [ '127.0.0.1', 80 ]
 */
export async function getaddrinfo(
  host: lookup.Host | null,
  port: string | number | bigint | Uint8Array | null,
  ...rest:
    | [options?: WaitOptions | undefined]
    | [family?: number | null | undefined, options?: WaitOptions | undefined]
    | [
        family?: number | null | undefined,
        type?: number | null | undefined,
        options?: WaitOptions | undefined,
      ]
    | [
        family?: number | null | undefined,
        type?: number | null | undefined,
        proto?: number | null | undefined,
        options?: WaitOptions | undefined,
      ]
    | [
        family?: number | null | undefined,
        type?: number | null | undefined,
        proto?: number | null | undefined,
        flags?: number | null | undefined,
        options?: WaitOptions | undefined,
      ]
): Promise<lookup.AddressInfoRow[]> {
  const options = take_options(rest, 4);
  const [family, type, proto, flags] = rest as (number | null | undefined)[];
  return run(
    lookup.getaddrinfo(host, port, family, type, proto, flags),
    { syscall: 'getaddrinfo', name: host },
    options,
  );
}

/**
 * getnameinfo(sockaddr, flags, { signal, timeout }) -> [host, port], both as text. See getnameinfo(3).
 *
 * @param sockaddr [host, port] or [host, port, flowinfo, scope_id] with a numeric host
 * @param flags NI_NUMERICHOST, …; 0 for none
 * @returns the name or the number of the host, and of the service
 * @throws gaierror EAI_NONAME with NI_NAMEREQD and no name; TimeoutError; the signal's reason
 * @example
 * console.log(await getnameinfo(['127.0.0.1', 80], NI_NUMERICHOST | NI_NUMERICSERV)); // [ '127.0.0.1', '80' ]
 */
export async function getnameinfo(
  sockaddr: readonly [
    host: string,
    port: number,
    flowinfo?: number | undefined,
    scope_id?: number | undefined,
  ],
  flags: number,
  options?: WaitOptions,
): Promise<[host: string, port: string]> {
  return run(lookup.getnameinfo(sockaddr, flags), { syscall: 'getnameinfo', name: sockaddr }, options);
}

/**
 * gethostbyname(hostname, { signal, timeout }) -> its first IPv4 address. getaddrinfo knows IPv6, too. See gethostbyname(3).
 *
 * @param hostname a name, or a numeric address, which is returned
 * @returns the address as text
 * @throws gaierror if there is none; TimeoutError; the signal's reason
 * @example
 * console.log(await gethostbyname('127.0.0.1')); // 127.0.0.1
 */
export async function gethostbyname(hostname: lookup.Host, options?: WaitOptions): Promise<string> {
  return run(lookup.gethostbyname(hostname), { syscall: 'gethostbyname', name: hostname }, options);
}

/**
 * gethostbyname_ex(hostname, { signal, timeout }) -> [name, aliases, addresses], IPv4. See gethostbyname(3).
 *
 * @param hostname a name, or a numeric address
 * @returns the true name, the other names, and all IPv4 addresses
 * @throws gaierror; herror HOST_NOT_FOUND; TimeoutError; the signal's reason
 * @example
 * console.log(await gethostbyname_ex('127.0.0.1')); // [ '127.0.0.1', [], [ '127.0.0.1' ] ]
 */
export async function gethostbyname_ex(
  hostname: lookup.Host,
  options?: WaitOptions,
): Promise<lookup.HostEntry> {
  return run(lookup.gethostbyname_ex(hostname), { syscall: 'gethostbyname', name: hostname }, options);
}

/**
 * gethostbyaddr(ip_address, { signal, timeout }) -> [name, aliases, addresses]. See gethostbyaddr(3).
 *
 * @param ip_address IPv4 or IPv6, or a name that is resolved to one
 * @returns the name of the host, its other names, and the addresses
 * @throws herror if the address has no name; gaierror for a name that does not resolve; TimeoutError; the signal's reason
 * @example
 * console.log((await gethostbyaddr('127.0.0.1'))[0]); // for example localhost
 */
export async function gethostbyaddr(
  ip_address: lookup.Host,
  options?: WaitOptions,
): Promise<lookup.HostEntry> {
  return run(lookup.gethostbyaddr(ip_address), { syscall: 'gethostbyaddr', name: ip_address }, options);
}

/**
 * getfqdn(name = '', { signal, timeout }) -> the first name with a dot among those of a host; else `name`. See Python's socket.getfqdn.
 *
 * @param rest the name of the host, '' or left out for this one; `{ signal, timeout }`
 * @returns the name; the given one also if the host does not resolve
 * @throws TimeoutError; the signal's reason
 * @example
 * console.log(await getfqdn('no-such-host.invalid')); // no-such-host.invalid
 */
export async function getfqdn(...rest: Rest1<string>): Promise<string> {
  const options = take_options(rest, 1);
  const [name] = rest as [string?];
  return run(lookup.getfqdn(name ?? ''), { syscall: 'gethostbyaddr', name }, options);
}

/**
 * getservbyname(servicename, protocolname = null, { signal, timeout }) -> the port. See getservbyname(3).
 *
 * @param servicename as in /etc/services
 * @param rest 'tcp' or 'udp', null for any; `{ signal, timeout }`
 * @returns the port, in host byte order
 * @throws OSError "service/proto not found" if there is none; TimeoutError; the signal's reason
 * @example
 * console.log(await getservbyname('http', 'tcp')); // 80
 */
export async function getservbyname(servicename: string, ...rest: Rest1<string>): Promise<number> {
  const options = take_options(rest, 1);
  const [protocolname] = rest as [string?];
  return run(
    lookup.getservbyname(servicename, protocolname),
    { syscall: 'getservbyname', name: servicename },
    options,
  );
}

/**
 * getservbyport(port, protocolname = null, { signal, timeout }) -> the service. See getservbyport(3).
 *
 * @param port 0 to 65,535, in host byte order
 * @param rest 'tcp' or 'udp', null for any; `{ signal, timeout }`
 * @returns the name, as in /etc/services
 * @throws OSError "port/proto not found" if there is none; TimeoutError; the signal's reason
 * @example
 * console.log(await getservbyport(80, 'tcp')); // http
 */
export async function getservbyport(port: number, ...rest: Rest1<string>): Promise<string> {
  const options = take_options(rest, 1);
  const [protocolname] = rest as [string?];
  return run(lookup.getservbyport(port, protocolname), { syscall: 'getservbyport', name: port }, options);
}

/**
 * getprotobyname(protocolname, { signal, timeout }) -> its number. See getprotobyname(3).
 *
 * @param protocolname as in /etc/protocols
 * @returns the number of the protocol, IPPROTO_*
 * @throws OSError "protocol not found" if there is none; TimeoutError; the signal's reason
 * @example
 * console.log((await getprotobyname('icmp')) === IPPROTO_ICMP); // true
 */
export async function getprotobyname(protocolname: string, options?: WaitOptions): Promise<number> {
  return run(lookup.getprotobyname(protocolname), { syscall: 'getprotobyname', name: protocolname }, options);
}
