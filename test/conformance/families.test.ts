/**
 * Data through the less common families and protocols: SEQPACKET, PACKET, NETLINK, VSOCK, UDP-Lite, MPTCP, raw ICMP.
 */
import * as socket from 'bsd-sockets/socket';
import { invoke, py, theme } from './harness.js';
import { ipv6, kernel, vsock_loopback } from './needs.js';
import { attempt, bound, keep, make, path, shape } from './stage.js';

const { scenario } = theme('families');
const { AF_INET, AF_UNIX, AF_NETLINK, AF_PACKET, AF_VSOCK } = socket;
const { SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, IPPROTO_ICMP } = socket;
const IPPROTO_UDPLITE = 136;
const IPPROTO_MPTCP = 262;
/** An EtherType for experiments (IEEE 802): nothing else on the loopback uses it. */
const ETHERTYPE = 0x88b5;

scenario(
  'SEQPACKET: records keep their bounds, an accepted connection, end of file',
  py`
    server = make(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    where = path('seq')
    server.bind(where)
    server.listen()
    client = make(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client.connect(where)
    conn = keep(server.accept()[0])
    client.send(b'one')
    client.send(b'two')
    client.sendall(b'three')
    client.shutdown(socket.SHUT_WR)
    return [conn.recv(100), conn.recv(2), conn.recv(100), conn.recv(100), int(conn.type), conn.getsockname()]
  `,
  () => {
    const server = make(AF_UNIX, SOCK_SEQPACKET);
    const where = path('seq');
    server.bind(where);
    server.listen();
    const client = make(AF_UNIX, SOCK_SEQPACKET);
    client.connect(where);
    const conn = keep(server.accept()[0]);
    client.send('one');
    client.send('two');
    client.sendall('three');
    client.shutdown(socket.SHUT_WR);
    return [conn.recv(100), conn.recv(2), conn.recv(100), conn.recv(100), conn.type, conn.getsockname()];
  },
);

scenario(
  'PACKET: a frame over lo, its address as sent and as received',
  py`
    sock = make(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(${ETHERTYPE}))
    sock.settimeout(5)
    sock.bind(('lo', ${ETHERTYPE}))
    sent = sock.sendto(b'frame', ('lo', ${ETHERTYPE}, 0, 0, bytes(6)))
    return [sent, sock.recvfrom(100), sock.getsockname(), int(sock.family), int(sock.type), sock.proto,
            attempt(sock.getpeername)]
  `,
  () => {
    const sock = make(AF_PACKET, SOCK_DGRAM, socket.htons(ETHERTYPE));
    sock.settimeout(5);
    sock.bind(['lo', ETHERTYPE]);
    const sent = sock.sendto('frame', ['lo', ETHERTYPE, 0, 0, Buffer.alloc(6)]);
    return [
      sent,
      sock.recvfrom(100),
      sock.getsockname(),
      sock.family,
      sock.type,
      sock.proto,
      attempt(() => sock.getpeername()),
    ];
  },
  kernel('AF_PACKET', AF_PACKET, SOCK_DGRAM),
);

scenario(
  'PACKET: raw, with the Ethernet header; sendmsg and recvmsg',
  py`
    sock = make(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(${ETHERTYPE}))
    sock.settimeout(5)
    sock.bind(('lo', ${ETHERTYPE}))
    frame = bytes(12) + struct.pack('!H', ${ETHERTYPE}) + b'payload'
    sent = [sock.send(frame), sock.sendmsg([frame[:14], b'more'], [], 0, ('lo', ${ETHERTYPE}))]
    return [sent, sock.recv(100), sock.recvmsg(100), attempt(lambda: sock.send(b'short'))]
  `,
  () => {
    const sock = make(AF_PACKET, SOCK_RAW, socket.htons(ETHERTYPE));
    sock.settimeout(5);
    sock.bind(['lo', ETHERTYPE]);
    const header = Buffer.alloc(14);
    header.writeUInt16BE(ETHERTYPE, 12);
    const frame = Buffer.concat([header, Buffer.from('payload')]);
    const sent = [sock.send(frame), sock.sendmsg([header, 'more'], [], 0, ['lo', ETHERTYPE])];
    return [sent, sock.recv(100), sock.recvmsg(100), attempt(() => sock.send('short'))];
  },
  kernel('AF_PACKET', AF_PACKET, SOCK_RAW),
);

