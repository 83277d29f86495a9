// A worker that crashes outside of any session, by an exception, a promise or process.exit(): its own clients are told by the end of their
// connections, the others notice nothing, and nothing of it stays in the registry.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create_connection } from 'bsd-sockets/promises';
import { expect, onTestFinished, test } from 'vitest';
import { ask_control } from '../../dist/guard/control.js';
import type { SessionInfo } from '../../dist/guard/types.js';
import { Client, make_place, PATIENCE, read_all, start_command, until } from '../server/harness.js';

const FIXTURE = new URL('./fixtures/crash.mjs', import.meta.url).href;
/** More than the kernel takes while a client does not read. */
const LARGE = Buffer.alloc(20_000_000, 'x');
const CLIENTS = 8;
const WAYS = ['throw', 'reject', 'exit'];

test.each(['threads', 'processes'].flatMap((kind) => WAYS.map((way) => [kind, way] as const)))(
  '%s: %s',
  async (kind, way) => {
    const place = await make_place({
      kind,
      control: 'control.sock',
      limits: { max_connections: CLIENTS, max_connections_per_address: CLIENTS },
    });
    onTestFinished(() => place.remove());
    place.write('large', LARGE);
    const crash = join(place.folder, 'crash');
    const env = { NODE_OPTIONS: `--import=${FIXTURE}`, CRASH_FILE: crash };
    const server = await start_command(place, [], env);
    onTestFinished(() => server.stop());
    const who = async () =>
      (await ask_control(join(place.folder, 'control.sock'), 'who')) as readonly SessionInfo[];

    // The kernel chooses which worker accepts: clients come until both have some.
    const clients = new Map<string, Client>();
    await until(async () => {
      const client = await Client.log_in(server.port);
      const known = new Set(clients.keys());
      const { id = '' } = (await who()).find((one) => !known.has(one.id)) ?? {};
      clients.set(id, client);
      const workers = new Set((await who()).map(({ worker }) => worker));
      if (workers.size === 2) return true;
      if (clients.size < CLIENTS) return false;
      for (const one of clients.values()) one.close();
      clients.clear();
      await until(async () => (await who()).length === 0, 'all sessions leave');
      return false;
    }, 'clients on both workers');
    const transfers = new Map<string, Awaited<ReturnType<Client['passive']>>>();
    for (const [id, client] of clients) {
      await client.expect(200, 'TYPE I');
      const data = await client.passive();
      await client.expect(150, 'RETR large');
      transfers.set(id, data);
    }
    const before = await who();
    expect(before.length).toBe(clients.size);

    writeFileSync(crash, way);
    await until(() => server.lines.some((line) => line.includes('another one starts')), 'a replacement');
    const left = new Set((await who()).map(({ id }) => id));
    const lost = before.filter(({ id }) => !left.has(id));
    expect(new Set(lost.map(({ worker }) => worker)).size).toBe(1);
    for (const { id } of before) {
      const [client, data] = [clients.get(id), transfers.get(id)];
      if (client === undefined || data === undefined) throw new Error(`no client has the session ${id}`);
      if (left.has(id)) {
        expect((await read_all(data)).length).toBe(LARGE.length);
        await client.expect(226);
        await client.expect(200, 'NOOP');
      } else {
        const received = await read_all(data).catch(() => Buffer.alloc(0));
        expect(received.length).toBeLessThan(LARGE.length);
        expect((await client.reply()).code).toBe(0);
      }
    }
    // Both workers serve again, and the limits have all their places.
    const seen = new Set<string>();
    await until(async () => {
      const more: Client[] = [];
      while (left.size + more.length < CLIENTS)
        more.push(Client.on(await create_connection(['127.0.0.1', server.port], PATIENCE)));
      for (const one of more) await one.expect(220);
      for (const { worker } of await who()) seen.add(worker);
      for (const one of more) one.close();
      await until(async () => (await who()).length === left.size, 'they leave');
      return seen.size === 2;
    }, 'the new worker serves');
    for (const client of clients.values()) client.close();
    server.child.kill('SIGTERM');
    expect(await server.exited).toEqual([0, null]);
    expect(existsSync(join(place.folder, 'control.sock'))).toBe(false);
  },
  300_000,
);
