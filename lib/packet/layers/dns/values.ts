// The kinds of values in the data of records: numbers, addresses, names, texts, lists. Each reads and writes its value.
import { array, shown, bytes as to_bytes } from '../../../util/validate.js';
import { read_ipv4, read_ipv6, write_ipv4, write_ipv6 } from '../../bytes/address.js';
import { bytes_of } from '../../options/option_values.js';
import type { Reader, Writer } from './message.js';
import { types } from './numbers.js';

/** A kind of values. Reading returns undefined if the bytes up to `reader.end` are not of this kind. */
export interface Kind<Value> {
  read(reader: Reader): Value | undefined;
  /** @throws TypeError, RangeError naming the field */
  write(writer: Writer, value: unknown, name: string): void;
}

const number = (size: 8 | 16 | 32) => {
  const method = `u${size}` as const;
  return (standard = 0): Kind<number> => ({
    read: (reader) => reader[method](),
    write: (writer, value, name) => writer[method](value ?? standard, name),
  });
};
/** Numbers; the default is 0 unless given. */
export const u8 = number(8);
export const u16 = number(16);
export const u32 = number(32);

const address = (
  size: number,
  read: (view: DataView, at: number) => string,
  write: (view: DataView, at: number, value: unknown, name: string) => void,
): Kind<string> => ({
  read(reader) {
    const at = reader.take(size);
    return at < 0 ? undefined : read(reader.view, at);
  },
  write: (writer, value, name) => writer.raw(bytes_of(size, (view) => write(view, 0, value, name))),
});
export const ipv4 = address(4, read_ipv4, write_ipv4);
export const ipv6 = address(16, read_ipv6, write_ipv6);

/** A name that may be compressed, in records of RFC 1035. */
export const name: Kind<string> = {
  read: (reader) => reader.name(),
  write: (writer, value, field) => writer.name(value, field),
};
/** A name that is written whole, in all later records. */
export const whole_name: Kind<string> = {
  read: (reader) => reader.name(),
  write: (writer, value, field) => writer.name(value, field, true),
};

/** The bytes that are left. */
export const data: Kind<Buffer> = {
  read: (reader) => reader.rest(),
  write: (writer, value, field) => writer.data(value ?? new Uint8Array(), field),
};

/** Text that is UTF-8; other bytes as they are. */
export type Text = string | Buffer;

function text_of(bytes: Buffer): Text {
  const text = bytes.toString('utf8');
  return Buffer.compare(Buffer.from(text), bytes) === 0 ? text : bytes;
}

function bytes_of_text(value: unknown, field: string): Uint8Array {
  return typeof value === 'string' ? Buffer.from(value) : to_bytes(value, field);
}

/** A character string: text behind its length. */
export const string: Kind<Text> = {
  read(reader) {
    const size = reader.u8();
    const at = size === undefined ? -1 : reader.take(size);
    return at < 0 ? undefined : text_of(reader.bytes.subarray(at, reader.at));
  },
  write(writer, value, field) {
    const bytes = bytes_of_text(value ?? '', field);
    if (bytes.length > 255) throw new RangeError(`${field} must have at most 255 bytes, not ${bytes.length}`);
    writer.u8(bytes.length, field);
    writer.raw(bytes);
  },
};
/** Text up to the end. */
export const rest_text: Kind<Text> = {
  read: (reader) => text_of(reader.rest()),
  write: (writer, value, field) => writer.raw(bytes_of_text(value ?? '', field)),
};

/** Values up to the end. */
export const list = <Value>(kind: Kind<Value>): Kind<readonly Value[]> => ({
  read(reader) {
    const values: Value[] = [];
    while (reader.at < reader.end) {
      const value = kind.read(reader);
      if (value === undefined) return undefined;
      values.push(value);
    }
    return values;
  },
  write(writer, values, field) {
    for (const [i, value] of array(values ?? [], field).entries())
      kind.write(writer, value, `${field}[${i}]`);
  },
});

/** The name of one type of records. */
export const type: Kind<string> = {
  read(reader) {
    const value = reader.u16();
    return value === undefined ? undefined : types.name(value);
  },
  write: (writer, value, field) => writer.u16(types.number(value, field), field),
};

/** Types of records as windows of bits, RFC 4034, 4.1.2. */
export const type_list: Kind<readonly string[]> = {
  read(reader) {
    const found: string[] = [];
    while (reader.at < reader.end) {
      const window = reader.u8();
      const size = reader.u8();
      const at = size === undefined || size > 32 ? -1 : reader.take(size);
      if (window === undefined || at < 0) return undefined;
      for (let bit = 0; bit < (reader.at - at) * 8; bit++)
        if (reader.view.getUint8(at + (bit >> 3)) & (0x80 >> (bit & 7)))
          found.push(types.name(window * 256 + bit));
    }
    return found;
  },
  write(writer, value, field) {
    const numbers = array(value ?? [], field).map((one, i) => types.number(one, `${field}[${i}]`));
    for (const window of new Set(numbers.map((one) => one >> 8).sort((a, b) => a - b))) {
      const bits = numbers.filter((one) => one >> 8 === window).map((one) => one & 0xff);
      const bytes = new Uint8Array((Math.max(...bits) >> 3) + 1);
      for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
      writer.raw(Uint8Array.of(window, bytes.length, ...bytes));
    }
  },
};

/** Options of one list up to the end; `name` is that of the list in messages. */
export const options = <One>(list: {
  read(input: Reader['input'], start: number, end: number): One[];
  bytes(options: unknown, field: string): Uint8Array;
}): Kind<readonly One[]> => ({
  read(reader) {
    const { at, end, input } = reader;
    const problems = input.problems.length;
    const { partial } = input;
    // The data of a record are there as a whole.
    input.partial = false;
    const found = list.read(input, at, end);
    input.partial = partial;
    // Options that do not fit make the record one of another form.
    if (input.problems.length > problems) {
      input.problems.length = problems;
      return undefined;
    }
    reader.at = end;
    return found;
  },
  write: (writer, value, field) => writer.raw(list.bytes(value ?? [], field)),
});

/** Returns what a value must be, for messages. */
export function no_item(value: unknown, field: string, example: string): TypeError {
  return new TypeError(`${field} must be an object such as ${example}, not ${shown(value)}`);
}
