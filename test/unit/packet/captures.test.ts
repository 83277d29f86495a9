// read_capture and write_capture: every form of the two formats, sources and targets of every kind, and bytes that lie.
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  createReadStream,
  createWriteStream,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { type CapturedPacket, CaptureError, read_capture, write_capture } from 'bsd-sockets/packet';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open_links } from '../../descriptors.js';
import { slowness } from '../../machine.js';
import { Blocks, frame, MICROSECONDS, MODIFIED, NANOSECONDS, pcap, Writer } from './capture_files.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'captures-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const text = (value: string) => Buffer.from(value);
const packets = (source: Parameters<typeof read_capture>[0]) => [...read_capture(source)];

/** Returns the packets, and the error behind them. */
function outcome(source: Parameters<typeof read_capture>[0]): [CapturedPacket[], unknown] {
  const found: CapturedPacket[] = [];
  try {
    for (const packet of read_capture(source)) found.push(packet);
    return [found, undefined];
  } catch (error) {
    return [found, error];
  }
}

const packet = (data: Uint8Array, time_ns: bigint | undefined, more: Partial<CapturedPacket> = {}) => ({
  data: Buffer.from(data),
  time_ns,
  length: data.length,
  linktype: 1,
  interface: 0,
  section: 0,
  comments: [],
  ...more,
});

describe('pcap', () => {
  const records = [
    { sec: 1, fraction: 999_999, data: frame(1) },
    { sec: 0xffff_ffff, fraction: 0, data: frame(9).subarray(0, 20), length: 51 },
    { sec: 2, fraction: 3, data: new Uint8Array(0) },
  ];
  it.each([
    ['little-endian, microseconds', false, MICROSECONDS, 1000n],
    ['big-endian, microseconds', true, MICROSECONDS, 1000n],
    ['little-endian, nanoseconds', false, NANOSECONDS, 1n],
    ['big-endian, nanoseconds', true, NANOSECONDS, 1n],
    ['little-endian, modified', false, MODIFIED, 1000n],
    ['big-endian, modified', true, MODIFIED, 1000n],
  ] as const)('%s', (_, big, magic, unit) => {
    const capture = read_capture(pcap(big, magic, records, 113));
    expect(capture.format).toBeUndefined();
    expect([...capture]).toEqual([
      packet(frame(1), 1_000_000_000n + 999_999n * unit, { linktype: 113 }),
      packet(frame(9).subarray(0, 20), 0xffff_ffffn * 1_000_000_000n, { linktype: 113, length: 51 }),
      packet(new Uint8Array(0), 2_000_000_000n + 3n * unit, { linktype: 113 }),
    ]);
    expect(capture.format).toBe('pcap');
    expect(capture.interfaces).toEqual([{ linktype: 113, snaplen: 65_535 }]);
  });

  it('the flags above the link type are not part of it', () => {
    expect(packets(pcap(false, MICROSECONDS, records, 0x34000001))[0]?.linktype).toBe(1);
  });

  it('old versions have the lengths the other way around', () => {
    const file = pcap(false, MICROSECONDS, []);
    file.writeUInt16LE(2, 6);
    const record = new Writer(false).u32(1, 2, 70, 43).bytes(frame(1)).buffer;
    expect(packets(Buffer.concat([file, record]))[0]).toMatchObject({ length: 70, data: frame(1) });
    file.writeUInt16LE(3, 6);
    expect(packets(Buffer.concat([file, record]))[0]).toMatchObject({ length: 70, data: frame(1) });
  });
});

