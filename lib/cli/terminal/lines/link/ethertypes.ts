// What an ethertype announces: the text of the layer that is there, or the mark of one that breaks off or is none.

import { ipv4_header_missing, ipv6_header_missing } from '../internet/missing.js';
import type { Place } from '../place.js';
import { lldp_text } from './lldp/lldp.js';
import { ppp_text, pppoe_text } from './ppp.js';

/** The names of protocols in the mark of a header of which nothing is left: "[|arp]". */
const CUT: Readonly<Record<number, string>> = { 2054: 'arp', 32821: 'arp' };
export const [IPV4, IPV6] = [0x0800, 0x86dd];
const MPLS: readonly number[] = [0x8847, 0x8848];

/** The protocols that are told by their bytes, as far as these go. */
const BY_BYTES: Readonly<Record<number, (place: Place) => string>> = {
  34827: (place) => (place.length === 0 ? '' : `: ${ppp_text(place)}`),
  34915: pppoe_text,
  34916: pppoe_text,
  35020: lldp_text,
};

/** Returns the text of what an ethertype announces; undefined for a protocol that is not known. */
export function carried_by_ethertype(type: number, place: Place): string | undefined {
  const text = BY_BYTES[type]?.(place) ?? place.text();
  if (text !== undefined) return text;
  if (type === IPV4) return ipv4_header_missing(place);
  if (type === IPV6) return ipv6_header_missing(place);
  if (MPLS.includes(type)) return `MPLS${place.length < 4 ? ' (invalid)' : place.broken('mpls')}`;
  return CUT[type] === undefined ? undefined : ` [|${CUT[type]}]`;
}
