// Ranges of addresses as people write them: 10.0.0.0/24, 10.0.0.0/255.255.255.0, 10.0.0.0:255.255.255.0, fd00::/120,
// 10.0.0.1-10.0.0.9, 10.0.0.1-9, or one address. Several of them, with names of hosts among them, are in address_list.ts.
import { AF_INET, AF_INET6, inet_ntop, inet_pton, OSError } from '../../socket/index.js';
import { UsageError } from '../terminal/errors.js';

/** `count` addresses from `first` on. */
export interface AddressRange {
  readonly family: typeof AF_INET | typeof AF_INET6;
  readonly first: bigint;
  readonly count: number;
}

/** The most addresses of a range. */
export const COUNT_MAX = 2 ** 20;

type Parsed = Pick<AddressRange, 'family'> & { readonly number: bigint };

/** Returns the family and the number of a numeric address; undefined if the text is none. */
function read_address(text: string): Parsed | undefined {
  const family = text.includes(':') ? AF_INET6 : AF_INET;
  try {
    return { family, number: BigInt(`0x${inet_pton(family, text).toString('hex')}`) };
  } catch (error) {
    if (!(error instanceof OSError)) throw error;
    return undefined;
  }
}

function parse_address(text: string): Parsed {
  const parsed = read_address(text);
  if (parsed !== undefined) return parsed;
  throw new UsageError(`not an address: ${JSON.stringify(text)}`);
}

/**
 * Returns whether the text begins with a numeric address, or has nothing but digits and points: then it is an address or a range, maybe
 * a wrong one, and not the name of a host.
 */
export function is_numeric_range(text: string): boolean {
  if (/^[\d.]+$/.test(text) || text.includes('/')) return true;
  return read_address(text) !== undefined || read_address(text.split(/[-:]/, 1)[0] as string) !== undefined;
}

/**
 * parse_range(text) -> its addresses.
 *
 * @param with_ends false: an IPv4 network is without its network address and its broadcast address
 * @throws UsageError
 */
export function parse_range(text: string, with_ends = false): AddressRange {
  const { address, mask } = split_mask(text);
  if (mask !== undefined) return network(text, address, mask, with_ends);
  const [start = '', end, more] = address.split('-');
  if (more !== undefined) throw new UsageError(`not a range: ${JSON.stringify(text)}`);
  const { family, number } = parse_address(start);
  const last = end === undefined ? number : parse_end(family, start, end);
  return range_between(text, family, number, last);
}

/** Splits '10.0.0.0/24', '10.0.0.0/255.255.255.0' and '10.0.0.0:255.255.255.0'. */
function split_mask(text: string): { address: string; mask: string | undefined } {
  const colons = text.split(':');
  const separator = colons.length === 2 && !text.includes('/') ? ':' : '/';
  const [address = '', mask, more] = text.split(separator);
  if (more !== undefined) throw new UsageError(`not a network: ${JSON.stringify(text)}`);
  return { address, mask };
}

function network(text: string, address: string, mask: string, with_ends: boolean): AddressRange {
  const not_a_network = () => new UsageError(`not a network: ${JSON.stringify(text)}`);
  if (address.includes('-')) throw not_a_network();
  const { family, number } = parse_address(address);
  const length = prefix_length(family, mask);
  if (length === undefined) throw not_a_network();
  const size = 1n << BigInt((family === AF_INET ? 32 : 128) - length);
  const first = number - (number % size);
  const last = first + size - 1n;
  const without_ends = !with_ends && family === AF_INET && size > 2n;
  return without_ends
    ? range_between(text, family, first + 1n, last - 1n)
    : range_between(text, family, first, last);
}

/** Returns the length of a prefix, which is a number or a mask of IPv4; undefined for another text, or a mask with gaps. */
function prefix_length(family: AddressRange['family'], mask: string): number | undefined {
  if (/^\d{1,3}$/.test(mask))
    return Number(mask) <= (family === AF_INET ? 32 : 128) ? Number(mask) : undefined;
  const parsed = family === AF_INET ? read_address(mask) : undefined;
  if (parsed === undefined) return undefined;
  const bits = parsed.number.toString(2).padStart(32, '0');
  return /^1*0*$/.test(bits) ? bits.lastIndexOf('1') + 1 : undefined;
}

/** Returns the last address of a range. `end` is an address, or the last number of one: 10.0.0.1-9. */
function parse_end(family: AddressRange['family'], start: string, end: string): bigint {
  const last_number = family === AF_INET && /^\d{1,3}$/.test(end);
  const parsed = parse_address(last_number ? start.replace(/\d+$/, end) : end);
  if (parsed.family !== family) throw new UsageError('the ends of a range are of one family');
  return parsed.number;
}

function range_between(
  text: string,
  family: AddressRange['family'],
  first: bigint,
  last: bigint,
): AddressRange {
  if (last < first) throw new UsageError(`${text} ends before it begins`);
  const count = last - first + 1n;
  if (count > COUNT_MAX) throw new UsageError(`${text} has more than ${COUNT_MAX} addresses`);
  return { family, first, count: Number(count) };
}

/** Returns the address number `index` of a range, as text. */
export function address_at({ family, first }: AddressRange, index: number): string {
  const number = first + BigInt(index);
  if (family === AF_INET) {
    const value = Number(number);
    return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
  }
  return inet_ntop(family, Buffer.from(number.toString(16).padStart(32, '0'), 'hex'));
}

/** Returns the number of an address in a range; undefined for an address outside, or of the other family. */
export function index_of({ family, first, count }: AddressRange, address: string): number | undefined {
  if (address.includes(':') !== (family === AF_INET6)) return undefined;
  let index: number;
  if (family === AF_INET) {
    const [a, b, c, d] = address.split('.').map(Number) as [number, number, number, number];
    index = (((a << 24) | (b << 16) | (c << 8) | d) >>> 0) - Number(first);
  } else index = Number(parse_address(address).number - first);
  return index >= 0 && index < count ? index : undefined;
}
