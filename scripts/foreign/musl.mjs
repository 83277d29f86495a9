// @ts-check
// The C library musl on this machine, for Bun, which is the only runtime of the registries that is linked with it: the loader from
// Debian, and a libstdc++ that is linked anew, of the compiler's own archive, for what Bun asks of it. Both are seen in /usr/lib of a mount
// namespace: enter.sh.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { from_registry } from '../registry.mjs';
import { root, SetupError } from '../setup.mjs';
import { musl } from './targets.mjs';

/** What libstdc++.a of glibc asks of the C library, and musl does not have. */
const GLIBC = `
char __libc_single_threaded = 0;
unsigned arc4random(void) { return 4; }
int _dl_find_object(void *address, void *result) { (void)address; (void)result; return -1; }
`;

/** The target for this processor. @returns {import('./targets.mjs').Musl} */
export const musl_of = () => musl[process.arch] ?? /** @type {import('./targets.mjs').Musl} */ (musl.x64);

/** rolldown for musl, in the version that vitest takes, as npm names it. */
export function rolldown_of() {
  const file = join(root, 'node_modules', 'rolldown', 'package.json');
  return `${musl_of().rolldown}@${JSON.parse(readFileSync(file, 'utf8')).version}`;
}

/** What this machine lacks, without a look at the network. @returns {string} '' if nothing */
export function lacks_for_musl() {
  if (musl[process.arch] === undefined) return `Bun is not made for musl on ${process.arch}`;
  const missing = ['g++', 'nm', 'readelf'].filter((name) => spawnSync(name, ['--version']).error);
  return missing.length === 0 ? '' : `${missing} not here: apt-get install g++ binutils`;
}

/**
 * Makes the libraries.
 *
 * @param {string} folder where
 * @param {string} sysroot with the C library
 * @param {string} bun the program
 * @returns {Record<string, string>} what programs take from the environment
 */
export function prepare_musl(folder, sysroot, bun) {
  const { loader } = musl_of();
  const lib = join(folder, 'lib');
  mkdirSync(lib, { recursive: true });
  copyFileSync(join(sysroot, 'lib', loader), join(lib, loader));
  link_libstdcxx(folder, join(lib, loader), bun);
  const { rolldown } = musl_of();
  const cpu = rolldown.replace(/.*binding-/, '').replace('-musl', '');
  const binding = join(from_registry(rolldown_of()), rolldown, `rolldown-binding.${cpu}-musl.node`);
  return { FOREIGN_LIB: lib, NAPI_RS_NATIVE_LIBRARY_PATH: binding };
}

/**
 * Links libstdc++.so.6 with what a program asks of it and the C library does not have.
 *
 * @param {string} folder
 * @param {string} loader the C library
 * @param {string} program
 */
function link_libstdcxx(folder, loader, program) {
  const names = (/** @type {string} */ text, /** @type {RegExp} */ pattern) =>
    [...text.matchAll(pattern)].map(([, name = '']) => name);
  const has = new Set(names(run('nm', '-D', '--defined-only', loader), /^\w+ \w (\w+)/gm));
  const wanted = [
    // Functions that have to be there; variables, which are known by the relocation that copies them.
    ...names(run('nm', '-D', '--undefined-only', program), /^ +U (\w+)/gm),
    ...names(run('readelf', '-rW', program), /_COPY .* (\w+)(?:@\S+)? \+ 0$/gm),
  ].filter((name) => !has.has(name));
  const source = join(folder, 'glibc.c');
  writeFileSync(source, GLIBC);
  run('gcc', '-O2', '-fPIC', '-c', source, '-o', join(folder, 'glibc.o'));
  const archive = (/** @type {string} */ name) => run('g++', `-print-file-name=${name}`).trim();
  run(
    'g++',
    ...[
      '-shared',
      '-nostdlib',
      '-s',
      '-o',
      join(folder, 'lib', 'libstdc++.so.6'),
      '-Wl,-soname,libstdc++.so.6',
    ],
    ...['-Wl,--gc-sections', ...wanted.map((name) => `-Wl,-u,${name}`)],
    ...[archive('crtbeginS.o'), join(folder, 'glibc.o'), '-Wl,--start-group'],
    ...['libstdc++.a', 'libgcc_eh.a', 'libgcc.a'].map(archive),
    ...['-Wl,--end-group', archive('crtendS.o')],
  );
}

/** @param {string} program @param {...string} args @returns {string} what it prints */
function run(program, ...args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status === 0) return stdout;
  throw new SetupError(`${program}, for musl: ${error?.message ?? stderr.trim()}`);
}
