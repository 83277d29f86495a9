// A run of ping: the loops that send and receive, and the pace of sending. What is printed is in report.ts.
import * as socket from '../../promises/index.js';
import { type EchoError, type EchoReply, EchoSocket } from '../network/echo.js';
import { address_of, is_address, numeric, type Target } from '../network/hosts.js';
import { set_ttl } from '../network/icmp_socket.js';
import {
  bind_to_interface,
  type MtuDiscovery,
  set_mark,
  set_mtu_discovery,
  set_traffic_class,
} from '../network/ip_options.js';
import { check_route, path_mtu, source_to } from '../network/route.js';
import { check_interface } from '../terminal/command.js';
import { DONE, FAILED } from '../terminal/errors.js';
import { printable } from '../terminal/output.js';
import { record_route_option, timestamp_option } from './header_options.js';
import { run_together } from './loops.js';
import type { PingOptions, TIMESTAMPS } from './options.js';
import { Report } from './report.js';

/** The most milliseconds between two requests that wait for an answer, with -f. */
const FLOOD_MS = 10;
/** The least wait for the last answers, in seconds, if there was an answer. */
const LAST_WAIT_S = 1;
/** The least interval of -A for everybody but root, in milliseconds; and that of others in iputils' ping. */
const ADAPTIVE_MS = 200;

export class Ping {
  readonly #echo: EchoSocket;
  readonly #finish = new AbortController();
  /** The sequence numbers that were answered, of the last 65,536. */
  readonly #answered = new Uint8Array(0x10000);
  readonly #data: Buffer;
  readonly #report: Report;
  #in_flight = 0;
  #began = 0;
  #last_sent = 0;
  /** Ends the sending loop's pause. */
  #wake: () => void = () => {};
  readonly #stop = () => this.#finish.abort();

  /** @param routers those that write their time, with -T tsprespec */
  constructor(
    readonly target: Target,
    readonly options: PingOptions,
    readonly routers: readonly string[],
  ) {
    this.#echo = new EchoSocket(target.family, options.user_times);
    this.#data = data_of(options);
    this.#report = new Report(target, options, this.#data, () => this.#echo.id);
  }

