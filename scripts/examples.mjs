// @ts-check
// Installs and builds the whole programs of examples/ (those with a package.json of their own), each from the checkout's bsd-sockets.
//
//   node scripts/examples.mjs      what is missing or older than its sources; the library itself: scripts/setup.mjs
//   globalSetup of vitest's project `examples` is the same

import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newest, root, run, run_script, say } from './setup.mjs';

const folder = join(root, 'examples');

/** The programs' folders. */
export const programs = readdirSync(folder)
  .map((name) => join(folder, name))
  .filter((path) => existsSync(join(path, 'package.json')));

/** @throws {import('./setup.mjs').SetupError} when something does not install or compile */
export default function setup_examples() {
  for (const path of programs) {
    if (!packages_are_there(path)) {
      say(`installing packages of ${path}`);
      const options = ['--ignore-scripts', '--no-audit', '--no-fund'];
      run('npm', ['install', ...options], 'npm install failed', path);
    }
    if (is_stale(path)) {
      say(`building ${path}`);
      const started = new Date();
      const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
      run(process.execPath, [tsc, '-p', path], 'The TypeScript did not compile', path);
      writeFileSync(join(path, 'dist', '.built'), started.toISOString());
    }
  }
}

/** @param {string} path a program's folder */
function packages_are_there(path) {
  const { dependencies = {}, devDependencies = {} } = read(join(path, 'package.json'));
  return Object.entries({ ...dependencies, ...devDependencies }).every(([name, wanted]) => {
    const file = join(path, 'node_modules', name, 'package.json');
    return existsSync(file) && (wanted.startsWith('file:') || read(file).version === wanted);
  });
}

/** @param {string} path a program's folder */
function is_stale(path) {
  const built = join(path, 'dist', '.built');
  if (!existsSync(built)) return true;
  const sources = ['src', 'tsconfig.json', 'package.json'].map((name) => join(path, name));
  const made = Date.parse(readFileSync(built, 'utf8'));
  // The types of the library are a source, too.
  return Math.max(newest(sources), statSync(join(root, 'dist', 'package.json')).mtimeMs) > made;
}

/** @param {string} file @returns {any} */
const read = (file) => JSON.parse(readFileSync(file, 'utf8'));

if (process.argv[1] === fileURLToPath(import.meta.url)) await run_script('examples', setup_examples);
