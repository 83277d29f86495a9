// The error queue of a socket (IP_RECVERR, see ip(7)): ICMP errors that answer its packets, and the kernel's time stamps of
// its sent packets. The queue needs no privilege.
import * as socket from '../../promises/index.js';
import type { IcmpError } from '../terminal/icmp_text.js';
import { host_of } from './hosts.js';
import { ANCILLARY_SIZE, read_ancillary, type Stopwatch } from './kernel_time.js';

/** An ICMP error of the queue. */
export interface QueuedError {
  readonly error: IcmpError;
  /** The host that sent the error; undefined if the kernel does not name it. */
  readonly from: string | undefined;
  /** The destination of the packet that the error answers. */
  readonly to: string | undefined;
  /** When the error came, nanoseconds since 1970. */
  readonly at_ns: bigint;
  /** The packet that the error answers, without the headers that the socket does not show. */
  readonly data: Buffer;
}

/** Makes the kernel put ICMP errors into the error queue of a socket. @throws OSError */
export function enable_error_queue(sock: socket.socket): void {
  if (sock.family === socket.AF_INET6) sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVERR, 1);
  else sock.setsockopt(socket.IPPROTO_IP, socket.IP_RECVERR, 1);
}

/** The most messages that one call reads, and the bytes of each: an ICMP error quotes less. */
const BATCH = 64;
const QUOTED_MAX = 2048;

/** Is called with the number of a packet that was sent, and the kernel's time stamp of it, nanoseconds since 1970. */
type OnStamp = (count: number, at_ns: bigint) => void;

/** The error queue of a socket. Calls of read() take their turns: they share the memory that messages come to. */
export class ErrorQueue {
  readonly #sock: socket.socket;
  readonly #batch = new socket.MessageBatch<number>(BATCH, QUOTED_MAX, ANCILLARY_SIZE);
  /** Settles when the reads that have begun are done. */
  #reading: Promise<unknown> = Promise.resolve();

  constructor(sock: socket.socket) {
    this.#sock = sock;
  }

  /** Empties the queue: passes time stamps on, returns the ICMP errors. */
  read(on_stamp?: OnStamp): Promise<QueuedError[]> {
    const read = this.#reading.then(() => this.#empty(on_stamp));
    this.#reading = read.catch(() => {});
    return read;
  }

  async #empty(on_stamp?: OnStamp): Promise<QueuedError[]> {
    const errors: QueuedError[] = [];
    for (let count = BATCH; count === BATCH; ) {
      count = await this.#sock
        .recvmmsg_into(this.#batch, socket.MSG_ERRQUEUE, { timeout: 0 })
        .catch((reason: unknown) => {
          if (reason instanceof socket.OSError) return 0;
          throw reason;
        });
      for (let i = 0; i < count; i++) {
        const error = this.#error(i, on_stamp);
        if (error !== undefined) errors.push(error);
      }
    }
    return errors;
  }

  #error(i: number, on_stamp?: OnStamp): QueuedError | undefined {
    const { error, at_ns, stamped } = read_ancillary(this.#batch.ancdata(i));
    if (error === undefined) return undefined;
    const { origin, type, code, info, offender } = error;
    if (origin === socket.SO_EE_ORIGIN_TIMESTAMPING && stamped) on_stamp?.(error.data, at_ns);
    // An error of this machine is also that of the call that sent the packet.
    if (origin === socket.SO_EE_ORIGIN_TIMESTAMPING || origin === socket.SO_EE_ORIGIN_LOCAL) return undefined;
    const from = offender && !Buffer.isBuffer(offender) ? host_of(offender) : undefined;
    const to = destination(this.#batch.address(i));
    const data = Buffer.from(this.#batch.data(i));
    return { error: queued_error(this.#sock.family, type, code, info), from, to, at_ns, data };
  }
}

/** Reads the error queue of a socket once: see ErrorQueue. */
export function read_error_queue(sock: socket.socket, stopwatch?: Stopwatch): Promise<QueuedError[]> {
  return new ErrorQueue(sock).read(stopwatch && ((count, at_ns) => stopwatch.stamp(count, at_ns)));
}

/** Returns the MTU in the error of a datagram that this machine refused as too long; undefined without such an error. */
export async function queued_mtu(sock: socket.socket): Promise<number | undefined> {
  try {
    const [, ancdata] = await sock.recvmsg(0, ANCILLARY_SIZE, socket.MSG_ERRQUEUE, { timeout: 0 });
    const { error } = read_ancillary(ancdata);
    return error?.origin === socket.SO_EE_ORIGIN_LOCAL ? error.info : undefined;
  } catch (error) {
    if (error instanceof socket.OSError) return undefined;
    throw error;
  }
}

function destination(address: unknown): string | undefined {
  return Array.isArray(address) && typeof address[0] === 'string' ? address[0] : undefined;
}

const REDIRECT = 5;
const PROBLEM = { [socket.AF_INET]: 12, [socket.AF_INET6]: 4 } as const;

/** Returns an error; the kernel puts the MTU, the next hop of a redirect or the place of a problem into `info`. */
function queued_error(family: number, type: number, code: number, info: number): IcmpError {
  const error = { family, type, code };
  if (family === socket.AF_INET && type === REDIRECT)
    return { ...error, gateway: [24, 16, 8, 0].map((bits) => (info >>> bits) & 255).join('.') };
  const is_problem = type === PROBLEM[family as keyof typeof PROBLEM];
  return is_problem ? { ...error, pointer: info } : { ...error, mtu: info };
}
