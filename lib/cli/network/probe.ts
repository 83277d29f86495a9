// One probe of traceroute: a packet with a short time to live, and who answers it. Each has a socket of its own. With
// IP_RECVERR the kernel puts ICMP errors into the socket's error queue, so UDP and TCP need no privilege.
import * as socket from '../../promises/index.js';
import { type IcmpError, is_port_unreachable } from '../terminal/icmp_text.js';
import { EchoSocket } from './echo.js';
import { address_of, host_of, numeric, type Target } from './hosts.js';
import { ANCILLARY_SIZE, read_ancillary, Stopwatch } from './kernel_time.js';

/** An answer to a probe. */
export interface Answer {
  readonly from: string;
  readonly milliseconds: number;
  /** The destination itself. */
  readonly reached: boolean;
  /** Of ICMP, where it is one. */
  readonly error?: IcmpError;
}

/** What to send. */
export interface Probe {
  readonly target: Target;
  readonly ttl: number;
  /** Of UDP and TCP. */
  readonly port: number;
  /** Bytes of data of UDP and ICMP. */
  readonly size: number;
  /** Seconds to wait. */
  readonly wait: number;
  readonly source: string | undefined;
  readonly signal: AbortSignal;
}

type Sock = socket.socket;

/** Sends a probe; undefined where nobody answers. @throws OSError; the signal's reason */
export type Method = (probe: Probe) => Promise<Answer | undefined>;

/** One request, so its number does not matter. */
const ONLY = 1;

function open(type: number, { target, ttl }: Probe): Sock {
  const { family } = target;
  const sock = socket.socket(family, type) as Sock;
  const six = family === socket.AF_INET6;
  const level = six ? socket.IPPROTO_IPV6 : socket.IPPROTO_IP;
  sock.setsockopt(level, six ? socket.IPV6_UNICAST_HOPS : socket.IP_TTL, ttl);
  sock.setsockopt(level, six ? socket.IPV6_RECVERR : socket.IP_RECVERR, 1);
  return sock;
}

/** What the error queue says of the one probe that was sent. */
async function read_queue(sock: Sock, stopwatch?: Stopwatch): Promise<Answer | undefined> {
  let answer: Omit<Answer, 'milliseconds'> | undefined;
  let came_ns = 0n;
  for (;;) {
    const message = await sock
      .recvmsg(2048, ANCILLARY_SIZE, socket.MSG_ERRQUEUE, { timeout: 0 })
      .catch((reason: unknown) => {
        if (reason instanceof socket.OSError) return undefined;
        throw reason;
      });
    if (message === undefined) break;
    const { error, at_ns, stamped } = read_ancillary(message[1]);
    if (error === undefined) continue;
    if (error.origin === socket.SO_EE_ORIGIN_TIMESTAMPING) {
      if (stamped) stopwatch?.stamp(error.data, at_ns);
    } else if (error.offender && !Buffer.isBuffer(error.offender)) {
      const { type, code, info: mtu } = error;
      const icmp: IcmpError = { family: sock.family, type, code, mtu };
      answer = { from: host_of(error.offender), reached: is_port_unreachable(icmp), error: icmp };
      came_ns = at_ns;
    }
  }
  return answer && { ...answer, milliseconds: stopwatch?.milliseconds(ONLY, came_ns) ?? 0 };
}

const is_expired = (error: unknown) => error instanceof socket.TimeoutError && error.errno === undefined;

/** UDP to a port where nobody is expected to listen. */
export const probe_udp: Method = async (probe) => {
  const { target, port, size, wait, source, signal } = probe;
  const sock = open(socket.SOCK_DGRAM, probe);
  try {
    const stopwatch = new Stopwatch(sock);
    if (source !== undefined) await sock.bind([source, 0]);
    await sock.connect(address_of(target, port));
    stopwatch.start(ONLY);
    await sock.send(Buffer.alloc(size, '@'));
    stopwatch.sent(ONLY);
    try {
      const [, ancdata] = await sock.recvmsg(1, ANCILLARY_SIZE, 0, { timeout: wait, signal });
      // Somebody listens there, after all.
      await read_queue(sock, stopwatch);
      const milliseconds = stopwatch.milliseconds(ONLY, read_ancillary(ancdata).at_ns) ?? 0;
      return { from: numeric(target), milliseconds, reached: true };
    } catch (error) {
      if (is_expired(error)) return undefined;
      const answer = error instanceof socket.OSError ? await read_queue(sock, stopwatch) : undefined;
      if (answer === undefined) throw error;
      return answer;
    }
  } finally {
    sock.close();
  }
};

/** A connection by TCP: opened or refused, the destination has answered. */
export const probe_tcp: Method = async (probe) => {
  const { target, port, wait, source, signal } = probe;
  const sock = open(socket.SOCK_STREAM, probe);
  try {
    if (source !== undefined) await sock.bind([source, 0]);
    const began = performance.now();
    const refused = await sock.connect(address_of(target, port), { timeout: wait, signal }).then(
      () => undefined,
      (error: unknown) => error,
    );
    // A stream has no time stamps before it is connected.
    const milliseconds = performance.now() - began;
    if (refused === undefined || refused instanceof socket.ConnectionRefusedError) {
      return { from: numeric(target), milliseconds, reached: true };
    }
    if (is_expired(refused)) return undefined;
    const answer = refused instanceof socket.OSError ? await read_queue(sock) : undefined;
    if (answer === undefined) throw refused;
    return { ...answer, milliseconds };
  } finally {
    sock.close();
  }
};

/** An echo request. */
export const probe_icmp: Method = async ({ target, ttl, size, wait, source, signal }) => {
  const echo = new EchoSocket(target.family);
  try {
    echo.ttl = ttl;
    if (source !== undefined) await echo.sock.bind([source, 0]);
    await echo.begin();
    await echo.send(address_of(target), ONLY, Buffer.alloc(size, '@'));
    const until = performance.now() + wait * 1000;
    for (;;) {
      const [event] = await echo.receive(signal, Math.max(0.001, (until - performance.now()) / 1000));
      if (event === undefined) continue;
      const { from, milliseconds } = event;
      if (event.kind === 'reply') return { from, milliseconds, reached: true };
      return { from, milliseconds, reached: false, error: event };
    }
  } catch (error) {
    if (is_expired(error)) return undefined;
    throw error;
  } finally {
    echo.close();
  }
};
