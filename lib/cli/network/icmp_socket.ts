// Sockets of ICMP and ICMPv6: how they are opened, the ICMP message in a packet that they receive, and the echo request that
// an error quotes. Sending requests and timing answers is in echo.ts.
//
// A raw socket receives every ICMP message of the machine; the id of a request tells its own answers. A datagram socket of
// ICMP needs no privilege. The kernel chooses its id, passes it only its own answers, and puts errors into its error queue.
import {
  build,
  type IcmpExtension,
  type Ipv4Option,
  ipv4,
  ipv6,
  LINKTYPE_IPV4,
  LINKTYPE_IPV6,
  parse,
  payload,
} from '../../packet/index.js';
import * as socket from '../../promises/index.js';
import { Failure, line_of, UNUSABLE } from '../terminal/errors.js';
import type { IcmpError } from '../terminal/icmp_text.js';

/** Bytes of the header of an ICMP message. */
export const HEADER_SIZE = 8;

const V4 = {
  proto: socket.IPPROTO_ICMP,
  reply: 0,
  // A set bit blocks a type. Echo replies and errors pass: unreachable, quench, redirect, exceeded, problem.
  filter: () =>
    Buffer.from(Uint32Array.of(~((1 << 0) | (1 << 3) | (1 << 4) | (1 << 5) | (1 << 11) | (1 << 12))).buffer),
  filter_option: [socket.SOL_RAW, socket.ICMP_FILTER],
  level: socket.IPPROTO_IP,
  receive_ttl: socket.IP_RECVTTL,
  ttl: socket.IP_TTL,
  linktype: LINKTYPE_IPV4,
} as const;
const V6 = {
  proto: socket.IPPROTO_ICMPV6,
  reply: 129,
  filter: () => {
    const blocked = new Uint32Array(8).fill(0xffffffff);
    for (const type of [1, 2, 3, 4, 129])
      blocked[type >> 5] = (blocked[type >> 5] as number) & ~(1 << (type & 31));
    return Buffer.from(blocked.buffer);
  },
  filter_option: [socket.IPPROTO_ICMPV6, socket.ICMP6_FILTER],
  level: socket.IPPROTO_IPV6,
  receive_ttl: socket.IPV6_RECVHOPLIMIT,
  ttl: socket.IPV6_UNICAST_HOPS,
  linktype: LINKTYPE_IPV6,
} as const;

/** Returns the bytes of the header of IPv4 or IPv6, without options. */
export const ip_header_size = (family: number) => (family === socket.AF_INET6 ? 40 : 20);

const version_of = (family: number) => (family === socket.AF_INET6 ? V6 : V4);

/**
 * open_icmp(family) -> a raw socket, or a datagram socket of ICMP if a raw socket is not allowed.
 *
 * @throws Failure with a remedy if neither is allowed; OSError
 */
export function open_icmp(family: number): socket.socket {
  const {
    proto,
    filter,
    filter_option: [level, option],
  } = version_of(family);
  try {
    const sock = socket.socket(family, socket.SOCK_RAW, proto) as socket.socket;
    sock.setsockopt(level, option, filter());
    return sock;
  } catch (error) {
    if (!(error instanceof socket.PermissionError)) throw error;
    try {
      return socket.socket(family, socket.SOCK_DGRAM, proto) as socket.socket;
    } catch (refused) {
      if (!(refused instanceof socket.PermissionError)) throw refused;
      const sysctl = 'sudo sysctl net.ipv4.ping_group_range="0 2147483647"';
      throw new Failure(`${line_of(error)}; or let everybody ping: ${sysctl}`, UNUSABLE);
    }
  }
}

/** Sets the time to live, or the hop limit, of the packets that an IP socket sends. @throws OSError */
export function set_ttl(sock: socket.socket, value: number): void {
  const { level, ttl } = version_of(sock.family);
  sock.setsockopt(level, ttl, value);
}

/** Makes the kernel add the time to live to each received packet, as a control message. @throws OSError */
export function receive_ttl(sock: socket.socket): void {
  const { level, receive_ttl: option } = version_of(sock.family);
  sock.setsockopt(level, option, 1);
}

