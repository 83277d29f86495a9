// A message of DHCPv6 as tcpdump tells it: its type, with -v the options, too.
import type { Names } from '../names.js';
import type { Place } from '../place.js';
import { type Walk, walked } from '../walk.js';
import { say_name } from './dns_names.js';

const TYPES: readonly string[] = [
  ...['', 'solicit', 'advertise', 'request', 'confirm', 'renew', 'rebind', 'reply', 'release', 'decline'],
  ...['reconfigure', 'inf-req', 'relay-fwd', 'relay-reply', 'leasequery', 'leasequery-reply'],
];
const [RENEW, INFORMATION_REQUEST, RELAY_FORWARD, RELAY_REPLY] = [5, 11, 12, 13];
const STATES: readonly string[] = [
  ...['Success', 'UnspecFail', 'NoAddrsAvail', 'NoBinding', 'NotOnLink', 'UseMulticast', 'NoPrefixAvail'],
  ...['UnknownQueryType', 'MalformedQuery', 'NotConfigured', 'NotAllowed'],
];
/** Bytes of an identifier that are told. */
const IDENTIFIER_SHOWN = 10;

/** Tells the data of an option, with the parenthesis that ends it. @returns whether they are well-formed; if not, what follows is not told */
type Teller = (walk: Walk, at: number, size: number) => boolean;

/** The data have another size than they may: told with a question mark. */
function say_odd(walk: Walk): boolean {
  walk.say(' ?)');
  return true;
}

function end_option(walk: Walk, text = ''): boolean {
  walk.say(`${text})`);
  return true;
}

/** Returns the teller of data of one size, or of at least `least` bytes. */
const sized =
  (fits: (size: number) => boolean, text: (walk: Walk, at: number, size: number) => string): Teller =>
  (walk, at, size) =>
    fits(size) ? end_option(walk, text(walk, at, size)) : say_odd(walk);
const exactly = (bytes: number) => (size: number) => size === bytes;
const at_least = (bytes: number) => (size: number) => size >= bytes;

/** Returns the teller of fields with options behind them. */
const with_options =
  (bytes: number, text: (walk: Walk, at: number) => string): Teller =>
  (walk, at, size) => {
    if (size < bytes) return say_odd(walk);
    walk.say(text(walk, at));
    say_options(walk, at + bytes, at + size);
    return end_option(walk);
  };

const empty: Teller = (walk) => end_option(walk);
const addresses: Teller = (walk, at, size) => {
  if (size % 16 !== 0) return say_odd(walk);
  for (let i = 0; i < size; i += 16) walk.say(` ${walk.ipv6(at + i)}`);
  return end_option(walk);
};
const requested: Teller = (walk, at, size) => {
  if (size % 2 !== 0) return say_odd(walk);
  for (let i = 0; i < size; i += 2) walk.say(` ${option_name(walk.u16(at + i))}`);
  return end_option(walk);
};
const domains: Teller = (walk, at, size) => {
  const end = at + size;
  for (let next: number | undefined = at; next < end; ) {
    walk.say(' ');
    next = say_name(walk, next, end);
    if (next === undefined) return false;
  }
  return end_option(walk);
};
const zone = sized(at_least(5), (walk, at, size) => {
  walk.say(' ');
  walk.say_string(at, size);
  return '';
});
const seconds = sized(exactly(4), (walk, at) => ` ${walk.u32(at)}`);
const shown = (walk: Walk, at: number, size: number) => {
  const bytes = walk.hex(at, Math.max(0, Math.min(size, IDENTIFIER_SHOWN)));
  return ` ${bytes}...`;
};
const identifier: Teller = (walk, at, size) => end_option(walk, shown(walk, at, size));

/** The unique identifier of a client or server. */
const duid: Teller = (walk, at, size) => {
  if (size < 2) return say_odd(walk);
  const kind = walk.u16(at);
  switch (kind) {
    case 1:
      if (size < 8) return say_odd(walk);
      walk.say(` hwaddr/time type ${walk.u16(at + 2)} time ${walk.u32(at + 4)} `);
      return end_option(walk, walk.hex(at + 8, size - 8));
    case 2:
      return size < 10 ? say_odd(walk) : end_option(walk, ` vid ${walk.hex(at + 2, 8)}`);
    case 3:
      if (size < 4) return say_odd(walk);
      return end_option(walk, ` hwaddr type ${walk.u16(at + 2)} ${walk.hex(at + 4, size - 4)}`);
  }
  return end_option(walk, ` type ${kind}`);
};

const words = (walk: Walk, at: number, count: number): string =>
  Array.from({ length: count }, (_, i) => ` ${walk.hex(at + 4 * i, 4)}`).join('');

