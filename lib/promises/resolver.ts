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
 * getaddrinfo(host, port, family = 0, type = 0, proto = 0, flags = 0, { signal, timeout }) -> [[family, type, proto,
 * canonname, sockaddr], …]. See getaddrinfo(3), and the blocking one for the arguments.
 *
 * @throws gaierror; TimeoutError; TypeError, RangeError
 */
export async function getaddrinfo(
  host: lookup.Host | null,
  port: string | number | bigint | Uint8Array | null,
  ...rest:
    | [options?: WaitOptions]
    | [family?: number | null, options?: WaitOptions]
    | [family?: number | null, type?: number | null, options?: WaitOptions]
    | [family?: number | null, type?: number | null, proto?: number | null, options?: WaitOptions]
    | [
        family?: number | null,
        type?: number | null,
        proto?: number | null,
        flags?: number | null,
        options?: WaitOptions,
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

/** getnameinfo(sockaddr, flags, { signal, timeout }) -> [host, port], both as text. See getnameinfo(3). */
export async function getnameinfo(
  sockaddr: readonly [host: string, port: number, flowinfo?: number, scope_id?: number],
  flags: number,
  options?: WaitOptions,
): Promise<[host: string, port: string]> {
  return run(lookup.getnameinfo(sockaddr, flags), { syscall: 'getnameinfo', name: sockaddr }, options);
}

/** gethostbyname(hostname, { signal, timeout }) -> its first IPv4 address. */
export async function gethostbyname(hostname: lookup.Host, options?: WaitOptions): Promise<string> {
  return run(lookup.gethostbyname(hostname), { syscall: 'gethostbyname', name: hostname }, options);
}

/** gethostbyname_ex(hostname, { signal, timeout }) -> [name, aliases, addresses], IPv4. See gethostbyname(3). */
export async function gethostbyname_ex(
  hostname: lookup.Host,
  options?: WaitOptions,
): Promise<lookup.HostEntry> {
  return run(lookup.gethostbyname_ex(hostname), { syscall: 'gethostbyname', name: hostname }, options);
}

/** gethostbyaddr(ip_address, { signal, timeout }) -> [name, aliases, addresses]. See gethostbyaddr(3). */
export async function gethostbyaddr(
  ip_address: lookup.Host,
  options?: WaitOptions,
): Promise<lookup.HostEntry> {
  return run(lookup.gethostbyaddr(ip_address), { syscall: 'gethostbyaddr', name: ip_address }, options);
}

/** getfqdn(name = '', { signal, timeout }) -> the first name with a dot among those of a host; else `name`. */
export async function getfqdn(...rest: Rest1<string>): Promise<string> {
  const options = take_options(rest, 1);
  const [name] = rest as [string?];
  return run(lookup.getfqdn(name ?? ''), { syscall: 'gethostbyaddr', name }, options);
}

/** getservbyname(servicename, protocolname = null, { signal, timeout }) -> the port. See getservbyname(3). */
export async function getservbyname(servicename: string, ...rest: Rest1<string>): Promise<number> {
  const options = take_options(rest, 1);
  const [protocolname] = rest as [string?];
  return run(
    lookup.getservbyname(servicename, protocolname),
    { syscall: 'getservbyname', name: servicename },
    options,
  );
}

/** getservbyport(port, protocolname = null, { signal, timeout }) -> the service. See getservbyport(3). */
export async function getservbyport(port: number, ...rest: Rest1<string>): Promise<string> {
  const options = take_options(rest, 1);
  const [protocolname] = rest as [string?];
  return run(lookup.getservbyport(port, protocolname), { syscall: 'getservbyport', name: port }, options);
}

/** getprotobyname(protocolname, { signal, timeout }) -> its number. See getprotobyname(3). */
export async function getprotobyname(protocolname: string, options?: WaitOptions): Promise<number> {
  return run(lookup.getprotobyname(protocolname), { syscall: 'getprotobyname', name: protocolname }, options);
}
