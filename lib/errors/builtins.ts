// Python's errors beside OSError and its sub-classes: the builtin ones that files and selectors raise, and io's
// UnsupportedOperation. ValueError and OverflowError are JavaScript's RangeError, as everywhere.
import { name_classes } from './class_names.js';
import { OSError } from './index.js';

/** Python's io.UnsupportedOperation: the file was not opened for this operation, or a socket cannot do it. */
export class UnsupportedOperation extends OSError {}

/** Python's LookupError: no encoding, or no error handler, has this name. */
export class LookupError extends RangeError {}

/** Python's KeyError: a file object of a selector that is not registered, or is registered already. */
export class KeyError extends LookupError {}

/** Python's RuntimeError: a closed selector, or a second select_async() while one waits. */
export class RuntimeError extends Error {}

/** asyncio's LimitOverrunError: a line is longer than the `limit` of makefile(). The file keeps it, to be read in parts. */
export class LimitOverrunError extends RangeError {
  /** @param consumed the number of bytes, or characters, of the line that have come */
  constructor(
    message: string,
    /** The number of bytes, or characters, of the line that have come. */
    readonly consumed: number,
  ) {
    super(message);
  }
}

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
  /** The fault of the bad bytes, as in the message. */
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
  /** The fault of the bad characters, as in the message. */
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

name_classes({
  KeyError,
  LimitOverrunError,
  LookupError,
  RuntimeError,
  UnicodeDecodeError,
  UnicodeEncodeError,
  UnicodeError,
  UnsupportedOperation,
});
