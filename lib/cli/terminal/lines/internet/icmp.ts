// The text of ICMP messages, in the words of tcpdump. With -v, an error is followed by the packet that it quotes, and by the
// extensions of RFC 4884: icmp_extensions.ts.
import type { Layers } from '../../../../packet/index.js';
import { hex } from '../names.js';
import type { Place } from '../place.js';
import { wrong_sum } from '../sums.js';
import { TCP } from '../transport/tcp.js';
import { UDP } from '../transport/udp.js';
import { icmp_cut_text } from './cut.js';
import { icmp_extensions_text } from './icmp_extensions.js';
import { ipv4_header_missing } from './missing.js';

type Message<Name extends Layers['icmp']['name']> = Extract<Layers['icmp'], { readonly name: Name }>;

const HEADER = 8;
const CHECKSUM = 2;
/** Offsets in a quoted IPv4 header. */
const [PROTOCOL, DESTINATION, LEAST] = [9, 16, 20];
const ROUTER_ADVERTISEMENT = 9;
const ERRORS: readonly number[] = [3, 4, 5, 11, 12];

/** The text of each code of "destination unreachable" but of 2 to 4, around the address. */
const UNREACHABLE: readonly (readonly [before: string, after: string])[] = [
  ['net ', ' unreachable'],
  ['host ', ' unreachable'],
  ['', ''],
  ['', ''],
  ['', ''],
  ['', ' unreachable - source route failed'],
  ['net ', ' unreachable - unknown'],
  ['host ', ' unreachable - unknown'],
  ['', ' unreachable - source host isolated'],
  ['net ', ' unreachable - admin prohibited'],
  ['host ', ' unreachable - admin prohibited'],
  ['net ', ' unreachable - tos prohibited'],
  ['host ', ' unreachable - tos prohibited'],
  ['host ', ' unreachable - admin prohibited filter'],
  ['host ', ' unreachable - host precedence violation'],
  ['host ', ' unreachable - precedence cutoff'],
];
/** Messages without values. */
const NAMES: Readonly<Record<number, string>> = {
  0: 'echo reply',
  4: 'source quench',
  8: 'echo request',
  10: 'router solicitation',
  13: 'time stamp request',
  14: 'time stamp reply',
  15: 'information request',
  16: 'information reply',
  17: 'address mask request',
};
const REDIRECTS = [
  'redirect $ to net',
  'redirect $ to host',
  'redirect-tos $ to net',
  'redirect-tos $ to host',
];

/** Returns the destination of the quoted packet; undefined if the quotation breaks off in front of it. */
function quoted_destination({ bytes }: Place): string | undefined {
  const at = HEADER + DESTINATION;
  return bytes.length < at + 4 ? undefined : bytes.subarray(at, at + 4).join('.');
}

/** Returns "10.0.0.2 udp port 53 unreachable". */
function port_text(dst: string, { bytes }: Place): string | undefined {
  const at = HEADER + ((bytes[HEADER] ?? 0) & 15) * 4;
  if (bytes.length < at + 4) return undefined;
  const port = bytes.readUInt16BE(at + 2);
  const protocol = bytes[HEADER + PROTOCOL];
  if (protocol === TCP) return `${dst} tcp port ${port} unreachable`;
  if (protocol === UDP) return `${dst} udp port ${port} unreachable`;
  return `${dst} protocol ${protocol} port ${port} unreachable`;
}

function unreachable(
  { code, next_hop_mtu }: Message<'destination_unreachable'>,
  place: Place,
): string | undefined {
  const dst = quoted_destination(place);
  if (dst === undefined) return undefined;
  if (code === 2) return `${dst} protocol ${place.bytes[HEADER + PROTOCOL]} unreachable`;
  if (code === 3) return port_text(dst, place);
  if (code === 4)
    return `${dst} unreachable - need to frag${next_hop_mtu > 0 ? ` (mtu ${next_hop_mtu})` : ''}`;
  const [before, after] = UNREACHABLE[code] ?? ['', ` unreachable - #${code}`];
  return before + dst + after;
}

