/**
 * Timeouts: settimeout, setblocking, the default timeout, and what expires in each waiting call. Elapsed times are
 * compared only as "not before the deadline" and "not hung" (see `waited`).
 */
import * as socket from 'bsd-sockets/socket';
import { invoke, py, theme } from './harness.js';
import { attempt, bound, connected, keep, listener, make, pair, path, waited } from './stage.js';

const { scenario, calls, methods } = theme('timeouts');
const { AF_UNIX, SOCK_STREAM, SOCK_DGRAM } = socket;

/** What settimeout and setblocking leave behind. */
function states(sock: ReturnType<typeof make>): unknown[] {
  return [sock.gettimeout(), sock.getblocking(), sock.timeout];
}
const py_states = 'lambda sock: [sock.gettimeout(), sock.getblocking(), sock.timeout]';

scenario(
  'settimeout, setblocking: what gettimeout, getblocking, timeout say',
  py`
    states = ${py_states}
    sock = make()
    results = [states(sock)]
    for value in (1, 0.25, 0, None, 0.0, 1e-9, 5e8):
        sock.settimeout(value)
        results.append(states(sock))
    for value in (True, False, 1, 0):
        sock.setblocking(value)
        results.append(states(sock))
    return results
  `,
  () => {
    const sock = make();
    const results = [states(sock)];
    for (const value of [1, 0.25, 0, null, 0.0, 1e-9, 5e8]) {
      sock.settimeout(value);
      results.push(states(sock));
    }
    for (const value of [true, false, 1, 0]) {
      invoke(sock, 'setblocking', value);
      results.push(states(sock));
    }
    return results;
  },
);

methods('make()', () => make(), 'settimeout', [
  [-1],
  [-0.0001],
  [Number.NaN],
  [Number.POSITIVE_INFINITY],
  [Number.NEGATIVE_INFINITY],
  [1e10],
  [1e300],
  ['1'],
  [[]],
  [true],
  [null],
  [Buffer.from('1')],
  [],
]);
methods('make()', () => make(), 'setblocking', [[true], [false], [1], [0], ['x'], [null], [1.5], []]);
calls(socket, 'setdefaulttimeout', [[null], [1], [0], [-1], [Number.NaN], [1e300], ['1'], []]);
calls(socket, 'getdefaulttimeout', [[]]);

scenario(
  'the default timeout: sockets made after it have it, however they are made',
  py`
    states = ${py_states}
    early = make()
    results = [socket.getdefaulttimeout()]
    for value in (2, 0, 0.5):
        socket.setdefaulttimeout(value)
        a, b = keep(*socket.socketpair())
        results.append([socket.getdefaulttimeout(), states(early), states(make()), states(a),
                        states(keep(a.dup())), states(keep(socket.fromfd(a.fileno(), socket.AF_UNIX, socket.SOCK_STREAM)))])
    socket.setdefaulttimeout(None)
    return results + [socket.getdefaulttimeout(), states(make())]
  `,
  () => {
    const early = make();
    const results: unknown[] = [socket.getdefaulttimeout()];
    for (const value of [2, 0, 0.5]) {
      socket.setdefaulttimeout(value);
      const [a, b] = socket.socketpair();
      keep(b);
      results.push([
        socket.getdefaulttimeout(),
        states(early),
        states(make()),
        states(keep(a)),
        states(keep(a.dup())),
        states(keep(socket.fromfd(a.fileno(), AF_UNIX, SOCK_STREAM))),
      ]);
    }
    socket.setdefaulttimeout(null);
    return [...results, socket.getdefaulttimeout(), states(make())];
  },
);

scenario(
  'accepted sockets: the default timeout, not that of the listener',
  py`
    results = []
    for default, own in ((None, 2), (None, 0), (3, 2), (0, 2), (3, None)):
        server = listener()
        socket.setdefaulttimeout(default)
        server.settimeout(own)
        client = make()
        client.settimeout(5)
        client.connect(server.getsockname())
        conn = keep(server.accept()[0])
        results.append([conn.gettimeout(), conn.getblocking()])
    return results
  `,
  () => {
    const defaults: [number | null, number | null][] = [
      [null, 2],
      [null, 0],
      [3, 2],
      [0, 2],
      [3, null],
    ];
    return defaults.map(([fallback, own]) => {
      const server = listener();
      socket.setdefaulttimeout(fallback);
      server.settimeout(own);
      const client = make();
      client.settimeout(5);
      client.connect(server.getsockname());
      const conn = keep(server.accept()[0]);
      return [conn.gettimeout(), conn.getblocking()];
    });
  },
);

