// What the client does where servers have less: no HASH, no MLSD, no EPSV; IPv6; an end of TLS that is none; a server that has another certificate
// for its data.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Certificates, make_certificates } from '../../../../test/certificates.js';
import { FTPClient } from '../../dist/client/index.js';
import { ftpc, objects } from './ftpc.js';
import { aborted_transfers, every_operation } from './operations.js';
import { free_port, missing, start_ftpd, start_pyftpd, start_vsftpd, type TestServer } from './servers.js';
import { make_tree, tree } from './trees.js';

let certificates: Certificates;
let folder: string;
beforeAll(() => {
  certificates = make_certificates();
});
afterAll(() => certificates.remove());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ftpc-fallback-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const OTHERS = { vsftpd: start_vsftpd, pyftpdlib: start_pyftpd } as const;

describe.each(['vsftpd', 'pyftpdlib'] as const)('%s has no HASH', (program) => {
  const reason = missing(program);
  let server: TestServer;
  let url: string;
  beforeAll(async () => {
    if (reason !== undefined) return;
    server = await OTHERS[program]();
    const at = server.user === undefined ? '' : `${server.user}@`;
    url = `ftp://${at}127.0.0.1:${server.port}${server.remote === '/' ? '' : server.remote}`;
  });
  afterAll(() => server?.stop());

  const run = (...line: string[]) =>
    ftpc([...line, '--json', '--no-netrc'], { cwd: folder, env: { FTPC_PASSWORD: server.password ?? '' } });

  test('resume goes by size and time, and says so', async (ctx) => {
    if (reason !== undefined) ctx.skip(reason);
    const data = randomBytes(500_000);
    writeFileSync(join(server.folder, 'f'), data);
    utimesSync(join(server.folder, 'f'), 1_600_000_000, 1_600_000_000);
    writeFileSync(join(folder, 'f'), data.subarray(0, 100_000));
    const down = objects(await run('get', '-c', `${url}/f`));
    expect(down).toMatchObject([
      {
        event: 'note',
        message: expect.stringContaining('size and time say that 100000 bytes are there already'),
      },
      { event: 'get', resumed: 100_000, bytes: 400_000, verified: 'size' },
    ]);
    expect(readFileSync(join(folder, 'f')).equals(data)).toBe(true);
    // What is older than the server's file cannot be its beginning.
    writeFileSync(join(folder, 'f'), data.subarray(0, 100_000));
    utimesSync(join(folder, 'f'), 1_500_000_000, 1_500_000_000);
    expect(objects(await run('get', '-c', `${url}/f`)).at(-1)).toMatchObject({
      resumed: 0,
      bytes: data.length,
    });

    expect((await run('put', join(folder, 'f'), `${url}/up`)).code).toBe(0);
    const client = new FTPClient({ host: '127.0.0.1', port: server.port });
    await client.connect();
    await client.login({ user: server.user, password: server.password });
    await client.cd(server.remote);
    await client.upload('up', [data.subarray(0, 200_000)]);
    await client.quit();
    const up = objects(await run('put', '-c', join(folder, 'f'), `${url}/up`));
    expect(up.at(-1)).toMatchObject({ event: 'put', resumed: 200_000, bytes: 300_000 });
    expect(readFileSync(join(server.folder, 'up')).equals(data)).toBe(true);
    const hash = await run('hash', `${url}/up`);
    expect([hash.code, objects(hash)[0]?.message]).toEqual([11, expect.stringContaining('it lacks HASH')]);
    expect((await run('verify', 'f', `${url}/up`)).code).toBe(0);
    await run('rm', `${url}/up`, `${url}/f`);
  });

  test('mirror goes by its listing', async (ctx) => {
    if (reason !== undefined) ctx.skip(reason);
    const files = { 'a b.txt': 'ab', '.hidden': 'h', 'sub/[x].txt': 'x', 'sub/-l': 'dash' };
    make_tree(join(folder, 'src'), files);
    expect((await run('mirror', 'src', `${url}/m`)).code).toBe(0);
    expect(tree(join(server.folder, 'm'))).toEqual({ ...files, sub: '/' });
    expect((await run('mirror', '-P', '2', `${url}/m`, 'back')).code).toBe(0);
    expect(tree(join(folder, 'back'))).toEqual({ ...files, sub: '/' });
    expect(objects(await run('mirror', `${url}/m`, 'back')).at(-1)).toMatchObject({
      event: 'mirror',
      files: 0,
    });
    // A folder that is not there is not an empty one.
    expect((await run('mirror', '--delete', `${url}/none`, 'back')).code).toBe(6);
    expect((await run('ls', `${url}/none`)).code).toBe(6);
    expect(tree(join(folder, 'back'))).toEqual({ ...files, sub: '/' });
    expect((await run('rm', '-r', `${url}/m`)).code).toBe(0);
    expect(readdirSync(server.folder)).toEqual([]);
  });
});

