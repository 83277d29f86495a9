// What an ethertype announces: the text of the layer that is there, or the mark of one that breaks off or is none.

import { ipv4_header_missing, ipv6_header_missing } from '../internet/missing.js';
import type { Place } from '../place.js';

/** The names of protocols in the mark of a header of which nothing is left: "[|arp]". */
const CUT: Readonly<Record<number, string>> = { 2054: 'arp', 32821: 'arp' };
export const [IPV4, IPV6] = [0x0800, 0x86dd];
const MPLS: readonly number[] = [0x8847, 0x8848];

/** Returns the text of what an ethertype announces; undefined for a protocol that is not known. */
export function carried_by_ethertype(type: number, place: Place): string | undefined {
  const text = place.text();
  if (text !== undefined) return text;
  if (type === IPV4) return ipv4_header_missing(place);
  if (type === IPV6) return ipv6_header_missing(place);
  if (MPLS.includes(type)) return `MPLS${place.length < 4 ? ' (invalid)' : place.broken('mpls')}`;
  return CUT[type] === undefined ? undefined : ` [|${CUT[type]}]`;
}
