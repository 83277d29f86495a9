// bsd-sockets serve: small services over any class of server: one request after another, on threads, in processes, or on the
// event loop. The services are in services/, as handler classes and as async functions.
import { unlinkSync } from 'node:fs';
import * as socket from '../../socket/index.js';
import * as socketserver from '../../socketserver/index.js';
import * as async_services from '../services/async.js';
import * as services from '../services/blocking.js';
import { check_file, command, until_interrupted } from '../terminal/command.js';
import { DONE, UsageError } from '../terminal/errors.js';
import { flag, integer, number, text, type Values } from '../terminal/options.js';
import { print, printable } from '../terminal/output.js';
import { closest } from '../terminal/suggest.js';

const options = {
  kind: text('', 'KIND', 'how requests are handled', 'threading', ['plain', 'threading', 'forking', 'async']),
  host: text('', 'ADDRESS', 'where to listen; 0.0.0.0 or :: for everywhere', '127.0.0.1'),
  port: integer('p', 'PORT', [0, 65_535], 'the port; 0: any', 0),
  udp: flag('u', 'datagrams; with -U, those of UNIX sockets'),
  unix: text('U', 'PATH', 'a UNIX socket'),
  workers: integer(
    '',
    'N',
    [1, 1000],
    'most threads or processes',
    socketserver.ThreadingTCPServer.max_threads,
  ),
  idle: number('w', 'SECONDS', [0.001, 86_400], 'end connections that are silent for so long'),
  drain: number('', 'SECONDS', [0, 3600], 'what connections get at the end', 5),
  verbose: flag('v', 'a line for each connection, and for its end'),
};

type Options = Values<typeof options>;

const SERVICES = {
  echo: [services.Echo, services.EchoDatagram, async_services.echo, async_services.echo_datagram],
  discard: [
    services.Discard,
    services.DiscardDatagram,
    async_services.discard,
    async_services.discard_datagram,
  ],
  time: [services.Time, services.TimeDatagram, async_services.time, async_services.time_datagram],
  file: [services.SendFile, undefined, async_services.send_file, undefined],
};

/** The server classes by their names. */
const BY_NAME = { ...socketserver };
/** The beginning of these names for each kind. */
const SERVERS = { plain: '', threading: 'Threading', forking: 'Forking', async: 'Async' } as const;

type Server = InstanceType<typeof socketserver.TCPServer<number>>;
type ServerClass = new (
  address: socket.Address,
  handler: socketserver.RequestHandlerClass,
  options: socketserver.ServerOptions,
) => Server;

function unknown_service(service: string): string {
  const names = Object.keys(SERVICES);
  const similar = closest(service, names);
  const advice = similar === undefined ? '' : `; did you mean ${similar}?`;
  return `serve what? ${names.join(', ')}, not ${JSON.stringify(service)}${advice}`;
}

function create_server(service: string, path: string | undefined, options: Options): Server {
  const { kind, host, port, udp, unix, workers, idle, verbose } = options;
  const handlers = Object.hasOwn(SERVICES, service) ? SERVICES[service as keyof typeof SERVICES] : undefined;
  if (handlers === undefined) throw new UsageError(unknown_service(service));
  const handler = handlers[(kind === 'async' ? 2 : 0) + (udp ? 1 : 0)];
  if (handler === undefined) throw new UsageError('a file is not served as datagrams');
  if ((service === 'file') !== (path !== undefined))
    throw new UsageError('serve file PATH; the others take no path');
  if (path !== undefined) check_file(path);
  const transport = unix === undefined ? (udp ? 'UDP' : 'TCP') : udp ? 'UnixDatagram' : 'UnixStream';
  const class_name = `${SERVERS[kind as keyof typeof SERVERS]}${transport}Server` as const;
  const Class = BY_NAME[class_name] as unknown as ServerClass;
  const worker_data: services.ServiceData = { path: path ?? '', idle: idle ?? null, verbose };
  const common = { worker_data, max_threads: workers, max_children: workers };
  if (unix !== undefined) return new Class(unix, handler, common);
  const family = host.includes(':') ? socket.AF_INET6 : socket.AF_INET;
  return new Class([host, port], handler, { ...common, family, allow_reuse_address: true });
}

export const { help, main } = command({
  usage: ['[options] echo|discard|time', '[options] file PATH'],
  operands: [1, 2],
  options,
  notes: 'Ctrl-C or SIGTERM ends it well: requests under way are finished first, as long as --drain says.',
  async run(values, [service = '', path]) {
    const server = create_server(service, path, values);
    const interrupted = until_interrupted();
    // A handler of the plain server blocks this thread. siginterrupt(true) lets the signal end the call that blocks.
    socket.siginterrupt(true);
    interrupted.addEventListener('abort', () => server.shutdown({ drain: values.drain }), {
      once: true,
    });
    const { server_address: address } = server;
    const where = Array.isArray(address) ? `${address[0]} port ${address[1]}` : printable(String(address));
    print(`${server.constructor.name} serves ${service} on ${where}`);
    try {
      await server.serve_forever();
    } finally {
      await server.server_close();
      if (values.unix !== undefined) unlinkSync(values.unix);
    }
    return DONE;
  },
});
