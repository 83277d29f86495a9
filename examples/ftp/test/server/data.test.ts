// Data connections: the pool of passive ports, who may connect, active ones, time-outs; and what goes over them: positions, ranges, text,
// MODE Z, uploads that break.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync, inflateSync } from 'node:zlib';
import {
  create_connection,
  create_server,
  IPPROTO_TCP,
  SO_LINGER,
  SOL_SOCKET,
  TCP_NODELAY,
} from 'bsd-sockets/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  Client,
  make_place,
  PATIENCE,
  type Place,
  type Running,
  read_all,
  type Settings,
  start_here,
  until,
} from './harness.js';

async function serving(settings: Settings = {}, users = {}): Promise<{ place: Place; server: Running }> {
  const place = await make_place(settings, users);
  const server = await start_here(place);
  onTestFinished(async () => {
    await server.stop();
    place.remove();
  });
  return { place, server };
}

async function image(server: Running): Promise<Client> {
  const client = await Client.log_in(server.port);
  await client.expect(200, 'TYPE I');
  return client;
}

const port_of = (text: string) => Number(/\|\|\|(\d+)\|/.exec(text)?.[1]);

/** Closes a connection with RST. */
function reset(sock: Awaited<ReturnType<typeof create_connection>>): void {
  sock.setsockopt(SOL_SOCKET, SO_LINGER, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]));
  sock.close();
}

/** Three ports that are free now. */
async function free_range(): Promise<[number, number]> {
  for (let first = 40_000 + (process.pid % 10_000); ; first += 3) {
    const socks = await Promise.all(
      [0, 1, 2].map((i) => create_server(['127.0.0.1', first + i]).catch(() => undefined)),
    );
    for (const sock of socks) sock?.close();
    if (socks.every((sock) => sock !== undefined)) return [first, first + 2];
  }
}

