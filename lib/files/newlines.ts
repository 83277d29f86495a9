// Line ends and characters in text: universal newlines across chunks, and counting in code points, as Python counts.
import type { Decoder } from './codecs/index.js';

/** What ends a line when reading, and what `\n` becomes when writing; null: any of them, read as `\n`, written as it is. */
export type Newline = null | '' | '\n' | '\r' | '\r\n';

/** The line ends met so far, as TextIOWrapper.newlines tells them. */
export type Newlines = null | string | readonly string[];

/**
 * Decodes, and sees to it that a `\r\n` comes in one piece: a `\r` at the end of a chunk waits for the next one. With
 * `translate` all line ends become `\n`. Python's IncrementalNewlineDecoder.
 */
export class NewlineDecoder implements Decoder {
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

  /** The line ends met so far: null, one, or an array of them. */
  get newlines(): Newlines {
    const met: string[] = [];
    if (this.cr) met.push('\r');
    if (this.lf) met.push('\n');
    if (this.crlf) met.push('\r\n');
    return met.length > 1 ? met : (met[0] ?? null);
  }
}

const HIGH = /[\ud800-\udbff]/;

/** The number of characters (code points) of a text. */
export function character_count(text: string): number {
  if (!HIGH.test(text)) return text.length;
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** The length of a line: bytes, or characters of text. */
export function length_of(line: Buffer | string): number {
  return typeof line === 'string' ? character_count(line) : line.length;
}

/** The index of the character that comes `count` characters after the one at `from`. */
export function index_after(text: string, from: number, count: number): number {
  if (text.length - from <= count) {
    // There are no more code points than units, so all of them are wanted.
    return text.length;
  }
  let at = from;
  for (let n = 0; n < count && at < text.length; n++) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return at;
}
