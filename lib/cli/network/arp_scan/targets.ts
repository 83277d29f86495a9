// The targets of arp-scan: addresses, ranges and names of hosts, from the command line, a file or standard input. The addresses
// are numbered from 0 on; none is there twice.
import { readFileSync } from 'node:fs';
import { AF_INET, gaierror, getaddrinfo, inet_pton, OSError, SOCK_DGRAM } from '../../../promises/index.js';
import { check_file } from '../../terminal/command.js';
import { line_of, UsageError } from '../../terminal/errors.js';
import { type AddressRange, address_at, parse_range } from '../address_range.js';

/** The most addresses of a list. */
const COUNT_MAX = 2 ** 20;
const STDIN = 0;

/** A list of addresses of IPv4, without repetitions. */
export class Targets {
  readonly #addresses: string[] = [];
  readonly #numbers = new Map<string, number>();

  get count(): number {
    return this.#addresses.length;
  }

  /** Adds the addresses of a range. @throws UsageError if the list gets too long */
  add(range: AddressRange): void {
    for (let i = 0; i < range.count; i++) {
      const address = address_at(range, i);
      if (this.#numbers.has(address)) continue;
      if (this.count === COUNT_MAX) throw new UsageError(`the targets have more than ${COUNT_MAX} addresses`);
      this.#numbers.set(address, this.count);
      this.#addresses.push(address);
    }
  }

  /** Returns the address with a number. */
  address_at(number: number): string {
    return this.#addresses[number] as string;
  }

  /** Returns the number of an address; undefined for one that is no target. */
  index_of(address: string): number | undefined {
    return this.#numbers.get(address);
  }
}

/** Returns the length of the prefix of a mask. @throws UsageError for a text that is no mask */
function prefix_length(mask: string): number {
  try {
    const bits = [...inet_pton(AF_INET, mask)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
    if (/^1*0*$/.test(bits)) return bits.lastIndexOf('1') + 1;
  } catch (error) {
    if (!(error instanceof OSError)) throw error;
  }
  throw new UsageError(`not a mask of a network: ${JSON.stringify(mask)}`);
}

/** Returns the range of a text that begins as an address of IPv4 does; undefined for a name. @throws UsageError */
function numeric_range(text: string): AddressRange | undefined {
  const [, network, mask] = /^([\d.]+):(.*)$/.exec(text) ?? [];
  if (network !== undefined && mask !== undefined)
    return parse_range(`${network}/${prefix_length(mask)}`, true);
  // A second colon: an address of IPv6.
  if (/^[\d.]+([-/]|$)/.test(text) || text.includes(':')) {
    const range = parse_range(text.replace(/^((?:\d+\.){3})(\d+)-(\d+)$/, '$1$2-$1$3'), true);
    if (range.family === AF_INET) return range;
    throw new UsageError('ARP is for IPv4 only');
  }
  return undefined;
}

/**
 * find_targets(texts, numeric, on_unknown) -> the addresses that texts stand for: 10.0.0.0/24, 10.0.0.0:255.255.255.0,
 * 10.0.0.1-10.0.0.9, 10.0.0.1-9, an address or a name.
 *
 * @param numeric true: names are refused
 * @param on_unknown is called with the message for a name that has no address; the list goes on without it
 * @throws UsageError
 */
export async function find_targets(
  texts: readonly string[],
  numeric: boolean,
  on_unknown: (message: string) => void,
): Promise<Targets> {
  const targets = new Targets();
  for (const text of texts) {
    const range = numeric_range(text);
    if (range !== undefined) targets.add(range);
    else if (numeric) throw new UsageError(`${JSON.stringify(text)} is a name, which -N refuses`);
    else {
      try {
        const [row] = await getaddrinfo(text, null, AF_INET, SOCK_DGRAM);
        targets.add(parse_range(String(row?.[4][0])));
      } catch (error) {
        if (!(error instanceof gaierror)) throw error;
        on_unknown(line_of(error) ?? '');
      }
    }
  }
  return targets;
}

/** Returns the targets of a file: the first word of each line; "-" is standard input. @throws the file system's error */
export function read_targets(path: string): string[] {
  if (path !== '-') check_file(path);
  const lines = readFileSync(path === '-' ? STDIN : path, 'utf8').split('\n');
  const words = lines.map((line) => line.trim().split(/\s+/, 1)[0] as string);
  return words.filter((word) => word !== '' && !word.startsWith('#'));
}
