// decode_control: the control messages of recvmsg as values. CONTROLS is the table of the known messages; a new message is a
// row there and a field of ControlValues. messages.ts and options.ts hold the structs. Encoding and the raw messages are in
// lib/calls/control.ts.

import type { ControlMessage } from '../calls/control.js';
import * as c from '../constants.js';
import { array, type Bytes, data, integer } from '../util/validate.js';
import { read_sockaddr, type StructAddress } from './addresses.js';
import { in_pktinfo, in6_pktinfo, scm_timestamping, sock_extended_err, tpacket_auxdata } from './messages.js';
import { timespec, timeval, ucred } from './options.js';
import { LITTLE_ENDIAN, type Struct, view_of } from './struct.js';

/** The value of each known control message, by its name. */
export interface ControlValues {
  /** Descriptors, close-on-exec; the receiver must close them. See unix(7). */
  SCM_RIGHTS: number[];
  /** The sender's process, user and group. See unix(7). */
  SCM_CREDENTIALS: ucred;
  /** The sender's security label. */
  SCM_SECURITY: string;
  /** A pidfd of the sending process; the receiver must close it. */
  SCM_PIDFD: number;
  /** The time of arrival: SO_TIMESTAMP. */
  SCM_TIMESTAMP: timeval;
  /** The time of arrival: SO_TIMESTAMPNS. */
  SCM_TIMESTAMPNS: timespec;
  /** The times of arrival or of transmission: SO_TIMESTAMPING. */
  SCM_TIMESTAMPING: scm_timestamping;
  /** The number of packets that the socket has dropped, modulo 2^32. */
  SO_RXQ_OVFL: number;
  /** The packet's mark: SO_RCVMARK. */
  SO_MARK: number;
  /** The packet's priority: SO_RCVPRIORITY. */
  SO_PRIORITY: number;
  /** The destination of the packet, and the interface it came by: IP_PKTINFO. */
  IP_PKTINFO: in_pktinfo;
  /** Time to live: IP_RECVTTL. */
  IP_TTL: number;
  /** Type of service: IP_RECVTOS. */
  IP_TOS: number;
  /** The error, from the error queue. */
  IP_RECVERR: sock_extended_err;
  /** The destination before the packet was redirected: IP_RECVORIGDSTADDR. */
  IP_ORIGDSTADDR: StructAddress;
  /** The size of the largest received fragment, in bytes. */
  IP_RECVFRAGSIZE: number;
  /** The destination of the packet, and the interface it came by: IPV6_RECVPKTINFO. */
  IPV6_PKTINFO: in6_pktinfo;
  /** Hop limit: IPV6_RECVHOPLIMIT. */
  IPV6_HOPLIMIT: number;
  /** Traffic class: IPV6_RECVTCLASS. */
  IPV6_TCLASS: number;
  /** The error, from the error queue. */
  IPV6_RECVERR: sock_extended_err;
  /** The destination before the packet was redirected: IPV6_RECVORIGDSTADDR. */
  IPV6_ORIGDSTADDR: StructAddress;
  /** The size of the largest received fragment, in bytes. */
  IPV6_RECVFRAGSIZE: number;
  /** The size of each of the datagrams that were received as one, in bytes; the last datagram may be shorter. */
  UDP_GRO: number;
  /** The number of bytes left to read. */
  TCP_INQ: number;
  /** The packet's lengths, and the VLAN tag that the kernel removed. See packet(7). */
  PACKET_AUXDATA: tpacket_auxdata;
  /** The time of transmission, from the error queue. */
  PACKET_TX_TIMESTAMP: sock_extended_err;
}

/** A known control message, with its value. */
export type KnownControl = {
  [K in keyof ControlValues]: { readonly type: K; readonly level: number; readonly value: ControlValues[K] };
}[keyof ControlValues];

/** An unknown control message, or one that the kernel cut short: its number and bytes. */
export interface UnknownControl {
  readonly type: number;
  readonly level: number;
  readonly value: Buffer;
}

/** An element of decode_control's result: `type` distinguishes the messages. */
export type DecodedControl = KnownControl | UnknownControl;

/** Returns the value in the bytes; undefined if they are too short for it. */
type Read<T> = (bytes: Bytes) => T | undefined;

const INT_SIZE = 4;

const whole =
  <T>(struct: Struct<T, never>): Read<T> =>
  (bytes) =>
    bytes.length < struct.size ? undefined : struct.decode(bytes);
const int: Read<number> = (bytes) =>
  bytes.length < INT_SIZE ? undefined : view_of(bytes).getInt32(0, LITTLE_ENDIAN);
const uint: Read<number> = (bytes) =>
  bytes.length < INT_SIZE ? undefined : view_of(bytes).getUint32(0, LITTLE_ENDIAN);
// The kernel gives IP_TOS as one byte, and takes it as an int.
const byte_or_int: Read<number> = (bytes) => (bytes.length === 1 ? bytes[0] : int(bytes));
const ints: Read<number[]> = (bytes) => {
  const view = view_of(bytes);
  const count = Math.floor(bytes.length / INT_SIZE);
  return Array.from({ length: count }, (_, index) => view.getInt32(index * INT_SIZE, LITTLE_ENDIAN));
};
const text: Read<string> = (bytes) => Buffer.from(bytes).toString('utf8').replace(/\0+$/, '');
const address: Read<StructAddress> = (bytes) => read_sockaddr(bytes) ?? undefined;

