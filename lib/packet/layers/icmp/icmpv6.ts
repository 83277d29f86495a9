// ICMPv6: RFC 4443 (errors, echo), 4861 and 3122 (neighbour discovery), 2710 and 3810 (multicast listeners); 2894, 3971, 4286, 4620 and
// 6275 are in icmpv6_others.ts, 4884 (extensions) is in icmp_error.ts, 8335 in extended_echo.ts. Of some messages, only the name is known.
//
// `name` says which message a layer is, and so which fields it has. CONTRIBUTING.md says how to add a message ("An ICMP message").
import { integer } from '../../../util/validate.js';
import { read_ipv6 } from '../../bytes/address.js';
import { type FieldNames, field_names, joined, type Optional } from '../../bytes/fields.js';
import type { Input } from '../../bytes/input.js';
import type { Output } from '../../bytes/output.js';
import { type NdpOption, type NdpOptionFields, ndp_options } from '../../options/ndp.js';
import { type ExtendedEcho, type ExtendedEchoReply, extended_echo_rows } from './extended_echo.js';
import {
  type ErrorForms,
  EXTENDED_FIELDS,
  type Extended,
  type ExtendedFields,
  QUOTING_FIELDS,
  type Quoting,
  read_extended,
  read_quoted,
  write_extended,
  write_quoted,
} from './icmp_error.js';
import {
  type HomeAgent,
  home_agent_row,
  listener_router_row,
  type MulticastRouter,
  type NodeInformation,
  node_information_row,
  type RouterRenumbering,
  router_renumbering_row,
} from './icmpv6_others.js';
import {
  type Drafts,
  type Echo,
  echo_row,
  type Message as MessageOf,
  messages,
  plain_row,
  type Reserved,
  type Rest,
} from './messages.js';
import {
  IPV6,
  type MulticastRecord,
  type MulticastRecordFields,
  type QueryDetails,
  read_query,
  report_row,
  write_query,
} from './multicast.js';

type Message<Type extends number, Name extends string, Values> = MessageOf<'icmpv6', Type, Name, Values>;

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

/** An ICMPv6 message, RFC 4443 and RFC 4861, as parsed: `type` says which, and so which fields it has. */
export type Icmpv6 =
  | Message<1, 'destination_unreachable', Extended & Reserved>
  | Message<2, 'packet_too_big', Quoting & { mtu: number }>
  | Message<3, 'time_exceeded', Extended & Reserved>
  | Message<4, 'parameter_problem', Quoting & { pointer: number }>
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
  | Message<138, 'router_renumbering', RouterRenumbering>
  | Message<139, 'node_information_query', NodeInformation>
  | Message<140, 'node_information_reply', NodeInformation>
  | Message<141, 'inverse_neighbor_solicitation', Options & Reserved>
  | Message<142, 'inverse_neighbor_advertisement', Options & Reserved>
  /** count: of the records that were sent; `records` has those that are there */
  | Message<
      143,
      'multicast_listener_report_v2',
      Reserved & { count: number; records: readonly MulticastRecord[] }
    >
  | Message<144, 'home_agent_discovery_request', HomeAgent & Reserved>
  | Message<145, 'home_agent_discovery_reply', HomeAgent & Reserved>
  | Message<146, 'mobile_prefix_solicitation', HomeAgent & Reserved>
  /** flags: 0x8000: DHCPv6 has addresses; 0x4000: DHCPv6 has other settings */
  | Message<147, 'mobile_prefix_advertisement', Options & HomeAgent & Reserved & { flags: number }>
  /** component: of the certification path; 0xffff for all of them */
  | Message<148, 'certification_path_solicitation', Options & { id: number; component: number }>
  | Message<149, 'certification_path_advertisement', Rest>
  | Message<150, 'experimental_mobility', Rest>
  | Message<151, 'multicast_router_advertisement', MulticastRouter>
  | Message<152, 'multicast_router_solicitation', unknown>
  | Message<153, 'multicast_router_termination', unknown>
  | Message<154, 'fast_handover', Rest>
  /** code: 0 is a request for the tree's information, 1 this information, 2 a destination, 3 its acknowledgement */
  | Message<155, 'rpl_control', Rest>
  | Message<156, 'locator_update', Rest>
  | Message<157, 'duplicate_address_request', Rest>
  | Message<158, 'duplicate_address_confirmation', Rest>
  | Message<159, 'mpl_control', Rest>
  | Message<160, 'extended_echo', ExtendedEcho & Reserved>
  | Message<161, 'extended_echo_reply', ExtendedEchoReply & Reserved>
  /** `rest`: the four bytes behind the checksum */
  | Message<number, 'unknown', { rest: number }>;

