// ICMP, RFC 792 (messages), 950 (address mask), 1191 (MTU), 1256 (routers), 1393 (traceroute), 1788 (domain names); 4884 (extensions) is in
// icmp_error.ts, 8335 in extended_echo.ts. Of messages that hardly anybody sends, only the name is known.
//
// `name` says which message a layer is, and so which fields it has. The data of a message (echo) are a payload layer; the packet that an
// error quotes is a field. CONTRIBUTING.md says how to add a message ("An ICMP message").
import { array, integer } from '../../../util/validate.js';
import { read_ipv4, write_ipv4 } from '../../bytes/address.js';
import { type FieldNames, field_names, joined, known, type Optional } from '../../bytes/fields.js';
import type { Input } from '../../bytes/input.js';
import type { Output } from '../../bytes/output.js';
import { bytes_of } from '../../options/option_values.js';
import { type ExtendedEcho, type ExtendedEchoReply, extended_echo_rows } from './extended_echo.js';
import {
  type ErrorForms,
  EXTENDED_FIELDS,
  type Extended,
  QUOTING_FIELDS,
  type Quoting,
  read_extended,
  read_quoted,
  write_extended,
  write_quoted,
} from './icmp_error.js';
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

type Message<Type extends number, Name extends string, Values> = MessageOf<'icmp', Type, Name, Values>;

/** Times in milliseconds since midnight, UTC. */
interface Timestamps extends Echo {
  originate: number;
  receive: number;
  transmit: number;
}
interface Mask extends Echo {
  mask: string;
}
interface Traceroute {
  id: number;
  /** routers that the packet passed; those that the answer passed, 0xffff if the packet is no answer */
  outbound_hops: number;
  return_hops: number;
  /** of the link, in bytes a second; 0 if it is not known */
  speed: number;
  /** of the link, in bytes */
  mtu: number;
}
interface RouterAddress {
  address: string;
  preference: number;
}

/** An ICMP message, RFC 792, as parsed: `type` says which, and so which fields it has. */
export type Icmp =
  | Message<0, 'echo_reply', Echo>
  | Message<3, 'destination_unreachable', Extended & Reserved & { next_hop_mtu: number }>
  | Message<4, 'source_quench', Quoting & Reserved>
  | Message<5, 'redirect', Quoting & { gateway: string }>
  | Message<6, 'alternate_host_address', Rest>
  | Message<8, 'echo', Echo>
  /** count: of the addresses that were sent; `addresses` has those that are there */
  | Message<
      9,
      'router_advertisement',
      { count: number; lifetime: number; addresses: readonly RouterAddress[] }
    >
  | Message<10, 'router_solicitation', Reserved>
  | Message<11, 'time_exceeded', Extended & Reserved>
  | Message<12, 'parameter_problem', Extended & Reserved & { pointer: number }>
  | Message<13, 'timestamp', Timestamps>
  | Message<14, 'timestamp_reply', Timestamps>
  | Message<15, 'information_request', Echo>
  | Message<16, 'information_reply', Echo>
  | Message<17, 'address_mask_request', Mask>
  | Message<18, 'address_mask_reply', Mask>
  | Message<30, 'traceroute', Traceroute & Reserved>
  | Message<31, 'datagram_conversion_error', Rest>
  | Message<32, 'mobile_host_redirect', Rest>
  | Message<33, 'where_are_you', Rest>
  | Message<34, 'i_am_here', Rest>
  | Message<35, 'mobile_registration_request', Rest>
  | Message<36, 'mobile_registration_reply', Rest>
  | Message<37, 'domain_name_request', Echo>
  | Message<38, 'domain_name_reply', Echo>
  | Message<39, 'skip', Rest>
  | Message<40, 'photuris', Rest>
  | Message<41, 'experimental_mobility', Rest>
  | Message<42, 'extended_echo', ExtendedEcho & Reserved>
  | Message<43, 'extended_echo_reply', ExtendedEchoReply & Reserved>
  /** `rest`: the four bytes behind the checksum */
  | Message<number, 'unknown', { rest: number }>;