describe.each([
  ['little-endian', false],
  ['big-endian', true],
])('pcapng, %s', (_, big) => {
  const blocks = new Blocks(big);

  it('packets of every kind, interfaces, comments', () => {
    const capture = read_capture([
      blocks.section([[4, text('somebody')]]),
      blocks.interface(1, 0, [
        [2, text('eth0')],
        [3, text('the first')],
        [9, Buffer.of(9)],
      ]),
      blocks.interface(101, 60),
      blocks.packet(0, 1_700_000_000_123_456_789n, frame(1), 43, [
        [1, text('first comment')],
        [2, Buffer.alloc(4)],
        [1, text('größer')],
      ]),
      blocks.block(5, Buffer.alloc(12)),
      blocks.packet(1, 1_700_000_000_123_456n, frame(2), 99),
      blocks.simple(frame(3)),
      blocks.block(0x0bad, Buffer.alloc(1000, 7)),
      blocks.obsolete(1, 5n, frame(4), 46, [[1, text('old')]]),
      blocks.block(0x7fff_ffff, new Uint8Array(0)),
      blocks.packet(0, 2n ** 64n - 1n, new Uint8Array(0)),
    ]);
    expect([...capture]).toEqual([
      packet(frame(1), 1_700_000_000_123_456_789n, { comments: ['first comment', 'größer'] }),
      packet(frame(2), 1_700_000_000_123_456_000n, { linktype: 101, interface: 1, length: 99 }),
      packet(frame(3), undefined),
      packet(frame(4), 5000n, { linktype: 101, interface: 1, comments: ['old'] }),
      packet(new Uint8Array(0), 2n ** 64n - 1n),
    ]);
    expect(capture.format).toBe('pcapng');
    expect(capture.interfaces).toEqual([
      { linktype: 1, snaplen: 0, name: 'eth0', description: 'the first' },
      { linktype: 101, snaplen: 60 },
    ]);
  });

  it.each([
    [0, 7n, 7_000_000_000n],
    [3, 1234n, 1_234_000_000n],
    [6, 1n, 1000n],
    [9, 1n, 1n],
    [12, 1999n, 1n],
    [127, 2n ** 64n - 1n, 0n],
    [0x80, 7n, 7_000_000_000n],
    [0x80 | 1, 3n, 1_500_000_000n],
    [0x80 | 10, 1024n, 1_000_000_000n],
    [0x80 | 32, 2n ** 63n, 2n ** 31n * 1_000_000_000n],
    [0xff, 2n ** 64n - 1n, 0n],
  ])('resolution %i', (resolution, units, ns) => {
    const source = [
      blocks.section(),
      blocks.interface(1, 0, [[9, Buffer.of(resolution)]]),
      blocks.packet(0, units, frame(0)),
    ];
    expect(packets(source)[0]?.time_ns).toBe(ns);
  });

  it('offsets, also before 1970', () => {
    const file = (offset: bigint) => [
      blocks.section(),
      blocks.interface(1, 0, [[14, blocks.seconds(offset)]]),
      blocks.packet(0, 1n, frame(0)),
    ];
    expect(packets(file(1_000n))[0]?.time_ns).toBe(1_000_000_001_000n);
    expect(packets(file(-2n))[0]?.time_ns).toBe(-1_999_999_000n);
  });

  it('sections have interfaces, and a byte order, of their own', () => {
    const other = new Blocks(!big);
    const capture = read_capture([
      blocks.section(),
      blocks.interface(1, 0),
      blocks.packet(0, 1n, frame(1)),
      other.section(),
      other.interface(113, 0),
      other.packet(0, 2n, frame(2)),
      blocks.section(),
    ]);
    expect([...capture]).toEqual([
      packet(frame(1), 1000n),
      packet(frame(2), 2000n, { linktype: 113, section: 1 }),
    ]);
    expect(capture.interfaces).toEqual([]);
    const [found, error] = outcome([
      blocks.section(),
      blocks.interface(1, 0),
      other.section(),
      other.packet(0, 2n, frame(2)),
    ]);
    expect(found).toEqual([]);
    expect(error).toBeInstanceOf(CaptureError);
  });

  it('a simple packet is as long as its interface captures', () => {
    const start = [blocks.section(), blocks.interface(1, 50)];
    expect(packets([...start, blocks.simple(frame(8), 1000)])).toEqual([
      packet(frame(8), undefined, { length: 1000 }),
    ]);
    expect(packets([...start, blocks.simple(frame(5), 47)])[0]?.data).toEqual(frame(5));
  });
});

