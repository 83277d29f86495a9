/**
 * sendmsg and recvmsg without control messages: several buffers, addresses, flags, wrong arguments.
 */

import { RuntimeError } from 'bsd-sockets/selectors';
import * as socket from 'bsd-sockets/socket';
import { invoke, py, theme } from './harness.js';
import { attempt, bound, pair, shape } from './stage.js';

const { scenario, methods } = theme('messages');
const { SOCK_DGRAM } = socket;
/** Of linux/in.h and asm/socket.h; Python has no names for them. */
const _IP_RECVTTL = 12;
const _SO_TIMESTAMP = 29;
const _SO_TIMESTAMPNS = 35;

scenario(
  'sendmsg and recvmsg: several buffers one way, one result the other',
  py`
    a, b = pair()
    sent = a.sendmsg([b'one', bytearray(b'two'), memoryview(b'three')])
    return [sent, b.recvmsg(100), a.sendmsg((b'x',)), b.recvmsg(100, 0)]
  `,
  () => {
    const [a, b] = pair();
    const sent = a.sendmsg(['one', Buffer.from('two'), new Uint8Array(Buffer.from('three'))]);
    return [sent, b.recvmsg(100), a.sendmsg(['x']), b.recvmsg(100, 0)];
  },
);

scenario(
  'recvmsg_into: several buffers are filled in turn; empty ones, none at all, a short message',
  py`
    a, b = pair(socket.SOCK_DGRAM)
    for _ in range(4):
        a.send(b'0123456789')
    results = []
    for lengths in ((3, 3, 10), (0, 4, 0, 2), (4,), ()):
        buffers = [bytearray(length) for length in lengths]
        results.append([b.recvmsg_into(buffers), buffers])
    return results
  `,
  () => {
    const [a, b] = pair(SOCK_DGRAM);
    for (let i = 0; i < 4; i++) a.send('0123456789');
    return [[3, 3, 10], [0, 4, 0, 2], [4], []].map((lengths) => {
      const buffers = lengths.map((length) => Buffer.alloc(length));
      return [b.recvmsg_into(buffers), buffers];
    });
  },
);

scenario(
  'sendmsg to an address; recvmsg gives the source',
  py`
    a, b = bound(), bound()
    sent = [a.sendmsg([b'x', b'y'], [], 0, b.getsockname()), a.sendmsg([b'z'], (), socket.MSG_DONTWAIT, b.getsockname())]
    data, ancdata, flags, address = b.recvmsg(10)
    target = bytearray(3)
    rest = b.recvmsg_into([target])
    return [sent, data, ancdata, flags, address == a.getsockname(), rest[:3], shape(rest[3]), target]
  `,
  () => {
    const [a, b] = [bound(), bound()];
    const sent = [
      a.sendmsg(['x', 'y'], [], 0, b.getsockname()),
      a.sendmsg(['z'], [], socket.MSG_DONTWAIT, b.getsockname()),
    ];
    const [data, ancdata, flags, address] = b.recvmsg(10);
    const target = Buffer.alloc(3);
    const rest = b.recvmsg_into([target]);
    const same = String(address) === String(a.getsockname());
    return [sent, data, ancdata, flags, same, rest.slice(0, 3), shape(rest[3]), target];
  },
);

