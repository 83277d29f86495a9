// VXLAN and Geneve on a line, with the packet in them, as tcpdump writes them.
import type { Geneve, Vxlan } from '../../../../packet/index.js';
import { ETHERTYPES } from '../names.js';
import type { Place } from '../place.js';

const FLAGS: readonly string[] = ['O', 'C', 'R1', 'R2', 'R3', 'R4', 'R5', 'R6'];
const HEADER = 8;
const ETHERNET = 0x6558;

/** Returns "VXLAN, flags [I] (0x08), vni 42", and the frame on a line of its own. */
export function vxlan_text({ flags, vni }: Vxlan, place: Place): string {
  if (vni === undefined) return 'VXLAN [|vxlan]';
  const first = flags >>> 8;
  const hex = first.toString(16).padStart(2, '0');
  return `VXLAN, flags [${first & 0x08 ? 'I' : '.'}] (0x${hex}), vni ${vni}\n${place.next(HEADER).text() ?? ' [|ether]'}`;
}

/** Returns "Geneve, Flags [none], vni 0x2a: ", and the packet behind it. */
export function geneve_text(layer: Geneve, place: Place): string {
  const { flags, vni, reserved, header_length, protocol } = layer;
  if (reserved === undefined) return 'Geneve [|geneve]';
  const names = FLAGS.filter((_, i) => flags & (0x80 >> i)).join('') || 'none';
  const rest = reserved === 0 ? '' : `, rsvd 0x${reserved.toString(16)}`;
  const proto = place.style.link
    ? `, proto ${ETHERTYPES[protocol] ?? 'unknown'} (0x${protocol.toString(16).padStart(4, '0')})`
    : '';
  const size = header_length - HEADER;
  const options = size === 0 ? '' : `, options [${size} bytes]`;
  const other = protocol === ETHERNET ? ' [|ether]' : `geneve-proto-0x${protocol.toString(16)}`;
  return `Geneve, Flags [${names}], vni 0x${vni.toString(16)}${rest}${proto}${options}: ${place.next(header_length).text() ?? other}`;
}
