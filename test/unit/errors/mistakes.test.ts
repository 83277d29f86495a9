// The mistakes of a first day: the message names the form that is right.
import { spawnSync } from 'node:child_process';
import { endianness } from 'node:os';
import { inspect } from 'node:util';
import { build, icmp, ipv4 } from 'bsd-sockets/packet';
import * as promises from 'bsd-sockets/promises';
import * as socket from 'bsd-sockets/socket';
import { AsyncTCPServer, TCPServer, ThreadingTCPServer } from 'bsd-sockets/socketserver';
import { timeval } from 'bsd-sockets/structs';
import { afterAll, describe, expect, test } from 'vitest';

const { AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, SOCK_DGRAM, SOCK_RAW, SOL_SOCKET } = socket;
const anything = (value: unknown): never => value as never;
const opened: { close(): void }[] = [];
const open = <S extends { close(): void }>(sock: S): S => {
  opened.push(sock);
  return sock;
};
const inet = open(socket.socket(AF_INET, SOCK_DGRAM));
const inet6 = open(socket.socket(AF_INET6, SOCK_DGRAM));
const unix = open(socket.socket(AF_UNIX, SOCK_DGRAM));
const netlink = open(socket.socket(AF_NETLINK, SOCK_RAW));
const later = open(promises.socket());
afterAll(() => {
  for (const sock of opened) sock.close();
});

/** Returns the message of what a call throws. */
function text_of(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing was thrown';
}

const LOCAL = ['127.0.0.1', 0] as const;
const BYTES = '(a Buffer, another view, or an ArrayBuffer)';

test.for<[what: string, message: string, make: () => unknown]>([
  ['bind(8080)', 'bind: address must be an array [host, port], not 8080', () => inet.bind(anything(8080))],
  [
    'a host with its port',
    'bind: address must be an array [host, port], not "127.0.0.1:80"',
    () => inet.bind(anything('127.0.0.1:80')),
  ],
  [
    'an object',
    'connect: address must be an array [host, port], not an object of Object',
    () => inet.connect(anything({ host: 'localhost', port: 80 })),
  ],
  [
    'the port alone',
    'connect: address must have 2 elements [host, port], not 1',
    () => inet.connect(anything([80])),
  ],
  [
    'IPv6',
    'bind: address must be an array [host, port, flowinfo?, scope_id?], not 80',
    () => inet6.bind(anything(80)),
  ],
  [
    'a forgotten await: an address',
    'bind: address must be an array [host, port], not a Promise: await is missing',
    () => inet.bind(anything(Promise.resolve(['127.0.0.1', 0]))),
  ],
  [
    'a forgotten await: bytes',
    `data must be a string or bytes ${BYTES}, not a Promise: await is missing`,
    () => inet.send(anything(Promise.resolve('x'))),
  ],
  [
    'a forgotten await: a socket',
    'sock must be a blocking socket, not a Promise: await is missing',
    () => promises.from_socket(anything(Promise.resolve(inet))),
  ],
  [
    'a forgotten await: a number',
    'bufsize must be an integer, not a Promise: await is missing',
    () => inet.recv(anything(Promise.resolve(1))),
  ],
  ['netlink', 'bind: address must be an array [pid, groups], not 0', () => netlink.bind(anything(0))],
  [
    'create_connection',
    'address must be an array [host, port], not "127.0.0.1:80"',
    () => socket.create_connection(anything('127.0.0.1:80')),
  ],
  [
    'an array for a path',
    `bind: path must be a string or bytes ${BYTES}, not an object of Array`,
    () => unix.bind(anything(['/tmp/x'])),
  ],
  ['send(123)', `data must be a string or bytes ${BYTES}, not 123`, () => inet.send(anything(123))],
  [
    'sendmsg([123])',
    `buffers[0] must be a string or bytes ${BYTES}, not 123`,
    () => inet.sendmsg(anything([123])),
  ],
  ['a string to receive into', `buffer must be bytes ${BYTES}, not "x"`, () => inet.recv_into(anything('x'))],
  [
    'Infinity as a time-out',
    'timeout must be 0 to 9223372036 seconds, not Infinity: null waits for ever',
    () => inet.settimeout(Number.POSITIVE_INFINITY),
  ],
  ['a negative time-out', 'timeout must be 0 to 9223372036 seconds, not -1', () => inet.settimeout(-1)],
  [
    'a port that is none',
    'connect: port must be between 0 and 65535, not 70000',
    () => inet.connect(['127.0.0.1', 70_000]),
  ],
  ['no host', 'connect: host must be a string, not null', () => inet.connect(anything([null, 80]))],
  [
    'options of node:net',
    'unknown option "reusePort"; known: family, backlog, reuse_port, dualstack_ipv6',
    () => socket.create_server(LOCAL, anything({ reusePort: true })),
  ],
  [
    'a time-out as an option',
    'unknown option "timeout"; known: all_errors, happy_eyeballs_delay, proxy_header',
    () => socket.create_connection(LOCAL, anything({ timeout: 5 })),
  ],
  [
    'an object for a family',
    'family must be an integer, not an object of Object',
    () => socket.socket(anything({ family: 2 })),
  ],
  ['a family of node:dgram', 'family must be an integer, not "udp4"', () => socket.socket(anything('udp4'))],
  ['recv()', 'bufsize must be an integer, not undefined', () => inet.recv(anything(undefined))],
  [
    'send({})',
    `data must be a string or bytes ${BYTES}, not an object of Object`,
    () => inet.send(anything({})),
  ],
  [
    'one array for layers',
    'layers[0] must be a layer such as ipv4({ … }), not an object of Array',
    () => build(anything([ipv4(), icmp.echo()])),
  ],
  [
    'no handler',
    'RequestHandlerClass must be a class or a function, not undefined',
    () => new TCPServer(LOCAL, anything(undefined)),
  ],
  [
    'no handler of threads',
    'RequestHandlerClass must be a class or a function, not undefined',
    () => new ThreadingTCPServer(LOCAL, anything(undefined)),
  ],
  [
    'no handler of the event loop',
    'RequestHandlerClass must be a class or a function, not undefined',
    () => new AsyncTCPServer(LOCAL, anything(undefined)),
  ],
])('%s', ([, message, make]) => {
  expect(text_of(make)).toBe(message);
});

