// The lines of PPPoE, PPP and the protocols that configure it, as tcpdump writes them.
import { type Layers, LINKTYPE_RAW } from '../../../../packet/index.js';
import { hexadecimal } from '../dump.js';
import { hex } from '../names.js';
import type { Place } from '../place.js';
import { type Walk, walked } from '../walk.js';
import { CONTROLS, control_text, MULTILINK, multilink_text } from './ppp_control.js';
import { chap_text, pap_text } from './ppp_login.js';
import { PPP_PROTOCOLS } from './ppp_protocols.js';

const PPPOE_CODES: Readonly<Record<number, string>> = {
  0: '',
  7: 'PADO',
  9: 'PADI',
  25: 'PADR',
  101: 'PADS',
  167: 'PADT',
};
const TAGS: Readonly<Record<number, string>> = {
  0: 'EOL',
  257: 'Service-Name',
  258: 'AC-Name',
  259: 'Host-Uniq',
  260: 'AC-Cookie',
  261: 'Vendor-Specific',
  272: 'Relay-Session-ID',
  288: 'PPP-Max-Payload',
  513: 'Service-Name-Error',
  514: 'AC-System-Error',
  515: 'Generic-Error',
};
/** Characters of a tag that are written. */
const MOST_CHARACTERS = 79;
const HEADER = 6;
const TAG_HEADER = 4;
const [END_OF_LIST, DISCOVER] = [0, 0x09];
/** Bytes of a message that looks for a session, at most. */
const LONGEST_DISCOVERY = 1478;

const is_printable = (byte: number): boolean => byte >= 32 && byte < 127;

function tag_text(walk: Walk, type: number, at: number, size: number): string {
  const name = TAGS[type] ?? `TAG-0x${type.toString(16)}`;
  if (size === 0) return ` [${name}]`;
  walk.need(at, size);
  const shown = walk.bytes.subarray(at, at + Math.min(size, MOST_CHARACTERS));
  const count = shown.filter(is_printable).length;
  if (count <= shown.length - count) return ` [${name} 0x${walk.hex(at, size).toUpperCase()}]`;
  const text = Array.from(shown, (byte) => (is_printable(byte) ? String.fromCharCode(byte) : '.')).join('');
  return ` [${name} "${text}"]`;
}

/** Tells the tags of a message that looks for a session. */
function say_tags(walk: Walk, size: number): void {
  for (let at = HEADER; at < HEADER + size; ) {
    const [type, tag_size] = [walk.u16(at), walk.u16(at + 2)];
    walk.say(tag_text(walk, type, at + TAG_HEADER, tag_size));
    if (type === END_OF_LIST) return;
    at += TAG_HEADER + tag_size;
  }
}

/** Returns the text of PPPoE: the tags of a message that looks for a session, or what a session carries. */
export function pppoe_text(place: Place): string {
  const room = place.length - HEADER;
  if (room < 0) return ` (length ${place.length} < ${HEADER}) (invalid)`;
  return walked(place, 'pppoe', (walk) => {
    walk.need(0, HEADER);
    const [version, type] = [walk.u8(0) >>> 4, walk.u8(0) & 0xf];
    const [code, session, given] = [walk.u8(1), walk.u16(2), walk.u16(4)];
    const size = Math.min(given, room);
    if (version !== 1) walk.say(` [ver ${version}]`);
    if (type !== 1) walk.say(` [type ${type}]`);
    walk.say(`PPPoE ${PPPOE_CODES[code] ?? `PAD-${code.toString(16)}`}`);
    if (code === DISCOVER && given > LONGEST_DISCOVERY) walk.say(` [len ${given}!]`);
    if (given > room) walk.say(` [len ${given} > ${room}!]`);
    if (session !== 0) walk.say(` [ses 0x${session.toString(16)}]`);
    if (code !== 0) say_tags(walk, size);
    else walk.say(` ${ppp_text(place.next(HEADER, size))}`);
  });
}

/** Returns the bytes of PPP's header. */
export function ppp_size({ address, compressed }: Layers['ppp']): number {
  return (address === undefined ? 0 : 2) + (compressed ? 1 : 2);
}

/** IP, by its number, by an ethertype, and with a compressed header that says all; MPLS. */
const INTERNET: readonly number[] = [0x0021, 0x0057, 0x0800, 0x86dd, 0x002f, 0x0281, 0x0283];
const [PAP, CHAP, BANDWIDTH, COMPRESSED] = [0xc023, 0xc223, 0xc02d, 0x00fd];

/** Returns the text of what PPP carries; of a protocol that is not known, the bytes. */
function carried_text(protocol: number, inner: Place): string {
  if (CONTROLS.includes(protocol)) return control_text(protocol, inner);
  switch (protocol) {
    case PAP:
      return pap_text(inner);
    case CHAP:
      return chap_text(inner);
    case MULTILINK:
      return multilink_text(inner);
    case COMPRESSED:
      return 'compressed PPP data';
    case BANDWIDTH:
      return '';
  }
  if (INTERNET.includes(protocol)) return inner.text() ?? inner.broken('ip');
  const name = PPP_PROTOCOLS[protocol] ?? `unknown PPP protocol (${hex(protocol, 4)})`;
  return `${name} ${hexadecimal(inner.bytes, '\n\t')}`;
}

const FRAME = 0xff03;
/** What the daemon of PPP writes in place of the address, for packets that come in and go out. */
const DIRECTIONS: Readonly<Record<number, string>> = { 3: 'In  ', 259: 'Out ' };

/** Returns the text of what PPP carries; the header says nothing by itself without -e. */
export function ppp_text(place: Place): string {
  const { length, style } = place;
  return walked(place, 'ppp', (walk) => {
    if (length < 2) walk.cut();
    const first = walk.u16(0);
    const direction = DIRECTIONS[first];
    if (direction !== undefined && style.link) walk.say(direction);
    const start = first === FRAME || direction !== undefined ? 2 : 0;
    if (length - start < 2) walk.cut();
    const is_short = (walk.u8(start) & 1) === 1;
    const protocol = is_short ? walk.u8(start) : walk.u16(start);
    const size = start + (is_short ? 1 : 2);
    const name = PPP_PROTOCOLS[protocol];
    if (style.link) {
      walk.say(`${name ?? 'unknown'} (${hex(protocol, 4)}), length ${length}`);
      if (name === undefined) return;
      walk.say(': ');
    }
    walk.say(carried_text(protocol, inner_place(place, size)));
  });
}

/** Returns the place behind the header, also where the packet was not parsed as PPP. */
function inner_place(place: Place, size: number): Place {
  return place.layer?.layer === 'ppp' ? place.next(size) : place.within(size, LINKTYPE_RAW);
}

/** Returns the text of a packet of the link type of PPP. */
export function ppp_link_text(_: Layers['ppp'], place: Place): string {
  return place.holds(4) ? ppp_text(place) : place.broken('ppp');
}
