// SocketIO, the raw file of a socket, as in Python. Each read is one recv_into, each write one send; both return null if the
// socket would block.

import { UnsupportedOperation } from '../../errors/builtins.js';
import { OSError, TimeoutError } from '../../errors/index.js';
import { bytes as check_bytes, shown } from '../../util/validate.js';
import { would_block } from '../errors.js';
import {
  type BytesLike,
  CLOSED_FILE,
  type Description,
  data_bytes,
  IOBase,
  type Size,
  size_or_all,
} from '../iobase.js';
import { type CountedSocket, count_closed, count_open } from '../open_files.js';
import { ReadBuffer } from '../read_buffer.js';
import { type Bytes, check_count, run } from '../steps.js';

/** The part of a socket that its files need. */
export interface MakefileSocket extends CountedSocket {
  recv_into(buffer: Uint8Array, nbytes?: number): number;
  send(data: Uint8Array): number;
}

const EMPTY = Buffer.alloc(0);

/** Python's socket.SocketIO: the unbuffered file of a socket, `makefile('rb', 0)`. */
export class SocketIO extends IOBase<Buffer> {
  /** 'rb', 'wb' or 'rwb'. */
  readonly mode: string;
  private socket: MakefileSocket | null;
  private readonly reading: boolean;
  private readonly writing: boolean;
  private timed_out = false;
  /** The bytes that a failed readline() had received. */
  private readonly unread: ReadBuffer;

  /**
   * SocketIO(sock, mode). Counts as one open file of the socket.
   *
   * @param socket the socket
   * @param mode 'r', 'w' or 'rw', and 'b' or not
   * @param line_limit the `limit` of makefile()
   * @throws TypeError for a socket of promises, or what is no socket; RangeError for another mode
   */
  constructor(socket: MakefileSocket, mode: string, line_limit?: number) {
    super();
    this.unread = new ReadBuffer(1, line_limit);
    if (!['r', 'w', 'rw', 'rb', 'wb', 'rwb'].includes(mode)) throw new RangeError(`invalid mode: '${mode}'`);
    const { recv_into, _event_driven } = Object(socket);
    if (typeof recv_into !== 'function' || _event_driven === true)
      throw new TypeError(`sock must be a blocking socket, not ${shown(socket)}`);
    this.mode = mode.endsWith('b') ? mode : `${mode}b`;
    this.reading = mode.includes('r');
    this.writing = mode.includes('w');
    this.socket = socket;
    count_open(this, socket);
  }

  override get closed(): boolean {
    return this.socket === null;
  }

  /** The longest line of files above. @internal */
  get _line_limit(): number {
    return this.unread.line_limit;
  }

  override get _description(): Description {
    return [this.name, this.mode];
  }

  /** The descriptor, -1 once the file is closed. */
  get name(): number {
    return this.socket === null ? -1 : this.socket.fileno();
  }

  private open_socket(message = CLOSED_FILE): MakefileSocket {
    if (this.socket === null) throw new RangeError(message);
    return this.socket;
  }

  override fileno(): number {
    return this.open_socket().fileno();
  }

  override readable(): boolean {
    this.open_socket('I/O operation on closed socket.');
    return this.reading;
  }

  override writable(): boolean {
    this.open_socket('I/O operation on closed socket.');
    return this.writing;
  }

  override seekable(): boolean {
    this.open_socket('I/O operation on closed socket.');
    return false;
  }

  /** Makes one receive into checked memory. @internal */
  readonly _receive = (bytes: Bytes): number | null => {
    const socket = this.open_socket();
    if (!this.reading) throw new UnsupportedOperation('File or stream is not readable.');
    if (this.timed_out) throw new OSError('cannot read from timed out object');
    try {
      // The call may shrink the memory.
      const { length } = bytes;
      return check_count(socket.recv_into(bytes), length, 'recv_into');
    } catch (error) {
      if (would_block(error)) return null;
      if (error instanceof TimeoutError) this.timed_out = true;
      throw error;
    }
  };

  /** Fills checked memory from what a failed readline() left, else by one receive. */
  private receive(bytes: Bytes): number | null {
    if (this.unread.available === 0) return this._receive(bytes);
    return run(this.unread, this.unread.readinto(bytes, true), this._receive);
  }

