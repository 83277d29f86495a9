// TLS of control and data connections: which sessions a data connection may resume, when its handshake may come, how it has to end; client
// certificates; and what others had wrong.
import { constants } from 'node:crypto';
import { once } from 'node:events';
import tls from 'node:tls';
import { create_connection } from 'bsd-sockets/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  Client,
  make_place,
  PATIENCE,
  type Place,
  type Running,
  type Settings,
  start_here,
  test_certificates,
  tls_settings,
  until,
} from './harness.js';

const LARGE = Buffer.alloc(5_000_000, 'large ');

async function serving(
  settings: Settings = {},
  more: Settings = {},
  users: Record<string, Record<string, unknown>> = {},
): Promise<{ place: Place; server: Awaited<ReturnType<typeof start_here>> }> {
  const place = await make_place(
    { listen: [{ host: '127.0.0.1', port: 0, tls: 'explicit' }], tls: tls_settings(settings), ...more },
    users,
  );
  place.write('large', LARGE);
  const server = await start_here(place);
  onTestFinished(async () => {
    await server.stop();
    place.remove();
  });
  return { place, server };
}

/** Logs in over TLS, with protected data connections. */
async function secure(server: Running, options: tls.ConnectionOptions = {}, name = 'ann'): Promise<Client> {
  const client = await Client.connect(server.port);
  await client.start_tls(options);
  await client.expect(331, `USER ${name}`);
  await client.expect(230, 'PASS secret');
  await client.expect(200, 'PBSZ 0');
  await client.expect(200, 'PROT P');
  await client.expect(200, 'TYPE I');
  // A ticket of TLS 1.3 comes behind the handshake.
  await until(() => client.session !== undefined, 'a session');
  return client;
}

async function read_stream(stream: tls.TLSSocket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const VERSIONS: readonly [name: string, options: tls.ConnectionOptions][] = [
  ['TLS 1.3', { minVersion: 'TLSv1.3' }],
  ['TLS 1.2', { maxVersion: 'TLSv1.2' }],
  ['TLS 1.2 without tickets', { maxVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_TICKET }],
];

describe.each(VERSIONS)('%s', (_name, options) => {
  test('downloads and uploads, one after the other, each of which resumes the session', async () => {
    const { place, server } = await serving();
    const client = await secure(server, options);
    for (let i = 0; i < 3; i++) {
      const down = await client.passive();
      await client.expect(150, 'RETR large');
      const reading = await client.secure_data(down, options);
      expect(reading.isSessionReused()).toBe(true);
      expect((await read_stream(reading)).equals(LARGE)).toBe(true);
      await client.expect(226);
      const up = await client.passive();
      await client.expect(150, `STOR up${i}`);
      const writing = await client.secure_data(up, options);
      writing.resume();
      writing.end(LARGE);
      await client.expect(226);
      expect(place.read(`up${i}`).equals(LARGE)).toBe(true);
    }
    client.close();
  });

  test('a data connection that does not resume the session, or resumes another one, gets 522', async () => {
    const { server } = await serving();
    const [client, other] = [await secure(server, options), await secure(server, options)];
    const { ca } = test_certificates();
    for (const session of [undefined, other.session]) {
      const data = await client.passive();
      await client.expect(150, 'RETR large');
      const cold = tls.connect({
        socket: data.to_stream(),
        ca: ca.cert,
        servername: 'localhost',
        ...(session === undefined ? {} : { session }),
        ...options,
      });
      cold.on('error', () => {});
      await client.expect(522);
      cold.destroy();
    }
    client.close();
    other.close();
  });

  test('an upload without close_notify is cut: 426, and no file', async () => {
    const { place, server } = await serving({}, { uploads: { keep_partial: false } });
    const client = await secure(server, options);
    const data = await client.passive();
    await client.expect(150, 'STOR cut');
    const raw = data.to_stream();
    const writing = tls.connect({
      socket: raw,
      ca: test_certificates().ca.cert,
      servername: 'localhost',
      ...(client.session === undefined ? {} : { session: client.session }),
      ...options,
    });
    writing.on('error', () => {});
    await once(writing, 'secureConnect');
    await new Promise<void>((resolve) => writing.write(LARGE, () => resolve()));
    // The end of TCP alone.
    raw.end();
    await client.expect(426);
    expect(() => place.read('cut')).toThrow('ENOENT');
    await client.expect(550, 'SIZE cut');
    writing.destroy();
    client.close();
  });

  test('the handshake may come before the command, or long behind 150', async () => {
    const { server } = await serving();
    const client = await secure(server, options);
    const early = await client.secure_data(await client.passive(), options);
    await client.expect(150, 'RETR large');
    expect((await read_stream(early)).length).toBe(LARGE.length);
    await client.expect(226);
    const late = await client.passive();
    await client.expect(150, 'RETR large');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await read_stream(await client.secure_data(late, options))).length).toBe(LARGE.length);
    await client.expect(226);
    client.close();
  });
});

test('without require_session_reuse every session will do', async () => {
  const { server } = await serving({ require_session_reuse: false });
  const client = await secure(server);
  client.session = undefined;
  const data = await client.passive();
  await client.expect(150, 'RETR large');
  const reading = await client.secure_data(data);
  expect(reading.isSessionReused()).toBe(false);
  expect((await read_stream(reading)).length).toBe(LARGE.length);
  await client.expect(226);
  client.close();
});

