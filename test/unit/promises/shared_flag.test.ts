// No promise call stops the event loop: O_NONBLOCK belongs to the open file description, and another holder (a child by its stdio,
// a duplicate, a worker) may clear it. If a call blocked, its test would never end. Also close() with SO_LINGER, and MSG_FASTOPEN.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import * as promises from 'bsd-sockets/promises';
import * as socket from 'bsd-sockets/socket';
import { AsyncBaseRequestHandler, AsyncTCPServer } from 'bsd-sockets/socketserver';
import { linger } from 'bsd-sockets/structs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const O_NONBLOCK = 0o4000;
const MESSAGE = 'x'.repeat(10);
const folder = mkdtempSync(join(tmpdir(), 'bsd-sockets-flag-'));
const open: { close(): void }[] = [];

afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

function kept<T extends { close(): void }>(one: T): T {
  open.push(one);
  return one;
}

function is_nonblocking(sock: { fileno(): number }): boolean {
  const info = readFileSync(`/proc/self/fdinfo/${sock.fileno()}`, 'utf8');
  return (Number.parseInt(/flags:\s*(\d+)/.exec(info)?.[1] ?? '', 8) & O_NONBLOCK) !== 0;
}

/** Clears O_NONBLOCK as another holder of the description. */
function clear(sock: promises.socket<number>): void {
  const other = kept(sock.dup().to_socket());
  other.setblocking(true);
  expect(is_nonblocking(sock)).toBe(false);
}

/** Sends until nothing more goes out. */
async function fill(sock: promises.socket<number>, size: number): Promise<void> {
  const all = 'f'.repeat(size);
  while (await sock.send(all, { timeout: 0 }).catch(() => 0));
}

type Sock = promises.socket<number>;

describe.each([
  ['stream', promises.SOCK_STREAM],
  ['datagrams', promises.SOCK_DGRAM],
])('without O_NONBLOCK, %s', (_kind, type) => {
  let a: Sock;
  let b: Sock;
  beforeEach(() => {
    [a, b] = promises.socketpair(promises.AF_UNIX, type).map(kept) as [Sock, Sock];
  });

  const receives: [string, (sock: Sock) => Promise<unknown>][] = [
    ['recv', (sock) => sock.recv(10)],
    ['recv beyond the scratch memory', (sock) => sock.recv(1_000_000)],
    ['recvfrom', (sock) => sock.recvfrom(10)],
    ['recv_into', (sock) => sock.recv_into(Buffer.alloc(10))],
    ['recvfrom_into', (sock) => sock.recvfrom_into(Buffer.alloc(10))],
    ['recvmsg', (sock) => sock.recvmsg(10)],
    ['recvmsg_into', (sock) => sock.recvmsg_into([Buffer.alloc(10)])],
    ['recvmmsg', (sock) => sock.recvmmsg(4, 10)],
    ['recvmmsg_into', (sock) => sock.recvmmsg_into(new promises.MessageBatch(4, 10))],
    ['recv_exactly', (sock) => sock.recv_exactly(10)],
    ['recv_fds', (sock) => promises.recv_fds(sock, 10, 1)],
    ['recv with MSG_PEEK', (sock) => sock.recv(10, promises.MSG_PEEK)],
  ];
  test.each(receives)('%s waits on the event loop', async (_name, call) => {
    clear(a);
    const waiting = call(a);
    await turn();
    await b.send(MESSAGE);
    await waiting;
    clear(a);
    await expect(
      a.recv(1_000_000, { timeout: 0 }).then(() => a.recv(1, { timeout: 0 })),
    ).rejects.toMatchObject({ code: 'EAGAIN' });
    await expect(a.recv(10, { timeout: 0.01 })).rejects.toBeInstanceOf(promises.TimeoutError);
  });

  test('a receive behind one that waits', async () => {
    clear(a);
    const waiting = [a.recv(10), a.recv(10), a.recv_into(Buffer.alloc(10))];
    for (let i = 0; i < 3; i++) {
      await turn();
      await b.send(MESSAGE);
      await waiting[i];
    }
  });

  const sends: [string, (sock: Sock) => Promise<unknown>][] = [
    ['send', (sock) => sock.send(MESSAGE)],
    ['sendall', (sock) => sock.sendall(MESSAGE)],
    ['sendmsg', (sock) => sock.sendmsg([MESSAGE])],
    ['sendmmsg', (sock) => sock.sendmmsg([[[MESSAGE]]])],
    ['send_fds', (sock) => promises.send_fds(sock, [MESSAGE], [0])],
  ];
  test.each(sends)('%s waits on the event loop', async (_name, call) => {
    clear(a);
    await fill(a, 1000);
    const waiting = call(a);
    let done = false;
    waiting.then(() => {
      done = true;
    });
    await turn();
    expect(done).toBe(false);
    while (!done) {
      await b.recv(1000, { timeout: 0 }).catch(() => {});
      await turn();
    }
  });
});

