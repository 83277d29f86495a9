// The benchmark runs and its output has the promised shape. What it measures is nobody's assertion here.
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const program = fileURLToPath(new URL('../../bench/run.mjs', import.meta.url));

interface Result {
  machine: { node: string; load: number[] };
  rounds: number;
  results: {
    name: string;
    rows: {
      contender: string;
      median_ns: number;
      of_c: number;
      best_ns: number;
      best_of_c: number;
      server_ns: number | null;
      dropped?: number;
      rounds_ns: number[];
    }[];
  }[];
}

/** Runs the benchmark; never rejects. */
function bench(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr });
    });
  });
}

describe('npm run bench', () => {
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'bench-test-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const WORKLOADS: readonly (readonly [name: string, contenders: readonly string[], served: boolean])[] = [
    ['call-getsockopt', ['c', 'c-threaded', 'bsd-sockets'], false],
    ['ping-pong-tcp', ['c', 'c-threaded', 'bsd-sockets', 'node'], true],
    ['requests-threads', ['c', 'bsd-sockets', 'node'], false],
    ['async-echo-200', ['c', 'c-threaded', 'bsd-sockets', 'node'], true],
    ['async-server-200', ['c', 'c-threaded', 'bsd-sockets', 'node'], true],
    ['requests-async', ['c', 'bsd-sockets', 'node'], false],
    ['async-udp-recvmmsg_into', ['c', 'c-threaded', 'bsd-sockets', 'node'], false],
    ['async-udp-iterate', ['c', 'c-threaded', 'bsd-sockets', 'node'], false],
    ['async-udp-joined', ['c', 'c-threaded', 'bsd-sockets', 'node'], false],
    ['call-udp-burst', ['c', 'c-threaded', 'bsd-sockets', 'node'], false],
    ['tls-download', ['node', 'bsd-sockets'], false],
    ['tls-upload', ['node', 'bsd-sockets'], false],
    ['tls-handshakes', ['node', 'bsd-sockets'], false],
    ['watching', ['async', 'statistics', 'events', 'context', 'limits'], false],
  ];
  const NAMES = WORKLOADS.map(([name]) => name);
  // The scheduler counts the processor time of a thread that runs on by its ticks: some of them have to fall into a round.
  const is_long = (name: string) => /^(tls|watching)/.test(name);

  describe.each([
    ['0.02', NAMES.filter((name) => !is_long(name))],
    ['0.1', NAMES.filter(is_long)],
  ])('rounds of %s s', (seconds, names) => {
    let done: Awaited<ReturnType<typeof bench>>;
    let measured: Result;
    beforeAll(async () => {
      const output = join(directory, `${seconds}.json`);
      done = await bench('--quick', '--rounds', '2', '--seconds', seconds, '--output', output, ...names);
      measured = JSON.parse(readFileSync(output, 'utf8'));
    }, 180_000);

    test('a table and JSON of all of them, with the load', () => {
      expect(done, done.stderr).toMatchObject({ code: 0 });
      expect(done.stdout).toMatch(/^load of the machine .*: [\d.]+ before, [\d.]+ after; \d+ processors?$/m);
      expect(measured.machine).toMatchObject({
        node: process.versions.node,
        load: [expect.any(Number), expect.any(Number)],
      });
      expect(measured.rounds).toBe(2);
      expect(measured.results.map(({ name }) => name).sort()).toEqual([...names].sort());
    });

    test.each(WORKLOADS.filter(([name]) => names.includes(name)))(
      '%s: every contender',
      (name, contenders, served) => {
        const table = done.stdout.slice(done.stdout.indexOf(`${name}: `)).split('\n\n')[0];
        expect(table).toMatch(/^ {2}(bsd-sockets|unwatched) +[\d,.]+ ns +\d+\.\d{3}/m);
        const rows = measured.results.find((result) => result.name === name)?.rows ?? [];
        // CPython and Bun take part where there is one.
        const optional = new Set(['cpython', 'bun']);
        expect(rows.map((row) => row.contender).filter((id) => !optional.has(id))).toEqual(contenders);
        expect(rows[0]?.of_c).toBe(1);
        for (const row of rows) {
          expect(row.median_ns).toBeGreaterThan(0);
          expect(row.of_c).toBeGreaterThan(0);
          expect(row.best_ns).toBe(Math.min(...row.rounds_ns));
          expect(row.best_of_c).toBeGreaterThan(0);
          expect(row.rounds_ns).toHaveLength(2);
          expect(typeof row.server_ns).toBe(served ? 'number' : 'object');
        }
      },
    );
  });

  test('says who does not take part, and why', async () => {
    const output = join(directory, 'absent.json');
    const short = ['--quick', '--rounds', '1', '--seconds', '0.01', '--output', output];
    const call = await bench(...short, 'call-getsockopt');
    expect(call.stdout).toContain(`without node ${process.versions.node}, which has no such call`);
    const python = await bench(...short, '--python', '/nowhere/python3', 'call-send');
    expect(python).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('without CPython: no python3 found'),
    });
  }, 180_000);

  test('a workload that fails is said, with who failed, and the others are measured', async () => {
    const output = join(directory, 'failed.json');
    const python = join(directory, 'python3');
    // Says its version, and nothing else.
    writeFileSync(python, '#!/bin/sh\n[ "$1" = -c ] && echo 3 99 0\n', { mode: 0o755 });
    const short = ['--quick', '--rounds', '1', '--seconds', '0.01', '--output', output, '--python', python];
    const { code, stdout, stderr } = await bench(...short, 'call-getsockopt', 'tls-handshakes', 'watching');
    expect(code).toBe(1);
    expect(stderr).toContain('call-getsockopt: failed: CPython 3.99.0: the program ended, or did not answer');
    expect(stderr).toContain('tls-handshakes: failed: CPython 3.99.0: ');
    expect(stdout).toContain('watching: ');
    const { results }: Result = JSON.parse(readFileSync(output, 'utf8'));
    expect(results.map(({ name }) => name)).toEqual(['watching']);
  }, 180_000);
  test('captures: a table, and JSON with tcpdump, sniff and packets as objects', async (ctx) => {
    const output = join(directory, 'capture.json');
    const done = await bench('--rounds', '2', '--seconds', '0.01', '--output', output, 'capture-64');
    expect(done, done.stderr).toMatchObject({ code: 0 });
    const missing = /^capture-64: not measured: (.*)$/m.exec(done.stdout)?.[1];
    ctx.skip(missing !== undefined, missing);
    expect(done.stdout).toMatch(/ median +of tcpdump .* dropped\n {2}tcpdump -w /);
    const { results, machine }: Result = JSON.parse(readFileSync(output, 'utf8'));
    expect(machine.load).toEqual([expect.any(Number), expect.any(Number)]);
    const rows = results[0]?.rows ?? [];
    expect(rows.map(({ contender }) => contender)).toEqual(['tcpdump', 'bsd-sockets', 'packets']);
    for (const { median_ns, of_c, dropped } of rows) {
      expect(median_ns).toBeGreaterThan(0);
      expect(of_c).toBeGreaterThan(0);
      expect(dropped).toBeGreaterThanOrEqual(0);
    }
  }, 90_000);

  test('chart.mjs draws a bar for each program that a workload has', async () => {
    const results = join(directory, 'drawn.json');
    const image = join(directory, 'drawn.svg');
    const chart = fileURLToPath(new URL('../../bench/chart.mjs', import.meta.url));
    const row = (contender: string, of_c: number) => ({ contender, of_c });
    const rows = [row('c', 1), row('bsd-sockets', 0.75), row('cpython', 0.5)];
    const measured = {
      machine: { node: '20.0.0', kernel: '6.1.0-x' },
      results: [
        { name: 'ping-pong-tcp', rows },
        { name: 'call-getsockopt', rows },
      ],
    };
    writeFileSync(results, JSON.stringify(measured));
    const drawn = spawnSync(process.execPath, [chart, results, image], { encoding: 'utf8' });
    expect(drawn).toMatchObject({ status: 0, stderr: '', stdout: `${image}\n` });
    const svg = readFileSync(image, 'utf8');
    expect(svg).toContain('round trip of 64 B, TCP');
    // Two bars and their shares; C is the line.
    const widths = [...svg.matchAll(/<rect x="250"[^>]*? width="([\d.]+)" height="10"/g)].map((m) =>
      Number(m[1]),
    );
    expect(widths.filter((width) => width > 10)).toEqual([345, 230]);
    expect(svg.match(/>0\.(75|50)</g)).toHaveLength(2);
  });

  test('an unknown workload, number or option is refused, and said what there is', async () => {
    const unknown = await bench('knitting');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('ping-pong-tcp, ping-pong-unix');

    const number = await bench('--rounds', 'many');
    expect(number.code).toBe(2);
    expect(number.stderr).toContain('--rounds takes a number above 0, not many');

    expect((await bench('--speed', '11')).code).not.toBe(0);
  });
});

test('npm run bench:packet: a line for each', () => {
  const packets = fileURLToPath(new URL('../../bench/packet.mjs', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [packets, '--quick'], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(
    stdout.match(/^(build|parse|checksum) .+ +\d+ ns( {2}[\d.]+ of a DataView by hand)?\s*$/gm),
  ).toHaveLength(6);
});
