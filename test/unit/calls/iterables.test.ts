// Iterables in place of arrays: buffers, control messages, descriptors, messages, the lists of select(); each is asked once.

import { send_receive } from 'bsd-sockets/packet';
import * as promises from 'bsd-sockets/promises';
import { select } from 'bsd-sockets/selectors';
import * as socket from 'bsd-sockets/socket';
import { decode_control, encode_control } from 'bsd-sockets/structs';
import { afterEach, beforeEach, describe, expect, expectTypeOf, test } from 'vitest';
import { read_int } from '../../machine.js';

/** An iterable that counts how often it is asked and left. */
function counted<T>(...items: T[]) {
  const counts = { asked: 0, left: 0 };
  const iterable: Iterable<T> = {
    *[Symbol.iterator]() {
      counts.asked++;
      try {
        yield* items;
      } finally {
        counts.left++;
      }
    },
  };
  return { iterable, counts };
}

/** An iterable that fails where its first element is asked for. */
const failing = (): Iterable<never> => ({
  [Symbol.iterator]: () => ({
    next() {
      throw new Error('from the iterator');
    },
  }),
});

function* endless<T>(item: T): Generator<T> {
  for (;;) yield item;
}

const rights = (fd: number): socket.ControlMessage => [
  socket.SOL_SOCKET,
  socket.SCM_RIGHTS,
  Int32Array.of(fd),
];

