// Readiness on the event loop: waiting without blocking, for a descriptor that is ready before, during or after.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { READ, ready, WRITE } from '../../../lib/calls/waiting/readiness.js';
import * as socket from '../../../lib/socket/index.js';
import { is_node, slowness } from '../../machine.js';

let a: socket.socket<1>;
let b: socket.socket<1>;
const generation = (sock: socket.socket<1>): number =>
  (sock as unknown as { _generation: number })._generation;
const wait = (directions: number, signal?: AbortSignal) =>
  ready(a.fileno(), generation(a), directions, signal);

beforeEach(() => {
  [a, b] = socket.socketpair();
  a.setblocking(false);
});
afterEach(() => {
  a.close();
  b.close();
});

test('ready before, and ready after', async () => {
  expect(await wait(READ | WRITE)).toBe(WRITE);
  setTimeout(() => b.send('x'), 20);
  expect(await wait(READ)).toBe(READ);
  // Nobody has read it: it is ready still.
  expect(await wait(READ | WRITE)).toBe(READ | WRITE);
});

test('a thread watches where libuv is not used, and none where it is', async () => {
  await wait(WRITE);
  const names = readdirSync('/proc/self/task').map((id) =>
    readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim(),
  );
  expect(names.filter((name) => name === 'socket-ready').length).toBe(
    process.env.BSD_SOCKETS_LIBUV === 'no' || !is_node ? 1 : 0,
  );
});

test('two who wait for the same descriptor are both told', async () => {
  const both = Promise.all([wait(READ), wait(READ), wait(WRITE)]);
  setTimeout(() => b.send('x'), 10);
  expect(await both).toEqual([READ, READ, WRITE]);
});

test('the end of the stream makes it ready', async () => {
  setTimeout(() => b.close(), 10);
  expect(await wait(READ)).toBe(READ);
  expect(a.recv(1).length).toBe(0);
});

test('many in turn, each told once', async () => {
  for (let i = 0; i < 2000; i++) {
    const told = wait(READ);
    b.send('x');
    expect(await told).toBe(READ);
    a.recv(1);
  }
});

test('an abort ends waiting with its reason', async () => {
  await expect(wait(READ, AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
  await expect(wait(READ, AbortSignal.timeout(10))).rejects.toThrow(/time(d )?out/);
  b.send('x');
  expect(await wait(READ)).toBe(READ);
});

test('a descriptor that is closed is refused', async () => {
  const fd = a.fileno();
  const old = generation(a);
  a.close();
  await expect(ready(fd, old, READ)).rejects.toThrow(expect.objectContaining({ code: 'EBADF' }));
});

test('waiting keeps the process alive, and nothing else does', () => {
  const script = (body: string) => `
    import * as socket from 'bsd-sockets/socket';
    import waiting from './dist/waiting.js';
    const { ready } = waiting;
    const [a, b] = socket.socketpair();
    a.setblocking(false);
    // What waits for a descriptor does not keep the socket, which the collector may close.
    process.on('exit', () => [a, b]);
    ${body}`;
  const run = (body: string) =>
    spawnSync(process.execPath, ['--input-type=module', '-e', script(body)], {
      encoding: 'utf8',
      timeout: 10_000 * slowness,
    });
  const waits = run(
    `setTimeout(() => b.send('x'), 50).unref(); ready(a._fd, a._generation, 1).then((told) => console.log('told', told));
     const keep = setTimeout(() => {}, 60);`,
  );
  expect(waits).toMatchObject({ stdout: 'told 1\n', status: 0 });
  const done = run(`await ready(a._fd, a._generation, 2); console.log('done');`);
  expect(done).toMatchObject({ stdout: 'done\n', status: 0 });
});

test("a descriptor of the loop's own is refused, or waited for, and aborts nothing", () => {
  const program = `
    import { readdirSync, readlinkSync } from 'node:fs';
    import * as promises from 'bsd-sockets/promises';
    const polls = readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync('/proc/self/fd/' + fd) === 'anon_inode:[eventpoll]';
      } catch {
        return false;
      }
    });
    const [a] = promises.socketpair();
    const sent = polls.map((fd) => a.sendfile(Number(fd), { timeout: 0.1 }));
    console.log(polls.length > 0, (await Promise.allSettled(sent)).every(({ status }) => status === 'rejected'));
  `;
  const { stdout, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 20_000 * slowness,
  });
  expect({ stdout, signal }).toEqual({ stdout: 'true true\n', signal: null });
});
