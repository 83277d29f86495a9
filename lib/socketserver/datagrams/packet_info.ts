// What a datagram server knows about a datagram besides its sender: the address that was asked, the interface, TTL and TOS; and the answer
// from the address that was asked. See IP_PKTINFO in ip(7), IPV6_RECVPKTINFO in ipv6(7). The information is kept beside the request, as in
// admission/proxied.ts.
import { endianness } from 'node:os';
import type { AnyReturnedAddress } from '../../calls/address.js';
import type { ControlMessage, ReceivedControlMessage } from '../../calls/control.js';
import { inet_ntop, inet_pton } from '../../calls/inet.js';
import * as message from '../../calls/message.js';
import type { SocketBase } from '../../calls/socket_base.js';
import * as transfer from '../../calls/transfer.js';
import * as c from '../../constants.js';
import type { Data } from '../../util/validate.js';
import { proxied } from '../admission/proxied.js';

/** What the kernel knows about a datagram. */
export interface PacketInfo {
  /** The address that the client sent it to; that of a group or a network, if it was multicast or broadcast. */
  readonly destination: string;
  /** The address of this machine that answers come from: `destination`, or the one of the interface; '' if the kernel chooses. */
  readonly answer_from: string;
  /** The index of the interface by which it came: if_indextoname(). */
  readonly interface_index: number;
  /** The hops that it could still make (TTL, hop limit); undefined if the kernel does not say. */
  readonly ttl: number | undefined;
  /** The type of service, or traffic class: DSCP and ECN. */
  readonly tos: number | undefined;
}

/** A datagram, its sender, and what else is known about it. */
export type Received = [
  packet: Buffer,
  client_address: AnyReturnedAddress | null,
  info?: PacketInfo | undefined,
];

/** Bytes for the control messages that receive() wants, and as many others. */
const CONTROL = 256;

/** Made by the first datagram with information, so that other servers do not look. */
let noted: WeakMap<object, PacketInfo> | undefined;

/** Notes what is known about a request. */
export function note_packet_info(request: object, info: PacketInfo | undefined): void {
  if (info === undefined) return;
  noted ??= new WeakMap();
  noted.set(request, info);
}

/** Returns what is known about a request; undefined if nothing is. */
export function packet_info(request: unknown): PacketInfo | undefined {
  return noted?.get(request as object);
}

/** Returns whether a socket's family has this information. */
export const has_packet_info = (family: number): boolean => family === c.AF_INET || family === c.AF_INET6;

/** Asks the kernel for the information. Called before the socket is bound: no datagram is queued without it. @throws OSError */
export function want_packet_info(sock: SocketBase<number>): void {
  if (sock.family === c.AF_INET6) {
    for (const option of [c.IPV6_RECVPKTINFO, c.IPV6_RECVHOPLIMIT, c.IPV6_RECVTCLASS])
      sock.setsockopt(c.IPPROTO_IPV6, option, 1);
  }
  // A socket of IPv6 takes these for clients of IPv4.
  for (const option of [c.IP_PKTINFO, c.IP_RECVTTL, c.IP_RECVTOS]) sock.setsockopt(c.IPPROTO_IP, option, 1);
}

/** Receives a datagram without waiting. Returns it, or -errno. @param with_info whether want_packet_info() was called */
export function receive(
  sock: transfer.Descriptor<number>,
  size: number,
  with_info: boolean,
): Received | number {
  if (!with_info) return transfer.recvfrom(sock, size, 0, 0);
  const received = message.recvmsg(sock as SocketBase<number>, size, CONTROL, 0, 0);
  if (typeof received === 'number') return received;
  const [packet, ancdata, , client_address] = received;
  return [packet, client_address, info_of(sock.family, ancdata)];
}

/** Returns a number of C's type int. */
const int_at = (bytes: Buffer, at: number) =>
  endianness() === 'LE' ? bytes.readInt32LE(at) : bytes.readInt32BE(at);

