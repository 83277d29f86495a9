// Many messages in, in one call: recvmmsg, and MessageBatch, the memory that recvmmsg_into fills again and again.
//
// A batch is two blocks: the data, which users see through views, and beside it rows of numbers, addresses and control
// messages, which never leave this file. native/layout.txt has the layout of the rows.
import { constants as buffer_constants } from 'node:buffer';
import { constants as os_constants } from 'node:os';
import { inspect } from 'node:util';
import * as c from '../../constants.js';
import {
  ADDRESS_LENGTH,
  ADDRESS_SIZE,
  addon,
  address_out,
  BATCH_ALIGNMENT,
  BATCH_HEADERS_SIZE,
  BATCH_LIMIT,
  cells,
  DESCRIPTOR_COUNT,
  RECEIVED_ROW,
  RECEIVED_ROW_SIZE,
} from '../../native/addon.js';
import { UNCLONABLE_STATE } from '../../util/unclonable.js';
import { integer, integer_or, shown } from '../../util/validate.js';
import { decode, type ReturnedAddress } from '../address.js';
import {
  all_descriptors,
  type ReceivedControlMessage,
  read_control,
  settle_descriptors,
} from '../control.js';
import type { Received } from '../message.js';
import type { SocketBase } from '../socket_base.js';
import type { SenderAddress } from '../transfer.js';
import { settle } from '../waiting/zerocopy.js';

// Constants of this file: fields of imported objects are loaded anew at each access.
const {
  address: ROW_ADDRESS,
  address_length: ROW_ADDRESS_LENGTH,
  control: ROW_CONTROL,
  control_length: ROW_CONTROL_LENGTH,
  flags: ROW_FLAGS,
  length: ROW_LENGTH,
} = RECEIVED_ROW;
const SIZE_MAX = 0x7ffff000;
const INT_SIZE = Int32Array.BYTES_PER_ELEMENT;
// A batch that recvmmsg made is kept for the next call, up to this size.
const SPARE_MAX = 2 ** 20;

const NO_DESCRIPTORS: readonly number[] = [];

/** True for UDP: its datagrams are joined if the program has set UDP_GRO, and given apart (native/joined.h). */
function may_join({ family, type, proto }: SocketBase): boolean {
  if (type !== c.SOCK_DGRAM || (proto !== 0 && proto !== c.IPPROTO_UDP)) return false;
  return family === c.AF_INET || family === c.AF_INET6;
}

/** The memory of a batch and what the last call left in it. */
class BatchMemory {
  count = 0;
  readonly data: Buffer;
  family = 0;
  proto = 0;
  readonly #memory: Uint8Array;
  readonly #words: Int32Array;
  readonly #row_size: number;
  /** The messages whose descriptors are not claimed yet. */
  readonly #unclaimed = new Set<number>();
  /** True while a call waits: the listener of a signal may run meanwhile, and call again. */
  #waiting = false;

  constructor(
    readonly vlen: number,
    readonly bufsize: number,
    readonly ancbufsize: number,
  ) {
    this.#row_size = Math.ceil((RECEIVED_ROW_SIZE + ancbufsize) / BATCH_ALIGNMENT) * BATCH_ALIGNMENT;
    this.data = Buffer.alloc(vlen * bufsize);
    this.#memory = new Uint8Array(vlen * (this.#row_size + BATCH_HEADERS_SIZE));
    this.#words = new Int32Array(this.#memory.buffer);
  }

  /** Returns how many messages came, or the native call's negative number; -EBUSY if a call with this memory waits. */
  receive(s: SocketBase, flags: number, timeout_ms: number): number {
    if (this.#waiting) return -os_constants.errno.EBUSY;
    this.close_unclaimed();
    this.count = 0;
    const count = this.#receive(s, flags, timeout_ms);
    if (count < 0) return count;
    this.count = count;
    this.family = s.family;
    this.proto = s.proto;
    if ((flags & c.MSG_ERRQUEUE) !== 0) for (let i = 0; i < count; i++) settle(s, this.control(i));
    if (cells[DESCRIPTOR_COUNT] !== 0) for (let i = 0; i < count; i++) this.#unclaimed.add(i);
    return count;
  }

  #receive(s: SocketBase, flags: number, timeout_ms: number): number {
    const { data, vlen, bufsize, ancbufsize } = this;
    this.#waiting = true;
    try {
      return addon.recvmmsg(
        s._fd,
        s._generation,
        data,
        this.#memory,
        vlen,
        bufsize,
        ancbufsize,
        flags,
        timeout_ms,
        may_join(s) ? 1 : 0,
      );
    } finally {
      this.#waiting = false;
    }
  }

