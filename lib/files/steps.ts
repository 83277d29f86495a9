// How the logic of buffers and text is kept apart from the waiting. An operation is a generator ("steps"): it yields the
// memory that the socket is to fill (or whose bytes it is to send), and is given back how many bytes that were, 0 at the
// end of the stream, null where the socket would have blocked. What it returns is the result. The blocking files of
// this folder drive it with `run`; files of promises drive the very same generators and await each count.

/** Bytes in memory of any kind. */
export type Bytes = Uint8Array<ArrayBufferLike>;

/** An operation on a stream: see above. */
export type Steps<T> = Generator<Bytes, T, number | null>;

/** What a buffer or a text layer works for: only one operation may be under way on it. */
export interface Busy {
  busy: boolean;
}

/**
 * Runs an operation to its end, blocking.
 *
 * @param owner refuses a second operation while one is under way: a signal listener that runs inside a blocked read must
 *   not read from the same file
 * @param steps the operation
 * @param transfer receives into, or sends, the bytes given; its errors are thrown into the operation
 * @throws Error where an operation is under way; what `transfer` and the operation throw
 */
export function run<T>(owner: Busy, steps: Steps<T>, transfer: (bytes: Bytes) => number | null): T {
  if (owner.busy) throw new Error('reentrant call: this file is in the middle of another read or write');
  owner.busy = true;
  try {
    let step = steps.next(0);
    while (!step.done) {
      let count: number | null;
      try {
        count = transfer(step.value);
      } catch (error) {
        step = steps.throw(error);
        continue;
      }
      step = steps.next(count);
    }
    return step.value;
  } finally {
    owner.busy = false;
  }
}

/** The count that a transfer gave, checked: an overridden `send` or `recv_into` may return anything. */
export function check_count(count: number, bytes: Bytes, call: string): number {
  if (count >= 0 && count <= bytes.length) return count;
  throw new RangeError(`${call}() returned ${count}, which should have been between 0 and ${bytes.length}`);
}
