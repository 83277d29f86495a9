// A message of bridges (STP, RSTP, MSTP, SPB) as tcpdump tells it: a line, with -v the times, the root and the trees.
import { type Flags, flag_names, hex, type Names } from '../names.js';
import type { Place } from '../place.js';
import { type Walk, walked } from '../walk.js';

const [RAPID, MULTIPLE, SHORTEST_PATH] = [2, 3, 4];
const PROTOCOLS: Names = { 0: '802.1d', [RAPID]: '802.1w', [MULTIPLE]: '802.1s', [SHORTEST_PATH]: '802.1aq' };
const [CONFIGURATION, RAPID_TYPE] = [0, 2];
const TYPES: Names = { [CONFIGURATION]: 'Config', [RAPID_TYPE]: 'Rapid STP', 128: 'Topology Change' };
const FLAGS: Flags = [
  [0x01, 'Topology change'],
  [0x02, 'Proposal'],
  [0x10, 'Learn'],
  [0x20, 'Forward'],
  [0x40, 'Agreement'],
  [0x80, 'Topology change ACK'],
];
const ROLES = ['Unknown', 'Alternate', 'Root', 'Designated'];
/** Offsets of fields. */
const [ROOT, ROOT_COST, BRIDGE, PORT, AGE, V1_LENGTH, V3_LENGTH] = [5, 13, 17, 25, 27, 35, 36];
const [NAME, REVISION, DIGEST, INTERNAL_COST, TREE_BRIDGE, HOPS, TREES] = [39, 71, 73, 89, 93, 101, 102];
/** Bytes of a message without and with the length of version 1. */
const [CONFIGURATION_SIZE, RAPID_SIZE] = [35, 36];
/** Bytes of the name and digest of a region, and of a tree. */
const [REGION, TREE] = [64, 16];
const SHORTEST_PATH_LEAST = 87;
const NAME_SIZE = 32;
const TICKS_OF_SECOND = 256;
const HUNDRED = 100;
const HALF = TICKS_OF_SECOND / 2;

const bridge_id = (walk: Walk, at: number): string => `${walk.hex(at, 2)}.${walk.mac(at + 2)}`;
const role = (flags: number): string | undefined => ROLES[(flags >>> 2) & 3];

/** Returns a time in seconds; one in the middle between two hundredths is the even one, as printf has it. */
function seconds_text(ticks: number): string {
  const parts = ticks * HUNDRED;
  const below = Math.floor(parts / TICKS_OF_SECOND);
  const rest = parts % TICKS_OF_SECOND;
  const is_above = rest > HALF || (rest === HALF && below % 2 === 1);
  return ((below + (is_above ? 1 : 0)) / HUNDRED).toFixed(2);
}

function times_text(walk: Walk): string {
  const [age, most, hello, delay] = [0, 2, 4, 6].map((offset) => seconds_text(walk.u16(AGE + offset)));
  return `\n\tmessage-age ${age}s, max-age ${most}s, hello-time ${hello}s, forwarding-delay ${delay}s`;
}

function say_configuration(walk: Walk, version: number, length: number): void {
  const flags = walk.u8(4);
  walk.say(`, Flags [${flag_names(FLAGS, flags)}]`);
  walk.say(`, bridge-id ${bridge_id(walk, BRIDGE)}.${walk.hex(PORT, 2)}, length ${length}`);
  if (walk.verbose === 0) return;
  walk.say(times_text(walk));
  walk.say(`\n\troot-id ${bridge_id(walk, ROOT)}, root-pathcost ${walk.u32(ROOT_COST)}`);
  if (version === RAPID) walk.say(`, port-role ${role(flags)}`);
}

function say_tree(walk: Walk, at: number): void {
  const flags = walk.u8(at);
  const id = walk.u16(at + 1) & 0xfff;
  walk.say(`\n\tMSTI ${id}, Flags [${flag_names(FLAGS, flags)}], port-role ${role(flags)}`);
  walk.say(`\n\t\tMSTI regional-root-id ${bridge_id(walk, at + 1)}, pathcost ${walk.u32(at + 9)}`);
  const [bridge, port] = [walk.u8(at + 13) >>> 4, walk.u8(at + 14) >>> 4];
  walk.say(`\n\t\tMSTI bridge-prio ${bridge}, port-prio ${port}, hops ${walk.u8(at + 15)}`);
}

