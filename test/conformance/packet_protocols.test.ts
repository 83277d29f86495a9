// Packets of ours beside scapy's: the same fields give the same bytes, for protocols that test/unit/packet/packet.test.ts has no bytes of.
import { spawnSync } from 'node:child_process';
import * as packet from 'bsd-sockets/packet';
import { expect, it } from 'vitest';
import { ICMP_IMPORTS, icmp_cases } from './icmp_cases.js';
import { IMPORTS, link_cases } from './link_cases.js';

const {
  arp,
  build,
  dhcp,
  dhcpv6,
  dns,
  esp,
  ethernet,
  geneve,
  igmp,
  ipv4,
  ipv6,
  mpls,
  ntp,
  parse,
  payload,
  udp,
} = packet;
const { vxlan } = packet;
const MACS = { src: '02:00:00:00:00:01', dst: '02:00:00:00:00:02' };
const HOSTS = { src: '192.0.2.1', dst: '224.0.0.22' };
const sources = ['192.0.2.7', '192.0.2.8'];

/** Our layers, and the expression that makes the same packet of scapy. */
const cases: readonly [string, readonly packet.Draft[], string][] = [
  [
    'MPLS, two labels',
    [
      ethernet(MACS),
      mpls({ label: 16, traffic_class: 5, ttl: 9 }),
      mpls({ label: 0xfffff }),
      ipv4(HOSTS),
      udp({ dst_port: 9 }),
    ],
    'ETHER / MPLS(label=16, cos=5, s=0, ttl=9) / MPLS(label=0xfffff, s=1, ttl=64) / IP(**HOSTS, id=0) / UDP(sport=0, dport=9)',
  ],
  [
    'IGMP report',
    [ipv4({ ...HOSTS, ttl: 1 }), igmp.report({ group: '239.1.2.3' })],
    'V4 / IGMP(type=0x16, mrcode=0, gaddr="239.1.2.3")',
  ],
  [
    'IGMP leave',
    [ipv4({ ...HOSTS, ttl: 1 }), igmp.leave({ group: '239.1.2.3' })],
    'V4 / IGMP(type=0x17, mrcode=0, gaddr="239.1.2.3")',
  ],
  [
    'IGMP query of version 3',
    [
      ipv4({ ...HOSTS, ttl: 1, tos: 0xc0 }),
      igmp.query({ code: 20, group: '239.1.2.3', version3: { flags: 10, interval_code: 60, sources } }),
    ],
    'V4 / IGMPv3(type=0x11, mrcode=20) / IGMPv3mq(gaddr="239.1.2.3", resv=0, s=1, qrv=2, qqic=60, srcaddrs=SOURCES)',
  ],
  [
    'IGMP report of version 3',
    [
      ipv4({ ...HOSTS, ttl: 1, tos: 0xc0 }),
      igmp.report_v3({ records: [{ type: 3, group: '239.1.2.3', sources }, { group: '239.1.2.4' }] }),
    ],
    'V4 / IGMPv3(type=0x22, mrcode=0) / IGMPv3mr(records=[IGMPv3gr(rtype=3, maddr="239.1.2.3", srcaddrs=SOURCES), IGMPv3gr(rtype=4, maddr="239.1.2.4")])',
  ],
  [
    'ESP',
    [ipv4({ ...HOSTS, ttl: 1 }), esp({ spi: 0x1234, seq: 7 }), payload('secret')],
    'V4 / ESP(spi=0x1234, seq=7, data=b"secret")',
  ],
  [
    'RARP',
    [
      ethernet({ ...MACS, ethertype: 0x8035 }),
      arp({ operation: 3, sender_mac: MACS.src, target_mac: MACS.src }),
    ],
    'Ether(src=MACS["src"], dst=MACS["dst"], type=0x8035) / ARP(op=3, hwsrc=MACS["src"], hwdst=MACS["src"], psrc="0.0.0.0", pdst="0.0.0.0")',
  ],
  [
    'DNS query',
    [
      ipv4({ ...HOSTS, ttl: 1 }),
      udp({ src_port: 5353 }),
      dns({ id: 7, questions: [{ name: 'example.com', type: 'AAAA' }] }),
    ],
    'V4 / UDP(sport=5353, dport=53) / DNS(id=7, qd=DNSQR(qname="example.com", qtype="AAAA"))',
  ],
  [
    'DNS response',
    [
      ipv4({ ...HOSTS, ttl: 1 }),
      udp({ src_port: 53, dst_port: 4000 }),
      dns({
        id: 7,
        flags: dns.QR | dns.AA,
        rcode: dns.NXDOMAIN,
        questions: [{ name: 'a.example', class: 'CH' }],
        answers: [
          { name: 'b.test', type: 'A', ttl: 5, address: '192.0.2.9' },
          { name: 'c.invalid', type: 'MX', preference: 9, exchange: 'd.local' },
        ],
        additionals: [{ type: 'OPT', udp_payload_size: 4096, flags: 0x8000, options: [{ name: 'nsid' }] }],
      }),
    ],
    'V4 / UDP(sport=53, dport=4000) / DNS(id=7, qr=1, aa=1, rd=0, rcode=3, qd=DNSQR(qname="a.example", qclass=3), an=DNSRR(rrname="b.test", ttl=5, rdata="192.0.2.9") / DNSRRMX(type="MX", rrname="c.invalid", ttl=0, preference=9, exchange="d.local"), ar=DNSRROPT(rclass=4096, z=0x8000, rdata=[EDNS0TLV(optcode=3)]))',
  ],
  [
    'DHCP discover',
    [
      ipv4({ ...HOSTS, ttl: 1 }),
      udp({ src_port: 68 }),
      dhcp({
        xid: 5,
        chaddr: MACS.src,
        options: [
          { name: 'message_type', value: dhcp.DISCOVER },
          { name: 'host_name', text: 'pc' },
          { name: 'parameter_request_list', types: [1, 3] },
          { name: 'requested_address', address: '192.0.2.9' },
          { name: 'lease_time', seconds: 60 },
        ],
      }),
    ],
    'V4 / UDP(sport=68, dport=67) / BOOTP(xid=5, chaddr=bytes.fromhex("020000000001")) / DHCP(options=[("message-type", 1), ("hostname", "pc"), ("param_req_list", [1, 3]), ("requested_addr", "192.0.2.9"), ("lease_time", 60), "end"])',
  ],
  [
    'DHCPv6, relayed',
    [
      ipv6({ src: 'fe80::1', dst: 'fe80::2' }),
      udp({ src_port: 547 }),
      dhcpv6({
        type: dhcpv6.RELAY_FORWARD,
        hop_count: 1,
        link_address: '2001:db8::',
        peer_address: 'fe80::9',
        options: [
          {
            name: 'relay_message',
            message: {
              type: dhcpv6.SOLICIT,
              transaction_id: 7,
              options: [
                { name: 'ia_na', iaid: 1, options: [{ name: 'ia_address', address: '2001:db8::1' }] },
                { name: 'option_request', types: [23, 24] },
                { name: 'domain_list', domains: ['example.com'] },
              ],
            },
          },
        ],
      }),
    ],
    'IPv6(src="fe80::1", dst="fe80::2") / UDP(sport=547, dport=547) / DHCP6_RelayForward(hopcount=1, linkaddr="2001:db8::", peeraddr="fe80::9") / DHCP6OptRelayMsg(message=DHCP6_Solicit(trid=7) / DHCP6OptIA_NA(iaid=1, T1=0, T2=0, ianaopts=[DHCP6OptIAAddress(addr="2001:db8::1")]) / DHCP6OptOptReq(reqopts=[23, 24]) / DHCP6OptDNSDomains(dnsdomains=["example.com"]))',
  ],
  [
    'NTP',
    [
      ipv4({ ...HOSTS, ttl: 1 }),
      udp({ src_port: 123 }),
      ntp({
        leap: 3,
        mode: 4,
        stratum: 2,
        poll: 6,
        precision: -20,
        root_delay: 0.5,
        reference_id: '192.0.2.7',
        transmit_time: 5n << 32n,
      }),
    ],
    'V4 / UDP(sport=123, dport=123) / NTPHeader(leap=3, version=4, mode=4, stratum=2, poll=6, precision=236, delay=0.5, dispersion=0, id="192.0.2.7", ref_id=b"", ref=0, orig=0, recv=0, sent=5)',
  ],
  [
    'multicast DNS',
    [
      ipv4({ ...HOSTS, ttl: 255 }),
      udp({ src_port: 5353, dst_port: 5353 }),
      dns({
        flags: dns.QR | dns.AA,
        questions: [{ name: 'pc.local', unicast: true }],
        answers: [{ name: 'tv.test', type: 'A', cache_flush: true, ttl: 120, address: '192.0.2.9' }],
      }),
    ],
    'IP(**HOSTS, id=0, ttl=255) / UDP(sport=5353, dport=5353) / DNS(qr=1, aa=1, rd=0, qd=DNSQR(qname="pc.local", qclass=0x8001), an=DNSRR(rrname="tv.test", rclass=0x8001, ttl=120, rdata="192.0.2.9"))',
  ],
  [
    'VXLAN',
    [
      ipv4({ ...HOSTS, ttl: 1 }),
      udp({ src_port: 9, checksum: 0 }),
      vxlan({ vni: 42 }),
      ethernet(MACS),
      ipv4(HOSTS),
      udp({ dst_port: 9 }),
    ],
    'V4 / UDP(sport=9, dport=4789, chksum=0) / VXLAN(flags=8, vni=42) / Ether(**MACS) / IP(**HOSTS, id=0) / UDP(sport=0, dport=9)',
  ],
  [
    'Geneve',
    [
      ipv4({ ...HOSTS, ttl: 1 }),
      udp({ src_port: 9 }),
      geneve({ vni: 42, flags: geneve.CONTROL }),
      ethernet(MACS),
      ipv4(HOSTS),
      udp({ dst_port: 9 }),
    ],
    'V4 / UDP(sport=9, dport=6081) / GENEVE(vni=42, oam=1) / Ether(**MACS) / IP(**HOSTS, id=0) / UDP(sport=0, dport=9)',
  ],
  ...icmp_cases,
  ...link_cases,
];
const LINKTYPES: Readonly<Record<string, number>> = {
  ethernet: packet.LINKTYPE_ETHERNET,
  wlan: packet.LINKTYPE_IEEE802_11,
  can: packet.LINKTYPE_CAN_SOCKETCAN,
  radiotap: packet.LINKTYPE_IEEE802_11_RADIOTAP,
};

