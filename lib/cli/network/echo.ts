// Echo requests and their answers, for ping and traceroute -I. The kernel times sending and receiving if it can
// (SO_TIMESTAMPING). The two kinds of sockets are explained in icmp_socket.ts.
import { build, type IcmpExtension, type Ipv4Option, icmp, icmpv6, payload } from '../../packet/index.js';
import * as socket from '../../promises/index.js';
import { type IcmpError, is_notice } from '../terminal/icmp_text.js';
import { ErrorQueue, enable_error_queue } from './error_queue.js';
import { host_of } from './hosts.js';
import {
  extensions_in,
  HEADER_SIZE,
  icmp_message,
  ip_header_size,
  is_echo_reply,
  open_icmp,
  options_of,
  quoted_extensions,
  quoted_request,
  receive_ttl,
} from './icmp_socket.js';
import {
  ANCILLARY_SIZE,
  type Ancillary,
  now_ns,
  read_ancillary,
  Stopwatch,
  stamping_begun,
} from './kernel_time.js';

type Received = Awaited<ReturnType<socket.socket['recvmsg']>>;

const MESSAGE_MAX = 65_535;

/** An answer. */
export interface EchoReply {
  readonly kind: 'reply';
  readonly seq: number;
  readonly from: string;
  /** The size of the ICMP message. */
  readonly bytes: number;
  readonly ttl: number | undefined;
  readonly milliseconds: number;
  /** True if the kernel took the time of arrival; false for the program's clock. */
  readonly stamped: boolean;
  /** The options of the IPv4 header, after `receive_options`. */
  readonly options: readonly Ipv4Option[];
  /** The data of the reply; that of a faultless one is equal to the data of the request. */
  readonly data: Buffer;
}

/** An error that answers a request; or a notice about it, after which the reply may still come. */
export interface EchoError extends IcmpError {
  readonly kind: 'error' | 'notice';
  readonly seq: number;
  readonly from: string;
  readonly milliseconds: number;
  /** The objects behind the quoted packet, such as MPLS labels. */
  readonly extensions: readonly IcmpExtension[];
}

const kind_of = (error: IcmpError) => (is_notice(error) ? 'notice' : 'error');

export class EchoSocket {
  readonly sock: socket.socket;
  readonly #is_raw: boolean;
  readonly #stopwatch: Stopwatch;
  readonly #queue: ErrorQueue;
  readonly #use_program_times: boolean;
  #id = 0;
  /** Aborts a waiting receive() when a send failed, so that it reads the error queue. */
  #send_failed = new AbortController();