describe('IPv6', () => {
  test.each([
    ['plain', 'passive'],
    ['TLS', 'active'],
  ] as const)('%s, %s', async (way, data_mode) => {
    const { cert_file, key_file } = certificates.server;
    const tls = way === 'TLS' ? ({ cert_file, key_file } as const) : undefined;
    const server = await start_ftpd(tls, {
      listen: [{ host: '::1', port: 0, tls: tls ? 'explicit' : 'none' }],
    });
    const client = new FTPClient({
      host: '::1',
      port: server.port,
      data_mode,
      tls: tls ? 'explicit' : false,
      tls_options: { ca: certificates.ca.cert, servername: 'localhost' },
    });
    try {
      await client.connect();
      await client.login({ user: server.user, password: server.password });
      await every_operation(client, server);
      await aborted_transfers(client, server);
      expect(client.is_connected).toBe(true);
    } finally {
      client.close();
      await server.stop();
    }
  });
});

describe('an end of TLS without a close_notify', () => {
  test('is no end of a listing, nor of a file whose size is not known', async () => {
    const { cert_file, key_file } = certificates.server;
    const data_port = await free_port();
    const server = await start_ftpd({ cert_file, key_file }, { passive: { ports: [data_port, data_port] } });
    const sockets = new Set<Socket>();
    // What the server sends arrives, without its last bytes: those are its close_notify.
    const relay = (cut: boolean) => (near: Socket, port: number) => {
      const far = connect(port, '127.0.0.1');
      for (const socket of [near, far]) {
        sockets.add(socket);
        socket.on('error', () => {});
      }
      near.on('data', (chunk) => far.write(chunk));
      let held = Buffer.alloc(0);
      far.on('data', (chunk) => {
        if (!cut) {
          near.write(chunk);
          return;
        }
        const all = Buffer.concat([held, chunk]);
        held = all.subarray(Math.max(0, all.length - 24));
        near.write(all.subarray(0, all.length - held.length));
        // The handshake must not stop for want of its last bytes.
        const waiting = held;
        setTimeout(() => {
          if (held !== waiting || far.readableEnded) return;
          near.write(held);
          held = Buffer.alloc(0);
        }, 300);
      });
      far.on('end', () => near.end());
      near.on('close', () => far.destroy());
    };
    const listen = async (own: number, port: number, cut: boolean) => {
      const proxy = createServer((near) => relay(cut)(near, port));
      await new Promise<void>((resolve) => void proxy.listen(own, '127.0.0.2', resolve));
      return proxy;
    };
    const control = await listen(0, server.port, false);
    const data = await listen(data_port, data_port, true);
    const client = new FTPClient({
      host: '127.0.0.2',
      port: (control.address() as AddressInfo).port,
      tls: 'explicit',
      tls_options: { ca: certificates.ca.cert, servername: 'localhost' },
    });
    try {
      writeFileSync(join(server.folder, 'f'), 'content');
      await client.connect();
      await client.login({ user: server.user, password: server.password });
      await expect(client.list()).rejects.toMatchObject({
        kind: 'transfer',
        message: expect.stringContaining('was cut'),
      });
      await expect(client.download('f', () => {})).rejects.toMatchObject({ kind: 'transfer' });
      // All of it came, as its size says: then the missing close_notify is the server's fault, and no matter.
      expect(await client.download('f', () => {}, { size: 7 })).toBe(7);
    } finally {
      client.close();
      for (const socket of sockets) socket.destroy();
      for (const proxy of [control, data]) proxy.close();
      await server.stop();
    }
  });
});
