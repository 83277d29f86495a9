// What all files of promises have in common, and what a file and the one below it share: the socket, which they keep open,
// and the order of calls.

import type { Socket } from '../../promises/socket.js';
import { check_options, type Rest1, type WaitOptions } from '../../util/wait_options.js';
import { UnsupportedOperation } from '../errors.js';
import { CLOSED_FILE, type Size, size_or_all } from '../iobase.js';
import { character_count } from '../newlines.js';
import { Side } from './direction.js';

/** The socket of a file, until that is closed. */
export class Opened {
  readonly input: Side;
  readonly output: Side;
  #sock: Socket<number> | null;

  /** @param mode what makefile() was given */
  constructor(
    sock: Socket<number>,
    readonly mode: string,
    readonly reading: boolean,
    readonly writing: boolean,
  ) {
    this.#sock = sock;
    this.input = new Side((bytes, options) => this.socket.recv_into(bytes, 0, 0, options));
    this.output = new Side((bytes, options) => this.socket.send(bytes, 0, options));
    sock._files++;
    dropped.register(this, sock, this);
  }

  get closed(): boolean {
    return this.#sock === null;
  }

  /** @throws RangeError once it is closed */
  get socket(): Socket<number> {
    if (this.#sock === null) throw new RangeError(CLOSED_FILE);
    return this.#sock;
  }

  /** @throws RangeError once it is closed */
  check(): void {
    this.socket;
  }

  let_go(): void {
    const sock = this.#sock;
    if (sock === null) return;
    this.#sock = null;
    dropped.unregister(this);
    sock._decref_socketios();
  }
}

// A file that is dropped without close() no longer keeps its socket's descriptor.
const dropped = new FinalizationRegistry((sock: Socket<number>) => sock._decref_socketios());

/** A file. What is read is a Buffer (`T`) or a string. */
export abstract class File<T extends Buffer | string> implements AsyncIterableIterator<T> {
  #opened: Opened | null;

  /** @internal */
  constructor(opened: Opened) {
    this.#opened = opened;
  }

  /** What is below this file, as the error of one that was detached calls it. @internal */
  protected abstract readonly below: string;

  /** @internal */
  protected get opened(): Opened {
    if (this.#opened === null) throw new RangeError(`${this.below} has been detached`);
    return this.#opened;
  }

  /** Whether detach() was called. @internal */
  protected get detached(): boolean {
    return this.#opened === null;
  }

  /** This file cannot be used any more; what is open stays so. @internal */
  protected let_loose(): void {
    this.#opened = null;
  }

  /** What makefile() was given. */
  get mode(): string {
    return this.opened.mode;
  }

  /** Whether close() was called. */
  get closed(): boolean {
    return this.opened.closed;
  }

  /** The descriptor, -1 once the file is closed. */
  get name(): number {
    return this.closed ? -1 : this.opened.socket.fileno();
  }

  /** @internal */
  protected check_reading(options?: WaitOptions): void {
    this.opened.check();
    if (options !== undefined) check_options(options);
    if (!this.opened.reading) throw new UnsupportedOperation('not readable');
  }

  /** @internal */
  protected check_writing(options?: WaitOptions): void {
    this.opened.check();
    if (options !== undefined) check_options(options);
    if (!this.opened.writing) throw new UnsupportedOperation('not writable');
  }

  /** fileno() -> the descriptor of the socket. */
  fileno(): number {
    return this.opened.socket.fileno();
  }

  /** readable() -> whether the file was opened for reading. */
  readable(): boolean {
    this.opened.check();
    return this.opened.reading;
  }

  /** writable() -> whether the file was opened for writing. */
  writable(): boolean {
    this.opened.check();
    return this.opened.writing;
  }

  /** seekable() -> false: a socket has no positions. */
  seekable(): boolean {
    this.opened.check();
    return false;
  }

  /** isatty() -> false. */
  isatty(): boolean {
    this.opened.check();
    return false;
  }

  /** readline(size = -1, { signal, timeout }) -> a line with its line end; empty at the end of the stream. */
  abstract readline(...rest: Rest1<Size>): Promise<T>;

  /** flush({ signal, timeout }). Sends what waits to be sent. */
  async flush(options?: WaitOptions): Promise<void> {
    this.opened.check();
    if (options !== undefined) check_options(options);
  }

  /**
   * readlines(hint = -1) -> an array of all lines.
   *
   * @param hint no further line is read once the lines have so many bytes (or characters)
   */
  async readlines(hint?: Size): Promise<T[]> {
    const most = size_or_all(hint, 'hint');
    const lines: T[] = [];
    let length = 0;
    for await (const line of this) {
      lines.push(line);
      length += typeof line === 'string' ? character_count(line) : line.length;
      if (most > 0 && length > most) break;
    }
    return lines;
  }

  /** seek(). @throws UnsupportedOperation, always */
  seek(_offset: number, _whence?: number): number {
    this.opened.check();
    throw new UnsupportedOperation('File or stream is not seekable.');
  }

  /** tell(). @throws UnsupportedOperation, always */
  tell(): number {
    return this.seek(0, 1);
  }

  /** truncate(). Flushes; then it rejects with UnsupportedOperation, always. */
  async truncate(_size?: number | null): Promise<number> {
    await this.flush();
    throw new UnsupportedOperation(`truncate: a ${this.constructor.name} cannot do that`);
  }

  /** close(). Flushes, and lets go of the socket, which is closed only if its close() was called. Twice is allowed. */
  async close(): Promise<void> {
    const { opened } = this;
    if (opened.closed) return;
    try {
      if (opened.writing) await this.flush();
    } finally {
      opened.let_go();
    }
  }

  /** The next line; done at the end of the stream. */
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
