/**
 * Where this library differs from Python on purpose: the rule, and for each scenario what Python gives and what comes
 * here. Every row is checked from both sides; one that no longer differs, or names no scenario, fails the suite.
 */

const TYPE_ERROR = { error: 'TypeError' };
const RANGE_ERROR = { error: 'RangeError' };
const OS_ERROR = { error: 'OSError' };
const TIMED_OUT = { error: 'TimeoutError' };
const WOULD_BLOCK = { error: 'BlockingIOError', errno: 11 };
const EBADF = { error: 'OSError', errno: 9 };
const EINVAL = { error: 'OSError', errno: 22 };
const ENODEV = { error: 'OSError', errno: 19 };
const EADDRNOTAVAIL = { error: 'OSError', errno: 99 };
const gaierror = (errno: number) => ({ error: 'gaierror', errno });
const bytes = (text: string) => ({ bytes: text });
/** Python's outcome depends on its version: it is not looked at. */
const VARIES = Symbol('varies');

interface Rule {
  why: string;
  /** 'theme: title of the scenario' → [what Python gives, what comes here] */
  rows: Record<string, [python: unknown, here: unknown]>;
}

const UNSPEC_ROWS = [
  [2, 1, 6, '', ['127.0.0.1', 80]],
  [2, 2, 17, '', ['127.0.0.1', 80]],
  [2, 3, 0, '', ['127.0.0.1', 80]],
];

const RUNTIME_ERROR = { error: 'RuntimeError' };
const KEY_ERROR = { error: 'KeyError' };
const SELECTORS = ['EpollSelector', 'PollSelector', 'SelectSelector'];

/** The same row for each of the selectors. */
function for_selectors(titles: readonly string[], python: unknown, here: unknown): Rule['rows'] {
  const names = SELECTORS.flatMap((name) => titles.map((title) => `selectors: ${name}: ${title}`));
  return Object.fromEntries(names.map((name) => [name, [python, here]]));
}

