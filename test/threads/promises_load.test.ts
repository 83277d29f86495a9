// Promises under load: connections by the thousand, ended at random moments; sockets beside a blocked pool of `fs`.
// LIFETIME_ROUNDS sets how much: with 100 (`npm run test:lifetimes`) it is 5,000 connections.
import { spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, open, openSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as promises from 'bsd-sockets/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { begin_lookups, open_inodes } from '../descriptors.js';

vi.setConfig({ testTimeout: 120_000 });

const ROUNDS = Number(process.env.LIFETIME_ROUNDS ?? 20);
const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));

// The first wait makes the descriptor that all waits share.
const [one, other] = promises.socketpair();
await one.recv(1, { timeout: 0.001 }).catch(() => {});
one.close();
other.close();
await begin_lookups();

let before: string[] = [];
beforeEach(() => {
  before = open_inodes();
});
afterEach(async () => {
  await new Promise((resolve) => setImmediate(resolve));
  expect(unhandled).toEqual([]);
  await vi.waitFor(() => expect(open_inodes()).toEqual(before), { timeout: 5000 });
});

/** A server that sends back what comes, until it is closed. */
async function echo_server(): Promise<{
  server: promises.ListeningSocket<typeof promises.AF_INET>;
  ended: Promise<void>;
}> {
  const server = await promises.create_server(['127.0.0.1', 0], { backlog: 4096 });
  const serve = async (conn: promises.ConnectedSocket) => {
    try {
      for await (const chunk of conn) await conn.sendall(chunk);
    } catch (error) {
      if (!(error instanceof promises.ConnectionError)) throw error;
    }
    conn.close();
  };
  const accept = async () => {
    const all: Promise<void>[] = [];
    for await (const [conn] of server) all.push(serve(conn));
    await Promise.all(all);
  };
  return { server, ended: accept() };
}

/** How many descriptors this process may open. */
function descriptor_limit(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const limit = /^Max open files +(\d+)/m.exec(limits)?.[1];
  return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
}

const CONNECTIONS = 50 * ROUNDS;

test(`${CONNECTIONS} connections echo at once`, async (context) => {
  const wanted = 2 * CONNECTIONS + 100;
  context.skip(descriptor_limit() < wanted, `needs ${wanted} descriptors (ulimit -n)`);
  const { server, ended } = await echo_server();
  let go = (): void => {};
  const all_connected = new Promise<void>((resolve) => {
    go = resolve;
  });
  let connected = 0;
  const echoed = await Promise.all(
    Array.from({ length: CONNECTIONS }, async (_, number) => {
      const sock = await promises.create_connection(server.getsockname());
      if (++connected === CONNECTIONS) go();
      await all_connected;
      let count = 0;
      for (let i = 0; i < 5; i++) {
        const text = `connection ${number}, message ${i}`;
        await sock.sendall(text);
        if (String(await sock.recv_exactly(text.length)) === text) count++;
      }
      sock.close();
      return count;
    }),
  );
  expect(echoed).toEqual(Array(CONNECTIONS).fill(5));
  server.close();
  await ended;
});

interface Plan {
  /** Of each message: its bytes, and after how many milliseconds receiving the answer is aborted, and begun again. */
  readonly messages: readonly { readonly size: number; readonly abort_ms: number | undefined }[];
  /** When the socket is closed under whatever it does; undefined: when all is done. */
  readonly close_ms: number | undefined;
}

const plan: fc.Arbitrary<Plan> = fc.record({
  messages: fc.array(
    fc.record({
      size: fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 200_000 })),
      abort_ms: fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined }),
    }),
    { minLength: 1, maxLength: 8 },
  ),
  close_ms: fc.option(fc.integer({ min: 0, max: 20 }), { nil: undefined, freq: 3 }),
});

const ABORTED = new Error('aborted');

