// bsd-sockets nc -x: what it says to a proxy, and what it makes of the answer, beside OpenBSD's nc.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as promises from 'bsd-sockets/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { type Outcome, Running, run } from './run.js';

const has_nc = spawnSync('nc', ['-h'], { encoding: 'utf8' }).stderr?.startsWith('OpenBSD');

type Server = Awaited<ReturnType<typeof promises.create_server<typeof promises.AF_INET>>>;
type Answer = Buffer | string | 'close';
const bytes = (...values: number[]) => Buffer.from(values);
const METHOD = bytes(5, 0);
const SOCKS5 = bytes(5, 0, 0, 1, 1, 2, 3, 4, 0, 5);
const SOCKS4 = bytes(0, 90, 0, 0, 0, 0, 0, 0);

const open: FakeProxy[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

/** A proxy that answers each message with the next of its answers, then echoes nothing. */
class FakeProxy {
  readonly port: string;
  readonly received: Buffer[] = [];
  readonly #server: Server;

  constructor(server: Server, answers: readonly Answer[]) {
    this.#server = server;
    this.port = String(server.getsockname()[1]);
    open.push(this);
    void this.#serve(answers).catch(() => {});
  }

  static async start(answers: readonly Answer[]): Promise<FakeProxy> {
    return new FakeProxy(await promises.create_server(['127.0.0.1', 0]), answers);
  }

  async #serve(answers: readonly Answer[]): Promise<void> {
    for (;;) {
      const [conn] = await this.#server.accept();
      await this.#answer(conn as promises.socket, answers).catch(() => {});
      conn.close();
    }
  }

  async #answer(conn: promises.socket, answers: readonly Answer[]): Promise<void> {
    for (const answer of answers) {
      this.received.push(await this.#message(conn));
      if (answer === 'close') return;
      await conn.sendall(answer);
    }
    for await (const chunk of conn) this.received.push(chunk as Buffer);
  }

  /** Returns what a client says at once; OpenBSD's nc sends the lines of HTTP one by one. */
  async #message(conn: promises.socket): Promise<Buffer> {
    let data = await conn.recv(1000);
    while (/^CONNECT/.test(data.toString()) && !data.toString().endsWith('\r\n\r\n'))
      data = Buffer.concat([data, await conn.recv(1000)]);
    return data;
  }

  /** What was received, as one text. */
  get text(): string {
    return Buffer.concat(this.received).toString('latin1');
  }

  close(): void {
    this.#server.close();
  }
}

const unnamed = (stderr: string) =>
  stderr.replaceAll(/^(bsd-sockets nc|nc): /gm, '').replace(/^bsd-sockets nc --help.*\n/m, '');

interface Seen {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly said: string;
}

async function ours(args: readonly string[], answers: readonly Answer[]): Promise<Seen> {
  const proxy = await FakeProxy.start(answers);
  const { code, stdout, stderr } = await run(['nc', '-v', '-x', `127.0.0.1:${proxy.port}`, ...args], {
    input: 'data\n',
  });
  return { code, stdout, stderr: unnamed(stderr), said: proxy.text };
}

async function theirs(args: readonly string[], answers: readonly Answer[]): Promise<Seen> {
  const proxy = await FakeProxy.start(answers);
  const child = spawn('nc', ['-v', '-x', `127.0.0.1:${proxy.port}`, ...args]);
  let [stdout, stderr] = ['', ''];
  child.stdin.on('error', () => {});
  child.stdin.end('data\n');
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, stdout, stderr: unnamed(stderr), said: proxy.text };
}

const refusal5 = (code: number) => bytes(5, code, 0, 1, 0, 0, 0, 0, 0, 0);
const refusal4 = (code: number) => bytes(0, code, 0, 0, 0, 0, 0, 0);

