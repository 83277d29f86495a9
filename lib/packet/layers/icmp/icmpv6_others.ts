// Rows of ICMPv6 messages beside errors, echo and the discovery of neighbours and listeners: RFC 2894 (renumbering), 4286 (routers of
// multicast), 4620 (node information), 6275 (home agents). What follows their fields is a payload.
import { integer } from '../../../util/validate.js';
import { field_names } from '../../bytes/fields.js';
import type { Input } from '../../bytes/input.js';
import type { Output } from '../../bytes/output.js';
import { exact_bytes } from '../../options/option_values.js';

/** `code` is 0 for a command, 1 for its result, 255 to begin anew. */
export interface RouterRenumbering {
  seq: number;
  segment: number;
  /** 0x80: a test only; 0x40: results are wanted; 0x20: also of interfaces that are down; 0x10: of one site; 0x08: done before */
  flags: number;
  /** of the answer, in milliseconds */
  maximum_delay: number;
  /** the four bytes behind it */
  reserved2: number;
}
/** `code`: what a query asks for, 0 an IPv6 address, 1 a name, 2 an IPv4 address; in a reply 1 refused, 2 unknown `qtype`. */
export interface NodeInformation {
  /** 0 nothing, 2 names, 3 IPv6 addresses, 4 IPv4 addresses */
  qtype: number;
  flags: number;
  /** 8 bytes that tell answers apart */
  nonce: Buffer;
}
/** `id` is the same in the answer. */
export interface HomeAgent {
  id: number;
}
/** `code` is the interval of these messages, in seconds. */
export interface MulticastRouter {
  /** in seconds */
  query_interval: number;
  robustness: number;
}

/** What is given to build. */
type Given<T> = { [Name in keyof T]?: T[Name] | undefined };

export const router_renumbering_row = {
  fields: field_names('seq segment flags maximum_delay reserved2'),
  body: [
    [1, 'segment'],
    [2, 'flags'],
    [4, 'maximum_delay'],
    [8, 'reserved2'],
  ] as const,
  read(input: Input, rest: number): RouterRenumbering {
    const { view, at } = input;
    input.at += 8;
    return {
      seq: rest,
      segment: view.getUint8(at),
      flags: view.getUint8(at + 1),
      maximum_delay: view.getUint16(at + 2),
      reserved2: view.getUint32(at + 4),
    };
  },
  write(message: Given<RouterRenumbering>, output: Output): number {
    const at = output.prepend(8);
    output.u8(at, message.segment ?? 0, 'icmpv6.segment');
    output.u8(at + 1, message.flags ?? 0, 'icmpv6.flags');
    output.u16(at + 2, message.maximum_delay ?? 0, 'icmpv6.maximum_delay');
    output.u32(at + 4, message.reserved2 ?? 0, 'icmpv6.reserved2');
    return integer(message.seq ?? 0, 'icmpv6.seq', 0, 0xffffffff);
  },
};

const nonce = exact_bytes(8);
export const node_information_row = {
  fields: field_names('qtype flags nonce'),
  body: [[8, 'nonce']] as const,
  read(input: Input, rest: number) {
    return { qtype: rest >>> 16, flags: rest & 0xffff, nonce: input.take(8) };
  },
  write(message: Given<Omit<NodeInformation, 'nonce'> & { nonce: Uint8Array }>, output: Output): number {
    output.prepend_bytes(nonce.write(message.nonce, 'icmpv6.nonce'));
    const qtype = integer(message.qtype ?? 0, 'icmpv6.qtype', 0, 0xffff);
    return qtype * 0x10000 + integer(message.flags ?? 0, 'icmpv6.flags', 0, 0xffff);
  },
};

export const home_agent_row = {
  fields: field_names('id'),
  reserved: 0xffff,
  read: (_input: Input, rest: number): HomeAgent => ({ id: rest >>> 16 }),
  write: ({ id }: Given<HomeAgent>): number => integer(id ?? 0, 'icmpv6.id', 0, 0xffff) * 0x10000,
};

export const listener_router_row = {
  fields: field_names('query_interval robustness'),
  read: (_input: Input, rest: number): MulticastRouter => ({
    query_interval: rest >>> 16,
    robustness: rest & 0xffff,
  }),
  write: ({ query_interval, robustness }: Given<MulticastRouter>): number =>
    integer(query_interval ?? 0, 'icmpv6.query_interval', 0, 0xffff) * 0x10000 +
    integer(robustness ?? 0, 'icmpv6.robustness', 0, 0xffff),
};
