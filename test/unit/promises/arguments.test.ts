// Wrong arguments of a promise socket's calls: the same error at once, whether the call could be tried or waits behind others.
import * as promises from 'bsd-sockets/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

type Sock = promises.socket<typeof promises.AF_UNIX>;
type Refused = (sock: Sock) => Promise<unknown>;

/** A value of a type that the compiler refuses. */
const wrong = (value: unknown): never => value as never;
const path = '/nowhere/socket';
const bytes = () => Buffer.alloc(4);

/** A batch whose memory was transferred away: views of it need a message first. */
async function detached_batch(): Promise<promises.MessageBatch> {
  const batch = new promises.MessageBatch(1, 8);
  const [a, b] = promises.socketpair();
  await a.send('x');
  await b.recvmmsg_into(batch);
  structuredClone(batch.data(0).buffer, { transfer: [batch.data(0).buffer as ArrayBuffer] });
  a.close();
  b.close();
  return batch;
}

const refused: [string, Refused][] = [
  ['bind to a number', (sock) => sock.bind(wrong(1))],
  ['connect to a number', (sock) => sock.connect(wrong(1))],
  ['shutdown of a text', (sock) => sock.shutdown(wrong('x'))],
  ['recv of -1 bytes', (sock) => sock.recv(-1)],
  ['recv with flags of text', (sock) => sock.recv(1, wrong('x'))],
  ['recvfrom with flags of text', (sock) => sock.recvfrom(1, wrong('x'))],
  ['recv_into a text', (sock) => sock.recv_into(wrong('x'))],
  ['recv_into more than fits', (sock) => sock.recv_into(bytes(), 5)],
  ['recvfrom_into more than fits', (sock) => sock.recvfrom_into(bytes(), 5)],
  ['recv_exactly of -1 bytes', (sock) => sock.recv_exactly(-1)],
  ['recvmsg with a room of text', (sock) => sock.recvmsg(1, wrong('x'))],
  ['recvmsg_into a text', (sock) => sock.recvmsg_into(wrong('x'))],
  ['recvmmsg of no messages', (sock) => sock.recvmmsg(0, 1)],
  ['recvmmsg_into a text, with flags of text', (sock) => sock.recvmmsg_into(wrong('x'), wrong('y'))],
  ['send a number', (sock) => sock.send(wrong(1))],
  ['sendall with flags of text', (sock) => sock.sendall('x', wrong('y'))],
  ['sendto with flags of null', (sock) => sock.sendto('x', wrong(null), path)],
  ['sendto a number', (sock) => sock.sendto('x', 0, wrong(1))],
  ['sendmsg of a text', (sock) => sock.sendmsg(wrong('x'))],
  ['sendmsg with half a control message', (sock) => sock.sendmsg(['x'], [wrong([1])])],
  ['sendmmsg of texts', (sock) => sock.sendmmsg(wrong(['x']))],
  ['sendfile of a text', (sock) => sock.sendfile(wrong('x'))],
  ['send_fds of a text', (sock) => promises.send_fds(sock, ['x'], wrong('x'))],
  ['recv_fds of -1 descriptors', (sock) => promises.recv_fds(sock, 1, -1)],
  ['a time-out of -1', (sock) => sock.recv(1, { timeout: -1 })],
  ['an unknown option', (sock) => sock.send('x', wrong({ flags: 1 }))],
  ['too many arguments', (sock) => sock.recvmsg(1, 0, 0, wrong(4))],
];

let a: Sock;
let b: Sock;
let waiting: Promise<unknown>[];
beforeEach(() => {
  [a, b] = promises.socketpair();
  waiting = [];
});
afterEach(async () => {
  a.close();
  b.close();
  await Promise.allSettled(waiting);
});

/** Lets a read and a write wait: the calls made next wait behind them. */
function block(sock: Sock): void {
  waiting.push(sock.recv(1), sock.sendall(Buffer.alloc(2 ** 22)));
  for (const call of waiting) call.catch(() => {});
}

/** Returns the error of a call that is refused without waiting for anything. */
async function error_at_once(call: Promise<unknown>): Promise<unknown> {
  let error: unknown;
  call.catch((reason: unknown) => {
    error = reason;
  });
  for (let i = 0; i < 5; i++) await undefined;
  return error;
}

describe('refused at once, alone and behind others', () => {
  test.each(refused)('%s', async (_name, call) => {
    const alone = await error_at_once(call(b));
    expect(alone).toSatisfy((error) => error instanceof TypeError || error instanceof RangeError);
    block(a);
    expect(await error_at_once(call(a))).toEqual(alone);
  });

  test('a detached batch; wrong flags come first', async () => {
    const batch = await detached_batch();
    const text = wrong('x');
    block(a);
    for (const sock of [b, a]) {
      expect(String(await error_at_once(sock.recvmmsg_into(batch)))).toMatch(/batch is detached/);
      expect(String(await error_at_once(sock.recvmmsg_into(batch, text)))).toMatch(/flags must be/);
    }
  });
});

describe('bigints are integers', () => {
  const one = wrong(1n);
  const zero = wrong(0n);
  test.each<[string, Refused, unknown]>([
    ['recv', (sock) => sock.recv(one, zero), Buffer.from('x')],
    ['recvfrom', async (sock) => (await sock.recvfrom(one, zero))[0], Buffer.from('x')],
    ['recv_into', (sock) => sock.recv_into(bytes(), one, zero), 1],
    ['recvmsg', async (sock) => (await sock.recvmsg(one, zero, zero))[0], Buffer.from('x')],
    ['recv_fds', async (sock) => (await promises.recv_fds(sock, one, one, zero))[0], Buffer.from('x')],
  ])('%s', async (_name, receive, expected) => {
    await b.send('xyz');
    expect(await receive(a)).toEqual(expected);
    const later = receive(a);
    expect(await later).toEqual(typeof expected === 'number' ? 1 : Buffer.from('y'));
  });

  test('sendfile', async () => {
    const { openSync, closeSync } = await import('node:fs');
    const fd = openSync(new URL(import.meta.url), 'r');
    expect(await a.sendfile(fd, wrong(3n), wrong(5n))).toBe(5);
    closeSync(fd);
    expect(String(await b.recv(10))).toBe('Wrong');
  });
});

test.each([null, 2 ** 31 / 1000, 9_223_372_036])(
  'a time-out of %s seconds does not end a receive',
  async (timeout) => {
    const received = a.recv(1, { timeout });
    await new Promise((resolve) => setTimeout(resolve, 20));
    await b.send('x');
    expect(await received).toEqual(Buffer.from('x'));
  },
);

test.each([1e-9, 0.0005, 0.002])('a time-out of %s seconds ends a receive', async (timeout) => {
  await expect(a.recv(1, { timeout })).rejects.toBeInstanceOf(promises.TimeoutError);
});

test('a time-out of a nanosecond ends create_connection before any address answers', async () => {
  const server = await promises.create_server(['127.0.0.1', 0]);
  await expect(promises.create_connection(server.getsockname(), 1e-9)).rejects.toBeInstanceOf(
    promises.TimeoutError,
  );
  server.close();
});
