// The text of the options of multipath TCP, RFC 8684, in the words of tcpdump. A malformed one is told as far as it goes.
import { AF_INET6, inet_ntop } from '../../../../socket/index.js';

const [SYN, ACK] = [0x02, 0x10];
const NAMES = ['capable', 'join', 'dss', 'add-addr', 'rem-addr', 'prio', 'fail', 'fast-close'];

/** Returns a number of 8 bytes in hexadecimal, without leading zeros. */
const hex64 = (data: Buffer, at: number) => `0x${data.readBigUInt64BE(at).toString(16)}`;
const hex32 = (data: Buffer, at: number) => `0x${data.readUInt32BE(at).toString(16)}`;

/** The text of an option; `bad` if it is malformed behind that text. */
interface Text {
  readonly text: string;
  readonly bad?: boolean;
}
const BAD: Text = { text: '', bad: true };

// Offsets in `data` begin behind type and length; sizes count them, as the option's length field does.

function capable(data: Buffer, size: number, flags: number): Text {
  const in_syn = (size === 12 || size === 4) && (flags & SYN) !== 0;
  const in_ack = (size === 20 || size === 22) && (flags & (SYN | ACK)) === ACK;
  if (!in_syn && !in_ack) return BAD;
  const version = (data[0] ?? 0) & 15;
  if (version > 1) return { text: ` Unknown Version (${version})` };
  const keys = size >= 12 ? ` {${hex64(data, 2)}${size >= 20 ? `,${hex64(data, 10)}` : ''}}` : '';
  return { text: ` v${version}${(data[1] ?? 0) & 0x80 ? ' csum' : ''}${keys}` };
}

function join(data: Buffer, size: number, flags: number): Text {
  const is_first = size === 12 && (flags & SYN) !== 0;
  const is_second = size === 16 && (flags & (SYN | ACK)) === (SYN | ACK);
  if (size === 24 && (flags & ACK) !== 0) return { text: ` hmac 0x${data.toString('hex', 2)}` };
  if (!is_first && !is_second) return BAD;
  const head = `${(data[0] ?? 0) & 1 ? ' backup' : ''} id ${data[1]}`;
  if (is_first) return { text: `${head} token ${hex32(data, 2)} nonce ${hex32(data, 6)}` };
  return { text: `${head} hmac ${hex64(data, 2)} nonce ${hex32(data, 10)}` };
}

function sequence_signal(data: Buffer, _: number, flags: number): Text {
  if (data.length < 2 || (flags & SYN) !== 0) return BAD;
  const bits = data[1] ?? 0;
  let text = bits & 0x10 ? ' fin' : '';
  let at = 2;
  // Takes the next number of the option, if it has one, and tells it behind its name.
  const tell = (
    name: string,
    size: 2 | 4 | 8,
    show: (value: number | bigint) => string = String,
  ): boolean => {
    if (at + size > data.length) return false;
    const value = size === 8 ? data.readBigUInt64BE(at) : data.readUIntBE(at, size);
    text += ` ${name} ${show(value)}`;
    at += size;
    return true;
  };
  const is_whole = () => {
    if (bits & 0x01 && !tell('ack', bits & 0x02 ? 8 : 4)) {
      text += ' ack ';
      return false;
    }
    if (!(bits & 0x04)) return true;
    if (!tell('seq', bits & 0x08 ? 8 : 4)) {
      text += ' seq ';
      return false;
    }
    if (!tell('subseq', 4) || !tell('len', 2)) return false;
    tell('csum', 2, (value) => `0x${value.toString(16)}`);
    return true;
  };
  const bad = !is_whole() || at !== data.length;
  return { text, bad };
}

function add_address(data: Buffer, size: number): Text {
  const is_ipv6 = size >= 20;
  const address_size = is_ipv6 ? 16 : 4;
  const left = size - 4 - address_size;
  if (![0, 2, 8, 10].includes(left)) return BAD;
  const kind = { 6: 'v0-ip6', 4: 'v0-ip4', 1: 'v1-echo', 0: 'v1' }[(data[0] ?? 0) & 15];
  const raw = data.subarray(2, 2 + address_size);
  const address = is_ipv6 ? inet_ntop(AF_INET6, raw) : raw.join('.');
  const port = left === 2 || left === 10 ? `:${data.readUInt16BE(2 + address_size)}` : '';
  const mac = left >= 8 ? ` hmac ${hex64(data, data.length - 8)}` : '';
  return { text: ` ${kind ?? '[bad version/echo]'} id ${data[1]} ${address}${port}${mac}` };
}

function remove_address(data: Buffer, size: number): Text {
  return size < 4 ? BAD : { text: ` id ${data.subarray(1).join(' ')}` };
}

function priority(data: Buffer, size: number): Text {
  if (size !== 3 && size !== 4) return BAD;
  return { text: `${(data[0] ?? 0) & 1 ? ' backup' : ' non-backup'}${size === 4 ? ` id ${data[1]}` : ''}` };
}

const TEXTS = [
  capable,
  join,
  sequence_signal,
  add_address,
  remove_address,
  priority,
  (data: Buffer, size: number) => (size === 12 ? { text: ` seq ${data.readBigUInt64BE(2)}` } : BAD),
  (data: Buffer, size: number) => (size === 12 ? { text: ` key ${hex64(data, 2)}` } : BAD),
];

/**
 * Returns " 12 capable v1 …".
 *
 * @param data the option without type and length
 * @param flags those of the segment
 */
export function mptcp_text(data: Buffer, flags: number): Text {
  const size = data.length + 2;
  if (data.length === 0) return BAD;
  const subtype = (data[0] ?? 0) >>> 4;
  const { text, bad = false } = TEXTS[subtype]?.(data, size, flags) ?? { text: '' };
  return { text: ` ${size} ${NAMES[subtype] ?? 'unknown'}${text}`, bad };
}
