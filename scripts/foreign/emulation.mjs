// @ts-check
// What programs of another processor need here: the emulator, a Node.js, its C library, and the addon. Node.js and the C
// library are kept in node_modules/.cache/foreign, or in the folder that FOREIGN_CACHE names; what comes from npm, and the addon, in
// node_modules/.cache.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { make_prebuilds, missing_prebuilds, path_of } from '../prebuilds.mjs';
import { from_registry } from '../registry.mjs';
import { root, SetupError } from '../setup.mjs';
import { debian_root } from './debian.mjs';
import { processors } from './targets.mjs';

const cache = process.env.FOREIGN_CACHE ?? join(root, 'node_modules', '.cache', 'foreign');

/**
 * @typedef {object} Emulation
 * @property {string} interpreter a program that takes one of the processor, and its arguments, and runs it
 * @property {string} node the Node.js of the processor
 * @property {string} bin a folder that holds nothing but `node`, for PATH
 * @property {string} binary the addon
 */

/**
 * Where the files of a processor are, or will be.
 *
 * @param {string} name
 * @returns {Emulation}
 */
function emulation_of(name) {
  const { binary, qemu } = processors[name];
  const folder = join(cache, name);
  const bin = join(folder, 'bin');
  const interpreter = join(folder, `qemu-${qemu}`);
  return { interpreter, node: join(bin, 'node'), bin, binary: path_of(binary) };
}

/**
 * What this machine lacks to run programs of a processor, without a look at the network.
 *
 * @param {string} name
 * @returns {string} '' if nothing
 */
export function lacks(name) {
  const { binary, qemu } = processors[name];
  if (spawnSync(`qemu-${qemu}`, ['--version']).error)
    return `qemu-${qemu} is not here: apt-get install qemu-user`;
  const { interpreter, node } = emulation_of(name);
  if (![interpreter, node].every((file) => existsSync(file)) || missing_prebuilds([binary]).length > 0)
    return `npm run test:foreign -- ${name} has not prepared it, or for other sources`;
  return '';
}

/**
 * Gets what programs of a processor need, unless it is there.
 *
 * @param {string} name
 * @returns {Emulation}
 * @throws {SetupError} that says what cannot be had
 */
export function prepare(name) {
  const { binary, qemu, debian, npm } = processors[name];
  if (spawnSync(`qemu-${qemu}`, ['--version']).error) throw new SetupError(lacks(name));
  const files = emulation_of(name);
  const sysroot = debian_root(join(cache, name, 'debian'), debian);
  mkdirSync(files.bin, { recursive: true });
  const folder = npm ? from_registry(npm.name, npm.version) : join(sysroot, 'usr');
  rmSync(files.node, { force: true });
  symlinkSync(join(folder, 'bin', 'node'), files.node);
  writeFileSync(files.interpreter, `#!/bin/sh\nexec qemu-${qemu} -L '${sysroot}' "$@"\n`, { mode: 0o755 });
  make_prebuilds(missing_prebuilds([binary]));
  return files;
}
