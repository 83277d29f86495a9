// The protocols near the link: their bytes, what follows from them, and their misuse.
import * as packet from 'bsd-sockets/packet';
import { describe, expect, test } from 'vitest';
import { link_frames } from './link_frames.js';

const { build, ethernet, ipv4, llc, lcp, lldp, parse, payload, ppp, sctp, snap, stp, udp, wlan } = packet;
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const names = ({ layers }: packet.Packet) => layers.map(({ layer }) => layer);
const whole = (bytes: Buffer, linktype: number) => {
  const parsed = parse(bytes, { linktype });
  expect(Buffer.concat([build(...parsed.layers), parsed.trailer])).toEqual(bytes);
  return parsed;
};
const problems = (bytes: Buffer, linktype: number) =>
  whole(bytes, linktype).problems.map(({ layer, message }) => `${layer}: ${message}`);

test.each(link_frames)(
  '%s of link type %i: goes round, with every layer, and is shown',
  (_, linktype, layers) => {
    const parsed = whole(build(...layers), linktype);
    expect(parsed.problems).toEqual([]);
    expect(names(parsed)).toEqual(layers.map(({ layer }) => layer));
    for (const { layer } of layers) expect(packet.show(parsed)).toMatch(new RegExp(`^${layer}$`, 'm'));
  },
);

test.each([12, 14])('link type %i is raw IP of other systems: as LINKTYPE_RAW', (linktype) => {
  for (const ip of [packet.ipv4({ src: '192.0.2.1' }), packet.ipv6({ src: '2001:db8::1' })]) {
    const bytes = packet.build(ip, packet.udp({ dst_port: 9 }), packet.payload('x'));
    const parsed = packet.parse(bytes, { linktype });
    expect(parsed).toEqual(packet.parse(bytes, { linktype: packet.LINKTYPE_RAW }));
    expect(parsed.layers.map(({ layer }) => layer)).toEqual([ip.layer, 'udp', 'payload']);
  }
});

describe('frames with a length', () => {
  test('the length is worked out, and ends the frame: padding is the trailer', () => {
    const frame = build(ethernet(), llc(), stp());
    expect(frame.readUInt16BE(12)).toBe(38);
    const padded = whole(Buffer.concat([frame, Buffer.alloc(60 - frame.length)]), 1);
    expect(names(padded)).toEqual(['ethernet', 'llc', 'stp']);
    expect(padded.trailer).toHaveLength(8);
    expect(names(whole(build(ethernet(), packet.vlan({ id: 5 }), llc(), stp()), 1))).toContain('stp');
  });

  test('service access points and SNAP say what is carried', () => {
    expect(build(ethernet(), llc(), snap(), ipv4()).subarray(14, 22)).toEqual(hex('aaaa03 000000 0800'));
    expect(build(ethernet(), llc(), snap(), packet.cdp()).subarray(14, 22)).toEqual(
      hex('aaaa03 00000c 2000'),
    );
    expect(build(ethernet(), llc(), ipv4()).subarray(14, 17)).toEqual(hex('060603'));
    expect(build(ethernet(), llc({ dsap: 0xe0, ssap: 0xe0 }), payload('x'))[14]).toBe(0xe0);
    // A response, and a frame of information, which has a control field of two bytes.
    expect(names(whole(build(ethernet(), llc({ dsap: 0x42, ssap: 0x43 }), payload('x')), 1))).not.toContain(
      'stp',
    );
    expect(parse(build(ethernet(), llc({ control: 0x0200 }), payload('x'))).get('llc')?.control).toBe(0x0200);
  });

  test('NetWare wrote no LLC, and 1501 to 1535 are no length and no type', () => {
    expect(names(whole(Buffer.concat([build(ethernet({ ethertype: 4 })), hex('ffff0022')]), 1))).toEqual([
      'ethernet',
      'payload',
    ]);
    const frame = Buffer.concat([build(ethernet({ ethertype: 1501 })), Buffer.alloc(1501, 0x42)]);
    expect(names(whole(frame, 1))).toEqual(['ethernet', 'payload']);
  });

  test('the cooked header has a number for LLC', () => {
    const bytes = build(packet.linux_sll(), llc(), stp());
    expect(bytes.readUInt16BE(14)).toBe(4);
    expect(names(whole(bytes, packet.LINKTYPE_LINUX_SLL))).toEqual(['linux_sll', 'llc', 'stp']);
  });
});

