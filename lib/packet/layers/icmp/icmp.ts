// ICMP, RFC 792 (messages), 950 (address mask), 1191 (MTU), 1256 (routers); 4884 (extensions) is in icmp_error.ts.
//
// `name` says which message a layer is, and so which fields it has. To add one: its type in Icmp and Messages, its number in TYPES, its
// fields in FIELDS, its mask in RESERVED_BITS if it has reserved bits, and a case in `read` and in `write`; the compiler asks for all of
// these but the case in `read`. The data of a message (echo) are a payload layer; the packet that an error quotes is a field.
import { array, integer } from '../../../util/validate.js';
import { read_ipv4, write_ipv4 } from '../../bytes/address.js';
import { type FieldNames, field_names, joined, known } from '../../bytes/fields.js';
import type { Input } from '../../bytes/input.js';
import type { Output } from '../../bytes/output.js';
import { bytes_of } from '../../options/option_values.js';
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
import { RESERVED, type Reserved, reserved_bits } from './reserved.js';

interface Header {
  readonly layer: 'icmp';
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
/** Times in milliseconds since midnight, UTC. */
interface Timestamps extends Echo {
  originate: number;
  receive: number;
  transmit: number;
}
interface RouterAddress {
  address: string;
  preference: number;
}

export type IcmpEcho = Message<8, 'echo', Echo> | Message<0, 'echo_reply', Echo>;
export type IcmpError =
  | Message<3, 'destination_unreachable', Extended & Reserved & { next_hop_mtu: number }>
  | Message<4, 'source_quench', Quoting & Reserved>
  | Message<5, 'redirect', Quoting & { gateway: string }>
  | Message<11, 'time_exceeded', Extended & Reserved>
  | Message<12, 'parameter_problem', Extended & Reserved & { pointer: number }>;
export type Icmp =
  | IcmpEcho
  | IcmpError
  | Message<9, 'router_advertisement', { lifetime: number; addresses: readonly RouterAddress[] }>
  | Message<10, 'router_solicitation', Reserved>
  | Message<13, 'timestamp', Timestamps>
  | Message<14, 'timestamp_reply', Timestamps>
  | Message<17, 'address_mask_request', Echo & { mask: string }>
  | Message<18, 'address_mask_reply', Echo & { mask: string }>
  /** `rest`: the four bytes behind the checksum */
  | Message<number, 'unknown', { rest: number }>;

/** The fields of each message to build. */
interface Messages {
  echo: Partial<Echo>;
  echo_reply: Partial<Echo>;
  destination_unreachable: ExtendedFields & Partial<Reserved> & { next_hop_mtu?: number };
  source_quench: QuotingFields & Partial<Reserved>;
  redirect: QuotingFields & { gateway?: string };
  time_exceeded: ExtendedFields & Partial<Reserved>;
  parameter_problem: ExtendedFields & Partial<Reserved> & { pointer?: number };
  router_advertisement: { lifetime?: number; addresses?: readonly Partial<RouterAddress>[] };
  router_solicitation: Partial<Reserved>;
  timestamp: Partial<Timestamps>;
  timestamp_reply: Partial<Timestamps>;
  address_mask_request: Partial<Echo> & { mask?: string };
  address_mask_reply: Partial<Echo> & { mask?: string };
}
type As<Name extends keyof Messages> = Draft<'icmp', Messages, Name>;
export type IcmpDraft = { [Name in keyof Messages]: As<Name> }[keyof Messages] | Other<'icmp'>;

declare module '../../layer_types.js' {
  interface LayerTypes {
    icmp: [parsed: Icmp, draft: IcmpDraft];
  }
}

const HEADER = 8;
const TYPES: Types<Icmp> = {
  echo_reply: 0,
  destination_unreachable: 3,
  source_quench: 4,
  redirect: 5,
  echo: 8,
  router_advertisement: 9,
  router_solicitation: 10,
  time_exceeded: 11,
  parameter_problem: 12,
  timestamp: 13,
  timestamp_reply: 14,
  address_mask_request: 17,
  address_mask_reply: 18,
};
const ECHO: FieldNames<keyof Echo> = field_names('id seq');
const EXTENDED = joined(RESERVED, EXTENDED_FIELDS);
const TIMESTAMPS = joined(ECHO, field_names('originate receive transmit'));
const MASK = joined(ECHO, field_names('mask'));
const ROUTER_ADDRESS: FieldNames<keyof RouterAddress> = field_names('address preference');
const FIELDS = message_fields<Icmp, Messages>({
  echo_reply: ECHO,
  destination_unreachable: joined(EXTENDED, field_names('next_hop_mtu')),
  source_quench: joined(RESERVED, QUOTING_FIELDS),
  redirect: joined(QUOTING_FIELDS, field_names('gateway')),
  echo: ECHO,
  router_advertisement: field_names('lifetime addresses'),
  router_solicitation: RESERVED,
  time_exceeded: EXTENDED,
  parameter_problem: joined(EXTENDED, field_names('pointer')),
  timestamp: TIMESTAMPS,
  timestamp_reply: TIMESTAMPS,
  address_mask_request: MASK,
  address_mask_reply: MASK,
});
const RESERVED_BITS = reserved_bits<With<Icmp, 'reserved'>>('icmp', {
  destination_unreachable: 0xff000000,
  source_quench: 0xffffffff,
  router_solicitation: 0xffffffff,
  time_exceeded: 0xff00ffff,
  parameter_problem: 0xffff,
});
const layer = 'icmp';

/**
 * Makes ICMP messages: `icmp.echo({ id, seq })`; `icmp({ type, code, rest })` makes any.
 *
 * Numbers are 0 and addresses 0.0.0.0 unless given; the type follows from the name, the checksum is worked out. `quoted` is an array of
 * layers, or the bytes of a packet. Each maker throws a TypeError for a field that the message does not have.
 */
export const icmp = makers<'icmp', Messages>(layer, FIELDS);

export const icmp_protocol: Protocol = {
  name: 'icmp',
  fields: FIELDS,

  parse(input: Input) {
    if (!input.has('icmp', HEADER)) return undefined;
    const message = read(input);
    input.layers.push(message);
    return undefined;
  },

  build(message: IcmpDraft, output: Output) {
    const rest = write(message, output);
    const at = output.prepend(HEADER);
    const type = message.name === undefined || message.name === 'unknown' ? 0 : TYPES[message.name];
    output.u8(at, message.type ?? type, 'icmp.type');
    output.u8(at + 1, message.code ?? 0, 'icmp.code');
    output.view.setUint32(at + 4, rest);
    output.checksum(at + 2, message.checksum, 'icmp.checksum', at, output.end);
  },
};

/** Parses the message at `input.at`, and moves behind its fields. */
function read(input: Input): Icmp {
  const { view, at } = input;
  const type = view.getUint8(at);
  const rest = view.getUint32(at + 4);
  const header = {
    layer,
    code: view.getUint8(at + 1),
    checksum: view.getUint16(at + 2),
    checksum_ok: input.verify(at, 0),
  } as const;
  const echo = { id: rest >>> 16, seq: rest & 0xffff };
  const unknown: Icmp = { ...header, type, name: 'unknown', rest };
  const all = (): void => {
    input.at = input.end;
  };
  const extended = (): Extended => {
    const fields = read_extended(input, at + HEADER, view.getUint8(at + 5) * 4, 'ipv4');
    all();
    return fields;
  };
  const quoting = (): Quoting => {
    const fields = read_quoted(input, at + HEADER, 'ipv4');
    all();
    return fields;
  };
  switch (type) {
    case 0:
      input.at += HEADER;
      return { ...header, type, name: 'echo_reply', ...echo };
    case 8:
      input.at += HEADER;
      return { ...header, type, name: 'echo', ...echo };
    case 3:
      return {
        ...header,
        type,
        name: 'destination_unreachable',
        ...RESERVED_BITS.read('destination_unreachable', rest),
        ...extended(),
        next_hop_mtu: rest & 0xffff,
      };
    case 4:
      return {
        ...header,
        type,
        name: 'source_quench',
        ...RESERVED_BITS.read('source_quench', rest),
        ...quoting(),
      };
    case 5:
      return { ...header, type, name: 'redirect', ...quoting(), gateway: read_ipv4(view, at + 4) };
    case 11:
      return {
        ...header,
        type,
        name: 'time_exceeded',
        ...RESERVED_BITS.read('time_exceeded', rest),
        ...extended(),
      };
    case 12:
      return {
        ...header,
        type,
        name: 'parameter_problem',
        ...RESERVED_BITS.read('parameter_problem', rest),
        ...extended(),
        pointer: rest >>> 24,
      };
    case 9: {
      // A message with addresses of another size is 'unknown'.
      const [count, words] = [rest >>> 24, (rest >>> 16) & 255];
      if (words !== 2 || !input.has('icmp', HEADER + count * 8)) break;
      input.at += HEADER + count * 8;
      const addresses = Array.from({ length: count }, (_, i) => ({
        address: read_ipv4(view, at + HEADER + i * 8),
        preference: view.getInt32(at + HEADER + i * 8 + 4),
      }));
      return { ...header, type, name: 'router_advertisement', lifetime: rest & 0xffff, addresses };
    }
    case 10:
      input.at += HEADER;
      return {
        ...header,
        type,
        name: 'router_solicitation',
        ...RESERVED_BITS.read('router_solicitation', rest),
      };
    case 13:
    case 14: {
      if (!input.has('icmp', HEADER + 12)) break;
      input.at += HEADER + 12;
      const [originate, receive, transmit] = [
        view.getUint32(at + 8),
        view.getUint32(at + 12),
        view.getUint32(at + 16),
      ];
      const fields = { ...header, ...echo, originate, receive, transmit };
      return type === 13
        ? { ...fields, type, name: 'timestamp' }
        : { ...fields, type, name: 'timestamp_reply' };
    }
    case 17:
    case 18: {
      if (!input.has('icmp', HEADER + 4)) break;
      input.at += HEADER + 4;
      const fields = { ...header, ...echo, mask: read_ipv4(view, at + 8) };
      return type === 17
        ? { ...fields, type, name: 'address_mask_request' }
        : { ...fields, type, name: 'address_mask_reply' };
    }
  }
  input.at += HEADER;
  return unknown;
}

/** Prepends the part of a message behind the header. Returns the last four bytes of the header as a number. */
function write(message: IcmpDraft, output: Output): number {
  switch (message.name) {
    case 'echo':
    case 'echo_reply':
      return echo_rest(message);
    case 'destination_unreachable': {
      const mtu = integer(message.next_hop_mtu ?? 0, 'icmp.next_hop_mtu', 0, 0xffff);
      return (write_extended(message, output, 'icmp', 4) << 16) + mtu + RESERVED_BITS.write(message);
    }
    case 'source_quench':
      write_quoted(message, output, 'icmp');
      return RESERVED_BITS.write(message);
    case 'redirect': {
      write_quoted(message, output, 'icmp');
      const gateway = bytes_of(4, (view) =>
        write_ipv4(view, 0, message.gateway ?? '0.0.0.0', 'icmp.gateway'),
      );
      return Buffer.from(gateway).readUInt32BE();
    }
    case 'time_exceeded':
      return (write_extended(message, output, 'icmp', 4) << 16) + RESERVED_BITS.write(message);
    case 'parameter_problem': {
      const pointer = integer(message.pointer ?? 0, 'icmp.pointer', 0, 0xff);
      return (
        pointer * 2 ** 24 + (write_extended(message, output, 'icmp', 4) << 16) + RESERVED_BITS.write(message)
      );
    }
    case 'router_advertisement': {
      const { addresses = [] } = message;
      const count = array(addresses, 'icmp.addresses', 0, 255).length;
      const at = output.prepend(count * 8);
      for (const [i, entry] of addresses.entries()) {
        const field = `icmp.addresses[${i}]`;
        const { address = '0.0.0.0', preference = 0 } = known(entry, field, ROUTER_ADDRESS);
        output.ipv4(at + i * 8, address, `${field}.address`);
        output.view.setInt32(at + i * 8 + 4, integer(preference, `${field}.preference`));
      }
      return count * 2 ** 24 + 0x20000 + integer(message.lifetime ?? 0, 'icmp.lifetime', 0, 0xffff);
    }
    case 'router_solicitation':
      return RESERVED_BITS.write(message);
    case 'timestamp':
    case 'timestamp_reply': {
      const at = output.prepend(12);
      output.u32(at, message.originate ?? 0, 'icmp.originate');
      output.u32(at + 4, message.receive ?? 0, 'icmp.receive');
      output.u32(at + 8, message.transmit ?? 0, 'icmp.transmit');
      return echo_rest(message);
    }
    case 'address_mask_request':
    case 'address_mask_reply':
      output.ipv4(output.prepend(4), message.mask ?? '0.0.0.0', 'icmp.mask');
      return echo_rest(message);
    default:
      return integer(message.rest ?? 0, 'icmp.rest', 0, 0xffffffff);
  }
}

function echo_rest(message: Partial<Echo>): number {
  const id = integer(message.id ?? 0, 'icmp.id', 0, 0xffff);
  return id * 0x10000 + integer(message.seq ?? 0, 'icmp.seq', 0, 0xffff);
}
