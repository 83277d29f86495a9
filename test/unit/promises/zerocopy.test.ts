// Sends with MSG_ZEROCOPY of promise sockets: sendall resolves when the memory may be reused. See test/unit/socket/zerocopy.test.ts.
import { setImmediate as turn } from 'node:timers/promises';
import * as promises from 'bsd-sockets/promises';
import { decode_control, linger } from 'bsd-sockets/structs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { needs_option } from '../../machine.js';

const { MSG_DONTWAIT, MSG_ERRQUEUE, MSG_ZEROCOPY, SO_ZEROCOPY, SOL_SOCKET } = promises;
const SIZE = 200_000;
const open: { close(): void }[] = [];
let a: promises.socket<2>;
let b: promises.socket<2>;

beforeEach(async (ctx) => {
  const server = promises.socket();
  server.setsockopt(SOL_SOCKET, promises.SO_RCVBUF, 32768);
  await server.bind(['127.0.0.1', 0]);
  server.listen();
  a = promises.socket();
  await a.connect(server.getsockname());
  [b] = await server.accept();
  server.close();
  a.setsockopt(SOL_SOCKET, promises.SO_SNDBUF, 4 * SIZE);
  open.push(a, b);
  needs_option(ctx, 'SO_ZEROCOPY', () => a.setsockopt(SOL_SOCKET, SO_ZEROCOPY, 1));
});
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

/** Begins a sendall whose memory the kernel reads until the peer receives. */
async function pending(
  options?: promises.WaitOptions,
): Promise<{ result: Promise<void>; settled: () => boolean }> {
  let settled = false;
  const result = a.sendall(Buffer.alloc(SIZE), MSG_ZEROCOPY, options);
  const end = () => {
    settled = true;
  };
  result.then(end, end);
  // Its first attempt has sent all.
  for (let i = 0; i < 10; i++) await turn();
  expect(settled).toBe(false);
  return { result, settled: () => settled };
}

describe('sendall', () => {
  it('resolves when the peer has received, and leaves no completion', async () => {
    const { result } = await pending();
    await b.recv_exactly(SIZE);
    await result;
    expect(a.ioctl(promises.SIOCOUTQ)).toBe(0);
    await expect(a.recvmsg(0, 500, MSG_ERRQUEUE, { timeout: 0 })).rejects.toThrow(promises.BlockingIOError);
  });

  it('resolves at once without SO_ZEROCOPY, for no bytes, and on another family', async () => {
    const [c, d] = promises.socketpair();
    open.push(c, d);
    await c.sendall('abc', MSG_ZEROCOPY);
    await a.sendall('', MSG_ZEROCOPY);
    a.setsockopt(SOL_SOCKET, SO_ZEROCOPY, 0);
    await a.sendall(Buffer.alloc(SIZE), MSG_ZEROCOPY);
    expect(a.ioctl(promises.SIOCOUTQ)).toBeGreaterThan(0);
  });

  it('lets the writes behind it wait, and each have its completion', async () => {
    const { result } = await pending();
    const order: string[] = [];
    const calls = [
      result.then(() => order.push('first')),
      a.sendall('x'.repeat(SIZE), MSG_ZEROCOPY).then(() => order.push('second')),
      a.sendall('last').then(() => order.push('third')),
      a.shutdown(promises.SHUT_WR).then(() => order.push('shutdown')),
    ];
    expect(await b.recv_exactly(2 * SIZE + 4)).toHaveLength(2 * SIZE + 4);
    expect(await b.recv(1)).toHaveLength(0);
    await Promise.all(calls);
    expect(order).toEqual(['first', 'second', 'third', 'shutdown']);
  });

  it('of 5 MB in parts', async () => {
    const size = 5_000_000;
    const [received] = await Promise.all([
      b.recv_exactly(size),
      a.sendall(Buffer.alloc(size, 7), MSG_ZEROCOPY),
    ]);
    expect(received.every((byte) => byte === 7)).toBe(true);
  });

  it.each([
    ['recvmsg', () => a.recvmsg(0, 500, MSG_ERRQUEUE)],
    ['a duplicate', () => open[open.push(a.dup()) - 1]],
  ])('resolves when %s reads the completion', async (name, read) => {
    const { result } = await pending();
    const other = read();
    if (name === 'a duplicate') {
      const copy = other as unknown as promises.socket<2>;
      const [, [, ancdata]] = await Promise.all([
        b.recv_exactly(SIZE),
        Promise.race([copy.recvmsg(0, 500, MSG_ERRQUEUE), result.then((): [null, []] => [null, []])]),
      ]);
      expect(decode_control(ancdata as []).length).toBeLessThan(2);
    } else {
      (other as Promise<unknown>).catch(() => {});
      await b.recv_exactly(SIZE);
    }
    await result;
  });
});

