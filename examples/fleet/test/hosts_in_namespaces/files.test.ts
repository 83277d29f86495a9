// The fleet of the issue, by `fleet put` and `fleet get`: files arrive whole on every host that can take them, and each of the others ends with
// its class while they go on.

import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { FailureClass, FleetEvent } from '../../dist/types.js';
import { left_out } from '../whole.js';
import { FleetOfHosts, PASSWORD } from './fleet_of_hosts.js';
import { lacks } from './network.js';

// Nothing here is quick on a busy machine.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 240_000 });

const missing = left_out ?? lacks();
if (missing !== undefined) it('fleet put and get in namespaces', (context) => context.skip(missing));

type End = readonly [FailureClass | undefined, RegExp | undefined];
const OK: End = [undefined, undefined];
const ENDS: Readonly<Record<string, End>> = {
  good: OK,
  certified: OK,
  behind: OK,
  password: OK,
  user: OK,
  down: ['unreachable', /^10\.77\.0\.\d+ port 22: /],
  closed: ['refused', /nobody listens there$/],
  silent: ['timed-out', /^no SSH session within 15 s$/],
  hangs: ['timed-out', /^nothing moved for 40 s$/],
  changed: ['host-key', /^the host key is /],
  keyless: ['authentication', /^root was not let in; /],
  crashes: ['cut-off', /^the (host closed the connection|connection broke: .*)$/],
  unplugged: ['timed-out', /^the host has answered nothing for 16 s$/],
};
const SIZE = 8_000_000;

describe.skipIf(missing !== undefined)('files of hosts in namespaces', () => {
  let fleet: FleetOfHosts;
  let source: string;
  let hash: string;
  beforeAll(async () => {
    fleet = await FleetOfHosts.start();
    const content = randomBytes(SIZE);
    hash = createHash('sha256').update(content).digest('hex');
    source = join(fleet.site.folder, 'source');
    writeFileSync(source, content, { mode: 0o644 });
  });
  afterAll(() => fleet?.close());

  const options = ['--password-fd', '0', '--inactivity', '40'];
  /** Takes the plug of `unplugged` when something of its file is over there. */
  const unplug = (event: FleetEvent) => {
    if (event.type === 'progress' && event.host === 'unplugged' && event.bytes > 0)
      fleet.machine('unplugged').plug('down');
  };

  function expect_ends(
    outcomes: Awaited<ReturnType<FleetOfHosts['events']>>['outcomes'],
    ends: Readonly<Record<string, End>>,
  ) {
    const found = [...outcomes].map(([host, { failure }]) => [host, failure]);
    expect(found.sort(), JSON.stringify([...outcomes.values()])).toEqual(
      Object.entries(ends)
        .map(([host, [failure]]) => [host, failure])
        .sort(),
    );
    for (const [host, [, reason]] of Object.entries(ends))
      if (reason) expect(outcomes.get(host)?.reason).toMatch(reason);
  }
  /** Returns what became of the files of a host, each attempt's. */
  const states = (events: readonly FleetEvent[], host: string) =>
    events.flatMap((event) => (event.type === 'file' && event.host === host ? [event.state] : []));

  it('puts a file on all that can take it, and goes on where it was cut', async () => {
    const ends = { ...ENDS, full: ['transfer', /./] as const };
    const target = `${fleet.disk}/target`;
    const args = ['put', ...options, Object.keys(ends).join(','), source, target];
    const { code, outcomes } = await fleet.events(args, `${PASSWORD}\n`, unplug);
    fleet.machine('unplugged').plug('up');
    expect(code).toBe(1);
    expect_ends(outcomes, ends);
    for (const [host, [failure]] of Object.entries(ends)) {
      if (failure === undefined)
        expect(fleet.machine(host).run('sha256sum', target).split(' ')[0]).toBe(hash);
      else if (fleet.machines.has(host))
        expect(() => fleet.machine(host).run('test', '-e', target)).toThrow();
    }
    const again = await fleet.events(['retry', '--class', 'timed-out,cut-off', '--inactivity', '40']);
    expect(again.begun).toEqual(['crashes', 'hangs', 'silent', 'unplugged']);
    expect([...again.outcomes].map(([host, { failure }]) => [host, failure]).sort()).toEqual([
      ['crashes', 'cut-off'],
      ['hangs', 'timed-out'],
      ['silent', 'timed-out'],
      ['unplugged', undefined],
    ]);
    expect(states(again.events, 'unplugged')).toEqual(['resumed']);
    const last = await fleet.events(['retry', '--class', 'cut-off', '--retry', '30']);
    expect(last.outcomes.get('crashes')).toMatchObject({ ok: true });
    // It may crash once more when the file is there: that attempt is cut off, and the next one skips it.
    expect(states(last.events, 'crashes')).toContain('resumed');
    for (const host of ['crashes', 'unplugged'])
      expect(fleet.machine(host).run('sha256sum', target).split(' ')[0]).toBe(hash);
  });

  it('gets a file of all that have it, and goes on where it was cut', async () => {
    // What it gets is read, not written: a disk that is full is no reason.
    const ends = { ...ENDS, full: OK };
    const target = join(fleet.site.folder, 'got-%h');
    const of = (host: string) => join(fleet.site.folder, `got-${host}`);
    const args = ['get', ...options, Object.keys(ends).join(','), source, target];
    const { code, outcomes } = await fleet.events(args, `${PASSWORD}\n`, unplug);
    fleet.machine('unplugged').plug('up');
    expect(code).toBe(1);
    expect_ends(outcomes, ends);
    const hash_of = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
    for (const [host, [failure]] of Object.entries(ends)) {
      if (failure === undefined) expect(hash_of(of(host))).toBe(hash);
      else expect(existsSync(of(host))).toBe(false);
    }
    const again = await fleet.events(['retry', '--class', 'cut-off', '--retry', '30', '--inactivity', '40']);
    expect([...again.outcomes].map(([host, { failure }]) => [host, failure])).toEqual([
      ['crashes', undefined],
    ]);
    expect(states(again.events, 'crashes')).toContain('resumed');
    expect(hash_of(of('crashes'))).toBe(hash);
  });
});
