// Packets to filter: those that the library builds of random layers, and others of protocols that it does not build; whole, cut, and with
// single bytes changed. Addresses, ports and tags come from small sets, which the expressions use, too.
import * as packet from 'bsd-sockets/packet';
import fc from 'fast-check';
import { packets } from '../../fuzz/packets.js';

export const IPV4 = ['10.0.0.1', '10.0.0.2', '10.1.2.3', '192.168.1.1', '224.0.0.5', '255.255.255.255'];
export const IPV6 = ['fe80::1', '2001:db8::1', '2001:db8::2', 'ff02::1', '::1'];
export const PORTS = [20, 53, 80, 443, 513, 1024, 6081, 65_535];
export const MACS = ['02:00:00:00:00:01', '02:00:00:00:00:02', '01:80:c2:00:00:00', 'ff:ff:ff:ff:ff:ff'];
export const TAGS = [1, 10, 100, 4095];
export const LABELS = [16, 1024, 100_000];
export const VNIS = [11, 42];

export interface Sample {
  readonly data: Buffer;
  readonly length: number;
}

/** The link types that filters are compiled for. */
export const LINK_TYPES = {
  NULL: packet.LINKTYPE_NULL,
  ETHERNET: packet.LINKTYPE_ETHERNET,
  PPP: packet.LINKTYPE_PPP,
  PPP_HDLC: packet.LINKTYPE_PPP_HDLC,
  PPP_ETHER: packet.LINKTYPE_PPP_ETHER,
  RAW: packet.LINKTYPE_RAW,
  LOOP: packet.LINKTYPE_LOOP,
  LINUX_SLL: packet.LINKTYPE_LINUX_SLL,
  IPV4: packet.LINKTYPE_IPV4,
  IPV6: packet.LINKTYPE_IPV6,
  LINUX_SLL2: packet.LINKTYPE_LINUX_SLL2,
  /** DLT_RAW of Linux and others. libpcap does not know 14, OpenBSD's. */
  RAW_12: 12,
  WLAN: packet.LINKTYPE_IEEE802_11,
  RADIOTAP: packet.LINKTYPE_IEEE802_11_RADIOTAP,
  NFLOG: packet.LINKTYPE_NFLOG,
  NETLINK: packet.LINKTYPE_NETLINK,
  CAN: packet.LINKTYPE_CAN_SOCKETCAN,
} as const;
export type LinkType = keyof typeof LINK_TYPES;

const one = <T>(values: readonly T[]) => fc.constantFrom(...values);
const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const some_bytes = (minLength: number, maxLength: number) =>
  fc.uint8Array({ minLength, maxLength }).map((data) => Buffer.from(data));
const port = fc.oneof({ weight: 6, arbitrary: one(PORTS) }, u16);

const transport: fc.Arbitrary<packet.Draft[]> = fc.oneof(
  fc.record({ src_port: port, dst_port: port, flags: u8 }).map((fields) => [packet.tcp(fields)]),
  fc.record({ src_port: port, dst_port: port }).map((fields) => [packet.udp(fields)]),
  fc.record({ id: u16, seq: u16 }).map((fields) => [packet.icmp.echo(fields)]),
  fc.record({ id: u16, seq: u16 }).map((fields) => [packet.icmpv6.echo_reply(fields)]),
  some_bytes(0, 40).map((data) => [packet.payload(data)]),
);
const ipv4_fields = fc.record(
  {
    src: one(IPV4),
    dst: one(IPV4),
    // Mostly what the layer behind it says; else any protocol that has a word.
    protocol: one([2, 9, 50, 51, 103, 112, 132]),
    fragment_offset: one([0, 0, 8, 1480]),
    options: one([[], [{ name: 'router_alert' as const, value: 0 }]]),
  },
  { requiredKeys: ['src', 'dst'] },
);
const ipv6_fields = fc.record(
  {
    src: one(IPV6),
    dst: one(IPV6),
    extensions: one([
      [],
      [{ name: 'fragment' as const, id: 7 }],
      [
        { name: 'hop_by_hop' as const, options: [] },
        { name: 'destination_options' as const, options: [] },
      ],
    ]),
  },
  { requiredKeys: ['src', 'dst'] },
);
const ip: fc.Arbitrary<packet.Draft[]> = fc.oneof(
  fc.tuple(ipv4_fields, transport).map(([fields, inner]) => [packet.ipv4(fields), ...inner]),
  fc.tuple(ipv6_fields, transport).map(([fields, inner]) => [packet.ipv6(fields), ...inner]),
);
const ip_bytes = ip.map((layers) => packet.build(...layers));
const arp_bytes = fc
  .record({ sender_ip: one(IPV4), target_ip: one(IPV4), operation: one([1, 2]) })
  .map((fields) => packet.build(packet.arp(fields)));

