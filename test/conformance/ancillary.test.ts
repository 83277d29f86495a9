/**
 * Control messages of sendmsg and recvmsg: descriptors and credentials, what is cut short.
 */
import { closeSync, readFileSync, readSync } from 'node:fs';
import * as socket from 'bsd-sockets/socket';
import { invoke, py, theme } from './harness.js';
import { ipv6 } from './needs.js';
import { attempt, bound, content, file_fd, ints, kinds, pair, udp_pair, unpack_ints } from './stage.js';

const { scenario, calls } = theme('ancillary');
const { SOCK_DGRAM, SOL_SOCKET, SCM_RIGHTS, SCM_CREDENTIALS, SO_PASSCRED } = socket;
const { IPPROTO_IP, IPPROTO_IPV6, IP_PKTINFO, CMSG_LEN, CMSG_SPACE } = socket;
/** Of linux/in.h and asm/socket.h; Python has no names for them. */
const IP_RECVTTL = 12;
const SO_TIMESTAMP = 29;
const SO_TIMESTAMPNS = 35;

/** The open flags of a descriptor, close-on-exec (02000000) among them. */
function descriptor_flags(fd: number): number {
  const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '';
  return Number.parseInt(flags, 8);
}

scenario(
  'SCM_RIGHTS: a descriptor arrives as a new one, of the same file',
  py`
    a, b = pair()
    fd = file_fd(content('passed', b'the file'))
    a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, ints(fd))])
    data, ancdata, flags, address = b.recvmsg(10, socket.CMSG_SPACE(4))
    got = unpack_ints(ancdata[0][2])[0]
    cleanups.append(lambda: os.close(got))
    return [data, kinds(ancdata), flags, address, got != fd, os.read(got, 20)]
  `,
  () => {
    const [a, b] = pair();
    const fd = file_fd(content('passed', 'the file'));
    a.sendmsg(['x'], [[SOL_SOCKET, SCM_RIGHTS, ints(fd)]]);
    const [data, ancdata, flags, address] = b.recvmsg(10, CMSG_SPACE(4));
    const got = unpack_ints(ancdata[0]?.[2] ?? Buffer.alloc(0))[0] ?? -1;
    const text = Buffer.alloc(20);
    const length = readSync(got, text);
    closeSync(got);
    return [data, kinds(ancdata), flags, address, got !== fd, text.subarray(0, length)];
  },
);

scenario(
  'SCM_RIGHTS: whether what arrives is inheritable',
  py`
    a, b = pair()
    a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, ints(a.fileno()))])
    got = unpack_ints(b.recvmsg(1, 100)[1][0][2])[0]
    cleanups.append(lambda: os.close(got))
    return os.get_inheritable(got)
  `,
  () => {
    const [a, b] = pair();
    a.sendmsg(['x'], [[SOL_SOCKET, SCM_RIGHTS, ints(a.fileno())]]);
    const [got = -1] = unpack_ints(b.recvmsg(1, 100)[1][0]?.[2] ?? Buffer.alloc(0));
    const inheritable = (descriptor_flags(got) & 0o2000000) === 0;
    closeSync(got);
    return inheritable;
  },
);

scenario(
  'SCM_RIGHTS: several descriptors, in one message and in two',
  py`
    a, b = pair()
    fds = [file_fd(content('f', b'')) for _ in range(3)]
    a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, ints(*fds))])
    first = b.recvmsg(10, 100)
    outcome = attempt(lambda: a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, ints(fds[0])),
                                                 (socket.SOL_SOCKET, socket.SCM_RIGHTS, ints(fds[1]))]))
    second = b.recvmsg(10, 100)
    for _, _, data in first[1] + second[1]:
        for fd in unpack_ints(data):
            os.close(fd)
    return [kinds(first[1]), first[2], outcome, kinds(second[1]), second[2]]
  `,
  () => {
    const [a, b] = pair();
    const [x = -1, y = -1, z = -1] = [0, 1, 2].map(() => file_fd(content('f', '')));
    a.sendmsg(['x'], [[SOL_SOCKET, SCM_RIGHTS, ints(x, y, z)]]);
    const first = b.recvmsg(10, 100);
    const outcome = attempt(() =>
      a.sendmsg(
        ['x'],
        [
          [SOL_SOCKET, SCM_RIGHTS, ints(x)],
          [SOL_SOCKET, SCM_RIGHTS, ints(y)],
        ],
      ),
    );
    const second = b.recvmsg(10, 100);
    for (const [, , data] of [...first[1], ...second[1]]) for (const fd of unpack_ints(data)) closeSync(fd);
    return [kinds(first[1]), first[2], outcome, kinds(second[1]), second[2]];
  },
);

