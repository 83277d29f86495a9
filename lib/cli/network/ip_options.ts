// Options of IP sockets by one name for IPv4 and IPv6: traffic class, fragmentation, mark, interface. The time to live is in icmp_socket.ts.
import * as socket from '../../promises/index.js';
import { UsageError } from '../terminal/errors.js';
import { type Option, text } from '../terminal/options.js';

const MTU_DISCOVERY = {
  do: socket.IP_PMTUDISC_DO,
  dont: socket.IP_PMTUDISC_DONT,
  want: socket.IP_PMTUDISC_WANT,
  probe: socket.IP_PMTUDISC_PROBE,
} as const;

/** How the kernel keeps packets below the MTU of the path: see IP_MTU_DISCOVER in ip(7). */
export type MtuDiscovery = keyof typeof MTU_DISCOVERY;

export const MTU_DISCOVERIES = Object.keys(MTU_DISCOVERY) as readonly MtuDiscovery[];

const is_ipv6 = ({ family }: socket.socket) => family === socket.AF_INET6;

/** Sets whether packets may be fragmented: 'do' (never), 'dont' (yes), 'want' (by the kernel's MTU of the path), 'probe' (never, whatever that MTU). @throws OSError */
export function set_mtu_discovery(sock: socket.socket, how: MtuDiscovery): void {
  // The numbers of IPv6 are those of IPv4.
  if (is_ipv6(sock)) sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MTU_DISCOVER, MTU_DISCOVERY[how]);
  else sock.setsockopt(socket.IPPROTO_IP, socket.IP_MTU_DISCOVER, MTU_DISCOVERY[how]);
}

/** Sets the type of service, or the traffic class: 8 bits. @throws OSError */
export function set_traffic_class(sock: socket.socket, value: number): void {
  if (is_ipv6(sock)) sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, value);
  else sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, value);
}

/** Sets the mark of packets, by which rules of routing and firewalls choose. @throws PermissionError without CAP_NET_ADMIN; OSError */
export function set_mark(sock: socket.socket, value: number): void {
  sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, value);
}

/** Sends by an interface only, and receives from it. @throws OSError */
export function bind_to_interface(sock: socket.socket, name: string): void {
  sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name);
}

/** Returns an option with a number of 8 or more bits, which may be hexadecimal as the field writes them: 16, 0x10. */
export function bits(short: string, value: string, max: number, help: string): Option<number | undefined> {
  const option = text(short, value, help);
  return {
    ...option,
    standard: undefined,
    read(argument, what) {
      const given = option.read(argument, what, undefined) ?? '';
      const number = /^(0[xX][\da-fA-F]+|\d+)$/.test(given) ? Number(given) : Number.NaN;
      if (number <= max) return number;
      throw new UsageError(
        `${what} takes a number from 0 to ${max}, or 0x0 to 0x${max.toString(16)}, not ${JSON.stringify(given)}`,
      );
    },
  };
}
