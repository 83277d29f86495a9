// Data connections: the pool of passive ports, who may connect, active ones.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { create_connection, create_server } from 'bsd-sockets/promises';
import { describe, expect, test } from 'vitest';
import { read_config } from '../../dist/config/config.js';
import { Client, PATIENCE, read_all, until } from './harness.js';
import { free_range, image, port_of, reset, serving } from './serving.js';

describe('passive ports', () => {
  test('come back in every way in which a session can end', async () => {
    const ports = await free_range();
    const { place, server } = await serving({
      passive: { ports },
      timeouts: { stall: 0.5 },
    });
    // Sessions that begin have this time-out of data connections, in seconds.
    const patience = async (data_connect: number) => {
      const config = read_config(place.config_file);
      await server.service.reload({ ...config, timeouts: { ...config.timeouts, data_connect } });
    };
    place.write('file', 'text');
    place.write('large', Buffer.alloc(10_000_000));
    const endings: Record<string, (client: Client) => Promise<void>> = {
      'the control connection ends': async (client) => void (await client.expect(229, 'EPSV')),
      'the control connection is reset': async (client) => {
        await client.expect(229, 'EPSV');
        reset(client.sock as never);
      },
      QUIT: async (client) => {
        await client.expect(229, 'EPSV');
        await client.expect(221, 'QUIT');
      },
      'another one': async (client) => {
        for (let i = 0; i < 5; i++)
          await client.expect(i % 2 === 0 ? 229 : 227, i % 2 === 0 ? 'EPSV' : 'PASV');
      },
      'PORT in its place': async (client) => {
        await client.expect(229, 'EPSV');
        await client.expect(200, 'PORT 127,0,0,1,200,1');
      },
      'a transfer': async (client) => void (await client.fetch('RETR file')),
      'a transfer of nothing there': async (client) => {
        await client.expect(229, 'EPSV');
        await client.expect(550, 'RETR nowhere');
      },
      'nobody connects': async (client) => {
        await client.expect(229, 'EPSV');
        await client.expect(150, 'RETR file');
        await client.expect(425);
      },
      'the client ends the transfer': async (client) => {
        const data = await client.passive();
        await client.expect(150, 'RETR large');
        data.close();
        await client.expect(426);
      },
      'the client does not read': async (client) => {
        const data = await client.passive();
        await client.expect(150, 'RETR large');
        await client.expect(426);
        data.close();
      },
      ABOR: async (client) => {
        const data = await client.passive();
        await client.expect(226, 'ABOR');
        data.close();
      },
      REIN: async (client) => {
        await client.expect(229, 'EPSV');
        await client.expect(220, 'REIN');
      },
      'the client goes in the middle': async (client) => {
        const data = await client.passive();
        await client.expect(150, 'RETR large');
        client.close();
        data.close();
      },
    };
    for (const [name, end] of Object.entries(endings)) {
      await patience(name === 'nobody connects' ? 0.2 : 30);
      for (let i = 0; i < 2; i++) {
        const client = await image(server);
        await end(client).catch((error: unknown) => {
          throw new Error(`${name}: ${error}`);
        });
        client.close();
      }
      await patience(30);
      // All three can be had again.
      const clients = await Promise.all([image(server), image(server), image(server)]);
      for (const client of clients)
        await until(async () => (await client.command('EPSV')).code === 229, `a port behind "${name}"`);
      const fourth = await image(server);
      await fourth.expect(425, 'EPSV');
      for (const client of [...clients, fourth]) client.close();
    }
  });

  test('a listener that no transfer uses is closed after a time', async () => {
    const ports = await free_range();
    const { server } = await serving({
      passive: { ports: [ports[0], ports[0]] },
      timeouts: { data_connect: 0.1 },
    });
    const [first, second] = [await image(server), await image(server)];
    await first.expect(229, 'EPSV');
    await until(async () => (await second.command('EPSV')).code === 229, 'the port comes back');
    first.close();
    second.close();
  });

  test('connections of other addresses are closed, and the client gets its own', async () => {
    const { place, server } = await serving();
    place.write('file', 'text');
    const client = await image(server);
    const port = port_of((await client.expect(229, 'EPSV')).text);
    const thief = await create_connection(['127.0.0.1', port], PATIENCE, ['127.0.0.2', 0]);
    expect((await thief.recv(10).catch(() => Buffer.alloc(0))).length).toBe(0);
    thief.close();
    const data = await create_connection(['127.0.0.1', port], PATIENCE);
    await client.expect(150, 'RETR file');
    expect((await read_all(data)).toString()).toBe('text');
    await client.expect(226);
    client.close();
    expect(readFileSync(join(place.folder, 'audit.jsonl'), 'utf8')).toContain('"stranger":"127.0.0.2"');
  });

  test('the client may connect before the command, or behind 150', async () => {
    const { place, server } = await serving();
    place.write('file', 'text');
    const client = await image(server);
    const early = await client.passive();
    await client.expect(150, 'RETR file');
    expect((await read_all(early)).toString()).toBe('text');
    await client.expect(226);
    const port = port_of((await client.expect(229, 'EPSV')).text);
    await client.expect(150, 'RETR file');
    expect((await read_all(await create_connection(['127.0.0.1', port], PATIENCE))).toString()).toBe('text');
    await client.expect(226);
    client.close();
  });

  test('PASV shows the masquerade address', async () => {
    const { server } = await serving({ passive: { address: '192.0.2.9' } });
    const client = await image(server);
    expect((await client.expect(227, 'PASV')).text).toMatch(/\(192,0,2,9,\d+,\d+\)/);
    client.close();
  });
});

