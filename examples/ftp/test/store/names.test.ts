// Names as text and bytes, and paths as names. Python's os.fsdecode and os.fsencode are the measure.
import { spawnSync } from 'node:child_process';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  broken_name,
  decode_name,
  encode_name,
  is_reserved,
  running_name,
  split_path,
} from '../../dist/store/names.js';

const bytes = fc.uint8Array({ maxLength: 24 });

describe('decode_name and encode_name', () => {
  it('lead back to the same bytes, whatever they are', () => {
    fc.assert(
      fc.property(bytes, (name) => {
        expect([...(encode_name(decode_name(name)) ?? [])]).toEqual([...name]);
      }),
    );
  });

  it('make the text that Python makes', () => {
    const samples = fc
      .sample(bytes, { numRuns: 200, seed: 1 })
      .map((sample) => Buffer.from(sample).toString('hex'));
    samples.push('c3a9', 'e9', 'c3', 'f09f9880', 'f09f98', 'eda080', 'c080', 'f4908080', '61ff62', 'e282');
    const script = `
import json, sys
print(json.dumps([[ord(c) for c in bytes.fromhex(s).decode('utf-8', 'surrogateescape')] for s in json.load(sys.stdin)]))`;
    const { stdout, stderr } = spawnSync('python3', ['-c', script], {
      input: JSON.stringify(samples),
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    const texts = samples.map((sample) =>
      [...decode_name(Buffer.from(sample, 'hex'))].map((c) => c.codePointAt(0)),
    );
    expect(texts).toEqual(JSON.parse(stdout));
  });

  it('know no bytes of a surrogate that stands for none', () => {
    expect(encode_name('a\ud800')).toBeUndefined();
    expect(encode_name('\udc00')).toBeUndefined();
    expect(encode_name('\udcff')).toEqual(Buffer.of(0xff));
    expect(encode_name('😀')).toEqual(Buffer.from('😀'));
  });
});

describe('split_path', () => {
  it.each([
    ['/', []],
    ['//a///b/', ['a', 'b']],
    ['/a/./b/../c', ['a', 'c']],
    ['/../../etc', ['etc']],
    ['/a/../..', []],
    ['/...', ['...']],
    ['/ ', [' ']],
  ])('%j', (path, expected) => {
    expect(split_path(path)).toEqual(expected);
  });

  it.each([
    ['', 'a path begins with "/"'],
    ['a/b', 'a path begins with "/"'],
    ['/a\0b', 'a name has no NUL, CR or LF'],
    ['/a\rb', 'a name has no NUL, CR or LF'],
    ['/a\n', 'a name has no NUL, CR or LF'],
    ['/a\ud800', 'a name is text or bytes'],
  ])('refuses %j', (path, why) => {
    expect(() => split_path(path)).toThrow(`EINVAL: ${why}`);
  });
});

it("the server's own names are short, and differ by user and by name", () => {
  const one = broken_name('alice', 'a'.repeat(255));
  expect(is_reserved(one)).toBe(true);
  expect(one.length).toBeLessThan(64);
  expect(broken_name('alice', 'b')).not.toBe(broken_name('alice', 'c'));
  expect(broken_name('alice', 'b')).not.toBe(broken_name('bob', 'b'));
  expect(broken_name('alice', 'b')).toBe(broken_name('alice', 'b'));
  expect(running_name()).not.toBe(running_name());
  expect(is_reserved(running_name())).toBe(true);
});
