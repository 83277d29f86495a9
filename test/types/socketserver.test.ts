// What must and what must not compile of servers: types of addresses, requests, handlers, and classes with mix-ins.
import type * as promises from 'bsd-sockets/promises';
import * as socket from 'bsd-sockets/socket';
import {
  AsyncDatagramRequestHandler,
  AsyncMixIn,
  AsyncStreamRequestHandler,
  AsyncTCPServer,
  AsyncUDPServer,
  AsyncUnixDatagramServer,
  BaseRequestHandler,
  DatagramRequestHandler,
  ForkingTCPServer,
  ForkingUnixDatagramServer,
  prometheus_text,
  request_context,
  type ServerEvent,
  type ServerStatistics,
  type ServerView,
  StreamRequestHandler,
  TCPServer,
  ThreadingMixIn,
  ThreadingTCPServer,
  ThreadingUDPServer,
  UDPServer,
  UnixStreamServer,
} from 'bsd-sockets/socketserver';
import { expect, expectTypeOf, test } from 'vitest';

class Lines extends StreamRequestHandler {
  override handle() {
    expectTypeOf(this.rfile.readline()).toEqualTypeOf<Buffer>();
    expectTypeOf(this.wfile.write(this.rfile.readline())).toBeNumber();
  }
}

class Packets extends DatagramRequestHandler {
  static module = import.meta.url;
  override handle() {
    expectTypeOf(this.packet).toEqualTypeOf<Buffer>();
    expectTypeOf(this.wfile.getvalue()).toEqualTypeOf<Buffer>();
  }
}

class Threaded extends ThreadingMixIn(UDPServer) {
  static override max_threads = 3;
  override handle_error(_request: unknown, _client_address: unknown, _error: unknown) {}
}

class Own extends TCPServer {
  static override allow_reuse_address = true;
  extra = 1;
  override verify_request(request: socket.socket<typeof socket.AF_INET>, [host, port]: [string, number]) {
    return request.fileno() > 0 && host !== '' && port > 0;
  }
}

class OfOwn extends BaseRequestHandler<socket.socket<typeof socket.AF_INET>, [string, number], Own> {
  override handle() {
    expectTypeOf(this.server.extra).toBeNumber();
    expectTypeOf(this.client_address).toEqualTypeOf<[string, number]>();
  }
}

test('servers and handlers', async () => {
  const threaded = new Threaded(['127.0.0.1', 0], Packets, { worker_data: 1 });
  expectTypeOf(threaded.max_threads).toBeNumber();
  expect(threaded.max_threads).toBe(3);
  const own = new Own(['127.0.0.1', 0], OfOwn, true, { request_queue_size: 10 });
  expectTypeOf(own.server_address).toEqualTypeOf<[host: string, port: number]>();
  await threaded.server_close();
  await own.server_close();
  // @ts-expect-error a path is no address of AF_INET
  expect(() => new TCPServer('path', Lines)).toThrow(TypeError);
  // @ts-expect-error an address of AF_UNIX is a path
  expect(() => new UnixStreamServer(['127.0.0.1', 0], Lines)).toThrow(TypeError);
  // @ts-expect-error there is no such option
  expect(() => new TCPServer(['127.0.0.1', 0], Lines, { reuse_address: true })).toThrow(TypeError);
});

class AsyncLines extends AsyncStreamRequestHandler<typeof socket.AF_INET, Chat> {
  override async handle() {
    expectTypeOf(this.rfile.readline()).toEqualTypeOf<Promise<Buffer>>();
    expectTypeOf(this.wfile.write(Buffer.alloc(1))).toEqualTypeOf<Promise<number>>();
    expectTypeOf(this.request).toEqualTypeOf<promises.ConnectedSocket<typeof socket.AF_INET>>();
    expectTypeOf(this.client_address).toEqualTypeOf<[host: string, port: number]>();
    expectTypeOf(this.server.lines).toEqualTypeOf<string[]>();
  }
}

class AsyncPackets extends AsyncDatagramRequestHandler {
  override async handle() {
    expectTypeOf(this.packet).toEqualTypeOf<Buffer>();
    expectTypeOf(this.rfile.read()).toEqualTypeOf<Promise<Buffer>>();
    expectTypeOf(this.wfile.getvalue()).toEqualTypeOf<Buffer>();
    expectTypeOf(this.socket.sendto('x', 'path')).toEqualTypeOf<Promise<number>>();
  }
}

