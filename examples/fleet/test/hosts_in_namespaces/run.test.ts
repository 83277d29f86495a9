// The fleet of the issue, by `fleet run`: every host but the good ones has a misfortune, and each ends with its class while the others go on.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { FailureClass } from '../../dist/types.js';
import { processes_with } from '../processes.js';
import { FleetOfHosts, PASSWORD } from './fleet_of_hosts.js';
import { lacks } from './network.js';

// Nothing here is quick on a busy machine.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const missing = lacks();
if (missing !== undefined) it('fleet run in namespaces', (context) => context.skip(missing));

let count = 0;
/** Returns a number of seconds that no other process sleeps. */
const unique = () => `${700 + ++count}.${process.pid}`;

/** How each host ends. */
const ENDS: Readonly<Record<string, readonly [FailureClass | undefined, RegExp | undefined]>> = {
  good: [undefined, undefined],
  certified: [undefined, undefined],
  gate: [undefined, undefined],
  behind: [undefined, undefined],
  password: [undefined, undefined],
  user: [undefined, undefined],
  full: [undefined, undefined],
  down: ['unreachable', /^10\.77\.0\.\d+ port 22: /],
  closed: ['refused', /^10\.77\.0\.\d+ port 22: nobody listens there$/],
  silent: ['timed-out', /^no SSH session within 15 s$/],
  hangs: ['timed-out', /^no output for 40 s$/],
  changed: ['host-key', /^the host key is ssh-ed25519 SHA256:\S+, not the one of \S+known_hosts:\d+$/],
  keyless: ['authentication', /^root was not let in; tried \S+user\b/],
  crashes: ['cut-off', /^the (host closed the connection|connection broke: .*) while the command ran$/],
  unplugged: [
    'timed-out',
    /^the host has answered nothing for 16 s while the command ran; it may still run there$/,
  ],
  failing: ['non-zero', /^exit code 3$/],
};
const QUIET = Object.keys(ENDS).join(',');

