// sendmsg, recvmsg, recvmsg_into and their control messages, on real sockets.
import * as socket from 'bsd-sockets/socket';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { is_open, open_descriptors } from '../../descriptors.js';
import { is_glibc, slowness } from '../../machine.js';

const { AF_INET, AF_INET6, AF_UNIX, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET, SCM_RIGHTS, SCM_CREDENTIALS } =
  socket;
const { CMSG_LEN, CMSG_SPACE } = socket;

const ints = (...values: number[]) => Int32Array.from(values);
const read_ints = (bytes: Buffer) => [...new Int32Array(Uint8Array.from(bytes).buffer)];
const code = (wanted: string) => expect.objectContaining({ code: wanted });

describe('a pair of streams', () => {
  let a: socket.socket<typeof AF_UNIX>;
  let b: socket.socket<typeof AF_UNIX>;
  beforeEach(() => {
    [a, b] = socket.socketpair();
  });
  afterEach(() => {
    a.close();
    b.close();
  });

  it('gathers what it sends', () => {
    expect(a.sendmsg(['ab', Buffer.from('cd'), new Uint16Array(1), new ArrayBuffer(1)])).toBe(7);
    expect(b.recv(100).toString('latin1')).toBe('abcd\0\0\0');
  });

  it('gives data, ancdata, flags, address', () => {
    a.sendmsg(['hello']);
    expect(b.recvmsg(100)).toEqual([Buffer.from('hello'), [], 0, null]);
    a.send('hello');
    expect(b.recvmsg(3)).toEqual([Buffer.from('hel'), [], 0, null]);
    expect(b.recvmsg(100)[0].toString()).toBe('lo');
  });

  it('gives nothing at the end of the stream', () => {
    a.close();
    expect(b.recvmsg(10)).toEqual([Buffer.alloc(0), [], 0, null]);
  });

  it('receives more than the scratch memory holds', () => {
    const data = Buffer.alloc(150_000, 'x');
    b.setsockopt(SOL_SOCKET, socket.SO_RCVBUF, 400_000);
    a.setsockopt(SOL_SOCKET, socket.SO_SNDBUF, 400_000);
    expect(a.sendmsg([data])).toBe(data.length);
    let received = 0;
    while (received < data.length) received += b.recvmsg(data.length)[0].length;
    expect(received).toBe(data.length);
  });

  it('scatters what it receives', () => {
    a.send('abcdefgh');
    const first = Buffer.alloc(3);
    const second = new Uint8Array(new SharedArrayBuffer(10), 2, 3);
    const third = new DataView(new ArrayBuffer(8), 4, 4);
    const [count, ancdata, flags, address] = b.recvmsg_into([first, second, third]);
    expect([count, ancdata, flags, address]).toEqual([8, [], 0, null]);
    expect(first.toString()).toBe('abc');
    expect(Buffer.from(second).toString()).toBe('def');
    expect(Buffer.from(third.buffer).toString('latin1')).toBe('\0\0\0\0gh\0\0');
  });

  it('passes descriptors, close-on-exec', () => {
    const before = open_descriptors();
    a.sendmsg(['x'], [[SOL_SOCKET, SCM_RIGHTS, ints(0, a.fileno())]]);
    const [, [message], flags] = b.recvmsg(1, CMSG_SPACE(8));
    expect(flags).toBe(0);
    const [level, type, data] = message ?? [];
    expect([level, type]).toEqual([SOL_SOCKET, SCM_RIGHTS]);
    const fds = read_ints(data as Buffer);
    expect(fds).toHaveLength(2);
    expect(open_descriptors()).toBe(before + 2);
    using copy = new socket.socket(null, null, null, fds[1]);
    expect(copy.get_inheritable()).toBe(false);
    expect(copy.family).toBe(AF_UNIX);
    copy.send('y');
    expect(b.recv(1).toString()).toBe('y');
    socket.close(fds[0] as number);
  });

  it('tells MSG_CMSG_CLOEXEC only to who asked for it', () => {
    a.sendmsg(['x']);
    expect(b.recvmsg(1)[2] & socket.MSG_CMSG_CLOEXEC).toBe(0);
    a.sendmsg(['x']);
    expect(b.recvmsg(1, 0, socket.MSG_CMSG_CLOEXEC)[2] & socket.MSG_CMSG_CLOEXEC).not.toBe(0);
  });

  it('has the kernel close what there is no room for', () => {
    const before = open_descriptors();
    a.sendmsg(['x'], [[SOL_SOCKET, SCM_RIGHTS, ints(0, 1, 2)]]);
    const [, ancdata, flags] = b.recvmsg(1, CMSG_LEN(4));
    expect(flags & socket.MSG_CTRUNC).not.toBe(0);
    const fds = read_ints(ancdata[0]?.[2] as Buffer);
    expect(fds).toHaveLength(1);
    socket.close(fds[0] as number);
    a.sendmsg(['x'], [[SOL_SOCKET, SCM_RIGHTS, ints(0, 1, 2)]]);
    expect(b.recvmsg(1)[2] & socket.MSG_CTRUNC).not.toBe(0);
    expect(open_descriptors()).toBe(before);
  });

  it('gives the last control message as far as it fits', () => {
    b.setsockopt(SOL_SOCKET, socket.SO_PASSCRED, 1);
    a.send('x');
    const [, whole] = b.recvmsg(1, CMSG_SPACE(12));
    const credentials = whole[0]?.[2] as Buffer;
    expect(credentials).toHaveLength(12);
    for (let room = 0; room < 12; room++) {
      a.send('x');
      const [, cut, flags] = b.recvmsg(1, room === 0 ? 0 : CMSG_LEN(room));
      expect(flags & socket.MSG_CTRUNC).not.toBe(0);
      expect(cut).toEqual(room === 0 ? [] : [[SOL_SOCKET, SCM_CREDENTIALS, credentials.subarray(0, room)]]);
    }
  });

  it('gives two control messages, the second cut', () => {
    b.setsockopt(SOL_SOCKET, socket.SO_PASSCRED, 1);
    const before = open_descriptors();
    a.sendmsg(['x'], [[SOL_SOCKET, SCM_RIGHTS, ints(0, 1)]]);
    const [, ancdata] = b.recvmsg(1, CMSG_SPACE(12) + CMSG_LEN(4));
    expect(ancdata.map(([, type, { length }]) => [type, length])).toEqual([
      [SCM_CREDENTIALS, 12],
      [SCM_RIGHTS, 4],
    ]);
    socket.close(read_ints(ancdata[1]?.[2] as Buffer)[0] as number);
    expect(open_descriptors()).toBe(before);
  });

  it('sends credentials', () => {
    b.setsockopt(SOL_SOCKET, socket.SO_PASSCRED, 1);
    const own = ints(process.pid, process.getuid?.() ?? 0, process.getgid?.() ?? 0);
    a.sendmsg(['x'], [[SOL_SOCKET, SCM_CREDENTIALS, own]]);
    expect(read_ints(b.recvmsg(1, CMSG_SPACE(12))[1][0]?.[2] as Buffer)).toEqual([...own]);
  });

  it('carries any number of descriptors and any data', () => {
    const before = open_descriptors();
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 3000 }),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 0, max: 60 }),
        fc.boolean(),
        (data, count, room, credentials) => {
          b.setsockopt(SOL_SOCKET, socket.SO_PASSCRED, credentials);
          const rights = Array.from({ length: count }, () => 0);
          a.sendmsg([data], [[SOL_SOCKET, SCM_RIGHTS, ints(...rights)]]);
          const ancbufsize = (credentials ? CMSG_SPACE(12) : 0) + (room === 0 ? 0 : CMSG_LEN(room * 4));
          const [bytes, ancdata, flags] = b.recvmsg(4000, ancbufsize);
          const received = ancdata
            .filter(([, type]) => type === SCM_RIGHTS)
            .flatMap(([, , list]) => read_ints(list));
          expect(Buffer.compare(bytes, data)).toBe(0);
          expect(received).toHaveLength(Math.min(count, room));
          expect((flags & socket.MSG_CTRUNC) !== 0).toBe(room < count);
          for (const fd of received) expect(is_open(fd)).toBe(true);
          for (const fd of received) socket.close(fd);
          expect(open_descriptors()).toBe(before);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('times out and does not wait', () => {
    b.settimeout(0.05);
    expect(() => b.recvmsg(1)).toThrow(socket.TimeoutError);
    expect(() => b.recvmsg_into([Buffer.alloc(1)])).toThrow(socket.TimeoutError);
    b.settimeout(0);
    expect(() => b.recvmsg(1)).toThrow(code('EAGAIN'));
    a.settimeout(0.05);
    expect(() => {
      for (;;) a.sendmsg([Buffer.alloc(65_536)]);
    }).toThrow(socket.TimeoutError);
  });

  it('tells a broken connection by EPIPE', () => {
    b.close();
    expect(() => a.sendmsg(['x'])).toThrow(expect.objectContaining({ code: 'EPIPE', bytes_sent: 0 }));
  });

  it('tells a closed socket by EBADF', () => {
    a.close();
    expect(() => a.sendmsg(['x'])).toThrow(code('EBADF'));
    expect(() => a.recvmsg(1)).toThrow(code('EBADF'));
    expect(() => a.recvmsg_into([Buffer.alloc(1)])).toThrow(code('EBADF'));
  });

  it('refuses more buffers than the kernel takes', () => {
    const most = Array.from({ length: 1024 }, () => Buffer.from('x'));
    expect(a.sendmsg(most)).toBe(1024);
    expect(b.recvmsg_into(most.map(() => Buffer.alloc(1)))[0]).toBe(1024);
    const more = [...most, Buffer.from('x')];
    expect(() => a.sendmsg(more)).toThrow(/EMSGSIZE.*argument 1 is too long/);
    expect(() => b.recvmsg_into(more)).toThrow(/EMSGSIZE.*argument 1 is too long/);
  });

  it('refuses more control messages than the kernel takes', () => {
    // musl before 1.2.5 copies them into a small memory of its own first.
    const refused = code(is_glibc ? 'ENOBUFS' : expect.stringMatching(/^ENO(BUFS|MEM)$/));
    expect(() => a.sendmsg(['x'], [[1, 1, Buffer.alloc(40 * 1024 * 1024)]])).toThrow(refused);
    expect(() => a.sendmsg(['x'], [[1, 1, Buffer.alloc(2 * 1024 * 1024)]])).toThrow(refused);
  });

  it('names the argument that is wrong', () => {
    const untyped = a as unknown as Record<string, (...args: unknown[]) => unknown>;
    const fails: [string, unknown[], RegExp][] = [
      ['sendmsg', [], /TypeError: buffers must be an array/],
      ['sendmsg', [Buffer.from('x')], /TypeError: buffers must be an array/],
      ['sendmsg', [[1]], /TypeError: buffers\[0\] must be a string or bytes/],
      ['sendmsg', [['x'], 7], /TypeError: ancdata must be an array/],
      ['sendmsg', [['x'], [7]], /TypeError: ancdata\[0\] must be an array/],
      ['sendmsg', [['x'], [[1, 2]]], /TypeError: ancdata\[0\] must have 3 elements/],
      ['sendmsg', [['x'], [['1', 2, '']]], /TypeError: ancdata\[0\]: cmsg_level must be an integer/],
      ['sendmsg', [['x'], [[1, 2 ** 31, '']]], /RangeError: ancdata\[0\]: cmsg_type must be between/],
      ['sendmsg', [['x'], [[1, 2, 3]]], /TypeError: ancdata\[0\]: cmsg_data must be a string or bytes/],
      ['sendmsg', [['x'], [], 1.5], /TypeError: flags must be an integer/],
      ['sendmsg', [['x'], [], 0, 5], /TypeError: sendmsg: path must be a string or bytes/],
      ['recvmsg', [], /TypeError: bufsize must be an integer/],
      ['recvmsg', [-1], /RangeError: bufsize/],
      ['recvmsg', [2 ** 40], /RangeError: bufsize/],
      ['recvmsg', [1, -1], /RangeError: ancbufsize/],
      ['recvmsg', [1, 2 ** 31], /RangeError: ancbufsize/],
      ['recvmsg', [1, 0, 'x'], /TypeError: flags/],
      ['recvmsg_into', [Buffer.alloc(1)], /TypeError: buffers must be an array/],
      ['recvmsg_into', [['x']], /TypeError: buffers\[0\] must be bytes/],
      ['recvmsg_into', [[], -1], /RangeError: ancbufsize/],
    ];
    for (const [method, args, message] of fails) {
      const shown = (() => {
        try {
          return untyped[method]?.apply(a, args);
        } catch (error) {
          return String(error);
        }
      })();
      expect(shown, `${method}(${JSON.stringify(args)})`).toMatch(message);
    }
  });

  it('refuses detached buffers', () => {
    const detached = new Uint8Array(8);
    structuredClone(detached, { transfer: [detached.buffer] });
    expect(() => a.sendmsg([detached])).toThrow(/buffers\[0\] is detached/);
    expect(() => a.sendmsg(['x'], [[1, 1, detached]])).toThrow(/cmsg_data is detached/);
    expect(() => b.recvmsg_into([detached])).toThrow(/buffers\[0\] is detached/);
  });

  it('is no victim of descriptors that are none', () => {
    expect(() => a.sendmsg(['x'], [[SOL_SOCKET, SCM_RIGHTS, ints(99_999)]])).toThrow(code('EBADF'));
    expect(() => a.sendmsg(['x'], [[SOL_SOCKET, SCM_RIGHTS, ints(-1)]])).toThrow(code('EBADF'));
  });
});

