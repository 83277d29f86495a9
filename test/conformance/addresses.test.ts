/**
 * Address forms of each family: what bind and connect take, what getsockname, getpeername and recvfrom give back.
 */
import { unlinkSync } from 'node:fs';
import * as socket from 'bsd-sockets/socket';
import { py, theme } from './harness.js';
import { ipv6, kernel } from './needs.js';
import {
  abstract,
  attempt,
  bound,
  bound_name,
  connected,
  keep,
  make,
  pair,
  path,
  peer_name,
  shape,
  udp_pair,
} from './stage.js';

const { scenario, staged } = theme('addresses');
const { AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, AF_PACKET, AF_VSOCK, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW } =
  socket;

staged(bound_name, [
  [AF_INET, ['', 0]],
  [AF_INET, ['127.0.0.1', 0]],
  [AF_INET, ['127.1', 0]],
  [AF_INET, ['2130706433', 0]],
  [AF_INET, ['0x7f.0.0.1', 0]],
  [AF_INET, ['0177.0.0.1', 0]],
  [AF_INET, ['0', 0]],
  [AF_INET, ['0.0.0.0', 0]],
  [AF_INET, ['localhost', 0]],
  [AF_INET, ['<broadcast>', 0]],
  [AF_INET, ['255.255.255.255', 0]],
  [AF_INET, ['127.255.255.254', 0]],
  [AF_INET, ['224.0.0.251', 0]],
  [AF_INET, ['198.51.100.7', 0]],
  [AF_INET, ['127.0.0.1', 0], SOCK_STREAM],
  [AF_INET, ['224.0.0.251', 0], SOCK_STREAM],
  [AF_INET, [Buffer.from('127.0.0.1'), 0]],
  [AF_INET, ['::1', 0]],
  [AF_INET, ['127.0.0.1\0', 0]],
  [AF_INET, ['127.0.0.1', 65536]],
  [AF_INET, ['127.0.0.1', 2 ** 40]],
  [AF_INET, ['127.0.0.1', -1]],
  [AF_INET, ['127.0.0.1', 1.5]],
  [AF_INET, ['127.0.0.1', Number.NaN]],
  [AF_INET, ['127.0.0.1', '80']],
  [AF_INET, ['127.0.0.1', null]],
  [AF_INET, ['127.0.0.1']],
  [AF_INET, ['127.0.0.1', 0, 0]],
  [AF_INET, []],
  [AF_INET, [1, 0]],
  [AF_INET, [null, 0]],
  [AF_INET, '127.0.0.1'],
  [AF_INET, Buffer.from('127.0.0.1')],
  [AF_INET, null],
  [AF_INET, 5],
]);

staged(
  bound_name,
  [
    [AF_INET6, ['::1', 0]],
    [AF_INET6, ['::1', 0, 0]],
    [AF_INET6, ['::1', 0, 0, 0]],
    [AF_INET6, ['', 0]],
    [AF_INET6, ['::', 0]],
    [AF_INET6, ['0:0:0:0:0:0:0:1', 0]],
    [AF_INET6, ['::ffff:127.0.0.1', 0]],
    [AF_INET6, ['::1', 0, 5, 0]],
    [AF_INET6, ['::1', 0, 0xfffff, 0]],
    [AF_INET6, ['::1', 0, 0, 1]],
    [AF_INET6, ['ff02::1', 0, 0, 1]],
    [AF_INET6, ['ff02::1%lo', 0]],
    [AF_INET6, ['ff02::1%1', 0]],
    [AF_INET6, ['ff02::1%lo', 0, 0, 0]],
    [AF_INET6, ['ff02::1%lo', 0, 0, 1]],
    [AF_INET6, ['fe80::1', 0]],
    [AF_INET6, ['fe80::1', 0, 0, 4242]],
    [AF_INET6, ['2001:db8::1', 0]],
    [AF_INET6, ['127.0.0.1', 0]],
    [AF_INET6, ['<broadcast>', 0]],
    [AF_INET6, [Buffer.from('::1'), 0]],
    [AF_INET6, ['::1', 65536]],
    [AF_INET6, ['::1', -1]],
    [AF_INET6, ['::1', 0, 0x100000]],
    [AF_INET6, ['::1', 0, -1]],
    [AF_INET6, ['::1', 0, 1.5]],
    [AF_INET6, ['::1', 0, 'x']],
    [AF_INET6, ['::1', 0, 0, 'lo']],
    [AF_INET6, ['::1', 0, 0, 1.5]],
    [AF_INET6, ['::1', 0, 0, 0, 0]],
    [AF_INET6, ['::1']],
    [AF_INET6, '::1'],
    [AF_INET6, null],
  ],
  ipv6,
);

