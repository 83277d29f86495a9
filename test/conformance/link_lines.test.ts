// The lines of sniff beside those of tcpdump, for the protocols near the link.
import { describe, expect, test } from 'vitest';
import * as packet from '../../lib/packet/index.js';
import { lines_of, tcpdump_missing } from './tcpdump_lines.js';

const { build, ethernet, ipv4, ipv6, lcp, llc, lldp, payload, ppp, pppoed, pppoes } = packet;
const { radiotap, sctp, snap, stp, udp, vrrp, wlan } = packet;
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const hex = (text: string): Buffer => Buffer.from(text, 'hex');

const macs = { src: '00:00:00:00:00:01', dst: '00:00:00:00:00:02' };
const hosts = { src: '192.0.2.1', dst: '192.0.2.2' };
const stations = {
  address1: '00:00:00:00:00:01',
  address2: '00:00:00:00:00:02',
  address3: '00:00:00:00:00:03',
};
const frame = (...layers: packet.Draft[]): Buffer => build(ethernet(macs), ...layers);
/** A frame as it is on the wire, of at least 60 bytes. */
const padded = (...layers: packet.Draft[]): Buffer => {
  const bytes = frame(...layers);
  return Buffer.concat([bytes, Buffer.alloc(Math.max(0, 60 - bytes.length))]);
};
const session = (...layers: packet.Draft[]) => padded(pppoes({ session_id: 7 }), ...layers);
const manages = (subtype: number, fields: packet.WlanFields = {}, ...more: packet.Draft[]) =>
  build(wlan({ type: wlan.MANAGEMENT, subtype, ...stations, ...fields }), ...more);
const elements: packet.WlanElementFields[] = [
  { name: 'ssid', text: 'net\x01é' },
  { name: 'supported_rates', rates: [0x82, 4, 11, 22] },
  { name: 'ds_parameters', channel: 6 },
];
const ack = wlan({ type: wlan.CONTROL, subtype: 13, address1: stations.address1 });

/** A parameter or a cause, behind a number in two of these chunks. */
const ITEM = hex('0001000811112222');
const DATA_OF: Readonly<Record<number, Buffer>> = {
  ...Object.fromEntries([4, 5, 6, 9, 0x82].map((type) => [type, ITEM])),
  ...Object.fromEntries([0x80, 0xc1].map((type) => [type, Buffer.concat([hex('00000007'), ITEM])])),
};

