// ftpc as users run it, against ftpd: files, folders, mirrors, resume, hashes, passwords, certificates, the shell, a terminal.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
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
import { type Certificates, make_certificates } from '../../../../test/certificates.js';
import { FTPC, ftpc, objects, type RunOptions } from './ftpc.js';
import { start_ftpd, type TestServer } from './servers.js';

const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');
const PASSWORD = { FTPC_PASSWORD: 'secret word' };

let certificates: Certificates;
let server: TestServer;
let secure: TestServer;
let folder: string;
let url: string;
beforeAll(async () => {
  certificates = make_certificates();
  const { cert_file, key_file } = certificates.server;
  const limits = { max_connections_per_address: 1000, failed_logins: 100 };
  const settings = { limits, bans: { failures: 1000, delay: 0 } };
  server = await start_ftpd(undefined, settings);
  secure = await start_ftpd({ cert_file, key_file }, settings);
  url = `ftp://ann@127.0.0.1:${server.port}`;
});
afterAll(async () => {
  await server.stop();
  await secure.stop();
  certificates.remove();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ftpc-command-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  for (const { folder: home } of [server, secure])
    for (const name of readdirSync(home)) rmSync(join(home, name), { recursive: true, force: true });
});

const run = (line: readonly string[], options: RunOptions = {}) =>
  ftpc([...line, '--no-netrc'], { cwd: folder, env: PASSWORD, ...options });
/** The tree of a folder: names with their content. */
function tree(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(root, { recursive: true }) as string[]) {
    const path = join(root, name);
    found[name] = statSync(path).isDirectory() ? '/' : readFileSync(path, 'utf8');
  }
  return found;
}
function make_tree(root: string, files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(root, name, '..'), { recursive: true });
    writeFileSync(join(root, name), content);
  }
}
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
    expect(got.stderr).toMatch(/^ftpc: warning|^there -> back: 7 B in 0:00 at .*verified by SHA-256\n$/);
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

describe('passwords', () => {
  const at = () => `127.0.0.1:${server.port}`;
  const ls = (line: readonly string[], options: RunOptions) =>
    ftpc(['ls', ...line], { cwd: folder, ...options });

  test('of the environment, a descriptor and a netrc file', async () => {
    expect((await ls([`ftp://ann@${at()}/`], { env: { FTPC_PASSWORD: 'wrong' } })).code).toBe(5);
    expect(
      (await ls(['-u', 'ann', '--password-fd', '0', `ftp://${at()}/`], { input: 'secret word\nmore' })).code,
    ).toBe(0);
    const netrc = join(folder, '.netrc');
    writeFileSync(netrc, 'machine 127.0.0.1 login ann password "secret word"\n', { mode: 0o600 });
    expect((await ls([`ftp://${at()}/`], { env: { HOME: folder } })).code).toBe(0);
    expect((await ls(['--netrc', netrc, `ftp://ann@${at()}/`], {})).code).toBe(0);
    chmodSync(netrc, 0o644);
    const open = await ls(['--netrc', netrc, `ftp://ann@${at()}/`], {});
    expect([open.code, open.stderr.includes('is ignored: others can read it (chmod 600')]).toEqual([2, true]);
    expect((await ls(['--netrc', join(folder, 'none'), `ftp://${at()}/`], {})).code).toBe(12);
  });

  test('without one, and in a URL, it is a matter of usage', async () => {
    const none = await ls([`ftp://ann@${at()}/`], {});
    expect([none.code, none.stderr.includes('no password for ann')]).toEqual([2, true]);
    const shown = await ls([`ftp://ann:secret@${at()}/`], {});
    expect([shown.code, shown.stderr.includes('--password-fd'), shown.stderr.includes('secret')]).toEqual([
      2,
      true,
      false,
    ]);
    expect((await ls(['-v', `ftp://ann@${at()}/`], { env: PASSWORD })).stderr).not.toContain('secret');
  });
});

describe('TLS', () => {
  const ls = (...line: string[]) => run(['ls', ...line, `ftpes://ann@127.0.0.1:${secure.port}/`]);

  test('the certificate is checked', async () => {
    const unknown = await ls();
    expect([unknown.code, /trust it by its fingerprint|authority is not known/.test(unknown.stderr)]).toEqual(
      [4, true],
    );
    expect((await ls('--ca', certificates.ca.cert_file)).code).toBe(0);
    expect((await ls('--ca', certificates.ca.cert_file, '--servername', 'other.test')).code).toBe(4);
    expect((await ls('--ca', certificates.ca.cert_file, '--servername', 'localhost')).code).toBe(0);
    const line = ['x509', '-in', certificates.server.cert_file, '-noout', '-fingerprint', '-sha256'];
    const fingerprint = spawnSync('openssl', line, { encoding: 'utf8' }).stdout.trim().split('=')[1] ?? '';
    expect((await ls('--fingerprint', fingerprint)).code).toBe(0);
    expect(
      (
        await ls(
          '--fingerprint',
          fingerprint.replace(/^../, (two) => (two === '00' ? '01' : '00')),
        )
      ).code,
    ).toBe(4);
    const insecure = await ls('--insecure');
    expect([insecure.code, insecure.stderr.includes('the certificate is not checked')]).toEqual([0, true]);
    expect((await ls('--tls', 'off')).code).toBe(2);
    expect((await ls('--ca', join(folder, 'none'))).code).toBe(12);
    // The other way round: a server without TLS.
    expect((await run(['ls', '--tls', 'explicit', `${url}/`])).code).toBe(4);
  });

  test('a client certificate', async () => {
    const { cert_file, key_file } = certificates.server;
    const strict = await start_ftpd(
      { cert_file, key_file, ca_file: certificates.ca.cert_file },
      {
        tls: {
          cert: cert_file,
          key: key_file,
          ca: certificates.ca.cert_file,
          client_certificates: 'require',
        },
      },
    );
    const line = [
      'ls',
      '--timeout',
      '10',
      '--ca',
      certificates.ca.cert_file,
      `ftpes://ann@127.0.0.1:${strict.port}/`,
    ];
    try {
      const { client, stranger } = certificates;
      expect((await run([...line, '--cert', client.cert_file, '--key', client.key_file])).code).toBe(0);
      // With TLS 1.3 the refusal comes behind the client's handshake.
      expect([3, 4]).toContain((await run(line)).code);
      expect([3, 4]).toContain(
        (await run([...line, '--cert', stranger.cert_file, '--key', stranger.key_file])).code,
      );
    } finally {
      await strict.stop();
    }
  });
});

