// matches: programs of all forms, and what is refused. Its verdicts beside the kernel's: test/conformance/filter_machine.test.ts.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  build,
  compile_filter,
  ethernet,
  ipv4,
  matches,
  read_capture,
  udp,
  write_capture,
} from 'bsd-sockets/packet';
import type { FilterRow } from 'bsd-sockets/socket';
import { describe, expect, test } from 'vitest';

const bytes = build(ethernet(), ipv4(), udp({ dst_port: 53 }));

describe('matches', () => {
  test('takes rows, an iterable of them, and the text of tcpdump -ddd', () => {
    const rows: FilterRow[] = [
      [0x28, 0, 0, 36],
      [0x15, 0, 1, 53],
      [0x06, 0, 0, 1],
      [0x06, 0, 0, 0],
    ];
    const text = `4\n${rows.map((row) => row.join(' ')).join('\n')}\n`;
    for (const program of [rows, new Set(rows), text]) {
      expect(matches(program, bytes)).toBe(true);
      expect(matches(program, bytes.subarray(0, 37))).toBe(false);
    }
    // Rows that are not frozen may change.
    rows[1] = [0x15, 0, 1, 54];
    expect(matches(rows, bytes)).toBe(false);
  });

  test('the length is that on the wire', () => {
    const program = compile_filter('greater 100');
    expect(matches(program, bytes)).toBe(false);
    expect(matches(program, bytes, { length: 100 })).toBe(true);
    expect(matches(program, Buffer.alloc(100), { length: 3 })).toBe(true);
  });

  test('takes any bytes, and packets of a capture as they are', () => {
    const program = compile_filter('udp port 53');
    expect(matches(program, new DataView(bytes.buffer, bytes.byteOffset, bytes.length))).toBe(true);
    expect(matches(program, new Uint8Array(bytes).buffer)).toBe(true);
    const folder = mkdtempSync(join(tmpdir(), 'matches-'));
    const path = join(folder, 'some.pcap');
    const writer = write_capture(path);
    writer.write({ data: bytes, time_ns: 1n });
    writer.write({ data: bytes.subarray(0, 30), time_ns: 2n, length: bytes.length });
    writer.close();
    const chosen = [...read_capture(path)].filter((packet) => matches(program, packet.data, packet));
    expect(chosen.map(({ time_ns }) => time_ns)).toEqual([1n]);
    rmSync(folder, { recursive: true });
  });

  test('a division by zero refuses the packet, and so does a load beyond its end', () => {
    expect(matches(compile_filter('ip[0] / ip[1] = 0 or udp'), bytes)).toBe(false);
    expect(matches(compile_filter('not ip[0] % ip[1] = 3'), bytes)).toBe(false);
    expect(matches(compile_filter('not ip[1000] = 1'), bytes)).toBe(false);
    expect(matches(compile_filter('ip[ip[2:4]] = 1 or udp'), bytes)).toBe(false);
  });

  test.each<[unknown, unknown, unknown, string]>([
    [[], bytes, {}, 'program must have 1 to 4096 rows, not 0'],
    [7, bytes, {}, 'program must be an array or another iterable, not 7'],
    ['tcp port 80', bytes, {}, 'program is not the output of tcpdump -ddd: "tcp port 80"'],
    [[[6, 0, 0]], bytes, {}, 'program[0] must have 4 elements, not 3'],
    [[[6, 0, 0, -1]], bytes, {}, 'program[0]: k must be between 0 and 4294967295, not -1'],
    [[[0xff, 0, 0, 0]], bytes, {}, 'program[0] has the code 255, which is no instruction of classic BPF'],
    [[[0, 0, 0, 0]], bytes, {}, 'program must end with a return'],
    [
      [
        [5, 0, 0, 1],
        [6, 0, 0, 0],
      ],
      bytes,
      {},
      'program[0] jumps beyond the end of the program',
    ],
    [
      [
        [0x15, 0, 9, 1],
        [6, 0, 0, 0],
      ],
      bytes,
      {},
      'program[0] jumps beyond the end of the program',
    ],
    [
      [
        [5, 0, 0, 0xffffffff],
        [6, 0, 0, 0],
      ],
      bytes,
      {},
      'program[0] jumps beyond the end of the program',
    ],
    [
      [
        [0x60, 0, 0, 3],
        [6, 0, 0, 0],
      ],
      bytes,
      {},
      'program[0] reads M[3], which may not have been written',
    ],
    [
      [
        [2, 0, 0, 16],
        [6, 0, 0, 0],
      ],
      bytes,
      {},
      'program[0] uses M[16]: there are 16 words of scratch memory',
    ],
    [
      [
        [0x34, 0, 0, 0],
        [6, 0, 0, 0],
      ],
      bytes,
      {},
      'program[0] divides by zero',
    ],
    [
      [
        [0x64, 0, 0, 32],
        [6, 0, 0, 0],
      ],
      bytes,
      {},
      'program[0] shifts by 32 bits',
    ],
    [
      compile_filter('outbound', { live: true }),
      bytes,
      {},
      'program[0] loads from offset -4092, which only a socket has: compile the filter without live',
    ],
    [
      [[6, 0, 0, 1]],
      'bytes',
      {},
      'bytes must be bytes (a Buffer, another view, or an ArrayBuffer), not "bytes"',
    ],
    [[[6, 0, 0, 1]], bytes, { length: -1 }, 'length must be between 0 and 4294967295, not -1'],
    [[[6, 0, 0, 1]], bytes, null, 'options must be an object with length, not null'],
  ])('misuse: %j', (program, data, options, message) => {
    expect(() => Reflect.apply(matches, undefined, [program, data, options])).toThrow(message);
  });
});
