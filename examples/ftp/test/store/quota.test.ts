// Quotas: what a home may hold, however it gets there and however many sessions bring it. The count is compared with a scan after each step.
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LocalRegistry } from '../../dist/guard/registry.js';
import { DiskFileSystem, type DiskOptions } from '../../dist/store/disk.js';
import { begin, code, get, make_home, put } from './home.js';

const MiB = 1 << 20;

/** A home with limits; `check` compares the count with what a new registry finds by a scan. */
async function limited(
  max_bytes: number,
  max_files: number,
  options: DiskOptions = {},
  prepare?: (home: string) => Promise<void>,
) {
  const { home } = await make_home();
  await prepare?.(home);
  const limits = { home, max_bytes, max_files };
  const registry = new LocalRegistry();
  const session = (user = '') =>
    new DiskFileSystem(home, { ...options, user, quota: registry.quota(limits) });
  const check = async () => {
    const counted = await registry.quota(limits).usage();
    expect(counted).toEqual(await new LocalRegistry().quota(limits).usage());
    return { bytes: counted.bytes, files: counted.files };
  };
  return { home, files: session(), session, check };
}

describe('bytes', () => {
  it('end an upload when they are used up, and are free again when it is gone', async () => {
    const { files, check } = await limited(1000, Infinity);
    await put(files, '/a', Buffer.alloc(600));
    const upload = await begin(files, '/b', Buffer.alloc(400));
    expect(await code(upload.write(Buffer.alloc(1)))).toBe('EDQUOT');
    expect(await code(upload.commit())).toBe('EDQUOT');
    expect(await check()).toEqual({ bytes: 600, files: 1 });
    await put(files, '/b', Buffer.alloc(400));
    expect(await check()).toEqual({ bytes: 1000, files: 2 });
    await files.remove('/a');
    expect(await check()).toEqual({ bytes: 400, files: 1 });
    await put(files, '/c', Buffer.alloc(600));
    expect(await check()).toEqual({ bytes: 1000, files: 2 });
  });

  it('several sessions at once do not take the same ones', async () => {
    const { session, check } = await limited(10 * MiB, Infinity);
    const results = await Promise.all(
      Array.from({ length: 8 }, async (_, i) => {
        const upload = await session(String(i)).upload(`/${i}`);
        try {
          for (let part = 0; part < 24; part++) await upload.write(Buffer.alloc(MiB / 8));
          await upload.commit();
          return 3 * MiB;
        } catch {
          await upload.abort(false).catch(() => undefined);
          return 0;
        }
      }),
    );
    const stored = results.reduce((sum, bytes) => sum + bytes, 0);
    expect(stored).toBeLessThanOrEqual(10 * MiB);
    const { bytes } = await check();
    expect(bytes).toBe(stored);
    // The rest is free for others.
    await put(session(), '/rest', Buffer.alloc(10 * MiB - stored));
    expect((await check()).bytes).toBe(10 * MiB);
  });

  it('are reserved ahead of need only so far that others have room', async () => {
    const { session, check } = await limited(100_000, Infinity);
    const uploads = await Promise.all(
      ['/a', '/b'].map((path) => begin(session(), path, Buffer.alloc(10_000))),
    );
    for (let i = 0; i < 4; i++)
      await Promise.all(uploads.map((upload) => upload.write(Buffer.alloc(10_000))));
    for (const upload of uploads) await upload.commit();
    expect(await check()).toEqual({ bytes: 100_000, files: 2 });
  });

  it('of a file that is replaced count once', async () => {
    const { files, check } = await limited(1000, Infinity);
    await put(files, '/a', Buffer.alloc(900));
    for (let i = 0; i < 3; i++) await put(files, '/a', Buffer.alloc(950 + i));
    expect(await check()).toEqual({ bytes: 952, files: 1 });
    await put(files, '/a', Buffer.alloc(10));
    expect(await check()).toEqual({ bytes: 10, files: 1 });
    await put(files, '/a', Buffer.alloc(90), { append: true });
    await put(files, '/a', Buffer.alloc(1), { offset: 50 });
    expect(await check()).toEqual({ bytes: 51, files: 1 });
    await put(files, '/b', Buffer.alloc(900));
    await files.rename('/a', '/b');
    expect(await check()).toEqual({ bytes: 51, files: 1 });
  });

  it('of a file that goes while it is replaced are not given twice', async () => {
    const { session, check } = await limited(1000, Infinity);
    await put(session(), '/a', Buffer.alloc(900));
    const upload = await begin(session(), '/a', Buffer.alloc(900));
    await session().remove('/a');
    await put(session(), '/b', Buffer.alloc(900));
    expect(await code(upload.commit())).toBe('EDQUOT');
    expect(await check()).toEqual({ bytes: 900, files: 1 });
  });

  it('of a large file that grows in place', async () => {
    const { files, check } = await limited(1000, Infinity, { in_place_bytes: 100 });
    await put(files, '/a', Buffer.alloc(900));
    await put(files, '/a', Buffer.alloc(50), { append: true });
    expect(await check()).toEqual({ bytes: 950, files: 1 });
    const upload = await begin(files, '/a', Buffer.alloc(50), { append: true });
    expect(await code(upload.write(Buffer.alloc(1)))).toBe('EDQUOT');
    await upload.abort(true);
    expect(await check()).toEqual({ bytes: 950, files: 1 });
  });

  it('of a broken upload count until it goes on or goes', async () => {
    const { home, files, check } = await limited(1000, Infinity, { leftovers_s: 60 });
    await (await begin(files, '/a', Buffer.alloc(700))).abort(true);
    expect(await check()).toEqual({ bytes: 700, files: 1 });
    expect(await code(put(files, '/b', Buffer.alloc(301)))).toBe('EDQUOT');
    const upload = await begin(files, '/a', Buffer.alloc(300), { offset: 700 });
    expect(await code(upload.write(Buffer.alloc(1)))).toBe('EDQUOT');
    await upload.abort(true);
    expect(await check()).toEqual({ bytes: 1000, files: 1 });
    await put(files, '/a', '', { offset: 10 });
    expect(await check()).toEqual({ bytes: 10, files: 1 });
    await (await begin(files, '/c', Buffer.alloc(500))).abort(true);
    await put(files, '/c', Buffer.alloc(1));
    expect(await check()).toEqual({ bytes: 11, files: 2 });
    await files.make_directory('/d');
    await (await begin(files, '/d/x', Buffer.alloc(500))).abort(true);
    expect(await check()).toEqual({ bytes: 511, files: 4 });
    await files.remove_directory('/d');
    expect(await check()).toEqual({ bytes: 11, files: 2 });
    expect(await get(files, '/a')).toBe('\0'.repeat(10));
    expect(home).not.toBe('');
  });

  it('that others have put there count, and leave room for nothing', async () => {
    const { files, check } = await limited(1000, 3, {}, async (home) => {
      await writeFile(join(home, 'foreign'), '');
      await truncate(join(home, 'foreign'), 2000);
    });
    expect(await check()).toEqual({ bytes: 2000, files: 1 });
    expect(await code(put(files, '/a', 'x'))).toBe('EDQUOT');
    // What takes no bytes is permitted, and so is to make room.
    await put(files, '/empty', '');
    await put(files, '/foreign', 'small');
    await put(files, '/a', 'x');
    expect(await check()).toEqual({ bytes: 6, files: 3 });
  });
});

