// Conditions of the keywords that lead into what a packet carries: vlan, mpls, pppoes, geneve. Each moves the headers for the rest of the
// expression.

import type { Value } from '../code/value.js';
import { SKF_AD_VLAN_TAG, SKF_AD_VLAN_TAG_PRESENT } from '../opcodes.js';
import { and, type Condition, NEVER, not, or, test } from './condition.js';
import type { Context } from './context.js';
import { carries, ETHERTYPE, PPP_MPLS, TAG_TYPES } from './link.js';
import { has_ipv4_port, has_ipv6_port, IP6_HEADER } from './network.js';
import { ETHERNET_HEADERS, type Headers, type Place, type Tunnel } from './place.js';

const TAG_SIZE = 4;
const LARGEST_ID = 0x0fff;

/** vlan [id]: a tag of 802.1Q, in the packet or kept by the kernel. */
export function vlan(context: Context, id: number | undefined): Condition {
  const { framing, labels } = context.headers;
  if (labels > 0) throw context.error('no VLAN tag follows mpls');
  if (framing !== 'ethernet' && framing !== 'cooked' && framing !== 'wlan')
    throw context.error(`there are no VLAN tags in ${framing} headers`);
  check_size(context, 'a VLAN id', id, LARGEST_ID);
  const has_id = (tag: Value): Condition[] =>
    id === undefined ? [] : [test('equal', context.masked(tag, LARGEST_ID), context.number(id))];
  const in_packet = (place: Place) => {
    const has_tag = or(NEVER, ...TAG_TYPES.map((type) => carries(context, place, type)));
    // Behind LLC and SNAP, in Wi-Fi.
    return and(has_tag, ...has_id(place.network(2, 0)));
  };
  // The kernel takes the outermost tag off the packet and keeps it, unless it does not know the tag.
  const { live } = context.options;
  const may_be_kept = (headers: Headers, tunnel: Tunnel | undefined) =>
    live && headers.tags === 0 && tunnel === undefined;
  const behind_tag = live ? context.path(TAG_SIZE, undefined, false) : 0;
  const condition = context.on_each_path((place) => {
    const { tunnel, tag_size } = place.path;
    if (!may_be_kept(place.headers, tunnel) || tag_size > 0) return in_packet(place);
    const is_kept = test('equal', context.values.load(1, SKF_AD_VLAN_TAG_PRESENT), context.number(1));
    const kept_tag = context.values.load(1, SKF_AD_VLAN_TAG);
    return or(
      and(is_kept, ...has_id(kept_tag)),
      and(not(is_kept), { kind: 'move', to: behind_tag }, in_packet(place)),
    );
  });
  context.move((headers, tunnel) => {
    const tags = headers.tags + 1;
    if (may_be_kept(headers, tunnel)) return { ...headers, tags };
    const { payload, type } = headers;
    if (headers.framing === 'wlan') {
      return { ...headers, type: (type ?? 0) + TAG_SIZE, payload: payload + TAG_SIZE, tags };
    }
    return { ...headers, framing: 'ethernet', type: payload + 2, payload: payload + TAG_SIZE, tags };
  });
  return condition;
}

function check_size(context: Context, what: string, number: number | undefined, largest: number): void {
  if (number !== undefined && number > largest)
    throw context.error(`${what} is at most ${largest}, not ${number}`);
}

const LABEL_SIZE = 4;
const LARGEST_LABEL = 0xfffff;

/** mpls [label]: a label, which follows the link-layer header or another label. */
export function mpls(context: Context, label: number | undefined): Condition {
  check_size(context, 'an MPLS label', label, LARGEST_LABEL);
  const condition = context.on_each_path((place) => {
    const { framing, labels } = place.headers;
    if (framing !== 'ethernet' && framing !== 'cooked' && framing !== 'ppp')
      throw context.error(`there are no MPLS labels in ${framing} headers`);
    const follows =
      labels > 0
        ? test('equal', context.masked(place.network(1, -2), 1), context.number(0))
        : carries(context, place, framing === 'ppp' ? PPP_MPLS : ETHERTYPE.mpls);
    if (label === undefined) return follows;
    const field = context.masked(place.network(4, 0), 0xfffff000);
    return and(follows, test('equal', field, context.number((label << 12) >>> 0)));
  });
  context.move((headers) => ({
    ...headers,
    network: headers.network + LABEL_SIZE,
    network_after_llc: headers.network_after_llc + LABEL_SIZE,
    labels: headers.labels + 1,
  }));
  return condition;
}