// On 64-bit machines the times of SO_TIMESTAMP_NEW and the other _NEW options have the layout of the old ones; on 32-bit machines
// they have another, and are returned as bytes.
const SAME_TIMES = timespec.size === 16;

type Row<K extends keyof ControlValues> = readonly [
  level: number,
  numbers: readonly (number | undefined)[],
  read: Read<ControlValues[K]>,
];

const CONTROLS: { readonly [K in keyof ControlValues]: Row<K> } = {
  SCM_RIGHTS: [c.SOL_SOCKET, [c.SCM_RIGHTS], ints],
  SCM_CREDENTIALS: [c.SOL_SOCKET, [c.SCM_CREDENTIALS], whole(ucred)],
  SCM_SECURITY: [c.SOL_SOCKET, [c.SCM_SECURITY], text],
  SCM_PIDFD: [c.SOL_SOCKET, [c.SCM_PIDFD], int],
  SCM_TIMESTAMP: [
    c.SOL_SOCKET,
    [c.SO_TIMESTAMP_OLD, SAME_TIMES ? c.SO_TIMESTAMP_NEW : undefined],
    whole(timeval),
  ],
  SCM_TIMESTAMPNS: [
    c.SOL_SOCKET,
    [c.SO_TIMESTAMPNS_OLD, SAME_TIMES ? c.SO_TIMESTAMPNS_NEW : undefined],
    whole(timespec),
  ],
  SCM_TIMESTAMPING: [
    c.SOL_SOCKET,
    [c.SO_TIMESTAMPING_OLD, SAME_TIMES ? c.SO_TIMESTAMPING_NEW : undefined],
    whole(scm_timestamping),
  ],
  SO_RXQ_OVFL: [c.SOL_SOCKET, [c.SO_RXQ_OVFL], uint],
  SO_MARK: [c.SOL_SOCKET, [c.SO_MARK], uint],
  SO_PRIORITY: [c.SOL_SOCKET, [c.SO_PRIORITY], uint],
  IP_PKTINFO: [c.SOL_IP, [c.IP_PKTINFO], whole(in_pktinfo)],
  IP_TTL: [c.SOL_IP, [c.IP_TTL], byte_or_int],
  IP_TOS: [c.SOL_IP, [c.IP_TOS], byte_or_int],
  IP_RECVERR: [c.SOL_IP, [c.IP_RECVERR], whole(sock_extended_err)],
  IP_ORIGDSTADDR: [c.SOL_IP, [c.IP_ORIGDSTADDR], address],
  IP_RECVFRAGSIZE: [c.SOL_IP, [c.IP_RECVFRAGSIZE], int],
  IPV6_PKTINFO: [c.SOL_IPV6, [c.IPV6_PKTINFO], whole(in6_pktinfo)],
  IPV6_HOPLIMIT: [c.SOL_IPV6, [c.IPV6_HOPLIMIT], int],
  IPV6_TCLASS: [c.SOL_IPV6, [c.IPV6_TCLASS], int],
  IPV6_RECVERR: [c.SOL_IPV6, [c.IPV6_RECVERR], whole(sock_extended_err)],
  IPV6_ORIGDSTADDR: [c.SOL_IPV6, [c.IPV6_ORIGDSTADDR], address],
  IPV6_RECVFRAGSIZE: [c.SOL_IPV6, [c.IPV6_RECVFRAGSIZE], int],
  UDP_GRO: [c.SOL_UDP, [c.UDP_GRO], int],
  TCP_INQ: [c.SOL_TCP, [c.TCP_CM_INQ], int],
  PACKET_AUXDATA: [c.SOL_PACKET, [c.PACKET_AUXDATA], whole(tpacket_auxdata)],
  PACKET_TX_TIMESTAMP: [c.SOL_PACKET, [c.PACKET_TX_TIMESTAMP], whole(sock_extended_err)],
};

type Decode = (bytes: Bytes) => KnownControl | undefined;

/** Returns the function from bytes to the decoded message of one row. */
function decoder<K extends keyof ControlValues>(type: K): Decode {
  const [level, , read]: Row<K> = CONTROLS[type];
  return (bytes) => {
    const value = read(bytes);
    // The cast: a message of any K is in the union, but the compiler cannot see that for a generic K.
    return value === undefined ? undefined : ({ type, level, value } as KnownControl);
  };
}

const decoders = new Map<string, Decode>();
for (const type of Object.keys(CONTROLS) as (keyof ControlValues)[]) {
  const [level, numbers] = CONTROLS[type];
  for (const number of numbers) if (number !== undefined) decoders.set(`${level}:${number}`, decoder(type));
}

/**
 * decode_control(ancdata) -> `[{ type: 'IP_PKTINFO', level, value }, …]`: the control messages of recvmsg as values.
 *
 * @param ancdata the ancdata of recvmsg
 * @returns the messages in the same order; an unknown or cut message has its number as `type` and its bytes as `value`
 * @throws TypeError, RangeError if it is no such array
 */
export function decode_control(ancdata: readonly ControlMessage[]): DecodedControl[] {
  return array(ancdata, 'ancdata').map((item, index) => {
    const label = `ancdata[${index}]`;
    const [cmsg_level, cmsg_type, cmsg_data] = array(item, label, 3, 3);
    const level = integer(cmsg_level, `${label}: cmsg_level`);
    const type = integer(cmsg_type, `${label}: cmsg_type`);
    const bytes = data(cmsg_data, `${label}: cmsg_data`);
    return decoders.get(`${level}:${type}`)?.(bytes) ?? { type, level, value: Buffer.from(bytes) };
  });
}
