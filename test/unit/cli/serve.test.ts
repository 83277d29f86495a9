// bsd-sockets serve: each service over each kind of server.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as promises from 'bsd-sockets/promises';
import { describe, expect, test } from 'vitest';
import { Running, run } from './run.js';

const KINDS = ['plain', 'threading', 'forking', 'async'];
const this_file = fileURLToPath(import.meta.url);

async function serving(args: readonly string[]): Promise<[Running, number]> {
  const server = new Running(['serve', ...args], { input: 'open' });
  const [, port] = await server.prints(/ serves \w+ on \S+ port (\d+)\n/);
  return [server, Number(port)];
}

async function end(server: Running, signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
  server.child.kill(signal);
  expect(await server.ended()).toMatchObject({ code: 0, signal: null });
}

/** Sends a question over a connection. @returns all received data, up to its end */
async function ask(address: promises.ConnectAddress, question: string): Promise<string> {
  const conn = await promises.create_connection(address, 20);
  await conn.sendall(question);
  await conn.shutdown(promises.SHUT_WR);
  const chunks: Buffer[] = [];
  for await (const chunk of conn) chunks.push(chunk as Buffer);
  conn.close();
  return Buffer.concat(chunks).toString();
}

describe.each(KINDS)('serve --kind %s', (kind) => {
  test('echo', async () => {
    const [server, port] = await serving(['--kind', kind, 'echo']);
    expect(await ask(['127.0.0.1', port], 'hello')).toBe('hello');
    expect(await ask(['127.0.0.1', port], 'x'.repeat(100_000))).toHaveLength(100_000);
    await end(server);
  });

  test('time, as datagrams', async () => {
    const [server, port] = await serving(['--kind', kind, '-u', 'time']);
    const sock = promises.socket(promises.AF_INET, promises.SOCK_DGRAM);
    await sock.connect(['127.0.0.1', port]);
    await sock.send('?');
    expect((await sock.recv(100, { timeout: 20 })).toString()).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z\n$/);
    sock.close();
    await end(server, 'SIGTERM');
  });

  test('a FIFO; Ctrl-C ends it though the FIFO has no writer', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'serve-'));
    const fifo = join(folder, 'fifo');
    spawnSync('mkfifo', [fifo]);
    const [server, port] = await serving(['--kind', kind, '--drain', '0.2', '-v', 'file', fifo]);
    const asked = ask(['127.0.0.1', port], '');
    await writeFile(fifo, 'through a FIFO');
    expect(await asked).toBe('through a FIFO');
    await server.prints(/ended/);
    const conn = await promises.create_connection(['127.0.0.1', port], 20);
    await server.prints(/connected.*connected/s);
    await end(server);
    conn.close();
    rmSync(folder, { recursive: true });
  });

  test('Ctrl-C ends it though a client is silent', async () => {
    const [server, port] = await serving(['--kind', kind, '--drain', '0.2', '-v', 'discard']);
    const conn = await promises.create_connection(['127.0.0.1', port], 20);
    await conn.sendall('x');
    await server.prints(/connected/);
    await end(server);
    conn.close();
  });
});

describe('serve', () => {
  test.each(KINDS)('a file, --kind %s', async (kind) => {
    const [server, port] = await serving(['--kind', kind, 'file', this_file]);
    expect(await ask(['127.0.0.1', port], '')).toBe(readFileSync(this_file, 'utf8'));
    await end(server);
  });

  test('on a UNIX socket, whose file goes with it', async () => {
    const path = `/tmp/bsd-sockets-serve-${process.pid}`;
    const server = new Running(['serve', '-U', path, 'echo'], { input: 'open' });
    await server.prints(/ThreadingUnixStreamServer serves echo on /);
    const sock = promises.socket(promises.AF_UNIX);
    await sock.connect(path);
    await sock.sendall('unix');
    expect((await sock.recv(10, { timeout: 20 })).toString()).toBe('unix');
    sock.close();
    await end(server);
    expect(existsSync(path)).toBe(false);
  });

  test('on IPv6', async () => {
    const [server, port] = await serving(['--host', '::1', 'echo']);
    expect(await ask(['::1', port], 'six')).toBe('six');
    await end(server);
  });

  test('--idle ends the connections of silent clients', async () => {
    const [server, port] = await serving(['--idle', '0.2', 'echo']);
    const conn = await promises.create_connection(['127.0.0.1', port], 20);
    expect(await conn.recv(1)).toHaveLength(0);
    conn.close();
    await end(server);
  });

  test.each([
    [['ecko'], 2, /did you mean echo\?/],
    [['toString'], 2, /serve what\?/],
    [['chargen'], 2, /serve what\? echo, discard, time, file, not "chargen"/],
    [[], 2, /an argument is missing/],
    [['file'], 2, /serve file PATH/],
    [['echo', '/etc/hostname'], 2, /the others take no path/],
    [['file', '/no/such/file'], 2, /no such file or directory, [a-z]+ '\/no\/such\/file'\n$/],
    [['file', '/'], 2, /^bsd-sockets serve: \/ is a directory\n$/],
    [['-U', '/no/such/socket', 'echo'], 2, /\(bind \/no\/such\/socket\); the directory of the path/],
    [['-u', 'file', this_file], 2, /not served as datagrams/],
    [['--kind', 'magic', 'echo'], 2, /--kind takes one of plain, threading, forking, async/],
    [['--host', '192.0.2.1', 'echo'], 2, /Cannot assign requested address \(bind 192\.0\.2\.1\); /],
  ])('%j fails with a line', async (args, code, message) => {
    const outcome = await run(['serve', ...args]);
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(outcome.stderr).toMatch(message);
    expect(outcome.stderr).not.toContain('    at ');
  });

  test('a port that is taken', async () => {
    const [server, port] = await serving(['echo']);
    const outcome = await run(['serve', '-p', String(port), 'echo']);
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    expect(outcome.stderr).toMatch(
      /^bsd-sockets serve: Address already in use \(bind 127\.0\.0\.1 port \d+\); another/,
    );
    await end(server);
  });
});
