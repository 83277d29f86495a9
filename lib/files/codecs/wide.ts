// utf-16 and utf-32, of either byte order or with a byte order mark.
import { UnicodeDecodeError } from '../../errors/builtins.js';
import {
  BufferedDecoder,
  type Codec,
  decode_slowly,
  type Encoder,
  encode_slowly,
  type Sequence,
} from './codec.js';
import type { ErrorHandler } from './handlers.js';

const SURROGATES = /\p{Cs}/gu;
const SURROGATE = /\p{Cs}/u;
const REASON = 'surrogates not allowed';

type SequenceAt = (bytes: Buffer, at: number) => Sequence;

const is_high = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;
const is_low = (unit: number): boolean => unit >= 0xdc00 && unit < 0xe000;

/** Returns the function that finds the character at an index of utf-16, little or big endian. */
function sequence_at_16(little: boolean): SequenceAt {
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
}

/** Returns the function that finds the character at an index of utf-32, little or big endian. */
function sequence_at_32(little: boolean): SequenceAt {
  return (bytes, at) => {
    if (bytes.length - at < 4) return { kind: 'unfinished', reason: 'truncated data' };
    const code_point = little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
    if (code_point > 0x10ffff)
      return { kind: 'error', length: 4, reason: 'code point not in range(0x110000)' };
    if (is_high(code_point) || is_low(code_point)) {
      return { kind: 'error', length: 4, reason: 'code point in surrogate code point range(0xd800, 0xe000)' };
    }
    return { kind: 'character', length: 4, text: String.fromCodePoint(code_point) };
  };
}

function encode16(little: boolean): (text: string) => Buffer {
  return (text) => (little ? Buffer.from(text, 'utf16le') : Buffer.from(text, 'utf16le').swap16());
}

function encode32(little: boolean): (text: string) => Buffer {
  return (text) => {
    const code_points = Array.from(text, (character) => character.codePointAt(0) ?? 0);
    const bytes = Buffer.allocUnsafe(4 * code_points.length);
    code_points.forEach((code_point, i) => {
      if (little) bytes.writeUInt32LE(code_point, 4 * i);
      else bytes.writeUInt32BE(code_point, 4 * i);
    });
    return bytes;
  };
}

/** One encoding in both byte orders. */
interface Wide {
  name: string;
  unit: number;
  sequence_at: Record<'le' | 'be', SequenceAt>;
  encode: Record<'le' | 'be', (text: string) => Buffer>;
}

const UTF16: Wide = {
  name: 'utf-16',
  unit: 2,
  sequence_at: { le: sequence_at_16(true), be: sequence_at_16(false) },
  encode: { le: encode16(true), be: encode16(false) },
};

const UTF32: Wide = {
  name: 'utf-32',
  unit: 4,
  sequence_at: { le: sequence_at_32(true), be: sequence_at_32(false) },
  encode: { le: encode32(true), be: encode32(false) },
};

class WideDecoder extends BufferedDecoder {
  /** @param order the byte order; undefined: the byte order mark decides */
  constructor(
    private readonly wide: Wide,
    private order: 'le' | 'be' | undefined,
    private readonly errors: ErrorHandler,
  ) {
    super();
  }

  /** Returns the byte order of a byte order mark at the beginning; undefined without one. */
  private marked(bytes: Buffer): 'le' | 'be' | undefined {
    const mark = bytes.subarray(0, this.wide.unit);
    return (['le', 'be'] as const).find((order) => mark.equals(this.wide.encode[order]('\ufeff')));
  }

  protected override decode_bytes(bytes: Buffer, final: boolean): [string, number] {
    const { name, unit, sequence_at } = this.wide;
    const known = this.order;
    const order = known ?? this.marked(bytes);
    const from = known === undefined && order !== undefined ? unit : 0;
    const actual = order ?? 'le';
    const result = decode_slowly(`${name}-${actual}`, bytes, final, this.errors, sequence_at[actual], from);
    if (order === undefined && result[1] >= unit) {
      throw new UnicodeDecodeError(name, bytes, 0, unit, 'Stream does not start with BOM');
    }
    this.order = order;
    return result;
  }
}

class WideEncoder implements Encoder {
  constructor(
    private readonly wide: Wide,
    private readonly order: 'le' | 'be',
    private readonly errors: ErrorHandler,
  ) {}

  encode(text: string): Uint8Array {
    const { wide, order, errors } = this;
    const encode = wide.encode[order];
    if (!SURROGATE.test(text)) return encode(text);
    const problem = { encoding: `${wide.name}-${order}`, reason: REASON };
    return encode_slowly(text, SURROGATES, problem, errors, encode, wide.unit);
  }

  joinable(): number {
    return -1;
  }
}

function codec(wide: Wide, order: 'le' | 'be' | undefined): Codec {
  const name = order === undefined ? wide.name : `${wide.name}-${order}`;
  return {
    name,
    decoder: (errors) => new WideDecoder(wide, order, errors),
    // Python's TextIOWrapper writes no byte order mark to a stream that cannot seek.
    encoder: (errors) => new WideEncoder(wide, order ?? 'le', errors),
  };
}

export const utf16: Codec = codec(UTF16, undefined);
export const utf16_le: Codec = codec(UTF16, 'le');
export const utf16_be: Codec = codec(UTF16, 'be');
export const utf32: Codec = codec(UTF32, undefined);
export const utf32_le: Codec = codec(UTF32, 'le');
export const utf32_be: Codec = codec(UTF32, 'be');
