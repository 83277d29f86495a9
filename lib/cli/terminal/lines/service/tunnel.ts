// VXLAN and Geneve on a line, with the packet in them, as tcpdump writes them.
import { LINKTYPE_ETHERNET } from '../../../../packet/index.js';
import { carried_by_ethertype } from '../link/ethertypes.js';
import { ETHERTYPES, hex } from '../names.js';
import type { Place } from '../place.js';
import { type Walk, walked } from '../walk.js';

const FLAGS: readonly string[] = ['O', 'C', 'R1', 'R2', 'R3', 'R4', 'R5', 'R6'];
const HEADER = 8;
const ETHERNET = 0x6558;
const OPTION_HEADER = 4;
const CRITICAL = 0x80;
/** Who gave the classes of options their meaning. */
const CLASSES: Readonly<Record<number, string>> = {
  256: 'Linux',
  257: 'Open vSwitch',
  258: 'Open Virtual Networking (OVN)',
  259: 'In-band Network Telemetry (INT)',
  260: 'VMware',
};
const [LAST_STANDARD, FIRST_EXPERIMENTAL] = [0x00ff, 0xfff0];

/** Returns the text of the Ethernet frame behind the header. */
function frame_text(place: Place, start: number): string {
  return place.within(start, LINKTYPE_ETHERNET).text() ?? ' [|ether]';
}

/** Returns "VXLAN, flags [I] (0x08), vni 42", and the frame on a line of its own. */
export function vxlan_text(place: Place): string {
  if (place.length < HEADER) return 'VXLAN (invalid)';
  return walked(place, 'vxlan', (walk) => {
    walk.say('VXLAN');
    const flags = walk.u8(0);
    walk.say(`, flags [${flags & 0x08 ? 'I' : 'invalid'}] (${hex(flags, 2)}), `);
    walk.say(`vni ${walk.u24(4)}\n`);
    walk.need(7, 1);
    walk.say(frame_text(place, HEADER));
  });
}

function class_name(number: number): string {
  if (number <= LAST_STANDARD) return 'Standard';
  return CLASSES[number] ?? (number >= FIRST_EXPERIMENTAL ? 'Experimental' : 'Unknown');
}

/** Tells the options up to `end`, with -v; with -vv their data. */
function say_options(walk: Walk, start: number, end: number): void {
  for (let at = start; at < end; ) {
    if (at > start) walk.say(', ');
    const [group, type, words] = [walk.u16(at), walk.u8(at + 2), walk.u8(at + 3) & 0x1f];
    const size = OPTION_HEADER + 4 * words;
    const critical = type & CRITICAL ? '(C)' : '';
    walk.say(`class ${class_name(group)} (${hex(group)}) type ${hex(type)}${critical} len ${size}`);
    if (size > end - at) {
      walk.say(' [bad length]');
      return;
    }
    if (walk.verbose > 1 && words > 0)
      walk.say(` data${walk.hex(at + OPTION_HEADER, 4 * words).replace(/.{8}/g, ' $&')}`);
    at += size;
  }
}

/** Returns "Geneve, Flags [none], vni 0x2a: ", and the packet behind it. */
export function geneve_text(place: Place): string {
  const { length, style } = place;
  return walked(place, 'geneve', (walk) => {
    walk.say('Geneve');
    if (!walk.has(0, HEADER)) walk.cut();
    const [first, flags, protocol, reserved] = [walk.u8(0), walk.u8(1), walk.u16(2), walk.u8(7)];
    if (first >>> 6 !== 0) walk.stop(` ERROR: unknown-version ${first >>> 6}`);
    const names = FLAGS.filter((_, i) => flags & (0x80 >> i)).join('') || 'none';
    walk.say(`, Flags [${names}], vni ${hex(walk.u24(4))}`);
    if (reserved !== 0) walk.say(`, rsvd ${hex(reserved)}`);
    if (style.link) walk.say(`, proto ${ETHERTYPES[protocol] ?? 'unknown'} (${hex(protocol, 4)})`);
    const end = HEADER + 4 * (first & 0x3f);
    if (length < end) walk.stop(` truncated-geneve - ${end - length} bytes missing`);
    if (!walk.has(HEADER, end - HEADER)) walk.cut();
    if (end > HEADER) {
      walk.say(', options [');
      if (style.verbose > 0) say_options(walk, HEADER, end);
      else walk.say(`${end - HEADER} bytes`);
      walk.say(']');
    }
    walk.say(style.verbose > 0 ? '\n\t' : ': ');
    if (protocol === ETHERNET) walk.say(frame_text(place, end));
    else walk.say(carried_by_ethertype(protocol, place.next(end)) ?? `geneve-proto-${hex(protocol)}`);
  });
}
