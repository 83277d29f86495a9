// The text of IPv6 packets, in the words of tcpdump: with -v the header as well. Extension headers are in ipv6_extensions.ts.
import type { Layers } from '../../../../packet/index.js';
import { IP_PROTOCOLS, ipv6_address } from '../names.js';
import type { Network, Place } from '../place.js';
import { carried_by_ip, WITH_PORTS } from './carried.js';
import { extension_text } from './ipv6_extensions.js';

const HEADER = 40;

/** Returns "(hlim 64, next-header TCP (6) payload length: 20) ". */
function header_text({
  traffic_class,
  flow_label,
  hop_limit,
  next_header,
  payload_length,
}: Layers['ipv6']): string {
  const class_text = traffic_class > 0 ? `class 0x${traffic_class.toString(16).padStart(2, '0')}, ` : '';
  const flow = flow_label > 0 ? `flowlabel 0x${flow_label.toString(16).padStart(5, '0')}, ` : '';
  const name = IP_PROTOCOLS[next_header] ?? 'unknown';
  return `(${class_text}${flow}hlim ${hop_limit}, next-header ${name} (${next_header}) payload length: ${payload_length}) `;
}

/** Returns the end of a route, which checksums take as the destination. */
function final_destination({ dst, extensions }: Layers['ipv6']): string {
  let last = dst;
  for (const extension of extensions) {
    if (extension.name !== 'routing') continue;
    last = (extension.routing_type === 4 ? extension.addresses[0] : extension.addresses.at(-1)) ?? last;
  }
  return last;
}

export function ipv6_text(ip: Layers['ipv6'], place: Place): string {
  const { style, length } = place;
  if (ip.cut !== undefined) return ' [|ip6]';
  let text = style.link ? '' : 'IP6 ';
  const { extensions, payload_length } = ip;
  const [src, dst] = [ipv6_address(ip.src), ipv6_address(ip.dst)];
  const jumbo = jumbo_length(ip);
  const total = HEADER + (payload_length || (jumbo ?? length - HEADER));
  if (length < total) text += `truncated-ip6 - ${total - length} bytes missing!`;
  if (style.verbose > 0) text += header_text(ip);
  if (!WITH_PORTS.includes(ip.next_header)) text += `${src} > ${dst}: `;
  let header = HEADER;
  let protocol = ip.next_header;
  let is_fragment = false;
  for (const extension of extensions) {
    const shown = extension_text(extension, style, total - header - extension.length);
    text += shown.text;
    if (shown.ends) return text;
    // An authentication header is told as a protocol of its own.
    if (extension.name === 'fragment') is_fragment = true;
    header += extension.length;
    protocol = extension.next_header;
  }
  const network: Network = {
    version: 6,
    src,
    dst,
    final_dst: final_destination(ip),
    protocol: ip.next_header,
    is_fragment,
    hops: ip.hop_limit,
  };
  return text + carried_by_ip(protocol, place.next(header, total - header, network));
}

/** Returns the length that the hop-by-hop option of a jumbogram gives. */
function jumbo_length({ extensions }: Layers['ipv6']): number | undefined {
  for (const extension of extensions) {
    if (extension.name !== 'hop_by_hop') continue;
    for (const { type, data } of extension.options) {
      if (type === 0xc2 && data.length === 4) return data.readUInt32BE();
    }
  }
  return undefined;
}
