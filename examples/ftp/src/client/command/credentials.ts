// The password of a user: from a descriptor, the environment, a netrc file, or the prompt; never from the command line.
import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { LocalError, UsageError } from './exit_codes.js';
import type { Location } from './location.js';

export interface CredentialOptions {
  readonly user: string | undefined;
  readonly password_fd: number | undefined;
  /** null: none */
  readonly netrc: string | null | undefined;
  readonly warn: (text: string) => void;
}

export interface Login {
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly account?: string | undefined;
}

const MAX_SECRET = 4096;

/** Returns whom to log in as. Without a user it is anonymous, unless a netrc file knows the host. */
export async function credentials_of(location: Location, options: CredentialOptions): Promise<Login> {
  const user = options.user ?? location.user;
  if (options.password_fd !== undefined) {
    if (user === undefined) throw new UsageError('--password-fd needs a user: --user, or ftp://USER@HOST');
    return { user, password: from_descriptor(options.password_fd) };
  }
  const { FTPC_PASSWORD } = process.env;
  if (user !== undefined && FTPC_PASSWORD !== undefined) return { user, password: FTPC_PASSWORD };
  const entry = from_netrc(location.host, user, options);
  if (entry !== undefined)
    return { user: user ?? entry.login, password: entry.password, account: entry.account };
  if (user === undefined || user === 'anonymous' || user === 'ftp') return { user, password: undefined };
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true)
    throw new UsageError(
      `no password for ${user}: use --password-fd, the variable FTPC_PASSWORD or ~/.netrc (there is no terminal to ask on)`,
    );
  return { user, password: await prompt(`Password of ${user}@${location.host}: `) };
}

const secrets = new Map<number, string>();

function from_descriptor(fd: number): string {
  const known = secrets.get(fd);
  if (known !== undefined) return known;
  let text: string;
  try {
    text = readFileSync(fd, 'utf8');
  } catch (error) {
    throw new UsageError(`--password-fd ${fd} cannot be read: ${String(error)}`);
  }
  const [line = ''] = text.split(/\r?\n/, 1);
  if (line === '' || line.length > MAX_SECRET)
    throw new UsageError(`--password-fd ${fd}: the first line must be the password`);
  secrets.set(fd, line);
  return line;
}

interface NetrcEntry {
  readonly login: string | undefined;
  readonly password: string | undefined;
  readonly account: string | undefined;
}

function from_netrc(
  host: string,
  user: string | undefined,
  { netrc, warn }: CredentialOptions,
): NetrcEntry | undefined {
  if (netrc === null) return undefined;
  const path = netrc ?? process.env.NETRC ?? join(homedir(), '.netrc');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (netrc !== undefined) throw new LocalError(`--netrc ${path}: ${String(error)}`);
    return undefined;
  }
  const entry = find_netrc(text, host, user);
  if (entry?.password !== undefined && is_open_to_others(path)) {
    warn(`${path} is ignored: others can read it (chmod 600 ${path})`);
    return undefined;
  }
  return entry;
}

function is_open_to_others(path: string): boolean {
  try {
    return (statSync(path).mode & 0o077) !== 0;
  } catch {
    return true;
  }
}

/** Returns the entry of a host in the text of a netrc file: the first one whose login fits, or `default`. */
export function find_netrc(text: string, host: string, user: string | undefined): NetrcEntry | undefined {
  const words = tokens(text);
  for (let i = 0; i < words.length; i++) {
    const is_default = words[i] === 'default';
    if (words[i] === 'macdef') {
      // A macro goes to the next empty line, which tokens() gives as ''.
      while (i < words.length && words[i] !== '') i++;
      continue;
    }
    if (words[i] !== 'machine' && !is_default) continue;
    const fits_host = is_default || words[++i]?.toLowerCase() === host.toLowerCase();
    const fields = new Map<string, string>();
    while (i + 1 < words.length && !['machine', 'default', 'macdef'].includes(words[i + 1] ?? '')) {
      const name = words[++i] ?? '';
      if (name === '') continue;
      if (['login', 'user', 'password', 'account'].includes(name)) fields.set(name, words[++i] ?? '');
    }
    const login = fields.get('login') ?? fields.get('user');
    if (fits_host && (user === undefined || login === undefined || login === user))
      return { login, password: fields.get('password'), account: fields.get('account') };
  }
  return undefined;
}

/** Words; quoted ones may have spaces; '' for an empty line. */
function tokens(text: string): string[] {
  const words: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '') {
      words.push('');
      continue;
    }
    for (const [, quoted, word = ''] of line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)) {
      if (quoted !== undefined) words.push(quoted.replace(/\\(.)/g, '$1'));
      else if (word.startsWith('#') && words.at(-1) !== 'password') break;
      else words.push(word);
    }
  }
  return words;
}

/** Asks on the terminal, without an echo. */
export async function prompt(question: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: process.stdin, output: silent, terminal: true });
  // Behind the start of the reader: from here on the terminal has no echo.
  process.stderr.write(question);
  try {
    return await new Promise<string>((resolve, reject) => {
      reader.once('line', resolve);
      reader.once('SIGINT', () => reject(new UsageError('no password was given')));
      reader.once('close', () => reject(new UsageError('no password was given')));
    });
  } finally {
    reader.close();
    process.stderr.write('\n');
  }
}
