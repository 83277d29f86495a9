// Commands that are not waited for any more are ended on the host, with their children: by each time-out and by a stop, with a pseudo-terminal
// and without. These servers are root's, and of an OpenSSH that may take no signals for root; test/hosts_in_namespaces has another user.

import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Fleet, Inventory, type RunOptions } from '../../dist/index.js';
import { processes_with } from '../processes.js';
import { has_sshd, Site } from '../sshd.js';
import { left_out } from '../whole.js';

// Nothing here is quick on a busy machine.
vi.setConfig({ testTimeout: 240_000 });

describe.skipIf(!has_sshd)('a command that is not waited for', () => {
  let site: Site;
  let fleet: Fleet;
  let count = 0;
  beforeAll(async () => {
    site = new Site();
    // A host that has no ps.
    const programs = join(site.folder, 'programs');
    mkdirSync(programs);
    for (const program of ['sed', 'sleep']) symlinkSync(`/usr/bin/${program}`, join(programs, program));
    const servers = { e1: await site.sshd('e1'), few: await site.sshd('few', [`SetEnv PATH=${programs}`]) };
    const hosts = Object.entries(servers).map(([name, server]) => {
      const { address, port, user, identity_files, known_hosts_files } = server.host();
      return [name, { address, port, user, identity_files, known_hosts_files }];
    });
    fleet = new Fleet({
      inventory: new Inventory({ hosts: Object.fromEntries(hosts) }, 'test'),
      config_files: [],
    });
  });
  afterAll(() => site.close());

  /** A number of seconds that no other process sleeps. */
  const unique = () => `${600 + ++count}.${process.pid}`;

  /** Runs a command that sleeps `seconds`, and returns how it ended; `begun` is called when it sleeps. */
  async function run(
    seconds: string,
    command: string,
    options: RunOptions,
    begun: () => void = () => {},
    host = 'e1',
  ) {
    const limits = { connect_timeout: 30, ...options.limits };
    const running = fleet.run(host, command, { ...options, limits });
    await expect
      .poll(() => processes_with(seconds).length, { timeout: 60_000, interval: 300 })
      .toBeGreaterThan(0);
    begun();
    const [outcome] = await running;
    return outcome;
  }
  const expect_none = (seconds: string) =>
    expect.poll(() => processes_with(seconds), { timeout: 60_000, interval: 300 }).toEqual([]);

  describe.each([{ pty: false }, { pty: true }])('%j', ({ pty }) => {
    beforeEach((context) => {
      if (pty && left_out !== undefined) context.skip(left_out);
    });

    it('is ended by its time-out', async () => {
      const seconds = unique();
      const command = `sleep ${seconds} & sleep ${seconds}`;
      const outcome = await run(seconds, command, { pty, limits: { command_timeout: 6 } });
      expect(outcome).toMatchObject({ failure: 'timed-out', reason: 'the command took more than 6 s' });
      await expect_none(seconds);
    });

    it('is ended by its inactivity', async () => {
      const seconds = unique();
      const limits = { inactivity_timeout: 6 };
      const outcome = await run(seconds, `echo begun; sleep ${seconds}`, { pty, limits });
      expect(outcome).toMatchObject({ failure: 'timed-out', reason: 'no output for 6 s' });
      await expect_none(seconds);
    });

    it('is ended by a stop', async () => {
      const seconds = unique();
      const stop = new AbortController();
      const outcome = await run(seconds, `sleep ${seconds}`, { pty, signal: stop.signal }, () =>
        stop.abort(),
      );
      expect(outcome).toMatchObject({ failure: 'stopped', reason: 'stopped while the command ran' });
      await expect_none(seconds);
    });

    it('is killed if it does not end', async () => {
      const seconds = unique();
      // Both shells: the one of the user and the one that waits.
      const command = `trap '' TERM; sh -c "trap '' TERM; while :; do sleep ${seconds}; done"`;
      const outcome = await run(seconds, command, { pty, limits: { inactivity_timeout: 6 } });
      expect(outcome).toMatchObject({ failure: 'timed-out', reason: 'no output for 6 s' });
      await expect_none(seconds);
    });
  });

  it('is ended on a host that has no ps', async () => {
    const seconds = unique();
    const options = { limits: { command_timeout: 6 } };
    const outcome = await run(seconds, `sleep ${seconds}`, options, () => {}, 'few');
    expect(outcome).toMatchObject({ failure: 'timed-out', reason: 'the command took more than 6 s' });
    await expect_none(seconds);
  });

  it('is not the reason if something that it started holds its output open, which is left alone', async () => {
    const seconds = unique();
    const outcome = await run(seconds, `sleep ${seconds} & echo begun`, { limits: { command_timeout: 6 } });
    expect(outcome).toMatchObject({
      failure: 'timed-out',
      reason: 'the command took more than 6 s: it has ended, but what it started holds its output open',
    });
    const left = processes_with(seconds);
    expect(left).toHaveLength(1);
    for (const pid of left) process.kill(pid, 'SIGKILL');
  });
});
