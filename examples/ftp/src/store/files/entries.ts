// What is in a directory as the contract's entries, and the opening of a file that is to be read.
import type { Stats } from 'node:fs';
import { code_of, FileError } from '../errors.js';
import { broken_name } from '../names.js';
import type { Entry } from '../types.js';
import { close, fstat, link, open_own, rename, reopen, stat_of, unlink } from './at.js';
import { recover } from './leftovers.js';
import type { owner_names } from './owners.js';
import type { Settings } from './settings.js';
import type { Node, Place } from './walk.js';

type OwnerNames = Awaited<ReturnType<typeof owner_names>>;

/** Returns the entry of what a stat(2) has found. */
export function entry(name: string, stats: Stats, names: OwnerNames): Entry {
  return {
    name,
    type: type_of(stats),
    size: stats.size,
    modified_ms: Math.floor(stats.mtimeMs),
    mode: stats.mode & 0o7777,
    links: stats.nlink,
    ...names(stats.uid, stats.gid),
    unique: `${stats.dev.toString(16)}g${stats.ino.toString(16)}`,
  };
}

function type_of(stats: Stats): Entry['type'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'dir';
  return stats.isSymbolicLink() ? 'link' : 'other';
}

/** Returns the entry of a name in a directory; undefined if it has gone. A link is a link here, wherever it leads. */
export async function look(folder: number, name: string, names: OwnerNames): Promise<Entry | undefined> {
  const stats = await or_missing(stat_of(folder, name));
  return stats && entry(name, stats, names);
}

/** Resolves to undefined if the file is missing. */
export async function or_missing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (code_of(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Returns the node of a place if it is a regular file: nobody opens a FIFO, a socket or a device. */
export function regular_file({ node }: Place, path: string): Node {
  if (node === undefined) throw new FileError('ENOENT', path);
  if (node.stats.isDirectory()) throw new FileError('EISDIR', path);
  if (!node.stats.isFile()) throw new FileError('EINVAL', path, 'not a regular file');
  return node;
}

/** Opens a regular file for reading, as it was before an upload that a killed process began. */
export async function open_file(
  place: Place,
  path: string,
  settings: Settings,
): Promise<{ fd: number; size: number }> {
  const node = regular_file(place, path);
  if (node.stats.size >= settings.in_place_bytes) await recover(place.folder, node);
  const fd = await reopen(node.fd);
  try {
    return { fd, size: fstat(fd).size };
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** Opens the broken upload of a user to a name. */
export function open_broken({ folder, name }: Place, user: string): Promise<number> {
  return open_own(folder, broken_name(user, name));
}

/** Bytes that a quota counts. */
export function counted_size(stats: Stats): number {
  return stats.isFile() ? stats.size : 0;
}

/** Codes of file systems without hard links, and of kernels that forbid one to another's file. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/**
 * Renames a file to a name that nothing has: rename(2) would replace what got the name just now, link(2) fails.
 *
 * @throws Error EEXIST
 */
export async function rename_new(from: number, name: string, to: number, new_name: string): Promise<void> {
  try {
    await link(from, name, to, new_name);
  } catch (error) {
    if (!NO_LINKS.has(code_of(error) ?? '')) throw error;
    if ((await or_missing(stat_of(to, new_name))) !== undefined) throw new FileError('EEXIST', new_name);
    return rename(from, name, to, new_name);
  }
  await unlink(from, name);
}
