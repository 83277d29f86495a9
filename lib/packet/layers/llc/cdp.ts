// CDP: what devices of Cisco say of themselves, in SNAP.

import { add_words } from '../../bytes/checksum.js';
import { type FieldNames, type Fields, field_names, maker } from '../../bytes/fields.js';
import { header } from '../../define/header.js';
import { field } from '../../define/own_fields.js';
import { layout, text, u8, u16, u32 } from '../../options/option_values.js';
import type { OptionFields, OptionsOf } from '../../options/options.js';
import { TlvList, wide_head } from '../../options/tlv_list.js';
import type { Protocol } from '../../registry.js';

const cdp_tlvs = new TlvList(wide_head('cdp', 4), {
  device_id: [1, layout({ text })],
  addresses: [2],
  port_id: [3, layout({ text })],
  capabilities: [4, layout({ capabilities: u32() })],
  software_version: [5, layout({ text })],
  platform: [6, layout({ text })],
  ip_prefix: [7],
  hello: [8],
  vtp_domain: [9, layout({ text })],
  native_vlan: [10, layout({ vlan: u16() })],
  duplex: [11, layout({ full: u8() })],
  voice_vlan_reply: [14],
  voice_vlan_query: [15],
  power_consumption: [16],
  mtu: [17, layout({ mtu: u32() })],
  trust: [18, layout({ bits: u8() })],
  untrusted_cos: [19, layout({ cos: u8() })],
  system_name: [20, layout({ text })],
  management_addresses: [22],
  location: [23],
});
/** An item of a CDP message. */
export type CdpTlv = OptionsOf<typeof cdp_tlvs>;
/** An item of a CDP message, to build. */
export type CdpTlvFields = OptionFields<CdpTlv>;

/** A message of the Cisco Discovery Protocol. */
export interface Cdp {
  /** The name of the layer. */
  readonly layer: 'cdp';
  /** the version: 1 or 2 */
  version: number;
  /** in seconds */
  ttl: number;
  /** the checksum of the message */
  checksum: number;
  /** whether the checksum is right; undefined if bytes are missing */
  checksum_ok: boolean | undefined;
  /** what the device says of itself */
  tlvs: readonly CdpTlv[];
}
/** The fields of a CDP message to build: what is left out is worked out, or has a default. */
export type CdpFields = Fields<Cdp, { tlvs: readonly CdpTlvFields[] }>;
/** A CDP message to build. */
export type CdpDraft = { readonly layer: 'cdp' } & CdpFields;

const FIELDS: FieldNames<keyof CdpFields> = field_names('version ttl checksum checksum_ok tlvs');
const CHECKSUM = 2;

/**
 * Makes a message of CDP; it stands behind `snap`.
 *
 * @param fields version is 2, ttl 180 and tlvs none unless given; the checksum is worked out
 * @throws TypeError for a field that CDP does not have
 */
export const cdp: (fields?: CdpFields) => CdpDraft = maker('cdp', FIELDS);

/** Returns the sum of a message: devices add an odd byte at the end as a number with a sign, less one if it is below zero. */
function sum_of(view: DataView, start: number, end: number): number {
  const is_odd = (end - start) % 2 === 1;
  const last = is_odd ? view.getInt8(end - 1) : 0;
  const word = last < 0 ? last + 0xffff : last;
  return add_words(view, start, is_odd ? end - 1 : end, word);
}

export const cdp_protocol: Protocol = header<Cdp, CdpDraft>(
  'cdp',
  FIELDS,
  { version: field.uint(8, 2), ttl: field.uint(8, 180), checksum: field.uint(16) },
  {
    read(_fields, input, start) {
      const is_whole = !input.partial && input.end === input.wire_end;
      const checksum_ok = is_whole ? sum_of(input.view, start, input.end) === 0xffff : undefined;
      return { checksum_ok, tlvs: cdp_tlvs.take(input) };
    },
    write({ tlvs = [] }, output) {
      output.prepend_bytes(cdp_tlvs.bytes(tlvs, 'cdp.tlvs'));
      return undefined;
    },
    finish({ checksum }, output, at) {
      if (checksum !== undefined && checksum !== null) return;
      output.view.setUint16(at + CHECKSUM, ~sum_of(output.view, at, output.end) & 0xffff);
    },
  },
);
