// The matching of answers. A sent packet has keys, one for each way to answer it: by a reply, or by an ICMP error that quotes it.
// A received packet has the keys of the packets that it answers. REPLIES lists the requests whose reply is known by `id` and `seq`.
import { bytes_behind } from '../build.js';
import type { Layer } from '../layer_types.js';
import { tcp } from '../layers/tcp.js';

/** Stands for any address: a packet to many hosts, or on a source route, is not answered by its destination. */
const ANYBODY = '*';
const REPLIES: Readonly<Record<string, string>> = {
  echo: 'echo_reply',
  timestamp: 'timestamp_reply',
  address_mask_request: 'address_mask_reply',
  information_request: 'information_reply',
  domain_name_request: 'domain_name_reply',
  extended_echo: 'extended_echo_reply',
};

/** The outermost IP layer, and what it carries. */
interface Flow {
  readonly src: string;
  readonly dst: string;
  readonly protocol: number;
  /** the part that tells the message from others between these hosts */
  readonly detail: string;
  readonly carried: Layer | undefined;
  /** true if the destination itself answers */
  readonly direct: boolean;
}

function flow_of(layers: readonly Layer[]): Flow | undefined {
  const index = layers.findIndex(({ layer }) => layer === 'ipv4' || layer === 'ipv6');
  const ip = layers[index];
  if ((ip?.layer !== 'ipv4' && ip?.layer !== 'ipv6') || ip.cut !== undefined) return undefined;
  const carried = layers[index + 1]?.layer === 'ah' ? layers[index + 2] : layers[index + 1];
  const protocol = ip.layer === 'ipv4' ? ip.protocol : (ip.extensions.at(-1)?.next_header ?? ip.next_header);
  const { src, dst } = ip;
  return { src, dst, protocol, detail: detail_of(carried), carried, direct: is_direct(ip) };
}

function is_direct(ip: Extract<Layer, { layer: 'ipv4' | 'ipv6' }>): boolean {
  if (ip.layer === 'ipv6')
    return !ip.dst.startsWith('ff') && !ip.extensions.some(({ name }) => name === 'routing');
  const first = Number.parseInt(ip.dst, 10);
  return first < 224 && !ip.options.some(({ name }) => name.endsWith('_source_route'));
}

/** The protocols whose ports tell a question from others, and its answer. */
const WITH_PORTS: readonly string[] = ['udp', 'tcp', 'udplite'];
const has_ports = (layer: Layer | undefined): layer is Extract<Layer, { layer: 'udp' | 'tcp' | 'udplite' }> =>
  layer !== undefined && WITH_PORTS.includes(layer.layer);

/** Returns ports, or type, identifier and sequence number: the fields in the first 8 bytes, which every quotation has. */
function detail_of(layer: Layer | undefined): string {
  if (has_ports(layer)) return `${layer.src_port} ${layer.dst_port}`;
  if (layer?.layer === 'icmp' || layer?.layer === 'icmpv6') {
    return 'id' in layer && 'seq' in layer ? `${layer.type} ${layer.id} ${layer.seq}` : `${layer.type}`;
  }
  return '';
}

/** Returns the keys of the packets that may answer a packet. */
export function questions(layers: readonly Layer[]): string[] {
  const arp = layers.find((layer) => layer.layer === 'arp');
  if (arp !== undefined) return [`arp ${arp.target_ip} ${arp.sender_ip}`];
  const flow = flow_of(layers);
  if (flow === undefined) return [];
  const dst = flow.direct ? flow.dst : ANYBODY;
  return [reply_to(flow, dst), quotation(flow)];
}

function reply_to({ src, protocol, carried }: Flow, dst: string): string {
  if (has_ports(carried)) {
    return `${carried.layer} ${dst} ${carried.dst_port} ${src} ${carried.src_port}`;
  }
  if (carried?.layer === 'icmp' || carried?.layer === 'icmpv6') {
    if (carried.name === 'neighbor_solicitation') return `neighbor_advertisement ${carried.target}`;
    if (carried.name === 'router_solicitation') return `${carried.layer} router_advertisement`;
    const reply = REPLIES[carried.name];
    if (reply !== undefined && 'id' in carried && 'seq' in carried)
      return `${reply} ${carried.id} ${carried.seq} ${dst} ${src}`;
  }
  return `ip ${protocol} ${dst} ${src}`;
}

const quotation = ({ src, dst, protocol, detail }: Flow): string =>
  `quoted ${src} ${dst} ${protocol} ${detail}`;

/** Returns the keys of the packets that a packet answers. */
export function answers(layers: readonly Layer[]): string[] {
  const arp = layers.find((layer) => layer.layer === 'arp');
  if (arp !== undefined) return arp.operation === 2 ? [`arp ${arp.sender_ip} ${arp.target_ip}`] : [];
  const flow = flow_of(layers);
  if (flow === undefined) return [];
  const quoted = quoted_flow(flow.carried);
  if (quoted !== undefined) return [quotation(quoted)];
  return [flow.src, ANYBODY].flatMap((src) => reply_keys(flow, src));
}

function quoted_flow(error: Layer | undefined): Flow | undefined {
  return error !== undefined && 'quoted' in error ? flow_of(error.quoted) : undefined;
}

function reply_keys({ dst, protocol, carried }: Flow, src: string): string[] {
  if (has_ports(carried)) {
    return [`${carried.layer} ${src} ${carried.src_port} ${dst} ${carried.dst_port}`];
  }
  if (carried?.layer === 'icmp' || carried?.layer === 'icmpv6') {
    if (carried.name === 'neighbor_advertisement') return [`neighbor_advertisement ${carried.target}`];
    if (carried.name === 'router_advertisement') return [`${carried.layer} router_advertisement`];
    if (!('id' in carried && 'seq' in carried)) return [];
    return Object.values(REPLIES).includes(carried.name)
      ? [`${carried.name} ${carried.id} ${carried.seq} ${src} ${dst}`]
      : [];
  }
  return [`ip ${protocol} ${src} ${dst}`];
}

/** Returns whether a packet tells of another one that was forwarded all the same, RFC 792: it answers nothing. */
export function is_notice(layers: readonly Layer[]): boolean {
  const message = flow_of(layers)?.carried;
  return message?.layer === 'icmp' && (message.name === 'redirect' || message.name === 'source_quench');
}

/** Returns whether an answer fits a packet, among packets with the same key: by the number that TCP acknowledges, by the quoted id. */
export function fits(sent: readonly Layer[], received: readonly Layer[]): boolean {
  const question = flow_of(sent)?.carried;
  const answer = flow_of(received)?.carried;
  if (question?.layer === 'tcp' && answer?.layer === 'tcp') {
    const data = bytes_behind(sent, sent.indexOf(question)).length;
    const control = (question.flags & tcp.SYN ? 1 : 0) + (question.flags & tcp.FIN ? 1 : 0);
    return (answer.flags & tcp.ACK) === 0 || answer.ack === (question.seq + data + control) >>> 0;
  }
  const quoted = answer !== undefined && 'quoted' in answer ? answer.quoted[0] : undefined;
  const header = sent.find(({ layer }) => layer === 'ipv4');
  return quoted?.layer !== 'ipv4' || header?.layer !== 'ipv4' || header.id === quoted.id;
}
