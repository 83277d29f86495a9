// The command fleet, as a user runs it: what it prints, its exit codes, the log that it leaves, ^C.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { has_sshd, Site } from '../sshd.js';
import { fleet, MAIN } from './fleet.js';

describe('fleet', () => {
  it.each([
    [[], 'a command is missing: fleet --help'],
    [['rnu'], '"rnu" is no command: fleet --help'],
    [['run', 'a'], 'the command must be behind "--": fleet run WHERE -- COMMAND'],
    [['run', '--', 'true'], 'WHERE is missing'],
    [['run', 'a', 'b', '--', 'true'], '"b" is one word too many before "--"'],
    [['run', 'a', '--'], 'the command behind "--" is missing'],
    [['run', 'a[', '--', 'true'], '"a[": "[" is not closed by "]"'],
    [['run', '@web', '--', 'true'], 'there is no group "web": the inventory has none'],
    [['run', 'a!a', '--', 'true'], '"a!a" selects no host'],
    [['run', 'a', '--fanout', '0', '--', 'true'], '--fanout must be an integer of 1 or more, not "0"'],
    [
      ['run', 'a', '--max-failures', 'x', '--', 'true'],
      '--max-failures must be a number, or a percentage as 10%, not "x"',
    ],
    [['run', 'a', '--timeout', '1m', '--', 'true'], '--timeout must be a number, not "1m"'],
    [['run', 'a', '--no-log', '--password-fd', '77', '--', 'true'], '--password-fd 77: '],
    [['run', 'a', '-i', '/nonexistent/i.json', '--', 'true'], '/nonexistent/i.json: ENOENT'],
    [['run', 'a', '-w', 'b', '--', 'true'], "Unknown option '-w': the hosts are the first word"],
    [['run', '-g', 'web', '--', 'true'], "Unknown option '-g': a group is a word"],
    [['run', 'a', '--retry-failed', '--', 'true'], 'again to the hosts where it failed by: fleet retry'],
    [['run', 'a', '-bL', '--', 'true'], 'only one of --gather, --diff, --ordered and --json can be given'],
    [['put', 'a', 'b'], 'three words are needed: fleet put WHERE SOURCE TARGET'],
    [['put', 'a', '/nonexistent/x', '/tmp'], 'there is no /nonexistent/x to put'],
    [['get', 'a'], 'three words are needed: fleet get WHERE SOURCE TARGET'],
    [['nodes', '--flod'], "Unknown option '--flod'"],
    [['nodes', 'a', '--fold', '--count'], 'only one of --fold, --expand, --count and --json can be given'],
    [['log', 'verfy'], '"verfy" is unknown: fleet log, or fleet log verify'],
    [['log', '--class', 'bad'], '--class must be of ok, failed, unreachable, '],
    [['log', '--since', 'soon'], '--since: '],
  ])('%j: %s', async (args, message) => {
    const { code, stdout, stderr } = await fleet(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^fleet: [^\n]*\n$/);
    expect(stderr).toContain(message);
  });

  it('prints sets of hosts', async () => {
    expect((await fleet(['nodes', 'a[08-10]!a09'])).stdout).toBe('a08\na10\n');
    expect((await fleet(['nodes', '--fold', 'a1', 'a2', 'b'])).stdout).toBe('a[1-2],b\n');
    expect((await fleet(['nodes', '--count', 'a[1-9]', '-x', 'a[1-3]'])).stdout).toBe('6\n');
    expect((await fleet(['nodes', '--count', 'a[1-9]', '--pick', '2'])).stdout).toBe('2\n');
    expect((await fleet(['nodes', '--json', 'a[1-2]'])).stdout).toBe('["a1","a2"]\n');
    expect((await fleet(['run', '--dry-run', 'a[1-2]', '--', 'rm x'])).stdout).toBe(
      'would run on a[1-2]: rm x\n',
    );
    expect((await fleet(['--version'])).stdout).toMatch(/^fleet \d+\.\d+\.\d+\n$/);
    expect((await fleet(['--help'])).stdout).toContain('fleet run [options] WHERE -- COMMAND');
  });
});