describe('what is malformed', () => {
  const little = new Blocks(false);
  const start = Buffer.concat([little.section(), little.interface(1, 0)]);
  const good = little.packet(0, 1n, frame(1));
  const patch = (bytes: Buffer, at: number, value: number) => {
    const copy = Buffer.from(bytes);
    copy.writeUInt32LE(value, at);
    return copy;
  };
  const record = pcap(false, MICROSECONDS, [{ sec: 1, fraction: 2, data: frame(1) }]);
  const [in_pcap, in_pcapng] = [record.length, start.length + good.length];

  it.each<[string, Buffer, number, number, RegExp]>([
    ['an empty file', Buffer.alloc(0), 0, 0, /empty/],
    ['three bytes', Buffer.alloc(3), 0, 0, /cut short/],
    ['another file', text('#!/bin/sh'), 0, 0, /neither pcap nor pcapng/],
    ['a version of pcap', patch(record, 4, 3), 0, 4, /version 3\.0/],
    ['a header cut short', record.subarray(0, 23), 0, 0, /cut short/],
    ['a record header cut short', Buffer.concat([record, Buffer.alloc(15)]), 1, in_pcap, /cut short/],
    ['a packet cut short', Buffer.concat([record, record.subarray(24, -1)]), 1, in_pcap, /cut short/],
    ['a giant packet', Buffer.concat([record, Buffer.alloc(24, 0xff)]), 1, in_pcap, /4294967295 bytes/],
    ['a section without byte order', patch(start, 8, 0), 0, 8, /byte order/],
    ['a version of pcapng', patch(start, 12, 2), 0, 12, /version 2\.0/],
    [
      'a section of 24 bytes',
      little.block(0x0a0d0d0a, Buffer.from('4d3c2b1a01000000aabbccdd', 'hex')),
      0,
      0,
      /short/,
    ],
    ['a block of 4 bytes', Buffer.concat([start, good, patch(good, 4, 4)]), 1, in_pcapng + 4, /a block of 4/],
    [
      'a block of 13 bytes',
      Buffer.concat([start, good, patch(good, 4, 13)]),
      1,
      in_pcapng + 4,
      /a block of 13/,
    ],
    ['a giant block', Buffer.concat([start, good, patch(good, 4, 0xffff_fffc)]), 1, in_pcapng + 4, /at most/],
    [
      'another length at the end',
      Buffer.concat([start, patch(good, good.length - 4, 80)]),
      0,
      start.length + good.length - 4,
      /says 80 at its end/,
    ],
    ['a block cut short', Buffer.concat([start, good, good.subarray(0, 20)]), 1, in_pcapng, /cut short/],
    [
      'an unknown block cut short',
      Buffer.concat([start, good, little.block(77, good).subarray(0, -1)]),
      1,
      in_pcapng,
      /cut short/,
    ],
    [
      'an interface that is not there',
      Buffer.concat([start, good, patch(good, 8, 1)]),
      1,
      in_pcapng,
      /interface 1/,
    ],
    ['no interface at all', Buffer.concat([little.section(), little.simple(frame(1))]), 0, 28, /interface 0/],
    [
      'a packet longer than its block',
      Buffer.concat([start, patch(good, 20, 45)]),
      0,
      start.length,
      /45 bytes in a block with 44/,
    ],
    [
      'a simple packet longer than its block',
      Buffer.concat([start, little.simple(frame(1), 99)]),
      0,
      start.length,
      /99 bytes/,
    ],
    [
      'a packet block without room',
      Buffer.concat([start, little.block(6, Buffer.alloc(16))]),
      0,
      start.length,
      /too short/,
    ],
    [
      'an interface without room',
      Buffer.concat([little.section(), little.block(1, Buffer.alloc(4))]),
      0,
      28,
      /too short/,
    ],
    [
      'an option beyond its block',
      Buffer.concat(
        [start, little.packet(0, 1n, frame(1), 43, [[1, Buffer.alloc(4)]])].map((b, i) =>
          i === 1
            ? (() => {
                const c = Buffer.from(b);
                c.writeUInt16LE(99, 28 + 44 + 2);
                return c;
              })()
            : b,
        ),
      ),
      0,
      start.length + 72,
      /option of 99/,
    ],
    [
      'a resolution of two bytes',
      Buffer.concat([little.section(), little.interface(1, 0, [[9, Buffer.alloc(2)]])]),
      0,
      44,
      /option 9/,
    ],
  ])('%s', (_, bytes, count, offset, message) => {
    const [found, error] = outcome(bytes);
    expect(found).toHaveLength(count);
    expect(error).toBeInstanceOf(CaptureError);
    expect(error).toMatchObject({ name: 'CaptureError', offset, message: expect.stringMatching(message) });
    expect((error as Error).message).toContain(`byte ${offset}`);
  });

  it('interfaces without end', () => {
    function* flood() {
      yield little.section();
      const many = Buffer.concat(Array<Buffer>(1000).fill(little.interface(1, 0)));
      for (let i = 0; i < 100; i++) yield many;
    }
    expect(outcome(flood())[1]).toMatchObject({ message: expect.stringContaining('65536 interfaces') });
  });

  it('a block that nobody wants is not kept, however long', () => {
    const chunk = Buffer.alloc(1 << 20);
    const megabytes = 600;
    const size = 12 + megabytes * chunk.length;
    function* source() {
      yield start;
      yield new Writer(false).u32(4711, size).buffer;
      for (let i = 0; i < megabytes; i++) yield chunk;
      yield new Writer(false).u32(size).buffer;
      yield good;
    }
    const before = process.memoryUsage().arrayBuffers;
    expect(packets(source())).toHaveLength(1);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 << 20);
  });

  it('a large block in chunks of one byte takes no longer than it should', {
    timeout: 60_000 * slowness,
  }, () => {
    const data = Buffer.alloc(1_000_000, 1);
    function* bytes() {
      const file = Buffer.concat([start, little.packet(0, 1n, data)]);
      const one = new Uint8Array(1);
      for (const byte of file) {
        one[0] = byte;
        yield one;
      }
    }
    expect(packets(bytes())[0]?.data.equals(data)).toBe(true);
  });
});

