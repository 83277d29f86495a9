// The log: its chain against sha256sum, what a changed, missing or torn line does, writers at once and killed ones, queries.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type Entry,
  entry_line,
  type LogQuery,
  LogWriter,
  last_operation,
  parse_time,
  query_log,
  verify_log,
} from '../../src/log/index.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), `fleet-log-${process.pid}-`));
  path = join(folder, 'state', 'log.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const entry = (more: Partial<Entry> = {}): Entry => ({
  operation: 'op1',
  kind: 'host',
  action: 'run',
  who: 'ann',
  command: 'uptime',
  host: 'web1',
  result: 'ok',
  ...more,
});

async function fill(count: number): Promise<void> {
  const log = new LogWriter(path);
  await Promise.all(Array.from({ length: count }, (_, at) => log.append(entry({ host: `web${at + 1}` }))));
}

const lines = () => readFileSync(path, 'utf8').trimEnd().split('\n');
const write = (all: readonly string[]) => writeFileSync(path, `${all.join('\n')}\n`);

describe('the chain', () => {
  test('appends records that verify; the file is its owner’s only', async () => {
    await fill(20);
    await new LogWriter(path).append(entry({ host: 'web21' }));
    const { ok, records, head } = await verify_log(path);
    expect({ ok, records, n: head.n }).toEqual({ ok: true, records: 21, n: 21 });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'state')).mode & 0o777).toBe(0o700);
  });

  test('a hash is what sha256sum says of the line up to it', async () => {
    await fill(2);
    const [first, second] = lines().map((line) => JSON.parse(line));
    const open = lines()[0]?.replace(/,"hash":"[0-9a-f]+"\}$/, '') ?? '';
    const { stdout } = spawnSync('sha256sum', { input: open, encoding: 'utf8' });
    expect(stdout.slice(0, 64)).toBe(first.hash);
    expect(second.previous).toBe(first.hash);
  });

  test('a line that was changed is named, and only that one', async () => {
    await fill(10);
    const all = lines();
    all[4] = all[4]?.replace('uptime', 'reboot') ?? '';
    write(all);
    const { ok, faults, records } = await verify_log(path);
    expect(ok).toBe(false);
    expect(faults.map(({ line, kind }) => [line, kind])).toEqual([[5, 'changed']]);
    expect(records).toBe(9);
  });

  test('every single byte that changes is found', async () => {
    await fill(2);
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length; at += 7) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8((changed[at] ?? 0) ^ 1, at);
      writeFileSync(path, changed);
      expect((await verify_log(path)).ok, `byte ${at}`).toBe(false);
    }
  });

  test('a byte that is no UTF-8 does not pass for another', async () => {
    await new LogWriter(path).append(entry({ command: 'echo \ufffd' }));
    const text = readFileSync(path);
    const at = text.indexOf('\ufffd');
    expect(at).toBeGreaterThan(0);
    writeFileSync(path, Buffer.concat([text.subarray(0, at), Buffer.from([0xff]), text.subarray(at + 3)]));
    expect((await verify_log(path)).faults.map(({ kind }) => kind)).toEqual(['changed']);
  });

  test.each<[string, (all: string[]) => string[], number]>([
    ['removed', (all) => all.toSpliced(3, 1), 4],
    ['swapped', ([a, b, c, ...rest]) => [a, c, b, ...rest].map(String), 2],
    ['doubled', (all) => all.toSpliced(3, 0, String(all[2])), 4],
    ['removed at the beginning', (all) => all.slice(1), 1],
  ])('a line that was %s breaks the chain', async (_, change, line) => {
    await fill(6);
    write(change(lines()));
    const { ok, faults } = await verify_log(path);
    expect(ok).toBe(false);
    expect(faults[0]).toMatchObject({ line, kind: 'broken' });
  });

  test('a record that was made anew, with its hash, breaks the chain behind it', async () => {
    await fill(3);
    const other = join(folder, 'other.jsonl');
    await new LogWriter(other).append(entry({ command: 'reboot' }));
    write([readFileSync(other, 'utf8').trimEnd(), ...lines().slice(1)]);
    const { faults } = await verify_log(path);
    expect(faults).toMatchObject([
      { file: path, line: 2, kind: 'broken', message: expect.stringContaining('record 2') },
    ]);
  });

  test('an end that was cut off is found by the head of an earlier verification', async () => {
    await fill(5);
    const { head } = await verify_log(path);
    await fill(2);
    expect((await verify_log(path, { expected: head })).ok).toBe(true);
    write(lines().slice(0, 4));
    expect((await verify_log(path)).ok).toBe(true);
    expect((await verify_log(path, { expected: head })).faults).toMatchObject([{ line: 0, kind: 'missing' }]);
  });

  test('lines that are no records, and one without end, are faults and fill no memory', async () => {
    await fill(1);
    appendFileSync(path, `hello\n{"n":2}\n${'x'.repeat(9 << 20)}\n`);
    const { ok, faults } = await verify_log(path);
    expect(ok).toBe(false);
    expect(faults.map(({ line }) => line)).toEqual([2, 3, 4]);
    await expect(new LogWriter(path).append(entry())).rejects.toThrow(/too long to be a record/);
  });

  test('nothing is appended behind a record that was changed', async () => {
    await fill(2);
    const all = lines();
    all[1] = all[1]?.replace('uptime', 'reboot') ?? '';
    write(all);
    await expect(new LogWriter(path).append(entry())).rejects.toThrow(/last record is damaged/);
    expect(lines()).toHaveLength(2);
  });
});

