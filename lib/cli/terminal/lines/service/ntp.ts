// A message of NTP as tcpdump tells it: a line, with -v its times and what a control message asks.
import { caret } from '../names.js';
import type { Place } from '../place.js';
import { INVALID, type Walk, walked } from '../walk.js';

const MODES: readonly string[] = [
  ...['unspecified', 'symmetric active', 'symmetric passive', 'Client', 'Server', 'Broadcast'],
  ...['Control Message', 'Reserved'],
];
const [CONTROL, RESERVED] = [6, 7];
const LEAPS: Readonly<Record<number, string>> = {
  0: '',
  64: '+1s',
  128: '-1s',
  192: 'clock unsynchronized',
};
/** Offsets of times, and their words. */
const TIMES = [
  ['Reference Timestamp:  ', 16],
  ['Originator Timestamp: ', 24],
  ['Receive Timestamp:    ', 32],
  ['Transmit Timestamp:   ', 40],
] as const;
const [ORIGINATOR, RECEIVE, TRANSMIT] = [24, 32, 40];
const TIME_MESSAGE = 48;
const CONTROL_MESSAGE = 12;
const KEY = 4;
/** Bytes of digests behind a key. */
const DIGESTS: readonly number[] = [16, 20];
/** Seconds from 1900, where NTP begins to count, to 1970. */
const EPOCH = 2_208_988_800;
const FRACTION = 2 ** 32;
const BILLION = 1_000_000_000;

const signed_byte = (walk: Walk, at: number): number => (walk.u8(at) << 24) >> 24;
const decimals = (fraction: number): string =>
  String(Math.floor((fraction / FRACTION) * BILLION)).padStart(9, '0');

function time_text(walk: Walk, at: number): string {
  const [seconds, fraction] = [walk.u32(at), walk.u32(at + 4)];
  const date = new Date((seconds - EPOCH) * 1000).toISOString().replace(/\.\d+/, '');
  return `${seconds}.${decimals(fraction)}${seconds === 0 ? '' : ` (${date})`}`;
}

/** Returns the difference of two times; if the first one is not set, the second one. */
function difference_text(walk: Walk, first: number, second: number): string {
  const difference = walk.u64(second) - walk.u64(first);
  if (walk.u64(first) === 0n) return time_text(walk, second);
  const size = difference < 0n ? -difference : difference;
  const sign = difference > 0n ? '+' : '-';
  return `${sign}${size >> 32n}.${decimals(Number(size & 0xffff_ffffn))}`;
}

/** Returns a number with 16 bits behind the point. */
function fixed_text(walk: Walk, at: number): string {
  const parts = Math.floor((walk.u16(at + 2) / 65_536) * 1_000_000);
  return `${walk.u16(at)}.${String(parts).padStart(6, '0')}`;
}

function poll_text(exponent: number): string {
  if (exponent <= -32 || exponent >= 32) return '';
  return exponent >= 0 ? ` (${2 ** exponent}s)` : ` (1/${2 ** -exponent}s)`;
}

function stratum_name(stratum: number): string {
  if (stratum < 2) return stratum === 0 ? 'unspecified' : 'primary reference';
  return stratum < 16 ? 'secondary reference' : 'reserved';
}

/** Returns what the reference identifier says, which depends on the stratum; strata of requests for information end the message. */
function reference_text(walk: Walk, stratum: number): { text: string; is_last: boolean } {
  switch (stratum) {
    case 0:
      return { text: '(unspec)', is_last: false };
    case 1:
      return { text: caret(walk.bytes.subarray(12, 16)), is_last: false };
    case 62:
      return { text: `${walk.ipv4(12)} INFO_QUERY`, is_last: true };
    case 63:
      return { text: `${walk.ipv4(12)} INFO_REPLY`, is_last: true };
  }
  return { text: `0x${walk.hex(12, 4)}`, is_last: false };
}

