// Restarts under load: a server is replaced by a new process again and again while clients ask it, and no request fails. And processes
// that are killed at any moment of a restart: the survivor serves.
//
// HANDOVER_RESTARTS=20 npm test -- test/threads/handover.test.ts
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const RESTARTS = Number(process.env.HANDOVER_RESTARTS ?? 2);
const KILLS = Number(process.env.HANDOVER_KILLS ?? 4);
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
