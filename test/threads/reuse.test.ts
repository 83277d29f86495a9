// Descriptor numbers that are closed behind the back of their sockets and given out again: the old object is refused, and never
// reads, sends to or closes what has the number now.
import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import * as promises from 'bsd-sockets/promises';
import * as selectors from 'bsd-sockets/selectors';
import * as socket from 'bsd-sockets/socket';
import { BaseRequestHandler, TCPServer } from 'bsd-sockets/socketserver';
import { expect, test } from 'vitest';
import { is_open } from '../descriptors.js';

const EBADF = expect.objectContaining({ code: 'EBADF' });

/** Makes pairs until one has the number. The other ones are closed. */
function pair_with(fd: number): [owner: socket.socket, other: socket.socket] {
  for (const made: socket.socket[] = []; ; ) {
    const [a, b] = socket.socketpair();
    if (a.fileno() === fd || b.fileno() === fd) {
      for (const sock of made) sock.close();
      return a.fileno() === fd ? [a, b] : [b, a];
    }
    made.push(a, b);
  }
}

/** The ways to close a number that the library does not see; each gets a pair, and the number of its first socket. */
const ways: [string, (fd: number) => Promise<void>][] = [
  ['fs.closeSync', async (fd) => closeSync(fd)],
  [
    'a net.Socket on the same number',
    async (fd) => {
      const stream = new net.Socket({ fd });
      await new Promise((resolve) => stream.once('close', resolve).destroy());
    },
  ],
];

test.each(ways)('%s, and the number is reused: every call is EBADF', async (_name, close) => {
  const [old, peer] = socket.socketpair();
  const file = old.makefile('rwb');
  const fd = old.fileno();
  await close(fd);
  const [owner, other] = pair_with(fd);
  other.send('for the owner');
  const calls: (() => unknown)[] = [
    () => old.recv(50),
    () => old.recv_into(Buffer.alloc(50)),
    () => old.recvmsg(50),
    () => old.recvmmsg(1, 50),
    () => old.send('x'),
    () => old.sendmsg(['x']),
    () => old.getsockname(),
    () => old.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    () => old.settimeout(1),
    () => old.dup(),
    () => old.share(),
    () => file.read1(),
    () => old.shutdown(socket.SHUT_RDWR),
  ];
  for (const call of calls) expect(call).toThrow(EBADF);
  file.write(Buffer.from('buffered'));
  expect(() => file.close()).toThrow(EBADF);
  expect(() => old.close()).toThrow(EBADF);
  expect(String(owner.recv(50))).toBe('for the owner');
  old.close();
  for (const sock of [owner, other, peer]) sock.close();
});

test('a socket of promises: what waits is refused, close() closes nothing', async () => {
  const [old, peer] = promises.socketpair();
  const fd = old.fileno();
  const waiting = old.recv(50).catch((error) => error.code);
  closeSync(fd);
  const [owner, other] = pair_with(fd);
  other.send('for the owner');
  await expect(old.send('x')).rejects.toEqual(EBADF);
  await expect(old.recv(50, { timeout: 0 })).rejects.toBeInstanceOf(Error);
  expect(() => old.close()).toThrow(EBADF);
  expect(await waiting).toMatch(/ECANCELED|EBADF/);
  expect(String(owner.recv(50))).toBe('for the owner');
  for (const sock of [owner, other, peer]) sock.close();
});

test.each(['socket', 'promises'])(
  'a read waits on a number that was closed and reused, and its old connection still reports: it takes nothing of %s',
  async (face) => {
    const [old, peer] = promises.socketpair();
    const fd = old.fileno();
    const waiting = old.recv(50).catch((error) => error.code);
    await new Promise(setImmediate);
    // Another holder keeps the connection open, and with it its place in the epoll instance.
    const holder = socket.dup(fd);
    closeSync(fd);
    const [owner, other] = pair_with(fd);
    const taker = face === 'promises' ? promises.from_socket(owner) : owner;
    other.send('for the owner');
    await peer.send('for the holder');
    const read = taker.recv(50);
    expect(String(await read)).toBe('for the owner');
    expect(await waiting).toBe('EBADF');
    expect(String(socket.socket(null, null, null, holder).recv(50))).toBe('for the holder');
    expect(() => old.close()).toThrow(EBADF);
    for (const sock of [taker, other, peer]) sock.close();
  },
);

test('the old connection reports, and the new one ends: the end is received', async () => {
  const listener = await promises.create_server(['127.0.0.1', 0]);
  const connect = async (client: promises.socket): Promise<promises.socket> => {
    await client.connect(listener.getsockname());
    return (await listener.accept())[0];
  };
  /** Lets a read wait once: from then on the socket is watched. */
  const watch = (sock: promises.socket) => expect(sock.recv(1, { timeout: 0.001 })).rejects.toThrow();
  const turn = () => new Promise((resolve) => setTimeout(resolve, 5));
  const old = promises.socket();
  const old_peer = await connect(old);
  await watch(old);
  const holder = old.dup();
  closeSync(old.fileno());
  const owner = promises.socket();
  expect(owner.fileno()).toBe(old.fileno());
  const other = await connect(owner);
  await watch(owner);
  await other.sendall('the last');
  other.shutdown(promises.SHUT_WR);
  await turn();
  await old_peer.sendall('for the holder');
  await turn();
  expect(String(await owner.recv(50))).toBe('the last');
  expect(await owner.recv(50, { timeout: 10 })).toHaveLength(0);
  expect(() => old.close()).toThrow(EBADF);
  for (const sock of [owner, other, holder, old_peer, listener]) sock.close();
});