describe('the shell', () => {
  test('commands from standard input', async () => {
    writeFileSync(join(folder, 'local'), 'content');
    const input = [
      'mkdir "a folder"',
      'cd a\\ folder',
      'pwd',
      'put local',
      'ls -l',
      'mv local other',
      'get other -o back',
      '# a comment',
      '-rm missing',
      'verify back other',
      'hash other',
      'cd ..',
      'rm -r "a folder"',
      'ls',
      'quit',
      'rm never',
    ].join('\n');
    const { code, stdout, stderr } = await run(['shell', `${url}/`], { input });
    expect([code, stdout.split('\n')]).toEqual([
      0,
      ['/a folder', expect.stringMatching(/^- +7 .* local$/), `${sha256('content')}  /a folder/other`, ''],
    ]);
    expect(stderr).toContain('/a folder/missing: DELE');
    expect(readFileSync(join(folder, 'back'), 'utf8')).toBe('content');
    expect(readdirSync(server.folder)).toEqual([]);
  });

  test('the first failure ends it with its exit code', async () => {
    const { code, stdout } = await run(['shell', `${url}/`], { input: 'pwd\nrm missing\npwd\n' });
    expect([code, stdout]).toEqual([6, '/\n']);
    expect((await run(['shell', `${url}/`], { input: 'nonsense\n' })).code).toBe(2);
    expect((await run(['shell', `${url}/`], { input: 'ls "open\n' })).code).toBe(2);
    expect((await run(['shell', `${url}/none`], { input: 'pwd\n' })).code).toBe(6);
    expect((await run(['shell', '--json', `${url}/`], { input: 'pwd\n' })).stdout).toBe(
      '{"event":"output","text":"/"}\n',
    );
  });
});

describe('on a terminal', () => {
  const has_script = spawnSync('script', ['--version'], { stdio: 'ignore' }).error === undefined;
  /** Runs ftpc on a terminal of its own. @param keys what is typed once a text has appeared */
  async function on_terminal(line: readonly string[], keys: readonly [after: string, typed: string][]) {
    const quoted = [process.execPath, FTPC, ...line]
      .map((word) => `'${word.replaceAll("'", "'\\''")}'`)
      .join(' ');
    const child = spawn('script', ['-qec', quoted, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      cwd: folder,
      env: {
        ...process.env,
        ...PASSWORD,
        HOME: folder,
        XDG_STATE_HOME: join(folder, 'state'),
        TERM: 'xterm',
      },
    });
    const left = [...keys];
    let text = '';
    let seen = 0;
    child.stdout.setEncoding('utf8').on('data', (piece) => {
      text += piece;
      const [next] = left;
      if (next === undefined || !text.slice(seen).includes(next[0])) return;
      seen = text.length;
      left.shift();
      child.stdin.write(next[1]);
    });
    await once(child, 'close');
    return text;
  }

  test('progress: bytes, rate and time', async (ctx) => {
    if (!has_script) ctx.skip('needs script');
    writeFileSync(join(server.folder, 'large'), Buffer.alloc(200_000_000));
    const text = await on_terminal(['get', '--no-netrc', `${url}/large`], []);
    expect(text).toMatch(/large -> large: 190\.7 MiB in .* verified by SHA-256/);
    expect(text).toMatch(/large \[=* *\] +\d+% .* of 190\.7 MiB .*\/s/);
  });

  test('the shell completes names and has a history', async (ctx) => {
    if (!has_script) ctx.skip('needs script');
    make_tree(server.folder, { 'some long name.txt': 'found' });
    const text = await on_terminal(
      ['shell', '--no-netrc', `${url}/`],
      [
        ['/> ', 'cat some\t'],
        ['name.txt ', '\n'],
        ['/> ', 'quit\n'],
      ],
    );
    expect(text).toContain('cat some\\ long\\ name.txt');
    expect(text).toContain('found');
    const history = join(folder, 'state', 'ftpc', 'history');
    expect(existsSync(history) && readFileSync(history, 'utf8')).toContain('cat some\\ long\\ name.txt');
    expect(statSync(history).mode & 0o077).toBe(0);
  });
});
