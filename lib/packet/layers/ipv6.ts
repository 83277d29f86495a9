// IPv6, RFC 8200. The extension headers are a field of this layer: options/ipv6_extensions.ts.
import { integer } from '../../util/validate.js';
import { read_ipv6 } from '../bytes/address.js';
import { add_words } from '../bytes/checksum.js';
import { read_cut } from '../bytes/cut.js';
import { type Ends, type FieldNames, type Fields, field_names, ip_maker } from '../bytes/fields.js';
import type { Input } from '../bytes/input.js';
import type { Output } from '../bytes/output.js';
import {
  type AddressOffsets,
  has_jumbo_payload,
  type Ipv6Extension,
  type Ipv6ExtensionFields,
  read_extensions,
  write_extensions,
} from '../options/ipv6_extensions.js';
import { type Protocol, protocol_of_ip } from '../registry.js';

/** An IPv6 header, RFC 8200, with its extension headers, as parsed. */
export interface Ipv6 {
  /** The name of the layer. */
  readonly layer: 'ipv6';
  /** 6. */
  version: number;
  /** Differentiated services and ECN, 8 bits. */
  traffic_class: number;
  /** The flow label, 20 bits. */
  flow_label: number;
  /** of all bytes behind this header, extension headers included */
  payload_length: number;
  /** the type of the first extension header; without one, of the layer carried */
  next_header: number;
  /** How many routers the packet may pass, 0 to 255. */
  hop_limit: number;
  /** The address of the sender. */
  src: string;
  /** The address of the receiver. */
  dst: string;
  /** The extension headers, in their order. */
  extensions: readonly Ipv6Extension[];
}
/** The fields of an IPv6 header to build: what is left out is worked out, or has a default. */
export type Ipv6Fields = Fields<Ipv6, { extensions: readonly Ipv6ExtensionFields[] }>;
/** An IPv6 header to build. */
export type Ipv6Draft = { readonly layer: 'ipv6' } & Ipv6Fields;

const HEADER = 40;
/** The types of packets that may be longer than payload_length can say: 0, hop-by-hop options, which say how long; TCP and UDP. */
const MAY_BE_LONGER = [0, 6, 17];
const MAX_LENGTH = 0xffff;
const FIELDS: FieldNames<keyof Ipv6Fields> = field_names(
  'version traffic_class flow_label payload_length next_header hop_limit src dst extensions',
);

/**
 * Makes an IPv6 header with its extension headers.
 *
 * @param fields src and dst are :: unless given, hop_limit is 64, the others 0; payload_length and next_header are worked out
 * @throws TypeError for a field that IPv6 does not have
 */
export const ipv6 = ip_maker<'ipv6', Ipv6Fields>('ipv6', FIELDS);

const ENDS: Ends = [
  [4, 'version', 'traffic_class', 'flow_label'],
  [6, 'payload_length'],
  [7, 'next_header'],
  [8, 'hop_limit'],
  [24, 'src'],
  [40, 'dst'],
];

export const ipv6_protocol: Protocol = {
  name: 'ipv6',
  fields: FIELDS,
  ends: () => ENDS,

  parse(input: Input) {
    if (!input.has('ipv6', HEADER)) return read_cut(input, ipv6_protocol, HEADER);
    const { view, at } = input;
    const first = view.getUint32(at);
    const version = first >>> 28;
    if (version !== 6) {
      input.problem('ipv6', at, `version is ${version}, not 6`);
      return undefined;
    }
    const payload_length = view.getUint16(at + 4);
    const next_header = view.getUint8(at + 6);
    // 0: the packet carries no data, or more than the field can say. The latter is a jumbogram, or a segment that hardware is to cut.
    if (payload_length !== 0 || !MAY_BE_LONGER.includes(next_header)) {
      input.limit('ipv6', at + 4, 'payload_length', at + HEADER + payload_length);
    }
    input.at += HEADER;
    const { extensions, upper, ends } = read_extensions(input, next_header, payload_length);
    input.layers.push({
      layer: 'ipv6',
      version,
      traffic_class: (first >>> 20) & 0xff,
      flow_label: first & 0xfffff,
      payload_length,
      next_header,
      hop_limit: view.getUint8(at + 7),
      src: read_ipv6(view, at + 8),
      dst: read_ipv6(view, at + 24),
      extensions,
    });
    input.pseudo_header = address_sum(view, at, ends);
    return upper === undefined ? undefined : protocol_of_ip(upper);
  },

  build(layer: Ipv6Draft, output: Output) {
    const { first, ends } = write_extensions(layer.extensions ?? [], output);
    const at = output.prepend(HEADER);
    const version = integer(layer.version ?? 6, 'ipv6.version', 0, 15);
    const traffic_class = integer(layer.traffic_class ?? 0, 'ipv6.traffic_class', 0, 0xff);
    const flow_label = integer(layer.flow_label ?? 0, 'ipv6.flow_label', 0, 0xfffff);
    output.view.setUint32(at, version * 2 ** 28 + traffic_class * 2 ** 20 + flow_label);
    const length = output.length - HEADER;
    const is_jumbo = length > MAX_LENGTH && has_jumbo_payload(layer.extensions ?? []);
    output.u16(at + 4, layer.payload_length ?? (is_jumbo ? 0 : length), 'ipv6.payload_length');
    output.u8(at + 6, layer.next_header ?? first, 'ipv6.next_header');
    output.u8(at + 7, layer.hop_limit ?? 64, 'ipv6.hop_limit');
    output.ipv6(at + 8, layer.src ?? '::', 'ipv6.src');
    output.ipv6(at + 24, layer.dst ?? '::', 'ipv6.dst');
    output.complete_checksum(address_sum(output.view, at, ends));
  },
};

/** Returns the sum of the addresses for a pseudo-header. The destination is the end of the route in a routing header, RFC 8200, 8.1. */
function address_sum(view: DataView, at: number, ends: AddressOffsets): number {
  const src = ends.src ?? at + 8;
  const dst = ends.dst ?? at + 24;
  return add_words(view, dst, dst + 16, add_words(view, src, src + 16, 0));
}
