// Nobody leaves a home: links, '..', what is no file, and directories that become links while a request is under way.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { link, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DiskFileSystem } from '../../dist/store/disk.js';
import { code, entries, get, make_home, names, open_below, put } from './home.js';

describe('links', () => {
  it('within the home are followed', async () => {
    const { home, files } = await make_home();
    await mkdir(join(home, 'a', 'b'), { recursive: true });
    await writeFile(join(home, 'a', 'b', 'f'), 'inside');
    await symlink('a/b', join(home, 'relative'));
    await symlink(join(home, 'a', 'b'), join(home, 'absolute'));
    await symlink(home, join(home, 'a', 'home'));
    await symlink('../../a/./b//f', join(home, 'a', 'b', 'up'));
    await symlink('relative', join(home, 'chain'));
    await symlink('chain/../b/f', join(home, 'through'));
    for (const path of ['/relative/f', '/absolute/f', '/a/home/a/b/f', '/a/b/up', '/chain/up', '/through']) {
      expect(`${path} ${await get(files, path)}`).toBe(`${path} inside`);
    }
    expect(await names(files, '/chain')).toEqual(['f', 'up']);
    await put(files, '/through', 'replaced');
    expect(await readFile(join(home, 'a', 'b', 'f'), 'utf8')).toBe('replaced');
    await put(files, '/chain/new', 'x');
    expect(await readFile(join(home, 'a', 'b', 'new'), 'utf8')).toBe('x');
  });

  it('the home may be a link itself, and is meant by both of its paths', async () => {
    const { top, home } = await make_home();
    await symlink('home', join(top, 'alias'));
    await writeFile(join(home, 'f'), 'x');
    await symlink(join(home, 'f'), join(home, 'real'));
    await symlink(join(top, 'alias', 'f'), join(home, 'by_alias'));
    const files = new DiskFileSystem(join(top, 'alias'));
    expect(await get(files, '/real')).toBe('x');
    expect(await get(files, '/by_alias')).toBe('x');
  });

  it('that lead out are refused, wherever they stand and whatever is asked', async () => {
    const { top, home, files } = await make_home();
    const outside = join(top, 'outside');
    await mkdir(outside);
    await writeFile(join(outside, 'f'), 'secret');
    await mkdir(join(home, 'sub'));
    // A neighbour whose path begins as the home's.
    await mkdir(`${home}2`);
    await writeFile(join(`${home}2`, 'f'), 'secret');
    const targets = {
      out: outside,
      up: '../outside',
      neighbour: `${home}2`,
      back: '../home/sub/../../outside',
    };
    for (const [name, target] of Object.entries(targets)) await symlink(target, join(home, name));
    await symlink('../../outside', join(home, 'sub', 'up'));
    await symlink(join(outside, 'f'), join(home, 'file'));
    await symlink('out/f', join(home, 'chain'));
    const folders = [...Object.keys(targets), 'sub/up'].map((name) => `/${name}`);
    for (const path of [...folders.map((folder) => `${folder}/f`), '/file', '/chain']) {
      expect(`${path} ${await code(files.open(path))}`).toBe(`${path} EACCES`);
      expect(await code(files.stat(path))).toBe('EACCES');
      expect(await code(files.hash(path, 'MD5'))).toBe('EACCES');
      expect(await code(files.upload(path))).toBe('EACCES');
      expect(await code(files.upload(path, { append: true }))).toBe('EACCES');
      expect(await code(files.set_mode(path, 0o777))).toBe('EACCES');
      expect(await code(files.set_modified(path, 0))).toBe('EACCES');
    }
    for (const folder of folders) {
      expect(`${folder} ${await code(entries(files, folder))}`).toBe(`${folder} EACCES`);
      expect(await code(files.upload(folder, { unique: true }))).toBe('EACCES');
      expect(await code(files.remove(`${folder}/f`))).toBe('EACCES');
      expect(await code(files.make_directory(`${folder}/d`))).toBe('EACCES');
      expect(await code(files.remove_directory(`${folder}/d`))).toBe('EACCES');
      expect(await code(files.rename(`${folder}/f`, '/stolen'))).toBe('EACCES');
    }
    await put(files, '/mine', 'x');
    expect(await code(files.rename('/mine', '/out/mine'))).toBe('EACCES');
    // A link itself is the client's: it may go, and what it led to stays.
    await files.rename('/out', '/renamed');
    await files.remove('/renamed');
    await files.remove('/file');
    expect(await code(files.remove_directory('/up'))).toBe('ENOTDIR');
    expect(await readdir(outside)).toEqual(['f']);
    expect(await readFile(join(outside, 'f'), 'utf8')).toBe('secret');
    expect((await stat(join(outside, 'f'))).mode & 0o777).not.toBe(0o777);
    expect(await open_below(top)).toEqual([]);
  });

  it('in a circle end', async () => {
    const { home, files } = await make_home();
    await symlink('b', join(home, 'a'));
    await symlink('a', join(home, 'b'));
    await symlink('self/self', join(home, 'self'));
    for (const path of ['/a', '/a/x', '/self']) expect(await code(files.stat(path))).toBe('ELOOP');
    expect(await open_below(home)).toEqual([]);
  });

  it("lead to none of the server's own names", async () => {
    const { home, files } = await make_home();
    await writeFile(join(home, '.ftpd-new-x'), 'running');
    await symlink('.ftpd-new-x', join(home, 'a'));
    expect(await code(files.open('/a'))).toBe('ENOENT');
    expect(await names(files, '/')).toEqual(['a']);
  });
});

