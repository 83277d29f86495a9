// One probe of traceroute: a packet with a short time to live, and the answer to it. Each probe has a socket of its own.
// ICMP errors come through the error queue of the socket, so UDP and TCP need no privilege.
import type { IcmpExtension } from '../../packet/index.js';
import * as socket from '../../promises/index.js';
import { EchoSocket } from '../network/echo.js';
import { enable_error_queue, type QueuedError, read_error_queue } from '../network/error_queue.js';
import { address_of, numeric, type Target } from '../network/hosts.js';
import { ip_header_size, quoted_extensions, set_ttl } from '../network/icmp_socket.js';
import { bind_to_interface, set_mark, set_mtu_discovery, set_traffic_class } from '../network/ip_options.js';
import { ANCILLARY_SIZE, read_ancillary, Stopwatch, stamping_begun } from '../network/kernel_time.js';
import { path_mtu } from '../network/route.js';
import { type IcmpError, is_port_unreachable } from '../terminal/icmp_text.js';

/** An answer to a probe. */
export interface Answer {
  /** Who answered; undefined for this machine, which refuses a packet that is too long. */
  readonly from: string | undefined;
  readonly milliseconds: number;
  /** True if the probe reached the destination. */
  readonly reached: boolean;
  /** The error of ICMP, if the answer is one. */
  readonly error?: IcmpError;
  /** The objects behind the quoted packet, such as MPLS labels. */
  readonly extensions?: readonly IcmpExtension[];
}

/** What all probes have in common. */
export interface ProbeOptions {
  readonly target: Target;
  /** The own address. */
  readonly source: string | undefined;
  /** The own port of UDP and TCP; 0: the kernel chooses one. */
  readonly source_port: number;
  readonly device: string | undefined;
  readonly traffic_class: number | undefined;
  readonly mark: number | undefined;
  readonly dont_fragment: boolean;
  readonly dont_route: boolean;
}

/** The parameters of a probe. */
export interface Probe extends ProbeOptions {
  readonly ttl: number;
  /** The destination port of UDP and TCP; the sequence number of ICMP; the protocol of a raw packet. */
  readonly port: number;
  /** Bytes of the whole packet, with its headers. */
  readonly size: number;
  /** Seconds to wait for the answer. */
  readonly wait: number;
  readonly signal: AbortSignal;
}

/** Sends a probe and returns the answer; undefined if none comes. @throws OSError; the signal's reason */
export type ProbeMethod = (probe: Probe) => Promise<Answer | undefined>;

/** The number of the only request of a socket. */
const SEQ = 1;
/** Bytes of the header of UDP, and of that of ICMP. */
const TRANSPORT_HEADER = 8;

/** Sets the options of a probe's packets. @throws OSError */
async function prepare(sock: socket.socket, probe: Probe): Promise<void> {
  const { ttl, device, traffic_class, mark, dont_fragment, dont_route, source, source_port, target } = probe;
  set_ttl(sock, ttl);
  if (device !== undefined) bind_to_interface(sock, device);
  if (traffic_class !== undefined) set_traffic_class(sock, traffic_class);
  if (mark !== undefined) set_mark(sock, mark);
  // The kernel's own MTU of the path would keep a probe from its hop.
  if (dont_fragment) set_mtu_discovery(sock, 'probe');
  if (dont_route) sock.setsockopt(socket.SOL_SOCKET, socket.SO_DONTROUTE, 1);
  if (source_port !== 0) sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1);
  const any = target.family === socket.AF_INET6 ? '::' : '0.0.0.0';
  if (source !== undefined || source_port !== 0) await sock.bind([source ?? any, source_port]);
}

async function open_socket(type: number, protocol: number, probe: Probe): Promise<socket.socket> {
  const sock = socket.socket(probe.target.family, type, protocol) as socket.socket;
  try {
    enable_error_queue(sock);
    await prepare(sock, probe);
    return sock;
  } catch (error) {
    sock.close();
    throw error;
  }
}

/** Returns the error that answers the probe of a socket; undefined if the queue has none. */
async function queued_answer(sock: socket.socket, stopwatch?: Stopwatch): Promise<Answer | undefined> {
  const errors = await read_error_queue(sock, stopwatch);
  const named = errors.findLast((each): each is QueuedError & { from: string } => each.from !== undefined);
  if (named === undefined) return undefined;
  const { from, error, at_ns, data } = named;
  const milliseconds = stopwatch?.milliseconds(SEQ, at_ns) ?? 0;
  const hidden = ip_header_size(sock.family) + (sock.type === socket.SOCK_DGRAM ? TRANSPORT_HEADER : 0);
  const extensions = quoted_extensions(sock.family, error, hidden, data);
  return { from, milliseconds, reached: is_port_unreachable(error), error, extensions };
}

/** The answer of this machine to a packet that is longer than the MTU. */
async function too_long({ target, size, device }: Probe, began: number): Promise<Answer> {
  const milliseconds = performance.now() - began;
  const is_ipv6 = target.family === socket.AF_INET6;
  const data = Math.max(0, size - ip_header_size(target.family) - TRANSPORT_HEADER);
  const mtu = (await path_mtu(target, data, 'probe', device)) ?? 0;
  const error = { family: target.family, type: is_ipv6 ? 2 : 3, code: is_ipv6 ? 0 : 4, mtu };
  return { from: undefined, milliseconds, reached: false, error };
}

const is_too_long = (error: unknown) => error instanceof socket.OSError && error.code === 'EMSGSIZE';
const is_time_out = (error: unknown) => error instanceof socket.TimeoutError && error.errno === undefined;

