// Programs that Node does not run as they were written: TypeScript by tsx and by Node's type stripping, and tests by runners that load
// modules in their own ways. Each runner gets two test files, for it may evaluate the modules of the package anew.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect } from 'vitest';
import { normal_path, root, run } from '../tarball.js';
import { expect_output, folder_of_tests, installed, project, row, tools } from './harness.js';

const folder = folder_of_tests();
const node = process.execPath;
let user: string;
beforeAll(() => {
  user = installed(folder);
});

const SERVED = 'THREADINGTCPSERVER\nFORKINGTCPSERVER\n';
const server = readFileSync(join(root, 'test/package/fixtures/upper.ts'), 'utf8');

row('tsx', { quick: true }, (ctx) => {
  const loader = join(tools(ctx, 'tsx@4'), 'tsx/dist/loader.mjs');
  const place = project(user, { 'package.json': '{ "type": "module" }', 'upper.ts': server });
  expect_output(run(place, normal_path, node, '--import', pathToFileURL(loader).href, 'upper.ts'), SERVED);
});

row("Node's type stripping", { quick: true }, (ctx) => {
  if (!('typescript' in process.features) || !process.features.typescript)
    ctx.skip('needs Node 22.18 or newer');
  const place = project(user, { 'package.json': '{ "type": "module" }', 'upper.ts': server });
  expect_output(run(place, normal_path, node, '--no-warnings', 'upper.ts'), SERVED);
});

/** A test file for any of the runners: sockets, promises, time-outs, errors by their classes. */
const checks = `
  const [a, b] = socket.socketpair();
  a.sendall('hello');
  expect(b.recv(100).toString()).toBe('hello');
  b.settimeout(0.01);
  expect(() => b.recv(1)).toThrow(socket.TimeoutError);
  const [c, d] = promises.socketpair();
  setTimeout(() => c.sendall('later'), 20);
  expect((await d.recv(100)).toString()).toBe('later');
  await expect(d.recv(1, 0, { timeout: 0.01 })).rejects.toThrow(promises.TimeoutError);
  for (const sock of [a, b, c, d]) sock.close();
`;
const esm_test = `
  import * as socket from 'bsd-sockets/socket';
  import * as promises from 'bsd-sockets/promises';
  test('sockets', async () => {${checks}});
`;
const cjs_test = `
  const socket = require('bsd-sockets/socket');
  const promises = require('bsd-sockets/promises');
  test('sockets', async () => {${checks}});
`;

describe('vitest', () => {
  for (const pool of ['forks', 'threads', 'vmThreads']) {
    row(`in ${pool}`, { quick: pool === 'threads' }, () => {
      const place = project(user, {
        'package.json': '{ "type": "module" }',
        'first.test.js': esm_test,
        'second.test.js': esm_test,
      });
      const vitest = join(root, 'node_modules/vitest/vitest.mjs');
      const options = [
        'run',
        '--root',
        place,
        '--globals',
        `--pool=${pool}`,
        '--no-isolate',
        '--maxWorkers=1',
      ];
      const { code, stdout, stderr } = run(place, normal_path, node, vitest, ...options);
      expect(code, `${stdout}${stderr}`).toBe(0);
      expect(stdout).toMatch(/Tests +2 passed/);
    });
  }
});

describe('jest', () => {
  const JEST = 'jest@30';

  row('with ES modules', { quick: true }, (ctx) => {
    const jest = join(tools(ctx, JEST), 'jest/bin/jest.js');
    const place = project(user, {
      'package.json': '{ "type": "module", "jest": { "transform": {} } }',
      'first.test.js': esm_test,
      'second.test.js': esm_test,
    });
    const { code, stderr } = run(place, normal_path, node, '--experimental-vm-modules', jest, '--runInBand');
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('Tests:       2 passed, 2 total');
  });

  row('in its default mode', { quick: true }, (ctx) => {
    const jest = join(tools(ctx, JEST), 'jest/bin/jest.js');
    const place = project(user, {
      'package.json': '{}',
      'first.test.js': cjs_test,
      'second.test.js': cjs_test,
    });
    for (const option of ['--runInBand', '--maxWorkers=2']) {
      const { code, stderr } = run(place, normal_path, node, jest, option);
      expect(code, stderr).toBe(0);
      expect(stderr).toContain('Tests:       2 passed, 2 total');
    }
  });
});

row('mocha, with both kinds of modules', {}, (ctx) => {
  const mocha = join(tools(ctx, 'mocha@11'), 'mocha/bin/mocha.js');
  expect(existsSync(mocha)).toBe(true);
  const body = `
  const [a, b] = socket.socketpair();
  a.sendall('hello');
  if (b.recv(100).toString() !== 'hello') throw new Error('not the same');
  `;
  const place = project(user, {
    'first.test.cjs': `const socket = require('bsd-sockets/socket'); it('require', () => {${body}});`,
    'second.test.mjs': `import * as socket from 'bsd-sockets/socket'; it('import', () => {${body}});`,
  });
  const { code, stdout, stderr } = run(place, normal_path, node, mocha, '*.test.*js');
  expect(code, `${stdout}${stderr}`).toBe(0);
  expect(stdout).toContain('2 passing');
});