describe('crashes and several writers', () => {
  test.each([1, 40, 200])(
    'a line that was torn after %i bytes stays, and the next record says so',
    async (size) => {
      await fill(3);
      const whole = readFileSync(path);
      appendFileSync(path, whole.subarray(0, size));
      expect((await verify_log(path)).faults).toMatchObject([{ line: 4, kind: 'unreadable' }]);
      await fill(1);
      expect(await verify_log(path)).toMatchObject({ ok: true, torn: 1, records: 5 });
      // The torn bytes are under the chain as well.
      const all = lines();
      all[3] = `${all[3]}x`;
      write(all);
      expect((await verify_log(path)).faults).toMatchObject([{ line: 4, kind: 'unreadable' }]);
    },
  );

  test('a record that lacks only its line end is none that was torn', async () => {
    await fill(3);
    writeFileSync(path, readFileSync(path, 'utf8').trimEnd());
    await fill(1);
    expect(await verify_log(path)).toMatchObject({ ok: true, torn: 0, records: 4 });
  });

  test('processes that append at once make one chain', async () => {
    const names = ['a', 'b', 'c'];
    const children = names.map((name) => spawn_append(name, 15));
    const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]));
    expect(codes).toEqual([0, 0, 0]);
    expect(await verify_log(path)).toMatchObject({ ok: true, records: 45 });
    for (const name of names) {
      const records = await all_of({ operation: name });
      expect(records.map(({ host }) => host)).toEqual(Array.from({ length: 15 }, (_, at) => `h${at}`));
    }
  });

  test('a process that is killed while it writes leaves no lock and a chain that goes on', async () => {
    for (let round = 0; round < 3; round += 1) {
      const child = spawn_append('killed', 0);
      await once(child.stdout, 'data');
      child.kill('SIGKILL');
      await once(child, 'exit');
      await fill(1);
    }
    expect(await verify_log(path)).toMatchObject({ ok: true });
  });

  test('a lock that somebody keeps is an error that says so, and nothing is written', async () => {
    await fill(1);
    const holder = spawn('flock', ['-x', path, 'sh', '-c', 'echo held; read line'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    const log = new LogWriter(path, { lock_timeout: 0.2 });
    await expect(log.append(entry())).rejects.toThrow('another process has kept the log locked for 0.2 s');
    holder.stdin.end('\n');
    await once(holder, 'exit');
    expect(lines()).toHaveLength(1);
  });

  test('without flock nothing is written, and the error says what is missing', async () => {
    const { PATH } = process.env;
    process.env.PATH = folder;
    try {
      await expect(new LogWriter(path).append(entry())).rejects.toThrow(/it takes the program flock/);
    } finally {
      process.env.PATH = PATH;
    }
    expect(readFileSync(path, 'utf8')).toBe('');
  });

  test('a full disk is an error of all records of the write, and the chain stays whole', async () => {
    await expect(new LogWriter('/dev/full').append(entry())).rejects.toThrow(/ENOSPC|EINVAL/);
  });
});

