// to_stream() has the methods, properties and events of net.Socket: each is compared with a net.Socket in the same state, and
// node:http, node:http2 and node:tls run over it.
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import * as promises from 'bsd-sockets/promises';
import * as socket from 'bsd-sockets/socket';
import { afterEach, describe, expect, test } from 'vitest';

const anything = (value: unknown): never => value as never;

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Connection {
  /** The stream of this library. */
  readonly ours: promises.SocketStream;
  readonly fd: number;
  /** A net.Socket that is connected in the same way. */
  readonly theirs: net.Socket;
  /** The other ends, both of node:net. */
  readonly peers: { readonly ours: net.Socket; readonly theirs: net.Socket };
}

/** Returns a stream of this library and a net.Socket, both connected to a server of node:net. */
async function connections(host = '127.0.0.1', options: net.SocketConstructorOpts = {}): Promise<Connection> {
  const accepted: net.Socket[] = [];
  const server = net.createServer({ allowHalfOpen: true }, (conn) => accepted.push(conn)).listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const theirs = new net.Socket(options).connect(port, host);
  await once(theirs, 'connect');
  const conn = await promises.create_connection([host, port]);
  const fd = conn.fileno();
  const ours = conn.to_stream(options);
  while (accepted.length < 2) await once(server, 'connection');
  const [peer_of_theirs, peer_of_ours] = accepted as [net.Socket, net.Socket];
  ends.push(async () => {
    for (const stream of [ours, theirs, peer_of_ours, peer_of_theirs]) stream.destroy();
    server.close();
    await once(server, 'close');
  });
  return { ours, fd, theirs, peers: { ours: peer_of_ours, theirs: peer_of_theirs } };
}

type Name = keyof net.Socket & keyof promises.SocketStream;
const STATE: readonly Name[] = [
  'allowHalfOpen',
  'bytesRead',
  'bytesWritten',
  'connecting',
  'destroyed',
  'pending',
  'readable',
  'readyState',
  'timeout',
  'writable',
  'writableEnded',
  'writableLength',
];
const state = (stream: net.Socket | promises.SocketStream) =>
  Object.fromEntries(STATE.map((name) => [name, (stream as net.Socket)[name as keyof net.Socket]]));

/** Does the same to both, and compares their state. */
async function same(
  { ours, theirs, peers }: Connection,
  step: (stream: net.Socket, peer: net.Socket) => unknown,
) {
  await step(ours as unknown as net.Socket, peers.ours);
  await step(theirs, peers.theirs);
  expect(state(ours)).toEqual(state(theirs));
}

test('every public method and property of net.Socket is there, but connect', () => {
  const names = Object.getOwnPropertyNames(net.Socket.prototype).filter((name) => !name.startsWith('_'));
  const ours = Object.getOwnPropertyNames(
    Object.getPrototypeOf(promises.socketpair()[0].to_stream().destroy()),
  );
  // What Node.js 26 has beyond 24: an option of IP, which setsockopt sets.
  const others = [
    'connect',
    'constructor',
    'end',
    'pause',
    'resume',
    'read',
    'getTypeOfService',
    'setTypeOfService',
  ];
  expect(names.length).toBeGreaterThan(20);
  expect(names.filter((name) => !ours.includes(name) && !others.includes(name))).toEqual([]);
});

