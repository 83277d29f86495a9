// UDP, RFC 768.
import { read_cut } from '../bytes/cut.js';
import { type Ends, type FieldNames, type Fields, field_names, maker } from '../bytes/fields.js';
import type { Input } from '../bytes/input.js';
import type { Output } from '../bytes/output.js';
import { type Protocol, places, protocol_of_udp, udp_port_for } from '../registry.js';

/** A UDP header, RFC 768, as parsed. */
export interface Udp {
  /** The name of the layer. */
  readonly layer: 'udp';
  /** The port of the sender. */
  src_port: number;
  /** The port of the receiver. */
  dst_port: number;
  /** of header and data, in bytes */
  length: number;
  /** 0: the datagram has no checksum */
  checksum: number;
  /** Whether the checksum is right; undefined if there is none, bytes are missing, or there is no IP layer. */
  checksum_ok: boolean | undefined;
}
/** The fields of a UDP header to build: what is left out is worked out, or has a default. */
export type UdpFields = Fields<Udp>;
/** A UDP header to build. */
export type UdpDraft = { readonly layer: 'udp' } & UdpFields;

const NUMBER = 17;
const HEADER = 8;
const MAX_LENGTH = 0xffff;
const FIELDS: FieldNames<keyof UdpFields> = field_names('src_port dst_port length checksum checksum_ok');

/**
 * Makes a UDP header.
 *
 * @param fields src_port and dst_port are 0 unless given; length and checksum are worked out
 * @throws TypeError for a field that UDP does not have
 */
export const udp = Object.assign(maker<'udp', UdpFields>('udp', FIELDS), {
  /** Returns the place behind a UDP header with this port, for define_layer. @throws TypeError, RangeError */
  port: places('udp port', 0xffff),
} as const);

/** Returns the length of a datagram to build: 0 for one in IPv6 that is longer than the field can say, RFC 2675, section 4. */
function worked_out_length(output: Output): number {
  const length = HEADER + output.length;
  return length > MAX_LENGTH && output.layers[output.index - 1]?.layer === 'ipv6' ? 0 : length;
}

const ENDS: Ends = [
  [2, 'src_port'],
  [4, 'dst_port'],
  [6, 'length'],
  [8, 'checksum'],
];

export const udp_protocol: Protocol = {
  name: 'udp',
  fields: FIELDS,
  ends: () => ENDS,

  parse(input: Input) {
    if (!input.has('udp', HEADER)) return read_cut(input, udp_protocol, HEADER);
    const { view, at } = input;
    const length = view.getUint16(at + 4);
    const checksum = view.getUint16(at + 6);
    // 0 in a datagram that is longer than the field can say: it ends with the packet, RFC 2675, section 4.
    const is_jumbo = length === 0 && input.wire_end - at > MAX_LENGTH;
    if (length >= HEADER) input.limit('udp', at + 4, 'length', at + length);
    else if (!is_jumbo) input.problem('udp', at + 4, `length is ${length}, less than the header`);
    const is_known = checksum !== 0 && (length >= HEADER || is_jumbo);
    input.layers.push({
      layer: 'udp',
      src_port: view.getUint16(at),
      dst_port: view.getUint16(at + 2),
      length,
      checksum,
      checksum_ok: is_known ? input.verify_transport(at, NUMBER) : undefined,
    });
    input.at += HEADER;
    return protocol_of_udp(view.getUint16(at + 2), view.getUint16(at));
  },

  build(layer: UdpDraft, output: Output) {
    const length = layer.length ?? worked_out_length(output);
    const at = output.prepend(HEADER);
    output.u16(at, layer.src_port ?? 0, 'udp.src_port');
    output.u16(at + 2, layer.dst_port ?? udp_port_for(output.next), 'udp.dst_port');
    output.u16(at + 4, length, 'udp.length');
    // 0 means "no checksum", so a computed 0 is sent as its other representation.
    output.transport_checksum(at + 6, layer.checksum, 'udp.checksum', NUMBER, 0xffff);
  },
};
