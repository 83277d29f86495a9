// The lines of sniff beside those of tcpdump for messages of many forms, with -v to -vvv: generated ones as they are, with bytes that
// are changed, and broken off anywhere. What breaks off has tcpdump's marks: [|domain], (invalid) and others.
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import * as packet from '../../lib/packet/index.js';
import { link_packets } from '../fuzz/link_packets.js';
import { service_packets } from '../fuzz/packets.js';
import { Random } from '../platform/cli/line_packets.js';
import { lines_of, tcpdump_missing } from './tcpdump_lines.js';

const SEED = Number(process.env.LINES_SEED ?? 11);
/** Packets of each kind. */
const COUNT = Number(process.env.LINES_COUNT ?? 200);
const OPTIONS = [[], ['-v'], ['-vv'], ['-vvv', '-e']];

type Layers = readonly packet.Draft[];
interface Sample {
  readonly bytes: Buffer;
  /** Bytes at the beginning that stay as they are, so that the message is what is told: the headers below it. */
  readonly kept: number;
  /** Bytes at the end that stay: a frame in a tunnel, whose damage is another test's. */
  readonly frame?: number | undefined;
}

/** What carries the messages of ports, and its bytes. */
const CARRIERS = [
  [packet.ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }), 20],
  [packet.ipv6({ src: 'fe80::1', dst: 'fe80::2' }), 40],
] as const;

function sampled(
  packets: fc.Arbitrary<{ linktype: number; layers: packet.Draft[] }>,
  count: number,
): Layers[] {
  return fc.sample(packets, { seed: SEED, numRuns: count }).map(({ layers }) => layers);
}

/** Bytes of the frames in tunnels: Ethernet, IPv4, UDP and two more. */
const FRAME = 14 + 20 + 8 + 2;

/** Messages of ports; those in TCP are one of DNS each, as tcpdump expects it. */
function services(): Sample[] {
  return sampled(service_packets, COUNT).map(([, transport, ...layers], i) => {
    const [carrier, size] = CARRIERS[i % 2] ?? CARRIERS[0];
    const is_tcp = transport?.layer === 'tcp';
    const below = is_tcp ? packet.tcp({ dst_port: 53, flags: packet.tcp.PSH }) : transport;
    const bytes = packet.build(
      carrier,
      ...(below === undefined ? [] : [below]),
      ...layers.slice(0, is_tcp ? 1 : 9),
    );
    const is_tunnel = layers.length > 1 && !is_tcp;
    return { bytes, kept: size + (is_tcp ? 20 : 8), frame: is_tunnel ? FRAME : 0 };
  });
}

/** Messages near the link, of a link type, that have a layer with one of these names in it, and no IP if they are to be damaged. */
function links(linktype: number, names: readonly packet.LayerName[], kept: number): Sample[] {
  const wanted = link_packets.filter(
    (one) =>
      one.linktype === linktype &&
      one.layers.some(({ layer }) => names.includes(layer as packet.LayerName)) &&
      !one.layers.some(({ layer }) => layer === 'udp'),
  );
  return sampled(wanted, COUNT).map((layers) => {
    const tags = layers.filter(({ layer }) => layer === 'vlan').length;
    return { bytes: packet.build(...layers), kept: kept + 4 * tags };
  });
}

const { LINKTYPE_ETHERNET, LINKTYPE_PPP, LINKTYPE_RAW } = packet;
const SOURCES: readonly [name: string, linktype: number, samples: () => Sample[]][] = [
  ['messages of ports', LINKTYPE_RAW, services],
  ['STP', LINKTYPE_ETHERNET, () => links(LINKTYPE_ETHERNET, ['stp'], 17)],
  ['LLDP', LINKTYPE_ETHERNET, () => links(LINKTYPE_ETHERNET, ['lldp'], 14)],
  ['CDP', LINKTYPE_ETHERNET, () => links(LINKTYPE_ETHERNET, ['cdp'], 22)],
  ['PPPoE', LINKTYPE_ETHERNET, () => links(LINKTYPE_ETHERNET, ['pppoed'], 14)],
  ['PPP', LINKTYPE_PPP, () => links(LINKTYPE_PPP, ['lcp', 'ipcp', 'ipv6cp', 'pap', 'chap'], 4)],
  ['SCTP and VRRP', LINKTYPE_RAW, () => links(LINKTYPE_RAW, ['sctp', 'vrrp'], 20)],
];

/** The same with a few bytes behind the headers changed. */
function damaged(samples: readonly Sample[]): Buffer[] {
  const random = new Random(SEED);
  return samples.map(({ bytes, kept, frame = 0 }) => {
    const copy = Buffer.from(bytes);
    const room = bytes.length - frame - kept;
    for (let i = 0; i < 3 && room > 0; i++)
      copy[kept + random.below(room)] = random.one([0, 1, 0x40, 0x80, 0xc0, 0xff, random.below(256)]);
    return copy;
  });
}

/** The same broken off behind the headers. */
function cut(samples: readonly Sample[]): Buffer[] {
  const random = new Random(SEED);
  return samples.map(({ bytes, kept }) => bytes.subarray(0, kept + random.below(bytes.length - kept + 1)));
}

/** What differs for a reason, which docs/command.md says: a total length of 0 in IPv4, telephone signalling and ForCES in SCTP. */
const KNOWN = /IP bad-len 0\b|PPID M3UA|ForCES/;

/** The lines that differ, theirs beside ours. */
function differing({
  ours,
  theirs,
}: {
  ours: string[];
  theirs: string[];
}): { theirs: string; ours?: string | undefined }[] {
  expect(ours).toHaveLength(theirs.length);
  return theirs.flatMap((line, i) =>
    line === ours[i] || KNOWN.test(line) ? [] : [{ theirs: line, ours: ours[i] }],
  );
}

beforeEach((ctx) => {
  const missing = tcpdump_missing();
  if (missing !== undefined) ctx.skip(missing);
});

describe.for(SOURCES)('%s', { timeout: 120_000 }, ([, linktype, make]) => {
  const samples = make();
  const whole = samples.map(({ bytes }) => bytes);
  test.for(OPTIONS)('as tcpdump tells them: %s', (options) => {
    expect(differing(lines_of(linktype, whole, options))).toEqual([]);
  });

  test.for(OPTIONS)('damaged: %s', (options) => {
    expect(differing(lines_of(linktype, damaged(samples), options))).toEqual([]);
  });

  test.for(OPTIONS)('cut by the capture: %s', (options) => {
    const lengths = whole.map(({ length }) => length);
    expect(differing(lines_of(linktype, cut(samples), options, lengths))).toEqual([]);
  });
});
