/**
 * getsockopt and setsockopt: integers, bytes and lengths, wrong combinations, and the effect of common options.
 */
import * as socket from 'bsd-sockets/socket';
import { invoke, py, theme } from './harness.js';
import { ipv6, root } from './needs.js';
import { attempt, bound, connected, ints, listener, make, pair } from './stage.js';

const { scenario, methods } = theme('options');
const { SOCK_DGRAM, SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP, IPPROTO_IPV6 } = socket;
const { SO_REUSEADDR, SO_LINGER, SO_RCVTIMEO, SO_TYPE, SO_ERROR, SO_DOMAIN, SO_PROTOCOL, TCP_NODELAY } =
  socket;

methods('make()', () => make(), 'getsockopt', [
  [SOL_SOCKET, SO_TYPE],
  [SOL_SOCKET, SO_DOMAIN],
  [SOL_SOCKET, SO_PROTOCOL],
  [SOL_SOCKET, SO_ERROR],
  [SOL_SOCKET, socket.SO_ACCEPTCONN],
  [SOL_SOCKET, SO_REUSEADDR],
  [SOL_SOCKET, SO_REUSEADDR, 0],
  [SOL_SOCKET, SO_REUSEADDR, 1],
  [SOL_SOCKET, SO_REUSEADDR, 4],
  [SOL_SOCKET, SO_REUSEADDR, 100],
  [SOL_SOCKET, SO_REUSEADDR, 1024],
  [SOL_SOCKET, SO_REUSEADDR, 1025],
  [SOL_SOCKET, SO_REUSEADDR, -1],
  [SOL_SOCKET, SO_REUSEADDR, 1.5],
  [SOL_SOCKET, SO_REUSEADDR, 'x'],
  [SOL_SOCKET, SO_LINGER],
  [SOL_SOCKET, SO_LINGER, 8],
  [SOL_SOCKET, SO_LINGER, 4],
  [SOL_SOCKET, SO_LINGER, 64],
  [SOL_SOCKET, SO_RCVTIMEO, 16],
  [SOL_SOCKET, 9999],
  [9999, 1],
  [IPPROTO_TCP, TCP_NODELAY],
  [IPPROTO_TCP, 9999],
  [IPPROTO_IP, socket.IP_TTL],
  [IPPROTO_IP, socket.IP_TOS, 1],
  [IPPROTO_TCP, socket.TCP_CONGESTION, 16],
  [-1, -1],
  ['x', 1],
  [1.5, 1],
  [1, 'x'],
  [2 ** 31, 1],
  [1, 2 ** 31],
  [SOL_SOCKET],
  [],
]);

methods('make()', () => make(), 'setsockopt', [
  [SOL_SOCKET, SO_REUSEADDR, 1],
  [SOL_SOCKET, SO_REUSEADDR, true],
  [SOL_SOCKET, SO_REUSEADDR, ints(1)],
  [SOL_SOCKET, SO_REUSEADDR, Buffer.alloc(3)],
  [SOL_SOCKET, SO_REUSEADDR, Buffer.alloc(0)],
  [SOL_SOCKET, SO_REUSEADDR, Buffer.alloc(1000)],
  [SOL_SOCKET, SO_REUSEADDR, 2 ** 31],
  [SOL_SOCKET, SO_REUSEADDR, -(2 ** 31) - 1],
  [SOL_SOCKET, SO_REUSEADDR, 2 ** 40],
  [SOL_SOCKET, SO_REUSEADDR, 1.5],
  [SOL_SOCKET, SO_REUSEADDR, []],
  [SOL_SOCKET, SO_REUSEADDR, null],
  [SOL_SOCKET, SO_REUSEADDR, null, 4],
  [SOL_SOCKET, SO_REUSEADDR, null, 0],
  [SOL_SOCKET, SO_REUSEADDR, null, -1],
  [SOL_SOCKET, SO_REUSEADDR, null, 2 ** 32],
  [SOL_SOCKET, SO_REUSEADDR, null, 'x'],
  [SOL_SOCKET, SO_REUSEADDR, 1, 4],
  [SOL_SOCKET, SO_REUSEADDR, Buffer.alloc(4), 4],
  [SOL_SOCKET, SO_LINGER, ints(1, 5)],
  [SOL_SOCKET, SO_LINGER, 1],
  [SOL_SOCKET, SO_TYPE, 1],
  [SOL_SOCKET, 9999, 1],
  [9999, 1, 1],
  [IPPROTO_TCP, TCP_NODELAY, 1],
  [IPPROTO_IP, socket.IP_TTL, 0],
  [IPPROTO_IP, socket.IP_TTL, 256],
  [IPPROTO_IP, socket.IP_TTL, 255],
  [IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, Buffer.alloc(8)],
  [SOL_SOCKET, socket.SO_BINDTODEVICE, Buffer.from('nosuch0\0')],
  ['x', 1, 1],
  [1, 'x', 1],
  [1, 1.5, 1],
  [2 ** 31, 1, 1],
  [SOL_SOCKET, SO_REUSEADDR],
  [],
]);

