// Name resolution: what is found in /etc/hosts, /etc/services and numbers, the errors, and misuse. What hangs is in
// test/threads/lookups.test.ts; the comparison with Python in test/conformance.
import { readdirSync } from 'node:fs';
import { hostname } from 'node:os';
import * as socket from 'bsd-sockets/socket';
import { describe, expect, test } from 'vitest';
import { is_glibc } from '../../machine.js';

const { AF_INET, AF_INET6, SOCK_STREAM, SOCK_DGRAM, IPPROTO_TCP, IPPROTO_UDP } = socket;
/** The canonical name of numeric hosts that nobody has asked for: musl gives the host. */
const unasked = (host: string | Buffer | null) => (is_glibc ? '' : (host ?? '').toString());
const has_ipv6 = readdirSync('/proc/net').includes('if_inet6');
const unknown = (value: unknown): never => value as never;

describe('getaddrinfo', () => {
  test('gives a row for each type', () => {
    const host = '127.0.0.1';
    const rows = socket.getaddrinfo(host, 80);
    expect(rows.slice(0, 2)).toEqual([
      [AF_INET, SOCK_STREAM, IPPROTO_TCP, unasked(host), [host, 80]],
      [AF_INET, SOCK_DGRAM, IPPROTO_UDP, unasked(host), [host, 80]],
    ]);
    expect(rows.slice(2)).toEqual(is_glibc ? [[AF_INET, socket.SOCK_RAW, 0, '', [host, 80]]] : []);
  });

  test.each([
    ['a name', 'localhost', 80, '127.0.0.1', 80],
    ['a short form', '127.1', 80, '127.0.0.1', 80],
    ['a hexadecimal form', '0x7f000001', 80, '127.0.0.1', 80],
    ['a port as text', '127.0.0.1', '8080', '127.0.0.1', 8080],
    ['a port as bigint', '127.0.0.1', 8080n, '127.0.0.1', 8080],
    ['a service', '127.0.0.1', 'http', '127.0.0.1', 80],
    ['bytes', Buffer.from('127.0.0.1'), Buffer.from('http'), '127.0.0.1', 80],
    ['no port', '127.0.0.1', null, '127.0.0.1', 0],
    ['no host', null, 80, '127.0.0.1', 80],
  ])('takes %s', (_what, host, port, address, number) => {
    expect(socket.getaddrinfo(host, port, AF_INET, SOCK_STREAM)).toEqual([
      [AF_INET, SOCK_STREAM, IPPROTO_TCP, unasked(host), [address, number]],
    ]);
  });

  test('narrows by type and protocol', () => {
    expect(socket.getaddrinfo('127.0.0.1', 53, 0, SOCK_DGRAM)).toHaveLength(1);
    expect(socket.getaddrinfo('127.0.0.1', 53, 0, 0, IPPROTO_TCP)).toHaveLength(1);
    expect(socket.getaddrinfo('127.0.0.1', 53, null, undefined, null, 0)).toHaveLength(is_glibc ? 3 : 2);
  });

  test('knows flags', () => {
    const canonical = socket.getaddrinfo('localhost', 1, AF_INET, SOCK_STREAM, 0, socket.AI_CANONNAME);
    expect(canonical[0]?.[3]).toBe('localhost');
    const passive = socket.getaddrinfo(null, 1, AF_INET, SOCK_STREAM, 0, socket.AI_PASSIVE);
    expect(passive[0]?.[4]).toEqual(['0.0.0.0', 1]);
  });

  test.skipIf(!has_ipv6)('gives four fields for IPv6, the scope as a number', () => {
    const host = 'fe80::1%lo';
    const [row] = socket.getaddrinfo(host, 80, 0, SOCK_STREAM);
    expect(row).toEqual([
      AF_INET6,
      SOCK_STREAM,
      IPPROTO_TCP,
      unasked(host),
      ['fe80::1', 80, 0, socket.if_nametoindex('lo')],
    ]);
  });

  test.each([
    [
      'an address of another family',
      ['::1', 80, AF_INET],
      is_glibc ? socket.EAI_ADDRFAMILY : socket.EAI_NONAME,
    ],
    ['neither host nor port', [null, null], socket.EAI_NONAME],
    ['an empty host', ['', 80], socket.EAI_NONAME],
    ['a service that is not there', ['127.0.0.1', 'no-such-service'], socket.EAI_SERVICE],
    ['an unknown family', ['127.0.0.1', 80, 99], socket.EAI_FAMILY],
    ['an unknown type', ['127.0.0.1', 80, 0, 99], is_glibc ? socket.EAI_SOCKTYPE : socket.EAI_SERVICE],
    ['unknown flags', ['127.0.0.1', 80, 0, 0, 0, 0x40000000], socket.EAI_BADFLAGS],
    [
      'a name where only numbers may be',
      ['localhost', 80, 0, 0, 0, socket.AI_NUMERICHOST],
      socket.EAI_NONAME,
    ],
  ] as const)('%s is a gaierror', (_what, [host, port, ...hints], number) => {
    const call = () => socket.getaddrinfo(host, port, ...hints);
    expect(call).toThrow(socket.gaierror);
    expect(call).toThrow(expect.objectContaining({ errno: number }));
  });

  test.each([
    ['a number as host', [5, 80], TypeError],
    ['an object as host', [{}, 80], TypeError],
    ['a zero byte in the host', ['a\0b', 80], TypeError],
    ['a zero byte in the host as bytes', [Buffer.from('a\0b'), 80], TypeError],
    ['a zero byte in the service', ['127.0.0.1', 'a\0b'], RangeError],
    ['an object as port', ['127.0.0.1', {}], TypeError],
    ['a fraction as port', ['127.0.0.1', 1.5], TypeError],
    ['a negative port', ['127.0.0.1', -1], RangeError],
    ['a port too high', ['127.0.0.1', 65536], RangeError],
    ['a bigint port too high', ['127.0.0.1', 2n ** 70n], RangeError],
    ['a family that is no integer', ['127.0.0.1', 80, 'x'], TypeError],
    ['flags beyond a C int', ['127.0.0.1', 80, 0, 0, 0, 2 ** 31], RangeError],
    ['an empty label', ['a..b', 80], RangeError],
    ['a label too long', [`${'a'.repeat(64)}.b`, 80], RangeError],
    ['a name that IDNA cannot encode', ['é/x', 80], RangeError],
  ])('%s is refused', (_what, args, error) => {
    expect(() => Reflect.apply(socket.getaddrinfo, undefined, args)).toThrow(error);
  });

  test('a host of a million characters is refused', () => {
    expect(() => socket.getaddrinfo('a.'.repeat(500_000), 80)).toThrow(socket.gaierror);
  });

  test('takes names outside ASCII', () => {
    const numeric = () => socket.getaddrinfo('bücher.invalid', 80, 0, 0, 0, socket.AI_NUMERICHOST);
    expect(numeric).toThrow(socket.gaierror);
    // IDNA maps full-width digits.
    expect(socket.getaddrinfo('１２７.0.0.1', 80, 0, SOCK_STREAM)[0]?.[4]).toEqual(['127.0.0.1', 80]);
  });
});

