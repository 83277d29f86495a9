// ioctl of sockets: what it reads and sets, the same as python3's fcntl.ioctl on the same socket; and what it refuses.
import { spawnSync } from 'node:child_process';
import * as promises from 'bsd-sockets/promises';
import { select } from 'bsd-sockets/selectors';
import * as socket from 'bsd-sockets/socket';
import { ifreq, timespec, timeval } from 'bsd-sockets/structs';
import { afterEach, describe, expect, test } from 'vitest';
import { needs_own_python } from '../../machine.js';

const { AF_INET, AF_UNIX, SOCK_DGRAM } = socket;
const anything = (value: unknown): never => value as never;

const opened: { close(): void }[] = [];
afterEach(() => {
  for (const sock of opened.splice(0)) sock.close();
});
function keep<T extends { close(): void }>(sock: T): T {
  opened.push(sock);
  return sock;
}

function tcp_pair(): [socket.socket, socket.socket] {
  const server = keep(socket.create_server(['127.0.0.1', 0]));
  const client = keep(socket.create_connection(server.getsockname(), 5));
  return [client, keep(server.accept()[0])];
}

type Row = readonly [sock: socket.socket, request: number, arg: Buffer];

/** Returns what fcntl.ioctl of python3 gives for each row, as hexadecimal text; undefined without python3. */
function in_python(rows: readonly Row[]): string[] | undefined {
  const lines = rows.map(
    ([, request, arg], i) =>
      `print(fcntl.ioctl(${3 + i}, ${request}, bytes.fromhex('${arg.toString('hex')}')).hex())`,
  );
  const { error, stdout } = spawnSync('python3', ['-c', ['import fcntl', ...lines].join('\n')], {
    stdio: ['ignore', 'pipe', 'inherit', ...rows.map(([sock]) => sock.fileno())],
    encoding: 'utf8',
  });
  return error === undefined ? stdout.trim().split('\n') : undefined;
}

describe('an int, of null', () => {
  test('FIONREAD and SIOCINQ: bytes to read', () => {
    const [a, b] = tcp_pair();
    expect(b.ioctl(socket.FIONREAD)).toBe(0);
    a.sendall('hello');
    a.sendall(' world');
    b.recv(11, socket.MSG_PEEK | socket.MSG_WAITALL);
    expect([b.ioctl(socket.FIONREAD), b.ioctl(socket.SIOCINQ, null)]).toEqual([11, 11]);
    b.recv_exactly(4);
    expect(b.ioctl(socket.FIONREAD)).toBe(7);
  });

  test('of a datagram socket: those of the next datagram', () => {
    const [a, b] = socket.socketpair(AF_UNIX, SOCK_DGRAM);
    keep(a).send('four');
    a.send('longer');
    expect(keep(b).ioctl(socket.FIONREAD)).toBe(4);
    b.recv(100);
    expect(b.ioctl(socket.FIONREAD)).toBe(6);
  });

  test('SIOCOUTQ and SIOCOUTQNSD: bytes to send', () => {
    const [a] = tcp_pair();
    a.settimeout(0);
    expect(a.ioctl(socket.SIOCOUTQ)).toBe(0);
    let sent = 0;
    try {
      for (;;) sent += a.send(Buffer.alloc(65536));
    } catch (error) {
      expect(error).toBeInstanceOf(socket.BlockingIOError);
    }
    const [unacknowledged, unsent] = [a.ioctl(socket.SIOCOUTQ), a.ioctl(socket.SIOCOUTQNSD)];
    expect(unacknowledged).toBeGreaterThan(0);
    expect(unacknowledged).toBeLessThanOrEqual(sent);
    expect(unsent).toBeLessThanOrEqual(unacknowledged);
  });

  test('SIOCATMARK: the place of urgent data', () => {
    const [a, b] = tcp_pair();
    a.sendall('abc');
    a.send('!', socket.MSG_OOB);
    select([], [], [b], 5);
    expect(b.recv_exactly(2).toString()).toBe('ab');
    expect(b.ioctl(socket.SIOCATMARK)).toBe(0);
    expect(b.recv(10).toString()).toBe('c');
    expect(b.ioctl(socket.SIOCATMARK)).toBe(1);
  });

  test('sockets of promises have it, and it is plain', async () => {
    const [a, b] = promises.socketpair();
    await keep(a).sendall('data');
    expect(keep(b).ioctl(promises.FIONREAD)).toBe(4);
  });
});