scenario(
  'SCM_RIGHTS cut short: MSG_CTRUNC, and only what fitted arrives',
  py`
    results = []
    for space in (0, 4, socket.CMSG_LEN(4), socket.CMSG_SPACE(4), socket.CMSG_LEN(8), socket.CMSG_SPACE(12)):
        a, b = pair()
        a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, ints(*[a.fileno()] * 3))])
        data, ancdata, flags, _ = b.recvmsg(10, space)
        for _, _, part in ancdata:
            for fd in unpack_ints(part):
                os.close(fd)
        results.append([data, kinds(ancdata), flags])
    return results
  `,
  () =>
    [0, 4, CMSG_LEN(4), CMSG_SPACE(4), CMSG_LEN(8), CMSG_SPACE(12)].map((space) => {
      const [a, b] = pair();
      const fd = a.fileno();
      a.sendmsg(['x'], [[SOL_SOCKET, SCM_RIGHTS, ints(fd, fd, fd)]]);
      const [data, ancdata, flags] = b.recvmsg(10, space);
      for (const [, , part] of ancdata) for (const one of unpack_ints(part)) closeSync(one);
      return [data, kinds(ancdata), flags];
    }),
);

scenario(
  'SCM_RIGHTS: descriptors dropped by a plain recv and by recvmsg without space',
  py`
    a, b = pair(socket.SOCK_DGRAM)
    c, d = pair()
    for _ in range(2):
        a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, ints(c.fileno()))])
    c.close()
    return [b.recv(5), b.recvmsg(5), d.recv(5)]
  `,
  () => {
    const [a, b] = pair(SOCK_DGRAM);
    const [c, d] = pair();
    for (let i = 0; i < 2; i++) a.sendmsg(['x'], [[SOL_SOCKET, SCM_RIGHTS, ints(c.fileno())]]);
    c.close();
    return [b.recv(5), b.recvmsg(5), d.recv(5)];
  },
);

scenario(
  'SCM_RIGHTS with descriptors that are not open, and too many',
  py`
    a, b = pair()
    return [attempt(lambda: a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, ints(9999))])),
            attempt(lambda: a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, ints(-1))])),
            attempt(lambda: a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, ints(*[0] * 254))])),
            attempt(lambda: a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, b'abc')])),
            attempt(lambda: a.sendmsg([b'x'], [(socket.SOL_SOCKET, 99, ints(0))]))]
  `,
  () => {
    const [a] = pair();
    const rights = (data: Uint8Array, type: number = SCM_RIGHTS) =>
      attempt(() => a.sendmsg(['x'], [[SOL_SOCKET, type, data]]));
    return [
      rights(ints(9999)),
      rights(ints(-1)),
      rights(ints(...Array<number>(254).fill(0))),
      rights(Buffer.from('abc')),
      rights(ints(0), 99),
    ];
  },
);

scenario(
  'send_fds and recv_fds',
  py`
    a, b = pair()
    fds = [file_fd(content('f', text)) for text in (b'one', b'two')]
    sent = socket.send_fds(a, [b'he', b'llo'], fds)
    data, got, flags, address = socket.recv_fds(b, 100, 5)
    texts = [os.read(fd, 10) for fd in got]
    for fd in got:
        os.close(fd)
    return [sent, data, len(got), flags, address, texts, socket.send_fds(a, [b'x'], []), socket.recv_fds(b, 10, 1)]
  `,
  () => {
    const [a, b] = pair();
    const fds = ['one', 'two'].map((text) => file_fd(content('f', text)));
    const sent = socket.send_fds(a, ['he', 'llo'], fds);
    const [data, got, flags, address] = socket.recv_fds(b, 100, 5);
    const texts = got.map((fd) => {
      const text = Buffer.alloc(10);
      const length = readSync(fd, text);
      closeSync(fd);
      return text.subarray(0, length);
    });
    return [
      sent,
      data,
      got.length,
      flags,
      address,
      texts,
      socket.send_fds(a, ['x'], []),
      socket.recv_fds(b, 10, 1),
    ];
  },
);

