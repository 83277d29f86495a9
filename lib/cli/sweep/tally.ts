// What is known of each target of sweep: requests, answers and their times. Memory is a few numbers for each target; the single times
// are kept for -C only.

/** The sums of a target's round-trip times, since the start or since the last report. */
export interface Spread {
  readonly sent: number;
  readonly received: number;
  readonly min: number;
  readonly avg: number;
  readonly max: number;
}

/** The counters of all targets. */
class Counters {
  readonly #sent: Uint32Array;
  readonly #received: Uint32Array;
  readonly #sum: Float64Array;
  readonly #min: Float64Array;
  readonly #max: Float64Array;

  constructor(count: number) {
    this.#sent = new Uint32Array(count);
    this.#received = new Uint32Array(count);
    this.#sum = new Float64Array(count);
    this.#min = new Float64Array(count);
    this.#max = new Float64Array(count);
  }

  add(number: number, ms: number | undefined): void {
    (this.#sent[number] as number)++;
    if (ms === undefined) return;
    const is_first = (this.#received[number] as number)++ === 0;
    (this.#sum[number] as number) += ms;
    if (is_first || ms < (this.#min[number] as number)) this.#min[number] = ms;
    if (is_first || ms > (this.#max[number] as number)) this.#max[number] = ms;
  }

  spread(number: number): Spread {
    const received = this.#received[number] as number;
    return {
      sent: this.#sent[number] as number,
      received,
      min: this.#min[number] as number,
      avg: (this.#sum[number] as number) / received,
      max: this.#max[number] as number,
    };
  }

  clear(): void {
    this.#sent.fill(0);
    this.#received.fill(0);
    this.#sum.fill(0);
  }
}

export class Tally {
  readonly #all: Counters;
  readonly #since_report: Counters | undefined;
  readonly #times: (number | undefined)[][] | undefined;
  /** Requests that were not answered in time. */
  timeouts = 0;
  replies = 0;
  min = Number.POSITIVE_INFINITY;
  max = 0;
  sum = 0;

  /** @param keeps which more is kept: single times, and counters between reports */
  constructor(count: number, keeps: { readonly times: boolean; readonly reports: boolean }) {
    this.#all = new Counters(count);
    this.#since_report = keeps.reports ? new Counters(count) : undefined;
    this.#times = keeps.times ? Array.from({ length: count }, () => []) : undefined;
  }

  /** Notes the answer to a request of a round. */
  answered(number: number, round: number, ms: number): void {
    this.#all.add(number, ms);
    this.#since_report?.add(number, ms);
    const times = this.#times?.[number];
    if (times !== undefined) times[round] = ms;
    this.replies++;
    this.sum += ms;
    this.min = Math.min(this.min, ms);
    this.max = Math.max(this.max, ms);
  }

  /** Notes that no answer to a request came in time. */
  timed_out(number: number, round: number): void {
    this.#all.add(number, undefined);
    this.#since_report?.add(number, undefined);
    const times = this.#times?.[number];
    if (times !== undefined) times[round] = undefined;
    this.timeouts++;
  }

  spread(number: number): Spread {
    return this.#all.spread(number);
  }

  /** Returns what came since the last call of `reported`. */
  since_report(number: number): Spread {
    return (this.#since_report ?? this.#all).spread(number);
  }

  reported(): void {
    this.#since_report?.clear();
  }

  /** Returns the times of all rounds; undefined for a request without an answer. */
  times(number: number): readonly (number | undefined)[] {
    return this.#times?.[number] ?? [];
  }
}
