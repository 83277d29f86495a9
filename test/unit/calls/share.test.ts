// share and fromshare: between threads, between processes, once, and nothing left behind.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import * as socket from 'bsd-sockets/socket';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { open_descriptors } from '../../descriptors.js';
import { NOBODY, needs_nobody } from '../../machine.js';

const FIXTURE = fileURLToPath(new URL('fixtures/share.mjs', import.meta.url));
const { AF_INET, AF_UNIX, SOCK_DGRAM, SOCK_STREAM } = socket;

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function start(
  job: string,
  data?: Buffer | string,
  options: { uid?: number; gid?: number } = {},
): ChildProcess {
  const text = typeof data === 'string' ? data : (data?.toString('hex') ?? '');
  const child = spawn(process.execPath, [FIXTURE, job, text], {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...options,
  });
  children.push(child);
  return child;
}

async function told(child: ChildProcess): Promise<unknown> {
  let text = '';
  for await (const chunk of child.stdout ?? []) {
    text += chunk;
    if (text.includes('\n')) break;
  }
  return JSON.parse(text);
}

async function in_worker(job: string, data?: Buffer): Promise<unknown> {
  const worker = new Worker(FIXTURE, { workerData: [job, data] });
  // Both at once: Node may tell of the message and of the end in one go.
  const [[result]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
  return result;
}

// The first share opens the listener of the process.
const [warm_up, other_end] = socket.socketpair();
warm_up.share();
socket.fromshare(warm_up.share()).close();
warm_up.close();
other_end.close();

describe('within a thread', () => {
  it('hands over a duplicate, with its time-out', () => {
    const before = open_descriptors();
    const [a, b] = socket.socketpair();
    a.settimeout(1.5);
    const data = a.share();
    expect(open_descriptors()).toBe(before + 3);
    a.close();
    using taken = socket.fromshare(data);
    expect(taken.gettimeout()).toBe(1.5);
    expect([taken.family, taken.type, taken.proto]).toEqual([AF_UNIX, SOCK_STREAM, 0]);
    expect(taken.get_inheritable()).toBe(false);
    taken.send('x');
    expect(b.recv(1).toString()).toBe('x');
    b.close();
    taken.close();
    expect(open_descriptors()).toBe(before);
  });

  it('once', () => {
    using sock = new socket.socket(AF_INET, SOCK_DGRAM);
    const data = sock.share();
    const before = open_descriptors();
    socket.fromshare(data).close();
    expect(() => socket.fromshare(data)).toThrow(socket.FileNotFoundError);
    expect(() => socket.fromshare(data)).toThrow(/already taken, or the thread or process that shared it/);
    expect(open_descriptors()).toBe(before - 1);
  });

  it('keeps what a socket is', () => {
    using sock = new socket.socket(AF_INET, SOCK_DGRAM, socket.IPPROTO_UDP);
    using taken = socket.fromshare(sock.share(process.pid));
    expect([taken.family, taken.type, taken.proto]).toEqual([AF_INET, SOCK_DGRAM, socket.IPPROTO_UDP]);
    expect(taken.gettimeout()).toBe(null);
  });

  it('refuses a closed socket, and what is no process', () => {
    const sock = new socket.socket(AF_INET, SOCK_DGRAM);
    const untyped = sock as unknown as { share(...args: unknown[]): unknown };
    const before = open_descriptors();
    expect(() => untyped.share('1')).toThrow(TypeError);
    expect(() => untyped.share(0)).toThrow(RangeError);
    expect(() => untyped.share(-1)).toThrow(RangeError);
    expect(() => untyped.share(2 ** 31)).toThrow(RangeError);
    expect(() => sock.share(2 ** 31 - 1)).toThrow(socket.ProcessLookupError);
    expect(open_descriptors()).toBe(before);
    sock.close();
    expect(() => sock.share()).toThrow(expect.objectContaining({ code: 'EBADF' }));
  });

  it('refuses what share did not give', () => {
    using sock = new socket.socket(AF_INET, SOCK_DGRAM);
    const data = sock.share(process.pid);
    const fromshare = socket.fromshare as (data: unknown) => unknown;
    expect(() => fromshare('text')).toThrow(TypeError);
    expect(() => fromshare(null)).toThrow(TypeError);
    expect(() => fromshare(Buffer.alloc(0))).toThrow(RangeError);
    expect(() => fromshare(Buffer.alloc(data.length))).toThrow(RangeError);
    expect(() => fromshare(data.subarray(1))).toThrow(RangeError);
    expect(() => fromshare(Buffer.concat([data, Buffer.alloc(1)]))).toThrow(RangeError);
    const forged = Buffer.from(data);
    forged[forged.length - 30] = (forged.at(-30) ?? 0) ^ 1;
    expect(() => fromshare(forged)).toThrow(socket.FileNotFoundError);
    const before = open_descriptors();
    const bad_timeout = Buffer.from(data);
    bad_timeout.writeDoubleLE(-1, 8);
    expect(() => fromshare(bad_timeout)).toThrow(RangeError);
    expect(open_descriptors()).toBe(before - 1);
  });
});

describe('between threads', () => {
  it('the taker has it while the giver closes', async () => {
    const before = open_descriptors();
    const [a, b] = socket.socketpair();
    a.settimeout(20);
    const data = a.share();
    a.close();
    b.send('from the giver');
    const result = await in_worker('take', data);
    expect(result).toEqual({ timeout: 20, family: AF_UNIX, type: SOCK_STREAM, got: 'from the giver' });
    expect(b.recv(100).toString()).toBe('from the taker');
    expect(b.recv(1)).toHaveLength(0);
    b.close();
    expect(open_descriptors()).toBe(before);
  });

  it('what nobody took goes with the thread that shared it', async () => {
    await in_worker('offer_and_end');
    const before = open_descriptors();
    const data = Buffer.from((await in_worker('offer_and_end')) as string, 'hex');
    expect(() => socket.fromshare(data)).toThrow(socket.FileNotFoundError);
    expect(open_descriptors()).toBe(before);
  });

  it('a listening socket, accepting in both', async () => {
    using server = socket.create_server(['127.0.0.1', 0]);
    using copy = socket.fromshare(server.share());
    using first = socket.create_connection(server.getsockname() as [string, number]);
    using second = socket.create_connection(server.getsockname() as [string, number]);
    const peers = [server.accept()[1], copy.accept()[1]];
    expect(peers).toEqual(expect.arrayContaining([first.getsockname(), second.getsockname()]));
  });
});

describe('between processes', () => {
  it('any of the same user', async () => {
    const before = open_descriptors();
    const [a, b] = socket.socketpair();
    const data = a.share();
    a.close();
    b.send('from the giver');
    const result = await told(start('take', data));
    expect(result).toEqual({ timeout: null, family: AF_UNIX, type: SOCK_STREAM, got: 'from the giver' });
    expect(b.recv(100).toString()).toBe('from the taker');
    b.close();
    expect(() => socket.fromshare(data)).toThrow(socket.FileNotFoundError);
    expect(await told(start('take', data))).toEqual({ name: 'FileNotFoundError', code: 'ENOENT' });
    // The pipes of the children are closed when their ends are noticed.
    await vi.waitFor(() => expect(open_descriptors()).toBeLessThanOrEqual(before), { timeout: 10_000 });
  });

  it('from one whose JavaScript is blocked', async () => {
    const owner = start('offer');
    const data = Buffer.from((await told(owner)) as string, 'hex');
    using taken = socket.fromshare(data);
    expect(() => socket.fromshare(data)).toThrow(socket.FileNotFoundError);
    taken.send('x');
    const [status] = await once(owner, 'exit');
    expect(status).toBe(0);
  });

  it('only the one that was named', async () => {
    const named = start('offer');
    await told(named);
    const [a, b] = socket.socketpair();
    const data = a.share(named.pid);
    expect(() => socket.fromshare(data)).toThrow(socket.PermissionError);
    expect(() => socket.fromshare(data)).toThrow(/meant for another process/);
    expect(await told(start('take', data))).toEqual({ name: 'PermissionError', code: 'EPERM' });
    const own = a.share(process.pid);
    expect(await told(start('take', own))).toEqual({ name: 'PermissionError', code: 'EPERM' });
    socket.fromshare(own).close();
    a.close();
    b.close();
  });

  it('the one that was named takes it', async () => {
    const [a, b] = socket.socketpair();
    b.send('hello');
    // A process that waits for its data on standard input, so that its number is known before.
    const script = `
      import * as socket from 'bsd-sockets/socket';
      import { readFileSync } from 'node:fs';
      const sock = socket.fromshare(Buffer.from(readFileSync(0, 'latin1'), 'hex'));
      console.log(JSON.stringify(sock.recv(10).toString()));`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
      cwd: fileURLToPath(new URL('../../..', import.meta.url)),
    });
    children.push(child);
    child.stdin.end(a.share(child.pid).toString('hex'));
    a.close();
    expect(await told(child)).toBe('hello');
    b.close();
  });

  it('none of another user', async (ctx) => {
    needs_nobody(ctx);
    using sock = new socket.socket(AF_INET, SOCK_DGRAM);
    const before = open_descriptors();
    const data = sock.share();
    const result = await told(start('take', data, { uid: NOBODY, gid: NOBODY })).catch(() => undefined);
    if (result === undefined) ctx.skip('another user may not read this checkout');
    expect(result).toEqual({ name: 'PermissionError', code: 'EPERM' });
    socket.fromshare(data).close();
    expect(open_descriptors()).toBeLessThanOrEqual(before + 1);
  });

  it('of a process that has ended there is nothing', async () => {
    const owner = start('offer_and_end');
    const data = Buffer.from((await told(owner)) as string, 'hex');
    if (owner.exitCode === null) await once(owner, 'exit');
    expect(() => socket.fromshare(data)).toThrow(socket.FileNotFoundError);
  });

  it('asking one that is stopped ends with the worker that asks, and takes nothing', async () => {
    const owner = start('offer');
    const data = Buffer.from((await told(owner)) as string, 'hex');
    owner.kill('SIGSTOP');
    const worker = new Worker(FIXTURE, { workerData: ['ask', data] });
    await once(worker, 'message');
    await new Promise((resolve) => setTimeout(resolve, 100));
    const begin = Date.now();
    expect(await worker.terminate()).toBe(1);
    expect(Date.now() - begin).toBeLessThan(5000);
    owner.kill('SIGCONT');
    socket.fromshare(data).close();
  });

  it('a process that connects and says nothing does not keep others out', async () => {
    const [a, b] = socket.socketpair();
    const data = a.share();
    expect(await told(start('pester', data))).toBe(100);
    b.send('from the giver');
    expect(await told(start('take', data))).toMatchObject({ got: 'from the giver' });
    a.close();
    b.close();
  });
});
