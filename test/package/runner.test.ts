// scripts/test.mjs on a copy of the checkout with tests of known outcome: what it counts, prints and exits with.

import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LONG } from '../../scripts/vitest/sequencer.js';
import { copyBuilt, normal_path, root, run, temporaryFolder } from './tarball.js';

const folder = temporaryFolder();
let copy: string;

beforeAll(() => {
  copy = copyBuilt(folder);
  mkdirSync(join(copy, 'test', 'unit'), { recursive: true });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs one test file with this text and gives the exit code, the last line and all that was printed. */
function runTests(text: string, ...options: string[]) {
  writeFileSync(join(copy, 'test', 'unit', 'x.test.ts'), `import { expect, it } from 'vitest';\n${text}`);
  const args = ['scripts/test.mjs', 'test/unit/x.test.ts', ...options];
  const { code, stdout, stderr } = run(copy, normal_path, 'node', ...args);
  return { code, last: stdout.trimEnd().split('\n').at(-1), output: stdout + stderr };
}

it('counts what passed, failed and was skipped, and prints the reasons', () => {
  const { code, last, output } = runTests(`
    it('good', () => expect(1).toBe(1));
    it('bad', () => expect(1).toBe(2));
    it('not here', (test) => test.skip('needs a teapot'));
  `);
  expect({ code, last }, output).toEqual({ code: 1, last: '1 passed, 1 failed, 1 skipped' });
  expect(output).toMatch(/test\/unit\/x\.test\.ts > not here\n +needs a teapot/);
});

it('passes vitest options on, and exits with 0 when all that ran passed', () => {
  const tests = `
    it('good', () => expect(1).toBe(1));
    it('bad', () => expect(1).toBe(2));
  `;
  const { code, last, output } = runTests(tests, '-t', 'good');
  expect({ code, last }, output).toEqual({ code: 0, last: '1 passed, 0 failed, 1 skipped' });
});

it('counts a file that does not load as failed', () => {
  const { code, last, output } = runTests(`throw new Error('at the top'); it('never', () => {});`);
  expect({ code, last }, output).toEqual({ code: 1, last: '0 passed, 1 failed, 0 skipped' });
});

it('counts the tests of a process that died as failed', () => {
  const { code, last, output } = runTests(`it('dies', () => process.kill(process.pid, 'SIGKILL'));`);
  expect(code, output).toBe(1);
  expect(last).toMatch(/^0 passed, [1-9]\d* failed, 0 skipped$/);
});

it('fails when nothing ran', () => {
  const nothing = runTests('', 'no-such-file-*');
  expect(nothing.code, nothing.output).toBe(1);
  const skipped = runTests(`it('not here', (test) => test.skip('needs a teapot'));`);
  expect({ code: skipped.code, last: skipped.last }).toEqual({
    code: 1,
    last: '0 passed, 0 failed, 1 skipped',
  });
});

it('begins with files that are there', () => {
  expect(LONG.filter((file) => !existsSync(join(root, file)))).toEqual([]);
});
