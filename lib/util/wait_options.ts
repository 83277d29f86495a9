// The options behind optional arguments of a call: finding them; above all `{ signal, timeout }` of a call that returns a promise.
// util/deadline.ts makes both take effect.
import {
  is_bytes,
  is_iterable,
  no_options,
  options_of,
  timeout as seconds,
  shown,
  to_timeout_ms,
} from './validate.js';

/** The last argument of every call that returns a promise. */
export interface WaitOptions {
  /** Ends the call when it aborts: the promise rejects with its reason. */
  signal?: AbortSignal | null | undefined;
  /** Seconds, instead of the time-out of the socket or argument: null waits for ever, 0 never. */
  timeout?: number | null | undefined;
}

/** The names of the fields of WaitOptions. */
export const WAIT_OPTIONS = ['signal', 'timeout'] as const;

/** The options after one optional argument; the argument may be left out. */
export type Rest1<A> =
  | [options?: WaitOptions | undefined]
  | [a?: A | null | undefined, options?: WaitOptions | undefined];
/** The options after two optional arguments. */
export type Rest2<A, B> =
  | Rest1<A>
  | [a?: A | null | undefined, b?: B | null | undefined, options?: WaitOptions | undefined];
/** The options after three optional arguments. */
export type Rest3<A, B, C> =
  | Rest2<A, B>
  | [
      a?: A | null | undefined,
      b?: B | null | undefined,
      c?: C | null | undefined,
      options?: WaitOptions | undefined,
    ];

/** Flags that are given, and the options: the type of the flags tells whether there is an address. */
export type Flags1<Flags> = [flags: Flags | null | undefined, options?: WaitOptions | undefined];
/** The same after another argument. */
export type Flags2<Flags> = [
  argument: number | null | undefined,
  flags: Flags | null | undefined,
  options?: WaitOptions | undefined,
];

/** Returns true for an object that no call takes as another argument. */
export function is_options(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !is_iterable(value) && !is_bytes(value);
}

/** Returns true for flags, false for the options that may stand in their place. */
export function is_flags(value: unknown): value is number {
  return typeof value !== 'object' || value === null;
}

/**
 * Removes the options from the end of the optional arguments.
 *
 * @param rest the optional arguments: at most `most` of them, and the options
 * @param names the names of the options, for the error
 * @returns the options, whose names are not checked yet
 * @throws TypeError for more arguments
 */
export function take_options<Options extends object = WaitOptions>(
  rest: unknown[],
  most: number,
  names: readonly string[] = WAIT_OPTIONS,
): Options | undefined {
  let last = rest.length - 1;
  while (last >= 0 && rest[last] === undefined) last--;
  if (last < 0) return undefined;
  const options = rest[last];
  if (is_options(options)) {
    rest.length = last;
    if (last <= most) return options as Options;
  }
  if (last >= most) throw no_options(options, names);
  return undefined;
}

/** Returns what `call` returns for the options and the other optional arguments, see take_options; a throw is a rejection. */
export function with_options<Rest extends unknown[], T>(
  rest: Rest,
  most: number,
  call: (options: WaitOptions | undefined, rest: Rest) => Promise<T>,
): Promise<T> {
  try {
    return call(take_options(rest, most), rest);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Returns the options, checked. @throws TypeError */
export function check_options(options: WaitOptions): WaitOptions {
  return options_of(options, WAIT_OPTIONS);
}

/** Returns the signal of the options. @throws TypeError */
export function signal_of(options: WaitOptions): AbortSignal | undefined {
  const { signal } = options;
  if (signal === undefined || signal === null) return undefined;
  if (!(signal instanceof AbortSignal))
    throw new TypeError(`signal must be an AbortSignal, not ${shown(signal)}`);
  return signal;
}

/** Returns the time-out of the options in milliseconds, -1 for none; `fallback` without one. @throws TypeError, RangeError */
export function timeout_ms_of(options: WaitOptions, fallback: number): number {
  return options.timeout === undefined ? fallback : to_timeout_ms(seconds(options.timeout));
}

/** Returns the time-out of a call that also has it as an argument. @throws TypeError if it is given twice */
export function one_timeout(
  timeout: number | null | undefined,
  options: WaitOptions,
): number | null | undefined {
  if (timeout === undefined) return options.timeout;
  if (options.timeout === undefined) return timeout;
  throw new TypeError('timeout is given twice, as an argument and in the options');
}

/**
 * Returns what `call` returns; a throw is a rejection. Not an `async` function: its promise settles a few turns later than the
 * promise it returns, and the calls on a socket must settle in their order.
 */
export function promised<T>(call: () => Promise<T>): Promise<T> {
  try {
    return call();
  } catch (error) {
    return Promise.reject(error);
  }
}
