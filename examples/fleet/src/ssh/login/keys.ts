// What is tried to be let in: keys (identities.ts says which), a password. A server is first asked whether a key would do, so a passphrase is asked for
// only if it opens something. Each secret is asked for once for all hosts.

import type { AnyAuthMethod, ParsedKey } from 'ssh2';
import { message_of } from '../../failure.js';
import type { AuthMethod, Host } from '../../types.js';
import { key_of, signature_of } from '../ssh2.js';
import { Questions } from '../wait.js';
import { type_of } from '../wire.js';
import { Agent, type AgentKey } from './agent.js';
import type { Attempt } from './attempt.js';
import { type Candidate, candidates_of, read_certificates } from './identities.js';
import { type KeyFile, open_key_file, read_key_file } from './key_files.js';

/** Where secrets come from. They are never in an argument, in the environment or in the log. */
export interface Credentials {
  /** path of the agent's socket */
  readonly agent?: string | undefined;
  /** Returns the passphrase of a key file; undefined: the key is left out. It is asked again, twice at most, if the passphrase is wrong. */
  readonly passphrase?: ((file: string) => Promise<string | undefined>) | undefined;
  /** Returns the password of hosts; undefined: none is tried. */
  readonly password?: (() => Promise<string | undefined>) | undefined;
  /** Returns the password that sudo asks for; undefined: there is none. */
  readonly sudo_password?: (() => Promise<string | undefined>) | undefined;
}

/** As ssh's, without those that fleet does not know. */
const METHODS: readonly AuthMethod[] = ['publickey', 'keyboard-interactive', 'password'];
const PASSPHRASE_TRIES = 3;

/** The keys and secrets of all hosts: a file is read, and a secret asked for, once. */
export class Keys {
  readonly #credentials: Credentials;
  readonly #files = new Map<string, KeyFile | undefined>();
  readonly #opened = new Map<string, Promise<ParsedKey | undefined>>();
  readonly #agents = new Map<string, Agent>();
  readonly #passwords = new Map<'password' | 'sudo_password', Promise<string | undefined>>();
  readonly questions = new Questions();

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  /** Returns a password; it is asked for at the first call. */
  password(which: 'password' | 'sudo_password'): Promise<string | undefined> {
    const known = this.#passwords.get(which);
    if (known) return known;
    const asked = this.questions.ask(() => this.#credentials[which]?.());
    this.#passwords.set(which, asked);
    return asked;
  }

  /**
   * Returns a function that finds what is tried next at a host; undefined: nothing is left. `attempt` says what the server takes, and is told what is
   * tried.
   */
  methods(host: Host, attempt: Attempt): () => Promise<AnyAuthMethod | undefined> {
    const queues = (host.auth_methods ?? METHODS).map((method) => {
      const queue =
        method === 'publickey' ? this.#keys(host, attempt) : this.#with_password(method, host, attempt);
      return [method, queue] as const;
    });
    return async () => {
      for (const [method, queue] of queues) {
        if (!attempt.takes(method)) continue;
        const { value } = await queue.next();
        if (value) return value;
      }
      // The server may let in without anything, or say what it takes.
      return attempt.is_first ? { type: 'none', username: host.user } : undefined;
    };
  }

  async *#with_password(
    type: 'password' | 'keyboard-interactive',
    { user: username }: Host,
    attempt: Attempt,
  ): AsyncGenerator<AnyAuthMethod, undefined> {
    const password = await this.password('password');
    // A host is given it once: if it is wrong, it would count as wrong twice.
    if (!password || attempt.password_given) return;
    attempt.try(type);
    if (type === 'password') {
      attempt.password_given = true;
      yield { type, username, password };
      return;
    }
    const answer = ({ echo = false }: { readonly echo?: boolean }) => {
      // A question that is answered aloud is not for a password.
      if (echo || attempt.password_given) return '';
      attempt.password_given = true;
      return password;
    };
    yield {
      type,
      username,
      prompt: (_name, _instructions, _language, prompts, finish) => finish(prompts.map(answer)),
    };
  }

