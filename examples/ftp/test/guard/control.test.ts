// The control socket and the commands that ask it.
import { once } from 'node:events';
import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ask_control, type ControlSocket, serve_control } from '../../dist/guard/control.js';
import { LocalRegistry } from '../../dist/guard/registry.js';
import { metrics_main, who_main, who_table } from '../../dist/guard/who.js';
import { all_names, code, temporary } from '../store/home.js';

async function serve(path: string, registry = new LocalRegistry(), replace = false): Promise<ControlSocket> {
  const control = await serve_control(path, registry, { replace });
  onTestFinished(() => control.close());
  return control;
}

/** A registry with a session of alice that uploads. */
async function busy_registry(): Promise<LocalRegistry> {
  const registry = new LocalRegistry();
  const entered = await registry.enter('2001:db8::1', 4711, 'worker 2');
  if ('refused' in entered) throw new Error(entered.refused);
  await registry.log_in(entered.id, { name: 'alice' });
  const transfer = { direction: 'upload', path: '/a\x1b[31m', bytes: 50, size: 200 } as const;
  registry.update(entered.id, { command: 'STOR a\x1b[31m', directory: '/d', tls: 'TLSv1.3', transfer });
  return registry;
}

async function run(main: typeof who_main, args: string[], control?: string) {
  let [stdout, stderr] = ['', ''];
  const stream = (take: (text: string) => void) =>
    new Writable({
      write: (chunk, _encoding, done) => {
        take(String(chunk));
        done();
      },
    });
  const io = {
    stdin: process.stdin,
    stdout: stream((text) => (stdout += text)),
    stderr: stream((text) => (stderr += text)),
  };
  const status = await main(args, io, { control });
  return { status, stdout, stderr };
}

/** What the socket says to some bytes. */
async function say(path: string, bytes: string | Buffer): Promise<string> {
  const client = connect(path);
  client.setEncoding('utf8');
  client.end(bytes);
  let answer = '';
  client.on('data', (chunk: string) => (answer += chunk));
  // The server may close before it has taken all.
  client.on('error', () => undefined);
  await new Promise((resolve) => client.once('close', resolve));
  return answer;
}

describe('the socket', () => {
  it('is for its owner alone, answers, and goes', async () => {
    const folder = await temporary();
    const path = join(folder, 'control');
    const control = await serve_control(path, await busy_registry());
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await all_names(folder)).toEqual(['control']);
    const sessions = await ask_control(path, 'who');
    expect(sessions).toMatchObject([{ user: 'alice', address: '2001:db8::1', worker: 'worker 2' }]);
    expect(await ask_control(path, 'metrics')).toContain('ftp_sessions 1\n');
    await control.close();
    expect(await all_names(folder)).toEqual([]);
    await expect(ask_control(path, 'who')).rejects.toThrow('is the server running?');
  });

  it.each([
    '',
    '\n',
    'who\n',
    '{"command":1}\n',
    '{"command":"__proto__"}\n',
    '[]\n',
    '{"command":"who"',
    '\0\xff\n',
  ])('answers %j with the commands that there are', async (text) => {
    const path = join(await temporary(), 'control');
    await serve(path);
    const answer = await say(path, text);
    expect(JSON.parse(answer)).toEqual({ error: 'the commands are who, metrics' });
  });

  it('is not held up by a client that says nothing, nor by one that never ends its line', async () => {
    const path = join(await temporary(), 'control');
    await serve(path);
    const silent = connect(path);
    onTestFinished(() => void silent.destroy());
    await once(silent, 'connect');
    expect(await say(path, Buffer.alloc(1 << 20, 'x'))).toMatch(/^(\{"error":.*\}\n)?$/);
    expect(await ask_control(path, 'who')).toEqual([]);
  });

  it('takes the place of what a killed server has left, and of nothing else', async () => {
    const folder = await temporary();
    const path = join(folder, 'control');
    const server = createServer().listen(path);
    await once(server, 'listening');
    expect(await code(serve(path))).toBe('EADDRINUSE');
    // As a process that is killed leaves it: the name without a listener.
    await rename(path, `${path}.left`);
    server.close();
    await once(server, 'close');
    await rename(`${path}.left`, path);
    expect((await stat(path)).isSocket()).toBe(true);
    await expect(ask_control(path, 'who')).rejects.toThrow('no server listens');
    const control = await serve(path);
    expect(await ask_control(path, 'who')).toEqual([]);
    expect(await code(serve(path))).toBe('EADDRINUSE');
    expect(await ask_control(path, 'who')).toEqual([]);
    await control.close();
    await writeFile(path, 'not a socket');
    expect(await code(serve(path))).toBe('EEXIST');
    await mkdir(join(folder, 'dir'));
    expect(await code(serve(join(folder, 'dir')))).toBe('EEXIST');
    expect(await code(serve(join(folder, 'none', 'control')))).toBe('ENOENT');
    expect(await all_names(folder)).toEqual(['control', 'dir']);
  });

  it('goes over to a successor, which keeps it when the first one ends', async () => {
    const path = join(await temporary(), 'control');
    const first = await serve(path, await busy_registry());
    await serve(path, new LocalRegistry(), true);
    expect(await ask_control(path, 'who')).toEqual([]);
    await first.close();
    expect(await ask_control(path, 'who')).toEqual([]);
  });

  it('stays for a successor that has not taken it yet', async () => {
    const path = join(await temporary(), 'control');
    const first = await serve(path, await busy_registry());
    await first.close(true);
    await expect(ask_control(path, 'who')).rejects.toThrow('no server listens');
    await serve(path, new LocalRegistry(), true);
    expect(await ask_control(path, 'who')).toEqual([]);
  });

  it('has a path that the kernel takes', async () => {
    const folder = await temporary();
    const path = join(folder, 'x'.repeat(100));
    await expect(serve(path)).rejects.toThrow('the path of a control socket has at most 98 bytes');
  });
});

