// The echo requests of sweep to the targets of one family. An answer is matched by its source, its data and its round. Rates, rounds and
// batches are in network/scan.ts, what is printed is in board.ts.
import { randomBytes } from 'node:crypto';
import { build, icmp, icmpv6, payload } from '../../packet/index.js';
import * as socket from '../../promises/index.js';
import type { AddressList } from '../network/address_list.js';
import { enable_error_queue, type QueuedError } from '../network/error_queue.js';
import { HEADER_SIZE, icmp_message, is_echo_reply, open_icmp, set_ttl } from '../network/icmp_socket.js';
import { bind_to_interface, set_mtu_discovery, set_traffic_class } from '../network/ip_options.js';
import { Scan } from '../network/scan.js';
import { fping_error, is_notice } from '../terminal/icmp_text.js';
import { Progress } from '../terminal/progress.js';
import type { Board } from './board.js';

/** Random bytes at the beginning of the data. They tell the answers to this command from others. */
const TAG_SIZE = 16;
const HEADERS_MAX = 100;
const RECEIVE_BUFFER = 4 * 2 ** 20;

/** The rates and times of a scan. */
interface Pace {
  readonly rate: number;
  readonly wait: number;
  readonly retries: number;
  readonly backoff: number;
  readonly period?: number;
}

/** Returns the rates and times of the options. */
function pace_of({ options, is_counting }: Board): Pace {
  const { interval, period, timeout, retry, backoff, count, vcount, loop } = options;
  const rate = interval === 0 ? 0 : 1000 / interval;
  if (!is_counting) return { rate, wait: (timeout ?? 500) / 1000, retries: retry, backoff };
  const rounds = loop ? Number.POSITIVE_INFINITY : (vcount ?? count ?? 1);
  const wait = timeout ?? Math.min(Math.max(period, 1), 2000);
  return { rate, wait: wait / 1000, retries: rounds - 1, backoff: 1, period: period / 1000 };
}

export class EchoScan extends Scan<number, Pace, AddressList> {
  readonly #tag = randomBytes(TAG_SIZE);
  readonly #id = this.#tag.readUInt16BE();
  readonly #data: Buffer;
  readonly #request: Buffer[] = [];
  /** By address number: the number of the last round that it answered, plus one. */
  readonly #answered_round: Uint32Array;
  /** The addresses that nothing can be sent to. */
  readonly #refused = new Set<number>();
  protected answered = 0;
  /** The addresses of the family. */
  readonly #wanted: number;
  #unreachable = 0;

