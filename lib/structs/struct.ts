// Struct, a C struct: its size, and the conversion of its bytes from and to an object. `define` makes a Struct from the layout
// that the compiler took from the system's headers (native/structs.cc) and a codec for each field.
//
// A field has its C name without the prefix that all fields of its struct share: l_onoff is onoff.
import { endianness } from 'node:os';
import type { Inet6Address, InetAddress, ReturnedAddress } from '../calls/address.js';
import type { FieldLayout, StructLayout } from '../native/addon.js';
import { struct_layouts } from '../native/tables.js';
import { type Bytes, type BytesLike, bytes as checked_bytes, integer, shown } from '../util/validate.js';

/** A C struct: decodes bytes to `T`, encodes `In` to bytes. */
export interface Struct<T, In = Encodable<T>> {
  /** The name in C. */
  readonly name: string;
  /** The size in bytes: C's sizeof. */
  readonly size: number;
  /**
   * encode(value) -> the bytes, for setsockopt, sendmsg or ioctl. See the manual page of the struct, for example socket(7).
   *
   * @param value the fields
   * @returns `size` bytes, more if the struct has an array of any length; a field that is left out is zero
   * @throws TypeError, RangeError naming struct and field
   * @example
   * console.log(structs.linger.encode({ onoff: 1, linger: 5 }).length === structs.linger.size); // true
   */
  encode(value: In): Buffer;
  /**
   * decode(bytes) -> the fields, of what getsockopt, recvmsg or ioctl gave. See the manual page of the struct, for example socket(7).
   *
   * @param bytes of the struct. Shorter ones, from an older kernel, give only the fields in them; bytes after the struct are ignored
   * @returns an object with the fields by their names in C
   * @throws TypeError for a value that is not bytes
   * @example
   * const bytes = structs.timeval.encode({ sec: 2, usec: 500_000 });
   * console.log(structs.timeval.decode(bytes)); // { sec: 2, usec: 500000 }
   */
  decode(bytes: BytesLike): T;
}

/** A decoded address: an array for AF_INET and AF_INET6, the bytes of the sockaddr for another family, null for none. */
export type StructAddress = ReturnedAddress<2> | ReturnedAddress<10> | Buffer | null;
/** An address to encode: its host is numeric and determines the family. */
export type StructAddressLike = InetAddress | Inet6Address | BytesLike | null;

type Given<V> = number extends V
  ? number | bigint
  : StructAddress extends V
    ? StructAddressLike
    : V extends Buffer
      ? BytesLike
      : V extends (infer Item)[]
        ? readonly Encodable<Item>[]
        : V;
/** The argument of encode: each field may be left out, an integer may be a bigint, bytes may be of any kind. */
export type Encodable<T> = { readonly [K in keyof T]?: Given<T[K]> | undefined };

/** Reads and writes one field. */
export interface Codec<T> {
  read(bytes: Bytes, layout: FieldLayout): T;
  write(bytes: Bytes, layout: FieldLayout, value: unknown, name: string): void;
}

/** A codec of a field that some kernels lack. */
export const newer = <T>(codec: Codec<T>): Codec<T | undefined> => codec;

type Value<C> = C extends Codec<infer T> ? T : never;
type Newer<C> = { [K in keyof C]: undefined extends Value<C[K]> ? K : never }[keyof C];
type Values<C, K extends keyof C> = { -readonly [Name in K]: Value<C[Name]> };
/** The fields of a struct, by their codecs. */
export type Decoded<C> = Flat<Values<C, Exclude<keyof C, Newer<C>>> & Partial<Values<C, Newer<C>>>>;
type Flat<T> = { [K in keyof T]: T[K] };

export const LITTLE_ENDIAN = endianness() === 'LE';

const layouts = struct_layouts();

/** Returns the layout of a struct by its C name. @throws Error for a name that native/structs.cc lacks: a bug in this library */
export function layout_of(name: string): StructLayout {
  const layout = layouts[name];
  if (layout === undefined) throw new Error(`native/structs.cc has no struct ${name}`);
  return layout;
}

export const view_of = (bytes: Bytes): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

function read_small(bytes: Bytes, [offset, size, signed, shift, width]: FieldLayout): number {
  const view = view_of(bytes);
  if (size === 1) {
    const byte = signed ? view.getInt8(offset) : view.getUint8(offset);
    return width > 0 ? (byte >>> shift) & (2 ** width - 1) : byte;
  }
  if (size === 2)
    return signed ? view.getInt16(offset, LITTLE_ENDIAN) : view.getUint16(offset, LITTLE_ENDIAN);
  if (width > 0) return (view.getUint32(offset, LITTLE_ENDIAN) >>> shift) & (2 ** width - 1);
  return signed ? view.getInt32(offset, LITTLE_ENDIAN) : view.getUint32(offset, LITTLE_ENDIAN);
}