/** The fields that are built from another form than the parsed one. */
interface Forms extends ErrorForms {
  addresses: readonly Optional<RouterAddress>[];
}
/** An ICMP message to build. */
export type IcmpDraft = Drafts<Icmp, Forms>;

const ROUTER_ADDRESS: FieldNames<keyof RouterAddress> = field_names('address preference');

const echo = echo_row('icmp');
const timestamp = {
  fields: joined(echo.fields, field_names('originate receive transmit')),
  body: [
    [4, 'originate'],
    [8, 'receive'],
    [12, 'transmit'],
  ] as const,
  read(input: Input, rest: number) {
    const { view, at } = input;
    input.at += 12;
    const [originate, receive, transmit] = [
      view.getUint32(at),
      view.getUint32(at + 4),
      view.getUint32(at + 8),
    ];
    return { ...echo.read(input, rest), originate, receive, transmit };
  },
  write(message: Partial<Timestamps>, output: Output): number {
    const at = output.prepend(12);
    output.u32(at, message.originate ?? 0, 'icmp.originate');
    output.u32(at + 4, message.receive ?? 0, 'icmp.receive');
    output.u32(at + 8, message.transmit ?? 0, 'icmp.transmit');
    return echo.write(message);
  },
};

const address_mask = {
  fields: joined(echo.fields, field_names('mask')),
  body: [[4, 'mask']] as const,
  read(input: Input, rest: number) {
    input.at += 4;
    return { ...echo.read(input, rest), mask: read_ipv4(input.view, input.at - 4) };
  },
  write(message: Partial<Mask>, output: Output): number {
    output.ipv4(output.prepend(4), message.mask ?? '0.0.0.0', 'icmp.mask');
    return echo.write(message);
  },
};

