// The fields of LLDP that IEEE 802.3, the IANA and TIA (telephones) define, as tcpdump tells them. Each function returns whether the
// bytes of the field are to be shown as well: it is not known.
import { type Flags, flag_names, hex, type Names } from '../../names.js';
import type { Walk } from '../../walk.js';
import { aggregation_text, STATES, say_subtype } from './fields.js';

const ETHERNET_FIELDS: Names = {
  1: 'MAC/PHY configuration/status',
  2: 'Power via MDI',
  3: 'Link aggregation',
  4: 'Max frame size',
};
const SPEEDS: Flags = [
  [0x4000, '10BASE-T hdx'],
  [0x2000, '10BASE-T fdx'],
  [0x1000, '100BASE-T4'],
  [0x0800, '100BASE-TX hdx'],
  [0x0400, '100BASE-TX fdx'],
  [0x0200, '100BASE-T2 hdx'],
  [0x0100, '100BASE-T2 fdx'],
  [0x0080, 'Pause for fdx links'],
  [0x0040, 'Asym PAUSE for fdx'],
  [0x0020, 'Sym PAUSE for fdx'],
  [0x0010, 'Asym and Sym PAUSE for fdx'],
  [0x0008, '1000BASE-{X LX SX CX} hdx'],
  [0x0004, '1000BASE-{X LX SX CX} fdx'],
  [0x0002, '1000BASE-T hdx'],
  [0x0001, '1000BASE-T fdx'],
];
/** The types of a medium attachment unit, RFC 4836, in the order of their numbers. */
const MEDIA = [
  ...[
    'Unknown',
    'AUI',
    '10BASE_5',
    'FOIRL',
    '10BASE2',
    '10BASET duplex mode unknown',
    '10BASEFP',
    '10BASEFB',
  ],
  ...['10BASEFL duplex mode unknown', '10BROAD36', '10BASET hdx', '10BASET fdx', '10BASEFL hdx'],
  ...['10BASEFL fdx', '100BASET4', '100BASETX hdx', '100BASETX fdx', '100BASEFX hdx', '100BASEFX fdx'],
  ...['100BASET2 hdx', '100BASET2 fdx', '1000BASEX hdx', '1000BASEX fdx', '1000BASELX hdx'],
  ...['1000BASELX fdx', '1000BASESX hdx', '1000BASESX fdx', '1000BASECX hdx', '1000BASECX fdx'],
  ...['1000BASET hdx', '1000BASET fdx', '10GBASEX', '10GBASELX4', '10GBASER', '10GBASEER', '10GBASELR'],
  ...['10GBASESR', '10GBASEW', '10GBASEEW', '10GBASELW', '10GBASESW'],
];
const POWER: Flags = [
  [1, 'PSE'],
  [2, 'supported'],
  [4, 'enabled'],
  [8, 'can be controlled'],
];
const PAIRS: Names = { 1: 'signal', 2: 'spare' };

function ethernet_text(walk: Walk, type: number, at: number, size: number): string | undefined {
  switch (type) {
    case 1: {
      if (size < 9) return '';
      const [auto, speeds, medium] = [walk.u8(at + 4), walk.u16(at + 5), walk.u16(at + 7)];
      const first = `\n\t    autonegotiation [${flag_names(STATES, auto)}] (${hex(auto, 2)})`;
      const names = flag_names(SPEEDS, speeds, ', ', 'unknown');
      const second = `\n\t    PMD autoneg capability [${names}] (${hex(speeds, 4)})`;
      return `${first}${second}\n\t    MAU type ${MEDIA[medium] ?? 'unknown'} (${hex(medium, 4)})`;
    }
    case 2: {
      if (size < 7) return '';
      const [support, pair, level] = [walk.u8(at + 4), walk.u8(at + 5), walk.u8(at + 6)];
      const name = level >= 1 && level <= 5 ? `class${level - 1}` : 'unknown';
      return `\n\t    MDI power support [${flag_names(POWER, support)}], power pair ${PAIRS[pair] ?? 'unknown'}, power class ${name}`;
    }
    case 3:
      return size < 9 ? '' : aggregation_text(walk, at);
    case 4:
      return size < 6 ? '' : `\n\t    MTU size ${walk.u16(at + 4)}`;
  }
  return undefined;
}

