// The servers that handle one request after another, and their handlers: their differences from Python's, and misuse. Behaviour
// that Python has, too, is in test/conformance/socketserver.test.ts.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import * as socket from 'bsd-sockets/socket';
import {
  BaseRequestHandler,
  BaseServer,
  BytesIO,
  DatagramRequestHandler,
  is_main,
  type RequestHandlerClass,
  StreamRequestHandler,
  TCPServer,
  UDPServer,
  UnixStreamServer,
} from 'bsd-sockets/socketserver';
import { describe, expect, test } from 'vitest';
import { show_error } from '../../../lib/socketserver/pool/packed_error.js';

/** Runs a client in a process of its own, which sends a text and half-closes. Returns the answer. */
async function ask(server: TCPServer, text: string): Promise<string> {
  const port = String(server.server_address[1]);
  const program = `
import socket, sys
s = socket.create_connection(('127.0.0.1', ${port}), 10)
s.sendall(sys.argv[1].encode())
s.shutdown(socket.SHUT_WR)
print(s.makefile().read(), end='')`;
  return output(spawn('python3', ['-c', program, text]));
}

async function output(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  await once(child, 'close');
  return text;
}

class Upper extends StreamRequestHandler {
  override handle() {
    for (const line of this.rfile) this.wfile.write(Buffer.from(line.toString().toUpperCase()));
  }
}

async function serving<S extends BaseServer>(server: S, use: (server: S) => Promise<void>): Promise<void> {
  const served = server.serve_forever();
  try {
    await use(server);
    await server.shutdown();
    await served;
  } finally {
    await server.server_close();
  }
}

