// Layers from packets.
import './protocols.js';
import { type BytesLike, integer_or, shown, bytes as to_bytes } from '../util/validate.js';
import { Input, type Problem, parse_layers } from './bytes/input.js';
import type { Layer, LayerName, Layers } from './layer_types.js';
import { LINKTYPE_ETHERNET } from './linktypes.js';
import { parser_of_linktype } from './registry.js';

export interface ParseOptions {
  /** what the packet begins with, by its number in capture files; LINKTYPE_ETHERNET unless given */
  readonly linktype?: number;
  /** how long the packet was on the wire, in bytes; as long as it is unless given */
  readonly length?: number;
}

/** A parsed packet. */
export class Packet {
  constructor(
    /** the outermost layer first */
    readonly layers: readonly Layer[],
    /** what is malformed */
    readonly problems: readonly Problem[],
    /** whether bytes are missing that were on the wire */
    readonly truncated: boolean,
    /** what stands behind the end of the packet: padding, mostly empty */
    readonly trailer: Buffer,
  ) {}

  /**
   * The first layer of that name.
   *
   * @param name such as 'ipv4'
   */
  get<Name extends LayerName>(name: Name): Layers[Name] | undefined {
    return this.layers.find((layer): layer is Layer & Layers[Name] => layer.layer === name);
  }
}

/**
 * parse(bytes, { linktype, length }). The layers of a packet.
 *
 * Nothing in the bytes makes it throw: what is malformed is told in `problems`, and what cannot be understood is a payload layer. Data
 * are views of the given memory, not copies.
 *
 * @param bytes a packet as it was captured
 * @throws TypeError, RangeError naming the argument
 */
export function parse(bytes: BytesLike, options: ParseOptions = {}): Packet {
  const data = to_bytes(bytes, 'bytes');
  // It may be a packet of a capture, which has more than these.
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
