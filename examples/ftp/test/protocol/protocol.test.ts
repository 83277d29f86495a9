// The pure parts of the protocol: lines of Telnet, replies, addresses, times, facts, listings, patterns, text and MODE Z.
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decode_epsv_reply,
  decode_extended,
  decode_host_port,
  decode_pasv_reply,
  encode_extended,
  encode_host_port,
  host_port,
  local_host,
  plain_address,
  with_interface,
} from '../../dist/protocol/addresses.js';
import { from_wire, to_wire } from '../../dist/protocol/ascii.js';
import { deflated, inflated } from '../../dist/protocol/deflate.js';
import { decode_facts, encode_entry, encode_facts, FACTS } from '../../dist/protocol/facts.js';
import { matcher } from '../../dist/protocol/glob.js';
import { list_line } from '../../dist/protocol/listing.js';
import { folder_of, name_of, resolve_path } from '../../dist/protocol/paths.js';
import { encode_reply, quoted, reply } from '../../dist/protocol/replies.js';
import { split_command, TelnetLines } from '../../dist/protocol/telnet.js';
import { decode_time, encode_time, list_time } from '../../dist/protocol/times.js';
import type { Entry } from '../../dist/store/types.js';

/** Bytes in arbitrary pieces. */
const pieces = fc
  .array(fc.uint8Array({ maxLength: 20 }), { maxLength: 8 })
  .map((all) => all.map((one) => Buffer.from(one)));

async function* chunks(all: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* all;
}

async function gathered(all: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const list: Uint8Array[] = [];
  for await (const one of all) list.push(Buffer.from(one));
  return Buffer.concat(list);
}

const entry = (more: Partial<Entry>): Entry => ({
  name: 'name',
  type: 'file',
  size: 3,
  modified_ms: Date.UTC(2020, 0, 2, 3, 4, 5),
  mode: 0o644,
  links: 1,
  owner: 'ann',
  group: 'staff',
  unique: '8-15',
  ...more,
});

describe('Telnet', () => {
  const lines = (bytes: readonly Uint8Array[], limit = 100) => {
    const telnet = new TelnetLines(limit);
    return bytes.flatMap((one) => telnet.push(one).lines);
  };

  test.each<[string, readonly number[], string]>([
    ['CR LF', [65, 13, 10], 'A'],
    ['LF alone', [65, 10], 'A'],
    ['CR NUL is a CR', [65, 13, 0, 66, 10], 'A\rB'],
    ['IAC IAC is a byte', [65, 255, 255, 10], 'A\udcff'],
    ['IP and Synch', [255, 244, 255, 242, 65, 10], 'A'],
    ['a subnegotiation', [255, 250, 24, 1, 10, 255, 255, 255, 240, 65, 10], 'A'],
    ['a negotiation', [65, 255, 251, 1, 66, 255, 254, 10, 10], 'AB'],
  ])('%s', (_name, bytes, text) => {
    expect(lines([Buffer.from(bytes)])).toEqual([{ kind: 'line', text }]);
    expect(lines(bytes.map((byte) => Buffer.from([byte])))).toEqual([{ kind: 'line', text }]);
  });

  test('options are refused, NUL is malformed, a long line is told once', () => {
    expect(new TelnetLines(10).push(Buffer.from([255, 251, 3, 255, 253, 1])).answer).toEqual(
      Buffer.from([255, 254, 3, 255, 252, 1]),
    );
    expect(lines([Buffer.from('a\0b\r\n')])).toEqual([{ kind: 'malformed' }]);
    expect(lines([Buffer.from(`${'x'.repeat(101)}\nok\n`)])).toEqual([
      { kind: 'too long' },
      { kind: 'line', text: 'ok' },
    ]);
  });

  test('it does not matter where the bytes are split', () => {
    fc.assert(
      fc.property(pieces, (all) => {
        expect(lines(all)).toEqual(lines([Buffer.concat(all)]));
      }),
    );
  });

  test('verb and argument', () => {
    expect(split_command('retr  a b ')).toEqual({ verb: 'RETR', argument: ' a b ' });
    expect(split_command('NOOP')).toEqual({ verb: 'NOOP', argument: '' });
  });
});