  #field(index: number, field: number): number {
    return this.#words[(index * this.#row_size) / INT_SIZE + field] as number;
  }

  length(index: number): number {
    return this.#field(index, ROW_LENGTH);
  }

  flags(index: number): number {
    return this.#field(index, ROW_FLAGS);
  }

  /** Throws if the data was transferred away, which its views make possible. @throws TypeError */
  check_attached(): void {
    if (this.data.length === 0 && this.bufsize > 0) {
      throw new TypeError('batch is detached: the memory of its data was transferred');
    }
  }

  view(index: number): Buffer {
    this.check_attached();
    const begin = index * this.bufsize;
    // With MSG_TRUNC the length is that of the whole datagram, and only its beginning is here.
    return this.data.subarray(begin, begin + Math.min(this.length(index), this.bufsize));
  }

  #control(index: number): Uint8Array {
    const begin = index * this.#row_size + ROW_CONTROL;
    return this.#memory.subarray(begin, begin + this.#field(index, ROW_CONTROL_LENGTH));
  }

  /** Returns a copy of a message's bytes. */
  copy(index: number): Buffer {
    this.check_attached();
    const length = Math.min(this.length(index), this.bufsize);
    const bytes = Buffer.allocUnsafe(length);
    this.data.copy(bytes, 0, index * this.bufsize, index * this.bufsize + length);
    return bytes;
  }

  control(index: number): ReceivedControlMessage[] {
    if (this.#field(index, ROW_CONTROL_LENGTH) === 0) return [];
    const memory = this.#control(index);
    return read_control(memory, memory.length);
  }

  /** Gives the descriptors of these control messages to the caller. */
  claim(index: number, items: readonly ReceivedControlMessage[]): void {
    if (!this.#unclaimed.delete(index)) return;
    const memory = this.#control(index);
    settle_descriptors(memory, memory.length, all_descriptors(items));
  }

  close_unclaimed(): void {
    for (const index of this.#unclaimed) {
      const memory = this.#control(index);
      settle_descriptors(memory, memory.length, NO_DESCRIPTORS);
    }
    this.#unclaimed.clear();
  }

  /** True if two messages came from the same address. */
  same_address(index: number, other: number): boolean {
    const length = this.#field(index, ROW_ADDRESS_LENGTH);
    if (length !== this.#field(other, ROW_ADDRESS_LENGTH)) return false;
    const first = index * this.#row_size + ROW_ADDRESS;
    const second = other * this.#row_size + ROW_ADDRESS;
    for (let i = 0; i < length; i++) {
      if (this.#memory[first + i] !== this.#memory[second + i]) return false;
    }
    return true;
  }

  address<F extends number>(index: number): ReturnedAddress<F> {
    const begin = index * this.#row_size + ROW_ADDRESS;
    address_out.set(this.#memory.subarray(begin, begin + ADDRESS_SIZE));
    cells[ADDRESS_LENGTH] = this.#field(index, ROW_ADDRESS_LENGTH);
    return decode(this.family as F, this.proto);
  }
}

// Closes the unclaimed descriptors of a batch that was collected.
const collected = new FinalizationRegistry<BatchMemory>((received) => received.close_unclaimed());

let memory_of: (batch: MessageBatch) => BatchMemory;

/**
 * MessageBatch(vlen, bufsize, ancbufsize = 0). Memory for recvmmsg_into, made once: for up to `vlen` messages of
 * `bufsize` bytes with `ancbufsize` bytes of control messages each.
 *
 * Descriptors that came with a message (SCM_RIGHTS) belong to the caller of `ancdata` for this message. Descriptors that were not
 * claimed so are closed at the next receive into the batch, and by `Symbol.dispose`.
 *
 * @typeParam F the family of the socket that receives
 * @typeParam K its type, SOCK_*
 */
export class MessageBatch<out F extends number = number, out K extends number = number> {
  /** @internal */ readonly _unclonable = UNCLONABLE_STATE;
  readonly #memory: BatchMemory;

  static {
    memory_of = (batch) => batch.#memory;
  }

  /**
   * new MessageBatch(vlen, bufsize, ancbufsize = 0): the memory is made once. See recvmmsg(2).
   *
   * @param vlen the most messages of a call, 1 to 1,024
   * @param bufsize bytes of room for each message
   * @param ancbufsize bytes of room for the control messages of each, a sum of CMSG_SPACE
   * @throws TypeError, RangeError
   * @example
   * const batch = new MessageBatch(64, 2048);
   */
  constructor(vlen: number, bufsize: number, ancbufsize = 0) {
    this.#memory = new BatchMemory(...batch_size(vlen, bufsize, ancbufsize));
    collected.register(this, this.#memory);
  }

  /** How many messages the last call received. */
  get count(): number {
    return this.#memory.count;
  }

  /**
   * length(index) -> the length of a message in bytes; with MSG_TRUNC that of the whole datagram. See recvmmsg(2).
   *
   * @param index 0 to count - 1
   * @returns the number of bytes
   * @example
   * const batch = new MessageBatch(8, 2048);
   * udp.sendto('ping', udp.getsockname());
   * udp.recvmmsg_into(batch);
   * console.log(batch.length(0)); // 4
   */
  length(index: number): number {
    return this.#memory.length(this.#check(index));
  }

  /**
   * data(index) -> the bytes of a message, as a view of the batch: valid until the next receive into it. See recvmmsg(2).
   *
   * @param index 0 to count - 1
   * @returns a Buffer over the memory of the batch; copy it (`Buffer.from`) to keep it
   * @example
   * const batch = new MessageBatch(8, 2048);
   * udp.sendto('ping', udp.getsockname());
   * udp.recvmmsg_into(batch);
   * console.log(batch.data(0).toString()); // ping
   */
  data(index: number): Buffer {
    return this.#memory.view(this.#check(index));
  }

  /**
   * address(index) -> the sender of a message. See recvmmsg(2).
   *
   * @param index 0 to count - 1
   * @returns the address in the form of the family, null if there is none
   * @example
   * const batch = new MessageBatch<typeof AF_INET>(8, 2048);
   * udp.sendto('ping', udp.getsockname());
   * udp.recvmmsg_into(batch);
   * console.log(batch.address(0)?.[0]); // 127.0.0.1
   */
  address(index: number): SenderAddress<F, K, 0> {
    return this.#memory.address<F>(this.#check(index));
  }

  /**
   * ancdata(index) -> the control messages of a message. Descriptors in them now belong to the caller. See cmsg(3).
   *
   * @param index 0 to count - 1
   * @returns `[level, type, data]` each
   * @example
   * const batch = new MessageBatch(8, 2048, CMSG_SPACE(12));
   * udp.sendto('ping', udp.getsockname());
   * udp.recvmmsg_into(batch);
   * console.log(batch.ancdata(0)); // []
   */
  ancdata(index: number): ReceivedControlMessage[] {
    const items = this.#memory.control(this.#check(index));
    this.#memory.claim(index, items);
    return items;
  }

  /**
   * flags(index) -> MSG_TRUNC, MSG_CTRUNC, MSG_EOR, … of a message. See recvmsg(2).
   *
   * @param index 0 to count - 1
   * @returns the flags, combined; 0 for a message that is whole
   * @example
   * const batch = new MessageBatch(8, 2);
   * udp.sendto('ping', udp.getsockname());
   * udp.recvmmsg_into(batch);
   * console.log((batch.flags(0) & MSG_TRUNC) !== 0); // true
   */
  flags(index: number): number {
    return this.#memory.flags(this.#check(index));
  }

  /**
   * Closes the descriptors that came with messages (SCM_RIGHTS) and that ancdata() did not give away; for `using` of ECMAScript.
   *
   * @example
   * const batch = new MessageBatch(8, 2048);
   * batch[Symbol.dispose]();
   */
  [Symbol.dispose](): void {
    this.#memory.close_unclaimed();
  }

  /**
   * What Node's console and util.inspect show: the number of messages.
   *
   * @returns one line of text
   * @example
   * console.log(new MessageBatch(8, 2048)); // <MessageBatch count=0>
   */
  [inspect.custom](): string {
    return `<MessageBatch count=${this.count}>`;
  }

  #check(index: number): number {
    const { count } = this.#memory;
    if (count === 0) throw new RangeError(`index is ${shown(index)}, but no message was received`);
    return integer(index, 'index', 0, count - 1);
  }
}

/** Returns the size of a batch, checked. @throws TypeError, RangeError */
function batch_size(
  vlen: unknown,
  bufsize: unknown,
  ancbufsize: unknown,
): [vlen: number, bufsize: number, ancbufsize: number] {
  const messages = integer(vlen, 'vlen', 1, BATCH_LIMIT);
  const size = integer(bufsize, 'bufsize', 0, SIZE_MAX);
  const control_size = integer_or(0, ancbufsize, 'ancbufsize', 0, SIZE_MAX);
  if (messages * Math.max(size, control_size) > buffer_constants.MAX_LENGTH) {
    throw new RangeError(
      `vlen times bufsize or ancbufsize is more memory than there can be: ${vlen} times ${size}`,
    );
  }
  return [messages, size, control_size];
}

/** Checks the arguments of recvmmsg_into. Returns the memory of the batch, and the flags. @throws TypeError, RangeError */
export function check_recvmmsg_into(batch: unknown, flags: unknown): [memory: BatchMemory, flags: number] {
  if (!(batch instanceof MessageBatch))
    throw new TypeError(`batch must be a MessageBatch, not ${shown(batch)}`);
  const memory = memory_of(batch);
  const wanted_flags = integer_or(0, flags, 'flags');
  memory.check_attached();
  return [memory, wanted_flags];
}

/** recvmmsg_into -> how many messages came, or the native call's negative number. @throws TypeError, RangeError */
export function recvmmsg_into(s: SocketBase, batch: unknown, flags: unknown, timeout_ms: number): number {
  const [memory, wanted_flags] = check_recvmmsg_into(batch, flags);
  return memory.receive(s, wanted_flags, timeout_ms);
}

let spare: BatchMemory | undefined;

/** Removes the batch of the last call if it fits, else makes one: no other call uses it meanwhile. */
function take_spare(vlen: unknown, bufsize: unknown, ancbufsize: unknown): BatchMemory {
  const last = spare;
  spare = undefined;
  const room = ancbufsize ?? 0;
  if (last !== undefined && last.vlen === vlen && last.bufsize === bufsize && last.ancbufsize === room)
    return last;
  return new BatchMemory(...batch_size(vlen, bufsize, ancbufsize));
}

/** Checks the arguments of recvmmsg. @throws TypeError, RangeError */
export function check_recvmmsg(vlen: unknown, bufsize: unknown, ancbufsize: unknown, flags: unknown): void {
  integer_or(0, flags, 'flags');
  batch_size(vlen, bufsize, ancbufsize);
}

/** recvmmsg -> recvmsg's result for each message that has come, at least one; or the native call's negative number. */
export function recvmmsg<F extends number>(
  s: SocketBase<F>,
  vlen: unknown,
  bufsize: unknown,
  ancbufsize: unknown,
  flags: unknown,
  timeout_ms: number,
): Received<F>[] | number {
  const wanted_flags = integer_or(0, flags, 'flags');
  const received = take_spare(vlen, bufsize, ancbufsize);
  try {
    const count = received.receive(s, wanted_flags, timeout_ms);
    if (count < 0) return count;
    const messages: Received<F>[] = [];
    // Addresses of these families hold only strings and numbers.
    const is_inet = received.family === c.AF_INET || received.family === c.AF_INET6;
    for (let i = 0; i < count; i++) {
      // Many messages often come from one sender, and decoding an address costs more than the rest of a message.
      const last = is_inet && i > 0 && received.same_address(i, i - 1) ? messages[i - 1]?.[3] : undefined;
      const address = Array.isArray(last) ? (last.slice() as typeof last) : received.address(i);
      messages.push([received.copy(i), received.control(i), received.flags(i), address]);
    }
    messages.forEach(([, ancdata], index) => {
      received.claim(index, ancdata);
    });
    return messages;
  } finally {
    received.close_unclaimed();
    if (received.vlen * (received.bufsize + received.ancbufsize) <= SPARE_MAX) spare = received;
  }
}
