// ICMPv6: RFC 4443 (errors, echo), 4861 (neighbour discovery), 2710 and 3810 (multicast listeners);
// 4884 (extensions) is in icmp_error.ts.
//
// `name` says which message a layer is, and so which fields it has. To add one: its type in Icmpv6 and Messages, its number in TYPES, its
// fields in FIELDS, its mask in RESERVED_BITS if it has reserved bits, and a case in `read` and in `write`; the compiler asks for all of
// these but the case in `read`.
import { integer } from '../../../util/validate.js';
import { read_ipv6 } from '../../bytes/address.js';
import { type FieldNames, field_names, joined } from '../../bytes/fields.js';
import type { Input } from '../../bytes/input.js';
import type { Output } from '../../bytes/output.js';
import { type NdpOption, type NdpOptionFields, ndp_options } from '../../options/ndp.js';
import type { Protocol } from '../../registry.js';
import {
  EXTENDED_FIELDS,
  type Extended,
  type ExtendedFields,
  QUOTING_FIELDS,
  type Quoting,
  type QuotingFields,
  read_extended,
  read_quoted,
  write_extended,
  write_quoted,
} from './icmp_error.js';
import { type Draft, makers, message_fields, type Other, type Types, type With } from './messages.js';
import {
  type MulticastRecord,
  type MulticastRecordFields,
  type QueryDetails,
  read_query,
  read_records,
  write_query,
  write_records,
} from './mld.js';
import { RESERVED, type Reserved, reserved_bits } from './reserved.js';

interface Header {
  readonly layer: 'icmpv6';
  code: number;
  checksum: number;
  checksum_ok: boolean | undefined;
}
type Message<Type extends number, Name extends string, Values> = Header & {
  type: Type;
  readonly name: Name;
} & Values;

interface Echo {
  id: number;
  seq: number;
}
interface Multicast extends Reserved {
  /** in milliseconds; in version 2 an encoded number */
  maximum_response_delay: number;
  group: string;
}
interface Advertisement {
  hop_limit: number;
  /** 0x80: DHCPv6 has addresses; 0x40: DHCPv6 has other settings */
  flags: number;
  /** in seconds */
  router_lifetime: number;
  /** in milliseconds */
  reachable_time: number;
  retrans_timer: number;
}
interface Options {
  options: readonly NdpOption[];
}

export type Icmpv6Error =
  | Message<1, 'destination_unreachable', Extended & Reserved>
  | Message<2, 'packet_too_big', Quoting & { mtu: number }>
  | Message<3, 'time_exceeded', Extended & Reserved>
  | Message<4, 'parameter_problem', Quoting & { pointer: number }>;
export type Icmpv6 =
  | Icmpv6Error
  | Message<128, 'echo', Echo>
  | Message<129, 'echo_reply', Echo>
  | Message<130, 'multicast_listener_query', Multicast & { version2: QueryDetails | undefined }>
  | Message<131, 'multicast_listener_report', Multicast>
  | Message<132, 'multicast_listener_done', Multicast>
  | Message<133, 'router_solicitation', Options & Reserved>
  | Message<134, 'router_advertisement', Options & Advertisement>
  | Message<135, 'neighbor_solicitation', Options & Reserved & { target: string }>
  /** flags: 0x80 from a router, 0x40 solicited, 0x20 override */
  | Message<136, 'neighbor_advertisement', Options & Reserved & { flags: number; target: string }>
  | Message<137, 'redirect', Options & Reserved & { target: string; dst: string }>
  | Message<143, 'multicast_listener_report_v2', Reserved & { records: readonly MulticastRecord[] }>
  /** `rest`: the four bytes behind the checksum */
  | Message<number, 'unknown', { rest: number }>;

