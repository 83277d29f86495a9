/**
 * Errors: which class, which errno, for what the kernel refuses; use after close; a descriptor that is no socket.
 */
import * as socket from 'bsd-sockets/socket';
import { is_open } from '../descriptors.js';
import { py, theme } from './harness.js';
import { ipv6 } from './needs.js';
import {
  attempt,
  bound,
  connected,
  content,
  file_fd,
  ints,
  keep,
  listener,
  make,
  pair,
  path,
  udp_pair,
} from './stage.js';

const { scenario } = theme('errors');
const { AF_INET, AF_INET6, AF_UNIX, SOCK_STREAM, SOCK_DGRAM, SOL_SOCKET, SO_LINGER } = socket;

scenario(
  'connection refused: TCP, and a connected UDP socket told so by ICMP',
  py`
    server = listener()
    address = server.getsockname()
    server.close()
    probe = bound()
    gone = probe.getsockname()
    probe.close()
    udp = bound()
    udp.connect(gone)
    udp.send(b'x')
    return [attempt(lambda: make().connect(address)), attempt(lambda: udp.recv(1)), udp.connect_ex(gone)]
  `,
  () => {
    const server = listener();
    const address = server.getsockname();
    server.close();
    const probe = bound();
    const gone = probe.getsockname();
    probe.close();
    const udp = bound();
    udp.connect(gone);
    udp.send('x');
    return [attempt(() => make().connect(address)), attempt(() => udp.recv(1)), udp.connect_ex(gone)];
  },
);

scenario(
  'address in use, address not available, bound twice',
  py`
    server = listener()
    address = server.getsockname()
    return [attempt(lambda: make().bind(address)), attempt(lambda: make().bind(('198.51.100.1', 0))),
            attempt(lambda: server.bind(('127.0.0.1', 0)))]
  `,
  () => {
    const server = listener();
    const address = server.getsockname();
    return [
      attempt(() => make().bind(address)),
      attempt(() => make().bind(['198.51.100.1', 0])),
      attempt(() => server.bind(['127.0.0.1', 0])),
    ];
  },
);

scenario(
  'not connected: TCP',
  py`
    sock = make()
    return [attempt(sock.getpeername), attempt(lambda: sock.recv(1)), attempt(lambda: sock.send(b'x')),
            attempt(lambda: sock.sendall(b'x')), attempt(lambda: sock.shutdown(socket.SHUT_RDWR)),
            attempt(lambda: sock.recvfrom(1)), attempt(lambda: sock.sendmsg([b'x']))]
  `,
  () => {
    const sock = make();
    return [
      attempt(() => sock.getpeername()),
      attempt(() => sock.recv(1)),
      attempt(() => sock.send('x')),
      attempt(() => sock.sendall('x')),
      attempt(() => sock.shutdown(socket.SHUT_RDWR)),
      attempt(() => sock.recvfrom(1)),
      attempt(() => sock.sendmsg(['x'])),
    ];
  },
);

scenario(
  'not connected: UDP, UNIX datagram and stream',
  py`
    udp, unix, stream = make(type=socket.SOCK_DGRAM), make(socket.AF_UNIX, socket.SOCK_DGRAM), make(socket.AF_UNIX)
    return [[attempt(sock.getpeername), attempt(lambda: sock.send(b'x')),
             attempt(lambda: sock.shutdown(socket.SHUT_RD))] for sock in (udp, unix, stream)]
  `,
  () => {
    const socks = [make(AF_INET, SOCK_DGRAM), make(AF_UNIX, SOCK_DGRAM), make(AF_UNIX)];
    return socks.map((sock) => [
      attempt(() => sock.getpeername()),
      attempt(() => sock.send('x')),
      attempt(() => sock.shutdown(socket.SHUT_RD)),
    ]);
  },
);

scenario(
  'accept and listen where they make no sense',
  py`
    udp, sock, (client, conn) = bound(), make(), connected()
    for one in (udp, conn):
        one.settimeout(None)
    return [attempt(udp.accept), attempt(udp.listen), attempt(sock.accept), attempt(conn.accept), attempt(conn.listen)]
  `,
  () => {
    const [udp, sock, [, conn]] = [bound(), make(), connected()];
    for (const one of [udp, conn]) one.settimeout(null);
    return [
      attempt(() => udp.accept()),
      attempt(() => udp.listen()),
      attempt(() => sock.accept()),
      attempt(() => conn.accept()),
      attempt(() => conn.listen()),
    ];
  },
);

