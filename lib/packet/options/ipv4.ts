// The options of IPv4: RFC 791 (routes, timestamps), 1108 (security), 2113 (router alert).
import { array, integer } from '../../util/validate.js';
import { read_ipv4, write_ipv4 } from '../bytes/address.js';
import { type FieldNames, field_names, known } from '../bytes/fields.js';
import { bytes_of, type Codec, ipv4_address, layout, list_of, u8, u16 } from './option_values.js';
import { type OptionFields, OptionList, type OptionsOf } from './options.js';

interface Route {
  /** the position of the next address, in bytes from the option's type (1) on: 4 at first, beyond the end if all are used */
  pointer: number;
  addresses: readonly string[];
}
/** An entry noted by a router on the way. */
interface TimestampEntry {
  /** undefined if the option has no addresses (flag 0) */
  address?: string | undefined;
  /** in milliseconds since midnight, UTC; with the highest bit set, another time */
  time: number;
}
interface Timestamp {
  /** the position of the next entry, in bytes from the option's type (1) on: 5 at first, beyond the end if all are used */
  pointer: number;
  /** the number of routers that found no room */
  overflow: number;
  /** 0: times only; 1: addresses and times; 3: the addresses are given, and only these routers note the time */
  flag: number;
  entries: readonly TimestampEntry[];
}

const ENTRY_FIELDS: FieldNames<keyof TimestampEntry> = field_names('address time');

/** Returns the bytes of an entry by the flag; undefined for a flag without a meaning. */
function entry_size(flag: number): 4 | 8 | undefined {
  if (flag === 0) return 4;
  return flag === 1 || flag === 3 ? 8 : undefined;
}

const timestamp: Codec<Timestamp> = {
  names: field_names('pointer overflow flag entries'),
  read(data, view, at) {
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
  },
  write({ pointer = 5, overflow = 0, entries = [], ...given }, field) {
    array(entries, `${field}.entries`);
    for (const [i, entry] of entries.entries()) known(entry, `${field}.entries[${i}]`, ENTRY_FIELDS);
    const has_addresses = entries.some(({ address }) => address !== undefined);
    const flag = integer(given.flag ?? (has_addresses ? 1 : 0), `${field}.flag`, 0, 15);
    const size = entry_size(flag);
    if (size === undefined) throw new RangeError(`${field}.flag must be 0, 1 or 3, not ${flag}`);
    if (size === 4 && has_addresses) throw new RangeError(`${field}.flag is 0, which is without addresses`);
    return bytes_of(2 + entries.length * size, (view) => {
      view.setUint8(0, integer(pointer, `${field}.pointer`, 0, 0xff));
      view.setUint8(1, (integer(overflow, `${field}.overflow`, 0, 15) << 4) | flag);
      for (const [i, { address = '0.0.0.0', time }] of entries.entries()) {
        const end = 2 + (i + 1) * size;
        if (size === 8) write_ipv4(view, end - 8, address, `${field}.entries[${i}].address`);
        view.setUint32(end - 4, integer(time, `${field}.entries[${i}].time`, 0, 0xffffffff));
      }
    });
  },
};

const route: Codec<Route> = layout({ pointer: u8(4), addresses: list_of(ipv4_address) });

export const ipv4_options = new OptionList(
  { layer: 'ipv4', alone: [0, 1], end: 0, unit: 1, counted: 2 },
  {
    eol: [0],
    nop: [1],
    record_route: [7, route],
    timestamp: [68, timestamp],
    security: [130],
    loose_source_route: [131, route],
    stream_id: [136, layout({ id: u16() })],
    strict_source_route: [137, route],
    router_alert: [148, layout({ value: u16(0) })],
  },
);
/** An option of an IPv4 header, RFC 791, as parsed. */
export type Ipv4Option = OptionsOf<typeof ipv4_options>;
/** An option of an IPv4 header as build takes it. */
export type Ipv4OptionFields = OptionFields<Ipv4Option>;

/** Returns the offset of a source route's last address, which is the final destination, if the packet is still on its way there. */
export function end_of_route(view: DataView, start: number, end: number): number | undefined {
  return ipv4_options.find(view, start, end, (type, at, size) => {
    const is_route = (type === 131 || type === 137) && size >= 7;
    return is_route && view.getUint8(at + 2) <= size ? at + size - 4 : undefined;
  });
}
