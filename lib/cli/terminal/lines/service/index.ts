// The text of what a UDP or TCP port carries, by the port alone, as tcpdump does it: also a message that is cut or malformed is told as
// far as it goes. To add a service, write its function and add its row.
import type { Place } from '../place.js';
import { dhcp_text } from './dhcp.js';
import { dhcpv6_text } from './dhcpv6.js';
import { dns_text, multicast_dns_text, tcp_dns_text } from './dns.js';
import { ntp_text } from './ntp.js';
import { geneve_text, vxlan_text } from './tunnel.js';

type Service = readonly [ports: readonly number[], text: (place: Place) => string];

/** Rows that are looked through in turn: a packet between two of these ports is that of the first row. */
const UDP_SERVICES: readonly Service[] = [
  [[53], dns_text],
  [[5353], multicast_dns_text],
  [[67, 68], dhcp_text],
  [[123], ntp_text],
  [[546, 547], dhcpv6_text],
  [[4789], vxlan_text],
  [[6081], geneve_text],
];
const TCP_SERVICES: readonly Service[] = [[[53], tcp_dns_text]];

/** Returns a function that gives the text of the service of one of two ports; undefined if neither has one. */
function by_ports(services: readonly Service[]) {
  const known = new Set(services.flatMap(([ports]) => ports));
  return (src_port: number, dst_port: number, data: Place): string | undefined => {
    if (!known.has(src_port) && !known.has(dst_port)) return undefined;
    return services.find(([ports]) => ports.includes(src_port) || ports.includes(dst_port))?.[1](data);
  };
}

/** udp_service_text(src_port, dst_port, data) -> the text of the message in a datagram; undefined if its ports have no service here. */
export const udp_service_text = by_ports(UDP_SERVICES);

/** tcp_service_text(src_port, dst_port, data) -> the same of a segment, behind a space. */
export const tcp_service_text = by_ports(TCP_SERVICES);
