// Commands on real sshd by class Fleet: output, streams apart, standard input, ends of each class while other hosts go on.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fleet, type FleetEvent, Inventory, type RunOptions } from '../../dist/index.js';
import { has_sshd, Site, type Sshd } from '../sshd.js';

describe.skipIf(!has_sshd)('a command', () => {
  let site: Site;
  let servers: Sshd[];
  let fleet: Fleet;
  beforeAll(async () => {
    site = new Site();
    servers = [await site.sshd('a1'), await site.sshd('a2'), await site.sshd('a3')];
    const settings = (server: Sshd) => {
      const { address, port, user, identity_files, known_hosts_files } = server.host();
      return { address, port, user, identity_files, known_hosts_files };
    };
    const hosts = Object.fromEntries(servers.map((server, index) => [`a${index + 1}`, settings(server)]));
    const silent = await site.listen(() => {});
    const inventory = new Inventory(
      { hosts: { ...hosts, silent: { address: '127.0.0.1', port: silent } }, groups: { all: 'a[1-3]' } },
      'test',
    );
    fleet = new Fleet({ inventory, config_files: [] });
  });
  afterAll(() => site.close());

  async function run(where: string, command: string, options: RunOptions = {}) {
    const output = new Map<string, string>();
    const on_event = (event: FleetEvent) => {
      options.on_event?.(event);
      if (event.type !== 'output') return;
      const key = `${event.host} ${event.stream}`;
      output.set(key, (output.get(key) ?? '') + Buffer.from(event.data).toString('latin1'));
    };
    const limits = { connect_timeout: 30, ...options.limits };
    return { outcomes: await fleet.run(where, command, { ...options, limits, on_event }), output };
  }

  it('runs everywhere, with both streams apart', async () => {
    const { outcomes, output } = await run('@all', 'echo out; echo err >&2');
    expect(outcomes.map(({ host, ok }) => [host, ok])).toEqual([
      ['a1', true],
      ['a2', true],
      ['a3', true],
    ]);
    for (const host of ['a1', 'a2', 'a3']) {
      expect([output.get(`${host} stdout`), output.get(`${host} stderr`)]).toEqual(['out\n', 'err\n']);
    }
  });

  it('is given standard input, on each host the same, and else finds it at its end', async () => {
    const stdin = Buffer.alloc(300_000, 'line\n');
    const { output } = await run('a[1-2]', 'wc -c', { stdin });
    expect([output.get('a1 stdout')?.trim(), output.get('a2 stdout')?.trim()]).toEqual(['300000', '300000']);
    expect((await run('a1', 'wc -c')).output.get('a1 stdout')?.trim()).toBe('0');
  });

  it('has a terminal if it is asked for', async () => {
    expect(
      (await run('a1', 'test -t 1 && cat', { pty: true, stdin: Buffer.from('typed\n') })).outcomes[0],
    ).toMatchObject({
      ok: true,
    });
    expect((await run('a1', 'test -t 1')).outcomes[0]).toMatchObject({ exit_code: 1 });
  });

  it('ends with its code or its signal', async () => {
    expect((await run('a1', 'exit 3')).outcomes[0]).toMatchObject({
      ok: false,
      failure: 'non-zero',
      exit_code: 3,
      reason: 'exit code 3',
    });
    expect((await run('a1', 'kill -KILL $$')).outcomes[0]).toMatchObject({
      failure: 'signal',
      signal: 'SIGKILL',
    });
  });

  it('ends in time, while other hosts go on', async () => {
    const command = 'if test $FLEET_TEST_HOST = a2; then sleep 600; fi; echo done';
    const { outcomes, output } = await run('@all,silent', command, {
      limits: { command_timeout: 8, connect_timeout: 8, fanout: 4 },
    });
    expect(outcomes.map(({ host, failure, reason }) => [host, failure, reason])).toEqual([
      ['a1', undefined, undefined],
      ['a2', 'timed-out', 'the command took more than 8 s'],
      ['a3', undefined, undefined],
      ['silent', 'timed-out', 'no SSH session within 8 s'],
    ]);
    expect(output.get('a3 stdout')).toBe('done\n');
  });

  it('ends if nothing comes, not while something does', async () => {
    const limits = { inactivity_timeout: 8 };
    const busy = await run('a1', 'for i in 1 2 3 4; do echo $i; sleep 2.5; done', { limits });
    expect(busy.outcomes[0]).toMatchObject({ ok: true });
    expect((await run('a1', 'echo one; sleep 600', { limits })).outcomes[0]).toMatchObject({
      failure: 'timed-out',
      reason: 'no output for 8 s',
    });
  });

  it('is cut off if the connection breaks', async () => {
    const { outcomes } = await run('a1', 'echo begun; sleep 600', {
      on_event: (event) => {
        if (event.type === 'output') servers[0]?.cut();
      },
    });
    expect(outcomes[0]).toMatchObject({
      failure: 'cut-off',
      reason: 'the host closed the connection while the command ran',
    });
  });

  it('is stopped by a signal', async () => {
    const stop = new AbortController();
    const { outcomes } = await run('a[1-2]', 'echo begun; sleep 600', {
      limits: { fanout: 1 },
      signal: stop.signal,
      on_event: (event) => {
        if (event.type === 'output') stop.abort();
      },
    });
    expect(outcomes.map(({ failure, reason }) => [failure, reason])).toEqual([
      ['stopped', 'stopped while the command ran'],
      ['stopped', 'not begun: stopped by the user'],
    ]);
  });

  it('passes bytes on as they came', async () => {
    const { output } = await run('a1', "printf '\\000\\377\\033[31m'; head -c 3000000 /dev/zero");
    expect(output.get('a1 stdout')?.slice(0, 7)).toBe('\x00\xff\x1b[31m');
    expect(output.get('a1 stdout')?.length).toBe(3_000_007);
  });

  it('has a host wait whose output is not taken, without an end for want of output', async () => {
    let bytes = 0;
    let take: () => void = () => {};
    const taken = new Promise<void>((resolve) => {
      take = resolve;
    });
    const running = fleet.run('a1', 'head -c 50000000 /dev/zero', {
      limits: { connect_timeout: 30, inactivity_timeout: 8 },
      on_event: (event) => {
        if (event.type !== 'output') return;
        bytes += event.data.length;
        return taken;
      },
    });
    await expect.poll(() => bytes, { timeout: 30_000 }).toBeGreaterThan(0);
    // Longer than the inactivity that is allowed. What is under way at most is a window of SSH.
    await new Promise((resolve) => setTimeout(resolve, 9000));
    expect(bytes).toBeLessThan(5_000_000);
    take();
    expect((await running)[0]).toMatchObject({ ok: true });
    expect(bytes).toBe(50_000_000);
  });
});