scenario(
  'set, then get: booleans and numbers of SOL_SOCKET, TCP, IP',
  py`
    rows = [(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1), (socket.SOL_SOCKET, socket.SO_REUSEPORT, 1),
            (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), (socket.SOL_SOCKET, socket.SO_BROADCAST, 1),
            (socket.SOL_SOCKET, socket.SO_OOBINLINE, 1), (socket.SOL_SOCKET, socket.SO_SNDBUF, 10000),
            (socket.SOL_SOCKET, socket.SO_RCVBUF, 10000), (socket.SOL_SOCKET, socket.SO_RCVLOWAT, 5),
            (socket.SOL_SOCKET, socket.SO_PRIORITY, 3), (socket.SOL_SOCKET, socket.SO_DONTROUTE, 1),
            (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 77),
            (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 7), (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
            (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 4000), (socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 1),
            (socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0), (socket.IPPROTO_TCP, socket.TCP_CORK, 1),
            (socket.IPPROTO_TCP, socket.TCP_SYNCNT, 2), (socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1000),
            (socket.IPPROTO_IP, socket.IP_TTL, 9), (socket.IPPROTO_IP, socket.IP_TOS, 8),
            (socket.IPPROTO_IP, socket.IP_TRANSPARENT, 0), (socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 3)]
    results = []
    for level, name, value in rows:
        sock = make()
        outcome = attempt(lambda: sock.setsockopt(level, name, value))
        results.append([level, name, outcome, sock.getsockopt(level, name), sock.getsockopt(level, name, 4)])
    return results
  `,
  () => {
    const rows: [number, number, number][] = [
      [SOL_SOCKET, SO_REUSEADDR, 1],
      [SOL_SOCKET, socket.SO_REUSEPORT, 1],
      [SOL_SOCKET, socket.SO_KEEPALIVE, 1],
      [SOL_SOCKET, socket.SO_BROADCAST, 1],
      [SOL_SOCKET, socket.SO_OOBINLINE, 1],
      [SOL_SOCKET, socket.SO_SNDBUF, 10000],
      [SOL_SOCKET, socket.SO_RCVBUF, 10000],
      [SOL_SOCKET, socket.SO_RCVLOWAT, 5],
      [SOL_SOCKET, socket.SO_PRIORITY, 3],
      [SOL_SOCKET, socket.SO_DONTROUTE, 1],
      [IPPROTO_TCP, TCP_NODELAY, 1],
      [IPPROTO_TCP, socket.TCP_KEEPIDLE, 77],
      [IPPROTO_TCP, socket.TCP_KEEPINTVL, 7],
      [IPPROTO_TCP, socket.TCP_KEEPCNT, 3],
      [IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 4000],
      [IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 1],
      [IPPROTO_TCP, socket.TCP_QUICKACK, 0],
      [IPPROTO_TCP, socket.TCP_CORK, 1],
      [IPPROTO_TCP, socket.TCP_SYNCNT, 2],
      [IPPROTO_TCP, socket.TCP_MAXSEG, 1000],
      [IPPROTO_IP, socket.IP_TTL, 9],
      [IPPROTO_IP, socket.IP_TOS, 8],
      [IPPROTO_IP, socket.IP_TRANSPARENT, 0],
      [IPPROTO_IP, socket.IP_MULTICAST_TTL, 3],
    ];
    return rows.map(([level, name, value]) => {
      const sock = make();
      const outcome = attempt(() => sock.setsockopt(level, name, value));
      return [level, name, outcome, sock.getsockopt(level, name), sock.getsockopt(level, name, 4)];
    });
  },
);