test('STP: the fields of a topology change are not there', () => {
  const bytes = build(stp({ type: stp.TOPOLOGY_CHANGE }));
  expect(bytes).toEqual(hex('00000080'));
  expect(parse(build(ethernet(), llc(), payload(bytes), payload('')), {}).get('llc')).toBeDefined();
  expect(build(stp({ hello_time: 1.5 })).subarray(31, 33)).toEqual(hex('0180'));
  expect(build(stp({ version: 2 }))).toHaveLength(36);
});

test('PPP: HDLC-like framing, compression, Cisco', () => {
  expect(build(ppp(), ipv4()).subarray(0, 4)).toEqual(hex('ff030021'));
  expect(build(ppp({ compressed: true }), ipv4()).subarray(0, 1)).toEqual(hex('21'));
  expect(build(ethernet(), packet.pppoes(), ppp(), ipv4()).subarray(20, 22)).toEqual(hex('0021'));
  expect(build(ppp({ address: 0x0f, control: 0 }), packet.ipv6()).subarray(0, 4)).toEqual(hex('0f0086dd'));
  expect(names(whole(hex('ff032145'), packet.LINKTYPE_PPP))).toEqual(['ppp', 'payload']);
});

test('SCTP: CRC32c is made and checked; the last parameter is not padded within its chunk', () => {
  // RFC 3720, appendix B.4: 32 bytes of zeros have the CRC32c 0x8a9136aa.
  const bytes = build(ipv4(), sctp({ chunks: [{ name: 'cookie_ack' }] }));
  expect(parse(bytes, { linktype: 101 }).get('sctp')?.checksum_ok).toBe(true);
  bytes[bytes.length - 1] = 9;
  expect(whole(bytes, 101).get('sctp')?.checksum_ok).toBe(false);
  const init = build(
    sctp({ chunks: [{ name: 'init', parameters: [{ name: 'supported_extensions', chunks: [1] }] }] }),
  );
  expect(init.readUInt16BE(14)).toBe(25);
  expect(init).toHaveLength(12 + 28);
});

test('radiotap: a check sequence is the trailer; fields of other bits stay bytes', () => {
  const frame = build(
    packet.radiotap({ flags: packet.radiotap.FCS }),
    wlan({ type: 1, subtype: 13 }),
    payload('FCS!'),
  );
  expect(whole(frame, 127)).toMatchObject({ layers: [{ flags: 16 }, { layer: 'wlan' }], problems: [] });
  expect(whole(frame, 127).trailer.toString()).toBe('FCS!');
  const others = hex('0000 0b00 0400 0800 02 aabb'.replaceAll(' ', ''));
  expect(whole(others, 127).get('radiotap')).toMatchObject({ rate: 2, others: hex('aabb') });
});

test('802.11: what is encrypted, a later fragment, or several frames in one is a payload', () => {
  for (const fields of [{ flags: wlan.PROTECTED }, { sequence_control: 1 }, { subtype: 8, qos: 0x80 }])
    expect(names(whole(build(wlan(fields), llc(), snap(), ipv4()), 105))).toEqual(['wlan', 'payload']);
});

test('netlink in the other byte order', () => {
  const bytes = build(packet.netlink({ byte_order: 'big', messages: [{ type: 16, seq: 7 }] }));
  expect(whole(bytes, 253).get('netlink')).toMatchObject({
    byte_order: 'big',
    messages: [{ type: 16, seq: 7 }],
  });
});

