// Uploads: atomic, resumable, gone or kept; and what a process that was killed leaves.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DiskFileSystem } from '../../dist/store/disk.js';
import type { Permission } from '../../dist/store/types.js';
import { all_names, begin, code, get, make_home, names, open_below, put } from './home.js';

describe('an upload', () => {
  it('has its name when it is committed, and not before', async () => {
    const { home, files } = await make_home();
    const upload = await begin(files, '/a', 'new');
    expect(upload.path).toBe('/a');
    expect(upload.start).toBe(0);
    expect(await names(files, '/')).toEqual([]);
    expect(await code(files.open('/a'))).toBe('ENOENT');
    expect(await code(files.stat('/a'))).toBe('ENOENT');
    await upload.write(Buffer.from('er'));
    await upload.commit();
    expect(await get(files, '/a')).toBe('newer');
    expect(await all_names(home)).toEqual(['a']);
    expect(await open_below(home)).toEqual([]);
  });

  it('replaces a file at once, and keeps its mode', async () => {
    const { home, files } = await make_home();
    await put(files, '/a', 'old content');
    await files.set_mode('/a', 0o604);
    const upload = await begin(files, '/a', 'new');
    expect(await get(files, '/a')).toBe('old content');
    await upload.commit();
    expect(await get(files, '/a')).toBe('new');
    expect((await stat(join(home, 'a'))).mode & 0o777).toBe(0o604);
  });

  it.each([true, false])('that is aborted leaves the file as it was (keep: %s)', async (keep) => {
    const { home, files } = await make_home();
    await put(files, '/a', 'old content');
    for (const options of [{}, { offset: 4 }, { append: true }]) {
      await (await begin(files, '/a', 'new', options)).abort(keep);
      expect(await get(files, '/a')).toBe('old content');
    }
    await (await begin(files, '/b', 'new')).abort(false);
    expect(await names(files, '/')).toEqual(['a']);
    // What reached farther than the file is kept, and nothing else.
    expect((await all_names(home)).filter((name) => name !== 'a').length).toBe(keep ? 1 : 0);
    expect(await open_below(home)).toEqual([]);
  });

  it('that reached no farther than the file is not kept', async () => {
    const { home, files } = await make_home();
    await put(files, '/a', 'old content');
    await (await begin(files, '/a', 'new')).abort(true);
    await (await begin(files, '/b', '')).abort(true);
    expect(await all_names(home)).toEqual(['a']);
  });

  it('can be put on the disk before it has its name, and goes on behind that', async () => {
    const { home, files } = await make_home();
    await put(files, '/a', 'old content');
    await files.set_mode('/a', 0o604);
    const upload = await begin(files, '/a', 'new');
    await upload.sync();
    await upload.sync();
    expect(await get(files, '/a')).toBe('old content');
    await upload.write(Buffer.from('er'));
    await upload.sync();
    await upload.commit();
    expect(await get(files, '/a')).toBe('newer');
    expect((await stat(join(home, 'a'))).mode & 0o777).toBe(0o604);
    expect(await code(upload.sync())).toBe('EINVAL');
    // It can be kept as well.
    const broken = await begin(files, '/b', 'a part');
    await broken.sync();
    await broken.abort(true);
    expect((await files.stat('/b')).size).toBe(6);
    expect(await open_below(home)).toEqual([]);
  });

  it('ends once', async () => {
    const { files } = await make_home();
    const upload = await begin(files, '/a', 'x');
    await upload.commit();
    expect(await code(upload.commit())).toBe('EINVAL');
    expect(await code(upload.abort(true))).toBe('EINVAL');
    expect(await code(upload.write(Buffer.of(1)))).toBe('EINVAL');
  });

  it('keeps the order of writes that are not awaited, and commit waits for them', async () => {
    const { files } = await make_home();
    const upload = await files.upload('/a');
    const writes = Array.from({ length: 100 }, (_, i) => upload.write(Buffer.from(`${i},`)));
    await upload.commit();
    await Promise.all(writes);
    expect(await get(files, '/a')).toBe(Array.from({ length: 100 }, (_, i) => `${i},`).join(''));
  });

  it('gets a new name in a directory', async () => {
    const { files } = await make_home();
    await files.make_directory('/d');
    const paths = new Set<string>();
    for (const folder of ['/', '/d', '/d/']) {
      for (let i = 0; i < 3; i++) {
        const upload = await begin(files, folder, 'x', { unique: true });
        await upload.commit();
        paths.add(upload.path);
        expect(await get(files, upload.path)).toBe('x');
      }
    }
    expect(paths.size).toBe(9);
    expect((await names(files, '/d')).length).toBe(6);
    expect(await code(files.upload('/nope', { unique: true }))).toBe('ENOENT');
    await put(files, '/f', '');
    expect(await code(files.upload('/f', { unique: true }))).toBe('ENOTDIR');
  });

  it('two to one name: the last is the file, and neither disturbs the other', async () => {
    const { home, files } = await make_home();
    const one = await begin(files, '/a', 'one');
    const two = await begin(files, '/a', 'two, longer');
    await one.write(Buffer.from(' more'));
    await two.commit();
    expect(await get(files, '/a')).toBe('two, longer');
    await one.commit();
    expect(await get(files, '/a')).toBe('one more');
    expect(await all_names(home)).toEqual(['a']);
  });

  it('goes through a link that leads nowhere, as open(2) does', async () => {
    const { home, files } = await make_home();
    await mkdir(join(home, 'd'));
    await symlink('d/new', join(home, 'link'));
    await put(files, '/link', 'x');
    expect(await readFile(join(home, 'd', 'new'), 'utf8')).toBe('x');
  });

  it('fails in its commit if a directory took its name, and leaves nothing', async () => {
    const { home, files } = await make_home();
    const upload = await begin(files, '/a', 'x');
    await mkdir(join(home, 'a'));
    expect(await code(upload.commit())).toBe('EISDIR');
    expect(await all_names(home)).toEqual(['a']);
    expect(await open_below(home)).toEqual([]);
  });

  it('into a directory that was removed meanwhile fails, and leaves nothing open', async () => {
    const { home, files } = await make_home();
    await files.make_directory('/d');
    const upload = await begin(files, '/d/a', 'x');
    // The upload itself keeps the directory.
    expect(await code(files.remove_directory('/d'))).toBe('ENOTEMPTY');
    const own = (await all_names(join(home, 'd')))[0] ?? '';
    const { rm } = await import('node:fs/promises');
    await rm(join(home, 'd', own));
    await files.remove_directory('/d');
    expect(await code(upload.commit())).toBe('ENOENT');
    expect(await open_below(home)).toEqual([]);
  });

  it('does not replace a file that the server may not write', async () => {
    const { home, files } = await make_home();
    await put(files, '/a', 'x');
    await chmod(join(home, 'a'), 0o444);
    for (const path of [join(home, '..'), home]) await chmod(path, 0o777);
    const module = new URL('../../dist/store/disk.js', import.meta.url).href;
    // Root may write everything.
    const script = `
      const { DiskFileSystem } = await import(${JSON.stringify(module)});
      if (process.getuid() === 0) process.setuid(65534);
      const files = new DiskFileSystem(${JSON.stringify(home)});
      for (const options of [{}, { append: true }]) {
        console.log(await files.upload('/a', options).then(() => 'none', (error) => error.code));
      }
      const upload = await files.upload('/b');
      await upload.commit();`;
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    expect(child.stderr).toBe('');
    expect(child.stdout).toBe('EACCES\nEACCES\n');
    expect(await all_names(home)).toEqual(['a', 'b']);
  });
});

