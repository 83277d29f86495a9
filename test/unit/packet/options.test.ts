// bsd-sockets/packet: the values of options of neighbour discovery and IPv4, and multicast listeners: there and back, and misuse.
import * as packet from 'bsd-sockets/packet';
import { describe, expect, test } from 'vitest';

const { build, icmpv6, ipv4, ipv6, parse } = packet;
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const addresses6 = { src: '2001:db8::1', dst: '2001:db8::2' };
const parse_ip = (bytes: Uint8Array) => parse(bytes, { linktype: packet.LINKTYPE_RAW });

describe('neighbour discovery and multicast listeners', () => {
  const through = (message: packet.Icmpv6Draft) => {
    const parsed = parse_ip(build(ipv6(addresses6), message));
    expect(parsed.problems).toEqual([]);
    expect(build(...parsed.layers)).toEqual(build(ipv6(addresses6), message));
    return parsed.get('icmpv6');
  };

  test('options, typed', () => {
    const options = [
      { name: 'source_link_layer', address: '02:00:00:00:00:01' },
      { name: 'mtu', mtu: 1500 },
      { name: 'prefix_information', prefix: '2001:db8:1::', prefix_length: 64 },
      { name: 'rdnss', lifetime: 600, addresses: ['2001:db8::53', '2001:db8::54'] },
      { type: 200, data: Buffer.alloc(14, 3) },
    ] as const;
    const message = through(
      icmpv6.router_advertisement({ hop_limit: 64, flags: 0x80, router_lifetime: 1800, options }),
    );
    expect(message).toMatchObject({ type: 134, hop_limit: 64, flags: 0x80, router_lifetime: 1800, options });
    expect(through(icmpv6.neighbor_solicitation({ target: 'fe80::2', options: [options[0]] }))).toMatchObject(
      { target: 'fe80::2' },
    );
    expect(through(icmpv6.neighbor_advertisement({ target: 'fe80::2', flags: 0x60 }))).toMatchObject({
      flags: 0x60,
      options: [],
    });
    const redirected = [{ name: 'redirected_header', packet: Buffer.alloc(48, 6) }] as const;
    expect(
      through(icmpv6.redirect({ target: 'fe80::2', dst: '2001:db8::5', options: redirected })),
    ).toMatchObject({ dst: '2001:db8::5' });
    expect(through(icmpv6.router_solicitation())).toMatchObject({ type: 133, options: [] });
  });

  const only = (option: packet.NdpOptionFields): packet.NdpOption | undefined => {
    const message = through(icmpv6.router_solicitation({ options: [option] }));
    return message?.name === 'router_solicitation' ? message.options[0] : undefined;
  };

  test('routes: as many bytes of the prefix as there were, else as are needed', () => {
    const route = { name: 'route_information', flags: 0x18, lifetime: 600, prefix_length: 48 } as const;
    expect(only({ ...route, prefix: '2001:db8:7::' })).toMatchObject({
      ...route,
      data: hex('3018 00000258 20010db800070000'),
      prefix: '2001:db8:7::',
    });
    for (const [prefix, prefix_length, size] of [
      ['::', 0, 6],
      ['::', 1, 14],
      ['::', 65, 22],
      ['2001:db8::1', 48, 22],
      ['2001:db8::', 128, 22],
    ] as const)
      expect(only({ name: 'route_information', prefix, prefix_length })?.data).toHaveLength(size);
    // Some routers always send all of it.
    const data = hex('3000 ffffffff 20010db8000700000000000000000000');
    expect(only({ type: 24, data })).toMatchObject({
      name: 'route_information',
      prefix: '2001:db8:7::',
      data,
    });
    expect(only({ type: 24, data: Buffer.alloc(30) })).toMatchObject({ name: 'unknown' });
    expect(only({ name: 'route_information', prefix: '::' })).toMatchObject({
      prefix_length: 64,
      lifetime: 1800,
    });
  });

  test('search lists', () => {
    const domains = ['example.org', 'a.b.c'];
    expect(only({ name: 'dnssl', lifetime: 5, domains })).toMatchObject({
      lifetime: 5,
      domains,
      data: hex('0000 00000005 07 6578616d706c65 03 6f7267 00 01 61 01 62 01 63 00 00000000'),
    });
    const names = (text: string) => ({ type: 31, data: Buffer.from(`\0\0\0\0\0\x05${text}`, 'latin1') });
    expect(only(names('\x03lan\0\0\0\0'))).toMatchObject({ domains: ['lan'] });
    // Building these names would give other bytes.
    for (const text of [
      '\x03a.b\0\0\0\0',
      '\x03a b\0\0\0\0',
      '\x03l\xe4n\0\0\0\0',
      '\x03lan\0\0\0\x01',
      '\x07lan\0\0\0\0',
      '\x02lan\xc0\x00\0\0',
      `\x03lan${'\0'.repeat(12)}`,
      `${'\x03lan'.repeat(64)}\0`.padEnd(264, '\0').slice(0, 258),
    ])
      expect(only(names(text))).toMatchObject({ name: 'unknown' });
    expect(only({ type: 31, data: hex('0001 00000005 036c616e00 000000') })).toMatchObject({
      name: 'unknown',
    });
  });

  test.each<[packet.NdpOptionFields, string]>([
    [{ name: 'route_information' }, 'prefix must be an IPv6 address'],
    [
      { name: 'route_information', prefix: '::', prefix_length: 256 },
      'prefix_length must be between 0 and 255',
    ],
    [{ name: 'route_information', prefix: '::', lifetime: -1 }, 'lifetime must be between 0 and'],
    [
      { name: 'route_information', prefix: '2001:db8::', data: Buffer.alloc(6) },
      ': data and the values disagree; leave one of them out',
    ],
    [{ name: 'dnssl' }, 'domains must be an array'],
    [{ name: 'dnssl', domains: ['a..b'] }, 'domains[0] must be a domain name in ASCII, not "a..b"'],
    [{ name: 'dnssl', domains: ['lan', ''] }, 'domains[1] must be a domain name in ASCII, not ""'],
    [{ name: 'dnssl', domains: ['x'.repeat(64)] }, 'domains[0] must be a domain name in ASCII'],
    [{ name: 'dnssl', domains: [`${'abc.'.repeat(63)}ab`] }, 'domains[0] must be a domain name in ASCII'],
    [{ name: 'dnssl', domains: ['b\u00fccher.example'] }, 'domains[0] must be a domain name in ASCII'],
    [{ name: 'dnssl', domains: [1 as never] }, 'domains[0] must be a string, not 1'],
  ])('%o is refused', (option, message) => {
    expect(() => only(option)).toThrow(message.startsWith(':') ? message : `icmpv6.options[0].${message}`);
  });

  test('multicast listeners', () => {
    expect(
      through(icmpv6.multicast_listener_query({ group: 'ff02::1', maximum_response_delay: 1000 })),
    ).toMatchObject({ version2: undefined });
    const version2 = { flags: 10, interval_code: 125, sources: ['2001:db8::1'] };
    expect(through(icmpv6.multicast_listener_query({ version2 }))).toMatchObject({ version2 });
    const records = [
      { type: 4, group: 'ff02::fb', sources: ['2001:db8::5', '2001:db8::6'], data: Buffer.alloc(4, 1) },
      { type: 3, group: 'ff02::2', sources: [], data: Buffer.alloc(0) },
    ];
    expect(through(icmpv6.multicast_listener_report_v2({ records }))).toMatchObject({ records });
    expect(through(icmpv6.multicast_listener_done({ group: 'ff02::fb' }))).toMatchObject({
      type: 132,
      group: 'ff02::fb',
    });
  });
});

