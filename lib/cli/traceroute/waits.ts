// The waits of traceroute for answers: the longest one, and shorter ones when answers to other probes tell how long they take.

/** The waits of -w. */
export interface Waits {
  /** Seconds. */
  readonly max: number;
  /** The factor of the time of another answer from the same hop; 0: none. */
  readonly here: number;
  /** The factor of the time of an answer from a later hop; 0: none. */
  readonly near: number;
}

/** The least wait in milliseconds that follows from other answers: a router, or this machine, may be busy. */
const LEAST_MS = 1000;

/** A probe that is under way. */
interface Pending {
  readonly hop: number;
  readonly sent_ms: number;
  readonly limit: AbortController;
  timer?: NodeJS.Timeout;
  due_ms: number;
}

export class WaitLimits {
  readonly #pending = new Set<Pending>();
  /** The times of the answers of each hop, the shortest one. */
  readonly #times = new Map<number, number>();

  constructor(readonly waits: Waits) {}

  /**
   * Begins the wait for a probe. The caller ends it by `end`.
   *
   * @returns a signal that aborts when the wait is over
   */
  begin(hop: number): { readonly signal: AbortSignal; readonly end: (milliseconds?: number) => void } {
    const sent_ms = performance.now();
    const pending: Pending = { hop, sent_ms, limit: new AbortController(), due_ms: Number.POSITIVE_INFINITY };
    this.#pending.add(pending);
    for (const [other, time] of this.#times) this.#shorten(pending, other, time);
    const end = (milliseconds?: number) => {
      clearTimeout(pending.timer);
      this.#pending.delete(pending);
      if (milliseconds !== undefined) this.#on_answer(hop, milliseconds);
    };
    return { signal: pending.limit.signal, end };
  }

  #on_answer(hop: number, milliseconds: number): void {
    this.#times.set(hop, milliseconds);
    for (const pending of this.#pending) this.#shorten(pending, hop, milliseconds);
  }

  #shorten(pending: Pending, hop: number, milliseconds: number): void {
    const { here, near } = this.waits;
    const factor = hop === pending.hop ? here : hop > pending.hop ? near : 0;
    if (factor === 0) return;
    const due_ms = pending.sent_ms + Math.max(LEAST_MS, factor * milliseconds);
    if (due_ms >= pending.due_ms) return;
    pending.due_ms = due_ms;
    clearTimeout(pending.timer);
    pending.timer = setTimeout(() => pending.limit.abort(), due_ms - performance.now());
  }
}
