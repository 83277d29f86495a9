// @ts-check
// What a guest needs: the emulator, from Debian and not installed; the kernel, Node.js and the programs that tests start, as a folder with
// Debian's packages of the processor; and the addon. All is kept where the rest of ../emulation.mjs is.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { make_prebuilds, missing_prebuilds, path_of } from '../../prebuilds.mjs';
import { from_registry } from '../../registry.mjs';
import { root, SetupError } from '../../setup.mjs';
import { debian_root } from '../debian.mjs';
import { cache, older_node } from '../emulation.mjs';
import { processors } from '../targets.mjs';
import { archive, FILE, FOLDER, load_order, PROGRAM } from './initramfs.mjs';
import { boards, guest_packages, modules_of } from './machines.mjs';

/** The suite of the emulators: those of older ones end Node.js for s390x by signals. */
const SUITE = 'trixie';

/** What Debian calls this machine's processor. @type {Record<string, string>} */
const ARCHITECTURES = { x64: 'amd64' };

/**
 * @typedef {object} Guest
 * @property {import('./machines.mjs').Board} board
 * @property {string[]} qemu the program, and the arguments with which it finds its own files
 * @property {string} system the folder of the guest's root
 * @property {string} kernel
 * @property {string} modules the folder of the kernel's modules
 * @property {string} node the guest's Node.js, as a path in the guest
 * @property {string} binary the addon, in the checkout
 * @property {Record<string, string>} env what the guest's processes take from the environment
 */

/** @param {string} name @returns {import('./machines.mjs').Board} */
const board_of = (name) => /** @type {import('./machines.mjs').Board} */ (boards[name]);

/** @param {string} name @returns {import('../targets.mjs').Processor} */
const processor_of = (name) =>
  /** @type {import('../targets.mjs').Processor} */ (processors[board_of(name).processor]);

/** The emulator's folder and packages. kmod: depmod(8) works for every processor. @param {string} name */
function emulator_of(name) {
  const { package: qemu } = board_of(name).qemu;
  const arch = ARCHITECTURES[process.arch] ?? process.arch;
  return { folder: join(cache, qemu), wanted: { arch, suite: SUITE, packages: [qemu, 'kmod'] } };
}

/** The guest's folder and packages. @param {string} name */
function system_of(name) {
  const { arch, suite, packages } = processor_of(name).debian;
  const all = [...packages, board_of(name).kernel, ...guest_packages];
  return { folder: join(cache, name), wanted: { arch, suite, packages: all } };
}

/**
 * Gets what a guest needs, unless it is there.
 *
 * @param {string} name of a board
 * @returns {Guest}
 * @throws {SetupError} that says what cannot be had
 */
export function prepare(name) {
  const { npm, binary } = processor_of(name);
  const emulator = emulator_of(name);
  const tools = debian_root(emulator.folder, emulator.wanted);
  const { folder, wanted } = system_of(name);
  const system = debian_root(folder, wanted);
  make_prebuilds(missing_prebuilds([binary]));
  const { kernel, modules } = kernel_of(system, tools);
  return {
    board: board_of(name),
    qemu: [
      ...program(tools, board_of(name).qemu.program),
      ...['qemu', 'seabios'].flatMap((each) => ['-L', join(tools, 'usr', 'share', each)]),
    ],
    system,
    kernel,
    modules,
    node: npm ? join(from_registry(`${npm.name}@${npm.version}`), npm.name, 'bin', 'node') : '/usr/bin/node',
    binary: path_of(binary),
    env: npm ? older_node : {},
  };
}

/**
 * A program of an unpacked Debian of this processor, with its loader: it runs whatever this machine's own Debian is.
 *
 * @param {string} folder
 * @param {string} name
 */
function program(folder, name) {
  const [path] = ['bin', 'sbin'].map((each) => join(folder, 'usr', each, name)).filter(existsSync);
  const libraries = join(folder, 'usr', 'lib');
  const loader = ['lib64', 'lib']
    .map((each) => join(folder, 'usr', each))
    .filter(existsSync)
    .flatMap((each) => readdirSync(each).map((file) => join(each, file)))
    .find((file) => basename(file).startsWith('ld-linux'));
  // Firmware of other processors has folders of that kind, too.
  const own = readdirSync(libraries)
    .filter((each) => each.endsWith('-linux-gnu'))
    .map((each) => join(libraries, each))
    .find((each) => existsSync(join(each, 'libc.so.6')));
  if (!path || !loader || !own) throw new SetupError(`no ${name} in ${folder}`);
  return [loader, '--library-path', own, path];
}

/**
 * @param {string} system
 * @param {string} tools
 * @returns {{ kernel: string, modules: string }}
 */
function kernel_of(system, tools) {
  const boot = join(system, 'boot');
  const [image] = readdirSync(boot).filter((file) => /^vmlinu[xz]-/.test(file));
  if (!image) throw new SetupError(`no kernel in ${boot}`);
  const release = image.replace(/^vmlinu[xz]-/, '');
  const modules = join(system, 'lib', 'modules', release);
  // A package's script would make it.
  if (!existsSync(join(modules, 'modules.dep'))) {
    const [loader = '', ...args] = program(tools, 'depmod');
    const { status, stderr } = spawnSync(loader, [...args, '-b', system, release], { encoding: 'utf8' });
    if (status !== 0) throw new SetupError(`depmod: ${stderr}`);
  }
  return { kernel: join(boot, image), modules };
}

/**
 * The guest's first file system.
 *
 * @param {Guest} guest
 * @param {Record<string, string>} settings what guest/init and guest/start take from there
 * @returns {Buffer}
 */
export function initramfs_of({ board, system, modules }, settings) {
  const read = (/** @type {string} */ file) => readFileSync(join(modules, file), 'utf8');
  const order = load_order(modules_of(board), read('modules.dep'), read('modules.builtin'));
  const busybox = [join(system, 'usr', 'bin'), join(system, 'bin')]
    .map((each) => join(each, 'busybox'))
    .find(existsSync);
  if (!busybox) throw new SetupError(`no busybox in ${system}`);
  const quoted = (/** @type {string} */ text) => `'${text.replaceAll("'", "'\\''")}'`;
  return archive([
    ...['bin', 'dev', 'layers', 'modules', 'proc', 'root', 'shares'].map((name) => ({ name, mode: FOLDER })),
    { name: 'bin/busybox', mode: PROGRAM, data: readFileSync(busybox) },
    {
      name: 'init',
      mode: PROGRAM,
      data: readFileSync(join(root, 'scripts', 'foreign', 'kernel', 'guest', 'init')),
    },
    {
      name: 'settings',
      mode: FILE,
      data: Object.entries(settings)
        .map(([name, value]) => `${name}=${quoted(value)}\n`)
        .join(''),
    },
    { name: 'modules/order', mode: FILE, data: order.map((path) => `${basename(path)}\n`).join('') },
    ...order.map((path) => ({
      name: `modules/${basename(path)}`,
      mode: FILE,
      data: readFileSync(join(modules, path)),
    })),
  ]);
}
