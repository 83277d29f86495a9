// bsd-sockets/promises: each call, the order of calls, aborts and time-outs, close() while something waits, and misuse.
import { spawnSync } from 'node:child_process';
import { pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import * as promises from 'bsd-sockets/promises';
import * as socket from 'bsd-sockets/socket';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Attempts } from '../../../lib/promises/connect.js';
import { begin_lookups, open_descriptors } from '../../descriptors.js';
import { slowness } from '../../machine.js';

const rejected = (code: string) => expect.objectContaining({ code });
const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let a: promises.socket<1>;
let b: promises.socket<1>;
const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));

beforeEach(() => {
  [a, b] = promises.socketpair();
});
afterEach(async () => {
  a.close();
  b.close();
  await later(0);
  expect(unhandled.splice(0)).toEqual([]);
});

/** That no descriptor is left. The thread of a lookup closes its own, once the C library has returned. */
async function none_left(before: number): Promise<void> {
  for (let i = 0; i < 400 && open_descriptors() > before; i++) await later(25);
  expect(open_descriptors()).toBe(before);
}

/** A connection over TCP. */
async function connection(): Promise<[promises.socket, promises.socket]> {
  const server = await promises.create_server(['127.0.0.1', 0]);
  const client = await promises.create_connection(server.getsockname());
  const [conn] = await server.accept();
  server.close();
  return [client, conn];
}

