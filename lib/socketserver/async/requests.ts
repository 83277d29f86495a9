// The requests under way of a server on the event loop: their number, waiting until there are fewer, and ending requests that take
// too long. One timer serves all of them.

import { abort_after, Timer } from '../../util/deadline.js';

/** A request under way. */
export class UnderWay {
  /** The reason for which the request was ended, if it was. */
  reason: Error | undefined;
  #reject: ((error: Error) => void) | undefined;

  /** @param close closes the connection of the request, if it has one */
  constructor(
    private readonly close: () => void,
    public started_ms: number,
  ) {}

  /** Waits for the handling of the request. @throws (rejects) the error of the handling, or the reason of end() */
  wait(handling: void | Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      Promise.resolve(handling).then(resolve, reject);
    });
  }

  /** Closes the connection, and waits no longer for the handling. */
  end(reason: Error): void {
    if (this.reason !== undefined) return;
    this.reason = reason;
    this.close();
    this.#reject?.(reason);
  }
}

export class Requests {
  /** The requests that are handled, in the order they began. */
  readonly #handled = new Set<UnderWay>();
  /** The requests that are not admitted yet: their clients have to send something before. */
  readonly #admitting = new Set<UnderWay>();
  /** The waiters for fewer requests: `end` ends the wait once `is_over`. */
  readonly #waiters = new Set<{ readonly is_over: () => boolean; readonly end: () => void }>();
  #timer: Timer | undefined;

  /**
   * @param limit_ms milliseconds that a request may take; 0: no limit
   * @param too_late returns the reason for ending a request that takes longer
   */
  constructor(
    private readonly limit_ms: number,
    private readonly too_late: () => Error,
  ) {}

  /** All requests under way. */
  get count(): number {
    return this.#handled.size + this.#admitting.size;
  }

  /** The requests that are handled: a client that has yet to be admitted keeps nobody else out. */
  get handled(): number {
    return this.#handled.size;
  }

  /** Adds a request that begins. @param is_admitted false: it begins to be handled by admit() */
  begin(close: () => void, is_admitted: boolean): UnderWay {
    const request = new UnderWay(close, 0);
    if (is_admitted) this.#handle(request);
    else this.#admitting.add(request);
    return request;
  }

  /** Begins to handle a request that is admitted, once fewer than `limit` are handled; or the signal aborts. */
  async admit(request: UnderWay, limit: number, signal: AbortSignal): Promise<void> {
    while (this.handled >= limit && !signal.aborted) await this.fewer_handled_than(limit, signal);
    this.#admitting.delete(request);
    this.#handle(request);
  }

  #handle(request: UnderWay): void {
    this.#handled.add(request);
    if (this.limit_ms <= 0) return;
    request.started_ms = performance.now();
    if (this.#timer === undefined) this.#start_timer(this.limit_ms);
  }

  /** Removes a request that has ended. */
  finish(request: UnderWay): void {
    this.#handled.delete(request);
    this.#admitting.delete(request);
    for (const waiter of this.#waiters) if (waiter.is_over()) waiter.end();
  }

  /** Ends all requests. */
  end_all(reason: () => Error): void {
    for (const request of this.#handled) request.end(reason());
    this.end_admissions(reason);
  }

  /** Ends the requests that are not admitted yet. */
  end_admissions(reason: () => Error): void {
    for (const request of this.#admitting) request.end(reason());
  }

  /** Waits until fewer than `limit` requests are under way, or the signal aborts. */
  fewer_than(limit: number, signal?: AbortSignal): Promise<void> {
    return this.#until(() => this.count < limit, signal);
  }

  /** Waits until fewer than `limit` requests are handled, or the signal aborts. */
  fewer_handled_than(limit: number, signal?: AbortSignal): Promise<void> {
    return this.#until(() => this.handled < limit, signal);
  }

  #until(is_over: () => boolean, signal: AbortSignal | undefined): Promise<void> {
    if (is_over() || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        this.#waiters.delete(waiter);
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const waiter = { is_over, end };
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', end);
    });
  }

  /** Waits until fewer than `limit` requests are under way, for at most `limit_ms`. */
  async fewer_within(limit: number, limit_ms: number): Promise<void> {
    const end = new AbortController();
    const timer = abort_after(end, limit_ms).ref();
    await this.fewer_than(limit, end.signal);
    timer.cancel();
  }

  #start_timer(ms: number): void {
    this.#timer = new Timer(ms, () => this.#end_late());
  }

  #end_late(): void {
    this.#timer = undefined;
    const now_ms = performance.now();
    for (const request of this.#handled) {
      if (request.reason !== undefined) continue;
      const left_ms = request.started_ms + this.limit_ms - now_ms;
      if (left_ms > 0) {
        this.#start_timer(left_ms);
        return;
      }
      request.end(this.too_late());
    }
  }
}
