// The errors of Python's io and codecs modules that files raise: UnsupportedOperation, LookupError, UnicodeError with its
// two sub-classes, and makers of those that several files of this folder raise. ValueErrors are RangeErrors, as everywhere.
import { constants } from 'node:os';
import { BlockingIOError, OSError } from '../errors/raise.js';

/** Python's io.UnsupportedOperation: the file was not opened for this, or a socket cannot do it. */
export class UnsupportedOperation extends OSError {}

/** Python's LookupError: there is no encoding, or no error handler, of this name. */
export class LookupError extends RangeError {}

/** Python's UnicodeError: text that cannot be decoded or encoded. */
export class UnicodeError extends RangeError {}

/** `byte 0xff in position 3`, or `bytes in position 3-4`. */
function positions(one: string, many: string, start: number, end: number): string {
  return end - start === 1 ? `${one} in position ${start}` : `${many} in position ${start}-${end - 1}`;
}

/** Python's UnicodeDecodeError: bytes that are not text in the encoding of the file. */
export class UnicodeDecodeError extends UnicodeError {
  /** The name of the encoding. */
  readonly encoding: string;
  /** The bytes that were being decoded. */
  readonly object: Buffer;
  /** Where in `object` the bytes begin and end that are no text. */
  readonly start: number;
  readonly end: number;
  readonly reason: string;

  /**
   * @param encoding the name of the encoding
   * @param object the bytes; copied
   * @param start the first bad byte
   * @param end the byte after the last bad one
   * @param reason what is wrong with them
   */
  constructor(encoding: string, object: Uint8Array, start: number, end: number, reason: string) {
    const byte = `byte 0x${(object[start] ?? 0).toString(16).padStart(2, '0')}`;
    super(`'${encoding}' codec can't decode ${positions(byte, 'bytes', start, end)}: ${reason}`);
    this.encoding = encoding;
    this.object = Buffer.from(object);
    this.start = start;
    this.end = end;
    this.reason = reason;
  }
}

/** A character as Python shows it in messages: \xe9, \u20ac, \U0001f600. */
export function escaped(code_point: number): string {
  if (code_point < 0x100) return `\\x${code_point.toString(16).padStart(2, '0')}`;
  if (code_point < 0x10000) return `\\u${code_point.toString(16).padStart(4, '0')}`;
  return `\\U${code_point.toString(16).padStart(8, '0')}`;
}

/** Python's UnicodeEncodeError: characters that the encoding of the file does not have. */
export class UnicodeEncodeError extends UnicodeError {
  /** The name of the encoding. */
  readonly encoding: string;
  /** The text that was being encoded. */
  readonly object: string;
  /** Where in `object` the characters begin and end, in code points. */
  readonly start: number;
  readonly end: number;
  readonly reason: string;

  /**
   * @param encoding the name of the encoding
   * @param object the text
   * @param from the first bad character, as an index of the string
   * @param to behind the last bad character, as an index of the string
   * @param reason what is wrong with them
   */
  constructor(encoding: string, object: string, from: number, to: number, reason: string) {
    const start = [...object.slice(0, from)].length;
    const end = start + [...object.slice(from, to)].length;
    const character = `character '${escaped(object.codePointAt(from) ?? 0)}'`;
    super(`'${encoding}' codec can't encode ${positions(character, 'characters', start, end)}: ${reason}`);
    this.encoding = encoding;
    this.object = object;
    this.start = start;
    this.end = end;
    this.reason = reason;
  }
}

/**
 * The error of a write for which neither the socket nor the buffer has room.
 *
 * @param characters_written how many of the caller's bytes were taken all the same, to be sent later
 */
export function write_would_block(characters_written: number): BlockingIOError {
  const error = new BlockingIOError(constants.errno.EAGAIN, 'write could not complete without blocking');
  error.characters_written = characters_written;
  return error;
}

/** Whether the socket would have had to wait. */
export function would_block(error: unknown): boolean {
  return error instanceof OSError && error.errno === constants.errno.EAGAIN;
}

/** What readline() and iteration raise where no line is there and the socket does not block. */
export function nothing_to_read(): OSError {
  return new OSError(
    'read() should have returned a Buffer, not null: the socket does not block and has no data',
  );
}

const classes = { LookupError, UnicodeDecodeError, UnicodeEncodeError, UnicodeError, UnsupportedOperation };
// On the prototype, as in ../errors.ts: the stack begins with it.
for (const [name, { prototype }] of Object.entries(classes)) {
  Object.defineProperty(prototype, 'name', { value: name, configurable: true, writable: true });
}
