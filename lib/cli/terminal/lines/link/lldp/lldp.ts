// A message of LLDP as tcpdump tells it: the name of the device; with -v all fields. Those of organizations are in organizations.ts,
// bridging.ts and datacenter.ts.
import { type Flags, flag_names, hex, type Names, ORGANIZATIONS } from '../../names.js';
import type { Place } from '../../place.js';
import { type Walk, walked } from '../../walk.js';
import { say_bridging } from './bridging.js';
import { say_datacenter } from './datacenter.js';
import { say_ethernet, say_internet, say_telephone } from './organizations.js';

const [END, CHASSIS, PORT, TIME_TO_LIVE, PORT_DESCRIPTION, SYSTEM_NAME] = [0, 1, 2, 3, 4, 5];
const [SYSTEM_DESCRIPTION, CAPABILITIES, MANAGEMENT, ORGANIZATION] = [6, 7, 8, 127];
const FIELDS: Names = {
  [END]: 'End',
  [CHASSIS]: 'Chassis ID',
  [PORT]: 'Port ID',
  [TIME_TO_LIVE]: 'Time to Live',
  [PORT_DESCRIPTION]: 'Port Description',
  [SYSTEM_NAME]: 'System Name',
  [SYSTEM_DESCRIPTION]: 'System Description',
  [CAPABILITIES]: 'System Capabilities',
  [MANAGEMENT]: 'Management Address',
  [ORGANIZATION]: 'Organization specific',
};
/** What identifies a chassis or a port: their names in the order of their numbers, and the numbers of two that have no text. */
const CHASSIS_IDS = {
  names: [
    '',
    'Chassis component',
    'Interface alias',
    'Port component',
    'MAC address',
    'Network address',
  ].concat('Interface name', 'Local'),
  mac: 4,
  network: 5,
};
const PORT_IDS = {
  names: ['', 'Interface alias', 'Port component', 'MAC address', 'Network Address', 'Interface Name'].concat(
    'Agent circuit ID',
    'Local',
  ),
  mac: 3,
  network: 4,
};
const ROLES: Flags = [
  [1, 'Other'],
  [2, 'Repeater'],
  [4, 'Bridge'],
  [8, 'WLAN AP'],
  [16, 'Router'],
  [32, 'Telephone'],
  [64, 'Docsis'],
  [128, 'Station Only'],
];
const FAMILIES: Names = {
  0: 'Reserved',
  1: 'IPv4',
  2: 'IPv6',
  3: 'NSAP',
  4: 'HDLC',
  5: 'BBN 1822',
  6: '802',
  7: 'E.163',
  8: 'E.164',
  9: 'F.69',
  10: 'X.121',
  11: 'Novell IPX',
  12: 'Appletalk',
  13: 'Decnet IV',
  14: 'Banyan Vines',
  15: 'E.164 with NSAP subaddress',
  25: 'Layer-2 VPN',
  196: 'VPLS',
};
const NUMBERINGS: Names = { 2: 'Interface Index', 3: 'System Port Number' };
const NUMBERING = 5;

/** Tells a field of an organization. @returns whether its bytes are to be shown */
const BY_ORGANIZATION: Readonly<Record<number, (walk: Walk, at: number, size: number) => boolean>> = {
  32962: say_bridging,
  4623: say_ethernet,
  94: say_internet,
  4795: say_telephone,
  6945: say_datacenter,
};

/** Returns an address behind its family; undefined if it is shorter than the family says. */
function address_text(walk: Walk, at: number, size: number): string | undefined {
  if (size < 1) return undefined;
  const family = walk.u8(at);
  const readers: Readonly<Record<number, readonly [number, () => string]>> = {
    1: [4, () => walk.ipv4(at + 1)],
    2: [16, () => walk.ipv6(at + 1)],
    6: [6, () => walk.mac(at + 1)],
  };
  const name = `AFI ${FAMILIES[family] ?? 'Unknown'} (${family})`;
  const [needed, read] = readers[family] ?? [0, undefined];
  if (read === undefined) return `${name}, no AF printer !`;
  return size - 1 < needed ? undefined : `${name}: ${read()}`;
}

