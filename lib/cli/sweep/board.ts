// The answers of a sweep: what is known of each target, and what is printed of it, in the words of fping. The requests are in
// echo_scan.ts, the picture of --live in live.ts.
import type { AddressList, ListedRange } from '../network/address_list.js';
import { HostNames } from '../network/hosts.js';
import type { Sample } from '../terminal/chart.js';
import { DONE, FAILED, UNUSABLE } from '../terminal/errors.js';
import { print, print_json, print_stderr, printable } from '../terminal/output.js';
import type { SweepOptions } from './options.js';
import { Tally } from './tally.js';
import { average, outage, short_time, statistics_text, summary_text } from './text.js';

/** What is known of a target. */
export type State = 'waiting' | 'alive' | 'unreachable';

/** An answer to a request. */
export interface Answer {
  readonly round: number;
  readonly milliseconds: number;
  /** The size of the ICMP message. */
  readonly bytes: number;
  readonly duplicate: boolean;
}

export class Board {
  readonly tally: Tally;
  readonly #alive: Uint8Array;
  /** The reasons why targets are unreachable, as routers or the kernel told them. */
  readonly #reasons = new Map<number, string>();
  readonly #names: HostNames;
  readonly #width: number;
  /** Prints in order what waits for the lookup of a name. */
  #printed: Promise<void> = Promise.resolve();
  /** Lines that are printed after the picture of --live. */
  readonly #held: string[] = [];
  readonly #began = performance.now();
  answered = 0;
  unreachable = 0;
  /** Names without an address. */
  unknown = 0;
  /** Requests that were sent. */
  sent = 0;
  other_icmp = 0;
  /** Is called before a line is printed, to erase the progress bar. */
  before_print: () => void = () => {};
  /** Is called with the result of each request, for the picture. */
  on_sample: (number: number, round: number, sample: Sample) => void = () => {};

  constructor(
    readonly list: AddressList,
    readonly options: SweepOptions,
    /** True while a picture is on the screen. */
    public is_live: boolean,
  ) {
    const { vcount, squiet, name, rdns } = options;
    this.tally = new Tally(list.count, { times: vcount !== undefined, reports: squiet !== undefined });
    this.#alive = new Uint8Array(list.count);
    this.#names = new HostNames(!name && !rdns);
    this.#width = Math.max(0, ...list.ranges.map((range) => this.#longest_name(range)));
  }

  /** True for -c, -C and -l, which print a line for each answer. */
  get is_counting(): boolean {
    const { count, vcount, loop } = this.options;
    return loop || count !== undefined || vcount !== undefined;
  }

  state(number: number): State {
    if (this.#alive[number] === 1) return 'alive';
    return this.#reasons.has(number) ? 'unreachable' : 'waiting';
  }

  /** Returns whether the target was named by itself; false for an address of a network or a range. */
  is_named(number: number): boolean {
    return this.list.range_of(number).name !== undefined;
  }

  /** Returns the text by which a target is printed, without a lookup. */
  name(number: number): string {
    const named = this.options.addr ? undefined : this.list.range_of(number).name;
    return printable(named ?? this.list.address_at(number));
  }

  #longest_name(range: ListedRange): number {
    return Math.max(this.name(range.start).length, this.name(range.start + range.count - 1).length);
  }

  async #looked_up(number: number): Promise<string> {
    const { rdns } = this.options;
    const address = this.list.address_at(number);
    const is_address = (this.list.range_of(number).name ?? address) === address;
    return ((rdns || is_address) && (await this.#names.lookup(address))) || this.name(number);
  }

  /** Prints a line about a target on standard output. */
  #print(number: number, line: (name: string) => string): void {
    const show = (name: string) => {
      const text = `${this.#time_of_day()}${line(name)}`;
      if (this.is_live) {
        if (!this.is_counting) this.#held.push(text);
        return;
      }
      this.before_print();
      print(text);
    };
    const { name, rdns } = this.options;
    if (!name && !rdns) show(this.name(number));
    else this.#printed = this.#printed.then(async () => show(await this.#looked_up(number)));
  }

