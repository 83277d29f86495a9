// The fields of LLDP for data centres before IEEE 802.1 had them (DCBX), as tcpdump tells them.
import { hex } from '../../names.js';
import type { Walk } from '../../walk.js';
import { say_subtype } from './fields.js';

const REVISIONS = {
  1: 'DCB Capability Exchange Protocol Rev 1',
  2: 'DCB Capability Exchange Protocol Rev 1.01',
};
const FIRST_REVISION = 1;
const EIGHT = [0, 1, 2, 3, 4, 5, 6, 7];

/** Tells what all features begin with. */
function say_feature(walk: Walk, name: string, type: number, at: number, size: number): void {
  walk.say(`\n\t    Feature - ${name} (type ${hex(type)}, length ${size})`);
  walk.say(`\n\t      Oper_Version: ${walk.u8(at)}`);
  walk.say(`\n\t      Max_Version: ${walk.u8(at + 1)}`);
  const bits = walk.u8(at + 2);
  walk.say(`\n\t      Info block(0x${bits.toString(16).toUpperCase().padStart(2, '0')}): `);
  walk.say(`Enable bit: ${bits >>> 7}, Willing bit: ${(bits >>> 6) & 1}, Error Bit: ${(bits >>> 5) & 1}`);
  walk.say(`\n\t      SubType: ${walk.u8(at + 3)}`);
}

function say_control(walk: Walk, at: number, size: number): void {
  walk.say(`\n\t    Control - Protocol Control (type 0x1, length ${size})`);
  walk.say(`\n\t      Oper_Version: ${walk.u8(at)}`);
  walk.say(`\n\t      Max_Version: ${walk.u8(at + 1)}`);
  walk.say(`\n\t      Sequence Number: ${walk.u32(at + 2)}`);
  walk.say(`\n\t      Acknowledgement Number: ${walk.u32(at + 6)}`);
}

function say_groups(walk: Walk, at: number, size: number): void {
  say_feature(walk, 'Priority Group', 2, at, size);
  walk.say('\n\t      Priority Allocation');
  const groups = walk.u32(at + 4);
  for (const i of EIGHT) walk.say(`\n\t          PgId_${i}: ${(groups >>> (28 - 4 * i)) & 0xf}`);
  walk.say('\n\t      Priority Group Allocation');
  for (const i of EIGHT) walk.say(`\n\t          Pg percentage[${i}]: ${walk.u8(at + 8 + i)}`);
  walk.say(`\n\t      NumTCsSupported: ${walk.u8(at + 16)}`);
}

function say_flow_control(walk: Walk, at: number, size: number): void {
  say_feature(walk, 'Priority Flow Control', 3, at, size);
  const bits = walk.u8(at + 4);
  walk.say(`\n\t      PFC Config (0x${bits.toString(16).toUpperCase().padStart(2, '0')})`);
  for (const i of EIGHT)
    walk.say(`\n\t          Priority Bit ${i}: ${(bits >>> i) & 1 ? 'Enabled' : 'Disabled'}`);
  walk.say(`\n\t      NumTCPFCSupported: ${walk.u8(at + 5)}`);
}

function say_applications(walk: Walk, at: number, size: number): void {
  say_feature(walk, 'Application', 4, at, size);
  // tcpdump counts the bytes in eight bits.
  const end = at + 4 + ((size - 4) & 0xff);
  for (let i = at + 4; end - i >= 6; i += 6) {
    walk.say('\n\t      Application Value');
    walk.say(`\n\t          Application Protocol ID: ${hex(walk.u16(i), 4)}`);
    const bits = walk.u24(i + 2);
    const selector = bits >>> 22;
    const kind = selector === 0 ? 'L2 EtherType' : 'Socket Number';
    walk.say(`\n\t          SF (${hex(selector)}) Application Protocol ID is ${kind}`);
    walk.say(`\n\t          OUI: ${hex(bits & 0x3fffff, 6)}`);
    walk.say(`\n\t          User Priority Map: ${hex(walk.u8(i + 5), 2)}`);
  }
}

/** What tells a field, and the bytes that it has at least. */
const TELLERS: Readonly<Record<number, readonly [number, (walk: Walk, at: number, size: number) => void]>> = {
  1: [10, say_control],
  2: [17, say_groups],
  3: [6, say_flow_control],
  4: [4, say_applications],
};

/** Tells the fields. @returns whether the bytes of all are to be shown as well */
export function say_datacenter(walk: Walk, start: number, whole: number): boolean {
  const type = say_subtype(walk, REVISIONS, start, whole);
  if (type === undefined) return false;
  if (type === FIRST_REVISION) return true;
  const end = start + whole;
  let is_unknown = false;
  for (let at = start + 4; end - at >= 2; ) {
    const head = walk.u16(at);
    const [field, size] = [head >>> 9, head & 0x1ff];
    is_unknown = false;
    at += 2;
    if (field === 0 || size === 0) break;
    if (!walk.has(at, size) || end - at < size) break;
    const [least = 0, tell] = TELLERS[field] ?? [];
    if (tell !== undefined && size < least) break;
    tell?.(walk, at, size);
    is_unknown = tell === undefined;
    if (walk.verbose > 1 || is_unknown) walk.say_unknown(at, size, '\n\t    ');
    at += size;
  }
  return is_unknown;
}
