// Lists of targets for scans: addresses, ranges of them (address_range.ts) and names of hosts. The addresses of a list are
// numbered from 0 on; scan.ts works with the numbers. No address is twice in a list.
import * as socket from '../../promises/index.js';
import { line_of, UsageError } from '../terminal/errors.js';
import {
  type AddressRange,
  address_at,
  COUNT_MAX,
  index_of,
  is_numeric_range,
  parse_range,
} from './address_range.js';

/** A range of a list. */
export interface ListedRange extends AddressRange {
  /** The number of its first address in the list. */
  readonly start: number;
  /** The text by which a single address was named: an address or a host; undefined for the addresses of a network or range. */
  readonly name: string | undefined;
  /** The index of the interface of a link-local address, or 0. */
  readonly scope: number;
}

/** What to take of the texts. */
export interface ListOptions {
  /** AF_INET or AF_INET6: of this family only; AF_UNSPEC (the default): of both */
  readonly family?: number;
  /** true: with the network address and the broadcast address of an IPv4 network */
  readonly with_ends?: boolean;
}

/** Name lookups that are under way at once. */
const LOOKUPS = 32;

type NewRange = Omit<ListedRange, 'start'>;

export class AddressList {
  readonly #ranges: ListedRange[] = [];
  /** The single addresses among the ranges, by their text. */
  readonly #singles = new Map<string, ListedRange>();
  readonly #wide: ListedRange[] = [];
  /** The number of addresses. */
  count = 0;

  /** Adds a range. What an earlier one has is left out. @throws UsageError if the list gets too long */
  add(range: NewRange): void {
    for (const part of this.#missing(range)) {
      const listed = { ...part, start: this.count };
      this.#ranges.push(listed);
      if (part.count === 1) this.#singles.set(address_at(part, 0), listed);
      else this.#wide.push(listed);
      this.count += part.count;
      if (this.count > COUNT_MAX) throw new UsageError(`the targets have more than ${COUNT_MAX} addresses`);
    }
  }

  /** Returns the parts of a range that are not in the list. */
  #missing(range: NewRange): NewRange[] {
    if (range.count === 1) return this.index_of(address_at(range, 0)) === undefined ? [range] : [];
    let parts = [range];
    for (const other of this.#ranges) {
      if (other.family === range.family) parts = parts.flatMap((part) => without(part, other));
    }
    return parts;
  }

  /** The ranges, in their order. */
  get ranges(): readonly ListedRange[] {
    return this.#ranges;
  }

  /** Returns the range that has the address with a number. */
  range_of(index: number): ListedRange {
    let low = 0;
    let high = this.#ranges.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#ranges[middle] as ListedRange).start <= index) low = middle;
      else high = middle - 1;
    }
    return this.#ranges[low] as ListedRange;
  }

  /** Returns the address with a number, as text. */
  address_at(index: number): string {
    const range = this.range_of(index);
    return address_at(range, index - range.start);
  }

  /** Returns the number of an address; undefined for one that is not in the list. */
  index_of(address: string): number | undefined {
    const single = this.#singles.get(address);
    if (single !== undefined) return single.start;
    for (const range of this.#wide) {
      const index = index_of(range, address);
      if (index !== undefined) return range.start + index;
    }
    return undefined;
  }

  /** Returns the families that the list has addresses of. */
  families(): Set<AddressRange['family']> {
    return new Set(this.#ranges.map(({ family }) => family));
  }
}

/** Returns a range without the addresses of another one: up to two ranges. */
function without(range: NewRange, other: AddressRange): NewRange[] {
  const end = range.first + BigInt(range.count);
  const other_end = other.first + BigInt(other.count);
  const part = (first: bigint, after: bigint): NewRange[] =>
    first < after ? [{ ...range, first, count: Number(after - first) }] : [];
  const min = (a: bigint, b: bigint) => (a < b ? a : b);
  const max = (a: bigint, b: bigint) => (a > b ? a : b);
  return [...part(range.first, min(end, other.first)), ...part(max(range.first, other_end), end)];
}

/**
 * find_addresses(texts, options, on_unknown) -> the list of the addresses that texts of the command line stand for.
 *
 * @param texts addresses, ranges and names of hosts
 * @param on_unknown is called with the message for a name that has no address, and the list goes on without it; left out: an error
 * @returns for ['10.0.0.0/24', '10.0.2.1-9', 'router.example'] a list with '10.0.0.1' at 0
 * @throws UsageError; gaierror
 */
export async function find_addresses(
  texts: readonly string[],
  { family = socket.AF_UNSPEC, with_ends = false }: ListOptions = {},
  on_unknown?: (message: string) => void,
): Promise<AddressList> {
  const list = new AddressList();
  for (let i = 0; i < texts.length; i += LOOKUPS) {
    const some = texts.slice(i, i + LOOKUPS);
    const found = await Promise.allSettled(some.map((text) => find_one(text, family, with_ends)));
    for (const result of found) {
      if (result.status === 'fulfilled') list.add(result.value);
      else if (on_unknown !== undefined && result.reason instanceof socket.gaierror)
        on_unknown(line_of(result.reason) as string);
      else throw result.reason;
    }
  }
  return list;
}

async function find_one(text: string, family: number, with_ends: boolean): Promise<NewRange> {
  if (is_numeric_range(text)) {
    const range = parse_range(text, with_ends);
    if (family === socket.AF_UNSPEC || range.family === family) {
      return { ...range, name: range.count === 1 && !/[-/]/.test(text) ? text : undefined, scope: 0 };
    }
    if (range.count > 1) throw new UsageError(`${text} is of the other family`);
  }
  const [row] = await socket.getaddrinfo(text, null, family, socket.SOCK_RAW);
  const [found, , , , address] = row as NonNullable<typeof row>;
  const [host, , , scope = 0] = address as [string, number, number?, number?];
  const { first } = parse_range(host);
  return { family: found as AddressRange['family'], first, count: 1, name: text, scope };
}
