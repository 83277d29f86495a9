// streams: the data of TCP connections in their order, RFC 9293, from packets in any order. stream_half.ts has the order of one direction;
// this file has the connections, and which packet belongs to which.
import { integer_or, options_of } from '../../util/validate.js';
import { bytes_behind } from '../build.js';
import type { Layer } from '../layer_types.js';
import { type Tcp, tcp } from '../layers/tcp.js';
import { type Packet, parse } from '../parse.js';
import { check_packet, type PacketBytes, type Packets, Results, type Step } from './pipe.js';
import { Half } from './stream_half.js';

/** Options of streams. */
export interface StreamsOptions {
  /** Bytes of data that wait for others before them, at most: 16 MiB by default. Beyond, the largest wait of a stream ends with a gap. */
  readonly limit?: number | null | undefined;
  /** Connections that are followed at the same time, at most: 65,536 by default. Beyond, the one that is silent longest ends. */
  readonly connections?: number | null | undefined;
}

/** A connection: the client is the sender of the SYN; without one, the sender of the first packet. */
export interface Stream {
  /** Its number, from 0 in the order of first packets. */
  readonly number: number;
  /** The end that began: host and port. */
  readonly client: readonly [host: string, port: number];
  /** The other end: host and port. */
  readonly server: readonly [host: string, port: number];
}

/** A part of a stream, in the order of the stream. */
export interface StreamPart {
  /** The connection: the same object for all of its parts. */
  readonly stream: Stream;
  /** The end that sent the data. */
  readonly from: 'client' | 'server';
  /** The data of this part; empty in a part that only says an end. */
  readonly data: Buffer;
  /** Bytes in front of the data that are in no packet. */
  readonly missing: number;
  /** The time of the packet that completed this part. */
  readonly time_ns: bigint | undefined;
  /** The end of this direction, behind the data: a FIN, a RST, or the end of what was captured. */
  readonly end: 'fin' | 'reset' | 'lost' | undefined;
}

const DEFAULT_LIMIT = 16 * 1024 * 1024;
const DEFAULT_CONNECTIONS = 65_536;

interface Connection {
  readonly stream: Stream;
  readonly halves: Readonly<Record<'client' | 'server', Half>>;
}

/** A segment with the addresses around it. */
interface Segment {
  readonly src: readonly [host: string, port: number];
  readonly dst: readonly [host: string, port: number];
  readonly header: Tcp;
  readonly data: Buffer;
  readonly time_ns: bigint | undefined;
}

class Follower<P extends PacketBytes> implements Step<P, StreamPart> {
  readonly #limit: number;
  readonly #most: number;
  readonly #connections = new Map<string, Connection>();
  #count = 0;
  #waiting = 0;

  constructor(limit: number, most: number) {
    this.#limit = limit;
    this.#most = most;
  }

  *take(packet: P): Iterable<StreamPart> {
    check_packet(packet);
    const segment = segment_of(parse(packet.data, packet), packet.time_ns);
    if (segment === undefined) return;
    const { header, src, dst, time_ns } = segment;
    const key = [src.join(' '), dst.join(' ')].sort().join(' ');
    let connection = this.#connections.get(key);
    const is_opening = (header.flags & (tcp.SYN | tcp.ACK)) === tcp.SYN;
    if (connection !== undefined && is_opening && !is_same(connection, segment)) {
      // The ports are used again.
      yield* this.#finish(key, connection, time_ns);
      connection = undefined;
    }
    if (connection === undefined) {
      if ((header.flags & tcp.RST) !== 0) return;
      connection = this.#open(segment);
    }
    // The map is in the order of last packets.
    this.#connections.delete(key);
    this.#connections.set(key, connection);
    yield* this.#segment(connection, segment);
    for (const [oldest, silent] of this.#connections) {
      if (this.#connections.size <= this.#most) break;
      yield* this.#finish(oldest, silent, time_ns);
    }
    yield* this.#bound(time_ns);
  }

  *end(): Iterable<StreamPart> {
    for (const [key, connection] of this.#connections) yield* this.#finish(key, connection, undefined);
  }

  #open({ header, src, dst }: Segment): Connection {
    // The answer to a SYN comes from the server.
    const is_answer = (header.flags & (tcp.SYN | tcp.ACK)) === (tcp.SYN | tcp.ACK);
    const [client, server] = is_answer ? [dst, src] : [src, dst];
    const stream = { number: this.#count++, client, server };
    return { stream, halves: { client: new Half(), server: new Half() } };
  }

  *#segment(connection: Connection, segment: Segment): Iterable<StreamPart> {
    const { header, time_ns, data } = segment;
    const from = side_of(connection.stream, segment);
    const [half, other] = [
      connection.halves[from],
      connection.halves[from === 'client' ? 'server' : 'client'],
    ];
    // What the other side acknowledges it has: a hole in front of that is in no packet of the capture.
    if ((header.flags & tcp.ACK) !== 0) {
      yield* this.#parts(connection, from === 'client' ? 'server' : 'client', time_ns, () =>
        other.acknowledge(header.ack),
      );
    }
    yield* this.#parts(connection, from, time_ns, () => half.add(header, data));
    if ((header.flags & tcp.RST) !== 0) {
      for (const side of [from, from === 'client' ? 'server' : 'client'] as const)
        yield* this.#parts(connection, side, time_ns, () => connection.halves[side].finish('reset'));
    }
  }