scenario(
  'PACKET: addresses that sendto refuses',
  py`
    sock = make(socket.AF_PACKET, socket.SOCK_DGRAM)
    return [attempt(lambda: sock.sendto(b'x', address)) for address in
            (('nosuch', 3), ('lo', 70000), ('lo', 3, 0, 0, bytes(9)), ('lo',), 'lo', ('lo', 3, 0, 0, 'text'))]
  `,
  () => {
    const sock = make(AF_PACKET, SOCK_DGRAM);
    const addresses: unknown[] = [
      ['nosuch', 3],
      ['lo', 70000],
      ['lo', 3, 0, 0, Buffer.alloc(9)],
      ['lo'],
      'lo',
      ['lo', 3, 0, 0, 'text'],
    ];
    return addresses.map((address) => attempt(() => invoke(sock, 'sendto', 'x', address)));
  },
  kernel('AF_PACKET', AF_PACKET, SOCK_DGRAM),
);

scenario(
  'NETLINK: a dump of the links, the address of the kernel',
  py`
    sock = make(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    sock.settimeout(5)
    sock.bind((0, 0))
    request = struct.pack('=IHHII', 32, 18, 0x301, 7, 0) + bytes(16)
    sent = sock.sendto(request, (0, 0))
    links, sources, done = [], set(), False
    while not done:
        data, source = sock.recvfrom(65536)
        sources.add(source)
        while data:
            length, kind = struct.unpack('=IH', data[:6])
            done = done or kind == 3
            if kind == 16:
                links.append(struct.unpack('=i', data[20:24])[0])
            data = data[length:]
    return [sent, sorted(links) == sorted(index for index, _ in socket.if_nameindex()), len(links) > 0, sorted(sources),
            int(sock.type), sock.proto]
  `,
  () => {
    const sock = make(AF_NETLINK, SOCK_RAW, socket.NETLINK_ROUTE);
    sock.settimeout(5);
    sock.bind([0, 0]);
    const request = Buffer.alloc(32);
    request.writeUInt32LE(32);
    request.writeUInt16LE(18, 4);
    request.writeUInt16LE(0x301, 6);
    request.writeUInt32LE(7, 8);
    const sent = sock.sendto(request, [0, 0]);
    const links: number[] = [];
    const sources = new Map<string, unknown>();
    let done = false;
    while (!done) {
      let [data, source] = sock.recvfrom(65536);
      sources.set(String(source), source);
      while (data.length > 0) {
        const kind = data.readUInt16LE(4);
        done ||= kind === 3;
        if (kind === 16) links.push(data.readInt32LE(20));
        data = data.subarray(data.readUInt32LE());
      }
    }
    const indices = socket.if_nameindex().map(([index]) => index);
    const same = String(links.sort((a, b) => a - b)) === String(indices.sort((a, b) => a - b));
    return [sent, same, links.length > 0, [...sources.values()], sock.type, sock.proto];
  },
  kernel('AF_NETLINK', AF_NETLINK, SOCK_RAW),
);

scenario(
  'NETLINK: between two sockets of one process',
  py`
    a, b = (make(socket.AF_NETLINK, socket.SOCK_RAW, 2) for _ in range(2))
    for one in (a, b):
        one.settimeout(5)
        one.bind((0, 0))
    message = struct.pack('=IHHII', 20, 16, 0, 1, 0) + b'data'
    sent = attempt(lambda: a.sendto(message, b.getsockname()))
    a.connect(b.getsockname())
    return [sent, b.recv(100) if isinstance(sent, int) else None, a.getpeername() == b.getsockname()]
  `,
  () => {
    const [a, b] = [make(AF_NETLINK, SOCK_RAW, 2), make(AF_NETLINK, SOCK_RAW, 2)];
    for (const one of [a, b]) {
      one.settimeout(5);
      one.bind([0, 0]);
    }
    const message = Buffer.alloc(20, Buffer.from('data'));
    message.fill(0, 0, 16);
    message.writeUInt32LE(20);
    message.writeUInt16LE(16, 4);
    message.writeUInt32LE(1, 8);
    const sent = attempt(() => a.sendto(message, b.getsockname()));
    a.connect(b.getsockname());
    const same = String(a.getpeername()) === String(b.getsockname());
    return [sent, typeof sent === 'number' ? b.recv(100) : null, same];
  },
  kernel('AF_NETLINK', AF_NETLINK, SOCK_RAW, 2),
);

