// The messages of time-outs: the call, what it was on, and after how long. Python's text, "timed out", is in each.
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { lookup_timed_out, socket_timed_out, timed_out } from '../../../lib/calls/waiting/timed_out.js';
import * as promises from '../../../lib/promises/index.js';
import * as socket from '../../../lib/socket/index.js';
import { make, opened, thrown } from './failing.js';

const kept: { close(): void }[] = [];
const keep = <T extends { close(): void }>(sock: T): T => {
  kept.push(sock);
  return sock;
};

afterEach(() => {
  for (const sock of kept.splice(0)) sock.close();
});

/** A listener, and a connection to it. */
function connected() {
  const listener = socket.create_server(['127.0.0.1', 0]);
  opened.push(listener);
  const address = listener.getsockname();
  const client = socket.create_connection(address);
  opened.push(client);
  return { listener, client, place: `127.0.0.1:${address[1]}`, address };
}

const failed = (call: Promise<unknown>): Promise<Error> =>
  call.then(
    () => expect.unreachable(),
    (error: Error) => error,
  );

describe('blocking', () => {
  test('a connection: its peer, or the address of the listener', () => {
    const { listener, client, place } = connected();
    client.settimeout(0.02);
    listener.settimeout(0.01);
    // The connection that waits.
    listener.accept()[0].close();
    expect(thrown(() => listener.accept()).message).toBe(`accept on ${place} timed out after 0.01 s`);
    const { listener: other, client: conn, place: peer } = connected();
    conn.settimeout(0.02);
    expect(thrown(() => conn.recv(1))).toMatchObject({
      name: 'TimeoutError',
      message: `recv from ${peer} timed out after 0.02 s`,
      code: 'ETIMEDOUT',
      strerror: 'timed out',
      syscall: 'recv',
    });
    expect(thrown(() => conn.recv(1)).errno).toBe(undefined);
    expect(thrown(() => conn.recv_exactly(1)).message).toBe(
      `recv_exactly from ${peer} timed out after 0.02 s`,
    );
    expect(thrown(() => conn.makefile('rb').read(1)).message).toContain(
      ` from ${peer} timed out after 0.02 s`,
    );
    const fill = () => conn.sendall(Buffer.alloc(64 * 2 ** 20));
    expect(thrown(fill).message).toBe(`sendall to ${peer} timed out after 0.02 s`);
    other.close();
  });

  test('a datagram socket: its own address; without one, its descriptor', () => {
    const sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
    opened.push(sock);
    sock.settimeout(0.001);
    expect(thrown(() => sock.recvfrom(1)).message).toBe(
      `recvfrom on <socket fd=${sock.fileno()}> timed out after 0.001 s`,
    );
    sock.bind(['127.0.0.1', 0]);
    const [, port] = sock.getsockname();
    expect(thrown(() => sock.recvmsg(1)).message).toBe(
      `recvmsg on 127.0.0.1:${port} timed out after 0.001 s`,
    );
  });

  test('IPv6, a path, an abstract name, and a pair without names', () => {
    const inet6 = socket.create_server(['::1', 0], { family: socket.AF_INET6 });
    opened.push(inet6);
    inet6.settimeout(0.001);
    expect(thrown(() => inet6.accept()).message).toMatch(/^accept on \[::1\]:\d+ timed out/);
    const path = join(tmpdir(), `time_outs-${process.pid}`);
    for (const [name, text] of [
      [path, path],
      [`\0time_outs-${process.pid}`, `@time_outs-${process.pid}`],
    ] as const) {
      const unix = make(socket.AF_UNIX, socket.SOCK_STREAM);
      unix.bind(name);
      unix.listen();
      unix.settimeout(0.001);
      expect(thrown(() => unix.accept()).message).toBe(`accept on ${text} timed out after 0.001 s`);
    }
    rmSync(path);
    const [a, b] = socket.socketpair();
    opened.push(a, b);
    a.settimeout(0.001);
    expect(thrown(() => a.recv(1)).message).toBe(`recv on <socket fd=${a.fileno()}> timed out after 0.001 s`);
  });

  test('connect: the address that was given', () => {
    const listener = socket.create_server(['127.0.0.1', 0], { backlog: 0 });
    opened.push(listener);
    const address = listener.getsockname();
    const place = `127.0.0.1:${address[1]}`;
    const messages: string[] = [];
    for (let i = 0; i < 4; i++) {
      const sock = make();
      sock.settimeout(0.05);
      try {
        sock.connect(address);
      } catch (error) {
        messages.push((error as Error).message);
      }
    }
    expect(messages.length).toBeGreaterThan(0);
    for (const message of messages) expect(message).toBe(`connect to ${place} timed out after 0.05 s`);
    expect(thrown(() => socket.create_connection(address, 0.05))).toMatchObject({
      message: `connect to ${place} timed out after 0.05 s`,
      address,
    });
  });
});

