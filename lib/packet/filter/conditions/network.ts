// Conditions on the network and transport layers: addresses, protocols, ports.

import type { Value } from '../code/value.js';
import { and, type Condition, NEVER, not, or, test } from './condition.js';
import type { Context } from './context.js';
import { carries, ETHERTYPE, SAP } from './link.js';
import type { Place } from './place.js';

/** Whether a packet came in or went out. */
export type Direction = 'src' | 'dst' | 'src or dst' | 'src and dst';

/** Returns the condition that one side, either or both fulfil a condition. */
export function by_direction(
  direction: Direction | undefined,
  side_fulfils: (side: 'src' | 'dst') => Condition,
): Condition {
  if (direction === 'src' || direction === 'dst') return side_fulfils(direction);
  const both = [side_fulfils('src'), side_fulfils('dst')] as const;
  return direction === 'src and dst' ? and(...both) : or(...both);
}

/** IP protocol numbers. */
export const IP_PROTOCOL = {
  icmp: 1,
  igmp: 2,
  tcp: 6,
  igrp: 9,
  udp: 17,
  esp: 50,
  ah: 51,
  icmp6: 58,
  pim: 103,
  vrrp: 112,
  carp: 112,
  sctp: 132,
} as const;
const IP6_FRAGMENT = 44;

/** Offsets of the addresses of IPv4, and of those of ARP and RARP. */
const IP_ADDRESSES = { src: 12, dst: 16 } as const;
const ARP_ADDRESSES = { src: 14, dst: 24 } as const;
const IP6_ADDRESSES = { src: 8, dst: 24 } as const;
export const IP6_HEADER = 40;

/** Returns the condition that bits of a field have a value. */
function field_is(context: Context, field: Value, number: number, mask = 0xffffffff): Condition {
  return test('equal', context.masked(field, mask), context.number(number));
}

/** Returns the condition that an IPv4 address of a packet is in a network. */
export function in_ipv4_network(
  context: Context,
  place: Place,
  protocols: readonly ('ip' | 'arp' | 'rarp')[],
  direction: Direction | undefined,
  address: number,
  mask: number,
): Condition {
  const is_in = protocols.map((protocol) => {
    const addresses = protocol === 'ip' ? IP_ADDRESSES : ARP_ADDRESSES;
    return by_direction(direction, (side) =>
      and(
        carries(context, place, ETHERTYPE[protocol]),
        field_is(context, place.network(4, addresses[side]), address, mask),
      ),
    );
  });
  return or(NEVER, ...is_in);
}

/** Returns the condition that an IPv6 address of a packet is in a network: four words of 32 bits and their masks. */
export function in_ipv6_network(
  context: Context,
  place: Place,
  direction: Direction | undefined,
  words: readonly number[],
  masks: readonly number[],
): Condition {
  return by_direction(direction, (side) =>
    and(
      carries(context, place, ETHERTYPE.ip6),
      ...words.map((word, i) =>
        field_is(context, place.network(4, IP6_ADDRESSES[side] + i * 4), word, masks[i]),
      ),
    ),
  );
}

/** Returns the condition that a DECnet address of a packet is an address. Its headers are long or short, with or without padding. */
export function has_decnet_address(
  context: Context,
  place: Place,
  direction: Direction | undefined,
  address: number,
): Condition {
  // DECnet's numbers are in little-endian order.
  const swapped = ((address & 0xff) << 8) | (address >> 8);
  const forms = [
    { flags: 0x02, long: false, padded: false },
    { flags: 0x0281, long: false, padded: true },
    { flags: 0x06, long: true, padded: false },
    { flags: 0x0681, long: true, padded: true },
  ];
  return by_direction(direction, (side) => {
    const is_form = forms.map(({ flags, long, padded }) => {
      const at = long ? { src: 15, dst: 7 }[side] : { src: 3, dst: 1 }[side];
      const head = padded
        ? field_is(context, place.network(2, 2), ((flags & 0xff) << 8) | (flags >> 8), 0xff07)
        : field_is(context, place.network(1, 2), flags, 0x07);
      return and(head, field_is(context, place.network(2, 2 + at + (padded ? 1 : 0)), swapped));
    });
    return and(carries(context, place, ETHERTYPE.decnet), or(NEVER, ...is_form));
  });
}

/** Returns the condition that IPv4 carries a protocol. */
export function ip_carries(context: Context, place: Place, protocol: number): Condition {
  return and(carries(context, place, ETHERTYPE.ip), field_is(context, place.network(1, 9), protocol));
}

/** Returns the condition that IPv6 carries a protocol, directly or behind a fragment header. */
export function ip6_carries(context: Context, place: Place, protocol: number): Condition {
  const next = place.network(1, 6);
  return and(
    carries(context, place, ETHERTYPE.ip6),
    or(
      field_is(context, next, protocol),
      and(field_is(context, next, IP6_FRAGMENT), field_is(context, place.network(1, IP6_HEADER), protocol)),
    ),
  );
}

/** Returns the condition that an OSI packet is of a protocol. */
export function iso_carries(context: Context, place: Place, protocol: number): Condition {
  return and(carries(context, place, SAP.iso), field_is(context, place.after_llc(1, 0), protocol));
}

const ISIS = 0x83;

/** Returns the condition that an IS-IS packet is of a type. */
export function isis_carries(context: Context, place: Place, type: number): Condition {
  return and(iso_carries(context, place, ISIS), field_is(context, place.after_llc(1, 4), type));
}

/** Returns the condition that an IPv4 packet is no fragment, or the first one. */
export function is_first_fragment(context: Context, place: Place): Condition {
  return not(test('has_bits', place.network(2, 6), context.number(0x1fff)));
}

