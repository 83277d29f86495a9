// fleet log: each of its questions, who did it, and what must not be in it; its chain over files that were moved away.

import { execFile } from 'node:child_process';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { has_sshd, Site } from '../sshd.js';
import { fleet, MAIN } from './fleet.js';

describe.skipIf(!has_sshd)('fleet log', () => {
  let site: Site;
  let common: string[];
  let log: string;
  const who = userInfo().username;

  /** Returns the records that a question finds. */
  async function found(...question: string[]): Promise<Record<string, unknown>[]> {
    const { code, stdout, stderr } = await fleet(['log', '--log', log, '--json', ...question]);
    expect([code, stderr]).toEqual([0, '']);
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  }

  const hosts = async (...question: string[]) =>
    (await found(...question))
      .filter(({ kind }) => kind === 'host')
      .map(({ host, action }) => `${action} ${host}`);

  beforeAll(async () => {
    site = new Site();
    const { address, port, user, identity_files, known_hosts_files } = (await site.sshd('h1')).host();
    const of = { address, port, user, identity_files, known_hosts_files };
    const closed = { address: '127.0.0.1', port: await site.listen((socket) => socket.destroy()) };
    const value = { hosts: { web1: of, db1: closed }, groups: { web: 'web1', data: 'db1' } };
    log = join(site.folder, 'log.jsonl');
    common = [
      '-i',
      site.write('inventory.json', JSON.stringify(value)),
      '--log',
      log,
      '-F',
      '/dev/null',
      '-t',
      '30',
    ];
    await fleet(['run', ...common, '@*', '--', 'uptime -p']);
    const source = site.write('file', 'text');
    await fleet(['put', ...common, 'web1', source, join(site.folder, 'there')], { SUDO_USER: 'ann' });
  });
  afterAll(() => site.close());

  it('has who, when, where, what, the result and the duration of each', async () => {
    const [begin, ...rest] = await found();
    expect(begin).toMatchObject({
      kind: 'begin',
      who,
      where: '@*',
      action: 'run',
      command: 'uptime -p',
      hosts: 2,
    });
    expect(begin).not.toHaveProperty('sudo_user');
    const one = rest.find(({ host }) => host === 'web1');
    expect(one).toMatchObject({
      kind: 'host',
      who,
      where: '@*',
      command: 'uptime -p',
      groups: ['web'],
      attempts: 1,
    });
    expect(Date.parse(String(one?.time))).toBeGreaterThan(Date.now() - 3_600_000);
    expect(one?.seconds).toBeGreaterThan(0);
    expect(rest.find(({ host }) => host === 'db1')).toMatchObject({
      result: 'cut-off',
      reason: expect.any(String),
    });
    expect(rest.at(-1)).toMatchObject({ kind: 'end', who, sudo_user: 'ann', succeeded: 1, action: 'put' });
  });

  it('is asked by host, group, time, command, class, user, action and operation', async () => {
    expect(await hosts('--host', 'web[1-9]')).toEqual(['run web1', 'put web1']);
    expect(await hosts('--group', 'data')).toEqual(['run db1']);
    expect(await hosts('--since', '1h')).toHaveLength(3);
    expect(await hosts('--until', '1h')).toEqual([]);
    expect(await hosts('--since', new Date(Date.now() + 60_000).toISOString())).toEqual([]);
    expect((await hosts('--text', 'uptime')).sort()).toEqual(['run db1', 'run web1']);
    expect(await hosts('--text', '/there')).toEqual(['put web1']);
    expect(await hosts('--class', 'failed')).toEqual(['run db1']);
    expect(await hosts('--class', 'refused')).toEqual([]);
    expect(await hosts('--class', 'refused,cut-off')).toEqual(['run db1']);
    expect(await hosts('--class', 'ok', '--action', 'run')).toEqual(['run web1']);
    expect(await hosts('--who', 'ann')).toEqual(['put web1']);
    expect(await hosts('--who', who)).toHaveLength(3);
    expect(await hosts('--who', 'nobody-else')).toEqual([]);
    expect(await hosts('--action', 'put')).toEqual(['put web1']);
    expect(await found('--last', '1')).toMatchObject([{ kind: 'end', action: 'put' }]);
    const [{ operation } = {}] = await found('--action', 'put');
    expect(await hosts('--operation', String(operation))).toEqual(['put web1']);
    const { stdout } = await fleet(['log', '--log', log, '--who', 'ann', '--host', 'web1']);
    expect(stdout).toContain(`ann as ${who}  put  web1  ok, `);
  });

  it('has no password, also if a command line repeats it', async () => {
    const file = site.write('secret', 'hunter2 is it\n');
    const shell = join(site.folder, 'with-password.sh');
    writeFileSync(shell, `exec 7<'${file}'\nexec "$@"\n`);
    const command = ['run', ...common, '--password-fd', '7', 'web1', '--', 'echo', 'hunter2 is it'];
    const { stdout } = await promisify(execFile)('sh', [shell, process.execPath, MAIN, ...command]);
    expect(stdout).toBe('web1: hunter2 is it\n');
    expect(readFileSync(log, 'utf8')).not.toContain('hunter2');
    expect(await hosts('--text', 'echo ***')).toEqual(['run web1']);
  });

  it('is verified over the files that were moved away', async () => {
    const before = await fleet(['log', 'verify', '--log', log]);
    const head = /, the last is (\d+:[0-9a-f]{64})\n$/.exec(before.stdout)?.[1] ?? '';
    expect([before.code, head]).toEqual([0, expect.stringContaining(':')]);
    renameSync(log, `${log}.1`);
    await fleet(['run', ...common, 'web1', '--', 'true']);
    const both = await fleet(['log', 'verify', '--log', log, '--expect', head]);
    expect([both.code, both.stdout]).toEqual([
      0,
      expect.stringMatching(/^\d+ records are intact, the last is/),
    ]);
    const json = JSON.parse((await fleet(['log', 'verify', '--log', log, '--json'])).stdout);
    expect(json).toMatchObject({ type: 'verification', ok: true, files: [`${log}.1`, log] });
    // The question, too, is of both.
    expect((await hosts('--host', 'web1')).length).toBeGreaterThan(2);
    const alone = await fleet(['log', 'verify', log]);
    expect([alone.code, alone.stdout]).toEqual([1, expect.stringContaining(`${log}:1: `)]);
    const first = Number(head.split(':')[0]) + 1;
    expect((await fleet(['log', 'verify', log, '--first', String(first)])).code).toBe(0);
    const wrong = `${head.slice(0, -1)}${head.endsWith('0') ? '1' : '0'}`;
    const other = await fleet(['log', 'verify', '--log', log, '--expect', wrong]);
    expect([other.code, other.stdout]).toEqual([1, expect.stringContaining('is not the expected one')]);
  });

  it('says what is wrong with a question', async () => {
    const missing = await fleet(['log', '--log', '/nonexistent/log']);
    expect([missing.code, missing.stderr]).toEqual([2, 'fleet: there is no log /nonexistent/log yet\n']);
    for (const [args, message] of [
      [['--action', 'rnu'], '--action must be run, put, get or clean, not "rnu"'],
      [['--first', '2'], '--first and --expect are of fleet log verify'],
      [['verify', '--expect', '3'], '--expect must be what fleet log verify says of the last record'],
      [['--host', 'a['], '"a[": "[" is not closed by "]"'],
    ] as const) {
      const { code, stderr } = await fleet(['log', '--log', log, ...args]);
      expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    }
  });
});
