// Arithmetic on the bytes of headers, and relations: `ip[2:2] - 20 > 100`. A relation is true only of packets that have the headers: those
// are tested first.

import { LINKTYPE_IEEE802_11_RADIOTAP, LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2 } from '../../linktypes.js';
import type { Comparison } from '../code/graph.js';
import type { Operator, Size, Value } from '../code/value.js';
import { abbreviation } from '../conditions/abbreviations.js';
import { and, type Condition, NEVER, not, test } from '../conditions/condition.js';
import type { Context } from '../conditions/context.js';
import { carries, ETHERTYPE } from '../conditions/link.js';
import { IP_PROTOCOL, IP6_HEADER, is_first_fragment } from '../conditions/network.js';
import type { Place } from '../conditions/place.js';
import { SKF_AD_HATYPE, SKF_AD_IFINDEX, SKF_AD_PKTTYPE, SKF_AD_PROTOCOL } from '../opcodes.js';
import type { Token } from './lexer.js';
import type { Protocol } from './words.js';

/** An arithmetic expression. */
export interface Arithmetic {
  value(place: Place): Value;
  /** The conditions that the headers of which it takes bytes are there. */
  readonly checks: readonly ((place: Place) => Condition)[];
}

export function constant(context: Context, number: number): Arithmetic {
  return { value: () => context.number(number), checks: [] };
}

export function length(context: Context): Arithmetic {
  return { value: () => context.values.length(), checks: [] };
}

export function negative(context: Context, of: Arithmetic): Arithmetic {
  return { value: (place) => context.values.negative(of.value(place)), checks: of.checks };
}

export function binary(
  context: Context,
  operator: Operator,
  left: Arithmetic,
  right: Arithmetic,
  token: Token,
): Arithmetic {
  return {
    value(place) {
      const second = right.value(place);
      if (second.kind === 'number') check_right(context, operator, second.number, token);
      return context.values.binary(operator, left.value(place), second);
    },
    checks: [...left.checks, ...right.checks],
  };
}

/** @throws FilterError for a division by zero, or a shift by more than 31 bits */
function check_right(context: Context, operator: Operator, right: number, token: Token): void {
  if (right === 0 && (operator === '/' || operator === '%')) throw context.error('division by zero', token);
  if (right > 31 && (operator === '<<' || operator === '>>'))
    throw context.error(`a shift is by 0 to 31 bits, not ${right}`, token);
}

/** Relations: the test, and the outcome that is asked for. */
export const RELATIONS: ReadonlyMap<string, readonly [Comparison, boolean]> = new Map([
  ['=', ['equal', true]],
  ['!=', ['equal', false]],
  ['>', ['greater', true]],
  ['<=', ['greater', false]],
  ['>=', ['at_least', true]],
  ['<', ['at_least', false]],
]);

/** Returns the condition that a relation of two expressions holds. */
export function relation(context: Context, operator: string, left: Arithmetic, right: Arithmetic): Condition {
  const [comparison, outcome] = RELATIONS.get(operator) ?? ['equal', true];
  return context.on_each_path((place) => {
    const holds = test(comparison, left.value(place), right.value(place));
    const [first, ...others] = [...left.checks, ...right.checks].map((check) => check(place));
    const wanted = outcome ? holds : not(holds);
    return first === undefined ? wanted : and(first, ...others, wanted);
  });
}

const OF_NETWORK: readonly Protocol[] = [
  'ip',
  'arp',
  'rarp',
  'atalk',
  'decnet',
  'sca',
  'lat',
  'moprc',
  'mopdl',
  'ip6',
];
const BEHIND_IP: readonly Protocol[] = ['sctp', 'tcp', 'udp', 'icmp', 'igmp', 'igrp', 'pim', 'vrrp', 'carp'];

