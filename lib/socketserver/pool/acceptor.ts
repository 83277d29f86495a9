// The acceptor of a pool, on the manager's thread: takes requests from the server's socket and puts them on the queue, as
// get_request() and process_request() do, if the server overrides neither. Child processes get all their requests so; threads
// get those so that are left when serving ends.
//
// If requests are short, the queue holds more of them than there are workers: a worker that has finished one then finds the next
// without anybody's help. Waking a process, and hearing from it, costs more than handling a short request. All other requests
// wait in the kernel's backlog.
import { constants } from 'node:os';
import { decode } from '../../calls/address.js';
import * as transfer from '../../calls/transfer.js';
import { next_turn } from '../../calls/waiting/readiness.js';
import { addon, cells, GENERATION } from '../../native/addon.js';
import type { socket as Socket } from '../../socket/index.js';
import { DRAIN_LIMIT } from '../refuse.js';
import { is_scarce, pause } from '../scarcity.js';
import { check_not_ended, is_readable, is_writable, readable, writable } from '../socket_wait.js';
import type { Room } from './condition.js';
import type { ManagerConfig } from './protocol.js';
import { AHEAD_LIMIT, encode_request, post } from './queue.js';
import type { SharedState } from './shared_state.js';

const { EAGAIN, EINVAL } = constants.errno;
/** Requests that are taken without a turn of the event loop. */
const BATCH = 32;
/** The queue holds, beyond the free workers, at most the requests that workers finish in this many milliseconds. */
const AHEAD_MS = 10;

export class Acceptor {
  /** The number of requests that the queue may hold beyond the free workers, by the last measurement. */
  #ahead = 0;
  #measured_ms = 0;
  #finished = 0;

  constructor(
    private readonly config: ManagerConfig,
    private readonly state: SharedState,
    private readonly listener: Socket<number>,
    private readonly queue: Socket<number>,
    private readonly room: Room,
  ) {}

  /** Takes requests until `stop` aborts. @throws (rejects) OSError EINVAL if the listener was shut down */
  async run(stop: AbortSignal): Promise<void> {
    for (let count = 1; !stop.aborted; count++) {
      const result = await this.#next(stop);
      if (result < 0 && !is_scarce(-result)) check_not_ended(this.listener, 'serve_forever');
      if (result === -EAGAIN) await readable(this.listener, stop);
      else if (count % BATCH === 0) await next_turn();
    }
  }

  /** Takes the requests that wait in the kernel already, until `stop` aborts. */
  async rest(stop: AbortSignal): Promise<void> {
    for (let count = 0; count < DRAIN_LIMIT && !stop.aborted; count++) {
      const result = await this.#next(stop);
      // EINVAL: none is left, and the listener was shut down to refuse further ones.
      if (result === -EAGAIN || result === -EINVAL) return;
    }
  }

  /** Puts the next request on the queue, once there is room. Returns 0 or -errno. */
  async #next(stop: AbortSignal): Promise<number> {
    this.#measure();
    if (!this.state.has_room(this.#ahead)) {
      if (!is_readable(this.listener)) return -EAGAIN;
      // Half of the requests ahead must be gone, so that not each request waits anew.
      await this.room.wait(this.#ahead >> 1, stop);
    }
    // Large datagrams fill the socket of the queue before it holds as many requests as it may.
    if (!is_writable(this.queue)) await writable(this.queue, stop);
    if (stop.aborted) return 0;
    const result = this.config.max_packet_size > 0 ? await this.#receive() : await this.#accept();
    if (is_scarce(-result)) await pause();
    return result;
  }

  /** Measures how many requests the workers finish, and sets #ahead accordingly. */
  #measure(): void {
    const now_ms = performance.now();
    const spent_ms = now_ms - this.#measured_ms;
    if (spent_ms < AHEAD_MS) return;
    const { finished } = this.state;
    const count = (finished - this.#finished) | 0;
    this.#ahead = Math.min(AHEAD_LIMIT, Math.floor((count * AHEAD_MS) / spent_ms));
    [this.#measured_ms, this.#finished] = [now_ms, finished];
  }

  /** Puts the next connection on the queue. Returns 0 or -errno. */
  async #accept(): Promise<number> {
    const { family, proto, default_timeout } = this.config;
    const listener = this.listener;
    const fd = addon.accept4(listener._fd, listener._generation, 0, 0);
    if (fd < 0) return fd;
    const generation = cells[GENERATION] as number;
    try {
      return await this.#put(encode_request(decode(family, proto), default_timeout), [fd]);
    } finally {
      addon.close(fd, generation);
    }
  }

  /** Puts the next datagram on the queue. Returns 0 or -errno. */
  async #receive(): Promise<number> {
    const received = transfer.recvfrom(this.listener, this.config.max_packet_size, 0, 0);
    if (typeof received === 'number') return received;
    const [packet, address] = received;
    return this.#put(encode_request(address, null, packet), []);
  }

  async #put(request: Buffer[], fds: number[]): Promise<0> {
    // Without waiting: a call that may block would have the watchdog look at each turn of this thread's loop.
    while (!post(this.queue, request, fds)) await pause();
    this.room.request_queued();
    return 0;
  }
}
