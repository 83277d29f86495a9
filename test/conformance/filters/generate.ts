// Random filter expressions of pcap-filter(7)'s grammar, with the addresses, ports and tags of samples.ts.
//
// What libpcap gets wrong, and ours does not, is left out: see the list of differences in docs/filters.md.
import fc from 'fast-check';
import { IPV4, IPV6, LABELS, type LinkType, MACS, PORTS, TAGS, VNIS } from './samples.js';

type Text = fc.Arbitrary<string>;
const one = (...texts: readonly string[]): Text => fc.constantFrom(...texts);
const join = (...parts: readonly (Text | string)[]): Text =>
  fc
    .tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part)))
    .map((texts) => texts.filter((text) => text !== '').join(' '));
const glue = (...parts: readonly (Text | string)[]): Text =>
  fc
    .tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part)))
    .map((texts) => texts.join(''));

const direction = one('', '', 'src', 'dst', 'src or dst', 'src and dst', 'dst or src');
const ipv4 = one(...IPV4);
const ipv6 = one(...IPV6);
const number_up_to = (max: number): Text =>
  fc.oneof(
    fc.integer({ min: 0, max }).map(String),
    fc.integer({ min: 0, max }).map((number) => `0x${number.toString(16)}`),
  );
const port = fc.oneof({ weight: 5, arbitrary: one(...PORTS.map(String)) }, number_up_to(0xffff));
const port_range = fc
  .tuple(fc.constantFrom(...PORTS), fc.constantFrom(...PORTS))
  .map(([low, high]) => `${low}-${high}`);

/** An address with qualifiers, and more operands that inherit these. */
const several = (head: Text, operand: Text): Text =>
  fc
    .tuple(
      head,
      operand,
      fc.array(join(one('or', 'and', 'or not', '||'), operand), { maxLength: 2 }),
      fc.boolean(),
    )
    .map(([qualifiers, first, others, in_parentheses]) => {
      const operands = [first, ...others].join(' ');
      return `${qualifiers} ${in_parentheses && others.length > 0 ? `(${operands})` : operands}`;
    });

const hosts = fc.oneof(
  several(join(direction, one('host')), ipv4),
  several(join(direction, one('host')), ipv6),
  several(join(one('ip'), direction, one('host')), ipv4),
  several(join(one('ip6'), direction, one('host')), ipv6),
  several(one('src', 'dst', 'ip src', 'src or dst'), ipv4),
);
const nets = fc.oneof(
  join(
    direction,
    'net',
    one('10', '10.1', '10.0.0', '10.0.0.0/8', '10.0.0.0/30', '224.0.0.0/4', '0.0.0.0/0'),
  ),
  join(direction, 'net', one('2001:db8::/32', 'fe80::/10', '2001:db8::/127', '::/0', 'ff00::/8')),
  join(direction, 'net', one('10.0.0.0 mask 255.0.0.0', '192.168.0.0 mask 255.255.128.0')),
);
const ports = fc.oneof(
  several(join(one('', '', 'tcp', 'udp', 'sctp'), direction, 'port'), port),
  several(join(one('', '', 'tcp', 'udp', 'sctp'), direction, 'portrange'), port_range),
);
const protocols = fc.oneof(
  one('ip', 'ip6', 'tcp', 'udp', 'sctp', 'icmp', 'icmp6', 'igmp', 'igrp', 'pim', 'vrrp', 'carp', 'ah', 'esp'),
  join(one('ip', 'ip6', ''), 'proto', one('1', '6', '17', '\\tcp', '\\udp', '50', '44', '103', '(6 or 17)')),
  one('ip multicast', 'ip6 multicast', 'ip broadcast'),
);
const lengths = fc.oneof(
  join(one('less', 'greater'), number_up_to(120)),
  join('len', one('>', '<', '>=', '<=', '=', '!='), number_up_to(120)),
);

