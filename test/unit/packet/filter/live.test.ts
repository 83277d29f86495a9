// Live programs: what the kernel keeps beside a packet takes the place of the bytes that a capture has.
import {
  compile_filter,
  FilterError,
  LINKTYPE_ETHERNET,
  LINKTYPE_LINUX_SLL,
  LINKTYPE_LINUX_SLL2,
  LINKTYPE_RAW,
  matches,
} from 'bsd-sockets/packet';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expression } from '../../../conformance/filters/generate.js';
import { type Kept, untagged, with_kept } from '../../../conformance/filters/kept.js';
import { sample } from '../../../conformance/filters/samples.js';

const SEED = 18;
const WHOLE = fc.sample(
  sample('ETHERNET').filter(({ data, length }) => data.length === length),
  { numRuns: 150, seed: SEED },
);
const nothing: Kept = { protocol: 0, packet_type: 0, interface_index: 0, tag: undefined };

const inner = [
  '',
  ' and ip',
  ' and ip6',
  ' and tcp port 80',
  ' and host 10.0.0.1',
  ' and arp',
  ' and stp',
].concat(
  ' and ip[9] = 17',
  ' and udp[0:2] = 53',
  ' and pppoes and ip',
  ' and mpls and ip',
  ' and geneve and ip',
  ' and ether src 02:00:00:00:00:01',
  ' and vlan 10',
  ' and vlan and tcp',
  ' and not ip',
);
const tagged = ['vlan', 'vlan 10', 'vlan 100', 'not vlan 1', 'vlan 4095'].flatMap((each) =>
  inner.map((more) => each + more),
);

describe('on an interface', () => {
  test.each([...tagged, 'not vlan', 'vlan or ip', 'vlan 10 or vlan 100'])('%s', (text) => {
    const live = compile_filter(text, { live: true });
    const offline = compile_filter(text);
    for (const { data } of WHOLE) {
      const seen = untagged(data);
      const verdict = matches(with_kept(live, { ...nothing, tag: seen.tag }), seen.data);
      // A driver may leave the tag in the packet.
      const left = matches(with_kept(live, nothing), data);
      const expected = matches(offline, data);
      expect([data.toString('hex'), verdict, left]).toEqual([data.toString('hex'), expected, expected]);
    }
  });

  test('without the word vlan, tags are not seen', () => {
    for (const text of ['ip', 'tcp port 80', 'arp', 'not ip6']) {
      expect(compile_filter(text, { live: true })).toEqual(compile_filter(text));
    }
  });

  test.each([
    ['inbound', 0, true],
    ['inbound', 4, false],
    ['outbound', 4, true],
    ['outbound', 3, false],
  ])('%s, a packet of type %i: %s', (text, packet_type, expected) => {
    for (const linktype of [LINKTYPE_ETHERNET, LINKTYPE_RAW, LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2]) {
      const program = compile_filter(text, { live: true, linktype });
      expect(matches(with_kept(program, { ...nothing, packet_type }), Buffer.alloc(0))).toBe(expected);
    }
  });

  test('ifindex', () => {
    const program = compile_filter('ifindex 7', { live: true });
    expect(matches(with_kept(program, { ...nothing, interface_index: 7 }), Buffer.alloc(0))).toBe(true);
    expect(matches(with_kept(program, { ...nothing, interface_index: 8 }), Buffer.alloc(0))).toBe(false);
  });
});

describe('on all interfaces', { timeout: 120_000 }, () => {
  const samples = fc.sample(
    sample('LINUX_SLL2').filter(({ data }) => data.length >= 20),
    { numRuns: 200, seed: SEED },
  );
  const expressions = fc
    .sample(expression('LINUX_SLL2'), { numRuns: 300, seed: SEED })
    // The kernel does not count a header that it has not.
    .filter((text) => !/len|less|greater/.test(text));

  test('the verdicts are those on the packet with its cooked header', () => {
    expect(expressions.length).toBeGreaterThan(30);
    let accepted = 0;
    for (const text of [
      ...expressions,
      'arp',
      'stp',
      'not arp',
      'llc',
      'link[0:2] = 0x806',
      'link[10] = 4',
    ]) {
      const live = compile_filter(text, { live: true, linktype: LINKTYPE_LINUX_SLL2 });
      const offline = compile_filter(text, { linktype: LINKTYPE_LINUX_SLL2 });
      for (const { data } of samples) {
        const kept: Kept = {
          protocol: data.readUInt16BE(0),
          interface_index: data.readUInt32BE(4),
          packet_type: data.readUInt8(10),
          tag: undefined,
        };
        const verdict = matches(with_kept(live, kept), data.subarray(20));
        if (verdict) accepted++;
        expect([text, data.toString('hex'), verdict]).toEqual([
          text,
          data.toString('hex'),
          matches(offline, data),
        ]);
      }
    }
    expect(accepted).toBeGreaterThan(1000);
  });

  test.each(tagged.filter((text) => !/ether|pppoes and ip/.test(text)))('%s', (text) => {
    const live = compile_filter(text, { live: true, linktype: LINKTYPE_LINUX_SLL2 });
    const offline = compile_filter(text, { linktype: LINKTYPE_LINUX_SLL2 });
    let accepted = 0;
    for (const { data } of WHOLE) {
      if (data.length < 18) continue;
      const seen = untagged(data);
      const protocol = cooked_type(seen.data);
      const kept = { ...nothing, protocol, tag: seen.tag };
      const verdict = matches(with_kept(live, kept), seen.data.subarray(14));
      if (verdict) accepted++;
      // The header of the capture, the tag put back by sniff, and the packet.
      const head = Buffer.alloc(20);
      head.writeUInt16BE(seen.tag === undefined ? protocol : data.readUInt16BE(12));
      const capture = Buffer.concat([head, data.subarray(14)]);
      expect([data.toString('hex'), verdict]).toEqual([data.toString('hex'), matches(offline, capture)]);
    }
    if (text === 'vlan' || text === 'vlan and ip') expect(accepted).toBeGreaterThan(5);
  });

  test('bytes of the cooked header that the kernel does not show are an error', () => {
    for (const [linktype, text, known] of [
      [LINKTYPE_LINUX_SLL2, 'link[12:4] = 1', 'link[0:2], link[4:4], link[8:2], link[10]'],
      [LINKTYPE_LINUX_SLL, 'link[6] = 1', 'link[0:2], link[2:2], link[14:2]'],
      [LINKTYPE_LINUX_SLL2, 'link[len] = 1', 'link[0:2]'],
    ] as const) {
      expect(() => compile_filter(text, { live: true, linktype })).toThrow(FilterError);
      expect(() => compile_filter(text, { live: true, linktype })).toThrow(`only ${known}`);
    }
  });
});

/** Returns the type that the kernel gives a frame. */
function cooked_type(frame: Buffer): number {
  const type = frame.readUInt16BE(12);
  if (type >= 1536) return type;
  return frame[14] === 0xff && frame[15] === 0xff ? 1 : 4;
}
