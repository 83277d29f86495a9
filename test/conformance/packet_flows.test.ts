// Fragments and streams beside others: the kernel takes fragments of ours and we put those of the kernel together; scapy cuts as we do;
// tshark follows the same streams.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as packet from 'bsd-sockets/packet';
import * as socket from 'bsd-sockets/socket';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';

const {
  build,
  fragment,
  icmp,
  icmpv6,
  ipv4,
  ipv6,
  parse,
  payload,
  read_capture,
  reassemble,
  streams,
  tcp,
  udp,
} = packet;
const timeout = 60_000;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'flows-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function need(ctx: TestContext, ...programs: string[]): void {
  for (const program of programs)
    if (spawnSync('which', [program]).status !== 0) ctx.skip(`needs ${program}`);
}
function need_root(ctx: TestContext): void {
  if (process.getuid?.() !== 0) ctx.skip('needs root for CAP_NET_RAW');
}

/** The Python that has scapy: the system's, mostly. */
function scapy(ctx: TestContext): string {
  const found = ['/usr/bin/python3', 'python3'].find(
    (program) => spawnSync(program, ['-c', 'import scapy.all']).status === 0,
  );
  if (found === undefined) ctx.skip('needs scapy');
  return found ?? '';
}

const body = Buffer.from(Array.from({ length: 5000 }, (_, i) => i % 251));

describe('the kernel', () => {
  it('puts fragments of ours together', { timeout }, (ctx) => {
    need_root(ctx);
    const port = 61_030;
    const cases = [
      [socket.AF_INET, '127.0.0.1', ipv4({ src: '127.0.0.1', dst: '127.0.0.1', id: 4321 })],
      [socket.AF_INET6, '::1', ipv6({ src: '::1', dst: '::1' })],
    ] as const;
    for (const [family, host, ip] of cases) {
      const server = socket.socket(family, socket.SOCK_DGRAM);
      const raw = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW);
      try {
        server.bind([host, port]);
        server.settimeout(10);
        const pieces = fragment([ip, udp({ src_port: 5, dst_port: port }), payload(body)], 1280);
        expect(pieces.length).toBeGreaterThan(3);
        for (const piece of pieces.reverse()) raw.sendto(build(...piece), [host, 0]);
        expect(server.recv(10_000)).toEqual(body);
      } finally {
        server.close();
        raw.close();
      }
    }
  });

  it('sends a large ping, and tshark and we put its fragments together', { timeout }, (ctx) => {
    need(ctx, 'unshare', 'ip', 'ping', 'tcpdump', 'tshark');
    need_root(ctx);
    const path = join(folder, 'ping.pcap');
    const script = `
      ip link set lo mtu 1280 up && sleep 0.2
      tcpdump -Z root -i lo -s 0 -U -w "$1" 2>/dev/null & pid=$!
      for i in $(seq 100); do [ -s "$1" ] && break; sleep 0.1; done
      ping -c 2 -i 0.2 -s 4000 127.0.0.1 >/dev/null && ping -c 2 -i 0.2 -s 4000 ::1 >/dev/null
      sleep 0.5; kill $pid; wait $pid`;
    if (spawnSync('unshare', ['-n', 'sh', '-c', script, 'sh', path]).error) ctx.skip('needs namespaces');
    const captured = [...read_capture(path)];
    const whole = reassemble(captured);
    const found = [...whole].map(({ data, linktype }) => parse(data, { linktype }));
    expect(whole.dropped).toEqual({ incomplete: 0, malformed: 0, limit: 0 });
    const echoes = found.filter((one) => one.get('payload')?.data.length === 4000);
    expect(echoes.map((one) => (one.get('icmp') ?? one.get('icmpv6'))?.name)).toEqual(
      [1, 2, 3, 4].flatMap(() => ['echo', 'echo_reply']),
    );
    for (const one of echoes) {
      expect(one.problems).toEqual([]);
      expect((one.get('icmp') ?? one.get('icmpv6'))?.checksum_ok).toBe(true);
    }
    const args = [
      '-r',
      path,
      '-Y',
      'ip.reassembled.length or ipv6.reassembled.length',
      '-T',
      'fields',
      '-e',
      'data.data',
    ];
    const theirs = spawnSync('tshark', args, { encoding: 'utf8' }).stdout.trim().split('\n');
    // tshark takes a time stamp off the data of echo messages.
    expect(theirs.length).toBe(echoes.length);
    for (const [i, text] of theirs.entries())
      expect(echoes[i]?.get('payload')?.data.toString('hex').endsWith(text)).toBe(true);
  });
});

