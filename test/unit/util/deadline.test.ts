// Deadlines, timers and abort listeners: lib/util/deadline.ts.
import { getEventListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import {
  abort_after,
  Deadline,
  listen,
  sleep,
  Timeout,
  Timer,
  unlisten,
} from '../../../lib/util/deadline.js';

/** Longer than setTimeout can wait: it would fire at once. */
const LONG_MS = 2 ** 31 + 1000;

describe('Deadline', () => {
  test('without a limit never passes', () => {
    const deadline = new Deadline(-1);
    expect([deadline.passed(), deadline.left_ms()]).toEqual([false, -1]);
  });

  test('of a call that never waits has no end', () => {
    const deadline = new Deadline(0);
    expect([deadline.passed(), deadline.left_ms()]).toEqual([false, 0]);
  });

  test('leaves a little even when it has passed: 0 would mean not to wait', async () => {
    const deadline = new Deadline(1);
    await delay(5);
    expect(deadline.passed()).toBe(true);
    expect(deadline.left_ms()).toBeGreaterThan(0);
  });
});

describe('Timer', () => {
  test('is never early', async () => {
    const began = performance.now();
    const waited = await new Promise<number>((resolve) => {
      new Timer(7.5, () => resolve(performance.now() - began)).ref();
    });
    expect(waited).toBeGreaterThanOrEqual(7.5);
  });

  test.each([LONG_MS, Number.POSITIVE_INFINITY])('%d ms are not over at once', async (ms) => {
    let expired = false;
    const timer = new Timer(ms, () => {
      expired = true;
    });
    await delay(30);
    timer.cancel();
    expect(expired).toBe(false);
  });

  test('a cancelled one does not expire', async () => {
    let expired = false;
    new Timer(1, () => {
      expired = true;
    }).cancel();
    await delay(10);
    expect(expired).toBe(false);
  });
});

describe('Timeout', () => {
  test('expires, and says that it was the time', async () => {
    const timeout = new Timeout(undefined, 1);
    await delay(10);
    expect([timeout.signal.aborted, timeout.expired]).toEqual([true, true]);
    timeout.end();
  });

  test('0 has expired at once, -1 never does', () => {
    expect(new Timeout(undefined, 0).expired).toBe(true);
    const never = new Timeout(undefined, -1);
    expect([never.signal.aborted, never.expired]).toEqual([false, false]);
  });

  test('aborts with the reason of its signal, also of one that was aborted before', () => {
    const reason = new Error('enough');
    const controller = new AbortController();
    const timeout = new Timeout(controller.signal, -1);
    controller.abort(reason);
    expect([timeout.signal.reason, timeout.expired]).toEqual([reason, false]);
    expect(new Timeout(controller.signal, 1000).signal.reason).toBe(reason);
  });

  test('a hundred of one signal are one listener, and none when they have ended', () => {
    const { signal } = new AbortController();
    const timeouts = Array.from({ length: 100 }, () => new Timeout(signal, -1));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    for (const timeout of timeouts) timeout.end();
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});

describe('listen', () => {
  test('calls the waiters that still listen', () => {
    const controller = new AbortController();
    const called: string[] = [];
    const second = { on_abort: () => called.push('second') };
    listen(controller.signal, { on_abort: () => called.push('first') });
    listen(controller.signal, second);
    unlisten(controller.signal, second);
    controller.abort();
    expect(called).toEqual(['first']);
  });

  test('unlisten of what does not listen is nothing', () => {
    expect(() => unlisten(new AbortController().signal, { on_abort: () => {} })).not.toThrow();
  });
});

describe('sleep', () => {
  test('0 and less is over at once', async () => {
    await sleep(0);
    await sleep(-1);
  });

  test('ends with an abort, and leaves no listener', async () => {
    const controller = new AbortController();
    const slept = sleep(LONG_MS, controller.signal);
    controller.abort();
    await slept;
    await sleep(LONG_MS, controller.signal);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });
});

test('abort_after aborts, unless it is cancelled', async () => {
  const [first, second] = [new AbortController(), new AbortController()];
  abort_after(first, 1);
  abort_after(second, 1).cancel();
  await delay(10);
  expect([first.signal.aborted, second.signal.aborted]).toEqual([true, false]);
});
