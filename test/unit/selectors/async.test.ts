// select_async(): the event loop goes on, and the result is that of select().
import { spawnSync } from 'node:child_process';
import { pbkdf2 } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import * as selectors from 'bsd-sockets/selectors';
import * as socket from 'bsd-sockets/socket';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { open_descriptors } from '../../descriptors.js';
import { needs_large_sets, slowness } from '../../machine.js';

const { EVENT_READ, EVENT_WRITE } = selectors;
const hard_limit = Number(/Max open files +\d+ +(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe.each(
  [selectors.EpollSelector, selectors.PollSelector, selectors.SelectSelector].map((Selector) => ({
    name: Selector.name,
    Selector,
  })),
)('$name', ({ Selector }) => {
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

  test('ready before, and ready after; what nobody reads is told again', async () => {
    sel.register(a, EVENT_READ, 'a');
    b.send('x');
    expect(told(await sel.select_async())).toEqual([['a', EVENT_READ]]);
    expect(told(await sel.select_async())).toEqual([['a', EVENT_READ]]);
    a.recv(10);
    setTimeout(() => b.send('y'), 20);
    expect(told(await sel.select_async())).toEqual([['a', EVENT_READ]]);
    expect(told(await sel.select_async(5))).toEqual([['a', EVENT_READ]]);
    expect(told(sel.select())).toEqual([['a', EVENT_READ]]);
  });

  test('the time-out gives nothing; 0 and less do not wait', async () => {
    sel.register(a, EVENT_READ);
    const start = performance.now();
    expect(await sel.select_async(0.05)).toEqual([]);
    expect(performance.now() - start).toBeGreaterThanOrEqual(49.9);
    expect(await sel.select_async(1e-9)).toEqual([]);
    expect(await sel.select_async(0)).toEqual([]);
    expect(await sel.select_async(-1)).toEqual([]);
  });

  test('what came while JavaScript was busy past the time-out is told', async () => {
    const timeout = 0.1 * slowness;
    sel.register(a, EVENT_READ, 'a');
    const selected = sel.select_async(timeout);
    await new Promise(setImmediate);
    b.send('x');
    const end = performance.now() + 2_000 * timeout;
    while (performance.now() < end);
    expect(told(await selected)).toEqual([['a', EVENT_READ]]);
  });

  test('sees what is registered, modified and unregistered while it waits', async () => {
    b.send('x');
    const first = sel.select_async();
    await sleep(5);
    sel.register(a, EVENT_READ, 'registered');
    expect(told(await first)).toEqual([['registered', EVENT_READ]]);
    a.recv(1);

    const second = sel.select_async();
    await sleep(5);
    sel.modify(a, EVENT_WRITE, 'modified');
    expect(told(await second)).toEqual([['modified', EVENT_WRITE]]);

    sel.modify(a, EVENT_READ);
    const third = sel.select_async(0.05);
    await sleep(5);
    sel.unregister(a);
    b.send('x');
    expect(await third).toEqual([]);
  });

  test('sees many changes in one turn', async () => {
    const others = Array.from({ length: 100 }, () => socket.socket(socket.AF_INET, socket.SOCK_DGRAM));
    const selected = sel.select_async();
    await sleep(5);
    for (const other of others) sel.register(other, EVENT_READ);
    for (const other of others) sel.unregister(other);
    for (const other of others) sel.register(other, EVENT_WRITE);
    expect(await selected).toHaveLength(100);
    for (const other of others) other.close();
  });

  test('one at a time', async () => {
    const first = sel.select_async(0.02);
    await expect(sel.select_async()).rejects.toThrow(
      expect.objectContaining({ name: 'RuntimeError', message: expect.stringContaining('one at a time') }),
    );
    expect(await first).toEqual([]);
    expect(await sel.select_async(0)).toEqual([]);
  });

  test('select() may be called meanwhile', async () => {
    sel.register(a, EVENT_READ, 'a');
    const selected = sel.select_async();
    await sleep(5);
    expect(sel.select(0)).toEqual([]);
    b.send('x');
    expect(sel.select()).toHaveLength(1);
    expect(told(await selected)).toEqual([['a', EVENT_READ]]);
  });

  test('close() rejects it, at once', async () => {
    const selected = sel.select_async();
    await sleep(5);
    sel.close();
    await expect(selected).rejects.toThrow(expect.objectContaining({ name: 'OSError', code: 'ECANCELED' }));
    await expect(sel.select_async()).rejects.toThrow(expect.objectContaining({ name: 'RuntimeError' }));
    const other = Selector();
    const not_begun = other.select_async();
    other.close();
    await expect(not_begun).rejects.toThrow(expect.objectContaining({ code: 'ECANCELED' }));
  });

  test('an abort rejects with its reason, and the selector goes on', async () => {
    sel.register(a, EVENT_READ, 'a');
    const reason = new Error('no longer');
    await expect(sel.select_async(null, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const aborter = new AbortController();
    const selected = sel.select_async(5, { signal: aborter.signal });
    await sleep(5);
    aborter.abort(reason);
    await expect(selected).rejects.toBe(reason);
    await expect(sel.select_async(null, { signal: AbortSignal.timeout(5) })).rejects.toThrow(/time(d )?out/);
    b.send('x');
    const unused = new AbortController().signal;
    expect(told(await sel.select_async(null, { signal: unused }))).toEqual([['a', EVENT_READ]]);
  });

  test('options in place of the time-out, and the time-out in them', async () => {
    sel.register(a, EVENT_READ, 'a');
    const reason = new Error('no longer');
    await expect(sel.select_async({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(await sel.select_async({ timeout: 0.01 })).toEqual([]);
    expect(await sel.select_async(undefined, { timeout: -1 })).toEqual([]);
    b.send('x');
    expect(told(await sel.select_async({ signal: null, timeout: undefined }))).toEqual([['a', EVENT_READ]]);
  });

  test('a promise, also for wrong arguments', async () => {
    const select_async = (...values: unknown[]) =>
      Reflect.apply(sel.select_async as (...values: unknown[]) => Promise<unknown>, sel, values);
    await expect(select_async('1')).rejects.toThrow(/^timeout must be a number or null/);
    await expect(select_async({ timeout: '1' })).rejects.toThrow(/^timeout must be a number or null/);
    await expect(select_async(null, { timeout: 1 })).rejects.toThrow(/^timeout is given twice/);
    await expect(select_async({ signal: undefined }, {})).rejects.toThrow(TypeError);
    await expect(select_async(Number.NaN)).rejects.toThrow(RangeError);
    await expect(select_async(1, 2)).rejects.toThrow(/^options must be an object/);
    await expect(select_async(1, { signal: {} })).rejects.toThrow(/^signal must be an AbortSignal/);
    expect(await sel.select_async(0)).toEqual([]);
  });

  test('timers run where something is always ready', async () => {
    sel.register(a, EVENT_WRITE);
    let fired = false;
    setTimeout(() => {
      fired = true;
    }, 1);
    for (let i = 0; i < 1_000_000 && !fired; i++) await sel.select_async();
    expect(fired).toBe(true);
  });

  test('file objects that are closed while it waits', async () => {
    sel.register(a, EVENT_READ, 'a');
    const [c, d] = socket.socketpair();
    sel.register(c, EVENT_READ, 'c');
    const selected = sel.select_async(5);
    await sleep(5);
    c.close();
    sel.unregister(c);
    b.send('x');
    expect(told(await selected)).toEqual([['a', EVENT_READ]]);
    d.close();
  });

  test('2,000 turns, and 1,000 aborted or closed ones, leave nothing open', async () => {
    sel.register(a, EVENT_READ);
    await sel.select_async(0);
    const before = open_descriptors();
    for (let i = 0; i < 2_000; i++) {
      const selected = sel.select_async();
      b.send('x');
      expect(await selected).toHaveLength(1);
      a.recv(1);
    }
    for (let i = 0; i < 500; i++) {
      const aborter = new AbortController();
      const aborted = sel.select_async(null, { signal: aborter.signal });
      const other = Selector();
      other.register(a, EVENT_READ);
      const closed = other.select_async();
      if (i % 2 === 0) await new Promise(setImmediate);
      aborter.abort();
      other.close();
      await expect(aborted).rejects.toThrow();
      await expect(closed).rejects.toThrow();
    }
    expect(open_descriptors()).toBe(before);
  });

  test('5,000 descriptors, of which one becomes ready', async (ctx) => {
    if (Selector === selectors.SelectSelector) needs_large_sets(ctx);
    if (hard_limit < 11_000) ctx.skip('ulimit -Hn is below 11,000');
    const pairs = Array.from({ length: 5_000 }, () => socket.socketpair());
    for (const [index, [one]] of pairs.entries()) sel.register(one, EVENT_READ, index);
    for (let i = 0; i < 20; i++) {
      const index = (i * 371) % pairs.length;
      const [one, other] = pairs[index] ?? [a, b];
      const selected = sel.select_async();
      setImmediate(() => other.send('x'));
      expect(told(await selected)).toEqual([[index, EVENT_READ]]);
      one.recv(1);
    }
    for (const sock of pairs.flat()) sock.close();
  });
});

test('several selectors wait at once', async () => {
  const pairs = Array.from({ length: 200 }, () => socket.socketpair());
  const waiting = pairs.map(([a], index) => {
    const sel = selectors.DefaultSelector<number>();
    sel.register(a, EVENT_READ, index);
    return sel.select_async().then((ready) => {
      sel.close();
      return ready[0]?.[0].data;
    });
  });
  for (const [, b] of pairs) b.send('x');
  expect(await Promise.all(waiting)).toEqual(pairs.map((_, index) => index));
  for (const sock of pairs.flat()) sock.close();
});

test('waiting keeps the process alive, and nothing else does', () => {
  const run = (body: string) =>
    spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import * as socket from 'bsd-sockets/socket';
         import * as selectors from 'bsd-sockets/selectors';
         const [a, b] = socket.socketpair();
         const sel = selectors.DefaultSelector();
         sel.register(a, 1);
         globalThis.kept = [a, b];
         ${body}`,
      ],
      { encoding: 'utf8', timeout: 10_000 * slowness },
    );
  const waits = run(`
    const selected = sel.select_async(0.2).then((ready) => console.log('ready', ready.length));
    setTimeout(() => {}, 10);`);
  expect(waits).toMatchObject({ stdout: 'ready 0\n', status: 0 });
  const idle = run(`await sel.select_async(0); console.log('idle');`);
  expect(idle).toMatchObject({ stdout: 'idle\n', status: 0 });
});

test('a busy thread pool does not delay it, nor does it occupy the pool', async () => {
  const pairs = Array.from({ length: 8 }, () => socket.socketpair());
  const waiting = pairs.map(async ([a]) => {
    const sel = selectors.DefaultSelector();
    sel.register(a, EVENT_READ);
    const ready = await sel.select_async();
    sel.close();
    return ready.length;
  });
  expect((await readFile(new URL(import.meta.url))).length).toBeGreaterThan(0);
  let busy = 4;
  const pool = Promise.all(
    Array.from({ length: 4 }, () =>
      promisify(pbkdf2)('x', 'y', 300_000, 64, 'sha512').then(() => {
        busy--;
      }),
    ),
  );
  for (const [, b] of pairs) b.send('x');
  expect(await Promise.all(waiting)).toEqual(pairs.map(() => 1));
  expect(busy).toBe(4);
  await pool;
  for (const sock of pairs.flat()) sock.close();
});