describe("as OpenBSD's nc", () => {
  test.for<readonly [string, readonly string[], readonly Answer[]]>([
    ['SOCKS 5', ['-N', '10.9.8.7', '99'], [METHOD, Buffer.concat([SOCKS5, Buffer.from('early')])]],
    ['SOCKS 5, a name and a service', ['-N', 'host.invalid', 'ssh'], [METHOD, SOCKS5]],
    [
      'SOCKS 5, IPv6',
      ['-X', '5', '-N', 'fd77::1', '99'],
      [METHOD, Buffer.concat([bytes(5, 0, 0, 4), Buffer.alloc(18)])],
    ],
    ['SOCKS 5, several ports', ['-N', '10.9.8.7', '99', '100'], [METHOD, SOCKS5]],
    ['SOCKS 5, -z', ['-z', '10.9.8.7', '99-100'], [METHOD, SOCKS5]],
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((code): [string, string[], Answer[]] => [
      `SOCKS 5, refusal ${code}`,
      ['10.9.8.7', '99'],
      [METHOD, refusal5(code)],
    ]),
    ['SOCKS 5, no method', ['10.9.8.7', '99'], [bytes(5, 255)]],
    [
      'SOCKS 5, an unknown type of address',
      ['10.9.8.7', '99'],
      [METHOD, bytes(5, 0, 0, 7, 0, 0, 0, 0, 0, 0)],
    ],
    ['SOCKS 4', ['-X', '4', '-N', '10.9.8.7', '99'], [Buffer.concat([SOCKS4, Buffer.from('early')])]],
    ['SOCKS 4, a name', ['-X', '4', '-N', 'localhost', '99'], [SOCKS4]],
    ...[91, 92, 93, 94].map((code): [string, string[], Answer[]] => [
      `SOCKS 4, refusal ${code}`,
      ['-X', '4', '10.9.8.7', '99'],
      [refusal4(code)],
    ]),
    ['HTTP', ['-X', 'connect', '-N', 'host.invalid', '99'], ['HTTP/1.0 200 OK\r\nA: b\r\n\r\nearly']],
    ['HTTP 1.1, IPv6', ['-X', 'connect', '-N', 'fd77::1', '99'], ['HTTP/1.1 200 OK\r\n\r\nearly']],
    ['HTTP, no CR', ['-X', 'connect', '-N', '10.9.8.7', '99'], ['HTTP/1.0 200 OK\n\nearly']],
    ['HTTP 403', ['-X', 'connect', '10.9.8.7', '99'], ['HTTP/1.1 403 No way\r\n\r\n']],
    ['not HTTP', ['-X', 'connect', '10.9.8.7', '99'], ['SSH-2.0 OpenSSH\r\n\r\n']],
  ])('%s', async ([, args, answers], ctx) => {
    if (!has_nc) ctx.skip('needs netcat-openbsd');
    const [mine, other] = [await ours(args, answers), await theirs(args, answers)];
    expect(mine).toEqual(other);
  });

  test.for(['127.0.0.1:CLOSED', '[::1]:CLOSED'])('nobody serves %s', async (where, ctx) => {
    if (!has_nc) ctx.skip('needs netcat-openbsd');
    const proxy = await FakeProxy.start([]);
    const { port } = proxy;
    proxy.close();
    const args = ['-v', '-x', where.replace('CLOSED', port), '10.9.8.7', '99'];
    const { status, stderr } = spawnSync('nc', args, { encoding: 'utf8', input: '' });
    expect(await run(['nc', ...args])).toMatchObject({ code: status, stderr });
  });
});

