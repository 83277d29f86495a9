// ftpd beside vsftpd and pyftpdlib, in one run: throughput of STOR and RETR, plain and over TLS, log-ins a second, and the memory of idle clients.
//
//   node examples/ftp/bench/run.mjs [--rounds 7] [--megabytes 256] [--only stor,retr,stor-tls,retr-tls,logins,memory] [--kinds loop,threads]
//
// The load is the same for all: curl, one transfer at a time, and logins.c. The servers take turns within a round, and the numbers are medians
// of the ratios within rounds, so that what else the machine does counts for all alike. All files are in memory (/dev/shm). As root, for
// vsftpd; without a server it says so and goes on. pyftpdlib resets a data connection whose first bytes of TLS come too early (its issue 604), as curl's may: then it is left out of those rows. Nothing leaves the loopback interface.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { start_ftpd, start_pyftpd, start_vsftpd } from './servers.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    megabytes: { type: 'string', default: '256' },
    only: { type: 'string', default: 'stor,retr,stor-tls,retr-tls,logins,memory' },
    kinds: { type: 'string', default: 'loop,threads,processes' },
    seconds: { type: 'string', default: '3' },
  },
});
const rounds = Number(values.rounds);
const size = Number(values.megabytes) * 1024 * 1024;
const only = values.only.split(',');
const IDLE = 300;

const folder = mkdtempSync('/dev/shm/ftp-bench-');
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

function certificate() {
  const [cert_file, key_file] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const line = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
  ];
  spawnSync('openssl', [...line, '-keyout', key_file, '-out', cert_file, '-subj', '/CN=localhost']);
  return { cert_file, key_file };
}

const program = join(folder, 'logins');
const source = join(import.meta.dirname, 'logins.c');
if (spawnSync('cc', ['-O2', '-pthread', '-o', program, source], { stdio: 'inherit' }).status !== 0)
  process.exit(1);

