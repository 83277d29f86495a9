// UDP-Lite with the kernel: it takes what we build, and we parse what it sends, with each coverage of the checksum.
import { build, ipv4, ipv6, LINKTYPE_IPV4, type Packet, parse, payload, udplite } from 'bsd-sockets/packet';
import * as socket from 'bsd-sockets/socket';
import { beforeEach, describe, expect, test } from 'vitest';

const { AF_INET, AF_INET6, IPPROTO_UDPLITE, SOCK_DGRAM, SOCK_RAW } = socket;

/** Why the tests cannot run; undefined if they can. */
function missing(): string | undefined {
  for (const [type, what] of [
    [SOCK_DGRAM, 'UDP-Lite in the kernel'],
    [SOCK_RAW, 'raw sockets: root'],
  ] as const)
    try {
      socket.socket(AF_INET, type, IPPROTO_UDPLITE).close();
    } catch {
      return `needs ${what}`;
    }
  return undefined;
}
const reason = missing();
beforeEach((context) => context.skip(reason !== undefined, reason));

const open: socket.socket[] = [];
function opened(family: number, type: number): socket.socket {
  const sock = socket.socket(family, type, IPPROTO_UDPLITE);
  open.push(sock);
  sock.settimeout(10);
  return sock;
}
/** Runs a test, and closes its sockets. */
function with_sockets(run: () => void): void {
  try {
    run();
  } finally {
    for (const sock of open.splice(0)) sock.close();
  }
}

describe.each([0, 8, 10, 13])('a coverage of %i', (coverage) => {
  test('in what the kernel sends', () =>
    with_sockets(() => {
      const raw = opened(AF_INET, SOCK_RAW);
      const sender = opened(AF_INET, SOCK_DGRAM);
      sender.bind(['127.0.0.1', 0]);
      if (coverage > 0) sender.setsockopt(IPPROTO_UDPLITE, socket.UDPLITE_SEND_CSCOV, coverage);
      const port = port_of(sender);
      sender.sendto('hello', ['127.0.0.1', 9]);
      const parsed = next_from(raw, port);
      expect(parsed.problems).toEqual([]);
      expect(parsed.get('udplite')).toMatchObject({ dst_port: 9, checksum_ok: true });
      // Of all bytes, the kernel gives the number or 0.
      expect(coverage > 0 ? [coverage] : [0, 13]).toContain(parsed.get('udplite')?.coverage);
      expect(parsed.get('payload')?.data.toString()).toBe('hello');
    }));

  test('in what we build', () =>
    with_sockets(() => {
      for (const [family, host, ip] of [
        [AF_INET, '127.0.0.1', ipv4({ src: '127.0.0.1', dst: '127.0.0.1' })],
        [AF_INET6, '::1', ipv6({ src: '::1', dst: '::1' })],
      ] as const) {
        const receiver = opened(family, SOCK_DGRAM);
        receiver.bind([host, 0]);
        const port = port_of(receiver);
        const whole = build(ip, udplite({ src_port: 9, dst_port: port, coverage }), payload('hello'));
        const datagram = whole.subarray(family === AF_INET ? 20 : 40);
        const damaged = Buffer.from(datagram);
        damaged[2 + 8] = 0;
        // What the coverage leaves out may be damaged; the kernel drops other damage, so that what comes is the next one.
        const is_covered = coverage === 0 || coverage > 10;
        const raw = opened(family, SOCK_RAW);
        raw.sendto(damaged, [host, 0]);
        raw.sendto(datagram, [host, 0]);
        expect(receiver.recv(100).toString()).toBe(is_covered ? 'hello' : 'he\0lo');
      }
    }));
});

function port_of(sock: socket.socket): number {
  const address: unknown = sock.getsockname();
  if (!Array.isArray(address) || typeof address[1] !== 'number') throw new Error('no port');
  return address[1];
}

/** Returns the next packet from a port: other tests may send, too. */
function next_from(raw: socket.socket, port: number): Packet {
  for (;;) {
    const parsed = parse(raw.recv(2000), { linktype: LINKTYPE_IPV4 });
    if (parsed.get('udplite')?.src_port === port) return parsed;
  }
}
