// A message of DHCP (or BOOTP) as tcpdump tells it: a line, with -v the fields of its header and the options (dhcp_options.ts).
import { type Flags, flag_names, hex } from '../names.js';
import type { Place } from '../place.js';
import { type Walk, walked } from '../walk.js';
import { say_dhcp_options } from './dhcp_options.js';

const OPERATIONS: Readonly<Record<number, string>> = { 1: 'Request', 2: 'Reply' };
const REQUEST = 1;
const ETHERNET = 1;
const ETHERNET_SIZE = 6;
const FLAGS: Flags = [[0x8000, 'Broadcast']];
/** Offsets of fields. */
const [HOPS, XID, SECONDS, FLAG_BITS, HARDWARE_ADDRESS, VENDOR] = [3, 4, 8, 10, 28, 236];
const ADDRESSES = [
  ['Client-IP', 12],
  ['Your-IP', 16],
  ['Server-IP', 20],
  ['Gateway-IP', 24],
] as const;
const STRINGS = [
  ['sname', 44, 64],
  ['file', 108, 128],
] as const;
const [DHCP_COOKIE, CMU_COOKIE] = [0x63825363, 0x434d5500];

/** Tells a field of fixed size with a NUL at its end. @returns whether it has one */
function say_field(walk: Walk, at: number, size: number): boolean {
  const field = walk.bytes.subarray(at, at + size);
  const nul = field.indexOf(0);
  walk.say_some(at, nul === -1 ? field.length : nul);
  walk.say('"');
  return nul !== -1;
}

/** Tells what Carnegie Mellon's BOOTP had in place of options. */
function say_cmu(walk: Walk): void {
  walk.say(' vend-cmu');
  const start = VENDOR + 4;
  if (!walk.has(start, 4)) walk.cut();
  const flags = walk.u8(start);
  if ((flags & ~1) !== 0) walk.say(` F:${hex(flags)}`);
  const rows = [
    ['DG', 8],
    [flags & 1 ? 'SM' : 'SM*', 4],
    ['NS1', 12],
    ['NS2', 16],
    ['IEN1', 20],
    ['IEN2', 24],
    ['TS1', 28],
    ['TS2', 32],
  ] as const;
  for (const [name, offset] of rows) {
    if (!walk.has(start + offset, 4)) walk.cut();
    if (walk.u32(start + offset) !== 0) walk.say(` ${name}:${walk.ipv4(start + offset)}`);
  }
}

/** Tells the fields behind the first line, with -v. */
function say_fields(walk: Walk, htype: number, hlen: number): void {
  if (!walk.has(SECONDS, 2)) walk.cut();
  const is_ethernet = htype === ETHERNET && hlen === ETHERNET_SIZE;
  if (htype !== ETHERNET) walk.say(`, htype ${htype}`);
  if (!is_ethernet) walk.say(`, hlen ${hlen}`);
  if (walk.u8(HOPS) !== 0) walk.say(`, hops ${walk.u8(HOPS)}`);
  if (walk.u32(XID) !== 0) walk.say(`, xid ${hex(walk.u32(XID))}`);
  if (walk.u16(SECONDS) !== 0) walk.say(`, secs ${walk.u16(SECONDS)}`);
  const flags = walk.u16(FLAG_BITS);
  walk.say(`, Flags [${flag_names(FLAGS, flags)}]`);
  if (walk.verbose > 1) walk.say(` (${hex(flags, 4)})`);
  for (const [name, at] of ADDRESSES) if (walk.u32(at) !== 0) walk.say(`\n\t  ${name} ${walk.ipv4(at)}`);
  if (is_ethernet) walk.say(`\n\t  Client-Ethernet-Address ${walk.mac(HARDWARE_ADDRESS)}`);
  for (const [name, at, size] of STRINGS) {
    if (walk.u8(at) === 0) continue;
    walk.say(`\n\t  ${name} "`);
    if (!say_field(walk, at, size)) walk.cut();
  }
  if (!walk.has(VENDOR, 4)) walk.cut();
  const cookie = walk.u32(VENDOR);
  if (cookie === DHCP_COOKIE) say_dhcp_options(walk, VENDOR);
  else if (cookie === CMU_COOKIE) say_cmu(walk);
  else if (cookie !== 0) walk.say(`\n\t  Vendor-#${hex(cookie)}`);
}

/** Returns "BOOTP/DHCP, Request from 02:00:00:00:00:01, length 244". */
export function dhcp_text(place: Place): string {
  return walked(place, 'bootp', (walk) => {
    const operation = walk.u8(0);
    walk.say(`BOOTP/DHCP, ${OPERATIONS[operation] ?? `unknown (${hex(operation, 2)})`}`);
    const [htype, hlen] = [walk.u8(1), walk.u8(2)];
    if (htype === ETHERNET && hlen === ETHERNET_SIZE && operation === REQUEST)
      walk.say(` from ${walk.mac(HARDWARE_ADDRESS)}`);
    walk.say(`, length ${place.length}`);
    if (walk.verbose > 0) say_fields(walk, htype, hlen);
  });
}
