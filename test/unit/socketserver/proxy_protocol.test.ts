// Servers behind a proxy: the PROXY header of a trusted one gives the client's address, in every kind of server; others are refused,
// and what is no header costs nobody else anything. With HAProxy itself: test/platform/haproxy.test.ts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as promises from 'bsd-sockets/promises';
import * as socket from 'bsd-sockets/socket';
import * as socketserver from 'bsd-sockets/socketserver';
import { describe, expect, test } from 'vitest';
// @ts-expect-error: JavaScript, as a worker imports it
import { AsyncDatagram, AsyncStream, Datagram, Stream } from './fixtures/proxied.mjs';

const handlers: { readonly [name: string]: unknown } = { AsyncDatagram, AsyncStream, Datagram, Stream };

const { AF_INET, AF_INET6, AF_UNIX, SOCK_DGRAM } = socket;
const TRUSTED = { trusted: ['127.0.0.0/8', '::1', 'unix'] };
const CLIENT = ['192.0.2.1', 5000] as const;
const SERVER = ['192.0.2.9', 80] as const;

/** A server of any kind, as the tests use it. */
interface Served {
  readonly server_address: [string, number];
  serve_forever(): Promise<void>;
  server_close(): Promise<void>;
}
type ServerClass = new (address: unknown, Handler: unknown, options: socketserver.ServerOptions) => Served;

async function serving(
  name: string,
  address: unknown,
  options: socketserver.ServerOptions,
  use: (server: Served) => Promise<void>,
): Promise<void> {
  const Server = Reflect.get(socketserver, name) as ServerClass;
  const kind = `${name.startsWith('Async') ? 'Async' : ''}${/UDP|Datagram/.test(name) ? 'Datagram' : 'Stream'}`;
  const server = new Server(address, handlers[kind], options);
  const served = server.serve_forever();
  try {
    await use(server);
  } finally {
    await server.server_close();
    await served;
  }
}

