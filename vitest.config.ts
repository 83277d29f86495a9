// Where the tests are and how they run. `npm test` (scripts/test.mjs) runs all of them with two more modules from
// scripts/vitest/; plain `npx vitest run test/unit/socket/socket.test.ts` works as well, once the checkout is built.
//
// The package under test is imported by its own name (`bsd-sockets/socket`, package.json "exports" → dist/) and
// loaded by Node itself, not transformed by Vite: what the tests see is what a user gets, in one instance a process.

import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import LongFirst from './scripts/vitest/sequencer.js';

/**
 * One folder of test/ as a project, so that `--project unit` selects it.
 *
 * @param name the folder
 * @param order groups run one after another, lowest first: compilers must not disturb what measures time
 * @param test settings that differ
 */
function folder(
  name: string,
  order: number,
  test: TestProjectInlineConfiguration['test'] = {},
): TestProjectInlineConfiguration {
  const maxWorkers = WORKERS[order];
  return {
    extends: true,
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      sequence: { groupOrder: order },
      maxWorkers,
      ...test,
    },
  };
}

/** Test files at once, of each group, for two processors: most tests wait for time-outs most of the time, those of the package compile. */
const WORKERS = [3, 5, 3, 2];

export default defineConfig({
  test: {
    // Native code and signals: a process per file, never a worker thread that shares one with others.
    pool: 'forks',
    server: { deps: { external: [/\/dist\//] } },
    setupFiles: ['scripts/vitest/announce.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    teardownTimeout: 10_000,
    // A retry hides what a test is there to find.
    retry: 0,
    sequence: { sequencer: LongFirst },
    projects: [
      folder('unit', 0),
      folder('conformance', 0),
      folder('fuzz', 0, { testTimeout: 60_000 }),
      folder('types', 0, { testTimeout: 60_000 }),
      folder('platform', 1),
      // Under an emulator a start of Node.js takes seconds, and a minute on a busy machine.
      folder('foreign', 1, { testTimeout: 240_000 }),
      folder('threads', 2),
      folder('faults', 2),
      // Once more as it is in Bun and in Deno, where no libuv of Node's wakes who waits: see native/loop.h.
      folder('without-libuv', 2, {
        include: [
          'test/unit/{promises,selectors}/*.test.ts',
          'test/unit/files/promises*.test.ts',
          'test/unit/calls/readiness.test.ts',
          'test/{threads,conformance}/{promises,selectors}*.test.ts',
        ],
        env: { BSD_SOCKETS_LIBUV: 'no', LIFETIME_ROUNDS: '20' },
      }),
      // The whole programs of examples/, each with tests of its own.
      folder('examples', 1, {
        include: ['examples/*/test/**/*.test.ts'],
        globalSetup: 'scripts/examples.mjs',
        testTimeout: 60_000,
        hookTimeout: 60_000,
      }),
      folder('package', 3, {
        testTimeout: 240_000,
        hookTimeout: 240_000,
        globalSetup: 'test/package/packed.ts',
      }),
    ],
  },
});
