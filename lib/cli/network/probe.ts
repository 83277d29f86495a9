// One probe of traceroute: a packet with a short time to live, and the answer to it. Each probe has a socket of its own.
// ICMP errors come through the error queue of the socket, so UDP and TCP need no privilege.
import * as socket from '../../promises/index.js';
import { type IcmpError, is_port_unreachable } from '../terminal/icmp_text.js';
import { EchoSocket } from './echo.js';
import { enable_error_queue, type QueuedError, read_error_queue } from './error_queue.js';
import { address_of, numeric, type Target } from './hosts.js';
import { set_ttl } from './icmp_socket.js';
import { ANCILLARY_SIZE, read_ancillary, Stopwatch, stamping_begun } from './kernel_time.js';

/** An answer to a probe. */
export interface Answer {
  readonly from: string;
  readonly milliseconds: number;
  /** True if the probe reached the destination. */
  readonly reached: boolean;
  /** The error of ICMP, if the answer is one. */
  readonly error?: IcmpError;
}

/** The parameters of a probe. */
export interface Probe {
  readonly target: Target;
  readonly ttl: number;
  /** The destination port of UDP and TCP. */
  readonly port: number;
  /** Bytes of data of UDP and ICMP. */
  readonly size: number;
  /** Seconds to wait for the answer. */
  readonly wait: number;
  readonly source: string | undefined;
  readonly signal: AbortSignal;
}

/** Sends a probe and returns the answer; undefined if none comes. @throws OSError; the signal's reason */
export type ProbeMethod = (probe: Probe) => Promise<Answer | undefined>;

/** The number of the only request of a socket. */
const SEQ = 1;

/** A socket that is bound to the source, and whose packets have the time to live. @throws OSError */
async function open_socket(type: number, { target, ttl, source }: Probe): Promise<socket.socket> {
  const sock = socket.socket(target.family, type) as socket.socket;
  try {
    set_ttl(sock, ttl);
    enable_error_queue(sock);
    if (source !== undefined) await sock.bind([source, 0]);
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
  const { from, error, at_ns } = named;
  const milliseconds = stopwatch?.milliseconds(SEQ, at_ns) ?? 0;
  return { from, milliseconds, reached: is_port_unreachable(error), error };
}

const is_time_out = (error: unknown) => error instanceof socket.TimeoutError && error.errno === undefined;

/** A datagram of UDP to a port that is expected to be closed. */
export const probe_udp: ProbeMethod = async (probe) => {
  const { target, port, size, wait, signal } = probe;
  const sock = await open_socket(socket.SOCK_DGRAM, probe);
  try {
    const stopwatch = new Stopwatch(sock);
    await stamping_begun();
    await sock.connect(address_of(target, port));
    stopwatch.start(SEQ);
    await sock.send(Buffer.alloc(size, '@'));
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
  } finally {
    sock.close();
  }
};

/** A connection by TCP. Accepted or refused, the destination has answered. */
export const probe_tcp: ProbeMethod = async (probe) => {
  const { target, port, wait, signal } = probe;
  const sock = await open_socket(socket.SOCK_STREAM, probe);
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
export const probe_icmp: ProbeMethod = async ({ target, ttl, size, wait, source, signal }) => {
  const echo = new EchoSocket(target.family);
  try {
    set_ttl(echo.sock, ttl);
    if (source !== undefined) await echo.sock.bind([source, 0]);
    await echo.choose_id();
    await echo.send(address_of(target), SEQ, Buffer.alloc(size, '@'));
    const until = performance.now() + wait * 1000;
    for (;;) {
      const events = await echo.receive(signal, Math.max(0.001, (until - performance.now()) / 1000));
      const event = events.find(({ kind }) => kind !== 'notice');
      if (event === undefined) continue;
      const { from, milliseconds } = event;
      if (event.kind === 'reply') return { from, milliseconds, reached: true };
      return { from, milliseconds, reached: false, error: event };
    }
  } catch (error) {
    if (is_time_out(error)) return undefined;
    throw error;
  } finally {
    echo.close();
  }
};
