// The text of ICMPv6 messages, in the words of tcpdump. The options of neighbour discovery are in ndp_options.ts, the messages
// of multicast listeners in multicast.ts.
import type { Layers } from '../../../../packet/index.js';
import { AF_INET6, inet_ntop } from '../../../../socket/index.js';
import { hexadecimal } from '../dump.js';
import { type Flags, flag_names, hex, ipv6_address } from '../names.js';
import type { Place } from '../place.js';
import { wrong_sum } from '../sums.js';
import { TCP } from '../transport/tcp.js';
import { UDP } from '../transport/udp.js';
import { listener_text } from './multicast.js';
import { ndp_options_text, preference } from './ndp_options.js';

const NUMBER = 58;
const HEADER = 8;
const CHECKSUM = 2;
/** Offsets in a quoted IPv6 header. */
const [SOURCE, DESTINATION, IPV6] = [8, 24, 40];
const EXTENSIONS: readonly number[] = [0, 43, 60];
const FRAGMENT = 44;

const NAMES: Readonly<Record<number, string>> = {
  1: 'destination unreachable',
  2: 'packet too big',
  3: 'time exceeded in-transit',
  4: 'parameter problem',
  128: 'echo request',
  129: 'echo reply',
  130: 'multicast listener query',
  131: 'multicast listener report',
  132: 'multicast listener done',
  133: 'router solicitation',
  134: 'router advertisement',
  135: 'neighbor solicitation',
  136: 'neighbor advertisement',
  137: 'redirect',
  138: 'router renumbering',
  139: 'node information query',
  140: 'node information reply',
  141: 'inverse neighbor solicitation',
  142: 'inverse neighbor advertisement',
  143: 'multicast listener report v2',
  144: 'ha discovery request',
  145: 'ha discovery reply',
  146: 'mobile router solicitation',
  147: 'mobile router advertisement',
  155: 'RPL',
  200: 'mtrace response',
  201: 'mtrace message',
};
/** The messages whose length stands behind the name with -v. */
const LENGTH_FIRST: readonly number[] = [133, 134, 135, 136, 137, 145, 147];
/** Messages of which only an identifier is told, and of which nothing is. */
const WITH_ID: readonly number[] = [144, 145, 146, 147];
const WITHOUT_VALUES: readonly number[] = [138, 139, 140, 141, 142, 155];
/** Those of which packets have no fields. */
const UNPARSED: readonly number[] = [...WITH_ID, ...WITHOUT_VALUES, 200, 201];
const UNREACHABLE: Readonly<Record<number, string>> = {
  0: 'unreachable route',
  1: ' unreachable prohibited',
  2: 'beyond scope',
  3: 'unreachable address',
  4: 'unreachable port',
};
const PROBLEMS = ['erroneous', 'next header', 'option', 'incomplete header chain'];
const ROUTER_FLAGS: Flags = [
  [0x80, 'managed'],
  [0x40, 'other stateful'],
  [0x20, 'home agent'],
  [0x02, 'ipv6 only'],
];
const NEIGHBOR_FLAGS: Flags = [
  [0x80, 'router'],
  [0x40, 'solicited'],
  [0x20, 'override'],
];

/** The text of a message. */
interface Shown {
  readonly text: string;
  /** Nothing follows, not even the length. */
  readonly ends?: boolean;
}

/** Returns an address of the quoted IPv6 header; undefined if the quotation breaks off in it. */
function quoted_address({ bytes }: Place, offset: number): string | undefined {
  const at = HEADER + offset;
  return bytes.length < at + 16 ? undefined : inet_ntop(AF_INET6, bytes.subarray(at, at + 16));
}

/** Returns ", ::1 udp port 53": the place that nobody serves; undefined if the quotation breaks off in front of it. */
function port_text(dst: string, { bytes }: Place): string | undefined {
  let at = HEADER + IPV6;
  let protocol = bytes[HEADER + 6] ?? 0;
  while (EXTENSIONS.includes(protocol) || protocol === FRAGMENT) {
    if (bytes.length < at + 8) return undefined;
    const size = protocol === FRAGMENT ? 8 : ((bytes[at + 1] ?? 0) + 1) * 8;
    protocol = bytes[at] ?? 0;
    at += size;
  }
  if (bytes.length < at + 4) return undefined;
  const port = bytes.readUInt16BE(at + 2);
  if (protocol === TCP) return `, ${dst} tcp port ${port}`;
  if (protocol === UDP) return `, ${dst} udp port ${port}`;
  return `, ${dst} protocol ${protocol} port ${port} unreachable`;
}

function unreachable(code: number, place: Place): Shown {
  const reason = `, ${UNREACHABLE[code] ?? `unknown unreach code (${code})`}`;
  if (UNREACHABLE[code] === undefined) {
    if (place.style.verbose > 1) return { text: reason };
    return { text: reason + hexadecimal(place.bytes, '\n\t'), ends: true };
  }
  const dst = quoted_address(place, DESTINATION);
  if (dst === undefined && code === 4) return { text: `${reason} [|icmp6]`, ends: true };
  if (dst === undefined) return { text: reason + place.broken('icmp6'), ends: true };
  if (code === 2) return { text: `${reason} ${dst}, source address ${quoted_address(place, SOURCE)}` };
  if (code !== 4) return { text: `${reason} ${dst}` };
  const port = port_text(dst, place);
  return port === undefined ? { text: `${reason} [|icmp6]`, ends: true } : { text: reason + port };
}

