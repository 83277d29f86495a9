// Scan: requests to many addresses at a rate, in rounds, while answers are received in batches (sendmmsg, recvmmsg). Without a period, a
// round goes to the addresses that are silent, after the wait for the last one; with a period, rounds begin at fixed times. The
// commands sweep and arp-scan extend it by their packets and what they print.
import { setMaxListeners } from 'node:events';
import { setImmediate as next_turn, setTimeout as sleep } from 'node:timers/promises';
import * as socket from '../../promises/index.js';
import { until_interrupted } from '../terminal/command.js';
import { DONE, FAILED, INTERRUPTED } from '../terminal/errors.js';
import { integer, number, type Values } from '../terminal/options.js';
import { Progress } from '../terminal/progress.js';
import type { AddressRange } from './address_range.js';
import { ErrorQueue, type QueuedError } from './error_queue.js';
import { is_plausible, PacketNumbers, read_ancillary, stamping_begun } from './kernel_time.js';
import { has_room_again, passing_errors } from './passing_errors.js';

/** The most messages that one call sends or receives. */
const BATCH = 128;
/** For a time stamp of either kind. */
const ANCILLARY_SIZE = socket.CMSG_SPACE(48);
const NS_PER_MS = 1e6;
/** The interval of checks for completeness while the scan waits for the last answers. */
const POLL_MS = 20;

/** The options for the rate of requests, the wait and the number of rounds, with the defaults of the first two. */
const rate_options = (rate: number, wait: number) => ({
  rate: number('r', 'N', [0, 10_000_000], 'requests a second; 0: as fast as it goes', rate),
  wait: number('W', 'SECONDS', [0.001, 3600], 'for the last answers', wait),
  retries: integer('R', 'N', [0, 100], 'to those that were silent', 1),
});

type RateOptions = Values<ReturnType<typeof rate_options>> & {
  /** The factor by which each round's wait is longer than that of the round before; left out: 1. */
  readonly backoff?: number;
  /** Seconds from the beginning of a round to that of the next; left out: the next one begins after the wait. */
  readonly period?: number;
};

/** The addresses of a scan: a list, or a range. */
interface Addresses {
  readonly count: number;
}

/** A round of requests. */
interface Round {
  readonly number: number;
  /** By address number: when the program sent the request, in milliseconds since 1970; 0: none was sent. */
  readonly sent_ms: Float64Array;
  /** The same by the kernel's time stamp; 0: it has not come. */
  readonly stamp_ms: Float64Array;
}

/** The packets that a socket sent, and its error queue, which has their time stamps and the errors that answer them. */
interface Stamped {
  readonly numbers: PacketNumbers<readonly [round: Round, number: number]>;
  readonly queue: ErrorQueue;
}

/** How often a request is sent before its error counts, on a socket with an error queue. */
const SEND_TRIES = 3;
/** The rounds whose answers are awaited, without a period. */
const ROUNDS_KEPT = 4;

/** A scan of addresses. `number` is the number of an address, from 0 on. */
export abstract class Scan<
  F extends number,
  Options extends RateOptions,
  Range extends Addresses = AddressRange,