test('IPv6 in a socket of IPv4: the error of the lookup names the address', () => {
  expect(() => inet.connect(['::1', 80])).toThrow(/^\[EAI_\w+\] getaddrinfo\("::1"/);
});

test('promises reject with the same words', async () => {
  await expect(later.connect(anything(80))).rejects.toThrow(
    new TypeError('connect: address must be an array [host, port], not 80'),
  );
  await expect(later.send(anything(1))).rejects.toThrow(
    new TypeError(`data must be a string or bytes ${BYTES}, not 1`),
  );
});

test('a number where an option takes a struct: the struct is named', () => {
  for (const option of [socket.SO_RCVTIMEO, socket.SO_SNDTIMEO]) {
    expect(() => inet.setsockopt(SOL_SOCKET, option, 5)).toThrow(
      /SO_(RCV|SND)TIMEO\): Invalid argument; .*structs\.timeval\.encode\(.*settimeout\(seconds\)/,
    );
    inet.setsockopt(SOL_SOCKET, option, timeval.encode({ sec: 5 }));
  }
  expect(() => inet.setsockopt(SOL_SOCKET, socket.SO_LINGER, 5)).toThrow(/; .*structs\.linger\.encode/);
});

describe('a socket that is closed, and one that is detached', () => {
  const closed = socket.socket();
  closed.close();
  const detached = socket.socket();
  socket.close(detached.detach());

  test('are told apart', async () => {
    expect(() => closed.recv(1)).toThrow('recv(closed socket)');
    expect(() => detached.recv(1)).toThrow('recv(detached socket)');
    expect(String(closed)).toBe('<socket [closed] family=AF_INET>');
    expect(String(detached)).toBe('<socket [detached] family=AF_INET>');
    const given = promises.from_socket(socket.socket());
    const taken = given.to_socket();
    await expect(given.recv(1)).rejects.toThrow('recv(detached socket)');
    taken.close();
    taken.close();
    expect(taken.detach()).toBe(-1);
    expect(() => taken.recv(1)).toThrow('recv(closed socket)');
  });

  test('have no object of Node.js: the call is named', () => {
    expect(() => closed.to_node()).toThrow(/^\[EBADF\] to_node\(closed socket\)/);
    expect(() => detached.to_node()).toThrow(/^\[EBADF\] to_node\(detached socket\)/);
  });
});

test('a file prints as one short line', () => {
  const [a, b] = socket.socketpair();
  for (const one of [a, b]) open(one);
  for (const [mode, buffering] of [['r'], ['rw'], ['rb'], ['rwb'], ['wb', 0]] as const) {
    const file = a.makefile(mode, buffering);
    expect(inspect(file)).toMatch(/^<\w+ fd=\d+, mode=[rwb]+(, encoding=UTF-8)?>$/);
    file.close();
  }
});

test.skipIf(endianness() === 'BE')(
  'ETH_P_ALL without htons warns once; with it, or for bind(), never',
  () => {
    const program = (...protocols: string[]) => `
    import * as socket from '${new URL('../../../dist/socket/index.mjs', import.meta.url).href}';
    const { AF_PACKET, AF_INET, SOCK_RAW, ETH_P_ALL, htons } = socket;
    process.on('warning', ({ message }) => console.log(message));
    for (const args of [${protocols}]) {
      // Without CAP_NET_RAW the socket is refused: the warning comes all the same.
      try { socket.socket(...args).close(); } catch (error) { if (!(error instanceof socket.OSError)) throw error; }
    }`;
    const warnings = (...protocols: string[]) =>
      spawnSync(process.execPath, ['--no-warnings', '--input-type=module', '-e', program(...protocols)], {
        encoding: 'utf8',
      }).stdout;
    const wrong = '[AF_PACKET, SOCK_RAW, ETH_P_ALL]';
    expect(warnings(wrong, wrong)).toMatch(
      /^socket\(AF_PACKET, …, ETH_P_ALL\) receives nothing .*htons\(ETH_P_ALL\).*\n$/,
    );
    expect(
      warnings(
        '[AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)]',
        '[AF_PACKET, SOCK_RAW, 0]',
        '[AF_INET, SOCK_RAW, 3]',
      ),
    ).toBe('');
  },
);
