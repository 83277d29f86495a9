// The options of neighbour discovery: RFC 4861, 3971 (nonce), 4191 (routes), 8106 (name servers).
import { array, type BytesLike, bytes, integer } from '../internal/validate.js';
import { hardware_length, read_hardware, read_ipv6, write_hardware, write_ipv6 } from './address.js';
import { read_domains, write_domains } from './domains.js';
import {
  type Decode,
  type Encode,
  made,
  type Option,
  type OptionFields,
  type OptionFormat,
  type OtherOption,
} from './options.js';

interface Prefix {
  /** in bits */
  prefix_length: number;
  /** 0x80: on this link; 0x40: hosts may make addresses of it */
  flags: number;
  /** in seconds; 0xffffffff is for ever */
  valid_lifetime: number;
  preferred_lifetime: number;
  prefix: string;
}

interface RouteInformation {
  /** in bits */
  prefix_length: number;
  /** 0x08: high, 0x18: low preference among routers */
  flags: number;
  /** in seconds; 0xffffffff is for ever */
  lifetime: number;
  prefix: string;
}

export type NdpOption =
  | Option<1, 'source_link_layer', { address: string }>
  | Option<2, 'target_link_layer', { address: string }>
  | Option<3, 'prefix_information', Prefix>
  /** the packet that was redirected, as far as it fits */
  | Option<4, 'redirected_header', { packet: Buffer }>
  | Option<5, 'mtu', { mtu: number }>
  | Option<14, 'nonce'>
  | Option<24, 'route_information', RouteInformation>
  /** lifetimes are in seconds */
  | Option<25, 'rdnss', { lifetime: number; addresses: readonly string[] }>
  | Option<31, 'dnssl', { lifetime: number; domains: readonly string[] }>
  | OtherOption;
export type NdpOptionFields = OptionFields<NdpOption>;

export const ndp_options: OptionFormat = {
  layer: 'icmpv6',
  alone: [],
  unit: 8,
  counted: 2,
  types: {
    source_link_layer: 1,
    target_link_layer: 2,
    prefix_information: 3,
    redirected_header: 4,
    mtu: 5,
    nonce: 14,
    route_information: 24,
    rdnss: 25,
    dnssl: 31,
  },
};

// An option whose reserved bits are not zero, or whose names are not written as here, stays 'unknown': its values alone would not give it again.
export const decode_ndp_option: Decode<NdpOption> = (type, data, view, at) => {
  const size = data.length;
  switch (type) {
    case 1:
      return { type, name: 'source_link_layer', data, address: read_hardware(view, at, size) };
    case 2:
      return { type, name: 'target_link_layer', data, address: read_hardware(view, at, size) };
    case 3:
      if (size !== 30 || view.getUint32(at + 10) !== 0) return undefined;
      return { type, name: 'prefix_information', data, ...prefix(view, at) };
    case 4:
      if (data.subarray(0, 6).some((byte) => byte !== 0)) return undefined;
      return { type, name: 'redirected_header', data, packet: data.subarray(6) };
    case 5:
      if (size !== 6 || view.getUint16(at) !== 0) return undefined;
      return { type, name: 'mtu', data, mtu: view.getUint32(at + 2) };
    case 14:
      return { type, name: 'nonce', data };
    case 24:
      if (size !== 6 && size !== 14 && size !== 22) return undefined;
      return { type, name: 'route_information', data, ...route(data, view, at) };
    case 25: {
      if (size % 16 !== 6 || view.getUint16(at) !== 0) return undefined;
      const addresses: string[] = [];
      for (let i = 6; i < size; i += 16) addresses.push(read_ipv6(view, at + i));
      return { type, name: 'rdnss', data, lifetime: view.getUint32(at + 2), addresses };
    }
    case 31: {
      if (size < 6 || view.getUint16(at) !== 0) return undefined;
      const domains = read_domains(data.subarray(6));
      if (domains === undefined || !search_list(domains, 'domains').equals(data.subarray(6)))
        return undefined;
      return { type, name: 'dnssl', data, lifetime: view.getUint32(at + 2), domains };
    }
    default:
      return undefined;
  }
};

