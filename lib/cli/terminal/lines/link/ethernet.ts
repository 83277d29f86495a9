// The text of Ethernet frames with their VLAN tags. Without -e, a frame is told by what it carries only, in the words of tcpdump.
import type { Layers } from '../../../../packet/index.js';
import { ethertype_name, hex } from '../names.js';
import type { Place } from '../place.js';
import { carried_by_ethertype } from './ethertypes.js';

const HEADER = 14;
const TAG = 4;
const TAGS: readonly number[] = [0x8100, 0x9100, 0x9200, 0x88a8];
/** Types up to this one are lengths: IEEE 802.3. */
const LARGEST_LENGTH = 1500;

/** Returns "vlan 10, p 0": the control information of a tag. */
export function tag_text(tag: number): string {
  return `vlan ${tag & 0xfff}, p ${tag >>> 13}${tag & 0x1000 ? ', DEI' : ''}`;
}

export function ethernet_text({ src, dst, cut, ethertype }: Layers['ethernet'], place: Place): string {
  const { style, length } = place;
  if (cut !== undefined) return ' [|ether]';
  const addresses = `${src} > ${dst}, `;
  const length_text = `, length ${length}: `;
  let text = style.link ? addresses : '';
  let type = ethertype;
  let inner = place.next(HEADER);
  let told = false;
  while (TAGS.includes(type)) {
    if (!inner.holds(TAG)) return `${text} [|vlan]`;
    if (style.link) {
      text += ethertype_name(type, style.quiet) + (told ? ', ' : length_text);
      text += `${tag_text(inner.bytes.readUInt16BE())}, `;
      told = true;
    }
    type = inner.bytes.readUInt16BE(2);
    inner = inner.next(TAG);
  }
  if (type <= LARGEST_LENGTH) {
    const frame = inner.ending_at(type);
    if (style.link) text += `802.3${told ? '' : `, length ${frame.length}: `}`;
    return text + (frame.text() ?? ` [|llc]${frame.all_dumped()}`);
  }
  if (style.link) text += ethertype_name(type, style.quiet) + (told ? ', ' : length_text);
  const carried = carried_by_ethertype(type, inner);
  if (carried !== undefined) return text + carried;
  const unknown = style.link ? '' : addresses + ethertype_name(type, style.quiet) + length_text;
  return text + unknown + inner.dump();
}

/** A tag behind another header than Ethernet's; tcpdump knows it there as a number only. */
export function vlan_text({ priority, dei, id }: Layers['vlan'], place: Place): string {
  const tag = (priority << 13) | (dei << 12) | id;
  return `${tag_text(tag)}, ${place.next(TAG).text() ?? hex(tag)}`;
}
