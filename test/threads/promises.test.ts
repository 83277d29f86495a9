// Promises in workers: terminated with calls pending at any moment, several at once, nothing left.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { open_descriptors } from '../descriptors.js';

const ROUNDS = Number(process.env.LIFETIME_ROUNDS ?? 50);

const PENDING = `
  const { parentPort } = require('node:worker_threads');
  import('bsd-sockets/promises').then(async (p) => {
    const server = await p.create_server(['127.0.0.1', 0]);
    const [a, b] = p.socketpair();
    const calls = [server.accept(), a.recv(1), a.recv_exactly(10, { timeout: 60 }), b.sendall(Buffer.alloc(1e7)),
      b.shutdown(1), p.getaddrinfo('a.name.invalid', 80), a.dup().to_stream().resume(),
      p.create_connection(server.getsockname()).then((c) => c.recv(1))];
    for (const call of calls) if (call.catch) call.catch(() => {});
    const echo = p.socketpair();
    (async () => { for await (const chunk of echo[1]) await echo[1].sendall(chunk); })();
    parentPort.postMessage('pending');
    for (;;) { await echo[0].sendall('x'); await echo[0].recv(1); }
  });`;

async function terminate(delay_ms: number): Promise<void> {
  const worker = new Worker(PENDING, { eval: true });
  worker.on('error', (error) => expect(error).toBeUndefined());
  await once(worker, 'message');
  if (delay_ms > 0) await new Promise((resolve) => setTimeout(resolve, delay_ms));
  await worker.terminate();
}

/** The threads of lookups end when the C library returns: a lookup of the first worker may have been open at the count before. */
async function none_left(before: number): Promise<void> {
  for (let i = 0; i < 200 && open_descriptors() > before; i++)
    await new Promise((resolve) => setTimeout(resolve, 25));
  expect(open_descriptors()).toBeLessThanOrEqual(before);
}

test(`a worker is terminated with promises pending, ${ROUNDS} times`, async () => {
  await terminate(0);
  const before = open_descriptors();
  for (let i = 0; i < ROUNDS; i += 2) await Promise.all([terminate(0), terminate(i % 7)]);
  await none_left(before);
}, 120_000);

test('several workers at once, each with its own loop', async () => {
  const script = `
    const { parentPort, workerData } = require('node:worker_threads');
    import('bsd-sockets/promises').then(async (p) => {
      const server = await p.create_server(['127.0.0.1', 0]);
      const serve = (async () => {
        for await (const [conn] of server)
          (async () => { for await (const chunk of conn) await conn.sendall(chunk); conn.close(); })();
      })();
      const rounds = await Promise.all(Array.from({ length: 50 }, async (_, i) => {
        const sock = await p.create_connection(server.getsockname());
        for (let j = 0; j < 20; j++) {
          const text = workerData + ' ' + i + ' ' + j;
          await sock.sendall(text);
          if (String(await sock.recv_exactly(text.length)) !== text) throw new Error('mixed up');
        }
        sock.close();
        return 20;
      }));
      server.close();
      await serve;
      parentPort.postMessage(rounds.reduce((sum, n) => sum + n));
    });`;
  const before = open_descriptors();
  const results = await Promise.all(
    [1, 2, 3, 4].map(async (workerData) => {
      const worker = new Worker(script, { eval: true, workerData });
      // Both at once: Node may tell of the message and of the end in one go.
      const [[result], [code]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
      return [result, code];
    }),
  );
  expect(results).toEqual(Array(4).fill([1000, 0]));
  await none_left(before);
}, 60_000);

test('a worker with pending promises of unref() ends by itself', async () => {
  const script = `import('bsd-sockets/promises').then((p) => {
    const [a, b] = p.socketpair();
    a.unref().recv(1).catch(() => {});
    b.unref();
    globalThis.kept = [a, b];
  });`;
  const worker = new Worker(script, { eval: true });
  expect((await once(worker, 'exit'))[0]).toBe(0);
});