describe('a proxy that is broken or hostile', () => {
  test.each<[string, string[], Answer[], RegExp]>([
    ['closes', [], ['close'], /^the proxy closed the connection before its answer\n$/],
    ['closes in the middle', [], [METHOD, bytes(5, 0)], /^the proxy (closed|did not answer)/],
    [
      'speaks another version',
      [],
      [bytes(4, 0)],
      /^the proxy does not speak SOCKS 5: its answer begins with 4\n$/,
    ],
    [
      'speaks another version later',
      [],
      [METHOD, bytes(4, 0, 0, 1, 0, 0, 0, 0, 0, 0)],
      /does not speak SOCKS 5/,
    ],
    ['speaks SOCKS 5', ['-X', '4'], [bytes(5, 90, 0, 0, 0, 0, 0, 0)], /does not speak SOCKS 4/],
    ['is silent', ['-w', '0.4'], [METHOD, ''], /^the proxy did not answer within 0\.4 s\n$/],
    [
      'steers the terminal',
      ['-X', 'connect'],
      ['HTTP/1.1 403 \x1b[31mred\x07\u202e\r\n\r\n'],
      /^Proxy error: "HTTP\/1\.1 403 \\u001b\[31mred\\u0007\\u202e"\n$/,
    ],
    ['sends a line without end', ['-X', 'connect'], ['x'.repeat(9000)], /^proxy read too long\n$/],
    [
      'sends headers without end',
      ['-X', 'connect'],
      [`HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(300)}`],
      /^the proxy sends headers without end\n$/,
    ],
    [
      'wants a user',
      ['-X', 'connect'],
      ['HTTP/1.1 407 Who?\r\n\r\n'],
      /^Proxy error: "HTTP\/1\.1 407 Who\?"\n$/,
    ],
  ])('that %s', async (_, args, answers, message) => {
    const limit = args.includes('-w') ? [] : ['-w', '20'];
    const silent =
      answers.at(-1) instanceof Buffer && (answers.at(-1) as Buffer).length === 2 && answers.length === 2;
    const { code, stdout, stderr } = await ours(
      [...(silent ? ['-w', '1'] : limit), ...args, '10.9.8.7', '99'],
      answers,
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(message);
  });

  test('the address of the answer may be a name, which OpenBSD does not take', async () => {
    const answer = Buffer.concat([
      bytes(5, 0, 0, 3, 3),
      Buffer.from('abc'),
      bytes(0, 5),
      Buffer.from('early'),
    ]);
    expect(await ours(['-N', '10.9.8.7', '99'], [METHOD, answer])).toMatchObject({
      code: 0,
      stdout: 'early',
    });
  });

  test('Ctrl-C while the proxy is silent', async () => {
    const proxy = await FakeProxy.start([METHOD, '']);
    const client = new Running(['nc', '-x', `127.0.0.1:${proxy.port}`, '10.9.8.7', '99'], { input: 'open' });
    while (proxy.received.length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    client.child.kill('SIGINT');
    expect(await client.ended()).toMatchObject({ code: 130, stdout: '', stderr: '' });
  });
});

/** Runs a command at a terminal of its own; the words are typed when their prompts appear. */
function at_terminal(command: readonly string[], typed: string): Promise<Outcome> {
  const program = `import os, pty, select, sys
pid, fd = pty.fork()
if pid == 0: os.execvp(sys.argv[2], sys.argv[2:])
out = b''
sent = False
while True:
    try: data = os.read(fd, 1000)
    except OSError: break
    if not data: break
    out += data
    if not sent and b'assword' in out:
        os.write(fd, sys.argv[1].encode()); sent = True
sys.stdout.write(out.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`;
  const child = spawn('python3', ['-c', program, typed, ...command], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  return once(child, 'close').then(([code]) => ({ code, signal: null, stdout, stderr: '' }));
}

test('-P: the password comes from the terminal, and is not shown', async (ctx) => {
  if (spawnSync('python3', ['-c', 'import pty']).status !== 0) ctx.skip('needs python3');
  const answers = ['HTTP/1.0 407 Who?\r\n\r\n', 'HTTP/1.0 200 OK\r\n\r\nwelcome'];
  const server = await promises.create_server(['127.0.0.1', 0]);
  const said: string[] = [];
  const served = (async () => {
    for (const answer of answers) {
      const [conn] = await server.accept();
      let request = '';
      while (!request.endsWith('\r\n\r\n')) request += await conn.recv(1000);
      said.push(request);
      await conn.sendall(answer);
      conn.close();
    }
  })();
  const { program } = await import('./run.js');
  const port = server.getsockname()[1];
  const nc = [
    process.execPath,
    program,
    'nc',
    '-X',
    'connect',
    '-P',
    'me',
    '-x',
    `127.0.0.1:${port}`,
    '10.9.8.7',
    '99',
  ];
  const { code, stdout } = await at_terminal(nc, 'sesame\r');
  await served;
  server.close();
  expect(code).toBe(0);
  expect(stdout).toContain('Proxy password for me@127.0.0.1: ');
  expect(stdout).toContain('welcome');
  expect(stdout).not.toContain('sesame');
  expect(said[0]).toBe('CONNECT 10.9.8.7:99 HTTP/1.0\r\n\r\n');
  const credentials = Buffer.from('me:sesame').toString('base64');
  expect(said[1]).toBe(`CONNECT 10.9.8.7:99 HTTP/1.0\r\nProxy-Authorization: Basic ${credentials}\r\n\r\n`);
});

test('-P without a terminal', async (ctx) => {
  const found = spawnSync('setsid', ['true']);
  if (found.status !== 0) ctx.skip('needs setsid');
  const proxy = await FakeProxy.start(['HTTP/1.0 407 Who?\r\n\r\n']);
  const args = ['nc', '-X', 'connect', '-P', 'me', '-x', `127.0.0.1:${proxy.port}`, '10.9.8.7', '99'];
  expect(await run(args, { behind: ['setsid', '-w'] })).toMatchObject({
    code: 1,
    stderr: 'bsd-sockets nc: Unable to read proxy passphrase: there is no terminal\n',
  });
});

test.each([
  [['-x', 'h', '-l', '1'], /no proxy support for listen/],
  [['-x', 'h', '-u', 'a', '1'], /no proxy support for UDP mode/],
  [['-x', 'h', '-U', 'a'], /no proxy support for unix sockets/],
  [['-x', 'h', '-s', '127.0.0.1', 'a', '1'], /no proxy support for local source address/],
  [['-x', 'h', '-X', '6', 'a', '1'], /option -X takes one of 4, 5, connect, not "6"/],
  [['-x', '::1', 'a', '1'], /option -x takes HOST, HOST:PORT or \[ADDRESS\]:PORT, not "::1"/],
  [['-x', 'host.invalid:3', 'a', '1'], /host\.invalid: /],
])('%j fails with a line', async (args, message) => {
  const { code, stdout, stderr } = await run(['nc', ...args]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(message);
  expect(stderr).not.toContain('    at ');
});
