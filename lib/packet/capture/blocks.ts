// The blocks of pcapng and their options as bytes, little-endian.
import { array, integer, shown } from '../../util/validate.js';
import * as numbers from './format.js';

const OPTION_SIZE_MAX = 65_535;
export const UINT64_MAX = 2n ** 64n - 1n;

export function option(code: number, value: Uint8Array, name: string): Buffer {
  if (value.length > OPTION_SIZE_MAX)
    throw new RangeError(`${name} must have at most ${OPTION_SIZE_MAX} bytes, not ${value.length}`);
  const bytes = Buffer.alloc(4 + numbers.pad4(value.length));
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt16LE(value.length, 2);
  bytes.set(value, 4);
  return bytes;
}

/** Returns the option of a number of 64 bits; none if it is left out. @throws TypeError, RangeError */
export function u64_option(code: number, value: unknown, name: string): Buffer[] {
  const number = count(value, name);
  if (number === undefined) return [];
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(number);
  return [option(code, bytes, name)];
}

/** Returns a number of 64 bits as a bigint. @throws TypeError, RangeError */
export function count(value: unknown, name: string): bigint | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'bigint') return BigInt(integer(value, name, 0, Number.MAX_SAFE_INTEGER));
  if (value < 0n || value > UINT64_MAX)
    throw new RangeError(`${name} must be between 0 and ${UINT64_MAX}, not ${value}`);
  return value;
}

/** Returns the option of a text; none if the text is left out. */
export function text_option(code: number, value: unknown, name: string): Buffer[] {
  if (value === undefined || value === null) return [];
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, not ${shown(value)}`);
  return [option(code, Buffer.from(value, 'utf8'), name)];
}

/** Returns a block: its type and length, a body that `fill` writes, options, the length again. */
export function block(
  type: number,
  body_size: number,
  options: readonly Buffer[],
  fill: (body: Buffer) => void,
): Buffer {
  const options_size = options.reduce((sum, { length }) => sum + length, 0) + (options.length > 0 ? 4 : 0);
  const size = numbers.BLOCK_FRAME + numbers.pad4(body_size) + options_size;
  const bytes = Buffer.alloc(size);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(size, 4);
  fill(bytes.subarray(8));
  let at = 8 + numbers.pad4(body_size);
  for (const one of options) {
    bytes.set(one, at);
    at += one.length;
  }
  bytes.writeUInt32LE(size, size - 4);
  return bytes;
}

/** Returns the options of comments. @throws TypeError naming the one that is no text */
export function comment_options(comments: unknown, name: string): Buffer[] {
  return array(comments ?? [], name).flatMap((comment, at) =>
    text_option(numbers.OPTION_COMMENT, comment ?? 0, `${name}[${at}]`),
  );
}

/** Returns the option of a filter that is text. */
export function filter_option(value: unknown, name: string): Buffer[] {
  if (value === undefined || value === null) return [];
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, not ${shown(value)}`);
  const bytes = Buffer.concat([Uint8Array.of(numbers.FILTER_TEXT), Buffer.from(value, 'utf8')]);
  return [option(numbers.IF_FILTER, bytes, name)];
}

export function u32_bytes(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
