// What an IP header carries, by its protocol number, in the words of tcpdump.
import type { Place } from '../place.js';
import { sctp_text } from '../transport/sctp.js';
import { TCP, tcp_cut_text } from '../transport/tcp.js';
import { UDP, udp_cut_text } from '../transport/udp.js';
import {
  ah_cut_text,
  fragment_cut_text,
  gre_cut_text,
  icmp_cut_text,
  igmp_cut_text,
  routing_cut_text,
} from './cut.js';
import { ipv4_header_missing, ipv6_header_missing } from './missing.js';
import { vrrp_text } from './vrrp.js';

const [HOP_BY_HOP, ICMP, IGMP, IPV4, IPV6, ROUTING, FRAGMENT, GRE, ESP, AH] = [
  0, 1, 2, 4, 41, 43, 44, 47, 50, 51,
];
const [ICMPV6, NONE, DESTINATION_OPTIONS] = [58, 59, 60];
const [DCCP, VRRP, SCTP] = [33, 112, 132];
/** Headers that IPv6 has between its own and the protocol. */
const EXTENSIONS: readonly number[] = [HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION_OPTIONS];

/** The protocols that tell the addresses with their ports. */
export const WITH_PORTS: readonly number[] = [TCP, UDP, SCTP, DCCP];

/** The protocols that only one of the versions carries. */
const VERSION: Readonly<Record<number, readonly [version: 4 | 6, name: string]>> = {
  [ICMP]: [4, 'ICMP'],
  [IGMP]: [4, 'IGMP'],
  [ICMPV6]: [6, 'ICMPv6'],
};
/** The protocols that are told by their bytes, as far as these go. */
const BY_BYTES: Readonly<Record<number, (place: Place) => string>> = {
  [VRRP]: vrrp_text,
  [SCTP]: sctp_text,
};
/** The text of headers of which too little is there to be a layer. */
const CUT: Readonly<Record<number, (place: Place) => string>> = {
  [HOP_BY_HOP]: () => ' [|hbhopt]',
  [ICMP]: icmp_cut_text,
  [IGMP]: igmp_cut_text,
  [IPV4]: ipv4_header_missing,
  [TCP]: tcp_cut_text,
  [UDP]: udp_cut_text,
  [IPV6]: ipv6_header_missing,
  [ROUTING]: routing_cut_text,
  [FRAGMENT]: fragment_cut_text,
  [GRE]: gre_cut_text,
  [ESP]: (place) => place.broken('esp'),
  [AH]: ah_cut_text,
  [ICMPV6]: (place) => (place.length === 0 ? 'ICMP6, length 0 (invalid)' : place.broken('icmp6')),
  [NONE]: () => 'no next header',
  [DESTINATION_OPTIONS]: () => ' [|dstopt]',
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
  const text = BY_BYTES[protocol]?.(place) ?? place.text();
  if (text !== undefined) return text;
  const cut = network?.version === 4 && EXTENSIONS.includes(protocol) ? undefined : CUT[protocol];
  return cut?.(place) ?? ` ip-proto-${protocol} ${place.length}`;
}
