// fragment: cuts an IP packet into fragments that fit a link, as RFC 791 and RFC 8200 (4.5) say.
import { array, integer, shown } from '../../util/validate.js';
import { build } from '../build.js';
import type { AnyDraft, Draft } from '../layer_types.js';
import { type Ipv4, type Ipv4Draft, ipv4 } from '../layers/ipv4.js';
import type { Ipv6, Ipv6Draft } from '../layers/ipv6.js';
import { payload } from '../layers/payload.js';
import { LINKTYPE_RAW } from '../linktypes.js';
import { parse } from '../parse.js';

/** The bit in an IPv4 option's type that says: copy into every fragment. */
const COPIED = 0x80;
const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const FRAGMENT_HEADER = 8;
const MAX_MTU = 0xffff;

/**
 * fragment(layers, mtu) -> an array of packets, each an array of layers. See RFC 791, RFC 8200 (section 4.5).
 *
 * The outermost IP packet is cut; the layers in front of it stand in front of each fragment. In IPv4, options that are not to be copied are
 * in the first fragment only. In IPv6, each fragment has the headers up to the routing header. Without an id, fragments get one by chance.
 *
 * @param layers as `build` takes them
 * @param mtu the largest IP packet of the link, in bytes, its header included
 * @returns the packet alone, as it was given, if it is small enough
 * @throws TypeError, RangeError naming the argument; RangeError for a packet with ipv4.DF, for an IPv6 packet that is a fragment already,
 *   and for an mtu without room for the headers and 8 bytes
 * @example
 * const packets = fragment([ipv4({ dst: '192.0.2.1' }), udp(), payload(Buffer.alloc(2000))], 1500);
 * console.log(packets.map((layers) => build(...layers).length)); // [ 1500, 548 ]
 */
export function fragment<D extends AnyDraft>(layers: readonly D[], mtu: number): (D | Draft)[][] {
  array(layers, 'layers');
  integer(mtu, 'mtu', 0, MAX_MTU);
  const at = layers.findIndex((layer) => layer?.layer === 'ipv4' || layer?.layer === 'ipv6');
  const given = layers[at];
  if (given?.layer !== 'ipv4' && given?.layer !== 'ipv6')
    throw new TypeError(`layers must have ipv4 or ipv6, not ${shown(layers[0]?.layer)}`);
  const bytes = build(...layers.slice(at));
  if (bytes.length <= mtu) return [[...layers]];
  const [header] = parse(bytes, { linktype: LINKTYPE_RAW }).layers;
  const outer = layers.slice(0, at);
  if (header?.layer === 'ipv4') return fragments_of_ipv4(header, given, bytes, mtu, outer);
  if (header?.layer === 'ipv6') return fragments_of_ipv6(header, bytes, mtu, outer);
  throw new RangeError(`layers[${at}] is no whole header of ${given.layer}`);
}

/** Returns the pieces of data: the offset and the end of each; all but the last are multiples of 8 bytes. */
function* pieces(size: number, first_room: number, room: number): Generator<[start: number, end: number]> {
  if (Math.min(first_room, room) < 8) throw no_room(first_room, room);
  let start = 0;
  while (start < size) {
    const fits = start === 0 ? first_room : room;
    const end = size - start <= fits ? size : start + (fits & ~7);
    yield [start, end];
    start = end;
  }
}

function no_room(first: number, other: number): RangeError {
  return new RangeError(
    `mtu leaves ${Math.max(0, Math.min(first, other))} bytes behind the headers, and 8 are needed`,
  );
}

function fragments_of_ipv4<D extends AnyDraft>(
  header: Ipv4,
  given: AnyDraft,
  bytes: Buffer,
  mtu: number,
  outer: readonly D[],
): (D | Draft)[][] {
  if (header.flags & ipv4.DF)
    throw new RangeError(
      `the packet of ${bytes.length} bytes must not be cut for an mtu of ${mtu}: ipv4.flags has DF`,
    );
  const { header_length } = header;
  const copied = header.options.filter(({ type }) => (type & COPIED) !== 0);
  const size_of_copied = copied.reduce((sum, { data }) => sum + 2 + data.length, 0);
  const later_length = IPV4_HEADER + ((size_of_copied + 3) & ~3);
  const id = 'id' in given && typeof given.id === 'number' ? given.id : any_id(0xffff);
  const {
    checksum: _sum,
    checksum_ok: _ok,
    total_length: _total,
    header_length: _length,
    ...fields
  } = header;
  const data = bytes.subarray(header_length);
  return [...pieces(data.length, mtu - header_length, mtu - later_length)].map(([start, end]) => {
    const is_last = end === data.length;
    const ip: Ipv4Draft = {
      ...fields,
      id,
      flags: is_last ? header.flags : header.flags | ipv4.MF,
      fragment_offset: header.fragment_offset + start,
      options: start === 0 ? header.options : copied,
    };
    return [...outer, ip, payload(data.subarray(start, end))];
  });
}

function fragments_of_ipv6<D extends AnyDraft>(
  header: Ipv6,
  bytes: Buffer,
  mtu: number,
  outer: readonly D[],
): (D | Draft)[][] {
  const { extensions } = header;
  if (extensions.some(({ name }) => name === 'fragment'))
    throw new RangeError('layers have a fragment header: only the sender cuts an IPv6 packet');
  // Nodes on the way read these headers: each fragment has them.
  const last = Math.max(
    ...extensions.map(({ name }, i) => (name === 'hop_by_hop' || name === 'routing' ? i : -1)),
    -1,
  );
  const in_each = extensions.slice(0, last + 1);
  const start_of_data = IPV6_HEADER + in_each.reduce((sum, { length }) => sum + length, 0);
  const next_header = in_each.at(-1)?.next_header ?? header.next_header;
  const { payload_length: _length, next_header: _next, ...fields } = header;
  const id = any_id(0xffffffff);
  const data = bytes.subarray(start_of_data);
  const room = mtu - start_of_data - FRAGMENT_HEADER;
  return [...pieces(data.length, room, room)].map(([start, end]) => {
    const ip: Ipv6Draft = {
      ...fields,
      extensions: [
        ...in_each.map(({ next_header: _, ...extension }) => extension),
        { name: 'fragment', next_header, id, fragment_offset: start, more_fragments: end < data.length },
      ],
    };
    return [...outer, ip, payload(data.subarray(start, end))];
  });
}

function any_id(max: number): number {
  return 1 + Math.floor(Math.random() * max);
}
