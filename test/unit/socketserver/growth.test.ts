// When a pool starts more workers than there are processors.
import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { grow } from '../../../lib/socketserver/pool/growth.js';

const PROCESSORS = availableParallelism();

/** Grows `ready` workers by 8 at most while requests wait for 300 ms. Returns how many workers there are then. */
async function grown(ready: number, finished: () => number, waiting: () => number): Promise<number> {
  const stop = new AbortController();
  const workers = {
    size: ready,
    ready,
    get finished() {
      return finished();
    },
    count_waiting: waiting,
    vacancy: () => new Promise<void>((resolve) => workers.size < ready + 8 && resolve()),
    start_one: () => void (workers.size < ready + 8 && workers.size++),
  };
  const shortage = { begins: () => Promise.resolve(), goes_on: () => true };
  grow(workers, stop.signal, shortage);
  await new Promise((resolve) => setTimeout(resolve, 300));
  stop.abort();
  return workers.size;
}

/** Returns a function that counts `count` requests more as finished at each call. */
function each(count: number): () => number {
  let total = 2 ** 31 - 100;
  return () => {
    total += count;
    return total | 0;
  };
}

test('there are as many as processors at once', async () => {
  expect(await grown(0, each(1000), () => 0)).toBeGreaterThanOrEqual(PROCESSORS);
});

test('short requests are worth no more', async () => {
  expect(await grown(PROCESSORS, each(1000), () => 0)).toBe(PROCESSORS);
  expect(await grown(PROCESSORS, each(1000), () => PROCESSORS)).toBe(PROCESSORS);
});

test('requests that wait are worth more', async () => {
  expect(await grown(PROCESSORS, each(0), () => PROCESSORS)).toBe(PROCESSORS + 8);
  // Long requests, of which some are finished at each look.
  expect(await grown(100, each(2), () => 80)).toBe(108);
});

test('requests that compute are worth more only where they are long', async () => {
  expect(await grown(PROCESSORS, each(10 * PROCESSORS), () => 0)).toBe(PROCESSORS);
  expect(await grown(PROCESSORS, each(0), () => 0)).toBe(PROCESSORS + 8);
});

test('none is started when none waits', async () => {
  const stop = new AbortController();
  let started = 0;
  const workers = {
    size: 1,
    ready: 1,
    finished: 0,
    count_waiting: () => 1,
    vacancy: async () => {},
    start_one: () => started++,
  };
  const grows = grow(workers, stop.signal, { begins: async () => {}, goes_on: () => false });
  await new Promise((resolve) => setTimeout(resolve, 50));
  stop.abort();
  await grows;
  expect(started).toBe(0);
});
