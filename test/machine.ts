// What differs between the machines that the tests run on, processor, C library and runtime: for tests that read bytes by themselves.
import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { TestContext } from 'vitest';

export const little_endian = endianness() === 'LE';

/** The bits of C's long, and of time_t, which follows it unless a program asks for another. */
export const long_bits: 32 | 64 = process.arch === 'arm' || process.arch === 'ia32' ? 32 : 64;

/** Whether the C library is glibc. If it is not, it is musl. */
export const is_glibc = JSON.stringify(process.report.getReport()).includes('"glibcVersionRuntime"');

const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Returns the C int that stands there. */
export const read_int = (bytes: Uint8Array, offset = 0): number =>
  view(bytes).getInt32(offset, little_endian);

/** Returns the uint64_t that stands there. */
export const read_u64 = (bytes: Uint8Array, offset = 0): bigint =>
  view(bytes).getBigUint64(offset, little_endian);

/** Whether the runtime is Node.js, not Bun, as with musl in `npm run test:foreign`. */
export const is_node = process.versions.bun === undefined;

/** How many times longer than here a program may take: under the emulators of `npm run test:foreign`. */
export const slowness = process.env.FOREIGN_FORMAT || process.env.FOREIGN_LINK ? 20 : 1;

/** The function of V8 that collects garbage. */
export function exposed_gc(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

/** The function that collects garbage; skips the test if the runtime has none. */
export function garbage_collector(ctx: TestContext): () => void {
  if (!is_node) ctx.skip('needs gc() of V8');
  return exposed_gc();
}

/** The user and group `nobody`. */
export const NOBODY = 65_534;

/** Skips the test if processes of another user cannot be started: without root, or in a user namespace with one user. */
export function needs_nobody(ctx: TestContext): void {
  if (process.getuid?.() !== 0) ctx.skip('needs root, to give it up in a child process');
  const ranges = readFileSync('/proc/self/uid_map', 'utf8').trim().split('\n');
  const has_nobody = ranges.some((line) => {
    const [first = 0, , count = 0] = line.trim().split(/\s+/).map(Number);
    return first <= NOBODY && NOBODY < first + count;
  });
  if (!has_nobody) ctx.skip('needs another user, and this user namespace has one');
}

/** Sets an option; skips the test if the kernel, or an emulator, does not have it. @param set sets it */
export function needs_option(ctx: TestContext, name: string, set: () => void): void {
  try {
    set();
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOPROTOOPT') throw error;
    ctx.skip(`needs ${name}, which is not there: ${error}`);
  }
}

/**
 * Whether runs of datagrams in sendmmsg can be tested: qemu-user translates few control messages, and hands on the size of the datagrams
 * without turning its bytes around for this machine's kernel.
 */
export const has_runs = !process.env.FOREIGN_FORMAT;

/** Skips the test if select() ends the program for descriptors beyond 1,023: qemu-user, whose sets hold no more. */
export function needs_large_sets(ctx: TestContext): void {
  if (process.env.FOREIGN_FORMAT)
    ctx.skip('needs select() of descriptors beyond 1,023, for which qemu-user aborts');
}

/** Skips a test that compares the bytes of structs with python3's: under an emulator python3 is a program of this machine's processor. */
export function needs_own_python(ctx: TestContext): void {
  if (process.env.FOREIGN_FORMAT) ctx.skip('needs python3 of the same processor');
}
