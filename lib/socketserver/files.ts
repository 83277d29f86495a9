// rfile and wfile of handlers that block: how they are opened and closed, and the two that makefile() does not make: BytesIO, a
// file in memory for datagrams, and the unbuffered writer of a stream. async/files.ts has those of handlers on the event loop.

import { IPPROTO_TCP, TCP_NODELAY } from '../constants.js';
import { OSError } from '../errors/index.js';
import { BufferedIOBase, type BufferedReader, type BytesLike, type Size } from '../files/blocking/index.js';
import { CLOSED_FILE, data_bytes, size_or_all } from '../files/iobase.js';
import type { socket as Socket } from '../socket/index.js';
import { any_integer, bytes as check_bytes, integer } from '../util/validate.js';

const LF = 0x0a;
const EMPTY = Buffer.alloc(0);

/** Python's io.BytesIO: a binary file in memory. */
export class BytesIO extends BufferedIOBase {
  #bytes: Buffer;
  #length: number;
  #position = 0;
  #closed = false;

  /** BytesIO(initial_bytes = b''). The bytes are copied. */
  constructor(initial_bytes?: BytesLike) {
    super();
    this.#bytes = initial_bytes === undefined ? EMPTY : Buffer.from(data_bytes(initial_bytes));
    this.#length = this.#bytes.length;
  }

  override get closed(): boolean {
    return this.#closed;
  }

  override close(): void {
    this.#closed = true;
    this.#bytes = EMPTY;
  }

  override readable(): boolean {
    this.check_open();
    return true;
  }

  override writable(): boolean {
    this.check_open();
    return true;
  }

  override seekable(): boolean {
    this.check_open();
    return true;
  }