describe('calls', () => {
  test('a socket is made with and without new, and extended', async () => {
    class Mine extends promises.socket<2> {
      hello = 'hello';
    }
    const made = [new promises.socket(), promises.socket(), new Mine(promises.AF_INET, promises.SOCK_DGRAM)];
    expect(made.map((sock) => sock instanceof promises.socket)).toEqual([true, true, true]);
    expect((made[2] as Mine).hello).toBe('hello');
    expect(made[2]?.dup()).toBeInstanceOf(Mine);
    expect(promises.SocketType).toBe(promises.socket);
    expect(made[0]).not.toBeInstanceOf(socket.socket);
    for (const sock of made) sock.close();
  });

  test('the descriptor never blocks, whatever the time-out', () => {
    const flags = (fd: number) =>
      Number(
        /flags:\s*(\d+)/.exec(
          spawnSync('cat', [`/proc/${process.pid}/fdinfo/${fd}`], { encoding: 'utf8' }).stdout,
        )?.[1],
      );
    for (const timeout of [null, 0, 5]) {
      a.settimeout(timeout);
      expect(a.gettimeout()).toBe(timeout);
      expect(Number.parseInt(String(flags(a.fileno())), 8) & 0o4000).toBe(0o4000);
    }
    const blocking = a.to_socket();
    blocking.settimeout(null);
    expect(Number.parseInt(String(flags(blocking.fileno())), 8) & 0o4000).toBe(0);
    a = promises.from_socket(blocking);
    expect(Number.parseInt(String(flags(a.fileno())), 8) & 0o4000).toBe(0o4000);
  });

  test('connect, accept and bytes both ways, over TCP', async () => {
    const server = new promises.socket();
    await server.bind(['127.0.0.1', 0]);
    server.listen();
    const client = new promises.socket();
    const connected = client.connect(server.getsockname());
    const sent = client.sendall('hello');
    const [conn, address] = await server.accept();
    expect(address).toEqual(client.getsockname());
    expect(String(await conn.recv_exactly(5))).toBe('hello');
    expect([await connected, await sent]).toEqual([undefined, undefined]);
    expect(await conn.send('back')).toBe(4);
    const buffer = Buffer.alloc(10);
    expect(await client.recv_into(buffer, 2)).toBe(2);
    expect(await client.recvfrom_into(buffer)).toEqual([2, null]);
    await conn.shutdown(promises.SHUT_WR);
    expect((await client.recv(10)).length).toBe(0);
    for (const sock of [server, client, conn]) sock.close();
  });

  test('datagrams', async () => {
    const one = new promises.socket(promises.AF_INET, promises.SOCK_DGRAM);
    const two = new promises.socket(promises.AF_INET, promises.SOCK_DGRAM);
    await one.bind(['127.0.0.1', 0]);
    await two.bind(['127.0.0.1', 0]);
    const waiting = two.recvfrom(100);
    expect(await one.sendto('one', two.getsockname())).toBe(3);
    expect(await waiting).toEqual([Buffer.from('one'), one.getsockname()]);
    expect(await one.sendto('two', 0, two.getsockname(), { timeout: 1 })).toBe(3);
    expect(await two.recvfrom(100, { timeout: 1 })).toEqual([Buffer.from('two'), one.getsockname()]);
    expect(await one.sendto('localhost', ['localhost', two.getsockname()[1]])).toBe(9);
    expect(await two.recvmsg(100)).toEqual([Buffer.from('localhost'), [], 0, one.getsockname()]);
    const to = two.getsockname();
    const many = two.recvmmsg(10, 100);
    expect(
      await one.sendmmsg([
        [['x'], null, null, to],
        [['y', 'z'], null, null, to],
      ]),
    ).toBe(2);
    const first = await many;
    expect(first[0]?.[0]).toEqual(Buffer.from('x'));
    if (first.length < 2) await two.recvmmsg(10, 100);
    const batch = new promises.MessageBatch(4, 100);
    const received = two.recvmmsg_into(batch, { timeout: 5 });
    await one.sendmsg(['m'], [], 0, to);
    expect(await received).toBe(1);
    expect(batch.data(0)).toEqual(Buffer.from('m'));
    one.close();
    two.close();
  });

  test('disconnect, behind the writes before it', async () => {
    const [receiver, sender, stranger] = [0, 1, 2].map(
      () => new promises.socket(promises.AF_INET, promises.SOCK_DGRAM),
    );
    await Promise.all([receiver!, stranger!].map((sock) => sock.bind(['127.0.0.1', 0])));
    const address = receiver!.getsockname();
    const connected = sender!.connect(address);
    const sent = sender!.send('to the peer');
    const dissolved = sender!.disconnect();
    const lost = sender!.send('to nobody').catch((error: promises.OSError) => error.code);
    expect(await Promise.all([connected, sent, dissolved, lost])).toEqual([
      undefined,
      11,
      undefined,
      'EDESTADDRREQ',
    ]);
    expect(String(await receiver!.recv(100))).toBe('to the peer');
    // A receive that waits gets what now comes from anybody.
    const received = sender!.recv(100);
    await stranger!.sendto('from a stranger', ['127.0.0.1', sender!.getsockname()[1]]);
    expect(String(await received)).toBe('from a stranger');
    await expect(a.disconnect()).rejects.toThrow(/^\[EINVAL\] disconnect/);
    for (const sock of [receiver!, sender!, stranger!]) sock.close();
    await expect(sender!.disconnect()).rejects.toThrow(rejected('EBADF'));
  });

  test('disconnect of a TCP connection resets it, and the socket connects again', async () => {
    const server = await promises.create_server(['127.0.0.1', 0]);
    const client = await promises.create_connection(server.getsockname());
    const [first] = await server.accept();
    await client.disconnect();
    await expect(first.recv(1)).rejects.toThrow(rejected('ECONNRESET'));
    await client.connect(server.getsockname());
    const [second] = await server.accept();
    const received = client.recv_exactly(5);
    await second.sendall('again');
    expect(String(await received)).toBe('again');
    for (const sock of [server, client, first, second]) sock.close();
  });

  test('descriptors', async () => {
    const [x, y] = promises.socketpair();
    expect(await promises.send_fds(a, ['fd'], [y])).toBe(2);
    const [bytes, fds] = await promises.recv_fds(b, 10, 1);
    expect(String(bytes)).toBe('fd');
    const copy = new promises.socket(null, null, null, fds[0]);
    await x.sendall('through');
    expect(String(await copy.recv(10))).toBe('through');
    for (const sock of [x, y, copy]) sock.close();
  });

  test('recvmsg_into', async () => {
    await a.sendmsg(['abc', 'def']);
    const two = [Buffer.alloc(2), Buffer.alloc(10)];
    expect((await b.recvmsg_into(two))[0]).toBe(6);
    expect(two.map(String)).toEqual(['ab', `cdef${'\0'.repeat(6)}`]);
  });

  test('a blocking socket and back: the same descriptor, with its options', async () => {
    const blocking = new socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
    blocking.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1);
    blocking.settimeout(3);
    const fd = blocking.fileno();
    const taken = promises.from_socket(blocking);
    expect([blocking.fileno(), taken.fileno(), taken.gettimeout()]).toEqual([-1, fd, 3]);
    const waiting = taken.recv(1);
    const given = taken.to_socket();
    await expect(waiting).rejects.toThrow(rejected('ECANCELED'));
    expect([taken.fileno(), given.fileno(), given.gettimeout()]).toEqual([-1, fd, 3]);
    expect(given.getsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST)).toBe(1);
    given.close();
    expect(() => taken.to_socket()).toThrow(rejected('EBADF'));
    expect(() => promises.from_socket(given)).toThrow(rejected('EBADF'));
    // @ts-expect-error not a blocking socket
    expect(() => promises.from_socket(taken)).toThrow(TypeError);
  });

  test('connect_ex', async () => {
    const sock = new promises.socket();
    expect(await sock.connect_ex(['127.0.0.1', 1])).toBe(111);
    sock.close();
    expect(await sock.connect_ex(['127.0.0.1', 1])).toBe(9);
  });

  test('an AF_UNIX server with a full backlog is waited for', async () => {
    const name = Buffer.from(`\0promises-backlog-${process.pid}`);
    const server = new promises.socket(promises.AF_UNIX);
    await server.bind(name);
    server.listen(0);
    const clients = Array.from({ length: 5 }, () => new promises.socket(promises.AF_UNIX));
    const connected = Promise.all(clients.map((client) => client.connect(name)));
    await later(20);
    for (const _ of clients) (await server.accept())[0].close();
    await connected;
    const late = new promises.socket(promises.AF_UNIX);
    const early = new promises.socket(promises.AF_UNIX);
    await early.connect(name);
    await expect(late.connect(name, { timeout: 0.05 })).rejects.toThrow(rejected('ETIMEDOUT'));
    await expect(late.connect(name, { timeout: 0 })).rejects.toThrow(rejected('EAGAIN'));
    for (const sock of [server, late, early, ...clients]) sock.close();
  });
});

