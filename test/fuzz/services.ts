// Well-formed messages of the protocols of ports, for properties: each with the UDP or TCP header in front of it.
import * as packet from 'bsd-sockets/packet';
import fc from 'fast-check';

const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const bits = (count: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: 2 ** count - 1 });
const bytes = (minLength: number, maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength, maxLength }).map((data) => Buffer.from(data));
const exactly = (length: number): fc.Arbitrary<Buffer> => bytes(length, length);
const ip4 = fc.ipV4();
const ip6 = fc.constantFrom('2001:db8::1', 'fe80::1', '::', 'ff02::fb');
const text = fc.string({ maxLength: 40 });
const one_of = <T extends string>(name: T): fc.Arbitrary<T> => fc.constant(name);
const some = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(fields, { requiredKeys: [] });

/** Few names, so that many are compressed. */
const name = fc.constantFrom(
  ...['.', 'com', 'example.com', 'www.example.com', 'mail.example.com', 'a.mail.example.com', 'Example.com'],
  ...['_ipp._tcp.local', 'My Printer._ipp._tcp.local', 'Bücher.local', 'a\\.b.example.com', 'x\\000\\255y'],
);
const dns_class = fc.constantFrom('IN', 'CH', 'ANY', 'CLASS77') as fc.Arbitrary<packet.DnsClass>;
const types = fc.uniqueArray(fc.constantFrom('A', 'MX', 'RRSIG', 'CAA', 'TYPE700'), { maxLength: 4 });
const head = { name, class: dns_class, ttl: u32, cache_flush: fc.boolean() };
const record: fc.Arbitrary<packet.DnsRecordFields> = fc.oneof(
  fc.record({ ...head, type: one_of('A'), address: ip4 }),
  fc.record({ ...head, type: one_of('AAAA'), address: ip6 }),
  fc.record({
    ...head,
    type: fc.constantFrom('NS' as const, 'CNAME' as const, 'PTR' as const, 'DNAME' as const),
    target: name,
  }),
  fc.record({ ...head, type: one_of('MX'), preference: u16, exchange: name }),
  fc.record({ ...head, type: one_of('SOA'), mname: name, rname: name, serial: u32, expire: u32 }),
  fc.record({ ...head, type: one_of('TXT'), strings: fc.array(text, { maxLength: 3 }) }),
  fc.record({ ...head, type: one_of('SRV'), priority: u16, weight: u16, port: u16, target: name }),
  fc.record({ ...head, type: one_of('NAPTR'), order: u16, flags: text, regexp: text, replacement: name }),
  fc.record({ ...head, type: one_of('DS'), key_tag: u16, algorithm: u8, digest: bytes(0, 20) }),
  fc.record({
    ...head,
    type: one_of('RRSIG'),
    type_covered: one_of('A'),
    signer: name,
    signature: exactly(9),
  }),
  fc.record({ ...head, type: one_of('DNSKEY'), flags: u16, public_key: bytes(0, 9) }),
  fc.record({ ...head, type: one_of('NSEC'), next_name: name, types }).map((one) => ({
    ...one,
    types: one.types.toSorted((a, b) => packet.dns.type_number(a) - packet.dns.type_number(b)),
  })),
  fc.record({ ...head, type: one_of('CAA'), flags: u8, tag: text, value: text }),
  fc.record({
    ...head,
    type: one_of('HTTPS'),
    target: name,
    params: fc.constant([
      { name: 'alpn' as const, protocols: ['h2', 'h3'] },
      { name: 'port' as const, port: 8443 },
      { name: 'ipv4hint' as const, addresses: ['192.0.2.1'] },
      { type: 700, data: Buffer.from('x') },
    ]),
  }),
  fc.record({
    name: one_of('.'),
    type: one_of('OPT'),
    // tshark takes the top bit for a flag in multicast DNS.
    udp_payload_size: bits(15),
    flags: u16,
    options: fc.constant([
      { name: 'client_subnet' as const, address: '192.0.2.0', source_prefix_length: 24 },
      { name: 'cookie' as const, client: Buffer.alloc(8, 1) },
      { type: 700, data: Buffer.from('x') },
    ]),
  }),
  fc.record({ ...head, type: one_of('TYPE65280'), data: bytes(0, 20) }),
);
const records = fc.array(record, { maxLength: 3 });
const message = fc
  .record({
    id: u16,
    flags: u16.map((value) => value & 0x87f0),
    opcode: bits(4),
    rcode: bits(4),
    questions: fc.array(fc.record({ name, type: one_of('AAAA'), class: dns_class, unicast: fc.boolean() }), {
      minLength: 1,
      maxLength: 2,
    }),
    answers: records,
    authorities: records,
    additionals: records,
  })
  .map(packet.dns);

const mac = exactly(6).map((data) => data.toString('hex').replaceAll(/(..)(?!$)/g, '$1:'));
const dhcp_option: fc.Arbitrary<packet.DhcpOptionFields> = fc.oneof(
  fc.record({ name: fc.constantFrom('subnet_mask' as const), address: ip4 }),
  fc.record({ name: one_of('router'), addresses: fc.array(ip4, { minLength: 1, maxLength: 3 }) }),
  fc.record({ name: one_of('host_name'), text: fc.string({ minLength: 1, maxLength: 20 }) }),
  fc.record({ name: one_of('lease_time'), seconds: u32 }),
  fc.record({ name: one_of('message_type'), value: u8 }),
  fc.record({ name: one_of('domain_search'), domains: fc.constant(['a.example', 'b.example']) }),
  fc.record({
    name: one_of('classless_static_route'),
    routes: fc.constant([{ destination: '10.0.0.0', prefix_length: 8, router: '192.0.2.1' }]),
  }),
  fc.record({ type: fc.constantFrom(200, 201), data: bytes(1, 600) }),
);
const dhcp_options = fc
  .uniqueArray(dhcp_option, { maxLength: 5, selector: (one) => one.name ?? one.type })
  .map((list) => [...list, { name: 'end' as const }]);
