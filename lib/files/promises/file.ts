// The base class of files of promises, and OpenFile: the socket and the two queues of calls, which a file shares with the
// file below it. The sub-classes are in binary.ts and text.ts.
import { inspect } from 'node:util';
import { UnsupportedOperation } from '../../errors/builtins.js';
import { UNCLONABLE } from '../../util/unclonable.js';
import { shown } from '../../util/validate.js';
import { check_options, type Rest1, type WaitOptions } from '../../util/wait_options.js';
import {
  CLOSED_FILE,
  type Description,
  describe,
  type Size,
  size_or_all,
  type WriteData,
} from '../iobase.js';
import { length_of } from '../newlines.js';
import { type CountedSocket, count_closed, count_open } from '../open_files.js';
import { Direction } from './direction.js';

/** The part of a socket of promises that its files need. */
export interface MakefileSocket extends CountedSocket {
  recv_into(buffer: Uint8Array, nbytes: number, flags: number, options?: WaitOptions): Promise<number>;
  send(data: Uint8Array, flags: number, options?: WaitOptions): Promise<number>;
  /** Returns the message of a time-out. @internal */
  _timed_out(syscall: string, timeout_ms: number): string;
}

/** An open file's socket and the queues of its calls. Closing it closes all files that share it. */
export class OpenFile {
  readonly input: Direction;
  readonly output: Direction;
  #sock: MakefileSocket | null;

  /**
   * @param mode the letters of makefile()'s mode
   * @param line_limit the longest line that is read without a size
   */
  constructor(
    sock: MakefileSocket,
    readonly mode: string,
    readonly reading: boolean,
    readonly writing: boolean,
    readonly line_limit: number,
  ) {
    this.#sock = sock;
    this.input = new Direction(
      'read',
      (timeout_ms) => this.#sock?._timed_out('read', timeout_ms),
      (bytes, options) => this.socket.recv_into(bytes, 0, 0, options),
    );
    this.output = new Direction(
      'write',
      (timeout_ms) => this.#sock?._timed_out('write', timeout_ms),
      (bytes, options) => this.socket.send(bytes, 0, options),
    );
    count_open(this, sock);
  }

  get closed(): boolean {
    return this.#sock === null;
  }

  /** @throws RangeError once the file is closed */
  get socket(): MakefileSocket {
    if (this.#sock === null) throw new RangeError(CLOSED_FILE);
    return this.#sock;
  }

  /** @throws RangeError once the file is closed */
  check(): void {
    this.socket;
  }

  close(): void {
    const sock = this.#sock;
    if (sock === null) return;
    this.#sock = null;
    count_closed(this, sock);
  }
}

/** A file; `T` is the type of its data: Buffer, or string in text mode. */
export abstract class File<T extends Buffer | string> implements AsyncIterableIterator<T> {
  /** @internal */ readonly _unclonable = UNCLONABLE;
  #file: OpenFile | null;

  /** @internal */
  constructor(file: OpenFile) {
    if (!(file instanceof OpenFile))
      throw new TypeError(
        `a file of promises is made by makefile() of a socket of promises, not of ${shown(file)}`,
      );
    this.#file = file;
  }

  /** The name of the layer below, for the error after detach(). @internal */
  protected abstract readonly below: string;

  /** @internal */
  protected get file(): OpenFile {
    if (this.#file === null) throw new RangeError(`${this.below} has been detached`);
    return this.#file;
  }

  /** True after detach(). @internal */
  protected get detached(): boolean {
    return this.#file === null;
  }

  /** Ends the use of this file object; the OpenFile stays open. @internal */
  protected mark_detached(): void {
    this.#file = null;
  }

  /** The mode that makefile() was called with. */
  get mode(): string {
    return this.file.mode;
  }

  /** True if close() was called. */
  get closed(): boolean {
    return this.file.closed;
  }

  /** @throws RangeError after detach() @internal */
  get _description(): Description {
    return [this.name, this.mode];
  }

  toString(): string {
    return describe(this.constructor.name, () => this._description);
  }

  [inspect.custom](): string {
    return this.toString();
  }

  /** The descriptor, -1 once the file is closed. */
  get name(): number {
    return this.closed ? -1 : this.file.socket.fileno();
  }

  /** @internal */
  protected check_reading(options?: WaitOptions): void {
    this.file.check();
    if (options !== undefined) check_options(options);
    if (!this.file.reading) throw new UnsupportedOperation('not readable');
  }

  /** @internal */
  protected check_writing(options?: WaitOptions): void {
    this.file.check();
    if (options !== undefined) check_options(options);
    if (!this.file.writing) throw new UnsupportedOperation('not writable');
  }

  /** fileno() -> the descriptor of the socket. */
  fileno(): number {
    return this.file.socket.fileno();
  }

  /** readable() -> true if the file was opened for reading. */
  readable(): boolean {
    this.file.check();
    return this.file.reading;
  }

  /** writable() -> true if the file was opened for writing. */
  writable(): boolean {
    this.file.check();
    return this.file.writing;
  }

  /** seekable() -> false: a socket has no positions. */
  seekable(): boolean {
    this.file.check();
    return false;
  }

  /** isatty() -> false. */
  isatty(): boolean {
    this.file.check();
    return false;
  }

  /** readline(size = -1, { signal, timeout }) -> a line with its line end; empty at the end of the stream. */
  abstract readline(...rest: Rest1<Size>): Promise<T>;

  abstract write(data: WriteData<T>, options?: WaitOptions): Promise<number | null>;

  /** writelines(lines). Writes each line, with nothing between them. */
  async writelines(lines: Iterable<WriteData<T>>): Promise<void> {
    this.file.check();
    for (const line of lines) await this.write(line);
  }

  /** flush({ signal, timeout }). Sends the buffered bytes. */
  async flush(options?: WaitOptions): Promise<void> {
    this.file.check();
    if (options !== undefined) check_options(options);
  }

  /**
   * readlines(hint = -1) -> an array of all lines.
   *
   * @param hint reading stops once the lines have more bytes (or characters) than this
   */
  async readlines(hint?: Size): Promise<T[]> {
    const most = size_or_all(hint, 'hint');
    const lines: T[] = [];
    let length = 0;
    for await (const line of this) {
      lines.push(line);
      length += length_of(line);
      if (most > 0 && length > most) break;
    }
    return lines;
  }

  /** seek(). @throws UnsupportedOperation, always */
  seek(_offset: number, _whence?: number): number {
    this.file.check();
    throw new UnsupportedOperation('File or stream is not seekable.');
  }

  /** tell(). @throws UnsupportedOperation, always */
  tell(): number {
    return this.seek(0, 1);
  }

  /** truncate(). Flushes, then rejects with UnsupportedOperation, always. */
  async truncate(_size?: number | null): Promise<number> {
    await this.flush();
    throw new UnsupportedOperation(`truncate: a ${this.constructor.name} cannot do that`);
  }

  /** close(). Flushes, and gives up the socket: it closes only if its own close() was called. Closing twice is allowed. */
  async close(): Promise<void> {
    const { file } = this;
    if (file.closed) return;
    try {
      if (file.writing) await this.flush();
    } finally {
      file.close();
    }
  }

  /** Resolves to the next line; done at the end of the stream. */
  async next(): Promise<IteratorResult<T, undefined>> {
    const line = await this.readline();
    return line.length === 0 ? { done: true, value: undefined } : { done: false, value: line };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
