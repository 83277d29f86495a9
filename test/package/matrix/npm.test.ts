// The packed file, installed by npm: where there is a compiler and where there is none, with scripts and without, with a binary and
// without. tarball.ts says what a PATH without a compiler has.
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, inject } from 'vitest';
import { install, normal_path, type Outcome, pathWithoutCompiler, run } from '../tarball.js';
import { expect_output, folder_of_tests, node_24, PAIR, pair, project, row, tools } from './harness.js';

const folder = folder_of_tests();
let no_compiler: string;
beforeAll(() => {
  no_compiler = pathWithoutCompiler(folder);
});

const packed = () => inject('packed').file;
const bare = () => inject('bare').file;
const package_of = (user: string) => join(user, 'node_modules', 'bsd-sockets');

const programs = {
  'import.mjs': pair.esm,
  'require.cjs': pair.cjs,
  'root.mjs': pair.esm.replace("* as socket from 'bsd-sockets/socket'", "{ socket } from 'bsd-sockets'"),
  'worker.mjs': `
    import { Worker } from 'node:worker_threads';
    new Worker(new URL('./import.mjs', import.meta.url));
  `,
};

/** Runs every program in a folder that has the package installed, with no compiler on PATH. */
function expect_it_works(user: string): void {
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(user, name), text);
    expect_output(run(user, no_compiler, 'node', name), PAIR);
  }
}

/** The three lines of the error with which an import ends where there is no binary. */
const THREE_LINES =
  /Error: bsd-sockets: no binary for linux-\w+, (glibc|musl) \(Node [\d.]+\)\.\n {2}Looked for \S+.*; BSD_SOCKETS_BINARY names none\.\n {2}If scripts were blocked .*`npm rebuild bsd-sockets --foreground-scripts` compiles it, in npm 12 after `npm approve-scripts bsd-sockets`/;

function expect_three_lines(user: string): void {
  for (const name of ['import.mjs', 'require.cjs'] as const) {
    writeFileSync(join(user, name), programs[name]);
    const { code, stderr } = run(user, no_compiler, 'node', name);
    expect(code).toBe(1);
    expect(stderr).toMatch(THREE_LINES);
  }
}

row('with a binary: needs no compiler, and runs nothing', { quick: true }, () => {
  const user = install(folder, packed(), no_compiler);
  expect(user.code, user.stderr).toBe(0);
  expect(existsSync(join(package_of(user.folder), 'build'))).toBe(false);
  expect_it_works(user.folder);
});

row('with a binary, scripts blocked', { quick: true }, () => {
  const user = install(folder, packed(), no_compiler, '--ignore-scripts');
  expect(user.code, user.stderr).toBe(0);
  expect_it_works(user.folder);
});

// The checkout that runs `npm test` has compiled by itself.
row('without a binary: compiles', {}, () => {
  const user = install(folder, bare(), normal_path);
  expect(user.code, user.stderr).toBe(0);
  expect(existsSync(join(package_of(user.folder), 'build', 'Release'))).toBe(true);
  expect_it_works(user.folder);
});

row('without a binary and a compiler: installs, and the import says three lines', { quick: true }, () => {
  const user = install(folder, bare(), no_compiler);
  expect(user.code, user.stderr).toBe(0);
  expect(user.stderr).toContain(
    'bsd-sockets: the native part is not compiled: this machine lacks a C++ compiler',
  );
  expect_three_lines(user.folder);
});

row(
  'without a binary, scripts blocked: the import says three lines, and their command helps',
  { quick: true },
  () => {
    const user = install(folder, bare(), no_compiler, '--ignore-scripts');
    expect(user.code, user.stderr).toBe(0);
    expect_three_lines(user.folder);
  },
);

row('without a binary, scripts blocked: what the import says to do helps', {}, () => {
  const user = install(folder, bare(), normal_path, '--ignore-scripts');
  const rebuilt = run(user.folder, normal_path, 'npm', 'rebuild', 'bsd-sockets', '--foreground-scripts');
  expect(rebuilt.code, rebuilt.stderr).toBe(0);
  expect_it_works(user.folder);
});

row('without a binary and a node-gyp: the installation says so', { quick: true }, () => {
  const user = install(folder, bare(), no_compiler, '--ignore-scripts');
  const tools = join(user.folder, 'tools');
  mkdirSync(tools);
  // What is looked for is there, but for npm and its node-gyp.
  for (const name of ['g++', 'make', 'python3']) symlinkSync('/bin/true', join(tools, name));
  symlinkSync(process.execPath, join(tools, 'node'));
  const { code, stderr } = run(package_of(user.folder), tools, 'node', 'scripts/install.mjs');
  expect(code).toBe(0);
  expect(stderr).toContain('this machine lacks node-gyp (looked for it in npm, and on PATH).');
});

row('with a binary that does not load: the import names the file and what to do', { quick: true }, () => {
  const user = install(folder, packed(), no_compiler, '--ignore-scripts');
  const prebuilds = join(package_of(user.folder), 'prebuilds', `linux-${process.arch}`);
  const [name = ''] = readdirSync(prebuilds);
  // npm may link the file into its cache.
  rmSync(join(prebuilds, name));
  writeFileSync(join(prebuilds, name), 'not an ELF file');
  writeFileSync(join(user.folder, 'import.mjs'), pair.esm);
  const { code, stderr } = run(user.folder, no_compiler, 'node', 'import.mjs');
  expect(code).toBe(1);
  expect(stderr).toContain(`${join(prebuilds, name)} does not load here`);
  expect(stderr).toMatch(/npm rebuild bsd-sockets/);
});

row('npm 12, which blocks scripts', {}, (ctx) => {
  const node = node_24(ctx);
  const npm = join(tools(ctx, 'npm@12'), 'npm', 'bin', 'npm-cli.js');
  const add = (file: string): { user: string; outcome: Outcome } => {
    const user = project(folder, { 'package.json': '{ "private": true }\n', 'import.mjs': pair.esm });
    const options = ['install', '--no-audit', '--no-fund', '--prefer-offline'];
    return { user, outcome: run(user, normal_path, node, npm, ...options, file) };
  };
  const with_binary = add(packed());
  expect(with_binary.outcome.code, with_binary.outcome.stderr).toBe(0);
  expect_output(run(with_binary.user, no_compiler, node, 'import.mjs'), PAIR);

  const without = add(bare());
  expect(without.outcome.code, without.outcome.stderr).toBe(0);
  expect(run(without.user, no_compiler, node, 'import.mjs').stderr).toMatch(THREE_LINES);
  // What the error says helps.
  for (const command of [['approve-scripts'], ['rebuild', '--foreground-scripts']]) {
    const { code, stderr } = run(without.user, normal_path, node, npm, ...command, 'bsd-sockets');
    expect(code, stderr).toBe(0);
  }
  expect_output(run(without.user, no_compiler, node, 'import.mjs'), PAIR);
});
