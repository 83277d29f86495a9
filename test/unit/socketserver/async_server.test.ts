// Servers on the event loop: their differences from servers that handle one request after another, and misuse. The order of hooks
// is in test/conformance/socketserver.test.ts, their load in test/threads/async_server.test.ts.

import { spawnSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as promises from 'bsd-sockets/promises';
import * as socket from 'bsd-sockets/socket';
import {
  AsyncBaseRequestHandler,
  AsyncBytesIO,
  AsyncDatagramRequestHandler,
  AsyncMixIn,
  type AsyncServer,
  AsyncSocketWriter,
  AsyncStreamRequestHandler,
  AsyncTCPServer,
  AsyncUDPServer,
  AsyncUnixDatagramServer,
  AsyncUnixStreamServer,
  BaseRequestHandler,
  DatagramRequestHandler,
  StreamRequestHandler,
  TCPServer,
  ThreadingTCPServer,
} from 'bsd-sockets/socketserver';
import { describe, expect, test } from 'vitest';
import { open_descriptors } from '../../descriptors.js';

const LOCAL: [string, number] = ['127.0.0.1', 0];

class Upper extends AsyncStreamRequestHandler {
  override async handle() {
    for await (const line of this.rfile) await this.wfile.write(Buffer.from(line.toString().toUpperCase()));
  }
}

type AnyServer = Pick<AsyncServer, 'serve_forever' | 'shutdown' | 'server_close'>;

async function serving<S extends AnyServer>(server: S, use: (server: S) => Promise<void>): Promise<void> {
  const served = server.serve_forever();
  served.catch(() => {});
  try {
    await use(server);
    await server.shutdown();
    await served;
  } finally {
    await server.server_close();
  }
}

/** Returns all text that the connection receives until its end; a reset is an end, too. */
async function rest(client: promises.socket<number>): Promise<string> {
  let text = '';
  try {
    for await (const chunk of client) text += chunk;
  } catch (error) {
    if (!(error instanceof socket.ConnectionResetError)) throw error;
    text += '(reset)';
  } finally {
    client.close();
  }
  return text;
}

/** Sends a text, half-closes, and returns the answer. */
async function ask(address: [string, number], text: string): Promise<string> {
  const client = await promises.create_connection(address, 20);
  try {
    await client.sendall(text);
    await client.shutdown(promises.SHUT_WR);
  } catch (error) {
    // The server has closed the connection already, without reading.
    if (!(error instanceof socket.OSError)) throw error;
  }
  return rest(client);
}

describe('serve_forever', () => {
  test('handles requests at the same time', async () => {
    const met = new EventEmitter();
    let inside = 0;
    class Together extends AsyncBaseRequestHandler {
      override async handle() {
        const all = once(met, 'all');
        if (++inside === 10) met.emit('all');
        if (inside < 10) await all;
        await this.request.sendall('together');
      }
    }
    await serving(new AsyncTCPServer(LOCAL, Together), async (server) => {
      const answers = await Promise.all(Array.from({ length: 10 }, () => ask(server.server_address, '')));
      expect(answers).toEqual(Array(10).fill('together'));
    });
  });

  test('can run again after shutdown(), at once after an early one; twice at once is an error', async () => {
    const server = new AsyncTCPServer(LOCAL, Upper);
    await server.shutdown();
    await server.serve_forever();
    for (let i = 0; i < 3; i++) {
      const served = server.serve_forever();
      await expect(server.serve_forever()).rejects.toThrow('running already');
      await expect(server.handle_request()).rejects.toThrow('serve_forever() is running');
      expect(await ask(server.server_address, `a${i}\n`)).toBe(`A${i}\n`);
      await Promise.all([server.shutdown(), server.shutdown()]);
      await served;
    }
    await server.server_close();
    await server.server_close();
    expect(server.fileno()).toBe(-1);
    await expect(server.serve_forever()).rejects.toMatchObject({ code: 'EBADF' });
    await expect(server.handle_request()).rejects.toMatchObject({ code: 'EBADF' });
  });

  test('shutdown() from a handler ends it, and the handler goes on', async () => {
    class Last extends AsyncBaseRequestHandler {
      override async handle() {
        await this.server.shutdown();
        await this.request.sendall('last');
      }
    }
    const server = new AsyncTCPServer(LOCAL, Last);
    const served = server.serve_forever();
    const asked = ask(server.server_address, '');
    await served;
    expect(await asked).toBe('last');
    await server[Symbol.asyncDispose]();
    expect(server.fileno()).toBe(-1);
  });

  test('service_actions() is called after requests and each poll_interval; what it throws ends it', async () => {
    let actions = 0;
    class Acting extends AsyncTCPServer {
      override service_actions() {
        if (++actions === 5) throw new Error('enough');
      }
    }
    const server = new Acting(LOCAL, Upper);
    await expect(server.serve_forever(0.01)).rejects.toThrow('enough');
    actions = -1;
    const served = server.serve_forever(100);
    expect(await ask(server.server_address, 'x')).toBe('X');
    expect(actions).toBeGreaterThanOrEqual(0);
    await server.shutdown();
    await served;
    await expect(server.serve_forever(-1)).rejects.toThrow(RangeError);
    await server.server_close();
  });

  test('a socket that never gets a request is told', async () => {
    const server = new AsyncTCPServer(LOCAL, Upper, false);
    await expect(server.serve_forever()).rejects.toMatchObject({ code: 'EINVAL' });
    server.server_bind();
    server.server_activate();
    const served = server.serve_forever();
    expect(await ask(server.server_address, 'bound')).toBe('BOUND');
    server.socket.close();
    await expect(served).rejects.toMatchObject({ code: 'ECANCELED' });
    await server.server_close();
  });

  test('holds the process while it serves, unless the socket is unref()', async () => {
    const program = (line: string) => `
      const { AsyncTCPServer } = require('bsd-sockets/socketserver');
      const server = new AsyncTCPServer(['127.0.0.1', 0], () => {});
      ${line}
      server.serve_forever();`;
    const run = (line: string) => spawnSync(process.execPath, ['-e', program(line)], { timeout: 20_000 });
    expect(run('server.socket.unref();').status).toBe(0);
    expect(run("setTimeout(() => process.kill(process.pid, 'SIGKILL'), 300);").signal).toBe('SIGKILL');
    expect(run('setTimeout(() => server.shutdown(), 50);').status).toBe(0);
  });
});

describe('hooks', () => {
  /** A server that notes the errors it gets. */
  class Noting extends AsyncTCPServer {
    readonly errors: unknown[] = [];
    override handle_error(_request: unknown, client_address: unknown, error: unknown) {
      this.errors.push(error instanceof Error ? error.message : error);
      expect(client_address).toEqual(['127.0.0.1', expect.any(Number)]);
    }
  }

  test('a handler that throws or rejects costs its request only', async () => {
    class Failing extends AsyncStreamRequestHandler {
      override setup() {
        super.setup();
        if (this.client_address === null) throw new Error('never');
      }
      override handle(): Promise<void> {
        return this.rfile.readline().then((line) => {
          if (line.toString() === 'reject') throw new Error('rejected');
          return this.wfile.write(Buffer.from('fine')).then(() => {});
        });
      }
    }
    class Throwing extends AsyncBaseRequestHandler {
      override handle() {
        throw new Error('thrown');
      }
    }
    class Setup extends AsyncBaseRequestHandler {
      override async setup() {
        throw new Error('in setup');
      }
      override finish() {
        throw new Error('finish() is not called then');
      }
    }
    class Both extends AsyncBaseRequestHandler {
      override async handle() {
        throw new Error('lost');
      }
      override async finish() {
        throw new Error('in finish');
      }
    }
    await serving(new Noting(LOCAL, Failing), async (server) => {
      expect(await Promise.all(['reject', 'x'].map((text) => ask(server.server_address, text)))).toEqual([
        '',
        'fine',
      ]);
      for (const Handler of [Throwing, Setup, Both]) {
        server.RequestHandlerClass = Handler;
        expect(await ask(server.server_address, '')).toBe('');
      }
      server.RequestHandlerClass = () => {
        throw new Error('of a function');
      };
      expect(await ask(server.server_address, '')).toBe('');
      server.RequestHandlerClass = async () => Promise.reject('not even an error');
      expect(await ask(server.server_address, '')).toBe('');
      server.RequestHandlerClass = Failing;
      expect(await ask(server.server_address, '')).toBe('fine');
      expect(server.errors).toEqual([
        'rejected',
        'thrown',
        'in setup',
        'in finish',
        'of a function',
        'not even an error',
      ]);
    });
  });

  test('what other hooks throw ends serving, and nothing is left open', async () => {
    const broken = (name: string, fail: () => unknown) => {
      class Broken extends AsyncTCPServer {
        override handle_error() {}
      }
      Reflect.set(Broken.prototype, name, fail);
      return new Broken(LOCAL, () => {
        if (name === 'handle_error') throw new Error('of the handler');
      });
    };
    const hooks = ['get_request', 'verify_request', 'handle_error', 'shutdown_request', 'close_request'];
    for (const name of hooks) {
      const throws = () => {
        throw new Error(name);
      };
      const rejects = () => Promise.reject(new Error(name));
      for (const fail of ['verify_request', 'handle_error'].includes(name) ? [throws, rejects] : [throws]) {
        const server = broken(name, fail);
        const served = server.serve_forever();
        served.catch(() => {});
        const client = await promises.create_connection(server.server_address);
        await expect(served).rejects.toThrow(name);
        await server.server_close();
        expect(await rest(client)).toMatch(/^(\(reset\))?$/);
      }
    }
  });

  test('what they throw when it does not serve any more is printed', () => {
    const program = `
      const { AsyncTCPServer } = require('bsd-sockets/socketserver');
      const { create_connection } = require('bsd-sockets/promises');
      class Strict extends AsyncTCPServer {
        async handle_error(request, client_address, error) { throw error; }
      }
      const server = new Strict(['127.0.0.1', 0], async (conn, address, server) => {
        await server.shutdown();
        throw new Error('late');
      });
      create_connection(server.server_address).then(async (client) => { await client.recv(1); client.close(); });
      server.serve_forever().then(() => server.server_close()).then(() => console.log('closed'));`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', program], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'closed\n' });
    expect(stderr).toMatch(/^-{40}\nException occurred during processing of request from.*\nError: late\n/);
  });

  test('verify_request() may be async; what it refuses is closed', async () => {
    class Choosy extends AsyncTCPServer {
      seen = 0;
      override async verify_request() {
        await sleep(1);
        return ++this.seen % 2 === 0;
      }
    }
    await serving(new Choosy(LOCAL, Upper), async (server) => {
      expect(await ask(server.server_address, 'a')).toMatch(/^(\(reset\))?$/);
      expect(await ask(server.server_address, 'b')).toBe('B');
    });
  });

  test('get_request() can be overridden, and must not wait', async () => {
    class Tagged extends AsyncTCPServer {
      taken = 0;
      override get_request() {
        this.taken++;
        return super.get_request();
      }
    }
    await serving(new Tagged(LOCAL, Upper), async (server) => {
      await Promise.all(Array.from({ length: 5 }, () => ask(server.server_address, 'x')));
      expect(server.taken).toBe(5);
    });
    class Losing extends AsyncTCPServer {
      lost = 0;
      override get_request(): ReturnType<AsyncTCPServer['get_request']> {
        if (this.lost++ > 0) return super.get_request();
        super.get_request()[0].close();
        throw new socket.ConnectionAbortedError('gone');
      }
    }
    await serving(new Losing(LOCAL, Upper), async (server) => {
      await ask(server.server_address, '');
      expect(await ask(server.server_address, 'x')).toBe('X');
    });
    class Waiting extends AsyncTCPServer {}
    Reflect.set(Waiting.prototype, 'get_request', async () => []);
    const server = new Waiting(LOCAL, Upper);
    const served = server.serve_forever();
    served.catch(() => {});
    const client = await promises.create_connection(server.server_address);
    await expect(served).rejects.toThrow(/without waiting/);
    client.close();
    await server.server_close();
    const idle = new AsyncTCPServer(LOCAL, Upper);
    expect(() => idle.get_request()).toThrow(socket.BlockingIOError);
    await idle.server_close();
  });

  test('an overridden finish_request() that only constructs, at once or later; hooks of the class below the mix-in', async () => {
    type Arguments = ConstructorParameters<typeof AsyncStreamRequestHandler>;
    class Greeting extends AsyncStreamRequestHandler {
      word: string;
      constructor(...[request, address, server, word]: [...Arguments, string?]) {
        super(request, address, server);
        this.word = word ?? 'hello';
      }
      override async handle() {
        await this.request.sendall(this.word);
      }
    }
    class Now extends AsyncTCPServer {
      override finish_request(...[request, address]: Parameters<AsyncTCPServer['finish_request']>) {
        new Greeting(request, address, this, 'now');
      }
    }
    class Later extends AsyncTCPServer {
      override async finish_request(...[request, address]: Parameters<AsyncTCPServer['finish_request']>) {
        await sleep(5);
        new Greeting(request, address, this, `later ${address[1]}`);
      }
    }
    const below: string[] = [];
    class Below extends TCPServer {
      extra = 'extra';
      override finish_request(request: socket.socket<typeof socket.AF_INET>, address: [string, number]) {
        below.push('finish_request');
        return super.finish_request(request, address);
      }
      override shutdown_request(request: socket.socket<typeof socket.AF_INET>) {
        below.push('shutdown_request');
        return super.shutdown_request(request);
      }
    }
    await serving(new Now(LOCAL, Greeting), async (server) => {
      expect(await ask(server.server_address, '')).toBe('now');
    });
    await serving(new Later(LOCAL, Greeting), async (server) => {
      const answers = await Promise.all(Array.from({ length: 5 }, () => ask(server.server_address, '')));
      expect(new Set(answers).size).toBe(5);
    });
    await serving(new (AsyncMixIn(Below))(LOCAL, Upper), async (server) => {
      expect(server.extra).toBe('extra');
      expect(await ask(server.server_address, 'x')).toBe('X');
      expect(below).toEqual(['finish_request', 'shutdown_request']);
    });
    const made = (...args: Arguments) => {
      new Greeting(...args, 'by a function');
    };
    await serving(new AsyncTCPServer(LOCAL, made), async (server) => {
      expect(await ask(server.server_address, '')).toBe('by a function');
    });
  });

  test('handle_request() waits for one request, or calls handle_timeout()', async () => {
    class Timed extends Noting {
      timed = 0;
      override async handle_timeout() {
        this.timed++;
      }
    }
    const server = new Timed(LOCAL, Upper);
    const asked = [ask(server.server_address, 'a'), ask(server.server_address, 'b')];
    await Promise.all([server.handle_request(), server.handle_request()]);
    expect(await Promise.all(asked)).toEqual(['A', 'B']);
    server.timeout = 0.02;
    await server.handle_request();
    server.timeout = null;
    server.socket.settimeout(0.02);
    await server.handle_request();
    server.timeout = 0;
    await server.handle_request();
    expect(server.timed).toBe(3);
    await server.server_close();
  });
});

describe('handlers', () => {
  test('the classes of servers that block serve as well, and functions do', async () => {
    class Lines extends StreamRequestHandler {
      override async handle() {
        for await (const line of this.rfile) await this.wfile.write(line);
      }
    }
    class Bytes extends BaseRequestHandler<promises.socket> {
      override async handle() {
        await this.request.sendall(await this.request.recv(100));
      }
    }
    for (const Handler of [
      Lines,
      Bytes,
      async (conn: promises.socket) => conn.sendall(await conn.recv(100)),
    ]) {
      await serving(new AsyncTCPServer(LOCAL, Handler), async (server) => {
        expect(await ask(server.server_address, 'hello')).toBe('hello');
      });
    }
  });

  test('attributes: buffers, time-out, TCP_NODELAY; wfile is flushed at the end', async () => {
    const seen: unknown[] = [];
    class Buffered extends AsyncStreamRequestHandler {
      static override wbufsize = -1;
      static override rbufsize = 16;
      static override disable_nagle_algorithm = true;
      override timeout = 0.05;
      greeting = 'buffered';
      override async handle() {
        seen.push(this.connection.getsockopt(promises.IPPROTO_TCP, promises.TCP_NODELAY) !== 0);
        seen.push(this.connection.gettimeout(), this.wfile instanceof promises.BufferedFile);
        seen.push(await this.rfile.readline().catch((error: Error) => error.name));
        await this.wfile.write(Buffer.from(this.greeting));
      }
    }
    class Unbuffered extends AsyncStreamRequestHandler {
      static override rbufsize = 0;
      override async handle() {
        seen.push(this.wfile instanceof AsyncSocketWriter, this.rfile.constructor.name);
        expect(this.wfile.fileno()).toBe(this.connection.fileno());
        await expect(this.wfile.write('text' as never)).rejects.toThrow(TypeError);
        await this.wfile.writelines([Buffer.from('un'), Buffer.from('buffered')]);
        await this.wfile.flush();
        await this.wfile.close();
        await expect(this.wfile.write(Buffer.from('more'))).rejects.toThrow('closed file');
      }
    }
    await serving(new AsyncTCPServer(LOCAL, Buffered), async (server) => {
      const client = await promises.create_connection(server.server_address, 20);
      expect(await rest(client)).toBe('buffered');
      server.RequestHandlerClass = Unbuffered;
      expect(await ask(server.server_address, '')).toBe('unbuffered');
    });
    expect(seen).toEqual([true, 0.05, true, 'TimeoutError', true, 'SocketIO']);
  });

  test('line_limit bounds the lines of rfile', async () => {
    class Bounded extends AsyncStreamRequestHandler {
      override line_limit = 8;
      override async handle() {
        const error = await this.rfile.readline().catch((reason: Error) => reason.name);
        await this.wfile.write(Buffer.from(`${error} ${await this.rfile.readline(4)}`));
      }
    }
    await serving(new AsyncTCPServer(LOCAL, Bounded), async (server) => {
      expect(await ask(server.server_address, '123456789')).toBe('LimitOverrunError 1234');
    });
  });

  test('a client that has gone by the time of the flush costs nothing', async () => {
    const errors: unknown[] = [];
    class Quiet extends AsyncTCPServer {
      override handle_error(_request: unknown, _address: unknown, error: unknown) {
        errors.push(error);
      }
    }
    let done = (): void => {};
    class Writes extends AsyncStreamRequestHandler {
      override wbufsize = -1;
      override async handle() {
        await this.rfile.read().catch(() => {});
        await this.wfile.write(Buffer.alloc(100, 'x'));
      }
      override async finish() {
        await super.finish();
        done();
      }
    }
    await serving(new Quiet(LOCAL, Writes), async (server) => {
      const client = await promises.create_connection(server.server_address);
      const finished = new Promise<void>((resolve) => {
        done = resolve;
      });
      // Closing with SO_LINGER 0 resets the connection.
      client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, new Int32Array([1, 0]));
      client.close();
      await finished;
    });
    expect(errors).toEqual([]);
  });

  test('a handler on the wrong kind of server is told', async () => {
    const errors: unknown[] = [];
    class Quiet extends TCPServer {
      override handle_error(_request: unknown, _address: unknown, error: unknown) {
        errors.push(String(error));
      }
    }
    // @ts-expect-error told by the types, too
    const server = new Quiet(LOCAL, Upper);
    const client = socket.create_connection(server.server_address);
    server.handle_request();
    client.close();
    await server.server_close();
    expect(errors).toEqual([expect.stringMatching(/Upper is a handler of servers on the event loop.*Quiet/)]);
  });

  test('AsyncBytesIO', async () => {
    const file = new AsyncBytesIO(Buffer.from('one\ntwo\n'));
    expect([file.readable(), file.writable(), file.seekable(), file.closed]).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect((await file.readline()).toString()).toBe('one\n');
    expect([file.tell(), file.seek(0)]).toEqual([4, 0]);
    expect((await file.readlines()).map(String)).toEqual(['one\n', 'two\n']);
    file.seek(0);
    const lines = [];
    for await (const line of file) lines.push(line.toString());
    expect(lines).toEqual(['one\n', 'two\n']);
    await file.writelines([Buffer.from('three')]);
    await file.write(Buffer.from('!'));
    await file.flush();
    file.seek(-3, 2);
    const into = Buffer.alloc(2);
    expect([await file.readinto(into), into.toString()]).toEqual([2, 'ee']);
    expect((await file.read1(5)).toString()).toBe('!');
    expect(file.truncate(3)).toBe(3);
    expect(file.getvalue().toString()).toBe('one');
    await expect(file.read('x' as never)).rejects.toThrow(TypeError);
    await file.close();
    await expect(file.read()).rejects.toThrow('closed file');
  });
});

