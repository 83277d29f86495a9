// find_codec: the codec of an encoding by any of its Python names.
import { LookupError } from '../../errors/builtins.js';
import { canonical_name } from './aliases.js';
import type { Codec } from './codec.js';
import { multibyte_codec } from './multibyte.js';
import { ascii, charmap_codec, latin1 } from './single_byte.js';
import { utf8, utf8_sig } from './utf8.js';
import { WIDE_CODECS } from './wide.js';

export type { Codec, Decoder, Encoder } from './codec.js';
export { type ErrorHandler, find_handler } from './handlers.js';

/** The codecs by canonical name: the ready ones, and the ones that find_codec() has built so far. */
const codecs = new Map<string, Codec>(
  [utf8, utf8_sig, ascii, latin1, ...WIDE_CODECS].map((codec) => [codec.name.replaceAll('-', '_'), codec]),
);

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
