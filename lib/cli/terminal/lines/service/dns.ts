// A message of DNS on a line, as tcpdump writes it.
import { type Dns, type DnsRecord, dns } from '../../../../packet/index.js';
import { caret } from '../names.js';
import type { Place } from '../place.js';

const OPCODES = [
  ...['', ' inv_q', ' stat', ' op3', ' notify', ' update', ' op6', ' op7', ' op8'],
  ...[' updateA', ' updateD', ' updateDA', ' updateM', ' updateMA', ' zoneInit', ' zoneRef'],
];
const RCODES = [
  ...['', ' FormErr', ' ServFail', ' NXDomain', ' NotImp', ' Refused', ' YXDomain', ' YXRRSet', ' NXRRSet'],
  ...[' NotAuth', ' NotZone', ' Resp11', ' Resp12', ' Resp13', ' Resp14', ' NoChange'],
];
const INVERSE_QUERY = 1;
/** Types that tcpdump has no name for. */
const UNNAMED = new Set<string>([
  ...[
    'NSEC3',
    'NSEC3PARAM',
    'DHCID',
    'TLSA',
    'SMIMEA',
    'HIP',
    'CDS',
    'CDNSKEY',
    'OPENPGPKEY',
    'CSYNC',
    'ZONEMD',
  ],
  ...['SVCB', 'HTTPS', 'EUI48', 'EUI64', 'CAA', 'AVC', 'AMTRELAY', 'TA', 'DLV'],
]);
const CLASSES: Readonly<Record<string, string>> = { CH: 'CHAOS', HS: 'HESIOD', ANY: 'ANY' };
const MULTICAST = 5353;
const LLMNR = 5355;
/** Bits of the flags that a query does not have. */
const WEIRD = 0x6cf;
const DO = 0x8000;

/** Returns a name with a dot at its end; escapes are written as their bytes. */
function name_text(name: string): string {
  if (name === '.') return name;
  if (/^[ -[\]-~]*$/.test(name)) return `${name}.`;
  const parts = name.split(/(\\\d{3}|\\.)/su).map((part) => {
    if (/^\\\d/.test(part)) return Buffer.from([Number(part.slice(1))]);
    return Buffer.from(part.startsWith('\\') ? part.slice(1) : part);
  });
  return `${caret(Buffer.concat(parts))}.`;
}

function type_text(type: string): string {
  if (type === 'NSAP-PTR') return 'NSAP_PTR';
  return type.startsWith('TYPE') || UNNAMED.has(type) ? type_of_number(dns.type_number(type)) : type;
}

/** Returns the name of the type of a record whose data have another form: TYPE1 is A. */
function type_of_number(number: number): string {
  const known = [
    'A',
    'NS',
    'CNAME',
    'SOA',
    'PTR',
    'HINFO',
    'MX',
    'TXT',
    'AAAA',
    'SRV',
    'NAPTR',
    'DNAME',
    'OPT',
  ];
  const more = ['DS', 'SSHFP', 'RRSIG', 'NSEC', 'DNSKEY'];
  return [...known, ...more].find((name) => dns.type_number(name) === number) ?? `Type${number}`;
}

/** Returns a class other than IN; the top bit belongs to it where it is no flag of multicast DNS. */
function class_text(name: string, top: boolean): string {
  const number = dns.class_number(name) + (top ? 0x8000 : 0);
  if (number === 1) return '';
  return ` ${top ? `(Class ${number})` : (CLASSES[name] ?? `(Class ${number})`)}`;
}

function data_text(record: DnsRecord): string {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return ` ${record.address}`;
    case 'NS':
    case 'CNAME':
    case 'PTR':
    case 'DNAME':
      return ` ${name_text(record.target)}`;
    case 'MX':
      return ` ${name_text(record.exchange)} ${record.preference}`;
    case 'TXT':
      return record.strings.map((text) => ` "${caret(Buffer.from(text))}"`).join('');
    case 'SRV':
      return ` ${name_text(record.target)}:${record.port} ${record.priority} ${record.weight}`;
    case 'OPT':
      return ` UDPsize=${record.udp_payload_size}${record.flags & DO ? ' DO' : ''}`;
  }
  return '';
}

