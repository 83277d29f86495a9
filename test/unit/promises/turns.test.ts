// What promises know of a TCP socket without asking the kernel, and that they know it right; and that a peer that is fast
// keeps nobody else from having a turn.

import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import * as promises from 'bsd-sockets/promises';
import * as socket from 'bsd-sockets/socket';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addon } from '../../../dist/native/addon.js';

type Conn = promises.socket<number>;
let client: Conn;
let conn: Conn;

beforeEach(async () => {
  const server = await promises.create_server(['127.0.0.1', 0]);
  client = await promises.create_connection(server.getsockname());
  [conn] = await server.accept();
  server.close();
});
afterEach(() => {
  client.close();
  conn.close();
});

/** One message there: what comes next is known to be nothing. */
async function drained(): Promise<void> {
  const waiting = conn.recv(100);
  await client.send('x');
  expect(String(await waiting)).toBe('x');
}

describe('after a receive that took all', () => {
  beforeEach(drained);

  test('the next one waits, and gets what comes', async () => {
    const next = conn.recv(100);
    await sleep(5);
    await client.send('later');
    expect(String(await next)).toBe('later');
  });

  test('what came meanwhile is received, though nobody was told yet', async () => {
    await client.send('at once');
    expect(String(await conn.recv(100))).toBe('at once');
  });

  test.each([
    ['recv', () => conn.recv(100, { timeout: 0 }), 'now'],
    ['recv_into', () => conn.recv_into(Buffer.alloc(10), 0, 0, { timeout: 0 }), '3'],
    ['recvmsg', async () => (await conn.recvmsg(10, { timeout: 0 }))[0], 'now'],
  ])('%s with timeout 0 asks the kernel', async (_name, receive, expected) => {
    await expect(receive()).rejects.toBeInstanceOf(promises.BlockingIOError);
    await client.send('now');
    expect(String(await receive())).toBe(expected);
  });

  test('the end of the stream, with the data or behind it', async () => {
    await client.send('last');
    await client.shutdown(promises.SHUT_WR);
    expect(String(await conn.recv(100))).toBe('last');
    expect((await conn.recv(100)).length).toBe(0);
    expect((await conn.recv(100)).length).toBe(0);
  });

  test('the end between two receives', async () => {
    const waiting = conn.recv(100);
    await client.send('y');
    expect(String(await waiting)).toBe('y');
    await client.shutdown(promises.SHUT_WR);
    expect((await conn.recv(100)).length).toBe(0);
  });

  test('the own end of receiving', async () => {
    const waiting = conn.recv(100);
    await client.send('y');
    expect(String(await waiting)).toBe('y');
    await conn.shutdown(promises.SHUT_RD);
    expect((await conn.recv(100)).length).toBe(0);
  });

  test('a reset', async () => {
    client.setsockopt(promises.SOL_SOCKET, promises.SO_LINGER, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]));
    client.close();
    await expect(conn.recv(100)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  test('urgent data splits what came before from what came behind it', async () => {
    await client.send('before');
    await client.send('!', promises.MSG_OOB);
    await client.send('behind');
    await sleep(5);
    expect(String(await conn.recv(100))).toBe('before');
    expect(String(await conn.recv(1, promises.MSG_OOB))).toBe('!');
    expect(String(await conn.recv(100))).toBe('behind');
    const next = conn.recv(100);
    await client.send('more');
    expect(String(await next)).toBe('more');
  });

  test('peeking, and asking for nothing', async () => {
    expect((await conn.recv(0)).length).toBe(0);
    await client.send('z');
    expect(String(await conn.recv(100, promises.MSG_PEEK))).toBe('z');
    expect(String(await conn.recv(100))).toBe('z');
  });

  test('wrong arguments are told at once', async () => {
    await expect(conn.recv(-1)).rejects.toBeInstanceOf(RangeError);
    await expect(conn.recv(1, 'x' as never)).rejects.toBeInstanceOf(TypeError);
  });

  test('a number that was closed as such is EBADF', async () => {
    socket.close(conn.fileno());
    await expect(conn.recv(100)).rejects.toMatchObject({ code: 'EBADF' });
    await expect(conn.recv_into(Buffer.alloc(10))).rejects.toMatchObject({ code: 'EBADF' });
    expect(() => conn.close()).toThrow(expect.objectContaining({ code: 'EBADF' }));
  });

  test('a blocking socket that takes it over knows nothing', async () => {
    const blocking = conn.to_socket();
    blocking.settimeout(0);
    await client.send('taken over');
    expect(String(blocking.recv(100))).toBe('taken over');
    blocking.close();
  });

  test('nothing is known of another socket that gets the number', async () => {
    const fd = conn.fileno();
    closeSync(fd);
    const [a, b] = socket.socketpair();
    const other = a.fileno() === fd ? a : b;
    expect(other.fileno()).toBe(fd);
    other.settimeout(0);
    (other === a ? b : a).send('not TCP');
    expect(String(other.recv(100))).toBe('not TCP');
    expect(() => conn.close()).toThrow(/^\[EBADF\] close/);
    a.close();
    b.close();
  });
});

describe('a loop that never has to wait', () => {
  test.each([
    [
      'receives',
      (a: Conn, other: socket.socket<number>) => {
        other.send('x');
        return a.recv(1);
      },
    ],
    ['sends', (a: Conn, other: socket.socket<number>) => a.send('x').then(() => other.recv(1))],
  ])('%s lets timers run', async (_name, round) => {
    const [a, b] = promises.socketpair();
    // A blocking socket, because its calls give no turn.
    const other = b.to_socket();
    let done = false;
    setTimeout(() => {
      done = true;
    }, 1);
    // Counted in rounds and not in time: a busy machine makes few of them in a while.
    for (let i = 0; i < 500_000 && !done; i++) await round(a, other);
    expect(done).toBe(true);
    a.close();
    other.close();
  });

  test('two that answer each other at once let others have their turn, in order', async () => {
    const [a, b] = promises.socketpair();
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const seen: number[] = [];
    let sent = 0;
    // Counted in messages and not in time: a busy machine makes few of them in a while.
    while (turns <= 3 && sent < 500_000) {
      await a.send(Buffer.from([sent++ & 255]));
      seen.push((await b.recv(1))[0] ?? -1);
    }
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
    expect(seen).toEqual(seen.map((_, i) => i & 255));
    a.close();
    b.close();
  });
});

test('a wake-up for more descriptors than it can report is followed by another', async () => {
  const pairs = Array.from({ length: 1100 }, () => promises.socketpair());
  const received = pairs.map(([, b]) => b.recv(10));
  for (let round = 0; round < 3; round++) {
    pairs.forEach(([a], i) => {
      a.send(String(i));
    });
    for (const [i, waiting] of received.entries()) expect(String(await waiting)).toBe(String(i));
    received.splice(0, received.length, ...pairs.map(([, b]) => b.recv(10)));
  }
  const ends = Promise.allSettled(received);
  for (const sock of pairs.flat()) sock.close();
  expect(new Set((await ends).map(({ status }) => status))).toEqual(new Set(['rejected']));
});

test('a receive that completes at once passes five functions of the library', async () => {
  const [a, b] = promises.socketpair();
  await a.send('x');
  const { recv } = addon;
  let stack = '';
  addon.recv = (...args) => {
    stack = String(new Error().stack);
    return recv(...args);
  };
  try {
    expect(await b.recv(1)).toEqual(Buffer.from('x'));
  } finally {
    addon.recv = recv;
  }
  // The stack begins with the replaced addon.recv, which is the fifth.  The bundle may number the name of a class.
  const frames = stack.split('\n').filter((line) => line.includes('/dist/'));
  expect(frames).toHaveLength(4);
  expect(frames.at(-1)).toMatch(/at Socket(\$1)?\.recv /);
  a.close();
  b.close();
});
