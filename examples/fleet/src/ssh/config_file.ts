// Files of ssh_config(5) as they are written: blocks under Host and Match, with the files that they include, and patterns of names. What holds for a
// host: config.ts.

import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';

/** A file of ssh_config(5) is wrong, or asks what fleet does not do. */
export class SshConfigError extends Error {
  override name = 'SshConfigError';
}

export interface Directive {
  /** in small letters */
  readonly keyword: string;
  readonly args: readonly string[];
  /** file and line, for messages */
  readonly place: string;
}

/** The lines under one Host or Match, with the blocks of the files that they include. */
export interface Block {
  readonly condition: Directive | undefined;
  readonly items: (Directive | Block[])[];
}

const DEEPEST_INCLUDE = 16;
/** Keywords whose argument is the rest of the line, as it is. */
const COMMANDS = new Set(['proxycommand', 'localcommand', 'remotecommand']);

/**
 * Reads a file; one that does not exist is empty.
 *
 * @param home the folder that `~` is
 * @param depth of the files that include it
 * @throws SshConfigError with file and line
 */
export function read_blocks(file: string, home: string, depth = 0): Block[] {
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
        const path = pattern === '~' || pattern.startsWith('~/') ? home + pattern.slice(1) : pattern;
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
  const [, keyword = '', rest = ''] = match;
  const name = keyword.toLowerCase();
  const args = COMMANDS.has(name) ? [rest.trim()] : arguments_of(rest, place);
  if (args.length === 0 || args[0] === '') throw new SshConfigError(`${place}: "${keyword}" has no argument`);
  return { keyword: name, args, place };
}

/** Returns the arguments of a line: quoted by " or ', with \ before quotes, spaces and itself; # begins a comment. */
function arguments_of(text: string, place: string): string[] {
  const args: string[] = [];
  let arg: string | undefined;
  let quote: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const [character = '', next = ''] = text.slice(at, at + 2);
    if (character === '\\' && (/["'\\]/.test(next) || (next === ' ' && quote === undefined))) {
      arg = (arg ?? '') + next;
      at++;
    } else if (quote !== undefined) {
      if (character === quote) quote = undefined;
      else arg += character;
    } else if (/\s/.test(character)) {
      if (arg !== undefined) args.push(arg);
      arg = undefined;
    } else if (character === '"' || character === "'") {
      quote = character;
      arg ??= '';
    } else if (character === '#' && arg === undefined) {
      break;
    } else {
      arg = (arg ?? '') + character;
    }
  }
  if (quote !== undefined) throw new SshConfigError(`${place}: a quote ${quote} is not closed`);
  return arg === undefined ? args : [...args, arg];
}

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
