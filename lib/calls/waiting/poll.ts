// poll(2): readiness of any descriptors, in the calling thread. Waiting on the event loop is left to readiness.ts.
import { addon, POLL_FD, POLL_FD_SIZE } from '../../native/addon.js';

const WORDS = POLL_FD_SIZE / Int32Array.BYTES_PER_ELEMENT;
const HALVES = POLL_FD_SIZE / Uint16Array.BYTES_PER_ELEMENT;

/** An array of `struct pollfd { int fd; short events; short revents; }`, in the memory that native calls take. */
export class PollFds {
  readonly bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #halves: Uint16Array;

  constructor(readonly length: number) {
    const memory = new ArrayBuffer(length * POLL_FD_SIZE);
    this.bytes = new Uint8Array(memory);
    this.#words = new Int32Array(memory);
    this.#halves = new Uint16Array(memory);
  }

  set(index: number, fd: number, events: number): void {
    this.#words[index * WORDS + POLL_FD.fd] = fd;
    this.#halves[index * HALVES + POLL_FD.events] = events;
  }

  fd(index: number): number {
    return this.#words[index * WORDS + POLL_FD.fd] as number;
  }

  revents(index: number): number {
    return this.#halves[index * HALVES + POLL_FD.revents] as number;
  }
}

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
  const memory = new PollFds(poll_fds.length);
  poll_fds.forEach(({ fd, events }, index) => {
    memory.set(index, fd, events);
  });
  const count = addon.poll(memory.bytes, timeout_ms);
  poll_fds.forEach((poll_fd, index) => {
    poll_fd.revents = memory.revents(index);
  });
  return count;
}
