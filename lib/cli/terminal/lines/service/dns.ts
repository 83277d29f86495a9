// A message of DNS as tcpdump tells it: a line, with -v the owners of records, with -vv all sections. The names are in dns_names.ts, the
// questions and records in dns_records.ts.
import type { Place } from '../place.js';
import { INVALID, walked } from '../walk.js';
import { behind_name } from './dns_names.js';
import { extended_rcode, type Message, say_question, say_record } from './dns_records.js';

const OPCODES = [
  ...['', ' inv_q', ' stat', ' op3', ' notify', ' update', ' op6', ' op7', ' op8'],
  ...[' updateA', ' updateD', ' updateDA', ' updateM', ' updateMA', ' zoneInit', ' zoneRef'],
];
const RCODES = [
  ...['', ' FormErr', ' ServFail', ' NXDomain', ' NotImp', ' Refused', ' YXDomain', ' YXRRSet', ' NXRRSet'],
  ...[' NotAuth', ' NotZone', ' Resp11', ' Resp12', ' Resp13', ' Resp14', ' NoChange', ' BadVers', 'Resp17'],
  ...[' Resp18', ' Resp19', ' Resp20', 'Resp21', ' Resp22', ' BadCookie'],
];
const INVERSE_QUERY = 1;
const HEADER = 12;
const [QR, AA, TC, RD, RA, AD, CD] = [0x8000, 0x400, 0x200, 0x100, 0x80, 0x20, 0x10];
/** Bits of the flags that a query does not have. */
const WEIRD = 0x6cf;

/** Tells records, the first behind `word`. @returns the offset behind them; undefined if not all are there */
function say_records(message: Message, start: number, count: number, word = ''): number | undefined {
  const { walk } = message;
  let at: number | undefined = start;
  for (let i = 0; i < count; i++) {
    // Answers are always begun, so that a header without records is told as cut.
    if (at >= walk.end && (i > 0 || word !== '')) return undefined;
    walk.say(i === 0 ? word : ',');
    at = say_record(message, at);
    if (at === undefined) return undefined;
  }
  return at;
}

/** Tells the sections behind the answers, with -vv. @returns whether they are whole */
function say_rest(message: Message, start: number, authorities: number, additionals: number): boolean {
  const at = say_records(message, start, authorities, ' ns:');
  return at !== undefined && say_records(message, at, additionals, ' ar:') !== undefined;
}

/** Tells the questions of a response with -vv, else leaves them out. @returns the offset behind them; undefined if one breaks off */
function pass_questions(message: Message, start: number, count: number): number | undefined {
  const { walk } = message;
  let at = start;
  for (let i = 0; i < count; i++) {
    if (i > 0) walk.say(',');
    if (walk.verbose > 1) walk.say(' q:');
    const name = walk.verbose > 1 ? undefined : behind_name(walk, at);
    const next = walk.verbose > 1 ? say_question(message, at) : name && name + 4;
    if (next === undefined) return undefined;
    at = next;
  }
  return at;
}

/** @returns whether the message is whole */
function say_response(message: Message, flags: number, counts: readonly number[]): boolean {
  const { walk, start } = message;
  const [questions = 0, answers = 0, authorities = 0, additionals = 0] = counts;
  const rcode = (flags & 0xf) | (extended_rcode(walk, start + HEADER, counts) << 4);
  const bit = (mask: number, text: string): string => (flags & mask ? text : '');
  const bits = bit(AA, '*') + (flags & RA ? '' : '-') + bit(TC, '|') + bit(AD, '$');
  const opcode = OPCODES[(flags >>> 11) & 0xf];
  walk.say(`${walk.u16(start)}${opcode}${RCODES[rcode] ?? ` Resp${rcode}`}${bits}`);
  if (questions !== 1) walk.say(` [${questions}q]`);
  const first = pass_questions(message, start + HEADER, questions);
  if (first === undefined) return false;
  walk.say(` ${answers}/${authorities}/${additionals}`);
  const at = say_records(message, first, answers);
  return at !== undefined && (walk.verbose < 2 || say_rest(message, at, authorities, additionals));
}

/** @returns whether the message is whole */
function say_query(message: Message, flags: number, counts: readonly number[]): boolean {
  const { walk, start } = message;
  const [questions = 0, answers = 0, authorities = 0, additionals = 0] = counts;
  const opcode = (flags >>> 11) & 0xf;
  const count = (number: number, usual: number, letter: string) =>
    number === usual ? '' : ` [${number}${letter}]`;
  const first =
    opcode === INVERSE_QUERY
      ? count(questions, 0, 'q') + count(answers, 1, 'a')
      : count(answers, 0, 'a') + count(questions, 1, 'q');
  const weird = flags & WEIRD ? ` [b2&3=0x${flags.toString(16)}]` : '';
  const bits = (flags & RD ? '+' : '') + (flags & CD ? '%' : '');
  const others = count(authorities, 0, 'n') + count(additionals, 0, 'au');
  walk.say(`${walk.u16(start)}${OPCODES[opcode]}${bits}${weird}${first}${others}`);
  let at = start + HEADER;
  for (let i = 0; i < questions; i++) {
    const next = i > 0 && at >= walk.end ? undefined : say_question(message, at);
    if (next === undefined) return false;
    at = next;
  }
  if (walk.verbose < 2) return true;
  const next = say_records(message, at, answers);
  return next !== undefined && say_rest(message, next, authorities, additionals);
}

/** Tells the message from `start` on. @param length of the message by the headers below */
function say_message(message: Message, length: number): void {
  const { walk, start } = message;
  if (length < HEADER) {
    walk.say(`domain [length ${length} < ${HEADER}]`);
    walk.invalid();
  }
  if (!walk.has(start, HEADER)) walk.cut();
  const flags = walk.u16(start + 2);
  const counts = [4, 6, 8, 10].map((offset) => walk.u16(start + offset));
  const is_whole = flags & QR ? say_response(message, flags, counts) : say_query(message, flags, counts);
  if (is_whole) walk.say(` (${length})`);
  else walk.cut();
}

/** Returns "1+ A? example.com. (29)", or "1 1/0/0 A 192.0.2.1 (45)" for a response. */
export function dns_text(place: Place): string {
  return walked(place, 'domain', (walk) =>
    say_message({ walk, start: 0, is_multicast: false }, place.length),
  );
}

/** The same for multicast DNS, where a bit of the class has a meaning of its own. */
export function multicast_dns_text(place: Place): string {
  return walked(place, 'domain', (walk) => say_message({ walk, start: 0, is_multicast: true }, place.length));
}

/** Returns, behind a space, the text of a message behind a TCP header: a segment has one, behind its length. */
export function tcp_dns_text(place: Place): string {
  return walked(place, 'domain', (walk) => {
    if (place.length < 2) walk.stop(` [DNS over TCP: length ${place.length} < 2]${INVALID}`);
    const [given, size] = [walk.u16(0), place.length - 2];
    if (given !== size) walk.stop(` [prefix length(${given}) != length(${size})]${INVALID}`);
    walk.say(' ');
    say_message({ walk, start: 2, is_multicast: false }, size);
  });
}