scenario(
  'send_fds and recv_fds: flags, fewer than sent, descriptors that are none',
  py`
    a, b = pair()
    fds = [file_fd(content('f', b'')) for _ in range(3)]
    socket.send_fds(a, [b'x'], fds, socket.MSG_DONTWAIT)
    data, got, flags, _ = socket.recv_fds(b, 10, 2, socket.MSG_DONTWAIT)
    for fd in got:
        os.close(fd)
    return [data, 1 <= len(got) <= 3, flags & socket.MSG_CTRUNC == 0 or len(got) < 3,
            attempt(lambda: socket.send_fds(a, [b'x'], [9999])), attempt(lambda: socket.send_fds(a, [b'x'], ['x'])),
            attempt(lambda: socket.send_fds(a, [b'x'], [1.5])), attempt(lambda: socket.recv_fds(b, -1, 1)),
            attempt(lambda: socket.recv_fds(b, 10, -1))]
  `,
  () => {
    const [a, b] = pair();
    const fds = [0, 1, 2].map(() => file_fd(content('f', '')));
    socket.send_fds(a, ['x'], fds, socket.MSG_DONTWAIT);
    const [data, got, flags] = socket.recv_fds(b, 10, 2, socket.MSG_DONTWAIT);
    for (const fd of got) closeSync(fd);
    return [
      data,
      1 <= got.length && got.length <= 3,
      (flags & socket.MSG_CTRUNC) === 0 || got.length < 3,
      attempt(() => socket.send_fds(a, ['x'], [9999])),
      attempt(() => invoke(socket, 'send_fds', a, ['x'], ['x'])),
      attempt(() => socket.send_fds(a, ['x'], [1.5])),
      attempt(() => socket.recv_fds(b, -1, 1)),
      attempt(() => socket.recv_fds(b, 10, -1)),
    ];
  },
);

scenario(
  'recv_fds: flags',
  py`
    a, b = pair()
    b.settimeout(0.05)
    socket.send_fds(a, [b'x'], [])
    return [socket.recv_fds(b, 10, 1, socket.MSG_PEEK)[0], attempt(lambda: b.recv(10, socket.MSG_DONTWAIT))]
  `,
  () => {
    const [a, b] = pair();
    b.settimeout(0.05);
    socket.send_fds(a, ['x'], []);
    return [socket.recv_fds(b, 10, 1, socket.MSG_PEEK)[0], attempt(() => b.recv(10, socket.MSG_DONTWAIT))];
  },
);

scenario(
  'SCM_CREDENTIALS: given by the kernel with SO_PASSCRED, and by the sender',
  py`
    a, b = pair(socket.SOCK_DGRAM)
    a.send(b'without')
    b.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    a.send(b'with')
    mine = ints(os.getpid(), os.getuid(), os.getgid())
    sent = a.sendmsg([b'own'], [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, mine)])
    results = [sent]
    for _ in range(3):
        data, ancdata, flags, _ = b.recvmsg(20, socket.CMSG_SPACE(12))
        results.append([data, kinds(ancdata), flags, [part[2] == mine for part in ancdata]])
    return results
  `,
  () => {
    const [a, b] = pair(SOCK_DGRAM);
    a.send('without');
    b.setsockopt(SOL_SOCKET, SO_PASSCRED, 1);
    a.send('with');
    const mine = ints(process.pid, process.getuid?.() ?? 0, process.getgid?.() ?? 0);
    const sent = a.sendmsg(['own'], [[SOL_SOCKET, SCM_CREDENTIALS, mine]]);
    const results: unknown[] = [sent];
    for (let i = 0; i < 3; i++) {
      const [data, ancdata, flags] = b.recvmsg(20, CMSG_SPACE(12));
      results.push([data, kinds(ancdata), flags, ancdata.map((part) => mine.equals(part[2]))]);
    }
    return results;
  },
);

scenario(
  'SO_PEERCRED: who made the other end',
  py`
    a, b = pair()
    return unpack_ints(a.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)) == [os.getpid(), os.getuid(), os.getgid()]
  `,
  () => {
    const [a] = pair();
    const got = unpack_ints(a.getsockopt(SOL_SOCKET, socket.SO_PEERCRED, 12));
    return String(got) === String([process.pid, process.getuid?.(), process.getgid?.()]);
  },
);

