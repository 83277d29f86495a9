// DHCP, DHCPv6, NTP, VXLAN and Geneve: what their options do beyond the layout of fields, and what is wrong in a layer to build.
import * as packet from 'bsd-sockets/packet';
import { expect, test } from 'vitest';

const { build, dhcp, dhcpv6, geneve, ipv4, ipv6, ntp, ntp_control, parse, udp, vxlan } = packet;
const RAW = { linktype: packet.LINKTYPE_RAW };
const round = (ip: packet.Draft, ...layers: packet.Draft[]): packet.Packet => {
  const bytes = build(ip, udp(), ...layers);
  const parsed = parse(bytes, RAW);
  expect(build(...parsed.layers)).toEqual(bytes);
  expect(parsed.problems).toEqual([]);
  return parsed;
};

test('DHCP: long options are split and joined, others stand in file and sname', () => {
  const data = Buffer.alloc(600, 7);
  const layer = round(
    ipv4(),
    dhcp({ options: [{ type: 200, data }], file_options: [{ name: 'host_name', text: 'pc' }] }),
  ).get('dhcp');
  expect(layer?.raw).toBeUndefined();
  expect(layer?.options).toMatchObject([
    { type: 200, data },
    { name: 'overload', value: 1 },
    { name: 'end' },
  ]);
  expect(layer?.file_options).toMatchObject([{ name: 'host_name', text: 'pc' }, { name: 'end' }]);
});

test('DHCPv6: messages in messages of relays, no deeper than 32', () => {
  let message: packet.Dhcpv6MessageFields = { type: dhcpv6.SOLICIT, transaction_id: 7 };
  for (let i = 0; i < 3; i++)
    message = { type: dhcpv6.RELAY_FORWARD, options: [{ name: 'relay_message', message }] };
  expect(round(ipv6(), dhcpv6(message)).get('dhcpv6')?.options).toMatchObject([
    { message: { type: 12, options: [{ message: { options: [{ message: { transaction_id: 7 } }] } }] } },
  ]);
  for (let i = 0; i < 40; i++)
    message = { type: dhcpv6.RELAY_FORWARD, options: [{ name: 'relay_message', message }] };
  expect(() => build(dhcpv6(message))).toThrow(/more than 32 options in each other$/);
});

test('NTP: times are exact, and of both eras', () => {
  const time = 1_700_000_000_123_456_789n;
  expect(ntp.time_ns(ntp.from_time_ns(time))).toBe(time);
  expect(ntp.time_ns(0n)).toBe((2n ** 32n - 2_208_988_800n) * 1_000_000_000n);
  const layer = round(ipv4(), ntp({ stratum: 1, reference_id: 'GPS', root_delay: 0.25, poll: -3 })).get(
    'ntp',
  );
  expect(layer).toMatchObject({ reference_id: 'GPS', root_delay: 0.25, poll: -3 });
});

test.each<[packet.Draft, string]>([
  [dhcp({ chaddr: 'x' }), 'dhcp.chaddr must be 6 bytes such as aa:bb:cc:dd:ee:ff, not "x"'],
  [dhcp({ sname: 'x'.repeat(65) }), 'dhcp.sname must have at most 64 characters of Latin 1'],
  [
    dhcp({ file: 'x', file_options: [{ name: 'end' }] }),
    'dhcp.file and dhcp.file_options stand in the same place',
  ],
  [
    dhcp({ options: [{ name: 'router', addresses: ['::'] }] }),
    'dhcp.options[0].addresses[0] must be an IPv4 address',
  ],
  [dhcpv6({ hop_count: 1 }), 'dhcpv6.hop_count: a message of type 1 has no such field'],
  [
    dhcpv6({ options: [{ name: 'ia_address', address: '1' }] }),
    'dhcpv6.options[0].address must be an IPv6 address',
  ],
  [
    ntp({ transmit_time: 5 as never }),
    'ntp.transmit_time must be a bigint in units of 2 ** -32 seconds, not 5',
  ],
  [
    ntp({ reference_id: 'LONGER' }),
    'ntp.reference_id must be one to four letters or an IPv4 address, not "LONGER"',
  ],
  [ntp({ root_delay: -1 }), 'ntp.root_delay must be 0 to below 65536 seconds, not -1'],
  [ntp({ mac: { key_id: 1, digest: Buffer.alloc(3) } }), 'ntp.mac.digest must have 0, 16 or 20 bytes, not 3'],
  [ntp_control({ flags: 1 }), 'ntp_control.flags must be within 0xe0'],
  [vxlan({ vni: 2 ** 24 }), 'vxlan.vni must be between 0 and 16777215'],
  [
    geneve({ options: [{ data: Buffer.alloc(3) }] }),
    'geneve.options[0].data must be a multiple of 4 bytes, not 3',
  ],
])('misuse: %o', (draft, message) => {
  expect(() => build(draft)).toThrow(message);
});
