// The condition of each protocol when its word stands alone: `tcp`, `arp`, `stp`.

import type { Protocol } from '../language/words.js';
import { type Condition, NEVER, or } from './condition.js';
import type { Context } from './context.js';
import { carries, ETHERTYPE, SAP } from './link.js';
import { IP_PROTOCOL, ip_carries, ip6_carries, isis_carries, iso_carries } from './network.js';
import type { Place } from './place.js';

type Abbreviation = (context: Context, place: Place) => Condition;

const by_type =
  (type: number): Abbreviation =>
  (context, place) =>
    carries(context, place, type);
const in_ip =
  (protocol: number): Abbreviation =>
  (context, place) =>
    ip_carries(context, place, protocol);
const in_ip6 =
  (protocol: number): Abbreviation =>
  (context, place) =>
    ip6_carries(context, place, protocol);
const in_both =
  (protocol: number): Abbreviation =>
  (context, place) =>
    or(ip_carries(context, place, protocol), ip6_carries(context, place, protocol));
const in_iso =
  (protocol: number): Abbreviation =>
  (context, place) =>
    iso_carries(context, place, protocol);
const in_isis =
  (...types: readonly number[]): Abbreviation =>
  (context, place) =>
    or(NEVER, ...types.map((type) => isis_carries(context, place, type)));

/** Types of IS-IS packets: hello, link state, complete and partial sequence numbers, of levels 1 and 2. */
const L1_HELLO = 15;
const L2_HELLO = 16;
const POINT_TO_POINT_HELLO = 17;
const L1_LSP = 18;
const L2_LSP = 20;
const L1_CSNP = 24;
const L2_CSNP = 25;
const L1_PSNP = 26;
const L2_PSNP = 27;

const CONDITIONS: Readonly<Partial<Record<Protocol, Abbreviation>>> = {
  ip: by_type(ETHERTYPE.ip),
  ip6: by_type(ETHERTYPE.ip6),
  arp: by_type(ETHERTYPE.arp),
  rarp: by_type(ETHERTYPE.rarp),
  atalk: by_type(ETHERTYPE.atalk),
  aarp: by_type(ETHERTYPE.aarp),
  decnet: by_type(ETHERTYPE.decnet),
  lat: by_type(ETHERTYPE.lat),
  sca: by_type(ETHERTYPE.sca),
  mopdl: by_type(ETHERTYPE.mopdl),
  moprc: by_type(ETHERTYPE.moprc),
  stp: by_type(SAP.stp),
  ipx: by_type(SAP.ipx),
  netbeui: by_type(SAP.netbeui),
  iso: by_type(SAP.iso),
  tcp: in_both(IP_PROTOCOL.tcp),
  udp: in_both(IP_PROTOCOL.udp),
  sctp: in_both(IP_PROTOCOL.sctp),
  pim: in_both(IP_PROTOCOL.pim),
  ah: in_both(IP_PROTOCOL.ah),
  esp: in_both(IP_PROTOCOL.esp),
  icmp: in_ip(IP_PROTOCOL.icmp),
  igmp: in_ip(IP_PROTOCOL.igmp),
  igrp: in_ip(IP_PROTOCOL.igrp),
  vrrp: in_ip(IP_PROTOCOL.vrrp),
  carp: in_ip(IP_PROTOCOL.carp),
  icmp6: in_ip6(IP_PROTOCOL.icmp6),
  clnp: in_iso(0x81),
  esis: in_iso(0x82),
  isis: in_iso(0x83),
  l1: in_isis(L1_PSNP, L1_CSNP, L1_LSP, L1_HELLO, POINT_TO_POINT_HELLO),
  l2: in_isis(L2_PSNP, L2_CSNP, L2_LSP, L2_HELLO, POINT_TO_POINT_HELLO),
  iih: in_isis(POINT_TO_POINT_HELLO, L1_HELLO, L2_HELLO),
  lsp: in_isis(L1_LSP, L2_LSP),
  snp: in_isis(L2_PSNP, L1_PSNP, L1_CSNP, L2_CSNP),
  csnp: in_isis(L1_CSNP, L2_CSNP),
  psnp: in_isis(L1_PSNP, L2_PSNP),
};

/** Returns the condition that a packet is of a protocol; undefined for a word that needs more than a protocol. */
export const abbreviation = (protocol: Protocol): Abbreviation | undefined => CONDITIONS[protocol];
