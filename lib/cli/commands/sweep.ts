// bsd-sockets sweep: which addresses of a network answer an echo request. One request is built and goes to all, in batches
// (sendmmsg), and in batches the answers come (recvmmsg); who sent one says whose it is.
import { randomBytes } from 'node:crypto';
import { build, icmp, icmpv6, LINKTYPE_IPV4, LINKTYPE_IPV6, parse, payload } from '../../packet/index.js';
import * as socket from '../../promises/index.js';
import { type AddressRange, address_at, index_of, parse_range } from '../network/address_range.js';
import { open_icmp } from '../network/echo.js';
import { read_ancillary } from '../network/kernel_time.js';
import { BATCH, conduct, pace } from '../network/scan.js';
import {
  check_interface,
  command,
  type OptionTable,
  until_interrupted,
  type Values,
} from '../terminal/command.js';
import { DONE, FAILED, INTERRUPTED } from '../terminal/errors.js';
import { describe_error } from '../terminal/icmp_text.js';
import { complain, print, print_json } from '../terminal/output.js';
import { Progress } from '../terminal/progress.js';

const options = {
  ...pace(2000, 1),
  ttl: { type: 'integer', short: 't', value: 'TTL', min: 1, max: 255, help: 'time to live' },
  interface: { type: 'text', short: 'I', value: 'NAME', help: 'the interface' },
  verbose: { type: 'flag', short: 'v', help: 'also those that cannot be reached' },
  quiet: { type: 'flag', short: 'q', help: 'the statistics only' },
  json: { type: 'flag', help: 'one JSON object an address, and one for the statistics' },
} as const satisfies OptionTable;

type Options = Values<typeof options>;

const HEADER_SIZE = 8;
// What our requests carry tells them from those of others.
const DATA_SIZE = 16;
const ANSWER_MAX = 256;
const ANCILLARY_SIZE = socket.CMSG_SPACE(16);
const RECEIVE_BUFFER = 4 * 2 ** 20;
const NS_PER_MS = 1e6;
const ECHO_REPLY = 0;
const ECHO_REPLY6 = 129;

class Sweep {
  readonly #range: AddressRange;
  readonly #options: Options;
  readonly #sock: socket.socket;
  readonly #six: boolean;
  /** Where the ICMP message begins in what is received. */
  readonly #has_ip_header: boolean;
  readonly #data = randomBytes(DATA_SIZE);
  readonly #request: Buffer;
  /** By the address's number: when it was asked, in milliseconds since 1970, and whether that is settled. */
  readonly #asked: Float64Array;
  readonly #settled: Uint8Array;
  readonly #progress = new Progress();
  #sent = 0;
  #unreachable = 0;
  answered = 0;

