// Taking requests on the manager's thread and putting them on the queue: what get_request() and process_request() do where
// the server overrides neither. Processes get all of their requests so, threads those that are left when serving ends.
//
// Of short requests more are put there than there are workers, so that a worker that has finished one finds the next without
// anybody's help: waking a process, and hearing from it, costs more than handling a short request. The others wait in the
// kernel's backlog.
import { constants } from 'node:os';
import { decode } from '../../calls/address.js';
import * as transfer from '../../calls/transfer.js';
import { next_turn } from '../../calls/waiting/readiness.js';
import { MSG_DONTWAIT } from '../../constants.js';
import { addon, cells, GENERATION } from '../../native/addon.js';
import type { socket as Socket } from '../../socket/index.js';
import { DRAIN_LIMIT } from '../refuse.js';
import { is_scarce, pause } from '../scarcity.js';
import { is_readable, is_writable, readable, writable } from '../socket_wait.js';
import type { ManagerConfig } from './protocol.js';
import { AHEAD_LIMIT, encode_request, post } from './queue.js';
import type { SharedState } from './shared_state.js';

const { EAGAIN } = constants.errno;
/** So many requests without a turn of the event loop. */
const BATCH = 32;
/** So many requests may wait on the queue as workers finish in so many milliseconds. */
const AHEAD_MS = 10;

/** What an acceptor needs of its manager. */
export interface AcceptorEvents {
  /** A request waits until workers have fewer than there are workers and, beyond them, this many; or until `stop` aborts. */
  room(ahead: number, stop: AbortSignal): Promise<void>;
  /** There is one more on the queue. */
  put(): void;
}

export class Acceptor {
  readonly #config: ManagerConfig;
  readonly #state: SharedState;
  readonly #listener: Socket<number>;
  readonly #queue: Socket<number>;
  readonly #events: AcceptorEvents;
  #ahead = 0;
  #measured_ms = 0;
  #finished = 0;

  constructor(
    config: ManagerConfig,
    state: SharedState,
    listener: Socket<number>,
    queue: Socket<number>,
    events: AcceptorEvents,
  ) {
    this.#config = config;
    this.#state = state;
    this.#listener = listener;
    this.#queue = queue;
    this.#events = events;
  }

  /** Takes requests until stopped. */
  async run(stop: AbortSignal): Promise<void> {
    for (let count = 1; !stop.aborted; count++) {
      const result = await this.#next(stop);
      if (result === -EAGAIN) await readable(this.#listener, stop);
      else if (count % BATCH === 0) await next_turn();
    }
  }

  /** Takes those that have come already, until stopped. */
  async rest(stop: AbortSignal): Promise<void> {
    for (let count = 0; count < DRAIN_LIMIT && !stop.aborted; count++) {
      if ((await this.#next(stop)) === -EAGAIN) return;
    }
  }

  /** Puts the next request on the queue, once there is room; 0 or -errno. */
  async #next(stop: AbortSignal): Promise<number> {
    this.#measure();
    if (!this.#state.has_room(this.#ahead)) {
      if (!is_readable(this.#listener)) return -EAGAIN;
      // Not for each anew.
      await this.#events.room(this.#ahead >> 1, stop);
    }
    // Large datagrams fill it sooner.
    if (!is_writable(this.#queue)) await writable(this.#queue, stop);
    if (stop.aborted) return 0;
    const result = this.#config.max_packet_size > 0 ? await this.#receive() : await this.#accept();
    if (is_scarce(-result)) await pause();
    return result;
  }

  #measure(): void {
    const now_ms = performance.now();
    const spent_ms = now_ms - this.#measured_ms;
    if (spent_ms < AHEAD_MS) return;
    const all = this.#state.finished;
    const count = (all - this.#finished) | 0;
    this.#ahead = Math.min(AHEAD_LIMIT, Math.floor((count * AHEAD_MS) / spent_ms));
    [this.#measured_ms, this.#finished] = [now_ms, all];
  }

  /** Puts the next connection on the queue; 0 or -errno. */
  async #accept(): Promise<number> {
    const { family, proto } = this.#config;
    const listener = this.#listener;
    // The server's own setting is its to restore. By a socket of datagrams handlers send, and may wait.
    listener.setblocking(false);
    const fd = addon.accept4(listener._fd, listener._generation, 0, 0);
    if (fd < 0) return fd;
    const generation = cells[GENERATION] as number;
    try {
      return await this.#put(encode_request(decode(family, proto), null), [fd]);
    } finally {
      addon.close(fd, generation);
    }
  }

  /** Puts the next datagram on the queue; 0 or -errno. */
  async #receive(): Promise<number> {
    const received = transfer.recvfrom(this.#listener, this.#config.max_packet_size, MSG_DONTWAIT, 0);
    if (typeof received === 'number') return received;
    const [packet, address] = received;
    return this.#put(encode_request(address, null, packet), []);
  }

  async #put(request: Buffer[], fds: number[]): Promise<0> {
    // A call that may block would have the watchdog look at each turn of this thread's loop.
    while (!post(this.#queue, request, fds)) await pause();
    this.#state.count_dispatched();
    this.#events.put();
    return 0;
  }
}
