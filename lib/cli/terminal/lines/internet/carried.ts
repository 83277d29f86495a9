// What an IP header carries, by its protocol number, in the words of tcpdump.
import type { Place } from '../place.js';
import { TCP, tcp_cut_text } from '../transport/tcp.js';
import { UDP, udp_cut_text } from '../transport/udp.js';
import { ipv4_header_missing, ipv6_header_missing } from './missing.js';

const [ICMP, IGMP, IPV4, IPV6, AH, ICMPV6, NONE] = [1, 2, 4, 41, 51, 58, 59];
const [DCCP, SCTP] = [33, 132];

/** The protocols that tell the addresses with their ports. */
export const WITH_PORTS: readonly number[] = [TCP, UDP, SCTP, DCCP];

/** The protocols that only one of the versions carries. */
const VERSION: Readonly<Record<number, readonly [version: 4 | 6, name: string]>> = {
  [ICMP]: [4, 'ICMP'],
  [IGMP]: [4, 'IGMP'],
  [ICMPV6]: [6, 'ICMPv6'],
};
/** The names of protocols in the mark of a header of which nothing is left: "[|icmp]". */
const CUT: Readonly<Record<number, string>> = {
  [ICMP]: 'icmp',
  [IGMP]: 'igmp',
  47: 'gre',
  50: 'esp',
  [AH]: 'ah',
};

/**
 * Returns the text of what an IP header carries.
 *
 * @param protocol the number that the last header gives
 */
export function carried_by_ip(protocol: number, place: Place): string {
  const { network } = place;
  const [version, name] = VERSION[protocol] ?? [];
  if (version !== undefined && version !== network?.version)
    return `[${name} requires IPv${version}] (invalid)`;
  const text = place.text();
  if (text !== undefined) return text;
  if (protocol === TCP) return tcp_cut_text(place);
  if (protocol === UDP) return udp_cut_text(place);
  if (protocol === IPV4) return ipv4_header_missing(place);
  if (protocol === IPV6) return ipv6_header_missing(place);
  if (protocol === ICMPV6 && place.length === 0) return 'ICMP6, length 0 (invalid)';
  if (protocol === NONE) return 'no next header';
  return CUT[protocol] === undefined ? ` ip-proto-${protocol} ${place.length}` : place.broken(CUT[protocol]);
}
