// The text of headers of which too little is there to be a layer, in the words of tcpdump, which tells a header as far as it goes.
import { AF_INET6, inet_ntop } from '../../../../socket/index.js';
import { flag_names, hex } from '../names.js';
import type { Place } from '../place.js';
import { GRE_FLAGS } from './gre_flags.js';

const [GRE_VERSION, CHECKSUM, KEY, SEQ] = [7, 0x8000, 0x2000, 0x1000];

export function gre_cut_text(place: Place): string {
  if (!place.holds(2)) return ' [|gre]';
  const flags = place.bytes.readUInt16BE();
  const version = flags & GRE_VERSION;
  if (version > 1) return `GREv${version} ERROR: unknown-version`;
  const { bytes, style } = place;
  let text = `GREv${version}${style.verbose > 0 ? `, Flags [${flag_names(GRE_FLAGS, flags)}]` : ''}`;
  let at = 4;
  // Fields are told as far as they are there.
  if ((flags & CHECKSUM) !== 0 && version === 0) {
    if (style.verbose > 0 && bytes.length >= at + 2) text += `, sum ${hex(bytes.readUInt16BE(at))}`;
    if (bytes.length < at + 4) return `${text} [|gre]`;
    text += `, off ${hex(bytes.readUInt16BE(at + 2))}`;
    at += 4;
  }
  if ((flags & KEY) !== 0 && bytes.length >= at + 4) {
    const key = bytes.readUInt32BE(at);
    text += version === 0 ? `, key=${hex(key)}` : `, call ${key & 0xffff}`;
    at += 4;
    if ((flags & SEQ) !== 0 && bytes.length >= at + 4) text += `, seq ${bytes.readUInt32BE(at)}`;
  }
  return `${text} [|gre]`;
}

const IGMP_QUERY = 0x11;
const IGMP_NAMED: readonly number[] = [IGMP_QUERY, 0x12, 0x13, 0x14, 0x16, 0x17, 0x1e, 0x1f];
const IGMP_REPORT = 0x22;

export function igmp_cut_text(place: Place): string {
  const [type] = place.bytes;
  if (type === undefined) return place.broken('igmp');
  if (place.style.quiet > 0) return 'igmp';
  if (type === IGMP_REPORT) return `igmp v3 report [invalid len ${place.length}]`;
  if (!IGMP_NAMED.includes(type)) return `igmp-${type}`;
  if (type !== IGMP_QUERY) return place.broken('igmp');
  const [, code] = place.bytes;
  const time =
    code === undefined || place.length >= 12
      ? ''
      : code === 0
        ? ' v1'
        : ` v2${code === 100 ? '' : ` [max resp time ${code}]`}`;
  return `igmp query${time}${place.broken('igmp')}`;
}

/** The fields of a routing header with the offset behind each. */
export function routing_cut_text(place: Place): string {
  const { bytes } = place;
  const [, length, type, left] = bytes;
  let text = 'RT6';
  if (length !== undefined) text += ` (len=${length}`;
  if (type !== undefined) text += `, type=${type}${type === 0 ? ' [Deprecated]' : ''}`;
  if (left !== undefined) text += `, segleft=${left}`;
  if (type === 4 && bytes.length > 5) {
    text += `, last-entry=${bytes[4]}`;
    if ((bytes[5] ?? 0) > 0 || place.style.verbose > 0) text += `, flags=${hex(bytes[5] ?? 0)}`;
    if (bytes.length > 7) text += `, tag=${bytes.readUInt16BE(6).toString(16)}`;
  } else if ((type === 0 || type === 2) && bytes.length > 7) {
    const reserved = bytes.readUInt32BE(4);
    if (reserved > 0 || place.style.verbose > 0) text += `, rsv=${hex(reserved)}`;
  }
  if (type === 0 || type === 2 || type === 4) {
    for (let at = 8; at + 16 <= bytes.length; at += 16)
      text += `, [${at / 16 - 0.5}]${inet_ntop(AF_INET6, bytes.subarray(at, at + 16))}`;
  }
  return text + place.broken('rt6');
}

/** The fields of an authentication header as far as they are there. */
export function ah_cut_text(place: Place): string {
  const { bytes, style } = place;
  if (bytes.length < 2) return `${bytes.length === 0 ? '' : 'AH'}${place.broken('ah')}`;
  const size = ((bytes[1] ?? 0) + 2) * 4;
  let text = `AH(${style.verbose > 0 ? `length=${bytes[1]}(${size}-bytes),` : ''}`;
  const reserved = bytes.length >= 4 ? bytes.readUInt16BE(2) : 0;
  if (reserved > 0) text += `reserved=${hex(reserved)}[MustBeZero],`;
  if (bytes.length >= 8) text += `spi=${hex(bytes.readUInt32BE(4), 8)},`;
  if (bytes.length >= 12)
    text += `seq=${hex(bytes.readUInt32BE(8))},icv=0x${bytes.toString('hex', 12, size)}`;
  return text + place.broken('ah');
}

/** A fragment header, and nothing behind it. */
export function fragment_cut_text(place: Place): string {
  if (!place.holds(8)) return place.broken('frag6');
  const offset = place.bytes.readUInt16BE(2) & 0xfff8;
  const id = place.style.verbose > 0 ? `${hex(place.bytes.readUInt32BE(4), 8)}:` : '';
  return `frag (${id}${offset}|${place.length - 8})${offset === 0 ? ' ' : ''}`;
}

/** ICMP messages whose size tcpdump checks at once: it then still knows where the link-layer header ends. */
const ICMP_FIXED_BODY: readonly (number | undefined)[] = [9, 11];

export function icmp_cut_text(place: Place): string {
  return ICMP_FIXED_BODY.includes(place.bytes[0]) ? ' [|icmp]' : place.broken('icmp');
}