export function say_ethernet(walk: Walk, at: number, size: number): boolean {
  const type = say_subtype(walk, ETHERNET_FIELDS, at, size);
  if (type === undefined) return false;
  const text = ethernet_text(walk, type, at, size);
  walk.say(text ?? '');
  return text === undefined;
}

export function say_internet(walk: Walk, at: number, size: number): boolean {
  if (size < 8) return false;
  const type = say_subtype(walk, { 1: 'MUD-URL' }, at, size);
  if (type !== 1) return true;
  walk.say('\n\t  MUD-URL=');
  walk.say_bytes(at + 4, size - 4);
  return false;
}

const TELEPHONE_FIELDS: Names = {
  1: 'LLDP-MED Capabilities',
  2: 'Network policy',
  3: 'Location identification',
  4: 'Extended power-via-MDI',
  5: 'Inventory - hardware revision',
  6: 'Inventory - firmware revision',
  7: 'Inventory - software revision',
  8: 'Inventory - serial number',
  9: 'Inventory - manufacturer name',
  10: 'Inventory - model name',
  11: 'Inventory - asset ID',
};
const INVENTORY: Names = {
  5: 'Hardware revision',
  6: 'Firmware revision',
  7: 'Software revision',
  8: 'Serial number',
  9: 'Manufacturer name',
  10: 'Model name',
  11: 'Asset ID',
};
const MEDIA_CAPABILITIES: Flags = [
  [1, 'LLDP-MED capabilities'],
  [2, 'network policy'],
  [4, 'location identification'],
  [8, 'extended power via MDI-PSE'],
  [16, 'extended power via MDI-PD'],
  [32, 'Inventory'],
];
const DEVICES: Names = {
  1: 'endpoint class 1',
  2: 'endpoint class 2',
  3: 'endpoint class 3',
  4: 'network connectivity',
};
const APPLICATIONS: Names = {
  1: 'voice',
  2: 'voice signaling',
  3: 'guest voice',
  4: 'guest voice signaling',
  5: 'softphone voice',
  6: 'video conferencing',
  7: 'streaming video',
  8: 'video signaling',
};
const POLICY: Flags = [
  [128, 'Unknown'],
  [64, 'Tagged'],
  [32, 'reserved'],
];
const SOURCES: Names = {
  1: 'PSE - primary power source',
  2: 'local - backup power source',
  3: 'PSE+local - reserved',
};
const PRIORITIES: Names = { 1: 'critical', 2: 'high', 3: 'low' };
const LARGEST_POWER = 1024;
const [COORDINATES, CIVIC, EMERGENCY] = [1, 2, 3];
const LOCATIONS: Names = {
  [COORDINATES]: 'coordinate-based LCI',
  [CIVIC]: 'civic address LCI',
  [EMERGENCY]: 'ECS ELIN',
};
const ALTITUDES: Names = { 1: 'meters', 2: 'floors' };
const DATUMS: Names = {
  1: 'World Geodesic System 1984',
  2: 'North American Datum 1983 (NAVD88)',
  3: 'North American Datum 1983 (MLLW)',
};
const PLACES = [
  'location of DHCP server',
  'location of the network element believed to be closest to the client',
  'location of the client',
];
const CIVIC_PARTS: Names = {
  1: 'national subdivisions (state,canton,region,province,prefecture)',
  2: 'county, parish, gun, district',
  3: 'city, township, shi',
  4: 'city division, borough, city district, ward chou',
  5: 'neighborhood, block',
  6: 'street',
};

function say_coordinates(walk: Walk, at: number): void {
  for (const [name, from] of [
    ['Latitude', at + 5],
    ['Longitude', at + 10],
  ] as const) {
    const value = (BigInt(walk.u8(from) & 3) << 32n) | BigInt(walk.u32(from + 1));
    walk.say(`\n\t    ${name} resolution ${walk.u8(from) >>> 2}, ${name.toLowerCase()} value ${value}`);
  }
  const kind = walk.u8(at + 15) >>> 4;
  walk.say(`\n\t    Altitude type ${ALTITUDES[kind] ?? 'unknown'} (${kind})`);
  const resolution = (walk.u16(at + 15) >>> 6) & 0x3f;
  walk.say(
    `\n\t    Altitude resolution ${resolution}, altitude value ${hex(walk.u32(at + 16) & 0x3fffffff)}`,
  );
  const datum = walk.u8(at + 20);
  walk.say(`\n\t    Datum ${DATUMS[datum] ?? 'unknown'} (${hex(datum, 2)})`);
}

