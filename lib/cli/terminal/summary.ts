// The summary of a packet on one line, in the format of tcpdump. sniff prints it.
import type { Layer, Packet } from '../../packet/index.js';
import { near_link_text } from './lines/link.js';
import { sctp_text } from './lines/sctp.js';
import { vrrp_text } from './lines/vrrp.js';

type LayerOf<Name extends Layer['layer']> = Extract<Layer, { readonly layer: Name }>;

const TCP_FLAGS: readonly [bit: number, letter: string][] = [
  [0x02, 'S'],
  [0x01, 'F'],
  [0x04, 'R'],
  [0x08, 'P'],
  [0x10, '.'],
  [0x20, 'U'],
  [0x40, 'E'],
  [0x80, 'W'],
];
const PROTOCOLS: Readonly<Record<number, string>> = {
  2: 'igmp',
  89: 'OSPF',
  103: 'PIM',
  112: 'VRRP',
  132: 'sctp',
};

/** The words of tcpdump for extension headers of IPv6. */
const EXTENSIONS: Readonly<Record<string, string>> = { hop_by_hop: 'HBH ', destination_options: 'DSTOPT ' };

/** Returns an address in the format of tcpdump: "10.0.0.1.80" with a port. */
const endpoint = (host: string, port?: number) => (port === undefined ? host : `${host}.${port}`);

function tcp_text(tcp: LayerOf<'tcp'>, length: number): string {
  const { flags, seq, ack, window } = tcp;
  const letters = TCP_FLAGS.filter(([bit]) => flags & bit).map(([, letter]) => letter);
  const range = length > 0 ? `${seq}:${(seq + length) >>> 0}` : String(seq);
  const acknowledged = flags & 0x10 ? `, ack ${ack}` : '';
  return `Flags [${letters.join('') || 'none'}], seq ${range}${acknowledged}, win ${window}, length ${length}`;
}

/** Returns "echo request, id 7, seq 1", or the name of another message and the packet that it quotes. */
function icmp_text(message: LayerOf<'icmp'> | LayerOf<'icmpv6'>): string {
  const { name } = message;
  if (name === 'echo' || name === 'echo_reply') {
    return `echo ${name === 'echo' ? 'request' : 'reply'}, id ${message.id}, seq ${message.seq}`;
  }
  if (name === 'neighbor_solicitation') return `neighbor solicitation, who has ${message.target}`;
  if (name === 'neighbor_advertisement') return `neighbor advertisement, tgt is ${message.target}`;
  const text = name === 'unknown' ? `type ${message.type}` : name.replaceAll('_', ' ');
  const code = message.code === 0 ? '' : ` (code ${message.code})`;
  const quoted = 'quoted' in message ? ip_text(message.quoted) : undefined;
  return `${text}${code}${quoted === undefined ? '' : ` about [${quoted}]`}`;
}

/** Returns the summary of the first IPv4 or IPv6 layer and the layers above it; undefined without such a layer. */
function ip_text(layers: readonly Layer[]): string | undefined {
  const at = layers.findIndex(({ layer }) => layer === 'ipv4' || layer === 'ipv6');
  const ip = layers[at];
  if (ip === undefined || (ip.layer !== 'ipv4' && ip.layer !== 'ipv6')) return undefined;
  if (ip.cut !== undefined) return `[|${ip.layer === 'ipv4' ? 'ip' : 'ip6'}]`;
  const is_ipv4 = ip.layer === 'ipv4';
  const extensions = is_ipv4 ? [] : ip.extensions;
  const headers = extensions.reduce((sum, { length }) => sum + length, 0);
  const size = is_ipv4 ? ip.total_length - ip.header_length : ip.payload_length - headers;
  const above = layers[at + 1];
  const words = extensions.map(({ name }) => EXTENSIONS[name] ?? '').join('');
  // Behind an extension header, tcpdump tells the ports apart from the addresses.
  const from_to = (src?: number, dst?: number) => {
    const name = is_ipv4 ? 'IP' : 'IP6';
    if (words === '') return `${name} ${endpoint(ip.src, src)} > ${endpoint(ip.dst, dst)}: `;
    return `${name} ${ip.src} > ${ip.dst}: ${words}${src === undefined ? '' : `${src} > ${dst}: `}`;
  };
  // tcpdump, too, marks a header that breaks off.
  if (above !== undefined && 'cut' in above) return `${from_to()}[|${above.layer}]`;
  switch (above?.layer) {
    case 'udp':
      return `${from_to(above.src_port, above.dst_port)}UDP, length ${above.length - 8}`;
    case 'tcp':
      return from_to(above.src_port, above.dst_port) + tcp_text(above, size - above.data_offset);
    case 'icmp':
      return `${from_to()}ICMP ${icmp_text(above)}, length ${size}`;
    case 'icmpv6':
      return `${from_to()}ICMP6, ${icmp_text(above)}, length ${size}`;
    case 'sctp':
      return from_to(above.src_port, above.dst_port) + sctp_text(above);
    case 'vrrp':
      return from_to() + vrrp_text(above, is_ipv4 ? ip.ttl : ip.hop_limit, size);
    case 'ipv4':
    case 'ipv6':
      return from_to() + (ip_text(layers.slice(at + 1)) ?? '');
  }
  const protocol = is_ipv4 ? ip.protocol : (extensions.at(-1)?.next_header ?? ip.next_header);
  return `${from_to()}${PROTOCOLS[protocol] ?? `ip-proto-${protocol}`}, length ${size}`;
}

function arp_text({ operation, sender_ip, sender_mac, target_ip, cut }: LayerOf<'arp'>): string {
  if (cut !== undefined) return '[|arp]';
  if (operation === 1) return `ARP, Request who-has ${target_ip} tell ${sender_ip}, length 28`;
  if (operation === 2) return `ARP, Reply ${sender_ip} is-at ${sender_mac}, length 28`;
  return `ARP, operation ${operation}, length 28`;
}

/**
 * summarize(packet, length) -> one line.
 *
 * @param packet the result of `parse`
 * @param length bytes of the packet on the wire
 */
export function summarize(packet: Packet, length: number): string {
  const tags = packet.layers.flatMap((layer) => (layer.layer === 'vlan' ? [`vlan ${layer.id}, `] : []));
  const text = near_link_text(packet, length, (layers) =>
    layers[0]?.layer === 'arp' ? arp_text(layers[0]) : ip_text(layers),
  );
  const malformed = packet.problems.length > 0 ? ` [${packet.problems[0]?.message}]` : '';
  return tags.join('') + (text ?? link_text(packet, length)) + malformed;
}

function link_text({ layers: [link] }: Packet, length: number): string {
  if (link !== undefined && 'cut' in link) return `[|${link.layer}], length ${length}`;
  if (link?.layer === 'ethernet') {
    const type = link.ethertype.toString(16).padStart(4, '0');
    return `${link.src} > ${link.dst}, ethertype 0x${type}, length ${length}`;
  }
  const type =
    link?.layer === 'linux_sll2' ? `, ethertype 0x${link.protocol.toString(16).padStart(4, '0')}` : '';
  return `${link?.layer ?? 'nothing'}${type}, length ${length}`;
}