scenario(
  'negative numbers and bytes go in as they are',
  py`
    sock = make(type=socket.SOCK_DGRAM)
    results = []
    for value in (-1, 0, 200, struct.pack('i', 9)):
        results.append([attempt(lambda: sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, value)),
                        sock.getsockopt(socket.IPPROTO_IP, socket.IP_TTL)])
    return results
  `,
  () => {
    const sock = make(socket.AF_INET, SOCK_DGRAM);
    return [-1, 0, 200, ints(9)].map((value) => [
      attempt(() => sock.setsockopt(IPPROTO_IP, socket.IP_TTL, value)),
      sock.getsockopt(IPPROTO_IP, socket.IP_TTL),
    ]);
  },
);

scenario(
  'SO_LINGER by its struct, then read back whole and in part',
  py`
    sock = make()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 30))
    return [sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8), sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 4),
            sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER)]
  `,
  () => {
    const sock = make();
    sock.setsockopt(SOL_SOCKET, SO_LINGER, ints(1, 30));
    return [
      sock.getsockopt(SOL_SOCKET, SO_LINGER, 8),
      sock.getsockopt(SOL_SOCKET, SO_LINGER, 4),
      sock.getsockopt(SOL_SOCKET, SO_LINGER),
    ];
  },
);

scenario(
  'SO_RCVTIMEO and SO_BINDTODEVICE: structs and names',
  py`
    sock = make()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack('qq', 1, 500000))
    return [sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16), sock.gettimeout(),
            attempt(lambda: sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'lo\0')),
            sock.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16)]
  `,
  () => {
    const sock = make();
    const timeval = Buffer.from(BigInt64Array.of(1n, 500000n).buffer);
    sock.setsockopt(SOL_SOCKET, SO_RCVTIMEO, timeval);
    return [
      sock.getsockopt(SOL_SOCKET, SO_RCVTIMEO, 16),
      sock.gettimeout(),
      attempt(() => sock.setsockopt(SOL_SOCKET, socket.SO_BINDTODEVICE, Buffer.from('lo\0'))),
      sock.getsockopt(SOL_SOCKET, socket.SO_BINDTODEVICE, 16),
    ];
  },
  root,
);

scenario(
  'SO_MARK needs a privilege that root has',
  py`
    sock = make()
    return [attempt(lambda: sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 77)), sock.getsockopt(socket.SOL_SOCKET, socket.SO_MARK)]
  `,
  () => {
    const sock = make();
    return [
      attempt(() => sock.setsockopt(SOL_SOCKET, socket.SO_MARK, 77)),
      sock.getsockopt(SOL_SOCKET, socket.SO_MARK),
    ];
  },
);

scenario(
  'TCP_INFO of a connection: state ESTABLISHED, and a length as asked for',
  py`
    client, conn = connected()
    info = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    return [len(info), info[0], len(client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)),
            listener().getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)]
  `,
  () => {
    const [client] = connected();
    const info = client.getsockopt(IPPROTO_TCP, socket.TCP_INFO, 104);
    const part = client.getsockopt(IPPROTO_TCP, socket.TCP_INFO, 8);
    return [info.length, info[0], part.length, listener().getsockopt(IPPROTO_TCP, socket.TCP_INFO, 1)];
  },
);