describe.each(['blocking', 'promises'] as const)('%s', (kind) => {
  let a: socket.socket<1> | promises.socket<1>;
  let b: socket.socket<1>;
  /** The calls of the kind; those of promises go on where the first attempt must wait. */
  const send_fds = (...args: [Iterable<string>, Iterable<number>]) =>
    a instanceof socket.socket ? socket.send_fds(a, ...args) : promises.send_fds(a, ...args);
  beforeEach(() => {
    const [one, other] = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM);
    one.settimeout(5);
    other.settimeout(5);
    a = kind === 'blocking' ? one : promises.from_socket(one);
    b = other;
  });
  afterEach(() => {
    a.close();
    b.close();
  });
  const refused = async (call: () => unknown) => {
    try {
      await call();
    } catch (error) {
      return error;
    }
    throw new Error('accepted');
  };

  test('buffers and control messages', async () => {
    const buffers = counted<string | Buffer>('ab', Buffer.from('cd'));
    const controls = counted(rights(1));
    expect(await a.sendmsg(buffers.iterable, controls.iterable)).toBe(4);
    expect([buffers.counts, controls.counts]).toEqual([
      { asked: 1, left: 1 },
      { asked: 1, left: 1 },
    ]);
    const [data, ancdata] = b.recvmsg(10, 100);
    expect([data.toString(), ancdata.length]).toEqual(['abcd', 1]);
    socket.close(read_int(ancdata[0]![2]));
    expect(await a.sendmsg(new Set(['x', 'y']), new Set())).toBe(2);
    expect(await a.sendmsg(new Map([[1, 'z']]).values(), null, 0)).toBe(1);
    expect([b.recv(9).toString(), b.recv(9).toString()]).toEqual(['xy', 'z']);
  });

  test('recvmsg_into, send_fds, sendmmsg', async () => {
    b.send('hello');
    const into = [Buffer.alloc(2), Buffer.alloc(3)];
    expect((await a.recvmsg_into(into.values()))[0]).toBe(5);
    expect(Buffer.concat(into).toString()).toBe('hello');
    expect(await send_fds(['x'].values(), Int32Array.of(0, 1).values())).toBe(1);
    const [, fds] = socket.recv_fds(b, 10, 2);
    expect(fds).toHaveLength(2);
    for (const fd of fds) socket.close(fd);
    const buffers = counted('one');
    const messages = counted<socket.Message<1>>([buffers.iterable], [['two'].values(), [].values()]);
    expect(await a.sendmmsg(messages.iterable)).toBe(2);
    expect([buffers.counts.asked, messages.counts.asked]).toEqual([1, 1]);
    expect([b.recv(9).toString(), b.recv(9).toString()]).toEqual(['one', 'two']);
  });

  test('an iterator that throws is heard, and nothing is sent', async () => {
    for (const call of [
      () => a.sendmsg(failing()),
      () => a.sendmsg(['x'], failing()),
      () => a.recvmsg_into(failing()),
      () => a.sendmmsg(failing()),
      () => a.sendmmsg([[['x']], [failing()]]),
      () => send_fds(['x'], failing()),
    ]) {
      expect(await refused(call)).toEqual(new Error('from the iterator'));
    }
    b.settimeout(0);
    expect(() => b.recv(1)).toThrow(socket.BlockingIOError);
  });

  test('one without an end is left at the bound of the kernel', async () => {
    const too_long = /EMSGSIZE.*argument 1 is too long/;
    expect(String(await refused(() => a.sendmsg(endless('x'))))).toMatch(too_long);
    expect(String(await refused(() => a.recvmsg_into(endless(Buffer.alloc(1)))))).toMatch(too_long);
    expect(String(await refused(() => a.sendmsg(['x'], endless(rights(0)))))).toMatch(
      /RangeError: ancdata must have at most 65536 control messages/,
    );
    expect(String(await refused(() => send_fds(['x'], endless(0))))).toMatch(/EINVAL/);
    const messages = counted(...endless_rows());
    expect(await a.sendmmsg(messages.iterable, socket.MSG_DONTWAIT)).toBeGreaterThan(0);
    expect(messages.counts.left).toBe(1);
  });

  test('misuse: strings, bytes and other values are no iterables of buffers', async () => {
    for (const wrong of [
      'text',
      Buffer.from('bytes'),
      new DataView(new ArrayBuffer(1)),
      5,
      {},
      () => 1,
      null,
    ]) {
      const message = /TypeError: \S+ must be an array or another iterable, not /;
      const value = wrong as never;
      expect(String(await refused(() => a.sendmsg(value)))).toMatch(message);
      expect(String(await refused(() => a.recvmsg_into(value)))).toMatch(message);
      expect(String(await refused(() => a.sendmmsg(value)))).toMatch(message);
      expect(String(await refused(() => send_fds(['x'], value)))).toMatch(message);
    }
    expect(String(await refused(() => a.sendmsg(new Int32Array(1) as never)))).toMatch(
      /TypeError: buffers\[0\] must be a string or bytes .*, not 0/,
    );
  });

  test('misuse: a hole of an array is named, and is no descriptor 0', async () => {
    const hole = Array(1) as never;
    const calls: [() => unknown, RegExp][] = [
      [() => a.sendmsg(hole), /TypeError: buffers\[0\] must be a string or bytes .*, not undefined/],
      [() => a.sendmsg(['x'], hole), /TypeError: ancdata\[0\] must be an array, not undefined/],
      [() => a.recvmsg_into(hole), /TypeError: buffers\[0\] must be bytes .*, not undefined/],
      [() => a.sendmmsg(hole), /TypeError: messages\[0\] must be an array, not undefined/],
      [() => send_fds(['x'], hole), /TypeError: fds\[0\] must be an integer, not undefined/],
      [() => select(hole, [], [], 0), /TypeError: .* not undefined/],
    ];
    for (const [call, message] of calls) expect(String(await refused(call))).toMatch(message);
    b.settimeout(0);
    expect(() => b.recv(1)).toThrow(socket.BlockingIOError);
  });
});

function* endless_rows(): Generator<socket.Message<1>> {
  for (let i = 0; i < 2000; i++) yield [['x']];
}

test('a promise that waits asks its iterables before the first attempt, and not again', async () => {
  const [a, b] = promises.socketpair();
  const room = counted(Buffer.alloc(2), Buffer.alloc(8));
  const received = a.recvmsg_into(room.iterable);
  expect(room.counts).toEqual({ asked: 1, left: 1 });
  const behind = counted(Buffer.alloc(1));
  const second = a.recvmsg_into(behind.iterable);
  expect(behind.counts.asked).toBe(1);
  await b.sendall('data');
  expect((await received)[0]).toBe(4);
  await b.sendall('x');
  expect((await second)[0]).toBe(1);
  expect([room.counts.asked, behind.counts.asked]).toEqual([1, 1]);
  // The last argument is no object of options if it can be iterated.
  expect(await a.sendmsg(['x'], new Set())).toBe(1);
  a.close();
  b.close();
});

