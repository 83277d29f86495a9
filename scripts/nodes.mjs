// @ts-check
// `npm run test:nodes`: the vitest suite, with the one binary that is built, on each Node.js line that is supported, from
// the oldest release on. They come from the registry (the packages node-linux-ARCH).
//
//   npm run test:nodes                            all of them
//   npm run test:nodes -- 22 26                   only these
//   npm run test:nodes -- 26 test/threads -t recv further arguments are vitest's

import { readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { from_registry } from './registry.mjs';
import { run_script, setup } from './setup.mjs';
import { native_tests, runVitest } from './vitest/run.mjs';

const NODE = `node-linux-${process.arch}`;
const lines = ['20.19.0', '22', '24', '26'];

/** @param {string} version as npm takes it @returns {string} the path of the program */
const getNode = (version) => join(from_registry(`${NODE}@${version}`), NODE, 'bin', 'node');

const args = process.argv.slice(2);
const isVersion = (/** @type {string} */ text) => /^\d+(\.\d+)*$/.test(text);
const first_other = args.findIndex((text) => !isVersion(text));
const versions = first_other === -1 ? args : args.slice(0, first_other);
const filters = first_other === -1 ? [] : args.slice(first_other);

await run_script('nodes', async () => {
  setup();
  const sum = { passed: 0, failed: 0, skipped: 0 };
  /** @type {string[]} */
  const table = [];
  for (const version of versions.length > 0 ? versions : lines) {
    const node = getNode(version);
    const { version: exact } = JSON.parse(readFileSync(join(dirname(node), '..', 'package.json'), 'utf8'));
    console.log(`\n── Node ${exact}`);
    const env = { PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
    const result = await runVitest([...native_tests, ...filters], { env, node });
    table.push(`Node ${exact}: ${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped`);
    sum.passed += result.passed;
    sum.failed += result.failed;
    sum.skipped += result.skipped;
  }
  console.log(`\n── sum\n${table.join('\n')}\n`);
  console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
  process.exitCode = sum.failed === 0 && sum.passed > 0 ? 0 : 1;
});
