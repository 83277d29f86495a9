/**
 * Connecting and listening: non-blocking connect, connect_ex, connecting again, the backlog.
 */
import * as socket from 'bsd-sockets/socket';
import { invoke, py, theme } from './harness.js';
import { attempt, bound, keep, listener, make, path } from './stage.js';

const { scenario, methods } = theme('connecting');
const { AF_UNIX, SOCK_STREAM, SOL_SOCKET, SO_ERROR } = socket;

scenario(
  'non-blocking connect: EINPROGRESS, then writable, then SO_ERROR',
  py`
    server = listener()
    client, other = make(), make()
    client.setblocking(False)
    other.setblocking(False)
    first = client.connect_ex(server.getsockname())
    raised = attempt(lambda: other.connect(server.getsockname()))
    conn = keep(server.accept()[0])
    return [first, raised, client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), client.connect_ex(server.getsockname()),
            client.connect_ex(server.getsockname()), client.getpeername() == server.getsockname()]
  `,
  () => {
    const server = listener();
    const [client, other] = [make(), make()];
    client.setblocking(false);
    other.setblocking(false);
    const first = client.connect_ex(server.getsockname());
    const raised = attempt(() => other.connect(server.getsockname()));
    keep(server.accept()[0]);
    return [
      first,
      raised,
      client.getsockopt(SOL_SOCKET, SO_ERROR),
      client.connect_ex(server.getsockname()),
      client.connect_ex(server.getsockname()),
      String(client.getpeername()) === String(server.getsockname()),
    ];
  },
);

scenario(
  'connect_ex: results, and what it throws all the same',
  py`
    gone = listener()
    address = gone.getsockname()
    gone.close()
    results = [make().connect_ex(address), make(socket.AF_UNIX).connect_ex(path('none'))]
    nonblocking = make()
    nonblocking.setblocking(False)
    results.append(nonblocking.connect_ex(address))
    results.append(nonblocking.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
    timed = make()
    timed.settimeout(5)
    results.append(timed.connect_ex(address))
    server = listener()
    results.append(make().connect_ex(server.getsockname()))
    return results + [attempt(lambda: make().connect_ex(('127.0.0.1', 65536))), attempt(lambda: make().connect_ex(5)),
                      attempt(lambda: make().connect_ex(('::1', 5)))]
  `,
  () => {
    const gone = listener();
    const address = gone.getsockname();
    gone.close();
    const results: unknown[] = [make().connect_ex(address), make(AF_UNIX).connect_ex(path('none'))];
    const nonblocking = make();
    nonblocking.setblocking(false);
    results.push(nonblocking.connect_ex(address));
    results.push(nonblocking.getsockopt(SOL_SOCKET, SO_ERROR));
    const timed = make();
    timed.settimeout(5);
    results.push(timed.connect_ex(address));
    const server = listener();
    results.push(make().connect_ex(server.getsockname()));
    return [
      ...results,
      attempt(() => make().connect_ex(['127.0.0.1', 65536])),
      attempt(() => invoke(make(), 'connect_ex', 5)),
      attempt(() => make().connect_ex(['::1', 5])),
    ];
  },
);

scenario(
  'UDP: connecting again, and to nobody',
  py`
    sock, a, b = bound(), bound(), bound()
    sock.connect(a.getsockname())
    sock.connect(b.getsockname())
    sock.send(b'to b')
    a.sendto(b'not heard', sock.getsockname())
    b.sendto(b'heard', sock.getsockname())
    return [b.recv(9), sock.recv(20)]
  `,
  () => {
    const [sock, a, b] = [bound(), bound(), bound()];
    sock.connect(a.getsockname());
    sock.connect(b.getsockname());
    sock.send('to b');
    a.sendto('not heard', sock.getsockname());
    b.sendto('heard', sock.getsockname());
    return [b.recv(9), sock.recv(20)];
  },
);

scenario(
  'listen: default backlog, 0, negative, again; accept in order',
  py`
    server = bound(socket.SOCK_STREAM)
    outcomes = [attempt(lambda: server.listen()), attempt(lambda: server.listen(0)), attempt(lambda: server.listen(-1)),
                attempt(lambda: server.listen(3)), server.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)]
    clients = [make() for _ in range(3)]
    for client in clients:
        client.connect(server.getsockname())
    accepted = [server.accept() for _ in clients]
    keep(*[conn for conn, _ in accepted])
    return outcomes + [[address == client.getsockname() for client, (_, address) in zip(clients, accepted)]]
  `,
  () => {
    const server = bound(SOCK_STREAM);
    const outcomes = [
      attempt(() => server.listen()),
      attempt(() => server.listen(0)),
      attempt(() => server.listen(-1)),
      attempt(() => server.listen(3)),
      server.getsockopt(SOL_SOCKET, socket.SO_ACCEPTCONN),
    ];
    const clients = [make(), make(), make()];
    for (const client of clients) client.connect(server.getsockname());
    const same = clients.map((client) => {
      const [conn, address] = server.accept();
      keep(conn);
      return String(address) === String(client.getsockname());
    });
    return [...outcomes, same];
  },
);

methods('make()', () => make(), 'listen', [['x'], [1.5], [null], [2 ** 31]]);

methods('make()', () => make(), 'bind', [[]]);

methods('make()', () => make(), 'connect', [[], [null], [5], [['127.0.0.1']], [['127.0.0.1', '80']]]);
