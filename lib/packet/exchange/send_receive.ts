// send_receive: sends packets and matches their answers. answers.ts decides which packet is an answer, raw_sockets.ts has the sockets;
// this file has the order of sending, the waiting and the retries.
import { if_nametoindex } from '../../socket/index.js';
import { sleep } from '../../util/deadline.js';
import {
  type BytesLike,
  bytes,
  c_string,
  elements,
  integer_or,
  is_bytes,
  options_of,
  timeout as seconds,
  shown,
} from '../../util/validate.js';
import { signal_of } from '../../util/wait_options.js';
import { build } from '../build.js';
import type { AnyDraft, Draft } from '../layer_types.js';
import { LINKTYPE_ETHERNET, LINKTYPE_RAW } from '../linktypes.js';
import { Packet, parse } from '../parse.js';
import { answers, fits, is_notice, questions } from './answers.js';
import { hardware_of, RawSockets, type Route, rewritten_field, source_for } from './raw_sockets.js';

/** Options of send_receive. */
export interface SendReceiveOptions {
  /** seconds to wait after the last packet of each try: 2 unless given; null: no limit */
  readonly timeout?: number | null | undefined;
  /** number of times that unanswered packets are sent again: 0 unless given */
  readonly retries?: number | undefined;
  /** seconds between two packets: 0 unless given */
  readonly interval?: number | undefined;
  /** the interface to send from and to receive on; packets that begin with Ethernet need it */
  readonly interface?: string | undefined;
  /** ends the call: the promise rejects with the signal's reason */
  readonly signal?: AbortSignal | undefined;
}

const OPTIONS = ['timeout', 'retries', 'interval', 'interface', 'signal'] as const;

/** Packets of one call, at most. */
const PACKETS_MAX = 2 ** 20;

/**
 * A packet to send: its layers, a parsed packet, or its bytes (an IP packet, else a frame). By the second form TypeScript keeps the
 * tuple of layers that was given, also in the result of a `map`.
 */
export type Sent = readonly AnyDraft[] | readonly [AnyDraft, ...AnyDraft[]] | Packet | BytesLike;

/** The result of send_receive. */
export interface Exchanged<P = Sent> {
  /** in the order of the answers: the packet as given, its answer, the seconds between them */
  readonly answered: [sent: P, received: Packet, seconds: number][];
  /** The packets without an answer. */
  readonly unanswered: P[];
  /** redirects and source quenches about a packet, which was forwarded all the same, RFC 792: its answer may still come */
  readonly notices: [sent: P, received: Packet, seconds: number][];
}

/** A packet to send, built. */
interface Probe<P> {
  readonly given: P;
  readonly bytes: Buffer;
  readonly route: Route;
  readonly parsed: Packet;
  sent_ms: number;
}

/** send_receive of ../send_receive.ts. */
export async function exchange_packets<const P extends Sent>(
  packets: Iterable<P>,
  options: SendReceiveOptions = {},
): Promise<Exchanged<P>> {
  const { interface: interface_name } = options_of(options, OPTIONS);
  if (interface_name !== undefined) c_string(interface_name, 'interface');
  const timing = {
    timeout: options.timeout === undefined ? 2 : seconds(options.timeout),
    interval: seconds(options.interval ?? 0, 'interval') ?? 0,
    retries: integer_or(0, options.retries, 'retries', 0),
  };
  const signal = signal_of(options);
  const taken = elements(packets, 'packets', PACKETS_MAX + 1);
  if (taken.length > PACKETS_MAX) throw new RangeError(`packets must be at most ${PACKETS_MAX}`);
  // Of all calls that need the interface, this one has the best error if it does not exist.
  if (interface_name !== undefined) if_nametoindex(interface_name);
  const probes = taken.map((packet, i) => prepare(packet, `packets[${i}]`, interface_name));
  signal?.throwIfAborted();
  if (probes.length === 0) return { answered: [], unanswered: [], notices: [] };
  const exchange = new Exchange(probes);
  const kinds = new Set(probes.map(({ route }) => route.kind));
  const sockets = new RawSockets(kinds, interface_name, exchange.receive, exchange.fail);
  const abort = (): void => exchange.fail(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await exchange.run(sockets, timing);
  } finally {
    signal?.removeEventListener('abort', abort);
    sockets.close();
  }
}

