// The progress of 3, 30 and 500 hosts as lines, and the painter on a terminal that is emulated here as far as it is used.
import { describe, expect, test } from 'vitest';
import { painted } from '../../src/view/colour.js';
import { Painter, ProgressLog } from '../../src/view/painter.js';
import { bytes_text, files_line, Progress, progress_lines, seconds_text } from '../../src/view/progress.js';
import { width_of } from '../../src/view/text.js';

const MB = 1_000_000;
const names = (count: number) => Array.from({ length: count }, (_, at) => `web${at + 1}`);
const ended = (host: string, reason?: string) =>
  ({
    type: 'end',
    outcome: { host, ok: reason === undefined, reason, seconds: 1, attempts: 1 },
  }) as const;

/** A put of 10 MB to hosts, 10 s after it began: a fifth done, a tenth failed, two fifths at work, the others waiting. */
function underway(count: number): Progress {
  const progress = new Progress(names(count), 10 * MB, 0);
  names(count).forEach((host, at) => {
    const part = at / count;
    if (part >= 0.7) return;
    progress.take({ type: 'begin', host, attempt: 1 }, at / count);
    const bytes = part < 0.2 ? 10 * MB : 3 * MB;
    progress.take({ type: 'progress', host, path: '/srv/app.tar', bytes, total: 10 * MB }, 9 + at / count);
    if (part < 0.2) progress.take({ type: 'file', host, path: '/srv/app.tar', state: 'sent' }, 9.8);
    if (part < 0.2) progress.take(ended(host), 9.9);
    else if (part < 0.3) progress.take(ended(host, 'no space left on device'), 9.9 + at / count);
  });
  return progress;
}

describe('lines', () => {
  test('of three hosts: each has one', () => {
    const progress = new Progress(names(3), 10 * MB, 0);
    progress.take({ type: 'begin', host: 'web1', attempt: 1 }, 0);
    progress.take({ type: 'begin', host: 'web2', attempt: 2 }, 0);
    progress.take({ type: 'progress', host: 'web1', path: '/srv/app.tar', bytes: 0, total: 10 * MB }, 1);
    progress.take({ type: 'progress', host: 'web1', path: '/srv/app.tar', bytes: 5 * MB, total: 10 * MB }, 3);
    progress.take(
      { type: 'progress', host: 'web2', path: '/srv/app.tar', bytes: 10 * MB, total: 10 * MB },
      4,
    );
    progress.take({ type: 'file', host: 'web2', path: '/srv/app.tar', state: 'sent' }, 4);
    progress.take(ended('web2'), 4);
    expect(progress_lines(progress, 5, { columns: 80, rows: 24 })).toEqual([
      `${'█'.repeat(16)}${'░'.repeat(16)}  50%  1/3 hosts  15.0 MB, 3.0 MB/s  5.0 s left`,
      'web1 running ██████░░░░░░  50%  5.0 MB  /srv/app.tar',
      'web2 ok      10.0 MB',
      'web3 waiting',
    ]);
  });

  test.each([3, 30, 500])('of %i hosts fit every screen', (count) => {
    const progress = underway(count);
    for (const columns of [1, 8, 20, 40, 80, 200]) {
      for (const rows of [1, 2, 3, 10, 24, 60]) {
        const lines = progress_lines(progress, 10, { columns, rows });
        expect(lines.length).toBeLessThanOrEqual(Math.max(1, rows - 1));
        const widest = Math.max(...lines.map(width_of));
        expect(widest, `${columns} columns: ${lines.join('|')}`).toBeLessThanOrEqual(Math.max(columns, 12));
      }
    }
  });

  test('of 500 hosts: the sum, failures, those at work for long, and how many others', () => {
    const lines = progress_lines(underway(500), 10, { columns: 80, rows: 12 });
    expect(lines).toHaveLength(11);
    expect(lines[0]).toMatch(
      /^[█░]+ +\d+% {2}150\/500 hosts {2}50 failed {2}\S+ GB, \S+ \wB\/s {2}\d+ s left$/,
    );
    expect(lines.filter((line) => line.includes('no space left'))).toHaveLength(3);
    expect(lines.filter((line) => line.includes(' running '))).toHaveLength(6);
    expect(lines.at(-1)).toBe('… and 100 ok, 47 failed, 194 running, 150 waiting');
  });

  test('hostile names and reasons are shown, colours do not count as columns', () => {
    const progress = new Progress(['web1'], undefined, 0);
    progress.take(ended('web1', '\x1b[2J\nforged'), 1);
    const lines = progress_lines(progress, 1, { columns: 60, rows: 24, paint: painted });
    expect(lines[1]).toBe(`web1 ${painted('failed ', 'red')} \\x1b[2J\\nforged`);
  });

  test('what is unknown is not there: no bytes, no time left, hosts that nobody announced', () => {
    const progress = new Progress(names(2), undefined, 0);
    progress.take({ type: 'begin', host: 'elsewhere', attempt: 1 }, 0);
    progress.take({ type: 'begin', host: 'web1', attempt: 1 }, 0);
    expect(progress_lines(progress, 1, { columns: 60, rows: 24 })).toEqual([
      `${'░'.repeat(40)}   0%  0/2 hosts`,
      'web1 running 1.0 s',
      'web2 waiting',
    ]);
    expect(progress.left(100)).toBeUndefined();
    expect(new Progress([], undefined, 0).part()).toBe(1);
  });

  test('a second attempt begins at nothing', () => {
    const progress = new Progress(['a'], 100, 0);
    progress.take({ type: 'begin', host: 'a', attempt: 1 }, 0);
    progress.take({ type: 'progress', host: 'a', path: 'x', bytes: 60, total: 100 }, 1);
    progress.take({ type: 'begin', host: 'a', attempt: 2 }, 2);
    expect([progress.bytes, progress.part(), progress.rate(3)]).toEqual([0, 0, 0]);
  });

  test('several files of a host add up', () => {
    const progress = new Progress(['a'], 100, 0);
    progress.take({ type: 'begin', host: 'a', attempt: 1 }, 0);
    for (const [path, bytes] of [
      ['x', 30],
      ['x', 60],
      ['y', 10],
    ] as const)
      progress.take({ type: 'progress', host: 'a', path, bytes, total: bytes }, 1);
    progress.take({ type: 'file', host: 'a', path: 'y', state: 'sent' }, 2);
    expect([progress.bytes, progress.part()]).toEqual([70, 0.7]);
  });

  test('of files side by side the sum is what went over the network, of a delta too', () => {
    const progress = new Progress(['a'], undefined, 0);
    progress.take({ type: 'begin', host: 'a', attempt: 1 }, 0);
    for (const [path, bytes, sent] of [
      ['x', 500, 0],
      ['y', 30, 30],
      ['x', 600, 130],
      ['y', 60, 160],
    ] as const)
      progress.take({ type: 'progress', host: 'a', path, bytes, total: 1000, sent }, 1);
    progress.take({ type: 'file', host: 'a', path: 'x', state: 'updated' }, 2);
    progress.take({ type: 'file', host: 'a', path: 'y', state: 'sent' }, 2);
    progress.take({ type: 'file', host: 'a', path: 'z', state: 'sent' }, 2);
    expect(progress.bytes).toBe(160);
    expect(files_line(progress)).toBe('files: 1 updated, 2 sent; 160 B moved');
    expect(files_line(new Progress(['a'], undefined, 0))).toBeUndefined();
  });

  test('hashing has its own bar, until something moves', () => {
    const progress = new Progress(['a'], undefined, 0);
    progress.take({ type: 'begin', host: 'a', attempt: 1 }, 0);
    const line = () => progress_lines(progress, 1, { columns: 60, rows: 24 })[1];
    progress.take({ type: 'hashing', host: 'a', path: '/srv/disk', bytes: 5 * MB, total: 20 * MB }, 1);
    expect([line(), progress.hashing]).toEqual(['a running ███░░░░░░░░░  25%  hashing  /srv/disk', 1]);
    const lines: string[] = [];
    new ProgressLog(progress, (text) => lines.push(text)).tick(20);
    expect(lines).toEqual(['0 of 1 hosts done, files of 1 being hashed\n']);
    const moved = { path: '/srv/disk', bytes: 10 * MB, total: 20 * MB, sent: MB };
    progress.take({ type: 'progress', host: 'a', ...moved }, 1);
    expect([line(), progress.hashing]).toEqual(['a running ██████░░░░░░  50%  1.0 MB  /srv/disk', 0]);
  });

  test('sizes and durations', () => {
    expect([0, 999, 1000, 99_940, 99_960, 999_400, 999_600, 1.5e9, 2e18].map(bytes_text)).toEqual([
      ...['0 B', '999 B', '1.0 kB', '99.9 kB', '100 kB', '999 kB', '1.0 MB', '1.5 GB', '2000 PB'],
    ]);
    expect([0, 9.94, 9.96, 59.4, 59.6, 185, 3609].map(seconds_text)).toEqual([
      ...['0.0 s', '9.9 s', '10 s', '59 s', '1:00', '3:05', '1:00:09'],
    ]);
  });
});

