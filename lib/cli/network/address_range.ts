// Ranges of addresses: 10.0.0.0/24, fd00::/120, 10.0.0.1-10.0.0.9, or one address. The addresses of a range are numbered from
// 0 on; scan.ts works with the numbers.
import { AF_INET, AF_INET6, inet_ntop, inet_pton, OSError } from '../../socket/index.js';
import { UsageError } from '../terminal/errors.js';

/** `count` addresses from `first` on. */
export interface AddressRange {
  readonly family: typeof AF_INET | typeof AF_INET6;
  readonly first: bigint;
  readonly count: number;
}

/** The most addresses of a range. */
const COUNT_MAX = 2 ** 20;

interface Parsed {
  readonly family: typeof AF_INET | typeof AF_INET6;
  readonly number: bigint;
}

function parse_address(text: string): Parsed {
  const family = text.includes(':') ? AF_INET6 : AF_INET;
  try {
    return { family, number: BigInt(`0x${inet_pton(family, text).toString('hex')}`) };
  } catch (error) {
    if (!(error instanceof OSError)) throw error;
    throw new UsageError(`not an address: ${JSON.stringify(text)}`);
  }
}

/**
 * parse_range(text) -> its addresses.
 *
 * @param with_ends false: an IPv4 network is without its network address and its broadcast address

 * @throws UsageError
 */
export function parse_range(text: string, with_ends = false): AddressRange {
  const [address = '', prefix, more] = text.split('/');
  if (more !== undefined) throw new UsageError(`not a network: ${JSON.stringify(text)}`);
  const [start = '', end] = address.split('-');
  const { family, number } = parse_address(start);
  if (prefix === undefined) {
    const last = end === undefined ? number : parse_end(family, end);
    return range_between(text, family, number, last);
  }
  const bits = family === AF_INET ? 32 : 128;
  const length = /^\d+$/.test(prefix) ? Number(prefix) : Number.NaN;
  if (!(length <= bits) || end !== undefined) throw new UsageError(`not a network: ${JSON.stringify(text)}`);
  const size = 1n << BigInt(bits - length);
  const first = number - (number % size);
  const last = first + size - 1n;
  const without_ends = !with_ends && family === AF_INET && size > 2n;
  return without_ends
    ? range_between(text, family, first + 1n, last - 1n)
    : range_between(text, family, first, last);
}

function parse_end(family: number, text: string): bigint {
  const parsed = parse_address(text);
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

/** Returns the number of an address in a range; undefined for an address outside. */
export function index_of({ family, first, count }: AddressRange, address: string): number | undefined {
  let index: number;
  if (family === AF_INET) {
    const [a, b, c, d] = address.split('.').map(Number) as [number, number, number, number];
    index = ((a << 24) | (b << 16) | (c << 8) | d) - Number(BigInt.asIntN(32, first));
  } else index = Number(parse_address(address).number - first);
  return index >= 0 && index < count ? index : undefined;
}
