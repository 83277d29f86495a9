// What must and what must not compile of servers: types of addresses, requests, handlers, and classes with mix-ins.
import type * as socket from 'bsd-sockets/socket';
import {
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
  const misspelt = new TCPServer(['127.0.0.1', 0], Lines, { reuse_address: true });
  await misspelt.server_close();
});