scenario(
  'IP_PKTINFO and IP_RECVTTL: what is received, and sending with a TTL and a source of its own',
  py`
    a, b = udp_pair()
    b.setsockopt(socket.IPPROTO_IP, socket.IP_PKTINFO, 1)
    b.setsockopt(socket.IPPROTO_IP, ${IP_RECVTTL}, 1)
    a.send(b'plain')
    a.sendmsg([b'ttl'], [(socket.IPPROTO_IP, socket.IP_TTL, ints(7))])
    a.sendmsg([b'source'], [(socket.IPPROTO_IP, socket.IP_PKTINFO, ints(1) + socket.inet_aton('127.0.0.1') + bytes(4))])
    results = []
    for _ in range(3):
        data, ancdata, flags, _ = b.recvmsg(20, 100)
        results.append([data, sorted([level, kind, part] for level, kind, part in ancdata), flags])
    return results
  `,
  () => {
    const [a, b] = udp_pair();
    b.setsockopt(IPPROTO_IP, IP_PKTINFO, 1);
    b.setsockopt(IPPROTO_IP, IP_RECVTTL, 1);
    a.send('plain');
    a.sendmsg(['ttl'], [[IPPROTO_IP, socket.IP_TTL, ints(7)]]);
    const source = Buffer.concat([ints(1), socket.inet_aton('127.0.0.1'), Buffer.alloc(4)]);
    a.sendmsg(['source'], [[IPPROTO_IP, IP_PKTINFO, source]]);
    return [0, 1, 2].map(() => {
      const [data, ancdata, flags] = b.recvmsg(20, 100);
      return [data, [...ancdata].sort((one, other) => one[1] - other[1]), flags];
    });
  },
);

scenario(
  'IP_RECVTOS: a type of service byte',
  py`
    a, b = udp_pair()
    b.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
    a.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0x10)
    a.send(b'x')
    return b.recvmsg(5, 50)[:3]
  `,
  () => {
    const [a, b] = udp_pair();
    b.setsockopt(IPPROTO_IP, socket.IP_RECVTOS, 1);
    a.setsockopt(IPPROTO_IP, socket.IP_TOS, 0x10);
    a.send('x');
    return b.recvmsg(5, 50).slice(0, 3);
  },
);

scenario(
  'IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS; a hop limit set per message',
  py`
    a, b = udp_pair('::1')
    for option in (socket.IPV6_RECVPKTINFO, socket.IPV6_RECVHOPLIMIT, socket.IPV6_RECVTCLASS):
        b.setsockopt(socket.IPPROTO_IPV6, option, 1)
    a.send(b'x')
    a.sendmsg([b'y'], [(socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT, ints(9)), (socket.IPPROTO_IPV6, socket.IPV6_TCLASS, ints(4))])
    return [sorted([kind, part] for _, kind, part in b.recvmsg(5, 200)[1]) for _ in range(2)]
  `,
  () => {
    const [a, b] = udp_pair('::1');
    for (const option of [socket.IPV6_RECVPKTINFO, socket.IPV6_RECVHOPLIMIT, socket.IPV6_RECVTCLASS]) {
      b.setsockopt(IPPROTO_IPV6, option, 1);
    }
    a.send('x');
    a.sendmsg(
      ['y'],
      [
        [IPPROTO_IPV6, socket.IPV6_HOPLIMIT, ints(9)],
        [IPPROTO_IPV6, socket.IPV6_TCLASS, ints(4)],
      ],
    );
    return [0, 1].map(() =>
      b
        .recvmsg(5, 200)[1]
        .map(([, kind, part]) => [kind, part] as const)
        .sort((one, other) => one[0] - other[0]),
    );
  },
  ipv6,
);

scenario(
  'SO_TIMESTAMP and SO_TIMESTAMPNS: present, of the size of a timeval and a timespec',
  py`
    results = []
    for option in (${SO_TIMESTAMP}, ${SO_TIMESTAMPNS}):
        a, b = udp_pair()
        b.setsockopt(socket.SOL_SOCKET, option, 1)
        a.send(b'x')
        data, ancdata, flags, _ = b.recvmsg(5, 100)
        results.append([data, kinds(ancdata), flags, abs(struct.unpack('q', ancdata[0][2][:8])[0] - time.time()) < 60])
    return results
  `,
  () =>
    [SO_TIMESTAMP, SO_TIMESTAMPNS].map((option) => {
      const [a, b] = udp_pair();
      b.setsockopt(SOL_SOCKET, option, 1);
      a.send('x');
      const [data, ancdata, flags] = b.recvmsg(5, 100);
      const seconds = Number(ancdata[0]?.[2].readBigInt64LE());
      return [data, kinds(ancdata), flags, Math.abs(seconds - Date.now() / 1000) < 60];
    }),
);

