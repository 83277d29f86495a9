// The requests under way of a server on the event loop: how many there are, who waits until there are fewer, and ending those
// that take too long. One timer serves all of them.

import { Timer } from '../../util/deadline.js';

/** A request under way. */
export class UnderWay {
  readonly #close: () => void;
  readonly started_ms: number;
  #reject: ((error: Error) => void) | undefined;
  #reason: Error | undefined;

  /** @param close closes its connection, if it has one of its own */
  constructor(close: () => void, started_ms: number) {
    this.#close = close;
    this.started_ms = started_ms;
  }

  /** Why it was ended, if it was. */
  get reason(): Error | undefined {
    return this.#reason;
  }

  /** Waits for the request's handling. @throws (rejects) what that rejects with, or the reason of end() */
  wait(handling: void | Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      Promise.resolve(handling).then(resolve, reject);
    });
  }

  /** Closes the connection, and waits no longer for the handling. */
  end(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#close();
    this.#reject?.(reason);
  }
}

/** Who waits until there are fewer. */
interface Waiting {
  readonly limit: number;
  readonly go: () => void;
}

export class Requests {
  // In the order they began.
  readonly #all = new Set<UnderWay>();
  readonly #waiting = new Set<Waiting>();
  readonly #limit_ms: number;
  readonly #too_late: () => Error;
  #timer: Timer | undefined;

  /**
   * @param limit_ms how long one may take; 0: any time
   * @param too_late makes the reason for ending one
   */
  constructor(limit_ms: number, too_late: () => Error) {
    this.#limit_ms = limit_ms;
    this.#too_late = too_late;
  }

  get count(): number {
    return this.#all.size;
  }

  /** A request begins. */
  begin(close: () => void): UnderWay {
    const request = new UnderWay(close, this.#limit_ms > 0 ? performance.now() : 0);
    this.#all.add(request);
    if (this.#limit_ms > 0 && this.#timer === undefined) this.#start_timer(this.#limit_ms);
    return request;
  }

  /** It has ended. */
  finish(request: UnderWay): void {
    this.#all.delete(request);
    for (const waiting of this.#waiting) if (this.count < waiting.limit) waiting.go();
  }

  /** Ends all. */
  end_all(reason: () => Error): void {
    for (const request of this.#all) request.end(reason());
  }

  /** Waits until there are fewer than `limit`, or the signal aborts. */
  fewer_than(limit: number, signal?: AbortSignal): Promise<void> {
    if (this.count < limit || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const go = () => {
        this.#waiting.delete(waiting);
        signal?.removeEventListener('abort', go);
        resolve();
      };
      const waiting = { limit, go };
      this.#waiting.add(waiting);
      signal?.addEventListener('abort', go);
    });
  }

  #start_timer(ms: number): void {
    this.#timer = new Timer(ms, () => this.#end_late());
  }

  #end_late(): void {
    this.#timer = undefined;
    const now_ms = performance.now();
    for (const request of this.#all) {
      if (request.reason !== undefined) continue;
      const left_ms = request.started_ms + this.#limit_ms - now_ms;
      if (left_ms > 0) {
        this.#start_timer(left_ms);
        return;
      }
      request.end(this.#too_late());
    }
  }
}
