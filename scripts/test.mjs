// @ts-check
// `npm test`: sets the checkout up, then runs everything that must hold, one part after another, each with its
// output, and ends with the line `N passed, N failed, N skipped` over all of them. A part that is not vitest counts as
// one test. Exit code 1 when anything failed, or nothing ran.
//
//   npm test                                      all parts
//   npm test -- test/unit/socket/socket.test.ts   only these test files; further vitest options (-t NAME, …) work too

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import setup_examples, { programs } from './examples.mjs';
import { root, SetupError, setup } from './setup.mjs';
import { runVitest } from './vitest/run.mjs';

/**
 * @typedef {Omit<import('./vitest/reporter.mjs').Result, 'failures'>} Counts
 * @typedef {{ name: string, run: () => Counts | Promise<Counts> }} Part
 */

const bin = join(root, 'node_modules', '.bin');
const filters = process.argv.slice(2);
// Biome paints even into a file.
const colors = process.stdout.isTTY ? [] : ['--colors=off'];

/** @type {Part} */
const tests = { name: 'tests', run: () => runVitest(filters) };

/** @type {Part[]} */
const checks = [
  {
    name: 'format and lint of TypeScript, JavaScript, JSON (biome)',
    run: () => command(join(bin, 'biome'), ['ci', '--error-on-warnings', ...colors, '.']),
  },
  { name: 'format of C++ (clang-format)', run: clangFormat },
  { name: 'types (tsc)', run: () => command(join(bin, 'tsc'), ['--noEmit', '-p', 'tsconfig.json']) },
  ...programs.map((path) => ({
    name: `types of examples/${basename(path)} (tsc)`,
    run: () => command(join(bin, 'tsc'), ['-p', join(path, 'test')]),
  })),
  {
    name: 'unused files, exports and packages (knip)',
    run: () => command(join(bin, 'knip'), ['--no-progress']),
  },
  {
    name: 'constants are as generated',
    run: () => command('npm', ['run', '--silent', 'constants', '--', '--check']),
  },
];

/** The clang-format that decides; others lay the same style out a little differently. */
const CLANG_FORMAT = 14;

/** @returns {Counts} */
function clangFormat() {
  const name = 'format of C++';
  const program = [`clang-format-${CLANG_FORMAT}`, 'clang-format'].find(
    (candidate) => versionOf(candidate) === CLANG_FORMAT,
  );
  if (!program) return skip(name, `clang-format ${CLANG_FORMAT} is not installed`);
  const files = readdirSync(join(root, 'native'), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(cc|h)$/.test(file))
    .map((file) => join('native', file));
  if (files.length === 0) return fail('no C++ file found in native/');
  return command(program, ['--dry-run', '--Werror', ...files]);
}

/** @param {string} program @returns {number} its major version; NaN when it is not installed */
function versionOf(program) {
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  return Number(/version (\d+)/.exec(stdout ?? '')?.[1]);
}

/**
 * @param {string} program
 * @param {string[]} args
 * @returns {Counts}
 */
function command(program, args) {
  const { status, signal, error } = spawnSync(program, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: 180_000,
  });
  if (status === 0) return { passed: 1, failed: 0, skipped: 0, skips: [] };
  return fail(error?.message ?? `${program} ended with ${signal ?? `exit code ${status}`}`);
}

/** @param {string} message @returns {Counts} */
function fail(message) {
  console.error(message);
  return { passed: 0, failed: 1, skipped: 0, skips: [] };
}

/** @param {string} name @param {string} reason @returns {Counts} */
function skip(name, reason) {
  return { passed: 0, failed: 0, skipped: 1, skips: [{ name, reason }] };
}

/**
 * Runs the parts and prints the sum.
 *
 * @param {Part[]} parts
 * @returns {Promise<boolean>} whether something ran and nothing failed
 */
async function runAll(parts) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  /** @type {string[]} */
  const table = [];
  /** @type {string[]} */
  const skips = [];
  for (const part of parts) {
    console.log(`\n── ${part.name}`);
    const started = Date.now();
    const counts = await part.run();
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    sum.passed += counts.passed;
    sum.failed += counts.failed;
    sum.skipped += counts.skipped;
    skips.push(...counts.skips.map(({ name, reason }) => `   ${name}\n      ${reason}`));
    table.push(`${counts.failed ? '✗' : '✓'} ${part.name}: ${line(counts)} (${seconds} s)`);
  }
  if (skips.length > 0) console.log(`\n── skipped\n${skips.join('\n')}`);
  console.log(`\n── sum\n${table.join('\n')}\n`);
  console.log(line(sum));
  return sum.failed === 0 && sum.passed > 0;
}

/** @param {{ passed: number, failed: number, skipped: number }} counts */
function line({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

try {
  setup();
  setup_examples();
  const ok = await runAll(filters.length > 0 ? [tests] : [...checks, tests]);
  process.exitCode = ok ? 0 : 1;
} catch (error) {
  console.error(error instanceof SetupError ? `setup: ${error.message}` : error);
  console.log(line({ passed: 0, failed: 1, skipped: 0 }));
  process.exitCode = 1;
}
