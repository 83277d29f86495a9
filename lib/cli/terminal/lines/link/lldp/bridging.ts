// The fields of LLDP that IEEE 802.1 defines (VLANs, bridges of data centres), as tcpdump tells them.
import { type Flags, flag_names, hex, type Names } from '../../names.js';
import type { Walk } from '../../walk.js';
import { aggregation_text, say_subtype } from './fields.js';

const FIELDS: Names = {
  1: 'Port VLAN Id',
  2: 'Port and Protocol VLAN ID',
  3: 'VLAN name',
  4: 'Protocol Identity',
  7: 'Link aggregation',
  8: 'Congestion Notification',
  9: 'ETS Configuration',
  10: 'ETS Recommendation',
  11: 'Priority Flow Control Configuration',
  12: 'Application Priority',
  13: 'EVB',
  14: 'CDCP',
};
const STATES: Flags = [
  [2, 'supported'],
  [4, 'enabled'],
];
const MODES = ['Not Supported', 'EVB Bridge', 'EVB Station', 'Reserved for future Standardization'];
const PRIORITIES = '\n\t     Priority : 0  1  2  3  4  5  6  7';

/** Returns a row of values, each in so many columns. */
const row = (values: readonly number[], width: number): string =>
  values.map((value) => String(value).padEnd(width)).join(' ');
const numbers = (walk: Walk, at: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => walk.u8(at + i));
/** Returns the bits of a byte under the heading of priorities. */
function bits_text(walk: Walk, at: number): string {
  const byte = walk.u8(at);
  const bits = Array.from({ length: 8 }, (_, i) => (byte >>> i) & 1);
  return `${PRIORITIES}\n\t     Value    : ${row(bits, 2)} `;
}

function say_congestion(walk: Walk, at: number): void {
  walk.say(`\n\t    Pre-Priority CNPV Indicator${bits_text(walk, at + 4)}`);
  walk.say(`\n\t    Pre-Priority Ready Indicator${bits_text(walk, at + 5)}`);
}

/** Tells the tables of bandwidth. */
function say_tables(walk: Walk, at: number): void {
  const classes = numbers(walk, at, 4).flatMap((byte) => [byte >>> 4, byte & 0xf]);
  const columns = ': 0   1   2   3   4   5   6   7\n\t';
  walk.say(`\n\t    Priority Assignment Table\n\t     Priority ${columns}     Value    : ${row(classes, 3)}`);
  walk.say(
    `\n\t    TC Bandwidth Table\n\t     TC%   ${columns}     Value : ${row(numbers(walk, at + 4, 8), 3)}`,
  );
  const algorithms = row(numbers(walk, at + 12, 8), 3);
  walk.say(`\n\t    TSA Assignment Table\n\t     Traffic Class${columns}     Value        : ${algorithms}`);
}

function say_flow_control(walk: Walk, at: number): void {
  const byte = walk.u8(at + 4);
  const [willing, bypass, reserved] = [byte >>> 7, (byte >>> 6) & 1, (byte >>> 4) & 3];
  walk.say(`\n\t    Willing: ${willing}, MBC: ${bypass}, RES: ${reserved}, PFC cap:${byte & 0xf} `);
  walk.say(`\n\t    PFC Enable${bits_text(walk, at + 5)}`);
}

function say_applications(walk: Walk, at: number, size: number): void {
  walk.say(`\n\t    RES: ${walk.u8(at + 4)}`);
  const rest = size - 5;
  if (rest === 0 || rest % 3 !== 0) return;
  walk.say('\n\t    Application Priority Table');
  for (let i = at + 5; i < at + size; i += 3) {
    const byte = walk.u8(i);
    const [priority, reserved, selector] = [byte >>> 5, (byte >>> 3) & 3, byte & 7];
    walk.say(
      `\n\t      Priority: ${priority}, RES: ${reserved}, Sel: ${selector}, Protocol ID: ${walk.u16(i + 1)}`,
    );
  }
}

