// @ts-check
// npm run docs: builds the documentation site, static pages with search, from the sources, docs/ and examples/.
//
//   node scripts/site.mjs [FOLDER]    writes into FOLDER, or site/; exit code 1 if a link or an entry is wrong, or a comment says too little
//
// typedoc is installed apart, in scripts/site: it needs a TypeScript with a JavaScript interface, and the compiler of this
// project has none.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { generate } from './generate.mjs';
import { root } from './install.mjs';
import { missing, stale } from './site/reference.mjs';

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
const scratch = mkdtempSync(join(tmpdir(), 'reference-'));
const json = join(scratch, 'reference.json');
run(process.execPath, [typedoc, '--options', join(home, 'typedoc.json'), '--out', out, '--json', json], root);
const project = JSON.parse(readFileSync(json, 'utf8'));
rmSync(scratch, { recursive: true });
const faults = [
  ...missing(project),
  ...stale(project).map((name) => `${name}: NEVER_THROW is wrong about it`),
];
for (const fault of faults) console.error(`The reference lacks something: ${fault}`);
if (faults.length > 0) process.exitCode = 1;
