// The text where an IP header is announced and is none: of another version, or without a byte.
import type { Place } from '../place.js';

const HEADER = 20;
const HEADER6 = 40;

/** Returns the text of bytes that should be an IPv4 header. */
export function ipv4_header_missing(place: Place): string {
  const [first] = place.bytes;
  const head = place.style.link ? '' : 'IP ';
  if (first === undefined) return place.broken('ip');
  const version = first >>> 4;
  if (version === 6) return 'IP6, wrong link-layer encapsulation (invalid)';
  if (version !== 4) return `IP${version} (invalid)`;
  if (!place.holds(HEADER)) return `${head} [|ip]`;
  return `${head}truncated-ip ${place.length}`;
}

/** Returns the text of bytes that should be an IPv6 header. */
export function ipv6_header_missing(place: Place): string {
  const [first = 0] = place.bytes;
  if (!place.holds(HEADER6)) return ' [|ip6]';
  if (place.length < HEADER6) return `truncated-ip6 ${place.length}`;
  return `${place.style.link ? '' : 'IP6 '}version error: ${first >>> 4} != 6`;
}
