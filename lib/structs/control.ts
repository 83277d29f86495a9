// decode_control and encode_control: the control messages of recvmsg and sendmsg as values. CONTROLS is the table of the known
// messages: a new message is a row there. messages.ts and options.ts hold the structs. The raw messages are in
// lib/calls/control.ts.

import type { ControlMessage, ReceivedControlMessage } from '../calls/control.js';
import * as c from '../constants.js';
import { CONTROL_MAX, check_count } from '../util/control_count.js';
import { array, type Bytes, type Data, data, elements, integer, shown } from '../util/validate.js';
import { encode_sockaddr, read_sockaddr } from './addresses.js';
import { in_pktinfo, in6_pktinfo, scm_timestamping, sock_extended_err, tpacket_auxdata } from './messages.js';
import { timespec, timeval, ucred } from './options.js';
import { LITTLE_ENDIAN, type Struct, type StructAddress, type StructAddressLike, view_of } from './struct.js';

/** Reads and writes the value of a control message. */
interface ControlCodec<T, In> {
  /** Returns the value in the bytes; undefined if they are too short for it. */
  readonly read: (bytes: Bytes) => T | undefined;
  /** Returns the bytes. @throws TypeError, RangeError naming the value, or the field of its struct */
  readonly write: (value: In, name: string) => Bytes;
}

const INT_SIZE = 4;

const whole = <T, In>(struct: Struct<T, In>): ControlCodec<T, In> => ({
  read: (bytes) => (bytes.length < struct.size ? undefined : struct.decode(bytes)),
  write: (value) => struct.encode(value),
});
const int: ControlCodec<number, number | bigint> = {
  read: (bytes) => (bytes.length < INT_SIZE ? undefined : view_of(bytes).getInt32(0, LITTLE_ENDIAN)),
  write: (value, name) => new Uint8Array(Int32Array.of(integer(value, name)).buffer),
};
const uint: ControlCodec<number, number | bigint> = {
  read: (bytes) => (bytes.length < INT_SIZE ? undefined : view_of(bytes).getUint32(0, LITTLE_ENDIAN)),
  write: (value, name) => new Uint8Array(Uint32Array.of(integer(value, name, 0, 2 ** 32 - 1)).buffer),
};
// The kernel gives IP_TOS as one byte, and takes it as an int.
const byte_or_int: typeof int = {
  ...int,
  read: (bytes) => (bytes.length === 1 ? bytes[0] : int.read(bytes)),
};
const ints: ControlCodec<number[], readonly (number | bigint)[]> = {
  read(bytes) {
    const view = view_of(bytes);
    const count = Math.floor(bytes.length / INT_SIZE);
    return Array.from({ length: count }, (_, index) => view.getInt32(index * INT_SIZE, LITTLE_ENDIAN));
  },
  write: (value, name) =>
    Buffer.concat(
      Array.from(array(value, name), (_, index) => int.write(value[index] as number, `${name}[${index}]`)),
    ),
};
const text: ControlCodec<string, Data> = {
  read: (bytes) => Buffer.from(bytes).toString('utf8').replace(/\0+$/, ''),
  write: data,
};
const address: ControlCodec<StructAddress, StructAddressLike> = {
  read: (bytes) => read_sockaddr(bytes) ?? undefined,
  write: encode_sockaddr,
};

// On 64-bit machines the times of SO_TIMESTAMP_NEW and the other _NEW options have the layout of the old ones; on 32-bit machines
// they have another, and are returned as bytes.
const times = (old: number, newer: number) => (timespec.size === 16 ? [old, newer] : [old]);

type Row<T, In> = readonly [
  level: number,
  numbers: readonly (number | undefined)[],
  codec: ControlCodec<T, In>,
];
type ValuesOf<Rows> = { [K in keyof Rows]: Rows[K] extends Row<infer T, never> ? T : never };
type InputsOf<Rows> = { [K in keyof Rows]: Rows[K] extends Row<unknown, infer In> ? In : never };

