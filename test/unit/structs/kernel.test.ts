// Structs and decode_control against this kernel: options are set and read back, control messages are received.
import * as promises from 'bsd-sockets/promises';
import * as socket from 'bsd-sockets/socket';
import * as structs from 'bsd-sockets/structs';
import { afterEach, describe, expect, it } from 'vitest';
import { read_int } from '../../machine.js';

const { AF_INET, AF_INET6, AF_UNIX, SOCK_DGRAM, SOL_IP, SOL_IPV6, SOL_SOCKET, CMSG_SPACE } = socket;
const { decode_control, encode_control } = structs;
const privileged = process.getuid?.() === 0;
const lo = socket.if_nametoindex('lo');

const opened: { close(): void }[] = [];
afterEach(() => {
  for (const sock of opened.splice(0)) sock.close();
});

/** Returns a socket with a time-out of five seconds; it is closed after the test. */
function open<F extends number, K extends number = typeof SOCK_DGRAM>(
  family: F,
  type: K | typeof SOCK_DGRAM = SOCK_DGRAM,
  proto = 0,
): socket.socket<F, K | typeof SOCK_DGRAM> {
  const sock = socket.socket(family, type, proto);
  sock.settimeout(5);
  opened.push(sock);
  return sock;
}

type UdpSocket = socket.socket<2 | 10, typeof SOCK_DGRAM>;

/** Returns two UDP sockets on the loopback: a receiver, and a sender connected to it. */
function udp_pair(family: 2 | 10): [receiver: UdpSocket, sender: UdpSocket] {
  const receiver: UdpSocket = open<2 | 10>(family);
  receiver.bind(family === AF_INET ? ['127.0.0.1', 0] : ['::1', 0]);
  const sender: UdpSocket = open<2 | 10>(family);
  sender.connect(receiver.getsockname());
  return [receiver, sender];
}

const controls = (sock: socket.socket, flags = 0) => decode_control(sock.recvmsg(100, 1000, flags)[1]);
const values = (sock: socket.socket, flags = 0) =>
  Object.fromEntries(controls(sock, flags).map(({ type, value }) => [type, value]));

const now = Date.now() / 1000;
const is_recent = { asymmetricMatch: (value: unknown) => Math.abs(Number(value) - now) < 3600 };
const any_number = expect.any(Number);

