// packets.mjs INTERFACE: takes the packets of a ring one by one, as objects that are copied, until SIGINT; then tells their number as tcpdump
// does.
import { packet_ring } from 'bsd-sockets/packet';

const ring = packet_ring(process.argv[2], { blocks: 32, retire_ms: 100 });
const controller = new AbortController();
process.on('SIGINT', () => controller.abort());
console.error('listening');
let count = 0;
let bytes = 0;
try {
  for await (const { data, length, time_ns } of ring.packets({ signal: controller.signal })) {
    if (length >= data.length && time_ns > 0n) count++;
    bytes += data.length;
  }
} catch (error) {
  if (!controller.signal.aborted) throw error;
}
const { packets, drops } = ring.statistics();
ring.close();
console.error(
  `${count} packets captured\n${packets} packets received by filter\n${drops} packets dropped by kernel`,
);
console.error(`${bytes} bytes`);
