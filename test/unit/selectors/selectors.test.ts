// The selectors: registering, waiting, closed file objects, misuse. test/conformance/selectors.test.ts compares them with Python.
import { closeSync, openSync, readFileSync } from 'node:fs';
import * as promises from 'bsd-sockets/promises';
import * as selectors from 'bsd-sockets/selectors';
import * as socket from 'bsd-sockets/socket';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { open_descriptors } from '../../descriptors.js';
import { needs_large_sets } from '../../machine.js';

const { EVENT_READ, EVENT_WRITE } = selectors;
const classes = [selectors.EpollSelector, selectors.PollSelector, selectors.SelectSelector];

describe.each(classes.map((Selector) => ({ name: Selector.name, Selector })))('$name', ({ Selector }) => {
  let sel: selectors.EpollSelector | selectors.PollSelector | selectors.SelectSelector;
  let a: socket.socket<1>;
  let b: socket.socket<1>;
  beforeEach(() => {
    sel = Selector();
    [a, b] = socket.socketpair();
  });
  afterEach(() => {
    sel.close();
    a.close();
    b.close();
  });
  const told = (ready: selectors.Ready) => ready.map(([{ data }, events]) => [data, events]);

  test('tells who is ready, for what was asked', () => {
    sel.register(a, EVENT_READ, 'a');
    sel.register(b, EVENT_READ | EVENT_WRITE, 'b');
    expect(told(sel.select())).toEqual([['b', EVENT_WRITE]]);
    b.send('x');
    expect(told(sel.select()).sort()).toEqual([
      ['a', EVENT_READ],
      ['b', EVENT_WRITE],
    ]);
    // The byte has not been read, so select() reports it again.
    expect(told(sel.select())).toContainEqual(['a', EVENT_READ]);
  });

  test('waits as long as the time-out says, and gives nothing then', () => {
    sel.register(a, EVENT_READ);
    const start = performance.now();
    expect(sel.select(0.0501)).toEqual([]);
    expect(performance.now() - start).toBeGreaterThanOrEqual(50.1);
    expect(sel.select(0)).toEqual([]);
    expect(sel.select(-1)).toEqual([]);
    expect(sel.select(0n as unknown as number)).toEqual([]);
  });

  test('waits with nothing registered', () => {
    expect(sel.select(0.01)).toEqual([]);
  });

  test('keys: by name, by number, in order', () => {
    const key = sel.register(a, EVENT_READ, { state: 1 });
    expect(key).toBeInstanceOf(selectors.SelectorKey);
    expect([key.fileobj, key.fd, key.events, key.data]).toEqual([a, a.fileno(), EVENT_READ, { state: 1 }]);
    expect([key[0], key[1], key[2], key[3], key.length]).toEqual([a, key.fd, EVENT_READ, { state: 1 }, 4]);
    const [fileobj, fd, events, data] = key;
    expect([fileobj, fd, events, data]).toEqual([...key]);
    expect(`${selectors.SelectorKey(3, 3, 1, 'x')}`).toBe(
      "SelectorKey { fileobj: 3, fd: 3, events: 1, data: 'x' }",
    );
    expect(sel.register(b.fileno(), EVENT_READ).data).toBeNull();
  });

  test('modify changes what is waited for and what is attached', () => {
    sel.register(a, EVENT_READ, 'first');
    const key = sel.modify(a, EVENT_WRITE, 'second');
    expect([key.events, key.data]).toEqual([EVENT_WRITE, 'second']);
    expect(told(sel.select(0))).toEqual([['second', EVENT_WRITE]]);
    expect(sel.modify(a, EVENT_WRITE, 'third').data).toBe('third');
    expect(sel.modify(a, EVENT_WRITE, 'third')).toBe(sel.get_key(a));
    expect(sel.modify(a, EVENT_WRITE).data).toBeNull();
  });

  test('the map is a live view, by file object and by descriptor', () => {
    const map = sel.get_map();
    expect(map?.size).toBe(0);
    const key = sel.register(a, EVENT_READ, 'a');
    expect([map?.size, map?.get(a), map?.get(a.fileno()), map?.get(b)]).toEqual([1, key, key, undefined]);
    expect([map?.has(a), map?.has(b)]).toEqual([true, false]);
    expect([...(map?.keys() ?? [])]).toEqual([a.fileno()]);
    expect([...(map?.values() ?? [])]).toEqual([key]);
    expect([...(map ?? [])]).toEqual([...(map?.entries() ?? [])]);
    expect(sel.get_key(a)).toBe(key);
    sel.unregister(a);
    expect(map?.size).toBe(0);
  });

  test('a file object that was closed is unregistered by itself', () => {
    const key = sel.register(a, EVENT_READ, 'a');
    a.close();
    expect(a.fileno()).toBe(-1);
    expect(sel.get_key(a)).toBe(key);
    expect(sel.unregister(a)).toBe(key);
    expect(() => sel.unregister(a)).toThrow(RangeError);
    expect(sel.get_map()?.size).toBe(0);
  });

  test('the number of a closed file object is given out again, and registers', () => {
    sel.register(a, EVENT_READ, 'old');
    const fd = a.fileno();
    a.close();
    const again = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM);
    expect(again.fileno()).toBe(fd);
    sel.unregister(a);
    sel.register(again, EVENT_WRITE, 'new');
    expect(told(sel.select(0))).toEqual([['new', EVENT_WRITE]]);
    again.close();
  });

  test('numbers, sockets of promises, whatever has fileno()', () => {
    const [c, d] = promises.socketpair();
    sel.register(a.fileno(), EVENT_WRITE, 'number');
    sel.register(c, EVENT_WRITE, 'promises');
    sel.register({ fileno: () => d.fileno() }, EVENT_WRITE, 'object');
    expect(told(sel.select()).map(([data]) => data)).toEqual(['number', 'promises', 'object']);
    expect(sel.unregister(a).data).toBe('number');
    c.close();
    d.close();
  });

  test('the end of the stream makes it readable', () => {
    sel.register(a, EVENT_READ, 'a');
    b.close();
    expect(told(sel.select())).toEqual([['a', EVENT_READ]]);
  });

  test('a closed selector refuses everything, and closing it again is allowed', () => {
    sel.register(a, EVENT_READ);
    sel.close();
    sel.close();
    expect(sel.get_map()).toBeNull();
    const closed = expect.objectContaining({ name: 'RuntimeError', message: 'Selector is closed' });
    expect(() => sel.get_key(a)).toThrow(closed);
    expect(() => sel.register(b, EVENT_READ)).toThrow(closed);
    expect(() => sel.modify(a, EVENT_WRITE)).toThrow(closed);
    expect(() => sel.unregister(a)).toThrow(closed);
    expect(() => sel.select(0)).toThrow(closed);
  });

  test('Symbol.dispose closes it', () => {
    sel[Symbol.dispose]();
    expect(sel.get_map()).toBeNull();
  });

  test('a class of its own', () => {
    class Mine extends selectors.DefaultSelector<string> {
      override register(fileobj: selectors.FileObject, events: number, data = 'mine') {
        return super.register(fileobj, events, data);
      }
    }
    const mine = new Mine();
    expect(mine).toBeInstanceOf(selectors.EpollSelector);
    expect(mine).toBeInstanceOf(selectors.BaseSelector);
    expect(mine.register(a, EVENT_WRITE).data).toBe('mine');
    expect(mine.select()[0]?.[0].data).toBe('mine');
    mine.close();
  });

  test('wrong arguments name themselves and register nothing', () => {
    const call = (name: 'register' | 'modify' | 'select', ...values: unknown[]) =>
      (sel[name] as (...values: unknown[]) => unknown).apply(sel, values);
    const before = open_descriptors();
    for (const events of [0, 4, 7, -1, 2 ** 31, -(2 ** 40)]) {
      expect(() => call('register', a, events), String(events)).toThrow(/^events must be /);
      expect(() => call('register', a, events)).toThrow(RangeError);
    }
    for (const events of [1.5, '1', null, undefined, {}, [1]]) {
      expect(() => call('register', a, events), String(events)).toThrow(TypeError);
      expect(() => call('register', a, events)).toThrow(/^events must be an integer/);
    }
    for (const fileobj of ['x', null, undefined, {}, { fd: 1 }, { fileno: 3 }, 1.5, Number.NaN, true]) {
      expect(() => call('register', fileobj, 1), String(fileobj)).toThrow(/^fileobj must be /);
      expect(() => call('modify', fileobj, 1)).toThrow(/^fileobj must be /);
    }
    expect(() => call('register', { fileno: () => 'x' }, 1)).toThrow(
      /^fileobj\.fileno\(\) must be an integer/,
    );
    expect(() => call('register', -1, 1)).toThrow(RangeError);
    expect(() => call('register', 2 ** 31, 1)).toThrow(RangeError);
    const closed = socket.socket();
    closed.close();
    expect(() => call('register', closed, 1)).toThrow(/^fileobj is closed/);
    const broken = {
      fileno() {
        throw new Error('its own');
      },
    };
    expect(() => call('register', broken, 1)).toThrow('its own');
    for (const timeout of ['1', {}, [], true]) {
      expect(() => call('select', timeout)).toThrow(/^timeout must be a number or null/);
    }
    for (const timeout of [Number.NaN, Number.POSITIVE_INFINITY, 2 ** 40]) {
      expect(() => call('select', timeout)).toThrow(/^timeout must be at most/);
    }
    expect(sel.get_map()?.size).toBe(0);
    expect(open_descriptors()).toEqual(before);
  });

  test('unknown file objects, and one registered twice, are a KeyError', () => {
    const key_error = (message: RegExp) =>
      expect.objectContaining({ name: 'KeyError', message: expect.stringMatching(message) });
    for (const call of [() => sel.unregister(a), () => sel.modify(a, 1), () => sel.get_key(a)]) {
      expect(call).toThrow(key_error(/^<socket fd=\d+, .*> is not registered$/));
    }
    expect(() => sel.unregister(999_999)).toThrow(key_error(/^fd 999999 is not registered$/));
    sel.register(a, 1);
    expect(() => sel.register(a, 2)).toThrow(
      key_error(/^<socket fd=\d+, .*> is already registered \(fd \d+\)$/),
    );
    expect(() => sel.register(a.fileno(), 2)).toThrow(key_error(/^fd \d+ is already registered$/));
    expect(sel.get_key(a).events).toBe(1);
    expect(new selectors.KeyError('x')).toBeInstanceOf(socket.LookupError);
  });

  test('register, unregister and close 10,000 times leaves nothing open', () => {
    const before = open_descriptors();
    for (let i = 0; i < 10_000; i++) {
      const one = Selector();
      one.register(a, EVENT_READ);
      if (i % 3 === 0) one.select(0);
      if (i % 2 === 0) one.unregister(a);
      one.close();
    }
    expect(open_descriptors()).toEqual(before);
  });
});

