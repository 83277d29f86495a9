// Live filters in the kernel: frames with and without VLAN tags, on an interface beside tcpdump's programs, and on a cooked socket.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import {
  arp,
  build,
  compile_filter,
  type Draft,
  ethernet,
  FilterError,
  icmp,
  ipv4,
  ipv6,
  LINKTYPE_LINUX_SLL2,
  matches,
  payload,
  tcp,
  udp,
  vlan,
} from 'bsd-sockets/packet';
import { beforeAll, describe, expect, test } from 'vitest';
import { has, missing_for_topology } from './cli/topology.js';

const missing = missing_for_topology() ?? (has('tcpdump') ? undefined : 'needs tcpdump');
const FIXTURE = fileURLToPath(new URL('fixtures/filters.mjs', import.meta.url));

const EXPRESSIONS = [
  'ip',
  'arp',
  'not arp',
  'icmp or arp',
  'stp',
  'not stp',
  'vlan',
  'not vlan',
  'vlan 10',
  'vlan 10 and icmp',
  'vlan 10 and arp',
  'vlan 100 and vlan 20',
  'vlan 100 and vlan 20 and icmp',
  'vlan and tcp dst port 443',
  'vlan and ip6',
  'vlan or arp',
  'tcp port 80',
  'udp port 53 and host 10.0.0.1',
  'ip6 host 2001:db8::1',
  'icmp[icmptype] = icmp-echo',
  'tcp[tcpflags] & tcp-syn != 0',
  'ip[2:2] > 60',
  'ether multicast',
  'ether src 02:00:00:00:00:07',
  'inbound',
  'outbound',
  'less 60',
  'ether proto 0x0806',
  'broadcast or vlan',
  'llc',
];

const link = (dst = '02:00:00:00:00:08') => ethernet({ src: '02:00:00:00:00:07', dst });
const ip = () => ipv4({ src: '10.0.0.1', dst: '10.0.0.2' });
const data = payload('data');
const packets: Draft[][] = [
  [link(), ip(), icmp.echo({ id: 1 }), data],
  [link(), ip(), tcp({ dst_port: 80, flags: 2 }), data],
  [link(), ip(), tcp({ src_port: 80, flags: 16 }), payload(Buffer.alloc(100))],
  [link(), ip(), udp({ dst_port: 53 }), data],
  [link(), ipv6({ src: '2001:db8::1', dst: '2001:db8::2' }), udp({ dst_port: 53 }), data],
  [link('ff:ff:ff:ff:ff:ff'), arp({ sender_ip: '10.0.0.1', target_ip: '10.0.0.2' }), data],
  [link(), vlan({ id: 10 }), ip(), icmp.echo({ id: 1 }), data],
  [link(), vlan({ id: 10, priority: 3 }), arp({ sender_ip: '10.0.0.1' }), data],
  [link(), vlan({ id: 20 }), ip(), tcp({ dst_port: 443, flags: 2 }), data],
  [link(), vlan({ id: 100 }), vlan({ id: 20 }), ip(), icmp.echo({ id: 1 }), data],
  [link(), vlan({ id: 100 }), ipv6({ src: '2001:db8::1' }), udp({ dst_port: 53 }), data],
];
/** A frame with an LLC header: its length, then STP's service access points. */
const stp = Buffer.concat([Buffer.from('0180c20000000200000000070026424203', 'hex'), Buffer.alloc(35)]);
const frames = [...packets.map((layers) => build(...layers)), stp].map((frame, i) =>
  // The last two bytes are the number of the frame; they are behind the packet.
  Buffer.concat([frame, Buffer.alloc(Math.max(0, 58 - frame.length)), Buffer.from([0xee, i])]),
);
const number_of = (frame: Buffer) => frame.readUInt16BE(frame.length - 2);

interface Result {
  readonly expression: string;
  readonly ours: number[];
  readonly theirs: number[];
  readonly cooked?: number[];
}
let results: Result[] = [];

beforeAll(() => {
  if (missing !== undefined) return;
  const input = JSON.stringify({
    expressions: EXPRESSIONS,
    frames: frames.map((each) => each.toString('hex')),
  });
  const { stdout, stderr, status } = spawnSync('unshare', ['-n', process.execPath, FIXTURE], {
    input,
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (status !== 0) throw new Error(stderr);
  results = JSON.parse(stdout) as Result[];
}, 90_000);

/** Returns a frame as sniff writes it on all interfaces: a cooked header, and what follows the Ethernet header. */
function cooked(frame: Buffer): Buffer {
  const head = Buffer.alloc(20);
  const type = frame.readUInt16BE(12);
  head.writeUInt16BE(type < 1536 ? 4 : type);
  return Buffer.concat([head, frame.subarray(14)]);
}

/** What the kernel knows and the frame does not say, and the length, which is that of other bytes. */
const BESIDE_THE_FRAME = /inbound|outbound|less/;

describe('in the kernel', () => {
  test.for(EXPRESSIONS)('%s', (expression, ctx) => {
    if (missing !== undefined) ctx.skip(missing);
    const result = results.find((each) => each.expression === expression);
    if (result === undefined) throw new Error('no result');
    expect(result.ours).toEqual(result.theirs);
    if (result.cooked === undefined) {
      expect(() => compile_filter(expression, { linktype: LINKTYPE_LINUX_SLL2, live: true })).toThrow(
        FilterError,
      );
      return;
    }
    if (BESIDE_THE_FRAME.test(expression)) return;
    const program = compile_filter(expression, { linktype: LINKTYPE_LINUX_SLL2 });
    // With the tag kept beside a packet, a filter without the word vlan sees the packet as if it had none.
    const shown = expression.includes('vlan') ? frames : frames.map(without_tag);
    const expected = shown.filter((frame) => matches(program, cooked(frame))).map(number_of);
    expect(result.cooked).toEqual(expected);
  });

  test('the numbers of packets are right', (ctx) => {
    if (missing !== undefined) ctx.skip(missing);
    const counts = Object.fromEntries(results.map(({ expression, ours }) => [expression, ours.length]));
    expect(counts).toMatchObject({
      vlan: 5,
      'not vlan': 7,
      'vlan 10': 2,
      'vlan 100 and vlan 20': 1,
      stp: 1,
      arp: 2,
    });
    const on_all = Object.fromEntries(results.map((each) => [each.expression, each.cooked?.length]));
    expect(on_all).toMatchObject({
      vlan: 5,
      'vlan 10': 2,
      'vlan 100 and vlan 20': 1,
      stp: 1,
      arp: 2,
      'not arp': 10,
    });
  });
});

function without_tag(frame: Buffer): Buffer {
  if (frame.readUInt16BE(12) !== 0x8100) return frame;
  return Buffer.concat([frame.subarray(0, 12), frame.subarray(16)]);
}
