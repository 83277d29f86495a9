/**
 * Calls that really wait, with a partner on another thread that ends the wait: data, room, a connection, the end.
 */
import * as socket from 'bsd-sockets/socket';
import { py, theme } from './harness.js';
import { attempt, connected, keep, listener, make, pair, partner, path, waited } from './stage.js';

const { scenario } = theme('blocking');
const { AF_UNIX, SOCK_DGRAM, MSG_WAITALL, SHUT_RDWR, SHUT_WR } = socket;
/** Long enough for a thread to start after the call has begun to wait; nothing depends on it but what is tested. */
const LATER = 40;

/** Each way to wait for data, as [the Python expression, the same here]. */
const receiving: [string, (sock: ReturnType<typeof make>, target: Buffer) => unknown][] = [
  ['sock.recv(100)', (sock) => sock.recv(100)],
  ['[sock.recv_into(target), target]', (sock, target) => [sock.recv_into(target), target]],
  ['sock.recvfrom(100)', (sock) => sock.recvfrom(100)],
  ['[sock.recvfrom_into(target), target]', (sock, target) => [sock.recvfrom_into(target), target]],
  ['sock.recvmsg(100, 100)', (sock) => sock.recvmsg(100, 100)],
  ['[sock.recvmsg_into([target]), target]', (sock, target) => [sock.recvmsg_into([target]), target]],
];
for (const [call, receive] of receiving) {
  for (const timeout of [null, 5]) {
    scenario(
      `${call}, timeout ${timeout}: until data comes, until the end`,
      py`
        sock, other = pair()
        sock.settimeout(${timeout === null ? 'None' : timeout})
        target = bytearray(6)
        partner(other, [('wait', ${LATER}), ('send', 'first'), ('wait', ${LATER})])
        return [${call}, ${call}, sock.gettimeout()]
      `,
      () => {
        const [sock, other] = pair();
        sock.settimeout(timeout);
        const target = Buffer.alloc(6);
        partner(other, [
          ['wait', LATER],
          ['send', 'first'],
          ['wait', LATER],
        ]);
        return [receive(sock, target), receive(sock, target), sock.gettimeout()];
      },
    );
  }
}

scenario(
  'MSG_WAITALL: waits for all the parts, and gives what there is at the end',
  py`
    sock, other = pair()
    sock.settimeout(None)
    partner(other, [('send', 'ab'), ('wait', ${LATER}), ('send', 'cd'), ('wait', ${LATER}), ('send', 'ef')])
    return [sock.recv(5, socket.MSG_WAITALL), sock.recv(5, socket.MSG_WAITALL)]
  `,
  () => {
    const [sock, other] = pair();
    sock.settimeout(null);
    partner(other, [
      ['send', 'ab'],
      ['wait', LATER],
      ['send', 'cd'],
      ['wait', LATER],
      ['send', 'ef'],
    ]);
    return [sock.recv(5, MSG_WAITALL), sock.recv(5, MSG_WAITALL)];
  },
);

scenario(
  'accept: until a connection comes, with and without a timeout',
  py`
    results = []
    for timeout in (None, 5):
        server = listener()
        server.settimeout(timeout)
        partner(make(), [('wait', ${LATER}), ('connect', server.getsockname()), ('send', 'hello')])
        conn, address = server.accept()
        keep(conn)
        conn.settimeout(5)
        results.append([conn.recv(10), address[0]])
    return results
  `,
  () =>
    [null, 5].map((timeout) => {
      const server = listener();
      server.settimeout(timeout);
      partner(make(), [
        ['wait', LATER],
        ['connect', server.getsockname()],
        ['send', 'hello'],
      ]);
      const [conn, address] = server.accept();
      keep(conn).settimeout(5);
      return [conn.recv(10), address[0]];
    }),
);

scenario(
  'connect: a UNIX socket waits until the backlog has room',
  py`
    server = make(socket.AF_UNIX)
    where = path('full')
    server.bind(where)
    server.listen(0)
    make(socket.AF_UNIX).connect(where)
    client = make(socket.AF_UNIX)
    partner(server, [('wait', ${LATER}), ('accept', None), ('accept', None)])
    return [client.connect(where), client.getpeername()]
  `,
  () => {
    const server = make(AF_UNIX);
    const where = path('full');
    server.bind(where);
    server.listen(0);
    make(AF_UNIX).connect(where);
    const client = make(AF_UNIX);
    partner(server, [
      ['wait', LATER],
      ['accept', null],
      ['accept', null],
    ]);
    return [client.connect(where), client.getpeername()];
  },
);