/** Tells what identifies a chassis or a port. @returns whether its bytes are to be shown */
function say_id(walk: Walk, ids: typeof CHASSIS_IDS, at: number, size: number): boolean {
  if (size < 2) walk.cut();
  const kind = walk.u8(at);
  walk.say(`\n\t  Subtype ${ids.names[kind] || 'Unknown'} (${kind}): `);
  if (kind === ids.mac) {
    if (size < 7) walk.cut();
    walk.say(walk.mac(at + 1));
  } else if (kind === ids.network) walk.say(address_text(walk, at + 1, size - 1) ?? walk.cut());
  else if (ids.names[kind]) walk.say_string(at + 1, size - 1);
  else return true;
  return false;
}

function say_management(walk: Walk, start: number, size: number): void {
  const end = start + size;
  const length = walk.u8(start);
  if (size - 1 < length) walk.cut();
  const address = address_text(walk, start + 1, length) ?? walk.cut();
  walk.say(`\n\t  Management Address length ${length}, ${address}`);
  const at = start + 1 + length;
  if (end - at < NUMBERING) walk.cut();
  const kind = walk.u8(at);
  walk.say(`\n\t  ${NUMBERINGS[kind] ?? 'Unknown'} Interface Numbering (${kind}): ${walk.u32(at + 1)}`);
  const object = at + NUMBERING;
  if (object === end) return;
  const object_size = walk.u8(object);
  if (end - object < 1 + object_size) walk.cut();
  if (object_size === 0) return;
  walk.say(`\n\t  OID length ${object_size}`);
  walk.say_string(object + 1, object_size);
}

/** Tells a field, with -v. @returns whether its bytes are to be shown */
function say_field(walk: Walk, type: number, at: number, size: number): boolean {
  switch (type) {
    case CHASSIS:
      return say_id(walk, CHASSIS_IDS, at, size);
    case PORT:
      return say_id(walk, PORT_IDS, at, size);
    case TIME_TO_LIVE:
      if (size < 2) walk.cut();
      walk.say(`: TTL ${walk.u16(at)}s`);
      return false;
    case PORT_DESCRIPTION:
    case SYSTEM_NAME:
      walk.say(': ');
      walk.say_string(at, size);
      return false;
    case SYSTEM_DESCRIPTION:
      walk.say('\n\t  ');
      walk.say_string(at, size);
      return false;
    case CAPABILITIES: {
      if (size < 4) walk.cut();
      const [all, enabled] = [walk.u16(at), walk.u16(at + 2)];
      walk.say(`\n\t  System  Capabilities [${flag_names(ROLES, all)}] (${hex(all, 4)})`);
      walk.say(`\n\t  Enabled Capabilities [${flag_names(ROLES, enabled)}] (${hex(enabled, 4)})`);
      return false;
    }
    case MANAGEMENT:
      say_management(walk, at, size);
      return false;
    case ORGANIZATION: {
      if (size < 3) walk.cut();
      const oui = walk.u24(at);
      walk.say(`: OUI ${ORGANIZATIONS[oui] ?? 'Unknown'} (${hex(oui, 6)})`);
      return BY_ORGANIZATION[oui]?.(walk, at, size) ?? true;
    }
  }
  return true;
}

/** Returns the text of a message of LLDP. The length is that with the padding behind it. */
export function lldp_text(place: Place): string {
  const { length } = place;
  return walked(place, 'lldp', (walk) => {
    walk.say(`LLDP, length ${length}`);
    for (let at = 0; length - at >= 2; ) {
      if (!walk.has(at, 2)) walk.cut();
      const head = walk.u16(at);
      const [type, size] = [head >>> 9, head & 0x1ff];
      at += 2;
      if (walk.verbose > 0) walk.say(`\n\t${FIELDS[type] ?? 'Unknown'} TLV (${type}), length ${size}`);
      if (type === END || size === 0) return;
      if (!walk.has(at, size) || length - at < size) walk.cut();
      if (walk.verbose > 0) {
        const is_unknown = say_field(walk, type, at, size);
        if (walk.verbose > 1 || is_unknown) walk.say_unknown(at, size, '\n\t  ');
      } else if (type === SYSTEM_NAME) say_field(walk, type, at, size);
      at += size;
    }
  });
}
