// What may stand at the cursor: commands, options, their values, and the names of hosts and groups inside of a node set.

import type { Inventory } from '../../hosts/inventory.js';
import { OF_CLASS } from '../exit_codes.js';
import { OPTIONS, type OptionTable } from '../options.js';
import { COMMAND_TEXTS, OPTION_TEXTS, SHELLS, type ValueKind } from './texts.js';

export interface Candidate {
  readonly text: string;
  readonly description?: string | undefined;
  /** false: more may follow without a space, as in a set of hosts */
  readonly is_whole: boolean;
}

export interface Completion {
  /** names of files here: the shell knows how */
  readonly files: boolean;
  /** the end of the word at the cursor, which candidates replace; what is before it stays */
  readonly tail: string;
  readonly candidates: readonly Candidate[];
}

/** Reads an inventory: of --inventory, or the usual one. It is only asked for if names of hosts are wanted. */
export type InventorySource = (
  path: string | undefined,
) => Promise<Pick<Inventory, 'all' | 'group' | 'group_names'>>;

type WordKind = ValueKind | 'separator' | 'verify' | 'shell';

interface Words {
  readonly kinds: readonly WordKind[];
  /** what those behind them are. Default: any text */
  readonly more?: WordKind;
}

const WORDS: Readonly<Record<string, Words>> = {
  run: { kinds: ['hosts', 'separator'] },
  put: { kinds: ['hosts', 'file'] },
  get: { kinds: ['hosts', 'text', 'file'] },
  clean: { kinds: ['hosts'] },
  nodes: { kinds: [], more: 'hosts' },
  log: { kinds: ['verify'], more: 'file' },
  completion: { kinds: ['shell'] },
};

/**
 * Returns what may stand at the cursor.
 *
 * @param words before it, `fleet` first
 * @param current the word at the cursor, up to it
 * @throws InventoryError if names of hosts are wanted and the inventory is wrong
 */
export async function complete(
  words: readonly string[],
  current: string,
  inventory: InventorySource,
): Promise<Completion> {
  const [command, ...args] = words.slice(1);
  if (command === undefined) return of(current, Object.entries(COMMAND_TEXTS));
  const options = OPTIONS[command] ?? {};
  const read = read_words(args, options);
  if (read.is_command) return NOTHING;
  const names = () => inventory(read.inventory);
  if (read.open !== undefined) return values(kind_of(read.open), current, names);
  const assigned = /^--([^=]+)=(.*)$/s.exec(current);
  if (assigned) return values(kind_of(assigned[1] ?? ''), assigned[2] ?? '', names);
  if (current.startsWith('-')) return of(current, option_names(options, current, read.given));
  // Of `clean --here` the word is a folder of this machine.
  const { kinds, more = 'text' }: Words = read.given.has('here')
    ? { kinds: ['file'] }
    : (WORDS[command] ?? { kinds: [] });
  return values(kinds[read.positionals] ?? more, current, names);
}

const NOTHING: Completion = { files: false, tail: '', candidates: [] };

interface Read {
  /** the option whose value is at the cursor */
  readonly open: string | undefined;
  readonly positionals: number;
  readonly given: ReadonlySet<string>;
  readonly inventory: string | undefined;
  /** behind `--` */
  readonly is_command: boolean;
}

function read_words(args: readonly string[], options: OptionTable): Read {
  const given = new Set<string>();
  const takes_value = (name: string) => options[name]?.type === 'string';
  let open: string | undefined;
  let positionals = 0;
  let inventory: string | undefined;
  for (const word of args) {
    if (open !== undefined) {
      if (open === 'inventory') inventory = word;
      open = undefined;
    } else if (word === '--') return { open, positionals, given, inventory, is_command: true };
    else if (word.startsWith('--')) {
      const [name = '', value] = word.slice(2).split(/=(.*)/s);
      given.add(name);
      if (name === 'inventory') inventory = value;
      if (value === undefined && takes_value(name)) open = name;
    } else if (word.startsWith('-') && word !== '-') {
      const found = read_short(word.slice(1), options);
      for (const name of found.names) given.add(name);
      const last = found.names.at(-1);
      if (last !== undefined && takes_value(last)) {
        if (found.value === '') open = last;
        else if (last === 'inventory') inventory = found.value;
      }
    } else positionals++;
  }
  return { open, positionals, given, inventory, is_command: false };
}

