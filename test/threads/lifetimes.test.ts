// What ends a blocked call: termination, exit, the natural end, an uncaught throw, signals. Each is played for every kind
// of blocking call, in processes of their own, which must end at once with their own exit code.
//
// LIFETIME_ROUNDS sets how often (`npm run test:lifetimes` plays each 100 times).
import type { ChildProcess } from 'node:child_process';
import { describe, expect, test, vi } from 'vitest';
import { ended, start } from './programs.js';

// Longer than programs.ts gives a program.
vi.setConfig({ testTimeout: 60_000 });

const ROUNDS = Number(process.env.LIFETIME_ROUNDS ?? 1);
// Eight seconds a round on a busy machine: it starts a worker per call.
const LIMIT_MS = Math.max(90_000, ROUNDS * 8_000);
const CALLS = [
  ...['recv', 'recvfrom', 'recvmsg', 'accept', 'connect', 'send', 'poll'],
  ...['select', 'poll.poll', 'DefaultSelector.select', 'sendfile'],
  ...['read_capture', 'read_capture of a FIFO without a writer', 'write_capture'],
];

async function repeat(body: () => Promise<void>): Promise<void> {
  for (let i = 0; i < ROUNDS; i++) await body();
}

const interrupt = (child: ChildProcess): void => {
  child.kill('SIGINT');
};

describe('a worker blocked in', () => {
  test.each(CALLS)(
    '%s is terminated, and none of its code runs any more',
    async (call) => {
      const result = await ended(start('terminate.mjs', call, String(ROUNDS * 4)));
      expect(result).toMatchObject({ code: 0, errors: '' });
      expect(JSON.parse(result.output).ran).toEqual([]);
    },
    LIMIT_MS,
  );
});

describe('a process with a worker blocked in every call', () => {
  const rows = [
    { event: 'exit', what: 'process.exit(7)', code: 7, signal: null },
    { event: 'end', what: 'the natural end of main, the workers unreferenced', code: 0, signal: null },
    { event: 'throw', what: 'an uncaught throw in main', code: 1, signal: null },
    { event: 'listener-exit', what: 'a listener of SIGINT that exits', code: 41, signal: null },
  ];
  test.each(rows)(
    'ends by $what',
    async ({ event, code, signal }) => {
      await repeat(async () => {
        const result = await ended(start('process.mjs', event));
        expect(result).toMatchObject({ code, signal, output: 'blocking\n' });
      });
    },
    LIMIT_MS,
  );

  test(
    'dies by SIGINT without a listener',
    async () => {
      await repeat(async () => {
        const result = await ended(start('process.mjs', 'killed'), interrupt);
        expect(result).toMatchObject({ code: null, signal: 'SIGINT', output: 'blocking\n' });
      });
    },
    LIMIT_MS,
  );
});

test('promises that wait for FIFOs end with process.exit(7)', async () => {
  const result = await ended(start('process.mjs', 'promises'));
  expect(result).toEqual({ code: 7, signal: null, output: 'blocking\n', errors: '' });
});

describe('the main thread blocked in', () => {
  test.each(CALLS)('%s dies by SIGINT without a listener', async (call) => {
    const result = await ended(start('process.mjs', 'main', call), interrupt);
    expect(result).toMatchObject({ code: null, signal: 'SIGINT', output: 'blocking\n' });
  });

  test.each(CALLS)('%s exits where the listener calls process.exit(41)', async (call) => {
    const result = await ended(start('process.mjs', 'main-exit', call), interrupt);
    expect(result).toMatchObject({ code: 41, signal: null, output: 'blocking\n' });
  });

  test.each(CALLS)('%s throws what the listener throws', async (call) => {
    const result = await ended(start('process.mjs', 'main-throw', call), interrupt);
    expect(result).toMatchObject({ code: 0, output: 'blocking\nthrew: from the listener\n' });
  });
});