describe('secrets and hostile text', () => {
  test('secrets that the program knows are not in the log', async () => {
    const log = new LogWriter(path, { secrets: () => ['hunter2', 'hunter2 and more', ''] });
    await log.append(entry({ command: 'echo "hunter2 and more" hunter2', reason: 'hunter2: not found' }));
    await log.append(entry({ files: [{ path: '/etc/hunter2', state: 'sent' }] }));
    expect(readFileSync(path, 'utf8')).not.toContain('hunter2');
    expect(JSON.parse(lines()[0] ?? '').command).toBe('echo "***" ***');
    expect(await verify_log(path)).toMatchObject({ ok: true, records: 2 });
  });

  test('a secret that is also a value of ours does not destroy the record', async () => {
    const log = new LogWriter(path, { secrets: () => ['ok', 'run', 'web1', 'host'] });
    await log.append(entry({ command: 'run ok' }));
    expect(await all_of({ hosts: new Set(['web1']) })).toMatchObject([
      { command: '*** ***', result: 'ok', action: 'run' },
    ]);
  });

  test('the file has no byte that a terminal obeys', async () => {
    const hostile = '\x1b[2J\x9b31m\x7f\u202e\u2066\r\nnext';
    await new LogWriter(path).append(entry({ reason: hostile }));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(readFileSync(path, 'utf8').trimEnd()).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202e\u2066]/);
    expect((await all_of())[0]?.reason).toBe(hostile);
  });

  test('a record that is too long is refused alone', async () => {
    const log = new LogWriter(path);
    const results = await Promise.allSettled([
      log.append(entry()),
      log.append(entry({ command: 'x'.repeat(5 << 20) })),
      log.append(entry()),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await verify_log(path)).toMatchObject({ ok: true, records: 2 });
  });
});

