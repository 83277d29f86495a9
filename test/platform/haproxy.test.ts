// HAProxy in front of each kind of server, and behind create_connection: the addresses that the PROXY protocol carries are right on both
// sides. curl speaks the protocol as well.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as promises from 'bsd-sockets/promises';
import {
  AsyncTCPServer,
  ForkingTCPServer,
  type ServerOptions,
  type TCPServer,
  ThreadingTCPServer,
} from 'bsd-sockets/socketserver';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
// @ts-expect-error: JavaScript, as a worker imports it
import { AsyncStream, Stream } from '../unit/socketserver/fixtures/proxied.mjs';
import { run_haproxy } from './run_haproxy.js';

const has = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
const lacks_haproxy = has('haproxy') ? undefined : 'needs haproxy';

/** Returns a port of loopback on which nothing listens. */
async function free_port(): Promise<number> {
  using sock = await promises.create_server(['127.0.0.1', 0]);
  return sock.getsockname()[1];
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'haproxy-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs HAProxy with one frontend, and calls `use` with the port on which it listens. */
async function with_haproxy(
  bind: string,
  server: string,
  use: (port: number) => Promise<void>,
): Promise<void> {
  const port = await free_port();
  const file = join(folder, `${port}.cfg`);
  const config = `defaults
  mode tcp
  timeout connect 10s
  timeout client 30s
  timeout server 30s
listen all
  bind 127.0.0.1:${port} ${bind}
  server one 127.0.0.1:${server}
`;
  writeFileSync(file, config);
  await run_haproxy(file, port, () => use(port));
}

async function ask(port: number, options: promises.CreateConnectionOptions = {}) {
  using sock = await promises.create_connection(['127.0.0.1', port], 20, options);
  await sock.sendall('data');
  await sock.shutdown(promises.SHUT_WR);
  let text = '';
  for await (const part of sock) text += part;
  const [line = '', rest] = text.split('\n');
  return { own: sock.getsockname(), rest, ...JSON.parse(line) };
}

/** The part of each class of servers that this file needs. */
type ServerClass = new (
  address: [string, number],
  handler: unknown,
  options: ServerOptions,
) => Pick<TCPServer, 'server_address' | 'serve_forever' | 'server_close'>;

describe.each([ThreadingTCPServer, ForkingTCPServer, AsyncTCPServer] as unknown as ServerClass[])(
  '$name',
  { timeout: 90_000 },
  (Server) => {
    test.for([
      ['send-proxy', 0],
      ['send-proxy-v2 proxy-v2-options unique-id,crc32c', 1],
    ] as const)('behind HAProxy with %s', async ([option, has_tlvs], ctx) => {
      ctx.skip(lacks_haproxy !== undefined, lacks_haproxy);
      const server = new Server(['127.0.0.1', 0], Object.is(Server, AsyncTCPServer) ? AsyncStream : Stream, {
        proxy_protocol: { trusted: ['127.0.0.1'] },
      });
      const served = server.serve_forever();
      const { server_address } = server;
      await with_haproxy('', `${server_address[1]} ${option}`, async (port) => {
        const { own, client_address, said, rest } = await ask(port);
        expect({ client_address, rest }).toEqual({ client_address: own, rest: 'data' });
        expect(said.destination).toEqual(['127.0.0.1', port]);
        expect(said.tlvs.some(([tlv]: [string]) => tlv === 'crc32c')).toBe(has_tlvs === 1);
      });
      await server.server_close();
      await served;
    });
  },
);

test('create_connection sends headers that HAProxy believes, and passes on', {
  timeout: 90_000,
}, async (ctx) => {
  ctx.skip(lacks_haproxy !== undefined, lacks_haproxy);
  const server = new AsyncTCPServer(['127.0.0.1', 0], AsyncStream, {
    proxy_protocol: { trusted: ['127.0.0.1'] },
  });
  const served = server.serve_forever();
  await with_haproxy('accept-proxy', `${server.server_address[1]} send-proxy-v2`, async (port) => {
    const ends = { source: ['192.0.2.1', 5000], destination: ['192.0.2.9', 80] } as const;
    const six = { source: ['2001:db8::1', 1], destination: ['2001:db8::2', 2] } as const;
    const headers = [
      ends,
      { ...ends, version: 2 as const },
      { ...six, version: 2 as const, crc32c: true },
      six,
    ];
    for (const proxy_header of headers) {
      const { client_address, said, rest } = await ask(port, { proxy_header });
      expect(client_address.slice(0, 2)).toEqual(proxy_header.source);
      expect(said.destination).toEqual(proxy_header.destination);
      expect(rest).toBe('data');
    }
    const { own, client_address } = await ask(port, { proxy_header: true });
    expect(client_address).toEqual(own);
  });
  await server.server_close();
  await served;
});

test('curl --haproxy-protocol', async (ctx) => {
  ctx.skip(!has('curl'), 'needs curl');
  const server = new AsyncTCPServer(
    ['127.0.0.1', 0],
    async (request: promises.ConnectedSocket, client_address: unknown) => {
      await request.recv(1000);
      await request.sendall(`HTTP/1.0 200 OK\r\n\r\n${JSON.stringify(client_address)}`);
    },
    { proxy_protocol: { trusted: ['127.0.0.1'] } },
  );
  const served = server.serve_forever();
  const url = `http://127.0.0.1:${server.server_address[1]}/`;
  const child = spawn('curl', ['-s', '-m', '20', '--haproxy-protocol', '-w', ' %{local_port}', url]);
  let text = '';
  child.stdout.on('data', (part: Buffer) => {
    text += part;
  });
  await once(child, 'close');
  const [address = '', local_port] = text.split(' ');
  expect(JSON.parse(address)).toEqual(['127.0.0.1', Number(local_port)]);
  await server.server_close();
  await served;
});