function prefix(view: DataView, at: number): Prefix {
  return {
    prefix_length: view.getUint8(at),
    flags: view.getUint8(at + 1),
    valid_lifetime: view.getUint32(at + 2),
    preferred_lifetime: view.getUint32(at + 6),
    prefix: read_ipv6(view, at + 14),
  };
}

/** A route, of whose prefix only the first bytes may be there. */
function route(data: Buffer, view: DataView, at: number): RouteInformation {
  const prefix = made(16, (bytes) => {
    for (let i = 6; i < data.length; i++) bytes.setUint8(i - 6, view.getUint8(at + i));
  });
  return {
    prefix_length: view.getUint8(at),
    flags: view.getUint8(at + 1),
    lifetime: view.getUint32(at + 2),
    prefix: read_ipv6(new DataView(prefix.buffer), 0),
  };
}

/** How many bytes of a prefix are sent: as many as the data have, if given, or as its length asks for; and all that are not zero. */
function sent_bytes(prefix: Uint8Array, prefix_length: number, data: BytesLike | undefined): number {
  const last = prefix.findLastIndex((byte) => byte !== 0) + 1;
  const asked = data === undefined ? prefix_length / 8 : data.byteLength - 6;
  return Math.min(16, Math.ceil(Math.max(last, asked) / 8) * 8);
}

/** Domain names, with zeros that let the option end at a multiple of 8 bytes. */
function search_list(domains: unknown, field: string): Buffer {
  const names = write_domains(domains, field);
  return Buffer.concat([names, new Uint8Array(-names.length & 7)]);
}

export const encode_ndp_option: Encode<NdpOptionFields> = (option, name) => {
  const field = (key: string): string => `${name}.${key}`;
  const u32 = (value: unknown, key: string): number => integer(value, field(key), 0, 0xffffffff);
  switch (option.name) {
    case 'source_link_layer':
    case 'target_link_layer': {
      const size = hardware_length(option.address) ?? 6;
      return made(size, (view) => write_hardware(view, 0, option.address, field('address'), size));
    }
    case 'prefix_information':
      return made(30, (view) => {
        view.setUint8(0, integer(option.prefix_length ?? 64, field('prefix_length'), 0, 255));
        view.setUint8(1, integer(option.flags ?? 0xc0, field('flags'), 0, 255));
        view.setUint32(2, u32(option.valid_lifetime ?? 2_592_000, 'valid_lifetime'));
        view.setUint32(6, u32(option.preferred_lifetime ?? 604_800, 'preferred_lifetime'));
        write_ipv6(view, 14, option.prefix, field('prefix'));
      });
    case 'redirected_header':
      return Buffer.concat([new Uint8Array(6), bytes(option.packet, field('packet'))]);
    case 'mtu':
      return made(6, (view) => view.setUint32(2, u32(option.mtu, 'mtu')));
    case 'rdnss': {
      const addresses = array(option.addresses, field('addresses'));
      return made(6 + addresses.length * 16, (view) => {
        view.setUint32(2, u32(option.lifetime ?? 1800, 'lifetime'));
        for (const [i, address] of addresses.entries()) {
          write_ipv6(view, 6 + i * 16, address, `${field('addresses')}[${i}]`);
        }
      });
    }
    case 'route_information': {
      const prefix_length = integer(option.prefix_length ?? 64, field('prefix_length'), 0, 255);
      const prefix = made(16, (view) => write_ipv6(view, 0, option.prefix, field('prefix')));
      const head = made(6, (view) => {
        view.setUint8(0, prefix_length);
        view.setUint8(1, integer(option.flags ?? 0, field('flags'), 0, 255));
        view.setUint32(2, u32(option.lifetime ?? 1800, 'lifetime'));
      });
      return Buffer.concat([head, prefix.subarray(0, sent_bytes(prefix, prefix_length, option.data))]);
    }
    case 'dnssl': {
      const head = made(6, (view) => view.setUint32(2, u32(option.lifetime ?? 1800, 'lifetime')));
      return Buffer.concat([head, search_list(option.domains, field('domains'))]);
    }
    default:
      return undefined;
  }
};
