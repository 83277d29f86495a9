// UDP-Lite: what its checksum covers, and the protocols behind its ports.
import * as packet from 'bsd-sockets/packet';
import { describe, expect, test } from 'vitest';

const { build, dns, ipv4, ipv6, parse, payload, udplite } = packet;
const RAW = { linktype: packet.LINKTYPE_RAW };
const ends = [ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }), ipv6({ src: '2001:db8::1', dst: '2001:db8::2' })];
const ports = { src_port: 61_001, dst_port: 61_002 };

describe.each(ends)('in $layer', (ip) => {
  test.each([0, 8, 9, 12, 13])('a coverage of %i: bytes that it does not cover may change', (coverage) => {
    const bytes = build(ip, udplite({ ...ports, coverage }), payload('hello'));
    const header = bytes.length - 13;
    const parsed = parse(bytes, RAW);
    expect(parsed.get('udplite')).toMatchObject({ ...ports, coverage, checksum_ok: true });
    expect(parsed.problems).toEqual([]);
    for (let i = 0; i < 13; i++) {
      const damaged = Buffer.from(bytes);
      damaged[header + i] = (damaged[header + i] ?? 0) ^ 0x10;
      // A changed coverage is another datagram.
      if (i === 4 || i === 5) continue;
      const is_covered = coverage === 0 || i < coverage;
      expect([i, parse(damaged, RAW).get('udplite')?.checksum_ok]).toEqual([i, !is_covered]);
    }
  });

  test.each([1, 7, 14, 0xffff])('a coverage of %i is a problem, and goes round', (coverage) => {
    const bytes = build(ip, udplite({ ...ports, coverage }), payload('hello'));
    const parsed = parse(bytes, RAW);
    expect(parsed.problems).toMatchObject([
      {
        layer: 'udplite',
        message: `coverage is ${coverage}, neither 0 nor from 8 to the length, 13`,
      },
    ]);
    expect(parsed.get('udplite')?.checksum_ok).toBeUndefined();
    expect(build(...parsed.layers)).toEqual(bytes);
  });

  test('of a datagram that a capture cut, the checksum is known if the covered bytes are there', () => {
    const bytes = build(ip, udplite({ ...ports, coverage: 10 }), payload('hello'));
    const cut_at = (end: number) => parse(bytes.subarray(0, end), { ...RAW, length: bytes.length });
    expect(cut_at(bytes.length - 3).get('udplite')?.checksum_ok).toBe(true);
    expect(cut_at(bytes.length - 4).get('udplite')?.checksum_ok).toBeUndefined();
    expect(cut_at(bytes.length - 4).problems).toEqual([]);
  });
});

test('the bytes of a header, and protocols at the ports of UDP', () => {
  const query = build(ipv4(), udplite({ src_port: 0x1234 }), dns({ questions: [{ name: 'example.com' }] }));
  expect(query.subarray(20, 26)).toEqual(Buffer.from('123400350000', 'hex'));
  expect(query[9]).toBe(136);
  expect(parse(query, RAW).layers.map(({ layer }) => layer)).toEqual(['ipv4', 'udplite', 'dns']);
});

test('more than the coverage can say is covered whole', () => {
  const [ip] = ends;
  const bytes = build(ip ?? ipv4(), udplite(ports), payload(Buffer.alloc(65_507, 1)));
  expect(parse(bytes, RAW).get('udplite')?.checksum_ok).toBe(true);
});

test('wrong fields', () => {
  expect(() => build(udplite({ coverage: -1 }))).toThrow(
    new RangeError('udplite.coverage must be between 0 and 65535, not -1'),
  );
  expect(() => build(udplite({ dst_port: 'domain' as never }))).toThrow(
    new TypeError('udplite.dst_port must be an integer, not "domain"'),
  );
  expect(() => udplite({ length: 8 } as never)).toThrow(/^udplite has no field length; it has src_port,/);
});