class Chat extends AsyncTCPServer {
  static override request_queue_size = 50;
  lines: string[] = [];
  override async verify_request(request: promises.socket<typeof socket.AF_INET>, [host]: [string, number]) {
    return request.fileno() > 0 && host !== '';
  }
  override async handle_error(_request: unknown, _client_address: unknown, _error: unknown) {}
  override server_bind() {
    super.server_bind();
  }
}

class Counting extends TCPServer {
  count = 0;
}

test('servers on the event loop', async () => {
  const chat = new Chat(['127.0.0.1', 0], AsyncLines, { max_handlers: 10 });
  expectTypeOf(chat.socket).toEqualTypeOf<promises.socket<typeof socket.AF_INET>>();
  expectTypeOf(chat.server_address).toEqualTypeOf<[host: string, port: number]>();
  expectTypeOf(chat.get_request).returns.toEqualTypeOf<
    [request: promises.ConnectedSocket<typeof socket.AF_INET>, client_address: [host: string, port: number]]
  >();
  expectTypeOf(chat.serve_forever).returns.toEqualTypeOf<Promise<void>>();
  expectTypeOf(chat.handle_request).returns.toEqualTypeOf<Promise<void>>();
  await chat.server_close();

  // What a function gets follows from the server and its address.
  const udp = new AsyncUDPServer(
    ['::1', 0, 0, 0],
    async ([packet, sock], address, server) => {
      expectTypeOf(packet).toEqualTypeOf<Buffer>();
      expectTypeOf(sock).toEqualTypeOf<promises.socket<typeof socket.AF_INET6, typeof socket.SOCK_DGRAM>>();
      expectTypeOf(address).toEqualTypeOf<ReturnType<typeof sock.getsockname>>();
      expectTypeOf(server.max_packet_size).toBeNumber();
    },
    { family: socket.AF_INET6 },
  );
  expectTypeOf(udp.socket).toEqualTypeOf<promises.socket<typeof socket.AF_INET6, typeof socket.SOCK_DGRAM>>();
  await udp.server_close();

  const packets = () => new AsyncUnixDatagramServer('path', AsyncPackets);
  expectTypeOf(packets).returns.toHaveProperty('server_address').toEqualTypeOf<string | Buffer>();
  const mixed = new (AsyncMixIn(Counting))(['127.0.0.1', 0], AsyncLines);
  expectTypeOf(mixed.count).toBeNumber();
  expectTypeOf(mixed.server_address).toEqualTypeOf<[host: string, port: number]>();
  await mixed.server_close();
  const unix = () => new (AsyncMixIn(UnixStreamServer))('path', AsyncStreamRequestHandler);
  expectTypeOf(unix).returns.toHaveProperty('server_address').toEqualTypeOf<string | Buffer>();

  // @ts-expect-error a path is no address of AF_INET
  expect(() => new AsyncTCPServer('path', AsyncLines)).toThrow(TypeError);
  // @ts-expect-error what is no server
  expect(() => AsyncMixIn(AsyncLines)).toThrow(TypeError);
});

