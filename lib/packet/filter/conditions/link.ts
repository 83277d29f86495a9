// Conditions on the link layer: what it carries, its addresses, LLC.
import { LINKTYPE_NULL } from '../../linktypes.js';
import type { Value } from '../code/value.js';
import { ALWAYS, and, type Condition, NEVER, not, or, test } from './condition.js';
import type { Context } from './context.js';
import type { Place } from './place.js';
import { is_data, on_address, type WlanSide } from './wlan.js';

export const ETHERTYPE = {
  ip: 0x0800,
  arp: 0x0806,
  rarp: 0x8035,
  ip6: 0x86dd,
  mopdl: 0x6001,
  moprc: 0x6002,
  decnet: 0x6003,
  lat: 0x6004,
  sca: 0x6007,
  atalk: 0x809b,
  aarp: 0x80f3,
  ipx: 0x8137,
  mpls: 0x8847,
  pppoed: 0x8863,
  pppoes: 0x8864,
  loopback: 0x9000,
  teb: 0x6558,
} as const;
export const TAG_TYPES = [0x8100, 0x88a8, 0x9100] as const;
/** Service access points: what an LLC header carries. They are told from Ethernet types by their size. */
export const SAP = { ip: 0x06, stp: 0x42, snap: 0xaa, ipx: 0xe0, netbeui: 0xf0, iso: 0xfe } as const;

/** The largest value of the type field that is a length. */
const LARGEST_LENGTH = 1500;
/** The types of the Linux cooked header for packets without an Ethernet type. */
const COOKED_802_3 = 1;
const COOKED_802_2 = 4;
const APPLE = 0x080007;

/** PPP's numbers of what it carries. */
const PPP_TYPES = new Map<number, number>([
  [ETHERTYPE.ip, 0x0021],
  [ETHERTYPE.ip6, 0x0057],
  [ETHERTYPE.decnet, 0x0027],
  [ETHERTYPE.atalk, 0x0029],
  [0x0600, 0x0025],
  [SAP.iso, 0x0023],
  [SAP.stp, 0x0031],
  [SAP.ipx, 0x002b],
]);
export const PPP_MPLS = 0x0281;

const AF_INET = [2];
/** Numbers of AF_INET6 on NetBSD and OpenBSD; FreeBSD; Darwin; Linux. */
const AF_INET6 = [24, 28, 30, 10];

/**
 * Returns the condition that a packet carries a protocol.
 *
 * @param type an Ethernet type, or a service access point
 */
export function carries(context: Context, place: Place, type: number): Condition {
  const { framing, labels } = place.headers;
  if (labels > 0) return carries_behind_label(context, place, type);
  const is = (value: Value, number: number) => test('equal', value, context.number(number));
  switch (framing) {
    case 'ethernet':
    case 'cooked':
      return carries_on_lan(context, place, type);
    case 'loopback': {
      const family = place.link(4, 0);
      const families = { [ETHERTYPE.ip]: AF_INET, [ETHERTYPE.ip6]: AF_INET6 }[type] ?? [];
      // LINKTYPE_NULL has the byte order of the machine that captured.
      const is_either = context.options.linktype === LINKTYPE_NULL;
      const numbers = is_either ? families.flatMap((each) => [each, (each << 24) >>> 0]) : families;
      return family === undefined ? NEVER : or(NEVER, ...numbers.map((each) => is(family, each)));
    }
    case 'raw': {
      const version = { [ETHERTYPE.ip]: 0x40, [ETHERTYPE.ip6]: 0x60 }[type];
      if (version === undefined) return NEVER;
      return is(context.masked(place.network(1, 0), 0xf0), version);
    }
    case 'ipv4':
      return type === ETHERTYPE.ip ? ALWAYS : NEVER;
    case 'ipv6':
      return type === ETHERTYPE.ip6 ? ALWAYS : NEVER;
    case 'ppp':
      return is(place.type(), PPP_TYPES.get(type) ?? type);
    case 'wlan':
      return and(is_data(context, place), carries_in_llc(context, place, type));
    case 'unknown':
      throw context.error(
        'filters do not know what this link type carries: only link[…] and len can be used',
      );
  }
}

