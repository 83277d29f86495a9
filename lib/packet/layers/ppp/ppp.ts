// PPP, RFC 1661: the number of what it carries, of one or two bytes, behind the two bytes of HDLC-like framing (RFC 1662) if these are
// there. Captures of this link type may hold Cisco's HDLC instead, which has an ethertype as the number.
import { read_cut } from '../../bytes/cut.js';
import { type Ends, type FieldNames, type Fields, field_names, maker } from '../../bytes/fields.js';
import type { Input, Parser } from '../../bytes/input.js';
import type { Output } from '../../bytes/output.js';
import { type Protocol, protocol_of_ethertype, protocol_of_name } from '../../registry.js';
import { ethertype_of_next } from '../vlan.js';

/** A header of PPP, RFC 1661 and RFC 1662. */
export interface Ppp {
  /** The name of the layer. */
  readonly layer: 'ppp';
  /** 0xff; 0x0f or 0x8f in Cisco's HDLC; undefined if it is not there */
  address: number | undefined;
  /** 3; 0 in Cisco's HDLC; undefined if it is not there */
  control: number | undefined;
  /** of what is carried: 0x21 IPv4, 0x57 IPv6, 0xc021 LCP; an ethertype in Cisco's HDLC */
  protocol: number;
  /** true if protocol has one byte */
  compressed: boolean;
}
/** The fields of a PPP header to build: what is left out is worked out, or has a default. */
export type PppFields = Fields<Ppp>;
/** A PPP header to build. */
export type PppDraft = { readonly layer: 'ppp' } & PppFields;

const FIELDS: FieldNames<keyof PppFields> = field_names('address control protocol compressed');
const ADDRESS = 0xff;
const CONTROL = 3;
const CISCO_ADDRESSES = [0x0f, 0x8f];
/** The numbers of protocols; of two numbers of one the first is built. */
const NUMBERS: readonly (readonly [number: number, name: string])[] = [
  [0x0021, 'ipv4'],
  [0x0057, 'ipv6'],
  [0x0281, 'mpls'],
  [0x0283, 'mpls'],
  [0x8021, 'ipcp'],
  [0x8057, 'ipv6cp'],
  [0xc021, 'lcp'],
  [0xc023, 'pap'],
  [0xc223, 'chap'],
];
const BY_NUMBER: ReadonlyMap<number, string> = new Map(NUMBERS);
/** RFC 3692 has no number for experiments in PPP: this one is reserved. */
const RESERVED = 0x00cf;

/**
 * Makes a PPP header.
 *
 * @param fields protocol is worked out, of two bytes unless `compressed` is true; address and control are 0xff and 3 if the layer is
 *   the first one, else they are there only if given
 * @throws TypeError for a field that PPP does not have
 */
export const ppp: (fields?: PppFields) => PppDraft = maker('ppp', FIELDS);

const is_given = (value: unknown): boolean => value !== undefined && value !== null;

function ends({ address, control, compressed }: PppDraft): Ends {
  const start = is_given(address) || is_given(control) ? 2 : 0;
  const head: Ends =
    start === 0
      ? []
      : [
          [1, 'address'],
          [2, 'control'],
        ];
  return [...head, [start + (compressed === true ? 1 : 2), 'protocol', 'compressed']];
}

/** @param has_cisco whether Cisco's HDLC may be there */
function parse(input: Input, has_cisco: boolean): Parser | undefined {
  const { view, at, end } = input;
  const two = at + 2 <= end ? view.getUint16(at) : -1;
  const is_cisco = has_cisco && CISCO_ADDRESSES.includes(two >>> 8) && (two & 0xff) === 0;
  const has_frame = is_cisco || two === ADDRESS * 256 + CONTROL;
  const start = at + (has_frame ? 2 : 0);
  const first = start < end ? view.getUint8(start) : 0;
  const compressed = !is_cisco && (first & 1) === 1;
  const size = start - at + (compressed ? 1 : 2);
  if (!input.has('ppp', size)) return read_cut(input, ppp_protocol, size);
  const protocol = compressed ? first : view.getUint16(start);
  input.layers.push({
    layer: 'ppp',
    address: has_frame ? two >>> 8 : undefined,
    control: has_frame ? two & 0xff : undefined,
    protocol,
    compressed,
  });
  input.at += size;
  return is_cisco ? protocol_of_ethertype(protocol) : protocol_of_name(BY_NUMBER.get(protocol) ?? '');
}

/** The parser of link types that may hold Cisco's HDLC. */
export const ppp_or_cisco: Parser = { parse: (input) => parse(input, true) };

export const ppp_protocol: Protocol = {
  name: 'ppp',
  fields: FIELDS,
  ends: (layer) => ends(layer as PppDraft),

  parse: (input) => parse(input, false),

  build(layer: PppDraft, output: Output) {
    const { address, control, compressed = false } = layer;
    if (typeof compressed !== 'boolean')
      throw new TypeError(`ppp.compressed must be a boolean, not ${String(compressed)}`);
    const is_cisco = CISCO_ADDRESSES.includes(address ?? 0);
    const number = is_cisco
      ? ethertype_of_next(output)
      : (NUMBERS.find(([, name]) => name === output.next?.layer)?.[0] ?? RESERVED);
    const at = output.prepend(compressed ? 1 : 2);
    const protocol = layer.protocol ?? number;
    if (!compressed) output.u16(at, protocol, 'ppp.protocol');
    else {
      output.u8(at, protocol, 'ppp.protocol');
      if (protocol % 2 === 0)
        throw new RangeError(`ppp.protocol must be odd to be compressed to one byte, not ${protocol}`);
    }
    const is_asked = is_given(address) || is_given(control);
    // A parsed layer says by `compressed` that it is whole.
    const is_first = output.index === 0 && layer.compressed === undefined;
    if (!is_asked && !is_first) return;
    const frame = output.prepend(2);
    output.u8(frame, address ?? ADDRESS, 'ppp.address');
    output.u8(frame + 1, control ?? CONTROL, 'ppp.control');
  },
};
