// @ts-check
// npm run docs: builds the documentation site, static pages with search, from the sources, docs/ and examples/.
//
//   node scripts/site.mjs [FOLDER]    writes into FOLDER, or site/; exit code 1 if a link or an entry is wrong
//
// typedoc is installed apart, in scripts/site: it needs a TypeScript with a JavaScript interface, and the compiler of this
// project has none.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { generate } from './generate.mjs';
import { root } from './install.mjs';

const home = join(root, 'scripts', 'site');
const typedoc = join(home, 'node_modules', 'typedoc', 'bin', 'typedoc');

/** @param {string} command @param {string[]} args @param {string} cwd */
function run(command, args, cwd) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

generate();
if (!existsSync(typedoc)) run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], home);
const out = resolve(process.argv[2] ?? join(root, 'site'));
run(process.execPath, [typedoc, '--options', join(home, 'typedoc.json'), '--out', out], root);
