// The text of GRE with what it carries, in the words of tcpdump.
import type { Layers } from '../../../../packet/index.js';
import { ETHERTYPES, flag_names, hex } from '../names.js';
import type { Place } from '../place.js';
import { gre_cut_text } from './cut.js';
import { GRE_FLAGS } from './gre_flags.js';
import { ipv4_header_missing, ipv6_header_missing } from './missing.js';

const [VERSION, KEY, SEQ, ACK] = [7, 0x2000, 0x1000, 0x0080];
const HEADER = 4;
const LABEL = 4;
const [IPV4, IPV6, MPLS, PPP, ETHERNET] = [0x0800, 0x86dd, 0x8847, 0x880b, 0x6558];
const CARRIED = [IPV4, IPV6, MPLS, ETHERNET];

/** Returns the text behind the header: of what it carries. */
function carried(protocol: number, inner: Place): string {
  if (!CARRIED.includes(protocol)) return `gre-proto-${hex(protocol)}`;
  const text = inner.text();
  if (text !== undefined) return text;
  if (protocol === IPV4) return ipv4_header_missing(inner);
  if (protocol === IPV6) return ipv6_header_missing(inner);
  if (protocol !== MPLS) return ' [|ether]';
  return `MPLS${inner.length < LABEL ? ' (invalid)' : inner.broken('mpls')}`;
}

/** Returns the fields of version 1, of PPTP, and the size of the header, if that is whole. */
function version1(flags: number, { bytes }: Place): { text: string; size?: number } {
  let size = HEADER;
  let text = '';
  for (const [flag, name] of [
    [KEY, 'call'],
    [SEQ, 'seq'],
    [ACK, 'ack'],
  ] as const) {
    if ((flags & flag) === 0) continue;
    if (bytes.length < size + 4) return { text };
    const value = bytes.readUInt32BE(size);
    text += `, ${name} ${flag === KEY ? value & 0xffff : value}`;
    size += 4;
  }
  return { text, size };
}

export function gre_text(gre: Layers['gre'], place: Place): string {
  const { style, length } = place;
  const { flags, protocol, checksum, offset, key, seq } = gre;
  const version = flags & VERSION;
  let text = `GREv${version}`;
  if (version > 1) return `${text} ERROR: unknown-version`;
  if (style.verbose > 0) text += `, Flags [${flag_names(GRE_FLAGS, flags)}]`;
  if (gre.cut !== undefined) return gre_cut_text(place);
  let size = HEADER;
  if (version === 1) {
    const fields = version1(flags, place);
    text += fields.text;
    if (fields.size === undefined) return `${text} [|gre]`;
    size = fields.size;
    if ((flags & SEQ) === 0) text += ', no-payload';
  } else {
    if (checksum !== undefined) {
      text += `${style.verbose > 0 ? `, sum ${hex(checksum)}` : ''}, off ${hex(offset ?? 0)}`;
      size += 4;
    }
    if (key !== undefined) text += `, key=${hex(key)}`;
    if (seq !== undefined) text += `, seq ${seq}`;
    size += (key === undefined ? 0 : 4) + (seq === undefined ? 0 : 4);
  }
  if (style.link) text += `, proto ${ETHERTYPES[protocol] ?? 'unknown'} (${hex(protocol, 4)})`;
  text += `, length ${length}`;
  if (version === 1 && (flags & SEQ) === 0) return text;
  text += style.verbose > 0 ? '\n\t' : ': ';
  if (version === 1)
    return text + (protocol === PPP ? (place.next(size).text() ?? '') : `gre-proto-${hex(protocol)}`);
  return text + carried(protocol, place.next(size));
}
