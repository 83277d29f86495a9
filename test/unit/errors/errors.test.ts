// The errors: classes by errno as Python's, fields as Node's, and messages that say what was tried and what to do.
import { spawnSync } from 'node:child_process';
import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { hint } from '../../../lib/errors/hints.js';
import { raise, raise_gai, raise_herror } from '../../../lib/errors/raise.js';
import * as socket from '../../../lib/socket/index.js';
import { ask, pythons } from '../../conformance/python.js';
import { NOBODY, needs_nobody } from '../../machine.js';
import { make, thrown } from './failing.js';

const TIMED_OUT = -10001;
const dist = new URL('../../../dist/', import.meta.url).href;
const ours: Record<string, unknown> = { ...socket };

describe('constructed by the user', () => {
  test('every errno gives the class that it gives in Python, and its name', (ctx) => {
    const [python] = pythons();
    if (python === undefined) return ctx.skip('there is no python3 (3.11 or newer)');
    const rows = ask<[number, string, string][]>(
      python.path,
      'import errno, json; print(json.dumps([[n, c, type(OSError(n, "")).__name__] for n, c in errno.errorcode.items()]))',
    );
    expect(rows.length).toBeGreaterThan(100);
    // Two names of one number: Node spells the other.
    const other = new Map([['EDEADLOCK', 'EDEADLK']]);
    for (const [errno, code, name] of rows) {
      const error = new socket.OSError(errno, 'text');
      expect([errno, error.name, error.constructor.name, error.code]).toEqual([
        errno,
        name,
        name,
        other.get(code) ?? code,
      ]);
      expect(error).toBeInstanceOf(ours[name] as typeof Error);
      const raised = thrown(() => raise(-errno, { syscall: 'recv' }));
      expect([raised.name, raised.errno, raised.code]).toEqual([name, errno, error.code]);
    }
  });

  test('the tree is that of Python', () => {
    const connection = [
      socket.BrokenPipeError,
      socket.ConnectionAbortedError,
      socket.ConnectionRefusedError,
      socket.ConnectionResetError,
    ];
    for (const Class of connection) {
      expect(new Class('x')).toBeInstanceOf(socket.ConnectionError);
      expect(new Class('x')).toBeInstanceOf(socket.OSError);
    }
    expect(new socket.gaierror(-2, 'x')).toBeInstanceOf(socket.OSError);
    expect(new socket.herror(1, 'x')).toBeInstanceOf(socket.OSError);
    expect(new socket.OSError('x')).toBeInstanceOf(Error);
    expect([socket.error, socket.timeout]).toEqual([socket.OSError, socket.TimeoutError]);
    expect(new socket.IncompleteReadError(Buffer.alloc(0), 1)).not.toBeInstanceOf(socket.OSError);
  });

  test('only OSError itself looks at the number', () => {
    expect(new socket.ConnectionError(111, 'x').name).toBe('ConnectionError');
    class Mine extends socket.OSError {}
    expect(new Mine(2, 'x')).toBeInstanceOf(Mine);
    expect(new Mine(2, 'x')).not.toBeInstanceOf(socket.FileNotFoundError);
  });

  test('from number, text and file; from a message; from nothing', () => {
    const error = new socket.OSError(2, 'No such file', '/a b');
    expect(error).toMatchObject({ errno: 2, code: 'ENOENT', strerror: 'No such file', filename: '/a b' });
    expect(error.message).toBe("[ENOENT] No such file: '/a b'");
    const cause = new Error('why');
    expect(new socket.OSError('text', { cause })).toMatchObject({ message: 'text', cause });
    expect(Object.keys(new socket.OSError('text'))).toEqual([]);
    expect(new socket.OSError().message).toBe('');
    expect(new socket.OSError(9999, 'odd')).toMatchObject({ message: '[Errno 9999] odd', errno: 9999 });
    expect(new socket.gaierror(-2, 'Unknown').code).toBe('EAI_NONAME');
    expect(new socket.herror(1, 'Unknown').code).toBe('HOST_NOT_FOUND');
  });

  test('shown and cloned with its class in the first line', () => {
    const error = new socket.OSError(1, 'text');
    expect(error.stack).toMatch(/^PermissionError: \[EPERM\] text\n\s+at .*errors\.test/);
    expect(inspect(error)).toContain("code: 'EPERM'");
    const clone = structuredClone(error);
    expect(clone.message).toBe('[EPERM] text');
    expect(clone.stack).toMatch(/^PermissionError: \[EPERM\] text\n/);
    expect(Object.prototype.toString.call(clone)).toBe('[object Error]');
  });

  test('IncompleteReadError tells what came', () => {
    const error = new socket.IncompleteReadError(Buffer.from('ab'), 10);
    expect(error).toMatchObject({ name: 'IncompleteReadError', code: 'EOF', expected: 10 });
    expect(error.partial.toString()).toBe('ab');
    expect(error.message).toBe('2 bytes read on a total of 10 expected bytes');
  });
});

