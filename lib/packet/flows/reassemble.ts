// reassemble: puts the fragments of IPv4 and IPv6 packets together, as Linux does: a fragment that is there already is left out, any other
// overlap drops the packet (RFC 5722 for IPv6; Linux since 4.19 for IPv4, too), and so do 30 seconds (IPv6: 60).
import { integer_or, options_of } from '../../util/validate.js';
import { build } from '../build.js';
import type { Draft, Layer } from '../layer_types.js';
import { type Ipv4, ipv4 } from '../layers/ipv4.js';
import type { Ipv6 } from '../layers/ipv6.js';
import { payload } from '../layers/payload.js';
import { parse } from '../parse.js';
import { check_packet, type PacketBytes, type Packets, Results, type Step } from './pipe.js';

/** Options of reassemble. */
export interface ReassembleOptions {
  /** Bytes of fragments that wait, at most: 4 MiB by default, as in Linux. The packet that waits longest is dropped first. */
  readonly limit?: number | null | undefined;
}

/** Numbers of packets that could not be put together. */
export interface DroppedPackets {
  /** A fragment was missing when the time was over, or when the packets ended. */
  incomplete: number;
  /** Fragments overlapped, or did not agree about the end; or the packet would be larger than 65,535 bytes. */
  malformed: number;
  /** The limit was reached. */
  limit: number;
}

const DEFAULT_LIMIT = 4 * 1024 * 1024;
/** Bytes that a waiting fragment costs beside its data. */
const OVERHEAD = 256;
const SECONDS = { ipv4: 30n, ipv6: 60n } as const;
const NANOSECONDS = 1_000_000_000n;
const MAX_SIZE = 0xffff;
const IPV6_HEADER = 40;

/** A fragment: its place in the packet, and the layers in front of its data. */
interface Piece {
  readonly start: number;
  readonly end: number;
  readonly is_last: boolean;
  readonly data: Buffer;
  readonly outer: readonly Layer[];
  readonly ip: Ipv4 | Ipv6;
}

/** Fragments that touch, in their order, without a hole. */
interface Run {
  readonly start: number;
  end: number;
  readonly pieces: Piece[];
}

/** A packet that is being put together. */
interface Waiting {
  readonly runs: Run[];
  readonly until: bigint | undefined;
  /** The end that the last fragment says; until it is there, the greatest end. */
  size: number;
  has_last: boolean;
  cost: number;
}

class Reassembly<P extends PacketBytes> implements Step<P, P> {
  readonly dropped: DroppedPackets = { incomplete: 0, malformed: 0, limit: 0 };
  readonly #limit: number;
  readonly #waiting = new Map<string, Waiting>();
  #cost = 0;
  /** No packet's time is over before this. */
  #earliest: bigint | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  *take(packet: P): Iterable<P> {
    check_packet(packet);
    this.#expire(packet.time_ns);
    let whole: P | undefined = packet;
    // A packet that was put together may carry a fragment of another one.
    for (let found = fragment_in(whole); found !== undefined; found = fragment_in(whole)) {
      whole = this.#add(whole, found);
      if (whole === undefined) return;
    }
    yield whole;
  }

  end(): Iterable<P> {
    for (const key of this.#waiting.keys()) this.#drop(key, 'incomplete');
    return [];
  }

  /** Adds a fragment. Returns the packet if it is whole now. */
  #add(packet: P, [key_of_ip, piece]: [key: string, piece: Piece]): P | undefined {
    const key = `${packet.section ?? 0} ${packet.interface ?? 0} ${key_of_ip}`;
    const { time_ns } = packet;
    const seconds = SECONDS[piece.ip.layer];
    const waiting = this.#waiting.get(key) ?? {
      runs: [],
      until: time_ns === undefined ? undefined : time_ns + seconds * NANOSECONDS,
      size: 0,
      has_last: false,
      cost: 0,
    };
    this.#waiting.set(key, waiting);
    this.#note(waiting.until);
    if (!agrees(waiting, piece)) {
      this.#drop(key, 'malformed');
      return undefined;
    }
    const place = insert(waiting.runs, piece);
    if (place === 'overlap') this.#drop(key, 'malformed');
    if (place !== 'new') return undefined;
    const cost = piece.data.length + OVERHEAD;
    waiting.cost += cost;
    this.#cost += cost;
    if (is_whole(waiting)) {
      this.#forget(key, waiting);
      const data = whole_packet(waiting);
      if (data !== undefined) return { ...packet, data, length: data.length };
      this.dropped.malformed++;
    }
    for (const oldest of this.#waiting.keys()) {
      if (this.#cost <= this.#limit) break;
      this.#drop(oldest, 'limit');
    }
    return undefined;
  }

  #expire(now: bigint | undefined): void {
    if (now === undefined || this.#earliest === undefined || this.#earliest >= now) return;
    this.#earliest = undefined;
    for (const [key, { until }] of this.#waiting) {
      if (until !== undefined && until < now) this.#drop(key, 'incomplete');
      else this.#note(until);
    }
  }

  /** Notes when the time of a packet is over. */
  #note(until: bigint | undefined): void {
    if (until !== undefined && (this.#earliest === undefined || until < this.#earliest))
      this.#earliest = until;
  }

  #drop(key: string, reason: keyof DroppedPackets): void {
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) this.#forget(key, waiting);
    this.dropped[reason]++;
  }

  #forget(key: string, waiting: Waiting): void {
    this.#cost -= waiting.cost;
    this.#waiting.delete(key);
  }
}

