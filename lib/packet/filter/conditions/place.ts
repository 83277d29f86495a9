// Where the headers are. A keyword such as vlan, mpls or pppoes moves the headers for the rest of the expression; a place has their
// offsets at one point of the expression, on one path.
//
// Paths: in most programs there is one. After `vlan` of a live program there are two, as the kernel may have taken the tag off the packet;
// behind `geneve` the packet inside begins at an offset that is known only at run time, with or without an Ethernet header.

import type { Size, Stored, Value, Values } from '../code/value.js';
import { SKF_AD_PROTOCOL } from '../opcodes.js';

/** How a header says what it carries. */
/** 'unknown': nobody knows what the header carries. */
export type Framing =
  | 'ethernet'
  | 'cooked'
  | 'loopback'
  | 'raw'
  | 'ipv4'
  | 'ipv6'
  | 'ppp'
  | 'wlan'
  | 'unknown';

export interface Headers {
  readonly framing: Framing;
  /** Whether there are Ethernet addresses at `link`. */
  readonly has_addresses: boolean;
  /** The offset of the link-layer header; undefined if the bytes do not have it. */
  readonly link: number | undefined;
  /** The offset of the type of what is carried; undefined: the kernel keeps it beside the packet. */
  readonly type: number | undefined;
  /** The offset of what the link layer carries. */
  readonly payload: number;
  /** Bytes from there to the network layer. */
  readonly network: number;
  /** The same for a packet with an LLC header but no SNAP. */
  readonly network_after_llc: number;
  /** The number of labels and tags that were passed. */
  readonly labels: number;
  readonly tags: number;
  /** Whether the link-layer header, too, lies behind a VLAN tag that may be there. */
  readonly link_follows_tag: boolean;
  /** The words of scratch memory with the begin of the link-layer header and of what it carries, which `link` and all others count from. */
  readonly link_base: Stored | undefined;
  readonly payload_base: Stored | undefined;
}

/** The inner packet of Geneve: where it begins, and what its header says it is. */
export interface Tunnel {
  readonly start: Stored;
  readonly protocol: Stored;
}

export interface Path {
  readonly number: number;
  /** Bytes by which a VLAN tag that is in the packet moves the headers. */
  readonly tag_size: number;
  readonly tunnel: Tunnel | undefined;
  /** Whether the inner packet of the tunnel has an Ethernet header. */
  readonly has_inner_link: boolean;
}

const ETHERNET_TYPE = 12;
const ETHERNET_SIZE = 14;
const LLC_SIZE = 3;

export const ETHERNET_HEADERS: Headers = {
  framing: 'ethernet',
  has_addresses: true,
  link: 0,
  type: ETHERNET_TYPE,
  payload: ETHERNET_SIZE,
  network: 0,
  network_after_llc: LLC_SIZE,
  labels: 0,
  tags: 0,
  link_follows_tag: false,
  link_base: undefined,
  payload_base: undefined,
};

export class Place {
  readonly headers: Headers;
  readonly path: Path;
  readonly values: Values;

  constructor(headers: Headers, path: Path, values: Values) {
    this.headers = headers;
    this.path = path;
    this.values = values;
  }

  #load(size: Size, at: number): Value {
    return this.values.load(size, at, this.base);
  }

  /** What the offsets of all but the link-layer header count from; undefined: the begin of the packet. */
  get base(): Stored | undefined {
    return this.headers.payload_base ?? this.path.tunnel?.start;
  }

  /** What the offsets of the link-layer header count from. */
  get link_base(): Stored | undefined {
    return this.headers.link_base ?? this.path.tunnel?.start;
  }

  /** In a tunnel without an inner Ethernet header, the offsets behind that header are nearer. */
  get #missing(): number {
    return this.path.tunnel !== undefined && !this.path.has_inner_link ? ETHERNET_SIZE : 0;
  }

  /** Returns bytes of the link-layer header; undefined if the kernel does not show them. */
  link(size: Size, offset: number): Value | undefined {
    const { link } = this.headers;
    if (link === undefined) return undefined;
    return this.values.load(size, this.link_start(link) + offset, this.link_base);
  }

  link_start(link: number): number {
    return link + (this.headers.link_follows_tag ? this.path.tag_size - this.#missing : 0);
  }

  /** Returns the type of what the link layer carries. */
  type(): Value {
    const { type, payload } = this.headers;
    if (type === undefined) {
      // A tag that is in the packet comes first there; the type of what is behind the tag ends it.
      const { tag_size } = this.path;
      return tag_size === 0 ? this.values.load(2, SKF_AD_PROTOCOL) : this.#load(2, payload + tag_size - 2);
    }
    const is_first = type === ETHERNET_TYPE && !this.headers.link_follows_tag;
    const { tunnel, has_inner_link, tag_size } = this.path;
    if (tunnel !== undefined && !has_inner_link && is_first) return tunnel.protocol;
    return this.#load(2, type + tag_size - this.#missing);
  }

  /** The offset of what the link layer carries. */
  get payload_start(): number {
    return this.headers.payload + this.path.tag_size - this.#missing;
  }

  get network_start(): number {
    return this.payload_start + this.headers.network;
  }

  /** Returns bytes of what the link layer carries: an LLC header, a VLAN tag. */
  payload(size: Size, offset: number): Value {
    return this.#load(size, this.payload_start + offset);
  }

  /** Returns bytes of the network layer's header. */
  network(size: Size, offset: number): Value {
    return this.#load(size, this.network_start + offset);
  }

  /** Returns bytes behind an LLC header. */
  after_llc(size: Size, offset: number): Value {
    return this.#load(size, this.payload_start + this.headers.network_after_llc + offset);
  }

  /** Returns bytes behind the IPv4 header. */
  transport(size: Size, offset: number): Value {
    return this.values.load(size, this.network_start + offset, this.header_end());
  }

  /** Returns the length of the IPv4 header, plus the offset that others count from. */
  header_end(): Value {
    const { values, base } = this;
    if (base === undefined) return values.header_length(this.network_start);
    const words = values.binary('&', this.network(1, 0), values.number(0x0f));
    return values.binary('+', values.binary('<<', words, values.number(2)), base);
  }
}
