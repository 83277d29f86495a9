// Encodings of one byte a character: ascii and latin-1, which V8 knows, and the encodings with a table (charmaps.ts).
import { isAscii } from 'node:buffer';
import { charmap } from './charmaps.js';
import { type Codec, decode_slowly, type Encoding, encoder_of, type Sequence } from './codec.js';

/** The character in a table for a byte that the encoding does not define. */
const UNDEFINED = '\ufffe';

/** One such encoding: the parts that differ from the others. */
interface SingleByte extends Encoding {
  /** Returns the text of bytes; undefined if the encoding does not define one of them. */
  decode(bytes: Buffer): string | undefined;
  sequence_at(bytes: Buffer, at: number): Sequence;
}

function codec(single: SingleByte, name = single.encoding): Codec {
  const { encoding, bad, decode, sequence_at } = single;
  return {
    name,
    decoder: (errors) => ({
      decode: (input, final) =>
        decode(input) ?? decode_slowly(encoding, input, final, errors, sequence_at)[0],
    }),
    encoder: (errors) => encoder_of(single, errors, (text) => (text.search(bad) < 0 ? text.length : -1)),
  };
}

const to_latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

const NOT_ASCII = 'ordinal not in range(128)';

export const ascii: Codec = codec({
  encoding: 'ascii',
  reason: NOT_ASCII,
  decode: (bytes) => (isAscii(bytes) ? bytes.toString('latin1') : undefined),
  sequence_at: (bytes, at) => {
    const byte = bytes[at] ?? 0;
    if (byte >= 0x80) return { kind: 'error', length: 1, reason: NOT_ASCII };
    return { kind: 'character', length: 1, text: String.fromCharCode(byte) };
  },
  bad: /[^\0-\x7f]+/gu,
  encode: to_latin1,
});

export const latin1: Codec = codec({
  encoding: 'latin-1',
  reason: 'ordinal not in range(256)',
  decode: (bytes) => bytes.toString('latin1'),
  sequence_at: (bytes, at) => ({ kind: 'character', length: 1, text: String.fromCharCode(bytes[at] ?? 0) }),
  bad: /[^\0-\xff]+/gu,
  encode: to_latin1,
});

const NOT_MAPPED = 'character maps to <undefined>';

/** Returns the encoding that has ASCII and the upper 128 characters `high`. */
function table_codec(high: string): SingleByte {
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
    encoding: 'charmap',
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
    bad: new RegExp(`[^\\0-\\x7f${inside}]+`, 'gu'),
    encode: (text) =>
      Buffer.from(Uint8Array.from(text, (character) => bytes_of.get(character.charCodeAt(0)) ?? 0)),
  };
}

/** Returns the codec of a name in charmaps.ts; undefined for other names. */
export function charmap_codec(name: string): Codec | undefined {
  const high = charmap(name);
  return high === undefined ? undefined : codec(table_codec(high), name);
}