describe('getnameinfo', () => {
  const numeric = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV;

  test('finds names, or gives numbers', () => {
    expect(socket.getnameinfo(['127.0.0.1', 80], 0)).toEqual(['localhost', 'http']);
    expect(socket.getnameinfo(['127.0.0.1', 80], numeric)).toEqual(['127.0.0.1', '80']);
    expect(socket.getnameinfo(['::1', 80], numeric)).toEqual(['::1', '80']);
    expect(socket.getnameinfo(['::1', 80, 0, 0], numeric)).toEqual(['::1', '80']);
  });

  test.skipIf(!has_ipv6)('keeps the scope of either form', () => {
    expect(socket.getnameinfo(['fe80::1', 80, 0, socket.if_nametoindex('lo')], numeric)[0]).toBe(
      'fe80::1%lo',
    );
    expect(socket.getnameinfo(['fe80::1%lo', 80], numeric)[0]).toBe('fe80::1%lo');
  });

  test.each([
    ['a name', [['localhost', 80], 0], socket.gaierror],
    ['an empty host', [['', 80], 0], socket.gaierror],
    ['four fields for IPv4', [['127.0.0.1', 80, 0, 0], 0], socket.OSError],
    ['no array', ['127.0.0.1', 0], TypeError],
    ['one field', [['127.0.0.1'], 0], TypeError],
    ['five fields', [['::1', 80, 0, 0, 0], 0], TypeError],
    ['a port as text', [['127.0.0.1', '80'], 0], TypeError],
    ['a port too high', [['127.0.0.1', 65536], 0], RangeError],
    ['flowinfo too high', [['::1', 80, 2 ** 20], 0], RangeError],
    ['no flags', [['127.0.0.1', 80]], TypeError],
  ])('%s is refused', (_what, args, error) => {
    expect(() => Reflect.apply(socket.getnameinfo, undefined, args)).toThrow(error);
  });
});

