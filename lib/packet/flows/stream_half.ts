// One direction of a TCP connection: what comes too early waits, what came before is left out, and holes are noted.
//
// Sequence numbers are compared modulo 2^32, by their distance from the next one that is expected.
import { type Tcp, tcp } from '../layers/tcp.js';

/** A part of the direction: see StreamPart in streams.ts. */
interface Part {
  readonly data: Buffer;
  readonly missing: number;
  readonly end: 'fin' | 'reset' | 'lost' | undefined;
}

/** Data that wait. `seq` is the number of their first byte. */
interface Early {
  readonly seq: number;
  readonly data: Buffer;
}

/** Bytes that waiting data cost beside their own. */
const OVERHEAD = 128;
const NONE = Buffer.alloc(0);

/** Returns the distance from one sequence number to another: negative if the other one lies before. */
const distance = (from: number, to: number): number => (to - from) | 0;

export class Half {
  /** The bytes that wait, and what they cost. */
  waiting = 0;
  /** The sequence number of the SYN; undefined if none was seen. */
  #first_seq: number | undefined;
  /** The sequence number of the first byte that is missing; undefined until a packet says one. */
  #next: number | undefined;
  /** In the order of sequence numbers; they do not overlap. */
  #early: Early[] = [];
  /** The sequence number of the FIN, which is one behind the data. */
  #fin: number | undefined;
  #is_over = false;

  /** Returns whether a SYN with this number belongs to this direction: it is the first packet, or repeats the first one. */
  begins_with(seq: number): boolean {
    if (this.#next === undefined || this.#first_seq === seq) return true;
    return this.#first_seq === undefined && this.#next === (seq + 1) >>> 0;
  }

  /** Adds a segment. Returns the parts that are in order now. */
  add({ flags, seq }: Tcp, data: Buffer): Part[] {
    if (this.#is_over) return [];
    const is_first = (flags & tcp.SYN) !== 0;
    if (is_first) this.#first_seq ??= seq;
    // A SYN counts as one byte, in front of the data.
    const start = is_first ? (seq + 1) >>> 0 : seq;
    // A packet without data and without SYN, a keep-alive for example, may have any number of before.
    if (this.#next === undefined) this.#next = start;
    if ((flags & tcp.FIN) !== 0) this.#fin ??= (start + data.length) >>> 0;
    if (data.length > 0) this.#insert(start, data);
    return this.#in_order();
  }

  /** Notes that the other side has all bytes before a number. Returns the parts behind holes that no packet will fill. */
  acknowledge(ack: number): Part[] {
    if (this.#next === undefined) {
      // Nothing was seen of this direction: its next byte is the one that is acknowledged.
      this.#next = ack;
      return [];
    }
    const parts: Part[] = [];
    while (!this.#is_over) {
      const target = this.#early[0]?.seq ?? this.#fin;
      if (target === undefined || distance(target, ack) < 0 || distance(this.#next, target) <= 0) break;
      parts.push(...this.#skip_to(target));
    }
    return parts;
  }

  /** Ends the wait for the first hole. */
  skip(): Part[] {
    const target = this.#early[0]?.seq;
    return target === undefined ? [] : this.#skip_to(target);
  }

  /** Ends the direction. Returns all that waits. */
  finish(end: 'reset' | 'lost'): Part[] {
    const parts: Part[] = [];
    while (this.#early.length > 0) parts.push(...this.skip());
    if (!this.#is_over && this.#fin !== undefined && this.#next !== undefined && end === 'lost') {
      parts.push(...this.#skip_to(this.#fin));
    }
    if (this.#is_over || this.#next === undefined) return parts;
    this.#is_over = true;
    return [...parts, { data: NONE, missing: 0, end }];
  }

  /** Inserts the bytes that are not there yet. */
  #insert(seq: number, data: Buffer): void {
    const next = this.#next ?? seq;
    let start = distance(next, seq);
    const end = start + data.length;
    // The bytes before the next one were delivered.
    start = Math.max(start, 0);
    const rest: Early[] = [];
    const put = (from: number, to: number): void => {
      if (from >= to) return;
      const at = from - distance(next, seq);
      // A copy: the packet's memory may be much larger.
      const bytes = Buffer.from(data.subarray(at, at + to - from));
      rest.push({ seq: (next + from) >>> 0, data: bytes });
      this.waiting += bytes.length + OVERHEAD;
    };
    for (const early of this.#early) {
      const from = distance(next, early.seq);
      put(start, Math.min(end, from));
      start = Math.max(start, from + early.data.length);
      rest.push(early);
    }
    put(start, end);
    this.#early = rest.sort((a, b) => distance(next, a.seq) - distance(next, b.seq));
  }

  /** Returns the data that wait for nothing, and the end behind them. */
  #in_order(missing = 0): Part[] {
    const parts: Part[] = [];
    let lost = missing;
    while (this.#early[0] !== undefined && this.#early[0].seq === this.#next) {
      const { data } = this.#early[0];
      this.#early.shift();
      this.waiting -= data.length + OVERHEAD;
      this.#next = (this.#next + data.length) >>> 0;
      parts.push({ data, missing: lost, end: undefined });
      lost = 0;
    }
    if (this.#fin === undefined || this.#fin !== this.#next) return parts;
    this.#is_over = true;
    this.#next = (this.#next + 1) >>> 0;
    return [...parts, { data: NONE, missing: lost, end: 'fin' }];
  }

  #skip_to(target: number): Part[] {
    const missing = Math.max(0, distance(this.#next ?? target, target));
    this.#next = target;
    return this.#in_order(missing);
  }
}
