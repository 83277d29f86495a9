// Extended echo, and the names of all messages of ICMP and ICMPv6.
import * as packet from 'bsd-sockets/packet';
import { describe, expect, test } from 'vitest';

const { build, icmp, icmpv6, ipv4, ipv6, parse, payload, show } = packet;
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const RAW = { linktype: packet.LINKTYPE_RAW };
const hosts = { src: '192.0.2.1', dst: '192.0.2.2' };

/** Names by their numbers at IANA; the others of its list are unassigned, reserved or for experiments. */
const ICMP: Readonly<Record<number, string>> = {
  0: 'echo_reply',
  3: 'destination_unreachable',
  4: 'source_quench',
  5: 'redirect',
  6: 'alternate_host_address',
  8: 'echo',
  9: 'router_advertisement',
  10: 'router_solicitation',
  11: 'time_exceeded',
  12: 'parameter_problem',
  13: 'timestamp',
  14: 'timestamp_reply',
  15: 'information_request',
  16: 'information_reply',
  17: 'address_mask_request',
  18: 'address_mask_reply',
  30: 'traceroute',
  31: 'datagram_conversion_error',
  32: 'mobile_host_redirect',
  33: 'where_are_you',
  34: 'i_am_here',
  35: 'mobile_registration_request',
  36: 'mobile_registration_reply',
  37: 'domain_name_request',
  38: 'domain_name_reply',
  39: 'skip',
  40: 'photuris',
  41: 'experimental_mobility',
  42: 'extended_echo',
  43: 'extended_echo_reply',
};
const ICMPV6: Readonly<Record<number, string>> = {
  1: 'destination_unreachable',
  2: 'packet_too_big',
  3: 'time_exceeded',
  4: 'parameter_problem',
  128: 'echo',
  129: 'echo_reply',
  130: 'multicast_listener_query',
  131: 'multicast_listener_report',
  132: 'multicast_listener_done',
  133: 'router_solicitation',
  134: 'router_advertisement',
  135: 'neighbor_solicitation',
  136: 'neighbor_advertisement',
  137: 'redirect',
  138: 'router_renumbering',
  139: 'node_information_query',
  140: 'node_information_reply',
  141: 'inverse_neighbor_solicitation',
  142: 'inverse_neighbor_advertisement',
  143: 'multicast_listener_report_v2',
  144: 'home_agent_discovery_request',
  145: 'home_agent_discovery_reply',
  146: 'mobile_prefix_solicitation',
  147: 'mobile_prefix_advertisement',
  148: 'certification_path_solicitation',
  149: 'certification_path_advertisement',
  150: 'experimental_mobility',
  151: 'multicast_router_advertisement',
  152: 'multicast_router_solicitation',
  153: 'multicast_router_termination',
  154: 'fast_handover',
  155: 'rpl_control',
  156: 'locator_update',
  157: 'duplicate_address_request',
  158: 'duplicate_address_confirmation',
  159: 'mpl_control',
  160: 'extended_echo',
  161: 'extended_echo_reply',
};

test('each type has the name of its message, in both directions', () => {
  for (const [ip, make, names] of [
    [ipv4(hosts), icmp, ICMP],
    [ipv6(), icmpv6, ICMPV6],
  ] as const)
    for (let type = 0; type < 256; type++) {
      const bytes = build(ip, make({ type, rest: 0x20000 }), payload(Buffer.alloc(40)));
      const layer = parse(bytes, RAW).layers[1];
      const name = layer !== undefined && 'name' in layer ? layer.name : undefined;
      expect([type, name]).toEqual([type, names[type] ?? 'unknown']);
      expect(build(...parse(bytes, RAW).layers)).toEqual(bytes);
    }
  for (const [maker, names] of [
    [icmp, ICMP],
    [icmpv6, ICMPV6],
  ] as const)
    expect(Object.keys(maker).sort()).toEqual(Object.values(names).sort());
});

