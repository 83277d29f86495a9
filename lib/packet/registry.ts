// Which protocol stands behind which number, and which number a protocol has. protocols.ts fills it.
import type { Names } from './bytes/fields.js';
import type { Input, Parser } from './bytes/input.js';
import type { Output } from './bytes/output.js';
import type { Draft, LayerName } from './layer_types.js';

/** The fields of each message by its name; of those without a name they are those of 'unknown'. */
export type MessageFields = Readonly<Record<string, Names>>;

/** A protocol: its layer, and how that is parsed and built. */
export interface Protocol extends Parser {
  readonly name: LayerName;
  /** The fields of the layer; where it has messages, those of each by its name. */
  readonly fields: Names | MessageFields;
  parse(input: Input): Parser | undefined;
  /** Prepends the layer to what it carries. */
  build(layer: Draft, output: Output): void;
}

/** The numbers that stand for a protocol; the first of a list is the one that building uses. */
export interface Numbers {
  readonly linktypes?: readonly number[];
  readonly ethertypes?: readonly number[];
  readonly ip_protocols?: readonly number[];
}

const protocols = new Map<string, Protocol>();
const linktypes = new Map<number, Parser>();
const ethertypes = new Map<number, Protocol>();
const ip_protocols = new Map<number, Protocol>();
const ethertype_of_name = new Map<string, number>();
const ip_protocol_of_name = new Map<string, number>();

// What stands for "anything" where a packet carries bytes of no known protocol: numbers set aside for experiments by IEEE 802 and RFC 3692.
const EXPERIMENTAL_ETHERTYPE = 0x88b5;
const EXPERIMENTAL_IP_PROTOCOL = 253;

/** Makes a protocol known. */
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

/** Makes a link type known that has no header of its own. */
export function register_linktype(number: number, parser: Parser): void {
  linktypes.set(number, parser);
}

export const protocol_of_name = (name: string): Protocol | undefined => protocols.get(name);
export const protocol_names = (): string[] => [...protocols.keys()];
export const parser_of_linktype = (number: number): Parser | undefined => linktypes.get(number);
export const protocol_of_ethertype = (number: number): Protocol | undefined => ethertypes.get(number);
export const protocol_of_ip = (number: number): Protocol | undefined => ip_protocols.get(number);

/** The ethertype for what a layer carries. */
export function ethertype_for(next: Draft | undefined): number {
  return (next && ethertype_of_name.get(next.layer)) ?? EXPERIMENTAL_ETHERTYPE;
}

/** The IP protocol number for what a layer carries. */
export function ip_protocol_for(next: Draft | undefined): number {
  return (next && ip_protocol_of_name.get(next.layer)) ?? EXPERIMENTAL_IP_PROTOCOL;
}