  constructor(
    readonly board: Board,
    readonly family: typeof socket.AF_INET | typeof socket.AF_INET6,
    shows_progress: boolean,
  ) {
    const { list, options } = board;
    const sock_of_icmp = open_icmp(family);
    super(list, pace_of(board), sock_of_icmp, options.size + HEADERS_MAX, sock_of_icmp);
    this.progress = new Progress(shows_progress);
    this.#data = options.random ? randomBytes(options.size) : Buffer.alloc(options.size);
    this.#tag.copy(this.#data);
    this.#answered_round = new Uint32Array(list.count);
    this.#wanted = list.ranges.reduce((sum, range) => sum + (range.family === family ? range.count : 0), 0);
    const { sock } = this;
    try {
      sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER);
      // A full queue is reported as ENOBUFS only to a socket with an error queue.
      enable_error_queue(sock);
      const { ttl, tos, dontfrag, iface } = options;
      if (ttl !== undefined) set_ttl(sock, ttl);
      if (tos !== undefined) set_traffic_class(sock, tos);
      if (dontfrag) set_mtu_discovery(sock, 'do');
      if (iface !== undefined) bind_to_interface(sock, iface);
    } catch (error) {
      sock.close();
      throw error;
    }
  }

  /** Sends from an own address. @throws OSError */
  async bind(source: string): Promise<void> {
    await this.sock.bind([source, 0]);
  }

  close(): void {
    this.sock.close();
  }

  protected is_finished(number: number): boolean {
    const { family, name } = this.range.range_of(number);
    if (family !== this.family) return true;
    if (this.board.is_counting) return false;
    if (this.#refused.has(number)) return true;
    // A router's word about one of many addresses is believed. A host that was named is asked again, as by fping: it may be coming up.
    return (
      this.#answered_round[number] !== 0 || (name === undefined && this.board.state(number) === 'unreachable')
    );
  }

  protected is_complete(): boolean {
    if (this.board.is_counting)
      return this.#answered_last === this.#wanted && this.#last_round === this.options.retries;
    return this.answered + this.#unreachable === this.#wanted;
  }

  #last_round = -1;
  /** The answers to the last round. */
  #answered_last = 0;

  protected request(number: number, round: number): socket.Message {
    if (round !== this.#last_round) {
      this.#last_round = round;
      this.#answered_last = 0;
      const echo = this.family === socket.AF_INET6 ? icmpv6.echo : icmp.echo;
      this.#request[0] = build(echo({ id: this.#id, seq: round & 0xffff }), payload(this.#data));
    }
    this.board.sent++;
    const address = this.range.address_at(number);
    const { scope } = this.range.range_of(number);
    return [this.#request, null, 0, scope === 0 ? [address, 0] : [address, 0, 0, scope]];
  }

  protected on_message(batch: socket.MessageBatch<socket.InetFamily>, i: number): void {
    const message = icmp_message(this.sock, batch.data(i));
    // Errors come by the error queue.
    if (message === undefined || !is_echo_reply(this.family, message)) return;
    const number = this.range.index_of(batch.address(i)?.[0] ?? '');
    if (number === undefined || this.#data.compare(message, HEADER_SIZE) !== 0) return;
    if (
      this.#data.length < TAG_SIZE &&
      this.sock.type === socket.SOCK_RAW &&
      message.readUInt16BE(4) !== this.#id
    )
      return;
    const round = this.#round_of(message.readUInt16BE(6));
    if (round === undefined || !this.was_sent(number, round)) return;
    const milliseconds = this.round_trip_ms(number, batch, i, round);
    const duplicate = (this.#answered_round[number] as number) > round;
    if (!duplicate) {
      if (this.#answered_round[number] === 0) {
        this.answered++;
        if (this.board.state(number) === 'unreachable' && !this.board.is_named(number)) this.#unreachable--;
      }
      this.#answered_round[number] = round + 1;
      if (round === this.#last_round) this.#answered_last++;
    }
    this.board.on_answer(number, { round, milliseconds, bytes: message.length, duplicate });
  }

  /** Returns the round of a sequence number, which has 16 bits. */
  #round_of(seq: number): number | undefined {
    const round = this.#last_round - ((this.#last_round - seq) & 0xffff);
    return round < 0 ? undefined : round;
  }

  protected override on_round_over(round: number): void {
    for (let number = 0; number < this.range.count; number++) {
      if (this.was_sent(number, round) && (this.#answered_round[number] as number) <= round)
        this.board.on_timeout(number, round);
    }
  }

  protected override on_error({ error, from, to }: QueuedError): void {
    const number = to === undefined || is_notice(error) ? undefined : this.range.index_of(to);
    if (number !== undefined) this.#set_unreachable(number, fping_error(error), from);
  }

  /** The request cannot be sent: there is no route, or it is too long. */
  protected on_refused(number: number, error: socket.OSError): void {
    if (this.#refused.has(number)) return;
    this.#refused.add(number);
    if (this.board.state(number) === 'waiting') this.#unreachable++;
    this.board.on_refused(number, `${error.strerror}`);
  }

  #set_unreachable(number: number, reason: string, from: string | undefined): void {
    const is_new = this.board.state(number) === 'waiting' && !this.board.is_named(number);
    if (is_new) this.#unreachable++;
    this.board.on_error(number, reason, from);
  }

  protected print_statistics(): void {}
}
