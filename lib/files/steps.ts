// Steps: they keep the logic of buffers and text apart from waiting. An operation is a generator. It yields memory that the
// socket must fill, or bytes that the socket must send. The generator gets back the number of bytes, 0 at the end of the
// stream, null if the socket would have blocked. Its return value is the result. Blocking files drive the generator with
// `run`; files of promises drive the same generators and await each count (promises/direction.ts).

/** Bytes in any kind of memory, shared memory included. */
export type Bytes = Uint8Array;

/** An operation on a stream that returns `T`. */
export type Steps<T> = Generator<Bytes, T, number | null>;

/**
 * Runs an operation to its end, blocking.
 *
 * @param owner the buffer of the operation. It refuses a second operation while one runs: a signal listener that runs inside a
 *   blocked read must not read from the same file
 * @param steps the operation
 * @param transfer receives into the yielded bytes, or sends them; its errors are thrown into the operation
 * @throws Error while another operation runs; errors of the operation and of `transfer`
 */
export function run<T>(
  owner: { busy: boolean },
  steps: Steps<T>,
  transfer: (bytes: Bytes) => number | null,
): T {
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

/** Returns the count of a transfer, checked: an overridden `send` or `recv_into` may return anything. @throws RangeError */
export function check_count(count: number, most: number, call: string): number {
  if (count >= 0 && count <= most) return count;
  throw new RangeError(`${call}() returned ${count}, which should have been between 0 and ${most}`);
}