const dhcp = some({
  op: fc.constantFrom(1, 2),
  hops: u8,
  xid: u32,
  secs: u16,
  flags: u16,
  ciaddr: ip4,
  yiaddr: ip4,
  siaddr: ip4,
  giaddr: ip4,
  chaddr: mac,
  sname: fc.constantFrom('', 'server'),
  file: fc.constantFrom('', 'boot.img'),
  options: dhcp_options,
}).map(packet.dhcp);

const plain6: fc.Arbitrary<packet.Dhcpv6OptionFields> = fc.oneof(
  fc.record({ name: fc.constantFrom('client_id' as const, 'interface_id' as const), data: bytes(1, 14) }),
  fc.record({ name: one_of('dns_servers'), addresses: fc.array(ip6, { maxLength: 2 }) }),
  fc.record({ name: one_of('status_code'), code: u16, text }),
  fc.record({ name: one_of('domain_list'), domains: fc.constant(['example.com']) }),
  fc.record({ name: one_of('elapsed_time'), value: u16 }),
  fc.record({ type: fc.constantFrom(200, 3000), data: bytes(0, 14) }),
);
const address6 = fc.record({ name: one_of('ia_address'), address: ip6, valid_lifetime: u32 });
const dhcpv6_option = fc.oneof(
  plain6,
  fc.record({ name: one_of('ia_na'), iaid: u32, t1: u32, options: fc.array(address6, { maxLength: 2 }) }),
);
const dhcpv6_message = fc.record({
  type: fc.integer({ min: 1, max: 11 }),
  transaction_id: bits(24),
  options: fc.array(dhcpv6_option, { maxLength: 3 }),
});
const relay = fc.record({
  type: fc.constantFrom(12, 13),
  hop_count: u8,
  link_address: ip6,
  peer_address: ip6,
  options: dhcpv6_message.map((inner) => [{ name: 'relay_message' as const, message: inner }]),
});
const dhcpv6 = fc.oneof(dhcpv6_message, relay).map((fields) => packet.dhcpv6(fields));

const ntp = fc
  .record({
    leap: bits(2),
    version: fc.integer({ min: 1, max: 4 }),
    mode: fc.integer({ min: 0, max: 5 }),
    stratum: u8,
    poll: fc.integer({ min: -128, max: 127 }),
    precision: fc.integer({ min: -128, max: 127 }),
    root_delay: u32.map((value) => value / 65536),
    root_dispersion: u32.map((value) => value / 65536),
    reference_id: ip4.filter((address) => !/^(3[3-9]|[4-9]\d|1[01]\d|12[0-6])\./.test(address)),
    reference_time: u64,
    originate_time: u64,
    receive_time: u64,
    transmit_time: u64,
    extensions: fc.array(fc.record({ type: u16, data: exactly(28) }), { maxLength: 2 }),
    mac: fc.option(fc.record({ key_id: u32, digest: fc.oneof(exactly(16), exactly(20), exactly(0)) }), {
      nil: undefined,
    }),
  })
  .map(packet.ntp);
const control = some({
  leap: bits(2),
  version: fc.integer({ min: 1, max: 4 }),
  flags: bits(3).map((value) => value << 5),
  opcode: bits(5),
  sequence: u16,
  status: u16,
}).map(packet.ntp_control);

const frame = [
  packet.ethernet(),
  packet.ipv4({ src: '192.0.2.9' }),
  packet.udp({ dst_port: 9 }),
  packet.payload('hi'),
];
const vxlan = some({ vni: bits(24), group: u16, reserved: u8 }).map((fields) => [
  packet.vxlan(fields),
  ...frame,
]);
const geneve = some({
  vni: bits(24),
  flags: u8,
  reserved: u8,
  options: fc.array(fc.record({ class: u16, type: u8, reserved: bits(3), data: exactly(8) }), {
    maxLength: 3,
  }),
}).map((fields) => [packet.geneve(fields), ...frame]);

const in_udp = (layers: fc.Arbitrary<packet.Draft | packet.Draft[]>): fc.Arbitrary<packet.Draft[]> =>
  layers.map((one) => [packet.udp(), one].flat());

/** Messages, each behind its UDP or TCP header. */
export const services: fc.Arbitrary<packet.Draft[]> = fc.oneof(
  in_udp(message),
  message.map((one) => [packet.udp({ src_port: 5353, dst_port: 5353 }), one]),
  fc.array(message, { minLength: 1, maxLength: 2 }).map((list) => [packet.tcp(), ...list]),
  in_udp(dhcp),
  in_udp(dhcpv6),
  in_udp(ntp),
  in_udp(control),
  in_udp(vxlan),
  in_udp(geneve),
);
/** Ports that have a protocol. */
export const SERVICE_PORTS = [53, 67, 68, 123, 546, 547, 4789, 5353, 5355, 6081];
