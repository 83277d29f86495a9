// The targets of arp-scan: the words of a file or of standard input, and the addresses of IPv4 that words stand for.
import { readFileSync } from 'node:fs';
import { AF_INET } from '../../promises/index.js';
import { type AddressList, find_addresses } from '../network/address_list.js';
import { is_numeric_range } from '../network/address_range.js';
import { check_file } from '../terminal/command.js';
import { UsageError } from '../terminal/errors.js';

const STDIN = 0;

/**
 * find_targets(texts, numeric, on_unknown) -> the addresses that texts stand for: 10.0.0.0/24, 10.0.0.0:255.255.255.0,
 * 10.0.0.1-10.0.0.9, 10.0.0.1-9, an address or a name. ARP asks all addresses of a network.
 *
 * @param numeric true: names are refused
 * @param on_unknown is called with the message for a name that has no address; the list goes on without it
 * @throws UsageError
 */
export function find_targets(
  texts: readonly string[],
  numeric: boolean,
  on_unknown: (message: string) => void,
): Promise<AddressList> {
  // 10.0.0.0:255.255.255.0 is a network of IPv4.
  if (texts.some((text) => text.includes(':') && !/^[\d.]+:/.test(text)))
    throw new UsageError('ARP is for IPv4 only');
  const name = numeric ? texts.find((text) => !is_numeric_range(text)) : undefined;
  if (name !== undefined) throw new UsageError(`${JSON.stringify(name)} is a name, which -N refuses`);
  return find_addresses(texts, { family: AF_INET, with_ends: true }, on_unknown);
}

/** Returns the targets of a file: the first word of each line; "-" is standard input. @throws the file system's error */
export function read_targets(path: string): string[] {
  if (path !== '-') check_file(path);
  const lines = readFileSync(path === '-' ? STDIN : path, 'utf8').split('\n');
  const words = lines.map((line) => line.trim().split(/\s+/, 1)[0] as string);
  return words.filter((word) => word !== '' && !word.startsWith('#'));
}
