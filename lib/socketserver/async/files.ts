// rfile and wfile of handlers on the event loop: how they are opened and closed, and the two that makefile() of promises does not
// make: the unbuffered writer of a stream, and the file in memory for datagrams. The counterpart of ../files.ts.

import { inspect } from 'node:util';
import { OSError } from '../../errors/index.js';
import { type BytesLike, CLOSED_FILE, data_bytes, type Size } from '../../files/iobase.js';
import type { BufferedFile } from '../../files/promises/index.js';
import type { socket as Socket } from '../../promises/index.js';
import { UNCLONABLE, UNCLONABLE_STATE } from '../../util/unclonable.js';
import type { WaitOptions } from '../../util/wait_options.js';
import {
  BytesIO,
  type DatagramHandler,
  type HandlerFiles,
  open_datagram,
  open_stream,
  type StreamHandler,
} from '../files.js';

/** The `wfile` of a stream: with a buffer (`wbufsize`) a BufferedFile, without one an AsyncSocketWriter. */
export type AsyncWriter = Pick<
  BufferedFile,
  'closed' | 'write' | 'writelines' | 'flush' | 'close' | 'writable' | 'fileno'
>;

/** The `wfile` of a stream without a buffer: each write sends all of its data. */
export class AsyncSocketWriter implements AsyncWriter {
  /** @internal */ readonly _unclonable = UNCLONABLE;
  readonly #sock: Socket<number>;
  #closed = false;

  constructor(sock: Socket<number>) {
    this.#sock = sock;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** write(data, { signal, timeout }) -> the length of the data. Sends all of the data. @throws (rejects) the errors of sendall */
  async write(data: BytesLike, options?: WaitOptions): Promise<number> {
    if (this.#closed) throw new RangeError(CLOSED_FILE);
    const bytes = data_bytes(data);
    await this.#sock.sendall(bytes, 0, options);
    return bytes.length;
  }

  async writelines(lines: Iterable<BytesLike>): Promise<void> {
    for (const line of lines) await this.write(line);
  }

  /** flush(). Sends nothing: there is no buffer. */
  async flush(): Promise<void> {
    if (this.#closed) throw new RangeError(CLOSED_FILE);
  }

  /** close(). The socket stays open. */
  async close(): Promise<void> {
    this.#closed = true;
  }

  writable(): boolean {
    return true;
  }

  fileno(): number {
    return this.#sock.fileno();
  }

  [inspect.custom](): string {
    return `<AsyncSocketWriter ${this.closed ? '[closed]' : `fd=${this.fileno()}`}>`;
  }
}

/** A binary file in memory, as BytesIO. Reads and writes return promises; the other methods do not, because they cannot wait. */
export class AsyncBytesIO implements AsyncIterableIterator<Buffer> {
  /** @internal */ readonly _unclonable = UNCLONABLE_STATE;
  readonly #file: BytesIO;

  /** AsyncBytesIO(initial_bytes = b''). The bytes are copied. */
  constructor(initial_bytes?: BytesLike) {
    this.#file = new BytesIO(initial_bytes);
  }

  get closed(): boolean {
    return this.#file.closed;
  }

  [inspect.custom](): string {
    return `<AsyncBytesIO${this.closed ? ' [closed]' : ''}>`;
  }

  /** getvalue() -> all bytes of the file; the position does not matter. */
  getvalue(): Buffer {
    return this.#file.getvalue();
  }

  /** read(size = -1) -> at most `size` bytes; all if `size` is negative. */
  async read(size?: Size): Promise<Buffer> {
    return this.#file.read(size);
  }

  /** read1(size = -1): the same. */
  async read1(size?: Size): Promise<Buffer> {
    return this.#file.read(size);
  }

  /** readinto(buffer) -> the number of bytes put into the buffer. */
  async readinto(buffer: BytesLike): Promise<number> {
    return this.#file.readinto(buffer);
  }

  /** readline(size = -1) -> a line with its line end; empty at the end. */
  async readline(size?: Size): Promise<Buffer> {
    return this.#file.readline(size);
  }

  /** readlines(hint = -1) -> an array of all lines; reading ends once the lines have `hint` bytes. */
  async readlines(hint?: Size): Promise<Buffer[]> {
    return this.#file.readlines(hint);
  }

  /** write(data) -> the length of the data. */
  async write(data: BytesLike): Promise<number> {
    return this.#file.write(data);
  }

  /** writelines(lines). Writes each line, with nothing in between. */
  async writelines(lines: Iterable<BytesLike>): Promise<void> {
    this.#file.writelines(lines);
  }

  async flush(): Promise<void> {
    this.#file.flush();
  }

  async close(): Promise<void> {
    this.#file.close();
  }

  readable(): boolean {
    return this.#file.readable();
  }

  writable(): boolean {
    return this.#file.writable();
  }

  seekable(): boolean {
    return this.#file.seekable();
  }

  /** seek(offset, whence = 0) -> the new position: from the start (0), the position (1) or the end (2). */
  seek(offset: number, whence?: number): number {
    return this.#file.seek(offset, whence);
  }

  /** tell() -> the position. */
  tell(): number {
    return this.#file.tell();
  }

  /** truncate(size = position) -> the size. Cuts the file; the position stays. */
  truncate(size?: number | null): number {
    return this.#file.truncate(size);
  }

  async next(): Promise<IteratorResult<Buffer, undefined>> {
    const line = this.#file.readline();
    return line.length === 0 ? { done: true, value: undefined } : { done: false, value: line };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

type AsyncStream = StreamHandler<Socket<number>, BufferedFile, AsyncWriter>;
type AsyncDatagram = DatagramHandler<Socket<number>, AsyncBytesIO>;

/** finish() of a stream's handler: sends what is in wfile, and closes both files. */
export async function close_stream({ rfile, wfile }: AsyncStream): Promise<void> {
  try {
    if (!wfile.closed) await wfile.flush();
    await wfile.close();
  } catch (error) {
    // The client may be gone by now.
    if (!(error instanceof OSError)) throw error;
    await wfile.close().catch(ignore_gone);
  }
  await rfile.close();
}

function ignore_gone(error: unknown): void {
  if (!(error instanceof OSError)) throw error;
}

/** finish() of a datagram's handler: sends the answer. */
export async function close_datagram(handler: AsyncDatagram): Promise<void> {
  await handler.answer(handler.wfile.getvalue());
}

/** The files of a server on the event loop. The cast: a handler typed as blocking has a socket of promises on such a server. */
export const ASYNC_FILES = {
  open_stream: (handler: AsyncStream) => open_stream(handler, AsyncSocketWriter),
  close_stream,
  open_datagram: (handler: AsyncDatagram) => open_datagram(handler, AsyncBytesIO),
  close_datagram,
} as unknown as HandlerFiles;
