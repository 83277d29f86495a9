// The binary files of promises, without a buffer (SocketIO) and with one (BufferedFile). The logic is in ../read_buffer.ts and
// ../write_buffer.ts; direction.ts awaits each receive and each send.

import { UnsupportedOperation } from '../../errors/builtins.js';
import { bytes as check_bytes, integer } from '../../util/validate.js';
import { type Rest1, take_options, type WaitOptions } from '../../util/wait_options.js';
import { type BytesLike, data_bytes, type Size, size_or_all } from '../iobase.js';
import { ReadBuffer } from '../read_buffer.js';
import type { Bytes, Steps } from '../steps.js';
import { WriteBuffer } from '../write_buffer.js';
import { File, type OpenFile } from './file.js';

/** The file without a buffer, `makefile('rb', 0)`: each read is one receive, each write one send. */
export class SocketIO extends File<Buffer> {
  protected override readonly below = 'socket';
  /** The bytes that a failed readline() had received. */
  readonly #unread = new ReadBuffer(1, this.file.line_limit);

  /**
   * readinto(buffer, { signal, timeout }) -> the number of bytes of one receive. See Python's io.RawIOBase.readinto.
   *
   * @param buffer memory to fill, which stays the call's until it is done
   * @returns the number of bytes; 0 at the end of the stream, null with a time-out of 0 and no data
   * @throws TimeoutError; the signal's reason; errors of recv(2)
   * @example
   * const raw = sock.makefile('rb', 0);
   * await peer.sendall('hello');
   * console.log(await raw.readinto(Buffer.alloc(1024))); // 5
   */
  async readinto(buffer: BytesLike, options?: WaitOptions): Promise<number | null> {
    const target = check_bytes(buffer, 'buffer');
    this.check_reading(options);
    return this.file.input.run(
      () => (this.#unread.available > 0 ? this.#unread.readinto(target, true) : once(target)),
      options,
    );
  }

  /**
   * read(size = -1, { signal, timeout }) -> the bytes of one receive. See Python's io.RawIOBase.read.
   *
   * @param rest the most bytes, all up to the end of the stream if left out, null or negative; `{ signal, timeout }`
   * @returns the bytes; null with a time-out of 0 and no data
   * @throws TimeoutError; the signal's reason; errors of recv(2)
   * @example
   * const raw = sock.makefile('rb', 0);
   * await peer.sendall('hello');
   * console.log((await raw.read(1024))?.toString()); // hello
   */
  async read(...rest: Rest1<Size>): Promise<Buffer | null> {
    const options = take_options(rest, 1);
    const count = size_or_all(rest[0], 'size');
    this.check_reading(options);
    if (count < 0) return this.file.input.run(() => this.#unread.read_all(), options);
    const buffer = Buffer.allocUnsafe(count);
    const received = await this.readinto(buffer, options);
    return received === null ? null : buffer.subarray(0, received);
  }

  /**
   * readall({ signal, timeout }) -> all bytes up to the end of the stream. See Python's io.RawIOBase.readall.
   *
   * @returns the bytes; null with a time-out of 0 and no data
   * @throws TimeoutError; the signal's reason; errors of recv(2)
   * @example
   * const raw = sock.makefile('rb', 0);
   * await peer.sendall('hello');
   * peer.close();
   * console.log((await raw.readall())?.toString()); // hello
   */
  async readall(options?: WaitOptions): Promise<Buffer | null> {
    return this.read(-1, options);
  }

  override async readline(...rest: Rest1<Size>): Promise<Buffer> {
    const options = take_options(rest, 1);
    const most = size_or_all(rest[0], 'size');
    this.check_reading(options);
    // A buffer of one byte receives byte by byte: no byte after the line may be taken from the socket.
    return this.file.input.run(() => this.#unread.readline(most), options);
  }

  /**
   * write(data, { signal, timeout }) -> the number of bytes that one send took. See Python's io.RawIOBase.write.
   *
   * @param data bytes: a Buffer, any view or buffer of memory
   * @returns the number of bytes, which may be fewer than given; null with a time-out of 0 and no room
   * @throws TimeoutError; the signal's reason; BrokenPipeError and other errors of send(2)
   * @example
   * const raw = sock.makefile('wb', 0);
   * console.log(await raw.write(Buffer.from('hello'))); // 5
   */
  override async write(data: BytesLike, options?: WaitOptions): Promise<number | null> {
    const bytes = data_bytes(data);
    this.check_writing(options);
    return this.file.output.run(() => once(bytes), options);
  }
}

function* once(bytes: Bytes): Steps<number | null> {
  return yield bytes;
}

/** A buffered binary file, `makefile('rb')`, 'wb', 'rwb': Python's BufferedReader, BufferedWriter and BufferedRWPair. */
export class BufferedFile extends File<Buffer> {
  protected override readonly below = 'raw stream';
  /** The bytes read ahead, also for a text file above. @internal */
  readonly _read_ahead: ReadBuffer;
  /** The bytes to send. @internal */
  readonly _to_send: WriteBuffer;
  #raw: SocketIO | undefined;

  /** @internal */
  constructor(file: OpenFile, size: number) {
    super(file);
    this._read_ahead = new ReadBuffer(size, file.line_limit);
    this._to_send = new WriteBuffer(size);
  }

  /** The file without a buffer below; null after detach(), and in mode 'rwb', for which Python has two. */
  get raw(): SocketIO | null {
    if (this.detached || (this.file.reading && this.file.writing)) return null;
    this.#raw ??= new SocketIO(this.file);
    return this.#raw;
  }

  /**
   * detach({ signal, timeout }) -> the file without a buffer, after a flush; this file cannot be used any more, and the bytes that it had
   * read ahead are lost. See Python's io.BufferedIOBase.detach.
   *
   * @returns the file without a buffer
   * @throws UnsupportedOperation in mode 'rwb', which has two in Python; errors of the flush
   * @example
   * console.log((await sock.makefile('rb').detach()) instanceof SocketIO); // true
   */
  async detach(options?: WaitOptions): Promise<SocketIO> {
    const { raw } = this;
    if (raw === null) {
      this.file.check();
      throw new UnsupportedOperation('detach: not in mode rwb');
    }
    await this.flush(options);
    this.mark_detached();
    return raw;
  }

  /**
   * read(size = -1, { signal, timeout }) -> exactly `size` bytes, fewer at the end of the stream. See Python's io.BufferedReader.read.
   *
   * @param rest how many bytes to wait for, all up to the end of the stream if left out, null or negative; `{ signal, timeout }`
   * @returns the bytes; null with a time-out of 0 and no data
   * @throws TimeoutError, the signal's reason, errors of recv(2): after them no data is lost
   * @example
   * await peer.sendall('hello world');
   * console.log((await file.read(5))?.toString()); // hello
   */
  async read(...rest: Rest1<Size>): Promise<Buffer | null> {
    const options = take_options(rest, 1);
    const count = size_or_all(rest[0], 'size');
    if (count < -1) throw new RangeError('read length must be non-negative or -1');
    this.check_reading(options);
    const bytes = this._read_ahead;
    if (this.file.input.idle && count >= 0 && count <= bytes.available) return bytes.take(count);
    return this.file.input.run(() => (count < 0 ? bytes.read_all() : bytes.read(count)), options);
  }

  /**
   * read1(size = -1, { signal, timeout }) -> at most `size` bytes, read ahead or else from one receive. See Python's
   * io.BufferedReader.read1.
   *
   * @param rest the most bytes, -1: as many as the buffer holds; `{ signal, timeout }`
   * @returns the bytes; none at the end of the stream
   * @throws TimeoutError; the signal's reason; errors of recv(2)
   * @example
   * await peer.sendall('hello');
   * console.log((await file.read1(1024)).toString()); // hello
   */
  async read1(...rest: Rest1<number>): Promise<Buffer> {
    const options = take_options(rest, 1);
    const count = size_or_all(rest[0], 'size');
    this.check_reading(options);
    const bytes = this._read_ahead;
    if (count === 0) return Buffer.alloc(0);
    return this.file.input.run(() => bytes.read1(count < 0 ? bytes.size : count), options);
  }

  /**
   * readinto(buffer, { signal, timeout }) -> the number of bytes put into the buffer: as many as fit, fewer at the end of the stream. See
   * Python's io.BufferedIOBase.readinto.
   *
   * @param buffer memory to fill, which stays the call's until it is done
   * @returns the number of bytes; null with a time-out of 0 and no data
   * @throws TimeoutError; the signal's reason; errors of recv(2)
   * @example
   * const memory = Buffer.alloc(5);
   * await peer.sendall('hello world');
   * console.log(await file.readinto(memory), memory.toString()); // 5 hello
   */
  async readinto(buffer: BytesLike, options?: WaitOptions): Promise<number | null> {
    const target = check_bytes(buffer, 'buffer');
    this.check_reading(options);
    return this.file.input.run(() => this._read_ahead.readinto(target, false), options);
  }

  /**
   * readinto1(buffer, { signal, timeout }) -> the number of bytes put into the buffer, with at most one receive. See Python's
   * io.BufferedIOBase.readinto1.
   *
   * @param buffer memory to fill, which stays the call's until it is done
   * @returns the number of bytes; null with a time-out of 0 and no data
   * @throws TimeoutError; the signal's reason; errors of recv(2)
   * @example
   * await peer.sendall('hello');
   * console.log(await file.readinto1(Buffer.alloc(1024))); // 5
   */
  async readinto1(buffer: BytesLike, options?: WaitOptions): Promise<number | null> {
    const target = check_bytes(buffer, 'buffer');
    this.check_reading(options);
    return this.file.input.run(() => this._read_ahead.readinto(target, true), options);
  }

  override async readline(...rest: Rest1<Size>): Promise<Buffer> {
    const options = take_options(rest, 1);
    const limit = size_or_all(rest[0], 'size');
    this.check_reading(options);
    const bytes = this._read_ahead;
    const line = this.file.input.idle ? bytes.take_line(limit) : undefined;
    return line ?? this.file.input.run(() => bytes.readline(limit), options);
  }

  /**
   * peek(size = 0, { signal, timeout }) -> the bytes read ahead, after one receive if there are none; they stay to be read. See Python's
   * io.BufferedReader.peek.
   *
   * @param rest a size that is not looked at, as in Python; `{ signal, timeout }`
   * @returns a copy of the bytes; none at the end of the stream
   * @throws TimeoutError; the signal's reason; errors of recv(2)
   * @example
   * await peer.sendall('hello');
   * console.log((await file.peek()).toString(), (await file.read(5))?.toString()); // hello hello
   */
  async peek(...rest: Rest1<number>): Promise<Buffer> {
    const options = take_options(rest, 1);
    integer(rest[0] ?? 0, 'size');
    this.check_reading(options);
    return this.file.input.run(() => this._read_ahead.peek(), options);
  }

  /**
   * write(data, { signal, timeout }) -> the length of the data. The data is sent once the buffer is full, or by flush(). See Python's
   * io.BufferedWriter.write.
   *
   * @param data bytes: a Buffer, any view or buffer of memory
   * @returns the number of bytes, always all
   * @throws TimeoutError; the signal's reason; errors of send(2)
   * @example
   * console.log(await file.write(Buffer.from('hello'))); // 5
   * await file.flush();
   */
  override async write(data: BytesLike, options?: WaitOptions): Promise<number> {
    const bytes = data_bytes(data);
    this.check_writing(options);
    if (this.file.output.idle && this._to_send.accept(bytes)) return bytes.length;
    return this.file.output.run(() => this._to_send.write(bytes), options);
  }

  override async flush(options?: WaitOptions): Promise<void> {
    await super.flush(options);
    if (this._to_send.pending || !this.file.output.idle)
      await this.file.output.run(() => this._to_send.flush(), options);
  }
}
