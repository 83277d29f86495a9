// @ts-check
// `npm run test:asan`: compiles the addon under AddressSanitizer and UndefinedBehaviorSanitizer (incremental) and runs
// the vitest suite, with all the workers and child processes it starts, against that binary. Every report of a
// sanitizer counts as a failure, whichever process wrote it and whatever its parent thought of it.
//
//   npm run test:asan                                      everything but the package and type tests
//   npm run test:asan -- test/unit/socket/socket.test.ts   only these files; vitest options work too

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, SetupError, setup } from './setup.mjs';
import { native_tests, runVitest } from './vitest/run.mjs';

/** Everything takes about three times as long here. */
const LIMIT = 30 * 60_000;

const binary = join(root, 'build-asan', 'Debug', 'bsd_sockets.node');

/**
 * The path of the sanitizer's library, which has to be loaded before everything else in the process: node itself is
 * not compiled with it.
 */
function sanitizerLibrary() {
  const compiler = process.env.CXX ?? 'g++';
  const result = spawnSync(compiler, ['-print-file-name=libasan.so'], { encoding: 'utf8' });
  const file = result.stdout?.trim();
  // The bare name comes back when there is no such file.
  if (result.status !== 0 || !file?.startsWith('/')) {
    throw new SetupError(`${compiler} has no libasan.so (Debian, Ubuntu: it comes with the package g++).`);
  }
  return file;
}

function build() {
  const cmake_js = join(root, 'node_modules', 'cmake-js', 'bin', 'cmake-js');
  const args = ['build', '--debug', '--out', 'build-asan', '--CDSANITIZE=address,undefined', '-l', 'warn'];
  const result = spawnSync(process.execPath, [cmake_js, ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (result.status !== 0) throw new SetupError('The sanitizer build did not compile.');
}

async function test() {
  const reports = mkdtempSync(join(tmpdir(), 'bsd-sockets-sanitizer-'));
  try {
    const result = await runVitest([...native_tests, '--testTimeout=60000', ...process.argv.slice(2)], {
      limit: LIMIT,
      env: {
        BSD_SOCKETS_BINARY: binary,
        LD_PRELOAD: sanitizerLibrary(),
        // Node frees little at its exit: leaks are measured by the tests, which count descriptors and memory.
        // A huge allocation must fail as it does elsewhere, with an error.
        ASAN_OPTIONS: `detect_leaks=0:allocator_may_return_null=1:log_path=${join(reports, 'asan')}`,
        UBSAN_OPTIONS: `print_stacktrace=1:log_path=${join(reports, 'ubsan')}`,
      },
    });
    const files = readdirSync(reports);
    for (const file of files) console.error(`\n── ${file}\n${readFileSync(join(reports, file), 'utf8')}`);
    for (const { name, reason } of result.skips) console.log(`skipped: ${name}\n         ${reason}`);
    return { ...result, failed: result.failed + files.length };
  } finally {
    rmSync(reports, { recursive: true });
  }
}

try {
  setup();
  build();
  const { passed, failed, skipped } = await test();
  console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
