// The messages of errors, exactly: the record of a call that failed as text, and the hint that fits its numbers.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { errno_code } from '../../../lib/errors/errno.js';
import { hint, module_of } from '../../../lib/errors/hints.js';
import { type Arguments, show_arguments } from '../../../lib/errors/names.js';
import { raise, raise_gai, raise_herror } from '../../../lib/errors/raise.js';
import * as promises from '../../../lib/promises/index.js';
import * as socket from '../../../lib/socket/index.js';
import { pack_error, unpack_error } from '../../../lib/socketserver/pool/packed_error.js';
import { make, opened, thrown } from './failing.js';

const { AF_INET, AF_INET6, AF_UNIX, AF_CAN, AF_PACKET, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOL_SOCKET } =
  socket;
const PING_GROUPS = 'ping sockets are for the groups in net.ipv4.ping_group_range (sysctl)';
const FILTER_PORT = ['127.0.0.1', 80];

/** The message but for the system's text, which is that of the C library. */
const without_text = ({ message, strerror }: socket.OSError) => message.replace(`: ${strerror}`, ':');

describe('records as text', () => {
  test.each<[string, Arguments]>([
    ['AF_INET, SOCK_RAW, IPPROTO_ICMP', { family: AF_INET, type: SOCK_RAW, proto: socket.IPPROTO_ICMP }],
    ['AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6', { family: AF_INET6, type: SOCK_DGRAM, proto: 58 }],
    [
      'AF_INET, SOCK_STREAM, 0',
      { family: AF_INET, type: SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, proto: 0 },
    ],
    ['AF_INET, SOCK_STREAM, IPPROTO_UDP', { family: AF_INET, type: SOCK_STREAM, proto: 17 }],
    ['AF_NETLINK, SOCK_RAW, NETLINK_GENERIC', { family: socket.AF_NETLINK, type: SOCK_RAW, proto: 16 }],
    ['AF_CAN, SOCK_DGRAM, CAN_ISOTP', { family: AF_CAN, type: SOCK_DGRAM, proto: socket.CAN_ISOTP }],
    ['AF_PACKET, SOCK_RAW, 768', { family: AF_PACKET, type: SOCK_RAW, proto: 768 }],
    ['9999, 99, 7', { family: 9999, type: 99, proto: 7 }],
    ['-1, -526337, -1', { family: -1, type: -1, proto: -1 }],
    ['fd 5', { fd: 5 }],
    ['fd -1', { fd: -1 }],
    ['closed socket', { closed: 'socket' }],
    ['closed selector', { closed: 'selector' }],
    ['file fd 7', { file_fd: 7 }],
    ['fileno=7', { fileno: 7 }],
    ['fd 5, SOL_TCP, TCP_NODELAY', { fd: 5, level: socket.SOL_TCP, option: socket.TCP_NODELAY }],
    ['fd 5, SOL_SOCKET, SO_RCVBUF', { fd: 5, level: SOL_SOCKET, option: socket.SO_RCVBUF }],
    ['fd 5, SOL_TCP, 9999', { fd: 5, level: socket.SOL_TCP, option: 9999 }],
    ['closed socket, 999, 1', { closed: 'socket', level: 999, option: 1 }],
    ['fd 5, SOL_IP, IP_ADD_MEMBERSHIP', { fd: 5, level: 0, option: socket.IP_ADD_MEMBERSHIP }],
    ['SOL_SOCKET, SO_ATTACH_FILTER', { level: SOL_SOCKET, option: socket.SO_ATTACH_FILTER }],
    ['SOL_SOCKET, SO_DETACH_FILTER', { level: SOL_SOCKET, option: socket.SO_DETACH_FILTER }],
    ['SOL_SOCKET, SO_TIMESTAMP', { level: SOL_SOCKET, option: socket.SO_TIMESTAMP }],
    ['SOL_SOCKET, SO_TIMESTAMPING', { level: SOL_SOCKET, option: socket.SO_TIMESTAMPING }],
    ['SOL_IP, IP_RECVORIGDSTADDR', { level: 0, option: socket.IP_RECVORIGDSTADDR }],
    ['SOL_IPV6, IPV6_JOIN_GROUP', { level: 41, option: socket.IPV6_JOIN_GROUP }],
    ['SOL_TCP, TCP_INQ', { level: 6, option: socket.TCP_INQ }],
    ['SOL_PACKET, PACKET_RX_RING', { level: 263, option: 5 }],
    ['SOL_PACKET, PACKET_RECV_OUTPUT', { level: 263, option: 3 }],
    ['"localhost", "http"', { host: 'localhost', service: 'http' }],
    ['null, "0"', { host: null, service: '0' }],
    ['"a\\"b", null', { host: 'a"b', service: null }],
    [`"${'x'.repeat(120)}…"`, { name: 'x'.repeat(130) }],
    ['"lo"', { name: 'lo' }],
    [`"${'x'.repeat(130)}"`, { hostname: 'x'.repeat(130) }],
    ['7', { index: 7 }],
    ['99', { address_family: 99 }],
    ['only sockets of family AF_ALG', { only_family: socket.AF_ALG }],
    ['argument 1 is too long: 2000 buffers, at most 1024', { buffers: 2000, limit: 1024 }],
    ['', {}],
  ])('%s', (text, args) => {
    expect(show_arguments(args)).toBe(text);
  });

  test('the order in the message is that of the record', () => {
    expect(show_arguments({ option: 1, level: socket.SOL_TCP, fd: 5 })).toBe('TCP_NODELAY, SOL_TCP, fd 5');
  });
});

