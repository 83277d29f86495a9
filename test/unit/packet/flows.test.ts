// fragment, reassemble and streams: work on several packets.
import * as packet from 'bsd-sockets/packet';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const { build, ethernet, fragment, ipv4, ipv6, parse, payload, reassemble, streams, tcp, udp } = packet;
const addresses = { src: '192.0.2.1', dst: '198.51.100.2' };
const addresses6 = { src: '2001:db8::1', dst: '2001:db8::2' };
const raw = packet.LINKTYPE_RAW;
const data = (size: number): Buffer => Buffer.from(Array.from({ length: size }, (_, i) => i % 251));
const as_packets = (list: readonly packet.Draft[][], linktype = raw) =>
  list.map((layers) => ({ data: build(...layers), linktype }));

describe('fragment', () => {
  test('IPv4: sizes, offsets, flags, one id, and options that are copied or not', () => {
    const options = [{ name: 'record_route', addresses: ['0.0.0.0'] }, { name: 'router_alert' }] as const;
    const layers = [
      ethernet(),
      ipv4({ ...addresses, id: 7, options }),
      udp({ dst_port: 9 }),
      payload(data(100)),
    ];
    const pieces = fragment(layers, 68).map((piece) => build(...piece));
    const parsed = pieces.map((bytes) => parse(bytes));
    expect(parsed.map(({ problems }) => problems)).toEqual(parsed.map(() => []));
    const headers = parsed.map((found) => found.get('ipv4'));
    expect(
      headers.map((ip) => [ip?.fragment_offset, ip?.flags, ip?.id, ip?.total_length, ip?.checksum_ok]),
    ).toEqual([
      [0, 1, 7, 64, true],
      [32, 1, 7, 64, true],
      [72, 0, 7, 60, true],
    ]);
    expect(headers.map((ip) => ip?.options.map(({ name }) => name))).toEqual([
      ['record_route', 'router_alert', 'eol'],
      ['router_alert'],
      ['router_alert'],
    ]);
    for (const bytes of pieces) expect(bytes.length).toBeLessThanOrEqual(68 + 14);
  });

  test('IPv6: headers up to the routing header are in each fragment', () => {
    const extensions = [
      { name: 'hop_by_hop', options: [{ name: 'router_alert' }] },
      { name: 'routing', routing_type: 2, addresses: ['2001:db8::9'] },
      { name: 'destination_options', options: [] },
    ] as const;
    const pieces = fragment([ipv6({ ...addresses6, extensions }), udp(), payload(data(3000))], 1280);
    const headers = pieces.map((piece) => parse(build(...piece), { linktype: raw }).get('ipv6'));
    expect(headers.map((ip) => ip?.extensions.slice(0, 3).map(({ name }) => name))).toEqual(
      headers.map(() => ['hop_by_hop', 'routing', 'fragment']),
    );
    const found = headers.map((ip) => ip?.extensions[2]);
    expect(new Set(found.map((header) => header?.name === 'fragment' && header.id)).size).toBe(1);
    expect(found).toMatchObject([
      { next_header: 60, fragment_offset: 0, more_fragments: true },
      { fragment_offset: 1200, more_fragments: true },
      { fragment_offset: 2400, more_fragments: false },
    ]);
  });

  test('of a fragment, and what fits', () => {
    const layers = [
      ipv4({ ...addresses, id: 3, flags: ipv4.MF, fragment_offset: 800, protocol: 17 }),
      payload(data(80)),
    ];
    const again = fragment(layers, 68).map((piece) => parse(build(...piece), { linktype: raw }).get('ipv4'));
    expect(again.map((ip) => [ip?.fragment_offset, ip?.flags])).toEqual([
      [800, 1],
      [848, 1],
    ]);
    expect(fragment(layers, 100)).toEqual([layers]);
  });

  test('misuse', () => {
    const big = [ipv4({ ...addresses, flags: ipv4.DF }), payload(data(100))];
    for (const [call, message] of [
      [() => fragment(5 as never, 1500), /^layers must be an array/],
      [() => fragment([udp()], 1500), /^layers must have ipv4 or ipv6, not "udp"/],
      [() => fragment(big, 1.5), /^mtu must be an integer/],
      [() => fragment(big, -1), /^mtu must be between 0/],
      [
        () => fragment(big, 68),
        /^the packet of 120 bytes must not be cut for an mtu of 68: ipv4.flags has DF/,
      ],
      [
        () => fragment([ipv4(), payload(data(100))], 27),
        /^mtu leaves 7 bytes behind the headers, and 8 are needed/,
      ],
      [
        () => fragment([ipv6({ extensions: [{ name: 'fragment' }] }), payload(data(99))], 68),
        /^layers have a fragment header/,
      ],
      [() => fragment([ipv4({ ttl: 300 }), payload('')], 68), /^ipv4.ttl must be between/],
    ] as const)
      expect(call).toThrow(message);
  });
});

