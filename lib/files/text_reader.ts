// The logic of a text reader, without any I/O: decoding the bytes of a ReadBuffer, finding lines, counting characters; the
// reading operations of Python's TextIOWrapper as steps (see steps.ts).

import { constants } from 'node:os';
import { BlockingIOError } from '../errors/index.js';
import type { Codec, Decoder, ErrorHandler } from './codecs/index.js';
import { character_count, index_after, type Newline, NewlineDecoder, type Newlines } from './newlines.js';
import { check_line, type ReadBuffer } from './read_buffer.js';
import type { Steps } from './steps.js';

/** Bytes: a TextReader decodes this many at a time (more if a call needs more), and a TextWriter passes this many on. */
export const CHUNK_SIZE = 8192;

export class TextReader {
  private readonly decoder: Decoder;
  private readonly universal: NewlineDecoder | undefined;
  // The decoded text that no call has returned yet is chars[used..); null before the first chunk and after the end of the stream.
  private chars: string | null = null;
  private used = 0;
  // The index of the next \r in `chars`: without it, looking for \r and \n in each line would walk through all of `chars`.
  private next_cr = -1;
  // The bytes per UTF-16 unit of the last chunk.
  private ratio = 1;

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

  /** True once reading has begun: then the encoding cannot be changed. */
  get started(): boolean {
    return this.chars !== null;
  }

  /** The line ends read so far, in universal newlines mode. */
  get newlines(): Newlines {
    return this.universal?.newlines ?? null;
  }

  private set_chars(text: string | null): void {
    this.chars = text;
    this.used = 0;
    this.next_cr = -1;
  }

  /** Removes and returns the decoded text up to the index `end`. */
  private take_to(end: number): string {
    const text = (this.chars ?? '').slice(this.used, end);
    this.used = end;
    return text;
  }

  /**
   * Decodes one more chunk into `chars`, which must be used up. Returns false at the end of the stream.
   *
   * @param wanted the number of characters that the caller still needs
   * @param aside returns the text that the caller has taken already: a failed receive puts it back, so that no text is lost
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

  /** Returns the index after the line end of the line at `from`; -1 if the line does not end in this chunk. */
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

  /**
   * Removes and returns the next line if it is decoded already; undefined if more must be read.
   *
   * @throws LimitOverrunError if the line is longer than the limit of the file; nothing is removed
   */
  take_line(): string | undefined {
    const { chars } = this;
    if (chars === null) return undefined;
    const end = this.line_end(chars, this.used);
    if (end < 0) return undefined;
    const { line_limit } = this.bytes;
    if (end - this.used > line_limit)
      check_line(character_count(chars.slice(this.used, end)), line_limit, 'characters');
    return this.take_to(end);
  }

  /**
   * Reads a line with its line end; less at the end of the stream or at `limit`.
   *
   * @param limit the maximum number of characters; negative: no limit
   * @throws LimitOverrunError without a limit, if the line is longer than that of the file; nothing is removed
   */
  *readline(limit: number): Steps<string> {
    const { line_limit } = this.bytes;
    const uncounted = limit < 0 && line_limit === Number.POSITIVE_INFINITY;
    const parts: string[] = [];
    let length = 0;
    // A \r at the end of a chunk: it may be the first half of the \r\n that ends the line.
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
      const count = uncounted ? -1 : character_count(chars.slice(used, consumed));
      if (limit < 0 && length + count > line_limit) {
        this.set_chars(parts.join('') + chars.slice(used));
        check_line(length + count, line_limit, 'characters');
      }
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

  /** Removes and returns at most `count` characters of decoded text. */
  private take_characters(count: number): string {
    const chars = this.chars ?? '';
    return this.take_to(index_after(chars, this.used, count));
  }

  /** Reads exactly `size` characters, fewer at the end of the stream. */
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
   * Reads up to the end of the stream, or until the socket would block.
   *
   * @throws BlockingIOError if the socket would block before the first byte
   */
  *read_all(): Steps<string> {
    const bytes = yield* this.bytes.read_all();
    if (bytes === null)
      throw new BlockingIOError(constants.errno.EAGAIN, 'the socket does not block and has no data');
    const text = this.decoder.decode(bytes, true);
    return this.take_to(this.chars?.length ?? 0) + text;
  }
}