scenario(
  'already connected: connect again, sendto on a stream',
  py`
    client, conn = connected()
    address = client.getpeername()
    return [attempt(lambda: client.connect(address)), client.connect_ex(address),
            attempt(lambda: client.sendto(b'x', address))]
  `,
  () => {
    const [client] = connected();
    const address = client.getpeername();
    return [
      attempt(() => client.connect(address)),
      client.connect_ex(address),
      attempt(() => client.sendto('x', address)),
    ];
  },
);

scenario(
  'sendto on UNIX sockets that are connected: stream, datagram',
  py`
    a, b = pair()
    c, d = pair(socket.SOCK_DGRAM)
    return [attempt(lambda: a.sendto(b'x', '/nowhere')), attempt(lambda: c.sendto(b'x', '/nowhere'))]
  `,
  () => {
    const [[a], [c]] = [pair(), pair(SOCK_DGRAM)];
    return [attempt(() => a.sendto('x', '/nowhere')), attempt(() => c.sendto('x', '/nowhere'))];
  },
);

scenario(
  'a message too long: UDP, UNIX datagram, SEQPACKET',
  py`
    a, b = udp_pair()
    c, d = pair(socket.SOCK_DGRAM)
    e, f = pair(socket.SOCK_SEQPACKET)
    for sock in (c, e):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    return [attempt(lambda: a.send(bytes(65508))), a.send(bytes(65507)),
            attempt(lambda: c.send(bytes(100000))), attempt(lambda: e.send(bytes(100000)))]
  `,
  () => {
    const [a] = udp_pair();
    const [c] = pair(SOCK_DGRAM);
    const [e] = pair(socket.SOCK_SEQPACKET);
    for (const sock of [c, e]) sock.setsockopt(SOL_SOCKET, socket.SO_SNDBUF, 4096);
    return [
      attempt(() => a.send(Buffer.alloc(65508))),
      a.send(Buffer.alloc(65507)),
      attempt(() => c.send(Buffer.alloc(100000))),
      attempt(() => e.send(Buffer.alloc(100000))),
    ];
  },
);

scenario(
  'broken pipe: the other end is closed (and no SIGPIPE)',
  py`
    a, b = pair()
    b.close()
    return [attempt(lambda: a.send(b'x')), attempt(lambda: a.sendall(b'x')), attempt(lambda: a.sendmsg([b'x'])), a.recv(1)]
  `,
  () => {
    const [a, b] = pair();
    b.close();
    return [
      attempt(() => a.send('x')),
      attempt(() => a.sendall('x')),
      attempt(() => a.sendmsg(['x'])),
      a.recv(1),
    ];
  },
);

scenario(
  'broken pipe: after shutdown of the own writing side',
  py`
    client, conn = connected()
    client.shutdown(socket.SHUT_WR)
    return [attempt(lambda: client.send(b'x')), conn.recv(1), conn.send(b'y'), client.recv(5)]
  `,
  () => {
    const [client, conn] = connected();
    client.shutdown(socket.SHUT_WR);
    return [attempt(() => client.send('x')), conn.recv(1), conn.send('y'), client.recv(5)];
  },
);

scenario(
  'connection reset: by SO_LINGER 0, once; then end of file; then broken pipe',
  py`
    client, conn = connected()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    client.close()
    return [attempt(lambda: conn.recv(1)), attempt(lambda: conn.recv(1)), attempt(lambda: conn.send(b'x'))]
  `,
  () => {
    const [client, conn] = connected();
    client.setsockopt(SOL_SOCKET, SO_LINGER, ints(1, 0));
    client.close();
    return [attempt(() => conn.recv(1)), attempt(() => conn.recv(1)), attempt(() => conn.send('x'))];
  },
);

scenario(
  'connection reset: unread data when the peer closes (UNIX)',
  py`
    a, b = pair()
    a.send(b'unread')
    b.close()
    return [attempt(lambda: a.recv(1)), attempt(lambda: a.recv(1)), attempt(lambda: a.send(b'x'))]
  `,
  () => {
    const [a, b] = pair();
    a.send('unread');
    b.close();
    return [attempt(() => a.recv(1)), attempt(() => a.recv(1)), attempt(() => a.send('x'))];
  },
);

scenario(
  'reset of a connection waiting in the backlog, SO_ERROR of what is pending',
  py`
    server = listener()
    client = make()
    client.connect(server.getsockname())
    server.close()
    client.settimeout(5)
    first = attempt(lambda: client.recv(1))
    return [first, client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)]
  `,
  () => {
    const server = listener();
    const client = make();
    client.connect(server.getsockname());
    server.close();
    client.settimeout(5);
    const first = attempt(() => client.recv(1));
    return [first, client.getsockopt(SOL_SOCKET, socket.SO_ERROR)];
  },
);