test('a reply is as many lines as it says, whatever the text', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 100, max: 599 }),
      fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 5 }),
      (code, text) => {
        const lines = encode_reply(reply(code, ...text))
          .toString('latin1')
          .split('\r\n');
        expect(lines.length).toBe(text.length + 1);
        expect(lines.at(-2)?.startsWith(`${code} `)).toBe(true);
        for (const line of lines) expect(line).not.toMatch(/[\r\n]/);
        if (text.length > 1) expect(lines[0]?.startsWith(`${code}-`)).toBe(true);
        for (const line of lines.slice(1, -2)) expect(line.startsWith(' ')).toBe(true);
      },
    ),
  );
  expect(quoted('a"b')).toBe('"a""b"');
});

describe('addresses', () => {
  test('PORT, PASV, EPRT and EPSV, there and back', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.integer({ min: 1, max: 65_535 }), fc.ipV6(), (four, port, six) => {
        const address = { host: four, port };
        expect(decode_host_port(encode_host_port(address))).toEqual(address);
        expect(decode_pasv_reply(`Entering passive mode (${encode_host_port(address)}).`)).toEqual(address);
        expect(decode_extended(encode_extended(address))).toEqual({ family: 1, ...address });
        expect(decode_extended(encode_extended({ host: six, port }))).toEqual({ family: 2, host: six, port });
        expect(decode_epsv_reply(`Entering extended passive mode (|||${port}|)`)).toBe(port);
      }),
    );
  });

  test.each([
    '1,2,3,4,5',
    '1,2,3,4,5,6,7',
    '256,0,0,1,1,1',
    '1,2,3,4,0,0',
    '1,2,3,4,5,x',
    '',
    '-1,2,3,4,5,6',
  ])('PORT %s', (text) => {
    expect(decode_host_port(text)).toBe(undefined);
  });

  test.each([
    '|1|1.2.3.4|0|',
    '|1|1.2.3.4|65536|',
    '|1|::1|21|',
    '|2|1.2.3.4|21|',
    '|2|fe80::1%eth0|21|',
    '|1|1.2.3.4|21',
    '1',
    '',
    'x',
  ])('EPRT %s', (text) => {
    expect(decode_extended(text)).toBe(undefined);
  });

  test('one spelling', () => {
    expect(plain_address('::ffff:192.0.2.1')).toBe('192.0.2.1');
    expect(plain_address('fe80:0::1%eth0')).toBe('fe80::1');
    expect(plain_address('2001:DB8:0:0:0:0:0:1')).toBe('2001:db8::1');
    expect(host_port(['::ffff:192.0.2.1', 21, 0, 0])).toEqual(['192.0.2.1', 21]);
    expect(host_port(null)).toEqual(['', 0]);
    expect([local_host(['fe80::1', 21, 0, 3]), local_host(['::1', 21, 0, 0])]).toEqual(['fe80::1%3', '::1']);
    expect([with_interface('fe80::2', 'fe80::1%3'), with_interface('::2', 'fe80::1%3')]).toEqual([
      'fe80::2%3',
      '::2',
    ]);
    expect(with_interface('fe80::2', '::1')).toBe('fe80::2');
  });
});

describe('times', () => {
  test('there and back, and what is none', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
        (date) => {
          const time = Math.floor(date.getTime() / 1000) * 1000;
          expect(decode_time(encode_time(time))).toBe(time);
        },
      ),
    );
    expect(decode_time('20240229120000.5')).toBe(Date.UTC(2024, 1, 29, 12, 0, 0, 500));
    for (const text of ['20230229120000', '20241301000000', '2024', '20240101250000', 'x'.repeat(14)])
      expect(decode_time(text)).toBe(undefined);
  });

  test('listings have the hour for half a year, then the year', () => {
    const now = Date.UTC(2024, 5, 15, 12, 0);
    expect(list_time(Date.UTC(2024, 5, 1, 7, 8), now)).toBe('Jun  1 07:08');
    expect(list_time(Date.UTC(2023, 5, 1), now)).toBe('Jun  1  2023');
    expect(list_time(Date.UTC(2025, 5, 1), now)).toBe('Jun  1  2025');
  });
});