describe('order', () => {
  test('reads complete in the order of their calls, peeks too', async () => {
    const reads = [a.recv(2), a.recv(2, promises.MSG_PEEK), a.recv(2), a.recv_exactly(3), a.recv(10)];
    await later(5);
    await b.sendall('aab');
    await later(5);
    await b.sendall('bccc');
    await later(5);
    await b.sendall('d');
    expect((await Promise.all(reads)).map(String)).toEqual(['aa', 'b', 'b', 'bcc', 'c'].slice(0, 5));
  });

  test('a failed call does not stop those behind it', async () => {
    const first = a.recv(1, { timeout: 0.01 });
    const second = a.recv(1);
    await expect(first).rejects.toThrow(rejected('ETIMEDOUT'));
    await b.send('x');
    expect(String(await second)).toBe('x');
  });

  test('one that is aborted in the middle leaves the others in their order', async () => {
    const aborter = new AbortController();
    const [one, two, three] = [a.recv(1), a.recv(1, { signal: aborter.signal }), a.recv(1)];
    aborter.abort(new Error('enough'));
    await expect(two).rejects.toThrow('enough');
    await b.send('13');
    expect([String(await one), String(await three)]).toEqual(['1', '3']);
  });

  test('writes go out in the order of their calls, and shutdown after them', async () => {
    const big = Buffer.alloc(3_000_000, 'x');
    const writes = [a.sendall(big), a.sendall('y'), a.shutdown(promises.SHUT_WR)];
    expect((await b.recv_exactly(big.length)).equals(big)).toBe(true);
    expect(String(await b.recv(10))).toBe('y');
    expect((await b.recv(10)).length).toBe(0);
    await Promise.all(writes);
  });

  test('connect, sendall and recv need no await between', async () => {
    const server = await promises.create_server(['127.0.0.1', 0]);
    const client = new promises.socket();
    const calls = [client.connect(['localhost', server.getsockname()[1]]), client.sendall('ping')];
    const answer = client.recv(10);
    const [conn] = await server.accept();
    await conn.sendall(await conn.recv(10));
    expect(String(await answer)).toBe('ping');
    await Promise.all(calls);
    for (const sock of [server, client, conn]) sock.close();
  });

  test('a read behind a connect that fails rejects, too', async () => {
    const client = new promises.socket();
    const calls = await Promise.allSettled([client.connect(['127.0.0.1', 1]), client.recv(1)]);
    expect(calls.map((call) => call.status)).toEqual(['rejected', expect.any(String)]);
    expect((calls[0] as PromiseRejectedResult).reason).toMatchObject({ code: 'ECONNREFUSED' });
    client.close();
  });
});

