// IPv4, RFC 791.
import { integer } from '../../util/validate.js';
import { read_ipv4 } from '../bytes/address.js';
import { add_words } from '../bytes/checksum.js';
import { read_cut } from '../bytes/cut.js';
import { type Ends, type FieldNames, type Fields, field_names, ip_maker } from '../bytes/fields.js';
import type { Input } from '../bytes/input.js';
import { type Output, units } from '../bytes/output.js';
import { end_of_route, type Ipv4Option, type Ipv4OptionFields, ipv4_options } from '../options/ipv4.js';
import { ip_protocol_for, type Protocol, places, protocol_of_ip } from '../registry.js';

/** An IPv4 header, RFC 791, as parsed. */
export interface Ipv4 {
  /** The name of the layer. */
  readonly layer: 'ipv4';
  /** 4. */
  version: number;
  /** in bytes */
  header_length: number;
  /** type of service, all 8 bits: the differentiated services field, RFC 2474, and ECN, RFC 3168 */
  tos: number;
  /** of header and data, in bytes; 0 in packets that the network hardware is to cut (offload) */
  total_length: number;
  /** The identification that the fragments of one packet have in common, 16 bits. */
  id: number;
  /** ipv4.DF, ipv4.MF */
  flags: number;
  /** in bytes */
  fragment_offset: number;
  /** Time to live: how many routers the packet may pass, 0 to 255. */
  ttl: number;
  /** The protocol of the layer carried, IPPROTO_*. */
  protocol: number;
  /** The checksum of the header. */
  checksum: number;
  /** The address of the sender. */
  src: string;
  /** The address of the receiver. */
  dst: string;
  /** The options, in their order. */
  options: readonly Ipv4Option[];
  /** Whether the checksum is right; undefined if bytes of the header are missing. */
  checksum_ok: boolean | undefined;
}
/** The fields of an IPv4 header to build: what is left out is worked out, or has a default. */
export type Ipv4Fields = Fields<Ipv4, { options: readonly Ipv4OptionFields[] }>;
/** An IPv4 header to build. */
export type Ipv4Draft = { readonly layer: 'ipv4' } & Ipv4Fields;

const HEADER = 20;
const FIELDS: FieldNames<keyof Ipv4Fields> = field_names(
  'version header_length tos total_length id flags fragment_offset ttl protocol checksum',
  'src dst options checksum_ok',
);

/**
 * Makes an IPv4 header.
 *
 * @param fields src and dst are 0.0.0.0 unless given, ttl is 64, id and flags are 0; lengths, protocol, checksum and padding behind the
 *   options are worked out
 * @throws TypeError for a field that IPv4 does not have
 */
export const ipv4 = Object.assign(ip_maker<'ipv4', Ipv4Fields>('ipv4', FIELDS), {
  /** Flag: more fragments follow. */
  MF: 1,
  /** Flag: do not fragment. */
  DF: 2,
  /** Returns the place behind IPv4 and IPv6 with this protocol number, for define_layer. @throws TypeError, RangeError */
  protocol: places('IP protocol', 0xff),
} as const);

const ENDS: Ends = [
  [1, 'version', 'header_length'],
  [2, 'tos'],
  [4, 'total_length'],
  [6, 'id'],
  [8, 'flags', 'fragment_offset'],
  [9, 'ttl'],
  [10, 'protocol'],
  [12, 'checksum'],
  [16, 'src'],
  [20, 'dst'],
];

