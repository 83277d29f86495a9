// What a call of each hot path takes, in figures that are the same on a busy machine: no time among them.
//
//   bytes   of young objects on V8's heap
//   code    instructions in all, with V8's interpreter: JavaScript that does more has more of them
//   native  instructions of the addon
//   napi    functions of Node-API that the addon calls, and
//   system  system calls that it makes, by name
//   news    blocks of memory that it allocates
//
// V8 compiles nothing and collects no garbage meanwhile: both would begin when they like.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { read_profile } from './profile.mjs';

const run = promisify(execFile);
const program = fileURLToPath(new URL('paths.mjs', import.meta.url));
/** How often each path is walked. A socket has to hold so many messages. */
const COUNT = 100;
const ADDON = 'bsd_sockets.node';
const FLAGS = [
  '--no-warnings',
  '--jitless',
  '--single-threaded',
  '--min-semi-space-size=64',
  '--max-semi-space-size=64',
];
const SYSTEM_CALL =
  /^(__)?(libc_)?((send|recv)(to|from|m?msg|file)?|accept4?|connect|e?poll\w*|ppoll|fcntl\w*|[gs]etsockopt|read|write|splice|tee|ioctl|syscall)$/;
/** Calls of the marks and of other threads come once in a while: a call that belongs to the path comes each time. */
const RARE = 0.1;

/**
 * @typedef {object} Cost what one call takes
 * @property {number} bytes
 * @property {number} [code]
 * @property {number} [native]
 * @property {number} [napi]
 * @property {Record<string, number>} [system]
 * @property {number} [news]
 */

/**
 * @typedef {object} Measured
 * @property {Environment} environment
 * @property {Record<string, Cost>} paths
 * @property {Cost} planted that of `send` with an object and a call of the addon more, which the guard has to find
 */

/**
 * What figures depend on, beside the sources.
 * @typedef {object} Environment
 * @property {string} node its version
 * @property {string} arch
 * @property {string} compiler of the addon
 */

/** @returns {Environment} */
export function environment() {
  const addon = readFileSync(
    fileURLToPath(new URL(`../../build/Release/${ADDON}`, import.meta.url)),
    'latin1',
  );
  const compiler = /GCC: \([^)]*\) [\d.]+|clang version [\d.]+/.exec(addon)?.[0] ?? 'unknown';
  return { node: process.versions.node, arch: process.arch, compiler };
}

/** The version of valgrind; undefined without one. */
export async function find_valgrind() {
  try {
    return (await run('valgrind', ['--version'])).stdout.trim();
  } catch {
    return undefined;
  }
}

/**
 * Measures all paths.
 * @param {boolean} with_valgrind false: only the bytes
 * @returns {Promise<Measured>}
 */
export async function measure(with_valgrind) {
  const [bytes, profiles] = await Promise.all([heap_bytes(), with_valgrind ? profile() : undefined]);
  const costs = Object.entries(bytes).map(([name, count], i) => [
    name,
    { bytes: round(count), ...(profiles === undefined ? {} : cost(profiles[i])) },
  ]);
  const { planted, ...paths } = Object.fromEntries(costs);
  return { environment: environment(), paths, planted };
}

/** @returns {Promise<Record<string, number>>} */
async function heap_bytes() {
  const { stdout } = await run(process.execPath, [...FLAGS, program, 'bytes', String(COUNT)]);
  return JSON.parse(stdout.slice(stdout.indexOf('{')));
}

/** The parts of the profile that are a path: each second one, from the first mark on. */
async function profile() {
  const directory = mkdtempSync(join(tmpdir(), 'bsd-sockets-guard-'));
  try {
    const callgrind = [
      '-q',
      '--tool=callgrind',
      '--dump-before=hstrerror',
      // The other threads, such as the watchdog, work when they like.
      '--separate-threads=yes',
      `--callgrind-out-file=${join(directory, 'part')}`,
    ];
    await run('valgrind', [...callgrind, process.execPath, ...FLAGS, program, 'marks', String(COUNT)]);
    // part.NUMBER-THREAD; that of the main thread is 01.
    const numbers = readdirSync(directory).flatMap((name) => /^part\.(\d+)-01$/.exec(name)?.[1] ?? []);
    const parts = numbers.filter((number) => number % 2 === 0).sort((a, b) => a - b);
    return parts.map((number) =>
      read_profile(readFileSync(join(directory, `part.${number}-01`), 'latin1'), ADDON),
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/**
 * @param {import('./profile.mjs').Profile} profile
 * @returns {Cost}
 */
function cost({ total, own, calls }) {
  const each = [...calls]
    .map(([name, count]) => [name.split('@')[0], count / COUNT])
    .filter(([, count]) => count > RARE);
  const sum = (is_counted) =>
    round(each.filter(([name]) => is_counted(name)).reduce((all, [, count]) => all + count, 0));
  return {
    code: Math.round(total / COUNT),
    native: Math.round(own / COUNT),
    napi: sum((name) => name.startsWith('napi_')),
    system: Object.fromEntries(
      each
        .filter(([name]) => SYSTEM_CALL.test(name))
        .map(([name, count]) => [name, round(count)])
        .sort(([a], [b]) => a.localeCompare(b)),
    ),
    news: sum((name) => name.startsWith('operator new')),
  };
}

/** Rounds to tenths: what happens to one call of a hundred is no part of the path. */
function round(value) {
  return Math.round(value * 10) / 10;
}
