// The server's socket: readiness that is no request, requests that another process has taken, and the end of the socket while it
// is served. Servers with threads and processes are in test/threads/socketserver.test.ts.
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as socket from 'bsd-sockets/socket';
import * as socketserver from 'bsd-sockets/socketserver';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const { BaseRequestHandler, TCPServer, UDPServer } = socketserver;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ends-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const LOCAL: [string, number] = ['127.0.0.1', 0];
let paths = 0;
/** The classes that serve on the event loop, and where each listens. */
const KINDS = ['', 'Async'].flatMap((prefix) =>
  (['TCPServer', 'UDPServer', 'UnixStreamServer', 'UnixDatagramServer'] as const).map(
    (kind) => [`${prefix}${kind}`, prefix !== ''] as const,
  ),
);

// Servers of every kind are handled alike here.
// biome-ignore lint/suspicious/noExplicitAny: the classes have different types
type AnyServer = any;

function make(name: string): AnyServer {
  const Class = Reflect.get(socketserver, name) as new (address: unknown, handler: unknown) => AnyServer;
  return new Class(name.includes('Unix') ? join(folder, String(paths++)) : LOCAL, BaseRequestHandler);
}

/** Returns the descriptor of a listener that this library does not know: made by it, and detached. */
function listen_elsewhere(): number {
  return socket.create_server(LOCAL).detach();
}

function port_of(fd: number): number {
  const sock = socket.fromfd(fd, socket.AF_INET, socket.SOCK_STREAM);
  const [, port] = sock.getsockname();
  sock.close();
  return port;
}

