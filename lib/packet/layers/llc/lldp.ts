// LLDP, IEEE 802.1AB: what a device says of itself and of its port, with the TLVs of 802.1 and 802.3.
import { integer, shown } from '../../../util/validate.js';
import {
  hardware_length,
  is_ipv4,
  is_ipv6,
  read_hardware,
  read_ipv4,
  read_ipv6,
  write_hardware,
  write_ipv4,
  write_ipv6,
} from '../../bytes/address.js';
import { type FieldNames, type Fields, field_names, maker } from '../../bytes/fields.js';
import { header } from '../../define/header.js';
import {
  bytes_of,
  type Codec,
  counted,
  type Field,
  layout,
  mark,
  some_bytes,
  text,
  u8,
  u16,
  u24,
  u32,
} from '../../options/option_values.js';
import type { OptionFields, OptionsOf } from '../../options/options.js';
import { TlvList } from '../../options/tlv_list.js';
import type { Protocol } from '../../registry.js';

/** A subtype, and an address or a name in the form that it says. */
interface Id {
  subtype: number;
  id: string;
}

/** The numbers of address families: 1 IPv4, 2 IPv6, 6 Ethernet. */
function read_address(view: DataView, at: number, size: number): string | undefined {
  const family = size > 0 ? view.getUint8(at) : -1;
  if (family === 1 && size === 5) return read_ipv4(view, at + 1);
  if (family === 2 && size === 17) return read_ipv6(view, at + 1);
  return family === 6 && size === 7 ? read_hardware(view, at + 1) : undefined;
}

function write_address(value: unknown, name: string): Uint8Array {
  if (typeof value === 'string') {
    if (is_ipv4(value))
      return Buffer.concat([Uint8Array.of(1), bytes_of(4, (view) => write_ipv4(view, 0, value, name))]);
    if (is_ipv6(value))
      return Buffer.concat([Uint8Array.of(2), bytes_of(16, (view) => write_ipv6(view, 0, value, name))]);
    if (hardware_length(value) === 6)
      return Buffer.concat([Uint8Array.of(6), bytes_of(6, (view) => write_hardware(view, 0, value, name))]);
  }
  throw new RangeError(`${name} must be an IPv4, IPv6 or Ethernet address, not ${shown(value)}`);
}

/** @param mac the subtype of Ethernet addresses; `address` that of addresses with their family */
const id_of = (mac: number, address: number): Codec<Id> => ({
  names: field_names('subtype id'),
  read(data, view, at) {
    const subtype = data[0];
    if (subtype === undefined) return undefined;
    const size = data.length - 1;
    let id: string | undefined;
    if (subtype === mac) id = size === 6 ? read_hardware(view, at + 1) : undefined;
    else if (subtype === address) id = read_address(view, at + 1, size);
    else id = text.read(view, at + 1, size);
    return id === undefined ? undefined : { subtype, id };
  },
  write({ subtype, id = '' }, name) {
    const is_mac = hardware_length(id) === 6;
    const number = integer(subtype ?? (is_mac ? mac : 7), `${name}.subtype`, 0, 0xff);
    const field = `${name}.id`;
    const content = () => {
      if (number === mac) return bytes_of(6, (view) => write_hardware(view, 0, id, field));
      return number === address ? write_address(id, field) : text.write(id, field);
    };
    return Buffer.concat([Uint8Array.of(number), content()]);
  },
});

/** An address with its family, behind the length of both. */
const address: Field<string> = { read: read_address, write: write_address };
interface ManagementAddress {
  address: string;
  interface_subtype: number;
  interface_number: number;
  oid: Buffer;
}
const after_address = layout({
  interface_subtype: u8(2),
  interface_number: u32(0),
  oid: counted(some_bytes),
});
const management_address: Codec<ManagementAddress> = {
  names: field_names('address interface_subtype interface_number oid'),
  read(data, view, at) {
    const size = (data[0] ?? 0) + 1;
    if (size >= data.length) return undefined;
    const found = counted(address).read(view, at, size);
    const rest = after_address.read(data.subarray(size), view, at + size);
    return found === undefined || rest === undefined ? undefined : { address: found, ...rest };
  },
  write({ address: given, oid = Buffer.alloc(0), ...rest }, name) {
    return Buffer.concat([
      counted(address).write(given, `${name}.address`),
      after_address.write({ oid, ...rest }, name),
    ]);
  },
};

