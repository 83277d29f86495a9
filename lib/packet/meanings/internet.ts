// Numbers of ARP, IP and what IP carries: ICMP, IGMP, SCTP, VRRP and the headers of tunnels. Codes have the words of IANA's lists.
import { tcp } from '../layers/tcp.js';
import { protocol_of_ethertype, protocol_of_ip } from '../registry.js';
import { bits, type Meaning, type Meanings, one_of } from './meaning.js';

/** Kinds of links, as ARP and DHCP have them. */
export const HARDWARE = one_of({
  1: 'Ethernet',
  6: 'IEEE 802',
  7: 'ARCNET',
  15: 'Frame Relay',
  16: 'ATM',
  18: 'Fibre Channel',
  24: 'IEEE 1394',
  27: 'EUI-64',
  32: 'InfiniBand',
});
/** Families of addresses by IANA's numbers. */
const FAMILIES = one_of({ 1: 'IPv4', 2: 'IPv6', 16389: '48-bit MAC', 16390: '64-bit MAC' });

/** Protocols in IP that are no layer of this library. */
const OTHER_PROTOCOLS: Readonly<Record<number, string>> = {
  0: 'hop_by_hop',
  33: 'dccp',
  43: 'routing',
  44: 'fragment',
  46: 'rsvp',
  59: 'no next header',
  60: 'destination_options',
  88: 'eigrp',
  89: 'ospf',
  103: 'pim',
  108: 'ipcomp',
  115: 'l2tp',
  135: 'mobility',
  139: 'hip',
  140: 'shim6',
};
const ip_protocol: Meaning = (value) => protocol_of_ip(value)?.name ?? OTHER_PROTOCOLS[value];
/** What an ethertype announces. */
export const ethertype: Meaning = (value) =>
  protocol_of_ethertype(value)?.name ?? (value === 0x6558 ? 'ethernet' : undefined);

const CLASSES: Readonly<Record<number, string>> = { 1: 'LE', 44: 'VOICE-ADMIT', 46: 'EF' };
const CONGESTION = ['', 'ECT(1)', 'ECT(0)', 'CE'];
/** The class of the service, RFC 2474, and the marks of congestion, RFC 3168. */
const service: Meaning = (value) => {
  const [code, selector, precedence] = [value >>> 2, value >>> 5, (value >>> 3) & 3];
  const is_assured = selector >= 1 && selector <= 4 && precedence > 0 && (code & 1) === 0;
  const class_selector = selector > 0 && (code & 7) === 0 ? `CS${selector}` : '';
  const name = CLASSES[code] ?? (is_assured ? `AF${selector}${precedence}` : class_selector);
  return [name, CONGESTION[value & 3] ?? ''].filter((word) => word !== '').join(', ') || undefined;
};

const unreachable = one_of({
  0: 'net unreachable',
  1: 'host unreachable',
  2: 'protocol unreachable',
  3: 'port unreachable',
  4: 'fragmentation needed',
  5: 'source route failed',
  6: 'destination network unknown',
  7: 'destination host unknown',
  8: 'source host isolated',
  9: 'network administratively prohibited',
  10: 'host administratively prohibited',
  11: 'network unreachable for type of service',
  12: 'host unreachable for type of service',
  13: 'administratively prohibited',
  14: 'host precedence violation',
  15: 'precedence cutoff in effect',
});
const EXCEEDED = { 0: 'time to live exceeded in transit', 1: 'fragment reassembly time exceeded' };
/** Of extended echo, RFC 8335. */
const probed = {
  code: one_of({
    0: 'no error',
    1: 'malformed query',
    2: 'no such interface',
    3: 'no such table entry',
    4: 'multiple interfaces satisfy the query',
  }),
  state: one_of({ 1: 'incomplete', 2: 'reachable', 3: 'stale', 4: 'delay', 5: 'probe', 6: 'failed' }),
};

const ROUTER = { managed: 0x80, 'other configuration': 0x40, 'home agent': 0x20, proxy: 0x04 };
const PREFERENCES = ['', 'high preference', 'reserved preference', 'low preference'];
/** Flags, and the preference of a router or a route in the bits 0x18. */
const with_preference =
  (flags: Readonly<Record<string, number>>): Meaning =>
  (value, fields) =>
    [bits(flags)(value, fields) ?? '', PREFERENCES[(value >>> 3) & 3] ?? '']
      .filter((word) => word !== '')
      .join(', ') || undefined;
const records = one_of({
  1: 'mode is include',
  2: 'mode is exclude',
  3: 'change to include',
  4: 'change to exclude',
  5: 'allow new sources',
  6: 'block old sources',
});

