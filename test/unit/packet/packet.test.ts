/**
 * bsd-sockets/packet: the fields that building works out or leaves alone, and the results of parsing good and malformed packets. Known
 * bytes come from RFCs, or were computed by scapy; test/platform/tshark.test.ts compares with other programs.
 */
import * as packet from 'bsd-sockets/packet';
import { describe, expect, test } from 'vitest';
import { addon } from '../../../dist/native/addon.js';

const {
  arp,
  build,
  checksum,
  ethernet,
  gre,
  hexdump,
  icmp,
  icmpv6,
  ipv4,
  ipv6,
  parse,
  payload,
  show,
  tcp,
  udp,
  vlan,
} = packet;
const { LINKTYPE_RAW, LINKTYPE_NULL, LINKTYPE_LOOP, LINKTYPE_IPV4, LINKTYPE_IPV6, LINKTYPE_LINUX_SLL } =
  packet;
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const addresses = { src: '192.0.2.1', dst: '198.51.100.2' };
const addresses6 = { src: '2001:db8::1', dst: '2001:db8::2' };
const parse_ip = (bytes: Uint8Array, length = bytes.length) =>
  parse(bytes, { linktype: LINKTYPE_RAW, length });
const names = (parsed: packet.Packet): string[] => parsed.layers.map(({ layer }) => layer);

describe('checksum', () => {
  test('the example of RFC 1071, and odd lengths', () => {
    expect(checksum(hex('0001 f203 f4f5 f6f7'))).toBe(~0xddf2 & 0xffff);
    expect(checksum(hex('0001 f203 f4f5 f6'))).toBe(checksum(hex('0001 f203 f4f5 f600')));
    expect(checksum(new Uint8Array(0))).toBe(0xffff);
  });

  test('over data that holds it, it is 0', () => {
    const header = hex('4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7');
    expect(checksum(header)).toBe(0);
    expect(checksum(header.subarray(0, 10), ~checksum(header.subarray(10)) & 0xffff)).toBe(0);
  });

  test('any view, any offset, any size: as a sum word by word', () => {
    const all = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 7 + (i >> 8)) & 255);
    const slow = (bytes: Uint8Array): number => {
      let sum = 0;
      for (let i = 0; i < bytes.length; i += 2) sum += bytes[i]! * 256 + (bytes[i + 1] ?? 0);
      while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
      return ~sum & 0xffff;
    };
    for (const [start, length] of [
      [0, 1],
      [1, 2],
      [3, 3],
      [2, 5],
      [1, 20],
      [5, 1499],
      [1, 4097],
      [3, 65_535],
    ] as const) {
      const part = all.subarray(start, start + length);
      expect(checksum(part)).toBe(slow(part));
      expect(checksum(new DataView(all.buffer, start, length))).toBe(slow(part));
    }
    expect(checksum(new Uint8Array(3 << 20).fill(255))).toBe(0);
    const part = new Uint8Array(new SharedArrayBuffer(6000), 5, 5001);
    part.set(all.subarray(0, 5001));
    expect(checksum(part)).toBe(slow(all.subarray(0, 5001)));
    expect(checksum(part, 0xffffffff)).toBe(checksum(part));
    const shared = new SharedArrayBuffer(8);
    new Uint8Array(shared).fill(1);
    expect(checksum(shared)).toBe(~0x0404 & 0xffff);
  });

  test('native code adds nothing beyond the bytes', () => {
    for (const [start, end] of [
      [0, 9],
      [5, 4],
      [9, 9],
    ] as const)
      expect(addon.sum_words(new Uint8Array(8), start, end)).toBeLessThan(0);
    expect(addon.sum_words(Uint8Array.of(1, 2, 3), 1, 3)).toBe(0x0203);
    expect(addon.sum_words(Uint8Array.of(1, 2, 3), 0, 3)).toBe(0x0402);
    expect(addon.sum_words(new Uint8Array(0), 0, 0)).toBe(0);
  });

  test('misuse', () => {
    // @ts-expect-error no bytes
    expect(() => checksum('text')).toThrow(
      new TypeError('bytes must be bytes (a Buffer, another view, or an ArrayBuffer), not "text"'),
    );
    expect(() => checksum(new Uint8Array(2), -1)).toThrow(RangeError);
    expect(() => checksum(new Uint8Array(2), 1.5)).toThrow(TypeError);
  });
});

