// PacketRing: the blocks of a ring in their order, as packets that are copied or as blocks that are given back; waiting for them,
// blocking (native/ring.cc) or on the event loop; and what the kernel counted.
import { constants } from 'node:os';
import type { SocketBase } from '../../calls/socket_base.js';
import { next_turn, READ, ready } from '../../calls/waiting/readiness.js';
import * as c from '../../constants.js';
import { raise } from '../../errors/raise.js';
import { addon, cells, type NativeRing, TIMED_OUT, VALUE } from '../../native/addon.js';
import { Timeout } from '../../util/deadline.js';
import { INSPECT } from '../../util/inspect.js';
import { UNCLONABLE_STATE } from '../../util/unclonable.js';
import { check_options, signal_of, timeout_ms_of, type WaitOptions } from '../../util/wait_options.js';
import { Holdings, PacketBlock } from './block.js';
import { memory_of, type RingMemory, type RingPacket } from './memory.js';
import { open_ring } from './open.js';
import { type PacketRingOptions, type RingSettings, settings_of } from './options.js';
import { REFUSE_ALL } from './programs.js';
import { Blocks, Packets, type RingWait } from './sequences.js';

const { EAGAIN, EBADF, EBUSY } = constants.errno;
/** Bytes of packets that are copied at once: a packet that is kept keeps no more of the others. */
const COPY_SIZE = 65_536;
/** sizeof(struct tpacket_stats_v3). */
const STATISTICS_SIZE = 12;

/** What a ring counted since it was opened. */
export interface RingStatistics {
  /** packets that the filter accepted, those that were dropped included */
  readonly packets: number;
  /** those of them for which no block had room */
  readonly drops: number;
  /** how many times all blocks were full */
  readonly freezes: number;
}

/** Returns the options of an iteration, checked. @throws TypeError, RangeError */
function wait_of(options: WaitOptions): RingWait {
  const checked = check_options(options);
  return { signal: signal_of(checked), timeout_ms: timeout_ms_of(checked, -1) };
}

/** A packet ring, which packet_ring opens. Iterated over, blocking or by `for await`, it gives packets that are copied. */
export class PacketRing implements Iterable<RingPacket>, AsyncIterable<RingPacket> {
  /** @internal */ readonly _unclonable = UNCLONABLE_STATE;
  /** The name of the interface; null: all interfaces. */
  readonly interface: string | null;
  /** The type of the first header of its packets: LINKTYPE_*. */
  readonly linktype: number;
  /** Bytes that are kept of a packet at most. */
  readonly snaplen: number;
  /** The bytes of a block. */
  readonly block_size: number;
  /** The number of blocks. */
  readonly block_count: number;
  readonly #sock: SocketBase<number>;
  readonly #native: NativeRing;
  readonly #memory: RingMemory;
  readonly #content: number;
  readonly #holdings: Holdings;
  #closed = false;
  /** The waits on the event loop. */
  readonly #waits = new Set<Timeout>();
  /** The error of the socket that ended a wait. */
  #error = 0;
  #counted = { packets: 0, drops: 0, freezes: 0 };
  /** The block that comes next. */
  #next = 0;
  /** The block whose packets are being given, while some are left: where the next one is, and how many are behind. */
  #index = -1;
  #at = 0;
  #left = 0;
  /** Packets that were copied of it, where the first of them was, and how many of them were given. */
  #copied: readonly RingPacket[] = [];
  #copied_at = 0;
  #given = 0;

  /** @internal @throws PermissionError, OSError, FilterError, TypeError, RangeError */
  constructor(settings: RingSettings) {
    const { sock, native, linktype, content } = open_ring(settings);
    const memory = memory_of(native, settings.block_size, linktype);
    if (typeof memory === 'number') {
      addon.ring_close(native);
      sock.close();
      raise(memory, { syscall: 'packet_ring' });
    }
    this.#sock = sock;
    this.#native = native;
    this.#memory = memory;
    this.#content = content;
    this.#holdings = new Holdings(native);
    this.interface = settings.interface;
    this.linktype = linktype;
    this.snaplen = settings.snaplen;
    this.block_size = settings.block_size;
    this.block_count = settings.blocks;
  }

  /** Whether the ring is closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * fileno() -> the descriptor of its packet socket, which stays the ring's; -1 once it is closed. See packet(7).
   *
   * @returns the number of the descriptor
   * @example
   * const descriptor_of = (ring: PacketRing) => ring.fileno();
   */
  fileno(): number {
    return this.#sock.fileno();
  }

