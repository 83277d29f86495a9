// utf-16 and utf-32, of either byte order or with a byte order mark.
import { UnicodeDecodeError } from '../../errors/builtins.js';
import {
  BufferedDecoder,
  type Codec,
  type Decoder,
  decode_slowly,
  encoder_of,
  type Sequence,
} from './codec.js';
import type { ErrorHandler } from './handlers.js';

type Order = 'le' | 'be';
const ORDERS = ['le', 'be'] as const;

/** One encoding in both byte orders. */
interface Wide {
  readonly name: string;
  /** Bytes of a unit. */
  readonly unit: number;
  /** Returns the function that finds the character at an index, little or big endian. */
  sequence_at(little: boolean): (bytes: Buffer, at: number) => Sequence;
  /** Returns the function that encodes text without surrogates. */
  encode(little: boolean): (text: string) => Buffer;
}

const is_high = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;
const is_low = (unit: number): boolean => unit >= 0xdc00 && unit < 0xe000;

const UTF16: Wide = {
  name: 'utf-16',
  unit: 2,
  sequence_at: (little) => {
    const unit_at = (bytes: Buffer, at: number) => (little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at));
    return (bytes, at) => {
      const left = bytes.length - at;
      if (left < 2) return { kind: 'unfinished', reason: 'truncated data' };
      const unit = unit_at(bytes, at);
      if (is_low(unit)) return { kind: 'error', length: 2, reason: 'illegal encoding' };
      if (!is_high(unit)) return { kind: 'character', length: 2, text: String.fromCharCode(unit) };
      if (left < 4) return { kind: 'unfinished', reason: 'unexpected end of data' };
      const next = unit_at(bytes, at + 2);
      if (!is_low(next)) return { kind: 'error', length: 2, reason: 'illegal UTF-16 surrogate' };
      return { kind: 'character', length: 4, text: String.fromCharCode(unit, next) };
    };
  },
  encode: (little) => (text) =>
    little ? Buffer.from(text, 'utf16le') : Buffer.from(text, 'utf16le').swap16(),
};

const UTF32: Wide = {
  name: 'utf-32',
  unit: 4,
  sequence_at: (little) => (bytes, at) => {
    if (bytes.length - at < 4) return { kind: 'unfinished', reason: 'truncated data' };
    const code_point = little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
    if (code_point > 0x10ffff)
      return { kind: 'error', length: 4, reason: 'code point not in range(0x110000)' };
    if (is_high(code_point) || is_low(code_point)) {
      return { kind: 'error', length: 4, reason: 'code point in surrogate code point range(0xd800, 0xe000)' };
    }
    return { kind: 'character', length: 4, text: String.fromCodePoint(code_point) };
  },
  encode: (little) => (text) => {
    const code_points = Array.from(text, (character) => character.codePointAt(0) ?? 0);
    const bytes = Buffer.allocUnsafe(4 * code_points.length);
    for (const [i, code_point] of code_points.entries()) {
      if (little) bytes.writeUInt32LE(code_point, 4 * i);
      else bytes.writeUInt32BE(code_point, 4 * i);
    }
    return bytes;
  },
};

/** @param given the byte order; undefined: the byte order mark decides */
function decoder(
  { name, unit, sequence_at, encode }: Wide,
  given: Order | undefined,
  errors: ErrorHandler,
): Decoder {
  let known = given;
  return new BufferedDecoder((bytes, final) => {
    const mark = bytes.subarray(0, unit);
    const order = known ?? ORDERS.find((each) => mark.equals(encode(each === 'le')('\ufeff')));
    const from = known === undefined && order !== undefined ? unit : 0;
    const actual = order ?? 'le';
    const result = decode_slowly(
      `${name}-${actual}`,
      bytes,
      final,
      errors,
      sequence_at(actual === 'le'),
      from,
    );
    if (order === undefined && result[1] >= unit) {
      throw new UnicodeDecodeError(name, bytes, 0, unit, 'Stream does not start with BOM');
    }
    known = order;
    return result;
  });
}

function codec(wide: Wide, order: Order | undefined): Codec {
  const encoding = {
    // Python's TextIOWrapper writes no byte order mark to a stream that cannot seek.
    encoding: `${wide.name}-${order ?? 'le'}`,
    reason: 'surrogates not allowed',
    bad: /\p{Cs}/gu,
    encode: wide.encode(order !== 'be'),
    unit: wide.unit,
  };
  return {
    name: order === undefined ? wide.name : encoding.encoding,
    decoder: (errors) => decoder(wide, order, errors),
    encoder: (errors) => encoder_of(encoding, errors),
  };
}

/** utf-16 and utf-32: with a byte order mark, little endian and big endian. */
export const WIDE_CODECS: readonly Codec[] = [UTF16, UTF32].flatMap((wide) =>
  [undefined, ...ORDERS].map((order) => codec(wide, order)),
);
