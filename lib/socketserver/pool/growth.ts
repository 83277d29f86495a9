// The growth of a pool: when it needs more workers. If requests wait, it gets as many workers as there are processors. It gets
// more only if requests mostly wait themselves, or compute for a long time and others should have a turn beside them. Short
// requests would only get slower by more workers.

import { availableParallelism } from 'node:os';
import { sleep } from '../../util/deadline.js';
import type { Workers } from './workers.js';

const PROCESSORS = availableParallelism();
/** Milliseconds between two looks at the workers. */
const LOOK_MS = 5;
/** Milliseconds of the shortest measurement. */
const MEASURE_MIN_MS = 20;
/** Milliseconds of the longest measurement; then another begins. */
const MEASURE_MAX_MS = 100;
/** Milliseconds of a request that mostly waits, from which on it justifies more workers than processors. */
const WAITING_MS = 1;
/** Milliseconds of a request that computes, from which on it justifies more workers than processors. */
const COMPUTING_MS = 100;

/** The members of Workers that grow() needs. */
type GrowingWorkers = Pick<
  Workers,
  'size' | 'ready' | 'finished' | 'count_waiting' | 'vacancy' | 'start_one'
>;

/**
 * Starts workers while requests wait for a free one, until `stop` aborts.
 *
 * @param shortage `begins` waits until requests wait for which no worker is free, and `goes_on` returns whether they wait now
 */
export async function grow(
  workers: GrowingWorkers,
  stop: AbortSignal,
  shortage: { begins(): Promise<unknown>; goes_on(): boolean },
): Promise<void> {
  while (!stop.aborted) {
    await workers.vacancy(stop);
    await shortage.begins();
    const justify_more = measure(workers);
    for (let looks = 0; looks < MEASURE_MAX_MS / LOOK_MS; looks++) {
      await sleep(LOOK_MS);
      if (stop.aborted || !shortage.goes_on()) break;
      if (justify_more() || workers.size < PROCESSORS) workers.start_one();
    }
  }
}

/** Begins a measurement of requests. Returns a function that, at each look, says if they justify more workers than processors. */
function measure(workers: GrowingWorkers): () => boolean {
  const began = performance.now();
  const before = workers.finished;
  let waiting = 0;
  let seen = 0;
  return () => {
    const { ready } = workers;
    waiting += workers.count_waiting();
    seen += ready;
    const spent_ms = performance.now() - began;
    const count = 1 + ((workers.finished - before) | 0);
    const wait = waiting > seen / 2 && (spent_ms * ready) / count >= WAITING_MS;
    const compute = (spent_ms * Math.min(ready, PROCESSORS)) / count >= COMPUTING_MS;
    return spent_ms >= MEASURE_MIN_MS && (wait || compute);
  };
}
