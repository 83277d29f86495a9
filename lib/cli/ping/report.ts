// What ping counts and prints: the lines, the dots of -f and the statistics of iputils' ping, JSON, and the chart of --live.
import type { OSError } from '../../promises/index.js';
import type { EchoError, EchoReply } from '../network/echo.js';
import { HostNames, is_multicast, is_numeric, numeric, type Target } from '../network/hosts.js';
import { histogram } from '../terminal/histogram.js';
import { describe_error } from '../terminal/icmp_text.js';
import {
  coloured,
  columns_of,
  is_terminal,
  print,
  print_json,
  print_stderr,
  printable,
} from '../terminal/output.js';
import { RoundTrips } from '../terminal/round_trips.js';
import { has_screen } from '../terminal/screen.js';
import { reply_faults, wrong_byte_lines } from './echo_data.js';
import { HeaderOptionText, OPTIONS_SIZE } from './header_options.js';
import { LivePing } from './live.js';
import type { PingOptions } from './options.js';

/** Bytes of the headers of IPv4 and ICMP, which the first line adds to the data. */
const IPV4_OVERHEAD = 28;

export class Report {
  readonly times = new RoundTrips();
  readonly #names: HostNames;
  readonly #header_options: HeaderOptionText;
  readonly #live: LivePing | undefined;
  sent = 0;
  errors = 0;
  duplicates = 0;
  in_flight_max = 0;
  #began = 0;
  #last = 0;

  constructor(
    readonly target: Target,
    readonly options: PingOptions,
    /** The data of the requests. */
    private readonly data: Buffer,
    private readonly id: () => number,
  ) {
    this.#names = new HostNames(options.numeric || is_numeric(target));
    this.#header_options = new HeaderOptionText((address) => this.#names.name_and_address(address));
    if (options.live && has_screen()) this.#live = new LivePing(this);
  }

  /** Opens the chart of --live. The time of the statistics begins. */
  open(): void {
    this.#began = performance.now();
    this.#last = this.#began;
    this.#live?.open();
  }

  /** Closes the chart. */
  close(): void {
    this.#live?.close();
  }