scenario(
  'SOCK_NONBLOCK in the type: a non-blocking socket, whatever the default timeout',
  py`
    socket.setdefaulttimeout(3)
    sock = make(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    return [sock.type, sock.gettimeout(), sock.getblocking(), sock.get_inheritable()]
  `,
  () => {
    socket.setdefaulttimeout(3);
    const sock = make(socket.AF_INET, SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC);
    return [sock.type, sock.gettimeout(), sock.getblocking(), sock.get_inheritable()];
  },
);

/** Each way to wait for data, as [name, call]; the names are the Python expressions. */
const receiving: [string, (sock: ReturnType<typeof make>) => unknown][] = [
  ['sock.recv(1)', (sock) => sock.recv(1)],
  ['sock.recv(1, socket.MSG_PEEK)', (sock) => sock.recv(1, socket.MSG_PEEK)],
  ['sock.recv(0)', (sock) => sock.recv(0)],
  ['sock.recv_into(bytearray(4))', (sock) => sock.recv_into(Buffer.alloc(4))],
  ['sock.recvfrom(1)', (sock) => sock.recvfrom(1)],
  ['sock.recvfrom_into(bytearray(4))', (sock) => sock.recvfrom_into(Buffer.alloc(4))],
  ['sock.recvmsg(1)', (sock) => sock.recvmsg(1)],
  ['sock.recvmsg_into([bytearray(4)])', (sock) => sock.recvmsg_into([Buffer.alloc(4)])],
  ['sock.recv(1, socket.MSG_DONTWAIT)', (sock) => sock.recv(1, socket.MSG_DONTWAIT)],
];
for (const [call, receive] of receiving) {
  scenario(
    `${call} when nothing comes: with a timeout, then without waiting`,
    py`
      sock, other = pair()
      sock.settimeout(0.03)
      first = waited(0 if 'DONTWAIT' in ${JSON.stringify(call)} else 0.03, lambda: ${call})
      sock.setblocking(False)
      return [first, attempt(lambda: ${call})]
    `,
    () => {
      const [sock] = pair();
      sock.settimeout(0.03);
      const first = waited(call.includes('DONTWAIT') ? 0 : 0.03, () => receive(sock));
      sock.setblocking(false);
      return [first, attempt(() => receive(sock))];
    },
  );
}

scenario(
  'UDP: recvfrom expires, then the next datagram is received',
  py`
    sock = bound()
    sock.settimeout(0.03)
    first = waited(0.03, lambda: sock.recvfrom(10))
    sock.sendto(b'x', sock.getsockname())
    return [first, sock.recvfrom(10)[0]]
  `,
  () => {
    const sock = bound();
    sock.settimeout(0.03);
    const first = waited(0.03, () => sock.recvfrom(10));
    sock.sendto('x', sock.getsockname());
    return [first, sock.recvfrom(10)[0]];
  },
);

scenario(
  'accept expires, or does not wait',
  py`
    server = listener()
    server.settimeout(0.03)
    first = waited(0.03, server.accept)
    server.setblocking(False)
    return [first, attempt(server.accept)]
  `,
  () => {
    const server = listener();
    server.settimeout(0.03);
    const first = waited(0.03, () => server.accept());
    server.setblocking(false);
    return [first, attempt(() => server.accept())];
  },
);

scenario(
  'connect expires when the backlog is full: connect, connect_ex, create_connection',
  py`
    server = listener(backlog=0)
    address = server.getsockname()
    for _ in range(2):
        filler = make()
        filler.setblocking(False)
        filler.connect_ex(address)
    client, other = make(), make()
    client.settimeout(0.05)
    other.settimeout(0.05)
    return [waited(0.05, lambda: client.connect(address)), waited(0.05, lambda: other.connect_ex(address)),
            waited(0.05, lambda: keep(socket.create_connection(address, 0.05)).fileno())]
  `,
  () => {
    const server = listener('127.0.0.1', 0);
    const address = server.getsockname();
    for (let i = 0; i < 2; i++) {
      const filler = make();
      filler.setblocking(false);
      filler.connect_ex(address);
    }
    const [client, other] = [make(), make()];
    client.settimeout(0.05);
    other.settimeout(0.05);
    return [
      waited(0.05, () => client.connect(address)),
      waited(0.05, () => other.connect_ex(address)),
      waited(0.05, () => keep(socket.create_connection(address, 0.05)).fileno()),
    ];
  },
);

