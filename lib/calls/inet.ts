// Internet addresses between text and bytes, and numbers between the byte order of the host and that of the network.
// None of the calls waits.
import { endianness } from 'node:os';
import * as c from '../constants.js';
import { OSError } from '../errors/index.js';
import { raise } from '../errors/raise.js';
import { addon, scratch } from '../native/addon.js';
import { type BytesLike, bytes, c_string, integer, shown } from '../util/validate.js';

const UINT_MAX = 2 ** 32 - 1;
const UINT16_MAX = 2 ** 16 - 1;

/**
 * inet_aton(ip_address) -> 4 bytes. Takes the short and the hexadecimal forms too (127.1). See inet_aton(3).
 *
 * @param ip_address four numbers with dots, or fewer; decimal, octal (0…) or hexadecimal (0x…)
 * @returns the address, in network byte order
 * @throws OSError if it is no address; TypeError, RangeError
 * @example
 * console.log(inet_aton('127.1')); // <Buffer 7f 00 00 01>
 */
export function inet_aton(ip_address: string): Buffer {
  const length = addon.inet_aton(c_string(ip_address, 'ip_address'));
  if (length === 0) throw new OSError(`illegal IP address string passed to inet_aton: ${shown(ip_address)}`);
  return packed(length);
}

/**
 * inet_ntoa(packed_ip) -> dotted text of 4 bytes. See inet_ntoa(3).
 *
 * @param packed_ip 4 bytes in network byte order
 * @returns the address as text
 * @throws OSError for another length
 * @example
 * console.log(inet_ntoa(Buffer.from([127, 0, 0, 1]))); // 127.0.0.1
 */
export function inet_ntoa(packed_ip: BytesLike): string {
  const view = bytes(packed_ip, 'packed_ip');
  if (view.length !== 4) throw new OSError(`packed IP wrong length for inet_ntoa: ${view.length} bytes`);
  return view.join('.');
}

/**
 * inet_pton(address_family, ip_string) -> 4 bytes for AF_INET, 16 for AF_INET6. See inet_pton(3).
 *
 * @param address_family AF_INET or AF_INET6
 * @param ip_string in the usual form only: four decimal numbers, or IPv6's groups
 * @returns the bytes in network byte order
 * @throws OSError if it is no address of that family, EAFNOSUPPORT for another family; TypeError, RangeError
 * @example
 * console.log(inet_pton(AF_INET6, '::1').length); // 16
 */
export function inet_pton(address_family: number, ip_string: string): Buffer {
  const family = integer(address_family, 'address_family');
  const length = addon.inet_pton(family, c_string(ip_string, 'ip_string'));
  if (length < 0) raise(length, { syscall: 'inet_pton', args: { address_family: family } });
  if (length === 0) throw new OSError(`illegal IP address string passed to inet_pton: ${shown(ip_string)}`);
  return packed(length);
}

/**
 * inet_ntop(address_family, packed_ip) -> text of 4 bytes for AF_INET, 16 for AF_INET6. See inet_ntop(3).
 *
 * @param address_family AF_INET or AF_INET6
 * @param packed_ip 4 or 16 bytes in network byte order
 * @returns the address as text, IPv6 in its shortest form
 * @throws RangeError for another family or length
 * @example
 * console.log(inet_ntop(AF_INET6, Buffer.alloc(16))); // ::
 */
export function inet_ntop(address_family: number, packed_ip: BytesLike): string {
  const family = integer(address_family, 'address_family');
  const view = bytes(packed_ip, 'packed_ip');
  if (family !== c.AF_INET && family !== c.AF_INET6) throw new RangeError(`unknown address family ${family}`);
  const length = family === c.AF_INET ? 4 : 16;
  if (view.length !== length) throw new RangeError(`packed_ip must have ${length} bytes, not ${view.length}`);
  const text = addon.inet_ntop(family, view);
  return typeof text === 'number' ? raise(text, { syscall: 'inet_ntop' }) : text;
}

const little = endianness() === 'LE';

function swap16(value: number): number {
  return little ? ((value & 0xff) << 8) | (value >>> 8) : value;
}

function swap32(value: number): number {
  return little ? ((swap16(value & 0xffff) << 16) | swap16(value >>> 16)) >>> 0 : value;
}

/**
 * htons(x) -> 16 bits from host to network byte order. See htons(3).
 *
 * @param x 0 to 65,535
 * @returns the same number with its bytes in network order: on little-endian machines they are swapped
 * @throws RangeError for more than 16 bits
 * @example
 * console.log(htons(ETH_P_ALL) === (endianness() === 'LE' ? 0x0300 : 0x0003)); // true
 */
export function htons(x: number | bigint): number {
  return swap16(integer(x, 'htons: x', 0, UINT16_MAX));
}

/**
 * ntohs(x) -> 16 bits from network to host byte order. See ntohs(3).
 *
 * @param x 0 to 65,535
 * @returns the same number with its bytes in host order
 * @throws RangeError for more than 16 bits
 * @example
 * console.log(ntohs(htons(8080))); // 8080
 */
export function ntohs(x: number | bigint): number {
  return swap16(integer(x, 'ntohs: x', 0, UINT16_MAX));
}

/**
 * htonl(x) -> 32 bits from host to network byte order. See htonl(3).
 *
 * @param x 0 to 4,294,967,295
 * @returns the same number with its bytes in network order
 * @throws RangeError for more than 32 bits
 * @example
 * console.log(htonl(INADDR_LOOPBACK) === (endianness() === 'LE' ? 0x0100007f : 0x7f000001)); // true
 */
export function htonl(x: number | bigint): number {
  return swap32(integer(x, 'htonl: x', 0, UINT_MAX));
}

/**
 * ntohl(x) -> 32 bits from network to host byte order. See ntohl(3).
 *
 * @param x 0 to 4,294,967,295
 * @returns the same number with its bytes in host order
 * @throws RangeError for more than 32 bits
 * @example
 * console.log(ntohl(htonl(1))); // 1
 */
export function ntohl(x: number | bigint): number {
  return swap32(integer(x, 'ntohl: x', 0, UINT_MAX));
}

/** The bytes that a native call left in the scratch memory, in memory of their own. */
function packed(length: number): Buffer {
  return Buffer.from(scratch.subarray(0, length));
}
