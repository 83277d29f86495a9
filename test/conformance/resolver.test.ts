/**
 * Names to addresses and back: getaddrinfo, getnameinfo, get*by*, getfqdn. Only names that the machine's own files
 * know, so that nothing is sent to a name server; what needs one (and has none) is in namespace.test.ts.
 */
import * as socket from 'bsd-sockets/socket';
import { py, theme } from './harness.js';
import { listener, make, shape } from './stage.js';

const { scenario, calls } = theme('resolver');
const { AF_INET, AF_INET6, AF_UNIX, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, IPPROTO_TCP, IPPROTO_UDP } = socket;
const { AI_PASSIVE, AI_NUMERICHOST, AI_NUMERICSERV, AI_CANONNAME, AI_ADDRCONFIG, AI_V4MAPPED } = socket;
const { NI_NUMERICHOST, NI_NUMERICSERV, NI_DGRAM, NI_NAMEREQD, NI_NOFQDN } = socket;

const hosts = [
  null,
  'localhost',
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f.1',
  '::1',
  '::ffff:1.2.3.4',
  '1.2.3.4.5',
];
const ports = [null, 0, 80, '80', 'http', '65535', Buffer.from('80')];
calls(
  socket,
  'getaddrinfo',
  hosts.flatMap((host) =>
    ports.map((port) => [host, port, 0, SOCK_STREAM, 0, AI_NUMERICHOST | AI_ADDRCONFIG]),
  ),
);