/** Reads `bf8`: flags, and then perhaps an option with its value. */
function read_short(letters: string, options: OptionTable): { names: string[]; value: string } {
  const names: string[] = [];
  for (const [index, letter] of [...letters].entries()) {
    const name = Object.keys(options).find((long) => options[long]?.short === letter);
    if (name === undefined) break;
    names.push(name);
    if (options[name]?.type === 'string') return { names, value: letters.slice(index + 1) };
  }
  return { names, value: '' };
}

const kind_of = (option: string): ValueKind => OPTION_TEXTS[option]?.value ?? 'text';

type Described = readonly [name: string, description: string];

/** Long names; short ones only behind a single `-`. */
function option_names(options: OptionTable, current: string, given: ReadonlySet<string>): Described[] {
  const named = Object.entries(options).filter(([name]) => !given.has(name));
  const long = named.map(([name]): Described => [`--${name}`, OPTION_TEXTS[name]?.text ?? '']);
  const short = named.flatMap(([name, { short: letter }]): Described[] =>
    letter === undefined || current.startsWith('--') ? [] : [[`-${letter}`, OPTION_TEXTS[name]?.text ?? '']],
  );
  return [...long, ...short, ['--help', 'all options']];
}

async function values(
  kind: WordKind,
  current: string,
  names: () => ReturnType<InventorySource>,
): Promise<Completion> {
  switch (kind) {
    case 'file':
      return { files: true, tail: current, candidates: [] };
    case 'hosts':
      return hosts(current, await names());
    case 'group':
      return of(current, groups_of(await names(), ''));
    case 'class':
    case 'result': {
      const more = kind === 'result' ? ['ok', 'failed'] : [];
      const tail = current.slice(current.lastIndexOf(',') + 1);
      const known = [...more, ...Object.keys(OF_CLASS)].map((name): Described => [name, '']);
      return of(tail, known, false);
    }
    case 'action':
      return of(
        current,
        ['run', 'put', 'get', 'clean'].map((name): Described => [name, '']),
      );
    case 'separator':
      return of(current, [['--', 'the command follows']]);
    case 'verify':
      return of(current, [['verify', 'whether the log is as it was written']]);
    case 'shell':
      return of(
        current,
        SHELLS.map((name): Described => [name, '']),
      );
    case 'text':
      return { ...NOTHING, tail: current };
  }
}

/** Names behind the last operator of a set; inside of brackets there are none. */
function hosts(current: string, inventory: Awaited<ReturnType<InventorySource>>): Completion {
  const tail = /[^,!&^\s]*$/.exec(current)?.[0] ?? '';
  if (current.lastIndexOf('[') > current.lastIndexOf(']')) return { ...NOTHING, tail };
  const all: Described = ['@*', 'all hosts'];
  const groups = [...groups_of(inventory, '@'), all];
  if (tail.startsWith('@')) return of(tail, groups, false);
  const names = [...inventory.all()].map((name): Described => [name, '']);
  return of(tail, tail === '' ? [...groups, ...names] : names, false);
}

function groups_of(inventory: Awaited<ReturnType<InventorySource>>, front: string): Described[] {
  return [...inventory.group_names()].map((name) => {
    const size = [...(inventory.group(name) ?? [])].length;
    return [`${front}${name}`, size === 1 ? '1 host' : `${size} hosts`];
  });
}

function of(tail: string, described: readonly Described[], is_whole = true): Completion {
  const candidates = described
    .filter(([text]) => text.startsWith(tail))
    .map(([text, description]) => ({ text, description, is_whole }));
  return { files: false, tail, candidates };
}
