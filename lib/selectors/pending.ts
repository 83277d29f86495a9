// PendingSelect: one call of select_async(). It selects after the next turn of the event loop, and again each time that a
// descriptor may be ready. A result, the time-out, the signal or close() ends the call.
import { hold, let_go } from '../calls/waiting/readiness.js';
import { Timeout } from '../util/deadline.js';
import type { Multiplexer } from './multiplexer.js';

export class PendingSelect<T> {
  readonly promise: Promise<T[]>;
  readonly #limit: Timeout | undefined;
  #resolve!: (ready: T[]) => void;
  #reject!: (reason: unknown) => void;
  #ended = false;

  /**
   * @param attempt selects without waiting
   * @param timeout_ms -1 for no limit
   * @param on_end is called when the call has ended
   */
  constructor(
    private readonly multiplexer: Multiplexer,
    private readonly attempt: () => T[],
    private readonly timeout_ms: number,
    private readonly signal: AbortSignal | undefined,
    private readonly on_end: () => void,
  ) {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (signal !== undefined || timeout_ms > 0) {
      this.#limit = new Timeout(signal, timeout_ms);
      this.#limit.signal.addEventListener('abort', () => this.#interrupt());
    }
    hold();
    // The first attempt waits for a turn of the event loop: if a descriptor is always ready, timers and other callbacks still run.
    setImmediate(() => this.#try());
  }

  #try(): void {
    if (this.#ended) return;
    try {
      const ready = this.attempt();
      if (this.#ended) return;
      const passed = this.timeout_ms === 0 || this.#limit?.expired;
      if (ready.length > 0 || passed) this.#resolve(this.#end(ready));
      else this.multiplexer._watch(() => this.#try());
    } catch (error) {
      this.fail(error);
    }
  }

  /** Ends the call: the time has passed, or the signal was aborted. */
  #interrupt(): void {
    // A turn of the event loop runs timers before descriptors: a descriptor may be ready by now, so the call tries once more.
    if (this.#limit?.expired) this.#try();
    else this.fail(this.signal?.reason);
  }

  /** Rejects the promise, unless the call has ended. */
  fail(reason: unknown): void {
    if (!this.#ended) this.#reject(this.#end(reason));
  }

  /** Ends all waiting; returns its argument. */
  #end<Outcome>(outcome: Outcome): Outcome {
    this.#ended = true;
    this.#limit?.end();
    this.multiplexer._unwatch();
    let_go();
    this.on_end();
    return outcome;
  }
}
