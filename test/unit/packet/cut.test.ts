// Headers that break off, because an error quotes little or a capture cut them: the fields in front of the break are there, and building
// gives the same bytes. Also what length fields can say, and lengths that say nothing.
import * as packet from 'bsd-sockets/packet';
import { describe, expect, test } from 'vitest';
import { link_frames } from './link_frames.js';

const { build, ethernet, icmp, icmpv6, ipv4, ipv6, parse, payload, tcp, udp } = packet;
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const parse_ip = (bytes: Buffer, length = bytes.length) =>
  parse(bytes, { linktype: packet.LINKTYPE_RAW, length });
const addresses = { src: '192.0.2.1', dst: '198.51.100.2' };

/** Expects that a packet is built as it was parsed. */
function goes_round(bytes: Buffer, parsed: packet.Packet): void {
  expect(Buffer.concat([build(...parsed.layers), parsed.trailer])).toEqual(bytes);
}

describe('an error that quotes 8 bytes', () => {
  const error = (quoted: Buffer) =>
    parse_ip(build(ipv4(addresses), icmp.time_exceeded({ quoted }))).get('icmp');
  const quoted_by = (message: ReturnType<typeof error>) =>
    message !== undefined && 'quoted' in message ? message.quoted : [];

  test('of TCP: ports and seq, nothing else', () => {
    const segment = build(ipv4(addresses), tcp({ src_port: 40_000, dst_port: 80, seq: 0x11223344 }));
    const [, layer, ...others] = quoted_by(error(segment.subarray(0, 28)));
    expect(layer).toEqual({
      layer: 'tcp',
      src_port: 40_000,
      dst_port: 80,
      seq: 0x11223344,
      options: [],
      cut: Buffer.alloc(0),
    });
    expect(others).toEqual([]);
  });

  test('of ICMP: a time stamp has its id', () => {
    const request = build(ipv4(addresses), icmp.timestamp({ id: 7, seq: 9, originate: 5 }));
    const [, layer] = quoted_by(error(request.subarray(0, 28)));
    expect(layer).toMatchObject({ name: 'timestamp', type: 13, id: 7, seq: 9 });
    expect(layer).not.toHaveProperty('originate');
  });

  test.each([0, 1, 2, 3, 5, 7, 8, 13, 19, 20, 21, 33])('and one that quotes %i bytes goes round', (size) => {
    const segment = build(
      ipv4(addresses),
      tcp({ src_port: 1, seq: 0x01020304, options: [{ name: 'mss', mss: 9 }] }),
    );
    const bytes = build(ipv4(addresses), icmp.time_exceeded({ quoted: segment.subarray(0, size) }));
    const parsed = parse_ip(bytes);
    expect(parsed.problems).toEqual([]);
    goes_round(bytes, parsed);
  });
});

