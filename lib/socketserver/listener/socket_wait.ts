// Waits for a server's socket, blocking the thread or on the event loop; its calls that must not wait; and its end.
//
// poll(2) and epoll(7) report POLLERR whether it is asked for or not, as long as the error queue of a socket has an entry (IP_RECVERR,
// SO_TIMESTAMPING). That is no request: waits here go on.
import { constants } from 'node:os';
import type { SocketBase } from '../../calls/socket_base.js';
import { poll } from '../../calls/waiting/poll.js';
import { READ, ready } from '../../calls/waiting/readiness.js';
import { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLRDHUP, SOCK_DGRAM } from '../../constants.js';
import { raise } from '../../errors/raise.js';
import { TIMED_OUT } from '../../native/addon.js';
import { Deadline, Timeout } from '../../util/deadline.js';
import { is_scarcity, PAUSE_MS, pause } from './scarcity.js';

const { EBADF, EINVAL } = constants.errno;
/** The events of a socket from which no further request will come. */
const END = POLLHUP | POLLRDHUP;

/** Blocks until the socket has one of the events (POLLIN, …), POLLERR or POLLHUP. Returns those it has; 0 if the time passed first. */
function poll_one(sock: SocketBase, events: number, timeout_ms: number): number {
  const one = { fd: sock.fileno(), events, revents: 0 };
  const result = one.fd < 0 ? -EBADF : poll([one], timeout_ms);
  if (result === TIMED_OUT || result === 0) return 0;
  if (result > 0 && (one.revents & POLLNVAL) === 0) return one.revents;
  return raise(result > 0 ? -EBADF : result, { syscall: 'poll', args: sock._args() });
}

/**
 * Blocks until a request waits, or none will come any more.
 *
 * @param timeout_ms 0 does not wait, -1 has no limit
 * @returns false if the time passed first
 * @throws OSError EBADF if the socket is closed
 */
export function is_readable(sock: SocketBase, timeout_ms = 0): boolean {
  const deadline = new Deadline(timeout_ms);
  for (;;) {
    const events = poll_one(sock, POLLIN | POLLRDHUP, deadline.left_ms());
    if ((events & ~POLLERR) !== 0) return true;
    if (events === 0 || timeout_ms === 0 || deadline.passed()) return false;
    poll([], timeout_ms < 0 ? PAUSE_MS : Math.min(PAUSE_MS, deadline.left_ms()));
  }
}

/** Throws EINVAL if the socket was shut down or does not listen, so that no request will come. @param syscall its name in the error */
export function check_not_ended(sock: SocketBase, syscall: string): void {
  if ((poll_one(sock, POLLRDHUP, 0) & END) !== 0) raise(-EINVAL, { syscall, args: sock._args() });
}

/** Calls a function in which the calls of the socket do not wait. accept() makes a listener non-blocking: see restore_flags(). */
export function without_waiting<T>(sock: SocketBase, use: () => T): T {
  const { _timeout_ms } = sock;
  sock._timeout_ms = 0;
  try {
    return use();
  } finally {
    sock._timeout_ms = _timeout_ms;
  }
}

/** Makes a listener block again, if that is what its time-out stands for: duplicates and children share the flag. */
export function restore_flags(sock: SocketBase): void {
  if (sock.fileno() >= 0 && sock.type !== SOCK_DGRAM) sock.settimeout(sock.gettimeout());
}

/** Waits on the event loop until the socket is readable. Returns false if `stop` aborted or the time passed first. */
async function when_readable(sock: SocketBase, stop: AbortSignal, timeout_ms: number): Promise<boolean> {
  const end = new Timeout(stop, timeout_ms);
  const goes_on = () => {
    try {
      return is_readable(sock);
    } catch {
      // The next call on the socket throws the error.
      return true;
    }
  };
  const { signal } = end;
  try {
    do {
      try {
        await ready(sock.fileno(), sock._generation, READ, signal, goes_on);
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        // The kernel could not watch the socket.
        if (!is_scarcity(error)) throw error;
      }
      await pause(signal);
    } while (!signal.aborted && !goes_on());
    return !signal.aborted;
  } finally {
    end.end();
  }
}

/**
 * Waits on the event loop until a request waits, or none will come any more. The wait keeps the process alive.
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
  return !stop.aborted && when_readable(sock, stop, timeout_ms);
}
