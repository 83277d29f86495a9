// Descriptors that come from elsewhere, by send_fds and recv_fds or as a number: none is left behind.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import * as promises from 'bsd-sockets/promises';
import * as socket from 'bsd-sockets/socket';
import { describe, expect, it } from 'vitest';
import { is_open, open_descriptors } from '../../descriptors.js';

const { AF_UNIX, SOCK_DGRAM, SOL_SOCKET, CMSG_SPACE } = socket;

const read_ints = (bytes: Buffer) => [...new Int32Array(Uint8Array.from(bytes).buffer)];
const code = (wanted: string) => expect.objectContaining({ code: wanted });

describe('a terminated worker', () => {
  it('leaves none of the descriptors that it was receiving', async () => {
    const [a, b] = socket.socketpair(AF_UNIX, SOCK_DGRAM);
    a.settimeout(0.01);
    const before = open_descriptors();
    for (let round = 0; round < 10; round++) {
      const worker = new Worker(new URL('fixtures/receive.mjs', import.meta.url), { workerData: b.share() });
      // One that is terminated while it loads leaves what Node had open.
      await once(worker, 'message');
      const end = Date.now() + 100 + round * 5;
      while (Date.now() < end) {
        try {
          socket.send_fds(a, ['x'], [0, 0, 0]);
        } catch (error) {
          expect(error).toBeInstanceOf(socket.TimeoutError);
        }
        await new Promise(setImmediate);
      }
      await worker.terminate();
      expect(drain(b)).toBe(true);
    }
    // The listener of share() and Node's own threads come with the first worker.
    expect(open_descriptors() - before).toBeLessThan(5);
    a.close();
    b.close();
  });
});

/** Takes what is left in the queue, closing the descriptors. */
function drain(sock: socket.socket<number>): boolean {
  for (;;) {
    try {
      socket.recv_fds(sock, 8, 0, socket.MSG_DONTWAIT);
    } catch (error) {
      return error instanceof socket.BlockingIOError;
    }
  }
}

describe('send_fds, recv_fds', () => {
  it('pass descriptors with flags, and an address', () => {
    const [a, b] = socket.socketpair(AF_UNIX, SOCK_DGRAM);
    const file = openSync('/dev/null', 'r');
    const before = open_descriptors();
    expect(socket.send_fds(a, ['hello'], [file, a], socket.MSG_DONTWAIT)).toBe(5);
    const [msg, fds, flags, address] = socket.recv_fds(b, 100, 4, socket.MSG_PEEK);
    expect([msg.toString(), fds.length, flags, address]).toEqual(['hello', 2, 0, null]);
    fds.forEach(socket.close);
    expect(socket.recv_fds(b, 100, 4)[1]).toHaveLength(2);
    expect(open_descriptors()).toBe(before + 2);
    const name = Buffer.from(`\0bsd-sockets-${process.pid}-fds`);
    using to = new socket.socket(AF_UNIX, SOCK_DGRAM);
    to.bind(name);
    using from = new socket.socket(AF_UNIX, SOCK_DGRAM);
    socket.send_fds(from, ['x'], [file], 0, name);
    const passed = socket.recv_fds(to, 1, 1);
    expect(passed[1]).toHaveLength(1);
    passed[1].forEach(socket.close);
    closeSync(file);
    a.close();
    b.close();
  });

  it('close what is beyond maxfds', () => {
    const [a, b] = socket.socketpair();
    b.setsockopt(SOL_SOCKET, socket.SO_PASSCRED, 1);
    const before = open_descriptors();
    for (const maxfds of [0, 1, 2, 3, 253, 1_000_000]) {
      socket.send_fds(a, ['x'], [0, 1, 2]);
      const [, fds, flags] = socket.recv_fds(b, 1, maxfds);
      expect(fds).toHaveLength(Math.min(maxfds, 3));
      expect((flags & socket.MSG_CTRUNC) !== 0).toBe(maxfds < 3);
      fds.forEach(socket.close);
    }
    expect(open_descriptors()).toBe(before);
    a.close();
    b.close();
  });

  it('close a pidfd that came along', (ctx) => {
    const [a, b] = socket.socketpair();
    if (socket.SO_PASSPIDFD === undefined) ctx.skip('no SO_PASSPIDFD in the headers');
    try {
      b.setsockopt(SOL_SOCKET, socket.SO_PASSPIDFD, 1);
    } catch {
      ctx.skip('the kernel has no SO_PASSPIDFD');
    }
    const before = open_descriptors();
    socket.send_fds(a, ['x'], [0]);
    const [, fds] = socket.recv_fds(b, 1, 10);
    expect(fds).toHaveLength(1);
    expect(open_descriptors()).toBe(before + 1);
    fds.forEach(socket.close);
    a.send('y');
    const [, ancdata] = b.recvmsg(1, CMSG_SPACE(4));
    const [pidfd] = read_ints(ancdata[0]?.[2] as Buffer);
    expect(open_descriptors()).toBe(before + 1);
    socket.close(pidfd as number);
    a.close();
    b.close();
  });

  it('refuse what is wrong', () => {
    const [a, b] = socket.socketpair();
    const untyped = socket as unknown as Record<string, (...args: unknown[]) => unknown>;
    expect(() => untyped.send_fds?.(3, ['x'], [])).toThrow(/sock must be a socket/);
    expect(() => untyped.send_fds?.(a, ['x'], 3)).toThrow(/fds must be an array/);
    expect(() => untyped.send_fds?.(a, ['x'], ['3'])).toThrow(/fds\[0\] must be an integer/);
    expect(() => untyped.recv_fds?.(a, 1, -1)).toThrow(/maxfds must be between/);
    expect(() => untyped.recv_fds?.(a, 1)).toThrow(/maxfds must be an integer/);
    expect(() => untyped.recv_fds?.({}, 1, 1)).toThrow(/sock must be a socket/);
    expect(() => socket.send_fds(a, ['x'], Array(254).fill(0))).toThrow(code('EINVAL'));
    a.close();
    expect(() => socket.send_fds(b, ['x'], [0])).toThrow(code('EPIPE'));
    b.close();
  });
});

