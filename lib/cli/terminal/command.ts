// The frame of a command: its definition (options, operands, a function that runs), the reading and checking of its
// arguments, and its interruption by Ctrl-C. Options are in options.ts, error messages and exit codes in errors.ts, output is
// in output.ts.
import { accessSync, constants, statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { if_nameindex } from '../../socket/index.js';
import { DONE, Failure, INTERRUPTED, UNUSABLE, UsageError } from './errors.js';
import { help_text } from './help.js';
import { type Definition, flag, type Option, type OptionTable, type Title, type Values } from './options.js';
import { print } from './output.js';
import { closest } from './suggest.js';
import { version } from './version.js';

/** A command as main.ts calls it. */
export interface Command {
  /** Returns the text of --help. */
  help(title: Title): string;
  /**
   * Reads the arguments and runs the command; with -h or --help among them prints the help, with -V or --version the version.
   *
   * @returns the exit code
   * @throws UsageError, OSError
   */
  main(args: readonly string[], title: Title): Promise<number>;
}

/** Returns the command of a definition. */
export function command<const Table extends OptionTable>(definition: Definition<Table>): Command {
  const { options } = definition;
  const help_of = (title: Title) => help_text(title, definition, { ...options, ...common_options(options) });
  return {
    help: help_of,
    async main(args, title) {
      const tokens = tokens_of(definition.options, args);
      const asked = (name: string) => tokens.some((token) => token.kind === 'option' && token.name === name);
      if (asked('help')) process.stdout.write(help_of(title));
      else if (asked('version')) print(version());
      else {
        const { values, operands } = read_arguments(definition, tokens);
        return definition.run(values, operands);
      }
      return DONE;
    },
  };
}

/** Returns the options that every command has. A letter that the command's own table uses is left to it. */
function common_options(table: OptionTable): OptionTable {
  const taken = new Set(Object.values(table).map(({ short }) => short));
  const free = (letter: string) => (taken.has(letter) ? '' : letter);
  return { version: flag(free('V'), 'print the version'), help: flag(free('h'), 'print this') };
}

type Token =
  | { readonly kind: 'positional'; readonly value: string }
  | {
      readonly kind: 'option';
      readonly name: string;
      readonly rawName: string;
      readonly value: string | undefined;
    }
  | { readonly kind: 'option-terminator' };

const long_name = (name: string) => `--${name.replaceAll('_', '-')}`;

/** Returns what parseArgs makes of the arguments. */
function tokens_of(table: OptionTable, args: readonly string[]): readonly Token[] {
  const config = Object.fromEntries(
    Object.entries({ ...table, ...common_options(table) }).map(([name, { short, value }]) => {
      const type = value ? 'string' : 'boolean';
      return [long_name(name).slice(2), { type, ...(short ? { short } : {}) } as const];
    }),
  );
  // A strict parseArgs throws messages of several lines, so the checks are made in read_arguments.
  return parseArgs({ args: [...args], options: config, strict: false, tokens: true }).tokens;
}

function read_arguments<Table extends OptionTable>(
  definition: Definition<Table>,
  tokens: readonly Token[],
): { values: Values<Table>; operands: string[] } {
  const {
    options: table,
    operands: [min_count, max_count],
  } = definition;
  const names = new Map(Object.keys(table).map((name) => [long_name(name).slice(2), name]));
  const values = Object.fromEntries(Object.entries(table).map(([name, { standard }]) => [name, standard]));
  const operands: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value);
    if (token.kind !== 'option') continue;
    const name = names.get(token.name);
    if (name === undefined) throw new UsageError(unknown_option(token.rawName, [...names.keys()]));
    values[name] = (table[name] as Option<unknown>).read(
      token.value,
      `option ${token.rawName}`,
      values[name],
    );
  }
  if (operands.length < min_count || operands.length > max_count)
    throw new UsageError(wrong_count(operands, min_count, max_count));
  return { values: values as Values<Table>, operands };
}

function unknown_option(raw: string, names: readonly string[]): string {
  const similar = raw.startsWith('--') ? closest(raw.slice(2), names) : undefined;
  return `unknown option ${raw}${similar === undefined ? '' : `; did you mean --${similar}?`}`;
}

function wrong_count(operands: readonly string[], min_count: number, max_count: number): string {
  if (operands.length > max_count)
    return `what is ${JSON.stringify(operands[max_count])}? It is one argument too many`;
  return min_count === 1
    ? 'an argument is missing'
    : `${min_count - operands.length} more argument(s) expected`;
}

/** Checks that a file can be read. @throws Failure for a directory; the file system's error */
export function check_file(path: string): void {
  if (statSync(path).isDirectory()) throw new Failure(`${path} is a directory`, UNUSABLE);
  accessSync(path, constants.R_OK);
}

/** Checks that a network interface exists. @throws Failure, which names the existing interfaces */
export function check_interface(name: string): void {
  const names = if_nameindex().map(([, each]) => each);
  if (names.includes(name)) return;
  throw new Failure(`there is no interface ${JSON.stringify(name)}, only ${names.join(', ')}`, UNUSABLE);
}

/**
 * until_interrupted() -> a signal that aborts at the first SIGINT, SIGTERM or SIGHUP (a terminal that is gone); the second one ends the process, and so does the
 * first if nobody reads the output, for which an end in order would wait. A command passes the signal to its calls that wait.
 */
export function until_interrupted(): AbortSignal {
  const controller = new AbortController();
  const interrupt = () => {
    // The high-water mark, which writableNeedDrain goes by, is larger than a command's chunk since Node 22.
    if (controller.signal.aborted || process.stdout.writableLength > 0) process.exit(INTERRUPTED);
    controller.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  process.on('SIGHUP', interrupt);
  return controller.signal;
}
