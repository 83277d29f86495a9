// The errors of Python's that only selectors raise; select.error is OSError.
import { LookupError } from '../files/errors.js';

/** Python's KeyError: a file object that is not registered, or is already. */
export class KeyError extends LookupError {}

/** Python's RuntimeError: a selector that is closed, or waits already. */
export class RuntimeError extends Error {}

// On the prototype, as in ../errors.ts: the stack begins with it.
for (const [name, { prototype }] of Object.entries({ KeyError, RuntimeError })) {
  Object.defineProperty(prototype, 'name', { value: name, configurable: true, writable: true });
}
