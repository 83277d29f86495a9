// Calls that must not wait, and the time-outs of the kernel, for the calls that Python lacks and for the fields of the errors. What
// Python has is in test/conformance/kernel_timeouts.test.ts.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import * as promises from 'bsd-sockets/promises';
import * as socket from 'bsd-sockets/socket';
import { timeval } from 'bsd-sockets/structs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { slowness } from '../../machine.js';

type Sock = socket.socket<number>;
const { AF_UNIX, SOCK_DGRAM, SOL_SOCKET, SO_RCVTIMEO, SO_SNDTIMEO, MSG_DONTWAIT } = socket;
const O_NONBLOCK = 0o4000;
const LIMIT = timeval.encode({ sec: 0, usec: 50_000 });

let a: Sock;
let b: Sock;
const opened: { close(): void }[] = [];
function keep<T extends { close(): void }>(closable: T): T {
  opened.push(closable);
  return closable;
}
beforeEach(() => {
  [a, b] = socket.socketpair();
  keep(a);
  keep(b);
});
afterEach(() => {
  for (const closable of opened.splice(0)) closable.close();
});

function fill(sock: Sock): void {
  const { timeout } = sock;
  sock.settimeout(0);
  for (const chunk of [Buffer.alloc(65_536), Buffer.alloc(1)]) {
    try {
      for (;;) sock.send(chunk);
    } catch (error) {
      expect(error).toBeInstanceOf(socket.BlockingIOError);
    }
  }
  sock.settimeout(timeout);
}

function error_of(call: () => unknown): socket.OSError {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(socket.OSError);
    return error as socket.OSError;
  }
  throw new Error('the call did not fail');
}

const WOULD_BLOCK = expect.objectContaining({ name: 'BlockingIOError', code: 'EAGAIN' });

describe.each<[string, (sock: Sock) => void]>([
  ['a blocking socket', (sock) => sock.settimeout(null)],
  ['a socket with a time-out', (sock) => sock.settimeout(60)],
  [
    'a blocking socket that a duplicate made non-blocking',
    (sock) => {
      keep(sock.dup()).setblocking(false);
    },
  ],
  [
    'a socket with a time-out that a duplicate made blocking',
    (sock) => {
      sock.settimeout(60);
      keep(sock.dup()).setblocking(true);
    },
  ],
])('MSG_DONTWAIT on %s never waits', (_name, prepare) => {
  test.each<[string, (sock: Sock) => unknown]>([
    ['recv', (sock) => sock.recv(1, MSG_DONTWAIT)],
    ['recv of much', (sock) => sock.recv(1 << 20, MSG_DONTWAIT)],
    ['recvfrom', (sock) => sock.recvfrom(1, MSG_DONTWAIT)],
    ['recv_into', (sock) => sock.recv_into(Buffer.alloc(1), 0, MSG_DONTWAIT)],
    ['recvfrom_into', (sock) => sock.recvfrom_into(Buffer.alloc(1), 0, MSG_DONTWAIT)],
    ['recvmsg', (sock) => sock.recvmsg(1, 0, MSG_DONTWAIT)],
    ['recvmsg_into', (sock) => sock.recvmsg_into([Buffer.alloc(1)], 0, MSG_DONTWAIT)],
    ['recvmmsg', (sock) => sock.recvmmsg(1, 1, 0, MSG_DONTWAIT)],
    ['recvmmsg_into', (sock) => sock.recvmmsg_into(new socket.MessageBatch(1, 1), MSG_DONTWAIT)],
    ['recv_fds', (sock) => socket.recv_fds(sock, 1, 1, MSG_DONTWAIT)],
    ['recv with MSG_WAITALL', (sock) => sock.recv(1, MSG_DONTWAIT | socket.MSG_WAITALL)],
    ['recv with MSG_PEEK', (sock) => sock.recv(1, MSG_DONTWAIT | socket.MSG_PEEK)],
  ])('%s', (_call, receive) => {
    prepare(a);
    expect(() => receive(a)).toThrow(WOULD_BLOCK);
    b.send('x');
    expect(() => receive(a)).not.toThrow();
  });

  test.each<[string, (sock: Sock) => unknown]>([
    ['send', (sock) => sock.send('x', MSG_DONTWAIT)],
    ['sendall', (sock) => sock.sendall('x', MSG_DONTWAIT)],
    ['sendmsg', (sock) => sock.sendmsg(['x'], [], MSG_DONTWAIT)],
    ['sendmmsg', (sock) => sock.sendmmsg([[['x']]], MSG_DONTWAIT)],
    ['sendmmsg, a flag of the message', (sock) => sock.sendmmsg([[['x'], null, MSG_DONTWAIT]])],
    ['send_fds', (sock) => socket.send_fds(sock, ['x'], [0], MSG_DONTWAIT)],
  ])('%s', (_call, send) => {
    fill(a);
    prepare(a);
    expect(() => send(a)).toThrow(WOULD_BLOCK);
  });

  test('sendto', () => {
    const receiver = keep(socket.socket(AF_UNIX, SOCK_DGRAM));
    receiver.bind('');
    const sender = keep(socket.socket(AF_UNIX, SOCK_DGRAM));
    prepare(sender);
    const send = () => sender.sendto('x', MSG_DONTWAIT, receiver.getsockname());
    expect(() => {
      for (;;) send();
    }).toThrow(WOULD_BLOCK);
  });
});

