// The definition of a command, and its options. The table of options says how arguments are read, which types they have, and what --help
// prints.
import { UsageError } from './errors.js';

/** An option whose value is a `V`. */
export interface Option<V> {
  /** The letter of the short form: 'c' for -c; '' without one. */
  readonly short: string;
  /** The name of the value in --help: FILE; undefined for an option without a value. */
  readonly value?: string;
  /** The line of --help. */
  readonly help: string;
  /** The value if the option is left out. */
  readonly standard: V;
  /**
   * Returns the value of an argument.
   *
   * @param what the name of the option in the message
   * @param before the value so far: of an option that is given several times
   * @throws UsageError
   */
  read(argument: string | undefined, what: string, before: V): V;
}

export type OptionTable = Readonly<Record<string, Option<unknown>>>;

/** The values of the options of a table. */
export type Values<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Option<infer V> ? V : never;
};

/** The row of a command in the list of main.ts. */
export interface Title {
  readonly name: string;
  /** The text of the row, which is also the sentence of --help. */
  readonly summary: string;
}

export interface Definition<Table extends OptionTable> {
  /** Continues the summary in --help. */
  readonly detail?: string;
  /** The forms of the arguments after "Usage: bsd-sockets NAME", a line each. */
  readonly usage: readonly string[];
  /** The least and the greatest number of operands. */
  readonly operands: readonly [min: number, max: number];
  readonly options: Table;
  /** The text of --help below the options; an empty line in it begins a new line. */
  readonly notes?: string;
  /**
   * Runs the command.
   *
   * @returns the exit code: 0 done, 1 no answer or failed
   * @throws UsageError, OSError
   */
  run(options: Values<Table>, operands: readonly string[]): Promise<number>;
}

type Range = readonly [min: number, max: number];

/** Returns an option without a value. */
export const flag = (short: string, help: string): Option<boolean> => ({
  short,
  help,
  standard: false,
  read(argument, what) {
    if (argument !== undefined) throw new UsageError(`${what} takes no value`);
    return true;
  },
});

/** Returns an option without a value that counts how often it is given: -vv. */
export const counted = (short: string, help: string): Option<number> => ({
  short,
  help,
  standard: 0,
  read(argument, what, before) {
    if (argument !== undefined) throw new UsageError(`${what} takes no value`);
    return before + 1;
  },
});

function with_value<V>(
  base: Omit<Option<V>, 'read'>,
  read: (argument: string, what: string) => V,
): Option<V> {
  return {
    ...base,
    read(argument, what) {
      if (argument === undefined) throw new UsageError(`${what} needs a value: ${base.value}`);
      return read(argument, what);
    },
  };
}

/** Returns an option with a text, restricted to `choices` if these are given. */
export function text<Standard extends string | undefined = undefined>(
  short: string,
  value: string,
  help: string,
  standard = undefined as Standard,
  choices?: readonly string[],
): Option<string | Standard> {
  const list = choices?.join(', ');
  const base = { short, value, help: list === undefined ? help : `${help}: ${list}`, standard };
  return with_value<string | Standard>(base, (argument, what) => {
    if (choices === undefined || choices.includes(argument)) return argument;
    throw new UsageError(`${what} takes one of ${list}, not ${JSON.stringify(argument)}`);
  });
}

const numbers =
  (is_whole: boolean) =>
  <Standard extends number | undefined = undefined>(
    short: string,
    value: string,
    range: Range,
    help: string,
    standard = undefined as Standard,
  ): Option<number | Standard> =>
    with_value<number | Standard>({ short, value, help, standard }, (argument, what) =>
      read_number(what, argument, range, is_whole),
    );
/** Returns an option with a whole number. */
export const integer = numbers(true);
/** Returns an option with a number that may have a fraction: seconds. */
export const number = numbers(false);

/**
 * Reads a number, and checks its kind and range.
 *
 * @param what the name of the number in the message
 * @throws UsageError
 */
export function read_number(what: string, text: string, [min, max]: Range, is_whole = true): number {
  const value = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max && (!is_whole || Number.isInteger(value))) return value;
  const kind = is_whole ? 'a whole number' : 'a number';
  throw new UsageError(`${what} takes ${kind} from ${min} to ${max}, not ${JSON.stringify(text)}`);
}
