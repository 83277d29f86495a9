// UNCLONABLE: it makes a structured clone of an object fail (structuredClone, postMessage, workerData). The clone would be a plain object
// with the numbers of the original, whose descriptor it does not own.
//
// A symbol cannot be cloned, and the DataCloneError shows its description: `Symbol(…) could not be cloned.`

/** The value of an own enumerable property of each object that has a descriptor. */
export const UNCLONABLE = Symbol(
  'an object with a descriptor stays in its thread: hand a socket to another thread by share() and fromshare()',
);
