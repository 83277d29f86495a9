// --json: every kind of line that the README lists, of each command; and nothing else on standard output.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { has_sshd, Site } from '../sshd.js';
import { fleet } from './fleet.js';

const README = readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8');

interface Line {
  readonly type: string;
}

const lines_of = (stdout: string): Line[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

const types = (lines: readonly Line[]) => [...new Set(lines.map(({ type }) => type))];

describe('mistakes', () => {
  it.each([
    [['run', '--json', 'a[', '--', 'true'], '"a[": "[" is not closed by "]"'],
    [['run', '--json', 'a'], 'the command must be behind "--": fleet run WHERE -- COMMAND'],
    [['put', 'a', '/nonexistent/x', '/tmp', '--json'], 'there is no /nonexistent/x to put'],
    [['nodes', '--json', '@web'], 'there is no group "web": the inventory has none'],
    [['run', '--json', '-F', '/nonexistent/config', 'a', '--', 'true'], 'there is no /nonexistent/config'],
    [['log', '--json', '--log', '/nonexistent/log'], 'there is no log /nonexistent/log yet'],
    [['retry', '--json', '--log', '/nonexistent/log'], 'has no operation of yours to try again'],
  ])('%j', async (args, message) => {
    const { code, stdout, stderr } = await fleet(args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    expect(lines_of(stdout)).toEqual([
      { type: 'error', message: expect.stringContaining(message), exit_code: 2 },
    ]);
  });

  it('are no JSON if --json is of the command there', async () => {
    const { code, stdout } = await fleet(['run', 'a[', '--', 'ip', '--json']);
    expect([code, stdout]).toEqual([2, '']);
  });
});

describe.skipIf(!has_sshd)('lines', () => {
  let site: Site;
  let common: string[];
  let log: string;
  const seen = new Set<string>();

  async function lines(...args: string[]): Promise<Line[]> {
    const { stdout } = await fleet(args);
    const found = lines_of(stdout);
    for (const type of types(found)) seen.add(type);
    return found;
  }

  beforeAll(async () => {
    site = new Site();
    const { address, port, user, identity_files, known_hosts_files } = (await site.sshd('h1')).host();
    const of = { address, port, user, identity_files, known_hosts_files };
    const closed = { address: '127.0.0.1', port: await site.listen((socket) => socket.destroy()) };
    const inventory = site.write('inventory.json', JSON.stringify({ hosts: { web1: of, db1: closed } }));
    log = join(site.folder, 'log.jsonl');
    common = ['--json', '-i', inventory, '--log', log, '-F', '/dev/null', '-t', '30'];
  });
  afterAll(() => site.close());

  it('of run: output as text or base64, failures by class', async () => {
    const found = await lines('run', ...common, '@*', '--', 'printf "\\377"; echo done >&2');
    expect(found[0]).toMatchObject({ type: 'operation', action: 'run', where: '@*', hosts: ['db1', 'web1'] });
    expect(found.at(-1)).toEqual({
      type: 'summary',
      hosts: 2,
      succeeded: 1,
      failed: { 'cut-off': ['db1'] },
      seconds: expect.any(Number),
      exit_code: 10,
    });
    expect(found).toContainEqual({ type: 'output', host: 'web1', stream: 'stdout', base64: '/w==' });
    expect(found).toContainEqual({ type: 'output', host: 'web1', stream: 'stderr', text: 'done\n' });
    expect(types(found).sort()).toEqual(['begin', 'end', 'operation', 'output', 'summary']);
    // The log has the same identifier.
    const [{ operation } = {}] = found as { operation?: string }[];
    expect(readFileSync(log, 'utf8')).toContain(operation);
  });

  it('of run --dry-run', async () => {
    expect(await lines('run', ...common, '--dry-run', 'web1', '--', 'rm x')).toEqual([
      { type: 'would run', hosts: ['web1'], command: 'rm x' },
    ]);
  });

  it('of put, get and retry', async () => {
    const source = site.write('file', 'text');
    const there = join(site.folder, 'there');
    const put = await lines('put', ...common, 'web1', source, there);
    expect(types(put)).toEqual(
      expect.arrayContaining(['operation', 'begin', 'progress', 'file', 'end', 'summary']),
    );
    expect(put.find(({ type }) => type === 'file')).toMatchObject({
      host: 'web1',
      state: 'sent',
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const got = await lines('get', ...common, '@*', there, join(site.folder, 'got-%h'));
    expect(got.at(-1)).toMatchObject({ type: 'summary', succeeded: 1, exit_code: 10 });
    const again = await lines('retry', ...common);
    expect(again[0]).toMatchObject({ type: 'operation', action: 'get', hosts: ['db1'] });
    expect(await lines('retry', ...common, '--class', 'refused')).toEqual([
      { type: 'summary', hosts: 0, succeeded: 0, failed: {}, seconds: 0, exit_code: 0 },
    ]);
  });

  it('of a large file that is hashed on its target, and of clean', async () => {
    const large = join(site.folder, 'large');
    writeFileSync(large, Buffer.alloc(17 << 20));
    const there = join(site.folder, 'large-there');
    await lines('put', ...common, 'web1', large, there);
    const again = await lines('put', ...common, 'web1', large, there);
    expect(again).toContainEqual(expect.objectContaining({ type: 'hashing', host: 'web1', total: 17 << 20 }));
    expect(again.find(({ type }) => type === 'file')).toMatchObject({ state: 'skipped' });
    const clean = await lines('clean', ...common, 'web1', site.folder);
    expect(clean[0]).toMatchObject({ type: 'operation', action: 'clean', target: site.folder });
  });

  it('of nodes, log and log verify', async () => {
    const nodes = await fleet(['nodes', ...common.slice(0, 3)]);
    expect(JSON.parse(nodes.stdout)).toEqual(['db1', 'web1']);
    const records = await fleet(['log', '--json', '--log', log, '--last', '2']);
    expect(lines_of(records.stdout)).toHaveLength(2);
    const verified = await fleet(['log', 'verify', '--json', '--log', log]);
    expect(lines_of(verified.stdout)).toMatchObject([
      { type: 'verification', ok: true, faults: [], files: [log] },
    ]);
  });

  it('are all in the README, and it lists no others', () => {
    const table = /## JSON\n(.*?)\n## /s.exec(README)?.[1] ?? '';
    const listed = [...table.matchAll(/^\| `([^`]+)` \| /gm)]
      .map(([, type]) => type)
      .filter((type) => type !== 'type');
    expect(listed.sort()).toEqual([...seen, 'error'].sort());
  });
});