/** The packets of `reassemble`. */
export class Reassembled<P extends PacketBytes> extends Results<P, P, Reassembly<P>> {
  /** Numbers of packets that could not be put together, in the last iteration. */
  get dropped(): Readonly<DroppedPackets> {
    return { ...this.step.dropped };
  }
}

/**
 * reassemble(packets, { limit }) -> the same packets, those that came as fragments as one each, where the last of these came. See RFC 791,
 * RFC 8200.
 *
 * Fragments that a capture cut stay as they are. Time-outs (30 seconds after the first fragment, 60 in IPv6) are by the packets' `time_ns`;
 * packets without one wait until the limit.
 *
 * @param packets an iterable or async iterable of objects with `data` and `linktype`: read_capture's, for example
 * @param options the limit, bytes of fragments that may wait
 * @returns an iterable, also for `for await`; `dropped` counts the packets that could not be put together
 * @throws TypeError, RangeError naming the argument
 * @example
 * const cut = fragment([ipv4({ dst: '192.0.2.1' }), udp(), payload(Buffer.alloc(2000))], 1500);
 * const captured = cut.map((layers) => ({ data: build(...layers), linktype: LINKTYPE_RAW }));
 * for (const { data } of reassemble(captured)) console.log(data.length); // 2028
 */
export function reassemble<P extends PacketBytes>(
  packets: Packets<P>,
  options: ReassembleOptions = {},
): Reassembled<P> {
  const { limit } = options_of(options, ['limit']);
  const bytes = integer_or(DEFAULT_LIMIT, limit, 'limit', 0, Number.MAX_SAFE_INTEGER);
  return new Reassembled(packets, () => new Reassembly<P>(bytes));
}

/** Returns the outermost fragment in a packet with the key of its packet; undefined if there is none, or if it is cut. */
function fragment_in(packet: PacketBytes): [key: string, piece: Piece] | undefined {
  const parsed = parse(packet.data, packet);
  if (parsed.truncated) return undefined;
  const { layers } = parsed;
  const at = layers.findIndex(is_fragment);
  const ip = layers[at];
  const outer = layers.slice(0, at);
  const bytes = Buffer.from(packet.data.buffer, packet.data.byteOffset, packet.data.length);
  const behind = (header: Layer) =>
    bytes.subarray(build(...outer, header).length, bytes.length - parsed.trailer.length);
  if (ip?.layer === 'ipv4') {
    const data = behind(ip);
    const start = ip.fragment_offset;
    const is_last = (ip.flags & ipv4.MF) === 0;
    const end = start + (is_last ? data.length : data.length & ~7);
    return [`${ip.src} ${ip.dst} ${ip.protocol} ${ip.id}`, { start, end, is_last, data, outer, ip }];
  }
  if (ip?.layer !== 'ipv6') return undefined;
  const index = ip.extensions.findIndex(({ name }) => name === 'fragment');
  const header = ip.extensions[index];
  if (header?.name !== 'fragment') return undefined;
  // The extension headers behind it are a part of what was cut.
  const own = { ...ip, extensions: ip.extensions.slice(0, index + 1) };
  const data = behind(own);
  const start = header.fragment_offset;
  const is_last = !header.more_fragments;
  const end = start + data.length;
  return [`${ip.src} ${ip.dst} ${header.id}`, { start, end, is_last, data, outer, ip: own }];
}

