// What must and what must not compile: the address follows from the family. The checks are the compiler's (`tsc` reads
// this file); an @ts-expect-error on a line that compiles is an error.
import * as promises from 'bsd-sockets/promises';
import * as socket from 'bsd-sockets/socket';
import { expect, expectTypeOf, test } from 'vitest';

test('the address of a socket follows from its family', () => {
  using inet = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
  using inet6 = socket.socket(socket.AF_INET6);
  using unix = socket.socket(socket.AF_UNIX);
  using standard = socket.socket();

  expectTypeOf(inet.getsockname()).toEqualTypeOf<[host: string, port: number]>();
  expectTypeOf(inet6.getsockname()).toEqualTypeOf<
    [host: string, port: number, flowinfo: number, scope_id: number]
  >();
  expectTypeOf(unix.getsockname()).toEqualTypeOf<string | Buffer>();
  expectTypeOf(standard.getsockname()).toEqualTypeOf<[host: string, port: number]>();
  expectTypeOf<Parameters<socket.socket<typeof socket.AF_NETLINK>['bind']>[0]>().toEqualTypeOf<
    readonly [pid: number, groups: number]
  >();

  // @ts-expect-error an INET address is no path
  expect(() => inet.bind('/tmp/path')).toThrow(TypeError);
  // @ts-expect-error a port is a number
  expect(() => inet.connect(['127.0.0.1', '80'])).toThrow(TypeError);
  // @ts-expect-error a path is no array
  expect(() => unix.bind(['127.0.0.1', 80])).toThrow(TypeError);
  // @ts-expect-error four fields at most
  expect(() => inet6.bind(['::1', 0, 0, 0, 0])).toThrow(TypeError);
});

test('the sender is null where there may be none', () => {
  const { AF_INET, AF_UNIX, SOCK_DGRAM, SOCK_STREAM, MSG_ERRQUEUE, MSG_PEEK, MSG_TRUNC } = socket;
  const udp = (sock: socket.socket<typeof AF_INET, typeof SOCK_DGRAM>, any_flags: number) => {
    expectTypeOf(sock.recvfrom(10)).toEqualTypeOf<[data: Buffer, address: [host: string, port: number]]>();
    expectTypeOf(sock.recvfrom(10, MSG_PEEK)[1]).toEqualTypeOf<[host: string, port: number]>();
    expectTypeOf(sock.recvmsg(10)[3]).toEqualTypeOf<[host: string, port: number]>();
    expectTypeOf(sock.recvmmsg(8, 10)).items.toHaveProperty(3).toEqualTypeOf<[host: string, port: number]>();
    expectTypeOf(sock.recvmsg(10, 0, MSG_ERRQUEUE)[3]).toEqualTypeOf<[host: string, port: number] | null>();
    expectTypeOf(sock.recvmsg(10, 0, any_flags)[3]).toEqualTypeOf<[host: string, port: number] | null>();
    // A sum of flags is a number, which may have MSG_ERRQUEUE in it.
    expectTypeOf(sock.recvfrom(10, MSG_PEEK | MSG_TRUNC)[1]).toEqualTypeOf<
      [host: string, port: number] | null
    >();
    sock.sendto('answer', sock.recvfrom(10)[1]);
  };
  const unix = (sock: socket.socket<typeof AF_UNIX, typeof SOCK_DGRAM>) => {
    expectTypeOf(sock.recvfrom(10)[1]).toEqualTypeOf<string | Buffer | null>();
    expectTypeOf(sock.recvfrom_into(Buffer.alloc(1))[1]).toEqualTypeOf<string | Buffer | null>();
    expectTypeOf(sock.recvmsg_into([])[3]).toEqualTypeOf<string | Buffer | null>();
    expectTypeOf(socket.recv_fds(sock, 1, 1)[3]).toEqualTypeOf<string | Buffer | null>();
    expectTypeOf(sock.getsockname()).toEqualTypeOf<string | Buffer>();
    expectTypeOf(sock.accept()[1]).toEqualTypeOf<string | Buffer>();
    // @ts-expect-error a sender without a name cannot be answered
    sock.sendto('answer', sock.recvfrom(10)[1]);
  };
  const tcp = (sock: socket.socket<typeof AF_INET, typeof SOCK_STREAM>) => {
    expectTypeOf(sock.recvfrom(10)[1]).toEqualTypeOf<[host: string, port: number] | null>();
    // @ts-expect-error TCP names no sender
    sock.recvfrom(10)[1].length;
  };
  const batches = (
    of_udp: socket.MessageBatch<typeof AF_INET, typeof SOCK_DGRAM>,
    of_unix: socket.MessageBatch<typeof AF_UNIX>,
  ) => {
    expectTypeOf(of_udp.address(0)).toEqualTypeOf<[host: string, port: number]>();
    expectTypeOf(of_unix.address(0)).toEqualTypeOf<string | Buffer | null>();
    expectTypeOf(new socket.MessageBatch(1, 1).address(0)).toEqualTypeOf<socket.AnyReturnedAddress | null>();
  };
  const alg = (sock: socket.socket<typeof socket.AF_ALG>) =>
    expectTypeOf(sock.accept()[1]).toExtend<readonly unknown[] | null>();
  const sniffer = (sock: socket.socket<typeof socket.AF_PACKET>) =>
    expectTypeOf(sock.recvfrom(10)[1][0]).toEqualTypeOf<string>();
  for (const checked of [udp, unix, tcp, batches, alg, sniffer]) expectTypeOf(checked).toBeFunction();
});

