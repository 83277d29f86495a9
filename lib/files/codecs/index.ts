// find_codec: the codec of an encoding by any of its Python names.
import { LookupError } from '../../errors/builtins.js';
import { canonical_name } from './aliases.js';
import type { Codec } from './codec.js';
import { multibyte_codec } from './multibyte.js';
import { ascii, charmap_codec, latin1 } from './single_byte.js';
import { utf8, utf8_sig } from './utf8.js';
import { utf16, utf16_be, utf16_le, utf32, utf32_be, utf32_le } from './wide.js';

export type { Codec, Decoder, Encoder } from './codec.js';
export { type ErrorHandler, find_handler } from './handlers.js';

/** The codecs by canonical name: the ready ones, and the ones that find_codec() has built so far. */
const codecs = new Map<string, Codec>([
  ['utf_8', utf8],
  ['utf_8_sig', utf8_sig],
  ['ascii', ascii],
  ['latin_1', latin1],
  ['utf_16', utf16],
  ['utf_16_le', utf16_le],
  ['utf_16_be', utf16_be],
  ['utf_32', utf32],
  ['utf_32_le', utf32_le],
  ['utf_32_be', utf32_be],
]);

/**
 * Returns the codec of an encoding.
 *
 * @param encoding any name that Python has for the encoding
 * @throws LookupError for an unknown name
 */
export function find_codec(encoding: string): Codec {
  // The encoding of the locale, 'locale' in Python, is UTF-8 here.
  const name = encoding === 'locale' ? 'utf_8' : canonical_name(encoding);
  const known = codecs.get(name);
  if (known !== undefined) return known;
  const codec = charmap_codec(name) ?? multibyte_codec(name);
  if (codec === undefined) throw new LookupError(`unknown encoding: ${encoding}`);
  codecs.set(name, codec);
  return codec;
}