scenario(
  'TCP_CONGESTION: a string option',
  py`
    sock = make()
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b'reno')
    name = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
    return [name.rstrip(b'\0'), attempt(lambda: sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b'nosuch'))]
  `,
  () => {
    const sock = make();
    sock.setsockopt(IPPROTO_TCP, socket.TCP_CONGESTION, Buffer.from('reno'));
    const name = sock.getsockopt(IPPROTO_TCP, socket.TCP_CONGESTION, 16);
    return [
      Buffer.from(name.toString('latin1').replace(/\0+$/, '')),
      attempt(() => sock.setsockopt(IPPROTO_TCP, socket.TCP_CONGESTION, Buffer.from('nosuch'))),
    ];
  },
);

scenario(
  'SO_REUSEADDR and SO_REUSEPORT: who may bind to what is taken',
  py`
    results = []
    for option in (0, socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        first, second = make(), make()
        for sock in (first, second):
            if option:
                sock.setsockopt(socket.SOL_SOCKET, option, 1)
        first.bind(('127.0.0.1', 0))
        first.listen()
        results.append(attempt(lambda: second.bind(first.getsockname())))
    return results
  `,
  () =>
    [0, SO_REUSEADDR, socket.SO_REUSEPORT].map((option) => {
      const [first, second] = [make(), make()];
      if (option !== 0) for (const sock of [first, second]) sock.setsockopt(SOL_SOCKET, option, 1);
      first.bind(['127.0.0.1', 0]);
      first.listen();
      return attempt(() => second.bind(first.getsockname()));
    }),
);

scenario(
  'multicast on loopback: joined, sent, looped back, left',
  py`
    sock = make(type=socket.SOCK_DGRAM)
    sock.settimeout(1)
    sock.bind(('', 0))
    port = sock.getsockname()[1]
    group, lo = socket.inet_aton('239.255.77.77'), socket.inet_aton('127.0.0.1')
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group + lo)
    again = attempt(lambda: sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group + lo))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, lo)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
    sent = sock.sendto(b'to all', ('239.255.77.77', port))
    data, address = sock.recvfrom(100)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, group + lo)
    left = attempt(lambda: sock.setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, group + lo))
    return [again, sent, data, address[0], address[1] == port, left,
            sock.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, 4), sock.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL)]
  `,
  () => {
    const sock = make(socket.AF_INET, SOCK_DGRAM);
    sock.settimeout(1);
    sock.bind(['', 0]);
    const [, port] = sock.getsockname();
    const membership = Buffer.concat([socket.inet_aton('239.255.77.77'), socket.inet_aton('127.0.0.1')]);
    sock.setsockopt(IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership);
    const again = attempt(() => sock.setsockopt(IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership));
    sock.setsockopt(IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton('127.0.0.1'));
    sock.setsockopt(IPPROTO_IP, socket.IP_MULTICAST_TTL, 0);
    sock.setsockopt(IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1);
    const sent = sock.sendto('to all', ['239.255.77.77', port]);
    const [data, address] = sock.recvfrom(100);
    sock.setsockopt(IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, membership);
    const left = attempt(() => sock.setsockopt(IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, membership));
    return [
      again,
      sent,
      data,
      address[0],
      address[1] === port,
      left,
      sock.getsockopt(IPPROTO_IP, socket.IP_MULTICAST_IF, 4),
      sock.getsockopt(IPPROTO_IP, socket.IP_MULTICAST_TTL),
    ];
  },
);

