// VXLAN, RFC 7348: Ethernet in UDP. The bits of its extensions are in `flags` and `group`.
import { read_cut } from '../../bytes/cut.js';
import { type Ends, type FieldNames, type Fields, field_names, maker } from '../../bytes/fields.js';
import type { Input } from '../../bytes/input.js';
import type { Output } from '../../bytes/output.js';
import { type Protocol, protocol_of_name } from '../../registry.js';

/** A header of VXLAN, RFC 7348. */
export interface Vxlan {
  /** The name of the layer. */
  readonly layer: 'vxlan';
  /** 16 bits: vxlan.VNI says that the identifier is there; vxlan.GROUP, the extension for group policies, that the group is */
  flags: number;
  /** of the sender, by the extension for group policies; otherwise reserved */
  group: number;
  /** the identifier of the network */
  vni: number;
  /** the last 8 bits */
  reserved: number;
}
/** The fields of a VXLAN header to build: what is left out is worked out, or has a default. */
export type VxlanFields = Fields<Vxlan>;
/** A VXLAN header to build. */
export type VxlanDraft = { readonly layer: 'vxlan' } & VxlanFields;

const HEADER = 8;
const VNI = 0x0800;
const FIELDS: FieldNames<keyof VxlanFields> = field_names('flags group vni reserved');
const ENDS: Ends = [
  [2, 'flags'],
  [4, 'group'],
  [7, 'vni'],
  [8, 'reserved'],
];

/**
 * Makes a VXLAN header, in front of an Ethernet frame.
 *
 * @param fields flags is vxlan.VNI unless given, all others are 0
 * @throws TypeError for a field that VXLAN does not have
 */
export const vxlan = Object.assign(maker<'vxlan', VxlanFields>('vxlan', FIELDS), {
  VNI,
  GROUP: 0x8000,
} as const);

export const vxlan_protocol: Protocol = {
  name: 'vxlan',
  fields: FIELDS,
  ends: () => ENDS,

  parse(input: Input) {
    const { view, at } = input;
    if (at + HEADER > input.end)
      return input.is_cut(HEADER) ? read_cut(input, vxlan_protocol, HEADER) : undefined;
    const flags = view.getUint16(at);
    // Without an identifier it is no VXLAN. A header that is cut has zeros where bytes are missing.
    if ((flags & VNI) === 0 && !input.is_quoted) return undefined;
    const word = view.getUint32(at + 4);
    input.layers.push({
      layer: 'vxlan',
      flags,
      group: view.getUint16(at + 2),
      vni: word >>> 8,
      reserved: word & 0xff,
    });
    input.at += HEADER;
    return input.at === input.end ? undefined : protocol_of_name('ethernet');
  },

  build(layer: VxlanDraft, output: Output) {
    const at = output.prepend(HEADER);
    output.u16(at, layer.flags ?? VNI, 'vxlan.flags');
    output.u16(at + 2, layer.group ?? 0, 'vxlan.group');
    output.u24(at + 4, layer.vni ?? 0, 'vxlan.vni');
    output.u8(at + 7, layer.reserved ?? 0, 'vxlan.reserved');
  },
};
