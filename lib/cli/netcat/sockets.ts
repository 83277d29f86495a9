// The sockets of nc: their options, their own addresses, and the texts of addresses.
import type { Inet6Address, InetAddress } from '../../calls/address.js';
import * as socket from '../../promises/index.js';
import { tcp_md5sig } from '../../structs/index.js';
import type { Options } from './options.js';

export type Sock = socket.socket;
export type IpAddress = InetAddress | Inet6Address;

export const protocol_of = ({ udp, unix }: Options) => (unix ? 'unix' : udp ? 'udp' : 'tcp');
export const type_of = ({ udp }: Options) => (udp ? socket.SOCK_DGRAM : socket.SOCK_STREAM);

/** Returns the address of a path; `@name` stands for an abstract name. */
export function unix_address(path: string): string | Buffer {
  return path.startsWith('@') ? Buffer.from(`\0${path.slice(1)}`) : path;
}

/** Sets the options of -b, -D, -I, -M, -m, -O and -T. @throws OSError */
export function set_options(sock: Sock, options: Options): void {
  const { broadcast, debug, receive_buffer, send_buffer, tos, ttl, min_ttl } = options;
  const is_ipv6 = sock.family === socket.AF_INET6;
  const level = is_ipv6 ? socket.IPPROTO_IPV6 : socket.IPPROTO_IP;
  const on_ip: readonly (readonly [number | undefined, number, number])[] = [
    [tos, socket.IP_TOS, socket.IPV6_TCLASS],
    [ttl, socket.IP_TTL, socket.IPV6_UNICAST_HOPS],
    [min_ttl, socket.IP_MINTTL, socket.IPV6_MINHOPCOUNT],
  ];
  const on_socket: readonly (readonly [number | undefined, number])[] = [
    [broadcast ? 1 : undefined, socket.SO_BROADCAST],
    [debug ? 1 : undefined, socket.SO_DEBUG],
    [receive_buffer, socket.SO_RCVBUF],
    [send_buffer, socket.SO_SNDBUF],
  ];
  for (const [value, name] of on_socket)
    if (value !== undefined) sock.setsockopt(socket.SOL_SOCKET, name, value);
  if (sock.family === socket.AF_UNIX) return;
  for (const [value, ipv4, ipv6] of on_ip)
    if (value !== undefined) sock.setsockopt(level, is_ipv6 ? ipv6 : ipv4, value);
}

/** Has the segments from and to an address signed with a key (-S). @throws OSError; RangeError for a long key */
export function set_signature(sock: Sock, address: IpAddress, key: string): void {
  const value = tcp_md5sig.encode({ addr: address, key: Buffer.from(key) });
  sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MD5SIG, value);
}

/** Returns a socket of the family with the options, bound to the address of -s and -p. @throws OSError */
export async function open_socket(family: number, options: Options): Promise<Sock> {
  const sock = socket.socket(family, type_of(options)) as Sock;
  try {
    set_options(sock, options);
    if (options.unix && options.udp) await sock.bind(unix_address(options.source ?? ''));
    else if (options.source !== undefined || options.port !== undefined) {
      sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, true);
      await sock.bind([options.source ?? '', options.port ?? 0]);
    }
    return sock;
  } catch (error) {
    sock.close();
    throw error;
  }
}

/** Returns an address as OpenBSD's nc shows it: the name of the host, unless -n is set, and the port. */
export async function address_text(address: unknown, { numeric }: Options): Promise<string> {
  // The zero byte begins an abstract name.
  if (!Array.isArray(address)) return String(address ?? '').replace('\0', '@') || 'unnamed';
  const flags = socket.NI_NUMERICSERV | (numeric ? socket.NI_NUMERICHOST : 0);
  const [host, port] = await socket
    .getnameinfo(address as unknown as InetAddress, flags)
    .catch(() => address as unknown as [string, string]);
  return `${host} ${port}`;
}

/** Returns the protocol and the service of a port, "[tcp/ssh]"; "*" for a port without a name. */
export async function service_text(port: number, options: Options): Promise<string> {
  const protocol = protocol_of(options);
  const unnamed = '*';
  if (options.numeric) return `[${protocol}/${unnamed}]`;
  return `[${protocol}/${await socket.getservbyport(port, protocol).catch(() => unnamed)}]`;
}
