// The options of servers that limit clients: how many connections an address may have, how often connections may come, how long a
// connection may be idle, and what a refused client is told.
import {
  type Data,
  data,
  integer,
  integer_or,
  options_of,
  timeout as seconds,
  shown,
} from '../../util/validate.js';

/** A rate of connections, or of datagrams: by a token bucket. */
export interface Rate {
  /** Connections a second in the long run. */
  readonly per_second: number;
  /** Connections that may come at once, if none came for long. Default: those of a second, at least one. */
  readonly burst?: number | undefined;
}

/** The bits of an address that stand for one client. */
export interface AddressPrefix {
  /** Default: 32, the whole address. */
  readonly ipv4?: number | undefined;
  /** Default: 64, the network that a client usually has for itself. */
  readonly ipv6?: number | undefined;
}

/** The options of servers that limit clients. */
export interface LimitOptions {
  /** The largest number of connections that one client address has at a time. Further ones are closed before any byte. */
  max_connections_per_address?: number | undefined;
  /** The largest rate of connections (or datagrams) of one client address: a number a second, or `{ per_second, burst }`. */
  max_rate_per_address?: number | Rate | undefined;
  /** The largest rate of connections (or datagrams) in all. */
  max_rate?: number | Rate | undefined;
  /** How many bits of an address stand for one client: `{ ipv4: 32, ipv6: 64 }`. */
  address_prefix?: AddressPrefix | undefined;
  /** What a client that a limit refuses is sent before its connection is closed, such as '421 Too many connections\r\n'. */
  refusal?: Data | undefined;
  /** Seconds without a byte in either direction, while the handler waits for the client, after which a connection is ended. */
  idle_timeout?: number | null | undefined;
}

/** The names of the options. */
export const LIMIT_OPTIONS = [
  'max_connections_per_address',
  'max_rate_per_address',
  'max_rate',
  'address_prefix',
  'refusal',
  'idle_timeout',
] as const;

/** A rate, checked. */
export interface Bucket {
  readonly per_second: number;
  readonly burst: number;
}

/** The options, checked: cloned for workers. */
export interface LimitConfig {
  readonly per_address: number | undefined;
  readonly rate_per_address: Bucket | undefined;
  readonly rate: Bucket | undefined;
  readonly prefix: Required<AddressPrefix>;
  readonly refusal: Uint8Array | undefined;
  readonly idle_timeout: number | undefined;
}

const MOST = 1_000_000_000;
/** Bytes of the longest refusal: it must fit into the buffer of a new connection. */
const LONGEST_REFUSAL = 1024;

/** Returns the limits of a server's options; undefined if there are none. @throws TypeError, RangeError */
export function limit_config(options: LimitOptions, is_datagram: boolean): LimitConfig | undefined {
  if (LIMIT_OPTIONS.every((name) => options[name] === undefined || options[name] === null)) return undefined;
  for (const name of ['max_connections_per_address', 'refusal', 'idle_timeout'] as const) {
    if (is_datagram && (options[name] ?? undefined) !== undefined)
      throw new RangeError(`${name} is for servers of connections: a datagram has none`);
  }
  const { max_connections_per_address: per_address } = options;
  const { ipv4, ipv6 } = options_of(options.address_prefix ?? {}, ['ipv4', 'ipv6']);
  const refusal = options.refusal === undefined ? undefined : data(options.refusal, 'refusal');
  if (refusal !== undefined && refusal.length > LONGEST_REFUSAL)
    throw new RangeError(`refusal must be at most ${LONGEST_REFUSAL} bytes, not ${refusal.length}`);
  const idle_timeout = seconds(options.idle_timeout, 'idle_timeout') ?? undefined;
  if (idle_timeout === 0) throw new RangeError('idle_timeout must be above 0, or null for no limit');
  const config = {
    per_address:
      per_address === undefined ? undefined : integer(per_address, 'max_connections_per_address', 1, MOST),
    rate_per_address: bucket(options.max_rate_per_address, 'max_rate_per_address'),
    rate: bucket(options.max_rate, 'max_rate'),
    prefix: {
      ipv4: integer_or(32, ipv4, 'address_prefix.ipv4', 0, 32),
      ipv6: integer_or(64, ipv6, 'address_prefix.ipv6', 0, 128),
    },
    refusal,
    idle_timeout,
  };
  const refuses = config.per_address ?? config.rate_per_address ?? config.rate;
  const unused = (['refusal', 'address_prefix'] as const).find((name) => options[name] !== undefined);
  if (refuses === undefined && unused !== undefined) {
    throw new RangeError(
      `${unused} needs a limit that refuses: max_connections_per_address, max_rate_per_address or max_rate`,
    );
  }
  return config;
}

/** Checks a rate. @throws TypeError, RangeError */
function bucket(value: number | Rate | undefined, name: string): Bucket | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number') return { per_second: positive(value, name), burst: burst_of(value) };
  if (typeof value !== 'object' || value === null)
    throw new TypeError(`${name} must be a number a second, or { per_second, burst }, not ${shown(value)}`);
  const { per_second, burst } = options_of(value, ['per_second', 'burst']);
  const checked = positive(per_second, `${name}.per_second`);
  return { per_second: checked, burst: integer_or(burst_of(checked), burst, `${name}.burst`, 1, MOST) };
}

function burst_of(per_second: number): number {
  return Math.max(1, Math.ceil(per_second));
}

function positive(value: unknown, name: string): number {
  if (typeof value !== 'number')
    throw new TypeError(`${name} must be a number a second, not ${shown(value)}`);
  if (!(value > 0 && value <= MOST))
    throw new RangeError(`${name} must be above 0 and at most ${MOST} a second, not ${value}`);
  return value;
}