test('facts', () => {
  const all = new Set(FACTS);
  expect(encode_entry(entry({}), 'a b', all, new Set(['read', 'delete']))).toBe(
    'type=file;size=3;modify=20200102030405;perm=dr;unique=8-15;UNIX.mode=0644;UNIX.owner=ann;UNIX.group=staff; a b',
  );
  expect(encode_entry(entry({ type: 'dir' }), '.', decode_facts('TYPE;size;foo;'), new Set(), 'cdir')).toBe(
    'type=cdir; .',
  );
  expect(encode_facts(decode_facts('unix.mode;Type;'))).toBe('type;UNIX.mode;');
});

test('lines of LIST', () => {
  const now = Date.UTC(2020, 0, 3);
  expect(list_line(entry({ name: 'new\nline' }), now)).toBe(
    '-rw-r--r--   1 ann      staff               3 Jan  2 03:04 new?line',
  );
  expect(list_line(entry({ type: 'dir', mode: 0o1777, name: 'tmp' }), now)).toMatch(/^drwxrwxrwt /);
  expect(list_line(entry({ mode: 0o4644 }), now)).toMatch(/^-rwSr--r-- /);
});

test('paths', () => {
  expect(resolve_path('/a/b', '../c/./d//e/..')).toBe('/a/c/d');
  expect(resolve_path('/a', '/../..')).toBe('/');
  expect([folder_of('/a/b'), folder_of('/a'), name_of('/a/b'), name_of('/')]).toEqual(['/a', '/', 'b', '']);
  fc.assert(
    fc.property(fc.array(fc.constantFrom('..', '.', '', 'a', 'b ', '...'), { maxLength: 12 }), (parts) => {
      expect(resolve_path('/home', parts.join('/')).split('/')).not.toContain('..');
    }),
  );
});

test("patterns, as Python's fnmatch", () => {
  const word = fc.array(fc.constantFrom('a', 'b', 'ab', '*', '?', '[ab]', '[!a]', '[a-c]', '[', ']', 'x'), {
    maxLength: 6,
  });
  const name = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'x', ']', '['), maxLength: 6 });
  const cases = fc.sample(
    fc.tuple(
      word.map((parts) => parts.join('')),
      name,
    ),
    { numRuns: 2000, seed: 1 },
  );
  const script =
    'import fnmatch, json, sys; print(json.dumps([fnmatch.fnmatchcase(n, p) for p, n in json.load(sys.stdin)]))';
  const python = JSON.parse(
    execFileSync('python3', ['-c', script], { input: JSON.stringify(cases), encoding: 'utf8' }),
  ) as boolean[];
  expect(cases.map(([pattern, text]) => matcher(pattern)(text))).toEqual(python);
  // No time is lost in trying all ways.
  expect(matcher(`${'*a'.repeat(50)}b`)('a'.repeat(5000))).toBe(false);
});

describe('text', () => {
  test('it does not matter where the bytes are split; what was a text file is one again', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('a', '\r', '\n', '\r\n', 'bc'), { maxLength: 30 }),
        fc.integer({ min: 1, max: 5 }),
        async (parts, size) => {
          const bytes = Buffer.from(parts.join(''));
          const split = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
            bytes.subarray(i * size, (i + 1) * size),
          );
          expect((await gathered(to_wire(chunks(split)))).toString()).toBe(
            bytes.toString().replace(/(?<!\r)\n/g, '\r\n'),
          );
          expect((await gathered(from_wire(chunks(split)))).toString()).toBe(
            bytes.toString().replace(/\r\n/g, '\n'),
          );
        },
      ),
    );
  });
});

test('MODE Z, there and back, in pieces', async () => {
  await fc.assert(
    fc.asyncProperty(pieces, fc.integer({ min: 0, max: 9 }), async (all, level) => {
      expect(await gathered(inflated(deflated(chunks(all), level)))).toEqual(Buffer.concat(all));
    }),
    { numRuns: 50 },
  );
  const failing = async function* () {
    yield Buffer.from('x');
    throw new Error('the source has failed');
  };
  await expect(gathered(deflated(failing(), 6))).rejects.toThrow('the source has failed');
});