it("the server's own names are not there for clients", async () => {
  const { home, files } = await make_home();
  await writeFile(join(home, '.ftpd-new-x'), 'running');
  await mkdir(join(home, '.ftpd-dir'));
  await put(files, '/a', 'x');
  for (const path of ['/.ftpd-new-x', '/.ftpd-dir/x', '/.ftpd-dir']) {
    expect(await code(files.stat(path))).toMatch(/^(ENOENT|EACCES)$/);
    expect(await code(files.open(path))).toBe('ENOENT');
    expect(await code(files.remove(path))).toBe('ENOENT');
    expect(await code(files.remove_directory(path))).toBe('ENOENT');
    expect(await code(files.rename(path, '/b'))).toBe('ENOENT');
  }
  for (const path of ['/.ftpd-mine', '/.ftpd-new-x']) {
    expect(await code(files.upload(path))).toBe('EACCES');
    expect(await code(files.make_directory(path))).toBe('EACCES');
    expect(await code(files.rename('/a', path))).toBe('EACCES');
  }
});

it("'..' ends at the home", async () => {
  const { top, home, files } = await make_home();
  await writeFile(join(top, 'f'), 'outside');
  await writeFile(join(home, 'f'), 'inside');
  for (const path of ['/../f', '/../../f', '/x/../../f', '/./../f'])
    expect(await get(files, path)).toBe('inside');
  for (const path of ['../f', 'f', '', '/f\0', '/a\r\nb', '/\ud800']) {
    expect(await code(files.open(path))).toBe('EINVAL');
    expect(await code(files.upload(path))).toBe('EINVAL');
    expect(await code(files.make_directory(path))).toBe('EINVAL');
  }
});

it('FIFOs, sockets and devices are neither opened nor replaced', async () => {
  const { home, files } = await make_home();
  expect(spawnSync('mkfifo', [join(home, 'fifo')]).status).toBe(0);
  const server = createServer().listen(join(home, 'sock'));
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const special = ['/fifo', '/sock'];
  // A device needs a privilege.
  if (spawnSync('mknod', [join(home, 'null'), 'c', '1', '3']).status === 0) special.push('/null');
  await symlink('fifo', join(home, 'link'));
  for (const path of [...special, '/link']) {
    expect((await files.stat(path)).type).toBe('other');
    // A FIFO without a writer would wait here for ever.
    expect(await code(files.open(path))).toBe('EINVAL');
    expect(await code(files.upload(path))).toBe('EINVAL');
    expect(await code(files.upload(path, { append: true }))).toBe('EINVAL');
    expect(await code(files.hash(path, 'MD5'))).toBe('EINVAL');
    expect(await code(files.set_mode(path, 0o777))).toBe('EINVAL');
    expect(await code(entries(files, path))).toBe('ENOTDIR');
  }
  expect(await open_below(home)).toEqual([]);
});

