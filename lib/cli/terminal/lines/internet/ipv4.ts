// The text of IPv4 packets, in the words of tcpdump: with -v the header as well.
import type { Layers } from '../../../../packet/index.js';
import { type Flags, flag_names, IP_PROTOCOLS } from '../names.js';
import type { Network, Place } from '../place.js';
import { wrong_sum } from '../sums.js';
import { carried_by_ip, WITH_PORTS } from './carried.js';
import { ipv4_options_text } from './ipv4_options.js';

const HEADER = 20;
const CHECKSUM = 10;
const MORE_FRAGMENTS = 1;
const FLAGS: Flags = [
  [MORE_FRAGMENTS, '+'],
  [2, 'DF'],
  [4, 'rsvd'],
];
const ECN = ['', ',ECT(1)', ',ECT(0)', ',CE'];

/** Returns "(tos 0x0, ttl 64, …)". */
function header_text(ip: Layers['ipv4'], { style, bytes }: Place): string {
  const { tos, ttl, id, fragment_offset, flags, protocol, total_length, header_length } = ip;
  const hops = ttl > 0 ? `, ttl ${ttl}` : '';
  const place = `, id ${id}, offset ${fragment_offset}, flags [${flag_names(FLAGS, flags)}]`;
  const content = `, proto ${IP_PROTOCOLS[protocol] ?? 'unknown'} (${protocol}), length ${total_length}`;
  const options = header_length > HEADER ? `, options (${ipv4_options_text(ip.options)})` : '';
  let sum = '';
  if (!style.unchecked && bytes.length >= header_length) {
    const wrong = wrong_sum(bytes.subarray(0, header_length), CHECKSUM);
    if (wrong !== undefined) sum = `, bad cksum ${wrong.found.toString(16)} (->${wrong.right.toString(16)})!`;
  }
  return `(tos 0x${tos.toString(16)}${ECN[tos & 3]}${hops}${place}${content}${options}${sum})\n    `;
}

/** Returns the end of a source route, which checksums take as the destination. */
function final_destination({ dst, options }: Layers['ipv4']): string {
  for (const option of options) {
    if (option.name !== 'loose_source_route' && option.name !== 'strict_source_route') continue;
    const last = option.addresses.at(-1);
    if (last !== undefined) return last;
  }
  return dst;
}

export function ipv4_text(ip: Layers['ipv4'], place: Place): string {
  const { style, length, bytes } = place;
  let text = style.link ? '' : 'IP ';
  if (ip.cut !== undefined) return `${text} [|ip]`;
  const { header_length, src, dst, protocol } = ip;
  if (header_length < HEADER) return `${text}bad-hlen ${header_length}`;
  // 0: the hardware is to cut the packet, or it is longer than the field can say.
  const total = ip.total_length === 0 ? length : ip.total_length;
  if (length < total) text += `truncated-ip - ${total - length} bytes missing! `;
  if (total < header_length) return `${text}bad-len ${total}`;
  if (style.verbose > 0) text += header_text(ip, place);
  if (ip.fragment_offset > 0) {
    return style.quiet > 1 ? text : `${text}${src} > ${dst}: ip-proto-${protocol}`;
  }
  if (!WITH_PORTS.includes(protocol)) text += `${src} > ${dst}: `;
  if (!place.holds(header_length)) {
    text += ` [remaining caplen(${bytes.length}) < header length(${header_length})]`;
    return text + place.broken('ip');
  }
  const network: Network = {
    version: 4,
    src,
    dst,
    final_dst: final_destination(ip),
    protocol,
    is_fragment: (ip.flags & MORE_FRAGMENTS) !== 0,
    hops: ip.ttl,
  };
  return text + carried_by_ip(protocol, place.next(header_length, total - header_length, network));
}
