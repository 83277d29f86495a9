// What follows the qualifiers of a filter: addresses, networks, ports, protocols. Each becomes a condition.
import { is_ipv4, is_ipv6, write_ipv6 } from '../../bytes/address.js';
import { type Condition, NEVER, or } from '../conditions/condition.js';
import type { Context } from '../conditions/context.js';
import { carries, ETHERTYPE, has_address, SAP } from '../conditions/link.js';
import {
  by_direction,
  type Direction,
  has_decnet_address,
  has_ipv4_port,
  has_ipv6_port,
  in_chain,
  in_ipv4_network,
  in_ipv6_network,
  ip_carries,
  ip6_carries,
  isis_carries,
  iso_carries,
  type Transport,
} from '../conditions/network.js';
import type { Place } from '../conditions/place.js';
import { WLAN_SIDES, type WlanSide } from '../conditions/wlan.js';
import type { Token } from './lexer.js';
import { ip_protocol_of_name, service_of_name } from './names.js';
import type { Protocol } from './words.js';

/** What the words before an address or a number say of it. */
export interface Qualifiers {
  readonly protocol: Protocol | undefined;
  readonly direction: Direction | WlanSide | undefined;
  readonly type: 'host' | 'net' | 'port' | 'portrange' | 'proto' | 'protochain' | undefined;
}

/** A network behind an address: /length, or mask address. */
export interface Mask {
  readonly token: Token;
  readonly is_length: boolean;
}

const ALL_ONES = 0xffffffff;

/** Returns the condition of an address, a number or a name with its qualifiers. @throws FilterError */
export function condition_of(
  context: Context,
  token: Token,
  mask: Mask | undefined,
  qualifiers: Qualifiers,
): Condition {
  context.at(token);
  switch (qualifiers.type) {
    case 'port':
    case 'portrange':
      return port(context, token, qualifiers);
    case 'proto':
    case 'protochain':
      return protocol(context, token, qualifiers);
    default:
      return address(context, token, mask, qualifiers);
  }
}

/** Returns the error of a token that is nothing that the type of the qualifiers takes. */
function unexpected(context: Context, { text }: Token, what: string): Error {
  return context.error(`${what}, not ${text}`);
}

/** Returns the direction of all but frames. @throws FilterError for a side of a frame */
function of_packets(context: Context, direction: Direction | WlanSide | undefined): Direction | undefined {
  if (!is_side(direction)) return direction;
  throw context.error(`${direction} qualifies an address of 802.11: write "wlan ${direction} ADDRESS"`);
}

const is_side = (direction: Direction | WlanSide | undefined): direction is WlanSide =>
  Object.values<string | undefined>(WLAN_SIDES).includes(direction);

function address(context: Context, token: Token, mask: Mask | undefined, qualifiers: Qualifiers): Condition {
  const { protocol, direction, type } = qualifiers;
  if (token.kind === 'mac') {
    if (protocol !== 'ether' || type === 'net') {
      throw context.error(`${token.text} is an Ethernet address: write "ether host ${token.text}"`);
    }
    const bytes = bytes_of_mac(token.text);
    return context.on_each_path((place) =>
      is_side(direction)
        ? has_address(context, place, direction, bytes)
        : by_direction(direction, (side) => has_address(context, place, side, bytes)),
    );
  }
  if (protocol === 'ether') throw unexpected(context, token, 'ether needs an Ethernet address');
  if (protocol === 'decnet') {
    const number = decnet_number(context, token);
    const side = of_packets(context, direction);
    return context.on_each_path((place) => has_decnet_address(context, place, side, number));
  }
  if (token.kind === 'ipv6') return ipv6(context, token, mask, qualifiers);
  if (token.kind === 'name') return named_host(context, token, qualifiers);
  const network = ipv4_network(context, token, mask, type === 'net');
  return ipv4(context, network, qualifiers);
}

/** An IPv4 network, as numbers. */
interface Network {
  readonly address: number;
  readonly mask: number;
}

