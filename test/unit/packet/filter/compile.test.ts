// compile_filter: what libpcap cannot show beside it (test/conformance/filters.test.ts): errors, options, and where ours is another on purpose.
import * as packet from 'bsd-sockets/packet';
import * as socket from 'bsd-sockets/socket';
import { describe, expect, test } from 'vitest';

const { build, compile_filter, ethernet, FilterError, icmp, ipv4, ipv6, matches, payload, tcp, udp } = packet;

const frame = (...layers: packet.Draft[]) => build(ethernet(), ...layers);
const accepts = (text: string, bytes: Buffer, options: packet.CompileFilterOptions = {}) =>
  matches(compile_filter(text, options), bytes);

// The longest programs take a second of the processor.
describe('a program', { timeout: 120_000 }, () => {
  test('is rows for attach_filter, frozen', () => {
    const program = compile_filter('icmp');
    expect(program).toEqual([
      [0x28, 0, 0, 12],
      [0x15, 0, 3, 0x0800],
      [0x30, 0, 0, 23],
      [0x15, 0, 1, 1],
      [0x06, 0, 0, 262_144],
      [0x06, 0, 0, 0],
    ]);
    expect(Object.isFrozen(program) && program.every(Object.isFrozen)).toBe(true);
    const [a, b] = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM);
    b.attach_filter(program);
    a.send(frame(ipv4(), udp()));
    a.send(frame(ipv4(), icmp.echo({ id: 7 })));
    expect(packet.parse(b.recv(2000)).get('icmp')).toMatchObject({ name: 'echo', id: 7 });
    a.close();
    b.close();
  });

  test('keeps snaplen bytes', () => {
    expect(compile_filter('', { snaplen: 64 })).toEqual([[0x06, 0, 0, 64]]);
    expect(compile_filter('ip', { snaplen: 96 })).toContainEqual([0x06, 0, 0, 96]);
    expect(compile_filter(' \n')).toEqual([[0x06, 0, 0, 262_144]]);
  });

  test('that nothing can fulfil refuses all', () => {
    for (const [text, linktype] of [
      ['arp', packet.LINKTYPE_RAW],
      ['ip6', packet.LINKTYPE_IPV4],
      ['1 = 2', packet.LINKTYPE_ETHERNET],
    ] as const) {
      expect(compile_filter(text, { linktype })).toEqual([[0x06, 0, 0, 0]]);
    }
  });

  test('jumps as far as it must', () => {
    const ports = Array.from({ length: 900 }, (_, i) => 1000 + i * 2);
    const text = `udp and (${ports.map((port) => `dst port ${port}`).join(' or ')}) or arp`;
    const program = compile_filter(text);
    expect(program.length).toBeGreaterThan(1800);
    const jumps = program.filter(([code]) => code === 0x05);
    expect(jumps.length).toBeGreaterThan(3);
    const to = (dst_port: number) => frame(ipv4(), udp({ dst_port }));
    for (const port of [1000, 1510, 2798]) {
      expect([port, matches(program, to(port)), matches(program, to(port + 1))]).toEqual([port, true, false]);
    }
    expect(matches(program, frame(packet.arp()))).toBe(true);
    const [a, b] = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM);
    b.attach_filter(program);
    for (const each of [to(999), to(1510)]) a.send(each);
    expect(packet.parse(b.recv(2000)).get('udp')?.dst_port).toBe(1510);
    a.close();
    b.close();
  });

  test('is as long as Linux takes, at most', () => {
    const hosts = (count: number) =>
      Array.from({ length: count }, (_, i) => `ip[4:2]=${i} and ip[${i % 20}]=1`).join(' or ');
    const error = error_of(hosts(2200));
    expect(error.reason).toMatch(/^the program has \d+ instructions: Linux takes 4096$/);
    expect(compile_filter(hosts(500)).length).toBeLessThan(4096);
  });

  test('of a long chain does not need a deep stack', () => {
    const chain = Array.from({ length: 1500 }, (_, i) => (i % 2 ? 'or tcp' : 'and udp')).join(' ');
    expect(compile_filter(`ip ${chain}`).length).toBeLessThan(30);
  });
});

function error_of(text: string, options: packet.CompileFilterOptions = {}): packet.FilterError {
  try {
    compile_filter(text, options);
  } catch (error) {
    if (error instanceof FilterError) return error;
    throw error;
  }
  throw new Error(`compiled: ${text}`);
}

