// The records of DNS: the values of each type, by a table. A record of another type, or whose data have another form than its type's,
// has `data`.
import { integer } from '../../../util/validate.js';
import { known, type Names } from '../../bytes/fields.js';
import type { Reader, Writer } from './message.js';
import { classes, type DnsClass, type DnsType, type NamedType, types } from './numbers.js';
import {
  type EdnsOption,
  type EdnsOptionFields,
  edns_options,
  type ServiceParameter,
  type ServiceParameterFields,
  service_parameters,
} from './options.js';
import {
  data,
  ipv4,
  ipv6,
  type Kind,
  list,
  name,
  no_item,
  options,
  rest_text,
  string,
  type Text,
  type,
  type_list,
  u8,
  u16,
  u32,
  whole_name,
} from './values.js';

interface Target {
  target: string;
}
interface Signer {
  key_tag: number;
  algorithm: number;
  digest_type: number;
  digest: Buffer;
}
interface Key {
  flags: number;
  protocol: number;
  algorithm: number;
  public_key: Buffer;
}
interface Service {
  /** 0: `target` is another name of the service */
  priority: number;
  target: string;
  params: readonly ServiceParameter[];
}

/** The values of each type whose form is known; those of OPT are in `Edns`. */
interface Values {
  A: { address: string };
  NS: Target;
  CNAME: Target;
  SOA: {
    mname: string;
    rname: string;
    serial: number;
    /** in seconds, as the next ones */
    refresh: number;
    retry: number;
    expire: number;
    minimum: number;
  };
  PTR: Target;
  HINFO: { cpu: Text; os: Text };
  MX: { preference: number; exchange: string };
  TXT: { strings: readonly Text[] };
  AAAA: { address: string };
  SRV: { priority: number; weight: number; port: number; target: string };
  NAPTR: {
    order: number;
    preference: number;
    flags: Text;
    services: Text;
    regexp: Text;
    replacement: string;
  };
  DNAME: Target;
  DS: Signer;
  SSHFP: { algorithm: number; fingerprint_type: number; fingerprint: Buffer };
  RRSIG: {
    type_covered: string;
    algorithm: number;
    labels: number;
    original_ttl: number;
    /** in seconds since 1970, modulo 2 ** 32 */
    expiration: number;
    inception: number;
    key_tag: number;
    signer: string;
    signature: Buffer;
  };
  NSEC: { next_name: string; types: readonly string[] };
  DNSKEY: Key;
  TLSA: { usage: number; selector: number; matching_type: number; association: Buffer };
  SVCB: Service;
  HTTPS: Service;
  CAA: { flags: number; tag: Text; value: Text };
}
type Table = { readonly [T in keyof Values]: { readonly [F in keyof Values[T]]-?: Kind<Values[T][F]> } };

const service = {
  priority: u16(1),
  target: whole_name,
  params: options<ServiceParameter>(service_parameters),
};
const TABLE: Table = {
  A: { address: ipv4 },
  NS: { target: name },
  CNAME: { target: name },
  SOA: {
    mname: name,
    rname: name,
    serial: u32(),
    refresh: u32(),
    retry: u32(),
    expire: u32(),
    minimum: u32(),
  },
  PTR: { target: name },
  HINFO: { cpu: string, os: string },
  MX: { preference: u16(), exchange: name },
  TXT: { strings: list(string) },
  AAAA: { address: ipv6 },
  SRV: { priority: u16(), weight: u16(), port: u16(), target: whole_name },
  NAPTR: {
    order: u16(),
    preference: u16(),
    flags: string,
    services: string,
    regexp: string,
    replacement: whole_name,
  },
  DNAME: { target: whole_name },
  DS: { key_tag: u16(), algorithm: u8(), digest_type: u8(), digest: data },
  SSHFP: { algorithm: u8(), fingerprint_type: u8(), fingerprint: data },
  RRSIG: {
    type_covered: type,
    algorithm: u8(),
    labels: u8(),
    original_ttl: u32(),
    expiration: u32(),
    inception: u32(),
    key_tag: u16(),
    signer: whole_name,
    signature: data,
  },
  NSEC: { next_name: whole_name, types: type_list },
  DNSKEY: { flags: u16(), protocol: u8(3), algorithm: u8(), public_key: data },
  TLSA: { usage: u8(), selector: u8(), matching_type: u8(), association: data },
  SVCB: service,
  HTTPS: service,
  CAA: { flags: u8(), tag: string, value: rest_text },
};

