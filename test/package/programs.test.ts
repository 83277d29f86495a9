// Programs that Node does not run as they were written: servers in TypeScript, by tsx and by Node's type stripping, and
// bundled to one file. Their workers import them again.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest';
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

/** Bundles a program by esbuild into a folder with the binary as docs/install.md says. @returns the bundle */
function bundle(ctx: TestContext, entry: string, name: string, format: string): string {
  const esbuild = tool('esbuild/bin/esbuild');
  if (!existsSync(esbuild)) ctx.skip('needs esbuild from the registry');
  const output = join(folder, format, name);
  const made = run(
    root,
    normal_path,
    esbuild,
    entry,
    `--outfile=${output}`,
    '--bundle',
    '--platform=node',
    // Without it esbuild renames classes of CommonJS that are imported under their own name.
    '--keep-names',
    `--format=${format}`,
  );
  expect(made).toMatchObject({ code: 0 });
  const libc = existsSync('/etc/alpine-release') ? 'musl' : 'glibc';
  const place = join(folder, format, 'prebuilds', `linux-${process.arch}`);
  mkdirSync(place, { recursive: true });
  copyFileSync(binary, join(place, `bsd-sockets.${libc}.node`));
  return output;
}

test('a server that is bundled to one file', (ctx) => {
  const output = bundle(ctx, program, 'bundle.mjs', 'esm');
  expect(run(folder, normal_path, process.execPath, output)).toEqual(SERVED);
  const elsewhere = join(folder, 'alone.mjs');
  copyFileSync(output, elsewhere);
  expect(run(folder, normal_path, process.execPath, elsewhere).stderr).toContain('beside the bundle');
  const env = ['env', `BSD_SOCKETS_BINARY=${binary}`] as const;
  expect(run(folder, normal_path, ...env, process.execPath, elsewhere)).toEqual(SERVED);
});

test('a program that is bundled to CommonJS', (ctx) => {
  symlinkSync(root, tool('bsd-sockets'));
  const source = join(folder, 'pair.mjs');
  writeFileSync(
    source,
    "import { socketpair } from 'bsd-sockets/socket'; const [a, b] = socketpair(); a.send('hi'); console.log(b.recv(9).toString());",
  );
  const output = bundle(ctx, source, 'bundle.cjs', 'cjs');
  expect(run(folder, normal_path, process.execPath, output)).toMatchObject({ code: 0, stdout: 'hi\n' });
});