describe('serve_forever', () => {
  test('serves one after another while the event loop goes on', async () => {
    await serving(new TCPServer(['127.0.0.1', 0], Upper), async (server) => {
      expect(await ask(server, 'one\n')).toBe('ONE\n');
      expect(await ask(server, 'two\nthree\n')).toBe('TWO\nTHREE\n');
    });
  });

  test('shutdown() from a handler ends it', async () => {
    class Last extends Upper {
      override finish() {
        super.finish();
        this.server.shutdown();
      }
    }
    const server = new TCPServer(['127.0.0.1', 0], Last);
    const served = server.serve_forever();
    expect(await ask(server, 'last\n')).toBe('LAST\n');
    await served;
    await server.server_close();
  });

  test('shutdown() of one that does not serve returns, and so does the next serve_forever(), as in Python', async () => {
    await serving(new TCPServer(['127.0.0.1', 0], Upper), async (server) => {
      await server.shutdown();
    });
    const server = new TCPServer(['127.0.0.1', 0], Upper);
    await server.shutdown();
    await server.serve_forever();
    await serving(server, async () => expect(await ask(server, 'then\n')).toBe('THEN\n'));
  });

  test('can run again after shutdown(); twice at once is an error', async () => {
    const server = new TCPServer(['127.0.0.1', 0], Upper);
    for (let i = 0; i < 3; i++) {
      const served = server.serve_forever();
      await expect(server.serve_forever()).rejects.toThrow('running already');
      expect(await ask(server, `${i}\n`)).toBe(`${i}\n`);
      await Promise.all([server.shutdown(), server.shutdown()]);
      await served;
    }
    await server.server_close();
    await server.server_close();
  });

  test('shutdown({ drain }) handles what waits in the backlog, within its time', async () => {
    let handled = 0;
    class Counting extends BaseRequestHandler {
      override handle() {
        handled++;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
      }
    }
    for (const [drain, least, most] of [
      [10, 4, 4],
      [0, 0, 1],
    ] as const) {
      handled = 0;
      const server = new TCPServer(['127.0.0.1', 0], Counting);
      const served = server.serve_forever();
      const clients = Array.from({ length: 4 }, () => socket.create_connection(server.server_address, 10));
      await server.shutdown({ drain });
      await served;
      expect(handled).toBeGreaterThanOrEqual(least);
      expect(handled).toBeLessThanOrEqual(most);
      await server.server_close();
      for (const client of clients) client.close();
    }
    const server = new TCPServer(['127.0.0.1', 0], Counting);
    await expect(server.shutdown({ drain: -1 })).rejects.toThrow(RangeError);
    await expect(server.shutdown(5 as never)).rejects.toThrow('options must be an object with drain, not 5');
    await server.server_close();
  });

  test('server_close() ends it, and so does Symbol.asyncDispose', async () => {
    for (const end of [(s: TCPServer) => s.server_close(), (s: TCPServer) => s[Symbol.asyncDispose]()]) {
      const server = new TCPServer(['127.0.0.1', 0], Upper);
      const served = server.serve_forever();
      await end(server);
      await served;
      expect(server.fileno()).toBe(-1);
    }
  });

  test('service_actions() is called each poll_interval', async () => {
    let actions = 0;
    class Acting extends TCPServer {
      override service_actions() {
        if (++actions === 3) this.shutdown();
      }
    }
    const server = new Acting(['127.0.0.1', 0], Upper);
    await server.serve_forever(0.01);
    expect(actions).toBe(3);
    await server.server_close();
  });

  test('a handler that throws costs its request only, and handle_error gets what it threw', async () => {
    const errors: unknown[] = [];
    class Quiet extends TCPServer {
      override handle_error(_request: unknown, client_address: unknown, error: unknown) {
        errors.push([Array.isArray(client_address), error instanceof Error && error.message]);
      }
    }
    class Failing extends Upper {
      override handle() {
        if (this.rfile.readline().toString() === 'fail\n') throw new Error('failed');
        this.wfile.write(Buffer.from('fine'));
      }
    }
    await serving(new Quiet(['127.0.0.1', 0], Failing), async (server) => {
      expect(await ask(server, 'fail\n')).toBe('');
      expect(await ask(server, 'work\n')).toBe('fine');
    });
    expect(errors).toEqual([[true, 'failed']]);
  });

  test('a handler whose handle() is async is told that it cannot be', async () => {
    const errors: unknown[] = [];
    class Quiet extends TCPServer {
      override handle_error(_request: unknown, _address: unknown, error: unknown) {
        errors.push(String(error));
      }
    }
    class Async extends BaseRequestHandler {
      override async handle() {}
    }
    await serving(new Quiet(['127.0.0.1', 0], Async), async (server) => {
      await ask(server, '');
    });
    expect(errors).toEqual([expect.stringContaining('returned a promise')]);
  });

  test('whatever was thrown can be shown', () => {
    expect(show_error(new TypeError('wrong'))).toMatch(/^TypeError: wrong\n {4}at /);
    expect(show_error('text')).toBe("'text'");
    const unseen = {
      [inspect.custom]() {
        throw new Error('do not look');
      },
    };
    expect(show_error(unseen)).toBe('something that cannot be shown');
  });

  test('what handle_error throws ends it', async () => {
    class Strict extends TCPServer {
      override handle_error(_request: unknown, _address: unknown, error: unknown) {
        throw error;
      }
    }
    class Failing extends BaseRequestHandler {
      override handle() {
        throw new Error('fatal');
      }
    }
    const server = new Strict(['127.0.0.1', 0], Failing);
    const served = server.serve_forever();
    const asked = ask(server, '');
    await expect(served).rejects.toThrow('fatal');
    await server.server_close();
    await asked;
  });

  test('refuses a poll_interval that is none', async () => {
    const server = new TCPServer(['127.0.0.1', 0], Upper);
    await expect(server.serve_forever(-1)).rejects.toThrow(RangeError);
    await expect(server.serve_forever('1' as unknown as number)).rejects.toThrow(TypeError);
    await server.server_close();
    await expect(server.serve_forever()).rejects.toMatchObject({ code: 'EBADF' });
  });
});

