// DiskFileSystem: what each method does, and with which code it refuses. Modes and times are compared with what Python's os sees.
import { spawnSync } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DiskFileSystem } from '../../dist/store/disk.js';
import { PRESETS } from '../../dist/store/permissions.js';
import type { Permission } from '../../dist/store/types.js';
import { all_names, begin, code, entries, get, make_home, names, open_below, put } from './home.js';

function python_stat(path: string | Buffer) {
  const script = `
import json, os, sys
s = os.lstat(bytes.fromhex(sys.argv[1]))
print(json.dumps([s.st_size, s.st_mode & 0o7777, s.st_mtime_ns // 1000000, s.st_nlink, '%xg%x' % (s.st_dev, s.st_ino)]))`;
  const hex = Buffer.from(path).toString('hex');
  const { stdout, stderr } = spawnSync('python3', ['-c', script, hex], { encoding: 'utf8' });
  expect(stderr).toBe('');
  const [size, mode, modified_ms, links, unique] = JSON.parse(stdout);
  return { size, mode, modified_ms, links, unique };
}

describe('stat and list', () => {
  it('say of a file what Python says', async () => {
    const { home, files } = await make_home();
    await put(files, '/a.txt', 'hello');
    await files.set_mode('/a.txt', 0o640);
    await files.set_modified('/a.txt', Date.UTC(1999, 11, 31, 23, 59, 59) + 123);
    const { name, type, owner, group, ...rest } = await files.stat('/a.txt');
    expect({ name, type }).toEqual({ name: 'a.txt', type: 'file' });
    expect(rest).toEqual(python_stat(join(home, 'a.txt')));
    expect(rest.modified_ms).toBe(946684799123);
    const script =
      'import os,sys,pwd,grp; s=os.stat(sys.argv[1]); print(pwd.getpwuid(s.st_uid)[0], grp.getgrgid(s.st_gid)[0])';
    const names_of = spawnSync('python3', ['-c', script, join(home, 'a.txt')], { encoding: 'utf8' });
    expect(`${owner} ${group}\n`).toBe(names_of.stdout);
    expect(await entries(files, '/')).toEqual([await files.stat('/a.txt')]);
  });

  it('times before 1970 and after 2038', async () => {
    const { home, files } = await make_home();
    await put(files, '/a', '');
    for (const time of [-86_400_000, 0, Date.UTC(2100, 0, 1)]) {
      await files.set_modified('/a', time);
      expect((await files.stat('/a')).modified_ms).toBe(time);
      expect(python_stat(join(home, 'a')).modified_ms).toBe(time);
    }
  });

  it('the home itself, a directory, a link', async () => {
    const { home, files } = await make_home();
    await mkdir(join(home, 'sub'));
    await writeFile(join(home, 'sub', 'f'), 'abc');
    await symlink('sub/f', join(home, 'link'));
    await symlink('nowhere', join(home, 'broken'));
    expect(await files.stat('/')).toMatchObject({ name: '/', type: 'dir' });
    expect(await files.stat('/sub/')).toMatchObject({ name: 'sub', type: 'dir' });
    expect(await files.stat('/link')).toMatchObject({ name: 'link', type: 'file', size: 3 });
    expect((await entries(files, '/')).map(({ name, type }) => `${name} ${type}`)).toEqual([
      'broken link',
      'link link',
      'sub dir',
    ]);
    expect(await code(files.stat('/broken'))).toBe('ENOENT');
    expect(await code(files.stat('/sub/f/x'))).toBe('ENOTDIR');
    expect(await code(files.stat('/nope/x'))).toBe('ENOENT');
    expect(await code(entries(files, '/sub/f'))).toBe('ENOTDIR');
    expect(await code(entries(files, '/nope'))).toBe('ENOENT');
  });

  it('a thousand files, each once', async () => {
    const { home, files } = await make_home();
    const expected = Array.from({ length: 1000 }, (_, i) => `file-${String(i).padStart(4, '0')}`);
    for (const name of expected) await writeFile(join(home, name), '');
    expect(await names(files, '/')).toEqual(expected);
  });

  it('names that are not UTF-8 keep their bytes', async () => {
    const { home, files } = await make_home();
    const latin1 = Buffer.concat([Buffer.from(`${home}/caf`), Buffer.of(0xe9)]);
    await writeFile(latin1, 'x');
    expect(await names(files, '/')).toEqual(['caf\udce9']);
    expect(await get(files, '/caf\udce9')).toBe('x');
    await files.rename('/caf\udce9', '/\udcff');
    await put(files, '/\udcff', 'yz');
    expect(python_stat(Buffer.concat([Buffer.from(`${home}/`), Buffer.of(0xff)])).size).toBe(2);
  });

  it('a listing that nobody reads to its end leaves nothing open', async () => {
    const { home, files } = await make_home();
    for (let i = 0; i < 600; i++) await writeFile(join(home, String(i)), '');
    for await (const _entry of files.list('/')) break;
    expect(await open_below(home)).toEqual([]);
  });
});