scenario(
  'UNIX: connect to a full backlog, with a timeout and without waiting',
  py`
    server = make(socket.AF_UNIX)
    where = path('full')
    server.bind(where)
    server.listen(0)
    make(socket.AF_UNIX).connect(where)
    client, other = make(socket.AF_UNIX), make(socket.AF_UNIX)
    client.settimeout(0.03)
    other.setblocking(False)
    return [attempt(lambda: client.connect(where)), attempt(lambda: other.connect(where)), other.connect_ex(where)]
  `,
  () => {
    const server = make(AF_UNIX);
    const where = path('full');
    server.bind(where);
    server.listen(0);
    make(AF_UNIX).connect(where);
    const [client, other] = [make(AF_UNIX), make(AF_UNIX)];
    client.settimeout(0.03);
    other.setblocking(false);
    return [
      attempt(() => client.connect(where)),
      attempt(() => other.connect(where)),
      other.connect_ex(where),
    ];
  },
);

/** Each way to send, onto a stream whose buffers are full. */
const sending: [string, (sock: ReturnType<typeof make>) => unknown][] = [
  ["sock.send(b'x')", (sock) => sock.send('x')],
  ["sock.send(b'x', socket.MSG_DONTWAIT)", (sock) => sock.send('x', socket.MSG_DONTWAIT)],
  ["sock.sendall(b'x')", (sock) => sock.sendall('x')],
  ["sock.sendmsg([b'x'])", (sock) => sock.sendmsg(['x'])],
];
for (const [call, send] of sending) {
  scenario(
    `${call} on a full stream: with a timeout, then without waiting`,
    py`
      sock, other = pair()
      sock.setblocking(False)
      while not isinstance(attempt(lambda: sock.send(bytes(65536))), dict):
          pass
      while not isinstance(attempt(lambda: sock.send(b'x')), dict):
          pass
      sock.settimeout(0.03)
      first = waited(0 if 'DONTWAIT' in ${JSON.stringify(call)} else 0.03, lambda: ${call})
      sock.setblocking(False)
      return [first, attempt(lambda: ${call})]
    `,
    () => {
      const [sock] = pair();
      sock.setblocking(false);
      for (const chunk of [Buffer.alloc(65536), Buffer.alloc(1)]) {
        while (typeof attempt(() => sock.send(chunk)) === 'number');
      }
      sock.settimeout(0.03);
      const first = waited(call.includes('DONTWAIT') ? 0 : 0.03, () => send(sock));
      sock.setblocking(false);
      return [first, attempt(() => send(sock))];
    },
  );
}

scenario(
  'sendall expires part of the way: one deadline for the whole',
  py`
    sock, other = pair()
    sock.settimeout(0.05)
    return waited(0.05, lambda: sock.sendall(bytes(8 << 20)))
  `,
  () => {
    const [sock] = pair();
    sock.settimeout(0.05);
    return waited(0.05, () => sock.sendall(Buffer.alloc(8 << 20)));
  },
);

scenario(
  'UNIX datagrams: a full queue, with a timeout and without waiting',
  py`
    sock, other = pair(socket.SOCK_DGRAM)
    sock.setblocking(False)
    while not isinstance(attempt(lambda: sock.send(b'x')), dict):
        pass
    full = attempt(lambda: sock.send(b'x'))
    sock.settimeout(0.03)
    return [full, waited(0.03, lambda: sock.send(b'x')), waited(0.03, lambda: sock.sendall(b'x'))]
  `,
  () => {
    const [sock] = pair(SOCK_DGRAM);
    sock.setblocking(false);
    while (typeof attempt(() => sock.send('x')) === 'number');
    const full = attempt(() => sock.send('x'));
    sock.settimeout(0.03);
    return [full, waited(0.03, () => sock.send('x')), waited(0.03, () => sock.sendall('x'))];
  },
);

scenario(
  'a timeout expires and the connection still works',
  py`
    client, conn = connected()
    client.settimeout(0.02)
    first = attempt(lambda: client.recv(5))
    conn.sendall(b'late')
    return [first, client.recv(5), client.gettimeout()]
  `,
  () => {
    const [client, conn] = connected();
    client.settimeout(0.02);
    const first = attempt(() => client.recv(5));
    conn.sendall('late');
    return [first, client.recv(5), client.gettimeout()];
  },
);

scenario(
  'MSG_WAITALL with a timeout: what came is given when the deadline passes',
  py`
    a, b = pair()
    a.send(b'abc')
    b.settimeout(0.05)
    return [attempt(lambda: b.recv(10, socket.MSG_WAITALL)), attempt(lambda: b.recv(10, socket.MSG_WAITALL))]
  `,
  () => {
    const [a, b] = pair();
    a.send('abc');
    b.settimeout(0.05);
    return [attempt(() => b.recv(10, socket.MSG_WAITALL)), attempt(() => b.recv(10, socket.MSG_WAITALL))];
  },
);