> {
  protected progress = new Progress();
  protected sent = 0;
  /** The rounds whose answers count, the latest one first. */
  #rounds: Round[] = [];
  readonly #batch: socket.MessageBatch<F>;
  /** With an error queue: the kernel's time stamps of sent packets. */
  readonly #stamped: Stamped | undefined;

  /**
   * @param answer_max the most bytes of an answer that are received
   * @param queued the socket, if it reports errors of packets that were sent in its error queue (IP_RECVERR)
   */
  constructor(
    protected readonly range: Range,
    protected readonly options: Options,
    protected readonly sock: socket.socket<F>,
    answer_max: number,
    queued?: socket.socket,
  ) {
    this.#batch = new socket.MessageBatch<F>(BATCH, answer_max, ANCILLARY_SIZE);
    if (queued === undefined) sock.setsockopt(socket.SOL_SOCKET, socket.SO_TIMESTAMPNS, 1);
    else this.#stamped = { numbers: new PacketNumbers(queued), queue: new ErrorQueue(queued) };
  }

  /** The number of addresses that answered. */
  protected abstract get answered(): number;
  /** Returns whether an address needs no further request. */
  protected abstract is_finished(number: number): boolean;
  /** Returns whether the scan expects no further answer. */
  protected abstract is_complete(): boolean;
  /** Returns the request to an address. @param round the number of the round, from 0 on */
  protected abstract request(number: number, round: number): socket.Message<F>;
  /** Handles message `i` of a batch. */
  protected abstract on_message(batch: socket.MessageBatch<F>, i: number): void;
  /** Handles an error of sending the request to an address. The scan goes on unless this method throws. */
  protected abstract on_refused(number: number, error: socket.OSError): void;
  protected abstract print_statistics(seconds: number): void;
  /** Is called when the wait for the answers of a round is over. */
  protected on_round_over(_round: number): void {}
  /** Handles an error that the error queue reports. */
  protected on_error(_error: QueuedError): void {}

  /** Runs the scan until it is complete or interrupted. @returns the exit code @throws OSError */
  async run(interrupted = until_interrupted()): Promise<number> {
    try {
      const start = performance.now();
      try {
        if (this.#stamped !== undefined) await stamping_begun();
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

  /** Erases the progress bar, before a line is printed. */
  clear_progress(): void {
    this.progress.clear();
  }

  /** Returns whether a request was sent to an address, and its answer is awaited. */
  protected was_sent(number: number, round?: number): boolean {
    return this.#round_of(number, round) !== undefined;
  }

  /**
   * Returns the milliseconds from the request to an address until the received message.
   *
   * @param round the round of the request; left out: the last one
   */
  protected round_trip_ms(number: number, batch: socket.MessageBatch<F>, i: number, round?: number): number {
    const found = this.#round_of(number, round);
    const at_ms = Number(read_ancillary(batch.ancdata(i)).at_ns) / NS_PER_MS;
    const stamp_ms = found?.stamp_ms[number] || Number.POSITIVE_INFINITY;
    return Math.max(0, at_ms - (stamp_ms <= at_ms ? stamp_ms : (found?.sent_ms[number] ?? Number.NaN)));
  }

  /** Reads the error queue. */
  async #read_queue(): Promise<void> {
    if (this.#stamped === undefined) return;
    const { numbers, queue } = this.#stamped;
    const errors = await queue.read((count, at_ns) => {
      const [round, number] = numbers.take(count) ?? [];
      if (round === undefined || number === undefined) return;
      const stamp_ms = Number(at_ns) / NS_PER_MS;
      if (is_plausible(stamp_ms, round.sent_ms[number] ?? 0)) round.stamp_ms[number] = stamp_ms;
    });
    for (const error of errors) this.on_error(error);
  }

  #round_of(number: number, round?: number): Round | undefined {
    return this.#rounds.find(
      (each) => (round === undefined || each.number === round) && each.sent_ms[number] !== 0,
    );
  }

  async #run_rounds(interrupted: AbortSignal): Promise<void> {
    const finished = new AbortController();
    const end = AbortSignal.any([interrupted, finished.signal]);
    // The wait of each round listens.
    setMaxListeners(0, end);
    let failure: unknown;
    const receiving = this.#receive(end).catch((error: unknown) => {
      if (end.aborted) return;
      failure = error;
      finished.abort();
    });
    try {
      await (this.options.period === undefined
        ? this.#ask_silent(end)
        : this.#ask_all(this.options.period, end));
    } catch (error) {
      // The error of receiving ends the sending.
      if (!end.aborted) throw error;
    } finally {
      finished.abort();
      await receiving;
    }
    if (failure !== undefined) throw failure;
  }

  /** Asks the silent addresses in each round. */
  async #ask_silent(end: AbortSignal): Promise<void> {
    const { retries, wait, backoff = 1 } = this.options;
    for (let round = 0; round <= retries && !this.is_complete(); round++) {
      if ((await this.#send_round(round, end)) === 0) break;
      await this.#wait_for_answers(wait * backoff ** round, end);
      this.on_round_over(round);
      this.#rounds.length = Math.min(this.#rounds.length, ROUNDS_KEPT);
    }
  }

  /** Begins a round in each period. Each round has its own wait, and rounds may overlap. */
  async #ask_all(period: number, end: AbortSignal): Promise<void> {
    const { retries, wait } = this.options;
    const start = performance.now();
    const waits = new Set<Promise<void>>();
    for (let round = 0; round <= retries; round++) {
      if ((await this.#send_round(round, end)) === 0) break;
      const over = this.#wait_for_round(round, wait, round === retries, end);
      // An interrupted wait is reported by the wait for the next round.
      over.catch(() => {}).finally(() => waits.delete(over));
      waits.add(over);
      const next = start + (round + 1) * period * 1000;
      if (round < retries) await sleep(Math.max(0, next - performance.now()), undefined, { signal: end });
    }
    await Promise.all(waits);
  }

  async #wait_for_round(round: number, wait: number, is_last: boolean, end: AbortSignal): Promise<void> {
    if (is_last) await this.#wait_for_answers(wait, end);
    else await sleep(wait * 1000, undefined, { signal: end });
    this.on_round_over(round);
    this.#rounds = this.#rounds.filter(({ number }) => number !== round);
  }

  /** Sends a request to each address that is not finished. @returns the number of these addresses */
  async #send_round(number: number, end: AbortSignal): Promise<number> {
    const { count } = this.range;
    const round: Round = { number, sent_ms: new Float64Array(count), stamp_ms: new Float64Array(count) };
    this.#rounds.unshift(round);
    const { rate } = this.options;
    // A slow rate sends single requests, evenly.
    const size = rate === 0 ? BATCH : Math.max(1, Math.min(BATCH, Math.floor(rate / 100)));
    const start = performance.now();
    let batch: number[] = [];
    let sent = 0;
    for (let i = 0; i < count; i++) {
      if (this.is_finished(i)) continue;
      batch.push(i);
      if (batch.length < size) continue;
      sent += batch.length;
      await this.#send(batch, round, end);
      batch = [];
      this.#show_progress(i);
      const early_ms = rate === 0 ? 0 : start + (sent * 1000) / rate - performance.now();
      // Without a delay, one turn of the event loop lets answers in.
      if (early_ms >= 1) await sleep(early_ms, undefined, { signal: end });
      else await next_turn();
      end.throwIfAborted();
    }
    if (batch.length > 0) await this.#send(batch, round, end);
    return sent + batch.length;
  }

  async #send(numbers: readonly number[], round: Round, signal: AbortSignal): Promise<void> {
    const messages = numbers.map((number) => this.request(number, round.number));
    const now_ms = performance.timeOrigin + performance.now();
    for (const number of numbers) round.sent_ms[number] = now_ms;
    let tries = 0;
    for (let done = 0; done < messages.length; ) {
      try {
        const accepted = await this.sock.sendmmsg(messages.slice(done), 0, { signal });
        const end = done + accepted;
        for (; done < end; done++) this.#stamped?.numbers.sent([round, numbers[done] as number]);
        // The next one is refused.
        if (done < messages.length) await this.#restart_numbers();
      } catch (error) {
        if (signal.aborted || !(error instanceof socket.OSError)) throw error;
        await this.#restart_numbers();
        if (await has_room_again(error, signal)) continue;
        // The error is that of the first message, or of a packet that was sent before: then it is gone in the next try.
        if (this.#stamped !== undefined && tries++ < SEND_TRIES) continue;
        this.on_refused(numbers[done] as number, error);
        done++;
        tries = 0;
      }
    }
    this.sent += numbers.length;
    await this.#read_queue();
  }

  /** Begins to number packets anew, after one that was refused. */
  async #restart_numbers(): Promise<void> {
    await this.#read_queue();
    this.#stamped?.numbers.restart();
  }

  async #receive(signal: AbortSignal): Promise<never> {
    for (;;) {
      const receive = () => this.sock.recvmmsg_into(this.#batch, 0, { signal });
      const count =
        (await passing_errors(signal, receive).catch((error: unknown) => this.#queued(error))) ?? 0;
      // A stamp of sending may come as late as the answer.
      if (count > 0 && this.#stamped?.numbers.waits) await this.#read_queue();
      for (let i = 0; i < count; i++) this.on_message(this.#batch, i);
    }
  }

  /** Handles an error of receiving that a packet caused which was sent before. @throws any other error */
  async #queued(error: unknown): Promise<undefined> {
    const is_queued = error instanceof socket.OSError && error.errno !== undefined;
    if (this.#stamped === undefined || !is_queued) throw error;
    await this.#read_queue();
  }

  async #wait_for_answers(wait: number, signal: AbortSignal): Promise<void> {
    const wait_ms = wait * 1000;
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
