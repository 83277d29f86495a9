// How a text file reads and writes: encoding, error handler and line ends, as they are given and changed.
import { shown } from '../util/validate.js';
import { type Codec, type ErrorHandler, find_codec, find_handler } from './codecs/index.js';
import { UnsupportedOperation } from './errors.js';
import type { Newline } from './newlines.js';

/** Options of makefile() and of TextIOWrapper, as Python's keyword arguments. */
export interface TextOptions {
  /** The name of the encoding; utf-8 if not given. */
  encoding?: string | null;
  /**
   * What becomes of bytes that are no text, and of characters that the encoding lacks: 'strict' (an error; the default),
   * 'ignore', 'replace', 'backslashreplace', 'surrogateescape', 'xmlcharrefreplace'.
   */
  errors?: string | null;
  /**
   * What ends a line. null: `\n`, `\r` and `\r\n`, read as `\n`; '': the same, read as they are; else only this one. When
   * writing, what `\n` becomes.
   */
  newline?: string | null;
}

/** The names of TextOptions. */
export const TEXT_OPTIONS = ['encoding', 'errors', 'newline'] as const;

/** Options of TextIOWrapper. */
export interface TextIOWrapperOptions extends TextOptions {
  /** write() flushes after a line. */
  line_buffering?: boolean;
  /** write() hands everything to the buffer below at once. */
  write_through?: boolean;
}

/** The names of TextIOWrapperOptions. */
export const WRAPPER_OPTIONS = [...TEXT_OPTIONS, 'line_buffering', 'write_through'] as const;

/** A string, or the fallback for null and undefined. */
function string_or(fallback: string, value: unknown, name: string): string {
  if (value === undefined || value === null) return fallback;
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string or null, not ${shown(value)}`);
  return value;
}

/** What ends a line, checked. */
function check_newline(value: unknown): Newline {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string') throw new TypeError(`newline must be a string or null, not ${shown(value)}`);
  if (value === '' || value === '\n' || value === '\r' || value === '\r\n') return value;
  throw new RangeError(`illegal newline value: ${shown(value)}`);
}

export interface TextSettings {
  /** The name, as it was given. */
  readonly encoding: string;
  readonly codec: Codec;
  readonly errors: string;
  readonly handler: ErrorHandler;
  readonly newline: Newline;
}

function settings_of(encoding: string, errors: string, newline: Newline): TextSettings {
  const codec = find_codec(encoding);
  const handler = find_handler(errors);
  return { encoding: encoding === 'locale' ? 'UTF-8' : encoding, codec, errors, handler, newline };
}

/** The settings of a new file. @throws LookupError on an encoding or error handler that does not exist; RangeError */
export function text_settings(options: TextOptions): TextSettings {
  const encoding = string_or('UTF-8', options.encoding, 'encoding');
  const errors = string_or('strict', options.errors, 'errors');
  return settings_of(encoding, errors, check_newline(options.newline));
}

/**
 * The settings after reconfigure(): the same object where none is given.
 *
 * @param started whether text was read already
 * @throws UnsupportedOperation if it was, and they change; LookupError, RangeError
 */
export function changed_settings(now: TextSettings, options: TextOptions, started: boolean): TextSettings {
  const encoding = string_or(now.encoding, options.encoding, 'encoding');
  const kept = typeof options.encoding === 'string' ? 'strict' : now.errors;
  const errors = string_or(kept, options.errors, 'errors');
  const newline = options.newline === undefined ? now.newline : check_newline(options.newline);
  const renamed = [options.encoding, options.errors].some((name) => typeof name === 'string');
  if (!renamed && options.newline === undefined) return now;
  if (started) {
    throw new UnsupportedOperation(
      'It is not possible to set the encoding or newline of stream after the first read',
    );
  }
  return settings_of(encoding, errors, newline);
}
