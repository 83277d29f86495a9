// The buffered binary files of a socket, as in Python: BufferedReader, BufferedWriter, and BufferedRWPair of both. The logic is
// in ../read_buffer.ts and ../write_buffer.ts; here each receive and each send blocks.

import { UnsupportedOperation } from '../../errors/builtins.js';
import { any_integer, bytes as check_bytes, shown } from '../../util/validate.js';
import {
  type BytesLike,
  CLOSED_FILE,
  type Description,
  data_bytes,
  IOBase,
  type Size,
  size_or_all,
} from '../iobase.js';
import { DEFAULT_BUFFER_SIZE } from '../mode.js';
import { ReadBuffer } from '../read_buffer.js';
import { run } from '../steps.js';
import { WriteBuffer } from '../write_buffer.js';
import { SocketIO } from './raw.js';

const EMPTY = Buffer.alloc(0);

function buffer_size(value: unknown): number {
  const size = any_integer(value, 'buffer_size');
  if (size <= 0) throw new RangeError('buffer size must be strictly positive');
  return size;
}

/**
 * A buffered binary file. Its operations are those of its reader and its writer: without one they throw UnsupportedOperation,
 * unless a sub-class overrides them.
 */
export abstract class BufferedIOBase extends IOBase<Buffer> {
  /** The buffered reader, from which a text file above reads. @internal */
  get _read_side(): BufferedReader | undefined {
    return undefined;
  }

  /** The buffered writer, to which a text file above writes. @internal */
  get _write_side(): BufferedWriter | undefined {
    return undefined;
  }

  override get _description(): Description | undefined {
    return (this._read_side ?? this._write_side)?._attached._description;
  }

  /**
   * read(size = -1) -> exactly `size` bytes; fewer at the end of the stream, or if the socket would block. See Python's
   * io.BufferedReader.read.
   *
   * @param size how many bytes to wait for; left out, null or -1: all up to the end of the stream
   * @returns the bytes; null if the socket would block and there are none
   * @throws RangeError below -1; TimeoutError and errors of recv(2): after them no data is lost
   * @example
   * peer.sendall('hello world');
   * console.log(file.read(5)?.toString()); // hello
   */
  read(size?: Size): Buffer | null {
    return (this._read_side ?? this.unsupported('read')).read(size);
  }

  /**
   * read1(size = -1) -> at most `size` bytes, read ahead or else from one receive. See Python's io.BufferedReader.read1.
   *
   * @param size the most bytes; -1: as many as the buffer holds
   * @returns the bytes; none at the end of the stream
   * @throws TimeoutError; errors of recv(2)
   * @example
   * peer.sendall('hello');
   * console.log(file.read1(1024).toString()); // hello
   */
  read1(size?: number | bigint): Buffer {
    return (this._read_side ?? this.unsupported('read1')).read1(size);
  }

  /**
   * readinto(buffer) -> the number of bytes put into the buffer: as many as fit, fewer only at the end of the stream. See Python's
   * io.BufferedIOBase.readinto.
   *
   * @param buffer memory to fill
   * @returns the number of bytes; null if the socket would block before the first
   * @throws TimeoutError; errors of recv(2)
   * @example
   * const memory = Buffer.alloc(5);
   * peer.sendall('hello world');
   * console.log(file.readinto(memory), memory.toString()); // 5 hello
   */
  readinto(buffer: BytesLike): number | null {
    return (this._read_side ?? this.unsupported('read')).readinto(buffer);
  }

  /**
   * readinto1(buffer) -> the number of bytes put into the buffer, with at most one receive. See Python's io.BufferedIOBase.readinto1.
   *
   * @param buffer memory to fill
   * @returns the number of bytes; null if the socket would block before the first
   * @throws TimeoutError; errors of recv(2)
   * @example
   * peer.sendall('hello');
   * console.log(file.readinto1(Buffer.alloc(1024))); // 5
   */
  readinto1(buffer: BytesLike): number | null {
    return (this._read_side ?? this.unsupported('read1')).readinto1(buffer);
  }

  /**
   * readline(size = -1) -> a line with its line feed; less at the end of the stream, or if the socket would block. See Python's
   * io.IOBase.readline.
   *
   * @param _size the maximum number of bytes; no limit if it is left out, null or negative
   * @returns the line; nothing at the end of the stream
   * @throws TimeoutError, errors of recv(2), LimitOverrunError beyond the `limit` of makefile(): after them no data is lost
   * @example
   * peer.sendall('one\ntwo\n');
   * console.log(file.readline().toString().trim()); // one
   */
  override readline(_size?: Size): Buffer {
    return this.unsupported('read');
  }

