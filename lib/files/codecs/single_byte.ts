// Encodings of one byte a character: ascii and latin-1, which V8 knows, and the encodings with a table (charmaps.ts).
import { isAscii } from 'node:buffer';
import { CHARMAPS, UNDEFINED } from './charmaps.js';
import {
  type Codec,
  type Decoder,
  decode_slowly,
  type Encoder,
  encode_slowly,
  type Sequence,
} from './codec.js';
import type { ErrorHandler } from './handlers.js';

/** One such encoding: the parts that differ from the others. */
interface SingleByte {
  /** The name in error messages. */
  name: string;
  /** The reason in error messages, for bytes and characters that the encoding lacks. */
  reason: string;
  /** Returns the text of bytes; undefined if the encoding does not define one of them. */
  decode(bytes: Buffer): string | undefined;
  sequence_at(bytes: Buffer, at: number): Sequence;
  /** A global expression that matches runs of characters that the encoding lacks. */
  unencodable: RegExp;
  /** Returns the bytes of a text without such characters. */
  encode(text: string): Buffer;
}

class SingleByteDecoder implements Decoder {
  constructor(
    private readonly encoding: SingleByte,
    private readonly errors: ErrorHandler,
  ) {}

  decode(input: Buffer, final: boolean): string {
    const text = this.encoding.decode(input);
    if (text !== undefined) return text;
    return decode_slowly(this.encoding.name, input, final, this.errors, this.encoding.sequence_at)[0];
  }
}

class SingleByteEncoder implements Encoder {
  constructor(
    private readonly encoding: SingleByte,
    private readonly errors: ErrorHandler,
  ) {}

  encode(text: string): Uint8Array {
    const { name, reason, unencodable, encode } = this.encoding;
    if (text.search(unencodable) < 0) return encode(text);
    return encode_slowly(text, unencodable, { encoding: name, reason }, this.errors, encode);
  }

  joinable(text: string): number {
    return text.search(this.encoding.unencodable) < 0 ? text.length : -1;
  }
}

function codec(encoding: SingleByte, name = encoding.name): Codec {
  return {
    name,
    decoder: (errors) => new SingleByteDecoder(encoding, errors),
    encoder: (errors) => new SingleByteEncoder(encoding, errors),
  };
}

const to_latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

const NOT_ASCII = 'ordinal not in range(128)';

export const ascii: Codec = codec({
  name: 'ascii',
  reason: NOT_ASCII,
  decode: (bytes) => (isAscii(bytes) ? bytes.toString('latin1') : undefined),
  sequence_at: (bytes, at) => {
    const byte = bytes[at] ?? 0;
    if (byte >= 0x80) return { kind: 'error', length: 1, reason: NOT_ASCII };
    return { kind: 'character', length: 1, text: String.fromCharCode(byte) };
  },
  unencodable: /[^\0-\x7f]+/gu,
  encode: to_latin1,
});

export const latin1: Codec = codec({
  name: 'latin-1',
  reason: 'ordinal not in range(256)',
  decode: (bytes) => bytes.toString('latin1'),
  sequence_at: (bytes, at) => ({ kind: 'character', length: 1, text: String.fromCharCode(bytes[at] ?? 0) }),
  unencodable: /[^\0-\xff]+/gu,
  encode: to_latin1,
});

const NOT_MAPPED = 'character maps to <undefined>';

/** Returns the encoding that has ASCII and the upper 128 characters `high`. */
function charmap(high: string): SingleByte {
  const table = Uint16Array.from({ length: 256 }, (_, byte) =>
    byte < 0x80 ? byte : high.charCodeAt(byte - 0x80),
  );
  const undefined_unit = UNDEFINED.charCodeAt(0);
  const bytes_of = new Map<number, number>();
  for (const [byte, unit] of table.entries()) {
    if (unit !== undefined_unit && !bytes_of.has(unit)) bytes_of.set(unit, byte);
  }
  const characters = [...high].filter((character) => character !== UNDEFINED);
  const inside = characters.map((c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`).join('');
  return {
    name: 'charmap',
    reason: NOT_MAPPED,
    decode: (bytes) => {
      if (isAscii(bytes)) return bytes.toString('latin1');
      const units = new Uint16Array(bytes.length);
      for (let i = 0; i < bytes.length; i++) {
        const unit = table[bytes[i] ?? 0] ?? undefined_unit;
        if (unit === undefined_unit) return undefined;
        units[i] = unit;
      }
      return Buffer.from(units.buffer).toString('utf16le');
    },
    sequence_at: (bytes, at) => {
      const unit = table[bytes[at] ?? 0] ?? undefined_unit;
      if (unit === undefined_unit) return { kind: 'error', length: 1, reason: NOT_MAPPED };
      return { kind: 'character', length: 1, text: String.fromCharCode(unit) };
    },
    unencodable: new RegExp(`[^\\0-\\x7f${inside}]+`, 'gu'),
    encode: (text) =>
      Buffer.from(Uint8Array.from(text, (character) => bytes_of.get(character.charCodeAt(0)) ?? 0)),
  };
}

/** Returns the codec of a name in charmaps.ts; undefined for other names. */
export function charmap_codec(name: string): Codec | undefined {
  const high = Object.hasOwn(CHARMAPS, name) ? CHARMAPS[name] : undefined;
  return high === undefined ? undefined : codec(charmap(high), name);
}
