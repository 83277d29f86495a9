/**
 * Data: send and receive in all their forms, end of file, truncation and flags, out-of-band data.
 */
import * as socket from 'bsd-sockets/socket';
import { invoke, py, theme } from './harness.js';
import { attempt, bound, connected, listener, pair, udp_pair } from './stage.js';

const { scenario, methods } = theme('transfer');
const { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SHUT_RD, SHUT_WR, SHUT_RDWR } = socket;
const { MSG_PEEK, MSG_TRUNC, MSG_WAITALL, MSG_DONTWAIT, MSG_OOB } = socket;

scenario(
  'shutdown and end of file, one direction after the other',
  py`
    client, conn = connected()
    client.sendall(b'question')
    client.shutdown(socket.SHUT_WR)
    results = [conn.recv(100), conn.recv(100), conn.recv(100)]
    conn.sendall(b'answer')
    results.append(client.recv(100))
    conn.shutdown(socket.SHUT_WR)
    results += [client.recv(100), client.recv_into(bytearray(4)), client.recvfrom(4), client.recvmsg(4)]
    return results
  `,
  () => {
    const [client, conn] = connected();
    client.sendall('question');
    client.shutdown(SHUT_WR);
    const results: unknown[] = [conn.recv(100), conn.recv(100), conn.recv(100)];
    conn.sendall('answer');
    results.push(client.recv(100));
    conn.shutdown(SHUT_WR);
    results.push(client.recv(100), client.recv_into(Buffer.alloc(4)), client.recvfrom(4), client.recvmsg(4));
    return results;
  },
);

scenario(
  'shutdown of the reading side and of both, on TCP and UNIX',
  py`
    results = []
    for a, b in (connected(), pair()):
        a.shutdown(socket.SHUT_RD)
        results.append([a.recv(10), attempt(lambda: b.send(b'x'))])
    for a, b in (connected(), pair()):
        a.shutdown(socket.SHUT_RDWR)
        results.append([a.recv(10), b.recv(10), attempt(lambda: a.send(b'x')), attempt(lambda: a.shutdown(socket.SHUT_RDWR))])
    return results
  `,
  () => {
    const reading = [connected(), pair()].map(([a, b]) => {
      a.shutdown(SHUT_RD);
      return [a.recv(10), attempt(() => b.send('x'))];
    });
    const both = [connected(), pair()].map(([a, b]) => {
      a.shutdown(SHUT_RDWR);
      return [a.recv(10), b.recv(10), attempt(() => a.send('x')), attempt(() => a.shutdown(SHUT_RDWR))];
    });
    return [...reading, ...both];
  },
);

scenario(
  'an empty datagram is not the end of file',
  py`
    a, b = udp_pair()
    sent = [a.send(b''), a.send(b'x')]
    return [sent, b.recv(5), b.recv(5)]
  `,
  () => {
    const [a, b] = udp_pair();
    const sent = [a.send(''), a.send('x')];
    return [sent, b.recv(5), b.recv(5)];
  },
);

scenario(
  'truncation: each receiving call, on a datagram longer than asked for',
  py`
    a, b = pair(socket.SOCK_DGRAM)
    for _ in range(6):
        a.send(b'0123456789')
    one, two, three = bytearray(4), bytearray(4), bytearray(4)
    return [b.recv(4), b.recvfrom(4), [b.recv_into(one), one], [b.recvfrom_into(two), two], b.recvmsg(4),
            [b.recvmsg_into([three]), three]]
  `,
  () => {
    const [a, b] = pair(SOCK_DGRAM);
    for (let i = 0; i < 6; i++) a.send('0123456789');
    const [one, two, three] = [Buffer.alloc(4), Buffer.alloc(4), Buffer.alloc(4)];
    return [
      b.recv(4),
      b.recvfrom(4),
      [b.recv_into(one), one],
      [b.recvfrom_into(two), two],
      b.recvmsg(4),
      [b.recvmsg_into([three]), three],
    ];
  },
);

