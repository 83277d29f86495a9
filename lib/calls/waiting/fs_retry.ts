// Calls of node:fs on a descriptor that may be non-blocking: each is made again while it fails with EAGAIN.
//
// One function waits for the descriptor in the calling thread, the other leaves the event loop free.
import { constants } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { poll } from './poll.js';

const { EINTR } = constants.errno;
/** Milliseconds between two attempts of `retry_later`: libuv has no promise for the readiness of any descriptor. */
const PAUSE_MS = 5;

const is_again = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EAGAIN';

/**
 * retry_blocking(fd, events, call) -> what `call` returns. Blocks in poll(2) between two attempts.
 *
 * @param events POLLIN or POLLOUT
 * @throws what `call` throws, except for EAGAIN
 */
export function retry_blocking<T>(fd: number, events: number, call: () => T): T {
  for (;;) {
    try {
      return call();
    } catch (error) {
      if (!is_again(error)) throw error;
      const ready = poll([{ fd, events, revents: 0 }], -1);
      if (ready < 0 && ready !== -EINTR) throw error;
    }
  }
}

/**
 * retry_later(call) -> a promise of what `call` resolves to.
 *
 * @throws (rejects) what `call` rejects with, except for EAGAIN
 */
export async function retry_later<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!is_again(error)) throw error;
      await setTimeout(PAUSE_MS);
    }
  }
}
