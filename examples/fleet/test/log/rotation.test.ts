// Rotation of the log: a file that was moved away is continued, and the chain is verified over all of them.
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  type Entry,
  files_of,
  LogWriter,
  last_operation,
  query_log,
  verify_log,
} from '../../src/log/index.js';

let folder: string;
let path: string;
let log: LogWriter;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), `fleet-rotation-${process.pid}-`));
  path = join(folder, 'log.jsonl');
  log = new LogWriter(path);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const entry = (host: string, more: Partial<Entry> = {}): Entry => ({
  operation: 'op1',
  kind: 'host',
  action: 'run',
  who: 'ann',
  command: 'uptime',
  host,
  result: 'ok',
  ...more,
});

const verified = async () => verify_log(await files_of(path));

/** Three files of two records each: log.jsonl-20261128, log.jsonl-20261129, log.jsonl. */
async function rotated(): Promise<void> {
  for (const name of ['log.jsonl-20261128', 'log.jsonl-20261129', undefined]) {
    await log.append(entry('a'));
    await log.append(entry('b'));
    if (name) renameSync(path, join(folder, name));
  }
}

test('a log that was moved away goes on in a new file, and the chain holds over all', async () => {
  await rotated();
  expect(await files_of(path)).toEqual([`${path}-20261128`, `${path}-20261129`, path]);
  expect(await verified()).toMatchObject({ ok: true, records: 6, head: { n: 6 }, faults: [] });
  // The new file alone does not begin with record 1.
  expect(await verify_log(path)).toMatchObject({
    ok: false,
    faults: [{ file: path, line: 1, kind: 'broken' }],
  });
});

test('numbered files are in the order of their records, not of their names', async () => {
  await log.append(entry('a'));
  renameSync(path, `${path}.1`);
  await log.append(entry('b'));
  renameSync(`${path}.1`, `${path}.2`);
  renameSync(path, `${path}.1`);
  await log.append(entry('c'));
  expect(await files_of(path)).toEqual([`${path}.2`, `${path}.1`, path]);
  expect(await verified()).toMatchObject({ ok: true, records: 3 });
});

test('a file that was copied and truncated is continued, too', async () => {
  await log.append(entry('a'));
  copyFileSync(path, `${path}.1`);
  truncateSync(path);
  await log.append(entry('b'));
  expect(await verified()).toMatchObject({ ok: true, records: 2 });
});

test('a line that was changed, or a file that is gone, is found in any of them', async () => {
  await rotated();
  const old = `${path}-20261128`;
  const text = readFileSync(old, 'utf8');
  writeFileSync(old, text.replace('uptime', 'reboot'));
  expect(await verified()).toMatchObject({ ok: false, faults: [{ file: old, line: 1, kind: 'changed' }] });
  // Its last line is the one that the next file continues.
  writeFileSync(old, text.split('\n').slice(0, 1).join('\n').concat('\n'));
  expect(await verified()).toMatchObject({
    faults: [{ file: `${path}-20261129`, line: 1, message: '1 record(s) before record 3 are missing' }],
  });
  writeFileSync(old, text);
  rmSync(`${path}-20261129`);
  expect(await verified()).toMatchObject({ ok: false, faults: [{ file: path, line: 1, kind: 'broken' }] });
});

test('older files may be gone on purpose, if the number of the first record is said', async () => {
  await rotated();
  rmSync(`${path}-20261128`);
  const files = await files_of(path);
  expect((await verify_log(files)).ok).toBe(false);
  expect(await verify_log(files, { first: 3 })).toMatchObject({ ok: true, records: 4 });
  expect((await verify_log(files, { first: 2 })).ok).toBe(false);
});

test('what is beside the log and no log is left alone', async () => {
  for (const name of ['log.jsonl.gz', 'log.jsonl.note', 'log.jsonl-empty', 'log.jsonlx', 'other.jsonl.1'])
    writeFileSync(join(folder, name), name === 'log.jsonl-empty' ? '' : '{"n":7}\n');
  await log.append(entry('a'));
  expect(await files_of(path)).toEqual([path]);
  expect(await verified()).toMatchObject({ ok: true, records: 1 });
});

test('a damaged file that was moved away is not continued', async () => {
  await log.append(entry('a'));
  appendFileSync(path, 'damage\n');
  renameSync(path, `${path}.damaged`);
  await log.append(entry('b'));
  expect(await verify_log(path)).toMatchObject({ ok: true, records: 1, head: { n: 1 } });
});

test('queries and the last operation are of all files', async () => {
  await log.append(entry('', { kind: 'begin', host: undefined, result: undefined, where: '@web' }));
  await log.append(entry('web1', { result: 'unreachable' }));
  renameSync(path, `${path}.1`);
  await log.append(entry('web2'));
  const files = await files_of(path);
  const hosts: (string | undefined)[] = [];
  for await (const { host } of query_log(files, { hosts: new Set(['web1', 'web2']) })) hosts.push(host);
  expect(hosts).toEqual(['web1', 'web2']);
  const last = await last_operation(files);
  expect([...(last?.hosts.keys() ?? [])]).toEqual(['web1', 'web2']);
});
