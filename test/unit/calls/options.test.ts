// The objects that stand for Python's keyword arguments: an option that there is not is a TypeError that names it and those
// there are, in every call that takes any. One row a call.
import * as packet from 'bsd-sockets/packet';
import * as promises from 'bsd-sockets/promises';
import * as selectors from 'bsd-sockets/selectors';
import * as socket from 'bsd-sockets/socket';
import * as socketserver from 'bsd-sockets/socketserver';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ADDRESS = ['127.0.0.1', 0] as const;
const WAIT = 'signal, timeout';
const TEXT = 'encoding, errors, newline';
const FILE = `${TEXT}, limit`;
const SERVER =
  'bind_and_activate, allow_reuse_address, allow_reuse_port, request_queue_size, family, dualstack_ipv6, max_threads, ' +
  'max_children, max_handlers, worker_data, handler_timeout, proxy_protocol, packet_info, ssl, ssl_handshake_timeout, ssl_shutdown_timeout, sd_notify, request_context, ' +
  'max_connections_per_address, max_rate_per_address, max_rate, address_prefix, refusal, idle_timeout';

const pair = socket.socketpair();
const [a, b] = promises.socketpair();
const [text, binary, raw] = [b.makefile('rw'), b.makefile('rwb'), b.makefile('rwb', 0)];
const blocking_text = pair[0].makefile('rw');
const selector = selectors.DefaultSelector();
const buffer = Buffer.alloc(8);
const { BaseRequestHandler, TCPServer, AsyncTCPServer, ThreadingTCPServer } = socketserver;
const server = new TCPServer(ADDRESS, BaseRequestHandler);
const async_server = new AsyncTCPServer(ADDRESS, socketserver.AsyncBaseRequestHandler);
let batch: socket.MessageBatch;

beforeAll(() => {
  batch = new socket.MessageBatch(1, 8);
});

afterAll(async () => {
  for (const one of [...pair, a, b]) one.close();
  selector.close();
  await server.server_close();
  await async_server.server_close();
});

/** The call with these options, which TypeScript would not let pass. */
type Row = [name: string, there_are: string, call: (options: never) => unknown];

