// @ts-check
// Runs one scenario of test/package/fixtures/runtime.mjs on another processor or C library, if it has been prepared: smoke.mjs TARGET
// SCENARIO. The exit code is the scenario's, and 3 with the reason on standard output if it cannot be run.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../setup.mjs';
import { lacks, prepare } from './emulation.mjs';

const [name = '', scenario = ''] = process.argv.slice(2);
const reason = lacks(name);
if (reason === '') {
  const { env, node } = prepare(name);
  const { status } = spawnSync(
    join(root, 'scripts', 'foreign', 'enter.sh'),
    [join('test', 'package', 'fixtures', 'runtime.mjs'), scenario],
    { cwd: root, env: { ...process.env, ...env, HOST_NODE: node }, stdio: 'inherit' },
  );
  process.exitCode = status ?? 1;
} else {
  console.log(reason);
  process.exitCode = 3;
}
