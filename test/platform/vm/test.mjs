// npm run test:vm [-- NAME...]: the scenarios of ../families in virtual machines whose kernels have the families that this one
// lacks, with this machine's file system, node, python3 and build of the library. First in user-mode-linux (boots in three
// seconds, runs at full speed); what its kernel lacks, and everything where it does not run (it aborts on some
// CPUs), in qemu (an emulated machine, over ten times slower).
//
// Prints a line per scenario, and last `N passed, N failed, N skipped`. Exit status: 0, 1 with failures, 3 when no virtual
// machine can be had here (stderr says why).

import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { root, SetupError, setup } from '../../../scripts/setup.mjs';
import { names } from '../families/families.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const families = path.resolve(here, '../families/families.mjs');

/** Ends the run with a message: the machine, not the library, is at fault. */
function cannot(message) {
  console.error(`test:vm: ${message}`);
  process.exit(3);
}

/** Gets what a kind of virtual machine needs; false where this machine cannot (prepare.sh has said why). */
const prepare = (part) => spawnSync(path.join(here, 'prepare.sh'), [part], { stdio: 'inherit' }).status === 0;

/**
 * Runs scenarios in one boot of a virtual machine.
 * @param {'uml' | 'qemu'} kind
 * @param {string[]} wanted names of scenarios
 * @param {(result: object) => void} told called with each result as it comes
 * @returns {Promise<boolean>} false when the machine did not boot or died before the last scenario
 */
async function boot(kind, wanted, told) {
  const command = [kind, process.execPath, families, '--json', '--guest', ...wanted];
  const env = { ...process.env, BSD_SOCKETS_VM_ENV: 'PYTHON BSD_SOCKETS_BINARY' };
  const machine = spawn(path.join(here, 'boot.sh'), command, {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => machine.once('close', resolve));
  for await (const line of createInterface({ input: machine.stdout })) {
    if (line.startsWith('{')) told(JSON.parse(line));
    else console.log(line);
  }
  return (await ended) <= 1;
}

try {
  setup();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  cannot(error.message);
}
const wanted = process.argv.length > 2 ? process.argv.slice(2) : names();
const results = new Map();
const status = (name) => results.get(name)?.status;

for (const kind of ['uml', 'qemu']) {
  const open = wanted.filter((name) => status(name) === undefined || status(name) === 'skipped');
  if (open.length === 0 || !prepare(kind)) continue;
  // Without btvirt these are skipped.
  if (kind === 'qemu' && open.some((name) => name.startsWith('bluetooth'))) prepare('bluetooth');
  console.log(`# ${kind}: ${open.length} scenarios`);
  const complete = await boot(kind, open, (result) => {
    results.set(result.name, result);
    const about = `${result.steps} steps with python3 ${result.python}, ${result.seconds.toFixed(1)} s`;
    // What is skipped now may yet pass in the other machine: that is told at the end.
    if (result.status === 'passed') console.log(`passed  ${result.name}: ${about}`);
    if (result.status === 'failed') console.log(`failed  ${result.name}: ${result.reason}`);
  });
  if (!complete)
    console.log(`# ${kind} did not run to its end${kind === 'uml' ? ': going on with qemu' : ''}`);
}

if (results.size === 0) cannot('no virtual machine ran');
for (const name of wanted) {
  if (status(name) === 'skipped') console.log(`skipped ${name}: ${results.get(name).reason}`);
  if (status(name) === undefined) console.log(`failed  ${name}: the machine died with it`);
}
const failed = wanted.filter((name) => status(name) === 'failed' || status(name) === undefined).length;
const count = (wish) => wanted.filter((name) => status(name) === wish).length;
console.log(`${count('passed')} passed, ${failed} failed, ${count('skipped')} skipped`);
process.exitCode = failed > 0 ? 1 : 0;
