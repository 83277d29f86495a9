import { afterAll, beforeAll, expect, it } from 'vitest';
import { Client, make_place, type Place, type Running, start_here } from './harness.js';

let place: Place;
let server: Running;
beforeAll(async () => {
  place = await make_place();
  server = await start_here(place);
});
afterAll(async () => {
  await server.stop();
  place.remove();
});

it('stores, lists and retrieves', async () => {
  const client = await Client.log_in(server.port);
  await client.expect(200, 'TYPE I');
  expect((await client.store('STOR a.bin', Buffer.alloc(300_000, 'x'))).code).toBe(226);
  expect((await client.fetch('LIST')).toString()).toMatch(/^-rw.* 300000 .* a\.bin\r\n$/);
  expect((await client.fetch('RETR a.bin')).length).toBe(300_000);
  client.close();
});
