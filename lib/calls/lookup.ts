// Name lookups in steps, so that blocking callers and promises share them and differ only in how they wait.
//
// Each function here is a generator: it checks its arguments, starts native lookups (native/lookup.h), yields the number of
// each one that is not done at once, goes on when it is, and returns the value. `run` waits by blocking.
import { hostname } from 'node:os';
import { domainToASCII } from 'node:url';
import * as c from '../constants.js';
import { OSError } from '../errors/index.js';
import { type Call, raise, raise_gai, raise_herror } from '../errors/raise.js';
import { begin_at } from '../errors/stack.js';
import { addon, cells, FAILURE, GAI_FAILURE, HOST_FAILURE, NOT_FOUND, VALUE } from '../native/addon.js';
import { Deadline } from '../util/deadline.js';
import { array, c_string, decoded, integer, integer_or, shown } from '../util/validate.js';
import { type InetFamily, type ReturnedAddress, write_address } from './address.js';
import { lookup_timed_out } from './waiting/timed_out.js';

/** Yields numbers of native lookups to wait for, returns what was found. */
export type Lookup<T> = Generator<number, T, void>;

/** A host of a caller's: a name, a dotted address, or their bytes. */
export type Host = string | Uint8Array;

/** A row of getaddrinfo(): the arguments of socket(), the canonical name if asked for, and the address. */
export type AddressInfoRow = RowOf<typeof c.AF_INET> | RowOf<typeof c.AF_INET6>;
type RowOf<F extends InetFamily> = [
  family: F,
  type: number,
  proto: number,
  canonname: string,
  sockaddr: ReturnedAddress<F>,
];

/** The result of gethostbyname_ex() and gethostbyaddr(). */
export type HostEntry = [name: string, aliases: string[], addresses: string[]];

const UINT_MAX = 2 ** 32 - 1;
const PORT_MAX = 65535;

/** A lookup as its caller asked for it: the name of the call, and the host, address or service. */
export interface LookupCall {
  readonly syscall: string;
  readonly name: unknown;
}

/** Returns the record of a lookup that was not done in its time. */
export function failed_lookup({ syscall, name }: LookupCall, timeout_ms: number): Call {
  return { syscall, timed_out: lookup_timed_out(syscall, name, timeout_ms) };
}

/**
 * Runs a lookup by blocking in each of its steps.
 *
 * @param timeout_ms for all of it; -1 waits for ever
 * @throws what the lookup throws; TimeoutError, after which the lookup is abandoned
 */
export function run<T>(lookup: Lookup<T>, call: LookupCall, timeout_ms = -1): T {
  const deadline = new Deadline(timeout_ms);
  try {
    for (let step = lookup.next(); ; step = lookup.next()) {
      if (step.done) return step.value;
      const waited = addon.lookup_wait(step.value, deadline.left_ms());
      if (waited !== 0) raise(waited, failed_lookup(call, timeout_ms));
    }
  } catch (error) {
    throw begin_at(error, run);
  }
}

/** Waits for a native lookup and removes its value; `missing` is the message if there is no such entry. */
function* finish<T>(id: number, call: Call, missing = ''): Lookup<T> {
  if (id < 0) raise(id, call);
  if (addon.lookup_done(id) === 0) yield id;
  const value = addon.lookup_take(id);
  return value === null ? fail(call, missing) : (value as T);
}

function fail(call: Call, missing: string): never {
  const number = cells[VALUE] as number;
  switch (cells[FAILURE]) {
    case GAI_FAILURE:
      return raise_gai(number, call);
    case HOST_FAILURE:
      return raise_herror(number, call);
    case NOT_FOUND:
      throw new OSError(missing);
    default:
      return raise(-number, call);
  }
}

/** See getaddrinfo in lib/socket/resolver.ts. */
export function* getaddrinfo(
  host: Host | null,
  port: string | number | bigint | Uint8Array | null,
  family?: number | null,
  type?: number | null,
  proto?: number | null,
  flags?: number | null,
): Lookup<AddressInfoRow[]> {
  return yield* address_rows(
    host === null || host === undefined ? null : host_name(host, 'host'),
    service_text(port),
    integer_or(c.AF_UNSPEC, family, 'family'),
    integer_or(0, type, 'type'),
    integer_or(0, proto, 'proto'),
    integer_or(0, flags, 'flags'),
  );
}

