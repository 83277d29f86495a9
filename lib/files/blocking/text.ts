// TextIOWrapper, the text file of a socket, as in Python: `makefile('r')`. The logic is in ../text_reader.ts and
// ../text_writer.ts; here each receive and each send blocks.

import { UnsupportedOperation } from '../../errors/builtins.js';
import { options_of, shown } from '../../util/validate.js';
import { CLOSED_FILE, check_text, type Description, IOBase, type Size, size_or_all } from '../iobase.js';
import { character_count, type Newlines } from '../newlines.js';
import { run, type Steps } from '../steps.js';
import { TextReader } from '../text_reader.js';
import {
  changed_settings,
  set_flushing,
  type TextIOWrapperOptions,
  type TextSettings,
  text_settings,
  WRAPPER_OPTIONS,
} from '../text_settings.js';
import { TextWriter } from '../text_writer.js';
import { BufferedIOBase, type BufferedReader, type BufferedWriter } from './buffered.js';

/** Python's io.TextIOWrapper: decodes the bytes that a buffered file reads, and encodes the text for it to write. */
export class TextIOWrapper extends IOBase<string> {
  /** The mode that makefile() was called with. */
  mode = '';
  private below: BufferedIOBase | null;
  private settings: TextSettings;
  private readonly flushing = { line_buffering: false, write_through: false };
  private reader: TextReader | undefined;
  private writer: TextWriter | undefined;

  /**
   * TextIOWrapper(buffer, { encoding, errors, newline, line_buffering, write_through })
   *
   * @param buffer the buffered file
   * @param options see TextIOWrapperOptions
   * @throws LookupError for an unknown encoding or error handler; RangeError for another newline
   */
  constructor(buffer: BufferedIOBase, options: TextIOWrapperOptions = {}) {
    super();
    if (!(buffer instanceof BufferedIOBase))
      throw new TypeError(`buffer must be a buffered file, not ${shown(buffer)}`);
    options_of(options, WRAPPER_OPTIONS);
    this.settings = text_settings(options);
    this.below = buffer;
    set_flushing(this.flushing, options);
    this.configure();
  }

  private configure(): void {
    const { _read_side, _write_side } = this._attached;
    const { settings, flushing } = this;
    const { codec, handler, newline } = settings;
    if (_read_side !== undefined) this.reader = new TextReader(_read_side._bytes, codec, handler, newline);
    if (_write_side !== undefined) this.writer = new TextWriter(_write_side._bytes, settings, flushing);
  }

  override get _attached(): BufferedIOBase {
    if (this.below === null) throw new RangeError('underlying buffer has been detached');
    return this.below;
  }

  private open_buffer(): BufferedIOBase {
    const buffer = this._attached;
    if (buffer.closed) throw new RangeError(CLOSED_FILE);
    return buffer;
  }

  /** The buffered file below; null after detach(). */
  get buffer(): BufferedIOBase | null {
    return this.below;
  }

  /** The name of the encoding, as in the options. */
  get encoding(): string {
    return this.settings.encoding;
  }

  /** The name of the error handler. */
  get errors(): string {
    return this.settings.errors;
  }

  /** The line ends read so far, in universal newlines mode: null, one, or an array of them. */
  get newlines(): Newlines {
    this._attached;
    return this.reader?.newlines ?? null;
  }

  /** True: write() flushes after a line. */
  get line_buffering(): boolean {
    return this.flushing.line_buffering;
  }

  /** True: write() passes all text to the buffer below at once. */
  get write_through(): boolean {
    return this.flushing.write_through;
  }

  /** The descriptor, -1 once the file is closed; undefined in mode 'rw', which has two buffers below. */
  get name(): number | undefined {
    const { _read_side, _write_side } = this._attached;
    return _read_side !== undefined && _write_side !== undefined
      ? undefined
      : (_read_side ?? _write_side)?.name;
  }

  override get _description(): Description | undefined {
    const below = super._description;
    return below && [below[0], this.mode || below[1], this.encoding];
  }

  override readable(): boolean {
    return this._attached.readable();
  }

  override writable(): boolean {
    return this._attached.writable();
  }

  override seek(_offset: number, _whence?: number): number {
    this.open_buffer();
    throw new UnsupportedOperation('underlying stream is not seekable');
  }

  override tell(): number {
    return this.seek(0, 1);
  }

  override truncate(_size?: number | null): number {
    this.flush();
    return this.unsupported('truncate');
  }

