// ftpc as users run it, against ftpd: files, folders, mirrors, resume, hashes. Passwords, certificates, the shell: access.test.ts.
import { createHash } from 'node:crypto';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ftpc, objects, type RunOptions } from './ftpc.js';
import { start_ftpd, type TestServer } from './servers.js';
import { make_tree, tree } from './trees.js';

const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');
const PASSWORD = { FTPC_PASSWORD: 'secret word' };

let server: TestServer;
let folder: string;
let url: string;
beforeAll(async () => {
  const limits = { max_connections_per_address: 1000, failed_logins: 100 };
  const settings = { limits, bans: { failures: 1000, delay: 0 } };
  server = await start_ftpd(undefined, settings);
  url = `ftp://ann@127.0.0.1:${server.port}`;
});
afterAll(async () => {
  await server.stop();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ftpc-command-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  for (const name of readdirSync(server.folder))
    rmSync(join(server.folder, name), { recursive: true, force: true });
});

const run = (line: readonly string[], options: RunOptions = {}) =>
  ftpc([...line, '--no-netrc'], { cwd: folder, env: PASSWORD, ...options });
const FILES = {
  'a.txt': 'a',
  'b c.txt': 'bc',
  'sub/ü.txt': 'ü',
  'sub/deep/x.tmp': 'x',
  '-rf': 'dash',
  '[x]*': 'glob',
};

describe('files', () => {
  test('put, ls, get, cat, hash, mv, rm', async () => {
    writeFileSync(join(folder, 'here'), 'content');
    utimesSync(join(folder, 'here'), 1_500_000_000, 1_500_000_000);
    expect((await run(['put', 'here', `${url}/there`])).code).toBe(0);
    expect(readFileSync(join(server.folder, 'there'), 'utf8')).toBe('content');
    expect(statSync(join(server.folder, 'there')).mtimeMs).toBe(1_500_000_000_000);
    expect((await run(['ls', `${url}/`])).stdout).toBe('there\n');
    expect((await run(['ls', '-l', `${url}/`])).stdout).toBe('-            7 2017-07-14 02:40:00 there\n');
    const [entry] = objects(await run(['ls', '--json', `${url}/`]));
    expect(entry).toMatchObject({
      event: 'entry',
      name: 'there',
      type: 'file',
      size: 7,
      modified: '2017-07-14T02:40:00.000Z',
    });
    const got = await run(['get', `${url}/there`, '-o', 'back']);
    expect([got.code, got.stdout]).toEqual([0, '']);
    expect(got.stderr).toMatch(/^there -> back: 7 B in \d+:\d\d.* at .*\/s, verified by SHA-256\n$/);
    expect(statSync(join(folder, 'back')).mtimeMs).toBe(1_500_000_000_000);
    expect((await run(['cat', `${url}/there`, `${url}/there`])).stdout).toBe('contentcontent');
    expect((await run(['hash', `${url}/there`])).stdout).toBe(`${sha256('content')}  there\n`);
    expect((await run(['hash', '-a', 'MD5', '--json', `${url}/there`])).stdout).toContain(
      '"algorithm":"MD5"',
    );
    expect((await run(['mkdir', '-p', `${url}/x/y/z`])).code).toBe(0);
    expect((await run(['mkdir', '-p', `${url}/x/y/z`])).code).toBe(0);
    expect((await run(['mkdir', `${url}/x`])).code).toBe(11);
    expect((await run(['mv', `${url}/there`, 'x/moved'])).code).toBe(0);
    expect((await run(['rm', `${url}/x/moved`])).code).toBe(0);
    expect((await run(['rmdir', `${url}/x/y/z`])).code).toBe(0);
    expect((await run(['rm', `${url}/x/moved`])).code).toBe(6);
    expect(tree(server.folder)).toEqual({ x: '/', 'x/y': '/' });
  });

  test('standard input and output', async () => {
    const put = await run(['put', '--json', '-', `${url}/piped`], { input: 'from a pipe' });
    expect([put.code, objects(put).at(-1)]).toMatchObject([
      0,
      { event: 'put', from: '-', to: 'piped', bytes: 11 },
    ]);
    expect((await run(['cat', `${url}/piped`])).stdout).toBe('from a pipe');
    expect((await run(['put', '-', `${url}/`], { input: '' })).code).toBe(2);
  });

  test('of several, those that fail are told, and the others are done', async () => {
    make_tree(server.folder, { one: '1', three: '3' });
    const result = await run(['get', '--json', `${url}/one`, `${url}/two`, `${url}/three`]);
    expect(result.code).toBe(6);
    expect(tree(folder)).toEqual({ one: '1', three: '3' });
    expect(objects(result).map(({ event, path, from }) => [event, path ?? from])).toEqual([
      ['get', 'one'],
      ['error', 'two'],
      ['get', 'three'],
    ]);
  });

  test('folders, both ways, in parallel', async () => {
    make_tree(join(folder, 'src'), FILES);
    symlinkSync('/etc/passwd', join(folder, 'src', 'link'));
    const put = await run(['put', '-r', '-P', '3', '-x', '*.tmp', 'src', `${url}/up/`]);
    expect([put.code, put.stderr.includes('src/link is a link: left out')]).toEqual([6, true]);
    await run(['mkdir', `${url}/up`]);
    expect(await run(['put', '-r', '-P', '3', '-x', '*.tmp', 'src', `${url}/up/`])).toMatchObject({
      code: 0,
    });
    const { 'sub/deep/x.tmp': _, ...others } = FILES;
    expect(tree(join(server.folder, 'up', 'src'))).toEqual({ ...others, sub: '/', 'sub/deep': '/' });
    expect((await run(['get', '-r', '-P', '4', `${url}/up/src`, '-o', 'back'])).code).toBe(0);
    expect(tree(join(folder, 'back'))).toEqual({ ...others, sub: '/', 'sub/deep': '/' });
    expect((await run(['get', `${url}/up/src`])).code).toBe(11);
    expect((await run(['rm', '-r', `${url}/up`])).code).toBe(0);
    expect(readdirSync(server.folder)).toEqual([]);
  });
});