describe('sources', () => {
  const file = pcap(false, NANOSECONDS, [
    { sec: 1, fraction: 1, data: frame(1) },
    { sec: 2, fraction: 2, data: frame(65_400) },
    { sec: 3, fraction: 3, data: frame(3) },
  ]);
  // Compared as text: bytes are compared one by one.
  const shown = (found: readonly CapturedPacket[]) =>
    found.map((one) => ({ ...one, data: one.data.toString('latin1') }));
  const expected = shown([
    packet(frame(1), 1_000_000_001n),
    packet(frame(65_400), 2_000_000_002n),
    packet(frame(3), 3_000_000_003n),
  ]);
  const packets = (source: Parameters<typeof read_capture>[0]) => shown([...read_capture(source)]);
  const gather = async (source: Parameters<typeof read_capture>[0]) => {
    const found: CapturedPacket[] = [];
    for await (const one of read_capture(source)) found.push(one);
    return shown(found);
  };
  let path: string;
  beforeAll(() => {
    path = join(folder, 'source.pcap');
    writeFileSync(path, file);
  });
  /** How often this process has the file open. */
  const descriptors = () => open_links().filter((link) => link === path).length;

  it('a path, more than once, also as a URL', async () => {
    const capture = read_capture(path);
    expect(shown([...capture])).toEqual(expected);
    expect(shown([...capture])).toEqual(expected);
    expect(await gather(path)).toEqual(expected);
    expect(packets(pathToFileURL(path))).toEqual(expected);
    for (const _ of capture) break;
    for await (const _ of capture) break;
    expect(descriptors()).toBe(0);
    expect(() => packets(join(folder, 'none'))).toThrow(/ENOENT/);
    await expect(gather(join(folder, 'none'))).rejects.toThrow(/ENOENT/);
    expect(() => packets(folder)).toThrow(/EISDIR/);
    expect(descriptors()).toBe(0);
  });

  it('a descriptor, which stays open', async () => {
    let fd = openSync(path, 'r');
    expect(packets(fd)).toEqual(expected);
    closeSync(fd);
    fd = openSync(path, 'r');
    expect(await gather(fd)).toEqual(expected);
    closeSync(fd);
  });

  it('a pipe that does not block', async () => {
    const script = `import os,subprocess,sys,time
r,w=os.pipe(); os.set_blocking(r, False)
p=subprocess.Popen(sys.argv[1:], stdin=r); data=bytes.fromhex(sys.stdin.read())
for i in range(0, 90, 30): time.sleep(0.1); os.write(w, data[i:i+30])
os.close(w); sys.exit(p.wait())`;
    const small = pcap(false, NANOSECONDS, [{ sec: 1, fraction: 1, data: frame(1) }]).toString('hex');
    for (const loop of ['for', 'for await']) {
      const program = `import { read_capture } from 'bsd-sockets/packet'; ${loop} (const p of read_capture(0)) console.log(p.data.length);`;
      const argv = ['-c', script, process.execPath, '--input-type=module', '-e', program];
      const { stdout, stderr, error } = spawnSync('python3', argv, { input: small, encoding: 'utf8' });
      if (error === undefined) expect([stdout, stderr]).toEqual(['43\n', '']);
    }
  });

  it('bytes, whole and in chunks of any kind', async () => {
    expect(packets(file)).toEqual(expected);
    expect(packets(Uint8Array.from(file).buffer)).toEqual(expected);
    expect(packets([file.subarray(0, 30), new DataView(Uint8Array.from(file.subarray(30)).buffer)])).toEqual(
      expected,
    );
    expect(await gather(file)).toEqual(expected);
    expect(await gather([file.subarray(0, 1), file.subarray(1)])).toEqual(expected);
    expect(await gather(createReadStream(path, { highWaterMark: 17 }))).toEqual(expected);
    const web = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(file);
        controller.close();
      },
    });
    expect(await gather(web)).toEqual(expected);
  });

  it('memory that the source uses again', () => {
    function* reused() {
      const memory = new Uint8Array(100);
      for (let at = 0; at < file.length; at += memory.length) {
        const count = Math.min(memory.length, file.length - at);
        memory.set(file.subarray(at, at + count));
        yield memory.subarray(0, count);
        memory.fill(0xee);
      }
    }
    expect(packets(reused())).toEqual(expected);
  });

  it('what the source throws comes through, and a loop that ends early ends the source', () => {
    let ended = false;
    function* source() {
      try {
        yield file;
        throw new Error('out of bytes');
      } finally {
        ended = true;
      }
    }
    expect(() => packets(source())).toThrow('out of bytes');
    ended = false;
    for (const _ of read_capture(source())) break;
    expect(ended).toBe(true);
  });

  it('misuse', async () => {
    for (const wrong of [null, undefined, {}, true, 1n, Symbol('s'), () => {}]) {
      // @ts-expect-error no source
      expect(() => read_capture(wrong)).toThrow(TypeError);
    }
    for (const wrong of [-1, 2 ** 31, Number.NaN, 1.5]) expect(() => read_capture(wrong)).toThrow();
    expect(() => packets(createReadStream(path))).toThrow(/for await/);
    // @ts-expect-error chunks are bytes
    expect(() => packets(['text'])).toThrow(/source: chunk must be bytes/);
    // @ts-expect-error chunks are bytes
    await expect(gather([1])).rejects.toThrow(TypeError);
    await expect(gather(createReadStream(path, { encoding: 'utf8' }))).rejects.toThrow(TypeError);
  });
});

