// Parts of ping that a run shows too late or not at all: a day and a half of answers, and a loop that fails.
import { describe, expect, test, vi } from 'vitest';
import type { EchoReply } from '../../../lib/cli/network/echo.js';
import { run_together } from '../../../lib/cli/ping/loops.js';
import type { PingOptions } from '../../../lib/cli/ping/options.js';
import { options } from '../../../lib/cli/ping/options.js';
import { Report } from '../../../lib/cli/ping/report.js';
import { chart, Samples, scale_end, sparkline } from '../../../lib/cli/terminal/chart.js';
import { RoundTrips } from '../../../lib/cli/terminal/round_trips.js';

/** Answers of a day and a half, one a second. */
const MANY = 130_000;

describe('a long ping', () => {
  test('the statistics of 130,000 answers', { timeout: 120_000 }, async () => {
    const standard = Object.fromEntries(
      Object.entries(options).map(([name, option]) => [name, option.standard]),
    );
    const values = { ...standard, quiet: true, size: 0 } as unknown as PingOptions;
    const target = { name: '10.0.0.1', family: 2, host: '10.0.0.1', scope: 0 } as const;
    const report = new Report(target, values, Buffer.alloc(0), () => 1);
    report.open();
    const reply = {
      kind: 'reply',
      from: '10.0.0.1',
      bytes: 8,
      ttl: 64,
      stamped: true,
      options: [],
      data: Buffer.alloc(0),
    };
    for (let i = 0; i < MANY; i++) {
      report.on_send();
      await report.on_reply(
        { ...reply, seq: (i + 1) & 0xffff, milliseconds: 1 + (i % 3) } as EchoReply,
        false,
      );
    }
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      report.print_statistics();
      const text = write.mock.calls.map(([part]) => String(part)).join('');
      expect(text).toMatch(/130000 packets transmitted, 130000 received, 0% packet loss, time \d+ms\n/);
      expect(text).toContain('rtt min/avg/max/mdev = 1.000/2.000/3.000/0.816 ms');
    } finally {
      write.mockRestore();
    }
  });

  test('the deviation does not drown in large sums', () => {
    const trips = new RoundTrips();
    for (let i = 0; i < MANY; i++) trips.add(1e9 + (i % 2));
    expect(trips.statistics()?.mdev).toBeCloseTo(0.5, 6);
    expect(trips.latest.length).toBeLessThanOrEqual(100_000);
  });

  test('samples of a chart are bounded', () => {
    const samples = new Samples(10);
    for (let i = 0; i < MANY; i++) samples.set(i, i);
    samples.set(5, 1);
    expect(samples.last(3)).toEqual([MANY - 3, MANY - 2, MANY - 1]);
    expect(samples.last(1000)).toHaveLength(10);
    expect(samples.last(0)).toEqual([]);
    expect(samples.get(5)).toBeUndefined();
    samples.set(MANY + 1, 'lost');
    expect(samples.last(2)).toEqual(['waiting', 'lost']);
  });
});

describe('run_together', () => {
  test.each([0, 1])('the failure of loop %i ends the other, and is returned', async (failing) => {
    const stop = new AbortController();
    const until_stopped = new Promise<void>((resolve) =>
      stop.signal.addEventListener('abort', () => resolve()),
    );
    const error = new Error('broken');
    const loops = [until_stopped, until_stopped];
    loops[failing] = Promise.reject(error);
    expect(await run_together(loops, () => stop.abort())).toMatchObject({ reason: error });
  });

  test('no failure', async () => {
    expect(await run_together([Promise.resolve()], () => {})).toBeUndefined();
  });
});

describe('charts', () => {
  test.each([
    [0, 1],
    [0.03, 0.05],
    [1, 1],
    [1.1, 2],
    [4.2, 5],
    [60, 100],
    [100, 100],
  ])('the scale for %d ends at %d', (max, end) => {
    expect(scale_end(max)).toBeCloseTo(end, 9);
  });

  test('columns, marks and a scale', () => {
    const lines = chart([1, 2, 4, 'lost', 'waiting', 5], 20, 5, 'ms');
    expect(lines).toEqual(['5 ms ┤     █', '     │  █  █', '3 ms ┤  █  █', '     │ ██  █', '     │███×·█']);
    expect(chart(Array(100).fill(1), 20, 3, 'ms').every((line) => line.length <= 20)).toBe(true);
    expect(chart([], 20, 2, 'ms')).toHaveLength(2);
    expect(chart([1], 3, 1, 'ms')).toHaveLength(1);
  });

  test('a line of small bars', () => {
    expect(sparkline([1, 2, 4, 8, 'lost', 'waiting'], 8)).toBe('▁▂▄█×·');
    expect(sparkline([])).toBe('');
  });
});
