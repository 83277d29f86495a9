// The machine that runs filters in JavaScript against the kernel's: random programs are taken or refused by both, and the taken ones accept
// the same packets.
import { matches } from 'bsd-sockets/packet';
import * as socket from 'bsd-sockets/socket';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const RUNS = Number(process.env.FILTER_PROGRAMS ?? 300);

const u8 = fc.integer({ min: 0, max: 0xff });
const u32 = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 40 }) },
  fc.constantFrom(0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe, 31, 32, 256, 65_536),
  fc.integer({ min: 0, max: 0xffffffff }),
);
const CLASSES = {
  loads: [0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x80, 0x00, 0x01, 0x81, 0xb1],
  memory: [0x60, 0x61, 0x02, 0x03],
  arithmetic: [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x90, 0xa0].flatMap((each) => [
    4 | each,
    12 | each,
  ]),
  others: [0x84, 0x07, 0x87],
  jumps: [0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d],
};
const plain = (codes: readonly number[], k: fc.Arbitrary<number>) =>
  fc.tuple(
    fc.constantFrom(...codes),
    fc.constant(0),
    fc.constant(0),
    k,
  ) satisfies fc.Arbitrary<socket.FilterRow>;
const short = fc.integer({ min: 0, max: 3 });
const row: fc.Arbitrary<socket.FilterRow> = fc.oneof(
  { weight: 6, arbitrary: plain(CLASSES.loads, u32) },
  { weight: 4, arbitrary: plain(CLASSES.memory, fc.integer({ min: 0, max: 2 })) },
  { weight: 6, arbitrary: plain(CLASSES.arithmetic, u32) },
  { weight: 2, arbitrary: plain(CLASSES.others, fc.constant(0)) },
  { weight: 5, arbitrary: fc.tuple(fc.constantFrom(...CLASSES.jumps), short, short, u32) },
  fc.tuple(fc.constant(0x05), fc.constant(0), fc.constant(0), short),
  fc.constantFrom<socket.FilterRow>([0x16, 0, 0, 0], [0x06, 0, 0, 5]),
);
/** Both words are written first, so that most programs may read them. */
const begin: socket.FilterRow[] = [
  [0x02, 0, 0, 0],
  [0x03, 0, 0, 1],
  [0x02, 0, 0, 2],
];
const program = fc
  .tuple(fc.boolean(), fc.array(row, { minLength: 1, maxLength: 25 }))
  .map(([writes_first, rows]) => [
    ...(writes_first ? begin : []),
    ...rows,
    [0x16, 0, 0, 0] as socket.FilterRow,
  ]);
const wild = fc.tuple(fc.oneof(u8, fc.integer({ min: 0, max: 0xffff })), short, short, u32);

/** Offsets at which the kernel has what is not in the packet: matches says that it needs a socket. */
const is_kept = ([code, , , k]: socket.FilterRow) => (code & 0xe7) === 0x20 && k >= 0xffe00000;

class Pair {
  readonly #sockets = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM);

  /** Returns whether the kernel takes a program. */
  attach(rows: readonly socket.FilterRow[]): boolean {
    try {
      this.#sockets[1].attach_filter(rows);
      return true;
    } catch (error) {
      expect(error).toMatchObject({ code: 'EINVAL' });
      return false;
    }
  }

  /** Returns whether the packet passes the program. */
  passes(data: Buffer): boolean {
    const [from, to] = this.#sockets;
    from.send(data);
    try {
      to.recv(4096, socket.MSG_DONTWAIT);
      return true;
    } catch (error) {
      if (!(error instanceof socket.BlockingIOError)) throw error;
      return false;
    }
  }

  close(): void {
    for (const each of this.#sockets) each.close();
  }
}

function is_taken(rows: readonly socket.FilterRow[]): boolean {
  try {
    matches(rows, Buffer.alloc(0));
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
    return false;
  }
}

test('programs are taken or refused as by the kernel, and accept the same packets', {
  timeout: 600_000,
}, () => {
  const pair = new Pair();
  const packets = fc
    .sample(fc.uint8Array({ maxLength: 60 }), { numRuns: 12, seed: 18 })
    .map((each) => Buffer.from(each));
  let taken = 0;
  let passed = 0;
  let compared = 0;
  fc.assert(
    fc.property(program, (rows) => {
      fc.pre(!rows.some(is_kept));
      const is_valid = pair.attach(rows);
      expect(is_taken(rows)).toBe(is_valid);
      if (!is_valid) return;
      taken++;
      for (const packet of packets) {
        // A packet that is cut to no bytes passes.
        const verdict = matches(rows, packet);
        expect([verdict, packet.toString('hex')]).toEqual([pair.passes(packet), packet.toString('hex')]);
        compared++;
        if (verdict) passed++;
      }
    }),
    { numRuns: RUNS, seed: 18 },
  );
  pair.close();
  if (process.env.FILTER_PROGRAMS !== undefined) console.log({ taken, compared, passed });
  expect(taken).toBeGreaterThan(RUNS / 4);
  expect(passed).toBeGreaterThan(RUNS / 4);
  expect(passed).toBeLessThan(compared);
});

test('instructions of any code are taken or refused as by the kernel', { timeout: 600_000 }, () => {
  const pair = new Pair();
  fc.assert(
    fc.property(fc.array(wild, { maxLength: 3 }), fc.boolean(), (rows, ends) => {
      const all: socket.FilterRow[] = ends ? [...rows, [0x06, 0, 0, 1]] : rows;
      fc.pre(!all.some(is_kept) && all.length > 0);
      expect(is_taken(all)).toBe(pair.attach(all));
    }),
    { numRuns: RUNS * 2, seed: 18 },
  );
  for (let code = 0; code < 0x200; code++) {
    const rows: socket.FilterRow[] = [
      [0x02, 0, 0, 1],
      [code, 0, 0, 1],
      [0x06, 0, 0, 1],
    ];
    expect([code, is_taken(rows)]).toEqual([code, pair.attach(rows)]);
  }
  pair.close();
});