describe('active', () => {
  test('connections come from the port that is asked for', async () => {
    const port = (await free_range())[0];
    const { place, server } = await serving({ active: { port } });
    place.write('file', 'text');
    const listener = await create_server(['127.0.0.1', 0]);
    const client = await image(server);
    await client.expect(200, `EPRT |1|127.0.0.1|${listener.getsockname()[1]}|`);
    const accepted = listener.accept();
    await client.expect(150, 'RETR file');
    const [data, address] = await accepted;
    expect(address?.[1]).toBe(port);
    expect((await read_all(data)).toString()).toBe('text');
    await client.expect(226);
    listener.close();
    client.close();
  });

  test('PORT and EPRT', async () => {
    const { place, server } = await serving();
    place.write('file', 'text');
    const listener = await create_server(['127.0.0.1', 0]);
    const [, port] = listener.getsockname();
    const client = await image(server);
    for (const command of [`PORT 127,0,0,1,${port >> 8},${port & 255}`, `EPRT |1|127.0.0.1|${port}|`]) {
      await client.expect(200, command);
      const accepted = listener.accept();
      await client.expect(150, 'RETR file');
      const [data] = await accepted;
      expect((await read_all(data)).toString()).toBe('text');
      await client.expect(226);
    }
    listener.close();
    await client.expect(200, `EPRT |1|127.0.0.1|${port}|`);
    await client.expect(150, 'RETR file');
    await client.expect(425);
    client.close();
  });

  test('is off, and then refused', async () => {
    const { server } = await serving({ active: { enabled: false } });
    const client = await image(server);
    await client.expect(502, 'PORT 127,0,0,1,200,1');
    client.close();
  });

  test('IPv6: EPSV and EPRT, no PASV', async () => {
    const { place, server } = await serving({ listen: [{ host: '::', port: 0 }] });
    place.write('file', 'text');
    const client = await Client.connect(server.port, '::1');
    await client.expect(331, 'USER ann');
    await client.expect(230, 'PASS secret');
    await client.expect(501, 'PASV');
    await client.expect(522, 'EPSV 1');
    const data = await create_connection(
      ['::1', port_of((await client.expect(229, 'EPSV 2')).text)],
      PATIENCE,
    );
    await client.expect(150, 'RETR file');
    expect((await read_all(data)).toString()).toBe('text');
    await client.expect(226);
    await client.expect(504, 'EPRT |2|::2|50000|');
    await client.expect(200, 'EPRT |2|0:0:0:0:0:0:0:1|50000|');
    client.close();
    // A client of IPv4 on the same socket is one of IPv4.
    const four = await Client.log_in(server.port);
    await four.expect(227, 'PASV');
    four.close();
  });
});
