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

const handler_of = (Server) => (Server === AsyncTCPServer ? AsyncEcho : Echo);

const CLIENT = `
const sock = require('node:net').connect(Number(process.argv[1]), '127.0.0.1', () => sock.end('hello'));
sock.pipe(process.stdout);`;

async function show(Server) {
  const server = new Server(['127.0.0.1', 0], handler_of(Server));
  const served = server.serve_forever();
  const client = spawn(process.execPath, ['-e', CLIENT, String(server.server_address[1])]);
  const [answer] = await once(client.stdout, 'data');
  console.log(`echo        ${Server.name} answered "${answer}"`);
  await server.shutdown();
  await served;
  await server.server_close();
}

async function serve(Server, port) {
  const server = new Server(['127.0.0.1', port], handler_of(Server), { allow_reuse_address: true });
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.shutdown({ drain: 5 }));
  console.log(`${Server.name} listens on ${server.server_address.join(':')}`);
  await server.serve_forever();
  await server.server_close();
}

if (is_main(import.meta)) {
  const [, , name, port] = process.argv;
  const servers = [TCPServer, ThreadingTCPServer, ForkingTCPServer, AsyncTCPServer];
  const chosen = servers.find((Server) => Server.name === name);
  if (chosen) await serve(chosen, Number(port ?? 8000));
  else for (const Server of servers) await show(Server);
}