function say_civic(walk: Walk, at: number, size: number): void {
  if (size < 6) return;
  const length = walk.u8(at + 5);
  if (length < 3 || size < 7 + length) return;
  const what = walk.u8(at + 6);
  walk.say(
    `\n\t    LCI length ${length}, LCI what ${PLACES[what] ?? 'unknown'} (${hex(what, 2)}), Country-code `,
  );
  walk.say_string(at + 7, 2);
  const end = at + 6 + length;
  for (let part = at + 9; end - part >= 2; ) {
    const [type, part_size] = [walk.u8(part), walk.u8(part + 1)];
    part += 2;
    walk.say(`\n\t      CA type '${CIVIC_PARTS[type] ?? 'unknown'}' (${type}), length ${part_size}: `);
    if (type === 0 || part_size === 0 || end - part < part_size) return;
    walk.say_string(part, part_size);
    part += part_size;
  }
}

function say_location(walk: Walk, at: number, size: number): void {
  if (size < 5) return;
  const format = walk.u8(at + 4);
  walk.say(`\n\t    Location data format ${LOCATIONS[format] ?? 'unknown'} (${hex(format, 2)})`);
  if (format === COORDINATES) {
    if (size >= 21) say_coordinates(walk, at);
  } else if (format === CIVIC) say_civic(walk, at, size);
  else if (format === EMERGENCY) {
    walk.say('\n\t    ECS ELIN id ');
    walk.say_string(at + 5, size - 5);
  } else {
    walk.say('\n\t    Location ID ');
    walk.say_unknown(at + 5, size - 5, '\n\t      ');
  }
}

function say_policy(walk: Walk, at: number): void {
  const [application, flags] = [walk.u8(at + 4), walk.u8(at + 5)];
  walk.say(`\n\t    Application type [${APPLICATIONS[application] ?? 'none'}] (${hex(application, 2)})`);
  walk.say(`, Flags [${flag_names(POLICY, flags)}]`);
  const low = walk.u16(at + 6);
  walk.say(`\n\t    Vlan id ${(walk.u16(at + 5) & 0x1ffe) >>> 1}`);
  walk.say(`, L2 priority ${(low & 0x1ff) >>> 6}, DSCP value ${low & 0x3f}`);
}

function say_power(walk: Walk, at: number): void {
  const bits = walk.u8(at + 4);
  walk.say(`\n\t    Power type [${bits & 3 ? 'PD device' : 'PSE device'}]`);
  walk.say(`, Power source [${SOURCES[(bits & 0x30) >>> 4] ?? 'none'}]`);
  walk.say(`\n\t    Power priority [${PRIORITIES[bits & 0xf] ?? 'none'}] (${hex(bits & 0xf, 2)})`);
  const value = walk.u16(at + 5);
  walk.say(
    value < LARGEST_POWER ? `, Power ${(value / 10).toFixed(1)} Watts` : `, Power ${value} (Reserved)`,
  );
}

export function say_telephone(walk: Walk, at: number, size: number): boolean {
  const type = say_subtype(walk, TELEPHONE_FIELDS, at, size);
  if (type === undefined) return false;
  if (type === 1 && size >= 7) {
    const [all, device] = [walk.u16(at + 4), walk.u8(at + 6)];
    walk.say(`\n\t    Media capabilities [${flag_names(MEDIA_CAPABILITIES, all)}] (${hex(all, 4)})`);
    walk.say(`\n\t    Device type [${DEVICES[device] ?? 'unknown'}] (${hex(device, 2)})`);
  } else if (type === 2 && size >= 8) say_policy(walk, at);
  else if (type === 3) say_location(walk, at, size);
  else if (type === 4 && size >= 7) say_power(walk, at);
  else if (INVENTORY[type] !== undefined) {
    walk.say(`\n\t  ${INVENTORY[type]} `);
    walk.say_string(at + 4, size - 4);
  }
  return TELEPHONE_FIELDS[type] === undefined;
}
