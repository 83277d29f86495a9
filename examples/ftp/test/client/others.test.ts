// The client's operations against vsftpd and pyftpdlib, plain and over TLS; vsftpd demands that data connections resume the session.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Certificates, make_certificates } from '../../../../test/certificates.js';
import { FTPClient, type FTPClientOptions } from '../../dist/client/index.js';
import { aborted_transfers, every_operation } from './operations.js';
import { missing, start_pyftpd, start_vsftpd, type TestServer } from './servers.js';

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
    await every_operation(client, server);
  });

  test('an aborted transfer leaves a connection that is usable', async (ctx) => {
    if (reason !== undefined) ctx.skip(reason);
    await aborted_transfers(client, server);
    expect(client.is_connected).toBe(true);
  });
});
