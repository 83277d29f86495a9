// Waits of the manager's thread, for changes of the workers and of the queue.
//
// Condition is a condition variable on the pool's shared state. Each waiter tests a condition of its own again whenever
// notify_all() is called, and a worker in another thread calls for that by a message (see SharedState.notify_below). Room is the
// most frequent such wait: that of a request for room in the queue.
import { Timer } from '../../util/deadline.js';
import type { SharedState } from './state/shared_state.js';

export class Condition {
  readonly #waiters: (() => void)[] = [];

  constructor(private readonly state: SharedState) {}

  /** Wakes all waiters, so that each tests its condition again. */
  notify_all(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }

  /**
   * Waits until a condition holds that depends on the workers.
   *
   * @param below the condition may begin to hold when fewer requests than this are in flight
   * @param limit_ms -1: no limit
   * @returns false if the time passed first
   */
  async until(condition: () => boolean, below = () => 0, limit_ms = -1): Promise<boolean> {
    const end = limit_ms < 0 ? Number.POSITIVE_INFINITY : performance.now() + limit_ms;
    for (;;) {
      // Before the test: a worker that finishes a request in between then notifies.
      this.state.notify_below(below());
      if (condition()) return true;
      const left_ms = end - performance.now();
      if (left_ms <= 0) return false;
      const look_again_ms = this.state.in_flight > 0 ? this.state.look_again_ms : left_ms;
      await this.#notified(Math.min(left_ms, look_again_ms));
    }
  }

  #notified(limit_ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = limit_ms === Number.POSITIVE_INFINITY ? undefined : new Timer(limit_ms, resolve).ref();
      this.#waiters.push(() => {
        timer?.cancel();
        resolve();
      });
    });
  }
}

/** Room for requests: on the queue, and with workers. */
export class Room {
  /** The number of requests that wait for room. */
  #waiting = 0;

  /** @param closing aborts when workers cannot start or are to end: then nothing waits for room any more */
  constructor(
    private readonly state: SharedState,
    private readonly changed: Condition,
    private readonly closing: AbortSignal,
  ) {}

  /** Returns whether requests wait for which no worker is free: on the queue, or for room. */
  get is_short(): boolean {
    return this.state.in_flight + this.#waiting > this.state.ready;
  }

  /** Waits until fewer requests are in flight than there are ready workers, or until `stop` aborts. */
  async wait(stop: AbortSignal): Promise<void> {
    const wake = () => this.changed.notify_all();
    stop.addEventListener('abort', wake);
    this.#waiting++;
    wake();
    await this.changed.until(
      () => this.state.has_room() || stop.aborted || this.closing.aborted,
      () => this.state.ready,
    );
    this.#waiting--;
    stop.removeEventListener('abort', wake);
  }
}
