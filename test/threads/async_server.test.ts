// Servers on the event loop with connections and datagrams of every kind: none lost, nothing left. The scenarios are
// fixtures/async_load.mjs, each in a process of its own. Short connections and SIGTERM are in load.test.ts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { open_descriptors } from '../descriptors.js';

const fixture = fileURLToPath(new URL('./fixtures/async_load.mjs', import.meta.url));

/** What a scenario printed; for as long as tells that it hangs. */
async function run(scenario: string, count: number): Promise<Record<string, unknown>> {
  const child = spawn(process.execPath, [fixture, scenario, String(count)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const ended = await once(child, 'close');
  expect({ ended, errors }).toEqual({ ended: [0, null], errors: '' });
  return JSON.parse(output);
}

describe('servers on the event loop', { timeout: 120_000 }, () => {
  test('500 idle connections beside active ones', async () => {
    expect(await run('idle', 500)).toEqual({ exchanged: 2000, idle_answered: 500, fds: 0 });
  });

  test('10,000 datagrams', async () => {
    expect(await run('datagrams', 10_000)).toEqual({
      AsyncUDPServer: 10_000,
      AsyncUnixDatagramServer: 10_000,
      fds: 0,
    });
  });

  test('clients that reset or say nothing, handlers that throw', async () => {
    expect(await run('rude', 1000)).toEqual({ all: true, some: true, errors: true, fds: 0 });
  });

  test('servers that end at random moments', async () => {
    expect(await run('ends', 60)).toEqual({ ended: 60 * 20, fds: 0 });
  });

  test('in a worker that is terminated', async () => {
    const program = `
      const { parentPort } = require('node:worker_threads');
      const { AsyncTCPServer } = require('bsd-sockets/socketserver');
      const { create_connection } = require('bsd-sockets/promises');
      const server = new AsyncTCPServer(['127.0.0.1', 0], async (conn) => { while (await conn.recv(1)) ; });
      server.serve_forever();
      Promise.all([0, 1, 2].map(() => create_connection(server.server_address))).then((clients) => {
        parentPort.postMessage(server.server_address);
      });`;
    const begin = async () => {
      const worker = new Worker(program, { eval: true });
      worker.on('error', (error) => expect(error).toBeUndefined());
      await once(worker, 'message');
      await worker.terminate();
    };
    await begin();
    const before = open_descriptors();
    for (let i = 0; i < 10; i++) await begin();
    for (let i = 0; i < 200 && open_descriptors() > before; i++)
      await new Promise((resolve) => setTimeout(resolve, 25));
    expect(open_descriptors()).toBeLessThanOrEqual(before);
  });
});