/** The fields that are built from another form than the parsed one. */
interface Forms extends ErrorForms {
  options: readonly NdpOptionFields[];
  records: readonly MulticastRecordFields[];
  version2: Optional<QueryDetails> | undefined;
  nonce: Uint8Array;
}
/** An ICMPv6 message to build. */
export type Icmpv6Draft = Drafts<Icmpv6, Forms>;

const NUMBER = 58;

const error = {
  fields: EXTENDED_FIELDS,
  reserved: 0xffffff,
  read: (input: Input, rest: number) => read_extended(input, rest, 'icmpv6'),
  write: (message: ExtendedFields, output: Output) => write_extended(message, output, 'icmpv6'),
};

const echo = echo_row('icmpv6');
const listener = {
  fields: field_names('maximum_response_delay group'),
  reserved: 0xffff,
  body: [[16, 'group']] as const,
  read: (input: Input, rest: number) => ({ maximum_response_delay: rest >>> 16, group: address(input) }),
  write({ group = '::', maximum_response_delay = 0 }: Partial<Multicast>, output: Output): number {
    output.ipv6(output.prepend(16), group ?? '::', 'icmpv6.group');
    const delay = integer(maximum_response_delay ?? 0, 'icmpv6.maximum_response_delay', 0, 0xffff);
    return delay * 0x10000;
  },
};

/** Returns the address at `input.at`, and moves behind it. */
function address(input: Input): string {
  input.at += 16;
  return read_ipv6(input.view, input.at - 16);
}

/** Reads the options at the end of a message of neighbour discovery. */
function read_options(input: Input): NdpOption[] {
  const found = ndp_options.read(input, input.at, input.wire_end);
  input.at = input.end;
  return found;
}

function write_options({ options }: Partial<Forms>, output: Output): number {
  output.prepend_bytes(ndp_options.bytes(options ?? [], 'icmpv6.options'));
  return 0;
}

/** Rows of messages that have nothing but options, and of those without any field. */
const only_options = {
  fields: field_names('options'),
  reserved: 0xffffffff,
  read: (input: Input) => ({ options: read_options(input) }),
  write: write_options,
};
const NONE: FieldNames<never> = field_names();
const nothing = { fields: NONE, is_short: true, read: () => ({}), write: () => 0 };
const plain = plain_row('icmpv6');
const extended = extended_echo_rows('icmpv6');

function write_target(message: Partial<Forms> & { target?: string | undefined }, output: Output): number {
  write_options(message, output);
  output.ipv6(output.prepend(16), message.target ?? '::', 'icmpv6.target');
  return 0;
}

