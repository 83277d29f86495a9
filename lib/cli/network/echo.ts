// Echo requests and their answers, by a raw socket, or a datagram socket of ICMP where raw ones are not allowed: ping and
// traceroute -I use it. Times are the kernel's, of both directions, where it gives them (SO_TIMESTAMPING).
//
// A raw socket sees every ICMP message of the machine; the id says which are ours, and errors quote what they answer. A
// datagram socket gets its own answers only, has its id from the kernel, and finds errors in its error queue.
import { build, icmp, icmpv6, LINKTYPE_IPV4, LINKTYPE_IPV6, parse, payload } from '../../packet/index.js';
import * as socket from '../../promises/index.js';
import { Failure, line_of, UNUSABLE } from '../terminal/errors.js';
import type { IcmpError } from '../terminal/icmp_text.js';
import { host_of } from './hosts.js';
import { ANCILLARY_SIZE, read_ancillary, Stopwatch } from './kernel_time.js';

type Sock = socket.socket;

const MESSAGE_MAX = 65_535;
const HEADER_SIZE = 8;

const V4 = {
  proto: socket.IPPROTO_ICMP,
  reply: 0,
  // All but echo replies and errors (unreachable, quench, redirect, exceeded, problem) stay away.
  filter: () =>
    Buffer.from(Uint32Array.of(~((1 << 0) | (1 << 3) | (1 << 4) | (1 << 5) | (1 << 11) | (1 << 12))).buffer),
  filter_option: [socket.SOL_RAW, socket.ICMP_FILTER],
  level: socket.IPPROTO_IP,
  receive_ttl: socket.IP_RECVTTL,
  ttl: socket.IP_TTL,
  receive_errors: socket.IP_RECVERR,
} as const;
const V6 = {
  proto: socket.IPPROTO_ICMPV6,
  reply: 129,
  filter: () => {
    const blocked = new Uint32Array(8).fill(0xffffffff);
    for (const type of [1, 2, 3, 4, 129])
      blocked[type >> 5] = (blocked[type >> 5] as number) & ~(1 << (type & 31));
    return Buffer.from(blocked.buffer);
  },
  filter_option: [socket.IPPROTO_ICMPV6, socket.ICMP6_FILTER],
  level: socket.IPPROTO_IPV6,
  receive_ttl: socket.IPV6_RECVHOPLIMIT,
  ttl: socket.IPV6_UNICAST_HOPS,
  receive_errors: socket.IPV6_RECVERR,
} as const;

/** An answer. */
export interface EchoReply {
  readonly kind: 'reply';
  readonly seq: number;
  readonly from: string;
  /** Of the ICMP message. */
  readonly bytes: number;
  readonly ttl: number | undefined;
  readonly milliseconds: number;
}

/** An error that answers a request. */
export interface EchoError extends IcmpError {
  readonly kind: 'error';
  readonly seq: number;
  readonly from: string;
  readonly milliseconds: number;
}

/**
 * open_icmp(family) -> a raw socket, or a datagram socket where that is not allowed.
 *
 * @throws Failure where neither is allowed, which says what to do; OSError
 */
export function open_icmp(family: number): Sock {
  const { proto } = family === socket.AF_INET6 ? V6 : V4;
  try {
    const sock = socket.socket(family, socket.SOCK_RAW, proto) as Sock;
    const {
      filter,
      filter_option: [level, option],
    } = family === socket.AF_INET6 ? V6 : V4;
    sock.setsockopt(level, option, filter());
    return sock;
  } catch (error) {
    if (!(error instanceof socket.PermissionError)) throw error;
    try {
      return socket.socket(family, socket.SOCK_DGRAM, proto) as Sock;
    } catch (refused) {
      if (!(refused instanceof socket.PermissionError)) throw refused;
      const sysctl = 'sudo sysctl net.ipv4.ping_group_range="0 2147483647"';
      throw new Failure(`${line_of(error)}; or let everybody ping: ${sysctl}`, UNUSABLE);
    }
  }
}

export class EchoSocket {
  readonly sock: Sock;
  readonly raw: boolean;
  readonly #family: number;
  readonly #protocol: typeof V4 | typeof V6;
  #id = 0;
  readonly #stopwatch: Stopwatch;
  #poke = new AbortController();

  /** EchoSocket(family). @throws Failure where it is not allowed; OSError */
  constructor(family: number) {
    this.#family = family;
    this.#protocol = family === socket.AF_INET6 ? V6 : V4;
    this.sock = open_icmp(family);
    this.raw = this.sock.type === socket.SOCK_RAW;
    const { level, receive_ttl, receive_errors } = this.#protocol;
    this.sock.setsockopt(level, receive_ttl, 1);
    if (!this.raw) this.sock.setsockopt(level, receive_errors, 1);
    this.#stopwatch = new Stopwatch(this.sock);
  }

