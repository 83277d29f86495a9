/**
 * The functions and objects of the module select: select(), poll(), epoll().
 */
import * as selectors from 'bsd-sockets/selectors';
import * as socket from 'bsd-sockets/socket';
import { py, theme } from './harness.js';
import {
  attempt,
  bound,
  connected,
  content,
  file_fd,
  keep,
  listener,
  make,
  pair,
  partner,
  waited,
} from './stage.js';

const { scenario } = theme('select');
const { EPOLLIN, EPOLLOUT, POLLIN, POLLOUT } = selectors;

/** A scenario in which every socket of `kinds` is looked at. */
const KINDS = py`
def socks():
    made = {}
    made['fresh'] = make()
    made['listener'] = listener()
    made['udp'] = bound()
    made['idle'], _ = pair()
    made['data'], other = pair()
    other.send(b'x')
    made['ended'], other = pair()
    other.close()
    made['half'], other = connected()
    other.shutdown(socket.SHUT_WR)
    made['reset'], other = connected()
    other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ints(1, 0))
    other.close()
    made['urgent'], other = connected()
    other.send(b'!', socket.MSG_OOB)
    made['full'], other = pair()
    made['full'].setblocking(False)
    while isinstance(attempt(lambda: made['full'].send(bytes(4096))), int):
        pass
    return made
`;

function socks(): [string, socket.socket][] {
  const made: [string, socket.socket][] = [];
  const [data, sender] = pair();
  sender.send('x');
  const [ended, closed] = pair();
  closed.close();
  const [half, shut] = connected();
  shut.shutdown(socket.SHUT_WR);
  const [reset, resetting] = connected();
  resetting.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, Buffer.from(Int32Array.of(1, 0).buffer));
  resetting.close();
  const [urgent, urging] = connected();
  urging.send('!', socket.MSG_OOB);
  const [full] = pair();
  full.setblocking(false);
  while (typeof attempt(() => full.send(Buffer.alloc(4096))) === 'number');
  made.push(['fresh', make()], ['listener', listener()], ['udp', bound()], ['idle', pair()[0]]);
  made.push(
    ['data', data],
    ['ended', ended],
    ['half', half],
    ['reset', reset],
    ['urgent', urgent],
    ['full', full],
  );
  return made;
}

scenario(
  'select: sockets in every state',
  py`${KINDS}
made = socks()
return [[name, *[len(part) for part in select.select([sock], [sock], [sock], 0)]] for name, sock in made.items()]
`,
  () =>
    socks().map(([name, sock]) => [
      name,
      ...selectors.select([sock], [sock], [sock], 0).map((part) => part.length),
    ]),
);

scenario(
  'select: each list for itself',
  py`${KINDS}
made = socks()
def alone(*lists):
    return [len(part) for part in select.select(*lists, 0)]
return [[name, alone([sock], [], []), alone([], [sock], []), alone([], [], [sock])] for name, sock in made.items()]
`,
  () =>
    socks().map(([name, sock]) => {
      const alone = (...lists: [socket.socket[], socket.socket[], socket.socket[]]) =>
        selectors.select(...lists, 0).map((part) => part.length);
      return [name, alone([sock], [], []), alone([], [sock], []), alone([], [], [sock])];
    }),
);

scenario(
  'poll: sockets in every state, with every mask',
  py`${KINDS}
results = []
for name, sock in socks().items():
    for mask in (None, 0, select.POLLIN, select.POLLOUT, select.POLLPRI, select.POLLRDHUP, 0x7fff):
        poller = select.poll()
        poller.register(sock) if mask is None else poller.register(sock, mask)
        results.append([name, [event for _, event in poller.poll(0)]])
return results
`,
  () =>
    socks().flatMap(([name, sock]) =>
      [null, 0, POLLIN, POLLOUT, selectors.POLLPRI, selectors.POLLRDHUP, 0x7fff].map((mask) => {
        const poller = selectors.poll();
        poller.register(sock, mask);
        return [name, poller.poll(0).map(([, event]) => event)];
      }),
    ),
);

scenario(
  'epoll: sockets in every state, with every mask',
  py`${KINDS}
results = []
for name, sock in socks().items():
    for mask in (None, 0, 1, 4, 2, select.EPOLLRDHUP, select.EPOLLIN | select.EPOLLET, select.EPOLLOUT | select.EPOLLONESHOT):
        with select.epoll() as poller:
            poller.register(sock) if mask is None else poller.register(sock, mask)
            results.append([name, [[event for _, event in poller.poll(0)] for _ in range(2)]])
return results
`,
  () =>
    socks().flatMap(([name, sock]) =>
      [
        null,
        0,
        1,
        4,
        2,
        selectors.EPOLLRDHUP,
        EPOLLIN | selectors.EPOLLET,
        EPOLLOUT | selectors.EPOLLONESHOT,
      ].map((mask) => {
        const poller = selectors.epoll();
        poller.register(sock, mask);
        const results = [0, 1].map(() => poller.poll(0).map(([, event]) => event));
        poller.close();
        return [name, results];
      }),
    ),
);