const CONTROLS = {
  /** Descriptors, close-on-exec; the receiver must close them. See unix(7). */
  SCM_RIGHTS: [c.SOL_SOCKET, [c.SCM_RIGHTS], ints],
  /** The sender's process, user and group. See unix(7). */
  SCM_CREDENTIALS: [c.SOL_SOCKET, [c.SCM_CREDENTIALS], whole(ucred)],
  /** The sender's security label. */
  SCM_SECURITY: [c.SOL_SOCKET, [c.SCM_SECURITY], text],
  /** A pidfd of the sending process; the receiver must close it. */
  SCM_PIDFD: [c.SOL_SOCKET, [c.SCM_PIDFD], int],
  /** The time of arrival: SO_TIMESTAMP. */
  SCM_TIMESTAMP: [c.SOL_SOCKET, times(c.SO_TIMESTAMP_OLD, c.SO_TIMESTAMP_NEW), whole(timeval)],
  /** The time of arrival: SO_TIMESTAMPNS. */
  SCM_TIMESTAMPNS: [c.SOL_SOCKET, times(c.SO_TIMESTAMPNS_OLD, c.SO_TIMESTAMPNS_NEW), whole(timespec)],
  /** The times of arrival or of transmission: SO_TIMESTAMPING. */
  SCM_TIMESTAMPING: [
    c.SOL_SOCKET,
    times(c.SO_TIMESTAMPING_OLD, c.SO_TIMESTAMPING_NEW),
    whole(scm_timestamping),
  ],
  /** The number of packets that the socket has dropped, modulo 2^32. */
  SO_RXQ_OVFL: [c.SOL_SOCKET, [c.SO_RXQ_OVFL], uint],
  /** The packet's mark: SO_RCVMARK. */
  SO_MARK: [c.SOL_SOCKET, [c.SO_MARK], uint],
  /** The packet's priority: SO_RCVPRIORITY. */
  SO_PRIORITY: [c.SOL_SOCKET, [c.SO_PRIORITY], uint],
  /** The destination of the packet, and the interface it came by: IP_PKTINFO. */
  IP_PKTINFO: [c.SOL_IP, [c.IP_PKTINFO], whole(in_pktinfo)],
  /** Time to live: IP_RECVTTL. */
  IP_TTL: [c.SOL_IP, [c.IP_TTL], byte_or_int],
  /** Type of service: IP_RECVTOS. */
  IP_TOS: [c.SOL_IP, [c.IP_TOS], byte_or_int],
  /** The error, from the error queue. */
  IP_RECVERR: [c.SOL_IP, [c.IP_RECVERR], whole(sock_extended_err)],
  /** The destination before the packet was redirected: IP_RECVORIGDSTADDR. */
  IP_ORIGDSTADDR: [c.SOL_IP, [c.IP_ORIGDSTADDR], address],
  /** The size of the largest received fragment, in bytes. */
  IP_RECVFRAGSIZE: [c.SOL_IP, [c.IP_RECVFRAGSIZE], int],
  /** The destination of the packet, and the interface it came by: IPV6_RECVPKTINFO. */
  IPV6_PKTINFO: [c.SOL_IPV6, [c.IPV6_PKTINFO], whole(in6_pktinfo)],
  /** Hop limit: IPV6_RECVHOPLIMIT. */
  IPV6_HOPLIMIT: [c.SOL_IPV6, [c.IPV6_HOPLIMIT], int],
  /** Traffic class: IPV6_RECVTCLASS. */
  IPV6_TCLASS: [c.SOL_IPV6, [c.IPV6_TCLASS], int],
  /** The error, from the error queue. */
  IPV6_RECVERR: [c.SOL_IPV6, [c.IPV6_RECVERR], whole(sock_extended_err)],
  /** The destination before the packet was redirected: IPV6_RECVORIGDSTADDR. */
  IPV6_ORIGDSTADDR: [c.SOL_IPV6, [c.IPV6_ORIGDSTADDR], address],
  /** The size of the largest received fragment, in bytes. */
  IPV6_RECVFRAGSIZE: [c.SOL_IPV6, [c.IPV6_RECVFRAGSIZE], int],
  /** The size of each of the datagrams that were received as one, in bytes; the last datagram may be shorter. */
  UDP_GRO: [c.SOL_UDP, [c.UDP_GRO], int],
  /** The number of bytes left to read. */
  TCP_INQ: [c.SOL_TCP, [c.TCP_CM_INQ], int],
  /** The packet's lengths, and the VLAN tag that the kernel removed. See packet(7). */
  PACKET_AUXDATA: [c.SOL_PACKET, [c.PACKET_AUXDATA], whole(tpacket_auxdata)],
  /** The time of transmission, from the error queue. */
  PACKET_TX_TIMESTAMP: [c.SOL_PACKET, [c.PACKET_TX_TIMESTAMP], whole(sock_extended_err)],
} satisfies Record<string, Row<unknown, never>>;

/** The value of each known control message, by its name. */
export interface ControlValues extends ValuesOf<typeof CONTROLS> {}

/** A known control message, with its value. */
export type KnownControl = {
  [K in keyof ControlValues]: { readonly type: K; readonly level: number; readonly value: ControlValues[K] };
}[keyof ControlValues];

/** An unknown control message, or one that the kernel cut short: its number and bytes. */
export interface UnknownControl {
  /** The number of the message in its level. */
  readonly type: number;
  /** SOL_SOCKET, IPPROTO_IP, … */
  readonly level: number;
  /** The bytes of the message. */
  readonly value: Buffer;
}

