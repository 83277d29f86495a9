// Programs that a process manager starts: pm2, forever, nodemon, systemd. is_main() has to be true in the program and false in its
// workers, a request is served by one of them, and the manager's signal ends the server after its requests.
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AF_UNIX, socket } from 'bsd-sockets/promises';
import { beforeAll, describe, expect, vi } from 'vitest';
import { normal_path } from '../tarball.js';
import { folder_of_tests, installed, project, row, tools } from './harness.js';

const folder = folder_of_tests();
const node = process.execPath;
let user: string;
beforeAll(() => {
  user = installed(folder);
});

// What the program does stands in a file: its output is the manager's. With the argument `once` it ends by itself.
const PROGRAM = `
import { appendFileSync } from 'node:fs';
import { socket } from 'bsd-sockets/promises';
import { is_main, StreamRequestHandler, systemd_sockets, ThreadingTCPServer } from 'bsd-sockets/socketserver';

export class Hello extends StreamRequestHandler {
  handle() { this.wfile.write(Buffer.from('served')); }
}
const log = (line) => appendFileSync(new URL('log', import.meta.url), line + '\\n');

if (is_main(import.meta)) {
  const [given] = systemd_sockets();
  const server = new ThreadingTCPServer(given ?? ['127.0.0.1', 0], Hello);
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => server.shutdown({ drain: 10 }));
  const serving = server.serve_forever();
  const client = socket(server.socket.family);
  await client.connect(server.server_address);
  log(String(await client.recv(100)));
  client.close();
  if (process.argv[2] === 'once') process.kill(process.pid, 'SIGTERM');
  await serving;
  await server.server_close();
  log('ended');
  process.exit(); // In its cluster mode pm2 listens to the program, which would keep it.
}`;

/** A new folder with the program; `log()` is what it has written. */
function program(): { place: string; log: () => string } {
  const place = project(user, { 'package.json': '{ "type": "module" }', 'server.mjs': PROGRAM });
  const file = join(place, 'log');
  return { place, log: () => (existsSync(file) ? readFileSync(file, 'utf8') : '') };
}

/** Runs a manager to its end. */
function manager(
  place: string,
  command: [string, ...string[]],
  env: Record<string, string> = {},
): SpawnSyncReturns<string> {
  const [file, ...args] = command;
  return spawnSync(file, args, {
    cwd: place,
    env: { PATH: normal_path, HOME: place, ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
  });
}

describe('pm2', () => {
  for (const [mode, options] of [
    ['fork', []],
    ['cluster', ['-i', '1']],
  ] as const) {
    row(`in ${mode} mode`, {}, async (ctx) => {
      const pm2 = join(tools(ctx, 'pm2@7'), 'pm2/bin/pm2');
      const { place, log } = program();
      const call = (...args: string[]) =>
        manager(place, [node, pm2, ...args], { PM2_HOME: join(place, '.pm2') });
      try {
        const started = call(
          'start',
          'server.mjs',
          '--name',
          'served',
          '--kill-timeout',
          '60000',
          ...options,
        );
        expect(started.status, started.stderr).toBe(0);
        await vi.waitFor(() => expect(log()).toBe('served\n'), { timeout: 120_000, interval: 200 });
        call('stop', 'served');
        expect(log()).toBe('served\nended\n');
      } finally {
        call('kill');
      }
    });
  }
});

row('forever', {}, async (ctx) => {
  const forever = join(tools(ctx, 'forever@4'), 'forever/bin/forever');
  const { place, log } = program();
  const options = ['-m', '1', '--minUptime', '1', '--spinSleepTime', '1'];
  const child = spawn(node, [forever, ...options, 'server.mjs', 'once'], {
    cwd: place,
    env: { PATH: normal_path, HOME: place },
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  try {
    await vi.waitFor(() => expect(log()).toBe('served\nended\n'), { timeout: 120_000, interval: 200 });
  } finally {
    // It may stay when the program has ended.
    child.kill('SIGKILL');
    await ended;
  }
});

row('nodemon', {}, async (ctx) => {
  const nodemon = join(tools(ctx, 'nodemon@3'), 'nodemon/bin/nodemon.js');
  const { place, log } = program();
  // It waits for changes when the program has ended: --exitcrash ends it only if the program failed.
  const script = `${node} server.mjs once; exit 1`;
  manager(place, [node, nodemon, '--exitcrash', '--ignore', 'log', '--exec', script]);
  expect(log()).toBe('served\nended\n');
});

// There is no systemd to ask in a container. What it gives a service is known, systemd.exec(5): its folder is /, its input
// /dev/null, its environment a few variables.
describe('systemd', () => {
  row('what a service gets', { quick: true }, () => {
    const { place, log } = program();
    const env = { HOME: '/root', LANG: 'C.UTF-8', INVOCATION_ID: '0'.repeat(32), JOURNAL_STREAM: '9:1' };
    const ended = manager('/', [node, join(place, 'server.mjs'), 'once'], env);
    expect([ended.status, ended.stdout, ended.stderr]).toEqual([0, '', '']);
    expect(log()).toBe('served\nended\n');
  });

  row('socket activation', { quick: true }, async (ctx) => {
    const activate = 'systemd-socket-activate';
    if (spawnSync(activate, ['--version']).error) ctx.skip(`needs ${activate}`);
    const { place, log } = program();
    const path = join(place, 'socket');
    const child = spawn(activate, ['-l', path, node, 'server.mjs', 'once'], { cwd: place, stdio: 'ignore' });
    const ended = once(child, 'exit');
    // The first connection starts the program, which serves this one and its own. The file is there a moment before anybody listens.
    const client = await vi.waitFor(
      async () => {
        const sock = socket(AF_UNIX);
        await sock.connect(path).catch((error) => {
          sock.close();
          throw error;
        });
        return sock;
      },
      { timeout: 60_000, interval: 50 },
    );
    expect(String(await client.recv(100))).toBe('served');
    client.close();
    expect(await ended).toEqual([0, null]);
    expect(log()).toBe('served\nended\n');
  });
});
