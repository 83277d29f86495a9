// Sets of hosts as they are written on a command line, in the syntax of clush: `web[01-12,20],@db!db3`.
// Operators are `,` or a space (union), `!` or a `-` between spaces (difference), `&` (intersection), `^` (one of both);
// they are worked off from left to right. `@group`, `@*` and the wildcards `*` and `?` ask a Resolver, which is the inventory.
// How a set is sorted and folded is in folding.ts.

import { randomInt } from 'node:crypto';
import { fold, order } from './folding.js';

/** What groups and wildcards mean. */
export interface Resolver {
  /** Returns the hosts of a group; undefined: there is none of this name. */
  group(name: string): Iterable<string> | undefined;
  group_names(): Iterable<string>;
  /** Returns all hosts: what wildcards choose from. */
  all(): Iterable<string>;
}

/** A set of hosts is written wrongly, or names a group that does not exist. */
export class NodeSetError extends Error {
  override name = 'NodeSetError';
}

type Operator = ',' | '!' | '&' | '^';
type Token = { readonly operator: Operator } | { readonly operand: string };

/** A slip of the keyboard should not fill the memory. */
const MOST_NAMES = 200_000;

const NO_GROUPS: Resolver = { group: () => undefined, group_names: () => [], all: () => [] };

/**
 * Hosts, by name, in clush's order.
 *
 * @example
 * NodeSet.parse('web[01-03]!web02').fold() // 'web[01,03]'
 */
export class NodeSet implements Iterable<string> {
  readonly #names: readonly string[];

  private constructor(names: Iterable<string>) {
    this.#names = order(new Set(names));
  }

  /** Returns the set of these names, which are not parsed. */
  static of(names: Iterable<string>): NodeSet {
    return new NodeSet(names);
  }

  /**
   * Returns the set that `text` describes.
   *
   * @param text as on the command line; empty: the empty set
   * @param resolver groups and wildcards; without it there are none
   * @throws NodeSetError for wrong syntax, an unknown group, or more than 200,000 names
   */
  static parse(text: string, resolver: Resolver = NO_GROUPS): NodeSet {
    let result = new Set<string>();
    let operator: Operator | undefined;
    let first = true;
    for (const token of tokens(text)) {
      if ('operator' in token) {
        if (operator || first) throw missing_operand(operator ?? token.operator, text);
        operator = token.operator;
        continue;
      }
      result = combine(result, operator ?? ',', resolve(token.operand, resolver));
      if (result.size > MOST_NAMES) throw too_many(text);
      operator = undefined;
      first = false;
    }
    if (operator) throw missing_operand(operator, text);
    return new NodeSet(result);
  }

  get size(): number {
    return this.#names.length;
  }

  [Symbol.iterator](): Iterator<string> {
    return this.#names[Symbol.iterator]();
  }

  has(name: string): boolean {
    return this.#names.includes(name);
  }

