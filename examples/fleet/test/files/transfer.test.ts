// put and get against Debian's sshd: what goes, what is skipped, resumed and verified; a lost connection, a full disk, a server without a shell.
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { remote_hashes } from '../../src/files/hashes.js';
import { get, host_target, LocalSource, put, Remote, type TransferOptions } from '../../src/files/index.js';
import { type SessionOptions, sshd_lacks, TestSSHD } from './sshd.js';

const lacks = sshd_lacks();
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const MB = 1 << 20;

let sshd: TestSSHD;
let here: string;
let there: string;
beforeAll(() => {
  if (lacks === undefined) sshd = new TestSSHD();
});
afterAll(() => sshd?.stop());
beforeEach((ctx) => {
  if (lacks !== undefined) ctx.skip(lacks);
  const folder = mkdtempSync(join(tmpdir(), `fleet-files-${process.pid}-`));
  [here, there] = [join(folder, 'here'), join(folder, 'there')];
  mkdirSync(here);
  mkdirSync(there);
});
afterEach(() => {
  if (here) rmSync(join(here, '..'), { recursive: true, force: true });
});

/** Runs something on a connection of its own. */
async function session<T>(work: (remote: Remote) => Promise<T>, options: SessionOptions = {}): Promise<T> {
  const client = await sshd.connect(options);
  try {
    return await work(await Remote.open(client));
  } finally {
    client.destroy();
  }
}

const put_file = async (path: string, target: string, options?: TransferOptions, more?: SessionOptions) => {
  const source = await LocalSource.open(path);
  return session((remote) => put(remote, source, target, options), more);
};
const get_file = (source: string, target: string, options?: TransferOptions, more?: SessionOptions) =>
  session((remote) => get(remote, source, target, options), more);

const states = ({ files }: { files: readonly { state: string }[] }) => files.map(({ state }) => state).sort();
const parts = (folder: string) => readdirSync(folder).filter((name) => name.endsWith('.part'));

function random_file(path: string, size: number): Buffer {
  const content = randomBytes(size);
  writeFileSync(path, content);
  chmodSync(path, 0o750);
  utimesSync(path, 1_500_000_000, 1_500_000_000);
  return content;
}