/** Returns the ICMP message in a packet that a socket of ICMP received; undefined if the packet is too short. */
export function icmp_message(sock: socket.socket, packet: Buffer): Buffer | undefined {
  // A raw socket of IPv4 receives the IP header as well.
  const has_ip_header = sock.type === socket.SOCK_RAW && sock.family !== socket.AF_INET6;
  const message = packet.subarray(has_ip_header ? ((packet[0] ?? 0) & 15) * 4 : 0);
  return message.length < HEADER_SIZE ? undefined : message;
}

/** Returns whether an ICMP message is an echo reply. */
export function is_echo_reply(family: number, message: Buffer): boolean {
  return message[0] === version_of(family).reply;
}

/** An echo request that an ICMP error quotes, and the error. */
export interface QuotedRequest {
  readonly id: number;
  readonly seq: number;
  readonly dst: string;
  readonly error: IcmpError;
}

/** Returns the echo request that an ICMP error quotes; undefined if the message quotes none. */
export function quoted_request(family: number, message: Buffer): QuotedRequest | undefined {
  const quoted = parse(message.subarray(HEADER_SIZE), { linktype: version_of(family).linktype });
  const ip = quoted.get('ipv4') ?? quoted.get('ipv6');
  const request = quoted.get('icmp') ?? quoted.get('icmpv6');
  if (ip === undefined || request === undefined || !('id' in request && 'seq' in request)) return undefined;
  const [type = 0, code = 0] = message;
  const is_ipv6 = family === socket.AF_INET6;
  const mtu = is_ipv6 ? message.readUInt32BE(4) : message.readUInt16BE(6);
  const error = {
    family,
    type,
    code,
    mtu,
    ...(!is_ipv6 && type === 5 && { gateway: socket.inet_ntop(family, message.subarray(4, 8)) }),
    ...(type === (is_ipv6 ? 4 : 12) && { pointer: is_ipv6 ? message.readUInt32BE(4) : message.readUInt8(4) }),
  };
  return { id: request.id, seq: request.seq, dst: ip.dst, error };
}

/**
 * Returns the extension objects of an error from the error queue.
 *
 * @param hidden the bytes of the quoted packet's headers, which the queue leaves out
 * @param data the rest of the quoted packet, and what is behind it
 */
export function quoted_extensions(
  family: number,
  { type, code }: IcmpError,
  hidden: number,
  data: Uint8Array,
): readonly IcmpExtension[] {
  // Without the length of the quoted packet, extensions are looked for behind 128 bytes.
  const message = Buffer.concat([Buffer.from([type, code]), Buffer.alloc(HEADER_SIZE - 2 + hidden), data]);
  return extensions_in(family, message);
}

/** Returns the extension objects in an ICMP error. */
export function extensions_in(family: number, message: Uint8Array): readonly IcmpExtension[] {
  const is_ipv6 = family === socket.AF_INET6;
  const header = is_ipv6
    ? ipv6({ src: '::', dst: '::', next_header: socket.IPPROTO_ICMPV6 })
    : ipv4({ src: '0.0.0.0', dst: '0.0.0.0', protocol: socket.IPPROTO_ICMP });
  const packet = parse(build(header, payload(message)), {
    linktype: is_ipv6 ? LINKTYPE_IPV6 : LINKTYPE_IPV4,
  });
  const error = packet.get('icmp') ?? packet.get('icmpv6');
  return error !== undefined && 'extensions' in error ? error.extensions : [];
}

/** Bytes of an IPv4 header without options. */
const IPV4_HEADER = 20;

/** Returns the IPv4 options of a received packet, which are among its control messages after IP_RECVOPTS. */
export function options_of(
  ancdata: readonly (readonly [number, number, Uint8Array])[],
): readonly Ipv4Option[] {
  const found = ancdata.find(([level, type]) => level === socket.IPPROTO_IP && type === socket.IP_RECVOPTS);
  if (found === undefined) return [];
  const [, , bytes] = found;
  const header = Buffer.alloc(IPV4_HEADER + bytes.length);
  header[0] = 0x40 | (header.length / 4);
  header.writeUInt16BE(header.length, 2);
  header.set(bytes, IPV4_HEADER);
  return parse(header, { linktype: LINKTYPE_IPV4 }).get('ipv4')?.options ?? [];
}