describe('mirror and verify', () => {
  test('up: new, changed and deleted files', async () => {
    const src = join(folder, 'src');
    make_tree(src, FILES);
    expect((await run(['mirror', 'src', `${url}/m`])).code).toBe(0);
    const all = { ...FILES, sub: '/', 'sub/deep': '/' };
    expect(tree(join(server.folder, 'm'))).toEqual(all);
    expect((await run(['verify', 'src', `${url}/m`])).code).toBe(0);
    // Nothing has changed, so nothing moves.
    expect(objects(await run(['mirror', '--json', 'src', `${url}/m`])).at(-1)).toEqual({
      event: 'mirror',
      files: 0,
      folders: 0,
      deleted: 0,
    });
    writeFileSync(join(src, 'a.txt'), 'A');
    utimesSync(join(src, 'a.txt'), Date.now() / 1000 + 60, Date.now() / 1000 + 60);
    rmSync(join(src, 'sub'), { recursive: true });
    expect((await run(['verify', '--json', 'src', `${url}/m`])).code).toBe(8);
    const plan = objects(await run(['mirror', '-n', '--delete', '--json', 'src', `${url}/m`]));
    expect(
      plan.filter(({ event }) => event === 'plan').map(({ action, path }) => `${action} ${path}`),
    ).toEqual([
      'delete m/sub/deep/x.tmp',
      'delete m/sub/deep',
      'delete m/sub/ü.txt',
      'delete m/sub',
      'put m/a.txt',
    ]);
    expect(tree(join(server.folder, 'm'))).toEqual(all);
    expect((await run(['mirror', 'src', `${url}/m`])).code).toBe(0);
    expect(tree(join(server.folder, 'm'))).toEqual({ ...all, 'a.txt': 'A' });
    expect((await run(['mirror', '--delete', '-x', '*.tmp', 'src', `${url}/m`])).code).toBe(11);
    // What is excluded stays, and so does its folder.
    expect(Object.keys(tree(join(server.folder, 'm')))).toContain('sub/deep/x.tmp');
    expect((await run(['mirror', '--delete', 'src', `${url}/m`])).code).toBe(0);
    expect(tree(join(server.folder, 'm'))).toEqual(tree(src));
  });

  test('down: new, changed and deleted files; types that change', async () => {
    make_tree(server.folder, { ...FILES, 'turns/into': 'file' });
    const target = join(folder, 'target');
    expect((await run(['mirror', '-P', '2', `${url}/`, 'target'])).code).toBe(0);
    expect(tree(target)).toEqual(tree(server.folder));
    rmSync(join(server.folder, 'turns'), { recursive: true });
    writeFileSync(join(server.folder, 'turns'), 'a file now');
    rmSync(join(server.folder, 'a.txt'));
    expect((await run(['mirror', '-n', '--delete', `${url}/`, 'target'])).stdout).toContain(
      'delete target/a.txt',
    );
    expect((await run(['mirror', '--delete', `${url}/`, 'target'])).code).toBe(0);
    expect(tree(target)).toEqual(tree(server.folder));
    expect((await run(['verify', 'target', `${url}/`])).code).toBe(0);
    writeFileSync(join(target, '-rf'), 'DASH');
    const found = objects(await run(['verify', '--json', 'target', `${url}/`]));
    expect(found.filter(({ event }) => event === 'error')).toMatchObject([
      { kind: 'verify', exit_code: 8, path: 'target/-rf' },
    ]);
  });
});

