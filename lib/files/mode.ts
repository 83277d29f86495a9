// The arguments of makefile(), at run time (parse_arguments) and as types (FileOf): mode and buffering choose the class of the file, for
// blocking files and files of promises alike.
import { any_integer, integer_or, options_of, shown } from '../util/validate.js';
import { take_options } from '../util/wait_options.js';
import { TEXT_OPTIONS, type TextOptions } from './text_settings.js';

/** The default size of a buffer, in bytes. */
export const DEFAULT_BUFFER_SIZE = 8192;

/** The classes of files that one module has, by their use. */
export type FileClasses = Record<'unbuffered' | 'reader' | 'writer' | 'pair' | 'text', unknown>;

type Has<Mode extends string, Letter extends string> = Mode extends `${string}${Letter}${string}`
  ? true
  : false;

type BufferedOf<Classes extends FileClasses, Mode extends string> =
  Has<Mode, 'w'> extends true
    ? Has<Mode, 'r'> extends true
      ? Classes['pair']
      : Classes['writer']
    : Classes['reader'];

type BinaryOf<Classes extends FileClasses, Mode extends string, Buffering> = Buffering extends 0 | 0n
  ? Classes['unbuffered']
  : number extends Buffering
    ? Classes['unbuffered'] | BufferedOf<Classes, Mode>
    : BufferedOf<Classes, Mode>;

/** The class that a mode and a buffering (0: none) choose; the union of all classes if the mode is an unknown string. */
export type FileOf<Classes extends FileClasses, Mode extends string, Buffering> = string extends Mode
  ? Classes[keyof Classes]
  : Mode extends string
    ? Has<Mode, 'b'> extends true
      ? BinaryOf<Classes, Mode, Buffering>
      : Classes['text']
    : never;

/** Options of makefile(). */
export interface MakefileOptions extends TextOptions {
  /** The longest line, in bytes (characters in text mode) with its line end, of readline() without a size; null: none. */
  limit?: number | bigint | null | undefined;
}

const OPTIONS = [...TEXT_OPTIONS, 'limit'] as const;

/** The checked arguments of makefile(). */
export interface MakefileArguments {
  readonly letters: string;
  readonly reading: boolean;
  readonly writing: boolean;
  readonly binary: boolean;
  /** The size of the buffer in bytes; 0: none. */
  readonly size: number;
  /** The longest line; Infinity: any. */
  readonly limit: number;
  readonly options: MakefileOptions;
}

/** Checks the arguments of makefile(): mode, buffering, options, of which any may be left out. @throws TypeError, RangeError */
export function parse_arguments(rest: unknown[]): MakefileArguments {
  const options: MakefileOptions = options_of(take_options(rest, 2, OPTIONS) ?? {}, OPTIONS);
  const [mode, buffering] = rest;
  const limit = integer_or(Number.POSITIVE_INFINITY, options.limit, 'limit', 1, Number.MAX_SAFE_INTEGER);
  const letters = mode ?? 'r';
  if (typeof letters !== 'string') throw new TypeError(`mode must be a string, not ${shown(letters)}`);
  if (/[^rwb]/.test(letters)) throw new RangeError(`invalid mode '${letters}' (only r, w, b allowed)`);
  const writing = letters.includes('w');
  const reading = letters.includes('r') || !writing;
  const binary = letters.includes('b');
  const size = any_integer(buffering ?? -1, 'buffering');
  if (size === 0 && !binary) throw new RangeError('unbuffered streams must be binary');
  return {
    letters,
    reading,
    writing,
    binary,
    size: size < 0 ? DEFAULT_BUFFER_SIZE : size,
    limit,
    options,
  };
}
