// @ts-check
// `npm run test:asan`, `npm run test:tsan`: compiles the addon under sanitizers (incremental) and runs vitest, with all the
// workers and child processes that it starts, against that binary. Every report of a sanitizer counts as a failure,
// whichever process wrote it and whatever its parent thought of it.
//
//   npm run test:asan                                      everything but the package and type tests
//   npm run test:tsan                                      storms of threads
//   npm run test:asan -- test/unit/socket/socket.test.ts   only these files; vitest options work too

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, SetupError, setup } from './setup.mjs';
import { native_tests, runVitest } from './vitest/run.mjs';

/** Everything takes about three times as long here. */
const LIMIT = 30 * 60_000;

/**
 * @typedef {object} Sanitizer
 * @property {string} flags what the compiler gets as -fsanitize=
 * @property {string} library
 * @property {string[]} tests what vitest runs by default
 * @property {(log: string) => Record<string, string>} options the variables of the sanitizers, which write to `log`
 */

/** @type {Record<string, Sanitizer>} */
const SANITIZERS = {
  asan: {
    flags: 'address,undefined',
    library: 'libasan.so',
    tests: native_tests,
    options: (log) => ({
      // Node frees little at its exit: leaks are measured by the tests, which count descriptors and memory.
      // A huge allocation must fail as it does elsewhere, with an error.
      ASAN_OPTIONS: `detect_leaks=0:allocator_may_return_null=1:verify_asan_link_order=0:log_path=${log}.asan`,
      UBSAN_OPTIONS: `print_stacktrace=1:log_path=${log}.ubsan`,
    }),
  },
  tsan: {
    flags: 'thread',
    library: 'libtsan.so',
    // Not the signals of a blocked main thread: the handlers of libuv run after the system call here.
    tests: ['storm', 'sharing', 'lookups', 'promises', 'selectors'].map(
      (name) => `test/threads/${name}.test.ts`,
    ),
    // Node, which is not compiled with it, synchronizes by what the sanitizer does not see.
    options: (log) => ({ TSAN_OPTIONS: `ignore_noninstrumented_modules=1:exitcode=0:log_path=${log}.tsan` }),
  },
};

const [kind = '', ...filters] = process.argv.slice(2);
const sanitizer = SANITIZERS[kind];

/**
 * Returns the path of the sanitizer's library, which has to be loaded before everything else in the process: node itself
 * is not compiled with it.
 *
 * @param {string} library
 */
function sanitizerLibrary(library) {
  const compiler = process.env.CXX ?? 'g++';
  const result = spawnSync(compiler, [`-print-file-name=${library}`], { encoding: 'utf8' });
  const file = result.stdout?.trim();
  // The bare name comes back when there is no such file.
  if (result.status !== 0 || !file?.startsWith('/')) {
    throw new SetupError(`${compiler} has no ${library} (Debian, Ubuntu: it comes with the package g++).`);
  }
  return file;
}

/** @param {string} flags */
function build(flags) {
  const cmake_js = join(root, 'node_modules', 'cmake-js', 'bin', 'cmake-js');
  const args = ['build', '--debug', '--out', `build-${kind}`, `--CDSANITIZE=${flags}`, '-l', 'warn'];
  const result = spawnSync(process.execPath, [cmake_js, ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (result.status !== 0) throw new SetupError('The sanitizer build did not compile.');
}

/** @param {Sanitizer} sanitizer */
async function test({ library, tests, options }) {
  const folder = mkdtempSync(join(tmpdir(), 'bsd-sockets-sanitizer-'));
  // Tests run programs as other users, too.
  chmodSync(folder, 0o1777);
  // Node alone runs with the library: under it programs of others hang (those with p11-kit) or crash (ip).
  const node = join(folder, 'node');
  // The library of test/faults comes first: it fails the calls of the addon alone, which it knows by their caller.
  const preload = `\${LD_PRELOAD:+$LD_PRELOAD }${sanitizerLibrary(library)}`;
  writeFileSync(node, `#!/bin/sh\nLD_PRELOAD="${preload}" exec '${process.execPath}' "$@"\n`, {
    mode: 0o755,
  });
  const filtered = filters.some((filter) => !filter.startsWith('-'));
  const chosen = kind === 'tsan' && filtered ? [] : tests;
  try {
    const result = await runVitest([...chosen, '--testTimeout=60000', ...filters], {
      limit: LIMIT,
      node,
      env: {
        BSD_SOCKETS_BINARY: join(root, `build-${kind}`, 'Debug', 'bsd_sockets.node'),
        BSD_SOCKETS_TEST_NODE: node,
        PATH: `${folder}:${process.env.PATH}`,
        ...options(join(folder, 'report')),
      },
    });
    const files = readdirSync(folder).filter((file) => file.startsWith('report'));
    for (const file of files) console.error(`\n── ${file}\n${readFileSync(join(folder, file), 'utf8')}`);
    for (const { name, reason } of result.skips) console.log(`skipped: ${name}\n         ${reason}`);
    return { ...result, failed: result.failed + files.length };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

try {
  if (sanitizer === undefined)
    throw new SetupError(`sanitize.mjs ${Object.keys(SANITIZERS).join('|')} [FILTER]`);
  setup();
  build(sanitizer.flags);
  const { passed, failed, skipped } = await test(sanitizer);
  console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