describe('time-outs and signals', () => {
  test("the option replaces the socket's time-out", async () => {
    a.settimeout(0.02);
    await expect(a.recv(1)).rejects.toThrow(rejected('ETIMEDOUT'));
    a.settimeout(0);
    await expect(a.recv(1)).rejects.toBeInstanceOf(promises.BlockingIOError);
    const waiting = a.recv(1, { timeout: null });
    await b.send('x');
    expect(String(await waiting)).toBe('x');
    a.settimeout(null);
    await expect(a.recv(1, 0, { timeout: 0 })).rejects.toBeInstanceOf(promises.BlockingIOError);
    await expect(a.recv(1, { timeout: 0.01 })).rejects.toBeInstanceOf(promises.TimeoutError);
  });

  test('never before the deadline', async () => {
    for (const timeout of [0.001, 0.0105, 0.03]) {
      const begin = performance.now();
      await expect(a.recv(1, { timeout })).rejects.toThrow(rejected('ETIMEDOUT'));
      expect(performance.now() - begin).toBeGreaterThanOrEqual(timeout * 1000);
    }
  });

  test('an abort rejects with the reason, and nothing was consumed', async () => {
    const aborter = new AbortController();
    const waiting = a.recv(10, { signal: aborter.signal });
    aborter.abort('the reason');
    await expect(waiting).rejects.toBe('the reason');
    await expect(a.recv(10, { signal: aborter.signal })).rejects.toBe('the reason');
    await b.send('kept');
    await expect(a.recv(10, { signal: aborter.signal })).rejects.toBe('the reason');
    expect(String(await a.recv(10))).toBe('kept');
  });

  test('listeners are taken away', async () => {
    const aborter = new AbortController();
    let listeners = 0;
    const { signal } = aborter;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--;
      remove(...args);
    };
    await b.send('xy');
    await a.recv(1, { signal });
    expect(listeners).toBe(0);
    await a.recv(1);
    const waiting = a.recv(1, { signal });
    expect(listeners).toBe(1);
    await b.send('z');
    await waiting;
    expect(listeners).toBe(0);
  });

  test('many calls share one signal without a warning', async () => {
    const warnings: string[] = [];
    const warned = (warning: Error) => warnings.push(warning.name);
    process.on('warning', warned);
    const aborter = new AbortController();
    const calls = Array.from({ length: 50 }, () => a.recv(1, { signal: aborter.signal }));
    const ended = Promise.allSettled(calls);
    aborter.abort();
    expect((await ended).every((call) => call.status === 'rejected')).toBe(true);
    await later(5);
    process.off('warning', warned);
    expect(warnings).toEqual([]);
  });

  test('a busy thread pool does not delay sockets', async () => {
    const pool = Promise.all(
      Array.from({ length: 8 }, () => promisify(pbkdf2)('x', 'salt', 100_000 / slowness, 64, 'sha512')),
    );
    let busy = true;
    pool.then(() => {
      busy = false;
    });
    for (let i = 0; i < 20; i++) {
      const received = a.recv(1);
      await b.send('x');
      await received;
    }
    expect(await promises.gethostbyname('localhost')).toBe('127.0.0.1');
    expect(busy).toBe(true);
    await pool;
  });

  test('sendall tells bytes_sent, recv_exactly tells partial', async () => {
    const expired = await a.sendall(Buffer.alloc(5_000_000), { timeout: 0.05 }).catch((error) => error);
    expect(expired).toBeInstanceOf(promises.TimeoutError);
    expect(expired.bytes_sent).toBeGreaterThan(0);
    expect(await b.recv_exactly(expired.bytes_sent)).toHaveLength(expired.bytes_sent);

    await a.sendall('part');
    const short = await b.recv_exactly(10, { timeout: 0.05 }).catch((error) => error);
    expect(short).toMatchObject({ code: 'ETIMEDOUT', partial: Buffer.from('part') });
    const aborter = new AbortController();
    const waiting = b.recv_exactly(10, { signal: aborter.signal });
    await a.sendall('more');
    await later(5);
    aborter.abort();
    expect(await waiting.catch((error) => error)).toMatchObject({
      name: 'AbortError',
      partial: Buffer.from('more'),
    });
    await a.sendall('end');
    a.close();
    await expect(b.recv_exactly(10)).rejects.toMatchObject({ code: 'EOF', partial: Buffer.from('end') });
  });

  test('given twice it is a TypeError', async () => {
    await expect(
      promises.create_connection(['127.0.0.1', 1], 5, null, { timeout: 3 }).then(() => {}),
    ).rejects.toThrow(TypeError);
  });

  test('hosts are resolved under the time-out and the signal', async () => {
    await expect(a.connect('x', { signal: AbortSignal.abort('no') })).rejects.toBe('no');
    const udp = new promises.socket(promises.AF_INET, promises.SOCK_DGRAM);
    await expect(udp.sendto('x', ['no.such.host.invalid', 1], { timeout: 10 })).rejects.toBeInstanceOf(
      promises.gaierror,
    );
    udp.close();
  });
});