  /**
   * packets({ timeout, signal }) -> the packets, copied: they stay as they are. For `for … of`, which blocks, and for `for await`, which
   * does not. The iteration ends when the ring is closed; another one goes on where it was left. See docs/captures.md.
   *
   * @param options `timeout`: seconds to wait for the next packet; `signal`: ends the iteration by an error
   * @returns an iterable and async iterable
   * @throws OSError EBADF of a closed ring; its iterators: TimeoutError, OSError ENETDOWN if the interface goes down, the signal's reason
   * @example
   * const first_of = (ring: PacketRing) => {
   *   for (const packet of ring.packets({ timeout: 1 })) return parse(packet.data, packet);
   * };
   */
  packets(options: WaitOptions = {}): Packets {
    this.#check_open();
    return new Packets(this, wait_of(options));
  }

  /**
   * The same as packets(). See packet(7).
   *
   * @returns an iterator, which blocks
   * @throws OSError EBADF of a closed ring
   * @example
   * const first_of = (ring: PacketRing) => ring[Symbol.iterator]().next();
   */
  [Symbol.iterator](): Iterator<RingPacket, undefined, undefined> {
    return this.packets()[Symbol.iterator]();
  }

  /**
   * The same as packets(). See packet(7).
   *
   * @returns an iterator of promises
   * @throws OSError EBADF of a closed ring
   * @example
   * const first_of = (ring: PacketRing) => ring[Symbol.asyncIterator]().next();
   */
  [Symbol.asyncIterator](): AsyncIterator<RingPacket, undefined, undefined> {
    return this.packets()[Symbol.asyncIterator]();
  }

  /**
   * blocks({ timeout, signal }) -> the blocks, whose packets are views of the ring's memory. Each is to be given back, by `release` or
   * `using`; the kernel has no room while all are held. See docs/captures.md.
   *
   * @param options as those of packets()
   * @returns an iterable and async iterable
   * @throws as packets(); the iterators also an Error while all blocks are held
   * @example
   * const count = async (ring: PacketRing) => {
   *   for await (using block of ring.blocks()) console.log(block.length);
   * };
   */
  blocks(options: WaitOptions = {}): Blocks {
    this.#check_open();
    return new Blocks(this, wait_of(options));
  }