scenario(
  'MSG_TRUNC: recv_into and recvmsg_into tell the true length of the datagram',
  py`
    a, b = pair(socket.SOCK_DGRAM)
    for _ in range(3):
        a.send(b'0123456789')
    one, two, three = bytearray(4), bytearray(4), bytearray(4)
    return [b.recv_into(one, 4, socket.MSG_TRUNC), one, b.recvfrom_into(two, 4, socket.MSG_TRUNC), two,
            b.recvmsg_into([three], 0, socket.MSG_TRUNC), three]
  `,
  () => {
    const [a, b] = pair(SOCK_DGRAM);
    for (let i = 0; i < 3; i++) a.send('0123456789');
    const [one, two, three] = [Buffer.alloc(4), Buffer.alloc(4), Buffer.alloc(4)];
    return [
      b.recv_into(one, 4, MSG_TRUNC),
      one,
      b.recvfrom_into(two, 4, MSG_TRUNC),
      two,
      b.recvmsg_into([three], 0, MSG_TRUNC),
      three,
    ];
  },
);

scenario(
  'MSG_TRUNC: recv and recvmsg give what was received and no more',
  py`
    a, b = pair(socket.SOCK_DGRAM)
    a.send(b'0123456789')
    data = b.recv(4, socket.MSG_TRUNC)
    return [len(data), data[:4]]
  `,
  () => {
    const [a, b] = pair(SOCK_DGRAM);
    a.send('0123456789');
    const data = b.recv(4, MSG_TRUNC);
    return [data.length, data.subarray(0, 4)];
  },
);

scenario(
  'MSG_TRUNC on TCP drops what is there',
  py`
    client, conn = connected()
    client.sendall(b'0123456789')
    target = bytearray(4)
    return [conn.recv_into(target, 4, socket.MSG_TRUNC), conn.recv(10)]
  `,
  () => {
    const [client, conn] = connected();
    client.sendall('0123456789');
    return [conn.recv_into(Buffer.alloc(4), 4, MSG_TRUNC), conn.recv(10)];
  },
);

scenario(
  'MSG_PEEK: what is looked at stays, on streams and datagrams',
  py`
    results = []
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        a, b = pair(kind)
        a.send(b'hello')
        results.append([b.recv(3, socket.MSG_PEEK), b.recvmsg(3, 0, socket.MSG_PEEK), b.recv(10)])
    return results
  `,
  () =>
    [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET].map((kind) => {
      const [a, b] = pair(kind);
      a.send('hello');
      return [b.recv(3, MSG_PEEK), b.recvmsg(3, 0, MSG_PEEK), b.recv(10)];
    }),
);

scenario(
  'SO_PEEK_OFF: peeking goes forward',
  py`
    a, b = pair()
    b.setsockopt(socket.SOL_SOCKET, 42, 0)
    a.send(b'abcdef')
    return [b.recv(2, socket.MSG_PEEK), b.recv(2, socket.MSG_PEEK), b.recv(10)]
  `,
  () => {
    const [a, b] = pair();
    b.setsockopt(socket.SOL_SOCKET, 42, 0);
    a.send('abcdef');
    return [b.recv(2, MSG_PEEK), b.recv(2, MSG_PEEK), b.recv(10)];
  },
);

scenario(
  'MSG_WAITALL: several sends in one recv, and the end of file before it is full',
  py`
    a, b = pair()
    for part in (b'ab', b'cd', b'ef'):
        a.send(part)
    first = b.recv(4, socket.MSG_WAITALL)
    a.close()
    return [first, b.recv(10, socket.MSG_WAITALL), b.recv(10, socket.MSG_WAITALL)]
  `,
  () => {
    const [a, b] = pair();
    for (const part of ['ab', 'cd', 'ef']) a.send(part);
    const first = b.recv(4, MSG_WAITALL);
    a.close();
    return [first, b.recv(10, MSG_WAITALL), b.recv(10, MSG_WAITALL)];
  },
);

scenario(
  'MSG_DONTWAIT on a blocking socket',
  py`
    a, b = pair()
    b.settimeout(None)
    first = attempt(lambda: b.recv(1, socket.MSG_DONTWAIT))
    a.send(b'x')
    return [first, b.recv(1, socket.MSG_DONTWAIT)]
  `,
  () => {
    const [a, b] = pair();
    b.settimeout(null);
    const first = attempt(() => b.recv(1, MSG_DONTWAIT));
    a.send('x');
    return [first, b.recv(1, MSG_DONTWAIT)];
  },
);

