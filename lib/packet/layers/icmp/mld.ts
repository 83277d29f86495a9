// The bodies of ICMPv6's multicast listener messages: RFC 2710, and version 2, RFC 3810.
import { array, bytes, integer } from '../../../util/validate.js';
import { read_ipv6 } from '../../bytes/address.js';
import { type FieldNames, field_names, known } from '../../bytes/fields.js';
import type { Input } from '../../bytes/input.js';
import type { Output } from '../../bytes/output.js';

/** The part of a query of version 2 behind the group. */
export interface QueryDetails {
  /** 8: suppress router-side processing; 0 to 7: the querier's robustness */
  flags: number;
  /** the querier's query interval, encoded */
  interval_code: number;
  sources: readonly string[];
}

/** The record of one group in a report of version 2. */
export interface MulticastRecord {
  /** 1 to 6: mode is include, exclude, changes to include, to exclude; allow new sources, block old ones */
  type: number;
  group: string;
  sources: readonly string[];
  /** auxiliary data, a multiple of 4 bytes */
  data: Buffer;
}
export type MulticastRecordFields = Partial<Omit<MulticastRecord, 'data'> & { readonly data: Uint8Array }>;

const QUERY_FIELDS: FieldNames<keyof QueryDetails> = field_names('flags interval_code sources');
const RECORD_FIELDS: FieldNames<keyof MulticastRecordFields> = field_names('type group sources data');
const ADDRESS = 16;
const RECORD = 20;

function read_sources(view: DataView, at: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => read_ipv6(view, at + i * ADDRESS));
}

function prepend_addresses(addresses: readonly string[], output: Output, field: string): void {
  const at = output.prepend(array(addresses, field).length * ADDRESS);
  for (const [i, address] of addresses.entries()) output.ipv6(at + i * ADDRESS, address, `${field}[${i}]`);
}

/** Returns the part of a query behind the group; undefined for version 1, or if a part of it is missing. */
export function read_query(input: Input): QueryDetails | undefined {
  const { view, at, end } = input;
  if (at === end || !input.has('icmpv6', 4)) return undefined;
  const count = view.getUint16(at + 2);
  if (!input.has('icmpv6', 4 + count * ADDRESS)) return undefined;
  input.at += 4 + count * ADDRESS;
  return {
    flags: view.getUint8(at),
    interval_code: view.getUint8(at + 1),
    sources: read_sources(view, at + 4, count),
  };
}

export function write_query(details: Partial<QueryDetails>, output: Output): void {
  known(details, 'icmpv6.version2', QUERY_FIELDS);
  const sources = details.sources ?? [];
  prepend_addresses(sources, output, 'icmpv6.sources');
  const at = output.prepend(4);
  output.u8(at, details.flags ?? 2, 'icmpv6.flags');
  output.u8(at + 1, details.interval_code ?? 125, 'icmpv6.interval_code');
  output.view.setUint16(at + 2, sources.length);
}

/** Returns the records of a report: as many as it announces and as are whole. */
export function read_records(input: Input, count: number): MulticastRecord[] {
  const { view } = input;
  const records: MulticastRecord[] = [];
  while (records.length < count && input.has('icmpv6', RECORD)) {
    const { at } = input;
    const sources = view.getUint16(at + 2);
    const data_at = RECORD + sources * ADDRESS;
    const size = data_at + view.getUint8(at + 1) * 4;
    if (!input.has('icmpv6', size)) break;
    records.push({
      type: view.getUint8(at),
      group: read_ipv6(view, at + 4),
      sources: read_sources(view, at + RECORD, sources),
      data: input.slice(at + data_at, at + size),
    });
    input.at += size;
  }
  return records;
}

export function write_records(records: readonly MulticastRecordFields[], output: Output): void {
  array(records, 'icmpv6.records', 0, 0xffff);
  for (const [i, record] of [...records.entries()].reverse()) {
    const field = `icmpv6.records[${i}]`;
    known(record, field, RECORD_FIELDS);
    const data = bytes(record.data ?? new Uint8Array(0), `${field}.data`);
    if (data.length % 4 !== 0 || data.length > 1020) {
      throw new RangeError(`${field}.data must be a multiple of 4, up to 1020 bytes, not ${data.length}`);
    }
    const sources = record.sources ?? [];
    output.prepend_bytes(data);
    prepend_addresses(sources, output, `${field}.sources`);
    const at = output.prepend(RECORD);
    output.u8(at, record.type ?? 4, `${field}.type`);
    output.view.setUint8(at + 1, data.length / 4);
    output.view.setUint16(at + 2, integer(sources.length, `${field}.sources.length`, 0, 0xffff));
    output.ipv6(at + 4, record.group ?? '::', `${field}.group`);
  }
}