describe('queries', () => {
  const day = (n: number) => new Date(Date.UTC(2026, 0, n));

  beforeEach(async () => {
    let now = day(1);
    const log = new LogWriter(path, { now: () => now });
    const operation = (id: string, more: Partial<Entry>) => ({ operation: id, ...more });
    await log.append(entry(operation('one', { kind: 'begin', host: undefined, result: undefined })));
    await log.append(entry(operation('one', { host: 'web1', groups: ['web'] })));
    await log.append(
      entry(operation('one', { host: 'db1', groups: ['db'], result: 'non-zero', exit_code: 3 })),
    );
    await log.append(entry(operation('one', { kind: 'end', host: undefined, result: 'non-zero' })));
    now = day(2);
    const put = { action: 'put', command: undefined, source: 'app.tar', target: '/srv' } as const;
    await log.append(entry(operation('two', { ...put, kind: 'begin', host: undefined, result: undefined })));
    await log.append(
      entry(operation('two', { ...put, host: 'web1', groups: ['web'], result: 'unreachable' })),
    );
  });

  test.each<[string, LogQuery, number[]]>([
    ['all', {}, [1, 2, 3, 4, 5, 6]],
    ['a host', { hosts: new Set(['web1']) }, [2, 6]],
    ['a group', { group: 'db' }, [3]],
    ['since', { since: day(2) }, [5, 6]],
    ['until', { until: day(2) }, [1, 2, 3, 4]],
    ['action', { action: 'put' }, [5, 6]],
    ['text of a command', { text: 'upt' }, [1, 2, 3, 4]],
    ['text of a path', { text: 'app.tar' }, [5, 6]],
    ['failed', { results: new Set(['failed']) }, [3, 4, 6]],
    ['a class', { results: new Set(['unreachable']) }, [6]],
    ['ok', { results: new Set(['ok']) }, [2]],
    ['the last', { last: 2 }, [5, 6]],
    ['several', { hosts: new Set(['web1']), results: new Set(['ok']), who: 'ann' }, [2]],
    ['nobody', { who: 'bob' }, []],
    ['an operation', { operation: 'two' }, [5, 6]],
  ])('by %s', async (_, query, numbers) => {
    expect((await all_of(query)).map(({ n }) => n)).toEqual(numbers);
  });

  test('the last operation, with each host’s end; unfinished ones have no end', async () => {
    const two = await last_operation(path);
    expect(two?.begin.operation).toBe('two');
    expect(two?.hosts.get('web1')?.result).toBe('unreachable');
    expect(two?.end).toBeUndefined();
    const one = await last_operation(path, { action: 'run' });
    expect([...(one?.hosts.keys() ?? [])]).toEqual(['web1', 'db1']);
    expect(one?.end?.n).toBe(4);
    expect((await last_operation(path, { until: day(2) }))?.begin.operation).toBe('one');
    expect(await last_operation(path, { who: 'bob' })).toBeUndefined();
  });

  test('lines for people', async () => {
    const log = new LogWriter(path, { now: () => new Date(2026, 0, 3, 14, 5, 9) });
    const end = { kind: 'end', host: undefined, where: '@web', hosts: 3, succeeded: 2 } as const;
    await log.append(entry({ seconds: 0.52 }));
    await log.append(entry({ result: 'non-zero', exit_code: 3, seconds: 75, attempts: 2 }));
    await log.append(entry({ result: 'unreachable', reason: '\x1b[2Jno route', command: 'a\nb' }));
    await log.append(entry({ ...end, result: 'unreachable', seconds: 2 }));
    await log.append(entry({ ...end, kind: 'begin', result: undefined }));
    expect((await all_of({ last: 5 })).map(entry_line)).toEqual([
      '2026-01-03 14:05:09  ann  run  web1  ok, 0.5 s  uptime',
      '2026-01-03 14:05:09  ann  run  web1  non-zero, exit 3, attempt 2, 1:15  uptime',
      '2026-01-03 14:05:09  ann  run  web1  unreachable, \\x1b[2Jno route  a\\nb',
      '2026-01-03 14:05:09  ann  run  @web (2 of 3 ok)  unreachable, 2.0 s  uptime',
      '2026-01-03 14:05:09  ann  run  @web (3)  begin  uptime',
    ]);
  });

  test('wrong arguments and a missing file are named', async () => {
    await expect(all_of({ last: 0 })).rejects.toThrow('last must be a positive integer, not 0');
    path = join(folder, 'none');
    await expect(all_of()).rejects.toThrow(/ENOENT.*none/);
  });

  test('times as users write them', () => {
    const now = new Date('2026-03-05T12:00:00Z');
    expect(parse_time('30m', now)).toEqual(new Date('2026-03-05T11:30:00Z'));
    expect(parse_time('1.5h', now)).toEqual(new Date('2026-03-05T10:30:00Z'));
    expect(parse_time('2w', now)).toEqual(new Date('2026-02-19T12:00:00Z'));
    expect(parse_time('2026-03-01', now)).toEqual(new Date(2026, 2, 1));
    expect(parse_time('2026-03-01 14:05', now)).toEqual(new Date(2026, 2, 1, 14, 5));
    expect(parse_time('2026-03-01T14:05:30Z', now)).toEqual(new Date('2026-03-01T14:05:30Z'));
    for (const wrong of ['', 'soon', '5', '-1h', '2026-02-30', '2026-13-01', '2026-03-01T25:00', '3 h'])
      expect(() => parse_time(wrong, now), wrong).toThrow(/a time must be like 30m/);
  });
});

async function all_of(query: LogQuery = {}) {
  return collect(query_log(path, query));
}

function spawn_append(name: string, count: number) {
  const program = fileURLToPath(new URL('append.mjs', import.meta.url));
  return spawn(process.execPath, [program, path, name, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Array.fromAsync(), which Node 20 does not have. */
async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
