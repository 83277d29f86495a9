// The binary: where it is, how it is loaded, and what to do if it is not there or does not load.
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILD_ID } from './build_id.js';
import { own_url } from './own_file.js';

// The folder of this file, dist/native/, or of the bundle that holds it.
const here = dirname(fileURLToPath(own_url(typeof __filename === 'string' ? __filename : undefined)));
/** The top folder of the package. */
export const root: string = join(here, '..', '..');
const platform = `${process.platform}-${process.arch}`;

/** Bytes of an ELF header, with the program headers and the name of the loader in all that compilers make. */
const HEAD_SIZE = 4096;

const COMPILE =
  '`npm rebuild bsd-sockets --foreground-scripts` compiles it, in npm 12 after `npm approve-scripts bsd-sockets`; ' +
  'that needs python3, make and a C++17 compiler.';

/**
 * Loads the binary that BSD_SOCKETS_BINARY names, or else the one of this package.
 *
 * @returns the exports of the binary
 * @throws Error with three lines: what is wrong, what was looked for, and what to do
 */
export function load(): unknown {
  const file = process.env.BSD_SOCKETS_BINARY || find();
  if (file === undefined) throw why_missing();
  const module: { exports: { build_id?(): string } } = { exports: {} };
  try {
    process.dlopen(module, file);
  } catch (error) {
    throw why_unloaded(file, error);
  }
  if (module.exports.build_id?.() === BUILD_ID) return module.exports;
  throw failure(
    `${file} and the JavaScript of the package come from different sources.`,
    `The JavaScript is of ${here}, ${BUILD_ID}.`,
    'Install the package anew; in a checkout run `npm run build`.',
  );
}

/** Returns the path of the binary for this platform; undefined if there is none. */
export function find(): string | undefined {
  return process.platform === 'linux' ? places().find((place) => existsSync(place)) : undefined;
}

/** Where the binary may be: compiled, or prebuilt in this package, beside a bundle, or beside the program. */
function places(): string[] {
  const prebuilt = join('prebuilds', platform, `bsd-sockets.${c_library()}.node`);
  const program = process.argv[1];
  const folders = [root, here, ...(program === undefined ? [] : [dirname(program)])];
  return [
    join(root, 'build', 'Release', 'bsd_sockets.node'),
    ...new Set(folders.map((folder) => join(folder, prebuilt))),
  ];
}

/** Returns which C library this program is linked with: the loader that it names is that of the library. */
function c_library(): string {
  return head_of(process.execPath).includes('ld-musl') ? 'musl' : 'glibc';
}

function head_of(file: string): Buffer {
  const head = Buffer.alloc(HEAD_SIZE);
  const fd = openSync(file, 'r');
  try {
    readSync(fd, head);
  } finally {
    closeSync(fd);
  }
  return head;
}

function failure(what: string, details: string, advice: string, cause?: unknown): Error {
  return new Error(`bsd-sockets: ${what}\n  ${details}\n  ${advice}`, { cause });
}

/** Returns whether this file is where the package has it. A folder of bundles, such as that of Next.js, may have a package.json, too. */
function is_package(): boolean {
  try {
    return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).name === 'bsd-sockets';
  } catch {
    return false;
  }
}

function why_missing(): Error {
  if (process.platform !== 'linux') {
    return failure(
      `socket, promises, selectors, socketserver and the command need Linux, and this is ${platform}.`,
      'They make the system calls of Linux.',
      'On Windows they work in WSL 2.',
    );
  }
  const is_bundle = !is_package();
  return failure(
    `no binary for ${platform}, ${c_library()} (Node ${process.versions.node}).`,
    `Looked for ${places().join(', ')}; BSD_SOCKETS_BINARY names none.`,
    is_bundle
      ? 'Put the folder prebuilds/ of the package beside the bundle, or leave bsd-sockets out of the bundle (external).'
      : `If scripts were blocked when the package was installed: ${COMPILE}`,
  );
}

function why_unloaded(file: string, error: unknown): Error {
  const { message, code } = error as NodeJS.ErrnoException;
  const [what, advice] = reason(file, message, code);
  return failure(`${file} does not load here: ${what}.`, message.trim(), advice, error);
}

/** Returns what is wrong with a binary that the loader refused, and what to do. */
function reason(file: string, message: string, code: string | undefined): [what: string, advice: string] {
  if (code === 'ERR_DLOPEN_DISABLED')
    return ['--permission forbids native code', 'Add the flag --allow-addons.'];
  const ours = head_of(process.execPath);
  let theirs: Buffer;
  try {
    theirs = head_of(file);
  } catch {
    const what = existsSync(file) ? 'it cannot be read' : 'there is no such file';
    return [what, 'BSD_SOCKETS_BINARY names the .node file to load.'];
  }
  if (theirs.subarray(0, 4).compare(ours, 0, 4) !== 0) return ['it is no binary of Linux', COMPILE];
  // Class and byte order; then the machine.
  const same =
    ours.subarray(4, 6).equals(theirs.subarray(4, 6)) &&
    ours.subarray(18, 20).equals(theirs.subarray(18, 20));
  if (!same) return ['it is for another processor', COMPILE];
  if (message.includes('GLIBC'))
    return ['the C library of this system is too old (prebuilt binaries need glibc 2.28)', COMPILE];
  if (/libc\.so|libc\.musl|ld-linux|ld-musl/.test(message)) return ['it is for another C library', COMPILE];
  return ['the loader refused it', COMPILE];
}