describe('build works out', () => {
  test('lengths, protocol, checksums: the example of a UDP datagram', () => {
    const bytes = build(ipv4({ ...addresses, id: 1 }), udp({ src_port: 1024, dst_port: 53 }), payload('abc'));
    expect(bytes.toString('hex')).toBe('4500001f0001000040118e96c0000201c633640204000035000b4b09616263');
    expect(checksum(bytes.subarray(0, 20))).toBe(0);
    const pseudo = Buffer.concat([bytes.subarray(12, 20), hex('0011 000b'), bytes.subarray(20)]);
    expect(checksum(pseudo)).toBe(0);
  });

  test('a computed UDP checksum of 0 as 0xffff; given, 0 goes out', () => {
    const with_checksum = (data: Buffer) => build(ipv4(addresses), udp({ src_port: 1 }), payload(data));
    const sum = with_checksum(Buffer.alloc(2)).readUInt16BE(26);
    const data = Buffer.alloc(2);
    data.writeUInt16BE(sum);
    expect(with_checksum(data).readUInt16BE(26)).toBe(0xffff);
    expect(parse_ip(with_checksum(data)).get('udp')).toMatchObject({ checksum: 0xffff, checksum_ok: true });
    const none = build(ipv4(addresses), udp({ checksum: 0 }), payload('x'));
    expect(none.readUInt16BE(26)).toBe(0);
    expect(parse_ip(none).get('udp')?.checksum_ok).toBeUndefined();
  });

  test('a computed TCP checksum of 0 stays 0', () => {
    const with_checksum = (urgent: number) => build(ipv4(addresses), tcp({ urgent }));
    const sum = with_checksum(0).readUInt16BE(36);
    expect(with_checksum(sum).readUInt16BE(36)).toBe(0);
    expect(parse_ip(with_checksum(sum)).get('tcp')?.checksum_ok).toBe(true);
  });

  test('numbers of what follows', () => {
    const ethertypes = (...layers: packet.Draft[]) => build(ethernet(), ...layers).readUInt16BE(12);
    expect(ethertypes(ipv4())).toBe(0x0800);
    expect(ethertypes(ipv6())).toBe(0x86dd);
    expect(ethertypes(arp())).toBe(0x0806);
    expect(ethertypes(vlan(), ipv4())).toBe(0x8100);
    expect(ethertypes(vlan(), vlan(), ipv4())).toBe(0x88a8);
    expect(ethertypes(payload('x'))).toBe(0x88b5);
    const protocols = (...layers: packet.Draft[]) => build(ipv4(), ...layers)[9];
    expect(protocols(icmp.echo())).toBe(1);
    expect(protocols(ipv4())).toBe(4);
    expect(protocols(ipv6())).toBe(41);
    expect(protocols(gre())).toBe(47);
    expect(protocols(packet.ah(), tcp())).toBe(51);
    expect(protocols(payload('x'))).toBe(253);
    expect(build(ipv6())[6]).toBe(59);
    expect(build(ipv6(), payload('x'))[6]).toBe(253);
    expect(build(ipv6(), icmpv6.echo())[6]).toBe(58);
  });

  test('padding behind options', () => {
    const header = build(
      ipv4(addresses),
      tcp({
        options: [
          { name: 'mss', mss: 1460 },
          { name: 'window_scale', shift: 7 },
        ],
      }),
    );
    expect(header.subarray(40).toString('hex')).toBe('020405b4' + '030307' + '00');
    expect(parse_ip(header).get('tcp')).toMatchObject({ data_offset: 28, checksum_ok: true });
    const alert = build(
      ipv6({ ...addresses6, extensions: [{ name: 'hop_by_hop', options: [{ name: 'router_alert' }] }] }),
      icmpv6.echo(),
    );
    expect(alert.subarray(40, 48).toString('hex')).toBe('3a00050200000100');
  });

  test('no padding to 60 bytes', () => {
    expect(build(ethernet(), arp())).toHaveLength(42);
    expect(build()).toHaveLength(0);
  });

  test('the pseudo-header takes the final destination', () => {
    const direct = build(ipv6({ src: '2001:db8::1', dst: '2001:db8::9' }), udp({ dst_port: 7 }));
    const extensions = [
      { name: 'routing', routing_type: 0, addresses: ['2001:db8::5', '2001:db8::9'] },
    ] as const;
    const routed = build(ipv6({ ...addresses6, extensions }), udp({ dst_port: 7 }));
    expect(routed.subarray(-2)).toEqual(direct.subarray(-2));
    expect(parse_ip(routed).get('udp')?.checksum_ok).toBe(true);
    const arrived = build(
      ipv6({ src: '2001:db8::1', dst: '2001:db8::9', extensions: [{ ...extensions[0], segments_left: 0 }] }),
      udp({ dst_port: 7 }),
    );
    expect(arrived.subarray(-2)).toEqual(direct.subarray(-2));
    // Segment routing lists the last segment first.
    const segments = [
      { name: 'routing', routing_type: 4, addresses: ['2001:db8::9', '2001:db8::5'], segments_left: 1 },
    ] as const;
    expect(build(ipv6({ ...addresses6, extensions: segments }), udp({ dst_port: 7 })).subarray(-2)).toEqual(
      direct.subarray(-2),
    );
    const source_route = build(
      ipv4({
        src: '192.0.2.1',
        dst: '192.0.2.2',
        options: [{ name: 'loose_source_route', addresses: ['192.0.2.5', '192.0.2.9'] }],
      }),
      udp({ dst_port: 7 }),
    );
    expect(source_route.subarray(-2)).toEqual(
      build(ipv4({ src: '192.0.2.1', dst: '192.0.2.9' }), udp({ dst_port: 7 })).subarray(-2),
    );
    expect(parse_ip(source_route).get('udp')?.checksum_ok).toBe(true);
  });

  test('and the home address of a mobile node', () => {
    const at_home = build(ipv6({ src: '2001:db8::77', dst: '2001:db8::2' }), udp({ dst_port: 7 }));
    const options = [
      { type: 0x1e, data: hex('05') },
      { name: 'home_address', address: '2001:db8::77' },
    ] as const;
    const extensions = [{ name: 'destination_options', options }] as const;
    const away = build(ipv6({ ...addresses6, extensions }), udp({ dst_port: 7 }));
    expect(away.subarray(-2)).toEqual(at_home.subarray(-2));
    expect(parse_ip(away).get('udp')?.checksum_ok).toBe(true);
  });

  test('without an IP layer, a checksum that needs one is 0', () => {
    expect(build(udp(), payload('x')).readUInt16BE(6)).toBe(0);
    expect(build(icmpv6.echo({ id: 1 })).readUInt16BE(2)).toBe(0);
    expect(build(icmp.echo({ id: 1 })).readUInt16BE(2)).not.toBe(0);
  });
});

