// @ts-check
// `npm run prebuilds`: the stripped binary that is published, in prebuilds/linux-ARCH/bsd-sockets.LIBC.node.
//
//   npm run prebuilds                    for this machine
//   npm run prebuilds -- --arch arm64    for another, by Debian's cross compiler (g++-aarch64-linux-gnu)
//
// CXX, CC, AR and PREBUILD_STRIP_BIN name other tools; further arguments are prebuildify's.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { generate } from './generate.mjs';
import { root } from './setup.mjs';

/** How Debian's cross compilers begin, by what Node.js calls the machine. @type {Record<string, string>} */
const prefixes = {
  arm: 'arm-linux-gnueabihf-',
  arm64: 'aarch64-linux-gnu-',
  ppc64: 'powerpc64le-linux-gnu-',
  riscv64: 'riscv64-linux-gnu-',
  s390x: 's390x-linux-gnu-',
  x64: 'x86_64-linux-gnu-',
};

const args = process.argv.slice(2);
const at = args.indexOf('--arch');
const arch = at === -1 ? process.arch : (args[at + 1] ?? '');
const prefix = arch === process.arch ? '' : prefixes[arch];
if (prefix === undefined) {
  console.error(`--arch ${arch}: known are ${Object.keys(prefixes).join(', ')}`);
  process.exit(1);
}

const tools =
  prefix === ''
    ? {}
    : {
        CC: `${prefix}gcc`,
        CXX: `${prefix}g++`,
        AR: `${prefix}ar`,
        PREBUILD_STRIP_BIN: `${prefix}strip`,
      };
generate();
const prebuildify = join(root, 'node_modules', 'prebuildify', 'bin.js');
const { status } = spawnSync(process.execPath, [prebuildify, '--napi', '--tag-libc', '--strip', ...args], {
  cwd: root,
  stdio: 'inherit',
  env: { ...tools, ...process.env },
});
process.exitCode = status ?? 1;
