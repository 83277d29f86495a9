// Runs of datagrams in sendmmsg where the kernel refuses them: datagrams that are larger than the MTU.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, beforeEach, expect, test } from 'vitest';

const FIXTURE = fileURLToPath(new URL('fixtures/segments.mjs', import.meta.url));
let missing: string | undefined;

beforeAll(() => {
  const { error, status } = spawnSync('unshare', ['-n', 'ip', 'link', 'set', 'lo', 'mtu', '1500', 'up']);
  if (error !== undefined || status !== 0) missing = 'needs unshare, ip and network namespaces: root';
});
beforeEach((context) => context.skip(missing !== undefined, missing));

test.each(['4', '6'])('over IPv%s: results and datagrams are those of single sends', (family) => {
  const script = 'ip link set lo mtu 1500 up && exec "$@"';
  const args = ['-n', 'sh', '-c', script, 'sh', process.execPath, FIXTURE, family];
  const { stdout, stderr, status } = spawnSync('unshare', args, { encoding: 'utf8', timeout: 60_000 });
  expect(status, stderr).toBe(0);
  const results = JSON.parse(stdout);
  expect(results).toEqual({
    before: [2, [200]],
    fragments: [3, [2000, 2000, 2000]],
    // The socket sends one by one from then on.
    after: [2, [100, 100]],
    second: [6, [100, 100, 2000, 2000, 50, 50]],
    impatient: [6, [100, 100, 2000, 2000, 50, 50]],
    promise: [4, [100, 100, 2000, 2000]],
    connected: [5, [200, 2000, 2000, 50]],
    too_long: 'EMSGSIZE',
    whole: [2, [100, 100]],
    too_long_connected: 'EMSGSIZE',
    single: 'EMSGSIZE',
  });
});