describe('a header that a capture cut', () => {
  const frames: [string, number, packet.Draft[]][] = [
    ['ethernet', 1, [ethernet()]],
    ['vlan', 1, [ethernet(), packet.vlan({ id: 5, priority: 3 })]],
    ['arp', 1, [ethernet(), packet.arp({ sender_ip: '192.0.2.1', target_ip: '192.0.2.2' })]],
    ['ipv4', 1, [ethernet(), ipv4({ ...addresses, options: [{ name: 'router_alert' }] })]],
    ['ipv6', 1, [ethernet(), ipv6({ src: '2001:db8::1', flow_label: 9 })]],
    ['tcp', 101, [ipv4(addresses), tcp({ seq: 7, options: [{ name: 'mss', mss: 9 }, { name: 'nop' }] })]],
    ['udp', 101, [ipv4(addresses), udp({ src_port: 5, dst_port: 6 }), payload('x')]],
    ['udplite', 101, [ipv4(addresses), packet.udplite({ src_port: 5, coverage: 9 }), payload('xyz')]],
    [
      'icmp',
      101,
      [
        ipv4(addresses),
        icmp.extended_echo({ seq: 1, extensions: [{ name: 'interface_name', interface_name: 'eth0' }] }),
      ],
    ],
    ['icmp', 101, [ipv4(addresses), icmp.traceroute({ id: 1, mtu: 9 })]],
    ['icmpv6', 101, [ipv6(), icmpv6.router_renumbering({ seq: 1 }), payload('x')]],
    ['icmpv6', 101, [ipv6(), icmpv6.node_information_query({ qtype: 2 }), payload('x')]],
    ['icmp', 101, [ipv4(addresses), icmp.timestamp({ id: 1, transmit: 9 })]],
    [
      'icmp',
      101,
      [ipv4(addresses), icmp.router_advertisement({ addresses: [{ address: '192.0.2.9' }, {}] })],
    ],
    ['icmpv6', 101, [ipv6(), icmpv6.redirect({ target: '2001:db8::1', options: [{ name: 'mtu', mtu: 9 }] })]],
    ['icmpv6', 101, [ipv6(), icmpv6.multicast_listener_report_v2({ records: [{}, { sources: ['::1'] }] })]],
    ['gre', 101, [ipv4(addresses), packet.gre({ key: 1, seq: 2, checksum: 3 }), payload('x')]],
    ['ah', 101, [ipv4(addresses), packet.ah({ spi: 1, seq: 2, icv: Buffer.alloc(12, 7) }), udp()]],
    ['mpls', 1, [ethernet(), packet.mpls({ label: 99 }), ipv4(addresses)]],
    ['esp', 101, [ipv4(addresses), packet.esp({ spi: 1, seq: 2 }), payload('x')]],
    ['igmp', 101, [ipv4(addresses), packet.igmp.report_v3({ records: [{}, { sources: ['192.0.2.1'] }] })]],
    ['igmp', 101, [ipv4(addresses), packet.igmp.query({ version3: { sources: ['192.0.2.1'] } })]],
    ...link_frames,
    ['vxlan', 101, [ipv4(addresses), udp(), packet.vxlan({ vni: 5 }), ethernet(), ipv4()]],
    ['geneve', 101, [ipv4(addresses), udp(), packet.geneve({ vni: 5, options: [{ class: 1 }] }), ipv4()]],
    [
      'dns',
      101,
      [ipv4(addresses), udp(), packet.dns({ questions: [{ name: 'a.example' }, { name: 'b.example' }] })],
    ],
    ['dns', 101, [ipv4(addresses), tcp(), packet.dns({ questions: [{ name: 'a.example' }] }), packet.dns()]],
    [
      'dhcp',
      101,
      [ipv4(addresses), udp(), packet.dhcp({ sname: 's', options: [{ name: 'host_name', text: 'pc' }] })],
    ],
    ['dhcpv6', 101, [ipv6(), udp(), packet.dhcpv6({ options: [{ name: 'ia_na', iaid: 1 }] })]],
    [
      'dhcpv6',
      101,
      [ipv6(), udp(), packet.dhcpv6({ type: 12, options: [{ name: 'relay_message', message: {} }] })],
    ],
    ['ntp', 101, [ipv4(addresses), udp(), packet.ntp({ mac: { key_id: 1, digest: Buffer.alloc(16) } })]],
    ['ntp_control', 101, [ipv4(addresses), udp(), packet.ntp_control(), payload('x')]],
    ['linux_sll', 113, [packet.linux_sll({ packet_type: 4 })]],
    ['linux_sll2', 276, [packet.linux_sll2({ packet_type: 4 })]],
    ['loopback', 0, [packet.loopback(), ipv4()]],
  ];
  test.each(frames)('%s: goes round wherever it is cut, and is not malformed', (name, linktype, layers) => {
    const whole = build(...layers);
    const start =
      whole.length - build(...layers.slice(layers.findIndex(({ layer }) => layer === name))).length;
    for (let end = 0; end < whole.length; end++) {
      const bytes = whole.subarray(0, end);
      const parsed = parse(bytes, { linktype, length: whole.length });
      expect(parsed.problems).toEqual([]);
      goes_round(bytes, parsed);
      // From the second half of each header on, some field is there.
      if (end > start + 8) expect(parsed.layers.map(({ layer }) => layer)).toContain(name);
    }
  });

  test('keeps what stands in front of the break', () => {
    const parsed = parse_ip(hex('4500001c00000000400100000a0000010a0000020303'), 28);
    expect(parsed.get('icmp')).toMatchObject({
      type: 3,
      code: 3,
      name: 'destination_unreachable',
      quoted: [],
    });
    const udp_cut = parse_ip(hex('4500001c00000000401100000a0000010a0000020035 00'), 28);
    expect(udp_cut.get('udp')).toEqual({ layer: 'udp', src_port: 53, cut: hex('00') });
    expect(packet.show(udp_cut)).toContain('udp, cut short\n  src_port  53\n  cut  1 byte');
  });

  test('of which no field is whole is payload', () => {
    const parsed = parse_ip(hex('4500001c00000000401100000a0000010a00000200'), 28);
    expect(parsed.layers.map(({ layer }) => layer)).toEqual(['ipv4', 'payload']);
  });

  test('that was never sent whole is malformed, and payload', () => {
    const parsed = parse_ip(build(ipv4({ protocol: 6 }), payload(Buffer.alloc(8))));
    expect(parsed.layers.map(({ layer }) => layer)).toEqual(['ipv4', 'payload']);
    expect(parsed.problems).toMatchObject([{ message: 'the header needs 20 bytes, 8 are there' }]);
  });

  test('is made by hand: the fields that are given, then the bytes of cut', () => {
    const quoted = [ipv4(addresses), tcp({ src_port: 1, dst_port: 2, cut: hex('aabb') })];
    expect(build(...quoted).subarray(20)).toEqual(hex('00010002aabb'));
    expect(build(icmp.echo({ type: 8, code: 0, checksum: 5, id: 1, cut: Buffer.alloc(0) }))).toEqual(
      hex('08000005'),
    );
    expect(() => build(udp({ cut: 3 as unknown as Buffer }))).toThrow(/^udp.cut must be bytes/);
  });
});