describe.each(['put', 'get'] as const)('%s of a file', (direction) => {
  const move = direction === 'put' ? put_file : get_file;

  test.each([0, 1, 255 << 10, 3 * MB + 17])('%i bytes, with mode and time', async (size) => {
    const from = join(here, `a 'file' of ${size}`);
    const content = random_file(from, size);
    const heard: number[] = [];
    const result = await move(from, join(there, 'copy'), { on_progress: (_, bytes) => heard.push(bytes) });
    expect(result).toMatchObject({ failed: 0, bytes: size });
    expect(result.files).toEqual([
      { path: join(there, 'copy'), state: 'sent', size, sent: size, hash: sha256(content) },
    ]);
    expect(readFileSync(join(there, 'copy')).equals(content)).toBe(true);
    const { mode, mtimeMs } = statSync(join(there, 'copy'));
    expect([mode & 0o777, mtimeMs]).toEqual([0o750, 1_500_000_000_000]);
    expect(heard.at(-1)).toBe(size);
    expect(heard).toEqual([...heard].sort((a, b) => a - b));
    expect(readdirSync(there)).toEqual(['copy']);
  });

  test('is skipped where the hash is equal, and replaced where only the size is', async () => {
    const from = join(here, 'file');
    const content = random_file(from, MB);
    await move(from, `${there}/`);
    expect(await move(from, there)).toMatchObject({
      bytes: 0,
      files: [{ state: 'skipped', hash: sha256(content) }],
    });
    const other = random_file(from, MB);
    expect(states(await move(from, there))).toEqual(['sent']);
    expect(readFileSync(join(there, 'file')).equals(other)).toBe(true);
  });

  test('a dry run says what would go and changes nothing', async () => {
    const from = join(here, 'file');
    random_file(from, 1000);
    expect(states(await move(from, join(there, 'new'), { dry_run: true }))).toEqual(['would send']);
    expect(readdirSync(there)).toEqual([]);
  });

  test('is resumed where it was cut, again and again, to the equal hash', async () => {
    const from = join(here, 'file');
    const content = random_file(from, 12 * MB);
    const to = join(there, 'file');
    let resumed = 0;
    let rounds = 0;
    let last = 0;
    for (let done = false; !done; rounds += 1) {
      const before = last;
      const options = {
        on_progress: (_: string, bytes: number) => {
          last = bytes;
        },
      };
      try {
        // Each connection moves 3 to 4 MB before it is cut, at another place each time.
        const result = await move(from, to, options, { cut_after: 3 * MB + rounds * 123_457 });
        expect(result.files[0]?.state).toBe('resumed');
        done = true;
      } catch (error) {
        expect(error).toMatchObject({ name: 'TransferError', failure: 'cut-off' });
        expect(existsSync(to)).toBe(false);
        expect(parts(there)).toHaveLength(1);
        if (rounds > 0 && last > before) resumed += 1;
      }
      expect(rounds).toBeLessThan(30);
    }
    expect(resumed).toBeGreaterThan(0);
    expect(sha256(readFileSync(to))).toBe(sha256(content));
    expect(readdirSync(there)).toEqual(['file']);
  });

  test('an unfinished file that is damaged is begun anew', async () => {
    const from = join(here, 'file');
    const content = random_file(from, 8 * MB);
    const to = join(there, 'file');
    await expect(move(from, to, {}, { cut_after: 4 * MB })).rejects.toMatchObject({ failure: 'cut-off' });
    const part = join(there, parts(there)[0] ?? '');
    const damaged = readFileSync(part);
    expect(damaged.length).toBeGreaterThan(0);
    damaged.writeUInt8(damaged.readUInt8(1000) ^ 1, 1000);
    writeFileSync(part, damaged);
    expect(await move(from, to)).toMatchObject({ bytes: 8 * MB, files: [{ state: 'sent' }] });
    expect(readFileSync(to).equals(content)).toBe(true);
  });

  test('a user who stops it finds the target as it was, and goes on later', async () => {
    const from = join(here, 'file');
    random_file(from, 12 * MB);
    const to = join(there, 'file');
    writeFileSync(to, 'old');
    const stop = new AbortController();
    const on_progress = (_: string, bytes: number) => bytes > 2 * MB && stop.abort();
    await expect(move(from, to, { signal: stop.signal, on_progress })).rejects.toMatchObject({
      failure: 'stopped',
    });
    expect(readFileSync(to, 'utf8')).toBe('old');
    expect(states(await move(from, to))).toEqual(['resumed']);
  });

  test('a server that runs no commands is read instead', async () => {
    const from = join(here, 'file');
    const content = random_file(from, MB);
    const sftp_only = { config: 'ForceCommand internal-sftp -l QUIET' };
    const result = await move(from, join(there, 'copy'), {}, sftp_only);
    expect(result.files).toMatchObject([{ state: 'sent', hash: sha256(content) }]);
    expect(states(await move(from, join(there, 'copy'), {}, sftp_only))).toEqual(['skipped']);
  });

  test('a link that has the name is replaced, what it leads to stays', async () => {
    const from = join(here, 'file');
    random_file(from, 10);
    writeFileSync(join(here, 'precious'), 'keep');
    symlinkSync(join(here, 'precious'), join(there, 'copy'));
    await move(from, join(there, 'copy'));
    expect(readFileSync(join(here, 'precious'), 'utf8')).toBe('keep');
    expect(lstatSync(join(there, 'copy')).isFile()).toBe(true);
  });

  test('wrong arguments and missing files are named', async () => {
    await expect(move(join(here, 'none'), there)).rejects.toThrow(/none: .*no such file/i);
    writeFileSync(join(here, 'file'), '');
    await expect(move(join(here, 'file'), '')).rejects.toThrow('is no name of a file');
    const into = await move(join(here, 'file'), join(there, 'none', 'file')).catch((error) => error);
    if (direction === 'put')
      expect(into.files).toMatchObject([{ state: 'failed', reason: 'no such file or directory' }]);
    else expect(existsSync(join(there, 'none', 'file'))).toBe(true);
  });
});