const groups: [string, number, Buffer[]][] = [
  [
    'LLC',
    packet.LINKTYPE_ETHERNET,
    [
      ...[0x00, 0x02, 0x04, 0x06, 0x08, 0x0e, 0x42, 0x4e, 0x7e, 0x8e, 0xaa].flatMap((sap) =>
        [0, 1, 2].map((more) =>
          frame(llc({ dsap: sap ^ (more & 1), ssap: 4 + (more >> 1) }), payload('abcd')),
        ),
      ),
      ...numbers(64).map((i) =>
        frame(llc({ dsap: 4, ssap: 4 + (i & 1), control: 3 + 4 * i }), payload(hex('82'))),
      ),
      ...[0x01, 0x105, 0x1309, 0x0d, 0x00, 0x1302, 0x0355].map((control) =>
        frame(llc({ dsap: 4, ssap: 5, control }), payload('abcd')),
      ),
      ...['', '81', '8101', '810102', '81010203'].map((data) =>
        frame(llc({ dsap: 4, ssap: 4, control: 0xaf }), payload(hex(data))),
      ),
      ...(
        [
          [0, 0x9999],
          [0, 0x1234],
          [12, 0x2004 - 1000],
          [0x80c2, 3 + 97],
          [0x1018, 2],
          [0x123456, 7],
        ] as const
      ).map(([oui, protocol]) => frame(llc(), snap({ oui, protocol }), payload('abcdefghijklmnop'))),
      frame(llc(), snap(), ipv4(hosts), udp()),
      frame(llc(), snap(), ipv6(), udp()),
      frame(llc(), snap(), packet.arp()),
      frame(llc(), ipv4(hosts), udp()),
    ],
  ],
  [
    'LLC that breaks off',
    packet.LINKTYPE_ETHERNET,
    [
      ...['', '04', '0404', '040401', 'aaaa03'].map((data) =>
        Buffer.concat([frame().subarray(0, 12), hex(`000${data.length / 2}${data}`)]),
      ),
    ],
  ],
  [
    'STP',
    packet.LINKTYPE_ETHERNET,
    [
      padded(llc(), stp({ type: stp.TOPOLOGY_CHANGE })),
      padded(llc(), stp({ flags: 0x81, root_mac: macs.src, bridge_mac: macs.dst, bridge_priority: 0x8001 })),
      ...[0x02, 0x3c, 0x7c, 0xff].map((flags) => frame(llc(), stp({ flags, version: 2 }))),
      ...[0, 2, 3].flatMap((version) => [0, 2, 7].map((type) => frame(llc(), stp({ version, type })))),
      frame(llc(), stp({ version: 5 })),
      frame(llc(), stp({ protocol_id: 1 })),
      frame(llc(), stp({ flags: 0x3e, mst: { region: 'here', instances: [{}] } })),
      frame(llc(), snap({ oui: 12, protocol: 0x010b }), stp()),
    ],
  ],
  [
    'LLDP',
    packet.LINKTYPE_ETHERNET,
    [
      padded(lldp({ tlvs: [{ name: 'chassis_id', id: macs.src }, { name: 'end' }] })),
      padded(lldp({ tlvs: [{ name: 'system_name', text: 'hé\x01y' }, { name: 'end' }] })),
      frame(lldp({ tlvs: [{ name: 'system_description', text: 'x'.repeat(80) }, { name: 'end' }] })),
    ],
  ],
  [
    'PPPoE',
    packet.LINKTYPE_ETHERNET,
    [
      ...[0x07, 0x09, 0x19, 0x65, 0xa7, 0x22].map((code) => frame(pppoed({ code }))),
      padded(pppoed({ code: pppoed.PADT, session_id: 0x1a, tags: [{ name: 'service_name', text: 'x' }] })),
      padded(
        pppoed({
          tags: [
            { name: 'service_name' },
            { name: 'host_uniq', data: Buffer.alloc(30, 7) },
            { name: 'access_concentrator', text: 'ac' },
            { name: 'maximum_payload', size: 1492 },
            { name: 'generic_error', text: 'x'.repeat(100) },
            { type: 0x999, data: Buffer.from('a') },
            { name: 'end_of_list' },
          ],
        }),
      ),
      session(ppp(), ipv4(hosts), udp()),
      session(ppp({ compressed: true }), ipv4(hosts), udp()),
      session(ppp(), lcp({ code: 9, magic_number: 5 })),
      session(ppp({ protocol: 0x1234 }), payload('abcdefghijklmnopqrst')),
    ],
  ],
  [
    'PPP',
    packet.LINKTYPE_PPP,
    [
      ...numbers(16).map((code) => build(ppp(), lcp({ code, id: code }))),
      build(ppp(), packet.ipcp({ options: [{ name: 'address', address: '192.0.2.1' }] })),
      build(ppp(), packet.ipv6cp({ code: 2 })),
      build(ppp(), packet.pap({ peer_id: 'me', password: 'secret' })),
      ...[2, 3].map((code) => build(ppp(), packet.pap({ code, message: 'a\x01' }))),
      ...[1, 2].map((code) => build(ppp(), packet.chap({ code, value: hex('01c8'), sender: 'me' }))),
      ...[3, 4].map((code) => build(ppp(), packet.chap({ code, message: 'yes' }))),
      build(ppp(), ipv4(hosts), udp()),
      build(ppp(), ipv6(), udp()),
      build(ppp({ protocol: 0x1234 }), payload('abc')),
    ],
  ],
  [
    'SCTP',
    packet.LINKTYPE_RAW,
    [
      ...[4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 64, 0x80, 0x82, 0xc0, 0xc1, 0x33].map((type) =>
        build(
          ipv4(hosts),
          sctp({ src_port: 5000, chunks: [{ type, data: DATA_OF[type] ?? Buffer.alloc(20) }] }),
        ),
      ),
      build(ipv4(hosts), sctp()),
      ...numbers(8).map((flags) =>
        build(
          ipv4(hosts),
          sctp({ chunks: [{ name: 'data', flags, tsn: 7, stream: 3, protocol: 0x99, payload: hex('01') }] }),
        ),
      ),
      build(ipv4(hosts), sctp({ chunks: [{ name: 'init', initiate_tag: 9 }] })),
      build(
        ipv6(),
        sctp({
          chunks: [
            {
              name: 'sack',
              cumulative_tsn: 0xffffffff,
              gaps: [
                [2, 3],
                [5, 6],
              ],
              duplicates: [1],
            },
            { name: 'cookie_ack' },
          ],
        }),
      ),
    ],
  ],
  [
    'VRRP',
    packet.LINKTYPE_RAW,
    [
      ...[2, 3].flatMap((version) => [
        build(ipv4({ ...hosts, ttl: 255 }), vrrp({ version, router_id: 5, addresses: ['192.0.2.9'] })),
        build(ipv4({ ...hosts, ttl: 64 }), vrrp({ version, type: 2 })),
        build(ipv4(hosts), vrrp({ version, priority: 0 })),
        build(ipv6({ hop_limit: 255 }), vrrp({ version, addresses: ['fe80::1'] })),
      ]),
      ...[1, 2, 3].map((auth_type) => build(ipv4({ ...hosts, ttl: 255 }), vrrp({ version: 2, auth_type }))),
    ],
  ],
  [
    '802.11',
    packet.LINKTYPE_IEEE802_11,
    [
      manages(wlan.BEACON, { capabilities: 0x11, elements }),
      manages(wlan.BEACON, { capabilities: 2, elements: [] }),
      manages(wlan.PROBE_RESPONSE, { capabilities: 1, elements }),
      ...[elements, [{ name: 'ssid', text: '' } as const], []].map((list) =>
        manages(wlan.PROBE_REQUEST, { elements: list }),
      ),
      manages(wlan.ASSOCIATION_REQUEST, { capabilities: 1, elements }),
      manages(wlan.REASSOCIATION_REQUEST, { elements, current_ap: macs.src }),
      manages(wlan.REASSOCIATION_RESPONSE, { status: 1, association_id: 5, capabilities: 0x10 }),
      manages(wlan.ATIM),
      manages(wlan.DISASSOCIATION, { reason: 5 }),
      ...[0, 1, 2, 3, 9].flatMap((algorithm) =>
        [1, 2, 3, 4].map((transaction) =>
          manages(wlan.AUTHENTICATION, { algorithm, transaction, status: 15 }),
        ),
      ),
      manages(wlan.AUTHENTICATION, { flags: wlan.PROTECTED }, payload(hex('01020380aabbccdd'))),
      ...['0300', '0301', '0302', '0004', '0504', '7f04', '8204'].map((action) =>
        manages(13, {}, payload(hex(`${action}0102`))),
      ),
      ...[6, 7, 14, 15].map((subtype) => manages(subtype)),
      ...numbers(16)
        .filter((subtype) => subtype !== 10)
        .map((subtype) =>
          build(wlan({ type: wlan.CONTROL, subtype, address1: macs.src }), payload(Buffer.alloc(20))),
        ),
      ...numbers(16).map((subtype) => build(wlan({ subtype, ...stations }), llc(), stp())),
      build(wlan({ flags: wlan.PROTECTED, ...stations }), payload(hex('01020380aabbccdd'))),
      build(wlan({ type: 3, subtype: 1, address1: macs.src }), payload(Buffer.alloc(20))),
      build(wlan(stations), llc(), snap(), packet.arp()),
      ...numbers(70).map((reason) => manages(wlan.DEAUTHENTICATION, { reason })),
      ...numbers(70).map((status) => manages(wlan.ASSOCIATION_RESPONSE, { status, association_id: 0xc001 })),
    ],
  ],
  [
    'radiotap',
    packet.LINKTYPE_IEEE802_11_RADIOTAP,
    [
      ...[0, 1, 2, 4, 8, 0x40, 0x80, 0x4f].map((flags) => build(radiotap({ flags }), ack)),
      Buffer.concat([build(radiotap({ flags: radiotap.FCS }), ack), Buffer.alloc(4)]),
      ...[1, 2, 0x0b, 0x6c, 0x80, 0x8f, 0x90, 0xff].map((rate) => build(radiotap({ rate }), ack)),
      ...[0xa0, 0xc0, 0x480, 0x140, 0x4140, 0x8140, 0x40c0, 0x880, 0x10, 0x150, 0].map((channel_flags) =>
        build(radiotap({ channel_frequency: 2437, channel_flags }), ack),
      ),
      build(
        radiotap({
          tsft: 5n,
          signal: -50,
          noise: -90,
          lock_quality: 3,
          transmit_power: -6,
          antenna: 1,
          signal_db: 2,
          noise_db: 3,
          receive_flags: 2,
        }),
        ack,
      ),
      build(radiotap({ hop: 0x0102, attenuation: 4 }), ack),
      build(radiotap({ rate: 2 }), wlan(stations), llc(), snap(), ipv4(hosts), udp()),
    ],
  ],
];

/** Where docs/command.md says what differs with options: the addresses that -e tells of Wi-Fi, a header that breaks off. */
const OPTIONS = [[], ['-e'], ['-x'], ['-q'], ['-v'], ['-vv'], ['-vvv', '-e']];
const PLAIN = ['LLC that breaks off', '802.11', 'radiotap'];

describe.for(OPTIONS)('lines as tcpdump writes them: %s', { timeout: 30_000 }, (options) => {
  const here = options.length === 0 ? groups : groups.filter(([name]) => !PLAIN.includes(name));
  test.for(here)('%s', ([, linktype, packets], context) => {
    const missing = tcpdump_missing();
    if (missing !== undefined) return context.skip(missing);
    const { ours, theirs } = lines_of(linktype, packets, options);
    expect(ours).toEqual(theirs);
    return undefined;
  });
});
