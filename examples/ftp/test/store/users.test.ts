// Users of a file: who logs in with what, what a wrong file is told, and how the file changes under a server that runs.

import { spawn, spawnSync } from 'node:child_process';
import crypto, { randomBytes, scryptSync } from 'node:crypto';
import { once } from 'node:events';
import { chmod, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { LocalRegistry } from '../../dist/guard/registry.js';
import { check_password, hash_password, parse_password_line } from '../../dist/store/passwords.js';
import { PERMISSIONS } from '../../dist/store/permissions.js';
import type { UserRecord } from '../../dist/store/user_file.js';
import { change_user_file, read_user_file } from '../../dist/store/user_storage.js';
import { FileUserDatabase, type FileUserDatabaseOptions } from '../../dist/store/users.js';
import { code, put, temporary } from './home.js';

/** A line that costs little. */
function cheap_line(password: string, [N, r, p] = [16, 8, 1]): string {
  const salt = randomBytes(16);
  const key = scryptSync(password, salt, 32, { N, r, p });
  return `scrypt$${N}$${r}$${p}$${salt.toString('base64url')}$${key.toString('base64url')}`;
}

const SECRET = cheap_line('secret');

async function user_file(users: Record<string, UserRecord>): Promise<string> {
  const path = join(await temporary(), 'users.json');
  await change_user_file(path, (records) => {
    for (const [name, record] of Object.entries(users)) records.set(name, record);
  });
  return path;
}

async function database(users: Record<string, UserRecord>, options?: FileUserDatabaseOptions) {
  const path = await user_file(users);
  return { path, users: await FileUserDatabase.open(path, options) };
}

/** How long a change is waited for. */
const POLL = { timeout: 15_000 };

describe('passwords', () => {
  it("Python's scrypt finds them right", async () => {
    const line = await hash_password('pässwörd');
    const script = `
import base64, hashlib, sys
_, n, r, p, salt, key = sys.argv[1].split('$')
decode = lambda text: base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))
derived = hashlib.scrypt(sys.argv[2].encode(), salt=decode(salt), n=int(n), r=int(r), p=int(p), maxmem=2**28, dklen=32)
print(derived == decode(key))`;
    const { stdout, stderr } = spawnSync('python3', ['-c', script, line, 'pässwörd'], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout).toBe('True\n');
    expect(await hash_password('pässwörd')).not.toBe(line);
  });

  it('are right again when they were once, and wrong after a change', async () => {
    const line = cheap_line('one');
    for (let i = 0; i < 3; i++) expect(await check_password(line, 'one')).toBe(true);
    expect(await check_password(line, 'two')).toBe(false);
    expect(await check_password(cheap_line('two'), 'one')).toBe(false);
    expect(await check_password(undefined, '')).toBe(false);
  });

  it.each([
    [2, 1, 1],
    [2, 32, 16],
    [1024, 1, 16],
    [4096, 8, 3],
  ])('with the parameters N=%i, r=%i, p=%i', async (...parameters) => {
    expect(await check_password(cheap_line('one', parameters), 'one')).toBe(true);
    expect(await check_password(cheap_line('one', parameters), 'two')).toBe(false);
  });

  it.each([
    '',
    'plain',
    'scrypt$16384$8$1$c2FsdHNhbHRzYWx0$short',
    SECRET.replace('$16$', '$15$'),
    SECRET.replace('$16$', '$1$'),
    SECRET.replace('$16$', '$1048576$'),
    SECRET.replace('$8$1$', '$0$1$'),
    SECRET.replace('$8$1$', '$8$99$'),
    `${SECRET}x`,
    ` ${SECRET}`,
  ])('%j is no line', (line) => {
    expect(parse_password_line(line)).toBeUndefined();
  });
});

describe('authenticate', () => {
  const home = '/srv/ftp';

  it('knows who has which password', async () => {
    const { users } = await database({
      alice: { home, password: SECRET },
      gone: { home, password: SECRET, disabled: true },
      card: { home, certificates: ['CN=card'] },
    });
    expect((await users.authenticate('alice', 'secret'))?.name).toBe('alice');
    for (const [name, password] of [
      ['alice', 'Secret'],
      ['alice', ''],
      ['alice', 'secret\0'],
      ['Alice', 'secret'],
      ['gone', 'secret'],
      ['card', ''],
      ['nobody', 'secret'],
      ['__proto__', ''],
      ['ftp', 'a@b'],
    ] as const) {
      expect(`${name} ${await users.authenticate(name, password)}`).toBe(`${name} undefined`);
    }
  });

  it('does the same work for a name that is unknown, disabled or without a password', async () => {
    const { users } = await database({
      alice: { home, password: await hash_password('secret') },
      gone: { home, password: SECRET, disabled: true },
      card: { home, certificates: ['CN=card'] },
    });
    const derivations: unknown[] = [];
    const derive = vi.spyOn(crypto, 'scrypt');
    syncBuiltinESMExports();
    onTestFinished(() => {
      derive.mockRestore();
      syncBuiltinESMExports();
    });
    for (const name of ['alice', 'gone', 'card', 'nobody']) {
      await users.authenticate(name, 'wrong');
      // Length of the key, N, r, p: as of a password that the command has set.
      const [, , length, options] = derive.mock.calls.at(-1) ?? [];
      derivations.push([name, derive.mock.calls.length, length, options]);
      derive.mockClear();
    }
    const cost = expect.objectContaining({ N: 1 << 15, r: 8, p: 1 });
    expect(derivations).toEqual(['alice', 'gone', 'card', 'nobody'].map((name) => [name, 1, 32, cost]));
  });

  it('gives a user what the file says', async () => {
    const { users } = await database({
      plain: { home, password: SECRET },
      box: {
        home,
        password: SECRET,
        permissions: 'drop-box',
        welcome: 'Hello.\nUpload here.',
        max_download_rate: 1,
        max_upload_rate: 2,
        max_sessions: 3,
        tls_required: true,
      },
      some: { home, password: SECRET, permissions: ['list', 'mkdir'] },
    });
    const plain = await users.authenticate('plain', 'secret');
    expect([...(plain?.permissions ?? [])]).toEqual(PERMISSIONS);
    const { files: _files, permissions, ...box } = (await users.authenticate('box', 'secret')) ?? {};
    expect([...(permissions ?? [])]).toEqual(['write']);
    expect(box).toEqual({
      name: 'box',
      welcome: 'Hello.\nUpload here.',
      max_download_rate: 1,
      max_upload_rate: 2,
      max_sessions: 3,
      tls_required: true,
    });
    expect([...((await users.authenticate('some', 'secret'))?.permissions ?? [])]).toEqual(['list', 'mkdir']);
  });

  it('lets anybody in as an anonymous user, who reads only, under both names', async () => {
    const { users } = await database({ anonymous: { home, anonymous: true } });
    for (const name of ['anonymous', 'ftp']) {
      const user = await users.authenticate(name, 'guest@example.org');
      expect(user?.name).toBe(name);
      expect([...(user?.permissions ?? [])]).toEqual(['list', 'read']);
    }
    expect(await users.authenticate('Anonymous', '')).toBeUndefined();
  });

  it('gives files with the permissions and the quota of the user', async () => {
    const folder = await temporary();
    const registry = new LocalRegistry();
    const { users } = await database(
      {
        reader: { home: folder, password: SECRET, permissions: 'read-only' },
        writer: { home: folder, password: SECRET, max_bytes: 5, max_files: 2 },
      },
      { quota: (limits) => registry.quota(limits), disk: { sync: false } },
    );
    const writer = await (await users.authenticate('writer', 'secret'))?.files();
    const reader = await (await users.authenticate('reader', 'secret'))?.files();
    if (writer === undefined || reader === undefined) throw new Error('no log-in');
    await put(writer, '/a', '12345');
    expect(await code(put(writer, '/b', '6'))).toBe('EDQUOT');
    expect(await writer.usage()).toEqual({ bytes: 5, files: 1, max_bytes: 5, max_files: 2 });
    expect(await code(put(reader, '/b', ''))).toBe('EACCES');
    expect((await reader.stat('/a')).size).toBe(5);
  });
});

it('clear() removes what is old in all homes, and takes no notice of one that is missing', async () => {
  const homes = [await temporary(), await temporary()];
  const reports: unknown[] = [];
  const { users } = await database(
    {
      one: { home: homes[0] ?? '', permissions: 'drop-box' },
      two: { home: homes[1] ?? '', disabled: true },
      three: { home: '/nonexistent/home' },
    },
    { disk: { leftovers_s: 0.001 }, report: (error) => reports.push(error) },
  );
  for (const home of homes) await writeFile(join(home, '.ftpd-new-x'), '');
  for (const home of homes) await utimes(join(home, '.ftpd-new-x'), 1, 1);
  await users.clear();
  for (const home of homes) expect(await readdir(home)).toEqual([]);
  expect(reports).toEqual([]);
  await expect(users.clear(AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
});

it('a user without limits is counted if another has limits for the same home', async () => {
  const home = await temporary();
  const registry = new LocalRegistry();
  const { users } = await database(
    { free: { home, password: SECRET }, limited: { home, password: SECRET, max_bytes: 5 } },
    { quota: (limits) => registry.quota(limits) },
  );
  const files = async (name: string) => {
    const user = await users.authenticate(name, 'secret');
    if (user === undefined) throw new Error('no log-in');
    return user.files();
  };
  await put(await files('limited'), '/a', '123');
  await put(await files('free'), '/b', '456');
  expect(await code(put(await files('limited'), '/c', '7'))).toBe('EDQUOT');
  expect(await (await files('free')).usage()).toEqual({
    bytes: 6,
    files: 2,
    max_bytes: Infinity,
    max_files: Infinity,
  });
});

describe('of_certificate', () => {
  const fingerprint256 =
    'AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89';
  const subject = 'C=DE\nO=Example\nCN=alice';

  it.each([
    [fingerprint256, true],
    [fingerprint256.toLowerCase().replaceAll(':', ''), true],
    [`SHA256:${fingerprint256}`, true],
    [`sha256 Fingerprint=${fingerprint256}`, false],
    [subject, true],
    ['C=DE, O=Example, CN=alice', true],
    ['CN=alice', false],
    ['O=Example\nCN=alice', false],
    ['C=DE, O=Example, CN=alic', false],
    [fingerprint256.slice(3), false],
  ])('%j: %s', async (certificate, expected) => {
    const { users } = await database({
      alice: { home: '/', certificates: ['CN=other', certificate] },
      bob: { home: '/', password: SECRET },
    });
    expect((await users.of_certificate('alice', { fingerprint256, subject })) !== undefined).toBe(expected);
    expect(await users.of_certificate('bob', { fingerprint256, subject })).toBeUndefined();
    expect(await users.of_certificate('nobody', { fingerprint256, subject })).toBeUndefined();
  });

  it('a disabled user has none', async () => {
    const { users } = await database({ alice: { home: '/', certificates: ['CN=alice'], disabled: true } });
    expect(await users.of_certificate('alice', { fingerprint256, subject: 'CN=alice' })).toBeUndefined();
  });
});

describe('a wrong file', () => {
  it.each([
    ['', 'the user file is no JSON'],
    ['{"users": {"alice": {"password": "scrypt$', 'the user file is no JSON'],
    ['[]', 'the user file must be {"users": {"NAME": {…}}}'],
    ['{"users": []}', 'the user file must be {"users": {"NAME": {…}}}'],
    ['{"users": {"alice": 1}}', 'user alice must be an object'],
    ['{"users": {"alice": {}}}', 'user alice: home is missing'],
    ['{"users": {"alice": {"home": "relative"}}}', 'user alice: home must be an absolute path'],
    ['{"users": {"a b": {"home": "/"}}}', '"a b" is no user name'],
    ['{"users": {"": {"home": "/"}}}', '"" is no user name'],
    ['{"users": {"alice": {"home": "/", "pasword": ""}}}', 'user alice: there is no field "pasword"'],
    ['{"users": {"alice": {"home": "/", "__proto__": 1}}}', 'user alice: there is no field "__proto__"'],
    [
      '{"users": {"alice": {"home": "/", "password": "secret"}}}',
      'user alice: password must be a scrypt line',
    ],
    [
      '{"users": {"alice": {"home": "/", "permissions": "all"}}}',
      'user alice: permissions must be full, read-only',
    ],
    [
      '{"users": {"alice": {"home": "/", "permissions": ["fly"]}}}',
      'user alice: permissions must be full, read-only',
    ],
    [
      '{"users": {"alice": {"home": "/", "max_bytes": 0}}}',
      'user alice: max_bytes must be a whole number above 0',
    ],
    [
      '{"users": {"alice": {"home": "/", "max_sessions": "3"}}}',
      'user alice: max_sessions must be a whole number',
    ],
    [
      '{"users": {"alice": {"home": "/", "tls_required": 1}}}',
      'user alice: tls_required must be true or false',
    ],
    ['{"users": {"alice": {"home": "/", "certificates": [""]}}}', 'user alice: certificates must be a list'],
  ])('%s', async (text, message) => {
    const path = join(await temporary(), 'users.json');
    await writeFile(path, text, { mode: 0o600 });
    await expect(FileUserDatabase.open(path)).rejects.toThrow(message);
    // Its messages quote no password.
    await expect(FileUserDatabase.open(path)).rejects.not.toThrow('secret');
  });

  it.each([0o640, 0o604, 0o620, 0o644, 0o666])('that others may read or write (%o)', async (mode) => {
    const path = await user_file({});
    await chmod(path, mode);
    await expect(FileUserDatabase.open(path)).rejects.toThrow(
      `chmod 600 ${path} (it has mode ${mode.toString(8)})`,
    );
  });

  it('that is missing', async () => {
    expect(await code(FileUserDatabase.open('/nonexistent/users.json'))).toBe('ENOENT');
  });
});

describe('changes of the file', () => {
  /** Whether a user logs in, when the database has looked at the file. */
  const logs_in = async (users: FileUserDatabase, name: string, password = 'secret') =>
    (await users.authenticate(name, password)) !== undefined;

  it('count for log-ins after them; wrong ones are reported, and the users stay', async () => {
    const reports: unknown[] = [];
    const { path, users } = await database(
      { alice: { home: '/', password: SECRET } },
      { report: (error) => reports.push(error) },
    );
    await change_user_file(path, (records) => void records.set('bob', { home: '/', password: SECRET }));
    await expect.poll(() => logs_in(users, 'bob'), POLL).toBe(true);
    await writeFile(path, '{"users": {"alice":');
    const reported = async () => {
      expect(await logs_in(users, 'bob')).toBe(true);
      return reports.map(String);
    };
    await expect.poll(reported, POLL).toEqual(['UserFileError: the user file is no JSON']);
    await chmod(path, 0o644);
    await expect.poll(reported, POLL).toEqual([expect.anything(), expect.stringContaining('chmod 600')]);
    await chmod(path, 0o600);
    await writeFile(path, JSON.stringify({ users: { carol: { home: '/', password: SECRET } } }));
    await expect.poll(() => logs_in(users, 'carol'), POLL).toBe(true);
    expect(await logs_in(users, 'bob')).toBe(false);
  });

  it('a password that was right is wrong after its change', async () => {
    const { path, users } = await database({ alice: { home: '/', password: SECRET } });
    expect(await logs_in(users, 'alice')).toBe(true);
    const password = cheap_line('other');
    await change_user_file(path, (records) => void records.set('alice', { home: '/', password }));
    await expect.poll(() => logs_in(users, 'alice', 'other'), POLL).toBe(true);
    expect(await logs_in(users, 'alice')).toBe(false);
  });

  it('keep the mode 0600, leave no other file, and follow a link to the file', async () => {
    const path = await user_file({ alice: { home: '/' } });
    const alias = join(await temporary(), 'alias.json');
    await symlink(path, alias);
    await change_user_file(alias, (records) => void records.set('bob', { home: '/' }));
    expect([...(await read_user_file(path)).keys()]).toEqual(['alice', 'bob']);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(path, '..'))).toEqual(['users.json']);
    await expect(change_user_file(path, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await readdir(join(path, '..'))).toEqual(['users.json']);
    expect([...(await read_user_file(path)).keys()]).toEqual(['alice', 'bob']);
  });

  const STORAGE = new URL('../../dist/store/user_storage.js', import.meta.url).href;

  it('of several processes at once are all there, and who reads sees a whole file', async () => {
    const path = await user_file({});
    const script = `
      const { change_user_file } = await import(${JSON.stringify(STORAGE)});
      for (let i = 0; i < 10; i++) {
        await change_user_file(${JSON.stringify(path)}, (users) => void users.set(process.argv[1] + i, { home: '/' }));
      }`;
    const children = ['a', 'b', 'c'].map((name) =>
      spawn(process.execPath, ['--input-type=module', '-e', script, name], { stdio: 'inherit' }),
    );
    let running = children.length;
    for (const child of children) child.once('exit', () => (running -= 1));
    let reads = 0;
    while (running > 0) {
      JSON.parse(await readFile(path, 'utf8'));
      reads += 1;
    }
    expect(reads).toBeGreaterThan(0);
    expect(children.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
    expect((await read_user_file(path)).size).toBe(30);
  });

  it('a process that was killed while it changed the file holds up nobody', async () => {
    const path = await user_file({ alice: { home: '/' } });
    const script = `
      const { change_user_file } = await import(${JSON.stringify(STORAGE)});
      await change_user_file(${JSON.stringify(path)}, () => {
        console.log('locked');
        return new Promise(() => setInterval(() => {}, 1000));
      });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    let changed = false;
    const change = change_user_file(path, (records) => void records.delete('alice')).then(() => {
      changed = true;
    });
    await read_user_file(path);
    expect(changed).toBe(false);
    child.kill('SIGKILL');
    await change;
    expect((await read_user_file(path)).size).toBe(0);
  });
});
