// The text of the options of neighbour discovery, in the words of tcpdump: with -v, a line each.
import type { NdpOption } from '../../../../packet/index.js';
import { hexadecimal } from '../dump.js';
import { type Flags, flag_names, ipv6_address } from '../names.js';
import type { Style } from '../place.js';

const NAMES: Readonly<Record<number, string>> = {
  1: 'source link-address',
  2: 'destination link-address',
  3: 'prefix info',
  4: 'redirected header',
  5: 'mtu',
  7: 'advertisement interval',
  8: 'homeagent information',
  24: 'route info',
  25: 'rdnss',
  31: 'dnssl',
};
const PREFIX_FLAGS: Flags = [
  [0x80, 'onlink'],
  [0x40, 'auto'],
  [0x20, 'router'],
];
const UNIT = 8;
const INFINITY = 0xffffffff;

/** Returns the preference of a router or route, RFC 4191. */
export function preference(flags: number): string {
  return ['medium', 'high', 'rsv', 'low'][(flags >>> 3) & 3] ?? '';
}

const lifetime_text = (seconds: number) => (seconds === INFINITY ? 'infinity' : `${seconds}s`);

/** Returns the values of an option; undefined if they have no words. */
function values(option: NdpOption): string | undefined {
  switch (option.name) {
    case 'source_link_layer':
    case 'target_link_layer':
      return option.address;
    case 'prefix_information': {
      const { prefix, prefix_length, flags, valid_lifetime, preferred_lifetime } = option;
      const names = flag_names(PREFIX_FLAGS, flags);
      const times = `valid time ${lifetime_text(valid_lifetime)}, pref. time ${lifetime_text(preferred_lifetime)}`;
      return `${ipv6_address(prefix)}/${prefix_length}, Flags [${names}], ${times}`;
    }
    case 'redirected_header':
      return hexadecimal(option.data, '\n\t    ');
    case 'mtu':
      return ` ${option.mtu}`;
    case 'rdnss':
      return ` lifetime ${option.lifetime}s,${option.addresses.map((each) => ` addr: ${ipv6_address(each)}`).join('')}`;
    case 'dnssl':
      return ` lifetime ${option.lifetime}s, domain(s):${option.domains.map((each) => ` ${each}.`).join('')}`;
    case 'route_information': {
      const { prefix, prefix_length, flags, lifetime } = option;
      return ` ${ipv6_address(prefix)}/${prefix_length}, pref=${preference(flags)}, lifetime=${lifetime_text(lifetime)}`;
    }
  }
  if (option.type === 7 && option.data.length >= 6) return ` ${option.data.readUInt32BE(2)}ms`;
  if (option.type === 8 && option.data.length >= 6)
    return ` preference ${option.data.readUInt16BE(2)}, lifetime ${option.data.readUInt16BE(4)}`;
  return undefined;
}

/** @returns whole: false if an option is malformed, behind which nothing is told */
export function ndp_options_text(
  options: readonly NdpOption[],
  { verbose }: Style,
): { readonly shown: string; readonly whole: boolean } {
  let text = '';
  for (const option of options) {
    const { type, name, data } = option;
    if (name === 'malformed') return { shown: text, whole: false };
    const units = (data.length + 2) / UNIT;
    text += `\n\t  ${NAMES[type] ?? 'unknown'} option (${type}), length ${units * UNIT} (${units}): `;
    const known = values(option);
    // An option without words is shown as bytes. tcpdump, too, stops behind it unless -vv is given.
    if (known === undefined && verbose <= 1)
      return { shown: text + hexadecimal(data, '\n\t  '), whole: true };
    text += known ?? '';
    if (verbose > 1) text += hexadecimal(data, '\n\t    ');
  }
  return { shown: text, whole: true };
}
