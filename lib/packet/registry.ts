// The registry of protocols: the protocol of each number, and the number of each protocol. protocols.ts fills it.

import { integer } from '../util/validate.js';
import type { Ends, Names } from './bytes/fields.js';
import type { Input, Parser } from './bytes/input.js';
import type { Output } from './bytes/output.js';
import type { AnyDraft, Layer, LayerName } from './layer_types.js';

/** The fields of each message by its name; 'unknown' has those of messages without a name. */
export type MessageFields = Readonly<Record<string, Names>>;

/** A protocol: its layer, its parser and its builder. */
export interface Protocol extends Parser {
  readonly name: LayerName;
  /** The fields of the layer; if it has messages, the fields of each message by its name. */
  readonly fields: Names | MessageFields;
  parse(input: Input): Parser | undefined;
  /** Returns where the fields of a header end: for one that breaks off. A layer's fields may say which others it has. */
  ends(layer: AnyDraft | Layer): Ends;
  /** Prepends the layer to the layers that it carries. */
  build(layer: AnyDraft, output: Output): void;
}

/** The numbers of a protocol; building uses the first of each list. */
export interface Numbers {
  readonly linktypes?: readonly number[] | undefined;
  readonly ethertypes?: readonly number[] | undefined;
  readonly ip_protocols?: readonly number[] | undefined;
}

/** The ports of a protocol. */
export interface Ports {
  readonly udp_ports?: readonly number[] | undefined;
  readonly tcp_ports?: readonly number[] | undefined;
}

/** A place in front of which a number says what follows. */
export interface Binding {
  /** What the number is. */
  readonly kind: 'udp port' | 'tcp port' | 'ethertype' | 'IP protocol';
  /** The number: 0 to 65,535, of an IP protocol 0 to 255. */
  readonly number: number;
}

/** Returns the function that makes the places of a kind. */
export const places =
  (kind: Binding['kind'], max: number) =>
  (number: number): Binding => ({
    kind,
    number: integer(number, kind, 0, max),
  });

const protocols = new Map<string, Protocol>();
const linktypes = new Map<number, Parser>();
const ethertypes = new Map<number, Protocol>();
const ip_protocols = new Map<number, Protocol>();
const udp_ports = new Map<number, Protocol>();
const tcp_ports = new Map<number, Protocol>();
/** 1 for each port that has a protocol: nearly all packets are between ports that have none. */
const has_udp_port = new Uint8Array(0x10000);
const has_tcp_port = new Uint8Array(0x10000);
/** The protocols of the library, which give way to a layer of one's own at a port. */
const built_in = new Set<Protocol>();
const ethertype_of_name = new Map<string, number>();
const ip_protocol_of_name = new Map<string, number>();
const udp_port_of_name = new Map<string, number>();
const tcp_port_of_name = new Map<string, number>();

// Numbers for a packet that carries bytes of no known protocol: IEEE 802 and RFC 3692 set these aside for experiments.
const EXPERIMENTAL_ETHERTYPE = 0x88b5;
const EXPERIMENTAL_IP_PROTOCOL = 253;

/** Registers a protocol. */
export function register(protocol: Protocol, numbers: Numbers = {}): void {
  protocols.set(protocol.name, protocol);
  for (const number of numbers.linktypes ?? []) linktypes.set(number, protocol);
  add(protocol, numbers.ethertypes, ethertypes, ethertype_of_name);
  add(protocol, numbers.ip_protocols, ip_protocols, ip_protocol_of_name);
}

/** Registers protocols of the library at ports: a layer of one's own takes their place. Building uses the first port of each list. */
export function register_ports(
  protocol: Protocol,
  { udp_ports: udp = [], tcp_ports: tcp = [] }: Ports,
): void {
  built_in.add(protocol);
  if (!protocols.has(protocol.name)) protocols.set(protocol.name, protocol);
  add(protocol, udp, udp_ports, udp_port_of_name);
  add(protocol, tcp, tcp_ports, tcp_port_of_name);
  for (const port of udp) has_udp_port[port] = 1;
  for (const port of tcp) has_tcp_port[port] = 1;
}

function add(
  protocol: Protocol,
  numbers: readonly number[] = [],
  by_number: Map<number, Protocol>,
  by_name: Map<string, number>,
): void {
  for (const number of numbers) by_number.set(number, protocol);
  if (numbers[0] !== undefined) by_name.set(protocol.name, numbers[0]);
}

const KINDS = {
  'udp port': [udp_ports, udp_port_of_name],
  'tcp port': [tcp_ports, tcp_port_of_name],
  ethertype: [ethertypes, ethertype_of_name],
  'IP protocol': [ip_protocols, ip_protocol_of_name],
} as const;

/**
 * Registers a layer of one's own at places. At a port it takes the place of a protocol of the library.
 *
 * @throws RangeError naming the first place that is taken; then none is registered
 */
export function bind(protocol: Protocol, bindings: readonly Binding[]): void {
  for (const { kind, number } of bindings) {
    const taken = KINDS[kind][0].get(number);
    if (taken !== undefined && !built_in.has(taken))
      throw new RangeError(`bound_to: ${kind} ${number} is that of ${taken.name}`);
  }
  for (const { kind, number } of bindings) {
    const [by_number, by_name] = KINDS[kind];
    by_number.set(number, protocol);
    if (kind === 'udp port') has_udp_port[number] = 1;
    if (kind === 'tcp port') has_tcp_port[number] = 1;
    if (!by_name.has(protocol.name)) by_name.set(protocol.name, number);
  }
}

/** Returns the protocol of one of two UDP ports, the destination first. */
export function protocol_of_udp(dst: number, src: number): Protocol | undefined {
  if (has_udp_port[dst] === 0 && has_udp_port[src] === 0) return undefined;
  return udp_ports.get(dst) ?? udp_ports.get(src);
}
/** The same of TCP ports. */
export function protocol_of_tcp(dst: number, src: number): Protocol | undefined {
  if (has_tcp_port[dst] === 0 && has_tcp_port[src] === 0) return undefined;
  return tcp_ports.get(dst) ?? tcp_ports.get(src);
}
/** Returns the UDP port of the layer that is carried, 0 if it has none. */
export const udp_port_for = (next: Carried): number => (next && udp_port_of_name.get(next.layer)) ?? 0;
/** Returns the TCP port of the layer that is carried, 0 if it has none. */
export const tcp_port_for = (next: Carried): number => (next && tcp_port_of_name.get(next.layer)) ?? 0;

/** Registers a link type that has no header of its own. */
export function register_linktype(number: number, parser: Parser): void {
  linktypes.set(number, parser);
}

export const protocol_of_name = (name: string): Protocol | undefined => protocols.get(name);
export const protocol_names = (): string[] => [...protocols.keys()];
export const parser_of_linktype = (number: number): Parser | undefined => linktypes.get(number);
export const protocol_of_ethertype = (number: number): Protocol | undefined => ethertypes.get(number);
export const protocol_of_ip = (number: number): Protocol | undefined => ip_protocols.get(number);

/** The layer that another one carries. */
type Carried = AnyDraft | undefined;

/** Returns the ethertype of the layer that is carried. */
export function ethertype_for(next: Carried): number {
  return (next && ethertype_of_name.get(next.layer)) ?? EXPERIMENTAL_ETHERTYPE;
}

/** Returns the IP protocol number of the layer that is carried. */
export function ip_protocol_for(next: Carried): number {
  return (next && ip_protocol_of_name.get(next.layer)) ?? EXPERIMENTAL_IP_PROTOCOL;
}
