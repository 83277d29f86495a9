// Hashes of files and ranges, on a thread of their own. Python's hashlib and zlib are the measure.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HashName } from '../../dist/store/types.js';
import { code, make_home, open_below, put } from './home.js';

const NAMES: readonly HashName[] = ['SHA-256', 'SHA-512', 'SHA-1', 'MD5', 'CRC32'];

/** Of each range, the digits by name. */
function python_hashes(path: string, ranges: readonly [number, number][]): Record<string, string>[] {
  const script = `
import hashlib, json, sys, zlib
data = open(sys.argv[1], 'rb').read()
names = {'SHA-256': 'sha256', 'SHA-512': 'sha512', 'SHA-1': 'sha1', 'MD5': 'md5'}
results = []
for start, end in json.loads(sys.argv[2]):
    part = data[start:end]
    result = {name: hashlib.new(python, part).hexdigest() for name, python in names.items()}
    result['CRC32'] = '%08x' % zlib.crc32(part)
    results.append(result)
print(json.dumps(results))`;
  const { stdout, stderr } = spawnSync('python3', ['-c', script, path, JSON.stringify(ranges)], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

describe('hash', () => {
  it('of all names and ranges is what Python says', async () => {
    const { home, files } = await make_home();
    const content = randomBytes(700_001);
    await writeFile(join(home, 'a'), content);
    const ranges: [number, number][] = [
      [0, content.length],
      [0, 0],
      [1, 2],
      [262_143, 524_289],
      [700_000, 700_001],
      [600_000, 10_000_000],
      [700_001, 700_001],
      [800_000, 900_000],
    ];
    const expected = python_hashes(join(home, 'a'), ranges);
    for (const [i, [start, end]] of ranges.entries()) {
      const found = await Promise.all(
        NAMES.map(async (name) => [name, await files.hash('/a', name, { start, end })]),
      );
      expect(Object.fromEntries(found)).toEqual(expected[i]);
    }
    expect(await files.hash('/a', 'MD5')).toBe(expected[0]?.MD5);
    expect(await open_below(home)).toEqual([]);
  });

  it('is aborted, and the thread goes on with others', async () => {
    const { home, files } = await make_home();
    await put(files, '/small', 'hello');
    await writeFile(join(home, 'large'), '');
    // A hole of a terabyte: it would take minutes.
    await truncate(join(home, 'large'), 2 ** 40);
    const abort = new AbortController();
    const large = files.hash('/large', 'SHA-256', { signal: abort.signal });
    const aborted = expect(large).rejects.toThrow('enough');
    // A short one is not behind the long one.
    expect(await files.hash('/small', 'MD5')).toBe('5d41402abc4b2a76b9719d911017c592');
    abort.abort(new Error('enough'));
    await aborted;
    await expect(files.hash('/small', 'MD5', { signal: abort.signal })).rejects.toThrow('enough');
    expect(await files.hash('/small', 'CRC32')).toBe('3610a686');
    expect(await open_below(home)).toEqual([]);
  });

  it('refuses what is no file', async () => {
    const { files } = await make_home();
    expect(await code(files.hash('/', 'MD5'))).toBe('EISDIR');
    expect(await code(files.hash('/nope', 'MD5'))).toBe('ENOENT');
  });

  it('holds up no end of a program', () => {
    const module = new URL('../../dist/store/disk.js', import.meta.url).href;
    const script = `
      const { DiskFileSystem } = await import(${JSON.stringify(module)});
      console.log(await new DiskFileSystem('/etc').hash('/hostname', 'MD5'));`;
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect(child.stderr).toBe('');
    expect(child.stdout).toMatch(/^[0-9a-f]{32}\n$/);
    expect(child.status).toBe(0);
  });
});
