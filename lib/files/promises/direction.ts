// One direction of a file: its calls in order, each driven by awaiting what its steps (lib/files/steps.ts) ask for.
import { constants } from 'node:os';
import { OSError } from '../../errors/index.js';
import { raise } from '../../errors/raise.js';
import { TIMED_OUT } from '../../native/addon.js';
import { Timeout } from '../../util/deadline.js';
import { check_options, signal_of, timeout_ms_of, type WaitOptions } from '../../util/wait_options.js';
import type { Bytes, Steps } from '../steps.js';

const { EAGAIN } = constants.errno;

/** One after the other: who is let in has it for himself until he leaves. */
class Lane {
  #busy = false;
  readonly #waiting: (() => void)[] = [];

  get busy(): boolean {
    return this.#busy;
  }

  async enter(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (!this.#busy) {
      this.#busy = true;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const go = () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      const abort = () => {
        this.#waiting.splice(this.#waiting.indexOf(go), 1);
        reject(signal?.reason);
      };
      this.#waiting.push(go);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#busy = false;
    else next();
  }
}

type Move = (bytes: Bytes, options: WaitOptions | undefined) => Promise<number>;

/** One direction of a file: its calls in order, each driven to its end. */
export class Side {
  readonly #lane = new Lane();
  readonly #move: Move;

  constructor(move: Move) {
    this.#move = move;
  }

  /** Whether a call may be answered from memory. */
  get idle(): boolean {
    return !this.#lane.busy;
  }

  /** Runs steps; what they throw, and what moving bytes throws into them, is thrown. */
  async run<T>(begin: () => Steps<T>, options: WaitOptions | undefined): Promise<T> {
    if (options === undefined) return this.#run(begin, undefined, undefined);
    const checked = check_options(options);
    const given = signal_of(checked);
    const limit_ms = timeout_ms_of(checked, -1);
    // 0 never waits: each receive or send is told so.
    if (limit_ms === 0) return this.#run(begin, given, { timeout: 0 });
    const limit = new Timeout(given, limit_ms);
    const own = checked.timeout === undefined ? {} : { timeout: null };
    try {
      return await this.#run(begin, limit.signal, { signal: limit.signal, ...own });
    } catch (error) {
      if (limit.expired && error === limit.signal.reason) raise(TIMED_OUT, { syscall: 'read' });
      throw error;
    } finally {
      limit.end();
    }
  }

  async #run<T>(
    begin: () => Steps<T>,
    signal: AbortSignal | undefined,
    options: WaitOptions | undefined,
  ): Promise<T> {
    await this.#lane.enter(signal);
    try {
      const steps = begin();
      let step = steps.next(0);
      while (!step.done) {
        let count: number | null;
        try {
          count = await this.#move(step.value, options);
        } catch (error) {
          if (!(error instanceof OSError) || error.errno !== EAGAIN) {
            step = steps.throw(error);
            continue;
          }
          count = null;
        }
        step = steps.next(count);
      }
      return step.value;
    } finally {
      this.#lane.leave();
    }
  }
}
