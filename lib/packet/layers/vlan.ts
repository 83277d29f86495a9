// VLAN tags, IEEE 802.1Q; of two tags the outer one is a service tag, 802.1ad.
import { integer } from '../../util/validate.js';
import { read_cut } from '../bytes/cut.js';
import { type Ends, type FieldNames, type Fields, field_names, maker } from '../bytes/fields.js';
import type { Input } from '../bytes/input.js';
import type { Output } from '../bytes/output.js';
import { ethertype_for, type Protocol, protocol_of_ethertype, protocol_of_name } from '../registry.js';

/** A VLAN tag, IEEE 802.1Q, as parsed. */
export interface Vlan {
  /** The name of the layer. */
  readonly layer: 'vlan';
  /** 0 to 7 */
  priority: number;
  /** 1: the frame may be dropped before others; else 0 */
  dei: number;
  /** the number of the VLAN, 0 to 4,095 */
  id: number;
  /** the ethertype of the layer carried */
  ethertype: number;
}
/** The fields of a VLAN tag to build: what is left out is worked out, or has a default. */
export type VlanFields = Fields<Vlan>;
/** A VLAN tag to build. */
export type VlanDraft = { readonly layer: 'vlan' } & VlanFields;

const HEADER = 4;
const FIELDS: FieldNames<keyof VlanFields> = field_names('priority dei id ethertype');
const CUSTOMER_TAG = 0x8100;
const SERVICE_TAG = 0x88a8;
const FIRST_ETHERTYPE = 0x600;

/**
 * Makes a VLAN tag: it stands behind `ethernet` or behind another tag.
 *
 * @param fields numbers are 0 unless given; ethertype is worked out
 * @throws TypeError for a field that tags do not have
 */
export const vlan: (fields?: VlanFields) => VlanDraft = maker('vlan', FIELDS);

/** Returns the ethertype of the layer that is carried: of a tag in front of another tag, a service tag's. */
export function ethertype_of_next({ layers, index, next }: Output): number {
  if (next?.layer !== 'vlan') return ethertype_for(next);
  return layers[index + 2]?.layer === 'vlan' ? SERVICE_TAG : CUSTOMER_TAG;
}

/** The largest length of IEEE 802.3. */
const LARGEST_LENGTH = 1500;

/** Returns the ethertype of the layer that is carried, or of LLC the length of the data. @throws RangeError for a length that is an ethertype */
export function ethertype_or_length(output: Output): number {
  if (output.next?.layer !== 'llc') return ethertype_of_next(output);
  if (output.length > LARGEST_LENGTH)
    throw new RangeError(`a frame of LLC carries at most ${LARGEST_LENGTH} bytes, not ${output.length}`);
  return output.length;
}

/** Two bytes that NetWare wrote in place of LLC. */
const NETWARE = 0xffff;

/** Returns the parser of a frame's data, whose length is the ethertype. */
export function parser_of_length({ view, at, end }: Input, length: number): Protocol | undefined {
  const is_netware = at + 2 <= end && view.getUint16(at) === NETWARE;
  return is_netware || length > LARGEST_LENGTH ? undefined : protocol_of_name('llc');
}

const ENDS: Ends = [
  [2, 'priority', 'dei', 'id'],
  [4, 'ethertype'],
];

export const vlan_protocol: Protocol = {
  name: 'vlan',
  fields: FIELDS,
  ends: () => ENDS,

  parse(input: Input) {
    if (!input.has('vlan', HEADER)) return read_cut(input, vlan_protocol, HEADER);
    const { view, at } = input;
    const tag = view.getUint16(at);
    const ethertype = view.getUint16(at + 2);
    input.layers.push({
      layer: 'vlan',
      priority: tag >>> 13,
      dei: (tag >>> 12) & 1,
      id: tag & 0xfff,
      ethertype,
    });
    input.at += HEADER;
    if (ethertype >= FIRST_ETHERTYPE) return protocol_of_ethertype(ethertype);
    input.limit('vlan', at + 2, 'the length', input.at + ethertype);
    return parser_of_length(input, ethertype);
  },

  build(layer: VlanDraft, output: Output) {
    const ethertype = layer.ethertype ?? ethertype_or_length(output);
    const at = output.prepend(HEADER);
    const priority = integer(layer.priority ?? 0, 'vlan.priority', 0, 7);
    const dei = integer(layer.dei ?? 0, 'vlan.dei', 0, 1);
    const id = integer(layer.id ?? 0, 'vlan.id', 0, 0xfff);
    output.view.setUint16(at, (priority << 13) | (dei << 12) | id);
    output.u16(at + 2, ethertype, 'vlan.ethertype');
  },
};
