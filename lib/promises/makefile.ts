// makefile() of promises: the files of lib/makefile, whose logic (the steps of ReadBuffer, WriteBuffer, TextReader and
// TextWriter) is driven here by awaiting each receive and each send. Calls on one file are made in order.
import { integer, shown } from '../internal/validate.js';
import { find_codec, find_handler } from '../makefile/codecs/index.js';
import { UnsupportedOperation } from '../makefile/errors.js';
import { parse_mode, type TextOptions } from '../makefile/index.js';
import {
  type BytesLike,
  CLOSED_FILE,
  data_bytes,
  type Size,
  size_or_all,
  target_bytes,
} from '../makefile/iobase.js';
import { character_count, type Newlines } from '../makefile/newlines.js';
import { ReadBuffer } from '../makefile/read-buffer.js';
import type { Bytes, Steps } from '../makefile/steps.js';
import { check_newline, string_or } from '../makefile/text.js';
import { TextReader } from '../makefile/text-reader.js';
import { TextWriter } from '../makefile/text-writer.js';
import { WriteBuffer } from '../makefile/write-buffer.js';
import { Side } from './side.js';
import type { Socket } from './socket.js';
import { type Rest1, take_options, type WaitOptions } from './waiting.js';

// A file that is dropped without close() no longer keeps its socket's descriptor.
const dropped = new FinalizationRegistry((sock: Socket<number>) => sock._decref_socketios());

/** What all files have in common. What is read is a Buffer (`T`) or a string. */
abstract class File<T extends Buffer | string> implements AsyncIterableIterator<T> {
  /** What makefile() was given. */
  readonly mode: string;
  #sock: Socket<number> | null;
  readonly #reading: boolean;
  readonly #writing: boolean;
  /** @internal */
  protected readonly input: Side;
  /** @internal */
  protected readonly output: Side;

