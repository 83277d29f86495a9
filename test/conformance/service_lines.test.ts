// The lines of messages in UDP and TCP beside those of tcpdump, of the same packets.
import { beforeEach, expect, test } from 'vitest';
import * as packet from '../../lib/packet/index.js';
import { lines_of, tcpdump_missing } from './tcpdump_lines.js';

const {
  arp,
  build,
  dhcp,
  dhcpv6,
  dns,
  ethernet,
  geneve,
  ipv4,
  ipv6,
  ntp,
  ntp_control,
  payload,
  tcp,
  udp,
  vxlan,
} = packet;
const V4 = ipv4({ src: '192.0.2.1', dst: '192.0.2.2' });
const V6 = ipv6({ src: 'fe80::1', dst: 'fe80::2' });
const FRAME = [
  ethernet(),
  ipv4({ src: '192.0.2.3', dst: '192.0.2.4' }),
  udp({ src_port: 7, dst_port: 9 }),
  payload('hi'),
];
const q = { name: 'example.com' } as const;
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const to_port = (port: number, ...layers: packet.Draft[]): packet.Draft[] => [
  V4,
  udp({ src_port: port, dst_port: port }),
  ...layers,
];
const in_dns = (fields: packet.DnsFields, port = 53): packet.Draft[] => to_port(port, dns(fields));
const answer = (...answers: packet.DnsRecordFields[]): packet.Draft[] =>
  in_dns({ flags: dns.QR, questions: [q], answers });
const types = [...range(70), 99, 100, 101, 102, 103, 108, 249, 250, 251, 252, 253, 254, 255, 257, 65_280];

const packets: packet.Draft[][] = [
  ...types.map((type) => in_dns({ questions: [{ ...q, type: `TYPE${type}` }] })),
  in_dns({ questions: [q, { name: '.', type: 'MX', class: 'CH' }, { name: 'x', class: 'CLASS77' }] }),
  in_dns({ questions: [q, { ...q, unicast: true }], flags: 0 }, 5353),
  in_dns({ questions: [{ ...q, unicast: true }] }),
  in_dns({ questions: [q] }, 5355),
  in_dns({ opcode: 1, questions: [q] }),
  in_dns({ flags: dns.RD | dns.AD | dns.CD | dns.AA, questions: [q] }),
  in_dns({ questions: [q], additionals: [{ name: '.', type: 'OPT' }] }),
  ...range(16).map((opcode) => in_dns({ opcode, questions: [q] })),
  ...range(16).map((rcode) =>
    in_dns({ rcode, flags: dns.QR | (rcode % 2 ? dns.AD | dns.TC : dns.AA | dns.RA) }),
  ),
  answer({ ...q, type: 'A', address: '192.0.2.9' }, { ...q, type: 'AAAA', address: '2001:db8::1' }),
  answer(
    { ...q, type: 'CNAME', target: 'a.example' },
    { ...q, type: 'NS', target: '.' },
    { ...q, type: 'SOA', mname: 'a', rname: 'b' },
  ),
  answer(
    { ...q, type: 'MX', preference: 7, exchange: 'm.example' },
    { ...q, type: 'SRV', port: 5, target: 'x.y' },
  ),
  answer({ ...q, type: 'TXT', strings: ['a\x01é"', ''] }, { ...q, type: 'TYPE16', data: Buffer.alloc(0) }),
  answer(
    { ...q, type: 'HINFO', cpu: 'c', os: 'o' },
    { ...q, type: 'HTTPS', target: '.' },
    { ...q, type: 'CAA' },
  ),
  answer(
    { ...q, type: 'A', class: 'ANY', address: '192.0.2.9' },
    { ...q, type: 'PTR', target: 'é\\001\\.x.y z' },
  ),
  answer(
    { name: '.', type: 'OPT', flags: 0x8001, udp_payload_size: 512 },
    { ...q, type: 'RRSIG', signer: 'x', type_covered: 'A' },
  ),
  answer({ ...q, type: 'A', cache_flush: true, address: '192.0.2.9' }),
  in_dns(
    { flags: dns.QR, answers: [{ ...q, type: 'A', class: 'CH', cache_flush: true, address: '192.0.2.9' }] },
    5353,
  ),
  [V4, tcp({ dst_port: 53, flags: tcp.PSH, seq: 1 }), dns({ questions: [q] })],
  [V4, tcp({ dst_port: 53, flags: tcp.PSH, seq: 1 }), dns({ questions: [q] }), dns({ questions: [q] })],
  to_port(67, dhcp({ chaddr: '02:00:00:00:00:01' })),
  to_port(68, dhcp({ op: 2, options: [{ name: 'message_type', value: dhcp.ACK }] })),
  to_port(67, dhcp({ htype: 6 })),
  to_port(67, dhcp({ chaddr: '01:02:03' })),
  ...range(20).map((i) => [V6, udp({ src_port: 546 }), dhcpv6({ type: i + 1 })]),
  ...range(6).map((mode) => to_port(123, ntp({ mode, version: 1 + (mode % 4), leap: mode % 4 }))),
  to_port(123, ntp({ mac: { key_id: 1, digest: Buffer.alloc(16) } })),
  to_port(123, ntp_control({ opcode: 2 }), payload('abcd')),
  ...[0x0800, 0x8800, 0x8848, 0xffff].map((flags) =>
    to_port(4789, vxlan({ flags, vni: 42, group: 5 }), ...FRAME),
  ),
  to_port(4789, vxlan(), ethernet(), arp({ sender_ip: '192.0.2.3', target_ip: '192.0.2.4' })),
  ...[0, 0xff, 3].map((flags) => to_port(6081, geneve({ flags, vni: 42, reserved: flags }), ...FRAME)),
  to_port(6081, geneve({ options: [{ type: 0x80, data: Buffer.alloc(4) }] }), ...FRAME.slice(1)),
  to_port(6081, geneve({ protocol: 0x9999 }), payload('abc')),
];

beforeEach((ctx) => {
  const missing = tcpdump_missing();
  if (missing !== undefined) ctx.skip(missing);
});

test.each([[], ['-e'], ['-x'], ['-q'], ['-v'], ['-vv'], ['-vvv', '-e']])(
  'each line is that of tcpdump: %s',
  { timeout: 60_000 },
  (...options) => {
    const bytes = packets.map((layers) => build(...layers));
    const { ours, theirs } = lines_of(packet.LINKTYPE_RAW, bytes, options);
    expect(ours).toEqual(theirs);
  },
);