scenario(
  'VSOCK: addresses without a transport',
  py`
    sock = make(socket.AF_VSOCK)
    before = sock.getsockname()
    sock.bind((socket.VMADDR_CID_ANY, socket.VMADDR_PORT_ANY))
    name = sock.getsockname()
    return [before, name[0], name[1] > 0, attempt(sock.getpeername), int(sock.family)]
  `,
  () => {
    const sock = make(AF_VSOCK);
    const before = sock.getsockname();
    sock.bind([socket.VMADDR_CID_ANY, socket.VMADDR_PORT_ANY]);
    const name = sock.getsockname();
    return [before, name[0], name[1] > 0, attempt(() => sock.getpeername()), sock.family];
  },
  kernel('AF_VSOCK', AF_VSOCK, SOCK_STREAM),
);

scenario(
  'VSOCK: a connection over loopback',
  py`
    server, client = make(socket.AF_VSOCK), make(socket.AF_VSOCK)
    server.settimeout(5)
    client.settimeout(5)
    server.bind((1, socket.VMADDR_PORT_ANY))
    server.listen()
    client.connect(server.getsockname())
    conn, address = server.accept()
    keep(conn)
    client.sendall(b'over vsock')
    return [conn.recv(20), address == client.getsockname(), address[0], client.getpeername() == server.getsockname()]
  `,
  () => {
    const [server, client] = [make(AF_VSOCK), make(AF_VSOCK)];
    server.settimeout(5);
    client.settimeout(5);
    server.bind([1, socket.VMADDR_PORT_ANY]);
    server.listen();
    client.connect(server.getsockname());
    const [conn, address] = server.accept();
    keep(conn);
    client.sendall('over vsock');
    const names = [client.getsockname(), client.getpeername(), server.getsockname()].map(String);
    return [conn.recv(20), String(address) === names[0], address[0], names[1] === names[2]];
  },
  vsock_loopback,
);

for (const host of ['127.0.0.1', '::1']) {
  scenario(
    `UDP-Lite over ${host}: datagrams with part of a checksum`,
    py`
      a, b = (bound(socket.SOCK_DGRAM, '${host}', ${IPPROTO_UDPLITE}) for _ in range(2))
      a.setsockopt(${IPPROTO_UDPLITE}, 10, 12)
      b.setsockopt(${IPPROTO_UDPLITE}, 11, 8)
      sent = a.sendto(b'partly covered', b.getsockname())
      data, address = b.recvfrom(100)
      return [sent, data, address == a.getsockname(), a.proto, a.getsockopt(${IPPROTO_UDPLITE}, 10), shape(address)]
    `,
    () => {
      const [a, b] = [bound(SOCK_DGRAM, host, IPPROTO_UDPLITE), bound(SOCK_DGRAM, host, IPPROTO_UDPLITE)];
      a.setsockopt(IPPROTO_UDPLITE, 10, 12);
      b.setsockopt(IPPROTO_UDPLITE, 11, 8);
      const sent = a.sendto('partly covered', b.getsockname());
      const [data, address] = b.recvfrom(100);
      const same = String(address) === String(a.getsockname());
      return [sent, data, same, a.proto, a.getsockopt(IPPROTO_UDPLITE, 10), shape(address)];
    },
    () => kernel('UDP-Lite', AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE)() ?? (host === '::1' ? ipv6() : undefined),
  );

  scenario(
    `MPTCP over ${host}: a connection between two MPTCP sockets`,
    py`
      server = bound(socket.SOCK_STREAM, '${host}', ${IPPROTO_MPTCP})
      server.listen()
      client = make(server.family, socket.SOCK_STREAM, ${IPPROTO_MPTCP})
      client.settimeout(5)
      client.connect(server.getsockname())
      conn, address = server.accept()
      keep(conn)
      client.sendall(b'many paths')
      return [conn.recv(20), address == client.getsockname(), client.proto, conn.proto,
              conn.getsockopt(socket.SOL_SOCKET, socket.SO_PROTOCOL)]
    `,
    () => {
      const server = bound(SOCK_STREAM, host, IPPROTO_MPTCP);
      server.listen();
      const client = make(server.family, SOCK_STREAM, IPPROTO_MPTCP);
      client.settimeout(5);
      client.connect(server.getsockname());
      const [conn, address] = server.accept();
      keep(conn);
      client.sendall('many paths');
      return [
        conn.recv(20),
        String(address) === String(client.getsockname()),
        client.proto,
        conn.proto,
        conn.getsockopt(socket.SOL_SOCKET, socket.SO_PROTOCOL),
      ];
    },
    () => kernel('MPTCP', AF_INET, SOCK_STREAM, IPPROTO_MPTCP)() ?? (host === '::1' ? ipv6() : undefined),
  );
}