describe('handlers', () => {
  type Handler = RequestHandlerClass<
    socket.socket<typeof socket.AF_INET>,
    socket.ReturnedAddress<typeof socket.AF_INET>,
    TCPServer
  >;

  /** Serves one connection, whose client has sent and half-closed. Returns the text that the client received. */
  function once_served(Handler: Handler, sent: string): string {
    const server = new TCPServer(['127.0.0.1', 0], Handler);
    const client = socket.create_connection(['127.0.0.1', server.server_address[1]], 10);
    client.sendall(sent);
    client.shutdown(socket.SHUT_WR);
    server.handle_request();
    const received = client.makefile('r').read();
    client.close();
    server.server_close();
    return received;
  }

  test('fields of the class are there in handle(), and attributes may be fields or static', () => {
    class Fields extends StreamRequestHandler {
      static override rbufsize = 16;
      override wbufsize = -1;
      override timeout = 5;
      greeting = 'hello';
      override handle() {
        this.wfile.write(Buffer.from(`${this.greeting} ${this.rbufsize} ${this.connection.gettimeout()}`));
      }
    }
    expect(once_served(Fields, '')).toBe('hello 16 5');
  });

  test('line_limit bounds the lines of rfile', () => {
    class Bounded extends StreamRequestHandler {
      static override line_limit = 8;
      override handle() {
        const names: unknown[] = [this.rfile.readline().toString()];
        try {
          this.rfile.readline();
        } catch (error) {
          names.push((error as Error).name, this.rfile.readline(9).toString());
        }
        this.wfile.write(Buffer.from(JSON.stringify(names)));
      }
    }
    expect(once_served(Bounded, '1234567\n12345678\n')).toBe(
      '["1234567\\n","LimitOverrunError","12345678\\n"]',
    );
  });

  test('a function that constructs the handler, and an overridden finish_request that does', () => {
    class Greeting extends StreamRequestHandler {
      word: string;
      constructor(
        ...[request, address, server, word]: [...ConstructorParameters<typeof StreamRequestHandler>, string?]
      ) {
        super(request, address, server);
        this.word = word ?? 'own';
      }
      override handle() {
        this.wfile.write(Buffer.from(this.word));
      }
    }
    type Arguments = ConstructorParameters<typeof StreamRequestHandler>;
    expect(once_served((...args: Arguments) => new Greeting(...args, 'hi'), '')).toBe('hi');
    class Own extends TCPServer {
      override finish_request(...[request, address]: Parameters<TCPServer['finish_request']>) {
        new Greeting(request as Arguments[0], address, this);
      }
    }
    const server = new Own(['127.0.0.1', 0], Greeting);
    const client = socket.create_connection(['127.0.0.1', server.server_address[1]], 10);
    server.handle_request();
    expect(client.recv(10).toString()).toBe('own');
    client.close();
    server.server_close();
  });

  test('a handler that is constructed outside of a server is not run', () => {
    let handled = 0;
    class Counted extends BaseRequestHandler {
      override handle() {
        handled++;
      }
    }
    new Counted(null as never, null as never, null as never);
    expect(once_served(Upper, 'x')).toBe('X');
    expect(handled).toBe(0);
  });

  test('wfile without a buffer sends at once, refuses strings, and is closed by itself', () => {
    class Checks extends StreamRequestHandler {
      override handle() {
        expect(this.wfile.writable()).toBe(true);
        expect(this.wfile.fileno()).toBe(this.connection.fileno());
        expect(() => this.wfile.write('text' as never)).toThrow(
          /the string "text": write Buffer\.from\(text\)/,
        );
        expect(this.wfile.write(Buffer.from('sent'))).toBe(4);
        this.wfile.close();
        expect(() => this.wfile.write(Buffer.from('more'))).toThrow('closed file');
      }
    }
    expect(once_served(Checks, '')).toBe('sent');
  });

  test('a client that has gone costs nothing', () => {
    class Writes extends StreamRequestHandler {
      override wbufsize = -1;
      override handle() {
        this.wfile.write(Buffer.alloc(100, 'x'));
      }
    }
    const errors: unknown[] = [];
    class Quiet extends TCPServer {
      override handle_error(_request: unknown, _address: unknown, error: unknown) {
        errors.push(error);
      }
    }
    const server = new Quiet(['127.0.0.1', 0], Writes);
    const client = socket.create_connection(['127.0.0.1', server.server_address[1]], 10);
    // Closing with SO_LINGER 0 resets the connection.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, new Int32Array([1, 0]));
    client.close();
    server.handle_request();
    expect(errors).toEqual([]);
    server.server_close();
  });

  test('a datagram is answered by what is written to wfile', () => {
    class Time extends DatagramRequestHandler {
      override handle() {
        this.wfile.write(Buffer.from('you said '));
        this.wfile.write(this.rfile.read());
      }
    }
    const server = new UDPServer(['127.0.0.1', 0], Time);
    const client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
    client.sendto('hi', server.server_address);
    server.handle_request();
    expect(client.recv(100).toString()).toBe('you said hi');
    client.close();
    server.server_close();
  });
});