  /**
   * write(data) -> the length of the data. The data is sent once the buffer is full, or by flush(). See Python's io.BufferedWriter.write.
   *
   * @param data bytes: a Buffer, any view or buffer of memory
   * @returns the number of bytes, always all
   * @throws BlockingIOError if the buffer is full and the socket would block: `characters_written` is the number of bytes that were sent or
   *   buffered; errors of send(2)
   * @example
   * console.log(file.write(Buffer.from('hello'))); // 5
   * file.flush();
   */
  override write(data: BytesLike): number {
    return (this._write_side ?? this.unsupported('write')).write(data);
  }

  /**
   * detach() -> the raw file, after a flush; this file cannot be used any more. See Python's io.BufferedIOBase.detach.
   *
   * @returns the file without a buffer
   * @throws UnsupportedOperation of a BufferedRWPair, which has two; errors of the flush
   * @example
   * const raw = sock.makefile('rb').detach();
   * console.log(raw instanceof SocketIO); // true
   */
  detach(): SocketIO {
    return this.unsupported('detach');
  }
}

/** The base of BufferedReader and BufferedWriter: a buffered file with one raw file below. */
abstract class OverRaw extends BufferedIOBase {
  private stream: SocketIO | null;

  constructor(raw: SocketIO) {
    super();
    if (!(raw instanceof SocketIO)) throw new TypeError(`raw must be a SocketIO, not ${shown(raw)}`);
    this.stream = raw;
  }

  /** The raw file; null after detach(). */
  get raw(): SocketIO | null {
    return this.stream;
  }

  override get _attached(): SocketIO {
    if (this.stream === null) throw new RangeError('raw stream has been detached');
    return this.stream;
  }

  /** Returns the raw file. @throws RangeError with the message, if it is closed @internal */
  protected open_raw(message: string): SocketIO {
    const raw = this._attached;
    if (raw.closed) throw new RangeError(message);
    return raw;
  }

  /** The descriptor, -1 once the file is closed. */
  get name(): number {
    return this._attached.name;
  }

  /** The mode of the raw file. */
  get mode(): string {
    return this._attached.mode;
  }

  override seek(_offset: number, _whence?: number): number {
    this.open_raw('seek of closed file');
    throw new UnsupportedOperation('File or stream is not seekable.');
  }

  override tell(): number {
    return this._attached.tell();
  }

  override truncate(_size?: number | null): number {
    this.open_raw('truncate of closed file');
    this.flush();
    return this.unsupported('truncate');
  }

  override detach(): SocketIO {
    const raw = this._attached;
    this.flush();
    this.stream = null;
    return raw;
  }
}

/** Python's io.BufferedReader: `makefile('rb')`. It reads ahead, so that most small reads make no system call. */
export class BufferedReader extends OverRaw {
  /** The bytes read ahead. @internal */
  readonly _bytes: ReadBuffer;

  /**
   * BufferedReader(raw, buffer_size = 8192)
   *
   * @param raw a raw file that was opened for reading
   * @param size the maximum number of bytes that are read ahead
   * @throws UnsupportedOperation if the raw file does not read; RangeError for a bad size
   */
  constructor(raw: SocketIO, size: number | bigint = DEFAULT_BUFFER_SIZE) {
    super(raw);
    if (!raw.readable()) throw new UnsupportedOperation('File or stream is not readable.');
    this._bytes = new ReadBuffer(buffer_size(size), raw._line_limit);
  }

  override get _read_side(): BufferedReader {
    return this;
  }

  override readable(): boolean {
    return this._attached.readable();
  }

  override flush(): void {
    this.open_raw(CLOSED_FILE);
  }

  override read(size?: Size): Buffer | null {
    const count = size_or_all(size, 'size');
    if (count < -1) throw new RangeError('read length must be non-negative or -1');
    const { _receive } = this.open_raw('read of closed file');
    const bytes = this._bytes;
    if (count >= 0 && count <= bytes.available && !bytes.busy) return bytes.take(count);
    return run(bytes, count < 0 ? bytes.read_all() : bytes.read(count), _receive);
  }

  override read1(size: number | bigint = -1): Buffer {
    const count = any_integer(size, 'size');
    const { _receive } = this.open_raw('read of closed file');
    const bytes = this._bytes;
    if (count === 0) return EMPTY;
    return run(bytes, bytes.read1(count < 0 ? bytes.size : count), _receive);
  }

  override readinto(buffer: BytesLike): number | null {
    const target = check_bytes(buffer, 'buffer');
    const { _receive } = this.open_raw('readinto of closed file');
    return run(this._bytes, this._bytes.readinto(target, false), _receive);
  }

