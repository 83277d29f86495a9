// Checks of arguments, before anything reaches the kernel: a wrong type is a TypeError, a value out of range a
// RangeError, and each names the argument.

export type Bytes = Uint8Array;
/** A bytes-like object, as Python calls it. */
export type BytesLike = ArrayBufferView | ArrayBufferLike;
/** Data to send: bytes, or a string for its UTF-8 bytes. */
export type Data = BytesLike | string;
/** Any iterable of `T` but a string, which would be one of its characters. */
export type Elements<T> = Iterable<T> & object;

const INT_MAX = 2 ** 31 - 1;
const INT_MIN = -(2 ** 31);
// The kernel moves no more in one call.
const MAX_SIZE = 0x7ffff000;
// Python's limit: nanoseconds in 64 bits.
const MAX_TIMEOUT = 9_223_372_036;

/** How a value is shown in a message: its type, and the value itself if that is short. */
export function shown(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'string')
    return JSON.stringify(value.length > 120 ? `${value.slice(0, 120)}…` : value);
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`;
  if (Object.prototype.toString.call(value) === '[object Promise]') return 'a Promise: await is missing';
  if (typeof value === 'object' && value !== null)
    return `an object of ${value.constructor?.name ?? 'no class'}`;
  return String(value);
}

function out_of_range(value: unknown, name: string, min: number, max: number): RangeError {
  return new RangeError(`${name} must be between ${min} and ${max}, not ${shown(value)}`);
}

/** An integer between min and max (a C int if none are given), as a number; bigint accepted. */
export function integer(value: unknown, name: string, min = INT_MIN, max = INT_MAX): number {
  if (typeof value === 'bigint') {
    if (value < BigInt(min) || value > BigInt(max)) throw out_of_range(value, name, min, max);
    return Number(value);
  }
  if (typeof value !== 'number') throw new TypeError(`${name} must be an integer, not ${shown(value)}`);
  if (value < min || value > max) throw out_of_range(value, name, min, max);
  if (!Number.isInteger(value)) throw new TypeError(`${name} must be an integer, not ${value}`);
  return value;
}

/** The same; any integer that a number holds exactly. */
export function any_integer(value: unknown, name: string): number {
  return integer(value, name, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
}

/** The same; undefined and null stand for the fallback. */
export function integer_or(
  fallback: number,
  value: unknown,
  name: string,
  min?: number,
  max?: number,
): number {
  return value === undefined || value === null ? fallback : integer(value, name, min, max);
}

/** A string that C reads to its end: without a zero byte. */
export function c_string(value: unknown, name: string): string {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, not ${shown(value)}`);
  if (value.includes('\0')) throw new RangeError(`${name} must not contain a zero byte: ${shown(value)}`);
  return value;
}

/** A size in bytes: not negative, and no more than one call moves. */
export function size(value: unknown, name: string): number {
  return integer(value, name, 0, MAX_SIZE);
}

/** A view of the same memory as bytes; a detached one is a TypeError, not zero bytes. */
export function bytes(value: unknown, name: string): Bytes {
  return value instanceof Uint8Array && value.length > 0 ? value : other_bytes(value, name, 'bytes');
}

/** Data to send: bytes, or a string for its UTF-8 bytes. */
export function data(value: unknown, name: string): Bytes {
  if (value instanceof Uint8Array && value.length > 0) return value;
  return typeof value === 'string'
    ? Buffer.from(value, 'utf8')
    : other_bytes(value, name, 'a string or bytes');
}

// The name of the class of a typed array, of any realm; undefined for anything else. Not node:util's types, which a browser lacks.
const typed_array_tag = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)?.get as (this: unknown) => string | undefined;

/** Returns whether a value is an ArrayBuffer or SharedArrayBuffer, also one of another realm. */
function is_any_buffer(value: unknown): value is ArrayBufferLike {
  if (value instanceof ArrayBuffer) return true;
  const tag = Object.prototype.toString.call(value);
  const Class = tag === '[object ArrayBuffer]' ? ArrayBuffer : undefined;
  const Shared = tag === '[object SharedArrayBuffer]' ? SharedArrayBuffer : undefined;
  try {
    // The getter throws for an object that only says so.
    return Reflect.get((Class ?? Shared)?.prototype ?? {}, 'byteLength', value) !== undefined;
  } catch {
    return false;
  }
}

/** Returns whether a value is bytes-like, also one of another realm (node:vm). */
export function is_bytes(value: unknown): value is BytesLike {
  return ArrayBuffer.isView(value) || is_any_buffer(value);
}

function is_uint8array(value: unknown): value is Uint8Array {
  return typed_array_tag.call(value) === 'Uint8Array';
}

/** Returns UTF-8 bytes as text, and anything else as it is. */
export function decoded(value: unknown): unknown {
  return is_uint8array(value) ? Buffer.from(value).toString('utf8') : value;
}

