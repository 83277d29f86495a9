// select(), poll() and epoll(): their events and results, descriptors of any number, misuse. test/conformance/select.test.ts
// compares them with Python.
import { closeSync, openSync } from 'node:fs';
import * as promises from 'bsd-sockets/promises';
import * as selectors from 'bsd-sockets/selectors';
import * as socket from 'bsd-sockets/socket';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { is_open, open_descriptors } from '../../descriptors.js';
import { garbage_collector, needs_large_sets } from '../../machine.js';

const { EPOLLET, EPOLLHUP, EPOLLIN, EPOLLONESHOT, EPOLLOUT, EPOLLPRI } = selectors;
const { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT } = selectors;
const UNOPENED = 500_000;

let a: socket.socket<1>;
let b: socket.socket<1>;
beforeEach(() => {
  [a, b] = socket.socketpair();
});
afterEach(() => {
  a.close();
  b.close();
});

/** Calls a function with arguments of any type. */
const call = (action: (...values: never[]) => unknown, self: unknown, ...values: unknown[]) =>
  Reflect.apply(action, self, values);

/** Returns two ends of a TCP connection; a byte of out-of-band data has arrived at the second. */
function urgent(): [socket.socket, socket.socket] {
  const server = socket.create_server(['127.0.0.1', 0]);
  const client = socket.create_connection(server.getsockname());
  const [conn] = server.accept();
  server.close();
  client.send('!', socket.MSG_OOB);
  return [client, conn];
}

describe('select', () => {
  test('gives back what is ready of each list, as it was given', () => {
    expect(selectors.select([a, b], [a, b], [a], 0)).toEqual([[], [a, b], []]);
    b.send('x');
    const number = a.fileno();
    expect(selectors.select([number, a, number, b], [b], [])).toEqual([[number, a, number], [b], []]);
    expect(selectors.select(new Set([a]), [], [], null)).toEqual([[a], [], []]);
  });

  test('waits as long as the time-out says', () => {
    const start = performance.now();
    expect(selectors.select([a], [], [], 0.0301)).toEqual([[], [], []]);
    expect(performance.now() - start).toBeGreaterThanOrEqual(30.1);
    expect(selectors.select([], [], [], 0)).toEqual([[], [], []]);
  });

  test('out-of-band data is exceptional', () => {
    const [client, conn] = urgent();
    expect(selectors.select([], [], [conn])).toEqual([[], [], [conn]]);
    client.close();
    conn.close();
  });

  test('a hang-up is nothing exceptional, and wakes no writer that has no room', () => {
    b.close();
    expect(selectors.select([a], [], [a])).toEqual([[a], [], []]);
    expect(selectors.select([], [], [a], 0.01)).toEqual([[], [], []]);
  });

  test('numbers beyond 1,024', (ctx) => {
    needs_large_sets(ctx);
    const copies = Array.from({ length: 1_100 }, () => a.dup());
    const last = copies.at(-1) as socket.socket<1>;
    expect(last.fileno()).toBeGreaterThan(1_024);
    expect(selectors.select([last], [], [], 0)).toEqual([[], [], []]);
    b.send('x');
    expect(selectors.select([...copies], [last], [last])).toEqual([copies, [last], []]);
    for (const copy of copies) copy.close();
  });

  test('a descriptor that is not open is EBADF, whatever its number', (ctx) => {
    needs_large_sets(ctx);
    const closed = openSync('/dev/null', 'r');
    closeSync(closed);
    for (const fd of [closed, 900, UNOPENED, 2 ** 31 - 1]) {
      expect(() => selectors.select([a, fd], [], [], 0)).toThrow(
        expect.objectContaining({ name: 'OSError', code: 'EBADF', syscall: 'select' }),
      );
    }
  });

  test('wrong arguments name themselves', () => {
    const select = (...values: unknown[]) => call(selectors.select, undefined, ...values);
    expect(() => select(a, [], [])).toThrow(/^rlist must be an array or another iterable/);
    expect(() => select([], 3, [])).toThrow(/^wlist must be an array/);
    expect(() => select([], [])).toThrow(/^xlist must be an array/);
    expect(() => select([], [b, 'x'], [])).toThrow(
      /^wlist\[1\] must be a descriptor's number or have fileno\(\)/,
    );
    expect(() => select([1.5], [], [])).toThrow(TypeError);
    expect(() => select([-1], [], [])).toThrow(/^rlist\[0\] must be between 0 and/);
    expect(() => select([{ fileno: () => -2 }], [], [])).toThrow(RangeError);
    a.close();
    expect(() => select([], [], [a])).toThrow(/^xlist\[0\] is closed/);
    for (const timeout of [-1, Number.NaN, 1e300])
      expect(() => select([], [], [], timeout)).toThrow(RangeError);
    expect(() => select([], [], [], '1')).toThrow(/^timeout must be a number of seconds or null/);
  });
});

