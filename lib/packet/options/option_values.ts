// The values in the data of options. A layout of fields, one behind the other, is a codec; data of another form have a codec of their
// own.
import { array, bytes, integer, shown } from '../../util/validate.js';
import {
  hardware_length,
  read_hardware,
  read_ipv4,
  read_ipv6,
  write_hardware,
  write_ipv4,
  write_ipv6,
} from '../bytes/address.js';
import { type FieldNames, field_names, type Names } from '../bytes/fields.js';

/** Converts the data of one kind of option to values and back. */
export interface AnyCodec {
  /** names of the values: no other field is accepted */
  readonly names: Names;
  /** Returns undefined if the data are not of this form, or if the values alone would not give the same data. */
  read(data: Buffer, view: DataView, at: number): object | undefined;
  /**
   * @param given the data, if these are given beside the values
   * @throws TypeError, RangeError naming the value
   */
  write(values: object, field: string, given?: Uint8Array): Uint8Array;
}

/** A codec of values of this type. */
export interface Codec<Values extends object> extends AnyCodec {
  readonly names: FieldNames<keyof Values>;
  read(data: Buffer, view: DataView, at: number): Values | undefined;
  write(values: Partial<Values>, field: string, given?: Uint8Array): Uint8Array;
}

/** One value in the data of an option. */
export interface Field<Value> {
  /** in bytes; undefined: the bytes that the other fields leave */
  readonly size?: number | undefined;
  /** Returns undefined if the bytes are not of this form. */
  read(view: DataView, at: number, size: number): Value | undefined;
  /** @throws TypeError, RangeError */
  write(value: unknown, name: string): Uint8Array;
}

type Fields = Readonly<Record<string, Field<unknown>>>;
type ValuesOf<F extends Fields> = {
  readonly [Name in Exclude<keyof F, 'reserved'>]: F[Name] extends Field<infer Value> ? Value : never;
};

/** Returns the codec of fields in their order; `reserved` is no value. At most one field has no size. */
export function layout<F extends Fields>(fields: F): Codec<ValuesOf<F>> {
  const rows = Object.entries(fields).map(([name, field]) => ({ name, field }));
  const sized = rows.reduce((sum, { field }) => sum + (field.size ?? 0), 0);
  const is_open = rows.some(({ field }) => field.size === undefined);
  return {
    // The types follow from the fields, which entries do not keep.
    names: field_names(
      ...rows.map(({ name }) => name).filter((name) => name !== 'reserved'),
    ) as Names as FieldNames<keyof ValuesOf<F>>,

    read(data, view, start) {
      const left = data.length - sized;
      if (left < 0 || (left > 0 && !is_open)) return undefined;
      const values: Record<string, unknown> = {};
      let at = start;
      for (const { name, field } of rows) {
        const size = field.size ?? left;
        const value = field.read(view, at, size);
        if (value === undefined) return undefined;
        if (name !== 'reserved') values[name] = value;
        at += size;
      }
      // The types follow from the fields, which entries do not keep.
      return values as never;
    },

    write(values: Readonly<Record<string, unknown>>, of) {
      return Buffer.concat(rows.map(({ name, field }) => field.write(values[name], `${of}.${name}`)));
    },
  };
}

/** Returns `size` bytes that `write` fills by a view of them. */
export function bytes_of(size: number, write: (view: DataView) => void): Uint8Array {
  const data = new Uint8Array(size);
  write(new DataView(data.buffer));
  return data;
}

const uint = (bits: 8 | 16 | 32) => {
  const [get, set] = [`getUint${bits}`, `setUint${bits}`] as const;
  return (standard?: number): Field<number> => ({
    size: bits / 8,
    read: (view, at) => view[get](at),
    write: (value, name) =>
      bytes_of(bits / 8, (view) => view[set](0, integer(value ?? standard, name, 0, 2 ** bits - 1))),
  });
};
/** A number; it may be left out if a default is given. */
export const u8 = uint(8);
export const u16 = uint(16);
export const u32 = uint(32);

export const ipv4_address: Field<string> = {
  size: 4,
  read: read_ipv4,
  write: (value, name) => bytes_of(4, (view) => write_ipv4(view, 0, value, name)),
};
export const ipv6_address: Field<string> = {
  size: 16,
  read: read_ipv6,
  write: (value, name) => bytes_of(16, (view) => write_ipv6(view, 0, value, name)),
};
/** A link-layer address of the length that is left. */
export const hardware_address: Field<string> = {
  read: read_hardware,
  write(value, name) {
    const size = hardware_length(value) ?? 6;
    return bytes_of(size, (view) => write_hardware(view, 0, value, name, size));
  },
};

