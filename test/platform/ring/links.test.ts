/** packet_ring on a pair of links: VLAN tags, directions, an interface that goes down and away, fan-out over workers, and their ends. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { missing_for_ring } from './loopback.js';

const fixture = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
let missing = missing_for_ring();
let results: Record<string, unknown> = {};

beforeAll(() => {
  if (missing !== undefined) return;
  if (spawnSync('unshare', ['-n', 'true']).status !== 0) missing = 'needs network namespaces: root';
  const link =
    'ip link add left type veth peer name right && ip link set lo up && ip link set left up && ip link set right up';
  if (missing === undefined && spawnSync('unshare', ['-n', 'sh', '-c', link]).status !== 0)
    missing = 'needs ip, and veth pairs';
  if (missing !== undefined) return;
  const args = [
    '-n',
    'sh',
    '-c',
    `${link} && exec "$0" "$1"`,
    process.execPath,
    fixture('../fixtures/ring_links.mjs'),
  ];
  const { stdout, stderr, status } = spawnSync('unshare', args, { encoding: 'utf8', timeout: 60_000 });
  if (status !== 0) throw new Error(`${status}: ${stderr}`);
  results = JSON.parse(stdout);
}, 70_000);
beforeEach((ctx) => ctx.skip(missing !== undefined, missing));

test('a VLAN tag that the kernel took off is back in its place, and told', () => {
  expect(results.tagged).toEqual({
    layers: ['ethernet', 'vlan', 'payload'],
    tag: { priority: 5, dei: 0, id: 42 },
    vlan: { priority: 5, dei: 0, id: 42 },
    bytes: [64, 64],
  });
  expect(results.cooked).toEqual({ vlan: { priority: 5, dei: 0, id: 42 }, tag: 42 });
});

test('the file of write_block has the tag, too', () => {
  expect(results.file).toEqual(['ethernet', 'vlan', 'payload']);
});

test('directions', () => {
  expect(results.directions).toEqual({ in: ['inbound'], out: ['outbound'], inout: ['inbound', 'outbound'] });
});

test('a link that goes down is ENETDOWN, and the ring goes on when it is up again; one that is removed stays gone', () => {
  expect(results.down).toEqual({ error: 'ENETDOWN', again: 1 });
  expect(results.removed).toEqual(['ENETDOWN', 'ETIMEDOUT']);
});

test('a fan-out group divides the packets: in turn, by a program, by flow', () => {
  const { load_balance, filter, hash } = results as Record<string, number[]>;
  expect(load_balance).toEqual([50, 50]);
  expect(filter).toEqual([0, 100]);
  expect(hash?.toSorted()).toEqual([0, 100]);
});

test('and at random, by queue, and to the next ring once one is full', () => {
  const { random, queue, rollover, rollover_full, filter_full } = results as Record<string, number[]>;
  const [one = 0, other = 0] = random ?? [];
  expect(one + other).toBe(100);
  expect(Math.min(one, other)).toBeGreaterThan(0);
  expect(queue?.toSorted()).toEqual([0, 100]);
  expect(rollover).toEqual([100, 0]);
  expect(rollover_full).toEqual({ all: true, first_is_full: true });
  expect(filter_full).toEqual({ all: true, first_is_full: true });
});

test('and by the processor that receives them', () => {
  for (const counts of results.cpu as number[][]) expect(counts).toEqual([20, 0]);
});

test('workers share the packets; one that is terminated while it waits, or holds a block, leaves nothing', () => {
  expect(results.workers).toEqual({ sum: 100, mappings: 0 });
});