/** Tells what is behind the times. */
function say_rest(walk: Walk, length: number): void {
  const more = length - TIME_MESSAGE;
  if (more === KEY || DIGESTS.includes(more - KEY)) {
    walk.say(`\n\tKey id: ${walk.u32(TIME_MESSAGE)}`);
    if (more === KEY) return;
    if (!walk.has(TIME_MESSAGE + KEY, more - KEY)) walk.cut();
    walk.say(`\n\tAuthentication: ${walk.hex(TIME_MESSAGE + KEY, more - KEY)}`);
  } else if (more > 0) walk.say(`\n\t(${more} more bytes after the header)`);
}

/** A message that is shorter than its kind is invalid, and cut as well if not even that is there. */
function say_invalid(walk: Walk, length: number): never {
  walk.say(INVALID);
  walk.stop(walk.has(0, length) ? '' : ' [|ntp]');
}

function say_times(walk: Walk, length: number): void {
  if (length < TIME_MESSAGE) say_invalid(walk, length);
  const stratum = walk.u8(1);
  walk.say(`, Stratum ${stratum} (${stratum_name(stratum)})`);
  const poll = signed_byte(walk, 2);
  walk.say(`, poll ${poll}${poll_text(poll)}`);
  walk.say(`, precision ${signed_byte(walk, 3)}`);
  if (!walk.has(4, 4)) walk.cut();
  walk.say(`\n\tRoot Delay: ${fixed_text(walk, 4)}`);
  if (!walk.has(8, 4)) walk.cut();
  walk.say(`, Root dispersion: ${fixed_text(walk, 8)}`);
  if (!walk.has(12, 4)) walk.cut();
  const { text, is_last } = reference_text(walk, stratum);
  walk.say(`, Reference-ID: ${text}`);
  if (is_last) return;
  for (const [words, at] of TIMES) {
    if (!walk.has(at, 8)) walk.cut();
    walk.say(`\n\t  ${words}${time_text(walk, at)}`);
  }
  walk.say(`\n\t    Originator - Receive Timestamp:  ${difference_text(walk, ORIGINATOR, RECEIVE)}`);
  walk.say(`\n\t    Originator - Transmit Timestamp: ${difference_text(walk, ORIGINATOR, TRANSMIT)}`);
  say_rest(walk, length);
}

function say_control(walk: Walk, length: number): void {
  if (length < CONTROL_MESSAGE) say_invalid(walk, length);
  const bits = walk.u8(1);
  const [answer, error, more] = [bits & 0x80, bits & 0x40, bits & 0x20];
  walk.say(`, ${answer ? 'Response' : 'Request'}, ${error ? 'Error' : 'OK'}, ${more ? 'More' : 'Last'}`);
  walk.say(`, OpCode=${bits & 0x1f}\n`);
  walk.say(`\tSequence=${walk.u16(2)}`);
  const status = walk.u16(4);
  walk.say(`, Status=${status === 0 ? '0' : `0x${status.toString(16)}`}`);
  walk.say(`, Assoc.=${walk.u16(6)}`);
  walk.say(`, Offset=${walk.u16(8)}`);
  const count = walk.u16(10);
  walk.say(`, Count=${count}`);
  if (CONTROL_MESSAGE + count > length) say_invalid(walk, length);
  if (count === 0) return;
  if (walk.has(CONTROL_MESSAGE, count)) walk.say('\n\tTO-BE-DONE: data not interpreted');
  else walk.cut();
}

/** Returns "NTPv4, Client, length 48". */
export function ntp_text(place: Place): string {
  const { length, style } = place;
  return walked(place, 'ntp', (walk) => {
    const bits = walk.u8(0);
    const mode = bits & 7;
    walk.say(`NTPv${(bits >>> 3) & 7}, ${MODES[mode]}, length ${length}`);
    if (style.verbose === 0) return;
    walk.say(`\n\tLeap indicator: ${LEAPS[bits & 0xc0]} (${bits & 0xc0})`);
    if (mode === CONTROL) say_control(walk, length);
    else if (mode !== RESERVED) say_times(walk, length);
  });
}
