// Uploads when the machine fails: a disk that is full, and processes that are killed wherever they are.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { LocalRegistry } from '../../dist/guard/registry.js';
import { all_names, get, make_home, names, temporary } from './home.js';

const DISK = JSON.stringify(new URL('../../dist/store/disk.js', import.meta.url).href);
const REGISTRY = JSON.stringify(new URL('../../dist/guard/registry.js', import.meta.url).href);

it('a disk that is full ends an upload with ENOSPC; the file is as it was, and the space is free again', async (context) => {
  const folder = await temporary();
  const script = `
    const { DiskFileSystem } = await import(${DISK});
    const { LocalRegistry } = await import(${REGISTRY});
    const { readdirSync, readFileSync } = await import('node:fs');
    const home = ${JSON.stringify(folder)};
    const limits = { home, max_bytes: 1e9, max_files: 1e6 };
    const quota = new LocalRegistry().quota(limits);
    const files = new DiskFileSystem(home, { quota, in_place_bytes: 1000 });
    const put = async (path, bytes, options) => {
      const upload = await files.upload(path, options);
      try {
        for (let done = 0; done < bytes; done += 50_000) await upload.write(Buffer.alloc(Math.min(50_000, bytes - done), 'x'));
        await upload.commit();
        return 'done';
      } catch (error) {
        await upload.abort(true).catch(() => undefined);
        return error.code;
      }
    };
    const results = [];
    results.push(await put('/a', 300_000));
    results.push(await put('/a', 2_000_000, { append: true }));
    results.push(readFileSync(home + '/a').length);
    results.push(await put('/b', 2_000_000));
    // It goes on if there is room; here there is none, and it can be taken away.
    results.push(readdirSync(home).length);
    results.push((await files.usage()).bytes === (await new LocalRegistry().quota(limits).usage()).bytes);
    results.push(await put('/b', 100_000));
    await files.clear();
    console.log(JSON.stringify(results));`;
  const mounted = 'mount -t tmpfs -o size=1m ftp-store "$0" && exec "$1" --input-type=module -e "$2"';
  const { stdout, stderr } = spawnSync(
    'unshare',
    ['-m', 'sh', '-c', mounted, folder, process.execPath, script],
    {
      encoding: 'utf8',
      timeout: 50_000,
    },
  );
  if (/unshare|mount/.test(stderr)) context.skip('unshare and mount need a privilege');
  expect(stderr).toBe('');
  const [first, appended, size, second, entries, counted, after] = JSON.parse(stdout);
  expect({ first, appended, size, second, entries, counted }).toEqual({
    first: 'done',
    appended: 'ENOSPC',
    size: 300_000,
    second: 'ENOSPC',
    entries: 2,
    counted: true,
  });
  // The broken upload has all of the space that was left, and the new one begins beside it.
  expect(after).toBe('ENOSPC');
});

/** Uploads one version of /f after another, and adds record after record to /log, until it is killed. */
const STORM = (home: string) => `
  const { DiskFileSystem } = await import(${DISK});
  const { createHash } = await import('node:crypto');
  const files = new DiskFileSystem(${JSON.stringify(home)}, { in_place_bytes: 100, sync: false });
  const line = (i) => {
    const body = i + ' ' + 'x'.repeat(i % 1000);
    return createHash('md5').update(body).digest('hex') + ' ' + body + '\\n';
  };
  for (let i = 0; ; i++) {
    const text = Buffer.from(line(i));
    for (const [path, options] of [['/f', {}], ['/log', { append: true }]]) {
      const upload = await files.upload(path, options);
      await upload.write(text.subarray(0, text.length >> 1));
      await upload.write(text.subarray(text.length >> 1));
      await upload.commit();
    }
    console.log(i);
  }`;

it('processes that are killed leave whole files, wherever they were', async () => {
  const { home, files } = await make_home({ in_place_bytes: 100, leftovers_s: 0 });
  const is_whole = (line: string) =>
    createHash('md5').update(line.slice(33)).digest('hex') === line.slice(0, 32);
  let records = 0;
  for (let round = 0; round < 8; round++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', STORM(home)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    // Some way into the next uploads; how far is the machine's affair.
    for (let i = 0; i < 40 * round; i++) await new Promise((resolve) => setImmediate(resolve));
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    // As it is on the disk, without a reader's repair.
    expect(is_whole((await readFile(join(home, 'f'), 'utf8')).slice(0, -1))).toBe(true);
    const lines = (await get(files, '/log')).split('\n');
    expect(lines.pop()).toBe('');
    for (const line of lines) expect(is_whole(line)).toBe(true);
    expect(lines.length).toBeGreaterThan(records);
    records = lines.length;
  }
  expect(await names(files, '/')).toEqual(['f', 'log']);
  expect(await all_names(home)).toEqual(['f', 'log']);
  const limits = { home, max_bytes: Infinity, max_files: Infinity };
  expect((await new LocalRegistry().quota(limits).usage()).files).toBe(2);
}, 300_000);