test('the address, the requests and worker_data of servers with threads and processes', () => {
  const counts = new Int32Array(1);
  const make = () => {
    const server = new ThreadingTCPServer(['127.0.0.1', 0], Lines, { worker_data: counts });
    expectTypeOf(server.server_address).toEqualTypeOf<[host: string, port: number]>();
    expectTypeOf(server.worker_data).toEqualTypeOf<Int32Array<ArrayBuffer>>();
    expectTypeOf(server.max_threads).toBeNumber();
    expectTypeOf(server.get_request()[1]).toEqualTypeOf<[host: string, port: number]>();
    const forking = new ForkingUnixDatagramServer('path', Named);
    expectTypeOf(forking.server_address).toEqualTypeOf<string | Buffer>();
    expectTypeOf(forking.get_request()[1]).toEqualTypeOf<string | Buffer | null>();
    expectTypeOf(forking.max_packet_size).toBeNumber();
    expectTypeOf(forking.active_children).toEqualTypeOf<Set<number> | null>();
    const six = new ThreadingUDPServer(['::1', 0], Packets, { family: socket.AF_INET6 });
    expectTypeOf(six.server_address[3]).toEqualTypeOf<number>();
    const mixed = new (ThreadingMixIn(Own))(['127.0.0.1', 0], Lines);
    expectTypeOf(mixed.extra).toBeNumber();
    // Without a class of its own: what a function gets follows from the server.
    const plain = new TCPServer(
      ['127.0.0.1', 0],
      (request, [host], of) => {
        expectTypeOf(request).toEqualTypeOf<socket.socket<typeof socket.AF_INET>>();
        expectTypeOf(host).toBeString();
        expectTypeOf(of.worker_data).toBeString();
      },
      { worker_data: 'text' },
    );
    expectTypeOf(plain.worker_data).toBeString();
    const wrong = [
      // @ts-expect-error a handler of AF_UNIX
      () => new ThreadingTCPServer(['127.0.0.1', 0], Named),
      // @ts-expect-error a handler of datagrams
      () => new TCPServer(['127.0.0.1', 0], Packets),
      // @ts-expect-error a handler of the event loop
      () => new ThreadingTCPServer(['127.0.0.1', 0], AsyncLines),
      // @ts-expect-error a path is no address of AF_INET
      () => new ForkingTCPServer('path', Lines),
      // @ts-expect-error what is no server
      () => ThreadingMixIn(Lines),
      // @ts-expect-error there is no such attribute
      () => server.max_children,
    ];
    expectTypeOf(wrong).toBeArray();
  };
  expectTypeOf(make).toBeFunction();
});

class Named extends DatagramRequestHandler<typeof socket.AF_UNIX> {
  override handle() {
    expectTypeOf(this.client_address).toEqualTypeOf<string | Buffer | null>();
    // @ts-expect-error a client without a name cannot be answered
    this.socket.sendto('answer', this.client_address);
  }
}

class Counter extends StreamRequestHandler<typeof socket.AF_INET, ServerView<{ count: Int32Array }>> {
  override handle() {
    expectTypeOf(this.server.worker_data.count).toEqualTypeOf<Int32Array>();
    expectTypeOf(this.server.server_address).toEqualTypeOf<socket.AnyReturnedAddress>();
    // @ts-expect-error no such data
    expectTypeOf(this.server.worker_data.counts).toBeUndefined();
  }
}

test('a handler names the data of its server, and the handler of a class its server', () => {
  expectTypeOf((lines: Lines) => lines.server.worker_data).returns.toBeUnknown();
  expectTypeOf(() => new ThreadingTCPServer(['127.0.0.1', 0], Counter)).toBeFunction();
  expectTypeOf<ConstructorParameters<typeof StreamRequestHandler>[2]>().toEqualTypeOf<ServerView>();
});

test('statistics, limits and events', () => {
  const make = () => {
    const options = {
      max_rate: { per_second: 1 },
      max_connections_per_address: 2,
      idle_timeout: null,
    } as const;
    const plain = new TCPServer(['', 0], Lines, options);
    const pooled = new ThreadingTCPServer(['', 0], Lines, options);
    const on_loop = new AsyncTCPServer(['', 0], async () => {}, options);
    for (const server of [plain, pooled, on_loop])
      expectTypeOf(server.statistics()).toEqualTypeOf<ServerStatistics>();
    expectTypeOf(plain.statistics().refused.max_rate).toBeNumber();
    prometheus_text(plain, { service: 'x', instance: 1 });
    prometheus_text([plain, pooled, on_loop], ({ server_address }) => ({ port: String(server_address) }));
    // @ts-expect-error: a label is a string or a number
    prometheus_text(plain, { service: {} });
    // @ts-expect-error: no reason of that name
    plain.statistics().refused.nothing;
    // @ts-expect-error: a rate is a number or an object
    new TCPServer(['', 0], Lines, { max_rate: '5' });
  };
  expectTypeOf(request_context()?.id).toEqualTypeOf<string | undefined>();
  expectTypeOf<ServerEvent<'request:end'>['seconds']>().toBeNumber();
  expectTypeOf<ServerEvent<'drain'>['phase']>().toEqualTypeOf<'begin' | 'end'>();
  expect(make).toBeTypeOf('function');
});