test('a packet does not depend on the one before: a checksum without an IP layer, or an error, leaves nothing', () => {
  const data = Buffer.alloc(60, 1);
  const alone = build(ipv4({ protocol: 99 }), payload(data));
  build(udp(), payload(Buffer.alloc(20)));
  expect(build(ipv4({ protocol: 99 }), payload(data))).toEqual(alone);
  expect(() => build(ipv4({ ttl: 300 }), tcp(), payload(Buffer.alloc(20)))).toThrow(RangeError);
  expect(build(ipv4({ protocol: 99 }), payload(data))).toEqual(alone);
});

describe('what is given goes out as it is', () => {
  test('wrong lengths, numbers and checksums', () => {
    const bytes = build(
      ethernet({ ethertype: 0x1234 }),
      ipv4({
        ...addresses,
        version: 5,
        header_length: 60,
        total_length: 3,
        protocol: 99,
        checksum: 0,
        flags: 7,
        fragment_offset: 65_528,
      }),
      udp({ length: 1, checksum: 0xdead }),
    );
    expect(bytes.toString('hex', 12)).toBe(
      '1234' + '5f000003' + '0000ffff' + '40630000' + 'c0000201c6336402' + '000000000001dead',
    );
    expect(build(ipv4(), tcp({ data_offset: 60, flags: 0xfff, checksum: 1 })).readUInt16BE(32)).toBe(0xffff);
    expect(build(ipv6({ payload_length: 1, next_header: 255 })).subarray(4, 7)).toEqual(hex('0001ff'));
    expect(build(icmp.echo({ type: 99, checksum: 5 })).subarray(0, 4)).toEqual(hex('6300 0005'));
  });

  test('a parsed packet with one field changed', () => {
    const [ip, ...rest] = parse_ip(build(ipv4(addresses), icmp.echo({ id: 1 }))).layers;
    if (ip?.layer !== 'ipv4') throw new Error('no ipv4');
    const changed = build({ ...ip, ttl: 1, checksum: undefined }, ...rest);
    expect(parse_ip(changed).get('ipv4')).toMatchObject({ ttl: 1, checksum_ok: true });
    expect(parse_ip(build({ ...ip, ttl: 1 }, ...rest)).get('ipv4')).toMatchObject({
      ttl: 1,
      checksum_ok: false,
    });
  });

  test('layers in any order', () => {
    const bytes = build(udp(), ethernet(), tcp(), ipv4(), arp());
    expect(bytes).toHaveLength(8 + 14 + 20 + 20 + 28);
  });
});