scenario(
  'control messages cut short: MSG_CTRUNC with no space, with too little',
  py`
    results = []
    for space in (0, 1, 15, socket.CMSG_LEN(8), socket.CMSG_LEN(12), socket.CMSG_SPACE(12)):
        a, b = udp_pair()
        b.setsockopt(socket.IPPROTO_IP, socket.IP_PKTINFO, 1)
        a.send(b'x')
        data, ancdata, flags, _ = b.recvmsg(5, space)
        results.append([data, kinds(ancdata), flags])
    return results
  `,
  () =>
    [0, 1, 15, CMSG_LEN(8), CMSG_LEN(12), CMSG_SPACE(12)].map((space) => {
      const [a, b] = udp_pair();
      b.setsockopt(IPPROTO_IP, IP_PKTINFO, 1);
      a.send('x');
      const [data, ancdata, flags] = b.recvmsg(5, space);
      return [data, kinds(ancdata), flags];
    }),
);

scenario(
  'recvmsg_into: control messages, flags and their space',
  py`
    a, b = pair(socket.SOCK_DGRAM)
    b.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    a.send(b'abcdef')
    a.send(b'abcdef')
    one, two = bytearray(4), bytearray(4)
    first = b.recvmsg_into([one, two], 100, socket.MSG_PEEK)
    second = b.recvmsg_into([one], 0)
    return [first[0], kinds(first[1]), first[2], first[3], one, two, second]
  `,
  () => {
    const [a, b] = pair(SOCK_DGRAM);
    b.setsockopt(SOL_SOCKET, SO_PASSCRED, 1);
    a.send('abcdef');
    a.send('abcdef');
    const [one, two] = [Buffer.alloc(4), Buffer.alloc(4)];
    const first = b.recvmsg_into([one, two], 100, socket.MSG_PEEK);
    const second = b.recvmsg_into([one], 0);
    return [first[0], kinds(first[1]), first[2], first[3], one, two, second];
  },
);

scenario(
  'the error queue: MSG_ERRQUEUE after a refused datagram with IP_RECVERR',
  py`
    gone = bound()
    address = gone.getsockname()
    gone.close()
    sock = bound()
    sock.setsockopt(socket.IPPROTO_IP, 11, 1)
    sock.connect(address)
    sock.send(b'lost')
    time.sleep(0.05)
    data, ancdata, flags, source = sock.recvmsg(100, 512, socket.MSG_ERRQUEUE)
    error = struct.unpack('IBBBB', ancdata[0][2][:8])
    return [data, [ancdata[0][0], ancdata[0][1]], error, flags, source == address]
  `,
  () => {
    const gone = bound();
    const address = gone.getsockname();
    gone.close();
    const sock = bound();
    sock.setsockopt(IPPROTO_IP, 11, 1);
    sock.connect(address);
    sock.send('lost');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    const [data, ancdata, flags, source] = sock.recvmsg(100, 512, socket.MSG_ERRQUEUE);
    const [level, type, part] = ancdata[0] ?? [0, 0, Buffer.alloc(8)];
    const error = [part.readUInt32LE(), ...part.subarray(4, 8)];
    return [data, [level, type], error, flags, String(source) === String(address)];
  },
);

for (const method of ['send', 'sendall'] as const) {
  scenario(
    `MSG_ZEROCOPY: ${method}, and the completion`,
    py`
      a, b = udp_pair()
      a.setsockopt(socket.SOL_SOCKET, 60, 1)
      outcome = getattr(a, '${method}')(b'data', 0x4000000)
      read = lambda: list(struct.unpack('IBBBBII', a.recvmsg(0, 100, socket.MSG_ERRQUEUE)[1][0][2][:16]))
      return [outcome, b.recv(10), attempt(read)]
    `,
    () => {
      const [a, b] = udp_pair();
      a.setsockopt(SOL_SOCKET, socket.SO_ZEROCOPY, 1);
      const outcome = a[method]('data', socket.MSG_ZEROCOPY);
      const read = () => {
        const [part = Buffer.alloc(16)] = a.recvmsg(0, 100, socket.MSG_ERRQUEUE)[1].map(([, , data]) => data);
        return [part.readUInt32LE(), ...part.subarray(4, 8), part.readUInt32LE(8), part.readUInt32LE(12)];
      };
      return [outcome ?? null, b.recv(10), attempt(read)];
    },
  );
}

calls(socket, 'send_fds', [[], [5]]);
calls(socket, 'recv_fds', [[], [5]]);