describe('datagrams', () => {
  class Polite extends AsyncDatagramRequestHandler {
    override async handle() {
      await this.wfile.write(Buffer.from('you said '));
      await this.wfile.write(await this.rfile.read());
    }
  }

  test('UDP: what is written to wfile is the answer; any class of handlers', async () => {
    class Plain extends DatagramRequestHandler {
      override async handle() {
        await this.wfile.write(await this.rfile.readline());
      }
    }
    await serving(new AsyncUDPServer(LOCAL, Polite), async (server) => {
      const client = promises.socket(promises.AF_INET, promises.SOCK_DGRAM);
      client.settimeout(20);
      await client.sendto('hi', server.server_address);
      expect((await client.recv(100)).toString()).toBe('you said hi');
      server.RequestHandlerClass = Plain;
      await client.sendto('plain', server.server_address);
      expect((await client.recv(100)).toString()).toBe('plain');
      server.RequestHandlerClass = ([packet, sock], address) => sock.sendto(`${packet.length}`, address);
      server.max_packet_size = 10;
      await client.sendto('x'.repeat(100), server.server_address);
      expect((await client.recv(100)).toString()).toBe('10');
      client.close();
    });
  });

  test('UNIX; server_close() waits until the last are answered', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'async-'));
    class Slow extends Polite {
      override async handle() {
        await sleep(50);
        await super.handle();
      }
    }
    const server = new AsyncUnixDatagramServer(join(folder, 's'), Slow);
    const served = server.serve_forever();
    const client = promises.socket(promises.AF_UNIX, promises.SOCK_DGRAM);
    await client.bind(join(folder, 'c'));
    await client.sendto('a', server.server_address);
    await client.sendto('b', server.server_address);
    await sleep(10);
    await server.shutdown({ drain: 20 });
    await served;
    await server.server_close();
    expect((await client.recvmmsg(10, 100)).map(([data]) => data.toString())).toEqual([
      'you said a',
      'you said b',
    ]);
    client.close();
    rmSync(folder, { recursive: true });
  });
});

