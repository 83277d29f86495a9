// The options of neighbour discovery: RFC 4861, 3971 (nonce), 4191 (routes), 8106 (name servers).
import { integer } from '../../util/validate.js';
import { read_ipv6, write_ipv6 } from '../bytes/address.js';
import { read_domains, write_domains } from '../bytes/domain_names.js';
import { field_names } from '../bytes/fields.js';
import {
  bytes_of,
  type Codec,
  type Field,
  hardware_address,
  ipv6_address,
  layout,
  list_of,
  raw_bytes,
  reserved,
  u8,
  u32,
} from './option_values.js';
import { type OptionFields, OptionList, type OptionsOf } from './options.js';

interface RedirectedHeader {
  readonly packet: Buffer;
}

interface Prefix {
  /** in bits */
  prefix_length: number;
  /** 0x80: the prefix is on this link; 0x40: hosts may form addresses of it */
  flags: number;
  /** in seconds; 0xffffffff is infinity */
  valid_lifetime: number;
  preferred_lifetime: number;
  prefix: string;
}
interface RouteInformation {
  /** in bits */
  prefix_length: number;
  /** 0x08: high, 0x18: low preference among routers */
  flags: number;
  /** in seconds; 0xffffffff is infinity */
  lifetime: number;
  prefix: string;
}

const prefix_information: Codec<Prefix> = layout({
  prefix_length: u8(64),
  flags: u8(0xc0),
  valid_lifetime: u32(2_592_000),
  preferred_lifetime: u32(604_800),
  reserved: reserved(4),
  prefix: ipv6_address,
});

const route_information: Codec<RouteInformation> = {
  names: field_names('prefix_length flags lifetime prefix'),
  // The option may hold only the first bytes of the prefix.
  read(data, view, at) {
    if (![6, 14, 22].includes(data.length)) return undefined;
    const prefix = bytes_of(16, (bytes) => Buffer.from(bytes.buffer).set(data.subarray(6)));
    return {
      prefix_length: view.getUint8(at),
      flags: view.getUint8(at + 1),
      lifetime: view.getUint32(at + 2),
      prefix: read_ipv6(new DataView(prefix.buffer), 0),
    };
  },
  write({ prefix_length = 64, flags = 0, lifetime = 1800, prefix }, field, given) {
    const all = bytes_of(22, (view) => {
      view.setUint8(0, integer(prefix_length, `${field}.prefix_length`, 0, 0xff));
      view.setUint8(1, integer(flags, `${field}.flags`, 0, 0xff));
      view.setUint32(2, integer(lifetime, `${field}.lifetime`, 0, 0xffffffff));
      write_ipv6(view, 6, prefix, `${field}.prefix`);
    });
    // The prefix gets the bytes of the data given, or those that its length asks for, but never loses bytes that are not zero.
    const asked = given === undefined ? prefix_length / 8 : given.length - 6;
    const used = all.findLastIndex((byte) => byte !== 0) - 5;
    return all.subarray(0, 6 + Math.min(16, Math.ceil(Math.max(asked, used, 0) / 8) * 8));
  },
};

const redirected_header: Codec<RedirectedHeader> = layout({ reserved: reserved(6), packet: raw_bytes });

/** Domain names, padded with zeros so that the option ends at a multiple of 8 bytes. */
const search_list: Field<readonly string[]> = {
  read(view, at, size) {
    const bytes = Buffer.from(view.buffer, view.byteOffset + at, size);
    const domains = read_domains(bytes);
    return domains !== undefined && Buffer.compare(search_list.write(domains, ''), bytes) === 0
      ? domains
      : undefined;
  },
  write(domains, name) {
    const names = write_domains(domains, name);
    return Buffer.concat([names, new Uint8Array(-names.length & 7)]);
  },
};

export const ndp_options = new OptionList(
  { layer: 'icmpv6', alone: [], unit: 8, counted: 2 },
  {
    source_link_layer: [1, layout({ address: hardware_address })],
    target_link_layer: [2, layout({ address: hardware_address })],
    prefix_information: [3, prefix_information],
    /** packet: the beginning of the redirected packet */
    redirected_header: [4, redirected_header],
    mtu: [5, layout({ reserved: reserved(2), mtu: u32() })],
    nonce: [14],
    route_information: [24, route_information],
    /** the lifetime is in seconds, as in dnssl */
    rdnss: [25, layout({ reserved: reserved(2), lifetime: u32(1800), addresses: list_of(ipv6_address) })],
    dnssl: [31, layout({ reserved: reserved(2), lifetime: u32(1800), domains: search_list })],
  },
);
/** An option of neighbour discovery, RFC 4861, as parsed. */
export type NdpOption = OptionsOf<typeof ndp_options>;
/** An option of neighbour discovery as build takes it. */
export type NdpOptionFields = OptionFields<NdpOption>;