/** Connects, sends the data, and waits: a packet back is an answer of the destination. */
async function probe_by_datagram(
  type: number,
  protocol: number,
  data_size: number,
  probe: Probe,
): Promise<Answer | undefined> {
  const { target, port, wait, signal } = probe;
  const sock = await open_socket(type, protocol, probe);
  const began = performance.now();
  try {
    const stopwatch = new Stopwatch(sock);
    await stamping_begun();
    await sock.connect(address_of(target, type === socket.SOCK_RAW ? 0 : port));
    stopwatch.start(SEQ);
    await sock.send(Buffer.alloc(data_size, '@'));
    stopwatch.sent(SEQ);
    try {
      const [, ancdata] = await sock.recvmsg(1, ANCILLARY_SIZE, 0, { timeout: wait, signal });
      // The port is open and answers. The queue has the time stamp of the request.
      await read_error_queue(sock, stopwatch);
      const milliseconds = stopwatch.milliseconds(SEQ, read_ancillary(ancdata).at_ns) ?? 0;
      return { from: numeric(target), milliseconds, reached: true };
    } catch (error) {
      if (is_time_out(error)) return undefined;
      const answer = error instanceof socket.OSError ? await queued_answer(sock, stopwatch) : undefined;
      if (answer === undefined) throw error;
      return answer;
    }
  } catch (error) {
    if (is_too_long(error)) return await too_long(probe, began);
    throw error;
  } finally {
    sock.close();
  }
}

const data_size = ({ size, target }: Probe, header: number) =>
  Math.max(0, size - ip_header_size(target.family) - header);

/** A datagram of UDP to a port that is expected to be closed. */
const probe_udp: ProbeMethod = (probe) =>
  probe_by_datagram(socket.SOCK_DGRAM, socket.IPPROTO_UDP, data_size(probe, TRANSPORT_HEADER), probe);

/** As probe_udp, by UDP-Lite. */
const probe_udplite: ProbeMethod = (probe) =>
  probe_by_datagram(socket.SOCK_DGRAM, socket.IPPROTO_UDPLITE, data_size(probe, TRANSPORT_HEADER), probe);

/** A packet of a protocol, with zeros. */
const probe_raw: ProbeMethod = (probe) =>
  probe_by_datagram(socket.SOCK_RAW, probe.port, data_size(probe, 0), probe);

/** A connection. Accepted or refused, the destination has answered. */
const probe_by_connection =
  (type: number, protocol: number): ProbeMethod =>
  async (probe) => {
    const { target, port, wait, signal } = probe;
    const sock = await open_socket(type, protocol, probe);
    try {
      const start = performance.now();
      const error: unknown = await sock.connect(address_of(target, port), { timeout: wait, signal }).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      // A stream has no time stamps before it is connected.
      const milliseconds = performance.now() - start;
      if (error === undefined || error instanceof socket.ConnectionRefusedError) {
        return { from: numeric(target), milliseconds, reached: true };
      }
      if (is_time_out(error)) return undefined;
      const answer = error instanceof socket.OSError ? await queued_answer(sock) : undefined;
      if (answer === undefined) throw error;
      return { ...answer, milliseconds };
    } finally {
      sock.close();
    }
  };

/** An echo request of ICMP. */
const probe_icmp: ProbeMethod = async (probe) => {
  const { target, port: seq, wait, signal } = probe;
  const echo = new EchoSocket(target.family);
  const began = performance.now();
  try {
    await prepare(echo.sock, { ...probe, source_port: 0 });
    await echo.choose_id();
    await echo.send(address_of(target), seq & 0xffff, Buffer.alloc(data_size(probe, TRANSPORT_HEADER), '@'));
    const until = performance.now() + wait * 1000;
    for (;;) {
      const events = await echo.receive(signal, Math.max(0.001, (until - performance.now()) / 1000));
      const event = events.find(({ kind }) => kind !== 'notice');
      if (event === undefined) continue;
      const { from, milliseconds } = event;
      if (event.kind === 'reply') return { from, milliseconds, reached: true };
      return { from, milliseconds, reached: false, error: event, extensions: event.extensions };
    }
  } catch (error) {
    if (is_time_out(error)) return undefined;
    if (is_too_long(error)) return await too_long(probe, began);
    throw error;
  } finally {
    echo.close();
  }
};

/** A method by its name in traceroute(8). */
export interface Method {
  readonly probe: ProbeMethod;
  /** The first number of the probes: a port, a sequence number or a protocol. */
  readonly port: number;
  /** True if each probe has the next number. */
  readonly counts_up: boolean;
  /** True if the answers to probes that are under way at once cannot be told apart. */
  readonly one_at_a_time?: true;
  /** Bytes of the packets that cannot be changed, with IPv4 and IPv6; left out: those of the option. */
  readonly size?: readonly [ipv4: number, ipv6: number];
}

/** The protocol of `raw` without -P, which nobody uses (RFC 3692). */
const EXPERIMENT = 253;
const CONNECT_SIZE = [60, 80] as const;
const tcp: Method = {
  probe: probe_by_connection(socket.SOCK_STREAM, socket.IPPROTO_TCP),
  port: 80,
  counts_up: false,
  size: CONNECT_SIZE,
};

export const METHODS: Readonly<Record<string, Method>> = {
  default: { probe: probe_udp, port: 33_434, counts_up: true },
  udp: { probe: probe_udp, port: 53, counts_up: false },
  udplite: { probe: probe_udplite, port: 53, counts_up: false },
  tcp,
  tcpconn: tcp,
  dccp: {
    probe: probe_by_connection(socket.SOCK_DCCP, socket.IPPROTO_DCCP),
    port: 33_434,
    counts_up: false,
    size: [40, 60],
  },
  icmp: { probe: probe_icmp, port: 1, counts_up: true },
  raw: { probe: probe_raw, port: EXPERIMENT, counts_up: false, one_at_a_time: true },
};
