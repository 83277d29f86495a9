// Well-formed packets of the protocols near the link, and of the link types of devices, for properties.
import * as packet from 'bsd-sockets/packet';
import fc from 'fast-check';

const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const bits = (count: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: 2 ** count - 1 });
const bytes = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength }).map((data) => Buffer.from(data));
const exactly = (length: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((data) => Buffer.from(data));
const hardware = (length: number) =>
  exactly(length).map((data) => data.toString('hex').replaceAll(/(..)(?!$)/g, '$1:'));
const mac = hardware(6);
const ip4 = fc.ipV4();
const text = fc.stringMatching(/^[a-z0-9./-]{0,20}$/);
const name = fc.constantFrom;
const list = <T>(item: fc.Arbitrary<T>, maxLength = 4): fc.Arbitrary<T[]> => fc.array(item, { maxLength });
/** Some of these fields. */
const some = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(fields, { requiredKeys: [] });
/** Data that nobody takes for a protocol. */
const data = fc.nat(40).map((count) => packet.payload('x'.repeat(count)));

type Layers = fc.Arbitrary<packet.Draft[]>;
const one = (layer: fc.Arbitrary<packet.Draft>): Layers => layer.map((draft) => [draft]);
const behind = (first: fc.Arbitrary<packet.Draft>, rest: Layers): Layers =>
  fc.tuple(first, rest).map(([outer, inner]) => [outer, ...inner]);

/** Ports that no protocol has. */
const port = fc.integer({ min: 61_001, max: 61_999 });
const datagram: Layers = fc
  .tuple(
    fc.record({ src: ip4, dst: ip4 }).map(packet.ipv4),
    some({ src_port: port, dst_port: port }).map(packet.udp),
    data,
  )
  .map((layers) => layers);

const seconds = u16.map((units) => units / 256);
const instance = some({ flags: u8, regional_root_mac: mac, internal_path_cost: u32, remaining_hops: u8 });
const bridges = {
  flags: u8,
  root_priority: u16,
  root_mac: mac,
  root_path_cost: u32,
  bridge_priority: u16,
  bridge_mac: mac,
  port: u16,
  message_age: seconds,
  max_age: seconds,
  hello_time: seconds,
  forward_delay: seconds,
};
const stp = fc.oneof(
  some(bridges).map(packet.stp),
  fc.constant(packet.stp({ type: packet.stp.TOPOLOGY_CHANGE })),
  some(bridges).map((fields) => packet.stp({ ...fields, version: 2 })),
  fc
    .tuple(
      some(bridges),
      fc.record({
        region: text,
        revision: u16,
        digest: exactly(16),
        bridge_mac: mac,
        instances: list(instance, 3),
      }),
    )
    .map(([fields, mst]) => packet.stp({ ...fields, mst })),
);

const lldp_tlv: fc.Arbitrary<packet.LldpTlvFields> = fc.oneof(
  fc.record({
    name: name('system_name' as const, 'system_description' as const, 'port_description' as const),
    text,
  }),
  fc.record({ name: name('capabilities' as const), capabilities: u16, enabled: u16 }),
  fc.record({
    name: name('management_address' as const),
    address: fc.oneof(ip4, mac, fc.constant('fe80::1')),
    interface_subtype: fc.integer({ min: 1, max: 3 }),
    interface_number: u32,
  }),
  fc.record({ name: name('port_vlan_id' as const), vlan: bits(12) }),
  fc.record({ name: name('protocol_vlan_id' as const), flags: u8, vlan: bits(12) }),
  fc.record({ name: name('vlan_name' as const), vlan: bits(12), vlan_name: text }),
  fc.record({ name: name('protocol_identity' as const), identity: bytes(10) }),
  fc.record({ name: name('power_via_mdi' as const), support: u8, pair: u8, class: u8 }),
  fc.record({ name: name('mac_phy' as const), autonegotiation: bits(2), advertised: u16, mau_type: u16 }),
  fc.record({ name: name('maximum_frame_size' as const), size: u16 }),
  fc.record({ name: name('link_aggregation' as const), status: bits(2), port: u32 }),
  fc.record({
    name: name('organization' as const),
    oui: fc.constant(0x123456),
    subtype: u8,
    information: bytes(20),
  }),
);
const lldp = fc
  .record({
    chassis: fc.oneof(
      fc.record({ subtype: fc.constant(4), id: mac }),
      fc.record({ subtype: fc.constant(5), id: ip4 }),
      fc.record({ subtype: fc.constant(7), id: text.filter((id) => id !== '') }),
    ),
    port: fc.oneof(
      fc.record({ subtype: fc.constant(3), id: mac }),
      fc.record({ subtype: fc.constant(5), id: text.filter((id) => id !== '') }),
    ),
    ttl: u16,
    others: list(lldp_tlv),
  })
  .map(({ chassis, port, ttl, others }) =>
    packet.lldp({
      tlvs: [
        { name: 'chassis_id', ...chassis },
        { name: 'port_id', ...port },
        { name: 'ttl', ttl },
        ...others,
        { name: 'end' },
      ],
    }),
  );

const cdp_tlv: fc.Arbitrary<packet.CdpTlvFields> = fc.oneof(
  fc.record({ name: name('device_id' as const, 'port_id' as const, 'platform' as const), text }),
  fc.record({ name: name('capabilities' as const), capabilities: u32 }),
  fc.record({ name: name('native_vlan' as const), vlan: bits(12) }),
  fc.record({ name: name('duplex' as const), full: bits(1) }),
);
const cdp = fc.record({ ttl: u8, tlvs: list(cdp_tlv) }).map(packet.cdp);

const in_llc: Layers = fc.oneof(one(stp), behind(fc.constant(packet.snap()), fc.oneof(datagram, one(cdp))));
const in_frame = behind(fc.constant(packet.llc()), in_llc);

const tag: fc.Arbitrary<packet.PppoeTagFields> = fc.oneof(
  fc.record({ name: name('service_name' as const, 'access_concentrator' as const), text }),
  fc.record({
    name: name('host_uniq' as const, 'cookie' as const, 'relay_session_id' as const),
    data: bytes(20),
  }),
  fc.record({ name: name('maximum_payload' as const), size: u16 }),
);
const pppoed = fc
  .record({ code: name(0x09, 0x07, 0x19, 0x65, 0xa7), session_id: u16, tags: list(tag) })
  .map(packet.pppoed);

const lcp_option: fc.Arbitrary<packet.LcpOptionFields> = fc.oneof(
  fc.record({ name: name('mru' as const), mru: u16 }),
  fc.record({ name: name('async_map' as const), map: u32 }),
  fc.constant({ name: 'authentication_protocol', protocol: 0xc223, parameters: Buffer.of(5) } as const),
  fc.record({ name: name('magic_number' as const), magic_number: u32 }),
  fc.constant({ name: 'protocol_field_compression' } as const),
  fc.constant({ name: 'address_control_field_compression' } as const),
);
const configure = { code: fc.integer({ min: 1, max: 4 }), id: u8 };
const lcp: fc.Arbitrary<packet.Draft> = fc.oneof(
  fc.record({ ...configure, options: list(lcp_option) }).map(packet.lcp),
  fc
    .record({ code: fc.integer({ min: 9, max: 11 }), id: u8, magic_number: u32, data: bytes(20) })
    .map(packet.lcp),
  fc.record({ code: fc.integer({ min: 5, max: 6 }), id: u8, data: bytes(20) }).map(packet.lcp),
);
const ipcp = fc
  .record({
    ...configure,
    options: list(
      fc.record({
        name: name('address' as const, 'primary_dns' as const, 'secondary_dns' as const),
        address: ip4,
      }),
    ),
  })
  .map(packet.ipcp);
const ipv6cp = fc
  .record({
    ...configure,
    options: list(fc.record({ name: name('interface_id' as const), interface_id: hardware(8) }), 1),
  })
  .map(packet.ipv6cp);
const pap: fc.Arbitrary<packet.Draft> = fc.oneof(
  fc.record({ id: u8, peer_id: text, password: text }).map(packet.pap),
  fc.record({ code: fc.integer({ min: 2, max: 3 }), id: u8, message: text }).map(packet.pap),
);
const chap: fc.Arbitrary<packet.Draft> = fc.oneof(
  fc
    .record({ code: fc.integer({ min: 1, max: 2 }), id: u8, value: bytes(20), sender: text })
    .map(packet.chap),
  fc.record({ code: fc.integer({ min: 3, max: 4 }), id: u8, message: text }).map(packet.chap),
);
const in_ppp: Layers = fc.oneof(datagram, ...[lcp, ipcp, ipv6cp, pap, chap].map(one));
const in_session = fc.oneof(
  behind(fc.constant(packet.ppp()), in_ppp),
  behind(fc.constant(packet.ppp({ compressed: true })), datagram),
);
const pppoes = behind(fc.record({ session_id: u16 }).map(packet.pppoes), in_session);

const parameter: fc.Arbitrary<packet.SctpParameterFields> = fc.oneof(
  fc.record({ name: name('ipv4_address' as const), address: ip4 }),
  fc.record({ name: name('state_cookie' as const), cookie: bytes(30) }),
  fc.record({
    name: name('supported_address_types' as const),
    types: fc.array(name(5, 6), { minLength: 1, maxLength: 3 }),
  }),
  fc.constant({ name: 'ecn' } as const),
  fc.constant({ name: 'forward_tsn_supported' } as const),
);
const initiation = {
  initiate_tag: fc.integer({ min: 1, max: 0xffffffff }),
  window: u32,
  outbound_streams: fc.integer({ min: 1, max: 0xffff }),
  inbound_streams: fc.integer({ min: 1, max: 0xffff }),
  tsn: u32,
  parameters: list(parameter),
};
/** Chunks that stand beside others. */
const chunk: fc.Arbitrary<packet.SctpChunkFields> = fc.oneof(
  fc.record({
    name: name('data' as const),
    flags: bits(3),
    tsn: u32,
    stream: u16,
    stream_seq: u16,
    payload: fc.uint8Array({ minLength: 1, maxLength: 30 }).map((content) => Buffer.from(content)),
  }),
  fc.record({
    name: name('sack' as const),
    cumulative_tsn: u32,
    window: u32,
    gaps: list(fc.tuple(u16, u16)),
    duplicates: list(u32),
  }),
  fc.record({
    name: name('heartbeat' as const),
    parameters: fc.record({ name: name('heartbeat_info' as const), info: bytes(20) }).map((info) => [info]),
  }),
);
/** Chunks that stand alone. */
const lone_chunk: fc.Arbitrary<packet.SctpChunkFields> = fc.oneof(
  fc.record({ name: name('init' as const, 'init_ack' as const), ...initiation }),
  fc.record({
    name: name('abort' as const, 'error' as const),
    causes: fc
      .record({ name: name('user_initiated_abort' as const, 'protocol_violation' as const), text })
      .map((cause) => [cause]),
  }),
  fc.record({ name: name('shutdown' as const), cumulative_tsn: u32 }),
  fc.record({ name: name('cookie_echo' as const), cookie: bytes(30) }),
  fc.constant({ name: 'cookie_ack' } as const),
  fc.constant({ name: 'shutdown_ack' } as const),
  fc.record({ name: name('shutdown_complete' as const), flags: bits(1) }),
);
const sctp = fc
  .record({
    src_port: u16,
    dst_port: u16,
    verification_tag: u32,
    chunks: fc.oneof(
      list(chunk),
      lone_chunk.map((only) => [only]),
    ),
  })
  .map(packet.sctp);
const vrrp = fc.oneof(
  fc.record({ router_id: u8, priority: u8, interval: bits(12), addresses: list(ip4) }).map(packet.vrrp),
  fc
    .record({ router_id: u8, priority: u8, interval: u8, addresses: list(ip4) })
    .map((fields) => packet.vrrp({ ...fields, version: 2 })),
);
/** What IP carries. */
export const in_ipv4: Layers = one(fc.oneof<fc.Arbitrary<packet.Draft>[]>(sctp, vrrp));

const nflog_tlv: fc.Arbitrary<packet.NflogTlvFields> = fc.oneof(
  fc.record({ name: name('packet_header' as const), hardware_protocol: u16, hook: u8 }),
  fc.record({ name: name('prefix' as const), text }),
  fc.record({ name: name('input_interface' as const, 'output_interface' as const), index: u32 }),
  fc.record({ name: name('user_id' as const), id: u32 }),
  fc.record({ name: name('timestamp' as const), data: exactly(16) }),
);
const nflog = behind(fc.record({ resource_id: u16, tlvs: list(nflog_tlv) }).map(packet.nflog), datagram);

const netlink = fc
  .record({
    family: name(0, 4, 16),
    messages: list(fc.record({ type: u16, flags: u16, seq: u32, port_id: u32, data: bytes(40) })),
  })
  .map(packet.netlink);

const can = fc
  .tuple(fc.record({ id: bits(29) }), bytes(8))
  .map(([{ id }, content]) => [packet.can({ id, flags: packet.can.EXTENDED }), packet.payload(content)]);
const can_fd = fc
  .tuple(fc.record({ id: bits(11) }), bytes(64))
  .map(([{ id }, content]) => [packet.can({ id, fd_flags: packet.can.FD }), packet.payload(content)]);

const element: fc.Arbitrary<packet.WlanElementFields> = fc.oneof(
  fc.record({ name: name('ssid' as const), text }),
  fc.record({ name: name('supported_rates' as const), rates: fc.array(u8, { minLength: 1, maxLength: 8 }) }),
  fc.record({ name: name('ds_parameters' as const), channel: fc.integer({ min: 1, max: 14 }) }),
  fc.record({ name: name('erp' as const), flags: u8 }),
);
const stations = {
  flags: name(0, 0x08, 0x10),
  duration: bits(15),
  address1: mac,
  address2: mac,
  address3: mac,
  sequence_control: bits(12).map((number) => number * 16),
};
// Most frames must have an element.
const elements = fc.array(element, { minLength: 1, maxLength: 4 });
const { wlan } = packet;
const frame: Layers = fc.oneof(
  one(
    fc
      .record({
        ...stations,
        timestamp: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        capabilities: u16,
        elements,
      })
      .map((fields) => wlan({ type: 0, subtype: wlan.BEACON, ...fields })),
  ),
  one(
    fc
      .record({ ...stations, elements })
      .map((fields) => wlan({ type: 0, subtype: wlan.PROBE_REQUEST, ...fields })),
  ),
  one(
    fc
      .record({
        ...stations,
        algorithm: name(0, 1, 3),
        transaction: u16,
        status: u16,
        elements: fc.constant([]),
      })
      .map((fields) => wlan({ type: 0, subtype: wlan.AUTHENTICATION, ...fields })),
  ),
  one(
    fc
      .record({ ...stations, capabilities: u16, listen_interval: u16, elements })
      .map((fields) => wlan({ type: 0, subtype: wlan.ASSOCIATION_REQUEST, ...fields })),
  ),
  one(
    fc
      .record({ ...stations, reason: u16, elements: fc.constant([]) })
      .map((fields) => wlan({ type: 0, subtype: wlan.DEAUTHENTICATION, ...fields })),
  ),
  one(
    fc
      .record({ duration: bits(15), address1: mac })
      .map((fields) => wlan({ type: 1, subtype: 13, ...fields })),
  ),
  one(
    fc
      .record({ duration: bits(15), address1: mac, address2: mac })
      .map((fields) => wlan({ type: 1, subtype: 11, ...fields })),
  ),
  behind(
    fc.record(stations).map((fields) => wlan({ ...fields, flags: wlan.TO_DS })),
    behind(fc.constant(packet.llc()), behind(fc.constant(packet.snap()), datagram)),
  ),
  behind(
    fc
      .record({ ...stations, address4: mac, qos: bits(4) })
      .map((fields) => wlan({ ...fields, subtype: 8, flags: wlan.TO_DS | wlan.FROM_DS })),
    behind(fc.constant(packet.llc()), behind(fc.constant(packet.snap()), datagram)),
  ),
);
const radiotap = some({
  tsft: fc.bigInt({ min: 0n, max: 2n ** 63n }),
  flags: name(0, 2),
  rate: u8,
  channel_frequency: fc.integer({ min: 2412, max: 5825 }),
  channel_flags: name(0xa0, 0x480, 0x140),
  signal: fc.integer({ min: -128, max: 127 }),
  antenna: u8,
  receive_flags: u16,
}).map(packet.radiotap);

const of = (linktype: number, layers: Layers) => layers.map((drafts) => ({ linktype, layers: drafts }));
const ethernet = fc.record({ src: mac, dst: mac }).map(packet.ethernet);
const cooked = fc.record({ src: mac }).map(packet.linux_sll);

/** A link type, and the layers of a well-formed packet of it. */
export const link_packets: fc.Arbitrary<{ linktype: number; layers: packet.Draft[] }> = fc.oneof(
  of(packet.LINKTYPE_ETHERNET, behind(ethernet, fc.oneof(in_frame, one(lldp), one(pppoed), pppoes))),
  of(packet.LINKTYPE_ETHERNET, behind(ethernet, behind(some({ id: bits(12) }).map(packet.vlan), in_frame))),
  of(packet.LINKTYPE_LINUX_SLL, behind(cooked, in_frame)),
  of(packet.LINKTYPE_PPP, in_session),
  of(packet.LINKTYPE_PPP_HDLC, behind(fc.constant(packet.ppp()), in_ppp)),
  of(packet.LINKTYPE_PPP_ETHER, pppoes),
  of(packet.LINKTYPE_RAW, behind(fc.record({ src: ip4, dst: ip4 }).map(packet.ipv4), in_ipv4)),
  of(packet.LINKTYPE_NFLOG, nflog),
  of(packet.LINKTYPE_NETLINK, one(netlink)),
  of(packet.LINKTYPE_CAN_SOCKETCAN, fc.oneof(can, can_fd)),
  of(packet.LINKTYPE_IEEE802_11, frame),
  of(packet.LINKTYPE_IEEE802_11_RADIOTAP, behind(radiotap, frame)),
);