describe('without O_NONBLOCK', () => {
  test('files and streams', async () => {
    const [a, b] = promises.socketpair().map(kept) as [Sock, Sock];
    clear(a);
    const line = a.makefile('r').readline();
    await turn();
    await b.sendall('a line\n');
    expect(await line).toBe('a line\n');
    const stream = a.to_stream();
    await fill(b, 1000);
    stream.once('data', () => stream.end('the end'));
    stream.resume();
    await turn();
    expect(String(await b.recv_exactly(7))).toBe('the end');
    stream.destroy();
  });

  test('sendfile, of a file and of one that is read', async () => {
    const [a, b] = promises.socketpair().map(kept) as [Sock, Sock];
    const path = join(folder, 'file');
    writeFileSync(path, 'y'.repeat(3_000_000));
    const file = openSync(path, 'r');
    for (const source of [file, file, openSync('/proc/self/status', 'r')]) {
      clear(a);
      const waiting = a.sendfile(source);
      let sent = -1;
      waiting.then((count) => {
        sent = count;
      });
      let received = 0;
      while (sent < 0 || received < sent) {
        received += await b.recv(100_000, { timeout: 0 }).then(
          ({ length }) => length,
          () => 0,
        );
        await turn();
      }
    }
  });

  test('accept, and connect to a full backlog', async () => {
    const path = join(folder, 'listener');
    const listener = kept(promises.socket<1>(promises.AF_UNIX));
    await listener.bind(path);
    listener.listen(0);
    const clients = [0, 1, 2].map(() => kept(promises.socket<1>(promises.AF_UNIX)));
    for (const client of clients) clear(client);
    clear(listener);
    await expect(listener.accept({ timeout: 0 })).rejects.toMatchObject({ code: 'EAGAIN' });
    const accepted = listener.accept();
    await turn();
    const connected = clients.map((client) => client.connect(path));
    kept((await accepted)[0]);
    for (let i = 0; i < 2; i++) {
      clear(listener);
      kept((await listener.accept())[0]);
    }
    await Promise.all(connected);
  });

  test('accept on what does not listen fails at once', async () => {
    const sock = kept(promises.socket());
    clear(sock);
    await expect(sock.accept()).rejects.toMatchObject({ code: 'EINVAL' });
    const datagrams = kept(promises.socket(promises.AF_INET, promises.SOCK_DGRAM));
    await expect(datagrams.accept()).rejects.toMatchObject({ errno: 95 });
  });

  test('connect over TCP that nobody answers', async () => {
    const listener = kept(socket.create_server(['127.0.0.1', 0], { backlog: 0 }));
    const address = listener.getsockname();
    const expired: unknown[] = [];
    // The backlog takes one or two.
    for (let i = 0; i < 4; i++) {
      const client = kept(promises.socket());
      clear(client);
      await client.connect(address, { timeout: 0.1 }).catch((error) => expired.push(error));
    }
    expect(expired.length).toBeGreaterThan(0);
    for (const error of expired) expect(error).toBeInstanceOf(promises.TimeoutError);
  });

  test('AsyncTCPServer', async () => {
    class Echo extends AsyncBaseRequestHandler {
      override async handle(): Promise<void> {
        const { request } = this;
        clear(request);
        await request.sendall(await request.recv(10));
      }
    }
    const server = new AsyncTCPServer(['127.0.0.1', 0], Echo);
    clear(server.socket);
    const serving = server.serve_forever();
    for (let i = 0; i < 3; i++) {
      const client = kept(await promises.create_connection(server.server_address));
      await turn();
      await client.sendall(MESSAGE);
      expect(String(await client.recv_exactly(10))).toBe(MESSAGE);
      clear(server.socket);
    }
    await server.shutdown();
    await serving;
    server.server_close();
  });

  test('a child that got the socket as its standard input', async () => {
    const [a, b] = promises.socketpair().map(kept) as [Sock, Sock];
    const child = spawn('sleep', ['60'], { stdio: [a.fileno(), 'ignore', 'ignore'] });
    await new Promise((resolve) => child.once('spawn', resolve));
    expect(is_nonblocking(a)).toBe(false);
    const waiting = a.recv(10);
    await turn();
    await b.send(MESSAGE);
    expect(String(await waiting)).toBe(MESSAGE);
    child.kill();
  });

  test('a worker that accepts from the same listener, blocking', async () => {
    const listener = kept(await promises.create_server(['127.0.0.1', 0]));
    const state = new Int32Array(new SharedArrayBuffer(8));
    const code = `
      const { workerData: { state, ticket } } = require('node:worker_threads');
      import('bsd-sockets/socket').then(({ fromshare }) => {
        const listener = fromshare(ticket);
        listener.setblocking(true);
        for (Atomics.store(state, 0, 1); ; ) {
          const [conn] = listener.accept();
          Atomics.add(state, 1, 1);
          conn.close();
        }
      });`;
    const worker = new Worker(code, { eval: true, workerData: { state, ticket: listener.share() } });
    while (Atomics.load(state, 0) === 0) await turn();
    let accepted = 0;
    const aborter = new AbortController();
    const accepting = (async () => {
      for (;;) {
        const [conn] = await listener.accept({ signal: aborter.signal });
        accepted++;
        conn.close();
      }
    })().catch((error: unknown) => error);
    for (let i = 0; i < 200; i++) {
      const client = await promises.create_connection(listener.getsockname());
      expect((await client.recv(1)).length).toBe(0);
      client.close();
    }
    aborter.abort(new Error('enough'));
    expect(await accepting).toMatchObject({ message: 'enough' });
    expect(accepted + (state[1] ?? 0)).toBe(200);
    await worker.terminate();
  });

  test('a worker that clears it again and again', async () => {
    const listener = kept(await promises.create_server(['127.0.0.1', 0]));
    const [a] = promises.socketpair().map(kept) as [Sock, Sock];
    const state = new Int32Array(new SharedArrayBuffer(4));
    const tickets = [listener.share(), a.share()];
    const code = `
      const { workerData: { state, tickets } } = require('node:worker_threads');
      import('bsd-sockets/socket').then(({ fromshare }) => {
        const shared = tickets.map((ticket) => fromshare(ticket));
        for (Atomics.store(state, 0, 1); Atomics.load(state, 0) === 1; ) for (const sock of shared) sock.setblocking(true);
        for (const sock of shared) sock.close();
      });`;
    const worker = new Worker(code, { eval: true, workerData: { state, tickets } });
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    while (Atomics.load(state, 0) === 0) await turn();
    for (let i = 0; i < 2000; i++) {
      await expect(listener.accept({ timeout: 0 })).rejects.toMatchObject({ code: 'EAGAIN' });
      await expect(a.recv(1, { timeout: 0 })).rejects.toMatchObject({ code: 'EAGAIN' });
    }
    Atomics.store(state, 0, 2);
    await ended;
  });
});

