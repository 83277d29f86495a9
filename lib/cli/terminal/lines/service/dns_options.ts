// The options of EDNS (RFC 6891) in a message of DNS, as tcpdump tells them.
import { AF_INET, AF_INET6, inet_ntop } from '../../../../socket/index.js';
import type { Names } from '../names.js';
import { INVALID, type Walk } from '../walk.js';
import { say_name } from './dns_names.js';

const OPTIONS: Names = {
  1: 'LLQ',
  2: 'UL',
  3: 'NSID',
  5: 'DAU',
  6: 'DHU',
  7: 'N3U',
  8: 'ECS',
  9: 'EXPIRE',
  10: 'COOKIE',
  11: 'KEEPALIVE',
  12: 'PADDING',
  13: 'CHAIN',
  14: 'KEY-TAG',
  16: 'CLIENT-TAG',
  17: 'SERVER-TAG',
};
const SIGNING: Names = {
  0: 'DELETE',
  1: 'RSAMD5',
  2: 'DH',
  3: 'DS',
  5: 'RSASHA1',
  6: 'DSA-NSEC3-SHA1',
  7: 'RSASHA1-NSEC3-SHA1',
  8: 'RSASHA256',
  10: 'RSASHA512',
  12: 'ECC-GOST',
  13: 'ECDSAP256SHA256',
  14: 'ECDSAP384SHA384',
  15: 'ED25519',
  16: 'ED448',
  252: 'INDIRECT',
  253: 'PRIVATEDNS',
  254: 'PRIVATEOID',
};
/** The names of algorithms, by the option that lists them. */
const ALGORITHMS: Readonly<Record<number, Names>> = {
  5: SIGNING,
  6: { 1: 'SHA-1', 2: 'SHA-256', 3: 'GOST_R_34.11-94', 4: 'SHA-384' },
  7: { 1: 'SHA-1' },
};
const [SUBNET, EXPIRE, COOKIE, KEEPALIVE, PADDING, CHAIN, KEY_TAG] = [8, 9, 10, 11, 12, 13, 14];
const CLIENT_COOKIE = 8;
/** The address families of a client's subnet. */
const FAMILIES: Readonly<Record<number, readonly [family: number, bytes: number]>> = {
  1: [AF_INET, 4],
  2: [AF_INET6, 16],
};
const SUBNET_HEADER = 4;

function subnet_text(walk: Walk, at: number, size: number): string {
  if (size < SUBNET_HEADER) return INVALID;
  const [family, bytes] = FAMILIES[walk.u16(at)] ?? [0, 0];
  const [source, scope] = [walk.u8(at + 2), walk.u8(at + 3)];
  const given = size - SUBNET_HEADER;
  if (given > bytes || source > 8 * bytes || scope > 8 * bytes || Math.ceil(source / 8) !== given)
    return INVALID;
  if (bytes === 0) return INVALID;
  const address = Buffer.alloc(bytes);
  walk.bytes.copy(address, 0, at + SUBNET_HEADER, at + size);
  return `${inet_ntop(family, address)}/${source}/${scope}`;
}

function data_text(walk: Walk, option: number, at: number, size: number): string {
  const algorithms = ALGORITHMS[option];
  const bytes = walk.bytes.subarray(at, at + size);
  if (algorithms !== undefined)
    return Array.from(bytes, (each) => algorithms[each] ?? `Alg_${each}`).join(' ');
  switch (option) {
    case SUBNET:
      return subnet_text(walk, at, size);
    case EXPIRE:
      return size === 4 ? `${walk.u32(at)} sec` : INVALID;
    case COOKIE: {
      if (size !== CLIENT_COOKIE && (size < 16 || size > 40)) return INVALID;
      const [client, server] = [bytes.subarray(0, CLIENT_COOKIE), bytes.subarray(CLIENT_COOKIE)];
      return client.toString('hex') + (server.length === 0 ? '' : ` ${server.toString('hex')}`);
    }
    case KEEPALIVE:
      return size === 2 ? `${(walk.u16(at) / 10).toFixed(1)} sec` : INVALID;
    case PADDING:
      return `(${size})`;
    case KEY_TAG:
      if (size % 2 !== 0) return INVALID;
      return Array.from({ length: size / 2 }, (_, i) => walk.u16(at + 2 * i)).join(' ');
  }
  return bytes.toString('hex');
}

/** Tells an option. @returns the offset behind it; undefined if it breaks off */
export function say_option(walk: Walk, start: number): number | undefined {
  if (!walk.has(start, 2)) return undefined;
  const option = walk.u16(start);
  walk.say(OPTIONS[option] ?? `Opt${option}`);
  if (!walk.has(start + 2, 2)) return undefined;
  const size = walk.u16(start + 2);
  const at = start + 4;
  if (!walk.has(at, size)) return undefined;
  if (size === 0) return at;
  walk.say(' ');
  // The name has no pointers: they would count from its own end.
  if (option === CHAIN) say_name(walk, at, at + size);
  else walk.say(data_text(walk, option, at, size));
  return at + size;
}