describe('options', () => {
  it('linger, timeval', () => {
    const sock = open(AF_INET, socket.SOCK_STREAM);
    sock.setsockopt(SOL_SOCKET, socket.SO_LINGER, structs.linger.encode({ onoff: 1, linger: 7 }));
    const { size } = structs.linger;
    expect(structs.linger.decode(sock.getsockopt(SOL_SOCKET, socket.SO_LINGER, size))).toEqual({
      onoff: 1,
      linger: 7,
    });
    const value = { sec: 3, usec: 500_000 };
    sock.setsockopt(SOL_SOCKET, socket.SO_SNDTIMEO, structs.timeval.encode(value));
    const read = sock.getsockopt(SOL_SOCKET, socket.SO_SNDTIMEO, structs.timeval.size);
    expect(structs.timeval.decode(read)).toEqual(value);
  });

  it('ucred: who is at the other end', () => {
    const [a, b] = socket.socketpair();
    opened.push(a, b);
    const bytes = a.getsockopt(SOL_SOCKET, socket.SO_PEERCRED, structs.ucred.size);
    const me = { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() };
    expect(structs.ucred.decode(bytes)).toEqual(me);
  });

  it('groups of IPv4: joined once, left once', () => {
    const sock = open(AF_INET);
    const group = { multiaddr: '239.1.2.3', ifindex: lo };
    const source = { multiaddr: '232.1.2.3', interface: '127.0.0.1', sourceaddr: '127.0.0.9' };
    const rows: [number, number, Buffer][] = [
      [socket.IP_ADD_MEMBERSHIP, socket.IP_DROP_MEMBERSHIP, structs.ip_mreqn.encode(group)],
      [
        socket.IP_ADD_MEMBERSHIP,
        socket.IP_DROP_MEMBERSHIP,
        structs.ip_mreq.encode({ multiaddr: '239.1.2.4', interface: '127.0.0.1' }),
      ],
      [
        socket.IP_ADD_SOURCE_MEMBERSHIP,
        socket.IP_DROP_SOURCE_MEMBERSHIP,
        structs.ip_mreq_source.encode(source),
      ],
      [
        socket.MCAST_JOIN_GROUP,
        socket.MCAST_LEAVE_GROUP,
        structs.group_req.encode({ interface: lo, group: ['239.1.2.5', 0] }),
      ],
      [
        socket.MCAST_JOIN_SOURCE_GROUP,
        socket.MCAST_LEAVE_SOURCE_GROUP,
        structs.group_source_req.encode({ interface: lo, group: ['232.1.2.6', 0], source: ['127.0.0.9', 0] }),
      ],
    ];
    for (const [join, leave, value] of rows) {
      sock.setsockopt(SOL_IP, join, value);
      sock.setsockopt(SOL_IP, leave, value);
      expect(() => sock.setsockopt(SOL_IP, leave, value)).toThrow(socket.OSError);
    }
  });

  it('groups of IPv6', () => {
    const sock = open(AF_INET6);
    const rows: [number, number, Buffer][] = [
      [
        socket.IPV6_JOIN_GROUP,
        socket.IPV6_LEAVE_GROUP,
        structs.ipv6_mreq.encode({ multiaddr: 'ff02::1:3', interface: lo }),
      ],
      [
        socket.MCAST_JOIN_GROUP,
        socket.MCAST_LEAVE_GROUP,
        structs.group_req.encode({ interface: lo, group: ['ff02::1:4', 0] }),
      ],
    ];
    for (const [join, leave, value] of rows) {
      sock.setsockopt(SOL_IPV6, join, value);
      sock.setsockopt(SOL_IPV6, leave, value);
      expect(() => sock.setsockopt(SOL_IPV6, leave, value)).toThrow(socket.OSError);
    }
  });

  it('a datagram to a group arrives', () => {
    const receiver = open(AF_INET);
    receiver.bind(['239.1.2.7', 0]);
    const membership = structs.ip_mreqn.encode({ multiaddr: '239.1.2.7', ifindex: lo });
    receiver.setsockopt(SOL_IP, socket.IP_ADD_MEMBERSHIP, membership);
    const sender = open(AF_INET);
    sender.setsockopt(SOL_IP, socket.IP_MULTICAST_IF, structs.ip_mreqn.encode({ ifindex: lo }));
    sender.sendto('to all', receiver.getsockname());
    expect(String(receiver.recv(10))).toBe('to all');
  });

  it('tcp_info: as many fields as the kernel gives', () => {
    const server = socket.create_server(['127.0.0.1', 0]);
    const client = socket.create_connection(server.getsockname());
    const [conn] = server.accept();
    opened.push(server, client, conn);
    client.sendall('x'.repeat(1000));
    conn.recv_exactly(1000);
    const bytes = client.getsockopt(socket.SOL_TCP, socket.TCP_INFO, 1024);
    const info = structs.tcp_info.decode(bytes);
    expect(info).toMatchObject({
      state: socket.TCP_ESTABLISHED,
      bytes_acked: expect.any(Number),
      retransmits: 0,
    });
    expect(info.bytes_sent).toBe(1000);
    expect(info.rtt).toBeGreaterThan(0);
    expect(info.max_pacing_rate).toBe(2n ** 64n - 1n);
    expect('total_rto_time' in info).toBe(bytes.length >= 248);
    expect('accecn_opt_seen' in info).toBe(bytes.length >= 280);
    const short = client.getsockopt(socket.SOL_TCP, socket.TCP_INFO, 104);
    expect(Object.keys(structs.tcp_info.decode(short)).at(-1)).toBe('total_retrans');
  });

  it('packet sockets: statistics, membership', (ctx) => {
    if (!privileged) ctx.skip('packet sockets need root');
    const sock = open(socket.AF_PACKET, SOCK_DGRAM, socket.htons(socket.ETH_P_ALL));
    const member = structs.packet_mreq.encode({ ifindex: lo, type: socket.PACKET_MR_PROMISC });
    sock.setsockopt(socket.SOL_PACKET, socket.PACKET_ADD_MEMBERSHIP, member);
    sock.setsockopt(socket.SOL_PACKET, socket.PACKET_DROP_MEMBERSHIP, member);
    const group = structs.packet_mreq.encode({
      ifindex: lo,
      type: socket.PACKET_MR_MULTICAST,
      address: Buffer.from('01005e000001', 'hex'),
    });
    sock.setsockopt(socket.SOL_PACKET, socket.PACKET_ADD_MEMBERSHIP, group);
    const [receiver, sender] = udp_pair(AF_INET);
    sender.send('x');
    receiver.recv(1);
    const { size } = structs.tpacket_stats;
    const bytes = sock.getsockopt(socket.SOL_PACKET, socket.PACKET_STATISTICS, size);
    const stats = structs.tpacket_stats.decode(bytes);
    expect(stats.packets).toBeGreaterThan(0);
    expect(stats.drops).toBeLessThanOrEqual(stats.packets);
  });
});