describe('open', () => {
  it('reads at any position, and knows its size', async () => {
    const { home, files } = await make_home();
    await put(files, '/a', 'hello world');
    const file = await files.open('/a');
    const buffer = Buffer.alloc(5);
    expect(file.size).toBe(11);
    expect(await file.read(buffer, 6)).toBe(5);
    expect(buffer.toString()).toBe('world');
    expect(await file.read(buffer, 11)).toBe(0);
    await file.close();
    await file.close();
    expect(await open_below(home)).toEqual([]);
  });

  it('goes on with the file that it has opened when another gets its name', async () => {
    const { files } = await make_home();
    await put(files, '/a', 'old');
    const file = await files.open('/a');
    await put(files, '/a', 'new');
    const buffer = Buffer.alloc(3);
    await file.read(buffer, 0);
    await file.close();
    expect(buffer.toString()).toBe('old');
    expect(await get(files, '/a')).toBe('new');
  });

  it('refuses directories', async () => {
    const { files } = await make_home();
    expect(await code(files.open('/'))).toBe('EISDIR');
    expect(await code(files.open('/nope'))).toBe('ENOENT');
  });
});

describe('changes', () => {
  it('make, rename and remove', async () => {
    const { files } = await make_home();
    await files.make_directory('/sub');
    await put(files, '/a', '1');
    await files.rename('/a', '/sub/b');
    await files.rename('/sub', '/dir');
    expect(await get(files, '/dir/b')).toBe('1');
    expect(await code(files.make_directory('/dir'))).toBe('EEXIST');
    expect(await code(files.make_directory('/'))).toBe('EEXIST');
    expect(await code(files.make_directory('/no/where'))).toBe('ENOENT');
    expect(await code(files.remove_directory('/dir'))).toBe('ENOTEMPTY');
    expect(await code(files.remove_directory('/dir/b'))).toBe('ENOTDIR');
    expect(await code(files.remove('/dir'))).toBe('EISDIR');
    await files.remove('/dir/b');
    await files.remove_directory('/dir');
    expect(await names(files, '/')).toEqual([]);
    expect(await code(files.remove('/dir/b'))).toBe('ENOENT');
    expect(await code(files.remove_directory('/dir'))).toBe('ENOENT');
  });

  it('never take the home', async () => {
    const { files } = await make_home();
    await files.make_directory('/sub');
    for (const path of ['/', '/.', '/..', '/sub/..']) {
      expect(await code(files.remove(path))).toBe('EACCES');
      expect(await code(files.remove_directory(path))).toBe('EACCES');
      expect(await code(files.rename(path, '/x'))).toBe('EACCES');
      expect(await code(files.rename('/sub', path))).toBe('EACCES');
      expect(await code(files.upload(path))).toBe('EISDIR');
    }
  });

  it('rename replaces a file, and nothing else', async () => {
    const { files } = await make_home();
    await put(files, '/a', 'a');
    await put(files, '/b', 'b');
    await files.make_directory('/d');
    await files.rename('/a', '/b');
    expect(await get(files, '/b')).toBe('a');
    expect(await code(files.rename('/b', '/d'))).toBe('EISDIR');
    expect(await code(files.rename('/d', '/b'))).toBe('ENOTDIR');
    expect(await code(files.rename('/d', '/d/e'))).toBe('EINVAL');
    await files.rename('/b', '/b');
    expect(await names(files, '/')).toEqual(['b', 'd']);
  });

  it('refuse wrong modes, times and ranges', async () => {
    const { files } = await make_home();
    await put(files, '/a', 'a');
    for (const mode of [-1, 0o1000, 0o4755, 1.5])
      expect(await code(files.set_mode('/a', mode))).toBe('EINVAL');
    expect(await code(files.set_modified('/a', Number.NaN))).toBe('EINVAL');
    expect(await code(files.hash('/a', 'MD5', { start: 2, end: 1 }))).toBe('EINVAL');
    expect(await code(files.upload('/a', { offset: -1 }))).toBe('EINVAL');
    expect(await code(files.upload('/a', { offset: 1, append: true }))).toBe('EINVAL');
    expect(await code(files.upload('/', { unique: true, append: true }))).toBe('EINVAL');
    expect(() => new DiskFileSystem('relative')).toThrow('home must be an absolute path');
  });

  it('a name that is too long', async () => {
    const { files } = await make_home();
    expect(await code(files.stat(`/${'a'.repeat(256)}`))).toBe('ENAMETOOLONG');
    expect(await code(files.upload(`/${'a'.repeat(256)}`))).toBe('ENAMETOOLONG');
    await put(files, `/${'a'.repeat(255)}`, 'x');
    const upload = await begin(files, `/${'b'.repeat(255)}`, 'x');
    await upload.abort(true);
    expect((await files.stat(`/${'b'.repeat(255)}`)).size).toBe(1);
  });

  it("no error's message tells where the home is", async () => {
    const { home, files } = await make_home();
    const calls = [
      () => files.stat('/x'),
      () => files.open('/x/y'),
      () => files.remove('/x'),
      () => files.upload('/x/y'),
      () => files.rename('/x', '/y'),
    ];
    for (const call of calls) {
      await expect(call()).rejects.toSatisfy((error) => {
        return !String(error).includes(home) && /: \/x(\/y)?$/.test(String(error));
      });
    }
  });
});

