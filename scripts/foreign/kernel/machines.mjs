// @ts-check
// The virtual machines of `npm run test:foreign`, as data: for each other processor a board that qemu-system emulates, and the kernel of
// Debian for it. What qemu is told follows from that.
import { join } from 'node:path';

/**
 * @typedef {object} Board
 * @property {string} processor the name in ../targets.mjs
 * @property {{ package: string, program: string, options: string[] }} qemu Debian's package, and what chooses the board and the processor
 * @property {string} kernel Debian's package, of the suite of the processor's C library
 * @property {'device' | 'ccw'} bus the end of the names of qemu's virtio devices on this board
 * @property {string} console the kernel's name of the serial line
 */

/** @type {Record<string, Board>} */
export const boards = {
  'arm64-kernel': {
    processor: 'arm64',
    qemu: {
      package: 'qemu-system-arm',
      program: 'qemu-system-aarch64',
      options: ['-M', 'virt', '-cpu', 'cortex-a72'],
    },
    kernel: 'linux-image-arm64',
    bus: 'device',
    console: 'ttyAMA0',
  },
  'armv7l-kernel': {
    processor: 'armv7l',
    qemu: {
      package: 'qemu-system-arm',
      program: 'qemu-system-arm',
      options: ['-M', 'virt,highmem=off', '-cpu', 'cortex-a15'],
    },
    kernel: 'linux-image-armmp',
    bus: 'device',
    console: 'ttyAMA0',
  },
  'riscv64-kernel': {
    processor: 'riscv64',
    qemu: {
      package: 'qemu-system-riscv',
      program: 'qemu-system-riscv64',
      options: ['-M', 'virt', '-cpu', 'rv64'],
    },
    kernel: 'linux-image-riscv64',
    bus: 'device',
    console: 'ttyS0',
  },
  's390x-kernel': {
    processor: 's390x',
    qemu: {
      package: 'qemu-system-s390x',
      program: 'qemu-system-s390x',
      options: ['-M', 's390-ccw-virtio', '-cpu', 'max'],
    },
    kernel: 'linux-image-s390x',
    bus: 'ccw',
    console: 'ttysclp0',
  },
};

/** Debian's packages in the guest beside Node.js and the C library: what the tests start, and what answers names of services. */
export const guest_packages = [
  'bash',
  'busybox-static',
  'coreutils',
  'gcc',
  'iproute2',
  'libc6-dev',
  'netbase',
  'procps',
  'python3',
  'util-linux',
];

/** The kernel's modules that the guest needs before it sees its file system. */
const MODULES = ['9pnet_virtio', '9p', 'overlay', 'virtio_console', 'virtio_rng'];

/** What a board's bus needs, in the kernel or as modules. @type {Record<Board['bus'], string[]>} */
const BUSES = { device: ['virtio_mmio'], ccw: [] };

/** @param {Board} board @returns {string[]} the modules by name, those on which they depend left out */
export const modules_of = (board) => [...BUSES[board.bus], ...MODULES];

/**
 * @typedef {object} Places
 * @property {string} kernel the image
 * @property {string} initramfs
 * @property {string} system the folder that the guest sees as its root
 * @property {string} project the checkout, at the same path in the guest
 * @property {string} folder what host and guest both write, at the same path in the guest
 */

/** The name of the guest's serial port to the host: see link.mjs. */
const PORT = 'processes';

/** Where the emulator listens for the host's end of the port. @param {string} folder */
export const port_of = (folder) => join(folder, 'port');

/** Where the console's text goes. @param {string} folder */
export const console_of = (folder) => join(folder, 'console');

/**
 * The arguments of qemu-system. The guest has no network but its own loopback.
 *
 * @param {Board} board
 * @param {Places} places
 * @returns {string[]}
 */
export function arguments_of(board, { kernel, initramfs, system, project, folder }) {
  const { bus } = board;
  const share = (/** @type {string} */ name, /** @type {string} */ path, options = ',readonly=on') => [
    ...['-fsdev', `local,id=${name},path=${commas(path)},security_model=none,multidevs=remap${options}`],
    ...['-device', `virtio-9p-${bus},fsdev=${name},mount_tag=${name}`],
  ];
  return [
    ...board.qemu.options,
    ...['-smp', '1', '-m', '2G', '-accel', 'tcg,tb-size=512'],
    ...['-nic', 'none', '-display', 'none', '-monitor', 'none', '-no-reboot', '-no-user-config'],
    ...['-serial', `file:${commas(console_of(folder))}`],
    ...['-chardev', `socket,id=port,server=on,wait=off,path=${commas(port_of(folder))}`],
    ...['-device', `virtio-serial-${bus}`, '-device', `virtserialport,chardev=port,name=${PORT}`],
    ...['-device', `virtio-rng-${bus}`],
    ...share('system', system),
    ...share('project', project),
    ...share('folder', folder, ''),
    ...['-kernel', kernel, '-initrd', initramfs],
    ...['-append', `console=${board.console} quiet loglevel=4 panic=-1 random.trust_cpu=on audit=0`],
  ];
}

/** A comma within a value is written twice. @param {string} path */
const commas = (path) => path.replaceAll(',', ',,');
