// The bodies that queries and reports of multicast groups share: ICMPv6's, RFC 2710 and 3810, and IGMP's, RFC 2236 and 3376.
import { array, bytes, integer } from '../../../util/validate.js';
import { read_ipv4, read_ipv6 } from '../../bytes/address.js';
import { type FieldNames, field_names, known, type Optional } from '../../bytes/fields.js';
import type { Input } from '../../bytes/input.js';
import type { Output } from '../../bytes/output.js';

/** The part of a query behind the group: version 2 of ICMPv6's, version 3 of IGMP. */
export interface QueryDetails {
  /** 8: suppress router-side processing; 0 to 7: the querier's robustness */
  flags: number;
  /** the querier's query interval, encoded */
  interval_code: number;
  sources: readonly string[];
}

/** The record of one group in a report. */
export interface MulticastRecord {
  /** 1 to 6: mode is include, exclude, changes to include, to exclude; allow new sources, block old ones */
  type: number;
  /** The address of the group. */
  group: string;
  /** The addresses of the sources. */
  sources: readonly string[];
  /** auxiliary data, a multiple of 4 bytes */
  data: Buffer;
}
/** A group record as build takes it. */
export type MulticastRecordFields = Optional<Omit<MulticastRecord, 'data'> & { readonly data: Uint8Array }>;

const QUERY_FIELDS: FieldNames<keyof QueryDetails> = field_names('flags interval_code sources');
const RECORD_FIELDS: FieldNames<keyof MulticastRecordFields> = field_names('type group sources data');
/** Bytes of a record without its addresses. */
const RECORD = 4;

/** The differences between the two protocols. */
interface Family {
  /** The name of the layer. */
  readonly layer: 'icmpv6' | 'igmp';
  /** of an address, in bytes */
  readonly size: number;
  readonly read: (view: DataView, at: number) => string;
  readonly any: string;
}
export const IPV6: Family = { layer: 'icmpv6', size: 16, read: read_ipv6, any: '::' };
export const IPV4: Family = { layer: 'igmp', size: 4, read: read_ipv4, any: '0.0.0.0' };

function read_sources({ size, read }: Family, view: DataView, at: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => read(view, at + i * size));
}

function write_address({ layer }: Family, output: Output, at: number, value: unknown, name: string): void {
  if (layer === 'igmp') output.ipv4(at, value, name);
  else output.ipv6(at, value, name);
}

function prepend_addresses(
  family: Family,
  addresses: readonly string[],
  output: Output,
  field: string,
): void {
  const at = output.prepend(array(addresses, field).length * family.size);
  for (const [i, address] of addresses.entries())
    write_address(family, output, at + i * family.size, address, `${field}[${i}]`);
}

/** Returns the part of a query behind the group; undefined for an older version, or if a part of it is missing. */
export function read_query(family: Family, input: Input): QueryDetails | undefined {
  const { view, at, end } = input;
  if (at === end || !input.has(family.layer, 4)) return undefined;
  const count = view.getUint16(at + 2);
  if (!input.has(family.layer, 4 + count * family.size)) return undefined;
  input.at += 4 + count * family.size;
  return {
    flags: view.getUint8(at),
    interval_code: view.getUint8(at + 1),
    sources: read_sources(family, view, at + 4, count),
  };
}

/** Prepends that part. `name` is that of the field that holds it. */
export function write_query(
  family: Family,
  details: Optional<QueryDetails>,
  output: Output,
  name: string,
): void {
  const { layer } = family;
  known(details, `${layer}.${name}`, QUERY_FIELDS);
  const sources = details.sources ?? [];
  prepend_addresses(family, sources, output, `${layer}.sources`);
  const at = output.prepend(4);
  output.u8(at, details.flags ?? 2, `${layer}.flags`);
  output.u8(at + 1, details.interval_code ?? 125, `${layer}.interval_code`);
  output.view.setUint16(at + 2, sources.length);
}

/** Returns the records of a report: as many as it announces and as are whole. */
function read_records(family: Family, input: Input, count: number): MulticastRecord[] {
  const { view } = input;
  const { layer, size: address } = family;
  const fixed = RECORD + address;
  const records: MulticastRecord[] = [];
  while (records.length < count && input.has(layer, fixed)) {
    const { at } = input;
    const sources = view.getUint16(at + 2);
    const data_at = fixed + sources * address;
    const size = data_at + view.getUint8(at + 1) * 4;
    if (!input.has(layer, size)) break;
    records.push({
      type: view.getUint8(at),
      group: family.read(view, at + RECORD),
      sources: read_sources(family, view, at + fixed, sources),
      data: input.slice(at + data_at, at + size),
    });
    input.at += size;
  }
  return records;
}

function write_records(family: Family, records: readonly MulticastRecordFields[], output: Output): void {
  const { layer, size, any } = family;
  array(records, `${layer}.records`, 0, 0xffff);
  for (const [i, record] of [...records.entries()].reverse()) {
    const field = `${layer}.records[${i}]`;
    known(record, field, RECORD_FIELDS);
    const data = bytes(record.data ?? new Uint8Array(0), `${field}.data`);
    if (data.length % 4 !== 0 || data.length > 1020) {
      throw new RangeError(`${field}.data must be a multiple of 4, up to 1020 bytes, not ${data.length}`);
    }
    const sources = record.sources ?? [];
    output.prepend_bytes(data);
    prepend_addresses(family, sources, output, `${field}.sources`);
    const at = output.prepend(RECORD + size);
    output.u8(at, record.type ?? 4, `${field}.type`);
    output.view.setUint8(at + 1, data.length / 4);
    output.view.setUint16(at + 2, integer(sources.length, `${field}.sources.length`, 0, 0xffff));
    write_address(family, output, at + RECORD, record.group ?? any, `${field}.group`);
  }
}

/** Returns the row of a report with records, for the table of messages. */
export function report_row(family: Family) {
  return {
    fields: field_names('count records'),
    reserved: 0xffff0000,
    read: (input: Input, rest: number) => ({
      count: rest & 0xffff,
      records: read_records(family, input, rest & 0xffff),
    }),
    write(
      {
        count,
        records = [],
      }: { count?: number | undefined; records?: readonly MulticastRecordFields[] | undefined },
      output: Output,
    ): number {
      write_records(family, records, output);
      return integer(count ?? records.length, `${family.layer}.count`, 0, 0xffff);
    },
  };
}