scenario(
  'raw ICMP: an echo to 127.0.0.1 and its reply, with the IP header',
  py`
    sock = make(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    sock.settimeout(5)
    request = bytes([8, 0, 0, 0, 0x77, 0x11, 0, 1]) + b'ping'
    total = sum(struct.unpack('!6H', request))
    checksum = ~((total >> 16) + (total & 0xffff)) & 0xffff
    sent = sock.sendto(request[:2] + struct.pack('!H', checksum) + request[4:], ('127.0.0.1', 0))
    while True:
        data, address = sock.recvfrom(100)
        if data[20] == 0 and data[24:26] == b'\x77\x11':
            return [sent, len(data), data[0], data[9], data[12:20], data[20], data[28:], address, sock.getsockname()]
  `,
  () => {
    const sock = make(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    sock.settimeout(5);
    const request = Buffer.from([8, 0, 0, 0, 0x77, 0x11, 0, 1, ...Buffer.from('ping')]);
    let total = 0;
    for (let i = 0; i < request.length; i += 2) total += request.readUInt16BE(i);
    request.writeUInt16BE(~((total >> 16) + (total & 0xffff)) & 0xffff, 2);
    const sent = sock.sendto(request, ['127.0.0.1', 0]);
    for (;;) {
      const [data, address] = sock.recvfrom(100);
      if (data[20] !== 0 || data.readUInt16BE(24) !== 0x7711) continue;
      const [addresses, payload] = [data.subarray(12, 20), data.subarray(28)];
      return [sent, data.length, data[0], data[9], addresses, data[20], payload, address, sock.getsockname()];
    }
  },
  kernel('raw ICMP', AF_INET, SOCK_RAW, IPPROTO_ICMP),
);

scenario(
  'families the kernel may lack: the same refusal',
  py`
    kinds = [(29, 3, 1), (30, 2, 0), (38, 5, 0), (21, 5, 0), (31, 3, 1), (42, 2, 0), (4, 2, 0), (socket.AF_INET, 5, 132),
             (socket.AF_INET, 2, socket.IPPROTO_ICMP)]
    return [attempt(lambda: keep(socket.socket(*kind)).proto) for kind in kinds]
  `,
  () => {
    const kinds: [number, number, number][] = [
      [29, 3, 1],
      [30, 2, 0],
      [38, 5, 0],
      [21, 5, 0],
      [31, 3, 1],
      [42, 2, 0],
      [4, 2, 0],
      [AF_INET, 5, 132],
      [AF_INET, 2, IPPROTO_ICMP],
    ];
    return kinds.map((kind) => attempt(() => keep(new socket.socket(...kind)).proto));
  },
);

scenario(
  'IPv4 through an IPv6 socket: mapped addresses',
  py`
    six, four = bound(host='::'), bound()
    four.sendto(b'hello', ('127.0.0.1', six.getsockname()[1]))
    data, address = six.recvfrom(10)
    six.sendto(b'back', address)
    return [data, shape(address), four.recv(10)]
  `,
  () => {
    const [six, four] = [bound(SOCK_DGRAM, '::'), bound()];
    four.sendto('hello', ['127.0.0.1', six.getsockname()[1]]);
    const [data, address] = six.recvfrom(10);
    six.sendto('back', address);
    return [data, shape(address), four.recv(10)];
  },
  ipv6,
);

scenario(
  'UNIX datagrams: a request to a path, an answer to where it came from',
  py`
    server, client = make(socket.AF_UNIX, socket.SOCK_DGRAM), make(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind(path('server'))
    client.bind(path('client'))
    client.sendto(b'question', server.getsockname())
    data, address = server.recvfrom(100)
    server.sendto(b'answer', address)
    return [data, address, client.recvfrom(100), attempt(lambda: server.sendto(b'x', path('nobody')))]
  `,
  () => {
    const [server, client] = [make(AF_UNIX, SOCK_DGRAM), make(AF_UNIX, SOCK_DGRAM)];
    server.bind(path('server'));
    client.bind(path('client'));
    client.sendto('question', server.getsockname());
    const [data, address] = server.recvfrom(100);
    if (address !== null) server.sendto('answer', address);
    return [data, address, client.recvfrom(100), attempt(() => server.sendto('x', path('nobody')))];
  },
);