describe.skipIf(!has_sshd)('fleet run', () => {
  let site: Site;
  let common: string[];
  let log: string;
  beforeAll(async () => {
    site = new Site();
    const [one, two] = [await site.sshd('h1'), await site.sshd('h2')];
    const silent = await site.listen((socket) => socket.destroy());
    const of = ({ address, port, user, identity_files, known_hosts_files }: ReturnType<typeof one.host>) => ({
      address,
      port,
      user,
      identity_files,
      known_hosts_files,
    });
    const hosts = {
      h1: of(one.host()),
      h2: of(two.host()),
      broken: { address: '127.0.0.1', port: silent },
      stranger: of(one.host({ known_hosts_files: [] })),
    };
    const inventory = site.write('inventory.json', JSON.stringify({ hosts, groups: { good: 'h[1-2]' } }));
    log = join(site.folder, 'state', 'log.jsonl');
    common = ['-i', inventory, '--log', log, '-F', '/dev/null', '-t', '30'];
  });
  afterAll(() => site.close());

  it('prints lines with their hosts, and a summary', async () => {
    const { code, stdout, stderr } = await fleet([
      'run',
      ...common,
      '@good',
      '--',
      'echo',
      'out;',
      'echo err >&2',
    ]);
    expect(code).toBe(0);
    expect(stdout.split('\n').sort()).toEqual(['', 'h1: out', 'h2: out']);
    expect(stderr).toMatch(/^h[12]: err\nh[12]: err\n2 ok of 2 hosts in \S+ s\n$/);
  });

  it('says how each host failed, and has an exit code for it', async () => {
    const mixed = await fleet(['run', ...common, '@*', '--', 'exit 4']);
    expect(mixed.code).toBe(1);
    expect(mixed.stderr).toContain('0 ok, 4 failed of 4 hosts');
    expect(mixed.stderr).toMatch(
      /host-key {2,}stranger: the host key ssh-ed25519 SHA256:\S+ of 127.0.0.1 is unknown/,
    );
    expect(mixed.stderr).toMatch(/cut-off {2,}broken: /);
    expect(mixed.stderr).toMatch(/non-zero {2,}h\[1-2\] \(2\): exit code 4/);
    expect((await fleet(['run', ...common, '@good', '--', 'exit 4'])).code).toBe(7);
    expect((await fleet(['run', ...common, 'stranger', '--', 'true'])).code).toBe(5);
    expect(
      (await fleet(['run', ...common, '-f', '1', '--max-failures', '1', 'broken,h1', '--', 'true'])).code,
    ).toBe(10);
  });

  it('tries again those of the last run that failed', async () => {
    const flag = join(site.folder, 'flag');
    const command = `test -e ${flag}`;
    expect((await fleet(['run', ...common, 'h[1-2],stranger', '--', command])).code).toBe(1);
    site.write('flag', '');
    const again = await fleet(['retry', ...common, '--class', 'non-zero']);
    expect([again.code, again.stderr]).toEqual([0, expect.stringContaining('2 ok of 2 hosts')]);
    expect((await fleet(['retry', ...common])).stderr).toContain('no host failed');
  });

  it('gathers equal outputs, and shows differences', async () => {
    const gathered = await fleet(['run', ...common, '-b', '@good', '--', 'echo same']);
    expect(gathered.stdout).toBe(`${'-'.repeat(15)}\nh[1-2] (2)\n${'-'.repeat(15)}\nsame\n`);
    const diff = await fleet(['run', ...common, '--diff', '@good', '--', 'echo same; echo $FLEET_TEST_HOST']);
    expect(diff.stdout).toMatch(/ same\n-h[12]\n\+h[12]\n/);
  });

  it('prints output in the order of the hosts, and without their names', async () => {
    const command = 'test $FLEET_TEST_HOST = h1 && sleep 2; echo $FLEET_TEST_HOST; echo err >&2';
    const ordered = await fleet(['run', ...common, '-L', 'h[1-2],broken', '--', command]);
    expect(ordered.stdout).toBe('h1: h1\nh2: h2\n');
    expect(ordered.stderr).toContain('h1: err\nh2: err\n2 ok, 1 failed of 3 hosts');
    const plain = await fleet(['run', ...common, '-LN', '@good', '--', command]);
    expect(plain.stdout).toBe('h1\nh2\n');
    const live = await fleet(['run', ...common, '--no-prefix', 'h2', '--', command]);
    expect(live.stdout).toBe('h2\n');
  });

  it('gathers no host where nothing ran', async () => {
    const { stdout } = await fleet(['run', ...common, '-b', '@*', '--', 'test $FLEET_TEST_HOST != h2']);
    // `broken` and `stranger` are in the summary alone.
    expect(stdout).toBe(`${'-'.repeat(15)}\nh[1-2] (2)\n${'-'.repeat(15)}\n(no output)\n`);
  });

  it('prints events as JSON lines', async () => {
    const { stdout } = await fleet(['run', ...common, '--json', 'h1', '--', 'echo out; exit 3']);
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events).toMatchObject([
      { type: 'operation', action: 'run', where: 'h1', hosts: ['h1'], command: 'echo out; exit 3' },
      { type: 'begin', host: 'h1', attempt: 1 },
      { type: 'output', host: 'h1', stream: 'stdout', text: 'out\n' },
      { type: 'end', outcome: { host: 'h1', ok: false, failure: 'non-zero', exit_code: 3 } },
      { type: 'summary', hosts: 1, succeeded: 0, failed: { 'non-zero': ['h1'] }, exit_code: 7 },
    ]);
  });

  it('gives standard input to all if it is asked to', async () => {
    const { stdout } = await fleet(['run', ...common, '--stdin', '@good', '--', 'cat'], {}, 'typed\n');
    expect(stdout.split('\n').sort()).toEqual(['', 'h1: typed', 'h2: typed']);
  });

  it('keeps a log that is verified and asked', async () => {
    await fleet(['run', ...common, '@good', '--', 'echo secretless']);
    const verified = await fleet(['log', 'verify', '--log', log]);
    expect([verified.code, verified.stdout]).toEqual([
      0,
      expect.stringMatching(/^\d+ records are intact, the last is \d+:[0-9a-f]{64}\n$/),
    ]);
    const found = await fleet(['log', '--log', log, '--text', 'secretless', '--json', '--host', 'h[1-2]']);
    const records = found.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(records.map(({ host, result, groups }) => [host, result, groups]).sort()).toEqual([
      ['h1', 'ok', ['good']],
      ['h2', 'ok', ['good']],
    ]);
    const lines = await fleet(['log', '--log', log, '--text', 'secretless']);
    expect(lines.stdout.split('\n')).toHaveLength(5);
    expect(lines.stdout).toContain('echo secretless');
    const changed = site.write('changed.jsonl', readFileSync(log, 'utf8').replace('secretless', 'harmless'));
    const fault = await fleet(['log', 'verify', '--log', changed]);
    expect([fault.code, fault.stdout]).toEqual([1, expect.stringContaining('the log was changed')]);
  });

  it('begins no further host at ^C, and ends commands at the second one', async () => {
    const args = [MAIN, 'run', ...common, '-f', '1', '@good', '--', 'echo begun; sleep 600'];
    const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr?.on('data', (data) => {
      stderr += data;
      if (stderr.includes('^C again') && !stderr.includes('ending h1')) child.kill('SIGINT');
    });
    child.stdout?.once('data', () => child.kill('SIGINT'));
    const [code] = await once(child, 'close');
    expect(stderr).toContain('0 of 2 done; no further host begins. ^C again ends h1\n');
    expect(stderr).toMatch(/stopped {2,}h1: stopped while the command ran/);
    expect(stderr).toMatch(/stopped {2,}h2: not begun: stopped by the user/);
    expect(code).toBe(12);
  });
});
