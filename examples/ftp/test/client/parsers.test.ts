// Answers and listings, as servers send them, and as they should not.
import { randomBytes, randomInt } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parse_facts, parse_list_line, parse_time } from '../../src/protocol/listing_parser.js';
import {
  extended_passive_port,
  features_of,
  hash_of,
  passive_port,
  quoted_path,
  type Reply,
  ReplyParser,
} from '../../src/protocol/reply_parser.js';

const NOW = Date.UTC(2026, 5, 15, 12);
const reply = (...lines: string[]): Reply => ({ code: 200, lines });

describe('answers', () => {
  const TEXT =
    '220 hello\r\n211-Features:\r\n SIZE\r\n211-x\r\n200 not the end\r\n211 End\r\n226 größe\r\n331\r\n';
  const EXPECTED = [
    { code: 220, lines: ['hello'] },
    { code: 211, lines: ['Features:', ' SIZE', 'x', '200 not the end', 'End'] },
    { code: 226, lines: ['größe'] },
    { code: 331, lines: [''] },
  ];

  test('in pieces of every size', () => {
    const bytes = Buffer.from(TEXT);
    for (let size = 1; size <= bytes.length; size++) {
      const parser = new ReplyParser();
      const found: Reply[] = [];
      for (let at = 0; at < bytes.length; at += size)
        found.push(...parser.push(bytes.subarray(at, at + size)));
      expect(found).toEqual(EXPECTED);
      expect(parser.has_rest).toBe(false);
    }
  });

  test.each([
    ['garbage', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['a code that is none', '999 hello\r\n'],
    ['no code', ' 220 hello\r\n'],
    ['a line without an end', 'x'.repeat(20_000)],
    ['a long line with an end', `220 ${'x'.repeat(20_000)}\r\n`],
    ['an answer without an end', `220-${'\r\n y'.repeat(3000)}`],
    ['an answer of many bytes', `220-\r\n${`${'y'.repeat(10_000)}\r\n`.repeat(100)}`],
  ])('%s is refused', (_name, text) => {
    expect(() => new ReplyParser().push(Buffer.from(text))).toThrow(
      expect.objectContaining({ name: 'ReplyFormatError' }),
    );
  });

  test('ports, paths, features, hashes', () => {
    expect(extended_passive_port(reply('Entering Extended Passive Mode (|||6446|)'))).toBe(6446);
    expect(extended_passive_port(reply('(!!!21!)'))).toBe(21);
    for (const wrong of ['(|||0|)', '(|||70000|)', '(|||12a|)', '6446', '(||!6446|)'])
      expect(extended_passive_port(reply(wrong))).toBeUndefined();
    expect(passive_port(reply('Entering Passive Mode (10,0,0,1,4,2).'))).toBe(1026);
    expect(passive_port(reply('=127,0,0,1,0,21'))).toBe(21);
    for (const wrong of ['(10,0,0,1,4)', '(10,0,0,1,256,1)', '(10,0,0,1,0,0)'])
      expect(passive_port(reply(wrong))).toBeUndefined();
    expect(quoted_path(reply('"/a ""b"" c" is here'))).toBe('/a "b" c');
    expect(quoted_path(reply('/a'))).toBeUndefined();
    const features = features_of(reply('Features', ' HASH SHA-256*;SHA-1', ' utf8', ' REST STREAM', 'end'));
    expect([...features]).toEqual([
      ['HASH', 'SHA-256*;SHA-1'],
      ['UTF8', ''],
      ['REST', 'STREAM'],
    ]);
    expect(hash_of(reply('SHA-256 0-49 6169AABB file'))).toEqual({ name: 'SHA-256', digits: '6169aabb' });
    expect(hash_of(reply('6169aabb'))).toEqual({ name: undefined, digits: '6169aabb' });
    expect(hash_of(reply('none'))).toBeUndefined();
  });
});

describe('MLSD', () => {
  test('facts', () => {
    expect(
      parse_facts('Type=file;Size=12;Modify=20200102030405.5;Perm=adfr;UNIX.mode=0644;UNIX.owner=7; a; b=c'),
    ).toEqual({
      name: 'a; b=c',
      type: 'file',
      size: 12,
      modified_ms: Date.UTC(2020, 0, 2, 3, 4, 5, 500),
      is_exact_time: true,
      mode: 0o644,
      owner: '7',
      group: undefined,
      target: undefined,
      permissions: 'adfr',
    });
    expect(parse_facts('type=OS.unix=slink:/etc/passwd; link')).toMatchObject({
      type: 'link',
      target: '/etc/passwd',
    });
    expect(parse_facts('type=cdir; .')).toBeUndefined();
    expect(parse_facts('type=pdir; ..')).toBeUndefined();
    expect(parse_facts('size=-1;modify=20201302030405; x')).toMatchObject({
      type: 'file',
      size: undefined,
      modified_ms: undefined,
    });
    for (const none of ['', 'x', 'type=file;', 'no facts', ' name'])
      expect(parse_facts(none)).toBeUndefined();
  });

  test('times', () => {
    expect(parse_time('20200229235960')).toBe(Date.UTC(2020, 2, 1));
    for (const wrong of ['', '2020', '20200001000000', '20200132000000', '20200101240000', '20200101000000Z'])
      expect(parse_time(wrong)).toBeUndefined();
  });
});

describe('LIST', () => {
  test.each([
    [
      '-rw-r--r--    1 104      107          1234 Jun 15 11:00 a file',
      'file',
      'a file',
      1234,
      Date.UTC(2026, 5, 15, 11),
    ],
    [
      '-rw-r--r--    1 104      107          1234 Jun 17 11:00 a',
      'file',
      'a',
      1234,
      Date.UTC(2025, 5, 17, 11),
    ],
    ['drwxr-xr-x 2 ann users 4096 Feb  3  2019  leading', 'dir', ' leading', 4096, Date.UTC(2019, 1, 3)],
    ['-rw-rw-r-- 1 ann 12 Feb  3  2019 without a group', 'file', 'without a group', 12, Date.UTC(2019, 1, 3)],
    ['-rw-rw-r--+ 1 a b 12 Feb  3  2019 acl', 'file', 'acl', 12, Date.UTC(2019, 1, 3)],
    [
      'crw-rw---- 1 root tty 4, 64 Jun 15 11:00 ttyS0',
      'other',
      'ttyS0',
      undefined,
      Date.UTC(2026, 5, 15, 11),
    ],
    ['lrwxrwxrwx 1 a b 7 Feb  3  2019 bin -> usr/bin', 'link', 'bin', 7, Date.UTC(2019, 1, 3)],
    ['-rw-r--r-- 1 a b 7 Feb  3  2019 x -> y', 'file', 'x -> y', 7, Date.UTC(2019, 1, 3)],
    [
      '06-15-26  11:05PM       <DIR>          Program Files',
      'dir',
      'Program Files',
      undefined,
      Date.UTC(2026, 5, 15, 23, 5),
    ],
    [
      '06-15-2026  12:05AM            1,234,567 a b.txt',
      'file',
      'a b.txt',
      1234567,
      Date.UTC(2026, 5, 15, 0, 5),
    ],
    ['12-31-99  23:59                    9 old', 'file', 'old', 9, Date.UTC(1999, 11, 31, 23, 59)],
  ])('%s', (line, type, name, size, modified_ms) => {
    expect(parse_list_line(line, NOW)).toMatchObject({ type, name, size, modified_ms, is_exact_time: false });
  });

  test('modes and targets', () => {
    expect(parse_list_line('-rwsr-xr-t 1 a b 7 Feb  3  2019 x', NOW)?.mode).toBe(0o5755);
    expect(parse_list_line('-rwSr--r-T 1 a b 7 Feb  3  2019 x', NOW)?.mode).toBe(0o5644);
    expect(parse_list_line('lrwxrwxrwx 1 a b 7 Feb  3  2019 a -> b -> c', NOW)?.target).toBe('b -> c');
  });

  test.each([
    '',
    'total 4',
    'drwxr-xr-x 2 a b 4096 Feb  3  2019 .',
    'drwxr-xr-x 2 a b 4096 Feb  3  2019 ..',
    'hello',
    '-rw-r--r-- 1 a b 7 Foo  3  2019 x',
  ])('%j is no entry', (line) => {
    expect(parse_list_line(line, NOW)).toBeUndefined();
  });

  test('long lines of nearly the right form take no long time', () => {
    const started = Date.now();
    for (const line of [
      `-rw-r--r-- ${'1 '.repeat(20_000)}`,
      `-rw-r--r-- ${' '.repeat(60_000)}x`,
      `06-15-26 ${' '.repeat(60_000)}x`,
      `-rw-r--r-- 1 a${' '.repeat(30_000)}b${' '.repeat(30_000)}`,
    ])
      expect(parse_list_line(line, NOW)).toBeUndefined();
    // Exponential time would be for ever.
    expect(Date.now() - started).toBeLessThan(20_000);
  });
});

describe('arbitrary and nearly right input', () => {
  const SEEDS = [
    '220 hello\r\n',
    '211-Features:\r\n SIZE\r\n HASH SHA-256*;SHA-1\r\n211 End\r\n',
    '229 Entering Extended Passive Mode (|||6446|)\r\n',
    '227 ok (127,0,0,1,4,2)\r\n',
    '257 "/a ""b"" c" is here\r\n',
    '213 SHA-256 0-49 6169aabb file\r\n',
    'type=file;size=12;modify=20200102030405.5;UNIX.mode=0644; name',
    'type=OS.unix=slink:/etc/passwd; link',
    '-rw-r--r--    1 104      107          1234 Jun 15 11:00 a file',
    'lrwxrwxrwx 1 a b 7 Feb  3  2019 bin -> usr/bin',
    '06-15-26  11:05PM       <DIR>          Program Files',
  ];
  const ROUNDS = 4000;

  /** Cuts, repeats, replaces and inserts. */
  function mutate(text: string): Buffer {
    let bytes = Buffer.from(text);
    for (let i = randomInt(6); i >= 0; i--) {
      const at = randomInt(bytes.length + 1);
      const to = Math.min(bytes.length, at + randomInt(8));
      const middle = [
        bytes.subarray(at, to),
        randomBytes(randomInt(4)),
        Buffer.from('\r\n'),
        Buffer.from('999999999999'),
      ];
      const chosen = middle.slice(randomInt(4));
      bytes = Buffer.concat([bytes.subarray(0, at), ...chosen, bytes.subarray(randomInt(2) === 0 ? at : to)]);
    }
    return bytes;
  }

  test('gives an answer, an entry, nothing, or a ReplyFormatError', () => {
    for (let i = 0; i < ROUNDS; i++) {
      const bytes = mutate(SEEDS[i % SEEDS.length] ?? '');
      try {
        for (const found of new ReplyParser().push(bytes)) {
          expect(found.code).toBeGreaterThan(99);
          expect(found.code).toBeLessThan(600);
          for (const port of [extended_passive_port(found), passive_port(found)])
            if (port !== undefined) expect(port > 0 && port < 65536).toBe(true);
          features_of(found);
          hash_of(found);
          quoted_path(found);
        }
      } catch (error) {
        expect(error).toHaveProperty('name', 'ReplyFormatError');
      }
      for (const entry of [parse_facts(bytes.toString()), parse_list_line(bytes.toString(), NOW)]) {
        if (entry === undefined) continue;
        expect(entry.name).not.toBe('');
        for (const value of [entry.size, entry.modified_ms])
          if (value !== undefined) expect(Number.isFinite(value)).toBe(true);
      }
    }
  });
});
