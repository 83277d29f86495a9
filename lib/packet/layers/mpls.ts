// MPLS, RFC 3032: each label of a stack is a layer.
import { integer } from '../../util/validate.js';
import { read_cut } from '../bytes/cut.js';
import { type Ends, type FieldNames, type Fields, field_names, maker } from '../bytes/fields.js';
import type { Input } from '../bytes/input.js';
import type { Output } from '../bytes/output.js';
import { type Protocol, protocol_of_name } from '../registry.js';

/** An entry of an MPLS label stack, RFC 3032, as parsed. */
export interface Mpls {
  /** The name of the layer. */
  readonly layer: 'mpls';
  /** 0 to 2^20 - 1 */
  label: number;
  /** 0 to 7 */
  traffic_class: number;
  /** true for the last label of the stack */
  bottom: boolean;
  /** Time to live, 0 to 255. */
  ttl: number;
}
/** The fields of an MPLS entry to build: what is left out is worked out, or has a default. */
export type MplsFields = Fields<Mpls>;
/** An MPLS entry to build. */
export type MplsDraft = { readonly layer: 'mpls' } & MplsFields;

const HEADER = 4;
const FIELDS: FieldNames<keyof MplsFields> = field_names('label traffic_class bottom ttl');
const ENDS: Ends = [
  [3, 'label', 'traffic_class', 'bottom'],
  [HEADER, 'ttl'],
];
/** The protocols that the first four bits behind the stack say, as routers guess them. */
const BY_VERSION: Readonly<Record<number, string>> = { 4: 'ipv4', 6: 'ipv6' };

/**
 * Makes an MPLS label; several nest.
 *
 * @param fields label and traffic_class are 0 unless given, ttl is 64; bottom is worked out
 * @throws TypeError for a field that labels do not have
 */
export const mpls: (fields?: MplsFields) => MplsDraft = maker('mpls', FIELDS);

export const mpls_protocol: Protocol = {
  name: 'mpls',
  fields: FIELDS,
  ends: () => ENDS,

  parse(input: Input) {
    if (!input.has('mpls', HEADER)) return read_cut(input, mpls_protocol, HEADER);
    const { view, at } = input;
    const entry = view.getUint32(at);
    const bottom = (entry & 0x100) !== 0;
    input.layers.push({
      layer: 'mpls',
      label: entry >>> 12,
      traffic_class: (entry >>> 9) & 7,
      bottom,
      ttl: entry & 0xff,
    });
    input.at += HEADER;
    if (!bottom) return mpls_protocol;
    // Nothing else tells what the stack carries.
    const version = input.at < input.end ? view.getUint8(input.at) >>> 4 : 0;
    return protocol_of_name(BY_VERSION[version] ?? '');
  },

  build(layer: MplsDraft, output: Output) {
    const at = output.prepend(HEADER);
    const label = integer(layer.label ?? 0, 'mpls.label', 0, 0xfffff);
    const traffic_class = integer(layer.traffic_class ?? 0, 'mpls.traffic_class', 0, 7);
    const bottom = layer.bottom ?? output.next?.layer !== 'mpls';
    const ttl = integer(layer.ttl ?? 64, 'mpls.ttl', 0, 0xff);
    output.view.setUint32(at, label * 0x1000 + (traffic_class << 9) + (bottom ? 0x100 : 0) + ttl);
  },
};