describe('going on', () => {
  it('REST replaces what is behind the offset', async () => {
    const { files } = await make_home();
    await put(files, '/a', 'hello world');
    await put(files, '/a', 'there', { offset: 6 });
    expect(await get(files, '/a')).toBe('hello there');
    await put(files, '/a', '!', { offset: 5 });
    expect(await get(files, '/a')).toBe('hello!');
    await put(files, '/a', '?', { offset: 6 });
    expect(await get(files, '/a')).toBe('hello!?');
    expect(await code(files.upload('/a', { offset: 8 }))).toBe('EINVAL');
    expect(await code(files.upload('/new', { offset: 1 }))).toBe('EINVAL');
  });

  it('APPE goes behind the end, and begins a file that is not there', async () => {
    const { files } = await make_home();
    await put(files, '/a', 'one', { append: true });
    await put(files, '/a', ' two', { append: true });
    const upload = await begin(files, '/a', ' three', { append: true });
    expect(upload.start).toBe(7);
    await upload.commit();
    expect(await get(files, '/a')).toBe('one two three');
  });

  it('a broken upload goes on where SIZE says, by REST and by APPE', async () => {
    for (const options of [{ offset: 5 }, { append: true }, { offset: 3 }]) {
      const { home, files } = await make_home();
      await (await begin(files, '/a', 'hello')).abort(true);
      expect(await names(files, '/')).toEqual([]);
      expect(await code(files.open('/a'))).toBe('ENOENT');
      expect((await files.stat('/a')).size).toBe(5);
      const upload = await begin(files, '/a', 'p!', options);
      expect(upload.start).toBe(options.offset ?? 5);
      await upload.commit();
      expect(await get(files, '/a')).toBe(`${'hello'.slice(0, options.offset ?? 5)}p!`);
      expect(await all_names(home)).toEqual(['a']);
    }
  });

  it('breaks again, and goes on again', async () => {
    const { home, files } = await make_home();
    for (let i = 0; i < 5; i++) {
      const upload = await begin(files, '/a', String(i), i === 0 ? {} : { offset: i });
      await upload.abort(true);
      expect((await files.stat('/a')).size).toBe(i + 1);
    }
    await put(files, '/a', '.', { offset: 5 });
    expect(await get(files, '/a')).toBe('01234.');
    expect(await all_names(home)).toEqual(['a']);
  });

  it("is one session's: the second finds nothing to go on with", async () => {
    const { files } = await make_home();
    await (await begin(files, '/a', 'hello')).abort(true);
    const first = await files.upload('/a', { offset: 5 });
    expect(await code(files.upload('/a', { offset: 5 }))).toBe('EINVAL');
    await first.commit();
    expect(await get(files, '/a')).toBe('hello');
  });

  it('an upload from the beginning forgets the broken one', async () => {
    const { home, files } = await make_home();
    await (await begin(files, '/a', 'hello')).abort(true);
    await put(files, '/a', 'new');
    expect(await all_names(home)).toEqual(['a']);
    expect((await files.stat('/a')).size).toBe(3);
  });

  it("is nobody else's: another user with the same home sees nothing of it", async () => {
    const { home } = await make_home();
    const alice = new DiskFileSystem(home, { user: 'alice' });
    const bob = new DiskFileSystem(home, { user: 'bob' });
    await (await begin(alice, '/a', 'hello')).abort(true);
    expect(await code(bob.stat('/a'))).toBe('ENOENT');
    expect(await code(bob.hash('/a', 'MD5'))).toBe('ENOENT');
    expect(await code(bob.upload('/a', { offset: 5 }))).toBe('EINVAL');
    await (await begin(bob, '/a', 'x')).abort(true);
    expect((await alice.stat('/a')).size).toBe(5);
  });

  it('a broken upload that goes beyond the file counts where the file does not reach', async () => {
    const { files } = await make_home();
    await put(files, '/a', 'old');
    await (await begin(files, '/a', 'newer content')).abort(true);
    expect((await files.stat('/a')).size).toBe(3);
    await put(files, '/a', '!', { offset: 13 });
    expect(await get(files, '/a')).toBe('newer content!');
  });

  it('a drop box may go on with its own', async () => {
    const { home } = await make_home();
    const files = new DiskFileSystem(home, { user: 'box', permissions: new Set<Permission>(['write']) });
    await (await begin(files, '/a', 'hello')).abort(true);
    const md5 = '5d41402abc4b2a76b9719d911017c592';
    expect(await files.hash('/a', 'MD5')).toBe(md5);
    await put(files, '/a', '!', { offset: 5 });
    expect(await readFile(join(home, 'a'), 'utf8')).toBe('hello!');
    expect(await code(files.hash('/a', 'MD5'))).toBe('EACCES');
  });

  it.each([{ offset: 3 }, { append: true }])(
    'two at once do not lose what the first has brought (%j)',
    async (options) => {
      const { home, files } = await make_home();
      await put(files, '/log', 'one');
      const first = await begin(files, '/log', ' two', options);
      const second = await begin(files, '/log', ' three', options);
      await first.commit();
      expect(await code(second.commit())).toBe('EBUSY');
      expect(await get(files, '/log')).toBe('one two');
      expect(await all_names(home)).toEqual(['log']);
    },
  );
});

