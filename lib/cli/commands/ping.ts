// bsd-sockets ping: echo requests and their answers, with the lines, the statistics and the exit codes of iputils' ping. Sending
// and timing is in network/echo.ts, the text of errors in terminal/icmp_text.ts.
import { setTimeout as sleep } from 'node:timers/promises';
import { source_address } from '../../calls/own_address.js';
import * as socket from '../../promises/index.js';
import { type EchoError, type EchoReply, EchoSocket } from '../network/echo.js';
import {
  address_of,
  FAMILY_OPTIONS,
  find_host,
  HostNames,
  is_multicast,
  is_numeric,
  numeric,
  type Target,
} from '../network/hosts.js';
import { set_ttl } from '../network/icmp_socket.js';
import { wait_option } from '../network/scan.js';
import { command, until_interrupted } from '../terminal/command.js';
import { DONE, FAILED, Failure, UNUSABLE } from '../terminal/errors.js';
import { histogram } from '../terminal/histogram.js';
import { describe_error } from '../terminal/icmp_text.js';
import { flag, integer, number, text, type Values } from '../terminal/options.js';
import { coloured, is_terminal, print, print_json, print_stderr, printable } from '../terminal/output.js';

const options = {
  count: integer('c', 'N', [1, 2 ** 31], 'end after so many answers'),
  interval: number('i', 'SECONDS', [0.001, 3600], 'between requests', 1),
  size: integer('s', 'BYTES', [0, 65_507], 'of data', 56),
  wait: wait_option(10),
  deadline: number('w', 'SECONDS', [0.001, 86_400], 'end after so long, whatever came'),
  ttl: integer('t', 'TTL', [1, 255], 'time to live'),
  interface: text('I', 'NAME', 'an interface, or an own address'),
  ...FAMILY_OPTIONS,
  numeric: flag('n', 'no names'),
  quiet: flag('q', 'the statistics only'),
  timestamps: flag('D', 'the time of day in front of each line'),
  json: flag('', 'one JSON object a line'),
};

type Options = Values<typeof options>;

/** Bytes of the headers of IPv4 and ICMP, which the first line adds to the data. */
const IPV4_OVERHEAD = 28;
/** The UDP port of iputils' ping for looking a route up. Errors show it. */
const ROUTE_PORT = 1025;

class Ping {
  readonly #echo: EchoSocket;
  readonly #names: HostNames;
  readonly #finish = new AbortController();
  readonly #answered = new Set<number>();
  readonly #times: number[] = [];
  readonly #data: Buffer;
  /** The text of the first line about -I: the own address and the interface. */
  #source: string | undefined;
  #sent = 0;
  #errors = 0;
  #duplicates = 0;
  #in_flight_max = 0;
  #began = 0;
  #last = 0;
  #all_answered: () => void = () => {};

  constructor(
    readonly target: Target,
    readonly options: Options,
  ) {
    this.#echo = new EchoSocket(target.family);
    this.#names = new HostNames(options.numeric || is_numeric(target));
    // The data of iputils' ping: the bytes count up.
    this.#data = Buffer.from(Uint8Array.from({ length: options.size }, (_, i) => (i + 8) & 0xff));
  }