describe('promises', () => {
  test('the time-out of the call, not of the socket', async () => {
    const { listener, place, address } = connected();
    const server = keep(promises.from_socket(listener));
    server.settimeout(30);
    (await server.accept())[0].close();
    const accepting = await failed(server.accept({ timeout: 0.002 }));
    expect(accepting.message).toBe(`accept on ${place} timed out after 0.002 s`);
    const conn = keep(await promises.create_connection(address));
    const receiving = await failed(conn.recv(1, { timeout: 0.003 }));
    expect(receiving.message).toBe(`recv from ${place} timed out after 0.003 s`);
    const reading = await failed(conn.makefile('rb').read(1, { timeout: 0.003 }));
    expect(reading.message).toBe(`read from ${place} timed out after 0.003 s`);
    const sending = await failed(conn.sendall(Buffer.alloc(64 * 2 ** 20), { timeout: 0.01 }));
    expect(sending.message).toBe(`sendall to ${place} timed out after 0.01 s`);
    expect(sending).toMatchObject({ code: 'ETIMEDOUT', bytes_sent: expect.any(Number) });
  });

  test('lookups: the name', async () => {
    const timeout = 1e-7;
    const found = await failed(promises.getaddrinfo('nobody.invalid', 80, { timeout }));
    expect(found.message).toBe('getaddrinfo of nobody.invalid timed out after 1e-7 s');
    const connecting = await failed(promises.create_connection(['nobody.invalid', 80], timeout));
    expect(connecting.message).toBe('connect to nobody.invalid:80 timed out after 1e-7 s');
  });

  test('a time-out of a closed socket is none: the call is cancelled', async () => {
    const [a, b] = promises.socketpair();
    keep(b);
    const waiting = failed(a.recv(1, { timeout: 0.05 }));
    a.close();
    expect(await waiting).toMatchObject({ code: 'ECANCELED' });
  });
});

describe('the text', () => {
  test.each<[number, string]>([
    [2000, '2 s'],
    [0.3 * 1000, '0.3 s'],
    [1.1 * 1000, '1.1 s'],
    [86_400_000, '86400 s'],
  ])('%d ms', (timeout_ms, text) => {
    expect(timed_out('recv', 'from a', timeout_ms)).toBe(`recv from a timed out after ${text}`);
  });

  test.each<[unknown, string]>([
    ['localhost', 'localhost'],
    [Buffer.from('localhost'), 'localhost'],
    [['127.0.0.1', 80], '127.0.0.1:80'],
    [null, 'null'],
    [80, '80'],
    ['', "''"],
    ['two\nlines', "'two\\nlines'"],
  ])('a lookup of %j', (name, text) => {
    expect(lookup_timed_out('lookup', name, 1000)).toBe(`lookup of ${text} timed out after 1 s`);
  });

  test('a descriptor that is gone, or no socket, does not throw and changes nothing', () => {
    const of_fd = (_fd: number) =>
      socket_timed_out({ _fd, _generation: 0, family: socket.AF_INET, proto: 0 }, 'recv', 1000);
    expect(of_fd(-1)).toBe('recv on <socket fd=-1> timed out after 1 s');
    const [a] = socket.socketpair();
    opened.push(a);
    a.settimeout(0.001);
    thrown(() => a.recv(1));
    expect([a.gettimeout(), a.fileno() > 0]).toEqual([0.001, true]);
  });
});
