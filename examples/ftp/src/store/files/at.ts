// System calls on a name in an open directory, as openat(2), unlinkat(2), renameat(2) …: Node has none of them, so the directory is
// /proc/self/fd/N, which the kernel follows to the directory itself, whatever its path is by now. No function here follows a symbolic link in
// the last name, save those of a descriptor.
//
// O_PATH opens anything without touching it: no device starts, no FIFO waits. Its descriptor is good for fstat, and to be opened again.
import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { code_of } from '../errors.js';
import { encode_name } from '../names.js';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = fs.constants;
/** The same on all processors that Node.js runs on. */
const O_PATH = 0o10000000;

const sys = {
  open: promisify(fs.open),
  close: promisify(fs.close),
  lstat: promisify(fs.lstat),
  unlink: promisify(fs.unlink),
  rmdir: promisify(fs.rmdir),
  mkdir: promisify(fs.mkdir),
  rename: promisify(fs.rename),
  link: promisify(fs.link),
  chmod: promisify(fs.chmod),
  utimes: promisify(fs.utimes),
  copyFile: promisify(fs.copyFile),
};

/** fsync(2), ftruncate(2), fchmod(2) and fchown(2) of a descriptor. */
export const fsync = promisify(fs.fsync);
export const ftruncate = promisify(fs.ftruncate);
export const fchmod = promisify(fs.fchmod);
export const fchown = promisify(fs.fchown);
/** close(2) of a file that was written: a network file system may write the rest of it now. */
export const close_written = sys.close;

/** close(2), which waits for nothing where nothing was written. So it does not go through the thread pool. */
export function close(fd: number): void {
  fs.closeSync(fd);
}

/** fstat(2): the inode of an open descriptor is in memory. */
export function fstat(fd: number): fs.Stats {
  return fs.fstatSync(fd);
}

/** Returns the path of a descriptor, or of a name in the directory that it is. */
function proc_path(fd: number, name?: string): Buffer {
  const folder = `/proc/self/fd/${fd}`;
  if (name === undefined) return Buffer.from(folder);
  return Buffer.concat([Buffer.from(`${folder}/`), encode_name(name) ?? Buffer.alloc(0)]);
}

/** Opens the home of a user, whose path is the administrator's. Its last name may be a link. */
export function open_home(path: string): Promise<number> {
  return sys.open(path, O_PATH | O_DIRECTORY);
}

/** Opens once more what a descriptor of a directory is, with O_PATH. */
export function open_directory(fd: number): Promise<number> {
  return sys.open(proc_path(fd), O_PATH | O_DIRECTORY);
}

/** Opens a name as it is, a symbolic link too, with O_PATH. */
export function open_path(folder: number, name: string): Promise<number> {
  return sys.open(proc_path(folder, name), O_PATH | O_NOFOLLOW);
}

/** Opens what an O_PATH descriptor of a regular file is, for reading. */
export function reopen(fd: number, access: 'read' | 'write' = 'read'): Promise<number> {
  return sys.open(proc_path(fd), (access === 'read' ? O_RDONLY : O_RDWR) | O_NONBLOCK);
}

/** fsync(2) of a directory: its names are on the disk. One that the server may write and not read cannot be synced. */
export async function sync_directory(fd: number): Promise<void> {
  let readable: number;
  try {
    readable = await sys.open(proc_path(fd), O_RDONLY | O_DIRECTORY);
  } catch (error) {
    if (code_of(error) === 'EACCES') return;
    throw error;
  }
  try {
    await fsync(readable);
  } finally {
    close(readable);
  }
}

/** Makes a file that was not there. */
export function create(folder: number, name: string, mode = 0o666): Promise<number> {
  return sys.open(proc_path(folder, name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
}

/** Opens a regular file of the server's own for writing. */
export function open_own(folder: number, name: string): Promise<number> {
  return sys.open(proc_path(folder, name), O_RDWR | O_NOFOLLOW | O_NONBLOCK);
}

export function stat_of(folder: number, name: string): Promise<fs.Stats> {
  return sys.lstat(proc_path(folder, name));
}

/** Returns what a symbolic link says, bytes. */
export async function read_link(folder: number, name: string): Promise<Buffer> {
  return fs.promises.readlink(proc_path(folder, name), { encoding: 'buffer' });
}

/** Returns the names in a directory, bytes. */
export function list_names(fd: number): Promise<Buffer[]> {
  return fs.promises.readdir(proc_path(fd), { encoding: 'buffer' });
}

export function unlink(folder: number, name: string): Promise<void> {
  return sys.unlink(proc_path(folder, name));
}

export function rmdir(folder: number, name: string): Promise<void> {
  return sys.rmdir(proc_path(folder, name));
}

export async function mkdir(folder: number, name: string): Promise<void> {
  await sys.mkdir(proc_path(folder, name), 0o777);
}

/** Renames within one directory or between two; what has the new name is replaced. */
export function rename(from: number, name: string, to: number, new_name: string): Promise<void> {
  return sys.rename(proc_path(from, name), proc_path(to, new_name));
}

/** Gives a file another name, which must be new (EEXIST). */
export function link(from: number, name: string, to: number, new_name: string): Promise<void> {
  return sys.link(proc_path(from, name), proc_path(to, new_name));
}

/** chmod(2) of what an O_PATH descriptor is. */
export function set_mode(fd: number, mode: number): Promise<void> {
  return sys.chmod(proc_path(fd), mode);
}

/** utimes(2) of what an O_PATH descriptor is; times in ms. As Dates, because Node takes a number below 0 for now. */
export function set_times(fd: number, accessed_ms: number, modified_ms: number): Promise<void> {
  return sys.utimes(proc_path(fd), new Date(accessed_ms), new Date(modified_ms));
}

/**
 * Copies an open file to a name that was not there. With `clone`, both share their blocks until one is written (FICLONE), or nothing happens:
 * ENOTSUP, EXDEV, EINVAL, EOPNOTSUPP, ENOTTY by file system.
 */
export function copy(fd: number, folder: number, name: string, clone: boolean): Promise<void> {
  const { COPYFILE_EXCL, COPYFILE_FICLONE, COPYFILE_FICLONE_FORCE } = fs.constants;
  const how = clone ? COPYFILE_FICLONE_FORCE : COPYFILE_FICLONE;
  return sys.copyFile(proc_path(fd), proc_path(folder, name), COPYFILE_EXCL | how);
}

/** Reads at a position; 0 is the end. */
export function read(fd: number, buffer: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(fd, buffer, 0, buffer.length, position, (error, count) =>
      error ? reject(error) : resolve(count),
    );
  });
}

/** Writes all of it at a position. */
export async function write(fd: number, chunk: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    done += await write_some(fd, chunk, done, position + done);
  }
}

function write_some(fd: number, chunk: Uint8Array, from: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.write(fd, chunk, from, chunk.length - from, position, (error, count) =>
      error ? reject(error) : resolve(count),
    );
  });
}