/** Where a datagram has come: a part of PacketInfo. */
type Place = Pick<PacketInfo, 'destination' | 'answer_from' | 'interface_index'>;

function info_of(family: number, ancdata: readonly ReceivedControlMessage[]): PacketInfo | undefined {
  let place: Place | undefined;
  let ttl: number | undefined;
  let tos: number | undefined;
  for (const [level, type, data] of ancdata) {
    if (level === c.IPPROTO_IP && type === c.IP_PKTINFO) place = place_of(family, data);
    // A client of IPv4 on a socket of IPv6 has both: the one of IPv4 knows the own address where the destination is a group.
    else if (level === c.IPPROTO_IPV6 && type === c.IPV6_PKTINFO) place ??= place_of_ipv6(data);
    else if (level === c.IPPROTO_IP && type === c.IP_TTL) ttl = int_at(data, 0);
    else if (level === c.IPPROTO_IP && type === c.IP_TOS) tos = data[0];
    else if (level === c.IPPROTO_IPV6 && type === c.IPV6_HOPLIMIT) ttl = int_at(data, 0);
    else if (level === c.IPPROTO_IPV6 && type === c.IPV6_TCLASS) tos = int_at(data, 0);
  }
  return place && { ...place, ttl, tos };
}

/** Reads a struct in_pktinfo: the interface, the local address, the destination. On a socket of IPv6 addresses are mapped. */
function place_of(family: number, data: Buffer): Place {
  const prefix = family === c.AF_INET6 ? '::ffff:' : '';
  return {
    destination: prefix + inet_ntop(c.AF_INET, data.subarray(8, 12)),
    answer_from: prefix + inet_ntop(c.AF_INET, data.subarray(4, 8)),
    interface_index: int_at(data, 0),
  };
}

/** Reads a struct in6_pktinfo: the destination, the interface. */
function place_of_ipv6(data: Buffer): Place {
  const destination = inet_ntop(c.AF_INET6, data.subarray(0, 16));
  const is_multicast = data[0] === 0xff;
  return { destination, answer_from: is_multicast ? '' : destination, interface_index: int_at(data, 16) };
}

/** Returns the control messages that give a datagram its source. The kernel chooses the way: the index of the interface is 0. */
function source(family: number, info: PacketInfo | undefined): ControlMessage[] {
  if (info === undefined || info.answer_from === '') return [];
  if (family === c.AF_INET) {
    const data = Buffer.concat([Buffer.alloc(4), inet_pton(c.AF_INET, info.answer_from)], 12);
    return [[c.IPPROTO_IP, c.IP_PKTINFO, data]];
  }
  return [[c.IPPROTO_IPV6, c.IPV6_PKTINFO, Buffer.concat([inet_pton(c.AF_INET6, info.answer_from)], 20)]];
}

/** A socket of either kind, as answers need it. */
interface Answering<Sent> {
  readonly family: number;
  sendto(data: Data, address: AnyReturnedAddress): Sent;
  sendmsg(buffers: Data[], ancdata: ControlMessage[], flags: number, address: AnyReturnedAddress): Sent;
}

/**
 * Answers a datagram: from the address that was asked, and to the proxy if it came through one.
 *
 * @throws TypeError for a client of AF_UNIX without a name, as in Python; OSError
 */
export function send_answer<Sent>(
  sock: Answering<Sent>,
  request: unknown,
  client_address: AnyReturnedAddress | null,
  data: Data,
): Sent {
  const through = proxied(request);
  const address = through === undefined ? client_address : through.peer_address;
  if (address === null)
    throw new TypeError('a client without an address cannot be answered: its AF_UNIX socket is not bound');
  const ancdata = source(sock.family, packet_info(request));
  return ancdata.length === 0 ? sock.sendto(data, address) : sock.sendmsg([data], ancdata, 0, address);
}
