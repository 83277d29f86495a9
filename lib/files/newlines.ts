// Line ends and characters in text: universal newlines across chunks of bytes, and counting in code points, as Python counts.
import type { Decoder } from './codecs/index.js';

/**
 * The line end of a file: it ends a line that is read, and replaces `\n` in text that is written. null: any line end is read
 * as `\n`, and `\n` is written as it is. '': any line end is read unchanged.
 */
export type Newline = null | '' | '\n' | '\r' | '\r\n';

/** The line ends read so far, as TextIOWrapper.newlines returns them. */
export type Newlines = null | string | readonly string[];

/**
 * Python's IncrementalNewlineDecoder: decodes, and never splits a `\r\n`. A `\r` at the end of a chunk is kept back until the
 * next chunk. With `translate` all line ends become `\n`.
 */
export class NewlineDecoder implements Decoder {
  /** A `\r` that was kept back, or ''. */
  private pending_cr = '';
  private lf = false;
  private cr = false;
  private crlf = false;

  constructor(
    private readonly decoder: Decoder,
    private readonly translate: boolean,
  ) {}

  decode(input: Buffer, final: boolean): string {
    let text = this.decoder.decode(input, final);
    if (this.pending_cr !== '' && (text !== '' || final)) {
      text = this.pending_cr + text;
      this.pending_cr = '';
    }
    if (text.endsWith('\r') && !final) {
      this.pending_cr = '\r';
      text = text.slice(0, -1);
    }
    if (!text.includes('\r')) {
      this.lf ||= text.includes('\n');
      return text;
    }
    this.crlf ||= text.includes('\r\n');
    this.cr ||= /\r(?!\n)/.test(text);
    this.lf ||= /(?<!\r)\n/.test(text);
    return this.translate ? text.replace(/\r\n?/g, '\n') : text;
  }

  /** The line ends read so far: null, one, or an array of them. */
  get newlines(): Newlines {
    const met: string[] = [];
    if (this.cr) met.push('\r');
    if (this.lf) met.push('\n');
    if (this.crlf) met.push('\r\n');
    return met.length > 1 ? met : (met[0] ?? null);
  }
}

const HIGH = /[\ud800-\udbff]/;

/** Returns the number of characters (code points) in a text. */
export function character_count(text: string): number {
  if (!HIGH.test(text)) return text.length;
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** Returns the length of a line: in bytes, or in characters of text. */
export function length_of(line: Buffer | string): number {
  return typeof line === 'string' ? character_count(line) : line.length;
}

/** Returns the index in `text` that lies `count` characters (code points) after the index `from`. */
export function index_after(text: string, from: number, count: number): number {
  // A text has no more code points than units, so `count` takes all of it.
  if (text.length - from <= count) return text.length;
  let at = from;
  for (let n = 0; n < count && at < text.length; n++) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return at;
}
