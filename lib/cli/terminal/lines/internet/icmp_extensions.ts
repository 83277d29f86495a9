// The text of the extensions behind the packet that an ICMP error quotes, RFC 4884, in the words of tcpdump.
import { checksum } from '../../../../packet/index.js';
import { hexadecimal } from '../dump.js';
import { hex } from '../names.js';
import type { Place } from '../place.js';

const EXTENDED: readonly number[] = [3, 11, 12];
/** Extensions begin behind the header of 8 bytes and 128 bytes of the quoted packet. */
const START = 136;
const LENGTH_AT = 5;
const LEAST = 141;
const VERSION = 2;
const OBJECT = 4;
const NAMES: Readonly<Record<number, string>> = { 1: 'MPLS Stack Entry', 2: 'Interface Identification' };

/** Returns the first label of a stack. */
function label_text(entry: number): string {
  const end = entry & 0x100 ? ', [S]' : '';
  return `\n\t    label ${entry >>> 12}, tc ${(entry >>> 9) & 7}${end}, ttl ${entry & 255}`;
}

function objects_text(bytes: Buffer, size: number): string {
  let text = '';
  let left = size;
  let at = 0;
  while (left > OBJECT && bytes.length >= at + OBJECT) {
    const [length, class_number = 0, type = 0] = [bytes.readUInt16BE(at), bytes[at + 2], bytes[at + 3]];
    text += `\n\t  ${NAMES[class_number] ?? 'unknown'} Object (${class_number}), Class-Type: ${type}, length ${length}`;
    at += OBJECT;
    left -= OBJECT;
    if (class_number === 0 || length < OBJECT) return text;
    const data = bytes.subarray(at, at + length - OBJECT);
    if (class_number === 1 && type === 1) {
      if (bytes.length < at + 4) return text;
      text += label_text(bytes.readUInt32BE(at));
    } else text += hexadecimal(data, '\n\t    ');
    if (left < length - OBJECT) break;
    left -= length - OBJECT;
    at += length - OBJECT;
  }
  return text;
}

/** Returns the extensions of a message of a type, each on a line; '' without any. */
export function icmp_extensions_text(type: number, place: Place): string {
  const { bytes, length } = place;
  if (!EXTENDED.includes(type) || length <= START) return '';
  if (bytes.length < LEAST) return ' [|icmp]';
  const size = length - START;
  const is_whole = place.holds(length);
  const sum = is_whole ? checksum(bytes.subarray(START, length)) : 0;
  // Of a message that does not say that it has extensions, these are believed only if their checksum is right.
  if (bytes[LENGTH_AT] === 0 && is_whole && sum !== 0) return '';
  const version = (bytes[START] ?? 0) >>> 4;
  const text = `\n\tICMP Multi-Part extension v${version}`;
  if (version !== VERSION) return `${text} packet not supported`;
  const verdict = `checksum ${hex(bytes.readUInt16BE(START + 2), 4)} (${sum === 0 ? '' : 'in'}correct)`;
  const head = is_whole ? `${text}, ${verdict}, length ${size}` : text;
  return head + objects_text(bytes.subarray(START + 4), size - 4);
}
