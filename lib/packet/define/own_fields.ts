// The fields of layers that `define_layer` makes: numbers of any bits, addresses, bytes. Each says its size, and reads and writes its
// value. Fields stand one behind the other, without padding.
import { bytes as checked_bytes, integer } from '../../util/validate.js';
import {
  read_hardware,
  read_ipv4,
  read_ipv6,
  write_hardware,
  write_ipv4,
  write_ipv6,
} from '../bytes/address.js';

/** Sizes in bytes: of the whole header, and of the data that it carries. */
export interface Sizes {
  readonly header: number;
  readonly data: number;
}
/** The values of the fields in front of a field. */
export type Before = Readonly<Record<string, unknown>>;

/** A field of a layer of one's own. */
export interface OwnField<Value> {
  /** in bits, or by the fields in front of it */
  readonly bits: number | ((before: Before) => number);
  /** true for a field that must begin at a whole byte */
  readonly is_whole: boolean;
  /**
   * standard(sizes) -> the value of a field that is left out. As a default in scapy's fields_desc.
   *
   * @param sizes of the header and of what it carries, in bytes
   * @returns the value
   * @example
   * console.log(field.uint(8, 64).standard({ header: 1, data: 0 })); // 64
   */
  standard(sizes: Sizes): Value;
  /**
   * read(view, bit, bits) -> the value in the bytes. As getfield() of a field in scapy.
   *
   * @param view the bytes of the packet
   * @param bit the offset of the field in the view, in bits
   * @param bits the size of the field, in bits
   * @returns the value
   * @example
   * const view = new DataView(new Uint8Array([0x12, 0x34]).buffer);
   * console.log(field.uint(8).read(view, 8, 8)); // 52
   */
  read(view: DataView, bit: number, bits: number): Value;
  /**
   * write(view, bit, bits, value, name). Puts a value into the bytes. As addfield() of a field in scapy.
   *
   * @param bit the offset of the field in the view, in bits
   * @param bits the size of the field, in bits
   * @param value of the field
   * @param name for errors
   * @throws TypeError, RangeError naming the field
   * @example
   * const view = new DataView(new ArrayBuffer(2));
   * field.uint(8).write(view, 8, 8, 52, 'id');
   * console.log(view.getUint8(1)); // 52
   */
  write(view: DataView, bit: number, bits: number, value: unknown, name: string): void;
  /**
   * when(before) -> whether the field is there; it always is if this is left out. As ConditionalField in scapy.
   *
   * @param before the values of the fields in front of it
   * @returns false for a field that the header does not have
   * @example
   * console.log(field.uint(8).when?.({})); // undefined
   */
  when?(before: Before): boolean;
  /**
   * bits_of(value, name) -> the bits that a value takes. As i2len() of a field in scapy.
   *
   * @param value of the field
   * @param name for errors
   * @returns a number of bits; undefined if the size does not follow from the value
   * @throws TypeError naming the field
   * @example
   * const rest = field.bytes(() => 4);
   * console.log(rest.bits_of?.(Buffer.alloc(4), 'rest')); // 32
   */
  bits_of?(value: unknown, name: string): number;
}

const BITS_MAX = 48;
const BYTES_MAX = 0xffff;

/** Returns a number of bits, the most significant one first. */
export function read_bits(view: DataView, bit: number, bits: number): number {
  let value = 0;
  for (let at = bit; at < bit + bits; ) {
    const room = 8 - (at & 7);
    const taken = Math.min(room, bit + bits - at);
    const byte = view.getUint8(at >>> 3);
    value = value * 2 ** taken + ((byte >>> (room - taken)) & (2 ** taken - 1));
    at += taken;
  }
  return value;
}

/** Writes such a number. */
export function write_bits(view: DataView, bit: number, bits: number, value: number): void {
  let rest = value;
  for (let end = bit + bits; end > bit; ) {
    const room = ((end - 1) & 7) + 1;
    const taken = Math.min(room, end - bit);
    const at = (end - 1) >>> 3;
    const mask = (2 ** taken - 1) << (8 - room);
    const part = (rest % 2 ** taken) << (8 - room);
    view.setUint8(at, (view.getUint8(at) & ~mask) | part);
    rest = Math.floor(rest / 2 ** taken);
    end -= taken;
  }
}

/**
 * A number without a sign, the most significant bit first.
 *
 * @param bits 1 to 48; numbers that are no whole bytes stand one behind the other
 * @param standard the value if it is left out: 0, a number, or a function of the sizes: `({ header, data }) => header + data`
 * @throws TypeError, RangeError
 */
function uint(bits: number, standard: number | ((sizes: Sizes) => number) = 0): OwnField<number> {
  const size = integer(bits, 'bits', 1, BITS_MAX);
  if (typeof standard !== 'function') integer(standard, 'standard', 0, 2 ** size - 1);
  return {
    bits: size,
    is_whole: false,
    standard: (sizes) => (typeof standard === 'function' ? standard(sizes) : standard),
    read: read_bits,
    write: (view, bit, _, value, name) => write_bits(view, bit, size, integer(value, name, 0, 2 ** size - 1)),
  };
}

/** An address as text, of whole bytes. */
const address = (
  size: number,
  standard: string,
  read: (view: DataView, at: number) => string,
  write: (view: DataView, at: number, value: unknown, name: string) => void,
): OwnField<string> => ({
  bits: size * 8,
  is_whole: true,
  standard: () => standard,
  read: (view, bit) => read(view, bit / 8),
  write: (view, bit, _, value, name) => write(view, bit / 8, value, name),
});

/**
 * Bytes.
 *
 * @param size in bytes, or a function of the fields in front of it that returns the size
 */
function bytes(size: number | ((before: Before) => number)): OwnField<Buffer> {
  return {
    bits: size_in_bits(size),
    is_whole: true,
    standard: () => Buffer.alloc(typeof size === 'number' ? size : 0),
    read: (view, bit, bits) => Buffer.from(view.buffer, view.byteOffset + bit / 8, bits / 8),
    write(view, bit, bits, value, name) {
      const data = checked_bytes(value, name);
      if (data.length * 8 !== bits)
        throw new RangeError(`${name} must have ${bits / 8} bytes, not ${data.length}`);
      Buffer.from(view.buffer, view.byteOffset + bit / 8, data.length).set(data);
    },
    ...(typeof size === 'function'
      ? { bits_of: (value: unknown, name: string) => checked_bytes(value, name).length * 8 }
      : {}),
  };
}

function size_in_bits(size: number | ((before: Before) => number)): number | ((before: Before) => number) {
  if (typeof size === 'function') return (before) => size(before) * 8;
  return integer(size, 'size', 0, BYTES_MAX) * 8;
}

/** The kinds of fields that `define_layer` takes. */
export const field = {
  uint,
  bytes,
  ipv4: (standard = '0.0.0.0'): OwnField<string> => address(4, standard, read_ipv4, write_ipv4),
  ipv6: (standard = '::'): OwnField<string> => address(16, standard, read_ipv6, write_ipv6),
  mac: (standard = '00:00:00:00:00:00'): OwnField<string> =>
    address(6, standard, read_hardware, write_hardware),
} as const;
