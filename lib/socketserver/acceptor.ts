// Taking requests on the manager's thread and putting them on the queue: what get_request() and process_request() do where
// the server overrides neither.
import { constants } from 'node:os';
import { addon, cells, GENERATION } from '../addon.js';
import { MSG_DONTWAIT } from '../constants.js';
import { decode } from '../internal/address.js';
import { send_fds } from '../socket/descriptors.js';
import type { Socket } from '../socket/socket.js';
import * as transfer from '../socket/transfer.js';
import { DISPATCHED, encode_request, has_room, type ManagerConfig } from './protocol.js';
import { next_turn, readable } from './wait.js';

const { EAGAIN, EMFILE, ENFILE, ENOBUFS, ENOMEM } = constants.errno;
/** Errors that stay as long as resources lack; the request does, too. */
const SCARCE = new Set([EMFILE, ENFILE, ENOBUFS, ENOMEM]);
const SCARCE_MS = 50;
/** So many requests without a turn of the event loop. */
const BATCH = 32;

export class Acceptor {
  readonly #config: ManagerConfig;
  readonly #listener: Socket<number>;
  readonly #queue: Socket<number>;
  readonly #room: () => Promise<void>;
  #stop: AbortController | undefined;
  #ended: Promise<void> = Promise.resolve();

  /** @param room waits until a worker is free */
  constructor(
    config: ManagerConfig,
    listener: Socket<number>,
    queue: Socket<number>,
    room: () => Promise<void>,
  ) {
    this.#config = config;
    this.#listener = listener;
    this.#queue = queue;
    this.#room = room;
  }

  /** Takes requests until stop(). */
  start(): Promise<void> {
    this.stop();
    const stop = new AbortController();
    this.#stop = stop;
    this.#ended = this.#ended.then(() => this.#run(stop.signal));
    return this.#ended;
  }

  /** Takes none any more, at once. */
  stop(): void {
    this.#stop?.abort();
  }

  async #run(stop: AbortSignal): Promise<void> {
    const { counters, max_packet_size } = this.#config;
    const take = max_packet_size > 0 ? () => this.#receive() : () => this.#accept();
    for (let count = 1; !stop.aborted; count++) {
      if (!has_room(counters)) {
        await this.#room();
        if (stop.aborted) return;
      }
      const result = take();
      if (result === -EAGAIN) await readable(this.#listener, stop);
      else if (SCARCE.has(-result)) await new Promise((resolve) => setTimeout(resolve, SCARCE_MS));
      else if (count % BATCH === 0) await next_turn();
    }
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
      Atomics.add(counters, DISPATCHED, 1);
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
    Atomics.add(counters, DISPATCHED, 1);
    send_fds(this.#queue, encode_request(address, null, packet), []);
    return 0;
  }
}