describe('datagrams', () => {
  it('tell their sender and are sent to an address', () => {
    using a = new socket.socket(AF_INET, SOCK_DGRAM);
    using b = new socket.socket(AF_INET, SOCK_DGRAM);
    a.bind(['127.0.0.1', 0]);
    b.bind(['127.0.0.1', 0]);
    expect(a.sendmsg(['ab', 'c'], [], 0, b.getsockname())).toBe(3);
    const [data, ancdata, flags, address] = b.recvmsg(100);
    expect([data.toString(), ancdata, flags, address]).toEqual(['abc', [], 0, a.getsockname()]);
    a.sendmsg(['abc'], null, null, b.getsockname());
    const into = Buffer.alloc(2);
    expect(b.recvmsg_into([into])).toEqual([2, [], socket.MSG_TRUNC, a.getsockname()]);
  });

  it('that were cut tell it, and their length with MSG_TRUNC', () => {
    const [a, b] = socket.socketpair(AF_UNIX, SOCK_DGRAM);
    a.sendmsg(['abcdef']);
    expect(b.recvmsg(2)).toEqual([Buffer.from('ab'), [], socket.MSG_TRUNC, null]);
    a.sendmsg(['abcdef']);
    expect(b.recvmsg(2, 0, socket.MSG_TRUNC)[0].toString()).toBe('ab');
    a.sendmsg(['abcdef']);
    expect(b.recvmsg_into([Buffer.alloc(2)], 0, socket.MSG_TRUNC)[0]).toBe(6);
    a.close();
    b.close();
  });

  it('carry hop limit and destination over IPv6', (ctx) => {
    using a = new socket.socket(AF_INET6, SOCK_DGRAM);
    using b = new socket.socket(AF_INET6, SOCK_DGRAM);
    try {
      b.bind(['::1', 0]);
    } catch {
      ctx.skip('no IPv6 on the loopback interface');
    }
    b.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1);
    b.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1);
    a.sendmsg(['x'], [[socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT, ints(42)]], 0, b.getsockname());
    const [, ancdata] = b.recvmsg(1, CMSG_SPACE(4) + CMSG_SPACE(20));
    const hop_limit = ancdata.find(([, type]) => type === socket.IPV6_HOPLIMIT);
    expect(read_ints(hop_limit?.[2] as Buffer)).toEqual([42]);
    expect(ancdata.find(([, type]) => type === socket.IPV6_PKTINFO)?.[2]).toHaveLength(20);
  });

  it('of the error queue do not make the wait spin on ordinary data', () => {
    using a = new socket.socket(AF_INET, SOCK_DGRAM);
    a.bind(['127.0.0.1', 0]);
    a.settimeout(0.3 * slowness);
    a.sendto('x', a.getsockname());
    const before = process.cpuUsage();
    expect(() => a.recvmsg(10, 100, socket.MSG_ERRQUEUE)).toThrow(socket.TimeoutError);
    expect(process.cpuUsage(before).user + process.cpuUsage(before).system).toBeLessThan(150_000 * slowness);
  });
});

