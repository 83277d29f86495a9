// The errors of Python's io and codecs modules that files raise: UnsupportedOperation, LookupError, UnicodeError with its
// two sub-classes; and functions that make the errors of several files of this folder. Python's ValueError is a RangeError,
// as everywhere.
import { constants } from 'node:os';
import { BlockingIOError, OSError } from '../errors/index.js';

/** Python's io.UnsupportedOperation: the file was not opened for this operation, or a socket cannot do it. */
export class UnsupportedOperation extends OSError {}

/** Python's LookupError: no encoding, or no error handler, has this name. */
export class LookupError extends RangeError {}

/** Python's UnicodeError: text that cannot be decoded or encoded. */
export class UnicodeError extends RangeError {}

/** Returns `byte 0xff in position 3`, or `bytes in position 3-4`. */
function positions(one: string, many: string, start: number, end: number): string {
  return end - start === 1 ? `${one} in position ${start}` : `${many} in position ${start}-${end - 1}`;
}

/** Python's UnicodeDecodeError: bytes that are not text in the encoding of the file. */
export class UnicodeDecodeError extends UnicodeError {
  /** The name of the encoding. */
  readonly encoding: string;
  /** The bytes that were being decoded. */
  readonly object: Buffer;
  /** The index in `object` of the first bad byte. */
  readonly start: number;
  /** The index in `object` after the last bad byte. */
  readonly end: number;
  readonly reason: string;

  /**
   * @param encoding the name of the encoding
   * @param object the bytes; copied
   * @param start the index of the first bad byte
   * @param end the index after the last bad byte
   * @param reason the fault of the bad bytes, for the message
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

/** Returns a character as Python shows it in messages: \xe9, \u20ac, \U0001f600. */
export function escaped(code_point: number): string {
  if (code_point < 0x100) return `\\x${code_point.toString(16).padStart(2, '0')}`;
  if (code_point < 0x10000) return `\\u${code_point.toString(16).padStart(4, '0')}`;
  return `\\U${code_point.toString(16).padStart(8, '0')}`;
}

/** Python's UnicodeEncodeError: characters that the encoding of the file lacks. */
export class UnicodeEncodeError extends UnicodeError {
  /** The name of the encoding. */
  readonly encoding: string;
  /** The text that was being encoded. */
  readonly object: string;
  /** The index in `object` of the first bad character, in code points. */
  readonly start: number;
  /** The index in `object` after the last bad character, in code points. */
  readonly end: number;
  readonly reason: string;

  /**
   * @param encoding the name of the encoding
   * @param object the text
   * @param from the first bad character, as an index of the string
   * @param to the end of the last bad character, as an index of the string
   * @param reason the fault of the bad characters, for the message
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
 * Makes the error of a write for which neither the socket nor the buffer has room.
 *
 * @param characters_written the number of the caller's bytes that the buffer took, to be sent later
 */
export function write_would_block(characters_written: number): BlockingIOError {
  const error = new BlockingIOError(constants.errno.EAGAIN, 'write could not complete without blocking');
  error.characters_written = characters_written;
  return error;
}

/** Returns true if the error says that the socket does not block and would have to wait (EAGAIN). */
export function would_block(error: unknown): boolean {
  return error instanceof OSError && error.errno === constants.errno.EAGAIN;
}

/** Makes the error of readline() and of iteration if no line has arrived and the socket does not block. */
export function nothing_to_read(): OSError {
  return new OSError(
    'read() should have returned a Buffer, not null: the socket does not block and has no data',
  );
}

const classes = { LookupError, UnicodeDecodeError, UnicodeEncodeError, UnicodeError, UnsupportedOperation };
// The name is set on the prototype, as in lib/errors: the stack begins with it.
for (const [name, { prototype }] of Object.entries(classes)) {
  Object.defineProperty(prototype, 'name', { value: name, configurable: true, writable: true });
}