describe('messages of calls', () => {
  const closed = () => {
    const sock = make();
    sock.close();
    return sock;
  };
  test.each<[string, () => unknown]>([
    [
      '[EPROTONOSUPPORT] socket(AF_INET, SOCK_STREAM, IPPROTO_UDP):; this kernel has no such family, type and protocol together',
      () => make(AF_INET, SOCK_STREAM, socket.IPPROTO_UDP),
    ],
    [
      '[EAFNOSUPPORT] socketpair(9999, SOCK_DGRAM, 0):; this kernel has no such family, type and protocol together',
      () => socket.socketpair(9999, SOCK_DGRAM),
    ],
    ['[EBADF] socket(fileno=9999):', () => make(null, null, null, 9999)],
    ['[EBADF] dup(fd 9999):', () => socket.dup(9999)],
    ['[EBADF] close(fd 9999):', () => socket.close(9999)],
    ['[EBADF] recv(closed socket):', () => closed().recv(1)],
    ["[EBADF] bind(closed socket, ['127.0.0.1', 0]):", () => closed().bind(['127.0.0.1', 0])],
    ['[EBADF] getsockopt(closed socket, SOL_SOCKET, SO_TYPE):', () => closed().getsockopt(1, socket.SO_TYPE)],
    ['[EBADF] sendfile(file fd 9999):; the file is closed, or not open for reading', () => sendfile(9999)],
    [
      '[ENODEV] if_nametoindex("nope\\"0"):; there is no such interface: `ip link` shows those that there are',
      () => socket.if_nametoindex('nope"0'),
    ],
    ['[ENXIO] if_indextoname(4294967295):', () => socket.if_indextoname(2 ** 32 - 1)],
    ['[EAFNOSUPPORT] inet_pton(99):', () => socket.inet_pton(99, '127.0.0.1')],
    ['[ENOTSUP] sendmsg_afalg(only sockets of family AF_ALG):', () => make().sendmsg_afalg([], { op: 0 })],
    [
      '[EMSGSIZE] sendmsg(argument 1 is too long: 2000 buffers, at most 1024):; the message is longer than the ' +
        'protocol, or the path, takes at once',
      () => make().sendmsg(Array(2000).fill('x')),
    ],
    ['[EAI_NONAME] getaddrinfo("a b", "80"):', () => numeric('a b', 80)],
    ['[EAI_NONAME] getaddrinfo(null, null):', () => socket.getaddrinfo(null, null)],
    ['[EAI_FAMILY] getaddrinfo("127.0.0.1", null):', () => socket.getaddrinfo('127.0.0.1', null, 99)],
    ["[EAI_BADFLAGS] getnameinfo(['127.0.0.1', 80]):", () => socket.getnameinfo(['127.0.0.1', 80], 1 << 20)],
  ])('%s', (message, call) => {
    expect(without_text(thrown(call))).toBe(message);
  });

  function numeric(host: string, port: number) {
    return socket.getaddrinfo(host, port, 0, 0, 0, socket.AI_NUMERICHOST);
  }

  function sendfile(fd: number) {
    const [a, b] = socket.socketpair();
    opened.push(a, b);
    a.sendfile(fd);
  }

  test('with the descriptor of the socket', () => {
    const sock = make();
    const fd = sock.fileno();
    expect(without_text(thrown(() => sock.connect(['127.0.0.1', 1])))).toBe(
      `[ECONNREFUSED] connect(fd ${fd}, ['127.0.0.1', 1]):; nobody listens there`,
    );
    expect(without_text(thrown(() => sock.setsockopt(SOL_SOCKET, socket.SO_RCVBUF, Buffer.alloc(0))))).toBe(
      `[EINVAL] setsockopt(fd ${fd}, SOL_SOCKET, SO_RCVBUF):`,
    );
  });

  test('a promise has the same', async () => {
    const sock = promises.socket();
    opened.push(sock as never);
    const error = await sock.connect(['127.0.0.1', 1]).catch((reason: socket.OSError) => reason);
    expect(without_text(error as socket.OSError)).toBe(
      `[ECONNREFUSED] connect(fd ${sock.fileno()}, ['127.0.0.1', 1]):; nobody listens there`,
    );
    expect(error).toMatchObject({ hint: 'nobody listens there' });
  });
});

