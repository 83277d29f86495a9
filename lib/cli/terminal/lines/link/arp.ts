// The text of ARP and RARP, in the words of tcpdump.
import type { Layers } from '../../../../packet/index.js';
import { ETHERTYPES, hex } from '../names.js';
import type { Place } from '../place.js';

const OPERATIONS: Readonly<Record<number, string>> = {
  1: 'Request',
  2: 'Reply',
  3: 'Reverse Request',
  4: 'Reverse Reply',
  8: 'Inverse Request',
  9: 'Inverse Reply',
  10: 'NACK Reply',
};
const HARDWARE: Readonly<Record<number, string>> = {
  1: 'Ethernet',
  6: 'TokenRing',
  7: 'ArcNet',
  15: 'FrameRelay',
  19: 'ATM',
  23: 'Strip',
  24: 'IEEE 1394',
  32: 'InfiniBand',
};
const IPV4: readonly number[] = [0x0800, 0x1000];

/** Returns the text behind the operation; undefined if there is none, and the bytes follow. */
function message(arp: Layers['arp']): string | undefined {
  const ip = (address: string) => {
    if (!IPV4.includes(arp.protocol_type)) return '<wrong proto type>';
    return arp.protocol_length === 4 ? address : '<wrong len>';
  };
  const hardware = (address: string) => (arp.hardware_length === 0 ? '<empty>' : address);
  const { sender_ip, target_ip } = arp;
  const [sender, target] = [hardware(arp.sender_mac), hardware(arp.target_mac)];
  switch (arp.operation) {
    case 1: {
      const known = arp.hardware_length > 0 && /[1-9a-f]/.test(target) ? ` (${target})` : '';
      return `who-has ${ip(target_ip)}${known} tell ${ip(sender_ip)}`;
    }
    case 2:
      return `${ip(sender_ip)} is-at ${sender}`;
    case 3:
    case 8:
      return `who-is ${target} tell ${sender}`;
    case 4:
      return `${target} at ${ip(target_ip)}`;
    case 9:
      return `${sender} at ${ip(sender_ip)}`;
  }
  return undefined;
}

export function arp_text(arp: Layers['arp'], place: Place): string {
  if (arp.cut !== undefined) return ' [|arp]';
  const { link, verbose } = place.style;
  const head = link ? '' : 'ARP, ';
  const length = `, length ${place.length}`;
  const is_usual = IPV4.includes(arp.protocol_type) && arp.protocol_length === 4 && arp.hardware_length !== 0;
  const hardware = HARDWARE[arp.hardware_type] ?? `Unknown Hardware (${arp.hardware_type})`;
  const protocol = ETHERTYPES[arp.protocol_type] ?? `Unknown Protocol (${hex(arp.protocol_type, 4)})`;
  const types = `${hardware} (len ${arp.hardware_length}), ${protocol} (len ${arp.protocol_length})`;
  if (!is_usual && verbose === 0) return head + types + length;
  const operation = OPERATIONS[arp.operation] ?? `Unknown (${arp.operation})`;
  const start = `${head}${verbose > 0 ? `${types}, ` : ''}${operation} `;
  const text = message(arp);
  return text === undefined ? start + place.all_dumped() : start + text + length;
}