scenario(
  'IPv6 options: V6ONLY, hops, traffic class, a multicast interface',
  py`
    sock = make(socket.AF_INET6, socket.SOCK_DGRAM)
    results = []
    for name, value in ((socket.IPV6_V6ONLY, 1), (socket.IPV6_UNICAST_HOPS, 5), (socket.IPV6_MULTICAST_HOPS, 6),
                        (socket.IPV6_MULTICAST_LOOP, 0), (socket.IPV6_TCLASS, 7), (socket.IPV6_MULTICAST_IF, 1),
                        (socket.IPV6_UNICAST_HOPS, 256), (socket.IPV6_MULTICAST_IF, 9999)):
        results.append([attempt(lambda: sock.setsockopt(socket.IPPROTO_IPV6, name, value)), sock.getsockopt(socket.IPPROTO_IPV6, name)])
    return results
  `,
  () => {
    const sock = make(socket.AF_INET6, SOCK_DGRAM);
    const rows: [number, number][] = [
      [socket.IPV6_V6ONLY, 1],
      [socket.IPV6_UNICAST_HOPS, 5],
      [socket.IPV6_MULTICAST_HOPS, 6],
      [socket.IPV6_MULTICAST_LOOP, 0],
      [socket.IPV6_TCLASS, 7],
      [socket.IPV6_MULTICAST_IF, 1],
      [socket.IPV6_UNICAST_HOPS, 256],
      [socket.IPV6_MULTICAST_IF, 9999],
    ];
    return rows.map(([name, value]) => [
      attempt(() => sock.setsockopt(IPPROTO_IPV6, name, value)),
      sock.getsockopt(IPPROTO_IPV6, name),
    ]);
  },
  ipv6,
);

scenario(
  'SO_ERROR is read once; SO_TYPE, SO_DOMAIN, SO_PROTOCOL tell what the socket is',
  py`
    gone = bound()
    address = gone.getsockname()
    gone.close()
    sock = bound()
    sock.connect(address)
    sock.send(b'x')
    a, b = pair(socket.SOCK_SEQPACKET)
    return [[sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) for _ in range(2)],
            [[one.getsockopt(socket.SOL_SOCKET, name) for name in (socket.SO_TYPE, socket.SO_DOMAIN, socket.SO_PROTOCOL)]
             for one in (sock, a, make())]]
  `,
  () => {
    const gone = bound();
    const address = gone.getsockname();
    gone.close();
    const sock = bound();
    sock.connect(address);
    sock.send('x');
    const [a] = pair(socket.SOCK_SEQPACKET);
    return [
      [0, 1].map(() => sock.getsockopt(SOL_SOCKET, SO_ERROR)),
      [sock, a, make()].map((one) =>
        [SO_TYPE, SO_DOMAIN, SO_PROTOCOL].map((name) => one.getsockopt(SOL_SOCKET, name)),
      ),
    ];
  },
);

scenario('ioctl belongs to Windows', py`return make().ioctl(1, 1)`, () => invoke(make(), 'ioctl', 1, 1));

const { FIONREAD } = socket;
const IOCTLS: readonly [title: string, request: number, arg: string, here: () => number | Buffer | null][] = [
  ['bytes', FIONREAD, 'b"abcdef"', () => Buffer.from('abcdef')],
  ['1,024 bytes', FIONREAD, 'bytes(1024)', () => Buffer.alloc(1024)],
  ['1,025 bytes', FIONREAD, 'bytes(1025)', () => Buffer.alloc(1025)],
  ['a number for memory', FIONREAD, '0', () => 0],
  ['a larger number for memory', FIONREAD, '4096', () => 4096],
  ['a number for no memory', 0x5451, '0', () => 0],
  ['None', FIONREAD, 'None', () => null],
  ['a request that no socket has', 0x5413, 'bytes(8)', () => Buffer.alloc(8)],
  [
    'an interface that there is not',
    socket.SIOCGIFADDR,
    'b"no-such-iface".ljust(40, b"\\0")',
    () => ifreq('no-such-iface'),
  ],
  ['the address of lo', socket.SIOCGIFADDR, 'b"lo".ljust(40, b"\\0")', () => ifreq('lo')],
];
const ifreq = (name: string) => Buffer.concat([Buffer.from(name)], 40);
for (const [title, request, arg, here] of IOCTLS) {
  scenario(
    `fcntl.ioctl: ${title}`,
    `return __import__('fcntl').ioctl(make().fileno(), ${request}, ${arg})`,
    () => invoke(make(), 'ioctl', request, here()),
  );
}
