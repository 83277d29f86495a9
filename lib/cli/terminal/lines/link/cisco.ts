// Cisco's protocols of the link as tcpdump tells them: CDP (who is there), DTP (trunks), UDLD (links that carry one direction only).
import { type Flags, flag_names, hex, type Names } from '../names.js';
import type { Place } from '../place.js';
import { INVALID, type Walk, walked } from '../walk.js';

/** Tells the mark of a message that contradicts itself; the mark of its protocol follows if the bytes from `at` on are not there. */
function say_invalid(walk: Walk, at: number, size: number): never {
  walk.say(INVALID);
  walk.need(at, size);
  return walk.stop('');
}

type Teller = (walk: Walk, at: number, size: number) => void;

const quoted: Teller = (walk, at, size) => {
  walk.say("'");
  walk.say_bytes(at, size);
  walk.say("'");
};
const byte: Teller = (walk, at) => walk.say(hex(walk.u8(at), 2));
/** Nothing is told of the data. */
const silent: Teller = (walk, at, size) => walk.need(at, size);

const CAPABILITIES: Flags = [
  [0x01, 'Router'],
  [0x02, 'Transparent Bridge'],
  [0x04, 'Source Route Bridge'],
  [0x08, 'L2 Switch'],
  [0x10, 'L3 capable'],
  [0x20, 'IGMP snooping'],
  [0x40, 'L1 capable'],
];
const capabilities: Teller = (walk, at) =>
  walk.say(`(${hex(walk.u32(at), 8)}): ${flag_names(CAPABILITIES, walk.u32(at))}`);

/** The version of the system, in lines of its own. */
const version: Teller = (walk, at, size) => {
  walk.say('\n\t  ');
  for (let i = at; i < at + size; i++) {
    if (walk.u8(i) === 0x0a) walk.say('\n\t  ');
    else walk.say_bytes(i, 1);
  }
};
const power: Teller = (walk, at, size) =>
  walk.say(`${(Number.parseInt(walk.hex(at, size), 16) / 1000).toFixed(2)}W`);
const telephone: Teller = (walk, at, size) =>
  walk.say(size === 2 ? `unknown ${hex(walk.u16(at), 4)}` : `app ${walk.u8(at)}, vlan ${walk.u16(at + 1)}`);
const location: Teller = (walk, at, size) => {
  byte(walk, at, 1);
  if (size === 1) return;
  walk.say('/');
  walk.say_bytes(at + 1, size - 1);
};
const prefixes: Teller = (walk, at, size) => {
  if (size % 5 !== 0) {
    walk.say(` [length ${size} is not a multiple of 5]`);
    walk.need(at, size);
    return;
  }
  walk.say(` IPv4 Prefixes (${size / 5}):`);
  for (let i = at; i < at + size; i += 5) {
    walk.need(i, 5);
    walk.say(` ${walk.bytes.subarray(i, i + 4).join('.')}/${walk.u8(i + 4)}`);
  }
};

const [NETWORK_LAYER, LLC] = [1, 2];
const IPV4 = 0xcc;
const IPV6 = 'aaaa0300000086dd';
const spaced = (text: string): string => text.replace(/../g, ' $&');

/** Tells an address. @returns the offset behind it; undefined if it goes beyond `end` */
function say_address(walk: Walk, start: number, end: number, number: number): number | undefined {
  if (end - start < 2) {
    walk.say(' (not enough space for PT+PL)');
    return undefined;
  }
  const [kind, size] = [walk.u8(start), walk.u8(start + 1)];
  const protocol = start + 2;
  if (end - protocol < size + 2) {
    walk.say(' (not enough space for P+AL)');
    return undefined;
  }
  const length = walk.u16(protocol + size);
  const at = protocol + size + 2;
  const is_ipv4 = kind === NETWORK_LAYER && size === 1 && walk.u8(protocol) === IPV4 && length === 4;
  const is_ipv6 = kind === LLC && size === 8 && walk.hex(protocol, 8) === IPV6 && length === 16;
  if (!is_ipv4 && !is_ipv6)
    walk.say(`pt=${hex(kind, 2)}, pl=${size}, pb=${spaced(walk.hex(protocol, size))}, al=${length}, a=`);
  if (end - at < length) {
    walk.say(' (not enough space for A)');
    return undefined;
  }
  if (is_ipv4) walk.say(`IPv4 (${number}) ${walk.ipv4(at)}`);
  else if (is_ipv6) walk.say(`IPv6 (${number}) ${walk.ipv6(at)}`);
  else walk.say(spaced(walk.hex(at, length)));
  return at + length;
}

