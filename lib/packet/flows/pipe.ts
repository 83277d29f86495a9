// Work on a sequence of packets: reassemble and streams take packets and give results, one after the other, from any iterable.
import { shown } from '../../util/validate.js';

/** Packets, in their order: an array, a capture, a stream of them. */
export type Packets<P> = Iterable<P> | AsyncIterable<P>;

/** Takes packets one by one, and gives the results that each completes. */
export interface Step<P, R> {
  take(packet: P): Iterable<R>;
  /** Returns the results that are left when no packet comes any more. */
  end(): Iterable<R>;
}

const has = (value: unknown, symbol: symbol): boolean =>
  typeof value === 'object' && value !== null && symbol in value;
const is_sync = <P>(packets: Packets<P>): packets is Iterable<P> => has(packets, Symbol.iterator);

/** The results of a step over packets: `for … of` if the packets can be iterated so, and `for await … of`. */
export class Results<P, R, S extends Step<P, R>> implements Iterable<R>, AsyncIterable<R> {
  readonly #packets: Packets<P>;
  readonly #make: () => S;
  /** The step of the last iteration. */
  protected step: S;

  /** @throws TypeError if the packets are no iterable */
  constructor(packets: Packets<P>, make: () => S) {
    if (!is_sync(packets) && !has(packets, Symbol.asyncIterator))
      throw new TypeError(`packets must be an iterable or an async iterable, not ${shown(packets)}`);
    this.#packets = packets;
    this.#make = make;
    this.step = make();
  }

  *[Symbol.iterator](): Generator<R, void, undefined> {
    if (!is_sync(this.#packets))
      throw new TypeError('packets gives its packets asynchronously: use `for await`');
    this.step = this.#make();
    for (const packet of this.#packets) yield* this.step.take(packet);
    yield* this.step.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<R, void, undefined> {
    this.step = this.#make();
    for await (const packet of this.#packets) yield* this.step.take(packet);
    yield* this.step.end();
  }
}

/** A packet with its bytes; those of read_capture have this form. */
export interface PacketBytes {
  /** The bytes of the packet, as captured. */
  readonly data: Uint8Array;
  /** LINKTYPE_* of the packet; Ethernet if left out. */
  readonly linktype?: number | undefined;
  /** The length of the packet on the wire, in bytes; that of `data` if left out. */
  readonly length?: number | undefined;
  /** When the packet was captured, in nanoseconds since 1970. */
  readonly time_ns?: bigint | undefined;
  /** The index of its interface in the section. */
  readonly interface?: number | undefined;
  /** The number of its section in the capture. */
  readonly section?: number | undefined;
}

/** Checks a packet of a sequence. @throws TypeError */
export function check_packet(packet: PacketBytes): void {
  if (typeof packet !== 'object' || packet === null || !ArrayBuffer.isView(packet.data))
    throw new TypeError(`packet must be an object with data and linktype, not ${shown(packet)}`);
  const { time_ns } = packet;
  if (time_ns !== undefined && typeof time_ns !== 'bigint')
    throw new TypeError(`packet.time_ns must be a bigint of nanoseconds, not ${shown(time_ns)}`);
}
