// An echo handler under every kind of server: one request after another, on worker threads, in child processes, and async on the
// event loop. To try it by hand:
//   node examples/echo_server.mjs ThreadingTCPServer 8000     then: nc 127.0.0.1 8000, and Ctrl-C to end
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { socketserver } from 'bsd-sockets';

const { AsyncTCPServer, ForkingTCPServer, is_main, TCPServer, ThreadingTCPServer } = socketserver;
const { AsyncStreamRequestHandler, StreamRequestHandler } = socketserver;

export class Echo extends StreamRequestHandler {
  handle() {
    for (const line of this.rfile) this.wfile.write(line);
  }
}

class AsyncEcho extends AsyncStreamRequestHandler {
  async handle() {
    for await (const line of this.rfile) await this.wfile.write(line);
  }
}

/** @typedef {Pick<socketserver.AsyncTCPServer, 'server_address' | 'serve_forever' | 'shutdown' | 'server_close'>} Server */

const options = { allow_reuse_address: true };
/** @type {Record<string, (port: number) => Server>} */
const servers = {
  TCPServer: (port) => new TCPServer(['127.0.0.1', port], Echo, options),
  ThreadingTCPServer: (port) => new ThreadingTCPServer(['127.0.0.1', port], Echo, options),
  ForkingTCPServer: (port) => new ForkingTCPServer(['127.0.0.1', port], Echo, options),
  AsyncTCPServer: (port) => new AsyncTCPServer(['127.0.0.1', port], AsyncEcho, options),
};

const CLIENT = `
const sock = require('node:net').connect(Number(process.argv[1]), '127.0.0.1', () => sock.end('hello'));
sock.pipe(process.stdout);`;

/** @param {string} name @param {Server} server */
async function show(name, server) {
  const served = server.serve_forever();
  const client = spawn(process.execPath, ['-e', CLIENT, String(server.server_address[1])]);
  const [answer] = await once(client.stdout, 'data');
  console.log(`echo        ${name} answered "${answer}"`);
  await server.shutdown();
  await served;
  await server.server_close();
}

/** @param {string} name @param {Server} server */
async function serve(name, server) {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.shutdown({ drain: 5 }));
  console.log(`${name} listens on ${server.server_address.join(':')}`);
  await server.serve_forever();
  await server.server_close();
}

if (is_main(import.meta)) {
  const [, , name = '', port = 8000] = process.argv;
  const chosen = servers[name];
  if (chosen) await serve(name, chosen(Number(port)));
  else for (const [each, make] of Object.entries(servers)) await show(each, make(0));
}