describe('timestamps of IPv4', () => {
  const only = (option: packet.Ipv4OptionFields): packet.Ipv4Option | undefined => {
    const bytes = build(ipv4({ options: [option] }));
    const parsed = parse_ip(bytes);
    expect(build(...parsed.layers)).toEqual(bytes);
    return parsed.get('ipv4')?.options[0];
  };
  const times = [{ time: 1 }, { time: 0x80000002 }];
  const noted = [
    { address: '192.0.2.9', time: 77 },
    { address: '0.0.0.0', time: 0 },
  ];

  test('times only, with addresses, at given addresses', () => {
    expect(only({ name: 'timestamp', entries: times })).toMatchObject({
      ...{ pointer: 5, overflow: 0, flag: 0, entries: times },
      data: hex('05 00 00000001 80000002'),
    });
    expect(only({ name: 'timestamp', pointer: 13, overflow: 3, entries: noted })).toMatchObject({
      ...{ pointer: 13, overflow: 3, flag: 1, entries: noted },
      data: hex('0d 31 c0000209 0000004d 00000000 00000000'),
    });
    expect(only({ name: 'timestamp', flag: 3, entries: noted })).toMatchObject({ flag: 3, entries: noted });
    expect(only({ name: 'timestamp', flag: 1, entries: times })).toMatchObject({
      entries: [{ address: '0.0.0.0' }, {}],
    });
    expect(only({ name: 'timestamp' })).toMatchObject({ data: hex('0500'), entries: [] });
    for (const data of ['05', '0502 00000000', '0500 000000', '0501 00000000'])
      expect(only({ type: 68, data: hex(data) })).toMatchObject({ name: 'unknown', data: hex(data) });
  });

  test.each<[object, string]>([
    [{ entries: 5 }, '.entries must be an array, not 5'],
    [{ entries: [null] }, '.entries[0]: fields must be an object, not null'],
    [
      { entries: [{ time: 0, adress: '192.0.2.1' }] },
      '.entries[0] has no field adress; it has address, time',
    ],
    [{ entries: [{}] }, '.entries[0].time must be an integer, not undefined'],
    [{ entries: [{ address: 'x', time: 0 }] }, '.entries[0].address must be an IPv4 address, not "x"'],
    [{ flag: 2 }, '.flag must be 0, 1 or 3, not 2'],
    [{ flag: 0, entries: noted }, '.flag is 0, which is without addresses'],
    [{ overflow: 16 }, '.overflow must be between 0 and 15, not 16'],
    [{ pointer: 256 }, '.pointer must be between 0 and 255, not 256'],
    [{ entries: times, data: Buffer.alloc(2) }, ': data and the values disagree; leave one of them out'],
  ])('%o is refused', (fields, message) => {
    const option = { name: 'timestamp', ...fields } as packet.Ipv4OptionFields;
    expect(() => only(option)).toThrow(`ipv4.options[0]${message}`);
    expect(() => only({ name: 'timestamp', entries: Array(10).fill({ time: 0 }) })).toThrow(
      'ipv4.options are 44 bytes, 40 are possible',
    );
  });
});
