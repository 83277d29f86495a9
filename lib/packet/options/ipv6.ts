// The options in IPv6's hop-by-hop and destination options headers: RFC 8200, 2675 (jumbo), 2711 (router alert), 6275 (home address).
import { ipv6_address, layout, u16, u32 } from './option_values.js';
import { type Option, type OptionFields, OptionList, type OtherOption } from './options.js';

export type Ipv6Option =
  | Option<0, 'pad1'>
  | Option<1, 'padn'>
  | Option<5, 'router_alert', { value: number }>
  | Option<0xc2, 'jumbo_payload', { length: number }>
  | Option<0xc9, 'home_address', { address: string }>
  | OtherOption;
export type Ipv6OptionFields = OptionFields<Ipv6Option>;

export const ipv6_options = new OptionList<Ipv6Option>(
  { layer: 'ipv6', alone: [0], unit: 1, counted: 0 },
  {
    pad1: [0],
    padn: [1],
    router_alert: [5, layout({ value: u16(0) })],
    jumbo_payload: [0xc2, layout({ length: u32() })],
    home_address: [0xc9, layout({ address: ipv6_address })],
  },
);
