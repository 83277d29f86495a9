// Makers and parse agree on the names of fields: each maker accepts every field that parse returns.
import * as packet from 'bsd-sockets/packet';
import { describe, expect, test } from 'vitest';

type Maker = (fields?: object) => packet.Draft;

/** The messages of ICMP or ICMPv6 that have a name, and the maker of any message. */
const messages = (maker: Maker, layer: 'icmp' | 'icmpv6' | 'igmp', ip: packet.Draft) =>
  Object.entries<Maker>({ ...(maker as object), unknown: maker }).map(
    ([name, make]) => [`${layer}.${name}`, layer, packet.LINKTYPE_RAW, make, [ip]] as const,
  );

/** Keys of a layer that are no fields. */
const TAGS = ['layer', 'name'];

/** A title, the layer, the link type, the maker, and the layers around the maker's. */
const makers: (readonly [string, packet.LayerName, number, Maker, readonly packet.Draft[]])[] = [
  ['ah', 'ah', packet.LINKTYPE_RAW, packet.ah, [packet.ipv4()]],
  ['arp', 'arp', packet.LINKTYPE_ETHERNET, packet.arp, [packet.ethernet()]],
  ['dhcp', 'dhcp', packet.LINKTYPE_RAW, packet.dhcp, [packet.ipv4(), packet.udp()]],
  ['dhcpv6', 'dhcpv6', packet.LINKTYPE_RAW, packet.dhcpv6, [packet.ipv6(), packet.udp()]],
  ['dns', 'dns', packet.LINKTYPE_RAW, packet.dns, [packet.ipv4(), packet.udp()]],
  ['dns in TCP', 'dns', packet.LINKTYPE_RAW, packet.dns, [packet.ipv4(), packet.tcp()]],
  ['esp', 'esp', packet.LINKTYPE_RAW, packet.esp, [packet.ipv4()]],
  ['ethernet', 'ethernet', packet.LINKTYPE_ETHERNET, packet.ethernet, []],
  ['geneve', 'geneve', packet.LINKTYPE_RAW, packet.geneve, [packet.ipv4(), packet.udp()]],
  ['gre', 'gre', packet.LINKTYPE_RAW, packet.gre, [packet.ipv4()]],
  ['ipv4', 'ipv4', packet.LINKTYPE_RAW, packet.ipv4, []],
  ['ipv6', 'ipv6', packet.LINKTYPE_RAW, packet.ipv6, []],
  ['linux_sll', 'linux_sll', packet.LINKTYPE_LINUX_SLL, packet.linux_sll, []],
  ['linux_sll2', 'linux_sll2', packet.LINKTYPE_LINUX_SLL2, packet.linux_sll2, []],
  ['loopback', 'loopback', packet.LINKTYPE_NULL, packet.loopback, []],
  ['mpls', 'mpls', packet.LINKTYPE_ETHERNET, packet.mpls, [packet.ethernet()]],
  ['ntp', 'ntp', packet.LINKTYPE_RAW, packet.ntp, [packet.ipv4(), packet.udp()]],
  ['ntp_control', 'ntp_control', packet.LINKTYPE_RAW, packet.ntp_control, [packet.ipv4(), packet.udp()]],
  ['tcp', 'tcp', packet.LINKTYPE_RAW, packet.tcp, [packet.ipv4()]],
  ['udp', 'udp', packet.LINKTYPE_RAW, packet.udp, [packet.ipv4()]],
  ['udplite', 'udplite', packet.LINKTYPE_RAW, packet.udplite, [packet.ipv4()]],
  ['vlan', 'vlan', packet.LINKTYPE_ETHERNET, packet.vlan, [packet.ethernet()]],
  ['llc', 'llc', packet.LINKTYPE_ETHERNET, packet.llc, [packet.ethernet()]],
  ['snap', 'snap', packet.LINKTYPE_ETHERNET, packet.snap, [packet.ethernet(), packet.llc()]],
  ['stp', 'stp', packet.LINKTYPE_ETHERNET, packet.stp, [packet.ethernet(), packet.llc()]],
  ['cdp', 'cdp', packet.LINKTYPE_ETHERNET, packet.cdp, [packet.ethernet(), packet.llc(), packet.snap()]],
  ['lldp', 'lldp', packet.LINKTYPE_ETHERNET, packet.lldp, [packet.ethernet()]],
  ['pppoed', 'pppoed', packet.LINKTYPE_ETHERNET, packet.pppoed, [packet.ethernet()]],
  ['pppoes', 'pppoes', packet.LINKTYPE_ETHERNET, packet.pppoes, [packet.ethernet()]],
  ['ppp', 'ppp', packet.LINKTYPE_PPP, packet.ppp, []],
  ['lcp', 'lcp', packet.LINKTYPE_PPP, packet.lcp, [packet.ppp()]],
  ['ipcp', 'ipcp', packet.LINKTYPE_PPP, packet.ipcp, [packet.ppp()]],
  ['ipv6cp', 'ipv6cp', packet.LINKTYPE_PPP, packet.ipv6cp, [packet.ppp()]],
  ['pap', 'pap', packet.LINKTYPE_PPP, packet.pap, [packet.ppp()]],
  ['chap', 'chap', packet.LINKTYPE_PPP, packet.chap, [packet.ppp()]],
  ['sctp', 'sctp', packet.LINKTYPE_RAW, packet.sctp, [packet.ipv4()]],
  ['vrrp', 'vrrp', packet.LINKTYPE_RAW, packet.vrrp, [packet.ipv4()]],
  ['nflog', 'nflog', packet.LINKTYPE_NFLOG, packet.nflog, []],
  ['netlink', 'netlink', packet.LINKTYPE_NETLINK, packet.netlink, []],
  ['can', 'can', packet.LINKTYPE_CAN_SOCKETCAN, packet.can, []],
  ['radiotap', 'radiotap', packet.LINKTYPE_IEEE802_11_RADIOTAP, packet.radiotap, []],
  ['wlan', 'wlan', packet.LINKTYPE_IEEE802_11, packet.wlan, []],
  ['vxlan', 'vxlan', packet.LINKTYPE_RAW, packet.vxlan, [packet.ipv4(), packet.udp()]],
  ...messages(packet.icmp, 'icmp', packet.ipv4()),
  ...messages(packet.icmpv6, 'icmpv6', packet.ipv6()),
  ...messages(packet.igmp, 'igmp', packet.ipv4()),
];

describe('a maker accepts every field that parse returns', () => {
  test.each(makers)('%s', (_title, name, linktype, make, around) => {
    // A type without a name, so that the maker of any message is not parsed as an echo reply.
    const draft = make(
      make === packet.icmp || make === packet.icmpv6 || make === packet.igmp ? { type: 250 } : {},
    );
    const bytes = packet.build(...around, draft);
    const { layers } = packet.parse(bytes, { linktype });
    const parsed = layers.find(({ layer }) => layer === name) ?? {};
    const fields = Object.fromEntries(Object.entries(parsed).filter(([key]) => !TAGS.includes(key)));
    expect(Object.keys(fields)).not.toEqual([]);
    expect(make(fields)).toMatchObject(fields);
    expect(packet.build(...around, make(fields))).toEqual(bytes);
  });

  test('and the table has every layer with fields', () => {
    const build = () => packet.build({ layer: 'none' } as never);
    const in_table = [...new Set(makers.map(([, layer]) => layer)), 'payload'];
    expect(build).toThrow(
      expect.toSatisfy(({ message }: Error) => {
        const [, names = ''] = /one of (.*), not/.exec(message) ?? [];
        expect(names.split(', ').sort()).toEqual(in_table.sort());
        return true;
      }),
    );
  });
});