/** Returns whether O_NONBLOCK is set in the description of the socket. */
function is_nonblocking({ socket: sock }: { socket: { fileno(): number } }): boolean {
  const flags = /flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${sock.fileno()}`, 'latin1'))?.[1];
  return (Number.parseInt(flags ?? '', 8) & 0o4000) !== 0;
}

/** Puts an entry into the error queue of a socket of datagrams: nobody listens at port 1. */
async function fail_to_send(sock: socket.socket<number>): Promise<void> {
  sock.setsockopt(socket.IPPROTO_IP, socket.IP_RECVERR, 1);
  sock.sendto('x', ['127.0.0.1', 1]);
  const poller = new (await import('bsd-sockets/selectors')).poll();
  poller.register(sock.fileno(), 0);
  while (poller.poll(0).length === 0) await sleep(1);
}

/** Answers datagrams, and counts the turns of its loop. */
class Counting extends UDPServer {
  turns = 0;
  override service_actions() {
    this.turns++;
  }
}

class Echo extends BaseRequestHandler<[Buffer, socket.socket<number>]> {
  override handle() {
    const [data, sock] = this.request;
    sock.sendto(data, this.client_address);
  }
}

function datagram_client(): socket.socket {
  const client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
  client.setblocking(false);
  return client;
}

/** Asks without blocking the event loop. */
async function ask(client: socket.socket, server: socketserver.UDPServer, text: string): Promise<string> {
  client.sendto(text, server.server_address);
  for (;;) {
    try {
      return client.recv(100).toString();
    } catch {
      await sleep(1);
    }
  }
}

describe('an entry in the error queue is no request', () => {
  test('of serve_forever(): the loop waits, and goes on with the next request', async () => {
    const server = new Counting(LOCAL, Echo);
    const client = datagram_client();
    const served = server.serve_forever(60);
    expect(await ask(client, server, 'one')).toBe('one');
    await fail_to_send(server.socket);
    const before = server.turns;
    await sleep(100);
    expect(server.turns - before).toBeLessThan(10);
    // The first receive after the failure gets its error, not the datagram: both are ignored or answered.
    client.sendto('lost', server.server_address);
    expect(await ask(client, server, 'two')).toMatch(/lost|two/);
    await server.shutdown();
    await served;
    await server.server_close();
    client.close();
  });

  test('the time stamps of datagrams that were sent', async () => {
    const server = new Counting(LOCAL, Echo);
    // SOF_TIMESTAMPING_TX_SOFTWARE and SOF_TIMESTAMPING_SOFTWARE
    server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_TIMESTAMPING, 2 | 16);
    const client = datagram_client();
    const served = server.serve_forever(60);
    for (let i = 0; i < 3; i++) expect(await ask(client, server, String(i))).toBe(String(i));
    const before = server.turns;
    await sleep(100);
    expect(server.turns - before).toBeLessThan(10);
    expect(server.socket.recvmsg(1000, 1000, socket.MSG_ERRQUEUE)[1]).not.toEqual([]);
    await server.shutdown();
    await served;
    await server.server_close();
    client.close();
  });

  test('of handle_request(): it waits up to its time-out', async () => {
    const server = new UDPServer(LOCAL, Echo);
    await fail_to_send(server.socket);
    const events: string[] = [];
    server.handle_timeout = () => events.push('timeout');
    server.timeout = 0.2;
    const before = process.cpuUsage();
    server.handle_request();
    const { user, system } = process.cpuUsage(before);
    expect([events, user + system < 150_000]).toEqual([['timeout'], true]);
    server.timeout = 0;
    server.handle_request();
    expect(events).toEqual(['timeout', 'timeout']);
    await server.server_close();
  });

  test('of a server on the event loop, also with an overridden get_request()', async () => {
    for (const Class of [
      socketserver.AsyncUDPServer,
      class extends socketserver.AsyncUDPServer {
        override get_request() {
          return super.get_request();
        }
      },
    ]) {
      let turns = 0;
      const server: AnyServer = new Class(LOCAL, Echo as never);
      server.service_actions = () => turns++;
      const served = server.serve_forever(60);
      const client = datagram_client();
      expect(await ask(client, server, 'one')).toBe('one');
      // Blocking, as the server's own socket is from now on.
      const own = server.socket.dup().to_socket();
      await fail_to_send(own);
      own.close();
      const before = turns;
      await sleep(100);
      expect(turns - before).toBeLessThan(10);
      await server.shutdown();
      await served;
      await server.server_close();
      client.close();
    }
  });
});

describe('a request that another process has taken', () => {
  /** Takes requests before super.get_request() does, as other processes with the same socket may. */
  function outrun<Base extends typeof TCPServer | typeof UDPServer>(Server: Base) {
    return class extends (Server as typeof TCPServer) {
      others = 0;
      override get_request(): ReturnType<socketserver.TCPServer['get_request']> {
        if (this.others++ < 2) {
          const other = this.socket.dup();
          if (this.socket_type === socket.SOCK_DGRAM) other.recv(100);
          else other.accept()[0].close();
          other.close();
        }
        return super.get_request();
      }
    };
  }

  /** The same, by calls of the socket itself and not by super.get_request(). */
  test.each(['accept', 'recvfrom'] as const)('%s() of an own get_request() does not wait', async (call) => {
    const Server = outrun(call === 'accept' ? TCPServer : UDPServer);
    const server: AnyServer = new (class extends Server {
      override get_request(): ReturnType<socketserver.TCPServer['get_request']> {
        const sock: AnyServer = this.socket;
        if (this.others++ < 2) {
          const other: AnyServer = sock.dup();
          if (call === 'accept') other.accept()[0].close();
          else other.recvfrom(100);
          other.close();
        }
        if (call === 'accept') return sock.accept();
        const [data, address] = sock.recvfrom(100);
        return [[data, sock], address] as never;
      }
    })(LOCAL, BaseRequestHandler);
    const served = server.serve_forever();
    for (let i = 0; i < 3; i++) {
      const client = socket.socket(socket.AF_INET, server.socket_type);
      client.connect(server.server_address);
      client.send('x');
      while (server.others === i) await sleep(1);
      client.close();
    }
    await server.shutdown();
    await served;
    expect([server.socket.gettimeout(), is_nonblocking(server)]).toEqual([null, false]);
    await server.server_close();
  });

  test('serve_forever() waits for the next one on the event loop', async () => {
    const server = new (outrun(TCPServer))(LOCAL, BaseRequestHandler);
    const timeouts: unknown[] = [];
    server.verify_request = () => {
      timeouts.push(server.socket.gettimeout());
      return true;
    };
    const served = server.serve_forever();
    let ticks = 0;
    const ticking = setInterval(() => ticks++, 1);
    for (let i = 0; i < 3; i++) {
      const client = socket.create_connection(server.server_address, 10);
      while (server.others === i) await sleep(1);
      expect(client.recv(1).length).toBe(0);
      client.close();
    }
    clearInterval(ticking);
    expect(ticks).toBeGreaterThan(0);
    expect(timeouts).toEqual([null]);
    await server.shutdown();
    await served;
    expect(is_nonblocking(server)).toBe(false);
    await server.server_close();
  });

  test('of datagrams, whose socket goes on blocking', async () => {
    const server = new (outrun(UDPServer))(LOCAL, BaseRequestHandler as never);
    const states: unknown[] = [];
    server.verify_request = () => {
      states.push([server.socket.gettimeout(), is_nonblocking(server)]);
      return false;
    };
    const served = server.serve_forever();
    const client = datagram_client();
    for (let i = 0; i < 3; i++) {
      client.sendto('x', server.server_address);
      while (server.others === i) await sleep(1);
    }
    expect(states).toEqual([[null, false]]);
    await server.shutdown();
    await served;
    await server.server_close();
    client.close();
  });

  test.each([
    ['TCPServer', TCPServer],
    ['UDPServer', UDPServer],
  ])('handle_request() of a %s waits on, up to its time-out', async (_, Server) => {
    const server = new (outrun(Server))(LOCAL, BaseRequestHandler as never);
    let timeouts = 0;
    server.handle_timeout = () => timeouts++;
    server.timeout = 0.1;
    const client = socket.socket(socket.AF_INET, server.socket_type);
    client.connect(server.server_address);
    client.send('x');
    server.handle_request();
    expect([timeouts, server.others, server.socket.gettimeout()]).toEqual([1, 1, null]);
    expect(is_nonblocking(server)).toBe(false);
    await server.server_close();
    client.close();
  });

  test('calls of an override do not wait, whatever the time-out of the socket', async () => {
    class Own extends TCPServer {
      found: unknown[] = [];
      override get_request(): ReturnType<socketserver.TCPServer['get_request']> {
        const { socket: sock } = this;
        const accepted = sock.accept();
        this.found.push(sock.gettimeout());
        sock.accept();
        return accepted;
      }
    }
    const server = new Own(LOCAL, BaseRequestHandler);
    server.socket.settimeout(7);
    const client = socket.create_connection(server.server_address);
    server.timeout = 1;
    server.handle_request();
    expect([server.found, server.socket.gettimeout()]).toEqual([[7], 7]);
    await server.server_close();
    client.close();
  });
});

describe.each(KINDS)('%s: the end of the served socket', (name, is_async) => {
  test('a shutdown() of it ends serve_forever(), and says so', async () => {
    const server = make(name);
    const served = server.serve_forever();
    await sleep(20);
    try {
      server.socket._shutdown(socket.SHUT_RDWR);
    } catch (error) {
      // UDP: it has no peer, and is shut down all the same.
      expect(error).toMatchObject({ code: 'ENOTCONN' });
    }
    await expect(served).rejects.toMatchObject({
      code: 'EINVAL',
      hint: expect.stringContaining('was shut down'),
    });
    await expect(server.serve_forever()).rejects.toMatchObject({ code: 'EINVAL' });
    await server.server_close();
  });

  test('close() and detach() of it do', async () => {
    for (const end of ['close', 'detach']) {
      const server = make(name);
      const served = server.serve_forever();
      await sleep(20);
      const fd = server.socket[end]();
      await expect(served).rejects.toMatchObject({ code: is_async ? 'ECANCELED' : 'EBADF' });
      if (fd !== undefined) socket.close(fd);
      await server.server_close();
    }
  });

  test('its number closed by other code does: nothing else is served or closed', async () => {
    for (const reuse of [() => -1, () => openSync('/dev/null', 'r'), listen_elsewhere]) {
      const server = make(name);
      const served = server.serve_forever();
      await sleep(20);
      const fd = server.fileno();
      closeSync(fd);
      const foreign = reuse();
      // The kernel gives out the lowest number that is free.
      if (foreign >= 0) expect(foreign).toBeLessThanOrEqual(fd);
      await expect(served).rejects.toMatchObject({ code: 'EBADF' });
      await server.shutdown();
      await server.server_close();
      if (foreign >= 0) {
        fstatSync(foreign);
        closeSync(foreign);
      }
    }
  });

  test('shutdown() at once after that ends it, too', async () => {
    const server = make(name);
    const served = server.serve_forever();
    await sleep(20);
    closeSync(server.fileno());
    await Promise.all([
      server.shutdown({ drain: 10 }),
      expect(served).rejects.toMatchObject({ code: 'EBADF' }),
    ]);
    await server.server_close();
  });

  test('handle_request() says so, and takes nothing from what has the number now', async () => {
    const server = make(name);
    closeSync(server.fileno());
    const foreign = listen_elsewhere();
    const client = socket.create_connection(['127.0.0.1', port_of(foreign)], 10);
    await expect((async () => server.handle_request())()).rejects.toMatchObject({ code: 'EBADF' });
    await server.server_close();
    closeSync(foreign);
    client.close();
  });

  test('close() after shutdown() is no mistake', async () => {
    const server = make(name);
    const served = server.serve_forever();
    await sleep(20);
    const ended = server.shutdown();
    server.socket.close();
    await Promise.all([ended, served]);
    await server.server_close();
  });

  test('handle_request() says so, too', async () => {
    const server = make(name);
    try {
      server.socket._shutdown(socket.SHUT_RDWR);
    } catch {
      // As above.
    }
    const handle = async () => server.handle_request();
    await expect(handle()).rejects.toMatchObject({ code: 'EINVAL' });
    await server.server_close();
    await expect(handle()).rejects.toMatchObject({ code: 'EBADF' });
  });
});

test('a server whose socket does not listen is told', async () => {
  const server = new TCPServer(LOCAL, BaseRequestHandler, false);
  await expect(server.serve_forever()).rejects.toThrow(/does not listen/);
  await server.server_close();
});

test('service_actions() and verify_request() are called as long as it serves, on one socket for both IP versions', async () => {
  const server = new TCPServer(['::', 0], BaseRequestHandler as never, { dualstack_ipv6: true } as never);
  const called: string[] = [];
  server.verify_request = () => called.push('verify') > 0;
  server.service_actions = () => void called.push('actions');
  const served = server.serve_forever();
  await sleep(20);
  const client = socket.create_connection(['127.0.0.1', server.server_address[1]], 10);
  while (called.length < 2) await sleep(1);
  expect(called.slice(0, 2)).toEqual(['verify', 'actions']);
  server.socket._shutdown(socket.SHUT_RDWR);
  await expect(served).rejects.toThrow(/was shut down/);
  client.close();
  await server.server_close();
});