describe('control messages', () => {
  it('of IPv4: where to, TTL, TOS', () => {
    const [receiver, sender] = udp_pair(AF_INET);
    for (const option of [socket.IP_PKTINFO, socket.IP_RECVTTL, socket.IP_RECVTOS, socket.IP_RECVORIGDSTADDR])
      receiver.setsockopt(SOL_IP, option, 1);
    sender.setsockopt(SOL_IP, socket.IP_TTL, 33);
    sender.setsockopt(SOL_IP, socket.IP_TOS, 0x10);
    sender.send('x');
    expect(values(receiver)).toEqual({
      IP_PKTINFO: { ifindex: lo, spec_dst: '127.0.0.1', addr: '127.0.0.1' },
      IP_TTL: 33,
      IP_TOS: 0x10,
      IP_ORIGDSTADDR: receiver.getsockname(),
    });
  });

  it('IP_PKTINFO, sent, is the address to send from', () => {
    const receiver = open(AF_INET);
    receiver.bind(['127.0.0.1', 0]);
    const sender = open(AF_INET);
    const pktinfo = structs.in_pktinfo.encode({ spec_dst: '127.0.0.77' });
    sender.sendmsg(['x'], [[SOL_IP, socket.IP_PKTINFO, pktinfo]], 0, receiver.getsockname());
    expect(receiver.recvfrom(1)[1]).toEqual(['127.0.0.77', any_number]);
  });

  it('of IPv6: where to, hop limit, traffic class', () => {
    const [receiver, sender] = udp_pair(AF_INET6);
    for (const option of [socket.IPV6_RECVPKTINFO, socket.IPV6_RECVHOPLIMIT, socket.IPV6_RECVTCLASS])
      receiver.setsockopt(SOL_IPV6, option, 1);
    const ancdata: [number, number, Buffer][] = [
      [SOL_IPV6, socket.IPV6_PKTINFO, structs.in6_pktinfo.encode({ addr: '::1', ifindex: lo })],
    ];
    sender.setsockopt(SOL_IPV6, socket.IPV6_UNICAST_HOPS, 21);
    sender.setsockopt(SOL_IPV6, socket.IPV6_TCLASS, 0x20);
    sender.sendmsg(['x'], ancdata);
    expect(values(receiver)).toEqual({
      IPV6_PKTINFO: { addr: '::1', ifindex: lo },
      IPV6_HOPLIMIT: 21,
      IPV6_TCLASS: 0x20,
    });
  });

  it('times', () => {
    const [receiver, sender] = udp_pair(AF_INET);
    receiver.setsockopt(SOL_SOCKET, socket.SO_TIMESTAMP, 1);
    sender.send('x');
    expect(values(receiver)).toEqual({ SCM_TIMESTAMP: { sec: is_recent, usec: any_number } });
    receiver.setsockopt(SOL_SOCKET, socket.SO_TIMESTAMPNS, 1);
    sender.send('x');
    expect(values(receiver)).toEqual({ SCM_TIMESTAMPNS: { sec: is_recent, nsec: any_number } });
    const { SOF_TIMESTAMPING_RX_SOFTWARE, SOF_TIMESTAMPING_SOFTWARE } = socket;
    const flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
    receiver.setsockopt(SOL_SOCKET, socket.SO_TIMESTAMPING, flags);
    receiver.setsockopt(SOL_SOCKET, socket.SO_TIMESTAMPNS, 0);
    // The kernel begins to stamp packets a moment after the first socket asks for that. Before, this kind of stamp is missing.
    let stamped = {};
    for (const until = Date.now() + 10_000; Object.keys(stamped).length === 0 && Date.now() < until; ) {
      sender.send('x');
      stamped = values(receiver);
    }
    expect(stamped).toEqual({
      SCM_TIMESTAMPING: {
        ts: [
          { sec: is_recent, nsec: any_number },
          { sec: 0, nsec: 0 },
          { sec: 0, nsec: 0 },
        ],
      },
    });
  });

  it('the time of transmission comes by the error queue', () => {
    const [, sender] = udp_pair(AF_INET);
    const { SOF_TIMESTAMPING_TX_SOFTWARE, SOF_TIMESTAMPING_SOFTWARE, SOF_TIMESTAMPING_OPT_ID } = socket;
    const flags = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID;
    sender.setsockopt(SOL_SOCKET, socket.SO_TIMESTAMPING, flags);
    sender.send('first');
    sender.send('second');
    controls(sender, socket.MSG_ERRQUEUE);
    expect(values(sender, socket.MSG_ERRQUEUE)).toMatchObject({
      SCM_TIMESTAMPING: { ts: [{ sec: is_recent }, {}, {}] },
      IP_RECVERR: { errno: 42, origin: socket.SO_EE_ORIGIN_TIMESTAMPING, info: 0, data: 1 },
    });
  });

  it.each([
    ['IPv4', AF_INET, '127.0.0.1', SOL_IP, socket.IP_RECVERR, socket.SO_EE_ORIGIN_ICMP],
    ['IPv6', AF_INET6, '::1', SOL_IPV6, socket.IPV6_RECVERR, socket.SO_EE_ORIGIN_ICMP6],
  ] as const)('%s: the error of a closed port, and who sent it', (_, family, host, level, option, origin) => {
    const closed = open<2 | 10>(family);
    closed.bind([host, 0]);
    const [, port] = closed.getsockname();
    closed.close();
    const sock = open<2 | 10>(family);
    sock.setsockopt(level, option, 1);
    sock.connect([host, port]);
    sock.send('anyone?');
    const [data, ancdata, flags, address] = sock.recvmsg(100, 500, socket.MSG_ERRQUEUE);
    expect([String(data), flags & socket.MSG_ERRQUEUE]).toEqual(['anyone?', socket.MSG_ERRQUEUE]);
    expect(address?.slice(0, 2)).toEqual([host, port]);
    const [type, code, offender] = family === AF_INET ? [3, 3, [host, 0]] : [1, 4, [host, 0, 0, 0]];
    expect(decode_control(ancdata)).toEqual([
      {
        type: family === AF_INET ? 'IP_RECVERR' : 'IPV6_RECVERR',
        level,
        value: { errno: 111, origin, type, code, info: 0, data: 0, offender },
      },
    ]);
  });

  it('descriptors and credentials', () => {
    const [a, b] = socket.socketpair(AF_UNIX, SOCK_DGRAM);
    opened.push(a, b);
    b.setsockopt(SOL_SOCKET, socket.SO_PASSCRED, 1);
    a.sendmsg(['x'], [[SOL_SOCKET, socket.SCM_RIGHTS, Int32Array.of(0, 1)]]);
    const messages = controls(b);
    const me = { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() };
    expect(messages.find(({ type }) => type === 'SCM_CREDENTIALS')?.value).toEqual(me);
    const rights = messages.find((message) => message.type === 'SCM_RIGHTS');
    expect(rights?.type === 'SCM_RIGHTS' && rights.value).toHaveLength(2);
    if (rights?.type === 'SCM_RIGHTS') for (const fd of rights.value) socket.close(fd);
    const credentials = structs.ucred.encode({ ...me, pid: process.pid });
    a.sendmsg(['y'], [[SOL_SOCKET, socket.SCM_CREDENTIALS, credentials]]);
    expect(values(b)).toEqual({ SCM_CREDENTIALS: me });
  });

  it('the sending process, as a descriptor', (ctx) => {
    const [a, b] = socket.socketpair(AF_UNIX, SOCK_DGRAM);
    opened.push(a, b);
    try {
      b.setsockopt(SOL_SOCKET, socket.SO_PASSPIDFD, 1);
    } catch (error) {
      ctx.skip(`this kernel has no SO_PASSPIDFD: ${error}`);
    }
    a.send('x');
    const { SCM_PIDFD } = values(b);
    expect(SCM_PIDFD).toBeGreaterThan(2);
    socket.close(SCM_PIDFD as number);
  });

  it('how much is left to read', () => {
    const server = socket.create_server(['127.0.0.1', 0]);
    const client = socket.create_connection(server.getsockname());
    const [conn] = server.accept();
    opened.push(server, client, conn);
    conn.setsockopt(socket.SOL_TCP, socket.TCP_INQ, 1);
    client.sendall('x'.repeat(300));
    expect(values(conn)).toEqual({ TCP_INQ: 200 });
  });

  it("the packet's mark and priority", (ctx) => {
    if (!privileged) ctx.skip('SO_MARK needs root');
    const [receiver, sender] = udp_pair(AF_INET);
    try {
      receiver.setsockopt(SOL_SOCKET, socket.SO_RCVMARK, 1);
      receiver.setsockopt(SOL_SOCKET, socket.SO_RCVPRIORITY, 1);
    } catch (error) {
      ctx.skip(`this kernel has no SO_RCVMARK or SO_RCVPRIORITY: ${error}`);
    }
    sender.setsockopt(SOL_SOCKET, socket.SO_MARK, 0x9000_0001 | 0);
    sender.setsockopt(SOL_SOCKET, socket.SO_PRIORITY, 5);
    sender.send('x');
    expect(values(receiver)).toEqual({ SO_MARK: 0x9000_0001, SO_PRIORITY: 5 });
  });

  it('where to, before a redirection, over IPv6', () => {
    const [receiver, sender] = udp_pair(AF_INET6);
    receiver.setsockopt(SOL_IPV6, socket.IPV6_RECVORIGDSTADDR, 1);
    sender.send('x');
    expect(values(receiver)).toEqual({ IPV6_ORIGDSTADDR: receiver.getsockname() });
  });

  it('datagrams that came as one', () => {
    const [receiver, sender] = udp_pair(AF_INET);
    receiver.setsockopt(socket.SOL_UDP, socket.UDP_GRO, 1);
    sender.setsockopt(socket.SOL_UDP, socket.UDP_SEGMENT, 500);
    sender.send(Buffer.alloc(1200));
    const [data, ancdata] = receiver.recvmsg(2000, CMSG_SPACE(4));
    expect(data.length).toBe(1200);
    expect(decode_control(ancdata)).toEqual([{ type: 'UDP_GRO', level: socket.SOL_UDP, value: 500 }]);
  });

  it('how many datagrams were dropped', () => {
    const [receiver, sender] = udp_pair(AF_INET);
    receiver.setsockopt(SOL_SOCKET, socket.SO_RXQ_OVFL, 1);
    receiver.setsockopt(SOL_SOCKET, socket.SO_RCVBUF, 2304);
    for (let i = 0; i < 200; i++) sender.send(Buffer.alloc(100));
    receiver.setblocking(false);
    let last: unknown;
    try {
      for (;;) last = values(receiver).SO_RXQ_OVFL ?? last;
    } catch (error) {
      expect(error).toBeInstanceOf(socket.BlockingIOError);
    }
    sender.send('after');
    receiver.setblocking(true);
    expect(values(receiver).SO_RXQ_OVFL).toBeGreaterThan(100);
  });

  it('of packets: lengths, where headers begin', (ctx) => {
    if (!privileged) ctx.skip('packet sockets need root');
    const sock = open(socket.AF_PACKET, socket.SOCK_RAW, 0);
    sock.setsockopt(socket.SOL_PACKET, socket.PACKET_AUXDATA, 1);
    const [receiver, sender] = udp_pair(AF_INET);
    const [, port] = receiver.getsockname();
    // The filter accepts only packets to this port: other programs use the loopback, too. Nothing arrives before bind().
    sock.attach_filter([
      [0x28, 0, 0, 36],
      [0x15, 0, 1, port],
      [0x06, 0, 0, 0x40000],
      [0x06, 0, 0, 0],
    ]);
    sock.bind(['lo', socket.ETH_P_IP]);
    sender.send('x'.repeat(58));
    const [data, ancdata] = sock.recvmsg(64, 200, socket.MSG_TRUNC);
    expect(data.length).toBe(64);
    const [control] = decode_control(ancdata);
    if (control?.type !== 'PACKET_AUXDATA') throw new Error(`${control?.type}`);
    expect(control).toMatchObject({
      level: socket.SOL_PACKET,
      value: { len: 100, snaplen: 100, vlan_tci: 0 },
    });
    expect(control.value.net - control.value.mac).toBe(14);
  });

  it('of a promise socket', async () => {
    const [receiver, sender] = udp_pair(AF_INET);
    receiver.setsockopt(SOL_IP, socket.IP_RECVTTL, 1);
    sender.send('x');
    using sock = promises.from_socket(receiver);
    const [, ancdata] = await sock.recvmsg(10, 100);
    expect(decode_control(ancdata)).toEqual([{ type: 'IP_TTL', level: SOL_IP, value: 64 }]);
  });

  it('unknown and cut ones stay bytes', () => {
    expect(decode_control([])).toEqual([]);
    expect(
      decode_control([
        [1, 4711, 'abc'],
        [SOL_IP, socket.IP_PKTINFO, Buffer.alloc(11)],
        [SOL_IP, socket.IP_TTL, Buffer.alloc(0)],
        [SOL_SOCKET, socket.SCM_RIGHTS, Buffer.alloc(6)],
        [SOL_IPV6, socket.IPV6_ORIGDSTADDR, Buffer.alloc(1)],
        [SOL_IP, socket.IP_RECVERR, structs.sock_extended_err.encode({ errno: 1 })],
      ]),
    ).toEqual([
      { type: 4711, level: 1, value: Buffer.from('abc') },
      { type: socket.IP_PKTINFO, level: SOL_IP, value: Buffer.alloc(11) },
      { type: socket.IP_TTL, level: SOL_IP, value: Buffer.alloc(0) },
      { type: 'SCM_RIGHTS', level: SOL_SOCKET, value: [0] },
      { type: socket.IPV6_ORIGDSTADDR, level: SOL_IPV6, value: Buffer.alloc(1) },
      {
        type: 'IP_RECVERR',
        level: SOL_IP,
        value: { errno: 1, origin: 0, type: 0, code: 0, info: 0, data: 0 },
      },
    ]);
  });

  it('misuse', () => {
    // @ts-expect-error no array
    expect(() => decode_control(null)).toThrow(/^ancdata must be an array or another iterable/);
    // @ts-expect-error three elements
    expect(() => decode_control([[1, 2]])).toThrow(/ancdata\[0\]/);
    // @ts-expect-error the level is a number
    expect(() => decode_control([['1', 2, 'x']])).toThrow(/cmsg_level/);
    expect(() => decode_control([[2 ** 31, 2, 'x']])).toThrow(RangeError);
  });
});

