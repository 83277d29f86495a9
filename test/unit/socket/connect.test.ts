// create_connection: several addresses under one deadline, one after another and side by side; exchange with node:net.
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import * as socket from 'bsd-sockets/socket';
import { afterEach, describe, expect, test } from 'vitest';

const opened: { close(): unknown }[] = [];
function keep<T extends { close(): unknown }>(closable: T): T {
  opened.push(closable);
  return closable;
}
afterEach(() => {
  for (const closable of opened.splice(0)) closable.close();
});

/** A listener whose queue is full, so that connecting to it never ends. */
function silent(): [string, number] {
  const listener = keep(socket.create_server(['127.0.0.1', 0], { backlog: 0 }));
  const address = listener.getsockname();
  for (let i = 0; i < 3; i++) {
    const filler = keep(socket.socket());
    filler.setblocking(false);
    filler.connect_ex(address);
  }
  return address;
}

/** An address where nobody listens. */
function refusing(): [string, number] {
  const sock = socket.create_server(['127.0.0.1', 0]);
  const address = sock.getsockname();
  sock.close();
  return address;
}

describe('create_connection', () => {
  test('connects, and the socket has the time-out', () => {
    const listener = keep(socket.create_server(['127.0.0.1', 0]));
    const a = keep(socket.create_connection(listener.getsockname(), 5));
    const b = keep(
      socket.create_connection(['localhost', listener.getsockname()[1]], null, ['127.0.0.1', 0]),
    );
    expect([a.gettimeout(), b.gettimeout()]).toEqual([5, null]);
    expect(b.getsockname()[0]).toBe('127.0.0.1');
  });

  test.each([null, 0.01])(
    'a refused connection is the error of the last address (delay %s)',
    (happy_eyeballs_delay) => {
      const address = refusing();
      expect(() => socket.create_connection(address, 5, null, { happy_eyeballs_delay })).toThrow(
        socket.ConnectionRefusedError,
      );
      expect(() =>
        socket.create_connection(address, 5, null, { happy_eyeballs_delay, all_errors: true }),
      ).toThrow(AggregateError);
    },
  );

  test.each([null, 0.01])('the deadline is one for the whole attempt (delay %s)', (happy_eyeballs_delay) => {
    const address = silent();
    const start = performance.now();
    expect(() => socket.create_connection(address, 0.2, null, { happy_eyeballs_delay })).toThrow(
      socket.TimeoutError,
    );
    const took = performance.now() - start;
    expect(took).toBeGreaterThanOrEqual(199);
    expect(took).toBeLessThan(5000);
  });

  test('localhost over both families: the one that answers wins', () => {
    const listener = keep(socket.create_server(['127.0.0.1', 0]));
    const sock = keep(
      socket.create_connection(['localhost', listener.getsockname()[1]], 5, null, {
        happy_eyeballs_delay: 0.05,
      }),
    );
    expect(sock.getpeername()).toEqual(listener.getsockname());
    expect(sock.gettimeout()).toBe(5);
  });

  test('misuse', () => {
    const address: [string, number] = ['127.0.0.1', 1];
    expect(() => socket.create_connection(address, -1)).toThrow(RangeError);
    expect(() => socket.create_connection(address, 1, null, { happy_eyeballs_delay: -1 })).toThrow(
      /happy_eyeballs_delay/,
    );
    expect(() => socket.create_connection(['127.0.0.1', 70_000])).toThrow();
  });
});

describe('to_node and from_node', () => {
  test('a connection goes to node:net and back', async () => {
    const [a, b] = socket.socketpair();
    const stream = a.to_node() as net.Socket;
    expect(a.fileno()).toBe(-1);
    stream.pause();
    stream.write('from node');
    expect(b.recv(100).toString()).toBe('from node');
    const back = keep(socket.from_node(stream));
    expect([back.family, back.type, back.getblocking()]).toEqual([socket.AF_UNIX, socket.SOCK_STREAM, true]);
    expect(stream.destroyed).toBe(true);
    b.sendall('to the socket');
    expect(back.recv(100).toString()).toBe('to the socket');
    back.sendall('x');
    expect(b.recv(1).toString()).toBe('x');
    b.close();
  });

  test('node:http serves on a listening socket', async () => {
    const listener = socket.create_server(['127.0.0.1', 0]);
    const [, port] = listener.getsockname();
    const handle = listener.to_node() as net.Server;
    const server = http.createServer((_request, response) => response.end('served'));
    server.listen(handle);
    await once(server, 'listening');
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    expect(await answer.text()).toBe('served');
    server.close();
    server.closeAllConnections();
    handle.close();
  });

  test('a net.Server gives its listener', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    const listener = keep(socket.from_node(server));
    const client = keep(socket.create_connection(['127.0.0.1', port]));
    const [conn] = listener.accept();
    expect(keep(conn).getsockname()).toEqual(client.getpeername());
  });

  test('a stream that has read ahead is refused, and told how to pause', async () => {
    const [a, b] = socket.socketpair();
    const stream = a.to_node() as net.Socket;
    expect(() => socket.from_node(stream.resume())).toThrow(/flowing/);
    stream.pause();
    b.sendall('early');
    stream.read(0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(() => socket.from_node(stream)).toThrow(/has read 5 bytes ahead; pause it/);
    stream.destroy();
    b.close();
  });

  test('sockets that node:net has no class for are refused and stay', () => {
    const udp = keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM));
    expect(() => udp.to_node()).toThrow(/TCP and AF_UNIX streams only/);
    expect(udp.fileno()).toBeGreaterThanOrEqual(0);
    expect(() => socket.from_node(new net.Socket())).toThrow(/no descriptor/);
  });
});
