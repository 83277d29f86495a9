// Transfers whose data connection is cut at random bytes, by a reset or an end, 20 times up and 20 times down: ftpc goes on from where it was, and the hashes are equal.
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Certificates, make_certificates } from '../../../../test/certificates.js';
import { ftpc, objects } from './ftpc.js';
import { free_port, start_ftpd, type TestServer } from './servers.js';

const SIZE = 4_000_000;
const CUTS = 20;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/**
 * A proxy on 127.0.0.2: of the control connection, and of the one port that the server has for data connections, the same there and here. So the
 * client, which takes the port of EPSV and the host of its control connection, comes here for both, over TLS, too.
 */
class CuttingProxy {
  /** how many data connections are still to be cut */
  cuts_left = 0;
  cuts = 0;
  readonly #sockets = new Set<Socket>();
  readonly #servers: Server[] = [];

  /** Returns the port on 127.0.0.2 that leads to `port` on 127.0.0.1. */
  async listen(own: number, port: number, is_data: boolean): Promise<number> {
    const server = createServer({ allowHalfOpen: true }, (near) => this.#relay(near, port, is_data));
    this.#servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(own, '127.0.0.2', resolve);
    });
    return (server.address() as AddressInfo).port;
  }

  #relay(near: Socket, port: number, is_data: boolean): void {
    const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let left: number | undefined;
    if (is_data && this.cuts_left > 0) {
      this.cuts_left--;
      // The first kilobytes are the handshake of TLS.
      left = randomInt(1, 150_000);
    }
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    const pass = (from: Socket, to: Socket) => {
      from.on('data', (chunk) => {
        if (left !== undefined) {
          left -= chunk.length;
          if (left <= 0) {
            this.cuts++;
            // A reset, or an end that looks like that of the data.
            const is_reset = randomInt(2) === 0;
            to.write(chunk.subarray(0, chunk.length + left), () => {
              for (const socket of [near, far]) {
                if (is_reset) socket.resetAndDestroy();
                else socket.end();
              }
            });
            from.pause();
            return;
          }
        }
        if (!to.write(chunk)) {
          from.pause();
          to.once('drain', () => from.resume());
        }
      });
      from.on('end', () => to.end());
    };
    pass(near, far);
    pass(far, near);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(
      this.#servers.map((server) => new Promise<void>((resolve) => void server.close(() => resolve()))),
    );
  }
}

let certificates: Certificates;
let folder: string;
beforeAll(() => {
  certificates = make_certificates();
  folder = mkdtempSync(join(tmpdir(), 'ftpc-cut-'));
});
afterAll(() => {
  certificates.remove();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(['plain', 'TLS'])('%s', (way) => {
  let server: TestServer;
  let proxy: CuttingProxy;
  let url: string;
  let options: string[];
  const data = randomBytes(SIZE);

  beforeAll(async () => {
    const { cert_file, key_file } = certificates.server;
    const data_port = await free_port();
    server = await start_ftpd(way === 'TLS' ? { cert_file, key_file } : undefined, {
      passive: { ports: [data_port, data_port] },
      limits: { max_connections_per_address: 1000 },
    });
    proxy = new CuttingProxy();
    const port = await proxy.listen(0, server.port, false);
    await proxy.listen(data_port, data_port, true);
    url = `${way === 'TLS' ? 'ftpes' : 'ftp'}://ann@127.0.0.2:${port}`;
    options = ['--json', '--no-netrc', '--timeout', '20'];
    if (way === 'TLS') options.push('--ca', certificates.ca.cert_file, '--servername', 'localhost');
  });
  afterAll(async () => {
    await proxy.close();
    await server.stop();
  });

  const run = (line: readonly string[]) =>
    ftpc([...line, ...options], { cwd: folder, env: { FTPC_PASSWORD: server.password ?? '' } });

  test(`down, ${CUTS} times, within one run`, async () => {
    writeFileSync(join(server.folder, 'down'), data);
    proxy.cuts = 0;
    proxy.cuts_left = CUTS;
    const target = `down-${way}`;
    const result = await run(['get', '--retries', '60', '-o', target, `${url}/down`]);
    expect([result.code, proxy.cuts]).toEqual([0, CUTS]);
    expect(sha256(readFileSync(join(folder, target)))).toBe(sha256(data));
    expect(objects(result).at(-1)).toMatchObject({
      event: 'get',
      size: SIZE,
      verified: 'SHA-256',
      hash: sha256(data),
    });
    // Nothing partial is left.
    expect(readdirSync(folder).filter((name) => name.endsWith('.ftpc-part'))).toEqual([]);
  });

  test(`up, ${CUTS} times, within one run`, async () => {
    const source = join(folder, `up-${way}`);
    writeFileSync(source, data);
    proxy.cuts = 0;
    proxy.cuts_left = CUTS;
    const result = await run(['put', '--retries', '60', source, `${url}/up`]);
    expect([result.code, proxy.cuts]).toEqual([0, CUTS]);
    expect(sha256(readFileSync(join(server.folder, 'up')))).toBe(sha256(data));
    expect(objects(result).at(-1)).toMatchObject({
      event: 'put',
      size: SIZE,
      verified: 'SHA-256',
      hash: sha256(data),
    });
    expect(readdirSync(server.folder).filter((name) => name.startsWith('up'))).toEqual(['up']);
  });

  test('a run that fails says 7, and the next one with -c goes on', async () => {
    writeFileSync(join(server.folder, 'again'), data);
    const target = `again-${way}`;
    proxy.cuts_left = 2;
    for (let i = 0; i < 2; i++) expect((await run(['get', '-c', '-o', target, `${url}/again`])).code).toBe(7);
    const { code, stdout } = await run(['get', '-c', '-o', target, `${url}/again`]);
    expect(code).toBe(0);
    const last = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as { bytes: number; resumed: number };
    expect(last.bytes + last.resumed).toBe(SIZE);
    expect(sha256(readFileSync(join(folder, target)))).toBe(sha256(data));
  });
});
