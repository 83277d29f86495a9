// fleet put and fleet get on real sshd: files that arrive whole, that are skipped, that fail on one host and not on the others.

import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fleet, type FleetEvent, Inventory } from '../../dist/index.js';
import { has_sshd, Site, type Sshd } from '../sshd.js';
import { fleet } from './fleet.js';

describe.skipIf(!has_sshd)('fleet put and get', () => {
  let site: Site;
  let servers: Sshd[];
  let hosts: Record<string, object>;
  let common: string[];
  let log: string;
  beforeAll(async () => {
    site = new Site();
    servers = [
      await site.sshd('h1'),
      await site.sshd('h2'),
      await site.sshd('nosftp', ['Subsystem sftp /bin/false']),
    ];
    const of = (server: Sshd) => {
      const { address, port, user, identity_files, known_hosts_files } = server.host();
      return { address, port, user, identity_files, known_hosts_files };
    };
    const [h1, h2, nosftp] = servers.map(of);
    const closed = await site.listen((socket) => socket.destroy());
    hosts = {
      h1: h1 ?? {},
      h2: h2 ?? {},
      nosftp: nosftp ?? {},
      broken: { address: '127.0.0.1', port: closed },
    };
    const inventory = site.write('inventory.json', JSON.stringify({ hosts, groups: { good: 'h[1-2]' } }));
    log = join(site.folder, 'log.jsonl');
    common = ['-i', inventory, '--log', log, '-F', '/dev/null', '-t', '30'];
  });
  afterAll(() => site.close());

  it('puts a folder, skips it the next time, and gets it from each host', async () => {
    const source = join(site.folder, 'source');
    mkdirSync(join(source, 'deep'), { recursive: true });
    writeFileSync(join(source, 'deep', 'large'), Buffer.alloc(3_000_000, 'data'), { mode: 0o640 });
    writeFileSync(join(source, 'empty'), '');
    // All servers are this machine: each host has a name of its own for its target.
    const target = join(site.folder, 'target');
    const would = await fleet(['put', ...common, '--dry-run', 'h1', source, target]);
    expect([would.code, would.stdout.split('\n').sort()]).toEqual([
      0,
      ['', `h1: would send ${target}/deep/large`, `h1: would send ${target}/empty`],
    ]);
    const put = await fleet(['put', ...common, 'h1', source, target]);
    expect([put.code, put.stderr]).toEqual([0, expect.stringContaining('1 ok of 1 host')]);
    expect(readFileSync(join(target, 'deep', 'large')).equals(Buffer.alloc(3_000_000, 'data'))).toBe(true);
    expect(statSync(join(target, 'deep', 'large')).mode & 0o777).toBe(0o640);

    const again = await fleet(['put', ...common, '--json', '@good', source, target]);
    const events: FleetEvent[] = again.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const states = events.flatMap((event) => (event.type === 'file' ? [event.state] : []));
    expect(states).toEqual(['skipped', 'skipped', 'skipped', 'skipped']);

    const got = await fleet([
      'get',
      ...common,
      '@good,broken',
      `${target}/deep/large`,
      join(site.folder, 'got-%h'),
    ]);
    expect([got.code, got.stderr]).toEqual([10, expect.stringContaining('2 ok, 1 failed of 3 hosts')]);
    for (const host of ['h1', 'h2']) expect(statSync(join(site.folder, `got-${host}`)).size).toBe(3_000_000);
  });

  it('has what was moved in its log, and tries again what failed', async () => {
    const target = join(site.folder, 'not-there');
    const failed = await fleet(['get', ...common, '@good', target, join(site.folder, 'back-%h')]);
    expect([failed.code, failed.stderr]).toEqual([
      11,
      expect.stringMatching(/transfer {2,}h\[1-2\] \(2\): .*no such file/),
    ]);
    site.write('not-there', 'now it is');
    const again = await fleet(['retry', ...common]);
    expect([again.code, again.stderr]).toEqual([0, expect.stringContaining('2 ok of 2 hosts')]);
    expect(readFileSync(join(site.folder, 'back-h2'), 'utf8')).toBe('now it is');
    const { stdout } = await fleet(['log', '--log', log, '--json', '--host', 'h2', '--last', '1']);
    expect(JSON.parse(stdout)).toMatchObject({
      action: 'get',
      result: 'ok',
      source: target,
      files: [{ path: join(site.folder, 'back-h2'), state: 'sent' }],
    });
    expect((await fleet(['log', 'verify', '--log', log])).code).toBe(0);
  });

  it('says so if a host has no SFTP, and the others go on', async () => {
    const source = site.write('small', 'text');
    const { code, stderr } = await fleet([
      'put',
      ...common,
      'h1,nosftp',
      source,
      join(site.folder, 'small-there'),
    ]);
    expect(code).toBe(11);
    expect(stderr).toMatch(/1 ok, 1 failed of 2 hosts/);
    expect(stderr).toMatch(/transfer {2,}nosftp: .*SFTP/);
  });

  it('ends a transfer in which nothing moves', async () => {
    // SFTP that takes all and answers nothing.
    const server = await site.sshd('mute', ['Subsystem sftp /bin/sleep 600']);
    const { address, port, user, identity_files, known_hosts_files } = server.host();
    const mute = { address, port, user, identity_files, known_hosts_files };
    const inventory = new Inventory({ hosts: { mute } }, 'test');
    const source = site.write('muted', 'text');
    const outcomes = await new Fleet({ inventory, config_files: [] }).put('mute', source, '/nonexistent/x', {
      limits: { connect_timeout: 30, inactivity_timeout: 1 },
    });
    expect(outcomes[0]).toMatchObject({ failure: 'timed-out', reason: 'nothing moved for 1 s' });
  });
});
