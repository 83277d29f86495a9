// Input: the state that the parsers of the protocols share, namely the position in the packet, its end, and the layers found so far.
//
// A packet has three ends. `bytes.length` is the end of the memory. `wire_end` is the end by the innermost length field. `end` is
// `wire_end`, or before it if a capture cut the packet off: then the bytes between the two are missing.

import type { Layer, LayerName } from '../layer_types.js';
import { add_bytes } from './checksum.js';

/** A malformed part of a packet: its layer, its byte offset in the packet, and a description. */
export interface Problem {
  /** The name of the layer that is malformed. */
  readonly layer: LayerName;
  /** The byte of the packet at which it is wrong. */
  readonly offset: number;
  /** What is wrong. */
  readonly message: string;
}

/** Parses one layer at `input.at`: pushes it, moves `at` behind it, and returns the next layer's parser; undefined: the rest is payload. */
export interface Parser {
  parse(input: Input): Parser | undefined;
}

/** Layers of a packet, quoted ones included. Behind the last one, the bytes stay one payload, which is a problem. */
const MAX_LAYERS = 64;

export class Input {
  readonly layers: Layer[] = [];
  at: number;
  /** The sum of the addresses of the last IP layer, for the checksums of the layers in it. */
  pseudo_header: number | undefined;
  /** True for a packet that an ICMP error quotes. */
  is_quoted = false;
  /** True for the beginning of a message (a quotation, a first fragment): being short is no problem, checksums are unknown. */
  partial = false;

  /**
   * @param end the end of the bytes that were captured
   * @param wire_end the end of the packet on the wire
   * @param depth the number of layers around this part of the packet
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

  problem(layer: LayerName, offset: number, message: string): void {
    this.problems.push({ layer, offset, message });
  }

  /** Returns whether a header of `size` bytes is there. A header that was never sent whole is a problem; one that was cut is none. */
  has(layer: LayerName, size: number): boolean {
    if (this.at + size <= this.end) return true;
    if (!this.is_cut(size)) {
      this.problem(layer, this.at, `the header needs ${size} bytes, ${this.wire_end - this.at} are there`);
    }
    return false;
  }

  /** Returns whether a header of `size` bytes that is not there may have been sent: it is quoted, or a capture cut it. */
  is_cut(size: number): boolean {
    return this.partial || this.at + size <= this.wire_end;
  }

  /** Ends the packet at the end by a length field; bytes behind that become the trailer. An end beyond the bytes sent is a problem. */
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

  /** Returns a view of bytes of the packet. */
  slice(start: number, end: number): Buffer {
    return this.bytes.subarray(start, end);
  }

  /** Returns `size` bytes from `at` on, or as many as are left, and moves behind them. */
  take(size: number): Buffer {
    const start = this.at;
    this.at = Math.min(start + size, this.end);
    return this.bytes.subarray(start, this.at);
  }

  /** Returns whether the message from `start` to the end has a correct checksum; undefined if a part of the message is missing. */
  verify(start: number, initial: number): boolean | undefined {
    if (this.partial || this.end < this.wire_end) return undefined;
    return add_bytes(this.bytes, this.view, start, this.end, initial) === 0xffff;
  }

  /** Returns the same for a message whose checksum covers the pseudo-header of the IP layer below. */
  verify_transport(start: number, protocol: number): boolean | undefined {
    const pseudo = this.pseudo_header;
    return pseudo === undefined ? undefined : this.verify(start, pseudo + protocol + (this.end - start));
  }

  /** Returns the same for a checksum that covers only the first `size` bytes: what is missing behind these does no harm. */
  verify_covered(start: number, size: number, protocol: number): boolean | undefined {
    const pseudo = this.pseudo_header;
    if (pseudo === undefined || this.partial || start + size > this.end) return undefined;
    const initial = pseudo + protocol + (this.wire_end - start);
    return add_bytes(this.bytes, this.view, start, start + size, initial) === 0xffff;
  }

  /** Returns the input for a packet inside of this one, which may be cut anywhere: the quotation of an ICMP error. */
  quotation(start: number, end: number): Input {
    const depth = this.depth + this.layers.length + 1;
    const inner = new Input(this.bytes, this.view, start, end, end, this.problems, depth);
    inner.partial = true;
    inner.is_quoted = true;
    return inner;
  }
}

/** Parses layers until the next protocol is unknown, no bytes are left, or MAX_LAYERS is reached; the bytes left become payload. */
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
