// poll(2): readiness of any descriptors.
import { addon } from '../addon.js';

const POLLFD_SIZE = 8;

/** A descriptor and what is waited for (POLLIN, POLLOUT, …); `revents` is filled in. */
export interface PollFd {
  readonly fd: number;
  readonly events: number;
  revents: number;
}

/**
 * Waits until one is ready. See poll(2).
 *
 * @param timeout_ms milliseconds; -1 for no limit
 * @returns how many are ready, or -errno
 */
export function poll(poll_fds: readonly PollFd[], timeout_ms: number): number {
  const memory = new ArrayBuffer(poll_fds.length * POLLFD_SIZE);
  // struct pollfd { int fd; short events; short revents; }
  const words = new Int32Array(memory);
  const halves = new Int16Array(memory);
  poll_fds.forEach(({ fd, events }, index) => {
    words[index * 2] = fd;
    halves[index * 4 + 2] = events;
  });
  const count = addon.poll(new Uint8Array(memory), timeout_ms);
  poll_fds.forEach((poll_fd, index) => {
    poll_fd.revents = halves[index * 4 + 3] as number;
  });
  return count;
}
