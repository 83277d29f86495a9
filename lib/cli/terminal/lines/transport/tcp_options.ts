// The text of TCP's options, in the words of tcpdump. Those of multipath TCP are in mptcp.ts.
import type { Layers, TcpOption } from '../../../../packet/index.js';
import { hex } from '../names.js';
import type { Place } from '../place.js';
import { mptcp_text } from './mptcp.js';

const NAMES: Readonly<Record<number, string>> = {
  0: 'eol',
  1: 'nop',
  2: 'mss',
  3: 'wscale',
  4: 'sackOK',
  5: 'sack',
  6: 'echo',
  7: 'echoreply',
  8: 'TS',
  11: 'cc',
  12: 'ccnew',
  13: '',
  19: 'md5',
  20: 'scps',
  28: 'uto',
  29: 'tcp-ao',
  30: 'mptcp',
  34: 'tfo',
  254: 'exp',
};
const FAST_OPEN = 0xf989;

/** The bytes that the data of an option have. Options of any size have no entry. */
const SIZES: Readonly<Record<number, number>> = {
  2: 2,
  3: 1,
  4: 0,
  6: 4,
  7: 4,
  8: 8,
  11: 4,
  12: 4,
  13: 4,
  19: 16,
  20: 2,
  28: 2,
};

/** Returns the values of an option; undefined if it is malformed. */
function values(type: number, data: Buffer, flags: number, sack_base: number): string | undefined {
  const number = () => ` ${data.length === 1 ? data[0] : data.readUIntBE(0, Math.min(4, data.length))}`;
  switch (type) {
    case 2:
    case 3:
    case 6:
    case 7:
    case 11:
    case 12:
    case 13:
      return number();
    case 0:
    case 1:
    case 4:
      return '';
    case 5:
      return sack(data, sack_base);
    case 8:
      return ` val ${data.readUInt32BE()} ecr ${data.readUInt32BE(4)}`;
    case 19:
      return ` shared secret not supplied with -M, can't check - ${data.toString('hex')}`;
    case 20:
      return ` cap ${data.toString('hex', 0, 1)} id ${data[1]}`;
    case 28:
      return user_timeout(data.readUInt16BE());
    case 29:
      return authentication(data);
    case 30:
      return mptcp_text(data, flags);
    case 34:
      return ` ${fast_open(data)}`;
    case 254:
      return experiment(data);
  }
  return data.length === 0 ? '' : ` 0x${data.toString('hex')}`;
}

function sack(data: Buffer, base: number): string | undefined {
  if (data.length % 8 !== 0) return ' (invalid)';
  let text = ` ${data.length / 8} `;
  for (let at = 0; at < data.length; at += 8) {
    const [left, right] = [data.readUInt32BE(at), data.readUInt32BE(at + 4)];
    text += `{${(left - base) >>> 0}:${(right - base) >>> 0}}`;
  }
  return text;
}

function user_timeout(bits: number): string {
  return ` ${hex(bits)} ${bits & 1 ? (bits >>> 1) * 60 : bits >>> 1}`;
}

function authentication(data: Buffer): string {
  if (data.length < 2) return ' (invalid)';
  const mac = data.length > 2 ? ` mac 0x${data.toString('hex', 2)}` : '';
  return ` keyid ${data[0]} rnextkeyid ${data[1]}${mac}`;
}

function fast_open(data: Buffer): string {
  if (data.length === 0) return ' cookiereq';
  if (data.length % 2 !== 0 || data.length < 4 || data.length > 16) return ' (invalid)';
  return ` cookie ${data.toString('hex')}`;
}

function experiment(data: Buffer): string | undefined {
  if (data.length < 2) return undefined;
  const magic = data.readUInt16BE();
  if (magic === FAST_OPEN) return `-tfo${fast_open(data.subarray(2))}`;
  return `-${data.toString('hex', 0, 2)}`;
}

/** Returns the text of an option; undefined if it is malformed. */
function option_text({ type, name, data }: TcpOption, flags: number, sack_base: number): string | undefined {
  if (name === 'malformed') return undefined;
  const size = SIZES[type];
  const length = type === 0 || type === 1 ? '' : `[len ${data.length + 2}]`;
  if (size !== undefined && data.length < size) return undefined;
  const text = values(type, size === undefined ? data : data.subarray(0, size), flags, sack_base);
  if (text === undefined) return undefined;
  return text + (size !== undefined && data.length > size ? length : '');
}

/**
 * Returns ", options [mss 1460,nop,…]".
 *
 * @param sack_base the number that is taken off those of SACK blocks
 * @returns whole: false if an option is malformed, behind which nothing is told
 */
export function tcp_options_text(
  { options, flags, data_offset }: Layers['tcp'],
  place: Place,
  sack_base: number,
): { readonly shown: string; readonly whole: boolean } {
  let text = ', options [';
  for (const [i, option] of options.entries()) {
    if (i > 0) text += ',';
    const name = option.name === 'malformed' ? '' : (NAMES[option.type] ?? `unknown-${option.type}`);
    const shown = option_text(option, flags, sack_base);
    if (shown === undefined) {
      if (!place.holds(data_offset)) return { shown: text + name + place.broken('tcp'), whole: false };
      return { shown: `${text}${name}[bad opt]${i > 0 ? ']' : ''}`, whole: false };
    }
    text += name + shown;
  }
  if (!place.holds(data_offset)) return { shown: text + place.broken('tcp'), whole: false };
  return { shown: `${text}]`, whole: true };
}
