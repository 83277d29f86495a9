/**
 * create_connection, create_server, socketpair: their arguments, what they set up, how they fail.
 */
import * as socket from 'bsd-sockets/socket';
import { invoke, py, theme } from './harness.js';
import { ipv6 } from './needs.js';
import { attempt, keep, listener, make, shape } from './stage.js';

const { scenario } = theme('create');
const { AF_INET, AF_INET6, AF_UNIX, SOCK_STREAM, SOCK_DGRAM, SOL_SOCKET } = socket;

scenario(
  'create_connection: connected, with the default timeout, a timeout, none',
  py`
    results = []
    for default, args in ((None, ()), (7, ()), (7, (3,)), (7, (None,)), (None, (0.5,))):
        server = listener()
        socket.setdefaulttimeout(default)
        sock = keep(socket.create_connection(server.getsockname(), *args))
        results.append([sock.gettimeout(), int(sock.family), int(sock.type), sock.proto, sock.getpeername() == server.getsockname()])
    return results
  `,
  () => {
    const rows: [number | null, [timeout?: number | null]][] = [
      [null, []],
      [7, []],
      [7, [3]],
      [7, [null]],
      [null, [0.5]],
    ];
    return rows.map(([fallback, rest]) => {
      const server = listener();
      socket.setdefaulttimeout(fallback);
      const sock = keep(socket.create_connection(server.getsockname(), ...rest));
      const same = String(sock.getpeername()) === String(server.getsockname());
      return [sock.gettimeout(), sock.family, sock.type, sock.proto, same];
    });
  },
);

scenario(
  'create_connection: by name, and from a source address',
  py`
    server = listener()
    port = server.getsockname()[1]
    by_name = keep(socket.create_connection(('localhost', port), 5))
    by_text = keep(socket.create_connection(('127.0.0.1', str(port)), 5))
    from_two = keep(socket.create_connection(('127.0.0.1', port), 5, ('127.0.0.2', 0)))
    return [shape(by_name.getpeername()), shape(by_text.getpeername()), shape(from_two.getsockname()),
            shape(server.accept()[1])]
  `,
  () => {
    const server = listener();
    const [, port] = server.getsockname();
    const by_name = keep(socket.create_connection(['localhost', port], 5));
    const by_text = keep(socket.create_connection(['127.0.0.1', String(port)], 5));
    const from_two = keep(socket.create_connection(['127.0.0.1', port], 5, ['127.0.0.2', 0]));
    const [conn, address] = server.accept();
    keep(conn);
    return [
      shape(by_name.getpeername()),
      shape(by_text.getpeername()),
      shape(from_two.getsockname()),
      shape(address),
    ];
  },
);

scenario(
  'create_connection: a timeout of 0',
  py`return keep(socket.create_connection(listener().getsockname(), 0)).gettimeout()`,
  () => keep(socket.create_connection(listener().getsockname(), 0)).gettimeout(),
);

scenario(
  'create_connection: the address that an IPv6 socket names, with its scope',
  py`return keep(socket.create_connection(listener('::1').getsockname(), 5)).gettimeout()`,
  () => keep(socket.create_connection(listener('::1').getsockname(), 5)).gettimeout(),
  ipv6,
);

scenario(
  'create_connection: refused, source in use, source not ours',
  py`
    gone, server = listener(), listener()
    address = gone.getsockname()
    gone.close()
    return [attempt(lambda: socket.create_connection(address)), attempt(lambda: socket.create_connection(address, 1)),
            attempt(lambda: socket.create_connection(server.getsockname(), 1, server.getsockname())),
            attempt(lambda: socket.create_connection(server.getsockname(), 1, ('198.51.100.1', 0)))]
  `,
  () => {
    const [gone, server] = [listener(), listener()];
    const address = gone.getsockname();
    gone.close();
    return [
      attempt(() => socket.create_connection(address)),
      attempt(() => socket.create_connection(address, 1)),
      attempt(() => socket.create_connection(server.getsockname(), 1, server.getsockname())),
      attempt(() => socket.create_connection(server.getsockname(), 1, ['198.51.100.1', 0])),
    ];
  },
);

scenario(
  'create_connection: all_errors gives each attempt its error',
  py`
    gone = listener()
    address = gone.getsockname()
    gone.close()
    try:
        socket.create_connection(address, 1, all_errors=True)
    except ExceptionGroup as group:
        return [type(group).__name__ == 'ExceptionGroup', [error_of(error) for error in group.exceptions]]
  `,
  () => {
    const gone = listener();
    const address = gone.getsockname();
    gone.close();
    try {
      socket.create_connection(address, 1, null, { all_errors: true });
    } catch (error) {
      if (!(error instanceof AggregateError)) throw error;
      const parts = error.errors.map((one) =>
        attempt(() => {
          throw one;
        }),
      );
      return [error.constructor.name === 'AggregateError', parts];
    }
    return undefined;
  },
);

