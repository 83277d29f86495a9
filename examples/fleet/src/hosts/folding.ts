// Names of hosts as patterns and numbers: `web07` is the pattern `web%s` with the number `07`.
// order() sorts names as clush does, fold() writes many of them in short: `web[01-12,20]`.
// Numbers stay text, because 7 and 07 are two names. What a written set means is in nodesets.ts.

interface Name {
  readonly pattern: string;
  readonly numbers: readonly string[];
}

/** One term of a folded set: for each number of the pattern the numbers that it may have. */
interface Term {
  readonly numbers: readonly (readonly string[])[];
}

/** Returns the names in clush's order: by pattern, then number by number. */
export function order(names: Iterable<string>): string[] {
  return [...names]
    .map((name) => ({ name, parts: split(name) }))
    .sort((a, b) => compare_names(a.parts, b.parts))
    .map(({ name }) => name);
}

/** Returns the names in short, as `nodeset --fold` writes them. */
export function fold(names: Iterable<string>): string {
  const patterns = new Map<string, Name[]>();
  for (const name of order(names)) {
    const parts = split(name);
    const same = patterns.get(parts.pattern);
    if (same) same.push(parts);
    else patterns.set(parts.pattern, [parts]);
  }
  return [...patterns].flatMap(([pattern, same]) => fold_pattern(pattern, same)).join(',');
}

function split(name: string): Name {
  const numbers = name.match(/\d+/g) ?? [];
  return { pattern: name.replace(/\d+/g, '%s'), numbers };
}

function compare_names(a: Name, b: Name): number {
  if (a.pattern !== b.pattern) return a.pattern < b.pattern ? -1 : 1;
  for (const [index, number] of a.numbers.entries()) {
    const difference = compare_numbers(number, b.numbers[index] ?? '');
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Shorter numbers come first, so that those of one width stay together. */
function compare_numbers(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Merges, the last number first, the terms that differ in one number only. */
function fold_pattern(pattern: string, names: readonly Name[]): string[] {
  let terms: Term[] = names.map(({ numbers }) => ({ numbers: numbers.map((number) => [number]) }));
  const dimensions = names[0]?.numbers.length ?? 0;
  for (let dimension = dimensions - 1; dimension >= 0; dimension--) terms = merge(terms, dimension);
  // The largest first, as clush has them.
  terms.sort((a, b) => count(b) - count(a));
  return terms.map((term) => write(pattern, term));
}

const count = ({ numbers }: Term) => numbers.reduce((product, { length }) => product * length, 1);

function merge(terms: readonly Term[], dimension: number): Term[] {
  const merged = new Map<string, { numbers: (readonly string[])[]; own: string[] }>();
  for (const { numbers } of terms) {
    const key = JSON.stringify(numbers.with(dimension, []));
    const known = merged.get(key);
    const own = numbers[dimension] ?? [];
    if (known) known.own.push(...own);
    else merged.set(key, { numbers: [...numbers], own: [...own] });
  }
  return [...merged.values()].map(({ numbers, own }) => ({
    numbers: numbers.with(dimension, own.sort(compare_numbers)),
  }));
}

function write(pattern: string, { numbers }: Term): string {
  const pieces = pattern.split('%s');
  return pieces
    .map((piece, index) => (index === 0 ? piece : ranges(numbers[index - 1] ?? []) + piece))
    .join('');
}

/** Returns numbers, sorted, as `7` or `[1-3,07]`. */
function ranges(numbers: readonly string[]): string {
  if (numbers.length === 1) return numbers[0] ?? '';
  const runs: [string, string][] = [];
  for (const number of numbers) {
    const run = runs.at(-1);
    if (run && follows(run[1], number)) run[1] = number;
    else runs.push([number, number]);
  }
  return `[${runs.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(',')}]`;
}

/** Whether `number` is the one after `before`; a padded number has no follower of another width. */
function follows(before: string, number: string): boolean {
  const next = String(BigInt(before) + 1n);
  const padded = before.length > 1 && before.startsWith('0');
  return number === (padded ? next.padStart(before.length, '0') : next);
}
