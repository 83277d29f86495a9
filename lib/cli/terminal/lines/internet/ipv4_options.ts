// The text of IPv4's options, in the words of tcpdump.
import type { Ipv4Option } from '../../../../packet/index.js';

const NAMES: Readonly<Record<number, string>> = {
  0: 'EOL',
  1: 'NOP',
  7: 'RR',
  68: 'timestamp',
  82: 'traceroute',
  130: 'security',
  131: 'LSRR',
  137: 'SSRR',
  148: 'RA',
};
const TIMESTAMPS: Readonly<Record<number, string>> = { 0: 'TSONLY', 1: 'TS+ADDR', 3: 'PRESPEC' };
const WITHOUT_LENGTH: readonly number[] = [0, 1];

const address = (data: Buffer, at: number) => data.subarray(at, at + 4).join('.');

// Offsets of pointers count from 1, at the option's type; `data` begins behind type and length.

function route(data: Buffer): string {
  const length = data.length + 2;
  if (data.length < 1) return ` [bad length ${length}]`;
  let text = (length + 1) & 3 ? ` [bad length ${length}]` : '';
  const pointer = (data[0] ?? 0) - 1;
  if (pointer < 3 || (pointer + 1) & 3 || pointer > length + 1) text += ` [bad ptr ${data[0]}]`;
  for (let at = 3; at < length; at += 4) {
    if (at + 4 > length) return `${text} [truncated-option]`;
    text += ` ${address(data, at - 2)}${pointer > at ? ',' : ''}`;
  }
  return text;
}

function timestamps(data: Buffer): string {
  const length = data.length + 2;
  if (data.length < 2) return `[bad length ${length}]`;
  const [pointer_field = 0, bits = 0] = data;
  const flag = bits & 15;
  const size = flag === 0 ? 4 : 8;
  const pointer = pointer_field - 1;
  let text = (length - 4) & (size - 1) ? `[bad length ${length}]` : '';
  if (pointer < 4 || (pointer - 4) & (size - 1) || pointer > length + 1) text += `[bad ptr ${pointer_field}]`;
  text += TIMESTAMPS[flag] ?? `[bad ts type ${flag}]`;
  let at = 0;
  if (TIMESTAMPS[flag] !== undefined) {
    for (at = 4; at < length && at + size <= length; at += size) {
      const where = size === 8 ? address(data, at - 2) : '';
      text += `${pointer === at ? ' ^ ' : ' '}${data.readUInt32BE(at + size - 6)}@${where}`;
    }
  }
  if (pointer === at) text += ' ^ ';
  return ` TS{${text}${bits >>> 4 ? ` [${bits >>> 4} hops not recorded]} ` : '}'}`;
}

function option_text({ type, name, data }: Ipv4Option): string {
  const title = NAMES[type] ?? `unknown ${type}`;
  if (WITHOUT_LENGTH.includes(type)) return title;
  if (name === 'malformed') return `${title} [bad length ${data[1] ?? 0}]`;
  if (type === 68) return title + timestamps(data);
  if (type === 7 || type === 131 || type === 137) return title + route(data);
  if (type !== 148) return title;
  if (data.length < 2) return `${title} [bad length ${data.length + 2}]`;
  const value = data.readUInt16BE();
  return value === 0 ? title : `${title} value ${value}`;
}

/** Returns "RR 10.0.0.1, 0.0.0.0,EOL": the options with their values. */
export function ipv4_options_text(options: readonly Ipv4Option[]): string {
  return options.map(option_text).join(',');
}
