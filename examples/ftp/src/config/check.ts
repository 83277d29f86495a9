// Checks of values that come from JSON: each is a function that returns the value with its type, or throws an error that names the key and
// says what is right. `object` puts them together; config.ts has the keys.

/** A configuration is wrong: the message names the key. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Returns the value with its type. @throws ConfigError */
export type Check<T> = (value: unknown, key: string) => T;

/** What a check returns. */
export type Checked<C> = C extends Check<infer T> ? T : never;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function fail(key: string, right: string, value: unknown): never {
  throw new ConfigError(
    value === undefined
      ? `${key} is missing: it must be ${right}`
      : `${key} must be ${right}, not ${shown(value)}`,
  );
}

export const boolean: Check<boolean> = (value, key) =>
  typeof value === 'boolean' ? value : fail(key, 'true or false', value);

/** @param right what it is for, for the message @param pattern what it has to match */
export function text(right = 'a string', pattern?: RegExp): Check<string> {
  return (value, key) =>
    typeof value === 'string' && value !== '' && (pattern === undefined || pattern.test(value))
      ? value
      : fail(key, right, value);
}

export function integer(min: number, max: number, unit = ''): Check<number> {
  const right = `an integer from ${min} to ${max}${unit && ` (${unit})`}`;
  return (value, key) =>
    typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
      ? value
      : fail(key, right, value);
}

/** A time in seconds. */
export function seconds(min: number): Check<number> {
  return (value, key) =>
    typeof value === 'number' && value >= min && value <= 1e9
      ? value
      : fail(key, `a number of seconds, at least ${min}`, value);
}

export function one_of<const T extends string>(...words: T[]): Check<T> {
  return (value, key) =>
    words.find((word) => word === value) ?? fail(key, words.map((word) => `"${word}"`).join(' or '), value);
}

export function nullable<T>(check: Check<T>): Check<T | null> {
  return (value, key) => (value === null ? null : check(value, key));
}

/** What a key that is left out stands for. */
export function or<T>(check: Check<T>, fallback: T): Check<T> {
  return (value, key) => (value === undefined ? fallback : check(value, key));
}

export function list<T>(check: Check<T>, min = 0): Check<T[]> {
  return (value, key) => {
    if (!Array.isArray(value) || value.length < min)
      fail(key, min > 0 ? `a list with at least ${min} element` : 'a list', value);
    return (value as unknown[]).map((element, i) => check(element, `${key}[${i}]`));
  };
}

/** Two integers, the first not above the second. */
export function range(min: number, max: number): Check<[number, number]> {
  const each = integer(min, max);
  return (value, key) => {
    if (!Array.isArray(value) || value.length !== 2)
      fail(key, `a list of two integers, [first, last]`, value);
    const [first, last] = [each(value[0], `${key}[0]`), each(value[1], `${key}[1]`)];
    return first <= last
      ? [first, last]
      : fail(key, 'a list whose first element is not above its last', value);
  };
}

/** How many letters differ, by the shortest way from one word to the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
    row = next;
  }
  return row[b.length] ?? 0;
}

/** An object with these keys and no others. */
export function object<T extends Record<string, unknown>>(checks: { [K in keyof T]: Check<T[K]> }): Check<T> {
  const names = Object.keys(checks);
  return (value, key) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      fail(key || 'the configuration', 'an object', value);
    const within = (name: string) => (key === '' ? name : `${key}.${name}`);
    const unknown = Object.keys(value).find((name) => !names.includes(name));
    if (unknown !== undefined) {
      const near = names.find((name) => distance(name, unknown) <= 2);
      throw new ConfigError(
        `${within(unknown)} is not known: ${near === undefined ? `use one of ${names.join(', ')}` : `did you mean ${near}?`}`,
      );
    }
    const entries = Object.entries(checks) as [string, Check<unknown>][];
    return Object.fromEntries(
      entries.map(([name, check]) => [name, check((value as Record<string, unknown>)[name], within(name))]),
    ) as T;
  };
}

/** An object that may be left out; its keys then have their fallbacks. */
export function section<T extends Record<string, unknown>>(
  checks: { [K in keyof T]: Check<T[K]> },
): Check<T> {
  const check = object<T>(checks);
  return (value, key) => check(value === undefined ? {} : value, key);
}
