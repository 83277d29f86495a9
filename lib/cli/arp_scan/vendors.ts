// The vendors of network interfaces, by the first bits of their MAC addresses: the registry of the IEEE. The list is not a part of
// this package, which would be twice as large: it is read from the npm package oui-data, if that is installed, else from the files
// that come with the program arp-scan, or with Debian's package ieee-data.
import { existsSync, readFileSync } from 'node:fs';
import { own_url } from '../../native/own_file.js';
import { check_file } from '../terminal/command.js';
import { printable } from '../terminal/output.js';

const PACKAGE = 'oui-data';
/** Lists of other packages, in the form of arp-scan or of the IEEE. */
const FILES = ['/usr/share/arp-scan/ieee-oui.txt', '/usr/share/ieee-data/oui.txt'];
/** Prefixes that the IEEE does not assign: virtual machines, addresses of protocols. */
const OWN_FILE = '/etc/arp-scan/mac-vendor.txt';

const UNKNOWN = '(Unknown)';
const UNKNOWN_LOCAL = '(Unknown: locally administered)';
/** The bit of the first byte that says: not assigned by the IEEE. */
const LOCAL = 0x02;

export class Vendors {
  /** By prefix, in upper-case hexadecimal digits. */
  readonly #names = new Map<string, string>();
  /** The lengths of prefixes, the longest first. */
  #lengths: readonly number[] = [];

  get count(): number {
    return this.#names.size;
  }

  add(rows: Iterable<readonly [prefix: string, name: string]>): void {
    for (const [prefix, name] of rows) this.#names.set(prefix.toUpperCase(), printable(name));
    this.#lengths = [...new Set([...this.#names.keys()].map(({ length }) => length))].sort((a, b) => b - a);
  }

  /** name_of('00:00:0c:11:22:33') -> 'Cisco Systems, Inc'; by the longest prefix that is known. */
  name_of(mac: string): string {
    const digits = mac.replaceAll(':', '').toUpperCase();
    for (const length of this.#lengths) {
      const name = this.#names.get(digits.slice(0, length));
      if (name !== undefined) return name;
    }
    return Number.parseInt(digits.slice(0, 2), 16) & LOCAL ? UNKNOWN_LOCAL : UNKNOWN;
  }
}

/**
 * Reads the lines of a list: a prefix of 2 to 12 digits with or without separators, white space and the name, as arp-scan's lists
 * have them, or "00000C     (base 16)   NAME" of the IEEE. Other lines are ignored.
 */
function* rows_of(text: string): Generator<[string, string]> {
  for (const line of text.split('\n')) {
    const [, prefix, name] = /^([\da-f][\da-f:.-]*)\s+(?:\(base 16\)\s+)?([^\s(].*?)\s*$/i.exec(line) ?? [];
    const digits = prefix?.replaceAll(/[:.-]/g, '') ?? '';
    if (name !== undefined && digits.length >= 2 && digits.length <= 12) yield [digits, name];
  }
}

/** Returns the rows of the npm package: a name with its postal address below; undefined if it is not installed. */
function package_rows(): [string, string][] | undefined {
  const { createRequire } = process.getBuiltinModule('node:module');
  const require = createRequire(own_url(typeof __filename === 'string' ? __filename : undefined));
  try {
    const names = require(PACKAGE) as Readonly<Record<string, string>>;
    return Object.entries(names).map(([prefix, text]) => [prefix, text.split('\n', 1)[0] as string]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

/**
 * load_vendors(registry_file, own_file) -> the vendors.
 *
 * @param registry_file the list of the IEEE; left out: the first that is installed
 * @param own_file the list of other prefixes; left out: arp-scan's, if that is installed
 * @throws the file system's error if a given file cannot be read
 */
export function load_vendors(registry_file: string | undefined, own_file: string | undefined): Vendors {
  const vendors = new Vendors();
  const read = (path: string) => {
    check_file(path);
    vendors.add(rows_of(readFileSync(path, 'utf8')));
  };
  const rows = registry_file === undefined ? package_rows() : undefined;
  if (rows !== undefined) vendors.add(rows);
  else {
    const path = registry_file ?? FILES.find((each) => existsSync(each));
    if (path !== undefined) read(path);
  }
  if (own_file !== undefined || existsSync(OWN_FILE)) read(own_file ?? OWN_FILE);
  return vendors;
}
