/**
 * parse() takes anything: arbitrary bytes, valid packets that are cut, flipped, or spliced. It never throws and never looks at what is
 * not the packet's. And it is the inverse of build().
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { answers, fits, questions } from '../../lib/packet/exchange/answers.js';
import {
  build,
  type Draft,
  fragment,
  hexdump,
  LINKTYPE_RAW,
  parse,
  reassemble,
  show,
  streams,
} from '../../lib/packet/index.js';
import { all_packets as packets, service_packets } from './packets.js';

const SECONDS = Number(process.env.FUZZ_SECONDS ?? 1);
/** As many runs as fit into the time; set FUZZ_SECONDS to look for bugs. */
const bounded = { numRuns: 1e9, interruptAfterTimeLimit: SECONDS * 1000 };
const timeout = 20_000 + 3000 * SECONDS;
const linktypes = fc.constantFrom(
  ...[0, 1, 9, 12, 14, 50, 51, 101, 105, 108, 113, 127, 227, 228, 229, 239, 253, 276, 9999],
);

/** Parses bytes that lie between others: different ones each time, so that a look beyond would make a difference. */
function parse_safely(bytes: Uint8Array, linktype: number, length: number) {
  const [first, second] = [0x00, 0xff].map((filling) => {
    const memory = Buffer.alloc(bytes.length + 64, filling);
    memory.set(bytes, 31);
    return parse(memory.subarray(31, 31 + bytes.length), { linktype, length });
  });
  expect(second).toEqual(first);
  return first;
}

/** Checks the properties of any result of parse. */
function check(bytes: Uint8Array, linktype: number, length = bytes.length): void {
  const parsed = parse_safely(bytes, linktype, length);
  if (parsed === undefined) throw new Error('not parsed');
  // 64, and what is left behind them.
  expect(parsed.layers.length).toBeLessThanOrEqual(65);
  expect(parsed.truncated).toBe(length > bytes.length);
  for (const { offset } of parsed.problems) expect(offset).toBeLessThanOrEqual(bytes.length);
  expect(show(parsed)).toBeTypeOf('string');
  // send_receive looks for answers in any packet.
  for (const key of [...questions(parsed.layers), ...answers(parsed.layers)])
    expect(key).toBeTypeOf('string');
  expect(fits(parsed.layers, parsed.layers)).toBeTypeOf('boolean');
  // Any result of parse is built as it came.
  const built = Buffer.concat([build(...parsed.layers), parsed.trailer]);
  expect(hexdump(built)).toBe(hexdump(bytes));
}

describe('parse never throws', { timeout }, () => {
  test('on arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), linktypes, fc.nat(300), (bytes, linktype, more) => {
        check(bytes, linktype, bytes.length + more);
      }),
      bounded,
    );
  });

  test('on packets with bits flipped and bytes replaced', () => {
    const flips = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(packets, flips, ({ linktype, layers }, changes) => {
        const bytes = build(...layers);
        // Most of what matters stands in the first bytes.
        for (const [at, value] of changes) bytes[at % Math.min(bytes.length, 120)] = value;
        check(bytes, linktype);
      }),
      bounded,
    );
  });

  test('on messages in UDP and TCP with bits flipped, cut or not', () => {
    const flips = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(service_packets, flips, fc.option(fc.nat()), ({ layers }, changes, cut) => {
        const bytes = build(...layers);
        const start = bytes.length - build(...layers.slice(2)).length;
        for (const [at, value] of changes) bytes[start + (at % (bytes.length - start))] = value;
        const part = cut === null ? bytes : bytes.subarray(0, cut % bytes.length);
        check(part, LINKTYPE_RAW, bytes.length);
        check(part, LINKTYPE_RAW);
      }),
      bounded,
    );
  });

  test('on packets with bits flipped that are cut as well', () => {
    const flips = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(packets, flips, fc.nat(), fc.boolean(), ({ linktype, layers }, changes, cut, whole) => {
        const bytes = build(...layers);
        for (const [at, value] of changes) bytes[at % Math.min(bytes.length, 120)] = value;
        const part = bytes.subarray(0, cut % bytes.length);
        check(part, linktype, whole ? part.length : bytes.length);
      }),
      bounded,
    );
  });

  test('on packets that are cut: truncated where the capture did it, else malformed or short', () => {
    fc.assert(
      fc.property(packets, fc.nat(), ({ linktype, layers }, cut) => {
        const bytes = build(...layers);
        const part = bytes.subarray(0, cut % bytes.length);
        check(part, linktype);
        check(part, linktype, bytes.length);
        expect(parse(part, { linktype, length: bytes.length }).problems).toEqual([]);
      }),
      bounded,
    );
  });
});