const RULES: Rule[] = [
  {
    why: 'A wrong type is a TypeError, also as a file object (docs/selectors.md); Python says ValueError of anything without a descriptor.',
    rows: for_selectors(
      ["wrong file object 'x'", 'wrong file object None', 'wrong file object 1.5', 'wrong file object {}'],
      Array(4).fill(RANGE_ERROR),
      Array(4).fill(TYPE_ERROR),
    ),
  },
  {
    why: 'modify() takes the events that register() takes (docs/selectors.md); with epoll and poll Python takes any number, with select it has unregistered the object by the time it looks.',
    rows: {
      'selectors: EpollSelector: modify with wrong events': [
        Array(3).fill('modified'),
        Array(3).fill(RANGE_ERROR),
      ],
      'selectors: PollSelector: modify with wrong events': [
        Array(3).fill('modified'),
        Array(3).fill(RANGE_ERROR),
      ],
      'selectors: SelectSelector: modify with wrong events': [
        [RANGE_ERROR, KEY_ERROR, KEY_ERROR],
        Array(3).fill(RANGE_ERROR),
      ],
    },
  },
  {
    why: 'A closed selector refuses every call in the same way (docs/selectors.md); in Python some still work, others say what they stumble over.',
    rows: {
      'selectors: EpollSelector: a closed selector': [
        [null, RUNTIME_ERROR, KEY_ERROR, KEY_ERROR, RANGE_ERROR, RANGE_ERROR],
        [null, ...Array(5).fill(RUNTIME_ERROR)],
      ],
      'selectors: PollSelector: a closed selector': [VARIES, [null, ...Array(5).fill(RUNTIME_ERROR)]],
      'selectors: SelectSelector: a closed selector': [VARIES, [null, ...Array(5).fill(RUNTIME_ERROR)]],
    },
  },
  {
    why: 'select() takes descriptors of any number, and refuses those that are not open (docs/selectors.md); Python stops at 1,023, and below tells numbers beyond the table of the process as ready.',
    rows: {
      'select: select.select([900], [], [], 0)': [VARIES, EBADF],
      'select: select.select([5000], [], [], 0)': [RANGE_ERROR, EBADF],
    },
  },
  {
    why: 'A value out of range is a RangeError and never reaches the kernel (docs/selectors.md); Python cuts a mask of epoll to size, calls flags an OSError without errno, and takes over any number.',
    rows: {
      'select: keep(select.epoll()).register(make(), 1 << 32)': [null, RANGE_ERROR],
      'select: select.epoll(-1, 5)': [OS_ERROR, RANGE_ERROR],
      'select: epoll.fromfd of a number that is not open': [false, EBADF],
    },
  },
  {
    why: 'A value out of range is a RangeError and never reaches the kernel (README.md, Errors). Python cuts some to size, hands some to the kernel, and calls others a TypeError or an OSError without errno.',
    rows: {
      'addresses: bound_name(17, ("lo", 3, 256,), 3)': [
        ['lo', 3, 0, 772, bytes('\0\0\0\0\0\0')],
        RANGE_ERROR,
      ],
      'addresses: bound_name(17, ("lo", 3, 0, 65536,), 3)': [
        ['lo', 3, 0, 772, bytes('\0\0\0\0\0\0')],
        RANGE_ERROR,
      ],
      'addresses: bound_name(40, (0, 4294967296,), 1)': [EADDRNOTAVAIL, RANGE_ERROR],
      'addresses: bound_name(40, (4294967296, 0,), 1)': [EADDRNOTAVAIL, RANGE_ERROR],
      'resolver: socket.getaddrinfo("127.0.0.1", 65536, 0, 1)': [
        [[2, 1, 6, '', ['127.0.0.1', 0]]],
        RANGE_ERROR,
      ],
      'resolver: socket.getaddrinfo("127.0.0.1", 1099511627776, 0, 1)': [
        [[2, 1, 6, '', ['127.0.0.1', 0]]],
        RANGE_ERROR,
      ],
      'resolver: socket.getaddrinfo("127.0.0.1", -1, 0, 1)': [gaierror(-8), RANGE_ERROR],
      'resolver: socket.getnameinfo(("127.0.0.1", 65536,), 1)': [['127.0.0.1', '0'], RANGE_ERROR],
      'resolver: socket.getnameinfo(("127.0.0.1", -1,), 1)': [gaierror(-8), RANGE_ERROR],
      'resolver: socket.getnameinfo(("::1", 80, 0, -1,), 1)': [['::1%4294967295', 'http'], RANGE_ERROR],
      'resolver: socket.getnameinfo(("::1", 80, 0, 4294967296,), 1)': [['::1', 'http'], RANGE_ERROR],
      'options: make().getsockopt(1, 2, -1)': [OS_ERROR, RANGE_ERROR],
      'options: make().setsockopt(1, 2, 2147483648)': [VARIES, RANGE_ERROR],
      'options: make().setsockopt(1, 2, -2147483649)': [VARIES, RANGE_ERROR],
      'options: make().setsockopt(1, 2, 1099511627776)': [VARIES, RANGE_ERROR],
      'options: make().setsockopt(1, 2, None, -1)': [EINVAL, RANGE_ERROR],
      'options: make().setsockopt(1, 2, None, 4294967296)': [EINVAL, RANGE_ERROR],
    },
  },
  {
    why: 'A wrong type is a TypeError (README.md, Errors); Python says "Int or String expected" as an OSError, and unpacks a string or a short tuple as far as it goes.',
    rows: {
      'resolver: socket.getaddrinfo("127.0.0.1", 1.5)': [OS_ERROR, TYPE_ERROR],
      'resolver: socket.getaddrinfo("127.0.0.1", ())': [OS_ERROR, TYPE_ERROR],
      'create: create_connection: an address that is no pair': [
        [RANGE_ERROR, RANGE_ERROR],
        [TYPE_ERROR, TYPE_ERROR],
      ],
    },
  },
  {
    why: 'As in Python 3.13; older ones refuse what is no boolean, and cut an index to size.',
    rows: {
      'timeouts: make().setblocking("x")': [VARIES, null],
      'timeouts: make().setblocking(None)': [VARIES, null],
      'timeouts: make().setblocking(1.5)': [VARIES, null],
      'convert: socket.if_indextoname(1099511627776)': [VARIES, RANGE_ERROR],
    },
  },
  {
    why: 'True is a number in Python; in JavaScript it is not.',
    rows: { 'timeouts: make().settimeout(True)': [null, TYPE_ERROR] },
  },
  {
    why: 'null, or an argument left out, stands for None and for the default (README.md, From Python to TypeScript).',
    rows: {
      'resolver: socket.getaddrinfo("127.0.0.1", 80, 0, 0, None)': [TYPE_ERROR, UNSPEC_ROWS],
      'resolver: socket.getaddrinfo("127.0.0.1")': [
        TYPE_ERROR,
        UNSPEC_ROWS.map(([family, type, proto, name]) => [family, type, proto, name, ['127.0.0.1', 0]]),
      ],
      'resolver: socket.getaddrinfo()': [TYPE_ERROR, gaierror(-2)],
      'resolver: socket.getservbyname("http", None)': [TYPE_ERROR, 80],
      'resolver: socket.getservbyport(80, None)': [TYPE_ERROR, 'http'],
      'timeouts: make().settimeout()': [TYPE_ERROR, null],
      'timeouts: socket.setdefaulttimeout()': [TYPE_ERROR, null],
      'connecting: make().listen(None)': [TYPE_ERROR, null],
    },
  },
  {
    why: 'A zero byte would end a C string: it is refused, where Python drops what follows or says TypeError.',
    rows: {
      'addresses: UNIX: a zero byte within a path': [null, RANGE_ERROR],
      'resolver: socket.getaddrinfo("127.0.0.1\\u0000", 80)': [UNSPEC_ROWS, TYPE_ERROR],
      'resolver: socket.getaddrinfo("127.0.0.1", "80\\u0000")': [UNSPEC_ROWS, RANGE_ERROR],
    },
  },
  {
    why: 'A path too long for sockaddr_un is a RangeError that shows it (README.md, addresses); Python: an OSError without errno.',
    rows: {
      'addresses: UNIX: a path of 107 bytes fits, longer ones do not': [
        [null, 107, OS_ERROR, 0, OS_ERROR, 0, OS_ERROR, 0],
        [null, 107, RANGE_ERROR, 0, RANGE_ERROR, 0, RANGE_ERROR, 0],
      ],
      'addresses: UNIX: an abstract name of 108 bytes fits, a longer one does not': [
        [null, OS_ERROR],
        [null, RANGE_ERROR],
      ],
    },
  },
  {
    why: 'A path that is not UTF-8 comes back as bytes (README.md, addresses); Python escapes the bytes as lone surrogates.',
    rows: {
      'addresses: UNIX: a non-ASCII path, and one that is not UTF-8': [
        ['{tmp}/bücher', '{tmp}/x\udcff'],
        ['{tmp}/bücher', bytes('{tmp}/xÿ')],
      ],
    },
  },
  {
    why: 'A scope in the host, fe80::1%eth0, is kept (README.md, addresses); Python loses it.',
    rows: {
      'addresses: bound_name(10, ("ff02::1%lo", 0,))': [EINVAL, ['ff02::1', 'port', 0, 1]],
      'addresses: bound_name(10, ("ff02::1%1", 0,))': [EINVAL, ['ff02::1', 'port', 0, 1]],
      'addresses: bound_name(10, ("ff02::1%lo", 0, 0, 0,))': [EINVAL, ['ff02::1', 'port', 0, 1]],
      'resolver: socket.getnameinfo(("fe80::1%lo", 80,), 1)': [
        ['fe80::1', 'http'],
        ['fe80::1%lo', 'http'],
      ],
      'namespace: bound_name(10, ("fe80::a%va", 0,))': [EINVAL, ['fe80::a', 'port', 0, 3]],
      'namespace: bound_name(10, ("fe80::a%3", 0,))': [EINVAL, ['fe80::a', 'port', 0, 3]],
      'namespace: bound_name(10, ("fe80::a%vb", 0,))': [EINVAL, EADDRNOTAVAIL],
    },
  },
  {
    why: 'The hardware address of AF_PACKET may be text: its default is an empty string (README.md, addresses).',
    rows: {
      'families: PACKET: addresses that sendto refuses': [
        [ENODEV, RANGE_ERROR, RANGE_ERROR, TYPE_ERROR, TYPE_ERROR, TYPE_ERROR],
        [ENODEV, RANGE_ERROR, RANGE_ERROR, TYPE_ERROR, TYPE_ERROR, 1],
      ],
    },
  },
  {
    why: 'if_nametoindex tells the errno that the kernel gave; Python: an OSError "no interface with this name" without one.',
    rows: {
      'convert: socket.if_nametoindex("nosuch0")': [OS_ERROR, ENODEV],
      'convert: socket.if_nametoindex("")': [OS_ERROR, ENODEV],
      'convert: socket.if_nametoindex("an-interface-name-that-is-far-too-long")': [OS_ERROR, ENODEV],
    },
  },
  {
    why: 'With MSG_TRUNC, recv never gives more than was received (docs/socket.md); Python fills up with whatever memory held.',
    rows: {
      'transfer: MSG_TRUNC: recv and recvmsg give what was received and no more': [
        [10, bytes('0123')],
        [4, bytes('0123')],
      ],
    },
  },
  {
    why: 'getsockopt reads up to 65,536 bytes, for the options that need it; Python: up to 1,024.',
    rows: { 'options: make().getsockopt(1, 2, 1025)': [OS_ERROR, bytes('\0\0\0\0')] },
  },
  {
    why: "ioctl is fcntl.ioctl; Python's socket has an ioctl on Windows alone. null stands for a C int, and up to 16,383 bytes are taken.",
    rows: {
      'options: ioctl belongs to Windows': [{ error: 'AttributeError' }, { error: 'OSError', errno: 25 }],
      'options: fcntl.ioctl: 1,025 bytes': [RANGE_ERROR, bytes('\0'.repeat(1025))],
      'options: fcntl.ioctl: None': [TYPE_ERROR, 0],
    },
  },
  {
    why: 'A number that could be an address is refused: Python lets the kernel write there.',
    rows: {
      'options: fcntl.ioctl: a larger number for memory': [{ error: 'OSError', errno: 14 }, RANGE_ERROR],
    },
  },
  {
    why: 'A closed socket is EBADF in every call; Python registers descriptor -1 with a selector first and says ValueError.',
    rows: {
      'sendfile: sendfile: on a closed socket': [RANGE_ERROR, { error: 'OSError', errno: 9 }],
    },
  },
  {
    why: 'A gaierror stays one; Python wraps it in an OSError that has its number.',
    rows: {
      'namespace: create_server: a name that no server can resolve': [
        { error: 'OSError', errno: -3 },
        gaierror(-3),
      ],
    },
  },
  {
    why: 'The timeout of create_connection is one deadline: with 0, what connects at once is connected. In Python no attempt with 0 can succeed.',
    rows: { 'create: create_connection: a timeout of 0': [{ error: 'BlockingIOError', errno: 115 }, 0] },
  },
  {
    why: 'create_connection takes what getsockname gives, an IPv6 address with flow label and scope included; Python: ValueError.',
    rows: {
      'create: create_connection: the address that an IPv6 socket names, with its scope': [RANGE_ERROR, 5],
    },
  },
  {
    why: 'Descriptors that are received are close-on-exec (docs/socket.md); in Python they are inheritable.',
    rows: {
      'ancillary: SCM_RIGHTS: whether what arrives is inheritable': [true, false],
    },
  },
  {
    why: 'As many connections may wait as listen() takes, here as in Python: with 5, bursts of 16 clients get connections reset, measured on loopback with both.',
    rows: { 'socketserver: request_queue_size': [[5], [128]] },
  },
  {
    why: 'A call with MSG_DONTWAIT never waits (docs/socket.md); Python waits for readiness before it, if the socket has a time-out.',
    rows: Object.fromEntries(
      [
        'timeouts: sock.recv(1, socket.MSG_DONTWAIT) when nothing comes: with a timeout, then without waiting',
        "timeouts: sock.send(b'x', socket.MSG_DONTWAIT) on a full stream: with a timeout, then without waiting",
      ].map((title) => [
        title,
        [
          [[TIMED_OUT, true, true], WOULD_BLOCK],
          [[WOULD_BLOCK, true, true], WOULD_BLOCK],
        ],
      ]),
    ),
  },
  {
    why: 'sendall with MSG_ZEROCOPY returns when the memory may be used again, so it reads the completion (docs/socket.md).',
    rows: {
      'ancillary: MSG_ZEROCOPY: sendall, and the completion': [
        [null, bytes('data'), [0, 5, 0, 1, 0, 0, 0]],
        [null, bytes('data'), TIMED_OUT],
      ],
    },
  },
  {
    why: 'recv_fds passes its flags on; Python ignores them.',
    rows: {
      'ancillary: recv_fds: flags': [
        [bytes('x'), { error: 'TimeoutError' }],
        [bytes('x'), bytes('x')],
      ],
    },
  },
];

interface Difference {
  why: string;
  here: unknown;
  python?: unknown;
}

/** The rows of one theme by the titles of its scenarios. */
export function differences_of(theme: string): Record<string, Difference> {
  const found: Record<string, Difference> = {};
  for (const { why, rows } of RULES) {
    for (const [name, [python, here]] of Object.entries(rows)) {
      const [of_theme, title] = [name.slice(0, name.indexOf(': ')), name.slice(name.indexOf(': ') + 2)];
      if (of_theme !== theme) continue;
      found[title] = python === VARIES ? { why, here } : { why, here, python };
    }
  }
  return found;
}
