// The client's operations against vsftpd and pyftpdlib, plain and over TLS; vsftpd demands that data connections resume the session.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Certificates, make_certificates } from '../../../../test/certificates.js';
import { FTPClient, type FTPClientOptions } from '../../dist/client/index.js';
import { missing, start_pyftpd, start_vsftpd, type TestServer } from './servers.js';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

let certificates: Certificates;
beforeAll(() => {
  certificates = make_certificates();
});
afterAll(() => certificates.remove());

const STARTS = { vsftpd: start_vsftpd, pyftpdlib: start_pyftpd } as const;

const ROWS: [keyof typeof STARTS, string, Partial<FTPClientOptions>][] = [
  ['vsftpd', 'plain', {}],
  ['vsftpd', 'plain, active', { data_mode: 'active' }],
  ['vsftpd', 'TLS 1.2', { tls: 'explicit', tls_options: { maxVersion: 'TLSv1.2' } }],
  ['vsftpd', 'TLS 1.3', { tls: 'explicit', tls_options: { minVersion: 'TLSv1.3' } }],
  ['vsftpd', 'TLS, active', { tls: 'explicit', data_mode: 'active' }],
  ['vsftpd', 'implicit TLS', { tls: 'implicit' }],
  ['pyftpdlib', 'plain', {}],
  ['pyftpdlib', 'plain, active', { data_mode: 'active' }],
  ['pyftpdlib', 'TLS', { tls: 'explicit' }],
  ['pyftpdlib', 'TLS, active', { tls: 'explicit', data_mode: 'active' }],
];

describe.each(ROWS)('%s, %s', (program, _way, options) => {
  const reason = missing(program);
  let server: TestServer;
  let client: FTPClient;

  beforeAll(async () => {
    if (reason !== undefined) return;
    const { cert_file, key_file } = certificates.server;
    const tls =
      options.tls === undefined ? undefined : { cert_file, key_file, implicit: options.tls === 'implicit' };
    server = await STARTS[program](tls);
    client = new FTPClient({
      host: '127.0.0.1',
      port: server.port,
      timeout: 20,
      ...options,
      tls_options: { ca: certificates.ca.cert, ...options.tls_options },
    });
    await client.connect();
    await client.login({ user: server.user, password: server.password });
    await client.cd(server.remote);
  });
  afterAll(async () => {
    client?.close();
    await server?.stop();
  });

  test('every operation', async (ctx) => {
    if (reason !== undefined) ctx.skip(reason);
    expect(await client.pwd()).toBe(server.remote);
    const data = randomBytes(3_000_000);
    expect(await client.upload('a file', [data.subarray(0, 1_000_000), data.subarray(1_000_000)])).toBe(
      data.length,
    );
    expect(sha256(readFileSync(join(server.folder, 'a file')))).toBe(sha256(data));
    expect(await client.size('a file')).toBe(data.length);

    const parts: Buffer[] = [];
    expect(
      await client.download('a file', (chunk) => void parts.push(Buffer.from(chunk)), { size: data.length }),
    ).toBe(data.length);
    expect(sha256(Buffer.concat(parts))).toBe(sha256(data));

    parts.length = 0;
    await client.download('a file', (chunk) => void parts.push(Buffer.from(chunk)), { offset: 2_999_990 });
    expect(Buffer.concat(parts)).toEqual(data.subarray(2_999_990));

    await client.append('a file', [Buffer.from('more')]);
    expect(await client.size('a file')).toBe(data.length + 4);
    await client.upload('a file', [Buffer.from('MORE')], { offset: data.length });
    expect(readFileSync(join(server.folder, 'a file')).subarray(data.length).toString()).toBe('MORE');

    await client.upload('empty', []);
    expect(await client.download('empty', () => {})).toBe(0);

    await client.mkdir('folder');
    await client.upload('folder/größe.txt', [Buffer.from('x')]);
    await client.upload('folder/.hidden', [Buffer.from('xyz')]);
    const names = (await client.list('folder')).map(({ name, type, size }) => [name, type, size]);
    expect(names.sort()).toEqual([
      ['.hidden', 'file', 3],
      ['größe.txt', 'file', 1],
    ]);
    expect((await client.list()).map(({ name, type }) => `${name} ${type}`).sort()).toEqual([
      'a file file',
      'empty file',
      'folder dir',
    ]);
    expect((await client.stat('folder')).type).toBe('dir');
    const stat = await client.stat('folder/.hidden');
    expect([stat.name, stat.type, stat.size]).toEqual(['.hidden', 'file', 3]);

    await client.set_modified('empty', Date.UTC(2020, 1, 2, 3, 4, 5));
    expect(await client.modified('empty')).toBe(Date.UTC(2020, 1, 2, 3, 4, 5));

    await client.rename('empty', 'folder/moved');
    await client.remove('folder/moved');
    await client.remove('folder/.hidden');
    await client.remove('folder/größe.txt');
    await client.rmdir('folder');
    await expect(client.download('missing', () => {})).rejects.toMatchObject({ kind: 'not-found' });
    await expect(client.stat('missing')).rejects.toMatchObject({ kind: 'not-found' });
    await expect(client.cd('missing')).rejects.toMatchObject({ kind: 'not-found' });
    await client.remove('a file');
    expect(await client.list()).toEqual([]);
  });

  test('an aborted transfer leaves a connection that is usable, or closed', async (ctx) => {
    if (reason !== undefined) ctx.skip(reason);
    const data = randomBytes(8_000_000);
    await client.upload('large', [data]);
    for (const direction of ['down', 'up', 'sink'] as const) {
      if (!client.is_connected) break;
      const aborter = new AbortController();
      const reason = new Error('enough');
      let chunks = 0;
      const running =
        direction === 'up'
          ? client.upload(
              'cut',
              (async function* () {
                for (let i = 0; i < 1000; i++) {
                  if (i === 3) aborter.abort(reason);
                  yield data.subarray(0, 100_000);
                }
              })(),
              { signal: aborter.signal },
            )
          : client.download(
              'large',
              () => {
                if (++chunks !== 2) return;
                if (direction === 'sink') throw reason;
                aborter.abort(reason);
              },
              { signal: aborter.signal },
            );
      await expect(running).rejects.toBe(reason);
      if (client.is_connected) expect(await client.pwd()).toBe(server.remote);
    }
    expect([client.is_connected, program]).toEqual([true, program]);
  });
});
