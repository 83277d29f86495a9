// Name lookups without blocking: drives the steps of lib/calls/lookup.ts. Native lookups run on threads of the addon, so
// neither the loop nor the pool of `fs` is kept busy, and one descriptor tells of all that are done. A lookup whose caller no
// longer waits is abandoned.
import { raise } from '../../errors/raise.js';
import { begin_at } from '../../errors/stack.js';
import { addon } from '../../native/addon.js';
import type { Lookup } from '../lookup.js';
import { hold, let_go, READ, unwatch, type Waiting, want, watch } from './readiness.js';

/** Goes on with a lookup that waits for the native lookup `id`. @throws what the lookup throws; the signal's reason */
export async function finish_lookup<T>(steps: Lookup<T>, id: number, signal?: AbortSignal): Promise<T> {
  try {
    for (let waiting = id; ; ) {
      await lookup_done(waiting, signal);
      const step = steps.next();
      if (step.done) return step.value;
      waiting = step.value;
    }
  } catch (error) {
    // The reason of the signal is the program's: its stack stays.
    throw signal?.aborted ? error : begin_at(error, finish_lookup);
  }
}

// How to go on after each native lookup that is waited for, by its number.
const waiting = new Map<number, () => void>();
let fd = -1;

const waiter: Waiting = {
  on_ready() {
    // Asked for before the look: a lookup that is done meanwhile makes the descriptor ready again.
    want(fd, READ);
    for (const [id, go_on] of waiting) if (addon.lookup_done(id) !== 0) go_on();
  },
};

function lookup_done(id: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    signal?.throwIfAborted();
    if (waiting.size === 0) watch_lookups();
    const end = () => {
      waiting.delete(id);
      signal?.removeEventListener('abort', abort);
      if (waiting.size > 0) return;
      unwatch(fd, waiter);
      let_go();
    };
    const abort = () => {
      end();
      reject(signal?.reason);
    };
    const go_on = () => {
      end();
      resolve();
    };
    waiting.set(id, go_on);
    signal?.addEventListener('abort', abort);
    // A lookup that was done before the descriptor existed made nothing ready.
    if (addon.lookup_done(id) !== 0) go_on();
  }).catch((error) => {
    addon.lookup_drop(id);
    throw error;
  });
}

/** Watches the descriptor, which reports at once if any lookup was done before. @throws OSError, EMFILE for instance */
function watch_lookups(): void {
  fd = addon.lookup_fd();
  if (fd < 0) raise(fd, { syscall: 'eventfd' });
  watch(fd, addon.generation(fd), waiter);
  want(fd, READ);
  hold();
}
