// ssh_config(5): the files in which a user has said how each host is reached. Host, Match (host, originalhost, user, localuser,
// all, and their negations), Include, and quoted arguments; of each keyword the first value counts, of IdentityFile all do.
// A Match that asks a program (exec) is refused: to leave it out would be to connect in another way than ssh does.
// Which keywords are used, and what else decides: hosts.ts.

import { readdirSync, readFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { basename, dirname, isAbsolute, join } from 'node:path';

/** A file of ssh_config(5) is wrong, or asks what fleet does not do. */
export class SshConfigError extends Error {
  override name = 'SshConfigError';
}

interface Directive {
  readonly keyword: string;
  readonly args: readonly string[];
  readonly place: string;
}

/** The lines under one Host or Match, with the blocks of the files that they include. */
interface Block {
  readonly condition: Directive | undefined;
  readonly items: (Directive | Block[])[];
}

/** Keywords of which every value counts. */
const SEVERAL = new Set(['identityfile', 'certificatefile']);
const DEEPEST_INCLUDE = 16;

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
}

/** Files of ssh_config(5), read once and asked for many hosts. */
export class SshConfig {
  readonly #blocks: readonly Block[];
  readonly #home: string;

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
      files.flatMap((file) => read_blocks(file, home, 0)),
      home,
    );
  }

  /**
   * Returns what holds for a host.
   *
   * @param name as it was asked for
   * @param user as it was asked for; else the files decide, else it is the caller
   */
  of(name: string, user?: string): HostConfig {
    const config = new HostConfig();
    if (user !== undefined) config.values.set('user', [[user]]);
    this.#apply(this.#blocks, name, config);
    return config;
  }

  #apply(blocks: readonly Block[], name: string, config: HostConfig): void {
    for (const { condition, items } of blocks) {
      if (condition && !this.#holds(condition, name, config)) continue;
      for (const item of items) {
        if (Array.isArray(item)) this.#apply(item, name, config);
        else add(config, item);
      }
    }
  }

  #holds({ keyword, args, place }: Directive, name: string, config: HostConfig): boolean {
    if (keyword === 'host') return matches_list(args, name);
    const left = args.flatMap((arg) => split_once(arg));
    while (left.length > 0) {
      const written = left.shift() ?? '';
      const criterion = written.replace(/^!/, '').toLowerCase();
      if (criterion === 'all') continue;
      // Both ask for a second pass, which is only made with CanonicalizeHostname.
      const holds =
        criterion === 'canonical' || criterion === 'final'
          ? false
          : matches_list((left.shift() ?? '').split(','), this.#subject(criterion, name, config, place));
      if (holds === written.startsWith('!')) return false;
    }
    return true;
  }

  #subject(criterion: string, name: string, config: HostConfig, place: string): string {
    switch (criterion) {
      case 'host':
        return expand(config.first('hostname') ?? '%h', { h: name }, this.#home);
      case 'originalhost':
        return name;
      case 'user':
        return config.first('user') ?? userInfo().username;
      case 'localuser':
        return userInfo().username;
      default:
        throw new SshConfigError(
          `${place}: "Match ${criterion}" is not supported; fleet knows host, originalhost, user, localuser and all`,
        );
    }
  }
}

function add(config: HostConfig, { keyword, args }: Directive): void {
  const known = config.values.get(keyword);
  if (!known) config.values.set(keyword, [args]);
  else if (SEVERAL.has(keyword)) known.push(args);
}

const split_once = (arg: string): string[] => {
  const at = arg.indexOf('=');
  return at > 0 ? [arg.slice(0, at), arg.slice(at + 1)] : [arg];
};

/**
 * Returns whether a pattern list of ssh_config(5) has the name: one pattern matches, and none of those with `!`.
 *
 * @param patterns with `*` and `?`
 * @param name compared with regard to case, as ssh does: known_hosts.ts gives small letters
 */
export function matches_list(patterns: readonly string[], name: string): boolean {
  let found = false;
  for (const pattern of patterns) {
    const negated = pattern.startsWith('!');
    if (!expression_of(negated ? pattern.slice(1) : pattern).test(name)) continue;
    if (negated) return false;
    found = true;
  }
  return found;
}

function expression_of(pattern: string): RegExp {
  const escaped = pattern.replace(/[\\^$.+()[\]{}|/-]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
}

/**
 * Returns a value with `~` and the `%` tokens of ssh_config(5) replaced.
 *
 * @param text the value
 * @param tokens by letter; `%%` and `%d` are always known
 * @param home the folder that `~` and `%d` are
 */
export function expand(
  text: string,
  tokens: Readonly<Record<string, string>>,
  home: string = homedir(),
): string {
  const all: Record<string, string> = { '%': '%', d: home, u: userInfo().username, ...tokens };
  const tilde = text === '~' || text.startsWith('~/') ? home + text.slice(1) : text;
  return tilde.replace(/%(.)/g, (token, letter: string) => all[letter] ?? token);
}

function read_blocks(file: string, home: string, depth: number): Block[] {
  if (depth > DEEPEST_INCLUDE) throw new SshConfigError(`${file}: files include each other without end`);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw new SshConfigError(`${file}: ${error instanceof Error ? error.message : error}`);
  }
  let block: Block = { condition: undefined, items: [] };
  const blocks = [block];
  for (const [index, line] of text.split('\n').entries()) {
    const directive = directive_of(line, `${file}:${index + 1}`);
    if (!directive) continue;
    if (directive.keyword === 'host' || directive.keyword === 'match') {
      block = { condition: directive, items: [] };
      blocks.push(block);
    } else if (directive.keyword === 'include') {
      for (const pattern of directive.args) {
        const path = expand(pattern, {}, home);
        const absolute = isAbsolute(path) ? path : join(dirname_of_config(file, home), path);
        for (const included of glob(absolute)) block.items.push(read_blocks(included, home, depth + 1));
      }
    } else {
      block.items.push(directive);
    }
  }
  return blocks;
}

/** The folder of names that are not absolute: ~/.ssh, or /etc/ssh for the file of the system. */
const dirname_of_config = (file: string, home: string) =>
  file.startsWith('/etc/ssh/') ? '/etc/ssh' : join(home, '.ssh');

/** Wildcards are understood in the last part of a path. */
function glob(path: string): string[] {
  if (!/[*?]/.test(path)) return [path];
  try {
    const names = readdirSync(dirname(path)).filter(
      (name) => !name.startsWith('.') && matches_list([basename(path)], name),
    );
    return names.sort().map((name) => join(dirname(path), name));
  } catch {
    return [];
  }
}

function directive_of(line: string, place: string): Directive | undefined {
  const match = /^\s*([A-Za-z]\w*)(?:\s*=\s*|\s+)(.*)$/.exec(line.replace(/\r$/, ''));
  if (!match) {
    if (/^\s*(#.*)?\r?$/.test(line)) return undefined;
    throw new SshConfigError(`${place}: "${line.trim()}" has no argument; a line must be as "Port 22"`);
  }
  const args: string[] = [];
  for (const [, quoted, plain] of (match[2] ?? '').matchAll(/"([^"]*)"|([^\s"]+)/g)) {
    if (plain?.startsWith('#')) break;
    args.push(quoted ?? plain ?? '');
  }
  if (args.length === 0) throw new SshConfigError(`${place}: "${match[1]}" has no argument`);
  return { keyword: (match[1] ?? '').toLowerCase(), args, place };
}
