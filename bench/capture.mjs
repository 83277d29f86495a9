// Captures: programs that capture what floor/flood.c sends through a pair of links, in network namespaces made for it, at 150,000 packets a
// second. A unit is a packet that was captured; its cost is the processor time of all threads of the program, its start and its end left out.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { rows } from './report.mjs';

const RATE = 150_000;
/** After which a program has done with its start, or with what came. */
const SETTLED_MS = 500;
const PATIENCE_MS = 20_000;

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const OUTPUT = '/dev/null';
const contenders = [
  {
    id: 'tcpdump',
    title: 'tcpdump -w',
    command: ['tcpdump', '-Z', 'root', '-i', 'right', '-n', '-w', OUTPUT],
  },
  {
    id: 'bsd-sockets',
    title: 'sniff -w',
    command: [process.execPath, path('../dist/cli/main.js'), 'sniff', '-i', 'right', '-w', OUTPUT],
  },
  {
    id: 'packets',
    title: 'packets',
    command: [process.execPath, path('bsd-sockets/packets.mjs'), 'right'],
  },
];

function ip(...args) {
  const { status, error, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${error?.message ?? stderr.trim()}`);
}

/** Two namespaces, joined by the links left and right. */
class Links {
  near = `bench-${process.pid}-near`;
  far = `bench-${process.pid}-far`;

  constructor() {
    const made = [this.near, this.far];
    for (const name of made) ip('netns', 'add', name);
    ip('link', 'add', 'left', 'netns', this.near, 'type', 'veth', 'peer', 'name', 'right', 'netns', this.far);
    for (const [name, link] of [
      [this.near, 'left'],
      [this.far, 'right'],
    ]) {
      // No neighbour discovery between the packets.
      spawnSync('ip', ['netns', 'exec', name, 'sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1']);
      ip('-n', name, 'link', 'set', link, 'up');
    }
  }

  remove() {
    for (const name of [this.near, this.far]) spawnSync('ip', ['netns', 'del', name]);
  }
}

/** Returns what keeps this machine from measuring; undefined if nothing does. */
export function missing_for_capture() {
  if (process.getuid?.() !== 0) return 'needs root';
  for (const name of ['tcpdump', 'ip'])
    if (spawnSync(name, ['-V']).error !== undefined && spawnSync(name, ['--version']).error !== undefined)
      return `needs ${name}`;
  return undefined;
}

/** Returns the nanoseconds that all threads of a process have used, by the scheduler's own account. */
function processor_ns(pid) {
  const times = readdirSync(`/proc/${pid}/task`).map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
  );
  return times.reduce((sum, time) => sum + time, 0);
}

/**
 * Lets a program capture so many packets.
 * @returns {Promise<import('./program.mjs').Figure>}
 */
async function capture({ command }, links, { directory, size, count }) {
  const cpus = availableParallelism() > 1 ? ['0', '1'] : ['all', 'all'];
  const pin = join(directory, 'pin');
  const line = ['netns', 'exec', links.far, pin, cpus[1], ...command];
  const child = spawn('ip', line, { stdio: ['ignore', 'ignore', 'pipe'] });
  const watch = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS + (count / RATE) * 10_000);
  let report = '';
  child.stderr.on('data', (chunk) => {
    report += chunk;
  });
  try {
    while (!report.includes('listening')) {
      if (child.exitCode !== null) throw new Error(`${command[0]} ended: ${report}`);
      await Promise.race([once(child.stderr, 'data'), once(child, 'close')]);
    }
    await sleep(SETTLED_MS);
    const before = processor_ns(child.pid);
    const flood = [join(directory, 'flood'), 'left', String(count), String(RATE), String(size)];
    const { status, stderr } = spawnSync('ip', ['netns', 'exec', links.near, pin, cpus[0], ...flood], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(stderr);
    await sleep(SETTLED_MS);
    const spent = processor_ns(child.pid) - before;
    const closed = once(child, 'close');
    child.kill('SIGINT');
    await closed;
    const counts = [...report.matchAll(/^(\d+) packets/gm)].map(([, number]) => Number(number));
    const [captured = 0, , dropped = 0] = counts;
    if (captured === 0) throw new Error(`${command[0]} captured nothing: ${report}`);
    return { ns: spent / captured, count: captured, dropped };
  } finally {
    clearTimeout(watch);
    child.kill('SIGKILL');
  }
}

/**
 * Measures all programs, one round each in turn.
 * @param {{ size: number }} workload bytes of a packet
 * @param {{ directory: string, rounds: number, seconds: number }} options where the C programs are; seconds of a flood
 * @returns {Promise<import('./report.mjs').Row[]>}
 */
export async function measure_capture({ size }, { directory, rounds, seconds }) {
  const links = new Links();
  try {
    const figures = contenders.map(() => []);
    for (let round = 0; round < rounds; round++) {
      for (const [i, contender] of contenders.entries())
        figures[i].push(
          await capture(contender, links, { directory, size, count: Math.round(RATE * seconds) }),
        );
    }
    return rows(contenders, figures);
  } finally {
    links.remove();
  }
}