const addresses: Teller = (walk, start, size) => {
  const end = start + size;
  if (size < 4) {
    walk.say(' (not enough space for num)');
    walk.need(start, size);
    return;
  }
  let at = start + 4;
  for (let left = walk.u32(start); left > 0; left--) {
    const next = say_address(walk, at, end, left);
    if (next === undefined) {
      walk.need(at, end - at);
      return;
    }
    at = next;
    if (left > 1) walk.say(' ');
  }
  if (at < end) walk.say(` (${end - at} bytes of stray data)`);
};

const DEVICE = 1;
/** The fields of CDP: their names, and the bytes that they have at least and at most. */
const FIELDS: Readonly<Record<number, readonly [name: string, tell: Teller, least: number, most: number]>> = {
  [DEVICE]: ['Device-ID', quoted, 0, 65535],
  2: ['Address', addresses, 0, 65535],
  3: ['Port-ID', quoted, 0, 65535],
  4: ['Capability', capabilities, 4, 4],
  5: ['Version String', version, 0, 65535],
  6: ['Platform', quoted, 0, 65535],
  7: ['Prefixes', prefixes, 0, 65535],
  8: ['Protocol-Hello option', silent, 0, 65535],
  9: ['VTP Management Domain', quoted, 0, 65535],
  10: ['Native VLAN ID', (walk, at) => walk.say(`${walk.u16(at)}`), 2, 2],
  11: ['Duplex', (walk, at) => walk.say(walk.u8(at) === 0 ? 'half' : 'full'), 1, 1],
  14: ['ATA-186 VoIP VLAN assignment', telephone, 3, 3],
  15: ['ATA-186 VoIP VLAN request', telephone, 2, 3],
  16: ['power consumption', power, 1, 3],
  17: ['MTU', (walk, at) => walk.say(`${walk.u32(at)} bytes`), 4, 4],
  18: ['AVVID trust bitmap', byte, 1, 1],
  19: ['AVVID untrusted ports CoS', byte, 1, 1],
  20: ['System Name', quoted, 0, 65535],
  21: ['System Object ID (not decoded)', silent, 0, 65535],
  22: ['Management Addresses', addresses, 4, 65535],
  23: ['Physical Location', location, 1, 65535],
};
/** Types up to this one have a row in tcpdump, also those that it does not know: of these, nothing is told. */
const LAST_FIELD = 23;

const bytes_text = (count: number): string => `${count} byte${count === 1 ? '' : 's'}`;

function say_field(walk: Walk, type: number, at: number, size: number): void {
  const [name = 'unknown field type', tell, least = 0, most = 65535] = FIELDS[type] ?? [];
  const is_told = walk.verbose > 0 || type === DEVICE;
  if (walk.verbose > 0) walk.say(`\n\t${name} (${hex(type, 2)}), value length: ${bytes_text(size)}: `);
  else if (type === DEVICE) walk.say(', Device-ID ');
  const fits = size >= least && size <= most;
  if (!fits) walk.say(' (malformed TLV)');
  if (fits && is_told && type <= LAST_FIELD) (tell ?? silent)(walk, at, size);
  else {
    walk.need(at, size);
    walk.say_unknown(at, size, '\n\t  ');
  }
}

/** Returns the text of a message of the Cisco Discovery Protocol. */
export function cdp_text(place: Place): string {
  const { length } = place;
  return walked(place, 'cdp', (walk) => {
    if (length < 4) {
      walk.say(` (packet length ${length} < 4)`);
      say_invalid(walk, 0, length);
    }
    walk.say(`CDPv${walk.u8(0)}, ttl: ${walk.u8(1)}s`);
    const sum = walk.u16(2);
    if (walk.verbose > 0) walk.say(`, checksum: ${hex(sum, 4)} (unverified), length ${length}`);
    for (let at = 4; at < length; ) {
      const left = length - at;
      if (left < 4) {
        walk.say(` (remaining packet length ${left} < 4)`);
        say_invalid(walk, at, left);
      }
      const [type, size] = [walk.u16(at), walk.u16(at + 2)];
      if (size < 4) {
        const name = FIELDS[type]?.[0] ?? 'unknown field type';
        walk.say(
          walk.verbose > 0
            ? `\n\t${name} (${hex(type, 2)}), TLV length: ${bytes_text(size)} (too short)`
            : `, ${name} TLV length ${size} too short`,
        );
        say_invalid(walk, at, left);
      }
      if (size > left) {
        walk.say(` (TLV length ${size} > ${left})`);
        say_invalid(walk, at, left);
      }
      say_field(walk, type, at + 4, size - 4);
      at += size;
    }
    if (walk.verbose === 0) walk.say(`, length ${length}`);
  });
}

