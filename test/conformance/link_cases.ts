// Packets of the protocols near the link: our layers, and the expression that makes the same packet of scapy.
import * as packet from 'bsd-sockets/packet';

const { ethernet, ipv4, lcp, llc, lldp, ppp, pppoed, pppoes, sctp, snap, stp, udp, vrrp, wlan } = packet;
const macs = { src: '02:00:00:00:00:01', dst: '02:00:00:00:00:02' };
const hosts = { src: '192.0.2.1', dst: '224.0.0.22' };
const stations = { address1: macs.dst, address2: macs.src, address3: macs.src };

export const IMPORTS = `
from scapy.layers.l2 import Dot3, LLC, SNAP, STP
from scapy.contrib.lldp import *
from scapy.contrib.cdp import *
from scapy.layers.ppp import *
from scapy.layers.sctp import *
from scapy.layers.vrrp import VRRP, VRRPv3
from scapy.layers.dot11 import *
from scapy.layers.can import CAN
`;

export const link_cases: readonly [string, readonly packet.Draft[], string][] = [
  [
    'STP',
    [
      ethernet(macs),
      llc(),
      stp({
        flags: 1,
        root_priority: 0x8001,
        root_mac: macs.src,
        root_path_cost: 4,
        bridge_priority: 0x9000,
        bridge_mac: macs.dst,
        port: 0x8002,
        message_age: 1,
      }),
    ],
    'Dot3(**MACS) / LLC(dsap=0x42, ssap=0x42, ctrl=3) / STP(bpduflags=1, rootid=0x8001, rootmac=MACS["src"], pathcost=4, bridgeid=0x9000, bridgemac=MACS["dst"], portid=0x8002, age=1)',
  ],
  [
    'SNAP',
    [ethernet(macs), llc(), snap(), ipv4(hosts), udp()],
    'Dot3(**MACS) / LLC(dsap=0xaa, ssap=0xaa, ctrl=3) / SNAP(OUI=0, code=0x800) / IP(**HOSTS, id=0) / UDP(sport=0, dport=0)',
  ],
  [
    'LLDP',
    [
      ethernet({ src: macs.src, dst: '01:80:c2:00:00:0e' }),
      lldp({
        tlvs: [
          { name: 'chassis_id', id: macs.src },
          { name: 'port_id', subtype: 5, id: 'eth0' },
          { name: 'ttl', ttl: 20 },
          { name: 'system_name', text: 'a switch with a long name' },
          { name: 'end' },
        ],
      }),
    ],
    'Ether(src=MACS["src"], dst="01:80:c2:00:00:0e", type=0x88cc) / LLDPDUChassisID(subtype=4, id=MACS["src"]) / LLDPDUPortID(subtype=5, id=b"eth0") / LLDPDUTimeToLive(ttl=20) / LLDPDUSystemName(system_name=b"a switch with a long name") / LLDPDUEndOfLLDPDU()',
  ],
  [
    'PPPoE discovery',
    [
      ethernet(macs),
      pppoed({
        tags: [
          { name: 'service_name', text: 'x' },
          { name: 'host_uniq', data: Buffer.from('id') },
        ],
      }),
    ],
    'Ether(**MACS, type=0x8863) / PPPoED(code=9) / PPPoETag(tag_type=0x101, tag_value=b"x") / PPPoETag(tag_type=0x103, tag_value=b"id")',
  ],
  [
    'PPPoE session',
    [ethernet(macs), pppoes({ session_id: 7 }), ppp({ compressed: true }), ipv4(hosts), udp()],
    'Ether(**MACS, type=0x8864) / PPPoE(sessionid=7) / PPP(proto=0x21) / IP(**HOSTS, id=0) / UDP(sport=0, dport=0)',
  ],
  [
    'LCP',
    [
      ethernet(macs),
      pppoes({ session_id: 7 }),
      ppp(),
      lcp({
        id: 3,
        options: [
          { name: 'mru', mru: 1492 },
          { name: 'magic_number', magic_number: 99 },
        ],
      }),
    ],
    'Ether(**MACS, type=0x8864) / PPPoE(sessionid=7) / PPP(proto=0xc021) / PPP_LCP_Configure(code=1, id=3, options=[PPP_LCP_MRU_Option(max_recv_unit=1492), PPP_LCP_Magic_Number_Option(magic_number=99)])',
  ],
  [
    'PAP',
    [ethernet(macs), pppoes(), ppp(), packet.pap({ id: 1, peer_id: 'me', password: 'secret' })],
    'Ether(**MACS, type=0x8864) / PPPoE(sessionid=0) / PPP(proto=0xc023) / PPP_PAP_Request(id=1, username=b"me", password=b"secret")',
  ],
  [
    'CHAP',
    [ethernet(macs), pppoes(), ppp(), packet.chap({ id: 1, value: Buffer.from('0123'), sender: 'me' })],
    'Ether(**MACS, type=0x8864) / PPPoE(sessionid=0) / PPP(proto=0xc223) / PPP_CHAP_ChallengeResponse(code=1, id=1, value=b"0123", optional_name=b"me")',
  ],
  [
    'SCTP',
    [
      ipv4({ ...hosts, ttl: 1 }),
      sctp({
        src_port: 5000,
        dst_port: 6000,
        verification_tag: 7,
        chunks: [
          {
            name: 'data',
            flags: 3,
            tsn: 9,
            stream: 1,
            stream_seq: 2,
            protocol: 3,
            payload: Buffer.from('hello'),
          },
          { name: 'sack', cumulative_tsn: 5, window: 1000, gaps: [[2, 3]], duplicates: [4] },
        ],
      }),
    ],
    'V4 / SCTP(sport=5000, dport=6000, tag=7) / SCTPChunkData(beginning=1, ending=1, tsn=9, stream_id=1, stream_seq=2, proto_id=3, data=b"hello") / SCTPChunkSACK(cumul_tsn_ack=5, a_rwnd=1000, gap_ack_list=["2:3"], dup_tsn_list=[4])',
  ],
  [
    'SCTP, begin of an association',
    [
      ipv4({ ...hosts, ttl: 1 }),
      sctp({
        chunks: [
          {
            name: 'init',
            initiate_tag: 9,
            window: 1000,
            outbound_streams: 2,
            inbound_streams: 3,
            tsn: 4,
            parameters: [
              { name: 'ipv4_address', address: '192.0.2.7' },
              { name: 'supported_address_types', types: [5, 6] },
            ],
          },
        ],
      }),
    ],
    'V4 / SCTP(sport=0, dport=0) / SCTPChunkInit(init_tag=9, a_rwnd=1000, n_out_streams=2, n_in_streams=3, init_tsn=4, params=[SCTPChunkParamIPv4Addr(addr="192.0.2.7"), SCTPChunkParamSupportedAddrTypes(addr_type_list=[5, 6])])',
  ],
  [
    'VRRP of version 2',
    [
      ipv4({ ...hosts, ttl: 1 }),
      vrrp({ version: 2, router_id: 5, priority: 200, addresses: ['192.0.2.7', '192.0.2.8'] }),
    ],
    'V4 / VRRP(vrid=5, priority=200, addrlist=SOURCES)',
  ],
  [
    'VRRP of version 3',
    [
      ipv4({ ...hosts, ttl: 1 }),
      vrrp({ router_id: 5, interval: 300, addresses: ['192.0.2.7', '192.0.2.8'] }),
    ],
    'V4 / VRRPv3(version=3, vrid=5, priority=100, adv=300, addrlist=SOURCES)',
  ],
  [
    '802.11, a beacon',
    [
      wlan({
        type: wlan.MANAGEMENT,
        subtype: wlan.BEACON,
        ...stations,
        timestamp: 5n,
        capabilities: 0x0001,
        sequence_control: 0x10,
        elements: [
          { name: 'ssid', text: 'here' },
          { name: 'supported_rates', rates: [0x82, 0x84] },
          { name: 'ds_parameters', channel: 6 },
        ],
      }),
    ],
    'Dot11(type=0, subtype=8, addr1=MACS["dst"], addr2=MACS["src"], addr3=MACS["src"], SC=0x10) / Dot11Beacon(timestamp=5, beacon_interval=100, cap=0x100) / Dot11Elt(ID=0, info=b"here") / Dot11EltRates(rates=[0x82, 0x84]) / Dot11EltDSSSet(channel=6)',
  ],
  [
    '802.11, data',
    [wlan({ flags: wlan.TO_DS, ...stations }), llc(), snap(), ipv4(hosts), udp()],
    'Dot11(type=2, subtype=0, FCfield=1, addr1=MACS["dst"], addr2=MACS["src"], addr3=MACS["src"]) / LLC(dsap=0xaa, ssap=0xaa, ctrl=3) / SNAP(OUI=0, code=0x800) / IP(**HOSTS, id=0) / UDP(sport=0, dport=0)',
  ],
  [
    'CDP',
    [
      ethernet({ src: macs.src, dst: '01:00:0c:cc:cc:cc' }),
      llc(),
      snap(),
      packet.cdp({
        tlvs: [
          { name: 'device_id', text: 'sw1' },
          { name: 'port_id', text: 'eth0' },
          { name: 'capabilities', capabilities: 0x28 },
        ],
      }),
    ],
    'Dot3(src=MACS["src"], dst="01:00:0c:cc:cc:cc") / LLC(dsap=0xaa, ssap=0xaa, ctrl=3) / SNAP(OUI=0xc, code=0x2000) / CDPv2_HDR(msg=[CDPMsgDeviceID(val=b"sw1"), CDPMsgPortID(iface=b"eth0"), CDPMsgCapabilities(cap=0x28)])',
  ],
  [
    'IPCP',
    [
      ethernet(macs),
      pppoes({ session_id: 7 }),
      ppp(),
      packet.ipcp({
        id: 3,
        options: [
          { name: 'address', address: '192.0.2.9' },
          { name: 'primary_dns', address: '192.0.2.53' },
        ],
      }),
    ],
    'Ether(**MACS, type=0x8864) / PPPoE(sessionid=7) / PPP(proto=0x8021) / PPP_IPCP(code=1, id=3, options=[PPP_IPCP_Option_IPAddress(data="192.0.2.9"), PPP_IPCP_Option_DNS1(data="192.0.2.53")])',
  ],
  [
    'radiotap',
    [
      packet.radiotap({ flags: 2, channel_frequency: 2412, channel_flags: 0xa0, signal: -50 }),
      wlan({ type: 1, subtype: 13, address1: macs.dst }),
    ],
    'RadioTap(present="Flags+Channel+dBm_AntSignal", Flags=2, ChannelFrequency=2412, ChannelFlags=0xa0, dBm_AntSignal=-50) / Dot11(type=1, subtype=13, addr1=MACS["dst"])',
  ],
  ['CAN', [packet.can({ id: 0x123 }), packet.payload('abc')], 'CAN(identifier=0x123, length=3, data=b"abc")'],
];
