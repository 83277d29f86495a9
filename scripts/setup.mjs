// @ts-check
// Brings a checkout to a runnable state: packages installed, native part compiled, TypeScript built.
// Says what it does, does only what is needed, and takes a few milliseconds when nothing is.
//
//   node scripts/setup.mjs    exit code 1 and a message when something is missing or does not compile
//   import { setup }          for scripts/test.mjs and scripts/sanitize.mjs: throws SetupError instead
//
// Plain Node without packages, because it runs before there are any.

import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generate } from './generate.mjs';

/** The top folder of the checkout. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Something the person at the keyboard has to put right; its message says what and how. */
export class SetupError extends Error {}

const binary = join(root, 'build', 'Release', 'bsd_sockets.node');

/** @param {string} message what is being done */
const say = (message) => process.stderr.write(`setup: ${message}\n`);

/**
 * Makes everything that `import 'bsd-sockets'` needs from the checkout.
 *
 * @throws {SetupError} when a tool is missing or a step fails; the step's own output stands in the message
 */
export function setup() {
  checkNode();
  if (!packagesMatchLock()) installPackages();
  generate();
  if (nativeIsStale()) buildNative();
  if (typescriptIsStale()) buildTypeScript();
}

function checkNode() {
  const wanted = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node.replace('>=', '');
  const number = (/** @type {string} */ text) => {
    const [major = 0, minor = 0] = text.split('.').map(Number);
    return major * 1000 + minor;
  };
  if (number(process.versions.node) < number(wanted)) {
    throw new SetupError(`Node.js ${wanted} or newer is needed; this is ${process.versions.node}.`);
  }
}

// --- packages ------------------------------------------------------------------------------------------------

/**
 * Whether node_modules holds what package-lock.json asks for. Compares the contents (npm leaves a copy of what it
 * installed in node_modules/.package-lock.json), because a git checkout changes times at will.
 */
function packagesMatchLock() {
  const installed_file = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed_file)) return false;
  const read = (/** @type {string} */ file) => JSON.parse(readFileSync(file, 'utf8')).packages;
  const installed = read(installed_file);
  const wanted = read(join(root, 'package-lock.json'));
  return Object.keys(wanted).every((path) => {
    const there = installed[path];
    // '' is this package itself; an optional one may be for another platform.
    if (path === '' || (there === undefined && wanted[path].optional)) return true;
    return there?.version === wanted[path].version && there.integrity === wanted[path].integrity;
  });
}

function installPackages() {
  say('installing packages (npm ci)');
  // Without scripts: the only one that matters is our own, which compiles, and that is the next step here.
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], 'npm ci failed');
}

// --- native --------------------------------------------------------------------------------------------------

function nativeIsStale() {
  const sources = [join(root, 'native'), join(root, 'binding.gyp')];
  if (existsSync(binary)) return newest(sources) > statSync(binary).mtimeMs;
  // A source tarball with a prebuilt binary needs no compiler, unless a source was changed since.
  const prebuilt = join(root, 'prebuilds', `${process.platform}-${process.arch}`);
  return !existsSync(prebuilt) || newest(sources) > newest([prebuilt]);
}

