// Files that may wait as sockets do (pipes, FIFOs, terminals): opened, read and written in the calling thread, which time-outs,
// signals and terminations reach (native/file.cc), or read on the event loop. `fs` would wait in the kernel, out of their reach.
import { read as fs_read, fstatSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { raise } from '../../errors/raise.js';
import { addon, cells, GENERATION } from '../../native/addon.js';
import { type Bytes, c_string } from '../../util/validate.js';
import { next_turn, READ, ready } from './readiness.js';

const { EAGAIN } = constants.errno;
const pool_read = promisify(fs_read);

/** open_file(path, flags) -> a descriptor, close-on-exec; blocks until a FIFO has its other end. See open(2). @throws OSError */
export function open_file(path: string | URL, flags: number): number {
  const name = c_string(typeof path === 'string' ? path : fileURLToPath(path), 'path');
  const fd = addon.open(name, flags);
  return fd < 0 ? raise(fd, { syscall: 'open', address: name }) : fd;
}

/** read_file(fd, bytes) -> how many bytes were read; 0 at the end of the file. Blocks. See read(2). @throws OSError */
export function read_file(fd: number, bytes: Bytes): number {
  const count = addon.read(fd, bytes, -1, -1);
  return count < 0 ? raise(count, { syscall: 'read', args: { fd } }) : count;
}

/** write_file(fd, bytes) -> how many bytes were written. Blocks. See write(2). @throws OSError */
export function write_file(fd: number, bytes: Bytes): number {
  const count = addon.write(fd, bytes, -1, -1);
  return count < 0 ? raise(count, { syscall: 'write', args: { fd } }) : count;
}

/** write_all(fd, bytes). Writes all of the bytes. Blocks. @throws OSError */
export function write_all(fd: number, bytes: Bytes): void {
  for (let rest = bytes; rest.length > 0; ) rest = rest.subarray(write_file(fd, rest));
}

/** Returns whether a descriptor is that of a file on a disk, whose reads wait for the disk and for nobody else. */
export function is_on_disk(fd: number): boolean {
  const status = fstatSync(fd);
  return status.isFile() || status.isBlockDevice();
}

/**
 * read_later(fd, bytes, position, signal) -> a promise of the number of bytes read, or of -errno. The thread pool, in which a
 * read cannot be ended, gets files on disks alone.
 *
 * @param position where to read; -1: at the position of the file
 * @throws (rejects) the signal's reason
 */
export async function read_later(
  fd: number,
  bytes: Bytes,
  position: number,
  signal?: AbortSignal,
): Promise<number> {
  if (is_on_disk(fd)) {
    try {
      return (await pool_read(fd, bytes, 0, bytes.length, position < 0 ? null : position)).bytesRead;
    } catch (error) {
      return (error as NodeJS.ErrnoException).errno ?? -constants.errno.EIO;
    }
  }
  for (;;) {
    // A file that is always ready (/dev/zero) leaves the event loop its turns.
    await next_turn();
    signal?.throwIfAborted();
    const count = addon.read(fd, bytes, -1, 0);
    if (count !== -EAGAIN) return count;
    await ready(fd, cells[GENERATION] as number, READ, signal);
  }
}
