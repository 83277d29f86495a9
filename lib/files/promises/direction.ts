// One direction of a file of promises: its calls run one after another, each by awaiting the transfers that its steps
// (lib/files/steps.ts) ask for.
import { raise } from '../../errors/raise.js';
import { TIMED_OUT } from '../../native/addon.js';
import { Timeout } from '../../util/deadline.js';
import { check_options, signal_of, timeout_ms_of, type WaitOptions } from '../../util/wait_options.js';
import { would_block } from '../errors.js';
import type { Bytes, Steps } from '../steps.js';

/** A mutex: its callers hold it one at a time, in the order of their calls. */
class Mutex {
  #held = false;
  readonly #queue: (() => void)[] = [];

  get held(): boolean {
    return this.#held;
  }

  /** Resolves once the caller holds the mutex; rejects with the signal's reason. */
  async acquire(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (!this.#held) {
      this.#held = true;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const enter = () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      const abort = () => {
        this.#queue.splice(this.#queue.indexOf(enter), 1);
        reject(signal?.reason);
      };
      this.#queue.push(enter);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Hands the mutex to the next caller in the queue, if there is one. */
  release(): void {
    const enter = this.#queue.shift();
    if (enter === undefined) this.#held = false;
    else enter();
  }
}

/** One direction of a file: reading or writing. */
export class Direction {
  readonly #mutex = new Mutex();

  /**
   * @param syscall the name of its calls, for errors
   * @param timed_out returns the message of a time-out
   * @param transfer receives into the bytes, or sends them; resolves to their number
   */
  constructor(
    private readonly syscall: 'read' | 'write',
    private readonly timed_out: (timeout_ms: number) => string | undefined,
    private readonly transfer: (bytes: Bytes, options: WaitOptions | undefined) => Promise<number>,
  ) {}

  /** True if no call runs or waits: then a call may use the buffers at once. */
  get idle(): boolean {
    return !this.#mutex.held;
  }

  /**
   * Runs an operation, after the calls before it.
   *
   * @param begin makes the steps, once it is the call's turn
   * @throws errors of the steps and of the transfers
   */
  async run<T>(begin: () => Steps<T>, options: WaitOptions | undefined): Promise<T> {
    if (options === undefined) return this.#run(begin, undefined, undefined);
    const checked = check_options(options);
    const signal = signal_of(checked);
    const limit_ms = timeout_ms_of(checked, -1);
    // A time-out of 0 never waits, so each transfer gets it.
    if (limit_ms === 0) return this.#run(begin, signal, { timeout: 0 });
    const deadline = new Timeout(signal, limit_ms);
    const own = checked.timeout === undefined ? {} : { timeout: null };
    try {
      return await this.#run(begin, deadline.signal, { signal: deadline.signal, ...own });
    } catch (error) {
      if (deadline.expired && error === deadline.signal.reason)
        raise(TIMED_OUT, { syscall: this.syscall, timed_out: this.timed_out(limit_ms) }, this.run);
      throw error;
    } finally {
      deadline.end();
    }
  }

  async #run<T>(
    begin: () => Steps<T>,
    signal: AbortSignal | undefined,
    options: WaitOptions | undefined,
  ): Promise<T> {
    await this.#mutex.acquire(signal);
    try {
      const steps = begin();
      let step = steps.next(0);
      while (!step.done) {
        let count: number | null;
        try {
          count = await this.transfer(step.value, options);
        } catch (error) {
          if (!would_block(error)) {
            step = steps.throw(error);
            continue;
          }
          count = null;
        }
        step = steps.next(count);
      }
      return step.value;
    } finally {
      this.#mutex.release();
    }
  }
}
