// parse: turns the bytes of a packet into layers.
import './protocols.js';
import { type BytesLike, integer_or, shown, bytes as to_bytes } from '../util/validate.js';
import { Input, type Problem, parse_layers } from './bytes/input.js';
import type { Layer, LayerName, Layers } from './layer_types.js';
import { LINKTYPE_ETHERNET } from './linktypes.js';
import { parser_of_linktype } from './registry.js';

/** Options of parse. */
export interface ParseOptions {
  /** the number of the outermost layer's type in capture files; LINKTYPE_ETHERNET unless given */
  readonly linktype?: number | undefined;
  /** the length of the packet on the wire, in bytes; that of `bytes` unless given */
  readonly length?: number | undefined;
}

/** A parsed packet. */
export class Packet {
  /** Packet(layers, problems, truncated, trailer): what parse returns. */
  constructor(
    /** the layers, the outermost one first */
    readonly layers: readonly Layer[],
    /** the malformed parts */
    readonly problems: readonly Problem[],
    /** true if bytes are missing that were on the wire */
    readonly truncated: boolean,
    /** the bytes behind the end of the packet: padding, mostly empty */
    readonly trailer: Buffer,
  ) {}

  /**
   * get(name) -> the first layer of that name. As a packet's haslayer() and getlayer() in scapy.
   *
   * @param name such as 'ipv4'
   * @returns the layer, undefined if there is none
   * @example
   * const packet = parse(build(ipv4({ dst: '192.0.2.1' }), udp({ dst_port: 53 })), { linktype: LINKTYPE_RAW });
   * console.log(packet.get('udp')?.dst_port, packet.get('tcp')); // 53 undefined
   */
  get<Name extends LayerName>(name: Name): Layers[Name] | undefined {
    return this.layers.find((layer): layer is Layer & Layers[Name] => layer.layer === name);
  }
}

/**
 * parse(bytes, { linktype, length }) -> the layers of a packet. See docs/packet.md; the RFC of each layer stands at its type.
 *
 * No bytes make it throw: malformed parts are listed in `problems`, and bytes that cannot be understood become a payload layer. Data fields
 * are views of the given memory, not copies.
 *
 * @param bytes a packet as it was captured
 * @param options the link type, Ethernet if left out, and the length on the wire in bytes
 * @returns the packet: `layers`, the outermost first, `problems`, `truncated`, `trailer`
 * @throws TypeError, RangeError naming the argument
 * @example
 * const bytes = build(ethernet(), arp({ target_ip: '192.0.2.1' }));
 * console.log(parse(bytes).layers.map(({ layer }) => layer)); // [ 'ethernet', 'arp' ]
 */
export function parse(bytes: BytesLike, options: ParseOptions = {}): Packet {
  const data = to_bytes(bytes, 'bytes');
  // Unknown options are allowed: a packet of a capture, which has more fields, can be handed over as it is.
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`options must be an object with linktype or length, not ${shown(options)}`);
  const linktype = integer_or(LINKTYPE_ETHERNET, options.linktype, 'linktype', 0, 0xffffffff);
  const length = integer_or(data.length, options.length, 'length', 0, 0xffffffff);
  const buffer = Buffer.from(data.buffer, data.byteOffset, data.length);
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const problems: Problem[] = [];
  const input = new Input(buffer, view, 0, data.length, Math.max(length, data.length), problems, 0);
  parse_layers(input, parser_of_linktype(linktype));
  return new Packet(input.layers, problems, length > data.length, buffer.subarray(input.end));
}
