// Lines of the control connection (RFC 959, section 4.1; RFC 854): bytes in, commands out. Telnet's commands are taken out, the negotiation
// of its options is refused, and a line that is too long costs no memory: it is counted, and told as such at its end.

import { decode_name } from '../store/names.js';

/** What the control connection says: a line without its end, or what is wrong with it. */
export type Line =
  | { kind: 'line'; text: string }
  | { kind: 'too long' }
  /** it has a NUL */
  | { kind: 'malformed' };

const IAC = 255;
const WILL = 251;
const WONT = 252;
const DO = 253;
const DONT = 254;
const SB = 250;
const SE = 240;
const CR = 13;
const LF = 10;
const NUL = 0;

/** Where the reader is within Telnet's own commands. */
type State = 'text' | 'iac' | 'option' | 'sub' | 'sub-iac';

export class TelnetLines {
  readonly #limit: number;
  #bytes: Buffer;
  #length = 0;
  #dropped = 0;
  #state: State = 'text';
  #negotiation = 0;

  /** @param limit the longest line in bytes, without its end */
  constructor(limit: number) {
    this.#limit = limit;
    // Commands are short; the memory grows for one that is not.
    this.#bytes = Buffer.allocUnsafeSlow(Math.min(limit, 64));
  }

  /** The bytes of a line that were thrown away because it is too long, so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Takes bytes. Returns the lines that they end, and what Telnet wants answered.
   *
   * @param chunk what was received
   */
  push(chunk: Uint8Array): { lines: Line[]; answer: Buffer | undefined } {
    const lines: Line[] = [];
    const answer: number[] = [];
    for (const byte of chunk) {
      if (this.#state !== 'text') this.#telnet(byte, answer);
      else if (byte === IAC) this.#state = 'iac';
      else if (byte === LF) lines.push(this.#line());
      else this.#add(byte);
    }
    return { lines, answer: answer.length > 0 ? Buffer.from(answer) : undefined };
  }

  #telnet(byte: number, answer: number[]): void {
    switch (this.#state) {
      case 'iac':
        if (byte === IAC) {
          this.#state = 'text';
          this.#add(IAC);
        } else if (byte >= WILL && byte <= DONT) {
          this.#negotiation = byte;
          this.#state = 'option';
        } else this.#state = byte === SB ? 'sub' : 'text';
        return;
      case 'option':
        // RFC 959 has servers refuse all options. WONT and DONT need no answer.
        if (answer.length < 300 && (this.#negotiation === WILL || this.#negotiation === DO))
          answer.push(IAC, this.#negotiation === WILL ? DONT : WONT, byte);
        this.#state = 'text';
        return;
      case 'sub':
        if (byte === IAC) this.#state = 'sub-iac';
        return;
      default:
        this.#state = byte === SE ? 'text' : 'sub';
    }
  }

  #add(byte: number): void {
    // CR NUL is a CR that ends no line.
    if (byte === NUL && this.#length > 0 && this.#bytes[this.#length - 1] === CR && this.#dropped === 0)
      return;
    if (this.#length === this.#limit) {
      this.#dropped++;
      return;
    }
    if (this.#length === this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(this.#limit, this.#bytes.length * 2));
      this.#bytes.copy(larger);
      this.#bytes = larger;
    }
    this.#bytes[this.#length++] = byte;
  }

  #line(): Line {
    const is_too_long = this.#dropped > 0;
    const has_cr = this.#length > 0 && this.#bytes[this.#length - 1] === CR;
    const bytes = this.#bytes.subarray(0, has_cr ? this.#length - 1 : this.#length);
    this.#length = 0;
    this.#dropped = 0;
    if (is_too_long) return { kind: 'too long' };
    return bytes.includes(NUL) ? { kind: 'malformed' } : { kind: 'line', text: decode_name(bytes) };
  }
}

/** Returns the verb in upper case, and the argument: what follows the first space, as it is. */
export function split_command(line: string): { verb: string; argument: string } {
  const space = line.indexOf(' ');
  if (space < 0) return { verb: line.toUpperCase(), argument: '' };
  return { verb: line.slice(0, space).toUpperCase(), argument: line.slice(space + 1) };
}
