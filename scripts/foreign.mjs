// @ts-check
// `npm run test:foreign`: the unit tests on other processors, by qemu-user; on kernels of these, in virtual machines of qemu-system; and
// with another C library, by Bun. It gets what it needs by itself, into node_modules/.cache: Node.js, C library and kernel of each
// processor from Debian's mirror or npm's registry, qemu-system from the mirror, the compiler (zig) from the registry. Nothing is installed
// on the machine; qemu-user has to be there.
//
//   npm run test:foreign                              all targets that need no virtual machine
//   npm run test:foreign -- musl                      x64 or arm64, as the machine, with musl
//   npm run test:foreign -- arm64 s390x               only these
//   npm run test:foreign -- arm64-kernel              a kernel for arm64
//   npm run test:foreign -- s390x test/unit/structs   further arguments are vitest's
//
// The tests of scripts/foreign/expected.mjs may fail, and must: one that passes is reported, too. The last line has the sums, and the exit
// code is 1 if a test failed, or passed against what is expected, or a target could not be tested at all.
import { delimiter, join } from 'node:path';
import { prepare } from './foreign/emulation.mjs';
import { expectations } from './foreign/expected.mjs';
import { boot } from './foreign/kernel/machine.mjs';
import { boards } from './foreign/kernel/machines.mjs';
import { targets } from './foreign/targets.mjs';
import { root, run_script, SetupError, setup } from './setup.mjs';
import { runVitest } from './vitest/run.mjs';

/** The whole run of a target, in ms: emulated, it takes ten times as long as here. */
const LIMIT = 3 * 3_600_000;
/** Of one test, in ms; in virtual machines, which are slower still. */
const [TEST_TIMEOUT, MACHINE_TIMEOUT] = [200_000, 600_000];

/** What takes minutes each under emulation: many programs, many processes, or thousands of random cases. */
const LONG = [
  'bench.test.ts',
  'cli/**',
  'examples.test.ts',
  'files/*.properties.test.ts',
  'packet/filter/{compile,live,matches}.test.ts',
  'promises/model.test.ts',
  'selectors/model.test.ts',
  'socketserver/**',
];

/** JavaScript alone, which is the same on each processor: checks of arguments, texts, the order of what V8 runs. */
const WITHOUT_A_PROCESSOR = [
  'calls/iterables.test.ts',
  'clones.test.ts',
  'errors/{messages,mistakes,stacks}.test.ts',
  'files/{kinds,limit,promises_layers}.test.ts',
  'packet/{define,misuse}.test.ts',
  'promises/{arguments,stream,turns}.test.ts',
  'socket/{misuse,realms}.test.ts',
  'util/**',
];

const host = join(root, 'scripts', 'foreign', 'host.mjs');

/** In virtual machines, which are slower still: what asks the kernel, or reads and writes what it reads and writes. */
const KERNEL = [
  'calls',
  'constants.test.ts',
  'errors',
  'native',
  'packet/filter/live.test.ts',
  'packet/options.test.ts',
  'packet/send_receive.test.ts',
  'packet/udplite.test.ts',
  'promises/datagrams.test.ts',
  'promises/promises.test.ts',
  'promises/pump.test.ts',
  'promises/wake_up.test.ts',
  'promises/zerocopy.test.ts',
  'selectors',
  'socket/',
  'structs',
].map((path) => `test/unit/${path}`);

/**
 * How vitest runs, so that the processes with the tests are those of the target.
 *
 * @typedef {object} Place
 * @property {string} node the program that runs vitest
 * @property {Record<string, string>} env
 * @property {string} [temporary] the folder for temporary files
 * @property {string[]} [node_options]
 * @property {string[]} [options] of vitest
 * @property {string[]} [files] the tests that run unless others are asked for; all if it is not there
 * @property {() => Promise<void>} [end] what is to do afterwards
 */

/** @param {string} name of a processor, or musl @returns {Place} */
function emulated(name) {
  const { node, bin, vitest_too, env } = prepare(name);
  return {
    node: join(root, 'scripts', 'foreign', 'enter.sh'),
    options: [
      `--testTimeout=${TEST_TIMEOUT}`,
      `--hookTimeout=${TEST_TIMEOUT}`,
      // A process takes one test file after another: under an emulator its start costs more than most files.
      ...(vitest_too ? [] : ['--isolate=false']),
    ],
    env: {
      ...env,
      ...(vitest_too ? {} : { BSD_SOCKETS_TEST_SHARED: 'yes' }),
      HOST_NODE: vitest_too ? node : process.execPath,
      // Programs that the tests start by name find it, too.
      PATH: `${bin}${delimiter}${process.env.PATH}`,
    },
  };
}

