// When a pool needs more workers. As many as there are processors it has as soon as requests wait; more only where that makes
// requests wait for less: those that mostly wait themselves, and those that compute for so long that others should have their
// turn beside them. Short ones would only get slower.
import { availableParallelism } from 'node:os';

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
export interface Workers {
  /** How many there are, starting ones too. */
  readonly size: number;
  /** How many are ready, busy or not. */
  readonly ready: number;
  /** How many requests were finished in all, in 32 bits. */
  readonly finished: number;
  /** How many have a request and wait for something; the others compute, or have no request. */
  count_waiting(): number;
  /** Waits until there are fewer workers than there may be. */
  vacancy(stop: AbortSignal): Promise<void>;
  /** Starts one worker more, unless there are as many as there may be. */
  hire(): void;
}

/** That requests wait which no worker is free for. */
export interface Shortage {
  /** Waits until some do. */
  begins(): Promise<unknown>;
  /** Whether some do now. */
  goes_on(): boolean;
}

/** Starts workers while requests wait that nobody takes, until `stop` aborts. */
export async function grow(workers: Workers, stop: AbortSignal, shortage: Shortage): Promise<void> {
  while (!stop.aborted) {
    await workers.vacancy(stop);
    await shortage.begins();
    const are_worth_more = measure(workers);
    for (let looks = 0; looks < MEASURE_MAX_MS / LOOK_MS; looks++) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      if (stop.aborted || !shortage.goes_on()) break;
      if (are_worth_more() || workers.size < PROCESSORS) workers.hire();
    }
  }
}

/** Begins to measure requests; what it gives tells, at each look, whether they are worth more workers than processors. */
function measure(workers: Workers): () => boolean {
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