test('what makes sockets tells their family', () => {
  type Name = [host: string, port: number];
  type Name6 = [host: string, port: number, flowinfo: number, scope_id: number];
  const { AF_INET6, SOCK_STREAM, create_connection, create_server } = socket;
  const make = (fd: number, data: Buffer, family: number) => {
    const server = create_server(['127.0.0.1', 0]);
    expectTypeOf(server.getsockname()).toEqualTypeOf<Name>();
    expectTypeOf(server.accept()[0].getpeername()).toEqualTypeOf<Name>();
    expectTypeOf(server.accept()[1]).toEqualTypeOf<Name>();
    const server6 = create_server(['::1', 0], { family: AF_INET6, dualstack_ipv6: true });
    expectTypeOf(server6.accept()[1]).toEqualTypeOf<Name6>();
    expectTypeOf(
      create_server(['x', 0], { family }).getsockname(),
    ).toEqualTypeOf<socket.AnyReturnedAddress>();
    // Only the resolver knows which of the two a host has.
    const conn = create_connection(server.getsockname());
    expectTypeOf(conn.getpeername()).toEqualTypeOf<Name | Name6>();
    expectTypeOf(conn.getsockname()[1]).toEqualTypeOf<number>();
    expectTypeOf(conn.family).toEqualTypeOf<2 | 10>();
    conn.connect(conn.getpeername());
    for (const [found, type, proto, , address] of socket.getaddrinfo('localhost', 80)) {
      if (found === AF_INET6) expectTypeOf(address).toEqualTypeOf<Name6>();
      socket.socket(found, type, proto).connect(address);
    }
    // Of a descriptor nothing is known.
    const any_socket = socket.socket(null, null, null, fd);
    expectTypeOf(any_socket).toEqualTypeOf<socket.socket>();
    expectTypeOf(new socket.socket(null, null, null, fd)).toEqualTypeOf<socket.socket>();
    expectTypeOf(socket.fromshare(data)).toEqualTypeOf<socket.socket>();
    expectTypeOf(any_socket.getsockname()).toEqualTypeOf<socket.AnyReturnedAddress>();
    expectTypeOf(any_socket.accept()[1]).toEqualTypeOf<socket.AnyReturnedAddress | null>();
    expectTypeOf(socket.socket(AF_INET6, null, null, fd).getsockname()).toEqualTypeOf<Name6>();
    expectTypeOf(socket.fromfd(fd, AF_INET6, SOCK_STREAM).getsockname()).toEqualTypeOf<Name6>();
    const wrong = [
      // @ts-expect-error not one of all addresses has this
      () => any_socket.getsockname().nonsense,
      // @ts-expect-error nor this one
      () => conn.getpeername()[0].nonsense,
      // @ts-expect-error a path is no address of AF_INET
      () => create_server('/tmp/path'),
      // @ts-expect-error four fields are of AF_INET6
      () => create_server(['::1', 0, 0, 0]),
      // @ts-expect-error a host and a port
      () => create_connection('127.0.0.1:80'),
    ];
    expectTypeOf(wrong).toBeArray();
    // instanceof tells a socket from other values, and nothing of its family.
    const value: unknown = conn;
    if (value instanceof socket.socket) expectTypeOf(value).toEqualTypeOf<socket.socket>();
  };
  expectTypeOf(make).toBeFunction();
});