/** Returns the layers of a packet to send, and its bytes if the packet is given as bytes. */
function layers_of(packet: Sent, name: string): { layers: readonly Draft[]; given?: Buffer | undefined } {
  if (packet instanceof Packet) return { layers: packet.layers };
  if (is_list(packet)) return { layers: packet };
  if (!is_bytes(packet))
    throw new TypeError(`${name} must be an array of layers, or bytes, not ${shown(packet)}`);
  // No frame looks like an IP packet that ends at the end of the bytes.
  const given = Buffer.from(bytes(packet, name));
  const ip = parse(given, { linktype: LINKTYPE_RAW });
  const is_ip = ip.layers[0]?.layer !== 'payload' && ip.trailer.length === 0 && ip.problems.length === 0;
  return { layers: is_ip ? ip.layers : parse(given).layers, given };
}

/** Returns whether a packet is given by its layers. Those of define_layer, which have no Draft, pass through unchanged. */
function is_list(packet: Sent): packet is readonly Draft[] {
  return Array.isArray(packet);
}

/** Builds a packet, with the addresses that were left out. */
function prepare<P extends Sent>(packet: P, name: string, interface_name: string | undefined): Probe<P> {
  const { layers, given } = layers_of(packet, name);
  const [first] = layers;
  if (first?.layer !== 'ethernet' && first?.layer !== 'ipv4' && first?.layer !== 'ipv6') {
    throw new TypeError(`${name} must begin with ethernet, ipv4 or ipv6, not ${shown(first?.layer)}`);
  }
  if (first.layer === 'ethernet' && interface_name === undefined) {
    throw new TypeError(`${name} begins with ethernet: interface must name where to send it`);
  }
  const built = given ?? build(...layers.map((layer) => with_id(with_source(layer, interface_name))));
  const wrong = first.layer === 'ipv4' ? rewritten_field(built) : undefined;
  if (wrong !== undefined) {
    throw new RangeError(
      `${name}: the kernel replaces ipv4.${wrong} by the correct one; begin with ethernet to send it as it is`,
    );
  }
  const linktype = first.layer === 'ethernet' ? LINKTYPE_ETHERNET : LINKTYPE_RAW;
  const dst = first.dst ?? (first.layer === 'ipv4' ? '0.0.0.0' : '::');
  const parsed = parse(built, { linktype });
  return { given: packet, bytes: built, route: { kind: first.layer, dst }, parsed, sent_ms: 0 };
}

let last_id = process.pid & 0xffff;

/** Returns an IPv4 header with an identification of its own, which tells errors about packets with the same ports apart. */
function with_id(layer: Draft): Draft {
  if (layer.layer !== 'ipv4' || layer.id !== undefined) return layer;
  last_id = (last_id % 0xffff) + 1;
  return { ...layer, id: last_id };
}

/** Returns a layer with this machine's address if its source was left out. */
function with_source(layer: Draft, interface_name: string | undefined): Draft {
  if (
    (layer.layer === 'ipv4' || layer.layer === 'ipv6') &&
    layer.src === undefined &&
    layer.dst !== undefined
  ) {
    const src = source_for(layer.layer, layer.dst, interface_name);
    return src === undefined ? layer : { ...layer, src };
  }
  if (interface_name === undefined) return layer;
  if (layer.layer === 'ethernet') return { ...layer, src: layer.src ?? hardware_of(interface_name) };
  if (layer.layer !== 'arp') return layer;
  const sender_ip =
    layer.sender_ip ?? (layer.target_ip && source_for('ipv4', layer.target_ip, interface_name));
  return { ...layer, sender_mac: layer.sender_mac ?? hardware_of(interface_name), sender_ip };
}

