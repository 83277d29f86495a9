// bsd-sockets sweep: which addresses of a network answer an echo request. All addresses get the same request; an answer
// is matched by its source. Rates, rounds and batches are in network/scan.ts.
import { randomBytes } from 'node:crypto';
import { build, icmp, icmpv6, payload } from '../../packet/index.js';
import * as socket from '../../promises/index.js';
import { type AddressRange, address_at, index_of, parse_range } from '../network/address_range.js';
import {
  HEADER_SIZE,
  icmp_message,
  is_echo_reply,
  open_icmp,
  quoted_request,
  set_ttl,
} from '../network/icmp_socket.js';
import { rate_options, Scan } from '../network/scan.js';
import { check_interface, command } from '../terminal/command.js';
import { describe_error, is_notice } from '../terminal/icmp_text.js';
import { flag, integer, text, type Values } from '../terminal/options.js';
import { print, print_json, print_stderr } from '../terminal/output.js';

const options = {
  ...rate_options(2000, 1),
  ttl: integer('t', 'TTL', [1, 255], 'time to live'),
  interface: text('I', 'NAME', 'the interface'),
  verbose: flag('v', 'also those that cannot be reached'),
  quiet: flag('q', 'the statistics only'),
  json: flag('', 'one JSON object an address, and one for the statistics'),
};

type Options = Values<typeof options>;

/** Bytes of random data in each request. They distinguish the answers to this command from others. */
const DATA_SIZE = 16;
const ANSWER_MAX = 256;
const RECEIVE_BUFFER = 4 * 2 ** 20;

class Sweep extends Scan<number, Options> {
  readonly #data = randomBytes(DATA_SIZE);
  readonly #id = this.#data.readUInt16BE();
  readonly #request: Buffer;
  /** By address number: 1 if the address answered or is unreachable. */
  readonly #finished: Uint8Array;
  #unreachable = 0;
  protected answered = 0;

  constructor(range: AddressRange, options: Options) {
    super(range, options, open_icmp(range.family), ANSWER_MAX);
    const echo = range.family === socket.AF_INET6 ? icmpv6.echo : icmp.echo;
    this.#request = build(echo({ id: this.#id }), payload(this.#data));
    this.#finished = new Uint8Array(range.count);
    this.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER);
    const { ttl, interface: device } = options;
    if (ttl !== undefined) set_ttl(this.sock, ttl);
    if (device !== undefined) this.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device);
  }

  protected is_finished(number: number): boolean {
    return this.#finished[number] !== 0;
  }

  protected is_complete(): boolean {
    return this.answered + this.#unreachable === this.range.count;
  }

  protected request(number: number): socket.Message {
    return [[this.#request], null, 0, [address_at(this.range, number), 0]];
  }

  protected on_message(batch: socket.MessageBatch<socket.InetFamily>, i: number): void {
    const message = icmp_message(this.sock, batch.data(i));
    if (message === undefined) return;
    const from = batch.address(i)?.[0] ?? '';
    if (!is_echo_reply(this.range.family, message)) {
      this.#on_error(message, from);
      return;
    }
    const number = index_of(this.range, from);
    if (number === undefined || this.is_finished(number)) return;
    if (this.#data.compare(message, HEADER_SIZE) !== 0) return;
    this.#finished[number] = 1;
    this.answered++;
    const { quiet, json } = this.options;
    if (quiet) return;
    const milliseconds = this.round_trip_ms(number, batch, i);
    this.progress.clear();
    if (json) print_json({ type: 'answer', address: from, milliseconds });
    else print(`${from}  ${milliseconds.toFixed(3)} ms`);
  }

  #on_error(message: Buffer, from: string): void {
    const request = quoted_request(this.range.family, message);
    if (request?.id !== this.#id || is_notice(request.error)) return;
    const number = index_of(this.range, request.dst);
    if (number !== undefined)
      this.#set_unreachable(number, `${describe_error(request.error)} (says ${from})`);
  }

  /** Counts the address as unreachable: there is no route to it. */
  protected on_refused(number: number, error: socket.OSError): void {
    this.#set_unreachable(number, `${error.strerror}`);
  }

  #set_unreachable(number: number, reason: string): void {
    if (this.is_finished(number)) return;
    this.#finished[number] = 1;
    this.#unreachable++;
    const { verbose, quiet, json } = this.options;
    if (!verbose || quiet) return;
    const address = address_at(this.range, number);
    this.progress.clear();
    if (json) print_json({ type: 'unreachable', address, message: reason });
    else print(`${address}  ${reason}`);
  }

  protected print_statistics(seconds: number): void {
    const { count } = this.range;
    const silent = count - this.answered - this.#unreachable;
    const counts = {
      addresses: count,
      sent: this.sent,
      answered: this.answered,
      unreachable: this.#unreachable,
      silent,
    };
    if (this.options.json) print_json({ type: 'statistics', ...counts, seconds });
    else {
      const words = `${this.answered} answered, ${this.#unreachable} unreachable, ${silent} silent`;
      print_stderr(`${count} addresses: ${words}; ${this.sent} requests in ${seconds.toFixed(2)} s`);
    }
  }
}

export const { help, main } = command({
  usage: ['[options] NETWORK'],
  operands: [1, 1],
  options,
  notes: `NETWORK is 10.0.0.0/24, fd00::/120, 10.0.0.1-10.0.0.9 or an address. Addresses that answer stand on standard output,
statistics on standard error. Needs what ping needs; unreachable ones are told apart by a raw socket only.
Exit codes: 0 somebody answered, 1 nobody, 2 it could not begin, 130 Ctrl-C.`,
  async run(values, [network = '']) {
    const range = parse_range(network);
    if (values.interface !== undefined) check_interface(values.interface);
    return new Sweep(range, values).run();
  },
});
