// Every mistake a caller can make with the class: a typed error that names the argument, never an abort, an over-read or
// a leak. One row a mistake; the peers' crashes are among them.
import { openSync } from 'node:fs';
import * as socket from 'bsd-sockets/socket';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { open_descriptors } from '../../descriptors.js';

let a: socket.socket<1>;
let b: socket.socket<1>;
let fds_before: number;
// What a JavaScript caller may pass although TypeScript forbids it.
const anything = (value: unknown): never => value as never;

beforeAll(() => {
  [a, b] = socket.socketpair();
  // The first wait makes what all later ones share: the watchdog's descriptors.
  b.send('x');
  a.recv(1);
  fds_before = open_descriptors();
  a.settimeout(1);
  b.settimeout(1);
});

afterAll(() => {
  expect(open_descriptors()).toBe(fds_before);
  a.close();
  b.close();
});

function detached(): Uint8Array {
  const bytes = new Uint8Array(16);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

describe('a wrong type is a TypeError', () => {
  test.each<[string, RegExp, () => unknown]>([
    ['send a number', /data must be a string or bytes/, () => a.send(anything(5))],
    ['send null', /data must be a string or bytes/, () => a.send(anything(null))],
    ['send an array', /data must be a string or bytes/, () => a.send(anything([1, 2]))],
    ['sendall an object', /data must be a string or bytes/, () => a.sendall(anything({}))],
    ['send detached bytes', /data is detached/, () => a.send(detached())],
    ['recv a string', /bufsize must be an integer/, () => a.recv(anything('1'))],
    ['recv nothing', /bufsize must be an integer/, () => a.recv(anything(undefined))],
    ['recv a fraction', /bufsize must be an integer, not 1.5/, () => a.recv(1.5)],
    ['recv NaN', /bufsize must be an integer, not NaN/, () => a.recv(Number.NaN)],
    ['recv with flags as text', /flags must be an integer/, () => a.recv(1, anything('x'))],
    ['recv_into a string', /buffer must be bytes/, () => a.recv_into(anything('x'))],
    ['recv_into detached bytes', /buffer is detached/, () => a.recv_into(detached())],
    [
      'recv_into with nbytes as text',
      /nbytes must be an integer/,
      () => a.recv_into(Buffer.alloc(4), anything('4')),
    ],
    [
      'bind a string to an INET socket',
      /address must be an array/,
      () => inet((s) => s.bind(anything('127.0.0.1:80'))),
    ],
    [
      'connect with one element',
      /address must have 2 elements \[host, port\], not 1/,
      () => inet((s) => s.connect(anything(['x']))),
    ],
    [
      'connect with a port as text',
      /port must be an integer/,
      () => inet((s) => s.connect(anything(['127.0.0.1', '80']))),
    ],
    [
      'connect with a host of null',
      /host must be a string/,
      () => inet((s) => s.connect(anything([null, 80]))),
    ],
    [
      'a host with a zero byte',
      /host must not contain a zero byte/,
      () => inet((s) => s.bind(['127.0.0.1\0x', 1])),
    ],
    [
      'bind an array to a UNIX socket',
      /path must be a string or bytes/,
      () => unix((s) => s.bind(anything(['x', 1]))),
    ],
    ['setsockopt an object', /value must be a string or bytes/, () => a.setsockopt(1, 2, anything({}))],
    ['setsockopt undefined', /value must be/, () => a.setsockopt(1, 2, anything(undefined))],
    [
      'setsockopt null without a length',
      /optlen must be an integer/,
      () => a.setsockopt(1, 2, null, anything(undefined)),
    ],
    ['setsockopt a value with a length', /optlen goes with/, () => a.setsockopt(1, 2, anything(1), 4)],
    ['getsockopt with names', /level must be an integer/, () => a.getsockopt(anything('SOL_SOCKET'), 3)],
    ['settimeout text', /timeout must be a number/, () => a.settimeout(anything('1'))],
    ['setblocking without a flag', /flag must be given/, () => a.setblocking(anything(undefined))],
    ['shutdown text', /how must be an integer/, () => a.shutdown(anything('both'))],
    ['listen to a fraction', /backlog must be an integer/, () => a.listen(1.5)],
    ['a family of text', /family must be an integer/, () => socket.socket(anything('AF_INET'))],
    ['a type of text', /type must be an integer/, () => socket.socket(socket.AF_INET, anything('stream'))],
    ['fromfd of text', /fd must be an integer/, () => socket.fromfd(anything('3'), socket.AF_INET, 1)],
    [
      'create_connection to text',
      /address must be an array/,
      () => socket.create_connection(anything('localhost:80')),
    ],
    [
      'create_server on text',
      /address must be an array/,
      () => socket.create_server(anything('localhost:80')),
    ],
    [
      'create_connection with null for options',
      /options must be an object with all_errors, happy_eyeballs_delay or proxy_header, not null/,
      () => socket.create_connection(['127.0.0.1', 1], null, null, anything(null)),
    ],
    [
      'create_server with a number for options',
      /options must be an object with family, .*, not 5/,
      () => socket.create_server(['127.0.0.1', 0], anything(5)),
    ],
    ['sendfile of text', /file must be a descriptor/, () => a.sendfile(anything('/etc/passwd'))],
    ['recv_exactly text', /n must be an integer/, () => a.recv_exactly(anything('x'))],
    [
      'attach_filter with a short row',
      /program\[0\] must have 4 elements/,
      () => a.attach_filter([anything([6, 0, 0])]),
    ],
    ['from_node of a plain object', /handle must be a net.Socket/, () => socket.from_node(anything({}))],
  ])('%s', (_what, message, call) => {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(message);
  });
});

describe('a value out of range is a RangeError', () => {
  test.each<[string, RegExp, () => unknown]>([
    ['recv a negative size', /bufsize must be between 0/, () => a.recv(-1)],
    ['recv 2 GiB', /bufsize must be between 0 and/, () => a.recv(2 ** 31)],
    ['recv an infinite size', /bufsize must be between 0/, () => a.recv(Number.POSITIVE_INFINITY)],
    ['recv 2^70', /bufsize must be between 0/, () => a.recv(anything(2n ** 70n))],
    [
      'recv_into more than fits',
      /nbytes is 64, but buffer has only 4 bytes/,
      () => a.recv_into(Buffer.alloc(4), 64),
    ],
    ['recvfrom_into more than fits', /nbytes is 9, but/, () => a.recvfrom_into(Buffer.alloc(8), 9)],
    ['recv_into a negative count', /nbytes must be between 0/, () => a.recv_into(Buffer.alloc(4), -1)],
    ['flags beyond a C int', /flags must be between/, () => a.send('x', 2 ** 31)],
    [
      'a port of 65536',
      /port must be between 0 and 65535, not 65536/,
      () => inet((s) => s.connect(['127.0.0.1', 65536])),
    ],
    ['a port of -1', /port must be between 0 and 65535/, () => inet((s) => s.bind(['127.0.0.1', -1]))],
    [
      'a path of 300 characters',
      /path too long \(300 bytes, at most 107\): "xxx/,
      () => unix((s) => s.bind('x'.repeat(300))),
    ],
    ['a path of 108 characters', /path too long/, () => unix((s) => s.bind('x'.repeat(108)))],
    ['an abstract name of 109 bytes', /path too long/, () => unix((s) => s.bind(Buffer.alloc(109)))],
    ['a path with a zero byte', /path with a zero byte: "a/, () => unix((s) => s.bind('a\0b'))],
    ['setsockopt beyond a C int', /value must be between/, () => a.setsockopt(1, 2, 2 ** 32)],
    ['setsockopt a bigint beyond 64 bits', /value must have 64 bits/, () => a.setsockopt(1, 2, 2n ** 64n)],
    ['getsockopt of a negative size', /buflen must be between/, () => a.getsockopt(1, 3, -1)],
    ['getsockopt of a megabyte', /buflen must be between/, () => a.getsockopt(1, 3, 2 ** 20)],
    ['a negative time-out', /timeout must be 0 to/, () => a.settimeout(-1)],
    ['a time-out of NaN', /timeout must be 0 to/, () => a.settimeout(Number.NaN)],
    ['an infinite time-out', /timeout must be 0 to/, () => a.settimeout(Number.POSITIVE_INFINITY)],
    [
      'a negative fileno',
      /^negative file descriptor: fileno is -1$/,
      () => socket.socket(null, null, null, -1),
    ],
    [
      'a raw address of one byte',
      /raw sockaddr must have 2 to 128 bytes/,
      () => family(3, (s) => s.bind(anything(Buffer.alloc(1)))),
    ],
    [
      'a raw address of 129 bytes',
      /raw sockaddr must have 2 to 128 bytes/,
      () => family(3, (s) => s.bind(anything(Buffer.alloc(129)))),
    ],
    ['an empty filter', /program must have 1 to 4096 rows/, () => a.attach_filter([])],
    [
      'a filter of 4097 rows',
      /program must have 1 to 4096 rows/,
      () => a.attach_filter(Array(4097).fill([6, 0, 0, 0])),
    ],
    ['a filter of words', /not the output of tcpdump -ddd/, () => a.attach_filter('hello')],
    ['sendfile from a negative offset', /offset must be between 0/, () => a.sendfile(0, -1)],
    ['sendfile of 0 bytes', /count must be between 1/, () => a.sendfile(0, 0, 0)],
    [
      'dual stack over IPv4',
      /requires family to be AF_INET6/,
      () => socket.create_server(['', 0], { dualstack_ipv6: true }),
    ],
  ])('%s', (_what, message, call) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
  });
});

describe('what the kernel refuses is an OSError with its code', () => {
  test('a closed socket', () => {
    const s = socket.socket();
    s.close();
    s.close();
    expect(s.fileno()).toBe(-1);
    for (const call of [
      () => s.recv(1),
      () => s.send('x'),
      () => s.bind(['', 0]),
      () => s.listen(),
      () => s.accept(),
      () => s.getsockname(),
      () => s.getsockopt(1, 3),
      () => s.settimeout(1),
      () => s.shutdown(2),
      () => s.dup(),
      () => s.get_inheritable(),
    ]) {
      expect(call).toThrow(expect.objectContaining({ code: 'EBADF', errno: 9 }));
    }
  });

  test('a closed socket whose number another one has', () => {
    const old = socket.socket();
    const fd = old.fileno();
    old.close();
    using other = socket.socket();
    expect(other.fileno()).toBe(fd);
    expect(() => old.getsockname()).toThrow(expect.objectContaining({ code: 'EBADF' }));
    expect(other.getsockname()).toEqual(['0.0.0.0', 0]);
  });

  test('a descriptor that is no socket', () => {
    const fd = openSync('/dev/null', 'r');
    expect(() => socket.socket(null, null, null, fd)).toThrow(expect.objectContaining({ code: 'ENOTSOCK' }));
    socket.close(fd);
    expect(() => socket.close(fd)).toThrow(expect.objectContaining({ code: 'EBADF' }));
    expect(() => socket.socket(null, null, null, 19_999)).toThrow(expect.objectContaining({ code: 'EBADF' }));
  });

  test('a family, a type, a protocol that are not there', () => {
    expect(() => socket.socket(44_444)).toThrow(expect.objectContaining({ code: 'EAFNOSUPPORT' }));
    expect(() => socket.socket(socket.AF_INET, 77)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(() => socket.socket(socket.AF_INET, socket.SOCK_STREAM, 200)).toThrow(
      expect.objectContaining({ code: 'EPROTONOSUPPORT' }),
    );
  });
});

test('no call reads or writes beyond the view it was given', () => {
  const memory = Buffer.alloc(16, '.');
  b.sendall('0123456789abcdef');
  expect(a.recv_into(memory.subarray(4, 8))).toBe(4);
  expect(memory.toString()).toBe('....0123........');
  expect(a.recv_into(new DataView(memory.buffer, memory.byteOffset + 10, 2))).toBe(2);
  expect(memory.toString()).toBe('....0123..45....');
  expect(a.recv(100).toString()).toBe('6789abcdef');
  a.sendall(new Uint16Array([0x4141, 0x4242]).subarray(1));
  expect(b.recv(100).toString()).toBe('BB');
});

test('views of shared and of resizable memory are bytes too', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(8));
  b.sendall('shared');
  expect(a.recv_into(shared)).toBe(6);
  expect(Buffer.from(shared).toString()).toBe('shared\0\0');
  a.sendall(new TextEncoder().encode('x').buffer);
  expect(b.recv(10).toString()).toBe('x');
});

function inet(body: (s: socket.socket<2>) => unknown): void {
  using s = socket.socket(socket.AF_INET);
  body(s);
}

function unix(body: (s: socket.socket<1>) => unknown): void {
  using s = socket.socket(socket.AF_UNIX);
  body(s);
}

/** A socket object of a family the kernel lacks: the checks of its addresses come first. */
function family(number: number, body: (s: socket.socket<number>) => unknown): void {
  using s = socket.fromfd<number>(a.fileno(), number, 1);
  body(s);
}
