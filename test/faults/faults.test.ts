// Servers, blocking calls and promises whose system calls fail or do less than asked (faults.c): nothing is lost, nothing leaks,
// nothing hangs.
//
// FAULTS_SEEDS=50 (npm run test:faults) runs each program with that many seeds, FAULTS_FIRST_SEED=n begins with seed n.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

const SEEDS = Number(process.env.FAULTS_SEEDS ?? 1);
const FIRST_SEED = Number(process.env.FAULTS_FIRST_SEED ?? 1);
// Tells "hung" from "ended": a run takes seconds on a busy machine.
const HUNG_MS = 100_000;

const folder = mkdtempSync(join(tmpdir(), 'bsd-sockets-faults-'));
const library = join(folder, 'faults.so');
const rates = join(folder, 'rates');
const path_of = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

let missing = '';
beforeAll(() => {
  const compiler = process.env.CC ?? 'cc';
  const options = ['-shared', '-fPIC', '-O1', '-Wall', '-Wextra', '-Werror', '-o', library];
  const { error, status, stderr } = spawnSync(compiler, [...options, path_of('faults.c'), '-ldl'], {
    encoding: 'utf8',
  });
  if (error) missing = `${compiler} is not installed`;
  else if (status !== 0) throw new Error(stderr);
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach((context) => context.skip(missing !== '', missing));

/** Runs fixtures/NAME under faults to its end. @returns what it printed; undefined if it hung */
async function run(seed: number, name: string, ...args: (string | number)[]): Promise<unknown> {
  writeFileSync(rates, new Uint8Array(12));
  const child = spawn(process.execPath, [path_of(`fixtures/${name}`), ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LD_PRELOAD: library, FAULTS_FILE: rates, FAULTS_SEED: String(seed) },
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const watch = setTimeout(() => child.kill('SIGKILL'), HUNG_MS);
  const [code, signal] = await once(child, 'close');
  clearTimeout(watch);
  expect({ code, signal }, `seed ${seed}: ${errors.slice(-2000)}`).toEqual({ code: 0, signal: null });
  const { buffer, byteOffset } = readFileSync(rates);
  expect(
    new Int32Array(buffer.slice(byteOffset, byteOffset + 12))[2],
    'faults that were made',
  ).toBeGreaterThan(0);
  return JSON.parse(output);
}

let paths = 0;
const seeds = Array.from({ length: SEEDS }, (_, i) => FIRST_SEED + i);
const timeout = HUNG_MS + 10_000;

describe.each(seeds)('with seed %i', (seed) => {
  test('streams and datagrams of blocking calls arrive as sent', { timeout }, async () => {
    expect(await run(seed, 'streams.mjs', seed)).toEqual([]);
  });

  test('streams and datagrams of promises arrive as sent', { timeout }, async () => {
    expect(await run(seed, 'promises.mjs', seed)).toEqual([]);
  });

  test('runs of datagrams of blocking calls arrive once and as sent', { timeout }, async () => {
    expect(await run(seed, 'runs.mjs', seed)).toEqual({ wrong: [], failures: true });
  });

  test('pumps move all bytes, and tell those in between when they fail', { timeout }, async () => {
    expect(await run(seed, 'pump.mjs', seed)).toEqual({ wrong: [], failures: true, more_descriptors: 0 });
  });

  test('calls that fail throw OSError, leave no descriptor, and work again', { timeout }, async () => {
    expect(await run(seed, 'calls.mjs', seed)).toEqual({ under_faults: [], after: [], more_descriptors: 0 });
  });

  test('workers whose waits fail end', { timeout }, async () => {
    expect(await run(seed, 'waits.mjs', seed)).toEqual([]);
  });

  const kinds = ['', 'Threading', 'Forking', 'Async'].flatMap((mixin) => [
    `${mixin}TCPServer`,
    `${mixin}UnixStreamServer`,
  ]);
  describe.each(seeds.length > 1 ? kinds : kinds.filter((_, i) => i % 2 === 0))('%s', (kind) => {
    const path = () => (kind.endsWith('UnixStreamServer') ? [join(folder, `${paths++}.sock`)] : []);
    const answered = { wrong: [], unanswered: 0 };

    test('answers every request although its calls are interrupted and do less than asked', {
      timeout,
    }, async () => {
      const result = await run(seed, 'serve.mjs', kind, 100, 0, ...path());
      expect(result).toEqual({ under_faults: answered, after: answered, more_descriptors: 0 });
    });

    test('begins once its calls succeed, and loses no request that came before', { timeout }, async () => {
      const result = await run(seed, 'serve.mjs', kind, 'start', 1000, ...path());
      expect(result).toEqual({ after: answered, more_descriptors: 0 });
    });

    test('goes on and ends although its calls fail', { timeout }, async () => {
      const result = await run(seed, 'serve.mjs', kind, 0, 100, ...path());
      const some = { wrong: [], unanswered: expect.any(Number) };
      expect(result).toEqual({ under_faults: some, after: answered, more_descriptors: 0 });
    });
  });
});
