// Waits for a server's socket: blocking the thread, and on the event loop.
import { constants } from 'node:os';
import type { SocketBase } from '../calls/socket_base.js';
import { poll } from '../calls/waiting/poll.js';
import { READ, ready, WRITE } from '../calls/waiting/readiness.js';
import { POLLIN, POLLOUT } from '../constants.js';
import { raise } from '../errors/raise.js';
import { TIMED_OUT } from '../native/addon.js';
import { Timeout } from '../util/deadline.js';

const { EBADF } = constants.errno;
const POLLNVAL = 0x20;

/** Blocks until the socket has one of the events (POLLIN, …) or an error. Returns false if the time passed first. */
function poll_one(sock: SocketBase, events: number, timeout_ms: number): boolean {
  const one = { fd: sock.fileno(), events, revents: 0 };
  const result = one.fd < 0 ? -EBADF : poll([one], timeout_ms);
  if (result === TIMED_OUT || result === 0) return false;
  if (result > 0 && (one.revents & POLLNVAL) === 0) return true;
  return raise(result > 0 ? -EBADF : result, { syscall: 'poll', args: sock._args() });
}

/**
 * Blocks until a receive or accept would return at once: with a request, or with an error.
 *
 * @param timeout_ms 0 does not wait, -1 has no limit
 * @returns false if the time passed first
 * @throws OSError EBADF if the socket is closed
 */
export function is_readable(sock: SocketBase, timeout_ms = 0): boolean {
  return poll_one(sock, POLLIN, timeout_ms);
}

/** Returns whether a send would not have to wait. @throws OSError EBADF if the socket is closed */
export function is_writable(sock: SocketBase): boolean {
  return poll_one(sock, POLLOUT, 0);
}

/** Waits on the event loop until the socket is ready. Returns false if `stop` aborted or the time passed first. */
async function when(
  interest: number,
  sock: SocketBase,
  stop: AbortSignal,
  timeout_ms: number,
): Promise<boolean> {
  const end = new Timeout(stop, timeout_ms);
  try {
    await ready(sock.fileno(), sock._generation, interest, end.signal);
    return true;
  } catch (error) {
    if (end.signal.aborted) return false;
    throw error;
  } finally {
    end.end();
  }
}

/**
 * Waits on the event loop until the socket is readable. The wait keeps the process alive.
 *
 * @param stop ends the wait
 * @param timeout_ms ends the wait as well; -1: no limit
 * @returns whether the socket is readable
 * @throws (rejects) OSError EBADF if the socket is closed
 */
export async function readable(sock: SocketBase, stop: AbortSignal, timeout_ms = -1): Promise<boolean> {
  if (stop.aborted) return false;
  if (is_readable(sock)) return true;
  // `stop` is tested again: a signal's listener may have run inside is_readable(), and shut the server down.
  return !stop.aborted && when(READ, sock, stop, timeout_ms);
}

/** Waits on the event loop until a send would not have to wait, or `stop` aborts. */
export async function writable(sock: SocketBase, stop: AbortSignal): Promise<void> {
  if (!stop.aborted && !is_writable(sock)) await when(WRITE, sock, stop, -1);
}
