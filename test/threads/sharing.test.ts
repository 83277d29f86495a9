// Sockets used by several threads: descriptors handed to workers, calls of two threads on one socket, close() from
// another thread.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import * as socket from 'bsd-sockets/socket';
import { expect, test } from 'vitest';

const echo = (fd: number, options: object = { echo: true }) =>
  new Worker(new URL('./fixtures/sharing.mjs', import.meta.url), { workerData: { fd, ...options } });

test('a worker echoes over the descriptor that main detached', async () => {
  const [a, b] = socket.socketpair();
  const worker = echo(b.detach());
  const data = Buffer.from('hello worker');
  a.sendall(data);
  expect(a.recv_exactly(data.length)).toEqual(data);
  a.shutdown(socket.SHUT_WR);
  expect(await once(worker, 'message')).toEqual([data.length]);
  expect(a.recv(10).length).toBe(0);
  a.close();
});

test('two workers on the ends of one connection', async () => {
  const [a, b] = socket.socketpair();
  const [c, d] = socket.socketpair();
  // main -> b | echo -> a; the second worker counts what the first sends back.
  const first = echo(b.detach());
  const second = echo(d.detach(), { echo: false });
  const block = Buffer.alloc(1000, 'x');
  for (let i = 0; i < 100; i++) {
    a.sendall(block);
    c.sendall(a.recv_exactly(block.length));
  }
  a.shutdown(socket.SHUT_WR);
  c.shutdown(socket.SHUT_WR);
  const counts = await Promise.all([once(first, 'message'), once(second, 'message')]);
  expect(counts).toEqual([[100_000], [100_000]]);
  a.close();
  c.close();
});

test('close() from another thread ends the blocked call with EBADF, and a reused number is not read', async () => {
  const script = `const { parentPort, workerData } = require('node:worker_threads');
    import('bsd-sockets/socket').then((socket) => {
      const shared = socket.socket(null, null, null, workerData.fd);
      parentPort.postMessage('blocking');
      try { parentPort.postMessage(shared.recv(100).toString()); }
      catch (error) { parentPort.postMessage(error.code); }
    });`;
  for (let round = 0; round < 20; round++) {
    const [a, b] = socket.socketpair();
    const fd = a.fileno();
    const worker = new Worker(script, { eval: true, workerData: { fd } });
    await once(worker, 'message');
    // Sometimes before the call, sometimes in it.
    await new Promise((resolve) => setTimeout(resolve, round % 3));
    const answer = once(worker, 'message');
    a.close();
    const [c, d] = socket.socketpair();
    d.sendall('SECRET');
    expect(await answer).toEqual(['EBADF']);
    expect(c.recv(100).toString()).toBe('SECRET');
    for (const sock of [b, c, d]) sock.close();
    await worker.terminate();
  }
}, 60_000);

test('detach() leaves the number to another socket object on it', () => {
  const [a, b] = socket.socketpair();
  const probe = socket.socket(null, null, null, a.fileno());
  expect([probe.family, probe.type]).toEqual([socket.AF_UNIX, socket.SOCK_STREAM]);
  expect(probe.detach()).toBe(a.fileno());
  b.sendall('still mine');
  expect(a.recv(100).toString()).toBe('still mine');
  a.close();
  b.close();
});
