// DNS, RFC 1035: over UDP, and over TCP behind a length. Multicast DNS (RFC 6762) and LLMNR (RFC 4795) have the same messages.
//
// records.ts has the records, names.ts the names and their compression, message.ts the positions, options.ts EDNS.
import { array, integer } from '../../../util/validate.js';
import { read_cut } from '../../bytes/cut.js';
import { type Ends, type FieldNames, type Fields, field_names, maker } from '../../bytes/fields.js';
import type { Input, Parser } from '../../bytes/input.js';
import { encoded, message_protocol, push, type Raw } from '../../bytes/message.js';
import type { Output } from '../../bytes/output.js';
import type { AnyDraft } from '../../layer_types.js';
import type { Protocol } from '../../registry.js';
import { Reader, Writer } from './message.js';
import { classes, types } from './numbers.js';
import {
  type DnsQuestion,
  type DnsRecord,
  type DnsRecordFields,
  read_question,
  read_record,
  write_question,
  write_record,
} from './records.js';

/** A message of DNS, RFC 1035. */
export interface Dns extends Raw {
  /** The name of the layer. */
  readonly layer: 'dns';
  /** of the message, in bytes: it stands in front of each message in TCP; undefined in UDP */
  length: number | undefined;
  /** the number that a response repeats */
  id: number;
  /** bits of the 16 behind the id: dns.QR (a response) … dns.CD */
  flags: number;
  /** 0: a query; dns.NOTIFY, dns.UPDATE */
  opcode: number;
  /** 0: no error; dns.NXDOMAIN and so on */
  rcode: number;
  /** of the questions and records that were sent; the lists have those that are there */
  question_count: number;
  /** the number of answers that the header says */
  answer_count: number;
  /** the number of authorities that the header says */
  authority_count: number;
  /** the number of additional records that the header says */
  additional_count: number;
  /** what is asked */
  questions: readonly DnsQuestion[];
  /** the records that answer the questions */
  answers: readonly DnsRecord[];
  /** the records of name servers */
  authorities: readonly DnsRecord[];
  /** other records, such as OPT of EDNS */
  additionals: readonly DnsRecord[];
}
type Records = readonly DnsRecordFields[];
interface Forms {
  questions: readonly Partial<DnsQuestion>[];
  answers: Records;
  authorities: Records;
  additionals: Records;
  raw: Uint8Array;
}
/** The fields of a DNS message to build: what is left out is worked out, or has a default. */
export interface DnsFields extends Fields<Dns, Forms> {}
/** A DNS message to build. */
export type DnsDraft = { readonly layer: 'dns' } & DnsFields;

const HEADER = 12;
const PREFIX = 2;
const RD = 0x0100;
const FLAGS = 0x87f0;
const FIELDS: FieldNames<keyof DnsFields> = field_names(
  'length id flags opcode rcode question_count answer_count authority_count additional_count',
  'questions answers authorities additionals raw',
);
const COUNTS = ['question_count', 'answer_count', 'authority_count', 'additional_count'] as const;
const LISTS = ['questions', 'answers', 'authorities', 'additionals'] as const;

/**
 * Makes a message of DNS: `dns({ questions: [{ name: 'example.com', type: 'AAAA' }] })`.
 *
 * Names are text without a dot at the end, '.' is the root. A type is its name, or TYPE65280 for one that has none; records of such a type
 * have `data`. Names of owners, and those in records of RFC 1035, are compressed.
 *
 * @param fields flags is dns.RD unless given, the other numbers are 0; counts are those of the lists; in TCP the length is worked out
 * @throws TypeError for a field that DNS does not have
 */
export const dns = Object.assign(maker<'dns', DnsFields>('dns', FIELDS), {
  QR: 0x8000,
  AA: 0x0400,
  TC: 0x0200,
  RD,
  RA: 0x0080,
  Z: 0x0040,
  AD: 0x0020,
  CD: 0x0010,
  QUERY: 0,
  STATUS: 2,
  NOTIFY: 4,
  UPDATE: 5,
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  /** Returns the number of a type of records: 65 of 'HTTPS'. @throws TypeError, RangeError */
  type_number: (type: string): number => types.number(type, 'type'),
  /** Returns the number of a class. @throws TypeError, RangeError */
  class_number: (name: string): number => classes.number(name, 'class'),
} as const);

const ENDS: Ends = [
  [2, 'id'],
  [4, 'flags', 'opcode', 'rcode'],
  ...COUNTS.map((count, i) => [6 + 2 * i, count] as const),
];

