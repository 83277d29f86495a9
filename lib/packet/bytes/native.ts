// What the addon does for packets. dist/ has this file for itself and loads it at the first call, so that a program that only builds and
// parses needs no addon: it exports nothing but functions.
import { open_file, read_file, read_later, write_file } from '../../calls/waiting/file.js';
import { raise } from '../../errors/raise.js';
import { addon } from '../../native/addon.js';
import type { Bytes } from '../../util/validate.js';

/** Returns whether the addon is there. @throws the error of its loading if it is not */
export function is_loaded(): boolean {
  return addon !== undefined;
}

/** As add_words of checksum.ts, from 0. */
export function native_sum(bytes: Uint8Array, start: number, end: number): number {
  return addon.sum_words(bytes, start, end);
}

/** open(path, flags) -> a descriptor. A FIFO that waits for its other end can be interrupted. @throws OSError */
export function native_open(path: string | URL, flags: number): number {
  return open_file(path, flags);
}

/** read(fd, bytes) -> how many bytes were read. @throws OSError */
export function native_read(fd: number, bytes: Bytes): number {
  return read_file(fd, bytes);
}

/** The same without blocking. @throws (rejects) OSError */
export async function native_read_later(fd: number, bytes: Bytes): Promise<number> {
  const count = await read_later(fd, bytes, -1);
  return count < 0 ? raise(count, { syscall: 'read', args: { fd } }) : count;
}

/** write(fd, bytes) -> how many bytes were written. @throws OSError */
export function native_write(fd: number, bytes: Bytes): number {
  return write_file(fd, bytes);
}
