// Conditions on frames of Wi-Fi, IEEE 802.11, and where their headers are: a header has 24 bytes, data with a quality of service 26; in front
// of it radiotap has a length of its own, and may say that the header is padded. As libpcap has it, also where frames differ: the header of
// a frame between two networks, which has a fourth address, is not longer.
import type { Stored, Value } from '../code/value.js';
import { and, type Condition, NEVER, not, or, test } from './condition.js';
import type { Context } from './context.js';
import type { Headers, Place } from './place.js';

/** The side of a frame that has an address: by its meaning, or by its place. */
export type WlanSide = 'ra' | 'ta' | 'addr1' | 'addr2' | 'addr3' | 'addr4';
export const WLAN_SIDES: Readonly<Record<string, WlanSide>> = {
  ra: 'ra',
  ta: 'ta',
  addr1: 'addr1',
  address1: 'addr1',
  addr2: 'addr2',
  address2: 'addr2',
  addr3: 'addr3',
  address3: 'addr3',
  addr4: 'addr4',
  address4: 'addr4',
};

/** Bits of the first byte of a frame: type and subtype, and of the second: the direction. */
const [CONTROL, DATA, QOS] = [0x04, 0x08, 0x80];
const [TYPE, SUBTYPE, DIRECTION] = [0x0c, 0xf0, 0x03];
const [TO_DS, FROM_DS] = [0x01, 0x02];
/** Offsets of the addresses. */
const [FIRST, SECOND, THIRD, FOURTH] = [4, 10, 16, 24];
const HEADER = 24;
const QOS_FIELD = 2;
/** Bits of radiotap's word that says which fields there are, whose bytes are in the other order; and of its flags. */
const [HAS_TIME, HAS_FLAGS, HAS_MORE, PADDED] = [0x01000000, 0x02000000, 0x80, 0x20];
/** Control frames without a second address. */
const [CTS, ACK] = [0xc0, 0xd0];

/** Where a frame begins, if that is not the begin of the packet, and where what it carries begins: words of scratch memory. */
interface Starts {
  readonly link: Stored | undefined;
  readonly payload: Stored;
}

/** Returns the headers of frames. */
export function wlan_headers(context: Context, headers: Headers, has_radiotap: boolean): Headers {
  const link = has_radiotap ? context.values.stored(context.word()) : undefined;
  return { ...headers, link_base: link, payload_base: context.values.stored(context.word()) };
}

/** Returns a condition behind the one that stores where the headers are, as far as its values need that. */
export function behind_starts(context: Context, headers: Headers, condition: Condition): Condition {
  const { link_base: link, payload_base: payload } = headers;
  if (payload === undefined) return condition;
  const needed = stored_in(condition);
  const starts: Condition[] = [];
  if (link !== undefined && (needed.has(link) || needed.has(payload))) starts.push(store_link(context, link));
  if (needed.has(payload)) starts.push(store_payload(context, { link, payload }));
  const [first, ...others] = [...starts, condition];
  return first === undefined ? condition : and(first, ...others);
}

function store_link({ values }: Context, stored: Stored): Condition {
  const high = values.binary('<<', values.load(1, 3), values.number(8));
  return { kind: 'store', stored, value: values.binary('|', high, values.load(1, 2)) };
}

function store_payload(context: Context, { link, payload }: Starts): Condition {
  const { values } = context;
  const frame = values.load(1, 0, link);
  const store = (stored: Stored, value: Value): Condition => ({ kind: 'store', stored, value });
  const behind = (size: number): Value =>
    link === undefined ? context.number(size) : values.binary('+', link, context.number(size));
  const is_data = and(has_bits(context, frame, DATA), not(has_bits(context, frame, CONTROL)));
  const is_longer = and(is_data, has_bits(context, frame, QOS));
  const store_end = (stored: Stored) =>
    or(and(is_longer, store(stored, behind(HEADER + QOS_FIELD))), store(stored, behind(HEADER)));
  if (link === undefined) return store_end(payload);
  // Radiotap says that the header is padded: its flags are the first field, or follow a time of 8 bytes.
  const end = values.stored(payload.word);
  const present = values.load(4, 4);
  const padded = (at: number) => has_bits(context, values.load(1, at), PADDED);
  const has_time = has_bits(context, present, HAS_TIME);
  const is_padded = and(
    is_data,
    has_bits(context, present, HAS_FLAGS),
    not(has_bits(context, present, HAS_MORE)),
    or(and(has_time, padded(16)), and(not(has_time), padded(8))),
  );
  const aligned = context.masked(values.binary('+', end, context.number(3)), 0xfffffffc);
  return and(store_end(end), or(and(is_padded, store(payload, aligned)), store(payload, end)));
}