describe('any bytes, cut anywhere', () => {
  const any_option = fc.tuple(fc.constantFrom(1, 2, 9, 14, 77), fc.uint8Array({ maxLength: 9 }));
  const any_file = fc.oneof(
    fc
      .tuple(
        fc.boolean(),
        fc.constantFrom(MICROSECONDS, NANOSECONDS, MODIFIED),
        fc.array(
          fc.record({
            sec: fc.nat(2 ** 32 - 1),
            fraction: fc.nat(2 ** 32 - 1),
            data: fc.uint8Array({ maxLength: 60 }),
            length: fc.nat(2 ** 32 - 1),
          }),
          { maxLength: 5 },
        ),
      )
      .map(([big, magic, records]) => pcap(big, magic, records)),
    fc
      .tuple(
        fc.boolean(),
        fc.array(
          fc.tuple(
            fc.nat(6),
            fc.uint8Array({ maxLength: 40 }),
            fc.array(any_option, { maxLength: 2 }),
            fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
          ),
          { maxLength: 8 },
        ),
      )
      .map(([big, rows]) => {
        const b = new Blocks(big);
        const body = rows.map(([kind, data, options, units]) => {
          if (kind === 0) return b.section(options);
          if (kind === 1) return b.interface(1, 30, options);
          if (kind === 2) return b.simple(data);
          if (kind === 3) return b.obsolete(0, units, data, data.length, options);
          if (kind === 4) return b.block(99, data, options);
          return b.packet(0, units, data, 1000, options);
        });
        return Buffer.concat([b.section(), b.interface(1, 0), ...body]);
      }),
    fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
  );
  const mutated = fc
    .tuple(any_file, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.option(fc.nat()))
    .map(([file, changes, cut]) => {
      const copy = Buffer.from(file);
      for (const [at, value] of changes) if (copy.length > 0) copy[at % copy.length] = value;
      return cut === null ? copy : copy.subarray(0, cut % (copy.length + 1));
    });

  it('gives packets, then at most a CaptureError', { timeout: 120_000 * slowness }, () => {
    fc.assert(
      fc.property(mutated, (bytes) => {
        const [found, error] = outcome(bytes);
        if (error !== undefined) {
          expect(error).toBeInstanceOf(CaptureError);
          expect((error as CaptureError).offset).toBeLessThanOrEqual(bytes.length);
        }
        for (const { data } of found) expect(data.length).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 2000 },
    );
  });

  it('gives the same however it is cut', { timeout: 120_000 * slowness }, async () => {
    await fc.assert(
      fc.asyncProperty(
        mutated,
        fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 20 }),
        async (bytes, cuts) => {
          const chunks: Buffer[] = [];
          let at = 0;
          for (const cut of cuts) {
            chunks.push(bytes.subarray(at, at + cut));
            at += cut;
          }
          chunks.push(bytes.subarray(at));
          const whole = outcome(bytes);
          expect(outcome(chunks)).toEqual(whole);
          const later: CapturedPacket[] = [];
          let error: unknown;
          try {
            for await (const one of read_capture(
              (async function* () {
                yield* chunks;
              })(),
            ))
              later.push(one);
          } catch (caught) {
            error = caught;
          }
          expect([later, error]).toEqual(whole);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('what is whole comes, of a file cut at any place', () => {
    const blocks = new Blocks(true);
    const parts = [
      blocks.section(),
      blocks.interface(1, 0),
      blocks.packet(0, 1n, frame(1)),
      blocks.simple(frame(2)),
      blocks.block(9, frame(1)),
      blocks.packet(0, 2n, frame(3)),
    ];
    const file = Buffer.concat(parts);
    for (let size = 0; size < file.length; size++) {
      const [found, error] = outcome(file.subarray(0, size));
      let end = 0;
      const whole = parts.filter((part) => {
        end += part.length;
        return end <= size;
      });
      expect(found).toHaveLength([2, 3, 5].filter((index) => index < whole.length).length);
      const boundary = Buffer.concat(whole).length;
      if (boundary === size && size > 0) expect(error).toBeUndefined();
      else expect(error).toMatchObject({ name: 'CaptureError', offset: boundary });
    }
  });
});

describe('write_capture', () => {
  const some = [
    { data: frame(1), time_ns: 1_700_000_000_123_456_789n },
    { data: frame(2), time_ns: 5n, length: 2000 },
  ];
  let count = 0;
  const fresh = (suffix: string) => join(folder, `${count++}${suffix}`);

  it('a path: pcap, or pcapng by its name', () => {
    for (const [suffix, format] of [
      ['.pcap', 'pcap'],
      ['.pcapng', 'pcapng'],
      ['', 'pcap'],
    ] as const) {
      const path = fresh(suffix);
      const writer = write_capture(path);
      for (const one of some) writer.write(one);
      writer.close();
      writer.close();
      const capture = read_capture(path);
      expect([...capture]).toEqual([
        packet(frame(1), 1_700_000_000_123_456_789n),
        packet(frame(2), 5n, { length: 2000 }),
      ]);
      expect(capture.format).toBe(format);
    }
  });

  it('a packet that a file says to be shorter than what it has of it is as long as that, and can be written', () => {
    const b = new Blocks(false);
    const files = [
      pcap(false, NANOSECONDS, [{ sec: 0, fraction: 7, data: frame(1), length: 1 }]),
      Buffer.concat([b.section(), b.interface(1, 0, [[9, Buffer.of(9)]]), b.packet(0, 7n, frame(1), 1)]),
    ];
    for (const file of files) {
      const read = packets(file);
      expect(read).toEqual([packet(frame(1), 7n)]);
      const path = fresh('');
      const writer = write_capture(path);
      for (const one of read) writer.write(one);
      writer.close();
      expect(packets(path)).toEqual(read);
    }
  });

  it('interfaces, comments, packets without a time', () => {
    const path = fresh('');
    const writer = write_capture(pathToFileURL(path), {
      interfaces: [
        { name: 'eth0', description: 'the wire' },
        { linktype: 101, snaplen: 4 },
      ],
    });
    writer.write({ data: frame(0), comments: ['a', 'größer'] });
    writer.write({ data: frame(0) });
    writer.write({
      data: text('abcdef'),
      interface: 1,
      linktype: 101,
      time_ns: 1n,
    });
    expect(writer.add_interface({ name: 'later', linktype: 113 })).toBe(2);
    writer.write({ data: text('x'), interface: 2, time_ns: 2n });
    writer.close();
    const capture = read_capture(path);
    expect([...capture]).toEqual([
      packet(frame(0), 0n, { comments: ['a', 'größer'] }),
      packet(frame(0), undefined),
      packet(text('abcd'), 1n, { length: 6, linktype: 101, interface: 1 }),
      packet(text('x'), 2n, { linktype: 113, interface: 2 }),
    ]);
    expect(capture.interfaces).toEqual([
      { linktype: 1, snaplen: 262_144, name: 'eth0', description: 'the wire' },
      { linktype: 101, snaplen: 4 },
      { linktype: 113, snaplen: 262_144, name: 'later' },
    ]);
  });

  it('keeps no more than the limit of a packet, and its length', () => {
    const path = fresh('');
    const writer = write_capture(path, { snaplen: 10, linktype: 101 });
    writer.write(some[1]!);
    writer.write({ data: frame(3) });
    writer.close();
    expect(packets(path)).toEqual([
      packet(frame(2).subarray(0, 10), 5n, { length: 2000, linktype: 101 }),
      packet(frame(3).subarray(0, 10), 0n, { length: 45, linktype: 101 }),
    ]);
    expect(read_capture(path).interfaces).toEqual([]);
    const unlimited = fresh('');
    const other = write_capture(unlimited, { snaplen: 0 });
    other.write({ data: Buffer.alloc(300_000), time_ns: 0n });
    other.close();
    expect(packets(unlimited)[0]).toMatchObject({ length: 300_000 });
    expect(packets(unlimited)[0]?.data.length).toBe(262_144);
  });

  it('bytes alone were captured now', () => {
    const path = fresh('.pcapng');
    const writer = write_capture(path);
    writer.write(frame(1));
    writer.close();
    const ns = packets(path)[0]?.time_ns as bigint;
    expect(Math.abs(Number(ns / 1_000_000n) - Date.now())).toBeLessThan(60_000);
  });

  it('a descriptor stays open; flush writes what is there; more than memory holds is written', () => {
    const path = fresh('');
    const fd = openSync(path, 'w');
    const writer = write_capture(fd);
    expect(readFileSync(path).length).toBe(0);
    writer.flush();
    expect(readFileSync(path).length).toBe(24);
    for (let i = 0; i < 1000; i++) writer.write({ data: frame(300), time_ns: BigInt(i) });
    expect(readFileSync(path).length).toBeGreaterThan(300_000);
    writer.close();
    expect(packets(path).map(({ time_ns }) => Number(time_ns))).toEqual([...Array(1000).keys()]);
    closeSync(fd);
  });

  it('`using` closes', () => {
    const path = fresh('');
    write_capture(path)[Symbol.dispose]();
    expect(packets(path)).toEqual([]);
  });

  it('errors of the file system', () => {
    expect(() => write_capture(join(folder, 'no', 'such'))).toThrow(/ENOENT/);
    const writer = write_capture('/dev/full');
    expect(() => {
      for (let i = 0; i < 100; i++) writer.write({ data: frame(1400) });
    }).toThrow(/ENOSPC/);
    expect(() => writer.close()).toThrow(/ENOSPC/);
    writer.close();
  });

  it('a stream: waits until it drains', async () => {
    const path = fresh('.pcapng');
    const writer = write_capture(createWriteStream(path, { highWaterMark: 100 }), { format: 'pcapng' });
    for (const one of some) await writer.write(one);
    expect(writer.add_interface({})).toBe(1);
    await writer.close();
    await writer.close();
    expect(packets(path)).toHaveLength(2);

    const slow = new PassThrough({ highWaterMark: 50 });
    const waiting = write_capture(slow);
    let resolved = false;
    const promise = waiting.write(some[0]!).then(() => {
      resolved = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(resolved).toBe(false);
    const reading = (async () => {
      const found: CapturedPacket[] = [];
      for await (const one of read_capture(slow)) found.push(one);
      return found;
    })();
    await promise;
    await waiting[Symbol.asyncDispose]();
    expect(await reading).toHaveLength(1);
  });

  it('a stream that fails rejects', async () => {
    const failing = () =>
      new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => done(new Error('no room')) });
    const writer = write_capture(failing());
    await expect(writer.write(some[0]!)).rejects.toThrow('no room');
    await expect(writer.write(some[0]!)).rejects.toThrow('no room');
    await expect(writer.close()).rejects.toThrow('no room');
    const stuck = new Writable({ highWaterMark: 1, write() {} });
    const cut = write_capture(stuck);
    const waiting = cut.write(some[0]!);
    stuck.destroy();
    await expect(waiting).rejects.toThrow(/closed before/);
    await expect(cut.close()).rejects.toThrow(/closed before/);
  });

  it('stdout is not ended', () => {
    const program =
      "import { write_capture } from 'bsd-sockets/packet'; const w = write_capture(process.stdout); await w.write({ data: Buffer.from('x') }); await w.close(); await new Promise((r) => process.stdout.write('after', r));";
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program]);
    expect(stderr.toString()).toBe('');
    expect(stdout.length).toBe(24 + 16 + 1 + 5);
  });

  it('a pipe that does not block', () => {
    const program =
      "import { write_capture } from 'bsd-sockets/packet'; const w = write_capture(1); for (let i = 0; i < 2000; i++) w.write({ data: Buffer.alloc(1000) }); w.close();";
    const script = `import os,subprocess,sys,time
r,w=os.pipe(); os.set_blocking(w, False)
p=subprocess.Popen(sys.argv[1:], stdout=w); os.close(w); time.sleep(0.5); n=0
while True:
    b=os.read(r,65536)
    if not b: break
    n+=len(b)
print(n, p.wait())`;
    const { stdout, error } = spawnSync('python3', [
      '-c',
      script,
      process.execPath,
      '--input-type=module',
      '-e',
      program,
    ]);
    if (error === undefined) expect(stdout.toString()).toBe(`${24 + 2000 * 1016} 0\n`);
  });

  it('misuse', async () => {
    const path = fresh('');
    // @ts-expect-error no target
    expect(() => write_capture(null)).toThrow(/target must be/);
    // @ts-expect-error no target
    expect(() => write_capture({ write: 1 })).toThrow(TypeError);
    // @ts-expect-error no options
    expect(() => write_capture(path, null)).toThrow(/^options must be an object with format, .*, not null$/);
    expect(() => write_capture(-1)).toThrow(RangeError);
    // @ts-expect-error no format
    expect(() => write_capture(path, { format: 'erf' })).toThrow(/format/);
    expect(() => write_capture(path, { linktype: 65_536 })).toThrow(/linktype/);
    expect(() => write_capture(path, { snaplen: -1 })).toThrow(/snaplen/);
    expect(() => write_capture(path, { format: 'pcap', interfaces: [] })).toThrow(TypeError);
    // @ts-expect-error interfaces are objects
    expect(() => write_capture(path, { interfaces: ['eth0'] })).toThrow(/interfaces\[0\]/);
    // @ts-expect-error a name is text
    expect(() => write_capture(path, { interfaces: [{ name: 1 }] })).toThrow(/interfaces\[0\]\.name/);

    const writer = write_capture(path);
    expect(() => writer.write({ data: frame(0), interface: 1 })).toThrow(/packet\.interface is 1/);
    expect(() => writer.write({ data: frame(0), linktype: 101 })).toThrow(/packet\.linktype/);
    expect(() => writer.write({ data: frame(0), comments: ['x'] })).toThrow(/pcapng/);
    expect(() => writer.write({ data: frame(0), time_ns: -1n })).toThrow(RangeError);
    expect(() => writer.write({ data: frame(0), time_ns: 2n ** 32n * 1_000_000_000n })).toThrow(RangeError);
    // @ts-expect-error nanoseconds do not fit a number
    expect(() => writer.write({ data: frame(0), time_ns: 1 })).toThrow(/bigint/);
    for (const length of [-1, 0, frame(0).length - 1])
      expect(() => writer.write({ data: frame(0), length })).toThrow(
        new RangeError(`packet.length must be between ${frame(0).length} and 4294967295, not ${length}`),
      );
    // @ts-expect-error no data
    expect(() => writer.write({})).toThrow(/packet\.data/);
    // @ts-expect-error text is no packet
    expect(() => writer.write('abc')).toThrow(TypeError);
    expect(() => writer.add_interface({})).toThrow(TypeError);
    writer.close();
    expect(() => writer.write({ data: frame(0) })).toThrow(/closed/);
    expect(readFileSync(path).length).toBe(24);

    const ng = write_capture(path, { format: 'pcapng' });
    // @ts-expect-error comments are text
    expect(() => ng.write({ data: frame(0), comments: [1] })).toThrow(/comments\[0\]/);
    expect(() => ng.write({ data: frame(0), comments: ['x'.repeat(65_536)] })).toThrow(RangeError);
    expect(() => ng.write({ data: frame(0), time_ns: 2n ** 64n })).toThrow(RangeError);
    ng.close();

    const stream = write_capture(new PassThrough());
    await expect(stream.write({ data: frame(0), interface: 1 })).rejects.toThrow(RangeError);
    stream.close();
    await expect(stream.write({ data: frame(0) })).rejects.toThrow(/closed/);
  });

  it('what was written is read back', () => {
    const linktypes = [1, 101, 113];
    const any_packet = fc.record({
      data: fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
      time_ns: fc.option(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { nil: undefined }),
      more: fc.nat(2 ** 20),
      interface: fc.nat(2),
      comments: fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 3 }),
    });
    const path = fresh('.pcapng');
    fc.assert(
      fc.property(fc.array(any_packet, { maxLength: 10 }), (rows) => {
        const written = rows.map(({ more, ...row }) => ({
          ...row,
          length: row.data.length + more,
          linktype: linktypes[row.interface]!,
          section: 0,
        }));
        const writer = write_capture(path, { interfaces: linktypes.map((linktype) => ({ linktype })) });
        for (const one of written) writer.write(one);
        writer.close();
        // A packet without a time has the time 0 if a simple packet block cannot hold it.
        const expected = written.map((one) => {
          const is_simple =
            one.interface === 0 && one.comments.length === 0 && one.length === one.data.length;
          return one.time_ns === undefined && !is_simple ? { ...one, time_ns: 0n } : one;
        });
        expect(packets(path)).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });
});

describe('what pcapng says beside the packets', () => {
  const path = (): string => join(folder, 'details.pcapng');

  it('direction, flags, lost packets, interfaces, statistics and sections go round', () => {
    const statistics = {
      time_ns: 9_000n,
      start_ns: 1_000n,
      end_ns: 8_000n,
      received: 2n ** 40n,
      dropped: 3n,
      delivered: 7n,
    };
    const writer = write_capture(path(), {
      interfaces: [
        { name: 'eth0', speed: 10n ** 10n, filter: 'tcp port 80', os: 'Linux', hardware: 'a card' },
      ],
    });
    writer.write({ data: frame(1), time_ns: 1_000n, direction: 'inbound', dropped: 5 });
    writer.write({ data: frame(2), time_ns: 2_000n, flags: 0x0100_0002 });
    writer.write_statistics(0, { time_ns: 1n, received: 1n });
    writer.write_statistics(0, statistics);
    writer.begin_section({
      application: 'a test',
      comments: ['the second'],
      interfaces: [{ linktype: 101 }, {}],
    });
    writer.write({ data: frame(3), time_ns: 3_000n, interface: 1, direction: 'outbound' });
    writer.close();
    const capture = read_capture(path());
    const rows: unknown[] = [];
    for (const { section, interface: index, direction, dropped, flags, time_ns } of capture)
      rows.push([
        section,
        index,
        direction,
        dropped,
        flags,
        time_ns,
        capture.section,
        capture.interfaces.length,
      ]);
    const second = { application: 'a test', comments: ['the second'] };
    expect(rows).toEqual([
      [0, 0, 'inbound', 5n, 1, 1_000n, {}, 1],
      [0, 0, 'outbound', undefined, 0x0100_0002, 2_000n, {}, 1],
      [1, 1, 'outbound', undefined, 2, 3_000n, second, 2],
    ]);
    const seen = [];
    for (const _ of capture) seen.push(capture.interfaces[0]);
    expect(seen[0]).toEqual({
      linktype: 1,
      snaplen: 262_144,
      name: 'eth0',
      speed: 10n ** 10n,
      filter: 'tcp port 80',
      os: 'Linux',
      hardware: 'a card',
    });
    // The counts stand behind the packets: only the end of the section has them.
    const bytes = readFileSync(path());
    const first_section = bytes.subarray(0, bytes.indexOf(Buffer.from([0x0a, 0x0d, 0x0d, 0x0a]), 4));
    const only = read_capture(first_section);
    expect([...only]).toHaveLength(2);
    expect(only.interfaces[0]?.statistics).toEqual(statistics);
  });

  it('a copy of a capture has what the original says of its packets', () => {
    const copy = join(folder, 'copy.pcapng');
    const original = read_capture(path());
    const writer = write_capture(copy, { interfaces: [] });
    let section = 0;
    for (const one of original) {
      if (one.section !== section)
        writer.begin_section({ ...original.section, interfaces: original.interfaces });
      else if (one.interface === 0 && one.time_ns === 1_000n)
        writer.add_interface(original.interfaces[0] ?? {});
      section = one.section;
      writer.write(one);
    }
    writer.close();
    expect([...read_capture(copy)]).toEqual([...read_capture(path())]);
  });

  it.each(['pcap', 'pcapng'] as const)('%s in microseconds', (format) => {
    const file = join(folder, `micro.${format}`);
    const writer = write_capture(file, { format, precision: 'micro' });
    writer.write({ data: frame(1), time_ns: 1_700_000_000_123_456_789n });
    writer.close();
    if (format === 'pcap') expect(readFileSync(file).readUInt32LE(0)).toBe(0xa1b2c3d4);
    expect([...read_capture(file)][0]?.time_ns).toBe(1_700_000_000_123_456_000n);
  });

  it('a stream, too', async () => {
    const stream = new PassThrough();
    const writer = write_capture(stream, { format: 'pcapng' });
    await writer.begin_section({ os: 'none' });
    await writer.write({ data: frame(1), time_ns: 5n });
    await writer.write_statistics(0, { time_ns: 6n, dropped: 0n });
    await writer.close();
    const capture = read_capture(stream);
    const found = [];
    for await (const one of capture) found.push([one.section, capture.section.os]);
    expect(found).toEqual([[1, 'none']]);
    expect(capture.interfaces[0]?.statistics).toEqual({ time_ns: 6n, dropped: 0n });
    await expect(writer.begin_section()).rejects.toThrow('the capture is closed');
    await expect(writer.write_statistics(0, { time_ns: 6n })).rejects.toThrow('the capture is closed');
  });

  it('misuse', () => {
    const pcapng = write_capture(join(folder, 'misuse.pcapng'));
    const pcap_writer = write_capture(join(folder, 'misuse.pcap'));
    const data = frame(1);
    for (const [call, message] of [
      [
        () => write_capture('x', { precision: 'milli' as never }),
        /^precision must be 'micro' or 'nano', not "milli"/,
      ],
      [
        () => pcapng.write({ data, direction: 'up' as never }),
        /^packet.direction must be 'inbound' or 'outbound', not "up"/,
      ],
      [
        () => pcapng.write({ data, direction: 'inbound', flags: 2 }),
        /^packet.flags and packet.direction disagree/,
      ],
      [() => pcapng.write({ data, flags: -1 }), /^packet.flags must be between 0/],
      [() => pcapng.write({ data, dropped: -1n }), /^packet.dropped must be between 0/],
      [() => pcapng.write({ data, dropped: 1.5 }), /^packet.dropped must be an integer/],
      [() => pcapng.add_interface({ filter: 3 as never }), /^interface.filter must be a string/],
      [() => pcapng.begin_section({ comments: [3 as never] }), /^section.comments\[0\] must be a string/],
      [() => pcapng.begin_section({ name: 'x' } as never), /name/],
      [() => pcapng.write_statistics(1, { time_ns: 1n }), /^index is 1, and the capture has 1 interfaces/],
      [() => pcapng.write_statistics(0, {} as never), /^statistics.time_ns must be a bigint/],
      [
        () => pcapng.write_statistics(0, { time_ns: 1n, received: 'x' as never }),
        /^statistics.received must be an integer/,
      ],
      [() => pcap_writer.write({ data, direction: 'inbound' }), /are for format 'pcapng'/],
      [() => pcap_writer.write({ data, dropped: 1 }), /^packet.dropped are for format 'pcapng'/],
      [() => pcap_writer.begin_section(), /^sections are for format 'pcapng'/],
      [() => pcap_writer.write_statistics(0, { time_ns: 1n }), /^statistics are for format 'pcapng'/],
    ] as const)
      expect(call).toThrow(message);
    pcapng.write({ data, time_ns: 7n });
    for (const writer of [pcapng, pcap_writer]) writer.close();
    expect([...read_capture(join(folder, 'misuse.pcapng'))]).toEqual([packet(data, 7n)]);
    expect(() => pcapng.begin_section()).toThrow('the capture is closed');
    expect(() => pcapng.write_statistics(0, { time_ns: 1n })).toThrow('the capture is closed');
  });
});