function is_fragment(layer: Layer): boolean {
  if (layer.layer === 'ipv4')
    return layer.cut === undefined && ((layer.flags & ipv4.MF) !== 0 || layer.fragment_offset > 0);
  if (layer.layer !== 'ipv6' || layer.cut !== undefined) return false;
  // An atomic fragment is a whole packet, RFC 6946.
  const header = layer.extensions.find(({ name }) => name === 'fragment');
  return header?.name === 'fragment' && (header.more_fragments || header.fragment_offset > 0);
}

/** Notes the end of the packet. Returns whether the fragments agree about it. */
function agrees(waiting: Waiting, { start, end, is_last, ip, data }: Piece): boolean {
  if (end === start || end > MAX_SIZE) return false;
  // Only the last fragment may have a number of bytes that is no multiple of 8. Linux cuts those of IPv4.
  if (!is_last && ip.layer === 'ipv6' && data.length % 8 !== 0) return false;
  if (
    is_last
      ? end < waiting.size || (waiting.has_last && end !== waiting.size)
      : waiting.has_last && end > waiting.size
  )
    return false;
  waiting.has_last ||= is_last;
  waiting.size = Math.max(waiting.size, end);
  return true;
}

/** Puts a fragment in its place, as inet_frag_queue_insert() of Linux does. */
function insert(runs: Run[], piece: Piece): 'new' | 'there' | 'overlap' {
  const { start, end } = piece;
  const last = runs.at(-1);
  if (last !== undefined && last.end === start) {
    last.pieces.push(piece);
    last.end = end;
    return 'new';
  }
  let at = runs.length;
  for (let run = runs[at - 1]; run !== undefined && start < run.end; run = runs[at - 1]) {
    if (start >= run.start && end <= run.end) return 'there';
    if (end > run.start) return 'overlap';
    at--;
  }
  runs.splice(at, 0, { start, end, pieces: [piece] });
  return 'new';
}

function is_whole({ runs, has_last, size }: Waiting): boolean {
  let end = 0;
  for (const run of runs) {
    if (run.start !== end) return false;
    end = run.end;
  }
  return has_last && end === size;
}

/** Returns the bytes of a packet with the headers of its first fragment; undefined if it is too large. */
function whole_packet({ runs, size }: Waiting): Buffer | undefined {
  const pieces = runs.flatMap((run) => run.pieces);
  const [first] = pieces;
  if (first === undefined) return undefined;
  const data = payload(Buffer.concat(pieces.map((piece) => piece.data.subarray(0, piece.end - piece.start))));
  const ip = whole_header(first.ip);
  const header = build(ip).length;
  if (size + header - (ip.layer === 'ipv6' ? IPV6_HEADER : 0) > MAX_SIZE) return undefined;
  return build(...first.outer.map(resized), ip, data);
}

function whole_header(ip: Ipv4 | Ipv6): Draft & { layer: 'ipv4' | 'ipv6' } {
  if (ip.layer === 'ipv4') {
    const { total_length: _length, checksum: _sum, ...fields } = ip;
    return { ...fields, flags: ip.flags & ~ipv4.MF, fragment_offset: 0 };
  }
  const at = ip.extensions.findIndex(({ name }) => name === 'fragment');
  const next_header = ip.extensions[at]?.next_header ?? ip.next_header;
  const extensions = ip.extensions.flatMap((extension, i) => {
    if (i === at) return [];
    return i === at - 1 ? [{ ...extension, next_header }] : [extension];
  });
  const { payload_length: _length, ...fields } = ip;
  return { ...fields, next_header: at === 0 ? next_header : ip.next_header, extensions };
}

/** Returns a layer around a packet whose size has changed: its length and checksum are worked out anew. */
function resized(layer: Layer): Draft {
  switch (layer.layer) {
    case 'ipv4': {
      const { total_length: _length, checksum: _sum, ...fields } = layer;
      return fields;
    }
    case 'ipv6': {
      const { payload_length: _length, ...fields } = layer;
      return fields;
    }
    case 'udp': {
      const { length: _length, checksum: _sum, ...fields } = layer;
      return fields;
    }
    case 'udplite':
    case 'gre': {
      const { checksum: _sum, ...fields } = layer;
      return fields;
    }
    default:
      return layer;
  }
}
