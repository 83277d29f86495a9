// Datagram servers on all addresses answer from the one that was asked, in every kind of server, and handlers know what the kernel knows.
// Each client is connected to the address that it asks: it gets no answer from another one.
import * as promises from 'bsd-sockets/promises';
import * as socket from 'bsd-sockets/socket';
import * as socketserver from 'bsd-sockets/socketserver';
import { describe, expect, test } from 'vitest';
// @ts-expect-error: JavaScript, as a worker imports it
import { Asked, AsyncAsked } from './fixtures/asked.mjs';

const { AF_INET, AF_INET6, SOCK_DGRAM } = socket;
const { AsyncUDPServer, ForkingUDPServer, ThreadingUDPServer, UDPServer } = socketserver;

/** A server of any kind, as the tests use it. */
interface Served {
  readonly server_address: readonly [string, number, ...number[]];
  serve_forever(): Promise<void>;
  server_close(): Promise<void>;
}

async function serving(server: Served, use: (port: number) => Promise<void>): Promise<void> {
  const served = server.serve_forever();
  try {
    await use(server.server_address[1]);
  } finally {
    await server.server_close();
    await served;
  }
}

/** Asks an address, with a TTL and a TOS, and returns the answer. */
async function ask(host: string, port: number, text = '?'): Promise<string> {
  const is_ipv6 = host.includes(':');
  using sock = new promises.socket<number, typeof SOCK_DGRAM>(is_ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM);
  if (is_ipv6) {
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 33);
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, 0x48);
  } else {
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 33);
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0x48);
  }
  await sock.connect([host, port]);
  await sock.send(text);
  const first = String(await sock.recv(1000, { timeout: 15 }));
  return text === 'twice' ? `${first} ${await sock.recv(1000, { timeout: 15 })}` : first;
}

/** What is known of a datagram over loopback to such an address. */
const known = (destination: string) => ({
  destination,
  answer_from: destination,
  interface_index: socket.if_nametoindex('lo'),
  ttl: 33,
  tos: 0x48,
});

describe.each([
  [UDPServer, Asked],
  [ThreadingUDPServer, Asked],
  [ForkingUDPServer, Asked],
  [AsyncUDPServer, AsyncAsked],
])('%o', { timeout: 60_000 }, (Server, Handler) => {
  test('IPv4: each address answers', async () => {
    await serving(new Server(['', 0], Handler), async (port) => {
      for (const host of ['127.0.0.7', '127.9.9.9', '127.0.0.1'])
        expect(JSON.parse(await ask(host, port))).toEqual(known(host));
      expect(await ask('127.0.0.7', port, 'twice')).toBe(`first ${JSON.stringify(known('127.0.0.7'))}`);
    });
  });

  test('IPv6, and IPv4 on the same socket', async () => {
    await serving(new Server(['::', 0], Handler, { dualstack_ipv6: true }), async (port) => {
      expect(JSON.parse(await ask('::1', port))).toEqual(known('::1'));
      expect(JSON.parse(await ask('127.0.0.7', port))).toEqual(known('::ffff:127.0.0.7'));
    });
  });

  test('on one address nothing is asked of the kernel, unless it is wanted', async () => {
    await serving(new Server(['127.0.0.7', 0], Handler), async (port) => {
      expect(await ask('127.0.0.7', port)).toBe('null');
    });
    await serving(new Server(['127.0.0.7', 0], Handler, { packet_info: true }), async (port) => {
      expect(JSON.parse(await ask('127.0.0.7', port))).toEqual(known('127.0.0.7'));
    });
    await serving(new Server(['', 0], Handler, { packet_info: false }), async (port) => {
      expect(await ask('127.0.0.1', port)).toBe('null');
    });
  });

  test('a socket that is bound already', async () => {
    const sock = new socket.socket(AF_INET, SOCK_DGRAM);
    sock.bind(['', 0]);
    await serving(new Server(sock, Handler), async (port) => {
      expect(JSON.parse(await ask('127.0.0.7', port))).toEqual(known('127.0.0.7'));
    });
  });
});

test('a hook that sees requests keeps what is known', { timeout: 60_000 }, async () => {
  const seen: unknown[] = [];
  class Seeing extends ThreadingUDPServer {
    override verify_request([packet]: [Buffer, unknown]): boolean {
      seen.push(String(packet));
      return true;
    }
  }
  await serving(new Seeing(['', 0], Asked), async (port) => {
    expect(JSON.parse(await ask('127.0.0.7', port))).toEqual(known('127.0.0.7'));
  });
  expect(seen).toEqual(['?']);
});

test('broadcast is answered from the own address, and the group of a multicast is told', {
  timeout: 60_000,
}, async () => {
  await serving(new AsyncUDPServer(['', 0], AsyncAsked), async (port) => {
    using sock = new promises.socket(AF_INET, SOCK_DGRAM);
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1);
    sock.bind(['127.0.0.1', 0]);
    await sock.sendto('?', ['127.255.255.255', port]);
    const [text, from] = await sock.recvfrom(1000, { timeout: 15 });
    expect(JSON.parse(String(text))).toMatchObject({
      destination: '127.255.255.255',
      answer_from: from?.[0],
    });
  });
  const [group, lo] = [socket.inet_aton('239.9.9.9'), socket.inet_aton('127.0.0.1')];
  const server = new AsyncUDPServer(['', 0], AsyncAsked);
  server.socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, Buffer.concat([group, lo]));
  await serving(server, async (port) => {
    using sock = new promises.socket(AF_INET, SOCK_DGRAM);
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, lo);
    await sock.sendto('?', ['239.9.9.9', port]);
    const [text, from] = await sock.recvfrom(1000, { timeout: 15 });
    expect(JSON.parse(String(text))).toMatchObject({ destination: '239.9.9.9', answer_from: from?.[0] });
  });
});

describe('misuse', () => {
  test('datagrams of AF_UNIX have none, and nothing is left open', async () => {
    const before = process.getActiveResourcesInfo().length;
    const path = Buffer.from(`\0bsd-sockets-asked-${process.pid}`);
    expect(() => new socketserver.UnixDatagramServer(path, Asked, { packet_info: true })).toThrow(
      'packet_info is for datagrams of AF_INET and AF_INET6',
    );
    const server = new socketserver.UnixDatagramServer(path, Asked);
    await server.server_close();
    expect(process.getActiveResourcesInfo()).toHaveLength(before);
  });

  test('max_packet_size holds', async () => {
    class Small extends AsyncUDPServer {
      static override max_packet_size = 2;
    }
    class Echo extends socketserver.AsyncDatagramRequestHandler {
      override async handle() {
        await this.answer(this.packet);
      }
    }
    await serving(new Small(['', 0], Echo), async (port) => {
      using sock = new promises.socket(AF_INET, SOCK_DGRAM);
      await sock.connect(['127.0.0.7', port]);
      await sock.send('long');
      expect(String(await sock.recv(100, { timeout: 15 }))).toBe('lo');
    });
  });
});
