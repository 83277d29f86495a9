// The README is true: its commands run on real sshd and print what stands below them, its program runs, and every command of its table works.

import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAIN } from './cli/fleet.js';
import { has_sudo } from './ssh/accounts.js';
import { has_sshd, Site } from './sshd.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

interface Step {
  readonly command: string;
  readonly output: readonly string[];
}

/** The commands of ```console blocks: behind `$ `, with what they print up to the next one. */
const STEPS: Step[] = [...README.matchAll(/^```console\n(.*?)^```$/gms)].flatMap(([, block = '']) =>
  block
    .split(/^\$ /m)
    .slice(1)
    .map((text) => {
      const [command = '', ...output] = text.trimEnd().split('\n');
      return { command, output };
    }),
);

/** The last cell of each row of the table of commands. */
const TABLE = /^\| \| clush \|.*\n\|[-|]+\n((?:\|.*\n)+)/m.exec(README)?.[1] ?? '';
const ROWS = TABLE.trimEnd()
  .split('\n')
  .map((row) => /`([^`]+)` \|$/.exec(row)?.[1] ?? `no command in ${row}`)
  .filter((command) => has_sudo || !command.includes('--sudo'));

/** What differs each time: durations, the time and the user of the log, lines of progress of a slow machine. Output of hosts comes in any order. */
const comparable = (lines: readonly string[]) =>
  lines
    .filter((line) => !/^\d+ of \d+ hosts done/.test(line))
    .map((line) =>
      line.replace(/\d+(\.\d+)? s\b/g, 'N s').replace(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}\S+/, 'TIME WHO'),
    )
    .sort();

describe.skipIf(!has_sshd)('README', () => {
  let site: Site;
  beforeAll(async () => {
    site = new Site();
    const names = ['web1', 'web2', 'web3', 'db1'];
    const hosts = Object.fromEntries(
      await Promise.all(
        names.map(async (name) => {
          const { address, port, user, identity_files, known_hosts_files } = (await site.sshd(name)).host();
          return [name, { address, port, user, identity_files, known_hosts_files }] as const;
        }),
      ),
    );
    const groups = { web: 'web[1-3]', data: 'db1', new: 'web3,db1' };
    site.write('inventory.json', JSON.stringify({ hosts, groups }));
    mkdirSync(join(site.folder, 'srv'));
    site.write('app.conf', 'listen = 80\n');
    writeFileSync(join(site.folder, 'fleet'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
    chmodSync(join(site.folder, 'fleet'), 0o755);
    mkdirSync(join(site.folder, 'node_modules'));
    symlinkSync(ROOT, join(site.folder, 'node_modules', 'bsd-sockets-fleet'));
  });
  afterAll(() => site.close());

  const here = (text: string) => text.replaceAll('/srv/', `${site.folder}/srv/`);

  /** Runs a line of a shell. Returns its exit code, and both streams as one. */
  function sh(line: string): Promise<{ code: number | string | null | undefined; text: string }> {
    const env = {
      PATH: `${site.folder}:${process.env.PATH}`,
      HOME: site.folder,
      FLEET_INVENTORY: join(site.folder, 'inventory.json'),
      FLEET_LOG: join(site.folder, 'log.jsonl'),
    };
    return new Promise((resolve) => {
      execFile('sh', ['-c', `exec 2>&1; ${here(line)}`], { env, cwd: site.folder }, (error, stdout) =>
        resolve({ code: error ? error.code : 0, text: stdout.replaceAll(`${site.folder}/srv/`, '/srv/') }),
      );
    });
  }

  it('has commands whose output is as it says', { timeout: 600_000 }, async () => {
    expect(STEPS.length).toBeGreaterThan(5);
    for (const { command, output } of STEPS) {
      const { text } = await sh(command);
      expect(comparable(text.trimEnd().split('\n')), command).toEqual(comparable(output));
    }
  });

  it('has a table of commands that work', { timeout: 600_000 }, async () => {
    expect(ROWS.length).toBeGreaterThan(15);
    // So that there is something to be tried again.
    await sh(`fleet run 'web[1-2]' -- test -e ${site.folder}/flag`);
    site.write('flag', '');
    const retry = ROWS.filter((row) => row === 'fleet retry');
    expect(retry).toHaveLength(1);
    for (const row of [...retry, ...ROWS.filter((other) => other !== 'fleet retry')]) {
      const { code, text } = await sh(row);
      expect(code, `${row}: ${text}`).toBe(0);
      expect(text, row).toMatch(/web[1-3]|days|up|ok of|Linux|[0-9]/);
    }
  });

  it('has a program that runs', async () => {
    const programs = [...README.matchAll(/^```js\n(.*?)^```\n\n```text\n(.*?)^```$/gms)];
    expect(programs).toHaveLength(1);
    for (const [, source = '', output = ''] of programs) {
      site.write('program.mjs', source);
      const { code, text } = await sh(`'${process.execPath}' program.mjs`);
      expect([code, comparable(text.trimEnd().split('\n'))]).toEqual([
        0,
        comparable(output.trimEnd().split('\n')),
      ]);
    }
  });
});
