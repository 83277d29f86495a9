// Signals while the main thread is blocked: the listener runs in place and the call goes on (PEP 475).
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

function run(...what: string[]): { lines: unknown[]; status: number | null; errors: string } {
  const path = fileURLToPath(new URL('./fixtures/signals.mjs', import.meta.url));
  const { stdout, stderr, status } = spawnSync(process.execPath, [path, ...what], {
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
  ['sendfile', 'sendfile of a file that waits goes on', [[4, 3, 'data']]],
  ['before', 'a signal from before the call runs its listener in the call', ['from the listener']],
  ['deadline', 'the time-out counts on through interruptions', [['TimeoutError', true, true]]],
  ['siginterrupt', 'siginterrupt(true) ends the call after the listener', [['InterruptedError', 'EINTR', 1]]],
  ['others', 'signals without a listener and of children go unnoticed', [['end', 3]]],
  ['nested', 'a listener may block itself', [['outer', 'inner']]],
  ['close', 'a listener that closes the socket ends the call with EBADF', [['EBADF', -1]]],
  ['detach', 'a listener that gives the descriptor away ends the call with EBADF', [['EBADF', -1]]],
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
  ['children', 'listeners are heard after 100,000 signals of children', ['heard']],
  ['mixture', 'signals with and without listeners fill the pipe, and the process ends', [['end', true]]],
  ['mixture', 'and once more', [['end', true]]],
  ['child and listener', 'a listener of SIGCHLD leaves the children to libuv', [['TimeoutError', true, 3]]],
  ['worker', 'the main thread hears while a worker with a child blocks', [['blocks', 'TimeoutError', 3]]],
  ['throws', 'what a listener throws loses no other signal', [['first', 0, 'two', 1, 'second', 1, 'two']]],
  ['many', '1,500 waiting signals do not run inside each other without a bound', [['all', true]]],
  ['nested waits', 'a listener that blocks hears the signals behind its own', [['outer', 'inner']]],
  ['removed', 'a listener that is removed by its first run is not run again', [['successor', 1]]],
])('%s: %s', (what, _description, lines) => {
  expect(run(what)).toEqual({ lines, status: 0, errors: '' });
});

test('the handles of another addon get each signal once, on the event loop', (ctx) => {
  const headers = join(dirname(dirname(process.execPath)), 'include', 'node');
  if (!existsSync(headers)) ctx.skip(`needs ${headers}`);
  const folder = mkdtempSync(join(tmpdir(), 'bsd-sockets-handles-'));
  try {
    const addon = join(folder, 'handles.node');
    const source = fileURLToPath(new URL('./fixtures/handles.c', import.meta.url));
    const compiler = process.env.CC ?? 'gcc';
    const { stderr } = spawnSync(compiler, ['-shared', '-fPIC', '-I', headers, '-o', addon, source], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(run('other handles', addon)).toEqual({
      lines: [['end', 3, [0, 0], [3, 3]]],
      status: 0,
      errors: '',
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