interface Owner<T> {
  /** the name that the record is about */
  readonly name: string;
  readonly type: T;
}
interface Head<T> extends Owner<T> {
  readonly class: DnsClass;
  /** the top bit of the class, which only multicast DNS uses: other records of this name and type are out of date */
  readonly cache_flush: boolean;
  /** in seconds */
  readonly ttl: number;
}
/** The pseudo-record of EDNS, RFC 6891: its class and ttl have other meanings. */
interface Edns extends Owner<'OPT'> {
  readonly udp_payload_size: number;
  /** the upper 8 bits of the response code */
  readonly extended_rcode: number;
  readonly version: number;
  /** 0x8000: the DO bit, DNSSEC records are welcome */
  readonly flags: number;
  readonly options: readonly EdnsOption[];
}
type OtherType = Exclude<NamedType, keyof Values | 'OPT'> | `TYPE${number}`;

/** A record as parsed: its `type` says which values it has. Of another type, it has `data`. */
export type DnsRecord =
  | { [T in keyof Values]: Head<T> & Readonly<Values[T]> }[keyof Values]
  | Edns
  | (Head<OtherType> & { readonly data: Buffer });

/** A record to build: what is left out is 0, empty or IN; `type` is needed, and names and addresses are. */
export type DnsRecordFields = Fields<DnsRecord>;
type Fields<R> = R extends { readonly type: unknown }
  ? Pick<R, 'type'> & Partial<Replaced<Omit<R, 'type'>>>
  : never;
/** The values that are built from another form than the parsed one. */
type Replaced<R> = {
  readonly [F in keyof R]: R[F] extends readonly EdnsOption[]
    ? readonly EdnsOptionFields[]
    : R[F] extends readonly ServiceParameter[]
      ? readonly ServiceParameterFields[]
      : R[F] extends Buffer
        ? Uint8Array
        : R[F] extends Text
          ? string | Uint8Array
          : R[F];
};

type Row = readonly [field: string, kind: Kind<unknown>];
const ROWS = new Map<string, readonly Row[]>(
  Object.entries(TABLE).map(([title, values]) => [title, Object.entries<Kind<unknown>>(values)]),
);
const DATA: readonly Row[] = [['data', data]];
const HEAD = ['name', 'type', 'class', 'cache_flush', 'ttl'];
const OPT = 41;
const OPT_ROWS: readonly Row[] = [['options', options<EdnsOption>(edns_options)]];
const OPT_HEAD = ['name', 'type', 'udp_payload_size', 'extended_rcode', 'version', 'flags'];
const CACHE_FLUSH = 0x8000;
/** Data in front of which no name can get too long, when names in it are written whole. */
const DATA_MAX = 0xffff - 1024;

/** Reads a record. Data that have not the form of their type are a problem. @returns undefined if it is not there as a whole */
export function read_record(reader: Reader, section: string): DnsRecord | undefined {
  const { at: start, end, input } = reader;
  const owner = reader.name();
  const fixed = owner === undefined ? -1 : reader.take(10);
  if (owner === undefined || fixed < 0) return undefined;
  const { view } = reader;
  const number = view.getUint16(fixed);
  const size = view.getUint16(fixed + 8);
  if (reader.take(size) < 0) return undefined;
  const behind = reader.at;
  const title = types.name(number);
  const rows = size > DATA_MAX ? undefined : number === OPT ? OPT_ROWS : ROWS.get(title);
  reader.at = behind - size;
  reader.end = behind;
  const values = rows && read_values(reader, rows);
  if (rows !== undefined && values === undefined && size > 0) {
    const reason = reader.failure || 'they have another form';
    input.problem('dns', start, `${section}: the data of ${title} cannot be read: ${reason}`);
  }
  reader.failure = undefined;
  reader.at = behind;
  reader.end = end;
  const class_bits = view.getUint16(fixed + 2);
  if (number === OPT && values !== undefined) {
    const edns = {
      name: owner,
      type: 'OPT',
      udp_payload_size: class_bits,
      extended_rcode: view.getUint8(fixed + 4),
      version: view.getUint8(fixed + 5),
      flags: view.getUint16(fixed + 6),
    } as const;
    // The values are those of the table.
    return { ...edns, ...values } as DnsRecord;
  }
  const head = {
    name: owner,
    // Data of another form are those of a type without a name.
    type: values === undefined && rows !== undefined ? `TYPE${number}` : title,
    class: classes.name(class_bits & ~CACHE_FLUSH),
    cache_flush: class_bits >= CACHE_FLUSH,
    ttl: view.getUint32(fixed + 4),
  };
  // The values are those of the table.
  return { ...head, ...(values ?? { data: reader.bytes.subarray(behind - size, behind) }) } as DnsRecord;
}