  constructor(range: AddressRange, options: Options) {
    this.#range = range;
    this.#options = options;
    this.#six = range.family === socket.AF_INET6;
    this.#sock = open_icmp(range.family);
    this.#has_ip_header = this.#sock.type === socket.SOCK_RAW && !this.#six;
    const id = this.#data.readUInt16BE();
    this.#request = build(this.#six ? icmpv6.echo({ id }) : icmp.echo({ id }), payload(this.#data));
    this.#asked = new Float64Array(range.count);
    this.#settled = new Uint8Array(range.count);
    this.#sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER);
    this.#sock.setsockopt(socket.SOL_SOCKET, socket.SO_TIMESTAMPNS, 1);
    const { ttl, interface: device } = options;
    if (ttl !== undefined) {
      if (this.#six) this.#sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl);
      else this.#sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl);
    }
    if (device !== undefined) this.#sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device);
  }

  async run(interrupted: AbortSignal): Promise<void> {
    const { rate, wait, retries } = this.#options;
    const { count } = this.#range;
    try {
      const seconds = await conduct(
        {
          ...{ count, rate, wait, retries },
          is_settled: (number) => this.#settled[number] !== 0,
          is_complete: () => this.answered + this.#unreachable === count,
          send: (numbers, end) => this.#send(numbers, end),
          receive: (end) => this.#receive(end),
          progress: (done) => this.#progress.update(done, count, `${this.answered} answered`),
        },
        interrupted,
      );
      this.#progress.clear();
      this.#print_statistics(seconds);
    } finally {
      this.#sock.close();
    }
  }

  async #send(numbers: readonly number[], end: AbortSignal): Promise<void> {
    const messages = numbers.map((number): socket.Message => {
      const address: socket.Address = [address_at(this.#range, number), 0];
      return [[this.#request], null, 0, address];
    });
    const now = performance.timeOrigin + performance.now();
    for (const number of numbers) this.#asked[number] = now;
    for (let done = 0; done < messages.length && !end.aborted; ) {
      try {
        done += await this.#sock.sendmmsg(messages.slice(done), 0, { signal: end });
      } catch (error) {
        if (!(error instanceof socket.OSError)) throw error;
        // The first of them cannot be sent: there is no way to that address.
        this.#settle(numbers[done] as number, `${error.strerror}`);
        done++;
      }
    }
    this.#sent += numbers.length;
  }

  async #receive(end: AbortSignal): Promise<never> {
    const batch = new socket.MessageBatch(BATCH, ANSWER_MAX, ANCILLARY_SIZE);
    for (;;) {
      const count = await this.#sock.recvmmsg_into(batch, 0, { signal: end });
      for (let i = 0; i < count; i++) this.#take(batch, i);
    }
  }

  #take(batch: socket.MessageBatch, i: number): void {
    const packet = batch.data(i);
    const message = packet.subarray(this.#has_ip_header ? ((packet[0] ?? 0) & 15) * 4 : 0);
    if (message.length < HEADER_SIZE) return;
    const from = String(batch.address(i)[0]);
    if (message[0] !== (this.#six ? ECHO_REPLY6 : ECHO_REPLY)) {
      this.#take_error(message, from);
      return;
    }
    const number = index_of(this.#range, from);
    if (number === undefined || this.#settled[number]) return;
    if (this.#data.compare(message, HEADER_SIZE) !== 0) return;
    this.#settled[number] = 1;
    this.answered++;
    const { quiet, json } = this.#options;
    if (quiet) return;
    const { at_ns } = read_ancillary(batch.ancdata(i));
    const milliseconds = Math.max(0, Number(at_ns) / NS_PER_MS - (this.#asked[number] as number));
    this.#progress.clear();
    if (json) print_json({ type: 'answer', address: from, milliseconds });
    else print(`${from}  ${milliseconds.toFixed(3)} ms`);
  }

  /** An error, which quotes the request. */
  #take_error(message: Buffer, from: string): void {
    const linktype = this.#six ? LINKTYPE_IPV6 : LINKTYPE_IPV4;
    const quoted = parse(message.subarray(HEADER_SIZE), { linktype });
    const ip = quoted.get('ipv4') ?? quoted.get('ipv6');
    const request = quoted.get('icmp') ?? quoted.get('icmpv6');
    if (ip === undefined || request === undefined || !('id' in request)) return;
    if (request.id !== this.#data.readUInt16BE()) return;
    const [type = 0, code = 0] = message;
    const text = describe_error({ family: this.#range.family, type, code });
    this.#settle(index_of(this.#range, ip.dst) ?? -1, `${text} (says ${from})`);
  }

  /** It cannot be reached. */
  #settle(number: number, reason: string): void {
    if (this.#settled[number] !== 0) return;
    this.#settled[number] = 1;
    this.#unreachable++;
    const { verbose, quiet, json } = this.#options;
    if (!verbose || quiet) return;
    const address = address_at(this.#range, number);
    this.#progress.clear();
    if (json) print_json({ type: 'unreachable', address, message: reason });
    else print(`${address}  ${reason}`);
  }

  #print_statistics(seconds: number): void {
    const { count } = this.#range;
    const silent = count - this.answered - this.#unreachable;
    const counts = {
      addresses: count,
      sent: this.#sent,
      answered: this.answered,
      unreachable: this.#unreachable,
      silent,
    };
    if (this.#options.json) print_json({ type: 'statistics', ...counts, seconds });
    else {
      const words = `${this.answered} answered, ${this.#unreachable} unreachable, ${silent} silent`;
      complain(`${count} addresses: ${words}; ${this.#sent} requests in ${seconds.toFixed(2)} s`);
    }
  }
}

export const sweep = command({
  usage: ['[options] NETWORK'],
  operands: [1, 1],
  options,
  notes: `NETWORK is 10.0.0.0/24, fd00::/120, 10.0.0.1-10.0.0.9 or an address. Addresses that answer stand on standard output,
statistics on standard error. Needs what ping needs; unreachable ones are told apart by a raw socket only.
Exit codes: 0 somebody answered, 1 nobody, 2 it could not begin, 130 Ctrl-C.`,
  async run(values, [network = '']) {
    const range = parse_range(network);
    if (values.interface !== undefined) check_interface(values.interface);
    const swept = new Sweep(range, values);
    const interrupted = until_interrupted();
    await swept.run(interrupted);
    if (interrupted.aborted) return INTERRUPTED;
    return swept.answered > 0 ? DONE : FAILED;
  },
});
