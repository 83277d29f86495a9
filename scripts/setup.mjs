// @ts-check
// Brings a checkout to a runnable state: packages installed, native part compiled, TypeScript built.
// Says what it does, does only what is needed, and takes a few milliseconds when nothing is.
//
//   node scripts/setup.mjs    exit code 1 and a message when something is missing or does not compile
//   import { setup }          for scripts/test.mjs and scripts/sanitize.mjs: throws SetupError instead
//
// Plain Node without packages, because it runs before there are any.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generate } from './generate.mjs';
import { build_arguments, missing_tools, root } from './install.mjs';

export { root };

/** Something the person at the keyboard has to put right; its message says what and how. */
export class SetupError extends Error {}

const binary = join(root, 'build', 'Release', 'bsd_sockets.node');

/** @param {string} message what is being done */
export const say = (message) => process.stderr.write(`setup: ${message}\n`);

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
  const missing = missing_tools();
  if (missing !== '') {
    throw new SetupError(
      `The native part has to be compiled, and this machine lacks ${missing}.\n` +
        '  Debian, Ubuntu:  sudo apt-get install g++ make python3\n' +
        '  Fedora, RHEL:    sudo dnf install gcc-c++ make python3\n' +
        '  Alpine:          sudo apk add g++ make python3 linux-headers\n' +
        'Another compiler is taken from the environment variable CXX.',
    );
  }
  say('compiling the native part (node-gyp)');
  const started = new Date();
  const node_gyp = join(root, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js');
  run(process.execPath, [node_gyp, ...build_arguments()], 'The native part did not compile');
  // make leaves the file alone when its contents cannot have changed; the comparison in nativeIsStale needs a time.
  utimesSync(binary, started, started);
}

// --- TypeScript ----------------------------------------------------------------------------------------------

// The file of dist/ that is written last.
const dist = join(root, 'dist', 'package.json');

function typescriptIsStale() {
  if (!existsSync(dist)) return true;
  const sources = ['lib', 'tsconfig.json', 'tsconfig.build.json', 'scripts/dist.mjs'];
  return newest(sources.map((name) => join(root, name))) > statSync(dist).mtimeMs;
}

function buildTypeScript() {
  say('building TypeScript (tsc, rolldown)');
  const started = new Date();
  run(process.execPath, [join(root, 'scripts', 'dist.mjs')], 'The TypeScript did not compile');
  // A source edited meanwhile counts as newer.
  utimesSync(dist, started, started);
}

// --- helpers -------------------------------------------------------------------------------------------------

/**
 * Runs a program to its end, silently unless it fails.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {string} failure the first line of the error
 * @param {string} [folder] where it runs; the checkout by default
 */
export function run(program, args, failure, folder = root) {
  const result = spawnSync(program, args, {
    cwd: folder,
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
export function newest(paths) {
  let latest = 0;
  for (const path of paths) {
    const stat = statSync(path);
    latest = Math.max(latest, stat.mtimeMs);
    if (stat.isDirectory())
      latest = Math.max(latest, newest(readdirSync(path).map((name) => join(path, name))));
  }
  return latest;
}

/**
 * Runs a script to its end: prints a SetupError as one line, and sets exit code 1.
 *
 * @param {string} name the script's
 * @param {() => void | Promise<void>} main
 */
export async function run_script(name, main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`${name}: ${error.message}`);
    process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await run_script('setup', setup);
