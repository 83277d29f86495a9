// Sends with MSG_ZEROCOPY of blocking sockets. On loopback the kernel copies when the receiver takes a packet; what the peer's small
// window leaves in the queue is read from the caller's memory until then.
import { spawnSync } from 'node:child_process';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import * as socket from 'bsd-sockets/socket';
import { decode_control, linger } from 'bsd-sockets/structs';
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { garbage_collector, NOBODY, needs_nobody, needs_option, slowness } from '../../machine.js';

const { MSG_DONTWAIT, MSG_ERRQUEUE, MSG_ZEROCOPY, SO_ZEROCOPY, SOL_SOCKET } = socket;
const SIZE = 200_000;
const open: { close(): void }[] = [];
let a: socket.socket<2>;
let b: socket.socket<2>;

beforeEach((ctx) => {
  const server = new socket.socket();
  server.setsockopt(SOL_SOCKET, socket.SO_RCVBUF, 32768);
  server.bind(['127.0.0.1', 0]);
  server.listen();
  a = socket.create_connection(server.getsockname()) as socket.socket<2>;
  [b] = server.accept();
  server.close();
  a.setsockopt(SOL_SOCKET, socket.SO_SNDBUF, 4 * SIZE);
  open.push(a, b);
  needs_option(ctx, 'SO_ZEROCOPY', () => a.setsockopt(SOL_SOCKET, SO_ZEROCOPY, 1));
  a.settimeout(10);
});
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

function kept<T extends { close(): void }>(one: T): T {
  open.push(one);
  return one;
}

/** Returns the first `count` numbers that the error queue completes, or all that are there. */
function completions(sock: socket.socket<number>, count = Number.POSITIVE_INFINITY): number[] {
  const numbers: number[] = [];
  const wait = count === Number.POSITIVE_INFINITY ? MSG_DONTWAIT : 0;
  while (numbers.length < count) {
    let ancdata: socket.ReceivedControlMessage[];
    try {
      [, ancdata] = sock.recvmsg(0, 500, MSG_ERRQUEUE | wait);
    } catch (error) {
      expect(error).toBeInstanceOf(socket.BlockingIOError);
      break;
    }
    const [error] = decode_control(ancdata) as { value: { origin: number; info: number; data: number } }[];
    expect(error?.value.origin).toBe(socket.SO_EE_ORIGIN_ZEROCOPY);
    const { info = 0, data = -1 } = error?.value ?? {};
    for (let number = info; number <= data; number++) numbers.push(number);
  }
  return numbers;
}

/** Returns a reference to memory that was sent and that nothing else refers to. */
function sent(): WeakRef<ArrayBufferLike> {
  const data = Buffer.allocUnsafeSlow(SIZE);
  expect(a.send(data, MSG_ZEROCOPY)).toBe(SIZE);
  return new WeakRef(data.buffer);
}

/** Collects what is not referred to. */
async function collect(ctx: TestContext): Promise<void> {
  const gc = garbage_collector(ctx);
  for (let i = 0; i < 3; i++) {
    await turn();
    gc();
  }
}

/** Receives all, so that the kernel is done with all memory. */
function take(size = SIZE): void {
  expect(b.recv_exactly(size)).toHaveLength(size);
}

