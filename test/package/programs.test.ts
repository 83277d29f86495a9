// Programs that Node does not run as they were written: servers in TypeScript, by tsx and by Node's type stripping, and
// bundled to one file. Their workers import them again.
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { normal_path, root, run } from './tarball.js';

const program = fileURLToPath(new URL('./fixtures/upper.ts', import.meta.url));
const binary = join(root, 'build/Release/bsd_sockets.node');
const SERVED = { code: 0, stdout: 'THREADINGTCPSERVER\nFORKINGTCPSERVER\n', stderr: '' };

let folder: string;
const tool = (path: string) => join(folder, 'node_modules', path);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'programs-'));
  // It brings esbuild. Where the registry is out of reach, the tests say that they need it.
  const options = ['--no-save', '--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts'];
  run(folder, normal_path, 'npm', 'install', '--prefix', folder, ...options, 'tsx@4');
});
afterAll(() => rmSync(folder, { recursive: true }));

test('a server in TypeScript, by tsx', (ctx) => {
  const loader = tool('tsx/dist/loader.mjs');
  if (!existsSync(loader)) ctx.skip('needs tsx from the registry');
  const args = ['--import', pathToFileURL(loader).href, program];
  expect(run(folder, normal_path, process.execPath, ...args)).toEqual(SERVED);
});

test("a server in TypeScript, by Node's type stripping", (ctx) => {
  if (!('typescript' in process.features) || !process.features.typescript) {
    ctx.skip('needs Node 22.18 or newer');
  }
  expect(run(folder, normal_path, process.execPath, '--no-warnings', program)).toEqual(SERVED);
});

test('a server that is bundled to one file', (ctx) => {
  const esbuild = tool('esbuild/bin/esbuild');
  if (!existsSync(esbuild)) ctx.skip('needs esbuild from the registry');
  symlinkSync(join(root, 'node_modules/node-gyp-build'), tool('node-gyp-build'));
  const bundle = join(folder, 'bundle.mjs');
  const options = ['--bundle', '--platform=node', '--format=esm', '--external:node-gyp-build'];
  const made = run(root, normal_path, esbuild, program, `--outfile=${bundle}`, ...options);
  expect(made).toMatchObject({ code: 0 });
  const env = ['env', `BSD_SOCKETS_BINARY=${binary}`] as const;
  expect(run(folder, normal_path, ...env, process.execPath, bundle)).toEqual(SERVED);
});