test('files are always ready: poll and select say so, epoll refuses them', () => {
  const fd = openSync('/dev/null', 'r');
  const file = openSync(new URL(import.meta.url), 'r');
  for (const Selector of [selectors.PollSelector, selectors.SelectSelector]) {
    const sel = new Selector();
    sel.register(file, EVENT_READ | EVENT_WRITE);
    expect(sel.select().map(([key, events]) => [key.fd, events])).toEqual([[file, 3]]);
    sel.close();
  }
  const sel = selectors.EpollSelector();
  expect(() => sel.register(file, EVENT_READ)).toThrow(
    expect.objectContaining({ name: 'PermissionError', code: 'EPERM' }),
  );
  expect(sel.get_map()?.size).toBe(0);
  sel.close();
  closeSync(file);
  closeSync(fd);
});

test('a descriptor that is not open: epoll refuses it, poll tells of it, select fails', () => {
  const unopened = 500_000;
  const by_epoll = selectors.EpollSelector();
  expect(() => by_epoll.register(unopened, EVENT_READ)).toThrow(expect.objectContaining({ code: 'EBADF' }));
  expect(by_epoll.get_map()?.size).toBe(0);
  const by_poll = selectors.PollSelector();
  by_poll.register(unopened, EVENT_READ);
  expect(by_poll.select().map(([key, events]) => [key.fd, events])).toEqual([[unopened, EVENT_READ]]);
  const by_select = selectors.SelectSelector();
  by_select.register(unopened, EVENT_READ);
  expect(() => by_select.select()).toThrow(expect.objectContaining({ code: 'EBADF' }));
  for (const sel of [by_epoll, by_poll, by_select]) sel.close();
});