test('close() with SO_LINGER leaves the wait for the peer to a thread, which holds up no other one', async () => {
  const listener = kept(await promises.create_server(['127.0.0.1', 0]));
  const client = await promises.create_connection(listener.getsockname());
  const [conn] = await listener.accept();
  kept(conn);
  client.setsockopt(promises.SOL_SOCKET, promises.SO_LINGER, linger.encode({ onoff: 1, linger: 3600 }));
  await fill(client, 100_000);
  client.close();
  expect(client.fileno()).toBe(-1);
  await expect(client.send('x')).rejects.toMatchObject({ code: 'EBADF' });
  const code = `import('bsd-sockets/socket').then(({ socket, socketpair }) => {
    const [a] = socketpair();
    for (let i = 0; i < 100; i++) new socket(null, null, null, a.fileno()).detach();
  });`;
  await once(new Worker(code, { eval: true }), 'exit');
  let last = 1;
  while (last > 0) last = (await conn.recv(1_000_000)).length;
});

test.each([
  ['owns', ''],
  ['offered', 'client.share(); client.close();'],
])('a worker ends without the wait of a socket with SO_LINGER that it %s', async (_name, last) => {
  const listener = kept(await promises.create_server(['127.0.0.1', 0]));
  const code = `import('bsd-sockets/socket').then((socket) => {
    const { workerData, parentPort } = require('node:worker_threads');
    const client = socket.create_connection(workerData, 0.1);
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, new Int32Array([1, 3600]));
    try {
      for (;;) client.sendall(Buffer.alloc(100_000));
    } catch {}
    ${last}
    setInterval(() => client, 1000);
    parentPort.postMessage('filled');
  });`;
  const worker = new Worker(code, { eval: true, workerData: listener.getsockname() });
  const filled = once(worker, 'message');
  const [conn] = await listener.accept();
  kept(conn);
  await filled;
  await worker.terminate();
  let last_length = 1;
  while (last_length > 0) last_length = (await conn.recv(1_000_000)).length;
});

