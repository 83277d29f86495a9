// What the parsers of the protocols share: where they are in the packet, where it ends, and what they found so far.
//
// A packet has three ends. `bytes.length` is what can be read; `end` is where the innermost length field says that the packet
// ends, if that is there; `wire_end` is that place whether it is there or not. Between `end` and `wire_end` lies what a capture cut off.

import type { Layer, LayerName } from '../layer_types.js';
import { add_bytes } from './checksum.js';

/** What is wrong with a packet: in which layer, at which byte of the packet, in words. */
export interface Problem {
  readonly layer: LayerName;
  readonly offset: number;
  readonly message: string;
}

/** Parses one layer at `input.at`: pushes it, moves `at` behind it, and says who comes next; nobody: the rest is payload. */
export interface Parser {
  parse(input: Input): Parser | undefined;
}

/** More than these are a problem: what is behind them stays one payload. */
const MAX_LAYERS = 64;

export class Input {
  readonly layers: Layer[] = [];
  at: number;
  /** The sum of the addresses of the last IP layer, for the checksums above it. */
  pseudo_header: number | undefined;
  /** This is what an ICMP error quotes. */
  is_quoted = false;
  /** This is only the beginning of a message (a quotation, a first fragment): being short is no fault, checksums are unknown. */
  partial = false;

  /**
   * @param end where the bytes that are there end
   * @param wire_end where the packet ended on the wire
   * @param depth how many layers stand around this part of the packet
   */
  constructor(
    readonly bytes: Buffer,
    readonly view: DataView,
    start: number,
    public end: number,
    public wire_end: number,
    readonly problems: Problem[],
    readonly depth: number,
  ) {
    this.at = start;
  }

  /** Notes what is wrong. */
  problem(layer: LayerName, offset: number, message: string): void {
    this.problems.push({ layer, offset, message });
  }

  /** Whether a header of that many bytes is there; one that was never sent whole is a problem, one that was cut off is none. */
  has(layer: LayerName, size: number): boolean {
    if (this.at + size <= this.end) return true;
    if (!this.partial && this.at + size > this.wire_end) {
      this.problem(layer, this.at, `the header needs ${size} bytes, ${this.wire_end - this.at} are there`);
    }
    return false;
  }

  /** Ends the packet where a length field says; what is behind becomes the trailer. An end beyond what was sent is a problem. */
  limit(layer: LayerName, offset: number, field: string, end: number): void {
    if (end > this.wire_end) {
      if (!this.partial) {
        this.problem(layer, offset, `${field} goes ${end - this.wire_end} bytes beyond the end`);
      }
      return;
    }
    this.wire_end = end;
    this.end = Math.min(this.end, end);
  }

  /** Bytes of the packet: a view, no copy. */
  slice(start: number, end: number): Buffer {
    return this.bytes.subarray(start, end);
  }

  /** Bytes from here on, as many as are there of that size; moves behind them. */
  take(size: number): Buffer {
    const start = this.at;
    this.at = Math.min(start + size, this.end);
    return this.bytes.subarray(start, this.at);
  }

  /** Whether the message from `start` to the end has a correct checksum; undefined where not all of it is there. */
  verify(start: number, initial: number): boolean | undefined {
    if (this.partial || this.end < this.wire_end) return undefined;
    return add_bytes(this.bytes, this.view, start, this.end, initial) === 0xffff;
  }

  /** The same with the pseudo-header of the IP layer below. */
  verify_transport(start: number, protocol: number): boolean | undefined {
    const pseudo = this.pseudo_header;
    return pseudo === undefined ? undefined : this.verify(start, pseudo + protocol + (this.end - start));
  }

  /** Another packet inside of this one, which may be cut anywhere: what an ICMP error quotes. */
  quotation(start: number, end: number): Input {
    const depth = this.depth + this.layers.length + 1;
    const inner = new Input(this.bytes, this.view, start, end, end, this.problems, depth);
    inner.partial = true;
    inner.is_quoted = true;
    return inner;
  }
}

/** Parses layers until nobody knows what comes next, nothing is left, or there are too many; what is left is payload. */
export function parse_layers(input: Input, first: Parser | undefined): void {
  const is_left = (): boolean => input.at < input.end;
  const is_full = (): boolean => input.depth + input.layers.length >= MAX_LAYERS;
  let next = first;
  while (next !== undefined && !(is_full() && is_left())) next = next.parse(input);
  if (!is_left()) return;
  if (is_full()) {
    const outer = input.layers[input.layers.length - 1]?.layer ?? 'payload';
    input.problem(outer, input.at, `more than ${MAX_LAYERS} layers`);
  }
  input.layers.push({ layer: 'payload', data: input.take(input.end - input.at) });
}
