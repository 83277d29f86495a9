// The memory of a ring as JavaScript reads it: whose a block is, and the headers of its packets. It never leaves lib/packet/ring.
import { allocate } from '../../calls/waiting/received.js';
import * as c from '../../constants.js';
import {
  addon,
  type NativeRing,
  RING_BLOCK_FIRST_AT,
  RING_BLOCK_STATUS_AT,
  RING_BLOCK_USED_AT,
  RING_PACKET_HEADER,
  RING_TAGGED,
  RING_WHOLE,
} from '../../native/addon.js';
import type { Direction } from '../capture/format.js';

/** The VLAN tag of a packet; the names are those of the layer `vlan`. */
export interface RingVlan {
  /** 0 to 7 */
  readonly priority: number;
  /** 1: the frame may be dropped before others; else 0 */
  readonly dei: number;
  /** the number of the VLAN, 0 to 4,095 */
  readonly id: number;
}

/** A packet of a ring. With `linktype` and `length`, it is what `parse(packet.data, packet)` takes as options. */
export interface RingPacket {
  /** The bytes of the packet; a VLAN tag that the kernel took off is in its place again. */
  readonly data: Buffer;
  /** The time at which the kernel got it, in nanoseconds since 1970. */
  readonly time_ns: bigint;
  /** Length on the wire, in bytes; longer than the data if `snaplen` cut it. */
  readonly length: number;
  /** The type of the first header: LINKTYPE_*. */
  readonly linktype: number;
  /** The VLAN tag that the kernel, or the device, took off; undefined without one. */
  readonly vlan: RingVlan | undefined;
  /** Whether this machine received or sent it. */
  readonly direction: Direction;
  /** PACKET_HOST, PACKET_BROADCAST, PACKET_MULTICAST, PACKET_OTHERHOST or PACKET_OUTGOING. */
  readonly packet_type: number;
  /** The number of the interface, as `if_indextoname` takes it. */
  readonly interface_index: number;
}

const WORD = Uint32Array.BYTES_PER_ELEMENT;
const NANOSECONDS = 1_000_000_000n;
const {
  next_at: NEXT_AT,
  seconds: SECONDS,
  nanoseconds: NANOSECONDS_PART,
  captured: CAPTURED,
  length: LENGTH,
  data_at: DATA_AT,
  vlan_tci: VLAN_TCI,
  mark: MARK,
  interface_index: INTERFACE_INDEX,
  packet_type: PACKET_TYPE,
} = RING_PACKET_HEADER;
const HALVES = Uint16Array.BYTES_PER_ELEMENT;
const ID_BITS = 12;

export class RingMemory {
  readonly #words: Uint32Array;
  readonly #halves: Uint16Array;
  readonly #bytes: Buffer;
  /** The second of the packet read last, which mostly is that of the next one, in nanoseconds. */
  #second = 0;
  #second_ns = 0n;

  constructor(
    memory: ArrayBuffer,
    readonly block_size: number,
    readonly linktype: number,
  ) {
    this.#words = new Uint32Array(memory);
    this.#halves = new Uint16Array(memory);
    this.#bytes = Buffer.from(memory);
  }

  /** Returns whether a block is ours, and not the kernel's. */
  is_ours(index: number): boolean {
    const place = (index * this.block_size + RING_BLOCK_STATUS_AT) / WORD;
    return place < this.#words.length && (Atomics.load(this.#words, place) & c.TP_STATUS_USER) !== 0;
  }

  /** Returns where the first packet of a block begins in the block. */
  first(index: number): number {
    return this.#words[(index * this.block_size + RING_BLOCK_FIRST_AT) / WORD] ?? 0;
  }

  /** Returns the bytes of a block, from its begin to the end of its last packet. */
  used_size(index: number): number {
    const size = this.#words[(index * this.block_size + RING_BLOCK_USED_AT) / WORD] ?? 0;
    return Math.min(size, this.block_size);
  }

  /** Returns where the packet behind another one of a block begins. */
  next(index: number, at: number): number {
    return at + (this.#words[(index * this.block_size + at) / WORD + NEXT_AT] ?? 0);
  }

  /** Returns the end of a packet in its block. */
  end(index: number, at: number): number {
    const start = index * this.block_size + at;
    const data_at = this.#halves[start / HALVES + DATA_AT] ?? 0;
    return at + data_at + (this.#words[start / WORD + CAPTURED] ?? 0);
  }

  /** Returns a copy of bytes of a block. */
  copy(index: number, begin: number, end: number): Buffer {
    const start = index * this.block_size;
    const copy = allocate(end - begin, 0);
    copy.set(this.#bytes.subarray(start + begin, start + end));
    return copy;
  }

  /**
   * Returns a packet.
   *
   * @param source the bytes of its block from `begin` on, a copy or a view
   */
  packet(index: number, at: number, source: Buffer, begin: number): RingPacket {
    const start = index * this.block_size + at;
    const words = this.#words;
    const word = start / WORD;
    const data_at = at - begin + (this.#halves[start / HALVES + DATA_AT] as number);
    const seconds = words[word + SECONDS] as number;
    if (seconds !== this.#second) {
      this.#second = seconds;
      this.#second_ns = BigInt(seconds) * NANOSECONDS;
    }
    const packet_type = this.#bytes[start + PACKET_TYPE] as number;
    return {
      data: source.subarray(data_at, data_at + (words[word + CAPTURED] as number)),
      time_ns: this.#second_ns + BigInt(words[word + NANOSECONDS_PART] as number),
      length: words[word + LENGTH] as number,
      linktype: this.linktype,
      vlan:
        ((this.#bytes[start + MARK] as number) & RING_TAGGED) === 0
          ? undefined
          : vlan_of(words[word + VLAN_TCI] as number),
      direction: packet_type === c.PACKET_OUTGOING ? 'outbound' : 'inbound',
      packet_type,
      interface_index: words[word + INTERFACE_INDEX] as number,
    };
  }
}

function vlan_of(tci: number): RingVlan {
  return { priority: (tci >> (ID_BITS + 1)) & 7, dei: (tci >> ID_BITS) & 1, id: tci & (2 ** ID_BITS - 1) };
}

/** Returns the memory of a ring; -errno if there is none. */
export function memory_of(native: NativeRing, block_size: number, linktype: number): RingMemory | number {
  const memory = addon.ring_memory(native, RING_WHOLE);
  return typeof memory === 'number' ? memory : new RingMemory(memory, block_size, linktype);
}