describe('passive ports', () => {
  test('come back in every way in which a session can end', async () => {
    const ports = await free_range();
    const { place, server } = await serving({
      passive: { ports },
      timeouts: { data_connect: 0.2, stall: 0.5 },
    });
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
      for (let i = 0; i < 2; i++) {
        const client = await image(server);
        await end(client).catch((error: unknown) => {
          throw new Error(`${name}: ${error}`);
        });
        client.close();
      }
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

describe('what goes over it', () => {
  const BYTES = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i) >> 7));

  test('REST, RANG and HASH', async () => {
    const { place, server } = await serving();
    place.write('file', BYTES);
    const client = await image(server);
    await client.expect(350, 'REST 299990');
    expect((await client.fetch('RETR file')).equals(BYTES.subarray(299_990))).toBe(true);
    expect((await client.fetch('RETR file')).length).toBe(BYTES.length);
    await client.expect(350, 'RANG 10 19');
    expect((await client.fetch('RETR file')).equals(BYTES.subarray(10, 20))).toBe(true);
    await client.expect(350, 'REST 300001');
    await client.expect(229, 'EPSV');
    await client.expect(554, 'RETR file');
    const hex = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    expect((await client.expect(213, 'HASH file')).text).toBe(`213 SHA-256 0-299999 ${hex(BYTES)} file`);
    await client.expect(350, 'RANG 10 19');
    expect((await client.expect(213, 'HASH file')).text).toBe(
      `213 SHA-256 10-19 ${hex(BYTES.subarray(10, 20))} file`,
    );
    client.close();
  });

  test('TYPE A: line ends, in both directions', async () => {
    const { place, server } = await serving();
    place.write('unix', 'one\ntwo\r\nthree');
    const client = await Client.log_in(server.port);
    expect((await client.fetch('RETR unix')).toString()).toBe('one\r\ntwo\r\nthree');
    expect((await client.store('STOR text', 'a\r\nb\rc\r\n\r')).code).toBe(226);
    expect(place.read('text').toString()).toBe('a\nb\rc\n\r');
    client.close();
  });

  test('MODE Z, in both directions; what is cut or none of zlib is no file', async () => {
    const { place, server } = await serving({ uploads: { keep_partial: false } });
    place.write('file', BYTES);
    const client = await image(server);
    await client.expect(200, 'MODE Z');
    await client.expect(200, 'OPTS MODE Z LEVEL 9');
    const packed = await client.fetch('RETR file');
    expect(packed.length).toBeLessThan(BYTES.length);
    expect(inflateSync(packed).equals(BYTES)).toBe(true);
    expect(inflateSync(await client.fetch('LIST')).toString()).toContain('300000');
    const deflated = deflateSync(BYTES);
    expect((await client.store('STOR up', deflated)).code).toBe(226);
    expect(place.read('up').equals(BYTES)).toBe(true);
    expect((await client.store('STOR cut', deflated.subarray(0, -20))).code).toBe(426);
    expect((await client.store('STOR none', 'this is no zlib stream')).code).toBe(426);
    await client.expect(550, 'SIZE cut');
    await client.expect(550, 'SIZE none');
    client.close();
  });

  test('an upload that breaks goes on to an equal hash; its old file stays until then', async () => {
    const { place, server } = await serving();
    place.write('file', 'the old text');
    const client = await image(server);
    const data = await client.passive();
    data.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
    await client.expect(150, 'STOR file');
    await data.sendall(BYTES.subarray(0, 200_000));
    await until(async () => (await client.command('STAT')).text.includes('200000 bytes'), 'all bytes come');
    expect(place.read('file').toString()).toBe('the old text');
    reset(data as never);
    await client.expect(426);
    expect(place.read('file').toString()).toBe('the old text');
    // SIZE of a file that is there is the file's, so the client knows how much it has sent by itself.
    await client.expect(350, 'REST 200000');
    expect((await client.store('STOR file', BYTES.subarray(200_000))).code).toBe(226);
    expect(place.read('file').equals(BYTES)).toBe(true);
    client.close();
  });

  test('a new upload that breaks: SIZE, REST and HASH go on from there', async () => {
    const { place, server } = await serving();
    const client = await image(server);
    const data = await client.passive();
    await client.expect(150, 'STOR new');
    await data.sendall(BYTES.subarray(0, 100_000));
    await until(async () => (await client.command('STAT')).text.includes('100000 bytes'), 'all bytes come');
    reset(data as never);
    await client.expect(426);
    expect(() => place.read('new')).toThrow('ENOENT');
    expect((await client.expect(213, 'SIZE new')).text).toBe('213 100000');
    await client.expect(350, 'REST 100000');
    expect((await client.store('STOR new', BYTES.subarray(100_000))).code).toBe(226);
    expect(place.read('new').equals(BYTES)).toBe(true);
    client.close();
  });

  test('an upload of a client that is killed is broken: both connections end', async () => {
    const { place, server } = await serving();
    for (let i = 0; i < 10; i++) {
      const client = await image(server);
      const data = await client.passive();
      await client.expect(150, 'STOR killed');
      await data.sendall(BYTES);
      // As the kernel does: in the order of their numbers.
      client.close();
      data.close();
    }
    const { service } = server as Awaited<ReturnType<typeof start_here>>;
    await until(async () => (await service.registry.who()).length === 0, 'all sessions end');
    expect(() => place.read('killed')).toThrow('ENOENT');
  });

  test('APPE and STOU', async () => {
    const { place, server } = await serving();
    const client = await image(server);
    expect((await client.store('APPE log', 'one ')).code).toBe(226);
    expect((await client.store('APPE log', 'two')).code).toBe(226);
    expect(place.read('log').toString()).toBe('one two');
    const names = new Set<string>();
    for (let i = 0; i < 3; i++) {
      const data = await client.passive();
      const { text } = await client.expect(150, 'STOU');
      names.add(/FILE: \/(\S+)/.exec(text)?.[1] ?? '');
      await data.sendall(`number ${i}`);
      data.close();
      await client.expect(226);
    }
    expect([...names].map((name) => place.read(name).toString()).sort()).toEqual([
      'number 0',
      'number 1',
      'number 2',
    ]);
    client.close();
  });

  test('NLST with patterns, LIST with options, MLSD, and names that would break a reply', async () => {
    const { place, server } = await serving();
    for (const name of ['a.txt', 'b.txt', 'c.bin', 'new\nline', 'q"uote', '.hidden']) place.write(name, 'x');
    const client = await image(server);
    expect((await client.fetch('NLST *.txt')).toString()).toBe('a.txt\r\nb.txt\r\n');
    expect((await client.fetch('NLST [a-b]*')).toString().split('\r\n').length).toBe(3);
    const all = (await client.fetch('LIST -la')).toString();
    expect(all).toContain(' new?line\r\n');
    expect(all).toContain(' .hidden\r\n');
    const facts = (await client.fetch('MLSD')).toString();
    expect(facts).toMatch(/^type=cdir;.* \.\r\n/);
    expect(facts).toMatch(
      /^type=file;size=1;modify=\d{14};perm=adfrw;unique=\S+;UNIX\.mode=0\d{3}; a\.txt\r$/m,
    );
    await client.expect(257, 'MKD say "hi"');
    expect((await client.expect(250, 'CWD say "hi"')).text).toBe('250 The directory is "/say ""hi""".');
    client.close();
  });

  test('names that are not UTF-8 keep their bytes', async () => {
    const { server } = await serving();
    const client = await image(server);
    const data = await client.passive();
    await client.send(Buffer.concat([Buffer.from('STOR caf'), Buffer.from([0xe9]), Buffer.from('\r\n')]));
    await client.expect(150);
    data.close();
    await client.expect(226);
    const listing = await client.fetch('NLST');
    expect(listing).toEqual(Buffer.concat([Buffer.from('caf'), Buffer.from([0xe9]), Buffer.from('\r\n')]));
    client.close();
  });
});

describe('limits', () => {
  test('an idle client, one that does not log in, and a session that is too long get 421', async () => {
    const { server } = await serving({ timeouts: { idle: 0.3, login: 0.3 } });
    const stranger = await Client.connect(server.port);
    expect((await stranger.reply()).text).toMatch(/^421/);
    const idle = await Client.log_in(server.port);
    expect((await idle.reply()).text).toMatch(/^421/);
    stranger.close();
    idle.close();
    const other = await serving({ timeouts: { session: 0.5 } });
    const client = await Client.log_in(other.server.port);
    expect((await client.reply()).text).toMatch(/^421/);
    client.close();
  });

  test('connections of one address, sessions of one user, failed log-ins', async () => {
    const { server } = await serving(
      { limits: { max_connections_per_address: 2, failed_logins: 2 }, bans: { delay: 0, failures: 3 } },
      { bob: { max_sessions: 1 } },
    );
    const first = await Client.log_in(server.port, 'bob');
    const second = await Client.connect(server.port);
    const third = await create_connection(['127.0.0.1', server.port], PATIENCE);
    expect((await third.recv(200)).toString()).toMatch(/^421 .*too many connections from this address/);
    third.close();
    await second.expect(331, 'USER bob');
    await second.expect(530, 'PASS secret');
    await second.expect(331, 'USER ann');
    await second.expect(530, 'PASS wrong');
    await second.expect(331, 'USER ann');
    await second.expect(421, 'PASS wrong');
    expect((await second.reply()).code).toBe(0);
    second.close();
    // The user's place is free behind REIN.
    await first.expect(220, 'REIN');
    const again = await Client.log_in(server.port, 'bob');
    await again.expect(331, 'USER ann');
    await again.expect(421, 'PASS wrong');
    again.close();
    const banned = await create_connection(['127.0.0.1', server.port], PATIENCE);
    expect((await banned.recv(200)).toString()).toMatch(/^421 .*banned/);
    banned.close();
    first.close();
  });

  test('read-only and drop-box users, and a quota', async () => {
    const { place, server } = await serving(
      {},
      {
        reader: { permissions: 'read-only' },
        dropper: { permissions: 'drop-box' },
        small: { max_bytes: 1_000_000 },
      },
    );
    place.write('file', 'text');
    const reader = await Client.log_in(server.port, 'reader');
    expect((await reader.fetch('RETR file')).toString()).toBe('text');
    await reader.expect(229, 'EPSV');
    await reader.expect(553, 'STOR new');
    await reader.expect(550, 'DELE file');
    await reader.expect(550, 'MKD x');
    await reader.expect(550, 'RNFR file');
    await reader.expect(550, 'SITE CHMOD 600 file');
    const dropper = await Client.log_in(server.port, 'dropper');
    expect((await dropper.store('STOR dropped', 'x')).code).toBe(226);
    await dropper.expect(229, 'EPSV');
    await dropper.expect(553, 'STOR dropped');
    await dropper.expect(550, 'LIST');
    await dropper.expect(550, 'RETR dropped');
    await dropper.expect(550, 'SIZE dropped');
    await dropper.expect(250, 'CWD /');
    const small = await Client.log_in(server.port, 'small');
    const data = await small.passive();
    await small.expect(150, 'STOR big');
    const sent = data.sendall(Buffer.alloc(5_000_000)).catch(() => {});
    await small.expect(552);
    await sent;
    data.close();
    await small.expect(504, 'ALLO 2000000');
    for (const client of [reader, dropper, small]) client.close();
  });
});
