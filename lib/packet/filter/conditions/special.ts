// Conditions of single words: broadcast, multicast, inbound, outbound, ifindex.
import { LINKTYPE_LINUX_SLL2 } from '../../linktypes.js';
import type { Protocol } from '../language/words.js';
import { SKF_AD_IFINDEX, SKF_AD_PKTTYPE } from '../opcodes.js';
import { type Condition, not, test } from './condition.js';
import type { Context } from './context.js';
import { has_address, is_group } from './link.js';
import { is_ip_broadcast, is_ip_multicast, is_ip6_multicast } from './network.js';

const BROADCAST = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

/** broadcast, ether broadcast, ip broadcast. */
export function broadcast(context: Context, protocol: Protocol | undefined): Condition {
  if (protocol === undefined || protocol === 'ether')
    return context.on_each_path((place) => has_address(context, place, 'dst', BROADCAST));
  if (protocol !== 'ip') throw context.error(`${protocol} has no broadcast: ether and ip have`);
  // Without a mask, the addresses that are broadcast in every network.
  const { netmask = 0 } = context.options;
  return context.on_each_path((place) => is_ip_broadcast(context, place, netmask));
}

/** multicast, ether multicast, ip multicast, ip6 multicast. */
export function multicast(context: Context, protocol: Protocol | undefined): Condition {
  if (protocol === undefined || protocol === 'ether')
    return context.on_each_path((place) => is_group(context, place));
  if (protocol === 'ip') return context.on_each_path((place) => is_ip_multicast(context, place));
  if (protocol === 'ip6') return context.on_each_path((place) => is_ip6_multicast(context, place));
  throw context.error(`${protocol} has no multicast: ether, ip and ip6 have`);
}

/** The type of a packet that this machine sends. */
const PACKET_OUTGOING = 4;

/** inbound, outbound: a cooked header says the direction, and the kernel does. */
export function direction(context: Context, is_outbound: boolean): Condition {
  const { linktype, live } = context.options;
  return context.on_each_path((place) => {
    const type_at = linktype === LINKTYPE_LINUX_SLL2 ? place.link(1, 10) : place.link(2, 0);
    const is_cooked = place.headers.framing === 'cooked';
    if (!live && (!is_cooked || type_at === undefined))
      throw context.error(
        'only the link types LINUX_SLL and LINUX_SLL2, and live filters, know the direction',
      );
    const type = live || type_at === undefined ? context.values.load(2, SKF_AD_PKTTYPE) : type_at;
    const is_outgoing = test('equal', type, context.number(PACKET_OUTGOING));
    return is_outbound ? is_outgoing : not(is_outgoing);
  });
}

/** ifindex number: the interface. */
export function interface_index(context: Context, number: number): Condition {
  const { linktype, live } = context.options;
  return context.on_each_path((place) => {
    const index = linktype === LINKTYPE_LINUX_SLL2 && !live ? place.link(4, 4) : undefined;
    if (!live && index === undefined)
      throw context.error('only the link type LINUX_SLL2 and live filters know the number of the interface');
    return test('equal', index ?? context.values.load(4, SKF_AD_IFINDEX), context.number(number));
  });
}
