// IOBase, the base class of all blocking files, as in Python; and the checks of arguments that files of promises share. Sockets
// cannot seek, so IOBase refuses every operation on positions.

import { inspect } from 'node:util';
import { UnsupportedOperation } from '../errors/builtins.js';
import { UNCLONABLE } from '../util/unclonable.js';
import { bytes as check_bytes, integer, shown } from '../util/validate.js';
import { length_of } from './newlines.js';
import type { Bytes } from './steps.js';

/** A bytes-like object, as Python calls it: any view of memory, or memory itself. */
export type BytesLike = ArrayBufferView | ArrayBufferLike;

/** The data that a file writes; `T` is the type of the data that it reads. */
export type WriteData<T extends Buffer | string> = T extends string ? string : BytesLike;

/** The argument for a size or limit; null and undefined mean "no limit". */
export type Size = number | bigint | null;

/** Returns the size, or -1 for null and undefined. @throws TypeError, RangeError */
export function size_or_all(value: unknown, name: string): number {
  return value === undefined || value === null
    ? -1
    : integer(value, name, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
}

/** Returns the bytes to write, from any view or buffer. @throws TypeError for a string and anything else */
export function data_bytes(value: unknown): Bytes {
  if (typeof value === 'string') {
    throw new TypeError(
      `data must be bytes in a binary file, not the string ${shown(value)}: write Buffer.from(text), or use a text file, which is open without 'b'`,
    );
  }
  return check_bytes(value, 'data');
}

/** Checks the text to write. @throws TypeError for bytes and anything else that is no string */
export function check_text(value: unknown): void {
  if (typeof value === 'string') return;
  throw new TypeError(
    `text must be a string in a text file, not ${shown(value)}: open it with 'b' for bytes`,
  );
}

/** What describes a file: its descriptor, -1 once it is closed, its mode, and the encoding of text. */
export type Description = readonly [fd: number, mode: string, encoding?: string | undefined];

/** Returns a file as one line: <TextIOWrapper fd=5, mode=r, encoding=UTF-8>; its name alone if it has no descriptor. */
export function describe(name: string, description: () => Description | undefined): string {
  try {
    const found = description();
    if (found === undefined) return `<${name}>`;
    const [fd, mode, encoding] = found;
    const state = fd < 0 ? '[closed]' : `fd=${fd},`;
    return `<${name} ${state} mode=${mode}${encoding === undefined ? '' : `, encoding=${encoding}`}>`;
  } catch {
    return `<${name} [detached]>`;
  }
}

export const CLOSED_FILE = 'I/O operation on closed file.';

/** A file; `T` is the type of its data: Buffer, or string in text mode. */
export abstract class IOBase<T extends Buffer | string> implements IterableIterator<T>, Disposable {
  /** @internal */ readonly _unclonable = UNCLONABLE;
  /** The file below; undefined if this file has none. @throws RangeError after detach() @internal */
  get _attached(): IOBase<Buffer> | undefined {
    return undefined;
  }

  /** True if close() was called. */
  get closed(): boolean {
    return this._attached?.closed ?? false;
  }

  /**
   * close(). Flushes, and gives up the socket, which closes if its own close() was called and this was its last file. Closing twice is
   * allowed. See Python's io.IOBase.close.
   *
   * @throws BlockingIOError if the flush would block; errors of send(2). The file is closed all the same
   * @example
   * file.write(Buffer.from('bye'));
   * file.close();
   * console.log(file.closed); // true
   */
  close(): void {
    if (this.closed) return;
    try {
      this.flush();
    } finally {
      this._attached?.close();
    }
  }

  /**
   * readline(size = -1) -> a line with its line end; empty at the end of the stream. See Python's io.IOBase.readline.
   *
   * @param size the most bytes (characters in text mode) of the line; no limit if it is left out, null or negative
   * @returns the line, shorter if `size` cut it
   * @throws TimeoutError; LimitOverrunError for a line beyond the `limit` of makefile()
   * @example
   * peer.sendall('one\ntwo\n');
   * console.log(file.readline().toString().trim()); // one
   */
  abstract readline(size?: Size): T;

  /**
   * write(data) -> how much was written. See Python's io documentation.
   *
   * @returns the number of bytes (characters in text mode)
   * @throws UnsupportedOperation if the file was not opened for writing; errors of send(2)
   * @example
   * console.log(file.write(Buffer.from('hello'))); // 5
   */
  abstract write(data: WriteData<T>): number | null;

  /**
   * writelines(lines). Writes each line, with nothing between them. See Python's io.IOBase.writelines.
   *
   * @param lines an iterable; the line ends are part of them
   * @throws as write()
   * @example
   * file.writelines([Buffer.from('one\n'), Buffer.from('two\n')]);
   * file.flush();
   * console.log(peer.recv(1024).toString() === 'one\ntwo\n'); // true
   */
  writelines(lines: Iterable<WriteData<T>>): void {
    this.check_open();
    for (const line of lines) this.write(line);
  }

  /** @internal */
  protected unsupported(operation: string): never {
    throw new UnsupportedOperation(`${operation}: a ${this.constructor.name} cannot do that`);
  }

  /** @internal */
  protected check_open(message = CLOSED_FILE): void {
    if (this.closed) throw new RangeError(message);
  }

  /**
   * flush(). Sends the buffered bytes. See Python's io.IOBase.flush.
   *
   * @throws BlockingIOError if the socket would block; BrokenPipeError and other errors of send(2)
   * @example
   * file.write(Buffer.from('hello'));
   * file.flush();
   * console.log(peer.recv(1024).toString()); // hello
   */
  flush(): void {
    this.check_open();
  }

  /**
   * readable() -> whether the file was opened for reading. See Python's io.IOBase.readable.
   *
   * @returns true for a mode with 'r'
   * @throws RangeError once the file is closed
   * @example
   * console.log(sock.makefile('wb').readable()); // false
   */
  readable(): boolean {
    return false;
  }

  /**
   * writable() -> whether the file was opened for writing. See Python's io.IOBase.writable.
   *
   * @returns true for a mode with 'w'
   * @throws RangeError once the file is closed
   * @example
   * console.log(sock.makefile('wb').writable()); // true
   */
  writable(): boolean {
    return false;
  }

  /**
   * seekable() -> false: a socket has no positions. See Python's io.IOBase.seekable.
   *
   * @returns false
   * @throws RangeError once the file is closed
   * @example
   * console.log(file.seekable()); // false
   */
  seekable(): boolean {
    return this._attached?.seekable() ?? false;
  }

  /**
   * isatty() -> false: a socket is no terminal. See Python's io.IOBase.isatty.
   *
   * @returns false
   * @throws RangeError once the file is closed
   * @example
   * console.log(file.isatty()); // false
   */
  isatty(): boolean {
    this.check_open();
    return false;
  }

  /**
   * fileno() -> the descriptor of the socket. See Python's io.IOBase.fileno.
   *
   * @returns the number of the descriptor
   * @throws RangeError once the file is closed
   * @example
   * console.log(sock.makefile('rb').fileno() === sock.fileno()); // true
   */
  fileno(): number {
    return (this._attached ?? this.unsupported('fileno')).fileno();
  }

  /**
   * seek(offset, whence = 0). A socket has no positions. See Python's io.IOBase.seek.
   *
   * @param _offset is not looked at
   * @param _whence is not looked at
   * @returns never
   * @throws UnsupportedOperation, always
   * @example
   * try { file.seek(0); } catch (error) { console.log(error instanceof UnsupportedOperation); } // true
   */
  seek(_offset: number, _whence?: number): number {
    return this.unsupported('seek');
  }

  /**
   * tell(). A socket has no positions. See Python's io.IOBase.tell.
   *
   * @returns never
   * @throws UnsupportedOperation, always
   * @example
   * try { file.tell(); } catch (error) { console.log(error instanceof UnsupportedOperation); } // true
   */
  tell(): number {
    return this.unsupported('seek');
  }

  /**
   * truncate(size). A socket has no length. See Python's io.IOBase.truncate.
   *
   * @param _size is not looked at
   * @returns never
   * @throws UnsupportedOperation, always
   * @example
   * try { file.truncate(); } catch (error) { console.log(error instanceof UnsupportedOperation); } // true
   */
  truncate(_size?: number | null): number {
    return this.unsupported('truncate');
  }

  /**
   * readlines(hint = -1) -> an array of all lines up to the end of the stream. See Python's io.IOBase.readlines.
   *
   * @param hint reading stops once the lines have more bytes (or characters) than this
   * @returns the lines with their line ends
   * @throws as readline()
   * @example
   * peer.sendall('one\ntwo\n');
   * peer.shutdown(SHUT_WR);
   * console.log(file.readlines().length); // 2
   */
  readlines(hint?: Size): T[] {
    this.check_open();
    const most = size_or_all(hint, 'hint');
    if (most <= 0) return [...this];
    const lines: T[] = [];
    let length = 0;
    for (const line of this) {
      lines.push(line);
      length += length_of(line);
      if (length > most) break;
    }
    return lines;
  }

  /**
   * Iterates over the lines that follow; a file is its own iterator. See Python's io.IOBase, `for line in file`.
   *
   * @throws RangeError once the file is closed
   * @example
   * peer.sendall('one\ntwo\n');
   * peer.shutdown(SHUT_WR);
   * for (const line of file) process.stdout.write(line);
   */
  [Symbol.iterator](): this {
    this.check_open();
    return this;
  }

  /**
   * next() -> the next line. See Python's io.IOBase, `for line in file`.
   *
   * @returns `{ value, done: false }`, or `{ done: true }` at the end of the stream
   * @throws as readline()
   * @example
   * peer.sendall('one\n');
   * console.log(file.next().value?.toString().trim()); // one
   */
  next(): IteratorResult<T, undefined> {
    const line = this.readline();
    return line.length === 0 ? { done: true, value: undefined } : { done: false, value: line };
  }

  /** @throws RangeError after detach() @internal */
  get _description(): Description | undefined {
    return this._attached?._description;
  }

  /**
   * toString() -> one line that describes the file, as Python's repr().
   *
   * @returns the name of the class, the descriptor, the mode, and the encoding of text
   * @example
   * console.log(`${sock.makefile('rb')}`); // for example <BufferedReader fd=20, mode=rb>
   */
  toString(): string {
    return describe(this.constructor.name, () => this._description);
  }

  /**
   * What Node's console and util.inspect show: the same as toString().
   *
   * @returns one line of text
   * @example
   * console.log(sock.makefile('rb')); // for example <BufferedReader fd=20, mode=rb>
   */
  [inspect.custom](): string {
    return this.toString();
  }

  /**
   * The same as close(), for the statement `using` of ECMAScript: `using file = sock.makefile();`.
   *
   * @throws as close()
   * @example
   * file[Symbol.dispose]();
   * console.log(file.closed); // true
   */
  [Symbol.dispose](): void {
    this.close();
  }
}
