// Values that make a structured clone of an object fail (structuredClone, postMessage, workerData). The clone would be a plain object:
// with the numbers of the original, whose descriptor it does not own, or with nothing at all.
//
// A symbol cannot be cloned, and the DataCloneError shows its description: `Symbol(…) could not be cloned.`

/** The value of an own enumerable property of each object that has a descriptor. */
export const UNCLONABLE = Symbol(
  'an object with a descriptor stays in its thread: hand a socket to another thread by share() and fromshare()',
);

/** The same of each object whose state is private and without a descriptor of a socket. */
export const UNCLONABLE_STATE = Symbol(
  'this object stays in its thread, as its clone would be empty: hand over what it gives, such as bytes',
);