scenario(
  'out-of-band data: apart, and inline with the mark',
  py`
    client, conn = connected()
    client.send(b'ab')
    client.send(b'!', socket.MSG_OOB)
    client.send(b'cd')
    apart = [conn.recv(1, socket.MSG_OOB), conn.recv(10), attempt(lambda: conn.recv(1, socket.MSG_OOB)), conn.recv(10)]
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
    client.send(b'x')
    client.send(b'?', socket.MSG_OOB)
    conn.settimeout(None)
    inline = [conn.recv(10), conn.recv(10)]
    return [apart, inline, attempt(lambda: conn.recv(1, socket.MSG_OOB))]
  `,
  () => {
    const [client, conn] = connected();
    client.send('ab');
    client.send('!', MSG_OOB);
    client.send('cd');
    const apart = [conn.recv(1, MSG_OOB), conn.recv(10), attempt(() => conn.recv(1, MSG_OOB)), conn.recv(10)];
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1);
    client.send('x');
    client.send('?', MSG_OOB);
    conn.settimeout(null);
    const inline = [conn.recv(10), conn.recv(10)];
    return [apart, inline, attempt(() => conn.recv(1, MSG_OOB))];
  },
);

scenario(
  'out-of-band data where there is none to be had: UDP, UNIX datagram',
  py`
    a, b = udp_pair()
    c, d = pair(socket.SOCK_DGRAM)
    d.settimeout(None)
    return [attempt(lambda: a.send(b'x', socket.MSG_OOB)), attempt(lambda: c.send(b'x', socket.MSG_OOB)),
            attempt(lambda: d.recv(1, socket.MSG_OOB))]
  `,
  () => {
    const [[a], [c, d]] = [udp_pair(), pair(SOCK_DGRAM)];
    d.settimeout(null);
    return [
      attempt(() => a.send('x', MSG_OOB)),
      attempt(() => c.send('x', MSG_OOB)),
      attempt(() => d.recv(1, MSG_OOB)),
    ];
  },
);

scenario(
  'sendto: with and without flags, and the wrong numbers of arguments',
  py`
    sock = bound()
    me = sock.getsockname()
    return [sock.sendto(b'one', me), sock.sendto(b'two', socket.MSG_DONTWAIT, me), sock.recv(9), sock.recv(9),
            attempt(lambda: sock.sendto(b'x')), attempt(lambda: sock.sendto()), attempt(lambda: sock.sendto(b'x', me, 0)),
            attempt(lambda: sock.sendto(b'x', 'flags', me)), attempt(lambda: sock.sendto(5, me)),
            attempt(lambda: sock.sendto(b'x', None))]
  `,
  () => {
    const sock = bound();
    const me = sock.getsockname();
    return [
      sock.sendto('one', me),
      sock.sendto('two', MSG_DONTWAIT, me),
      sock.recv(9),
      sock.recv(9),
      attempt(() => invoke(sock, 'sendto', 'x')),
      attempt(() => invoke(sock, 'sendto')),
      attempt(() => invoke(sock, 'sendto', 'x', me, 0)),
      attempt(() => invoke(sock, 'sendto', 'x', 'flags', me)),
      attempt(() => invoke(sock, 'sendto', 5, me)),
      attempt(() => invoke(sock, 'sendto', 'x', null)),
    ];
  },
);

scenario(
  'recv_into: part of a buffer, nbytes and its edges',
  py`
    a, b = pair()
    a.send(b'0123456789abcdefghij')
    target = bytearray(8)
    results = []
    for nbytes in (3, 0, 8):
        results.append([b.recv_into(target, nbytes), bytes(target)])
    view = memoryview(target)[2:5]
    results.append([b.recv_into(view), bytes(target)])
    return results + [attempt(lambda: b.recv_into(target, 9)), attempt(lambda: b.recv_into(target, -1)),
                      b.recv_into(bytearray(0))]
  `,
  () => {
    const [a, b] = pair();
    a.send('0123456789abcdefghij');
    const target = Buffer.alloc(8);
    const results: unknown[] = [];
    for (const nbytes of [3, 0, 8]) results.push([b.recv_into(target, nbytes), Buffer.from(target)]);
    results.push([b.recv_into(target.subarray(2, 5)), Buffer.from(target)]);
    return [
      ...results,
      attempt(() => b.recv_into(target, 9)),
      attempt(() => b.recv_into(target, -1)),
      b.recv_into(Buffer.alloc(0)),
    ];
  },
);

