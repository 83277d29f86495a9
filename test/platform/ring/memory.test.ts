/** The memory of packet_ring is unmapped in whatever order its holders end: see fixtures/ring_memory.mjs. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { missing_for_ring } from './loopback.js';

const missing = missing_for_ring();
let results: Record<string, unknown> = {};

beforeAll(() => {
  if (missing !== undefined) return;
  const script = fileURLToPath(new URL('../fixtures/ring_memory.mjs', import.meta.url));
  const options = { encoding: 'utf8', timeout: 120_000 } as const;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--expose-gc', script], options);
  if (status !== 0) throw new Error(`${status}: ${stderr}`);
  results = JSON.parse(stdout);
}, 130_000);
beforeEach((ctx) => ctx.skip(missing !== undefined, missing));

test('a ring, a block, its views and moved memory end in all 120 orders', () => {
  expect(results).toMatchObject({ orders: 120, left: [], moved: true });
});

test('a worker ends in any state', () => {
  const states = ['new', 'held', 'moved', 'closed', 'blocked', 'awaiting', 'exits', 'returns'];
  expect(results.workers).toEqual(Object.fromEntries(states.map((state) => [state, 0])));
});

test('too little memory is an error, and leaves nothing', (ctx) => {
  ctx.skip(results.limited === 'no prlimit', 'needs prlimit');
  expect(results.limited).toEqual({
    refused: expect.stringMatching(/^\[ENOMEM\] mmap/),
    more: 0,
    mappings: 0,
  });
});
