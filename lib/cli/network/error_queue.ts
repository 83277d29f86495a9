// The error queue of a socket (IP_RECVERR, see ip(7)): ICMP errors that answer its packets, and the kernel's time stamps of
// its sent packets. The queue needs no privilege.
import * as socket from '../../promises/index.js';
import type { IcmpError } from '../terminal/icmp_text.js';
import { host_of } from './hosts.js';
import { ANCILLARY_SIZE, read_ancillary, type Stopwatch } from './kernel_time.js';

const MESSAGE_MAX = 65_535;

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

/** Empties the error queue: passes time stamps to the stopwatch, returns the ICMP errors. */
export async function read_error_queue(sock: socket.socket, stopwatch?: Stopwatch): Promise<QueuedError[]> {
  const errors: QueuedError[] = [];
  for (;;) {
    const message = await sock
      .recvmsg(MESSAGE_MAX, ANCILLARY_SIZE, socket.MSG_ERRQUEUE, { timeout: 0 })
      .catch((reason: unknown) => {
        if (reason instanceof socket.OSError) return undefined;
        throw reason;
      });
    if (message === undefined) return errors;
    const [data, ancdata, , address] = message;
    const { error, at_ns, stamped } = read_ancillary(ancdata);
    if (error === undefined) continue;
    const { origin, type, code, info, offender } = error;
    if (origin === socket.SO_EE_ORIGIN_TIMESTAMPING) {
      if (stamped) stopwatch?.stamp(error.data, at_ns);
      continue;
    }
    // An error of this machine is also that of the call that sent the packet.
    if (origin === socket.SO_EE_ORIGIN_LOCAL) continue;
    const from = offender && !Buffer.isBuffer(offender) ? host_of(offender) : undefined;
    errors.push({
      error: queued_error(sock.family, type, code, info),
      from,
      to: destination(address),
      at_ns,
      data,
    });
  }
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