const plain = plain_row('icmp');
const extended = extended_echo_rows('icmp');
const { makers, protocol } = messages<Icmp, Forms>('icmp', {
  echo_reply: { type: 0, ...echo },
  destination_unreachable: {
    type: 3,
    fields: joined(EXTENDED_FIELDS, field_names('next_hop_mtu')),
    reserved: 0xff000000,
    read: (input, rest) => ({ ...read_extended(input, rest, 'icmp'), next_hop_mtu: rest & 0xffff }),
    write(message, output) {
      const mtu = integer(message.next_hop_mtu ?? 0, 'icmp.next_hop_mtu', 0, 0xffff);
      return write_extended(message, output, 'icmp') + mtu;
    },
  },
  source_quench: {
    type: 4,
    fields: QUOTING_FIELDS,
    reserved: 0xffffffff,
    read: (input) => read_quoted(input, 'icmp'),
    write: (message, output) => write_quoted(message, output, 'icmp'),
  },
  redirect: {
    type: 5,
    fields: joined(QUOTING_FIELDS, field_names('gateway')),
    read(input) {
      const gateway = read_ipv4(input.view, input.at - 4);
      return { ...read_quoted(input, 'icmp'), gateway };
    },
    write(message, output) {
      write_quoted(message, output, 'icmp');
      const gateway = bytes_of(4, (view) =>
        write_ipv4(view, 0, message.gateway ?? '0.0.0.0', 'icmp.gateway'),
      );
      return Buffer.from(gateway).readUInt32BE();
    },
  },
  alternate_host_address: { type: 6, ...plain },
  echo: { type: 8, ...echo },
  router_advertisement: {
    type: 9,
    fields: field_names('count lifetime addresses'),
    read(input, rest) {
      const { view } = input;
      // A message with addresses of another size is 'unknown'.
      const [count, words] = [rest >>> 24, (rest >>> 16) & 255];
      if (words !== 2) return undefined;
      const addresses: RouterAddress[] = [];
      while (addresses.length < count && input.has('icmp', 8)) {
        addresses.push({ address: read_ipv4(view, input.at), preference: view.getInt32(input.at + 4) });
        input.at += 8;
      }
      return { count, lifetime: rest & 0xffff, addresses };
    },
    write({ count, addresses = [], lifetime = 0 }, output) {
      const there = array(addresses, 'icmp.addresses', 0, 255).length;
      const at = output.prepend(there * 8);
      for (const [i, entry] of addresses.entries()) {
        const field = `icmp.addresses[${i}]`;
        const { address = '0.0.0.0', preference = 0 } = known(entry, field, ROUTER_ADDRESS);
        output.ipv4(at + i * 8, address, `${field}.address`);
        output.view.setInt32(at + i * 8 + 4, integer(preference, `${field}.preference`));
      }
      return (
        integer(count ?? there, 'icmp.count', 0, 255) * 2 ** 24 +
        0x20000 +
        integer(lifetime ?? 0, 'icmp.lifetime', 0, 0xffff)
      );
    },
  },
  router_solicitation: {
    type: 10,
    fields: field_names(),
    reserved: 0xffffffff,
    read: () => ({}),
    write: () => 0,
  },
  time_exceeded: {
    type: 11,
    fields: EXTENDED_FIELDS,
    reserved: 0xff00ffff,
    read: (input, rest) => read_extended(input, rest, 'icmp'),
    write: (message, output) => write_extended(message, output, 'icmp'),
  },
  parameter_problem: {
    type: 12,
    fields: joined(EXTENDED_FIELDS, field_names('pointer')),
    reserved: 0xffff,
    read: (input, rest) => ({ ...read_extended(input, rest, 'icmp'), pointer: rest >>> 24 }),
    write(message, output) {
      const pointer = integer(message.pointer ?? 0, 'icmp.pointer', 0, 0xff);
      return pointer * 2 ** 24 + write_extended(message, output, 'icmp');
    },
  },
  timestamp: { type: 13, ...timestamp },
  timestamp_reply: { type: 14, ...timestamp },
  information_request: { type: 15, ...echo },
  information_reply: { type: 16, ...echo },
  address_mask_request: { type: 17, ...address_mask },
  address_mask_reply: { type: 18, ...address_mask },
  traceroute: {
    type: 30,
    fields: field_names('id outbound_hops return_hops speed mtu'),
    reserved: 0xffff,
    body: [
      [2, 'outbound_hops'],
      [4, 'return_hops'],
      [8, 'speed'],
      [12, 'mtu'],
    ],
    read(input, rest) {
      const { view, at } = input;
      input.at += 12;
      return {
        id: rest >>> 16,
        outbound_hops: view.getUint16(at),
        return_hops: view.getUint16(at + 2),
        speed: view.getUint32(at + 4),
        mtu: view.getUint32(at + 8),
      };
    },
    write(message, output) {
      const at = output.prepend(12);
      output.u16(at, message.outbound_hops ?? 0, 'icmp.outbound_hops');
      output.u16(at + 2, message.return_hops ?? 0, 'icmp.return_hops');
      output.u32(at + 4, message.speed ?? 0, 'icmp.speed');
      output.u32(at + 8, message.mtu ?? 0, 'icmp.mtu');
      return integer(message.id ?? 0, 'icmp.id', 0, 0xffff) * 0x10000;
    },
  },
  datagram_conversion_error: { type: 31, ...plain },
  mobile_host_redirect: { type: 32, ...plain },
  where_are_you: { type: 33, ...plain },
  i_am_here: { type: 34, ...plain },
  mobile_registration_request: { type: 35, ...plain },
  mobile_registration_reply: { type: 36, ...plain },
  domain_name_request: { type: 37, ...echo },
  domain_name_reply: { type: 38, ...echo },
  skip: { type: 39, ...plain },
  photuris: { type: 40, ...plain },
  experimental_mobility: { type: 41, ...plain },
  extended_echo: { type: 42, ...extended.extended_echo },
  extended_echo_reply: { type: 43, ...extended.extended_echo_reply },
});

/**
 * Makes ICMP messages: `icmp.echo({ id, seq })`; `icmp({ type, code, rest })` makes any.
 *
 * Numbers are 0 and addresses 0.0.0.0 unless given, an extended echo asks for an interface of the host (`local: true`); the type follows
 * from the name, the checksum is worked out. `quoted` is an array of layers, or the bytes of a packet. Each maker throws a TypeError for a field that the message does not have.
 */
export const icmp = makers;
export const icmp_protocol = protocol;
