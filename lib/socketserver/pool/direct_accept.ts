// Threads that take requests from the server's socket by themselves, each blocked in accept() or recvfrom(): nothing is
// handed over, the kernel wakes one of them for each request, and what nobody is free for stays in its backlog.
//
// They all do so by one descriptor, the lease: a duplicate that the manager makes when serving begins. When it closes that,
// all who wait get EBADF at once, and go back to the queue; who handles a request does so afterwards. The server's socket
// itself is not touched. Which descriptor it is stands in the shared counters; a thread that waits for the queue is told to
// look there by a message.
import { constants } from 'node:os';
import { decode, type ReturnedAddress } from '../../calls/address.js';
import * as transfer from '../../calls/transfer.js';
import { poll } from '../../calls/waiting/poll.js';
import { POLLIN } from '../../constants.js';
import { addon, cells, GENERATION } from '../../native/addon.js';
import { send_fds } from '../../socket/descriptors.js';
import { Socket } from '../../socket/socket.js';
import type { PoolConfig } from './protocol.js';
import { LOOK_MESSAGE } from './queue.js';
import { LISTENER, LISTENING, QUEUING, SLOT_SIZE, SLOTS, STATE } from './shared_state.js';

const { EBADF } = constants.errno;
const NONE = 0n;
const GENERATION_BITS = 32n;

/** The lease as one word, so that descriptor and generation are always of one: the descriptor plus 1 is above. */
function word_of(counters: Int32Array): BigUint64Array {
  return new BigUint64Array(counters.buffer, counters.byteOffset + LISTENER * counters.BYTES_PER_ELEMENT, 1);
}

/** What threads may take requests from; of the descriptor. */
export type ListenerDescriptor = transfer.Descriptor<number>;

/** The lease there is. */
export function current_listener(
  counters: Int32Array,
  { family, proto }: PoolConfig,
): ListenerDescriptor | undefined {
  const word = Atomics.load(word_of(counters), 0);
  if (word === NONE) return undefined;
  const _fd = Number(word >> GENERATION_BITS) - 1;
  return { _fd, _generation: Number(BigInt.asUintN(32, word)), family, proto };
}

/** A request that a worker has. */
export interface ReceivedRequest {
  /** The connection; of datagrams there is none. */
  readonly connection: Socket<number> | undefined;
  readonly client_address: ReturnedAddress<number>;
  readonly packet: Buffer;
}

const NOTHING = Buffer.alloc(0);

/** Whether a request is there. */
export function has_request({ _fd }: ListenerDescriptor): boolean {
  return poll([{ fd: _fd, events: POLLIN, revents: 0 }], 0) > 0;
}

/** Takes the next request, waiting for it; or gives -errno, EBADF where the lease has ended. */
export function receive_request(
  listener: ListenerDescriptor,
  { type, max_packet_size }: PoolConfig,
): ReceivedRequest | number {
  if (max_packet_size > 0) {
    const received = transfer.recvfrom(listener, max_packet_size, 0, -1);
    if (typeof received === 'number') return received;
    return { connection: undefined, packet: received[0], client_address: received[1] };
  }
  const fd = addon.accept4(listener._fd, listener._generation, 0, -1);
  if (fd < 0) return fd;
  const client_address = decode(listener.family, listener.proto);
  return {
    connection: new Socket(listener.family, type, listener.proto, fd),
    packet: NOTHING,
    client_address,
  };
}

/** Whether the lease has ended. */
export function has_ended(result: number): boolean {
  return result === -EBADF;
}

/** The manager's side. */
export class SharedListener {
  readonly #counters: Int32Array;
  readonly #listener: Socket<number>;
  readonly #queue: Socket<number>;
  #generation = 0;
  #fd = -1;

  constructor(counters: Int32Array, listener: Socket<number>, queue: Socket<number>) {
    this.#counters = counters;
    this.#listener = listener;
    this.#queue = queue;
  }

  /** Lets threads take requests. @throws OSError where there is no descriptor left */
  open(): void {
    if (this.#fd >= 0) return;
    const fd = addon.dup(this.#listener._fd, this.#listener._generation);
    if (fd < 0) this.#listener._raise(fd, 'dup');
    this.#fd = fd;
    this.#generation = (cells[GENERATION] as number) >>> 0;
    const word = (BigInt(fd + 1) << GENERATION_BITS) | BigInt(this.#generation);
    Atomics.store(word_of(this.#counters), 0, word);
    // A thread says that it waits for the queue before it looks for a lease: one of the two always sees the other.
    for (let count = this.#in(QUEUING); count > 0; count--) send_fds(this.#queue, [LOOK_MESSAGE], []);
  }

  /** Lets them take none any more, at once. */
  close(): void {
    if (this.#fd < 0) return;
    Atomics.store(word_of(this.#counters), 0, NONE);
    addon.close(this.#fd, this.#generation);
    this.#fd = -1;
  }

  /** Makes all that wait look into the queue, by another lease; without a descriptor for it they go on. */
  interrupt(): void {
    const [fd, generation] = [this.#fd, this.#generation];
    if (fd < 0) return;
    this.#fd = -1;
    try {
      this.open();
    } catch {
      this.#fd = fd;
      return;
    }
    addon.close(fd, generation);
  }

  /** Whether some may still take a request, of a lease that was closed. */
  get is_taking(): boolean {
    return this.#in(LISTENING) > 0;
  }

  #in(state: number): number {
    let count = 0;
    for (let slot = SLOTS; slot < this.#counters.length; slot += SLOT_SIZE) {
      if (Atomics.load(this.#counters, slot + STATE) === state) count++;
    }
    return count;
  }
}
