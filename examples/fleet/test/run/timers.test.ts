// The time-outs of a command, by a clock of the test's own.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type TimeLimits, Timers } from '../../dist/run/timers.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function started(limits: TimeLimits) {
  const reasons: string[] = [];
  return { timers: new Timers((reason) => reasons.push(reason), limits), reasons };
}
const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1000);

test('a command has its time, whatever comes', async () => {
  const { timers, reasons } = started({ command_timeout: 10 });
  for (let second = 0; second < 9; second++) {
    timers.active();
    await pass(1);
  }
  expect(reasons).toEqual([]);
  await pass(1);
  expect(reasons).toEqual(['the command took more than 10 s']);
});

test('inactivity begins anew when something comes', async () => {
  const { timers, reasons } = started({ inactivity_timeout: 5 });
  await pass(4);
  timers.active();
  await pass(4);
  expect(reasons).toEqual([]);
  await pass(1);
  expect(reasons).toEqual(['no output for 5 s']);
});

test('both stand still while output waits for whoever takes it, and go on with what is left', async () => {
  const { timers, reasons } = started({ command_timeout: 10, inactivity_timeout: 8 });
  await pass(7);
  const takes: (() => void)[] = [];
  const taken = () => timers.wait_for(new Promise<void>((resolve) => takes.push(resolve)));
  const waits = [taken(), taken()];
  await pass(100);
  takes[0]?.();
  await waits[0];
  // The other stream still waits.
  await pass(100);
  expect(reasons).toEqual([]);
  takes[1]?.();
  await waits[1];
  await pass(2.9);
  expect(reasons).toEqual([]);
  await pass(0.2);
  expect(reasons).toEqual(['the command took more than 10 s']);
});

test('one of them ends both, and nothing comes after the end', async () => {
  const { timers, reasons } = started({ command_timeout: 10, inactivity_timeout: 10 });
  await pass(30);
  expect(reasons).toHaveLength(1);
  const other = started({ command_timeout: 1 });
  const waiting = other.timers.wait_for(Promise.resolve());
  other.timers.clear();
  await waiting;
  await pass(5);
  timers.active();
  expect([other.reasons, reasons.length]).toEqual([[], 1]);
});
