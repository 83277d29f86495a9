// Scan: requests to a range of addresses at a rate, in rounds to the addresses that are silent, while answers are received
// in batches (sendmmsg, recvmmsg). The commands sweep and arp-scan extend it by their packets and what they print.
import { setImmediate as next_turn, setTimeout as sleep } from 'node:timers/promises';
import * as socket from '../../promises/index.js';
import { until_interrupted } from '../terminal/command.js';
import { DONE, FAILED, INTERRUPTED } from '../terminal/errors.js';
import { integer, number, type Values } from '../terminal/options.js';
import { Progress } from '../terminal/progress.js';
import type { AddressRange } from './address_range.js';
import { read_ancillary } from './kernel_time.js';
import { passing_errors } from './passing_errors.js';

/** The most messages that one call sends or receives. */
const BATCH = 128;
const ANCILLARY_SIZE = socket.CMSG_SPACE(16);
const NS_PER_MS = 1e6;
/** The interval of checks for completeness while the scan waits for the last answers. */
const POLL_MS = 20;

/** The options for the rate of requests, the wait and the number of rounds, with the defaults of the first two. */
export const rate_options = (rate: number, wait: number) => ({
  rate: number('r', 'N', [0, 10_000_000], 'requests a second; 0: as fast as it goes', rate),
  wait: number('W', 'SECONDS', [0.001, 3600], 'for the last answers', wait),
  retries: integer('R', 'N', [0, 100], 'to those that were silent', 1),
});

type RateOptions = Values<ReturnType<typeof rate_options>>;

/** A scan of a range of addresses. `number` is the number of an address in the range, from 0 on. */
export abstract class Scan<F extends number, Options extends RateOptions> {
  protected readonly progress = new Progress();
  protected sent = 0;
  /** By address number: when the last request was sent, in milliseconds since 1970; 0: none was sent. */
  readonly #sent_ms: Float64Array;
  readonly #batch: socket.MessageBatch<F>;

  /** @param answer_max the most bytes of an answer that are received */
  constructor(
    protected readonly range: AddressRange,
    protected readonly options: Options,
    protected readonly sock: socket.socket<F>,
    answer_max: number,
  ) {
    this.#sent_ms = new Float64Array(range.count);
    this.#batch = new socket.MessageBatch<F>(BATCH, answer_max, ANCILLARY_SIZE);
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_TIMESTAMPNS, 1);
  }

  /** The number of addresses that answered. */
  protected abstract get answered(): number;
  /** Returns whether an address needs no further request. */
  protected abstract is_finished(number: number): boolean;
  /** Returns whether the scan expects no further answer. */
  protected abstract is_complete(): boolean;
  /** Returns the request to an address. */
  protected abstract request(number: number): socket.Message<F>;
  /** Handles message `i` of a batch. */
  protected abstract on_message(batch: socket.MessageBatch<F>, i: number): void;
  /** Handles an error of sending the request to an address. The scan goes on unless this method throws. */
  protected abstract on_refused(number: number, error: socket.OSError): void;
  protected abstract print_statistics(seconds: number): void;

  /** Runs the scan until it is complete or interrupted. @returns the exit code @throws OSError */
  async run(): Promise<number> {
    const interrupted = until_interrupted();
    try {
      const start = performance.now();
      try {
        await this.#run_rounds(interrupted);
      } finally {
        this.progress.clear();
        if (this.sent > 0) this.print_statistics((performance.now() - start) / 1000);
      }
    } finally {
      this.sock.close();
    }
    if (interrupted.aborted) return INTERRUPTED;
    return this.answered > 0 ? DONE : FAILED;
  }

  /** Returns whether a request was sent to an address. */
  protected was_sent(number: number): boolean {
    return this.#sent_ms[number] !== 0;
  }

  /** Returns the milliseconds from the last request to an address until the received message. */
  protected round_trip_ms(number: number, batch: socket.MessageBatch<F>, i: number): number {
    const { at_ns } = read_ancillary(batch.ancdata(i));
    return Math.max(0, Number(at_ns) / NS_PER_MS - (this.#sent_ms[number] as number));
  }

  async #run_rounds(interrupted: AbortSignal): Promise<void> {
    const finished = new AbortController();
    const end = AbortSignal.any([interrupted, finished.signal]);
    let failure: unknown;
    const receiving = this.#receive(end).catch((error: unknown) => {
      if (end.aborted) return;
      failure = error;
      finished.abort();
    });
    try {
      for (let round = 0; round <= this.options.retries && !this.is_complete(); round++) {
        if ((await this.#send_round(end)) === 0) break;
        await this.#wait_for_answers(end);
      }
    } catch (error) {
      // The error of receiving ends the sending.
      if (!end.aborted) throw error;
    } finally {
      finished.abort();
      await receiving;
    }
    if (failure !== undefined) throw failure;
  }

  /** Sends a request to each address that is not finished. @returns the number of these addresses */
  async #send_round(end: AbortSignal): Promise<number> {
    const { rate } = this.options;
    // A slow rate sends single requests, evenly.
    const size = rate === 0 ? BATCH : Math.max(1, Math.min(BATCH, Math.floor(rate / 100)));
    const start = performance.now();
    let batch: number[] = [];
    let sent = 0;
    for (let i = 0; i < this.range.count; i++) {
      if (this.is_finished(i)) continue;
      batch.push(i);
      if (batch.length < size) continue;
      sent += batch.length;
      await this.#send(batch, end);
      batch = [];
      this.#show_progress(i);
      const early_ms = rate === 0 ? 0 : start + (sent * 1000) / rate - performance.now();
      // Without a delay, one turn of the event loop lets answers in.
      if (early_ms >= 1) await sleep(early_ms, undefined, { signal: end });
      else await next_turn();
      end.throwIfAborted();
    }
    if (batch.length > 0) await this.#send(batch, end);
    return sent + batch.length;
  }

  async #send(numbers: readonly number[], signal: AbortSignal): Promise<void> {
    const messages = numbers.map((number) => this.request(number));
    const now_ms = performance.timeOrigin + performance.now();
    for (const number of numbers) this.#sent_ms[number] = now_ms;
    for (let done = 0; done < messages.length; ) {
      try {
        done += await this.sock.sendmmsg(messages.slice(done), 0, { signal });
      } catch (error) {
        if (signal.aborted || !(error instanceof socket.OSError)) throw error;
        // The error is that of the first message.
        this.on_refused(numbers[done] as number, error);
        done++;
      }
    }
    this.sent += numbers.length;
  }

  async #receive(signal: AbortSignal): Promise<never> {
    for (;;) {
      const receive = () => this.sock.recvmmsg_into(this.#batch, 0, { signal });
      const count = (await passing_errors(signal, receive)) ?? 0;
      for (let i = 0; i < count; i++) this.on_message(this.#batch, i);
    }
  }

  async #wait_for_answers(signal: AbortSignal): Promise<void> {
    const wait_ms = this.options.wait * 1000;
    const until = performance.now() + wait_ms;
    while (!this.is_complete() && performance.now() < until) {
      await sleep(Math.min(POLL_MS, wait_ms), undefined, { signal });
      this.#show_progress(this.range.count);
    }
  }

  #show_progress(done: number): void {
    this.progress.update(done, this.range.count, `${this.answered} answered`);
  }
}
