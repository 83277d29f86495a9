// Packets of all layers with many values in their fields, whole, cut and damaged, for the lines of sniff beside tcpdump's. The same
// seed gives the same packets.
import {
  ah,
  arp,
  build,
  type Draft,
  esp,
  ethernet,
  gre,
  icmp,
  icmpv6,
  igmp,
  ipv4,
  ipv6,
  LINKTYPE_ETHERNET,
  LINKTYPE_LINUX_SLL,
  LINKTYPE_LINUX_SLL2,
  LINKTYPE_NULL,
  LINKTYPE_RAW,
  linux_sll,
  linux_sll2,
  loopback,
  mpls,
  payload,
  tcp,
  udp,
  vlan,
} from 'bsd-sockets/packet';

/** Numbers that look random. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  /** Returns a number from 0 up to `limit`, which it does not reach. */
  below(limit: number): number {
    // xorshift32.
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    this.#state >>>= 0;
    return this.#state % limit;
  }

  one<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }

  chance(parts: number): boolean {
    return this.below(parts) === 0;
  }

  bytes(size: number): Buffer {
    return Buffer.from(Array.from({ length: size }, () => this.below(256)));
  }
}

/** Ports that no protocol of tcpdump has. */
const PORTS = [40_001, 40_002, 51_234, 61_000];
const V4 = ['10.0.0.1', '10.0.0.2', '192.0.2.200', '224.0.0.251', '255.255.255.255', '0.0.0.0'];
const V6 = [
  'fe80::1',
  '2001:db8::2',
  'ff02::1',
  '::',
  '::1',
  '::ffff:192.0.2.1',
  '2001:db8:0:1:1:1:1:1',
  '1::2:0:0:3',
];
const WORDS = ['', 'x', 'hello', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'tab\tand\0zero\x7f\xe9'];

type Layers = readonly Draft[];

function data(random: Random): Layers {
  return [payload(random.chance(2) ? random.one(WORDS) : random.bytes(random.below(40)))];
}

function tcp_layers(random: Random): Layers {
  const { SYN, ACK, PSH, FIN, RST, URG } = tcp;
  const flags = random.one([SYN, SYN | ACK, ACK, PSH | ACK, FIN | ACK, RST, RST | ACK, URG | ACK, 0, 0x1ff]);
  const options = random.one([
    [],
    [{ name: 'mss', mss: 1460 }],
    [
      { name: 'mss', mss: 65_495 },
      { name: 'sack_permitted' },
      { name: 'timestamps', value: 4_000_000_000, echo: 7 },
      { name: 'nop' },
      { name: 'window_scale', shift: 7 },
    ],
    [{ name: 'nop' }, { name: 'nop' }, { name: 'timestamps', value: 1, echo: 2 }],
    [
      { name: 'nop' },
      { name: 'nop' },
      {
        name: 'sack',
        blocks: [
          [1000, 2000],
          [3000, 4_294_967_295],
        ],
      },
    ],
    [{ name: 'md5', data: Buffer.alloc(16, 7) }],
    [{ name: 'user_timeout', timeout: 300, minutes: false }],
    [{ name: 'fast_open', data: Buffer.from('0102030405060708', 'hex') }],
    [{ name: 'fast_open' }],
    [{ name: 'ao', data: Buffer.from('0102aabbccdd', 'hex') }],
    [{ name: 'mptcp', data: Buffer.from('0181', 'hex') }],
    [{ name: 'mptcp', data: Buffer.from('01810102030405060708', 'hex') }],
    [{ name: 'mptcp', data: Buffer.from('2005000000010000000200031234', 'hex') }],
    [{ type: 99, data: Buffer.from('abcd', 'hex') }],
    [{ type: 254, data: Buffer.from('f98901020304', 'hex') }],
    [{ type: 253 }],
    [{ type: 2, data: Buffer.from('05', 'hex') }],
    [{ type: 3, data: Buffer.from('0505', 'hex') }],
    [{ name: 'malformed', type: 8, data: Buffer.from('08020000', 'hex') }],
    [{ name: 'nop' }, { name: 'malformed', type: 2, data: Buffer.from('02ff00', 'hex') }],
  ] as const);
  return [
    tcp({
      src_port: random.one(PORTS),
      dst_port: random.one(PORTS),
      seq: random.one([0, 1, 1000, 4_294_967_290]) + random.below(5),
      ack: random.one([0, 1, 5000, 4_294_967_290]) + random.below(5),
      window: random.below(65_536),
      urgent: random.below(100),
      flags,
      options,
      ...(random.chance(6) && { checksum: random.below(65_536) }),
    }),
    ...data(random),
  ];
}