function say_trees(walk: Walk, length: number): void {
  const flags = walk.u8(4);
  walk.say(`, CIST Flags [${flag_names(FLAGS, flags)}], length ${length}`);
  if (walk.verbose === 0) return;
  walk.say(`\n\tport-role ${role(flags)}, `);
  walk.say(`CIST root-id ${bridge_id(walk, ROOT)}, CIST ext-pathcost ${walk.u32(ROOT_COST)}`);
  walk.say(`\n\tCIST regional-root-id ${bridge_id(walk, BRIDGE)}, `);
  walk.say(`CIST port-id ${walk.hex(PORT, 2)},`);
  walk.say(times_text(walk));
  const size = walk.u16(V3_LENGTH);
  walk.say(`\n\tv3len ${size}, `);
  walk.say('MCID Name ');
  walk.say_string(NAME, NAME_SIZE);
  walk.say(`, rev ${walk.u16(REVISION)},\n\t\tdigest ${walk.hex(DIGEST, 16)}, `);
  walk.say(`CIST int-root-pathcost ${walk.u32(INTERNAL_COST)},`);
  walk.say(`\n\tCIST bridge-id ${bridge_id(walk, TREE_BRIDGE)}, `);
  walk.say(`CIST remaining-hops ${walk.u8(HOPS)}`);
  for (let at = 0; at + TREE <= size - REGION; at += TREE) say_tree(walk, TREES + at);
}

function say_shortest_path(walk: Walk, at: number): void {
  if (walk.verbose === 0) return;
  walk.say(`\n\tv4len ${walk.u16(at)}, `);
  walk.say('AUXMCID Name ');
  walk.say_string(at + 3, NAME_SIZE);
  walk.say(`, Rev ${walk.u16(at + 35)},\n\t\tdigest ${walk.hex(at + 37, 16)}`);
  const agreement = walk.u8(at + 53);
  const [format, convention] = [walk.u8(at + 55), walk.u8(at + 56)];
  const numbers = `Agreement num ${agreement >>> 6}, Discarded Agreement num ${(agreement >>> 4) & 3}`;
  const flags = `Agreement valid-flag ${(agreement >>> 3) & 1},\n\tRestricted role-flag: ${(agreement >>> 2) & 1}`;
  const formats = `Format id ${format >>> 4} cap ${format}, Convention id ${convention >>> 4} cap ${convention}`;
  const edges = `Edge count ${walk.u16(at + 57)}, Agreement digest ${walk.hex(at + 67, 20)}`;
  walk.say(`\n\t${numbers}, ${flags}, ${formats},\n\t${edges}`);
}

function say_rapid(walk: Walk, version: number, length: number): void {
  if (version === RAPID) {
    if (length < RAPID_SIZE) walk.invalid();
    say_configuration(walk, version, length);
  }
  if (version !== MULTIPLE && version !== SHORTEST_PATH) return;
  if (length < TREES || walk.u8(V1_LENGTH) !== 0) walk.invalid();
  const trees = walk.u16(V3_LENGTH) + 2;
  if (length < RAPID_SIZE + trees) walk.invalid();
  say_trees(walk, length);
  if (version !== SHORTEST_PATH) return;
  const size = walk.u16(V3_LENGTH + trees) + 2;
  if (length < RAPID_SIZE + trees + size || size < SHORTEST_PATH_LEAST) walk.invalid();
  say_shortest_path(walk, RAPID_SIZE + trees);
}

/** Returns the text of a message of bridges. */
export function stp_text(place: Place): string {
  const { length } = place;
  return walked(place, 'stp', (walk) => {
    if (length < 4) walk.invalid();
    if (walk.u16(0) !== 0) walk.stop(`unknown STP version, length ${length}`);
    const version = walk.u8(2);
    const protocol = PROTOCOLS[version];
    walk.say(`STP ${protocol ?? `Unknown STP protocol (${hex(version, 2)})`}`);
    if (protocol === undefined) return;
    const type = walk.u8(3);
    walk.say(`, ${TYPES[type] ?? `Unknown BPDU Type (${hex(type, 2)})`}`);
    if (type === RAPID_TYPE) say_rapid(walk, version, length);
    if (type !== CONFIGURATION) return;
    if (length < CONFIGURATION_SIZE) walk.invalid();
    say_configuration(walk, version, length);
  });
}
