// Output as it comes and gathered, differences beside diff(1), the summary.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { FleetEvent, Outcome } from '../../src/types.js';
import { colour_of, paint_for, painted } from '../../src/view/colour.js';
import { diff_lines } from '../../src/view/diff.js';
import { difference_lines, Gatherer, gathered_lines } from '../../src/view/gather.js';
import { LiveView } from '../../src/view/live.js';
import { failures_of, summary_lines } from '../../src/view/summary.js';

type Output = Extract<FleetEvent, { readonly type: 'output' }>;
const output = (host: string, text: string, stream: Output['stream'] = 'stdout'): Output => ({
  type: 'output',
  host,
  stream,
  data: Buffer.from(text),
});
const fold = (hosts: readonly string[]) => hosts.join(',');

describe('live', () => {
  const collect = (more = {}) => {
    const written: string[] = [];
    const live = new LiveView({ write: (text, stream) => written.push(`${stream[3]} ${text}`), ...more });
    return { written, live };
  };

  test('lines of hosts do not mix, and the streams stay apart', () => {
    const { written, live } = collect();
    live.take(output('a', 'one\ntw'));
    live.take(output('b', 'other\n'));
    live.take(output('a', 'warning\n', 'stderr'));
    live.take(output('a', 'o\nend'));
    live.end('a');
    live.end('a');
    expect(written).toEqual(['o a: one\n', 'o b: other\n', 'e a: warning\n', 'o a: two\n', 'o a: end\n']);
  });

  test('hostile text is shown, and without a prefix, too', () => {
    const { written, live } = collect({ prefix: false });
    live.take(output('a', '\x1b[2J\rb: forged\n'));
    expect(written).toEqual(['o \\x1b[2J\\rb: forged\n']);
  });

  test('colours: a host has always the same one, errors are red', () => {
    const { written, live } = collect({ paint: painted });
    live.take(output('web1', 'x\n'));
    live.take(output('web1', 'y\n', 'stderr'));
    expect(written[0]).toBe(`o ${painted('web1:', colour_of('web1'))} x\n`);
    expect(written[1]).toBe('e \x1b[31mweb1:\x1b[0m y\n');
    expect(colour_of('web1')).toBe(colour_of('web1'));
    const on = (isTTY: boolean, environment = {}) => paint_for({ isTTY }, environment)('x', 'red') !== 'x';
    expect([on(true), on(false), on(true, { NO_COLOR: '1' }), on(true, { TERM: 'dumb' })]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});

describe('gathered', () => {
  const gather = (outputs: Record<string, string>, most?: number) => {
    const gatherer = new Gatherer(most);
    for (const [host, text] of Object.entries(outputs)) {
      gatherer.begin(host);
      // Cut differently on each host: only the bytes count.
      const cut = host.length;
      gatherer.take(output(host, text.slice(0, cut)));
      gatherer.take(output(host, text.slice(cut)));
    }
    return gatherer;
  };

  test('equal outputs are printed once, the largest group first', () => {
    const groups = gather({ a: 'old\n', bb: 'new\n', ccc: 'new\n', d: '' }).groups();
    expect(gathered_lines(groups, fold)).toEqual([
      ...['---------------', 'bb,ccc (2)', '---------------', 'new'],
      ...['---------------', 'a', '---------------', 'old'],
      ...['---------------', 'd', '---------------', '(no output)'],
    ]);
  });

  test('the streams are apart, and both count', () => {
    const gatherer = gather({ a: 'same\n', b: 'same\n' });
    gatherer.take(output('b', 'warning\n', 'stderr'));
    const groups = gatherer.groups();
    expect(groups.map(({ hosts }) => hosts)).toEqual([['a'], ['b']]);
    expect(gathered_lines(groups, fold).slice(4)).toEqual([
      ...['---------------', 'b', '---------------', 'same', '(stderr)', 'warning'],
    ]);
  });

  test('what is not kept still counts', () => {
    const groups = gather({ a: 'abcdefgh1', b: 'abcdefgh2', c: 'abcdefgh1' }, 4).groups();
    expect(groups.map(({ hosts }) => hosts)).toEqual([['a', 'c'], ['b']]);
    expect(groups[0]?.stdout).toEqual({ lines: ['abcd'], bytes: 9, missing: 5 });
    expect(gathered_lines(groups, fold)).toContain('… 5 bytes more');
  });

  test('differences against the majority', () => {
    const common = 'one\ntwo\nthree\n';
    const groups = gather({
      a: common,
      b: common,
      c: 'one\n2\nthree\n',
      d: 'one\ntwo\nthree\nfour\n',
    }).groups();
    expect(difference_lines(groups, fold)).toEqual([
      ...['---------------', 'a,b (2)', '---------------', 'one', 'two', 'three'],
      ...[
        '---------------',
        'c against the 2 hosts above',
        '---------------',
        '@@ -1,3 +1,3 @@',
        ' one',
        '-two',
        '+2',
        ' three',
      ],
      ...[
        '---------------',
        'd against the 2 hosts above',
        '---------------',
        '@@ -1,3 +1,4 @@',
        ' one',
        ' two',
        ' three',
        '+four',
      ],
    ]);
    expect(difference_lines([], fold)).toEqual([]);
  });
});

describe('differences', () => {
  test('apply as those of diff -u do, and there are no more of them', () => {
    const folder = mkdtempSync(join(tmpdir(), `fleet-diff-${process.pid}-`));
    let seed = 42;
    const next = (below: number) => {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff;
      return (seed >> 8) % below;
    };
    const [left, right] = [join(folder, 'left'), join(folder, 'right')];
    const text = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');
    for (let round = 0; round < 25; round += 1) {
      const from = Array.from({ length: next(40) }, () => `line ${next(9)}`);
      const to = from.flatMap((line) => [[line], [], [line, 'new'], [line], [line], [line]][next(6)] ?? []);
      writeFileSync(left, text(from));
      writeFileSync(right, text(to));
      const found = diff_lines(from, to) ?? [];
      expect(applied(from, found)).toEqual(to);
      const { stdout } = spawnSync('diff', ['-d', '-u', left, right], { encoding: 'utf8' });
      const changed = stdout
        .split('\n')
        .slice(2)
        .filter((line) => /^[-+]/.test(line)).length;
      expect(found.filter(({ kind }) => kind === 'added' || kind === 'removed')).toHaveLength(changed);
    }
    rmSync(folder, { recursive: true });
  });

  test('far apart are hunks of their own, as in diff -u', () => {
    const folder = mkdtempSync(join(tmpdir(), `fleet-diff-${process.pid}-`));
    const from = Array.from({ length: 60 }, (_, at) => `line ${at}`);
    const to = from.toSpliced(50, 2).toSpliced(20, 1, 'changed').toSpliced(0, 0, 'first');
    writeFileSync(join(folder, 'left'), `${from.join('\n')}\n`);
    writeFileSync(join(folder, 'right'), `${to.join('\n')}\n`);
    const { stdout } = spawnSync('diff', ['-u', join(folder, 'left'), join(folder, 'right')], {
      encoding: 'utf8',
    });
    const marks = { hunk: '', same: ' ', removed: '-', added: '+' };
    const lines = (diff_lines(from, to) ?? []).map(({ kind, text }) => `${marks[kind]}${text}`);
    expect(lines).toEqual(stdout.trimEnd().split('\n').slice(2));
    rmSync(folder, { recursive: true });
  });

  test('too many are none: neither time nor memory is spent on them', () => {
    const from = Array.from({ length: 20_000 }, (_, at) => `a${at}`);
    const to = Array.from({ length: 20_000 }, (_, at) => `b${at}`);
    expect(diff_lines(from, to)).toBeUndefined();
    expect(diff_lines(from, from)).toEqual([]);
    expect(diff_lines([], [])).toEqual([]);
  });

  /** Applies hunks to `from`, and insists that their numbers and equal lines are right. */
  function applied(from: readonly string[], diff: NonNullable<ReturnType<typeof diff_lines>>): string[] {
    const result: string[] = [];
    let at = 0;
    for (const { kind, text } of diff) {
      if (kind === 'hunk') {
        const [, line, count] = /^@@ -(\d+)(?:,(\d+))? /.exec(text) ?? [];
        const start = count === '0' ? Number(line) : Number(line) - 1;
        result.push(...from.slice(at, start));
        at = start;
      } else if (kind === 'added') result.push(text);
      else {
        expect(from[at]).toBe(text);
        at += 1;
        if (kind === 'same') result.push(text);
      }
    }
    return [...result, ...from.slice(at)];
  }
});

describe('the summary', () => {
  const outcome = (host: string, more: Partial<Outcome> = {}): Outcome => ({
    ...{ host, ok: more.failure === undefined, seconds: 1, attempts: 1 },
    ...more,
  });

  test('is a line if all is well', () => {
    expect(summary_lines([outcome('a')], 0.25, fold)).toEqual(['1 ok of 1 host in 0.3 s']);
    const retried = [outcome('a', { attempts: 2 }), outcome('b')];
    expect(summary_lines(retried, 75, fold)).toEqual([
      '2 ok of 2 hosts in 1:15, 1 after more than one attempt',
    ]);
  });

  test('names each failure by class, its reason and its hosts', () => {
    const outcomes = [
      outcome('a'),
      outcome('b', { failure: 'non-zero', exit_code: 3 }),
      outcome('c', { failure: 'unreachable', reason: 'no route to host' }),
      outcome('d', { failure: 'non-zero', exit_code: 3 }),
      outcome('e', { failure: 'signal', signal: 'SIGKILL' }),
      outcome('f', { failure: 'unreachable', reason: '\x1b[2Jname\nunknown' }),
    ];
    expect(summary_lines(outcomes, 2, fold)).toEqual([
      '1 ok, 5 failed of 6 hosts in 2.0 s',
      '  unreachable    c: no route to host',
      '  unreachable    f: \\x1b[2Jname\\nunknown',
      '  signal         e: SIGKILL',
      '  non-zero       b,d (2): exit 3',
    ]);
    expect(failures_of(outcomes).map(({ hosts }) => hosts.length)).toEqual([1, 1, 1, 2]);
  });
});
