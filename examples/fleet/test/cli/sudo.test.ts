// fleet run --sudo and secrets of the command line: where they come from, and that they reach nothing that others can read.

import { execFile, spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { account, has_sudo, USER } from '../ssh/accounts.js';
import { has_sshd, Site } from '../sshd.js';
import { fleet, MAIN } from './fleet.js';

const PASSWORD = 'Kaisersaschern-7';
const TYPE = fileURLToPath(new URL('type.py', import.meta.url));

describe('fleet run --sudo', () => {
  it.each([
    [['run', '--sudo-password-fd', '9', 'a', '--', 'x'], '--sudo-password-fd needs --sudo or --sudo-user'],
    [['run', '--sudo', '--sudo-password-fd', '999', 'a', '--', 'x'], '--sudo-password-fd 999: EBADF'],
    [['run', '--sudo-user', '', 'a', '--', 'x'], '--sudo-user must name a user'],
    [['put', '--sudo', 'a', 'b', 'c'], "Unknown option '--sudo'"],
  ])('%j: %s', async (args, message) => {
    const { code, stderr } = await fleet(args);
    expect(code).toBe(2);
    expect(stderr).toContain(`fleet: ${message}`);
  });

  it('says as whom, if it only says what would be run', async () => {
    const dry = (...more: string[]) => fleet(['run', '--dry-run', ...more, 'a', '--', 'id']);
    expect((await dry('--sudo')).stdout).toBe('would run on a as root: id\n');
    expect((await dry('--sudo-user', 'web')).stdout).toBe('would run on a as web: id\n');
    expect(JSON.parse((await dry('--json', '--sudo')).stdout)).toMatchObject({ command: 'id', as: 'root' });
  });
});

describe.skipIf(!has_sshd || !has_sudo)('a secret', () => {
  let site: Site;
  let log: string;
  let common: string[];
  let key: string;
  beforeAll(async () => {
    site = new Site();
    const sudoers = `Defaults !lecture, !syslog, timestampdir=${site.folder}/ts\n${USER} ALL=(ALL:ALL) ALL\n`;
    const wrapper = account(site, 'account', PASSWORD, sudoers);
    key = site.make_key('locked', 'ed25519', 'Adrian-Leverkuehn');
    const lets_in = site.write('lets-in', `${site.public_key(key)}\n`, 0o644);
    const asks = await site.sshd('asks', [], wrapper);
    const locked = await site.sshd('locked', [`AuthorizedKeysFile ${lets_in}`], wrapper);
    const closed = await site.sshd('closed', ['AuthenticationMethods password'], wrapper);
    const of = ({ address, port, known_hosts_files }: ReturnType<typeof asks.host>, file: string) => ({
      address,
      port,
      user: USER,
      known_hosts_files,
      identity_files: [file],
    });
    const hosts = {
      asks: of(asks.host(), site.key),
      locked: of(locked.host(), key),
      closed: of(closed.host(), site.key),
    };
    const inventory = site.write('inventory.json', JSON.stringify({ hosts }));
    log = join(site.folder, 'log.jsonl');
    common = ['-i', inventory, '--log', log, '-F', 'none', '-t', '60'];
  });
  afterAll(() => site.close());

  /** Runs fleet with texts to read from descriptors, beginning with 3. */
  async function run(args: readonly string[], given: readonly string[]) {
    const child = spawn(process.execPath, [MAIN, ...args], {
      env: { PATH: process.env.PATH, HOME: '/nonexistent' },
      stdio: ['ignore', 'pipe', 'pipe', ...given.map(() => 'pipe' as const)],
    });
    for (const [index, text] of given.entries()) {
      const pipe = child.stdio[3 + index];
      if (pipe && 'end' in pipe) pipe.on('error', () => {}).end(text);
    }
    const output = { stdout: '', stderr: '' };
    child.stdout?.on('data', (data) => {
      output.stdout += data;
    });
    child.stderr?.on('data', (data) => {
      output.stderr += data;
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    return { code, ...output };
  }

  it('for sudo comes from a descriptor; it is neither in the output nor in the log, which says as whom', async () => {
    const args = [
      'run',
      ...common,
      '--sudo',
      '--sudo-password-fd',
      '3',
      '--json',
      'asks',
      '--',
      `id -u; echo ${PASSWORD} >&2; exit 4`,
    ];
    const { code, stdout, stderr } = await run(args, [`${PASSWORD}\nmore\n`]);
    expect([code, stderr]).toEqual([7, '']);
    // What the user has typed into the command stays in --json; the log has *** for it.
    expect(
      stdout.split('\n').filter((line) => line.includes('"output"') && line.includes('"0')),
    ).toHaveLength(1);
    const logged = readFileSync(log, 'utf8');
    expect(logged).not.toContain(PASSWORD);
    expect(logged).toContain('"as":"root"');
    expect((await fleet(['log', ...common.slice(2, 4)])).stdout).toMatch(
      /non-zero.* {2}id -u; .* \(as root\)\n/,
    );
    // Again by the log: as the same user.
    const again = await run(['retry', ...common, '--sudo-password-fd', '3'], [PASSWORD]);
    expect([again.code, again.stdout]).toEqual([7, 'asks: 0\n']);
    expect((await fleet(['log', 'verify', ...common.slice(2, 4)])).code).toBe(0);
  });

  it('that is wrong has an exit code of its own', async () => {
    const args = ['run', ...common, '--sudo', '--sudo-password-fd', '3', '--retry', '2', 'asks', '--', 'id'];
    const { code, stderr } = await run(args, ['Serenus-wrong']);
    expect(code).toBe(6);
    expect(stderr).toMatch(/authentication +asks: sudo does not take the password\n/);
    expect(stderr + readFileSync(log, 'utf8')).not.toContain('Serenus');
  });

  it('of one descriptor may be that of SSH and of sudo', async () => {
    const args = [
      'run',
      ...common,
      '--password-fd',
      '3',
      '--sudo',
      '--sudo-password-fd',
      '3',
      'closed',
      '--',
      'id -un',
    ];
    expect(await run(args, [PASSWORD])).toMatchObject({ code: 0, stdout: 'closed: root\n' });
  });

  it('is asked for at the terminal once, without an echo, and the terminal is as it was', async () => {
    const python = promisify(execFile);
    const script = JSON.stringify([
      ['Passphrase of', 'Adrian-Leverkuehn'],
      ['Password: ', PASSWORD],
      ['Password for sudo (empty: as for SSH): ', ''],
    ]);
    const args = ['run', ...common, '--password', '--sudo', 'asks,locked,closed', '--', 'id -un'];
    const { stdout } = await python('python3', [TYPE, script, process.execPath, MAIN, ...args], {
      timeout: 100_000,
    });
    const { seen, status, restored, left } = JSON.parse(stdout);
    expect([status, restored, left]).toEqual([0, true, []]);
    expect(seen).toMatch(/3 ok of 3 hosts/);
    expect(seen).not.toMatch(/Adrian|Kaisersaschern/);
    expect(readFileSync(log, 'utf8')).not.toMatch(/Adrian|Kaisersaschern/);
  });

  it('is asked for no longer when fleet is ended: the terminal is as it was', async () => {
    const python = promisify(execFile);
    const args = ['run', ...common, '--password', 'closed', '--', 'true'];
    const script = JSON.stringify([['Password: ', null]]);
    const { stdout } = await python('python3', [TYPE, script, process.execPath, MAIN, ...args], {
      timeout: 100_000,
    });
    expect(JSON.parse(stdout)).toMatchObject({ restored: true, left: [] });
  });

  it('is in no arguments and no environment, here or there, while it is used, and in no descriptor of a child', async () => {
    // The ProxyCommand is a child of fleet: it writes down what it was given.
    const seen = join(site.folder, 'seen');
    const relay = join(site.folder, 'relay.mjs');
    const { hosts } = JSON.parse(readFileSync(common[1] ?? '', 'utf8'));
    writeFileSync(
      relay,
      `import { connect } from 'node:net';
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
const of = (pid) => ['cmdline', 'environ'].map((file) => readFileSync('/proc/' + pid + '/' + file, 'latin1'));
const files = readdirSync('/proc/self/fd').flatMap((fd) => { try { return [readlinkSync('/proc/self/fd/' + fd)]; } catch { return []; } });
writeFileSync(${JSON.stringify(seen)}, JSON.stringify([...of(process.ppid), ...of('self'), files]));
const sock = connect(${hosts.closed.port}, '127.0.0.1');
process.stdin.pipe(sock).pipe(process.stdout);
`,
    );
    const config = site.write('proxy', `Host *\n  ProxyCommand ${process.execPath} ${relay}\n`);
    const secret = site.write('secret', `${PASSWORD}\n`);
    const shell = `exec ${process.execPath} ${MAIN} "$@" 3<${secret} 4<${secret}`;
    const command = 'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr "\\0" "\\n"';
    const args = [
      'run',
      ...common,
      '-F',
      config,
      '--password-fd',
      '3',
      '--sudo',
      '--sudo-password-fd',
      '4',
      'closed',
      '--',
      command,
    ];
    const { stdout } = await promisify(execFile)('sh', ['-c', shell, 'fleet', ...args], {
      env: { PATH: process.env.PATH, HOME: '/nonexistent' },
      maxBuffer: 1 << 28,
    });
    expect(stdout).toContain('closed: FLEET_TEST_HOST=closed');
    expect(stdout).not.toContain(PASSWORD);
    const given = readFileSync(seen, 'utf8');
    expect(given).toContain('relay.mjs');
    expect(given).not.toContain(PASSWORD);
    expect(given).not.toContain(secret);
    for (const name of readdirSync(site.folder).filter((file) => /log/.test(file))) {
      expect(readFileSync(join(site.folder, name), 'latin1')).not.toContain(PASSWORD);
    }
  });
});