/** A label does not say what follows it: its bottom bit must be set, and the version of IP must be there. */
function carries_behind_label(context: Context, place: Place, type: number): Condition {
  const version = { [ETHERTYPE.ip]: 0x40, [ETHERTYPE.ip6]: 0x60 }[type];
  if (version === undefined) throw context.error('behind mpls there is only ip and ip6');
  return and(
    test('equal', context.masked(place.network(1, -2), 1), context.number(1)),
    test('equal', context.masked(place.network(1, 0), 0xf0), context.number(version)),
  );
}

function carries_on_lan(context: Context, place: Place, type: number): Condition {
  const is = (value: Value, number: number) => test('equal', value, context.number(number));
  const has_type = () => is(place.type(), type);
  switch (type) {
    case SAP.iso:
    case SAP.ip:
    case SAP.netbeui:
      return and(has_llc_header(context, place), is(place.payload(2, 0), (type << 8) | type));
    case SAP.ipx: {
      // Ethernet II; 802.3 without LLC; LLC; SNAP.
      const in_llc = or(is(place.payload(1, 0), SAP.ipx), snap(context, place, 0, ETHERTYPE.ipx));
      const ethernet_2 = is(place.type(), ETHERTYPE.ipx);
      if (type_is_cooked(place)) {
        const plain = is(place.type(), COOKED_802_3);
        return or(ethernet_2, plain, and(has_llc_header(context, place), in_llc));
      }
      const plain = is(place.payload(2, 0), 0xffff);
      const [saps, in_snap] = [is(place.payload(1, 0), SAP.ipx), snap(context, place, 0, ETHERTYPE.ipx)];
      return or(ethernet_2, and(has_llc_header(context, place), or(in_snap, saps, plain)));
    }
    case ETHERTYPE.atalk:
    case ETHERTYPE.aarp: {
      const organization = type === ETHERTYPE.atalk ? APPLE : 0;
      return or(has_type(), and(has_llc_header(context, place), snap(context, place, organization, type)));
    }
    default:
      if (type > LARGEST_LENGTH) return has_type();
      return and(has_llc_header(context, place), is(place.payload(1, 0), type));
  }
}

/** The same where all has an LLC header, with a SNAP header if there is an Ethernet type: in Wi-Fi. */
function carries_in_llc(context: Context, place: Place, type: number): Condition {
  const is = (value: Value, number: number) => test('equal', value, context.number(number));
  if (type === SAP.iso || type === SAP.ip || type === SAP.netbeui)
    return is(place.payload(2, 0), (type << 8) | type);
  if (type === ETHERTYPE.atalk) return snap(context, place, APPLE, type);
  return type > LARGEST_LENGTH ? is(place.type(), type) : is(place.payload(1, 0), type);
}

/** Returns whether the type field is that of Linux's cooked header: behind a VLAN tag it is Ethernet's. */
function type_is_cooked({ headers, path }: Place): boolean {
  return headers.framing === 'cooked' && path.tag_size === 0;
}

/** Returns the condition that the type field says that an LLC header follows. */
function has_llc_header(context: Context, place: Place): Condition {
  if (type_is_cooked(place)) return test('equal', place.type(), context.number(COOKED_802_2));
  return not(test('greater', place.type(), context.number(LARGEST_LENGTH)));
}

/** Returns the condition that the LLC header is a SNAP header of a type. The last bytes are tested first. */
function snap(context: Context, place: Place, organization: number, type: number): Condition {
  const head = ((SAP.snap << 24) | (SAP.snap << 16) | (0x03 << 8) | (organization >> 16)) >>> 0;
  const tail = (((organization & 0xffff) << 16) | type) >>> 0;
  return and(
    test('equal', place.payload(4, 4), context.number(tail)),
    test('equal', place.payload(4, 0), context.number(head)),
  );
}

