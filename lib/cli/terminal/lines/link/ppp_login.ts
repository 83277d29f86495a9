// The messages by which the ends of PPP log in, PAP and CHAP, as tcpdump tells them.
import { hex, type Names } from '../names.js';
import type { Place } from '../place.js';
import { type Walk, walked } from '../walk.js';

const HEADER = 4;
const PAP_CODES: Names = { 1: 'Auth-Req', 2: 'Auth-ACK', 3: 'Auth-NACK' };
const CHAP_CODES: Names = { 1: 'Challenge', 2: 'Response', 3: 'Success', 4: 'Fail' };

/** Tells the header, which both have. @returns the length in it */
function say_header(walk: Walk, name: string, codes: Names): number {
  const { length } = walk.place;
  const mark = name.toLowerCase();
  if (length < 1) walk.stop(`[|${mark}]`);
  const code = walk.u8(0);
  if (length < HEADER) walk.stop(`[|${mark} ${hex(code, 2)}]`);
  walk.say(`${name}, ${codes[code] ?? 'unknown'} (${hex(code, 2)})`);
  walk.say(`, id ${walk.u8(1)}`);
  return walk.u16(2);
}

/** Tells text behind its length, if it is within `end`. @returns the offset behind it; undefined if it is not */
function say_counted(walk: Walk, word: string, at: number, end: number): number | undefined {
  if (end - at < 1) return undefined;
  const size = walk.u8(at);
  if (end - at - 1 < size) return undefined;
  walk.say(`, ${word} `);
  walk.say_bytes(at + 1, size);
  return at + 1 + size;
}

/** Returns the text of a message of PAP. */
export function pap_text(place: Place): string {
  return walked(place, 'ppp', (walk) => {
    const size = say_header(walk, 'PAP', PAP_CODES);
    if (size > place.length) walk.stop(`, length ${size} > packet size`);
    if (size < HEADER) walk.stop(`, length ${size} < PAP header length`);
    const code = walk.u8(0);
    if (code === 1) {
      if (size < 6) walk.stop('[|pap]');
      const at = say_counted(walk, 'Peer', HEADER, size);
      if (at !== undefined) say_counted(walk, 'Name', at, size);
    } else if (code === 2 || code === 3) {
      if (size < 5) walk.stop('[|pap]');
      say_counted(walk, 'Msg', HEADER, size);
    }
  });
}

/** Returns the text of a message of CHAP. */
export function chap_text(place: Place): string {
  return walked(place, 'ppp', (walk) => {
    const size = say_header(walk, 'CHAP', CHAP_CODES);
    const code = walk.u8(0);
    // A length that is too small wraps around in tcpdump: all that is there is told.
    const rest = (at: number) => (size - at) >>> 0;
    if (code === 3 || code === 4) {
      walk.say(', Msg ');
      walk.say_bytes(HEADER, rest(HEADER));
    }
    if (code !== 1 && code !== 2) return;
    if (place.length - HEADER < 1) return;
    const value = walk.u8(HEADER);
    const at = HEADER + 1;
    if (place.length - at < value) return;
    walk.say(', Value ');
    walk.say(walk.bytes.toString('hex', at, at + value));
    walk.need(at, value);
    walk.say(', Name ');
    walk.say_bytes(at + value, rest(at + value));
  });
}
