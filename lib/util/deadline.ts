// Deadlines that span several native calls.

/** The time left of a `timeout_ms`, for the next call. */
export class Deadline {
  readonly #end: number;
  readonly #timeout_ms: number;

  constructor(timeout_ms: number) {
    this.#timeout_ms = timeout_ms;
    this.#end = timeout_ms > 0 ? performance.now() + timeout_ms : 0;
  }

  /** True where waiting has a limit and it has passed; a socket that never waits has none. */
  passed(): boolean {
    return this.#timeout_ms > 0 && performance.now() >= this.#end;
  }

  /** What the next native call may wait: never 0 for a limit, which would mean not to wait at all. */
  left_ms(): number {
    return this.#timeout_ms <= 0 ? this.#timeout_ms : Math.max(this.#end - performance.now(), 0.001);
  }
}