/** Decodes a message: undefined if it has neither a question nor a record, and is more than a header. */
function decode(input: Input): object | undefined {
  const { view, at, end } = input;
  const reader = new Reader(input, HEADER, end);
  const bits = view.getUint16(at + 2);
  const counts = COUNTS.map((_, i) => view.getUint16(at + 4 + 2 * i));
  const lists: object[][] = LISTS.map(() => []);
  let found = 0;
  let is_broken = false;
  for (const [i, title] of LISTS.entries()) {
    const count = counts[i] ?? 0;
    while (!is_broken && (lists[i]?.length ?? 0) < count) {
      const start = reader.at;
      const field = `${title}[${lists[i]?.length}]`;
      const item = i === 0 ? read_question(reader) : read_record(reader, field);
      if (item !== undefined) {
        lists[i]?.push(item);
        found++;
        continue;
      }
      reader.at = start;
      is_broken = true;
      const is_cut = reader.failure === '' && (input.partial || end < input.wire_end);
      if (!is_cut) input.problem('dns', start, `${field}: ${reader.failure || 'it breaks off'}`);
      // No part of it makes sense.
      if (!is_cut && found === 0) return undefined;
    }
  }
  if (found === 0 && !is_broken && reader.at < end) return undefined;
  input.at = reader.at;
  const [question_count, answer_count, authority_count, additional_count] = counts;
  const [questions, answers, authorities, additionals] = lists;
  const header = { id: view.getUint16(at), flags: bits & FLAGS, opcode: (bits >> 11) & 15, rcode: bits & 15 };
  const announced = { question_count, answer_count, authority_count, additional_count };
  return { ...header, ...announced, questions, answers, authorities, additionals };
}

function encode(layer: DnsDraft): Uint8Array {
  const writer = new Writer(HEADER);
  const flags = integer(layer.flags ?? RD, 'dns.flags', 0, 0xffff);
  if ((flags & ~FLAGS) !== 0)
    throw new RangeError(
      `dns.flags must be within 0x87f0 (opcode and rcode are fields), not 0x${flags.toString(16)}`,
    );
  const opcode = integer(layer.opcode ?? 0, 'dns.opcode', 0, 15);
  const rcode = integer(layer.rcode ?? 0, 'dns.rcode', 0, 15);
  writer.u16(layer.id ?? 0, 'dns.id', 0);
  writer.u16(flags | (opcode << 11) | rcode, 'dns.flags', 2);
  for (const [i, title] of LISTS.entries()) {
    const items = array(layer[title] ?? [], `dns.${title}`);
    const count = COUNTS[i] ?? 'question_count';
    writer.u16(layer[count] ?? items.length, `dns.${count}`, 4 + 2 * i);
    const write = i === 0 ? write_question : write_record;
    for (const [index, item] of items.entries()) write(writer, item, `dns.${title}[${index}]`);
  }
  return writer.result();
}

const format = {
  name: 'dns',
  fields: FIELDS,
  header: HEADER,
  ends: ENDS,
  lists: LISTS,
  decode,
  // The names of the layer's fields were checked.
  encode: (values: AnyDraft) => encode(values as DnsDraft),
} as const;
const datagram = message_protocol(format);

/** Returns whether a message to build stands in TCP, where each has its length in front of it. */
function has_length(layer: DnsDraft, { layers, index }: Output): boolean {
  if (layer.length !== undefined && layer.length !== null) return true;
  const around = layers.slice(0, index).findLast((one) => one.layer !== 'dns');
  return around?.layer === 'tcp';
}

const TCP_ENDS: Ends = [
  [PREFIX, 'length'],
  ...ENDS.map(([end, ...fields]) => [end + PREFIX, ...fields] as const),
  [Number.POSITIVE_INFINITY, ...LISTS],
];

export const dns_protocol: Protocol = {
  ...datagram,
  ends: (layer) => ('length' in layer && layer.length !== undefined ? TCP_ENDS : datagram.ends(layer)),
  build(layer: DnsDraft, output) {
    const bytes = encoded(layer, format);
    output.prepend_bytes(bytes);
    if (has_length(layer, output))
      output.u16(output.prepend(PREFIX), layer.length ?? bytes.length, 'dns.length');
  },
};

/** In TCP: messages, each behind its length. The last one may go on in the next segment. */
export const dns_in_tcp: Protocol = {
  ...dns_protocol,
  ends: () => TCP_ENDS,
  parse(input: Input): Parser | undefined {
    const { at, end, wire_end, partial } = input;
    if (at + PREFIX + HEADER > end) return read_cut(input, dns_in_tcp, PREFIX + HEADER);
    const length = input.view.getUint16(at);
    const behind = at + PREFIX + length;
    if (length < HEADER) return undefined;
    input.at += PREFIX;
    const is_whole = behind <= end;
    input.end = Math.min(end, behind);
    input.wire_end = Math.min(wire_end, behind);
    // Within its length a message is whole.
    input.partial = partial && !is_whole;
    const is_message = push(input, format, { length });
    input.end = end;
    input.wire_end = wire_end;
    input.partial = partial;
    if (!is_message) input.at = at;
    return is_message && is_whole && input.at === behind && behind < end ? dns_in_tcp : undefined;
  },
};