describe('closing', () => {
  test('close() rejects what waits and frees the descriptor at once', async () => {
    const before = open_descriptors();
    const [x, y] = promises.socketpair();
    const reads = [x.recv(1), x.recv_exactly(3), x.recvmsg(1)];
    const write = x.sendall(Buffer.alloc(5_000_000));
    x.close();
    y.close();
    expect(open_descriptors()).toBe(before);
    for (const call of [...reads, write]) await expect(call).rejects.toThrow(rejected('ECANCELED'));
    await expect(x.recv(1)).rejects.toThrow(rejected('EBADF'));
    await expect(x.sendall('x')).rejects.toThrow(rejected('EBADF'));
    await expect(x.shutdown(2)).rejects.toThrow(rejected('EBADF'));
    expect(() => x.listen()).toThrow(rejected('EBADF'));
    expect(() => x.settimeout(1)).toThrow(rejected('EBADF'));
    x.close();
  });

  test('a number that is given out again belongs to the new socket alone', async () => {
    for (let i = 0; i < 200; i++) {
      const [x, y] = promises.socketpair();
      const waiting = x.recv(1).catch((error) => error.code);
      x.close();
      const [z, w] = promises.socketpair();
      const received = z.recv(1);
      await w.send('!');
      expect([await waiting, String(await received)]).toEqual(['ECANCELED', '!']);
      for (const sock of [y, z, w]) sock.close();
    }
  });

  test('a number that was closed behind its back does not hinder the next', async () => {
    const [x, y] = promises.socketpair();
    const waiting = x.recv(1).catch((error) => error.code);
    promises.close(x.fileno());
    const [z, w] = promises.socketpair();
    const received = z.recv(1);
    await w.send('!');
    expect(String(await received)).toBe('!');
    expect(() => x.close()).toThrow(rejected('EBADF'));
    expect(await waiting).toBe('ECANCELED');
    for (const sock of [y, z, w]) sock.close();
  });

  test('detach() gives the descriptor, and await using closes', async () => {
    const waiting = a.recv(1);
    const fd = a.detach();
    await expect(waiting).rejects.toThrow(rejected('ECANCELED'));
    a = new promises.socket(promises.AF_UNIX, promises.SOCK_STREAM, 0, fd);
    await a[Symbol.asyncDispose]();
    expect(a.fileno()).toBe(-1);
  });

  test('what is awaited keeps the process alive, an idle socket does not', () => {
    const run = (body: string) => {
      const script = `import * as promises from 'bsd-sockets/promises';
        const [a, b] = promises.socketpair();
        const pair = promises.socketpair();
        ${body}`;
      const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
        encoding: 'utf8',
        timeout: 10_000 * slowness,
      });
      return stdout + stderr;
    };
    expect(run(`await a.send('x'); console.log(String(await b.recv(1)));`)).toBe('x\n');
    expect(run(`a.recv(1).then(console.log, (e) => console.log(e.code)); a.unref();`)).toBe('');
    expect(run(`a.unref(); a.recv(1).then(console.log, (e) => console.log(e.code));`)).toBe('');
    const sender = `setTimeout(() => b.send('x'), 50);`;
    expect(run(`${sender} a.unref(); const p = a.recv(1); a.ref(); console.log(String(await p));`)).toBe(
      'x\n',
    );
    expect(run(`a.recv(1, { timeout: 0.05 }).catch((e) => console.log(e.code));`)).toBe('ETIMEDOUT\n');
    expect(
      run(`process.on('SIGTERM', () => { b.send('s'); }); setTimeout(() => process.kill(process.pid, 'SIGTERM'), 30).unref();
      console.log(String(await a.recv(1)));`),
    ).toBe('s\n');
  });

  test('a socket that nobody holds is closed with a warning, also after it has waited', () => {
    const script = `import * as promises from 'bsd-sockets/promises';
      process.on('warning', (w) => console.log(w.name));
      const [a, b] = promises.socketpair();
      await (async () => { const c = a.dup(); const r = c.recv(1); await b.send('x'); await r; })();
      await new Promise((resolve) => setTimeout(resolve, 5));
      for (let i = 0; i < 5; i++) { gc(); await new Promise((resolve) => setImmediate(resolve)); }
      const d = a.dup(); const r = d.recv(1); await b.send('y'); console.log(String(await r)); d.close(); a.close(); b.close();`;
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--expose-gc', '--no-warnings', '--input-type=module', '-e', script],
      { encoding: 'utf8', timeout: 10_000 * slowness },
    );
    expect({ stdout, stderr }).toEqual({ stdout: 'ResourceWarning\ny\n', stderr: '' });
  });
});

