// @ts-check
// Starts vitest, shows its output, and brings home the counts that scripts/vitest/reporter.mjs wrote.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../setup.mjs';

/** The whole run, in ms, of a machine that is busy otherwise: past it everything is ended, and that counts as a failure. */
const LIMIT = 60 * 60_000;

/** The options that leave out the tests of the package and of the types, which do not run the addon themselves. */
export const native_tests = [
  'unit',
  'conformance',
  'fuzz',
  'platform',
  'threads',
  'faults',
  'without-libuv',
].map((name) => `--project=${name}`);

/**
 * Runs the vitest suite.
 *
 * @param {string[]} args filters and options, as on vitest's command line
 * @param {{ env?: Record<string, string>, limit?: number, node?: string, node_options?: string[], temporary?: string }} [options] env:
 *   variables added to the environment of vitest and all it starts; limit: ms after which the run is given up; node: the Node.js to run
 *   on, and node_options: its options; temporary: the folder for temporary files of vitest
 * @returns {Promise<import('./reporter.mjs').Result>}
 */
export async function runVitest(args, options = {}) {
  const { env = {}, limit = LIMIT, node = process.execPath, node_options = [], temporary } = options;
  const folder = mkdtempSync(join(temporary ?? tmpdir(), 'bsd-sockets-test-'));
  try {
    const reporters = ['--reporter=default', `--reporter=${join(root, 'scripts', 'vitest', 'reporter.mjs')}`];
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const code = await runGroup(node, [...node_options, vitest, 'run', ...reporters, ...args], limit, {
      ...process.env,
      ...(process.stdout.isTTY ? {} : { NO_COLOR: '1' }),
      ...(temporary === undefined ? {} : { TMPDIR: temporary }),
      ...env,
      BSD_SOCKETS_TEST_RUN: folder,
    });
    const result = readResult(join(folder, 'result.json'));
    // It was ended; or it failed and no test did: it found nothing to run.
    if (code === null || (code !== 0 && result.failed === 0)) result.failed++;
    return result;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @param {string} file @returns {import('./reporter.mjs').Result} */
function readResult(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { passed: 0, failed: 0, skipped: 0, skips: [], failures: [] };
  }
}

/**
 * Runs a program as the leader of its own process group and leaves none of the group behind, whatever happens to it
 * or to us: a test process blocked in native code would stay for ever.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {number} limit ms
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number | null>} its exit code, null when a signal ended it
 */
function runGroup(program, args, limit, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: root,
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
    });
    const { pid } = child;
    const endGroup = () => {
      try {
        if (pid !== undefined) process.kill(-pid, 'SIGKILL');
      } catch {
        // ESRCH: nobody is left, as it should be.
      }
    };
    /** @param {NodeJS.Signals} signal */
    const onSignal = (signal) => {
      endGroup();
      process.exit(signal === 'SIGINT' ? 130 : 143);
    };
    process.once('SIGINT', onSignal);
    process.once('SIGTERM', onSignal);
    const timer = setTimeout(() => {
      console.error(`\nThe tests did not end within ${limit / 60_000} minutes; ended.`);
      endGroup();
    }, limit);
    child.once('error', reject);
    child.once('exit', (code) => {
      clearTimeout(timer);
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
      endGroup();
      resolve(code);
    });
  });
}
