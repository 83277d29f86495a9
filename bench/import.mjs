// npm run bench:import: what loading a module costs: processor time and wall time in ms, resident memory in MB. Each number is the median
// of processes of its own.
//
//   npm run bench:import                           the public modules, by import and by require
//   npm run bench:import -- --from DIR [NAME …]    modules as a program in DIR finds them: another checkout, or peers such as zeromq
//   … -- --runs 25                                 processes of each (15)
//
// On a machine that is busy otherwise the processor time rises, too: `chrt -r 20 taskset -c 1 node bench/import.mjs` as root.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const FACES = ['socket', 'promises', 'selectors', 'structs', 'packet', 'socketserver'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { from: { type: 'string' }, runs: { type: 'string', default: '15' } },
});
const cwd = values.from ?? fileURLToPath(new URL('..', import.meta.url));
const names =
  positionals.length > 0 ? positionals : ['bsd-sockets', ...FACES.map((face) => `bsd-sockets/${face}`)];

/** The program of one process; `load` is the expression that loads the module. */
const program = (load) => `
  const before = process.memoryUsage.rss();
  const start = performance.now();
  const cpu = process.cpuUsage();
  ${load};
  const { user, system } = process.cpuUsage(cpu);
  const wall = performance.now() - start;
  console.log(JSON.stringify([(user + system) / 1000, wall, (process.memoryUsage.rss() - before) / 2 ** 20]));`;

function median(numbers) {
  return numbers.sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
}

function measure(type, load) {
  const rows = [];
  for (let i = 0; i < Number(values.runs); i++) {
    const args = [`--input-type=${type}`, '-e', program(load)];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
    if (status !== 0) return stderr.split('\n').find((line) => line.includes('Error')) ?? stderr;
    rows.push(JSON.parse(stdout));
  }
  const columns = [0, 1, 2].map((i) => median(rows.map((row) => row[i])));
  return columns.map((value) => value.toFixed(1).padStart(8)).join('');
}

console.log(`${''.padEnd(36)} cpu ms wall ms  RSS MB`);
for (const name of names) {
  const text = JSON.stringify(name);
  console.log(`import  ${name.padEnd(26)}${measure('module', `await import(${text})`)}`);
  console.log(`require ${name.padEnd(26)}${measure('commonjs', `require(${text})`)}`);
}