test('the lists of select()', () => {
  const [a, b] = socket.socketpair();
  expect(select(new Set([a]), [b].values(), new Set<number>(), 0)).toEqual([[], [b], []]);
  expect(() => select(failing(), [], [])).toThrow('from the iterator');
  expect(() => select(endless(a), [], [])).toThrow(
    new RangeError('rlist has too many descriptors: more than 1048576'),
  );
  expect(() => select('list' as never, [], [])).toThrow(/^rlist must be an array or another iterable/);
  a.close();
  b.close();
});

test('control messages as values, and filters', () => {
  const encoded = encode_control(new Set([{ type: 'IP_TTL', value: 5 } as const]));
  expect(encoded).toHaveLength(1);
  const messages = counted(...encoded);
  expect(decode_control(messages.iterable)).toEqual([{ type: 'IP_TTL', level: socket.SOL_IP, value: 5 }]);
  expect(messages.counts).toEqual({ asked: 1, left: 1 });
  const sock = new socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
  // ret #65535
  const rows = counted<socket.FilterRow>([6, 0, 0, 65_535]);
  sock.attach_filter(rows.iterable);
  expect(rows.counts).toEqual({ asked: 1, left: 1 });
  for (const call of [decode_control, encode_control, (rows: Iterable<never>) => sock.attach_filter(rows)]) {
    expect(() => call(failing())).toThrow('from the iterator');
    for (const wrong of [5, {}, null, Buffer.from('bytes')])
      expect(() => call(wrong as never)).toThrow(/^\w+ must be an array or another iterable, not /);
  }
  for (const call of [decode_control, encode_control])
    expect(() => call('text' as never)).toThrow(/^\w+ must be an array or another iterable, not "text"/);
  expect(() => decode_control(endless(rights(0)))).toThrow(
    new RangeError('ancdata must have at most 65536 control messages'),
  );
  expect(() => encode_control(endless({ type: 'IP_TTL', value: 5 } as const))).toThrow(RangeError);
  expect(() => sock.attach_filter(endless([6, 0, 0, 0]))).toThrow(
    new RangeError('program must have 1 to 4096 rows, not 4097'),
  );
  // A string is the text of tcpdump -ddd.
  expect(() => sock.attach_filter('text')).toThrow(/^program is not the output of tcpdump -ddd/);
  sock.close();
});

test('the packets of send_receive()', async () => {
  expect(await send_receive(new Set<never>())).toEqual({ answered: [], unanswered: [], notices: [] });
  await expect(send_receive(failing())).rejects.toThrow('from the iterator');
  await expect(send_receive(endless(Buffer.alloc(0)))).rejects.toThrow(RangeError);
  for (const wrong of ['text', Buffer.from('bytes'), 5, null])
    await expect(send_receive(wrong as never)).rejects.toThrow(
      /^packets must be an array or another iterable, not /,
    );
});

test('types: a string is no iterable of buffers', () => {
  expectTypeOf<string>().not.toExtend<Parameters<socket.socket['sendmsg']>[0]>();
  expectTypeOf<Buffer>().not.toExtend<Parameters<socket.socket['sendmsg']>[0]>();
  expectTypeOf<Set<string>>().toExtend<Parameters<socket.socket['sendmsg']>[0]>();
  expectTypeOf<Generator<Buffer>>().toExtend<Parameters<promises.socket['recvmsg_into']>[0]>();
  expectTypeOf<Generator<socket.Message<1>>>().toExtend<Parameters<promises.socket<1>['sendmmsg']>[0]>();
  expectTypeOf<Int32Array>().toExtend<Parameters<typeof promises.send_fds>[2]>();
});