const [TRUNK_DOMAIN, TRUNK_STATUS, TRUNK_TYPE, TRUNK_NEIGHBOR] = [1, 2, 3, 4];
const TRUNK_FIELDS: Names = {
  [TRUNK_DOMAIN]: 'Domain',
  [TRUNK_STATUS]: 'Status',
  [TRUNK_TYPE]: 'DTP type',
  [TRUNK_NEIGHBOR]: 'Neighbor',
};

/** Tells a field of DTP. @returns whether it has the size of its type */
function say_trunk_field(walk: Walk, type: number, at: number, size: number): boolean {
  switch (type) {
    case TRUNK_DOMAIN:
      walk.say(', ');
      walk.say_string(at + 4, size - 4);
      return true;
    case TRUNK_STATUS:
    case TRUNK_TYPE:
      if (size === 5) walk.say(`, ${hex(walk.u8(at + 4))}`);
      return size === 5;
    case TRUNK_NEIGHBOR:
      if (size === 10) walk.say(`, ${walk.mac(at + 4)}`);
      return size === 10;
  }
  walk.need(at, size);
  return true;
}

/** Returns the text of a message of the Dynamic Trunking Protocol. */
export function dtp_text(place: Place): string {
  const { length } = place;
  return walked(place, 'dtp', (walk) => {
    if (length < 1) walk.stop(`[zero packet length]${INVALID}`);
    walk.say(`DTPv${walk.u8(0)}, length ${length}`);
    if (walk.verbose === 0) return;
    for (let at = 1; at < length; ) {
      const left = length - at;
      if (left < 4) {
        walk.say(`[${left} bytes remaining]`);
        say_invalid(walk, at, left);
      }
      const [type, size] = [walk.u16(at), walk.u16(at + 2)];
      if (type === 0) return;
      walk.say(`\n\t${TRUNK_FIELDS[type] ?? 'Unknown'} (${hex(type, 4)}) TLV, length ${size}`);
      if (size < 4 || size > left) {
        walk.say(`[invalid TLV length ${size}]`);
        say_invalid(walk, at, left);
      }
      if (!say_trunk_field(walk, type, at, size)) say_invalid(walk, at, left);
      at += size;
    }
  });
}

const LINK_CODES: Names = { 0: 'Reserved', 1: 'Probe message', 2: 'Echo message', 3: 'Flush message' };
const LINK_FLAGS: Flags = [
  [1, 'RT'],
  [2, 'RSY'],
  ...[2, 3, 4, 5, 6, 7].map((bit) => [1 << bit, `MBZ-${bit}`] as const),
];
const LINK_FIELDS: Names = {
  1: 'Device-ID TLV',
  2: 'Port-ID TLV',
  3: 'Echo TLV',
  4: 'Message Interval TLV',
  5: 'Timeout Interval TLV',
  6: 'Device Name TLV',
  7: 'Sequence Number TLV',
};

/** Tells a field of UDLD. @returns whether it has the size of its type */
function say_link_field(walk: Walk, type: number, at: number, size: number): boolean {
  switch (type) {
    case 1:
    case 2:
    case 6:
      walk.say(', ');
      walk.say_string(at, size);
      return true;
    case 3:
      walk.say(', ');
      walk.say_bytes(at, size);
      return true;
    case 4:
    case 5:
      if (size === 1) walk.say(`, ${walk.u8(at)}s`);
      return size === 1;
    case 7:
      if (size === 4) walk.say(`, ${walk.u32(at)}`);
      return size === 4;
  }
  walk.need(at, size);
  return true;
}

/** Returns the text of a message of Unidirectional Link Detection. */
export function udld_text(place: Place): string {
  const { length } = place;
  return walked(place, 'udld', (walk) => {
    if (length < 4) say_invalid(walk, 0, length);
    const [first, flags] = [walk.u8(0), walk.u8(1)];
    const code = first & 0x1f;
    walk.say(`UDLDv${first >>> 5}, Code ${LINK_CODES[code] ?? 'Reserved'} (${code.toString(16)}), `);
    walk.say(`Flags [${flag_names(LINK_FLAGS, flags)}] (${hex(flags, 2)}), length ${length}`);
    if (walk.verbose === 0) {
      walk.need(2, length - 2);
      return;
    }
    walk.say(`\n\tChecksum ${hex(walk.u16(2), 4)} (unverified)`);
    for (let at = 4; at < length; ) {
      if (length - at < 4) say_invalid(walk, at, length - at);
      const type = walk.u16(at);
      const size = walk.u16(at + 2);
      at += 4;
      walk.say(`\n\t${LINK_FIELDS[type] ?? 'Unknown'} (${hex(type, 4)}) TLV, length ${size}`);
      if (size <= 4 || size - 4 > length - at) say_invalid(walk, at, length - at);
      if (!say_link_field(walk, type, at, size - 4)) say_invalid(walk, at, length - at);
      at += size - 4;
    }
  });
}