describe('files', () => {
  it('are files and directories, and uploads that run', async () => {
    const { files, check } = await limited(Infinity, 3);
    await files.make_directory('/d');
    const one = await begin(files, '/a', 'x');
    const two = await begin(files, '/b', 'x');
    expect(await code(files.upload('/c'))).toBe('EDQUOT');
    expect(await code(files.make_directory('/c'))).toBe('EDQUOT');
    await one.abort(false);
    await two.commit();
    await put(files, '/c', 'x');
    expect(await check()).toEqual({ bytes: 2, files: 3 });
    await put(files, '/c', 'replaced');
    await put(files, '/c', '!', { append: true });
    expect(await code(files.make_directory('/c'))).toBe('EDQUOT');
    await files.remove_directory('/d');
    expect(await code(files.make_directory('/no/where'))).toBe('ENOENT');
    await files.make_directory('/e');
    expect(await check()).toEqual({ bytes: 10, files: 3 });
  });
});

it('a broken upload stays if there is no room to go on with it', async () => {
  const { home } = await make_home();
  const registry = new LocalRegistry();
  const files = (max_bytes: number) =>
    new DiskFileSystem(home, { quota: registry.quota({ home, max_bytes, max_files: Infinity }) });
  await (await begin(files(1000), '/a', Buffer.alloc(700))).abort(true);
  expect(await code(files(500).upload('/a', { offset: 700 }))).toBe('EDQUOT');
  expect((await files(500).stat('/a')).size).toBe(700);
  expect((await files(500).usage()).bytes).toBe(700);
  await put(files(1000), '/a', 'x', { offset: 700 });
  expect((await files(1000).usage()).bytes).toBe(701);
});

it('a scan counts no uploads that run: who runs them has reserved their bytes', async () => {
  const { files } = await make_home();
  const upload = await begin(files, '/a', 'hello');
  expect(await files.usage()).toMatchObject({ bytes: 0, files: 0 });
  await upload.commit();
  expect(await files.usage()).toMatchObject({ bytes: 5, files: 1 });
});

it('without limits, usage() is what a scan finds', async () => {
  const { files } = await make_home();
  await files.make_directory('/d');
  await put(files, '/d/a', 'hello');
  await begin(files, '/d/running', 'not counted').then((upload) => upload.abort(true));
  expect(await files.usage()).toEqual({ bytes: 16, files: 3, max_bytes: Infinity, max_files: Infinity });
});

it('two users of one home share the count, each with limits of their own', async () => {
  const { home } = await make_home();
  const registry = new LocalRegistry();
  const files = (max_bytes: number) =>
    new DiskFileSystem(home, { quota: registry.quota({ home, max_bytes, max_files: Infinity }) });
  const [small, large] = [files(10), files(12)];
  await put(small, '/a', '0123456789');
  expect(await code(put(small, '/b', 'x'))).toBe('EDQUOT');
  await put(large, '/b', 'x');
  expect(await code(put(small, '/c', 'x'))).toBe('EDQUOT');
  expect(await small.usage()).toEqual({ bytes: 11, files: 2, max_bytes: 10, max_files: Infinity });
  expect(await large.usage()).toMatchObject({ bytes: 11, max_bytes: 12 });
});
