// The statistics of a server: what statistics() returns, and the counts behind it.

import type { SocketBase } from '../../calls/socket_base.js';
import { AF_INET, AF_INET6, IPPROTO_TCP, SOCK_STREAM, TCP_INFO } from '../../constants.js';
import { addon } from '../../native/addon.js';
import { REFUSAL_REASONS, type RefusalReason } from '../admission/refused.js';

/** What a server has done so far, and does now. */
export interface ServerStatistics {
  /** Connections, or datagrams, that were taken. */
  readonly accepted: number;
  /** Requests that are under way; in servers with workers also those that wait for one. */
  readonly active: number;
  /** Requests whose handling has ended, well or with an error. */
  readonly handled: number;
  /** Requests whose handler has failed or was ended; counted in `handled`, too. */
  readonly errors: number;
  /** The number of errors that are time-outs, by the option. */
  readonly timed_out: { readonly handler_timeout: number; readonly idle_timeout: number };
  /** Requests that were not handled, by the option or hook that refused them. */
  readonly refused: { readonly [Reason in RefusalReason]: number };
  /** Seconds that the handlers of `handled` requests took, in sum. */
  readonly request_seconds: number;
  /** Worker threads or child processes that are ready; null in servers without. */
  readonly workers: number | null;
  /** Connections that wait in the kernel to be taken; null if it does not tell: AF_UNIX, datagrams, a closed server. */
  readonly backlog: number | null;
  /** The largest number of connections that may wait; null as above. */
  readonly backlog_limit: number | null;
}

/** The counts that do not come from the kernel. */
export interface Counts extends Omit<ServerStatistics, 'backlog' | 'backlog_limit'> {}

/** Indexes of tcpi_unacked and tcpi_sacked, which for a listener are its backlog and the limit, in 32-bit words. */
const UNACKED = 6;
const SACKED = 7;
const INFO = new Uint32Array(SACKED + 1);
const INFO_BYTES = Buffer.from(INFO.buffer);

/** Returns what the kernel tells of the listener. */
export function backlog_of(sock: SocketBase): Pick<ServerStatistics, 'backlog' | 'backlog_limit'> {
  const { family, type, _fd: fd, _generation: generation } = sock;
  const is_tcp = (family === AF_INET || family === AF_INET6) && (type & 0xf) === SOCK_STREAM;
  const is_told =
    is_tcp && addon.getsockopt(fd, generation, IPPROTO_TCP, TCP_INFO, INFO_BYTES) >= INFO_BYTES.length;
  return is_told
    ? { backlog: INFO[UNACKED] ?? 0, backlog_limit: INFO[SACKED] ?? 0 }
    : { backlog: null, backlog_limit: null };
}

/** Returns an object with a number for each reason of a refusal. */
export function by_reason(count: (index: number) => number): { [Reason in RefusalReason]: number } {
  return Object.fromEntries(REFUSAL_REASONS.map((reason, i) => [reason, count(i)])) as {
    [Reason in RefusalReason]: number;
  };
}