describe('hints', () => {
  const option = (option: number, level = SOL_SOCKET): Arguments => ({ fd: 5, level, option });
  const kind = (family: number, type: number, proto = 0): Arguments => ({ family, type, proto });
  const CAPABILITY = '(run as root, or: setcap cap_net_raw+ep "$(command -v node)")';
  test.each<[string, string, Arguments, unknown, string | undefined]>([
    ['EPERM', 'socket', kind(AF_INET, SOCK_RAW, 1), undefined, `raw sockets need CAP_NET_RAW ${CAPABILITY}`],
    [
      'EPERM',
      'socket',
      kind(AF_PACKET, SOCK_RAW),
      undefined,
      `packet sockets need CAP_NET_RAW ${CAPABILITY}`,
    ],
    ['EPERM', 'socket', kind(AF_INET, 10), undefined, `packet sockets need CAP_NET_RAW ${CAPABILITY}`],
    ['EPERM', 'socket', kind(AF_INET, SOCK_STREAM), undefined, undefined],
    ['EPERM', 'socket', { fileno: 3 }, undefined, undefined],
    ['EACCES', 'socket', kind(AF_INET, SOCK_DGRAM, 1), undefined, PING_GROUPS],
    ['EACCES', 'socket', kind(AF_INET6, SOCK_DGRAM | socket.SOCK_NONBLOCK, 58), undefined, PING_GROUPS],
    ['EACCES', 'socket', kind(AF_UNIX, SOCK_DGRAM, 1), undefined, undefined],
    ['EACCES', 'bind', { fd: 5 }, ['127.0.0.1', 1024], undefined],
    [
      'EPERM',
      'setsockopt',
      option(socket.SO_MARK),
      undefined,
      'this option needs CAP_NET_ADMIN or CAP_NET_RAW',
    ],
    ['EPERM', 'setsockopt', option(socket.SO_ATTACH_FILTER), undefined, undefined],
    ['EPERM', 'setsockopt', option(socket.SO_LOCK_FILTER), undefined, undefined],
    ['EPERM', 'setsockopt', option(socket.IP_MSFILTER, 0), undefined, undefined],
    ['EPERM', 'sendto', { fd: 5 }, FILTER_PORT, 'most likely a firewall rule of this machine refuses it'],
    [
      'ENOSPC',
      'setsockopt',
      option(socket.PACKET_FANOUT, socket.SOL_PACKET),
      undefined,
      'a fan-out group has at most 256 sockets',
    ],
    ['ENOSPC', 'setsockopt', option(25, 0), undefined, undefined],
    [
      'ENOMEM',
      'setsockopt',
      option(socket.PACKET_RX_RING, socket.SOL_PACKET),
      undefined,
      'the kernel has no memory for the ring: ask for fewer or smaller blocks',
    ],
    ['ENODEV', 'setsockopt', option(25, 0), undefined, 'no interface fits: name one'],
    ['EBADF', 'sendfile', { fd: 5 }, undefined, undefined],
    ['EINVAL', 'bind', { fd: 5 }, ['fe80::1', 80, 0, 2], undefined],
    ['EINVAL', 'bind', { fd: 5 }, ['fe80::1%2', 80], undefined],
    ['EIO', 'recv', { fd: 5 }, undefined, undefined],
    ['constructor', 'recv', { fd: 5 }, undefined, undefined],
  ])('%s %s(%o) %o', (code, syscall, args, address, words) => {
    expect(hint(code, { syscall, args, address })).toBe(words);
  });

  test.each<[string | undefined, Arguments]>([
    ['can-raw', kind(AF_CAN, SOCK_RAW, socket.CAN_RAW)],
    ['can', kind(AF_CAN, SOCK_RAW, 99)],
    ['sctp', kind(AF_INET6, SOCK_STREAM, socket.IPPROTO_SCTP)],
    ['dccp', kind(AF_UNIX, socket.SOCK_DCCP)],
    [undefined, kind(AF_UNIX, SOCK_STREAM, socket.IPPROTO_SCTP)],
    [undefined, {}],
  ])('the module %s', (module, args) => {
    expect(module_of(args)).toBe(module);
  });

  test('no code, call, arguments or address makes them throw', () => {
    const number = fc.oneof(fc.integer(), fc.constantFrom(0, 1, 2, 10, 17, 29), fc.double());
    const text = fc.oneof(fc.string(), fc.constant(null));
    const args = fc.record(
      {
        closed: fc.constantFrom<'socket' | 'selector'>('socket', 'selector'),
        fd: number,
        file_fd: number,
        fileno: number,
        family: number,
        type: number,
        proto: number,
        level: number,
        option: number,
        host: text,
        service: text,
        name: fc.string(),
        hostname: fc.oneof(fc.string(), fc.uint8Array()),
        index: number,
        address_family: number,
        only_family: number,
        buffers: number,
        limit: number,
      },
      { requiredKeys: [] },
    );
    const codes = Array.from({ length: 133 }, (_, errno) => errno_code(errno + 1));
    const code = fc.oneof(fc.constantFrom(...codes, 'EAI_AGAIN', '__proto__'), fc.string());
    const syscall = fc.oneof(
      fc.string(),
      fc.constantFrom(
        'socket',
        'bind',
        'connect',
        'sendto',
        'setsockopt',
        'sendfile',
        'epoll_ctl',
        'fromshare',
      ),
    );
    const address = fc.oneof(fc.anything(), fc.array(fc.anything()), fc.tuple(fc.string(), number));
    const call = fc.record({ syscall, args, address }, { requiredKeys: ['syscall'] });
    fc.assert(
      fc.property(code, call, (code, call) => {
        const words = hint(code, call);
        return (
          (words === undefined || words.length > 0) && typeof show_arguments(call.args ?? {}) === 'string'
        );
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the parts of an error', () => {
  test('hint is the end of the message; without one there is no such field', () => {
    const sock = make();
    const error = thrown(() => sock.accept());
    expect(error.hint).toBe('call listen first; or the listener was shut down');
    expect(error.message).toBe(`[EINVAL] accept(fd ${sock.fileno()}): ${error.strerror}; ${error.hint}`);
    for (const other of [
      thrown(() => make(null, null, null, 9999)),
      thrown(() => raise(-10001, { syscall: 'connect', address: FILTER_PORT })),
      new socket.OSError(111, 'text'),
      new socket.OSError('text; with a semicolon'),
      new socket.TimeoutError(),
    ]) {
      expect(other.hint).toBeUndefined();
      expect(other).not.toHaveProperty('hint');
    }
  });

  test('host and service of a lookup, as far as they were given', () => {
    expect(thrown(() => socket.getaddrinfo('a b', 'http'))).toMatchObject({ host: 'a b', service: 'http' });
    expect(thrown(() => socket.getaddrinfo('127.0.0.1', 'nosuchservice', 0, SOCK_STREAM))).toMatchObject({
      code: 'EAI_SERVICE',
      host: '127.0.0.1',
      service: 'nosuchservice',
    });
    const host_only = thrown(() => make().connect(['a b', 80]));
    expect(host_only).toMatchObject({ host: 'a b', syscall: 'getaddrinfo' });
    expect(host_only).not.toHaveProperty('service');
    const neither = thrown(() => socket.getaddrinfo(null, null));
    expect(neither).not.toHaveProperty('host');
    expect(neither).not.toHaveProperty('service');
    expect(thrown(() => socket.getnameinfo(['127.0.0.1', 80], 1 << 20))).toMatchObject({
      address: ['127.0.0.1', 80],
      host: '127.0.0.1',
      service: '80',
    });
    const long = `${'x'.repeat(63)}.${'y'.repeat(63)}.invalid`;
    expect(thrown(() => socket.gethostbyname(long))).toMatchObject({ host: long });
  });

  test('a promise has them, too', async () => {
    await expect(promises.getaddrinfo('a b', 80)).rejects.toMatchObject({ host: 'a b', service: '80' });
    await expect(promises.gethostbyname('a b')).rejects.toMatchObject({ host: 'a b' });
  });

  test('a gaierror of a program has neither, and other classes never have', () => {
    const error = new socket.gaierror(-2, 'x');
    expect([error.hint, error.host, error.service]).toEqual([undefined, undefined, undefined]);
    expect(Object.keys(error)).toEqual(['errno', 'code', 'strerror']);
    const args = { host: 'a', service: 'b' };
    expect(thrown(() => raise_herror(1, { syscall: 'gethostbyname', args }))).not.toHaveProperty('host');
    expect(thrown(() => raise(-5, { syscall: 'getaddrinfo', args }))).not.toHaveProperty('host');
    expect(thrown(() => raise_gai(-3, { syscall: 'getaddrinfo', args }))).toMatchObject({
      ...args,
      hint: 'no name server answered',
    });
  });

  test('all of them go from a worker to its server, as JSON, too', () => {
    for (const error of [thrown(() => socket.getaddrinfo('a b', 80)), thrown(() => make().accept())]) {
      const copy = unpack_error(JSON.parse(JSON.stringify(pack_error(error))));
      expect(copy).toBeInstanceOf(error.constructor);
      expect({ ...(copy as object) }).toEqual({ ...error });
    }
  });

  test('a structured clone has the message only, as that of every Error', () => {
    const error = thrown(() => make().accept());
    expect(structuredClone(error).message).toBe(error.message);
    expect(structuredClone(error)).not.toHaveProperty('hint');
  });
});
