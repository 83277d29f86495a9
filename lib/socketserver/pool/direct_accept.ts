// Threads that take requests from the server's socket by themselves, each blocked in accept() or recvfrom(). Nothing is handed
// over: the kernel wakes one thread for each request, and keeps the requests for which no thread is free in its backlog.
//
// All threads use one descriptor, the shared listener: a duplicate of the server's socket that the manager makes when serving
// begins. When the manager closes the duplicate, every thread that waits on it gets EBADF at once and goes back to the queue; a
// thread that handles a request does so afterwards. The server's socket itself is not touched. The descriptor's number is part
// of the shared state; a message on the queue makes a thread that waits there look at that number.
import { constants } from 'node:os';
import { decode, type ReturnedAddress } from '../../calls/address.js';
import * as transfer from '../../calls/transfer.js';
import { poll } from '../../calls/waiting/poll.js';
import { POLLIN, POLLRDHUP } from '../../constants.js';
import { addon, cells, GENERATION } from '../../native/addon.js';
import { socket as Socket } from '../../socket/index.js';
import { OwnedDescriptor, with_descriptor } from '../../util/owned_descriptor.js';
import { is_scarce } from '../scarcity.js';
import type { PoolConfig } from './protocol.js';
import { LOOK_MESSAGE, post_blocking } from './queue.js';
import type { OpenDescriptor, SharedState } from './shared_state.js';

const { EINVAL } = constants.errno;
const NO_BYTES = Buffer.alloc(0);

/** The shared listener as a thread uses it. */
export type ListenerDescriptor = transfer.Descriptor<number>;

/** Returns the shared listener, if there is one. */
export function current_listener(
  { listener }: SharedState,
  { family, proto }: PoolConfig,
): ListenerDescriptor | undefined {
  if (listener === undefined) return undefined;
  return { _fd: listener.fd, _generation: listener.generation, family, proto };
}

/** A request that a worker has received. */
export interface ReceivedRequest {
  /** The connection; undefined for a datagram. */
  readonly connection: Socket<number> | undefined;
  readonly client_address: ReturnedAddress<number>;
  /** The bytes of a datagram. */
  readonly packet: Buffer;
}

/** Returns whether a request waits on the listener. */
export function has_request({ _fd }: ListenerDescriptor): boolean {
  const one = { fd: _fd, events: POLLIN, revents: 0 };
  return poll([one], 0) > 0 && (one.revents & POLLIN) !== 0;
}

function is_shut_down({ _fd }: ListenerDescriptor): boolean {
  const one = { fd: _fd, events: POLLRDHUP, revents: 0 };
  return poll([one], 0) > 0 && (one.revents & POLLRDHUP) !== 0;
}

/** Blocks until there is a request, and returns it; or returns -errno: EBADF if the listener was closed, EINVAL if it was shut down. */
export function receive_request(
  listener: ListenerDescriptor,
  { type, max_packet_size }: PoolConfig,
): ReceivedRequest | number {
  if (max_packet_size > 0) {
    const received = transfer.recvfrom(listener, max_packet_size, 0, -1);
    if (typeof received === 'number') return received;
    const [packet, client_address] = received;
    // Of a socket that was shut down a receive that may block returns an empty datagram at once.
    if (packet.length === 0 && is_shut_down(listener)) return -EINVAL;
    return { connection: undefined, packet, client_address };
  }
  const fd = addon.accept4(listener._fd, listener._generation, 0, -1);
  if (fd < 0) return fd;
  const client_address = decode(listener.family, listener.proto);
  const connection = with_descriptor(
    new OwnedDescriptor(fd),
    (descriptor) => new Socket(listener.family, type, listener.proto, descriptor),
  );
  return { connection, packet: NO_BYTES, client_address };
}

/** The shared listener as the manager opens and closes it. */
export class SharedListener {
  #open: OpenDescriptor | undefined;

  constructor(
    private readonly state: SharedState,
    private readonly listener: Socket<number>,
    private readonly queue: Socket<number>,
  ) {}

  /** Lets threads take requests. Returns false if there is no descriptor left. @throws OSError */
  open(): boolean {
    if (this.#open !== undefined) return true;
    const fd = addon.dup(this.listener._fd, this.listener._generation);
    if (fd < 0) return is_scarce(-fd) ? false : this.listener._raise(fd, 'dup');
    this.#open = { fd, generation: (cells[GENERATION] as number) >>> 0 };
    this.state.listener = this.#open;
    // A thread says that it waits for the queue before it looks for the listener: one of the two always sees the other.
    for (let count = this.state.queuing; count > 0; count--) post_blocking(this.queue, [LOOK_MESSAGE], []);
    return true;
  }

  /** Lets threads take no further requests, at once. */
  close(): void {
    if (this.#open === undefined) return;
    this.state.listener = undefined;
    addon.close(this.#open.fd, this.#open.generation);
    this.#open = undefined;
  }

  /** Makes all threads that wait look into the queue, by replacing the descriptor. Without a further descriptor they wait on. */
  interrupt(): void {
    const before = this.#open;
    if (before === undefined) return;
    this.#open = undefined;
    if (this.open()) addon.close(before.fd, before.generation);
    else this.#open = before;
  }

  /** Returns whether threads may take requests. */
  get is_open(): boolean {
    return this.#open !== undefined;
  }

  /** Returns whether a thread may still take a request by a descriptor that was closed. */
  get is_in_use(): boolean {
    return this.state.listening > 0;
  }
}
