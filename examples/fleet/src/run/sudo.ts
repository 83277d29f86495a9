// sudo on a host. The command runs by `sudo -S`, and a small script before it says when it begins: until then, what comes is sudo's, and its prompt, a
// text made anew for each command, is answered with the password; from then on it is the command's, whose output can ask for nothing. Standard
// input is sent when the command has begun, as sudo would take its first line for the password.

import { randomBytes } from 'node:crypto';
import { FleetFailure } from '../failure.js';
import { shell_word } from '../files/shell.js';

/** How a command becomes another user's. */
export interface Sudo {
  /** Default: root */
  readonly user?: string | undefined;
  /** Returns the password for sudo; undefined: there is none. It is called when a host asks. */
  readonly password: () => Promise<string | undefined>;
}

/** What happens before the command begins. */
export interface SudoEvents {
  /** the command has begun: its standard input may be sent */
  readonly begin: () => void;
  /** sudo asks, for the first time */
  readonly prompt: () => void;
  readonly fail: (failure: FleetFailure) => void;
}

/** Runs as the other user: says that it is there, and becomes the shell of the user who has logged in, with the command. */
const SCRIPT = 'printf %s "$1" >&2; exec "$2" -c "$3"';
/** Characters of what sudo says that are kept, for the reason of a failure. */
const KEPT = 2000;

/** One command by sudo: what is run, and what comes of it. */
export class SudoGate {
  /** what is run by the shell of the user who has logged in */
  readonly command: string;
  readonly #prompt = Buffer.from(`[fleet ${randomBytes(16).toString('hex')}] password: `);
  readonly #ready = Buffer.from(`[fleet ${randomBytes(16).toString('hex')}] begins`);
  /** the stream on which sudo speaks */
  readonly #stream: 'stdout' | 'stderr';
  #unread: Buffer = Buffer.alloc(0);
  /** ends of lines and spaces since the last mark; undefined: there has been more */
  #blank: Buffer | undefined = Buffer.alloc(0);
  #said = '';
  #asked = 0;
  #has_begun = false;

  /**
   * @param command for the shell of the user who has logged in
   * @param pty both streams are one
   */
  constructor(command: string, user: string | undefined, pty: boolean) {
    this.#stream = pty ? 'stdout' : 'stderr';
    const options = user === undefined ? '' : ` -u ${shell_word(user)}`;
    const words = [SCRIPT, 'fleet', String(this.#ready)].map(shell_word).join(' ');
    this.command = `exec sudo -S -p ${shell_word(String(this.#prompt))}${options} -- /bin/sh -c ${words} "$SHELL" ${shell_word(command)}`;
  }

  /** Returns the bytes that are output: what the command writes, and what sudo says but for its prompt. */
  take(stream: 'stdout' | 'stderr', data: Buffer, events: SudoEvents): Buffer {
    if (this.#has_begun || stream !== this.#stream) return data;
    this.#unread = Buffer.concat([this.#unread, data]);
    const output: Buffer[] = [];
    for (;;) {
      const [prompt, ready] = [this.#unread.indexOf(this.#prompt), this.#unread.indexOf(this.#ready)];
      if (ready >= 0 && (prompt < 0 || ready < prompt)) {
        output.push(this.#said_to_mark(ready), this.#unread.subarray(ready + this.#ready.length));
        this.#has_begun = true;
        events.begin();
        return Buffer.concat(output);
      }
      if (prompt < 0) break;
      output.push(this.#said_to_mark(prompt));
      this.#unread = this.#unread.subarray(prompt + this.#prompt.length);
      // Given once: a second wrong one could lock the account.
      if (this.#asked++ === 0) events.prompt();
      else events.fail(new FleetFailure('authentication', 'sudo does not take the password'));
    }
    const rest = Math.max(ending_of(this.#unread, this.#prompt), ending_of(this.#unread, this.#ready));
    const known = this.#unread.length - rest;
    output.push(this.#said_before(known));
    this.#unread = this.#unread.subarray(known);
    return Buffer.concat(output);
  }

  /** Returns why the command did not run, if it has ended without having begun. */
  refusal(code: number | null): FleetFailure | undefined {
    if (this.#has_begun) return undefined;
    const lines = (this.#said + this.#unread.toString('utf8'))
      .split('\n')
      .filter((line) => line.trim() !== '');
    const of_sudo = lines.filter((line) => line.startsWith('sudo: '));
    const said = of_sudo.length > 0 ? of_sudo.join('; ') : lines.at(-1);
    const why = said ?? (code === null ? 'it was ended by a signal' : `exit code ${code}`);
    return new FleetFailure('authentication', `sudo did not run the command: ${why}`);
  }

  /** Returns what sudo has said before an offset. */
  #said_before(offset: number): Buffer {
    const said = this.#unread.subarray(0, offset);
    const text = said.toString('utf8');
    this.#said = (this.#said + text).slice(-KEPT);
    if (this.#blank === undefined) return said;
    const all = Buffer.concat([this.#blank, said]);
    this.#blank = text.trim() === '' ? all : undefined;
    return this.#blank ? Buffer.alloc(0) : all;
  }

  /** The same, before a mark. The end of a line alone is the answer to what is typed at a terminal, and no output. */
  #said_to_mark(offset: number): Buffer {
    const said = this.#said_before(offset);
    this.#blank = Buffer.alloc(0);
    return said;
  }
}

/** Returns how many bytes at the end of `data` are a beginning of `mark`. */
function ending_of(data: Buffer, mark: Buffer): number {
  for (let length = Math.min(data.length, mark.length - 1); length > 0; length--) {
    if (data.subarray(-length).equals(mark.subarray(0, length))) return length;
  }
  return 0;
}