it('scapy cuts a packet as we do, and puts ours together', { timeout }, (ctx) => {
  const python = scapy(ctx);
  const options = [
    { name: 'router_alert' },
    { name: 'record_route', pointer: 4, addresses: ['0.0.0.0'] },
  ] as const;
  const layers = [
    ipv4({ src: '192.0.2.1', dst: '192.0.2.2', id: 77, options }),
    icmp.echo({ id: 1 }),
    payload(body),
  ];
  const layers6 = [ipv6({ src: '2001:db8::1', dst: '2001:db8::2' }), icmpv6.echo({ id: 1 }), payload(body)];
  const ours = fragment(
    [ipv4({ src: '192.0.2.1', dst: '192.0.2.2', id: 77 }), icmp.echo({ id: 1 }), payload(body)],
    1500,
  );
  const with_options = fragment(layers, 576);
  const ours6 = fragment(layers6, 1280);
  const hex = (list: packet.Draft[][]) => list.map((piece) => build(...piece).toString('hex'));
  const program = `
import json, sys
from scapy.all import IP, IPv6, fragment, defrag, defragment6
whole, pieces, optioned, pieces6 = json.load(sys.stdin)
def put(list, kind): return bytes(defrag([kind(bytes.fromhex(x)) for x in list])[1][0]).hex()
print(json.dumps([
  [bytes(x).hex() for x in fragment(IP(bytes.fromhex(whole)), 1480)],
  put(pieces, IP), put(optioned, IP),
  bytes(defragment6([IPv6(bytes.fromhex(x)) for x in pieces6])).hex(),
]))`;
  const whole = build(
    ipv4({ src: '192.0.2.1', dst: '192.0.2.2', id: 77 }),
    icmp.echo({ id: 1 }),
    payload(body),
  );
  const input = JSON.stringify([whole.toString('hex'), hex(ours), hex(with_options), hex(ours6)]);
  const { stdout, stderr } = spawnSync(python, ['-c', program], { encoding: 'utf8', input });
  if (stdout === '') throw new Error(stderr);
  const [theirs, first, second, third] = JSON.parse(stdout) as [string[], string, string, string];
  expect(hex(ours)).toEqual(theirs);
  expect(first).toBe(whole.toString('hex'));
  expect(second).toBe(build(...layers).toString('hex'));
  expect(third).toBe(build(...layers6).toString('hex'));
});

it('tshark follows the same streams: out of order, repeated, around 2^32', { timeout }, (ctx) => {
  need(ctx, 'tshark');
  const path = join(folder, 'streams.pcap');
  const writer = packet.write_capture(path, { linktype: packet.LINKTYPE_RAW });
  const hosts = ['192.0.2.1', '192.0.2.2'] as const;
  const send = (from: 0 | 1, fields: packet.TcpFields, data: Uint8Array = Buffer.alloc(0)) => {
    const [src, dst] = from === 0 ? hosts : [hosts[1], hosts[0]];
    const ports = from === 0 ? { src_port: 4000, dst_port: 7 } : { src_port: 7, dst_port: 4000 };
    writer.write(build(ipv4({ src, dst }), tcp({ ...ports, flags: tcp.ACK, ...fields }), payload(data)));
  };
  const isn = 2 ** 32 - 700;
  const at = (offset: number) => (isn + 1 + offset) >>> 0;
  const text = Buffer.from('0123456789'.repeat(300));
  send(0, { seq: isn, flags: tcp.SYN });
  send(1, { seq: 50, ack: at(0), flags: tcp.SYN | tcp.ACK });
  send(0, { seq: at(0), ack: 51 });
  for (const [start, end] of [
    [0, 500],
    [1000, 1500],
    [500, 1000],
    [500, 1000],
    [1400, 2000],
    [2000, 3000],
  ] as const)
    send(0, { seq: at(start), ack: 51 }, text.subarray(start, end));
  send(1, { seq: 51, ack: at(3000) }, Buffer.from('an answer'));
  send(0, { seq: at(3000), ack: 60, flags: tcp.ACK | tcp.FIN });
  send(1, { seq: 60, ack: at(3001), flags: tcp.ACK | tcp.FIN });
  send(0, { seq: at(3001), ack: 61 });
  writer.close();
  const parts = [...streams(read_capture(path))];
  const side = (from: string) =>
    Buffer.concat(parts.filter((part) => part.from === from).map(({ data }) => data));
  expect(side('client').equals(text)).toBe(true);
  const follow = spawnSync('tshark', ['-r', path, '-q', '-z', 'follow,tcp,raw,0'], {
    encoding: 'utf8',
  }).stdout;
  const lines = data_lines(follow);
  expect(lines.filter((line) => !line.startsWith('\t')).join('')).toBe(side('client').toString('hex'));
  expect(
    lines
      .filter((line) => line.startsWith('\t'))
      .join('')
      .replaceAll('\t', ''),
  ).toBe(side('server').toString('hex'));
});

/** The lines of data of `tshark -z follow`: those of the server begin with a tab. */
function data_lines(follow: string): string[] {
  return follow.split('\n').filter((line) => /^\t?[0-9a-f]+$/.test(line));
}