function time_exceeded(code: number, place: Place): Shown | undefined {
  if (code === 1) return { text: ' (reassembly)' };
  if (code !== 0) return { text: `, unknown code (${code})` };
  const dst = quoted_address(place, DESTINATION);
  return dst === undefined ? undefined : { text: ` for ${dst}` };
}

/** Returns the options, with -v. */
function with_options(text: string, message: Layers['icmpv6'], place: Place): Shown {
  if (place.style.verbose === 0 || !('options' in message)) return { text };
  const { shown, whole } = ndp_options_text(message.options, place.style);
  return whole ? { text: text + shown } : { text: `${text}${shown} [|icmp6]`, ends: true };
}

/** The text of a message that packets do not parse. */
function other_text(type: number, place: Place): Shown | undefined {
  const { style, bytes, length } = place;
  if (WITH_ID.includes(type)) {
    const is_told = style.verbose > 0 || !LENGTH_FIRST.includes(type);
    if (is_told && !place.holds(6)) return undefined;
    return { text: is_told ? `, id ${hex(bytes.readUInt16BE(4), 4)}` : '' };
  }
  if (WITHOUT_VALUES.includes(type)) return { text: '' };
  return { text: `, length ${length}${style.verbose > 1 ? '' : hexadecimal(bytes, '\n\t')}`, ends: true };
}

/** Messages of neighbour discovery of which nothing is told without -v. */
const WITHOUT_WORDS: readonly number[] = [133, 134];
const LISTENERS: readonly number[] = [130, 131, 132];
const [MLD, MLD2] = [24, 28];

/** The same for a message that is not whole, so that it has no fields. */
function broken_text({ type, code }: Layers['icmpv6'], place: Place): Shown | undefined {
  const { style, length } = place;
  if (type === 1) return unreachable(code, place);
  if (WITHOUT_WORDS.includes(type) && style.verbose === 0) return { text: '' };
  if (LISTENERS.includes(type)) {
    if (type !== 130 || length === MLD) return { text: '' };
    return {
      text: length < MLD2 ? ` unknown-version (len ${length}) ` : ` v2${place.broken('icmp6')}`,
      ends: length >= MLD2,
    };
  }
  return NAMES[type] === undefined || UNPARSED.includes(type) ? other_text(type, place) : undefined;
}

/** Returns the text behind the name of a message; undefined if the message breaks off in what is to be told. */
function message_text(message: Layers['icmpv6'], place: Place): Shown | undefined {
  const { style } = place;
  switch (message.name) {
    case 'destination_unreachable':
      return unreachable(message.code, place);
    case 'packet_too_big':
      return { text: `, mtu ${message.mtu}` };
    case 'time_exceeded':
      return time_exceeded(message.code, place);
    case 'parameter_problem': {
      const problem = PROBLEMS[message.code];
      if (quoted_address(place, DESTINATION) === undefined) return { text: ' [|icmp6]', ends: true };
      if (problem === undefined) return { text: `, code-#${message.code}` };
      return { text: `, ${problem} - octet ${message.pointer}` };
    }
    case 'echo':
    case 'echo_reply':
      return { text: `, id ${message.id}, seq ${message.seq}` };
    case 'multicast_listener_query':
    case 'multicast_listener_report':
    case 'multicast_listener_done':
    case 'multicast_listener_report_v2':
      return { text: listener_text(message, place) };
    case 'router_solicitation':
      return with_options('', message, place);
    case 'router_advertisement': {
      if (style.verbose === 0) return { text: '' };
      const { hop_limit, flags, router_lifetime, reachable_time, retrans_timer } = message;
      const times = `router lifetime ${router_lifetime}s, reachable time ${reachable_time}ms, retrans timer ${retrans_timer}ms`;
      const head = `\n\thop limit ${hop_limit}, Flags [${flag_names(ROUTER_FLAGS, flags)}], pref ${preference(flags)}`;
      return with_options(`${head}, ${times}`, message, place);
    }
    case 'neighbor_solicitation':
      return with_options(`, who has ${ipv6_address(message.target)}`, message, place);
    case 'neighbor_advertisement': {
      const flags = style.verbose > 0 ? `, Flags [${flag_names(NEIGHBOR_FLAGS, message.flags)}]` : '';
      return with_options(`, tgt is ${ipv6_address(message.target)}${flags}`, message, place);
    }
    case 'redirect':
      return with_options(
        `, ${ipv6_address(message.dst)} to ${ipv6_address(message.target)}`,
        message,
        place,
      );
  }
  return UNPARSED.includes(message.type) || NAMES[message.type] === undefined
    ? other_text(message.type, place)
    : broken_text(message, place);
}

export function icmpv6_text(message: Layers['icmpv6'], place: Place): string {
  const { style, length, network, bytes } = place;
  let text = '';
  if (style.verbose > 0 && network !== undefined && !network.is_fragment && place.holds(length)) {
    const wrong = wrong_sum(bytes.subarray(0, length), CHECKSUM, { network, protocol: NUMBER });
    text +=
      wrong === undefined
        ? '[icmp6 sum ok] '
        : `[bad icmp6 cksum ${hex(wrong.found, 4)} -> ${hex(wrong.right, 4)}!] `;
  }
  text += `ICMP6, ${NAMES[message.type] ?? `unknown icmp6 type (${message.type})`}`;
  const length_text = `, length ${length}`;
  if (style.verbose > 0 && LENGTH_FIRST.includes(message.type)) text += length_text;
  const shown = (message.cut === undefined ? message_text : broken_text)(message, place);
  if (shown === undefined) return text + place.broken('icmp6');
  return text + shown.text + (style.verbose > 0 || shown.ends ? '' : length_text);
}
