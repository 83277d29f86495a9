// ssh_config(5): what the files in which a user has said how hosts are reached say of one host. Host, Match (host, originalhost, user, localuser, exec,
// final, canonical, all, and their negations) and Include; of each keyword the first value counts, of some all do. The form of the files:
// config_file.ts. Which keywords are used, and what else decides: hosts.ts.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { homedir, hostname, userInfo } from 'node:os';
import { type Block, type Directive, matches_list, read_blocks, SshConfigError } from './config_file.js';

export { SshConfigError } from './config_file.js';

/** Keywords of which every value counts. */
const SEVERAL = new Set(['identityfile', 'certificatefile']);
/** Seconds for the command of a Match exec. */
const EXEC_TIMEOUT = 60;

/** What was asked for, which comes before the files. */
export interface Asked {
  readonly user?: string | undefined;
  readonly port?: number | undefined;
}

/** The directives that hold for one host. */
export class HostConfig {
  readonly values = new Map<string, (readonly string[])[]>();

  /** Returns the first value of a keyword, in lower case: `port`; undefined: none is set. */
  first(keyword: string): string | undefined {
    return this.values.get(keyword)?.[0]?.[0];
  }

  /** Returns all arguments of the keyword. */
  all(keyword: string): string[] {
    return (this.values.get(keyword) ?? []).flat();
  }

  /** Adds a directive, if it counts. */
  add({ keyword, args }: Directive): void {
    const known = this.values.get(keyword);
    if (known && SEVERAL.has(keyword) && !this.all(keyword).includes(args[0] ?? '')) known.push(args);
    if (!known && !this.#is_settled(keyword)) this.values.set(keyword, [args]);
  }

  /** The way to a host is what comes first, ProxyCommand or ProxyJump. */
  #is_settled(keyword: string): boolean {
    if (keyword === 'proxyjump') return this.values.has('proxycommand');
    return keyword === 'proxycommand' && (this.first('proxyjump') ?? 'none').toLowerCase() !== 'none';
  }
}

/** A host whose directives are being found. */
interface Subject {
  /** as it was asked for */
  readonly name: string;
  readonly config: HostConfig;
  /** undefined: the first pass; else the name that Host compares in the last one */
  readonly final_name: string | undefined;
  /** a Match asks for a last pass */
  wants_final: boolean;
}

/** Files of ssh_config(5), read once and asked for many hosts. */
export class SshConfig {
  readonly #blocks: readonly Block[];
  readonly #home: string;
  /** how commands of Match exec ended, by their text */
  readonly #ran = new Map<string, boolean>();

  private constructor(blocks: readonly Block[], home: string) {
    this.#blocks = blocks;
    this.#home = home;
  }

  /**
   * Reads files; those that do not exist are empty.
   *
   * @param files the first one is asked first
   * @param home the folder that `~` is
   * @throws SshConfigError with file and line
   */
  static load(files: readonly string[], home: string = homedir()): SshConfig {
    return new SshConfig(
      files.flatMap((file) => read_blocks(file, home)),
      home,
    );
  }

  /**
   * Returns what holds for a host.
   *
   * @param name as it was asked for
   * @param asked else the files decide, else it is the caller
   * @throws SshConfigError with file and line, if a Match cannot be decided
   */
  of(name: string, asked: Asked = {}): HostConfig {
    const config = new HostConfig();
    if (asked.user !== undefined) config.values.set('user', [[asked.user]]);
    if (asked.port !== undefined) config.values.set('port', [[String(asked.port)]]);
    const subject: Subject = { name, config, final_name: undefined, wants_final: false };
    this.#apply(this.#blocks, subject);
    if (subject.wants_final) this.#apply(this.#blocks, { ...subject, final_name: this.#address(subject) });
    return config;
  }

  #apply(blocks: readonly Block[], subject: Subject): void {
    for (const { condition, items } of blocks) {
      if (condition && !this.#holds(condition, subject)) continue;
      for (const item of items) {
        if (Array.isArray(item)) this.#apply(item, subject);
        else subject.config.add(item);
      }
    }
  }