describe('the time-out of the kernel', () => {
  test('recv_exactly tells what had come', () => {
    a.setsockopt(SOL_SOCKET, SO_RCVTIMEO, LIMIT);
    b.send('ab');
    const error = error_of(() => a.recv_exactly(3));
    expect([error.name, error.code, String(error.partial)]).toEqual(['BlockingIOError', 'EAGAIN', 'ab']);
  });

  test('sendall tells how much it had sent', () => {
    a.setsockopt(SOL_SOCKET, SO_SNDTIMEO, LIMIT);
    const error = error_of(() => a.sendall(Buffer.alloc(8 << 20)));
    expect([error.name, error.code]).toEqual(['BlockingIOError', 'EAGAIN']);
    expect(error.bytes_sent).toBe(b.recv(8 << 20, socket.MSG_WAITALL | MSG_DONTWAIT).length);
  });

  test('sendfile tells how much it had sent', () => {
    const directory = mkdtempSync(join(tmpdir(), 'bsd-'));
    const path = join(directory, 'file');
    writeFileSync(path, Buffer.alloc(8 << 20));
    const file = openSync(path, 'r');
    keep({ close: () => socket.close(file) });
    a.setsockopt(SOL_SOCKET, SO_SNDTIMEO, LIMIT);
    const error = error_of(() => a.sendfile(file));
    rmSync(directory, { recursive: true });
    expect([error.name, error.code]).toEqual(['BlockingIOError', 'EAGAIN']);
    expect(error.bytes_sent).toBeGreaterThan(0);
  });

  test('sendfile keeps a time-out of the socket whose duplicate is blocking', () => {
    fill(a);
    a.settimeout(0.05);
    keep(a.dup()).setblocking(true);
    const file = openSync(process.execPath, 'r');
    keep({ close: () => socket.close(file) });
    const error = error_of(() => a.sendfile(file));
    expect([error.name, error.bytes_sent]).toEqual(['TimeoutError', 0]);
  });

  test.each<[string, (sock: Sock) => unknown]>([
    ['recv', (sock) => sock.recv(1)],
    ['recvmsg', (sock) => sock.recvmsg(1)],
    ['recvmmsg', (sock) => sock.recvmmsg(1, 1)],
  ])('%s keeps it, also if a duplicate made the socket non-blocking', (_name, receive) => {
    a.setsockopt(SOL_SOCKET, SO_RCVTIMEO, LIMIT);
    expect(() => receive(a)).toThrow(WOULD_BLOCK);
    keep(a.dup()).setblocking(false);
    expect(() => receive(a)).toThrow(WOULD_BLOCK);
  });

  test.each<[string, (sock: Sock) => unknown]>([
    ['send', (sock) => sock.send('x')],
    ['sendmsg', (sock) => sock.sendmsg(['x'])],
  ])('%s keeps it, also if a duplicate made the socket non-blocking', (_name, send) => {
    fill(a);
    a.setsockopt(SOL_SOCKET, SO_SNDTIMEO, LIMIT);
    expect(() => send(a)).toThrow(WOULD_BLOCK);
    keep(a.dup()).setblocking(false);
    expect(() => send(a)).toThrow(WOULD_BLOCK);
  });

  test('connect keeps it, also if a duplicate made the socket non-blocking', () => {
    const silent = keep(socket.create_server(['127.0.0.1', 0], { backlog: 0 }));
    for (let i = 0; i < 3; i++) {
      const filler = keep(socket.socket());
      filler.setblocking(false);
      filler.connect_ex(silent.getsockname());
    }
    const sock = keep(socket.socket());
    sock.setsockopt(SOL_SOCKET, SO_SNDTIMEO, LIMIT);
    keep(sock.dup()).setblocking(false);
    const error = error_of(() => sock.connect(silent.getsockname()));
    expect([error.name, error.code]).toEqual(['BlockingIOError', 'EINPROGRESS']);
    expect(error.hint).toMatch(/^it goes on/);
  });

  test('a receive waits on, if a duplicate made the socket non-blocking and there is none', () => {
    keep(a.dup()).setblocking(false);
    a.settimeout(0.05);
    expect(() => a.recv(1)).toThrow(socket.TimeoutError);
  });
});

