// What bounds a transfer: bytes of a get, space here, memory, inactivity while a file is hashed, connections that carry little.
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { get, LocalSource, put, Space } from '../../src/files/index.js';
import { use_place } from './place.js';

const MB = 1 << 20;
const LONG_MS = 300_000;
const place = use_place();

describe('bytes of a get', () => {
  const get_all = (max_bytes: number) =>
    place.session((remote) => get(remote, place.here, place.there, { max_bytes }));

  test('more than the limit is refused before anything comes', async () => {
    for (const name of ['a', 'b', 'c']) writeFileSync(join(place.here, name), Buffer.alloc(1000));
    await expect(get_all(2999)).rejects.toThrow('3.0 kB are more than the limit of 3.0 kB');
    expect(readdirSync(place.there)).toEqual([]);
    expect(await get_all(3000)).toMatchObject({ failed: 0, bytes: 3000 });
  });

  test('what is here counts no more; what only has the size is found out when it comes', async () => {
    for (const name of ['a', 'b']) writeFileSync(join(place.here, name), Buffer.alloc(1000));
    writeFileSync(join(place.there, 'a'), Buffer.alloc(1000));
    expect(await get_all(1000)).toMatchObject({ failed: 0, bytes: 1000 });
    for (const name of ['a', 'b']) writeFileSync(join(place.there, name), Buffer.alloc(1000, 1));
    const { failed, bytes } = await get_all(1500);
    expect(failed).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(2000);
  });
});

describe('space here', () => {
  const free = (path: string) => {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  };

  test('hosts share it: what others have announced and not yet sent is not free', async () => {
    const space = new Space();
    const most = Math.floor(free(place.there) * 0.6);
    // The folders need not be there yet.
    const first = await space.reserve(join(place.there, 'h1', 'logs'), most);
    const second = () => space.reserve(join(place.there, 'h2'), most);
    await expect(second()).rejects.toThrow(/no space here for .*of which .* are for other hosts/);
    first.written(most);
    (await second()).release();
    const third = await second();
    // Once more than was announced, and released twice: it never counts as less than nothing.
    first.written(most);
    first.release();
    first.release();
    await expect(second()).rejects.toThrow('no space here');
    third.release();
    await second();
    await expect(new Space().reserve(place.there, free(place.there) * 2)).rejects.toThrow('no space here');
  });
});

describe('connections that carry little', () => {
  test.each(['put', 'get'] as const)(
    '%s: they get there',
    async (direction) => {
      const file = join(place.here, 'file');
      const content = randomBytes(MB + 1);
      writeFileSync(file, content);
      const to = join(place.there, 'file');
      const source = await LocalSource.open(file);
      const kept = () => {
        const [part] = readdirSync(place.there).filter((name) => name.endsWith('.part'));
        return part === undefined ? 0 : statSync(join(place.there, part)).size;
      };
      const move = (cut_after?: number) =>
        place.session((remote) => (direction === 'put' ? put(remote, source, to) : get(remote, file, to)), {
          cut_after,
          gently: true,
        });
      // Less than one request of full size. What is on its way when the connection ends may be lost, now and then all of it.
      for (let rounds = 0; kept() < 150_000; rounds += 1) {
        expect(rounds).toBeLessThan(60);
        const before = kept();
        await expect(move(200_000)).rejects.toThrow();
        await place.quiet();
        expect(kept()).toBeGreaterThanOrEqual(before);
      }
      expect(await move()).toMatchObject({ files: [{ state: 'resumed' }] });
      expect(readFileSync(to).equals(content)).toBe(true);
    },
    LONG_MS,
  );
});

test('a user who stops while the target hashes is obeyed at once', async () => {
  for (const folder of [place.here, place.there]) writeFileSync(join(folder, 'file'), randomBytes(17 * MB));
  const source = await LocalSource.open(join(place.here, 'file'));
  const config = `SetEnv PATH=${place.tool('split', 'sleep 600')}:/usr/bin:/bin`;
  const stop = new AbortController();
  const work = place.session(
    (remote) =>
      put(remote, source, `${place.there}/`, { signal: stop.signal, on_hashing: () => stop.abort() }),
    { config },
  );
  await expect(work).rejects.toMatchObject({ failure: 'stopped' });
});

describe('while a source is hashed here', () => {
  const SIZE = 17 * MB;
  const open_source = () => {
    writeFileSync(join(place.here, 'file'), Buffer.alloc(SIZE));
    return LocalSource.open(join(place.here, 'file'));
  };

  test('a transfer that is to end ends then, and the hashing for others goes on', async () => {
    const source = await open_source();
    const target = join(place.there, 'file');
    const stop = new AbortController();
    let heard = 0;
    const on_hashing = () => {
      heard += 1;
      stop.abort();
    };
    const stopped = place.session((remote) =>
      put(remote, source, target, { signal: stop.signal, on_hashing }),
    );
    const other = place.session((remote) => put(remote, source, target));
    await expect(stopped).rejects.toMatchObject({ failure: 'stopped' });
    expect(heard).toBe(1);
    expect(await other).toMatchObject({ failed: 0, files: [{ state: 'sent', size: SIZE }] });
  });

  test('when nobody waits any more it ends, and begins anew for the next one', async () => {
    const source = await open_source();
    const [file] = source.tree.files;
    if (file === undefined) throw new Error('there is no file');
    let heard = 0;
    const digest = source.digest(file, (bytes) => {
      heard = bytes;
      if (bytes > 5 * MB) throw new RangeError('enough');
    });
    await expect(digest).rejects.toThrow('enough');
    expect(heard).toBeLessThan(7 * MB);
    const again: number[] = [];
    expect((await source.digest(file, (bytes) => again.push(bytes))).blocks.hashes).toHaveLength(SIZE / MB);
    expect([again[0], again.at(-1)]).toEqual([MB, SIZE]);
  });
});

test('commands of a connection wait for each other: a server gives it few sessions', async () => {
  const printed = await place.session(
    (remote) => Promise.all(Array.from({ length: 20 }, () => remote.output_of('sleep 0.1; echo done'))),
    { config: 'MaxSessions 5' },
  );
  // Of one that was refused there would be nothing.
  expect(new Set(printed.map(String))).toEqual(new Set(['done\n']));
});