describe('permissions', () => {
  /** Each call with the permission that it needs. */
  const CALLS: [Permission, (files: DiskFileSystem) => Promise<unknown>][] = [
    ['list', (files) => files.stat('/a')],
    ['list', (files) => entries(files, '/')],
    ['read', (files) => files.open('/a').then((file) => file.close())],
    ['read', (files) => files.hash('/a', 'MD5')],
    ['write', (files) => put(files, '/new', 'x')],
    ['write', (files) => files.upload('/', { unique: true }).then((upload) => upload.commit())],
    ['overwrite', (files) => put(files, '/a', 'x')],
    ['overwrite', (files) => put(files, '/a', 'x', { offset: 1 })],
    ['append', (files) => put(files, '/a', 'x', { append: true })],
    ['delete', (files) => files.remove('/a')],
    ['rename', (files) => files.rename('/a', '/c')],
    ['mkdir', (files) => files.make_directory('/e')],
    ['rmdir', (files) => files.remove_directory('/d')],
    ['modify', (files) => files.set_mode('/a', 0o600)],
    ['modify', (files) => files.set_modified('/a', 0)],
  ];

  it.each(Object.entries(PRESETS))('%s', async (_name, preset) => {
    const permissions: ReadonlySet<Permission> = new Set(preset);
    for (const [permission, call] of CALLS) {
      const { home } = await make_home();
      await writeFile(join(home, 'a'), 'abc');
      await mkdir(join(home, 'd'));
      const expected = permissions.has(permission) ? 'none' : 'EACCES';
      expect(`${call} ${await code(call(new DiskFileSystem(home, { permissions })))}`).toBe(
        `${call} ${expected}`,
      );
      if (expected === 'EACCES') expect(await all_names(home)).toEqual(['a', 'd']);
    }
  });

  it('each permission alone permits its calls, and no others', async () => {
    for (const [alone] of CALLS) {
      for (const [permission, call] of CALLS) {
        const { home } = await make_home();
        await writeFile(join(home, 'a'), 'abc');
        await mkdir(join(home, 'd'));
        const files = new DiskFileSystem(home, { permissions: new Set([alone]) });
        const expected = alone === permission ? 'none' : 'EACCES';
        expect(`${alone} ${call} ${await code(call(files))}`).toBe(`${alone} ${call} ${expected}`);
      }
    }
  });

  it('who may not overwrite replaces nothing by a rename, nor by an upload that another has overtaken', async () => {
    const { home, files: full } = await make_home();
    const files = new DiskFileSystem(home, {
      permissions: new Set<Permission>(['write', 'rename', 'list', 'read']),
    });
    await put(full, '/a', 'a');
    await put(full, '/b', 'b');
    expect(await code(files.rename('/a', '/b'))).toBe('EEXIST');
    await files.rename('/a', '/c');
    expect(await names(files, '/')).toEqual(['b', 'c']);
    const upload = await begin(files, '/new', 'mine');
    await put(full, '/new', 'theirs');
    expect(await code(upload.commit())).toBe('EEXIST');
    expect(await get(files, '/new')).toBe('theirs');
    expect(await all_names(home)).toEqual(['b', 'c', 'new']);
  });
});
