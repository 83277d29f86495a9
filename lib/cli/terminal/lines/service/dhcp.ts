// Messages of DHCP and DHCPv6 on a line, as tcpdump writes them.
import type { Dhcp, Dhcpv6 } from '../../../../packet/index.js';
import type { Place } from '../place.js';

const OPERATIONS: Readonly<Record<number, string>> = { 1: 'Request', 2: 'Reply' };
const ETHERNET = 1;
const ETHERNET_SIZE = 6;
const TYPES: readonly string[] = [
  ...['', 'solicit', 'advertise', 'request', 'confirm', 'renew', 'rebind', 'reply', 'release', 'decline'],
  ...['reconfigure', 'inf-req', 'relay-fwd', 'relay-reply', 'leasequery', 'leasequery-reply'],
];

/** Returns "BOOTP/DHCP, Request from 02:00:00:00:00:01, length 244". */
export function dhcp_text(layer: Dhcp, { length }: Place): string {
  const { op, htype, hlen, chaddr } = layer;
  if (chaddr === undefined) return 'BOOTP/DHCP, [|bootp]';
  const name = OPERATIONS[op] ?? `unknown (0x${op.toString(16).padStart(2, '0')})`;
  const from = op === 1 && htype === ETHERNET && hlen === ETHERNET_SIZE ? ` from ${chaddr}` : '';
  return `BOOTP/DHCP, ${name}${from}, length ${length}`;
}

/** Returns "dhcp6 solicit". */
export function dhcpv6_text({ type }: Dhcpv6): string {
  return `dhcp6 ${TYPES[type] ?? `msgtype-${type}`}`;
}
