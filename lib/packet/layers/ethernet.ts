// Ethernet, and the frames of IEEE 802.3, which have a length in place of the ethertype.
import { read_hardware } from '../bytes/address.js';
import { read_cut } from '../bytes/cut.js';
import { type Ends, type FieldNames, type Fields, field_names, maker } from '../bytes/fields.js';
import type { Input } from '../bytes/input.js';
import type { Output } from '../bytes/output.js';
import { type Protocol, places, protocol_of_ethertype } from '../registry.js';
import { ethertype_or_length, parser_of_length } from './vlan.js';

/** An Ethernet header, IEEE 802.3, as parsed. */
export interface Ethernet {
  /** The name of the layer. */
  readonly layer: 'ethernet';
  /** The hardware address of the receiver: '02:00:00:00:00:01'. */
  dst: string;
  /** The hardware address of the sender. */
  src: string;
  /** the type of the layer carried; below 1,536 the length of the frame's data in bytes, IEEE 802.3 */
  ethertype: number;
}
/** The fields of an Ethernet header to build: what is left out is worked out, or has a default. */
export type EthernetFields = Fields<Ethernet>;
/** An Ethernet header to build. */
export type EthernetDraft = { readonly layer: 'ethernet' } & EthernetFields;

const HEADER = 14;
const FIELDS: FieldNames<keyof EthernetFields> = field_names('dst src ethertype');
const FIRST_ETHERTYPE = 0x600;

/**
 * Makes an Ethernet header.
 *
 * @param fields dst is broadcast and src zero unless given; ethertype is worked out
 * @throws TypeError for a field that Ethernet does not have
 */
export const ethernet = Object.assign(maker<'ethernet', EthernetFields>('ethernet', FIELDS), {
  /** Returns the place behind a header with this ethertype, for define_layer. @throws TypeError, RangeError */
  type: places('ethertype', 0xffff),
} as const);

const ENDS: Ends = [
  [6, 'dst'],
  [12, 'src'],
  [14, 'ethertype'],
];

export const ethernet_protocol: Protocol = {
  name: 'ethernet',
  fields: FIELDS,
  ends: () => ENDS,

  parse(input: Input) {
    if (!input.has('ethernet', HEADER)) return read_cut(input, ethernet_protocol, HEADER);
    const { view, at } = input;
    const ethertype = view.getUint16(at + 12);
    input.layers.push({
      layer: 'ethernet',
      dst: read_hardware(view, at),
      src: read_hardware(view, at + 6),
      ethertype,
    });
    input.at += HEADER;
    if (ethertype >= FIRST_ETHERTYPE) return protocol_of_ethertype(ethertype);
    input.limit('ethernet', at + 12, 'the length', input.at + ethertype);
    return parser_of_length(input, ethertype);
  },

  build(layer: EthernetDraft, output: Output) {
    const ethertype = layer.ethertype ?? ethertype_or_length(output);
    const at = output.prepend(HEADER);
    output.hardware(at, layer.dst ?? 'ff:ff:ff:ff:ff:ff', 'ethernet.dst');
    output.hardware(at + 6, layer.src ?? '00:00:00:00:00:00', 'ethernet.src');
    output.u16(at + 12, ethertype, 'ethernet.ethertype');
  },
};