/** Sends pieces over a connection of its own, and half-closes; not behind null. Returns what comes back; '' if the server closes or resets. */
async function ask_here(address: unknown, ...pieces: (string | Buffer | null)[]): Promise<string> {
  const family =
    typeof address === 'string'
      ? AF_UNIX
      : String((address as unknown[])[0]).includes(':')
        ? AF_INET6
        : AF_INET;
  using sock = new promises.socket<number>(family, socket.SOCK_STREAM);
  sock.settimeout(15);
  try {
    await sock.connect(address as never);
    for (const piece of pieces) {
      if (piece !== null) await sock.sendall(piece);
      if (pieces.length > 1) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    if (pieces.at(-1) !== null) await sock.shutdown(socket.SHUT_WR);
    let text = '';
    for await (const part of sock) text += part;
    return text;
  } catch (error) {
    if (error instanceof socket.OSError) return '';
    throw error;
  }
}

function answer(text: string) {
  const [line = '', ...rest] = text.split('\n');
  return { ...JSON.parse(line), rest: rest.join('\n') };
}

/** The same in a process of its own: a server that handles requests on this thread would keep the client from sending. */
async function ask_apart(
  [host, port]: [string, number],
  ...pieces: (string | Buffer | null)[]
): Promise<string> {
  const program = `
import socket, sys, time
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 15)
text = b''
try:
    for piece in sys.argv[3:]:
        if piece != 'null': s.sendall(bytes.fromhex(piece)); time.sleep(0.005)
    if sys.argv[-1] != 'null': s.shutdown(socket.SHUT_WR)
    text = s.makefile('rb').read()
except OSError: pass
sys.stdout.buffer.write(text)`;
  const hex = pieces.map((piece) => (piece === null ? 'null' : Buffer.from(piece).toString('hex')));
  const child = spawn('python3', ['-c', program, host, String(port), ...hex], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (part: Buffer) => {
    text += part;
  });
  await once(child, 'close');
  return text;
}

const STREAMS = ['TCPServer', 'ThreadingTCPServer', 'ForkingTCPServer', 'AsyncTCPServer'];
const DATAGRAMS = ['UDPServer', 'ThreadingUDPServer', 'ForkingUDPServer', 'AsyncUDPServer'];
const line = socket.encode_proxy_header({ source: CLIENT, destination: SERVER });

describe.each(STREAMS)('%s', { timeout: 60_000 }, (name) => {
  const ask = name === 'TCPServer' ? ask_apart : ask_here;

  test('the client is the one that the proxy says, and no byte behind the header is lost', async () => {
    // Byte by byte on a busy machine the header takes its time.
    const proxy_protocol = { ...TRUSTED, timeout: 60 };
    await serving(name, ['127.0.0.1', 0], { proxy_protocol }, async ({ server_address }) => {
      expect(answer(await ask(server_address, line, 'data'))).toEqual({
        client_address: [...CLIENT],
        said: { command: 'PROXY', destination: [...SERVER], tlvs: [] },
        rest: 'data',
      });
      const header = socket.encode_proxy_header({
        version: 2,
        source: ['2001:db8::1', 7],
        destination: ['2001:db8::2', 8],
        tlvs: [{ name: 'authority', value: 'a.example' }],
        crc32c: true,
      });
      const joined = Buffer.concat([header, Buffer.from('\r\n\r\n')]);
      const { client_address, said, rest } = answer(await ask(server_address, joined));
      expect({ client_address, rest }).toEqual({
        client_address: ['2001:db8::1', 7, 0, 0],
        rest: '\r\n\r\n',
      });
      expect(said.tlvs[0]).toEqual(['authority', 'a.example']);
      const pieces = [...header].map((byte) => Buffer.from([byte]));
      expect(answer(await ask(server_address, ...pieces, 'x'))).toMatchObject({
        rest: 'x',
        said: { command: 'PROXY' },
      });
    });
  });

  test('a check of the proxy itself, and a client that it does not know, keep the address of the connection', async () => {
    await serving(name, ['127.0.0.1', 0], { proxy_protocol: TRUSTED }, async ({ server_address }) => {
      const local = socket.encode_proxy_header({ version: 2, local: true });
      const { client_address, said } = answer(await ask(server_address, local));
      expect(client_address[0]).toBe('127.0.0.1');
      expect(said.command).toBe('LOCAL');
      expect(answer(await ask(server_address, 'PROXY UNKNOWN\r\n')).client_address[0]).toBe('127.0.0.1');
    });
  });

  test('no header, half of one, a wrong one: the connection ends, and the next is served', async () => {
    await serving(name, ['127.0.0.1', 0], { proxy_protocol: TRUSTED }, async ({ server_address }) => {
      expect(await ask(server_address, 'GET / HTTP/1.1\r\n\r\n')).toBe('');
      expect(await ask(server_address, 'PROXY TCP4 192.0')).toBe('');
      expect(await ask(server_address)).toBe('');
      expect(
        await ask(
          server_address,
          Buffer.concat([socket.encode_proxy_header({ version: 2 }).subarray(0, 12), Buffer.from('x!xx')]),
        ),
      ).toBe('');
      expect(answer(await ask(server_address, line)).client_address).toEqual([...CLIENT]);
    });
  });

  test('a header that does not come in time ends the connection', async () => {
    const proxy_protocol = { ...TRUSTED, timeout: 0.3 };
    await serving(name, ['127.0.0.1', 0], { proxy_protocol }, async ({ server_address }) => {
      expect(await ask(server_address, 'PROXY ', null)).toBe('');
    });
  });

  test('clients that are not trusted are refused, or served as they are', async () => {
    const trusted = ['192.0.2.0/24', '::1'];
    await serving(name, ['127.0.0.1', 0], { proxy_protocol: { trusted } }, async ({ server_address }) => {
      expect(await ask(server_address, line)).toBe('');
    });
    await serving(
      name,
      ['127.0.0.1', 0],
      { proxy_protocol: { trusted, others: 'serve' } },
      async ({ server_address }) => {
        const { client_address, said, rest } = answer(await ask(server_address, line));
        expect([client_address[0], said, rest]).toEqual(['127.0.0.1', null, line.toString()]);
      },
    );
  });
});

test('without the option a header is data', async () => {
  await serving('AsyncTCPServer', ['127.0.0.1', 0], {}, async ({ server_address }) => {
    expect(answer(await ask_here(server_address, line))).toMatchObject({ said: null, rest: line.toString() });
  });
});

test('mapped IPv4 addresses of a dual-stack server are those of IPv4', async () => {
  const options = { dualstack_ipv6: true, proxy_protocol: { trusted: ['127.0.0.1'] } };
  await serving('AsyncTCPServer', ['::', 0], options, async ({ server_address }) => {
    expect(answer(await ask_here(['127.0.0.1', server_address[1]], line)).client_address).toEqual([
      ...CLIENT,
    ]);
    expect(await ask_here(['::1', server_address[1]], line)).toBe('');
  });
});

test('AF_UNIX: "unix" trusts the clients of the path', async () => {
  const path = `\0bsd-sockets-proxied-${process.pid}`;
  const header = socket.encode_proxy_header({
    version: 2,
    source: '/run/client',
    destination: '/run/server',
  });
  await serving('AsyncUnixStreamServer', Buffer.from(path), { proxy_protocol: TRUSTED }, async () => {
    using sock = new promises.socket(AF_UNIX, socket.SOCK_STREAM);
    await sock.connect(Buffer.from(path));
    await sock.sendall(header);
    await sock.shutdown(socket.SHUT_WR);
    expect(answer(String(await sock.recv(1000)))).toMatchObject({ client_address: '/run/client' });
  });
});

describe.each(DATAGRAMS)('%s', { timeout: 60_000 }, (name) => {
  test('each datagram has its header; the answer goes to the proxy', async () => {
    await serving(name, ['127.0.0.1', 0], { proxy_protocol: TRUSTED }, async ({ server_address }) => {
      using proxy = new promises.socket(AF_INET, SOCK_DGRAM);
      await proxy.connect(server_address);
      const header = socket.encode_proxy_header({
        version: 2,
        source: CLIENT,
        destination: SERVER,
        type: SOCK_DGRAM,
      });
      for (const wrong of ['no header', header.subarray(0, 20)]) await proxy.send(wrong);
      await proxy.send(Buffer.concat([header, Buffer.from('query')]));
      const text = String(await proxy.recv(1000, { timeout: 15 }));
      expect(answer(text)).toMatchObject({ client_address: [...CLIENT], rest: 'query' });
    });
  });
});

test('verify_request sees the client, but in servers with workers the proxy', async () => {
  const seen: unknown[] = [];
  class Picky extends socketserver.AsyncTCPServer {
    override verify_request(_request: never, client_address: never) {
      seen.push(client_address);
      return false;
    }
  }
  const server = new Picky(['127.0.0.1', 0], AsyncStream, { proxy_protocol: TRUSTED });
  const served = server.serve_forever();
  expect(await ask_here(server.server_address, line)).toBe('');
  await server.server_close();
  await served;
  expect(seen).toEqual([[...CLIENT]]);
});

test('a stalled header delays nobody else, and draining ends it', async () => {
  const server = new socketserver.AsyncTCPServer(['127.0.0.1', 0], AsyncStream, {
    proxy_protocol: { ...TRUSTED, timeout: 600 },
  });
  const served = server.serve_forever();
  const stalled = await Promise.all(
    Array.from({ length: 50 }, () => promises.create_connection(server.server_address)),
  );
  expect(answer(await ask_here(server.server_address, line)).client_address).toEqual([...CLIENT]);
  await server.shutdown({ drain: 0.2 });
  await served;
  for (const sock of stalled) {
    expect(await sock.recv(1).catch(() => Buffer.alloc(0))).toHaveLength(0);
    sock.close();
  }
  await server.server_close();
});

describe('create_connection({ proxy_header })', () => {
  test('true sends the own addresses, first', () => {
    using listener = socket.create_server(['127.0.0.1', 0]);
    const [host, port] = listener.getsockname();
    using client = socket.create_connection([host, port], { proxy_header: true });
    client.sendall('data');
    using conn = listener.accept()[0];
    const [, own] = client.getsockname();
    using file = conn.makefile('rb');
    expect(String(file.readline())).toBe(`PROXY TCP4 127.0.0.1 127.0.0.1 ${own} ${port}\r\n`);
  });

  test('a header without addresses has the own ones; promises do the same', async () => {
    await serving(
      'AsyncTCPServer',
      ['127.0.0.1', 0],
      { proxy_protocol: TRUSTED },
      async ({ server_address }) => {
        const proxy_header = { version: 2, tlvs: [{ name: 'unique_id', value: 'id-1' }] } as const;
        using sock = await promises.create_connection(server_address, { proxy_header });
        await sock.shutdown(socket.SHUT_WR);
        const { client_address, said } = answer(String(await sock.recv(1000)));
        expect([client_address, said.tlvs]).toEqual([sock.getsockname(), [['unique_id', 'id-1']]]);
        const other = { source: CLIENT, destination: SERVER };
        using second = await promises.create_connection(server_address, { proxy_header: other });
        await second.shutdown(socket.SHUT_WR);
        expect(answer(String(await second.recv(1000))).client_address).toEqual([...CLIENT]);
      },
    );
  });

  test('a wrong header is refused before there is a connection', async () => {
    const proxy_header = { source: CLIENT } as never;
    expect(() => socket.create_connection(['127.0.0.1', 9], { proxy_header })).toThrow('belong together');
    await expect(promises.create_connection(['127.0.0.1', 9], { proxy_header })).rejects.toThrow(
      'belong together',
    );
  });
});

test.each<[string, unknown, string]>([
  ['no object', true, 'options must be an object'],
  ['no list', {}, 'proxy_protocol.trusted must be an array or another iterable'],
  ['a string', { trusted: '127.0.0.1' }, 'proxy_protocol.trusted must be an array or another iterable'],
  ['a host name', { trusted: ['localhost'] }, 'proxy_protocol.trusted[0] must be an address, a network'],
  [
    'a prefix',
    { trusted: ['::1', '10.0.0.0/33'] },
    'proxy_protocol.trusted[1] must be an address, a network',
  ],
  ['a number', { trusted: [1] }, 'proxy_protocol.trusted[0] must be a string, not 1'],
  ['a time-out', { trusted: [], timeout: -1 }, 'proxy_protocol.timeout must be 0 to'],
  ['others', { trusted: [], others: 'drop' }, "proxy_protocol.others must be 'refuse' or 'serve'"],
  ['an unknown option', { trusted: [], trust: 1 }, 'unknown option "trust"'],
])('misuse: %s', (_name, proxy_protocol, message) => {
  const options = { proxy_protocol } as socketserver.ServerOptions;
  expect(() => new socketserver.TCPServer(['127.0.0.1', 0], Stream, options as never)).toThrow(message);
});
