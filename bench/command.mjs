// node bench/command.mjs (as root): `bsd-sockets sweep` of 4,094 loopback addresses beside fping and a CPython script, and
// `bsd-sockets sniff` of a loopback flood beside tcpdump, with what they dropped and the processor time of a packet. Each whole program is timed, its start included. On a machine that is
// busy otherwise: `chrt -r 20 taskset -c 1 node bench/command.mjs`.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import * as socket from 'bsd-sockets/socket';

const program = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const script = fileURLToPath(new URL('./python/sweep.py', import.meta.url));
const NETWORK = '127.0.16.0/20';
const COUNT = 4094;
const ROUNDS = 7;
const FLOOD_SECONDS = 2;
const FLOOD_SIZE = 64;
const CAPTURE_ROUNDS = 3;
/** After which a program has done with what came, or with its start. */
const SETTLED_MS = 500;
/** Of /proc/PID/stat, a second. */
const TICKS = 100;

const contenders = [
  { name: 'fping -i 0', command: ['fping', '-q', '-i', '0', '-r', '0', '-a', '-g', NETWORK] },
  { name: 'CPython', command: ['python3', script, NETWORK] },
  { name: 'bsd-sockets', command: [process.execPath, program, 'sweep', '-q', '-i', '0', '-r', '0', NETWORK] },
  { name: 'node, empty', command: [process.execPath, '-e', '0'] },
];

function seconds_of([file, ...args]) {
  const began = performance.now();
  const { error, stderr } = spawnSync(file, args, { encoding: 'utf8' });
  if (error) return { seconds: Number.NaN };
  return { seconds: (performance.now() - began) / 1000, stderr };
}

/** The best round of each program, the programs in turn. */
function sweep() {
  const best = contenders.map(() => ({ seconds: Number.POSITIVE_INFINITY }));
  for (let round = 0; round < ROUNDS; round++) {
    contenders.forEach(({ command }, i) => {
      const result = seconds_of(command);
      if (!(result.seconds >= best[i].seconds)) best[i] = result;
    });
  }
  const [floor] = best;
  console.log(`sweep of ${COUNT} addresses, whole programs`);
  contenders.forEach(({ name }, i) => {
    const { seconds, stderr = '' } = best[i];
    const ratio = (seconds / floor.seconds).toFixed(1);
    console.log(
      `  ${name.padEnd(14)} ${seconds.toFixed(3)} s  ${ratio} times fping  ${stderr.trim().split('\n').at(-1)}`,
    );
  });
}

/** Returns the processor time of a process, in seconds: see proc(5). */
function processor_seconds(pid) {
  const [utime, stime] = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
    .slice(11, 13);
  return (Number(utime) + Number(stime)) / TICKS;
}

/** Sends datagrams to nobody as fast as it goes, while a program captures them. Its start is not counted. */
async function capture(name, [file, ...args]) {
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  child.on('error', () => child.stderr.destroy());
  let report = '';
  child.stderr.on('data', (chunk) => {
    report += chunk;
  });
  while (!report.includes('listening')) {
    if (child.pid === undefined || child.exitCode !== null)
      return console.log(`  ${name.padEnd(14)} is not there`);
    await Promise.race([once(child.stderr, 'data'), once(child.stderr, 'close')]);
  }
  await sleep(SETTLED_MS);
  const before = processor_seconds(child.pid);
  const sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
  const messages = Array.from({ length: 64 }, () => [[Buffer.alloc(FLOOD_SIZE)], null, 0, ['127.0.0.1', 9]]);
  let sent = 0;
  for (const until = performance.now() + FLOOD_SECONDS * 1000; performance.now() < until; )
    sent += sock.sendmmsg(messages);
  await sleep(SETTLED_MS);
  const seconds = processor_seconds(child.pid) - before;
  child.kill('SIGINT');
  await once(child, 'close');
  const [captured, received, dropped] = [...report.matchAll(/^(\d+) packets/gm)].map(([, count]) =>
    Number(count),
  );
  const rate = Math.round(captured / FLOOD_SECONDS);
  const share = ((dropped * 100) / received).toFixed(1);
  console.log(
    `  ${name.padEnd(14)} sent ${sent}, seen ${received}, captured ${captured} (${rate}/s), dropped ${dropped} (${share} %), ${Math.round((seconds * 1e9) / captured)} ns of processor time a packet`,
  );
}

// tcpdump -y EN10MB -dd 'ip and udp dst port 9', for packets without IP options.
const PORT_9 = [
  [0x28, 0, 0, 12],
  [0x15, 0, 5, 0x0800],
  [0x30, 0, 0, 23],
  [0x15, 0, 3, 17],
  [0x28, 0, 0, 36],
  [0x15, 0, 1, 9],
  [0x06, 0, 0, 262144],
  [0x06, 0, 0, 0],
];

sweep();
console.log(
  `\nsniff of a flood of ${FLOOD_SIZE} byte datagrams, ${FLOOD_SECONDS} s, with the packets that the program dropped`,
);
const folder = mkdtempSync(join(tmpdir(), 'sniff-'));
const filter = join(folder, 'filter');
writeFileSync(filter, `${PORT_9.length}\n${PORT_9.map((row) => row.join(' ')).join('\n')}\n`);
const sniff = [process.execPath, program, 'sniff', '-i', 'lo', '-F', filter];
const tcpdump = ['tcpdump', '-Z', 'root', '-i', 'lo', '-n'];
for (let round = 0; round < CAPTURE_ROUNDS; round++) {
  await capture('tcpdump -w', [...tcpdump, '-w', '/dev/null', 'udp port 9']);
  await capture('sniff -w', [...sniff, '-w', '/dev/null']);
}
await capture('tcpdump, lines', [...tcpdump, 'udp port 9']);
await capture('sniff, lines', sniff);
rmSync(folder, { recursive: true });
