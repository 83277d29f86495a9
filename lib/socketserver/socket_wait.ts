// Waiting until a server's socket is readable: blocking, and on the event loop.
import { constants } from 'node:os';
import type { SocketBase } from '../calls/socket_base.js';
import { poll } from '../calls/waiting/poll.js';
import { READ, ready, WRITE } from '../calls/waiting/readiness.js';
import { POLLIN, POLLOUT } from '../constants.js';
import { errno_code } from '../errors/errno.js';
import { raise } from '../errors/raise.js';
import { TIMED_OUT } from '../native/addon.js';
import { Timeout } from '../util/deadline.js';

const { EBADF } = constants.errno;
const POLLNVAL = 0x20;
/** Errors that stay as long as resources lack; what was to be taken does, too. */
const SCARCE = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'ETOOMANYREFS']);

/** How long to wait before trying again what failed for want of descriptors or memory. */
export const PAUSE_MS = 50;
/** So many requests may have come when a server stops taking them: more the kernel does not keep, unless it is told to. */
export const REST_LIMIT = 4096;

/** Whether this errno tells that descriptors or memory lack. */
export function is_scarce(errno: number): boolean {
  return SCARCE.has(errno_code(errno) ?? '');
}

/** Waits until a call that failed for want of descriptors or memory is worth another try. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}

/** Waits for the promise, or until the signal aborts. @throws (rejects) as the promise does */
export async function unless_aborted(promise: Promise<void>, stop: AbortSignal): Promise<void> {
  if (stop.aborted) return;
  let abort = () => {};
  const aborted = new Promise<void>((resolve) => {
    abort = resolve;
  });
  stop.addEventListener('abort', abort);
  try {
    await Promise.race([promise, aborted]);
  } finally {
    stop.removeEventListener('abort', abort);
  }
}

/** Waits, blocking, until one of the events (POLLIN, …), an error or the end of the time; false for that. */
function poll_one(sock: SocketBase, events: number, timeout_ms: number): boolean {
  const one = { fd: sock.fileno(), events, revents: 0 };
  const result = one.fd < 0 ? -EBADF : poll([one], timeout_ms);
  if (result === TIMED_OUT || result === 0) return false;
  if (result > 0 && (one.revents & POLLNVAL) === 0) return true;
  return raise(result > 0 ? -EBADF : result, { syscall: 'poll', args: sock._args() });
}

/**
 * Waits, blocking, until a receive or accept would find something or an error.
 *
 * @param timeout_ms 0 does not wait, -1 has no limit
 * @returns false where the time passed
 * @throws OSError EBADF where the socket is closed
 */
export function is_readable(sock: SocketBase, timeout_ms = 0): boolean {
  return poll_one(sock, POLLIN, timeout_ms);
}

/** Whether a send would not have to wait. @throws OSError EBADF where the socket is closed */
export function is_writable(sock: SocketBase): boolean {
  return poll_one(sock, POLLOUT, 0);
}

/** Lets the event loop turn once: timers, signals, output and other sockets get theirs. */
export function next_turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Waits, on the event loop, for the socket; false where `stop` aborted or the time passed. */
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
  return !stop.aborted && when(READ, sock, stop, timeout_ms);
}

/** The same until a send would not have to wait. */
export async function writable(sock: SocketBase, stop: AbortSignal): Promise<void> {
  if (!stop.aborted && !is_writable(sock)) await when(WRITE, sock, stop, -1);
}
