/**
 * The kernel's own time-outs (SO_RCVTIMEO, SO_SNDTIMEO) on sockets that block, and calls that never wait whatever the socket and its
 * description say: MSG_DONTWAIT, MSG_ERRQUEUE, and duplicates that change O_NONBLOCK.
 */
import * as socket from 'bsd-sockets/socket';
import { py, theme } from './harness.js';
import { attempt, bound, connected, fill, keep, limited, listener, make, pair, waited } from './stage.js';

const { scenario } = theme('kernel_timeouts');
const { MSG_DONTWAIT, MSG_ERRQUEUE } = socket;

type Sock = ReturnType<typeof make>;
// In seconds: the kernel's time-out of limited() in its ticks, which are at most 10 ms.
const AT_LEAST = 0.04;

const receives: [string, (sock: Sock, flags: number) => unknown][] = [
  ['sock.recv(1, flags)', (sock, flags) => sock.recv(1, flags)],
  ['sock.recvfrom(1, flags)', (sock, flags) => sock.recvfrom(1, flags)],
  ['sock.recv_into(bytearray(4), 0, flags)', (sock, flags) => sock.recv_into(Buffer.alloc(4), 0, flags)],
  [
    'sock.recvfrom_into(bytearray(4), 0, flags)',
    (sock, flags) => sock.recvfrom_into(Buffer.alloc(4), 0, flags),
  ],
  ['sock.recvmsg(1, 0, flags)', (sock, flags) => sock.recvmsg(1, 0, flags)],
  [
    'sock.recvmsg_into([bytearray(4)], 0, flags)',
    (sock, flags) => sock.recvmsg_into([Buffer.alloc(4)], 0, flags),
  ],
];
const sends: [string, (sock: Sock, flags: number) => unknown][] = [
  ["sock.send(b'x', flags)", (sock, flags) => sock.send('x', flags)],
  ["sock.sendall(b'x', flags)", (sock, flags) => sock.sendall('x', flags)],
  ["sock.sendmsg([b'x'], [], flags)", (sock, flags) => sock.sendmsg(['x'], [], flags)],
];

for (const [call, receive] of receives) {
  scenario(
    `${call}: the kernel's time-out, and MSG_DONTWAIT without and beside it`,
    py`
      sock, other = pair()
      sock.settimeout(None)
      flags = socket.MSG_DONTWAIT
      results = [attempt(lambda: ${call})]
      limited(sock)
      results.append(attempt(lambda: ${call}))
      flags = 0
      return [*results, waited(${AT_LEAST}, lambda: ${call})]
    `,
    () => {
      const [sock] = pair();
      sock.settimeout(null);
      const results = [attempt(() => receive(sock, MSG_DONTWAIT))];
      limited(sock);
      results.push(attempt(() => receive(sock, MSG_DONTWAIT)));
      return [...results, waited(AT_LEAST, () => receive(sock, 0))];
    },
  );
}

for (const [call, send] of sends) {
  scenario(
    `${call} on a full stream: the kernel's time-out, and MSG_DONTWAIT without and beside it`,
    py`
      sock, other = pair()
      sock.settimeout(None)
      fill(sock)
      flags = socket.MSG_DONTWAIT
      results = [attempt(lambda: ${call})]
      limited(sock)
      results.append(attempt(lambda: ${call}))
      flags = 0
      return [*results, waited(${AT_LEAST}, lambda: ${call})]
    `,
    () => {
      const [sock] = pair();
      sock.settimeout(null);
      fill(sock);
      const results = [attempt(() => send(sock, MSG_DONTWAIT))];
      limited(sock);
      results.push(attempt(() => send(sock, MSG_DONTWAIT)));
      return [...results, waited(AT_LEAST, () => send(sock, 0))];
    },
  );
}

scenario(
  'accept: the time-out of the kernel',
  py`
    return waited(${AT_LEAST}, limited(listener()).accept)
  `,
  () => {
    const sock = limited(listener());
    return waited(AT_LEAST, () => sock.accept());
  },
);

scenario(
  'connect to a listener that does not answer: the time-out of the kernel, then it is under way',
  py`
    silent = listener('127.0.0.1', 0)
    for _ in range(3):
        filler = make()
        filler.setblocking(False)
        filler.connect_ex(silent.getsockname())
    sock, other = limited(make()), limited(make())
    return [waited(${AT_LEAST}, lambda: sock.connect(silent.getsockname())), sock.gettimeout(),
            waited(${AT_LEAST}, lambda: other.connect_ex(silent.getsockname()))]
  `,
  () => {
    const silent = listener('127.0.0.1', 0);
    for (let i = 0; i < 3; i++) {
      const filler = make();
      filler.setblocking(false);
      filler.connect_ex(silent.getsockname());
    }
    const [sock, other] = [limited(make()), limited(make())];
    return [
      waited(AT_LEAST, () => sock.connect(silent.getsockname())),
      sock.gettimeout(),
      waited(AT_LEAST, () => other.connect_ex(silent.getsockname())),
    ];
  },
);

