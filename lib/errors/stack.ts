// The stacks of errors: where they begin, and how the error of a promise gets the functions that await the promise.
//
// begin_at      lets a stack begin at the caller of a function
// reject_later  rejects a promise with an error whose stack is that of the functions that await the promise
import { IncompleteReadError, OSError } from './index.js';

/** A function that may stand on a stack. */
export type Frame = Parameters<typeof Error.captureStackTrace>[1] & {};

/** Returns whether the library made the error, so that its stack may be taken anew. */
function is_own(error: unknown): error is Error {
  const is_class = error instanceof OSError || error instanceof IncompleteReadError;
  return (is_class || error instanceof AggregateError) && Object.isExtensible(error);
}

/** Lets the stack of an error of the library begin at the caller of `here`, which runs now. Returns the error. */
export function begin_at<E>(error: E, here: Frame): E {
  if (is_own(error)) Error.captureStackTrace(error, here);
  return error;
}

/**
 * Rejects a promise with the error of a call that has waited. Its stack becomes that of the functions that await the promise: V8
 * knows them only in the reaction of a promise that this one follows. So it follows one that fails in its reaction, two
 * microtasks later. A call that succeeds does none of this.
 *
 * @param resolve the function that resolves the promise
 * @param told called once the functions that await the promise know the error
 */
export function reject_later(
  resolve: (failing: Promise<never>) => void,
  error: unknown,
  told: () => void = nothing,
): void {
  let go = nothing;
  const begun = new Promise<void>((begin) => {
    go = begin;
  });
  const failing = begun.then(function fail(): never {
    // A second reaction of this promise would hide the first, by which V8 finds the functions.
    queueMicrotask(() => queueMicrotask(told));
    throw begin_at(error, fail);
  });
  // Before go(): the promise follows before the reaction runs.
  resolve(failing);
  go();
}

function nothing(): void {}