/** LLC headers: of STP, NetBEUI, IPX, IS-IS, SNAP and others. */
const llc_bytes = fc.oneof(
  fc
    .tuple(one([0x42, 0xf0, 0xe0, 0xfe, 0x06, 0xff, 0x04]), fc.boolean(), u8, some_bytes(4, 40))
    .map(([sap, both, control, rest]) => Buffer.concat([Buffer.from([sap, both ? sap : 0, control]), rest])),
  fc
    .tuple(one([0x81, 0x82, 0x83]), one([15, 16, 17, 18, 20, 24, 25, 26, 27, 1]), some_bytes(4, 30))
    .map(([protocol, type, rest]) =>
      Buffer.concat([Buffer.from([0xfe, 0xfe, 3, protocol, 27, 1, 0, type]), rest]),
    ),
  fc
    .tuple(one(['000000', '080007']), one([0x809b, 0x80f3, 0x8137, 0x0800]), ip_bytes)
    .map(([organization, type, rest]) =>
      Buffer.concat([Buffer.from(`aaaa03${organization}`, 'hex'), u16_bytes(type), rest]),
    ),
);
const decnet_bytes = fc
  .tuple(one([0x02, 0x06]), fc.boolean(), some_bytes(24, 30))
  .map(([flags, padded, rest]) => {
    const address = Buffer.from([0x7b, 0x28]);
    address.copy(rest, flags === 2 ? 0 : 6);
    const head = padded ? [0x81, flags] : [flags];
    return Buffer.concat([Buffer.from([30, 0]), Buffer.from(head), rest]);
  });

function u16_bytes(number: number): Buffer {
  return Buffer.from([number >> 8, number & 0xff]);
}

/** What an Ethernet type announces: the type, and the bytes. */
interface Carried {
  readonly type: number;
  readonly bytes: Buffer;
}
const ip_carried = ip_bytes.map((bytes): Carried => ({ type: ip_type(bytes), bytes }));

function ip_type(bytes: Buffer): number {
  return bytes.length > 0 && bytes[0]! >> 4 === 6 ? 0x86dd : 0x0800;
}

const plain: fc.Arbitrary<Carried> = fc.oneof(
  { weight: 6, arbitrary: ip_carried },
  { weight: 2, arbitrary: arp_bytes.map((bytes) => ({ type: 0x0806, bytes })) },
  arp_bytes.map((bytes) => ({ type: 0x8035, bytes })),
  { weight: 2, arbitrary: llc_bytes.map((bytes) => ({ type: bytes.length, bytes })) },
  decnet_bytes.map((bytes) => ({ type: 0x6003, bytes })),
  fc
    .tuple(one([0x6001, 0x6002, 0x6004, 0x6007, 0x809b, 0x80f3, 0x8137, 0x8863, 0x9000]), some_bytes(8, 40))
    .map(([type, bytes]) => ({ type, bytes })),
);

const labelled: fc.Arbitrary<Carried> = fc
  .tuple(fc.array(one(LABELS), { minLength: 1, maxLength: 3 }), ip_bytes)
  .map(([labels, inner]) => {
    const entries = labels.map((label, i) => {
      const entry = Buffer.alloc(4);
      entry.writeUInt32BE(((label << 12) | (i === labels.length - 1 ? 0x100 : 0) | 64) >>> 0);
      return entry;
    });
    return { type: 0x8847, bytes: Buffer.concat([...entries, inner]) };
  });
const in_pppoe: fc.Arbitrary<Carried> = fc
  .tuple(one([0x27, 1]), one([0x0021, 0x0057, 0x0281, 0xc021, 0x0023]), ip_bytes)
  .map(([session, type, inner]) => ({
    type: 0x8864,
    bytes: Buffer.concat([
      Buffer.from([0x11, 0]),
      u16_bytes(session),
      u16_bytes(inner.length + 2),
      u16_bytes(type),
      inner,
    ]),
  }));

