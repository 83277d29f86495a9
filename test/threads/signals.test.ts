// Signals while the main thread is blocked: the listener runs in place and the call goes on (PEP 475).
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

function run(what: string): { lines: unknown[]; status: number | null; errors: string } {
  const path = fileURLToPath(new URL('./fixtures/signals.mjs', import.meta.url));
  const { stdout, stderr, status } = spawnSync(process.execPath, [path, what], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  const lines = stdout.split('\n').filter((line) => line !== '');
  return {
    lines: lines.map((line) => (/^[[\d]/.test(line) ? JSON.parse(line) : line)),
    status,
    errors: stderr,
  };
}

test.each([
  ['resumed', 'three signals run the listener three times, and the call goes on', [['data', 3], 3]],
  ['before', 'a signal from before the call runs its listener in the call', ['from the listener']],
  ['deadline', 'the time-out counts on through interruptions', [['TimeoutError', true, true]]],
  ['siginterrupt', 'siginterrupt(true) ends the call after the listener', [['InterruptedError', 'EINTR', 1]]],
  ['others', 'signals without a listener and of children go unnoticed', [['end', 3]]],
  ['nested', 'a listener may block itself', [['outer', 'inner']]],
  ['close', 'a listener that closes the socket ends the call with EBADF', [['EBADF', -1]]],
  ['connect', 'connect() goes on, with the time-out of the kernel', [['EINPROGRESS', 0, 2]]],
  ['select', 'select() goes on, with its time-out', [[1, 3, 0, true, 6, 'InterruptedError', 7, 0, 7]]],
  [
    'select poll',
    'poll.poll() goes on, with its time-out',
    [[1, 3, 0, true, 6, 'InterruptedError', 7, 0, 7]],
  ],
  [
    'select epoll',
    'epoll.poll() goes on, with its time-out, until the listener closes it',
    [[1, 3, 0, true, 6, 'InterruptedError', 7, 0, 7, 'EBADF']],
  ],
  [
    'select selector',
    "a selector's select() goes on, and siginterrupt ends it with nothing",
    [[1, 3, 0, true, 6, 0, 7, 0, 7]],
  ],
])('%s: %s', (what, _description, lines) => {
  expect(run(what)).toEqual({ lines, status: 0, errors: '' });
});
