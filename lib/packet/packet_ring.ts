// packet_ring: what it needs of the addon is in ring/, which dist/ has in a file for itself and loads at the first call.
import type { PacketRingOptions } from './ring/options.js';
import { open_packet_ring, type PacketRing } from './ring/packet_ring.js';

/**
 * packet_ring(interface, { block_size, blocks, retire_ms, snaplen, filter, fanout, promiscuous, direction }) -> a ring of packets. See
 * packet(7) and docs/captures.md.
 *
 * The kernel writes the packets of an interface to memory that it shares with this process (TPACKET_V3), and hands them over a block at
 * a time: no system call a packet. Iterated over, the ring gives packets that are copied; `blocks()` gives views.
 *
 * @param name the interface, such as 'eth0'; null: all interfaces, each packet with a header of LINUX_SLL2
 * @param options see PacketRingOptions
 * @returns the ring, which is to be closed
 * @throws PermissionError without CAP_NET_RAW; OSError ENODEV for an interface that is not there, ENOMEM if the kernel has no such memory;
 *   FilterError; TypeError, RangeError naming the option
 * @example
 * const first_of = (name: string) => {
 *   using ring = packet_ring(name, { filter: 'tcp port 80' });
 *   for (const packet of ring) return parse(packet.data, packet);
 * };
 */
export function packet_ring(name: string | null, options: PacketRingOptions = {}): PacketRing {
  return open_packet_ring(name, options);
}