describe('netlink', () => {
  it('a dump of the links has every interface', () => {
    const sock = open(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE);
    sock.bind([0, 0]);
    const seq = 4711;
    sock.send(
      structs.nlmsghdr.encode({
        type: socket.RTM_GETLINK,
        flags: socket.NLM_F_REQUEST | socket.NLM_F_DUMP,
        seq,
        data: structs.ifinfomsg.encode({ family: socket.AF_UNSPEC }),
      }),
    );
    const links = new Map<number, { name: string; mtu: number }>();
    for (let done = false; !done; ) {
      for (const message of structs.nlmsghdr.decode_all(sock.recv(65536))) {
        expect(message.seq).toBe(seq);
        done ||= message.type === socket.NLMSG_DONE;
        if (message.type !== socket.RTM_NEWLINK) continue;
        const { index } = structs.ifinfomsg.decode(message.data);
        const attributes = structs.nlattr.decode_all(message.data.subarray(structs.ifinfomsg.size));
        const of = (type: number) => attributes.find((attribute) => attribute.type === type)!.data;
        const name = of(socket.IFLA_IFNAME).toString('utf8').replace('\0', '');
        links.set(index, { name, mtu: read_int(of(socket.IFLA_MTU)) });
        // IFLA_AF_SPEC contains a list for each family, which contains lists.
        const families = attributes.find(({ type }) => type === 26);
        expect(structs.nlattr.decode_all(families!.data).map(({ type }) => type)).toContain(AF_INET);
      }
    }
    expect([...links].map(([index, { name }]) => [index, name])).toEqual(socket.if_nameindex());
    expect(links.get(lo)?.mtu).toBe(65536);
  });

  it('an error answers a wrong request', () => {
    const sock = open(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE);
    const attributes = [{ type: socket.IFLA_IFNAME, data: 'no-such-link\0' }];
    const data = structs.ifinfomsg.encode({});
    sock.send(
      structs.nlmsghdr.encode({
        type: socket.RTM_GETLINK,
        flags: socket.NLM_F_REQUEST,
        seq: 1,
        data,
        attributes,
      }),
    );
    const [answer] = structs.nlmsghdr.decode_all(sock.recv(65536));
    expect(answer?.type).toBe(socket.NLMSG_ERROR);
    // struct nlmsgerr: the error, and the request that failed.
    expect(read_int(answer!.data)).toBe(-19);
    expect(structs.nlmsghdr.decode(answer!.data.subarray(4)).type).toBe(socket.RTM_GETLINK);
  });
});

