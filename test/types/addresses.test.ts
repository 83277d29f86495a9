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
  expectTypeOf<ReturnType<typeof inet.recvfrom>>().toEqualTypeOf<[Buffer, [host: string, port: number]]>();
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
