// Well-formed packets of every kind, for properties: layers with random values in every field that is not worked out.
import * as packet from 'bsd-sockets/packet';
import fc from 'fast-check';
import { in_ipv4, link_packets } from './link_packets.js';
import { SERVICE_PORTS, services } from './services.js';

const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const bits = (count: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: 2 ** count - 1 });
const bytes = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength }).map((data) => Buffer.from(data));
const exactly = (length: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((data) => Buffer.from(data));
const ip4 = fc.ipV4();
const mac = exactly(6).map((data) => data.toString('hex').replaceAll(/(..)(?!$)/g, '$1:'));
/** In the form in which parsing gives it, with many zeros. */
const ip6 = fc
  .array(fc.oneof(fc.constant(0), u16), { minLength: 8, maxLength: 8 })
  .map((groups) =>
    new URL(`http://[${groups.map((group) => group.toString(16)).join(':')}]`).hostname.slice(1, -1),
  )
  .map((text) =>
    text.replace(/^::ffff:(\w+):(\w+)$/, (_, high, low) => `::ffff:${dotted(high)}.${dotted(low)}`),
  );
const dotted = (group: string): string =>
  `${Number.parseInt(group, 16) >> 8}.${Number.parseInt(group, 16) & 255}`;
/** Some of these fields. */
const some = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(fields, { requiredKeys: [] });

const tcp_option: fc.Arbitrary<packet.TcpOptionFields> = fc.oneof(
  fc.constant({ name: 'nop' } as const),
  fc.record({ name: fc.constant('mss' as const), mss: u16 }),
  fc.record({ name: fc.constant('window_scale' as const), shift: u8 }),
  fc.constant({ name: 'sack_permitted' } as const),
  fc.record({
    name: fc.constant('sack' as const),
    blocks: fc.array(fc.tuple(u32, u32), { minLength: 1, maxLength: 2 }),
  }),
  fc.record({ name: fc.constant('timestamps' as const), value: u32, echo: u32 }),
  fc.record({ name: fc.constant('user_timeout' as const), timeout: bits(15), minutes: fc.boolean() }),
  fc.record({ type: fc.integer({ min: 40, max: 255 }), data: bytes(6) }),
);
const ipv4_option: fc.Arbitrary<packet.Ipv4OptionFields> = fc.oneof(
  fc.constant({ name: 'nop' } as const),
  fc.record({ name: fc.constant('router_alert' as const), value: u16 }),
  fc.record({
    name: fc.constant('record_route' as const),
    pointer: u8,
    addresses: fc.array(ip4, { maxLength: 3 }),
  }),
  fc.record({
    name: fc.constant('loose_source_route' as const),
    pointer: u8,
    addresses: fc.array(ip4, { maxLength: 3 }),
  }),
  fc.record({ pointer: u8, overflow: bits(4), flag: fc.constantFrom(0, 1, 3) }).chain((fields) => {
    const entry = fields.flag === 0 ? fc.record({ time: u32 }) : fc.record({ address: ip4, time: u32 });
    return fc
      .array(entry, { maxLength: 2 })
      .map((entries) => ({ name: 'timestamp' as const, ...fields, entries }));
  }),
  fc.record({ type: fc.integer({ min: 200, max: 255 }), data: bytes(6) }),
);
const ipv6_option: fc.Arbitrary<packet.Ipv6OptionFields> = fc.oneof(
  fc.constant({ name: 'pad1' } as const),
  fc.record({ name: fc.constant('router_alert' as const), value: u16 }),
  fc.record({ name: fc.constant('home_address' as const), address: ip6 }),
  fc.record({ type: fc.integer({ min: 10, max: 100 }), data: bytes(20) }),
);
const options = <T>(option: fc.Arbitrary<T>, maxLength: number): fc.Arbitrary<T[]> =>
  fc.array(option, { maxLength });
const extension: fc.Arbitrary<packet.Ipv6ExtensionFields> = fc.oneof(
  fc.record({ name: fc.constant('hop_by_hop' as const), options: options(ipv6_option, 4) }),
  fc.record({ name: fc.constant('destination_options' as const), options: options(ipv6_option, 4) }),
  fc.record({
    name: fc.constant('routing' as const),
    routing_type: fc.constantFrom(0, 2),
    segments_left: u8,
    type_data: u32,
    addresses: fc.array(ip6, { maxLength: 4 }),
  }),
  fc.record({ name: fc.constant('fragment' as const), id: u32 }),
  fc.record({ name: fc.constant('ah' as const), spi: u32, seq: u32, icv: exactly(12) }),
  fc.record({ type: fc.constantFrom(135, 139, 140), data: exactly(14) }),
);
const ndp_option: fc.Arbitrary<packet.NdpOptionFields> = fc.oneof(
  fc.record({
    name: fc.constantFrom('source_link_layer' as const, 'target_link_layer' as const),
    address: mac,
  }),
  fc.record({ name: fc.constant('mtu' as const), mtu: u32 }),
  fc.record({
    name: fc.constant('prefix_information' as const),
    prefix_length: u8,
    flags: u8,
    valid_lifetime: u32,
    preferred_lifetime: u32,
    prefix: ip6,
  }),
  fc.record({
    name: fc.constant('rdnss' as const),
    lifetime: u32,
    addresses: fc.array(ip6, { maxLength: 3 }),
  }),
  fc
    .record({ prefix_length: fc.integer({ min: 0, max: 128 }), flags: u8, lifetime: u32, prefix: ip6 })
    .map((fields) => ({ name: 'route_information' as const, ...fields })),
  fc.record({
    name: fc.constant('dnssl' as const),
    lifetime: u32,
    domains: fc.array(fc.domain(), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ type: fc.integer({ min: 100, max: 255 }), data: exactly(14) }),
);

const little = bytes(80).map((data) => packet.payload(data));
const payload = fc.oneof(
  { weight: 9, arbitrary: little },
  fc.constant(packet.payload(Buffer.alloc(1400, 'x'))),
);
/** Data behind these ports are no protocol. */
const port = u16.filter((number) => !SERVICE_PORTS.includes(number));
const udp = some({ src_port: port, dst_port: port }).map(packet.udp);
/** The whole datagram, or the first bytes of it, are covered by the checksum. */
const udplite = fc
  .tuple(some({ src_port: port, dst_port: port }), little, fc.boolean(), fc.nat())
  .map(([ports, data, is_part, chosen]) => {
    const bytes = 8 + (chosen % (packet.build(data).length + 1));
    return [packet.udplite({ ...ports, coverage: is_part ? bytes : 0 }), data];
  });
const tcp = some({
  src_port: port,
  dst_port: port,
  seq: u32,
  ack: u32,
  flags: bits(12),
  window: u16,
  urgent: u16,
  options: options(tcp_option, 2),
}).map((fields) => packet.tcp(fields));
const ipv4 = some({
  tos: u8,
  id: u16,
  flags: fc.constantFrom(0, 2, 4),
  ttl: u8,
  src: ip4,
  dst: ip4,
  options: options(ipv4_option, 2),
}).map((fields) => packet.ipv4(fields));
const ipv6 = some({
  traffic_class: u8,
  flow_label: bits(20),
  hop_limit: u8,
  src: ip6,
  dst: ip6,
  extensions: options(extension, 4),
}).map(packet.ipv6);
const arp = some({ operation: u16, sender_mac: mac, sender_ip: ip4, target_mac: mac, target_ip: ip4 }).map(
  (fields) => packet.arp(fields),
);
const quoted = (ip: fc.Arbitrary<packet.Draft>) =>
  fc.oneof(
    fc.tuple(ip, udp, little).map((layers) => layers as packet.Draft[]),
    fc.tuple(ip, tcp).map((layers) => layers as packet.Draft[]),
  );
const extensions = fc.array(
  fc.oneof(
    fc.record({
      name: fc.constant('mpls' as const),
      labels: fc.array(
        fc.record({ label: bits(20), traffic_class: bits(3), bottom: fc.boolean(), ttl: u8 }),
        { maxLength: 3 },
      ),
    }),
    fc.record({ class: fc.integer({ min: 2, max: 255 }), type: u8, data: exactly(8) }),
  ),
  { maxLength: 2 },
);
const echo = { id: u16, seq: u16, code: u8 };
const interfaces = fc.array(
  fc.oneof(
    fc.record({
      name: fc.constant('interface_name' as const),
      interface_name: fc.stringMatching(/^[a-z0-9.]{0,15}$/),
    }),
    fc.record({ name: fc.constant('interface_index' as const), interface_index: u32 }),
    fc.record({ name: fc.constant('interface_address' as const), address: fc.oneof(ip4, ip6, mac) }),
    exactly(8).map((data) => ({
      name: 'interface_address' as const,
      family: 16_390,
      address: data.toString('hex').replaceAll(/(..)(?!$)/g, '$1:'),
    })),
    fc.record({ class: fc.constant(3), type: fc.integer({ min: 4, max: 9 }), data: exactly(4) }),
  ),
  { maxLength: 2 },
);
const extended_echo = { id: u16, seq: u8, local: fc.boolean(), extensions: interfaces };
const extended_echo_reply = {
  id: u16,
  seq: u8,
  code: bits(3),
  state: bits(3),
  active: fc.boolean(),
  ipv4: fc.boolean(),
  ipv6: fc.boolean(),
  extensions: interfaces,
};
const icmp: fc.Arbitrary<packet.Draft[]> = fc.oneof(
  fc.tuple(some(echo).map(packet.icmp.echo), payload),
  fc.tuple(some(echo).map(packet.icmp.echo_reply), payload),
  fc
    .record({ code: u8, next_hop_mtu: u16, quoted: quoted(ipv4), extensions })
    .map((fields) => [packet.icmp.destination_unreachable(fields)]),
  fc.record({ quoted: quoted(ipv4), extensions }).map((fields) => [packet.icmp.time_exceeded(fields)]),
  fc.record({ quoted: quoted(ipv4), gateway: ip4 }).map((fields) => [packet.icmp.redirect(fields)]),
  fc
    .record({ id: u16, seq: u16, originate: u32, receive: u32, transmit: u32 })
    .map((fields) => [packet.icmp.timestamp(fields)]),
  fc.record({ id: u16, seq: u16, mask: ip4 }).map((fields) => [packet.icmp.address_mask_reply(fields)]),
  fc
    .record({
      lifetime: u16,
      addresses: fc.array(fc.record({ address: ip4, preference: fc.integer() }), { maxLength: 4 }),
    })
    .map((fields) => [packet.icmp.router_advertisement(fields)]),
  some(extended_echo).map((fields) => [packet.icmp.extended_echo(fields)]),
  some(extended_echo_reply).map((fields) => [packet.icmp.extended_echo_reply(fields)]),
  some({ id: u16, outbound_hops: u16, return_hops: u16, speed: u32, mtu: u32 }).map((fields) => [
    packet.icmp.traceroute(fields),
  ]),
  fc.tuple(some({ id: u16, seq: u16 }).map(packet.icmp.domain_name_request), payload),
  fc.tuple(fc.record({ rest: u32 }).map(packet.icmp.photuris), payload),
  fc.tuple(fc.record({ type: fc.integer({ min: 44, max: 255 }), rest: u32 }).map(packet.icmp), payload),
);
const icmpv6: fc.Arbitrary<packet.Draft[]> = fc.oneof(
  fc.tuple(some(echo).map(packet.icmpv6.echo), payload),
  fc
    .record({ code: u8, quoted: quoted(ipv6), extensions })
    .map((fields) => [packet.icmpv6.destination_unreachable(fields)]),
  fc.record({ mtu: u32, quoted: quoted(ipv6) }).map((fields) => [packet.icmpv6.packet_too_big(fields)]),
  fc
    .record({ pointer: u32, quoted: quoted(ipv6) })
    .map((fields) => [packet.icmpv6.parameter_problem(fields)]),
  some({
    hop_limit: u8,
    flags: u8,
    router_lifetime: u16,
    reachable_time: u32,
    retrans_timer: u32,
    options: options(ndp_option, 4),
  }).map((fields) => [packet.icmpv6.router_advertisement(fields)]),
  some({ target: ip6, options: options(ndp_option, 3) }).map((fields) => [
    packet.icmpv6.neighbor_solicitation(fields),
  ]),
  some({ target: ip6, flags: u8, options: options(ndp_option, 3) }).map((fields) => [
    packet.icmpv6.neighbor_advertisement(fields),
  ]),
  some({ target: ip6, dst: ip6, options: options(ndp_option, 3) }).map((fields) => [
    packet.icmpv6.redirect(fields),
  ]),
  some({ group: ip6, maximum_response_delay: u16 }).map((fields) => [
    packet.icmpv6.multicast_listener_report(fields),
  ]),
  fc
    .array(fc.record({ type: u8, group: ip6, sources: fc.array(ip6, { maxLength: 3 }) }), { maxLength: 3 })
    .map((records) => [packet.icmpv6.multicast_listener_report_v2({ records })]),
  some(extended_echo).map((fields) => [packet.icmpv6.extended_echo(fields)]),
  some(extended_echo_reply).map((fields) => [packet.icmpv6.extended_echo_reply(fields)]),
  fc.tuple(
    some({ code: bits(1), seq: u32, segment: u8, flags: u8, maximum_delay: u16 }).map(
      packet.icmpv6.router_renumbering,
    ),
    payload,
  ),
  fc.tuple(
    some({ code: bits(2), qtype: u16, flags: u16, nonce: exactly(8) }).map(
      packet.icmpv6.node_information_query,
    ),
    payload,
  ),
  some({ options: options(ndp_option, 3) }).map((fields) => [
    packet.icmpv6.inverse_neighbor_solicitation(fields),
  ]),
  some({ id: u16, flags: fc.constantFrom(0, 0x8000, 0xc000), options: options(ndp_option, 3) }).map(
    (fields) => [packet.icmpv6.mobile_prefix_advertisement(fields)],
  ),
  some({ id: u16, component: u16, options: options(ndp_option, 2) }).map((fields) => [
    packet.icmpv6.certification_path_solicitation(fields),
  ]),
  some({ code: u8, query_interval: u16, robustness: u16 }).map((fields) => [
    packet.icmpv6.multicast_router_advertisement(fields),
  ]),
  fc.tuple(fc.record({ code: bits(2), rest: u32 }).map(packet.icmpv6.rpl_control), payload),
);

/** Messages of ICMP and ICMPv6, in the packet that carries them. */
export const icmp_packets: fc.Arbitrary<packet.Draft[]> = fc.oneof(
  fc.tuple(ipv4, icmp).map(([outer, inner]) => [outer, ...inner]),
  fc.tuple(ipv6, icmpv6).map(([outer, inner]) => [outer, ...inner]),
);

const source_list = fc.array(ip4, { maxLength: 3 });
const igmp: fc.Arbitrary<packet.Draft[]> = fc.oneof(
  some({ code: u8, group: ip4 }).map((fields) => [packet.igmp.report(fields)]),
  some({ group: ip4 }).map((fields) => [packet.igmp.leave(fields)]),
  fc
    .record({ code: u8, group: ip4, flags: bits(4), interval_code: u8, sources: source_list })
    .map(({ code, group, ...version3 }) => [packet.igmp.query({ code, group, version3 })]),
  fc
    .array(fc.record({ type: fc.integer({ min: 1, max: 6 }), group: ip4, sources: source_list }), {
      maxLength: 3,
    })
    .map((records) => [packet.igmp.report_v3({ records })]),
);
const esp = fc.tuple(
  fc.record({ spi: fc.integer({ min: 256, max: 0xffffffff }), seq: u32 }).map(packet.esp),
  exactly(40).map((data) => packet.payload(data)),
);
const mpls = some({ label: fc.integer({ min: 16, max: 0xfffff }), traffic_class: bits(3), ttl: u8 }).map(
  packet.mpls,
);
const ah = fc.tuple(some({ spi: u32, seq: u32, icv: exactly(12) }).map(packet.ah), udp, payload);
const gre = some({ key: u32, seq: u32 }).map((fields) => packet.gre(fields));
/** Layers that an IP packet may carry, other IP packets too. */
const in_ip = (depth: number, ...others: fc.Arbitrary<packet.Draft[]>[]): fc.Arbitrary<packet.Draft[]> => {
  const plain = fc.oneof(fc.tuple(udp, payload), fc.tuple(tcp, payload), udplite, ...others);
  if (depth === 0) return plain;
  const in_gre = fc.tuple(gre, ip(depth - 1)).map(([outer, inner]) => [outer, ...inner]);
  return fc.oneof(plain, ip(depth - 1), in_gre);
};
function ip(depth: number): fc.Arbitrary<packet.Draft[]> {
  return fc.oneof(
    fc
      .tuple(
        ipv4,
        in_ip(
          depth,
          icmp,
          igmp,
          esp,
          ah,
          in_ipv4,
          payload.map((layer) => [layer]),
        ),
      )
      .map(([outer, inner]) => [outer, ...inner]),
    fc.tuple(ipv6, in_ip(depth, icmpv6)).map(([outer, inner]) => [outer, ...inner]),
  );
}
const tags = fc.array(some({ id: bits(12), priority: bits(3), dei: bits(1) }).map(packet.vlan), {
  maxLength: 3,
});

/** A link type, and the layers of a well-formed packet of it, with data that are no protocol's in UDP and TCP. */
export const packets: fc.Arbitrary<{ linktype: number; layers: packet.Draft[] }> = fc.oneof(
  ip(2).map((layers) => ({ linktype: packet.LINKTYPE_RAW, layers })),
  fc
    .tuple(
      some({ src: mac, dst: mac }).map(packet.ethernet),
      tags,
      fc.oneof(
        ip(1),
        arp.map((layer) => [layer]),
        fc
          .tuple(fc.array(mpls, { minLength: 1, maxLength: 3 }), ip(0))
          .map(([stack, inner]) => [...stack, ...inner]),
      ),
    )
    .map(([link, outer, inner]) => ({
      linktype: packet.LINKTYPE_ETHERNET,
      layers: [link, ...outer, ...inner],
    })),
  fc
    .tuple(some({ src: mac, packet_type: u16, arphrd_type: u16 }).map(packet.linux_sll), ip(0))
    .map(([link, inner]) => ({ linktype: packet.LINKTYPE_LINUX_SLL, layers: [link, ...inner] })),
  fc
    .tuple(
      some({ src: mac, packet_type: u8, arphrd_type: u16, interface_index: u32 }).map(packet.linux_sll2),
      ip(0),
    )
    .map(([link, inner]) => ({ linktype: packet.LINKTYPE_LINUX_SLL2, layers: [link, ...inner] })),
  ip(0).map((inner) => ({ linktype: packet.LINKTYPE_NULL, layers: [packet.loopback(), ...inner] })),
  link_packets,
);

/** The same with messages of the protocols of ports. */
export const service_packets: fc.Arbitrary<{ linktype: number; layers: packet.Draft[] }> = fc
  .tuple(fc.oneof(ipv4, ipv6), services)
  .map(([outer, inner]) => ({ linktype: packet.LINKTYPE_RAW, layers: [outer, ...inner] }));
/** All of them. */
export const all_packets: typeof packets = fc.oneof(packets, service_packets);
