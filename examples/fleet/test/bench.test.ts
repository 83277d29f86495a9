// The benchmark runs: twenty hosts, one round. Its whole, with 500 hosts, is `npm run bench`.

import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../bench/run.mjs', import.meta.url));

it('measures fleet and clush on hosts of its own', { timeout: 240_000 }, async ({ skip }) => {
  for (const program of ['clush', 'ssh-keygen']) {
    if (spawnSync('which', [program]).status !== 0) skip(`needs ${program}`);
  }
  const options = ['--hosts', '20', '--rounds', '1', '--fanouts', '8', '--json'];
  // Each command must succeed on each host, and print what it should: else it fails.
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, ...options]);
  const { hosts, results } = JSON.parse(stdout);
  expect(hosts).toBe(20);
  expect(results.map(({ command, fanout }: Record<string, unknown>) => [command, fanout])).toEqual([
    ['true', 8],
    ['1 KB', 8],
  ]);
  for (const { seconds, processor, peak_bytes } of results) {
    for (const name of ['fleet', 'clush']) {
      expect(seconds[name]).toBeGreaterThan(0);
      expect(processor[name]).toBeGreaterThan(0);
      // A Node.js or a Python at least, and not all of the machine.
      expect(peak_bytes[name]).toBeGreaterThan(8e6);
      expect(peak_bytes[name]).toBeLessThan(2e9);
    }
  }
});
