// The class and the functions that make sockets, where Python has nothing to compare with or the comparison is elsewhere
// (test/conformance): construction, closing, options, deadlines, progress in errors.
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants as fs_constants,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as socket from 'bsd-sockets/socket';
import { describe, expect, test } from 'vitest';
import { long_bits, read_u64, slowness } from '../../machine.js';

describe('construction', () => {
  test('with and without new, and as a base class', () => {
    using a = socket.socket();
    using b = new socket.socket(socket.AF_INET6, socket.SOCK_DGRAM);
    class Mine extends socket.socket<typeof socket.AF_UNIX> {
      constructor(readonly label: string) {
        super(socket.AF_UNIX);
      }
    }
    using c = new Mine('mine');
    expect([a.family, a.type, a.proto]).toEqual([socket.AF_INET, socket.SOCK_STREAM, 0]);
    expect([b.family, b.type]).toEqual([socket.AF_INET6, socket.SOCK_DGRAM]);
    expect([c.label, c.family]).toEqual(['mine', socket.AF_UNIX]);
    for (const sock of [a, b, c]) expect(sock).toBeInstanceOf(socket.socket);
    expect(a.constructor).toBe(socket.socket);
    expect(socket.socket.name).toBe('socket');
    expect(socket.SocketType).toBe(socket.socket);
  });

  test('null and -1 stand for what is left out', () => {
    using a = socket.socket(null, null, null);
    using b = socket.socket(-1 as 2, -1, -1);
    expect([a.family, a.type, b.family, b.type]).toEqual([2, 1, 2, 1]);
  });

  test('SOCK_NONBLOCK and SOCK_CLOEXEC are flags, not part of the type', () => {
    using sock = socket.socket(
      socket.AF_INET,
      socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC,
    );
    expect([sock.type, sock.gettimeout(), sock.getblocking()]).toEqual([socket.SOCK_STREAM, 0, false]);
  });

  test('a descriptor is adopted, and what is not given is found out', () => {
    const original = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM);
    using adopted = socket.socket(null, null, null, original.detach());
    expect([adopted.family, adopted.type, adopted.proto]).toEqual([
      socket.AF_INET6,
      socket.SOCK_DGRAM,
      socket.IPPROTO_UDP,
    ]);
  });

  test('descriptors are close-on-exec from birth', () => {
    const [a, b] = socket.socketpair();
    using listener = socket.create_server(['127.0.0.1', 0]);
    using client = socket.create_connection(listener.getsockname());
    const [conn] = listener.accept();
    for (const sock of [a, b, listener, client, conn, a.dup()]) {
      expect(sock.get_inheritable()).toBe(false);
      sock.set_inheritable(true);
      expect(sock.get_inheritable()).toBe(true);
      sock.close();
    }
  });
});

describe('closing', () => {
  test('using closes; closing twice is allowed', () => {
    let outer: socket.socket;
    {
      using inner = socket.socket();
      outer = inner;
    }
    expect(outer.fileno()).toBe(-1);
    outer.close();
  });

  test('a subclass that overrides close() is closed by using', () => {
    let closed = 0;
    class Mine extends socket.socket {
      override close(): void {
        closed++;
        super.close();
      }
    }
    {
      using _mine = new Mine();
    }
    expect(closed).toBe(1);
  });

  test('it is described, open and closed', () => {
    const sock = socket.create_server(['127.0.0.1', 0]);
    const [, port] = sock.getsockname();
    expect(`${sock}`).toBe(
      `<socket fd=${sock.fileno()}, family=AF_INET, type=SOCK_STREAM, proto=0, laddr=["127.0.0.1",${port}]>`,
    );
    sock.close();
    expect(`${sock}`).toContain('[closed]');
  });
});

