// @ts-check
// The targets of `npm run test:foreign`, as data: other processors, and another C library on this one. Where a Node.js for them comes from,
// and how Linux tells their programs.

/**
 * A processor that qemu-user emulates.
 *
 * @typedef {object} Processor
 * @property {string} binary the target of scripts/prebuilds.mjs
 * @property {string} qemu the name of the emulator, behind `qemu-`
 * @property {{ bits: 32 | 64, endian: 'little' | 'big', machine: number }} elf what stands in the head of a program: elf(5)
 * @property {{ arch: string, suite: string, packages: string[] }} debian the C library, and Node.js unless it comes from npm
 * @property {{ name: string, version: string }} [npm] the package with Node.js, if Debian's mirrors do not have it
 */

/** @type {Record<string, Processor>} */
export const processors = {
  arm64: {
    binary: 'linux-arm64.glibc',
    qemu: 'aarch64',
    elf: { bits: 64, endian: 'little', machine: 183 },
    debian: { arch: 'arm64', suite: 'trixie', packages: ['nodejs'] },
  },
  armv7l: {
    binary: 'linux-arm.glibc',
    qemu: 'arm',
    elf: { bits: 32, endian: 'little', machine: 40 },
    debian: { arch: 'armhf', suite: 'trixie', packages: ['nodejs'] },
  },
  riscv64: {
    binary: 'linux-riscv64.glibc',
    qemu: 'riscv64',
    elf: { bits: 64, endian: 'little', machine: 243 },
    debian: { arch: 'riscv64', suite: 'trixie', packages: ['nodejs'] },
  },
  s390x: {
    binary: 'linux-s390x.glibc',
    qemu: 's390x',
    elf: { bits: 64, endian: 'big', machine: 22 },
    debian: { arch: 's390x', suite: 'bookworm', packages: ['libc6', 'libstdc++6'] },
    npm: { name: 'node-linux-s390x', version: '20.11.0' },
  },
};

/**
 * Another C library on a processor of this machine. There is no Node.js for musl in the registries, but Bun.
 *
 * @typedef {object} Musl
 * @property {string} binary the target of scripts/prebuilds.mjs
 * @property {string} loader its name in /lib, by which programs ask for it
 * @property {{ arch: string, suite: string, packages: string[] }} debian the C library
 * @property {{ name: string, version: string }} npm the package with Bun
 * @property {string} rolldown the package of rolldown, on which vitest is built, for this C library
 */

/** By process.arch. @type {Record<string, Musl>} */
export const musl = {
  x64: {
    binary: 'linux-x64.musl',
    loader: 'ld-musl-x86_64.so.1',
    debian: { arch: 'amd64', suite: 'trixie', packages: ['musl'] },
    npm: { name: '@oven/bun-linux-x64-musl', version: '1.4.5' },
    rolldown: '@rolldown/binding-linux-x64-musl',
  },
  arm64: {
    binary: 'linux-arm64.musl',
    loader: 'ld-musl-aarch64.so.1',
    debian: { arch: 'arm64', suite: 'trixie', packages: ['musl'] },
    npm: { name: '@oven/bun-linux-aarch64-musl', version: '1.4.5' },
    rolldown: '@rolldown/binding-linux-arm64-musl',
  },
};

/** The names of all targets. */
export const targets = [...Object.keys(processors), 'musl'];

/**
 * The line that makes Linux start a processor's programs by an interpreter: see binfmt_misc in the kernel's documentation.
 *
 * @param {string} name of the processor
 * @param {string} interpreter path of a program that takes the foreign program and its arguments
 */
export function binfmt_of(name, interpreter) {
  const { bits, endian, machine } = /** @type {Processor} */ (processors[name]).elf;
  const half = (/** @type {number} */ value) =>
    endian === 'little' ? [value & 255, value >> 8] : [value >> 8, value & 255];
  const hex = (/** @type {number[]} */ bytes) =>
    bytes.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
  const ident = [0x7f, 0x45, 0x4c, 0x46, bits / 32, endian === 'little' ? 1 : 2, 1, 0, ...Array(8).fill(0)];
  // The system's number does not count; the type may be 2 or 3, a program or one that is loaded anywhere.
  const mask = [...Array(7).fill(255), 0, ...Array(8).fill(255), ...half(0xfffe), 255, 255];
  return `:${name}:M::${hex([...ident, ...half(2), ...half(machine)])}:${hex(mask)}:${interpreter}:`;
}
