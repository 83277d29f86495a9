// The entry of a pool's threads and processes: they import this file and call `manage` or `work`, which it registers on the global
// object (see start.ts). In a bundle LIBRARY is the bundle, which is imported whole.
import { manage } from './manager.js';
import { ENTRY } from './start.js';
import { work } from './worker.js';

/** The URL of the module to import. */
export const LIBRARY: string = import.meta.url;

Object.defineProperty(globalThis, ENTRY, { value: { manage, work }, configurable: true });
