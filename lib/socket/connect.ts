// Connecting to the first of several addresses that answers, under one deadline: one after another, or with a delay
// between the starts so that a silent address does not delay the next (RFC 8305).
import { constants } from 'node:os';
import { type Address, encode, type InetFamily } from '../calls/address.js';
import { failure, interleave } from '../calls/create.js';
import { type AddressInfoRow, resolve_host_blocking } from '../calls/lookup.js';
import { type PollFd, poll } from '../calls/waiting/poll.js';
import { show_address, timed_out } from '../calls/waiting/timed_out.js';
import * as c from '../constants.js';
import { OSError } from '../errors/index.js';
import { raise } from '../errors/raise.js';
import { addon, cells, TIMED_OUT, VALUE } from '../native/addon.js';
import type { Deadline } from '../util/deadline.js';
import { to_timeout_ms } from '../util/validate.js';

import { Socket } from './socket.js';

const { EINPROGRESS } = constants.errno;

export interface ConnectPlan {
  /** The address that the program gave, for the error. */
  readonly address: unknown;
  /** The time-out, in seconds, that the socket gets. */
  readonly limit: number | null;
  readonly deadline: Deadline;
  /** Seconds between two starts; null: each address is given up before the next. */
  readonly delay: number | null;
  readonly source_address: unknown;
  readonly all_errors: boolean;
}

/** The family of a host is known at run time only. */
type TcpSocket = Socket<InetFamily>;

/** One attempt: a non-blocking socket whose connection is under way. */
interface Attempt {
  readonly sock: TcpSocket;
  readonly address: unknown;
}

/** See create_connection. */
export function connect_first(found: readonly AddressInfoRow[], plan: ConnectPlan): TcpSocket {
  const waiting = plan.delay === null ? [...found] : interleave(found);
  const attempts = new Set<Attempt>();
  const errors: unknown[] = [];
  try {
    for (;;) {
      const row = waiting.shift();
      const connected = row === undefined ? null : start(row, plan, attempts, errors);
      const winner = connected ?? wait(waiting.length > 0 ? plan.delay : null, plan, attempts, errors);
      if (winner !== null) {
        for (const attempt of attempts) if (attempt !== winner) attempt.sock.close();
        winner.sock.settimeout(plan.limit);
        return winner.sock;
      }
      if (waiting.length === 0 && attempts.size === 0) throw failure(errors, plan.all_errors);
    }
  } catch (error) {
    for (const attempt of attempts) attempt.sock.close();
    throw error;
  }
}

/** Starts an attempt. Returns the attempt if it is connected already. */
function start(
  row: AddressInfoRow,
  plan: ConnectPlan,
  attempts: Set<Attempt>,
  errors: unknown[],
): Attempt | null {
  const [family, , proto, , address] = row;
  let sock: TcpSocket | undefined;
  try {
    sock = new Socket(family, c.SOCK_STREAM, proto);
    sock.setblocking(false);
    if (plan.source_address) sock.bind(plan.source_address as Address<InetFamily>);
    const length = encode(family, proto, address, 'connect', resolve_host_blocking);
    const result = addon.connect(sock._fd, sock._generation, length, 0);
    if (result < 0 && result !== -EINPROGRESS) raise(result, { syscall: 'connect', address });
    const attempt = { sock, address };
    attempts.add(attempt);
    return result === 0 ? attempt : null;
  } catch (error) {
    sock?.close();
    if (!(error instanceof OSError)) throw error;
    errors.push(error);
    return null;
  }
}

/** Waits for an attempt to succeed. Returns null if the next address is due, or none is left. */
function wait(
  delay: number | null,
  plan: ConnectPlan,
  attempts: Set<Attempt>,
  errors: unknown[],
): Attempt | null {
  const next_ms = delay === null ? -1 : performance.now() + delay * 1000;
  while (attempts.size > 0) {
    const pending = [...attempts];
    const poll_fds: PollFd[] = pending.map(({ sock }) => ({
      fd: sock.fileno(),
      events: c.POLLOUT,
      revents: 0,
    }));
    const left_ms = plan.deadline.left_ms();
    const until_next_ms = next_ms < 0 ? -1 : Math.max(0, next_ms - performance.now());
    const count = poll(
      poll_fds,
      until_next_ms >= 0 && (left_ms < 0 || until_next_ms < left_ms) ? until_next_ms : left_ms,
    );
    if (count < 0) raise(count, { syscall: 'poll' });
    for (const [index, attempt] of pending.entries()) {
      if (poll_fds[index]?.revents === 0) continue;
      if (finish(attempt, errors)) return attempt;
      attempts.delete(attempt);
      // An attempt has failed: the next address starts at once.
      if (delay !== null) return null;
    }
    if (plan.deadline.passed()) {
      const address = pending.at(-1)?.address;
      const text = timed_out('connect', `to ${show_address(plan.address)}`, to_timeout_ms(plan.limit));
      raise(TIMED_OUT, { syscall: 'connect', address, timed_out: text });
    }
    if (count === 0 && next_ms >= 0) return null;
  }
  return null;
}

function finish({ sock, address }: Attempt, errors: unknown[]): boolean {
  const result = addon.getsockopt_int(sock._fd, sock._generation, c.SOL_SOCKET, c.SO_ERROR);
  const code = result < 0 ? result : -(cells[VALUE] as number);
  if (code === 0) return true;
  sock.close();
  try {
    raise(code, { syscall: 'connect', address });
  } catch (error) {
    if (!(error instanceof OSError)) throw error;
    errors.push(error);
  }
  return false;
}