describe('what is malformed keeps the fields that are there', () => {
  test.each<[string, number, Buffer, string, object]>([
    [
      'stp: too short',
      1,
      Buffer.concat([build(ethernet({ ethertype: 8 })), hex('424203 00000000 00')]),
      'stp: the header needs 35 bytes, 5 are there',
      {},
    ],
    [
      'stp: a wrong length',
      1,
      build(ethernet(), llc(), stp({ version: 3, type: 2, version3_length: 65 })),
      'stp: version3_length is 65, which does not fit',
      { version: 3 },
    ],
    [
      'lldp',
      1,
      build(ethernet(), lldp({ tlvs: [{ name: 'ttl' }] }), payload(hex('0a10'))),
      'lldp: item 5 does not fit',
      { tlvs: [{ name: 'ttl' }, { name: 'malformed' }] },
    ],
    [
      'pppoed: a length',
      1,
      build(ethernet(), packet.pppoed({ length: 99 })),
      'pppoed: length goes 99 bytes beyond the end',
      { tags: [] },
    ],
    [
      'pppoed: a tag',
      1,
      build(ethernet(), packet.pppoed({ length: 4 }), payload(hex('01010009'))),
      'pppoed: item 257 does not fit',
      { tags: [{ name: 'malformed' }] },
    ],
    ['lcp', 9, build(ppp(), lcp({ length: 3 })), 'lcp: length is 3, less than the header', { id: 0 }],
    [
      'sctp: a chunk',
      101,
      build(ipv4(), sctp(), payload(hex('00000002'))),
      'sctp: item 0 does not fit',
      { chunks: [{ name: 'malformed' }] },
    ],
    [
      'sctp: a parameter',
      101,
      build(ipv4(), sctp({ chunks: [{ name: 'heartbeat', data: hex('00010009') }] })),
      'sctp: an item in heartbeat does not fit',
      { chunks: [{ parameters: [{ name: 'malformed' }] }] },
    ],
    [
      'vrrp',
      101,
      build(ipv4(), packet.vrrp({ count: 1 })),
      'vrrp: the header needs 4 bytes, 0 are there',
      { addresses: [] },
    ],
    [
      'netlink',
      253,
      build(packet.netlink({ messages: [{ length: 8 }] })),
      'netlink: the length of a message is 8, less than its header',
      { messages: [] },
    ],
    ['can', 227, build(packet.can({ length: 8 })), 'can: length goes 8 bytes beyond the end', { length: 8 }],
    ['radiotap', 127, hex('0000ff00'), 'radiotap: length goes 251 bytes beyond the end', { length: 255 }],
    [
      'wlan',
      105,
      build(wlan({ type: 0, subtype: 4 }), payload(hex('0009'))),
      'wlan: option 0 does not fit: its length is 9, 2 bytes are there',
      { elements: [{ name: 'malformed' }] },
    ],
  ])('%s', (title, linktype, bytes, problem, fields) => {
    expect(problems(bytes, linktype)).toContain(problem);
    const layer = whole(bytes, linktype).layers.find(({ layer: name }) => title.startsWith(name));
    if (!title.includes('short')) expect(layer).toMatchObject(fields);
  });
});