describe('the constructor', () => {
  test('options, attributes of the class, and what an object sets', () => {
    class Mine extends TCPServer {
      static override allow_reuse_address = true;
      static override request_queue_size = 7;
    }
    const server = new Mine(['127.0.0.1', 0], Upper, { request_queue_size: 9, allow_reuse_port: true });
    expect(server.socket.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)).toBe(1);
    expect(server.socket.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)).toBe(1);
    expect([server.request_queue_size, Mine.request_queue_size, TCPServer.request_queue_size]).toEqual([
      9, 7, 128,
    ]);
    server.timeout = 3;
    expect([server.timeout, Mine.timeout]).toEqual([3, null]);
    server.server_close();
  });

  test('attributes that are fields of a class come too late, and are told', async () => {
    class Late extends TCPServer {
      override allow_reuse_address = true;
      override request_queue_size = 50;
    }
    const warnings: Error[] = [];
    const listen = (warning: Error) => warnings.push(warning);
    process.on('warning', listen);
    await serving(new Late(['127.0.0.1', 0], Upper), async () => {});
    // As fields the attributes are in time if the server is bound later.
    const later = new Late(['127.0.0.1', 0], Upper, { bind_and_activate: false });
    later.server_bind();
    later.server_activate();
    expect(later.socket.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)).toBe(1);
    await serving(later, async () => {});
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', listen);
    expect(warnings.map(({ name, message }) => `${name}: ${message}`)).toEqual([
      expect.stringMatching(/^RuntimeWarning: Late.allow_reuse_address .*`static allow_reuse_address = …`/),
      expect.stringMatching(/^RuntimeWarning: Late.request_queue_size /),
    ]);
  });

  test('bind_and_activate in its place or in the options', () => {
    for (const server of [
      new TCPServer(['127.0.0.1', 0], Upper, false),
      new TCPServer(['127.0.0.1', 0], Upper, { bind_and_activate: false }),
      new TCPServer(['127.0.0.1', 0], Upper, null, { bind_and_activate: false }),
    ]) {
      expect(server.socket.getsockname()).toEqual(['0.0.0.0', 0]);
      server.server_bind();
      server.server_activate();
      expect(server.server_address[1]).toBeGreaterThan(0);
      server.server_close();
    }
  });

  test('IPv6, and both at once', (ctx) => {
    if (!socket.has_dualstack_ipv6()) ctx.skip('needs IPv6');
    const server = new TCPServer(['::', 0, 0, 0], Upper, { family: socket.AF_INET6, dualstack_ipv6: true });
    for (const host of ['127.0.0.1', '::1']) {
      const client = socket.create_connection([host, server.server_address[1]], 10);
      client.sendall('x');
      client.shutdown(socket.SHUT_WR);
      server.handle_request();
      expect(client.recv(1).toString()).toBe('X');
      client.close();
    }
    server.server_close();
    const only = new TCPServer(['::', 0, 0, 0], Upper, { family: socket.AF_INET6, dualstack_ipv6: false });
    expect(only.socket.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)).toBe(1);
    only.server_close();
  });

  test('a socket that is bound already is taken over', () => {
    const listener = socket.create_server(['127.0.0.1', 0]);
    const server = new TCPServer(listener as socket.socket<typeof socket.AF_INET>, Upper);
    expect(server.socket).toBe(listener);
    expect(server.server_address).toEqual(listener.getsockname());
    server.server_close();
    expect(listener.fileno()).toBe(-1);
  });

  test('a port in use is an OSError that names it, and leaves no descriptor', () => {
    const first = new TCPServer(['127.0.0.1', 0], Upper);
    let failed: TCPServer | undefined;
    class Second extends TCPServer {
      override server_bind() {
        failed = this;
        super.server_bind();
      }
    }
    const port = first.server_address[1];
    expect(() => new Second(['127.0.0.1', port], Upper)).toThrow(
      expect.objectContaining({ code: 'EADDRINUSE', message: expect.stringContaining(String(port)) }),
    );
    expect(failed?.fileno()).toBe(-1);
    first.server_close();
  });

  test('misuse', () => {
    const address: [string, number] = ['127.0.0.1', 0];
    expect(() => new TCPServer(address, null as never)).toThrow(/RequestHandlerClass/);
    expect(() => new TCPServer(address, Upper, { request_queue_size: -1 })).toThrow(/request_queue_size/);
    expect(() => new TCPServer(address, Upper, { request_queue_size: 'x' as never })).toThrow(TypeError);
    expect(() => new UnixStreamServer('x', Upper, { dualstack_ipv6: true })).toThrow(/dualstack_ipv6/);
    expect(() => new TCPServer('path' as never, Upper)).toThrow(TypeError);
    expect(() => new BaseServer(null, Upper).get_request()).toThrow('get_request');
  });

  test('a path of AF_UNIX is served, and stays when the server is closed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'unix-'));
    const server = new UnixStreamServer(join(folder, 's'), Upper);
    const client = socket.socket(socket.AF_UNIX);
    client.connect(server.server_address);
    client.sendall('x');
    client.shutdown(socket.SHUT_WR);
    server.handle_request();
    expect(client.recv(10).toString()).toBe('X');
    client.close();
    await server.server_close();
    rmSync(folder, { recursive: true });
  });
});

