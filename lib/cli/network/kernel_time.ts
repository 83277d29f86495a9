// Times of sending and receiving packets: the kernel's time stamps (SO_TIMESTAMPING), or the clock of the program for a packet
// without one. The kernel numbers the packets that a socket sends. The time stamp of a sent packet comes through the error
// queue, with the number of the packet; error_queue.ts reads it.
import { setTimeout as sleep } from 'node:timers/promises';
import * as socket from '../../promises/index.js';
import { decode_control, type sock_extended_err, type timespec } from '../../structs/index.js';

/** Bytes for the control messages that come with a packet. */
export const ANCILLARY_SIZE = 1024;

const STAMPS =
  socket.SOF_TIMESTAMPING_SOFTWARE |
  socket.SOF_TIMESTAMPING_RX_SOFTWARE |
  socket.SOF_TIMESTAMPING_TX_SOFTWARE |
  socket.SOF_TIMESTAMPING_OPT_ID |
  socket.SOF_TIMESTAMPING_OPT_TSONLY;
/** The greatest difference between a stamp of sending and the program's clock. Beyond it, the stamp is of another packet. */
const PLAUSIBLE_MS = 200;
const NS_PER_MS = 1_000_000;
/** The most packets that wait for their stamps. */
const COUNTED_MAX = 65_536;
/** Packets after which `stamping_begun` gives up, and the milliseconds to wait for each. */
const TRIES = 50;
const TRY_MS = 20;

/** Returns the nanoseconds since 1970, by the program's clock. */
export function now_ns(): bigint {
  return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
}

/** The control messages of a packet. */
export interface Ancillary {
  /** The time of arrival, nanoseconds since 1970. */
  readonly at_ns: bigint;
  /** True for the kernel's time stamp, false for the program's clock. */
  readonly stamped: boolean;
  readonly ttl: number | undefined;
  readonly error: sock_extended_err | undefined;
}

/** Returns the contents of the control messages that recvmsg returned. */
export function read_ancillary(ancdata: Parameters<typeof decode_control>[0]): Ancillary {
  let stamp = 0n;
  let ttl: number | undefined;
  let error: sock_extended_err | undefined;
  for (const { type, value } of decode_control(ancdata)) {
    if (type === 'SCM_TIMESTAMPING' && value.ts[0] !== undefined) stamp = in_ns(value.ts[0]);
    if (type === 'SCM_TIMESTAMPNS') stamp = in_ns(value);
    if (type === 'IP_TTL' || type === 'IPV6_HOPLIMIT') ttl = value;
    if (type === 'IP_RECVERR' || type === 'IPV6_RECVERR') error = value;
  }
  return { at_ns: stamp || now_ns(), ttl, error, stamped: stamp !== 0n };
}

const in_ns = ({ sec, nsec }: timespec) => BigInt(sec) * 1_000_000_000n + BigInt(nsec);

/**
 * Waits until the kernel stamps packets that arrive. It begins to do so a moment after the first socket asks for stamps; packets
 * that come before have none. The caller has a Stopwatch, so that the kernel goes on. Packets to the own loopback address show
 * it; without a loopback interface, nothing is waited for. The process waits once.
 */
export function stamping_begun(): Promise<void> {
  begun ??= first_stamp();
  return begun;
}

let begun: Promise<void> | undefined;

async function first_stamp(): Promise<void> {
  const sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
  try {
    const stamps = socket.SOF_TIMESTAMPING_SOFTWARE | socket.SOF_TIMESTAMPING_RX_SOFTWARE;
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_TIMESTAMPING, stamps);
    await sock.bind(['127.0.0.1', 0]);
    const address = sock.getsockname();
    for (let i = 0; i < TRIES; i++) {
      await sock.sendto('', address);
      const [, ancdata] = await sock.recvmsg(1, ANCILLARY_SIZE, 0, { timeout: TRY_MS / 1000 });
      if (read_ancillary(ancdata).stamped) return;
      await sleep(1);
    }
  } catch (error) {
    if (!(error instanceof socket.OSError)) throw error;
  } finally {
    sock.close();
  }
}

/**
 * What the packets are that a socket sent, by the numbers that the kernel gives them: it counts what it is asked to send. The caller says
 * what the kernel accepted, in this order, and begins anew after an error, since not all kernels count the packet of an error.
 */
export class PacketNumbers<Request> {
  readonly #sock: socket.socket;
  readonly #requests = new Map<number, Request>();
  #packets = 0;

  /** Turns the kernel's time stamps on. */
  constructor(sock: socket.socket) {
    this.#sock = sock;
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_TIMESTAMPING, STAMPS);
  }

  /** True if a stamp of a packet has not come. */
  get waits(): boolean {
    return this.#requests.size > 0;
  }

  /** Notes that the kernel accepted the packet of a request. */
  sent(request: Request): void {
    this.#requests.set(this.#packets++, request);
    // A packet without a stamp is forgotten.
    this.#requests.delete(this.#packets - COUNTED_MAX);
  }

  /** Returns the request of packet number `count`, whose stamp has come; undefined for an unknown one. */
  take(count: number): Request | undefined {
    const request = this.#requests.get(count);
    this.#requests.delete(count);
    return request;
  }

  /** Begins anew, with packet number 0. */
  restart(): void {
    this.#sock.setsockopt(
      socket.SOL_SOCKET,
      socket.SO_TIMESTAMPING,
      STAMPS & ~socket.SOF_TIMESTAMPING_OPT_ID,
    );
    this.#sock.setsockopt(socket.SOL_SOCKET, socket.SO_TIMESTAMPING, STAMPS);
    this.#requests.clear();
    this.#packets = 0;
  }
}

/** Returns whether a stamp of sending can be that of a packet that the program sent at `own_ms`, both in milliseconds since 1970. */
export function is_plausible(stamp_ms: number, own_ms: number): boolean {
  return Math.abs(stamp_ms - own_ms) < PLAUSIBLE_MS;
}

interface Start {
  readonly at_ns: bigint;
  kernel_ns?: bigint;
}

/** The times of sending of a socket's requests. The caller numbers the requests, and reuses numbers. */
export class Stopwatch {
  readonly #starts = new Map<number, Start>();
  readonly #numbers: PacketNumbers<number>;

  /** Turns the kernel's time stamps on. */
  constructor(sock: socket.socket) {
    this.#numbers = new PacketNumbers(sock);
  }

  /** Notes the time at which the program sends a request. */
  start(request: number): void {
    this.#starts.set(request, { at_ns: now_ns() });
  }

  /** Notes that the kernel accepted the request. */
  sent(request: number): void {
    this.#numbers.sent(request);
  }

  /** Notes that the kernel refused a request. */
  refused(): void {
    this.#numbers.restart();
  }

  /** Notes the kernel's time stamp of its packet number `count`. */
  stamp(count: number, at_ns: bigint): void {
    const start = this.#starts.get(this.#numbers.take(count) ?? -1);
    if (start === undefined) return;
    if (is_plausible(Number(at_ns) / NS_PER_MS, Number(start.at_ns) / NS_PER_MS)) start.kernel_ns = at_ns;
  }

  /** Returns the milliseconds from a request to a time; undefined for a request that was not sent. */
  milliseconds(request: number, at_ns: bigint): number | undefined {
    const start = this.#starts.get(request);
    if (start === undefined) return undefined;
    const { at_ns: own_ns, kernel_ns = own_ns } = start;
    return Math.max(0, Number(at_ns - (kernel_ns <= at_ns ? kernel_ns : own_ns)) / NS_PER_MS);
  }
}
