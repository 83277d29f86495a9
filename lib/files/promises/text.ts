// TextFile, the text file of promises. The logic is in ../text_reader.ts and ../text_writer.ts, over the buffers of a
// BufferedFile; direction.ts awaits each receive and each send.

import { options_of } from '../../util/validate.js';
import { type Rest1, take_options, type WaitOptions } from '../../util/wait_options.js';
import { check_text, type Description, type Size, size_or_all } from '../iobase.js';
import { character_count, type Newlines } from '../newlines.js';
import type { Steps } from '../steps.js';
import { TextReader } from '../text_reader.js';
import {
  changed_settings,
  set_flushing,
  type TextIOWrapperOptions,
  type TextOptions,
  type TextSettings,
  text_settings,
  WRAPPER_OPTIONS,
} from '../text_settings.js';
import { TextWriter } from '../text_writer.js';
import { BufferedFile } from './binary.js';
import { File, type OpenFile } from './file.js';

/** The text file, `makefile('r')`, 'w', 'rw': Python's TextIOWrapper. */
export class TextFile extends File<string> {
  protected override readonly below = 'underlying buffer';
  readonly #buffer: BufferedFile;
  #settings!: TextSettings;
  readonly #flushing = { line_buffering: false, write_through: false };
  #reader!: TextReader;
  #writer!: TextWriter;

  /** @internal */
  constructor(file: OpenFile, size: number, options: TextOptions) {
    super(file);
    this.#buffer = new BufferedFile(file, size);
    this.#configure(text_settings(options));
  }

  #configure(settings: TextSettings): void {
    const { codec, handler, newline } = settings;
    this.#settings = settings;
    this.#reader = new TextReader(this.#buffer._read_ahead, codec, handler, newline);
    this.#writer = new TextWriter(this.#buffer._to_send, settings, this.#flushing);
  }

  /** The binary file below; null after detach(). */
  get buffer(): BufferedFile | null {
    return this.detached ? null : this.#buffer;
  }

  override get _description(): Description {
    return [this.name, this.mode, this.encoding];
  }

  /** The name of the encoding, as in the options. */
  get encoding(): string {
    return this.#settings.encoding;
  }

  /** The name of the error handler. */
  get errors(): string {
    return this.#settings.errors;
  }

  /** True: write() flushes after a line. */
  get line_buffering(): boolean {
    return this.#flushing.line_buffering;
  }

  /** True: write() passes all text to the buffer below at once. */
  get write_through(): boolean {
    return this.#flushing.write_through;
  }

  /** The line ends read so far, in universal newlines mode: null, one, or an array of them. */
  get newlines(): Newlines {
    return this.#reader.newlines;
  }

  /**
   * read(size = -1, { signal, timeout }) -> exactly `size` characters (code points). See Python's io.TextIOBase.read.
   *
   * @param rest how many characters to wait for, all up to the end of the stream if left out, null or negative; `{ signal, timeout }`
   * @returns the text; shorter at the end of the stream only
   * @throws UnicodeDecodeError; TimeoutError, the signal's reason, errors of recv(2): after them no data is lost
   * @example
   * await peer.sendall('größer');
   * console.log(await text.read(4)); // größ
   */
  async read(...rest: Rest1<Size>): Promise<string> {
    const options = take_options(rest, 1);
    const count = size_or_all(rest[0], 'size');
    this.check_reading(options);
    return this.file.input.run(
      () => (count < 0 ? this.#reader.read_all() : this.#reader.read(count)),
      options,
    );
  }

  override async readline(...rest: Rest1<Size>): Promise<string> {
    const options = take_options(rest, 1);
    const limit = size_or_all(rest[0], 'size');
    this.check_reading(options);
    const line = limit < 0 && this.file.input.idle ? this.#reader.take_line() : undefined;
    return line ?? this.file.input.run(() => this.#reader.readline(limit), options);
  }

  /**
   * write(text, { signal, timeout }) -> the number of characters (code points). They are sent once the buffer is full, or by flush(). See
   * Python's io.TextIOBase.write.
   *
   * @param text a string
   * @returns the number of its characters
   * @throws UnicodeEncodeError if the encoding lacks a character; TimeoutError; the signal's reason; errors of send(2)
   * @example
   * console.log(await text.write('größer\n')); // 7
   * await text.flush();
   */
  override async write(text: string, options?: WaitOptions): Promise<number> {
    check_text(text);
    this.check_writing(options);
    if (!this.file.output.idle || !this.#writer.accept(text)) {
      await this.file.output.run(() => this.#writer.write(text), options);
    }
    return character_count(text);
  }

  override async flush(options?: WaitOptions): Promise<void> {
    await super.flush(options);
    if (!this.#writer.pending && !this.#buffer._to_send.pending && this.file.output.idle) return;
    await this.file.output.run(() => this.#flush(), options);
  }

  *#flush(): Steps<void> {
    yield* this.#writer.drain();
    yield* this.#buffer._to_send.flush();
  }

  /**
   * reconfigure({ encoding, errors, newline, line_buffering, write_through }, { signal, timeout }). Flushes, then changes the given
   * settings; a new encoding without `errors` sets `errors` to 'strict'. See Python's io.TextIOWrapper.reconfigure.
   *
   * @param changes only the settings that change
   * @throws UnsupportedOperation if text was read already, or is being read, and encoding, errors or newline is given; LookupError for an
   *   unknown encoding or error handler
   * @example
   * await text.reconfigure({ line_buffering: true });
   * await text.write('sent at once\n');
   * console.log((await peer.recv(1024)).toString().trim()); // sent at once
   */
  async reconfigure(changes: TextIOWrapperOptions = {}, options?: WaitOptions): Promise<void> {
    const { input, output } = this.file;
    this.file.check();
    options_of(changes, WRAPPER_OPTIONS);
    const settings = changed_settings(this.#settings, changes, this.#reader.started || !input.idle);
    await output.run(
      function* (this: TextFile): Steps<void> {
        yield* this.#flush();
        set_flushing(this.#flushing, changes);
        if (settings !== this.#settings) this.#configure(settings);
      }.bind(this),
      options,
    );
  }

  /**
   * detach({ signal, timeout }) -> the binary file, after a flush; this file cannot be used any more. See Python's io.TextIOBase.detach.
   *
   * @returns the binary file
   * @throws errors of the flush; RangeError for a second one
   * @example
   * console.log((await sock.makefile('r').detach()) instanceof BufferedFile); // true
   */
  async detach(options?: WaitOptions): Promise<BufferedFile> {
    await this.flush(options);
    this.mark_detached();
    return this.#buffer;
  }
}