describe('gethostbyname', () => {
  test.each([
    ['localhost', '127.0.0.1'],
    ['127.0.0.1', '127.0.0.1'],
    ['127.1', '127.0.0.1'],
    ['', '0.0.0.0'],
    ['<broadcast>', '255.255.255.255'],
    ['255.255.255.255', '255.255.255.255'],
  ])('%j is %s', (name, address) => {
    expect(socket.gethostbyname(name)).toBe(address);
  });

  test('takes bytes', () => {
    expect(socket.gethostbyname(Buffer.from('localhost'))).toBe('127.0.0.1');
  });

  test('an IPv6 address is a gaierror', () => {
    expect(() => socket.gethostbyname('::1')).toThrow(socket.gaierror);
  });

  test.each([[undefined], [null], [5], [{}], ['a\0b']])('%j is refused', (name) => {
    expect(() => socket.gethostbyname(unknown(name))).toThrow(TypeError);
  });
});

describe('gethostbyname_ex and gethostbyaddr', () => {
  test('give name, aliases and addresses', () => {
    expect(socket.gethostbyname_ex('localhost')).toEqual(['localhost', expect.any(Array), ['127.0.0.1']]);
    expect(socket.gethostbyaddr('127.0.0.1')).toEqual(['localhost', expect.any(Array), ['127.0.0.1']]);
    expect(socket.gethostbyaddr('localhost')[2]).toEqual(['127.0.0.1']);
  });

  test('say what is wrong as Python does', () => {
    expect(() => socket.gethostbyname_ex('::1')).toThrow(socket.gaierror);
    expect(() => socket.gethostbyaddr('')).toThrow(/wildcard resolved to multiple address/);
    expect(() => socket.gethostbyname_ex(unknown(5))).toThrow(TypeError);
    expect(() => socket.gethostbyaddr(unknown(null))).toThrow(TypeError);
  });
});