function udp_layers(random: Random): Layers {
  return [
    udp({
      src_port: random.one(PORTS),
      dst_port: random.one(PORTS),
      ...(random.chance(6) && { checksum: random.one([0, 1, 0xbeef]) }),
      ...(random.chance(8) && { length: random.one([4, 8, 12, 600]) }),
    }),
    ...data(random),
  ];
}

const quoted_v4 = (random: Random): Draft[] => [
  ipv4({ src: random.one(V4), dst: random.one(V4), id: random.below(99), ttl: 1 }),
  ...(random.chance(3) ? tcp_layers(random) : udp_layers(random)),
];
const quoted_v6 = (random: Random): Draft[] => [
  ipv6({ src: random.one(V6), dst: random.one(V6) }),
  ...(random.chance(3) ? tcp_layers(random) : udp_layers(random)),
];
const LABELS = [
  { name: 'mpls', labels: [{ label: 16_004, traffic_class: 1, bottom: true, ttl: 9 }] },
] as const;

function icmp_layers(random: Random): Layers {
  const quoted = quoted_v4(random);
  const extensions = random.chance(3) ? LABELS : [];
  const [id, seq] = [random.below(65_536), random.below(65_536)];
  return [
    random.one<Draft>([
      icmp.echo({ id, seq }),
      icmp.echo_reply({ id, seq }),
      icmp.destination_unreachable({
        code: random.below(18),
        quoted,
        next_hop_mtu: random.one([0, 1400]),
        extensions,
      }),
      icmp.destination_unreachable({ code: random.one([3, 4]), quoted, next_hop_mtu: random.one([0, 1400]) }),
      icmp.source_quench({ quoted }),
      icmp.redirect({ code: random.below(6), quoted, gateway: random.one(V4) }),
      icmp.time_exceeded({ code: random.below(3), quoted, extensions }),
      icmp.parameter_problem({ code: random.below(3), quoted, pointer: random.below(60) }),
      icmp.router_advertisement({
        lifetime: random.one([5, 1800, 9000]),
        addresses: [{ address: '10.0.0.9', preference: random.one([0, 7, -1]) }],
      }),
      icmp.router_solicitation(),
      icmp.timestamp({ id, seq, originate: 3_723_004 }),
      icmp.timestamp_reply({ id, seq, originate: 3_723_004, receive: 86_399_999, transmit: 5 }),
      icmp.address_mask_request({ id, seq }),
      icmp.address_mask_reply({ id, seq, mask: '255.255.255.0' }),
      icmp({ type: random.one([15, 16, 30, 42, 200]), code: random.below(4), rest: id }),
      icmp.echo({ id, seq, checksum: 1 }),
    ]),
    ...(random.chance(2) ? [] : data(random)),
  ];
}

