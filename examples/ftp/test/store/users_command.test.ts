// The command `ftpd user`, with streams of the test, and at a terminal that Python's pty makes.
import { spawnSync } from 'node:child_process';
import { chmod, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { check_password } from '../../dist/store/passwords.js';
import { read_user_file } from '../../dist/store/user_storage.js';
import { user_main } from '../../dist/store/users_command.js';
import { temporary } from './home.js';

/** A user file that does not exist yet, and the command on it: exit code and what it printed. */
async function make_command() {
  const file = join(await temporary(), 'users.json');
  const run = async (args: string[], input = '') => {
    let [stdout, stderr] = ['', ''];
    const collect = (take: (text: string) => void) =>
      new Writable({
        write: (chunk, _encoding, done) => {
          take(String(chunk));
          done();
        },
      });
    const io = {
      stdin: Readable.from([Buffer.from(input)]),
      stdout: collect((text) => (stdout += text)),
      stderr: collect((text) => (stderr += text)),
    };
    const status = await user_main(args, io, { file });
    return { status, stdout, stderr };
  };
  const users = async () => Object.fromEntries(await read_user_file(file));
  return { file, run, users };
}

describe('ftpd user', () => {
  it('adds, sets, lists, checks and removes', async () => {
    const { file, run, users } = await make_command();
    expect(await run(['add', 'alice', '--home', '/srv/alice'], 'secret\n')).toEqual({
      status: 0,
      stdout: '',
      stderr: 'ftpd user: note: there is no directory /srv/alice yet\n',
    });
    expect(await run(['add', 'bob', '--home', '/', '--no-password'])).toEqual({
      status: 0,
      stdout: '',
      stderr: '',
    });
    expect(await run(['set', 'bob', '--home', '/etc/passwd'])).toMatchObject({
      stderr: expect.stringContaining('note'),
    });
    await run(['remove', 'bob']);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const { alice } = await users();
    expect(await check_password(alice?.password, 'secret')).toBe(true);
    const options = ['--permissions', 'list,read', '--max-sessions', '3', '--max-download-rate', '1.5M'];
    options.push('--max-upload-rate', '500K', '--max-bytes', '2Gi', '--max-files', '1000', '--tls-required');
    options.push('--certificate', 'CN=alice', '--certificate', 'CN=alice2', '--welcome', 'Hello');
    expect((await run(['set', 'alice', ...options])).status).toBe(0);
    expect((await users()).alice).toEqual({
      home: '/srv/alice',
      password: alice?.password,
      permissions: ['list', 'read'],
      max_sessions: 3,
      max_download_rate: 1_500_000,
      max_upload_rate: 500_000,
      max_bytes: 2 ** 31,
      max_files: 1000,
      tls_required: true,
      certificates: ['CN=alice', 'CN=alice2'],
      welcome: 'Hello',
    });
    expect(
      (await run(['set', 'alice', '--unset', 'max-files', '--unset', 'tls-required', '--disabled'])).status,
    ).toBe(0);
    expect((await users()).alice).not.toHaveProperty('max_files');
    expect((await run(['add', 'anonymous', '--home', '/pub', '--anonymous'])).status).toBe(0);
    const list = await run(['list']);
    expect(list.stdout.split('\n').map((line) => line.split('  ')[0])).toEqual(['alice', 'anonymous', '']);
    expect(list.stdout).toContain('disabled');
    const json = await run(['list', '--json']);
    expect(json.stdout).not.toContain('scrypt');
    expect(JSON.parse(json.stdout.split('\n')[1] ?? '')).toEqual({
      name: 'anonymous',
      home: '/pub',
      anonymous: true,
      has_password: false,
    });
    expect(await run(['check', 'alice'], 'secret')).toMatchObject({
      status: 1,
      stdout: 'the user is disabled\n',
    });
    await run(['set', 'alice', '--unset', 'disabled']);
    expect(await run(['check', 'alice'], 'secret\nmore')).toMatchObject({ status: 0, stdout: 'right\n' });
    expect(await run(['check', 'alice'], 'wrong')).toMatchObject({ status: 1, stdout: 'wrong\n' });
    expect(await run(['check', 'nobody'], 'wrong')).toMatchObject({ status: 1, stdout: 'wrong\n' });
    expect((await run(['password', 'alice'], 'new one\r\n')).status).toBe(0);
    expect(await run(['check', 'alice'], 'new one\n')).toMatchObject({ status: 0 });
    expect((await run(['remove', 'alice'])).status).toBe(0);
    expect(Object.keys(await users())).toEqual(['anonymous']);
  });

  it('adds a user once if two do it at once', async () => {
    const { run } = await make_command();
    const add = () => run(['add', 'alice', '--home', '/'], 'secret\n');
    const both = await Promise.all([add(), add()]);
    expect(both.map(({ status }) => status).sort()).toEqual([0, 1]);
    expect(both.map(({ stderr }) => stderr).sort()).toEqual([
      '',
      'ftpd user: there is a user alice already\n',
    ]);
  });

  it('a user without a password, by certificate alone', async () => {
    const { run, users } = await make_command();
    const args = [
      'add',
      'card',
      '--home',
      '/',
      '--no-password',
      '--certificate',
      'AB:CD',
      '--permissions',
      'drop-box',
    ];
    expect((await run(args)).status).toBe(0);
    expect((await users()).card).toEqual({ home: '/', permissions: 'drop-box', certificates: ['AB:CD'] });
  });

  it.each([
    [[], 'the commands are add, set, password, check, remove, list'],
    [['fly'], 'the commands are'],
    [['__proto__'], 'the commands are'],
    [['add'], 'add takes one argument'],
    [['list', 'alice'], 'list takes no arguments'],
    [['add', 'alice'], 'add needs --home DIR'],
    [['add', 'a b', '--home', '/'], '"a b" is no user name'],
    [['set', 'alice'], 'set needs an option to set'],
    [['set', 'alice', '--json'], 'set has no option --json'],
    [['remove', 'alice', '--home', '/'], 'remove has no option --home'],
    [['set', 'alice', '--password-fd', '3'], 'set has no option --password-fd'],
    [['add', 'alice', '--home', '/', '--password-fd', 'x'], '--password-fd takes a descriptor as 3, not "x"'],
    [
      ['add', 'alice', '--home', '/', '--permissions', 'all'],
      '--permissions takes full, read-only, drop-box, or some of',
    ],
    [
      ['add', 'alice', '--home', '/', '--max-bytes', '0'],
      '--max-bytes takes a number of bytes as 500K or 2Gi, not "0"',
    ],
    [['add', 'alice', '--home', '/', '--max-bytes', '1X'], '--max-bytes takes a number of bytes'],
    [['add', 'alice', '--home', '/', '--max-sessions', '-1'], ''],
    [
      ['add', 'alice', '--home', '/', '--max-sessions', '1.5'],
      '--max-sessions takes a whole number above 0, not "1.5"',
    ],
    [['set', 'alice', '--unset', 'home'], '--unset takes one of permissions'],
    [['add', 'alice', '--hom', '/'], "Unknown option '--hom'"],
    [['add', 'alice', '--password', 'secret'], "Unknown option '--password'"],
  ])('%j is refused', async (args, message) => {
    const { run } = await make_command();
    const { status, stdout, stderr } = await run(args, 'x\n');
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(`ftpd user: ${message}`);
    expect(stderr).toContain('Try "ftpd user --help".');
    // A password on the command line by mistake is not repeated.
    expect(stderr).not.toContain('secret');
  });

  it('says why it failed', async () => {
    const { file, run } = await make_command();
    expect(await run(['list'])).toMatchObject({ status: 1, stderr: expect.stringContaining('ENOENT') });
    await run(['add', 'alice', '--home', '/'], 'x\n');
    expect((await run(['add', 'alice', '--home', '/'], 'x\n')).stderr).toBe(
      'ftpd user: there is a user alice already\n',
    );
    expect((await run(['remove', 'bob'])).stderr).toBe('ftpd user: there is no user bob\n');
    expect((await run(['password', 'bob'], 'x\n')).stderr).toBe('ftpd user: there is no user bob\n');
    expect((await run(['password', 'alice'], '')).stderr).toBe(
      'ftpd user: a password has at least one character\n',
    );
    expect((await run(['password', 'alice'], 'x\0')).stderr).toBe('ftpd user: a password has no NUL\n');
    expect((await run(['password', 'alice'], 'x'.repeat(5000))).stderr).toContain('at most 1024 characters');
    await chmod(file, 0o644);
    expect((await run(['set', 'alice', '--disabled'])).stderr).toContain('chmod 600');
  });

  it('prints a help that names every option and fits 120 columns', async () => {
    const { run } = await make_command();
    const { status, stdout } = await run(['--help']);
    expect(status).toBe(0);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
    for (const option of ['file', 'home', 'permissions', 'unset', 'password-fd', 'anonymous', 'max-bytes']) {
      expect(stdout).toContain(`--${option}`);
    }
  });
});

const PROGRAM = `
  const { user_main } = await import(${JSON.stringify(new URL('../../dist/store/users_command.js', import.meta.url).href)});
  process.exitCode = await user_main(process.argv.slice(1), process);`;

it('a password comes from a descriptor', async () => {
  const { file, run } = await make_command();
  const folder = await temporary();
  await writeFile(join(folder, 'password'), 'from a file\n');
  const command =
    'exec "$0" --input-type=module -e "$1" add alice --home / --file "$2" --password-fd 9 9< "$3"';
  const args = ['-c', command, process.execPath, PROGRAM, file, join(folder, 'password')];
  const { stderr, status } = spawnSync('sh', args, { encoding: 'utf8', timeout: 30_000 });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect((await run(['check', 'alice'], 'from a file')).status).toBe(0);
});

describe('at a terminal', () => {
  /** Answers each prompt with the next input; prints the exit code and what the terminal showed. */
  const TERMINAL = `
import json, os, pty, sys
inputs = json.loads(sys.argv[1])
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
shown = b''
answered = 0
while True:
    try:
        chunk = os.read(fd, 4096)
    except OSError:
        break
    if not chunk:
        break
    shown += chunk
    while answered < len(inputs) and shown.count(b': ') > answered:
        os.write(fd, inputs[answered].encode())
        answered += 1
_, status = os.waitpid(pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), shown.decode()]))`;

  function at_terminal(inputs: string[], args: string[]): { status: number; shown: string } {
    const command = [process.execPath, '--input-type=module', '-e', PROGRAM, ...args];
    const { stdout, stderr } = spawnSync('python3', ['-c', TERMINAL, JSON.stringify(inputs), ...command], {
      encoding: 'utf8',
      timeout: 50_000,
    });
    expect(stderr).toBe('');
    const [status, shown] = JSON.parse(stdout);
    return { status, shown };
  }

  it('a password is asked for twice, with no echo; keys edit it', async () => {
    const { file, run } = await make_command();
    const add = ['add', 'alice', '--home', '/', '--file', file];
    const { status, shown } = at_terminal(['sx\x7fecret\r', 'wrong\x15secret\r'], add);
    expect({ status, shown }).toEqual({ status: 0, shown: 'Password: \r\nAgain: \r\n' });
    expect((await run(['check', 'alice'], 'secret')).status).toBe(0);
    expect(at_terminal(['secret\r'], ['check', 'alice', '--file', file])).toEqual({
      status: 0,
      shown: 'Password: \r\nright\r\n',
    });
  });

  it('two that differ, none, and Ctrl-C add nobody', async () => {
    const { file, run } = await make_command();
    const add = ['add', 'alice', '--home', '/', '--file', file];
    const differ = at_terminal(['one\r', 'two\r'], add);
    expect(differ.shown).toContain('the two passwords differ');
    expect(at_terminal(['\r'], add).shown).toContain('a password has at least one character');
    const cancelled = at_terminal(['secr\x03'], add);
    expect(cancelled.shown).toContain('no password was given');
    expect([differ.status, cancelled.status]).toEqual([1, 1]);
    expect((await run(['list'])).status).toBe(1);
  });
});

it('streams that never end are read up to the first line', async () => {
  const { file, run } = await make_command();
  await run(['add', 'alice', '--home', '/'], 'secret\n');
  const stdin = new PassThrough();
  stdin.write('secret\n');
  const sink = () => new Writable({ write: (_chunk, _encoding, done) => done() });
  expect(await user_main(['check', 'alice', '--file', file], { stdin, stdout: sink(), stderr: sink() })).toBe(
    0,
  );
});
