// The line of VRRP, as tcpdump writes it.
import type { Layers } from '../../../../packet/index.js';
import type { Place } from '../place.js';

const ADVERTISEMENT = 1;
const AUTHENTICATION: Readonly<Record<number, string>> = { 0: 'none', 1: 'simple', 2: 'ah' };
/** The hop limit of advertisements: they come from the same link. */
const TTL = 255;

/** Returns the text of an advertisement. */
export function vrrp_text(layer: Layers['vrrp'], place: Place): string {
  if (layer.cut !== undefined) return place.broken('vrrp');
  const { length } = place;
  const ttl = place.network?.hops ?? TTL;
  const { version, type, router_id, priority, auth_type, interval } = layer;
  const distance = ttl === TTL ? '' : `, (ttl ${ttl})`;
  if (type !== ADVERTISEMENT) return `VRRPv${version}, unknown type (${type})${distance}`;
  const head = `VRRPv${version}, Advertisement${distance}`;
  if (version !== 2 && version !== 3) return head;
  const router = `${head}, vrid ${router_id}, prio ${priority}`;
  if (version === 3) return `${router}, intvl ${interval}cs, length ${length}`;
  const name = AUTHENTICATION[auth_type ?? 0] ?? `#${auth_type}`;
  return `${router}, authtype ${name}, intvl ${interval}s, length ${length}`;
}
