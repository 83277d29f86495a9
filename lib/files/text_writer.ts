// The logic of a text writer, without any I/O: newline translation, encoding, and the text that waits to be passed to a
// WriteBuffer; the writing operations of Python's TextIOWrapper as steps (see steps.ts).
import type { Encoder } from './codecs/index.js';
import type { Steps } from './steps.js';
import { CHUNK_SIZE } from './text_reader.js';
import type { Flushing, TextSettings } from './text_settings.js';
import type { WriteBuffer } from './write_buffer.js';

export class TextWriter {
  private readonly encoder: Encoder;
  // The replacement of `\n`; undefined: none.
  private readonly newline: string | undefined;
  // The pending output: encoded bytes, then text that can be encoded later in one piece. `count` is the bytes of both.
  private parts: Uint8Array[] = [];
  private text = '';
  private count = 0;

  /**
   * @param bytes the buffer below
   * @param flushing read at each write
   */
  constructor(
    private readonly bytes: WriteBuffer,
    { codec, handler, newline }: TextSettings,
    private readonly flushing: Readonly<Flushing>,
  ) {
    this.encoder = codec.encoder(handler);
    this.newline = newline === '\r' || newline === '\r\n' ? newline : undefined;
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

  /** Appends text to the pending output if that needs no send; else returns false and does nothing. */
  accept(text: string): boolean {
    const { line_buffering, write_through } = this.flushing;
    if (line_buffering || write_through || this.newline !== undefined) return false;
    const length = this.encoder.joinable(text);
    if (length < 0 || this.count + length >= CHUNK_SIZE) return false;
    this.text += text;
    this.count += length;
    return true;
  }

  /**
   * Appends text to the pending output, and drains it once it is CHUNK_SIZE bytes long.
   *
   * @throws UnicodeEncodeError; BlockingIOError
   */
  *write(text: string): Steps<void> {
    const { line_buffering, write_through } = this.flushing;
    const has_newline = (this.newline !== undefined || line_buffering) && text.includes('\n');
    const translated = has_newline && this.newline !== undefined ? text.replaceAll('\n', this.newline) : text;
    const flush = line_buffering && (has_newline || translated.includes('\r'));
    yield* this.append(translated);
    if (this.count >= CHUNK_SIZE || flush || write_through) yield* this.drain();
    if (flush) yield* this.bytes.flush();
  }
}