describe('the constructor', () => {
  test('options and attributes', async () => {
    class Mine extends AsyncTCPServer {
      static override allow_reuse_address = true;
      static override request_queue_size = 7;
      static override max_handlers = 9;
    }
    const server = new Mine(LOCAL, Upper, { request_queue_size: 9, worker_data: { shared: true } });
    expect(server).toBeInstanceOf(TCPServer);
    expect(server.socket).toBeInstanceOf(promises.socket);
    expect(server.socket.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)).toBe(1);
    expect([server.request_queue_size, server.max_handlers, server.block_on_close]).toEqual([9, 9, true]);
    expect([AsyncTCPServer.max_handlers, server.worker_data]).toEqual([null, { shared: true }]);
    await server.server_close();
  });

  test('IPv6, and both at once', async (ctx) => {
    if (!socket.has_dualstack_ipv6()) ctx.skip('needs IPv6');
    const server = new AsyncTCPServer(['::', 0, 0, 0], Upper, {
      family: socket.AF_INET6,
      dualstack_ipv6: true,
    });
    await serving(server, async () => {
      for (const host of ['127.0.0.1', '::1']) {
        expect(await ask([host, server.server_address[1]], 'x')).toBe('X');
      }
    });
    class Who extends AsyncDatagramRequestHandler<typeof socket.AF_INET6> {
      override async handle() {
        await this.wfile.write(Buffer.from(this.client_address[0]));
      }
    }
    const udp = new AsyncUDPServer(['::1', 0, 0, 0], Who, { family: socket.AF_INET6 });
    await serving(udp, async () => {
      const client = promises.socket(promises.AF_INET6, promises.SOCK_DGRAM);
      await client.sendto('who', udp.server_address);
      expect((await client.recv(100)).toString()).toBe('::1');
      client.close();
    });
  });

  test('a path of AF_UNIX', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'async-'));
    await serving(new AsyncUnixStreamServer(join(folder, 's'), Upper), async (server) => {
      const client = promises.socket(promises.AF_UNIX);
      await client.connect(server.server_address);
      await client.sendall('x');
      await client.shutdown(promises.SHUT_WR);
      expect(await rest(client)).toBe('X');
    });
    rmSync(folder, { recursive: true });
  });

  test('a socket that is bound already is taken over, blocking or of promises', async () => {
    const blocking = socket.create_server(LOCAL);
    const of_promises = await promises.create_server(LOCAL);
    for (const listener of [blocking, of_promises]) {
      const address = listener.getsockname();
      const server = new AsyncTCPServer(listener as promises.socket<typeof socket.AF_INET>, Upper);
      expect(server.server_address).toEqual(address);
      await serving(server, async () => {
        expect(await ask(server.server_address, 'x')).toBe('X');
      });
    }
    expect(blocking.fileno()).toBe(-1);
    expect(of_promises.fileno()).toBe(-1);
    const another = await promises.create_server(LOCAL);
    expect(() => new TCPServer(another as never, Upper as never)).toThrow(/takes no socket of promises/);
    another.close();
  });

  test('a port in use is an OSError that names it, and leaves no descriptor', async () => {
    const first = new AsyncTCPServer(LOCAL, Upper);
    const port = first.server_address[1];
    const open = open_descriptors();
    expect(() => new AsyncTCPServer(['127.0.0.1', port], Upper)).toThrow(
      expect.objectContaining({ code: 'EADDRINUSE', message: expect.stringContaining(String(port)) }),
    );
    expect(open_descriptors()).toBe(open);
    await first.server_close();
  });

  test('misuse', async () => {
    expect(() => new AsyncTCPServer(LOCAL, null as never)).toThrow(/RequestHandlerClass/);
    expect(() => new AsyncTCPServer(LOCAL, Upper, { max_handlers: 0 })).toThrow(/max_handlers/);
    expect(() => new AsyncTCPServer(LOCAL, Upper, { handler_timeout: -1 })).toThrow(/handler_timeout/);
    expect(() => new AsyncTCPServer('path' as never, Upper)).toThrow(TypeError);
    expect(() => new AsyncUnixStreamServer('x', Upper, { dualstack_ipv6: true })).toThrow(/dualstack_ipv6/);
    expect(() => AsyncMixIn(null as never)).toThrow(/takes a class of servers/);
    expect(() => AsyncMixIn(Upper as never)).toThrow(/takes a class of servers/);
    expect(() => AsyncMixIn(ThreadingTCPServer)).toThrow(/without another mix-in, not ThreadingTCPServer/);
    expect(() => AsyncMixIn(AsyncTCPServer as never)).toThrow(/without another mix-in/);
    const server = new AsyncTCPServer(LOCAL, Upper);
    server.max_handlers = 1.5;
    await expect(server.serve_forever()).rejects.toThrow(/max_handlers/);
    await expect(server.shutdown({ drain: -1 })).rejects.toThrow(RangeError);
    await expect(server.shutdown({ drain: 'x' as never })).rejects.toThrow(TypeError);
    await expect(server.shutdown(5 as never)).rejects.toThrow('options must be an object with drain, not 5');
    await server.server_close();
  });
});