/** Returns the words of scratch memory that a condition reads. */
function stored_in(condition: Condition): Set<Stored> {
  const found = new Set<Stored>();
  const seen = new Set<Condition | Value>();
  const rest: (Condition | Value)[] = [condition];
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    switch (next.kind) {
      case 'stored':
        found.add(next);
        break;
      case 'load':
        if (next.index !== undefined) rest.push(next.index);
        break;
      case 'negative':
      case 'not':
        rest.push(next.of);
        break;
      case 'binary':
      case 'test':
      case 'and':
      case 'or':
        rest.push(next.left, next.right);
        break;
      case 'store':
        rest.push(next.value);
        break;
      case 'by_path':
        rest.push(...next.of.values());
        break;
    }
  }
  return found;
}

/** @throws FilterError for another link type */
export function check_frames(context: Context): void {
  if (context.headers.framing !== 'wlan') throw no_frames(context);
}

const no_frames = (context: Context) =>
  context.error('only frames of 802.11 have this: LINKTYPE_IEEE802_11 and LINKTYPE_IEEE802_11_RADIOTAP');

/** Returns bytes of a frame's header. @throws FilterError for another link type */
function frame(context: Context, place: Place, size: 1 | 2 | 4, offset: number): Value {
  const value = place.headers.framing === 'wlan' ? place.link(size, offset) : undefined;
  if (value !== undefined) return value;
  throw no_frames(context);
}

const has_bits = (context: Context, value: Value, mask: number) =>
  test('has_bits', value, context.number(mask));
const is = (context: Context, value: Value, mask: number, number: number) =>
  test('equal', context.masked(value, mask), context.number(number));

/** Returns the condition that a frame is one of data. */
export function is_data(context: Context, place: Place): Condition {
  const first = frame(context, place, 1, 0);
  return and(not(has_bits(context, first, CONTROL)), has_bits(context, first, DATA));
}

/** Returns a condition on the address of a side: by the direction, data frames have it in different places. */
export function on_address(
  context: Context,
  place: Place,
  side: 'src' | 'dst' | WlanSide,
  condition_at: (offset: number) => Condition,
): Condition {
  const [first, second] = [frame(context, place, 1, 0), frame(context, place, 1, 1)];
  const has = (value: Value, mask: number) => has_bits(context, value, mask);
  /** One condition or the other. */
  const choose = (which: Condition, yes: Condition, no: Condition) =>
    or(and(which, yes), and(not(which), no));
  switch (side) {
    case 'src': {
      const from_network = choose(has(second, TO_DS), condition_at(FOURTH), condition_at(THIRD));
      const of_data = choose(has(second, FROM_DS), from_network, condition_at(SECOND));
      return and(not(has(first, CONTROL)), choose(has(first, DATA), of_data, condition_at(SECOND)));
    }
    case 'dst': {
      const of_data = choose(has(second, TO_DS), condition_at(THIRD), condition_at(FIRST));
      return and(not(has(first, CONTROL)), choose(has(first, DATA), of_data, condition_at(FIRST)));
    }
    case 'ra':
      return and(has(first, DATA), condition_at(FIRST));
    case 'ta':
      return and(has(first, DATA), has_second(context, first), condition_at(SECOND));
    case 'addr1':
      return condition_at(FIRST);
    case 'addr2':
      return and(has_second(context, first), condition_at(SECOND));
    case 'addr3':
      return and(not(is(context, first, TYPE, CONTROL)), condition_at(THIRD));
    case 'addr4':
      return and(is(context, second, DIRECTION, TO_DS | FROM_DS), condition_at(FOURTH));
  }
}