test('EpollSelector.fileno() can be registered itself', () => {
  const inner = selectors.EpollSelector();
  const outer = selectors.DefaultSelector();
  const [a, b] = socket.socketpair();
  inner.register(a, EVENT_READ);
  outer.register(inner, EVENT_READ);
  expect(outer.select(0)).toEqual([]);
  b.send('x');
  expect(outer.select().map(([key]) => key.fileobj)).toEqual([inner]);
  inner.close();
  expect(() => inner.fileno()).toThrow(RangeError);
  for (const one of [outer, a, b]) one.close();
});

test('5,000 descriptors', (ctx) => {
  needs_large_sets(ctx);
  const hard_limit = Number(
    /Max open files +\d+ +(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1],
  );
  if (hard_limit < 6_000) ctx.skip('ulimit -Hn is below 6,000');
  const [a, b] = socket.socketpair();
  const copies = Array.from({ length: 5_000 }, () => a.dup());
  for (const Selector of classes) {
    const sel = new Selector<number, socket.socket<1>>();
    for (const [index, copy] of copies.entries()) sel.register(copy, EVENT_READ, index);
    expect(sel.select(0)).toEqual([]);
    b.send('x');
    expect(
      sel
        .select()
        .map(([key]) => key.data)
        .sort((x, y) => x - y),
    ).toEqual(copies.map((_, i) => i));
    a.recv(1);
    expect(sel.select(0)).toEqual([]);
    sel.close();
  }
  for (const one of [a, b, ...copies]) one.close();
});

