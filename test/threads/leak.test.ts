// Sockets that nobody closes: collected, warned about, their descriptors freed; and those of a worker that ended.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { open_descriptors } from '../descriptors.js';

test('10,000 sockets dropped: each is closed with a ResourceWarning', () => {
  const path = fileURLToPath(new URL('./fixtures/leak.mjs', import.meta.url));
  const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', '--no-warnings', path, '10000'], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({
    left: 0,
    warned: 10_000,
    name: 'ResourceWarning',
    message: expect.stringMatching(
      /^unclosed <socket fd=\d+, family=AF_INET, type=SOCK_DGRAM, proto=0, laddr=\["127/,
    ),
  });
}, 60_000);

test('a closed or detached socket is not warned about', () => {
  const script = `import('bsd-sockets/socket').then(async (socket) => {
    process.on('warning', (w) => console.log(w.message));
    socket.socket().close();
    socket.socket().detach();
    { using s = undefined; }
    for (let i = 0; i < 3; i++) { gc(); await new Promise((r) => setImmediate(r)); }
  })`.replace('{ using s = undefined; }', '');
  const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', '--no-warnings', '-e', script], {
    encoding: 'utf8',
  });
  expect({ stdout, stderr }).toEqual({ stdout: '', stderr: '' });
});

test('the sockets of a worker that ended are closed', async () => {
  const script = `const { parentPort } = require('node:worker_threads');
    import('bsd-sockets/socket').then((socket) => {
      globalThis.kept = Array.from({ length: 50 }, () => socket.socket());
      globalThis.pair = socket.socketpair();
      parentPort.postMessage(kept.length);
      if (process.argv.includes('block')) pair[0].recv(1);
      else setInterval(() => {}, 1000);
    });`;
  const run = async (argv: string[]) => {
    const worker = new Worker(script, { eval: true, argv });
    await once(worker, 'message');
    // What the first blocked call makes for all is there only once it has been reached.
    if (argv.includes('block')) await sleep(500);
    await worker.terminate();
  };
  // The first ones make what later ones share.
  await run(['block']);
  const before = open_descriptors();
  await run([]);
  await run(['block']);
  expect(open_descriptors()).toBe(before);
});

test.each(['yes', 'no'])('instances that are collected leave nothing (libuv: %s)', (BSD_SOCKETS_LIBUV) => {
  const url = (path: string) => fileURLToPath(new URL(path, import.meta.url));
  const binary = process.env.BSD_SOCKETS_BINARY ?? url('../../build/Release/bsd_sockets.node');
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--expose-gc', url('./fixtures/instance_leak.mjs'), binary],
    { encoding: 'utf8', env: { ...process.env, BSD_SOCKETS_LIBUV } },
  );
  expect(stderr).toBe('');
  // Those that wait for a descriptor live on.
  expect(JSON.parse(stdout)).toEqual([
    [10, 0],
    [10, 10],
  ]);
});