interface OptionsFields {
  options?: readonly NdpOptionFields[];
}
/** The fields of each message to build. */
interface Messages {
  destination_unreachable: ExtendedFields & Partial<Reserved>;
  packet_too_big: QuotingFields & { mtu?: number };
  time_exceeded: ExtendedFields & Partial<Reserved>;
  parameter_problem: QuotingFields & { pointer?: number };
  echo: Partial<Echo>;
  echo_reply: Partial<Echo>;
  multicast_listener_query: Partial<Multicast> & { version2?: Partial<QueryDetails> | undefined };
  multicast_listener_report: Partial<Multicast>;
  multicast_listener_done: Partial<Multicast>;
  router_solicitation: OptionsFields & Partial<Reserved>;
  router_advertisement: OptionsFields & Partial<Advertisement>;
  neighbor_solicitation: OptionsFields & Partial<Reserved> & { target?: string };
  neighbor_advertisement: OptionsFields & Partial<Reserved> & { flags?: number; target?: string };
  redirect: OptionsFields & Partial<Reserved> & { target?: string; dst?: string };
  multicast_listener_report_v2: Partial<Reserved> & { records?: readonly MulticastRecordFields[] };
}
type As<Name extends keyof Messages> = Draft<'icmpv6', Messages, Name>;
export type Icmpv6Draft = { [Name in keyof Messages]: As<Name> }[keyof Messages] | Other<'icmpv6'>;

declare module '../../layer_types.js' {
  interface LayerTypes {
    icmpv6: [parsed: Icmpv6, draft: Icmpv6Draft];
  }
}

type Discovery =
  | 'router_solicitation'
  | 'router_advertisement'
  | 'neighbor_solicitation'
  | 'neighbor_advertisement'
  | 'redirect';
type DiscoveryDraft = { [Name in Discovery]: As<Name> }[Discovery];

const NUMBER = 58;
const HEADER = 8;
const TYPES: Types<Icmpv6> = {
  destination_unreachable: 1,
  packet_too_big: 2,
  time_exceeded: 3,
  parameter_problem: 4,
  echo: 128,
  echo_reply: 129,
  multicast_listener_query: 130,
  multicast_listener_report: 131,
  multicast_listener_done: 132,
  router_solicitation: 133,
  router_advertisement: 134,
  neighbor_solicitation: 135,
  neighbor_advertisement: 136,
  redirect: 137,
  multicast_listener_report_v2: 143,
};
const ECHO: FieldNames<keyof Echo> = field_names('id seq');
const EXTENDED = joined(RESERVED, EXTENDED_FIELDS);
const MULTICAST: FieldNames<keyof Multicast> = field_names('reserved maximum_response_delay group');
const FIELDS = message_fields<Icmpv6, Messages>({
  destination_unreachable: EXTENDED,
  packet_too_big: joined(QUOTING_FIELDS, field_names('mtu')),
  time_exceeded: EXTENDED,
  parameter_problem: joined(QUOTING_FIELDS, field_names('pointer')),
  echo: ECHO,
  echo_reply: ECHO,
  multicast_listener_query: joined(MULTICAST, field_names('version2')),
  multicast_listener_report: MULTICAST,
  multicast_listener_done: MULTICAST,
  router_solicitation: field_names('reserved options'),
  router_advertisement: field_names('hop_limit flags router_lifetime reachable_time retrans_timer options'),
  neighbor_solicitation: field_names('reserved target options'),
  neighbor_advertisement: field_names('reserved flags target options'),
  redirect: field_names('reserved target dst options'),
  multicast_listener_report_v2: field_names('reserved records'),
});
const RESERVED_BITS = reserved_bits<With<Icmpv6, 'reserved'>>('icmpv6', {
  destination_unreachable: 0xffffff,
  time_exceeded: 0xffffff,
  multicast_listener_query: 0xffff,
  multicast_listener_report: 0xffff,
  multicast_listener_done: 0xffff,
  router_solicitation: 0xffffffff,
  neighbor_solicitation: 0xffffffff,
  neighbor_advertisement: 0xffffff,
  redirect: 0xffffffff,
  multicast_listener_report_v2: 0xffff0000,
});
const layer = 'icmpv6';

/**
 * Makes ICMPv6 messages: `icmpv6.echo({ id, seq })`; `icmpv6({ type, code, rest })` makes any.
 *
 * Numbers are 0 and addresses :: unless given; the type follows from the name, the checksum is worked out. `quoted` is an array of
 * layers, or the bytes of a packet. Each maker throws a TypeError for a field that the message does not have.
 */
export const icmpv6 = makers<'icmpv6', Messages>(layer, FIELDS);

