// GRE, RFC 2784 and 2890: version 0, with optional checksum, key and sequence number.
import { integer } from '../../util/validate.js';
import { read_cut } from '../bytes/cut.js';
import { type Ends, type FieldNames, type Fields, field_names, maker } from '../bytes/fields.js';
import type { Input } from '../bytes/input.js';
import type { Output } from '../bytes/output.js';
import { type Protocol, protocol_of_ethertype, protocol_of_name } from '../registry.js';
import { ethertype_of_next } from './vlan.js';

/** A GRE header, RFC 2784 and RFC 2890, as parsed. */
export interface Gre {
  /** The name of the layer. */
  readonly layer: 'gre';
  /** the 16 bits in front of protocol: gre.CHECKSUM, gre.KEY and gre.SEQ say which fields are there, the last three bits are the version */
  flags: number;
  /** an ethertype; 0x6558 is Ethernet */
  protocol: number;
  /** The checksum; undefined if the header has none. */
  checksum: number | undefined;
  /** the 16 bits behind the checksum */
  offset: number | undefined;
  /** The key, 32 bits; undefined if the header has none. */
  key: number | undefined;
  /** The sequence number, 32 bits; undefined if the header has none. */
  seq: number | undefined;
  /** Whether the checksum is right; undefined if there is none, or bytes are missing. */
  checksum_ok: boolean | undefined;
}
/** The fields of a GRE header to build: what is left out is worked out, or has a default. */
export type GreFields = Fields<Gre>;
/** A GRE header to build. */
export type GreDraft = { readonly layer: 'gre' } & GreFields;

const HEADER = 4;
const CHECKSUM = 0x8000;
const KEY = 0x2000;
const SEQ = 0x1000;
const VERSION = 7;
const ETHERNET = 0x6558;
const FIELDS: FieldNames<keyof GreFields> = field_names('flags protocol checksum offset key seq checksum_ok');

/**
 * Makes a GRE header.
 *
 * @param fields key and seq are there if given, the checksum if it or its flag is given; flags and protocol are worked out
 * @throws TypeError for a field that GRE does not have
 */
export const gre = Object.assign(maker<'gre', GreFields>('gre', FIELDS), { CHECKSUM, KEY, SEQ } as const);

/** Returns whether the flags say that the fields of one of them are there. Versions other than 0 have other fields. */
const has_fields = (flags: number, flag: number): boolean => (flags & VERSION) === 0 && (flags & flag) !== 0;

function ends({ flags = 0 }: GreDraft): Ends {
  const parts = [
    has_fields(flags, CHECKSUM) ? [[2, 'checksum'] as const, [2, 'offset'] as const] : [],
    has_fields(flags, KEY) ? [[4, 'key'] as const] : [],
    has_fields(flags, SEQ) ? [[4, 'seq'] as const] : [],
  ].flat();
  let end = HEADER;
  return [
    [2, 'flags'],
    [HEADER, 'protocol'],
    ...parts.map(([size, name]) => {
      end += size;
      return [end, name] as const;
    }),
  ];
}

export const gre_protocol: Protocol = {
  name: 'gre',
  fields: FIELDS,
  ends,

  parse(input: Input) {
    if (!input.has('gre', HEADER)) return read_cut(input, gre_protocol, HEADER);
    const { view, at } = input;
    const flags = view.getUint16(at);
    const has = (flag: number): boolean => has_fields(flags, flag);
    const size = HEADER + (has(CHECKSUM) ? 4 : 0) + (has(KEY) ? 4 : 0) + (has(SEQ) ? 4 : 0);
    if (!input.has('gre', size)) return read_cut(input, gre_protocol, size);
    const key = at + (has(CHECKSUM) ? 8 : 4);
    const seq = key + (has(KEY) ? 4 : 0);
    const protocol = view.getUint16(at + 2);
    input.layers.push({
      layer: 'gre',
      flags,
      protocol,
      checksum: has(CHECKSUM) ? view.getUint16(at + 4) : undefined,
      offset: has(CHECKSUM) ? view.getUint16(at + 6) : undefined,
      key: has(KEY) ? view.getUint32(key) : undefined,
      seq: has(SEQ) ? view.getUint32(seq) : undefined,
      checksum_ok: has(CHECKSUM) ? input.verify(at, 0) : undefined,
    });
    input.at += size;
    if ((flags & VERSION) !== 0) return undefined;
    return protocol === ETHERNET ? protocol_of_name('ethernet') : protocol_of_ethertype(protocol);
  },

  build(layer: GreDraft, output: Output) {
    const given = (value: unknown, flag: number): number =>
      value === undefined || value === null ? 0 : flag;
    const worked_out = given(layer.checksum, CHECKSUM) | given(layer.key, KEY) | given(layer.seq, SEQ);
    const flags = integer(layer.flags ?? worked_out, 'gre.flags', 0, 0xffff);
    // Other versions have other fields.
    const present = (flags & VERSION) === 0 ? flags | worked_out : worked_out;
    const has_checksum = (present & CHECKSUM) !== 0;
    if (present & SEQ) output.u32(output.prepend(4), layer.seq ?? 0, 'gre.seq');
    if (present & KEY) output.u32(output.prepend(4), layer.key ?? 0, 'gre.key');
    if (has_checksum) output.u16(output.prepend(4) + 2, layer.offset ?? 0, 'gre.offset');
    const at = output.prepend(4);
    const protocol = output.next?.layer === 'ethernet' ? ETHERNET : ethertype_of_next(output);
    output.view.setUint16(at, flags);
    output.u16(at + 2, layer.protocol ?? protocol, 'gre.protocol');
    if (has_checksum) output.checksum(at + 4, layer.checksum, 'gre.checksum', at, output.end);
  },
};
