// Secrets of the user: asked for at the terminal without an echo, or read from a descriptor. Never an argument, and never in the log:
// Secrets.known are the texts that the log must not have.

import { closeSync, openSync, readFileSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { message_of, one_line } from '../failure.js';
import type { Credentials } from '../ssh/login/keys.js';
import { integer_of, type OperationValues, UsageError } from './options.js';

export class Secrets {
  /** all that were given so far */
  readonly known: string[] = [];
  /** Is called before a question; what it gives, behind the answer. */
  on_question: () => Promise<() => void> = async () => () => {};
  /** One question at a time: passphrases of two keys may be wanted at once. */
  #asking: Promise<unknown> = Promise.resolve();
  readonly #over = new AbortController();
  /** what was read from descriptors, which are read once */
  readonly #read = new Map<number, string>();

  /**
   * Returns where the secrets of a command come from.
   *
   * @throws UsageError if a descriptor cannot be read
   */
  credentials(values: OperationValues, env: NodeJS.ProcessEnv = process.env): Credentials {
    const given = this.#given('password-fd', values);
    const for_sudo = this.#given('sudo-password-fd', values);
    let typed: Promise<string | undefined> | undefined;
    const ask_password = () => {
      typed ??= this.#ask('Password: ');
      return typed;
    };
    const password = given !== undefined ? async () => given : values.password ? ask_password : undefined;
    const ask_sudo_password = async () => {
      if (!password) return this.#ask('Password for sudo: ');
      return (await this.#ask('Password for sudo (empty: as for SSH): ')) || password();
    };
    return {
      agent: env.SSH_AUTH_SOCK || undefined,
      passphrase: (file) => this.#ask(`Passphrase of ${one_line(file)}: `),
      password,
      sudo_password: for_sudo !== undefined ? async () => for_sudo : ask_sudo_password,
    };
  }

  /** Returns the first line of a descriptor, which is closed: what fleet runs should not have it. */
  #given(option: 'password-fd' | 'sudo-password-fd', values: OperationValues): string | undefined {
    const fd = integer_of(option, values[option], 0);
    if (fd === undefined) return undefined;
    let text = this.#read.get(fd);
    if (text !== undefined) return text;
    try {
      text = readFileSync(fd, 'utf8').split(/\r?\n/, 1)[0] ?? '';
      if (fd > 2) closeSync(fd);
    } catch (error) {
      throw new UsageError(`--${option} ${fd}: ${message_of(error)}`);
    }
    if (text === '') throw new UsageError(`--${option} ${fd}: there is no password`);
    this.known.push(text);
    this.#read.set(fd, text);
    return text;
  }

  /** Ends the question that is open, and asks none any more: the terminal is as it was. */
  end(): void {
    this.#over.abort();
  }

  #ask(question: string): Promise<string | undefined> {
    const answer = this.#asking.then(async () => {
      const go_on = await this.on_question();
      try {
        return await ask(question, this.#over.signal);
      } finally {
        go_on();
      }
    });
    this.#asking = answer;
    return answer.then((text) => {
      if (text) this.known.push(text);
      return text;
    });
  }
}

/** Returns what is typed; undefined: there is no terminal, ^C or ^D was typed, or the signal came. */
function ask(question: string, over: AbortSignal): Promise<string | undefined> {
  let terminal: ReadStream;
  if (over.aborted) return Promise.resolve(undefined);
  try {
    terminal = new ReadStream(openSync('/dev/tty', 'r'));
    terminal.setRawMode(true);
  } catch {
    return Promise.resolve(undefined);
  }
  process.stderr.write(question);
  return new Promise((resolve) => {
    let typed = '';
    const end = (text: string | undefined) => {
      over.removeEventListener('abort', give_up);
      terminal.removeAllListeners().on('error', () => {});
      terminal.setRawMode(false);
      terminal.destroy();
      process.stderr.write('\n');
      resolve(text);
    };
    const give_up = () => end(undefined);
    over.addEventListener('abort', give_up);
    // 'end': the terminal is gone.
    terminal.on('error', give_up).on('end', give_up);
    // Decodes what comes in parts, as characters do.
    terminal.setEncoding('utf8');
    terminal.on('data', (data: string) => {
      for (const character of data) {
        if (character === '\r' || character === '\n') return end(typed);
        if (character === '\x03' || character === '\x04') return end(undefined);
        typed =
          character === '\x7f' || character === '\b' ? [...typed].slice(0, -1).join('') : typed + character;
      }
    });
  });
}
