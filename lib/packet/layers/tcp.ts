// TCP, RFC 9293.
import { integer } from '../../util/validate.js';
import { read_cut } from '../bytes/cut.js';
import { type Ends, type FieldNames, type Fields, field_names, maker } from '../bytes/fields.js';
import type { Input } from '../bytes/input.js';
import { type Output, units } from '../bytes/output.js';
import { type TcpOption, type TcpOptionFields, tcp_options } from '../options/tcp.js';
import { type Protocol, places, protocol_of_tcp, tcp_port_for } from '../registry.js';

/** A TCP header, RFC 9293, as parsed. */
export interface Tcp {
  /** The name of the layer. */
  readonly layer: 'tcp';
  /** The port of the sender. */
  src_port: number;
  /** The port of the receiver. */
  dst_port: number;
  /** The sequence number of the first byte of data. */
  seq: number;
  /** The acknowledgement number: the next byte that the sender expects. */
  ack: number;
  /** the offset of the data, in bytes: the size of the header */
  data_offset: number;
  /** the 12 bits behind data_offset: tcp.FIN … tcp.AE, and three reserved ones */
  flags: number;
  /** The bytes that the sender can still take, before the scale of the connection. */
  window: number;
  /** The checksum of header and data. */
  checksum: number;
  /** The urgent pointer: bytes from the sequence number to the end of the urgent data. */
  urgent: number;
  /** The options, in their order. */
  options: readonly TcpOption[];
  /** Whether the checksum is right; undefined if bytes are missing, or there is no IP layer. */
  checksum_ok: boolean | undefined;
}
/** The fields of a TCP header to build: what is left out is worked out, or has a default. */
export type TcpFields = Fields<Tcp, { options: readonly TcpOptionFields[] }>;
/** A TCP header to build. */
export type TcpDraft = { readonly layer: 'tcp' } & TcpFields;

const NUMBER = 6;
const HEADER = 20;
const FIELDS: FieldNames<keyof TcpFields> = field_names(
  'src_port dst_port seq ack data_offset flags window checksum urgent options checksum_ok',
);

/**
 * Makes a TCP header.
 *
 * @param fields numbers are 0 unless given, window is 65,535; data_offset, checksum and padding behind the options are worked out
 * @throws TypeError for a field that TCP does not have
 */
export const tcp = Object.assign(maker<'tcp', TcpFields>('tcp', FIELDS), {
  FIN: 0x01,
  SYN: 0x02,
  RST: 0x04,
  PSH: 0x08,
  ACK: 0x10,
  URG: 0x20,
  ECE: 0x40,
  CWR: 0x80,
  AE: 0x100,
  /** Returns the place behind a TCP header with this port, for define_layer. @throws TypeError, RangeError */
  port: places('tcp port', 0xffff),
} as const);

const ENDS: Ends = [
  [2, 'src_port'],
  [4, 'dst_port'],
  [8, 'seq'],
  [12, 'ack'],
  [14, 'data_offset', 'flags'],
  [16, 'window'],
  [18, 'checksum'],
  [20, 'urgent'],
];

export const tcp_protocol: Protocol = {
  name: 'tcp',
  fields: FIELDS,
  ends: () => ENDS,

  parse(input: Input) {
    if (!input.has('tcp', HEADER)) return read_cut(input, tcp_protocol, HEADER);
    const { view, at } = input;
    const bits = view.getUint16(at + 12);
    const data_offset = (bits >>> 12) * 4;
    if (data_offset < HEADER)
      input.problem('tcp', at + 12, `data_offset is ${data_offset}, less than the header`);
    const whole = data_offset <= HEADER || input.has('tcp', data_offset);
    input.layers.push({
      layer: 'tcp',
      src_port: view.getUint16(at),
      dst_port: view.getUint16(at + 2),
      seq: view.getUint32(at + 4),
      ack: view.getUint32(at + 8),
      data_offset,
      flags: bits & 0xfff,
      window: view.getUint16(at + 14),
      checksum: view.getUint16(at + 16),
      urgent: view.getUint16(at + 18),
      options: tcp_options.read(input, at + HEADER, at + data_offset),
      checksum_ok: input.verify_transport(at, NUMBER),
    });
    input.at = whole ? at + Math.max(data_offset, HEADER) : input.end;
    if (input.at === input.end) return undefined;
    const next = protocol_of_tcp(view.getUint16(at + 2), view.getUint16(at));
    // A segment may end in the middle of a message.
    if (next !== undefined) input.partial = true;
    return next;
  },

  build(layer: TcpDraft, output: Output) {
    const options = tcp_options.bytes(layer.options ?? [], 'tcp.options');
    const end = output.start;
    const at = output.prepend_header(HEADER, options, 'tcp.options', layer.data_offset);
    const data_offset = units(layer.data_offset ?? end - at, 'tcp.data_offset', 4, 15);
    const flags = integer(layer.flags ?? 0, 'tcp.flags', 0, 0xfff);
    output.u16(at, layer.src_port ?? 0, 'tcp.src_port');
    output.u16(at + 2, layer.dst_port ?? tcp_port_for(output.next), 'tcp.dst_port');
    output.u32(at + 4, layer.seq ?? 0, 'tcp.seq');
    output.u32(at + 8, layer.ack ?? 0, 'tcp.ack');
    output.view.setUint16(at + 12, (data_offset << 12) | flags);
    output.u16(at + 14, layer.window ?? 0xffff, 'tcp.window');
    output.u16(at + 18, layer.urgent ?? 0, 'tcp.urgent');
    output.transport_checksum(at + 16, layer.checksum, 'tcp.checksum', NUMBER);
  },
};
