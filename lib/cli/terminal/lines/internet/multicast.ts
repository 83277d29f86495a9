// The text of IGMP and of the multicast listener messages of ICMPv6, in the words of tcpdump.
import type { Layers } from '../../../../packet/index.js';
import { duration } from '../names.js';
import type { Place, Style } from '../place.js';
import { wrong_sum } from '../sums.js';
import { type Walk, walked } from '../walk.js';

const RECORDS = ['', 'is_in', 'is_ex', 'to_in', 'to_ex', 'allow', 'block'];
const VERSION1_RESPONSE = 100;

/** Returns the value of a number with three bits of exponent and `bits` of mantissa, RFC 3376, 4.1.1. */
function exponential(code: number, bits: number): number {
  if (code < 1 << (bits + 3)) return code;
  const mantissa = (code & ((1 << bits) - 1)) | (1 << bits);
  return mantissa << (((code >>> bits) & 7) + 3);
}

function sources_text(sources: readonly string[], style: Style): string {
  if (style.verbose <= 1) return `, ${sources.length} source(s)`;
  return ` {${sources.map((each) => ` ${each}`).join('')} }`;
}

/** How the records of a report are told, by the size of their addresses. */
const REPORTS = { 4: ['v3', 'igmp'], 16: ['v2', 'icmp6'] } as const;

/** Tells a record. @returns the offset behind it; undefined if it goes beyond the message */
function say_record(walk: Walk, at: number, size: 4 | 16): number | undefined {
  const { length } = walk.place;
  const head = 4 + size;
  if (length < at + head) {
    walk.say(' [invalid number of groups]');
    return undefined;
  }
  const address = (from: number) => (size === 4 ? walk.ipv4(from) : walk.ipv6(from));
  walk.say(` [gaddr ${address(at + 4)}`);
  const type = walk.u8(at);
  walk.say(` ${RECORDS[type] || ` [${REPORTS[size][0]}-report-#${type}]`}`);
  const count = walk.u16(at + 2);
  if (length < at + head + count * size) {
    walk.say(` [invalid number of sources ${count}]`);
    return undefined;
  }
  if (walk.verbose === 1) walk.say(`, ${count} source(s)`);
  else {
    walk.say(' {');
    for (let i = 0; i < count; i++) walk.say(` ${address(at + head + i * size)}`);
    walk.say(' }');
  }
  walk.say(']');
  return at + head + count * size;
}

function records_text(count: number, place: Place, size: 4 | 16): string {
  return walked(place, REPORTS[size][1], (walk) => {
    walk.say(`, ${count} group record(s)`);
    if (walk.verbose === 0) return;
    let at: number | undefined = 8;
    for (let i = 0; i < count && at !== undefined; i++) at = say_record(walk, at, size);
  });
}

function query_text(query: Extract<Layers['igmp'], { readonly name: 'query' }>, place: Place): string {
  const { code, group, version3 } = query;
  const has_group = group !== '0.0.0.0';
  if (place.length < 12) {
    const delay = code === 0 ? ' v1' : ` v2${code === VERSION1_RESPONSE ? '' : ` [max resp time ${code}]`}`;
    return `${delay}${has_group ? ` [gaddr ${group}]` : ''}${place.length === 8 ? '' : ` [len ${place.length}]`}`;
  }
  let text = ' v3';
  if (place.length & 3) return `${text} [invalid len ${place.length}]`;
  if (code !== VERSION1_RESPONSE) {
    const time = exponential(code, 4);
    text += ` [max resp time ${time < 600 ? `${(time / 10).toFixed(1)}s` : duration(Math.floor(time / 10))}]`;
  }
  if (!has_group) return text;
  text += ` [gaddr ${group}`;
  if (version3 === undefined && !place.holds(12)) return text + place.broken('igmp');
  if (version3 === undefined) return `${text} [invalid number of sources]]`;
  return `${text}${version3.sources.length > 0 ? sources_text(version3.sources, place.style) : ''}]`;
}

function message_text(message: Layers['igmp'], place: Place): string {
  const wrong_size = place.length === 8 ? '' : ` [len ${place.length}]`;
  switch (message.name) {
    case 'query':
      return `igmp query${query_text(message, place)}`;
    case 'report_v1':
      return `igmp v1 report ${message.group}${wrong_size}`;
    case 'report':
      return `igmp v2 report ${message.group}`;
    case 'leave':
      return `igmp leave ${message.group}`;
    case 'report_v3': {
      if (place.length < 16 || place.length & 3) return `igmp v3 report [invalid len ${place.length}]`;
      return `igmp v3 report${records_text(message.count, place, 4)}`;
    }
  }
  return `igmp-${message.type}`;
}

export function igmp_text(message: Layers['igmp'], place: Place): string {
  const { style } = place;
  if (style.quiet > 0) return 'igmp';
  if (message.cut !== undefined) return place.broken('igmp');
  const text = message_text(message, place);
  if (style.verbose === 0 || !place.holds(place.length)) return text;
  const wrong = wrong_sum(place.bytes.subarray(0, place.length), 2);
  return wrong === undefined ? text : `${text} bad igmp cksum ${wrong.found.toString(16)}!`;
}

type Listener = Extract<Layers['icmpv6'], { readonly name: `multicast_listener_${string}` }>;
const MLD = 24;
const MLD2 = 28;

/** Returns the text behind the name of a multicast listener message. */
export function listener_text(message: Listener, place: Place): string {
  const { style, length } = place;
  if (message.name === 'multicast_listener_report_v2') {
    return records_text(message.count, place, 16);
  }
  const { maximum_response_delay: code, group } = message;
  if (message.name !== 'multicast_listener_query' || length === MLD) {
    return place.holds(MLD) ? `max resp delay: ${code} addr: ${group}` : '';
  }
  if (length < MLD2) return ` unknown-version (len ${length}) `;
  const { version2 } = message;
  let text = ` v2${style.verbose > 0 ? ` [max resp delay=${exponential(code, 12)}]` : ''} [gaddr ${group}`;
  if (version2 === undefined) return `${text} [invalid number of sources]]`;
  const { flags, interval_code, sources } = version2;
  if (style.verbose > 0) {
    text += `${flags & 8 ? ' sflag' : ''}${flags & 7 ? ` robustness=${flags & 7}` : ''}`;
    text += ` qqi=${exponential(interval_code, 4)}`;
  }
  return `${text}${sources.length > 0 ? sources_text(sources, style) : ''}]`;
}
