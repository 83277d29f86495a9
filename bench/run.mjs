// npm run bench [-- options] [names]: measures every workload (or those of these names, or whose name contains one) for the C floor,
// this library, CPython and Node's own modules, in turn A B C A B C …, all on one processor (servers with threads or processes on
// all); prints tables, writes JSON.
// On a machine that is busy otherwise: `chrt -r 20 npm run bench` as root, and read the best rounds.
//
//   --quick            fewer and shorter rounds: about a minute in all instead of five
//   --against DIR      another checkout of this library, built, in place of CPython and Node: before and after in one run
//   --rounds N, --seconds S, --python PATH, --cpu N, --output FILE   instead of what it would choose
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measure_capture, missing_for_capture } from './capture.mjs';
import { compile_floor, find_contenders } from './contenders.mjs';
import { Program } from './program.mjs';
import { rows, table } from './report.mjs';
import { workloads } from './workloads.mjs';

const { values: options, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    python: { type: 'string' },
    against: { type: 'string' },
    cpu: { type: 'string', default: String(cpus().length - 1) },
    output: { type: 'string' },
  },
});
const rounds = positive('rounds', options.rounds ?? (options.quick ? 3 : 20));
const seconds = positive('seconds', options.seconds ?? (options.quick ? 0.06 : 0.1));
const is_name = (part) => workloads.some(({ name }) => name === part);
const chosen = workloads.filter(
  ({ name }) =>
    names.length === 0 || names.some((part) => (is_name(part) ? name === part : name.includes(part))),
);
if (chosen.length === 0) {
  console.error(`no such workload; there are: ${workloads.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

/** The number of an option, or the end with what is wrong. */
function positive(name, value) {
  if (Number(value) > 0) return Number(value);
  console.error(`--${name} takes a number above 0, not ${value}`);
  process.exit(2);
}

/**
 * Lets all contenders do one workload, one round each in turn.
 * @param {import('./workloads.mjs').Workload} workload
 * @param {import('./contenders.mjs').Contender[]} contenders
 * @param {{ directory: string, cpu: number }} place
 * @returns {Promise<import('./report.mjs').Row[]>}
 */
async function measure(workload, contenders, place) {
  const programs = [];
  try {
    for (const { id, command } of contenders) {
      const task = workload.tasks?.[id === 'against' ? 'bsd-sockets' : id] ?? workload.task;
      programs.push(await Program.start(command(workload.program), task, workload, place));
    }
    // Unmeasured: compilers warm up, caches fill.
    for (const program of programs) await program.measure(Math.max(seconds, 0.15));
    const figures = programs.map(() => []);
    for (let round = 0; round < rounds; round++) {
      for (const [i, program] of programs.entries()) figures[i].push(await program.measure(seconds));
    }
    return rows(contenders, figures);
  } finally {
    for (const program of programs) program.stop();
  }
}

const started = performance.now();
const directory = mkdtempSync(join(tmpdir(), 'bsd-sockets-bench-'));
try {
  await compile_floor(directory);
  writeFileSync(join(directory, 'block'), Buffer.alloc(65536, 'x')); // what sendfile sends
  const everybody = await find_contenders(directory, options.python, options.against);
  for (const { title, missing } of everybody) if (missing) console.log(`without ${title}: ${missing}`);
  const present = everybody.filter(({ missing }) => !missing);
  const place = { directory, cpu: Number(options.cpu) };

  const load_before = loadavg()[0];
  const no_capture = missing_for_capture();
  const results = [];
  for (const workload of chosen) {
    if (workload.program === 'capture') {
      if (no_capture !== undefined || options.against !== undefined) {
        console.log(`without ${workload.name}: ${no_capture ?? 'there is no other one'}\n`);
        continue;
      }
      // A flood is longer, and fewer do: each program starts anew.
      const its = await measure_capture(workload, {
        directory,
        rounds: Math.min(rounds, 7),
        seconds: seconds * 20,
      });
      console.log(`${table(workload, its)}\n`);
      results.push({ name: workload.name, title: workload.title, reference: workload.reference, rows: its });
      continue;
    }
    const without = [workload.node ? '' : 'node', workload.threads ? 'c-threaded' : ''];
    const contenders = present.filter(({ id }) => !without.includes(id));
    const its = await measure(workload, contenders, place);
    console.log(`${table(workload, its)}\n`);
    results.push({ name: workload.name, title: workload.title, rows: its });
  }

  const output =
    options.output ??
    fileURLToPath(new URL(`results/${options.quick ? 'quick' : 'full'}.json`, import.meta.url));
  mkdirSync(dirname(output), { recursive: true });
  const machine = {
    cpu: cpus()[0].model,
    cpus: cpus().length,
    kernel: release(),
    node: process.versions.node,
    // Programs that wanted a processor, in the minute before and in the last one: above the number of cpus, only ratios mean something.
    load: [load_before, loadavg()[0]],
  };
  writeFileSync(
    output,
    `${JSON.stringify({ date: new Date().toISOString(), machine, rounds, seconds, results }, null, 2)}\n`,
  );
  console.log(
    `load ${machine.load.map((load) => load.toFixed(1)).join(' to ')} on ${machine.cpus} processors; ${rounds} rounds of ${seconds} s in ${((performance.now() - started) / 1e3).toFixed(0)} s; ${output}`,
  );
} finally {
  rmSync(directory, { recursive: true });
}