function other_bytes(value: unknown, name: string, wanted: string): Bytes {
  if (!is_bytes(value)) {
    throw new TypeError(
      `${name} must be ${wanted} (a Buffer, another view, or an ArrayBuffer), not ${shown(value)}`,
    );
  }
  try {
    // Each of these throws on a detached buffer, or on one that was resized below the view.
    if (!ArrayBuffer.isView(value)) return new Uint8Array(value);
    if (typed_array_tag.call(value) === undefined) value.byteLength;
    else Uint8Array.prototype.at.call(value as Uint8Array, 0);
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  } catch {
    throw new TypeError(`${name} is detached, or its buffer was resized below it`);
  }
}

/** Checks views again, as JavaScript may have run: an empty one may have been detached. @throws TypeError */
export function check_attached(views: readonly Bytes[], name: string): void {
  for (const view of views) if (view.length === 0) bytes(view, name);
}

/**
 * Returns view[begin, end) of a view that was checked. JavaScript may have run meanwhile: it may have detached the view, or
 * resized its memory.
 *
 * @throws TypeError
 */
export function rest_of(view: Bytes, begin: number, end: number, name: string): Bytes {
  if (view.length >= end) return view.subarray(begin, end);
  throw new TypeError(`${name} was detached, or its buffer was resized below it, before the call ended`);
}

/** An array (Python: a tuple or list), of a length in [min, max]; `form` shows it in messages: '[host, port]'. */
export function array(
  value: unknown,
  name: string,
  min = 0,
  max = Number.POSITIVE_INFINITY,
  form?: string,
): readonly unknown[] {
  const shape = form === undefined ? '' : ` ${form}`;
  if (!Array.isArray(value)) throw new TypeError(`${name} must be an array${shape}, not ${shown(value)}`);
  if (value.length < min || value.length > max) {
    const expected = min === max ? `${min}` : `${min} to ${max}`;
    throw new TypeError(`${name} must have ${expected} elements${shape}, not ${value.length}`);
  }
  return value;
}

/**
 * Returns the elements of an array or another iterable, which is asked once. A hole of an array is undefined.
 *
 * @param most the number of elements after which another iterable than an array is left: it may have no end
 * @throws TypeError for anything else, and for a string or bytes; what the iterator throws
 */
export function elements<T>(value: Iterable<T>, name: string, most: number): readonly T[];
export function elements(value: unknown, name: string, most: number): readonly unknown[];
export function elements(value: unknown, name: string, most: number): readonly unknown[] {
  if (Array.isArray(value))
    return value.length < most && value.includes(undefined) ? Array.from(value) : value;
  if (typeof value !== 'object' || value === null || !is_iterable(value) || value instanceof Uint8Array)
    throw new TypeError(`${name} must be an array or another iterable, not ${shown(value)}`);
  const taken: unknown[] = [];
  for (const element of value) if (taken.push(element) >= most) break;
  return taken;
}

/** Returns whether `for of` takes the object. */
export function is_iterable(value: object): value is Iterable<unknown> {
  return Symbol.iterator in value && typeof value[Symbol.iterator] === 'function';
}

/** Returns the error of a value in place of options with these names. */
export function no_options(value: unknown, names: readonly string[]): TypeError {
  const having = names.join(', ').replace(/, (\w+)$/, ' or $1');
  return new TypeError(`options must be an object with ${having}, not ${shown(value)}`);
}

/**
 * The options at the end of the arguments, Python's keyword arguments: an object with only these names. An
 * undefined value counts as left out.
 *
 * @throws TypeError naming the unknown option and the known ones
 */
export function options_of<Options extends object>(
  value: Options,
  names: readonly (keyof Options & string)[],
): Options {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw no_options(value, names);
  for (const name in value) {
    if (!names.includes(name) && value[name] !== undefined)
      throw new TypeError(`unknown option ${shown(name)}; known: ${names.join(', ')}`);
  }
  return value;
}

/** A time-out in seconds, or null for none: not negative, not NaN, not beyond what a clock counts. */
export function timeout(value: unknown, name = 'timeout'): number | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'bigint') return timeout(Number(value), name);
  if (typeof value !== 'number')
    throw new TypeError(`${name} must be a number of seconds or null, not ${shown(value)}`);
  if (!(value >= 0 && value <= MAX_TIMEOUT)) {
    const no_limit = value === Number.POSITIVE_INFINITY && name.endsWith('timeout');
    const remedy = no_limit ? ': null waits for ever' : '';
    throw new RangeError(`${name} must be 0 to ${MAX_TIMEOUT} seconds, not ${value}${remedy}`);
  }
  return value;
}

/** Seconds as the `timeout_ms` of native calls: -1 for none. */
export function to_timeout_ms(seconds: number | null): number {
  return seconds === null ? -1 : seconds * 1000;
}

/** Returns true for an object that has a descriptor. */
export function has_fileno(value: unknown): value is { fileno(): unknown } {
  return (
    typeof value === 'object' && value !== null && 'fileno' in value && typeof value.fileno === 'function'
  );
}

/** The number of a descriptor: a number, or the result of `fileno()`. */
export function descriptor(value: unknown, name: string): number {
  return has_fileno(value) ? integer(value.fileno(), `${name}.fileno()`) : integer(value, name);
}