/** Bytes as they are. */
export const raw_bytes: Field<Buffer> = {
  read: (view, at, size) => Buffer.from(view.buffer, view.byteOffset + at, size),
  write: bytes,
};

/** The same; none unless given. */
export const some_bytes: Field<Buffer> = {
  ...raw_bytes,
  write: (value, name) => bytes(value ?? new Uint8Array(0), name),
};

/** Bytes that are zero. */
export const reserved = (size: number): Field<0> => ({
  size,
  read(view, at) {
    for (let i = 0; i < size; i++) if (view.getUint8(at + i) !== 0) return undefined;
    return 0;
  },
  write: () => new Uint8Array(size),
});

/** A list that fills the bytes that are left. */
export const list_of = <Value>({ size = 1, read, write }: Field<Value>): Field<readonly Value[]> => ({
  read(view, start, length) {
    if (length % size !== 0) return undefined;
    const values: Value[] = [];
    for (let at = start; at < start + length; at += size) {
      const value = read(view, at, size);
      if (value === undefined) return undefined;
      values.push(value);
    }
    return values;
  },
  write: (values, name) =>
    Buffer.concat(array(values, name).map((value, i) => write(value, `${name}[${i}]`))),
});

/** Text in UTF-8 that fills the bytes that are left; empty unless given. */
export const text: Field<string> = {
  read(view, at, size) {
    const bytes = Buffer.from(view.buffer, view.byteOffset + at, size);
    const value = bytes.toString('utf8');
    return Buffer.compare(Buffer.from(value), bytes) === 0 ? value : undefined;
  },
  write(value = '', name) {
    if (typeof value !== 'string') throw new TypeError(`${name} must be a string, not ${shown(value)}`);
    return Buffer.from(value);
  },
};

/** Bytes of a fixed size, zeros unless given. */
export const exact_bytes = (size: number): Field<Buffer> => ({
  size,
  read: (view, at) => Buffer.from(view.buffer, view.byteOffset + at, size),
  write(value, name) {
    const given = bytes(value ?? new Uint8Array(size), name);
    if (given.length !== size) throw new RangeError(`${name} must have ${size} bytes, not ${given.length}`);
    return given;
  },
});

/** A number of 24 bits. */
export const u24 = (standard?: number): Field<number> => ({
  size: 3,
  read: (view, at) => view.getUint16(at) * 256 + view.getUint8(at + 2),
  write: (value, name) =>
    bytes_of(4, (view) => view.setUint32(0, integer(value ?? standard, name, 0, 0xffffff))).subarray(1),
});

/** Bytes that tell one kind of data from others of the same type. */
export const mark = (hex: string): Field<0> => {
  const wanted = Buffer.from(hex, 'hex');
  return {
    size: wanted.length,
    read: (view, at) => (wanted.every((byte, i) => view.getUint8(at + i) === byte) ? 0 : undefined),
    write: () => wanted,
  };
};

/** A value that fills the bytes that are left, behind its length of 8 bits. */
export const counted = <Value>({ read, write }: Field<Value>): Field<Value> => ({
  read(view, at, size) {
    return size > 0 && view.getUint8(at) === size - 1 ? read(view, at + 1, size - 1) : undefined;
  },
  write(value, name) {
    const content = write(value, name);
    if (content.length > 0xff) throw new RangeError(`${name} is longer than 255 bytes`);
    return Buffer.concat([Uint8Array.of(content.length), content]);
  },
});

/** An Ethernet address, zero unless given. */
export const mac_address: Field<string> = {
  size: 6,
  read: (view, at) => read_hardware(view, at),
  write: (value, name) => bytes_of(6, (view) => write_hardware(view, 0, value ?? '00:00:00:00:00:00', name)),
};

/** A link-layer address of a fixed size. */
export const exact_hardware = (size: number): Field<string> => ({
  size,
  read: (view, at) => read_hardware(view, at, size),
  write: (value, name) => bytes_of(size, (view) => write_hardware(view, 0, value, name, size)),
});

/** UTF-8 text, ended by a zero byte, that fills the bytes that are left. */
export const zero_ended: Field<string> = {
  read(view, at, size) {
    const value = size > 0 && view.getUint8(at + size - 1) === 0 ? text.read(view, at, size - 1) : undefined;
    return value?.includes('\0') ? undefined : value;
  },
  write: (value, name) => Buffer.concat([text.write(value, name), Uint8Array.of(0)]),
};
