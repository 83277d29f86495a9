// A select_async() under way: tried once the event loop has turned, and again whenever something may be ready; ended by a
// result, its time-out, its signal or close().
import { hold, let_go } from '../calls/waiting/readiness.js';
import { Timeout } from '../util/deadline.js';
import type { Multiplexer } from './multiplexer.js';

export class PendingSelect<T> {
  readonly promise: Promise<T[]>;
  readonly #multiplexer: Multiplexer;
  readonly #attempt: () => T[];
  readonly #timeout_ms: number;
  readonly #on_end: () => void;
  readonly #signal: AbortSignal | undefined;
  readonly #limit: Timeout | undefined;
  #resolve!: (ready: T[]) => void;
  #reject!: (reason: unknown) => void;
  #ended = false;

  /**
   * @param attempt selects without waiting
   * @param timeout_ms -1 for no limit
   * @param on_end called when it has ended
   */
  constructor(
    multiplexer: Multiplexer,
    attempt: () => T[],
    timeout_ms: number,
    signal: AbortSignal | undefined,
    on_end: () => void,
  ) {
    this.#multiplexer = multiplexer;
    this.#attempt = attempt;
    this.#timeout_ms = timeout_ms;
    this.#signal = signal;
    this.#on_end = on_end;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (signal !== undefined || timeout_ms > 0) {
      this.#limit = new Timeout(signal, timeout_ms);
      this.#limit.signal.addEventListener('abort', () => this.#interrupt());
    }
    hold();
    // Not at once: where something is always ready, timers and everybody else get their turn all the same.
    setImmediate(() => this.#try());
  }

  #try(): void {
    if (this.#ended) return;
    try {
      const ready = this.#attempt();
      if (this.#ended) return;
      const passed = this.#timeout_ms === 0 || this.#limit?.expired;
      if (ready.length > 0 || passed) this.#resolve(this.#end(ready));
      else this.#multiplexer._watch(() => this.#try());
    } catch (error) {
      this.fail(error);
    }
  }

  /** The time has passed, or the signal was aborted. */
  #interrupt(): void {
    // Timers come before descriptors in a turn of the loop: something may be ready by now.
    if (this.#limit?.expired) this.#try();
    else this.fail(this.#signal?.reason);
  }

  /** Ends it from outside. */
  fail(reason: unknown): void {
    if (!this.#ended) this.#reject(this.#end(reason));
  }

  /** Nothing is waited for any more; gives the outcome back. */
  #end<Outcome>(outcome: Outcome): Outcome {
    this.#ended = true;
    this.#limit?.end();
    this.#multiplexer._unwatch();
    let_go();
    this.#on_end();
    return outcome;
  }
}