  /** Returns the hosts that are not in `other`. */
  without(other: Iterable<string>): NodeSet {
    return new NodeSet(combine(new Set(this.#names), '!', new Set(other)));
  }

  /** Returns the hosts that are in both. */
  intersection(other: Iterable<string>): NodeSet {
    return new NodeSet(combine(new Set(this.#names), '&', new Set(other)));
  }

  /**
   * Returns hosts chosen at random.
   *
   * @param count how many, 1 or more; all if there are fewer
   * @param random returns an integer from 0 to below its argument
   * @throws NodeSetError if count is no such integer
   */
  pick(count: number, random: (below: number) => number = randomInt): NodeSet {
    if (!Number.isInteger(count) || count < 1) {
      throw new NodeSetError(`--pick must be an integer of 1 or more, not ${count}`);
    }
    const left = [...this.#names];
    const picked: string[] = [];
    while (picked.length < count && left.length > 0) picked.push(...left.splice(random(left.length), 1));
    return new NodeSet(picked);
  }

  /** Returns the set in short: `web[01-12,20]`. */
  fold(): string {
    return fold(this.#names);
  }

  toString(): string {
    return this.fold();
  }
}

function combine(left: ReadonlySet<string>, operator: Operator, right: ReadonlySet<string>): Set<string> {
  switch (operator) {
    case ',':
      return new Set([...left, ...right]);
    case '!':
      return new Set([...left].filter((name) => !right.has(name)));
    case '&':
      return new Set([...left].filter((name) => right.has(name)));
    case '^':
      return new Set([
        ...[...left].filter((name) => !right.has(name)),
        ...[...right].filter((name) => !left.has(name)),
      ]);
  }
}

/** Yields the operands and operators; inside of brackets commas are part of the operand, and spaces mean nothing. */
function* tokens(text: string): Generator<Token> {
  let operand = '';
  let inside = false;
  for (const character of text) {
    if (character === '[' && inside)
      throw new NodeSetError(`"${text}": a bracket is opened inside of another one`);
    if (character === ']' && !inside) throw new NodeSetError(`"${text}": "]" has no "["`);
    if (character === '[' || character === ']') inside = character === '[';
    if (inside) {
      if (!/\s/.test(character)) operand += character;
    } else if (is_operator(character) || /\s/.test(character)) {
      if (operand !== '') yield token_of(operand);
      operand = '';
      if (is_operator(character)) yield { operator: character };
    } else {
      operand += character;
    }
  }
  if (inside) throw new NodeSetError(`"${text}": "[" is not closed by "]"`);
  if (operand !== '') yield token_of(operand);
}

/** A `-` by itself is the difference: it can be no host's name. */
const token_of = (operand: string): Token => (operand === '-' ? { operator: '!' } : { operand });

const is_operator = (character: string): character is Operator => [',', '!', '&', '^'].includes(character);

function resolve(operand: string, resolver: Resolver): Set<string> {
  if (!operand.startsWith('@')) {
    return new Set(
      expand(operand).flatMap((name) => (is_wild(name) ? matching(name, resolver.all()) : [name])),
    );
  }
  const written = operand.slice(1);
  if (written === '') throw new NodeSetError('"@" must be followed by the name of a group');
  if (written === '*') return new Set(resolver.all());
  const groups = expand(written).flatMap((name) =>
    is_wild(name) ? matching(name, resolver.group_names()) : [name],
  );
  const hosts = new Set<string>();
  for (const group of groups) {
    const members = resolver.group(group);
    if (!members) throw new NodeSetError(unknown_group(group, resolver));
    for (const host of members) hosts.add(host);
  }
  return hosts;
}

const is_wild = (name: string) => /[*?]/.test(name);

function matching(pattern: string, names: Iterable<string>): string[] {
  const source = pattern.replace(/[^*?]+/g, (text) => text.replace(/[\\^$.+()[\]{}|/-]/g, '\\$&'));
  const expression = new RegExp(`^${source.replaceAll('*', '.*').replaceAll('?', '.')}$`);
  return [...names].filter((name) => expression.test(name));
}

function unknown_group(name: string, resolver: Resolver): string {
  const known = [...resolver.group_names()];
  const list =
    known.length === 0 ? 'the inventory has none' : `the inventory has ${known.slice(0, 10).join(', ')}`;
  return `there is no group "${name}": ${list}${known.length > 10 ? ', …' : ''}`;
}

/** Returns the names of one operand: each combination of the numbers in its brackets. */
function expand(operand: string): string[] {
  let names = [''];
  for (const [, text = '', brackets] of operand.matchAll(/([^[\]]*)(?:\[([^[\]]*)\])?/g)) {
    const numbers = brackets === undefined ? [''] : brackets_of(brackets, operand);
    if (names.length * numbers.length > MOST_NAMES) throw too_many(operand);
    names = names.flatMap((name) => numbers.map((number) => name + text + number));
  }
  return names;
}

/** Returns the numbers of `01-12,20,0-8/2`. */
function brackets_of(text: string, operand: string): string[] {
  if (text === '') throw new NodeSetError(`"${operand}": the brackets are empty`);
  return text.split(',').flatMap((range) => range_of(range, operand));
}

function range_of(text: string, operand: string): string[] {
  const match = /^(\d+)(?:-(\d+)(?:\/(\d+))?)?$/.exec(text);
  if (!match) {
    throw new NodeSetError(`"${operand}": "${text}" is no range; it must be as 7, 1-12 or 0-10/2`);
  }
  const [, first = '', last = first, step = '1'] = match;
  const padded = [first, last].some((number) => number.length > 1 && number.startsWith('0'));
  if (padded && first.length !== last.length) {
    throw new NodeSetError(`"${operand}": both ends of "${text}" must have the same width, as 08-12`);
  }
  const [from, to, by] = [Number(first), Number(last), Number(step)];
  if (from > to) throw new NodeSetError(`"${operand}": "${text}" ends before it begins`);
  if (by < 1) throw new NodeSetError(`"${operand}": the step of "${text}" must be 1 or more`);
  if (!Number.isSafeInteger(to) || (to - from) / by > MOST_NAMES) throw too_many(operand);
  const numbers: string[] = [];
  for (let number = from; number <= to; number += by)
    numbers.push(String(number).padStart(padded ? first.length : 0, '0'));
  return numbers;
}

const missing_operand = (operator: Operator, text: string) =>
  new NodeSetError(`"${text}": "${operator}" must have a set of hosts on each side`);

const too_many = (text: string) => new NodeSetError(`"${text}" has more than ${MOST_NAMES} names`);
