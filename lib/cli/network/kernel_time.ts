// Times as the kernel takes them, when a packet leaves and when it comes (SO_TIMESTAMPING), and the clock of the program where
// it does not. The kernel counts the packets of a socket, and tells in its error queue when which one left.
import * as socket from '../../promises/index.js';
import { decode_control, type sock_extended_err, type timespec } from '../../structs/index.js';

/** Room for the control messages that are asked for here. */
export const ANCILLARY_SIZE = 1024;

const STAMPS =
  socket.SOF_TIMESTAMPING_SOFTWARE |
  socket.SOF_TIMESTAMPING_RX_SOFTWARE |
  socket.SOF_TIMESTAMPING_TX_SOFTWARE |
  socket.SOF_TIMESTAMPING_OPT_ID |
  socket.SOF_TIMESTAMPING_OPT_TSONLY;
/** A stamp of sending that is further from our own belongs to another packet. */
const PLAUSIBLE_NS = 200_000_000n;
const NS_PER_MS = 1_000_000;

/** Nanoseconds since 1970. */
function now_ns(): bigint {
  return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
}

/** What came with a packet. */
export interface Ancillary {
  /** When it came, nanoseconds since 1970. */
  readonly at_ns: bigint;
  /** Whether the kernel says so. */
  readonly stamped: boolean;
  readonly ttl: number | undefined;
  readonly error: sock_extended_err | undefined;
}

/** Reads the control messages that recvmsg gave. */
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

interface Start {
  readonly at_ns: bigint;
  kernel_ns?: bigint;
}

/** When each request of a socket was sent. Requests have a number, which is used again after the last. */
export class Stopwatch {
  readonly #starts = new Map<number, Start>();
  /** Request by the kernel's count of packets. */
  readonly #counted: number[] = [];

  /** Asks the kernel for time stamps. */
  constructor(sock: socket.socket) {
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_TIMESTAMPING, STAMPS);
  }

  /** A request is about to be sent. */
  start(request: number): void {
    this.#starts.set(request, { at_ns: now_ns() });
  }

  /** The kernel has taken it. */
  sent(request: number): void {
    this.#counted.push(request);
  }

  /** The kernel says when its packet number `count` left. */
  stamp(count: number, at_ns: bigint): void {
    const start = this.#starts.get(this.#counted[count] ?? -1);
    if (start === undefined) return;
    const off = at_ns - start.at_ns;
    if (off > -PLAUSIBLE_NS && off < PLAUSIBLE_NS) start.kernel_ns = at_ns;
  }

  /** Milliseconds from the request to a time; undefined for a request that was not sent. */
  milliseconds(request: number, at_ns: bigint): number | undefined {
    const start = this.#starts.get(request);
    if (start === undefined) return undefined;
    const { at_ns: own_ns, kernel_ns = own_ns } = start;
    return Math.max(0, Number(at_ns - (kernel_ns <= at_ns ? kernel_ns : own_ns)) / NS_PER_MS);
  }
}
