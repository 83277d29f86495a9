// What a connection passes before it is handled, all at once: the PROXY header, the limits of the client that it names, the handshake of
// TLS. And what of TLS the limits, the statistics and handovers have to know.
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import type { SSLSocket } from 'bsd-sockets/promises';
import { AsyncTCPServer, offer_handover, type ServerOptions } from 'bsd-sockets/socketserver';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Certificates, make_certificates } from '../../certificates.js';
import { until } from './served.js';

let made: Certificates;
beforeAll(() => {
  made = make_certificates();
});
afterAll(() => made.remove());

type Server = Pick<AsyncTCPServer, 'statistics' | 'server_address' | 'shutdown'>;

/** Has a server with TLS serve while `use` runs. */
async function serving(
  handle: (request: SSLSocket) => unknown,
  options: Omit<ServerOptions, 'ssl'>,
  use: (server: Server, errors: unknown[]) => Promise<void>,
  sni_callback?: () => never,
): Promise<void> {
  const ssl = { key: made.server.key, cert: made.server.cert, ...(sni_callback && { sni_callback }) };
  const server = new AsyncTCPServer(['127.0.0.1', 0], handle, { ...options, ssl });
  const errors: unknown[] = [];
  server.handle_error = (_request, _address, error) => void errors.push(error);
  const served = server.serve_forever();
  try {
    await use(server as unknown as Server, errors);
  } finally {
    await server.server_close();
    await served;
  }
}

/** Connects, and sends bytes before TLS, if any. */
async function raw(server: Server, bytes = ''): Promise<net.Socket> {
  const sock = net.connect(server.server_address[1], '127.0.0.1');
  sock.on('error', () => {});
  await once(sock, 'connect');
  sock.write(bytes);
  return sock;
}

/** Waits for the end of a connection, and returns what came. */
async function end_of(sock: net.Socket): Promise<string> {
  let text = '';
  sock.on('data', (chunk: Buffer) => {
    text += chunk;
  });
  // An error of the connection is an end, too: once() would reject with it.
  if (!sock.closed) await new Promise((resolve) => sock.on('close', resolve));
  return text;
}

async function secure(sock: net.Socket): Promise<tls.TLSSocket> {
  const client = tls.connect({ socket: sock, ca: made.ca.cert, servername: 'localhost' });
  client.on('error', () => {});
  await once(client, 'secureConnect');
  return client;
}

const header = (host: string) => `PROXY TCP4 ${host} 192.0.2.99 4000 443\r\n`;
const echo = async (request: SSLSocket) => {
  for await (const chunk of request) await request.sendall(chunk);
};

test('the PROXY header, then the limits of the client that it names, then TLS; all three count what they refuse', async () => {
  const options = {
    proxy_protocol: { trusted: ['127.0.0.1'] },
    max_connections_per_address: 1,
    refusal: 'too many\n',
  };
  await serving(echo, options, async (server, errors) => {
    const first = await secure(await raw(server, header('192.0.2.1')));
    first.write('hello');
    expect(String((await once(first, 'data'))[0])).toBe('hello');
    // Before its handshake, which it would never get.
    expect(await end_of(await raw(server, header('192.0.2.1')))).toBe('too many\n');
    await end_of(await raw(server, `${header('192.0.2.2')}GET / HTTP/1.1\r\n\r\n`));
    await end_of(await raw(server, 'no header at all\r\n'));
    expect(server.statistics()).toMatchObject({
      accepted: 4,
      active: 1,
      handled: 0,
      errors: 0,
      refused: { proxy_protocol: 1, max_connections_per_address: 1, ssl: 1, other: 0 },
    });
    // The one that failed in its handshake has given its place back, and so does the first.
    (await secure(await raw(server, header('192.0.2.2')))).end();
    first.end();
    await until(() => server.statistics().handled === 2);
    const again = await secure(await raw(server, header('192.0.2.1')));
    again.end('once more');
    expect(await end_of(again)).toBe('once more');
    expect(errors).toEqual([]);
  });
});

test('a handshake counts for the limits of its client, and not for max_handlers', async () => {
  await serving(echo, { max_connections_per_address: 2, max_handlers: 1 }, async (server) => {
    const stalled = await raw(server);
    const client = await secure(await raw(server));
    await end_of(await raw(server));
    expect(server.statistics().refused.max_connections_per_address).toBe(1);
    stalled.destroy();
    await until(() => server.statistics().refused.ssl === 1);
    client.end('served');
    expect(await end_of(client)).toBe('served');
  });
});

test('idle_timeout ends a connection over TLS whose client is silent', async () => {
  await serving(echo, { idle_timeout: 0.2 }, async (server, errors) => {
    const client = await secure(await raw(server));
    await end_of(client);
    await until(() => errors.length === 1);
    expect(String(errors[0])).toContain('idle_timeout, 0.2 s');
    expect(server.statistics().timed_out.idle_timeout).toBe(1);
  });
});

test('an error of sni_callback goes to handle_error, and counts as a refusal by TLS', async () => {
  const mistake = new Error('no such certificate');
  const throwing = () => {
    throw mistake;
  };
  const use = async (server: Server, errors: unknown[]) => {
    const client = tls.connect({ socket: await raw(server), ca: made.ca.cert, servername: 'localhost' });
    client.on('error', () => {});
    await end_of(client);
    await until(() => errors.length === 1);
    expect(errors).toEqual([mistake]);
    expect(server.statistics()).toMatchObject({ refused: { ssl: 1 }, handled: 0, errors: 0 });
  };
  await serving(echo, {}, use, throwing);
});

test('a connection over TLS is not passed to a successor', async () => {
  const caught: unknown[] = [];
  const pass = async (request: SSLSocket) => {
    const other = new AsyncTCPServer(['127.0.0.1', 0], async () => {});
    const offer = await offer_handover(`${made.folder}/control`, { other });
    await offer.pass(request).catch((error: unknown) => caught.push(error));
    await offer.close();
    await other.server_close();
    await request.sendall('still here');
  };
  await serving(pass, {}, async (server) => {
    const client = await secure(await raw(server));
    expect(await end_of(client)).toBe('still here');
    expect(String(caught)).toBe(
      'TypeError: conn must be a connection without TLS: the keys of an SSLSocket stay in this process',
    );
  });
});
