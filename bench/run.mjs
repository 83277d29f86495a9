// npm run bench [-- options] [names]: measures every workload (or those of these names, or whose name contains one) for the C floor,
// this library, CPython, Node's own modules and Bun, in turn A B C A B C …, all on one processor (servers with threads or processes on
// all); prints tables, writes JSON.
// On a machine that is busy otherwise: `chrt -r 20 npm run bench` as root, and read the best rounds.
//
//   --quick            fewer and shorter rounds: about a minute and a half in all instead of seven
//   --against DIR      another checkout of this library, built, in place of CPython, Node and Bun: before and after in one run
//   --rounds N, --seconds S, --python PATH, --bun PATH, --cpu N, --output FILE   instead of what it would choose
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measure_capture, missing_for_capture } from './capture.mjs';
import { compile_floor, find_contenders, make_certificate } from './contenders.mjs';
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
    bun: { type: 'string' },
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
    for (const { id, title, task: own_task, command } of contenders) {
      const task = own_task ?? workload.tasks?.[id === 'against' ? 'bsd-sockets' : id] ?? workload.task;
      programs.push(await named(title, Program.start(command(workload.program), task, workload, place)));
    }
    const measured = (i, how_long) => named(contenders[i].title, programs[i].measure(how_long));
    // Unmeasured: compilers warm up, caches fill.
    for (const i of programs.keys()) await measured(i, Math.max(seconds, 0.15));
    const figures = programs.map(() => []);
    for (let round = 0; round < rounds; round++) {
      for (const i of programs.keys()) figures[i].push(await measured(i, seconds));
    }
    return rows(contenders, figures);
  } finally {
    for (const program of programs) program.stop();
  }
}

/** Adds who failed to the error of a promise. */
function named(title, promise) {
  return promise.catch((error) => {
    throw new Error(`${title}: ${error.killed ? 'the load did not end' : error.message}`);
  });
}

/**
 * Who does a workload, the one that the others are compared with first; and why others do not.
 * @param {import('./workloads.mjs').Workload} workload
 * @param {import('./contenders.mjs').Contender[]} present
 * @returns {{ contenders: (import('./contenders.mjs').Contender & { task?: string })[], absent: string }}
 */
function who(workload, present) {
  const { variants, only } = workload;
  const [own] = present.filter(({ id }) => id === 'bsd-sockets');
  if (variants !== undefined) {
    const contenders = own ? variants.map(([task, title]) => ({ ...own, id: task, title, task })) : [];
    return { contenders, absent: '' };
  }
  if (only !== undefined) {
    const [first, ...others] = options.against === undefined ? only : ['bsd-sockets', 'against'];
    return {
      contenders: [first, ...others].flatMap((id) => present.filter((one) => one.id === id)),
      absent: '',
    };
  }
  const without = [
    workload.node ? '' : 'node',
    workload.bun ? '' : 'bun',
    workload.threads ? 'c-threaded' : '',
  ];
  const absent = present.filter(({ id }) => without.includes(id) && id !== 'c-threaded');
  return {
    contenders: present.filter(({ id }) => !without.includes(id)),
    absent: absent.map(({ title }) => `  without ${title}, which has no such call\n`).join(''),
  };
}

/** The load of the machine, of the last minute: above the number of processors other programs have waited. */
function load() {
  return Number(loadavg()[0].toFixed(2));
}

const started = performance.now();
const load_before = load();
const directory = mkdtempSync(join(tmpdir(), 'bsd-sockets-bench-'));
try {
  await compile_floor(directory, chosen);
  writeFileSync(join(directory, 'block'), Buffer.alloc(65536, 'x')); // what sendfile sends
  const no_certificate = await make_certificate(directory);
  const everybody = await find_contenders(directory, options.python, options.bun, options.against);
  for (const { title, missing } of everybody) if (missing) console.log(`without ${title}: ${missing}`);
  const present = everybody.filter(({ missing }) => !missing);
  const place = { directory, cpu: Number(options.cpu) };

  const no_capture = options.against === undefined ? missing_for_capture() : 'there is no other one';
  const results = [];
  for (const workload of chosen) {
    const { contenders, absent } = who(workload, present);
    const reason = { tls: no_certificate, capture: no_capture }[workload.program];
    if (reason !== undefined || contenders.length === 0) {
      console.log(`${workload.name}: not measured: ${reason ?? 'none of its contenders is there'}\n`);
      continue;
    }
    try {
      // A flood is longer, and fewer do: each program starts anew.
      const flood = { directory, rounds: Math.min(rounds, 7), seconds: seconds * 20 };
      const its =
        workload.program === 'capture'
          ? await measure_capture(workload, flood)
          : await measure(workload, contenders, place);
      console.log(`${table(workload, its)}\n${absent}`);
      results.push({ name: workload.name, title: workload.title, base: its[0].title, rows: its });
    } catch (error) {
      // The other workloads have their turn: a machine that is too busy fails one of them.
      console.error(`${workload.name}: failed: ${error.message}\n`);
      process.exitCode = 1;
    }
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
    load: [load_before, load()],
  };
  writeFileSync(
    output,
    `${JSON.stringify({ date: new Date().toISOString(), machine, rounds, seconds, results }, null, 2)}\n`,
  );
  console.log(
    `load of the machine (of 1 minute): ${machine.load.join(' before, ')} after; ${machine.cpus} processors`,
  );
  console.log(
    `${rounds} rounds of ${seconds} s in ${((performance.now() - started) / 1e3).toFixed(0)} s; ${output}`,
  );
} finally {
  rmSync(directory, { recursive: true });
}
