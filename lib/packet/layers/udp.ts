// UDP, RFC 768.
import { type FieldNames, type Fields, field_names, maker } from '../bytes/fields.js';
import type { Input } from '../bytes/input.js';
import type { Output } from '../bytes/output.js';
import type { Protocol } from '../registry.js';

export interface Udp {
  readonly layer: 'udp';
  src_port: number;
  dst_port: number;
  /** of header and data, in bytes */
  length: number;
  /** 0: the datagram has no checksum */
  checksum: number;
  checksum_ok: boolean | undefined;
}
export type UdpFields = Fields<Udp>;
export type UdpDraft = { readonly layer: 'udp' } & UdpFields;

const NUMBER = 17;
const HEADER = 8;
const FIELDS: FieldNames<keyof UdpFields> = field_names('src_port dst_port length checksum checksum_ok');

/**
 * Makes a UDP header.
 *
 * @param fields src_port and dst_port are 0 unless given; length and checksum are worked out
 * @throws TypeError for a field that UDP does not have
 */
export const udp: (fields?: UdpFields) => UdpDraft = maker('udp', FIELDS);

export const udp_protocol: Protocol = {
  name: 'udp',
  fields: FIELDS,

  parse(input: Input) {
    if (!input.has('udp', HEADER)) return undefined;
    const { view, at } = input;
    const length = view.getUint16(at + 4);
    const checksum = view.getUint16(at + 6);
    if (length >= HEADER) input.limit('udp', at + 4, 'length', at + length);
    else input.problem('udp', at + 4, `length is ${length}, less than the header`);
    input.layers.push({
      layer: 'udp',
      src_port: view.getUint16(at),
      dst_port: view.getUint16(at + 2),
      length,
      checksum,
      checksum_ok: checksum === 0 || length < HEADER ? undefined : input.verify_transport(at, NUMBER),
    });
    input.at += HEADER;
    return undefined;
  },

  build(layer: UdpDraft, output: Output) {
    const length = layer.length ?? HEADER + output.length;
    const at = output.prepend(HEADER);
    output.u16(at, layer.src_port ?? 0, 'udp.src_port');
    output.u16(at + 2, layer.dst_port ?? 0, 'udp.dst_port');
    output.u16(at + 4, length, 'udp.length');
    // 0 means "no checksum", so a computed 0 is sent as its other representation.
    output.transport_checksum(at + 6, layer.checksum, 'udp.checksum', NUMBER, 0xffff);
  },
};