describe('bytes', () => {
  test('come back in a Buffer of the same length; those of the caller stay', () => {
    const [a, b] = socket.socketpair();
    keep(a).sendall('12345');
    const arg = Buffer.from([9, 9, 9, 9, 7, 8]);
    const result = keep(b).ioctl(socket.FIONREAD, arg);
    expect([...result]).toEqual([...Int8Array.from(new Uint8Array(Int32Array.of(5).buffer)), 7, 8]);
    expect([...arg]).toEqual([9, 9, 9, 9, 7, 8]);
    expect([...b.ioctl(socket.FIONREAD, new ArrayBuffer(4))]).toEqual([
      ...new Uint8Array(Int32Array.of(5).buffer),
    ]);
  });

  test('an int to set: SIOCSPGRP, FIOASYNC', () => {
    const sock = keep(socket.socket());
    sock.ioctl(socket.SIOCSPGRP, Int32Array.of(process.pid));
    expect(sock.ioctl(socket.SIOCGPGRP)).toBe(process.pid);
    sock.ioctl(socket.SIOCSPGRP, Int32Array.of(0));
    expect(sock.ioctl(socket.SIOCGPGRP)).toBe(0);
  });

  test('SIOCGSTAMP and SIOCGSTAMPNS: the time of the last packet', () => {
    const receiver = keep(socket.socket(AF_INET, SOCK_DGRAM));
    receiver.bind(['127.0.0.1', 0]);
    // The first call switches the stamps on.
    expect(() => receiver.ioctl(socket.SIOCGSTAMPNS, Buffer.alloc(timespec.size))).toThrow(
      /ENOENT.*no packet has come/,
    );
    const sender = keep(socket.socket(AF_INET, SOCK_DGRAM));
    sender.sendto('x', receiver.getsockname());
    receiver.recv(1);
    const stamp = timeval.decode(receiver.ioctl(socket.SIOCGSTAMP, Buffer.alloc(timeval.size)));
    const exact = timespec.decode(receiver.ioctl(socket.SIOCGSTAMPNS, Buffer.alloc(timespec.size)));
    expect(Math.abs(Number(stamp.sec) - Date.now() / 1000)).toBeLessThan(3600);
    expect([exact.sec, Math.trunc(Number(exact.nsec) / 1000)]).toEqual([stamp.sec, stamp.usec]);
  });

  test('the interface lo, by ifreq', () => {
    const sock = keep(socket.socket(AF_INET, SOCK_DGRAM));
    const ask = (request: number) => ifreq.decode(sock.ioctl(request, ifreq.encode({ name: 'lo' })));
    expect(ask(socket.SIOCGIFADDR)).toMatchObject({ name: 'lo', addr: ['127.0.0.1', 0] });
    expect(ask(socket.SIOCGIFNETMASK).netmask).toEqual(['255.0.0.0', 0]);
    expect(ask(socket.SIOCGIFMTU).mtu).toBeGreaterThan(1000);
    expect(ask(socket.SIOCGIFTXQLEN).qlen).toBeGreaterThanOrEqual(0);
    expect(ask(socket.SIOCGIFMETRIC).metric).toBe(0);
    expect(ask(socket.SIOCGIFINDEX).ifindex).toBe(socket.if_nametoindex('lo'));
    const { flags } = ask(socket.SIOCGIFFLAGS);
    expect(flags & (socket.IFF_LOOPBACK | socket.IFF_UP)).toBe(socket.IFF_LOOPBACK | socket.IFF_UP);
    expect(ask(socket.SIOCGIFHWADDR).hwaddr).toEqual({
      family: socket.ARPHRD_LOOPBACK,
      data: Buffer.alloc(14),
    });
    const by_index = ifreq.encode({ ifindex: socket.if_nametoindex('lo') });
    expect(ifreq.decode(sock.ioctl(socket.SIOCGIFNAME, by_index)).name).toBe('lo');
  });

  test('are those of fcntl.ioctl', (ctx) => {
    needs_own_python(ctx);
    const [a, b] = tcp_pair();
    a.sendall('side by side');
    b.recv(12, socket.MSG_PEEK | socket.MSG_WAITALL);
    const lo = ifreq.encode({ name: 'lo' });
    const { SIOCGIFADDR, SIOCGIFNETMASK, SIOCGIFFLAGS, SIOCGIFMTU, SIOCGIFINDEX, SIOCGIFHWADDR } = socket;
    const rows: Row[] = [
      [b, socket.FIONREAD, Buffer.from([1, 2, 3, 4])],
      [b, socket.FIONREAD, Buffer.from([1, 2, 3, 4, 5])],
      [b, socket.SIOCATMARK, Buffer.alloc(4)],
      [b, socket.SIOCOUTQ, Buffer.alloc(4)],
      ...[SIOCGIFADDR, SIOCGIFNETMASK, SIOCGIFFLAGS, SIOCGIFMTU, SIOCGIFINDEX, SIOCGIFHWADDR].map(
        (request): Row => [a, request, lo],
      ),
    ];
    const theirs = in_python(rows);
    if (theirs === undefined) ctx.skip('python3 is not installed');
    expect(rows.map(([sock, request, arg]) => sock.ioctl(request, arg).toString('hex'))).toEqual(theirs);
  });
});