/** Each way to send more than the buffers hold; what one call takes of it depends on the kernel. */
const sending: [string, (sock: ReturnType<typeof make>, data: Buffer) => unknown][] = [
  ['sock.sendall(data)', (sock, data) => sock.sendall(data)],
  ['sock.send(data) > 0', (sock, data) => sock.send(data) > 0],
  ["sock.sendmsg([data, b'x']) > 0", (sock, data) => sock.sendmsg([data, 'x']) > 0],
];
for (const [call, send] of sending) {
  scenario(
    `${call}: 2 MB to a reader who begins later`,
    py`
      sock, other = pair()
      sock.settimeout(None)
      data = bytes(2_000_000)
      partner(other, [('wait', ${LATER}), ('receive', 2_000_000)])
      return ${call}
    `,
    () => {
      const [sock, other] = pair();
      sock.settimeout(null);
      partner(other, [
        ['wait', LATER],
        ['receive', 2_000_000],
      ]);
      return send(sock, Buffer.alloc(2_000_000));
    },
  );
}

scenario(
  'sendall: the peer goes away in the middle',
  py`
    sock, other = pair()
    partner(other, [('receive', 1000), ('wait', ${LATER})])
    return attempt(lambda: sock.sendall(bytes(8_000_000)))
  `,
  () => {
    const [sock, other] = pair();
    partner(other, [
      ['receive', 1000],
      ['wait', LATER],
    ]);
    return attempt(() => sock.sendall(Buffer.alloc(8_000_000)));
  },
);

scenario(
  'sendall: a reader too slow for the deadline, which is one for the whole',
  py`
    sock, other = pair()
    sock.settimeout(0.1)
    partner(other, [step for _ in range(8) for step in (('wait', 20), ('receive', 1000))])
    return waited(0.1, lambda: sock.sendall(bytes(8_000_000)))
  `,
  () => {
    const [sock, other] = pair();
    sock.settimeout(0.1);
    partner(
      other,
      Array.from({ length: 8 }, () => [['wait', 20] as const, ['receive', 1000] as const]).flat(),
    );
    return waited(0.1, () => sock.sendall(Buffer.alloc(8_000_000)));
  },
);

scenario(
  'recv: the peer shuts down its writing side, resets, closes',
  py`
    results = []
    for steps in ([('shutdown', socket.SHUT_WR), ('wait', ${LATER})], [('reset', None)], [('shutdown', socket.SHUT_RDWR)], []):
        client, conn = connected()
        partner(conn, [('wait', ${LATER}), *steps])
        results.append(attempt(lambda: client.recv(10)))
    return results
  `,
  () => {
    const endings = [
      [['shutdown', SHUT_WR] as const, ['wait', LATER] as const],
      [['reset', null] as const],
      [['shutdown', SHUT_RDWR] as const],
      [],
    ];
    return endings.map((steps) => {
      const [client, conn] = connected();
      partner(conn, [['wait', LATER], ...steps]);
      return attempt(() => client.recv(10));
    });
  },
);

scenario(
  'UNIX datagrams: send waits for room in the queue of the peer',
  py`
    sock, other = pair(socket.SOCK_DGRAM)
    sock.setblocking(False)
    while not isinstance(attempt(lambda: sock.send(b'x')), dict):
        pass
    sock.settimeout(None)
    partner(other, [('wait', ${LATER}), ('receive', 5), ('wait', ${LATER})])
    return [sock.send(b'y'), attempt(lambda: sock.sendall(b'z'))]
  `,
  () => {
    const [sock, other] = pair(SOCK_DGRAM);
    sock.setblocking(false);
    while (typeof attempt(() => sock.send('x')) === 'number');
    sock.settimeout(null);
    partner(other, [
      ['wait', LATER],
      ['receive', 5],
      ['wait', LATER],
    ]);
    return [sock.send('y'), attempt(() => sock.sendall('z'))];
  },
);