describe('folders', () => {
  const NAMES = ["it's", 'two\nlines', '-rf', 'ä日', '$(id)', ' space ', '*', 'back\\slash', '"'];

  function make_tree(): void {
    mkdirSync(join(here, 'sub', 'deep'), { recursive: true });
    mkdirSync(join(here, 'empty'), { mode: 0o700 });
    for (const name of NAMES) writeFileSync(join(here, 'sub', name), `content of ${name}`);
    writeFileSync(join(here, 'sub', 'deep', 'same 1'), 'same');
    writeFileSync(join(here, 'sub', 'deep', 'same 2'), 'same');
    symlinkSync('../elsewhere', join(here, 'sub', 'link'));
    spawnSync('mkfifo', [join(here, 'pipe')]);
  }

  const trees_differ = () =>
    spawnSync('diff', ['-r', '--no-dereference', '-x', 'pipe', '-x', 'link', here, there], {
      encoding: 'utf8',
    }).stdout;

  test('put: all that can go, links as they are, and nothing the second time', async () => {
    make_tree();
    const first = await put_file(here, there);
    expect(first).toMatchObject({ failed: 0, left_out: [join(there, 'pipe')] });
    expect(first.files).toHaveLength(NAMES.length + 2);
    expect(trees_differ()).toBe('');
    expect(readlinkSync(join(there, 'sub', 'link'))).toBe('../elsewhere');
    expect(statSync(join(there, 'empty')).mode & 0o777).toBe(0o700);
    const again = await put_file(here, there);
    expect(new Set(states(again))).toEqual(new Set(['skipped']));
    expect(again.bytes).toBe(0);
    await put_file(here, `${there}/`);
    expect(existsSync(join(there, 'here', 'sub', '-rf'))).toBe(true);
  });

  test('get: neither links nor devices, and nothing the second time', async () => {
    make_tree();
    const result = await get_file(here, there);
    expect(result.failed).toBe(0);
    expect([...result.left_out].sort()).toEqual([join(here, 'pipe'), join(here, 'sub', 'link')]);
    expect(trees_differ()).toBe('');
    expect(existsSync(join(there, 'sub', 'link'))).toBe(false);
    expect(new Set(states(await get_file(here, there)))).toEqual(new Set(['skipped']));
  });

  test('get: a link in place of a folder is not followed', async () => {
    make_tree();
    const outside = join(here, '..', 'outside');
    mkdirSync(outside);
    symlinkSync(outside, join(there, 'sub'));
    await expect(get_file(here, there)).rejects.toThrow(/sub: is a link, not a folder/);
    expect(readdirSync(outside)).toEqual([]);
  });

  test.each(['put', 'get'] as const)('%s: a file that fails is named, the others go', async (direction) => {
    for (const name of ['a', 'b', 'c']) writeFileSync(join(here, name), name);
    mkdirSync(join(there, 'b'));
    const result = direction === 'put' ? await put_file(here, there) : await get_file(here, there);
    expect(result.failed).toBe(1);
    expect(result.files.find(({ state }) => state === 'failed')).toMatchObject({
      path: join(there, 'b'),
      reason: 'is a folder',
    });
    expect(readFileSync(join(there, 'c'), 'utf8')).toBe('c');
  });

  test('put to many: a source is read once, and goes on though it changes', async () => {
    const file = join(here, 'file');
    random_file(file, 1000);
    const source = await LocalSource.open(file);
    await session((remote) => put(remote, source, join(there, 'one')));
    appendFileSync(file, 'more');
    writeFileSync(file, Buffer.alloc(1000, 1));
    const { files } = await session((remote) => put(remote, source, join(there, 'two')));
    expect(files).toMatchObject([{ state: 'failed', reason: expect.stringContaining('the hash differs') }]);
    expect(readdirSync(there)).toEqual(['one']);
  });
});

test('a full disk is a failure that says so, and is left as it was', async (ctx) => {
  const before = `mount -t tmpfs -o size=2m none '${there}'`;
  if (spawnSync('unshare', ['-m', 'sh', '-c', before]).status !== 0) ctx.skip('needs root');
  const file = join(here, 'file');
  random_file(file, 4 * MB);
  const source = await LocalSource.open(file);
  await session(
    async (remote) => {
      const { files } = await put(remote, source, join(there, 'copy'));
      expect(files).toMatchObject([
        { state: 'failed', reason: expect.stringMatching(/^no space left on the target/) },
      ]);
      expect(await remote.list(there)).toEqual([]);
    },
    { before },
  );
});

test('a target without SFTP is a failure that says so', async () => {
  const work = session(async () => undefined, { sftp: false });
  await expect(work).rejects.toMatchObject({ failure: 'transfer', reason: 'the target offers no SFTP' });
});

test('hashes of many files: of those that cannot be read, none', async () => {
  const names = ['a', "it's", 'two\nlines', '-n'].map((name) => join(here, name));
  for (const name of names) writeFileSync(name, name);
  mkdirSync(join(here, 'folder'));
  const asked = [...names, join(here, 'none'), join(here, 'folder')].map((path) => ({
    path,
    size: path.length,
  }));
  const right = new Map(names.map((name) => [name, sha256(Buffer.from(name))]));
  await session(async (remote) => expect(await remote_hashes(remote, asked)).toEqual(right));
  const sftp_only = { config: 'ForceCommand internal-sftp' };
  await session(async (remote) => expect(await remote_hashes(remote, asked)).toEqual(right), sftp_only);
});

test('names of hosts in local names', () => {
  expect(host_target('logs', 'web1')).toBe('logs/web1/');
  expect(host_target('logs/%h.txt', 'web1')).toBe('logs/web1.txt');
  expect(host_target('100%%/%h', 'web1')).toBe('100%/web1');
  expect(host_target('100%%h', 'web1')).toBe('100%h/web1/');
  for (const wrong of ['', '.', '..', 'a/b', 'a\0'])
    expect(() => host_target('logs', wrong)).toThrow(/cannot be the name of a folder/);
});