const frame = (carried: fc.Arbitrary<Carried>) =>
  fc
    .tuple(one(MACS), one(MACS), carried)
    .map(([dst, src, { type, bytes }]) =>
      Buffer.concat([mac_bytes(dst), mac_bytes(src), u16_bytes(type), bytes]),
    );

function mac_bytes(text: string): Buffer {
  return Buffer.from(text.replaceAll(':', ''), 'hex');
}

const in_geneve: fc.Arbitrary<Carried> = fc
  .tuple(
    fc.boolean(),
    one(VNIS),
    one([0, 4, 8]),
    fc.oneof(
      frame(plain).map((bytes): Carried => ({ type: 0x6558, bytes })),
      ip_carried,
    ),
    fc.boolean(),
  )
  .map(([over_ipv6, vni, options, inner, has_port]) => {
    const head = Buffer.alloc(8 + options);
    head[0] = options / 4;
    head.writeUInt16BE(inner.type, 2);
    head.writeUInt32BE(vni * 256, 4);
    const udp = packet.udp({ src_port: 1024, dst_port: has_port ? 6081 : 6080 });
    const outer = over_ipv6
      ? packet.ipv6({ src: '2001:db8::1', dst: '2001:db8::2' })
      : packet.ipv4({ src: '10.0.0.1', dst: '10.0.0.2' });
    const bytes = packet.build(outer, udp, packet.payload(Buffer.concat([head, inner.bytes])));
    return { type: ip_type(bytes), bytes };
  });

const anything = fc.oneof(
  { weight: 8, arbitrary: plain },
  { weight: 2, arbitrary: labelled },
  { weight: 2, arbitrary: in_pppoe },
  { weight: 2, arbitrary: in_geneve },
);
const tagged = fc
  .tuple(fc.array(fc.tuple(one([0x8100, 0x8100, 0x88a8, 0x9100]), one(TAGS)), { maxLength: 2 }), anything)
  .map(([tags, inner]) =>
    tags.reduceRight<Carried>(
      ({ type, bytes }, [tpid, id]) => ({
        type: tpid,
        bytes: Buffer.concat([u16_bytes(id | 0x6000), u16_bytes(type), bytes]),
      }),
      inner,
    ),
  );

/** Returns the type of Linux's cooked header: LLC has numbers of its own. */
function cooked_type({ type, bytes }: Carried): number {
  if (type > 1500) return type;
  return bytes[0] === 0xff && bytes[1] === 0xff ? 1 : 4;
}

/** IP packets behind a header, and PPP's number of what it carries. */
const in_ppp = (head: string) =>
  ip_bytes.map((bytes) =>
    Buffer.concat([Buffer.from(head, 'hex'), u16_bytes(ip_type(bytes) === 0x0800 ? 0x21 : 0x57), bytes]),
  );

/** What a frame of 802.11 carries: LLC, with SNAP for an Ethernet type. */
const in_llc = tagged.map(({ type, bytes }) =>
  type > 1500 ? Buffer.concat([Buffer.from('aaaa03000000', 'hex'), u16_bytes(type), bytes]) : bytes,
);
/** The types and subtypes of frames, data most often. */
const frame_control = fc.oneof(
  { weight: 5, arbitrary: one([0x08, 0x88, 0x88, 0x08, 0x48, 0xc8]) },
  { weight: 2, arbitrary: one([0x00, 0x40, 0x50, 0x80, 0xc0]) },
  one([0xa4, 0xb4, 0xc4, 0xd4, 0xe4, 0x0c]),
);
/** The header of a frame, up to the end of its fields, and what follows. libpcap counts no fourth address: sometimes it is not there. */
const wlan_parts = fc
  .tuple(frame_control, fc.nat(3), fc.array(one(MACS), { minLength: 4, maxLength: 4 }), fc.boolean(), in_llc)
  .map(([control, direction, [first = '', second = '', third = '', fourth = ''], has_fourth, bytes]) => {
    const is_data = (control & 0x0c) === 0x08;
    return {
      head: Buffer.concat([
        Buffer.from([control, direction | 0x10, 0, 0]),
        ...[first, second, third].map(mac_bytes),
        Buffer.from([0x10, 0]),
        ...(direction === 3 && has_fourth ? [mac_bytes(fourth)] : []),
        ...(is_data && control >= 0x80 ? [Buffer.from([0, 0])] : []),
      ]),
      bytes,
    };
  });
