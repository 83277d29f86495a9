// The names of numbers that several layers show, in the words of tcpdump: of ethertypes and IP protocols; and of sets of flags.

import { AF_INET6, inet_ntop, inet_pton } from '../../../socket/index.js';

export type Names = Readonly<Record<number, string>>;
/** Flags with their names, in the order in which they are shown. */
export type Flags = readonly (readonly [bit: number, name: string])[];

export const ETHERTYPES: Names = {
  254: 'GRE-OSI',
  512: 'PUP',
  1280: 'Sprite',
  1536: 'NS',
  1799: 'GeoNet (old)',
  2048: 'IPv4',
  2054: 'ARP',
  4096: 'Trail',
  4369: 'CALM FAST',
  24577: 'MOP DL',
  24578: 'MOP RC',
  24579: 'DN',
  24580: 'LAT',
  24583: 'SCA',
  25944: 'TEB',
  32821: 'Reverse ARP',
  32824: 'Lanbridge',
  32828: 'DEC DNS',
  32830: 'DEC DTS',
  32859: 'VEXP',
  32860: 'VPROD',
  32923: 'Appletalk',
  33011: 'Appletalk ARP',
  33024: '802.1Q',
  33079: 'IPX',
  34525: 'IPv6',
  34824: 'MPCP',
  34825: 'Slow Protocols',
  34827: 'PPP',
  34887: 'MPLS unicast',
  34888: 'MPLS multicast',
  34915: 'PPPoE D',
  34916: 'PPPoE S',
  34927: 'MS NLB heartbeat',
  34928: 'Jumbo',
  34958: 'EAPOL',
  34969: 'Realtek protocols',
  34978: 'AoE',
  34984: '802.1Q-QinQ',
  35018: 'TIPC',
  35020: 'LLDP',
  35045: '802.1AE MACsec',
  35063: 'PTP',
  35074: 'CFM',
  35130: 'IEEE1905.1',
  35143: 'GeoNet',
  35151: 'NSH',
  36864: 'Loopback',
  37120: '802.1Q-9100',
  37376: '802.1Q-9200',
  43981: 'CFM (old)',
  53899: 'Arista Vendor Specific Protocol',
  65278: 'OSI',
};

export const IP_PROTOCOLS: Names = {
  0: 'Options',
  1: 'ICMP',
  2: 'IGMP',
  4: 'IPIP',
  6: 'TCP',
  8: 'EGP',
  9: 'IGRP',
  17: 'UDP',
  33: 'DCCP',
  41: 'IPv6',
  43: 'Routing',
  44: 'Fragment',
  46: 'RSVP',
  47: 'GRE',
  50: 'ESP',
  51: 'AH',
  55: 'Mobile IP',
  58: 'ICMPv6',
  62: 'Mobile IP (old)',
  88: 'EIGRP',
  89: 'OSPF',
  103: 'PIM',
  108: 'Compressed IP',
  112: 'VRRP',
  113: 'PGM',
  132: 'SCTP',
  135: 'Mobility',
  143: 'Ethernet',
};

/** Organizations by the first three bytes of their addresses. */
export const ORGANIZATIONS: Names = {
  0: 'Ethernet',
  12: 'Cisco',
  94: 'IANA',
  129: 'Nortel Networks SONMP',
  248: 'Cisco bridged',
  1183: 'Freescale',
  1258: 'HP-Labs',
  4623: 'IEEE 802.3 Private',
  4795: 'ANSI/TIA',
  5549: 'Netronome',
  4120: 'Broadcom',
  6945: 'DCBX',
  8992: 'Nicira Networks',
  9345: 'HP',
  32962: 'Ethernet bridged',
  36969: 'Juniper',
  41022: 'ATM Forum',
  524297: 'Hewlett-Packard',
  6035143: 'Big Switch Networks',
  7636849: 'Infoblox Inc',
  10756869: 'Open Networking Lab',
  11588341: 'Vello Systems',
  13693147: 'Ericsson',
  57348: 'PMC-Sierra',
  57391: 'DOCSIS Spanning Tree',
  524295: 'Appletalk',
};

/** Returns a number as "0x0800", with at least so many digits. */
export const hex = (value: number, digits = 0) => `0x${value.toString(16).padStart(digits, '0')}`;

/** Returns the names of the flags that are set, or `none`. */
export function flag_names(flags: Flags, value: number, separator = ', ', none = 'none'): string {
  const names = flags.filter(([bit]) => (value & bit) !== 0).map(([, name]) => name);
  return names.length === 0 ? none : names.join(separator);
}

/** Returns "ethertype IPv4 (0x0800)"; with -q, "IPv4". */
export function ethertype_name(type: number, quiet: number): string {
  const name = ETHERTYPES[type];
  if (quiet > 0) return name ?? `Unknown Ethertype (${hex(type, 4)})`;
  return `ethertype ${name ?? 'Unknown'} (${hex(type, 4)})`;
}

/** Returns bytes as tcpdump prints text: control characters as ^A, those above 127 as M-a. */
export function caret(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => {
    const low = byte & 0x7f;
    const is_printable = low >= 0x20 && low < 0x7f;
    return (
      (byte > 0x7f ? 'M-' : '') +
      (is_printable ? '' : '^') +
      String.fromCharCode(is_printable ? low : low ^ 0x40)
    );
  }).join('');
}

/**
 * Returns an IPv6 address as tcpdump writes it: those that are IPv4 addresses behind zeros as ::192.0.2.1. (bsd-sockets/packet has them
 * in the form of RFC 5952, ::c000:201.)
 */
export function ipv6_address(address: string): string {
  if (!/^::[^:]+:[^:]+$/.test(address)) return address;
  return inet_ntop(AF_INET6, inet_pton(AF_INET6, address));
}

/** Returns a number of seconds as "1h2m3s". */
export function duration(seconds: number): string {
  const units = [
    [31_536_000, 'y'],
    [604_800, 'w'],
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'm'],
    [1, 's'],
  ] as const;
  let left = seconds;
  let text = '';
  for (const [size, name] of units) {
    if (left >= size) text += `${Math.floor(left / size)}${name}`;
    left %= size;
  }
  return text || '0s';
}
