// The round-trip times of ping: their statistics, and the latest of them for the histogram. Memory is bounded.

/** The most times that are kept for the histogram. */
const LATEST_MAX = 100_000;

export class RoundTrips {
  count = 0;
  max = 0;
  #min = Number.POSITIVE_INFINITY;
  #sum = 0;
  #squares = 0;
  readonly #latest: number[] = [];

  add(ms: number): void {
    this.#latest[this.count % LATEST_MAX] = ms;
    this.count++;
    this.#sum += ms;
    this.#squares += ms * ms;
    this.#min = Math.min(this.#min, ms);
    this.max = Math.max(this.max, ms);
  }

  /** The latest times, in no order. */
  get latest(): readonly number[] {
    return this.#latest;
  }

  /** Returns the statistics of all times, in milliseconds; undefined without a time. */
  statistics(): { min: number; avg: number; max: number; mdev: number } | undefined {
    const { count } = this;
    if (count === 0) return undefined;
    const avg = this.#sum / count;
    const mdev = Math.sqrt(Math.max(0, this.#squares / count - avg * avg));
    return { min: this.#min, avg, max: this.max, mdev };
  }
}