describe('in the same state as a net.Socket', () => {
  test('through a life: open, written, read, ended, closed', async () => {
    const both = await connections();
    await same(both, () => {});
    await same(both, (stream) => stream.setTimeout(60_000));
    await same(both, async (stream, peer) => {
      stream.write('hello');
      stream.write('ünicode');
      await new Promise<void>((resolve) => stream.write(Buffer.alloc(3), () => resolve()));
      expect(await once(peer, 'readable')).toEqual([]);
    });
    await same(both, async (stream, peer) => {
      peer.write('answer');
      await once(stream, 'data');
      stream.pause();
    });
    // Bytes that wait to be sent count as written.
    await same(both, (stream) => {
      stream.cork();
      stream.write('corked');
    });
    await same(both, async (stream) => {
      stream.uncork();
      await new Promise<void>((resolve) => stream.end(() => resolve()));
    });
    await same(both, async (stream, peer) => {
      peer.resume().end();
      stream.resume();
      const [had_error] = await once(stream, 'close');
      expect(had_error).toBe(false);
    });
    await same(both, (stream) => stream.setNoDelay().setKeepAlive(true).setTimeout(5));
    await same(both, (stream) => stream.ref().unref().resetAndDestroy());
  });

  test('half open: the peer has ended', async () => {
    const both = await connections('127.0.0.1', { allowHalfOpen: true });
    await same(both, async (stream, peer) => {
      peer.end();
      stream.resume();
      await once(stream, 'end');
    });
    expect(both.ours.readyState).toBe('writeOnly');
    await same(both, async (stream, peer) => {
      stream.end('still writing');
      expect(await text(peer)).toBe('still writing');
      if (!stream.closed) await once(stream, 'close');
    });
    expect(both.ours.readyState).toBe('closed');
  });

  test('after a reset', async () => {
    const both = await connections();
    await same(both, async (stream, peer) => {
      stream.resume();
      const error = new Promise((resolve) => stream.once('error', resolve));
      const had_error = new Promise((resolve) => stream.once('close', resolve));
      peer.resetAndDestroy();
      expect(await error).toMatchObject({ code: 'ECONNRESET' });
      expect(await had_error).toBe(true);
    });
  });

  test('destroyed with an error', async () => {
    const both = await connections();
    const order: string[] = [];
    await same(both, async (stream) => {
      stream
        .on('error', ({ message }) => order.push(message))
        .on('close', (had) => order.push(`close ${had}`));
      stream.destroy(new Error('why'));
      await once(stream, 'close').catch(() => {});
      if (order.length % 2 === 1) await once(stream, 'close');
    });
    expect(order).toEqual(['why', 'close true', 'why', 'close true']);
  });

  test.each(['127.0.0.1', '::1'])('names, of %s', async (host) => {
    const { ours, theirs, peers } = await connections(host);
    const names = (stream: net.Socket | promises.SocketStream) => [
      stream.localAddress,
      stream.localFamily,
      stream.remoteAddress,
      stream.remoteFamily,
      stream.remotePort,
      Object.keys(stream.address()),
    ];
    expect(names(ours)).toEqual(names(theirs));
    expect([ours.localPort, ours.remotePort]).toEqual([peers.ours.remotePort, peers.ours.localPort]);
    expect(ours.address()).toEqual({
      address: host,
      family: theirs.localFamily,
      port: peers.ours.remotePort,
    });
    for (const stream of [ours, theirs]) {
      stream.destroy();
      await once(stream, 'close');
    }
    // The peer's name stays, if it was asked for before.
    expect([ours.remoteAddress, ours.localAddress, ours.address()]).toEqual([host, undefined, {}]);
    expect(names(ours)).toEqual(names(theirs));
  });

  test('AF_UNIX streams have no names', async () => {
    const [a, b] = promises.socketpair();
    const [ours, theirs] = [a.to_stream(), b.to_socket().to_node() as net.Socket];
    ends.push(
      () => ours.destroy(),
      () => theirs.destroy(),
    );
    for (const stream of [ours, theirs]) {
      expect([stream.address(), stream.remoteAddress, stream.localPort, stream.remoteFamily]).toEqual([
        {},
        undefined,
        undefined,
        undefined,
      ]);
      expect(stream.setNoDelay().setKeepAlive(true, 1000)).toBe(stream);
      expect(() => stream.resetAndDestroy()).toThrow(TypeError);
    }
  });

  test('setNoDelay and setKeepAlive set the same options', async () => {
    const { ours, theirs, fd } = await connections();
    using view = socket.socket(null, null, null, socket.dup(fd));
    const { SOL_SOCKET, SOL_TCP, SO_KEEPALIVE, TCP_NODELAY, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT } =
      socket;
    const options = (of: Pick<socket.socket, 'getsockopt'>) => [
      of.getsockopt(SOL_SOCKET, SO_KEEPALIVE) !== 0,
      of.getsockopt(SOL_TCP, TCP_NODELAY),
      ...[TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT].map((option) => of.getsockopt(SOL_TCP, option)),
    ];
    const borrowed = socket.borrow(theirs);
    for (const step of [
      (s: net.Socket) => s.setNoDelay(),
      (s: net.Socket) => s.setNoDelay(false),
      (s: net.Socket) => s.setNoDelay(true),
      (s: net.Socket) => s.setKeepAlive(true, 7900),
      (s: net.Socket) => s.setKeepAlive(false),
      (s: net.Socket) => s.setKeepAlive(true, 60_000),
      (s: net.Socket) => s.setKeepAlive(false, 1000),
    ]) {
      expect(step(ours as unknown as net.Socket)).toBe(ours);
      step(theirs);
      expect(options(view)).toEqual(options(borrowed));
    }
  });
});

