// attach_filter and detach_filter: which packets come in, and which socket of a group gets them.
import * as socket from 'bsd-sockets/socket';
import { afterEach, describe, expect, test } from 'vitest';

const { AF_INET, AF_PACKET, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET, SOL_PACKET } = socket;
const { SO_ATTACH_REUSEPORT_CBPF, PACKET_FANOUT_DATA } = socket;
const anything = (value: unknown): never => value as never;

const opened: { close(): void }[] = [];
afterEach(() => {
  for (const sock of opened.splice(0)) sock.close();
});
function keep<T extends { close(): void }>(sock: T): T {
  opened.push(sock);
  return sock;
}

/** Returns the sockets of a SO_REUSEPORT group, in the order of their bind. */
function group(type: number, size: number): socket.socket<2>[] {
  const members: socket.socket<2>[] = [];
  for (let i = 0; i < size; i++) {
    const sock = keep(socket.socket(AF_INET, type));
    sock.setsockopt(SOL_SOCKET, socket.SO_REUSEPORT, 1);
    sock.bind(i === 0 ? ['127.0.0.1', 0] : members[0]!.getsockname());
    if (type === SOCK_STREAM) sock.listen();
    sock.settimeout(5);
    members.push(sock);
  }
  return members;
}

const LOAD_BYTE = 0x30; // BPF_LD | BPF_B | BPF_ABS
const LOAD_HALF = 0x28; // BPF_LD | BPF_H | BPF_ABS
const MODULO = 0x94; // BPF_ALU | BPF_MOD | BPF_K
const RETURN_A = 0x16;
const RETURN = 0x06;
const NETWORK_HEADER = 0xfff00000; // SKF_NET_OFF

/** Returns the payload's first byte modulo `size`. */
const by_first_byte = (size: number): socket.FilterRow[] => [
  [LOAD_BYTE, 0, 0, 0],
  [MODULO, 0, 0, size],
  [RETURN_A, 0, 0, 0],
];

describe('SO_ATTACH_REUSEPORT_CBPF', () => {
  test('the program picks the UDP socket by the payload', () => {
    const members = group(SOCK_DGRAM, 3);
    members[0]!.attach_filter(by_first_byte(3), { option: SO_ATTACH_REUSEPORT_CBPF });
    const sender = keep(socket.socket(AF_INET, SOCK_DGRAM));
    for (let i = 0; i < 30; i++) sender.sendto(Buffer.from([i]), members[0]!.getsockname());
    const received = members.map((sock) => Array.from({ length: 10 }, () => sock.recv(1)[0]! % 3));
    expect(received).toEqual([Array(10).fill(0), Array(10).fill(1), Array(10).fill(2)]);
    for (const sock of members) expect(sock.ioctl(socket.FIONREAD)).toBe(0);
  });

  test('the program picks the TCP listener by the port of the client', () => {
    const members = group(SOCK_STREAM, 2);
    // The source port begins 20 bytes behind the begin of an IPv4 header.
    const by_port: socket.FilterRow[] = [
      [LOAD_HALF, 0, 0, NETWORK_HEADER + 20],
      [MODULO, 0, 0, 2],
      [RETURN_A, 0, 0, 0],
    ];
    members[1]!.attach_filter(by_port, { option: SO_ATTACH_REUSEPORT_CBPF });
    for (let i = 0; i < 12; i++) {
      const client = keep(socket.create_connection(members[0]!.getsockname(), 5));
      const port = client.getsockname()[1] as number;
      const [conn, address] = members[port % 2]!.accept();
      keep(conn);
      expect(address).toEqual(client.getsockname());
    }
  });

  test('detach_filter ends it, and is ENOENT without a program', () => {
    const members = group(SOCK_DGRAM, 2);
    const option = SO_ATTACH_REUSEPORT_CBPF;
    expect(() => members[0]!.detach_filter({ option })).toThrow(/ENOENT/);
    members[0]!.attach_filter([[RETURN, 0, 0, 1]], { option });
    const sender = keep(socket.socket(AF_INET, SOCK_DGRAM));
    sender.sendto('to the second', members[0]!.getsockname());
    expect(members[1]!.recv(100).toString()).toBe('to the second');
    // It is the group's: any socket may remove it. Then a hash of the addresses picks, which differs between ports.
    members[1]!.detach_filter({ option });
    expect(() => members[0]!.detach_filter({ option })).toThrow(/ENOENT/);
    const first_got_one = () => {
      const another = keep(socket.socket(AF_INET, SOCK_DGRAM));
      another.sendto('x', members[0]!.getsockname());
      members[0]!.settimeout(0);
      try {
        return members[0]!.recv(1).length === 1;
      } catch {
        return false;
      }
    };
    expect(Array.from({ length: 64 }, first_got_one)).toContain(true);
  });
});