staged(peer_name, [
  [AF_INET, ['127.0.0.1', 9]],
  [AF_INET, ['', 9]],
  [AF_INET, ['localhost', 9]],
  [AF_INET, ['127.1', 9]],
  [AF_INET, ['127.0.0.1', 0]],
  [AF_INET, ['127.0.0.1', 65536]],
  [AF_INET, ['<broadcast>', 9]],
  [AF_INET, ['255.255.255.255', 9]],
]);
staged(
  peer_name,
  [
    [AF_INET6, ['::1', 9]],
    [AF_INET6, ['', 9]],
    [AF_INET6, ['::1', 9, 5, 0]],
    [AF_INET6, ['::ffff:127.0.0.1', 9]],
    [AF_INET6, ['::1', 9, 0, 1]],
    [AF_INET6, ['fe80::1', 9]],
  ],
  ipv6,
);

staged(bound_name, [
  [AF_UNIX, ['path', 0]],
  [AF_UNIX, 5],
  [AF_UNIX, null],
  [AF_UNIX, '/nosuch/folder/socket'],
]);

scenario(
  'UNIX: a path as string comes back as string',
  py`
    sock = make(socket.AF_UNIX, socket.SOCK_DGRAM)
    where = path('s')
    sock.bind(where)
    return [sock.getsockname(), sock.getsockname() == where]
  `,
  () => {
    const sock = make(AF_UNIX, SOCK_DGRAM);
    const where = path('s');
    sock.bind(where);
    return [sock.getsockname(), sock.getsockname() === where];
  },
);

scenario(
  'UNIX: a path as bytes comes back as string',
  py`
    sock = make(socket.AF_UNIX)
    sock.bind(path('b').encode())
    return sock.getsockname()
  `,
  () => {
    const sock = make(AF_UNIX);
    sock.bind(Buffer.from(path('b')));
    return sock.getsockname();
  },
);

scenario(
  'UNIX: a path of 107 bytes fits, longer ones do not',
  py`
    results = []
    for length in (107, 108, 109, 300):
        sock = make(socket.AF_UNIX)
        where = path('').ljust(length, 'x')
        results.append(attempt(lambda: sock.bind(where)))
        results.append(len(sock.getsockname()))
    return results
  `,
  () =>
    [107, 108, 109, 300].flatMap((length) => {
      const sock = make(AF_UNIX);
      const where = path('').padEnd(length, 'x');
      const outcome = attempt(() => sock.bind(where));
      return [outcome, sock.getsockname()?.length];
    }),
);

scenario(
  'UNIX: an abstract name of 108 bytes fits, a longer one does not',
  py`
    fits = make(socket.AF_UNIX).bind(abstract('n').ljust(108, b'x'))
    return [fits, attempt(lambda: make(socket.AF_UNIX).bind(abstract('n').ljust(109, b'x')))]
  `,
  () => {
    const name = Buffer.concat([abstract('n'), Buffer.alloc(109, 'x')]);
    const fits = make(AF_UNIX).bind(name.subarray(0, 108));
    return [fits, attempt(() => make(AF_UNIX).bind(name.subarray(0, 109)))];
  },
);

scenario(
  'UNIX: a non-ASCII path, and one that is not UTF-8',
  py`
    sock, other = make(socket.AF_UNIX), make(socket.AF_UNIX)
    sock.bind(path('bücher'))
    other.bind(path('x').encode() + b'\xff')
    return [sock.getsockname(), other.getsockname()]
  `,
  () => {
    const [sock, other] = [make(AF_UNIX), make(AF_UNIX)];
    sock.bind(path('bücher'));
    other.bind(Buffer.concat([Buffer.from(path('x')), Buffer.of(0xff)]));
    return [sock.getsockname(), other.getsockname()];
  },
);

scenario('UNIX: a zero byte within a path', py`return make(socket.AF_UNIX).bind(path('a') + '\0b')`, () =>
  make(AF_UNIX).bind(`${path('a')}\0b`),
);