export const icmpv6_protocol: Protocol = {
  name: 'icmpv6',
  fields: FIELDS,

  parse(input: Input) {
    if (!input.has('icmpv6', HEADER)) return undefined;
    input.layers.push(read(input));
    return undefined;
  },

  build(message: Icmpv6Draft, output: Output) {
    const rest = write(message, output);
    const at = output.prepend(HEADER);
    const type = message.name === undefined || message.name === 'unknown' ? 0 : TYPES[message.name];
    output.u8(at, message.type ?? type, 'icmpv6.type');
    output.u8(at + 1, message.code ?? 0, 'icmpv6.code');
    output.view.setUint32(at + 4, rest);
    output.transport_checksum(at + 2, message.checksum, 'icmpv6.checksum', NUMBER);
  },
};

/** Parses the message at `input.at`, and moves behind its fields. */
function read(input: Input): Icmpv6 {
  const { view, at } = input;
  const type = view.getUint8(at);
  const rest = view.getUint32(at + 4);
  const header = {
    layer,
    code: view.getUint8(at + 1),
    checksum: view.getUint16(at + 2),
    checksum_ok: input.verify_transport(at, NUMBER),
  } as const;
  input.at += HEADER;
  switch (type) {
    case 1:
      return {
        ...header,
        type,
        name: 'destination_unreachable',
        ...RESERVED_BITS.read('destination_unreachable', rest),
        ...extended(input, rest),
      };
    case 2:
      return { ...header, type, name: 'packet_too_big', ...quoting(input), mtu: rest };
    case 3:
      return {
        ...header,
        type,
        name: 'time_exceeded',
        ...RESERVED_BITS.read('time_exceeded', rest),
        ...extended(input, rest),
      };
    case 4:
      return { ...header, type, name: 'parameter_problem', ...quoting(input), pointer: rest };
    case 128:
      return { ...header, type, name: 'echo', id: rest >>> 16, seq: rest & 0xffff };
    case 129:
      return { ...header, type, name: 'echo_reply', id: rest >>> 16, seq: rest & 0xffff };
    case 130:
    case 131:
    case 132: {
      const [group] = addresses(input, 1);
      if (group === undefined) break;
      const fields = {
        ...header,
        ...RESERVED_BITS.read('multicast_listener_query', rest),
        maximum_response_delay: rest >>> 16,
        group,
      };
      if (type === 130)
        return { ...fields, type, name: 'multicast_listener_query', version2: read_query(input) };
      if (type === 131) return { ...fields, type, name: 'multicast_listener_report' };
      return { ...fields, type, name: 'multicast_listener_done' };
    }
    case 133:
      return {
        ...header,
        type,
        name: 'router_solicitation',
        ...RESERVED_BITS.read('router_solicitation', rest),
        options: options(input),
      };
    case 134: {
      if (!input.has('icmpv6', 8)) break;
      input.at += 8;
      const times = {
        router_lifetime: rest & 0xffff,
        reachable_time: view.getUint32(at + 8),
        retrans_timer: view.getUint32(at + 12),
      };
      const fields = {
        hop_limit: rest >>> 24,
        flags: (rest >>> 16) & 255,
        ...times,
        options: options(input),
      };
      return { ...header, type, name: 'router_advertisement', ...fields };
    }
    case 135: {
      const [target] = addresses(input, 1);
      if (target === undefined) break;
      return {
        ...header,
        type,
        name: 'neighbor_solicitation',
        ...RESERVED_BITS.read('neighbor_solicitation', rest),
        target,
        options: options(input),
      };
    }
    case 136: {
      const [target] = addresses(input, 1);
      if (target === undefined) break;
      return {
        ...header,
        type,
        name: 'neighbor_advertisement',
        ...RESERVED_BITS.read('neighbor_advertisement', rest),
        flags: rest >>> 24,
        target,
        options: options(input),
      };
    }
    case 137: {
      const [target, dst] = addresses(input, 2);
      if (target === undefined || dst === undefined) break;
      return {
        ...header,
        type,
        name: 'redirect',
        ...RESERVED_BITS.read('redirect', rest),
        target,
        dst,
        options: options(input),
      };
    }
    case 143:
      return {
        ...header,
        type,
        name: 'multicast_listener_report_v2',
        ...RESERVED_BITS.read('multicast_listener_report_v2', rest),
        records: read_records(input, rest & 0xffff),
      };
  }
  return { ...header, type, name: 'unknown', rest };
}