describe('errors', () => {
  test('show the expression with a caret', () => {
    const error = error_of('tcp port 80 und udp');
    expect(error).toBeInstanceOf(SyntaxError);
    expect(error.name).toBe('FilterError');
    expect(error).toMatchObject({
      reason: 'there is und, where and, or, or the end is expected',
      expression: 'tcp port 80 und udp',
      column: 13,
    });
    expect(error.message).toBe(
      'there is und, where and, or, or the end is expected (column 13)\n  tcp port 80 und udp\n              ^',
    );
  });

  test('of a long expression show the part around the column', () => {
    const text = `${'ip or '.repeat(50)}port nosuchport${' or ip'.repeat(50)}`;
    const { message, column } = error_of(text);
    expect(column).toBe(306);
    const [, line = '', caret = ''] = message.split('\n');
    expect(line.length).toBeLessThan(140);
    expect(line.slice(caret.indexOf('^'))).toMatch(/^nosuchport or ip/);
    expect(error_of('ip\nand\n\nfoo').message.split('\n')).toHaveLength(3);
  });

  test.each<[string, number, RegExp]>([
    ['\\len', 1, /says what len is/],
    ['foo', 1, /says what foo is \(host, net, port, proto\)/],
    ['10.0.0.1', 1, /says what 10\.0\.0\.1 is/],
    ['host', 5, /the expression ends, where what host means is expected/],
    ['host example.com', 6, /example\.com is no address, .* the option resolve/],
    ['net example', 5, /example is no network: write its number/],
    ['host 10.0.0.300', 6, /an IPv4 address has bytes/],
    ['host 10.0.0.1/8', 6, /a mask belongs to a network/],
    ['net 10.0.0.1/8', 14, /10\.0\.0\.1 has bits that its mask has not/],
    ['net 10.0.0.0/33', 14, /at most 32 bits, not 33/],
    ['net 2001:db8::/129', 16, /at most 128 bits, not 129/],
    ['net fe80::1/10', 13, /fe80::1 has bits that its mask has not/],
    ['ip host ::1', 9, /ip does not qualify an IPv6 address/],
    ['ip6 host 10.0.0.1', 10, /ip6 does not qualify an IPv4 address/],
    ['tcp host 10.0.0.1', 10, /tcp does not qualify an IPv4 address/],
    ['host 02:00:00:00:00:01', 6, /write "ether host 02:00:00:00:00:01"/],
    ['ether host 10.0.0.1', 12, /ether needs an Ethernet address, not 10\.0\.0\.1/],
    ['ether host 1:2:3:', 12, /1:2:3: is no address/],
    ['port 65536', 6, /at most 65535, not 65536/],
    ['port nosuchport', 6, /no port has the name nosuchport/],
    ['port 10.0.0.1', 6, /port needs a number or a name, not 10\.0\.0\.1/],
    ['icmp port 80', 11, /icmp has no ports/],
    ['udp port ssh', 10, /ssh is a port of tcp/],
    ['portrange 80:90', 13, /there is :/],
    ['portrange http', 11, /two ports with - between them/],
    ['ip proto nosuch', 10, /nosuch is no protocol/],
    ['ether proto nosuch', 13, /nosuch is no protocol that ether carries/],
    ['tcp proto 6', 11, /tcp says no protocol/],
    ['src proto 6', 11, /a protocol has no direction/],
    ['gateway host', 1, /ether host ADDRESS and not host ADDRESS/],
    ['tcp[0:3] = 1', 7, /there is 3, where 1, 2 or 4 is expected/],
    ['tcp[0', 6, /the expression ends, where \] is expected/],
    ['tcp[0] 5', 8, /there is 5, where a comparison/],
    ['tcp[0] & 2', 11, /the expression ends, where a comparison/],
    ['ah[0] = 1', 1, /ah\[…\] cannot be used/],
    ['ip[0 - 20] = 1', 1, /no packet has bytes at this offset/],
    ['ether[0xfffff004] = 1', 1, /no packet has bytes at this offset/],
    ['ip[8] / 0 = 1', 7, /division by zero/],
    ['ip[8] % (2 - 2) = 1', 7, /division by zero/],
    ['ip[8] / (ip[1] & 0) = 1', 7, /division by zero/],
    ['ip[8] >> (16 * 2) = 1', 7, /a shift is by 0 to 31 bits, not 32/],
    ['ip[8] << 32 = 1', 7, /a shift is by 0 to 31 bits, not 32/],
    ['ip and', 7, /the expression ends, where a condition is expected/],
    ['and ip', 1, /there is and, where a condition/],
    ['(ip', 4, /where \) is expected/],
    ['ip)', 3, /there is \)/],
    ['not', 4, /the expression ends/],
    ['ip @', 4, /"@" has no meaning here/],
    ['len > 08', 7, /octal/],
    ['len > 4294967296', 7, /beyond 32 bits/],
    ['vlan 5000', 1, /a VLAN id is at most 4095, not 5000/],
    ['mpls and vlan', 10, /no VLAN tag follows mpls/],
    ['mpls and arp', 10, /behind mpls there is only ip and ip6/],
    ['mpls 1048576', 1, /an MPLS label is at most 1048575/],
    ['pppoes 70000', 1, /a PPPoE session is at most 65535/],
    ['geneve 16777216', 1, /a Geneve VNI is at most 16777215/],
    ['pppoes and ether host 02:00:00:00:00:01', 23, /only LINKTYPE_ETHERNET and 802\.11 have them/],
    ['inbound', 1, /LINUX_SLL/],
    ['ifindex 1', 1, /LINUX_SLL2/],
    ['llc nosuch', 5, /one of i, s, u, rr/],
    ['ip or type mgt', 7, /only frames of 802\.11 have this/],
    ['wlan dir tods', 6, /only frames of 802\.11 have this/],
    ['ether ra 02:00:00:00:00:01', 10, /ra is of 802\.11: src and dst are of Ethernet/],
    ['ra 10.0.0.1', 4, /write "wlan ra ADDRESS"/],
    ['tcp ta port 80', 13, /write "wlan ta ADDRESS"/],
    ['ifname eth0', 1, /ifname is of the log of pf/],
    ['vpi 5', 1, /vpi is of ATM/],
    ['radio[0] = 1', 1, /only LINKTYPE_IEEE802_11_RADIOTAP has what the radio measured/],
    ['ether', 6, /the expression ends, where what ether means/],
    ['byte 0 = 1', 1, /ether\[OFFSET\] = VALUE/],
    ['decnet host 10', 13, /decnet needs an address such as 10\.123/],
    ['tcp broadcast', 1, /tcp has no broadcast/],
    ['arp multicast', 1, /arp has no multicast/],
  ])('%s', (text, column, reason) => {
    const error = error_of(text);
    expect([error.reason, error.column]).toEqual([expect.stringMatching(reason), column]);
  });

  test('where a link type has no such header', () => {
    const raw = { linktype: packet.LINKTYPE_RAW };
    const no_addresses = 'only LINKTYPE_ETHERNET and 802.11 have them';
    expect(error_of('ether host 02:00:00:00:00:01', raw).reason).toContain(no_addresses);
    expect(error_of('broadcast', raw).reason).toContain(no_addresses);
    expect(error_of('vlan', raw).reason).toBe('there are no VLAN tags in raw headers');
    expect(error_of('mpls', raw).reason).toBe('there are no MPLS labels in raw headers');
    expect(error_of('llc', raw).reason).toBe('llc is not in raw headers');
  });

  test.each<[string, number, RegExp]>([
    ['type beacon', 6, /a type of 802\.11 is one of mgt, management, ctl, control, data, not beacon/],
    ['type 1', 6, /has the bits 0xc, not 1/],
    ['type ctl subtype beacon', 18, /a subtype of 802\.11 is one of .*rts.*, not beacon/],
    ['type mgt subtype 99', 18, /has the bits 0xf0, not 99/],
    ['subtype 4', 9, /a subtype of 802\.11 is one of assoc-req, .*, not 4/],
    ['type', 5, /the expression ends, where a type of 802\.11 is expected/],
    ['dir upwards', 5, /one of nods, tods, fromds, dstods, not upwards/],
    ['ip and mpls', 8, /there are no MPLS labels in wlan headers/],
    ['radio[0] = 1', 1, /only LINKTYPE_IEEE802_11_RADIOTAP/],
    ['inbound', 1, /know the direction/],
  ])('of frames of 802.11: %s', (text, column, reason) => {
    const error = error_of(text, { linktype: packet.LINKTYPE_IEEE802_11 });
    expect([error.reason, error.column]).toEqual([expect.stringMatching(reason), column]);
  });

  test.each([packet.LINKTYPE_NFLOG, packet.LINKTYPE_NETLINK, packet.LINKTYPE_CAN_SOCKETCAN])(
    'of link type %i, of which only bytes are known',
    (linktype) => {
      for (const [text, column] of [
        ['ip', 1],
        ['len > 5 and tcp port 80', 22],
        ['link[0] = 2 and arp', 17],
        ['ip6[6] = 17', 1],
        ['net 10', 5],
      ] as const) {
        const { reason, column: at } = error_of(text, { linktype });
        expect([reason, at]).toEqual([expect.stringContaining('only link[…] and len can be used'), column]);
      }
      expect(accepts('link[1] = 7 and len = 3', Buffer.from([0, 7, 0]), { linktype })).toBe(true);
    },
  );

  test('of parentheses and memory without end', () => {
    expect(error_of(`${'('.repeat(5000)}ip`).reason).toMatch(/200 levels/);
    expect(error_of(`${'not '.repeat(5000)}ip`).reason).toMatch(/200 levels/);
    expect(error_of(`${'-'.repeat(5000)}1 = 1`).reason).toMatch(/200 levels/);
    const deep = Array.from({ length: 30 }, (_, i) => `ip[${i}:2] / (ip[ip[${i}]] ^ `).join('');
    expect(error_of(`${deep}1${')'.repeat(30)} = 1`).reason).toMatch(/scratch memory/);
  });

  test.each<[unknown, unknown, string]>([
    [7, {}, 'expression must be a string, not 7'],
    [undefined, {}, 'expression must be a string, not undefined'],
    ['ip'.padEnd(70_000), {}, 'expression must have at most 65536 characters'],
    ['ip', { linktype: 'ethernet' }, 'linktype must be an integer, not "ethernet"'],
    [
      'ip',
      { linktype: 9999 },
      'linktype must be LINKTYPE_ETHERNET (1), LINKTYPE_NULL (0), LINKTYPE_LOOP (108), LINKTYPE_RAW (101), LINKTYPE_PPP (9), LINKTYPE_PPP_HDLC (50), LINKTYPE_PPP_ETHER (51), LINKTYPE_IPV4 (228), LINKTYPE_IPV6 (229), LINKTYPE_LINUX_SLL (113), LINKTYPE_LINUX_SLL2 (276), LINKTYPE_IEEE802_11 (105), LINKTYPE_IEEE802_11_RADIOTAP (127), LINKTYPE_CAN_SOCKETCAN (227), LINKTYPE_NFLOG (239) or LINKTYPE_NETLINK (253), not 9999',
    ],
    ['ip', { snaplen: 0 }, 'snaplen must be between 1 and 4294967295, not 0'],
    ['ip', { live: 1 }, 'live must be a boolean, not 1'],
    ['ip', { netmask: '255.255.255' }, 'netmask must be a mask such as \'255.255.255.0\', not "255.255.255"'],
    ['ip', { resolve: '10.0.0.1' }, 'resolve must be a function, not "10.0.0.1"'],
    ['ip', { link: 1 }, 'unknown option "link"; known: linktype, snaplen, live, netmask, resolve'],
    ['ip', null, 'options must be an object with linktype, snaplen, live, netmask or resolve, not null'],
    ['host a', { resolve: () => 'b' }, 'resolve must return an address, or an array of them, for a'],
    [
      'host a',
      { resolve: async () => '10.0.0.1' },
      'resolve must return an address, or an array of them, for a',
    ],
  ])('misuse: %j %j', (text, options, message) => {
    const call: unknown = () => Reflect.apply(compile_filter, undefined, [text, options]);
    expect(call).toThrow(message);
  });
});