/** Radiotap with a time, flags (0x20: the header is padded), a rate, or another word of bits. */
const in_radiotap = fc
  .tuple(fc.boolean(), one([undefined, 0x10, 0x20]), fc.boolean(), wlan_parts)
  .map(([has_time, flags, has_more, { head, bytes }]) => {
    const bits = (has_time ? 1 : 0) | (flags === undefined ? 0 : 2) | 4;
    const words = has_more ? [bits | 0x80000000, 0] : [bits];
    const fields = [...(has_time ? Array.from({ length: 8 }, (_, i) => i) : []), flags ?? [], 12].flat();
    const size = 4 + words.length * 4 + fields.length;
    const radio = Buffer.alloc(size);
    radio.writeUInt16LE(size, 2);
    for (const [i, word] of words.entries()) radio.writeUInt32LE(word >>> 0, 4 + i * 4);
    radio.set(fields, 4 + words.length * 4);
    const padding = flags === 0x20 && !has_more ? -(size + head.length) & 3 : 0;
    return Buffer.concat([radio, head, Buffer.alloc(padding), bytes]);
  });

const well_formed: Record<LinkType, fc.Arbitrary<Buffer>> = {
  ETHERNET: frame(tagged),
  PPP: in_ppp('ff03'),
  PPP_HDLC: in_ppp('ff03'),
  PPP_ETHER: in_ppp('110000070000'),
  RAW: ip_bytes,
  RAW_12: ip_bytes,
  WLAN: wlan_parts.map(({ head, bytes }) => Buffer.concat([head, bytes])),
  RADIOTAP: in_radiotap,
  NFLOG: ip_bytes.map((bytes) => Buffer.concat([Buffer.from([2, 0, 0, 5]), bytes])),
  NETLINK: some_bytes(16, 60),
  CAN: some_bytes(8, 16),
  IPV4: ip_bytes,
  IPV6: ip_bytes,
  NULL: fc.tuple(fc.boolean(), one([24, 28, 30]), ip_bytes).map(([, ipv6, bytes]) => {
    return Buffer.concat([Buffer.from([ip_type(bytes) === 0x0800 ? 2 : ipv6, 0, 0, 0]), bytes]);
  }),
  LOOP: fc.tuple(one([24, 28, 30]), ip_bytes).map(([ipv6, bytes]) => {
    return Buffer.concat([Buffer.from([0, 0, 0, ip_type(bytes) === 0x0800 ? 2 : ipv6]), bytes]);
  }),
  LINUX_SLL: fc.tuple(one([0, 1, 4]), plain).map(([direction, carried]) => {
    const head = Buffer.from([0, direction, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0]);
    return Buffer.concat([head, u16_bytes(cooked_type(carried)), carried.bytes]);
  }),
  LINUX_SLL2: fc.tuple(one([0, 1, 4]), one([1, 7]), plain).map(([direction, index, carried]) => {
    const head = Buffer.from([0, 0, 0, 0, 0, index, 0, 1, direction, 6, 2, 0, 0, 0, 0, 1, 0, 0]);
    return Buffer.concat([u16_bytes(cooked_type(carried)), head, carried.bytes]);
  }),
};

/** The packets of test/fuzz of the link type. */
const built = (linktype: number) =>
  packets.filter((each) => each.linktype === linktype).map(({ layers }) => packet.build(...layers));

/** Packets of a link type: of three, one is cut or changed. */
export function sample(name: LinkType): fc.Arbitrary<Sample> {
  const linktype = LINK_TYPES[name];
  const has_built = !['LOOP', 'IPV4', 'IPV6', 'RAW_12'].includes(name);
  const whole = has_built
    ? fc.oneof({ weight: 3, arbitrary: well_formed[name] }, built(linktype))
    : well_formed[name];
  return fc.tuple(whole, fc.nat(8), fc.nat(), u8).map(([data, fate, at, value]) => {
    const where = data.length === 0 ? 0 : at % Math.min(data.length, 120);
    if (fate < 2) return { data: data.subarray(0, where), length: data.length };
    if (fate === 2 && data.length > 0) {
      const changed = Buffer.from(data);
      changed[where] = value;
      return { data: changed, length: data.length };
    }
    return { data, length: data.length };
  });
}