  /**
   * getvalue() -> all bytes of the file; the position does not matter. See Python's io.BytesIO.getvalue.
   *
   * @returns a copy of the bytes
   * @throws RangeError once the file is closed
   * @example
   * console.log(new BytesIO(Buffer.from('hello')).getvalue().toString()); // hello
   */
  getvalue(): Buffer {
    this.check_open();
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  #take(most: number): Buffer {
    const end = most < 0 ? this.#length : Math.min(this.#position + most, this.#length);
    const taken = Buffer.from(this.#bytes.subarray(Math.min(this.#position, end), end));
    this.#position += taken.length;
    return taken;
  }

  override read(size?: Size): Buffer {
    this.check_open();
    return this.#take(size_or_all(size, 'size'));
  }

  override read1(size?: Size): Buffer {
    return this.read(size);
  }

  override readinto(buffer: BytesLike): number {
    this.check_open();
    const target = check_bytes(buffer, 'buffer');
    const taken = this.#take(target.length);
    target.set(taken);
    return taken.length;
  }

  override readinto1(buffer: BytesLike): number {
    return this.readinto(buffer);
  }

  override readline(size?: Size): Buffer {
    this.check_open();
    const most = size_or_all(size, 'size');
    const rest = this.#bytes.subarray(Math.min(this.#position, this.#length), this.#length);
    const found = rest.indexOf(LF);
    const line = found < 0 ? rest.length : found + 1;
    return this.#take(most < 0 ? line : Math.min(line, most));
  }

  override write(data: BytesLike): number {
    this.check_open();
    const bytes = data_bytes(data);
    const end = this.#position + bytes.length;
    if (bytes.length === 0) return 0;
    if (end > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(end, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.#position);
    this.#position = end;
    this.#length = Math.max(this.#length, end);
    return bytes.length;
  }

  /**
   * seek(offset, whence = 0) -> the new position. See Python's io.BytesIO.seek.
   *
   * @param offset in bytes
   * @param whence from the start (0), the position (1) or the end (2)
   * @returns the position from the start
   * @throws RangeError for a position before the start, or another whence
   * @example
   * const file = new BytesIO(Buffer.from('hello'));
   * console.log(file.seek(-2, 2), file.read().toString()); // 3 lo
   */
  override seek(offset: number, whence = 0): number {
    this.check_open();
    const wanted = any_integer(offset, 'offset');
    const origin = [0, this.#position, this.#length][integer(whence, 'whence')];
    if (origin === undefined) throw new RangeError(`invalid whence (${whence}, should be 0, 1 or 2)`);
    if (whence === 0 && wanted < 0) throw new RangeError(`negative seek value ${wanted}`);
    this.#position = Math.max(0, origin + wanted);
    return this.#position;
  }

  /**
   * tell() -> the position. See Python's io.BytesIO.tell.
   *
   * @returns bytes from the start
   * @throws RangeError once the file is closed
   * @example
   * const file = new BytesIO(Buffer.from('hello'));
   * file.read(2);
   * console.log(file.tell()); // 2
   */
  override tell(): number {
    this.check_open();
    return this.#position;
  }

  /**
   * truncate(size = position) -> the size. Cuts the file; the position stays. See Python's io.BytesIO.truncate.
   *
   * @param size in bytes; a file that is shorter stays as it is
   * @returns the size that was asked for
   * @throws RangeError for a negative size
   * @example
   * const file = new BytesIO(Buffer.from('hello'));
   * file.truncate(2);
   * console.log(file.getvalue().toString()); // he
   */
  override truncate(size?: number | null): number {
    this.check_open();
    const wanted =
      size === undefined || size === null
        ? this.#position
        : integer(size, 'size', 0, Number.MAX_SAFE_INTEGER);
    if (wanted < this.#length) {
      this.#bytes.fill(0, wanted, this.#length);
      this.#length = wanted;
    }
    return wanted;
  }
}

/** The `wfile` of StreamRequestHandler without a buffer: each write sends all of its data. */
class SocketWriter extends BufferedIOBase {
  readonly #sock: Socket<number>;
  #closed = false;

  constructor(sock: Socket<number>) {
    super();
    this.#sock = sock;
  }

  override get closed(): boolean {
    return this.#closed;
  }

  /** close(). The socket stays open. */
  override close(): void {
    this.#closed = true;
  }

  override writable(): boolean {
    return true;
  }

  override fileno(): number {
    return this.#sock.fileno();
  }

  /** write(data) -> the length of the data. Sends all of the data. @throws the errors of sendall */
  override write(data: BytesLike): number {
    this.check_open(CLOSED_FILE);
    const bytes = data_bytes(data);
    this.#sock.sendall(bytes);
    return bytes.length;
  }
}

/** The members of a socket that open_stream() needs. */
interface Connection {
  settimeout(timeout: number): void;
  setsockopt(level: number, option: number, value: boolean): void;
  makefile(mode: 'rb' | 'wb', buffering: number, options?: { limit: number | null }): unknown;
}

/** The members of a handler of streams that its files need. */
export interface StreamHandler<Sock, Reader, Writer> {
  readonly request: Sock;
  connection: Sock;
  rfile: Reader;
  wfile: Writer;
  readonly rbufsize: number;
  readonly line_limit: number | null;
  readonly wbufsize: number;
  readonly timeout: number | null;
  readonly disable_nagle_algorithm: boolean;
}

/** The members of a handler of datagrams that its files need. */
export interface DatagramHandler<Sock, File> {
  readonly packet: Buffer;
  readonly socket: Sock;
  answer(data: Buffer): unknown;
  rfile: File;
  wfile: File;
}

type Stream = StreamHandler<Socket<number>, BufferedReader, BufferedIOBase>;
type Datagram = DatagramHandler<Socket<number>, BytesIO>;

/** Opens and closes the files of handlers: setup() and finish() of the pre-defined handler classes. */
export interface HandlerFiles {
  open_stream(handler: Stream): void;
  close_stream(handler: Stream): void | Promise<void>;
  open_datagram(handler: Datagram): void;
  close_datagram(handler: Datagram): void | Promise<void>;
}

/** The files of a server that blocks. */
export const BLOCKING_FILES: HandlerFiles = {
  open_stream: (handler) => open_stream(handler, SocketWriter),
  close_stream,
  open_datagram: (handler) => open_datagram(handler, BytesIO),
  close_datagram,
};

/**
 * setup() of a stream's handler: its files, and the options of its connection.
 *
 * @param Writer the class of wfile without a buffer
 * @throws OSError; TypeError, RangeError
 */
export function open_stream<Sock extends Connection, Reader, Writer>(
  handler: StreamHandler<Sock, Reader, Writer>,
  Writer: new (sock: Sock) => Writer,
): void {
  const connection = handler.request;
  handler.connection = connection;
  if (handler.timeout !== null) connection.settimeout(handler.timeout);
  if (handler.disable_nagle_algorithm) connection.setsockopt(IPPROTO_TCP, TCP_NODELAY, true);
  // Typed as in Python's handlers. A file without a buffer has fewer methods.
  handler.rfile = connection.makefile('rb', handler.rbufsize, { limit: handler.line_limit }) as Reader;
  handler.wfile =
    handler.wbufsize === 0 ? new Writer(connection) : (connection.makefile('wb', handler.wbufsize) as Writer);
}

function close_stream({ rfile, wfile }: Stream): void {
  if (!wfile.closed) unless_gone(() => wfile.flush());
  // close() fails, too, if a failed flush left bytes in the buffer. The file is closed all the same.
  unless_gone(() => wfile.close());
  rfile.close();
}

/** Calls `send`. An OSError is ignored: the client may be gone by now. */
function unless_gone(send: () => void): void {
  try {
    send();
  } catch (error) {
    if (!(error instanceof OSError)) throw error;
  }
}

/** setup() of a datagram's handler: its files. */
export function open_datagram<File>(
  handler: DatagramHandler<unknown, File>,
  Memory: new (bytes?: Buffer) => File,
): void {
  handler.rfile = new Memory(handler.packet);
  handler.wfile = new Memory();
}

function close_datagram(handler: Datagram): void {
  handler.answer(handler.wfile.getvalue());
}
