// fleet beside clush, in one run: 500 hosts, the commands `true` and one with 1 KB of output; wall time, processor time and peak memory.
//
//   npm run bench [-- --hosts 500] [--rounds 5] [--fanouts 64,500] [--server fake] [--json]
//
// Both use the same hosts, key, known_hosts and ssh_config. They take turns within a round, each the first in every other one, and the ratios are
// medians over the rounds, so that what else the machine does counts for both alike. The default fan-out is 64 for both. Memory is measured in a
// round of its own, because the sampling (memory.mjs) takes processor time. fleet writes its log, as it does for everybody; clush has none.
// The hosts are addresses of one server: hosts.mjs. Nothing leaves the loopback interface.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { start_hosts } from './hosts.mjs';
import { peak_memory } from './memory.mjs';

const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '5' },
    fanouts: { type: 'string', default: '64,500' },
    server: { type: 'string', default: 'fake' },
    json: { type: 'boolean', default: false },
  },
});
const count = Number(values.hosts);
const rounds = Number(values.rounds);
const MAIN = join(import.meta.dirname, '..', 'dist', 'main.js');

if (!existsSync(MAIN)) throw new Error('build first: node scripts/examples.mjs in the root of the checkout');

/** The options that the first line of the program has for Node.js, as if it were called by its name. */
const [, , , ...NODE_OPTIONS] = readFileSync(MAIN, 'utf8').split('\n', 1)[0].split(' ');

/** What both run. `bytes`: of output of each host. */
const COMMANDS = [
  { name: 'true', command: 'true', bytes: 0 },
  { name: '1 KB', command: 'printf %1023d 7; echo', bytes: 1024 },
];

const CONTENDERS = [
  {
    name: 'fleet',
    argv: ({ set, config, folder }, fanout, command) => [
      process.execPath,
      ...NODE_OPTIONS,
      ...[
        MAIN,
        'run',
        '-F',
        config,
        '--log',
        join(folder, 'log.jsonl'),
        '-t',
        '120',
        '-f',
        fanout,
        set,
        '--',
        command,
      ],
    ],
  },
  {
    name: 'clush',
    argv: ({ set, config }, fanout, command) => [
      'clush',
      ...['-o', `-F ${config}`, '-t', '120', '-u', '600', '-f', fanout, '-w', set, command],
    ],
  },
];

/** bash says on descriptor 3 what its command and all its children took: user and system, seconds. */
const TIMED = ['bash', '-c', 'TIMEFORMAT="%U %S"; { time "$0" "$@" 2>&4; } 4>&2 2>&3'];

/**
 * Runs a command once on all hosts.
 *
 * @param {string[]} argv
 * @param {number} bytes of output of each host, without the name in front
 * @param {boolean} sampled whether memory is measured, and no time
 * @returns {Promise<{ seconds: number, processor: number, peak: number }>} processor: seconds; peak: bytes
 * @throws {Error} if a host failed, or did not print what it should
 */
async function once_on_all(argv, bytes, sampled) {
  const began = performance.now();
  const [file, ...args] = sampled ? argv : [...TIMED, ...argv];
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    // Without what a user's clush.conf or inventory would say.
    env: { PATH: process.env.PATH, HOME: '/nonexistent', LANG: 'C.UTF-8' },
  });
  const memory = sampled ? peak_memory(child.pid) : undefined;
  let lines = 0;
  let length = 0;
  let errors = '';
  let times = '';
  child.stdout.on('data', (data) => {
    length += data.length;
    for (let at = data.indexOf(10); at >= 0; at = data.indexOf(10, at + 1)) lines += 1;
  });
  child.stderr.on('data', (data) => {
    errors += data;
  });
  child.stdio[3].on('data', (data) => {
    times += data;
  });
  const [code] = await once(child, 'close');
  const seconds = (performance.now() - began) / 1000;
  const peak = (await memory?.stop()) ?? 0;
  const whole = lines === (bytes > 0 ? count : 0) && length >= bytes * count;
  if (code !== 0 || !whole) {
    throw new Error(
      `${argv[0]} ended with ${code}, ${lines} lines and ${length} bytes: ${errors.slice(-800)}`,
    );
  }
  const processor = times
    .trim()
    .split(' ')
    .map(Number)
    .reduce((sum, part) => sum + part, 0);
  return { seconds, processor, peak };
}

const median = (numbers) => {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

if (spawnSync('clush', ['--version']).status !== 0) {
  process.stderr.write('clush is not installed (Debian: clustershell)\n');
  process.exit(3);
}

const hosts = await start_hosts(count, values.server);
process.on('exit', () => rmSync(hosts.folder, { recursive: true, force: true }));
const results = [];
try {
  for (const { name, command, bytes } of COMMANDS) {
    for (const fanout of values.fanouts.split(',')) {
      const runs = CONTENDERS.map(() => []);
      const peaks = [];
      for (let round = 0; round < rounds; round += 1) {
        const order = round % 2 ? [1, 0] : [0, 1];
        for (const which of order) {
          const argv = CONTENDERS[which].argv(hosts, fanout, command);
          runs[which].push(await once_on_all(argv, bytes, false));
        }
      }
      for (const { argv } of CONTENDERS)
        peaks.push((await once_on_all(argv(hosts, fanout, command), bytes, true)).peak);
      const [seconds, processor] = ['seconds', 'processor'].map((what) => figures(runs, what));
      const peak_bytes = { fleet: peaks[0], clush: peaks[1], ratio: peaks[1] / peaks[0] };
      results.push({ command: name, fanout: Number(fanout), seconds, processor, peak_bytes, runs });
      if (!values.json) print(results.at(-1));
    }
  }
} finally {
  await hosts.close();
}
if (values.json)
  process.stdout.write(`${JSON.stringify({ hosts: count, server: values.server, results })}\n`);

/** Medians, and the median of the ratios of the rounds. */
function figures([ours, theirs], what) {
  const ratios = ours.map((run, round) => theirs[round][what] / run[what]);
  return {
    fleet: median(ours.map((run) => run[what])),
    clush: median(theirs.map((run) => run[what])),
    ratio: median(ratios),
  };
}

function print({ command, fanout, seconds, processor, peak_bytes }) {
  const pair = ({ fleet, clush, ratio }, text) =>
    `fleet ${text(fleet)}, clush ${text(clush)} (× ${ratio.toFixed(2)})`;
  const time = (value) => `${value.toFixed(2)} s`;
  const parts = [
    `${command.padEnd(4)} fan-out ${String(fanout).padStart(3)}`,
    `wall: ${pair(seconds, time)}`,
    `processor: ${pair(processor, time)}`,
    `memory: ${pair(peak_bytes, (bytes) => `${(bytes / 1e6).toFixed(0)} MB`)}`,
  ];
  process.stdout.write(`${parts.join('   ')}\n`);
}