const AUTHENTICATION_FIXED = 11;
const [DELAYED, RECONFIGURE_KEY] = [2, 3];
const PROTOCOLS: Names = { [DELAYED]: 'delayed', [RECONFIGURE_KEY]: 'reconfigure' };
const KEY_TYPES: Names = { 1: ' reconfig-key', 2: ' type: HMAC-MD5' };

const authentication: Teller = (walk, at, size) => {
  if (size < AUTHENTICATION_FIXED) return say_odd(walk);
  const [protocol, algorithm, method] = [walk.u8(at), walk.u8(at + 1), walk.u8(at + 2)];
  walk.say(` proto: ${PROTOCOLS[protocol] ?? protocol}, alg: ${algorithm === 1 ? 'HMAC-MD5' : algorithm}`);
  walk.say(`, RDM: ${method === 0 ? 'mono' : method}, RD:`);
  walk.say(walk.hex(at + 3, 8).replace(/.{4}/g, ' $&'));
  const rest = at + AUTHENTICATION_FIXED;
  const left = size - AUTHENTICATION_FIXED;
  if (protocol === DELAYED && left === 0) return end_option(walk);
  if (protocol === DELAYED && left >= 20) {
    const realm = left - 20;
    if (realm > 0) walk.say(`, realm: ${walk.hex(rest, realm)}`);
    walk.say(`, key ID: ${walk.hex(rest + realm, 4)}, HMAC-MD5:`);
    return end_option(walk, words(walk, rest + realm + 4, 4));
  }
  if (protocol !== RECONFIGURE_KEY || left !== 17) return end_option(walk, ' ??');
  return end_option(walk, `${KEY_TYPES[walk.u8(rest)] ?? ' type: ??'} value:${words(walk, rest + 1, 4)}`);
};

const relayed: Teller = (walk, at, size) => {
  walk.say(' (');
  walk.within(Math.min(at + size, walk.end), () => say_message(walk, at, size));
  return end_option(walk);
};

const time_servers: Teller = (walk, start, size) => {
  if (size < 4) return say_odd(walk);
  const end = start + size;
  for (let at = start; at < end - 4; ) {
    const [kind, length] = [walk.u16(at), walk.u16(at + 2)];
    at += 4;
    if (at + length > end) return false;
    walk.say(` subopt:${kind}`);
    if (kind === 3) {
      walk.say(' ');
      if (say_name(walk, at, at + length) === undefined) return false;
    } else walk.say((kind === 1 || kind === 2) && length === 16 ? ` ${walk.ipv6(at)}` : ' ?');
    at += length;
  }
  return end_option(walk);
};

/** A name without pointers, RFC 6334. */
const router_name: Teller = (walk, start, size) => {
  if (size < 3) return say_odd(walk);
  let left = size;
  let at = start;
  walk.say(' ');
  while (left > 0 && walk.u8(at) !== 0) {
    const length = walk.u8(at++);
    if (length >= left - 1) {
      walk.say(' ?');
      break;
    }
    walk.say_string(at, length);
    at += length;
    left -= length + 1;
    if (walk.u8(at) !== 0) walk.say('.');
  }
  return end_option(walk);
};

const QUERIES: Names = { 1: 'by-address', 2: 'by-clientID' };
const MESSAGES_ASKED_FOR: Names = { [RENEW]: 'renew', [INFORMATION_REQUEST]: 'inf-req' };

const association = with_options(
  12,
  (walk, at) => ` IAID:${walk.u32(at)} T1:${walk.u32(at + 4)} T2:${walk.u32(at + 8)}`,
);
const lifetimes = (walk: Walk, at: number) => ` pltime:${walk.u32(at)} vltime:${walk.u32(at + 4)}`;