export const INTERNET: Meanings = {
  'arp.hardware_type': HARDWARE,
  'arp.protocol_type': ethertype,
  'arp.operation': one_of({
    1: 'request',
    2: 'reply',
    3: 'reverse request',
    4: 'reverse reply',
    8: 'inverse request',
    9: 'inverse reply',
  }),
  'ipv4.tos': service,
  'ipv4.protocol': ip_protocol,
  'ipv4.flags': bits({ MF: 1, DF: 2 }),
  'ipv6.traffic_class': service,
  'ipv6.next_header': ip_protocol,
  'ah.next_header': ip_protocol,
  'ipv6.hop_by_hop.next_header': ip_protocol,
  'ipv6.destination_options.next_header': ip_protocol,
  'ipv6.routing.next_header': ip_protocol,
  'ipv6.routing.routing_type': one_of({ 0: 'source route', 2: 'mobile', 3: 'RPL', 4: 'segment routing' }),
  'ipv6.fragment.next_header': ip_protocol,
  'ipv6.ah.next_header': ip_protocol,
  'ipv6.unknown.next_header': ip_protocol,
  'tcp.flags': bits(tcp),
  'gre.flags': bits({ checksum: 0x8000, routing: 0x4000, key: 0x2000, sequence: 0x1000 }),
  'gre.protocol': ethertype,
  'icmp.destination_unreachable.code': unreachable,
  'icmp.redirect.code': one_of({
    0: 'for the network',
    1: 'for the host',
    2: 'for the type of service and network',
    3: 'for the type of service and host',
  }),
  'icmp.router_advertisement.code': one_of({ 16: 'does not route common traffic' }),
  'icmp.time_exceeded.code': one_of(EXCEEDED),
  'icmp.parameter_problem.code': one_of({
    0: 'pointer indicates the error',
    1: 'missing a required option',
    2: 'bad length',
  }),
  'icmp.traceroute.code': one_of({ 0: 'forwarded', 1: 'discarded' }),
  'icmp.photuris.code': one_of({
    0: 'bad SPI',
    1: 'authentication failed',
    2: 'decompression failed',
    3: 'decryption failed',
    4: 'need authentication',
    5: 'need authorization',
  }),
  'icmp.extended_echo_reply.code': probed.code,
  'icmp.extended_echo_reply.state': probed.state,
  'icmp.interface_address.family': FAMILIES,
  'icmpv6.destination_unreachable.code': one_of({
    0: 'no route to destination',
    1: 'administratively prohibited',
    2: 'beyond scope of source address',
    3: 'address unreachable',
    4: 'port unreachable',
    5: 'source address failed policy',
    6: 'reject route to destination',
    7: 'error in source routing header',
    8: 'headers too long',
  }),
  'icmpv6.time_exceeded.code': one_of({ ...EXCEEDED, 0: 'hop limit exceeded in transit' }),
  'icmpv6.parameter_problem.code': one_of({
    0: 'erroneous header field',
    1: 'unrecognized next header type',
    2: 'unrecognized option',
    3: 'incomplete header chain',
    4: 'upper-layer header error',
    5: 'unrecognized next header by intermediate node',
    6: 'extension header too big',
    7: 'extension header chain too long',
    8: 'too many extension headers',
    9: 'too many options in extension header',
    10: 'option too big',
  }),
  'icmpv6.router_advertisement.flags': with_preference(ROUTER),
  'icmpv6.neighbor_advertisement.flags': bits({ router: 0x80, solicited: 0x40, override: 0x20 }),
  'icmpv6.router_renumbering.code': one_of({ 0: 'command', 1: 'result', 255: 'sequence number reset' }),
  'icmpv6.router_renumbering.flags': bits({
    test: 0x80,
    'result wanted': 0x40,
    'all interfaces': 0x20,
    'one site': 0x10,
    'processed before': 0x08,
  }),
  'icmpv6.node_information_query.code': one_of({ 0: 'IPv6 address', 1: 'name', 2: 'IPv4 address' }),
  'icmpv6.node_information_reply.code': one_of({ 0: 'success', 1: 'refused', 2: 'unknown qtype' }),
  ...Object.fromEntries(
    ['query', 'reply'].map((kind) => [
      `icmpv6.node_information_${kind}.qtype`,
      one_of({ 0: 'nothing', 2: 'names', 3: 'IPv6 addresses', 4: 'IPv4 addresses' }),
    ]),
  ),
  'icmpv6.mobile_prefix_advertisement.flags': bits({ managed: 0x8000, 'other configuration': 0x4000 }),
  'icmpv6.rpl_control.code': one_of({
    0: 'information solicitation',
    1: 'information object',
    2: 'destination advertisement',
    3: 'destination advertisement acknowledgement',
    128: 'secure information solicitation',
    129: 'secure information object',
    130: 'secure destination advertisement',
    131: 'secure destination advertisement acknowledgement',
    138: 'consistency check',
  }),
  'icmpv6.extended_echo_reply.code': probed.code,
  'icmpv6.extended_echo_reply.state': probed.state,
  'icmpv6.interface_address.family': FAMILIES,
  'icmpv6.prefix_information.flags': bits({ 'on-link': 0x80, autonomous: 0x40, 'router address': 0x20 }),
  'icmpv6.route_information.flags': with_preference({}),
  'icmpv6.records.type': records,
  'igmp.records.type': records,
  'sctp.data.flags': bits({ immediate: 8, unordered: 4, begin: 2, end: 1 }),
  'sctp.i_data.flags': bits({ immediate: 8, unordered: 4, begin: 2, end: 1 }),
  'sctp.data.protocol': one_of({
    1: 'IUA',
    2: 'M2UA',
    3: 'M3UA',
    4: 'SUA',
    5: 'M2PA',
    18: 'S1AP',
    27: 'X2AP',
    46: 'Diameter',
    47: 'Diameter in DTLS',
    50: 'WebRTC control',
    51: 'WebRTC text',
    53: 'WebRTC bytes',
    60: 'NGAP',
  }),
  'sctp.abort.flags': bits({ 'no association': 1 }),
  'sctp.shutdown_complete.flags': bits({ 'no association': 1 }),
  'vrrp.type': one_of({ 1: 'advertisement' }),
  'vrrp.auth_type': one_of({ 0: 'none', 1: 'simple text', 2: 'AH' }),
  'mpls.label': one_of({
    0: 'IPv4 explicit null',
    1: 'router alert',
    2: 'IPv6 explicit null',
    3: 'implicit null',
    7: 'entropy label indicator',
    13: 'generic associated channel',
  }),
};
