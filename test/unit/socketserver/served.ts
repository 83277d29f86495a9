// Servers of every kind with the handlers of fixtures/watched.mjs, and clients: of their own process for a server that handles requests
// on this thread, which else would wait for itself.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as promises from 'bsd-sockets/promises';
import * as socketserver from 'bsd-sockets/socketserver';
// @ts-expect-error: JavaScript, as a worker imports it
import { AsyncDatagram, AsyncStream, Datagram, Stream } from './fixtures/watched.mjs';

const handlers: { readonly [name: string]: unknown } = { AsyncDatagram, AsyncStream, Datagram, Stream };

export const STREAMS = ['TCPServer', 'ThreadingTCPServer', 'ForkingTCPServer', 'AsyncTCPServer'] as const;
export const DATAGRAMS = ['UDPServer', 'ThreadingUDPServer', 'ForkingUDPServer', 'AsyncUDPServer'] as const;
/** Kinds whose requests overlap. */
export const PARALLEL = ['ThreadingTCPServer', 'ForkingTCPServer', 'AsyncTCPServer'] as const;

/** A server of any kind, as the tests use it. */
export interface Served extends socketserver.StatisticsServer {
  readonly server_address: [string, number];
  handle_error: (request: unknown, client_address: unknown, error: unknown) => void;
  serve_forever(): Promise<void>;
  server_close(): Promise<void>;
  shutdown(options?: socketserver.ShutdownOptions): Promise<void>;
}
type ServerClass = new (address: unknown, Handler: unknown, options: socketserver.ServerOptions) => Served;

export function make(name: string, address: unknown, options: socketserver.ServerOptions): Served {
  const Server = Reflect.get(socketserver, name) as ServerClass;
  const kind = `${name.startsWith('Async') ? 'Async' : ''}${/UDP|Datagram/.test(name) ? 'Datagram' : 'Stream'}`;
  return new Server(address, handlers[kind], options);
}

/** Has a server serve while `use` runs. Errors of handlers are kept. */
export async function serving(
  name: string,
  options: socketserver.ServerOptions,
  use: (server: Served, errors: unknown[]) => Promise<void>,
  address: unknown = ['127.0.0.1', 0],
  hooks: object = {},
): Promise<void> {
  const server = Object.assign(make(name, address, options), hooks);
  const errors: unknown[] = [];
  server.handle_error = (_request, _client_address, error) => void errors.push(error);
  const served = server.serve_forever();
  try {
    await use(server, errors);
  } finally {
    await server.server_close();
    await served;
  }
}

/** Connects from an address of loopback. */
export async function connect_from(host: string, server: Served): Promise<promises.ConnectedSocket> {
  const sock = await promises.create_connection(server.server_address, 60, [host, 0]);
  sock.settimeout(60);
  return sock as promises.ConnectedSocket;
}

/** Reads to the end; what came before a reset, too. */
export async function read_all(sock: promises.ConnectedSocket): Promise<string> {
  let text = '';
  try {
    for await (const part of sock) text += part;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ECONNRESET')) throw error;
  }
  sock.close();
  return text;
}

/** Sends a line from an address, and returns what comes back. */
export async function ask(server: Served, line: string, host = '127.0.0.1'): Promise<string> {
  const sock = await connect_from(host, server);
  try {
    await sock.sendall(`${line}\n`);
  } catch (error) {
    // Refused: what the server said before is still there.
    if (!(error instanceof Error && 'errno' in error)) throw error;
  }
  return read_all(sock);
}

const CLIENT = `
import socket, sys
host, port, source = sys.argv[1], int(sys.argv[2]), sys.argv[3]
s = socket.create_connection((host, port), 60, (source, 0))
text = b''
try:
    s.sendall(sys.argv[4].encode() + b'\\n')
    while True:
        part = s.recv(4096)
        if not part: break
        text += part
except ConnectionError: pass
sys.stdout.buffer.write(text)`;

/** The same in a process of its own. */
async function ask_apart(server: Served, line: string, host = '127.0.0.1'): Promise<string> {
  const [address, port] = server.server_address;
  const child: ChildProcess = spawn('python3', ['-c', CLIENT, address, String(port), host, line], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout?.on('data', (part: Buffer) => {
    text += part;
  });
  await once(child, 'close');
  return text;
}

/** The client for a kind of server. */
export const asking = (name: string) => (name === 'TCPServer' ? ask_apart : ask);

/** Waits until a condition holds. A test that waits in vain ends by its own time-out. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