/** Arithmetic on one protocol's bytes. libpcap tests only for the leftmost operand whether the packet has the header. */
const arithmetic = (protocol: string, depth: number): Text => {
  const bytes = glue(`${protocol}[`, number_up_to(24), one('', '', ':2', ':4'), ']');
  if (depth === 0) return bytes;
  const inner = arithmetic(protocol, depth - 1);
  const right = fc.oneof(inner, number_up_to(255), one('len'));
  return fc.oneof(
    { weight: 3, arbitrary: bytes },
    glue(`${protocol}[(`, inner, ') & 0x1f', one('', ':2', ':4'), ']'),
    join('(', inner, one('+', '-', '*', '&', '|', '^'), right, ')'),
    join('(', inner, one('/', '%'), one('3', '16', '7'), ')'),
    join('(', inner, one('<<', '>>'), one('1', '4', '12'), ')'),
    // Never by zero: that refuses a packet, also where the result does not matter.
    join('(', inner, one('/', '%'), '(', inner, '| 1 ) )'),
    join('- (', inner, '+ 0 )'),
  );
};
const relation_of = (protocols: readonly string[]): Text =>
  fc
    .tuple(fc.constantFrom(...protocols), fc.constantFrom(...protocols), fc.integer({ min: 0, max: 2 }))
    .chain(([left, right, depth]) =>
      join(
        arithmetic(left, depth),
        one('=', '!=', '<', '>', '<=', '>=', '=='),
        fc.oneof(number_up_to(255), one('0', '0x45', '17', '2048', 'len'), arithmetic(right, 0)),
      ),
    );
const flags = join(
  'tcp[tcpflags] &',
  one('tcp-syn', '(tcp-syn|tcp-ack)', 'tcp-fin', '0x12'),
  one('!=', '='),
  one('0', 'tcp-syn', '0x12'),
);
const on_ip: readonly fc.Arbitrary<string>[] = [hosts, nets, ports, protocols, lengths];
const ip_bytes = ['ip', 'ip', 'ip6', 'tcp', 'udp', 'icmp', 'icmp6', 'igmp', 'pim'];

const mac = one(...MACS);
const on_lan = fc.oneof(
  one('arp', 'rarp', 'decnet', 'lat', 'sca', 'moprc', 'mopdl', 'pppoed'),
  several(join(one('arp', 'rarp'), direction, 'host'), ipv4),
  join('ether proto', one('0x800', '\\arp', '0x86dd', '34525', '0x8847', 'loopback')),
  several(join('decnet', direction, 'host'), one('10.123', '1.2')),
);
const with_llc = one('stp', 'ipx', 'netbeui', 'atalk', 'aarp', 'iso', 'ether proto 6', 'ether proto 4');
const on_ethernet = fc.oneof(
  several(join('ether', one('host', 'src', 'dst', 'src or dst', 'src and dst')), mac),
  one('broadcast', 'multicast', 'ether broadcast', 'ether multicast'),
  one(
    'clnp',
    'esis',
    'isis',
    'l1',
    'l2',
    'iih',
    'lsp',
    'snp',
    'csnp',
    'psnp',
    'isis proto 17',
    'iso proto 0x83',
  ),
  join('llc', one('', 'i', 's', 'u', 'ui', 'xid', 'rr', 'rnr', 'dm')),
);

/** A keyword that leads into a packet, at the front of other conditions: anywhere else its reach depends on what was tested before. */
const into = fc.oneof(
  join('vlan', one('', ...TAGS.map(String))),
  join('vlan', one('', ...TAGS.map(String)), 'and vlan', one('', ...TAGS.map(String))),
  join('pppoes', one('', '0x27', '1')),
  join('geneve', one('', ...VNIS.map(String))),
  join('vlan and geneve', one('', ...VNIS.map(String))),
  join('vlan and pppoes', one('', '0x27')),
);
const into_labels = fc.oneof(
  join('mpls', one('', ...LABELS.map(String))),
  join('mpls', one('', ...LABELS.map(String)), 'and mpls', one('', ...LABELS.map(String))),
  join('vlan and mpls', one('', ...LABELS.map(String))),
);