describe('a sendall that waits for its completion', () => {
  it('times out, having sent all; the next one goes on', async () => {
    const { result } = await pending({ timeout: 1 });
    await expect(result).rejects.toMatchObject({ name: 'TimeoutError', bytes_sent: SIZE });
    const next = a.sendall('next', MSG_ZEROCOPY);
    expect(String((await b.recv_exactly(SIZE + 4)).subarray(SIZE))).toBe('next');
    await next;
  });

  it('with a time-out of 0 does not wait', async () => {
    await expect(a.sendall(Buffer.alloc(SIZE), MSG_ZEROCOPY, { timeout: 0 })).rejects.toMatchObject({
      name: 'BlockingIOError',
      bytes_sent: SIZE,
    });
  });

  it('is aborted with the reason, which has bytes_sent', async () => {
    const aborter = new AbortController();
    const { result } = await pending({ signal: aborter.signal });
    const reason = new Error('enough');
    aborter.abort(reason);
    await expect(result).rejects.toBe(reason);
    expect(reason).toMatchObject({ bytes_sent: SIZE });
  });

  it('ends with ECANCELED by close()', async () => {
    const { result } = await pending();
    a.close();
    await expect(result).rejects.toMatchObject({ code: 'ECANCELED', bytes_sent: SIZE });
  });

  it('resolves when the peer resets the connection: the memory is free', async () => {
    const { result } = await pending();
    b.setsockopt(SOL_SOCKET, promises.SO_LINGER, linger.encode({ onoff: 1, linger: 0 }));
    b.close();
    await result;
    await expect(a.recv(1)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('resolves also if its memory is detached meanwhile', async () => {
    const data = new Uint8Array(SIZE);
    const result = a.sendall(data, MSG_ZEROCOPY);
    structuredClone(data.buffer, { transfer: [data.buffer] });
    await b.recv_exactly(SIZE);
    await result;
  });

  it('keeps other messages of the error queue for recvmsg, also for one that waits', async () => {
    const closed = promises.socket(promises.AF_INET, promises.SOCK_DGRAM);
    await closed.bind(['127.0.0.1', 0]);
    const address = closed.getsockname();
    closed.close();
    const sender = promises.socket(promises.AF_INET, promises.SOCK_DGRAM);
    const receiver = promises.socket(promises.AF_INET, promises.SOCK_DGRAM);
    open.push(sender, receiver);
    await receiver.bind(['127.0.0.1', 0]);
    sender.setsockopt(promises.IPPROTO_IP, promises.IP_RECVERR, 1);
    sender.setsockopt(SOL_SOCKET, SO_ZEROCOPY, 1);
    const waiting = sender.recvmsg(100, 500, MSG_ERRQUEUE);
    // All in one turn, so that sendall finds the error before the event of it has come. The first call gets it from the kernel, too.
    const calls = [
      sender.sendto('lost', address),
      sender.connect(receiver.getsockname()),
      sender.sendall('data', MSG_ZEROCOPY),
      sender.sendall('data', MSG_ZEROCOPY),
    ];
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.at(-1)).toMatchObject({ status: 'fulfilled' });
    const [data, ancdata] = await waiting;
    expect(String(data)).toBe('lost');
    expect(decode_control(ancdata)).toMatchObject([{ type: 'IP_RECVERR' }]);
    await expect(sender.recvmsg(100, 500, MSG_ERRQUEUE | MSG_DONTWAIT, { timeout: 0 })).rejects.toThrow(
      promises.BlockingIOError,
    );
  });
});

describe('send, sendmsg and sendmmsg', () => {
  it('resolve with what the kernel took, and leave the completion to recvmsg', async () => {
    expect(await a.send(Buffer.alloc(SIZE), MSG_ZEROCOPY)).toBe(SIZE);
    expect(await a.sendmsg(['ab', 'c'], [], MSG_ZEROCOPY)).toBe(3);
    expect(await a.sendmmsg([[['d']], [['e']]], MSG_ZEROCOPY)).toBe(2);
    const received = b.recv_exactly(SIZE + 5);
    const numbers: number[] = [];
    while (numbers.length < 4) {
      const [, ancdata] = await a.recvmsg(0, 500, MSG_ERRQUEUE);
      const [error] = decode_control(ancdata) as { value: { info: number; data: number } }[];
      for (let number = error?.value.info ?? 0; number <= (error?.value.data ?? -1); number++)
        numbers.push(number);
    }
    expect(numbers).toEqual([0, 1, 2, 3]);
    await received;
  });

  it('reject wrong arguments, also behind a sendall that waits', async () => {
    await pending();
    await expect(a.sendall({} as never, MSG_ZEROCOPY)).rejects.toThrow('data must be a string or bytes');
    await expect(a.sendall('x', 2 ** 31)).rejects.toThrow('flags');
    await expect(a.send(1 as never, MSG_ZEROCOPY)).rejects.toThrow('data must be a string or bytes');
  });
});