describe('the time-out of a socket whose duplicate is blocking', () => {
  /** Returns whether O_NONBLOCK is set in the description that both share. */
  const is_nonblocking = (sock: Sock): boolean => {
    const info = readFileSync(`/proc/self/fdinfo/${sock.fileno()}`, 'utf8');
    return (Number.parseInt(/flags:\s*(\d+)/.exec(info)?.[1] ?? '', 8) & O_NONBLOCK) !== 0;
  };

  test.each<[string, (sock: Sock) => unknown]>([
    ['recv', (sock) => sock.recv(1)],
    ['recvfrom', (sock) => sock.recvfrom(1)],
    ['recvmsg_into', (sock) => sock.recvmsg_into([Buffer.alloc(1)])],
    ['recvmmsg', (sock) => sock.recvmmsg(1, 1)],
    ['sendall', (sock) => sock.sendall(Buffer.alloc(8 << 20))],
  ])('%s keeps it, and leaves the flag to the duplicate', (_name, call) => {
    a.settimeout(0.05);
    keep(a.dup()).setblocking(true);
    expect(() => call(a)).toThrow(socket.TimeoutError);
    expect(is_nonblocking(a)).toBe(false);
  });

  // See SetNonBlockingForAll in native/wait.h: to clear the flag again after the call would make the calls of others wait.
  test('accept keeps it, and makes the duplicate non-blocking for good', () => {
    const listener = keep(socket.create_server(['127.0.0.1', 0]));
    const duplicate = keep(listener.dup());
    listener.settimeout(0.05);
    duplicate.setblocking(true);
    expect(() => listener.accept()).toThrow(socket.TimeoutError);
    expect(is_nonblocking(listener)).toBe(true);
    const client = keep(socket.create_connection(listener.getsockname()));
    const [conn] = listener.accept();
    keep(conn);
    client.sendall('x');
    expect(String(conn.recv(1))).toBe('x');
    expect(is_nonblocking(listener)).toBe(true);
    // The duplicate has no time-out, so it waits all the same, as does that of another process that uses this library.
    const worker = keep(socket.create_connection(listener.getsockname()));
    const [next] = duplicate.accept();
    keep(next).close();
    expect(worker.recv(1).length).toBe(0);
  });
});

