// Sockets used by several threads: descriptors handed to workers, calls of two threads on one socket, close() from
// another thread.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import * as socket from 'bsd-sockets/socket';
import { expect, test } from 'vitest';

const echo = (fd: number) =>
  new Worker(new URL('./fixtures/sharing.mjs', import.meta.url), { workerData: { fd } });

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
  const echoing = echo(b.detach());
  // The other end: sends blocks and checks what comes back, one in flight at a time, then ends.
  const asking = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     import('bsd-sockets/socket').then((socket) => {
       const conn = socket.socket(null, null, null, workerData.fd);
       let same = 0;
       for (let i = 0; i < 200; i++) {
         const block = Buffer.alloc(1 + i * 50, i);
         conn.sendall(block);
         if (conn.recv_exactly(block.length).equals(block)) same++;
       }
       conn.shutdown(socket.SHUT_WR);
       parentPort.postMessage(same);
     });`,
    { eval: true, workerData: { fd: a.detach() } },
  );
  const [[same], [bytes]] = await Promise.all([once(asking, 'message'), once(echoing, 'message')]);
  expect(same).toBe(200);
  expect(bytes).toBe(200 + (50 * 199 * 200) / 2);
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