  async run(interrupted: AbortSignal): Promise<number> {
    const { target, options } = this;
    const signals = [interrupted, this.#finish.signal];
    if (options.deadline !== undefined) signals.push(AbortSignal.timeout(options.deadline * 1000));
    const end = AbortSignal.any(signals);
    try {
      await this.#prepare();
      await this.#print_head();
      this.#began = performance.now();
      this.#last = this.#began;
      const receiving = this.#receive(end);
      receiving.catch(() => this.#finish.abort());
      await this.#send_all(address_of(target), end);
      this.#finish.abort();
      await receiving;
    } finally {
      this.#echo.close();
    }
    this.#print_statistics();
    const wanted = options.count ?? 1;
    const short = options.deadline !== undefined && this.#times.length < wanted;
    return this.#times.length === 0 || short ? FAILED : DONE;
  }

  async #prepare(): Promise<void> {
    const { ttl, interface: device } = this.options;
    const { sock } = this.#echo;
    if (ttl !== undefined) set_ttl(sock, ttl);
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1);
    const is_name = socket.if_nameindex().some(([, name]) => name === device);
    if (device !== undefined) {
      if (is_name) sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device);
      else await sock.bind([device, 0]);
      this.#source = printable(is_name ? `${source_to(this.target, device)} ${device}` : `${device} `);
    }
    // For an address with an interface, iputils' ping checks no route: it sends, and reports the error of sending.
    if (!numeric(this.target).includes('%')) check_route(this.target, is_name ? device : undefined);
    await this.#echo.choose_id();
  }

  async #print_head(): Promise<void> {
    const { target, options } = this;
    if (options.json) return;
    const { family } = target;
    const name = printable(target.name);
    const host = numeric(target);
    const six = family === socket.AF_INET6;
    const own = this.#source === undefined ? '' : ` from ${this.#source}:`;
    if (six)
      print(`PING ${name}(${await this.#names.name_and_address(host)})${own} ${options.size} data bytes`);
    else
      print(`PING ${name} (${host})${own} ${options.size}(${options.size + IPV4_OVERHEAD}) bytes of data.`);
  }

  /** Sends all requests, then waits for the last answers. */
  async #send_all(address: socket.Address, end: AbortSignal): Promise<void> {
    const { count = Number.POSITIVE_INFINITY, interval, wait } = this.options;
    const all = new Promise<void>((resolve) => {
      this.#all_answered = resolve;
    });
    try {
      while (this.#sent < count && !end.aborted) {
        await this.#send(address);
        const next = this.#began + this.#sent * interval * 1000;
        if (this.#sent < count)
          await sleep(Math.max(0, next - performance.now()), undefined, { signal: end });
      }
      if (this.#is_complete()) return;
      const wait_s =
        this.#times.length === 0
          ? wait
          : Math.min(wait, Math.max(interval, 0.002 * Math.max(...this.#times)));
      await Promise.race([all, sleep(wait_s * 1000, undefined, { signal: end })]);
    } catch (error) {
      if (!end.aborted) throw error;
    }
  }

  async #send(address: socket.Address): Promise<void> {
    this.#sent++;
    this.#last = performance.now();
    const seq = this.#sent & 0xffff;
    this.#answered.delete(seq);
    try {
      await this.#echo.send(address, seq, this.#data);
    } catch (error) {
      if (!(error instanceof socket.OSError)) throw error;
      this.#errors++;
      if (!this.options.quiet) print_stderr(`ping: sendmsg: ${error.strerror}`);
    }
    this.#in_flight_max = Math.max(this.#in_flight_max, this.#sent - this.#times.length - this.#errors);
  }

  async #receive(end: AbortSignal): Promise<void> {
    try {
      for (;;) {
        for (const event of await this.#echo.receive(end)) await this.#on_event(event);
        if (this.#is_complete()) this.#all_answered();
      }
    } catch (error) {
      if (!end.aborted) throw error;
    }
  }

  #is_complete(): boolean {
    return this.#times.length + this.#errors >= (this.options.count ?? Number.POSITIVE_INFINITY);
  }

  async #on_event(event: EchoReply | EchoError): Promise<void> {
    this.#last = performance.now();
    const { seq, from } = event;
    if (event.kind === 'error') {
      this.#errors++;
      await this.#print_error(event);
      return;
    }
    const duplicate = this.#answered.has(seq);
    if (duplicate) this.#duplicates++;
    else {
      this.#answered.add(seq);
      this.#times.push(event.milliseconds);
    }
    const { json, quiet } = this.options;
    if (quiet) return;
    const { bytes, ttl, milliseconds } = event;
    // A multicast request may have several answers, which are no duplicates.
    const marked = duplicate && !is_multicast(this.target);
    if (json) print_json({ type: 'reply', seq, from, bytes, ttl, milliseconds, duplicate });
    else {
      const time = `time=${coloured('cyan', format_ms(milliseconds))} ms`;
      const head = `${this.#time_of_day()}${bytes} bytes from ${await this.#names.name_and_address(from)}`;
      print(`${head}: icmp_seq=${seq} ttl=${ttl ?? '?'} ${time}${marked ? ' (DUP!)' : ''}`);
    }
  }

  async #print_error(event: EchoError): Promise<void> {
    const { seq, from, type, code } = event;
    const { json, quiet } = this.options;
    if (quiet) return;
    const text = describe_error(event);
    if (json) print_json({ type: 'error', seq, from, icmp_type: type, icmp_code: code, message: text });
    else {
      const head = `${this.#time_of_day()}From ${await this.#names.name_and_address(from)}`;
      print(`${head} icmp_seq=${seq} ${coloured('red', text)}`);
    }
  }

  #time_of_day(): string {
    return this.options.timestamps ? `[${(Date.now() / 1000).toFixed(6)}] ` : '';
  }

  #print_statistics(): void {
    const { target, options } = this;
    const times = this.#times;
    const received = times.length;
    const loss = this.#sent === 0 ? 0 : ((this.#sent - received) * 100) / this.#sent;
    const spread = rtt_statistics(times);
    const elapsed = Math.round(this.#last - this.#began);
    if (options.json) {
      const counts = { sent: this.#sent, received, errors: this.#errors, duplicates: this.#duplicates };
      print_json({
        type: 'statistics',
        target: target.name,
        address: numeric(target),
        ...counts,
        loss_percent: loss,
        milliseconds: elapsed,
        rtt: spread,
      });
      return;
    }
    const errors = this.#errors > 0 ? `, +${this.#errors} errors` : '';
    const duplicates = this.#duplicates > 0 ? `, +${this.#duplicates} duplicates` : '';
    print(`\n--- ${printable(target.name)} ping statistics ---`);
    const percent = `${Number(loss.toPrecision(6))}% packet loss`;
    print(
      `${this.#sent} packets transmitted, ${received} received${duplicates}${errors}, ${percent}, time ${elapsed}ms`,
    );
    if (spread === undefined) {
      print();
      return;
    }
    const { min, avg, max, mdev } = spread;
    const pipe = this.#in_flight_max > 1 ? `, pipe ${this.#in_flight_max}` : '';
    print(`rtt min/avg/max/mdev = ${[min, avg, max, mdev].map((ms) => ms.toFixed(3)).join('/')} ms${pipe}`);
    if (is_terminal() && times.length > 1) for (const line of histogram(times, 'ms')) print(line);
  }
}

