// What clients cost that do nothing: their memory.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Client, make_place, start_command } from './harness.js';

const CLIENTS = 300;

test('300 idle clients cost less than 20 MB', async () => {
  const settings = { limits: { max_connections_per_address: 1000 }, audit: null };
  const place = await make_place(settings, { anonymous: { anonymous: true } });
  const server = await start_command(place);
  const resident = () =>
    Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))?.[1]) * 1024;
  const before = resident();
  const clients: Client[] = [];
  while (clients.length < CLIENTS) {
    const some = Array.from({ length: 20 }, async () => {
      const client = await Client.connect(server.port);
      await client.expect(331, 'USER anonymous');
      await client.expect(230, 'PASS x');
      return client;
    });
    clients.push(...(await Promise.all(some)));
  }
  const cost = resident() - before;
  expect(cost).toBeLessThan(20_000_000);
  for (const client of clients) client.close();
  await server.stop();
  place.remove();
});