function icmpv6_layers(random: Random): Layers {
  const quoted = quoted_v6(random);
  const [id, seq] = [random.below(65_536), random.below(65_536)];
  const [target, dst] = [random.one(V6), random.one(V6)];
  const mac = { name: 'source_link_layer', address: '02:00:00:00:00:01' } as const;
  const options = random.one([
    [],
    [mac],
    [{ name: 'target_link_layer', address: '02:00:00:00:00:02' }],
    [mac, { name: 'mtu', mtu: 1400 }],
    [{ type: 14, data: Buffer.from('010203040506', 'hex') }],
    [
      {
        name: 'prefix_information',
        prefix_length: 64,
        flags: random.one([0xc0, 0x80, 0, 0xe0]),
        prefix: '2001:db8::',
        valid_lifetime: 0xffffffff,
      },
      { name: 'rdnss', lifetime: 60, addresses: ['2001:db8::53', '::1'] },
      { name: 'dnssl', lifetime: 60, domains: ['example.com', 'a.b'] },
      { name: 'route_information', prefix_length: 48, flags: 8, lifetime: 1800, prefix: '2001:db8:1::' },
    ],
    [{ type: 7, data: Buffer.from('00000000ffff', 'hex') }],
  ] as const);
  const records = [
    { type: random.below(8), group: 'ff02::fb', sources: random.chance(2) ? [] : ['fe80::9', 'fe80::8'] },
    { type: 4, group: 'ff02::1:3' },
  ];
  const version2 = random.one([
    undefined,
    {
      flags: random.below(16),
      interval_code: random.one([125, 200]),
      sources: random.chance(2) ? [] : ['fe80::9'],
    },
  ]);
  return [
    random.one<Draft>([
      icmpv6.echo({ id, seq }),
      icmpv6.echo_reply({ id, seq, ...(random.chance(3) && { checksum: 1 }) }),
      icmpv6.destination_unreachable({ code: random.below(7), quoted }),
      icmpv6.destination_unreachable({ code: 4, quoted }),
      icmpv6.packet_too_big({ mtu: 1280, quoted }),
      icmpv6.time_exceeded({ code: random.below(3), quoted }),
      icmpv6.parameter_problem({ code: random.below(5), quoted, pointer: random.below(99) }),
      icmpv6.multicast_listener_query({
        maximum_response_delay: random.one([0, 1000, 40_000]),
        group: random.one(V6),
        version2,
      }),
      icmpv6.multicast_listener_report({ group: 'ff02::fb' }),
      icmpv6.multicast_listener_done({ group: 'ff02::fb' }),
      icmpv6.router_solicitation({ options }),
      icmpv6.router_advertisement({
        hop_limit: 64,
        flags: random.below(256),
        router_lifetime: 1800,
        reachable_time: 5,
        retrans_timer: 6,
        options,
      }),
      icmpv6.neighbor_solicitation({ target, options }),
      icmpv6.neighbor_advertisement({ target, flags: random.below(8) << 5, options }),
      icmpv6.redirect({ target, dst, options }),
      icmpv6.multicast_listener_report_v2({ records }),
      icmpv6({ type: random.one([5, 100, 141, 144, 200, 255]), rest: id }),
    ]),
  ];
}

function igmp_layers(random: Random): Layers {
  const sources = random.chance(2) ? [] : ['10.0.0.9', '10.0.0.8'];
  const version3 = random.one([undefined, { flags: 2, interval_code: 125, sources }]);
  return [
    random.one<Draft>([
      igmp.query({ code: random.one([0, 10, 100, 130, 255]), group: random.one(V4), version3 }),
      igmp.report_v1({ group: '239.1.2.3' }),
      igmp.report({ group: '239.1.2.3', ...(random.chance(3) && { checksum: 1 }) }),
      igmp.leave({ group: '239.1.2.3' }),
      igmp.report_v3({
        records: [
          { type: random.below(8), group: '239.1.2.3', sources },
          { type: 3, group: '239.1.2.4' },
        ],
      }),
      igmp({ type: random.one([0x15, 0x99]) }),
    ]),
  ];
}

const IPV4_OPTIONS = [
  [{ name: 'record_route', pointer: 8, addresses: ['10.0.0.1', '0.0.0.0'] }, { name: 'eol' }],
  [{ name: 'loose_source_route', pointer: 4, addresses: ['10.9.0.1', '10.9.0.2'] }],
  [{ name: 'strict_source_route', pointer: 20, addresses: ['10.9.0.1'] }, { name: 'nop' }],
  [{ name: 'timestamp', pointer: 5, flag: 1, overflow: 2, entries: [{ address: '10.0.0.1', time: 99 }] }],
  [{ name: 'timestamp', pointer: 9, flag: 0, entries: [{ time: 1 }, { time: 2 }] }],
  [{ name: 'router_alert' }],
  [{ name: 'router_alert', value: 5 }],
  [{ name: 'security', data: Buffer.alloc(9) }, { name: 'nop' }],
  [{ type: 99, data: Buffer.from('aabb', 'hex') }],
  [{ name: 'nop' }, { name: 'malformed', type: 7, data: Buffer.from('07ff04', 'hex') }],
] as const;

function ip_layers(random: Random, depth: number): Layers {
  return random.chance(2) ? ipv4_layers(random, depth) : ipv6_layers(random, depth);
}

