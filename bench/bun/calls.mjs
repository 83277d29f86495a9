// calls.mjs udp-burst, for Bun: bursts of 64 datagrams by sendMany to a peer that does not read. The other calls have no counterpart in Bun.
// A line "SECONDS" on stdin is answered by "NANOSECONDS COUNT".
import { createInterface } from 'node:readline';
import { silent_peer } from '../silent_peer.mjs';

const BURST = 64;
const MESSAGE = Buffer.alloc(64);

const peer = silent_peer();
const sender = await Bun.udpSocket({ hostname: '127.0.0.1', port: 0, socket: {} });
const burst = Array.from({ length: BURST }, () => [MESSAGE, peer.port, peer.address]).flat();

function measure(seconds) {
  let count = 0;
  const start = performance.now();
  const end = start + seconds * 1e3;
  do {
    if (sender.sendMany(burst) !== BURST) throw new Error('not all were sent');
    count++;
  } while (performance.now() < end);
  return `${((performance.now() - start) * 1e6) / count} ${count}`;
}

console.log('ready');
for await (const line of createInterface({ input: process.stdin })) console.log(measure(Number(line)));
process.exit();
