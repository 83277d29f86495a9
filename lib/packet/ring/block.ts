// A block of a ring: its packets as views of the kernel's memory, until it is given back.
import { raise } from '../../errors/raise.js';
import { addon, cells, type NativeRing, VALUE } from '../../native/addon.js';
import { INSPECT } from '../../util/inspect.js';
import { UNCLONABLE_STATE } from '../../util/unclonable.js';
import type { Bytes } from '../../util/validate.js';
import type { BlockFormat, WrittenBlock } from '../capture/write_block.js';
import type { RingMemory, RingPacket } from './memory.js';

/** The blocks that programs hold. A block that was collected without `release` is given back. */
export class Holdings {
  readonly #native: NativeRing;
  readonly #held = new Set<number>();
  readonly #collected = new FinalizationRegistry<number>((index) => this.give_back(index));
  #closed = false;

  constructor(native: NativeRing) {
    this.#native = native;
  }

  /** Whether the ring is closed: all blocks are released. */
  get closed(): boolean {
    return this.#closed;
  }

  has(index: number): boolean {
    return this.#held.has(index);
  }

  hold(block: PacketBlock, index: number): void {
    this.#held.add(index);
    this.#collected.register(block, index, block);
  }

  /** @throws OSError */
  release(block: PacketBlock, index: number): void {
    this.#collected.unregister(block);
    this.give_back(index);
  }

  give_back(index: number): void {
    if (this.#closed) return;
    this.#held.delete(index);
    const result = addon.ring_release(this.#native, index);
    if (result < 0) raise(result, { syscall: 'release' });
  }

  close(): void {
    this.#closed = true;
  }
}

/** What a block is made of: a part of a ring's block, mostly all of it. */
export interface BlockPlace {
  readonly native: NativeRing;
  readonly memory: RingMemory;
  readonly holdings: Holdings;
  /** The number of the block in the ring. */
  readonly index: number;
  /** Where its first packet begins. */
  readonly at: number;
  readonly count: number;
}

function released(): Error {
  return new Error("the block was released, and its memory is the kernel's again");
}

/** A block of packets of packet_ring. Its packets are views of the ring's memory: valid until `release`. */
export class PacketBlock {
  /** @internal */ readonly _unclonable = UNCLONABLE_STATE;
  #place: BlockPlace | undefined;
  #packets: readonly RingPacket[] | undefined;

  /** @internal */
  constructor(place: BlockPlace) {
    this.#place = place;
    place.holdings.hold(this, place.index);
  }

  /** The number of its packets; 0 once it is released, also by the ring's `close`. */
  get length(): number {
    return this.#attached()?.count ?? 0;
  }

  /** Whether it was released, also by the ring's `close`. */
  get released(): boolean {
    return this.#attached() === undefined;
  }

  #attached(): BlockPlace | undefined {
    if (this.#place?.holdings.closed) this.#forget();
    return this.#place;
  }

  #forget(): void {
    this.#place = undefined;
    this.#packets = undefined;
  }

  /**
   * The packets, whose data are views. See docs/captures.md.
   *
   * @throws OSError ENOMEM; Error once the block is released; the data of packets that were taken before are empty then
   */
  get packets(): readonly RingPacket[] {
    const place = this.#attached();
    if (place === undefined) throw released();
    if (this.#packets === undefined) {
      const { native, memory, index, count } = place;
      // Not before: V8 counts the memory of each ArrayBuffer, and collects garbage after so many bytes.
      const bytes = addon.ring_memory(native, index);
      if (typeof bytes === 'number') raise(bytes, { syscall: 'packet_ring' });
      const view = Buffer.from(bytes);
      const packets: RingPacket[] = [];
      for (let at = place.at; packets.length < count; at = memory.next(index, at))
        packets.push(memory.packet(index, at, view, 0));
      this.#packets = packets;
    }
    return this.#packets;
  }

  /**
   * Iterates over the packets. See packet(7).
   *
   * @returns the iterator of `packets`
   * @throws Error once the block is released
   * @example
   * const count_bytes = (block: PacketBlock) => [...block].reduce((sum, { length }) => sum + length, 0);
   */
  [Symbol.iterator](): IterableIterator<RingPacket> {
    return this.packets[Symbol.iterator]();
  }

  /**
   * release(). Gives the block back to the kernel. The data of its packets, and all other views of its memory, are empty from now on. A
   * second call does nothing. An asynchronous call that reads the data, such as `fs.write`, must have ended.
   *
   * @example
   * const drop = (block: PacketBlock) => block.release();
   */
  release(): void {
    const place = this.#attached();
    if (place === undefined) return;
    this.#forget();
    place.holdings.release(this, place.index);
  }

  /**
   * The same as release(), for the statement `using` of ECMAScript.
   *
   * @example
   * const drop = (block: PacketBlock) => block[Symbol.dispose]();
   */
  [Symbol.dispose](): void {
    this.release();
  }

  /**
   * What Node's console and util.inspect show.
   *
   * @returns one line of text
   * @example
   * // <PacketBlock of 12 packets>
   * const show_block = (block: PacketBlock) => console.log(block);
   */
  [INSPECT](): string {
    const place = this.#attached();
    return `<PacketBlock ${place === undefined ? '[released]' : `of ${place.count} packets`}>`;
  }

  /** Makes the bytes that a capture file has of the packets. @returns their number @throws Error @internal */
  _encode(out: Bytes, { interface_id, snaplen, unit_ns }: BlockFormat): number {
    const place = this.#attached();
    if (place === undefined) throw released();
    const { native, index, at, count } = place;
    const size = addon.ring_encode(native, index, at, count, out, interface_id, snaplen, unit_ns);
    return size < 0 ? raise(size, { syscall: 'write_block' }) : size;
  }

  /** Writes the same bytes to a file. @throws Error @internal */
  _write(fd: number, { interface_id, snaplen, unit_ns }: BlockFormat): WrittenBlock {
    const place = this.#attached();
    if (place === undefined) throw released();
    const { native, index, at, count } = place;
    const result = addon.ring_write(native, index, at, count, fd, interface_id, snaplen, unit_ns);
    if (result >= 0) return { written: result, fail: undefined };
    return {
      written: cells[VALUE] as number,
      fail: () => raise(result, { syscall: 'write', args: { fd } }),
    };
  }

  /** The bytes that `_encode` needs at most, and the link type. @throws Error @internal */
  get _ring(): { readonly used_size: number; readonly linktype: number } {
    const place = this.#attached();
    if (place === undefined) throw released();
    const { memory, index } = place;
    return { used_size: memory.used_size(index), linktype: memory.linktype };
  }
}