/** The options in tcpdump's words. */
const OPTIONS: Readonly<Record<number, readonly [name: string, tell: Teller]>> = {
  1: ['client-ID', duid],
  2: ['server-ID', duid],
  3: ['IA_NA', association],
  4: ['IA_TA', with_options(4, (walk, at) => ` IAID:${walk.u32(at)}`)],
  5: ['IA_ADDR', with_options(24, (walk, at) => ` ${walk.ipv6(at)}${lifetimes(walk, at + 16)}`)],
  6: ['option-request', requested],
  7: ['preference', sized(exactly(1), (walk, at) => ` ${walk.u8(at)}`)],
  8: ['elapsed-time', sized(exactly(2), (walk, at) => ` ${walk.u16(at)}`)],
  9: ['relay-message', relayed],
  11: ['authentication', authentication],
  12: ['server-unicast', empty],
  13: ['status-code', sized(at_least(2), (walk, at) => ` ${state_name(walk.u16(at))}`)],
  14: ['rapid-commit', empty],
  15: ['user-class', empty],
  16: ['vendor-class', empty],
  17: ['vendor-specific-info', empty],
  18: ['interface-ID', identifier],
  19: [
    'reconfigure-message',
    sized(exactly(1), (walk, at) => {
      const type = walk.u8(at);
      return ` for ${MESSAGES_ASKED_FOR[type] ?? `???(${type.toString(16).padStart(2, '0')})`}`;
    }),
  ],
  20: ['reconfigure-accept', empty],
  21: ['SIP-servers-domain', domains],
  22: ['SIP-servers-address', addresses],
  23: ['DNS-server', addresses],
  24: ['DNS-search-list', domains],
  25: ['IA_PD', association],
  26: [
    'IA_PD-prefix',
    with_options(25, (walk, at) => ` ${walk.ipv6(at + 9)}/${walk.u8(at + 8)}${lifetimes(walk, at)}`),
  ],
  27: ['NIS-server', addresses],
  28: ['NIS+-server', addresses],
  29: ['NIS-domain-name', empty],
  30: ['NIS+-domain-name', empty],
  31: ['SNTP-servers', addresses],
  32: ['lifetime', seconds],
  33: ['BCMCS-domain-name', empty],
  34: ['BCMCS-server', addresses],
  36: ['Geoconf-Civic', empty],
  37: [
    'Remote-ID',
    sized(at_least(4), (walk, at, size) => ` ${walk.u32(at)}${shown(walk, at + 4, size - 4)}`),
  ],
  38: ['Subscriber-ID', identifier],
  39: ['Client-FQDN', empty],
  40: ['PANA-agent', addresses],
  41: ['POSIX-timezone', zone],
  42: ['POSIX-tz-database', zone],
  43: ['Echo-request-option', requested],
  44: [
    'Lease-query',
    with_options(17, (walk, at) => {
      const kind = walk.u8(at);
      return ` ${QUERIES[kind] ?? `type_${kind}`} ${walk.ipv6(at + 1)}`;
    }),
  ],
  45: ['LQ-client-data', with_options(0, () => '')],
  46: ['Clt-time', seconds],
  47: [
    'LQ-relay-data',
    sized(at_least(16), (walk, at, size) => ` ${walk.ipv6(at)}${shown(walk, at + 16, size - 16)}`),
  ],
  48: ['LQ-client-link', addresses],
  56: ['NTP-server', time_servers],
  64: ['AFTR-Name', router_name],
  112: ['MUD-URL', zone],
};

const option_name = (option: number): string => OPTIONS[option]?.[0] ?? `opt_${option}`;
const state_name = (state: number): string =>
  state > 255 ? 'INVALID code' : (STATES[state] ?? `code${state}`);

/** Tells options, also those within an option. */
function say_options(walk: Walk, start: number, end: number): void {
  for (let at = start; at < end; ) {
    const is_whole = say_option(walk, at, end);
    if (!is_whole) {
      walk.say_cut();
      return;
    }
    at += 4 + walk.u16(at + 2);
  }
}

/** @returns false if the option breaks off */
function say_option(walk: Walk, at: number, end: number): boolean {
  if (end < at + 4 || !walk.has(at, 4)) return false;
  const [option, size] = [walk.u16(at), walk.u16(at + 2)];
  if (end < at + 4 + size) return false;
  walk.say(` (${option_name(option)}`);
  const tell = OPTIONS[option]?.[1] ?? empty;
  return walk.has(at + 4, size) && tell(walk, at + 4, size);
}

function say_message(walk: Walk, at: number, length: number): void {
  walk.say('dhcp6');
  if (!walk.has(at, 4)) {
    walk.say_cut();
    return;
  }
  const type = walk.u8(at);
  walk.say(` ${TYPES[type] || `msgtype-${type}`}`);
  if (walk.verbose === 0) return;
  walk.say(' (');
  const end = Math.min(walk.end, at + length);
  if (type === RELAY_FORWARD || type === RELAY_REPLY) {
    walk.say(`linkaddr=${walk.ipv6(at + 2)}`);
    walk.say(` peeraddr=${walk.ipv6(at + 18)}`);
    say_options(walk, at + 34, end);
  } else {
    walk.say(`xid=${walk.u24(at + 1).toString(16)}`);
    say_options(walk, at + 4, end);
  }
  walk.say(')');
}

/** Returns "dhcp6 solicit". */
export function dhcpv6_text(place: Place): string {
  return walked(place, 'dhcp6', (walk) => say_message(walk, 0, place.length));
}
