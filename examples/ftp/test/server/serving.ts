// What tests of one server in this process share: it ends with the test.
import { type create_connection, create_server, SO_LINGER, SOL_SOCKET } from 'bsd-sockets/promises';
import { onTestFinished } from 'vitest';
import { Client, make_place, type Place, type Running, type Settings, start_here } from './harness.js';

export async function serving(
  settings: Settings = {},
  users = {},
): Promise<{ place: Place; server: Awaited<ReturnType<typeof start_here>> }> {
  const place = await make_place(settings, users);
  const server = await start_here(place);
  onTestFinished(async () => {
    await server.stop();
    place.remove();
  });
  return { place, server };
}

export async function image(server: Running): Promise<Client> {
  const client = await Client.log_in(server.port);
  await client.expect(200, 'TYPE I');
  return client;
}

export const port_of = (text: string) => Number(/\|\|\|(\d+)\|/.exec(text)?.[1]);

/** Closes a connection with RST. */
export function reset(sock: Awaited<ReturnType<typeof create_connection>>): void {
  sock.setsockopt(SOL_SOCKET, SO_LINGER, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]));
  sock.close();
}

/** Three ports that are free now. */
export async function free_range(): Promise<[number, number]> {
  for (let first = 40_000 + (process.pid % 10_000); ; first += 3) {
    const socks = await Promise.all(
      [0, 1, 2].map((i) => create_server(['127.0.0.1', first + i]).catch(() => undefined)),
    );
    for (const sock of socks) sock?.close();
    if (socks.every((sock) => sock !== undefined)) return [first, first + 2];
  }
}