/** Every method that reaches the kernel, on a closed socket; the names are the Python expressions. */
const closed: [string, (sock: ReturnType<typeof make>) => unknown][] = [
  ["sock.bind(('127.0.0.1', 0))", (sock) => sock.bind(['127.0.0.1', 0])],
  ["sock.connect(('127.0.0.1', 9))", (sock) => sock.connect(['127.0.0.1', 9])],
  ["sock.connect_ex(('127.0.0.1', 9))", (sock) => sock.connect_ex(['127.0.0.1', 9])],
  ['sock.listen()', (sock) => sock.listen()],
  ['sock.accept()', (sock) => sock.accept()],
  ['sock.recv(1)', (sock) => sock.recv(1)],
  ['sock.recv_into(bytearray(1))', (sock) => sock.recv_into(Buffer.alloc(1))],
  ['sock.recvfrom(1)', (sock) => sock.recvfrom(1)],
  ['sock.recvfrom_into(bytearray(1))', (sock) => sock.recvfrom_into(Buffer.alloc(1))],
  ['sock.recvmsg(1)', (sock) => sock.recvmsg(1)],
  ['sock.recvmsg_into([bytearray(1)])', (sock) => sock.recvmsg_into([Buffer.alloc(1)])],
  ["sock.send(b'x')", (sock) => sock.send('x')],
  ["sock.sendall(b'x')", (sock) => sock.sendall('x')],
  ["sock.sendto(b'x', ('127.0.0.1', 9))", (sock) => sock.sendto('x', ['127.0.0.1', 9])],
  ["sock.sendmsg([b'x'])", (sock) => sock.sendmsg(['x'])],
  ['sock.getsockname()', (sock) => sock.getsockname()],
  ['sock.getpeername()', (sock) => sock.getpeername()],
  ['sock.getsockopt(1, 2)', (sock) => sock.getsockopt(1, 2)],
  ['sock.setsockopt(1, 2, 1)', (sock) => sock.setsockopt(1, 2, 1)],
  ['sock.shutdown(2)', (sock) => sock.shutdown(2)],
  ['sock.dup()', (sock) => keep(sock.dup()).fileno()],
  ['sock.get_inheritable()', (sock) => sock.get_inheritable()],
  ['sock.set_inheritable(True)', (sock) => sock.set_inheritable(true)],
  ['sock.setblocking(False)', (sock) => sock.setblocking(false)],
  ['sock.settimeout(1)', (sock) => sock.settimeout(1)],
  ['sock.gettimeout()', (sock) => sock.gettimeout()],
  ['sock.getblocking()', (sock) => sock.getblocking()],
  ['sock.fileno()', (sock) => sock.fileno()],
  ['sock.detach()', (sock) => sock.detach()],
  ['sock.close()', (sock) => sock.close()],
  ['[int(sock.family), int(sock.type), sock.proto]', (sock) => [sock.family, sock.type, sock.proto]],
];
for (const [call, action] of closed) {
  scenario(
    `after close: ${call}`,
    py`
      sock = make()
      sock.close()
      return ${call}
    `,
    () => {
      const sock = make();
      sock.close();
      return action(sock);
    },
  );
}

scenario(
  'a descriptor that is no socket: socket(fileno=), fromfd, and one that is not open',
  py`
    fd = file_fd(content('plain', b'x'))
    return [attempt(lambda: keep(socket.socket(fileno=fd))), is_open(fd),
            attempt(lambda: keep(socket.fromfd(9999, socket.AF_INET, socket.SOCK_STREAM))),
            attempt(lambda: keep(socket.socket(fileno=9999)))]
  `,
  () => {
    const fd = file_fd(content('plain', 'x'));
    return [
      attempt(() => keep(new socket.socket(null, null, null, fd))),
      is_open(fd),
      attempt(() => keep(socket.fromfd(9999, AF_INET, SOCK_STREAM))),
      attempt(() => keep(new socket.socket(null, null, null, 9999))),
    ];
  },
);

scenario(
  'a file taken for a socket by fromfd with everything given',
  py`return keep(socket.fromfd(file_fd(content('plain', b'x')), socket.AF_INET, socket.SOCK_STREAM)).fileno()`,
  () => keep(socket.fromfd(file_fd(content('plain', 'x')), AF_INET, SOCK_STREAM)).fileno(),
);

