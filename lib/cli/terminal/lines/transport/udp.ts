// The text of UDP datagrams, in the words of tcpdump. Protocols of known ports follow as layers of their own.
import type { Layers } from '../../../../packet/index.js';
import { hex } from '../names.js';
import type { Place } from '../place.js';
import { udp_service_text } from '../service/index.js';
import { wrong_sum } from '../sums.js';

export const UDP = 17;
const HEADER = 8;
const CHECKSUM = 6;
const MAX_LENGTH = 0xffff;

/** Returns the text of a UDP header that is not whole: its ports, if these are there. */
export function udp_cut_text(place: Place): string {
  if (!place.holds(4)) return `${place.endpoints(UDP)} [|udp]`;
  const start = place.endpoints(UDP, place.bytes.readUInt16BE(), place.bytes.readUInt16BE(2));
  return start + (place.length < HEADER ? `truncated-udp ${place.length}` : ' [|udp]');
}

export function udp_text(udp: Layers['udp'], place: Place): string {
  if (udp.cut !== undefined) return udp_cut_text(place);
  const { style, length, network } = place;
  const start = place.endpoints(UDP, udp.src_port, udp.dst_port);
  const total = udp.length === 0 && length > MAX_LENGTH ? length : udp.length;
  if (total < HEADER) return `${start}truncated-udplength ${total}`;
  const size = total - HEADER;
  const data = place.next(HEADER, Math.min(size, length - HEADER));
  const is_bad = size > data.length && !network?.is_fragment;
  const plain = is_bad ? `UDP, bad length ${size} > ${data.length}` : `UDP, length ${size}`;
  const verdict = checksum_text(udp.checksum, place, data.length + HEADER);
  if (style.quiet > 0) return start + verdict + plain;
  return start + verdict + (udp_service_text(udp.src_port, udp.dst_port, data) ?? data.text() ?? plain);
}

/** Returns "[udp sum ok] ", with -vv, or with -v in IPv6. */
function checksum_text(checksum: number, place: Place, covered: number): string {
  const { style, network } = place;
  if (style.unchecked || network === undefined || network.is_fragment) return '';
  if (style.verbose < (network.version === 4 ? 2 : 1)) return '';
  if (network.version === 4 && checksum === 0) return '[no cksum] ';
  if (!place.holds(covered)) return '';
  const wrong = wrong_sum(place.bytes.subarray(0, covered), CHECKSUM, { network, protocol: UDP });
  if (wrong === undefined) return '[udp sum ok] ';
  return `[bad udp cksum ${hex(checksum, 4)} -> ${hex(wrong.right, 4)}!] `;
}
