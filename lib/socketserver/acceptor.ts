// Taking requests on the manager's thread and putting them on the queue: what get_request() and process_request() do where
// the server overrides neither. Processes get all of their requests so, threads those that are left when serving ends.
import { constants } from 'node:os';
import { addon, cells, GENERATION } from '../addon.js';
import { MSG_DONTWAIT } from '../constants.js';
import { decode } from '../internal/address.js';
import { send_fds } from '../socket/descriptors.js';
import type { Socket } from '../socket/socket.js';
import * as transfer from '../socket/transfer.js';
import { count_request, encode_request, has_room, type ManagerConfig } from './protocol.js';
import { is_scarce, next_turn, pause, REST_LIMIT, readable } from './wait.js';

const { EAGAIN } = constants.errno;
/** So many requests without a turn of the event loop. */
const BATCH = 32;

export class Acceptor {
  readonly #config: ManagerConfig;
  readonly #listener: Socket<number>;
  readonly #queue: Socket<number>;
  readonly #room: (stop: AbortSignal) => Promise<void>;

  /** @param room waits until a worker is free, or what it is given aborts */
  constructor(
    config: ManagerConfig,
    listener: Socket<number>,
    queue: Socket<number>,
    room: (stop: AbortSignal) => Promise<void>,
  ) {
    this.#config = config;
    this.#listener = listener;
    this.#queue = queue;
    this.#room = room;
  }

  /** Takes requests until stopped. */
  async run(stop: AbortSignal): Promise<void> {
    for (let count = 1; !stop.aborted; count++) {
      const result = await this.#take(stop);
      if (result === -EAGAIN) await readable(this.#listener, stop);
      else if (count % BATCH === 0) await next_turn();
    }
  }

  /** Takes those that have come already, until stopped. */
  async rest(stop: AbortSignal): Promise<void> {
    for (let count = 0; count < REST_LIMIT && !stop.aborted; count++) {
      if ((await this.#take(stop)) === -EAGAIN) return;
    }
  }

  /** Puts the next request on the queue, once a worker is free; 0 or -errno. */
  async #take(stop: AbortSignal): Promise<number> {
    const { counters, max_packet_size } = this.#config;
    if (!has_room(counters)) {
      await this.#room(stop);
      if (stop.aborted) return 0;
    }
    // The server's own setting is its to restore.
    this.#listener.setblocking(false);
    const result = max_packet_size > 0 ? this.#receive() : this.#accept();
    if (is_scarce(-result)) await pause();
    return result;
  }

  /** Puts the next connection on the queue; 0 or -errno. */
  #accept(): number {
    const { counters, family, proto } = this.#config;
    const listener = this.#listener;
    const fd = addon.accept4(listener._fd, listener._generation, 0, 0);
    if (fd < 0) return fd;
    const generation = cells[GENERATION] as number;
    try {
      const address = decode(family, proto);
      count_request(counters);
      send_fds(this.#queue, encode_request(address, null), [fd]);
    } finally {
      addon.close(fd, generation);
    }
    return 0;
  }

  /** Puts the next datagram on the queue; 0 or -errno. */
  #receive(): number {
    const { counters, max_packet_size } = this.#config;
    const received = transfer.recvfrom(this.#listener, max_packet_size, MSG_DONTWAIT, 0);
    if (typeof received === 'number') return received;
    const [packet, address] = received;
    count_request(counters);
    send_fds(this.#queue, encode_request(address, null, packet), []);
    return 0;
  }
}
