// ftpc shell: the commands of ftpc with paths in place of URLs, one after the other over the same connection. On a terminal with a history and
// with names completed by Tab; otherwise from standard input, where the first failure ends it (a line that begins with '-' may fail).
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join, posix } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { FTPClient } from '../client.js';
import { printable } from '../names.js';
import { COMMANDS, type CommandName, help_text, parse_arguments } from './arguments.js';
import { RUN } from './commands.js';
import { Context } from './context.js';
import { EXIT, Interrupted, UsageError } from './exit_codes.js';
import { type Location, parse_location, url_of } from './location.js';
import { quoted, split_words } from './words.js';

const HISTORY = 1000;
/** Names of one folder that Tab has asked for, until the next command. */
type Listing = { folder: string; names: Promise<string[]> };

const OWN = ['cd', 'pwd', 'lcd', 'lpwd', 'lls', 'help', '?', 'quit', 'exit', 'bye'];
type ShellCommand = Exclude<CommandName, 'shell' | 'mirror'>;
const is_shell_command = (name: string): name is ShellCommand =>
  Object.hasOwn(RUN, name) && name !== 'mirror';

export class Shell {
  readonly #context: Context;
  readonly #location: Location;
  #folder = '/';
  #listing: Listing | undefined;
  #running: AbortController | undefined;

  constructor(context: Context, url: string) {
    this.#context = context;
    this.#location = parse_location(url);
  }