describe('BytesIO', () => {
  test('reads, writes, seeks and cuts as Python says', () => {
    const file = new BytesIO(Buffer.from('one\ntwo\nthree'));
    expect(file.readline().toString()).toBe('one\n');
    expect(file.readline(2).toString()).toBe('tw');
    expect([...file].map(String)).toEqual(['o\n', 'three']);
    expect(file.read().length).toBe(0);
    expect(file.seek(-5, 2)).toBe(8);
    expect(file.write(Buffer.from('THREE!'))).toBe(6);
    expect(file.getvalue().toString()).toBe('one\ntwo\nTHREE!');
    expect(file.seek(3)).toBe(3);
    expect(file.truncate()).toBe(3);
    expect(file.getvalue().toString()).toBe('one');
    file.seek(5);
    file.write(Buffer.from('x'));
    expect([...file.getvalue()]).toEqual([...Buffer.from('one\0\0x')]);
    const target = Buffer.alloc(4);
    file.seek(0);
    expect(file.readinto(target)).toBe(4);
    expect(file.tell()).toBe(4);
  });

  test('misuse', () => {
    const file = new BytesIO();
    expect(() => file.seek(-1)).toThrow(RangeError);
    expect(() => file.seek(0, 3)).toThrow(RangeError);
    expect(() => file.write('text' as never)).toThrow(TypeError);
    expect(() => file.truncate(-1)).toThrow(RangeError);
    file.close();
    expect(() => file.read()).toThrow('closed file');
    expect(() => file.getvalue()).toThrow('closed file');
  });
});

describe('is_main', () => {
  test('takes import.meta or module, and nothing else', () => {
    expect(is_main(import.meta)).toBe(false);
    expect(is_main({ filename: '/no/such.cjs' })).toBe(false);
    expect(() => is_main(null as never)).toThrow(TypeError);
    expect(() => is_main({} as never)).toThrow(/import.meta/);
  });
});