describe('PACKET_FANOUT_DATA', () => {
  const privileged = process.getuid?.() === 0;

  test('the program picks the packet socket', (ctx) => {
    if (!privileged) ctx.skip('needs root');
    const ETH_P_IP = 0x0800;
    const id = process.pid & 0xffff;
    const members = [0, 1].map(() => {
      const sock = keep(socket.socket(AF_PACKET, SOCK_DGRAM, 0));
      sock.bind(['lo', ETH_P_IP]);
      sock.setsockopt(SOL_PACKET, socket.PACKET_FANOUT, (socket.PACKET_FANOUT_CBPF << 16) | id);
      sock.settimeout(5);
      return sock;
    });
    // The payload of a UDP datagram begins 28 bytes behind the begin of its IPv4 header: its first byte picks.
    const program: socket.FilterRow[] = [
      [LOAD_BYTE, 0, 0, NETWORK_HEADER + 28],
      [RETURN_A, 0, 0, 0],
    ];
    members[0]!.attach_filter(program, { option: PACKET_FANOUT_DATA });
    const receiver = keep(socket.socket(AF_INET, SOCK_DGRAM));
    receiver.bind(['127.0.0.1', 0]);
    const port = receiver.getsockname()[1];
    const sender = keep(socket.socket(AF_INET, SOCK_DGRAM));
    for (const first of [0, 1, 1, 0, 1]) sender.sendto(Buffer.from([first, 77]), receiver.getsockname());
    const own = (sock: (typeof members)[number], count: number): number[] => {
      const found: number[] = [];
      while (found.length < count) {
        // A packet over lo comes twice: as it leaves, and as it arrives.
        const [packet, [, , pkttype]] = sock.recvfrom(2000);
        if (pkttype === socket.PACKET_OUTGOING || packet[9] !== socket.IPPROTO_UDP) continue;
        if (packet.readUInt16BE(22) === port && packet[29] === 77) found.push(packet[28]!);
      }
      return found;
    };
    expect([own(members[0]!, 2), own(members[1]!, 3)]).toEqual([
      [0, 0],
      [1, 1, 1],
    ]);
    expect(() => members[0]!.detach_filter({ option: PACKET_FANOUT_DATA })).toThrow(
      /^the program of a fan-out group cannot be removed: attach another one/,
    );
    members[0]!.attach_filter([[RETURN, 0, 0, 1]], { option: PACKET_FANOUT_DATA });
  });
});

describe('misuse', () => {
  const udp = socket.socket(AF_INET, SOCK_DGRAM);
  const accept_all: socket.FilterRow[] = [[RETURN, 0, 0, 0xffff]];

  test.each<[string, RegExp, () => unknown]>([
    [
      'another option',
      /^option must be SO_ATTACH_FILTER, SO_ATTACH_REUSEPORT_CBPF or PACKET_FANOUT_DATA, not 2/,
      () => udp.attach_filter(accept_all, { option: socket.SO_REUSEADDR }),
    ],
    [
      'the same of detach_filter',
      /^option must be SO_ATTACH_FILTER/,
      () => udp.detach_filter({ option: 999 }),
    ],
    [
      'a name',
      /^option must be an integer/,
      () => udp.attach_filter(accept_all, { option: anything('SO_ATTACH_FILTER') }),
    ],
    [
      'an unknown name of an option',
      /^unknown option "level"/,
      () => udp.attach_filter(accept_all, anything({ level: 1 })),
    ],
    [
      'a number for options',
      /^options must be an object with option, not 51/,
      () => udp.attach_filter(accept_all, anything(SO_ATTACH_REUSEPORT_CBPF)),
    ],
    [
      'a program of null',
      /^program must be an array/,
      () => udp.attach_filter(anything(null), { option: SO_ATTACH_REUSEPORT_CBPF }),
    ],
    // Not in a group: SO_REUSEPORT is not set. The message names the option.
    [
      'no group',
      /^\[EINVAL\] setsockopt\(fd \d+, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF\)/,
      () => udp.attach_filter(accept_all, { option: SO_ATTACH_REUSEPORT_CBPF }),
    ],
    [
      'no packet socket',
      /^\[\w+\] setsockopt\(fd \d+, SOL_PACKET, PACKET_FANOUT_DATA\)/,
      () => udp.attach_filter(accept_all, { option: PACKET_FANOUT_DATA }),
    ],
    [
      'a jump beyond the end',
      /^\[EINVAL\] setsockopt\(fd \d+, SOL_SOCKET, SO_ATTACH_FILTER\)/,
      () => udp.attach_filter([[0x05, 0, 0, 9]]),
    ],
  ])('%s', (_what, message, call) => {
    expect(call).toThrow(message);
  });

  test('null for option is the default', () => {
    udp.attach_filter(accept_all, { option: null });
    udp.detach_filter({ option: undefined });
    expect(() => udp.detach_filter()).toThrow(/ENOENT/);
  });
});