const rows: Row[] = [
  [
    'socket.create_connection',
    'all_errors, happy_eyeballs_delay, proxy_header',
    (o) => socket.create_connection(['localhost', 1], 1, null, o),
  ],
  [
    'socket.create_connection, behind the time-out',
    'all_errors, happy_eyeballs_delay, proxy_header',
    (o) => socket.create_connection(['localhost', 1], 1, o),
  ],
  [
    'socket.create_connection, behind the address',
    'all_errors, happy_eyeballs_delay, proxy_header',
    (o) => socket.create_connection(['localhost', 1], o),
  ],
  [
    'socket.create_server',
    'family, backlog, reuse_port, dualstack_ipv6',
    (o) => socket.create_server(ADDRESS, o),
  ],
  ['makefile', FILE, (o) => pair[0].makefile('r', null, o)],
  ['makefile, behind the mode', FILE, (o) => pair[0].makefile('r', o)],
  ['makefile, alone', FILE, (o) => pair[0].makefile(o)],
  ['makefile, binary', FILE, (o) => pair[0].makefile('rb', null, o)],
  [
    'TextIOWrapper',
    `${TEXT}, line_buffering, write_through`,
    (o) => new socket.TextIOWrapper(pair[0].makefile('rb'), o),
  ],
  ['reconfigure', `${TEXT}, line_buffering, write_through`, (o) => blocking_text.reconfigure(o)],
  ['TCPServer', SERVER, (o) => new TCPServer(ADDRESS, BaseRequestHandler, true, o)],
  ['TCPServer, in place of bind_and_activate', SERVER, (o) => new TCPServer(ADDRESS, BaseRequestHandler, o)],
  ['ThreadingTCPServer', SERVER, (o) => new ThreadingTCPServer(ADDRESS, BaseRequestHandler, true, o)],
  [
    'AsyncTCPServer',
    SERVER,
    (o) => new AsyncTCPServer(ADDRESS, socketserver.AsyncBaseRequestHandler, true, o),
  ],
  ['shutdown', 'drain', (o) => server.shutdown(o)],
  ['shutdown, on the event loop', 'drain', (o) => async_server.shutdown(o)],
  [
    'write_capture',
    'format, linktype, snaplen, interfaces, precision',
    (o) => packet.write_capture('/dev/null', o),
  ],
  ['send_receive', 'timeout, retries, interval, interface, signal', (o) => packet.send_receive([], o)],
  ['select_async', WAIT, (o) => selector.select_async(0, o)],
  [
    'promises.create_connection',
    `all_errors, happy_eyeballs_delay, proxy_header, ${WAIT}`,
    (o) => promises.create_connection(['localhost', 1], 1, null, o),
  ],
  [
    'promises.create_connection, behind the address',
    `all_errors, happy_eyeballs_delay, proxy_header, ${WAIT}`,
    (o) => promises.create_connection(['localhost', 1], o),
  ],
  [
    'promises.create_server',
    `family, backlog, reuse_port, dualstack_ipv6, ${WAIT}`,
    (o) => promises.create_server(ADDRESS, o),
  ],
  ['makefile of promises', FILE, (o) => a.makefile('r', null, o)],
  ['makefile of promises, behind the mode', FILE, (o) => a.makefile('r', o)],
  ['makefile of promises, alone', FILE, (o) => a.makefile(o)],
  ['makefile of promises, binary', FILE, (o) => a.makefile('rb', 0, o)],
  ['reconfigure of promises', `${TEXT}, line_buffering, write_through`, (o) => text.reconfigure(o)],
  ...(
    [
      ['accept', (o) => a.accept(o)],
      ['bind', (o) => a.bind('path', o)],
      ['connect', (o) => a.connect('path', o)],
      ['connect_ex', (o) => a.connect_ex('path', o)],
      ['shutdown', (o) => a.shutdown(socket.SHUT_WR, o)],
      ['recv', (o) => a.recv(1, o)],
      ['recv behind flags', (o) => a.recv(1, 0, o)],
      ['recvfrom', (o) => a.recvfrom(1, o)],
      ['recv_into', (o) => a.recv_into(buffer, o)],
      ['recv_into behind all', (o) => a.recv_into(buffer, 0, 0, o)],
      ['recvfrom_into', (o) => a.recvfrom_into(buffer, o)],
      ['recv_exactly', (o) => a.recv_exactly(1, o)],
      ['recvmsg', (o) => a.recvmsg(1, o)],
      ['recvmsg_into', (o) => a.recvmsg_into([buffer], o)],
      ['recvmmsg', (o) => a.recvmmsg(1, 8, o)],
      ['recvmmsg_into', (o) => a.recvmmsg_into(batch, o)],
      ['send', (o) => a.send('x', o)],
      ['sendall', (o) => a.sendall('x', 0, o)],
      ['sendto', (o) => a.sendto('x', 'path', o)],
      ['sendmsg', (o) => a.sendmsg(['x'], o)],
      ['sendmmsg', (o) => a.sendmmsg([[['x']]], o)],
      ['sendmsg_afalg', (o) => a.sendmsg_afalg(null, { op: 1 }, o)],
      ['sendfile', (o) => a.sendfile(0, o)],
      ['send_fds', (o) => promises.send_fds(a, ['x'], [0], o)],
      ['recv_fds', (o) => promises.recv_fds(a, 1, 1, o)],
      ['getaddrinfo', (o) => promises.getaddrinfo('localhost', 80, o)],
      ['getnameinfo', (o) => promises.getnameinfo(['127.0.0.1', 80], 0, o)],
      ['gethostbyname', (o) => promises.gethostbyname('localhost', o)],
      ['gethostbyname_ex', (o) => promises.gethostbyname_ex('localhost', o)],
      ['gethostbyaddr', (o) => promises.gethostbyaddr('127.0.0.1', o)],
      ['getfqdn', (o) => promises.getfqdn('localhost', o)],
      ['getservbyname', (o) => promises.getservbyname('http', o)],
      ['getservbyport', (o) => promises.getservbyport(80, o)],
      ['getprotobyname', (o) => promises.getprotobyname('tcp', o)],
      ['read', (o) => text.read(1, o)],
      ['readline', (o) => text.readline(o)],
      ['write', (o) => text.write('x', o)],
      ['flush', (o) => text.flush(o)],
      ['reconfigure', (o) => text.reconfigure({}, o)],
      ['detach', (o) => text.detach(o)],
      ['read of bytes', (o) => binary.read(1, o)],
      ['read1', (o) => binary.read1(o)],
      ['readinto', (o) => binary.readinto(buffer, o)],
      ['readinto1', (o) => binary.readinto1(buffer, o)],
      ['readline of bytes', (o) => binary.readline(o)],
      ['peek', (o) => binary.peek(o)],
      ['write of bytes', (o) => binary.write(buffer, o)],
      ['flush of bytes', (o) => binary.flush(o)],
      ['read without a buffer', (o) => raw.read(1, o)],
      ['readall', (o) => raw.readall(o)],
      ['readinto without a buffer', (o) => raw.readinto(buffer, o)],
      ['write without a buffer', (o) => raw.write(buffer, o)],
      ['flush without a buffer', (o) => raw.flush(o)],
    ] satisfies [string, (options: never) => unknown][]
  ).map(([name, call]): Row => [`promises: ${name}`, WAIT, call]),
];

