// Waiting until a server's socket is readable: blocking, and on the event loop.
import { constants } from 'node:os';
import { TIMED_OUT } from '../addon.js';
import { POLLIN } from '../constants.js';
import { raise } from '../errors.js';
import { poll } from '../internal/poll.js';
import { READ, ready } from '../internal/readiness.js';
import type { SocketBase } from '../socket/base.js';

const { EBADF } = constants.errno;
const POLLNVAL = 0x20;

/**
 * Waits, blocking, until a receive or accept would find something or an error.
 *
 * @param timeout_ms 0 does not wait, -1 has no limit
 * @returns false where the time passed
 * @throws OSError EBADF where the socket is closed
 */
export function is_readable(sock: SocketBase, timeout_ms = 0): boolean {
  const one = { fd: sock.fileno(), events: POLLIN, revents: 0 };
  const result = one.fd < 0 ? -EBADF : poll([one], timeout_ms);
  if (result === TIMED_OUT || result === 0) return false;
  if (result > 0 && (one.revents & POLLNVAL) === 0) return true;
  return raise(result > 0 ? -EBADF : result, { syscall: 'poll', what: () => sock._shown() });
}

/** Lets the event loop turn once: timers, signals, output and other sockets get theirs. */
export function next_turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Waits until the socket is readable; the event loop goes on meanwhile, and stays alive.
 *
 * @param stop ends waiting
 * @param timeout_ms ends it as well; -1: no limit
 * @returns whether it is readable
 * @throws OSError EBADF where the socket is closed
 */
export async function readable(sock: SocketBase, stop: AbortSignal, timeout_ms = -1): Promise<boolean> {
  if (stop.aborted) return false;
  if (is_readable(sock)) return true;
  // Asked again: a signal's listener may have run in that call, and shut the server down.
  if (stop.aborted) return false;
  const end = new AbortController();
  const abort = () => end.abort();
  const timer = timeout_ms < 0 ? undefined : setTimeout(abort, timeout_ms);
  stop.addEventListener('abort', abort);
  try {
    await ready(sock.fileno(), sock._generation, READ, end.signal);
    return true;
  } catch (error) {
    if (end.signal.aborted) return false;
    throw error;
  } finally {
    clearTimeout(timer);
    stop.removeEventListener('abort', abort);
  }
}