describe('a large file grows in place', () => {
  const LARGE = { in_place_bytes: 100 };
  const content = 'x'.repeat(200);

  it('is not copied, and has its length when the upload breaks', async () => {
    const { home, files } = await make_home(LARGE);
    await put(files, '/a', content);
    const { ino } = await stat(join(home, 'a'));
    for (const keep of [true, false]) {
      const upload = await begin(files, '/a', 'more', { append: true });
      expect((await all_names(home)).length).toBe(2);
      await upload.abort(keep);
      expect(await get(files, '/a')).toBe(content);
      expect(await all_names(home)).toEqual(['a']);
    }
    await put(files, '/a', '1', { append: true });
    await put(files, '/a', '2', { offset: 201 });
    expect(await get(files, '/a')).toBe(`${content}12`);
    expect((await stat(join(home, 'a'))).ino).toBe(ino);
    expect(await all_names(home)).toEqual(['a']);
    expect(await open_below(home)).toEqual([]);
  });

  it('is copied if bytes of it are replaced', async () => {
    const { files } = await make_home(LARGE);
    await put(files, '/a', content);
    const upload = await begin(files, '/a', 'new', { offset: 150 });
    expect(await get(files, '/a')).toBe(content);
    await upload.commit();
    expect(await get(files, '/a')).toBe(`${'x'.repeat(150)}new`);
  });

  it('by one upload at a time', async () => {
    const { files } = await make_home(LARGE);
    await put(files, '/a', content);
    const upload = await begin(files, '/a', 'more', { append: true });
    expect(await code(files.upload('/a', { append: true }))).toBe('EBUSY');
    expect(await code(files.upload('/a'))).toBe('EBUSY');
    // Readers see it grow, and its note stays.
    expect(await get(files, '/a')).toBe(`${content}more`);
    expect(await names(files, '/')).toEqual(['a']);
    await upload.commit();
    await put(files, '/a', '!', { append: true });
    expect(await get(files, '/a')).toBe(`${content}more!`);
  });
});

