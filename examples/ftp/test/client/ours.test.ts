// The client's operations against ftpd: every kind, plain and over TLS, passive and active, IPv6, MODE Z.
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Certificates, make_certificates } from '../../../../test/certificates.js';
import { FTPClient, type FTPClientOptions } from '../../dist/client/index.js';
import { aborted_transfers, every_operation, sha256 } from './operations.js';
import { start_ftpd, type TestServer } from './servers.js';

let certificates: Certificates;
beforeAll(() => {
  certificates = make_certificates();
});
afterAll(() => certificates.remove());

const WAYS: [string, Partial<FTPClientOptions>][] = [
  ['plain', {}],
  ['plain, active', { data_mode: 'active' }],
  ['plain, MODE Z', { compress: true }],
  ['TLS 1.2', { tls: 'explicit', tls_options: { maxVersion: 'TLSv1.2' } }],
  ['TLS 1.3', { tls: 'explicit', tls_options: { minVersion: 'TLSv1.3' } }],
  ['TLS, active', { tls: 'explicit', data_mode: 'active' }],
  ['TLS, MODE Z', { tls: 'explicit', compress: true }],
  ['implicit TLS', { tls: 'implicit' }],
];
const KINDS = ['loop', 'threads', 'processes'] as const;

describe.each(KINDS)('%s', (kind) => {
  const servers: Record<'plain' | 'explicit' | 'implicit', TestServer | undefined> = {
    plain: undefined,
    explicit: undefined,
    implicit: undefined,
  };
  afterAll(async () => {
    for (const server of Object.values(servers)) await server?.stop();
  });

  /** One server for each form of TLS: its folder is empty before and after each test. */
  async function server_for(options: Partial<FTPClientOptions>): Promise<TestServer> {
    const name = options.tls === 'explicit' || options.tls === 'implicit' ? options.tls : 'plain';
    const { cert_file, key_file } = certificates.server;
    const tls = name === 'plain' ? undefined : { cert_file, key_file, implicit: name === 'implicit' };
    const server = servers[name] ?? (await start_ftpd(tls, { kind }));
    servers[name] = server;
    return server;
  }

  test.each(WAYS)('%s: every operation, and aborted transfers', async (_way, options) => {
    const server = await server_for(options);
    const client = new FTPClient({
      host: '127.0.0.1',
      port: server.port,
      timeout: 20,
      ...options,
      tls_options: { ca: certificates.ca.cert, ...options.tls_options },
    });
    await client.connect();
    await client.login({ user: server.user, password: server.password });
    await every_operation(client, server);
    const bytes = Buffer.from('hash me');
    await client.upload('h', [bytes]);
    expect(await client.hash('h')).toEqual({ algorithm: 'SHA-256', digits: sha256(bytes) });
    expect((await client.hash('h', { start: 0, end: 4 })).digits).toBe(sha256(bytes.subarray(0, 4)));
    await aborted_transfers(client, server);
    // An upload that was aborted is no file.
    expect(
      readdirSync(server.folder)
        .filter((name) => !name.startsWith('.'))
        .sort(),
    ).toEqual(['h', 'large']);
    expect(client.is_connected).toBe(true);
    for (const { name } of await client.list()) await client.remove(name);
    await client.quit();
    expect(client.is_connected).toBe(false);
  });
});
