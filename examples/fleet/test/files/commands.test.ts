// fleet put, get and clean as commands: their options, their lines, and what the log has of them.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Fleet, type FleetEvent, Inventory } from '../../dist/index.js';
import { fleet, MAIN } from '../cli/fleet.js';
import { has_sshd, Site, type Sshd } from '../sshd.js';

const MB = 1 << 20;

describe.skipIf(!has_sshd)('fleet', () => {
  let site: Site;
  let h1: Sshd;
  let common: string[];
  let log: string;
  let here: string;
  let there: string;
  beforeAll(async () => {
    site = new Site();
    h1 = await site.sshd('h1');
    const { address, port, user, identity_files, known_hosts_files } = h1.host();
    const hosts = { h1: { address, port, user, identity_files, known_hosts_files } };
    const inventory = site.write('inventory.json', JSON.stringify({ hosts }));
    log = join(site.folder, 'log.jsonl');
    common = ['-i', inventory, '--log', log, '-F', '/dev/null', '-t', '60'];
    [here, there] = [join(site.folder, 'here'), join(site.folder, 'there')];
  });
  beforeEach(() => {
    for (const folder of [here, there]) {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder);
    }
  });
  afterAll(() => site.close());

  const last_record = async () => {
    const { stdout } = await fleet(['log', '--log', log, '--json', '--host', 'h1', '--last', '1']);
    return JSON.parse(stdout);
  };

  test('put: the report and the log have what went, of a delta and of it whole', async () => {
    const content = randomBytes(17 * MB);
    writeFileSync(join(here, 'disk'), content);
    const put = (...options: string[]) =>
      fleet(['put', ...common, ...options, 'h1', join(here, 'disk'), `${there}/`]);
    const older = Buffer.from(content);
    older.writeUInt8(older.readUInt8(5 * MB) ^ 1, 5 * MB);
    writeFileSync(join(there, 'disk'), older);
    const updated = await put();
    expect([updated.code, updated.stderr]).toEqual([
      0,
      expect.stringContaining('files: 1 updated; 1.0 MB moved\n'),
    ]);
    expect(readFileSync(join(there, 'disk')).equals(content)).toBe(true);
    expect(await last_record()).toMatchObject({ result: 'ok', bytes: MB, files: [{ state: 'updated' }] });
    const lines = await fleet(['log', '--log', log, '--host', 'h1', '--last', '1']);
    expect(lines.stdout).toContain('ok, 1.0 MB moved, 1 file, ');

    writeFileSync(join(there, 'disk'), older);
    expect((await put('--no-delta')).stderr).toContain('files: 1 sent; 17.8 MB moved\n');
    expect(await last_record()).toMatchObject({ bytes: 17 * MB });
    expect((await put()).stderr).toContain('files: 1 skipped\n');
    expect(await last_record()).toMatchObject({ bytes: 0, files: [{ state: 'skipped' }] });
  });

  test('--json has the hashing, and what was sent of each file', async () => {
    for (const folder of [here, there]) writeFileSync(join(folder, 'disk'), Buffer.alloc(16 * MB));
    const { stdout } = await fleet(['put', ...common, '--json', 'h1', join(here, 'disk'), `${there}/`]);
    const events: FleetEvent[] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events).toContainEqual({
      type: 'hashing',
      host: 'h1',
      path: join(there, 'disk'),
      bytes: 16 * MB,
      total: 16 * MB,
    });
    expect(events.find(({ type }) => type === 'file')).toMatchObject({
      state: 'skipped',
      size: 16 * MB,
      sent: 0,
    });
  });

  test('the log of a cut transfer has the bytes that went before, in all attempts', async () => {
    writeFileSync(join(here, 'file'), randomBytes(3 * MB));
    const { address, port, user, identity_files, known_hosts_files } = h1.host();
    const inventory = new Inventory(
      { hosts: { h1: { address, port, user, identity_files, known_hosts_files } } },
      'test',
    );
    const sent: number[] = [];
    const outcomes = await new Fleet({ inventory, config_files: [] }).put(
      'h1',
      join(here, 'file'),
      `${there}/`,
      {
        limits: { retries: 1, connect_timeout: 60 },
        on_event: (event) => {
          if (event.type !== 'progress') return;
          sent.push(event.sent ?? -1);
          if (event.bytes >= MB && sent.every((bytes) => bytes < 2 * MB) && !sent.includes(-2)) {
            sent.push(-2);
            h1.cut();
          }
        },
      },
    );
    expect(outcomes).toMatchObject([{ ok: true, attempts: 2 }]);
    expect(sent.filter((bytes) => bytes === -1)).toEqual([]);
    expect(Math.max(...sent)).toBeLessThan(3 * MB);
  });

  test('the log says how many files it does not name', async () => {
    for (let index = 0; index < 1005; index += 1) writeFileSync(join(here, `file ${index}`), `${index}`);
    // This one fails, whenever its turn comes.
    mkdirSync(join(there, 'file 999'));
    const { code } = await fleet(['put', ...common, 'h1', here, there]);
    expect(code).toBe(11);
    const record = await last_record();
    expect([record.files.length, record.more_files]).toEqual([1000, 5]);
    expect(record.files).toContainEqual({ path: join(there, 'file 999'), state: 'failed' });
    const { stdout } = await fleet(['log', '--log', log, '--host', 'h1', '--last', '1']);
    expect(stdout).toMatch(/kB moved, 1005 files \(1000 named\)/);
    expect((await fleet(['log', 'verify', '--log', log])).code).toBe(0);
  });

  test('get --max-bytes', async () => {
    writeFileSync(join(here, 'file'), Buffer.alloc(20_000));
    const get = (limit: string) =>
      fleet(['get', ...common, '--max-bytes', limit, 'h1', join(here, 'file'), join(there, '%h')]);
    const refused = await get('19.9kB');
    expect([refused.code, refused.stderr]).toEqual([
      11,
      expect.stringContaining('20.0 kB are more than the limit of 19.9 kB'),
    ]);
    expect(readdirSync(there)).toEqual([]);
    expect((await get('20k')).code).toBe(0);
    for (const wrong of ['', '0', 'x', '1X', '9e9', '99999999T']) {
      const { code, stderr } = await get(wrong);
      expect([code, stderr]).toEqual([2, expect.stringContaining('--max-bytes must be bytes')]);
    }
    const put = await fleet(['put', ...common, '--max-bytes', '1', 'h1', join(here, 'file'), there]);
    expect([put.code, put.stderr]).toEqual([2, 'fleet: --max-bytes is for fleet get\n']);
  });

  test('get: what does not fit is refused before it comes, what fills the disk all the same is removed', async (ctx) => {
    writeFileSync(join(here, 'large'), Buffer.alloc(5_000_000));
    writeFileSync(join(here, 'same-size'), Buffer.alloc(3_000_000));
    const get = async (name: string, target: string) => {
      const words = [MAIN, 'get', ...common, '--no-log', 'h1', join(here, name), target].map(
        (word) => `'${word}'`,
      );
      // A disk of 4 MB that has a file of 3 MB, in a mount namespace of its own.
      const script = `mount -t tmpfs -o size=4m none '${there}' && head -c 3000000 /dev/urandom > '${there}/h1' &&
        { '${process.execPath}' ${words.join(' ')}; ls -A '${there}'; }`;
      const child = spawn('unshare', ['-m', 'sh', '-c', script]);
      const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
      return { stdout, stderr };
    };
    const large = await get('large', join(there, '%h'));
    if (/unshare|mount:/.test(large.stderr)) ctx.skip('needs mount namespaces');
    expect(large.stderr).toMatch(/no space here for 5.0 MB: 1.\d MB are free/);
    expect(large.stdout).toBe('h1\n');
    const full = await get('same-size', join(there, '%h'));
    expect(full.stderr).toMatch(/transfer +h1: .*h1: ENOSPC: no space left on device/);
    expect(full.stdout).toBe('h1\n');
  });

  test('clean: says what it removes, and is in the log', async () => {
    const name = `.fleet-${'0'.repeat(32)}.part`;
    const make = (days: number) => {
      const time = Date.now() / 1000 - days * 86_400;
      writeFileSync(join(there, name), Buffer.alloc(2000));
      utimesSync(join(there, name), time, time);
    };
    make(2);
    const would = await fleet(['clean', ...common, '--dry-run', 'h1', there]);
    expect([would.code, would.stdout]).toEqual([0, `h1: would remove ${join(there, name)} (2.0 kB)\n`]);
    expect((await fleet(['clean', ...common, '--older', '3d', 'h1', there])).stdout).toBe('');
    const { code, stdout, stderr } = await fleet(['clean', ...common, 'h1', there]);
    expect([code, stdout]).toEqual([0, `h1: removed ${join(there, name)} (2.0 kB)\n`]);
    expect(stderr).toContain('1 ok of 1 host');
    expect(existsSync(join(there, name))).toBe(false);
    expect(await last_record()).toMatchObject({
      action: 'clean',
      target: there,
      files: [{ state: 'removed' }],
    });
    expect((await fleet(['clean', ...common, 'h1', join(there, 'none')])).code).toBe(11);
    mkdirSync(join(there, 'none'));
    expect((await fleet(['retry', ...common])).stderr).toContain('1 ok of 1 host');

    make(2);
    expect((await fleet(['clean', '--here', '--json', '--dry-run', there])).stdout).toBe(
      `${JSON.stringify({ type: 'file', path: join(there, name), state: 'would remove', size: 2000, sent: 0 })}\n`,
    );
    expect((await fleet(['clean', '--here', there])).stdout).toBe(`removed ${join(there, name)} (2.0 kB)\n`);
    for (const words of [[], ['h1'], ['h1', there, 'more'], ['--here'], ['--here', 'h1', there]])
      expect(await fleet(['clean', ...common, ...words])).toMatchObject({ code: 2, stdout: '' });
    const wrong = await fleet(['clean', ...common, '--older', 'x', 'h1', there]);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('--older: a time must be like')]);
  });

  test('an inactivity limit does not end a transfer that is hashed for longer than that', async () => {
    // A target whose hashing of each block takes a while: more than the limit together.
    const slow = join(site.folder, 'slow');
    mkdirSync(slow, { recursive: true });
    const script = '#!/bin/sh\nsleep 1.2\nexec /usr/bin/sha256sum "$@"\n';
    writeFileSync(join(slow, 'sha256sum'), script, { mode: 0o755 });
    const server = await site.sshd('slow', [`SetEnv FLEET_TEST_HOST=slow PATH=${slow}:/usr/bin:/bin`]);
    const { address, port, user, identity_files, known_hosts_files } = server.host();
    const inventory = new Inventory(
      { hosts: { slow: { address, port, user, identity_files, known_hosts_files } } },
      'test',
    );
    for (const folder of [here, there]) writeFileSync(join(folder, 'disk'), Buffer.alloc(17 * MB));
    const limits = { connect_timeout: 60, inactivity_timeout: 15 };
    const outcomes = await new Fleet({ inventory, config_files: [] }).put(
      'slow',
      join(here, 'disk'),
      `${there}/`,
      {
        limits,
      },
    );
    expect(outcomes).toMatchObject([{ ok: true }]);
    expect(outcomes[0]?.seconds).toBeGreaterThan(limits.inactivity_timeout);
  });
});