scenario(
  'UNIX: unnamed sockets: getsockname, getpeername, the source of a datagram',
  py`
    a, b = pair(socket.SOCK_DGRAM)
    a.send(b'x')
    return [a.getsockname(), a.getpeername(), b.recvfrom(5), make(socket.AF_UNIX).getsockname()]
  `,
  () => {
    const [a, b] = pair(SOCK_DGRAM);
    a.send('x');
    return [a.getsockname(), a.getpeername(), b.recvfrom(5), make(AF_UNIX).getsockname()];
  },
);

scenario(
  'UNIX: binding to the empty name picks an abstract one',
  py`
    sock = make(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind('')
    name = sock.getsockname()
    return [len(name), name[0]]
  `,
  () => {
    const sock = make(AF_UNIX, SOCK_DGRAM);
    sock.bind('');
    const name = sock.getsockname();
    return Buffer.isBuffer(name) ? [name.length, name[0]] : name;
  },
);

scenario(
  'UNIX: abstract names keep their exact length, zero bytes included',
  py`
    results = []
    for name in (abstract('n'), abstract('n\0'), abstract('n\0\0x'), abstract('').ljust(108, b'\0')):
        sock = make(socket.AF_UNIX, socket.SOCK_DGRAM)
        sock.bind(name)
        results.append([sock.getsockname(), sock.getsockname() == name, len(name)])
    return results
  `,
  () =>
    [
      abstract('n'),
      abstract('n\0'),
      abstract('n\0\0x'),
      Buffer.concat([abstract(''), Buffer.alloc(108)]).subarray(0, 108),
    ].map((name) => {
      const sock = make(AF_UNIX, SOCK_DGRAM);
      sock.bind(name);
      const got = sock.getsockname();
      return [got, Buffer.isBuffer(got) && got.equals(name), name.length];
    }),
);

scenario(
  'UNIX: an abstract name as string, and the one name in use twice',
  py`
    sock, other = make(socket.AF_UNIX), make(socket.AF_UNIX)
    sock.bind(abstract('s').decode())
    return [sock.getsockname(), attempt(lambda: other.bind(abstract('s')))]
  `,
  () => {
    const [sock, other] = [make(AF_UNIX), make(AF_UNIX)];
    sock.bind(abstract('s').toString());
    return [sock.getsockname(), attempt(() => other.bind(abstract('s')))];
  },
);

scenario(
  'UNIX: accept and recvfrom give the peer its name, or none',
  py`
    server = make(socket.AF_UNIX)
    where = path('server')
    server.bind(where)
    server.listen()
    unnamed, named = make(socket.AF_UNIX), make(socket.AF_UNIX)
    named.bind(abstract('client'))
    results = []
    for client in (unnamed, named):
        client.connect(where)
        conn, address = server.accept()
        keep(conn)
        results.append([address, conn.getsockname(), conn.getpeername(), client.getpeername()])
    return results
  `,
  () => {
    const server = make(AF_UNIX);
    const where = path('server');
    server.bind(where);
    server.listen();
    const [unnamed, named] = [make(AF_UNIX), make(AF_UNIX)];
    named.bind(abstract('client'));
    return [unnamed, named].map((client) => {
      client.connect(where);
      const [conn, address] = server.accept();
      keep(conn);
      return [address, conn.getsockname(), conn.getpeername(), client.getpeername()];
    });
  },
);

scenario(
  'UNIX: connecting to a path that is not there, that is in use, that nobody listens on',
  py`
    sock, other, third = make(socket.AF_UNIX), make(socket.AF_UNIX), make(socket.AF_UNIX)
    where = path('used')
    missing = attempt(lambda: sock.connect(where))
    other.bind(where)
    used = attempt(lambda: third.bind(where))
    refused = attempt(lambda: sock.connect(where))
    other.close()
    os.unlink(where)
    return [missing, used, refused, attempt(lambda: sock.connect(where))]
  `,
  () => {
    const [sock, other, third] = [make(AF_UNIX), make(AF_UNIX), make(AF_UNIX)];
    const where = path('used');
    const missing = attempt(() => sock.connect(where));
    other.bind(where);
    const used = attempt(() => third.bind(where));
    const refused = attempt(() => sock.connect(where));
    other.close();
    unlinkSync(where);
    return [missing, used, refused, attempt(() => sock.connect(where))];
  },
);

scenario(
  'names of both ends of a TCP connection',
  py`
    client, conn = connected()
    return [client.getsockname() == conn.getpeername(), conn.getsockname() == client.getpeername(),
            shape(client.getsockname())]
  `,
  () => {
    const [client, conn] = connected();
    const [name, peer] = [client.getsockname(), client.getpeername()];
    return [
      String(name) === String(conn.getpeername()),
      String(conn.getsockname()) === String(peer),
      shape(name),
    ];
  },
);

