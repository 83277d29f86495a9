// Text of hosts on a terminal: what is shown of hostile output, and lines of a stream however it is cut.
import { describe, expect, test } from 'vitest';
import { json_line } from '../../src/view/json.js';
import { fit, LineSplitter, safe_line, safe_text, width_of } from '../../src/view/text.js';

describe('safe text', () => {
  test.each([
    ['plain', 'load: 1.5\tok', 'load: 1.5\tok'],
    ['letters of the world', 'Grüße 日本 🎉', 'Grüße 日本 🎉'],
    ['colours', '\x1b[1;31mred\x1b[0m\x1b[m', 'red'],
    ['cursor and screen', '\x1b[2J\x1b[H', '\\x1b[2J\\x1b[H'],
    ['title and clipboard', '\x1b]0;mine\x07\x1b]52;c;YQ==\x1b\\', '\\x1b]0;mine\\x07\\x1b]52;c;YQ==\\x1b\\'],
    ['C1', '\x9b2J\x9d0;x\x9c', '\\x9b2J\\x9d0;x\\x9c'],
    ['overwriting', 'secret\rshown\b\x7f', 'secret\\rshown\\x08\\x7f'],
    ['order of text', 'a\u202eb\u2066c\u200f', 'a\\u{202e}b\\u{2066}c\\u{200f}'],
    ['ends of lines', 'a\nb\u2028c', 'a\\nb\\u{2028}c'],
    ['invisible tags', 'a\u{e0041}b\ufeff', 'a\\u{e0041}b\\u{feff}'],
    ['half a pair', 'a\ud800b', 'a\\u{d800}b'],
  ])('%s', (_, text, safe) => {
    expect(safe_text(text)).toBe(safe);
  });

  test('bytes that are no UTF-8 are shown one by one, the characters between them as they are', () => {
    const bytes = (...parts: (string | number)[]) =>
      Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.of(part))));
    expect(safe_line(bytes('ä', 0xff, '日', 0xe6, 0x97))).toBe('ä\\xff日\\xe6\\x97');
    expect(safe_line(bytes(0xc0, 0x80, 'x', 0xed, 0xa0, 0x80))).toBe('\\xc0\\x80x\\xed\\xa0\\x80');
    expect(safe_line(bytes(0xf4, 0x90, 0x80, 0x80))).toBe('\\xf4\\x90\\x80\\x80');
  });

  test('no bytes at all get through that a terminal obeys', () => {
    let seed = 7;
    const next = () => {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff;
      return seed >> 8;
    };
    for (let round = 0; round < 200; round += 1) {
      const line = safe_line(Uint8Array.from({ length: 300 }, () => next() & 0xff));
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      expect(line).not.toMatch(/[\x00-\x08\x0a-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/);
    }
  });
});

describe('lines', () => {
  const split = (chunks: readonly Uint8Array[]) => {
    const lines: string[] = [];
    const splitter = new LineSplitter((line) => lines.push(Buffer.from(line).toString('utf8')));
    for (const chunk of chunks) {
      const own = Uint8Array.from(chunk);
      splitter.feed(own);
      // The connection uses its memory again.
      own.fill(0x21);
    }
    splitter.end();
    return lines;
  };

  test('are the same however the stream is cut', () => {
    const text = Buffer.from('one\r\n\ntwo ä日🎉\nthree\rmore\r\r\nlast');
    const whole = ['one', '', 'two ä日🎉', 'three\rmore\r', 'last'];
    for (let size = 1; size <= text.length; size += 1) {
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < text.length; at += size) chunks.push(text.subarray(at, at + size));
      expect(split(chunks), `chunks of ${size}`).toEqual(whole);
    }
    expect(split([Buffer.from('a\n')])).toEqual(['a']);
    expect(split([])).toEqual([]);
  });

  test('long ones come in pieces between characters, and wait in no more memory', () => {
    const line = '日'.repeat(100_000);
    const pieces = split([Buffer.from(`${line}\nnext\n`)]);
    expect(pieces.at(-1)).toBe('next');
    expect(pieces.slice(0, -1).join('')).toBe(line);
    expect(Math.max(...pieces.map((piece) => Buffer.byteLength(piece)))).toBeLessThanOrEqual(65_536);
    const bytes = Buffer.from(line);
    const small = Array.from({ length: 300 }, (_, at) => bytes.subarray(at * 1000, (at + 1) * 1000));
    expect(split(small).join('')).toBe(line);
    expect(split(small).some((piece) => piece.includes('\ufffd'))).toBe(false);
    // Bytes that never become a character are no reason to wait.
    expect(split([Buffer.alloc(200_000, 0x80)]).length).toBeGreaterThan(1);
  });
});

describe('columns', () => {
  test('are those of a terminal', () => {
    expect([width_of('abc'), width_of('日本'), width_of('e\u0301'), width_of('🎉')]).toEqual([3, 4, 1, 2]);
  });
  test.each([
    ['abc', 5, 'abc  '],
    ['abc', 3, 'abc'],
    ['abcd', 3, 'ab…'],
    ['日本語', 4, '日… '],
    ['日本語', 5, '日本…'],
    ['abc', 1, '…'],
    ['abc', 0, ''],
  ])('fit(%s, %i)', (text, columns, fitted) => {
    expect(fit(text, columns)).toBe(fitted);
  });
});

describe('JSON lines', () => {
  const output = (data: Uint8Array) => json_line({ type: 'output', host: 'a', stream: 'stdout', data });
  test('have output as text, or as base64 if it is none', () => {
    expect(JSON.parse(output(Buffer.from('ä\n')))).toEqual({
      type: 'output',
      host: 'a',
      stream: 'stdout',
      text: 'ä\n',
    });
    expect(JSON.parse(output(Buffer.of(0xff)))).toMatchObject({ base64: '/w==' });
    expect(JSON.parse(json_line({ type: 'begin', host: 'a', attempt: 1 }))).toEqual({
      type: 'begin',
      host: 'a',
      attempt: 1,
    });
  });
  test('have no character that a terminal obeys', () => {
    const line = output(Buffer.from('\x1b[2J\x9b\u202e\n'));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202e]/);
    expect(JSON.parse(line).text).toBe('\x1b[2J\x9b\u202e\n');
  });
});