describe('extended echo', () => {
  const request = (...extensions: packet.IcmpExtensionFields[]): Buffer =>
    build(icmp.extended_echo({ id: 0x1234, seq: 5, extensions }));

  test.each<[string, packet.IcmpExtensionFields]>([
    ['000c 0301 65746830 2e370000', { name: 'interface_name', interface_name: 'eth0.7' }],
    ['0008 0301 65746830', { name: 'interface_name', interface_name: 'eth0' }],
    ['0008 0302 00000007', { name: 'interface_index', interface_index: 7 }],
    ['000c 0303 00010400 c0000207', { name: 'interface_address', address: '192.0.2.7' }],
    [
      '0018 0303 00021000 20010db8000000000000000000000007',
      { name: 'interface_address', address: '2001:db8::7' },
    ],
    ['0010 0303 40050600 020000000007 0000', { name: 'interface_address', address: '02:00:00:00:00:07' }],
    [
      '0010 0303 40060800 0200000000000007',
      { name: 'interface_address', family: 16_390, address: '02:00:00:00:00:00:00:07' },
    ],
  ])('names an interface: %s', (object, extension) => {
    const bytes = request(extension);
    expect(bytes.subarray(0, 2)).toEqual(hex('2a00'));
    expect(bytes.subarray(4, 10)).toEqual(hex('1234 05 01 2000'));
    expect(bytes.subarray(12)).toEqual(hex(object));
    const parsed = parse(build(ipv4(hosts), icmp.extended_echo({ extensions: [extension] })), RAW);
    expect(parsed.problems).toEqual([]);
    expect(parsed.get('icmp')).toMatchObject({
      name: 'extended_echo',
      local: true,
      extensions: [extension],
      extensions_ok: true,
    });
  });

  test('the reply has its bits, and the code a name in show', () => {
    const bytes = build(ipv4(hosts), icmp({ type: 43, code: 4, rest: 0x0001_02_5f }));
    const reply = parse(bytes, RAW);
    expect(reply.get('icmp')).toMatchObject({
      ...{ id: 1, seq: 2, state: 2, active: true, ipv4: true, ipv6: true, reserved: 0x18 },
    });
    expect(show(reply)).toContain('code        4 (multiple interfaces satisfy the query)');
    expect(show(reply)).toContain('state       2 (reachable)');
    expect(build(...reply.layers)).toEqual(bytes);
    const made = { state: 6, active: true, ipv6: true };
    expect(build(icmpv6.extended_echo_reply(made)).subarray(4)).toEqual(hex('000000c5'));
  });

  test.each([
    ['of another version', '1000 0000 0008 0302 00000007', []],
    ['cut short', '2000 00', []],
    ['malformed', '2000 0000 00ff 0302', ['malformed']],
    ['of an impossible address', '2000 0000 000c 0303 00010300 c0000207', ['unknown']],
    ['with bytes behind a name', '2000 0000 0010 0301 65746830 00000000 00000000', ['unknown']],
  ])('an interface %s goes round', (_, object, names) => {
    const rest = payload(hex(object));
    for (const bytes of [
      build(ipv4(hosts), icmp({ type: 42 }), rest),
      build(ipv6(), icmpv6({ type: 160 }), rest),
    ]) {
      const { layers } = parse(bytes, RAW);
      const extensions = layers.flatMap((layer) =>
        (layer.layer === 'icmp' || layer.layer === 'icmpv6') && 'extensions' in layer ? layer.extensions : [],
      );
      expect(extensions.map(({ name }) => name)).toEqual(names);
      expect(build(...layers)).toEqual(bytes);
    }
  });

  test.each<[packet.IcmpExtensionFields, string]>([
    [
      { name: 'interface_address', address: 'eth0' },
      '.address must be an address of IPv4, of IPv6 or of 6 bytes, not "eth0"',
    ],
    [
      { name: 'interface_address', family: 9, address: '::1' },
      '.family must be one of 1, 2, 16389, 16390, or left out, not 9',
    ],
    [{ name: 'interface_address', family: 1, address: '::1' }, '.address must be an IPv4 address, not "::1"'],
    [
      { name: 'interface_index', interface_index: 2 ** 32 },
      '.interface_index must be between 0 and 4294967295, not 4294967296',
    ],
    [
      { name: 'interface_index', interface_index: 1, data: hex('00000002') },
      ': data and interface_index disagree; leave one of them out',
    ],
  ])('a wrong interface: %o', (extension, words) => {
    expect(() => request(extension)).toThrow(new RangeError(`icmp.extensions[0]${words}`));
  });

  test('wrong fields', () => {
    expect(() => request({ name: 'interface_index' })).toThrow(
      new TypeError('icmp.extensions[0].interface_index must be an integer, not undefined'),
    );
    expect(() => build(icmp.extended_echo({ seq: 256 }))).toThrow(
      new RangeError('icmp.seq must be between 0 and 255, not 256'),
    );
    expect(() => build(icmp.extended_echo({ local: 1 as never }))).toThrow(
      new TypeError('icmp.local must be true or false, not 1'),
    );
    expect(() => build(icmpv6.extended_echo_reply({ state: 8 }))).toThrow(
      new RangeError('icmpv6.state must be between 0 and 7, not 8'),
    );
    expect(() => build(icmpv6.mobile_prefix_advertisement({ flags: 0x2000 }))).toThrow(
      new RangeError('icmpv6.flags must be within 0xc000, not 0x2000'),
    );
    expect(() => build(icmpv6.node_information_query({ nonce: Buffer.alloc(7) }))).toThrow(
      new RangeError('icmpv6.nonce must have 8 bytes, not 7'),
    );
  });
});
