// Rates that all connections of a user share. Bytes become free with the time that passes; who wants some waits in a queue, and each turn
// gives a small part of what is wanted: so a connection that asks for much does not keep others waiting that ask for little.
//
// One bucket in the main thread serves all workers. Each connection takes a lease from it, a fiftieth of a second's bytes or what it needs,
// so that a worker asks 50 times a second at most.
import type { Throttle } from './types.js';

/** What is free at the beginning, in seconds of the rate. */
const FIRST_S = 0.02;
/** What may become free while nobody asks: a connection that writes what it has got asks again soon. */
const IDLE_S = 0.05;
/** What may become free while somebody waits and the thread is busy: the rate holds over this time. */
const BUSY_S = 1;
/** What became free while the thread was busy is kept over so many ms in which nobody asks. */
const KEPT_MS = 50;
/** A turn, in seconds of the rate. */
const TURN_S = 0.01;
/** A lease, in seconds of the rate. */
const LEASE_S = 0.02;
/** The shortest time between two looks of a bucket, ms: timers go no finer. */
const TICK_MS = 1;
/** The longest: bytes do not become free in one lump. */
const LONGEST_MS = 20;

interface Waiter {
  need: number;
  /** bytes that are left of its turn */
  turn: number;
  readonly resolve: () => void;
}

/** @throws RangeError for what is no rate */
function check_rate(rate: number): void {
  if (!(rate > 0)) throw new RangeError(`rate must be above 0 bytes a second, not ${rate}`);
}

/** The bytes of one rate. */
export class Bucket {
  #rate: number;
  /** bytes that may go; the time at which they were counted, ms */
  #free = 0;
  #counted_ms = performance.now();
  readonly #queue: Waiter[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param rate bytes a second, above 0 */
  constructor(rate: number) {
    this.#rate = rate;
    check_rate(rate);
    this.#free = rate * FIRST_S;
  }

  get rate(): number {
    return this.#rate;
  }

  set rate(rate: number) {
    this.#count();
    this.#rate = rate;
  }

  /** Whether nobody waits. */
  get idle(): boolean {
    return this.#queue.length === 0;
  }

  /**
   * Resolves when `bytes` may go.
   *
   * @param signal takes the call out of the queue
   * @throws the signal's reason
   */
  take(bytes: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      this.#count();
      const leave = () => {
        const at = this.#queue.indexOf(waiter);
        if (at !== -1) this.#queue.splice(at, 1);
        reject(signal?.reason);
      };
      const waiter = {
        need: bytes,
        turn: this.#rate * TURN_S,
        resolve: () => {
          signal?.removeEventListener('abort', leave);
          resolve();
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.#queue.push(waiter);
      this.#serve();
    });
  }

  #count(): void {
    const now = performance.now();
    const passed_ms = now - this.#counted_ms;
    const kept = passed_ms < KEPT_MS ? this.#free : 0;
    const most = this.idle ? Math.max(this.#rate * IDLE_S, kept) : this.#rate * BUSY_S;
    this.#free = Math.min(most, this.#free + (this.#rate * passed_ms) / 1000);
    this.#counted_ms = now;
  }

  /** Gives what is free. Who is first stays it until a whole turn is used up, however little became free at a time. */
  #serve(): void {
    const turn = Math.max(1, this.#rate * TURN_S);
    for (let first = this.#queue[0]; first !== undefined && this.#free > 0; first = this.#queue[0]) {
      const part = Math.min(first.need, first.turn, this.#free);
      this.#free -= part;
      first.need -= part;
      first.turn -= part;
      if (first.need > 0 && first.turn > 0) continue;
      this.#queue.shift();
      if (first.need > 0) this.#queue.push(Object.assign(first, { turn }));
      else first.resolve();
    }
    if (this.idle || this.#timer !== undefined) return;
    const wanted = this.#queue.reduce((sum, { need }) => sum + Math.min(need, turn), 0);
    const wait_ms = Math.min(LONGEST_MS, Math.max(TICK_MS, (wanted * 1000) / this.#rate));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#count();
      this.#serve();
    }, wait_ms);
  }
}

/** A connection's way to a bucket: whole leases, of which it keeps the rest for its next call. */
export class LeasedThrottle implements Throttle {
  #left = 0;
  #last: Promise<void> = Promise.resolve();

  /**
   * @param rate bytes a second
   * @param lease resolves when so many bytes may go
   */
  constructor(
    private readonly rate: number,
    private readonly lease: (bytes: number) => Promise<unknown>,
  ) {
    check_rate(rate);
  }

  take(bytes: number): Promise<void> {
    this.#last = this.#last.then(() => this.#take(bytes));
    return this.#last;
  }

  async #take(bytes: number): Promise<void> {
    const more = bytes - this.#left;
    if (more > 0) {
      const whole = Math.max(more, Math.ceil(this.rate * LEASE_S));
      await this.lease(whole);
      this.#left += whole;
    }
    this.#left -= bytes;
  }
}