function ipv4_layers(random: Random, depth = 0): Layers {
  const is_fragment = random.chance(8);
  const header = ipv4({
    src: random.one(V4),
    dst: random.one(V4),
    id: random.below(65_536),
    ttl: random.one([0, 1, 64, 255]),
    tos: random.one([0, 0, 0, 1, 2, 3, 0xb8]),
    flags: random.one([0, 2, 4, 6, ...(is_fragment ? [1, 3] : [])]),
    ...(is_fragment && random.chance(2) && { fragment_offset: 184 }),
    ...(random.chance(5) && { options: random.one(IPV4_OPTIONS) }),
    ...(random.chance(9) && { checksum: random.below(65_536) }),
    ...(random.chance(12) && { total_length: random.one([10, 24, 30, 2000]) }),
    ...(random.chance(12) && { protocol: random.one([59, 58, 61, 253, 255]) }),
  });
  const above = [
    tcp_layers,
    tcp_layers,
    tcp_layers,
    udp_layers,
    udp_layers,
    icmp_layers,
    icmp_layers,
    igmp_layers,
  ];
  return [header, ...(random.chance(5) ? tunnels(random, depth) : random.one(above)(random))];
}

function ipv6_layers(random: Random, depth = 0): Layers {
  const extensions = random.one([
    [{ name: 'hop_by_hop', options: [{ name: 'router_alert', value: 0 }, { type: 1 }] }],
    [{ name: 'destination_options', options: [{ type: 1, data: Buffer.alloc(4) }] }],
    [{ name: 'fragment', id: 77, more_fragments: true }],
    [{ name: 'fragment', id: 77, fragment_offset: 1448 }],
    [{ name: 'routing', routing_type: 2, segments_left: 1, addresses: ['2001:db8::9'] }],
    [
      {
        name: 'routing',
        routing_type: 4,
        segments_left: 1,
        type_data: 0x01000000,
        addresses: ['2001:db8::9', '2001:db8::8'],
      },
    ],
    [{ name: 'ah', spi: 256, seq: 5, icv: Buffer.alloc(12, 3) }],
    [
      { name: 'hop_by_hop', options: [{ type: 99, data: Buffer.alloc(4) }] },
      { name: 'destination_options', options: [{ type: 1, data: Buffer.alloc(4) }] },
    ],
  ] as const);
  const header = ipv6({
    src: random.one(V6),
    dst: random.one(V6),
    hop_limit: random.one([0, 1, 64, 255]),
    traffic_class: random.one([0, 0, 0xb8]),
    flow_label: random.one([0, 0, 0x12345]),
    ...(random.chance(4) && { extensions }),
    ...(random.chance(14) && { payload_length: random.one([8, 30, 2000]) }),
    ...(random.chance(20) && { next_header: random.one([59, 61, 253]) }),
  });
  const above = [tcp_layers, tcp_layers, udp_layers, udp_layers, icmpv6_layers, icmpv6_layers, icmpv6_layers];
  return [header, ...(random.chance(6) ? tunnels(random, depth) : random.one(above)(random))];
}

/** What carries packets in packets. */
function tunnels(random: Random, depth: number): Layers {
  if (depth > 2) return data(random);
  const inner = ip_layers(random, depth + 1);
  return random.one<() => Layers>([
    () => inner,
    () => [
      gre({
        ...(random.chance(2) && { key: random.below(99_999) }),
        ...(random.chance(2) && { seq: 9 }),
        ...(random.chance(3) && { flags: gre.CHECKSUM }),
      }),
      ...inner,
    ],
    () => [gre({}), ethernet({ src: '02:00:00:00:00:03', dst: '02:00:00:00:00:04' }), ...inner],
    () => [gre({ protocol: 0x1234 }), ...data(random)],
    () => [
      gre({ flags: random.one([0x3001, 0x2001, 0x3081, 2]), protocol: 0x1234 }),
      payload(random.bytes(20)),
    ],
    () => [gre({}), mpls({ label: 17, ttl: 3 }), ...inner],
    () => [ah({ spi: 1, seq: 2, icv: random.bytes(12) }), ...tcp_layers(random)],
    () => [esp({ spi: 0x1234, seq: 7 }), payload(random.bytes(24))],
  ])();
}