const IPV4_PROTOCOLS = ['ip', 'arp', 'rarp'] as const;

function ipv4(context: Context, { address, mask }: Network, qualifiers: Qualifiers): Condition {
  const { protocol } = qualifiers;
  const direction = of_packets(context, qualifiers.direction);
  const named = IPV4_PROTOCOLS.find((each) => each === protocol);
  if (protocol !== undefined && named === undefined)
    throw context.error(`${protocol} does not qualify an IPv4 address: ip, arp and rarp do`);
  return context.on_each_path((place) => {
    const all = place.headers.labels > 0 ? (['ip'] as const) : IPV4_PROTOCOLS;
    const protocols = named === undefined ? all : [named];
    return in_ipv4_network(context, place, protocols, direction, address, mask);
  });
}

/** Reads 10.1.2.3, a part of an address (10.1: the network 10.1.0.0/16), or a number; with a mask behind it. */
function ipv4_network(context: Context, token: Token, mask: Mask | undefined, is_net: boolean): Network {
  const part = token.kind === 'number' ? { address: token.number, bits: 32 } : part_of_ipv4(context, token);
  if (mask !== undefined) {
    if (!is_net) throw context.error('a mask belongs to a network: write "net"');
    const bits = mask_of(context, mask);
    if ((part.address & ~bits) !== 0) throw context.error(`${token.text} has bits that its mask has not`);
    return { address: part.address, mask: bits };
  }
  if (token.kind !== 'number' || !is_net) return { address: part.address, mask: ones(part.bits) };
  // net 10 is 10.0.0.0/8.
  let { address } = part;
  let bits = 32;
  for (; address !== 0 && address >>> 24 === 0; bits -= 8) address = (address << 8) >>> 0;
  return { address, mask: ones(bits) };
}

/** Returns a mask of so many bits. */
const ones = (bits: number): number => (bits === 0 ? 0 : (ALL_ONES << (32 - bits)) >>> 0);

function mask_of(context: Context, { token, is_length }: Mask): number {
  context.at(token);
  if (!is_length) return part_of_ipv4(context, token).address;
  if (token.number > 32) throw context.error(`a mask of IPv4 has at most 32 bits, not ${token.number}`);
  return ones(token.number);
}

function part_of_ipv4(context: Context, token: Token): { address: number; bits: number } {
  const parts = token.text.split('.').map(Number);
  if (parts.some((part) => part > 255)) throw unexpected(context, token, 'an IPv4 address has bytes');
  const bits = parts.length * 8;
  const number = parts.reduce((sum, part) => sum * 256 + part, 0);
  return { address: number * 2 ** (32 - bits), bits };
}

function ipv6(context: Context, token: Token, mask: Mask | undefined, qualifiers: Qualifiers): Condition {
  const { protocol, type } = qualifiers;
  const direction = of_packets(context, qualifiers.direction);
  if (protocol !== undefined && protocol !== 'ip6')
    throw context.error(`${protocol} does not qualify an IPv6 address: ip6 does`);
  const view = new DataView(new ArrayBuffer(16));
  write_ipv6(view, 0, token.text, 'address');
  const words = [0, 4, 8, 12].map((at) => view.getUint32(at));
  const bits = mask === undefined ? 128 : mask.token.number;
  if (mask !== undefined) context.at(mask.token);
  if (mask !== undefined && !mask.is_length) throw context.error('IPv6 has /length, not mask');
  if (bits > 128) throw context.error(`a mask of IPv6 has at most 128 bits, not ${bits}`);
  if (mask !== undefined && type !== 'net') throw context.error('a mask belongs to a network: write "net"');
  const masks = words.map((_, i) => ones(Math.min(32, Math.max(0, bits - 32 * i))));
  if (words.some((word, i) => (word & ~(masks[i] ?? 0)) !== 0))
    throw context.error(`${token.text} has bits that its mask has not`);
  return context.on_each_path((place) => in_ipv6_network(context, place, direction, words, masks));
}

