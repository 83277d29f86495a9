// utf-8 and utf-8-sig. V8 decodes valid bytes; only a chunk with an error is decoded byte by byte.
import { isUtf8 } from 'node:buffer';
import {
  BufferedDecoder,
  type Codec,
  type Decoder,
  decode_slowly,
  type Encoder,
  encoder_of,
  type Sequence,
} from './codec.js';
import type { ErrorHandler } from './handlers.js';

const BOM = Buffer.of(0xef, 0xbb, 0xbf);
const SURROGATE = /\p{Cs}/u;
const ENCODING = {
  encoding: 'utf-8',
  reason: 'surrogates not allowed',
  bad: /\p{Cs}+/gu,
  encode: (text: string): Buffer => Buffer.from(text, 'utf8'),
};

/** Returns the bounds of the byte after `lead`: they keep out overlong forms, surrogates and characters beyond U+10FFFF. */
function second_byte(lead: number): [min: number, max: number] {
  if (lead === 0xe0) return [0xa0, 0xbf];
  if (lead === 0xed) return [0x80, 0x9f];
  if (lead === 0xf0) return [0x90, 0xbf];
  if (lead === 0xf4) return [0x80, 0x8f];
  return [0x80, 0xbf];
}

/** Returns the length of a character that begins with `lead`, in bytes; 0 if no character begins so. */
function sequence_length(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

function sequence_at(bytes: Buffer, at: number): Sequence {
  const lead = bytes[at] ?? 0;
  const length = sequence_length(lead);
  if (length === 0) return { kind: 'error', length: 1, reason: 'invalid start byte' };
  for (let i = 1; i < length; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return { kind: 'unfinished', reason: 'unexpected end of data' };
    const [min, max] = i === 1 ? second_byte(lead) : [0x80, 0xbf];
    if (byte >= min && byte <= max) continue;
    const reason = 'invalid continuation byte';
    // Python waits for all bytes of a surrogate before it refuses the surrogate.
    const surrogate = lead === 0xed && i === 1 && byte >= 0xa0 && byte <= 0xbf && at + 2 === bytes.length;
    return { kind: surrogate ? 'unfinished' : 'error', length: i, reason };
  }
  return { kind: 'character', length, text: bytes.toString('utf8', at, at + length) };
}

/** Returns the length of the bytes without an unfinished character at their end. */
function finished_length(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const at = bytes.length - back;
    const byte = bytes[at] ?? 0;
    if (byte < 0x80) break;
    if (byte >= 0xc0) return sequence_at(bytes, at).kind === 'unfinished' ? at : bytes.length;
  }
  return bytes.length;
}

function decode_utf8(bytes: Buffer, final: boolean, errors: ErrorHandler): [string, number] {
  const end = final ? bytes.length : finished_length(bytes);
  const whole = end === bytes.length ? bytes : bytes.subarray(0, end);
  if (isUtf8(whole)) return [whole.toString('utf8'), end];
  return decode_slowly('utf-8', bytes, final, errors, sequence_at);
}

/** Leaves out a byte order mark at the beginning of the stream. */
function sig_decoder(errors: ErrorHandler): Decoder {
  let first = true;
  return new BufferedDecoder((bytes, final) => {
    if (!first) return decode_utf8(bytes, final, errors);
    // Too few bytes to recognize the mark yet. At the end of the stream Python takes them for a mark, too.
    if (bytes.length < 3 && BOM.subarray(0, bytes.length).equals(bytes)) return ['', 0];
    first = false;
    if (!bytes.subarray(0, 3).equals(BOM)) return decode_utf8(bytes, final, errors);
    const [text, done] = decode_utf8(bytes.subarray(3), final, errors);
    return [text, done + 3];
  });
}

function encoder(errors: ErrorHandler): Encoder {
  return encoder_of(ENCODING, errors, (text) =>
    SURROGATE.test(text) ? -1 : Buffer.byteLength(text, 'utf8'),
  );
}

/** Begins the stream with a byte order mark. */
function sig_encoder(errors: ErrorHandler): Encoder {
  const { encode, joinable } = encoder(errors);
  let first = true;
  return {
    encode(text) {
      const bytes = encode(text);
      if (!first) return bytes;
      first = false;
      return Buffer.concat([BOM, bytes]);
    },
    joinable: (text) => (first ? -1 : joinable(text)),
  };
}

export const utf8: Codec = {
  name: 'utf-8',
  decoder: (errors) => new BufferedDecoder((bytes, final) => decode_utf8(bytes, final, errors)),
  encoder,
};

export const utf8_sig: Codec = { name: 'utf-8-sig', decoder: sig_decoder, encoder: sig_encoder };
