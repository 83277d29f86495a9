// bsd-sockets ping: echo requests and their answers, with the lines, the statistics and the exit codes of iputils' ping. Sending
// and timing is in network/echo.ts, the text of errors in terminal/icmp_text.ts.
import { once } from 'node:events';
import { isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { source_address } from '../../calls/own_address.js';
import * as socket from '../../promises/index.js';
import { type EchoError, type EchoReply, EchoSocket } from '../network/echo.js';
import { reply_faults, wrong_byte_lines } from '../network/echo_data.js';
import {
  address_of,
  FAMILY_OPTIONS,
  find_host,
  HostNames,
  is_broadcast,
  is_multicast,
  is_numeric,
  numeric,
  type Target,
} from '../network/hosts.js';
import { set_ttl } from '../network/icmp_socket.js';
import { check_interface, command, until_interrupted } from '../terminal/command.js';
import { DONE, FAILED, Failure, UNUSABLE, UsageError } from '../terminal/errors.js';
import { histogram } from '../terminal/histogram.js';
import { describe_error } from '../terminal/icmp_text.js';
import { flag, integer, number, text, type Values } from '../terminal/options.js';
import { coloured, is_terminal, print, print_json, print_stderr, printable } from '../terminal/output.js';
import { RoundTrips } from '../terminal/round_trips.js';

/** The most bytes of data, by the address family: what the length fields of the headers can say. */
const SIZE_MAX = { [socket.AF_INET]: 65_507, [socket.AF_INET6]: 65_527 } as const;

const options = {
  count: integer('c', 'N', [1, 2 ** 31], 'end after so many answers'),
  interval: number('i', 'SECONDS', [0, 3600], 'between requests; 0: as fast as it goes', 1),
  size: integer('s', 'BYTES', [0, SIZE_MAX[socket.AF_INET6]], 'of data', 56),
  wait: number('W', 'SECONDS', [0, 3600], 'for the last answers; 0: without a limit', 10),
  deadline: number(
    'w',
    'SECONDS',
    [0, 86_400],
    'end after so long; until then, -c counts answers; 0: none',
    0,
  ),
  ttl: integer('t', 'TTL', [1, 255], 'time to live'),
  interface: text('I', 'NAME', 'an interface, or an own address'),
  broadcast: flag('b', 'the host may be a broadcast address'),
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
  readonly #times = new RoundTrips();
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
  readonly #stop = () => this.#finish.abort();

  constructor(
    readonly target: Target,
    readonly options: Options,
  ) {
    this.#echo = new EchoSocket(target.family);
    this.#names = new HostNames(options.numeric || is_numeric(target));
    // The data of iputils' ping: the bytes count up.
    this.#data = Buffer.from(Uint8Array.from({ length: options.size }, (_, i) => i & 0xff));
  }

  async run(interrupted: AbortSignal): Promise<number> {
    const { target, options } = this;
    const signals = [interrupted, this.#finish.signal];
    if (options.deadline > 0) signals.push(AbortSignal.timeout(options.deadline * 1000));
    const end = AbortSignal.any(signals);
    try {
      await this.#prepare();
      await this.#print_head();
      this.#began = performance.now();
      this.#last = this.#began;
      const loops = [this.#receive(end), this.#send_all(address_of(target), end)];
      // The end of one loop, by an error as well, ends the other one.
      for (const loop of loops) loop.then(this.#stop, this.#stop);
      const results = await Promise.allSettled(loops);
      this.#print_statistics();
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    } finally {
      this.#echo.close();
    }
    const wanted = options.count ?? 1;
    const short = options.deadline > 0 && this.#times.count < wanted;
    return this.#times.count === 0 || short ? FAILED : DONE;
  }

  async #prepare(): Promise<void> {
    const { ttl, interface: device } = this.options;
    const { sock } = this.#echo;
    if (ttl !== undefined) set_ttl(sock, ttl);
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1);
    const is_name = socket.if_nameindex().some(([, name]) => name === device);
    if (device !== undefined) {
      // Neither a name nor an address: the error names the interfaces there are.
      if (!is_name && !is_address(device)) check_interface(device);
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
    const { count = Number.POSITIVE_INFINITY, interval, wait, deadline } = this.options;
    const all = new Promise<void>((resolve) => {
      this.#all_answered = resolve;
    });
    try {
      // With a deadline, requests go on until there are `count` answers.
      while ((deadline > 0 ? this.#times.count : this.#sent) < count && !end.aborted) {
        await this.#send(address);
        const next = this.#began + this.#sent * interval * 1000;
        if (deadline > 0 || this.#sent < count) {
          await Promise.race([all, sleep(Math.max(0, next - performance.now()), undefined, { signal: end })]);
        }
        if (this.#is_complete()) return;
      }
      const longest = Math.max(interval, 0.002 * this.#times.max);
      const wait_s = this.#times.count === 0 ? wait : Math.min(wait || longest, longest);
      const limit = wait_s === 0 ? [] : [sleep(wait_s * 1000, undefined, { signal: end })];
      await Promise.race([all, aborted(end), ...limit]);
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
    this.#in_flight_max = Math.max(this.#in_flight_max, this.#sent - this.#times.count - this.#errors);
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
    // ping(8): with a deadline, an error ends it, too.
    if (this.options.deadline > 0 && this.#errors > 0) return true;
    return this.#times.count + this.#errors >= (this.options.count ?? Number.POSITIVE_INFINITY);
  }

  async #on_event(event: EchoReply | EchoError): Promise<void> {
    this.#last = performance.now();
    const { seq, from } = event;
    if (event.kind !== 'reply') {
      if (event.kind === 'error') this.#errors++;
      await this.#print_error(event);
      return;
    }
    const duplicate = this.#answered.has(seq);
    if (duplicate) this.#duplicates++;
    else {
      this.#answered.add(seq);
      this.#times.add(event.milliseconds);
    }
    const { json, quiet } = this.options;
    if (quiet) return;
    const { bytes, ttl, milliseconds } = event;
    const several = is_multicast(this.target) || this.options.broadcast;
    // A request to several hosts may have several answers, which are no duplicates, and are from others.
    const marked = duplicate && !several;
    const faults = reply_faults(this.#data, event.data);
    const other = !several && from !== numeric(this.target);
    if (json) {
      const { truncated, wrong_byte } = faults;
      const wrong = {
        ...(truncated && { truncated }),
        ...(wrong_byte && { wrong_byte }),
        ...(other && { different_address: true }),
      };
      const clock = event.stamped ? 'kernel' : 'program';
      print_json({ type: 'reply', seq, from, bytes, ttl, milliseconds, clock, duplicate, ...wrong });
    } else {
      const time = `time=${coloured('cyan', format_ms(milliseconds))} ms`;
      const head = `${this.#time_of_day()}${bytes} bytes from ${await this.#names.name_and_address(from)}`;
      const tail = faults.truncated
        ? ' (truncated)'
        : ` ${time}${marked ? ' (DUP!)' : ''}${other ? ' (DIFFERENT ADDRESS!)' : ''}`;
      print(`${head}: icmp_seq=${seq} ttl=${ttl ?? '?'}${tail}`);
      if (!faults.truncated) for (const line of wrong_byte_lines(faults, event.data)) print(line);
    }
  }

  async #print_error(event: EchoError): Promise<void> {
    const { seq, from, type, code } = event;
    const { json, quiet } = this.options;
    if (quiet) return;
    const text = describe_error(event);
    if (json) print_json({ type: event.kind, seq, from, icmp_type: type, icmp_code: code, message: text });
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
    const received = times.count;
    const loss = this.#sent === 0 ? 0 : ((this.#sent - received) * 100) / this.#sent;
    const spread = times.statistics();
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
    if (is_terminal() && times.count > 1) for (const line of histogram(times.latest, 'ms')) print(line);
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

/** Returns whether the text is an IPv4 or IPv6 address, maybe with an interface. */
function is_address(text: string): boolean {
  return isIP(text) !== 0;
}

/** Returns a promise that waits until the signal aborts. */
async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

export const { help, main } = command({
  usage: ['[options] HOST'],
  operands: [1, 1],
  options,
  notes: `By a raw socket, or where that is not allowed by a datagram socket of ICMP (net.ipv4.ping_group_range). Times are
the kernel's. Exit codes: 0 answered, 1 no answer, 2 it could not begin.`,
  async run(values, [host = '']) {
    const target = await find_host(host, values, values.interface);
    const size_max = SIZE_MAX[target.family];
    if (values.size > size_max) throw new UsageError(`option -s takes at most ${size_max} for ${host}`);
    if (is_broadcast(target)) {
      if (!values.broadcast)
        throw new Failure(`${host} is a broadcast address: every host would answer; -b allows it`, UNUSABLE);
      print_stderr('WARNING: pinging broadcast address');
    }
    const interrupted = until_interrupted();
    return new Ping(target, values).run(interrupted);
  },
});