describe('a number', () => {
  test('is passed as it is, as in Python: the result of the call comes back', () => {
    const sock = keep(socket.socket());
    expect(sock.ioctl(0x5451, 0)).toBe(0); // FIOCLEX
    expect(sock.get_inheritable()).toBe(false);
    expect(sock.ioctl(0x5450, 0n)).toBe(0); // FIONCLEX
    expect(sock.get_inheritable()).toBe(true);
  });

  test('is never an address that the kernel could write to', () => {
    const sock = keep(socket.socket());
    expect(() => sock.ioctl(socket.FIONREAD, 0)).toThrow(
      /^\[EFAULT\] ioctl\(fd \d+, FIONREAD\): Bad address; .*give bytes, or null for an int/,
    );
    expect(() => sock.ioctl(socket.FIONREAD, 4095)).toThrow(/EFAULT/);
    for (const address of [4096, 2 ** 31, 0x7ffff7000000, 2n ** 47n, -1])
      expect(() => sock.ioctl(socket.FIONREAD, address)).toThrow(/^arg must be between 0 and 4095/);
  });
});

describe('misuse', () => {
  const sock = socket.socket(AF_INET, SOCK_DGRAM);

  test.each<[string, RegExp, () => unknown]>([
    ['no request', /^request must be an integer, not undefined/, () => sock.ioctl(anything(undefined))],
    ['a name for a request', /^request must be an integer/, () => sock.ioctl(anything('FIONREAD'))],
    ['a fraction', /^request must be an integer, not 1.5/, () => sock.ioctl(1.5)],
    ['a request of 33 bits', /^request must be between/, () => sock.ioctl(2 ** 32)],
    [
      'an object for bytes',
      /^arg must be a string or bytes/,
      () => sock.ioctl(socket.FIONREAD, anything({})),
    ],
    ['true', /^arg must be a string or bytes/, () => sock.ioctl(socket.FIONREAD, anything(true))],
    ['a fraction as arg', /^arg must be an integer/, () => sock.ioctl(socket.FIONREAD, 0.5)],
    [
      'more bytes than any request has',
      /^arg must have 0 to 16383 bytes/,
      () => sock.ioctl(socket.FIONREAD, Buffer.alloc(16384)),
    ],
    // _IOR(0x89, 6, long long[2]): the size is in the number.
    [
      'less bytes than the request has',
      /^arg must have 16 to 16383 bytes for this request, not 4/,
      () => sock.ioctl(0x80108906),
    ],
    [
      'SIOCGIFCONF',
      /^request 0x8912 holds a pointer, .*; if_nameindex\(\) gives/,
      () => sock.ioctl(socket.SIOCGIFCONF, Buffer.alloc(16)),
    ],
    [
      'SIOCETHTOOL',
      /^request 0x8946 holds a pointer/,
      () => sock.ioctl(socket.SIOCETHTOOL, ifreq.encode({ name: 'lo' })),
    ],
    ['a route', /holds a pointer/, () => sock.ioctl(0x890b, Buffer.alloc(120))],
    ['a bridge', /holds a pointer/, () => sock.ioctl(0x8940, Buffer.alloc(32))],
    ['a private request', /only the driver knows/, () => sock.ioctl(0x89f5, Buffer.alloc(40))],
    ['a wireless one', /nl80211/, () => sock.ioctl(0x8b1b, Buffer.alloc(32))],
    ['the same with a sign', /holds a pointer/, () => sock.ioctl(0x800442d2 - 2 ** 32, Buffer.alloc(16))],
    ['HIDPGETCONNLIST', /holds a pointer/, () => sock.ioctl(0x800448d2, Buffer.alloc(16))],
    ['ATM', /holds a pointer/, () => sock.ioctl(0x40106183, Buffer.alloc(16))],
  ])('%s', (_what, message, call) => {
    expect(call).toThrow(message);
  });

  test('a detached view is refused', () => {
    const bytes = new Uint8Array(4);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    expect(() => sock.ioctl(socket.FIONREAD, bytes)).toThrow(/^arg is detached/);
  });

  test("the kernel's refusals say what to do", () => {
    const lo = ifreq.encode({ name: 'no-such-iface' });
    expect(() => sock.ioctl(socket.SIOCGIFADDR, lo)).toThrow(
      /^\[ENODEV\] ioctl\(fd \d+, SIOCGIFADDR\): No such device; there is no such interface/,
    );
    expect(() => sock.ioctl(0x5413, Buffer.alloc(8))).toThrow(
      /^\[ENOTTY\] .*this kind of socket has no such request/,
    );
    const closed = socket.socket();
    closed.close();
    expect(() => closed.ioctl(socket.FIONREAD)).toThrow(/^\[EBADF\] ioctl\(closed socket, FIONREAD\)/);
    const listener = keep(socket.create_server(['127.0.0.1', 0]));
    expect(() => listener.ioctl(socket.FIONREAD)).toThrow(/EINVAL/);
  });
});

