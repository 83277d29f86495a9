// The library, as the threads and processes of a pool import it: they call what this registers (start.ts).
//
// In a bundle LIBRARY is the bundle, which is imported whole.
import { manage } from './manager.js';
import { ENTRY } from './start.js';
import { work } from './worker.js';

/** What to import. */
export const LIBRARY: string = import.meta.url;

Object.defineProperty(globalThis, ENTRY, { value: { manage, work }, configurable: true });