describe('a send', () => {
  it('returns as without the flag, and the error queue has its number', () => {
    expect(a.send('abc', MSG_ZEROCOPY)).toBe(3);
    expect(a.sendmsg(['d', 'ef'], [], MSG_ZEROCOPY)).toBe(3);
    expect(a.sendmmsg([[['g']], [['h']], [['i'], [], 0]], MSG_ZEROCOPY)).toBe(3);
    expect(a.send('', MSG_ZEROCOPY)).toBe(0);
    expect(b.recv_exactly(9).toString()).toBe('abcdefghi');
    expect(completions(a, 5)).toEqual([0, 1, 2, 3, 4]);
  });

  it('keeps its memory until its completion was read', async (ctx) => {
    const memory = sent();
    await collect(ctx);
    expect(memory.deref() === undefined).toBe(false);
    take();
    await collect(ctx);
    expect(memory.deref() === undefined).toBe(false);
    expect(completions(a, 1)).toEqual([0]);
    await collect(ctx);
    expect(memory.deref() === undefined).toBe(true);
  });

  it.for<[string, () => unknown]>([
    ['recvmsg_into', () => a.recvmsg_into([Buffer.alloc(1)], 500, MSG_ERRQUEUE)],
    ['recvmmsg', () => a.recvmmsg(1, 1, 500, MSG_ERRQUEUE)],
    ['recvmmsg_into', () => a.recvmmsg_into(new socket.MessageBatch(1, 1, 500), MSG_ERRQUEUE)],
    ['a duplicate', () => completions(kept(a.dup()), 1)],
    ['sendall', () => a.sendall('more', MSG_ZEROCOPY)],
  ])('keeps its memory until %s has read its completion', async ([, read], ctx) => {
    const memory = sent();
    take();
    read();
    await collect(ctx);
    expect(memory.deref() === undefined).toBe(true);
  });

  it('keeps its memory after close() and after the socket was collected', async (ctx) => {
    const memory = (() => {
      const other = new socket.socket(a.family, a.type, a.proto, a.detach());
      a = other;
      const memory = sent();
      other.close();
      a = b;
      return memory;
    })();
    await collect(ctx);
    expect(memory.deref() === undefined).toBe(false);
  });

  it.for<[string, () => unknown]>([
    ['without the flag', () => a.send(Buffer.allocUnsafeSlow(10))],
    ['without SO_ZEROCOPY', () => a.setsockopt(SOL_SOCKET, SO_ZEROCOPY, 0)],
  ])('keeps nothing %s', async ([, prepare], ctx) => {
    prepare();
    const flags = a.getsockopt(SOL_SOCKET, SO_ZEROCOPY) === 0 ? MSG_ZEROCOPY : 0;
    const memory = (() => {
      const data = Buffer.allocUnsafeSlow(SIZE);
      a.send(data, flags);
      return new WeakRef(data.buffer);
    })();
    await collect(ctx);
    expect(memory.deref() === undefined).toBe(true);
  });

  it('that fails has no number', () => {
    a.setblocking(false);
    let count = 0;
    expect(() => {
      for (;;) {
        a.send(Buffer.alloc(SIZE), MSG_ZEROCOPY);
        count++;
      }
    }).toThrow(socket.BlockingIOError);
    expect(() => a.send({} as never, MSG_ZEROCOPY)).toThrow('data must be a string or bytes');
    expect(() => a.send('x', 1.5)).toThrow('flags');
    b.settimeout(0.2);
    expect(() => {
      for (;;) b.recv(SIZE);
    }).toThrow(socket.TimeoutError);
    expect(count).toBeGreaterThan(0);
    a.settimeout(10);
    expect(completions(a, count)).toEqual([...Array(count).keys()]);
    a.sendall('x', MSG_ZEROCOPY);
  });

  it('over UDP, to an address and connected', () => {
    using receiver = new socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
    using sender = new socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
    receiver.bind(['127.0.0.1', 0]);
    sender.setsockopt(SOL_SOCKET, SO_ZEROCOPY, 1);
    sender.sendto('one', MSG_ZEROCOPY, receiver.getsockname());
    expect(completions(sender)).toEqual([0]);
    sender.connect(receiver.getsockname());
    sender.sendall('two', MSG_ZEROCOPY);
    expect(completions(sender)).toEqual([]);
    sender.sendall('', MSG_ZEROCOPY);
    expect(receiver.recvmmsg(3, 10).map(([data]) => String(data))).toEqual(['one', 'two', '']);
  });

  it('on a family without it is sent as ever', () => {
    const [c, d] = socket.socketpair();
    open.push(c, d);
    expect(() => c.setsockopt(SOL_SOCKET, SO_ZEROCOPY, 1)).toThrow('ENOTSUP');
    c.sendall('abc', MSG_ZEROCOPY);
    expect(d.recv(3).toString()).toBe('abc');
  });
});

