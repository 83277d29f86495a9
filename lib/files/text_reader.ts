// The logic of a text reader, without any I/O: decoding what a ReadBuffer holds, finding lines, counting characters; the
// reading operations of Python's TextIOWrapper as steps (see steps.ts).

import { constants } from 'node:os';
import { BlockingIOError } from '../errors/index.js';
import type { Codec, Decoder, ErrorHandler } from './codecs/index.js';
import { character_count, index_after, type Newline, NewlineDecoder, type Newlines } from './newlines.js';
import type { ReadBuffer } from './read_buffer.js';
import type { Steps } from './steps.js';

/** How many bytes are decoded at a time. */
export const CHUNK_SIZE = 8192;

export class TextReader {
  private readonly decoder: Decoder;
  private readonly universal: NewlineDecoder | undefined;
  // Decoded text that was not handed out is chars[used..); null before the first chunk, and after the end of the stream.
  private chars: string | null = null;
  private used = 0;
  // Where the next \r of `chars` is, so that looking for \r and \n in each line does not walk through all of it.
  private next_cr = -1;
  // How many bytes a character took in the last chunk.
  private ratio = 1;

  /**
   * @param bytes where the bytes come from
   * @param codec how they are decoded
   * @param errors what becomes of bytes that are no text
   * @param newline what ends a line
   */
  constructor(
    private readonly bytes: ReadBuffer,
    codec: Codec,
    errors: ErrorHandler,
    private readonly newline: Newline,
  ) {
    const decoder = codec.decoder(errors);
    this.universal =
      newline === null || newline === '' ? new NewlineDecoder(decoder, newline === null) : undefined;
    this.decoder = this.universal ?? decoder;
  }

  /** Reading has begun, so the encoding cannot be changed. */
  get started(): boolean {
    return this.chars !== null;
  }

  /** The line ends met so far. */
  get newlines(): Newlines {
    return this.universal?.newlines ?? null;
  }

  private set_chars(text: string | null): void {
    this.chars = text;
    this.used = 0;
    this.next_cr = -1;
  }

  /** The decoded text from where it was used up to `end`. */
  private take_to(end: number): string {
    const text = (this.chars ?? '').slice(this.used, end);
    this.used = end;
    return text;
  }

  /**
   * Decodes one more chunk into `chars`, which must be used up; false at the end of the stream.
   *
   * @param wanted how many characters the caller still wants
   * @param aside the text the caller has taken already: put back if the socket fails, so that nothing received is lost
   */
  private *read_chunk(wanted: number, aside: () => string): Steps<boolean> {
    const hint = Math.ceil(Math.max(this.ratio, 1) * wanted);
    let chunk: Buffer;
    try {
      chunk = yield* this.bytes.borrow(Math.max(CHUNK_SIZE, hint));
    } catch (error) {
      const text = aside();
      if (text !== '') this.set_chars(text);
      throw error;
    }
    const text = this.decoder.decode(chunk, chunk.length === 0);
    this.set_chars(text);
    this.ratio = text.length > 0 ? chunk.length / text.length : 0;
    return chunk.length > 0 || text.length > 0;
  }

  /** Where the line ends that begins at `from`, behind its line end; -1 if it does not end in this chunk. */
  private line_end(chars: string, from: number): number {
    const { newline } = this;
    if (newline !== '') {
      const end = newline ?? '\n';
      const at = chars.indexOf(end, from);
      return at < 0 ? -1 : at + end.length;
    }
    if (this.next_cr < from) {
      const at = chars.indexOf('\r', from);
      this.next_cr = at < 0 ? chars.length : at;
    }
    const lf = chars.indexOf('\n', from);
    if (lf >= 0 && lf < this.next_cr) return lf + 1;
    if (this.next_cr === chars.length) return -1;
    return lf === this.next_cr + 1 ? lf + 1 : this.next_cr + 1;
  }

  /** The next line if it is decoded already; undefined where more must be read. */
  take_line(): string | undefined {
    const { chars } = this;
    if (chars === null) return undefined;
    const end = this.line_end(chars, this.used);
    return end < 0 ? undefined : this.take_to(end);
  }

  /**
   * A line with its line end; less at the end of the stream or at `limit`.
   *
   * @param limit at most so many characters; negative: no limit
   */
  *readline(limit: number): Steps<string> {
    const parts: string[] = [];
    let length = 0;
    // A \r at the end of a chunk, which may be the first half of the \r\n that ends the line.
    let half = '';
    for (;;) {
      while (this.chars === null || this.chars === '') {
        if (!(yield* this.read_chunk(0, () => parts.join('') + half))) break;
      }
      if (this.chars === null || this.chars === '') {
        this.set_chars(null);
        parts.push(half);
        break;
      }
      if (half !== '') this.set_chars(half + this.chars);
      const { chars, used } = this;
      const end = this.line_end(chars, used);
      half = end < 0 && this.newline === '\r\n' && chars.endsWith('\r') ? '\r' : '';
      const consumed = end < 0 ? chars.length - half.length : end;
      const count = limit < 0 ? -1 : character_count(chars.slice(used, consumed));
      if (end >= 0 || (limit >= 0 && length + count >= limit)) {
        const most = limit < 0 ? consumed : index_after(chars, used, limit - length);
        parts.push(this.take_to(Math.min(consumed, most)));
        break;
      }
      parts.push(chars.slice(used, consumed));
      length += count;
      this.set_chars(null);
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : parts.join('');
  }

  /** The next decoded text of at most `count` characters. */
  private take_characters(count: number): string {
    const chars = this.chars ?? '';
    return this.take_to(index_after(chars, this.used, count));
  }

  /** Exactly `size` characters, fewer at the end of the stream. */
  *read(size: number): Steps<string> {
    const parts = [this.take_characters(size)];
    let remaining = size - character_count(parts[0] ?? '');
    while (remaining > 0) {
      if (!(yield* this.read_chunk(remaining, () => parts.join('')))) break;
      const part = this.take_characters(remaining);
      parts.push(part);
      remaining -= character_count(part);
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : parts.join('');
  }

  /**
   * Everything up to the end of the stream, or up to where the socket would block.
   *
   * @throws BlockingIOError where the socket would block and no byte is there
   */
  *read_all(): Steps<string> {
    const bytes = yield* this.bytes.read_all();
    if (bytes === null)
      throw new BlockingIOError(constants.errno.EAGAIN, 'the socket does not block and has no data');
    const text = this.decoder.decode(bytes, true);
    return this.take_to(this.chars?.length ?? 0) + text;
  }
}
