// Name lookups without blocking: drives the steps of lib/calls/lookup.ts, waiting for each native lookup by readiness.
// Each runs on a thread of its own, so neither the loop nor the pool of `fs` is kept busy. A lookup whose caller no longer
// waits is abandoned.
import { addon, cells, GENERATION } from '../../native/addon.js';
import type { Lookup } from '../lookup.js';
import { READ, ready } from './readiness.js';

/** Goes on with a lookup that waits for the native lookup `id`. @throws what the lookup throws; the signal's reason */
export async function finish_lookup<T>(steps: Lookup<T>, id: number, signal?: AbortSignal): Promise<T> {
  for (let waiting = id; ; ) {
    await lookup_done(waiting, signal);
    const step = steps.next();
    if (step.done) return step.value;
    waiting = step.value;
  }
}

async function lookup_done(id: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    const fd = addon.lookup_fd(id);
    if (fd < 0) return;
    // A call names a descriptor together with its generation, which only adopt() tells.
    addon.adopt(fd);
    const generation = cells[GENERATION] as number;
    addon.disown(fd);
    await ready(fd, generation, READ, signal);
  } catch (error) {
    addon.lookup_drop(id);
    throw error;
  }
}
