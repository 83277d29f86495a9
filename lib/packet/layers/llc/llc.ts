// LLC, IEEE 802.2, and its extension SNAP, RFC 1042: what follows in a frame that has a length in place of the ethertype.
import { integer } from '../../../util/validate.js';
import { read_cut } from '../../bytes/cut.js';
import { type Ends, type FieldNames, type Fields, field_names, maker } from '../../bytes/fields.js';
import type { Input } from '../../bytes/input.js';
import type { Output } from '../../bytes/output.js';
import { header } from '../../define/header.js';
import { field } from '../../define/own_fields.js';
import { ethertype_for, type Protocol, protocol_of_ethertype, protocol_of_name } from '../../registry.js';

/** A header of LLC, IEEE 802.2. */
export interface Llc {
  /** The name of the layer. */
  readonly layer: 'llc';
  /** the service access point of the destination: 0x42 STP, 0xaa SNAP */
  dsap: number;
  /** that of the source; its lowest bit is set in responses */
  ssap: number;
  /** of 8 bits if its lowest two are set (3: unnumbered information), else of 16, the first byte the low one */
  control: number;
}
/** The fields of an LLC header to build: what is left out is worked out, or has a default. */
export type LlcFields = Fields<Llc>;
/** An LLC header to build. */
export type LlcDraft = { readonly layer: 'llc' } & LlcFields;

const FIELDS: FieldNames<keyof LlcFields> = field_names('dsap ssap control');
const SNAP_SAP = 0xaa;
const UNNUMBERED_INFORMATION = 3;
const OF_SAP: ReadonlyMap<number, string> = new Map([
  [0x06, 'ipv4'],
  [0x42, 'stp'],
  [SNAP_SAP, 'snap'],
]);
const SAP_OF: ReadonlyMap<string, number> = new Map([...OF_SAP].map(([sap, name]) => [name, sap]));

/**
 * Makes an LLC header; the ethertype of the Ethernet header around it becomes the length.
 *
 * @param fields dsap and ssap are worked out, control is 3 unless given
 * @throws TypeError for a field that LLC does not have
 */
export const llc: (fields?: LlcFields) => LlcDraft = maker('llc', FIELDS);

/** Returns whether a control field has one byte. */
const is_short = (control: number): boolean => (control & 3) === 3;

const ends = ({ control = UNNUMBERED_INFORMATION }: LlcDraft): Ends => [
  [1, 'dsap'],
  [2, 'ssap'],
  [is_short(control) ? 3 : 4, 'control'],
];

export const llc_protocol: Protocol = {
  name: 'llc',
  fields: FIELDS,
  ends,

  parse(input: Input) {
    if (!input.has('llc', 3)) return read_cut(input, llc_protocol, 3);
    const { view, at } = input;
    const size = is_short(view.getUint8(at + 2)) ? 3 : 4;
    if (size > 3 && !input.has('llc', size)) return read_cut(input, llc_protocol, size);
    const [dsap, ssap] = [view.getUint8(at), view.getUint8(at + 1)];
    const control = size === 3 ? view.getUint8(at + 2) : view.getUint16(at + 2, true);
    input.layers.push({ layer: 'llc', dsap, ssap, control });
    input.at += size;
    return dsap === ssap && control === UNNUMBERED_INFORMATION
      ? protocol_of_name(OF_SAP.get(dsap) ?? '')
      : undefined;
  },

  build(layer: LlcDraft, output: Output) {
    const sap = SAP_OF.get(output.next?.layer ?? '') ?? 0;
    const control = integer(layer.control ?? UNNUMBERED_INFORMATION, 'llc.control', 0, 0xffff);
    if (is_short(control) && control > 0xff)
      throw new RangeError(`llc.control must be below 256 if its lowest two bits are set, not ${control}`);
    const at = output.prepend(is_short(control) ? 3 : 4);
    output.u8(at, layer.dsap ?? sap, 'llc.dsap');
    output.u8(at + 1, layer.ssap ?? sap, 'llc.ssap');
    if (is_short(control)) output.view.setUint8(at + 2, control);
    else output.view.setUint16(at + 2, control, true);
  },
};

/** A header of SNAP, RFC 1042. */
export interface Snap {
  /** The name of the layer. */
  readonly layer: 'snap';
  /** the organization that numbers the protocol: 0 for ethertypes, 0x00000c is Cisco */
  oui: number;
  /** an ethertype if oui is 0 */
  protocol: number;
}
/** The fields of a SNAP header to build: what is left out is worked out, or has a default. */
export type SnapFields = Fields<Snap>;
/** A SNAP header to build. */
export type SnapDraft = { readonly layer: 'snap' } & SnapFields;

const SNAP_FIELDS: FieldNames<keyof SnapFields> = field_names('oui protocol');
const CISCO = 0x00000c;
const BRIDGED = 0x0080c2;
/** What organizations number; of two names the later one is built. */
const NUMBERED: readonly (readonly [oui: number, protocol: number, name: string])[] = [
  [CISCO, 0x2000, 'cdp'],
  [CISCO, 0x010b, 'stp'],
  [BRIDGED, 0x0001, 'ethernet'],
  [BRIDGED, 0x0007, 'ethernet'],
];

/**
 * Makes a SNAP header; it stands behind `llc`.
 *
 * @param fields oui and protocol are worked out
 * @throws TypeError for a field that SNAP does not have
 */
export const snap: (fields?: SnapFields) => SnapDraft = maker('snap', SNAP_FIELDS);

export const snap_protocol: Protocol = header<Snap, SnapDraft>(
  'snap',
  SNAP_FIELDS,
  { oui: field.uint(24), protocol: field.uint(16) },
  {
    write(_layer, output) {
      const [oui, protocol] = NUMBERED.findLast(([, , name]) => name === output.next?.layer) ?? [
        0,
        ethertype_for(output.next),
      ];
      return { oui, protocol };
    },
    next({ oui, protocol }) {
      if (oui === 0) return protocol_of_ethertype(protocol);
      const [, , name = ''] = NUMBERED.find(([each, number]) => each === oui && number === protocol) ?? [];
      return protocol_of_name(name);
    },
  },
);
