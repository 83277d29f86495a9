// scripts/setup.mjs on a copy of the checkout: does nothing when nothing changed, the right thing when something did,
// and says what is missing.

import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import {
  copyBuilt,
  makeOutputsNew,
  normal_path,
  pathWithoutCompiler,
  root,
  run,
  runOrThrow,
  temporaryFolder,
} from './tarball.js';

const folder = temporaryFolder();
const no_compiler = pathWithoutCompiler(folder);
let copy: string;

beforeAll(() => {
  copy = copyBuilt(folder);
});

/** The sources that a test has changed, or touched: each is newer than what is built from it by a minute, for times of files are coarse. */
const changed = new Set<string>();

beforeEach(() => {
  for (const file of changed) {
    cpSync(join(root, file), join(copy, file));
    touchLater(file, -60);
  }
  changed.clear();
  makeOutputsNew(copy);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const setUp = (path: string) => run(copy, path, 'node', 'scripts/setup.mjs');

function touchLater(file: string, seconds = 60): void {
  if (existsSync(join(root, file))) changed.add(file);
  const later = new Date(Date.now() + seconds * 1000);
  utimesSync(join(copy, file), later, later);
}

it('says and does nothing when nothing changed', () => {
  expect(setUp(no_compiler)).toEqual({ code: 0, stdout: '', stderr: '' });
});

const source = join('lib', 'selectors', 'index.ts');

it('builds the TypeScript when a source is newer, and removes what no source makes any more', () => {
  appendFileSync(join(copy, source), '\nexport const added_by_a_test = 1;\n');
  writeFileSync(join(copy, 'dist', 'gone.js'), '');
  touchLater(source);
  expect(setUp(no_compiler)).toEqual({
    code: 0,
    stdout: '',
    stderr: 'setup: building TypeScript (tsc, rolldown)\n',
  });
  expect(
    run(copy, no_compiler, 'node', '-p', `require('./dist/selectors/index.js').added_by_a_test`).stdout,
  ).toBe('1\n');
  expect(existsSync(join(copy, 'dist', 'gone.js'))).toBe(false);
});

it('says what to install when the native part has to be compiled and there is no compiler', () => {
  touchLater(join('native', 'addon.cc'));
  const { code, stderr } = setUp(no_compiler);
  expect(code).toBe(1);
  expect(stderr).toMatch(/lacks a C\+\+ compiler.*make.*Python 3/);
  expect(stderr).toContain('apt-get install g++ make python3');
});

it('compiles both halves anew when what they agree on changed', () => {
  const ids = ['native/build_id.h', 'lib/native/build_id.ts'];
  const read = () => ids.map((name) => readFileSync(join(copy, name), 'utf8'));
  const before = read();
  appendFileSync(join(copy, 'native', 'layout.txt'), '\nnumbers int | Added by a test.\n  ADDED = 77\n');
  touchLater(join('native', 'layout.txt'));
  const { code, stderr } = setUp(no_compiler);
  const after = read();
  cpSync(join(root, 'native', 'layout.txt'), join(copy, 'native', 'layout.txt'));
  runOrThrow(copy, no_compiler, 'node', 'scripts/generate.mjs');
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('lacks a C++ compiler') });
  for (const [index, name] of ids.entries()) expect(after[index], name).not.toBe(before[index]);
  expect(read()).toEqual(before);
});

it('shows the errors of the compiler', () => {
  writeFileSync(join(copy, 'native', 'broken.cc'), '#error broken by a test\n');
  touchLater(join('native', 'broken.cc'));
  const { code, stderr } = setUp(normal_path);
  rmSync(join(copy, 'native', 'broken.cc'));
  runOrThrow(copy, no_compiler, 'node', 'scripts/generate.mjs');
  expect(code).toBe(1);
  expect(stderr).toContain('broken by a test');
  expect(stderr).toContain('The native part did not compile');
});

it('compiles a source that is newer than the prebuilt binary', () => {
  const prebuilds = join('prebuilds', `${process.platform}-${process.arch}`);
  mkdirSync(join(copy, prebuilds), { recursive: true });
  renameSync(join(copy, 'build'), join(copy, 'build-aside'));
  try {
    writeFileSync(join(copy, prebuilds, 'bsd-sockets.glibc.node'), '');
    touchLater(join(prebuilds, 'bsd-sockets.glibc.node'), 120);
    expect(setUp(no_compiler)).toMatchObject({ code: 0, stderr: '' });
    touchLater(join('native', 'addon.cc'), 180);
    expect(setUp(no_compiler)).toMatchObject({ code: 1, stderr: expect.stringContaining('compiler') });
  } finally {
    rmSync(join(copy, prebuilds), { recursive: true });
    renameSync(join(copy, 'build-aside'), join(copy, 'build'));
  }
});

// The last one: it leaves no dist/.
it('shows the errors of tsc', () => {
  appendFileSync(join(copy, source), 'export const wrong: string = 1;\n');
  touchLater(source);
  const { code, stderr } = setUp(no_compiler);
  expect(code).toBe(1);
  expect(stderr).toContain("Type 'number' is not assignable to type 'string'");
});