  #with_client<T>(work: (client: FTPClient) => Promise<T>): Promise<T> {
    return this.#context.pool(this.#location).with_client(work);
  }

  /** Runs until the end of the input. */
  async run(): Promise<void> {
    const { signal } = this.#context;
    this.#folder = await this.#with_client(async (client) => {
      if (this.#location.path !== '') await client.cd(this.#location.path, { signal });
      return client.pwd({ signal });
    });
    if (process.stdin.isTTY === true && process.stdout.isTTY === true) await this.#interactive();
    else await this.#script();
  }

  async #script(): Promise<void> {
    const reader = createInterface({ input: process.stdin, terminal: false });
    for await (const line of reader) {
      const may_fail = /^\s*-/.test(line);
      const end = await this.#line(may_fail ? line.replace(/^\s*-/, '') : line);
      if (end === 'quit') break;
      if (end === EXIT.ok || may_fail) continue;
      this.#context.ends_with(end);
      break;
    }
    reader.close();
  }

  async #interactive(): Promise<void> {
    const path = history_path();
    const reader = createInterface({
      input: process.stdin,
      output: process.stdout,
      terminal: true,
      history: read_history(path),
      historySize: HISTORY,
      removeHistoryDuplicates: true,
      completer: (line: string, done: (error: null, result: [string[], string]) => void) => {
        this.complete(line).then(
          (result) => done(null, result),
          () => done(null, [[], line]),
        );
      },
    });
    reader.on('history', (lines: string[]) => write_history(path, lines));
    reader.on('SIGINT', () => {
      if (this.#running !== undefined) this.#running.abort(new Interrupted());
      else {
        reader.write(null, { ctrl: true, name: 'e' });
        reader.write(null, { ctrl: true, name: 'u' });
        process.stdout.write('\n');
        reader.prompt();
      }
    });
    for (;;) {
      const line = await this.#ask(reader);
      if (line === undefined) break;
      if ((await this.#line(line)) === 'quit') break;
    }
    reader.close();
  }

  #ask(reader: Interface): Promise<string | undefined> {
    return new Promise((resolve) => {
      const on_close = () => {
        process.stdout.write('\n');
        resolve(undefined);
      };
      reader.once('close', on_close);
      reader.question(`${printable(`${this.#location.host}:${this.#folder}`)}> `, (line) => {
        reader.off('close', on_close);
        resolve(line);
      });
    });
  }

  /** Runs a line, and reports what fails. Returns its exit code, or that the shell ends. */
  async #line(line: string): Promise<'quit' | number> {
    const { words, open } = split_words(line);
    const [name, ...given] = words;
    if (name === undefined || name.startsWith('#')) return EXIT.ok;
    if (name === 'quit' || name === 'exit' || name === 'bye') return 'quit';
    this.#listing = undefined;
    this.#running = new AbortController();
    const signal = AbortSignal.any([this.#context.signal, this.#running.signal]);
    try {
      if (open !== undefined) throw new UsageError(`the line ends within ${open}`);
      return await this.#command(name, given, signal);
    } catch (error) {
      if (this.#context.signal.aborted) throw error;
      return this.#context.report.failure(error);
    } finally {
      this.#running = undefined;
    }
  }

  async #command(name: string, given: string[], signal: AbortSignal): Promise<number> {
    if (OWN.includes(name)) {
      await this.#own(name, given, signal);
      return EXIT.ok;
    }
    if (!is_shell_command(name))
      throw new UsageError(`no such command: ${JSON.stringify(name)} (help lists them)`);
    const parsed = parse_arguments([name, ...this.#defaults(name, given)]);
    if ('help' in parsed) {
      this.#print(parsed.help);
      return EXIT.ok;
    }
    const { options, report } = this.#context;
    const inherited = {
      json: options.json,
      retries: options.retries,
      resume: options.resume || parsed.options.resume,
      verify: options.verify && parsed.options.verify,
      keep_times: options.keep_times && parsed.options.keep_times,
    };
    const context = new Context({ ...parsed.options, ...inherited }, report, signal, this.#context);
    await RUN[name](context, this.#urls(name, parsed.arguments));
    return context.exit_code;
  }

  /** What may be left out: the current folder. */
  #defaults(name: ShellCommand, given: string[]): string[] {
    const arguments_count = given.filter((word) => !word.startsWith('-')).length;
    if (name === 'ls' && arguments_count === 0) return [...given, this.#folder];
    if (name === 'put' && arguments_count === 1) return [...given, `${this.#folder.replace(/\/$/, '')}/`];
    if (name === 'verify' && arguments_count === 1) return [...given, basename(given.at(-1) ?? '')];
    return given;
  }

  /** Returns the arguments with URLs in place of paths of the server. */
  #urls(name: ShellCommand, given: readonly string[]): string[] {
    return given.map((word, index) => {
      if ((name === 'put' && index < given.length - 1) || (name === 'verify' && index === 0)) return word;
      const path = this.#resolve(word);
      return name === 'mv' && index === 1 ? path : this.#url(path);
    });
  }

  #resolve(path: string): string {
    const resolved = posix.resolve(this.#folder, path);
    return path.endsWith('/') && resolved !== '/' ? `${resolved}/` : resolved;
  }

  #url(path: string): string {
    return url_of(this.#location, path.split('/').map(encodeURIComponent).join('/'));
  }

  async #own(name: string, given: string[], signal: AbortSignal): Promise<void> {
    const [first] = given;
    if (given.length > 1)
      throw new UsageError(`usage: ${name} ${name === 'pwd' || name === 'lpwd' ? '' : '[PATH]'}`);
    switch (name) {
      case 'cd': {
        const path = this.#resolve(first ?? this.#location.path);
        this.#folder = await this.#with_client(async (client) => {
          await client.cd(path, { signal });
          return client.pwd({ signal });
        });
        break;
      }
      case 'pwd':
        this.#print(this.#folder);
        break;
      case 'lcd':
        process.chdir(first ?? homedir());
        break;
      case 'lpwd':
        this.#print(process.cwd());
        break;
      case 'lls':
        for (const file of (await readdir(first ?? '.')).sort()) this.#print(file);
        break;
      default:
        this.#print(this.#help(first));
    }
  }

  #help(name: string | undefined): string {
    if (name !== undefined && is_shell_command(name)) return help_text(name);
    const rows = Object.entries(COMMANDS)
      .filter(([command]) => is_shell_command(command))
      .map(([command, { arguments: shown, help }]) => {
        const paths = shown.replaceAll('URL', 'PATH');
        return `  ${`${command} ${paths}`.padEnd(22)} ${help.replace('a URL', 'a PATH')}`;
      });
    return [
      ...rows,
      '  cd [PATH], pwd         the folder of the server',
      '  lcd [PATH], lpwd, lls  the local folder',
      '  quit                   ends the shell',
    ].join('\n');
  }

  #print(text: string): void {
    for (const line of text.split('\n')) this.#context.report.result(line, { event: 'output', text: line });
  }

  /** Returns what the last word of a line can become, and that word as it is typed. */
  async complete(line: string): Promise<[string[], string]> {
    const { words, at_word, open } = split_words(line);
    const word = at_word ? (words.at(-1) ?? '') : '';
    const typed = at_word ? (/(?:[^\s\\]|\\.?)*$/s.exec(line)?.[0] ?? '') : '';
    const before = at_word ? words.slice(0, -1) : words;
    const [name] = before;
    if (name === undefined) {
      const names = [...Object.keys(RUN).filter(is_shell_command), ...OWN];
      return [names.filter((one) => one.startsWith(word)).map((one) => `${one} `), typed];
    }
    if (open === '"' || open === "'" || word.startsWith('-')) return [[], typed];
    const is_local =
      name === 'lcd' || name === 'lls' || ((name === 'put' || name === 'verify') && before.length === 1);
    const slash = word.lastIndexOf('/');
    const folder = word.slice(0, slash + 1);
    const names = await (is_local ? local_names(folder) : this.#remote_names(folder));
    const fitting = names.filter((one) => one.startsWith(word.slice(slash + 1)));
    return [fitting.map((one) => quoted(folder + one) + (one.endsWith('/') ? '' : ' ')), typed];
  }

  /** Returns the names in a folder of the server, those of folders with a slash. */
  #remote_names(folder: string): Promise<string[]> {
    const path = this.#resolve(folder === '' ? '.' : folder);
    if (this.#listing?.folder !== path) {
      const names = this.#with_client(async (client) => {
        const entries = await client.list(path, { signal: this.#context.signal });
        // A name that would change the terminal cannot be completed.
        return entries
          .filter(({ name }) => printable(name) === name)
          .map(({ name, type }) => (type === 'dir' ? `${name}/` : name));
      });
      this.#listing = { folder: path, names };
    }
    return this.#listing.names;
  }
}

async function local_names(folder: string): Promise<string[]> {
  const entries = await readdir(folder === '' ? '.' : folder, { withFileTypes: true });
  return entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
}

function history_path(): string {
  const state = process.env.XDG_STATE_HOME ?? join(homedir(), '.local', 'state');
  return join(state, 'ftpc', 'history');
}

function read_history(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean).slice(-HISTORY).reverse();
  } catch {
    return [];
  }
}

/** Paths are nobody else's business. */
function write_history(path: string, newest_first: readonly string[]): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, `${[...newest_first].reverse().join('\n')}\n`, { mode: 0o600 });
  } catch {
    // A history that cannot be written is none.
  }
}