it('the same bytes as those of scapy, and back', { timeout: 60_000 }, (ctx) => {
  const python = ['/usr/bin/python3', 'python3'].find(
    (program) => spawnSync(program, ['-c', 'import scapy.all']).status === 0,
  );
  if (python === undefined) ctx.skip('needs scapy');
  const program = `
import json
from scapy.all import *
from scapy.layers.dhcp6 import *
from scapy.contrib.geneve import GENEVE
from scapy.layers.ipsec import ESP
from scapy.contrib.mpls import MPLS
from scapy.contrib.igmp import IGMP
from scapy.contrib.igmpv3 import IGMPv3, IGMPv3mq, IGMPv3mr, IGMPv3gr
${IMPORTS}
${ICMP_IMPORTS}
MACS, HOSTS, SOURCES = ${JSON.stringify([MACS, HOSTS, sources])}
ETHER = Ether(**MACS, type=0x8847)
V4 = IP(**HOSTS, id=0, ttl=1)
print(json.dumps([bytes(x).hex() for x in [${cases.map(([, , expression]) => expression).join(',\n')}]]))`;
  const { stdout, stderr } = spawnSync(python ?? '', ['-c', program], { encoding: 'utf8' });
  if (stdout === '') throw new Error(stderr);
  const theirs = JSON.parse(stdout) as string[];
  for (const [i, [title, layers]] of cases.entries()) {
    const bytes = build(...layers);
    expect(`${title}: ${bytes.toString('hex')}`).toBe(`${title}: ${theirs[i]}`);
    const linktype = LINKTYPES[layers[0]?.layer ?? ''] ?? packet.LINKTYPE_RAW;
    const parsed = parse(bytes, { linktype });
    expect(parsed.problems).toEqual([]);
    expect(parsed.layers).toMatchObject(layers.map(({ layer }) => ({ layer })));
    expect(build(...parsed.layers)).toEqual(bytes);
  }
});