function say_virtual_bridging(walk: Walk, at: number): void {
  const [bridge, station, retries, mode, keep] = numbers(walk, at + 4, 5) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const bit = (byte: number, shift: number) => (byte >>> shift) & 1;
  walk.say('\n\t    EVB Bridge Status');
  walk.say(
    `\n\t      RES: ${bridge >>> 3}, BGID: ${bit(bridge, 2)}, RRCAP: ${bit(bridge, 1)}, RRCTR: ${bit(bridge, 0)}`,
  );
  walk.say('\n\t    EVB Station Status');
  walk.say(
    `\n\t      RES: ${station >>> 4}, SGID: ${bit(station, 3)}, RRREQ: ${bit(station, 2)},RRSTAT: ${station & 3}`,
  );
  walk.say(`\n\t    R: ${retries >>> 5}, RTE: ${retries & 0x1f}, `);
  walk.say(`EVB Mode: ${MODES[mode >>> 6]} [${mode >>> 6}]`);
  walk.say(`\n\t    ROL: ${bit(mode, 5)}, RWD: ${mode & 0x1f}, `);
  walk.say(`RES: ${keep >>> 6}, ROL: ${bit(keep, 5)}, RKA: ${keep & 0x1f}`);
}

function say_channels(walk: Walk, at: number, size: number): void {
  const byte = walk.u8(at + 4);
  walk.say(`\n\t    Role: ${byte >>> 7}, RES: ${(byte >>> 4) & 7}, Scomp: ${(byte >>> 3) & 1} `);
  walk.say(`ChnCap: ${walk.u16(at + 6) & 0xfff}`);
  if ((size - 8) % 3 !== 0) return;
  for (let i = at + 8; i < at + size; i += 3) {
    const pair = walk.u24(i);
    walk.say(`\n\t    SCID: ${pair >>> 12}, SVID: ${pair & 0xfff}`);
  }
}

function say_vlan_name(walk: Walk, at: number, size: number): void {
  walk.say(`\n\t    vlan id (VID): ${walk.u16(at + 4)}`);
  if (size < 7) return;
  const length = walk.u8(at + 6);
  if (size < 7 + length) return;
  walk.say('\n\t    vlan name: ');
  walk.say_string(at + 7, length);
}

function say_identity(walk: Walk, at: number, size: number): void {
  const length = walk.u8(at + 4);
  if (size < 5 + length) return;
  walk.say('\n\t    protocol identity: ');
  walk.say_string(at + 5, length);
}

function say_protocol_vlan(walk: Walk, at: number): void {
  const flags = walk.u8(at + 4);
  const text = `flags [${flag_names(STATES, flags)}] (${hex(flags, 2)})`;
  walk.say(`\n\t    port and protocol vlan id (PPVID): ${walk.u16(at + 5)}, ${text}`);
}

function say_bandwidth(walk: Walk, at: number): void {
  const byte = walk.u8(at + 4);
  // tcpdump 4.99 tells the second bit as 2.
  const [willing, credit, reserved] = [byte >>> 7, (byte >>> 6) & 2, (byte >>> 3) & 7];
  walk.say(`\n\t    Willing:${willing}, CBS:${credit}, RES:${reserved}, Max TCs:${byte & 7}`);
  say_tables(walk, at + 5);
}

/** What tells a field, and the bytes that it has at least. */
const TELLERS: Readonly<Record<number, readonly [number, (walk: Walk, at: number, size: number) => void]>> = {
  1: [6, (walk, at) => walk.say(`\n\t    port vlan id (PVID): ${walk.u16(at + 4)}`)],
  2: [7, say_protocol_vlan],
  3: [6, say_vlan_name],
  4: [5, say_identity],
  7: [9, (walk, at) => walk.say(aggregation_text(walk, at))],
  8: [6, say_congestion],
  9: [25, say_bandwidth],
  10: [
    25,
    (walk, at) => {
      walk.say(`\n\t    RES: ${walk.u8(at + 4)}`);
      say_tables(walk, at + 5);
    },
  ],
  11: [6, say_flow_control],
  12: [5, say_applications],
  13: [9, say_virtual_bridging],
  14: [8, say_channels],
};

/** Tells a field. @returns whether its bytes are to be shown as well */
export function say_bridging(walk: Walk, at: number, size: number): boolean {
  const type = say_subtype(walk, FIELDS, at, size);
  if (type === undefined) return false;
  const [least, tell] = TELLERS[type] ?? [];
  if (least !== undefined && size >= least) tell?.(walk, at, size);
  return tell === undefined;
}