describe('options: read, set to another value, read again', () => {
  const int_rows: [string, number, number | undefined, number | undefined, number][] = [
    ['SO_REUSEADDR', socket.SOCK_STREAM, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1],
    ['SO_REUSEPORT', socket.SOCK_STREAM, socket.SOL_SOCKET, socket.SO_REUSEPORT, 1],
    ['SO_KEEPALIVE', socket.SOCK_STREAM, socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1],
    ['SO_BROADCAST', socket.SOCK_DGRAM, socket.SOL_SOCKET, socket.SO_BROADCAST, 1],
    ['SO_PRIORITY', socket.SOCK_DGRAM, socket.SOL_SOCKET, socket.SO_PRIORITY, 3],
    ['TCP_NODELAY', socket.SOCK_STREAM, socket.IPPROTO_TCP, socket.TCP_NODELAY, 1],
    ['TCP_KEEPIDLE', socket.SOCK_STREAM, socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 33],
    ['TCP_KEEPCNT', socket.SOCK_STREAM, socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3],
    ['TCP_USER_TIMEOUT', socket.SOCK_STREAM, socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1234],
    ['TCP_QUICKACK', socket.SOCK_STREAM, socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0],
    ['IP_TTL', socket.SOCK_DGRAM, socket.IPPROTO_IP, socket.IP_TTL, 5],
    ['IP_TOS', socket.SOCK_DGRAM, socket.IPPROTO_IP, socket.IP_TOS, 16],
    ['IP_MTU_DISCOVER', socket.SOCK_DGRAM, socket.IPPROTO_IP, socket.IP_MTU_DISCOVER, 2],
    ['IP_RECVERR', socket.SOCK_DGRAM, socket.IPPROTO_IP, socket.IP_RECVERR, 1],
    ['IP_FREEBIND', socket.SOCK_DGRAM, socket.IPPROTO_IP, socket.IP_FREEBIND, 1],
    ['IP_MULTICAST_TTL', socket.SOCK_DGRAM, socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 7],
  ];
  test.each(int_rows)('%s', (_name, type, level, option, value) => {
    using sock = socket.socket(socket.AF_INET, type);
    expect(sock.getsockopt(level as number, option as number)).not.toBe(value);
    sock.setsockopt(level as number, option as number, value);
    expect(sock.getsockopt(level as number, option as number)).toBe(value);
    // The same as bytes, which are the C int.
    const bytes = sock.getsockopt(level as number, option as number, 4);
    expect(new Int32Array(new Uint8Array(bytes).buffer)[0]).toBe(value);
  });

  test('bytes, text, booleans and 8 bytes', () => {
    using sock = socket.socket();
    const linger = Buffer.alloc(8);
    new Int32Array(linger.buffer, linger.byteOffset, 2).set([1, 5]);
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger);
    expect(sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 100)).toEqual(linger);
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, true);
    expect(sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)).toBe(1);
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 'reno');
    expect(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).toString()).toMatch(/^reno\0*$/);
    // SO_MAX_PACING_RATE takes 8 bytes.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_MAX_PACING_RATE, 5_000_000_000n);
    const rate = sock.getsockopt(socket.SOL_SOCKET, socket.SO_MAX_PACING_RATE, 8);
    // The kernel keeps it as a long.
    expect(read_u64(rate)).toBe(long_bits === 64 ? 5_000_000_000n : 2n ** 32n - 1n);
  });

  test('a filter, as rows and as the text of tcpdump -ddd', () => {
    const [a, b] = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM);
    const drop = [[0x06, 0, 0, 0]] as const;
    const keep_two = '1\n6 0 0 2\n';
    b.setblocking(false);
    b.attach_filter(drop);
    a.send('dropped');
    expect(() => b.recv(100)).toThrow(socket.BlockingIOError);
    b.attach_filter(keep_two);
    a.send('cut');
    expect(b.recv(100).toString()).toBe('cu');
    b.detach_filter();
    a.send('whole');
    expect(b.recv(100).toString()).toBe('whole');
    expect(() => b.detach_filter()).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    a.close();
    b.close();
  });
});

