// Private keys and the order in which ways to authenticate are tried: keys that need nothing, the agent, keys with a passphrase,
// and a password last. Each secret is asked for once for all hosts, and only if a server wants it.

import { readFileSync } from 'node:fs';
import type { AnyAuthMethod, ParsedKey } from 'ssh2';
import type { Host } from '../types.js';
import { ssh2 } from './host_certificates.js';

/** Where secrets come from. They are never in an argument, in the environment or in the log. */
export interface Credentials {
  /** path of the agent's socket */
  readonly agent?: string | undefined;
  /** Returns the passphrase of a key file; undefined: the key is left out. */
  readonly passphrase?: ((file: string) => Promise<string | undefined>) | undefined;
  /** Returns the password of hosts; undefined: none is tried. */
  readonly password?: (() => Promise<string | undefined>) | undefined;
}

/** The keys of all hosts: a file is read, and its passphrase asked for, once. */
export class Keys {
  readonly #credentials: Credentials;
  readonly #parsed = new Map<string, ParsedKey | 'encrypted' | undefined>();
  readonly #opened = new Map<string, Promise<ParsedKey | undefined>>();
  #password: Promise<string | undefined> | undefined;
  #asked = 0;

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  /** Yields what to try at a host, one after another; `tried` gets a word for each, for the reason of a failure. */
  async *methods(host: Host, tried: string[]): AsyncGenerator<AnyAuthMethod> {
    const username = host.user;
    const encrypted: string[] = [];
    for (const file of host.identity_files) {
      const key = this.#read(file);
      if (key === 'encrypted') encrypted.push(file);
      else if (key) yield note(tried, file, { type: 'publickey', username, key });
    }
    const { agent } = this.#credentials;
    if (agent) yield note(tried, 'agent', { type: 'agent', username, agent });
    for (const file of encrypted) {
      const key = await this.#open(file);
      if (key) yield note(tried, file, { type: 'publickey', username, key });
    }
    this.#password ??= this.#ask(() => this.#credentials.password?.());
    const password = await this.#password;
    if (password === undefined) return;
    yield note(tried, 'password', { type: 'password', username, password });
    yield {
      type: 'keyboard-interactive',
      username,
      // A question that is answered aloud is not for a password.
      prompt: (_name, _instructions, _language, prompts, finish) =>
        finish(prompts.map(({ echo }) => (echo ? '' : password))),
    };
  }

  /** Whether a person is being asked: time-outs do not pass meanwhile. */
  get is_asking(): boolean {
    return this.#asked > 0;
  }

  async #ask(question: () => Promise<string | undefined> | undefined): Promise<string | undefined> {
    this.#asked++;
    try {
      return await question();
    } finally {
      this.#asked--;
    }
  }

  #read(file: string): ParsedKey | 'encrypted' | undefined {
    if (!this.#parsed.has(file)) this.#parsed.set(file, read_key(file));
    return this.#parsed.get(file);
  }

  #open(file: string): Promise<ParsedKey | undefined> {
    const known = this.#opened.get(file);
    if (known) return known;
    const opened = (async () => {
      const passphrase = await this.#ask(() => this.#credentials.passphrase?.(file));
      if (passphrase === undefined) return undefined;
      const key = ssh2.utils.parseKey(readFileSync(file), passphrase);
      return key instanceof Error ? undefined : key;
    })();
    this.#opened.set(file, opened);
    return opened;
  }
}

function note(tried: string[], word: string, method: AnyAuthMethod): AnyAuthMethod {
  tried.push(word);
  return method;
}

function read_key(file: string): ParsedKey | 'encrypted' | undefined {
  let content: Buffer;
  try {
    content = readFileSync(file);
  } catch {
    return undefined;
  }
  const key = ssh2.utils.parseKey(content);
  if (!(key instanceof Error)) return key;
  return /passphrase|encrypted/i.test(key.message) ? 'encrypted' : undefined;
}