describe('setTimeout', () => {
  test("emits 'timeout' once, after silence, and the stream goes on", async () => {
    const { ours, peers } = await connections();
    let count = 0;
    ours.on('timeout', () => count++);
    ours.setTimeout(30, () => count++);
    await once(ours, 'timeout');
    await sleep(60);
    expect([count, ours.timeout, ours.destroyed]).toEqual([2, 30, false]);
    // Bytes that come begin it anew; the callback was for the first one.
    peers.ours.write('x');
    await once(ours, 'readable');
    await once(ours, 'timeout');
    expect(count).toBe(3);
    ours.write('y');
    await once(ours, 'timeout');
    expect(count).toBe(4);
    ours.setTimeout(0);
    ours.write('z');
    await sleep(60);
    expect(count).toBe(4);
  });

  test('bytes both ways put it off', async () => {
    const { ours, peers } = await connections();
    let timed_out = false;
    ours.setTimeout(2000).on('timeout', () => {
      timed_out = true;
    });
    ours.resume();
    peers.ours.resume();
    const end = performance.now() + 2500;
    for (let turn = 0; performance.now() < end; turn++) {
      (turn % 2 === 0 ? ours : peers.ours).write('sign of life');
      await sleep(20);
    }
    expect(timed_out).toBe(false);
  });

  test('a slow peer of one large write is no silence', async () => {
    const [a, b] = promises.socketpair();
    const stream = a.to_stream();
    ends.push(
      () => stream.destroy(),
      () => b.close(),
    );
    let timed_out = false;
    stream.setTimeout(2000, () => {
      timed_out = true;
    });
    const written = new Promise<void>((resolve) => stream.write(Buffer.alloc(3_000_000), () => resolve()));
    let received = 0;
    while (received < 3_000_000) {
      received += (await b.recv(65536)).length;
      await sleep(60);
    }
    await written;
    expect([timed_out, stream.bytesWritten, stream.writableLength]).toEqual([false, 3_000_000, 0]);
  });

  test('does not keep the process alive, and ends with the stream', async () => {
    const { ours } = await connections();
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    ours.setTimeout(1_000_000);
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout')).toHaveLength(before);
    let fired = false;
    ours.setTimeout(20, () => {
      fired = true;
    });
    ours.destroy();
    await sleep(60);
    expect(fired).toBe(false);
    expect(ours.setTimeout(10)).toBe(ours);
    expect(ours.timeout).toBe(20);
  });

  test('longer than the longest timer of Node.js', async () => {
    const { ours } = await connections();
    let fired = false;
    ours.setTimeout(2 ** 40, () => {
      fired = true;
    });
    await sleep(20);
    expect([fired, ours.timeout]).toEqual([false, 2 ** 40]);
  });

  test('misuse', async () => {
    const { ours } = await connections();
    for (const wrong of ['1', null, undefined, {}])
      expect(() => ours.setTimeout(anything(wrong))).toThrow(
        /^timeout must be a number of milliseconds, not/,
      );
    for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => ours.setTimeout(wrong)).toThrow(RangeError);
    expect(() => ours.setTimeout(1, anything(5))).toThrow(/^callback must be a function, not 5/);
    expect(ours.timeout).toBeUndefined();
    const listener = () => {};
    ours.setTimeout(1000, listener);
    ours.setTimeout(0, listener);
    expect(ours.listenerCount('timeout')).toBe(0);
  });
});

test('destroySoon sends what is written', async () => {
  const { ours, peers } = await connections();
  const received = buffer(peers.ours);
  ours.write(Buffer.alloc(2_000_000));
  ours.destroySoon();
  expect((await received).length).toBe(2_000_000);
  if (!ours.closed) await once(ours, 'close');
  ours.destroySoon();
  expect(ours.destroyed).toBe(true);
});

test('resetAndDestroy resets the connection', async () => {
  const { ours, peers } = await connections();
  const error = new Promise((resolve) => peers.ours.resume().once('error', resolve));
  expect(ours.resetAndDestroy()).toBe(ours);
  expect(await error).toMatchObject({ code: 'ECONNRESET' });
});