it('a hard link is a file as others; an upload replaces the name, and not what the other names have', async () => {
  const { top, home, files } = await make_home();
  await writeFile(join(top, 'f'), 'outside');
  await link(join(top, 'f'), join(home, 'f'));
  await put(files, '/f', 'inside');
  expect(await readFile(join(top, 'f'), 'utf8')).toBe('outside');
});

describe('races', () => {
  /** Turns home/sub into a link that leads out and back, and home/file as well, as fast as it can. */
  const SWAPPER = `
import os, sys
home, outside = sys.argv[1:]
os.chdir(home)
print('begun', flush=True)
while True:
    for name, target in (('sub', outside), ('file', outside + '/f')):
        os.rename(name, '.' + name)
        os.symlink(target, name)
        os.unlink(name)
        os.rename('.' + name, name)
`;

  async function swap(home: string, outside: string): Promise<ChildProcess> {
    const child = spawn('python3', ['-c', SWAPPER, home, outside], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    return child;
  }

  it('a directory or file that becomes a link while requests run leads nobody out', async () => {
    const { top, home, files } = await make_home();
    const outside = join(top, 'outside');
    await mkdir(outside);
    await mkdir(join(home, 'sub'));
    for (const folder of [outside, join(home, 'sub')]) {
      const content = folder === outside ? 'OUTSIDE' : 'inside';
      for (const name of ['f', 'victim']) await writeFile(join(folder, name), content);
    }
    await writeFile(join(home, 'file'), 'inside');
    const before = await stat(join(outside, 'f'));
    await swap(home, outside);

    const done = new Map<string, number>();
    const refused = new Map<string, number>();
    const attempt = async (name: string, call: () => Promise<unknown>) => {
      const result = await code(call());
      const counts = result === 'none' ? done : refused;
      counts.set(name, (counts.get(name) ?? 0) + 1);
      // What was there, was not, or led out.
      expect(result).toMatch(/^(none|EACCES|ENOENT|EEXIST|ENOTDIR|EISDIR|EBUSY|ELOOP)$/);
    };
    let naive = 0;
    const read_as_others_do = async () => {
      const content = await readFile(join(home, 'sub', 'f'), 'utf8').catch(() => '');
      if (content === 'OUTSIDE') naive += 1;
    };
    const read_inside = async (path: string) => expect(await get(files, path)).toBe('inside');
    const round = async (i: number) => {
      await Promise.all([
        read_as_others_do(),
        attempt('read', () => read_inside('/sub/f')),
        attempt('read file', () => read_inside('/file')),
        attempt('stat', async () => expect((await files.stat('/sub/f')).size).toBe(6)),
        attempt('list', async () => {
          for (const { size, type } of await entries(files, '/sub'))
            if (type === 'file') expect([6, 3]).toContain(size);
        }),
        attempt('put', () => put(files, `/sub/new${i % 8}`, 'new')),
        attempt('replace', () => put(files, '/sub/f', 'inside')),
        attempt('mkdir', () => files.make_directory(`/sub/dir${i}`)),
        attempt('mode', () => files.set_mode('/sub/victim', 0o600 + (i % 8))),
        attempt('mode of file', () => files.set_mode('/file', 0o600 + (i % 8))),
        attempt('rename', () => files.rename('/sub/victim', '/sub/victim')),
        attempt('remove', () => files.remove(`/sub/new${(i + 4) % 8}`)),
        attempt('rmdir', () => files.remove_directory(`/sub/dir${i - 1}`)),
      ]);
    };
    const until = performance.now() + 25_000;
    const both = () =>
      ['read', 'put', 'mkdir', 'mode', 'list'].every((name) => done.has(name) && refused.has(name));
    for (let i = 0; (i < 150 || naive === 0 || !both()) && performance.now() < until; i++) await round(i);

    // The race is one: who opens by path gets out.
    expect(naive).toBeGreaterThan(0);
    expect(both()).toBe(true);
    expect((await readdir(outside)).sort()).toEqual(['f', 'victim']);
    for (const name of ['f', 'victim']) {
      expect(await readFile(join(outside, name), 'utf8')).toBe('OUTSIDE');
      expect((await stat(join(outside, name))).mode).toBe(before.mode);
    }
    expect(await open_below(top)).toEqual([]);
  });
});