/** What came of a message of so many bytes, in spite of aborts. */
async function receive_all(sock: promises.socket, size: number, abort_ms: number | undefined) {
  const parts: Buffer[] = [];
  for (let left = size; left > 0; ) {
    const aborter = new AbortController();
    const timer = abort_ms === undefined ? undefined : setTimeout(() => aborter.abort(ABORTED), abort_ms);
    try {
      const part = await sock.recv(left, { signal: aborter.signal });
      if (part.length === 0) throw new Error('the server ended it');
      parts.push(part);
      left -= part.length;
    } catch (error) {
      if (error !== ABORTED) throw error;
    } finally {
      clearTimeout(timer);
    }
  }
  return Buffer.concat(parts, size);
}

/** How it ended: 'done', or 'closed' where the plan closed it. */
async function play(plan: Plan, number: number, address: promises.Address<2>): Promise<string> {
  const sock = await promises.create_connection(address);
  const timer = plan.close_ms === undefined ? undefined : setTimeout(() => sock.close(), plan.close_ms);
  try {
    for (const [index, { size, abort_ms }] of plan.messages.entries()) {
      const bytes = Buffer.alloc(size, `${number}:${index} `);
      const [answer] = await Promise.all([receive_all(sock, size, abort_ms), sock.sendall(bytes)]);
      if (!answer.equals(bytes)) return `message ${index} of connection ${number} came back changed`;
    }
    return 'done';
  } catch (error) {
    const closed = error instanceof promises.OSError && ['ECANCELED', 'EBADF'].includes(error.code ?? '');
    return closed && plan.close_ms !== undefined ? 'closed' : String(error);
  } finally {
    clearTimeout(timer);
    sock.close();
  }
}

test('aborts and closes at random moments under load lose nothing', async () => {
  const { server, ended } = await echo_server();
  const property = fc.asyncProperty(fc.array(plan, { minLength: 20, maxLength: 60 }), async (plans) => {
    const results = await Promise.all(plans.map((plan, i) => play(plan, i, server.getsockname())));
    for (const [i, result] of results.entries()) {
      expect(plans[i]?.close_ms === undefined ? ['done'] : ['done', 'closed']).toContain(result);
    }
  });
  await fc.assert(property, { numRuns: ROUNDS, endOnFailure: true });
  server.close();
  await ended;
});

/** Blocks all threads of the pool of `fs`, opening a FIFO that nobody writes to, while `body` runs. */
async function with_blocked_pool(body: () => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'bsd-sockets-pool-'));
  const path = join(folder, 'fifo');
  expect(spawnSync('mkfifo', [path]).status).toBe(0);
  const opened = Array.from(
    { length: 16 },
    () =>
      new Promise<number>((resolve, reject) => {
        open(path, 'r', (error, fd) => (error ? reject(error) : resolve(fd)));
      }),
  );
  let any = false;
  for (const one of opened) one.then(() => (any = true));
  try {
    await body();
    expect(any).toBe(false);
  } finally {
    const writer = openSync(path, constants.O_RDWR);
    for (const fd of await Promise.all(opened)) closeSync(fd);
    closeSync(writer);
    rmSync(folder, { recursive: true });
  }
}

test('a blocked pool of fs delays neither sockets nor lookups', async () => {
  const { server, ended } = await echo_server();
  await with_blocked_pool(async () => {
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        const sock = await promises.create_connection(['localhost', server.getsockname()[1]]);
        await sock.sendall('hello');
        expect(String(await sock.recv_exactly(5))).toBe('hello');
        sock.close();
      }),
    );
    expect((await promises.getaddrinfo('localhost', 80)).length).toBeGreaterThan(0);
  });
  server.close();
  await ended;
});

test('sockets that wait do not delay fs', async () => {
  const pairs = Array.from({ length: 100 }, () => promises.socketpair());
  const waiting = pairs.flatMap(([a, b]) => [a.recv(1), b.recv_into(Buffer.alloc(1)), b.recv_exactly(2)]);
  expect((await readFile('/proc/self/stat')).length).toBeGreaterThan(0);
  for (const sock of pairs.flat()) sock.close();
  for (const { status } of await Promise.allSettled(waiting)) expect(status).toBe('rejected');
});
