// NFLOG: what the firewall of Linux logs, in captures of that link type. The numbers of its TLVs stand in the byte order of the machine that
// captured, which is taken to be the little one. The last TLV holds the packet.
import { type FieldNames, type Fields, field_names, maker } from '../../bytes/fields.js';
import { header } from '../../define/header.js';
import { field } from '../../define/own_fields.js';
import { layout, reserved, u8, u16, u32, zero_ended } from '../../options/option_values.js';
import type { OptionFields, OptionsOf } from '../../options/options.js';
import { type TlvExtra, TlvList } from '../../options/tlv_list.js';
import { type Protocol, protocol_of_name } from '../../registry.js';

const AF_INET = 2;
const AF_INET6 = 10;
const PAYLOAD = 9;
const HEAD = 4;

const nflog_tlvs = new TlvList(
  {
    layer: 'nflog',
    head: HEAD,
    largest_type: 0xffff,
    largest_data: 0xffff - HEAD,
    read: (view, at) => ({ type: view.getUint16(at + 2, true), size: view.getUint16(at, true) - HEAD }),
    write(view, type, size) {
      view.setUint16(0, size + HEAD, true);
      view.setUint16(2, type, true);
    },
    unit: 4,
  },
  {
    packet_header: [1, layout({ hardware_protocol: u16(0x0800), hook: u8(0), reserved: reserved(1) })],
    mark: [2, layout({ mark: u32() })],
    timestamp: [3],
    input_interface: [4, layout({ index: u32() })],
    output_interface: [5, layout({ index: u32() })],
    physical_input_interface: [6, layout({ index: u32() })],
    physical_output_interface: [7, layout({ index: u32() })],
    hardware_address: [8],
    prefix: [10, layout({ text: zero_ended })],
    user_id: [11, layout({ id: u32() })],
    sequence: [12, layout({ number: u32() })],
    global_sequence: [13, layout({ number: u32() })],
    group_id: [14, layout({ id: u32() })],
    hardware_type: [15, layout({ type_of_hardware: u16() })],
    hardware_header: [16],
    hardware_length: [17, layout({ length: u16() })],
  },
);
/** What the kernel says of a packet: an attribute. */
export type NflogTlv = OptionsOf<typeof nflog_tlvs> & TlvExtra;
/** What the kernel says of a packet: an attribute, to build. */
export type NflogTlvFields = OptionFields<OptionsOf<typeof nflog_tlvs>> & TlvExtra;

/** A packet of the NFLOG target of Linux: its header, with what the kernel says of the packet. */
export interface Nflog {
  /** The name of the layer. */
  readonly layer: 'nflog';
  /** the address family of the packet: 2 IPv4, 10 IPv6, 7 a bridge's frame */
  family: number;
  /** the version: 0 */
  version: number;
  /** the number of the group */
  resource_id: number;
  /** those in front of the packet */
  tlvs: readonly NflogTlv[];
  /** bytes of the TLV that holds the packet, its head included; undefined if there is none */
  payload_length: number | undefined;
}
/** The fields of an NFLOG header to build: what is left out is worked out, or has a default. */
export type NflogFields = Fields<Nflog, { tlvs: readonly NflogTlvFields[] }>;
/** An NFLOG header to build. */
export type NflogDraft = { readonly layer: 'nflog' } & NflogFields;

const FIELDS: FieldNames<keyof NflogFields> = field_names('family version resource_id tlvs payload_length');

/**
 * Makes the header of a logged packet, which follows.
 *
 * @param fields numbers are 0 and tlvs none unless given; family and payload_length are worked out
 * @throws TypeError for a field that the header does not have
 */
export const nflog: (fields?: NflogFields) => NflogDraft = maker('nflog', FIELDS);

export const nflog_protocol: Protocol = header<Nflog, NflogDraft>(
  'nflog',
  FIELDS,
  { family: field.uint(8, AF_INET), version: field.uint(8), resource_id: field.uint(16) },
  {
    read(_fields, input) {
      const { view, at, end } = input;
      let payload = at;
      let payload_length: number | undefined;
      while (payload + HEAD <= end) {
        const length = view.getUint16(payload, true);
        if (view.getUint16(payload + 2, true) === PAYLOAD && length >= HEAD) {
          payload_length = length;
          break;
        }
        if (length < HEAD) break;
        payload += (length + 3) & ~3;
      }
      if (payload_length === undefined)
        return { tlvs: nflog_tlvs.take(input) as readonly NflogTlv[], payload_length };
      const { items } = nflog_tlvs.items(view, at, payload);
      input.at = payload + HEAD;
      input.limit('nflog', payload, 'the length', payload + payload_length);
      return { tlvs: items as readonly NflogTlv[], payload_length };
    },
    write({ tlvs = [], payload_length }, output) {
      if (payload_length !== undefined || output.next !== undefined) {
        const at = output.prepend(HEAD);
        output.u16(at, payload_length ?? output.end - at, 'nflog.payload_length');
        output.view.setUint16(at, output.view.getUint16(at), true);
        output.view.setUint16(at + 2, PAYLOAD, true);
      }
      output.prepend_bytes(nflog_tlvs.bytes(tlvs, 'nflog.tlvs'));
      return output.next?.layer === 'ipv6' ? { family: AF_INET6 } : undefined;
    },
    next({ family, payload_length }) {
      if (payload_length === undefined) return undefined;
      if (family === AF_INET) return protocol_of_name('ipv4');
      return family === AF_INET6 ? protocol_of_name('ipv6') : undefined;
    },
  },
);
