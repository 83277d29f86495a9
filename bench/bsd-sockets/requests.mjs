// requests.mjs threads|processes|async: the same server as python/requests.py, on this library.
// requests.mjs statistics|events|context|limits: `async`, watched in one of the ways of docs/socketserver.md, or with limits of clients.
import { subscribe } from 'node:diagnostics_channel';
import { writeSync } from 'node:fs';
import {
  AsyncBaseRequestHandler,
  AsyncTCPServer,
  BaseRequestHandler,
  ForkingTCPServer,
  is_main,
  prometheus_text,
  request_context,
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

class ContextHandler extends AsyncBaseRequestHandler {
  async handle() {
    await this.request.sendall(await this.request.recv(64));
    if (request_context()?.id === undefined) throw new Error('no context');
  }
}

const EVENTS = ['connection', 'request:start', 'request:end', 'error', 'refused', 'drain'];
const LIMITS = {
  max_connections_per_address: 1000,
  max_rate_per_address: { per_second: 1e6, burst: 1e6 },
  idle_timeout: 30,
  handler_timeout: 300,
};

// The class of the server, that of the handler, options, and what goes on beside.
const servers = {
  threads: [ThreadingTCPServer, Handler],
  processes: [ForkingTCPServer, Handler],
  async: [AsyncTCPServer, AsyncHandler],
  statistics: [AsyncTCPServer, AsyncHandler, {}, (server) => setInterval(() => prometheus_text(server), 100)],
  events: [AsyncTCPServer, AsyncHandler, {}, count_events],
  context: [AsyncTCPServer, ContextHandler, { request_context: true }],
  limits: [AsyncTCPServer, AsyncHandler, LIMITS],
};

function count_events() {
  const counts = Object.fromEntries(EVENTS.map((name) => [name, 0]));
  for (const name of EVENTS) subscribe(`bsd-sockets:server:${name}`, () => counts[name]++);
}

if (is_main(import.meta)) {
  const [Server, Its, options = {}, beside] = servers[process.argv[2]];
  const server = new Server(['127.0.0.1', 0], Its, { request_queue_size: 1024, ...options });
  beside?.(server);
  writeSync(1, `ready ${server.server_address[1]}\n`);
  await server.serve_forever();
}