/** An element of decode_control's result: `type` distinguishes the messages. */
export type DecodedControl = KnownControl | UnknownControl;

interface ControlInputs extends InputsOf<typeof CONTROLS> {}
type EncodableKnown<K extends keyof ControlInputs = keyof ControlInputs> = {
  [P in K]: { readonly type: P; readonly level?: number | undefined; readonly value: ControlInputs[P] };
}[K];
/** A control message to encode. The level of a known one may be left out. */
export type EncodableControl =
  | EncodableKnown
  | { readonly type: number; readonly level: number; readonly value: Data };

const decoders = new Map<string, (bytes: Bytes) => KnownControl | undefined>();
for (const [type, [level, numbers, { read }]] of Object.entries<Row<unknown, never>>(CONTROLS)) {
  const decode = (bytes: Bytes) => {
    const value = read(bytes);
    // The types follow from the table, which entries do not keep.
    return value === undefined ? undefined : ({ type, level, value } as KnownControl);
  };
  for (const number of numbers) if (number !== undefined) decoders.set(`${level}:${number}`, decode);
}

/**
 * decode_control(ancdata) -> `[{ type: 'IP_PKTINFO', level, value }, …]`: the control messages of recvmsg as values. See cmsg(3), ip(7),
 * unix(7).
 *
 * @param ancdata an iterable of the control messages of recvmsg
 * @returns the messages in the same order; an unknown or cut message has its number as `type` and its bytes as `value`
 * @throws TypeError, RangeError if it is no such iterable
 * @example
 * udp.setsockopt(IPPROTO_IP, IP_RECVTTL, 1);
 * udp.sendto('ping', udp.getsockname());
 * for (const { type, value } of structs.decode_control(udp.recvmsg(2048, 64)[1])) console.log(type, value); // IP_TTL 64
 */
export function decode_control(ancdata: Iterable<ControlMessage>): DecodedControl[] {
  const items: readonly unknown[] = elements(ancdata, 'ancdata', CONTROL_MAX + 1);
  check_count(items, 'ancdata');
  return items.map((item, index) => {
    const label = `ancdata[${index}]`;
    const [cmsg_level, cmsg_type, cmsg_data] = array(item, label, 3, 3);
    const level = integer(cmsg_level, `${label}: cmsg_level`);
    const type = integer(cmsg_type, `${label}: cmsg_type`);
    const bytes = data(cmsg_data, `${label}: cmsg_data`);
    return decoders.get(`${level}:${type}`)?.(bytes) ?? { type, level, value: Buffer.from(bytes) };
  });
}

// By type, so that the compiler connects a message's type with its value.
const encoders: { readonly [K in keyof ControlInputs]: Row<unknown, ControlInputs[K]> } = CONTROLS;

/**
 * encode_control(messages) -> `[[cmsg_level, cmsg_type, cmsg_data], …]`: the ancdata of sendmsg. The inverse of decode_control. See
 * cmsg(3).
 *
 * @param messages an iterable of `{ type: 'IP_TTL', value: 5 }`, as decode_control returns them; an unknown one has its number as `type`,
 *   its `level`, and bytes as `value`
 * @returns the control messages, in the same order
 * @throws TypeError, RangeError naming the message, or the struct and its field
 * @example
 * const ancdata = structs.encode_control([{ type: 'IP_TTL', value: 5 }]);
 * console.log(udp.sendmsg(['ping'], ancdata, 0, ['127.0.0.1', 9])); // 4
 */
export function encode_control(messages: Iterable<EncodableControl>): ReceivedControlMessage[] {
  const taken = elements(messages, 'messages', CONTROL_MAX + 1);
  check_count(taken, 'messages');
  return taken.map((message, index) => {
    const label = `messages[${index}]`;
    if (typeof message !== 'object' || message === null || Array.isArray(message))
      throw new TypeError(`${label} must be an object with type and value, not ${shown(message)}`);
    if (typeof message.type === 'string') return encode_known(message, label);
    const level = integer(message.level, `${label}.level`);
    return [
      level,
      integer(message.type, `${label}.type`),
      Buffer.from(data(message.value, `${label}.value`)),
    ];
  });
}

function encode_known<K extends keyof ControlInputs>(
  { type, level, value }: EncodableKnown<K>,
  label: string,
): ReceivedControlMessage {
  if (!Object.hasOwn(encoders, type))
    throw new RangeError(
      `${label}.type is no known control message: ${shown(type)}; give its number and level`,
    );
  const [own_level, [number], { write }] = encoders[type];
  if (number === undefined) throw new RangeError(`${label}.type: this system has no ${type}`);
  if (level !== undefined && level !== own_level)
    throw new RangeError(`${label}.level must be ${own_level} for ${type}, or left out, not ${shown(level)}`);
  return [own_level, number, Buffer.from(write(value, `${label}.value`))];
}
