// clean: parts that transfers have left, on a target and here; what is under way stays.
import { randomBytes } from 'node:crypto';
import {
  lutimesSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type CleanOptions, clean, clean_here, get, LocalSource, put } from '../../src/files/index.js';
import { use_place } from './place.js';

const place = use_place();

const now = () => Date.now() / 1000;
const HOUR = 3600;
const part = (digit: string) => `.fleet-${digit.repeat(32)}.part`;

describe.each(['on a target', 'here'] as const)('%s', (where) => {
  const run = (folder: string, options: Partial<CleanOptions> = {}) => {
    const all = { before: now() - HOUR, ...options };
    return where === 'here' ? clean_here(folder, all) : place.session((remote) => clean(remote, folder, all));
  };

  test('what is renamed or removed while it is listed is no error', async () => {
    const names = Array.from({ length: 40 }, (_, i) => join(place.there, `${i}`));
    let ended = false;
    const change = async () => {
      while (!ended) {
        for (const name of names) {
          await mkdir(name);
          await writeFile(join(name, 'file'), '');
          await symlink('file', join(name, 'link'));
          await symlink('file', `${name}.link`);
        }
        for (const name of names) await rename(name, `${name}.new`);
        for (const name of names) {
          await rm(`${name}.new`, { recursive: true });
          await rm(`${name}.link`);
        }
      }
    };
    const changing = change();
    try {
      for (let i = 0; i < (where === 'here' ? 50 : 5); i++) await run(place.there);
    } finally {
      ended = true;
      await changing;
    }
  });

  test('old parts go, also links, in all folders; others and what only looks like one stay', async () => {
    const { there } = place;
    const old = now() - 2 * HOUR;
    mkdirSync(join(there, 'sub', 'deep'), { recursive: true });
    mkdirSync(join(there, part('f')));
    const files = [
      part('a'),
      `sub/deep/${part('b')}`,
      `sub/${part('c').slice(1)}`,
      `sub/x${part('d')}`,
      `${part('e')}.orig`,
      '.fleet-1234.part',
    ];
    for (const name of files) {
      writeFileSync(join(there, name), 'content');
      utimesSync(join(there, name), old, old);
    }
    symlinkSync('elsewhere', join(there, 'sub', part('0')));
    lutimesSync(join(there, 'sub', part('0')), old, old);
    // Touched lately: in one way or the other.
    writeFileSync(join(there, part('1')), '');
    utimesSync(join(there, part('1')), now(), old);
    writeFileSync(join(there, part('2')), '');
    utimesSync(join(there, part('2')), old, now());
    const parts = [part('a'), `sub/${part('0')}`, `sub/deep/${part('b')}`]
      .map((name) => join(there, name))
      .sort();
    const before = readdirSync(there, { recursive: true });
    const would = await run(there, { dry_run: true });
    expect(would.files.map(({ path }) => path).sort()).toEqual(parts);
    expect(new Set(would.files.map(({ state }) => state))).toEqual(new Set(['would remove']));
    expect(readdirSync(there, { recursive: true })).toEqual(before);
    const heard: string[] = [];
    const result = await run(there, { on_file: ({ path, state }) => heard.push(`${state} ${path}`) });
    expect(heard.sort()).toEqual(parts.map((path) => `removed ${path}`));
    expect(result).toMatchObject({ failed: 0 });
    expect(result.files.find(({ path }) => path === parts[0])?.size).toBe(7);
    const left = readdirSync(there, { recursive: true });
    expect(left).toHaveLength(before.length - parts.length);
    expect(await run(there)).toMatchObject({ files: [] });
  });

  test('what is no folder is named', async () => {
    writeFileSync(join(place.there, 'file'), '');
    await expect(run(join(place.there, 'file'))).rejects.toThrow('file: is no folder');
    await expect(run(join(place.there, 'none'))).rejects.toThrow(/no such file/i);
  });
});

test('a user who wants to stop is obeyed', async () => {
  const work = place.session((remote) =>
    clean(remote, place.there, { before: 0, signal: AbortSignal.abort() }),
  );
  await expect(work).rejects.toMatchObject({ failure: 'stopped' });
});

test.each(['put', 'get'] as const)(
  '%s: a file of long ago that is under way is no left-over part',
  async (direction) => {
    const file = join(place.here, 'file');
    writeFileSync(file, randomBytes(17 << 20));
    utimesSync(file, 1_000_000_000, 1_000_000_000);
    const to = join(place.there, 'file');
    let looks = 0;
    let cleaning: Promise<unknown> = Promise.resolve();
    const look = () => {
      looks += 1;
      cleaning = clean_here(place.there, { before: now() - HOUR });
    };
    // While it is moved, and while it is verified, when it has its time already.
    const options = { on_progress: look, on_hashing: look };
    const source = await LocalSource.open(file);
    const result = await place.session((remote) =>
      direction === 'put' ? put(remote, source, to, options) : get(remote, file, to, options),
    );
    await cleaning;
    expect(result).toMatchObject({ failed: 0, files: [{ state: 'sent' }] });
    expect(looks).toBeGreaterThan(60);
    expect(statSync(to).mtimeMs).toBe(1_000_000_000_000);
  },
);
