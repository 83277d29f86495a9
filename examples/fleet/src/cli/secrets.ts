// Secrets of the user: asked for at the terminal without an echo, or read from a descriptor. Never an argument, and never in the log:
// Secrets.known are the texts that the log must not have.

import { openSync, readFileSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { message_of } from '../failure.js';
import type { Credentials } from '../ssh/keys.js';
import { integer_of, type RunValues, UsageError } from './options.js';

export class Secrets {
  /** all that were given so far */
  readonly known: string[] = [];
  /** Is called before a question; what it gives, behind the answer. */
  on_question: () => Promise<() => void> = async () => () => {};
  /** One question at a time: passphrases of two keys may be wanted at once. */
  #asking: Promise<unknown> = Promise.resolve();

  /**
   * Returns where the secrets of a command come from.
   *
   * @throws UsageError if --password-fd cannot be read
   */
  credentials(values: RunValues, env: NodeJS.ProcessEnv = process.env): Credentials {
    return {
      agent: env.SSH_AUTH_SOCK || undefined,
      passphrase: (file) => this.#ask(`Passphrase of ${file}: `),
      password: this.#password(values),
    };
  }

  #password(values: RunValues): Credentials['password'] {
    const fd = integer_of('password-fd', values['password-fd'], 0);
    if (fd !== undefined) {
      let text: string;
      try {
        text = readFileSync(fd, 'utf8').split(/\r?\n/, 1)[0] ?? '';
      } catch (error) {
        throw new UsageError(`--password-fd ${fd}: ${message_of(error)}`);
      }
      if (text === '') throw new UsageError(`--password-fd ${fd}: there is no password`);
      this.known.push(text);
      return async () => text;
    }
    return values.password ? () => this.#ask('Password: ') : undefined;
  }

  #ask(question: string): Promise<string | undefined> {
    const answer = this.#asking.then(async () => {
      const go_on = await this.on_question();
      try {
        return await ask(question);
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

/** Returns what is typed; undefined: there is no terminal, or ^C or ^D was typed. */
function ask(question: string): Promise<string | undefined> {
  let terminal: ReadStream;
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
      terminal.setRawMode(false);
      terminal.destroy();
      process.stderr.write('\n');
      resolve(text);
    };
    terminal.on('error', () => end(undefined));
    terminal.on('data', (data: Buffer) => {
      for (const character of data.toString('utf8')) {
        if (character === '\r' || character === '\n') return end(typed);
        if (character === '\x03' || character === '\x04') return end(undefined);
        typed =
          character === '\x7f' || character === '\b' ? [...typed].slice(0, -1).join('') : typed + character;
      }
    });
  });
}
