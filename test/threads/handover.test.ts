// Restarts under load: a server is replaced by a new process again and again while clients ask it, and no request fails. And processes
// that are killed at any moment of a restart: the survivor serves.
//
// HANDOVER_RESTARTS=20 HANDOVER_KILLS=20 npm test -- test/threads/handover.test.ts
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const RESTARTS = Number(process.env.HANDOVER_RESTARTS ?? 2);
const KILLS = Number(process.env.HANDOVER_KILLS ?? 2);
const CLIENTS = 4;

const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}.mjs`, import.meta.url));

class Program {
  readonly process: ChildProcess;
  readonly closed: Promise<unknown[]>;
  readonly #lines: AsyncIterator<string>;

  constructor(name: string, args: readonly string[]) {
    this.process = spawn(process.execPath, [fixture(name), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.closed = once(this.process, 'close');
    const lines: Interface = createInterface({
      input: this.process.stdout as NonNullable<ChildProcess['stdout']>,
    });
    this.#lines = lines[Symbol.asyncIterator]();
    running.add(this);
  }

  /** Returns the next line; undefined if the program has ended. */
  async line(): Promise<string | undefined> {
    const { value, done } = await this.#lines.next();
    return done ? undefined : value;
  }
}

const running = new Set<Program>();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'handover-'));
});
afterEach(async () => {
  for (const program of running) {
    program.process.kill('SIGKILL');
    await program.closed;
  }
  running.clear();
  rmSync(folder, { recursive: true });
});

const KINDS = [
  ['TCPServer', 'stream', ['127.0.0.1', 0]],
  ['UDPServer', 'udp', ['127.0.0.1', 0]],
  ['UnixStreamServer', 'stream', 'main.sock'],
  ['UnixDatagramServer', 'unix_datagram', 'main.sock'],
] as const;
const SERVERS = ['', 'Threading', 'Forking', 'Async'].flatMap((prefix) =>
  KINDS.map(([base, kind, address]) => ({ name: `${prefix}${base}`, kind, address })),
);

function start(name: string, address: unknown): Program {
  const own = typeof address === 'string' ? join(folder, address) : address;
  return new Program('handover_server', [name, join(folder, 'control'), JSON.stringify(own)]);
}

async function address_of(server: Program): Promise<unknown> {
  const line = await server.line();
  expect(line).toBeDefined();
  return JSON.parse(line as string).address;
}

/** Begins to ask a server. Returns what ends that. */
async function load(kind: string, address: unknown) {
  const program = new Program('handover_load', [kind, JSON.stringify(address), String(CLIENTS)]);
  expect(await program.line()).toBe('begun');
  return async (): Promise<{ requests: number; failures: string[]; servers: number }> => {
    program.process.stdin?.end();
    return JSON.parse((await program.line()) as string);
  };
}

describe('restarts under load', { timeout: 120_000 + RESTARTS * 30_000 }, () => {
  test.each(SERVERS)('$name', async ({ name, kind, address }) => {
    let server = start(name, address);
    const place = await address_of(server);
    const end_load = await load(kind, place);
    for (let i = 0; i < RESTARTS; i++) {
      const next = start(name, address);
      expect(await address_of(next)).toEqual(place);
      expect(await server.closed).toEqual([0, null]);
      server = next;
    }
    const { requests, failures, servers } = await end_load();
    expect(failures).toEqual([]);
    expect(requests).toBeGreaterThan(RESTARTS);
    expect(servers).toBeGreaterThan(1);
    if (process.env.HANDOVER_RESTARTS)
      console.log(`${name}: ${requests} requests, ${RESTARTS} restarts, 0 failures`);
    server.process.kill('SIGTERM');
    expect(await server.closed).toEqual([0, null]);
  });
});

/** Asks a server once. @throws (rejects) if it is refused or reset, or has no answer */
async function ask(address: unknown): Promise<string> {
  const [host, port] = address as [string, number];
  const conn = connect({ host, port });
  conn.setTimeout(60_000, () => conn.destroy(new Error('no answer')));
  conn.end('hello\n');
  return (await text(conn)).replace(/^\d+ /, '').trim();
}

// A kill between the two ends of a handover, at moments all over the start of a successor.
describe('kill -9 at any moment of a restart', { timeout: 120_000 + KILLS * 60_000 }, () => {
  /** Starts a successor of `server`; after the time, kills one of the two. Returns the one that serves then. */
  async function kill_one(
    server: Program,
    name: string,
    address: unknown,
    kills_new: boolean,
    ms: number,
  ): Promise<Program> {
    const next = start(name, address);
    await Promise.race([sleep(ms), next.closed]);
    const [victim, survivor] = kills_new ? [next, server] : [server, next];
    victim.process.kill('SIGKILL');
    await victim.closed;
    if (!kills_new) {
      // Without a listener to take over it starts afresh, unless children of the victim hold the address for another moment.
      if ((await survivor.line()) !== undefined) return survivor;
      const third = start(name, address);
      return (await third.line()) === undefined ? kill_one(third, name, address, false, 0) : third;
    }
    // The old process has ended only if the successor was ready.
    server.process.stdin?.write('\n');
    const fate = await server.line();
    if (fate === 'goes on') return server;
    expect(fate).toBe(`succeeded by ${next.process.pid}`);
    await server.closed;
    const third = start(name, address);
    expect(await third.line()).toBeDefined();
    return third;
  }

  test.each(['TCPServer', 'ThreadingTCPServer', 'ForkingTCPServer', 'AsyncTCPServer'])('%s', async (name) => {
    let server = start(name, ['127.0.0.1', 0]);
    const address = await address_of(server);
    const end_load = await load('stream', address);
    for (let i = 0; i < KILLS; i++) {
      // The interesting moments come when the modules are loaded, which takes longer on a busy machine.
      server = await kill_one(server, name, address, i % 2 === 0, ((i + Math.random()) / KILLS) * 1500);
      expect(await ask(address)).toBe('HELLO');
    }
    await end_load();
    // Nothing is left behind that hinders the next one.
    const last = start(name, address);
    expect(JSON.parse((await last.line()) as string).predecessor).toBe(server.process.pid);
    expect((await server.closed)[0]).toBe(0);
    expect(await ask(address)).toBe('HELLO');
  });
});