  constructor(sock: Socket<number>, mode: string, reading: boolean, writing: boolean) {
    this.mode = mode;
    this.#sock = sock;
    this.#reading = reading;
    this.#writing = writing;
    this.input = new Side((bytes, options) => this.#open().recv_into(bytes, 0, 0, options));
    this.output = new Side((bytes, options) => this.#open().send(bytes, 0, options));
    sock._files++;
    dropped.register(this, sock, this);
  }

  /** Whether close() was called. */
  get closed(): boolean {
    return this.#sock === null;
  }

  /** The descriptor, -1 once the file is closed. */
  get name(): number {
    return this.#sock?.fileno() ?? -1;
  }

  #open(): Socket<number> {
    if (this.#sock === null) throw new RangeError(CLOSED_FILE);
    return this.#sock;
  }

  /** @internal */
  protected check_reading(): void {
    this.#open();
    if (!this.#reading) throw new UnsupportedOperation('not readable');
  }

  /** @internal */
  protected check_writing(): void {
    this.#open();
    if (!this.#writing) throw new UnsupportedOperation('not writable');
  }

  /** fileno() -> the descriptor of the socket. */
  fileno(): number {
    return this.#open().fileno();
  }

  /** readable() -> whether the file was opened for reading. */
  readable(): boolean {
    this.#open();
    return this.#reading;
  }

  /** writable() -> whether the file was opened for writing. */
  writable(): boolean {
    this.#open();
    return this.#writing;
  }

  /** seekable() -> false: a socket has no positions. */
  seekable(): boolean {
    this.#open();
    return false;
  }

  /** isatty() -> false. */
  isatty(): boolean {
    this.#open();
    return false;
  }

  /** readline(size = -1, { signal, timeout }) -> a line with its line end; empty at the end of the stream. */
  abstract readline(...rest: Rest1<Size>): Promise<T>;

  /** flush({ signal, timeout }). Sends what waits to be sent. */
  async flush(_options?: WaitOptions): Promise<void> {
    this.#open();
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

  /** close(). Flushes, and lets go of the socket, which is closed only if its close() was called. Twice is allowed. */
  async close(): Promise<void> {
    if (this.#sock === null) return;
    try {
      if (this.#writing) await this.flush();
    } finally {
      this.#let_go();
    }
  }

  #let_go(): void {
    const sock = this.#sock;
    if (sock === null) return;
    this.#sock = null;
    dropped.unregister(this);
    sock._decref_socketios();
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

/** The file without a buffer, `makefile('rb', 0)`: each read is one receive, each write one send. */
export class SocketIO extends File<Buffer> {
  /** What a readline() that failed had received. */
  readonly #kept = new ReadBuffer(1);

  /** readinto(buffer, { signal, timeout }) -> how many bytes one receive put there; null where it would have to wait. */
  async readinto(buffer: BytesLike, options?: WaitOptions): Promise<number | null> {
    const target = target_bytes(buffer);
    this.check_reading();
    return this.input.run(
      () => (this.#kept.available > 0 ? this.#kept.readinto(target, true) : once(target)),
      options,
    );
  }

  /** read(size = -1, { signal, timeout }) -> what one receive of at most `size` bytes gives; all to the end if negative. */
  async read(...rest: Rest1<Size>): Promise<Buffer | null> {
    const options = take_options(rest, 1);
    const count = size_or_all(rest[0], 'size');
    this.check_reading();
    if (count < 0) return this.input.run(() => this.#kept.read_all(), options);
    const buffer = Buffer.allocUnsafe(count);
    const received = await this.readinto(buffer, options);
    return received === null ? null : buffer.subarray(0, received);
  }

  /** readall({ signal, timeout }) -> all up to the end of the stream. */
  async readall(options?: WaitOptions): Promise<Buffer | null> {
    return this.read(-1, options);
  }

  override async readline(...rest: Rest1<Size>): Promise<Buffer> {
    const options = take_options(rest, 1);
    const most = size_or_all(rest[0], 'size');
    this.check_reading();
    // Byte by byte, for nothing behind the line may be taken from the socket.
    return this.input.run(() => this.#kept.readline(most), options);
  }

  /** write(data, { signal, timeout }) -> how many of the bytes one send took; null where it would have to wait. */
  async write(data: BytesLike, options?: WaitOptions): Promise<number | null> {
    const bytes = data_bytes(data);
    this.check_writing();
    return this.output.run(() => once(bytes), options);
  }
}

function* once(bytes: Bytes): Steps<number | null> {
  return yield bytes;
}

/** A buffered binary file, `makefile('rb')`, 'wb', 'rwb': Python's BufferedReader, BufferedWriter and BufferedRWPair. */
export class BufferedFile extends File<Buffer> {
  readonly #read_ahead: ReadBuffer;
  readonly #to_send: WriteBuffer;

  constructor(sock: Socket<number>, mode: string, reading: boolean, writing: boolean, size: number) {
    super(sock, mode, reading, writing);
    this.#read_ahead = new ReadBuffer(size);
    this.#to_send = new WriteBuffer(size);
  }

  /** read(size = -1, { signal, timeout }) -> exactly `size` bytes, fewer at the end of the stream; all of it if negative. */
  async read(...rest: Rest1<Size>): Promise<Buffer | null> {
    const options = take_options(rest, 1);
    const count = size_or_all(rest[0], 'size');
    if (count < -1) throw new RangeError('read length must be non-negative or -1');
    this.check_reading();
    const bytes = this.#read_ahead;
    if (this.input.idle && count >= 0 && count <= bytes.available) return bytes.take(count);
    return this.input.run(() => (count < 0 ? bytes.read_all() : bytes.read(count)), options);
  }

  /** read1(size = -1, { signal, timeout }) -> what is there, or else what one receive gives, at most `size` bytes. */
  async read1(...rest: Rest1<number>): Promise<Buffer> {
    const options = take_options(rest, 1);
    const count = size_or_all(rest[0], 'size');
    this.check_reading();
    const bytes = this.#read_ahead;
    if (count === 0) return Buffer.alloc(0);
    return this.input.run(() => bytes.read1(count < 0 ? bytes.size : count), options);
  }

  /** readinto(buffer, { signal, timeout }) -> how many bytes were put there: as many as fit, fewer at the end. */
  async readinto(buffer: BytesLike, options?: WaitOptions): Promise<number | null> {
    const target = target_bytes(buffer);
    this.check_reading();
    return this.input.run(() => this.#read_ahead.readinto(target, false), options);
  }

  /** readinto1(buffer, { signal, timeout }): the same with at most one receive. */
  async readinto1(buffer: BytesLike, options?: WaitOptions): Promise<number | null> {
    const target = target_bytes(buffer);
    this.check_reading();
    return this.input.run(() => this.#read_ahead.readinto(target, true), options);
  }

  override async readline(...rest: Rest1<Size>): Promise<Buffer> {
    const options = take_options(rest, 1);
    const limit = size_or_all(rest[0], 'size');
    this.check_reading();
    const bytes = this.#read_ahead;
    const line = this.input.idle ? bytes.take_line(limit) : undefined;
    return line ?? this.input.run(() => bytes.readline(limit), options);
  }

  /** peek(size = 0, { signal, timeout }) -> the bytes that were read ahead, after one receive if there are none; they stay. */
  async peek(...rest: Rest1<number>): Promise<Buffer> {
    const options = take_options(rest, 1);
    integer(rest[0] ?? 0, 'size');
    this.check_reading();
    return this.input.run(() => this.#read_ahead.peek(), options);
  }

  /** write(data, { signal, timeout }) -> the length of the data, which is sent when the buffer is full, or by flush(). */
  async write(data: BytesLike, options?: WaitOptions): Promise<number> {
    const bytes = data_bytes(data);
    this.check_writing();
    if (this.output.idle && this.#to_send.accept(bytes)) return bytes.length;
    return this.output.run(() => this.#to_send.write(bytes), options);
  }

  /** writelines(lines). Writes each; nothing is put between them. */
  async writelines(lines: Iterable<BytesLike>): Promise<void> {
    for (const line of lines) await this.write(line);
  }

  override async flush(options?: WaitOptions): Promise<void> {
    await super.flush();
    if (this.#to_send.pending || !this.output.idle)
      await this.output.run(() => this.#to_send.flush(), options);
  }
}

/** The text file, `makefile('r')`, 'w', 'rw': Python's TextIOWrapper. */
export class TextFile extends File<string> {
  readonly encoding: string;
  readonly errors: string;
  readonly #reader: TextReader;
  readonly #writer: TextWriter;
  readonly #to_send: WriteBuffer;

  constructor(
    sock: Socket<number>,
    mode: string,
    reading: boolean,
    writing: boolean,
    size: number,
    options: TextOptions,
  ) {
    const encoding = string_or('UTF-8', options.encoding, 'encoding');
    const errors = string_or('strict', options.errors, 'errors');
    const newline = check_newline(options.newline);
    const codec = find_codec(encoding);
    const handler = find_handler(errors);
    super(sock, mode, reading, writing);
    this.encoding = encoding === 'locale' ? 'UTF-8' : encoding;
    this.errors = errors;
    this.#to_send = new WriteBuffer(size);
    this.#reader = new TextReader(new ReadBuffer(size), codec, handler, newline);
    this.#writer = new TextWriter(this.#to_send, codec, handler, newline, false, false);
  }

  /** The line ends read so far, in universal newlines mode: null, one, or an array of them. */
  get newlines(): Newlines {
    return this.#reader.newlines;
  }

  /** read(size = -1, { signal, timeout }) -> exactly `size` characters (code points), fewer at the end; all if negative. */
  async read(...rest: Rest1<Size>): Promise<string> {
    const options = take_options(rest, 1);
    const count = size_or_all(rest[0], 'size');
    this.check_reading();
    return this.input.run(() => (count < 0 ? this.#reader.read_all() : this.#reader.read(count)), options);
  }

  override async readline(...rest: Rest1<Size>): Promise<string> {
    const options = take_options(rest, 1);
    const limit = size_or_all(rest[0], 'size');
    this.check_reading();
    const line = limit < 0 && this.input.idle ? this.#reader.take_line() : undefined;
    return line ?? this.input.run(() => this.#reader.readline(limit), options);
  }

  /** write(text, { signal, timeout }) -> the number of characters, which are sent when the buffer is full, or by flush(). */
  async write(text: string, options?: WaitOptions): Promise<number> {
    if (typeof text !== 'string') {
      throw new TypeError(
        `text must be a string in a text file, not ${shown(text)}: open it with 'b' for bytes`,
      );
    }
    this.check_writing();
    if (!this.output.idle || !this.#writer.accept(text)) {
      await this.output.run(() => this.#writer.write(text), options);
    }
    return character_count(text);
  }

  /** writelines(lines). Writes each; nothing is put between them. */
  async writelines(lines: Iterable<string>): Promise<void> {
    for (const line of lines) await this.write(line);
  }

  override async flush(options?: WaitOptions): Promise<void> {
    await super.flush();
    if (!this.#writer.pending && !this.#to_send.pending && this.output.idle) return;
    await this.output.run(() => flush_text(this.#writer, this.#to_send), options);
  }
}

function* flush_text(writer: TextWriter, to_send: WriteBuffer): Steps<void> {
  yield* writer.hand_on();
  yield* to_send.flush();
}

type Has<Mode extends string, Letter extends string> = Mode extends `${string}${Letter}${string}`
  ? true
  : false;

/** The class of file that a mode and a buffering (0: none) give; all of them where these are not known. */
export type SocketFile<Mode extends string, Buffering extends number | bigint | null> = string extends Mode
  ? SocketIO | BufferedFile | TextFile
  : Has<Mode, 'b'> extends false
    ? TextFile
    : Buffering extends 0 | 0n
      ? SocketIO
      : number extends Buffering
        ? SocketIO | BufferedFile
        : BufferedFile;

/** See Socket.makefile. */
export function makefile<const Mode extends string, const Buffering extends number | bigint | null>(
  sock: Socket<number>,
  mode?: Mode | null,
  buffering?: Buffering | null,
  options?: TextOptions,
): SocketFile<Mode, Buffering>;
export function makefile(
  sock: Socket<number>,
  mode?: string | null,
  buffering?: number | bigint | null,
  options: TextOptions = {},
): SocketFile<string, null> {
  const { letters, reading, writing, binary, size } = parse_mode(mode, buffering);
  if (size === 0) return new SocketIO(sock, letters, reading, writing);
  if (binary) return new BufferedFile(sock, letters, reading, writing, size);
  return new TextFile(sock, letters, reading, writing, size, options);
}
