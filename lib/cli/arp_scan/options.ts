// The options of arp-scan, as the original spells them, and the reading of their values.
import { AF_INET, inet_pton, OSError } from '../../socket/index.js';
import { UsageError } from '../terminal/errors.js';
import { flag, integer, type Option, text, type Values } from '../terminal/options.js';

const MAC = /^[\da-f]{1,2}([:-][\da-f]{1,2}){5}$/i;
/** The bits of the smallest frame of Ethernet, by which a bandwidth is reckoned: 46 bytes of data and 18 of its own. */
const FRAME_BITS = (46 + 18) * 8;
const MS_PER_S = 1000;

/** Returns an option whose value a function reads. */
function with_reader<V>(
  short: string,
  value: string,
  help: string,
  read: (argument: string, what: string) => V,
): Option<V | undefined> {
  const base = text(short, value, help);
  return {
    ...base,
    standard: undefined,
    read: (argument, what) => read(base.read(argument, what, undefined) ?? '', what),
  };
}

function read_mac(argument: string, what: string): string {
  if (!MAC.test(argument))
    throw new UsageError(
      `${what} takes an address such as 02:00:00:00:00:01, not ${JSON.stringify(argument)}`,
    );
  return argument
    .split(/[:-]/)
    .map((byte) => byte.padStart(2, '0').toLowerCase())
    .join(':');
}

function read_source(argument: string, what: string): string {
  if (argument === 'dest') return argument;
  try {
    inet_pton(AF_INET, argument);
    return argument;
  } catch (error) {
    if (!(error instanceof OSError)) throw error;
    throw new UsageError(`${what} takes an IPv4 address or "dest", not ${JSON.stringify(argument)}`);
  }
}

/** Returns the requests a second of an interval: 2 (milliseconds) or 500u (microseconds). */
function read_interval(argument: string, what: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(u?)$/.exec(argument) ?? [];
  if (digits === undefined)
    throw new UsageError(
      `${what} takes milliseconds, or microseconds as 500u, not ${JSON.stringify(argument)}; the interface is -I`,
    );
  const milliseconds = Number(digits) / (unit === 'u' ? MS_PER_S : 1);
  // 0: as fast as it goes.
  return milliseconds === 0 ? 0 : MS_PER_S / milliseconds;
}

/** Returns the requests a second of a bandwidth in bits a second: 256000, 256K, 1M. */
function read_bandwidth(argument: string, what: string): number {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)([KM]?)$/i.exec(argument) ?? [];
  const bits = Number(digits) * ({ K: 1e3, M: 1e6 }[unit.toUpperCase()] ?? 1);
  if (!(bits > 0))
    throw new UsageError(
      `${what} takes bits a second, as 256000, 256K or 1M, not ${JSON.stringify(argument)}`,
    );
  return bits / FRAME_BITS;
}

export const options = {
  interface: text('I', 'NAME', 'the interface; left out: the first with an address'),
  localnet: flag('l', 'the network of the interface, as without targets'),
  file: text('f', 'FILE', 'the targets, one a line; -: standard input'),
  numeric: flag('N', 'addresses only, no names of hosts'),
  random: flag('R', 'the targets in random order'),
  retry: integer('r', 'N', [1, 100], 'requests to an address that is silent', 2),
  timeout: integer('t', 'MS', [1, 3_600_000], 'milliseconds for the last answers of each round', 500),
  interval: with_reader('i', 'MS', 'milliseconds between requests (2); with u: microseconds', read_interval),
  bandwidth: with_reader('B', 'BITS', 'bits a second (256000); K, M: thousands, millions', read_bandwidth),
  limit: integer('M', 'N', [1, 2 ** 20], 'end when so many have answered; exit code 1 if fewer do'),
  arpspa: with_reader('s', 'ADDRESS', 'the IPv4 address that asks; dest: that of each target', read_source),
  arpsha: with_reader('u', 'MAC', 'the MAC address that asks', read_mac),
  srcaddr: with_reader('S', 'MAC', 'the source address of the frames', read_mac),
  destaddr: with_reader('T', 'MAC', 'the destination address of the frames; left out: all', read_mac),
  vlan: integer('Q', 'ID', [0, 4095], 'with a VLAN tag, and answers from that VLAN'),
  plain: flag('x', 'the answers only'),
  ignoredups: flag('g', 'one answer an address'),
  rtt: flag('D', 'with the time of each answer'),
  resolve: flag('d', 'with the names of the hosts, for their addresses'),
  format: text('F', 'FORMAT', `the line of an answer, as '\${ip;-15}\\t\${mac}\\t\${vendor}'`),
  quiet: flag('q', 'no vendors'),
  ouifile: text('O', 'FILE', "the IEEE's list of vendors"),
  macfile: text('m', 'FILE', 'a list of other prefixes'),
  json: flag('', 'one JSON object an answer, and one for the statistics'),
  verbose: flag('v', 'say where the vendors come from, and whom is asked'),
};

export type Options = Values<typeof options>;

/** Checks which options and operands go together. @throws UsageError */
export function check(options: Options, targets: readonly string[]): void {
  const { localnet, file, interval, bandwidth, format, json } = options;
  const refused: readonly (readonly [boolean, string])[] = [
    [localnet && targets.length > 0, 'You can not specify targets with the --localnet option'],
    [localnet && file !== undefined, 'You can not specify both --file and --localnet options'],
    [file !== undefined && targets.length > 0, 'You can not specify targets with the --file option'],
    [interval !== undefined && bandwidth !== undefined, 'You cannot specify both --bandwidth and --interval'],
    [format !== undefined && json, '--format and --json exclude each other'],
  ];
  for (const [is_wrong, message] of refused) if (is_wrong) throw new UsageError(message);
}