describe('ending', () => {
  /** Answers once the client has sent a byte. */
  class Held extends AsyncBaseRequestHandler {
    static inside = 0;
    override async handle() {
      Held.inside++;
      try {
        await this.request.recv(1);
        await this.request.sendall('done');
      } finally {
        Held.inside--;
      }
    }
  }

  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await sleep(1);
  }

  test('shutdown() leaves handlers alone, server_close() waits for them unless block_on_close is not set', async () => {
    for (const block_on_close of [true, false]) {
      const server = new AsyncTCPServer(LOCAL, Held);
      server.block_on_close = block_on_close;
      const served = server.serve_forever();
      const client = await promises.create_connection(server.server_address);
      await until(() => Held.inside === 1);
      await server.shutdown();
      await served;
      let closed = false;
      const closing = server.server_close().then(() => {
        closed = true;
      });
      await sleep(20);
      expect([closed, Held.inside]).toEqual([!block_on_close, 1]);
      await client.sendall('x');
      expect(await rest(client)).toBe('done');
      await closing;
      await until(() => Held.inside === 0);
    }
  });

  test('shutdown({ drain }) takes what waits in the backlog, refuses who comes later, and lets handlers finish', async () => {
    const server = new AsyncTCPServer(LOCAL, Held, { request_queue_size: 100, max_handlers: 3 });
    const served = server.serve_forever();
    const clients = await Promise.all(
      Array.from({ length: 10 }, () => promises.create_connection(server.server_address)),
    );
    await until(() => Held.inside === 3);
    const down = server.shutdown({ drain: 20 });
    for (const client of clients) await client.sendall('x');
    expect(await Promise.all(clients.map(rest))).toEqual(Array(10).fill('done'));
    await down;
    await served;
    await expect(promises.create_connection(server.server_address)).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
    await server.server_close();
  });

  test('shutdown({ drain }) ends by closing what takes too long, and says so; a second one may be sooner', async () => {
    const errors: unknown[] = [];
    class Quiet extends AsyncTCPServer {
      override handle_error(_request: unknown, _address: unknown, error: unknown) {
        errors.push(String(error));
      }
    }
    for (const drains of [[0], [0.05], [1000, 0.05]]) {
      const server = new Quiet(LOCAL, Held);
      const served = server.serve_forever();
      const client = await promises.create_connection(server.server_address);
      await until(() => Held.inside === 1);
      await Promise.all(drains.map((drain) => server.shutdown({ drain })));
      await served;
      await server.server_close();
      expect(await rest(client)).toMatch(/^(\(reset\))?$/);
      await until(() => Held.inside === 0);
    }
    expect(errors).toEqual(Array(3).fill('Error: Held was cut off: the server drained'));
  });

  test('shutdown({ drain }) before serve_forever() has that handle what waits, behind it wait for handlers', async () => {
    const server = new AsyncTCPServer(LOCAL, Upper);
    const asked = ask(server.server_address, 'waited');
    await sleep(20);
    await server.shutdown({ drain: 20 });
    await server.serve_forever();
    expect(await asked).toBe('WAITED');
    await server.server_close();

    const held = new AsyncTCPServer(LOCAL, Held);
    const served = held.serve_forever();
    const client = await promises.create_connection(held.server_address);
    await until(() => Held.inside === 1);
    await held.shutdown();
    await served;
    const drained = held.shutdown({ drain: 20 });
    await client.sendall('x');
    expect(await rest(client)).toBe('done');
    await drained;
    await held.server_close();
  });

  test('handler_timeout ends a client that sends nothing, and a handler that waits for something else', async () => {
    const errors: unknown[] = [];
    class Quiet extends AsyncTCPServer {
      override handle_error(_request: unknown, _address: unknown, error: unknown) {
        errors.push(String(error));
      }
    }
    class Stuck extends AsyncStreamRequestHandler {
      override async handle() {
        await once(late, 'go on');
        ended++;
      }
    }
    const late = new EventEmitter();
    let ended = 0;
    class Counting extends Quiet {
      ends = 0;
      override shutdown_request(...args: Parameters<Quiet['shutdown_request']>) {
        this.ends++;
        return super.shutdown_request(...args);
      }
    }
    await serving(new Counting(LOCAL, Upper, { handler_timeout: 0.1 }), async (server) => {
      for (const Handler of [Upper, Stuck]) {
        server.RequestHandlerClass = Handler;
        const silent = await promises.create_connection(server.server_address);
        expect(await rest(silent)).toMatch(/^(\(reset\))?$/);
      }
      // The handler finishes at last, and no request is ended twice.
      late.emit('go on');
      await sleep(5);
      expect([ended, server.ends]).toEqual([1, 2]);
    });
    await serving(new Quiet(LOCAL, Upper, { handler_timeout: 60 }), async (server) => {
      expect(await ask(server.server_address, 'quick')).toBe('QUICK');
    });
    expect(errors).toEqual([
      'Error: Upper took longer than handler_timeout, 0.1 s',
      'Error: Stuck took longer than handler_timeout, 0.1 s',
    ]);
  });

  test('max_handlers: the rest waits in the kernel', async () => {
    let most = 0;
    let now = 0;
    class Counted extends AsyncStreamRequestHandler {
      override async handle() {
        most = Math.max(most, ++now);
        await sleep(2);
        await this.wfile.write((await this.rfile.read()) ?? Buffer.alloc(0));
        now--;
      }
    }
    const server = new AsyncTCPServer(LOCAL, Counted, { max_handlers: 2, request_queue_size: 50 });
    await serving(server, async () => {
      const texts = Array.from({ length: 20 }, (_, i) => `${i}`);
      expect(await Promise.all(texts.map((text) => ask(server.server_address, text)))).toEqual(texts);
    });
    expect(most).toBe(2);
  });

  test('without descriptors connections wait', async () => {
    const program = new URL('fixtures/scarce.mjs', import.meta.url).pathname;
    // Node's loader has up to 45 files of the library open at once.
    const { stdout, stderr } = spawnSync(
      'sh',
      ['-c', `ulimit -n 96; exec "${process.execPath}" "${program}"`],
      {
        encoding: 'utf8',
        timeout: 30_000,
      },
    );
    const [warning, ...further] = stderr.match(/BSD_SOCKETS_SCARCITY.*/g) ?? [];
    expect(warning).toMatch(
      /all the 96 descriptors that it may have \(EMFILE\): raise its limit \(ulimit -n/,
    );
    expect(further).toEqual([]);
    expect(JSON.parse(stdout)).toEqual({ answered: 30, spun: false });
  });
});