  set ttl(value: number) {
    this.sock.setsockopt(this.#protocol.level, this.#protocol.ttl, value);
  }

  /** Takes an id; to be called once it is bound to whatever it shall be bound to. */
  async begin(): Promise<void> {
    if (this.raw) {
      this.#id = Math.floor(Math.random() * 0x10000);
      return;
    }
    const [host, port] = this.sock.getsockname() as [string, number];
    // A datagram socket's "port" is the id, which bind() gives out.
    if (port === 0) await this.sock.bind([host, 0]);
    this.#id = (this.sock.getsockname() as [string, number])[1];
  }

  /**
   * Sends a request.
   *
   * @param seq 16 bits
   * @throws OSError
   */
  async send(address: socket.Address, seq: number, data: Uint8Array): Promise<void> {
    const fields = { id: this.#id, seq };
    const echo = this.#family === socket.AF_INET6 ? icmpv6.echo(fields) : icmp.echo(fields);
    const request = build(echo, payload(data));
    this.#stopwatch.start(seq);
    try {
      await this.sock.sendto(request, address);
    } catch (error) {
      // Perhaps that of an earlier request, which comes through the next call of any kind: its cause is in the queue.
      this.#poke.abort();
      if (!(error instanceof socket.OSError) || this.raw) throw error;
      await this.sock.sendto(request, address);
    }
    this.#stopwatch.sent(seq);
  }

  /**
   * Waits for what comes next: answers and errors, possibly none of ours.
   *
   * @throws TimeoutError; the signal's reason
   */
  async receive(signal: AbortSignal, timeout: number | null = null): Promise<(EchoReply | EchoError)[]> {
    if (this.#poke.signal.aborted) this.#poke = new AbortController();
    const poked = this.#poke.signal;
    let message: Awaited<ReturnType<Sock['recvmsg']>> | undefined;
    try {
      const until = AbortSignal.any([signal, poked]);
      message = await this.sock.recvmsg(MESSAGE_MAX, ANCILLARY_SIZE, 0, { signal: until, timeout });
    } catch (error) {
      const queued = error instanceof socket.OSError && error.errno !== undefined;
      if (!queued && (!poked.aborted || signal.aborted)) throw error;
    }
    const events: (EchoReply | EchoError)[] = await this.#read_queue();
    const event = message === undefined ? undefined : this.#event_of(message);
    if (event !== undefined) events.push(event);
    return events;
  }

  /** The error queue: when requests went out, and errors. */
  async #read_queue(): Promise<EchoError[]> {
    const events: EchoError[] = [];
    for (;;) {
      const message = await this.sock
        .recvmsg(MESSAGE_MAX, ANCILLARY_SIZE, socket.MSG_ERRQUEUE, { timeout: 0 })
        .catch((error: unknown) => {
          if (error instanceof socket.OSError) return undefined;
          throw error;
        });
      if (message === undefined) return events;
      const [data, ancdata] = message;
      const { error, at_ns, stamped } = read_ancillary(ancdata);
      if (error === undefined) continue;
      if (error.origin === socket.SO_EE_ORIGIN_TIMESTAMPING) {
        if (stamped) this.#stopwatch.stamp(error.data, at_ns);
        continue;
      }
      // The datagram that it answers, from its ICMP header on.
      if (data.length < HEADER_SIZE) continue;
      const seq = data.readUInt16BE(6);
      const { offender } = error;
      const from =
        offender === null || offender === undefined || Buffer.isBuffer(offender) ? '' : host_of(offender);
      const { type, code, info: mtu } = error;
      const milliseconds = this.#stopwatch.milliseconds(seq, at_ns) ?? 0;
      events.push({ kind: 'error', family: this.#family, type, code, mtu, seq, from, milliseconds });
    }
  }

  #event_of([data, ancdata, , address]: Awaited<ReturnType<Sock['recvmsg']>>):
    | EchoReply
    | EchoError
    | undefined {
    const { at_ns, ttl } = read_ancillary(ancdata);
    const from = host_of(address as [string, number, number?, number?]);
    // Raw sockets of IPv4 give the header, too.
    const at = this.raw && this.#family === socket.AF_INET ? ((data[0] ?? 0) & 15) * 4 : 0;
    if (data.length < at + HEADER_SIZE) return undefined;
    if (data[at] !== this.#protocol.reply) return this.#quoted(data.subarray(at), from, at_ns);
    if (data.readUInt16BE(at + 4) !== this.#id) return undefined;
    const seq = data.readUInt16BE(at + 6);
    const milliseconds = this.#stopwatch.milliseconds(seq, at_ns);
    if (milliseconds === undefined) return undefined;
    return { kind: 'reply', seq, from, bytes: data.length - at, ttl, milliseconds };
  }

  /** An error that quotes one of our requests. */
  #quoted(message: Buffer, from: string, at_ns: bigint): EchoError | undefined {
    const linktype = this.#family === socket.AF_INET6 ? LINKTYPE_IPV6 : LINKTYPE_IPV4;
    const quoted = parse(message.subarray(HEADER_SIZE), { linktype });
    const request = quoted.get('icmp') ?? quoted.get('icmpv6');
    if (request === undefined || !('id' in request) || request.id !== this.#id) return undefined;
    const milliseconds = this.#stopwatch.milliseconds(request.seq, at_ns);
    if (milliseconds === undefined) return undefined;
    const [type = 0, code = 0] = message;
    const mtu = this.#family === socket.AF_INET6 ? message.readUInt32BE(4) : message.readUInt16BE(6);
    return { kind: 'error', family: this.#family, type, code, mtu, seq: request.seq, from, milliseconds };
  }

  close(): void {
    this.sock.close();
  }
}