describe('ftpd who and ftpd metrics', () => {
  it('print what the server says, and nothing that moves the cursor', async () => {
    const path = join(await temporary(), 'control');
    await serve(path, await busy_registry());
    const { status, stdout, stderr } = await run(who_main, ['--control', path]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [head = '', row = ''] = stdout.split('\n');
    expect(head).toMatch(/^SESSION +USER +ADDRESS +SINCE +TLS +WORKER +DIRECTORY +COMMAND +TRANSFER$/);
    expect(row).toMatch(
      / alice +\[2001:db8::1\]:4711 +0:00:\d\d +TLSv1\.3 +worker 2 +\/d +STOR a\?\[31m +upload \/a\?\[31m 50 of 200 \(25 %\)$/,
    );
    const json = await run(who_main, ['--json'], path);
    expect(JSON.parse(json.stdout)).toMatchObject({ user: 'alice', transfer: { path: '/a\x1b[31m' } });
    expect(await run(metrics_main, [], path)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('ftp_transfers{direction="upload"} 1\n'),
    });
  });

  it('say what is wrong', async () => {
    expect(await run(who_main, [])).toMatchObject({
      status: 2,
      stderr: 'ftpd who: name the control socket of the server: --control PATH\nTry "ftpd who --help".\n',
    });
    expect(await run(metrics_main, ['--fast'], '/x')).toMatchObject({ status: 2, stdout: '' });
    expect(await run(who_main, [], '/nonexistent/control')).toMatchObject({
      status: 1,
      stderr: 'ftpd who: there is no control socket at /nonexistent/control: is the server running?\n',
    });
    expect((await run(who_main, ['--help'])).stdout).toContain('Usage: ftpd who');
    expect((await run(metrics_main, ['-h'])).stdout).toContain('Usage: ftpd metrics');
  });

  it('a table without sessions, and one with long times', () => {
    expect(who_table([], 0).length).toBe(1);
    const session = {
      id: 'a-1',
      user: undefined,
      address: '192.0.2.1',
      port: 1,
      since_ms: 0,
      worker: 'main',
      command: 'idle',
      directory: '/',
      tls: undefined,
      transfer: undefined,
    };
    expect(who_table([session], 100 * 3_600_000 + 61_000)[1]).toBe(
      'a-1      -     192.0.2.1:1  100:01:01  -    main    /          idle     -',
    );
  });
});
