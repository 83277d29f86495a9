/**
 * Functions that open no socket: text and binary addresses, byte order, the sizes of control messages, interface names.
 */
import * as socket from 'bsd-sockets/socket';
import { py, theme } from './harness.js';
import { attempt } from './stage.js';

const { scenario, calls } = theme('convert');
const { AF_INET, AF_INET6, AF_UNIX } = socket;
const bytes = (...values: number[]) => Buffer.from(values);

const ipv4 = [
  ['127.0.0.1'],
  ['255.255.255.255'],
  ['0.0.0.0'],
  ['1.2.3.4'],
  ['127.1'],
  ['127.0.1'],
  ['1'],
  ['4294967295'],
  ['4294967296'],
  ['0x7f.1'],
  ['0177.0.0.1'],
  ['08.1.1.1'],
  ['1.2.3'],
  ['1.2.65535'],
  ['1.2.65536'],
  ['1.16777215'],
  ['1.2.3.4.5'],
  ['256.1.1.1'],
  ['1.2.3.'],
  ['.1.2.3'],
  ['1..2.3'],
  ['-1.2.3.4'],
  ['1.2.3.4 '],
  ['1.2.3.4 trailing'],
  ['1.2.3.4x'],
  [' 1.2.3.4'],
  ['1.2.3.4\n'],
  ['01.02.03.04'],
  ['1.2.3.004'],
  [''],
  ['localhost'],
  ['<broadcast>'],
  ['1.2.3.4\0'],
  ['١.٢.٣.٤'],
];
const not_text = [[5], [null], [Buffer.from('1.2.3.4')], []];
calls(socket, 'inet_aton', [...ipv4, ...not_text]);
calls(socket, 'inet_pton', [
  ...ipv4.map(([text]) => [AF_INET, text]),
  ...not_text.map((row) => [AF_INET, ...row]),
]);
calls(socket, 'inet_ntoa', [
  [bytes(127, 0, 0, 1)],
  [bytes(255, 255, 255, 255)],
  [bytes(0, 0, 0, 0)],
  [bytes(1, 2, 3)],
  [bytes(1, 2, 3, 4, 5)],
  [bytes()],
  ['abcd'],
  [5],
  [null],
  [],
]);
calls(socket, 'inet_pton', [
  ...[
    '::1',
    '::',
    '1::',
    '2001:db8::8:800:200c:417a',
    '2001:DB8:0:0:8:800:200C:417A',
    '::ffff:1.2.3.4',
    '::1.2.3.4',
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:1.2.3.4',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    ':::',
    ':1',
    '1:',
    '12345::',
    'g::',
    '::1%lo',
    '::1/64',
    '[::1]',
    ' ::1',
    '::1 ',
    '::ffff:1.2.3',
    '::ffff:1.2.3.256',
    '0001::',
    '1.2.3.4',
    '',
    '::1\0',
  ].map((text) => [AF_INET6, text]),
  [AF_INET6, 5],
  [AF_UNIX, '/x'],
  [9999, '::1'],
  [-1, '::1'],
  ['2', '::1'],
  [2 ** 40, '::1'],
  [1.5, '::1'],
  [],
]);
calls(socket, 'inet_ntop', [
  [AF_INET, bytes(127, 0, 0, 1)],
  [AF_INET, bytes(1, 2, 3)],
  [AF_INET, Buffer.alloc(16)],
  [AF_INET6, Buffer.alloc(16)],
  [AF_INET6, Buffer.from('00000000000000000000000000000001', 'hex')],
  [AF_INET6, Buffer.from('20010db8000000000000000000000001', 'hex')],
  [AF_INET6, Buffer.from('20010db8000000010000000000000001', 'hex')],
  [AF_INET6, Buffer.from('00010000000200000003000000040000', 'hex')],
  [AF_INET6, Buffer.from('00000000000000000000ffff01020304', 'hex')],
  [AF_INET6, Buffer.from('00000000000000000000000001020304', 'hex')],
  [AF_INET6, Buffer.from('ffffffffffffffffffffffffffffffff', 'hex')],
  [AF_INET6, Buffer.from('00010002000300040005000600070000', 'hex')],
  [AF_INET6, bytes(1, 2, 3, 4)],
  [AF_INET6, Buffer.alloc(17)],
  [AF_UNIX, bytes(1, 2, 3, 4)],
  [9999, bytes(1, 2, 3, 4)],
  [AF_INET, 'abcd'],
  [AF_INET, 5],
  [AF_INET, null],
  ['2', bytes(1, 2, 3, 4)],
  [],
]);

const halves = [
  [0],
  [1],
  [80],
  [0x1234],
  [0xff00],
  [0xffff],
  [65536],
  [-1],
  [2 ** 40],
  [1.5],
  ['1'],
  [null],
  [],
];
calls(socket, 'htons', halves);
calls(socket, 'ntohs', halves);
const wholes = [...halves, [0x12345678], [0xff000000], [0xffffffff], [2 ** 32], [2 ** 64], [-(2 ** 31)]];
calls(socket, 'htonl', wholes);
calls(socket, 'ntohl', wholes);

const sizes = [
  [0],
  [1],
  [4],
  [7],
  [8],
  [9],
  [12],
  [16],
  [28],
  [1000],
  [2 ** 31 - 100],
  [-1],
  [2 ** 62],
  [1.5],
  ['4'],
  [],
];
calls(socket, 'CMSG_LEN', sizes);
calls(socket, 'CMSG_SPACE', sizes);

calls(socket, 'if_nameindex', [[]]);
calls(socket, 'if_nametoindex', [
  ['lo'],
  [Buffer.from('lo')],
  ['nosuch0'],
  [''],
  ['an-interface-name-that-is-far-too-long'],
  ['lo\0x'],
  [5],
  [null],
  [],
]);
calls(socket, 'if_indextoname', [[1], [0], [99999], [-1], [2 ** 31], [2 ** 40], [1.5], ['1'], [null], []]);

scenario(
  'if_nameindex, if_nametoindex and if_indextoname agree',
  py`
    return [[socket.if_nametoindex(name) == index, socket.if_indextoname(index) == name]
            for index, name in socket.if_nameindex()]
  `,
  () =>
    socket
      .if_nameindex()
      .map(([index, name]) => [socket.if_nametoindex(name) === index, socket.if_indextoname(index) === name]),
);

scenario('has_dualstack_ipv6, SOMAXCONN', py`return [socket.has_dualstack_ipv6(), socket.SOMAXCONN]`, () => [
  socket.has_dualstack_ipv6(),
  socket.SOMAXCONN,
]);

scenario(
  'enumerations name the numbers',
  py`
    return [socket.AddressFamily(2).name, socket.SocketKind(1).name, socket.MsgFlag(2).name, socket.AddressInfo(1).name,
            socket.AddressFamily['AF_UNIX'].value, attempt(lambda: socket.SocketKind['SOCK_DGRAM'].value)]
  `,
  () => [
    socket.AddressFamily[2],
    socket.SocketKind[1],
    socket.MsgFlag[2],
    socket.AddressInfo[1],
    socket.AddressFamily.AF_UNIX,
    attempt(() => socket.SocketKind.SOCK_DGRAM),
  ],
);