describe('resume', () => {
  const DATA = 'the whole content of the file\n'.repeat(10_000);

  test('down: a beginning that is right is kept, one that is not is not', async () => {
    writeFileSync(join(server.folder, 'f'), DATA);
    writeFileSync(join(folder, 'f'), DATA.slice(0, 100_000));
    const [resumed] = objects(await run(['get', '-c', '--json', `${url}/f`]));
    expect(resumed).toMatchObject({
      resumed: 100_000,
      bytes: DATA.length - 100_000,
      verified: 'SHA-256',
      hash: sha256(DATA),
    });
    const [complete] = objects(await run(['get', '-c', '--json', `${url}/f`]));
    expect(complete).toMatchObject({ resumed: DATA.length, bytes: 0 });
    writeFileSync(join(folder, 'f'), `X${DATA.slice(1, 100_000)}`);
    const changed = objects(await run(['get', '-c', '--json', `${url}/f`]));
    expect(changed.map(({ event }) => event)).toEqual(['note', 'get']);
    expect(changed[1]).toMatchObject({ resumed: 0, bytes: DATA.length });
    expect(readFileSync(join(folder, 'f'), 'utf8')).toBe(DATA);
    expect(readdirSync(folder)).toEqual(['f']);
  });

  test('up', async () => {
    writeFileSync(join(folder, 'f'), DATA);
    writeFileSync(join(server.folder, 'f'), DATA.slice(0, 100_000));
    const [resumed] = objects(await run(['put', '-c', '--json', 'f', `${url}/f`]));
    expect(resumed).toMatchObject({ resumed: 100_000, bytes: DATA.length - 100_000, verified: 'SHA-256' });
    expect(objects(await run(['put', '-c', '--json', 'f', `${url}/f`]))[0]).toMatchObject({ bytes: 0 });
    writeFileSync(join(server.folder, 'f'), `X${DATA.slice(1, 100_000)}`);
    const changed = objects(await run(['put', '-c', '--json', 'f', `${url}/f`]));
    expect(changed[0]).toMatchObject({
      event: 'note',
      message: expect.stringContaining('no beginning of f (SHA-256)'),
    });
    expect(readFileSync(join(server.folder, 'f'), 'utf8')).toBe(DATA);
  });

  test('Ctrl-C ends a transfer with 130, and the partial file is gone on from', async () => {
    writeFileSync(join(server.folder, 'f'), Buffer.alloc(50_000_000, DATA));
    const result = await run(['get', `${url}/f`], {
      on_start: (kill) => {
        const timer = setInterval(() => {
          const [part] = readdirSync(folder);
          if (part === undefined || statSync(join(folder, part)).size === 0) return;
          clearInterval(timer);
          kill('SIGINT');
        }, 1);
        timer.unref();
      },
    });
    // On a fast machine all of it may have come before.
    expect([0, 130]).toContain(result.code);
    if (result.code === 130) expect(readdirSync(folder)[0]).toMatch(/^\.f\.[0-9a-f]{12}\.ftpc-part$/);
    expect((await run(['get', '-c', `${url}/f`])).code).toBe(0);
    expect(statSync(join(folder, 'f')).size).toBe(50_000_000);
    expect(readdirSync(folder)).toEqual(['f']);
  });
});