  /** True if lines for answers are printed; the dots of -f, a chart and -q stand for them. */
  get #has_lines(): boolean {
    const { quiet, flood } = this.options;
    return !quiet && !flood && this.#live === undefined;
  }

  /** @param source the text about the own address, with -I */
  async print_head(source: string | undefined): Promise<void> {
    const { target, options } = this;
    if (options.json) return;
    if (options.pattern !== undefined && !options.quiet) print(`PATTERN: 0x${options.pattern.toLowerCase()}`);
    const name = printable(target.name);
    const host = numeric(target);
    const own = source === undefined ? '' : ` from ${source}:`;
    const { size } = options;
    if (host.includes(':')) {
      print(`PING ${name}(${await this.#names.name_and_address(host)})${own} ${size} data bytes`);
      return;
    }
    const header_options = options.record_route || options.stamps !== undefined ? OPTIONS_SIZE : 0;
    print(`PING ${name} (${host})${own} ${size}(${size + IPV4_OVERHEAD + header_options}) bytes of data.`);
  }

  on_send(): void {
    this.sent++;
    this.#last = performance.now();
    if (this.#draws_dots) process.stdout.write('.');
    this.#live?.on_send(this.sent - 1, this.options.interval ?? (this.options.flood ? 0 : 1));
  }

  get #draws_dots(): boolean {
    const { quiet, flood, json } = this.options;
    return flood && !quiet && !json && this.#live === undefined;
  }

  /** Notes that a request could not be sent. @param mtu the MTU that it exceeds */
  on_send_error(error: OSError, mtu: number | undefined): void {
    this.errors++;
    this.#live?.samples.set(this.sent - 1, 'lost');
    const separator = numeric(this.target).includes(':') ? ': ' : '=';
    const text =
      error.code === 'EMSGSIZE'
        ? `ping: local error: message too long, mtu${separator}${mtu ?? 'unknown'}`
        : `ping: sendmsg: ${error.strerror}`;
    if (this.#live !== undefined) this.#live.tell(text);
    else if (this.#draws_dots) process.stdout.write('\bE');
    else if (!this.options.quiet) print_stderr(text);
  }

  /** Tells that the last request has no answer, with -O. */
  on_outstanding(): void {
    const { json, quiet } = this.options;
    if (quiet) return;
    if (json) print_json({ type: 'outstanding', seq: this.sent & 0xffff });
    else if (this.#has_lines) print(`${this.#time_of_day()}no answer yet for icmp_seq=${this.sent & 0xffff}`);
  }

  async on_reply(reply: EchoReply, duplicate: boolean): Promise<void> {
    this.#last = performance.now();
    if (duplicate) this.duplicates++;
    else {
      this.times.add(reply.milliseconds);
      this.#live?.samples.set(this.#request_of(reply.seq), reply.milliseconds);
    }
    const { json, quiet, audible } = this.options;
    if (json && !quiet) this.#print_json_reply(reply, duplicate);
    else if (this.#has_lines) await this.#print_reply(reply, duplicate);
    else {
      if (this.#draws_dots) process.stdout.write('\b \b');
      if (audible && !quiet) process.stdout.write('\x07');
    }
  }

  /** Returns the number of a request, from 0 on, by its sequence number, which has 16 bits. */
  #request_of(seq: number): number {
    return this.sent - 1 - ((this.sent - seq) & 0xffff);
  }

  /** Returns what is wrong with a reply. A request to several hosts may have several answers, which are no duplicates, and are from others. */
  #faults(reply: EchoReply, duplicate: boolean) {
    const several = is_multicast(this.target) || this.options.broadcast;
    return {
      ...reply_faults(this.data, reply.data),
      duplicate: duplicate && !several,
      other: !several && reply.from !== numeric(this.target),
    };
  }

  #print_json_reply(reply: EchoReply, duplicate: boolean): void {
    const { seq, from, bytes, ttl, milliseconds } = reply;
    const { truncated, wrong_byte, other } = this.#faults(reply, duplicate);
    print_json({
      type: 'reply',
      seq,
      from,
      bytes,
      ttl,
      milliseconds,
      clock: reply.stamped ? 'kernel' : 'program',
      duplicate,
      ...(truncated && { truncated }),
      ...(wrong_byte && { wrong_byte }),
      ...(other && { different_address: true }),
      ...(reply.options.length > 0 && { options: reply.options }),
    });
  }

  async #print_reply(reply: EchoReply, duplicate: boolean): Promise<void> {
    const { seq, from, bytes, ttl, milliseconds } = reply;
    const faults = this.#faults(reply, duplicate);
    const time = `time=${coloured('cyan', format_ms(milliseconds))} ms`;
    const marks = `${faults.duplicate ? ' (DUP!)' : ''}${faults.other ? ' (DIFFERENT ADDRESS!)' : ''}`;
    const tail = faults.truncated ? ' (truncated)' : ` ${time}${marks}`;
    const head = `${this.#time_of_day()}${bytes} bytes from ${await this.#names.name_and_address(from)}`;
    const id = this.options.verbose ? ` ident=${this.id()}` : '';
    const line = `${head}: icmp_seq=${seq}${id} ttl=${ttl ?? '?'}${tail}`;
    print(`${line}${this.options.audible ? '\x07' : ''}${await this.#header_options.of(reply.options)}`);
    if (!faults.truncated) for (const each of wrong_byte_lines(faults, reply.data)) print(each);
  }

  /** Notes an error that answers a request, or a notice about it. */
  async on_error(event: EchoError): Promise<void> {
    this.#last = performance.now();
    const { seq, from, type, code, kind } = event;
    const { json, quiet } = this.options;
    if (kind === 'error') {
      this.errors++;
      this.#live?.samples.set(this.#request_of(seq), 'lost');
    }
    const text = describe_error(event);
    if (json && !quiet)
      print_json({ type: kind, seq, from, icmp_type: type, icmp_code: code, message: text });
    else if (this.#has_lines) {
      const head = `${this.#time_of_day()}From ${await this.#names.name_and_address(from)}`;
      print(`${head} icmp_seq=${seq} ${coloured('red', text)}`);
    } else if (this.#live !== undefined) this.#live.tell(`From ${from} icmp_seq=${seq} ${text}`);
    else if (this.#draws_dots && kind === 'error') process.stdout.write('\bE');
  }

  #time_of_day(): string {
    return this.options.timestamps ? `[${(Date.now() / 1000).toFixed(6)}] ` : '';
  }

  /** Prints the counts so far on standard error: what SIGQUIT (Ctrl-\) asks for. */
  print_state(): void {
    const { count, ewma } = this.times;
    const spread = this.times.statistics();
    const loss = this.sent === 0 ? 0 : Math.trunc(((this.sent - count) * 100) / this.sent);
    const times =
      spread === undefined
        ? ''
        : `, min/avg/ewma/max = ${[spread.min, spread.avg, ewma, spread.max].map((ms) => ms.toFixed(3)).join('/')} ms`;
    process.stderr.write(`\r${count}/${this.sent} packets, ${loss}% loss${times}\n`);
  }

  /** The percentage of requests without an answer. */
  get loss_percent(): number {
    return this.sent === 0 ? 0 : ((this.sent - this.times.count) * 100) / this.sent;
  }

  print_statistics(): void {
    this.close();
    const { target, options, times, sent, errors, duplicates } = this;
    const { count: received } = times;
    const spread = times.statistics();
    const elapsed_ms = this.#last - this.#began;
    if (options.json) {
      print_json({
        type: 'statistics',
        target: target.name,
        address: numeric(target),
        ...{ sent, received, errors, duplicates },
        loss_percent: this.loss_percent,
        milliseconds: Math.round(elapsed_ms),
        rtt: spread,
      });
      return;
    }
    print(`\n--- ${printable(target.name)} ping statistics ---`);
    const more = `${duplicates > 0 ? `, +${duplicates} duplicates` : ''}${errors > 0 ? `, +${errors} errors` : ''}`;
    const percent = `${Number(this.loss_percent.toPrecision(6))}% packet loss`;
    print(
      `${sent} packets transmitted, ${received} received${more}, ${percent}, time ${Math.round(elapsed_ms)}ms`,
    );
    print(this.#times_line(elapsed_ms));
    if (is_terminal() && times.count > 1)
      for (const line of histogram(times.latest, 'ms', columns_of(process.stdout))) print(line);
  }

  #times_line(elapsed_ms: number): string {
    const { sent, times, in_flight_max } = this;
    const { interval, flood, adaptive } = this.options;
    const spread = times.statistics();
    if (spread === undefined) return '';
    const { min, avg, max, mdev } = spread;
    const parts = [`rtt min/avg/max/mdev = ${[min, avg, max, mdev].map((ms) => ms.toFixed(3)).join('/')} ms`];
    if (in_flight_max > 1) parts.push(`pipe ${in_flight_max}`);
    if (sent > 1 && (flood || adaptive || interval === 0))
      parts.push(`ipg/ewma ${(elapsed_ms / (sent - 1)).toFixed(3)}/${times.ewma.toFixed(3)} ms`);
    return parts.join(', ');
  }
}

/** Returns a time as iputils' ping prints it, with three significant digits. */
function format_ms(ms: number): string {
  if (ms >= 100) return ms.toFixed(0);
  if (ms >= 10) return ms.toFixed(1);
  return ms.toFixed(ms >= 1 ? 2 : 3);
}