describe('poll', () => {
  test('tells the events of each descriptor, in the order of registration', () => {
    const poller = selectors.poll();
    poller.register(b, POLLIN);
    poller.register(a);
    expect(poller.poll(0)).toEqual([[a.fileno(), POLLOUT]]);
    a.send('x');
    expect(poller.poll()).toEqual([
      [b.fileno(), POLLIN],
      [a.fileno(), POLLOUT],
    ]);
    poller.modify(a, POLLIN);
    poller.register(b.fileno(), POLLOUT);
    expect(poller.poll()).toEqual([[b.fileno(), POLLOUT]]);
    poller.unregister(b);
    expect(poller.poll(0)).toEqual([]);
  });

  test('a mask of nothing still tells of errors, hang-ups and closed descriptors', () => {
    const poller = new selectors.poll();
    poller.register(a, 0);
    poller.register(UNOPENED, 0);
    expect(poller.poll()).toEqual([[UNOPENED, POLLNVAL]]);
    poller.unregister(UNOPENED);
    b.close();
    expect(poller.poll()).toEqual([[a.fileno(), POLLHUP]]);
    const refused = socket.socket();
    refused.setblocking(false);
    refused.connect_ex(['127.0.0.1', 1]);
    poller.unregister(a);
    poller.register(refused, 0);
    expect((poller.poll()[0]?.[1] ?? 0) & POLLERR).toBe(POLLERR);
    refused.close();
  });

  test('a time-out is in milliseconds and never ends early; a negative one never', () => {
    const poller = selectors.poll();
    poller.register(a, POLLIN);
    const start = performance.now();
    expect(poller.poll(20.5)).toEqual([]);
    expect(performance.now() - start).toBeGreaterThanOrEqual(20.5);
    b.send('x');
    expect(poller.poll(-5)).toHaveLength(1);
  });

  test('wrong arguments name themselves', () => {
    const poller = selectors.poll();
    const register = (...values: unknown[]) => call(poller.register, poller, ...values);
    for (const mask of [-1, 65_536])
      expect(() => register(a, mask)).toThrow(/^eventmask must be between 0 and/);
    for (const mask of [1.5, '1', {}])
      expect(() => register(a, mask)).toThrow(/^eventmask must be an integer/);
    expect(() => register('x')).toThrow(/^fd must be a descriptor's number/);
    expect(() => register(-1)).toThrow(RangeError);
    expect(() => poller.modify(a, POLLIN)).toThrow(
      expect.objectContaining({ name: 'FileNotFoundError', code: 'ENOENT' }),
    );
    expect(() => call(poller.modify, poller, a)).toThrow(TypeError);
    expect(() => poller.unregister(a)).toThrow(expect.objectContaining({ name: 'KeyError' }));
    const poll = (value: unknown) => call(poller.poll, poller, value);
    for (const timeout of [Number.NaN, 2 ** 31])
      expect(() => poll(timeout)).toThrow(/^timeout must be at most/);
    for (const timeout of ['1', {}, true])
      expect(() => poll(timeout)).toThrow(/^timeout must be a number or null/);
    expect(poller.poll(0)).toEqual([]);
  });
});

describe('epoll', () => {
  let poller: selectors.epoll;
  beforeEach(() => {
    poller = selectors.epoll();
  });
  afterEach(() => poller.close());

  test('tells the events of each descriptor, level-triggered', () => {
    poller.register(a);
    expect(poller.poll(0)).toEqual([[a.fileno(), EPOLLOUT]]);
    poller.modify(a, EPOLLIN);
    expect(poller.poll(0.01)).toEqual([]);
    b.send('x');
    for (let i = 0; i < 3; i++) expect(poller.poll()).toEqual([[a.fileno(), EPOLLIN]]);
    poller.unregister(a.fileno());
    expect(poller.poll(0)).toEqual([]);
  });

  test('EPOLLET tells once, as the negative number that | makes of it, too', () => {
    expect(EPOLLIN | EPOLLET).toBeLessThan(0);
    poller.register(a, EPOLLIN | EPOLLET);
    b.send('x');
    expect(poller.poll(0)).toEqual([[a.fileno(), EPOLLIN]]);
    expect(poller.poll(0)).toEqual([]);
    b.send('y');
    expect(poller.poll(0)).toEqual([[a.fileno(), EPOLLIN]]);
  });

  test('EPOLLONESHOT disables until it is modified', () => {
    poller.register(a, EPOLLOUT | EPOLLONESHOT);
    expect(poller.poll(0)).toHaveLength(1);
    expect(poller.poll(0)).toEqual([]);
    poller.modify(a, EPOLLOUT | EPOLLONESHOT);
    expect(poller.poll(0)).toHaveLength(1);
  });

  test('out-of-band data and hang-ups', () => {
    const [client, conn] = urgent();
    poller.register(conn, EPOLLPRI);
    expect(poller.poll()).toEqual([[conn.fileno(), EPOLLPRI]]);
    client.close();
    conn.close();
    poller.register(a, 0);
    b.close();
    expect(poller.poll()).toEqual([[a.fileno(), EPOLLHUP]]);
  });

  test('maxevents: so many at a time, each in its turn', () => {
    const copies = Array.from({ length: 5 }, () => a.dup());
    for (const copy of copies) poller.register(copy, EPOLLOUT);
    const turns = [poller.poll(0, 2), poller.poll(0, 2), poller.poll(0, 2)];
    expect(turns.map((ready) => ready.length)).toEqual([2, 2, 2]);
    expect(new Set(turns.flat().map(([fd]) => fd)).size).toBe(5);
    expect(poller.poll(0, -1)).toHaveLength(5);
    expect(poller.poll(0, 2 ** 31 - 1)).toHaveLength(5);
    for (const copy of copies) copy.close();
  });

  test('a time-out is in seconds and never ends early', () => {
    const start = performance.now();
    expect(poller.poll(0.0101)).toEqual([]);
    expect(performance.now() - start).toBeGreaterThanOrEqual(10.1);
    poller.register(a, EPOLLOUT);
    expect(poller.poll(-1)).toHaveLength(1);
  });

  test('a descriptor that is closed is no longer watched', () => {
    poller.register(a);
    a.close();
    expect(poller.poll(0)).toEqual([]);
  });

  test('close-on-exec, and fromfd takes over a descriptor', () => {
    const before = open_descriptors();
    const given = selectors.epoll(10, selectors.EPOLL_CLOEXEC);
    const fd = given.fileno();
    expect(socket.fromfd).toBeTypeOf('function');
    const other = selectors.epoll.fromfd(fd);
    expect([other.fileno(), other.closed]).toEqual([fd, false]);
    other.register(a, EPOLLOUT);
    expect(given.poll(0)).toHaveLength(1);
    other.close();
    expect([other.closed, is_open(fd)]).toEqual([true, false]);
    expect(() => given.poll(0)).toThrow(expect.objectContaining({ code: 'EBADF' }));
    given.close();
    expect(open_descriptors()).toBe(before);
    expect(() => selectors.epoll.fromfd(UNOPENED)).toThrow(expect.objectContaining({ code: 'EBADF' }));
  });

  test('closed: every call says so, but close()', () => {
    expect(poller.closed).toBe(false);
    poller[Symbol.dispose]();
    poller.close();
    expect(poller.closed).toBe(true);
    const calls = [
      () => poller.fileno(),
      () => poller.poll(0),
      () => poller.register(a),
      () => poller.modify(a, 1),
      () => poller.unregister(a),
    ];
    for (const one of calls) expect(one).toThrow(new RangeError('I/O operation on closed epoll object'));
  });

  test('one that is collected closes its descriptor, without a warning', async (ctx) => {
    const collect = garbage_collector(ctx);
    const warnings: Error[] = [];
    const warned = (warning: Error) => warnings.push(warning);
    process.on('warning', warned);
    const before = open_descriptors();
    const make = () => Array.from({ length: 10 }, () => selectors.epoll().fileno());
    const fds = make();
    for (let i = 0; i < 100 && fds.some(is_open); i++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      collect();
    }
    expect(open_descriptors()).toBe(before);
    expect(warnings).toEqual([]);
    process.off('warning', warned);
  });

  test('wrong arguments name themselves; the kernel refuses what only it can know', () => {
    const register = (...values: unknown[]) => call(poller.register, poller, ...values);
    for (const mask of [2 ** 32, -(2 ** 31) - 1])
      expect(() => register(a, mask)).toThrow(/^eventmask must be/);
    for (const mask of [1.5, '1', {}])
      expect(() => register(a, mask)).toThrow(/^eventmask must be an integer/);
    expect(() => register('x')).toThrow(/^fd must be a descriptor's number/);
    expect(() => register(-1)).toThrow(RangeError);
    const code = (name: string) => expect.objectContaining({ syscall: 'epoll_ctl', code: name });
    expect(() => register(UNOPENED)).toThrow(code('EBADF'));
    expect(() => register(poller)).toThrow(code('EINVAL'));
    expect(() => poller.modify(a, 1)).toThrow(code('ENOENT'));
    expect(() => poller.unregister(a)).toThrow(code('ENOENT'));
    register(a);
    expect(() => register(a)).toThrow(code('EEXIST'));
    const poll = (...values: unknown[]) => call(poller.poll, poller, ...values);
    for (const maxevents of [0, -2, 2 ** 31]) expect(() => poll(0, maxevents)).toThrow(/^maxevents must be/);
    expect(() => poll(0, 1.5)).toThrow(TypeError);
    for (const timeout of [Number.NaN, 1e10]) expect(() => poll(timeout)).toThrow(/^timeout must be at most/);
    expect(() => poll('1')).toThrow(TypeError);
    const epoll = (...values: unknown[]) => call(selectors.epoll, undefined, ...values);
    for (const sizehint of [0, -2, 2 ** 31]) expect(() => epoll(sizehint)).toThrow(/^sizehint must be/);
    expect(() => epoll(-1, 5)).toThrow(/^flags must be 0 or EPOLL_CLOEXEC/);
    expect(() => epoll('x')).toThrow(TypeError);
    expect(() => call(selectors.epoll.fromfd, undefined, -1)).toThrow(RangeError);
    expect(() => call(selectors.epoll.fromfd, undefined, 'x')).toThrow(TypeError);
  });
});

test('sockets of promises are waited for as well', async () => {
  const [c, d] = promises.socketpair();
  await d.sendall('x');
  expect(selectors.select([c], [], [])).toEqual([[c], [], []]);
  expect(String(await c.recv(1))).toBe('x');
  c.close();
  d.close();
});
