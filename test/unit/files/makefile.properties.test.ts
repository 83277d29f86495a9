/**
 * Properties of the files of makefile(): for any pieces that the data arrives in, and any size of the buffer, the results equal
 * the results of a reference that has all data at once.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BufferedReader, SocketIO } from '../../../lib/files/blocking/index.js';
import { find_codec, find_handler } from '../../../lib/files/codecs/index.js';
import { ReadBuffer } from '../../../lib/files/read_buffer.js';
import type { Steps } from '../../../lib/files/steps.js';
import { TextReader } from '../../../lib/files/text_reader.js';
import * as socket from '../../../lib/socket/index.js';
import { MemorySocket, makefile, type Plan } from './makefile_socket.js';

const pieces = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 60 });
const sizes = fc.integer({ min: 1, max: 20 });
// A small set of bytes, so that line ends are frequent.
const data = fc
  .array(fc.constantFrom(0x61, 0x62, 0x0a, 0x0d, 0xff), { maxLength: 120 })
  .map((bytes) => Buffer.from(bytes));
const text = fc.array(fc.constantFrom('a', 'é', '€', '😀', '\n', '\r', '\r\n', '\ufeff'), { maxLength: 60 });

function arriving(input: Uint8Array, receives: Plan): MemorySocket {
  const sock = new MemorySocket(input);
  sock.receives = [...receives];
  return sock;
}

/** Returns the lines with their line feed, as Python splits bytes. */
function lines_of(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const found = bytes.indexOf(0x0a, at);
    const end = found < 0 ? bytes.length : found + 1;
    lines.push(bytes.subarray(at, end));
    at = end;
  }
  return lines;
}

describe('bytes', () => {
  test('lines', () => {
    fc.assert(
      fc.property(data, pieces, sizes, (bytes, receives, size) => {
        expect([...makefile(arriving(bytes, receives), 'rb', size)]).toEqual(lines_of(bytes));
        expect([...makefile(arriving(bytes, receives), 'rwb', size)]).toEqual(lines_of(bytes));
      }),
    );
  });

  test('any mixture of reads takes the bytes in order, each as many as it may', () => {
    const operation = fc.tuple(
      fc.constantFrom('read', 'read1', 'readline', 'readinto', 'readinto1', 'peek' as const),
      fc.integer({ min: 0, max: 30 }),
    );
    fc.assert(
      fc.property(data, pieces, sizes, fc.array(operation), (bytes, receives, size, operations) => {
        const file = new BufferedReader(new SocketIO(arriving(bytes, receives), 'r'), size);
        let at = 0;
        for (const [name, count] of operations) {
          const rest = bytes.subarray(at);
          if (name === 'peek') {
            const seen = file.peek(count);
            expect(rest.subarray(0, seen.length)).toEqual(seen);
            expect(seen.length > 0).toBe(rest.length > 0);
            continue;
          }
          let got: Buffer;
          if (name === 'readinto' || name === 'readinto1') {
            const target = Buffer.alloc(count);
            got = target.subarray(0, file[name](target) ?? -1);
          } else {
            got = file[name](count) ?? Buffer.of();
          }
          const line = lines_of(rest)[0] ?? Buffer.of();
          const most = Math.min(count, name === 'readline' ? line.length : rest.length);
          expect(got).toEqual(rest.subarray(0, got.length));
          if (name === 'read1' || name === 'readinto1') expect(got.length > 0).toBe(most > 0);
          else expect(got.length).toBe(most);
          at += got.length;
        }
        expect(file.read()).toEqual(bytes.subarray(at));
      }),
    );
  });

  test('a receive asks for no more than the buffer holds, or the caller wants', () => {
    fc.assert(
      fc.property(data, pieces, sizes, fc.integer({ min: 1, max: 40 }), (bytes, receives, size, count) => {
        const sock = arriving(bytes, receives);
        const file = makefile(sock, 'rb', size);
        file.read(count);
        file.readline();
        expect(Math.max(...sock.asked)).toBeLessThanOrEqual(Math.max(size, count));
      }),
    );
  });

  test('a failed receive loses nothing', () => {
    const gaps = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant('block' as const)), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(
        data,
        gaps,
        sizes,
        fc.array(fc.integer({ min: 0, max: 12 })),
        (bytes, receives, size, counts) => {
          const sock = arriving(bytes, []);
          // 'block' makes the receive throw, as a signal listener may.
          const plan = [...receives];
          const receive = sock.recv_into.bind(sock);
          sock.recv_into = (buffer) => {
            const item = plan.shift();
            if (item === 'block') throw new Error('interrupted');
            return receive(buffer.subarray(0, item));
          };
          const file = makefile(sock, 'rb', size);
          const got: Buffer[] = [];
          for (const count of counts) {
            try {
              got.push(count > 8 ? file.readline() : (file.read(count) ?? Buffer.of()));
            } catch (error) {
              expect(String(error)).toBe('Error: interrupted');
            }
          }
          plan.length = 0;
          got.push(file.read() ?? Buffer.of());
          expect(Buffer.concat(got)).toEqual(bytes);
        },
      ),
    );
  });

  test('what is written arrives, in order and whole', () => {
    const writes = fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 30 });
    fc.assert(
      fc.property(writes, pieces, sizes, fc.boolean(), (parts, sends, size, flush) => {
        const sock = new MemorySocket();
        sock.sends = [...sends];
        const file = makefile(sock, 'wb', size);
        for (const part of parts) {
          expect(file.write(part)).toBe(part.length);
          if (flush) file.flush();
        }
        file.close();
        expect(sock.received()).toEqual(Buffer.concat(parts));
      }),
    );
  });

  test('a write that would block says how much it took', () => {
    const plans = fc.array(fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant('block' as const)), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 30 })), plans, sizes, (parts, sends, size) => {
        const sock = new MemorySocket();
        sock.sends = [...sends];
        const file = makefile(sock, 'wb', size);
        const taken: Uint8Array[] = [];
        for (const part of parts) {
          try {
            file.write(part);
            taken.push(part);
          } catch (error) {
            if (!(error instanceof socket.BlockingIOError)) throw error;
            taken.push(part.subarray(0, error.characters_written));
          }
        }
        sock.sends = [];
        file.flush();
        expect(sock.received()).toEqual(Buffer.concat(taken));
      }),
    );
  });
});