describe('iteration', () => {
  test('a server gives connections until it is closed', async () => {
    const server = await promises.create_server(['127.0.0.1', 0]);
    const address = server.getsockname();
    const loop = (async () => {
      let count = 0;
      for await (const [conn] of server) {
        conn.close();
        if (++count === 3) setImmediate(() => server.close());
      }
      return count;
    })();
    for (let i = 0; i < 3; i++) (await promises.create_connection(address)).close();
    expect(await loop).toBe(3);
  });

  test('a stream gives chunks until its end, and break closes nothing', async () => {
    await a.sendall('one');
    for await (const chunk of b) {
      expect(String(chunk)).toBe('one');
      break;
    }
    await a.sendall('two');
    a.close();
    const chunks: string[] = [];
    for await (const chunk of b) chunks.push(String(chunk));
    expect(chunks).toEqual(['two']);
    b.close();
    for await (const chunk of b) chunks.push(String(chunk));
    expect(chunks).toEqual(['two']);
  });

  test('datagrams come with their addresses, an empty one too', async () => {
    const one = new promises.socket(promises.AF_INET, promises.SOCK_DGRAM);
    await one.bind(['127.0.0.1', 0]);
    const own = one.getsockname();
    const seen: unknown[] = [];
    const loop = (async () => {
      for await (const [data, address] of one) {
        seen.push([String(data), address]);
        if (seen.length === 2) one.close();
      }
    })();
    await one.sendto('', own);
    await one.sendto('x', own);
    await loop;
    expect(seen).toEqual([
      ['', own],
      ['x', own],
    ]);
  });

  test('an error ends the loop by being thrown', async () => {
    a.settimeout(0.01);
    await expect(
      (async () => {
        for await (const _ of a);
      })(),
    ).rejects.toThrow(rejected('ETIMEDOUT'));
  });
});

