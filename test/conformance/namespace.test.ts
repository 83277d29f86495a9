/**
 * What needs interfaces and addresses of its own, in a network namespace that this file makes: IPv6 scopes, link-local
 * addresses, broadcast, unreachable networks, names without a name server, the host name.
 * Outside, the file starts itself once more under unshare(1) and reports how that went; inside, it is the scenarios.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as socket from 'bsd-sockets/socket';
import { expect, test } from 'vitest';
import { py, theme } from './harness.js';
import { attempt, bound_name, make, shape, waited } from './stage.js';

const INSIDE = 'BSD_SOCKETS_NAMESPACE';
/** Two links, va and vb, wired to each other; their link-local addresses are usable at once. */
const SET_UP = `set -e
ip link set lo up
ip link add va type veth peer name vb
for link in va vb; do ip link set $link addrgenmode none; ip link set $link up; done
ip addr add 10.77.0.1/24 broadcast 10.77.0.255 dev va
ip addr add fe80::a/64 dev va nodad
ip addr add fe80::b/64 dev vb nodad
ip addr add fd77::1/64 dev va nodad
exec "$@"
`;

if (process.env[INSIDE] === undefined) {
  test('the scenarios in a network namespace', (context) => {
    const unshare = ['--net', '--uts', ...(process.getuid?.() === 0 ? [] : ['--map-root-user'])];
    const probe = spawnSync('unshare', [...unshare, 'sh', '-c', SET_UP, 'sh', 'true'], { encoding: 'utf8' });
    if (probe.status !== 0)
      context.skip(`no network namespace with veth: ${probe.error?.message ?? probe.stderr}`);
    const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
    const again = [process.execPath, vitest, 'run', '--no-color', fileURLToPath(import.meta.url)];
    const inside = spawnSync('unshare', [...unshare, 'sh', '-c', SET_UP, 'sh', ...again], {
      encoding: 'utf8',
      // The run inside is not one that scripts/test.mjs counts and watches.
      env: { ...process.env, [INSIDE]: '1', NO_COLOR: '1', BSD_SOCKETS_TEST_RUN: undefined },
      timeout: 60_000,
    });
    console.log(inside.stdout.replace(/\n{2,}/g, '\n'));
    expect(inside.status, inside.stderr).toBe(0);
  }, 90_000);
} else {
  inside();
}

