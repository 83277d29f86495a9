// define_layer: layers of one's own, parsed, built and shown as the others are.
import * as packet from 'bsd-sockets/packet';
import fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';

const { build, define_layer, ethernet, field, ipv4, parse, payload, show, tcp, udp } = packet;
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const addresses = { src: '192.0.2.1', dst: '192.0.2.2' };

const tunnel = define_layer({
  name: 'tunnel',
  fields: {
    version: field.uint(2, 1),
    kind: field.uint(6),
    words: field.uint(8, ({ header }) => header / 4),
    size: field.uint(16, ({ header, data }) => header + data),
    vni: field.uint(24),
    reserved: field.uint(8),
    gateway: field.ipv4(),
    options: field.bytes((before) => Number(before.words) * 4 - 12),
  },
  bound_to: [udp.port(48_789), ethernet.type(0x88b6)],
  carries: ({ kind }) => (kind === 1 ? 'ethernet' : undefined),
});
const record = define_layer({
  name: 'record',
  fields: { kind: field.uint(16), mac: field.mac(), home: field.ipv6('::1'), data: field.bytes(4) },
  bound_to: [tcp.port(48_790), ipv4.protocol(253)],
});

describe("a layer of one's own", () => {
  const layers = [
    ipv4(addresses),
    udp({ src_port: 5 }),
    tunnel({ kind: 1, vni: 0x123456, options: hex('01020304') }),
    ethernet(),
  ];
  const bytes = build(...layers, ipv4(addresses), udp({ dst_port: 7 }), payload('hello'));

  test('is built: what is left out is worked out, and the port in front of it', () => {
    expect(bytes.subarray(20, 44)).toEqual(
      hex('0005 be95 0047 0000  41 04 003f 123456 00 00000000 01020304').fill(bytes.subarray(26, 28), 6, 8),
    );
    expect(build(ethernet(), record()).subarray(12, 14)).toEqual(hex('88b5'));
    expect(build(ipv4(addresses), record({ data: hex('01020304') }))).toHaveLength(48);
    expect(parse(build(ethernet(), tunnel())).layers.map(({ layer }) => String(layer))).toEqual([
      'ethernet',
      'tunnel',
    ]);
  });

  test('is parsed, with its types, and what it carries behind it', () => {
    const parsed = parse(bytes, { linktype: packet.LINKTYPE_RAW });
    expect(parsed.problems).toEqual([]);
    expect(parsed.layers.map(({ layer }) => String(layer))).toEqual([
      'ipv4',
      'udp',
      'tunnel',
      'ethernet',
      'ipv4',
      'udp',
      'payload',
    ]);
    const found = tunnel.get(parsed);
    expect(found).toEqual({
      layer: 'tunnel',
      version: 1,
      kind: 1,
      words: 4,
      size: 63,
      vni: 0x123456,
      reserved: 0,
      gateway: '0.0.0.0',
      options: hex('01020304'),
    });
    if (found !== undefined) {
      expectTypeOf(found.vni).toEqualTypeOf<number>();
      expectTypeOf(found.gateway).toEqualTypeOf<string>();
      expectTypeOf(found.options).toEqualTypeOf<Buffer>();
    }
    expect(build(...parsed.layers)).toEqual(bytes);
    expect(show(parsed)).toContain('tunnel\n  version   1\n  kind      1\n');
    expect(tunnel.get(parse(build(ethernet())))).toBeUndefined();
    const back = build(ipv4(addresses), udp({ src_port: 48_789, dst_port: 9 }), tunnel());
    expect(tunnel.get(parse(back, { linktype: packet.LINKTYPE_RAW }))?.version).toBe(1);
  });

  test('goes round, cut and with any bytes', () => {
    const flips = fc.array(fc.tuple(fc.nat(43), fc.nat(255)), { maxLength: 4 });
    fc.assert(
      fc.property(flips, fc.nat(bytes.length), fc.boolean(), (changes, end, is_cut) => {
        const part = Buffer.from(bytes);
        for (const [at, value] of changes) part[20 + (at % 24)] = value;
        const some = part.subarray(0, end);
        const length = is_cut ? bytes.length : end;
        const parsed = parse(some, { linktype: packet.LINKTYPE_RAW, length });
        expect(Buffer.concat([build(...parsed.layers), parsed.trailer])).toEqual(some);
        expect(show(parsed)).toBeTypeOf('string');
      }),
      { numRuns: 2000 },
    );
  });

  test('that is cut has the fields in front of the break', () => {
    const parsed = parse(bytes.subarray(0, 36), { linktype: packet.LINKTYPE_RAW, length: bytes.length });
    expect(tunnel.get(parsed)).toEqual({
      layer: 'tunnel',
      version: 1,
      kind: 1,
      words: 4,
      size: 63,
      vni: 0x123456,
      reserved: 0,
      cut: Buffer.alloc(0),
    });
    const short = build(ipv4(addresses), udp(), tunnel({ version: 1, kind: 2, cut: hex('ff') }));
    expect(short.subarray(28)).toEqual(hex('42ff'));
  });

  test('that is malformed is a problem, and payload', () => {
    const parsed = parse(build(ipv4(addresses), udp({ dst_port: 48_789 }), payload(hex('4001'))), {
      linktype: packet.LINKTYPE_RAW,
    });
    expect(parsed.problems).toMatchObject([
      { layer: 'tunnel', message: 'the header needs 12 bytes, 2 are there' },
    ]);
    expect(parsed.get('payload')?.data).toEqual(hex('4001'));
    const none = parse(build(ipv4(addresses), udp(), tunnel({ words: 1 })), {
      linktype: packet.LINKTYPE_RAW,
    });
    expect(none.problems).toMatchObject([
      { message: 'no size of options follows from the fields in front of it' },
    ]);
  });

  test('in TCP: a segment without data, with a part of a record, with all of it', () => {
    const segment = (data: Uint8Array) =>
      parse(build(ipv4(addresses), tcp({ dst_port: 48_790 }), payload(data)), {
        linktype: packet.LINKTYPE_RAW,
      });
    expect(segment(Buffer.alloc(0))).toMatchObject({ problems: [], layers: [{}, { layer: 'tcp' }] });
    expect(record.get(segment(hex('0007 0102')))).toEqual({ layer: 'record', kind: 7, cut: hex('0102') });
    const whole = segment(Buffer.alloc(30, 1));
    expect(record.get(whole)).toMatchObject({ mac: '01:01:01:01:01:01', data: hex('01010101') });
    expect(whole.get('payload')?.data).toHaveLength(2);
    expect(build(ipv4(addresses), tcp(), record()).readUInt16BE(22)).toBe(48_790);
  });

  test('numbers of all sizes', () => {
    let count = 0;
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 48 }), { minLength: 1, maxLength: 8 }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        (sizes, random) => {
          const used = sizes.reduce((sum, size) => sum + size, 0);
          const all = used % 8 === 0 ? sizes : [...sizes, 8 - (used % 8)];
          const fields = Object.fromEntries(all.map((size, i) => [`f${i}`, field.uint(size)]));
          const make = define_layer({ name: `numbers${count++}`, fields, bound_to: [] });
          const values = Object.fromEntries(
            all.map((size, i) => [
              `f${i}`,
              Math.min(2 ** size - 1, Math.floor(random.next().value * 2 ** size)),
            ]),
          );
          const built = build(make(values));
          let expected = 0n;
          for (const [i, size] of all.entries())
            expected = (expected << BigInt(size)) | BigInt(values[`f${i}`] ?? 0);
          expect(BigInt(`0x${built.toString('hex')}`)).toBe(expected);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('takes the place of a protocol of the library at its port, and leaves it its name', () => {
    const bytes = build(ipv4(addresses), udp({ dst_port: 6081 }), payload(hex('0000 6558 00002a 00')));
    expect(parse(bytes, { linktype: packet.LINKTYPE_RAW }).get('geneve')?.vni).toBe(42);
    const mine = define_layer({
      name: 'mine',
      fields: { a: field.uint(32), b: field.uint(32) },
      bound_to: udp.port(6081),
    });
    const parsed = parse(bytes, { linktype: packet.LINKTYPE_RAW });
    expect(parsed.get('geneve')).toBeUndefined();
    expect(mine.get(parsed)).toEqual({ layer: 'mine', a: 0x6558, b: 0x2a00 });
    expect(build(ipv4(addresses), udp(), packet.geneve()).readUInt16BE(22)).toBe(6081);
    expect(build(ipv4(addresses), udp(), mine()).readUInt16BE(22)).toBe(6081);
    const other = { name: 'other', fields: { a: field.uint(8) } } as const;
    expect(() => define_layer({ ...other, bound_to: udp.port(6081) })).toThrow(
      new RangeError('bound_to: udp port 6081 is that of mine'),
    );
    expect(() => define_layer({ ...other, name: 'dns' })).toThrow(
      new RangeError('name: there is a layer dns already'),
    );
  });

  test('misuse', () => {
    const one = { a: field.uint(8) };
    for (const [call, message] of [
      [() => define_layer(5 as never), /^definition must be an object with name and fields, not 5/],
      [
        () => define_layer({ name: 'x', fields: one, port: 5 } as never),
        /^definition has no field port; it has name/,
      ],
      [() => define_layer({ name: 'Own', fields: one }), /^name must be small letters/],
      [() => define_layer({ name: 'tcp', fields: one }), /^name: there is a layer tcp already/],
      [() => define_layer({ name: 'tunnel', fields: one }), /^name: there is a layer tunnel already/],
      [
        () => define_layer({ name: 'own1', fields: 5 as never }),
        /^fields must be an object of fields, not 5/,
      ],
      [() => define_layer({ name: 'own1', fields: {} }), /^fields must have at least one field/],
      [() => define_layer({ name: 'own1', fields: { layer: field.uint(8) } }), /^fields.layer: the name/],
      [() => define_layer({ name: 'own1', fields: { a: 8 as never } }), /^fields.a must be a field such as/],
      [
        () => define_layer({ name: 'own1', fields: { a: field.uint(4) } }),
        /^fields have 4 bits, which are no whole bytes/,
      ],
      [
        () => define_layer({ name: 'own1', fields: { a: field.uint(4), b: field.ipv4() } }),
        /^fields.b does not begin/,
      ],
      [
        () => define_layer({ name: 'own1', fields: one, bound_to: 5 as never }),
        /^bound_to must be a place such as udp.port/,
      ],
      [
        () => define_layer({ name: 'own1', fields: one, bound_to: ethernet.type(0x800) }),
        /^bound_to: ethertype 2048 is that of ipv4/,
      ],
      [
        () => define_layer({ name: 'own1', fields: one, bound_to: udp.port(48_789) }),
        /^bound_to: udp port 48789 is that of tunnel/,
      ],
      [
        () => define_layer({ name: 'own1', fields: one, carries: 5 as never }),
        /^carries must be the name of a layer/,
      ],
      [() => udp.port(70_000), /^udp port must be between 0 and 65535, not 70000/],
      [() => ipv4.protocol(256), /^IP protocol must be between/],
      [() => ethernet.type('x' as never), /^ethertype must be an integer/],
      [() => field.uint(49), /^bits must be between 1 and 48/],
      [() => field.uint(4, 16), /^standard must be between 0 and 15/],
      [() => field.bytes(-1), /^size must be between 0/],
      [() => tunnel({ vnid: 1 } as never), /^tunnel has no field vnid; it has version, kind/],
      [() => build(tunnel({ vni: 2 ** 24 })), /^tunnel.vni must be between 0 and 16777215/],
      [() => build(tunnel({ gateway: '::1' })), /^tunnel.gateway must be an IPv4 address/],
      [() => build(record({ data: hex('01') })), /^record.data must have 4 bytes, not 1/],
      [() => build({ layer: 'tunnel', vnid: 1 } as never), /^tunnel has no field vnid/],
    ] as const)
      expect(call).toThrow(message);
    // A definition that failed has left nothing.
    expect(define_layer({ name: 'own1', fields: one })({ a: 1 })).toEqual({ layer: 'own1', a: 1 });
  });
});