test('options: a number, or bytes where a length is given', () => {
  using sock = socket.socket();
  expectTypeOf(sock.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)).toEqualTypeOf<number>();
  expectTypeOf(sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)).toEqualTypeOf<Buffer>();
  // @ts-expect-error null needs a length
  expect(() => sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, null)).toThrow(TypeError);
});

test('a subclass keeps the family', () => {
  class Mine extends socket.socket<typeof socket.AF_UNIX> {}
  using mine = new Mine(socket.AF_UNIX);
  expectTypeOf(mine.getsockname()).toEqualTypeOf<string | Buffer>();
  expectTypeOf(mine.family).toEqualTypeOf<1>();
});

test('socket is called with and without new, with the same arguments, blocking and of promises', () => {
  expectTypeOf(() => socket.socket()).returns.toEqualTypeOf<socket.socket<typeof socket.AF_INET>>();
  expectTypeOf(() => new socket.socket()).returns.toEqualTypeOf<socket.socket<typeof socket.AF_INET>>();
  expectTypeOf(() => new promises.socket(1)).returns.toEqualTypeOf<promises.socket<1>>();
  expectTypeOf(() => promises.socket(1)).returns.toEqualTypeOf<promises.socket<1>>();
  expectTypeOf(() => socket.socket(null, null, null, 3)).returns.toHaveProperty('fileno');
  // @ts-expect-error a family is a number
  expect(() => socket.socket('AF_INET')).toThrow(TypeError);
  // @ts-expect-error a family is a number
  expect(() => new promises.socket('AF_INET')).toThrow(TypeError);
  const [a] = socket.socketpair();
  expectTypeOf(() => a.makefile({ encoding: 'latin1' })).returns.toEqualTypeOf<socket.TextIOWrapper>();
  expectTypeOf(() => a.makefile('rb', { limit: 5 })).returns.toEqualTypeOf<socket.BufferedReader>();
  expectTypeOf(() => a.makefile('wb', 0, { limit: 5 })).returns.toEqualTypeOf<socket.SocketIO>();
  // @ts-expect-error options are given once
  expect(() => a.makefile('r', {}, {})).toThrow(/^buffering must be an integer, not an object of Object/);
  // @ts-expect-error an unknown option
  expect(() => a.makefile('r', { encodin: 'x' })).toThrow(
    /^unknown option "encodin"; known: encoding, errors, /,
  );
  // @ts-expect-error options come last
  expect(() => a.makefile({}, 'r')).toThrow(/^mode must be a string, not an object/);
  expectTypeOf(() =>
    socket.create_connection(['h', 1], { all_errors: true }),
  ).returns.toExtend<socket.socket>();
  expectTypeOf(() =>
    socket.create_connection(['h', 1], 5, { all_errors: true }),
  ).returns.toExtend<socket.socket>();
  // @ts-expect-error options are given once
  expect(() => socket.create_connection(['h', 1], {}, {})).toThrow(/^timeout must be a number of seconds/);
  a.close();
  // @ts-expect-error there are four arguments
  expectTypeOf(() => promises.socket(2, 1, 0, null, 5)).toBeFunction();
});
