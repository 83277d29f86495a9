// The key of the method that console.log and util.inspect call, for files that a bundle for browsers has, too: these import no node:util.

/** util.inspect.custom. */
export const INSPECT: unique symbol = Symbol.for('nodejs.util.inspect.custom');