test.each([41, 42, 43, 44, 45, 46, 47, 48])('a SYN that is cut after %i bytes, within its options', (end) => {
  const options = [{ name: 'mss', mss: 1460 }, { name: 'nop' }, { name: 'window_scale', shift: 7 }] as const;
  const syn = build(ipv4(addresses), tcp({ flags: tcp.SYN, options })).subarray(0, end);
  goes_round(syn, parse_ip(syn, 48));
  const with_options = build(
    ipv4({ ...addresses, options: [{ name: 'record_route', addresses: ['0.0.0.0', '0.0.0.0'] }] }),
  );
  const header = with_options.subarray(0, end - 20);
  goes_round(header, parse_ip(header, 32));
});

test('an MLDv2 report announces more records than there are', () => {
  const report = hex(
    '60000000001c3a01 fe800000000000000000000000000001 ff020000000000000000000000000016 8f00000000000002 04000000 ff0200000000000000000000000000fb',
  );
  const parsed = parse_ip(report);
  expect(parsed.get('icmpv6')).toMatchObject({ count: 2, records: [{ group: 'ff02::fb' }] });
  goes_round(report, parsed);
});

describe('the largest packets', () => {
  test('are what the length of IP can say; headers around IP do not count', () => {
    expect(build(ethernet(), ipv4(), udp(), payload(Buffer.alloc(65_507)))).toHaveLength(65_549);
    expect(build(ipv6(), udp(), payload(Buffer.alloc(65_527)))).toHaveLength(65_575);
    const too_long = 'ipv4.total_length must be between 0 and 65535, not 65536';
    expect(() => build(ipv4(), udp(), payload(Buffer.alloc(65_508)))).toThrow(new RangeError(too_long));
    const too_long6 = 'ipv6.payload_length must be between 0 and 65535, not 65536';
    expect(() => build(ipv6(), payload(Buffer.alloc(65_536)))).toThrow(new RangeError(too_long6));
    const datagram = 'udp.length must be between 0 and 65535, not 65536';
    expect(() => build(udp(), payload(Buffer.alloc(65_528)))).toThrow(new RangeError(datagram));
  });

  test('without a length, as of segments that hardware is to cut: up to 16 MiB', () => {
    const data = payload(Buffer.alloc(80_000, 7));
    const big = build(ethernet(), ipv4({ ...addresses, total_length: 0 }), tcp(), data);
    const parsed = parse(big);
    expect(parsed.problems).toEqual([]);
    expect(parsed.get('tcp')?.checksum_ok).toBe(true);
    goes_round(big, parsed);
    const big6 = build(ipv6({ payload_length: 0 }), tcp(), data);
    expect(parse_ip(big6)).toMatchObject({ problems: [], layers: [{}, { checksum_ok: true }, {}] });
    expect(build(payload(Buffer.alloc(2 ** 24)))).toHaveLength(2 ** 24);
    expect(() => build(payload(Buffer.alloc(2 ** 24 + 1)))).toThrow(
      new RangeError('the packet is longer than 16777216 bytes'),
    );
    expect(build(ipv4())).toHaveLength(20);
  });

  test('jumbograms: the length stands in an option, and UDP has none', () => {
    const extensions = [
      { name: 'hop_by_hop', options: [{ name: 'jumbo_payload', length: 8 + 8 + 70_000 }] },
    ] as const;
    const bytes = build(ipv6({ extensions }), udp({ dst_port: 9 }), payload(Buffer.alloc(70_000, 3)));
    const parsed = parse_ip(bytes);
    expect(parsed.problems).toEqual([]);
    expect(parsed.get('ipv6')?.payload_length).toBe(0);
    expect(parsed.get('udp')).toMatchObject({ length: 0, checksum_ok: true });
    expect(parsed.get('payload')?.data).toHaveLength(70_000);
    goes_round(bytes, parsed);
    const behind = parse_ip(Buffer.concat([bytes, hex('0102')]));
    expect(behind.trailer).toEqual(hex('0102'));
  });

  const jumbo = (payload_length: number, option: string, next = '3b', rest = '') =>
    hex(
      `60000000 ${payload_length.toString(16).padStart(4, '0')} 00 40 ${'00'.repeat(32)} ${next}00 ${option} ${rest}`,
    );
  test.each<[string, Buffer, string]>([
    [
      'a length that the header could say',
      jumbo(0, 'c204 00000004'),
      'jumbo_payload is 4, no more than payload_length can say',
    ],
    ['a length in both', jumbo(8, 'c204 00010000'), 'jumbo_payload with a payload_length of 8'],
    ['no option', jumbo(0, '0104 00000000'), 'payload_length is 0 without a jumbo_payload option'],
    [
      'a fragment',
      jumbo(0, 'c204 00010000', '2c', `3b00000000000001${'00'.repeat(65_520)}`),
      'a fragment cannot be a jumbogram',
    ],
  ])('jumbograms that RFC 2675 calls an error: %s', (_title, bytes, message) => {
    const parsed = parse_ip(bytes);
    expect(parsed.problems).toEqual([expect.objectContaining({ layer: 'ipv6', message })]);
    expect(parsed.trailer).toHaveLength(0);
    goes_round(bytes, parsed);
  });

  test('an IPv6 payload length of 0 is the rest for TCP and UDP only', () => {
    const header = (next: string) => hex(`60000000 0000 ${next} 40 ${'00'.repeat(32)}`);
    expect(parse_ip(Buffer.concat([header('63'), Buffer.alloc(6)])).trailer).toHaveLength(6);
    const segment = Buffer.concat([header('06'), build(tcp({ dst_port: 80 })), Buffer.from('data')]);
    expect(parse_ip(segment).get('payload')?.data.toString()).toBe('data');
  });
});

