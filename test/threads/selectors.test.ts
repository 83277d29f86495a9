// Selectors in workers: several at once, terminated while select_async() waits, an epoll instance closed by another thread.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import * as selectors from 'bsd-sockets/selectors';
import * as socket from 'bsd-sockets/socket';
import { expect, test } from 'vitest';
import { open_descriptors } from '../descriptors.js';

const ROUNDS = Number(process.env.LIFETIME_ROUNDS ?? 40);

/** Descriptors of a thread that has ended are closed a moment later. */
async function none_left(before: number): Promise<void> {
  for (let i = 0; i < 200 && open_descriptors() > before; i++)
    await new Promise((resolve) => setTimeout(resolve, 25));
  expect(open_descriptors()).toBe(before);
}

const PENDING = `
  const { parentPort } = require('node:worker_threads');
  import('bsd-sockets/selectors').then(async (selectors) => {
    const socket = await import('bsd-sockets/socket');
    const classes = [selectors.EpollSelector, selectors.PollSelector, selectors.SelectSelector];
    for (const Selector of classes) {
      const [a, b] = socket.socketpair();
      const sel = Selector();
      sel.register(a, selectors.EVENT_READ);
      sel.select_async(60).catch(() => {});
      const busy = Selector();
      busy.register(b, selectors.EVENT_WRITE);
      (async () => { for (;;) await busy.select_async(); })();
      globalThis.kept = [globalThis.kept, a, b, sel, busy];
    }
    parentPort.postMessage('pending');
  });`;

async function terminate(delay_ms: number): Promise<void> {
  const worker = new Worker(PENDING, { eval: true });
  worker.on('error', (error) => expect(error).toBeUndefined());
  await once(worker, 'message');
  if (delay_ms > 0) await new Promise((resolve) => setTimeout(resolve, delay_ms));
  await worker.terminate();
}

test(`a worker is terminated while select_async() waits, ${ROUNDS} times`, async () => {
  // The first wait of the process starts its watchdog, which stays.
  using sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
  sock.settimeout(0.001);
  expect(() => sock.recv(1)).toThrow(socket.timeout);
  await terminate(0);
  const before = open_descriptors();
  for (let i = 0; i < ROUNDS; i += 2) await Promise.all([terminate(0), terminate(i % 7)]);
  await none_left(before);
}, 120_000);

test('several workers at once: one serves by select(), one by select_async(), others ask', async () => {
  const serve = (wait: string) => `
    const { parentPort } = require('node:worker_threads');
    Promise.all([import('bsd-sockets/selectors'), import('bsd-sockets/socket')]).then(async ([selectors, socket]) => {
      const sel = selectors.DefaultSelector();
      const server = socket.create_server(['127.0.0.1', 0]);
      parentPort.postMessage(server.getsockname());
      let connections = 0;
      sel.register(server, selectors.EVENT_READ, () => {
        const [conn] = server.accept();
        connections++;
        sel.register(conn, selectors.EVENT_READ, () => {
          const data = conn.recv(1000);
          if (data.length > 0) return conn.sendall(data);
          sel.unregister(conn);
          conn.close();
          connections--;
        });
      });
      let served = false;
      while (!served || connections > 0) {
        for (const [key] of ${wait}) key.data();
        served ||= connections === 20;
      }
      sel.close();
      server.close();
    });`;
  const ask = `
    const { workerData } = require('node:worker_threads');
    import('bsd-sockets/socket').then((socket) => {
      const conns = Array.from({ length: 10 }, () => socket.create_connection(workerData.address, 20));
      // Both of those who ask are there before one hangs up.
      Atomics.add(workerData.there, 0, 1);
      Atomics.notify(workerData.there, 0);
      while (Atomics.load(workerData.there, 0) < 2) Atomics.wait(workerData.there, 0, 1, 10_000);
      for (let i = 0; i < 50; i++) {
        for (const [index, conn] of conns.entries()) conn.sendall(index + ' ' + i + ';');
        for (const [index, conn] of conns.entries()) {
          const text = index + ' ' + i + ';';
          if (String(conn.recv_exactly(text.length)) !== text) throw new Error('mixed up');
        }
      }
      for (const conn of conns) conn.close();
    });`;
  const before = open_descriptors();
  const codes = ['sel.select()', 'await sel.select_async()'].map(async (wait) => {
    const server = new Worker(serve(wait), { eval: true });
    const ended = once(server, 'exit');
    const [address] = await once(server, 'message');
    const there = new Int32Array(new SharedArrayBuffer(4));
    const clients = [1, 2].map(() =>
      once(new Worker(ask, { eval: true, workerData: { address, there } }), 'exit'),
    );
    return (await Promise.all([...clients, ended])).map(([code]) => code);
  });
  expect(await Promise.all(codes)).toEqual([
    [0, 0, 0],
    [0, 0, 0],
  ]);
  await none_left(before);
}, 60_000);

test('an epoll instance that another thread closes ends the wait with EBADF', async () => {
  const script = `
    const { parentPort, workerData } = require('node:worker_threads');
    import('bsd-sockets/selectors').then((selectors) => {
      const poller = selectors.epoll.fromfd(workerData);
      parentPort.postMessage('blocking');
      try {
        poller.poll();
      } catch (error) {
        parentPort.postMessage(error.code);
      }
    });`;
  const [a, b] = socket.socketpair();
  for (let i = 0; i < 20; i++) {
    const poller = selectors.epoll();
    poller.register(a, selectors.EPOLLIN);
    const worker = new Worker(script, { eval: true, workerData: poller.fileno() });
    const ended = once(worker, 'exit');
    await once(worker, 'message');
    if (i % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const told = once(worker, 'message');
    poller.close();
    expect(await told).toEqual(['EBADF']);
    await ended;
  }
  a.close();
  b.close();
}, 60_000);
