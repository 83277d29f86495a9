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
  StreamRequestHandler,
  TCPServer,
  ThreadingMixIn,
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
    expectTypeOf(this.request).toEqualTypeOf<promises.socket<typeof socket.AF_INET>>();
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
    [request: promises.socket<typeof socket.AF_INET>, client_address: [host: string, port: number]]
  >();
  expectTypeOf(chat.serve_forever).returns.toEqualTypeOf<Promise<void>>();
  expectTypeOf(chat.handle_request).returns.toEqualTypeOf<Promise<void>>();
  await chat.server_close();

  // What a function gets follows from the server and its address.
  const udp = new AsyncUDPServer(
    ['::1', 0, 0, 0],
    async ([packet, sock], address, server) => {
      expectTypeOf(packet).toEqualTypeOf<Buffer>();
      expectTypeOf(sock).toEqualTypeOf<promises.socket<typeof socket.AF_INET6>>();
      expectTypeOf(address).toEqualTypeOf<ReturnType<typeof sock.getsockname>>();
      expectTypeOf(server.max_packet_size).toBeNumber();
    },
    { family: socket.AF_INET6 },
  );
  expectTypeOf(udp.socket).toEqualTypeOf<promises.socket<typeof socket.AF_INET6>>();
  await udp.server_close();

  const packets = () => new AsyncUnixDatagramServer('path', AsyncPackets);
  expectTypeOf(packets).returns.toHaveProperty('server_address').toEqualTypeOf<string | Buffer>();
  const mixed = new (AsyncMixIn(Counting))(['127.0.0.1', 0], AsyncLines);
  expectTypeOf(mixed.count).toBeNumber();
  expectTypeOf(mixed.server_address).toEqualTypeOf<[host: string, port: number]>();
  await mixed.server_close();
  const unix = () => new (AsyncMixIn(UnixStreamServer))('path', AsyncLines);
  expectTypeOf(unix).returns.toHaveProperty('server_address').toEqualTypeOf<string | Buffer>();

  // @ts-expect-error a path is no address of AF_INET
  expect(() => new AsyncTCPServer('path', AsyncLines)).toThrow(TypeError);
  // @ts-expect-error what is no server
  expect(() => AsyncMixIn(AsyncLines)).toThrow(TypeError);
});
