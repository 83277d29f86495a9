// @ts-check
// What programs of another processor, or of another C library, need here: the emulator, a Node.js, its C library, and the addon. What
// is of Debian is kept in node_modules/.cache/foreign, or in the folder that FOREIGN_CACHE names; what comes from npm, and the addon, in
// node_modules/.cache.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { make_prebuilds, missing_prebuilds, path_of } from '../prebuilds.mjs';
import { fetched, from_registry } from '../registry.mjs';
import { root, SetupError } from '../setup.mjs';
import { debian_root } from './debian.mjs';
import { lacks_for_musl, musl_of, prepare_musl, rolldown_of } from './musl.mjs';
import { binfmt_of, processors } from './targets.mjs';

export const cache = process.env.FOREIGN_CACHE ?? join(root, 'node_modules', '.cache', 'foreign');

/**
 * @typedef {object} Emulation
 * @property {string} node the Node.js of the target, or what stands for it
 * @property {string} bin a folder that holds nothing but `node`, for PATH
 * @property {boolean} vitest_too whether vitest runs there, not only the processes with the tests: it is in no other processor's language
 * @property {Record<string, string>} env what enter.sh, and programs, take from the environment
 */

/** The environment of a Node.js that is older than those that are supported. */
export const older_node = { NODE_OPTIONS: `--require ${join(root, 'scripts', 'foreign', 'older.cjs')}` };

/** @param {string} name of a target @returns {string} the target of scripts/prebuilds.mjs */
const binary_of = (name) => (name === 'musl' ? musl_of() : processors[name]).binary;

/** @param {string} name of a target */
const node_of = (name) => join(cache, name, 'bin', 'node');

/** @param {string} name of a processor */
const interpreter_of = (name) => join(cache, name, `qemu-${processors[name].qemu}`);

/** The namespaces of enter.sh. */
function has_namespaces() {
  return spawnSync('unshare', ['--user', '--map-root-user', '--mount', '--net', 'true']).status === 0;
}

/** What is not on this machine, and does not come by itself. @param {string} name of a target @returns {string} '' if nothing */
function lacks_of_machine(name) {
  if (!has_namespaces()) return 'user, mount and network namespaces cannot be made here';
  if (name === 'musl') return lacks_for_musl();
  const qemu = `qemu-${processors[name].qemu}`;
  return spawnSync(qemu, ['--version']).error ? `${qemu} is not here: apt-get install qemu-user` : '';
}

/**
 * What this machine lacks to run programs of a target, without a look at the network.
 *
 * @param {string} name
 * @returns {string} '' if nothing
 */
export function lacks(name) {
  const reason = lacks_of_machine(name);
  if (reason !== '') return reason;
  const there =
    existsSync(node_of(name)) &&
    missing_prebuilds([binary_of(name)]).length === 0 &&
    (name !== 'musl' || fetched(rolldown_of()) !== undefined);
  return there ? '' : `npm run test:foreign -- ${name} has not prepared it, or for other sources`;
}

/**
 * Gets what programs of a target need, unless it is there.
 *
 * @param {string} name
 * @returns {Emulation}
 * @throws {SetupError} that says what cannot be had
 */
export function prepare(name) {
  const reason = lacks_of_machine(name);
  if (reason !== '') throw new SetupError(reason);
  const { debian, npm } = name === 'musl' ? musl_of() : processors[name];
  const sysroot = debian_root(join(cache, name, 'debian'), debian);
  const folder = npm ? join(from_registry(`${npm.name}@${npm.version}`), npm.name) : join(sysroot, 'usr');
  const node = node_of(name);
  mkdirSync(join(cache, name, 'bin'), { recursive: true });
  rmSync(node, { force: true });
  symlinkSync(join(folder, 'bin', name === 'musl' ? 'bun' : 'node'), node);
  make_prebuilds(missing_prebuilds([binary_of(name)]));
  const env = {
    FOREIGN_NODE: node,
    FOREIGN_BINARY: path_of(binary_of(name)),
    FOREIGN_FORMAT: '',
    FOREIGN_LIB: '',
  };
  if (name === 'musl') Object.assign(env, prepare_musl(join(cache, name), sysroot, node));
  else {
    const interpreter = interpreter_of(name);
    const script = `#!/bin/sh\nexec qemu-${processors[name].qemu} -L '${sysroot}' "$@"\n`;
    writeFileSync(interpreter, script, { mode: 0o755 });
    env.FOREIGN_FORMAT = binfmt_of(name, interpreter);
    if (npm) Object.assign(env, older_node);
  }
  return { node, bin: join(cache, name, 'bin'), vitest_too: name === 'musl', env };
}
