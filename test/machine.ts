// What differs between the machines that the tests run on, processor, C library and runtime: for tests that read bytes by themselves.
import { endianness } from 'node:os';

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
