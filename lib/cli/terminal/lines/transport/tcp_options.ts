// The text of TCP's options, in the words of tcpdump. It is made of the bytes, since a malformed option is told as far as it goes.
// The options of multipath TCP are in mptcp.ts.
import { hex } from '../names.js';
import type { Place } from '../place.js';
import { mptcp_text } from './mptcp.js';

const [EOL, NOP] = [0, 1];
const HEADER = 20;
const FAST_OPEN = 0xf989;

/** The text of the data of an option; `bad` if it is malformed behind that text. */
export interface Values {
  readonly text: string;
  readonly bad?: boolean;
}

interface Kind {
  readonly name: string;
  /** The bytes that the data have; left out: as many as the option says. */
  readonly size?: number;
  values?(data: Buffer, segment: Segment): Values;
}

/** What the text of an option depends on beside its data. */
interface Segment {
  readonly flags: number;
  /** The number that is taken off those of SACK blocks. */
  readonly sack_base: number;
  /** Whether all of its data are there. */
  readonly whole: boolean;
}

const number: Kind['values'] = (data) => ({ text: ` ${data.readUIntBE(0, data.length)}` });

const KINDS: Readonly<Record<number, Kind>> = {
  [EOL]: { name: 'eol', size: 0 },
  [NOP]: { name: 'nop', size: 0 },
  2: { name: 'mss', size: 2, values: number },
  3: { name: 'wscale', size: 1, values: number },
  4: { name: 'sackOK', size: 0 },
  5: { name: 'sack', values: sack },
  6: { name: 'echo', size: 4, values: number },
  7: { name: 'echoreply', size: 4, values: number },
  8: {
    name: 'TS',
    size: 8,
    values: (data) => ({ text: ` val ${data.readUInt32BE()} ecr ${data.readUInt32BE(4)}` }),
  },
  11: { name: 'cc', size: 4, values: number },
  12: { name: 'ccnew', size: 4, values: number },
  13: { name: '', size: 4, values: number },
  19: {
    name: 'md5',
    size: 16,
    values: (data, { whole }) => ({
      text: ` ${whole ? 'shared secret not supplied with -M' : 'snaplen too short'}, can't check - ${data.toString('hex')}`,
    }),
  },
  20: {
    name: 'scps',
    size: 2,
    values: (data) => ({ text: ` cap ${data.toString('hex', 0, 1)} id ${data[1]}` }),
  },
  28: { name: 'uto', size: 2, values: user_timeout },
  29: { name: 'tcp-ao', values: authentication },
  30: { name: 'mptcp', values: (data, { flags }) => mptcp_text(data, flags) },
  34: { name: 'tfo', values: (data) => ({ text: ` ${fast_open(data)}` }) },
  254: { name: 'exp', values: experiment },
};

function kind_of(type: number): Kind {
  const values = (data: Buffer) => ({ text: data.length === 0 ? '' : ` 0x${data.toString('hex')}` });
  return KINDS[type] ?? { name: `unknown-${type}`, values };
}

function sack(data: Buffer, { sack_base }: Segment): Values {
  if (data.length % 8 !== 0) return { text: ' (invalid)' };
  let text = ` ${data.length / 8} `;
  for (let at = 0; at < data.length; at += 8) {
    const [left, right] = [data.readUInt32BE(at), data.readUInt32BE(at + 4)];
    text += `{${(left - sack_base) >>> 0}:${(right - sack_base) >>> 0}}`;
  }
  return { text };
}

function user_timeout(data: Buffer): Values {
  const bits = data.readUInt16BE();
  return { text: ` ${hex(bits)} ${bits & 1 ? (bits >>> 1) * 60 : bits >>> 1}` };
}

function authentication(data: Buffer): Values {
  if (data.length < 2) return { text: ' (invalid)' };
  const mac = data.length > 2 ? ` mac 0x${data.toString('hex', 2)}` : '';
  return { text: ` keyid ${data[0]} rnextkeyid ${data[1]}${mac}` };
}

function fast_open(data: Buffer): string {
  if (data.length === 0) return ' cookiereq';
  if (data.length % 2 !== 0 || data.length < 4 || data.length > 16) return ' (invalid)';
  return ` cookie ${data.toString('hex')}`;
}

function experiment(data: Buffer): Values {
  if (data.length < 2) return { text: '', bad: true };
  if (data.readUInt16BE() === FAST_OPEN) return { text: `-tfo${fast_open(data.subarray(2))}` };
  return { text: `-${data.toString('hex', 0, 2)}` };
}

/** The text of options, and whether they are whole: behind a malformed one nothing is told. */
export interface OptionsText {
  readonly text: string;
  readonly whole: boolean;
}

/**
 * Returns ", options [mss 1460,nop,…]".
 *
 * @param place that of the segment
 * @param data_offset where the options end
 */
export function tcp_options_text(place: Place, data_offset: number, segment: Segment): OptionsText {
  const { bytes } = place;
  let text = ', options [';
  let at = HEADER;
  let left = data_offset - HEADER;
  for (let first = true; left > 0; first = false) {
    if (!first) text += ',';
    const end = first ? '' : ']';
    const type = bytes[at];
    if (type === undefined) return { text: text + place.broken('tcp'), whole: false };
    const head = type <= NOP ? 1 : 2;
    const length = head === 1 ? 1 : bytes[at + 1];
    if (length === undefined) return { text: text + place.broken('tcp'), whole: false };
    if (length < head || length > left) return { text: `${text}[bad opt]${end}`, whole: false };
    at += head;
    left -= head;
    const { name, size = length - head, values } = kind_of(type);
    text += name;
    if (size > left) return { text: `${text}[bad opt]${end}`, whole: false };
    if (at + size > bytes.length) return { text: `${text} [|tcp]${first ? '' : '>'}`, whole: false };
    const shown = values?.(bytes.subarray(at, at + size), segment);
    text += shown?.text ?? '';
    if (shown?.bad) return { text: `${text}[bad opt]${end}`, whole: false };
    at += size;
    left -= size;
    if (size + head !== length) text += `[len ${length}]`;
    if (type === EOL) break;
  }
  return { text: `${text}]`, whole: true };
}