test('sets flags, MTU and address of an interface, in a network namespace of its own', (ctx) => {
  const program = `
    import * as socket from 'bsd-sockets/socket';
    import { ifreq } from 'bsd-sockets/structs';
    const sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
    const get = (request) => ifreq.decode(sock.ioctl(request, ifreq.encode({ name: 'lo' })));
    const set = (request, field) => sock.ioctl(request, ifreq.encode({ name: 'lo', ...field }));
    const before = get(socket.SIOCGIFFLAGS).flags;
    set(socket.SIOCSIFFLAGS, { flags: before | socket.IFF_UP });
    set(socket.SIOCSIFMTU, { mtu: 1400 });
    set(socket.SIOCSIFTXQLEN, { qlen: 77 });
    set(socket.SIOCSIFADDR, { addr: ['10.9.8.7', 0] });
    const { flags } = get(socket.SIOCGIFFLAGS);
    console.log(JSON.stringify([
      before & socket.IFF_UP, flags & socket.IFF_UP, get(socket.SIOCGIFMTU).mtu, get(socket.SIOCGIFTXQLEN).qlen,
      get(socket.SIOCGIFADDR).addr,
    ]));`;
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    ['-n', process.execPath, '--input-type=module', '-e', program],
    { encoding: 'utf8' },
  );
  if (status !== 0 && /unshare/.test(stderr ?? 'unshare')) ctx.skip('needs network namespaces: root');
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual([0, socket.IFF_UP, 1400, 77, ['10.9.8.7', 0]]);
});
