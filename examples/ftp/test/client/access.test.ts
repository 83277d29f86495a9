// ftpc as users run it, against ftpd: passwords, certificates, the shell, a terminal. Files and folders: command.test.ts.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Certificates, make_certificates } from '../../../../test/certificates.js';
import { FTPC, ftpc, type RunOptions } from './ftpc.js';
import { start_ftpd, type TestServer } from './servers.js';
import { make_tree } from './trees.js';

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
  async function on_terminal(
    line: readonly string[],
    keys: readonly [after: string, typed: string][],
    more: Readonly<Record<string, string>> = PASSWORD,
  ) {
    const quoted = [process.execPath, FTPC, ...line]
      .map((word) => `'${word.replaceAll("'", "'\\''")}'`)
      .join(' ');
    const child = spawn('script', ['-qec', quoted, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      cwd: folder,
      env: {
        ...process.env,
        ...more,
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

  test('the password is asked for, and not shown', async (ctx) => {
    if (!has_script) ctx.skip('needs script');
    const text = await on_terminal(
      ['ls', '--no-netrc', `${url}/`],
      [['Password of ann@127.0.0.1: ', 'secret word\n']],
      {},
    );
    expect(text).toContain('Password of ann@127.0.0.1: ');
    expect(text).not.toContain('secret');
    expect(text).not.toContain('ftpc:');
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
