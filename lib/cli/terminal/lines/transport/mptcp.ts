// The text of the options of multipath TCP, RFC 8684, in the words of tcpdump.
import { AF_INET6, inet_ntop } from '../../../../socket/index.js';

const [SYN, ACK] = [0x02, 0x10];
const NAMES = ['capable', 'join', 'dss', 'add-addr', 'rem-addr', 'prio', 'fail', 'fast-close'];

/** Returns a number of 8 bytes in hexadecimal, without leading zeros. */
const hex64 = (data: Buffer, at: number) => `0x${data.readBigUInt64BE(at).toString(16)}`;
const hex32 = (data: Buffer, at: number) => `0x${data.readUInt32BE(at).toString(16)}`;

// Offsets in `data` begin behind type and length; sizes count them, as the option's length field does.

function capable(data: Buffer, size: number, flags: number): string | undefined {
  const in_syn = (size === 12 || size === 4) && (flags & SYN) !== 0;
  const in_ack = (size === 20 || size === 22) && (flags & (SYN | ACK)) === ACK;
  if (!in_syn && !in_ack) return undefined;
  const version = (data[0] ?? 0) & 15;
  if (version > 1) return ` Unknown Version (${version})`;
  const keys = size >= 12 ? ` {${hex64(data, 2)}${size >= 20 ? `,${hex64(data, 10)}` : ''}}` : '';
  return ` v${version}${(data[1] ?? 0) & 0x80 ? ' csum' : ''}${keys}`;
}

function join(data: Buffer, size: number, flags: number): string | undefined {
  const is_first = size === 12 && (flags & SYN) !== 0;
  const is_second = size === 16 && (flags & (SYN | ACK)) === (SYN | ACK);
  if (size === 24 && (flags & ACK) !== 0) return ` hmac 0x${data.toString('hex', 2)}`;
  if (!is_first && !is_second) return undefined;
  const head = `${(data[0] ?? 0) & 1 ? ' backup' : ''} id ${data[1]}`;
  if (is_first) return `${head} token ${hex32(data, 2)} nonce ${hex32(data, 6)}`;
  return `${head} hmac ${hex64(data, 2)} nonce ${hex32(data, 10)}`;
}

function sequence_signal(data: Buffer, _: number, flags: number): string | undefined {
  if (data.length < 2 || (flags & SYN) !== 0) return undefined;
  const bits = data[1] ?? 0;
  let text = bits & 0x10 ? ' fin' : '';
  let at = 2;
  const number = (is_long: boolean): string | undefined => {
    const size = is_long ? 8 : 4;
    if (at + size > data.length) return undefined;
    at += size;
    return String(is_long ? data.readBigUInt64BE(at - 8) : data.readUInt32BE(at - 4));
  };
  if (bits & 0x01) {
    const ack = number((bits & 0x02) !== 0);
    if (ack === undefined) return undefined;
    text += ` ack ${ack}`;
  }
  if (bits & 0x04) {
    const [seq, subseq] = [number((bits & 0x08) !== 0), number(false)];
    if (seq === undefined || subseq === undefined || at + 2 > data.length) return undefined;
    text += ` seq ${seq} subseq ${subseq} len ${data.readUInt16BE(at)}`;
    at += 2;
    if (at + 2 <= data.length) {
      text += ` csum 0x${data.readUInt16BE(at).toString(16)}`;
      at += 2;
    }
  }
  return at === data.length ? text : undefined;
}

function add_address(data: Buffer, size: number): string | undefined {
  const is_ipv6 = size >= 20;
  const address_size = is_ipv6 ? 16 : 4;
  const left = size - 4 - address_size;
  if (![0, 2, 8, 10].includes(left)) return undefined;
  const kind = { 6: 'v0-ip6', 4: 'v0-ip4', 1: 'v1-echo', 0: 'v1' }[(data[0] ?? 0) & 15];
  const raw = data.subarray(2, 2 + address_size);
  const address = is_ipv6 ? inet_ntop(AF_INET6, raw) : raw.join('.');
  const port = left === 2 || left === 10 ? `:${data.readUInt16BE(2 + address_size)}` : '';
  const mac = left >= 8 ? ` hmac ${hex64(data, data.length - 8)}` : '';
  return ` ${kind ?? '[bad version/echo]'} id ${data[1]} ${address}${port}${mac}`;
}

function remove_address(data: Buffer, size: number): string | undefined {
  return size < 4 ? undefined : ` id ${data.subarray(1).join(' ')}`;
}

function priority(data: Buffer, size: number): string | undefined {
  if (size !== 3 && size !== 4) return undefined;
  return `${(data[0] ?? 0) & 1 ? ' backup' : ' non-backup'}${size === 4 ? ` id ${data[1]}` : ''}`;
}

const TEXTS = [
  capable,
  join,
  sequence_signal,
  add_address,
  remove_address,
  priority,
  (data: Buffer, size: number) => (size === 12 ? ` seq ${data.readBigUInt64BE(2)}` : undefined),
  (data: Buffer, size: number) => (size === 12 ? ` key ${hex64(data, 2)}` : undefined),
];

/**
 * Returns " 12 capable v1 …"; undefined for a malformed option.
 *
 * @param data the option without type and length
 * @param flags those of the segment
 */
export function mptcp_text(data: Buffer, flags: number): string | undefined {
  const size = data.length + 2;
  if (data.length === 0) return undefined;
  const subtype = (data[0] ?? 0) >>> 4;
  const text = TEXTS[subtype];
  const shown = text === undefined ? '' : text(data, size, flags);
  return shown === undefined ? undefined : ` ${size} ${NAMES[subtype] ?? 'unknown'}${shown}`;
}