  async *#keys(host: Host, attempt: Attempt): AsyncGenerator<AnyAuthMethod, undefined> {
    const files = host.identity_files.flatMap((file) => this.#read(file) ?? []);
    const problem = (text: string) => attempt.problem(text);
    const certificates = read_certificates(host.certificate_files ?? [], files, problem);
    const path = host.agent === undefined ? this.#credentials.agent : host.agent;
    const agent = path ? this.#agent(path) : undefined;
    const held = agent ? await held_by(agent, attempt) : [];
    const candidates = candidates_of(files, certificates, held, host.identities_only ?? false);
    for (const file of files) {
      const is_used = candidates.some(({ blob }) => blob !== undefined && file.blob?.equals(blob));
      if (file.problem !== undefined && !is_used) problem(`${file.file} cannot be used: ${file.problem}`);
    }
    for (const candidate of candidates) {
      const { name } = candidate;
      const blob = candidate.blob ?? (await this.#public_half_of(candidate, attempt));
      if (!blob) continue;
      attempt.try(name);
      const sign = (data: Buffer, format: string) => this.#sign(candidate, data, format, agent, attempt);
      const key = key_of({ blob, type: type_of(blob), sign });
      yield { type: 'publickey', username: host.user, key };
    }
    return undefined;
  }

  async #sign(
    { name, signer }: Candidate,
    data: Buffer,
    format: string,
    agent: Agent | undefined,
    attempt: Attempt,
  ): Promise<Buffer> {
    try {
      switch (signer.by) {
        case 'key':
          return signature_of(signer.key, data, format);
        case 'agent':
          if (!agent) throw new Error('there is no agent');
          return await attempt.wait_for(agent.name, agent.sign(signer.blob, data, format, attempt.signal));
        case 'passphrase':
          return signature_of(await this.#open(signer.file, attempt.signal), data, format);
      }
    } catch (error) {
      attempt.problem(`${name} does not sign: ${message_of(error)}`);
      throw error;
    }
  }

  async #public_half_of({ name, signer }: Candidate, attempt: Attempt): Promise<Buffer | undefined> {
    if (signer.by !== 'passphrase') return undefined;
    try {
      return (await this.#open(signer.file, attempt.signal)).getPublicSSH();
    } catch (error) {
      attempt.problem(`${name} cannot be used: ${message_of(error)}`);
      return undefined;
    }
  }

  #read(file: string): KeyFile | undefined {
    if (!this.#files.has(file)) this.#files.set(file, read_key_file(file));
    return this.#files.get(file);
  }

  #agent(path: string): Agent {
    const agent = this.#agents.get(path) ?? new Agent(path);
    this.#agents.set(path, agent);
    return agent;
  }

  /** Returns the private key of a file with a passphrase. @throws Error for people if there is no passphrase, or a wrong one */
  async #open(file: string, signal: AbortSignal): Promise<ParsedKey> {
    signal.throwIfAborted();
    const known = this.#opened.get(file);
    const opened = known ?? this.questions.ask(() => this.#unlock(file));
    this.#opened.set(file, opened);
    const key = await opened;
    if (key) return key;
    throw new Error('there is no passphrase that opens it');
  }

  async #unlock(file: string): Promise<ParsedKey | undefined> {
    for (let tries = PASSPHRASE_TRIES; tries > 0; tries--) {
      const passphrase = await this.#credentials.passphrase?.(file);
      if (!passphrase) return undefined;
      const key = open_key_file(file, passphrase);
      if (key) return key;
    }
    return undefined;
  }
}

/** Returns the keys of the agent; none if it cannot be asked: other ways are left. */
async function held_by(agent: Agent, attempt: Attempt): Promise<AgentKey[]> {
  try {
    return await attempt.wait_for(agent.name, agent.keys(attempt.signal));
  } catch (error) {
    attempt.problem(message_of(error));
    return [];
  }
}