scenario(
  'select: what is given comes back, in order and as often',
  py`
    a, b = pair()
    a.send(b'x'); b.send(b'x')
    fd = a.fileno()
    r, w, x = select.select([b, fd, a, b], (a, a), iter([]), 0)
    return [[one is b and 'b' or one is a and 'a' or one == fd and 'fd' for one in r], [one is a for one in w], x]
  `,
  () => {
    const [a, b] = pair();
    a.send('x');
    b.send('x');
    const fd = a.fileno();
    const [r, w, x] = selectors.select([b, fd, a, b], [a, a], [].values(), 0);
    return [
      r.map((one) => (one === b ? 'b' : one === a ? 'a' : one === fd && 'fd')),
      w.map((one) => one === a),
      x,
    ];
  },
);

scenario(
  'files: select and poll say ready, epoll refuses',
  py`
    fd = file_fd(content('file', b'x'))
    poller = select.poll()
    poller.register(fd)
    return [[len(part) for part in select.select([fd], [fd], [fd], 0)], [event for _, event in poller.poll(0)],
            attempt(lambda: keep(select.epoll()).register(fd))]
  `,
  () => {
    const fd = file_fd(content('file', 'x'));
    const poller = selectors.poll();
    poller.register(fd);
    return [
      selectors.select([fd], [fd], [fd], 0).map((part) => part.length),
      poller.poll(0).map(([, event]) => event),
      attempt(() => keep(selectors.epoll()).register(fd)),
    ];
  },
);

scenario(
  'descriptors that are closed: each call in its way',
  py`
    a, b = pair()
    fd = a.fileno()
    poller, watcher = select.poll(), keep(select.epoll())
    poller.register(a, 0)
    watcher.register(a)
    a.close()
    return [attempt(lambda: select.select([fd], [], [], 0)), attempt(lambda: select.select([a], [], [], 0)),
            [event for _, event in poller.poll(0)], watcher.poll(0), attempt(lambda: watcher.modify(fd, 1)),
            attempt(lambda: watcher.unregister(fd)), attempt(lambda: watcher.register(a)),
            attempt(lambda: poller.unregister(a)), attempt(lambda: poller.unregister(fd))]
  `,
  () => {
    const [a] = pair();
    const fd = a.fileno();
    const poller = selectors.poll();
    const watcher = keep(selectors.epoll());
    poller.register(a, 0);
    watcher.register(a);
    a.close();
    return [
      attempt(() => selectors.select([fd], [], [], 0)),
      attempt(() => selectors.select([a], [], [], 0)),
      poller.poll(0).map(([, event]) => event),
      watcher.poll(0),
      attempt(() => watcher.modify(fd, 1)),
      attempt(() => watcher.unregister(fd)),
      attempt(() => watcher.register(a)),
      attempt(() => poller.unregister(a)),
      attempt(() => poller.unregister(fd)),
    ];
  },
);

scenario(
  'time-outs: seconds for select and epoll, milliseconds for poll',
  py`
    a, b = pair()
    poller, watcher = select.poll(), keep(select.epoll())
    poller.register(a, select.POLLIN)
    watcher.register(a, select.EPOLLIN)
    return [waited(0.03, lambda: select.select([a], [], [], 0.03)), waited(0.03, lambda: poller.poll(30)),
            waited(0.0305, lambda: poller.poll(30.5)), waited(0.03, lambda: watcher.poll(0.03)),
            waited(0.0001, lambda: watcher.poll(0.0001)), poller.poll(0), watcher.poll(0), select.select([], [], [], 0)]
  `,
  () => {
    const [a] = pair();
    const poller = selectors.poll();
    const watcher = keep(selectors.epoll());
    poller.register(a, POLLIN);
    watcher.register(a, EPOLLIN);
    return [
      waited(0.03, () => selectors.select([a], [], [], 0.03)),
      waited(0.03, () => poller.poll(30)),
      waited(0.0305, () => poller.poll(30.5)),
      waited(0.03, () => watcher.poll(0.03)),
      waited(0.0001, () => watcher.poll(0.0001)),
      poller.poll(0),
      watcher.poll(0),
      selectors.select([], [], [], 0),
    ];
  },
);