/** @param {string} name of a board @returns {Promise<Place>} */
async function in_machine(name) {
  const { node, env, folder, end } = await boot(name, LIMIT);
  const node_options = ['--import', host];
  return {
    node: process.execPath,
    node_options,
    env: { ...env, FOREIGN_NODE: node },
    // One processor, one process with tests.
    options: [
      '--no-file-parallelism',
      `--testTimeout=${MACHINE_TIMEOUT}`,
      `--hookTimeout=${MACHINE_TIMEOUT}`,
    ],
    files: KERNEL,
    temporary: folder,
    end,
  };
}

/**
 * Runs the tests of a target.
 *
 * @param {string} name
 * @param {string[]} filters vitest's
 * @returns {Promise<import('./vitest/reporter.mjs').Result & { expected: number }>}
 */
async function test(name, filters) {
  const left_out = [...LONG, ...WITHOUT_A_PROCESSOR].map((pattern) => `--exclude=test/unit/${pattern}`);
  const {
    end,
    options = [],
    files = [],
    ...place
  } = name in boards ? await in_machine(name) : emulated(name);
  try {
    const result = await runVitest(
      ['--project=unit', ...left_out, ...options, ...(filters.length > 0 ? filters : files)],
      {
        limit: LIMIT,
        ...place,
      },
    );
    if (name in boards && filters.length === 0) compare(name, result);
    return judge(name, result, filters.length > 0);
  } finally {
    await end?.();
  }
}

/**
 * Says how many tests have passed of those that fail with qemu-user.
 *
 * @param {string} name of a board, on which all of its tests have run
 * @param {import('./vitest/reporter.mjs').Result} result
 */
function compare(name, { failures, skips }) {
  const processor = boards[name]?.processor ?? '';
  const emulated = expectations.filter(({ on }) => on.includes(processor)).flatMap(({ tests }) => tests);
  const others = [...failures, ...skips.map((skip) => skip.name)];
  // Of a file that failed as a whole there is nothing but its path.
  const passed = emulated.filter((test) => !others.includes(test) && !others.includes(file_of(test)));
  console.log(`Of ${emulated.length} tests that fail with qemu-user, ${passed.length} pass here.`);
}

/** @param {string} test @returns {string} */
const file_of = (test) => test.split(' > ')[0] ?? '';

/**
 * Compares what failed with what is expected to.
 *
 * @param {string} name of the target
 * @param {import('./vitest/reporter.mjs').Result} result
 * @param {boolean} partly whether only some of the tests have run
 */
function judge(name, result, partly) {
  const here = expectations.filter(({ on }) => on.includes(name));
  const known = new Set(here.flatMap(({ tests }) => tests));
  const expected = result.failures.filter((test) => known.has(test));
  const skipped = new Set(result.skips.map((skip) => skip.name));
  const passed = partly
    ? []
    : [...known].filter((test) => !result.failures.includes(test) && !skipped.has(test));
  for (const test of result.failures.filter((test) => !known.has(test))) console.log(`FAILED: ${test}`);
  for (const test of passed) console.log(`PASSED, or is no more, and is expected to fail: ${test}`);
  return {
    ...result,
    passed: result.passed - passed.length,
    failed: result.failed - expected.length + passed.length,
    expected: expected.length,
  };
}

const known = [...targets, ...Object.keys(boards)];
const args = process.argv.slice(2);
const first_other = args.findIndex((text) => !known.includes(text));
const chosen = first_other === -1 ? args : args.slice(0, first_other);
const filters = first_other === -1 ? [] : args.slice(first_other);

await run_script('foreign', async () => {
  // A filter of vitest's may be any word; the first one is a name, and no filter for all targets.
  if (first_other === 0 && /^\w[\w-]*$/.test(filters[0] ?? ''))
    throw new SetupError(`no target ${filters[0]}: known are ${known.join(', ')}`);
  setup();
  const sum = { passed: 0, failed: 0, skipped: 0 };
  /** @type {string[]} */
  const table = [];
  for (const name of chosen.length > 0 ? chosen : targets) {
    console.log(`\n── ${name}`);
    try {
      const result = await test(name, filters);
      const { passed, failed, skipped, expected } = result;
      for (const skip of result.skips) console.log(`skipped: ${skip.name}\n         ${skip.reason}`);
      table.push(
        `${name}: ${passed} passed, ${failed} failed, ${skipped} skipped, ${expected} failed as expected`,
      );
      sum.passed += passed;
      sum.failed += failed;
      sum.skipped += skipped + expected;
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      table.push(`${name}: not tested: ${error.message}`);
      sum.failed++;
    }
  }
  console.log(`\n── sum\n${table.join('\n')}\n`);
  console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
  process.exitCode = sum.failed === 0 && sum.passed > 0 ? 0 : 1;
});