const vlan_name: Codec<{ vlan: number; vlan_name: string }> = layout({
  reserved: mark('0080c203'),
  vlan: u16(),
  vlan_name: counted(text),
});

const lldp_tlvs = new TlvList(
  {
    layer: 'lldp',
    head: 2,
    largest_type: 127,
    largest_data: 511,
    read: (view, at) => ({ type: view.getUint8(at) >>> 1, size: view.getUint16(at) & 0x1ff }),
    write: (view, type, size) => view.setUint16(0, type * 512 + size),
    end: 0,
  },
  {
    end: [0],
    chassis_id: [1, id_of(4, 5)],
    port_id: [2, id_of(3, 4)],
    ttl: [3, layout({ ttl: u16(120) })],
    port_description: [4, layout({ text })],
    system_name: [5, layout({ text })],
    system_description: [6, layout({ text })],
    capabilities: [7, layout({ capabilities: u16(0), enabled: u16(0) })],
    management_address: [8, management_address],
    port_vlan_id: [127, layout({ reserved: mark('0080c201'), vlan: u16() })],
    protocol_vlan_id: [127, layout({ reserved: mark('0080c202'), flags: u8(0), vlan: u16() })],
    vlan_name: [127, vlan_name],
    protocol_identity: [127, layout({ reserved: mark('0080c204'), identity: counted(some_bytes) })],
    mac_phy: [
      127,
      layout({ reserved: mark('00120f01'), autonegotiation: u8(0), advertised: u16(0), mau_type: u16(0) }),
    ],
    power_via_mdi: [127, layout({ reserved: mark('00120f02'), support: u8(0), pair: u8(0), class: u8(0) })],
    link_aggregation: [127, layout({ reserved: mark('00120f03'), status: u8(0), port: u32(0) })],
    maximum_frame_size: [127, layout({ reserved: mark('00120f04'), size: u16(1518) })],
    /** any other one of an organization */
    organization: [127, layout({ oui: u24(), subtype: u8(0), information: some_bytes })],
  },
);
/** An item of an LLDP message. */
export type LldpTlv = OptionsOf<typeof lldp_tlvs>;
/** An item of an LLDP message, to build. */
export type LldpTlvFields = OptionFields<LldpTlv>;

/** A message of LLDP, IEEE 802.1AB. */
export interface Lldp {
  /** The name of the layer. */
  readonly layer: 'lldp';
  /** the first three are chassis_id, port_id and ttl; `end` is the last one */
  tlvs: readonly LldpTlv[];
}
/** The fields of an LLDP message to build: what is left out is worked out, or has a default. */
export type LldpFields = Fields<Lldp, { tlvs: readonly LldpTlvFields[] }>;
/** An LLDP message to build. */
export type LldpDraft = { readonly layer: 'lldp' } & LldpFields;

const FIELDS: FieldNames<keyof LldpFields> = field_names('tlvs');

/**
 * Makes an LLDP message.
 *
 * @param fields tlvs are none unless given; none is added, not even `{ name: 'end' }`
 * @throws TypeError for a field that LLDP does not have
 */
export const lldp: (fields?: LldpFields) => LldpDraft = maker('lldp', FIELDS);

export const lldp_protocol: Protocol = header<Lldp, LldpDraft>(
  'lldp',
  FIELDS,
  {},
  {
    read(_fields, input) {
      const tlvs = lldp_tlvs.take(input);
      // Bytes behind the end pad the frame.
      if (tlvs.at(-1)?.type === 0) input.limit('lldp', input.at, 'the end', input.at);
      return { tlvs };
    },
    write({ tlvs = [] }, output) {
      output.prepend_bytes(lldp_tlvs.bytes(tlvs, 'lldp.tlvs'));
      return undefined;
    },
  },
);
