// @ts-check
// `npm run test:matrix`: the packed file in package managers, runtimes, compilers, test runners and bundlers: all rows of
// test/package/matrix, of which `npm test` runs the quick ones. The tools come from the registry.
//
//   npm run test:matrix                all of them
//   npm run test:matrix -- bundlers    the files and options of vitest (-t webpack)

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { run_script, setup } from './setup.mjs';
import { runVitest } from './vitest/run.mjs';

/** The whole run, in ms: the first one gets 1 GB of tools. */
const LIMIT = 90 * 60_000;
const MARKS = { passed: '✓', failed: '✗' };

/**
 * What vitest's reporter writes.
 *
 * @typedef {{ fullName: string, status: string, duration?: number, meta: unknown }} Test
 * @typedef {{ name: string, assertionResults: Test[] }} File
 */

await run_script('matrix', async () => {
  setup();
  const folder = mkdtempSync(join(tmpdir(), 'bsd-sockets-matrix-'));
  try {
    const output = join(folder, 'matrix.json');
    const filters = process.argv.slice(2);
    const options = [
      '--project=package',
      '--exclude=test/package/*.test.ts',
      '--reporter=json',
      `--outputFile.json=${output}`,
    ];
    const result = await runVitest([...options, ...filters], {
      env: { BSD_SOCKETS_MATRIX: 'all' },
      limit: LIMIT,
    });
    print_table(JSON.parse(readFileSync(output, 'utf8')).testResults, result.skips);
    console.log(`${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped`);
    process.exitCode = result.failed === 0 && result.passed > 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** @param {File[]} files @param {{ name: string, reason: string }[]} skips */
function print_table(files, skips) {
  for (const { name, assertionResults } of files) {
    console.log(`\n${basename(name, '.test.ts')}`);
    for (const { fullName, status, duration = 0 } of assertionResults) {
      const mark = status === 'passed' || status === 'failed' ? MARKS[status] : '–';
      const skip = skips.find(
        (entry) => entry.name.includes(basename(name)) && entry.name.endsWith(fullName),
      );
      const remark = skip?.reason ?? `${(duration / 1000).toFixed(1)} s`;
      console.log(`  ${mark} ${fullName.padEnd(76)} ${remark}`);
    }
  }
  console.log();
}
