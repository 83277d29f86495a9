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

/** Registers a protocol at places. @throws RangeError naming the first one that is taken; then none is registered */
export function bind(protocol: Protocol, bindings: readonly Binding[]): void {
  for (const { kind, number } of bindings) {
    const taken = KINDS[kind][0].get(number);
    if (taken !== undefined) throw new RangeError(`bound_to: ${kind} ${number} is that of ${taken.name}`);
  }
  for (const { kind, number } of bindings) {
    const [by_number, by_name] = KINDS[kind];
    by_number.set(number, protocol);
    if (!by_name.has(protocol.name)) by_name.set(protocol.name, number);
  }
}

/** Returns the protocol of one of two UDP ports, the destination first. */
export function protocol_of_udp(dst: number, src: number): Protocol | undefined {
  return udp_ports.size === 0 ? undefined : (udp_ports.get(dst) ?? udp_ports.get(src));
}
/** The same of TCP ports. */
export function protocol_of_tcp(dst: number, src: number): Protocol | undefined {
  return tcp_ports.size === 0 ? undefined : (tcp_ports.get(dst) ?? tcp_ports.get(src));
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
