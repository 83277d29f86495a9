// The text of MPLS label stacks, in the words of tcpdump.
import type { Layers } from '../../../../packet/index.js';
import { ipv4_header_missing, ipv6_header_missing } from '../internet/missing.js';
import type { Place } from '../place.js';

const LABEL = 4;
const NAMES = ['IPv4 explicit NULL', 'router alert', 'IPv6 explicit NULL', 'implicit NULL'];
const RESERVED = 16;

function label_name(label: number): string {
  return label < RESERVED ? ` (${NAMES[label] ?? 'rsvd'})` : '';
}

/** Returns which IP version a stack carries; undefined if neither. */
function version_of(label: number, first: number | undefined): 4 | 6 | undefined {
  if (label === 0 || label === 3) return 4;
  if (label === 2) return 6;
  if (first === undefined) return undefined;
  if (first >= 0x45 && first <= 0x4f) return 4;
  return first >>> 4 === 6 ? 6 : undefined;
}

export function mpls_text(_: Layers['mpls'], start: Place): string {
  const { verbose } = start.style;
  let text = 'MPLS';
  let place = start;
  for (;;) {
    const { layer } = place;
    if (place.length < LABEL) return `${text} (invalid)`;
    if (layer?.layer !== 'mpls' || layer.cut !== undefined) return text + place.broken('mpls');
    const { label, traffic_class, bottom, ttl } = layer;
    const name = verbose > 0 ? label_name(label) : '';
    const separator = place !== start && verbose > 0 ? '\n\t' : ' ';
    text += `${separator}(label ${label}${name}, tc ${traffic_class}${bottom ? ', [S]' : ''}, ttl ${ttl})`;
    place = place.next(LABEL);
    if (!bottom) continue;
    const version = version_of(label, place.bytes[0]);
    if (version === undefined) return text + (place.length > 0 ? place.dump() : '');
    const missing = version === 4 ? ipv4_header_missing : ipv6_header_missing;
    return `${text}${verbose > 0 ? '\n\t' : ' '}${place.text() ?? missing(place)}`;
  }
}
