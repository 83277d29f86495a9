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

  /**
   * toString() -> one line that describes the file, as Python's repr().
   *
   * @returns the name of the class, the descriptor, the mode, and the encoding of text
   * @example
   * console.log(`${sock.makefile('rb')}`); // for example <BufferedFile fd=20, mode=rb>
   */
  toString(): string {
    return describe(this.constructor.name, () => this._description);
  }

  /**
   * What Node's console and util.inspect show: the same as toString().
   *
   * @returns one line of text
   * @example
   * console.log(sock.makefile('rb')); // for example <BufferedFile fd=20, mode=rb>
   */
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

  /**
   * fileno() -> the descriptor of the socket. See Python's io.IOBase.fileno.
   *
   * @returns the number of the descriptor
   * @throws RangeError once the file is closed
   * @example
   * console.log(file.fileno() === sock.fileno()); // true
   */
  fileno(): number {
    return this.file.socket.fileno();
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
    this.file.check();
    return this.file.reading;
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
    this.file.check();
    return this.file.writing;
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
    this.file.check();
    return false;
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
    this.file.check();
    return false;
  }

  /**
   * readline(size = -1, { signal, timeout }) -> a line with its line end; empty at the end of the stream. See Python's io.IOBase.readline.
   *
   * @param rest the most bytes (characters in text mode) of the line, no limit if left out, null or negative; `{ signal, timeout }`, the
   *   time-out in seconds
   * @returns the line, shorter if the size cut it
   * @throws TimeoutError, the signal's reason, errors of recv(2), LimitOverrunError beyond the `limit` of makefile(): after them no data is
   *   lost
   * @example
   * await peer.sendall('one\ntwo\n');
   * console.log((await file.readline()).toString().trim()); // one
   */
  abstract readline(...rest: Rest1<Size>): Promise<T>;

  /**
   * write(data, { signal, timeout }) -> how much was written. See Python's io documentation.
   *
   * @param data what to write; the memory is the call's until it is done
   * @returns the number of bytes (characters in text mode)
   * @throws UnsupportedOperation if the file was not opened for writing; TimeoutError; the signal's reason; errors of send(2)
   * @example
   * console.log(await file.write(Buffer.from('hello'))); // 5
   */
  abstract write(data: WriteData<T>, options?: WaitOptions): Promise<number | null>;

  /**
   * writelines(lines). Writes each line, with nothing between them. See Python's io.IOBase.writelines.
   *
   * @param lines an iterable; the line ends are part of them
   * @throws as write()
   * @example
   * await file.writelines([Buffer.from('one\n'), Buffer.from('two\n')]);
   * await file.flush();
   * console.log((await peer.recv(1024)).toString() === 'one\ntwo\n'); // true
   */
  async writelines(lines: Iterable<WriteData<T>>): Promise<void> {
    this.file.check();
    for (const line of lines) await this.write(line);
  }

  /**
   * flush({ signal, timeout }). Sends the buffered bytes. See Python's io.IOBase.flush.
   *
   * @throws TimeoutError; the signal's reason; BrokenPipeError and other errors of send(2)
   * @example
   * await file.write(Buffer.from('hello'));
   * await file.flush();
   * console.log((await peer.recv(1024)).toString()); // hello
   */
  async flush(options?: WaitOptions): Promise<void> {
    this.file.check();
    if (options !== undefined) check_options(options);
  }

  /**
   * readlines(hint = -1) -> an array of all lines up to the end of the stream. See Python's io.IOBase.readlines.
   *
   * @param hint reading stops once the lines have more bytes (or characters) than this
   * @returns the lines with their line ends
   * @throws as readline()
   * @example
   * await peer.sendall('one\ntwo\n');
   * await peer.shutdown(SHUT_WR);
   * console.log((await file.readlines()).length); // 2
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
    this.file.check();
    throw new UnsupportedOperation('File or stream is not seekable.');
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
    return this.seek(0, 1);
  }

  /**
   * truncate(size). Flushes, then rejects: a socket has no length. See Python's io.IOBase.truncate.
   *
   * @param _size is not looked at
   * @returns never
   * @throws UnsupportedOperation, always
   * @example
   * console.log(await file.truncate().catch((error) => error.name)); // UnsupportedOperation
   */
  async truncate(_size?: number | null): Promise<number> {
    await this.flush();
    throw new UnsupportedOperation(`truncate: a ${this.constructor.name} cannot do that`);
  }

  /**
   * close(). Flushes, and gives up the socket: it closes only if its own close() was called. Closing twice is allowed. See Python's
   * io.IOBase.close.
   *
   * @throws errors of send(2) by the flush; the file is closed all the same
   * @example
   * await file.write(Buffer.from('bye'));
   * await file.close();
   * console.log(file.closed, (await peer.recv(1024)).toString()); // true bye
   */
  async close(): Promise<void> {
    const { file } = this;
    if (file.closed) return;
    try {
      if (file.writing) await this.flush();
    } finally {
      file.close();
    }
  }

  /**
   * next() -> the next line. See Python's asyncio.StreamReader, `async for line in reader`.
   *
   * @returns `{ value, done: false }`, or `{ done: true }` at the end of the stream
   * @throws as readline()
   * @example
   * await peer.sendall('one\n');
   * console.log((await file.next()).value?.toString().trim()); // one
   */
  async next(): Promise<IteratorResult<T, undefined>> {
    const line = await this.readline();
    return line.length === 0 ? { done: true, value: undefined } : { done: false, value: line };
  }

  /**
   * Iterates over the lines that follow; a file is its own iterator. See Python's asyncio.StreamReader, `async for line in reader`.
   *
   * @throws as readline()
   * @example
   * await peer.sendall('one\n');
   * await peer.shutdown(SHUT_WR);
   * for await (const line of file) console.log(line.toString().trim()); // one
   */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /**
   * The same as close(), for `await using` of ECMAScript.
   *
   * @throws as close()
   * @example
   * await file[Symbol.asyncDispose]();
   * console.log(file.closed); // true
   */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