describe('MSG_FASTOPEN', () => {
  const address = () => kept(socket.create_server(['127.0.0.1', 0])).getsockname();
  const without_client = (Number(readFileSync('/proc/sys/net/ipv4/tcp_fastopen', 'utf8')) & 1) === 0;
  const { MSG_FASTOPEN } = promises;
  type To = ReturnType<typeof address>;
  const calls: [
    string,
    (sock: promises.socket, to: To, options?: promises.WaitOptions) => Promise<number>,
  ][] = [
    ['sendto', (sock, to, options) => sock.sendto('hello', MSG_FASTOPEN, to, options)],
    ['sendmsg', (sock, to, options) => sock.sendmsg(['hel', 'lo'], [], MSG_FASTOPEN, to, options)],
    ['sendmmsg', (sock, to, options) => sock.sendmmsg([[['hello'], [], 0, to]], MSG_FASTOPEN, options)],
    [
      'sendmmsg, flags of a message',
      (sock, to, options) => sock.sendmmsg([[['hello'], [], MSG_FASTOPEN, to]], options),
    ],
  ];

  describe.each(calls)('%s', (name, call) => {
    beforeEach((ctx) => {
      if (without_client) ctx.skip('needs net.ipv4.tcp_fastopen with bit 0');
    });

    test('connects and sends', async () => {
      const listener = kept(await promises.create_server(['127.0.0.1', 0]));
      const sock = kept(promises.socket());
      const [count, [conn]] = await Promise.all([call(sock, listener.getsockname()), listener.accept()]);
      kept(conn);
      expect(count).toBe(name.startsWith('sendmmsg') ? 1 : 5);
      expect(String(await conn.recv_exactly(5))).toBe('hello');
      await conn.sendall('back');
      expect(String(await sock.recv(10))).toBe('back');
    });

    test('is refused where nobody listens', async () => {
      const nobody = socket.create_server(['127.0.0.1', 0]);
      const to = nobody.getsockname();
      nobody.close();
      await expect(call(kept(promises.socket()), to)).rejects.toBeInstanceOf(promises.ConnectionRefusedError);
    });

    test('with timeout 0 does not wait', async () => {
      await expect(call(kept(promises.socket()), address(), { timeout: 0 })).rejects.toMatchObject({
        code: 'EINPROGRESS',
      });
    });

    test('on a connected socket is EISCONN', async () => {
      const listener = kept(await promises.create_server(['127.0.0.1', 0]));
      const client = kept(await promises.create_connection(listener.getsockname()));
      const [conn] = await listener.accept();
      kept(conn);
      await expect(call(conn as promises.socket, listener.getsockname())).rejects.toMatchObject({
        code: 'EISCONN',
      });
      expect(client.getpeername()).toEqual(listener.getsockname());
    });

    test('again, behind one whose time has passed', async () => {
      const listener = kept(socket.create_server(['127.0.0.1', 0], { backlog: 0 }));
      const to = listener.getsockname();
      const errors: unknown[] = [];
      for (let i = 0; i < 4; i++) {
        const sock = kept(promises.socket());
        for (let j = 0; j < 2; j++)
          await call(sock, to, { timeout: 0.05 }).catch((error) => errors.push(error));
      }
      for (const error of errors)
        expect(['ETIMEDOUT', 'EISCONN']).toContain((error as { code: string }).code);
      expect(errors).toContainEqual(expect.any(promises.TimeoutError));
    });
  });
});

process.once('exit', () => rmSync(folder, { recursive: true }));