const { makers, protocol } = messages<Icmpv6, Forms>(
  'icmpv6',
  {
    destination_unreachable: { type: 1, ...error },
    packet_too_big: {
      type: 2,
      fields: joined(QUOTING_FIELDS, field_names('mtu')),
      read: (input, rest) => ({ ...read_quoted(input, 'icmpv6'), mtu: rest }),
      write: (message, output) =>
        write_quoted(message, output, 'icmpv6') + integer(message.mtu ?? 0, 'icmpv6.mtu', 0, 0xffffffff),
    },
    time_exceeded: { type: 3, ...error },
    parameter_problem: {
      type: 4,
      fields: joined(QUOTING_FIELDS, field_names('pointer')),
      read: (input, rest) => ({ ...read_quoted(input, 'icmpv6'), pointer: rest }),
      write(message, output) {
        write_quoted(message, output, 'icmpv6');
        return integer(message.pointer ?? 0, 'icmpv6.pointer', 0, 0xffffffff);
      },
    },
    echo: { type: 128, ...echo },
    echo_reply: { type: 129, ...echo },
    multicast_listener_query: {
      ...listener,
      type: 130,
      fields: joined(listener.fields, field_names('version2')),
      body: [[16, 'group', 'version2']],
      read: (input, rest) => ({ ...listener.read(input, rest), version2: read_query(IPV6, input) }),
      write(message, output) {
        if (message.version2) write_query(IPV6, message.version2, output, 'version2');
        return listener.write(message, output);
      },
    },
    multicast_listener_report: { type: 131, ...listener },
    multicast_listener_done: { type: 132, ...listener },
    router_solicitation: { type: 133, ...only_options },
    router_advertisement: {
      type: 134,
      fields: field_names('hop_limit flags router_lifetime reachable_time retrans_timer options'),
      body: [
        [4, 'reachable_time'],
        [8, 'retrans_timer', 'options'],
      ],
      read(input, rest) {
        const { view, at } = input;
        input.at += 8;
        return {
          hop_limit: rest >>> 24,
          flags: (rest >>> 16) & 255,
          router_lifetime: rest & 0xffff,
          reachable_time: view.getUint32(at),
          retrans_timer: view.getUint32(at + 4),
          options: read_options(input),
        };
      },
      write(message, output) {
        write_options(message, output);
        const at = output.prepend(8);
        output.u32(at, message.reachable_time ?? 0, 'icmpv6.reachable_time');
        output.u32(at + 4, message.retrans_timer ?? 0, 'icmpv6.retrans_timer');
        const hop_limit = integer(message.hop_limit ?? 0, 'icmpv6.hop_limit', 0, 0xff);
        const flags = integer(message.flags ?? 0, 'icmpv6.flags', 0, 0xff);
        const lifetime = integer(message.router_lifetime ?? 0, 'icmpv6.router_lifetime', 0, 0xffff);
        return hop_limit * 2 ** 24 + flags * 2 ** 16 + lifetime;
      },
    },
    neighbor_solicitation: {
      type: 135,
      fields: field_names('target options'),
      reserved: 0xffffffff,
      body: [[16, 'target', 'options']],
      read: (input) => ({ target: address(input), options: read_options(input) }),
      write: write_target,
    },
    neighbor_advertisement: {
      type: 136,
      fields: field_names('flags target options'),
      reserved: 0xffffff,
      body: [[16, 'target', 'options']],
      read: (input, rest) => ({ flags: rest >>> 24, target: address(input), options: read_options(input) }),
      write(message, output) {
        write_target(message, output);
        return integer(message.flags ?? 0, 'icmpv6.flags', 0, 0xff) * 2 ** 24;
      },
    },
    redirect: {
      type: 137,
      fields: field_names('target dst options'),
      reserved: 0xffffffff,
      body: [
        [16, 'target'],
        [32, 'dst', 'options'],
      ],
      read: (input) => ({ target: address(input), dst: address(input), options: read_options(input) }),
      write(message, output) {
        write_options(message, output);
        output.ipv6(output.prepend(16), message.dst ?? '::', 'icmpv6.dst');
        output.ipv6(output.prepend(16), message.target ?? '::', 'icmpv6.target');
        return 0;
      },
    },
    router_renumbering: { type: 138, ...router_renumbering_row },
    node_information_query: { type: 139, ...node_information_row },
    node_information_reply: { type: 140, ...node_information_row },
    inverse_neighbor_solicitation: { type: 141, ...only_options },
    inverse_neighbor_advertisement: { type: 142, ...only_options },
    multicast_listener_report_v2: { type: 143, ...report_row(IPV6) },
    home_agent_discovery_request: { type: 144, ...home_agent_row },
    home_agent_discovery_reply: { type: 145, ...home_agent_row },
    mobile_prefix_solicitation: { type: 146, ...home_agent_row },
    mobile_prefix_advertisement: {
      type: 147,
      fields: field_names('id flags options'),
      reserved: 0x3fff,
      read: (input, rest) => ({ id: rest >>> 16, flags: rest & 0xc000, options: read_options(input) }),
      write(message, output) {
        write_options(message, output);
        const flags = integer(message.flags ?? 0, 'icmpv6.flags', 0, 0xffff);
        if ((flags & 0x3fff) !== 0)
          throw new RangeError(`icmpv6.flags must be within 0xc000, not 0x${flags.toString(16)}`);
        return home_agent_row.write(message) + flags;
      },
    },
    certification_path_solicitation: {
      type: 148,
      fields: field_names('id component options'),
      read: (input, rest) => ({ id: rest >>> 16, component: rest & 0xffff, options: read_options(input) }),
      write(message, output) {
        write_options(message, output);
        return (
          home_agent_row.write(message) + integer(message.component ?? 0xffff, 'icmpv6.component', 0, 0xffff)
        );
      },
    },
    certification_path_advertisement: { type: 149, ...plain },
    experimental_mobility: { type: 150, ...plain },
    multicast_router_advertisement: { type: 151, ...listener_router_row },
    multicast_router_solicitation: { type: 152, ...nothing },
    multicast_router_termination: { type: 153, ...nothing },
    fast_handover: { type: 154, ...plain },
    rpl_control: { type: 155, ...plain },
    locator_update: { type: 156, ...plain },
    duplicate_address_request: { type: 157, ...plain },
    duplicate_address_confirmation: { type: 158, ...plain },
    mpl_control: { type: 159, ...plain },
    extended_echo: { type: 160, ...extended.extended_echo },
    extended_echo_reply: { type: 161, ...extended.extended_echo_reply },
  },
  NUMBER,
);

/**
 * Makes ICMPv6 messages: `icmpv6.echo({ id, seq })`; `icmpv6({ type, code, rest })` makes any.
 *
 * Numbers are 0 and addresses :: unless given, an extended echo asks for an interface of the host (`local: true`); the type follows
 * from the name, the checksum is worked out. `quoted` is an array of layers, or the bytes of a packet. Each maker throws a TypeError for a field that the message does not have.
 */
export const icmpv6 = makers;
export const icmpv6_protocol = protocol;
