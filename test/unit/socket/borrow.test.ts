// borrow: what the kernel tells of sockets that belong to node:net and node:dgram, and is told; they stay their owners'.
import dgram from 'node:dgram';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as promises from 'bsd-sockets/promises';
import * as socket from 'bsd-sockets/socket';
import { ucred } from 'bsd-sockets/structs';
import { afterEach, describe, expect, test } from 'vitest';
import { open_descriptors } from '../../descriptors.js';
import { garbage_collector } from '../../machine.js';

const { SOL_SOCKET, SOL_TCP } = socket;
const anything = (value: unknown): never => value as never;

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** Returns a server of node:net, and both ends of a connection to it. */
async function connection(address: { port: number; host?: string } | string) {
  const server = net.createServer();
  if (typeof address === 'string') server.listen(address);
  else server.listen(address.port, address.host);
  await once(server, 'listening');
  const own = server.address();
  const client = typeof own === 'string' ? net.connect(own) : net.connect(own!.port, '127.0.0.1');
  const [[conn]] = await Promise.all([once(server, 'connection'), once(client, 'connect')]);
  ends.push(async () => {
    client.destroy();
    conn!.destroy();
    server.close();
    await once(server, 'close');
  });
  return { server, client, conn: conn! };
}

test('a connection of node:net: options and names, and it goes on as before', async () => {
  const { server, client, conn } = await connection({ port: 0, host: '127.0.0.1' });
  const before = open_descriptors();
  const borrowed = socket.borrow(client);
  expect([borrowed.family, borrowed.type, borrowed.proto]).toEqual([
    socket.AF_INET,
    socket.SOCK_STREAM,
    socket.IPPROTO_TCP,
  ]);
  client.setNoDelay(true);
  expect(borrowed.getsockopt(SOL_TCP, socket.TCP_NODELAY)).toBe(1);
  borrowed.setsockopt(SOL_SOCKET, socket.SO_RCVBUF, 40_000);
  expect(borrowed.getsockopt(SOL_SOCKET, socket.SO_RCVBUF)).toBe(80_000);
  expect(borrowed.getsockopt(SOL_TCP, socket.TCP_CONGESTION, 16).toString()).toMatch(/^\w+\0/);
  expect(borrowed.getsockname()).toEqual([client.localAddress, client.localPort]);
  expect(borrowed.getpeername()).toEqual([client.remoteAddress, client.remotePort]);
  expect(socket.borrow(conn).getpeername()).toEqual(borrowed.getsockname());
  expect(socket.borrow(server).getsockopt(SOL_SOCKET, socket.SO_ACCEPTCONN)).toBe(1);
  expect(() => socket.borrow(server).getpeername()).toThrow(/ENOTCONN/);

  conn.write('still yours');
  const [data] = await once(client, 'data');
  expect(String(data)).toBe('still yours');
  expect(open_descriptors()).toBe(before);
  expect(String(borrowed)).toBe(`<borrowed socket fd=${borrowed.fileno()}>`);
});

test('ioctl and filters', async () => {
  const { client, conn } = await connection({ port: 0, host: '127.0.0.1' });
  client.pause();
  conn.write('unread');
  const borrowed = socket.borrow(client);
  // Node has read ahead, or the bytes wait in the kernel.
  expect(borrowed.ioctl(socket.FIONREAD) + client.readableLength).toBeLessThanOrEqual(6);
  borrowed.attach_filter([[6, 0, 0, 0xffff]]);
  borrowed.detach_filter();
  expect(() => borrowed.detach_filter()).toThrow(/ENOENT/);
});

test("an AF_UNIX connection: the peer's credentials", async () => {
  const path = join(tmpdir(), `borrow-${process.pid}.sock`);
  ends.push(() => rmSync(path, { force: true }));
  const { server, conn } = await connection(path);
  const borrowed = socket.borrow(conn);
  expect(ucred.decode(borrowed.getsockopt(SOL_SOCKET, socket.SO_PEERCRED, ucred.size))).toEqual({
    pid: process.pid,
    uid: process.getuid?.(),
    gid: process.getgid?.(),
  });
  expect([borrowed.family, borrowed.getsockname()]).toEqual([socket.AF_UNIX, path]);
  expect(socket.borrow(server).getsockname()).toBe(path);
});

test.each(['udp4', 'udp6'] as const)('a socket of node:dgram: %s', async (type) => {
  const sock = dgram.createSocket(type);
  ends.push(() => new Promise<void>((resolve) => sock.close(() => resolve())));
  const borrowed = promises.borrow(sock);
  const warnings: unknown[] = [];
  const note = (warning: unknown) => warnings.push(warning);
  process.on('warning', note);
  sock.bind(0, type === 'udp4' ? '127.0.0.1' : '::1');
  await once(sock, 'listening');
  expect(borrowed.family).toBe(type === 'udp4' ? socket.AF_INET : socket.AF_INET6);
  expect(borrowed.getsockname().slice(0, 2)).toEqual([sock.address().address, sock.address().port]);
  borrowed.setsockopt(SOL_SOCKET, socket.SO_SNDBUF, 30_000);
  expect(sock.getSendBufferSize()).toBe(60_000);
  if (type === 'udp4') {
    borrowed.setsockopt(socket.SOL_IP, socket.IP_MTU_DISCOVER, socket.IP_PMTUDISC_DO);
    expect(borrowed.getsockopt(socket.SOL_IP, socket.IP_MTU_DISCOVER)).toBe(socket.IP_PMTUDISC_DO);
  }
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', note);
  expect(warnings).toEqual([]);
});