scenario(
  'no limit: None, and what is negative for poll and epoll',
  py`
    results = []
    for timeout in (None, -1, -2000):
      a, b = pair()
      poller, watcher = select.poll(), keep(select.epoll())
      poller.register(a, select.POLLIN)
      watcher.register(a, select.EPOLLIN)
      partner(b, [('wait', 30), ('send', 'x')])
      results.append([event & 1 for _, event in poller.poll(timeout)])
      a.recv(1)
      results.append([event & 1 for _, event in watcher.poll(timeout)])
      results.append([len(part) for part in select.select([a], [], [], None)])
    return results
  `,
  () =>
    [null, -1, -2000].flatMap((timeout) => {
      const [a, b] = pair();
      const poller = selectors.poll();
      const watcher = keep(selectors.epoll());
      poller.register(a, POLLIN);
      watcher.register(a, EPOLLIN);
      partner(b, [
        ['wait', 30],
        ['send', 'x'],
      ]);
      const first = poller.poll(timeout).map(([, event]) => event & 1);
      a.recv(1);
      const second = watcher.poll(timeout).map(([, event]) => event & 1);
      return [first, second, selectors.select([a], [], [], null).map((part) => part.length)];
    }),
);

/** Wrong arguments: [the Python expression, the same here]. */
const wrong: [string, () => unknown][] = [
  ['select.select(1, [], [])', () => call(selectors.select, 1, [], [])],
  ["select.select([], 'ab', [])", () => call(selectors.select, [], 'ab', [])],
  ['select.select([], [])', () => call(selectors.select, [], [])],
  ['select.select([1.5], [], [])', () => call(selectors.select, [1.5], [], [])],
  ['select.select([None], [], [])', () => call(selectors.select, [null], [], [])],
  ['select.select([-1], [], [])', () => call(selectors.select, [-1], [], [])],
  ['select.select([1 << 40], [], [])', () => call(selectors.select, [2 ** 40], [], [])],
  ['select.select([], [], [], -1)', () => call(selectors.select, [], [], [], -1)],
  ["select.select([], [], [], 'x')", () => call(selectors.select, [], [], [], 'x')],
  ["select.select([], [], [], float('nan'))", () => call(selectors.select, [], [], [], Number.NaN)],
  ['select.select([], [], [], 1e300)', () => call(selectors.select, [], [], [], 1e300)],
  ['select.select([900], [], [], 0)', () => call(selectors.select, [900], [], [], 0)],
  ['select.select([5000], [], [], 0)', () => call(selectors.select, [5000], [], [], 0)],
  ...(['poll', 'epoll'] as const).flatMap((name): [string, () => unknown][] => {
    const make_one = () => {
      return name === 'poll' ? selectors.poll() : keep(selectors.epoll());
    };
    const of = (method: 'register' | 'modify' | 'unregister' | 'poll', ...values: unknown[]) => {
      const one = make_one();
      return Reflect.apply(one[method], one, values);
    };
    const python = name === 'poll' ? 'select.poll()' : 'keep(select.epoll())';
    return [
      [`${python}.register(make(), -1)`, () => of('register', make(), -1)],
      [`${python}.register(make(), 1.5)`, () => of('register', make(), 1.5)],
      [`${python}.register(make(), 'x')`, () => of('register', make(), 'x')],
      [`${python}.register(make(), 1 << 16)`, () => of('register', make(), 65536)],
      [`${python}.register(make(), 1 << 32)`, () => of('register', make(), 2 ** 32)],
      [`${python}.register('x')`, () => of('register', 'x')],
      [`${python}.register(1.5)`, () => of('register', 1.5)],
      [`${python}.register(-1)`, () => of('register', -1)],
      [`${python}.register(5000)`, () => of('register', 5000)],
      [`${python}.register(1 << 31)`, () => of('register', 2 ** 31)],
      [`${python}.modify(1)`, () => of('modify', 1)],
      [`${python}.modify(make(), 1)`, () => of('modify', make(), 1)],
      [`${python}.modify('x', 1)`, () => of('modify', 'x', 1)],
      [`${python}.unregister(make())`, () => of('unregister', make())],
      [`${python}.unregister('x')`, () => of('unregister', 'x')],
      [`${python}.unregister(-1)`, () => of('unregister', -1)],
      [`${python}.poll('x')`, () => of('poll', 'x')],
      [`${python}.poll(float('nan'))`, () => of('poll', Number.NaN)],
      [`${python}.poll(1e300)`, () => of('poll', 1e300)],
      [`${python}.poll(1 << 31)`, () => of('poll', 2 ** 31)],
    ];
  }),
  ['keep(select.epoll()).poll(0, 0)', () => keep(selectors.epoll()).poll(0, 0)],
  ['keep(select.epoll()).poll(0, -2)', () => keep(selectors.epoll()).poll(0, -2)],
  ['select.epoll(0)', () => selectors.epoll(0)],
  ['select.epoll(-2)', () => selectors.epoll(-2)],
  ['select.epoll(-1, 5)', () => selectors.epoll(-1, 5)],
  ["select.epoll('x')", () => call(selectors.epoll, 'x')],
  [
    'keep(select.epoll(10, select.EPOLL_CLOEXEC)).closed',
    () => keep(selectors.epoll(10, selectors.EPOLL_CLOEXEC)).closed,
  ],
  ["select.epoll.fromfd('x')", () => call(selectors.epoll.fromfd, 'x')],
];

