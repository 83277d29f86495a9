// create_connection: several addresses under one deadline, one after another and side by side; exchange with node:net.
import { spawnSync } from 'node:child_process';
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

describe('disconnect', () => {
  function udp(family: 2 | 10 = socket.AF_INET): socket.socket<2 | 10> {
    const sock = keep(socket.socket<2 | 10>(family, socket.SOCK_DGRAM));
    sock.settimeout(5);
    return sock;
  }

  function free_port(family: 2 | 10, host: string): number {
    using probe = socket.socket<2 | 10>(family, socket.SOCK_DGRAM);
    probe.bind([host, 0]);
    return probe.getsockname()[1];
  }

  test.each([
    ['IPv4', socket.AF_INET, '127.0.0.1'],
    ['IPv6', socket.AF_INET6, '::1'],
  ] as const)('a datagram socket of %s receives from everybody again', (_name, family, host) => {
    const [sock, peer, stranger] = [udp(family), udp(family), udp(family)];
    for (const each of [peer, stranger]) each.bind([host, 0]);
    // A port that the kernel chose would be given up with the association.
    const own: [string, number] = [host, free_port(family, host)];
    sock.bind(own);
    sock.connect(peer.getsockname());
    stranger.sendto('refused', own);
    peer.sendto('from the peer', own);
    expect(sock.recv(100).toString()).toBe('from the peer');
    sock.disconnect();
    expect(() => sock.getpeername()).toThrow(/ENOTCONN/);
    expect(() => sock.send('to whom?')).toThrow(/EDESTADDRREQ/);
    expect(sock.getsockname().slice(0, 2)).toEqual(own);
    stranger.sendto('from a stranger', own);
    expect(sock.recvfrom(100)).toEqual([Buffer.from('from a stranger'), stranger.getsockname()]);
    // Once more, without an association, and then another one.
    sock.disconnect();
    sock.connect(stranger.getsockname());
    expect(sock.getpeername()).toEqual(stranger.getsockname());
  });

  test('AF_UNIX datagrams', () => {
    const [a, b] = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM);
    keep(a).send('x');
    a.disconnect();
    expect(() => a.send('y')).toThrow(/ENOTCONN/);
    expect(keep(b).recv(10).toString()).toBe('x');
  });

  test('an own address that bind did not set is given up', () => {
    const [sock, peer] = [udp(), udp()];
    peer.bind(['127.0.0.1', 0]);
    sock.connect(peer.getsockname());
    expect(sock.getsockname()[0]).toBe('127.0.0.1');
    sock.disconnect();
    expect(sock.getsockname()).toEqual(['0.0.0.0', 0]);
  });

  test('is what python3 and a sockaddr of AF_UNSPEC do', (ctx) => {
    const [sock, peer] = [udp(), udp()];
    peer.bind(['127.0.0.1', 0]);
    sock.connect(peer.getsockname());
    const program = `import ctypes; print(ctypes.CDLL(None).connect(3, bytes(16), 16))`;
    const { error, stdout } = spawnSync('python3', ['-c', program], {
      stdio: ['ignore', 'pipe', 'inherit', sock.fileno()],
      encoding: 'utf8',
    });
    if (error !== undefined) ctx.skip('python3 is not installed');
    expect(stdout).toBe('0\n');
    const theirs = [sock.getsockname()[0], sock.connect_ex(peer.getsockname())];
    sock.disconnect();
    expect([sock.getsockname()[0], sock.connect_ex(peer.getsockname())]).toEqual(theirs);
  });

  test('misuse: streams and closed sockets', () => {
    const [a, b] = socket.socketpair();
    expect(() => keep(a).disconnect()).toThrow(
      /^\[EINVAL\] disconnect\(fd \d+\): .*; only a datagram socket has an association to dissolve/,
    );
    expect(keep(b).fileno()).toBeGreaterThan(0);
    // The kernel resets a TCP connection, and the socket may connect again.
    const server = keep(socket.create_server(['127.0.0.1', 0]));
    const client = keep(socket.create_connection(server.getsockname(), 5));
    const [conn] = server.accept();
    for (const sock of [server, conn]) sock.settimeout(5);
    client.disconnect();
    expect(() => keep(conn).recv(1)).toThrow(/ECONNRESET/);
    client.connect(server.getsockname());
    keep(server.accept()[0]).sendall('again');
    expect(client.recv_exactly(5).toString()).toBe('again');
    const closed = udp();
    closed.close();
    expect(() => closed.disconnect()).toThrow(/^\[EBADF\] disconnect\(closed socket\)/);
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
    if (stream.readableLength === 0) await once(stream, 'readable');
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
