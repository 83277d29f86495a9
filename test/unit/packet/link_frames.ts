// A packet of each protocol near the link: its name, its link type, its layers.
import * as packet from 'bsd-sockets/packet';

const { ethernet, ipv4, llc, payload, ppp, snap, udp } = packet;
const ends = { src: '192.0.2.1', dst: '198.51.100.2' };

export const link_frames: [packet.LayerName, number, packet.Draft[]][] = [
  ['llc', 1, [ethernet(), llc({ dsap: 0xf0, ssap: 0xf0, control: 0x0301 }), payload('x')]],
  ['snap', 1, [ethernet(), llc(), snap(), ipv4(ends), udp()]],
  ['stp', 1, [ethernet(), llc(), packet.stp({ root_mac: '02:00:00:00:00:01', max_age: 6.5 })]],
  ['stp', 1, [ethernet(), llc(), packet.stp({ mst: { region: 'here', instances: [{ flags: 1 }, {}] } })]],
  ['cdp', 1, [ethernet(), llc(), snap(), packet.cdp({ tlvs: [{ name: 'device_id', text: 'switch' }] })]],
  [
    'lldp',
    1,
    [
      ethernet(),
      packet.lldp({
        tlvs: [
          { name: 'chassis_id', id: '02:00:00:00:00:01' },
          { name: 'system_name', text: 'x' },
          // Its values have a name that heads of other lists have.
          { name: 'protocol_vlan_id', flags: 2, vlan: 7 },
          { name: 'end' },
        ],
      }),
    ],
  ],
  [
    'pppoed',
    1,
    [ethernet(), packet.pppoed({ tags: [{ name: 'service_name', text: 'x' }, { name: 'cookie' }] })],
  ],
  ['pppoes', 1, [ethernet(), packet.pppoes({ session_id: 9 }), ppp(), ipv4(ends), udp()]],
  ['ppp', 9, [ppp({ compressed: true }), ipv4(ends)]],
  ['ppp', 50, [ppp({ address: 0x0f, control: 0 }), ipv4(ends)]],
  ['ppp', 51, [packet.pppoes(), ppp(), ipv4(ends)]],
  ['lcp', 9, [ppp(), packet.lcp({ options: [{ name: 'mru' }, { name: 'magic_number', magic_number: 7 }] })]],
  ['lcp', 9, [ppp(), packet.lcp({ code: packet.lcp.ECHO_REQUEST, magic_number: 7, data: Buffer.from('x') })]],
  ['ipcp', 9, [ppp(), packet.ipcp({ options: [{ name: 'address', address: '192.0.2.1' }] })]],
  [
    'ipv6cp',
    9,
    [ppp(), packet.ipv6cp({ options: [{ name: 'interface_id', interface_id: '02:00:00:00:00:00:00:01' }] })],
  ],
  ['pap', 9, [ppp(), packet.pap({ peer_id: 'me', password: 'secret' })]],
  ['pap', 9, [ppp(), packet.pap({ code: packet.pap.NAK, message: 'no' })]],
  ['chap', 9, [ppp(), packet.chap({ value: Buffer.from('0123'), sender: 'me' })]],
  ['chap', 9, [ppp(), packet.chap({ code: packet.chap.FAILURE, message: 'no' })]],
  [
    'sctp',
    101,
    [
      ipv4(ends),
      packet.sctp({
        chunks: [
          {
            name: 'init',
            parameters: [{ name: 'supported_extensions', chunks: [1, 2, 3] }, { name: 'ecn' }],
          },
          { name: 'sack', gaps: [[1, 2]], duplicates: [7] },
          { name: 'data', flags: 3, payload: Buffer.from('x') },
        ],
      }),
    ],
  ],
  ['vrrp', 101, [ipv4(ends), packet.vrrp({ addresses: ['192.0.2.9', '192.0.2.8'] })]],
  ['vrrp', 101, [ipv4(ends), packet.vrrp({ version: 2, addresses: ['192.0.2.9'] })]],
  ['nflog', 239, [packet.nflog({ tlvs: [{ name: 'prefix', text: 'logged' }] }), ipv4(ends), udp()]],
  ['netlink', 253, [packet.netlink({ messages: [{ type: 16, data: Buffer.from('abc') }, { type: 3 }] })]],
  ['can', 227, [packet.can({ id: 0x123 }), payload('x')]],
  [
    'radiotap',
    127,
    [
      packet.radiotap({ tsft: 5n, rate: 2, channel_frequency: 2412, signal: -50 }),
      packet.wlan({ type: 1, subtype: 13 }),
    ],
  ],
  [
    'wlan',
    105,
    [
      packet.wlan({
        type: packet.wlan.MANAGEMENT,
        subtype: packet.wlan.BEACON,
        elements: [{ name: 'ssid', text: 'here' }],
      }),
    ],
  ],
  [
    'wlan',
    105,
    [packet.wlan({ subtype: 8, flags: 3, address4: '02:00:00:00:00:01' }), llc(), snap(), ipv4(ends)],
  ],
];