function read_values(reader: Reader, rows: readonly Row[]): object | undefined {
  const values: Record<string, unknown> = {};
  for (const [field, kind] of rows) {
    const value = kind.read(reader);
    if (value === undefined) return undefined;
    values[field] = value;
  }
  return reader.at === reader.end ? values : undefined;
}

interface Given {
  readonly name?: unknown | undefined;
  readonly type?: unknown | undefined;
  readonly class?: unknown | undefined;
  readonly cache_flush?: unknown | undefined;
  readonly ttl?: unknown | undefined;
  readonly udp_payload_size?: unknown | undefined;
  readonly extended_rcode?: unknown | undefined;
  readonly version?: unknown | undefined;
  readonly flags?: unknown | undefined;
}

/** Writes a record. @throws TypeError, RangeError naming the field */
export function write_record(writer: Writer, record: unknown, field: string): void {
  if (!is_object(record)) throw no_item(record, field, "{ name: 'example.com', type: 'A', address }");
  const number = types.number(record.type, `${field}.type`);
  const is_opt = record.type === 'OPT';
  const rows = is_opt ? OPT_ROWS : (ROWS.get(String(record.type)) ?? DATA);
  known(record, field, names_of(record.type, is_opt ? OPT_HEAD : HEAD, rows));
  writer.name(record.name ?? '.', `${field}.name`);
  writer.u16(number, field);
  if (is_opt) {
    writer.u16(record.udp_payload_size ?? 1232, `${field}.udp_payload_size`);
    writer.u8(record.extended_rcode ?? 0, `${field}.extended_rcode`);
    writer.u8(record.version ?? 0, `${field}.version`);
    writer.u16(record.flags ?? 0, `${field}.flags`);
  } else {
    writer.u16(class_of(record, record.cache_flush, field), field);
    writer.u32(record.ttl ?? 0, `${field}.ttl`);
  }
  const length = writer.room(2);
  const values = new Map<string, unknown>(Object.entries(record));
  for (const [title, kind] of rows) kind.write(writer, values.get(title), `${field}.${title}`);
  writer.u16(integer(writer.length - length - 2, `${field}: the size of its data`, 0, 0xffff), field, length);
}

const lists = new Map<unknown, Names>();
function names_of(type: unknown, head: readonly string[], rows: readonly Row[]): Names {
  const found = lists.get(type) ?? ([...head, ...rows.map(([field]) => field)] as readonly string[] as Names);
  if (rows !== DATA) lists.set(type, found);
  return found;
}

/** A question of a DNS message. */
export interface DnsQuestion {
  /** the name that is asked for, without a dot at its end */
  readonly name: string;
  /** the type of the records: 'A', 'MX', 'TYPE99' */
  readonly type: DnsType;
  /** the class: 'IN', 'CH', 'CLASS7' */
  readonly class: DnsClass;
  /** the top bit of the class, which only multicast DNS uses: the answer may be unicast */
  readonly unicast: boolean;
}
const QUESTION = ['name', 'type', 'class', 'unicast'] as readonly string[] as Names;

/** Reads a question. @returns undefined if it is not there as a whole */
export function read_question(reader: Reader): DnsQuestion | undefined {
  const name = reader.name();
  const at = name === undefined ? -1 : reader.take(4);
  if (name === undefined || at < 0) return undefined;
  const bits = reader.view.getUint16(at + 2);
  return {
    name,
    type: types.name(reader.view.getUint16(at)),
    class: classes.name(bits & ~CACHE_FLUSH),
    unicast: bits >= CACHE_FLUSH,
  };
}

/** Writes a question. @throws TypeError, RangeError naming the field */
export function write_question(writer: Writer, question: unknown, field: string): void {
  if (!is_object(question)) throw no_item(question, field, "{ name: 'example.com', type: 'A' }");
  const {
    name = '.',
    type: title = 'A',
    unicast,
  } = known<Given & { unicast?: unknown }>(question, field, QUESTION);
  writer.name(name, `${field}.name`);
  writer.u16(types.number(title, `${field}.type`), field);
  writer.u16(class_of(question, unicast, field), field);
}

function class_of(item: Given, top: unknown, field: string): number {
  return classes.number(item.class ?? 'IN', `${field}.class`) | (top ? CACHE_FLUSH : 0);
}

function is_object(value: unknown): value is Given {
  return typeof value === 'object' && value !== null;
}
