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
      `data must be bytes in a binary file, not the string ${shown(value)}: open it without 'b' for text`,
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
export type Description = readonly [fd: number, mode: string, encoding?: string];

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

  /** close(). Flushes, and gives up the socket. Closing twice is allowed. */
  close(): void {
    if (this.closed) return;
    try {
      this.flush();
    } finally {
      this._attached?.close();
    }
  }

  /** readline(size = -1) -> a line with its line end; empty at the end of the stream. */
  abstract readline(size?: Size): T;

  abstract write(data: WriteData<T>): number | null;

  /** writelines(lines). Writes each line, with nothing between them. */
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

  /** flush(). Sends the buffered bytes. */
  flush(): void {
    this.check_open();
  }

  /** readable() -> true if the file was opened for reading. */
  readable(): boolean {
    return false;
  }

  /** writable() -> true if the file was opened for writing. */
  writable(): boolean {
    return false;
  }

  /** seekable() -> false: a socket has no positions. */
  seekable(): boolean {
    return this._attached?.seekable() ?? false;
  }

  /** isatty() -> false. */
  isatty(): boolean {
    this.check_open();
    return false;
  }

  /** fileno() -> the descriptor of the socket. */
  fileno(): number {
    return (this._attached ?? this.unsupported('fileno')).fileno();
  }

  /** seek(). @throws UnsupportedOperation, always */
  seek(_offset: number, _whence?: number): number {
    return this.unsupported('seek');
  }

  /** tell(). @throws UnsupportedOperation, always */
  tell(): number {
    return this.unsupported('seek');
  }

  /** truncate(). @throws UnsupportedOperation, always */
  truncate(_size?: number | null): number {
    return this.unsupported('truncate');
  }

  /**
   * readlines(hint = -1) -> an array of all lines.
   *
   * @param hint reading stops once the lines have more bytes (or characters) than this
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

  /** Iterates over the lines that follow; a file is its own iterator. */
  [Symbol.iterator](): this {
    this.check_open();
    return this;
  }

  /** Returns the next line; done at the end of the stream. */
  next(): IteratorResult<T, undefined> {
    const line = this.readline();
    return line.length === 0 ? { done: true, value: undefined } : { done: false, value: line };
  }

  /** @throws RangeError after detach() @internal */
  get _description(): Description | undefined {
    return this._attached?._description;
  }

  toString(): string {
    return describe(this.constructor.name, () => this._description);
  }

  [inspect.custom](): string {
    return this.toString();
  }

  /** close(). */
  [Symbol.dispose](): void {
    this.close();
  }
}
