// Packets of ours beside scapy's: the same fields give the same bytes, for protocols that test/unit/packet/packet.test.ts has no bytes of.
import { spawnSync } from 'node:child_process';
import * as packet from 'bsd-sockets/packet';
import { expect, it } from 'vitest';
import { IMPORTS, link_cases } from './link_cases.js';

const { arp, build, esp, ethernet, igmp, ipv4, mpls, parse, payload, udp } = packet;
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
  ...link_cases,
];
const LINKTYPES: Readonly<Record<string, number>> = {
  ethernet: packet.LINKTYPE_ETHERNET,
  wlan: packet.LINKTYPE_IEEE802_11,
  can: packet.LINKTYPE_CAN_SOCKETCAN,
};

it('the same bytes as those of scapy, and back', { timeout: 60_000 }, (ctx) => {
  const python = ['/usr/bin/python3', 'python3'].find(
    (program) => spawnSync(program, ['-c', 'import scapy.all']).status === 0,
  );
  if (python === undefined) ctx.skip('needs scapy');
  const program = `
import json
from scapy.all import Ether, IP, UDP, ARP
from scapy.layers.ipsec import ESP
from scapy.contrib.mpls import MPLS
from scapy.contrib.igmp import IGMP
from scapy.contrib.igmpv3 import IGMPv3, IGMPv3mq, IGMPv3mr, IGMPv3gr
${IMPORTS}
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
