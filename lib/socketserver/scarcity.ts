// Calls that fail for want of descriptors, memory or watches of epoll: which errors say so, and the pause before another try.
import { errno_code } from '../errors/errno.js';
import { sleep } from '../util/deadline.js';

/** Errors that last until the system has descriptors, memory or watches of epoll (ENOSPC) again; the request that could not be taken stays in the kernel. */
const SCARCE = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'ENOSPC', 'ETOOMANYREFS']);

/** Milliseconds between two tries of a call that fails for want of descriptors or memory. */
export const PAUSE_MS = 50;

/** Returns whether the errno is one of missing descriptors or memory. */
export function is_scarce(errno: number): boolean {
  return SCARCE.has(errno_code(errno) ?? '');
}

/** Waits PAUSE_MS on the event loop. */
export function pause(): Promise<void> {
  return sleep(PAUSE_MS);
}
