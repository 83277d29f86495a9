// idle_timeout on the event loop, where a handler may read and write at the same time: a connection is ended once no byte came or went
// for the time, by the kernel's counts, while a call of the handler waited for the client. One timer looks at all connections.
//
// Handlers that block have one call at a time, whose time-out is that of the socket (limits.ts). So has AF_UNIX here, whose bytes the
// kernel does not count.
import { AF_INET, AF_INET6, IPPROTO_TCP, TCP_INFO } from '../../constants.js';
import { addon } from '../../native/addon.js';
import type { socket as Socket } from '../../promises/index.js';

/** Indexes of tcpi_bytes_acked and tcpi_bytes_received in struct tcp_info, in 64-bit words. */
const ACKED = 15;
const RECEIVED = 16;
const INFO = new BigUint64Array(RECEIVED + 1);
const INFO_BYTES = Buffer.from(INFO.buffer);

/** How often the timer looks in an idle_timeout, and the bounds of its interval. */
const LOOKS = 8;
const LEAST_MS = 5;
const MOST_MS = 1000;

/** A connection that is watched. */
interface Watched {
  readonly end: () => void;
  bytes: bigint;
  since_ms: number;
}

/** Returns the bytes that came and went on a connection; undefined if the kernel does not count them. */
function bytes_of(sock: Socket<number>): bigint | undefined {
  const result = addon.getsockopt(sock._fd, sock._generation, IPPROTO_TCP, TCP_INFO, INFO_BYTES);
  return result < INFO_BYTES.length ? undefined : (INFO[ACKED] ?? 0n) + (INFO[RECEIVED] ?? 0n);
}

/** Returns whether the kernel counts the bytes of a socket. */
export function counts_bytes(sock: Socket<number>): boolean {
  return (sock.family === AF_INET || sock.family === AF_INET6) && bytes_of(sock) !== undefined;
}

export class IdleWatch {
  readonly #limit_ms: number;
  readonly #all = new Map<Socket<number>, Watched>();
  #timer: NodeJS.Timeout | undefined;

  constructor(seconds: number) {
    this.#limit_ms = seconds * 1000;
  }

  /** Watches a connection. @param end called once if it is idle for too long */
  add(sock: Socket<number>, end: () => void): void {
    this.#all.set(sock, { end, bytes: -1n, since_ms: performance.now() });
    const interval_ms = Math.max(LEAST_MS, Math.min(MOST_MS, this.#limit_ms / LOOKS));
    this.#timer ??= setInterval(() => this.#look(), interval_ms).unref();
  }

  remove(sock: Socket<number>): void {
    if (!this.#all.delete(sock) || this.#all.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const now_ms = performance.now();
    for (const [sock, watched] of this.#all) {
      const { reads, writes } = sock._poller;
      const bytes = bytes_of(sock) ?? watched.bytes;
      const waits = reads.first !== undefined || writes.first !== undefined;
      if (!waits || bytes !== watched.bytes) {
        watched.bytes = bytes;
        watched.since_ms = now_ms;
      } else if (now_ms - watched.since_ms >= this.#limit_ms) {
        this.remove(sock);
        watched.end();
      }
    }
  }
}