test.each([
  ['detach', () => socket.socket(), (old) => old.detach()],
  ['from_socket', () => socket.socket(), (old) => promises.from_socket(old as socket.socket)],
  ['to_node', () => socket.socket(), (old) => old.to_node()],
  ['to_socket', () => promises.socket(), (old) => (old as promises.socket).to_socket()],
  ['to_stream', () => promises.socket(), (old) => (old as promises.socket).to_stream()],
] satisfies [
  string,
  () => socket.socket | promises.socket,
  (old: socket.socket | promises.socket) => unknown,
][])('%s does not give away the descriptor of another socket', (_name, make, give) => {
  const old = make();
  const fd = old.fileno();
  closeSync(fd);
  const [owner, other] = pair_with(fd);
  expect(() => give(old)).toThrow(EBADF);
  other.send('for the owner');
  expect(String(owner.recv(50))).toBe('for the owner');
  try {
    old.close();
  } catch (error) {
    expect(error).toEqual(EBADF);
  }
  for (const sock of [owner, other]) sock.close();
});

test('a call that is blocked when its number is reused ends with EBADF', () => {
  const path = fileURLToPath(new URL('./fixtures/reused_while_blocked.mjs', import.meta.url));
  const printed = execFileSync(process.execPath, [path], { encoding: 'utf8', timeout: 30_000 });
  expect(JSON.parse(printed)).toEqual(['EBADF', 'for the owner']);
});

test('an epoll object, and a listener', () => {
  const old = selectors.epoll();
  const fd = old.fileno();
  closeSync(fd);
  const [owner, other] = pair_with(fd);
  expect(() => old.poll(0)).toThrow(EBADF);
  expect(() => old.register(other)).toThrow(EBADF);
  old.close();
  const listener = socket.create_server(['127.0.0.1', 0]);
  closeSync(listener.fileno());
  const epoll = selectors.epoll();
  expect(epoll.fileno()).toBe(listener.fileno());
  expect(() => listener.accept()).toThrow(EBADF);
  expect(() => listener.close()).toThrow(EBADF);
  expect(is_open(epoll.fileno())).toBe(true);
  for (const resource of [owner, other, epoll]) resource.close();
});

test('the listener of a server: serving ends with an error, and closing it leaves the number open', async () => {
  const server = new TCPServer(['127.0.0.1', 0], BaseRequestHandler);
  const fd = server.socket.fileno();
  const served = server.serve_forever();
  closeSync(fd);
  const [owner, other] = pair_with(fd);
  await Promise.all([expect(served).rejects.toEqual(EBADF), server.shutdown()]);
  await server.server_close();
  expect(is_open(fd)).toBe(true);
  for (const sock of [owner, other]) sock.close();
});

test('descriptors that came by SCM_RIGHTS, by share() or dup() begin anew, too', () => {
  const [a, b] = socket.socketpair();
  const file = openSync('/dev/null', 'r');
  const makers: (() => number)[] = [
    () => {
      socket.send_fds(a, ['x'], [file]);
      return socket.recv_fds(b, 1, 1)[1][0] as number;
    },
    () => socket.fromshare(a.share()).detach(),
    () => socket.dup(file),
    () => a.dup().detach(),
    () => socket.fromfd(a.fileno(), a.family, a.type).detach(),
  ];
  for (const make of makers) {
    const old = socket.socket();
    const fd = old.fileno();
    closeSync(fd);
    const made = make();
    expect(made).toBe(fd);
    expect(() => old.close()).toThrow(EBADF);
    expect(is_open(made)).toBe(true);
    socket.close(made);
  }
  closeSync(file);
  a.close();
  b.close();
});

test('two objects on one number are both valid, until one closes it', () => {
  const [a, b] = socket.socketpair();
  const second = socket.socket(a.family, a.type, a.proto, a.fileno());
  a.send('1');
  second.send('2');
  expect(String(b.recv(2, socket.MSG_WAITALL))).toBe('12');
  second.close();
  expect(() => a.send('3')).toThrow(EBADF);
  expect(() => a.close()).toThrow(EBADF);
  b.close();
});

test.each(['socket', 'promises'])(
  'workers that adopt and close the numbers of each other: %s',
  (face) => {
    const path = fileURLToPath(new URL('./fixtures/reuse.mjs', import.meta.url));
    const seconds = process.env.LOAD_SECONDS ?? '1.5';
    const printed = execFileSync(process.execPath, [path, face, seconds], { encoding: 'utf8' });
    const [reads, foreign, refused] = JSON.parse(printed);
    expect(foreign).toBe(0);
    expect(Math.min(reads, refused)).toBeGreaterThan(0);
  },
  200_000,
);
