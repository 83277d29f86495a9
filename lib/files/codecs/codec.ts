// What every codec is: a decoder that is fed chunks and keeps an unfinished character for the next one, and an encoder.
import { UnicodeEncodeError } from '../errors.js';
import type { Bytes } from '../steps.js';
import type { DecodeProblem, ErrorHandler } from './handlers.js';

const EMPTY = Buffer.alloc(0);

/** Decodes a stream of bytes. */
export interface Decoder {
  /**
   * The text of the bytes and of what was kept before, without an unfinished character at their end.
   *
   * @param input the next bytes; not kept
   * @param final nothing follows: an unfinished character is an error
   */
  decode(input: Buffer, final: boolean): string;
}

/** Encodes a stream of text. */
export interface Encoder {
  /** The bytes of a text. */
  encode(text: string): Uint8Array;
  /**
   * The length in bytes of a text, if it can be encoded without error, and joined to its neighbours of which the same
   * holds encoded at once, with the same result; else -1.
   */
  joinable(text: string): number;
}

/** An encoding under its Python name. */
export interface Codec {
  readonly name: string;
  decoder(errors: ErrorHandler): Decoder;
  encoder(errors: ErrorHandler): Encoder;
}

/** A decoder that keeps what is unfinished as bytes and sees it again, in front of the next chunk. */
export abstract class BufferedDecoder implements Decoder {
  private unfinished: Buffer = EMPTY;

  /** The text of the bytes, and how many of them are done with. */
  protected abstract decode_bytes(bytes: Buffer, final: boolean): [text: string, done: number];

  decode(input: Buffer, final: boolean): string {
    const bytes = this.unfinished.length === 0 ? input : Buffer.concat([this.unfinished, input]);
    // If this throws, what was kept stays and the input is gone, as in Python.
    const [text, done] = this.decode_bytes(bytes, final);
    this.unfinished = done === bytes.length ? EMPTY : Buffer.from(bytes.subarray(done));
    return text;
  }
}

/**
 * What the bytes at one place are: a character of `length` bytes, an error of so many, or the beginning of a character (at
 * the end of the stream an error of all that is left, or of `length` bytes).
 */
export type Sequence =
  | { kind: 'character'; length: number; text: string }
  | { kind: 'error'; length: number; reason: string }
  | { kind: 'unfinished'; length?: number; reason: string };

/**
 * Decodes character by character and asks the handler about errors: for bytes that the fast ways cannot take.
 *
 * @param encoding its name, for error messages
 * @param bytes what to decode
 * @param final the end of the bytes is the end of the stream
 * @param errors the handler
 * @param sequence_at what stands at a place
 * @param from where to begin
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

/**
 * Encodes text whose bad characters are known, asking the handler about each run of them.
 *
 * @param text what to encode
 * @param bad matches runs of characters that cannot be encoded; global
 * @param problem the encoding's name and what is wrong with such characters
 * @param errors the handler
 * @param encode encodes text without such characters
 * @param unit bytes that a handler gives must be a multiple of so many
 */
export function encode_slowly(
  text: string,
  bad: RegExp,
  problem: { encoding: string; reason: string },
  errors: ErrorHandler,
  encode: (text: string) => Uint8Array,
  unit = 1,
): Uint8Array {
  const parts: Bytes[] = [];
  let done = 0;
  for (const match of text.matchAll(bad)) {
    const start = match.index;
    const end = start + match[0].length;
    const replacement = errors.encode({ ...problem, text, start, end });
    const fits =
      typeof replacement === 'string' ? replacement.search(bad) < 0 : replacement.length % unit === 0;
    if (!fits) throw new UnicodeEncodeError(problem.encoding, text, start, end, problem.reason);
    parts.push(encode(text.slice(done, start)));
    parts.push(typeof replacement === 'string' ? encode(replacement) : replacement);
    done = end;
  }
  parts.push(encode(text.slice(done)));
  return Buffer.concat(parts);
}