  /** Passes the pending output to the buffer below, then returns the reader. */
  private readable_reader(): TextReader {
    this.open_buffer();
    if (this.reader === undefined) throw new UnsupportedOperation('not readable');
    if (this.writer?.pending) this.write_steps(this.writer.drain());
    return this.reader;
  }

  private read_steps(steps: Steps<string>): string {
    const source = this._attached._read_side as BufferedReader;
    return run(source._bytes, steps, source._attached._receive);
  }

  private write_steps(steps: Steps<void>): void {
    const sink = this._attached._write_side as BufferedWriter;
    run(sink._bytes, steps, sink._attached._send);
  }

  /**
   * read(size = -1) -> exactly `size` characters (code points). See Python's io.TextIOBase.read.
   *
   * @param size how many characters to wait for; left out, null or negative: all up to the end of the stream
   * @returns the text; shorter at the end of the stream only
   * @throws UnicodeDecodeError; TimeoutError and errors of recv(2): after them no data is lost
   * @example
   * peer.sendall('größer');
   * console.log(text.read(4)); // größ
   */
  read(size?: Size): string {
    const count = size_or_all(size, 'size');
    const reader = this.readable_reader();
    return this.read_steps(count < 0 ? reader.read_all() : reader.read(count));
  }

  /**
   * readline(size = -1) -> a line with its line end; less at the end of the stream. See Python's io.TextIOBase.readline.
   *
   * @param size the maximum number of characters; no limit if it is left out, null or negative
   * @returns the line; '' at the end of the stream
   * @throws UnicodeDecodeError; TimeoutError, errors of recv(2), LimitOverrunError: after them no data is lost
   * @example
   * peer.sendall('one\r\ntwo\r\n');
   * console.log(JSON.stringify(text.readline())); // "one\n"
   */
  override readline(size?: Size): string {
    const limit = size_or_all(size, 'size');
    const reader = this.readable_reader();
    const line = limit < 0 ? reader.take_line() : undefined;
    return line ?? this.read_steps(reader.readline(limit));
  }

  /**
   * write(text) -> the number of characters (code points). They are sent once the buffer is full, or by flush(). See Python's
   * io.TextIOBase.write.
   *
   * @param text a string
   * @returns the number of its characters
   * @throws UnicodeEncodeError if the encoding lacks a character; BlockingIOError; errors of send(2)
   * @example
   * console.log(text.write('größer\n')); // 7
   * text.flush();
   */
  override write(text: string): number {
    check_text(text);
    this.open_buffer();
    const { writer } = this;
    if (writer === undefined) throw new UnsupportedOperation('not writable');
    if (!writer.accept(text)) this.write_steps(writer.write(text));
    return character_count(text);
  }

  /**
   * flush(). Sends the buffered text. See Python's io.IOBase.flush.
   *
   * @throws BlockingIOError if the socket would block; BrokenPipeError and other errors of send(2)
   * @example
   * text.write('hello');
   * text.flush();
   * console.log(peer.recv(1024).toString()); // hello
   */
  override flush(): void {
    const buffer = this.open_buffer();
    if (this.writer?.pending) this.write_steps(this.writer.drain());
    buffer.flush();
  }

  /**
   * reconfigure({ encoding, errors, newline, line_buffering, write_through }). Flushes, then changes the given settings; a new encoding
   * without `errors` sets `errors` to 'strict'. See Python's io.TextIOWrapper.reconfigure.
   *
   * @param options only those that change
   * @throws UnsupportedOperation if text was read already and encoding, errors or newline is given; LookupError for an unknown encoding or
   *   error handler
   * @example
   * text.reconfigure({ line_buffering: true });
   * text.write('sent at once\n');
   * console.log(peer.recv(1024).toString().trim()); // sent at once
   */
  reconfigure(options: TextIOWrapperOptions = {}): void {
    options_of(options, WRAPPER_OPTIONS);
    const settings = changed_settings(this.settings, options, this.reader?.started ?? false);
    this.flush();
    set_flushing(this.flushing, options);
    if (settings === this.settings) return;
    this.settings = settings;
    this.configure();
  }

  /**
   * detach() -> the buffered file, after a flush; this file cannot be used any more. See Python's io.TextIOBase.detach.
   *
   * @returns the binary file
   * @throws errors of the flush; RangeError for a second one
   * @example
   * console.log(sock.makefile('r').detach() instanceof BufferedReader); // true
   */
  detach(): BufferedIOBase {
    const buffer = this._attached;
    this.flush();
    this.below = null;
    return buffer;
  }
}
