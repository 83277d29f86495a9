// Arrivals: the epoll instance on which all workers of a pool wait, threads and child processes alike: for the queue always, and for the
// listener while the pool takes requests. A worker takes a connection or datagram from the listener by itself: nothing is handed over,
// and requests for which no worker is free stay in the kernel's backlog.
//
// The manager opens and closes the listener for all workers at once, by adding it to the instance and removing it. A worker says that it
// may take a request before it asks what is ready: so after the removal, and once no worker says so any more, none takes one.
//
// The kernel wakes one waiter for a request, and the next one as long as the request has not been taken.
import { constants } from 'node:os';
import { decode, type ReturnedAddress } from '../../calls/address.js';
import type { Descriptor } from '../../calls/transfer.js';
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLRDHUP } from '../../constants.js';
import { raise } from '../../errors/raise.js';
import { addon, cells, EPOLL_EVENT, EPOLL_EVENT_SIZE, GENERATION } from '../../native/addon.js';
import { socket as Socket } from '../../socket/index.js';
import { OwnedDescriptor, with_descriptor } from '../../util/owned_descriptor.js';
import { type PacketInfo, receive } from '../datagrams/packet_info.js';
import { is_scarce } from '../listener/scarcity.js';
import type { OpenDescriptor, PoolConfig } from './protocol.js';

const { EAGAIN, ECONNABORTED, EINVAL } = constants.errno;
const NO_BYTES = Buffer.alloc(0);
/** Events of one wait at most: the queue and the listener. */
const SOURCES = 2;
const EVENT_WORDS = EPOLL_EVENT_SIZE / Int32Array.BYTES_PER_ELEMENT;

/** Makes the epoll instance. @throws OSError without a descriptor or memory */
export function make_arrivals(): OpenDescriptor {
  const fd = addon.epoll_create1();
  return fd < 0 ? raise(fd, { syscall: 'epoll_create1' }) : { fd, generation: cells[GENERATION] as number };
}

/** The instance as the manager changes it. */
export class Arrivals {
  #is_open = false;

  constructor(
    private readonly instance: OpenDescriptor,
    private readonly listener: Socket<number>,
  ) {}

  /** Adds a socket. Returns false if there is no memory for it. @throws OSError */
  add(sock: Socket<number>): boolean {
    const { fd, generation } = this.instance;
    const result = addon.epoll_ctl(fd, generation, EPOLL_CTL_ADD, sock._fd, EPOLLIN | EPOLLRDHUP);
    if (result >= 0) return true;
    return is_scarce(-result) ? false : sock._raise(result, 'epoll_ctl');
  }

  /** Lets workers take requests from the listener. Returns false if there is no memory for that. @throws OSError */
  open(): boolean {
    this.#is_open ||= this.add(this.listener);
    return this.#is_open;
  }

  /** Lets workers take no further requests from the listener, but for those that take one at this moment. */
  close(): void {
    if (!this.#is_open) return;
    this.#is_open = false;
    addon.epoll_ctl(this.instance.fd, this.instance.generation, EPOLL_CTL_DEL, this.listener._fd, 0);
  }

  /** Returns whether workers may take requests from the listener. */
  get is_open(): boolean {
    return this.#is_open;
  }
}

/** What a worker finds ready. */
export interface Ready {
  readonly queue: boolean;
  /** The events of the listener; 0 for none. */
  readonly listener: number;
}

/** The instance as a worker waits on it. */
export class ArrivalsWait {
  readonly #words = new Int32Array(SOURCES * EVENT_WORDS);
  readonly #bytes = new Uint8Array(this.#words.buffer);

  /** @param queue_number the number by which the instance reports the queue */
  constructor(
    private readonly instance: OpenDescriptor,
    private readonly queue_number: number,
  ) {}

  /** Returns what is ready, or -errno. @param timeout_ms 0 does not wait, -1 blocks until there is something */
  ready(timeout_ms: 0 | -1): Ready | number {
    const { fd, generation } = this.instance;
    const count = addon.epoll_wait(fd, generation, this.#bytes, SOURCES, timeout_ms);
    if (count < 0) return count;
    let queue = false;
    let listener = 0;
    for (let at = 0; at < count * EVENT_WORDS; at += EVENT_WORDS) {
      if (this.#words[at + EPOLL_EVENT.fd] === this.queue_number) queue = true;
      else listener = this.#words[at + EPOLL_EVENT.events] as number;
    }
    return { queue, listener };
  }
}

/** A request that a worker has received. */
export interface ReceivedRequest {
  /** The connection; undefined for a datagram. */
  readonly connection: Socket<number> | undefined;
  readonly client_address: ReturnedAddress<number> | null;
  /** The bytes of a datagram. */
  readonly packet: Buffer;
  readonly info?: PacketInfo | undefined;
}

/**
 * Takes a request from the listener without waiting.
 *
 * @param events what the listener has
 * @returns the request; or -errno: EAGAIN if another worker was first, or if there is but an entry in the error queue; EINVAL if the
 *   listener was shut down
 */
export function take_request(
  listener: Descriptor<number>,
  events: number,
  { type, max_packet_size, has_packet_info }: PoolConfig,
): ReceivedRequest | number {
  if (max_packet_size > 0) {
    const received = receive(listener, max_packet_size, has_packet_info);
    if (received === -EAGAIN && (events & (EPOLLHUP | EPOLLRDHUP)) !== 0) return -EINVAL;
    if (typeof received === 'number') return received;
    const [packet, client_address, info] = received;
    return { connection: undefined, packet, client_address, info };
  }
  const fd = addon.accept4(listener._fd, listener._generation, 0, 0);
  if (fd < 0) return fd;
  const client_address = decode(listener.family, listener.proto);
  const connection = with_descriptor(
    new OwnedDescriptor(fd),
    (descriptor) => new Socket(listener.family, type, listener.proto, descriptor),
  );
  return { connection, packet: NO_BYTES, client_address };
}

/** Accepts the connections that wait, and closes them: no worker will. Returns false if the listener takes none any more. */
export function end_waiting(listener: Socket<number>): boolean {
  for (;;) {
    const fd = addon.accept4(listener._fd, listener._generation, 0, 0);
    if (fd < 0) return fd === -EAGAIN || fd === -ECONNABORTED || is_scarce(-fd);
    addon.close(fd, cells[GENERATION] as number);
  }
}

/** Returns whether the events are but those of the error queue, which stay as long as it has an entry. */
export function is_error_queue(events: number): boolean {
  return events === EPOLLERR;
}
