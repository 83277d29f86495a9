// The packets and the blocks of a ring as iterables: one by one, blocking or by promises. packet_ring.ts takes and waits.
import type { PacketBlock } from './block.js';
import type { RingPacket } from './memory.js';

/** A time-out and a signal of an iteration. */
export interface RingWait {
  readonly timeout_ms: number;
  readonly signal: AbortSignal | undefined;
}

/** The ring: see packet_ring.ts. */
interface Source {
  readonly closed: boolean;
  _packet(): RingPacket | undefined;
  _block(): PacketBlock | undefined;
  _wait(wait: RingWait): boolean;
  _wait_later(wait: RingWait): Promise<boolean>;
}

type Result<T> = IteratorResult<T, undefined>;
const DONE: Result<never> = { done: true, value: undefined };

/** What an iterable gives: `take` without waiting. */
class Sequence<T> implements Iterable<T>, AsyncIterable<T> {
  readonly #ring: Source;
  readonly #wait: RingWait;
  readonly #take: () => T | undefined;

  constructor(ring: Source, wait: RingWait, take: () => T | undefined) {
    this.#ring = ring;
    this.#wait = wait;
    this.#take = take;
  }

  /**
   * Iterates, blocking while nothing is there.
   *
   * @returns an iterator, which ends when the ring is closed
   * @example
   * const first_of = (ring: PacketRing) => ring.packets()[Symbol.iterator]().next();
   */
  [Symbol.iterator](): IterableIterator<T> {
    const iterator: IterableIterator<T> = {
      next: () => {
        for (;;) {
          const value = this.#take();
          if (value !== undefined) return { done: false, value };
          if (!this.#ring._wait(this.#wait)) return DONE;
        }
      },
      [Symbol.iterator]: () => iterator,
    };
    return iterator;
  }

  /**
   * Iterates by promises.
   *
   * @returns an iterator, which ends when the ring is closed
   * @example
   * const first_of = (ring: PacketRing) => ring.packets()[Symbol.asyncIterator]().next();
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    let last: Promise<Result<T>> | undefined;
    const wait_and_take = async (before: Promise<unknown> | undefined): Promise<Result<T>> => {
      await before?.catch(() => {});
      for (;;) {
        const value = this.#take();
        if (value !== undefined) return { done: false, value };
        if (!(await this.#ring._wait_later(this.#wait))) return DONE;
      }
    };
    const iterator: AsyncIterableIterator<T> = {
      next: () => {
        // Calls are answered in their order.
        if (last === undefined) {
          try {
            const value = this.#ring.closed ? undefined : this.#take();
            if (value !== undefined) return Promise.resolve({ done: false, value });
          } catch (error) {
            return Promise.reject(error);
          }
        }
        const taken = wait_and_take(last);
        const forget = () => {
          if (last === taken) last = undefined;
        };
        last = taken;
        taken.then(forget, forget);
        return taken;
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }
}

/** The packets of a ring: see PacketRing.packets. */
export class Packets extends Sequence<RingPacket> {
  /** @internal */
  constructor(ring: Source, wait: RingWait) {
    super(ring, wait, () => ring._packet());
  }
}

/** The blocks of a ring: see PacketRing.blocks. */
export class Blocks extends Sequence<PacketBlock> {
  /** @internal */
  constructor(ring: Source, wait: RingWait) {
    super(ring, wait, () => ring._block());
  }
}
