// calls.mjs udp|udp-burst: 64 bytes sent and received with node:dgram, one at a time; bursts of 64 sent to a peer that does not read. The other
// calls have no counterpart in Node.
// A line "SECONDS" on stdin is answered by "NANOSECONDS COUNT".
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { silent_peer } from '../silent_peer.mjs';

const MESSAGE = Buffer.alloc(64);
const BURST = 64;

const receiver = createSocket('udp4');
receiver.bind(0, '127.0.0.1');
await once(receiver, 'listening');
const sender = createSocket('udp4');
const { port, address } = receiver.address();

/** Sends one datagram after the other, each when the one before has arrived. */
function measure(seconds) {
  return new Promise((resolve) => {
    let count = 0;
    const start = performance.now();
    const end = start + seconds * 1e3;
    const on_message = () => {
      count++;
      const now = performance.now();
      if (now < end) return sender.send(MESSAGE, port, address);
      receiver.off('message', on_message);
      resolve(`${((now - start) * 1e6) / count} ${count}`);
    };
    receiver.on('message', on_message);
    sender.send(MESSAGE, port, address);
  });
}

/** Sends one burst after the other. */
async function measure_bursts(seconds) {
  let count = 0;
  const start = performance.now();
  const end = start + seconds * 1e3;
  do {
    await new Promise((resolve) => {
      let left = BURST;
      const sent = () => {
        if (--left === 0) resolve();
      };
      for (let i = 0; i < BURST; i++) sender.send(MESSAGE, silent.port, silent.address, sent);
    });
    count++;
  } while (performance.now() < end);
  return `${((performance.now() - start) * 1e6) / count} ${count}`;
}

const is_burst = process.argv[2] === 'udp-burst';
const silent = is_burst ? silent_peer() : undefined;
const task = is_burst ? measure_bursts : measure;
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) console.log(await task(Number(line)));
process.exit();