describe('frames of 802.11', () => {
  const {
    LINKTYPE_IEEE802_11: WLAN,
    LINKTYPE_IEEE802_11_RADIOTAP: RADIOTAP,
    radiotap,
    wlan,
    llc,
    snap,
  } = packet;
  const [station, network] = ['02:00:00:00:00:01', '02:00:00:00:00:02'];
  const data = (subtype: number, flags = 0) => [
    wlan({
      type: wlan.DATA,
      subtype,
      flags: wlan.TO_DS | flags,
      address1: network,
      address2: station,
      address3: 'ff:ff:ff:ff:ff:ff',
    }),
    llc(),
    snap(),
    ipv4({ src: '10.0.0.1', dst: '10.0.0.2' }),
    udp({ dst_port: 53 }),
  ];
  const beacon = wlan({ type: wlan.MANAGEMENT, subtype: wlan.BEACON, address2: network, elements: [] });

  test.each([0, 8])('what data of subtype %i carry, with and without radiotap', (subtype) => {
    const bytes = build(...data(subtype));
    for (const text of [
      'udp port 53',
      'dst host 10.0.0.2',
      'ip[9] = 17',
      'type data and dir tods',
      'udp[2:2] = 53',
    ])
      expect([text, accepts(text, bytes, { linktype: WLAN })]).toEqual([text, true]);
    for (const text of ['arp', 'type mgt', 'host 10.0.0.3', 'dir fromds', 'subtype beacon'])
      expect([text, accepts(text, bytes, { linktype: WLAN })]).toEqual([text, false]);
    for (const radio of [
      radiotap(),
      radiotap({ tsft: 7n, flags: 2 }),
      radiotap({ signal: -40, channel_frequency: 2412 }),
    ]) {
      const all = build(radio, ...data(subtype));
      expect(accepts('udp port 53 and wlan src 02:00:00:00:00:01', all, { linktype: RADIOTAP })).toBe(true);
      expect(accepts('broadcast and wlan ra 02:00:00:00:00:02', all, { linktype: RADIOTAP })).toBe(true);
    }
  });

  test('management frames carry nothing, encrypted ones what nobody sees', () => {
    const bytes = build(beacon);
    expect(accepts('type mgt subtype beacon', bytes, { linktype: WLAN })).toBe(true);
    expect(accepts('wlan addr2 02:00:00:00:00:02 and not ip', bytes, { linktype: WLAN })).toBe(true);
    expect(accepts('ip or arp', bytes, { linktype: WLAN })).toBe(false);
  });

  test('arithmetic in front of what they carry does no harm', () => {
    // libpcap overwrites the offset of what a frame carries.
    expect(accepts('len > 8 and wlan[0] != 0 and udp port 53', build(...data(8)), { linktype: WLAN })).toBe(
      true,
    );
  });
});

