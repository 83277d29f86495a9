// Servers with clients of other programs: curl, nc, socat, python3; and socket activation.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as socket from 'bsd-sockets/socket';
import { systemd_sockets } from 'bsd-sockets/socketserver';
import { describe, expect, test } from 'vitest';

const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
const has = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

/** Starts the HTTP server, calls `use` with its address, and ends it by SIGTERM. The server must exit with 0. */
async function serve(
  args: string[],
  use: (address: string | [string, number]) => Promise<void>,
): Promise<void> {
  const server = spawn(process.execPath, [fixture('http_server.mjs'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(server, 'close');
  const [line] = (await once(createInterface(server.stdout), 'line')) as [string];
  try {
    await use(JSON.parse(line));
  } finally {
    server.kill('SIGTERM');
  }
  expect(await closed).toEqual([0, null]);
}

async function output(child: ChildProcess, input?: string): Promise<string> {
  let text = '';
  child.stdout?.on('data', (part: Buffer) => {
    text += part;
  });
  child.stdin?.end(input);
  await once(child, 'close');
  return text;
}

const SERVERS = ['TCPServer', 'ThreadingTCPServer', 'ForkingTCPServer', 'AsyncTCPServer'];

describe.each(SERVERS)('%s', { timeout: 60_000 }, (name) => {
  test('curl: GET, and POST of more than a buffer holds', async (ctx) => {
    if (!has('curl')) ctx.skip('needs curl');
    await serve([name], async (address) => {
      const url = `http://${address[0]}:${address[1]}/path`;
      expect(await output(spawn('curl', ['-s', '-m', '20', url]))).toBe('GET /path ');
      const big = 'x'.repeat(300_000);
      const posted = await output(spawn('curl', ['-s', '-m', '20', '--data-binary', '@-', url]), big);
      expect(posted).toBe(`POST /path ${big}`);
    });
  });

  test('nc, and a client that sends nothing and goes', async (ctx) => {
    if (!has('nc')) ctx.skip('needs nc');
    await serve([name], async ([host, port]) => {
      const mute = socket.create_connection([String(host), Number(port)], 10);
      mute.close();
      const answer = await output(spawn('nc', ['-w', '20', String(host), String(port)]), 'GET /nc\r\n\r\n');
      expect(answer).toContain('GET /nc');
    });
  });

  test('python3: http.client, and several sockets at once', async (ctx) => {
    if (!has('python3')) ctx.skip('needs python3');
    const program = `
import http.client, socket, sys
host, port = sys.argv[1], int(sys.argv[2])
client = http.client.HTTPConnection(host, port, timeout=20)
client.request('POST', '/python', 'x' * 100000)
print(client.getresponse().read() == b'POST /python ' + b'x' * 100000)
socks = [socket.create_connection((host, port), 20) for _ in range(int(sys.argv[3]))]
for sock in reversed(socks): sock.sendall(b'GET /many HTTP/1.0\\r\\n\\r\\n')
print(all(sock.makefile().read().endswith('GET /many ') for sock in socks))`;
    await serve([name], async ([host, port]) => {
      // One after another, the first of several clients that wait for each other would never get its answer.
      const many = name === 'TCPServer' ? '1' : name === 'AsyncTCPServer' ? '20' : '3';
      const python = spawn('python3', ['-c', program, String(host), String(port), many]);
      expect(await output(python)).toBe('True\nTrue\n');
    });
  });
});

test.for(['UnixStreamServer', 'ThreadingUnixStreamServer', 'AsyncUnixStreamServer'])(
  '%s: socat',
  { timeout: 60_000 },
  async (name, ctx) => {
    if (!has('socat')) ctx.skip('needs socat');
    const folder = mkdtempSync(join(tmpdir(), 'socat-'));
    const path = join(folder, 'socket');
    await serve([name, path], async () => {
      const answer = await output(
        spawn('socat', ['-t', '20', '-', `UNIX-CONNECT:${path}`]),
        'GET /socat\r\n\r\n',
      );
      expect(answer).toContain('GET /socat');
    });
    rmSync(folder, { recursive: true });
  },
);

describe('systemd_sockets', () => {
  test('adopts what was passed', async () => {
    const listeners = [
      socket.create_server(['127.0.0.1', 0]),
      socket.create_server(['127.0.0.1', 0]),
    ] as const;
    const run = `LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=web:other exec "${process.execPath}" "${fixture('activated.mjs')}"`;
    const [first, second] = listeners;
    const child = spawn('sh', ['-c', run], {
      stdio: ['ignore', 'pipe', 'inherit', first.fileno(), second.fileno()],
    });
    const printed = output(child);
    const answers: string[] = [];
    for (const listener of listeners) {
      const client = socket.create_connection(listener.getsockname(), 15);
      client.sendall('hello\n');
      answers.push(client.recv(100).toString());
      client.close();
      listener.close();
    }
    expect(answers).toEqual(['HELLO\n', 'HELLO\n']);
    expect((await printed).trim().split('\n')).toEqual([
      JSON.stringify({ count: 2, named: 1, again: true }),
      JSON.stringify([null, [false, false]]),
    ]);
  });

  test('systemd-socket-activate', { timeout: 60_000 }, async (ctx) => {
    if (!has('systemd-socket-activate')) ctx.skip('needs systemd-socket-activate');
    const folder = mkdtempSync(join(tmpdir(), 'activated-'));
    const path = join(folder, 'socket');
    const command = ['-l', path, '--fdname=web', process.execPath, fixture('activated.mjs')];
    const child = spawn('systemd-socket-activate', command, { stdio: ['ignore', 'pipe', 'pipe'] });
    const printed = output(child);
    await once(child.stderr, 'data'); // Listening on …
    const client = socket.socket(socket.AF_UNIX);
    client.settimeout(20);
    client.connect(path);
    client.sendall('hello\n');
    expect(client.recv(100).toString()).toBe('HELLO\n');
    client.close();
    expect((await printed).trim().split('\n')[0]).toBe(JSON.stringify({ count: 1, named: 1, again: true }));
    rmSync(folder, { recursive: true });
  });

  test('gives none without activation, and wants a name or nothing', () => {
    expect(systemd_sockets()).toEqual([]);
    expect(systemd_sockets('web')).toEqual([]);
    expect(() => systemd_sockets(3 as never)).toThrow(TypeError);
  });

  test('variables that are meant for another process', async () => {
    const child = spawn(process.execPath, [fixture('activated.mjs')], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, LISTEN_PID: '1', LISTEN_FDS: '1' },
    });
    expect((await output(child)).split('\n')[0]).toBe(JSON.stringify({ count: 0, named: 0, again: true }));
  });
});
