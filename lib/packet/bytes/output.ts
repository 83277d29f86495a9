// What the builders of the protocols share. A packet is written from its end to its beginning, so that each layer sees the
// length of what it carries: a builder prepends its header and fills in what was not given.
//
// A checksum with a pseudo-header waits for the addresses: the transport leaves a request, the IP layer outside of it fulfils it.
import { integer } from '../../util/validate.js';
import type { Draft } from '../layer_types.js';
import { write_hardware, write_ipv4, write_ipv6 } from './address.js';
import { add_bytes } from './checksum.js';

export const MAX_PACKET = 65_535;

/** A checksum that is to be computed as soon as the addresses are known. */
interface ChecksumRequest {
  /** where it is stored */
  readonly at: number;
  /** the message that it covers */
  readonly start: number;
  readonly end: number;
  readonly protocol: number;
  /** what stands for a computed 0 */
  readonly zero: number;
}

export class Output {
  readonly bytes = Buffer.allocUnsafeSlow(MAX_PACKET);
  readonly view = new DataView(this.bytes.buffer, this.bytes.byteOffset, MAX_PACKET);
  /** Where what is written so far begins, */
  start = MAX_PACKET;
  /** and where it ends: behind it stands only what lies around a quotation. */
  end = MAX_PACKET;
  /** The layers that are built, and which of them is being written. */
  layers: readonly Draft[] = [];
  index = 0;
  private request: ChecksumRequest | undefined;

  /** The layer that the one being written carries. */
  get next(): Draft | undefined {
    return this.layers[this.index + 1];
  }

  /** How many bytes are written: for a layer before it prepends its header, those that it carries. */
  get length(): number {
    return this.end - this.start;
  }

  /**
   * Makes room in front.
   *
   * @returns where it begins; the bytes there are arbitrary
   * @throws RangeError if the packet gets longer than 65,535 bytes
   */
  prepend(size: number): number {
    if (size > this.start) throw new RangeError(`the packet is longer than ${MAX_PACKET} bytes`);
    this.start -= size;
    return this.start;
  }

  /** Puts bytes in front. */
  prepend_bytes(value: Uint8Array): void {
    this.bytes.set(value, this.prepend(value.length));
  }

  /** Puts zeros in front. */
  prepend_zeros(size: number): void {
    const at = this.prepend(size);
    this.bytes.fill(0, at, at + size);
  }

  /**
   * Puts a header in front that ends in options, padded with zeros to a multiple of 4: IPv4's and TCP's, at most 60 bytes.
   *
   * @returns where it begins
   */
  prepend_header(fixed: number, options: Uint8Array, name: string): number {
    const size = padded(options);
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

  /** The checksum of the header or message from `start` on, to be stored at `at`: the one given, or the one computed. */
  checksum(at: number, given: unknown, name: string, start: number, end: number): void {
    this.u16(at, given ?? 0, name);
    if (given === undefined || given === null) {
      this.view.setUint16(at, ~add_bytes(this.bytes, this.view, start, end, 0) & 0xffff);
    }
  }

  /** The same for a message whose checksum covers a pseudo-header: computed when the IP layer is there, else 0. */
  transport_checksum(at: number, given: unknown, name: string, protocol: number, zero = 0): void {
    this.u16(at, given ?? 0, name);
    const is_given = given !== undefined && given !== null;
    this.request = is_given ? undefined : { at, start: this.start, end: this.end, protocol, zero };
  }

  /** Computes the checksum that waits for it, if one does. */
  settle_checksum(sum_of_addresses: number): void {
    if (this.request === undefined) return;
    const { at, start, end, protocol, zero } = this.request;
    const sum = add_bytes(this.bytes, this.view, start, end, sum_of_addresses + protocol + (end - start));
    this.view.setUint16(at, ~sum & 0xffff || zero);
    this.request = undefined;
  }

  /** Has `write` prepend layers as a packet of their own, and takes them away again: what an ICMP error quotes. Returns their bytes. */
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

/** The size of options with what makes it a multiple of 4. */
export function padded(options: Uint8Array): number {
  return (options.length + 3) & ~3;
}

/** A multiple of `unit` as that many units; what is none is a RangeError. */
export function units(value: unknown, name: string, unit: number, max: number): number {
  const size = integer(value, name, 0, max * unit);
  if (size % unit !== 0) throw new RangeError(`${name} must be a multiple of ${unit} bytes, not ${size}`);
  return size / unit;
}