describe('services and protocols', () => {
  test('by name and number', () => {
    expect(socket.getservbyname('http')).toBe(80);
    expect(socket.getservbyname('http', 'tcp')).toBe(80);
    expect(socket.getservbyname('http', null)).toBe(80);
    expect(socket.getservbyport(80)).toBe('http');
    expect(socket.getservbyport(53, 'udp')).toBe('domain');
    expect(socket.getprotobyname('tcp')).toBe(6);
    expect(socket.getprotobyname('icmp')).toBe(1);
  });

  test.each([
    { call: socket.getservbyname, args: ['no-such-service'], error: 'service/proto not found' },
    { call: socket.getservbyname, args: ['http', 'no-such-protocol'], error: 'service/proto not found' },
    { call: socket.getservbyname, args: [''], error: 'service/proto not found' },
    { call: socket.getservbyport, args: [80, 'no-such-protocol'], error: 'port/proto not found' },
    { call: socket.getprotobyname, args: ['no-such-protocol'], error: 'protocol not found' },
    { call: socket.getprotobyname, args: [''], error: 'protocol not found' },
  ])('$call.name does not find $args', ({ call, args, error }) => {
    expect(() => Reflect.apply(call, undefined, args)).toThrow(socket.OSError);
    expect(() => Reflect.apply(call, undefined, args)).toThrow(error);
  });

  test.each([
    { call: socket.getservbyname, args: [5], error: TypeError },
    { call: socket.getservbyname, args: ['a\0b'], error: RangeError },
    { call: socket.getservbyname, args: ['http', 5], error: TypeError },
    { call: socket.getservbyport, args: ['80'], error: TypeError },
    { call: socket.getservbyport, args: [-1], error: RangeError },
    { call: socket.getservbyport, args: [65536], error: RangeError },
    { call: socket.getservbyport, args: [80.5], error: TypeError },
    { call: socket.getprotobyname, args: [5], error: TypeError },
    { call: socket.getprotobyname, args: ['tcp\0'], error: RangeError },
  ])('$call.name refuses $args', ({ call, args, error }) => {
    expect(() => Reflect.apply(call, undefined, args)).toThrow(error);
  });

  test('a name longer than any entry is not found', () => {
    expect(() => socket.getservbyname('x'.repeat(100_000))).toThrow(socket.OSError);
    expect(() => socket.getprotobyname('x'.repeat(100_000))).toThrow(socket.OSError);
  });
});

describe('the name of this host', () => {
  test('gethostname', () => {
    expect(socket.gethostname()).toBe(hostname());
  });

  test('getfqdn falls back to the name it was given', () => {
    expect(socket.getfqdn('127.0.0.1').length).toBeGreaterThan(0);
    expect(socket.getfqdn(' fe80::1%no-such-interface ')).toBe('fe80::1%no-such-interface');
    expect(socket.getfqdn().length).toBeGreaterThan(0);
    expect(() => socket.getfqdn(unknown(5))).toThrow(TypeError);
  });

  test('sethostname refuses what is no name', () => {
    expect(() => socket.sethostname(unknown(5))).toThrow(TypeError);
    // Longer than the kernel's 64 bytes, so that nothing is changed where it is allowed.
    expect(() => socket.sethostname('x'.repeat(65))).toThrow(socket.OSError);
  });
});

describe('hosts in addresses', () => {
  test.each([
    ['localhost', '127.0.0.1'],
    ['', '0.0.0.0'],
    ['127.1', '127.0.0.1'],
  ])('%j binds %s', (host, address) => {
    using sock = socket.socket(AF_INET, SOCK_DGRAM);
    sock.bind([host, 0]);
    expect(sock.getsockname()[0]).toBe(address);
  });

  test.skipIf(!has_ipv6)('an IPv6 scope may stand in the host', () => {
    using sock = socket.socket(AF_INET6, SOCK_DGRAM);
    // Not an address of this host, so the error tells that it was understood.
    expect(() => sock.bind(['fe80::1%lo', 0])).toThrow(expect.objectContaining({ code: 'EADDRNOTAVAIL' }));
    expect(() => sock.bind(['fe80::1%no-such-interface', 0])).toThrow(socket.gaierror);
    sock.bind(['', 0]);
    expect(sock.getsockname()[0]).toBe('::');
  });

  test('a broadcast address for IPv6, and names that are none, are refused', () => {
    using sock = socket.socket(AF_INET6, SOCK_DGRAM);
    expect(() => sock.bind(['<broadcast>', 0])).toThrow(/address family mismatched/);
    using other = socket.socket(AF_INET, SOCK_DGRAM);
    expect(() => other.bind(['::1', 0])).toThrow(socket.gaierror);
    expect(() => other.bind(['é/x', 0])).toThrow(RangeError);
  });
});
