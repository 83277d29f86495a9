// Facts about files (MLST and MLSD, RFC 3659, section 7), and which of them a client wants. Pure functions.
import type { Entry, Permission } from '../store/types.js';
import { encode_time } from './times.js';

/** All facts, in the order of listings. */
export const FACTS = [
  'type',
  'size',
  'modify',
  'perm',
  'unique',
  'unix.mode',
  'unix.owner',
  'unix.group',
] as const;

export type Fact = (typeof FACTS)[number];

const SPELLING: Readonly<Record<Fact, string>> = {
  type: 'type',
  size: 'size',
  modify: 'modify',
  perm: 'perm',
  unique: 'unique',
  'unix.mode': 'UNIX.mode',
  'unix.owner': 'UNIX.owner',
  'unix.group': 'UNIX.group',
};

/** Returns the facts of 'type;size;', those that are known. */
export function decode_facts(text: string): Set<Fact> {
  const wanted = new Set(text.toLowerCase().split(';'));
  return new Set(FACTS.filter((fact) => wanted.has(fact)));
}

/** Returns 'type;size;modify;'. */
export function encode_facts(facts: ReadonlySet<Fact>): string {
  return FACTS.filter((fact) => facts.has(fact))
    .map((fact) => `${SPELLING[fact]};`)
    .join('');
}

/** Returns the text of FEAT: all facts, those that are sent marked with '*'. */
export function feature_of_facts(facts: ReadonlySet<Fact>): string {
  return `MLST ${FACTS.map((fact) => `${SPELLING[fact]}${facts.has(fact) ? '*' : ''};`).join('')}`;
}

/** The letters of the fact `perm`, and what each needs. */
const FILE_LETTERS: readonly [letter: string, permission: Permission][] = [
  ['a', 'append'],
  ['d', 'delete'],
  ['f', 'rename'],
  ['r', 'read'],
  ['w', 'overwrite'],
];
const FOLDER_LETTERS: readonly [letter: string, permission: Permission][] = [
  ['c', 'write'],
  ['d', 'rmdir'],
  ['e', 'list'],
  ['f', 'rename'],
  ['l', 'list'],
  ['m', 'mkdir'],
  ['p', 'delete'],
];

function letters(entry: Entry, permissions: ReadonlySet<Permission>): string {
  const table = entry.type === 'dir' ? FOLDER_LETTERS : FILE_LETTERS;
  return table
    .filter(([, permission]) => permissions.has(permission))
    .map(([letter]) => letter)
    .join('');
}

function value(
  fact: Fact,
  entry: Entry,
  type: string,
  permissions: ReadonlySet<Permission>,
): string | undefined {
  switch (fact) {
    case 'type':
      return type;
    case 'size':
      return entry.type === 'file' ? String(entry.size) : undefined;
    case 'modify':
      return encode_time(entry.modified_ms);
    case 'perm':
      return letters(entry, permissions);
    case 'unique':
      return entry.unique.replace(/[;\s]/g, '_');
    case 'unix.mode':
      return `0${(entry.mode & 0o7777).toString(8).padStart(3, '0')}`;
    case 'unix.owner':
      return entry.owner.replace(/[;\s]/g, '_');
    case 'unix.group':
      return entry.group.replace(/[;\s]/g, '_');
  }
}

const TYPES: Readonly<Record<Entry['type'], string>> = {
  file: 'file',
  dir: 'dir',
  link: 'OS.unix=slink',
  other: 'OS.unix=other',
};

/**
 * Returns 'type=file;size=3; name', without a line end.
 *
 * @param name as it is to be shown: MLST shows a path
 * @param type in place of the entry's: 'cdir', 'pdir'
 */
export function encode_entry(
  entry: Entry,
  name: string,
  facts: ReadonlySet<Fact>,
  permissions: ReadonlySet<Permission>,
  type = TYPES[entry.type],
): string {
  let text = '';
  for (const fact of FACTS) {
    if (!facts.has(fact)) continue;
    const said = value(fact, entry, type, permissions);
    if (said !== undefined) text += `${SPELLING[fact]}=${said};`;
  }
  return `${text} ${name}`;
}
