/**
 * The life of a socket object: its attributes, descriptor, closing, duplicating, adopting.
 */
import { readFileSync } from 'node:fs';
import * as socket from 'bsd-sockets/socket';
import { is_open } from '../descriptors.js';
import { invoke, py, theme } from './harness.js';
import { ipv6 } from './needs.js';
import { attempt, connected, content, file_fd, keep, listener, make, pair } from './stage.js';

const { scenario, methods } = theme('lifecycle');
const { AF_INET, AF_INET6, AF_UNIX, SOCK_STREAM, SOCK_DGRAM } = socket;
type Sock = ReturnType<typeof make>;

/** What a socket says of itself. */
function traits(sock: Sock): unknown[] {
  return [sock.family, sock.type, sock.proto, sock.gettimeout(), sock.get_inheritable()];
}
const py_traits =
  'lambda sock: [int(sock.family), int(sock.type), sock.proto, sock.gettimeout(), sock.get_inheritable()]';

scenario(
  'attributes of what is made with and without arguments',
  py`
    traits = ${py_traits}
    return [traits(sock) for sock in (keep(socket.socket()), make(), make(type=socket.SOCK_DGRAM), make(socket.AF_UNIX),
                                      make(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP),
                                      make(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_UDP), pair()[0],
                                      connected()[1])]
  `,
  () =>
    [
      keep(new socket.socket()),
      make(),
      make(AF_INET, SOCK_DGRAM),
      make(AF_UNIX),
      make(AF_INET, SOCK_STREAM, socket.IPPROTO_TCP),
      make(AF_INET, SOCK_DGRAM, socket.IPPROTO_UDP),
      pair()[0],
      connected()[1],
    ].map(traits),
);

scenario(
  'None for what is left out',
  py`
    return [int(keep(socket.socket(-1, -1, -1, None)).family), int(keep(socket.socket(socket.AF_UNIX)).type)]
  `,
  () => [
    keep(new socket.socket(null, null, null, null)).family,
    keep(new socket.socket(AF_UNIX, undefined, undefined)).type,
  ],
);

scenario(
  'wrong types and ranges of the constructor',
  py`
    tried = [('x',), (1.5,), (socket.AF_INET, 'x'), (socket.AF_INET, 1, 'x'), (socket.AF_INET, 1, 1.5),
             (2**31,), (socket.AF_INET, 2**31), (socket.AF_INET, 1, 2**31), (socket.AF_INET, 1, 0, 'x'),
             (socket.AF_INET, 1, 0, 1.5), (socket.AF_INET, 1, 0, 2**31), ([],)]
    return [attempt(lambda: keep(socket.socket(*args)).fileno()) for args in tried]
  `,
  () => {
    const tried: unknown[][] = [
      ['x'],
      [1.5],
      [AF_INET, 'x'],
      [AF_INET, 1, 'x'],
      [AF_INET, 1, 1.5],
      [2 ** 31],
      [AF_INET, 2 ** 31],
      [AF_INET, 1, 2 ** 31],
      [AF_INET, 1, 0, 'x'],
      [AF_INET, 1, 0, 1.5],
      [AF_INET, 1, 0, 2 ** 31],
      [[]],
    ];
    return tried.map((values) => attempt(() => Reflect.construct(socket.socket, values)));
  },
);

scenario(
  'socket(fileno=): family, type and protocol are found out',
  py`
    sources = [make(), make(type=socket.SOCK_DGRAM), make(socket.AF_UNIX), make(socket.AF_UNIX, socket.SOCK_SEQPACKET),
               make(socket.AF_UNIX, socket.SOCK_DGRAM), make(socket.AF_INET6)]
    results = []
    for source in sources:
        sock = keep(socket.socket(fileno=os.dup(source.fileno())))
        results.append([int(sock.family), int(sock.type), sock.proto, sock.gettimeout()])
    return results
  `,
  () =>
    [
      make(),
      make(AF_INET, SOCK_DGRAM),
      make(AF_UNIX),
      make(AF_UNIX, socket.SOCK_SEQPACKET),
      make(AF_UNIX, SOCK_DGRAM),
      make(AF_INET6),
    ].map((source) => {
      const sock = keep(new socket.socket(null, null, null, source.dup().detach()));
      return [sock.family, sock.type, sock.proto, sock.gettimeout()];
    }),
  ipv6,
);