describe('text', () => {
  const encodings = fc.constantFrom('utf-8', 'utf-16-le', 'utf-16-be', 'utf-32-le', 'utf-32-be', 'gb18030');

  test('characters, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        text,
        pieces,
        encodings,
        fc.integer({ min: 1, max: 7 }),
        (parts, receives, encoding, count) => {
          const whole = parts.join('');
          const written = new MemorySocket();
          const out = makefile(written, 'w', null, { encoding, newline: '' });
          expect(parts.reduce((length, part) => length + out.write(part), 0)).toBe([...whole].length);
          out.close();
          const bytes = written.received();
          const file = makefile(arriving(bytes, receives), 'r', null, { encoding, newline: '' });
          const got: string[] = [];
          for (let part = file.read(count); part !== ''; part = file.read(count)) got.push(part);
          expect(got.join('')).toBe(whole);
          for (const part of got.slice(0, -1)) expect([...part]).toHaveLength(count);
        },
      ),
    );
  });

  test('lines, for each kind of line end', () => {
    const ends: Record<string, RegExp> = {
      null: /[^\n]*\n|[^\n]+$/g,
      '': /[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$/g,
      '\n': /[^\n]*\n|[^\n]+$/g,
      '\r': /[^\r]*\r|[^\r]+$/g,
      '\r\n': /(?:(?!\r\n)[\s\S])*\r\n|(?:(?!\r\n)[\s\S])+$/g,
    };
    const newlines = fc.constantFrom(null, '', '\n', '\r', '\r\n');
    fc.assert(
      fc.property(text, pieces, newlines, sizes, (parts, receives, newline, size) => {
        const whole = parts.join('');
        const seen = newline === null ? whole.replace(/\r\n?/g, '\n') : whole;
        const file = makefile(arriving(Buffer.from(whole), receives), 'r', size, { newline });
        const lines = [...file];
        expect(lines.join('')).toBe(seen);
        expect(lines).toEqual(seen.match(ends[String(newline)] ?? /$/g) ?? []);
      }),
    );
  });

  test('surrogateescape carries any bytes through', () => {
    const codecs = fc.constantFrom('utf-8', 'ascii', 'cp1252', 'koi8-r', 'iso8859-3');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), pieces, codecs, (bytes, receives, encoding) => {
        const options = { encoding, errors: 'surrogateescape', newline: '' };
        const sock = arriving(bytes, receives);
        const file = makefile(sock, 'r', null, options);
        const lines = [...file];
        const out = makefile(sock, 'w', null, options);
        out.writelines(lines);
        out.close();
        expect(sock.received()).toEqual(Buffer.from(bytes));
      }),
    );
  });

  test("'replace' gives what TextDecoder gives", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), pieces, (bytes, receives) => {
        const file = makefile(arriving(bytes, receives), 'r', null, { errors: 'replace', newline: '' });
        const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
        expect([...file].join('')).toBe(decoder.decode(bytes));
      }),
    );
  });
});

test('the same logic serves files that wait for promises', async () => {
  /** Runs steps as steps.run() does, but awaits each receive. */
  async function drive<T>(steps: Steps<T>, receive: (bytes: Uint8Array) => Promise<number>): Promise<T> {
    let step = steps.next(0);
    while (!step.done) step = steps.next(await receive(step.value));
    return step.value;
  }
  await fc.assert(
    fc.asyncProperty(text, pieces, sizes, async (parts, receives, size) => {
      const whole = parts.join('');
      const sock = arriving(Buffer.from(whole), receives);
      const receive = async (bytes: Uint8Array): Promise<number> => sock.recv_into(bytes);
      const reader = new TextReader(new ReadBuffer(size), find_codec('utf-8'), find_handler('strict'), '\n');
      const lines: string[] = [];
      for (;;) {
        const line = reader.take_line() ?? (await drive(reader.readline(-1), receive));
        if (line === '') break;
        lines.push(line);
      }
      expect(lines).toEqual(whole.match(/[^\n]*\n|[^\n]+$/g) ?? []);
    }),
  );
});
