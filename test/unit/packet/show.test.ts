// show: the words behind numbers that mean something, in layers and in the items of their lists.
import * as packet from 'bsd-sockets/packet';
import { describe, expect, test } from 'vitest';
import { INTERNET } from '../../../lib/packet/meanings/internet.js';
import { LINK } from '../../../lib/packet/meanings/link.js';
import { SERVICE } from '../../../lib/packet/meanings/service.js';
import { WIRELESS } from '../../../lib/packet/meanings/wireless.js';
import '../../../lib/packet/protocols.js';
import { protocol_of_name } from '../../../lib/packet/registry.js';

const { arp, cdp, chap, dhcp, dhcpv6, dns, ethernet, geneve, gre, icmp, icmpv6, igmp, ipv4, ipv6 } = packet;
const { lcp, llc, lldp, mpls, netlink, nflog, ntp, ntp_control, pap, ppp, pppoed, radiotap, sctp } = packet;
const { show, snap, stp, tcp, udp, vrrp, vxlan, wlan } = packet;
const v4 = ipv4({ src: '192.0.2.1', dst: '192.0.2.2' });

/** A link type, layers, and lines of their text without the spaces of the layout. */
const cases: readonly (readonly [string, number, readonly packet.Draft[], readonly string[]])[] = [
  ['arp', 1, [ethernet(), arp()], ['hardware_type 1 (Ethernet)', 'operation 1 (request)']],
  ['ipv4', 101, [ipv4({ tos: 0xb9, protocol: 89 })], ['tos 185 (EF, ECT(1))', 'protocol 89 (ospf)']],
  ['ipv4 of another class', 101, [ipv4({ tos: 0x28 })], ['tos 40 (AF11)']],
  ['ipv4 of an old precedence', 101, [ipv4({ tos: 0xc3 })], ['tos 195 (CS6, CE)']],
  [
    'ipv6',
    101,
    [ipv6({ extensions: [{ name: 'routing', routing_type: 4 }] }), udp()],
    ['next_header 43 (routing)', 'routing_type 4 (segment routing)', 'next_header 17 (udp)'],
  ],
  ['tcp', 101, [v4, tcp({ flags: tcp.SYN | tcp.ACK })], ['flags 0x12 (SYN, ACK)']],
  ['gre', 101, [v4, gre({ key: 1 }), v4], ['flags 0x2000 (key)', 'protocol 0x0800 (ipv4)']],
  ['icmp', 101, [v4, icmp.destination_unreachable({ code: 3 })], ['code 3 (port unreachable)']],
  ['icmp, echo', 101, [v4, icmp.echo()], ['code 0']],
  ['icmpv6', 101, [ipv6(), icmpv6.destination_unreachable({ code: 3 })], ['code 3 (address unreachable)']],
  [
    'neighbour discovery',
    101,
    [ipv6(), icmpv6.neighbor_advertisement({ flags: 0x60 })],
    ['flags 0x60 (solicited, override)'],
  ],
  [
    'routers',
    101,
    [
      ipv6(),
      icmpv6.router_advertisement({
        flags: 0x88,
        options: [
          { name: 'prefix_information', prefix: '2001:db8::' },
          { name: 'route_information', prefix: '2001:db8::', flags: 0x18 },
        ],
      }),
    ],
    [
      'flags 0x88 (managed, high preference)',
      'flags 0xc0 (on-link, autonomous)',
      'flags 0x18 (low preference)',
    ],
  ],
  [
    'mld',
    101,
    [ipv6(), icmpv6.multicast_listener_report_v2({ records: [{ type: 3 }] })],
    ['type 3 (change to include)'],
  ],
  ['igmp', 101, [v4, igmp.report_v3({ records: [{ type: 1 }] })], ['type 1 (mode is include)']],
  [
    'extended echo',
    101,
    [v4, icmp.extended_echo({ extensions: [{ name: 'interface_address', address: '02:00:00:00:00:01' }] })],
    ['local true', 'family 16389 (48-bit MAC)', 'address 02:00:00:00:00:01'],
  ],
  [
    'node information',
    101,
    [ipv6(), icmpv6.node_information_query({ code: 1, qtype: 2 })],
    ['code 1 (name)', 'qtype 2 (names)'],
  ],
  [
    'sctp',
    101,
    [v4, sctp({ chunks: [{ name: 'data', flags: 3, protocol: 46 }] })],
    ['flags 0x3 (begin, end)', 'protocol 46 (Diameter)'],
  ],
  ['vrrp', 101, [v4, vrrp({ version: 2 })], ['type 1 (advertisement)', 'auth_type 0 (none)']],
  ['mpls', 1, [ethernet(), mpls({ label: 3 }), v4], ['label 3 (implicit null)']],
  [
    'dns',
    101,
    [
      v4,
      udp(),
      dns({
        flags: dns.QR | dns.AA,
        rcode: 3,
        questions: [{ name: 'a.example', type: 'MX' }],
        answers: [{ name: 'flags', type: 'DNSKEY', ttl: 1, flags: 257, algorithm: 13 }],
        additionals: [{ type: 'OPT', udp_payload_size: 1232, flags: 0x8000 }],
      }),
    ],
    [
      ...['flags 0x8400 (QR, AA)', 'opcode 0 (QUERY)', 'rcode 3 (NXDOMAIN)', 'a.example (MX)', 'class IN'],
      ...['flags 0x101 (zone, secure entry point)', 'algorithm 13 (ECDSAP256SHA256)', 'flags 0x8000 (DO)'],
    ],
  ],
  [
    'dhcp',
    101,
    [
      v4,
      udp(),
      dhcp({
        flags: dhcp.BROADCAST,
        options: [
          { name: 'message_type', value: dhcp.NAK },
          { name: 'parameter_request_list', types: [1, 42, 222] },
          { name: 'overload', value: 1 },
        ],
      }),
    ],
    [
      ...[
        'op 1 (BOOTREQUEST)',
        'htype 1 (Ethernet)',
        'flags 0x8000 (BROADCAST)',
        'value 6 (NAK)',
        'value 1 (file)',
      ],
      ...['types 1 (subnet_mask), 42 (ntp_servers), 222', 'pad (0), 128 times'],
    ],
  ],
  [
    'dhcpv6',
    101,
    [
      ipv6(),
      udp(),
      dhcpv6({
        type: dhcpv6.RELAY_FORWARD,
        options: [
          {
            name: 'relay_message',
            message: {
              type: dhcpv6.RENEW,
              options: [
                { name: 'option_request', types: [23] },
                { name: 'ia_na', iaid: 1, options: [{ name: 'status_code', code: 2 }] },
              ],
            },
          },
        ],
      }),
    ],
    ['type 12 (RELAY_FORWARD)', 'type 5 (RENEW)', 'types 23 (dns_servers)', 'code 2 (NoAddrsAvail)'],
  ],
  ['ntp', 101, [v4, udp(), ntp({ leap: 3, mode: 4 })], ['leap 3 (not synchronized)', 'mode 4 (server)']],
  [
    'ntp_control',
    101,
    [v4, udp(), ntp_control({ opcode: 2, flags: 0x80 })],
    ['flags 0x80 (RESPONSE)', 'opcode 2 (read variables)'],
  ],
  ['vxlan', 101, [v4, udp(), vxlan({ vni: 1 }), ethernet()], ['flags 0x800 (VNI)']],
  [
    'geneve',
    101,
    [v4, udp(), geneve({ flags: 0x80 }), ethernet()],
    ['flags 0x80 (CONTROL)', 'protocol 0x6558 (ethernet)'],
  ],
  [
    'stp',
    1,
    [ethernet(), llc(), stp({ version: 2, flags: 0x7c })],
    [
      ...['dsap 0x42 (STP)', 'control 0x03 (UI)', 'type 2 (rapid or multiple)', 'version 2 (RSTP)'],
      'flags 0x7c (learning, forwarding, agreement, designated port)',
    ],
  ],
  [
    'snap',
    1,
    [ethernet(), llc(), snap(), v4],
    ['dsap 0xaa (SNAP)', 'oui 0x000000 (ethertype)', 'protocol 0x0800 (ipv4)'],
  ],
  [
    'llc',
    1,
    [ethernet(), llc({ dsap: 0xf0, ssap: 0xf1, control: 0x7f })],
    ['ssap 0xf1 (NetBIOS)', 'control 0x7f (SABME)'],
  ],
  [
    'lldp',
    1,
    [
      ethernet(),
      lldp({
        tlvs: [
          { name: 'chassis_id', id: '02:00:00:00:00:01' },
          { name: 'port_id', subtype: 5, id: 'eth0' },
          { name: 'ttl', ttl: 9 },
          { name: 'capabilities', capabilities: 0x14, enabled: 4 },
          { name: 'end' },
        ],
      }),
    ],
    [
      'subtype 4 (MAC address)',
      'subtype 5 (interface name)',
      'capabilities 20 (bridge, router)',
      'enabled 4 (bridge)',
    ],
  ],
  [
    'cdp',
    1,
    [ethernet(), llc(), snap(), cdp({ tlvs: [{ name: 'capabilities', capabilities: 0x28 }] })],
    ['capabilities 40 (switch, IGMP)'],
  ],
  ['pppoed', 1, [ethernet(), pppoed({ code: pppoed.PADO })], ['code 7 (PADO)']],
  [
    'lcp',
    9,
    [ppp(), lcp({ options: [{ name: 'authentication_protocol', protocol: 0xc223 }] })],
    ['protocol 0xc021 (LCP)', 'code 1 (CONFIGURE_REQUEST)', 'protocol 49699 (CHAP)'],
  ],
  ['pap', 9, [ppp(), pap({ code: 3 })], ['code 3 (NAK)']],
  ['chap', 9, [ppp(), chap({ code: 2 })], ['code 2 (RESPONSE)']],
  [
    'wlan',
    127,
    [
      radiotap({ flags: 2, channel_frequency: 2412, channel_flags: 0xa0 }),
      wlan({ type: 0, subtype: 12, reason: 15 }),
    ],
    [
      ...['flags 0x2 (SHORT_PREAMBLE)', 'channel_flags 0x00a0 (CCK, 2 GHz)', 'type 0 (management)'],
      ...['subtype 12 (deauthentication)', 'reason 15 (timeout of the 4-way handshake)'],
    ],
  ],
  ['wlan, control', 105, [wlan({ type: 1, subtype: 13 })], ['type 1 (control)', 'subtype 13 (ack)']],
  [
    'nflog',
    239,
    [nflog({ family: 2, tlvs: [{ name: 'packet_header', hook: 1 }] }), v4],
    ['family 2 (IPv4)', 'hardware_protocol 2048 (ipv4)', 'hook 1 (input)'],
  ],
  [
    'netlink',
    253,
    [netlink({ family: 0, messages: [{ type: 24, flags: 0x605 }, { type: 3 }] })],
    [
      'family 0 (ROUTE)',
      'type 24 (RTM_NEWROUTE)',
      'flags 0x605 (REQUEST, ACK, EXCL, CREATE)',
      'type 3 (DONE)',
    ],
  ],
  [
    'netlink of another family',
    253,
    [netlink({ family: 16, messages: [{ type: 24 }] })],
    ['family 16 (GENERIC)', 'type 24'],
  ],
  [
    'can',
    227,
    [packet.can({ flags: 4, id: 0x123, fd_flags: 5 })],
    ['flags 0x4 (EXTENDED)', 'id 0x123', 'fd_flags 5 (BIT_RATE_SWITCH, FD)'],
  ],
  [
    'linux_sll',
    113,
    [packet.linux_sll({ packet_type: 4, arphrd_type: 772 }), v4],
    ['packet_type 4 (sent by this host)', 'arphrd_type 772 (loopback)'],
  ],
  ['loopback', 0, [packet.loopback(), v4], ['family 2 (IPv4)']],
];

describe('numbers have words', () => {
  test.each(cases)('%s', (_, linktype, layers, lines) => {
    const parsed = packet.parse(packet.build(...layers), { linktype });
    const text = show(parsed)
      .split('\n')
      .map((line) => line.trim().replaceAll(/ +/g, ' '));
    for (const line of lines) expect(text).toContain(line);
  });
});

test('each table names layers and fields that there are', () => {
  for (const place of Object.keys({ ...INTERNET, ...LINK, ...SERVICE, ...WIRELESS })) {
    const [layer = '', item = '', field = item] = place.split('.');
    const fields = protocol_of_name(layer)?.fields;
    expect([place, fields === undefined]).toEqual([place, false]);
    const names =
      fields &&
      (Array.isArray(fields) ? fields : Object.entries(fields).find(([name]) => name === item)?.[1]);
    if (names !== undefined && place.split('.').length === (Array.isArray(fields) ? 2 : 3))
      expect(names, place).toContain(field);
  }
});
