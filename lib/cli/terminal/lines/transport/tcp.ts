// The text of TCP segments, in the words of tcpdump. The options are in tcp_options.ts.
import type { Layers } from '../../../../packet/index.js';
import { caret, type Flags, flag_names, hex } from '../names.js';
import type { Place } from '../place.js';
import { tcp_service_text } from '../service/index.js';
import { wrong_sum } from '../sums.js';
import { tcp_options_text } from './tcp_options.js';

export const TCP = 6;
const HEADER = 20;
const CHECKSUM = 16;
const [FIN, SYN, RST, ACK, URG] = [0x01, 0x02, 0x04, 0x10, 0x20];
const FLAGS: Flags = [
  [FIN, 'F'],
  [SYN, 'S'],
  [RST, 'R'],
  [0x08, 'P'],
  [ACK, '.'],
  [URG, 'U'],
  [0x40, 'E'],
  [0x80, 'W'],
];
/** Bytes of a reset's data that are told. */
const RESET_DATA = 30;

/** Returns the text of a TCP header that is not whole: its ports, if these are there. */
export function tcp_cut_text(place: Place): string {
  if (!place.holds(4)) return `${place.network?.src} > ${place.network?.dst}: [|tcp]`;
  return `${place.endpoints(TCP, place.bytes.readUInt16BE(), place.bytes.readUInt16BE(2))} [|tcp]`;
}

export function tcp_text(tcp: Layers['tcp'], place: Place): string {
  const { style, length, network } = place;
  if (tcp.cut !== undefined) return tcp_cut_text(place);
  const { src_port, dst_port, data_offset, flags } = tcp;
  const start = place.endpoints(TCP, src_port, dst_port);
  if (data_offset < HEADER) {
    const size = (length - data_offset) >>> 0;
    return `${start} tcp ${size} [bad hdr length ${data_offset} - too short, < ${HEADER}]`;
  }
  const too_long = data_offset > length ? ` [bad hdr length ${data_offset} - too long, > ${length}]` : '';
  if (style.quiet > 0) return `${start}tcp ${(length - data_offset) >>> 0}${too_long}`;
  let text = `${start}Flags [${flag_names(FLAGS, flags & 0xff, '')}]`;
  let numbers = { seq: tcp.seq, ack: tcp.ack, sack_base: 0 };
  if (style.sequences !== undefined && (flags & ACK) !== 0 && network !== undefined) {
    const [src, dst] = [
      { host: network.src, port: src_port },
      { host: network.dst, port: dst_port },
    ];
    numbers = style.sequences.relative(src, dst, (flags & SYN) !== 0, tcp.seq, tcp.ack);
  }
  if (too_long) return text + too_long;
  text += checksum_text(tcp.checksum, place);
  const size = length - data_offset;
  if (style.verbose > 1 || size > 0 || (flags & (SYN | FIN | RST)) !== 0) {
    text += `, seq ${numbers.seq}${size > 0 ? `:${(numbers.seq + size) >>> 0}` : ''}`;
  }
  if ((flags & ACK) !== 0) text += `, ack ${numbers.ack}`;
  text += `, win ${tcp.window}`;
  if ((flags & URG) !== 0) text += `, urg ${tcp.urgent}`;
  if (data_offset > HEADER) {
    const options = tcp_options_text(place, data_offset, {
      flags,
      sack_base: numbers.sack_base,
      whole: place.holds(length),
    });
    text += options.text;
    if (!options.whole) return text;
  }
  text += `, length ${size}`;
  if (size === 0) return text;
  if (!place.holds(data_offset)) {
    text += ` [remaining caplen(${place.bytes.length}) < header length(${data_offset})]`;
    return text + place.broken('tcp');
  }
  const data = place.next(data_offset, size);
  if ((flags & RST) !== 0 && style.verbose > 0) return text + reset_text(data);
  const service = tcp_service_text(src_port, dst_port, data);
  if (service !== undefined) return text + service;
  const carried = data.text();
  return carried === undefined ? text : `${text} ${carried}`;
}

/** Returns ", cksum 0x1234 (correct)", with -v. */
function checksum_text(checksum: number, place: Place): string {
  const { style, network, length } = place;
  if (style.verbose === 0 || style.unchecked || network === undefined) return '';
  if (network.is_fragment || !place.holds(length)) return '';
  const wrong = wrong_sum(place.bytes.subarray(0, length), CHECKSUM, { network, protocol: TCP });
  return `, cksum ${hex(checksum, 4)} (${wrong === undefined ? 'correct' : `incorrect -> ${hex(wrong.right, 4)}`})`;
}

/** Returns the data of a reset, which say its reason: RFC 9293, 3.5.3. */
function reset_text({ bytes, length }: Place): string {
  const shown = caret(bytes.subarray(0, RESET_DATA));
  return ` [${bytes.length >= length ? '' : '!'}RST${length > RESET_DATA ? '+' : ''} ${shown}]`;
}