scenario(
  'recvfrom: the source of a datagram, and none on a stream',
  py`
    a, b = bound(), bound()
    a.sendto(b'x', b.getsockname())
    data, address = b.recvfrom(10)
    client, conn = connected()
    client.sendall(b'y')
    return [data, address == a.getsockname(), shape(address), conn.recvfrom(10)]
  `,
  () => {
    const [a, b] = [bound(), bound()];
    a.sendto('x', b.getsockname());
    const [data, address] = b.recvfrom(10);
    const [client, conn] = connected();
    client.sendall('y');
    return [data, String(address) === String(a.getsockname()), shape(address), conn.recvfrom(10)];
  },
);

scenario(
  'recvfrom: an IPv6 source has four parts',
  py`
    a, b = udp_pair('::1')
    a.send(b'x')
    return [shape(b.recvfrom(5)[1]), shape(a.getpeername())]
  `,
  () => {
    const [a, b] = udp_pair('::1');
    a.send('x');
    return [shape(b.recvfrom(5)[1]), shape(a.getpeername())];
  },
  ipv6,
);

scenario(
  'getsockname before anything else, by family',
  py`
    return [shape(make(family, socket.SOCK_DGRAM).getsockname())
            for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX)]
  `,
  () => [AF_INET, AF_INET6, AF_UNIX].map((family) => shape(make(family, SOCK_DGRAM).getsockname())),
  ipv6,
);

staged(
  bound_name,
  [[0], [0, 0, 0], ['x', 0], [0, 1.5], '0', null].map((address) => [AF_NETLINK, address, SOCK_RAW]),
  kernel('AF_NETLINK', AF_NETLINK, SOCK_RAW),
);

scenario(
  'NETLINK: the kernel gives a socket bound to 0 an id of its own',
  py`
    a, b = make(socket.AF_NETLINK, socket.SOCK_RAW), make(socket.AF_NETLINK, socket.SOCK_RAW)
    before = a.getsockname()
    a.bind((0, 0))
    b.bind((0, 3))
    taken = attempt(lambda: make(socket.AF_NETLINK, socket.SOCK_RAW).bind(a.getsockname()))
    return [before, a.getsockname()[0] > 0, a.getsockname()[1], b.getsockname()[1],
            a.getsockname() != b.getsockname(), taken]
  `,
  () => {
    const [a, b] = [make(AF_NETLINK, SOCK_RAW), make(AF_NETLINK, SOCK_RAW)];
    const before = a.getsockname();
    a.bind([0, 0]);
    b.bind([0, 3]);
    const taken = attempt(() => make(AF_NETLINK, SOCK_RAW).bind(a.getsockname()));
    const [name, other] = [a.getsockname(), b.getsockname()];
    return [before, name[0] > 0, name[1], other[1], name[0] !== other[0], taken];
  },
  kernel('AF_NETLINK', AF_NETLINK, SOCK_RAW),
);

staged(
  bound_name,
  [
    ['lo', 0],
    ['lo', 3],
    ['lo', 0x0800],
    ['lo', 0x0800, 4],
    ['lo', 3, 0, 1],
    ['lo', 3, 0, 0, Buffer.from('0123456789ab', 'hex')],
    ['nosuch', 3],
    ['', 3],
    ['an-interface-name-that-is-too-long', 3],
    ['lo', 65536],
    ['lo', -1],
    ['lo', 3, 256],
    ['lo', 3, 0, 65536],
    ['lo', 3, 0, 0, Buffer.alloc(9)],
    ['lo', 3, 0, 0, Buffer.alloc(8), 0],
    ['lo'],
    [5, 3],
    ['lo', 'ip'],
    'lo',
    null,
  ].map((address) => [AF_PACKET, address, SOCK_RAW]),
  kernel('AF_PACKET', AF_PACKET, SOCK_RAW),
);

staged(
  bound_name,
  [
    [2, 5],
    [12345, 5],
    [0, 2 ** 32],
    [2 ** 32, 0],
    [-1, 0],
    [1],
    [1, 2, 3],
    ['x', 1],
    [1, 1.5],
    'x',
    null,
  ].map((address) => [AF_VSOCK, address, SOCK_STREAM]),
  kernel('AF_VSOCK', AF_VSOCK, SOCK_STREAM),
);
