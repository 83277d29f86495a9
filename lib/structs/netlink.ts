// Netlink: messages, their attributes, and the headers of rtnetlink's families between the two. See netlink(7),
// rtnetlink(7).
//
// A message is a header, then data padded to 4 bytes. The data of rtnetlink is a family's header (ifinfomsg, …) and attributes,
// which nest. Decoding bytes never fails: an item that is cut short, or has an impossible length, ends the list.
import * as c from '../constants.js';
import {
  type Bytes,
  type BytesLike,
  bytes as checked_bytes,
  data,
  integer,
  shown,
} from '../util/validate.js';
import { type Decoded, define, type Encodable, fields_of, int, type Struct } from './struct.js';

const ALIGNMENT = 4;
const align = (length: number): number => Math.ceil(length / ALIGNMENT) * ALIGNMENT;
const TYPE_MASK = 0x3fff;

/** Joins the parts, each padded to 4 bytes. */
function concat_aligned(parts: readonly Bytes[]): Buffer {
  const bytes = Buffer.alloc(parts.reduce((sum, part) => sum + align(part.length), 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += align(part.length);
  }
  return bytes;
}

/** struct nlattr with its content. */
export interface nlattr {
  /** The attribute's length in bytes, header included, padding not. */
  len: number;
  /** The attribute's type, without the flags below. */
  type: number;
  /** NLA_F_NESTED: the content is attributes. Some kernel interfaces nest attributes without setting the flag. */
  nested: boolean;
  /** NLA_F_NET_BYTEORDER: the content's integers are in network byte order. */
  net_byteorder: boolean;
  /** The content: `nlattr.decode_all` decodes attributes in it. */
  data: Buffer;
}
/** The fields of an attribute as encode takes them. */
export interface nlattr_like {
  /** The type of the attribute, without flags: 0 to 16,383. */
  readonly type: number | bigint;
  /** Bytes, a string for its UTF-8 bytes (the kernel wants most to end with '\0'), or attributes, which sets `nested`. */
  readonly data?: BytesLike | string | readonly nlattr_like[] | undefined;
  /** True sets NLA_F_NESTED. */
  readonly nested?: boolean | undefined;
  /** True sets NLA_F_NET_BYTEORDER. */
  readonly net_byteorder?: boolean | undefined;
  /** The length in bytes, header included; left out: that of the data. */
  readonly len?: number | bigint | undefined;
}

const attribute_header = define<{ len: number; type: number }>('nlattr', { len: int, type: int });
const ATTRIBUTE_FIELDS = ['len', 'type', 'nested', 'net_byteorder', 'data'];

function encode_attribute(value: nlattr_like, name: string): Buffer {
  const fields = fields_of(value, name, ATTRIBUTE_FIELDS);
  const nested = Array.isArray(fields.data);
  const content = nested
    ? encode_attributes(fields.data, `${name}.data`)
    : data(fields.data ?? '', `${name}.data`);
  const flags =
    (nested || fields.nested === true ? c.NLA_F_NESTED : 0) |
    (fields.net_byteorder === true ? c.NLA_F_NET_BYTEORDER : 0);
  const type = integer(fields.type, `${name}.type`, 0, TYPE_MASK) | flags;
  const len = fields.len ?? attribute_header.size + content.length;
  const header = attribute_header.encode({ len: integer(len, `${name}.len`, 0, 0xffff), type });
  return concat_aligned([Buffer.concat([header, content])]);
}

function encode_attributes(value: unknown, name: string): Buffer {
  if (!Array.isArray(value))
    throw new TypeError(`${name} must be an array of attributes, not ${shown(value)}`);
  return Buffer.concat(value.map((item, index) => encode_attribute(item, `${name}[${index}]`)));
}

/**
 * Decodes the items that follow each other in the bytes: headers with their contents.
 *
 * @param header_size the size of one header, in bytes
 * @param length_of returns the length of an item, by its header
 * @param read returns the value of an item
 */
function walk<T>(
  bytes: Bytes,
  header_size: number,
  length_of: (header: Bytes) => number,
  read: (header: Bytes, content: Buffer) => T,
): T[] {
  const items: T[] = [];
  for (let offset = 0; offset + header_size <= bytes.length; ) {
    const header = bytes.subarray(offset, offset + header_size);
    const length = length_of(header);
    if (length < header_size || length > bytes.length - offset) break;
    items.push(read(header, Buffer.from(bytes.subarray(offset + header_size, offset + length))));
    offset += align(length);
  }
  return items;
}

function decode_attributes(bytes: BytesLike): nlattr[] {
  return walk(
    checked_bytes(bytes, 'bytes'),
    attribute_header.size,
    (header) => attribute_header.decode(header).len,
    attribute_of,
  );
}

function attribute_of(header: Bytes, content: Buffer): nlattr {
  const { len, type } = attribute_header.decode(header);
  const nested = (type & c.NLA_F_NESTED) !== 0;
  const net_byteorder = (type & c.NLA_F_NET_BYTEORDER) !== 0;
  return { len, type: type & TYPE_MASK, nested, net_byteorder, data: content };
}

/** struct nlattr (rtattr in rtnetlink): an attribute and its content. */
export const nlattr = Object.freeze({
  name: 'nlattr',
  /** The size of the header, in bytes. */
  size: attribute_header.size,
  /** encode(value) -> the attribute, padded to 4 bytes. @throws TypeError, RangeError naming the field */
  encode: (value: nlattr_like): Buffer => encode_attribute(value, 'nlattr'),
  /** encode_all(values) -> the attributes, joined. @throws TypeError, RangeError naming the field */
  encode_all: (values: readonly nlattr_like[]): Buffer => encode_attributes(values, 'nlattr'),
  /** decode(bytes) -> the attribute at the beginning of the bytes; its data may be cut short. @throws TypeError */
  decode(bytes: BytesLike): nlattr {
    const view = checked_bytes(bytes, 'bytes');
    const { len } = attribute_header.decode(view);
    return attribute_of(view, Buffer.from(view.subarray(attribute_header.size, Math.max(len, 0))));
  },
  /** decode_all(bytes) -> all attributes in the bytes. @throws TypeError */
  decode_all: decode_attributes,
});

const NLMSGHDR = {
  /** The message's length in bytes, header included, padding not. */
  len: int,
  /** NLMSG_ERROR, NLMSG_DONE, RTM_NEWLINK, … */
  type: int,
  /** NLM_F_REQUEST, NLM_F_DUMP, … */
  flags: int,
  /** The request's sequence number, which answers repeat. */
  seq: int,
  /** The sender's address, 0 for the kernel. */
  pid: int,
};
/** struct nlmsghdr with the message's data. */
export interface nlmsghdr extends Decoded<typeof NLMSGHDR> {
  /** The bytes after the header, up to `len` or the end of the bytes. */
  data: Buffer;
}
/** The fields of a message as encode takes them: `len` is calculated if it is left out. */
export interface nlmsghdr_like extends Encodable<nlmsghdr> {
  /** A family's header, such as `structs.ifinfomsg.encode(…)`; or all bytes after the message's header. */
  readonly data?: BytesLike | undefined;
  /** The attributes after the data. */
  readonly attributes?: readonly nlattr_like[] | undefined;
}

const message_header = define<Decoded<typeof NLMSGHDR>>('nlmsghdr', NLMSGHDR);
const MESSAGE_FIELDS = [...Object.keys(NLMSGHDR), 'data', 'attributes'];

/** struct nlmsghdr: a netlink message, header and data. */
export const nlmsghdr = Object.freeze({
  name: 'nlmsghdr',
  /** The size of the header, in bytes. */
  size: message_header.size,
  /** encode(value) -> the message, padded to 4 bytes. @throws TypeError, RangeError naming the field */
  encode(value: nlmsghdr_like): Buffer {
    fields_of(value, 'nlmsghdr', MESSAGE_FIELDS);
    const { data: content, attributes, len, ...header } = value;
    const head = content === undefined ? new Uint8Array(0) : checked_bytes(content, 'nlmsghdr.data');
    const rest = attributes === undefined ? null : encode_attributes(attributes, 'nlmsghdr.attributes');
    const body = rest === null ? head : Buffer.concat([concat_aligned([head]), rest]);
    const fixed = message_header.encode({ ...header, len: len ?? message_header.size + body.length });
    return concat_aligned([fixed, body]);
  },
  /** decode(bytes) -> the message at the beginning of the bytes; its data may be cut short. @throws TypeError */
  decode(bytes: BytesLike): nlmsghdr {
    const view = checked_bytes(bytes, 'bytes');
    const header = message_header.decode(view);
    return { ...header, data: Buffer.from(view.subarray(message_header.size, Math.max(header.len, 0))) };
  },
  /** decode_all(bytes) -> all messages in the bytes of one receive. @throws TypeError */
  decode_all: (bytes: BytesLike): nlmsghdr[] =>
    walk(
      checked_bytes(bytes, 'bytes'),
      message_header.size,
      (header) => message_header.decode(header).len,
      (header, content) => ({ ...message_header.decode(header), data: content }),
    ),
});

const IFINFOMSG = {
  /** AF_UNSPEC. */
  family: int,
  /** The interface's type: ARPHRD_*. */
  type: int,
  /** The index of the interface. */
  index: int,
  /** IFF_*. */
  flags: int,
  /** The mask of the flags to change. */
  change: int,
};
/** The fields of ifinfomsg as decode gives them; the constant ifinfomsg says what the struct is for. */
export interface ifinfomsg extends Decoded<typeof IFINFOMSG> {}
/** struct ifinfomsg, of RTM_NEWLINK, RTM_GETLINK, …; attributes IFLA_*. */
export const ifinfomsg: Struct<ifinfomsg> = define('ifinfomsg', IFINFOMSG);

const IFADDRMSG = {
  /** AF_INET, AF_INET6. */
  family: int,
  /** The length of the address's prefix, in bits. */
  prefixlen: int,
  /** IFA_F_*. */
  flags: int,
  /** RT_SCOPE_*. */
  scope: int,
  /** The index of the interface. */
  index: int,
};
/** The fields of ifaddrmsg as decode gives them; the constant ifaddrmsg says what the struct is for. */
export interface ifaddrmsg extends Decoded<typeof IFADDRMSG> {}
/** struct ifaddrmsg, of RTM_NEWADDR, RTM_GETADDR, …; attributes IFA_*. */
export const ifaddrmsg: Struct<ifaddrmsg> = define('ifaddrmsg', IFADDRMSG);

const RTMSG = {
  /** AF_INET, AF_INET6. */
  family: int,
  /** The length of the destination's prefix, in bits. */
  dst_len: int,
  /** The length of the source's prefix, in bits. */
  src_len: int,
  /** The type of service of the packets that take the route. */
  tos: int,
  /** RT_TABLE_*. */
  table: int,
  /** RTPROT_*: the origin of the route. */
  protocol: int,
  /** RT_SCOPE_*. */
  scope: int,
  /** RTN_*. */
  type: int,
  /** RTM_F_*. */
  flags: int,
};
/** The fields of rtmsg as decode gives them; the constant rtmsg says what the struct is for. */
export interface rtmsg extends Decoded<typeof RTMSG> {}
/** struct rtmsg, of RTM_NEWROUTE, RTM_GETROUTE, …; attributes RTA_*. */
export const rtmsg: Struct<rtmsg> = define('rtmsg', RTMSG);

const NDMSG = {
  /** AF_INET, AF_INET6. */
  family: int,
  /** The index of the neighbour's interface. */
  ifindex: int,
  /** NUD_*. */
  state: int,
  /** NTF_*. */
  flags: int,
  /** RTN_*. */
  type: int,
};
/** The fields of ndmsg as decode gives them; the constant ndmsg says what the struct is for. */
export interface ndmsg extends Decoded<typeof NDMSG> {}
/** struct ndmsg, of RTM_NEWNEIGH, RTM_GETNEIGH, …; attributes NDA_*. */
export const ndmsg: Struct<ndmsg> = define('ndmsg', NDMSG);
