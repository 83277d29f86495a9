// When a pool needs more workers. As many as there are processors it has as soon as requests wait; more only where that makes
// requests wait for less: those that mostly wait themselves, and those that compute for so long that others should have their
// turn beside them. Short ones would only get slower.
import { availableParallelism } from 'node:os';
import type { Workers } from './workers.js';

const PROCESSORS = availableParallelism();
/** How often to look. */
const LOOK_MS = 5;
/** Requests are measured for so long at least, and at most: */
const MEASURE_MS = 20;
const MEASURE_MAX_MS = 100;
/** those that mostly wait are worth more workers when they take so long, */
const WAITING_MS = 1;
/** and those that compute. */
const COMPUTING_MS = 100;

/** What grow() needs to know of the workers of a pool. */
type GrowingWorkers = Pick<
  Workers,
  'size' | 'ready' | 'finished' | 'count_waiting' | 'vacancy' | 'start_one'
>;

/** That requests wait which no worker is free for. */
export interface Shortage {
  /** Waits until some do. */
  begins(): Promise<unknown>;
  /** Whether some do now. */
  goes_on(): boolean;
}

/** Starts workers while requests wait that nobody takes, until `stop` aborts. */
export async function grow(workers: GrowingWorkers, stop: AbortSignal, shortage: Shortage): Promise<void> {
  while (!stop.aborted) {
    await workers.vacancy(stop);
    await shortage.begins();
    const are_worth_more = measure(workers);
    for (let looks = 0; looks < MEASURE_MAX_MS / LOOK_MS; looks++) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      if (stop.aborted || !shortage.goes_on()) break;
      if (are_worth_more() || workers.size < PROCESSORS) workers.start_one();
    }
  }
}

/** Begins to measure requests; what it gives tells, at each look, whether they are worth more workers than processors. */
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
    return spent_ms >= MEASURE_MS && (wait || compute);
  };
}