export type Transport = 'tcp' | 'udp' | 'sctp';
const TRANSPORTS: readonly Transport[] = ['sctp', 'tcp', 'udp'];

/** Returns the condition that a packet is of a transport protocol, or of any that has ports, and that its ports fulfil a condition. */
function of_transport(
  context: Context,
  field: Value,
  transport: Transport | undefined,
  ports: Condition,
): Condition {
  const numbers = transport === undefined ? TRANSPORTS : [transport];
  const is_any = numbers.map((each) => and(field_is(context, field, IP_PROTOCOL[each]), ports));
  return or(NEVER, ...is_any);
}

/** Returns the condition that a port is in a range. */
function in_range(
  context: Context,
  direction: Direction | undefined,
  load: (offset: number) => Value,
  low: number,
  high: number,
): Condition {
  return by_direction(direction, (side) => {
    const port = load(side === 'src' ? 0 : 2);
    if (low === high) return field_is(context, port, low);
    const is_larger = test('greater', port, context.number(high));
    return and(test('at_least', port, context.number(low)), not(is_larger));
  });
}

/**
 * Returns the condition that a port of an IPv4 packet is in a range. Only the first fragment of a packet has ports.
 *
 * @param transport undefined: any protocol that has ports
 */
export function has_ipv4_port(
  context: Context,
  place: Place,
  transport: Transport | undefined,
  direction: Direction | undefined,
  low: number,
  high = low,
): Condition {
  const ports = in_range(context, direction, (offset) => place.transport(2, offset), low, high);
  const in_first = and(is_first_fragment(context, place), ports);
  return and(
    carries(context, place, ETHERTYPE.ip),
    of_transport(context, place.network(1, 9), transport, in_first),
  );
}

/** Returns the condition that a port of an IPv6 packet without extension headers is in a range. */
export function has_ipv6_port(
  context: Context,
  place: Place,
  transport: Transport | undefined,
  direction: Direction | undefined,
  low: number,
  high = low,
): Condition {
  const load = (offset: number) => place.network(2, IP6_HEADER + offset);
  const ports = in_range(context, direction, load, low, high);
  return and(
    carries(context, place, ETHERTYPE.ip6),
    of_transport(context, place.network(1, 6), transport, ports),
  );
}

/** Returns the condition that an IPv4 packet goes to a broadcast address of a network with this mask. */
export function is_ip_broadcast(context: Context, place: Place, netmask: number): Condition {
  const hosts = ~netmask >>> 0;
  const dst = place.network(4, IP_ADDRESSES.dst);
  return and(
    carries(context, place, ETHERTYPE.ip),
    or(field_is(context, dst, 0, hosts), field_is(context, dst, hosts, hosts)),
  );
}

export function is_ip_multicast(context: Context, place: Place): Condition {
  const first = place.network(1, IP_ADDRESSES.dst);
  return and(carries(context, place, ETHERTYPE.ip), test('at_least', first, context.number(224)));
}

export function is_ip6_multicast(context: Context, place: Place): Condition {
  const first = place.network(1, IP6_ADDRESSES.dst);
  return and(carries(context, place, ETHERTYPE.ip6), field_is(context, first, 0xff));
}

/** The most extension headers that protochain passes over: a program of the kernel has no loops. */
const MOST_HEADERS = 8;
const IP6_NONE = 59;
/** Hop-by-hop options, routing, fragment, destination options: these have their length in the second byte. */
const IP6_EXTENSIONS = [0, 60, 43, IP6_FRAGMENT];

/** Returns the condition that a packet has a header of a protocol in its chain of headers. */
export function in_chain(
  context: Context,
  place: Place,
  version: 'ip' | 'ip6',
  protocol: number,
  [next_word, at_word]: readonly [number, number],
): Condition {
  const { values } = context;
  const plus = (left: Value, right: Value) => values.binary('+', left, right);
  const begin = place.network_start;
  const { base } = place;
  let next = place.network(1, version === 'ip' ? 9 : 6);
  let at =
    version === 'ip'
      ? place.header_end()
      : base === undefined
        ? context.number(IP6_HEADER)
        : plus(base, context.number(IP6_HEADER));
  // From the last header to the first one: each is the one searched, or leads to the following one.
  const steps: { readonly found: Condition; readonly passed: Condition | undefined }[] = [];
  for (let header = 0; header <= MOST_HEADERS; header++) {
    const found = field_is(context, next, protocol);
    if (header === MOST_HEADERS) {
      steps.push({ found, passed: undefined });
      break;
    }
    const is_extension = or(NEVER, ...IP6_EXTENSIONS.map((each) => field_is(context, next, each)));
    const units = (bytes: number, more: number) =>
      values.binary('*', plus(values.load(1, begin + 1, at), context.number(more)), context.number(bytes));
    const following = { next: values.stored(next_word), at: values.stored(at_word) };
    const passes = (bytes: number, more: number): Condition =>
      and(
        // Both are read before one is written: the offset needs the old one.
        { kind: 'store', stored: following.next, value: values.load(1, begin, at) },
        { kind: 'store', stored: following.at, value: plus(units(bytes, more), at) },
      );
    const is_ah = and(field_is(context, next, IP_PROTOCOL.ah), passes(4, 2));
    const passed = version === 'ip' ? is_ah : or(and(is_extension, passes(8, 1)), is_ah);
    steps.push({ found, passed: and(not(field_is(context, next, IP6_NONE)), passed) });
    next = following.next;
    at = following.at;
  }
  const chain = steps.reduceRight<Condition | undefined>((behind, { found, passed }) => {
    if (passed === undefined || behind === undefined) return found;
    return or(found, and(passed, behind));
  }, undefined);
  return and(carries(context, place, ETHERTYPE[version]), ...(chain === undefined ? [] : [chain]));
}
