// The options of IPv4: RFC 791 (routes, timestamps), 1108 (security), 2113 (router alert).
import { array, integer } from '../internal/validate.js';
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

export type Ipv4Option =
  | Option<0, 'eol'>
  | Option<1, 'nop'>
  | Option<7, 'record_route', Route>
  | Option<68, 'timestamp'>
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
    case 68:
      return { type, name: 'timestamp', data };
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