test('implicit TLS: data are protected without being asked for', async () => {
  const { server } = await serving({}, { listen: [{ host: '127.0.0.1', port: 0, tls: 'implicit' }] });
  const sock = await create_connection(['127.0.0.1', server.port], PATIENCE);
  const client = Client.on(sock);
  await client.handshake();
  await client.expect(220);
  await client.expect(331, 'USER ann');
  await client.expect(230, 'PASS secret');
  const data = await client.passive();
  await client.expect(150, 'LIST');
  expect((await read_stream(await client.secure_data(data))).toString()).toContain('large');
  await client.expect(226);
  client.close();
});

test('PROT that changes behind the handshake: 425', async () => {
  const { server } = await serving();
  const client = await secure(server);
  const early = await client.secure_data(await client.passive());
  await client.expect(200, 'PROT C');
  await client.expect(150, 'RETR large');
  await client.expect(425);
  early.destroy();
  client.close();
});

describe('client certificates', () => {
  test('log in by their subject or fingerprint; others need the password', async () => {
    const { client: pair, stranger } = test_certificates();
    const { server } = await serving(
      { client_certificates: 'allow' },
      {},
      { carl: { certificates: ['CN=a client'], password: undefined } },
    );
    const client = await Client.connect(server.port);
    await client.start_tls({ key: pair.key, cert: pair.cert });
    await client.expect(331, 'USER ann');
    await client.expect(232, 'USER carl');
    await client.expect(257, 'PWD');
    client.close();
    const wrong = await Client.connect(server.port);
    await wrong.start_tls({ key: stranger.key, cert: stranger.cert });
    await wrong.expect(331, 'USER carl');
    await wrong.expect(530, 'PASS secret');
    wrong.close();
    const none = await Client.connect(server.port);
    await none.start_tls();
    await none.expect(331, 'USER carl');
    none.close();
  });

  test('are required: no handshake without', async () => {
    const { client: pair } = test_certificates();
    const { server } = await serving({ client_certificates: 'require' });
    const client = await secure(server, { key: pair.key, cert: pair.cert });
    // A resumed session has the certificate of the first.
    const data = await client.passive();
    await client.expect(150, 'RETR large');
    expect((await read_stream(await client.secure_data(data))).length).toBe(LARGE.length);
    await client.expect(226);
    client.close();
    const none = await Client.connect(server.port);
    await none.start_tls({ maxVersion: 'TLSv1.2' }).catch(() => {});
    expect((await none.command('NOOP').catch(() => ({ code: 0 }))).code).toBe(0);
    none.close();
  });
});

test('clients that go in every way leave nothing that spins', async () => {
  const { server } = await serving();
  for (let i = 0; i < 4; i++) {
    const client = await secure(server);
    const data = await client.passive();
    await client.expect(150, i % 2 === 0 ? 'RETR large' : 'STOR new');
    const stream = await client.secure_data(data);
    stream.write('some bytes');
    // In the middle of both, without close_notify; or with it, but one-sided.
    if (i < 2) client.raw?.destroy();
    else client.secure?.end();
    stream.destroy();
    data.close();
  }
  const half = await Client.connect(server.port);
  await half.expect(234, 'AUTH TLS');
  half.close();
  await until(async () => (await server.service.registry.who()).length === 0, 'all sessions end');
  const before = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const { user, system } = process.cpuUsage(before);
  // One that spins takes the whole second.
  expect((user + system) / 1e6).toBeLessThan(0.5);
});

test('handshakes that stall keep nobody out, and end', async () => {
  const { server } = await serving({}, { timeouts: { handshake: 0.5 } });
  const stalled = await Promise.all(Array.from({ length: 20 }, () => Client.connect(server.port)));
  for (const client of stalled) await client.expect(234, 'AUTH TLS');
  const client = await secure(server);
  await client.expect(200, 'NOOP');
  for (const one of stalled) {
    expect((await one.reply()).code).toBe(0);
    one.close();
  }
  client.close();
});

describe('bandwidth', () => {
  test.each(['down', 'up'] as const)(
    '%s: the rate holds under TLS, over two connections together',
    async (way) => {
      const { server } = await serving(
        {},
        {},
        { slow: { max_download_rate: 1_000_000, max_upload_rate: 1_000_000 } },
      );
      const clients = [await secure(server, {}, 'slow'), await secure(server, {}, 'slow')];
      const began = performance.now();
      const bytes = LARGE.subarray(0, 1_500_000);
      await Promise.all(
        clients.map(async (client, i) => {
          const data = await client.passive();
          if (way === 'up') {
            await client.expect(150, `STOR up${i}`);
            const writing = await client.secure_data(data);
            writing.resume();
            writing.end(bytes);
          } else {
            await client.expect(350, `REST ${LARGE.length - bytes.length}`);
            await client.expect(150, 'RETR large');
            expect((await read_stream(await client.secure_data(data))).length).toBe(bytes.length);
          }
          await client.expect(226);
          client.close();
        }),
      );
      // 3 MB at 1 MB/s, but for what may burst.
      expect((performance.now() - began) / 1000).toBeGreaterThan(2.2);
    },
  );
});

test('implicit TLS: a ClientHello that is there at once is none of Telnet', async () => {
  const { server } = await serving({}, { listen: [{ host: '127.0.0.1', port: 0, tls: 'implicit' }] });
  const { ca } = test_certificates();
  const greet = async () => {
    const client = tls.connect({
      port: server.port,
      host: '127.0.0.1',
      ca: ca.cert,
      servername: 'localhost',
    });
    const [greeting] = (await once(client, 'data')) as [Buffer];
    client.destroy();
    return greeting.toString();
  };
  for (const greeting of await Promise.all(Array.from({ length: 30 }, greet)))
    expect(greeting).toBe('220 FTP server ready.\r\n');
});
