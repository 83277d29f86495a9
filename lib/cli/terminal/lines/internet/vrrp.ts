// A message of VRRP as tcpdump tells it: a line, with -v the addresses, too.
import type { Place } from '../place.js';
import { wrong_sum } from '../sums.js';
import { type Walk, walked } from '../walk.js';

const ADVERTISEMENT = 1;
const AUTHENTICATION: Readonly<Record<number, string>> = { 0: 'none', 1: 'simple', 2: 'ah' };
const PASSWORD = 1;
const PASSWORD_SIZE = 8;
/** The hop limit of advertisements: they come from the same link. */
const TTL = 255;
const VRRP = 112;
const [HEADER, CHECKSUM] = [8, 6];

/** Tells what -v adds: a wrong checksum, and the addresses. */
function say_addresses(walk: Walk, version: number, password: boolean): void {
  const { length, network } = walk.place;
  const count = walk.u8(3);
  if (walk.has(0, length) && network !== undefined) {
    walk.need(CHECKSUM, 2);
    const pseudo = version === 3 ? { network, protocol: VRRP } : undefined;
    const wrong = wrong_sum(walk.bytes.subarray(0, length), CHECKSUM, pseudo);
    if (wrong !== undefined) walk.say(`, (bad vrrp cksum ${wrong.found.toString(16)})`);
  }
  walk.say(`, addrs${count > 1 ? `(${count})` : ''}:`);
  let at = HEADER;
  for (let i = 0; i < count; i++) {
    walk.say(`${i === 0 ? ' ' : ','}${network?.version === 6 ? walk.ipv6(at) : walk.ipv4(at)}`);
    at += network?.version === 6 ? 16 : 4;
  }
  if (!password) return;
  walk.say(' auth "');
  walk.say_string(at, PASSWORD_SIZE);
  walk.say('"');
}

/** Returns the text of an advertisement. */
export function vrrp_text(place: Place): string {
  const { length, network } = place;
  return walked(place, 'vrrp', (walk) => {
    walk.say('VRRP');
    const [version, type] = [walk.u8(0) >>> 4, walk.u8(0) & 0xf];
    const hops = network?.hops ?? TTL;
    walk.say(`v${version}, ${type === ADVERTISEMENT ? 'Advertisement' : `unknown type (${type})`}`);
    if (hops !== TTL) walk.say(`, (ttl ${hops})`);
    if ((version !== 2 && version !== 3) || type !== ADVERTISEMENT) return;
    walk.say(`, vrid ${walk.u8(1)}, prio ${walk.u8(2)}`);
    const kind = walk.u8(4);
    if (version === 2) {
      walk.say(`, authtype ${AUTHENTICATION[kind] ?? `#${kind}`}`);
      walk.say(`, intvl ${walk.u8(5)}s, length ${length}`);
    } else walk.say(`, intvl ${((kind & 0xf) << 8) | walk.u8(5)}cs, length ${length}`);
    if (walk.verbose > 0) say_addresses(walk, version, version === 2 && kind === PASSWORD);
  });
}
