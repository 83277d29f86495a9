// Python's KeyError and RuntimeError, which only selectors raise; select.error is OSError.
import { LookupError } from '../files/errors.js';

/** Python's KeyError: a file object that is not registered, or is registered already. */
export class KeyError extends LookupError {}

/** Python's RuntimeError: a closed selector, or a second select_async() while one waits. */
export class RuntimeError extends Error {}

// The name is set on the prototype, as in lib/errors: the stack begins with it.
for (const [name, { prototype }] of Object.entries({ KeyError, RuntimeError })) {
  Object.defineProperty(prototype, 'name', { value: name, configurable: true, writable: true });
}