describe('encode_control gives the ancdata of sendmsg', () => {
  it('IPv4: time to live, type of service, source address', () => {
    const [receiver, sender] = udp_pair(AF_INET);
    for (const option of [socket.IP_RECVTTL, socket.IP_RECVTOS]) receiver.setsockopt(SOL_IP, option, 1);
    const control = encode_control([
      { type: 'IP_TTL', value: 5 },
      { type: 'IP_TOS', value: 0x10 },
      { type: 'IP_PKTINFO', value: { spec_dst: '127.0.0.77' } },
    ]);
    sender.sendmsg(['with control'], control);
    const [, ancdata, , address] = receiver.recvmsg(100, 1000);
    expect(decode_control(ancdata)).toEqual([
      { type: 'IP_TTL', level: SOL_IP, value: 5 },
      { type: 'IP_TOS', level: SOL_IP, value: 0x10 },
    ]);
    expect(address[0]).toBe('127.0.0.77');
  });

  it('IPv6: hop limit, traffic class, interface; also of promises', async () => {
    const [receiver, sender] = udp_pair(AF_INET6);
    for (const option of [socket.IPV6_RECVHOPLIMIT, socket.IPV6_RECVTCLASS, socket.IPV6_RECVPKTINFO])
      receiver.setsockopt(SOL_IPV6, option, 1);
    const messages = [
      { type: 'IPV6_HOPLIMIT', value: 7 },
      { type: 'IPV6_TCLASS', value: 0x20 },
      { type: 'IPV6_PKTINFO', value: { addr: '::1', ifindex: lo } },
    ] as const;
    const expected = expect.arrayContaining(messages.map((message) => expect.objectContaining(message)));
    sender.sendmsg(['with control'], encode_control(messages));
    expect(controls(receiver)).toEqual(expected);
    const other = promises.from_socket(sender);
    opened.push(other);
    await other.sendmsg(['again'], encode_control(messages));
    expect(controls(receiver)).toEqual(expected);
  });

  it('descriptors and credentials', () => {
    const [a, b] = socket.socketpair();
    opened.push(a, b);
    b.setsockopt(SOL_SOCKET, socket.SO_PASSCRED, 1);
    const me = { pid: process.pid, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const control = encode_control([
      { type: 'SCM_RIGHTS', value: [a.fileno(), b.fileno()] },
      { type: 'SCM_CREDENTIALS', value: me },
    ]);
    a.sendmsg(['x'], control);
    const { SCM_RIGHTS, SCM_CREDENTIALS } = values(b) as structs.ControlValues;
    expect(SCM_CREDENTIALS).toEqual(me);
    expect(SCM_RIGHTS).toHaveLength(2);
    for (const fd of SCM_RIGHTS) socket.close(fd);
  });

  it('an unknown message goes as it is, and what the kernel refuses is its error', () => {
    const [receiver, sender] = udp_pair(AF_INET);
    const control = encode_control([
      { type: socket.UDP_SEGMENT, level: socket.SOL_UDP, value: new Uint8Array(Uint16Array.of(3).buffer) },
    ]);
    sender.sendmsg(['abcdef'], control);
    expect([receiver.recv(10), receiver.recv(10)].map(String)).toEqual(['abc', 'def']);
    const out_of_range = encode_control([{ type: 'IP_TTL', value: 256 }]);
    expect(() => sender.sendmsg(['x'], out_of_range)).toThrow(/EINVAL/);
  });
});

describe('tcp_md5sig', () => {
  const { tcp_md5sig } = structs;
  const sign = (sock: socket.socket, host: string, key: string) =>
    sock.setsockopt(
      socket.SOL_TCP,
      socket.TCP_MD5SIG,
      tcp_md5sig.encode({ addr: [host, 0], key: Buffer.from(key) }),
    );

  /** Returns a listener that takes only segments signed with the key; undefined if the kernel cannot sign. */
  function signing_server(key: string): socket.socket<typeof AF_INET> | undefined {
    const server = open(AF_INET, socket.SOCK_STREAM);
    server.bind(['127.0.0.1', 0]);
    try {
      sign(server, '127.0.0.1', key);
    } catch (error) {
      if (error instanceof socket.OSError && error.code === 'ENOPROTOOPT') return undefined;
      throw error;
    }
    server.listen();
    return server;
  }

  it('both ends sign, and a wrong key or none is not answered', (ctx) => {
    const server = signing_server('a key of BGP');
    if (server === undefined) ctx.skip('needs a kernel with CONFIG_TCP_MD5SIG');
    const client = open(AF_INET, socket.SOCK_STREAM);
    sign(client, '127.0.0.1', 'a key of BGP');
    client.connect(server!.getsockname());
    const [conn] = server!.accept();
    opened.push(conn);
    client.sendall('signed');
    conn.settimeout(5);
    expect(conn.recv_exactly(6).toString()).toBe('signed');

    for (const key of ['another key', '']) {
      const refused = open(AF_INET, socket.SOCK_STREAM);
      if (key !== '') sign(refused, '127.0.0.1', key);
      // Segments with a wrong signature are dropped in silence.
      refused.settimeout(0.2);
      expect(() => refused.connect(server!.getsockname())).toThrow(socket.TimeoutError);
    }
    server!.settimeout(0);
    expect(() => server!.accept()).toThrow(socket.BlockingIOError);
  });

  it('a key for a whole network, and a key that is removed', (ctx) => {
    const server = signing_server('unused');
    if (server === undefined) ctx.skip('needs a kernel with CONFIG_TCP_MD5SIG');
    const network = { addr: ['127.8.0.0', 0], prefixlen: 16, flags: socket.TCP_MD5SIG_FLAG_PREFIX } as const;
    const set = (key: string) => {
      const value = tcp_md5sig.encode({ ...network, key: Buffer.from(key) });
      server!.setsockopt(socket.SOL_TCP, socket.TCP_MD5SIG_EXT, value);
    };
    set('of the network');
    const client = open(AF_INET, socket.SOCK_STREAM);
    client.bind(['127.8.3.4', 0]);
    sign(client, '127.0.0.1', 'of the network');
    client.connect(server!.getsockname());
    const [conn, address] = server!.accept();
    opened.push(conn);
    expect(address[0]).toBe('127.8.3.4');
    set('');
    expect(() => set('')).toThrow(/ENOENT/);
  });
});