  /**
   * EchoSocket(family).
   *
   * @param use_program_times true: times are from the program's sending to its receiving, not those of the kernel
   * @throws Failure if sockets of ICMP are not allowed; OSError
   */
  constructor(family: number, use_program_times = false) {
    this.#use_program_times = use_program_times;
    this.sock = open_icmp(family);
    this.#is_raw = this.sock.type === socket.SOCK_RAW;
    receive_ttl(this.sock);
    if (!this.#is_raw) enable_error_queue(this.sock);
    this.#stopwatch = new Stopwatch(this.sock);
    this.#queue = new ErrorQueue(this.sock);
  }

  /**
   * Chooses the id of the requests, once the kernel stamps packets. A caller that binds the socket does so before.
   *
   * @param wanted 16 bits; left out: any
   * @throws OSError EADDRINUSE if another datagram socket of ICMP has the wanted id
   */
  async choose_id(wanted?: number): Promise<void> {
    await stamping_begun();
    if (this.#is_raw) {
      this.#id = wanted ?? Math.floor(Math.random() * 0x10000);
      return;
    }
    const [host, port] = this.sock.getsockname() as [string, number];
    // The "port" of a datagram socket of ICMP is the id, which bind() chooses.
    if (port === 0) await this.sock.bind([host, wanted ?? 0]);
    this.#id = (this.sock.getsockname() as [string, number])[1];
  }

  /** The id of the requests. */
  get id(): number {
    return this.#id;
  }

  /** Makes the kernel pass the IPv4 options of replies. @throws OSError */
  receive_options(): void {
    this.sock.setsockopt(socket.IPPROTO_IP, socket.IP_RECVOPTS, 1);
  }

  /**
   * Sends a request.
   *
   * @param seq 16 bits
   * @throws OSError
   */
  async send(address: socket.Address, seq: number, data: Uint8Array): Promise<void> {
    const fields = { id: this.#id, seq };
    const echo = this.sock.family === socket.AF_INET6 ? icmpv6.echo(fields) : icmp.echo(fields);
    const request = build(echo, payload(data));
    this.#stopwatch.start(seq);
    try {
      await this.sock.sendto(request, address);
    } catch (error) {
      // The error may belong to an earlier request: the next call of any kind reports it, and the queue has its cause.
      this.#send_failed.abort();
      this.#stopwatch.refused();
      if (!(error instanceof socket.OSError) || this.#is_raw) throw error;
      await this.sock.sendto(request, address);
    }
    this.#stopwatch.sent(seq);
  }

  /**
   * Waits for the next message, and returns the answers and errors in it and in the error queue, possibly none.
   *
   * @throws TimeoutError; the signal's reason
   */
  async receive(signal: AbortSignal, timeout: number | null = null): Promise<(EchoReply | EchoError)[]> {
    if (this.#send_failed.signal.aborted) this.#send_failed = new AbortController();
    const send_failed = this.#send_failed.signal;
    let message: Received | undefined;
    try {
      const until = AbortSignal.any([signal, send_failed]);
      message = await this.sock.recvmsg(MESSAGE_MAX, ANCILLARY_SIZE, 0, { signal: until, timeout });
    } catch (error) {
      const is_queued = error instanceof socket.OSError && error.errno !== undefined;
      if (!is_queued && (!send_failed.aborted || signal.aborted)) throw error;
    }
    const events: (EchoReply | EchoError)[] = await this.#queued_errors();
    const event = message === undefined ? undefined : this.#event_of(message);
    if (event !== undefined) events.push(event);
    return events;
  }

  async #queued_errors(): Promise<EchoError[]> {
    const stamp = (count: number, stamp_ns: bigint) => this.#stopwatch.stamp(count, stamp_ns);
    const errors = await this.#queue.read(this.#use_program_times ? undefined : stamp);
    return errors.flatMap(({ error, from = '', at_ns, data }) => {
      // The data is the request, from its ICMP header on.
      if (data.length < HEADER_SIZE) return [];
      const seq = data.readUInt16BE(6);
      const milliseconds = this.#stopwatch.milliseconds(seq, at_ns) ?? 0;
      const extensions = quoted_extensions(this.sock.family, error, ip_header_size(this.sock.family), data);
      return [{ kind: kind_of(error), ...error, seq, from, milliseconds, extensions }];
    });
  }

  #event_of([data, ancdata, , address]: Received): EchoReply | EchoError | undefined {
    const message = icmp_message(this.sock, data);
    if (message === undefined) return undefined;
    const { at_ns, ttl, stamped } = this.#times_of(ancdata);
    const from = host_of(address as [string, number, number?, number?]);
    if (!is_echo_reply(this.sock.family, message)) return this.#error_of(message, from, at_ns);
    if (message.readUInt16BE(4) !== this.#id) return undefined;
    const seq = message.readUInt16BE(6);
    const milliseconds = this.#stopwatch.milliseconds(seq, at_ns);
    if (milliseconds === undefined) return undefined;
    const echoed = message.subarray(HEADER_SIZE);
    const { length: bytes } = message;
    const options = options_of(ancdata);
    return { kind: 'reply', seq, from, bytes, ttl, milliseconds, stamped, options, data: echoed };
  }

  #times_of(ancdata: Received[1]): Ancillary {
    const ancillary = read_ancillary(ancdata);
    return this.#use_program_times ? { ...ancillary, at_ns: now_ns(), stamped: false } : ancillary;
  }

  /** Returns the error in a message; undefined if it quotes no request of this socket. */
  #error_of(message: Buffer, from: string, at_ns: bigint): EchoError | undefined {
    const request = quoted_request(this.sock.family, message);
    if (request?.id !== this.#id) return undefined;
    const { seq, error } = request;
    const milliseconds = this.#stopwatch.milliseconds(seq, at_ns);
    if (milliseconds === undefined) return undefined;
    const extensions = extensions_in(this.sock.family, message);
    return { kind: kind_of(error), ...error, seq, from, milliseconds, extensions };
  }

  close(): void {
    this.sock.close();
  }
}