function named_host(context: Context, token: Token, qualifiers: Qualifiers): Condition {
  const { text } = token;
  if (qualifiers.type === 'net')
    throw context.error(`${text} is no network: write its number, as 10.1.0.0/16`);
  const { resolve } = context.options;
  if (resolve === undefined) {
    throw context.error(`${text} is no address, and names of hosts are looked up only by the option resolve`);
  }
  const found: unknown = resolve(text);
  const addresses: unknown[] = Array.isArray(found) ? found : [found];
  const wanted = addresses.flatMap((each) => {
    if (typeof each !== 'string' || (!is_ipv4(each) && !is_ipv6(each)))
      throw new TypeError(`resolve must return an address, or an array of them, for ${text}`);
    return is_ipv4(each) === (qualifiers.protocol !== 'ip6') || qualifiers.protocol === undefined
      ? [each]
      : [];
  });
  if (wanted.length === 0) throw context.error(`${text} has no address of this kind`);
  const conditions = wanted.map((each) => {
    if (is_ipv4(each)) {
      const network = ipv4_network(context, { ...token, kind: 'ipv4', text: each }, undefined, false);
      return ipv4(context, network, qualifiers);
    }
    return ipv6(context, { ...token, kind: 'ipv6', text: each }, undefined, qualifiers);
  });
  return or(NEVER, ...conditions);
}

/** Returns the bytes of an address of which each byte has one or two digits, or each pair four. */
function bytes_of_mac(text: string): number[] {
  const groups = text.split(/[-:.]/);
  const digits = groups.length === 6 ? groups : (groups.join('').match(/../g) ?? []);
  return digits.map((each) => Number.parseInt(each, 16));
}

/** Reads a DECnet address: area.node. */
function decnet_number(context: Context, token: Token): number {
  const [area = 0, node = 0, ...others] = token.text.split('.').map(Number);
  if (token.kind !== 'ipv4' || others.length > 0 || area > 63 || node > 1023)
    throw unexpected(context, token, 'decnet needs an address such as 10.123');
  return (area << 10) | node;
}

const TRANSPORTS: readonly Transport[] = ['tcp', 'udp', 'sctp'];

function port(context: Context, token: Token, qualifiers: Qualifiers): Condition {
  const { protocol, type } = qualifiers;
  const direction = of_packets(context, qualifiers.direction);
  const transport = TRANSPORTS.find((each) => each === protocol);
  if (protocol !== undefined && transport === undefined)
    throw context.error(`${protocol} has no ports: tcp, udp and sctp have`);
  const { low, high, only } = type === 'port' ? one_port(context, token) : port_range(context, token);
  if (only !== undefined && transport !== undefined && only !== transport)
    throw context.error(`${token.text} is a port of ${only}`);
  const of = transport ?? only;
  return context.on_each_path((place) =>
    or(
      has_ipv6_port(context, place, of, direction, low, high),
      has_ipv4_port(context, place, of, direction, low, high),
    ),
  );
}

interface Ports {
  readonly low: number;
  readonly high: number;
  /** The protocol that the name of a port says; undefined: any. */
  readonly only: Transport | undefined;
}

function one_port(context: Context, token: Token): Ports {
  if (token.kind === 'number') return checked_ports(context, token.number, token.number);
  if (token.kind !== 'name') throw unexpected(context, token, 'port needs a number or a name');
  return named_port(context, token.text);
}

function checked_ports(context: Context, first: number, last: number, only?: Transport): Ports {
  const [low, high] = first <= last ? [first, last] : [last, first];
  if (high > 0xffff) throw context.error(`a port is at most 65535, not ${high}`);
  return { low, high, only };
}

function named_port(context: Context, name: string): Ports {
  const service = service_of_name(name);
  if (service === undefined) throw context.error(`no port has the name ${name}`);
  const { tcp, udp } = service;
  if (tcp === undefined) return checked_ports(context, udp ?? 0, udp ?? 0, 'udp');
  return checked_ports(context, tcp, tcp, udp === undefined ? 'tcp' : undefined);
}

