// The meanings of the numbers of all layers.
import { INTERNET } from './internet.js';
import { LINK } from './link.js';
import type { Meanings } from './meaning.js';
import { SERVICE } from './service.js';
import { WIRELESS } from './wireless.js';

const ALL: ReadonlyMap<string, Meanings[string]> = new Map(
  [INTERNET, LINK, SERVICE, WIRELESS].flatMap((meanings) => Object.entries(meanings)),
);

/**
 * Returns the words for a number; undefined if it has none.
 *
 * @param places the names of the field that may have a meaning, the first one that has counts
 * @param fields those of the layer or item that has the number
 */
export function meaning_of(places: readonly string[], value: number, fields: object): string | undefined {
  for (const place of places) {
    const meaning = ALL.get(place);
    if (meaning !== undefined) return meaning(value, fields);
  }
  return undefined;
}