function address_rows(...query: Parameters<typeof addon.getaddrinfo_start>): Lookup<AddressInfoRow[]> {
  const [host, service] = query;
  return finish(addon.getaddrinfo_start(...query), { syscall: 'getaddrinfo', args: { host, service } });
}

/** See getnameinfo in lib/socket/resolver.ts. */
export function* getnameinfo(sockaddr: readonly unknown[], flags: number): Lookup<[string, string]> {
  const [host, port, flowinfo, scope] = array(sockaddr, 'sockaddr', 2, 4);
  const numeric_host = c_string(host, 'host');
  const numeric_port = String(integer(port, 'port', 0, PORT_MAX));
  const flow = integer_or(0, flowinfo, 'flowinfo', 0, 0xfffff);
  const scope_id = integer_or(0, scope, 'scope_id', 0, UINT_MAX);
  const wanted = integer(flags, 'flags');
  const query = [c.AF_UNSPEC, c.SOCK_DGRAM, 0, c.AI_NUMERICHOST] as const;
  const rows = yield* address_rows(numeric_host, numeric_port, ...query);
  if (rows.length !== 1) throw new OSError('sockaddr resolved to multiple addresses');
  const [family, , , , address] = rows[0] as AddressInfoRow;
  if (family === c.AF_INET && sockaddr.length !== 2) throw new OSError('IPv4 sockaddr must be 2 tuple');
  // A scope in the host counts if none was given beside it.
  const length = write_address(family, 0, address[0], address[1], flow, scope_id || (address[3] ?? 0));
  const call = { syscall: 'getnameinfo', address: sockaddr };
  return yield* finish<[string, string]>(addon.getnameinfo_start(length, wanted), call);
}

/**
 * Finds the numeric address of a host, for every call that takes an address: '' is the wildcard, '<broadcast>' the
 * broadcast address, a name its first address. An IPv6 scope is kept: `fe80::1%2`.
 *
 * @throws gaierror; OSError; RangeError for a name that IDNA cannot encode
 */
export function* resolve_host(host: string, family: number): Lookup<string> {
  if (host === '') {
    const rows = yield* address_rows(null, '0', family, c.SOCK_DGRAM, 0, c.AI_PASSIVE);
    if (rows.length !== 1) throw new OSError('wildcard resolved to multiple address');
    return numeric(rows);
  }
  if (host === '<broadcast>' || host === '255.255.255.255') {
    if (family !== c.AF_INET && family !== c.AF_UNSPEC) throw new OSError('address family mismatched');
    return '255.255.255.255';
  }
  return numeric(yield* address_rows(to_ascii(host, 'host'), null, family, 0, 0, 0));
}

function numeric(rows: readonly AddressInfoRow[]): string {
  const [host, , , scope_id] = (rows[0] as AddressInfoRow)[4];
  return scope_id ? `${host}%${scope_id}` : host;
}

/** See gethostbyname in lib/socket/resolver.ts. */
export function* gethostbyname(hostname: Host): Lookup<string> {
  return yield* resolve_host(host_name(hostname, 'hostname'), c.AF_INET);
}

/** See gethostbyname_ex in lib/socket/resolver.ts. */
export function* gethostbyname_ex(hostname: Host): Lookup<HostEntry> {
  const name = host_name(hostname, 'hostname');
  // As Python: getaddrinfo() has the first word, so that its errors are gaierror.
  yield* resolve_host(name, c.AF_INET);
  const call = { syscall: 'gethostbyname', args: { name } };
  return yield* finish<HostEntry>(addon.gethostbyname_start(name), call);
}

/** See gethostbyaddr in lib/socket/resolver.ts. */
export function* gethostbyaddr(ip_address: Host): Lookup<HostEntry> {
  const name = host_name(ip_address, 'ip_address');
  const [host = '', scope = '0'] = (yield* resolve_host(name, c.AF_UNSPEC)).split('%');
  const family = host.includes(':') ? c.AF_INET6 : c.AF_INET;
  const length = write_address(family, 0, host, 0, 0, Number(scope));
  const call = { syscall: 'gethostbyaddr', args: { name } };
  return yield* finish<HostEntry>(addon.gethostbyaddr_start(length), call);
}

