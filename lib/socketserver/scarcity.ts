// Calls that fail for want of descriptors, memory or threads: which errors say so, and the pause before another try.
//
// Such a want passes. It ends no server, worker or wait: each of them tries again, at most every PAUSE_MS, and requests stay in the
// kernel meanwhile.
import { errno_code } from '../errors/errno.js';
import { sleep } from '../util/deadline.js';

/** ENOSPC: the user watches as many descriptors by epoll as the system lets each user. */
const SCARCE = new Set<unknown>(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'ENOSPC', 'ETOOMANYREFS']);
/** The same of Node, which starts a process or a thread. */
const NO_START = new Set<unknown>(['EAGAIN', 'ERR_WORKER_INIT_FAILED']);

/** Milliseconds between two tries of a call that fails for want of descriptors or memory. */
export const PAUSE_MS = 50;

/** Returns whether the errno is one of missing descriptors or memory. */
export function is_scarce(errno: number): boolean {
  return SCARCE.has(errno_code(errno));
}

/** Returns whether an error is one of missing descriptors or memory. */
export function is_scarcity(error: unknown): boolean {
  return error instanceof Error && 'code' in error && SCARCE.has(error.code);
}

/** Returns whether a thread or process could not be started for want of descriptors, memory or threads. */
export function is_start_scarcity(error: unknown): boolean {
  return is_scarcity(error) || (error instanceof Error && 'code' in error && NO_START.has(error.code));
}

/** Waits PAUSE_MS on the event loop, or until `stop` aborts. */
export function pause(stop?: AbortSignal): Promise<void> {
  return sleep(PAUSE_MS, stop);
}

const never = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

/** Blocks the thread for PAUSE_MS. Not by poll(), which needs a descriptor itself at the first wait of a process. */
export function pause_blocking(): void {
  Atomics.wait(never, 0, 0, PAUSE_MS);
}

/** Makes a call again, after a pause, as long as it fails for want of descriptors or memory. Blocks the thread. */
export function persist<T>(call: () => T): T {
  for (;;) {
    try {
      return call();
    } catch (error) {
      if (!is_scarcity(error)) throw error;
    }
    pause_blocking();
  }
}