scenario(
  'create_connection: IPv6',
  py`
    server = listener('::1')
    sock = keep(socket.create_connection(server.getsockname()[:2], 5))
    source = keep(socket.create_connection(server.getsockname()[:2], 5, ('::1', 0)))
    return [int(sock.family), shape(sock.getpeername()), shape(source.getsockname())]
  `,
  () => {
    const server = listener('::1');
    const [host, port] = server.getsockname();
    const sock = keep(socket.create_connection([host, port], 5));
    const source = keep(socket.create_connection([host, port], 5, ['::1', 0]));
    return [sock.family, shape(sock.getpeername()), shape(source.getsockname())];
  },
  ipv6,
);

scenario(
  'create_connection: wrong arguments',
  py`
    tried = [(), (5,), (None,), (('127.0.0.1', 9), 'x'), (('127.0.0.1', 9), -1), (('127.0.0.1', 9), 1, 5)]
    return [attempt(lambda: socket.create_connection(*args)) for args in tried]
  `,
  () => {
    const tried: unknown[][] = [
      [],
      [5],
      [null],
      [['127.0.0.1', 9], 'x'],
      [['127.0.0.1', 9], -1],
      [['127.0.0.1', 9], 1, 5],
    ];
    return tried.map((values) => attempt(() => invoke(socket, 'create_connection', ...values)));
  },
);

scenario(
  'create_connection: an address that is no pair',
  py`return [attempt(lambda: socket.create_connection(address)) for address in ('127.0.0.1', ('127.0.0.1',))]`,
  () =>
    ['127.0.0.1', ['127.0.0.1']].map((address) =>
      attempt(() => invoke(socket, 'create_connection', address)),
    ),
);

scenario(
  'create_server: listens, reuses the address, is of the default family',
  py`
    server = keep(socket.create_server(('127.0.0.1', 0)))
    names = (socket.SO_ACCEPTCONN, socket.SO_REUSEADDR, socket.SO_REUSEPORT)
    return [int(server.family), int(server.type), server.proto, server.gettimeout(), shape(server.getsockname()),
            [server.getsockopt(socket.SOL_SOCKET, name) for name in names], server.get_inheritable()]
  `,
  () => {
    const server = keep(socket.create_server(['127.0.0.1', 0]));
    const names = [socket.SO_ACCEPTCONN, socket.SO_REUSEADDR, socket.SO_REUSEPORT];
    return [
      server.family,
      server.type,
      server.proto,
      server.gettimeout(),
      shape(server.getsockname()),
      names.map((name) => server.getsockopt(SOL_SOCKET, name)),
      server.get_inheritable(),
    ];
  },
);

scenario(
  'create_server: all addresses, backlog, reuse_port',
  py`
    first = keep(socket.create_server(('', 0), backlog=7, reuse_port=True))
    second = keep(socket.create_server(('', first.getsockname()[1]), reuse_port=True))
    return [shape(first.getsockname()), first.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT),
            first.getsockname() == second.getsockname(),
            attempt(lambda: keep(socket.create_server(('', first.getsockname()[1]))).fileno())]
  `,
  () => {
    const first = keep(socket.create_server(['', 0], { backlog: 7, reuse_port: true }));
    const [, port] = first.getsockname();
    const second = keep(socket.create_server(['', port], { reuse_port: true }));
    return [
      shape(first.getsockname()),
      first.getsockopt(SOL_SOCKET, socket.SO_REUSEPORT),
      String(first.getsockname()) === String(second.getsockname()),
      attempt(() => keep(socket.create_server(['', port])).fileno()),
    ];
  },
);

scenario(
  'create_server: IPv6 alone, and dual stack serving both families',
  py`
    alone = keep(socket.create_server(('::1', 0), family=socket.AF_INET6))
    dual = keep(socket.create_server(('', 0), family=socket.AF_INET6, dualstack_ipv6=True))
    dual.settimeout(5)
    port = dual.getsockname()[1]
    results = [[one.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) for one in (alone, dual)],
               shape(alone.getsockname()), shape(dual.getsockname())]
    for host in ('127.0.0.1', '::1'):
        keep(socket.create_connection((host, port), 5))
        conn, address = dual.accept()
        keep(conn)
        results.append([shape(address), shape(conn.getsockname())])
    return results
  `,
  () => {
    const alone = keep(socket.create_server(['::1', 0], { family: AF_INET6 }));
    const dual = keep(socket.create_server(['', 0], { family: AF_INET6, dualstack_ipv6: true }));
    dual.settimeout(5);
    const [, port] = dual.getsockname();
    const only = [alone, dual].map((one) => one.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY));
    const results: unknown[] = [only, shape(alone.getsockname()), shape(dual.getsockname())];
    for (const host of ['127.0.0.1', '::1']) {
      keep(socket.create_connection([host, port], 5));
      const [conn, address] = dual.accept();
      keep(conn);
      results.push([shape(address), shape(conn.getsockname())]);
    }
    return results;
  },
  ipv6,
);