describe('the length of a quotation with extensions', () => {
  const labels = hex('2000 ddf4 0008 0101 0001 0101');
  const error = (length: string, quoted: Buffer, extensions: Buffer) =>
    build(ipv4(addresses), payload(Buffer.concat([hex(`0b00 0000 00${length}0000`), quoted, extensions])))
      .fill(1, 9, 10)
      .fill(0, 10, 12);
  const quoted = Buffer.concat([
    build(ipv4(addresses), udp({ dst_port: 9 }), payload('x')),
    Buffer.alloc(99),
  ]);

  test.each<[string, string, Buffer]>([
    ['in bytes, as some routers write it', '80', labels],
    ['of 0, without a checksum', '00', hex('2000 0000 0008 0101 0001 0101')],
    ['in words', '20', labels],
    ['with reserved bits', '20', hex('2abc 0000 0008 0101 0001 0101')],
    ['without objects', '20', hex('2000 dfff')],
  ])('%s', (title, length, extensions) => {
    const bytes = error(length, quoted, extensions);
    const parsed = parse_ip(bytes);
    expect(parsed.problems).toEqual([]);
    const found = title === 'without objects' ? [] : [{ name: 'mpls', labels: [{ label: 16, ttl: 1 }] }];
    expect(parsed.get('icmp')).toMatchObject({ length: Number.parseInt(length, 16) * 4, extensions: found });
    goes_round(bytes, parsed);
  });
});