describe('addresses', () => {
  test.each([
    ['::', '::'],
    ['::1', '::1'],
    ['2001:0DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['fe80:0:0:0:0:0:0:0', 'fe80::'],
    ['0:0:0:0:0:ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
  ])('%s is written %s', (given, expected) => {
    expect(parse_ip(build(ipv6({ src: given }))).get('ipv6')?.src).toBe(expected);
  });

  test.each([
    '',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.',
    '.1.2.3',
    '1..2.3',
    '01.2.3.4',
    '1.2.3.256',
    '1.2.3.1000',
    '1.2.3.4 ',
    '1.2.3.-4',
    'a.b.c.d',
  ])('no IPv4 address: "%s"', (dst) => expect(() => build(ipv4({ dst }))).toThrow(RangeError));

  test.each([
    '',
    ':::::',
    '0:1:2:3:4',
    '0:1:2:3:4:5:6',
    '0:1:2:3:4:5:',
    ':0:1:2:3:4',
    '0:1:2:3:4:@',
    '0:1:2:3:4:`',
    '0:1:2:3:4:g',
    '000:1:2:3:4:5',
    '0-1-2-3-4-5',
  ])('no link-layer address: "%s"', (dst) => expect(() => build(ethernet({ dst }))).toThrow(RangeError));

  test('link-layer addresses', () => {
    expect(parse(build(ethernet({ src: 'AF:fa:09:90:ff:FF' }))).get('ethernet')?.src).toBe(
      'af:fa:09:90:ff:ff',
    );
    expect(parse(build(ethernet({ src: 'A:b:C:0:10:ff' }))).get('ethernet')?.src).toBe('0a:0b:0c:00:10:ff');
  });
});

describe('parse', () => {
  test('a whole frame: typed layers, nothing wrong, the padding as trailer', () => {
    const frame = Buffer.concat([
      build(
        ethernet({ src: '02:00:00:00:00:01' }),
        vlan({ id: 7, priority: 5 }),
        ipv4(addresses),
        udp({ dst_port: 53 }),
        payload('hello'),
      ),
      Buffer.alloc(9),
    ]);
    const parsed = parse(frame);
    expect(names(parsed)).toEqual(['ethernet', 'vlan', 'ipv4', 'udp', 'payload']);
    expect(parsed).toMatchObject({ problems: [], truncated: false });
    expect(parsed.trailer).toEqual(Buffer.alloc(9));
    expect(parsed.get('vlan')).toEqual({ layer: 'vlan', priority: 5, dei: 0, id: 7, ethertype: 0x800 });
    expect(parsed.get('ipv4')?.ttl).toBe(64);
    expect(parsed.get('udp')).toMatchObject({ length: 13, checksum_ok: true });
    expect(parsed.get('payload')?.data.toString()).toBe('hello');
    expect(parsed.get('tcp')).toBeUndefined();
  });

  test('the memory of any view, and its offset', () => {
    const bytes = build(ipv4(addresses), icmp.echo({ id: 7 }));
    const memory = new SharedArrayBuffer(100);
    const view = new Uint8Array(memory, 33, bytes.length);
    view.set(bytes);
    expect(parse(view, { linktype: LINKTYPE_RAW }).get('icmp')).toMatchObject({
      name: 'echo',
      id: 7,
      checksum_ok: true,
    });
    expect(parse(new DataView(memory, 33, bytes.length), { linktype: LINKTYPE_IPV4 }).layers).toHaveLength(2);
  });

  test('link types', () => {
    const ip = build(ipv4(addresses), udp());
    for (const linktype of [12, 14, packet.LINKTYPE_RAW])
      expect(names(parse(ip, { linktype }))).toEqual(['ipv4', 'udp']);
    const ip6 = build(ipv6(addresses6), udp());
    expect(names(parse(ip6, { linktype: LINKTYPE_RAW }))).toEqual(['ipv6', 'udp']);
    expect(names(parse(ip6, { linktype: LINKTYPE_IPV6 }))).toEqual(['ipv6', 'udp']);
    expect(names(parse(Buffer.concat([hex('02000000'), ip]), { linktype: LINKTYPE_NULL }))).toEqual([
      'loopback',
      'ipv4',
      'udp',
    ]);
    expect(names(parse(Buffer.concat([hex('00000002'), ip]), { linktype: LINKTYPE_NULL }))).toEqual([
      'loopback',
      'ipv4',
      'udp',
    ]);
    for (const family of ['0a', '18', '1c', '1e']) {
      expect(names(parse(Buffer.concat([hex(`000000${family}`), ip6]), { linktype: LINKTYPE_LOOP }))).toEqual(
        ['loopback', 'ipv6', 'udp'],
      );
    }
    expect(names(parse(build(packet.linux_sll(), ipv4(), udp()), { linktype: LINKTYPE_LINUX_SLL }))).toEqual([
      'linux_sll',
      'ipv4',
      'udp',
    ]);
    expect(
      names(parse(build(packet.linux_sll2(), vlan(), arp()), { linktype: packet.LINKTYPE_LINUX_SLL2 })),
    ).toEqual(['linux_sll2', 'vlan', 'arp']);
    expect(names(parse(ip, { linktype: 147 }))).toEqual(['payload']);
    expect(parse(new Uint8Array(0), { linktype: 147 }).layers).toEqual([]);
  });

  test('tunnels: IP in IP, GRE with Ethernet, AH', () => {
    const layers = [
      ipv4(addresses),
      ipv6(addresses6),
      gre({ key: 7, seq: 1, flags: 0xb000 }),
      ethernet(),
      ipv4(addresses),
      packet.ah({ spi: 5, icv: Buffer.alloc(12) }),
      tcp(),
    ];
    const parsed = parse_ip(build(...layers));
    expect(names(parsed)).toEqual(['ipv4', 'ipv6', 'gre', 'ethernet', 'ipv4', 'ah', 'tcp']);
    expect(parsed.problems).toEqual([]);
    expect(parsed.get('gre')).toMatchObject({ key: 7, seq: 1, protocol: 0x6558, checksum_ok: true });
    expect(parsed.get('tcp')?.checksum_ok).toBe(true);
  });

  test('64 layers; what is behind them is payload, and a problem', () => {
    const tags = (count: number) => Array.from({ length: count }, (_, i) => vlan({ id: i }));
    for (const last of [ipv4(), payload('x')]) {
      const parsed = parse(build(ethernet(), ...tags(62), last));
      expect(parsed.layers).toHaveLength(64);
      expect(parsed.layers[63]?.layer).toBe(last.layer);
      expect(parsed.problems).toEqual([]);
    }
    for (const last of [ipv4(), payload('x')]) {
      const bytes = build(ethernet(), ...tags(63), last);
      const parsed = parse(bytes);
      expect(parsed.layers).toHaveLength(65);
      expect(parsed.layers[64]?.layer).toBe('payload');
      expect(parsed.problems).toMatchObject([{ layer: 'vlan', offset: 266, message: 'more than 64 layers' }]);
      expect(build(...parsed.layers)).toEqual(bytes);
    }
    expect(parse(build(ethernet(), ...tags(1000), ipv4())).layers).toHaveLength(65);
  });

  test('64 layers, those of quoted packets with them', () => {
    const nested = (errors: number, last: packet.Draft[]): packet.Draft[] =>
      errors === 0 ? last : [ipv4(), icmp.time_exceeded({ quoted: nested(errors - 1, last) })];
    const problems = (...layers: packet.Draft[]) => parse_ip(build(...layers)).problems;
    expect(problems(...nested(31, [ipv4(), payload('x')]))).toEqual([]);
    for (const last of [
      [ipv4(), udp(), payload('x')],
      [ipv4(), icmp.time_exceeded({ quoted: [ipv4()] })],
    ])
      expect(problems(...nested(31, last))).toMatchObject([{ message: 'more than 64 layers' }]);
  });

  test('extension headers', () => {
    const extensions = [
      {
        name: 'hop_by_hop',
        options: [
          { name: 'router_alert', value: 0 },
          { type: 0x3e, data: hex('0102') },
        ],
      },
      { name: 'routing', routing_type: 2, addresses: ['2001:db8::77'] },
      { name: 'ah', spi: 9, seq: 8, icv: Buffer.alloc(16, 1) },
      { name: 'fragment', id: 5 },
      { type: 135, data: Buffer.alloc(6) },
      { name: 'destination_options', options: [{ name: 'home_address', address: '2001:db8::5' }] },
    ] as const;
    const parsed = parse_ip(build(ipv6({ ...addresses6, extensions }), tcp()));
    expect(parsed.problems).toEqual([]);
    const got = parsed.get('ipv6')?.extensions ?? [];
    expect(got.map(({ type, name, next_header }) => [type, name, next_header])).toEqual([
      [0, 'hop_by_hop', 43],
      [43, 'routing', 51],
      [51, 'ah', 44],
      [44, 'fragment', 135],
      [135, 'unknown', 60],
      [60, 'destination_options', 6],
    ]);
    expect(parsed.get('tcp')?.checksum_ok).toBe(true);
  });

  test('fragments: the first is parsed on, a later one not; their checksums are unknown', () => {
    const whole = build(udp({ dst_port: 9, checksum: 1 }), payload(Buffer.alloc(100)));
    const first = parse_ip(
      build(ipv4({ ...addresses, flags: ipv4.MF, protocol: 17 }), payload(whole.subarray(0, 56))),
    );
    expect(names(first)).toEqual(['ipv4', 'udp', 'payload']);
    expect(first.problems).toEqual([]);
    expect(first.get('udp')).toMatchObject({ length: 108, checksum_ok: undefined });
    expect(first.get('ipv4')?.checksum_ok).toBe(true);
    const later = parse_ip(
      build(ipv4({ ...addresses, fragment_offset: 56, protocol: 17 }), payload(whole.subarray(56))),
    );
    expect(names(later)).toEqual(['ipv4', 'payload']);
    const fragment = (fields: object) =>
      ipv6({ ...addresses6, extensions: [{ name: 'fragment', ...fields }] });
    const first6 = parse_ip(
      build(fragment({ more_fragments: true, next_header: 17 }), payload(whole.subarray(0, 56))),
    );
    expect(names(first6)).toEqual(['ipv6', 'udp', 'payload']);
    expect(first6).toMatchObject({ problems: [], truncated: false });
    const later6 = parse_ip(
      build(fragment({ fragment_offset: 56, next_header: 17 }), payload(whole.subarray(56))),
    );
    expect(names(later6)).toEqual(['ipv6', 'payload']);
    // One that is whole by itself has checksums.
    const atomic = parse_ip(build(fragment({ id: 1 }), udp(), payload('x')));
    expect(atomic.get('udp')?.checksum_ok).toBe(true);
  });

  test('IPv4 length 0 means the rest', () => {
    const bytes = build(ipv4({ ...addresses, total_length: 0 }), tcp(), payload('rest'));
    const parsed = parse_ip(bytes);
    expect(parsed.problems).toEqual([]);
    expect(parsed.get('payload')?.data.toString()).toBe('rest');
    expect(parsed.get('tcp')?.checksum_ok).toBe(true);
  });

  test('a wrong checksum is not malformed', () => {
    const parsed = parse_ip(build(ipv4({ ...addresses, checksum: 1 }), tcp({ checksum: 2 })));
    expect(parsed.problems).toEqual([]);
    expect([parsed.get('ipv4')?.checksum_ok, parsed.get('tcp')?.checksum_ok]).toEqual([false, false]);
  });

  test('IEEE 802.3: a length instead of an ethertype', () => {
    const parsed = parse(
      Buffer.concat([build(ethernet({ ethertype: 3 }), payload('abc')), Buffer.alloc(10)]),
    );
    expect(names(parsed)).toEqual(['ethernet', 'llc']);
    expect(parsed.trailer).toHaveLength(10);
  });
});

describe('cut by the capture', () => {
  const whole = build(
    ethernet(),
    ipv4({ ...addresses, options: [{ name: 'router_alert' }] }),
    tcp({ options: [{ name: 'mss', mss: 9 }] }),
    payload('data'),
  );

  test('is truncated, not malformed, wherever it is cut', () => {
    for (let end = 0; end < whole.length; end++) {
      const parsed = parse(whole.subarray(0, end), { length: whole.length });
      expect(parsed, `${end} bytes`).toMatchObject({ problems: [], truncated: true });
      expect(parsed.get('tcp')?.checksum_ok).toBeUndefined();
    }
  });

  test('without the length on the wire, it is malformed', () => {
    const parsed = parse(whole.subarray(0, 50));
    expect(parsed.truncated).toBe(false);
    expect(parsed.problems.map(({ layer, offset, message }) => [layer, offset, message])).toEqual([
      ['ipv4', 16, 'total_length goes 16 bytes beyond the end'],
      ['tcp', 38, 'the header needs 20 bytes, 12 are there'],
    ]);
    expect(names(parsed)).toEqual(['ethernet', 'ipv4', 'payload']);
  });

  test('a length below the bytes that are there is ignored', () => {
    expect(parse(whole, { length: 5 })).toMatchObject({ problems: [], truncated: false });
  });
});

describe('malformed packets: what is wrong stands in problems, the rest is payload', () => {
  const problems = (bytes: Uint8Array, linktype = LINKTYPE_RAW) => {
    const parsed = parse(bytes, { linktype });
    return [
      names(parsed),
      parsed.problems.map(({ layer, offset, message }) => `${layer}@${offset}: ${message}`),
    ];
  };

  test.each<[string, Buffer, string[], string[]]>([
    ['version', build(ipv4({ version: 5 })), ['payload'], ['ipv4@0: version is 5, not 4']],
    [
      'header_length',
      build(ipv4({ header_length: 16 }), udp()),
      ['ipv4', 'payload'],
      ['ipv4@0: header_length is 16, less than the header'],
    ],
    [
      'no room for options',
      build(ipv4({ header_length: 24, total_length: 20 })),
      ['ipv4'],
      ['ipv4@2: total_length is 20, less than the header of 24'],
    ],
    [
      'total_length',
      build(ipv4({ total_length: 5 }), udp()),
      ['ipv4', 'payload'],
      ['ipv4@2: total_length is 5, less than the header of 20'],
    ],
    [
      'udp length',
      build(ipv4(), udp({ length: 7 }), payload('x')),
      ['ipv4', 'udp', 'payload'],
      ['udp@24: length is 7, less than the header'],
    ],
    [
      'udp length beyond',
      build(ipv4(), udp({ length: 10 }), payload('x')),
      ['ipv4', 'udp', 'payload'],
      ['udp@24: length goes 1 bytes beyond the end'],
    ],
    [
      'data_offset',
      build(ipv4(), tcp({ data_offset: 16 }), payload('x')),
      ['ipv4', 'tcp', 'payload'],
      ['tcp@32: data_offset is 16, less than the header'],
    ],
    [
      'data_offset beyond',
      build(ipv4(), tcp({ data_offset: 24 })),
      ['ipv4', 'tcp'],
      ['tcp@20: the header needs 24 bytes, 20 are there'],
    ],
    ['no header', build(ipv4({ protocol: 17 })), ['ipv4'], ['udp@20: the header needs 8 bytes, 0 are there']],
    [
      'payload_length',
      build(ipv6({ payload_length: 9 }), udp()),
      ['ipv6', 'udp'],
      ['ipv6@4: payload_length goes 1 bytes beyond the end'],
    ],
    [
      'option length 0',
      build(ipv4(), tcp({ options: [{ name: 'malformed', type: 2, data: hex('0200') }] })),
      ['ipv4', 'tcp'],
      ['tcp@40: option 2 does not fit: its length is 0, 4 bytes are there'],
    ],
    [
      'option beyond',
      build(
        ipv4({ options: [{ name: 'nop' }, { name: 'malformed', type: 7, data: hex('0727 04') }] }),
        udp(),
      ),
      ['ipv4', 'udp'],
      ['ipv4@21: option 7 does not fit: its length is 39, 3 bytes are there'],
    ],
    [
      'extension beyond',
      build(ipv6({ extensions: [{ name: 'destination_options', length: 80 }] }), udp()),
      ['ipv6', 'payload'],
      ['ipv6@40: the header needs 80 bytes, 16 are there'],
    ],
  ])('%s', (_, bytes, layers, expected) => {
    expect(problems(bytes)).toEqual([layers, expected]);
  });

  test('of Ethernet and below', () => {
    expect(problems(Buffer.alloc(5), 1)).toEqual([
      ['payload'],
      ['ethernet@0: the header needs 14 bytes, 5 are there'],
    ]);
    expect(problems(build(ethernet(), arp()).subarray(0, 40), 1)).toEqual([
      ['ethernet', 'payload'],
      ['arp@14: the header needs 28 bytes, 26 are there'],
    ]);
    expect(problems(new Uint8Array(0), 1)).toEqual([
      [],
      ['ethernet@0: the header needs 14 bytes, 0 are there'],
    ]);
  });
});

describe('ICMP errors', () => {
  const probe = build(
    ipv4({ ...addresses, ttl: 1 }),
    udp({ src_port: 4000, dst_port: 33_434 }),
    payload('0123456789'),
  );

  test('quote a packet, however short', () => {
    for (const size of [0, 1, 19, 20, 27, 28, 30, probe.length]) {
      const parsed = parse_ip(build(ipv4(), icmp.time_exceeded({ quoted: probe.subarray(0, size) })));
      expect(parsed.problems, `${size} bytes`).toEqual([]);
      const error = parsed.get('icmp');
      if (error?.name !== 'time_exceeded') throw new Error('no error');
      expect(error).toMatchObject({ type: 11, checksum_ok: true, extensions: [], length: 0 });
      expect(build(...error.quoted)).toEqual(probe.subarray(0, size));
      const quoted_udp = error.quoted.find((layer) => layer.layer === 'udp');
      if (size >= 28)
        expect(quoted_udp).toMatchObject({ dst_port: 33_434, length: 18, checksum_ok: undefined });
      expect(error.quoted.find((layer) => layer.layer === 'ipv4')?.checksum_ok).toBeUndefined();
    }
  });

  test('with MPLS labels behind it', () => {
    const labels = [
      { label: 24_001, ttl: 1, traffic_class: 2 },
      { label: 3, ttl: 254 },
    ];
    const extensions = [
      { name: 'mpls', labels },
      { class: 2, type: 10, data: hex('00000001') },
    ] as const;
    const parsed = parse_ip(
      build(ipv4(), icmp.destination_unreachable({ code: 4, next_hop_mtu: 1400, quoted: probe, extensions })),
    );
    expect(parsed.problems).toEqual([]);
    expect(parsed.get('icmp')).toMatchObject({
      length: 128,
      next_hop_mtu: 1400,
      extensions_ok: true,
      extensions: [
        {
          class: 1,
          type: 1,
          name: 'mpls',
          labels: [
            { ...labels[0], bottom: false },
            { ...labels[1], bottom: true },
          ],
        },
        { class: 2, type: 10, name: 'unknown', data: hex('00000001') },
      ],
    });
    const parsed6 = parse_ip(
      build(ipv6(addresses6), icmpv6.time_exceeded({ quoted: [ipv6(addresses6), udp()], extensions })),
    );
    expect(parsed6.get('icmpv6')).toMatchObject({ length: 128, extensions_ok: true, checksum_ok: true });
  });

  test('with extensions of routers that do not tell the length', () => {
    const extensions = [{ name: 'mpls', labels: [{ label: 5 }] }] as const;
    const parsed = parse_ip(build(ipv4(), icmp.time_exceeded({ quoted: probe, extensions, length: 0 })));
    expect(parsed.get('icmp')).toMatchObject({ length: 0, extensions: [{ name: 'mpls' }] });
  });

  test('redirect, parameter problem, packet too big', () => {
    expect(
      parse_ip(build(ipv4(), icmp.redirect({ gateway: '192.0.2.7', quoted: probe }))).get('icmp'),
    ).toMatchObject({ gateway: '192.0.2.7' });
    expect(
      parse_ip(build(ipv4(), icmp.parameter_problem({ pointer: 20, quoted: probe }))).get('icmp'),
    ).toMatchObject({ pointer: 20 });
    const too_big = parse_ip(
      build(ipv6(addresses6), icmpv6.packet_too_big({ mtu: 1280, quoted: [ipv6(addresses6), tcp()] })),
    );
    expect(too_big.get('icmpv6')).toMatchObject({
      type: 2,
      mtu: 1280,
      quoted: [{ layer: 'ipv6' }, { layer: 'tcp' }],
    });
  });
});

test.each([0, 1, 2, 5])('ARP for addresses of IPv4 with %i bytes goes round', (length) => {
  const bytes = build(
    payload(Buffer.concat([hex('0001 0800 06'), Buffer.of(length), Buffer.alloc(14 + 2 * length, 7)])),
  );
  const frame = build(ethernet({ ethertype: 0x0806 }), payload(bytes));
  const parsed = parse(frame);
  expect(parsed.get('arp')).toMatchObject({ protocol_length: length });
  expect(build(...parsed.layers)).toEqual(frame);
});

describe('reserved bits', () => {
  const ones = (size: number): Buffer => Buffer.alloc(size, 0xff);
  const message = (type: number, body: number): Buffer => Buffer.concat([Buffer.from([type]), ones(body)]);

  test.each([4, 10])('of ICMP message %i go round', (type) => {
    const bytes = build(ipv4({ ...addresses, protocol: 1 }), payload(message(type, 7)));
    const parsed = parse_ip(bytes);
    expect(parsed.get('icmp')).toMatchObject({ type, reserved: 0xffffffff });
    expect(build(...parsed.layers)).toEqual(bytes);
  });

  test.each([
    [icmp.destination_unreachable, 0x12000000],
    [icmp.time_exceeded, 0x12003456],
    [icmp.parameter_problem, 0x1234],
  ])('of ICMP errors stand beside what has a meaning', (make, reserved) => {
    const bytes = build(ipv4(addresses), make({ reserved, quoted: [ipv4(), udp()], length: 28 }));
    expect(parse_ip(bytes).get('icmp')).toMatchObject({ reserved, length: 28, checksum_ok: true });
    expect(build(...parse_ip(bytes).layers)).toEqual(bytes);
  });

  test.each([
    [130, 19, 0xffff],
    [131, 23, 0xffff],
    [132, 23, 0xffff],
    [133, 7, 0xffffffff],
    [135, 23, 0xffffffff],
    [136, 23, 0xffffff],
    [137, 39, 0xffffffff],
  ])('of ICMPv6 message %i go round', (type, size, reserved) => {
    const body = message(type, type === 130 ? 23 : size);
    const bytes = build(ipv6({ ...addresses6, next_header: 58 }), payload(body));
    const parsed = parse_ip(bytes);
    expect(parsed.problems).toEqual([]);
    expect(parsed.get('icmpv6')).toMatchObject({ type, reserved });
    expect(build(...parsed.layers)).toEqual(bytes);
  });

  test('of a multicast listener report stand in front of the number of its records', () => {
    const records = [{ type: 4, group: 'ff02::1' }];
    const bytes = build(
      ipv6(addresses6),
      icmpv6.multicast_listener_report_v2({ records, reserved: 0xabcd0000 }),
    );
    expect(parse_ip(bytes).get('icmpv6')).toMatchObject({ reserved: 0xabcd0000, records });
    expect(build(...parse_ip(bytes).layers)).toEqual(bytes);
  });

  test('of a fragment header, and of a cooked one, go round', () => {
    const data = hex('11 ff 000f 12345678');
    const bytes = build(ipv6({ ...addresses6, next_header: 44 }), payload(data));
    const parsed = parse_ip(bytes);
    expect(parsed.get('ipv6')?.extensions).toMatchObject([
      { name: 'fragment', reserved: 0x3ff, fragment_offset: 8, more_fragments: true, id: 0x12345678 },
    ]);
    expect(build(...parsed.layers)).toEqual(bytes);

    const cooked = build(packet.linux_sll2({ reserved: 0xabcd }), payload('x'));
    const { layers } = parse(cooked, { linktype: packet.LINKTYPE_LINUX_SLL2 });
    expect(layers[0]).toMatchObject({ layer: 'linux_sll2', reserved: 0xabcd });
    expect(build(...layers)).toEqual(cooked);
  });

  test('cannot be bits that have a meaning', () => {
    const wrong = (make: () => unknown, text: string): void => expect(make).toThrow(new RangeError(text));
    wrong(
      () => build(icmp.time_exceeded({ reserved: 0x10000 })),
      'icmp.reserved must be within 0xff00ffff, not 0x10000',
    );
    wrong(
      () => build(icmpv6.neighbor_advertisement({ reserved: 2 ** 31 })),
      'icmpv6.reserved must be within 0xffffff, not 0x80000000',
    );
    wrong(
      () => build(icmp.source_quench({ reserved: -1 })),
      'icmp.reserved must be between 0 and 4294967295, not -1',
    );
    wrong(
      () => build(ipv6({ extensions: [{ name: 'fragment', reserved: 1024 }] })),
      'ipv6.extensions[0].reserved must be between 0 and 1023, not 1024',
    );
    const fields: object = { reserved: 1 };
    expect(() => icmp.echo(fields)).toThrow('icmp.echo has no field reserved');
  });
});

test('an authentication header as long as it says, if not a multiple of 8 bytes, goes round', () => {
  const extension = { name: 'ah', length: 20, icv: Buffer.alloc(8, 1) } as const;
  const bytes = build(ipv6({ ...addresses6, extensions: [extension] }), udp());
  expect(bytes).toHaveLength(40 + 20 + 8);
  expect(build(...parse_ip(bytes).layers)).toEqual(bytes);
  const padded = build(ipv6({ ...addresses6, extensions: [{ ...extension, length: undefined }] }), udp());
  expect(padded).toHaveLength(40 + 24 + 8);
});

describe('as text', () => {
  test('hexdump', () => {
    expect(hexdump(Buffer.from('0123456789abcdef\n\x7fé'))).toBe(
      [
        '0000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  0123456789abcdef',
        '0010  0a 7f c3 a9                                       ....',
      ].join('\n'),
    );
    expect(hexdump(new Uint8Array(0))).toBe('');
    // @ts-expect-error no bytes
    expect(() => hexdump('text')).toThrow(TypeError);
  });

  test('show escapes what could steer a terminal or look like a line', () => {
    const text = 'x\u001b[2J\nudp\u202e\u009b';
    const shown = 'x\\u001b[2J\\u000audp\\u202e\\u009b';
    expect(show(packet.lldp({ tlvs: [{ name: 'system_name', text }] }))).toContain(`      text  ${shown}`);
    expect(show(packet.dhcp({ sname: text }))).toBe(`dhcp\n  sname  ${shown}`);
  });

  test('show', () => {
    const frame = build(
      ethernet(),
      ipv4({ ...addresses, flags: ipv4.DF }),
      tcp({ flags: tcp.SYN | tcp.ACK, options: [{ name: 'mss', mss: 1460 }] }),
      payload('hi'),
    );
    const text = show(parse(Buffer.concat([frame, Buffer.alloc(2)]), { length: 100 }));
    for (const line of [
      'ethernet',
      '  ethertype  0x0800 (ipv4)',
      '  flags            0x2 (DF)',
      '  protocol         6 (tcp)',
      '  dst              198.51.100.2',
      '  flags        0x12 (SYN, ACK)',
      '    mss (2)',
      '      mss  1460',
      '  data  2 bytes',
      '    0000  68 69                                             hi',
      'trailer  2 bytes',
      'truncated by the capture',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
    expect(text).toMatch(/^ {2}checksum {9}0x[0-9a-f]{4} \(correct\)$/m);
    expect(show(parse(hex('45'), { linktype: LINKTYPE_IPV4 }))).toContain(
      'problem  ipv4 at byte 0: the header needs 20 bytes, 1 are there',
    );
    expect(show(ipv4({ ttl: 3 }))).toBe('ipv4\n  ttl  3');
    expect(show([icmp.echo({ id: 1 }), payload('')])).toBe('icmp echo\n  id  1\npayload\n  data  empty');
    const error = show([icmp.time_exceeded({ quoted: [ipv4({ ttl: 1 })] })]);
    expect(error).toBe('icmp time_exceeded\n  quoted\n    ipv4\n      ttl  1');
    // @ts-expect-error no packet
    expect(() => show('text')).toThrow(TypeError);
  });
});
