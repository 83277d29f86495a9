// requests.mjs threads|processes: the same server as python/requests.py, on this library.
import { writeSync } from 'node:fs';
import { BaseRequestHandler, ForkingTCPServer, is_main, ThreadingTCPServer } from 'bsd-sockets/socketserver';

const servers = { threads: ThreadingTCPServer, processes: ForkingTCPServer };

export class Handler extends BaseRequestHandler {
  handle() {
    this.request.sendall(this.request.recv(64));
  }
}

if (is_main(import.meta)) {
  const Server = servers[process.argv[2]];
  const server = new Server(['127.0.0.1', 0], Handler, { request_queue_size: 1024 });
  writeSync(1, `ready ${server.server_address[1]}\n`);
  await server.serve_forever();
}
