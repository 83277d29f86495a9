// requests.mjs threads|processes|async: the same server as python/requests.py, on this library.
import { writeSync } from 'node:fs';
import {
  AsyncBaseRequestHandler,
  AsyncTCPServer,
  BaseRequestHandler,
  ForkingTCPServer,
  is_main,
  ThreadingTCPServer,
} from 'bsd-sockets/socketserver';

export class Handler extends BaseRequestHandler {
  handle() {
    this.request.sendall(this.request.recv(64));
  }
}

class AsyncHandler extends AsyncBaseRequestHandler {
  async handle() {
    await this.request.sendall(await this.request.recv(64));
  }
}

const servers = {
  threads: [ThreadingTCPServer, Handler],
  processes: [ForkingTCPServer, Handler],
  async: [AsyncTCPServer, AsyncHandler],
};

if (is_main(import.meta)) {
  const [Server, Its] = servers[process.argv[2]];
  const server = new Server(['127.0.0.1', 0], Its, { request_queue_size: 1024 });
  writeSync(1, `ready ${server.server_address[1]}\n`);
  await server.serve_forever();
}
