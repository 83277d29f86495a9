// Output: the memory that the builders of the protocols share. A packet is written from its end to its beginning, so that each layer sees
// the length of the layers that it carries: a builder prepends its header and fills in the fields that were not given.
//
// A checksum with a pseudo-header waits for the addresses: the transport leaves a request, and the IP layer outside of it fulfils that.
import { integer } from '../../util/validate.js';
import type { AnyDraft } from '../layer_types.js';
import { write_hardware, write_ipv4, write_ipv6 } from './address.js';
import { add_bytes } from './checksum.js';

/** Bytes of the largest packet that is built: as many as read_capture reads. What length fields can say ends long before. */
const MAX_PACKET = 16 * 1024 * 1024;
/** Bytes of the memory for packets with lengths of 16 bits, the headers around these included. */
const USUAL_SIZE = 128 * 1024;

/** A checksum that is to be computed as soon as the addresses are known. */
interface ChecksumRequest {
  /** the offset at which the checksum is stored */
  readonly at: number;
  /** the message, and the end of what the checksum covers of it */
  readonly start: number;
  readonly end: number;
  readonly covered_end: number;
  readonly protocol: number;
  /** the value stored for a computed 0 */
  readonly zero: number;
}

/** Thrown if the memory is too small for a packet. */
export const NO_ROOM = new Error('the packet needs more memory');

function too_long(): RangeError {
  return new RangeError(`the packet is longer than ${MAX_PACKET} bytes`);
}

export class Output {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Begin of the bytes written so far. */
  start: number;
  /** End of the bytes of this packet; behind it stand only the bytes around a quotation. */
  end: number;
  /** The layers to build, and the index of the one being written. */
  layers: readonly AnyDraft[] = [];
  index = 0;
  private request: ChecksumRequest | undefined;

  constructor(size = USUAL_SIZE) {
    this.bytes = Buffer.allocUnsafeSlow(size);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, size);
    this.start = size;
    this.end = size;
  }

  /** Makes this ready for another packet: the last one may have failed, or may have left a checksum without an IP layer. */
  reset(): void {
    this.start = this.bytes.length;
    this.end = this.bytes.length;
    this.request = undefined;
  }

  /** True for memory of the usual size. */
  get is_usual(): boolean {
    return this.bytes.length === USUAL_SIZE;
  }

  /** Returns memory for the largest packet. */
  static largest(): Output {
    return new Output(MAX_PACKET);
  }

  /** The layer that the layer being written carries. */
  get next(): AnyDraft | undefined {
    return this.layers[this.index + 1];
  }

  /** Number of bytes written: before a layer prepends its header, the length of what the layer carries. */
  get length(): number {
    return this.end - this.start;
  }

  /**
   * Makes room in front of the bytes.
   *
   * @returns the offset of the room; its bytes are arbitrary
   * @throws NO_ROOM, which `build` answers with more memory; RangeError if the packet gets longer than 16 MiB
   */
  prepend(size: number): number {
    if (size > this.start) throw this.is_usual ? NO_ROOM : too_long();
    this.start -= size;
    return this.start;
  }

  prepend_bytes(value: Uint8Array): void {
    this.bytes.set(value, this.prepend(value.length));
  }

  prepend_zeros(size: number): void {
    const at = this.prepend(size);
    this.bytes.fill(0, at, at + size);
  }

  /**
   * Prepends a header of IPv4 or TCP, at most 60 bytes with its options. These are padded with zeros to a multiple of 4, unless the
   * header's length is given.
   *
   * @returns the offset of the header
   */
  prepend_header(fixed: number, options: Uint8Array, name: string, length: unknown): number {
    const size = length === undefined || length === null ? padded(options) : options.length;
    if (fixed + size > 60)
      throw new RangeError(`${name} are ${options.length} bytes, ${60 - fixed} are possible`);
    if (size > options.length) this.prepend_zeros(size - options.length);
    if (size > 0) this.prepend_bytes(options);
    return this.prepend(fixed);
  }

  u8(at: number, value: unknown, name: string, max = 0xff): void {
    this.view.setUint8(at, integer(value, name, 0, max));
  }

  u16(at: number, value: unknown, name: string): void {
    this.view.setUint16(at, integer(value, name, 0, 0xffff));
  }

  u24(at: number, value: unknown, name: string): void {
    const number = integer(value, name, 0, 0xffffff);
    this.view.setUint16(at, number >>> 8);
    this.view.setUint8(at + 2, number & 0xff);
  }

  u32(at: number, value: unknown, name: string): void {
    this.view.setUint32(at, integer(value, name, 0, 0xffffffff));
  }

  ipv4(at: number, value: unknown, name: string): void {
    write_ipv4(this.view, at, value, name);
  }

  ipv6(at: number, value: unknown, name: string): void {
    write_ipv6(this.view, at, value, name);
  }

  hardware(at: number, value: unknown, name: string, length?: number): void {
    write_hardware(this.view, at, value, name, length);
  }

  /** Stores a checksum at `at`: the one given, or the computed one of the header or message from `start` on. */
  checksum(at: number, given: unknown, name: string, start: number, end: number): void {
    this.u16(at, given ?? 0, name);
    if (given === undefined || given === null) {
      this.view.setUint16(at, ~add_bytes(this.bytes, this.view, start, end, 0) & 0xffff);
    }
  }

  /**
   * Stores the checksum of a message that covers a pseudo-header: the one given, or 0 until the IP layer computes it.
   *
   * @param covered the bytes of the message that the checksum covers
   */
  transport_checksum(
    at: number,
    given: unknown,
    name: string,
    protocol: number,
    zero = 0,
    covered = this.length,
  ): void {
    this.u16(at, given ?? 0, name);
    const is_given = given !== undefined && given !== null;
    const { start, end } = this;
    this.request = is_given ? undefined : { at, start, end, covered_end: start + covered, protocol, zero };
  }

  /** Computes the checksum that was requested, if one was. */
  complete_checksum(sum_of_addresses: number): void {
    if (this.request === undefined) return;
    const { at, start, end, covered_end, protocol, zero } = this.request;
    const initial = sum_of_addresses + protocol + (end - start);
    const sum = add_bytes(this.bytes, this.view, start, covered_end, initial);
    this.view.setUint16(at, ~sum & 0xffff || zero);
    this.request = undefined;
  }

  /** Calls `write`, which prepends layers, and takes their bytes away again. Returns these: the quotation of an ICMP error. */
  apart(write: () => void): Buffer {
    const { start, end, layers, index } = this;
    this.end = start;
    write();
    const quoted = Buffer.from(this.bytes.subarray(this.start, start));
    this.request = undefined;
    this.start = start;
    this.end = end;
    this.layers = layers;
    this.index = index;
    return quoted;
  }
}

/** Returns the size of options padded to a multiple of 4. */
function padded(options: Uint8Array): number {
  return (options.length + 3) & ~3;
}

/** Returns a multiple of `unit` as a number of units. @throws RangeError if it is no multiple */
export function units(value: unknown, name: string, unit: number, max: number): number {
  const size = integer(value, name, 0, max * unit);
  if (size % unit !== 0) throw new RangeError(`${name} must be a multiple of ${unit} bytes, not ${size}`);
  return size / unit;
}