function extended(input: Input, rest: number): Extended {
  const fields = read_extended(input, input.at, (rest >>> 24) * 8, 'ipv6');
  input.at = input.end;
  return fields;
}

function quoting(input: Input): Quoting {
  const fields = read_quoted(input, input.at, 'ipv6');
  input.at = input.end;
  return fields;
}

/** Returns `count` addresses; none if they are not all there. */
function addresses(input: Input, count: number): string[] {
  if (!input.has('icmpv6', count * 16)) return [];
  const { view, at } = input;
  input.at += count * 16;
  return Array.from({ length: count }, (_, i) => read_ipv6(view, at + i * 16));
}

function options(input: Input): NdpOption[] {
  const found = ndp_options.read(input, input.at, input.wire_end);
  input.at = input.end;
  return found;
}

/** Prepends the part of a message behind the header. Returns the last four bytes of the header as a number. */
function write(message: Icmpv6Draft, output: Output): number {
  switch (message.name) {
    case 'destination_unreachable':
    case 'time_exceeded':
      return write_extended(message, output, 'icmpv6', 8) * 2 ** 24 + RESERVED_BITS.write(message);
    case 'packet_too_big':
      write_quoted(message, output, 'icmpv6');
      return integer(message.mtu ?? 0, 'icmpv6.mtu', 0, 0xffffffff);
    case 'parameter_problem':
      write_quoted(message, output, 'icmpv6');
      return integer(message.pointer ?? 0, 'icmpv6.pointer', 0, 0xffffffff);
    case 'echo':
    case 'echo_reply': {
      const id = integer(message.id ?? 0, 'icmpv6.id', 0, 0xffff);
      return id * 0x10000 + integer(message.seq ?? 0, 'icmpv6.seq', 0, 0xffff);
    }
    case 'multicast_listener_query':
    case 'multicast_listener_report':
    case 'multicast_listener_done':
      if (message.name === 'multicast_listener_query' && message.version2)
        write_query(message.version2, output);
      output.ipv6(output.prepend(16), message.group ?? '::', 'icmpv6.group');
      return (
        integer(message.maximum_response_delay ?? 0, 'icmpv6.maximum_response_delay', 0, 0xffff) * 0x10000 +
        RESERVED_BITS.write(message)
      );
    case 'multicast_listener_report_v2':
      write_records(message.records ?? [], output);
      return (message.records?.length ?? 0) + RESERVED_BITS.write(message);
    case undefined:
    case 'unknown':
      return integer(message.rest ?? 0, 'icmpv6.rest', 0, 0xffffffff);
    default:
      return write_discovery(message, output);
  }
}

/** Does the same for messages of neighbour discovery, which end in options. */
function write_discovery(message: DiscoveryDraft, output: Output): number {
  const list = message.options ?? [];
  output.prepend_bytes(ndp_options.bytes(list, 'icmpv6.options'));
  switch (message.name) {
    case 'router_solicitation':
      return RESERVED_BITS.write(message);
    case 'router_advertisement': {
      const at = output.prepend(8);
      output.u32(at, message.reachable_time ?? 0, 'icmpv6.reachable_time');
      output.u32(at + 4, message.retrans_timer ?? 0, 'icmpv6.retrans_timer');
      const hop_limit = integer(message.hop_limit ?? 0, 'icmpv6.hop_limit', 0, 0xff);
      const flags = integer(message.flags ?? 0, 'icmpv6.flags', 0, 0xff);
      const lifetime = integer(message.router_lifetime ?? 0, 'icmpv6.router_lifetime', 0, 0xffff);
      return hop_limit * 2 ** 24 + flags * 2 ** 16 + lifetime;
    }
    case 'redirect':
      output.ipv6(output.prepend(16), message.dst ?? '::', 'icmpv6.dst');
      output.ipv6(output.prepend(16), message.target ?? '::', 'icmpv6.target');
      return RESERVED_BITS.write(message);
    default: {
      output.ipv6(output.prepend(16), message.target ?? '::', 'icmpv6.target');
      const flags = message.name === 'neighbor_advertisement' ? message.flags : 0;
      return integer(flags ?? 0, 'icmpv6.flags', 0, 0xff) * 2 ** 24 + RESERVED_BITS.write(message);
    }
  }
}