scenario(
  'create_server: wrong arguments and what the system refuses',
  py`
    server = listener()
    tried = [lambda: socket.create_server(('127.0.0.1', 0), dualstack_ipv6=True),
             lambda: socket.create_server(server.getsockname()),
             lambda: socket.create_server(('198.51.100.1', 0)),
             lambda: socket.create_server(('127.0.0.1', 0), family=9999),
             lambda: socket.create_server(('127.0.0.1', 65536)),
             lambda: socket.create_server(('127.0.0.1', 0), backlog='x'),
             lambda: socket.create_server(('127.0.0.1', 0), backlog=1.5),
             lambda: socket.create_server(('127.0.0.1', '80')),
             lambda: socket.create_server(5),
             lambda: socket.create_server(),
             lambda: socket.create_server(None)]
    return [attempt(action) for action in tried]
  `,
  () => {
    const server = listener();
    const tried: unknown[][] = [
      [['127.0.0.1', 0], { dualstack_ipv6: true }],
      [server.getsockname()],
      [['198.51.100.1', 0]],
      [['127.0.0.1', 0], { family: 9999 }],
      [['127.0.0.1', 65536]],
      [['127.0.0.1', 0], { backlog: 'x' }],
      [['127.0.0.1', 0], { backlog: 1.5 }],
      [['127.0.0.1', '80']],
      [5],
      [],
      [null],
    ];
    return tried.map((values) => attempt(() => invoke(socket, 'create_server', ...values)));
  },
);

scenario(
  'socketpair: families, types, what is refused',
  py`
    def kinds_of(*args):
        both = keep(*socket.socketpair(*args))
        both[0].send(b'x')
        return [[int(one.family), int(one.type), one.proto, one.get_inheritable()] for one in both] + [both[1].recv(1)]
    return [kinds_of(), kinds_of(socket.AF_UNIX, socket.SOCK_DGRAM), kinds_of(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0),
            kinds_of(None), attempt(lambda: kinds_of(socket.AF_INET)),
            attempt(lambda: kinds_of(socket.AF_UNIX, 99)), attempt(lambda: kinds_of(socket.AF_UNIX, socket.SOCK_STREAM, 6)),
            attempt(lambda: kinds_of('x')), attempt(lambda: kinds_of(socket.AF_UNIX, 1.5))]
  `,
  () => {
    const kinds_of = (...values: (number | null)[]) => {
      const both = socket.socketpair(...values);
      both.forEach(keep);
      both[0].send('x');
      const traits = both.map((one) => [one.family, one.type, one.proto, one.get_inheritable()]);
      return [...traits, both[1].recv(1)];
    };
    return [
      kinds_of(),
      kinds_of(AF_UNIX, SOCK_DGRAM),
      kinds_of(AF_UNIX, socket.SOCK_SEQPACKET, 0),
      kinds_of(null),
      attempt(() => kinds_of(AF_INET)),
      attempt(() => kinds_of(AF_UNIX, 99)),
      attempt(() => kinds_of(AF_UNIX, SOCK_STREAM, 6)),
      attempt(() => invoke(socket, 'socketpair', 'x')),
      attempt(() => kinds_of(AF_UNIX, 1.5)),
    ];
  },
);

scenario(
  'a request and its answer over every loopback family',
  py`
    results = []
    for host in ('127.0.0.1', '::1'):
        server = listener(host)
        client = make(server.family)
        client.connect(server.getsockname())
        conn, address = server.accept()
        keep(conn)
        client.sendall(b'hello')
        conn.sendall(conn.recv(10).upper())
        results.append([client.recv(10), shape(address)])
    return results
  `,
  () =>
    ['127.0.0.1', '::1'].map((host) => {
      const server = listener(host);
      const client = make(server.family);
      client.connect(server.getsockname());
      const [conn, address] = server.accept();
      keep(conn);
      client.sendall('hello');
      conn.sendall(conn.recv(10).toString().toUpperCase());
      return [client.recv(10), shape(address)];
    }),
  ipv6,
);