const on_wlan = fc.oneof(
  several(join('wlan', one('ra', 'ta', 'addr1', 'addr2', 'addr3', 'addr4', 'src', 'dst', 'host')), mac),
  join('type', one('mgt', 'ctl', 'data')),
  join(
    'type',
    one('mgt subtype beacon', 'mgt subtype probe-req', 'data subtype qos-data', 'data subtype data'),
  ),
  join('subtype', one('beacon', 'cts', 'ack', 'rts', 'qos-data', 'null', 'deauth')),
  join('dir', one('nods', 'tods', 'fromds', 'dstods', '2')),
);
/** Link types of which nobody knows what they carry. */
const OF_BYTES: readonly LinkType[] = ['NFLOG', 'NETLINK', 'CAN'];

/** Conditions joined by and, or, not. */
const tree = (leaf: Text, depth: number): Text => {
  if (depth === 0) return leaf;
  const inner = tree(leaf, depth - 1);
  return fc.oneof(
    { weight: 2, arbitrary: leaf },
    join(inner, one('and', 'or', '&&', '||', 'and not'), inner),
    join('not', inner),
    join('(', inner, one('and', 'or'), inner, ')'),
  );
};

/** Those of 802.11. Arithmetic comes last: libpcap's overwrites the offsets that other conditions behind it need. */
function of_frames(has_radiotap: boolean, depth: number): Text {
  const sizes = join(one('less', 'greater'), number_up_to(160));
  const on_network = [hosts, nets, ports, protocols, sizes];
  const plain = tree(fc.oneof(...on_network, on_lan, with_llc, on_ethernet, on_wlan, on_wlan), depth);
  const relation = fc.oneof(
    relation_of([...ip_bytes, 'arp', 'wlan', ...(has_radiotap ? ['radio'] : [])]),
    flags,
    lengths,
  );
  const tag = join('vlan', one('', ...TAGS.map(String)));
  return fc.oneof(
    { weight: 4, arbitrary: plain },
    { weight: 2, arbitrary: join('(', plain, ')', one('and', 'or', 'and not'), relation) },
    relation,
    join(tag, 'and (', tree(fc.oneof(...on_network), depth - 1), ')'),
    join(plain, 'or', tag),
  );
}

/** Random expressions of a link type. */
export function expression(name: LinkType, depth = 3): Text {
  if (OF_BYTES.includes(name)) return tree(fc.oneof(lengths, relation_of(['link'])), depth);
  if (name === 'WLAN' || name === 'RADIOTAP') return of_frames(name === 'RADIOTAP', depth);
  const bytes = [...ip_bytes];
  const leaves = [...on_ip];
  if (name === 'ETHERNET' || name.startsWith('LINUX')) {
    leaves.push(on_lan);
    bytes.push('arp');
  }
  if (name === 'ETHERNET' || name === 'LINUX_SLL') leaves.push(with_llc);
  if (name === 'LINUX_SLL' || name === 'LINUX_SLL2') leaves.push(one('inbound', 'outbound'));
  if (name === 'LINUX_SLL2') leaves.push(one('ifindex 1', 'ifindex 7', 'ifindex 9'));
  if (name === 'ETHERNET') {
    leaves.push(on_ethernet);
    bytes.push('ether');
  }
  const leaf = fc.oneof(...leaves, relation_of(bytes), flags);
  const plain = tree(leaf, depth);
  if (name !== 'ETHERNET') return plain;
  const behind = tree(fc.oneof(...on_ip, relation_of(ip_bytes), flags), depth - 1);
  // Behind mpls there are only these.
  const behind_labels = tree(
    fc.oneof(hosts, ports, one('ip', 'ip6', 'tcp', 'udp', 'icmp'), relation_of(ip_bytes)),
    depth - 1,
  );
  return fc.oneof(
    { weight: 5, arbitrary: plain },
    { weight: 2, arbitrary: join(into, 'and (', behind, ')') },
    join(into_labels, 'and (', behind_labels, ')'),
    into,
    join('not (', into, ')'),
    join(behind, 'or', into),
  );
}
