// Servers on the event loop under load: none lost, nothing left. The scenarios are fixtures/async-load.mjs, each in a process
// of its own. SERVER_CONNECTIONS=20000 makes that many connections, SERVER_SOAK_SECONDS=120 a soak of two minutes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';

const CONNECTIONS = Number(process.env.SERVER_CONNECTIONS ?? 2000);
const SOAK_SECONDS = Number(process.env.SERVER_SOAK_SECONDS ?? 0);
const fixture = fileURLToPath(new URL('./fixtures/async-load.mjs', import.meta.url));

/** What a scenario printed; for as long as tells that it hangs. */
async function run(scenario: string, count: number): Promise<Record<string, unknown>> {
  const child = spawn(process.execPath, ['--expose-gc', fixture, scenario, String(count)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 100_000 + count * 1000,
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

describe('servers on the event loop', { timeout: 120_000 + (CONNECTIONS + SOAK_SECONDS) * 1000 }, () => {
  test(`${CONNECTIONS} short connections, 64 at once: none is lost, descriptors and memory are as before`, async () => {
    const all = { answered: CONNECTIONS, used_grew: false, rss_grew: false };
    expect(await run('connections', CONNECTIONS)).toEqual({
      AsyncTCPServer: all,
      AsyncUnixStreamServer: all,
      fds: 0,
    });
  });

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

  test('SIGTERM while clients come: no request is cut off, exit code 0', async () => {
    expect(await run('sigterm', 300)).toMatchObject({ enough: true, cut_off: 0, exit: [0, null] });
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
    const open = () => readdirSync('/proc/self/fd').length;
    const begin = async () => {
      const worker = new Worker(program, { eval: true });
      worker.on('error', (error) => expect(error).toBeUndefined());
      await once(worker, 'message');
      await worker.terminate();
    };
    await begin();
    const before = open();
    for (let i = 0; i < 10; i++) await begin();
    for (let i = 0; i < 200 && open() > before; i++) await new Promise((resolve) => setTimeout(resolve, 25));
    expect(open()).toBeLessThanOrEqual(before);
  });

  test('a soak', async (ctx) => {
    if (SOAK_SECONDS === 0) ctx.skip('needs SERVER_SOAK_SECONDS=120 and that much time');
    expect(await run('soak', SOAK_SECONDS)).toEqual({ used_grew: false, rss_grew: false, fds: 0 });
  });
});
