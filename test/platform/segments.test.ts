// Runs of datagrams in sendmmsg where the kernel refuses them (datagrams that are larger than the MTU), and over interfaces, to groups and to all.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, beforeEach, expect, test } from 'vitest';

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const FIXTURE = fixture('segments.mjs');
let missing: string | undefined;

beforeAll(() => {
  const { error, status } = spawnSync('unshare', ['-n', 'ip', 'link', 'set', 'lo', 'mtu', '1500', 'up']);
  if (error !== undefined || status !== 0) missing = 'needs unshare, ip and network namespaces: root';
});
beforeEach((context) => context.skip(missing !== undefined, missing));

test.each(['4', '6'])('over IPv%s: results and datagrams are those of single sends', (family) => {
  const route = 'ip route replace local 127.5.0.1 dev lo table local mtu 1000';
  const script = `ip link set lo mtu 1500 up && ${route} && exec "$@"`;
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
    ...(family === '4' ? { elsewhere: [2, [1200, 1200]] } : {}),
    too_long: 'EMSGSIZE',
    whole: [2, [100, 100]],
    too_long_connected: 'EMSGSIZE',
    single: 'EMSGSIZE',
  });
});

test('through a slow queue: all come in order, as often as they were sent', (ctx) => {
  const script = 'ip link set lo up && exec "$@"';
  const args = ['-n', 'sh', '-c', script, 'sh', process.execPath, fixture('segments_queue.mjs')];
  const { stdout, stderr, status } = spawnSync('unshare', args, { encoding: 'utf8', timeout: 60_000 });
  ctx.skip(status === 77, `needs a token bucket filter: ${stderr}`);
  expect(status, stderr).toBe(0);
  expect(JSON.parse(stdout)).toEqual([]);
});

const VETH = `
. "$1"
add_addresses
ip addr flush dev here
ip addr add 10.0.0.1/8 brd + dev here
there ip addr flush dev there
there ip addr add 10.0.0.2/8 brd + dev there
there "$2" "$3" receive > "$folder/received" &
receiver=$!
for _ in $(seq 100); do grep -q ready "$folder/received" && break; sleep 0.1; done
"$2" "$3" send
wait $receiver
cat "$folder/received"
`;

test('over a pair of interfaces, to an address, a group and all', (ctx) => {
  const args = [
    '-mn',
    'sh',
    '-c',
    VETH,
    'sh',
    fixture('veth.sh'),
    process.execPath,
    fixture('segments_veth.mjs'),
  ];
  const { stdout, stderr, status } = spawnSync('unshare', args, { encoding: 'utf8', timeout: 60_000 });
  ctx.skip(status === 77, `needs veth pairs: ${stderr}`);
  expect(status, stderr).toBe(0);
  const [sent, , received] = stdout.trim().split('\n');
  expect(JSON.parse(sent ?? '')).toEqual([30, 30, 30, 30, 3, 1]);
  const wanted = { 'one 100': 30, 'mul 100': 30, 'all 100': 30, 'big 1400': 30, 'fra 3000': 3, 'end 3': 1 };
  expect(JSON.parse(received ?? '')).toEqual(wanted);
});