function write_small(bytes: Bytes, layout: FieldLayout, value: unknown, name: string): void {
  const [offset, size, signed, shift, width] = layout;
  const bits = width > 0 ? width : size * 8;
  const number = signed
    ? integer(value, name, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    : integer(value, name, 0, 2 ** bits - 1);
  const whole = width > 0 ? read_small(bytes, [offset, size, 0, 0, 0]) + number * 2 ** shift : number;
  const view = view_of(bytes);
  if (size === 1) view.setUint8(offset, whole);
  else if (size === 2) view.setUint16(offset, whole, LITTLE_ENDIAN);
  else view.setUint32(offset, whole, LITTLE_ENDIAN);
}

/** The codec of an integer of at most 32 bits, in a bit field or not. */
export const int: Codec<number> = { read: read_small, write: write_small };

/** The codec of an integer of 64 bits, or of a C long: a number, or a bigint beyond 2^53. */
export const long: Codec<number | bigint> = {
  read(bytes, layout) {
    const [offset, size, signed] = layout;
    if (size < 8) return read_small(bytes, layout);
    const view = view_of(bytes);
    const value = signed ? view.getBigInt64(offset, LITTLE_ENDIAN) : view.getBigUint64(offset, LITTLE_ENDIAN);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  },
  write(bytes, layout, value, name) {
    const [offset, size, signed] = layout;
    if (size < 8) return write_small(bytes, layout, value, name);
    view_of(bytes).setBigUint64(offset, integer_64(value, signed === 1, name), LITTLE_ENDIAN);
  },
};

/** Returns the 64 bits of an integer. @throws TypeError, RangeError */
function integer_64(value: unknown, signed: boolean, name: string): bigint {
  const [min, max] = signed ? [-(2n ** 63n), 2n ** 63n - 1n] : [0n, 2n ** 64n - 1n];
  if (typeof value === 'bigint') {
    if (value < min || value > max)
      throw new RangeError(`${name} must be between ${min} and ${max}, not ${shown(value)}`);
    return BigInt.asUintN(64, value);
  }
  const number = integer(value, name, Number(signed ? min : 0), Number(max));
  if (!Number.isSafeInteger(number)) throw new RangeError(`${name} must be a bigint beyond 2^53: ${number}`);
  return BigInt.asUintN(64, BigInt(number));
}

/** A name for Codec<Buffer>: of the type itself the compiler would write `Buffer<…>`, which TypeScript 5.5 does not know. */
export interface Octets extends Codec<Buffer> {}

/** The codec of an array of bytes. Another field may hold the number of bytes that count: see `with_length`. */
export const octets: Octets = {
  read: (bytes, [offset, size]) => Buffer.from(bytes.subarray(offset, offset + size)),
  write(bytes, [offset, size], value, name) {
    const content = checked_bytes(value, name);
    if (content.length > size)
      throw new RangeError(`${name} must have at most ${size} bytes, not ${content.length}`);
    bytes.set(content, offset);
  },
};

/** Returns the codec of an array of `count` structs. */
export function array_of<T>(struct: Struct<T>, count: number): Codec<T[]> {
  return {
    read: (bytes, [offset]) =>
      Array.from({ length: count }, (_, index) =>
        struct.decode(bytes.subarray(offset + index * struct.size, offset + (index + 1) * struct.size)),
      ),
    write(bytes, [offset], value, name) {
      if (!Array.isArray(value) || value.length > count)
        throw new TypeError(`${name} must be an array of at most ${count} ${struct.name}`);
      value.forEach((item, index) => {
        bytes.set(struct.encode(item), offset + index * struct.size);
      });
    },
  };
}

/** Returns the value as an object with no other fields than `names`. @throws TypeError */
export function fields_of(value: unknown, name: string, names: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Array.isArray(value))
    throw new TypeError(
      `${name} must be an object with its fields (${names.join(', ')}), not ${shown(value)}`,
    );
  for (const key of Object.keys(value)) {
    if (!names.includes(key))
      throw new TypeError(`${name} has no field ${shown(key)}; its fields are ${names.join(', ')}`);
  }
  return value as Record<string, unknown>;
}

/**
 * define(name, codecs) -> the struct.
 *
 * @param name the name in C, and in native/structs.cc
 * @param codecs the codecs of the fields, in the order of C; a field is left out if the layout lacks it, as this kernel does
 * @param layout the layout, if it is not the one of that name
 */
export function define<T extends object, In = Encodable<T>>(
  name: string,
  codecs: { readonly [K in keyof T & string]-?: Codec<T[K] | undefined> },
  layout: StructLayout = layout_of(name),
): Struct<T, In> {
  const { size, fields } = layout;
  const rows = Object.entries<Codec<unknown>>(codecs).flatMap(([field, codec]) => {
    const at = fields[field];
    return at === undefined ? [] : [{ field, codec, at, end: at[0] + at[1], label: `${name}.${field}` }];
  });
  const names = rows.map(({ field }) => field);
  return Object.freeze({
    name,
    size,
    encode(value: In): Buffer {
      const values = fields_of(value, name, names);
      const bytes = Buffer.alloc(size);
      for (const { field, codec, at, label } of rows) {
        if (values[field] !== undefined) codec.write(bytes, at, values[field], label);
      }
      return bytes;
    },
    decode(bytes: BytesLike): T {
      const view = checked_bytes(bytes, 'bytes');
      const present = rows.filter(({ end }) => end <= view.length);
      return Object.fromEntries(present.map(({ field, codec, at }) => [field, codec.read(view, at)])) as T;
    },
  });
}

/**
 * with_length(struct, length, field) -> the struct with a `length` field, the number of bytes in `field` that count. decode
 * returns only these bytes; encode without a length takes the length of the bytes.
 */
export function with_length<
  L extends string,
  F extends string,
  T extends Record<L, number> & Record<F, Buffer>,
  In extends { readonly [K in L]?: number | bigint | undefined } & {
    readonly [K in F]?: BytesLike | undefined;
  },
>(struct: Struct<T, In>, length: L, field: F): Struct<T, In> {
  return Object.freeze({
    ...struct,
    encode(value: In): Buffer {
      const bytes: unknown = value?.[field];
      if (bytes === undefined || value[length] !== undefined) return struct.encode(value);
      return struct.encode({ ...value, [length]: checked_bytes(bytes, `${struct.name}.${field}`).length });
    },
    decode(bytes: BytesLike): T {
      const fields = struct.decode(bytes);
      // Shorter bytes may lack the field.
      const all: Buffer | undefined = fields[field];
      return all === undefined ? fields : { ...fields, [field]: all.subarray(0, fields[length]) };
    },
  });
}
