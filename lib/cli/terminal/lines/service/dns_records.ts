// The questions and the records of a message of DNS, as tcpdump tells them. A function that tells one returns the offset behind it, or
// undefined if it breaks off or is malformed.
import { AF_INET6, inet_ntop } from '../../../../socket/index.js';
import { duration, type Names } from '../names.js';
import type { Walk } from '../walk.js';
import { behind_name, say_name } from './dns_names.js';
import { say_option } from './dns_options.js';

/** The words of types, of those from 1 on and of others; types that are not here are told by their numbers. */
const FIRST_TYPES: readonly string[] = [
  ...['A', 'NS', 'MD', 'MF', 'CNAME', 'SOA', 'MB', 'MG', 'MR', 'NULL', 'WKS', 'PTR', 'HINFO', 'MINFO'],
  ...['MX', 'TXT', 'RP', 'AFSDB', 'X25', 'ISDN', 'RT', 'NSAP', 'NSAP_PTR', 'SIG', 'KEY', 'PX', 'GPOS'],
  ...['AAAA', 'LOC', 'NXT', 'EID', 'NIMLOC', 'SRV', 'ATMA', 'NAPTR', 'KX', 'CERT', 'A6', 'DNAME', 'SINK'],
  ...['OPT', 'APL', 'DS', 'SSHFP', 'IPSECKEY', 'RRSIG', 'NSEC', 'DNSKEY'],
];
const OTHER_TYPES: Names = {
  99: 'SPF',
  100: 'UINFO',
  101: 'UID',
  102: 'GID',
  103: 'UNSPEC',
  104: 'UNSPECA',
  249: 'TKEY',
  250: 'TSIG',
  251: 'IXFR',
  252: 'AXFR',
  253: 'MAILB',
  254: 'MAILA',
  255: 'ANY',
  256: 'URI',
};
const [A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, A6, DNAME] = [1, 2, 5, 6, 12, 15, 16, 28, 33, 38, 39];
const [OPT, UNSPECA, TSIG, URI] = [41, 104, 250, 256];
const CLASSES: Names = { 3: 'CHAOS', 4: 'HS', 255: 'ANY' };
const IN = 1;
/** The top bit of a class: of a question in multicast DNS, that the answer may be unicast; of its record, that it replaces others. */
const TOP = 0x8000;
const DO = 0x8000;
const FIXED = 10;

const type_text = (type: number): string => FIRST_TYPES[type - 1] ?? OTHER_TYPES[type] ?? `Type${type}`;
const class_text = (number: number): string =>
  number === IN ? '' : ` ${CLASSES[number] ?? `(Class ${number})`}`;

/** A message of DNS. */
export interface Message {
  readonly walk: Walk;
  /** The offset that pointers count from. */
  readonly start: number;
  readonly is_multicast: boolean;
}

export function say_question({ walk, start, is_multicast }: Message, at: number): number | undefined {
  const fixed = behind_name(walk, at);
  if (fixed === undefined || !walk.has(fixed, 4)) return undefined;
  const group = walk.u16(fixed + 2);
  walk.say(` ${type_text(walk.u16(fixed))}${class_text(is_multicast ? group & ~TOP : group)}`);
  if (is_multicast) walk.say(group & TOP ? ' (QU)' : ' (QM)');
  walk.say('? ');
  const behind = say_name(walk, at, start);
  return behind === undefined ? undefined : behind + 4;
}

/** Tells a name behind a space. */
function say_target({ walk, start }: Message, at: number): number | undefined {
  walk.say(' ');
  return say_name(walk, at, start);
}

/** Tells numbers of 16 bits with their words. @returns whether all are there */
function say_signature(message: Message, at: number): boolean {
  const { walk } = message;
  const name = say_target(message, at);
  if (name === undefined) return false;
  let next = name + 6;
  for (const word of ['fudge', 'maclen', 'origid', 'error', 'otherlen']) {
    if (!walk.has(next, 2)) return false;
    const value = walk.u16(next);
    walk.say(` ${word}=${value}`);
    next += 2 + (word === 'maclen' ? value : 0);
  }
  return true;
}

function say_a6(message: Message, at: number): boolean {
  const { walk } = message;
  if (!walk.has(at, 1)) return false;
  const bits = walk.u8(at);
  if (bits > 128) {
    walk.say(` ${bits}(bad plen)`);
    return true;
  }
  const rest = 16 - (bits >>> 3);
  if (bits < 128) {
    const address = Buffer.alloc(16);
    walk.need(at + 1, rest);
    walk.bytes.copy(address, 16 - rest, at + 1, at + 1 + rest);
    walk.say(` ${bits} ${inet_ntop(AF_INET6, address)}`);
  }
  return bits === 0 || say_target(message, at + 1 + rest) !== undefined;
}