test('12 and 14 are raw IP of other systems', () => {
  for (const text of ['tcp port 80', 'not arp', 'host 2001:db8::1'])
    for (const linktype of [12, 14])
      expect(compile_filter(text, { linktype })).toEqual(
        compile_filter(text, { linktype: packet.LINKTYPE_RAW }),
      );
});

describe('options', () => {
  const to = (dst: string) => frame(ipv4({ dst }), udp());

  test('resolve', () => {
    const asked: string[] = [];
    const resolve = (name: string) => {
      asked.push(name);
      return name === 'one' ? '10.0.0.1' : ['10.0.0.2', '2001:db8::2'];
    };
    const program = compile_filter('dst host one or two', { resolve });
    expect(asked).toEqual(['one', 'two']);
    expect(['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((each) => matches(program, to(each)))).toEqual([
      true,
      true,
      false,
    ]);
    expect(matches(program, frame(ipv6({ dst: '2001:db8::2' }), udp()))).toBe(true);
    expect(accepts('ip6 host two', to('10.0.0.2'), { resolve })).toBe(false);
    expect(error_of('ip6 host one', { resolve }).reason).toBe('one has no address of this kind');
  });

  test('netmask', () => {
    const broadcast = (dst: string, netmask?: string) =>
      accepts('ip broadcast', to(dst), netmask === undefined ? {} : { netmask });
    expect(broadcast('10.0.0.255')).toBe(false);
    expect(broadcast('255.255.255.255')).toBe(true);
    expect(broadcast('10.0.0.255', '255.255.255.0')).toBe(true);
    expect(broadcast('10.0.0.0', '255.255.255.0')).toBe(true);
    expect(broadcast('10.0.0.254', '255.255.255.0')).toBe(false);
  });
});