/** Calls with arguments of any type. */
function call(action: (...values: never[]) => unknown, ...values: unknown[]): unknown {
  return Reflect.apply(action, undefined, values);
}

for (const [expression, here] of wrong) scenario(expression, `return ${expression}`, here);

scenario(
  'epoll: registered twice, modified, unregistered, itself',
  py`
    sock = make()
    watcher = keep(select.epoll())
    return [watcher.register(sock, 4), attempt(lambda: watcher.register(sock)), attempt(lambda: watcher.register(watcher)),
            watcher.modify(sock, 0x2004), len(watcher.poll(0)), watcher.unregister(sock),
            attempt(lambda: watcher.unregister(sock)), watcher.poll(0)]
  `,
  () => {
    const sock = make();
    const watcher = keep(selectors.epoll());
    return [
      watcher.register(sock, 4),
      attempt(() => watcher.register(sock)),
      attempt(() => watcher.register(watcher)),
      watcher.modify(sock, 0x2004),
      watcher.poll(0).length,
      watcher.unregister(sock),
      attempt(() => watcher.unregister(sock)),
      watcher.poll(0),
    ];
  },
);

scenario(
  'poll: registered twice, modified, unregistered, in order',
  py`
    a, b = pair()
    fds = [a.fileno(), b.fileno()]
    poller = select.poll()
    results = [poller.register(b, 4), poller.register(a, 4), poller.register(b, 1)]
    results.append([fds.index(fd) for fd, _ in poller.poll(0)])
    results += [poller.modify(b, 4), [fds.index(fd) for fd, _ in poller.poll(0)], poller.unregister(b)]
    return results + [[fds.index(fd) for fd, _ in poller.poll(0)], attempt(lambda: poller.unregister(b))]
  `,
  () => {
    const [a, b] = pair();
    const fds = [a.fileno(), b.fileno()];
    const poller = selectors.poll();
    const indices = () => poller.poll(0).map(([fd]) => fds.indexOf(fd));
    const results: unknown[] = [poller.register(b, 4), poller.register(a, 4), poller.register(b, 1)];
    results.push(indices());
    results.push(poller.modify(b, 4), indices(), poller.unregister(b));
    return [...results, indices(), attempt(() => poller.unregister(b))];
  },
);

scenario(
  'epoll: maxevents, in turn',
  py`
    socks = [make() for _ in range(5)]
    watcher = keep(select.epoll())
    for sock in socks:
      watcher.register(sock, 4)
    turns = [watcher.poll(0, 2) for _ in range(3)]
    return [[len(turn) for turn in turns], len({fd for turn in turns for fd, _ in turn}), len(watcher.poll(0, -1))]
  `,
  () => {
    const watcher = keep(selectors.epoll());
    for (let i = 0; i < 5; i++) watcher.register(make(), 4);
    const turns = [0, 1, 2].map(() => watcher.poll(0, 2));
    return [
      turns.map((turn) => turn.length),
      new Set(turns.flat().map(([fd]) => fd)).size,
      watcher.poll(0, -1).length,
    ];
  },
);

scenario(
  'epoll: closed, and taken over by fromfd',
  py`
    watcher = select.epoll()
    other = select.epoll.fromfd(watcher.fileno())
    results = [other.fileno() == watcher.fileno(), other.closed]
    other.close()
    other.close()
    results += [other.closed, attempt(lambda: watcher.poll(0)), attempt(other.fileno)]
    calls = [lambda: other.poll(0), lambda: other.register(1), lambda: other.modify(1, 1), lambda: other.unregister(1)]
    attempt(watcher.close)
    return results + [attempt(call) for call in calls]
  `,
  () => {
    const watcher = selectors.epoll();
    const other = selectors.epoll.fromfd(watcher.fileno());
    const results: unknown[] = [other.fileno() === watcher.fileno(), other.closed];
    other.close();
    other.close();
    results.push(
      other.closed,
      attempt(() => watcher.poll(0)),
      attempt(() => other.fileno()),
    );
    const calls = [
      () => other.poll(0),
      () => other.register(1),
      () => other.modify(1, 1),
      () => other.unregister(1),
    ];
    watcher.close();
    return [...results, ...calls.map(attempt)];
  },
);

scenario(
  'epoll.fromfd of a number that is not open',
  py`return select.epoll.fromfd(5000).closed`,
  () => selectors.epoll.fromfd(5000).closed,
);