describe('misuse', () => {
  test.each<[packet.Draft, RegExp]>([
    [llc({ dsap: 256 }), /^llc.dsap must be between 0 and 255, not 256$/],
    [llc({ control: 0x103 }), /^llc.control must be below 256 if its lowest two bits are set, not 259$/],
    [snap({ oui: 2 ** 24 }), /^snap.oui must be between 0 and 16777215/],
    [stp({ root_mac: 'x' }), /^stp.root_mac must be 6 bytes such as/],
    [stp({ hello_time: 0.001 }), /^stp.hello_time must be between 0 and 255 seconds, in 256ths, not 0.001$/],
    [stp({ max_age: '20' as unknown as number }), /^stp.max_age must be a number of seconds, not "20"$/],
    [
      stp({ type: stp.TOPOLOGY_CHANGE, port: 1 }),
      /^stp.port is not there by the fields in front of it, leave it out; not 1$/,
    ],
    [stp({ mst: { region: 'x'.repeat(33) } }), /^stp.mst.region must have at most 32 bytes, not 33$/],
    [stp({ mst: { digest: Buffer.alloc(3) } }), /^stp.mst.digest must have 16 bytes, not 3$/],
    [stp({ mst: { name: 'x' } as object }), /^stp.mst has no field name; it has format_selector, /],
    [
      stp({ mst: { instances: [{ id: 1 } as object] } }),
      /^stp.mst.instances\[0\] has no field id; it has flags, /,
    ],
    [
      lldp({ tlvs: [{ name: 'chassis_id', subtype: 4, id: 'x' }] }),
      /^lldp.tlvs\[0\].id must be 6 bytes such as/,
    ],
    [
      lldp({ tlvs: [{ name: 'management_address', address: 'x' }] }),
      /^lldp.tlvs\[0\].address must be an IPv4, IPv6 or Ethernet address, not "x"$/,
    ],
    [
      lldp({ tlvs: [{ name: 'system_name', text: 'x'.repeat(512) }] }),
      /^lldp.tlvs\[0\]: data is longer than an item can be, 512 bytes$/,
    ],
    [lldp({ tlvs: [{ name: 'port_vlan_id' }] }), /^lldp.tlvs\[0\].vlan must be an integer, not undefined$/],
    [
      lldp({ tlvs: [{ name: 'ttl', seconds: 5 } as packet.LldpTlvFields] }),
      /^lldp.tlvs\[0\] has no field seconds; it has type, name, data, ttl$/,
    ],
    [lldp({ tlvs: [{ type: 128 }] }), /^lldp.tlvs\[0\].type must be between 0 and 127, not 128$/],
    [packet.cdp({ tlvs: [{ name: 'duplex', full: 256 }] }), /^cdp.tlvs\[0\].full must be between 0 and 255/],
    [packet.pppoed({ tags: 'x' as never }), /^pppoed.tags must be an array, not "x"$/],
    [packet.pppoes({ session_id: -1 }), /^pppoes.session_id must be between 0 and 65535/],
    [ppp({ compressed: true, protocol: 0x8021 }), /^ppp.protocol must be between 0 and 255/],
    [
      ppp({ compressed: true, protocol: 0x20 }),
      /^ppp.protocol must be odd to be compressed to one byte, not 32$/,
    ],
    [ppp({ compressed: 1 as never }), /^ppp.compressed must be a boolean, not 1$/],
    [lcp({ options: [{ name: 'mru', mru: 70_000 }] }), /^lcp.options\[0\].mru must be between 0 and 65535/],
    [lcp({ code: 5, options: [] }), /^lcp.options: a message of code 5 has none$/],
    [lcp({ options: [], magic_number: 5 }), /^lcp: a message of code 1 has options, no other data$/],
    [
      packet.ipcp({ options: [{ name: 'address', address: '::1' }] }),
      /^ipcp.options\[0\].address must be an IPv4 address/,
    ],
    [
      packet.ipv6cp({ options: [{ name: 'interface_id', interface_id: '::1' }] }),
      /^ipv6cp.options\[0\].interface_id must be 8 bytes such as/,
    ],
    [packet.pap({ peer_id: 'x'.repeat(256) }), /^pap.peer_id is longer than 255 bytes$/],
    [packet.chap({ value: 'x' as never }), /^chap.value must be bytes/],
    [sctp({ src_port: 65_536 }), /^sctp.src_port must be between/],
    [sctp({ chunks: [{ name: 'sack', gaps: [[1]] as never }] }), /^sctp.chunks\[0\].gaps\[0\] must/],
    [sctp({ chunks: [{ name: 'data', flags: 256 }] }), /^sctp.chunks\[0\].flags must be between 0 and 255/],
    [
      sctp({ chunks: [{ name: 'init', parameters: [{ name: 'ipv4_address', address: 'x' }] }] }),
      /^sctp.chunks\[0\].parameters\[0\].address must be an IPv4 address, not "x"$/,
    ],
    [sctp({ chunks: [{ name: 'chunk' } as never] }), /^sctp.chunks\[0\].name must be one of data, init, /],
    [packet.vrrp({ addresses: ['x'] }), /^vrrp.addresses\[0\] must be an IPv4 address, not "x"$/],
    [packet.vrrp({ auth_type: 1 }), /^vrrp.auth_type is not there by the fields in front of it/],
    [packet.vrrp({ auth_data: Buffer.alloc(8) }), /^vrrp.auth_data is of version 2, leave it out$/],
    [packet.vrrp({ version: 2, interval: 256 }), /^vrrp.interval must be between 0 and 255/],
    [packet.nflog({ payload_length: 65_536 }), /^nflog.payload_length must be between/],
    [packet.netlink({ byte_order: 'x' as never }), /^netlink.byte_order must be 'little' or 'big', not "x"$/],
    [
      packet.netlink({ messages: [{ pid: 1 } as object] }),
      /^netlink.messages\[0\] has no field pid; it has length, /,
    ],
    [packet.netlink({ unused: Buffer.alloc(2) }), /^netlink.unused must have 10 bytes, not 2$/],
    [packet.can({ id: 2 ** 29 }), /^can.id must be between/],
    [packet.radiotap({ signal: 128 }), /^radiotap.signal must be between -128 and 127/],
    [packet.radiotap({ tsft: -1n }), /^radiotap.tsft must be between/],
    [wlan({ address4: '02:00:00:00:00:01' }), /^wlan.address4 is not there by the fields in front of it/],
    [wlan({ elements: [] }), /^wlan.elements are not there by type, subtype and flags, leave them out$/],
    [
      wlan({ type: 0, subtype: 8, timestamp: -1n }),
      /^wlan.timestamp must be between 0 and 2\^64 - 1, not -1n$/,
    ],
  ])('%o', (draft, message) => {
    expect(() => build(draft)).toThrow(message);
  });

  test('a frame with a length that is a type', () => {
    const long = [llc({ dsap: 2, ssap: 2 }), payload(Buffer.alloc(1498))];
    expect(() => build(ethernet(), ...long)).toThrow(
      new RangeError('a frame of LLC carries at most 1500 bytes, not 1501'),
    );
    expect(() => build(ipv4(), udp(), ...long)).not.toThrow();
  });
});