scenario(
  'recvfrom_into: part of a buffer, nbytes and its edges',
  py`
    a, b = pair(socket.SOCK_DGRAM)
    for _ in range(3):
        a.send(b'0123456789')
    target = bytearray(8)
    return [b.recvfrom_into(target, 3), bytes(target), b.recvfrom_into(target), bytes(target),
            attempt(lambda: b.recvfrom_into(target, 9)), attempt(lambda: b.recvfrom_into(target, -1))]
  `,
  () => {
    const [a, b] = pair(SOCK_DGRAM);
    for (let i = 0; i < 3; i++) a.send('0123456789');
    const target = Buffer.alloc(8);
    const copy = () => Buffer.from(target);
    return [
      b.recvfrom_into(target, 3),
      copy(),
      b.recvfrom_into(target),
      copy(),
      attempt(() => b.recvfrom_into(target, 9)),
      attempt(() => b.recvfrom_into(target, -1)),
    ];
  },
);

scenario(
  'typed memory: arrays of wider elements are filled and sent by their bytes',
  py`
    import array
    a, b = pair()
    sent = a.send(array.array('I', [1, 2, 3]))
    target = array.array('H', [0] * 6)
    return [sent, b.recv_into(target), list(target)]
  `,
  () => {
    const [a, b] = pair();
    const sent = a.send(new Uint32Array([1, 2, 3]));
    const target = new Uint16Array(6);
    return [sent, b.recv_into(target), [...target]];
  },
);

scenario(
  'large transfers: 1 MiB through a connection in pieces',
  py`
    client, conn = connected()
    client.setblocking(False)
    data = bytes(range(256)) * 4096
    sent = received = 0
    total = 0
    while received < len(data):
        if sent < len(data):
            outcome = attempt(lambda: client.send(data[sent:]))
            sent += outcome if isinstance(outcome, int) else 0
        part = conn.recv(70000)
        total = (total + sum(part)) % 65521
        received += len(part)
    return [sent, received, total]
  `,
  () => {
    const [client, conn] = connected();
    client.setblocking(false);
    const data = Buffer.alloc(
      1 << 20,
      Uint8Array.from({ length: 256 }, (_, i) => i),
    );
    let [sent, received, total] = [0, 0, 0];
    while (received < data.length) {
      if (sent < data.length) {
        const outcome = attempt(() => client.send(data.subarray(sent)));
        sent += typeof outcome === 'number' ? outcome : 0;
      }
      const part = conn.recv(70000);
      total = part.reduce((sum, byte) => (sum + byte) % 65521, total);
      received += part.length;
    }
    return [sent, received, total];
  },
);

scenario(
  'sending nothing: send, sendall, sendto, sendmsg',
  py`
    client, conn = connected()
    a, b = udp_pair()
    c = bound()
    return [client.send(b''), client.sendall(b''), client.sendmsg([]), client.sendmsg([b'', b'']), a.sendmsg([]),
            c.sendto(b'', a.getsockname()), b.recv(5)]
  `,
  () => {
    const [[client], [a, b], c] = [connected(), udp_pair(), bound()];
    return [
      client.send(''),
      client.sendall(''),
      client.sendmsg([]),
      client.sendmsg(['', '']),
      a.sendmsg([]),
      c.sendto('', a.getsockname()),
      b.recv(5),
    ];
  },
);

methods('pair()[0]', () => pair()[0], 'recv', [
  [-1],
  [-1, 0],
  [1.5],
  ['1'],
  [null],
  [2 ** 64],
  [1, 'x'],
  [1, 1.5],
  [1, 2 ** 31],
  [1, -(2 ** 31) - 1],
  [],
]);
methods('pair()[0]', () => pair()[0], 'recvfrom', [[-1], [1.5], ['1'], [null], [1, 'x'], []]);
methods('pair()[0]', () => pair()[0], 'recv_into', [
  [Buffer.from('readonly bytes')].slice(1),
  [5],
  [null],
  ['text'],
  [[]],
]);
methods('pair()[0]', () => pair()[0], 'recvfrom_into', [[], [5], [null], ['text']]);
methods('pair()[0]', () => pair()[0], 'send', [
  [],
  [5],
  [null],
  [[]],
  [Buffer.from('x'), 'x'],
  [Buffer.from('x'), 1.5],
  [Buffer.from('x'), 2 ** 31],
  [Buffer.from('x')],
]);
methods('pair()[0]', () => pair()[0], 'sendall', [
  [],
  [5],
  [null],
  [Buffer.from('x'), 'x'],
  [Buffer.from('x')],
]);
methods('listener()', () => listener(), 'shutdown', [[], ['x'], [null], [1.5], [2 ** 31]]);