describe('misuse', () => {
  test('never throws, always rejects', async () => {
    const wrong: [() => Promise<unknown>, string][] = [
      // @ts-expect-error wrong on purpose, as below
      [() => a.recv('1'), 'bufsize'],
      [() => a.recv(-1), 'bufsize'],
      [() => a.recv(1.5), 'bufsize'],
      // @ts-expect-error
      [() => a.recv(1, 'x'), 'flags'],
      // @ts-expect-error
      [() => a.recv(1, 0, 5), 'options'],
      // @ts-expect-error
      [() => a.recv(1, { timeout: 'x' }), 'timeout'],
      [() => a.recv(1, { timeout: -1 }), 'timeout'],
      // @ts-expect-error
      [() => a.recv(1, { signal: {} }), 'signal'],
      // @ts-expect-error
      [() => a.recv_into('x'), 'buffer'],
      [() => a.recv_into(Buffer.alloc(2), 3), 'nbytes'],
      [() => a.recv_exactly(-1), 'n'],
      // @ts-expect-error
      [() => a.send(5), 'data'],
      // @ts-expect-error
      [() => a.sendall(null), 'data'],
      // @ts-expect-error
      [() => a.sendmsg('x'), 'buffers'],
      // @ts-expect-error
      [() => a.sendmmsg(5), 'messages'],
      // @ts-expect-error
      [() => a.recvmmsg_into({}), 'batch'],
      [() => a.recvmmsg(0, 1), 'vlen'],
      // @ts-expect-error
      [() => a.connect(5), 'path'],
      // @ts-expect-error
      [() => a.shutdown('x'), 'how'],
      // @ts-expect-error
      [() => promises.send_fds({}, [], []), 'sock'],
      // @ts-expect-error
      [() => promises.recv_fds({}, 1, 1), 'sock'],
      // @ts-expect-error
      [() => promises.create_connection('x'), 'address'],
      // @ts-expect-error
      [() => promises.getaddrinfo(5, 80), 'host'],
      [() => promises.getaddrinfo('::1', 99999), 'port'],
    ];
    for (const round of ['at once', 'behind others']) {
      const waiting = round === 'at once' ? undefined : a.recv(1);
      for (const [call, name] of wrong) {
        const error = await call().then(
          () => 'no error',
          (reason: unknown) => reason,
        );
        expect(error, `${round}: ${call}`).toBeInstanceOf(Error);
        expect(error instanceof TypeError || error instanceof RangeError, `${round}: ${call}: ${error}`).toBe(
          true,
        );
        expect((error as Error).message, `${call}`).toContain(name);
      }
      if (waiting === undefined) continue;
      await b.send('x');
      expect(String(await waiting)).toBe('x');
    }
  });

  test('memory that is detached while its call waits is refused', async () => {
    const filled = Buffer.alloc(5_000_000);
    const first = a.sendall(filled);
    const memory = new Uint8Array(10);
    const second = expect(a.sendall(memory)).rejects.toThrow(TypeError);
    structuredClone(memory.buffer, { transfer: [memory.buffer] });
    await b.recv_exactly(filled.length);
    await first;
    await second;
    const target = new Uint8Array(10);
    const read = a.recv_into(target);
    structuredClone(target.buffer, { transfer: [target.buffer] });
    await b.send('x');
    await expect(read).rejects.toThrow(TypeError);
    expect(String(await a.recv(1))).toBe('x');
  });

  test('calls that cannot be made fail at once', async () => {
    const tcp = new promises.socket();
    await expect(tcp.recv(1)).rejects.toThrow(rejected('ENOTCONN'));
    await expect(tcp.accept()).rejects.toThrow(rejected('EINVAL'));
    await expect(tcp.bind(['192.0.2.1', 0])).rejects.toThrow(rejected('EADDRNOTAVAIL'));
    tcp.close();
    const [x, y] = await connection();
    y.setsockopt(promises.SOL_SOCKET, promises.SO_LINGER, Buffer.from(new Int32Array([1, 0]).buffer));
    const waiting = x.recv(1);
    y.close();
    await expect(waiting).rejects.toThrow(rejected('ECONNRESET'));
    x.close();
  });
});