describe('sendfile of what has nothing to read yet', () => {
  // Makes a pipe, a terminal or a socket pair, passes the end to read, and writes a line to the other one when it is told to.
  const program = `
import os, pty, socket, sys, tty
kind, path = sys.argv[1:]
if kind == 'pipe': to_read, to_write = os.pipe()
elif kind == 'socket': to_read, to_write = [end.detach() for end in socket.socketpair()]
else:
    to_write, to_read = pty.openpty()
    tty.setraw(to_read)
peer = socket.socket(socket.AF_UNIX)
peer.connect(path)
socket.send_fds(peer, [b'.'], [to_read])
os.close(to_read)
while peer.recv(1): os.write(to_write, b'a line\\n')
`;

  const missing = spawnSync('python3', ['--version']).status !== 0;
  beforeEach((ctx) => ctx.skip(missing, 'needs python3'));

  test.each(['pipe', 'terminal', 'socket'])('%s: as long as the time-out allows', (kind) => {
    const directory = mkdtempSync(join(tmpdir(), 'bsd-'));
    keep({ close: () => rmSync(directory, { recursive: true }) });
    const listener = keep(socket.create_server(join(directory, 'socket'), { family: AF_UNIX }));
    const child = spawn('python3', ['-c', program, kind, join(directory, 'socket')], { stdio: 'inherit' });
    keep({ close: () => child.kill() });
    const [conn] = listener.accept();
    keep(conn);
    const file = socket.recv_fds(conn, 1, 1)[1][0] as number;
    keep({ close: () => socket.close(file) });
    a.settimeout(0.05);
    const error = error_of(() => a.sendfile(file));
    expect([error.name, error.bytes_sent]).toEqual(['TimeoutError', 0]);
    conn.sendall('x');
    a.settimeout(20);
    expect(a.sendfile(file, 0, 7)).toBe(7);
    expect(String(b.recv(100))).toBe('a line\n');
  });
});