calls(socket, 'getaddrinfo', [
  // every part left out in turn
  [null, null],
  [null, 0],
  [null, 80],
  ['localhost', null],
  ['localhost', 80],
  ['localhost', 'http'],
  ['localhost', 80, 0],
  ['127.0.0.1', 80],
  ['::1', 80],
  [Buffer.from('127.0.0.1'), Buffer.from('80')],
  ['', 80, 0, 0, 0, AI_NUMERICHOST],
  [null, ''],
  ['127.0.0.1', ''],
  // families, types, protocols
  ['localhost', 80, AF_INET],
  ['127.0.0.1', 80, AF_INET, SOCK_STREAM],
  ['127.0.0.1', 80, AF_INET, SOCK_DGRAM],
  ['127.0.0.1', 80, AF_INET, SOCK_RAW],
  ['127.0.0.1', 80, AF_INET, SOCK_STREAM, IPPROTO_TCP],
  ['127.0.0.1', 80, AF_INET, SOCK_STREAM, IPPROTO_UDP],
  ['127.0.0.1', 80, AF_INET, 0, IPPROTO_UDP],
  ['127.0.0.1', 80, AF_INET6],
  ['::1', 80, AF_INET],
  ['::1', 80, AF_INET6, SOCK_STREAM],
  ['127.0.0.1', 80, AF_UNIX],
  ['127.0.0.1', 80, 9999],
  ['127.0.0.1', 80, -1],
  ['127.0.0.1', 80, 0, 99],
  ['127.0.0.1', 80, 0, -1],
  ['127.0.0.1', 80, 0, 0, 9999],
  // flags
  [null, 80, AF_INET, SOCK_STREAM, 0, AI_PASSIVE],
  [null, 80, AF_INET6, SOCK_STREAM, 0, AI_PASSIVE],
  [null, 'http', 0, SOCK_STREAM, 0, AI_PASSIVE],
  ['127.0.0.1', 80, 0, SOCK_STREAM, 0, AI_PASSIVE],
  ['127.0.0.1', 80, AF_INET, SOCK_STREAM, 0, AI_CANONNAME],
  ['localhost', 80, AF_INET, SOCK_STREAM, 0, AI_CANONNAME],
  [null, 80, AF_INET, SOCK_STREAM, 0, AI_CANONNAME],
  ['1.2.3.4', 80, AF_INET6, SOCK_STREAM, 0, AI_V4MAPPED],
  ['127.0.0.1', 'http', 0, SOCK_STREAM, 0, AI_NUMERICSERV],
  ['127.0.0.1', '80', 0, SOCK_STREAM, 0, AI_NUMERICSERV],
  ['127.0.0.1', 80, 0, SOCK_STREAM, 0, 0x100000],
  ['127.0.0.1', 80, 0, SOCK_STREAM, 0, -1],
  // scopes
  ['fe80::1%lo', 80, 0, SOCK_STREAM],
  ['fe80::1%1', 80, 0, SOCK_STREAM],
  ['fe80::1%nosuch', 80, 0, SOCK_STREAM, 0, AI_NUMERICHOST],
  ['ff02::1%lo', 80, 0, SOCK_DGRAM],
  ['::1%lo', 80, 0, SOCK_STREAM, 0, AI_NUMERICHOST],
  // services
  ['127.0.0.1', 'nosuchservice', 0, SOCK_STREAM],
  ['127.0.0.1', 'domain', 0, SOCK_DGRAM],
  ['127.0.0.1', 'domain'],
  ['127.0.0.1', '65536', 0, SOCK_STREAM],
  ['127.0.0.1', '99999', 0, SOCK_STREAM],
  ['127.0.0.1', '-1', 0, SOCK_STREAM],
  ['127.0.0.1', '80x', 0, SOCK_STREAM],
  ['127.0.0.1', 65536, 0, SOCK_STREAM],
  ['127.0.0.1', -1, 0, SOCK_STREAM],
  ['127.0.0.1', 2 ** 40, 0, SOCK_STREAM],
  // malformed
  ['nosuch name', 80, 0, 0, 0, AI_NUMERICHOST],
  ['256.1.1.1', 80, 0, 0, 0, AI_NUMERICHOST],
  [':::1', 80, 0, 0, 0, AI_NUMERICHOST],
  ['127.0.0.1 ', 80, 0, 0, 0, AI_NUMERICHOST],
  [' 127.0.0.1', 80, 0, 0, 0, AI_NUMERICHOST],
  ['127.0.0.1\n', 80, 0, 0, 0, AI_NUMERICHOST],
  ['a'.repeat(64), 80, 0, 0, 0, AI_NUMERICHOST],
  ['a.'.repeat(200), 80, 0, 0, 0, AI_NUMERICHOST],
  ['bücher', 80, 0, 0, 0, AI_NUMERICHOST],
  ['127.0.0.1\0', 80],
  ['127.0.0.1', '80\0'],
  [1, 80],
  [true, 80],
  [[], 80],
  ['127.0.0.1', 1.5],
  ['127.0.0.1', []],
  ['127.0.0.1', 80, 'inet'],
  ['127.0.0.1', 80, 0, 1.5],
  ['127.0.0.1', 80, 0, 0, null],
  ['127.0.0.1', 80, 0, 0, 0, '0'],
  ['127.0.0.1', 80, 2 ** 40],
  ['127.0.0.1'],
  [],
]);

