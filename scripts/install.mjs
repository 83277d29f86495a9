// @ts-check
// What `npm install` runs: compiles the native part if no binary for this machine comes with the package. It never fails: where there
// is no compiler the package is there all the same, and the import says what to do.
//
// Plain Node without packages; published with the package. scripts/setup.mjs compiles by it, too.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The top folder of the package. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @returns {string} what this machine lacks to compile; '' if nothing */
export function missing_tools() {
  const missing = [
    { what: 'a C++ compiler', names: [process.env.CXX ?? 'g++'] },
    { what: 'make', names: [process.env.MAKE ?? 'make'] },
    { what: 'Python 3', names: [process.env.npm_config_python ?? process.env.PYTHON ?? 'python3', 'python'] },
  ].filter(({ names }) => !names.some(on_path));
  return missing.map(({ what, names }) => `${what} (looked for ${names.join(', ')} on PATH)`).join(', ');
}

/** @param {string} command name on PATH, possibly with arguments behind it, or a path @returns {string | undefined} the file */
function on_path(command) {
  const [name = ''] = command.trim().split(/\s+/);
  const candidates = name.includes('/')
    ? [name]
    : (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name));
  return candidates.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * The command of node-gyp: what the package manager names, that of npm, or else what is on PATH, where yarn 4 puts one that only says
 * that there is none.
 *
 * @returns {string[]} empty if there is none
 */
function node_gyp() {
  const named = process.env.npm_config_node_gyp;
  if (named) return [process.execPath, named];
  const npm = on_path('npm');
  try {
    if (npm) return [process.execPath, createRequire(realpathSync(npm)).resolve('node-gyp/bin/node-gyp.js')];
  } catch {
    // This npm has none.
  }
  return on_path('node-gyp') ? ['node-gyp'] : [];
}

/**
 * The arguments of node-gyp: with the headers of exactly this Node, if they were installed beside it, as nodedir: no download
 * then. Without them, or if npm's configuration names a folder itself, node-gyp decides.
 */
export function build_arguments() {
  const args = ['configure', 'build', '--jobs', String(availableParallelism())];
  const prefix = dirname(dirname(process.execPath));
  const header = join(prefix, 'include', 'node', 'node_version.h');
  if (process.env.npm_config_nodedir || !existsSync(header)) return args;
  const text = readFileSync(header, 'utf8');
  const version = ['MAJOR', 'MINOR', 'PATCH'].map(
    (part) => new RegExp(`NODE_${part}_VERSION (\\d+)`).exec(text)?.[1],
  );
  return version.join('.') === process.versions.node ? [...args, '--nodedir', prefix] : args;
}

/** @returns {string} why compiling failed; '' if it did not */
function compile() {
  const missing = missing_tools();
  if (missing !== '') return `this machine lacks ${missing}`;
  const [program, ...args] = node_gyp();
  if (program === undefined) return 'this machine lacks node-gyp (looked for it in npm, and on PATH)';
  const { error, status, stdout, stderr } = spawnSync(program, [...args, ...build_arguments()], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (error) return `node-gyp did not start: ${error.message}`;
  return status === 0 ? '' : `${stdout}${stderr}node-gyp failed`;
}

async function install() {
  if (process.platform !== 'linux') return;
  // A checkout has the sources of the generated files.
  const generator = join(root, 'scripts', 'generate.mjs');
  if (existsSync(generator)) (await import(pathToFileURL(generator).href)).generate();
  // A published package has its JavaScript, and a binary unless it is for another machine.
  const loader = join(root, 'dist', 'native', 'load.js');
  if (existsSync(loader) && (await import(pathToFileURL(loader).href)).default.find() !== undefined) return;
  const failure = compile();
  if (failure === '') return;
  console.error(`bsd-sockets: the native part is not compiled: ${failure}.`);
  console.error('After installing what is missing: npm rebuild bsd-sockets --foreground-scripts');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await install();
