/** send_receive without a network: errors before anything is sent, and loopback. test/platform/send_receive.test.ts has a network. */
import { spawnSync } from 'node:child_process';
import {
  arp,
  build,
  ethernet,
  icmp,
  icmpv6,
  ipv4,
  ipv6,
  LINKTYPE_RAW,
  parse,
  payload,
  send_receive,
  tcp,
  udp,
} from 'bsd-sockets/packet';
import * as promises from 'bsd-sockets/promises';
import * as socket from 'bsd-sockets/socket';
import { describe, expect, test } from 'vitest';
import { NOBODY, needs_nobody } from '../../machine.js';

const there = { src: '127.0.0.1', dst: '127.0.0.1' };
const dist = new URL('../../../dist/', import.meta.url).href;

describe('refuses', () => {
  test.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'no array',
      () => send_receive(5 as never),
      /^TypeError: packets must be an array or another iterable, not 5/,
    ],
    [
      'layers',
      () => send_receive([ipv4(there), udp()] as never),
      /^TypeError: packets\[0\] must be an array of layers/,
    ],
    [
      'no link',
      () => send_receive([[udp()]]),
      /^TypeError: packets\[0\] must begin with ethernet, ipv4 or ipv6, not "udp"/,
    ],
    ['nothing', () => send_receive([[ipv4(there)], []]), /^TypeError: packets\[1\] must begin with/],
    [
      'no interface',
      () => send_receive([[ethernet(), arp()]]),
      /^TypeError: packets\[0\] begins with ethernet: interface must name/,
    ],
    [
      'a wrong field',
      () => send_receive([[ipv4({ ...there, ttl: 300 })]]),
      /^RangeError: ipv4.ttl must be between 0 and 255, not 300/,
    ],
    [
      'a checksum that the kernel replaces',
      () => send_receive([[ipv4({ ...there, checksum: 1 }), udp()]]),
      /^RangeError: packets\[0\]: the kernel replaces ipv4.checksum by the correct one; begin with ethernet/,
    ],
    [
      'a length that it replaces',
      () => send_receive([[ipv4({ ...there, total_length: 99 })]]),
      /replaces ipv4.total_length/,
    ],
    ['a time-out', () => send_receive([], { timeout: -1 }), /^RangeError: timeout must be 0 to/],
    ['an interval', () => send_receive([], { interval: Number.NaN }), /^RangeError: interval must be 0 to/],
    ['retries', () => send_receive([], { retries: 1.5 }), /^TypeError: retries must be an integer/],
    // @ts-expect-error no text
    ['an interface', () => send_receive([], { interface: 1 }), /^TypeError: interface must be a string/],
    [
      'an interface that is not there',
      () => send_receive([[ipv4(there)]], { interface: 'no-such' }),
      /^OSError: \[ENODEV\] if_nametoindex\("no-such"\): No such device; there is no such interface: `ip link` shows those/,
    ],
    [
      'an interface with a zero byte',
      () => send_receive([], { interface: 'lo\0' }),
      /^RangeError: interface must not contain a zero byte/,
    ],
    [
      'null for options',
      () => send_receive([], null as never),
      /^TypeError: options must be an object with timeout, /,
    ],
    // @ts-expect-error no signal
    ['a signal', () => send_receive([], { signal: 1 }), /^TypeError: signal must be an AbortSignal/],
  ])('%s', async (_, call, message) => {
    expect(String(await call().catch((error: unknown) => error))).toMatch(message);
  });

  test('without privilege, with what is missing', (ctx) => {
    needs_nobody(ctx);
    const program = `
      import(${JSON.stringify(`${dist}packet/index.mjs`)}).then(async ({ icmp, ipv4, ethernet, arp, send_receive }) => {
        const message = (packets) => send_receive(packets, { interface: 'lo' }).catch((error) => error.name + ': ' + error.message);
        console.log(JSON.stringify([await message([[ipv4({ dst: '127.0.0.1' }), icmp.echo()]]), await message([[ethernet(), arp()]])]));
      });`;
    const child = spawnSync(process.execPath, ['-e', program], {
      encoding: 'utf8',
      uid: NOBODY,
      gid: NOBODY,
      cwd: '/',
    });
    if (child.status !== 0) ctx.skip(`another user cannot read the package: ${child.stderr.slice(0, 200)}`);
    const [raw, packet] = JSON.parse(child.stdout);
    expect(raw).toMatch(
      /^PermissionError: \[EPERM\] socket\(AF_INET, SOCK_RAW, .*; raw sockets need CAP_NET_RAW \(run as root/,
    );
    expect(packet).toMatch(
      /^PermissionError: \[EPERM\] socket\(AF_PACKET, SOCK_RAW, 0\).*; packet sockets need CAP_NET_RAW/,
    );
  });
});