  #holds({ keyword, args, place }: Directive, subject: Subject): boolean {
    if (keyword === 'host') return matches_list(args, subject.final_name ?? subject.name);
    const left = [...args];
    while (left.length > 0) {
      const [written = '', ...rest] = (left.shift() ?? '').split('=');
      const argument = () => {
        const value = rest.length > 0 ? rest.join('=') : left.shift();
        if (value !== undefined) return value;
        throw new SshConfigError(`${place}: "Match ${written}" has no argument`);
      };
      const holds = this.#criterion(written.replace(/^!/, '').toLowerCase(), argument, subject, place);
      if (holds === written.startsWith('!')) return false;
    }
    return true;
  }

  #criterion(criterion: string, argument: () => string, subject: Subject, place: string): boolean {
    const matches = (text: string) => matches_list(argument().split(','), text);
    switch (criterion) {
      case 'all':
        return true;
      case 'final':
        subject.wants_final = true;
        return subject.final_name !== undefined;
      case 'canonical':
        return subject.final_name !== undefined;
      case 'host':
        return matches(this.#address(subject));
      case 'originalhost':
        return matches(subject.name);
      case 'user':
        return matches(this.#user(subject));
      case 'localuser':
        return matches(local_user());
      case 'exec':
        return this.#exec(argument(), subject, place);
      default:
        throw new SshConfigError(`${place}: "Match ${criterion}" is not supported`);
    }
  }

  #address({ name, config }: Subject): string {
    return expand(config.first('hostname') ?? '%h', { h: name }, this.#home);
  }

  #user({ config }: Subject): string {
    return config.first('user') ?? local_user();
  }

  /** Returns whether the command ends with 0. It is run once for all hosts for which it is the same. */
  #exec(written: string, subject: Subject, place: string): boolean {
    const { name, config } = subject;
    const port = config.first('port') ?? '22';
    const of = { name, address: this.#address(subject), port, user: this.#user(subject) };
    const tokens = tokens_of({ ...of, alias: config.first('hostkeyalias') });
    const command = expand_command(written, tokens, place, this.#home);
    const known = this.#ran.get(command);
    if (known !== undefined) return known;
    const { status, error } = spawnSync(shell(), ['-c', command], {
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: EXEC_TIMEOUT * 1000,
      killSignal: 'SIGKILL',
    });
    if (status === null) {
      const why =
        error && 'code' in error && error.code === 'ETIMEDOUT'
          ? `took more than ${EXEC_TIMEOUT} s`
          : 'was ended';
      throw new SshConfigError(`${place}: the command of "Match exec" ${why}`);
    }
    this.#ran.set(command, status === 0);
    return status === 0;
  }
}

let user_name: string | undefined;

/** Returns the caller's name. It is looked up once, as each look-up reads a file. */
export function local_user(): string {
  user_name ??= userInfo().username;
  return user_name;
}

/** The shell that runs commands of the files, as ssh chooses it. */
export const shell = () => process.env.SHELL || '/bin/sh';

/** Returns the TOKENS of ssh_config(5) for a host. */
export function tokens_of(host: {
  readonly name: string;
  readonly address: string;
  readonly port: string;
  readonly user: string;
  readonly alias?: string | undefined;
}): Record<string, string> {
  const { name, address, port, user, alias = name } = host;
  const local = hostname();
  return {
    C: createHash('sha1')
      .update(local + address + port + user)
      .digest('hex'),
    L: local.split('.')[0] ?? local,
    h: address,
    i: String(process.getuid?.()),
    k: alias,
    l: local,
    n: name,
    p: port,
    r: user,
  };
}

/**
 * Returns a value with `~` and the `%` tokens of ssh_config(5) replaced.
 *
 * @param text the value
 * @param tokens by letter; `%%`, `%d` and `%u` are always known
 * @param home the folder that `~` and `%d` are
 * @throws SshConfigError for an unknown token
 */
export function expand(
  text: string,
  tokens: Readonly<Record<string, string>>,
  home: string = homedir(),
): string {
  const tilde = text === '~' || text.startsWith('~/') ? home + text.slice(1) : text;
  return replace(tilde, tokens, home);
}

/** Returns the path of a file, with `${NAME}` of the environment replaced, too. @throws SshConfigError as expand(), or if NAME is not set */
export function expand_file(
  text: string,
  tokens: Readonly<Record<string, string>>,
  env: NodeJS.ProcessEnv = process.env,
): string {
  const set = text.replace(/\$\{(\w+)\}/g, (_all, name: string) => {
    const value = env[name];
    if (value === undefined) throw new SshConfigError(`"${text}": ${name} is not set in the environment`);
    // A % of the environment is no token.
    return value.replaceAll('%', '%%');
  });
  return expand(set, tokens);
}

/** What a shell would not take as a part of a word, and what a program would take for an option. */
const UNSAFE = /^-|[\s'`"$\\;&<>|(){}\p{Cc}]/u;

/**
 * Returns a command for the shell, its tokens replaced.
 *
 * @param place for messages
 * @throws SshConfigError for an unknown token, or if the name of a host or a user would be more than a word for the shell
 */
export function expand_command(
  text: string,
  tokens: Readonly<Record<string, string>>,
  place: string,
  home: string = homedir(),
): string {
  for (const [, letter = ''] of text.matchAll(/%(.)/g)) {
    if ('hknr'.includes(letter) && UNSAFE.test(tokens[letter] ?? '')) {
      throw new SshConfigError(`${place}: "${tokens[letter]}" may not be a part of a command for the shell`);
    }
  }
  return replace(text, tokens, home);
}

function replace(text: string, tokens: Readonly<Record<string, string>>, home: string): string {
  const all: Record<string, string> = { '%': '%', d: home, u: local_user(), ...tokens };
  return text.replace(/%(.?)/g, (token, letter: string) => {
    const value = Object.hasOwn(all, letter) ? all[letter] : undefined;
    if (value === undefined)
      throw new SshConfigError(`"${text}": ${token} is no token that can be used here`);
    return value;
  });
}
