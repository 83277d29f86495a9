// The types of promises: as those of the blocking class, with { signal, timeout } behind any arguments.
import type net from 'node:net';
import * as promises from 'bsd-sockets/promises';
import { expectTypeOf, test } from 'vitest';

test('results and addresses follow from the family', async () => {
  const inet = promises.socket(promises.AF_INET, promises.SOCK_DGRAM);
  const unix = new promises.socket(promises.AF_UNIX);
  expectTypeOf(inet.getsockname()).toEqualTypeOf<[host: string, port: number]>();
  type FromInet = [data: Buffer, address: [host: string, port: number]];
  expectTypeOf(() => inet.recvfrom(1)).returns.resolves.toEqualTypeOf<FromInet>();
  expectTypeOf(() => inet.recvfrom(1, 0, { timeout: 1 })).returns.resolves.toEqualTypeOf<FromInet>();
  expectTypeOf(() => inet.recvfrom(1, { timeout: 1 })).returns.resolves.toEqualTypeOf<FromInet>();
  expectTypeOf(() => inet.recvmmsg(1, 1))
    .returns.resolves.items.toHaveProperty(3)
    .toEqualTypeOf<FromInet[1]>();
  type Inet = FromInet[1] | null;
  const { MSG_ERRQUEUE } = promises;
  expectTypeOf(
    async () => (await inet.recvmsg(1, 0, MSG_ERRQUEUE))[3],
  ).returns.resolves.toEqualTypeOf<Inet>();
  expectTypeOf(async () => (await unix.recvfrom(1))[1]).returns.resolves.toEqualTypeOf<
    string | Buffer | null
  >();
  expectTypeOf(async () => (await promises.recv_fds(unix, 1, 1))[3]).returns.resolves.toEqualTypeOf<
    string | Buffer | null
  >();
  expectTypeOf<ReturnType<typeof unix.recv>>().toEqualTypeOf<Promise<Buffer>>();
  expectTypeOf<ReturnType<typeof unix.sendall>>().toEqualTypeOf<Promise<void>>();
  expectTypeOf(unix.makefile()).toEqualTypeOf<promises.TextFile>();
  expectTypeOf(unix.makefile('rb')).toEqualTypeOf<promises.BufferedFile>();
  expectTypeOf(unix.makefile('rb', 0)).toEqualTypeOf<promises.SocketIO>();
  expectTypeOf(unix.makefile({ limit: 1000 })).toEqualTypeOf<promises.TextFile>();
  expectTypeOf(unix.makefile('rwb', { limit: 1000 })).toEqualTypeOf<promises.BufferedFile>();
  expectTypeOf(unix.makefile('w', null, { encoding: 'latin1' })).toEqualTypeOf<promises.TextFile>();
  expectTypeOf<promises.SocketFile<'r' | 'rb', null>>().toEqualTypeOf<
    promises.TextFile | promises.BufferedFile
  >();
  const wrong = [
    // @ts-expect-error an INET address is no path
    inet.bind('/tmp/path'),
    // @ts-expect-error a time-out is a number
    inet.recv(1, { timeout: '1' }),
    // @ts-expect-error flags are a number
    inet.recv(1, 'x', {}),
  ];
  await Promise.allSettled(wrong);
  inet.close();
  unix.close();
});

test('what is iterated follows from how the socket was made', async () => {
  const item = <T>(_items: AsyncIterable<T>): T | undefined => undefined;
  const make = async () => {
    const server = await promises.create_server(['127.0.0.1', 0]);
    expectTypeOf(item(server)).toEqualTypeOf<
      | [conn: promises.ConnectedSocket<typeof promises.AF_INET>, address: [host: string, port: number]]
      | undefined
    >();
    const [conn] = await server.accept();
    expectTypeOf(item(conn)).toEqualTypeOf<Buffer | undefined>();
    const client = await promises.create_connection(server.getsockname());
    expectTypeOf(item(client)).toEqualTypeOf<Buffer | undefined>();
    expectTypeOf(client.getpeername()[0]).toEqualTypeOf<string>();
    const named: promises.socket = client;
    expectTypeOf(item(named)).toEqualTypeOf<
      | [conn: promises.ConnectedSocket, address: promises.AnyReturnedAddress | null]
      | [data: Buffer, address: promises.AnyReturnedAddress | null]
      | Buffer
      | undefined
    >();
    const udp = promises.socket(promises.AF_INET, promises.SOCK_DGRAM);
    for await (const [data, address] of udp) await udp.sendto(data, address);
    const unix = promises.socket(promises.AF_UNIX, promises.SOCK_DGRAM);
    // @ts-expect-error a sender without a name cannot be answered
    for await (const [data, address] of unix) await unix.sendto(data, address);
    // @ts-expect-error a socket may listen or be connected: create_server and accept know
    for await (const [conn] of promises.socket()) conn.close();
    // Of a descriptor nothing is known.
    expectTypeOf(promises.socket(null, null, null, 3)).toEqualTypeOf<promises.socket>();
    expectTypeOf(promises.fromshare(Buffer.alloc(1))).toEqualTypeOf<promises.socket>();
  };
  expectTypeOf(make).returns.resolves.toBeVoid();
  const [stream] = promises.socketpair();
  expectTypeOf(item(stream)).toEqualTypeOf<Buffer | undefined>();
  const [either] = promises.socketpair(promises.AF_UNIX, promises.SOCK_DGRAM);
  expectTypeOf(item(either)).toEqualTypeOf<[data: Buffer, address: string | Buffer | null] | undefined>();
});

test('a stream has what a net.Socket has, but connect', () => {
  type Absent = Exclude<keyof net.Socket, keyof promises.SocketStream>;
  expectTypeOf<Absent>().toEqualTypeOf<'connect' | 'autoSelectFamilyAttemptedAddresses'>();
  type Alike =
    | 'address'
    | 'remoteAddress'
    | 'localPort'
    | 'timeout'
    | 'bytesRead'
    | 'pending'
    | 'destroySoon';
  expectTypeOf<Pick<promises.SocketStream, Alike>>().toExtend<Pick<net.Socket, Alike>>();
  const use = (sock: promises.socket) => {
    expectTypeOf(sock.disconnect({ timeout: 1 })).toEqualTypeOf<Promise<void>>();
    expectTypeOf(sock.ioctl(promises.FIONREAD)).toEqualTypeOf<number>();
    expectTypeOf(sock.to_stream().setTimeout(5, () => {})).toEqualTypeOf<promises.SocketStream>();
    // @ts-expect-error milliseconds
    sock.to_stream().setTimeout('5');
  };
  void use;
});