describe('deadlines and progress', () => {
  test('a deadline that passes is a TimeoutError without errno, never early', () => {
    const [a, b] = socket.socketpair();
    a.settimeout(0.05);
    for (const call of [
      () => a.recv(1),
      () => a.recv_into(Buffer.alloc(1)),
      () => a.recvfrom(1),
      () => a.recv_exactly(5),
    ]) {
      const start = performance.now();
      let error: unknown;
      try {
        call();
      } catch (caught) {
        error = caught;
      }
      expect(error).toBeInstanceOf(socket.TimeoutError);
      expect(error).toMatchObject({ message: expect.stringContaining('timed out'), code: 'ETIMEDOUT' });
      expect(error).not.toHaveProperty('errno');
      expect(performance.now() - start).toBeGreaterThanOrEqual(49.9);
    }
    a.close();
    b.close();
  });

  // poll() says of them that there is room: the call waited for ever, and computed meanwhile.
  test('a deadline passes where the queue of a datagram socket is full', () => {
    const folder = mkdtempSync(join(tmpdir(), 'full-'));
    const receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM);
    const sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM);
    receiver.bind(join(folder, 'receiver'));
    sender.settimeout(0.3 * slowness);
    const before = process.cpuUsage();
    expect(() => {
      for (;;) sender.sendto('x', join(folder, 'receiver'));
    }).toThrow(socket.TimeoutError);
    expect(process.cpuUsage(before).user).toBeLessThan(200_000 * slowness);
    receiver.recv(1);
    expect(sender.sendto('x', join(folder, 'receiver'))).toBe(1);
    receiver.close();
    sender.close();
    rmSync(folder, { recursive: true });
  });

  test('sendall tells how much went out', () => {
    const [a, b] = socket.socketpair();
    a.settimeout(0.05);
    const data = Buffer.alloc(8 * 1024 * 1024);
    let sent = -1;
    try {
      a.sendall(data);
    } catch (error) {
      expect(error).toBeInstanceOf(socket.TimeoutError);
      sent = (error as { bytes_sent: number }).bytes_sent;
    }
    a.close();
    let received = 0;
    for (let chunk = b.recv(1 << 20); chunk.length > 0; chunk = b.recv(1 << 20)) received += chunk.length;
    expect(sent).toBeGreaterThan(0);
    expect(received).toBe(sent);
    b.close();
  });

  test('recv_exactly tells what came before the end, and before the deadline', () => {
    const [a, b] = socket.socketpair();
    a.settimeout(0.05);
    b.sendall('abc');
    expect(() => a.recv_exactly(5)).toThrow(expect.objectContaining({ partial: Buffer.from('abc') }));
    b.sendall('12345678');
    expect(a.recv_exactly(5).toString()).toBe('12345');
    b.close();
    expect(() => a.recv_exactly(5)).toThrow(socket.IncompleteReadError);
    expect(a.recv_exactly(0).length).toBe(0);
    a.close();
  });

  test('setdefaulttimeout counts for new sockets, accepted ones included', () => {
    try {
      socket.setdefaulttimeout(3);
      using listener = socket.create_server(['127.0.0.1', 0]);
      using client = socket.create_connection(listener.getsockname());
      using conn = listener.accept()[0];
      expect([listener, client, conn].map((sock) => sock.gettimeout())).toEqual([3, 3, 3]);
    } finally {
      socket.setdefaulttimeout(null);
    }
    using sock = socket.socket();
    expect(sock.gettimeout()).toBe(null);
  });
});

describe('receiving', () => {
  test('small, large and empty sizes', () => {
    const [a, b] = socket.socketpair();
    const data = Buffer.from(Array.from({ length: 200_000 }, (_, i) => i & 255));
    a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 400_000);
    a.sendall(data);
    expect(b.recv(0).length).toBe(0);
    const parts = [b.recv(1), b.recv(65_536), b.recv(65_537)];
    let length = parts.reduce((sum, part) => sum + part.length, 0);
    while (length < data.length) {
      const part = b.recv(1 << 20);
      parts.push(part);
      length += part.length;
    }
    expect(Buffer.concat(parts).equals(data)).toBe(true);
    a.close();
    expect(b.recv(10).length).toBe(0);
    b.close();
  });

  test('what was received stays as it is when more is received', () => {
    const [a, b] = socket.socketpair();
    a.send('one');
    const one = b.recv(100);
    a.send('two');
    expect([one.toString(), b.recv(100).toString(), one.toString()]).toEqual(['one', 'two', 'one']);
    a.close();
    b.close();
  });

  test('MSG_TRUNC: the true length, and never more bytes than were received', () => {
    const [a, b] = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM);
    a.send('0123456789');
    expect(b.recv_into(Buffer.alloc(4), 0, socket.MSG_TRUNC | socket.MSG_PEEK)).toBe(10);
    expect(b.recv(4, socket.MSG_TRUNC).toString()).toBe('0123');
    a.close();
    b.close();
    // On TCP the bytes are thrown away, so nothing old may show.
    using listener = socket.create_server(['127.0.0.1', 0]);
    using client = socket.create_connection(listener.getsockname());
    const [conn] = listener.accept();
    conn.sendall('secret');
    expect(client.recv(6, socket.MSG_TRUNC)).toEqual(Buffer.alloc(6));
    conn.close();
  });
});