function port_range(context: Context, token: Token): Ports {
  if (token.kind === 'number') return one_port(context, token);
  const [, first, last] = /^(.+?)-(.+)$/.exec(token.text) ?? [];
  if (first === undefined || last === undefined)
    throw unexpected(context, token, 'portrange needs two ports with - between them');
  const numbers = [first, last].map((each) => (/^\d+$/.test(each) ? Number(each) : undefined));
  const [low, high] = numbers;
  if (low !== undefined && high !== undefined) return checked_ports(context, low, high);
  const [a, b] = [first, last].map((each, i) => {
    const number = numbers[i];
    return number === undefined ? named_port(context, each) : checked_ports(context, number, number);
  });
  const only = a?.only === b?.only ? a?.only : undefined;
  return checked_ports(context, a?.low ?? 0, b?.low ?? 0, only);
}

const OSI_PROTOCOLS: Readonly<Record<string, number>> = { clnp: 0x81, esis: 0x82, isis: 0x83 };
const LINK_PROTOCOLS: Readonly<Record<string, number>> = {
  aarp: ETHERTYPE.aarp,
  arp: ETHERTYPE.arp,
  atalk: ETHERTYPE.atalk,
  decnet: ETHERTYPE.decnet,
  ip: ETHERTYPE.ip,
  ip6: ETHERTYPE.ip6,
  lat: ETHERTYPE.lat,
  loopback: ETHERTYPE.loopback,
  mopdl: ETHERTYPE.mopdl,
  moprc: ETHERTYPE.moprc,
  rarp: ETHERTYPE.rarp,
  sca: ETHERTYPE.sca,
  iso: SAP.iso,
  stp: SAP.stp,
  ipx: SAP.ipx,
  netbeui: SAP.netbeui,
};

/** Returns the condition that a header carries a protocol: proto 6, ip proto \tcp, ether proto 0x88cc. */
function protocol(context: Context, token: Token, { protocol: of, direction, type }: Qualifiers): Condition {
  if (direction !== undefined) throw context.error('a protocol has no direction');
  const number = token.kind === 'number' ? token.number : named_protocol(context, token, of);
  if (type === 'protochain') return protocol_in_chain(context, of, number);
  const carried: Partial<Record<Protocol, (context: Context, place: Place, number: number) => Condition>> = {
    ether: carries,
    ip: ip_carries,
    ip6: ip6_carries,
    iso: iso_carries,
    isis: isis_carries,
  };
  if (of === undefined) {
    return context.on_each_path((place) =>
      or(ip_carries(context, place, number), ip6_carries(context, place, number)),
    );
  }
  const condition = carried[of];
  if (condition === undefined) throw context.error(`${of} says no protocol: ether, ip, ip6, iso and isis do`);
  return context.on_each_path((place) => condition(context, place, number));
}

function named_protocol(context: Context, token: Token, of: Protocol | undefined): number {
  if (token.kind !== 'name') throw unexpected(context, token, 'a protocol is a number or a name');
  const { text } = token;
  const table = of === 'ether' ? LINK_PROTOCOLS : of === 'iso' ? OSI_PROTOCOLS : undefined;
  const number = table === undefined ? ip_protocol_of_name(text) : Object.hasOwn(table, text) && table[text];
  if (typeof number === 'number') return number;
  throw context.error(`${text} is no protocol that ${of ?? 'ip'} carries by name; a number can be given`);
}

function protocol_in_chain(context: Context, of: Protocol | undefined, number: number): Condition {
  if (of !== undefined && of !== 'ip' && of !== 'ip6')
    throw context.error(`${of} has no chain of headers: ip and ip6 have`);
  const words = [context.word(), context.word()] as const;
  const versions = of === undefined ? (['ip', 'ip6'] as const) : [of];
  return context.on_each_path((place) =>
    or(NEVER, ...versions.map((version) => in_chain(context, place, version, number, words))),
  );
}