test('sockets that cannot be set up are closed', (ctx) => {
  if (process.getuid?.() !== 0) ctx.skip('needs root for CAP_NET_RAW');
  // In a process of its own, so that only its sockets are counted.
  const program = `
    import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
    const { arp, ethernet, icmp, icmpv6, ipv4, ipv6, send_receive } = await import(${JSON.stringify(`${dist}packet/index.mjs`)});
    const codes = [];
    const packets = [
      [ipv4({ dst: '127.0.0.1' }), icmp.echo()],
      [ipv6({ dst: '::1' }), icmpv6.echo()],
      [ethernet({ dst: '00:00:00:00:00:00' }), arp()],
    ];
    for (const packet of packets) {
      try {
        await send_receive([packet], { interface: 'no-such-device' });
      } catch ({ code }) {
        codes.push(code);
      }
    }
    const links = readdirSync('/proc/self/fd').map((fd) => {
      try {
        return readlinkSync('/proc/self/fd/' + fd);
      } catch {
        return '';
      }
    });
    const inodes = new Set(links.filter((link) => link.startsWith('socket:')).map((link) => link.slice(8, -1)));
    const tables = ['raw', 'raw6', 'packet'].map((name) => readFileSync('/proc/self/net/' + name, 'utf8')).join('');
    const open = tables.split(/\\s+/).filter((word) => inodes.has(word));
    console.log(JSON.stringify({ codes, open: open.length }));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({ codes: ['ENODEV', 'ENODEV', 'ENODEV'], open: 0 });
});

test('bytes and parsed packets are sent as they are', async (ctx) => {
  if (process.getuid?.() !== 0) ctx.skip('needs root for CAP_NET_RAW');
  const id = process.pid & 0xffff;
  const bytes = build(ipv4({ ...there, id: 1 }), icmp.echo({ id, seq: 7 }));
  const parsed = parse(build(ipv6({ src: '::1', dst: '::1' }), icmpv6.echo({ id, seq: 8 })), {
    linktype: LINKTYPE_RAW,
  });
  const frame = build(ethernet({ dst: '00:00:00:00:00:00' }), ipv4(there), icmp.echo({ id, seq: 9 }));
  const { answered, unanswered } = await send_receive([bytes, parsed], { timeout: 5 });
  expect(unanswered).toEqual([]);
  expect(new Set(answered.map(([sent]) => sent))).toEqual(new Set([bytes, parsed]));
  const wrong = build(ipv4({ ...there, checksum: 1 }), udp());
  await expect(send_receive([wrong])).rejects.toThrow(/^packets\[0\]: the kernel replaces ipv4.checksum/);
  await expect(send_receive([frame])).rejects.toThrow(/^packets\[0\] begins with ethernet/);
  await expect(send_receive([new Uint8Array(3)])).rejects.toThrow(/^packets\[0\] must begin with/);
});

test('on loopback: both versions, errors, an answer from the same port', async (ctx) => {
  if (process.getuid?.() !== 0) ctx.skip('needs root for CAP_NET_RAW');
  const closed = { src_port: 61_001, dst_port: 61_003 };
  const packets = [
    [ipv4({ dst: '127.0.0.1' }), icmp.echo({ id: process.pid & 0xffff, seq: 1 }), payload('data')],
    [ipv4({ dst: '127.0.0.1' }), tcp({ ...closed, flags: tcp.SYN })],
    [ipv4({ dst: '127.0.0.1' }), udp(closed)],
    [ipv4({ dst: '127.0.0.1' }), udp({ src_port: 61_004, dst_port: 61_004 })],
    [ipv6({ dst: '::1' }), icmpv6.echo({ id: process.pid & 0xffff, seq: 1 })],
  ];
  const { answered, unanswered } = await send_receive(packets, { timeout: 5 });
  expect(unanswered).toEqual([]);
  const found = packets.map((sent) => answered.find(([of]) => of === sent)?.[1].layers[1]);
  expect(found).toMatchObject([
    { name: 'echo_reply' },
    { layer: 'tcp', flags: tcp.RST | tcp.ACK },
    { name: 'destination_unreachable', code: 3 },
    { name: 'destination_unreachable', code: 3 },
    { name: 'echo_reply' },
  ]);
});

test('a redirect or a source quench is no answer: the reply that comes later is', async (ctx) => {
  if (process.getuid?.() !== 0) ctx.skip('needs root for CAP_NET_RAW');
  const ports = { src_port: 61_020, dst_port: 61_021 };
  const request = [ipv4({ ...there, id: 77 }), udp(ports), payload('question')];
  const server = promises.socket(socket.AF_INET, socket.SOCK_DGRAM);
  const raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP);
  try {
    await server.bind(['127.0.0.1', ports.dst_port]);
    const exchange = send_receive([request], { timeout: 5 });
    // An exchange that fails sends nothing.
    await Promise.race([server.recv(100), exchange]);
    const quoted = build(...request).subarray(0, 28);
    for (const message of [
      icmp.redirect({ code: 1, gateway: '127.0.0.9', quoted }),
      icmp.source_quench({ quoted }),
    ])
      raw.sendto(build(message), ['127.0.0.1', 0]);
    await server.sendto('answer', ['127.0.0.1', ports.src_port]);
    const { answered, unanswered, notices } = await exchange;
    expect(unanswered).toEqual([]);
    expect(
      answered.map(([of, received]) => [of === request, received.get('payload')?.data.toString()]),
    ).toEqual([[true, 'answer']]);
    expect(notices.map(([of, received]) => [of === request, received.get('icmp')?.name])).toEqual([
      [true, 'redirect'],
      [true, 'source_quench'],
    ]);
    expect(notices[0]?.[1].get('icmp')).toMatchObject({ gateway: '127.0.0.9', code: 1 });
  } finally {
    server.close();
    raw.close();
  }
});