scenario(
  'any iterable of buffers and control messages; strings, numbers and iterators that fail',
  py`
    a, b = pair(socket.SOCK_DGRAM)
    def failing():
        raise RuntimeError('on purpose')
        yield
    target = [bytearray(2), bytearray(9)]
    sent = [a.sendmsg(iter([b'a', b'b'])), a.sendmsg({b'c': 1}, iter([])), a.sendmsg((part for part in [b'd', b'e', b'f']), {})]
    got = [b.recv(9), b.recvmsg_into(iter(target))[0], target[0], b.recv(9)]
    return [sent, got] + [attempt(lambda: a.sendmsg(wrong)) for wrong in ('text', b'bytes', 5, None, failing(), iter([5]), [b'x', 'y', None])] + [
        attempt(lambda: a.sendmsg([b'x'], wrong)) for wrong in (5, failing(), iter([5]))]
  `,
  () => {
    const [a, b] = pair(SOCK_DGRAM);
    const next = () => {
      throw new RuntimeError('on purpose');
    };
    const failing = () => ({ [Symbol.iterator]: () => ({ next }) });
    const target = [Buffer.alloc(2), Buffer.alloc(9)];
    const sent = [
      a.sendmsg(['a', 'b'].values()),
      a.sendmsg(new Map([['c', 1]]).keys(), [].values()),
      a.sendmsg(new Set(['d', 'e', 'f']), new Set()),
    ];
    const got = [b.recv(9), b.recvmsg_into(target.values())[0], target[0], b.recv(9)];
    const buffers = ['text', Buffer.from('bytes'), 5, null, failing(), [5].values(), ['x', null]];
    return [
      sent,
      got,
      ...buffers.map((wrong) => attempt(() => invoke(a, 'sendmsg', wrong))),
      ...[5, failing(), [5].values()].map((wrong) => attempt(() => invoke(a, 'sendmsg', ['x'], wrong))),
    ];
  },
);

scenario(
  'more buffers than the system takes (IOV_MAX)',
  py`
    a, b = pair()
    return [a.sendmsg([b'x'] * 1024), attempt(lambda: a.sendmsg([b'x'] * 1025)),
            attempt(lambda: b.recvmsg_into([bytearray(1) for _ in range(1025)])), len(b.recv(5000))]
  `,
  () => {
    const [a, b] = pair();
    const targets = Array.from({ length: 1025 }, () => Buffer.alloc(1));
    return [
      a.sendmsg(Array<string>(1024).fill('x')),
      attempt(() => a.sendmsg(Array<string>(1025).fill('x'))),
      attempt(() => b.recvmsg_into(targets)),
      b.recv(5000).length,
    ];
  },
);

scenario(
  'MSG_EOR on SEQPACKET, MSG_TRUNC and data in recvmsg',
  py`
    a, b = pair(socket.SOCK_SEQPACKET)
    a.sendmsg([b'whole'], [], socket.MSG_EOR)
    a.send(b'longer than asked')
    return [b.recvmsg(10), b.recvmsg(6)]
  `,
  () => {
    const [a, b] = pair(socket.SOCK_SEQPACKET);
    a.sendmsg(['whole'], [], socket.MSG_EOR);
    a.send('longer than asked');
    return [b.recvmsg(10), b.recvmsg(6)];
  },
);

const wrong: unknown[][] = [
  [],
  [5],
  [null],
  [[5]],
  [[null]],
  [[Buffer.from('x'), 5]],
  [[Buffer.from('x')], 5],
  [[Buffer.from('x')], [5]],
  [[Buffer.from('x')], [[]]],
  [[Buffer.from('x')], [[1, 1]]],
  [[Buffer.from('x')], [[1, 1, 5]]],
  [[Buffer.from('x')], [['1', 1, Buffer.from('x')]]],
  [[Buffer.from('x')], [[1.5, 1, Buffer.from('x')]]],
  [[Buffer.from('x')], [[2 ** 31, 1, Buffer.from('x')]]],
  [[Buffer.from('x')], [[1, 1, Buffer.from('x'), 0]]],
  [[Buffer.from('x')], [], 'x'],
  [[Buffer.from('x')], [], 1.5],
  [[Buffer.from('x')], [], 2 ** 31],
  [[Buffer.from('x')], [], 0, 5],
  [[Buffer.from('x')], [], 0, null],
  [[Buffer.from('x')], []],
];

methods('pair()[0]', () => pair()[0], 'sendmsg', wrong);

methods('pair()[0]', () => pair()[0], 'recvmsg', [
  [],
  [-1],
  [1.5],
  ['x'],
  [null],
  [1, -1],
  [1, 1.5],
  [1, 'x'],
  [1, 2 ** 31],
  [1, 2 ** 40],
  [1, 0, 'x'],
  [1, 0, 2 ** 31],
]);

methods('pair()[0]', () => pair()[0], 'recvmsg_into', [
  [],
  [5],
  [null],
  [['text']],
  [[5]],
  [[null]],
  [[], -1],
  [[], 2 ** 31],
  [[], 0, 'x'],
]);