/** Returns the address that packets to a target leave from. @throws OSError */
function source_to(target: Target, interface_name?: string): string {
  return source_address(target.family, address_of(target, ROUTE_PORT), interface_name);
}

/** Checks that a route to the target exists. @throws Failure with the exit code 2 of iputils' ping */
function check_route(target: Target, interface_name: string | undefined): void {
  try {
    source_to(target, interface_name);
  } catch (error) {
    if (!(error instanceof socket.OSError)) throw error;
    throw new Failure(`connect: ${error.strerror}`, UNUSABLE);
  }
}

/** Returns a time as iputils' ping prints it, with three significant digits. */
function format_ms(ms: number): string {
  if (ms >= 100) return ms.toFixed(0);
  if (ms >= 10) return ms.toFixed(1);
  return ms.toFixed(ms >= 1 ? 2 : 3);
}

function rtt_statistics(times: readonly number[]) {
  if (times.length === 0) return undefined;
  let sum = 0;
  let squares = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = 0;
  for (const ms of times) {
    sum += ms;
    squares += ms * ms;
    min = Math.min(min, ms);
    max = Math.max(max, ms);
  }
  const avg = sum / times.length;
  return { min, avg, max, mdev: Math.sqrt(Math.max(0, squares / times.length - avg * avg)) };
}

export const { help, main } = command({
  usage: ['[options] HOST'],
  operands: [1, 1],
  options,
  notes: `By a raw socket, or where that is not allowed by a datagram socket of ICMP (net.ipv4.ping_group_range). Times are
the kernel's. Exit codes: 0 answered, 1 no answer, 2 it could not begin.`,
  async run(values, [host = '']) {
    const target = await find_host(host, values);
    const interrupted = until_interrupted();
    return new Ping(target, values).run(interrupted);
  },
});