test('reassemble and streams take any packets, and give bytes that were there', { timeout }, () => {
  const some = fc.array(fc.tuple(packets, fc.nat(), fc.nat(255)), { maxLength: 6 });
  fc.assert(
    fc.property(some, fc.integer({ min: 300, max: 1500 }), (list, mtu) => {
      const sequence = list.flatMap(([{ linktype, layers }, at, value]) => {
        const has_ip = layers.some(({ layer }) => layer === 'ipv4' || layer === 'ipv6');
        return (has_ip ? cut(layers, mtu) : [[...layers]]).map((one) => {
          const data = build(...one);
          data[at % data.length] = value;
          return { data, linktype, time_ns: BigInt(at) };
        });
      });
      const size = sequence.reduce((sum, { data }) => sum + data.length, 0);
      const bytes = [...reassemble(sequence)].reduce((sum, { data }) => sum + data.length, 0);
      expect(bytes).toBeLessThanOrEqual(size);
      const found = [...streams(reassemble(sequence))].reduce((sum, { data }) => sum + data.length, 0);
      expect(found).toBeLessThanOrEqual(size);
    }),
    bounded,
  );
});

/** Cuts a packet if it may be cut. */
function cut(layers: readonly Draft[], mtu: number): Draft[][] {
  try {
    return fragment(layers, mtu);
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
    return [[...layers]];
  }
}

describe('build and parse are inverse', { timeout }, () => {
  test('parse(build(x)) = x, with nothing wrong; build(parse(bytes)) = bytes', () => {
    fc.assert(
      fc.property(packets, ({ linktype, layers }) => {
        const bytes = build(...layers);
        const parsed = parse(bytes, { linktype });
        expect(parsed.problems).toEqual([]);
        expect(parsed.trailer).toHaveLength(0);
        expect(parsed.layers).toMatchObject(expected(layers));
        for (const layer of parsed.layers)
          if ('checksum_ok' in layer) expect(layer.checksum_ok).not.toBe(false);
        expect(hexdump(build(...parsed.layers))).toBe(hexdump(bytes));
      }),
      bounded,
    );
  });

  test('build(parse(bytes)) = bytes for all that is whole and well-formed, and its trailer', () => {
    fc.assert(
      fc.property(packets, fc.uint8Array({ maxLength: 20 }), ({ linktype, layers }, trailer) => {
        const bytes = Buffer.concat([build(...layers), trailer]);
        const parsed = parse(bytes, { linktype });
        expect(Buffer.concat([build(...parsed.layers), parsed.trailer])).toEqual(bytes);
      }),
      bounded,
    );
  });
});

/** Returns the expected result of parsing layers: padding may follow options, and data of no bytes are no layer. */
function expected(layers: readonly Draft[]): object[] {
  return layers
    .filter((layer) => layer.layer !== 'payload' || (layer.data as Uint8Array).length > 0)
    .map((layer) => {
      const result: Record<string, unknown> = { ...layer };
      if ('quoted' in layer && Array.isArray(layer.quoted)) result.quoted = expected(layer.quoted);
      for (const key of ['options', 'extensions']) {
        const list: unknown = result[key];
        if (Array.isArray(list)) result[key] = padded(list, key, layer.layer);
      }
      if (layer.layer === 'icmp' || layer.layer === 'icmpv6')
        if (layer.name === 'unknown') delete result.name;
      return result;
    });
}

/** Returns the expected options, with any padding behind them. */
function padded(list: readonly object[], key: string, layer: string): unknown {
  const items = list.map((item) =>
    'options' in item ? { ...item, options: padded(item.options as object[], 'options', '') } : item,
  );
  if (key === 'extensions' || layer === 'icmpv6') return items;
  return expect.toSatisfy((found: readonly object[]) => {
    expect(found.slice(0, items.length)).toMatchObject(items);
    return found
      .slice(items.length)
      .every((item) => 'name' in item && ['eol', 'padn', 'pad1'].includes(String(item.name)));
  });
}
