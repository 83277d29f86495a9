// The options in IPv6's hop-by-hop and destination options headers: RFC 8200, 2675 (jumbo), 2711 (router alert), 6275 (home address).
import { integer } from '../internal/validate.js';
import { read_ipv6, write_ipv6 } from './address.js';
import {
  type Decode,
  type Encode,
  made,
  type Option,
  type OptionFields,
  type OptionFormat,
  type OtherOption,
} from './options.js';

export type Ipv6Option =
  | Option<0, 'pad1'>
  | Option<1, 'padn'>
  | Option<5, 'router_alert', { value: number }>
  | Option<0xc2, 'jumbo_payload', { length: number }>
  | Option<0xc9, 'home_address', { address: string }>
  | OtherOption;
export type Ipv6OptionFields = OptionFields<Ipv6Option>;

export const ipv6_options: OptionFormat = {
  layer: 'ipv6',
  alone: [0],
  unit: 1,
  counted: 0,
  types: { pad1: 0, padn: 1, router_alert: 5, jumbo_payload: 0xc2, home_address: 0xc9 },
};

export const decode_ipv6_option: Decode<Ipv6Option> = (type, data, view, at) => {
  switch (type) {
    case 0:
      return { type, name: 'pad1', data };
    case 1:
      return { type, name: 'padn', data };
    case 5:
      return data.length === 2 ? { type, name: 'router_alert', data, value: view.getUint16(at) } : undefined;
    case 0xc2:
      return data.length === 4
        ? { type, name: 'jumbo_payload', data, length: view.getUint32(at) }
        : undefined;
    case 0xc9:
      return data.length === 16
        ? { type, name: 'home_address', data, address: read_ipv6(view, at) }
        : undefined;
    default:
      return undefined;
  }
};

export const encode_ipv6_option: Encode<Ipv6OptionFields> = (option, name) => {
  switch (option.name) {
    case 'router_alert':
      return made(2, (view) => view.setUint16(0, integer(option.value ?? 0, `${name}.value`, 0, 0xffff)));
    case 'jumbo_payload':
      return made(4, (view) => view.setUint32(0, integer(option.length, `${name}.length`, 0, 0xffffffff)));
    case 'home_address':
      return made(16, (view) => write_ipv6(view, 0, option.address, `${name}.address`));
    default:
      return undefined;
  }
};
