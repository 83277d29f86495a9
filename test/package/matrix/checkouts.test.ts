// The package from its sources: a clone in which npm's commands are run, the address of a repository as a dependency, and a folder. These
// tests take what is committed.
import { cpSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext } from 'vitest';
import { copyBuilt, normal_path, root, run, runOrThrow } from '../tarball.js';
import { expect_output, folder_of_tests, PAIR, pair, project, row } from './harness.js';

const folder = folder_of_tests();
const options = ['--no-audit', '--no-fund', '--prefer-offline'];
const npm = (place: string, ...args: string[]) => {
  const { code, stdout, stderr } = run(place, normal_path, 'npm', ...args);
  expect(code, `npm ${args.join(' ')}: ${stdout}${stderr}`).toBe(0);
};

/** A fresh clone of what is committed. */
function clone(ctx: TestContext): string {
  if (!existsSync(join(root, '.git'))) ctx.skip('needs a checkout that is a repository');
  const place = project(folder, {});
  runOrThrow(place, normal_path, 'git', 'clone', '--quiet', '--no-hardlinks', root, 'clone');
  return join(place, 'clone');
}

/** Runs a program in the folder of a checkout, whose modules find it by its own name. */
function expect_checkout_works(checkout: string): void {
  const inside = project(checkout, { 'import.mjs': pair.esm, 'require.cjs': pair.cjs });
  expect_output(run(inside, normal_path, process.execPath, 'import.mjs'), PAIR);
  expect_output(run(inside, normal_path, process.execPath, 'require.cjs'), PAIR);
}

row('a clone: npm ci, npm install, npm run build', {}, (ctx) => {
  const checkout = clone(ctx);
  npm(checkout, 'ci', ...options);
  expect_checkout_works(checkout);
  npm(checkout, 'install', ...options);
  npm(checkout, 'run', 'build');
  expect_checkout_works(checkout);
  expect(runOrThrow(checkout, normal_path, 'git', 'status', '--short').stdout).toMatch(
    /^(\?\? project-\w+\/\n)+$/,
  );
});

row('a clone: npm install alone', {}, (ctx) => {
  const checkout = clone(ctx);
  npm(checkout, 'install', ...options);
  expect_checkout_works(checkout);
});

row('a clone: npm pack makes the binaries, and its file works elsewhere', {}, (ctx) => {
  const checkout = clone(ctx);
  npm(checkout, 'ci', '--ignore-scripts', ...options);
  // What is there is taken, if it is made of these sources; the compiler has 200 MB.
  const cache = join('node_modules', '.cache');
  for (const name of ['prebuilds', cache, join(cache, 'packages')]) {
    for (const entry of existsSync(join(root, name)) ? readdirSync(join(root, name)) : []) {
      if (/^(linux-|zig$|@zigc|node-linux-.*@20\.19\.0$)/.test(entry))
        cpSync(join(root, name, entry), join(checkout, name, entry), { recursive: true });
    }
  }
  npm(checkout, 'pack');
  const [file = ''] = readdirSync(checkout).filter((name) => name.endsWith('.tgz'));
  const user = project(folder, { 'package.json': '{ "private": true }', 'import.mjs': pair.esm });
  npm(user, 'install', '--ignore-scripts', ...options, join(checkout, file));
  expect_output(run(user, normal_path, process.execPath, 'import.mjs'), PAIR);
});

row('the address of a repository as a dependency', {}, (ctx) => {
  const checkout = clone(ctx);
  const user = project(folder, {
    'package.json': '{ "private": true }',
    'import.mjs': pair.esm,
    'require.cjs': pair.cjs,
  });
  npm(user, 'install', ...options, `git+file://${checkout}`);
  expect_output(run(user, normal_path, process.execPath, 'import.mjs'), PAIR);
  expect_output(run(user, normal_path, process.execPath, 'require.cjs'), PAIR);
});

row('a folder as a dependency', {}, (ctx) => {
  const checkout = clone(ctx);
  const user = project(folder, { 'package.json': '{ "private": true }', 'import.mjs': pair.esm });
  npm(user, 'install', ...options, checkout);
  npm(user, 'install', ...options);
  expect_output(run(user, normal_path, process.execPath, 'import.mjs'), PAIR);
});

row('a folder that is built as a dependency', { quick: true }, () => {
  const user = project(folder, { 'package.json': '{ "private": true }', 'import.mjs': pair.esm });
  const place = project(folder, {});
  npm(user, 'install', '--ignore-scripts', ...options, copyBuilt(place));
  expect_output(run(user, normal_path, process.execPath, 'import.mjs'), PAIR);
});