function has_second(context: Context, first: Value): Condition {
  const is_control = is(context, first, TYPE, CONTROL);
  const is_short = or(is(context, first, SUBTYPE, CTS), is(context, first, SUBTYPE, ACK));
  return not(and(is_control, is_short));
}

const TYPES: Readonly<Record<string, number>> = { mgt: 0, management: 0, ctl: 4, control: 4, data: 8 };
/** Subtypes by the number of their type. */
const SUBTYPES: Readonly<Record<number, Readonly<Record<string, number>>>> = {
  0: {
    'assoc-req': 0x00,
    assocreq: 0x00,
    'assoc-resp': 0x10,
    assocresp: 0x10,
    'reassoc-req': 0x20,
    reassocreq: 0x20,
    'reassoc-resp': 0x30,
    reassocresp: 0x30,
    'probe-req': 0x40,
    probereq: 0x40,
    'probe-resp': 0x50,
    proberesp: 0x50,
    beacon: 0x80,
    atim: 0x90,
    disassoc: 0xa0,
    disassociation: 0xa0,
    auth: 0xb0,
    authentication: 0xb0,
    deauth: 0xc0,
    deauthentication: 0xc0,
  },
  4: { 'ps-poll': 0xa0, rts: 0xb0, cts: 0xc0, ack: 0xd0, 'cf-end': 0xe0, 'cf-end-ack': 0xf0 },
  8: {
    data: 0x00,
    'data-cf-ack': 0x10,
    'data-cf-poll': 0x20,
    'data-cf-ack-poll': 0x30,
    null: 0x40,
    'cf-ack': 0x50,
    'cf-poll': 0x60,
    'cf-ack-poll': 0x70,
    'qos-data': 0x80,
    'qos-data-cf-ack': 0x90,
    'qos-data-cf-poll': 0xa0,
    'qos-data-cf-ack-poll': 0xb0,
    qos: 0xc0,
    'qos-cf-poll': 0xe0,
    'qos-cf-ack-poll': 0xf0,
  },
};
const DIRECTIONS: Readonly<Record<string, number>> = { nods: 0, tods: 1, fromds: 2, dstods: 3 };

/** A word or a number of the expression. */
interface Given {
  readonly text: string;
  readonly number: number | undefined;
}

/** type TYPE subtype SUBTYPE, each of which may be left out. @throws FilterError */
export function frame_type(context: Context, type: Given | undefined, subtype: Given | undefined): Condition {
  const bits = type === undefined ? undefined : number_of(context, type, TYPES, TYPE, 'type');
  if (subtype === undefined)
    return context.on_each_path((place) => is(context, frame(context, place, 1, 0), TYPE, bits ?? 0));
  const of = Object.entries(SUBTYPES).filter(([number]) => bits === undefined || Number(number) === bits);
  const names = Object.fromEntries(
    of.flatMap(([number, each]) =>
      Object.entries(each).map(([name, value]) => [name, value | Number(number)] as const),
    ),
  );
  const wanted =
    subtype.number === undefined || bits === undefined
      ? number_of(context, { ...subtype, number: undefined }, names, SUBTYPE, 'subtype')
      : number_of(context, subtype, names, SUBTYPE, 'subtype') | bits;
  return context.on_each_path((place) => is(context, frame(context, place, 1, 0), TYPE | SUBTYPE, wanted));
}

/** dir DIRECTION. @throws FilterError */
export function frame_direction(context: Context, direction: Given): Condition {
  const wanted = number_of(context, direction, DIRECTIONS, 0xff, 'direction');
  return context.on_each_path((place) =>
    // No frame has another number.
    wanted > DIRECTION ? NEVER : is(context, frame(context, place, 1, 1), DIRECTION, wanted),
  );
}

function number_of(
  context: Context,
  { text, number }: Given,
  names: Readonly<Record<string, number>>,
  mask: number,
  what: string,
): number {
  if (number !== undefined) {
    if ((number & ~mask) !== 0)
      throw context.error(`a ${what} of 802.11 has the bits 0x${mask.toString(16)}, not ${text}`);
    return number;
  }
  const found = names[text.toLowerCase()];
  if (found === undefined || !Object.hasOwn(names, text.toLowerCase()))
    throw context.error(`a ${what} of 802.11 is one of ${Object.keys(names).join(', ')}, not ${text}`);
  return found;
}