/** pppoed: discovery of PPP over Ethernet. */
export function pppoed(context: Context): Condition {
  return context.on_each_path((place) => carries(context, place, ETHERTYPE.pppoed));
}

const PPPOE_HEADER = 6;
const PPP_HEADER = 2;
const LARGEST_SESSION = 0xffff;

/** pppoes [session]: PPP over Ethernet. */
export function pppoes(context: Context, session: number | undefined): Condition {
  check_size(context, 'a PPPoE session', session, LARGEST_SESSION);
  const condition = context.on_each_path((place) => {
    const follows = carries(context, place, ETHERTYPE.pppoes);
    if (session === undefined) return follows;
    const field = context.masked(place.network(4, 0), LARGEST_SESSION);
    return and(follows, test('equal', field, context.number(session)));
  });
  context.move((headers) => {
    const link = headers.payload + headers.network + PPPOE_HEADER;
    return {
      ...headers,
      framing: 'ppp',
      has_addresses: false,
      link,
      link_base: headers.payload_base,
      type: link,
      payload: link + PPP_HEADER,
      network: 0,
      network_after_llc: 0,
      link_follows_tag: true,
    };
  });
  return condition;
}

const GENEVE_PORT = 6081;
const UDP_HEADER = 8;
const GENEVE_HEADER = 8;
const LARGEST_VNI = 0xffffff;

/** geneve [vni]: a packet in UDP, with or without an Ethernet header. */
export function geneve(context: Context, vni: number | undefined): Condition {
  check_size(context, 'a Geneve VNI', vni, LARGEST_VNI);
  const tunnel = context.tunnel();
  const with_link = context.path(0, tunnel, true);
  const without_link = context.path(0, tunnel, false);
  const outer = context.paths.filter((path) => path.tunnel !== tunnel);
  const { values } = context;
  const condition = context.on_each_path((place) => {
    const behind_ipv4 = (size: 1 | 2 | 4, offset: number) => place.transport(size, offset);
    const behind_ipv6 = (size: 1 | 2 | 4, offset: number) => place.network(size, IP6_HEADER + offset);
    const begin = place.network_start + UDP_HEADER + GENEVE_HEADER;
    const in_ip = (port: Condition, load: typeof behind_ipv4, end: Value) => {
      const first = load(1, UDP_HEADER);
      const network = context.masked(load(4, UDP_HEADER + 4), 0xffffff00);
      const words = context.masked(first, 0x3f);
      const options = values.binary('<<', words, context.number(2));
      const start = values.binary('+', values.binary('+', options, end), context.number(begin));
      return and(
        port,
        test('equal', context.masked(first, 0xc0), context.number(0)),
        ...(vni === undefined ? [] : [test('equal', network, context.number((vni << 8) >>> 0))]),
        { kind: 'store', stored: tunnel.protocol, value: load(2, UDP_HEADER + 2) },
        { kind: 'store', stored: tunnel.start, value: start },
      );
    };
    const ipv6_end = values.binary('+', place.base ?? context.number(0), context.number(IP6_HEADER));
    const is_geneve = or(
      in_ip(has_ipv4_port(context, place, 'udp', 'dst', GENEVE_PORT), behind_ipv4, place.header_end()),
      in_ip(has_ipv6_port(context, place, 'udp', 'dst', GENEVE_PORT), behind_ipv6, ipv6_end),
    );
    const is_ethernet = test('equal', tunnel.protocol, context.number(ETHERTYPE.teb));
    return and(
      is_geneve,
      or(and(is_ethernet, { kind: 'move', to: with_link }), { kind: 'move', to: without_link }),
    );
  }, outer);
  context.enter(tunnel, ETHERNET_HEADERS);
  return condition;
}
