// The audit log: whole lines, in order, none lost over a change of the file, and nothing in them that a terminal or a reader of logs obeys.
import { spawnSync } from 'node:child_process';
import { open, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { AuditLog, type AuditOptions, audit_line } from '../../dist/guard/audit.js';
import type { AuditRecord } from '../../dist/guard/types.js';
import { code, temporary } from '../store/home.js';

async function make_log(options?: AuditOptions) {
  const path = join(await temporary(), 'audit.log');
  const log = await AuditLog.open(path, options);
  onTestFinished(() => log.close());
  return { path, log };
}

const lines_of = async (path: string) => (await readFile(path, 'utf8')).split('\n').slice(0, -1);
const record = (n: number): AuditRecord => ({ event: 'command', session: 's', address: '192.0.2.1', n });

describe('a line', () => {
  it('has the time, and the fields in order', () => {
    const line = audit_line(
      { event: 'upload', session: 'a-1', address: '::1', user: undefined, path: '/x', bytes: 5 },
      new Date(0),
    );
    expect(line).toBe(
      '{"time":"1970-01-01T00:00:00.000Z","event":"upload","session":"a-1","address":"::1","path":"/x","bytes":5}\n',
    );
  });

  it('is one line of harmless characters, whatever a client sent', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 50 }), (path) => {
        const line = audit_line({ event: 'upload', session: 's', address: 'a', path }, new Date());
        expect(line.indexOf('\n')).toBe(line.length - 1);
        expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u);
        expect(line).not.toMatch(/\p{Cs}/u);
        expect(JSON.parse(line).path).toBe(path);
      }),
    );
  });

  it('has no secret', () => {
    const secrets = { password: 'hunter2', PASS: 'hunter2', token: 'hunter2', secret: 'hunter2' };
    for (const command of ['PASS hunter2', 'pass hunter2\r\nhunter2', '  ACCT hunter2', 'PASS\thunter2']) {
      const line = audit_line(
        { event: 'command', session: 's', address: 'a', command, ...secrets },
        new Date(),
      );
      expect(line).not.toContain('hunter2');
      expect(line).toContain('***');
    }
    const line = audit_line(
      { event: 'command', session: 's', address: 'a', command: 'PASV', path: '/PASS x' },
      new Date(),
    );
    expect(JSON.parse(line)).toMatchObject({ command: 'PASV', path: '/PASS x' });
  });
});

describe('the file', () => {
  it('gets all records in order, many in a write, one write at a time', async () => {
    const { path, log } = await make_log();
    const handle = await open(path, 'r');
    const prototype = Object.getPrototypeOf(handle);
    await handle.close();
    let [writes, running, most] = [0, 0, 0];
    const write = prototype.write;
    const spy = vi.spyOn(prototype, 'write').mockImplementation(async function (
      this: unknown,
      ...args: unknown[]
    ) {
      writes += 1;
      most = Math.max(most, ++running);
      const result = await write.apply(this, args);
      running -= 1;
      return result;
    });
    onTestFinished(() => spy.mockRestore());
    for (let n = 0; n < 1000; n++) log.write(record(n));
    await log.flush();
    for (let n = 1000; n < 2000; n++) {
      log.write(record(n));
      if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await log.flush();
    expect((await lines_of(path)).map((line) => JSON.parse(line).n)).toEqual(
      Array.from({ length: 2000 }, (_, n) => n),
    );
    expect(writes).toBeLessThanOrEqual(13);
    expect(most).toBe(1);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('is another one after reopen(), and no record is in neither', async () => {
    const { path, log } = await make_log();
    let n = 0;
    for (let turn = 0; turn < 5; turn++) {
      for (let i = 0; i < 50; i++) log.write(record(n++));
      await rename(path, `${path}.${turn}`);
      const reopened = log.reopen();
      for (let i = 0; i < 50; i++) log.write(record(n++));
      await reopened;
    }
    await log.close();
    const files = [...Array.from({ length: 5 }, (_, turn) => `${path}.${turn}`), path];
    const all = (await Promise.all(files.map(lines_of))).flat().map((line) => JSON.parse(line).n);
    expect(all).toEqual(Array.from({ length: n }, (_, i) => i));
    log.write(record(n));
    await log.close();
  });

  it('is appended to, behind the end of a line that a killed process has left', async () => {
    const path = join(await temporary(), 'audit.log');
    await writeFile(path, '{"whole":1}\n{"torn":');
    const log = await AuditLog.open(path);
    log.write(record(1));
    await log.close();
    const again = await AuditLog.open(path);
    again.write(record(2));
    await again.close();
    const lines = await lines_of(path);
    expect(lines.slice(0, 2)).toEqual(['{"whole":1}', '{"torn":']);
    expect(lines.slice(2).map((line) => JSON.parse(line).n)).toEqual([1, 2]);
  });

  it('is no link, and no directory', async () => {
    const folder = await temporary();
    await symlink('/dev/null', join(folder, 'link'));
    expect(await code(AuditLog.open(join(folder, 'link')))).toBe('ELOOP');
    expect(await code(AuditLog.open(folder))).toBe('EISDIR');
  });

  it('that cannot be written is reported once, stops nobody, and says later how many records are missing', async (context) => {
    const reports: unknown[] = [];
    let dropped = 0;
    const { path, log } = await make_log({
      report: (error) => reports.push(error),
      dropped: (count) => (dropped += count),
    });
    await rm(path);
    // The device that is always full.
    const { status } = spawnSync('mknod', [path, 'c', '1', '7']);
    if (status !== 0) context.skip('mknod needs a privilege');
    await log.reopen();
    for (let n = 0; n < 3; n++) {
      log.write(record(n));
      log.write(record(n));
      await log.flush();
    }
    expect(await code(Promise.reject(reports[0]))).toBe('ENOSPC');
    expect(reports.length).toBe(1);
    expect(dropped).toBe(6);
    await rm(path);
    await log.reopen();
    log.write(record(7));
    await log.flush();
    const lines = (await lines_of(path)).map((line) => JSON.parse(line));
    expect(lines.map(({ event, n, records }) => [event, n ?? records])).toEqual([
      ['command', 7],
      ['lost', 6],
    ]);
  });

  it('that is slow does not fill the memory', async () => {
    let dropped = 0;
    const { path, log } = await make_log({ dropped: (count) => (dropped += count) });
    const path_of_a_megabyte = 'x'.repeat(1 << 20);
    for (let n = 0; n < 20; n++) log.write({ ...record(n), path: path_of_a_megabyte });
    await log.close();
    const lines = (await lines_of(path)).map((line) => JSON.parse(line));
    expect(dropped).toBeGreaterThan(0);
    expect(lines.filter(({ event }) => event === 'command').length).toBe(20 - dropped);
    expect(lines.find(({ event }) => event === 'lost')?.records).toBe(dropped);
  });
});