async function run(file, line) {
  const child = spawn(file, line, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, errors] = ['', ''];
  child.stdout.on('data', (text) => {
    out += text;
  });
  child.stderr.on('data', (text) => {
    errors += text;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${file} ended with ${code}: ${errors.slice(-500)}`);
  return out;
}

const curl = (server, more, tls) =>
  run('curl', [
    ...['-s', '-S', '--fail', '--max-time', '120', '-u', `${server.user}:${server.password}`],
    ...(tls ? ['--ssl-reqd', '-k'] : []),
    ...more,
  ]);

/** MB/s, as curl tells. */
async function stor(server, tls) {
  const name = `up-${process.hrtime.bigint()}`;
  const url = `ftp://127.0.0.1:${server.port}/${server.remote}${name}`;
  const speed = await curl(server, ['-T', join(folder, 'data'), '-w', '%{speed_upload}', url], tls);
  rmSync(join(server.files, name));
  return Number(speed) / 1e6;
}

async function retr(server, tls) {
  const url = `ftp://127.0.0.1:${server.port}/${server.remote}down`;
  return Number(await curl(server, ['-o', '/dev/null', '-w', '%{speed_download}', url], tls)) / 1e6;
}

async function logins(server) {
  const out = await run(program, [
    '127.0.0.1',
    String(server.port),
    server.user,
    server.password,
    '4',
    values.seconds,
  ]);
  const [rate, failures] = out.trim().split(' ').map(Number);
  if (failures > 0) throw new Error(`${server.name}: ${failures} log-ins failed`);
  return rate;
}

/** MiB that the processes have for themselves; shared pages count by share. */
function memory(server) {
  let total = 0;
  for (const pid of server.pids())
    try {
      total += Number(
        /^Pss:\s+([0-9]+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0,
      );
    } catch {
      // It has ended meanwhile.
    }
  return total / 1024;
}

async function idle_client(server) {
  const socket = connect(server.port, '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1');
  const answer = async (code) => {
    while (!new RegExp(`^${code} .*\r\n$`, 'm').test(text)) {
      const [chunk] = await once(socket, 'data', { signal: AbortSignal.timeout(60_000) });
      text += chunk;
    }
    text = '';
  };
  await answer(220);
  socket.write(`USER ${server.user}\r\n`);
  await answer(331);
  socket.write(`PASS ${server.password}\r\n`);
  await answer(230);
  socket.on('error', () => {});
  return socket;
}

async function idle_memory(server) {
  // What a server makes once, at its first client, belongs to its start.
  (await idle_client(server)).destroy();
  await sleep(1500);
  const before = memory(server);
  const clients = [];
  for (let i = 0; i < IDLE; i += 20)
    clients.push(...(await Promise.all(Array.from({ length: 20 }, () => idle_client(server)))));
  await sleep(3000);
  const after = memory(server);
  for (const client of clients) client.destroy();
  await sleep(1000);
  return { before, after };
}

const WORK = {
  stor: { unit: 'MB/s', measure: (server) => stor(server, false) },
  retr: { unit: 'MB/s', measure: (server) => retr(server, false) },
  'stor-tls': { unit: 'MB/s', measure: (server) => stor(server, true) },
  'retr-tls': { unit: 'MB/s', measure: (server) => retr(server, true) },
  logins: { unit: 'a second', measure: logins },
};

const median = (numbers) => {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

const pair = certificate();
writeFileSync(
  join(folder, 'data'),
  Buffer.alloc(size, 'the quick brown fox jumps over the lazy dog 0123456789'),
);
const starts = [
  ['vsftpd', (at) => start_vsftpd(at, pair)],
  ['pyftpdlib', (at) => start_pyftpd(at, pair)],
  ...values.kinds.split(',').map((kind) => [`ftpd-${kind}`, (at) => start_ftpd(at, pair, kind)]),
];
const servers = [];
try {
  for (const [name, start] of starts)
    try {
      const at = join(folder, name);
      mkdirSync(at);
      servers.push(await start(at));
    } catch (error) {
      console.log(`without ${name}: ${error.message}`);
    }
  for (const server of servers) {
    const url = `ftp://127.0.0.1:${server.port}/${server.remote}down`;
    await curl(server, ['-T', join(folder, 'data'), url], false);
  }
  for (const [name, { unit, measure }] of Object.entries(WORK)) {
    if (!only.includes(name)) continue;
    const able = [];
    for (const server of servers)
      try {
        await measure(server);
        able.push(server);
      } catch (error) {
        console.log(`\n${name}: without ${server.name}: ${error.message}`);
      }
    const rows = [];
    for (let round = 0; round < rounds; round++) {
      const row = [];
      for (const server of able) row.push(await measure(server));
      rows.push(row);
    }
    console.log(`\n${name} (${unit}; ratios are medians of ${rounds} rounds)`);
    able.forEach((server, i) => {
      const ratios = ['vsftpd', 'pyftpdlib'].flatMap((name_of_other) => {
        const other = able.findIndex((one) => one.name === name_of_other);
        if (other < 0 || other === i) return [];
        return [`${median(rows.map((row) => row[i] / row[other])).toFixed(2)} × ${name_of_other}`];
      });
      const value = median(rows.map((row) => row[i]));
      console.log(`  ${server.name.padEnd(16)} ${value.toFixed(0).padStart(7)}   ${ratios.join(', ')}`);
    });
  }
  if (only.includes('memory')) {
    console.log(`\nmemory (MiB, Pss of all processes; ${IDLE} clients that have logged in and wait)`);
    for (const [name, start] of starts) {
      if (!servers.some((server) => server.name === name.replace('-', ' '))) continue;
      // A fresh one: memory that earlier work has left is not that of clients.
      const at = join(folder, `${name}-idle`);
      mkdirSync(at);
      const server = await start(at);
      servers.push(server);
      const { before, after } = await idle_memory(server);
      await server.stop();
      console.log(
        `  ${server.name.padEnd(16)} start ${before.toFixed(1).padStart(6)}, with clients ${after.toFixed(1).padStart(6)}: ${(after - before).toFixed(1)} more`,
      );
    }
  }
} finally {
  for (const server of servers) await server.stop();
}