describe('reassemble', () => {
  const whole = [ipv4({ ...addresses, id: 9 }), udp({ dst_port: 9 }), payload(data(500))];
  const pieces = as_packets(fragment(whole, 100));

  test('any packet, cut anywhere, in any order, with repetitions, between others', () => {
    const kinds = fc.constantFrom<packet.Draft[]>(
      [ipv4({ ...addresses, id: 9 })],
      [ethernet(), packet.vlan({ id: 5 }), ipv6(addresses6)],
      [ethernet(), ipv4({ ...addresses, id: 4 }), udp({ dst_port: 7 })],
      [ipv6({ ...addresses6, extensions: [{ name: 'destination_options', options: [] }] })],
      [ipv6({ ...addresses6, extensions: [{ name: 'hop_by_hop', options: [{ name: 'router_alert' }] }] })],
    );
    fc.assert(
      fc.property(
        kinds,
        fc.integer({ min: 1, max: 4000 }),
        fc.integer({ min: 100, max: 1500 }),
        fc.infiniteStream(fc.nat(1000)),
        (outer, size, mtu, random) => {
          const linktype = outer[0]?.layer === 'ethernet' ? 1 : raw;
          const layers = [...outer, payload(data(size))];
          const cut = as_packets(fragment(layers, mtu), linktype);
          const order = [...cut, ...cut.slice(1)].map((one) => ({ one, at: random.next().value }));
          // A repetition behind the end begins a packet of its own, which never ends.
          const shuffled = order.sort((a, b) => a.at - b.at).map(({ one }) => one);
          const other = { data: build(...outer.slice(0, -1), ipv4(), udp()), linktype };
          const found = [...reassemble([other, ...shuffled, other])];
          const expected = cut.length === 1 ? [other, ...cut, other] : undefined;
          if (expected !== undefined)
            expect(found.map((one) => one.data)).toEqual(expected.map((one) => one.data));
          const bytes = build(...layers);
          expect(found.filter((one) => one !== other).map((one) => one.data)[0]).toEqual(bytes);
          expect(found.every((one) => one === other || one.data.length === bytes.length)).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('fragments of fragments, and a packet in a tunnel', () => {
    const twice = fragment(whole, 300).flatMap((piece) => fragment(piece, 60));
    expect([...reassemble(as_packets(twice))].map((one) => one.data)).toEqual([build(...whole)]);
    const tunnel = fragment(whole, 200).flatMap((piece) => fragment([ipv6(addresses6), ...piece], 120));
    const [found, ...others] = reassemble(as_packets(tunnel));
    expect(others).toEqual([]);
    const parsed = parse(found?.data ?? Buffer.alloc(0), { linktype: raw });
    expect(parsed.problems).toEqual([]);
    expect(parsed.layers.map(({ layer }) => layer)).toEqual(['ipv6', 'ipv4', 'udp', 'payload']);
    expect(parsed.get('udp')?.checksum_ok).toBe(true);
  });

  test('a missing fragment, an overlap, the time, the limit', () => {
    const dropped = (list: packet.PacketBytes[], limit?: number) => {
      const whole_ones = reassemble(list, limit === undefined ? {} : { limit });
      return [[...whole_ones].length, whole_ones.dropped];
    };
    const none = { incomplete: 0, malformed: 0, limit: 0 };
    expect(dropped(pieces)).toEqual([1, none]);
    expect(dropped(pieces.slice(1))).toEqual([0, { ...none, incomplete: 1 }]);
    const shifted = [
      ipv4({ ...addresses, id: 9, protocol: 17, fragment_offset: 40, flags: ipv4.MF }),
      payload(data(80)),
    ];
    const overlap = [...pieces.slice(0, 1), ...as_packets([shifted])];
    expect(dropped(overlap)).toEqual([0, { ...none, malformed: 1 }]);
    const late = (seconds: bigint) =>
      pieces.map((piece, i) => ({
        ...piece,
        time_ns: BigInt(i) + (i === 0 ? 0n : seconds * 1_000_000_000n),
      }));
    expect(dropped(late(29n))).toEqual([1, none]);
    expect(dropped(late(31n))).toEqual([0, { ...none, incomplete: 2 }]);
    const many = Array.from({ length: 50 }, (_, id) =>
      as_packets(fragment([ipv4({ ...addresses, id: id + 1 }), payload(data(200))], 100)).slice(1),
    ).flat();
    const [count, lost] = dropped(many, 10_000);
    expect(count).toBe(0);
    expect(lost).toMatchObject({ malformed: 0 });
    expect((lost as typeof none).limit).toBeGreaterThan(25);
    const cut = { data: pieces[0]?.data.subarray(0, 30) ?? Buffer.alloc(0), linktype: raw, length: 100 };
    expect([...reassemble([cut])]).toEqual([cut]);
  });

  test('from and to anything that can be iterated', async () => {
    async function* later() {
      yield* pieces;
    }
    const found = [];
    for await (const one of reassemble(later())) found.push(one);
    expect(found.map((one) => one.data)).toEqual([build(...whole)]);
    expect(() => [...reassemble(later())]).toThrow(
      'packets gives its packets asynchronously: use `for await`',
    );
    expect(() => reassemble(5 as never)).toThrow(/^packets must be an iterable or an async iterable, not 5/);
    expect(() => [...reassemble([5 as never])]).toThrow(
      /^packet must be an object with data and linktype, not 5/,
    );
    expect(() => reassemble([], { limit: -1 })).toThrow(/^limit must be between 0/);
    expect(() => reassemble([], { limits: 1 } as never)).toThrow(/limits/);
    const time_ns = 5 as unknown as bigint;
    expect(() => [...reassemble([{ data: Buffer.alloc(1), time_ns }])]).toThrow(
      /^packet.time_ns must be a bigint/,
    );
  });
});

describe('streams', () => {
  const client = { src_port: 5000, dst_port: 80 };
  const server = { src_port: 80, dst_port: 5000 };
  const segment = (
    from: 'client' | 'server',
    fields: packet.TcpFields,
    bytes: Uint8Array = Buffer.alloc(0),
  ) => ({
    data: build(
      from === 'client' ? ipv4(addresses) : ipv4({ src: addresses.dst, dst: addresses.src }),
      tcp({ ...(from === 'client' ? client : server), ...fields }),
      payload(bytes),
    ),
    linktype: raw,
  });
  const text = (list: Iterable<packet.StreamPart>, from?: 'client' | 'server') =>
    [...list]
      .filter((part) => from === undefined || part.from === from)
      .map(
        ({ data: bytes, missing, end }) =>
          `${missing > 0 ? `<${missing}>` : ''}${bytes}${end ? `[${end}]` : ''}`,
      )
      .join('');
  const hello = [
    segment('client', { seq: 99, flags: tcp.SYN }),
    segment('server', { seq: 499, ack: 100, flags: tcp.SYN | tcp.ACK }),
  ];

  test('both directions, their ends, the addresses', () => {
    const found = [
      ...streams([
        ...hello,
        segment('client', { seq: 100, ack: 500, flags: tcp.ACK }, Buffer.from('GET')),
        segment('server', { seq: 500, ack: 103, flags: tcp.ACK | tcp.FIN }, Buffer.from('200')),
        segment('client', { seq: 103, ack: 504, flags: tcp.ACK | tcp.FIN }),
        segment('client', { seq: 103, ack: 504, flags: tcp.ACK | tcp.FIN }),
        segment('server', { seq: 504, ack: 104, flags: tcp.ACK }),
      ]),
    ];
    expect(found.map(({ from, data: bytes, end }) => [from, `${bytes}`, end])).toEqual([
      ['client', 'GET', undefined],
      ['server', '200', undefined],
      ['server', '', 'fin'],
      ['client', '', 'fin'],
    ]);
    expect(found[0]?.stream).toEqual({
      number: 0,
      client: ['192.0.2.1', 5000],
      server: ['198.51.100.2', 80],
    });
  });

  test('in any order, repeated, overlapping, around 2^32: the same data', () => {
    const cut = fc.array(fc.tuple(fc.nat(1000), fc.integer({ min: 1, max: 300 })), { maxLength: 40 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        cut,
        fc.nat(2000),
        fc.infiniteStream(fc.nat()),
        (size, cuts, back, random) => {
          const bytes = data(size);
          const isn = (2 ** 32 - back) >>> 0;
          const all: [number, number][] = [[0, size]];
          for (let at = 0; at < size; at += 100) all.push([at, 100]);
          const list = [...all.slice(1), ...cuts].map(([at, length]) => {
            const start = at % size;
            return segment('client', { seq: (isn + 1 + start) >>> 0 }, bytes.subarray(start, start + length));
          });
          list.push(segment('client', { seq: (isn + 1 + size) >>> 0, flags: tcp.FIN }));
          const shuffled = list.map((one) => ({ one, at: random.next().value })).sort((a, b) => a.at - b.at);
          const found = [
            ...streams([segment('client', { seq: isn, flags: tcp.SYN }), ...shuffled.map(({ one }) => one)]),
          ];
          expect(Buffer.concat(found.map((part) => part.data))).toEqual(bytes);
          expect(found.map(({ missing }) => missing)).toEqual(found.map(() => 0));
          expect(found.at(-1)?.end).toBe('fin');
        },
      ),
      { numRuns: 200 },
    );
  });

  test('of data that differ, those that came first count', () => {
    const list = [
      ...hello,
      segment('client', { seq: 103 }, Buffer.from('def')),
      segment('client', { seq: 100 }, Buffer.from('ABCDEFGHI')),
      segment('client', { seq: 101 }, Buffer.from('xyz')),
    ];
    expect(text(streams(list), 'client')).toBe('ABCdefGHI[lost]');
  });

  test('gaps: acknowledged by the other side, at the end, by the limit', () => {
    const early = segment('client', { seq: 110 }, Buffer.from('late'));
    const acknowledged = segment('server', { seq: 500, ack: 114, flags: tcp.ACK });
    const in_time = segment('client', { seq: 100 }, Buffer.from('0123456789'));
    expect(text(streams([...hello, early, acknowledged, in_time]), 'client')).toBe('<10>late[lost]');
    expect(text(streams([...hello, early, in_time]), 'client')).toBe('0123456789late[lost]');
    expect(text(streams([...hello, early]), 'client')).toBe('<10>late[lost]');
    expect(text(streams([...hello, early, in_time], { limit: 3 }), 'client')).toBe('<10>late[lost]');
    const fin = segment('client', { seq: 105, flags: tcp.FIN });
    const all = segment('server', { seq: 500, ack: 106, flags: tcp.ACK });
    expect(text(streams([...hello, fin, all]), 'client')).toBe('<5>[fin]');
    expect(text(streams([...hello, fin]), 'client')).toBe('<5>[fin]');
  });

  test('data with a SYN, a reset, ports that are used again, a capture that begins in the middle', () => {
    const fast = segment('client', { seq: 99, flags: tcp.SYN }, Buffer.from('fast'));
    const reset = segment('server', { seq: 500, flags: tcp.RST });
    const again = segment('client', { seq: 7000, flags: tcp.SYN }, Buffer.from('again'));
    const found = [...streams([fast, hello[1] as never, reset, again])];
    expect(found.map(({ stream, from, data: bytes, end }) => [stream.number, from, `${bytes}`, end])).toEqual(
      [
        [0, 'client', 'fast', undefined],
        [0, 'server', '', 'reset'],
        [0, 'client', '', 'reset'],
        [1, 'client', 'again', undefined],
        [1, 'client', '', 'lost'],
      ],
    );
    const middle = [
      segment('client', { seq: 5, ack: 9, flags: tcp.ACK }, Buffer.from('here')),
      segment('server', { seq: 9, ack: 9, flags: tcp.ACK }, Buffer.from('there')),
      segment('client', { seq: 8, ack: 14, flags: tcp.ACK }, Buffer.from('e')),
    ];
    expect(text(streams(middle))).toBe('herethere[lost][lost]');
  });

  test('no more connections than the limit', () => {
    const list = [1, 2, 3].map((port) => ({
      data: build(ipv4(addresses), tcp({ src_port: port, dst_port: 80, seq: 1 }), payload(`${port}`)),
      linktype: raw,
    }));
    const found = [...streams(list, { connections: 1 })];
    expect(found.map(({ stream, data: bytes, end }) => [stream.client[1], `${bytes}`, end])).toEqual([
      [1, '1', undefined],
      [2, '2', undefined],
      [1, '', 'lost'],
      [3, '3', undefined],
      [2, '', 'lost'],
      [3, '', 'lost'],
    ]);
    expect(() => streams([], { connections: 0 })).toThrow(/^connections must be between 1/);
    expect(() => streams([], { limit: 0.5 })).toThrow(/^limit must be an integer/);
    expect([...streams([{ data: Buffer.alloc(0) }, { data: build(ipv4(), udp()), linktype: raw }])]).toEqual(
      [],
    );
  });
});
