// bsd-sockets/packet: the error for every mistake in layers, options and arguments names the wrong part.
import * as packet from 'bsd-sockets/packet';
import { describe, expect, test } from 'vitest';

const { arp, build, ethernet, icmp, icmpv6, ipv4, ipv6, parse, payload, tcp, udp, vlan } = packet;
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const addresses = { src: '192.0.2.1', dst: '198.51.100.2' };

describe('misuse', () => {
  const throws = (make: () => unknown, error: Error) => expect(make).toThrow(error);

  test('of IGMP, MPLS, ESP', () => {
    const { esp, igmp, mpls } = packet;
    for (const [draft, message] of [
      [mpls({ label: 2 ** 20 }), /^mpls.label must be between 0 and 1048575/],
      [mpls({ traffic_class: 8 }), /^mpls.traffic_class must be between 0 and 7/],
      [mpls({ ttl: 256 }), /^mpls.ttl must be between/],
      [esp({ spi: -1 }), /^esp.spi must be between/],
      [igmp.report({ group: '::1' }), /^igmp.group must be an IPv4 address/],
      [igmp.report({ code: 256 }), /^igmp.code must be between/],
      [igmp.query({ version3: { sources: ['x'] } }), /^igmp.sources\[0\] must be an IPv4 address/],
      [igmp.query({ version3: { flag: 1 } as object }), /^igmp.version3 has no field flag/],
      [
        igmp.report_v3({ records: [{ data: Buffer.alloc(3) }] }),
        /^igmp.records\[0\].data must be a multiple of 4/,
      ],
      [igmp.report_v3({ count: 65_536 }), /^igmp.count must be between/],
    ] as const)
      expect(() => build(draft)).toThrow(message);
  });

  test('what a maker refuses, build refuses in a layer made by hand, in the same words', () => {
    const { icmp, icmpv6, igmp, payload: _, ...others } = packet;
    const makers = Object.entries({ ...others, icmp, icmpv6, igmp }).filter(([name]) =>
      /^(ethernet|vlan|arp|ipv4|ipv6|icmp|icmpv6|igmp|udp|udplite|tcp|gre|ah|esp|mpls|linux_sll2?|loopback|llc|snap|stp|cdp|lldp|pppoe[ds]|ppp|lcp|ipcp|ipv6cp|pap|chap|sctp|vrrp|nflog|netlink|can|radiotap|wlan|dns|dhcp|dhcpv6|ntp|ntp_control|vxlan|geneve)$/.test(
        name,
      ),
    );
    const messages = Object.entries({ icmp, icmpv6, igmp }).flatMap(([layer, maker]) =>
      Object.entries(maker).map(([name, make]) => [layer, make, name] as const),
    );
    expect(makers.length + messages.length).toBe(18 + 20 + 7 + 30 + 38 + 5);
    for (const [layer, maker, name] of [...makers, ...messages]) {
      const refused = (make: unknown, fields: object) => {
        try {
          if (typeof make === 'function') make(fields);
        } catch (error) {
          return String(error);
        }
        return 'not refused';
      };
      const tag = name === undefined ? { layer } : { layer, name };
      const words = refused(maker, { tll: undefined });
      expect(words).toContain(
        `TypeError: ${layer}${name === undefined ? '' : `.${name}`} has no field tll; it has `,
      );
      expect(refused(build, { ...tag, tll: undefined })).toBe(words);
      expect(build(tag as packet.Draft)).toBeInstanceOf(Buffer);
    }
    expect(() => build({ layer: 'payload', data: 'x', size: 1 } as packet.Draft)).toThrow(
      new TypeError('payload has no field size; it has data'),
    );
    expect(() =>
      build(ipv4(), icmp.time_exceeded({ quoted: [{ ...ipv4(), tll: 1 } as packet.Draft] })),
    ).toThrow(/^ipv4 has no field tll; it has version, /);
  });

  test.each<[string, packet.Draft, string]>([
    [
      'tcp',
      tcp({ options: [{ name: 'mss', mss: 1460, size: 4 } as packet.TcpOptionFields] }),
      'size; it has type, name, data, mss',
    ],
    [
      'tcp',
      tcp({ options: [{ name: 'md5', key: 'x' } as packet.TcpOptionFields] }),
      'key; it has type, name, data',
    ],
    [
      'ipv4',
      ipv4({ options: [{ name: 'router_alert', val: 0 } as packet.Ipv4OptionFields] }),
      'val; it has type, name, data, value',
    ],
    [
      'icmpv6',
      icmpv6.router_solicitation({
        options: [{ name: 'mtu', mtu: 1, reserved: 0 } as packet.NdpOptionFields],
      }),
      'reserved; it has type, name, data, mtu',
    ],
  ])('an option of %s with a value that it does not have', (layer, draft, words) => {
    expect(() => build(draft)).toThrow(new TypeError(`${layer}.options[0] has no field ${words}`));
  });

  test.each<[packet.Draft, string]>([
    [
      ipv6({ extensions: [{ name: 'fragment', ident: 5 } as packet.Ipv6ExtensionFields] }),
      'ipv6.extensions[0] has no field ident; it has type, name, next_header, length, data, fragment_offset, more_fragments, id, reserved',
    ],
    [
      ipv6({ extensions: [{ type: 44, id: 5 } as packet.Ipv6ExtensionFields] }),
      'ipv6.extensions[0] has no field id; it has type, name, next_header, length, data',
    ],
    [
      icmp.time_exceeded({ extensions: [{ name: 'mpls', label: [] } as packet.IcmpExtensionFields] }),
      'icmp.extensions[0] has no field label; it has class, type, name, data, labels',
    ],
    [
      icmp.time_exceeded({ extensions: [{ name: 'mpls', labels: [{ exp: 1 } as object] }] }),
      'icmp.extensions[0].labels[0] has no field exp; it has label, traffic_class, bottom, ttl',
    ],
    [
      icmp.router_advertisement({ addresses: [null as unknown as object] }),
      'icmp.addresses[0]: fields must be an object, not null',
    ],
    [
      icmp.router_advertisement({ addresses: [{ addr: '192.0.2.1' } as object] }),
      'icmp.addresses[0] has no field addr; it has address, preference',
    ],
    [
      icmpv6.multicast_listener_query({ version2: { robustness: 2 } as object }),
      'icmpv6.version2 has no field robustness; it has flags, interval_code, sources',
    ],
    [
      icmpv6.multicast_listener_report_v2({ records: [{ mode: 1 } as object] }),
      'icmpv6.records[0] has no field mode; it has type, group, sources, data',
    ],
  ])('what a part of a layer does not have: %o', (draft, words) => {
    expect(() => build(draft)).toThrow(new TypeError(words));
  });

  test('an ICMP extension of a name that is none', () => {
    const extension = { name: 'toString', class: 2, type: 1 } as unknown as packet.IcmpExtensionFields;
    expect(() => build(icmp.time_exceeded({ extensions: [extension] }))).toThrow(
      new RangeError(
        'icmp.extensions[0].name must be one of mpls, interface_name, interface_index, interface_address, or left out, not "toString"',
      ),
    );
  });

  test('a message of a name that is none', () => {
    for (const layer of ['icmp', 'icmpv6'])
      for (const name of ['ping', 'toString', ''])
        expect(() => build({ layer, name, type: 200 } as unknown as packet.Draft)).toThrow(
          new RegExp(`^${layer}.name must be one of .*, echo, .*, not "${name}"$`),
        );
  });

  test('a field out of range, of the wrong type, or unknown, is named', () => {
    throws(() => build(ipv4({ ttl: 256 })), new RangeError('ipv4.ttl must be between 0 and 255, not 256'));
    throws(() => build(ipv4({ ttl: 1.5 })), new TypeError('ipv4.ttl must be an integer, not 1.5'));
    throws(
      () => build(udp({ src_port: -1 })),
      new RangeError('udp.src_port must be between 0 and 65535, not -1'),
    );
    throws(
      () => build(tcp({ seq: 2 ** 32 })),
      new RangeError(`tcp.seq must be between 0 and 4294967295, not ${2 ** 32}`),
    );
    throws(
      () => build(ipv4({ fragment_offset: 7 })),
      new RangeError('ipv4.fragment_offset must be a multiple of 8 bytes, not 7'),
    );
    throws(
      () => build(ipv4({ header_length: 21 })),
      new RangeError('ipv4.header_length must be a multiple of 4 bytes, not 21'),
    );
    throws(
      () => build(ipv6({ flow_label: 1 << 20 })),
      new RangeError('ipv6.flow_label must be between 0 and 1048575, not 1048576'),
    );
    throws(() => build(vlan({ id: 4096 })), new RangeError('vlan.id must be between 0 and 4095, not 4096'));
    // @ts-expect-error no such field
    expect(() => ipv4({ tll: 3 })).toThrow(/^ipv4 has no field tll; it has version, /);
    // @ts-expect-error no such field of this message
    expect(() => icmp.echo({ gateway: '::' })).toThrow(/^icmp.echo has no field gateway; /);
    // @ts-expect-error fields are an object
    throws(() => ipv4('192.0.2.1'), new TypeError('ipv4: fields must be an object, not "192.0.2.1"'));
    // @ts-expect-error fields are an object
    expect(() => udp(null)).toThrow(TypeError);
  });

  test('addresses', () => {
    throws(
      () => build(ipv4({ dst: '192.0.2.256' })),
      new RangeError('ipv4.dst must be an IPv4 address, not "192.0.2.256"'),
    );
    throws(() => build(ipv4({ dst: '::1' })), new RangeError('ipv4.dst must be an IPv4 address, not "::1"'));
    // @ts-expect-error no text
    throws(() => build(ipv4({ dst: 1 })), new TypeError('ipv4.dst must be an IPv4 address, not 1'));
    throws(
      () => build(ipv6({ src: 'fe80::1%eth0' })),
      new RangeError('ipv6.src must be an IPv6 address (without %zone), not "fe80::1%eth0"'),
    );
    throws(
      () => build(ethernet({ dst: '00:11:22:33:44' })),
      new RangeError('ethernet.dst must be 6 bytes such as aa:bb:cc:dd:ee:ff, not "00:11:22:33:44"'),
    );
    expect(() => build(arp({ sender_mac: 'nonsense' }))).toThrow(/^arp.sender_mac must be 6 bytes/);
  });

  test('options', () => {
    const with_options = (options: unknown) => () => build(tcp({ options: options as [] }));
    expect(with_options('mss')).toThrow(new TypeError('tcp.options must be an array, not "mss"'));
    expect(with_options([5])).toThrow(/^tcp.options\[0\] must be an object/);
    expect(with_options([{ name: 'msss', mss: 5 }])).toThrow(
      /^tcp.options\[0\].name must be one of eol, nop, mss/,
    );
    expect(with_options([{ name: 'toString' }])).toThrow(RangeError);
    expect(with_options([{ name: 'mss' }])).toThrow(
      new TypeError('tcp.options[0].mss must be an integer, not undefined'),
    );
    expect(with_options([{ name: 'mss', mss: 70_000 }])).toThrow(
      /^tcp.options\[0\].mss must be between 0 and 65535/,
    );
    expect(with_options([{ name: 'mss', mss: 5, data: hex('0006') }])).toThrow(
      /^tcp.options\[0\]: data and the values disagree/,
    );
    expect(with_options([{ type: 2, mss: 5 }])).toThrow(/^tcp.options\[0\] has values, and needs a name/);
    expect(with_options([{ data: hex('00') }])).toThrow(/^tcp.options\[0\].type must be an integer/);
    expect(with_options([{ name: 'md5', data: Buffer.alloc(50) }])).toThrow(
      /^tcp.options are 52 bytes, 40 are possible/,
    );
    expect(() => build(ipv6({ extensions: [{ name: 'routing', addresses: ['1.2.3.4'] }] }))).toThrow(
      /^ipv6.extensions\[0\].addresses\[0\] must be an IPv6 address/,
    );
    expect(() =>
      build(icmp.time_exceeded({ extensions: [{ name: 'mpls', labels: [{ label: 2 ** 20 }] }] })),
    ).toThrow(/^icmp.extensions\[0\].labels\[0\].label/);
  });

  test('layers', () => {
    // @ts-expect-error no layer
    throws(() => build('x'), new TypeError('layers[0] must be a layer such as ipv4({ … }), not "x"'));
    // @ts-expect-error null is no layer
    throws(() => build(null), new TypeError('layers[0] must be a layer such as ipv4({ … }), not null'));
    throws(
      // @ts-expect-error no layer
      () => build(ipv4(), undefined),
      new TypeError('layers[1] must be a layer such as ipv4({ … }), not undefined'),
    );
    // @ts-expect-error no such layer
    expect(() => build({ layer: 'ipv5' })).toThrow(
      /^layers\[0\].layer must be one of ethernet, .*, not "ipv5"$/,
    );
    expect(() => build(icmp.redirect({ quoted: [{ layer: 'payload', data: 'x' }, 5 as never] }))).toThrow(
      /^icmp.quoted\[1\] must be a layer/,
    );
    // @ts-expect-error no data
    expect(() => payload(5)).toThrow(/^payload.data must be a string or bytes/);
  });

  test('a failed build leaves nothing behind', () => {
    const good = build(ipv4(addresses), udp(), payload('x'));
    expect(() => build(ipv4(addresses), udp({ src_port: 1e9 }), payload('y'))).toThrow(RangeError);
    expect(() => build(ipv4(), icmp.redirect({ quoted: [udp({ src_port: 1e9 })] }))).toThrow(RangeError);
    expect(build(ipv4(addresses), udp(), payload('x'))).toEqual(good);
  });

  test('a layer whose getter builds another packet', () => {
    const inner = () => build(ipv4(addresses), payload('inner'));
    const layer: packet.Draft = {
      layer: 'payload',
      get data() {
        return inner();
      },
    };
    expect(build(ipv4(addresses), layer)).toEqual(build(ipv4(addresses), payload(inner())));
  });

  test('parse', () => {
    // @ts-expect-error no bytes
    expect(() => parse('text')).toThrow(TypeError);
    expect(() => parse(new Uint8Array(0), { linktype: -1 })).toThrow(/^linktype must be between/);
    expect(() => parse(new Uint8Array(0), { length: 1.5 })).toThrow(/^length must be an integer/);
    for (const options of [null, 1, 'ethernet'])
      expect(() => parse(new Uint8Array(0), options as never)).toThrow(
        new TypeError(`options must be an object with linktype or length, not ${JSON.stringify(options)}`),
      );
    const detached = new Uint8Array(8);
    structuredClone(detached.buffer, { transfer: [detached.buffer] });
    expect(() => parse(detached)).toThrow(/detached/);
  });
});