/** See getfqdn in lib/socket/resolver.ts. */
export function* getfqdn(name: string): Lookup<string> {
  let host = c_string(name, 'name').trim();
  if (host === '' || host === '0.0.0.0' || host === '::') host = hostname();
  try {
    const [canonical, aliases] = yield* gethostbyaddr(host);
    return [canonical, ...aliases].find((alias) => alias.includes('.')) ?? canonical;
  } catch (error) {
    if (error instanceof OSError) return host;
    throw error;
  }
}

/** See getservbyname in lib/socket/resolver.ts. */
export function* getservbyname(servicename: string, protocolname?: string | null): Lookup<number> {
  const name = c_string(servicename, 'servicename');
  const id = addon.getservbyname_start(name, protocol_text(protocolname));
  return yield* finish<number>(id, { syscall: 'getservbyname' }, 'service/proto not found');
}

/** See getservbyport in lib/socket/resolver.ts. */
export function* getservbyport(port: number, protocolname?: string | null): Lookup<string> {
  const number = integer(port, 'port', 0, PORT_MAX);
  const id = addon.getservbyport_start(number, protocol_text(protocolname));
  return yield* finish<string>(id, { syscall: 'getservbyport' }, 'port/proto not found');
}

/** See getprotobyname in lib/socket/resolver.ts. */
export function* getprotobyname(protocolname: string): Lookup<number> {
  const id = addon.getprotobyname_start(c_string(protocolname, 'protocolname'));
  return yield* finish<number>(id, { syscall: 'getprotobyname' }, 'protocol not found');
}

function protocol_text(value: unknown): string | null {
  return value === undefined || value === null ? null : c_string(value, 'protocolname');
}

function service_text(port: unknown): string | null {
  if (port === undefined || port === null) return null;
  if (typeof port === 'number' || typeof port === 'bigint') return String(integer(port, 'port', 0, PORT_MAX));
  return c_string(text_of(port, 'port'), 'port');
}

/** Returns text as it is, and UTF-8 bytes as text. */
function text_of(value: unknown, name: string): string {
  const text = decoded(value);
  if (typeof text === 'string') return text;
  throw new TypeError(`${name} must be a string or bytes, not ${shown(value)}`);
}

/** Returns a host as the C library takes it. As in Python, a zero byte is a TypeError and labels are checked. */
function host_name(host: unknown, name: string): string {
  const text = text_of(host, name);
  if (text.includes('\0')) throw new TypeError(`${name} must not contain a zero byte: ${shown(text)}`);
  if (typeof host !== 'string') return text;
  const ascii = to_ascii(text, name);
  const labels = ascii.split('.');
  const last = labels.pop() as string;
  if (last.length > 63 || labels.some((label) => label.length === 0 || label.length > 63)) {
    throw new RangeError(`${name} has a label that is empty or longer than 63: ${shown(text)}`);
  }
  return ascii;
}

// The characters that end a host in a URL: domainToASCII() reads the name as one.
const NOT_IN_NAMES = /[\s"#%/:<>?@[\\\]^`{|}]/;

/** Encodes a name outside ASCII by IDNA (UTS 46); returns other names, and addresses (with a colon), as they are. */
function to_ascii(host: string, name: string): string {
  if (/^[\0-\x7f]*$/.test(host) || host.includes(':')) return host;
  const ascii = NOT_IN_NAMES.test(host) ? '' : domainToASCII(host);
  if (ascii === '') throw new RangeError(`${name} is no domain name: ${shown(host)}`);
  return ascii;
}

/** Resolves a host like resolve_host, by blocking. @throws gaierror; OSError; RangeError; TimeoutError */
export function resolve_host_blocking(host: string, family: number, timeout_ms = -1): string {
  return run(resolve_host(host, family), { syscall: 'getaddrinfo', name: host }, timeout_ms);
}
