// Netlink, RFC 3549, as an nlmon device of Linux captures it: a cooked header, and messages in the byte order of the machine that captured.
import { array, bytes, integer, shown } from '../../../util/validate.js';
import { type FieldNames, type Fields, field_names, known, maker } from '../../bytes/fields.js';
import type { Input } from '../../bytes/input.js';
import { header } from '../../define/header.js';
import { field } from '../../define/own_fields.js';
import type { Protocol } from '../../registry.js';

/** A message: struct nlmsghdr, and what follows it. */
export interface NetlinkMessage {
  /** of header and data, in bytes */
  length: number;
  /** 2 an error, 3 the end of a dump; from 16 on by the family: RTM_NEWLINK and so on */
  type: number;
  /** NLM_F_REQUEST (1), NLM_F_MULTI (2), NLM_F_ACK (4), … */
  flags: number;
  /** the sequence number: an answer has that of the request */
  seq: number;
  /** the port of the sender, 0 for the kernel */
  port_id: number;
  /** the bytes behind the header of the message */
  data: Buffer;
  /** the bytes up to a multiple of 4 */
  padding: Buffer;
}
/** A message of netlink, to build. */
export type NetlinkMessageFields = Partial<
  Omit<NetlinkMessage, 'data' | 'padding'> & { data: Uint8Array; padding: Uint8Array }
>;

/** The messages of a netlink socket, as a capture of nlmon has them. */
export interface Netlink {
  /** The name of the layer. */
  readonly layer: 'netlink';
  /** 4: from user space; 6, 7: from the kernel or to it */
  packet_type: number;
  /** 824 */
  arphrd_type: number;
  /** 10 bytes that say nothing */
  unused: Buffer;
  /** NETLINK_ROUTE (0), NETLINK_GENERIC (16), … */
  family: number;
  /** the byte order of messages */
  byte_order: 'little' | 'big';
  /** the messages, one behind the other */
  messages: readonly NetlinkMessage[];
}
/** The fields of netlink messages to build: what is left out is worked out, or has a default. */
export type NetlinkFields = Fields<
  Netlink,
  { unused: Uint8Array; messages: readonly NetlinkMessageFields[] }
>;
/** Netlink messages to build. */
export type NetlinkDraft = { readonly layer: 'netlink' } & NetlinkFields;

const FIELDS: FieldNames<keyof NetlinkFields> = field_names(
  'packet_type arphrd_type unused family byte_order messages',
);
const MESSAGE_FIELDS: FieldNames<keyof NetlinkMessageFields> = field_names(
  'length type flags seq port_id data padding',
);
const ARPHRD_NETLINK = 824;
const PACKET_OUTGOING = 4;
const HEADER = 16;

/**
 * Makes a capture of netlink messages: `netlink({ family: NETLINK_ROUTE, messages: [{ type, flags, data }] })`.
 *
 * @param fields numbers are 0 unless given, messages none, the byte order is little; lengths are worked out
 * @throws TypeError for a field that the header does not have
 */
export const netlink: (fields?: NetlinkFields) => NetlinkDraft = maker('netlink', FIELDS);

/** No message is as long as one of a few bytes looks in the other byte order. */
function is_little({ view, at, end }: Input): boolean {
  return at + 4 > end || view.getUint32(at, true) <= view.getUint32(at);
}

function read_messages(input: Input, little: boolean): NetlinkMessage[] {
  const { view } = input;
  const messages: NetlinkMessage[] = [];
  while (input.at < input.end && input.has('netlink', HEADER)) {
    const { at } = input;
    const length = view.getUint32(at, little);
    if (length < HEADER) {
      if (!input.partial)
        input.problem('netlink', at, `the length of a message is ${length}, less than its header`);
      break;
    }
    if (!input.has('netlink', length)) break;
    input.at = Math.min(at + ((length + 3) & ~3), input.end);
    messages.push({
      length,
      type: view.getUint16(at + 4, little),
      flags: view.getUint16(at + 6, little),
      seq: view.getUint32(at + 8, little),
      port_id: view.getUint32(at + 12, little),
      data: input.slice(at + HEADER, at + length),
      padding: input.slice(at + length, input.at),
    });
  }
  return messages;
}

function message_bytes(message: NetlinkMessageFields, name: string, little: boolean): Buffer {
  const given = known(message, name, MESSAGE_FIELDS);
  const data = bytes(given.data ?? new Uint8Array(0), `${name}.data`);
  const padding = bytes(given.padding ?? new Uint8Array(-data.length & 3), `${name}.padding`);
  const view = new DataView(new ArrayBuffer(HEADER));
  const u16 = (value: unknown, key: string) => integer(value ?? 0, `${name}.${key}`, 0, 0xffff);
  const u32 = (value: unknown, key: string) => integer(value ?? 0, `${name}.${key}`, 0, 0xffffffff);
  view.setUint32(0, u32(given.length ?? HEADER + data.length, 'length'), little);
  view.setUint16(4, u16(given.type, 'type'), little);
  view.setUint16(6, u16(given.flags, 'flags'), little);
  view.setUint32(8, u32(given.seq, 'seq'), little);
  view.setUint32(12, u32(given.port_id, 'port_id'), little);
  return Buffer.concat([new Uint8Array(view.buffer), data, padding]);
}

export const netlink_protocol: Protocol = header<Netlink, NetlinkDraft>(
  'netlink',
  FIELDS,
  {
    packet_type: field.uint(16, PACKET_OUTGOING),
    arphrd_type: field.uint(16, ARPHRD_NETLINK),
    unused: field.bytes(10),
    family: field.uint(16),
  },
  {
    read(_fields, input) {
      const little = is_little(input);
      return { byte_order: little ? 'little' : 'big', messages: read_messages(input, little) };
    },
    write({ messages = [], byte_order = 'little' }, output) {
      if (byte_order !== 'little' && byte_order !== 'big')
        throw new RangeError(`netlink.byte_order must be 'little' or 'big', not ${shown(byte_order)}`);
      const all = array(messages, 'netlink.messages').map((message, i) =>
        message_bytes(message as NetlinkMessageFields, `netlink.messages[${i}]`, byte_order === 'little'),
      );
      output.prepend_bytes(Buffer.concat(all));
      return undefined;
    },
  },
);
