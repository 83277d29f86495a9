// Capture files: opened, read and written by the addon, whose calls signals and terminations reach, or by node:fs where there is none.
import type { Bytes } from '../../util/validate.js';
import { has_native } from '../bytes/has_native.js';
import { native_open, native_read, native_read_later, native_write } from '../bytes/native.js';

// No import: a bundle for browsers has no node:fs, and builds and parses.
const fs = () => process.getBuiltinModule('node:fs');

function open_file(path: string | URL, flags: number): number {
  return has_native() ? native_open(path, flags) : fs().openSync(path, flags);
}

/** Opens a file to read. Returns its descriptor. @throws the file system's error */
export function open_to_read(path: string | URL): number {
  return open_file(path, fs().constants.O_RDONLY);
}

/** Makes a file, or empties it. Returns its descriptor. @throws the file system's error */
export function open_to_write(path: string | URL): number {
  const { O_WRONLY, O_CREAT, O_TRUNC } = fs().constants;
  return open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
}

/** Opens a file to read, without blocking: opening a FIFO would wait for its writer, and reading it waits as well. */
export function open_later(path: string | URL) {
  const { O_RDONLY, O_NONBLOCK } = fs().constants;
  return fs().promises.open(path, O_RDONLY | (O_NONBLOCK ?? 0));
}

/** Closes a descriptor. */
export function close_file(fd: number): void {
  fs().closeSync(fd);
}

/** Returns how many bytes were read; 0 at the end. @throws the file system's error */
export function read_file(fd: number, bytes: Bytes): number {
  return has_native() ? native_read(fd, bytes) : fs().readSync(fd, bytes);
}

/** The same without blocking. @throws (rejects) the file system's error */
export function read_file_later(fd: number, bytes: Bytes): Promise<number> {
  if (has_native()) return native_read_later(fd, bytes);
  return new Promise((resolve, reject) => {
    fs().read(fd, bytes, 0, bytes.length, null, (error, count) => (error ? reject(error) : resolve(count)));
  });
}

/** Returns how many bytes were written. @throws the file system's error */
export function write_file(fd: number, bytes: Bytes): number {
  return has_native() ? native_write(fd, bytes) : fs().writeSync(fd, bytes);
}