describe('raised', () => {
  test('with the call, its arguments, the address and the text of the system', () => {
    const call = { syscall: 'connect', args: { fd: 5 }, address: ['10.0.0.1', 80] };
    const error = thrown(() => raise(-113, call));
    expect(error).toMatchObject({
      message: "[EHOSTUNREACH] connect(fd 5, ['10.0.0.1', 80]): No route to host",
      errno: 113,
      code: 'EHOSTUNREACH',
      syscall: 'connect',
      strerror: 'No route to host',
      address: ['10.0.0.1', 80],
    });
  });

  test('with what happened before', () => {
    const partial = Buffer.from('ab');
    expect(thrown(() => raise(-32, { syscall: 'send', bytes_sent: 7, partial }))).toMatchObject({
      bytes_sent: 7,
      partial,
    });
  });

  test('a deadline is a TimeoutError without errno, the time-out of the kernel has one', () => {
    const ours = thrown(() => raise(TIMED_OUT, { syscall: 'recv', bytes_sent: 3 }));
    expect(ours).toBeInstanceOf(socket.TimeoutError);
    expect(ours).toMatchObject({ message: 'timed out', code: 'ETIMEDOUT', syscall: 'recv', bytes_sent: 3 });
    expect(ours).not.toHaveProperty('errno');
    const theirs = thrown(() => raise(-110, { syscall: 'connect' }));
    expect(theirs).toBeInstanceOf(socket.TimeoutError);
    expect(theirs).toMatchObject({ errno: 110, code: 'ETIMEDOUT' });
  });

  test('name resolution with the numbers and words of the C library', () => {
    const args = { host: 'nowhere', service: null };
    const gai = thrown(() => raise_gai(socket.EAI_NONAME, { syscall: 'getaddrinfo', args }));
    expect(gai).toBeInstanceOf(socket.gaierror);
    expect(gai).toMatchObject({ errno: -2, code: 'EAI_NONAME', syscall: 'getaddrinfo' });
    expect(gai.message).toMatch(/^\[EAI_NONAME\] getaddrinfo\("nowhere", null\): \w/);
    const name = { name: 'nowhere' };
    const host = thrown(() => raise_herror(socket.HOST_NOT_FOUND, { syscall: 'gethostbyname', args: name }));
    expect(host).toBeInstanceOf(socket.herror);
    expect(host).toMatchObject({ errno: 1, code: 'HOST_NOT_FOUND' });
  });

  test('while the environment is stopping it never returns, and nothing of the thread runs any more', async () => {
    const after = new Int32Array(new SharedArrayBuffer(8));
    const worker = new Worker(
      `const { workerData: after } = require('node:worker_threads');
       import(${JSON.stringify(`${dist}errors.js`)}).then(({ default: { raise } }) => {
         Atomics.store(after, 0, 1); Atomics.notify(after, 0);
         try { raise(-10002, { syscall: 'recv' }) } catch { after[1] = 1 } finally { after[1] = 2 }
       });`,
      { eval: true, workerData: after },
    );
    while (Atomics.load(after, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await worker.terminate();
    expect(after[1]).toBe(0);
  });
});

describe('messages that help', () => {
  const { AF_INET, AF_INET6, AF_UNIX, SOCK_STREAM, SOCK_DGRAM } = socket;
  test.each<[string, RegExp, () => unknown]>([
    [
      'nobody listens',
      /^\[ECONNREFUSED\] connect\(fd \d+, \['127\.0\.0\.1', 1\]\): .+; nobody listens there$/,
      () => make().connect(['127.0.0.1', 1]),
    ],
    [
      'no such socket file',
      /connect\(fd \d+, '\/nowhere'\): .+; there is no such socket$/,
      () => make(AF_UNIX).connect('/nowhere'),
    ],
    [
      'no such folder',
      /bind\(.+\/nowhere\/x'\).+; the directory of the path does not exist$/,
      () => make(AF_UNIX).bind('/nowhere/x'),
    ],
    [
      'a foreign address',
      /bind\(.+; no interface of this machine has this address$/,
      () => make().bind(['198.51.100.1', 0]),
    ],
    [
      'a link-local address without scope',
      /; a link-local address needs its scope/,
      () => make(AF_INET6).connect(['fe80::1', 80]),
    ],
    [
      'accept before listen',
      /accept\(fd \d+\): .+; call listen first; or .+ shut down$/,
      () => make().accept(),
    ],
    [
      'accept on datagrams',
      /; this type of socket has no connections to accept$/,
      () => make(AF_INET, SOCK_DGRAM).accept(),
    ],
    ['not connected', /recv\(fd \d+\): .+; connect, or accept, first/, () => make().recv(1)],
    [
      'no destination',
      /send\(fd \d+\): .+; connect first, or give the address$/,
      () => make(AF_INET, SOCK_DGRAM).send('x'),
    ],
    [
      'too long',
      /sendto\(.+; the message is longer than/,
      () => make(AF_INET, SOCK_DGRAM).sendto(Buffer.alloc(70_000), ['127.0.0.1', 9]),
    ],
    [
      'broadcast',
      /; a broadcast address needs setsockopt\(SOL_SOCKET, SO_BROADCAST, 1\) first$/,
      () => make(AF_INET, SOCK_DGRAM).sendto('x', ['255.255.255.255', 9]),
    ],
    [
      'broadcast of a network',
      /; a route prohibits it \(`ip route get`\); or it is a broadcast address, which needs SO_BROADCAST$/,
      () => make(AF_INET, SOCK_DGRAM).sendto('x', ['127.255.255.255', 9]),
    ],
    [
      'an unknown option',
      /getsockopt\(fd \d+, SOL_TCP, 9999\): .+ has no such option$/,
      () => make().getsockopt(socket.SOL_TCP, 9999),
    ],
    [
      'an option by its name',
      /^\[EINVAL\] setsockopt\(fd \d+, SOL_TCP, TCP_NODELAY\)/,
      () => make().setsockopt(socket.SOL_TCP, socket.TCP_NODELAY, Buffer.alloc(0)),
    ],
    [
      'a family and type that do not go together',
      /socket\(AF_INET, SOCK_STREAM, IPPROTO_UDP\): .+; this kernel has no such/,
      () => make(AF_INET, SOCK_STREAM, socket.IPPROTO_UDP),
    ],
    [
      'closed',
      /^\[EBADF\] recv\(closed socket\)/,
      () => {
        const s = make();
        s.close();
        s.recv(1);
      },
    ],
  ])('%s', (_, message, call) => {
    expect(thrown(call).message).toMatch(message);
  });

  test('an address in use', () => {
    using listener = socket.create_server(['127.0.0.1', 0]);
    const error = thrown(() => make().bind(listener.getsockname()));
    expect(error.message).toMatch(/^\[EADDRINUSE\] .+; another socket has this address/);
  });

  // The rows that this machine's kernel cannot be made to give.
  test.each<[string, Parameters<typeof hint>[1], RegExp | undefined]>([
    [
      'EAFNOSUPPORT',
      { syscall: 'socket', args: { family: socket.AF_TIPC, type: SOCK_STREAM, proto: 0 } },
      /modprobe tipc/,
    ],
    [
      'EPROTONOSUPPORT',
      { syscall: 'socket', args: { family: socket.AF_CAN, type: SOCK_DGRAM, proto: socket.CAN_ISOTP } },
      /modprobe can-isotp/,
    ],
    ['EMFILE', { syscall: 'accept', args: { fd: 5 } }, /ulimit -n/],
    ['ENODEV', { syscall: 'bind', args: { fd: 5 }, address: ['can7'] }, /no such interface: `ip link`/],
    [
      'ENODEV',
      { syscall: 'setsockopt', args: { fd: 5, level: socket.SOL_SOCKET, option: socket.SO_BINDTODEVICE } },
      /no such interface/,
    ],
    [
      'ENODEV',
      { syscall: 'setsockopt', args: { fd: 5, level: socket.IPPROTO_IP, option: socket.IP_ADD_MEMBERSHIP } },
      /name one/,
    ],
    ['ENODEV', { syscall: 'connect', args: { fd: 5 }, address: [3, 1024] }, /no way to this machine/],
    [
      'ECONNREFUSED',
      { syscall: 'connect', args: { fd: 5 }, address: '/run/x.sock' },
      /left from a server that ended/,
    ],
    [
      'EADDRINUSE',
      { syscall: 'bind', args: { fd: 5 }, address: '/run/x.sock' },
      /remove it if no server uses it/,
    ],
    ['ENOENT', { syscall: 'bind', args: { fd: 5 }, address: ['hash', 'sha999'] }, /no such algorithm/],
    [
      'EPERM',
      { syscall: 'setsockopt', args: { fd: 5, level: socket.SOL_SOCKET, option: socket.SO_DETACH_FILTER } },
      undefined,
    ],
    ['EIO', { syscall: 'recv', args: { fd: 5 } }, undefined],
  ])('%s: %o', (code, call, words) => {
    const advice = hint(code, call);
    if (words === undefined) expect(advice).toBeUndefined();
    else expect(advice).toMatch(words);
  });

  test('without privilege: raw, packet and ping sockets, low ports, marks', (ctx) => {
    needs_nobody(ctx);
    const program = `
      import(${JSON.stringify(`${dist}socket/index.mjs`)}).then((s) => {
        const message = (call) => { try { call(); return ''; } catch (error) { return error.name + ': ' + error.message; } };
        console.log(JSON.stringify([
          message(() => s.socket(s.AF_INET, s.SOCK_RAW, s.IPPROTO_ICMP)),
          message(() => s.socket(s.AF_PACKET, s.SOCK_RAW, 0)),
          message(() => s.socket(s.AF_INET, s.SOCK_DGRAM, s.IPPROTO_ICMP)),
          message(() => s.socket().bind(['127.0.0.1', 80])),
          message(() => s.socket().setsockopt(s.SOL_SOCKET, s.SO_MARK, 1)),
        ]));
      });`;
    const child = spawnSync(process.execPath, ['-e', program], {
      encoding: 'utf8',
      uid: NOBODY,
      gid: NOBODY,
      cwd: '/',
    });
    const reason = child.error?.message ?? child.stderr;
    if (child.status !== 0)
      ctx.skip(`another user cannot read the package, or node: ${reason.slice(0, 200)}`);
    const [raw, packet, ping, port, mark] = JSON.parse(child.stdout);
    expect(raw).toBe(
      'PermissionError: [EPERM] socket(AF_INET, SOCK_RAW, IPPROTO_ICMP): Operation not permitted; raw sockets need ' +
        'CAP_NET_RAW (run as root, or: setcap cap_net_raw+ep "$(command -v node)")',
    );
    expect(packet).toMatch(/; packet sockets need CAP_NET_RAW \(run as root, or: setcap cap_net_raw\+ep/);
    // Allowed where the system says so, as these two may be.
    if (ping !== '')
      expect(ping).toMatch(
        /^PermissionError: \[EACCES\] .+; ping sockets are for the groups in net\.ipv4\.ping/,
      );
    if (port !== '') expect(port).toMatch(/^PermissionError: \[EACCES\] bind.+ need CAP_NET_BIND_SERVICE \(/);
    expect(mark).toMatch(
      /setsockopt\(fd \d+, SOL_SOCKET, SO_MARK\).+; this option needs CAP_NET_ADMIN or CAP_NET_RAW$/,
    );
  });
});