describe('connections', () => {
  test('create_connection takes the first address that answers', async () => {
    const server = await promises.create_server(['127.0.0.1', 0]);
    const [, port] = server.getsockname();
    const sock = await promises.create_connection(['localhost', port], 5);
    expect(sock.gettimeout()).toBe(5);
    expect(sock.getpeername()).toEqual(['127.0.0.1', port]);
    sock.close();
    const bound = await promises.create_connection(['127.0.0.1', port], null, ['127.0.0.2', 0]);
    expect(bound.getsockname()[0]).toBe('127.0.0.2');
    bound.close();
    server.close();
  });

  test('and tells what went wrong with all', async () => {
    const before = open_descriptors();
    await expect(promises.create_connection(['127.0.0.1', 1])).rejects.toThrow(rejected('ECONNREFUSED'));
    await expect(promises.create_connection(['127.0.0.1', 1], { all_errors: true })).rejects.toBeInstanceOf(
      AggregateError,
    );
    await expect(promises.create_connection(['no.such.host.invalid', 1])).rejects.toBeInstanceOf(
      promises.gaierror,
    );
    await expect(
      promises.create_connection(['127.0.0.1', 1], { signal: AbortSignal.abort('no') }),
    ).rejects.toBe('no');
    await none_left(before);
  });

  test('happy eyeballs: a silent address holds nobody up, and is closed', async () => {
    const answers = await promises.create_server(['127.0.0.1', 0]);
    const silent = new promises.socket();
    await silent.bind(['127.0.0.1', 0]);
    silent.listen(0);
    const fill = await promises.create_connection(silent.getsockname());
    const rows = [silent, answers].map(
      (sock): promises.AddressInfoRow => [2, promises.SOCK_STREAM, 0, '', sock.getsockname()],
    );
    const plan = { source_address: null, all_errors: false, at_once: false };
    const aborter = new AbortController();
    const { signal } = aborter;
    // Attempts is of lib/, whose instance opens what it waits on at its first wait.
    (await new Attempts({ ...plan, delay_ms: 20, signal }).connect(rows)).close();
    const before = open_descriptors();
    const sock = await new Attempts({ ...plan, delay_ms: 20, signal }).connect(rows);
    expect(sock.getpeername()).toEqual(answers.getsockname());
    // One after another, the silent one is waited for.
    const waiting = new Attempts({ ...plan, delay_ms: -1, signal }).connect(rows);
    setTimeout(() => aborter.abort('enough'), 60);
    await expect(waiting).rejects.toBe('enough');
    sock.close();
    expect(open_descriptors()).toBe(before);
    for (const one of [answers, silent, fill]) one.close();
  });

  test('a silent address is given up at the deadline, or with the signal', async () => {
    const before = open_descriptors();
    // A listening socket whose backlog is full does not answer.
    const full = new promises.socket();
    await full.bind(['127.0.0.1', 0]);
    full.listen(0);
    const address = full.getsockname();
    const fill = [await promises.create_connection(address)];
    const error = await promises.create_connection(address, 0.1).catch((reason) => reason);
    expect(error).toMatchObject({ code: 'ETIMEDOUT' });
    const aborted = promises.create_connection(address, { signal: AbortSignal.timeout(50) });
    await expect(aborted).rejects.toMatchObject({ name: 'TimeoutError' });
    for (const sock of [full, ...fill]) sock.close();
    expect(open_descriptors()).toBe(before);
  });
});

describe('names', () => {
  test('the resolver', async () => {
    expect(await promises.getaddrinfo('127.0.0.1', 80, promises.AF_INET, promises.SOCK_STREAM)).toEqual(
      socket.getaddrinfo('127.0.0.1', 80, socket.AF_INET, socket.SOCK_STREAM),
    );
    expect(await promises.getaddrinfo('localhost', null, { timeout: 10 })).toEqual(
      socket.getaddrinfo('localhost', null),
    );
    expect(await promises.gethostbyname('localhost')).toBe(socket.gethostbyname('localhost'));
    expect(await promises.gethostbyname_ex('localhost')).toEqual(socket.gethostbyname_ex('localhost'));
    expect(
      await promises.getnameinfo(['127.0.0.1', 80], promises.NI_NUMERICHOST | promises.NI_NUMERICSERV),
    ).toEqual(['127.0.0.1', '80']);
    expect(await promises.getfqdn('127.0.0.1')).toBe(socket.getfqdn('127.0.0.1'));
    expect(await promises.getprotobyname('tcp').catch((error) => error.message)).toEqual(
      (() => {
        try {
          return socket.getprotobyname('tcp');
        } catch (error) {
          return (error as Error).message;
        }
      })(),
    );
    await expect(promises.getaddrinfo('no.such.host.invalid', 80)).rejects.toBeInstanceOf(promises.gaierror);
  });

  test('is abandoned with the signal and the time-out', async () => {
    await begin_lookups();
    const before = open_descriptors();
    await expect(promises.gethostbyname('localhost', { signal: AbortSignal.abort('no') })).rejects.toBe('no');
    // Where there is no network the answer may be there before anybody waits.
    const error = await promises.gethostbyname('a-name.invalid', { timeout: 0 }).catch((reason) => reason);
    const kinds = [promises.BlockingIOError, promises.gaierror];
    expect(
      kinds.some((kind) => error instanceof kind),
      String(error),
    ).toBe(true);
    await none_left(before);
  });
});
