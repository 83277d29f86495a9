// What an upload goes on with: nothing, the file that is there, or the broken upload of the same user to the same name. And its copy.
import { code_of, FileError } from '../errors.js';
import { broken_name } from '../names.js';
import { demand } from '../permissions.js';
import type { UploadOptions } from '../types.js';
import { close, copy, fstat, ftruncate, open_own, stat_of, unlink } from './at.js';
import { or_missing, regular_file } from './entries.js';
import type { Settings } from './settings.js';
import type { Node, Place } from './walk.js';

/** What is there, and what of it stays. */
export interface Base {
  readonly from: 'nothing' | 'file' | 'broken';
  /** where the first byte goes */
  readonly start: number;
  /** bytes of what is there */
  readonly size: number;
}

const NOTHING: Base = { from: 'nothing', start: 0, size: 0 };

/**
 * Chooses what an upload goes on with, and demands the permission for it. A broken upload counts only where no file reaches as far: then SIZE
 * has told its length.
 *
 * @throws FileError EINVAL for an offset behind the end of all there is; EACCES
 */
export async function choose_base(
  settings: Settings,
  path: string,
  place: Place,
  { offset = 0, append = false }: UploadOptions,
): Promise<Base> {
  const exists = place.node !== undefined;
  const size = exists ? regular_file(place, path).stats.size : 0;
  demand(settings.permissions, path, !exists ? 'write' : append ? 'append' : 'overwrite');
  if (append && size > 0) return { from: 'file', start: size, size };
  if (!append && offset === 0) return NOTHING;
  if (!append && exists && offset <= size) return { from: 'file', start: offset, size };
  const broken = await or_missing(stat_of(place.folder, broken_name(settings.user, place.name)));
  if (broken !== undefined && !(append && exists)) {
    const start = append ? broken.size : offset;
    if (start <= broken.size) return { from: 'broken', start, size: broken.size };
  }
  if (append) return NOTHING;
  throw new FileError('EINVAL', path, 'the offset is behind the end');
}

/** Codes of file systems whose files cannot share blocks. */
const NO_CLONES = new Set(['ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'EINVAL', 'ENOTTY', 'ENOSYS', 'EPERM']);

/**
 * Copies what stays of a file to a new name, as one that shares its blocks if the file system can.
 *
 * @param node of the file
 * @param most bytes that are copied without sharing
 * @returns a descriptor of the copy; undefined if the file is larger than `most`
 */
export async function copy_base(
  node: Node,
  folder: number,
  name: string,
  keep: number,
  most: number,
): Promise<number | undefined> {
  try {
    await copy(node.fd, folder, name, true);
  } catch (error) {
    if (!NO_CLONES.has(code_of(error) ?? '')) throw error;
    if (node.stats.size > most) return undefined;
    await copy_slowly(node.fd, folder, name);
  }
  try {
    const fd = await open_own(folder, name);
    try {
      if (fstat(fd).size < keep) throw new FileError('EBUSY', name, 'the file has changed meanwhile');
      await ftruncate(fd, keep);
      return fd;
    } catch (error) {
      close(fd);
      throw error;
    }
  } catch (error) {
    await or_missing(unlink(folder, name));
    throw error;
  }
}

async function copy_slowly(fd: number, folder: number, name: string): Promise<void> {
  try {
    await copy(fd, folder, name, false);
  } catch (error) {
    await or_missing(unlink(folder, name));
    throw error;
  }
}