describe('the painter', () => {
  /** A terminal with the sequences that the painter may use; any other is an error. */
  class Terminal {
    readonly columns = 40;
    readonly rows = 10;
    lines: string[] = [''];
    #row = 0;
    write(text: string) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal
      for (const [part, up] of text.matchAll(/\x1b\[(\d+)A|\x1b\[J|\r|\n|[^\x1b\r\n]+|\x1b/g)) {
        if (part === '\x1b') throw new Error(`an unknown sequence: ${JSON.stringify(text)}`);
        if (up !== undefined) this.#row -= Number(up);
        else if (part === '\x1b[J') this.lines = [...this.lines.slice(0, this.#row), ''];
        else if (part === '\n') this.lines[++this.#row] ??= '';
        else if (part !== '\r') this.lines[this.#row] += part;
        if (this.#row < 0) throw new Error('above the first line');
      }
    }
  }

  test('draws in place, prints above, and leaves nothing behind', () => {
    const terminal = new Terminal();
    const painter = new Painter(terminal);
    terminal.write('$ fleet\n');
    painter.draw(['a', 'b', 'c']);
    painter.draw(['d', 'e']);
    expect(terminal.lines).toEqual(['$ fleet', 'd', 'e', '']);
    painter.print('web1: done\n');
    painter.draw(['f']);
    expect(terminal.lines).toEqual(['$ fleet', 'web1: done', 'f', '']);
    painter.clear();
    painter.clear();
    expect(terminal.lines).toEqual(['$ fleet', 'web1: done', '']);
    expect(painter.screen).toEqual({ columns: 40, rows: 10 });
    expect(new Painter({ write: () => true }).screen).toEqual({ columns: 80, rows: 24 });
  });

  test('without a terminal there is a line now and then', () => {
    const lines: string[] = [];
    const log = new ProgressLog(underway(30), (line) => lines.push(line));
    log.tick(9);
    log.tick(10);
    log.tick(11);
    log.tick(20);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^9 of 30 hosts done, 3 failed, \S+ MB at \S+ \wB\/s, \d+ s left\n$/);
  });
});