function redirect({ code, gateway }: Message<'redirect'>, place: Place): string | undefined {
  const dst = quoted_destination(place);
  if (dst === undefined) return undefined;
  return `${(REDIRECTS[code] ?? `redirect-#${code} $ to`).replace('$', dst)} ${gateway}`;
}

function lifetime_text(lifetime: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes, seconds] = [
    Math.floor(lifetime / 3600),
    Math.floor(lifetime / 60) % 60,
    lifetime % 60,
  ];
  if (lifetime < 60) return String(lifetime);
  return hours === 0 ? `${minutes}:${two(seconds)}` : `${hours}:${two(minutes)}:${two(seconds)}`;
}

/** Returns a time of day in milliseconds as "01:02:03.004". */
function time_of_day(ms: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const seconds = Math.floor(ms / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return `${two(hours)}:${two(minutes)}:${two(seconds % 60)}.${String(ms % 1000).padStart(3, '0')}`;
}

/** Returns the text of a message; undefined if it breaks off in what is to be told. */
function message_text(message: Layers['icmp'], place: Place): string | undefined {
  switch (message.name) {
    case 'echo':
    case 'echo_reply':
      return `echo ${message.name === 'echo' ? 'request' : 'reply'}, id ${message.id}, seq ${message.seq}`;
    case 'destination_unreachable':
      return unreachable(message, place);
    case 'redirect':
      return redirect(message, place);
    case 'router_advertisement': {
      const { lifetime, count, addresses } = message;
      if (addresses.length < count) return undefined;
      const shown = addresses.map(({ address, preference }) => ` {${address} ${preference >>> 0}}`).join('');
      return `router advertisement lifetime ${lifetime_text(lifetime)} ${count}:${shown}`;
    }
    case 'time_exceeded':
      if (!place.holds(HEADER + LEAST)) return undefined;
      if (message.code === 0) return 'time exceeded in-transit';
      return message.code === 1 ? 'ip reassembly time exceeded' : `time exceeded-#${message.code}`;
    case 'parameter_problem':
      if (message.code !== 0) return `parameter problem - code ${message.code}`;
      return `parameter problem - octet ${message.pointer}`;
    case 'address_mask_reply':
      return `address mask is ${hex(place.bytes.readUInt32BE(HEADER), 8)}`;
    case 'timestamp':
      return `time stamp query id ${message.id} seq ${message.seq}`;
    case 'timestamp_reply': {
      const { id, seq, originate, receive, transmit } = message;
      const times = `org ${time_of_day(originate)}, recv ${time_of_day(receive)}, xmit ${time_of_day(transmit)}`;
      return `time stamp reply id ${id} seq ${seq}: ${times}`;
    }
  }
  if (message.type === ROUTER_ADVERTISEMENT && place.holds(HEADER)) {
    const [count, size] = place.bytes.subarray(4);
    return `router advertisement lifetime ${lifetime_text(place.bytes.readUInt16BE(6))} ${count}: [size ${size}]`;
  }
  return NAMES[message.type] ?? `type-#${message.type}`;
}

export function icmp_text(message: Layers['icmp'], place: Place): string {
  const { style, length, bytes, network } = place;
  if (message.cut !== undefined) return icmp_cut_text(place);
  const shown = message_text(message, place);
  if (shown === undefined) return icmp_cut_text(place);
  let text = `ICMP ${shown}, length ${length}`;
  if (style.verbose === 0) return text;
  if (!network?.is_fragment && place.holds(length)) {
    const wrong = wrong_sum(bytes.subarray(0, length), CHECKSUM);
    if (wrong !== undefined)
      text += ` (wrong icmp cksum ${wrong.found.toString(16)} (->${wrong.right.toString(16)})!)`;
  }
  if (!ERRORS.includes(message.type)) return text;
  text += '\n\t';
  if (!place.holds(HEADER + 4)) return text + place.broken('icmp');
  const total = bytes.readUInt16BE(HEADER + 2);
  const quoted = place.quoted('quoted' in message ? message.quoted : [], HEADER, total);
  const is_ipv4 = quoted.layer?.layer === 'ipv4';
  text += (is_ipv4 ? quoted.text() : undefined) ?? ipv4_header_missing(quoted);
  return text + icmp_extensions_text(message.type, place);
}