  *#finish(key: string, connection: Connection, time_ns: bigint | undefined): Iterable<StreamPart> {
    for (const side of ['client', 'server'] as const)
      yield* this.#parts(connection, side, time_ns, () => connection.halves[side].finish('lost'));
    this.#connections.delete(key);
  }

  /** Ends waits until those that are left are within the limit. */
  *#bound(time_ns: bigint | undefined): Iterable<StreamPart> {
    while (this.#waiting > this.#limit) {
      let largest: [Connection, 'client' | 'server'] | undefined;
      let most = 0;
      for (const connection of this.#connections.values()) {
        for (const side of ['client', 'server'] as const) {
          const { waiting } = connection.halves[side];
          if (waiting > most) [largest, most] = [[connection, side], waiting];
        }
      }
      if (largest === undefined) return;
      const [connection, side] = largest;
      yield* this.#parts(connection, side, time_ns, () => connection.halves[side].skip());
    }
  }

  /** Returns the parts that a change of a direction gives, and keeps the sum of what waits. */
  #parts(
    { stream, halves }: Connection,
    from: 'client' | 'server',
    time_ns: bigint | undefined,
    change: () => Pick<StreamPart, 'data' | 'missing' | 'end'>[],
  ): StreamPart[] {
    const before = halves[from].waiting;
    const parts = change();
    this.#waiting += halves[from].waiting - before;
    return parts.map((part) => ({ stream, from, ...part, time_ns }));
  }
}

/**
 * streams(packets, { limit, connections }) -> the parts of all TCP connections in the packets, each direction in its order. See RFC 9293.
 *
 * Segments that come too early wait for those before them; what came before is left out. Of data that differ, those that came first count.
 * A hole ends when the other side acknowledges the bytes, when the limit is reached, or with the stream: `missing` says its size. Fragments
 * are not put together here: `streams(reassemble(packets))`.
 *
 * @param packets an iterable or async iterable of objects with `data` and `linktype`: read_capture's, for example
 * @param options the limits: bytes of data that may wait, and connections at a time
 * @returns an iterable, also for `for await`
 * @throws TypeError, RangeError naming the argument
 * @example
 * const segment = build(ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }), tcp({ src_port: 1024, dst_port: 80 }), payload('GET /'));
 * for (const { from, data } of streams([{ data: segment, linktype: LINKTYPE_RAW }])) {
 *   if (data.length > 0) console.log(from, data.toString()); // client GET /
 * }
 */
export function streams<P extends PacketBytes>(
  packets: Packets<P>,
  options: StreamsOptions = {},
): Results<P, StreamPart, Step<P, StreamPart>> {
  const given = options_of(options, ['limit', 'connections']);
  const limit = integer_or(DEFAULT_LIMIT, given.limit, 'limit', 0, Number.MAX_SAFE_INTEGER);
  const most = integer_or(DEFAULT_CONNECTIONS, given.connections, 'connections', 1, Number.MAX_SAFE_INTEGER);
  return new Results(packets, () => new Follower<P>(limit, most));
}

/** Returns the segment in a packet: that of its innermost TCP layer. */
function segment_of({ layers }: Packet, time_ns: bigint | undefined): Segment | undefined {
  const at = layers.findLastIndex(({ layer }) => layer === 'tcp');
  const header = layers[at];
  const ip = layers.slice(0, Math.max(at, 0)).findLast(is_ip);
  if (header?.layer !== 'tcp' || header.cut !== undefined || ip === undefined) return undefined;
  return {
    src: [ip.src, header.src_port],
    dst: [ip.dst, header.dst_port],
    header,
    data: bytes_behind(layers, at),
    time_ns,
  };
}

function is_ip(layer: Layer): layer is Extract<Layer, { layer: 'ipv4' | 'ipv6' }> {
  return layer.layer === 'ipv4' || layer.layer === 'ipv6';
}

function side_of({ client }: Stream, { src }: Segment): 'client' | 'server' {
  return client[0] === src[0] && client[1] === src[1] ? 'client' : 'server';
}

/** Returns whether a SYN belongs to this connection: it is the first one, or a repetition. */
function is_same({ stream, halves }: Connection, segment: Segment): boolean {
  return halves[side_of(stream, segment)].begins_with(segment.header.seq);
}