function arp_layers(random: Random): Layers {
  const mac = () => random.one(['02:00:00:00:00:01', '00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff']);
  const odd = random.chance(8)
    ? { protocol_type: 0x1234, sender_ip: '0a:00:00:01', target_ip: '0a:00:00:02' }
    : {};
  return [
    arp({
      operation: random.one([1, 1, 2, 2, 3, 4, 8, 9, 10, 77]),
      sender_mac: mac(),
      target_mac: mac(),
      sender_ip: random.one(V4),
      target_ip: random.one(V4),
      ...(random.chance(8) && { hardware_type: random.one([6, 24, 999]) }),
      ...odd,
    }),
    ...(random.chance(3) ? [payload(Buffer.alloc(18))] : []),
  ];
}

function mpls_layers(random: Random): Layers {
  const label = () =>
    mpls({
      label: random.one([0, 2, 16, 1_048_575]),
      traffic_class: random.below(8),
      ttl: random.below(256),
    });
  const inner = random.one([ipv4_layers, ipv6_layers])(random);
  const first = inner[0]?.layer === 'ipv6' ? 2 : 0;
  return random.one<() => Layers>([
    () => [mpls({ label: 18 }), ...inner],
    () => [mpls({ label: first }), ...inner],
    () => [label(), mpls({ label: 16_000, traffic_class: 5, ttl: 7 }), ...inner],
    () => [mpls({ label: 99 }), payload(random.bytes(random.below(20)))],
  ])();
}

function frame_layers(random: Random): Layers {
  const carried = random.one([
    ipv4_layers,
    ipv4_layers,
    ipv4_layers,
    ipv6_layers,
    ipv6_layers,
    arp_layers,
    mpls_layers,
  ])(random);
  const tag = () => vlan({ id: random.below(4096), priority: random.below(8), dei: random.below(2) });
  const tags = random.one([[], [], [], [tag()], [tag(), tag()]]);
  const header = { src: '02:00:00:00:00:01', dst: random.one(['02:00:00:00:00:02', 'ff:ff:ff:ff:ff:ff']) };
  if (random.chance(25))
    return [
      ethernet({ ...header, ethertype: random.one([0x1234, 0x88b5]) }),
      payload(random.bytes(random.below(50))),
    ];
  return [ethernet(header), ...tags, ...carried];
}

/** The layers of a packet by link type. */
const LINKS: Readonly<Record<number, (random: Random) => Layers>> = {
  [LINKTYPE_ETHERNET]: frame_layers,
  [LINKTYPE_RAW]: (random) => ip_layers(random, 0),
  [LINKTYPE_NULL]: (random) => {
    const inner = ip_layers(random, 0);
    return [loopback({ family: random.chance(20) ? 99 : inner[0]?.layer === 'ipv6' ? 30 : 2 }), ...inner];
  },
  [LINKTYPE_LINUX_SLL]: (random) => [
    linux_sll({ packet_type: random.below(6), ...(random.chance(5) && { src: '' }) }),
    ...random.one([ipv4_layers, ipv6_layers, arp_layers])(random),
  ],
  [LINKTYPE_LINUX_SLL2]: (random) => {
    const tags = random.chance(4) ? [vlan({ id: 5 })] : [];
    const header = linux_sll2({ packet_type: random.below(6), interface_index: random.one([1, 9999]) });
    return [header, ...tags, ...random.one([ipv4_layers, ipv6_layers, arp_layers])(random)];
  },
};
export const LINKTYPES = Object.keys(LINKS).map(Number);

export interface LinePacket {
  readonly data: Buffer;
  readonly length: number;
  readonly time_ns: bigint;
}

/**
 * Returns packets of a link type.
 *
 * @param kind whole: as built; cut: by a capture, anywhere; damaged: with some bytes changed
 */
export function line_packets(
  linktype: number,
  count: number,
  seed: number,
  kind: 'whole' | 'cut' | 'damaged',
): LinePacket[] {
  const random = new Random(seed + linktype * 7919);
  let time_ns = 1_700_000_000_123_456_789n;
  return Array.from({ length: count }, () => {
    const whole = build(...(LINKS[linktype]?.(random) ?? []));
    time_ns += BigInt(random.below(3_000_000_000)) - (random.chance(20) ? 5_000_000_000n : 0n);
    const data = kind === 'cut' ? whole.subarray(0, 1 + random.below(whole.length)) : Buffer.from(whole);
    if (kind === 'damaged') for (let i = 0; i < 3; i++) data[random.below(data.length)] = random.below(256);
    return { data, length: whole.length, time_ns };
  });
}