describe('CMSG_LEN, CMSG_SPACE', () => {
  it('count header and padding', () => {
    const header = CMSG_LEN(0);
    expect([12, 16]).toContain(header);
    expect(CMSG_LEN(5)).toBe(header + 5);
    expect(CMSG_SPACE(0)).toBe(header);
    expect(CMSG_SPACE(1)).toBe(CMSG_SPACE(4));
    expect(CMSG_SPACE(9)).toBeGreaterThanOrEqual(CMSG_LEN(9));
  });

  it('refuse what is no length', () => {
    for (const macro of [CMSG_LEN, CMSG_SPACE]) {
      expect(() => macro(-1)).toThrow(RangeError);
      expect(() => macro(2 ** 31)).toThrow(RangeError);
      expect(() => macro(0.5)).toThrow(TypeError);
    }
  });
});

describe('sendmsg_afalg', () => {
  it('refuses other families', () => {
    using sock = new socket.socket(AF_INET, SOCK_STREAM);
    expect(() => sock.sendmsg_afalg(['x'], { op: 0 })).toThrow(/ENOTSUP.*AF_ALG/);
  });

  it('encrypts', (ctx) => {
    let made: socket.socket<typeof socket.AF_ALG>;
    try {
      made = new socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET, 0);
      made.bind(['skcipher', 'cbc(aes)']);
    } catch {
      return ctx.skip('the kernel has no AF_ALG with cbc(aes)');
    }
    using algorithm = made;
    algorithm.setsockopt(socket.SOL_ALG, socket.ALG_SET_KEY, Buffer.alloc(16, 1));
    const [operation] = algorithm.accept();
    operation.sendmsg_afalg([Buffer.alloc(16, 2)], { op: socket.ALG_OP_ENCRYPT, iv: Buffer.alloc(16) });
    const encrypted = operation.recv(16);
    operation.sendmsg_afalg(null, {
      op: socket.ALG_OP_DECRYPT,
      iv: Buffer.alloc(16),
      flags: socket.MSG_MORE,
    });
    operation.sendmsg([encrypted]);
    expect(operation.recv(16)).toEqual(Buffer.alloc(16, 2));
    operation.close();
    expect(() => algorithm.sendmsg_afalg([], { op: -1 })).toThrow(RangeError);
    expect(() => algorithm.sendmsg_afalg([], { op: 0, assoclen: -1 })).toThrow(RangeError);
  });
});