  async run(interrupted: AbortSignal): Promise<number> {
    const { target, options } = this;
    const report = this.#report;
    const print_state = () => report.print_state();
    try {
      const source = await this.#prepare();
      await report.print_head(source);
      process.on('SIGQUIT', print_state);
      report.open();
      this.#began = performance.now();
      const signals = [interrupted, this.#finish.signal];
      if (options.deadline > 0) signals.push(AbortSignal.timeout(options.deadline * 1000));
      const end = AbortSignal.any(signals);
      end.addEventListener('abort', () => this.#wake());
      const loops = [this.#receive(end), this.#send_all(address_of(target), end)];
      const failure = await run_together(loops, this.#stop);
      report.print_statistics();
      if (failure !== undefined) throw failure.reason;
    } finally {
      report.close();
      process.off('SIGQUIT', print_state);
      this.#echo.close();
    }
    const { count } = report.times;
    const short = options.deadline > 0 && count < (options.count ?? 1);
    return count === 0 || short ? FAILED : DONE;
  }

  /** Sets the socket up. @returns the own address and the interface of -I as the first line shows them */
  async #prepare(): Promise<string | undefined> {
    const { ttl, tos, discovery, mark, interface: device, id, send_buffer, no_loopback } = this.options;
    const { sock } = this.#echo;
    const is_ipv4 = sock.family === socket.AF_INET;
    if (ttl !== undefined) set_ttl(sock, ttl);
    if (tos !== undefined) set_traffic_class(sock, tos);
    if (discovery !== undefined) set_mtu_discovery(sock, discovery as MtuDiscovery);
    if (mark !== undefined) set_mark(sock, mark);
    if (send_buffer !== undefined) sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer);
    if (no_loopback && is_ipv4) sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0);
    if (no_loopback && !is_ipv4) sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0);
    if (is_ipv4) this.#set_header_options();
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1);
    const is_name = socket.if_nameindex().some(([, name]) => name === device);
    let source: string | undefined;
    if (device !== undefined) {
      // Neither a name nor an address: the error names the interfaces there are.
      if (!is_name && !is_address(device)) check_interface(device);
      if (is_name) bind_to_interface(sock, device);
      else await sock.bind([device, 0]);
      source = printable(is_name ? `${source_to(this.target, device)} ${device}` : `${device} `);
    }
    // For an address with an interface, iputils' ping checks no route: it sends, and reports the error of sending.
    if (!numeric(this.target).includes('%')) check_route(this.target, is_name ? device : undefined);
    await this.#echo.choose_id(id);
    return source;
  }

  #set_header_options(): void {
    const { record_route, stamps } = this.options;
    if (!record_route && stamps === undefined) return;
    const option = record_route
      ? record_route_option()
      : timestamp_option(stamps as (typeof TIMESTAMPS)[number], this.routers);
    this.#echo.sock.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, option);
    this.#echo.receive_options();
  }

  /** Sends all requests, then waits for the last answers. */
  async #send_all(address: socket.Address, end: AbortSignal): Promise<void> {
    const { count = Number.POSITIVE_INFINITY, wait, deadline } = this.options;
    const report = this.#report;
    const last = deadline > 0 ? this.#began + deadline * 1000 : Number.POSITIVE_INFINITY;
    // With a deadline, requests go on until there are `count` answers.
    while ((deadline > 0 ? report.times.count : report.sent) < count && !end.aborted) {
      if (this.options.outstanding && report.sent > 0 && this.#answered[report.sent & 0xffff] === 0)
        report.on_outstanding();
      await this.#send(address);
      while (!this.#is_complete() && !end.aborted && (deadline > 0 || report.sent < count)) {
        const due = this.#due();
        // A request that is due at the deadline is not sent, as iputils' alarm comes first.
        const pause_ms = due >= last ? Number.POSITIVE_INFINITY : due - performance.now();
        if (pause_ms <= 0) break;
        await this.#pause(pause_ms);
      }
      if (this.#is_complete()) return;
    }
    const longest = Math.max(LAST_WAIT_S, this.#interval_ms() / 1000, 0.002 * report.times.max);
    const wait_s = report.times.count === 0 ? wait : Math.min(wait || longest, longest);
    const until = wait_s === 0 ? Number.POSITIVE_INFINITY : performance.now() + wait_s * 1000;
    while (!this.#is_complete() && !end.aborted && performance.now() < until)
      await this.#pause(until - performance.now());
  }

  /** Waits for so many milliseconds, or until something happens. */
  async #pause(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (Number.isFinite(ms)) timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
  }

  /** Returns the milliseconds from one request to the next. */
  #interval_ms(): number {
    const { interval, flood, adaptive } = this.options;
    if (!adaptive) return (interval ?? (flood ? 0 : 1)) * 1000;
    const { count, ewma } = this.#report.times;
    const least = process.getuid?.() === 0 ? 0 : ADAPTIVE_MS;
    return count === 0 ? (interval ?? 1) * 1000 : Math.max(least, ewma);
  }

  /** Returns when the next request is due. */
  #due(): number {
    const { adaptive, preload } = this.options;
    const interval_ms = this.#interval_ms();
    const { sent } = this.#report;
    if (sent < preload) return 0;
    // Without an interval, an answer is awaited, but not for long.
    const patience_ms = this.#in_flight < preload ? 0 : Math.max(FLOOD_MS, 2 * this.#report.times.max);
    if (interval_ms === 0) return this.#last_sent + patience_ms;
    if (adaptive) return this.#last_sent + Math.max(interval_ms, patience_ms);
    // An even pace, so that the pauses do not add up.
    return this.#began + (sent - preload + 1) * interval_ms;
  }

  async #send(address: socket.Address): Promise<void> {
    const report = this.#report;
    report.on_send();
    this.#last_sent = performance.now();
    const seq = report.sent & 0xffff;
    this.#answered[seq] = 0;
    this.#in_flight++;
    report.in_flight_max = Math.max(report.in_flight_max, this.#in_flight);
    try {
      await this.#echo.send(address, seq, this.#data);
    } catch (error) {
      if (!(error instanceof socket.OSError)) throw error;
      this.#in_flight--;
      const { size, discovery = 'want', interface: device } = this.options;
      const is_name = device !== undefined && !is_address(device);
      const mtu =
        error.code === 'EMSGSIZE'
          ? await path_mtu(this.target, size, discovery as MtuDiscovery, is_name ? device : undefined)
          : undefined;
      report.on_send_error(error, mtu);
    }
  }

  async #receive(end: AbortSignal): Promise<void> {
    try {
      while (!this.#is_complete()) {
        for (const event of await this.#echo.receive(end)) await this.#on_event(event);
        this.#wake();
      }
    } catch (error) {
      if (!end.aborted) throw error;
    }
  }

  #is_complete(): boolean {
    const { times, errors } = this.#report;
    // ping(8): with a deadline, an error ends it, too.
    if (this.options.deadline > 0 && errors > 0) return true;
    return times.count + errors >= (this.options.count ?? Number.POSITIVE_INFINITY);
  }

  async #on_event(event: EchoReply | EchoError): Promise<void> {
    if (event.kind === 'notice') return this.#report.on_error(event);
    const { seq } = event;
    const is_first = this.#answered[seq] === 0;
    if (is_first) this.#in_flight--;
    this.#answered[seq] = 1;
    return event.kind === 'reply' ? this.#report.on_reply(event, !is_first) : this.#report.on_error(event);
  }
}

/** Returns the data of the requests: the bytes count up, or repeat the pattern. */
function data_of({ size, pattern }: PingOptions): Buffer {
  const bytes = pattern === undefined ? undefined : Buffer.from(pattern, 'hex');
  return Buffer.from(
    Uint8Array.from({ length: size }, (_, i) =>
      bytes === undefined ? i & 0xff : (bytes[i % bytes.length] as number),
    ),
  );
}
