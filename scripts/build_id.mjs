// @ts-check
// The build id: a number that both halves are compiled with. The package refuses a binary whose build id is not that of
// dist/, because the two would misunderstand each other.
//
// It is a hash of every source of the binary. So it is complete by construction: lib/ and a binary can only disagree if the
// binary was compiled from other sources than those that lib/ was written beside. A hash of chosen sources would not be:
// types say nothing of the fields of encode_address(), of the rows of a lookup or of the meaning of a number.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Computes the build id.
 *
 * @param {string} root the top folder of a checkout
 * @returns {number} 31 bits
 */
export function build_id(root) {
  const sources = readdirSync(join(root, 'native'), { recursive: true, encoding: 'utf8' })
    .map((name) => `native/${name}`)
    .filter((path) => /\.(cc|h|inc)$/.test(path) && path !== 'native/build_id.h')
    .sort();
  const hash = createHash('sha256');
  for (const path of sources) {
    const text = readFileSync(join(root, path), 'utf8');
    hash.update(`${path} ${text.length}\n${text}`);
  }
  return hash.digest().readUInt32BE() >>> 1;
}
