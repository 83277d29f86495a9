// sendmmsg, recvmmsg, recvmmsg_into and MessageBatch.
import * as socket from 'bsd-sockets/socket';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { is_open, open_descriptors } from '../../descriptors.js';
import { garbage_collector, is_node } from '../../machine.js';

const { AF_INET, AF_UNIX, SOCK_DGRAM, SOL_SOCKET, SCM_RIGHTS, CMSG_SPACE, MessageBatch } = socket;

const rights = (...fds: number[]): socket.ControlMessage => [SOL_SOCKET, SCM_RIGHTS, Int32Array.from(fds)];
const read_ints = (bytes: Buffer) => [...new Int32Array(Uint8Array.from(bytes).buffer)];
const code = (wanted: string) => expect.objectContaining({ code: wanted });

describe('over AF_UNIX', () => {
  let a: socket.socket<typeof AF_UNIX>;
  let b: socket.socket<typeof AF_UNIX>;
  beforeEach(() => {
    [a, b] = socket.socketpair(AF_UNIX, SOCK_DGRAM);
  });
  afterEach(() => {
    a.close();
    b.close();
  });

  it('sends and receives many', () => {
    expect(a.sendmmsg([[['one']], [['t', 'w', 'o']], [[]], [['four']]])).toBe(4);
    const messages = b.recvmmsg(10, 100);
    expect(messages.map(([data]) => data.toString())).toEqual(['one', 'two', '', 'four']);
    expect(messages.every(([, ancdata, flags]) => ancdata.length === 0 && flags === 0)).toBe(true);
  });

  it('waits for the first only', () => {
    b.settimeout(5);
    a.send('x');
    expect(b.recvmmsg(10, 10)).toHaveLength(1);
    b.settimeout(0.05);
    expect(() => b.recvmmsg(10, 10)).toThrow(socket.TimeoutError);
    b.settimeout(0);
    expect(() => b.recvmmsg(10, 10)).toThrow(code('EAGAIN'));
  });

  it('leaves what is more than vlen', () => {
    a.sendmmsg([[['1']], [['2']], [['3']]]);
    expect(b.recvmmsg(2, 10)).toHaveLength(2);
    expect(b.recv(10).toString()).toBe('3');
  });

  it('sends as many as there is room for', () => {
    a.settimeout(0);
    const messages = Array.from({ length: 5000 }, (): socket.Message<typeof AF_UNIX> => [['x']]);
    const sent = a.sendmmsg(messages);
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThanOrEqual(1024);
    expect(() => {
      for (;;) a.sendmmsg(messages);
    }).toThrow(code('EAGAIN'));
    a.settimeout(0.05);
    expect(() => a.sendmmsg(messages)).toThrow(socket.TimeoutError);
  });

  it('sends nothing', () => {
    expect(a.sendmmsg([])).toBe(0);
  });

  it('tells an error only where none went out', () => {
    const bad: socket.Message<typeof AF_UNIX> = [['x'], [rights(99_999)]];
    expect(a.sendmmsg([[['1']], [['2']], bad])).toBe(2);
    expect(() => a.sendmmsg([bad, [['1']]])).toThrow(code('EBADF'));
    expect(b.recvmmsg(10, 10)).toHaveLength(2);
  });

  it('keeps the flags of each message', () => {
    expect(
      a.sendmmsg([[['1']], [['2'], null, socket.MSG_DONTWAIT], [['3'], null, socket.MSG_DONTWAIT]]),
    ).toBe(3);
    // Out-of-band data is nothing for these: what went out before counts.
    expect(a.sendmmsg([[['4']], [['5'], [], socket.MSG_OOB], [['6']]])).toBe(1);
    expect(() => a.sendmmsg([[['5']]], socket.MSG_OOB)).toThrow(code('ENOTSUP'));
    expect(b.recvmmsg(10, 10).map(([data]) => data.toString())).toEqual(['1', '2', '3', '4']);
  });

  it('gives control messages and descriptors', () => {
    const before = open_descriptors();
    a.sendmmsg([[['x'], [rights(0, 1)]], [['y']], [['z'], [rights(0)]]]);
    const messages = b.recvmmsg(10, 10, CMSG_SPACE(8));
    const fds = messages.flatMap(([, ancdata]) => ancdata.flatMap(([, , data]) => read_ints(data)));
    expect(messages.map(([, ancdata]) => ancdata.length)).toEqual([1, 0, 1]);
    expect(fds).toHaveLength(3);
    expect(fds.every(is_open)).toBe(true);
    fds.forEach(socket.close);
    expect(open_descriptors()).toBe(before);
  });

  it('fills a batch again and again', () => {
    const batch = new MessageBatch<typeof AF_UNIX>(4, 8, CMSG_SPACE(4));
    expect(batch.count).toBe(0);
    for (let round = 0; round < 5; round++) {
      a.sendmmsg([[[`a${round}`]], [['too long for it']], [['']]]);
      expect(b.recvmmsg_into(batch)).toBe(3);
      expect(batch.count).toBe(3);
      expect([0, 1, 2].map((i) => batch.length(i))).toEqual([2, 8, 0]);
      expect([0, 1, 2].map((i) => batch.data(i).toString())).toEqual([`a${round}`, 'too long', '']);
      expect([0, 1, 2].map((i) => batch.flags(i))).toEqual([0, socket.MSG_TRUNC, 0]);
      expect([0, 1, 2].map((i) => batch.address(i))).toEqual([null, null, null]);
      expect([0, 1, 2].map((i) => batch.ancdata(i))).toEqual([[], [], []]);
    }
    a.send('too long for it');
    expect(b.recvmmsg_into(batch, socket.MSG_TRUNC)).toBe(1);
    expect([batch.length(0), batch.data(0).toString()]).toEqual([15, 'too long']);
    b.settimeout(0);
    expect(() => b.recvmmsg_into(batch)).toThrow(code('EAGAIN'));
    expect(batch.count).toBe(0);
    expect(() => batch.data(0)).toThrow(/no message was received/);
  });

  it('closes descriptors of a batch that nobody asked for', () => {
    const before = open_descriptors();
    const batch = new MessageBatch<typeof AF_UNIX>(4, 8, CMSG_SPACE(8));
    a.sendmmsg([
      [['x'], [rights(0, 0)]],
      [['y'], [rights(0)]],
    ]);
    b.recvmmsg_into(batch);
    expect(open_descriptors()).toBe(before + 3);
    const [taken] = read_ints(batch.ancdata(1)[0]?.[2] as Buffer);
    expect(batch.ancdata(1)[0]?.[2]).toHaveLength(4);
    a.send('z');
    b.recvmmsg_into(batch);
    expect(open_descriptors()).toBe(before + 1);
    expect(is_open(taken as number)).toBe(true);
    socket.close(taken as number);
    a.sendmmsg([[['x'], [rights(0, 0)]]]);
    b.recvmmsg_into(batch);
    batch[Symbol.dispose]();
    expect(open_descriptors()).toBe(before);
  });

  it('closes descriptors of a batch that was collected', async (ctx) => {
    const gc = garbage_collector(ctx);
    const before = open_descriptors();
    const receive = () => {
      a.sendmmsg([[['x'], [rights(0, 0)]]]);
      b.recvmmsg_into(new MessageBatch<typeof AF_UNIX>(1, 8, CMSG_SPACE(8)));
    };
    receive();
    expect(open_descriptors()).toBe(before + 2);
    for (let i = 0; i < 50 && open_descriptors() > before; i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(open_descriptors()).toBe(before);
  });

  it('trusts nothing that users can write', () => {
    const batch = new MessageBatch<typeof AF_UNIX>(2, 16, CMSG_SPACE(4));
    a.sendmmsg([[['one']], [['two'], [rights(0)]]]);
    b.recvmmsg_into(batch);
    const memory = batch.data(0).buffer as ArrayBuffer;
    const all = new Uint8Array(memory);
    all.fill(0xff);
    expect(all.length).toBe(32);
    expect([batch.length(0), batch.length(1), batch.flags(0)]).toEqual([3, 3, 0]);
    socket.close(read_ints(batch.ancdata(1)[0]?.[2] as Buffer)[0] as number);
    structuredClone(all, { transfer: [memory] });
    expect(() => batch.data(0)).toThrow(/batch is detached/);
    expect(() => b.recvmmsg_into(batch)).toThrow(/batch is detached/);
  });

  it('refuses a batch that a waiting call has', async (ctx) => {
    if (!is_node) ctx.skip('needs listeners of signals that run during a call');
    const batch = new MessageBatch<typeof AF_UNIX>(1, 1);
    let nested: unknown;
    process.once('SIGUSR2', () => {
      try {
        b.recvmmsg_into(batch);
      } catch (error) {
        nested = error;
      }
      a.send('x');
    });
    b.settimeout(5);
    const { spawn } = await import('node:child_process');
    const killer = spawn('sh', ['-c', `sleep 0.2; kill -USR2 ${process.pid}`]);
    expect(b.recvmmsg_into(batch)).toBe(1);
    expect(nested).toEqual(code('EBUSY'));
    await new Promise((resolve) => killer.once('exit', resolve));
  });
});

describe('over UDP', () => {
  it('sends to addresses and tells senders', () => {
    using a = new socket.socket(AF_INET, SOCK_DGRAM);
    using b = new socket.socket(AF_INET, SOCK_DGRAM);
    using c = new socket.socket(AF_INET, SOCK_DGRAM);
    for (const sock of [a, b, c]) sock.bind(['127.0.0.1', 0]);
    const to_b = b.getsockname();
    const sent = a.sendmmsg([
      [['1'], [], 0, to_b],
      [['2'], [], 0, ['localhost', c.getsockname()[1]]],
      [['3'], [], 0, to_b],
    ]);
    expect(sent).toBe(3);
    c.sendto('4', to_b);
    const messages = b.recvmmsg(10, 10);
    expect(messages.map(([data, , , address]) => [data.toString(), address])).toEqual([
      ['1', a.getsockname()],
      ['3', a.getsockname()],
      ['4', c.getsockname()],
    ]);
    expect(c.recv(10).toString()).toBe('2');
    const batch = new MessageBatch<typeof AF_INET>(4, 10);
    c.sendmmsg([[['5'], null, null, to_b]]);
    b.recvmmsg_into(batch);
    expect(batch.address(0)).toEqual(c.getsockname());
    expect(() => a.sendmmsg([[['1']]])).toThrow(code('EDESTADDRREQ'));
  });
});

describe('refuses', () => {
  const [a, b] = socket.socketpair(AF_UNIX, SOCK_DGRAM);
  const untyped = a as unknown as Record<string, (...args: unknown[]) => unknown>;
  const fails: [string, unknown[], RegExp][] = [
    ['sendmmsg', [], /TypeError: messages must be an array/],
    ['sendmmsg', [['x']], /TypeError: messages\[0\] must be an array/],
    ['sendmmsg', [[[]]], /TypeError: messages\[0\] must have 1 to 4 elements/],
    ['sendmmsg', [[['x']]], /TypeError: messages\[0\]: buffers must be an array/],
    ['sendmmsg', [[[[1]]]], /TypeError: messages\[0\]: buffers\[0\] must be a string or bytes/],
    ['sendmmsg', [[[['x'], 1]]], /TypeError: messages\[0\]: ancdata must be an array/],
    ['sendmmsg', [[[['x'], [[1]]]]], /TypeError: messages\[0\]: ancdata\[0\] must have 3/],
    ['sendmmsg', [[[['x'], null, 'f']]], /TypeError: messages\[0\]: flags must be an integer/],
    ['sendmmsg', [[[Array(1025).fill('x')]]], /EMSGSIZE.*argument 1 is too long/],
    ['sendmmsg', [[], 1.5], /TypeError: flags/],
    ['recvmmsg', [0, 10], /RangeError: vlen/],
    ['recvmmsg', [1025, 10], /RangeError: vlen/],
    ['recvmmsg', [-1, 10], /RangeError: vlen/],
    ['recvmmsg', [1, -1], /RangeError: bufsize/],
    ['recvmmsg', [1024, 2 ** 40], /RangeError: bufsize/],
    ['recvmmsg', [1, 1, -1], /RangeError: ancbufsize/],
    ['recvmmsg', [1, 1, 0, 'x'], /TypeError: flags/],
    ['recvmmsg', ['1', 1], /TypeError: vlen/],
    ['recvmmsg_into', [], /TypeError: batch must be a MessageBatch/],
    ['recvmmsg_into', [Buffer.alloc(10)], /TypeError: batch must be a MessageBatch/],
    ['recvmmsg_into', [Object.create(MessageBatch.prototype)], /TypeError/],
    ['recvmmsg_into', [new MessageBatch(1, 1), 1.5], /TypeError: flags/],
  ];
  it.each(fails)('%s(%j)', (method, args, message) => {
    const result = (() => {
      try {
        return untyped[method]?.apply(a, args);
      } catch (error) {
        return String(error);
      }
    })();
    expect(result).toMatch(message);
  });

  it('a bad index', () => {
    const batch = new MessageBatch<typeof AF_UNIX>(2, 2);
    b.send('x');
    a.recvmmsg_into(batch);
    for (const method of ['length', 'data', 'address', 'ancdata', 'flags'] as const) {
      expect(() => batch[method](1)).toThrow(RangeError);
      expect(() => batch[method](-1)).toThrow(RangeError);
      expect(() => batch[method]('0' as never)).toThrow(TypeError);
    }
  });

  it('a closed socket', () => {
    const [c, d] = socket.socketpair(AF_UNIX, SOCK_DGRAM);
    c.close();
    expect(() => c.sendmmsg([[['x']]])).toThrow(code('EBADF'));
    expect(() => c.recvmmsg(1, 1)).toThrow(code('EBADF'));
    expect(() => c.recvmmsg_into(new MessageBatch(1, 1))).toThrow(code('EBADF'));
    d.close();
  });
});

it('messages of the same sender, of others, and of none have addresses of their own', () => {
  const receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
  receiver.bind(['127.0.0.1', 0]);
  const senders = [0, 1].map(() => socket.socket(socket.AF_INET, socket.SOCK_DGRAM));
  for (const sock of senders) sock.bind(['127.0.0.1', 0]);
  for (const index of [0, 0, 1, 0, 0]) senders[index]?.sendto(`from ${index}`, receiver.getsockname());
  const messages = receiver.recvmmsg(10, 100);
  const [first, second] = senders.map((sock) => sock.getsockname());
  expect(messages.map(([bytes, , , address]) => [String(bytes), address])).toEqual([
    ['from 0', first],
    ['from 0', first],
    ['from 1', second],
    ['from 0', first],
    ['from 0', first],
  ]);
  expect(messages[0]?.[3]).not.toBe(messages[1]?.[3]);
  for (const sock of [receiver, ...senders]) sock.close();
});
