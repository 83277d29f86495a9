// The options in IPv6's hop-by-hop and destination options headers: RFC 8200, 2675 (jumbo), 2711 (router alert), 6275 (home address).
import { ipv6_address, layout, u16, u32 } from './option_values.js';
import { type OptionFields, OptionList, type OptionsOf } from './options.js';

export const ipv6_options = new OptionList(
  { layer: 'ipv6', alone: [0], unit: 1, counted: 0 },
  {
    pad1: [0],
    padn: [1],
    router_alert: [5, layout({ value: u16(0) })],
    jumbo_payload: [0xc2, layout({ length: u32() })],
    home_address: [0xc9, layout({ address: ipv6_address })],
  },
);
/** An option of a hop-by-hop or destination header, RFC 8200, as parsed. */
export type Ipv6Option = OptionsOf<typeof ipv6_options>;
/** An option of a hop-by-hop or destination header as build takes it. */
export type Ipv6OptionFields = OptionFields<Ipv6Option>;
