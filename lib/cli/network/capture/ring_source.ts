// The packet ring as the source of sniff: blocks of packets, which capture files take as they are. Where there can be no ring,
// packet_socket.ts is the source.
import { type PacketBlock, type PacketRing, packet_ring, type RingPacket } from '../../../packet/index.js';
import { OSError, TimeoutError } from '../../../promises/index.js';
import { filter_rows } from '../../../util/filter_program.js';
import { passing_errors } from '../passing_errors.js';
import { check_presence, type Filter, name_of, type PacketSocketOptions } from './packet_socket.js';
import type { Batch, Captured, PacketSource, Statistics, Title } from './packet_source.js';

export interface RingSourceOptions extends Omit<PacketSocketOptions, 'buffer_size' | 'interface'> {
  /** The name of the interface; undefined: all interfaces. */
  readonly interface: string | undefined;
  /** Bytes of packets that may wait in the kernel; undefined: as many as a fast link needs. */
  readonly buffer_size: number | undefined;
  /** Whether packets are handed over in a moment, though their block is not full: somebody reads them. */
  readonly prompt: boolean;
}

const MIB = 2 ** 20;
/** Milliseconds after which a block is handed over, and its bytes: a ring of few large blocks needs few wake-ups, and is full after as many times. */
const PROMPT = { retire_ms: 10, block_size: MIB };
const PATIENT = { retire_ms: 100, block_size: 4 * MIB };
const BLOCK_SIZE_MIN = 2 ** 16;
/** So that a small ring has some blocks, too. */
const BLOCKS_MIN = 4;
/** Bytes of a ring: 150 ms of a link of 1.7 Gbit/s. Less, where the kernel has less. */
const SIZES = [32 * MIB, 8 * MIB, 2 * MIB];

/** Returns the sizes of the blocks and their number for a ring of so many bytes. */
function blocks_of(size: number, largest: number): { block_size: number; blocks: number } {
  let block_size = largest;
  while (block_size > BLOCK_SIZE_MIN && block_size * BLOCKS_MIN > size) block_size /= 2;
  return { block_size, blocks: Math.max(2, Math.floor(size / block_size)) };
}

const rows_of = (filter: Filter) => (typeof filter === 'string' ? filter_rows(filter) : [...filter]);

/** Opens the ring of a capture. Returns undefined if there can be none. @throws RangeError for a malformed filter */
function open_ring({ buffer_size, filter, signal, ...options }: RingSourceOptions): PacketRing | undefined {
  const name = options.interface ?? null;
  const { retire_ms, block_size } = options.prompt ? PROMPT : PATIENT;
  const given = {
    snaplen: options.snaplen,
    promiscuous: options.promiscuous && name !== null,
    direction: options.direction,
    retire_ms,
    ...(filter !== undefined && { filter: rows_of(filter) as never }),
  };
  for (const size of buffer_size === undefined ? SIZES : [buffer_size]) {
    try {
      return packet_ring(name, { ...given, ...blocks_of(size, block_size) });
    } catch (error) {
      if (!(error instanceof OSError)) throw error;
      if (error.code !== 'ENOMEM') return undefined;
    }
  }
  return undefined;
}

/** The packets of a block. */
class BlockBatch implements Batch {
  constructor(readonly block: PacketBlock) {}

  *[Symbol.iterator](): IterableIterator<Captured> {
    for (const packet of this.block) yield captured(packet);
  }
}

function captured({ data, time_ns, length, linktype, direction, interface_index }: RingPacket): Captured {
  const source = () => ({ interface: name_of(interface_index), outgoing: direction === 'outbound' });
  return { data, time_ns, length, linktype, source };
}

export class RingSource implements PacketSource {
  readonly title: Title;
  readonly #ring: PacketRing;
  readonly #options: RingSourceOptions;

  private constructor(ring: PacketRing, options: RingSourceOptions) {
    const { interface: name = 'any', snaplen } = options;
    this.#ring = ring;
    this.#options = options;
    this.title = { text: `listening on ${name}`, linktype: ring.linktype, snaplen };
  }

  /** Returns the source; undefined where there can be no ring. @throws RangeError for a malformed filter */
  static open(options: RingSourceOptions): RingSource | undefined {
    const ring = open_ring(options);
    return ring && new RingSource(ring, options);
  }

  /** The packets. A link that goes down is waited for. @throws Failure if the interface is gone; OSError */
  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    const { signal, interface: name } = this.#options;
    try {
      while (!signal.aborted) {
        const blocks = this.#ring.blocks({ signal })[Symbol.asyncIterator]();
        const result = await passing_errors(signal, () => blocks.next());
        // An interface that is removed goes down before.
        if (result === undefined && name !== undefined) check_presence(name);
        if (result === undefined || result.done) continue;
        using block = result.value;
        yield new BlockBatch(block);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    yield* this.#rest();
  }

  /** The packets that came before the end: the kernel hands their block over in a moment. */
  async *#rest(): AsyncGenerator<Batch, void, undefined> {
    const { retire_ms } = this.#options.prompt ? PROMPT : PATIENT;
    let left = this.#ring.block_count;
    try {
      for await (using block of this.#ring.blocks({ timeout: (2 * retire_ms) / 1000 })) {
        yield new BlockBatch(block);
        if (--left === 0) return;
      }
    } catch (error) {
      // The interface may be down: there is no more.
      if (!(error instanceof TimeoutError || error instanceof OSError)) throw error;
    }
  }

  statistics(): Statistics {
    return this.#ring.statistics();
  }

  close(): void {
    this.#ring.close();
  }
}