  /**
   * statistics() -> what the kernel counted since the ring was opened. See packet(7), PACKET_STATISTICS.
   *
   * @returns `packets` that the filter accepted, `drops` for lack of room, and `freezes`: how often all blocks were full
   * @throws OSError EBADF of a closed ring
   * @example
   * const lost = (ring: PacketRing) => ring.statistics().drops;
   */
  statistics(): RingStatistics {
    this.#check_open();
    // The kernel counts from 0 again each time.
    const bytes = this.#sock.getsockopt(c.SOL_PACKET, c.PACKET_STATISTICS, STATISTICS_SIZE);
    const [packets = 0, drops = 0, freezes = 0] = new Uint32Array(Uint8Array.from(bytes).buffer);
    const counted = this.#counted;
    this.#counted = {
      packets: counted.packets + packets,
      drops: counted.drops + drops,
      freezes: counted.freezes + freezes,
    };
    return this.#counted;
  }

  /**
   * close(). Ends the capture (see packet(7)), and iterations that wait. Blocks that are held are released, so that their packets are empty, and the
   * memory is unmapped. A second call does nothing.
   *
   * @example
   * const end = (ring: PacketRing) => ring.close();
   */
  close(): void {
    if (this.closed) return;
    this.#closed = true;
    for (const wait of this.#waits) wait.on_abort();
    this.#forget();
    this.#holdings.close();
    // Memory that was moved elsewhere keeps the socket, and the kernel would go on filling it.
    if (addon.ring_close(this.#native) === 1) this.#sock.attach_filter(REFUSE_ALL);
    this.#sock.close();
  }

  /**
   * The same as close(), for the statement `using` of ECMAScript.
   *
   * @example
   * const end = (ring: PacketRing) => ring[Symbol.dispose]();
   */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * What Node's console and util.inspect show.
   *
   * @returns one line of text
   * @example
   * // <PacketRing eth0, 8 blocks of 1048576 bytes>
   * const show_ring = (ring: PacketRing) => console.log(ring);
   */
  [INSPECT](): string {
    const name = this.interface ?? 'of all interfaces';
    return `<PacketRing ${this.closed ? '[closed]' : `${name}, ${this.block_count} blocks of ${this.block_size} bytes`}>`;
  }

  #check_open(): void {
    if (this.closed) raise(-EBADF, { syscall: 'packet_ring', args: { fd: -1 } });
  }

  /** Returns the next packet; undefined if there is none yet. @throws Error; OSError @internal */
  _packet(): RingPacket | undefined {
    const packet = this.#copied[this.#given];
    if (packet !== undefined) {
      this.#given++;
      return packet;
    }
    if (!this.#has_packets()) return undefined;
    this.#copy();
    return this.#copied[this.#given++];
  }

  /** Returns the next block, or the rest of the one of which some packets were given; undefined if there is none yet. @internal */
  _block(): PacketBlock | undefined {
    if (!this.#has_packets()) return undefined;
    const unread = this.#copied.length - this.#given;
    const index = this.#index;
    let at = unread > 0 ? this.#copied_at : this.#at;
    if (unread > 0) for (let i = 0; i < this.#given; i++) at = this.#memory.next(index, at);
    const count = unread + this.#left;
    this.#forget();
    const holdings = this.#holdings;
    return new PacketBlock({ native: this.#native, memory: this.#memory, holdings, index, at, count });
  }

  #forget(): void {
    this.#index = -1;
    this.#left = 0;
    this.#copied = [];
    this.#given = 0;
  }

  /** Returns whether packets are left, those of the next block if need be. */
  #has_packets(): boolean {
    for (;;) {
      if (this.#left > 0 || this.#given < this.#copied.length) return true;
      if (this.#index >= 0) {
        const index = this.#index;
        this.#forget();
        addon.ring_release(this.#native, index);
      }
      if (this.#holdings.has(this.#next)) this.#fail(-EBUSY);
      const count = addon.ring_take(this.#native, this.#next, this.#content, this.snaplen);
      if (count === -EAGAIN || count === -EBADF) return false;
      if (count < 0) this.#fail(count);
      this.#index = this.#next;
      this.#next = (this.#next + 1) % this.block_count;
      this.#at = this.#memory.first(this.#index);
      this.#left = count;
    }
  }

  #copy(): void {
    const memory = this.#memory;
    const index = this.#index;
    const begin = this.#at;
    const places: number[] = [];
    let end = begin;
    let at = begin;
    for (; this.#left > 0; this.#left--) {
      const packet_end = memory.end(index, at);
      if (packet_end - begin > COPY_SIZE && places.length > 0) break;
      places.push(at);
      end = packet_end;
      at = memory.next(index, at);
    }
    const copy = memory.copy(index, begin, end);
    this.#copied = places.map((place) => memory.packet(index, place, copy, begin));
    this.#copied_at = begin;
    this.#given = 0;
    this.#at = at;
  }

  /** @throws Error if all blocks are held; OSError */
  #fail(result: number, timeout_ms = -1): never {
    if (result === -EBUSY) throw new Error('the next block of the ring is held: release it to go on');
    const timed_out = `packet_ring on ${this.interface ?? 'all interfaces'} timed out after ${timeout_ms / 1000} s`;
    raise(result, { syscall: 'packet_ring', args: { fd: this.fileno() }, timed_out });
  }

  /**
   * Waits for the next block, blocking. Returns false if the ring is closed.
   *
   * @throws TimeoutError; OSError ENETDOWN; Error if all blocks are held; the signal's reason
   * @internal
   */
  _wait({ timeout_ms, signal }: RingWait): boolean {
    signal?.throwIfAborted();
    if (this.closed) return false;
    if (this.#holdings.has(this.#next)) this.#fail(-EBUSY);
    const { _fd: fd, _generation: generation } = this.#sock;
    const result = addon.ring_wait(this.#native, this.#next, fd, generation, timeout_ms);
    if (result >= 0) return true;
    if (result === -EBADF && this.closed) return false;
    return this.#fail(result, timeout_ms);
  }

  /**
   * The same on the event loop; other tasks always have their turn.
   *
   * @throws (rejects) as _wait
   * @internal
   */
  async _wait_later({ timeout_ms, signal }: RingWait): Promise<boolean> {
    await next_turn();
    signal?.throwIfAborted();
    if (this.closed) return false;
    if (this.#memory.is_ours(this.#next) || timeout_ms === 0) return this._wait({ timeout_ms: 0, signal });
    const wait = new Timeout(signal, timeout_ms);
    this.#waits.add(wait);
    try {
      const { _fd: fd, _generation: generation } = this.#sock;
      await ready(fd, generation, READ, wait.signal, () => this.#has_news());
    } catch (error) {
      if (this.closed) return false;
      if (wait.expired) return this.#fail(TIMED_OUT, timeout_ms);
      throw error;
    } finally {
      this.#waits.delete(wait);
      wait.end();
    }
    if (this.closed) return false;
    const error = this.#error;
    this.#error = 0;
    return error === 0 ? true : this.#fail(-error);
  }

  /** Returns whether a wait ends: the next block is ours, or the socket has an error. */
  #has_news(): boolean {
    if (this.#memory.is_ours(this.#next)) return true;
    const { _fd: fd, _generation: generation } = this.#sock;
    const result = addon.getsockopt_int(fd, generation, c.SOL_SOCKET, c.SO_ERROR);
    this.#error = result < 0 ? -result : (cells[VALUE] as number);
    return this.#error !== 0;
  }
}

/** Opens a ring: see packet_ring in ../packet_ring.ts. */
export function open_packet_ring(name: string | null, options: PacketRingOptions): PacketRing {
  return new PacketRing(settings_of(name, options));
}
