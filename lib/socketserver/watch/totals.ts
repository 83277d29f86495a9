// The totals of a pool for statistics(): words of the shared state, which workers add to. A child process has its own, from which the
// manager takes what makes sense.
import { REFUSAL_REASONS } from '../admission/refused.js';
import { by_reason, type Counts } from './statistics.js';

/** Number of 32-bit words. All but the events wrap around. */
export const TOTALS_SIZE = 6 + REFUSAL_REASONS.length;

/** Index of the bits of the events that somebody listens to, see watch/channels.ts. */
const EVENTS = 0;
/** Index of the number of times that the manager has taken over what child processes have counted. */
const COLLECTED = 1;
const ERRORS = 2;
const HANDLER_TIMEOUTS = 3;
const IDLE_TIMEOUTS = 4;
/** Index of the time of requests in milliseconds. */
const TIME = 5;
const REFUSED = 6;

/** Milliseconds that statistics() waits for the manager at most. */
const COLLECT_MS = 200;

/** Kinds of time-outs. */
export type TimeoutOption = 'handler_timeout' | 'idle_timeout';

export class Totals {
  readonly #words: Int32Array;
  /** The part of a millisecond that is not in the words yet. */
  #rest_ms = 0;

  /** @param words TOTALS_SIZE of them */
  constructor(words: Int32Array) {
    this.#words = words;
  }

  #add(index: number, count = 1): void {
    Atomics.add(this.#words, index, count);
  }

  /** Returns the bits of the events that somebody listens to. */
  get events(): number {
    return Atomics.load(this.#words, EVENTS);
  }

  set events(bits: number) {
    Atomics.store(this.#words, EVENTS, bits);
  }

  /** Counts the time of a request. */
  count_time(ms: number): void {
    this.#rest_ms += ms;
    if (this.#rest_ms < 1) return;
    const whole = Math.floor(this.#rest_ms);
    this.#rest_ms -= whole;
    this.#add(TIME, whole);
  }

  count_error(): void {
    this.#add(ERRORS);
  }

  count_timeout(option: TimeoutOption): void {
    this.#add(option === 'idle_timeout' ? IDLE_TIMEOUTS : HANDLER_TIMEOUTS);
  }

  /** @param reason its index in REFUSAL_REASONS */
  count_refused(reason: number): void {
    this.#add(REFUSED + reason);
  }

  /** Returns how many requests failed or were refused. */
  get not_done(): number {
    return this.#words.slice(REFUSED).reduce((sum, n) => (sum + n) | 0, Atomics.load(this.#words, ERRORS));
  }

  /** Returns the totals but the first two words, as they are now. */
  get all(): Int32Array {
    return this.#words.slice(ERRORS);
  }

  /** Returns the time of requests in `all`, in milliseconds. */
  static time_of(all: Int32Array): number {
    return (all[TIME - ERRORS] ?? 0) >>> 0;
  }

  /** Adds what grew in the totals of a child process. */
  add_all(grown: Int32Array): void {
    for (const [i, count] of grown.entries()) if (count !== 0) this.#add(ERRORS + i, count);
  }

  /** Says that the totals of child processes were added. */
  note_collected(): void {
    this.#add(COLLECTED);
    Atomics.notify(this.#words, COLLECTED);
  }

  /** Blocks until the manager says so, for a moment at most. @param ask has the manager do it */
  wait_collected(ask: () => void): void {
    const before = Atomics.load(this.#words, COLLECTED);
    ask();
    Atomics.wait(this.#words, COLLECTED, before, COLLECT_MS);
  }
}

/** The totals since the server was made, from words that wrap around. */
export class LongTotals {
  readonly #seen = new Map<number | 'finished', { sum: number; last: number }>();

  /** Returns a count that goes on beyond 32 bits, if it is asked for once in 2 ** 32. */
  #long(index: number | 'finished', now: number): number {
    const seen = this.#seen.get(index) ?? { sum: 0, last: 0 };
    seen.sum += (now - seen.last) >>> 0;
    seen.last = now;
    this.#seen.set(index, seen);
    return seen.sum;
  }

  /** @param finished the number of requests that were finished, refused ones too, in 32 bits */
  counts(totals: Totals, state: { finished: number; in_flight: number; ready: number }): Counts {
    const { all } = totals;
    const at = (index: number) => this.#long(index, all[index - ERRORS] ?? 0);
    const refused = by_reason((i) => at(REFUSED + i));
    const ended = this.#long('finished', state.finished);
    const active = Math.max(0, state.in_flight);
    return {
      accepted: ended + active,
      active,
      handled: Math.max(0, ended - Object.values(refused).reduce((sum, n) => sum + n, 0)),
      errors: at(ERRORS),
      timed_out: { handler_timeout: at(HANDLER_TIMEOUTS), idle_timeout: at(IDLE_TIMEOUTS) },
      refused,
      request_seconds: at(TIME) / 1000,
      workers: state.ready,
    };
  }
}