describe('sendfile', () => {
  const path = join(mkdtempSync(join(tmpdir(), 'sendfile-')), 'file');
  const data = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) & 255));
  writeFileSync(path, data);

  function received(sock: socket.socket<number>, count: number): Buffer {
    return sock.recv_exactly(count);
  }

  function pair(): [socket.socket<1>, socket.socket<1>] {
    const [a, b] = socket.socketpair();
    a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1_000_000);
    a.settimeout(5);
    return [a, b];
  }

  test('a descriptor, whole and a part', () => {
    const fd = openSync(path, 'r');
    const [a, b] = pair();
    expect(a.sendfile(fd)).toBe(300_000);
    expect(received(b, 300_000).equals(data)).toBe(true);
    expect(a.sendfile(fd, 100, 50)).toBe(50);
    expect(received(b, 50)).toEqual(data.subarray(100, 150));
    expect(a.sendfile(fd, 300_000)).toBe(0);
    expect(a.sendfile(fd, 299_990, 100)).toBe(10);
    a.close();
    b.close();
    closeSync(fd);
  });

  test('a FileHandle, and an object whose position moves', async () => {
    const handle = await open(path);
    const [a, b] = pair();
    expect(a.sendfile(handle, 0, 10)).toBe(10);
    let position = -1;
    const file = { fileno: () => handle.fd, seek: (offset: number) => (position = offset) };
    expect(a.sendfile(file, 5, 10)).toBe(10);
    expect(position).toBe(15);
    expect(received(b, 20)).toEqual(Buffer.concat([data.subarray(0, 10), data.subarray(5, 15)]));
    a.close();
    b.close();
    await handle.close();
  });

  test('a file that sendfile(2) does not take is read and sent', () => {
    const fd = openSync('/proc/self/status', 'r');
    const [a, b] = pair();
    const sent = a.sendfile(fd);
    a.close();
    expect(sent).toBeGreaterThan(100);
    expect(b.recv(100_000).toString()).toContain('Name:');
    b.close();
    closeSync(fd);
  });

  test('a FIFO is waited for as long as the time-out allows', () => {
    const fifo = join(dirname(path), 'fifo');
    spawnSync('mkfifo', [fifo]);
    const fd = openSync(fifo, 'r+');
    const [a, b] = pair();
    a.settimeout(0.05);
    writeSync(fd, 'before the end');
    expect(() => a.sendfile(fd)).toThrow(
      expect.objectContaining({
        name: 'TimeoutError',
        code: 'ETIMEDOUT',
        syscall: 'sendfile',
        bytes_sent: 14,
      }),
    );
    expect(b.recv(100).toString()).toBe('before the end');
    writeSync(fd, 'counted, and a rest');
    expect(a.sendfile(fd, 0, 7)).toBe(7);
    expect(b.recv(100).toString()).toBe('counted');
    // Its descriptor still blocks: the flag O_NONBLOCK is its owner's.
    const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '';
    expect(Number.parseInt(flags, 8) & fs_constants.O_NONBLOCK).toBe(0);
    a.close();
    b.close();
    closeSync(fd);
  });

  test('a file of its own kind: read() gives the bytes, seek() moves before and after', () => {
    const [a, b] = pair();
    const sizes: number[] = [];
    const moves: number[] = [];
    let position = 0;
    const file = {
      read(size: number) {
        sizes.push(size);
        // Fewer bytes than asked for are no end.
        const bytes = data.subarray(position, position + Math.min(size, 1000));
        position += bytes.length;
        return bytes;
      },
      seek: (to: number) => {
        moves.push(to);
        position = to;
      },
    };
    expect(a.sendfile(file, 10, 2500)).toBe(2500);
    expect(sizes).toEqual([2500, 1500, 500]);
    expect(moves).toEqual([10, 2510]);
    expect(received(b, 2500)).toEqual(data.subarray(10, 2510));
    const { read } = file;
    position = 299_000;
    expect(a.sendfile({ read })).toBe(1000);
    expect(received(b, 1000)).toEqual(data.subarray(299_000));
    a.close();
    b.close();
  });

  test('a file of makefile(): its read() has the bytes that were read ahead, and it has no positions', () => {
    const [a, b] = pair();
    const [source, writer] = socket.socketpair();
    writer.sendall('head\nand the rest');
    writer.close();
    const file = source.makefile('rb');
    expect(file.readline().toString()).toBe('head\n');
    expect(a.sendfile(file)).toBe(12);
    expect(b.recv(100).toString()).toBe('and the rest');
    const text = source.makefile('r');
    expect(() => a.sendfile(text as never)).toThrow(new RangeError('file should be opened in binary mode'));
    for (const open of [text, file, source, a, b]) open.close();
  });

  test('misuse: a file whose read() gives no bytes, or which has no seek()', () => {
    const [a, b] = pair();
    for (const value of ['text', null, undefined, Promise.resolve(data)]) {
      const file = { read: () => value } as never;
      expect(() => a.sendfile(file)).toThrow(/^the result of file\.read\(\) must be bytes .*, not /);
    }
    expect(() => a.sendfile({ read: () => data }, 5)).toThrow(
      new TypeError('offset is 5, and file has no seek()'),
    );
    const read = () => {
      throw new Error('from read()');
    };
    expect(() => a.sendfile({ read })).toThrow('from read()');
    expect(() => a.sendfile({ fileno: () => -1, read })).toThrow(/file is closed/);
    a.close();
    b.close();
  });

  test('misuse: datagram sockets, sockets that do not block, closed ones', () => {
    using udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
    using nonblocking = socket.socket();
    nonblocking.setblocking(false);
    expect(() => udp.sendfile(0)).toThrow(/only sockets of type SOCK_STREAM/);
    expect(() => nonblocking.sendfile(0)).toThrow(/non-blocking/);
    const [a, b] = pair();
    a.close();
    b.close();
    expect(() => a.sendfile(0)).toThrow(/^\[EBADF\] sendfile\(closed socket\): /);
  });

  test('misuse: a directory, a file that is not open for reading, a closed one are told as such', async () => {
    const [a, b] = pair();
    const directory = openSync('/', 'r');
    expect(() => a.sendfile(directory)).toThrow(socket.IsADirectoryError);
    expect(() => a.sendfile(directory)).toThrow(
      expect.objectContaining({
        message: `[EISDIR] sendfile(file fd ${directory}): Is a directory`,
        errno: constants.errno.EISDIR,
        syscall: 'sendfile',
        bytes_sent: 0,
      }),
    );
    closeSync(directory);
    const written = openSync(path, 'a');
    for (const file of [written, { fileno: () => 12_345 }]) {
      const fd = typeof file === 'number' ? file : 12_345;
      expect(() => a.sendfile(file)).toThrow(
        expect.objectContaining({
          message: `[EBADF] sendfile(file fd ${fd}): Bad file descriptor; the file is closed, or not open for reading`,
          code: 'EBADF',
          bytes_sent: 0,
        }),
      );
    }
    closeSync(written);
    const handle = await open(path);
    await handle.close();
    expect(() => a.sendfile(handle)).toThrow(new RangeError('file is closed: its descriptor is -1'));
    a.close();
    b.close();
  });

  test('a file that is read and sent: bytes_sent counts all, and the position is where sending ended', () => {
    const [a, b] = socket.socketpair();
    a.settimeout(0.05);
    a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 80_000);
    // There is more to read than the socket takes. Every kernel allows buffers of this size.
    const [x, y] = socket.socketpair();
    x.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 200_000);
    x.setblocking(false);
    expect(() => x.sendall(Buffer.alloc(1_000_000))).toThrow(socket.BlockingIOError);
    let position = 0;
    const file = { fileno: () => y.fileno(), seek: (offset: number) => (position = offset) };
    let bytes_sent = 0;
    try {
      a.sendfile(file);
    } catch (error) {
      expect(error).toMatchObject({ code: 'ETIMEDOUT', syscall: 'sendfile' });
      bytes_sent = (error as socket.OSError).bytes_sent ?? 0;
    }
    a.close();
    expect(bytes_sent).toBeGreaterThan(65_536);
    expect(position).toBe(bytes_sent);
    expect(b.recv_exactly(bytes_sent).length).toBe(bytes_sent);
    expect(b.recv(1).length).toBe(0);
    for (const one of [b, x, y]) one.close();
  });
});

test('datagrams to and from changing addresses: none is mistaken for the last one', () => {
  const [a, b, c] = Array.from({ length: 3 }, () => {
    const sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
    sock.bind(['127.0.0.1', 0]);
    return sock;
  }) as [socket.socket<2>, socket.socket<2>, socket.socket<2>];
  using other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
  other.bind(['127.0.0.2', 0]);
  const to = b.getsockname();
  for (const [sender, text] of [
    [a, '1'],
    [c, '2'],
    [other, '3'],
    [a, '4'],
    [a, '5'],
  ] as const) {
    sender.sendto(text, to);
    // Another address in between, and a wrong one.
    c.sendto('elsewhere', c.getsockname());
    expect(() => sender.sendto(text, ['127.0.0.1', -1])).toThrow(RangeError);
    expect(b.recvfrom(10)).toEqual([Buffer.from(text), sender.getsockname()]);
  }
  // The array belongs to the caller, who may change it.
  const changing = a.getsockname();
  b.sendto('to a', changing);
  changing[1] = c.getsockname()[1];
  b.sendto('to c', changing);
  expect(a.recv(10).toString()).toBe('to a');
  for (const sock of [a, b, c]) sock.close();
});
