// Python's buffered binary files of a socket: BufferedReader, BufferedWriter, and BufferedRWPair of both. The logic is in
// read_buffer.ts and write_buffer.ts; here it is driven by the socket, blocking.
import { integer } from '../../util/validate.js';
import { UnsupportedOperation } from '../errors.js';
import {
  type BytesLike,
  CLOSED_FILE,
  data_bytes,
  IOBase,
  type Size,
  size_or_all,
  target_bytes,
} from '../iobase.js';
import { DEFAULT_BUFFER_SIZE } from '../mode.js';
import { ReadBuffer } from '../read_buffer.js';
import { run } from '../steps.js';
import { WriteBuffer } from '../write_buffer.js';
import type { SocketIO } from './raw.js';

const EMPTY = Buffer.alloc(0);
const DETACHED = 'raw stream has been detached';

function buffer_size(value: unknown): number {
  const size = integer(value, 'buffer_size', -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  if (size <= 0) throw new RangeError('buffer size must be strictly positive');
  return size;
}

/** The size of one read: null and undefined are refused, as Python refuses None. */
function exact_size(value: unknown): number {
  return integer(value, 'size', -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
}

/** A buffered binary file; what one kind of it cannot do is refused here. */
export abstract class BufferedIOBase extends IOBase<Buffer> {
  /** What a text file on top reads from, and writes to. @internal */
  get _read_side(): BufferedReader | undefined {
    return undefined;
  }

  /** @internal */
  get _write_side(): BufferedWriter | undefined {
    return undefined;
  }

  /** read(size = -1) -> exactly `size` bytes, fewer only at the end of the stream; all of it if negative. */
  read(_size?: Size): Buffer | null {
    return this.unsupported('read');
  }

  /** read1(size = -1) -> at most `size` bytes, with at most one receive. */
  read1(_size?: number | bigint): Buffer {
    return this.unsupported('read1');
  }

  /** readinto(buffer) -> how many bytes were put there: as many as fit, fewer only at the end of the stream. */
  readinto(_buffer: BytesLike): number | null {
    return this.unsupported('read');
  }

  /** readinto1(buffer) -> how many bytes were put there, with at most one receive. */
  readinto1(_buffer: BytesLike): number | null {
    return this.unsupported('read1');
  }

  override readline(_size?: Size): Buffer {
    return this.unsupported('read');
  }

  /** write(data) -> the length of the data, which is sent when the buffer is full, or by flush(). */
  write(_data: BytesLike): number {
    return this.unsupported('write');
  }

  /** writelines(lines). Writes each; nothing is put between them. */
  writelines(lines: Iterable<BytesLike>): void {
    this.check_open();
    for (const line of lines) this.write(line);
  }

  /** detach() -> the raw file, after a flush; this one cannot be used any more. */
  detach(): SocketIO {
    return this.unsupported('detach');
  }
}

/** What BufferedReader and BufferedWriter share: the raw file below. */
abstract class OverRaw extends BufferedIOBase {
  private stream: SocketIO | null;

  constructor(raw: SocketIO) {
    super();
    this.stream = raw;
  }

  /** The raw file; null once it was detached. */
  get raw(): SocketIO | null {
    return this.stream;
  }

  /** The raw file. @internal */
  get _attached(): SocketIO {
    if (this.stream === null) throw new RangeError(DETACHED);
    return this.stream;
  }

  /** The raw file of one that is open. @internal */
  protected open_raw(message: string): SocketIO {
    const raw = this._attached;
    if (raw.closed) throw new RangeError(message);
    return raw;
  }

  override get closed(): boolean {
    return this._attached.closed;
  }

  /** The descriptor, -1 once the file is closed. */
  get name(): number {
    return this._attached.name;
  }

  /** The mode of the raw file. */
  get mode(): string {
    return this._attached.mode;
  }

  override fileno(): number {
    return this._attached.fileno();
  }

  override seekable(): boolean {
    return this._attached.seekable();
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

  override close(): void {
    const raw = this._attached;
    if (raw.closed) return;
    try {
      this.flush();
    } finally {
      raw.close();
    }
  }
}

/** Python's io.BufferedReader: `makefile('rb')`. Reads ahead, so that small reads need no system call each. */
export class BufferedReader extends OverRaw {
  /** What was read ahead. @internal */
  readonly _bytes: ReadBuffer;

  /**
   * BufferedReader(raw, buffer_size = 8192)
   *
   * @param raw a raw file that was opened for reading
   * @param size how many bytes are read ahead
   * @throws UnsupportedOperation if the raw file does not read; RangeError on a bad size
   */
  constructor(raw: SocketIO, size: number | bigint = DEFAULT_BUFFER_SIZE) {
    super(raw);
    if (!raw.readable()) throw new UnsupportedOperation('File or stream is not readable.');
    this._bytes = new ReadBuffer(buffer_size(size));
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

  /**
   * read(size = -1) -> exactly `size` bytes; fewer at the end of the stream, or where the socket does not block and has no
   * more; null if then there are none. All of it if negative.
   *
   * @throws RangeError below -1; errors of recv(2), with nothing lost
   */
  override read(size?: Size): Buffer | null {
    const count = size_or_all(size, 'size');
    if (count < -1) throw new RangeError('read length must be non-negative or -1');
    const { _receive } = this.open_raw('read of closed file');
    const bytes = this._bytes;
    if (count >= 0 && count <= bytes.available && !bytes.busy) return bytes.take(count);
    return run(bytes, count < 0 ? bytes.read_all() : bytes.read(count), _receive);
  }

  /** read1(size = -1) -> what is there, or else what one receive gives, at most `size` bytes. */
  override read1(size: number | bigint = -1): Buffer {
    const count = exact_size(size);
    const { _receive } = this.open_raw('read of closed file');
    const bytes = this._bytes;
    if (count === 0) return EMPTY;
    return run(bytes, bytes.read1(count < 0 ? bytes.size : count), _receive);
  }

  /** readinto(buffer) -> how many bytes were put there; null if none, and the socket does not block. */
  override readinto(buffer: BytesLike): number | null {
    const target = target_bytes(buffer);
    const { _receive } = this.open_raw('readinto of closed file');
    return run(this._bytes, this._bytes.readinto(target, false), _receive);
  }

  /** The same with at most one receive. */
  override readinto1(buffer: BytesLike): number | null {
    const target = target_bytes(buffer);
    const { _receive } = this.open_raw('readinto of closed file');
    return run(this._bytes, this._bytes.readinto(target, true), _receive);
  }

  /**
   * readline(size = -1) -> a line with its line feed; less at the end of the stream, or where the socket does not block.
   *
   * @param size at most so many bytes
   * @throws errors of recv(2), with nothing lost
   */
  override readline(size?: Size): Buffer {
    const limit = size_or_all(size, 'size');
    const { _receive } = this.open_raw('readline of closed file');
    const bytes = this._bytes;
    const line = bytes.busy ? undefined : bytes.take_line(limit);
    return line ?? run(bytes, bytes.readline(limit), _receive);
  }

  /** The same for BufferedRWPair, which has an OSError where the socket would block. @internal */
  _readline_strictly(limit: number): Buffer {
    const { _receive } = this.open_raw('peek of closed file');
    return run(this._bytes, this._bytes.readline(limit, true), _receive);
  }

  /** peek(size = 0) -> the bytes that were read ahead, after one receive if there are none; they stay. */
  peek(size: number | bigint = 0): Buffer {
    exact_size(size);
    const { _receive } = this.open_raw('peek of closed file');
    return run(this._bytes, this._bytes.peek(), _receive);
  }
}

/** Python's io.BufferedWriter: `makefile('wb')`. Collects small writes; flush() or close() sends them. */
export class BufferedWriter extends OverRaw {
  /** What waits to be sent. @internal */
  readonly _bytes: WriteBuffer;

  /**
   * BufferedWriter(raw, buffer_size = 8192)
   *
   * @param raw a raw file that was opened for writing
   * @param size how many bytes wait at most
   * @throws UnsupportedOperation if the raw file does not write; RangeError on a bad size
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

  /**
   * write(data) -> the length of the data.
   *
   * @throws BlockingIOError (`characters_written` tells how many bytes were taken) where the socket does not block and the
   *   buffer is full; errors of send(2)
   */
  override write(data: BytesLike): number {
    const bytes = data_bytes(data);
    const { _send } = this.open_raw('write to closed file');
    if (this._bytes.accept(bytes)) return bytes.length;
    return run(this._bytes, this._bytes.write(bytes), _send);
  }

  /** flush(). Sends what waits. @throws BlockingIOError where the socket does not block; errors of send(2) */
  override flush(): void {
    const { _send } = this.open_raw('flush of closed file');
    if (this._bytes.pending) run(this._bytes, this._bytes.flush(), _send);
  }
}

/** Python's io.BufferedRWPair: `makefile('rwb')`. A reader and a writer in one. */
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

  override read(size?: Size): Buffer | null {
    return this.reader.read(size);
  }

  override read1(size: number | bigint = -1): Buffer {
    return this.reader.read1(size);
  }

  override readinto(buffer: BytesLike): number | null {
    return this.reader.readinto(buffer);
  }

  override readinto1(buffer: BytesLike): number | null {
    return this.reader.readinto1(buffer);
  }

  /** readline(size = -1) -> a line with its line feed. @throws OSError where the socket does not block, with nothing lost */
  override readline(size?: Size): Buffer {
    return this.reader._readline_strictly(size_or_all(size, 'size'));
  }

  /** peek(size = 0) -> the bytes that were read ahead, after one receive if there are none; they stay. */
  peek(size: number | bigint = 0): Buffer {
    return this.reader.peek(size);
  }

  override write(data: BytesLike): number {
    return this.writer.write(data);
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