/** Returns whether a received packet is the probe itself, sent to this machine. The kernel may have changed its identification. */
function is_same({ bytes: sent, route }: Probe<Sent>, data: Buffer): boolean {
  const start = route.kind === 'ipv4' ? 12 : 0;
  return data.length === sent.length && data.subarray(start).equals(sent.subarray(start));
}

interface Timing {
  readonly timeout: number | null;
  readonly interval: number;
  readonly retries: number;
}

class Exchange<P extends Sent> {
  readonly #answered: Exchanged<P>['answered'] = [];
  readonly #notices: Exchanged<P>['notices'] = [];
  readonly #pending: Set<Probe<P>>;
  readonly #by_key = new Map<string, Set<Probe<P>>>();
  /** Aborted when everything is answered or something failed: ends all waiting. */
  readonly #over = new AbortController();
  #failure: { readonly reason: unknown } | undefined;

  constructor(probes: readonly Probe<P>[]) {
    this.#pending = new Set(probes);
    for (const probe of probes) {
      for (const key of questions(probe.parsed.layers)) {
        const same = this.#by_key.get(key);
        if (same === undefined) this.#by_key.set(key, new Set([probe]));
        else same.add(probe);
      }
    }
  }

  /** Records a failure and ends the exchange. The promise rejects with the first one. */
  readonly fail = (reason: unknown): void => {
    this.#failure ??= { reason };
    this.#over.abort();
  };

  /** Matches a received packet with its probe. */
  readonly receive = (data: Buffer, linktype: number, at_ms: number): void => {
    const received = parse(data, { linktype });
    for (const key of answers(received.layers)) {
      const probe = this.#probe_for(key, received);
      if (probe === undefined || is_same(probe, data)) continue;
      const seconds = Math.max(0, at_ms - probe.sent_ms) / 1000;
      if (is_notice(received.layers)) {
        this.#notices.push([probe.given, received, seconds]);
        return;
      }
      this.#pending.delete(probe);
      this.#by_key.get(key)?.delete(probe);
      this.#answered.push([probe.given, received, seconds]);
      if (this.#pending.size === 0) this.#over.abort();
      return;
    }
  };

  /** Returns the probe that an answer belongs to: of several, the one that it fits, else the first. */
  #probe_for(key: string, received: Packet): Probe<P> | undefined {
    let first: Probe<P> | undefined;
    for (const probe of this.#by_key.get(key) ?? []) {
      if (probe.sent_ms === 0 || !this.#pending.has(probe)) continue;
      if (fits(probe.parsed.layers, received.layers)) return probe;
      first ??= probe;
    }
    return first;
  }

  async run(sockets: RawSockets, { timeout, interval, retries }: Timing): Promise<Exchanged<P>> {
    for (let round = 0; round <= retries && !this.#over.signal.aborted; round++) {
      let is_first = true;
      for (const probe of this.#pending) {
        if (!is_first && interval > 0) await this.#pause(interval);
        if (this.#over.signal.aborted) break;
        is_first = false;
        if (!this.#pending.has(probe)) continue;
        probe.sent_ms = performance.now();
        await sockets.send(probe.bytes, probe.route, this.#over.signal).catch((error: unknown) => {
          if (!this.#over.signal.aborted) throw error;
        });
      }
      await this.#pause(timeout);
    }
    if (this.#failure !== undefined) throw this.#failure.reason;
    const unanswered = [...this.#pending].map(({ given }) => given);
    return { answered: this.#answered, unanswered, notices: this.#notices };
  }

  /** Waits `duration` seconds (null: no limit), or until the exchange is over. */
  async #pause(duration: number | null): Promise<void> {
    await sleep(duration === null ? Number.POSITIVE_INFINITY : duration * 1000, this.#over.signal);
  }
}