/** Returns bytes of a protocol's header: `tcp[13]`, `ip[2:2]`. @throws FilterError */
export function bytes_of(
  context: Context,
  protocol: Protocol,
  index: Arithmetic,
  size: Size,
  token: Token,
): Arithmetic {
  context.at(token);
  const loads = loader(context, protocol, size, token);
  if (loads === undefined) throw context.error(`${token.text}[…] cannot be used`);
  const { checks, load } = loads;
  const own = checks === undefined ? [] : [checks];
  return {
    value: (place) => load(place, index.value(place)),
    checks: [...index.checks, ...own],
  };
}

interface Loader {
  load(place: Place, index: Value): Value;
  readonly checks?: ((place: Place) => Condition) | undefined;
}

function loader(context: Context, protocol: Protocol, size: Size, token: Token): Loader | undefined {
  const is = (place: Place) => abbreviation(protocol)?.(context, place) ?? NEVER;
  if (protocol === 'ether') return { load: (place, index) => link_bytes(context, place, size, index, token) };
  if (OF_NETWORK.includes(protocol)) {
    return {
      load: (place, index) => indexed(context, place.base, size, place.network_start, index, token),
      checks: is,
    };
  }
  if (BEHIND_IP.includes(protocol)) {
    return {
      load: (place, index) => {
        const end = place.header_end();
        if (index.kind === 'number')
          return context.values.load(size, (place.network_start + index.number) >>> 0, end);
        return context.values.load(size, place.network_start, context.values.binary('+', index, end));
      },
      checks: (place) =>
        and(carries(context, place, ETHERTYPE.ip), is(place), is_first_fragment(context, place)),
    };
  }
  if (protocol === 'radio') {
    if (context.options.linktype !== LINKTYPE_IEEE802_11_RADIOTAP)
      throw context.error('only LINKTYPE_IEEE802_11_RADIOTAP has what the radio measured');
    return { load: (_, index) => indexed(context, undefined, size, 0, index, token) };
  }
  if (protocol !== 'icmp6') return undefined;
  return {
    load: (place, index) =>
      indexed(context, place.base, size, place.network_start + IP6_HEADER, index, token),
    checks: (place) =>
      and(
        carries(context, place, ETHERTYPE.ip6),
        test('equal', place.network(1, 6), context.number(IP_PROTOCOL.icmp6)),
      ),
  };
}

/** Returns the bytes at an offset plus an index. */
function indexed(
  context: Context,
  base: Value | undefined,
  size: Size,
  start: number,
  index: Value,
  token: Token,
): Value {
  const { values } = context;
  if (index.kind === 'number') {
    // An index of 32 bits may stand for a negative one.
    const at = (start + index.number) | 0;
    if (at < 0 && base === undefined) throw context.error('no packet has bytes at this offset', token);
    return values.load(size, at >>> 0, base);
  }
  return values.load(size, start, base === undefined ? index : values.binary('+', index, base));
}

/** The fields of Linux's cooked headers that the kernel keeps beside a packet, by their offsets and sizes. */
const KEPT_FIELDS = new Map<number, Readonly<Record<string, number>>>([
  [LINKTYPE_LINUX_SLL, { '0:2': SKF_AD_PKTTYPE, '2:2': SKF_AD_HATYPE, '14:2': SKF_AD_PROTOCOL }],
  [
    LINKTYPE_LINUX_SLL2,
    { '0:2': SKF_AD_PROTOCOL, '4:4': SKF_AD_IFINDEX, '8:2': SKF_AD_HATYPE, '10:1': SKF_AD_PKTTYPE },
  ],
]);

function link_bytes(context: Context, place: Place, size: Size, index: Value, token: Token): Value {
  const { link } = place.headers;
  if (link !== undefined)
    return indexed(context, place.link_base, size, place.link_start(link), index, token);
  // The kernel shows a packet without its cooked header.
  const fields = KEPT_FIELDS.get(context.options.linktype) ?? {};
  const field = index.kind === 'number' ? fields[`${index.number}:${size}`] : undefined;
  if (field !== undefined) return context.values.load(size, field);
  const known = Object.keys(fields)
    .map((each) => `${token.text}[${each.replace(/:1$/, '')}]`)
    .join(', ');
  throw context.error(`the kernel shows no cooked header: only ${known} can be used in a live filter`, token);
}