describe.skipIf(missing !== undefined)('fleet run on hosts in namespaces', () => {
  let fleet: FleetOfHosts;
  beforeAll(async () => {
    fleet = await FleetOfHosts.start();
  });
  afterAll(() => fleet?.close());

  const with_password = ['--password-fd', '0'];

  it('says of each host how it ended, and the others go on', async () => {
    const args = ['run', ...with_password, '--inactivity', '40', QUIET, '--', fleet.act, 'run'];
    const began = performance.now();
    const { code, outcomes } = await fleet.events(args, `${PASSWORD}\n`, (event) => {
      if (event.type === 'output' && event.host === 'unplugged') fleet.machine('unplugged').plug('down');
    });
    fleet.machine('unplugged').plug('up');
    const found = [...outcomes].map(([host, { failure }]) => [host, failure]);
    expect(found.sort(), JSON.stringify([...outcomes.values()])).toEqual(
      Object.entries(ENDS)
        .map(([host, [failure]]) => [host, failure])
        .sort(),
    );
    for (const [host, [, reason]] of Object.entries(ENDS)) {
      if (reason) expect(outcomes.get(host)?.reason).toMatch(reason);
    }
    expect(code).toBe(1);
    // The longest is: to connect, the inactivity, and the end of a command. Generous, as the machine may be busy.
    expect((performance.now() - began) / 1000).toBeLessThan(15 + 40 + 10 + 60);

    // Only those that failed, and of these only what may pass.
    const again = await fleet.events(
      ['retry', ...with_password, '--class', 'refused,non-zero'],
      `${PASSWORD}\n`,
    );
    expect(again.begun).toEqual(['closed', 'failing']);
    expect([...again.outcomes.values()].map(({ failure }) => failure).sort()).toEqual([
      'non-zero',
      'refused',
    ]);
  });

  it.each([
    ['good,behind', 0],
    ['down', 3],
    ['closed', 4],
    ['changed', 5],
    ['keyless', 6],
    ['failing', 7],
    ['crashes', 10],
    ['good,closed,changed', 1],
  ])('%s: exit code %i, and a summary of what failed', async (hosts, expected) => {
    const { code, stdout, stderr } = await fleet.fleet(['run', hosts, '--', fleet.act, 'run']);
    expect(code).toBe(expected);
    for (const host of hosts.split(',')) {
      const [failure] = ENDS[host] ?? [];
      if (failure) expect(stderr).toMatch(new RegExp(`^  ${failure} +${host}: `, 'm'));
      else expect(stdout).toContain(`${host}: fine on ${host}\n`);
    }
  });

  it('tries again what may pass, and nothing else', async () => {
    const { outcomes } = await fleet.events([
      'run',
      '--retry',
      '2',
      'failing,changed,keyless,closed',
      '--',
      fleet.act,
      'run',
    ]);
    expect(Object.fromEntries([...outcomes].map(([host, { attempts }]) => [host, attempts]))).toEqual({
      failing: 3,
      closed: 3,
      changed: 1,
      keyless: 1,
    });
  });

  it.each([
    ['as it comes', []],
    ['gathered', ['-b']],
  ])(
    'has little memory for 200 MB of output, %s',
    async (form, options) => {
      const child = fleet.start(['run', ...options, 'good,loud', '--', fleet.act, 'run']);
      let bytes = 0;
      let last = '';
      let memory = 0;
      child.stdout?.on('data', (data: Buffer) => {
        bytes += data.length;
        last = data.subarray(-100).toString('utf8');
      });
      const watch = setInterval(() => {
        memory = Math.max(memory, peak_kilobytes(child.pid));
      }, 100);
      const [code] = await once(child, 'close');
      clearInterval(watch);
      expect(code).toBe(0);
      expect(memory).toBeGreaterThan(10_000);
      expect(memory).toBeLessThan(300_000);
      // 2,000,000 lines with "loud: " in front, and one of the other host; or what is kept of them, and how much is not.
      if (form === 'as it comes')
        expect(bytes).toBe(200_000_000 + 2_000_000 * 6 + 'good: fine on good\n'.length);
      else expect(last).toMatch(/\n… 198951424 bytes more\n/);
    },
    240_000,
  );

  it('says that a jump host was lost', async () => {
    const seconds = unique();
    const config = fleet.site.write(
      'impatient',
      'Host gate\n  ServerAliveInterval 4\n  ServerAliveCountMax 3\nHost *\n  ConnectTimeout 120\n',
    );
    const args = ['run', '-F', config, 'behind', '--', `echo begun; sleep ${seconds}`];
    const { outcomes } = await fleet.events(args, '', (event) => {
      if (event.type === 'output') fleet.machine('gate').plug('down');
    });
    fleet.machine('gate').plug('up');
    for (const pid of processes_with(seconds)) process.kill(pid, 'SIGKILL');
    expect(outcomes.get('behind')).toMatchObject({
      failure: 'timed-out',
      reason:
        'jump host gate: the host has answered nothing for 16 s while the command ran; it may still run there',
    });
  });

  describe.each([
    { host: 'user', pty: false },
    { host: 'user', pty: true },
    { host: 'good', pty: false },
    { host: 'good', pty: true },
  ])('%j', ({ host, pty }) => {
    const options = pty ? ['--pty'] : [];

    it('ends the command at its time-out', async () => {
      const seconds = unique();
      const args = ['run', ...options, '-u', '6', host, '--', `sleep ${seconds} & sleep ${seconds}`];
      const running = fleet.events(args);
      await expect.poll(() => processes_with(seconds).length, { timeout: 60_000, interval: 300 }).toBe(2);
      expect((await running).outcomes.get(host)?.reason).toBe('the command took more than 6 s');
      await expect.poll(() => processes_with(seconds), { timeout: 60_000, interval: 300 }).toEqual([]);
    });

    it('asks at ^C, and ends the command at the second one', async () => {
      const seconds = unique();
      const child = fleet.start(['run', ...options, host, '--', `sleep ${seconds}`]);
      let stderr = '';
      child.stderr?.on('data', (data) => {
        stderr += data;
      });
      const ended = once(child, 'close');
      await expect.poll(() => processes_with(seconds).length, { timeout: 60_000, interval: 300 }).toBe(1);
      child.kill('SIGINT');
      await expect.poll(() => stderr, { timeout: 30_000 }).toContain(`^C again ends ${host}`);
      expect(processes_with(seconds)).toHaveLength(1);
      child.kill('SIGINT');
      expect(await ended).toEqual([12, null]);
      expect(stderr).toMatch(new RegExp(`stopped +${host}: stopped while the command ran\\n`));
      await expect.poll(() => processes_with(seconds), { timeout: 60_000, interval: 300 }).toEqual([]);
    });

    it('ends the command when fleet is ended by SIGTERM', async () => {
      const seconds = unique();
      const child = fleet.start(['run', ...options, host, '--', `sleep ${seconds}`]);
      const ended = once(child, 'close');
      await expect.poll(() => processes_with(seconds).length, { timeout: 60_000, interval: 300 }).toBe(1);
      child.kill('SIGTERM');
      expect(await ended).toEqual([12, null]);
      await expect.poll(() => processes_with(seconds), { timeout: 60_000, interval: 300 }).toEqual([]);
    });
  });
});

/** Returns the most memory that a process has had; 0: it has ended. */
function peak_kilobytes(pid: number | undefined): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