scenario(
  'connect to an AF_UNIX listener whose backlog is full: the time-out of the kernel',
  py`
    server = make(socket.AF_UNIX)
    server.bind('')
    server.listen(0)
    make(socket.AF_UNIX).connect(server.getsockname())
    sock = limited(make(socket.AF_UNIX))
    return waited(${AT_LEAST}, lambda: sock.connect(server.getsockname()))
  `,
  () => {
    const server = make(socket.AF_UNIX);
    server.bind('');
    server.listen(0);
    make(socket.AF_UNIX).connect(server.getsockname());
    const sock = limited(make(socket.AF_UNIX));
    return waited(AT_LEAST, () => sock.connect(server.getsockname()));
  },
);

scenario(
  'sendall beyond what fits: the time-out of the kernel',
  py`
    sock, other = pair()
    return waited(${AT_LEAST}, lambda: limited(sock).sendall(bytes(8 << 20)))
  `,
  () => {
    const [sock] = pair();
    return waited(AT_LEAST, () => limited(sock).sendall(Buffer.alloc(8 << 20)));
  },
);

scenario(
  'a socket with a time-out, after its duplicate has made both blocking: the time-out holds',
  py`
    results = []
    for call in (lambda sock: sock.recv(1), lambda sock: sock.recvmsg(1), lambda sock: sock.recvfrom_into(bytearray(1))):
        sock, other = pair()
        sock.settimeout(0.05)
        keep(sock.dup()).settimeout(None)
        results.append(waited(0.05, lambda: call(sock)))
    for call in (lambda sock: sock.send(b'x'), lambda sock: sock.sendmsg([b'x']), lambda sock: sock.sendall(b'x')):
        sock, other = pair()
        fill(sock)
        sock.settimeout(0.05)
        keep(sock.dup()).settimeout(None)
        results.append(waited(0.05, lambda: call(sock)))
    server = listener()
    server.settimeout(0.05)
    keep(server.dup()).settimeout(None)
    return [*results, waited(0.05, server.accept)]
  `,
  () => {
    const results: unknown[] = [];
    const receiving: ((sock: Sock) => unknown)[] = [
      (sock) => sock.recv(1),
      (sock) => sock.recvmsg(1),
      (sock) => sock.recvfrom_into(Buffer.alloc(1)),
    ];
    for (const call of receiving) {
      const [sock] = pair();
      sock.settimeout(0.05);
      keep(sock.dup()).settimeout(null);
      results.push(waited(0.05, () => call(sock)));
    }
    const sending: ((sock: Sock) => unknown)[] = [
      (sock) => sock.send('x'),
      (sock) => sock.sendmsg(['x']),
      (sock) => sock.sendall('x'),
    ];
    for (const call of sending) {
      const [sock] = pair();
      fill(sock);
      sock.settimeout(0.05);
      keep(sock.dup()).settimeout(null);
      results.push(waited(0.05, () => call(sock)));
    }
    const server = listener();
    server.settimeout(0.05);
    keep(server.dup()).settimeout(null);
    return [...results, waited(0.05, () => server.accept())];
  },
);

scenario(
  'MSG_DONTWAIT and MSG_ERRQUEUE, after a duplicate has made the socket non-blocking',
  py`
    sock = bound()
    sock.settimeout(None)
    keep(sock.dup()).setblocking(False)
    return [attempt(lambda: sock.recv(1, socket.MSG_DONTWAIT)), attempt(lambda: sock.recvmsg(1, 0, socket.MSG_DONTWAIT)),
            attempt(lambda: sock.recv(1, socket.MSG_ERRQUEUE)), attempt(lambda: sock.recvmsg(1, 64, socket.MSG_ERRQUEUE))]
  `,
  () => {
    const sock = bound();
    sock.settimeout(null);
    keep(sock.dup()).setblocking(false);
    return [
      attempt(() => sock.recv(1, MSG_DONTWAIT)),
      attempt(() => sock.recvmsg(1, 0, MSG_DONTWAIT)),
      attempt(() => sock.recv(1, MSG_ERRQUEUE)),
      attempt(() => sock.recvmsg(1, 64, MSG_ERRQUEUE)),
    ];
  },
);

scenario(
  'MSG_ERRQUEUE on a blocking socket, and with a time-out',
  py`
    sock = bound()
    sock.settimeout(None)
    results = [attempt(lambda: sock.recvmsg(1, 64, socket.MSG_ERRQUEUE))]
    sock.settimeout(0.05)
    return [*results, waited(0.05, lambda: sock.recvmsg(1, 64, socket.MSG_ERRQUEUE))]
  `,
  () => {
    const sock = bound();
    sock.settimeout(null);
    const results = [attempt(() => sock.recvmsg(1, 64, MSG_ERRQUEUE))];
    sock.settimeout(0.05);
    return [...results, waited(0.05, () => sock.recvmsg(1, 64, MSG_ERRQUEUE))];
  },
);

scenario(
  'MSG_WAITALL with MSG_DONTWAIT gives what there is',
  py`
    client, conn = connected()
    client.settimeout(None)
    conn.sendall(b'half')
    client.recv(1, socket.MSG_PEEK)
    return [client.recv(8, socket.MSG_WAITALL | socket.MSG_DONTWAIT),
            attempt(lambda: client.recv(8, socket.MSG_WAITALL | socket.MSG_DONTWAIT))]
  `,
  () => {
    const [client, conn] = connected();
    client.settimeout(null);
    conn.sendall('half');
    client.recv(1, socket.MSG_PEEK);
    const flags = socket.MSG_WAITALL | MSG_DONTWAIT;
    return [client.recv(8, flags), attempt(() => client.recv(8, flags))];
  },
);
