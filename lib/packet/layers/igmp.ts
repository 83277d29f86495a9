// IGMP: RFC 2236 (versions 1 and 2), 3376 (version 3). Its header has the form of ICMP's, so that icmp/messages.ts makes all of it.
import { read_ipv4, write_ipv4 } from '../bytes/address.js';
import { field_names, joined, type Optional } from '../bytes/fields.js';
import type { Input } from '../bytes/input.js';
import { bytes_of } from '../options/option_values.js';
import { type Drafts, type Message as MessageOf, messages, type Reserved } from './icmp/messages.js';
import {
  IPV4,
  type MulticastRecord,
  type MulticastRecordFields,
  type QueryDetails,
  read_query,
  report_row,
  write_query,
} from './icmp/multicast.js';

type Message<Type extends number, Name extends string, Values> = MessageOf<'igmp', Type, Name, Values>;

interface Group {
  group: string;
}

/** `code` is the greatest time to respond, in tenths of a second; in version 3 an encoded number, and 0 in reports. */
export type Igmp =
  | Message<0x11, 'query', Group & { version3: QueryDetails | undefined }>
  | Message<0x12, 'report_v1', Group>
  | Message<0x16, 'report', Group>
  | Message<0x17, 'leave', Group>
  /** count: of the records that were sent; `records` has those that are there */
  | Message<0x22, 'report_v3', Reserved & { count: number; records: readonly MulticastRecord[] }>
  /** `rest`: the four bytes behind the checksum */
  | Message<number, 'unknown', { rest: number }>;

/** The fields that are built from another form than the parsed one. */
interface Forms {
  records: readonly MulticastRecordFields[];
  version3: Optional<QueryDetails> | undefined;
}
/** An IGMP message to build. */
export type IgmpDraft = Drafts<Igmp, Forms>;

const group = {
  fields: field_names('group'),
  read: (input: Input) => ({ group: read_ipv4(input.view, input.at - 4) }),
  write(message: Partial<Group>): number {
    const address = bytes_of(4, (view) => write_ipv4(view, 0, message.group ?? '0.0.0.0', 'igmp.group'));
    return Buffer.from(address).readUInt32BE();
  },
};

const { makers, protocol } = messages<Igmp, Forms>('igmp', {
  query: {
    type: 0x11,
    fields: joined(group.fields, field_names('version3')),
    read: (input) => ({ ...group.read(input), version3: read_query(IPV4, input) }),
    write(message, output) {
      if (message.version3) write_query(IPV4, message.version3, output, 'version3');
      return group.write(message);
    },
  },
  report_v1: { type: 0x12, ...group },
  report: { type: 0x16, ...group },
  leave: { type: 0x17, ...group },
  report_v3: { type: 0x22, ...report_row(IPV4) },
});

/**
 * Makes IGMP messages: `igmp.query({ code: 100 })`, `igmp.report({ group })`; `igmp({ type, code, rest })` makes any.
 *
 * Numbers are 0 and addresses 0.0.0.0 unless given; the type follows from the name, the checksum is worked out. Each maker throws
 * a TypeError for a field that the message does not have.
 */
export const igmp = makers;
export const igmp_protocol = protocol;
