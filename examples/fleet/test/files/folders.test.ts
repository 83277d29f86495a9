// Folders of put and get: their modes and times, and links that somebody puts in their places.
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { get, LocalSource, put, type TransferOptions } from '../../src/files/index.js';
import { use_place } from './place.js';

const place = use_place();

const look = (...path: string[]) => {
  const { mode, mtimeMs } = statSync(join(...path));
  return [(mode & 0o7777).toString(8), mtimeMs / 1000];
};

describe.each(['put', 'get'] as const)('%s of folders', (direction) => {
  const move = async (target = place.there, options: TransferOptions = {}) => {
    const source = direction === 'put' ? await LocalSource.open(place.here) : undefined;
    return place.session((remote) =>
      source ? put(remote, source, target, options) : get(remote, place.here, target, options),
    );
  };
  const make_tree = () => {
    mkdirSync(join(place.here, 'a', 'b'), { recursive: true });
    mkdirSync(join(place.here, 'empty'));
    writeFileSync(join(place.here, 'a', 'b', 'file'), 'x');
    writeFileSync(join(place.here, 'a', 'file'), 'x');
    chmodSync(join(place.here, 'a', 'b'), 0o555);
    chmodSync(join(place.here, 'a'), 0o711);
    chmodSync(join(place.here, 'empty'), 0o777);
    chmodSync(place.here, 0o750);
    let time = 1_500_000_000;
    for (const path of ['a/b', 'a', 'empty', '']) {
      utimesSync(join(place.here, path), time, time);
      time += 100;
    }
  };
  const AS_MADE = [
    ['555', 1_500_000_000],
    ['711', 1_500_000_100],
    ['777', 1_500_000_200],
  ];
  const inside = (root: string) => ['a/b', 'a', 'empty'].map((path) => look(root, path));

  test('modes and times are kept, also of those that were there', async () => {
    make_tree();
    const root = join(place.there, 'new');
    expect(await move(root)).toMatchObject({ failed: 0 });
    expect([inside(root), look(root)]).toEqual([AS_MADE, ['750', 1_500_000_300]]);
    chmodSync(join(root, 'a'), 0o700);
    writeFileSync(join(root, 'a', 'b', 'file'), 'y');
    expect(await move(root)).toMatchObject({ failed: 0 });
    expect(inside(root)).toEqual(AS_MADE);
  });

  test('the target itself stays as it was, and bits beside the permissions, too', async () => {
    make_tree();
    mkdirSync(join(place.there, 'a'));
    chmodSync(join(place.there, 'a'), 0o2770);
    chmodSync(place.there, 0o701);
    expect(await move()).toMatchObject({ failed: 0 });
    expect(look(place.there)[0]).toBe('701');
    expect(look(place.there, 'a')).toEqual(['2711', 1_500_000_100]);
  });

  test('a dry run changes none', async () => {
    make_tree();
    mkdirSync(join(place.there, 'a'));
    const before = look(place.there, 'a');
    await move(place.there, { dry_run: true });
    expect([look(place.there, 'a'), readdirSync(place.there)]).toEqual([before, ['a']]);
  });

  test('a link in place of a folder is refused, the target itself may be one', async () => {
    make_tree();
    const outside = join(place.there, 'outside');
    mkdirSync(outside);
    const target = join(place.there, 'target');
    mkdirSync(target);
    symlinkSync(outside, join(target, 'a'));
    await expect(move(target)).rejects.toThrow('a: is a link, not a folder');
    expect(readdirSync(outside)).toEqual([]);
    symlinkSync(outside, join(place.there, 'link'));
    expect(await move(join(place.there, 'link'))).toMatchObject({ failed: 0 });
    expect(readFileSync(join(outside, 'a', 'b', 'file'), 'utf8')).toBe('x');
  });

  test('a folder that is exchanged for a link meanwhile gives no file its name where the link leads', async () => {
    mkdirSync(join(place.here, 'sub'));
    // Two batches: the second one begins when the folder is a link.
    writeFileSync(join(place.here, 'sub', 'first'), randomBytes(16 << 20));
    writeFileSync(join(place.here, 'sub', 'passwd'), randomBytes(16 << 20));
    const outside = join(place.there, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'passwd'), 'precious');
    const target = join(place.there, 'target');
    const on_file = () => {
      if (!existsSync(join(target, 'sub', 'first')) || existsSync(join(target, 'gone'))) return;
      renameSync(join(target, 'sub'), join(target, 'gone'));
      symlinkSync(outside, join(target, 'sub'));
    };
    await expect(move(target, { on_file })).rejects.toThrow('sub: is a link, not a folder');
    expect(readdirSync(outside)).toEqual(['passwd']);
    expect(readFileSync(join(outside, 'passwd'), 'utf8')).toBe('precious');
  });
});

test.each(['put', 'get'] as const)(
  '%s: a target that is exchanged for a link meanwhile takes no file where the link leads',
  async (direction) => {
    for (const name of ['first', 'passwd']) writeFileSync(join(place.here, name), randomBytes(16 << 20));
    const [outside, target] = [join(place.there, 'outside'), join(place.there, 'target')];
    mkdirSync(outside);
    const on_file = () => {
      if (existsSync(`${target}.gone`)) return;
      renameSync(target, `${target}.gone`);
      symlinkSync(outside, target);
    };
    const source = await LocalSource.open(place.here);
    const work = place.session((remote) =>
      direction === 'put'
        ? put(remote, source, target, { on_file })
        : get(remote, place.here, target, { on_file }),
    );
    await expect(work).rejects.toThrow('target: was exchanged for another folder');
    expect(readdirSync(outside)).toEqual([]);
  },
);

test('put into a folder of its name keeps mode and time of that one, too', async () => {
  chmodSync(place.here, 0o750);
  utimesSync(place.here, 1_500_000_000, 1_500_000_000);
  mkdirSync(join(place.there, 'here'));
  const source = await LocalSource.open(place.here);
  await place.session((remote) => put(remote, source, `${place.there}/`));
  expect(look(place.there, 'here')).toEqual(['750', 1_500_000_000]);
});

test('get: a file that is skipped gets its mode and time all the same', async () => {
  for (const folder of [place.here, place.there]) writeFileSync(join(folder, 'file'), 'equal');
  chmodSync(join(place.here, 'file'), 0o600);
  utimesSync(join(place.here, 'file'), 1_500_000_000, 1_500_000_000);
  const [from, to] = [join(place.here, 'file'), join(place.there, 'file')];
  const result = await place.session((remote) => get(remote, from, to));
  expect(result.files).toMatchObject([{ state: 'skipped' }]);
  expect(look(to)).toEqual(['600', 1_500_000_000]);
});