  #time_of_day(): string {
    return this.options.timestamp ? `[${(Date.now() / 1000).toFixed(5)}] ` : '';
  }

  /** Prints a line on standard error, unless it is quiet. */
  #print_stderr(line: string): void {
    if (this.options.quiet || this.options.json || this.is_live) return;
    this.before_print();
    print_stderr(line);
  }

  on_answer(number: number, { round, milliseconds, bytes, duplicate }: Answer): void {
    const { json, quiet, unreach, alive, elapsed } = this.options;
    const time = short_time(milliseconds);
    if (duplicate) {
      this.#print_stderr(
        `${this.#padded(this.name(number))} : duplicate for [${round}], ${bytes} bytes, ${time} ms`,
      );
      return;
    }
    this.tally.answered(number, round, milliseconds);
    this.on_sample(number, round, milliseconds);
    const is_first = this.#alive[number] === 0;
    if (is_first) {
      this.#alive[number] = 1;
      this.answered++;
      if (this.#reasons.delete(number)) this.unreachable--;
    }
    const address = this.list.address_at(number);
    if (quiet || unreach || (!this.is_counting && !is_first)) return;
    if (json) {
      const named = this.list.range_of(number).name;
      const name = named === undefined || named === address ? {} : { name: named };
      print_json({ type: 'answer', address, ...name, milliseconds, ...(this.is_counting && { round }) });
    } else if (this.is_counting) {
      this.#print(
        number,
        (name) =>
          `${this.#padded(name)} : [${round}], ${bytes} bytes, ${time} ms (${average(this.tally.spread(number))})`,
      );
    } else {
      this.#print(number, (name) => `${name}${alive ? '' : ' is alive'}${elapsed ? ` (${time} ms)` : ''}`);
    }
  }

  on_timeout(number: number, round: number): void {
    this.tally.timed_out(number, round);
    this.on_sample(number, round, 'lost');
    if (!this.is_counting || this.options.quiet) return;
    if (this.options.json) print_json({ type: 'silent', address: this.list.address_at(number), round });
    else
      this.#print(
        number,
        (name) => `${this.#padded(name)} : [${round}], timed out (${average(this.tally.spread(number))})`,
      );
  }

  /** Notes an error that answers a request. @param from the router that sent it; undefined if the kernel does not tell */
  on_error(number: number, reason: string, from: string | undefined): void {
    this.other_icmp++;
    this.#set_unreachable(number, reason);
    if (!this.is_named(number) && !this.options.unreach) return;
    const who = from === undefined ? '' : ` from ${from}`;
    this.#print_stderr(`${reason}${who} for ICMP Echo sent to ${this.list.address_at(number)}`);
  }

  /** Notes that a request cannot be sent. */
  on_refused(number: number, reason: string): void {
    this.#set_unreachable(number, reason);
    if (this.is_named(number) || this.options.unreach)
      this.#print_stderr(`${this.name(number)}: error while sending ping: ${reason}`);
  }

  #set_unreachable(number: number, reason: string): void {
    if (this.state(number) !== 'waiting') return;
    this.#reasons.set(number, reason);
    this.unreachable++;
  }

  #padded(name: string): string {
    return name.padEnd(this.#width);
  }

  /** Prints the summary of each target since the last time, for -Q. */
  report(): void {
    print_stderr(`[${new Date().toTimeString().slice(0, 8)}]`);
    this.#print_summary((number) => this.tally.since_report(number));
    this.tally.reported();
  }

  #print_summary(spread: Tally['spread']): void {
    const { vcount, period, outage: with_outage } = this.options;
    for (let number = 0; number < this.list.count; number++) {
      const each = spread.call(this.tally, number);
      if (each.sent === 0) continue;
      const lost = with_outage ? outage(each, period) : '';
      const text =
        vcount === undefined
          ? summary_text(each, lost)
          : this.tally
              .times(number)
              .map((ms) => (ms === undefined ? '-' : short_time(ms)))
              .join(' ');
      print_stderr(`${this.#padded(this.name(number))} : ${text}`);
    }
  }

  /** Prints what is told at the end. */
  async finish(): Promise<void> {
    const { json, quiet, stats, reachable } = this.options;
    if (json) this.#print_json();
    else if (this.is_counting) {
      await this.#printed;
      if (!quiet) print_stderr('');
      this.#print_summary((number) => this.tally.spread(number));
    } else if (!quiet) this.#print_silent();
    await this.#printed;
    for (const line of this.#held) print(line);
    if (json) return;
    const seconds = (performance.now() - this.#began) / 1000;
    if (stats) for (const line of statistics_text(this, seconds)) print_stderr(line);
    const has_network = this.list.ranges.some(({ name }) => name === undefined);
    if (has_network && !this.is_counting && !quiet && !stats) print_stderr(this.#closing_line(seconds));
    if (reachable !== undefined) {
      const counts = `(required: ${reachable}, reachable: ${this.answered})`;
      print(`${this.answered < reachable ? 'Not enough' : 'Enough'} hosts reachable ${counts}`);
    }
  }

  /** Prints the targets that did not answer: those that were named, with -u all. */
  #print_silent(): void {
    const { alive, unreach } = this.options;
    if (alive) return;
    for (let number = 0; number < this.list.count; number++) {
      if (this.#alive[number] === 1 || (!unreach && !this.is_named(number))) continue;
      this.#print(number, (name) => `${name}${unreach ? '' : ' is unreachable'}`);
    }
  }

  get #counts() {
    const { answered, unreachable, sent } = this;
    return { answered, unreachable, silent: this.list.count - answered - unreachable, sent };
  }

  #closing_line(seconds: number): string {
    const { answered, unreachable, silent, sent } = this.#counts;
    const words = `${answered} answered, ${unreachable} unreachable, ${silent} silent`;
    return `${this.list.count} addresses: ${words}; ${sent} requests in ${seconds.toFixed(2)} s`;
  }

  #print_json(): void {
    if (!this.options.quiet) {
      for (const [number, message] of this.#reasons)
        print_json({ type: 'unreachable', address: this.list.address_at(number), message });
    }
    const seconds = (performance.now() - this.#began) / 1000;
    print_json({
      type: 'statistics',
      addresses: this.list.count,
      unknown: this.unknown,
      ...this.#counts,
      seconds,
    });
  }

  /** Returns the exit code: of the targets that were named all, of the others one must have answered; with -x so many of all. */
  exit_code(): number {
    const { reachable } = this.options;
    if (reachable !== undefined) return this.answered < reachable ? FAILED : DONE;
    if (this.unknown > 0) return UNUSABLE;
    const missing = this.list.ranges.some(
      ({ name, start }) => name !== undefined && this.#alive[start] === 0,
    );
    return missing || this.answered === 0 ? FAILED : DONE;
  }
}
