// A layer's place in its packet, as the functions of this folder see it that write the text of a layer: the bytes from the layer
// on, their length on the wire, the IP header below, and the options of sniff.
import { type Layer, type LayerName, type Layers, parse } from '../../../packet/index.js';
import { dumped } from './dump.js';
import type { Sequences } from './transport/sequences.js';

/** How much a line tells: the options of sniff, as those of tcpdump. */
export interface Style {
  /** How often -v is given. */
  readonly verbose: number;
  /** How often -q is given. */
  readonly quiet: number;
  /** -e: the link-layer header is told. */
  readonly link: boolean;
  /** -K: checksums are not verified. */
  readonly unchecked: boolean;
  /** Data of an unknown protocol are printed as bytes: not with -q, -x, -X. */
  readonly dumps: boolean;
  /** The first sequence numbers of connections; undefined (-S): numbers are absolute. */
  readonly sequences: Sequences | undefined;
}

/** The IP header below a layer. */
export interface Network {
  readonly version: 4 | 6;
  readonly src: string;
  readonly dst: string;
  /** The address that checksums take as the destination: the end of a source route. */
  readonly final_dst: string;
  /** The number in the IP header itself; in IPv6, of the first extension header. */
  readonly protocol: number;
  /** Whether this is the first one of several fragments. */
  readonly is_fragment: boolean;
  /** The time to live, or hop limit. */
  readonly hops: number;
}

/** What all places of a packet share. */
export interface Frame {
  readonly style: Style;
  /** Returns the name of an interface by its index. */
  interface_name(index: number): string;
  /** Returns the text of the layer at a place; undefined if no function knows it. */
  text_of(place: Place): string | undefined;
  /** Whether the packet broke off in a header, so that nobody knows where the link-layer header ends. */
  broken: boolean;
}

export class Place {
  constructor(
    readonly frame: Frame,
    readonly layers: readonly Layer[],
    /** The index of the layer. */
    readonly at: number,
    /** The captured bytes from the layer on, to the end that the headers below give. */
    readonly bytes: Buffer,
    /** Bytes on the wire from the layer on. */
    readonly length: number,
    readonly network?: Network,
  ) {}

  get style(): Style {
    return this.frame.style;
  }

  get layer(): Layer | undefined {
    return this.layers[this.at];
  }

  /** Returns whether so many bytes of the layer and its data are captured. */
  holds(size: number): boolean {
    return this.bytes.length >= size;
  }

  /**
   * Returns the place of the next layer.
   *
   * @param size bytes of this layer's header
   * @param length bytes of the next layer and its data on the wire
   */
  next(size: number, length = this.length - size, network = this.network): Place {
    const end = Math.max(size, size + length);
    return new Place(this.frame, this.layers, this.at + 1, this.bytes.subarray(size, end), length, network);
  }

  /** Returns the same layer as it ends at a length field: after so many bytes on the wire. */
  ending_at(length: number): Place {
    const { frame, layers, at, bytes, network } = this;
    return length >= this.length
      ? this
      : new Place(frame, layers, at, bytes.subarray(0, length), length, network);
  }

  /** Returns the place of the layer below, whose header has so many bytes. */
  before(size: number): Place {
    const { bytes } = this;
    const data = Buffer.from(bytes.buffer, bytes.byteOffset - size, bytes.length + size);
    return new Place(this.frame, this.layers, this.at - 1, data, this.length + size, this.network);
  }

  /** Returns the place of other layers in these bytes, from `start` on: of a quoted packet. */
  quoted(layers: readonly Layer[], start: number, length: number): Place {
    return new Place(this.frame, layers, 0, this.bytes.subarray(start, start + length), length);
  }

  /**
   * Returns the place of the packet in these bytes, from `start` on: of a frame in a tunnel, also where the headers around it are such
   * that the packet was not parsed so far.
   */
  within(start: number, linktype: number): Place {
    const data = this.bytes.subarray(start);
    const length = this.length - start;
    return this.quoted(
      parse(data, { linktype, length: Math.max(length, data.length) }).layers,
      start,
      length,
    );
  }

  /** Returns the text of the layer; undefined if no function knows it. */
  text(): string | undefined {
    return this.frame.text_of(this);
  }

  /** Returns the bytes as lines of their own, if the style has them. */
  dump(): string {
    return this.style.dumps ? dumped(this.bytes, '\n\t') : '';
  }

  /** The same whatever the style says. */
  all_dumped(): string {
    return dumped(this.bytes, '\n\t');
  }

  /** Returns the mark of a packet that breaks off in a header, where nothing more can be told. */
  broken(protocol: string): string {
    this.frame.broken = true;
    return ` [|${protocol}]`;
  }

  /**
   * Returns "10.0.0.1.80 > 10.0.0.2.1234: ", as transport protocols begin; only the ports if another header stands between IP
   * and the protocol. Without ports: the addresses.
   *
   * @param protocol the number of the transport protocol
   */
  endpoints(protocol: number, src_port?: number, dst_port?: number): string {
    const { network } = this;
    const is_direct = network?.protocol === protocol;
    if (src_port === undefined) return is_direct ? `${network.src} > ${network.dst}: ` : '';
    if (!is_direct) return `${src_port} > ${dst_port}: `;
    return `${network.src}.${src_port} > ${network.dst}.${dst_port}: `;
  }
}

/** The function that writes the text of a layer; undefined: what carries it says how long it is, as with data. */
export type LineText<Name extends LayerName> = (layer: Layers[Name], place: Place) => string | undefined;