function record_text(record: DnsRecord, is_multicast: boolean): string {
  const data = data_text(record);
  if (record.type === 'OPT') return ` OPT${data}`;
  const is_class = class_text(record.class, record.cache_flush && !is_multicast);
  const flush = is_multicast && record.cache_flush ? ' (Cache flush)' : '';
  return `${is_class}${flush} ${type_text(record.type)}${data}`;
}

function response_text(layer: Dns, is_multicast: boolean): string {
  const { flags, opcode, rcode, answers } = layer;
  const bit = (mask: number, text: string): string => (flags & mask ? text : '');
  const bits = bit(dns.AA, '*') + (flags & dns.RA ? '' : '-') + bit(dns.TC, '|') + bit(dns.AD, '$');
  const questions = layer.question_count === 1 ? '' : ` [${layer.question_count}q]`;
  const counts = ` ${layer.answer_count}/${layer.authority_count}/${layer.additional_count}`;
  const records = answers.map((record) => record_text(record, is_multicast)).join(',');
  return `${OPCODES[opcode]}${RCODES[rcode]}${bits}${questions}${counts}${records}`;
}

function query_text(layer: Dns, is_multicast: boolean): string {
  const { flags, opcode, rcode, question_count, answer_count, authority_count, additional_count } = layer;
  const bits = (flags & dns.RD ? '+' : '') + (flags & dns.CD ? '%' : '');
  const word = flags | (opcode << 11) | rcode;
  const weird = word & WEIRD ? ` [b2&3=0x${word.toString(16)}]` : '';
  const count = (number: number, usual: number, letter: string) =>
    number === usual ? '' : ` [${number}${letter}]`;
  const is_inverse = opcode === INVERSE_QUERY;
  const first = is_inverse
    ? count(question_count, 0, 'q') + count(answer_count, 1, 'a')
    : count(answer_count, 0, 'a') + count(question_count, 1, 'q');
  const others = count(authority_count, 0, 'n') + count(additional_count, 0, 'au');
  const questions = layer.questions.map(({ name, type, class: group, unicast }) => {
    const how = is_multicast ? ` (${unicast ? 'QU' : 'QM'})` : '';
    return ` ${type_text(type)}${how}${class_text(group, unicast && !is_multicast)}? ${name_text(name)}`;
  });
  return `${OPCODES[opcode]}${bits}${weird}${first}${others}${questions.join('')}`;
}

/** Returns the ports of the layer below. */
function ports_of({ layers, at }: Place): readonly number[] {
  const below = layers[at - 1];
  return below?.layer === 'udp' || below?.layer === 'tcp' ? [below.src_port, below.dst_port] : [];
}

/** Returns "1+ A? example.com. (29)", or "1 1/0/0 A 192.0.2.1 (45)" for a response; undefined for LLMNR. */
export function dns_text(
  layer: Dns & { readonly cut?: Uint8Array | undefined },
  place: Place,
): string | undefined {
  const ports = ports_of(place);
  if (ports.includes(LLMNR)) return undefined;
  const { length } = place;
  const is_multicast = ports.includes(MULTICAST);
  if (layer.additional_count === undefined) return '[|domain]';
  const size = layer.length === undefined ? length : length - 2;
  if (layer.length !== undefined && layer.length !== size && layer.cut === undefined)
    return `[prefix length(${layer.length}) != length(${size})] (invalid)`;
  const text = layer.flags & dns.QR ? response_text(layer, is_multicast) : query_text(layer, is_multicast);
  return `${layer.id}${text}${layer.cut === undefined ? ` (${size})` : ' [|domain]'}`;
}