function buildNative() {
  checkCompiler();
  say('compiling the native part (node-gyp)');
  const started = new Date();
  const node_gyp = join(root, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js');
  const args = ['configure', 'build', '--jobs', String(availableParallelism())];
  const headers = bundledHeaders();
  if (headers) args.push('--nodedir', headers);
  run(process.execPath, [node_gyp, ...args], 'The native part did not compile');
  // make leaves the file alone when its contents cannot have changed; the comparison in nativeIsStale needs a time.
  utimesSync(binary, started, started);
}

/** Throws unless there are the programs that node-gyp calls. */
function checkCompiler() {
  const missing = [
    { what: 'a C++ compiler', names: [process.env.CXX ?? 'g++'] },
    { what: 'make', names: [process.env.MAKE ?? 'make'] },
    { what: 'Python 3', names: [process.env.npm_config_python ?? process.env.PYTHON ?? 'python3', 'python'] },
  ].filter(({ names }) => !names.some(onPath));
  if (missing.length === 0) return;
  throw new SetupError(
    `The native part has to be compiled, and this machine lacks ${missing
      .map(({ what, names }) => `${what} (looked for ${names.join(', ')} on PATH)`)
      .join(', ')}.\n` +
      '  Debian, Ubuntu:  sudo apt-get install g++ make python3\n' +
      '  Fedora, RHEL:    sudo dnf install gcc-c++ make python3\n' +
      '  Alpine:          sudo apk add g++ make python3 linux-headers\n' +
      'Another compiler is taken from the environment variable CXX.',
  );
}

/** @param {string} command name on PATH, possibly with arguments behind it, or a path */
function onPath(command) {
  const [name = ''] = command.trim().split(/\s+/);
  const candidates = name.includes('/')
    ? [name]
    : (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name));
  return candidates.some((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * The folder to give node-gyp as nodedir, when the headers of exactly this Node were installed beside it: no
 * download then. undefined when they were not, or when npm's configuration names a folder itself.
 */
function bundledHeaders() {
  if (process.env.npm_config_nodedir) return undefined;
  const prefix = dirname(dirname(process.execPath));
  const header = join(prefix, 'include', 'node', 'node_version.h');
  if (!existsSync(header)) return undefined;
  const text = readFileSync(header, 'utf8');
  const version = ['MAJOR', 'MINOR', 'PATCH'].map(
    (part) => new RegExp(`NODE_${part}_VERSION (\\d+)`).exec(text)?.[1],
  );
  return version.join('.') === process.versions.node ? prefix : undefined;
}

// --- TypeScript ----------------------------------------------------------------------------------------------

const dist = join(root, 'dist');

/** The files that tsc makes of the sources in lib/, without their extension, relative to lib/ and to dist/. */
function modules() {
  return filesBelow(join(root, 'lib'))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => relative(join(root, 'lib'), file).replace(/\.ts$/, ''));
}

function typescriptIsStale() {
  const outputs = modules().map((name) => join(dist, `${name}.js`));
  if (!outputs.every((file) => existsSync(file))) return true;
  const oldest = Math.min(...outputs.map((file) => statSync(file).mtimeMs));
  const configs = ['tsconfig.json', 'tsconfig.build.json'].map((name) => join(root, name));
  return newest([join(root, 'lib'), ...configs]) > oldest;
}

function buildTypeScript() {
  say('building TypeScript (tsc)');
  const started = new Date();
  mkdirSync(dist, { recursive: true });
  // tsc leaves the output of a source that is gone; an import of it would go on working here and nowhere else.
  const kept = new Set(modules());
  for (const file of filesBelow(dist)) {
    if (!kept.has(relative(dist, file).replace(/(\.d\.ts|\.js)(\.map)?$/, ''))) rmSync(file);
  }
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  run(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], 'The TypeScript did not compile');
  // A source edited meanwhile counts as newer.
  for (const name of modules()) utimesSync(join(dist, `${name}.js`), started, started);
}

// --- helpers -------------------------------------------------------------------------------------------------

/**
 * Runs a program to its end, silently unless it fails.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {string} failure the first line of the error
 */
function run(program, args, failure) {
  const result = spawnSync(program, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (result.error) throw new SetupError(`${failure}: ${result.error.message}`);
  if (result.status === 0) return;
  const output = `${result.stdout}${result.stderr}`.trimEnd();
  throw new SetupError(`${output}\n${failure} (${result.signal ?? `exit code ${result.status}`}).`);
}

/**
 * The latest modification time, in ms, of these files and of everything in these folders; the folders' own times
 * count too, for a file that was deleted.
 *
 * @param {string[]} paths
 */
function newest(paths) {
  let latest = 0;
  for (const path of paths) {
    const stat = statSync(path);
    latest = Math.max(latest, stat.mtimeMs);
    if (stat.isDirectory())
      latest = Math.max(latest, newest(readdirSync(path).map((name) => join(path, name))));
  }
  return latest;
}

/** @param {string} folder @returns {string[]} every file in it, at any depth; none when it does not exist */
function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)],
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    setup();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`setup: ${error.message}`);
    process.exitCode = 1;
  }
}
