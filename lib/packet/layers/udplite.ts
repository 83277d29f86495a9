// UDP-Lite, RFC 3828: UDP whose checksum may cover only the first bytes, so that damage behind them does not cost the datagram. Its ports
// are those of UDP, and so are the protocols behind them.
import { integer } from '../../util/validate.js';
import { read_cut } from '../bytes/cut.js';
import { type Ends, type FieldNames, type Fields, field_names, maker } from '../bytes/fields.js';
import type { Input } from '../bytes/input.js';
import type { Output } from '../bytes/output.js';
import { type Protocol, protocol_of_udp, udp_port_for } from '../registry.js';

/** A UDP-Lite header, RFC 3828, as parsed. */
export interface Udplite {
  /** The name of the layer. */
  readonly layer: 'udplite';
  /** The port of the sender. */
  src_port: number;
  /** The port of the receiver. */
  dst_port: number;
  /** the bytes that the checksum covers, from the begin of the header on, 8 at least; 0: all of them */
  coverage: number;
  /** The checksum; every datagram has one. */
  checksum: number;
  /** Whether the checksum is right; undefined if bytes that it covers are missing, `coverage` is impossible, or there is no IP layer. */
  checksum_ok: boolean | undefined;
}
/** The fields of a UDP-Lite header to build: what is left out is worked out, or has a default. */
export type UdpliteFields = Fields<Udplite>;
/** A UDP-Lite header to build. */
export type UdpliteDraft = { readonly layer: 'udplite' } & UdpliteFields;

const NUMBER = 136;
const HEADER = 8;
const FIELDS: FieldNames<keyof UdpliteFields> = field_names(
  'src_port dst_port coverage checksum checksum_ok',
);

/**
 * Makes a UDP-Lite header.
 *
 * @param fields src_port and dst_port are 0 unless given; coverage is 0, the whole datagram; the checksum is worked out
 * @throws TypeError for a field that UDP-Lite does not have
 */
export const udplite = maker<'udplite', UdpliteFields>('udplite', FIELDS);

const ENDS: Ends = [
  [2, 'src_port'],
  [4, 'dst_port'],
  [6, 'coverage'],
  [8, 'checksum'],
];

/** Returns the bytes that the checksum of a datagram covers; undefined for a coverage that no datagram of this size may have. */
function covered(coverage: number, size: number): number | undefined {
  if (coverage === 0) return size;
  return coverage >= HEADER && coverage <= size ? coverage : undefined;
}

export const udplite_protocol: Protocol = {
  name: 'udplite',
  fields: FIELDS,
  ends: () => ENDS,

  parse(input: Input) {
    if (!input.has('udplite', HEADER)) return read_cut(input, udplite_protocol, HEADER);
    const { view, at } = input;
    const coverage = view.getUint16(at + 4);
    const size = input.wire_end - at;
    const bytes = covered(coverage, size);
    if (bytes === undefined && !(input.partial && coverage >= HEADER)) {
      const message = `coverage is ${coverage}, neither 0 nor from ${HEADER} to the length, ${size}`;
      input.problem('udplite', at + 4, message);
    }
    input.layers.push({
      layer: 'udplite',
      src_port: view.getUint16(at),
      dst_port: view.getUint16(at + 2),
      coverage,
      checksum: view.getUint16(at + 6),
      checksum_ok: bytes === undefined ? undefined : input.verify_covered(at, bytes, NUMBER),
    });
    input.at += HEADER;
    return protocol_of_udp(view.getUint16(at + 2), view.getUint16(at));
  },

  build(layer: UdpliteDraft, output: Output) {
    const coverage = integer(layer.coverage ?? 0, 'udplite.coverage', 0, 0xffff);
    const at = output.prepend(HEADER);
    output.u16(at, layer.src_port ?? 0, 'udplite.src_port');
    output.u16(at + 2, layer.dst_port ?? udp_port_for(output.next), 'udplite.dst_port');
    output.u16(at + 4, coverage, 'udplite.coverage');
    // A computed 0 is sent as its other representation, as in UDP.
    const bytes = covered(coverage, output.length);
    output.transport_checksum(at + 6, layer.checksum, 'udplite.checksum', NUMBER, 0xffff, bytes);
  },
};