describe('readiness that a call does not take', () => {
  const { AF_INET, MSG_ERRQUEUE, SHUT_RD, SHUT_RDWR, SOCK_STREAM } = socket;
  /** The time-out in s, and the ms that are less than a call computes which does not wait. */
  const [WAIT, SPIN] = [0.3 * slowness, 150 * slowness];
  const no_data = (sock: Sock) => expect(error_of(() => sock.recv(1)).code).toBe('ECONNREFUSED');

  /** A socket of datagrams with an entry in its error queue, and no other error. */
  function with_error_entry(): Sock {
    const sock = keep(new socket.socket(AF_INET, SOCK_DGRAM));
    const gone = new socket.socket(AF_INET, SOCK_DGRAM);
    gone.bind(['127.0.0.1', 0]);
    const nobody = gone.getsockname();
    gone.close();
    sock.bind(['127.0.0.1', 0]);
    sock.settimeout(WAIT);
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_RECVERR, 1);
    sock.sendto('x', nobody);
    no_data(sock);
    return sock;
  }

  /** Calls what times out after WAIT, and tells the milliseconds that the process computed. */
  function cpu_ms(call: () => unknown): number {
    const before = process.cpuUsage();
    expect(error_of(call)).toBeInstanceOf(socket.TimeoutError);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  }

  test.each<[string, (sock: Sock) => unknown]>([
    ['recv', (sock) => sock.recv(10)],
    ['recv_into', (sock) => sock.recv_into(Buffer.alloc(10))],
    ['recvfrom', (sock) => sock.recvfrom(10)],
    ['recvmsg', (sock) => sock.recvmsg(10)],
    ['recvmsg_into', (sock) => sock.recvmsg_into([Buffer.alloc(10)])],
    ['recvmmsg', (sock) => sock.recvmmsg(4, 10)],
    ['makefile', (sock) => sock.makefile('rb', 0).read(10)],
  ])('an entry in the error queue: %s waits', (_, receive) => {
    expect(cpu_ms(() => receive(with_error_entry()))).toBeLessThan(SPIN);
  });

  test('an entry in the error queue: data that comes meanwhile is received at once', async () => {
    const sock = with_error_entry();
    sock.settimeout(60);
    const worker = new Worker(
      `const { socket: s } = require('bsd-sockets');
      const { parentPort, workerData } = require('node:worker_threads');
      parentPort.once('message', () => {
        s.socket(s.AF_INET, s.SOCK_DGRAM).sendto('later', workerData);
      });
      parentPort.postMessage('');`,
      { eval: true, workerData: sock.getsockname() },
    );
    await new Promise((resolve) => worker.once('message', resolve));
    worker.postMessage('');
    expect(sock.recv(10).toString()).toBe('later');
    // The entry is still there.
    expect(sock.recvmsg(10, 1000, MSG_ERRQUEUE)[1]).not.toEqual([]);
    await worker.terminate();
  });

  test('an entry in the error queue, and no room: a send waits', () => {
    // SOF_TIMESTAMPING_TX_ACK and SOF_TIMESTAMPING_SOFTWARE
    const server = keep(socket.create_server(['127.0.0.1', 0]));
    const client = keep(socket.create_connection(server.getsockname(), 10));
    keep(server.accept()[0]);
    client.setsockopt(SOL_SOCKET, socket.SO_TIMESTAMPING, 512 | 16);
    fill(client);
    client.settimeout(WAIT);
    const data = Buffer.alloc(1 << 24);
    expect(cpu_ms(() => client.sendall(data))).toBeLessThan(SPIN);
    expect(client.recvmsg(10, 1000, MSG_ERRQUEUE)[1]).not.toEqual([]);
  });

  test('a hang-up: a receive from the error queue waits', () => {
    const sock = keep(new socket.socket(AF_INET, SOCK_STREAM));
    sock.settimeout(WAIT);
    expect(cpu_ms(() => sock.recvmsg(10, 100, MSG_ERRQUEUE))).toBeLessThan(SPIN);
  });

  test('datagrams of a socket that was shut down', () => {
    const sock = keep(new socket.socket(AF_INET, SOCK_DGRAM));
    sock.bind(['127.0.0.1', 0]);
    sock.connect(sock.getsockname());
    sock.shutdown(SHUT_RD);
    sock.settimeout(WAIT);
    expect(cpu_ms(() => sock.recv(10))).toBeLessThan(SPIN);
  });

  test.each([SHUT_RD, SHUT_RDWR])('a listener that was shut down (%i) ends accept()', async (how) => {
    const folder = mkdtempSync(join(tmpdir(), 'shut-'));
    for (const [family, address] of [
      [AF_UNIX, join(folder, 'listener')],
      [AF_INET, ['127.0.0.1', 0]],
    ] as const) {
      const listener: Sock = keep(new socket.socket(family, SOCK_STREAM));
      listener.bind(address as never);
      listener.listen();
      listener.shutdown(how);
      for (const timeout of [null, 60, 0]) {
        listener.settimeout(timeout);
        expect(error_of(() => listener.accept()).code, `${timeout}`).toBe('EINVAL');
      }
      const later = keep(promises.from_socket(listener));
      await expect(later.accept()).rejects.toMatchObject({ code: 'EINVAL' });
    }
    rmSync(folder, { recursive: true });
  });

  test('a listener that is shut down ends an accept() that waits', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'shut-'));
    const listener: Sock = keep(new socket.socket(AF_UNIX, SOCK_STREAM));
    listener.bind(join(folder, 'listener'));
    listener.listen();
    const other = keep(listener.dup());
    const later = keep(promises.from_socket(listener));
    const accepted = later.accept();
    other.shutdown(SHUT_RDWR);
    await expect(accepted).rejects.toMatchObject({ code: 'EINVAL' });
    rmSync(folder, { recursive: true });
  });
});