scenario(
  'sockets the kernel does not make',
  py`
    def refused(*args):
        return attempt(lambda: keep(socket.socket(*args)).fileno())
    return [refused(9999, 1), refused(socket.AF_INET, 99), refused(socket.AF_INET, socket.SOCK_STREAM, 17),
            refused(socket.AF_INET, 0), refused(socket.AF_UNIX, socket.SOCK_STREAM, 6),
            refused(socket.AF_INET, socket.SOCK_SEQPACKET), refused(socket.AF_UNIX, socket.SOCK_RDM), refused(0, 1)]
  `,
  () => {
    const refused = (...values: [number, number, number?]) =>
      attempt(() => keep(new socket.socket(...values)).fileno());
    return [
      refused(9999, 1),
      refused(AF_INET, 99),
      refused(AF_INET, SOCK_STREAM, 17),
      refused(AF_INET, 0),
      refused(AF_UNIX, SOCK_STREAM, 6),
      refused(AF_INET, socket.SOCK_SEQPACKET),
      refused(AF_UNIX, socket.SOCK_RDM),
      refused(0, 1),
    ];
  },
);

scenario(
  'an address of another family: refused by the kernel or before it',
  py`
    udp = make(socket.AF_INET6, socket.SOCK_DGRAM)
    udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return [attempt(lambda: udp.bind(('::ffff:127.0.0.1', 0))), attempt(lambda: udp.sendto(b'x', ('::ffff:127.0.0.1', 9)))]
  `,
  () => {
    const udp = make(AF_INET6, SOCK_DGRAM);
    udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1);
    return [
      attempt(() => udp.bind(['::ffff:127.0.0.1', 0])),
      attempt(() => udp.sendto('x', ['::ffff:127.0.0.1', 9])),
    ];
  },
  ipv6,
);

scenario(
  'network and host unreachable, broadcast without leave',
  py`
    sock = bound()
    return [attempt(lambda: sock.sendto(b'x', ('255.255.255.255', 9))), sock.connect_ex(('<broadcast>', 9)),
            attempt(lambda: sock.sendto(b'x', ('127.0.0.1', 0))), attempt(lambda: make().connect(('127.0.0.1', 0)))]
  `,
  () => {
    const sock = bound();
    return [
      attempt(() => sock.sendto('x', ['255.255.255.255', 9])),
      sock.connect_ex(['<broadcast>', 9]),
      attempt(() => sock.sendto('x', ['127.0.0.1', 0])),
      attempt(() => make().connect(['127.0.0.1', 0])),
    ];
  },
);

scenario(
  'shutdown: unknown ways, and of a listener',
  py`
    client, conn = connected()
    server = listener()
    server.settimeout(0)
    return [attempt(lambda: client.shutdown(3)), attempt(lambda: client.shutdown(-1)),
            attempt(lambda: server.shutdown(socket.SHUT_RD)), attempt(server.accept)]
  `,
  () => {
    const [client] = connected();
    const server = listener();
    server.settimeout(0);
    return [
      attempt(() => client.shutdown(3)),
      attempt(() => client.shutdown(-1)),
      attempt(() => server.shutdown(socket.SHUT_RD)),
      attempt(() => server.accept()),
    ];
  },
);

scenario(
  'the class tree of errors',
  py`
    tree = [(a, b) for a in ('timeout', 'gaierror', 'herror', 'error') for b in ('OSError', 'TimeoutError', 'gaierror')]
    known = {'timeout': socket.timeout, 'gaierror': socket.gaierror, 'herror': socket.herror, 'error': socket.error,
             'OSError': OSError, 'TimeoutError': TimeoutError}
    return [issubclass(known[a], known[b]) for a, b in tree]
  `,
  () => {
    const { timeout, gaierror, herror, error, OSError, TimeoutError } = socket;
    const is_a = (one: object, other: object) =>
      one === other || Object.prototype.isPrototypeOf.call(other, one);
    return [timeout, gaierror, herror, error].flatMap((one) =>
      [OSError, TimeoutError, gaierror].map((other) => is_a(one, other)),
    );
  },
);

scenario(
  'errors carry strerror, and the path they are about stays out of it',
  py`
    try:
        make(socket.AF_UNIX).connect(path('none'))
    except OSError as error:
        return [error.errno, error.strerror]
  `,
  () => {
    try {
      make(AF_UNIX).connect(path('none'));
    } catch (error) {
      return error instanceof socket.OSError && [error.errno, error.strerror];
    }
    return undefined;
  },
);
