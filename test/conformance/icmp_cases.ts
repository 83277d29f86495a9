// Messages of ICMP and ICMPv6 that scapy knows, and UDP-Lite, whose header scapy has as UDP's: our layers, and the expression that makes
// the same packet of scapy.
import * as packet from 'bsd-sockets/packet';

const { icmp, icmpv6, ipv4, ipv6, payload, udplite } = packet;
const hosts = { src: '192.0.2.1', dst: '224.0.0.22' };
const v4 = ipv4({ ...hosts, ttl: 1 });
const v6 = ipv6({ src: 'fe80::1', dst: 'fe80::2' });
const V6 = 'IPv6(src="fe80::1", dst="fe80::2", hlim=64)';
const nonce = Buffer.from('0102030405060708', 'hex');

export const ICMP_IMPORTS = `
from scapy.layers.inet6 import *
from scapy.contrib.icmp_extensions import ICMPExtensionHeader, ICMPExtensionObject
from scapy.utils import checksum
# scapy's ICMP has no fields for an extended echo, and its checksum of the extensions leaves out the objects.
def probe(object):
    object = bytes(object)
    sum = checksum(bytes(ICMPExtensionHeader(chksum=0)) + object)
    message = bytes(ICMP(type=42, chksum=0))[:4] + bytes.fromhex("12340501") + bytes(ICMPExtensionHeader(chksum=sum) / Raw(object))
    return IP(**HOSTS, id=0, ttl=1, proto=1) / Raw(message[:2] + checksum(message).to_bytes(2, "big") + message[4:])
def lite(src, dst, proto, header, data):
    covered = int.from_bytes(header[4:6], "big") or 8 + len(data)
    pseudo = inet_aton(src) + inet_aton(dst) + bytes([0, proto]) + (8 + len(data)).to_bytes(2, "big")
    return header[:6] + checksum(pseudo + (header + data)[:covered]).to_bytes(2, "big") + data
`;

export const icmp_cases: readonly [string, readonly packet.Draft[], string][] = [
  [
    'extended echo, by index',
    [
      v4,
      icmp.extended_echo({
        id: 0x1234,
        seq: 5,
        extensions: [{ name: 'interface_index', interface_index: 7 }],
      }),
    ],
    'probe(ICMPExtensionObject(classnum=3, classtype=2) / Raw(bytes([0, 0, 0, 7])))',
  ],
  [
    'extended echo, by name',
    [
      v4,
      icmp.extended_echo({
        id: 0x1234,
        seq: 5,
        extensions: [{ name: 'interface_name', interface_name: 'eth0.7' }],
      }),
    ],
    "probe(ICMPExtensionObject(classnum=3, classtype=1) / Raw(b'eth0.7' + bytes(2)))",
  ],
  [
    'information request',
    [v4, icmp.information_request({ id: 1, seq: 2 })],
    'V4 / ICMP(type=15, id=1, seq=2)',
  ],
  [
    'node information query of a name',
    [
      v6,
      icmpv6.node_information_query({ code: 1, qtype: 2, nonce }),
      payload(Buffer.from('\x03foo\0\0', 'latin1')),
    ],
    `${V6} / ICMPv6NIQueryName(code=1, nonce=bytes.fromhex("0102030405060708"), data=b"foo")`,
  ],
  [
    'inverse neighbour solicitation',
    [
      v6,
      icmpv6.inverse_neighbor_solicitation({
        options: [
          { name: 'source_link_layer', address: '02:00:00:00:00:01' },
          { name: 'target_link_layer', address: '02:00:00:00:00:02' },
        ],
      }),
    ],
    `${V6} / ICMPv6ND_INDSol() / ICMPv6NDOptSrcLLAddr(lladdr="02:00:00:00:00:01") / ICMPv6NDOptDstLLAddr(lladdr="02:00:00:00:00:02")`,
  ],
  [
    'home agent discovery request',
    [v6, icmpv6.home_agent_discovery_request({ id: 7 })],
    `${V6} / ICMPv6HAADRequest(id=7, R=0)`,
  ],
  [
    'mobile prefix solicitation',
    [v6, icmpv6.mobile_prefix_solicitation({ id: 7 })],
    `${V6} / ICMPv6MPSol(id=7)`,
  ],
  [
    'mobile prefix advertisement',
    [v6, icmpv6.mobile_prefix_advertisement({ id: 7, flags: 0xc000 })],
    `${V6} / ICMPv6MPAdv(id=7, flags=3)`,
  ],
  [
    'multicast router advertisement',
    [v6, icmpv6.multicast_router_advertisement({ code: 20, query_interval: 125, robustness: 2 })],
    `${V6} / ICMPv6MRD_Advertisement(advinter=20, queryint=125, robustness=2)`,
  ],
  [
    'multicast router solicitation',
    [v6, icmpv6.multicast_router_solicitation()],
    `${V6} / ICMPv6MRD_Solicitation()`,
  ],
  [
    'multicast router termination',
    [v6, icmpv6.multicast_router_termination()],
    `${V6} / ICMPv6MRD_Termination()`,
  ],
  ...[0, 8, 10].map((coverage): [string, packet.Draft[], string] => [
    `UDP-Lite, coverage ${coverage}`,
    [v4, udplite({ src_port: 9, dst_port: 10, coverage }), payload('hello')],
    `IP(**HOSTS, id=0, ttl=1, proto=136) / Raw(lite(HOSTS["src"], HOSTS["dst"], 136, bytes(UDP(sport=9, dport=10, len=${coverage}, chksum=0)), b"hello"))`,
  ]),
];
