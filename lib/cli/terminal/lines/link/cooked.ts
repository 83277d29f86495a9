// The text of the link types that are no real headers: the two cooked ones of Linux, and the loopback of BSD systems.
import type { Layers } from '../../../../packet/index.js';
import { ETHERTYPES, ethertype_name, hex } from '../names.js';
import type { Place, Style } from '../place.js';
import { tag_text } from './ethernet.js';
import { carried_by_ethertype, IPV4, IPV6 } from './ethertypes.js';

type Cooked = Layers['linux_sll'] | Layers['linux_sll2'];

const SLL = 16;
const SLL2 = 20;
const TAG = 4;
const VLAN = 0x8100;
const LARGEST_LENGTH = 1500;
const LLC = 4;
const MAC = 6;
const DIRECTIONS = ['In', 'B', 'M', 'P', 'Out'];
const FRAMES: Readonly<Record<number, string>> = { 1: '802.3', [LLC]: '802.2' };

/** Returns the sender's address, the ethertype and the length: what -e tells. */
function header(layer: Cooked, style: Style, length: number): string {
  const address = layer.address_length === MAC ? `${layer.src} ` : '';
  if (style.quiet > 0) return address;
  const { protocol } = layer;
  const type =
    protocol > LARGEST_LENGTH
      ? ethertype_name(protocol, 0)
      : (FRAMES[protocol] ?? `ethertype Unknown (${hex(protocol, 4)})`);
  return `${address}${type}, length ${length}: `;
}

function cooked(layer: Cooked, place: Place, size: number, index: string): string {
  const { style } = place;
  const head = (length: number) => index + header(layer, style, length);
  let text = style.link ? head(place.length) : '';
  let type = layer.protocol;
  let inner = place.next(size);
  while (type === VLAN) {
    if (!inner.holds(TAG)) return `${text} [|vlan]`;
    if (style.link) text += `${tag_text(inner.bytes.readUInt16BE())}, `;
    type = inner.bytes.readUInt16BE(2);
    if (type <= LARGEST_LENGTH) type = LLC;
    if (style.quiet === 0) text += `ethertype ${ETHERTYPES[type] ?? 'Unknown'}, `;
    inner = inner.next(TAG);
  }
  const carried = type > LARGEST_LENGTH ? carried_by_ethertype(type, inner) : inner.text();
  if (carried !== undefined) return text + carried;
  return text + (style.link || type <= LARGEST_LENGTH ? '' : head(inner.length + size)) + inner.dump();
}

export function linux_sll_text(layer: Layers['linux_sll'], place: Place): string {
  if (layer.cut !== undefined) return ' [|sll]';
  const direction = `${(DIRECTIONS[layer.packet_type] ?? '?').padStart(3)} `;
  return cooked(layer, place, SLL, direction);
}

export function linux_sll2_text(layer: Layers['linux_sll2'], place: Place): string {
  if (layer.cut !== undefined) return ' [|sll2]';
  const { interface_index: index, packet_type } = layer;
  const direction = (DIRECTIONS[packet_type] ?? '?').padEnd(3);
  const where = `${place.frame.interface_name(index).padEnd(5)} ${direction} `;
  return where + cooked(layer, place, SLL2, `ifindex ${index} `);
}

const FAMILIES: Readonly<Record<number, string>> = {
  2: 'IPv4',
  6: 'NS',
  7: 'ISO',
  16: 'Appletalk',
  23: 'IPX',
  24: 'IPv6',
  28: 'IPv6',
  30: 'IPv6',
};
const LOOPBACK = 4;

export function loopback_text({ family, cut }: Layers['loopback'], place: Place): string {
  const { style, length } = place;
  if (cut !== undefined) return ' [|null]';
  const name = FAMILIES[family];
  const named = style.quiet > 0 ? (name ?? `Unknown AF ${family}`) : `AF ${name ?? 'Unknown'} (${family})`;
  const head = `${named}, length ${length}: `;
  const inner = place.next(LOOPBACK);
  const type = { IPv4: IPV4, IPv6: IPV6 }[name ?? ''];
  const carried = type === undefined ? undefined : carried_by_ethertype(type, inner);
  return (style.link || carried === undefined ? head : '') + (carried ?? inner.dump());
}
