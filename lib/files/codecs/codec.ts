// The interface of every codec: a decoder, which gets chunks and keeps an unfinished character for the next chunk, and an
// encoder. And the slow paths of all codecs, which call the error handler: decode_slowly, encode_slowly.
import { UnicodeEncodeError } from '../../errors/builtins.js';
import type { Bytes } from '../steps.js';
import type { DecodeProblem, ErrorHandler } from './handlers.js';

const EMPTY = Buffer.alloc(0);

/** Decodes a stream of bytes. */
export interface Decoder {
  /**
   * Returns the text of the bytes, after the bytes kept from the chunk before; an unfinished character at the end is kept.
   *
   * @param input the next bytes; the decoder copies the bytes that it keeps
   * @param final true at the end of the stream: an unfinished character is an error
   */
  decode(input: Buffer, final: boolean): string;
}

/** Encodes a stream of text. */
export interface Encoder {
  /** Returns the bytes of a text. */
  encode(text: string): Uint8Array;
  /**
   * Returns the length in bytes of a text that can be encoded without an error, alone or joined to other joinable texts, with
   * the same result; -1 for any other text.
   */
  joinable(text: string): number;
}

/** An encoding under its Python name. */
export interface Codec {
  readonly name: string;
  decoder(errors: ErrorHandler): Decoder;
  encoder(errors: ErrorHandler): Encoder;
}

/** A decoder that keeps the bytes of an unfinished character, and decodes them again before the next chunk. */
export class BufferedDecoder implements Decoder {
  private unfinished: Buffer = EMPTY;

  /** @param decode_bytes returns the text of the bytes, and the number of bytes that it stands for */
  constructor(
    private readonly decode_bytes: (bytes: Buffer, final: boolean) => [text: string, done: number],
  ) {}

  decode(input: Buffer, final: boolean): string {
    const bytes = this.unfinished.length === 0 ? input : Buffer.concat([this.unfinished, input]);
    // If decode_bytes throws, the kept bytes stay and the input is lost, as in Python.
    const [text, done] = this.decode_bytes(bytes, final);
    this.unfinished = done === bytes.length ? EMPTY : Buffer.from(bytes.subarray(done));
    return text;
  }
}

/**
 * The bytes at one index: a character of `length` bytes, an error of `length` bytes, or the beginning of a character. At the
 * end of the stream an unfinished character is an error of all bytes left, or of `length` bytes.
 */
export type Sequence =
  | { kind: 'character'; length: number; text: string }
  | { kind: 'error'; length: number; reason: string }
  | { kind: 'unfinished'; length?: number | undefined; reason: string };

/**
 * Decodes character by character, and calls the handler for errors: for bytes that the fast paths cannot decode.
 *
 * @param encoding the name of the encoding, for error messages
 * @param final true if the end of the bytes is the end of the stream
 * @param sequence_at returns the character or error at an index
 * @param from the index of the first byte to decode
 */
export function decode_slowly(
  encoding: string,
  bytes: Buffer,
  final: boolean,
  errors: ErrorHandler,
  sequence_at: (bytes: Buffer, at: number) => Sequence,
  from = 0,
): [text: string, done: number] {
  let text = '';
  let at = from;
  while (at < bytes.length) {
    const found = sequence_at(bytes, at);
    if (found.kind === 'character') {
      text += found.text;
      at += found.length;
      continue;
    }
    if (found.kind === 'unfinished' && !final) break;
    const end = found.length === undefined ? bytes.length : at + found.length;
    const problem: DecodeProblem = { encoding, bytes, start: at, end, reason: found.reason };
    const [replacement, next] = errors.decode(problem);
    text += replacement;
    at = next;
  }
  return [text, at];
}

/** An encoding as encode_slowly needs it. */
export interface Encoding {
  /** The name for error messages. */
  readonly encoding: string;
  /** The reason for error messages. */
  readonly reason: string;
  /** A global expression that matches the runs of characters that the encoding lacks. */
  readonly bad: RegExp;
  /** Encodes text without such characters. */
  encode(text: string): Uint8Array;
  /** The number of bytes of which a handler's bytes must be a multiple; 1 if left out. */
  readonly unit?: number | undefined;
}

/** Returns an encoder that calls the handler for characters that the encoding lacks. */
export function encoder_of(
  encoding: Encoding,
  errors: ErrorHandler,
  joinable: Encoder['joinable'] = () => -1,
): Encoder {
  const { bad, encode } = encoding;
  return {
    encode: (text) => (text.search(bad) < 0 ? encode(text) : encode_slowly(text, encoding, errors)),
    joinable,
  };
}

/** Encodes text that has characters the encoding lacks, and calls the handler for each run of them. */
export function encode_slowly(text: string, encoding: Encoding, errors: ErrorHandler): Uint8Array {
  const { encoding: name, reason, bad, encode, unit = 1 } = encoding;
  const parts: Bytes[] = [];
  let done = 0;
  for (const match of text.matchAll(bad)) {
    const start = match.index;
    const end = start + match[0].length;
    const replacement = errors.encode({ encoding: name, reason, text, start, end });
    const fits =
      typeof replacement === 'string' ? replacement.search(bad) < 0 : replacement.length % unit === 0;
    if (!fits) throw new UnicodeEncodeError(name, text, start, end, reason);
    parts.push(encode(text.slice(done, start)));
    parts.push(typeof replacement === 'string' ? encode(replacement) : replacement);
    done = end;
  }
  parts.push(encode(text.slice(done)));
  return Buffer.concat(parts);
}