scenario(
  'socket(fileno=): what is given is believed, what is left out is found out',
  py`
    fd = lambda: os.dup(make(socket.AF_UNIX, socket.SOCK_DGRAM).fileno())
    results = []
    for args in ((socket.AF_INET,), (-1, socket.SOCK_STREAM), (-1, -1, 7), (socket.AF_INET, socket.SOCK_RAW, 3)):
        sock = keep(socket.socket(*args, fileno=fd()))
        results.append([int(sock.family), int(sock.type), sock.proto])
    return results
  `,
  () => {
    const adopt = (...values: (number | null)[]) => {
      const [family = null, type = null, proto = null] = values;
      const sock = keep(new socket.socket(family, type, proto, make(AF_UNIX, SOCK_DGRAM).dup().detach()));
      return [sock.family, sock.type, sock.proto];
    };
    return [
      adopt(AF_INET),
      adopt(null, SOCK_STREAM),
      adopt(null, null, 7),
      adopt(AF_INET, socket.SOCK_RAW, 3),
    ];
  },
);

scenario(
  'socket(fileno=): negative, not open, no socket',
  py`
    fd = file_fd(content('f', b''))
    return [attempt(lambda: socket.socket(fileno=-1)), attempt(lambda: socket.socket(fileno=-5)),
            attempt(lambda: socket.socket(fileno=9999)), attempt(lambda: socket.socket(fileno=fd)),
            attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, 9999)),
            attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fd)),
            attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, -1)),
            attempt(lambda: socket.fromfd(fd, socket.AF_INET, socket.SOCK_STREAM)),
            attempt(lambda: socket.fromfd(-1, socket.AF_INET, socket.SOCK_STREAM)), is_open(fd)]
  `,
  () => {
    const fd = file_fd(content('f', ''));
    return [
      attempt(() => new socket.socket(null, null, null, -1)),
      attempt(() => new socket.socket(null, null, null, -5)),
      attempt(() => new socket.socket(null, null, null, 9999)),
      attempt(() => new socket.socket(null, null, null, fd)),
      attempt(() => new socket.socket(AF_INET, SOCK_STREAM, 0, 9999)),
      attempt(() => new socket.socket(AF_INET, SOCK_STREAM, 0, fd)),
      attempt(() => new socket.socket(AF_INET, SOCK_STREAM, 0, -1)),
      attempt(() => socket.fromfd(fd, AF_INET, SOCK_STREAM)),
      attempt(() => socket.fromfd(-1, AF_INET, SOCK_STREAM)),
      is_open(fd),
    ];
  },
);

scenario(
  'adopting a descriptor that is non-blocking, with and without a default timeout',
  py`
    source = make()
    source.setblocking(False)
    results = []
    for value in (None, 2, 0):
        socket.setdefaulttimeout(value)
        sock = keep(socket.socket(fileno=os.dup(source.fileno())))
        results.append([sock.gettimeout(), sock.getblocking(), os.get_blocking(sock.fileno())])
    return results
  `,
  () => {
    const source = make();
    source.setblocking(false);
    return [null, 2, 0].map((value) => {
      socket.setdefaulttimeout(value);
      const copy = source.dup().detach();
      const sock = keep(new socket.socket(null, null, null, copy));
      return [sock.gettimeout(), sock.getblocking(), !nonblocking(sock.fileno())];
    });
  },
);

/** Whether the open file has O_NONBLOCK. */
function nonblocking(fd: number): boolean {
  const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '';
  return (Number.parseInt(flags, 8) & 0o4000) !== 0;
}

scenario(
  'O_NONBLOCK follows the timeout',
  py`
    sock = make()
    results = []
    for value in (None, 1, 0, None, 0.5):
        sock.settimeout(value)
        results.append(os.get_blocking(sock.fileno()))
    return results
  `,
  () => {
    const sock = make();
    return [null, 1, 0, null, 0.5].map((value) => {
      sock.settimeout(value);
      return !nonblocking(sock.fileno());
    });
  },
);

