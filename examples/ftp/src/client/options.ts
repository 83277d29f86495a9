// The settings of a client, checked, with their defaults; and those of its operations.

import type { Trace } from './control.js';
import { check_tls_options, type TLSOptions } from './tls.js';

export interface FTPClientOptions {
  readonly host: string;
  /** Default: 21, and 990 with tls 'implicit' */
  readonly port?: number | undefined;
  /** 'explicit' is AUTH TLS on the usual port, 'implicit' TLS from the first byte. Default: false */
  readonly tls?: false | 'explicit' | 'implicit' | undefined;
  readonly tls_options?: TLSOptions | undefined;
  /** over TLS: 'private' encrypts the data connections, too (PROT P). Default: 'private' */
  readonly data_protection?: 'private' | 'clear' | undefined;
  /** who connects for data. 'active' needs a client that the server can reach. Default: 'passive' */
  readonly data_mode?: 'passive' | 'active' | undefined;
  /** true: data is deflated on its way if the server has MODE Z. Default: false */
  readonly compress?: boolean | undefined;
  /** of names. Default: 'utf8' */
  readonly encoding?: 'utf8' | 'latin1' | undefined;
  /** seconds for a connection, TLS included. Default: 30 */
  readonly connect_timeout?: number | undefined;
  /** seconds for the answer to a command. Default: 60 */
  readonly timeout?: number | undefined;
  /** seconds without a byte within a transfer. Default: 60 */
  readonly data_timeout?: number | undefined;
  /** sees the conversation, without passwords */
  readonly trace?: Trace | undefined;
}

export interface OperationOptions {
  /** ends the operation; a transfer by ABOR, and the client is usable afterwards, or closed */
  readonly signal?: AbortSignal | undefined;
}

export interface ListOptions extends OperationOptions {
  /** names that begin with a dot, too, from servers without MLSD. Default: true */
  readonly hidden?: boolean | undefined;
  /** is told names that are none (with a slash, "..", with bytes that are not in the encoding): they are left out */
  readonly on_bad_name?: ((name: string) => void) | undefined;
}

export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly tls: false | 'explicit' | 'implicit';
  readonly tls_options: TLSOptions;
  readonly protect: boolean;
  readonly data_mode: 'passive' | 'active';
  readonly compress: boolean;
  readonly encoding: 'utf8' | 'latin1';
  readonly connect_timeout: number;
  readonly timeout: number;
  readonly data_timeout: number;
  readonly trace: Trace | undefined;
}

const NAMES: readonly string[] = [
  'host',
  'port',
  'tls',
  'tls_options',
  'data_protection',
  'data_mode',
  'compress',
  'encoding',
  'connect_timeout',
  'timeout',
  'data_timeout',
  'trace',
] satisfies (keyof FTPClientOptions)[];

/** @throws TypeError or RangeError, which names the option */
export function settings_of(options: FTPClientOptions): Settings {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(
      `options must be an object with host, not ${options === null ? 'null' : typeof options}`,
    );
  const unknown = Object.keys(options).find((name) => !NAMES.includes(name));
  if (unknown !== undefined) throw new TypeError(`unknown option ${unknown}: there are ${NAMES.join(', ')}`);
  const { host, port, trace, tls_options = {} } = options;
  if (typeof host !== 'string' || host === '' || /[\s\0]/.test(host))
    throw new TypeError(`host must be a name or an address, not ${JSON.stringify(host)}`);
  const tls = one_of('tls', options.tls, [false, 'explicit', 'implicit'] as const);
  if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65535))
    throw new RangeError(`port must be an integer from 1 to 65535, not ${String(port)}`);
  if (trace !== undefined && typeof trace !== 'function')
    throw new TypeError(`trace must be a function, not ${typeof trace}`);
  return {
    host,
    port: port ?? (tls === 'implicit' ? 990 : 21),
    tls,
    tls_options: check_tls_options(tls_options),
    protect:
      tls !== false &&
      one_of('data_protection', options.data_protection, ['private', 'clear'] as const) === 'private',
    data_mode: one_of('data_mode', options.data_mode, ['passive', 'active'] as const),
    compress: one_of('compress', options.compress, [false, true] as const),
    encoding: one_of('encoding', options.encoding, ['utf8', 'latin1'] as const),
    connect_timeout: seconds('connect_timeout', options.connect_timeout, 30),
    timeout: seconds('timeout', options.timeout, 60),
    data_timeout: seconds('data_timeout', options.data_timeout, 60),
    trace,
  };
}

/** Returns the value, or the first of the allowed ones. */
function one_of<T extends string | boolean>(
  name: string,
  value: T | undefined,
  allowed: readonly [T, ...T[]],
): T {
  if (value === undefined) return allowed[0];
  if (!allowed.includes(value))
    throw new TypeError(
      `${name} must be ${allowed.map((one) => JSON.stringify(one)).join(' or ')}, not ${JSON.stringify(value)}`,
    );
  return value;
}

function seconds(name: string, value: number | undefined, initial: number): number {
  if (value === undefined) return initial;
  if (typeof value !== 'number' || !(value > 0 && value <= 86_400))
    throw new RangeError(`${name} must be seconds, more than 0 and at most 86400, not ${String(value)}`);
  return value;
}
