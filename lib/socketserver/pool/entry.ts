// The entry of a pool's threads and processes: they import this file and call `manage` or `work`, which it registers on the global
// object (see start.ts). In a bundle LIBRARY is the bundle, which is imported whole.
import { own_path, own_url } from '../../native/own_file.js';
import { manage } from './manager.js';
import { ENTRY } from './start.js';
import { work } from './worker.js';

const filename = typeof __filename === 'string' ? __filename : undefined;

/** The path of the CommonJS file to require, which takes a fraction of the time of an import; or the URL of the module to import. */
export const LIBRARY: string = own_path(filename) ?? own_url(filename);

Object.defineProperty(globalThis, ENTRY, { value: { manage, work }, configurable: true });