  override readinto1(buffer: BytesLike): number | null {
    const target = check_bytes(buffer, 'buffer');
    const { _receive } = this.open_raw('readinto of closed file');
    return run(this._bytes, this._bytes.readinto(target, true), _receive);
  }

  override readline(size?: Size): Buffer {
    const limit = size_or_all(size, 'size');
    const { _receive } = this.open_raw('readline of closed file');
    const bytes = this._bytes;
    const line = bytes.busy ? undefined : bytes.take_line(limit);
    return line ?? run(bytes, bytes.readline(limit), _receive);
  }

  /** Reads a line for BufferedRWPair. @throws OSError if the socket would block @internal */
  _readline_strictly(limit: number): Buffer {
    const { _receive } = this.open_raw('peek of closed file');
    return run(this._bytes, this._bytes.readline(limit, true), _receive);
  }

  /**
   * peek(size = 0) -> the bytes read ahead, after one receive if there are none; they stay to be read. See Python's io.BufferedReader.peek.
   *
   * @param size is not looked at, as in Python
   * @returns a copy of the bytes; none at the end of the stream
   * @throws TimeoutError; errors of recv(2)
   * @example
   * peer.sendall('hello');
   * console.log(file.peek().toString(), file.read(5)?.toString()); // hello hello
   */
  peek(size: number | bigint = 0): Buffer {
    any_integer(size, 'size');
    const { _receive } = this.open_raw('peek of closed file');
    return run(this._bytes, this._bytes.peek(), _receive);
  }
}

/** Python's io.BufferedWriter: `makefile('wb')`. It collects small writes, until the buffer is full or flush() or close(). */
export class BufferedWriter extends OverRaw {
  /** The bytes to send. @internal */
  readonly _bytes: WriteBuffer;

  /**
   * BufferedWriter(raw, buffer_size = 8192)
   *
   * @param raw a raw file that was opened for writing
   * @param size the maximum number of bytes that wait to be sent
   * @throws UnsupportedOperation if the raw file does not write; RangeError for a bad size
   */
  constructor(raw: SocketIO, size: number | bigint = DEFAULT_BUFFER_SIZE) {
    super(raw);
    if (!raw.writable()) throw new UnsupportedOperation('File or stream is not writable.');
    this._bytes = new WriteBuffer(buffer_size(size));
  }

  override get _write_side(): BufferedWriter {
    return this;
  }

  override writable(): boolean {
    return this._attached.writable();
  }

  override write(data: BytesLike): number {
    const bytes = data_bytes(data);
    const { _send } = this.open_raw('write to closed file');
    if (this._bytes.accept(bytes)) return bytes.length;
    return run(this._bytes, this._bytes.write(bytes), _send);
  }

  override flush(): void {
    const { _send } = this.open_raw('flush of closed file');
    if (this._bytes.pending) run(this._bytes, this._bytes.flush(), _send);
  }
}

/** Python's io.BufferedRWPair: `makefile('rwb')`. It is a reader and a writer in one. */
export class BufferedRWPair extends BufferedIOBase {
  private readonly reader: BufferedReader;
  private readonly writer: BufferedWriter;

  /**
   * BufferedRWPair(reader, writer, buffer_size = 8192)
   *
   * @param reader a raw file that was opened for reading
   * @param writer a raw file that was opened for writing
   * @param size the size of each buffer
   */
  constructor(reader: SocketIO, writer: SocketIO, size: number | bigint = DEFAULT_BUFFER_SIZE) {
    super();
    this.reader = new BufferedReader(reader, size);
    this.writer = new BufferedWriter(writer, size);
  }

  override get _read_side(): BufferedReader {
    return this.reader;
  }

  override get _write_side(): BufferedWriter {
    return this.writer;
  }

  override get closed(): boolean {
    return this.writer.closed;
  }

  override readable(): boolean {
    return this.reader.readable();
  }

  override writable(): boolean {
    return this.writer.writable();
  }

  override readline(size?: Size): Buffer {
    return this.reader._readline_strictly(size_or_all(size, 'size'));
  }

  /**
   * peek(size = 0) -> the bytes read ahead, after one receive if there are none; they stay to be read. See Python's io.BufferedReader.peek.
   *
   * @param size is not looked at, as in Python
   * @returns a copy of the bytes; none at the end of the stream
   * @throws TimeoutError; errors of recv(2)
   * @example
   * peer.sendall('hello');
   * console.log(file.peek().toString(), file.read(5)?.toString()); // hello hello
   */
  peek(size: number | bigint = 0): Buffer {
    return this.reader.peek(size);
  }

  override flush(): void {
    this.writer.flush();
  }

  override close(): void {
    try {
      this.writer.close();
    } finally {
      this.reader.close();
    }
  }
}
