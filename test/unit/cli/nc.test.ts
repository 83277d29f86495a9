// bsd-sockets nc, with itself and with OpenBSD's nc at the other end.
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import * as promises from 'bsd-sockets/promises';
import * as socket from 'bsd-sockets/socket';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program, Running, run } from './run.js';

const has_nc = spawnSync('nc', ['-h'], { encoding: 'utf8' }).stderr?.startsWith('OpenBSD');
const path = (name: string) => `/tmp/bsd-sockets-nc-${process.pid}-${name}`;

/** Starts a listening nc on any port. @returns the nc and its port */
async function listening(
  args: readonly string[],
  input: string | Buffer | 'open' = '',
): Promise<[Running, string]> {
  const server = new Running(['nc', '-l', '-n', '-v', ...args, '127.0.0.1', '0'], { input });
  const [, port = ''] = await server.prints(/(?:Listening|Bound) on 127\.0\.0\.1 (\d+)/);
  return [server, port];
}

/** Returns a port that is closed. */
function closed_port(type: number = socket.SOCK_STREAM): string {
  const sock = socket.socket(socket.AF_INET, type);
  sock.bind(['127.0.0.1', 0]);
  const [, port] = sock.getsockname();
  sock.close();
  return String(port);
}

describe('nc', () => {
  test('both ways at once, with half closes', async () => {
    const [server, port] = await listening(['-N'], 'from the server\n');
    const client = await run(['nc', '-N', '127.0.0.1', port], { input: 'from the client\n' });
    expect(client).toEqual({ code: 0, signal: null, stdout: 'from the server\n', stderr: '' });
    expect(await server.ended()).toMatchObject({ code: 0, stdout: 'from the client\n' });
    expect(server.stderr).toMatch(/Connection received on 127\.0\.0\.1 \d+\n$/);
  });

  test('a half close: the answer comes after the end of the question', async () => {
    const server = await promises.create_server(['127.0.0.1', 0]);
    const [, port] = server.getsockname() as [string, number];
    const client = new Running(['nc', '-N', '127.0.0.1', String(port)], { input: 'question' });
    const [conn] = await server.accept();
    expect((await conn.recv_exactly(8)).toString()).toBe('question');
    expect(await conn.recv(1)).toHaveLength(0);
    await conn.sendall('answer');
    conn.close();
    expect(await client.ended()).toMatchObject({ code: 0, stdout: 'answer' });
    server.close();
  });

  test('with OpenBSD nc, 8 MB each way', async (ctx) => {
    if (!has_nc) ctx.skip('needs netcat-openbsd');
    const data = randomBytes(4 * 2 ** 20).toString('hex');
    const hash = (value: string) => createHash('md5').update(value).digest('hex');
    const [server, port] = await listening(['-N'], data);
    const other = spawn('nc', ['-N', '127.0.0.1', port]);
    other.stdin.end(data);
    expect(hash(await text(other.stdout))).toBe(hash(data));
    expect(hash((await server.ended()).stdout)).toBe(hash(data));
  });

  test('with nobody reading, it stops taking input and goes on sending', async () => {
    const server = await promises.create_server(['127.0.0.1', 0]);
    const [, port] = server.getsockname() as [string, number];
    const client = new Running(['nc', '-N', '127.0.0.1', String(port)], { input: 'open' });
    const [conn] = await server.accept();
    const written = new Promise<void>((resolve) =>
      client.child.stdin?.end(Buffer.alloc(64 * 2 ** 20), () => resolve()),
    );
    // 64 MB do not fit into the buffers between: nc has not read all of the input yet.
    const early = await Promise.race([
      written.then(() => true),
      new Promise((resolve) => setTimeout(resolve, 300)),
    ]);
    expect(early).not.toBe(true);
    await conn.sendall('meanwhile');
    await client.prints(/meanwhile/);
    let length = 0;
    for await (const chunk of conn) length += (chunk as Buffer).length;
    conn.close();
    expect(length).toBe(64 * 2 ** 20);
    expect(await client.ended()).toMatchObject({ code: 0 });
    server.close();
  });

  test('with nobody taking its output, it stops receiving', async () => {
    const server = await promises.create_server(['127.0.0.1', 0]);
    const [, port] = server.getsockname() as [string, number];
    const client = spawn(process.execPath, [program, 'nc', '-d', '127.0.0.1', String(port)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [conn] = await server.accept();
    const sent = conn.sendall(Buffer.alloc(64 * 2 ** 20)).then(() => conn.close());
    const early = await Promise.race([
      sent.then(() => true),
      new Promise((resolve) => setTimeout(resolve, 300)),
    ]);
    expect(early).not.toBe(true);
    let length = 0;
    for await (const chunk of client.stdout) length += (chunk as Buffer).length;
    await sent;
    expect(length).toBe(64 * 2 ** 20);
    server.close();
  });

  test('-q ends so long after the input', async () => {
    const [server, port] = await listening(['-d'], 'open');
    expect(await run(['nc', '-q', '0.2', '127.0.0.1', port], { input: 'x' })).toMatchObject({ code: 0 });
    expect(await server.ended()).toMatchObject({ code: 0, stdout: 'x' });
  });

  test('-w ends when nothing happens', async () => {
    const [server, port] = await listening(['-d']);
    expect(await run(['nc', '-w', '0.3', '127.0.0.1', port], { input: 'open' })).toMatchObject({ code: 0 });
    expect(await server.ended()).toMatchObject({ code: 0 });
  });

  test('-l waits for a connection without the limit of -w', async () => {
    const [server, port] = await listening(['-w', '0.2', '-d']);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(await run(['nc', '-N', '127.0.0.1', port], { input: 'late' })).toMatchObject({ code: 0 });
    expect(await server.ended()).toMatchObject({ code: 0, stdout: 'late' });
  });

  test('a peer that resets the connection: what came before is printed, the end is an error', async () => {
    const server = socket.create_server(['127.0.0.1', 0]);
    const client = new Running(['nc', '127.0.0.1', String(server.getsockname()[1])], { input: 'open' });
    const [conn] = server.accept();
    conn.sendall('before');
    await client.prints(/before/);
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, Buffer.from(Uint32Array.of(1, 0).buffer));
    conn.close();
    expect(await client.ended()).toMatchObject({
      code: 1,
      stdout: 'before',
      stderr: expect.stringMatching(/^bsd-sockets nc: Connection reset by peer .*\n$/),
    });
    server.close();
  });

  test('SIGINT ends it although nobody reads its output', async () => {
    const server = await promises.create_server(['127.0.0.1', 0]);
    const [, port] = server.getsockname() as [string, number];
    const args = [program, 'nc', '127.0.0.1', String(port)];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'ignore'] });
    const [conn] = await server.accept();
    // Once the connection is full nc has stopped reading.
    await expect(conn.sendall(Buffer.alloc(64 * 2 ** 20), { timeout: 1 })).rejects.toThrow('timed out');
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([130, null]);
    conn.close();
    server.close();
  });

  test('-k goes on with the next', async () => {
    const [server, port] = await listening(['-k', '-d']);
    for (const word of ['one ', 'two ', 'three'])
      await run(['nc', '-N', '-q', '0', '127.0.0.1', port], { input: word });
    await server.prints(/one two three/);
    server.child.kill('SIGINT');
    expect(await server.ended()).toMatchObject({ code: 130 });
  });

  test('-u: datagrams, and the answers to them', async () => {
    const [server, port] = await listening(['-u', '-w', '20'], 'answer');
    const client = new Running(['nc', '-u', '-w', '20', '127.0.0.1', port], { input: 'question' });
    await client.prints(/answer/);
    await server.prints(/question/);
    for (const each of [client, server]) {
      each.child.kill('SIGTERM');
      expect(await each.ended()).toMatchObject({ code: 130 });
    }
  });

  test('-u: datagrams of 16,384 bytes at most, which every nc can receive', async () => {
    const server = promises.socket(socket.AF_INET, socket.SOCK_DGRAM);
    await server.bind(['127.0.0.1', 0]);
    const port = String(server.getsockname()[1]);
    const client = new Running(['nc', '-u', '-w', '20', '127.0.0.1', port], { input: Buffer.alloc(60_000) });
    const sizes: number[] = [];
    for (let sum = 0; sum < 60_000; sum += sizes.at(-1) ?? 0) sizes.push((await server.recv(65_535)).length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(16_384);
    client.child.kill('SIGINT');
    await client.ended();
    server.close();
  });

  test.each(['stream', 'datagram'])('-l -U takes over a path that nobody serves: %s', async (kind) => {
    const name = path(`stale-${kind}`);
    const type = kind === 'stream' ? socket.SOCK_STREAM : socket.SOCK_DGRAM;
    const gone = socket.socket(socket.AF_UNIX, type);
    gone.bind(name);
    if (kind === 'stream') gone.listen();
    const args = ['nc', '-l', '-U', '-v', '-d', ...(kind === 'stream' ? [] : ['-u']), name];
    // Somebody serves it.
    expect(await run(args)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/Address already in use/),
    });
    gone.close();
    const server = new Running(args);
    await server.prints(/(Listening|Bound) on/);
    server.child.kill('SIGINT');
    await server.ended();
    expect(existsSync(name)).toBe(false);
  });

  test('-l -U leaves a file alone that is no socket', async () => {
    const name = path('file');
    writeFileSync(name, 'precious');
    expect(await run(['nc', '-l', '-U', name])).toMatchObject({ code: 2 });
    expect(readFileSync(name, 'utf8')).toBe('precious');
    unlinkSync(name);
  });

  test.each([
    ['a path', path('stream')],
    ['an abstract name', `@${path('abstract')}`],
  ])('-U: %s', async (_, name) => {
    const server = new Running(['nc', '-l', '-U', '-v', '-N', name], { input: 'server' });
    await server.prints(/Listening on/);
    expect(await run(['nc', '-U', '-N', name], { input: 'client' })).toMatchObject({
      code: 0,
      stdout: 'server',
    });
    expect(await server.ended()).toMatchObject({ code: 0, stdout: 'client' });
    expect(existsSync(name)).toBe(false);
  });

  test('-U -u: UNIX datagrams', async () => {
    const name = path('datagram');
    const server = new Running(['nc', '-l', '-U', '-u', '-v', name], { input: 'answer' });
    await server.prints(/Bound on/);
    const client = new Running(['nc', '-U', '-u', name], { input: 'question' });
    await client.prints(/answer/);
    await server.prints(/question/);
    for (const each of [client, server]) {
      each.child.kill('SIGINT');
      expect(await each.ended()).toMatchObject({ code: 130 });
    }
  });

  test('-z tells open ports from closed ones', async () => {
    const server = socket.create_server(['127.0.0.1', 0]);
    const port = String(server.getsockname()[1]);
    const opened = await run(['nc', '-z', '-v', '127.0.0.1', port]);
    expect(opened).toMatchObject({ code: 0, stdout: '' });
    expect(opened.stderr).toMatch(
      new RegExp(`^Connection to 127.0.0.1 ${port} port \\[tcp/\\S+\\] succeeded!\n$`),
    );
    const closed = await run(['nc', '-z', '-v', '127.0.0.1', closed_port()]);
    expect(closed).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/\(tcp\) failed: Connection refused\n$/),
    });
    const range = await run(['nc', '-z', '-v', '127.0.0.1', `${port}-${Math.min(65_535, Number(port) + 2)}`]);
    expect(range.code).toBe(0);
    expect(range.stderr).toContain('succeeded!');
    const backward = await run(['nc', '-z', '-v', '127.0.0.1', `${port}-${Number(port) - 1}`]);
    expect(backward.code).toBe(0);
    expect(backward.stderr.match(/ port /g)).toHaveLength(2);
    server.close();
  });

  describe("what Debian's nc says, with and without -v", () => {
    const servers: socket.socket<number>[] = [];
    const clients: socket.socket<number>[] = [];
    const server_with = (backlog: number): string => {
      const server = socket.create_server(['127.0.0.1', 0], { backlog });
      servers.push(server);
      return String(server.getsockname()[1]);
    };
    let ports: Readonly<Record<string, string>> = {};
    beforeAll(() => {
      ports = { OPEN: server_with(128), FULL: server_with(0), CLOSED: closed_port() };
      // A connection is not answered while the queue is full.
      for (let i = 0; i < 4; i++) {
        const client = socket.socket(socket.AF_INET, socket.SOCK_STREAM);
        clients.push(client);
        client.setblocking(false);
        client.connect_ex(['127.0.0.1', Number(ports.FULL)]);
      }
    });
    afterAll(() => {
      for (const each of [...servers, ...clients]) each.close();
    });

    test.for([
      'CLOSED',
      '-w 1 FULL',
      '-w 5 CLOSED',
      '-z CLOSED',
      '-z OPEN',
      '-w 1 OPEN',
      '-n -z OPEN',
      '-4 -z localhost OPEN',
      '-4 localhost CLOSED',
      '-4 -z localhost OPEN-OPEN',
      '-U /no/such/socket',
      '-U /',
    ])('%s', async (line, ctx) => {
      if (!has_nc) ctx.skip('needs netcat-openbsd');
      const rest = line.replaceAll(/OPEN|CLOSED|FULL/g, (name) => ports[name] ?? '').split(' ');
      const with_host =
        line.includes('localhost') || line.includes('-U') ? rest : rest.toSpliced(-1, 0, '127.0.0.1');
      for (const args of [with_host, ['-v', ...with_host]]) {
        const { status, stderr } = spawnSync('nc', args, { encoding: 'utf8', input: '' });
        expect(await run(['nc', ...args])).toMatchObject({ code: status, stderr });
      }
    });
  });

  test('-z -u', async () => {
    const server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
    server.bind(['127.0.0.1', 0]);
    expect(await run(['nc', '-z', '-u', '127.0.0.1', String(server.getsockname()[1])])).toMatchObject({
      code: 0,
    });
    server.close();
    expect(await run(['nc', '-z', '-u', '127.0.0.1', closed_port(socket.SOCK_DGRAM)])).toMatchObject({
      code: 1,
    });
  });

  test('-s and -p: the own address', async () => {
    const [server, port] = await listening(['-d']);
    const own = closed_port();
    await run(['nc', '-N', '-s', '127.0.0.2', '-p', own, '127.0.0.1', port]);
    expect((await server.ended()).stderr).toContain(`Connection received on 127.0.0.2 ${own}\n`);
  });

  test('-6', async () => {
    const server = new Running(['nc', '-6', '-l', '-v', '-N', '0'], { input: 'six' });
    const [, port = ''] = await server.prints(/Listening on :: (\d+)/);
    expect(await run(['nc', '-6', '-N', '::1', port])).toMatchObject({ code: 0, stdout: 'six' });
    await server.ended();
  });

  test('Ctrl-C while it waits', async () => {
    const [server] = await listening([], 'open');
    server.child.kill('SIGINT');
    expect(await server.ended()).toMatchObject({ code: 130, stdout: '' });
  });

  test.each([
    [
      ['-v', '127.0.0.1', closed_port()],
      1,
      /^nc: connect to 127.0.0.1 port \d+ \(tcp\) failed: Connection refused\n$/,
    ],
    [['no-such-host.invalid', '1'], 2, /^bsd-sockets nc: no-such-host\.invalid: [^\n]+\n$/],
    [['127.0.0.1', 'no-such-service'], 2, /^bsd-sockets nc: port number invalid: "no-such-service"\n/],
    [['-n', 'localhost', '1'], 2, /^bsd-sockets nc: localhost: Name or service not known\n$/],
    [['-4', '-6', 'localhost', '1'], 2, /exclude each other/],
    [[], 2, /takes HOST and PORT/],
    [['127.0.0.1'], 2, /missing port number/],
    [['-l'], 2, /missing port number: nc -l/],
    [['-k', '127.0.0.1', '1'], 2, /must use -l with -k/],
    [['-U', '/a', '/b'], 2, /-U takes one path/],
    [['-U', '/no/such/socket'], 1, /^nc: \/no\/such\/socket: No such file or directory\n$/],
    [['-l', '-U', '/no/such/socket'], 2, /\(bind \/no\/such\/socket\); the directory of the path/],
    [['-s', '192.0.2.1', '127.0.0.1', '1'], 2, /Cannot assign requested address \(bind 192\.0\.2\.1\); /],
    [['-U', `/tmp/${'x'.repeat(200)}`], 2, /too long/],
    [['-p', '70000', '127.0.0.1', '1'], 2, /option -p takes a whole number from 1 to 65535, not "70000"/],
    [['-w', 'soon', '127.0.0.1', '1'], 2, /option -w takes a number from 0 to 86400, not "soon"/],
    [['-z', '127.0.0.1', '5-99999999'], 2, /port number too large: 99999999/],
    [['127.0.0.1', '65537'], 2, /port number too large: 65537/],
    [['127.0.0.1', '0'], 2, /port number too small: 0/],
    [['-l', '127.0.0.1', '65536'], 2, /the port takes a whole number from 0 to 65535, not "65536"/],
    [['-w'], 2, /option -w needs a value: SECONDS/],
  ])('%j fails with a line', async (args, code, message) => {
    const outcome = await run(['nc', ...args]);
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(outcome.stderr).toMatch(message);
    expect(outcome.stderr).not.toContain('    at ');
  });

  test('a port that needs privileges', async (ctx) => {
    if (process.getuid?.() !== 0) ctx.skip('needs root to become another user');
    const outcome = await run(['nc', '-l', '127.0.0.1', '1'], { uid: 65_534 });
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    expect(outcome.stderr).toMatch(
      /^bsd-sockets nc: Permission denied \(bind 127\.0\.0\.1 port 1\); .*CAP_NET_BIND/,
    );
  });
});
