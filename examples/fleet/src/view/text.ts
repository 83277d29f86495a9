// Text of hosts made safe for a terminal: nothing that a host sends moves the cursor, changes the title, hides a line or turns its order. What a
// terminal would obey is shown as \x1b, bytes that are no UTF-8 as \xff. Colours (SGR) are taken out. Lines of a stream come from LineSplitter.

import { isUtf8 } from 'node:buffer';

/** Bytes of a line that wait for its end; longer lines are cut into pieces. */
const LONGEST_PIECE = 64 << 10;
const NEWLINE = 10;
const RETURN = 13;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const COLOURS = /\x1b\[[\d;:]*m/g;
/** C0 but the tab, DEL, C1, marks of direction, separators of lines, the byte order mark, and tags, which are invisible. */
const OBEYED =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;

/**
 * Returns one line that is safe to print: line ends are shown as \n.
 *
 * @example
 * console.log(safe_text('\x1b[31mred\x1b[0m \x1b]0;title\x07')); // red \x1b]0;title\x07
 */
export function safe_text(text: string): string {
  return text.replace(COLOURS, '').replace(OBEYED, escape_of);
}

/** The same of bytes as they came. */
export function safe_line(bytes: Uint8Array): string {
  return safe_text(decode(bytes));
}

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r' };

function escape_of(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const digits = code.toString(16);
  return SHORT[character] ?? (code < 0x100 ? `\\x${digits.padStart(2, '0')}` : `\\u{${digits}}`);
}

/** Bytes that are no UTF-8 become \xNN, one by one; the others their characters. */
function decode(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(buffer)) return buffer.toString('utf8');
  const parts: string[] = [];
  let start = 0;
  for (let at = 0; at < buffer.length; ) {
    const length = sequence_length(buffer[at] ?? 0);
    if (length > 0 && (length === 1 || whole(buffer.subarray(at, at + length), length))) {
      at += length;
      continue;
    }
    parts.push(buffer.toString('utf8', start, at), `\\x${(buffer[at] ?? 0).toString(16)}`);
    at += 1;
    start = at;
  }
  parts.push(buffer.toString('utf8', start));
  return parts.join('');
}

const whole = (bytes: Uint8Array, length: number) => bytes.length === length && isUtf8(bytes);

/** Bytes of the UTF-8 sequence that this byte begins; 0: none. */
function sequence_length(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/** Cuts a stream into lines, without their ends (\n or \r\n). */
export class LineSplitter {
  #parts: Uint8Array[] = [];
  #length = 0;

  /** @param take hears each line, and must not keep its memory; lines longer than 64 KiB come in pieces, which end between characters */
  constructor(private readonly take: (line: Uint8Array) => void) {}

  feed(data: Uint8Array): void {
    let rest = data;
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      // Most lines come whole: no copy.
      if (this.#length === 0 && end <= LONGEST_PIECE) this.take(without_return(rest.subarray(0, end)));
      else {
        this.#keep(rest.subarray(0, end));
        this.#emit(without_return(this.#joined()));
      }
      rest = rest.subarray(end + 1);
    }
    this.#keep(rest);
  }

  /** The stream has ended: what waits is a line. */
  end(): void {
    if (this.#length > 0) this.#emit(this.#joined());
  }

  #keep(part: Uint8Array): void {
    let rest = part;
    while (this.#length + rest.length > LONGEST_PIECE) {
      const room = LONGEST_PIECE - this.#length;
      this.#parts.push(rest.subarray(0, room));
      rest = rest.subarray(room);
      const piece = this.#joined();
      const cut = piece.length - torn_bytes(piece);
      this.#emit(piece.subarray(0, cut));
      this.#hold(piece.subarray(cut));
    }
    this.#hold(rest);
  }

  #hold(part: Uint8Array): void {
    if (part.length === 0) return;
    // A copy: the memory of a chunk belongs to the connection.
    this.#parts.push(Uint8Array.from(part));
    this.#length += part.length;
  }

  #joined(): Uint8Array {
    return Buffer.concat(this.#parts);
  }

  #emit(line: Uint8Array): void {
    this.#parts = [];
    this.#length = 0;
    this.take(line);
  }
}

const without_return = (line: Uint8Array) => (line.at(-1) === RETURN ? line.subarray(0, -1) : line);

/** Returns how many bytes at the end are the beginning of a sequence that goes on. */
function torn_bytes(piece: Uint8Array): number {
  for (let back = 1; back <= 3; back += 1) {
    const byte = piece.at(-back) ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    return sequence_length(byte) > back ? back : 0;
  }
  return 0;
}

/** Characters that take two columns: East Asian ones and pictures. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const NO_WIDTH = /[\p{Mn}\p{Me}\u200b-\u200d]/u;

const width_of_character = (character: string) =>
  NO_WIDTH.test(character) ? 0 : WIDE.test(character) ? 2 : 1;

/** Returns the columns that a safe text without tabs takes. */
export function width_of(text: string): number {
  let width = 0;
  for (const character of text) width += width_of_character(character);
  return width;
}

/** Returns the text in exactly so many columns: padded, or cut with … at its end. */
export function fit(text: string, columns: number): string {
  const width = width_of(text);
  if (width <= columns) return text + ' '.repeat(columns - width);
  let kept = '';
  let used = 0;
  for (const character of text) {
    const next = width_of_character(character);
    if (used + next > columns - 1) break;
    kept += character;
    used += next;
  }
  return columns < 1 ? '' : `${kept}…${' '.repeat(columns - 1 - used)}`;
}
