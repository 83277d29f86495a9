// The logic of a text writer, without any I/O: newline translation, encoding, and the text that waits to be passed to a
// WriteBuffer; the writing operations of Python's TextIOWrapper as steps (see steps.ts).
import type { Codec, Encoder, ErrorHandler } from './codecs/index.js';
import type { Newline } from './newlines.js';
import type { Steps } from './steps.js';
import { CHUNK_SIZE } from './text_reader.js';
import type { WriteBuffer } from './write_buffer.js';

export class TextWriter {
  /** True: write() flushes after a line. */
  line_buffering: boolean;
  /** True: write() passes all text to the buffer below at once. */
  write_through: boolean;
  private readonly encoder: Encoder;
  // The replacement of `\n`; undefined: none.
  private readonly newline: string | undefined;
  // The pending output: encoded bytes, then text that can be encoded later in one piece. `count` is the bytes of both.
  private parts: Uint8Array[] = [];
  private text = '';
  private count = 0;

  /**
   * @param bytes the buffer below
   * @param codec the encoding of the bytes
   * @param errors the handler of characters that the encoding lacks
   * @param newline the line end
   * @param line_buffering true: write() flushes after a line
   * @param write_through true: write() passes all text to the buffer below at once
   */
  constructor(
    private readonly bytes: WriteBuffer,
    codec: Codec,
    errors: ErrorHandler,
    newline: Newline,
    line_buffering: boolean,
    write_through: boolean,
  ) {
    this.encoder = codec.encoder(errors);
    this.newline = newline === '\r' || newline === '\r\n' ? newline : undefined;
    this.line_buffering = line_buffering;
    this.write_through = write_through;
  }

  /** True if output is pending that the buffer below has not got yet. */
  get pending(): boolean {
    return this.count > 0;
  }

  /** Appends text to the pending output; drains first if the text is long. */
  private *append(text: string): Steps<void> {
    const joinable = this.encoder.joinable(text);
    const bytes = joinable < 0 ? this.encoder.encode(text) : undefined;
    const length = bytes?.length ?? joinable;
    if (length >= CHUNK_SIZE) yield* this.drain();
    if (bytes === undefined) {
      this.text += text;
    } else if (length > 0) {
      this.encode_pending();
      this.parts.push(bytes);
    }
    this.count += length;
  }

  /** Encodes the pending text. */
  private encode_pending(): void {
    if (this.text === '') return;
    this.parts.push(this.encoder.encode(this.text));
    this.text = '';
  }

  /** Passes the pending output to the buffer below. If that fails the output is lost, as in Python. */
  *drain(): Steps<void> {
    if (this.count === 0) return;
    this.encode_pending();
    const { parts } = this;
    this.parts = [];
    this.count = 0;
    const data = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
    if (!this.bytes.accept(data)) yield* this.bytes.write(data);
  }

  /**
   * Appends text to the pending output if that needs no send; else returns false and does nothing.
   *
   * @param text any text
   */
  accept(text: string): boolean {
    if (this.line_buffering || this.write_through || this.newline !== undefined) return false;
    const length = this.encoder.joinable(text);
    if (length < 0 || this.count + length >= CHUNK_SIZE) return false;
    this.text += text;
    this.count += length;
    return true;
  }

  /**
   * Appends text to the pending output, and drains it once it is CHUNK_SIZE bytes long.
   *
   * @param text any text
   * @throws UnicodeEncodeError; BlockingIOError
   */
  *write(text: string): Steps<void> {
    const has_newline = (this.newline !== undefined || this.line_buffering) && text.includes('\n');
    const translated = has_newline && this.newline !== undefined ? text.replaceAll('\n', this.newline) : text;
    const flush = this.line_buffering && (has_newline || translated.includes('\r'));
    yield* this.append(translated);
    if (this.count >= CHUNK_SIZE || flush || this.write_through) yield* this.drain();
    if (flush) yield* this.bytes.flush();
  }
}