/** What the call throws, or its promise rejects with. */
async function error_of(call: () => unknown): Promise<unknown> {
  try {
    return await call();
  } catch (error) {
    return error;
  }
}

describe('an option that there is not', () => {
  test.each(rows)('%s', async (_name, names, call) => {
    const message = `unknown option "timout"; known: ${names}`;
    expect(await error_of(() => call({ timout: 1 } as never))).toEqual(new TypeError(message));
  });
});

describe('options that are no object', () => {
  // In the others something else may stand there.
  const last = rows.filter(
    ([name]) => !/^promises: |^promises.create_connection|in place|behind|alone/.test(name),
  );
  test.each(last)('%s', async (_name, names, call) => {
    for (const wrong of ['text', 5, []]) {
      const error = await error_of(() => call(wrong as never));
      expect(error).toBeInstanceOf(TypeError);
      expect(String(error)).toMatch(
        `options must be an object with ${names.replace(/, (\w+)$/, ' or $1')}, not `,
      );
    }
  });
});

test('parse takes a packet of a capture as it is', () => {
  const captured = { data: buffer, linktype: packet.LINKTYPE_RAW, length: 8, section: 0, time_ns: 0n };
  expect(packet.parse(captured.data, captured).truncated).toBe(false);
});

test('of sendmsg_afalg', (ctx) => {
  let sock: socket.socket<38>;
  try {
    sock = socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET);
  } catch (error) {
    return ctx.skip(`needs AF_ALG: ${error}`);
  }
  const options = { op: socket.ALG_OP_ENCRYPT, vector: 'x' };
  const unknown = new TypeError('unknown option "vector"; known: op, iv, assoclen, flags');
  expect(() => sock.sendmsg_afalg(null, options)).toThrow(unknown);
  expect(() => sock.sendmsg_afalg(options)).toThrow(unknown);
  sock.close();
});

test('what is undefined counts as left out, whatever its name', async () => {
  socket.create_server(ADDRESS, { backlog: undefined, bcklog: undefined } as object).close();
  (
    await promises.create_server(ADDRESS, { family: undefined, timeout: undefined, signal: undefined })
  ).close();
  await expect(a.recv(1, { timeout: 0, signal: undefined })).rejects.toThrow(promises.BlockingIOError);
});

test('every option that there is', async () => {
  const all = { family: socket.AF_INET6, backlog: 1, reuse_port: true, dualstack_ipv6: false };
  socket.create_server(['::1', 0], all).close();
  const listener = await promises.create_server(['::1', 0], { ...all, signal: null, timeout: 1 });
  const options = { all_errors: true, happy_eyeballs_delay: 0.1 };
  const address = listener.getsockname() as [string, number];
  socket.create_connection(address, 1, null, options).close();
  (await promises.create_connection(address, { ...options, signal: null, timeout: 1 })).close();
  listener.close();
  const every = new TCPServer(ADDRESS, BaseRequestHandler, {
    bind_and_activate: true,
    allow_reuse_address: true,
    allow_reuse_port: true,
    request_queue_size: 1,
    family: socket.AF_INET,
    dualstack_ipv6: false,
    max_threads: 1,
    max_children: 1,
    max_handlers: null,
    worker_data: 1,
    handler_timeout: null,
    request_context: true,
    max_connections_per_address: 1,
    max_rate_per_address: 1,
    max_rate: { per_second: 1, burst: 1 },
    address_prefix: { ipv4: 32, ipv6: 64 },
    refusal: 'no',
    idle_timeout: null,
  });
  await every.shutdown({ drain: 0 });
  await every.server_close();
});

test('a signal, or its controller, in place of { signal } is not taken for options', async () => {
  const aborter = new AbortController();
  await expect(a.recv(1, aborter.signal as object)).rejects.toThrow(/^unknown option /);
  await expect(a.recv(1, 0, aborter as never)).rejects.toThrow(/^unknown option /);
});
