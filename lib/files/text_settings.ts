// The settings of a text file: encoding, error handler and line end. They come from the options of makefile(), and
// reconfigure() changes them.

import { UnsupportedOperation } from '../errors/builtins.js';
import { shown } from '../util/validate.js';
import { find_codec, find_handler } from './codecs/index.js';
import type { Newline } from './newlines.js';

/** Options of makefile() and of TextIOWrapper, as Python's keyword arguments. */
export interface TextOptions {
  /** The name of the encoding; utf-8 if not given. */
  encoding?: string | null | undefined;
  /**
   * The handler of bytes that are no text, and of characters that the encoding lacks: 'strict' (an error; the default),
   * 'ignore', 'replace', 'backslashreplace', 'surrogateescape', 'xmlcharrefreplace'.
   */
  errors?: string | null | undefined;
  /**
   * The line end. Reading: null (the default) ends lines at `\n`, `\r` and `\r\n`, and reads each as `\n`; '' ends them at the
   * same three, and keeps them; any other value is the only line end. Writing: `\n` becomes `\r` or `\r\n` if that is given.
   */
  newline?: string | null | undefined;
}

/** The names of TextOptions. */
export const TEXT_OPTIONS = ['encoding', 'errors', 'newline'] as const;

/** When write() does more than to buffer the text; reconfigure() changes it. */
export interface Flushing {
  /** True: write() flushes after a line. */
  line_buffering: boolean;
  /** True: write() passes all text to the buffer below at once. */
  write_through: boolean;
}

/** Options of TextIOWrapper. */
export interface TextIOWrapperOptions extends TextOptions {
  /** True: write() flushes after a line. */
  line_buffering?: boolean | undefined;
  /** True: write() passes all text to the buffer below at once. */
  write_through?: boolean | undefined;
}

/** Sets the flags that the options have. */
export function set_flushing(flushing: Flushing, options: TextIOWrapperOptions): void {
  flushing.line_buffering = options.line_buffering ?? flushing.line_buffering;
  flushing.write_through = options.write_through ?? flushing.write_through;
}

/** The names of TextIOWrapperOptions. */
export const WRAPPER_OPTIONS = [...TEXT_OPTIONS, 'line_buffering', 'write_through'] as const;

/** Returns the string, or the fallback for null and undefined. @throws TypeError */
function string_or(fallback: string, value: unknown, name: string): string {
  if (value === undefined || value === null) return fallback;
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string or null, not ${shown(value)}`);
  return value;
}

/** Returns the line end, checked. @throws TypeError, RangeError */
function check_newline(value: unknown): Newline {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string') throw new TypeError(`newline must be a string or null, not ${shown(value)}`);
  if (value === '' || value === '\n' || value === '\r' || value === '\r\n') return value;
  throw new RangeError(`illegal newline value: ${shown(value)}`);
}

/** The checked settings; `encoding` is the name as in the options. */
export type TextSettings = Readonly<ReturnType<typeof settings_of>>;

function settings_of(encoding: string, errors: string, newline: Newline) {
  const codec = find_codec(encoding);
  const handler = find_handler(errors);
  return { encoding: encoding === 'locale' ? 'UTF-8' : encoding, codec, errors, handler, newline };
}

/** Returns the settings of a new file. @throws LookupError for an unknown encoding or error handler; TypeError, RangeError */
export function text_settings(options: TextOptions): TextSettings {
  const encoding = string_or('UTF-8', options.encoding, 'encoding');
  const errors = string_or('strict', options.errors, 'errors');
  return settings_of(encoding, errors, check_newline(options.newline));
}

/**
 * Returns the settings after reconfigure(): the same object if none of the options is given.
 *
 * @param started true if text was read already
 * @throws UnsupportedOperation if text was read already and an option is given; LookupError, TypeError, RangeError
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
