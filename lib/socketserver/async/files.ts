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

  /** True if close() was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * write(data, { signal, timeout }) -> the length of the data. Sends all of the data. See Python's socketserver.StreamRequestHandler,
   * wfile.
   *
   * @param data bytes; the memory is the call's until it is done
   * @returns the number of bytes, always all
   * @throws (rejects) the errors of sendall
   * @example
   * class Hello extends AsyncStreamRequestHandler {
   *   override async handle(): Promise<void> {
   *     await this.wfile.write(Buffer.from('hello\n'), { timeout: 5 });
   *   }
   * }
   */
  async write(data: BytesLike, options?: WaitOptions): Promise<number> {
    if (this.#closed) throw new RangeError(CLOSED_FILE);
    const bytes = data_bytes(data);
    await this.#sock.sendall(bytes, 0, options);
    return bytes.length;
  }

  async writelines(lines: Iterable<BytesLike>): Promise<void> {
    for (const line of lines) await this.write(line);
  }

  /**
   * flush(). Sends nothing: there is no buffer. See Python's socketserver.StreamRequestHandler, wfile.
   *
   * @example
   * class Hello extends AsyncStreamRequestHandler {
   *   override async handle(): Promise<void> {
   *     await this.wfile.write(Buffer.from('hello\n'));
   *     await this.wfile.flush();
   *   }
   * }
   */
  async flush(): Promise<void> {
    if (this.#closed) throw new RangeError(CLOSED_FILE);
  }

  /**
   * close(). The socket stays open. See Python's socketserver.StreamRequestHandler, wfile.
   *
   * @example
   * class Hello extends AsyncStreamRequestHandler {
   *   override async handle(): Promise<void> {
   *     await this.wfile.close();
   *   }
   * }
   */
  async close(): Promise<void> {
    this.#closed = true;
  }

  writable(): boolean {
    return true;
  }

  fileno(): number {
    return this.#sock.fileno();
  }

  /**
   * What Node's console and util.inspect show.
   *
   * @returns one line of text
   * @example
   * console.log(new AsyncSocketWriter(new promises.socket())); // for example <AsyncSocketWriter fd=20>
   */
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

  /** True if close() was called. */
  get closed(): boolean {
    return this.#file.closed;
  }

  /**
   * What Node's console and util.inspect show.
   *
   * @returns one line of text
   * @example
   * console.log(new AsyncBytesIO()); // for example <AsyncBytesIO>
   */
  [inspect.custom](): string {
    return `<AsyncBytesIO${this.closed ? ' [closed]' : ''}>`;
  }

  /**
   * getvalue() -> all bytes of the file; the position does not matter. See Python's io.BytesIO.getvalue.
   *
   * @returns a copy of the bytes
   * @throws RangeError once the file is closed
   * @example
   * console.log(new AsyncBytesIO(Buffer.from('hello')).getvalue().toString()); // hello
   */
  getvalue(): Buffer {
    return this.#file.getvalue();
  }

  /**
   * read(size = -1) -> the bytes at the position. See Python's io.BytesIO.read.
   *
   * @param size the most bytes; left out, null or negative: all that are left
   * @returns the bytes; none at the end
   * @throws RangeError once the file is closed
   * @example
   * const file = new AsyncBytesIO(Buffer.from('hello'));
   * console.log((await file.read(2)).toString(), (await file.read()).toString()); // he llo
   */
  async read(size?: Size): Promise<Buffer> {
    return this.#file.read(size);
  }

  /**
   * read1(size = -1): the same as read(). See Python's io.BytesIO.read1.
   *
   * @param size the most bytes; left out, null or negative: all that are left
   * @returns the bytes; none at the end
   * @throws RangeError once the file is closed
   * @example
   * console.log((await new AsyncBytesIO(Buffer.from('hello')).read1(2)).toString()); // he
   */
  async read1(size?: Size): Promise<Buffer> {
    return this.#file.read(size);
  }

  /**
   * readinto(buffer) -> the number of bytes put into the buffer. See Python's io.BytesIO.readinto.
   *
   * @param buffer memory to fill
   * @returns the number of bytes; 0 at the end
   * @throws RangeError once the file is closed
   * @example
   * console.log(await new AsyncBytesIO(Buffer.from('hello')).readinto(Buffer.alloc(3))); // 3
   */
  async readinto(buffer: BytesLike): Promise<number> {
    return this.#file.readinto(buffer);
  }

  /**
   * readline(size = -1) -> a line with its line end. See Python's io.BytesIO.readline.
   *
   * @param size the most bytes of the line; no limit if it is left out, null or negative
   * @returns the line; nothing at the end
   * @throws RangeError once the file is closed
   * @example
   * const file = new AsyncBytesIO(Buffer.from('one\ntwo\n'));
   * console.log((await file.readline()).toString().trim()); // one
   */
  async readline(size?: Size): Promise<Buffer> {
    return this.#file.readline(size);
  }

  /**
   * readlines(hint = -1) -> an array of all lines. See Python's io.BytesIO.readlines.
   *
   * @param hint reading ends once the lines have this number of bytes
   * @returns the lines with their line ends
   * @throws RangeError once the file is closed
   * @example
   * console.log((await new AsyncBytesIO(Buffer.from('one\ntwo\n')).readlines()).length); // 2
   */
  async readlines(hint?: Size): Promise<Buffer[]> {
    return this.#file.readlines(hint);
  }

  /**
   * write(data) -> the length of the data. See Python's io.BytesIO.write.
   *
   * @param data bytes, copied to the position
   * @returns the number of bytes
   * @throws RangeError once the file is closed
   * @example
   * const file = new AsyncBytesIO();
   * console.log(await file.write(Buffer.from('hello')), file.getvalue().toString()); // 5 hello
   */
  async write(data: BytesLike): Promise<number> {
    return this.#file.write(data);
  }

  /**
   * writelines(lines). Writes each line, with nothing in between. See Python's io.BytesIO.writelines.
   *
   * @param lines an iterable; the line ends are part of them
   * @throws RangeError once the file is closed
   * @example
   * const file = new AsyncBytesIO();
   * await file.writelines([Buffer.from('one '), Buffer.from('two')]);
   * console.log(file.getvalue().toString()); // one two
   */
  async writelines(lines: Iterable<BytesLike>): Promise<void> {
    this.#file.writelines(lines);
  }

  /**
   * flush(). Does nothing: the bytes are in memory. See Python's io.BytesIO, flush.
   *
   * @throws RangeError once the file is closed
   * @example
   * await new AsyncBytesIO().flush();
   */
  async flush(): Promise<void> {
    this.#file.flush();
  }

  /**
   * close(). Frees the bytes. Closing twice is allowed. See Python's io.BytesIO, close.
   *
   * @example
   * const file = new AsyncBytesIO();
   * await file.close();
   * console.log(file.closed); // true
   */
  async close(): Promise<void> {
    this.#file.close();
  }

  /**
   * readable() -> true. See Python's io.BytesIO, readable.
   *
   * @returns true
   * @throws RangeError once the file is closed
   * @example
   * console.log(new AsyncBytesIO().readable()); // true
   */
  readable(): boolean {
    return this.#file.readable();
  }

  /**
   * writable() -> true. See Python's io.BytesIO, writable.
   *
   * @returns true
   * @throws RangeError once the file is closed
   * @example
   * console.log(new AsyncBytesIO().writable()); // true
   */
  writable(): boolean {
    return this.#file.writable();
  }

  /**
   * seekable() -> true: memory has positions. See Python's io.BytesIO, seekable.
   *
   * @returns true
   * @throws RangeError once the file is closed
   * @example
   * console.log(new AsyncBytesIO().seekable()); // true
   */
  seekable(): boolean {
    return this.#file.seekable();
  }

  /**
   * seek(offset, whence = 0) -> the new position. See Python's io.BytesIO.seek.
   *
   * @param offset in bytes
   * @param whence from the start (0), the position (1) or the end (2)
   * @returns the position from the start
   * @throws RangeError for a position before the start, or another whence
   * @example
   * console.log(new AsyncBytesIO(Buffer.from('hello')).seek(-2, 2)); // 3
   */
  seek(offset: number, whence?: number): number {
    return this.#file.seek(offset, whence);
  }

  /**
   * tell() -> the position. See Python's io.BytesIO.tell.
   *
   * @returns bytes from the start
   * @throws RangeError once the file is closed
   * @example
   * const file = new AsyncBytesIO(Buffer.from('hello'));
   * await file.read(2);
   * console.log(file.tell()); // 2
   */
  tell(): number {
    return this.#file.tell();
  }

  /**
   * truncate(size = position) -> the size. Cuts the file; the position stays. See Python's io.BytesIO.truncate.
   *
   * @param size in bytes; a file that is shorter stays as it is
   * @returns the size that was asked for
   * @throws RangeError for a negative size
   * @example
   * const file = new AsyncBytesIO(Buffer.from('hello'));
   * file.truncate(2);
   * console.log(file.getvalue().toString()); // he
   */
  truncate(size?: number | null): number {
    return this.#file.truncate(size);
  }

  /**
   * next() -> the next line. See Python's io.BytesIO, `for line in file`.
   *
   * @returns `{ value, done: false }`, or `{ done: true }` at the end
   * @throws RangeError once the file is closed
   * @example
   * console.log((await new AsyncBytesIO(Buffer.from('one\n')).next()).value?.toString().trim()); // one
   */
  async next(): Promise<IteratorResult<Buffer, undefined>> {
    const line = this.#file.readline();
    return line.length === 0 ? { done: true, value: undefined } : { done: false, value: line };
  }

  /**
   * Iterates over the lines that follow; a file is its own iterator. See Python's io.BytesIO, `for line in file`.
   *
   * @throws RangeError once the file is closed
   * @example
   * for await (const line of new AsyncBytesIO(Buffer.from('one\n'))) console.log(line.toString().trim()); // one
   */
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