scenario(
  'close: the descriptor is gone, a second time is fine, fileno is -1',
  py`
    sock = make()
    fd = sock.fileno()
    before = is_open(fd)
    first, second = sock.close(), sock.close()
    return [before, first, second, sock.fileno(), is_open(fd)]
  `,
  () => {
    const sock = make();
    const fd = sock.fileno();
    const before = is_open(fd);
    const [first, second] = [sock.close(), sock.close()];
    return [before, first, second, sock.fileno(), is_open(fd)];
  },
);

scenario(
  'closing by scope: at its end, after an error, when closed already',
  py`
    with make() as sock:
        fd = sock.fileno()
        inside = is_open(fd)
    results = [inside, is_open(fd), sock.fileno()]
    try:
        with make() as other:
            raise KeyError
    except KeyError:
        results.append(other.fileno())
    with make() as third:
        third.close()
    return results + [third.fileno()]
  `,
  () => {
    const socks: Sock[] = [];
    const results: unknown[] = [];
    {
      using sock = make();
      socks.push(sock);
      results.push(is_open(sock.fileno()));
    }
    results.push(false, socks[0]?.fileno());
    try {
      using other = make();
      socks.push(other);
      throw new Error('KeyError');
    } catch {
      results.push(socks[1]?.fileno());
    }
    {
      using third = make();
      third.close();
      socks.push(third);
    }
    return [...results, socks[2]?.fileno()];
  },
);

scenario(
  'detach: the object is closed, the descriptor lives on',
  py`
    a, b = pair()
    fd = a.detach()
    again = [a.fileno(), a.detach(), attempt(lambda: a.send(b'x')), is_open(fd), a.close(), is_open(fd)]
    c = keep(socket.socket(fileno=fd))
    c.send(b'still here')
    return [again, c.fileno() == fd, b.recv(20)]
  `,
  () => {
    const [a, b] = pair();
    const fd = a.detach();
    const again = [a.fileno(), a.detach(), attempt(() => a.send('x')), is_open(fd), a.close(), is_open(fd)];
    const c = keep(new socket.socket(null, null, null, fd));
    c.send('still here');
    return [again, c.fileno() === fd, b.recv(20)];
  },
);

scenario(
  'dup: another descriptor of the same socket, closed apart, with the timeout',
  py`
    a, b = pair()
    a.settimeout(3)
    c = keep(a.dup())
    different = c.fileno() != a.fileno()
    a.close()
    c.send(b'by the copy')
    return [different, int(c.family), int(c.type), c.proto, c.gettimeout(), c.get_inheritable(), b.recv(20)]
  `,
  () => {
    const [a, b] = pair();
    a.settimeout(3);
    const c = keep(a.dup());
    const different = c.fileno() !== a.fileno();
    a.close();
    c.send('by the copy');
    return [different, c.family, c.type, c.proto, c.gettimeout(), c.get_inheritable(), b.recv(20)];
  },
);

scenario(
  'fromfd duplicates: the original descriptor stays open',
  py`
    a, b = pair()
    c = keep(socket.fromfd(a.fileno(), socket.AF_UNIX, socket.SOCK_STREAM))
    d = keep(socket.fromfd(a.fileno(), socket.AF_UNIX, socket.SOCK_STREAM, 0))
    c.send(b'x')
    c.close()
    return [b.recv(1), is_open(a.fileno()), d.fileno() != a.fileno(), d.get_inheritable(), int(d.type)]
  `,
  () => {
    const [a, b] = pair();
    const c = keep(socket.fromfd(a.fileno(), AF_UNIX, SOCK_STREAM));
    const d = keep(socket.fromfd(a.fileno(), AF_UNIX, SOCK_STREAM, 0));
    c.send('x');
    c.close();
    return [b.recv(1), is_open(a.fileno()), d.fileno() !== a.fileno(), d.get_inheritable(), d.type];
  },
);