function say_authority(message: Message, at: number): boolean {
  const { walk } = message;
  const name = say_target(message, at);
  const numbers = name === undefined ? undefined : say_target(message, name);
  if (numbers === undefined || !walk.has(numbers, 20)) return false;
  for (let i = 0; i < 20; i += 4) walk.say(` ${walk.u32(numbers + i)}`);
  return true;
}

function say_strings(walk: Walk, start: number, end: number): boolean {
  for (let at = start; at < end; ) {
    walk.say(' "');
    if (!walk.has(at, 1)) return false;
    const size = walk.u8(at);
    if (!walk.say_some(at + 1, size)) return false;
    walk.say('"');
    at += 1 + size;
  }
  return true;
}

function say_options(walk: Walk, start: number, end: number): boolean {
  if (start >= end) return true;
  walk.say(' [');
  for (let at = start; at < end; ) {
    const next = say_option(walk, at);
    if (next === undefined) return false;
    if (next < end) walk.say(',');
    at = next;
  }
  walk.say(']');
  return true;
}

/** Tells the data of a record. @returns whether they are whole */
function say_data(message: Message, type: number, at: number, end: number): boolean {
  const { walk } = message;
  switch (type) {
    case A:
      if (!walk.has(at, 4)) return false;
      walk.say(` ${walk.ipv4(at)}`);
      return true;
    case AAAA:
      if (!walk.has(at, 16)) return false;
      walk.say(` ${walk.ipv6(at)}`);
      return true;
    case NS:
    case CNAME:
    case PTR:
    case DNAME:
      return say_target(message, at) !== undefined;
    case SOA:
      return walk.verbose === 0 || say_authority(message, at);
    case MX:
      walk.say(' ');
      if (!walk.has(at, 2) || say_name(walk, at + 2, message.start) === undefined) return false;
      walk.say(` ${walk.u16(at)}`);
      return true;
    case SRV:
      walk.say(' ');
      if (!walk.has(at, 6) || say_name(walk, at + 6, message.start) === undefined) return false;
      walk.say(`:${walk.u16(at + 4)} ${walk.u16(at)} ${walk.u16(at + 2)}`);
      return true;
    case TXT:
      return say_strings(walk, at, end);
    case A6:
      return say_a6(message, at);
    case URI:
      walk.say(` ${walk.u16(at)} ${walk.u16(at + 2)} `);
      // A length below 4 wraps around in tcpdump: all that is left is told.
      if (end - at < 4) {
        walk.say_some(at + 4, walk.end);
        return false;
      }
      return walk.say_some(at + 4, end - at - 4);
    case UNSPECA:
      return walk.say_some(at, end - at);
    case TSIG:
      return walk.verbose === 0 || say_signature(message, at);
  }
  return true;
}

export function say_record(message: Message, start: number): number | undefined {
  const { walk, is_multicast } = message;
  let at: number | undefined;
  if (walk.verbose > 0) {
    at = say_target(message, start);
    if (at === undefined) return undefined;
  } else at = behind_name(walk, start);
  if (at === undefined || !walk.has(at, FIXED)) return walk.end;
  const [type, group] = [walk.u16(at), walk.u16(at + 2)];
  const number = is_multicast ? group & ~TOP : group;
  if (type !== OPT) walk.say(class_text(number));
  if (is_multicast && group & TOP) walk.say(' (Cache flush)');
  if (type !== OPT && walk.verbose > 2) walk.say(` [${duration(walk.u32(at + 4))}]`);
  const data = at + FIXED;
  const end = data + walk.u16(at + 8);
  walk.say(` ${type_text(type)}`);
  if (end > walk.end) return undefined;
  if (type === OPT) {
    walk.say(` UDPsize=${number}${walk.u16(at + 6) & DO ? ' DO' : ''}`);
    return say_options(walk, data, end) ? end : undefined;
  }
  return say_data(message, type, data, end) ? end : undefined;
}

/** Returns the upper bits of the response code, which are in a record of EDNS (OPT); 0 without one. */
export function extended_rcode(walk: Walk, start: number, counts: readonly number[]): number {
  const [questions = 0, answers = 0, authorities = 0, additionals = 0] = counts;
  let at: number | undefined = start;
  for (let i = 0; i < questions; i++) {
    at = behind_name(walk, at);
    if (at === undefined) return 0;
    at += 4;
    if (at >= walk.end) return 0;
  }
  for (let i = 0; i < answers + authorities + additionals; i++) {
    const fixed = behind_name(walk, at);
    if (fixed === undefined) return 0;
    const is_additional = i >= answers + authorities;
    if (is_additional && walk.has(fixed, 5) && walk.u16(fixed) === OPT) return walk.u8(fixed + 4);
    if (!walk.has(fixed, FIXED)) return 0;
    at = fixed + FIXED + walk.u16(fixed + 8);
    if (at >= walk.end) return 0;
  }
  return 0;
}