function inside(): void {
  const { scenario, calls, staged } = theme('namespace');
  const { AF_INET, AF_INET6, SOCK_STREAM, SOCK_DGRAM, IPPROTO_IPV6 } = socket;
  const [va, vb] = [socket.if_nametoindex('va'), socket.if_nametoindex('vb')];

  staged(bound_name, [
    [AF_INET6, ['fe80::a', 0]],
    [AF_INET6, ['fe80::a', 0, 0, va]],
    [AF_INET6, ['fe80::a', 0, 0, vb]],
    [AF_INET6, ['fe80::a%va', 0]],
    [AF_INET6, ['fe80::a%va', 0, 0, va]],
    [AF_INET6, [`fe80::a%${va}`, 0]],
    [AF_INET6, ['fe80::a%vb', 0]],
    [AF_INET6, ['fe80::a%nosuch', 0]],
    [AF_INET6, ['fd77::1', 0]],
    [AF_INET6, ['fd77::1', 0, 0, va]],
    [AF_INET6, ['fd77::2', 0]],
    [AF_INET, ['10.77.0.1', 0]],
    [AF_INET, ['10.77.0.255', 0]],
    [AF_INET, ['10.77.0.2', 0]],
  ]);
  calls(socket, 'getaddrinfo', [
    ['fe80::a%va', 80, AF_INET6, SOCK_STREAM],
    ['fe80::a%vb', 80, AF_INET6, SOCK_STREAM],
    ['fe80::a', 80, AF_INET6, SOCK_STREAM],
    ['no-such-host.invalid', 80],
    ['256.1.1.1', 80],
    ['localhost', 80, AF_INET6, SOCK_STREAM],
  ]);
  calls(socket, 'getnameinfo', [
    [['fe80::a', 80, 0, va], socket.NI_NUMERICHOST],
    [['10.77.0.1', 80], socket.NI_NAMEREQD],
    [['10.77.0.1', 80], 0],
  ]);
  calls(socket, 'gethostbyname', [['no-such-host.invalid']]);
  calls(socket, 'gethostbyname_ex', [['no-such-host.invalid']]);
  calls(socket, 'gethostbyaddr', [['10.77.0.1'], ['no-such-host.invalid']]);
  calls(socket, 'getfqdn', [['10.77.0.1'], ['no-such-host.invalid'], ['0.0.0.0'], ['']]);
  calls(socket, 'if_nameindex', [[]]);
  calls(socket, 'if_nametoindex', [['va'], ['vb']]);
  calls(socket, 'if_indextoname', [[va], [vb]]);

  scenario(
    'link-local datagrams between two links: the scope of the source',
    py`
      a, b = make(socket.AF_INET6, socket.SOCK_DGRAM), make(socket.AF_INET6, socket.SOCK_DGRAM)
      a.settimeout(5), b.settimeout(5)
      a.bind(('fe80::a', 0, 0, ${va}))
      b.bind(('fe80::b', 0, 0, ${vb}))
      a.sendto(b'across', ('fe80::b', b.getsockname()[1], 0, ${va}))
      data, address = b.recvfrom(100)
      b.sendto(b'back', address)
      return [data, shape(address), a.recvfrom(100)[0], shape(a.getsockname())]
    `,
    () => {
      const [a, b] = [make(AF_INET6, SOCK_DGRAM), make(AF_INET6, SOCK_DGRAM)];
      for (const one of [a, b]) one.settimeout(5);
      a.bind(['fe80::a', 0, 0, va]);
      b.bind(['fe80::b%vb', 0]);
      a.sendto('across', ['fe80::b%va', b.getsockname()[1]]);
      const [data, address] = b.recvfrom(100);
      b.sendto('back', address);
      return [data, shape(address), a.recvfrom(100)[0], shape(a.getsockname())];
    },
  );

  scenario(
    'a link-local address without a scope, by connect and by sendto',
    py`
      sock = make(socket.AF_INET6, socket.SOCK_DGRAM)
      return [attempt(lambda: sock.connect(('fe80::b', 9))), attempt(lambda: sock.sendto(b'x', ('fe80::b', 9))),
              sock.connect(('fe80::b', 9, 0, ${va})), shape(sock.getpeername()), shape(sock.getsockname())]
    `,
    () => {
      const sock = make(AF_INET6, SOCK_DGRAM);
      return [
        attempt(() => sock.connect(['fe80::b', 9])),
        attempt(() => sock.sendto('x', ['fe80::b', 9])),
        sock.connect(['fe80::b', 9, 0, va]),
        shape(sock.getpeername()),
        shape(sock.getsockname()),
      ];
    },
  );

  scenario(
    'IPv6 multicast over a link, by index and with a scope in the address',
    py`
      sender, receiver = make(socket.AF_INET6, socket.SOCK_DGRAM), make(socket.AF_INET6, socket.SOCK_DGRAM)
      receiver.settimeout(5)
      receiver.bind(('', 0))
      port = receiver.getsockname()[1]
      group = socket.inet_pton(socket.AF_INET6, 'ff02::77')
      receiver.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group + struct.pack('I', ${vb}))
      receiver.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
      sender.bind(('fe80::a', 0, 0, ${va}))
      sender.sendto(b'to the group', ('ff02::77', port, 0, ${va}))
      data, ancdata, flags, address = receiver.recvmsg(100, 100)
      receiver.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_LEAVE_GROUP, group + struct.pack('I', ${vb}))
      return [data, ancdata, flags, shape(address)]
    `,
    () => {
      const [sender, receiver] = [make(AF_INET6, SOCK_DGRAM), make(AF_INET6, SOCK_DGRAM)];
      receiver.settimeout(5);
      receiver.bind(['', 0]);
      const port = receiver.getsockname()[1];
      const index = Buffer.from(Uint32Array.of(vb).buffer);
      const membership = Buffer.concat([socket.inet_pton(AF_INET6, 'ff02::77'), index]);
      receiver.setsockopt(IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, membership);
      receiver.setsockopt(IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1);
      sender.bind(['fe80::a%va', 0]);
      sender.sendto('to the group', ['ff02::77%va', port]);
      const [data, ancdata, flags, address] = receiver.recvmsg(100, 100);
      receiver.setsockopt(IPPROTO_IPV6, socket.IPV6_LEAVE_GROUP, membership);
      return [data, ancdata, flags, shape(address)];
    },
  );

  scenario(
    'IPv4 multicast over a link, interface by address and by index',
    py`
      sock = make(type=socket.SOCK_DGRAM)
      sock.settimeout(5)
      sock.bind(('', 0))
      group = socket.inet_aton('239.1.2.3')
      sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group + socket.inet_aton('10.77.0.1'))
      sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, bytes(8) + struct.pack('i', ${va}))
      sock.sendto(b'to the group', ('239.1.2.3', sock.getsockname()[1]))
      return [shape(one) for one in sock.recvfrom(100)] + [sock.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, 4)]
    `,
    () => {
      const sock = make(AF_INET, SOCK_DGRAM);
      sock.settimeout(5);
      sock.bind(['', 0]);
      const membership = Buffer.concat([socket.inet_aton('239.1.2.3'), socket.inet_aton('10.77.0.1')]);
      sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership);
      const mreqn = Buffer.alloc(12);
      mreqn.writeInt32LE(va, 8);
      sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, mreqn);
      sock.sendto('to the group', ['239.1.2.3', sock.getsockname()[1]]);
      const [data, address] = sock.recvfrom(100);
      return [data, shape(address), sock.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, 4)];
    },
  );

  scenario(
    'broadcast: refused, then allowed by SO_BROADCAST',
    py`
      sock = make(type=socket.SOCK_DGRAM)
      refused = attempt(lambda: sock.sendto(b'x', ('10.77.0.255', 9)))
      sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
      return [refused, sock.sendto(b'x', ('10.77.0.255', 9)), attempt(lambda: sock.sendto(b'x', ('<broadcast>', 9)))]
    `,
    () => {
      const sock = make(AF_INET, SOCK_DGRAM);
      const refused = attempt(() => sock.sendto('x', ['10.77.0.255', 9]));
      sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1);
      return [
        refused,
        sock.sendto('x', ['10.77.0.255', 9]),
        attempt(() => sock.sendto('x', ['<broadcast>', 9])),
      ];
    },
  );

  scenario(
    'unreachable: no route, for connect, connect_ex, sendto, create_connection; no answer in time',
    py`
      silent = make()
      silent.settimeout(0.05)
      return [attempt(lambda: make().connect(('192.0.2.1', 9))), make().connect_ex(('192.0.2.1', 9)),
              attempt(lambda: make(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 9))),
              attempt(lambda: make(socket.AF_INET6).connect(('2001:db8::1', 9))),
              attempt(lambda: socket.create_connection(('192.0.2.1', 9), 1)),
              waited(0.05, lambda: silent.connect(('10.77.0.99', 9)))]
    `,
    () => {
      const silent = make();
      silent.settimeout(0.05);
      return [
        attempt(() => make().connect(['192.0.2.1', 9])),
        make().connect_ex(['192.0.2.1', 9]),
        attempt(() => make(AF_INET, SOCK_DGRAM).sendto('x', ['192.0.2.1', 9])),
        attempt(() => make(AF_INET6).connect(['2001:db8::1', 9])),
        attempt(() => socket.create_connection(['192.0.2.1', 9], 1)),
        waited(0.05, () => silent.connect(['10.77.0.99', 9])),
      ];
    },
  );

  scenario(
    'names that no server can resolve, in an address',
    py`
      return [attempt(lambda: make().connect(('no-such-host.invalid', 9))), attempt(lambda: make().bind(('256.1.1.1', 0))),
              attempt(lambda: make().connect_ex(('no-such-host.invalid', 9))), attempt(lambda: make().bind(('a' * 64, 0))),
              attempt(lambda: socket.create_connection(('no-such-host.invalid', 9), 1))]
    `,
    () => [
      attempt(() => make().connect(['no-such-host.invalid', 9])),
      attempt(() => make().bind(['256.1.1.1', 0])),
      attempt(() => make().connect_ex(['no-such-host.invalid', 9])),
      attempt(() => make().bind(['a'.repeat(64), 0])),
      attempt(() => socket.create_connection(['no-such-host.invalid', 9], 1)),
    ],
  );

  scenario(
    'create_server: a name that no server can resolve',
    py`return socket.create_server(('no-such-host.invalid', 0)).fileno()`,
    () => socket.create_server(['no-such-host.invalid', 0]).fileno(),
  );

  scenario(
    'PACKET: a frame from one link to the other',
    py`
      a, b = (make(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x88b5)) for _ in range(2))
      b.settimeout(5)
      a.bind(('va', 0x88b5))
      b.bind(('vb', 0x88b5))
      hardware = b.getsockname()[4]
      sent = a.sendto(b'across', ('va', 0x88b5, 0, 0, hardware))
      data, address = b.recvfrom(100)
      a.sendto(b'all', ('va', 0x88b5, 0, 0, b'\xff' * 6))
      other = b.recvfrom(100)[1]
      return [sent, data, address[:4], address[4] == a.getsockname()[4], other[:4], len(hardware)]
    `,
    () => {
      const make_one = () => make(socket.AF_PACKET, SOCK_DGRAM, socket.htons(0x88b5));
      const [a, b] = [make_one(), make_one()];
      b.settimeout(5);
      a.bind(['va', 0x88b5]);
      b.bind(['vb', 0x88b5]);
      const hardware = b.getsockname()[4];
      const sent = a.sendto('across', ['va', 0x88b5, 0, 0, hardware]);
      const [data, address] = b.recvfrom(100);
      a.sendto('all', ['va', 0x88b5, 0, 0, Buffer.alloc(6, 0xff)]);
      const other = b.recvfrom(100)[1];
      const same = String(address[4]) === String(a.getsockname()[4]);
      return [sent, data, address.slice(0, 4), same, other.slice(0, 4), hardware.length];
    },
  );

  scenario(
    'sethostname, gethostname',
    py`
      results = []
      for name in ('conformance', b'bytes-name', 'x' * 64, 'x' * 65, ''):
          results.append([attempt(lambda: socket.sethostname(name)), socket.gethostname()])
      return results
    `,
    () =>
      ['conformance', Buffer.from('bytes-name'), 'x'.repeat(64), 'x'.repeat(65), ''].map((name) => [
        attempt(() => socket.sethostname(name)),
        socket.gethostname(),
      ]),
  );
}
