// What links.test.ts compares, as JSON: with the links left and right, which are joined, in a network namespace of its own.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import * as packet from 'bsd-sockets/packet';
import * as socket from 'bsd-sockets/socket';

const small = { block_size: 65_536, blocks: 4, retire_ms: 1 };
const ETHERTYPE = 0x88b5; // for local experiments
const filter = 'ether proto 0x88b5';

const link = (...args) => spawnSync('ip', ['link', ...args]);

/** Sends frames from `left`. */
function send(...frames) {
  const sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0);
  sock.bind(['left', 0]);
  for (const frame of frames) sock.send(frame);
  sock.close();
}

function frame({ tagged = false, source = '02:00:00:00:00:01' } = {}) {
  const layers = [
    packet.ethernet({ src: source, dst: 'ff:ff:ff:ff:ff:ff', ...(!tagged && { ethertype: ETHERTYPE }) }),
  ];
  if (tagged) layers.push(packet.vlan({ id: 42, priority: 5, ethertype: ETHERTYPE }));
  layers.push(packet.payload('x'.repeat(tagged ? 46 : 50)));
  return packet.build(...layers);
}

/** Returns the packets that a ring gives until none comes for a moment. */
function all_of(ring) {
  const packets = [];
  try {
    for (const each of ring.packets({ timeout: 0.3 })) packets.push(each);
  } catch (error) {
    if (!(error instanceof socket.TimeoutError)) throw error;
  }
  return packets;
}

const layers_of = ({ data, ...options }) =>
  packet.parse(data, { linktype: options.linktype, length: options.length });
const results = {};

{
  const ring = packet.packet_ring('right', { ...small, filter: 'vlan 42' });
  const cooked = packet.packet_ring(null, { ...small, filter: 'vlan 42', direction: 'in' });
  send(frame({ tagged: true }));
  const path = join(tmpdir(), `links-${process.pid}.pcap`);
  const file = packet.write_capture(path, { linktype: ring.linktype });
  for (const block of ring.blocks({ timeout: 5 })) {
    file.write_block(block);
    const [first] = block.packets;
    const parsed = layers_of(first);
    const { priority, dei, id } = parsed.get('vlan') ?? {};
    results.tagged = {
      layers: parsed.layers.map(({ layer }) => layer),
      tag: { priority, dei, id },
      vlan: first.vlan,
      bytes: [first.data.length, first.length],
    };
    block.release();
    break;
  }
  file.close();
  results.file = [...packet.read_capture(path)].map((each) =>
    layers_of(each).layers.map(({ layer }) => layer),
  )[0];
  rmSync(path);
  const [first] = all_of(cooked);
  results.cooked = { vlan: first?.vlan, tag: first && layers_of(first).get('vlan')?.id };
  cooked.close();
  ring.close();
}

results.directions = {};
for (const direction of ['in', 'out', 'inout']) {
  const ring = packet.packet_ring('right', { ...small, filter, direction });
  send(frame());
  const back = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0);
  back.bind(['right', 0]);
  back.send(frame());
  results.directions[direction] = all_of(ring).map((each) => each.direction);
  back.close();
  ring.close();
}

/** Returns how many packets each of two rings of a group gets of a hundred. */
function divided(fanout) {
  const first = packet.packet_ring('right', { ...small, filter, fanout, direction: 'in' });
  const second = packet.packet_ring('right', { ...small, filter, fanout, direction: 'in' });
  send(...Array.from({ length: 100 }, () => frame()));
  const counts = [first, second].map((ring) => all_of(ring).length);
  first.close();
  second.close();
  return counts;
}
results.load_balance = divided({ group: 1, mode: 'load_balance' });
results.filter = divided({ group: 2, mode: 'filter', program: [[6, 0, 0, 1]] });
results.hash = divided({ group: 3 });

const WORKER = `
  const { packet_ring } = require('bsd-sockets/packet');
  const { parentPort, workerData } = require('node:worker_threads');
  const ring = packet_ring('right', { ...workerData, fanout: { group: 4, mode: 'load_balance' }, direction: 'in' });
  parentPort.postMessage('ready');
  let count = 0;
  let held;
  for (const block of ring.blocks()) {
    count += block.length;
    parentPort.postMessage(count);
    if (held !== undefined) block.release();
    held ??= block;
    held.packets;
  }`;

/** Returns the number of mappings of packet sockets in this process. */
const mappings = () =>
  readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.includes('socket:')).length;

{
  const counts = [0, 0];
  const workers = counts.map((_, i) => {
    const worker = new Worker(WORKER, { eval: true, workerData: { ...small, filter } });
    return {
      worker,
      ready: new Promise((resolve, reject) => {
        worker.on('error', reject);
        worker.on('message', (message) => {
          if (message === 'ready') resolve();
          else counts[i] = message;
        });
      }),
    };
  });
  await Promise.all(workers.map(({ ready }) => ready));
  send(...Array.from({ length: 100 }, () => frame()));
  for (let i = 0; i < 1000 && counts[0] + counts[1] < 100; i++) await sleep(10);
  await Promise.all(workers.map(({ worker }) => worker.terminate()));
  results.workers = { sum: counts[0] + counts[1], mappings: mappings() };
}

{
  const ring = packet.packet_ring('right', { ...small, filter });
  const code_of = async (promise) =>
    promise.then(
      () => 'packet',
      ({ code }) => code,
    );
  const waiting = code_of(ring.packets({ timeout: 10 })[Symbol.asyncIterator]().next());
  await sleep(50);
  link('set', 'right', 'down');
  const error = await waiting;
  link('set', 'right', 'up');
  let again = 0;
  for (let i = 0; i < 50 && again === 0; i++) {
    send(frame());
    again = Math.min(all_of(ring).length, 1);
  }
  results.down = { error, again };
  link('del', 'right');
  results.removed = [];
  for (const _ of [1, 2])
    results.removed.push(await code_of(ring.packets({ timeout: 0.2 })[Symbol.asyncIterator]().next()));
}

console.log(JSON.stringify(results));
