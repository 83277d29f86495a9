// The options of IPv4: RFC 791 (routes, timestamps), 1108 (security), 2113 (router alert).
import { array, integer, shown } from '../internal/validate.js';
import { read_ipv4, write_ipv4 } from './address.js';
import {
  type Decode,
  type Encode,
  made,
  type Option,
  type OptionFields,
  type OptionFormat,
  type OtherOption,
} from './options.js';

/** `pointer`: where the next address goes, in bytes from the option's type on, which is 1: 4 at first, beyond the end when all are used. */
interface Route {
  pointer: number;
  addresses: readonly string[];
}

/** What a machine on the way noted. */
interface TimestampEntry {
  /** undefined where the option has none (flag 0) */
  address?: string | undefined;
  /** in milliseconds since midnight, UTC; with the highest bit, something else */
  time: number;
}
interface Timestamp {
  /** where the next entry goes, in bytes from the option's type on, which is 1: 5 at first, beyond the end when all are used */
  pointer: number;
  /** how many machines found no room */
  overflow: number;
  /** 0: times only; 1: addresses and times; 3: the addresses are given, and only these machines note the time */
  flag: number;
  entries: readonly TimestampEntry[];
}

export type Ipv4Option =
  | Option<0, 'eol'>
  | Option<1, 'nop'>
  | Option<7, 'record_route', Route>
  | Option<68, 'timestamp', Timestamp>
  | Option<130, 'security'>
  | Option<131, 'loose_source_route', Route>
  | Option<136, 'stream_id', { id: number }>
  | Option<137, 'strict_source_route', Route>
  | Option<148, 'router_alert', { value: number }>
  | OtherOption;
export type Ipv4OptionFields = OptionFields<Ipv4Option>;

export const ipv4_options: OptionFormat = {
  layer: 'ipv4',
  alone: [0, 1],
  end: 0,
  unit: 1,
  counted: 2,
  types: {
    eol: 0,
    nop: 1,
    record_route: 7,
    timestamp: 68,
    security: 130,
    loose_source_route: 131,
    stream_id: 136,
    strict_source_route: 137,
    router_alert: 148,
  },
};

export const decode_ipv4_option: Decode<Ipv4Option> = (type, data, view, at) => {
  switch (type) {
    case 0:
      return { type, name: 'eol', data };
    case 1:
      return { type, name: 'nop', data };
    case 7:
      return data.length % 4 === 1
        ? { type, name: 'record_route', data, ...route(data, view, at) }
        : undefined;
    case 68: {
      const values = timestamp(data, view, at);
      return values && { type, name: 'timestamp', data, ...values };
    }
    case 130:
      return { type, name: 'security', data };
    case 131:
      if (data.length % 4 !== 1) return undefined;
      return { type, name: 'loose_source_route', data, ...route(data, view, at) };
    case 136:
      return data.length === 2 ? { type, name: 'stream_id', data, id: view.getUint16(at) } : undefined;
    case 137:
      if (data.length % 4 !== 1) return undefined;
      return { type, name: 'strict_source_route', data, ...route(data, view, at) };
    case 148:
      return data.length === 2 ? { type, name: 'router_alert', data, value: view.getUint16(at) } : undefined;
    default:
      return undefined;
  }
};

function route(data: Buffer, view: DataView, at: number): Route {
  const addresses: string[] = [];
  for (let i = 1; i < data.length; i += 4) addresses.push(read_ipv4(view, at + i));
  return { pointer: view.getUint8(at), addresses };
}

function timestamp(data: Buffer, view: DataView, at: number): Timestamp | undefined {
  if (data.length < 2) return undefined;
  const flag = view.getUint8(at + 1) & 15;
  const size = entry_size(flag);
  if (size === undefined || (data.length - 2) % size !== 0) return undefined;
  const entries: TimestampEntry[] = [];
  for (let end = 2 + size; end <= data.length; end += size) {
    const address = size === 8 ? read_ipv4(view, at + end - 8) : undefined;
    entries.push({ address, time: view.getUint32(at + end - 4) });
  }
  return { pointer: view.getUint8(at), overflow: view.getUint8(at + 1) >>> 4, flag, entries };
}

/** The bytes of an entry by the flag; undefined for one that has no meaning. */
function entry_size(flag: number): 4 | 8 | undefined {
  if (flag === 0) return 4;
  return flag === 1 || flag === 3 ? 8 : undefined;
}

function timestamp_bytes(option: Partial<Timestamp>, name: string): Uint8Array {
  const { entries = [] } = option;
  for (const [i, entry] of array(entries, `${name}.entries`).entries()) {
    if (typeof entry !== 'object' || entry === null)
      throw new TypeError(
        `${name}.entries[${i}] must be an object such as { address, time }, not ${shown(entry)}`,
      );
  }
  const has_addresses = entries.some(({ address }) => address !== undefined);
  const flag = integer(option.flag ?? (has_addresses ? 1 : 0), `${name}.flag`, 0, 15);
  const overflow = integer(option.overflow ?? 0, `${name}.overflow`, 0, 15);
  const size = entry_size(flag);
  if (size === undefined) throw new RangeError(`${name}.flag must be 0, 1 or 3, not ${flag}`);
  if (size === 4 && has_addresses) throw new RangeError(`${name}.flag is 0, which is without addresses`);
  return made(2 + entries.length * size, (view) => {
    view.setUint8(0, integer(option.pointer ?? 5, `${name}.pointer`, 0, 0xff));
    view.setUint8(1, (overflow << 4) | flag);
    for (const [i, { address = '0.0.0.0', time }] of entries.entries()) {
      const end = 2 + (i + 1) * size;
      if (size === 8) write_ipv4(view, end - 8, address, `${name}.entries[${i}].address`);
      view.setUint32(end - 4, integer(time, `${name}.entries[${i}].time`, 0, 0xffffffff));
    }
  });
}

export const encode_ipv4_option: Encode<Ipv4OptionFields> = (option, name) => {
  switch (option.name) {
    case 'record_route':
    case 'loose_source_route':
    case 'strict_source_route': {
      const addresses = array(option.addresses, `${name}.addresses`);
      return made(1 + addresses.length * 4, (view) => {
        view.setUint8(0, integer(option.pointer ?? 4, `${name}.pointer`, 0, 0xff));
        for (const [i, address] of addresses.entries()) {
          write_ipv4(view, 1 + i * 4, address, `${name}.addresses[${i}]`);
        }
      });
    }
    case 'timestamp':
      return timestamp_bytes(option, name);
    case 'stream_id':
      return made(2, (view) => view.setUint16(0, integer(option.id, `${name}.id`, 0, 0xffff)));
    case 'router_alert':
      return made(2, (view) => view.setUint16(0, integer(option.value ?? 0, `${name}.value`, 0, 0xffff)));
    default:
      return undefined;
  }
};

/** Whom a source route leads to in the end, if it is not there yet: the last address of the options between two offsets. */
export function end_of_route(view: DataView, start: number, end: number): number | undefined {
  for (let at = start; at + 3 <= end; ) {
    const type = view.getUint8(at);
    if (type === 0) return undefined;
    const length = type === 1 ? 1 : view.getUint8(at + 1);
    if (length === 0 || at + length > end) return undefined;
    const is_route = (type === 131 || type === 137) && length >= 7;
    if (is_route && view.getUint8(at + 2) <= length) return at + length - 4;
    at += length;
  }
  return undefined;
}