calls(socket, 'getnameinfo', [
  [['127.0.0.1', 80], 0],
  [['127.0.0.1', 80], NI_NUMERICHOST],
  [['127.0.0.1', 80], NI_NUMERICSERV],
  [['127.0.0.1', 80], NI_NUMERICHOST | NI_NUMERICSERV],
  [['127.0.0.1', 80], NI_NAMEREQD],
  [['127.0.0.1', 80], NI_NAMEREQD | NI_NUMERICHOST],
  [['127.0.0.1', 80], NI_NOFQDN],
  [['127.0.0.1', 53], NI_NUMERICHOST | NI_DGRAM],
  [['127.0.0.1', 512], NI_NUMERICHOST | NI_DGRAM],
  [['127.0.0.1', 512], NI_NUMERICHOST],
  [['127.0.0.1', 1], NI_NUMERICHOST],
  [['127.0.0.1', 0], NI_NUMERICHOST],
  [['127.0.0.1', 65535], NI_NUMERICHOST],
  [['127.1', 80], NI_NUMERICHOST],
  [['::1', 80], NI_NUMERICHOST],
  [['::1', 80, 0], NI_NUMERICHOST],
  [['::1', 80, 0, 0], NI_NUMERICHOST],
  [['::1', 80, 0xfffff, 0], NI_NUMERICHOST],
  [['fe80::1', 80, 0, 1], NI_NUMERICHOST],
  [['fe80::1', 80, 0, 4242], NI_NUMERICHOST],
  [['fe80::1%lo', 80], NI_NUMERICHOST],
  [['::ffff:1.2.3.4', 80], NI_NUMERICHOST | NI_NUMERICSERV],
  [['1::0:0:2', 80], NI_NUMERICHOST],
  [['localhost', 80], 0],
  [['nosuch', 80], 0],
  [['', 80], 0],
  [[null, 80], NI_NUMERICHOST],
  [['127.0.0.1', 'http'], 0],
  [['127.0.0.1', 65536], NI_NUMERICHOST],
  [['127.0.0.1', -1], NI_NUMERICHOST],
  [['127.0.0.1', 2 ** 40], NI_NUMERICHOST],
  [['127.0.0.1', 80, 5], NI_NUMERICHOST],
  [['127.0.0.1', 80, 0, 1], NI_NUMERICHOST],
  [['::1', 80, 0x100000, 0], NI_NUMERICHOST],
  [['::1', 80, -1, 0], NI_NUMERICHOST],
  [['::1', 80, 0, -1], NI_NUMERICHOST],
  [['::1', 80, 0, 2 ** 32], NI_NUMERICHOST],
  [['::1', 80, 0, 0, 0], 0],
  [['127.0.0.1'], 0],
  [[], 0],
  ['127.0.0.1', 0],
  [null, 0],
  [['127.0.0.1', 80], -1],
  [['127.0.0.1', 80], 1.5],
  [['127.0.0.1', 80], null],
  [['127.0.0.1', 80]],
]);

calls(socket, 'gethostbyname', [
  ['localhost'],
  ['127.0.0.1'],
  ['127.1'],
  ['0'],
  ['255.255.255.255'],
  [''],
  ['<broadcast>'],
  ['127.0.0.1\0'],
  [Buffer.from('127.0.0.1')],
  [1],
  [null],
  [],
]);
calls(socket, 'gethostbyname_ex', [['localhost'], ['127.0.0.1'], ['127.1'], [1], [null], []]);
calls(socket, 'gethostbyaddr', [['127.0.0.1'], ['localhost'], ['127.1'], [''], [1], [null], []]);

calls(socket, 'getservbyname', [
  ['http'],
  ['http', 'tcp'],
  ['http', 'udp'],
  ['domain', 'udp'],
  ['ssh'],
  ['HTTP'],
  ['nosuch'],
  ['http', 'nosuch'],
  ['http', null],
  [''],
  ['80'],
  ['http\0'],
  [80],
  [Buffer.from('http')],
  [],
]);
calls(socket, 'getservbyport', [
  [80],
  [80, 'tcp'],
  [53, 'udp'],
  [22],
  [512, 'udp'],
  [512, 'tcp'],
  [1, 'nosuch'],
  [0],
  [65535],
  [65536],
  [-1],
  [1.5],
  ['80'],
  [80, 1],
  [80, null],
  [],
]);
calls(socket, 'getprotobyname', [
  ['tcp'],
  ['udp'],
  ['icmp'],
  ['TCP'],
  ['ipv6-icmp'],
  ['nosuch'],
  [''],
  ['tcp\0'],
  [6],
  [],
]);
calls(socket, 'getfqdn', [['127.0.0.1'], ['localhost']]);
calls(socket, 'gethostname', [[]]);
calls(socket, 'sethostname', [[5], [null], []]);

scenario(
  'the parts of getaddrinfo go straight into socket() and connect()',
  py`
    server = listener()
    info = socket.getaddrinfo(*server.getsockname(), type=socket.SOCK_STREAM)
    family, type, proto, _, address = info[0]
    client = make(family, type, proto)
    client.connect(address)
    return [len(info), family, type, proto, shape(client.getpeername())]
  `,
  () => {
    const server = listener();
    const [host, port] = server.getsockname();
    const info = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM);
    const [first] = info;
    if (first === undefined) return [];
    const [family, type, proto, , address] = first;
    const client = make(family, type, proto);
    client.connect(address);
    return [info.length, family, type, proto, shape(client.getpeername())];
  },
);