describe('sendall', () => {
  it('returns when the kernel is done with the memory', () => {
    a.sendall('abc', MSG_ZEROCOPY);
    expect(completions(a)).toEqual([]);
    expect(b.recv_exactly(3).toString()).toBe('abc');
  });

  it('waits for a peer that reads late', async () => {
    const reader = new Worker(
      `const { workerData } = require('node:worker_threads');
      import('bsd-sockets/socket').then((socket) => {
        const conn = socket.fromshare(workerData.shared);
        conn.recv_exactly(workerData.size);
        conn.close();
      });`,
      { eval: true, workerData: { shared: b.share(), size: SIZE } },
    );
    a.sendall(Buffer.alloc(SIZE), MSG_ZEROCOPY);
    expect(a.ioctl(socket.SIOCOUTQ)).toBe(0);
    await new Promise((resolve) => reader.once('exit', resolve));
  });

  it('times out while the kernel reads the memory, and tells that all was sent', async () => {
    a.settimeout(0.05);
    expect(() => a.sendall(Buffer.alloc(SIZE), MSG_ZEROCOPY)).toThrow(
      expect.objectContaining({ name: 'TimeoutError', bytes_sent: SIZE }),
    );
    a.settimeout(0);
    expect(() => a.sendall(Buffer.alloc(SIZE), MSG_ZEROCOPY)).toThrow(
      expect.objectContaining({ name: 'BlockingIOError', bytes_sent: SIZE }),
    );
    take(2 * SIZE);
    a.settimeout(10);
    a.sendall('x', MSG_ZEROCOPY);
  });

  it('copies what the user may not pin (RLIMIT_MEMLOCK), also that of promises', (ctx) => {
    if (process.getuid?.() === 0) needs_nobody(ctx);
    const script = `
      import * as socket from 'bsd-sockets/socket';
      import * as promises from 'bsd-sockets/promises';
      if (process.getuid() === 0) process.setuid(${NOBODY});
      for (const { create_server, create_connection, SOL_SOCKET, SO_ZEROCOPY, MSG_ZEROCOPY } of [socket, promises]) {
        const server = await create_server(['127.0.0.1', 0]);
        const a = await create_connection(server.getsockname());
        const [b] = await server.accept();
        a.setsockopt(SOL_SOCKET, SO_ZEROCOPY, 1);
        try {
          await a.send(Buffer.alloc(${SIZE}), MSG_ZEROCOPY);
        } catch ({ code }) {
          console.log(code);
        }
        await a.sendall(Buffer.alloc(${SIZE}), MSG_ZEROCOPY);
        console.log((await b.recv_exactly(${SIZE})).length);
        for (const each of [server, a, b]) each.close();
      }`;
    const args = ['-c', 'ulimit -l 64 && exec "$0" --input-type=module -e "$1"', process.execPath, script];
    const { stdout, stderr } = spawnSync('sh', args, { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout).toBe(`ENOBUFS\n${SIZE}\n`.repeat(2));
  });

  it('does not wait without SO_ZEROCOPY', () => {
    a.setsockopt(SOL_SOCKET, SO_ZEROCOPY, 0);
    a.sendall(Buffer.alloc(SIZE), MSG_ZEROCOPY);
    expect(a.ioctl(socket.SIOCOUTQ)).toBeGreaterThan(0);
  });

  it('does not spin while the connection has hung up', () => {
    a.send(Buffer.alloc(SIZE), MSG_ZEROCOPY);
    b.shutdown(socket.SHUT_WR);
    a.shutdown(socket.SHUT_WR);
    expect(a.recv(1)).toHaveLength(0);
    a.settimeout(slowness);
    const before = process.cpuUsage();
    expect(() => a.recvmsg(10, 100, MSG_ERRQUEUE)).toThrow(socket.TimeoutError);
    const { user, system } = process.cpuUsage(before);
    expect(user + system).toBeLessThan(150_000 * slowness);
  });

  it('ends when the peer resets the connection', async () => {
    b.setsockopt(SOL_SOCKET, socket.SO_LINGER, linger.encode({ onoff: 1, linger: 0 }));
    const data = Buffer.alloc(SIZE);
    a.send(data, MSG_ZEROCOPY);
    b.close();
    expect(() => a.sendall(data, MSG_ZEROCOPY)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/ECONNRESET|EPIPE/) }),
    );
    expect(completions(a)).toEqual([0]);
  });

  it('does not wait for ever beside sends of another thread', async () => {
    const other = new Worker(
      `const { workerData } = require('node:worker_threads');
      import('bsd-sockets/socket').then((socket) => {
        const conn = socket.fromshare(workerData);
        for (let i = 0; i < 3; i++) conn.send('x', socket.MSG_ZEROCOPY);
        conn.close();
      });`,
      { eval: true, workerData: a.share() },
    );
    await new Promise((resolve) => other.once('exit', resolve));
    a.sendall('abc', MSG_ZEROCOPY);
    a.sendall('def', MSG_ZEROCOPY);
    expect(b.recv_exactly(9).toString()).toBe('xxxabcdef');
  });

  it('counts on through detach() and a duplicate', () => {
    const copy = a.dup();
    open.push(copy);
    a.sendall('a', MSG_ZEROCOPY);
    copy.sendall('b', MSG_ZEROCOPY);
    const again = new socket.socket(a.family, a.type, a.proto, a.detach());
    open.push(again);
    again.sendall('c', MSG_ZEROCOPY);
    copy.send('d', MSG_ZEROCOPY);
    again.settimeout(10);
    expect(completions(again, 1)).toEqual([3]);
  });

  it('leaves other messages of the error queue to recvmsg', () => {
    const closed = new socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
    closed.bind(['127.0.0.1', 0]);
    const address = closed.getsockname();
    closed.close();
    using sender = new socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_RECVERR, 1);
    sender.setsockopt(SOL_SOCKET, SO_ZEROCOPY, 1);
    sender.sendto('lost', address);
    using receiver = new socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
    receiver.bind(['127.0.0.1', 0]);
    expect(() => sender.connect(receiver.getsockname())).not.toThrow();
    try {
      sender.sendall('data', MSG_ZEROCOPY);
    } catch (error) {
      // The error of the first datagram, which the kernel tells the next call.
      expect(error).toMatchObject({ code: 'ECONNREFUSED' });
      sender.sendall('data', MSG_ZEROCOPY);
    }
    const [data, ancdata, flags, from] = sender.recvmsg(2, 500, MSG_ERRQUEUE);
    expect([String(data), flags & socket.MSG_TRUNC, from]).toEqual(['lo', socket.MSG_TRUNC, address]);
    expect(decode_control(ancdata)).toMatchObject([{ type: 'IP_RECVERR' }]);
    expect(() => sender.recvmsg(2, 500, MSG_ERRQUEUE)).toThrow(socket.BlockingIOError);
  });

  it('ends with its worker', async () => {
    const sender = new Worker(
      `const { workerData, parentPort } = require('node:worker_threads');
      import('bsd-sockets/socket').then((socket) => {
        const conn = socket.fromshare(workerData.shared);
        parentPort.postMessage('sends');
        conn.sendall(Buffer.alloc(workerData.size), socket.MSG_ZEROCOPY);
        parentPort.postMessage('sent');
      });`,
      { eval: true, workerData: { shared: a.share(), size: SIZE } },
    );
    const messages: unknown[] = [];
    sender.on('message', (message) => messages.push(message));
    await new Promise((resolve) => sender.once('message', resolve));
    while (a.ioctl(socket.SIOCOUTQ) === 0) await turn();
    await sender.terminate();
    expect(messages).toEqual(['sends']);
  });
});