describe('node:http', () => {
  /** Returns a listening socket of promises whose connections go to the server as streams; it ends with the test. */
  async function serve(server: { emit(name: 'connection', stream: Duplex): boolean }): Promise<number> {
    const listener = await promises.create_server(['127.0.0.1', 0]);
    (async () => {
      for await (const [conn] of listener) server.emit('connection', conn.to_stream());
    })();
    ends.push(() => listener.close());
    return listener.getsockname()[1];
  }

  const get = (options: http.RequestOptions) =>
    new Promise<{ body: string; local: number | undefined; reused: boolean }>((resolve, reject) => {
      const request = http.get(options, async (response) => {
        const local = response.socket.localPort;
        resolve({ body: await text(response), local, reused: request.reusedSocket });
      });
      request.on('error', reject);
    });

  test('an agent with keepAlive and a time-out uses a connection again, over a server on streams', async () => {
    const seen: unknown[] = [];
    const server = http.createServer((request, response) => {
      seen.push([request.socket.remoteAddress, request.socket.remotePort]);
      response.end(`answer to ${request.url}`);
    });
    const port = await serve(server);
    const streams: promises.SocketStream[] = [];
    const agent = new http.Agent({ keepAlive: true, timeout: 5000 });
    Object.assign(agent, {
      createConnection(_options: unknown, callback: (error: Error | null, stream?: Duplex) => void) {
        promises.create_connection(['127.0.0.1', port]).then(
          (conn) => {
            streams.push(conn.to_stream());
            callback(null, streams.at(-1));
          },
          (error: Error) => callback(error),
        );
      },
    });
    ends.push(() => agent.destroy());
    const answers = [];
    for (const path of ['/1', '/2', '/3']) answers.push(await get({ port, agent, path }));
    expect(answers.map(({ body, reused }) => [body, reused])).toEqual([
      ['answer to /1', false],
      ['answer to /2', true],
      ['answer to /3', true],
    ]);
    expect(streams).toHaveLength(1);
    expect(seen).toEqual(Array(3).fill(['127.0.0.1', answers[0]!.local]));
    expect(streams[0]!.bytesRead).toBeGreaterThan(100);
  });

  test('a server that is silent: the time-out of the request and of the agent', async () => {
    const port = await serve(http.createServer(() => {}));
    const agent = new http.Agent({ keepAlive: true, timeout: 60_000 });
    const stream = (await promises.create_connection(['127.0.0.1', port])).to_stream();
    Object.assign(agent, { createConnection: () => stream });
    ends.push(() => agent.destroy());
    const request = http.get({ agent, timeout: 50 });
    request.on('error', () => {});
    await once(request, 'timeout');
    const closed = new Promise((resolve) => request.once('close', resolve));
    request.destroy();
    await closed;
    expect([stream.timeout, stream.destroyed]).toEqual([50, true]);
  });

  test("the server's keepAliveTimeout ends an idle connection", async () => {
    const server = http.createServer({ keepAliveTimeout: 50 }, (_request, response) => response.end('x'));
    const port = await serve(server);
    const client = net.connect(port, '127.0.0.1');
    client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await text(client)).toMatch(/^HTTP\/1.1 200 OK/);
  });

  test('an upgrade', async () => {
    const server = http.createServer();
    server.on('upgrade', (_request, stream: Duplex, head: Buffer) => {
      stream.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
      stream.write(head);
      stream.pipe(stream);
    });
    const port = await serve(server);
    const stream = (await promises.create_connection(['127.0.0.1', port])).to_stream();
    const request = http.request({
      createConnection: () => stream,
      headers: { Connection: 'Upgrade', Upgrade: 'echo' },
    });
    request.end();
    const [response, upgraded]: [http.IncomingMessage, Duplex] = anything(await once(request, 'upgrade'));
    expect([response.statusCode, upgraded]).toEqual([101, stream]);
    upgraded.end('through the upgrade');
    expect(await text(upgraded)).toBe('through the upgrade');
  });

  test('node:http2 at both ends', async () => {
    const server = http2.createServer((request, response) => response.end(`two: ${request.url}`));
    const port = await serve(server);
    const stream = (await promises.create_connection(['127.0.0.1', port])).to_stream();
    const session = http2.connect('http://127.0.0.1', { createConnection: () => stream });
    ends.push(() => session.destroy());
    const answers = ['/a', '/b'].map((path) => text(session.request({ ':path': path })));
    expect(await Promise.all(answers)).toEqual(['two: /a', 'two: /b']);
  });

  test('node:tls over a stream', async () => {
    const [a, b] = promises.socketpair();
    const psk = { identity: 'me', psk: Buffer.from('00112233445566778899aabbccddeeff', 'hex') };
    const options = { ciphers: 'PSK', maxVersion: 'TLSv1.2' as const };
    // The types lack pskCallback of a server's TLSSocket.
    const server_options = { isServer: true, ...options, pskCallback: () => psk.psk };
    const server = new tls.TLSSocket(b.to_stream(), server_options);
    server.on('data', (data) => server.end(`secret ${data}`));
    const client = tls.connect({
      socket: a.to_stream(),
      ...options,
      pskCallback: () => psk,
      checkServerIdentity: () => undefined,
    });
    client.write('message');
    expect(await text(client)).toBe('secret message');
  });
});