describe('a handle without a descriptor is EBADF', () => {
  const DEAD =
    /^\[EBADF\] getsockopt\(closed handle, SOL_SOCKET, SO_TYPE\): Bad file descriptor; the object is not connected, bound or listening yet, or closed$/;

  test.each<[string, socket.NodeHandle]>([
    ['a net.Socket before connect', new net.Socket()],
    ['a net.Server before listen', new net.Server()],
  ])('%s', (_what, handle) => {
    const borrowed = socket.borrow(handle);
    expect(borrowed.fileno()).toBe(-1);
    expect(() => borrowed.type).toThrow(DEAD);
    expect(() => borrowed.getsockname()).toThrow(/^\[EBADF\] getsockname\(closed handle\)/);
    expect(() => borrowed.getpeername()).toThrow(socket.OSError);
    expect(() => borrowed.setsockopt(SOL_SOCKET, socket.SO_KEEPALIVE, 1)).toThrow(/EBADF/);
    expect(() => borrowed.ioctl(socket.FIONREAD)).toThrow(/^\[EBADF\] ioctl\(closed handle, FIONREAD\)/);
    expect(() => borrowed.attach_filter([[6, 0, 0, 0]])).toThrow(/EBADF/);
  });

  test('once it is closed, also when its number is used again', async () => {
    const { server, client, conn } = await connection({ port: 0, host: '127.0.0.1' });
    const udp = dgram.createSocket('udp4').bind(0, '127.0.0.1');
    await once(udp, 'listening');
    const all = [server, client, conn, udp].map((handle) => socket.borrow(handle));
    const numbers = all.map((borrowed) => borrowed.fileno());
    expect(new Set(numbers).size).toBe(4);
    client.destroy();
    conn.destroy();
    await Promise.all([once(client, 'close'), once(conn, 'close')]);
    server.close();
    udp.close();
    await Promise.all([once(server, 'close'), once(udp, 'close')]);
    const foreign: socket.socket[] = [];
    while (!numbers.every((number) => foreign.some((sock) => sock.fileno() === number)))
      foreign.push(socket.socket(socket.AF_INET, socket.SOCK_DGRAM));
    for (const borrowed of all) {
      expect(borrowed.fileno()).toBe(-1);
      expect(() => borrowed.type).toThrow(DEAD);
      expect(() => borrowed.setsockopt(SOL_SOCKET, socket.SO_BROADCAST, 1)).toThrow(/EBADF/);
    }
    for (const sock of foreign) {
      expect(sock.getsockopt(SOL_SOCKET, socket.SO_BROADCAST)).toBe(0);
      sock.close();
    }
    ends.length = 0;
  });

  test('a server that listens again has its new descriptor', async () => {
    const server = net.createServer();
    const borrowed = socket.borrow(server);
    for (let round = 0; round < 2; round++) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      expect(borrowed.getsockname()[1]).toBe((server.address() as net.AddressInfo).port);
      server.close();
      await once(server, 'close');
    }
  });

  test('once from_node has taken it', async () => {
    const { client, server } = await connection({ port: 0, host: '127.0.0.1' });
    client.pause();
    const borrowed = socket.borrow(client);
    const taken = socket.from_node(client);
    expect(() => borrowed.type).toThrow(DEAD);
    expect(taken.type).toBe(socket.SOCK_STREAM);
    taken.close();
    expect(server.listening).toBe(true);
  });
});

test('a number whose generation has changed by sockets of this library', async () => {
  // Closing sockets of the library gives their numbers new generations; Node gets these numbers afterwards.
  for (const sock of Array.from({ length: 20 }, () => socket.socket())) sock.close();
  const { client } = await connection({ port: 0, host: '127.0.0.1' });
  expect(socket.borrow(client).type).toBe(socket.SOCK_STREAM);
});

test('collecting a borrowed socket closes nothing', async (ctx) => {
  const collect = garbage_collector(ctx);
  const { client, conn } = await connection({ port: 0, host: '127.0.0.1' });
  for (let i = 0; i < 1000; i++) socket.borrow(client).getsockopt(SOL_SOCKET, socket.SO_TYPE);
  collect();
  await new Promise((resolve) => setImmediate(resolve));
  client.write('open');
  const [data] = await once(conn, 'data');
  expect(String(data)).toBe('open');
});

describe('misuse', () => {
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a number', 3],
    ['a plain object', { _handle: { fd: 0 } }],
    ['a socket of this library', socket.socket],
  ])('%s', (_what, handle) => {
    expect(() => socket.borrow(anything(handle))).toThrow(
      /^handle must be a net.Socket, net.Server or dgram.Socket, not /,
    );
  });

  test('arguments are checked as those of a socket', async () => {
    const { client } = await connection({ port: 0, host: '127.0.0.1' });
    const borrowed = socket.borrow(client);
    expect(() => borrowed.getsockopt(anything('SOL_SOCKET'), 1)).toThrow(/^level must be an integer/);
    expect(() => borrowed.setsockopt(1, 2, anything({}))).toThrow(/^value must be a string or bytes/);
    expect(() => borrowed.ioctl(socket.SIOCGIFCONF, Buffer.alloc(16))).toThrow(/holds a pointer/);
    expect(() => borrowed.attach_filter([])).toThrow(RangeError);
    expect(Object.keys(borrowed)).toEqual(['_unclonable']);
    expect('close' in borrowed || 'detach' in borrowed).toBe(false);
  });
});