export const ipv4_protocol: Protocol = {
  name: 'ipv4',
  fields: FIELDS,
  ends: () => ENDS,

  parse(input: Input) {
    if (!input.has('ipv4', HEADER)) return read_cut(input, ipv4_protocol, HEADER);
    const { view, at } = input;
    const version = view.getUint8(at) >>> 4;
    if (version !== 4) {
      input.problem('ipv4', at, `version is ${version}, not 4`);
      return undefined;
    }
    const header_length = (view.getUint8(at) & 15) * 4;
    const total_length = view.getUint16(at + 2);
    const fragment = view.getUint16(at + 6);
    const protocol = view.getUint8(at + 9);
    const header_fits = check_lengths(input, header_length, total_length);
    const header_end = Math.min(at + Math.max(header_length, HEADER), input.end);
    input.layers.push({
      layer: 'ipv4',
      version,
      header_length,
      tos: view.getUint8(at + 1),
      total_length,
      id: view.getUint16(at + 4),
      flags: fragment >>> 13,
      fragment_offset: (fragment & 0x1fff) * 8,
      ttl: view.getUint8(at + 8),
      protocol,
      checksum: view.getUint16(at + 10),
      src: read_ipv4(view, at + 12),
      dst: read_ipv4(view, at + 16),
      options: ipv4_options.read(input, at + HEADER, at + header_length),
      checksum_ok:
        input.is_quoted || !header_fits ? undefined : add_words(view, at, header_end, 0) === 0xffff,
    });
    input.at = header_end;
    const is_first = (fragment & 0x1fff) === 0;
    if (!header_fits || !is_first) return undefined;
    if ((fragment & 0x2000) !== 0) input.partial = true;
    const route = end_of_route(view, at + HEADER, header_end);
    input.pseudo_header = address_sum(view, at, route);
    return protocol_of_ip(protocol);
  },

  build(layer: Ipv4Draft, output: Output) {
    const options = ipv4_options.bytes(layer.options ?? [], 'ipv4.options');
    const end = output.start;
    const at = output.prepend_header(HEADER, options, 'ipv4.options', layer.header_length);
    const version = integer(layer.version ?? 4, 'ipv4.version', 0, 15);
    const words = units(layer.header_length ?? end - at, 'ipv4.header_length', 4, 15);
    const flags = integer(layer.flags ?? 0, 'ipv4.flags', 0, 7);
    const offset = units(layer.fragment_offset ?? 0, 'ipv4.fragment_offset', 8, 0x1fff);
    output.view.setUint8(at, (version << 4) | words);
    output.u8(at + 1, layer.tos ?? 0, 'ipv4.tos');
    output.u16(at + 2, layer.total_length ?? output.length, 'ipv4.total_length');
    output.u16(at + 4, layer.id ?? 0, 'ipv4.id');
    output.view.setUint16(at + 6, (flags << 13) | offset);
    output.u8(at + 8, layer.ttl ?? 64, 'ipv4.ttl');
    output.u8(at + 9, layer.protocol ?? ip_protocol_for(output.next), 'ipv4.protocol');
    output.ipv4(at + 12, layer.src ?? '0.0.0.0', 'ipv4.src');
    output.ipv4(at + 16, layer.dst ?? '0.0.0.0', 'ipv4.dst');
    output.checksum(at + 10, layer.checksum, 'ipv4.checksum', at, end);
    output.complete_checksum(address_sum(output.view, at, end_of_route(output.view, at + HEADER, end)));
  },
};

/** Ends the packet at total_length. Returns whether the header is whole and the data behind it can be parsed. */
function check_lengths(input: Input, header_length: number, total_length: number): boolean {
  const { at } = input;
  if (header_length < HEADER) {
    input.problem('ipv4', at, `header_length is ${header_length}, less than the header`);
    return false;
  }
  if (total_length !== 0 && total_length < header_length) {
    input.problem(
      'ipv4',
      at + 2,
      `total_length is ${total_length}, less than the header of ${header_length}`,
    );
    return false;
  }
  // 0: the packet is larger than the field can say, or the network hardware is to cut it. The packet ends at the end of the bytes.
  if (total_length !== 0) input.limit('ipv4', at + 2, 'total_length', at + total_length);
  return input.has('ipv4', header_length);
}

/** Returns the sum of the addresses for a pseudo-header. The destination is the end of a source route that has not been reached. */
function address_sum(view: DataView, at: number, route: number | undefined): number {
  const dst = route ?? at + 16;
  return add_words(view, dst, dst + 4, add_words(view, at + 12, at + 16, 0));
}