describe('what a killed process leaves', () => {
  /** A process that begins uploads and is killed in the middle. */
  async function killed(home: string, options: string): Promise<void> {
    const module = new URL('../../dist/store/disk.js', import.meta.url).href;
    const script = `
      const { DiskFileSystem } = await import(${JSON.stringify(module)});
      const files = new DiskFileSystem(${JSON.stringify(home)}, { in_place_bytes: 100 });
      const upload = await files.upload('/a', ${options});
      await upload.write(Buffer.from('unfinished'));
      console.log('written');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  it('a temporary file is removed when it is old, and the file is as it was', async () => {
    const { home, files } = await make_home({ leftovers_s: 3600 });
    await put(files, '/a', 'old');
    await killed(home, '{}');
    expect(await get(files, '/a')).toBe('old');
    expect(await names(files, '/')).toEqual(['a']);
    const [left = ''] = (await all_names(home)).filter((name) => name !== 'a');
    const before = Date.now() / 1000 - 3700;
    await utimes(join(home, left), before, before);
    expect(await names(files, '/')).toEqual(['a']);
    expect(await all_names(home)).toEqual(['a']);
  });

  it.each(['open', 'list', 'append', 'replace'])(
    'a large file has its length again at the next %s',
    async (how) => {
      const { home, files } = await make_home({ in_place_bytes: 100 });
      const content = 'x'.repeat(200);
      await put(files, '/a', content);
      await killed(home, '{ append: true }');
      expect((await stat(join(home, 'a'))).size).toBe(210);
      if (how === 'open') await get(files, '/a');
      if (how === 'list') await names(files, '/');
      if (how === 'append') await put(files, '/a', '!', { append: true });
      if (how === 'replace') await put(files, '/a', content);
      expect(await get(files, '/a')).toBe(how === 'append' ? `${content}!` : content);
      expect(await all_names(home)).toEqual(['a']);
    },
  );

  it('broken uploads go with the directory that a client removes, and when they are old', async () => {
    const { home, files } = await make_home({ leftovers_s: 3600 });
    await files.make_directory('/d');
    await (await begin(files, '/d/a', 'hello')).abort(true);
    await (await begin(files, '/b', 'hello')).abort(true);
    await files.remove_directory('/d');
    const [left = ''] = await all_names(home);
    expect(await names(files, '/')).toEqual([]);
    expect(await all_names(home)).toEqual([left]);
    await utimes(join(home, left), 1000, 1000);
    expect(await names(files, '/')).toEqual([]);
    expect(await all_names(home)).toEqual([]);
  });

  it('broken uploads stay in a directory that has files, and so stays', async () => {
    const { files } = await make_home();
    await files.make_directory('/d');
    await put(files, '/d/file', 'x');
    await (await begin(files, '/d/a', 'hello')).abort(true);
    expect(await code(files.remove_directory('/d'))).toBe('ENOTEMPTY');
    expect((await files.stat('/d/a')).size).toBe(5);
  });

  it('clear() removes what is old in all directories, and follows no link', async () => {
    const { top, home, files } = await make_home({ leftovers_s: 3600 });
    await mkdir(join(home, 'a', 'b'), { recursive: true });
    await mkdir(join(top, 'outside'));
    await symlink(join(top, 'outside'), join(home, 'out'));
    await symlink('..', join(home, 'a', 'up'));
    const old = Date.now() / 1000 - 3700;
    const made = ['home', 'home/a', 'home/a/b', 'outside'].map((folder) => join(top, folder));
    for (const folder of made) {
      for (const name of ['.ftpd-new-1-x', '.ftpd-part-1', 'file', '.ftpd-new-2-fresh']) {
        await writeFile(join(folder, name), 'x');
        if (!name.endsWith('fresh')) await utimes(join(folder, name), old, old);
      }
    }
    await expect(files.clear(AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
    await files.clear();
    expect(await all_names(join(home, 'a', 'b'))).toEqual(['.ftpd-new-2-fresh', 'file']);
    expect((await all_names(home)).length).toBe(4);
    expect((await all_names(join(top, 'outside'))).length).toBe(4);
    expect(await open_below(top)).toEqual([]);
  });

  it('a note that was cut short, and one of a file that has gone', async () => {
    const { home, files } = await make_home({ in_place_bytes: 100 });
    await put(files, '/a', 'x'.repeat(200));
    const { ino } = await stat(join(home, 'a'));
    for (const text of ['', '{"size":', '{"size":"1","pid":2}', 'null', '{}']) {
      await writeFile(join(home, `.ftpd-undo-${ino.toString(36)}`), text);
      expect((await get(files, '/a')).length).toBe(200);
      expect(await all_names(home)).toEqual(['a']);
    }
    await writeFile(join(home, '.ftpd-undo-zzzzzz'), '{"size":1,"pid":1,"started":"0"}');
    expect(await names(files, '/')).toEqual(['a']);
    expect(await all_names(home)).toEqual(['a']);
  });
});
