// @ts-check
// Runs one scenario of test/package/fixtures/runtime.mjs on another processor, if it has been prepared: smoke.mjs PROCESSOR SCENARIO.
// The exit code is the scenario's, and 3 with the reason on standard output if it cannot be run.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../setup.mjs';
import { lacks, prepare } from './emulation.mjs';

const [name = '', scenario = ''] = process.argv.slice(2);
const reason = lacks(name);
if (reason === '') {
  const { interpreter, node, binary } = prepare(name);
  const program = join(root, 'test', 'package', 'fixtures', 'runtime.mjs');
  const env = { ...process.env, BSD_SOCKETS_BINARY: binary };
  const { status } = spawnSync(interpreter, [node, program, scenario], { env, stdio: 'inherit' });
  process.exitCode = status ?? 1;
} else {
  console.log(reason);
  process.exitCode = 3;
}
