// The examples in the comments of lib/ that print something: each runs, and prints what its comments say. Those that need a privilege,
// a family that kernels may lack, a network or another process have nothing to print.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Example, examples, examples_of } from '../package/examples.js';
import { root } from '../package/tarball.js';

const printing = examples.filter(({ output }) => output.length > 0);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'examples-'));
  mkdirSync(join(folder, 'node_modules', '@types'), { recursive: true });
  symlinkSync(root, join(folder, 'node_modules', 'bsd-sockets'));
  symlinkSync(join(root, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs examples one after another in one process. Returns what each printed, or its error. */
function run(some: readonly Example[]): string[][] {
  const sources = some.map(({ source }, index) => {
    const file = join(folder, `example${index}.mts`);
    writeFileSync(file, source);
    return file;
  });
  const options = ['--target', 'es2022', '--module', 'nodenext', '--types', 'node', '--noCheck'];
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const compiled = spawnSync(process.execPath, [tsc, ...options, ...sources], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(compiled.stdout).toBe('');
  writeFileSync(
    join(folder, 'all.mjs'),
    `import { format } from 'node:util';
    import { writeSync } from 'node:fs';
    const results = [];
    for (let i = 0; i < ${some.length}; i++) {
      const lines = [];
      console.log = (...values) => lines.push(format(...values));
      writeSync(2, 'example ' + i + '\\n');
      try { await (await import('./example' + i + '.mjs')).run(); } catch (error) { lines.push(String(error)); }
      results.push(lines);
    }
    writeSync(1, JSON.stringify(results));
    process.exit();`,
  );
  const { stdout, stderr } = spawnSync(process.execPath, ['all.mjs'], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 200_000,
  });
  if (stdout === '') {
    const last = Number(/example (\d+)\n$/.exec(stderr)?.[1] ?? -1);
    throw new Error(`The process ended in ${some[last]?.name}: ${stderr.slice(-500)}`);
  }
  return JSON.parse(stdout.slice(stdout.indexOf('[['))) as string[][];
}

/** What was printed, beside what the comments say. */
function compare(some: readonly Example[]): { name: string; printed: unknown; comment: unknown }[] {
  const results = run(some);
  return some.flatMap(({ name, output }, index) => {
    const printed = (results[index] ?? []).map((line, i) =>
      output[i] === undefined && i < output.length ? undefined : line,
    );
    return JSON.stringify(printed) === JSON.stringify(output) ? [] : [{ name, printed, comment: output }];
  });
}

test('there are examples', () => {
  expect(examples.length).toBeGreaterThan(380);
  expect(printing.length).toBeGreaterThan(280);
});

test('each prints what its comments say', { timeout: 240_000 }, () => {
  expect(compare(printing)).toEqual([]);
});

test('one that is wrong is found', { timeout: 240_000 }, () => {
  const comment = (line: string) => `/**\n * One.\n *\n * @example\n * ${line}\n */\n`;
  const wrong = [
    'console.log(htons(htons(1))); // 2',
    'console.log(sock.gettimeout()); // 1',
    'console.log(1);console.log(sock.recv(0, -1.5)); // 1',
  ].flatMap((line) => examples_of('lib/socket/socket.ts', comment(line)));
  expect(compare(wrong).map(({ printed }) => printed)).toEqual([
    ['1'],
    ['null'],
    ['1', expect.stringMatching(/RangeError|TypeError/)],
  ]);
});