scenario(
  'the module function close takes a descriptor',
  py`
    fd = make().detach()
    return [socket.close(fd), is_open(fd), attempt(lambda: socket.close(fd)), attempt(lambda: socket.close(-1)),
            attempt(lambda: socket.close('x'))]
  `,
  () => {
    const fd = make().detach();
    return [
      socket.close(fd),
      is_open(fd),
      attempt(() => socket.close(fd)),
      attempt(() => socket.close(-1)),
      attempt(() => invoke(socket, 'close', 'x')),
    ];
  },
);

scenario(
  'the module function dup takes a descriptor',
  py`
    sock = make()
    fd = socket.dup(sock.fileno())
    results = [fd != sock.fileno(), is_open(fd), os.get_inheritable(fd), attempt(lambda: socket.dup(9999)),
               attempt(lambda: socket.dup('x'))]
    socket.close(fd)
    return results
  `,
  () => {
    const sock = make();
    const fd = socket.dup(sock.fileno());
    const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '';
    const inheritable = (Number.parseInt(flags, 8) & 0o2000000) === 0;
    const results = [
      fd !== sock.fileno(),
      is_open(fd),
      inheritable,
      attempt(() => socket.dup(9999)),
      attempt(() => invoke(socket, 'dup', 'x')),
    ];
    socket.close(fd);
    return results;
  },
);

scenario(
  'get_inheritable and set_inheritable',
  py`
    sock = make()
    results = [sock.get_inheritable()]
    for value in (True, False, 1, 0):
        sock.set_inheritable(value)
        results.append([sock.get_inheritable(), os.get_inheritable(sock.fileno())])
    return results + [[one.get_inheritable() for one in (*pair(), *connected(), listener())]]
  `,
  () => {
    const sock = make();
    const results: unknown[] = [sock.get_inheritable()];
    for (const value of [true, false, 1, 0]) {
      invoke(sock, 'set_inheritable', value);
      results.push([sock.get_inheritable(), sock.get_inheritable()]);
    }
    return [...results, [...pair(), ...connected(), listener()].map((one) => one.get_inheritable())];
  },
);

methods('make()', () => make(), 'nosuchmethod', [[]]);

scenario(
  'the attributes family, type, proto and timeout cannot be set',
  py`
    sock = make()
    def set(name):
        setattr(sock, name, 5)
    return [attempt(lambda: set(name)) for name in ('family', 'type', 'proto', 'timeout')] + [int(sock.family)]
  `,
  () => {
    const sock = make();
    const set = (name: string) => {
      if (!Reflect.set(sock, name, 5)) throw new TypeError(`Cannot set property ${name}`);
    };
    return [...['family', 'type', 'proto', 'timeout'].map((name) => attempt(() => set(name))), sock.family];
  },
);

scenario(
  'SocketType, and subclasses made by accept, dup and socketpair',
  py`
    class Mine(socket.socket):
        pass
    mine = keep(Mine(socket.AF_INET, socket.SOCK_STREAM))
    mine.bind(('127.0.0.1', 0))
    mine.listen()
    make().connect(mine.getsockname())
    conn, copy = keep(mine.accept()[0]), keep(mine.dup())
    return [isinstance(mine, socket.socket), isinstance(mine, socket.SocketType), type(conn) is socket.socket,
            type(copy) is Mine, type(pair()[0]) is socket.socket]
  `,
  () => {
    class Mine extends socket.socket {}
    const mine = keep(new Mine(AF_INET, SOCK_STREAM));
    mine.bind(['127.0.0.1', 0]);
    mine.listen();
    make().connect(mine.getsockname());
    const [conn, copy] = [keep(mine.accept()[0]), keep(mine.dup())];
    const prototype = (one: object): unknown => Object.getPrototypeOf(one);
    return [
      mine instanceof socket.socket,
      mine instanceof socket.SocketType,
      prototype(conn) === socket.socket.prototype,
      prototype(copy) === Mine.prototype,
      prototype(pair()[0]) === socket.socket.prototype,
    ];
  },
);