describe('other than in libpcap, on purpose', () => {
  const options = [{ name: 'router_alert' as const, value: 0 }];

  test('arithmetic tests for the headers of all its operands', () => {
    const text = '1 + tcp[13] = 3';
    expect(accepts(text, frame(ipv4(), tcp({ flags: 2 })))).toBe(true);
    const bytes = payload(Buffer.alloc(20, 2));
    expect(accepts(text, frame(ipv4({ protocol: 17 }), bytes))).toBe(false);
    expect(accepts('1 + tcp[13] = 3', frame(ipv4({ protocol: 6 }), bytes))).toBe(true);
  });

  test('a division by the bytes at offset 0', () => {
    expect(accepts('ip[2:2] / ip[0] = 0', frame(ipv4(), udp()))).toBe(true);
  });

  test('offsets that no packet has, and negative ones', () => {
    const bytes = frame(ipv4({ dst: '10.0.0.7' }), tcp());
    for (const text of ['tcp[0x7fffffff:4] = 1', 'ip[len * 0x1000000] = 1'])
      expect(accepts(`not ${text}`, bytes)).toBe(false);
    expect(accepts('ip[-2:2] = 0x800', bytes)).toBe(true);
    expect(accepts('tcp[0xffffffff] = 7 and tcp[-1] = 7', bytes)).toBe(true);
  });

  test('names of protocols without \\', () => {
    expect(compile_filter('ip proto tcp')).toEqual(compile_filter('ip proto \\tcp'));
    expect(compile_filter('ether proto arp or ip')).toEqual(compile_filter('ether proto \\arp or ip'));
    expect(compile_filter('proto (6 or 17)')).toEqual(compile_filter('proto 6 or 17'));
  });

  test('protochain runs in the kernel: it follows up to 8 headers', () => {
    const extensions = (count: number) =>
      Array.from(
        { length: count },
        (): packet.Ipv6ExtensionFields => ({ name: 'destination_options', options: [] }),
      );
    const behind = (count: number) => frame(ipv6({ extensions: extensions(count) }), tcp());
    expect([0, 1, 8, 9].map((count) => accepts('ip6 protochain tcp', behind(count)))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(accepts('protochain 17', behind(2))).toBe(false);
    expect(accepts('protochain 60', behind(2))).toBe(true);
    const with_ah = frame(ipv4({ options }), packet.ah({ icv: Buffer.alloc(12) }), tcp());
    expect(accepts('ip protochain tcp', with_ah)).toBe(true);
    expect(accepts('ip protochain udp', with_ah)).toBe(false);
    expect(accepts('tcp', with_ah)).toBe(false);
    const fragment = frame(
      ipv6({
        extensions: [
          { name: 'hop_by_hop', options: [] },
          { name: 'fragment', id: 1 },
        ],
      }),
      udp(),
    );
    expect(accepts('ip6 protochain 17', fragment)).toBe(true);
    const [a, b] = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM);
    b.attach_filter(compile_filter('protochain tcp'));
    for (const each of [frame(ipv4(), udp()), behind(3)]) a.send(each);
    expect(packet.parse(b.recv(2000)).get('tcp')).toBeDefined();
    a.close();
    b.close();
  });

  test('cooked headers have LLC and VLAN tags', () => {
    const sll2 = (type: number, rest: string) =>
      Buffer.concat([Buffer.from([type >> 8, type & 255]), Buffer.alloc(18), Buffer.from(rest, 'hex')]);
    const options = { linktype: packet.LINKTYPE_LINUX_SLL2 };
    expect(accepts('stp', sll2(4, '424203'), options)).toBe(true);
    expect(accepts('stp', sll2(0x42, '424203'), options)).toBe(false);
    expect(accepts('llc u', sll2(4, '424203'), options)).toBe(true);
    expect(accepts('isis', sll2(4, 'fefe0383'), options)).toBe(true);
    expect(accepts('vlan 10 and arp', sll2(0x8100, '600a0806'), options)).toBe(true);
    expect(accepts('vlan 10 and stp', sll2(0x8100, '600a0003424203'), options)).toBe(true);
    expect(accepts('vlan 11', sll2(0x8100, '600a0806'), options)).toBe(false);
  });

  test('LINKTYPE_NULL in both byte orders', () => {
    const ip = build(ipv4(), udp());
    const options = { linktype: packet.LINKTYPE_NULL };
    for (const family of ['02000000', '00000002'])
      expect(accepts('udp', Buffer.concat([Buffer.from(family, 'hex'), ip]), options)).toBe(true);
    expect(accepts('udp', Buffer.concat([Buffer.from('1e000000', 'hex'), ip]), options)).toBe(false);
  });
});