type Kind = [family: number | null, type: number | null, proto: number | null];
describe.each([
  [
    'blocking',
    socket,
    ([family, type, proto]: Kind, fd: number) => new socket.socket(family, type, proto, fd),
  ],
  [
    'promises',
    promises,
    ([family, type, proto]: Kind, fd: number) => new promises.socket(family, type, proto, fd),
  ],
] as const)('a number that is no socket: %s', (_kind, module, make) => {
  it('is ENOTSOCK, EBADF, or "negative file descriptor"; the number stays its owner\'s, and none leaks', () => {
    const file = openSync('/dev/null', 'r');
    const before = open_descriptors();
    const kinds: Kind[] = [
      [null, null, null],
      [module.AF_INET, null, 0],
      [module.AF_INET, module.SOCK_STREAM, 0],
    ];
    for (const kind of kinds) {
      const adopt = (fd: number) => () => make(kind, fd);
      expect(adopt(file)).toThrow(`[ENOTSOCK] socket(fileno=${file}): Socket operation on non-socket; `);
      expect(adopt(9999)).toThrow('[EBADF] socket(fileno=9999): Bad file descriptor');
      for (const fd of [-1, -5, -(2 ** 31)])
        expect(adopt(fd)).toThrow(new RangeError(`negative file descriptor: fileno is ${fd}`));
      for (const fd of [1.5, '3', {}, 2 ** 31] as number[]) expect(adopt(fd)).toThrow(/^fileno must be /);
    }
    expect(() => module.fromfd(file, module.AF_INET, module.SOCK_STREAM)).toThrow(/^\[ENOTSOCK\]/);
    expect(() => module.fromfd(file, 'x' as never, module.SOCK_STREAM)).toThrow(/^family must be /);
    expect(() => module.fromfd(-1, module.AF_INET, module.SOCK_STREAM)).toThrow(/^\[EBADF\] dup/);
    expect([is_open(file), open_descriptors()]).toEqual([true, before]);
    closeSync(file);
  });
});

describe('a descriptor is closed, if the socket for it cannot be made', () => {
  class Picky extends socket.socket<number> {
    constructor(family?: number, type?: number, proto?: number, fileno?: number) {
      if (fileno !== undefined) throw new RangeError('no descriptors');
      super(family, type, proto);
    }
  }
  const untyped = (value: unknown) => value as never;

  it.each<[string, (sock: socket.socket<number>) => unknown]>([
    ['fromfd with a wrong family', (sock) => socket.fromfd(sock.fileno(), untyped('AF_UNIX'), 1)],
    ['fromfd with a wrong type', (sock) => socket.fromfd(sock.fileno(), AF_UNIX, untyped({}))],
    ['fromfd with a wrong protocol', (sock) => socket.fromfd(sock.fileno(), AF_UNIX, 1, 2 ** 40)],
    ['fromfd of promises', (sock) => promises.fromfd(sock.fileno(), untyped('AF_UNIX'), 1)],
    ['dup of a class whose constructor throws', () => new Picky(AF_UNIX, SOCK_DGRAM).dup()],
  ])('%s', (_name, make) => {
    const [a, b] = socket.socketpair();
    const before = open_descriptors();
    let error: unknown;
    try {
      make(a);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(Error);
    // The socket of the class itself is still open.
    expect(open_descriptors() - before).toBe(String(error).includes('no descriptors') ? 1 : 0);
    a.close();
    b.close();
  });

  it('from_node of a stream that is no socket', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'bsd-'));
    const path = join(directory, 'fifo');
    execFileSync('mkfifo', [path]);
    const stream = new net.Socket({
      fd: openSync(path, constants.O_RDWR | constants.O_NONBLOCK),
      readable: true,
    });
    stream.pause();
    const before = open_descriptors();
    expect(() => socket.from_node(stream)).toThrow(code('ENOTSOCK'));
    expect(open_descriptors()).toBe(before);
    stream.destroy();
    rmSync(directory, { recursive: true });
  });
});