const LLC_SUPERVISORY = new Map([
  ['rr', 0x01],
  ['rnr', 0x05],
  ['rej', 0x09],
]);
const LLC_UNNUMBERED = new Map([
  ['ui', 0x03],
  ['ua', 0x63],
  ['disc', 0x43],
  ['dm', 0x0f],
  ['sabme', 0x6f],
  ['test', 0xe3],
  ['xid', 0xaf],
  ['frmr', 0x87],
]);
export const LLC_TYPES: readonly string[] = [
  'i',
  's',
  'u',
  ...LLC_SUPERVISORY.keys(),
  ...LLC_UNNUMBERED.keys(),
];

/** Returns the condition that a packet has an LLC header, of a type if one is given. */
export function llc(context: Context, place: Place, type: string | undefined): Condition {
  const { framing } = place.headers;
  if (framing !== 'ethernet' && framing !== 'cooked' && framing !== 'wlan')
    throw context.error(`llc is not in ${framing} headers`);
  const on_lan = () =>
    type_is_cooked(place)
      ? has_llc_header(context, place)
      : and(
          has_llc_header(context, place),
          // NetWare over 802.3 begins with these bytes.
          not(test('equal', place.payload(2, 0), context.number(0xffff))),
        );
  const any = framing === 'wlan' ? is_data(context, place) : on_lan();
  if (type === undefined) return any;
  const control = place.payload(1, 2);
  const is = (mask: number, number: number) =>
    and(any, test('equal', context.masked(control, mask), context.number(number)));
  if (type === 'i') return is(0x01, 0);
  if (type === 's') return is(0x03, 0x01);
  if (type === 'u') return is(0x03, 0x03);
  const supervisory = LLC_SUPERVISORY.get(type);
  if (supervisory !== undefined) return is(0x0f, supervisory);
  return is(0xef, LLC_UNNUMBERED.get(type) ?? 0);
}

const DST = 0;
const SRC = 6;

/** Returns the condition that the Ethernet source or destination is an address. @throws FilterError if there are no such addresses */
export function has_address(
  context: Context,
  place: Place,
  side: 'src' | 'dst' | WlanSide,
  address: readonly number[],
): Condition {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = address;
  const tail = ((c << 24) | (d << 16) | (e << 8) | f) >>> 0;
  const is_at = (at: number): Condition =>
    and(
      test('equal', link(context, place, 4, at + 2), context.number(tail)),
      test('equal', link(context, place, 2, at), context.number((a << 8) | b)),
    );
  if (place.headers.framing === 'wlan') return on_address(context, place, side, is_at);
  if (side !== 'src' && side !== 'dst')
    throw context.error(`${side} is of 802.11: src and dst are of Ethernet`);
  return and(has_ethernet(place), is_at(side === 'dst' ? DST : SRC));
}

/** Returns the condition that the Ethernet destination is a group address. @throws FilterError */
export function is_group(context: Context, place: Place): Condition {
  const is_at = (at: number) => test('has_bits', link(context, place, 1, at), context.number(1));
  if (place.headers.framing === 'wlan') return on_address(context, place, 'dst', is_at);
  return and(has_ethernet(place), is_at(DST));
}

/** Returns bytes of the Ethernet header. */
function link(context: Context, place: Place, size: 1 | 2 | 4, offset: number): Value {
  const value = place.headers.has_addresses ? place.link(size, offset) : undefined;
  if (value !== undefined) return value;
  throw context.error('there are no Ethernet addresses here: only LINKTYPE_ETHERNET and 802.11 have them');
}

/** Returns the condition that there is an Ethernet header: a tunnel may carry packets without one. */
function has_ethernet({ path }: Place): Condition {
  return path.tunnel === undefined || path.has_inner_link ? ALWAYS : NEVER;
}