  /** Makes one send of checked bytes. @internal */
  readonly _send = (bytes: Bytes): number | null => {
    const socket = this.open_socket();
    if (!this.writing) throw new UnsupportedOperation('File or stream is not writable.');
    try {
      const { length } = bytes;
      return check_count(socket.send(bytes), length, 'send');
    } catch (error) {
      if (would_block(error)) return null;
      throw error;
    }
  };

  /**
   * readinto(buffer) -> the number of bytes of one receive. See Python's io.RawIOBase.readinto.
   *
   * @param buffer memory to fill
   * @returns the number of bytes; 0 at the end of the stream, null if the socket would block
   * @throws OSError after a time-out, for the position in the stream is unknown then; errors of recv(2)
   * @example
   * const raw = sock.makefile('rb', 0);
   * peer.sendall('hello');
   * console.log(raw.readinto(Buffer.alloc(1024))); // 5
   */
  readinto(buffer: BytesLike): number | null {
    return this.receive(check_bytes(buffer, 'buffer'));
  }

  /**
   * read(size = -1) -> the bytes of one receive. See Python's io.RawIOBase.read.
   *
   * @param size the most bytes; left out, null or negative: all up to the end of the stream
   * @returns the bytes; null if the socket would block
   * @throws OSError after a time-out; errors of recv(2)
   * @example
   * const raw = sock.makefile('rb', 0);
   * peer.sendall('hello');
   * console.log(raw.read(1024)?.toString()); // hello
   */
  read(size?: Size): Buffer | null {
    const count = size_or_all(size, 'size');
    if (count < 0) return this.readall();
    const buffer = Buffer.allocUnsafe(count);
    const received = this.receive(buffer);
    if (received === null || received === count) return received === null ? null : buffer;
    return received === 0 ? EMPTY : Buffer.from(buffer.subarray(0, received));
  }

  /**
   * readall() -> all bytes up to the end of the stream, or until the socket would block. See Python's io.RawIOBase.readall.
   *
   * @returns the bytes; null if the socket would block and there are none
   * @throws OSError after a time-out; errors of recv(2)
   * @example
   * const raw = sock.makefile('rb', 0);
   * peer.sendall('hello');
   * peer.close();
   * console.log(raw.readall()?.toString()); // hello
   */
  readall(): Buffer | null {
    return run(this.unread, this.unread.read_all(), this._receive);
  }

  /**
   * readline(size = -1) -> a line, received byte by byte: no byte after the line may be taken from the socket. See Python's
   * io.IOBase.readline.
   *
   * @param size the most bytes of the line; no limit if it is left out, null or negative
   * @returns the line with its line feed; nothing at the end of the stream
   * @throws errors of recv(2), LimitOverrunError: after them no data is lost
   * @example
   * const raw = sock.makefile('rb', 0);
   * peer.sendall('one\ntwo\n');
   * console.log(raw.readline().toString().trim(), sock.recv(1024).toString().trim()); // one two
   */
  override readline(size?: Size): Buffer {
    return run(this.unread, this.unread.readline(size_or_all(size, 'size'), true), this._receive);
  }

  /**
   * write(data) -> the number of bytes that one send took. See Python's io.RawIOBase.write.
   *
   * @param data bytes: a Buffer, any view or buffer of memory
   * @returns the number of bytes, which may be fewer than given; null if the socket would block
   * @throws BrokenPipeError, TimeoutError and other errors of send(2)
   * @example
   * const raw = sock.makefile('wb', 0);
   * console.log(raw.write(Buffer.from('hello'))); // 5
   */
  override write(data: BytesLike): number | null {
    return this._send(data_bytes(data));
  }

  /**
   * close(). Gives up the socket: it closes only if its own close() was called and this was its last file. See Python's io.IOBase.close.
   *
   * @throws OSError of close(2)
   * @example
   * const raw = sock.makefile('rb', 0);
   * raw.close();
   * console.log(raw.closed, sock.fileno() >= 0); // true true
   */
  override close(): void {
    const { socket } = this;
    if (socket === null) return;
    this.socket = null;
    count_closed(this, socket);
  }
}
