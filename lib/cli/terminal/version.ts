// The version of the package, from its package.json.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../native/load.js';

/** version() -> '0.1.0'. */
export function version(): string {
  const text = readFileSync(join(root, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
