// The round-trip times of ping: their statistics, and the latest of them for the histogram. Memory is bounded.

/** The most times that are kept for the histogram. */
const LATEST_MAX = 100_000;

export class RoundTrips {
  count = 0;
  max = 0;
  last = 0;
  /** The exponentially weighted moving average, by an eighth for each time. */
  ewma = 0;
  #min = Number.POSITIVE_INFINITY;
  #mean = 0;
  /** The sum of the squares of the differences from the mean, by the method of Welford: no large sums are subtracted. */
  #squares = 0;
  readonly #latest: number[] = [];

  add(ms: number): void {
    this.#latest[this.count % LATEST_MAX] = ms;
    this.count++;
    const difference = ms - this.#mean;
    this.#mean += difference / this.count;
    this.#squares += difference * (ms - this.#mean);
    this.ewma += this.count === 1 ? ms : (ms - this.ewma) / 8;
    this.last = ms;
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
    const avg = this.#mean;
    const mdev = Math.sqrt(this.#squares / count);
    return { min: this.#min, avg, max: this.max, mdev };
  }
}