test('DefaultSelector is EpollSelector; BaseSelector is abstract', () => {
  expect(selectors.DefaultSelector).toBe(selectors.EpollSelector);
  const Base = selectors.BaseSelector as unknown as new () => unknown;
  expect(() => new Base()).toThrow(/abstract/);
});

test('a selector of the user: modify and get_key come from BaseSelector', async () => {
  class Mine extends selectors.BaseSelector<string, number> {
    readonly keys = new Map<number, selectors.SelectorKey<string, number>>();
    register(fileobj: number, events: number, data?: string | null) {
      const key = selectors.SelectorKey(fileobj, fileobj, events, data ?? 'none');
      this.keys.set(fileobj, key);
      return key;
    }
    unregister(fileobj: number) {
      const key = this.get_key(fileobj);
      this.keys.delete(fileobj);
      return key;
    }
    select(): selectors.Ready<string, number> {
      return [...this.keys.values()].map((key) => [key, key.events]);
    }
    get_map() {
      return this.keys;
    }
  }
  const mine = new Mine();
  mine.register(1, EVENT_READ);
  expect(mine.modify(1, EVENT_WRITE, 'x')).toBe(mine.get_key(1));
  expect(mine.select()).toHaveLength(1);
  expect(() => mine.get_key(2)).toThrow(selectors.KeyError);
  await expect(mine.select_async()).rejects.toThrow('Mine has no select_async()');
  mine[Symbol.dispose]();
});
